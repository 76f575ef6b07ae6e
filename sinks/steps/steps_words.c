/* SPDX-License-Identifier: BSD-2-Clause */
/* Splits a shell line into words and operators; nothing is expanded. Arguments are words already. */
#include <string.h>

#include "sinks/steps/steps_tool.h"

bool words__listed(const char *list, const char *word)
{
	size_t n = strlen(word);

	for (const char *at = list; at && n && (at = strstr(at, word)); at++)
		if (at > list && at[-1] == ' ' && at[n] == ' ')
			return true;
	return false;
}

bool words__is_assignment(const char *word)
{
	size_t n = strspn(word, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_");

	return n && (word[n] == '=' || (word[n] == '+' && word[n + 1] == '='));
}

static enum token take_argument(struct words *words)
{
	size_t n, kept;

	if (words->at >= words->end) /* one beyond, if the last argument was cut */
		return END;
	n = strnlen(words->at, words->end - words->at);
	kept = n < STEPS_NAME_MAX ? n : STEPS_NAME_MAX - 1;
	memcpy(words->word, words->at, kept);
	words->word[kept] = '\0';
	words->from = words->at;
	words->at += n + 1;
	return WORD;
}

static bool follows(const struct words *words, char c)
{
	return words->at + 1 < words->end && words->at[1] == c;
}

/* To the last character of $(...) or ((...)). */
static void skip_brackets(struct words *words)
{
	int depth = 0;

	for (; words->at < words->end; words->at++) {
		depth += (*words->at == '(') - (*words->at == ')');
		if (!depth)
			return;
	}
	words->at = words->end - 1;
}

/* A word of a shell line without its quotes. */
static void take_word(struct words *words)
{
	char quote = '\0';
	size_t n = 0;

	for (; words->at < words->end; words->at++) {
		char c = *words->at;

		if (c == quote) {
			quote = '\0';
			continue;
		}
		if (!quote && strchr("'\"`", c) && c) {
			quote = c;
			continue;
		}
		if (!quote && strchr(" \t\n;&|()<>", c))
			break;
		if (c == '\\' && quote != '\'' && words->at + 1 < words->end) {
			c = *++words->at;
			if (c == '\n')
				continue;
		} else if (c == '$' && quote != '\'' && follows(words, '(')) {
			words->at++;
			skip_brackets(words);
		}
		if (n < STEPS_NAME_MAX - 1)
			words->word[n++] = c;
	}
	words->word[n] = '\0';
}

static enum token take_operator(struct words *words)
{
	words->ended_by = *words->at;
	if (*words->at == '(' && follows(words, '(')) {
		skip_brackets(words);
	} else if (*words->at == ';' && (follows(words, ';') || follows(words, '&'))) {
		words->ended_by = WORDS_BRANCH;
		words->at++;
	}
	words->at++;
	return OPERATOR;
}

/* A redirection and its target: not a program. */
static void skip_redirection(struct words *words)
{
	while (words->at < words->end && strchr("<>& \t", *words->at))
		words->at++;
	if (words->at < words->end && words->at[-1] == '<' && *words->at == '(') /* <(...) */
		skip_brackets(words);
	take_word(words);
}

enum token words__take(struct words *words)
{
	if (!words->line)
		return take_argument(words);
	while (words->at < words->end) {
		char c = *words->at;

		if (c == '#') {
			while (words->at < words->end && *words->at != '\n')
				words->at++;
		} else if (strchr(" \t", c)) {
			words->at++;
		} else if (c == '\\' && follows(words, '\n')) {
			words->at += 2;
		} else if (strchr("\n;&|()", c)) {
			return take_operator(words);
		} else if (strchr("<>", c)) {
			skip_redirection(words);
		} else {
			take_word(words);
			if (words->at == words->end || !strchr("<>", *words->at) ||
			    words->word[strspn(words->word, "0123456789")])
				return WORD;
		}
	}
	return END;
}
