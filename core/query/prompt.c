/* SPDX-License-Identifier: BSD-2-Clause */
/* Reads statements and commands at a prompt, and answers them. */
#include "core/query/prompt.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- statements ---- */

/* Skips a text in quotes, an identifier in quotes or a comment that begins at `at`; NULL: it has not ended. What is none of these
 * is one character. */
static const char *skip(const char *at)
{
	const char *end;

	if (*at == '\'' || *at == '"') {
		end = strchr(at + 1, *at); /* a doubled quote is two texts side by side */
		return end ? end + 1 : NULL;
	}
	if (!strncmp(at, "--", 2)) {
		end = strchr(at, '\n');
		return end ? end : at + strlen(at);
	}
	if (!strncmp(at, "/*", 2)) {
		end = strstr(at + 2, "*/");
		return end ? end + 2 : NULL;
	}
	return at + 1;
}

size_t prompt__statement(const char *text)
{
	for (const char *at = text; at && *at; at = skip(at))
		if (*at == ';')
			return at + 1 - text;
	return 0;
}

bool prompt__is_blank(const char *text)
{
	const char *next;

	for (const char *at = text; *at; at = next) {
		next = skip(at);
		if (!next || !(strchr(" \t\r\n;", *at) || next > at + 1) || *at == '\'' || *at == '"')
			return false;
	}
	return true;
}

/* ---- the terminal's Ctrl-C ends a query ---- */

/* The handler may run in the middle of DuckDB, whose locks it must not take: a thread interrupts the query. */
static struct {
	int ends[2];
	pthread_t thread;
	pthread_mutex_t lock;
	duckdb_connection running; /* NULL: none */
} interrupts = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void on_signal(int number)
{
	int saved = errno;
	ssize_t n = write(interrupts.ends[1], "i", 1);

	(void)number;
	(void)n; /* a full pipe has enough */
	errno = saved;
}

static void *interrupt(void *arg)
{
	char byte;

	(void)arg;
	while (read(interrupts.ends[0], &byte, 1) == 1 && byte == 'i') {
		pthread_mutex_lock(&interrupts.lock);
		if (interrupts.running)
			duckdb_interrupt(interrupts.running);
		pthread_mutex_unlock(&interrupts.lock);
	}
	return NULL;
}

static void set_running(duckdb_connection connection)
{
	pthread_mutex_lock(&interrupts.lock);
	interrupts.running = connection;
	pthread_mutex_unlock(&interrupts.lock);
}

/* The thread has the signal blocked: it goes to one that reads a line or runs a query. */
static int begin_interrupts(void)
{
	struct sigaction action = {.sa_handler = on_signal};
	sigset_t all, before;
	int rc;

	if (pipe2(interrupts.ends, O_CLOEXEC | O_NONBLOCK) || fcntl(interrupts.ends[0], F_SETFL, 0))
		return -errno;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	rc = -pthread_create(&interrupts.thread, NULL, interrupt, NULL);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return rc ? rc : sigaction(SIGINT, &action, NULL) ? -errno : 0;
}

static void end_interrupts(void)
{
	signal(SIGINT, SIG_IGN);
	close(interrupts.ends[1]);
	pthread_join(interrupts.thread, NULL);
	close(interrupts.ends[0]);
	clearerr(stdout); /* a signal may have ended a write */
}

/* Text from watched programs, also in DuckDB's messages, must not control the terminal. */
static void print_error(const char *sentence)
{
	struct text text = {0};
	const char *end;

	for (; *sentence; sentence = *end ? end + 1 : end) {
		end = sentence + strcspn(sentence, "\n");
		text__safe(&text, sentence, end - sentence);
		text__put(&text, "\n", 1);
	}
	if (!text.error)
		write_all(STDERR_FILENO, text.data, text.size);
	text__free(&text);
}

static void ask(struct query *query, const char *sql)
{
	struct error err = {0};
	int rc;

	set_running(query->connection);
	rc = query__print(query, sql, NULL, QUERY_TABLE, STDOUT_FILENO, &err);
	set_running(NULL);
	if (rc)
		print_error(*err.text ? err.text : strerror(-rc));
}

/* ---- commands ---- */

static void list_tables(struct query *query, const char *rest)
{
	char *sql = query__overview(query);

	(void)rest;
	if (sql)
		ask(query, sql);
	free(sql);
}

static void describe(struct query *query, const char *rest)
{
	char *schema = query__schema(query);
	struct text sql = {0};

	text__printf(&sql, "FROM (%s)", schema ? schema : "");
	if (*rest) {
		text__printf(&sql, " WHERE \"table\" = ");
		sql__quote(&sql, rest, '\'');
	}
	if (schema && !sql.error)
		ask(query, sql.data);
	text__free(&sql);
	free(schema);
}

static void help(struct query *query, const char *rest);

static const struct {
	const char *name, *help;
	void (*call)(struct query *query, const char *rest); /* NULL: the end */
} commands[] = {
	{".help", "prints this", help},
	{".quit", "ends; so does Ctrl-D", NULL},
	{".schema", "describes all tables, or .schema TABLE one of them", describe},
	{".tables", "lists the tables, their rows and columns", list_tables},
};
#define COMMANDS (sizeof(commands) / sizeof(*commands))

static void help(struct query *query, const char *rest)
{
	(void)query;
	(void)rest;
	printf("SQL in DuckDB's dialect, ended by a semicolon. The tab key completes tables and columns, Ctrl-C ends a "
	       "query.\nThe history keeps what is typed, but not what begins with a blank: do so with secrets.\n");
	for (size_t i = 0; i < COMMANDS; i++)
		printf("  %-8s %s\n", commands[i].name, commands[i].help);
	fflush(stdout);
}

/* False: the end. */
static bool command(struct query *query, char *line)
{
	char *word = strtok(line, " \t\r\n;"), *rest = strtok(NULL, " \t\r\n;");
	struct nearest nearest = {.name = word};
	struct error err;

	for (size_t i = 0; i < COMMANDS; i++) {
		nearest__offer(&nearest, commands[i].name);
		if (strcmp(word, commands[i].name))
			continue;
		if (commands[i].call)
			commands[i].call(query, rest ? rest : "");
		return commands[i].call;
	}
	error__set(&err, 0, "no command %.64s", word);
	nearest__append(&nearest, &err);
	print_error(err.text);
	return true;
}

/* ---- the words to complete ---- */

struct words {
	char **list;
	size_t count;
};

static int add_word(void *arg, const char *const *row)
{
	struct words *words = arg;
	char **list = reallocarray(words->list, words->count + 2, sizeof(*list));

	if (!list)
		return -ENOMEM;
	words->list = list;
	list[words->count] = strdup(row[0]);
	list[words->count + 1] = NULL;
	return list[words->count] ? (words->count++, 0) : -ENOMEM;
}

/* Names that need no quotes. */
static void find_words(struct query *query, struct words *words)
{
	struct error err;

	for (size_t i = 0; i < COMMANDS; i++)
		add_word(words, &commands[i].name);
	query__each(
		query,
		"SELECT DISTINCT word FROM (SELECT table_name AS word FROM duckdb_columns() WHERE schema_name = 'main' AND NOT "
		"internal UNION SELECT column_name FROM duckdb_columns() WHERE schema_name = 'main' AND NOT internal) WHERE "
		"regexp_full_match(word, '[a-z_][a-z0-9_]*') ORDER BY word",
		add_word, words, &err);
}

static void words__free(struct words *words)
{
	for (size_t i = 0; i < words->count; i++)
		free(words->list[i]);
	free(words->list);
}

/* ---- the loop ---- */

/* Runs the statements that have ended; the rest stays. */
static void take_statements(struct query *query, struct prompt_line *line, struct text *text)
{
	size_t length;

	while (text->size && (length = prompt__statement(text->data))) {
		char *sql = strndup(text->data, length);

		memmove(text->data, text->data + length, text->size - length + 1);
		text->size -= length;
		if (sql && !prompt__is_blank(sql)) {
			prompt_line__remember(line, sql);
			ask(query, sql);
		}
		free(sql);
	}
	if (text->size && prompt__is_blank(text->data))
		text->size = 0;
}

/* False: the end. */
static bool take_line(struct query *query, struct prompt_line *line, struct text *text, const char *typed)
{
	const char *begin = typed + strspn(typed, " \t");
	bool go_on = true;
	char *copy;

	if (!text->size && *begin == '.') {
		prompt_line__remember(line, typed);
		copy = strdup(begin);
		if (copy)
			go_on = command(query, copy);
		free(copy);
		return go_on;
	}
	text__put(text, typed, strlen(typed));
	if (!text->error)
		take_statements(query, line, text);
	return !text->error;
}

static void loop(struct query *query, struct prompt_line *line)
{
	struct text text = {0};
	bool interrupted, go_on = true;
	const char *typed;

	while (go_on) {
		interrupted = false;
		typed = prompt_line__read(line, text.size, &interrupted);
		if (interrupted)
			text.size = 0;
		else
			go_on = typed && take_line(query, line, &text, typed);
	}
	text__free(&text);
}

int prompt__run(struct query *query, const char *history)
{
	struct words words = {0};
	struct prompt_line *line;
	int rc = begin_interrupts();

	if (rc)
		return rc;
	find_words(query, &words);
	line = words.list ? prompt_line__new("collector-query", history, (const char *const *)words.list) : NULL;
	if (line) {
		printf("%zu tables: .tables lists them, .help says more.%s%s\n", query->tables_count,
		       prompt_line__lacks ? " " : "", prompt_line__lacks ? prompt_line__lacks : "");
		fflush(stdout);
		loop(query, line);
	}
	end_interrupts();
	prompt_line__free(line);
	words__free(&words);
	return line ? 0 : -ENOMEM;
}

char *prompt__history(void)
{
	char *state = dir__of_user("XDG_STATE_HOME", ".local/state"), *path = NULL;

	if (!state || asprintf(&path, "%s/collector/query_history", state) < 0)
		path = NULL;
	for (char *slash = path ? strchr(path + 1, '/') : NULL; slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		mkdir(path, 0700); /* where it is not there */
		*slash = '/';
	}
	free(state);
	return path;
}
