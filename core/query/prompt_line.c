/* SPDX-License-Identifier: BSD-2-Clause */
/* Reads lines from a terminal: by libedit, with a history and completion, or else as the terminal gives them. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/query/prompt.h"

#define PROMPT "collector> "
#define PROMPT_MORE "      ...> "

#ifdef HAVE_LIBEDIT

#include <histedit.h>

#define HISTORY_SIZE 1000
#define LIST_COLUMNS 60 /* of matching words, and one word more */
#define WORD "abcdefghijklmnopqrstuvwxyz0123456789_."

const char *const prompt_line__lacks;

struct prompt_line {
	EditLine *edit;
	History *history;
	const char *file; /* of the history; may be NULL */
	const char *const *words;
	bool more;
};

static char *prompt_of(EditLine *edit)
{
	struct prompt_line *line;

	el_get(edit, EL_CLIENTDATA, &line);
	return line->more ? PROMPT_MORE : PROMPT;
}

/* How many words begin so, and the longest beginning that they have in common. */
static size_t find_common(const struct prompt_line *line, const char *word, size_t length, const char **first,
			  size_t *common)
{
	size_t count = 0;

	for (size_t i = 0; line->words[i]; i++) {
		size_t same = length;

		if (strncmp(line->words[i], word, length))
			continue;
		if (!count++) {
			*first = line->words[i];
			*common = strlen(*first);
			continue;
		}
		while (same < *common && line->words[i][same] == (*first)[same])
			same++;
		*common = same;
	}
	return count;
}

static void list(const struct prompt_line *line, const char *word, size_t length)
{
	size_t column = 0;

	putchar('\n');
	for (size_t i = 0; line->words[i]; i++) {
		if (strncmp(line->words[i], word, length))
			continue;
		if (column > LIST_COLUMNS) {
			putchar('\n');
			column = 0;
		}
		column += printf("%s%s", column ? "  " : "", line->words[i]);
	}
	putchar('\n');
	fflush(stdout);
}

static unsigned char complete(EditLine *edit, int key)
{
	const LineInfo *info = el_line(edit);
	const char *word = info->cursor, *first = NULL;
	size_t length, common = 0, count;
	struct prompt_line *line;
	char rest[256];

	(void)key;
	el_get(edit, EL_CLIENTDATA, &line);
	while (word > info->buffer && strchr(WORD, word[-1]))
		word--;
	/* after TABLE. a column's name follows */
	for (const char *dot; (dot = memchr(word, '.', info->cursor - word)) && dot > word;)
		word = dot + 1;
	length = info->cursor - word;
	count = find_common(line, word, length, &first, &common);
	if (!count)
		return CC_ERROR;
	if (common > length) {
		snprintf(rest, sizeof(rest), "%.*s%s", (int)(common - length), first + length, count == 1 ? " " : "");
		return el_insertstr(edit, rest) ? CC_ERROR : CC_REFRESH;
	}
	if (count == 1)
		return CC_ERROR;
	list(line, word, length);
	return CC_REDISPLAY;
}

/* The user's own, and no link. */
static int open_history(const char *file, int flags)
{
	int fd = open(file, flags | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
	struct stat st;

	if (fd < 0)
		return -1;
	if (!fstat(fd, &st) && S_ISREG(st.st_mode) && st.st_uid == geteuid() && !fchmod(fd, 0600))
		return fd;
	close(fd);
	return -1;
}

static void load_history(struct prompt_line *line)
{
	int fd = line->file ? open_history(line->file, O_RDONLY) : -1;
	HistEvent event;
	char path[32];

	if (fd < 0)
		return;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	history(line->history, &event, H_LOAD, path);
	close(fd);
}

static void save_history(struct prompt_line *line)
{
	int fd = line->file ? open_history(line->file, O_WRONLY | O_CREAT) : -1;
	FILE *file = fd < 0 || ftruncate(fd, 0) ? NULL : fdopen(fd, "w");
	HistEvent event;

	if (file) {
		history(line->history, &event, H_SAVE_FP, file);
		fclose(file);
	} else if (fd >= 0) {
		close(fd);
	}
}

struct prompt_line *prompt_line__new(const char *program, const char *file, const char *const *words)
{
	struct prompt_line *line = calloc(1, sizeof(*line));
	HistEvent event;

	if (!line)
		return NULL;
	*line = (struct prompt_line){.file = file, .words = words};
	line->edit = el_init(program, stdin, stdout, stderr);
	line->history = history_init();
	if (!line->edit || !line->history) {
		prompt_line__free(line);
		return NULL;
	}
	history(line->history, &event, H_SETSIZE, HISTORY_SIZE);
	history(line->history, &event, H_SETUNIQUE, 1);
	load_history(line);
	el_set(line->edit, EL_CLIENTDATA, line);
	el_set(line->edit, EL_PROMPT, prompt_of);
	el_set(line->edit, EL_EDITOR, "emacs");
	el_set(line->edit, EL_SIGNAL, 1);
	el_set(line->edit, EL_HIST, history, line->history);
	el_set(line->edit, EL_ADDFN, "complete", "complete tables and columns", complete);
	el_set(line->edit, EL_BIND, "^I", "complete", NULL);
	return line;
}

const char *prompt_line__read(struct prompt_line *line, bool more, bool *interrupted)
{
	const char *typed;
	int count = 0;

	line->more = more;
	errno = 0;
	typed = el_gets(line->edit, &count);
	*interrupted = !typed && errno == EINTR;
	if (*interrupted)
		el_reset(line->edit);
	if (!typed) {
		putchar('\n');
		fflush(stdout);
	}
	return typed;
}

/* In one line, unless that would make a comment of the rest; not what begins with a blank, as shells have it. */
void prompt_line__remember(struct prompt_line *line, const char *statement)
{
	char *copy = *statement == ' ' ? NULL : strdup(statement);
	HistEvent event;

	if (!copy)
		return;
	for (char *at = copy; *at && !strstr(copy, "--"); at++)
		if (*at == '\n')
			*at = at[1] ? ' ' : '\0';
	history(line->history, &event, H_ENTER, copy);
	free(copy);
}

void prompt_line__free(struct prompt_line *line)
{
	if (!line)
		return;
	if (line->history)
		save_history(line);
	if (line->edit)
		el_end(line->edit);
	if (line->history)
		history_end(line->history);
	free(line);
}

#else

const char *const prompt_line__lacks =
	"Without libedit there is neither a history nor completion: install libedit-dev and build again.";

struct prompt_line {
	char *text;
	size_t size;
};

struct prompt_line *prompt_line__new(const char *program, const char *file, const char *const *words)
{
	(void)program;
	(void)file;
	(void)words;
	return calloc(1, sizeof(struct prompt_line));
}

const char *prompt_line__read(struct prompt_line *line, bool more, bool *interrupted)
{
	printf("%s", more ? PROMPT_MORE : PROMPT);
	fflush(stdout);
	errno = 0;
	if (getline(&line->text, &line->size, stdin) >= 0)
		return line->text;
	*interrupted = errno == EINTR;
	clearerr(stdin);
	putchar('\n');
	return NULL;
}

void prompt_line__remember(struct prompt_line *line, const char *statement)
{
	(void)line;
	(void)statement;
}

void prompt_line__free(struct prompt_line *line)
{
	if (line)
		free(line->text);
	free(line);
}

#endif
