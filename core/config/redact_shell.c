/* SPDX-License-Identifier: BSD-2-Clause */
/* Finds in shell code what the table of programs calls secret: the commands of `sh -c`, one by one. It reads words, quotes
 * and operators; an expansion such as $PASSWORD or $(cat file) is not a secret. */
#include "core/config/redact_shell.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#define DEPTH_MAX 4	/* sh -c "ssh host 'sudo sh -c ...'" */
#define UNCLOSED_MAX 64 /* each costs a look at all the rest */

struct script {
	const struct redact_table *table;
	const char *text;
	size_t length;
	struct buffer *out;
	size_t copied; /* bytes of `text` that are in `out` */
	redact_is_name is_name;
	void *arg;
	unsigned unclosed; /* substitutions without an end */
	int err;
};

/* One word, without quotes around it. */
struct word {
	size_t from, to;
	char quote; /* that was around it; 0: none */
};

static bool is_one_of(char c, const char *set)
{
	return c && strchr(set, c);
}

static size_t skip_quotes(struct script *s, size_t at, size_t end, int depth);

/* The end, after its `close`, of a command substitution whose command begins at `at`; 0: it has none. */
static size_t find_close(struct script *s, size_t at, size_t end, char close, int depth)
{
	size_t open = 1;

	while (at < end) {
		if (s->text[at] == '\\') {
			at += 2;
		} else if (close == ')' && is_one_of(s->text[at], "\"'")) {
			at = skip_quotes(s, at, end, depth);
		} else if (s->text[at] == close && !--open) {
			return at + 1;
		} else {
			open += close == ')' && s->text[at] == '(';
			at++;
		}
	}
	s->unclosed++;
	return 0;
}

/* The end of the $(...) or `...` that begins here, in double quotes; 0: none does. *inside: where its command begins. */
static size_t skip_substitution(struct script *s, size_t at, size_t end, int depth, size_t *inside)
{
	bool old = s->text[at] == '`';

	if (depth >= DEPTH_MAX || s->unclosed >= UNCLOSED_MAX ||
	    (!old && (s->text[at] != '$' || at + 1 >= end || s->text[at + 1] != '(')))
		return 0;
	*inside = at + (old ? 1 : 2);
	return find_close(s, *inside, end, old ? '`' : ')', depth + 1);
}

/* The end of a quoted string that begins at `at`. */
static size_t skip_quotes(struct script *s, size_t at, size_t end, int depth)
{
	char quote = s->text[at++];
	size_t inside, to;

	while (at < end && s->text[at] != quote) {
		to = quote == '"' ? skip_substitution(s, at, end, depth, &inside) : 0;
		at = to ? to : at + (s->text[at] == '\\' && quote == '"' ? 2 : 1);
	}
	return at < end ? at + 1 : end;
}

static size_t read_word(struct script *s, size_t at, size_t end, int depth, struct word *word)
{
	size_t from = at, last = at; /* last: start of the last quoted part */
	char quote = 0;

	while (at < end && !is_one_of(s->text[at], " \t\n;|&()<>`")) {
		if (is_one_of(s->text[at], "\"'")) {
			last = at;
			quote = s->text[at];
			at = skip_quotes(s, at, end, depth);
		} else {
			at += s->text[at] == '\\' ? 2 : 1;
		}
	}
	at = at < end ? at : end;
	*word = (struct word){from, at, 0};
	if (quote && last == from && at > from + 1 && s->text[at - 1] == quote)
		*word = (struct word){from + 1, at - 1, quote};
	return at;
}

/* Whether an expansion begins here: the shell replaces it, and its text is not the secret. */
static bool is_expansion(const struct script *s, size_t at, char quote)
{
	if (quote == '\'')
		return false;
	at += at < s->length && s->text[at] == '"';
	if (at < s->length && s->text[at] == '`')
		return true;
	return at + 1 < s->length && s->text[at] == '$' &&
	       (isalnum((unsigned char)s->text[at + 1]) || is_one_of(s->text[at + 1], "_{(@*"));
}

static void hide(struct script *s, size_t from, size_t to, char quote)
{
	const char *first;

	if (is_expansion(s, from, quote))
		return;
	/* --user='u:SECRET': the closing quote stays */
	first = is_one_of(s->text[to - 1], "\"'") ? memchr(s->text + from, s->text[to - 1], to - from) : NULL;
	if (first && first + 1 == s->text + to)
		to--;
	if (from < s->copied || from >= to)
		return;
	if (buffer__append(s->out, s->text + s->copied, from - s->copied) ||
	    buffer__append(s->out, REDACT_HIDDEN, strlen(REDACT_HIDDEN)))
		s->err = -ENOMEM;
	s->copied = to;
}

/* Words before a command that belong to the shell. What is commented out may be a command too. */
static bool is_before_command(const struct script *s, const struct word *word)
{
	static const char *const reserved[] = {"if", "then", "elif", "else", "while", "until",
					       "do", "!",    "{",    "}",    "#"};
	const char *text = s->text + word->from;
	size_t i, length = word->to - word->from;

	for (i = 0; i < sizeof(reserved) / sizeof(*reserved); i++)
		if (strlen(reserved[i]) == length && !memcmp(reserved[i], text, length))
			return true;
	return redact_line__is_assignment(text, length);
}

static void walk(struct script *s, size_t at, size_t end, int depth);

/* The commands in double quotes of a word that the shell replaces by their output. */
static void walk_quoted(struct script *s, size_t at, size_t end, int depth)
{
	bool quoted = false;
	size_t inside, to;

	while (at < end) {
		to = quoted ? skip_substitution(s, at, end, depth, &inside) : 0;
		if (to) {
			walk(s, inside, to - 1, depth + 1);
			at = to;
		} else if (!quoted && s->text[at] == '\'') {
			at = skip_quotes(s, at, end, depth);
		} else {
			quoted = quoted != (s->text[at] == '"');
			at += s->text[at] == '\\' ? 2 : 1;
		}
	}
}

/* Returns whether the next word is a secret. */
static bool take_word(struct script *s, struct redact_line *line, const struct word *word, int depth, bool named)
{
	const char *text = s->text + word->from;
	size_t length = word->to - word->from;
	struct redact_verdict found = redact_line__next(line, text, length);

	if (found.value == REDACT_SECRET)
		hide(s, word->from + found.from, word->from + found.to, word->quote);
	else if (named && length)
		hide(s, word->from, word->to, word->quote);
	else if (found.value == REDACT_SCRIPT && depth < DEPTH_MAX)
		walk(s, word->from + found.from, word->from + found.to, depth + 1);
	return found.value == REDACT_NAME && s->is_name(s->arg, text, length);
}

/* After < or >: the operator and the file. */
static size_t skip_redirection(struct script *s, size_t at, size_t end, int depth)
{
	struct word word;

	while (at < end && is_one_of(s->text[at], "<>&| \t"))
		at++;
	return read_word(s, at, end, depth, &word);
}

static void walk(struct script *s, size_t at, size_t end, int depth)
{
	struct redact_line line;
	struct word word;
	bool begun = false, named = false;
	size_t from;

	while (at < end && !s->err) {
		from = at;
		if (is_one_of(s->text[at], "<>")) {
			at = skip_redirection(s, at, end, depth);
			walk_quoted(s, from, at, depth);
		} else if (is_one_of(s->text[at], " \t")) {
			at++;
		} else if (is_one_of(s->text[at], "\n;|&()`")) {
			begun = named = false;
			at++;
		} else if (s->text[at] == '\\' && at + 1 < end && s->text[at + 1] == '\n') {
			at += 2;
		} else {
			at = read_word(s, at, end, depth, &word);
			if (!begun && is_before_command(s, &word)) {
				walk_quoted(s, from, at, depth);
				continue;
			}
			if (!begun)
				redact_line__start(&line, s->table);
			begun = true;
			named = take_word(s, &line, &word, depth, named);
			walk_quoted(s, from, at, depth);
		}
	}
}

int redact_script__hide(const struct redact_table *table, const char *text, size_t length, struct buffer *out,
			redact_is_name is_name, void *arg)
{
	struct script s = {.table = table, .text = text, .length = length, .out = out, .is_name = is_name, .arg = arg};

	walk(&s, 0, length, 0);
	if (buffer__append(out, text + s.copied, length - s.copied))
		s.err = -ENOMEM;
	return s.err ? s.err : s.copied > 0;
}
