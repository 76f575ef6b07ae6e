/* SPDX-License-Identifier: BSD-2-Clause */
/* Makes a run's tables by collector-merge, once: they are kept while they are up to date. Those of a run that is not over are
 * temporary. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "core/base/base.h"
#include "core/format.h"
#include "core/log.h"
#include "core/query/query.h"
#include "core/stream.h"
#include "core/text.h"

#define SCHEMA 3	     /* of the tables: TABLES_SCHEMA of sinks/tables/tables.h */
#define SAID "said"	     /* in the folder of the tables: the messages of collector-merge */
#define SAID_MAX (64U << 10) /* bytes */

/* Descriptors of collector-merge, the same for each: its messages name the run by the first. */
#define RUN_FD 3
#define TABLES_FD 4
#define RUN_PATH "/proc/self/fd/3"
#define TABLES_PATH "/proc/self/fd/4"

/* ---- the stamp ---- */

struct streams {
	char **names;
	size_t count;
};

static int add_stream(int folder, const char *name, void *arg)
{
	struct streams *streams = arg;
	char **names;

	(void)folder;
	if (!stream_file__is_name(name))
		return 0;
	names = reallocarray(streams->names, streams->count + 1, sizeof(*names));
	if (!names)
		return -ENOMEM;
	streams->names = names;
	names[streams->count] = strdup(name);
	return names[streams->count] ? (streams->count++, 0) : -ENOMEM;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void streams__free(struct streams *streams)
{
	for (size_t i = 0; i < streams->count; i++)
		free(streams->names[i]);
	free(streams->names);
}

/* What the kernel says of a file. What a stream says of itself, such as its marker, can be copied from another. */
static void put_file(struct text *stamp, int folder, const char *name)
{
	struct stat st;

	if (!fstatat(folder, name, &st, 0))
		text__printf(stamp, "%s %ju %jd %jd.%09ld %jd.%09ld\n", name, (uintmax_t)st.st_ino,
			     (intmax_t)st.st_size, (intmax_t)st.st_mtim.tv_sec, st.st_mtim.tv_nsec,
			     (intmax_t)st.st_ctim.tv_sec, st.st_ctim.tv_nsec);
}

/* Another build of the same version may have other verdicts. Not its inode, which differs between hosts of one run's folder. */
static void put_build(struct text *stamp, const struct query_opts *opts)
{
	const char *dir = opts->plugin_dir ? opts->plugin_dir : PLUGINDIR;
	char path[PATH_MAX];
	struct stat st;

	snprintf(path, sizeof(path), "%s/sinks/" TABLES_SINK ".so", dir);
	if (!stat(path, &st))
		text__printf(stamp, "build %jd %jd\n", (intmax_t)st.st_size, (intmax_t)st.st_mtim.tv_sec);
}

/* What the tables depend on: the program, the folder, the rules, the limits, and then the streams' sizes and times. */
static int put_stamp(struct text *key, struct text *stamp, int run, const struct streams *streams,
		     const struct query_opts *opts)
{
	const char *steps = opts->steps, *config = opts->config;
	struct stat st;

	if (fstat(run, &st))
		return -errno;
	text__printf(key, "collector " PACKAGE_VERSION "\nschema %d\nreader %u\nfolder %ju %ju\nsteps %s\n", SCHEMA,
		     opts->account->gid, (uintmax_t)st.st_dev, (uintmax_t)st.st_ino, steps ? steps : "");
	if (config)
		text__printf(key, "config %s\n", config);
	text__put(stamp, key->data, key->size);
	put_build(stamp, opts);
	if (steps)
		put_file(stamp, AT_FDCWD, steps);
	if (config)
		put_file(stamp, AT_FDCWD, config);
	for (size_t i = 0; i < streams->count; i++)
		put_file(stamp, run, streams->names[i]);
	return key->error ? key->error : stamp->error;
}

/* Whether one of the run's streams is still written. */
static bool is_running(int run, const struct streams *streams)
{
	bool running = false;

	for (size_t i = 0; i < streams->count && !running; i++) {
		int fd = stream_file__open(run, streams->names[i]);

		running = fd >= 0 && stream_file__is_locked(fd);
		if (fd >= 0)
			close(fd);
	}
	return running;
}

/* ---- collector-merge ---- */

/* The one next to this program, else the installed one. */
static void find_merge(char *path, size_t size)
{
	ssize_t n = readlink("/proc/self/exe", path, size - sizeof("collector-merge"));
	char *slash;

	path[n > 0 ? n : 0] = '\0';
	slash = strrchr(path, '/');
	if (slash) {
		strcpy(slash + 1, "collector-merge");
		if (!access(path, X_OK))
			return;
	}
	snprintf(path, size, BINDIR "/collector-merge");
}

static void put_value(struct text *spec, const char *name, const char *value)
{
	text__printf(spec, ",%s=", name);
	for (; *value; value++)
		text__printf(spec, strchr(",\\", *value) ? "\\%c" : "%c", *value);
}

/* Passes on descriptors under fixed numbers, which they may have crosswise. */
static void pass(int run, int tables)
{
	run = fcntl(run, F_DUPFD_CLOEXEC, TABLES_FD + 1);
	tables = fcntl(tables, F_DUPFD_CLOEXEC, TABLES_FD + 1);
	dup2(run, RUN_FD);
	dup2(tables, TABLES_FD);
}

/* Its messages go into a file: they are printed each time the tables are used. */
static void exec_merge(int run, const struct query_opts *opts, int tables, const char *spec)
{
	char merge[PATH_MAX], *argv[14];
	size_t n = 0;
	int fd;

	find_merge(merge, sizeof(merge));
	argv[n++] = merge;
	argv[n++] = "--sink";
	argv[n++] = (char *)spec;
	if (opts->plugin_dir) {
		argv[n++] = "--plugin-dir";
		argv[n++] = (char *)opts->plugin_dir;
	}
	if (opts->config) {
		argv[n++] = "--config";
		argv[n++] = (char *)opts->config;
	}
	argv[n++] = "--";
	argv[n++] = RUN_PATH;
	argv[n] = NULL;
	umask(077);
	fd = openat(tables, SAID, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd >= 0)
		dup2(fd, STDERR_FILENO);
	dup2(open("/dev/null", O_RDWR | O_CLOEXEC), STDOUT_FILENO);
	pass(run, tables);
	execv(merge, argv);
	dprintf(STDERR_FILENO, "%s: %s\n", merge, strerror(errno));
	_exit(127);
}

/* ---- what a terminal sees ---- */

#define CLEAR "\r\033[K"

static bool is_shown(const struct query_opts *opts)
{
	return !opts->quiet && isatty(STDERR_FILENO);
}

static int add_bytes(int folder, const char *name, void *bytes)
{
	struct stat st;

	if (!fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW))
		*(uint64_t *)bytes += st.st_size;
	return 0;
}

static uint64_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

/* Draws how long it has taken and how much is written, each second until the process has ended. */
static void show_progress(pid_t pid, int tables)
{
	struct pollfd ended = {.fd = syscall(SYS_pidfd_open, pid, 0), .events = POLLIN};
	char age[FORMAT_SIZE], size[FORMAT_SIZE];
	uint64_t began = now(), bytes;

	/* a kernel without it shows nothing */
	while (ended.fd >= 0 && poll(&ended, 1, 1000) <= 0) {
		bytes = 0;
		dir__each(tables, add_bytes, &bytes);
		fprintf(stderr, CLEAR "%s, %s of tables", format__duration(age, now() - began),
			format__bytes(size, bytes));
	}
	if (ended.fd < 0)
		return;
	fputs(CLEAR, stderr);
	close(ended.fd);
}

static int run_merge(int run, const struct query_opts *opts, int tables)
{
	struct text spec = {0};
	int status = -1;
	pid_t pid;

	text__printf(&spec, TABLES_SINK ":overwrite=true");
	put_value(&spec, "output", TABLES_PATH);
	if (opts->steps)
		put_value(&spec, "steps", opts->steps);
	/* Ctrl-C ends the child; its files are removed here */
	signal(SIGINT, SIG_IGN);
	pid = spec.error ? -1 : fork();
	if (!pid) {
		signal(SIGINT, SIG_DFL);
		exec_merge(run, opts, tables, spec.data);
	}
	if (pid > 0 && is_shown(opts))
		show_progress(pid, tables);
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	signal(SIGINT, SIG_DFL);
	text__free(&spec);
	return status;
}

/* Appends a line with another string in place of the first one of these. */
static void put_replaced(struct text *text, const char *line, const char *old, const char *new)
{
	const char *at = strstr(line, old);

	text__safe(text, line, at ? (size_t)(at - line) : strlen(line));
	if (!at)
		return;
	text__safe(text, new, strlen(new));
	text__safe(text, at + strlen(old), strlen(at + strlen(old)));
}

/* Prints the messages of collector-merge, with the run's path as the user wrote it, and without a sink's name: the
 * user has named none. They name what is in streams. */
static void say(int tables, const char *run)
{
	char *said = query_cache__read(tables, SAID, SAID_MAX), *at = said, *line;
	struct text text = {0};

	while ((line = strsep(&at, "\n"))) {
		char *sink = strstr(line, ": " TABLES_SINK ": ");

		if (!*line)
			continue;
		if (sink)
			memmove(sink, sink + strlen(": " TABLES_SINK), strlen(sink + strlen(": " TABLES_SINK)) + 1);
		put_replaced(&text, line, RUN_PATH, run);
		text__put(&text, "\n", 1);
	}
	if (!text.error && text.size)
		fputs(text.data, stderr);
	text__free(&text);
	free(said);
}

/* ---- folding ---- */

struct fold {
	const char *path; /* of the run, as the user wrote it */
	const struct query_opts *opts;
	struct query_cache_key key;
	bool running;
};

/* Makes the tables in one place. 0, or -errno with a sentence; -EINVAL: another place would not help. */
static int fold_in(const struct fold *fold, enum query_cache_place place, struct query_tables *tables,
		   struct error *err)
{
	int status, rc = query_cache__make(tables, place, &fold->key);

	if (rc)
		return error__set(err, rc, "%s: cannot create a folder for its tables: %s", fold->path, strerror(-rc));
	status = run_merge(fold->key.run, fold->opts, tables->fd);
	if (WIFEXITED(status) && !WEXITSTATUS(status)) {
		query_cache__keep(tables, &fold->key);
		rc = account__share(fold->opts->account, tables->fd);
		return rc ? error__set(err, rc, "%s: %s", fold->path, strerror(-rc)) : 0;
	}
	rc = WIFEXITED(status) && WEXITSTATUS(status) == 2 ? -EINVAL : -EIO;
	return error__set(err, rc, "%s: collector-merge could not make tables of it", fold->path);
}

/* A cache that is full or cannot be written to is not a failure: the next place may do. */
static int fold_anew(const struct fold *fold, struct query_tables *tables, struct error *err)
{
	int rc = -EIO;

	if (is_shown(fold->opts))
		fprintf(stderr, "collector-query: making tables of %s%s\n", fold->path, fold->running ? "" : ", once");
	for (int place = fold->running ? QUERY_CACHE_TEMPORARY : 0; place < QUERY_CACHE_PLACES && rc; place++) {
		rc = fold_in(fold, place, tables, err);
		if (!rc)
			break;
		if (tables->fd >= 0 && (rc == -EINVAL || place == QUERY_CACHE_TEMPORARY))
			say(tables->fd, fold->path);
		query_cache__release(tables);
		if (rc == -EINVAL)
			break;
	}
	return rc;
}

/* Another query may be making them: then they are found once it is done. */
static int fold_once(const struct fold *fold, struct query_tables *tables, struct error *err)
{
	struct query_cache_lock lock;
	int rc = 0;

	if (query_cache__find(tables, &fold->key))
		return 0;
	if (!query_cache__lock(&lock, &fold->key, false)) {
		if (is_shown(fold->opts))
			fprintf(stderr, "collector-query: waiting for another query, which makes tables of %s\n",
				fold->path);
		query_cache__lock(&lock, &fold->key, true);
	}
	if (!query_cache__find(tables, &fold->key))
		rc = fold_anew(fold, tables, err);
	query_cache__unlock(&lock);
	return rc;
}

int query_fold(const char *run, const struct query_opts *opts, struct query_tables *tables, bool *running,
	       struct error *err)
{
	int fd = open(run, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct fold fold = {.path = run, .opts = opts};
	struct text key = {0}, stamp = {0};
	struct streams streams = {0};
	int rc = fd < 0 ? -errno : dir__each(fd, add_stream, &streams);

	if (streams.count)
		qsort(streams.names, streams.count, sizeof(*streams.names), by_name);
	if (!rc)
		rc = put_stamp(&key, &stamp, fd, &streams, opts);
	if (rc) {
		error__set(err, rc, "%s: %s", run, strerror(-rc));
		goto out;
	}
	fold.key = (struct query_cache_key){fd, stamp.data, key.data, opts->account};
	fold.running = is_running(fd, &streams);
	*running |= fold.running;
	rc = fold.running ? fold_anew(&fold, tables, err) : fold_once(&fold, tables, err);
	if (!rc && !opts->quiet)
		say(tables->fd, run);
out:
	if (fd >= 0)
		close(fd);
	text__free(&key);
	text__free(&stamp);
	streams__free(&streams);
	return rc;
}
