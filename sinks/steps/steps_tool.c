/* SPDX-License-Identifier: BSD-2-Clause */
/* Finds the tool that a program runs, by its usual name: "bwa mem" of `sh -c 'mkdir -p out && bwa mem x'`, "sort" of
 * `timeout 5 sort x`, "plot.py" of `python3 plot.py`. Parses just enough of a shell line for that. */
#include <ctype.h>
#include <string.h>

#include "sinks/steps/steps_tool.h"

#define NESTED_MAX 4  /* of sh -c "sh -c ..." */
#define LAUNCH_MAX 16 /* of timeout 5 nice -n 5 ... */

/* Lists of words, each with a blank before and after. */
static const char reserved[] = " if then else elif do while until ! { ";
static const char syntax[] = " for case fi done esac } ) : exit return break continue shift wait read kill trap ";
static const char builtin[] =
	" cd set export source . module ml echo printf true false umask ulimit unset test [ [[ local declare readonly "
	"shopt pushd popd let type hash alias typeset mapfile readarray pwd ";
static const char quiet[] = " mkdir rm touch sleep ln which cp mv chmod date hostname basename dirname mktemp mkfifo "
			    "cat zcat gzcat bzcat xzcat zstdcat base64 head tail seq yes tee mount umount ";

static const char unknown[] = "$"; /* what is left of $(...) */

static const char *base_of(const char *word)
{
	const char *slash = strrchr(word, '/');

	return slash && slash[1] ? slash + 1 : word;
}

static void set(char out[STEPS_NAME_MAX], const char *name)
{
	memmove(out, name, strlen(name) + 1);
}

static bool find_tool(struct words words, int nested, char out[STEPS_NAME_MAX]);

/* The word taken last is a line of its own. */
static bool find_line(const struct words *words, int nested, char out[STEPS_NAME_MAX])
{
	struct words inner = {.at = words->from, .end = words->at - 1, .line = true};
	char text[STEPS_NAME_MAX];

	if (nested >= NESTED_MAX)
		return false;
	if (words->line) {
		inner.at = strcpy(text, words->word);
		inner.end = text + strlen(text);
	} else if (inner.end > words->end) {
		inner.end = words->end;
	}
	return find_tool(inner, nested + 1, out);
}

/* "bwa mem" */
static void append_subcommand(const char *subcommand, char out[STEPS_NAME_MAX])
{
	size_t n = strlen(out);

	if (n + 1 + strlen(subcommand) >= STEPS_NAME_MAX)
		return;
	out[n] = ' ';
	strcpy(out + n + 1, subcommand);
}

/* Words before a command's name: f() of a function, A=b, if. */
static bool precedes_command(const struct words *words)
{
	size_t blank = 0;

	if (words__is_assignment(words->word) || words__listed(reserved, words->word))
		return true;
	while (words->at + blank < words->end && words->at[blank] == ' ')
		blank++;
	return words->at + blank < words->end && words->at[blank] == '(';
}

/* How well a command names its line. */
enum rank { NAMES_NOTHING, NAMES_BUILTIN, NAMES_PREPARATION, NAMES_LINE };

static enum rank rank_of(const char *name)
{
	if (words__listed(syntax, name) || !strcmp(name, unknown))
		return NAMES_NOTHING;
	if (words__listed(builtin, name))
		return NAMES_BUILTIN;
	return words__listed(quiet, name) ? NAMES_PREPARATION : NAMES_LINE;
}

/* Names the tool of the command that begins with the word taken last, through the programs that only run another one.
 * False if there is no such tool; `out` is then the command's own name. */
static bool name_command(struct words *words, int nested, char out[STEPS_NAME_MAX])
{
	char line[STEPS_NAME_MAX];

	for (int i = 0; i < LAUNCH_MAX; i++) {
		const struct launcher *launcher;

		set(out, base_of(words->word));
		launcher = launcher__find(out);
		if (words->line && rank_of(out) < NAMES_LINE)
			return false;
		switch (launcher ? launcher__take(launcher, words) : LAUNCH_NOTHING) {
		case LAUNCH_NOTHING:
			return !launcher || !launcher__is_wrapper(launcher);
		case LAUNCH_PROGRAM:
			while (words->line && precedes_command(words))
				if (words__take(words) != WORD)
					return false;
			break;
		case LAUNCH_LINE:
			if (find_line(words, nested, line))
				set(out, line);
			return true;
		case LAUNCH_NAME:
			set(out, base_of(words->word));
			return *out;
		case LAUNCH_SUBCOMMAND:
			append_subcommand(words->word, out);
			return true;
		}
	}
	return true;
}

/* To the operator after a command that does not name its line, past what only looks like one in [[ a && b ]]. */
static enum token skip_command(struct words *words)
{
	bool brackets = !strcmp(words->word, "[[");
	enum token token;

	while ((token = words__take(words)) == WORD || (brackets && token == OPERATOR))
		if (brackets && token == WORD && !strcmp(words->word, "]]"))
			brackets = false;
	return token;
}

/* To the end of a pattern of case: "a|b)". */
static void skip_pattern(struct words *words)
{
	enum token token;

	while ((token = words__take(words)) != END)
		if (token == OPERATOR ? words->ended_by == ')' : !strcmp(words->word, "esac"))
			return;
}

/* Whether that word and blanks come before this place. */
static bool follows(const struct words *line, const char *at, const char *word)
{
	size_t n = strlen(word);

	while (at > line->at && at[-1] == ' ')
		at--;
	return (size_t)(at - line->at) >= n && !memcmp(at - n, word, n);
}

/* Whether the line defines a function of that name: what its body runs may name the line, its calls do not. */
static bool is_function(const struct words *line, const char *name)
{
	size_t n = strlen(name);

	for (const char *at = line->at; n && (at = memmem(at, line->end - at, name, n)); at += n) {
		const char *after = at + n;

		if (at > line->at && (isalnum((unsigned char)at[-1]) || strchr("_-./", at[-1])))
			continue;
		while (after < line->end && *after == ' ')
			after++;
		if ((line->end - after >= 2 && after[0] == '(' && after[1] == ')') || follows(line, at, "function"))
			return true;
	}
	return false;
}

static bool find_tool(struct words words, int nested, char out[STEPS_NAME_MAX])
{
	const struct words line = words;
	char fallback[STEPS_NAME_MAX] = "";
	enum rank best = NAMES_NOTHING;
	enum token token;

	while ((token = words__take(&words)) != END) {
		if (token == OPERATOR && words.ended_by == WORDS_BRANCH)
			skip_pattern(&words);
		if (token == OPERATOR || (words.line && precedes_command(&words)))
			continue;
		if (words.line && !strcmp(words.word, "function")) {
			words__take(&words); /* its name */
			continue;
		}
		*out = '\0';
		if (!(words.line && is_function(&line, words.word)) && name_command(&words, nested, out))
			return true;
		if (*out && rank_of(out) > best) {
			best = rank_of(out);
			set(fallback, out);
		}
		if (!strcmp(out, "case") || (skip_command(&words) == OPERATOR && words.ended_by == WORDS_BRANCH))
			skip_pattern(&words);
	}
	set(out, fallback);
	return *out;
}

void steps_tool__name(const struct model_command *command, const char *comm, char out[STEPS_NAME_MAX])
{
	struct words words = {.line = false};
	const char *name = model_command__name(command, comm);
	size_t n = strnlen(name, STEPS_NAME_MAX - 1), size;

	if (command && command->args.data) {
		words.at = command->args.data;
		size = command->args.length;
		words.end = words.at + (size < STEPS_TEXT_MAX ? size : STEPS_TEXT_MAX);
		if (find_tool(words, 0, out))
			return;
	}
	memcpy(out, name, n);
	out[n] = '\0';
}

/* ---- what was to be executed ---- */

/* The first command of a line that its shell does not do itself; false: there is none, or the line may end before it. */
static bool find_first(struct words words, char out[STEPS_NAME_MAX])
{
	const struct words line = words;
	enum token token;

	while ((token = words__take(&words)) != END) {
		if (token == OPERATOR || precedes_command(&words) || !strcmp(words.word, "exec"))
			continue;
		if (words__listed(builtin, words.word)) {
			skip_command(&words);
			continue;
		}
		if (!*words.word || strchr(words.word, '$') || words__listed(syntax, words.word) ||
		    is_function(&line, words.word))
			return false;
		set(out, words.word);
		return true;
	}
	return false;
}

enum steps_called steps_tool__called(const struct model_command *command, char out[STEPS_NAME_MAX])
{
	struct words words = {.line = false};
	const struct launcher *launcher;
	size_t size = command ? command->args.length : 0;
	bool wrapper;

	if (!size)
		return STEPS_CALLED_NOTHING;
	words.at = command->args.data;
	words.end = words.at + (size < STEPS_TEXT_MAX ? size : STEPS_TEXT_MAX);
	if (words__take(&words) != WORD)
		return STEPS_CALLED_NOTHING;
	if (!strcmp(base_of(words.word), "busybox") && words__take(&words) != WORD) /* its shell is a part of it */
		return STEPS_CALLED_NOTHING;
	launcher = launcher__find(base_of(words.word));
	wrapper = launcher && launcher__is_wrapper(launcher);
	switch (launcher ? launcher__take(launcher, &words) : LAUNCH_NOTHING) {
	case LAUNCH_PROGRAM:
		set(out, words.word);
		return wrapper ? STEPS_CALLED_PROGRAM : STEPS_CALLED_NOTHING;
	case LAUNCH_LINE:
		words = (struct words){.at = words.from, .end = words.at - 1, .line = true};
		if (words.end <= words.at || !find_first(words, out))
			return STEPS_CALLED_NOTHING;
		return wrapper ? STEPS_CALLED_PROGRAM : STEPS_CALLED_FIRST;
	default:
		return STEPS_CALLED_NOTHING;
	}
}
