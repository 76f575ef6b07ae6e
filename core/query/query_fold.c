/* SPDX-License-Identifier: BSD-2-Clause */
/* Makes a run's tables by collector-merge, once: they stay in the run's folder as long as they are true. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/base.h"
#include "core/log.h"
#include "core/query/query.h"
#include "core/stream.h"
#include "core/text.h"

#define FOLDER ".tables" /* in the run's */
#define STAMP "made-of"	 /* in that: what it was made of */
#define SAID "said"	 /* what collector-merge said of the run */

/* ---- the stamp ---- */

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int is_stream(const struct dirent *entry)
{
	size_t n = strlen(entry->d_name), m = strlen(STREAM_SUFFIX);

	return n > m && !strcmp(entry->d_name + n - m, STREAM_SUFFIX);
}

static void put_file(struct text *stamp, const char *folder, const char *name)
{
	struct stat st = {0};
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s%s%s", folder ? folder : "", folder ? "/" : "", name);
	if (!stat(path, &st))
		text__printf(stamp, "%s %jd %jd.%09ld\n", name, (intmax_t)st.st_size, (intmax_t)st.st_mtim.tv_sec,
			     st.st_mtim.tv_nsec);
}

/* What the tables depend on: the program, the rules, the streams as they are. */
static void put_stamp(struct text *stamp, const char *run, const char *steps)
{
	struct dirent **list = NULL;
	int count = scandir(run, &list, is_stream, by_name);

	text__printf(stamp, "collector " PACKAGE_VERSION "\nsteps %s\n", steps ? steps : "");
	if (steps)
		put_file(stamp, NULL, steps);
	for (int i = 0; i < count; i++) {
		put_file(stamp, run, list[i]->d_name);
		free(list[i]);
	}
	free(list);
}

/* A small file's text; NULL if it is not there. */
static char *read_small(const char *folder, const char *name)
{
	char path[PATH_MAX], *text = NULL;
	size_t size = 0;
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	file = fopen(path, "re");
	if (!file)
		return NULL;
	if (getdelim(&text, &size, '\0', file) < 0) {
		free(text);
		text = strdup("");
	}
	fclose(file);
	return text;
}

static int write_small(const char *folder, const char *name, const char *text)
{
	char path[PATH_MAX];
	FILE *file;
	int rc;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	file = fopen(path, "we");
	if (!file)
		return -errno;
	rc = fputs(text, file) < 0 ? -EIO : 0;
	return fclose(file) ? -errno : rc;
}

/* Whether the folder holds tables made of just this. */
static bool is_true(const char *folder, const char *stamp)
{
	char *made = read_small(folder, STAMP);
	bool same = made && !strcmp(made, stamp);

	free(made);
	return same;
}

/* ---- folders ---- */

void query_fold__remove(const char *folder)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;

	while (dir && (entry = readdir(dir)))
		if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, ".."))
			unlinkat(dirfd(dir), entry->d_name, 0);
	if (dir)
		closedir(dir);
	rmdir(folder);
}

/* In the run's folder if that can be written. */
static char *make_folder(const char *run, bool *temporary)
{
	const char *tmp = getenv("TMPDIR");
	char *path;

	*temporary = false;
	if (asprintf(&path, "%s/" FOLDER "-XXXXXX", run) < 0)
		return NULL;
	if (mkdtemp(path))
		return path;
	free(path);
	*temporary = true;
	if (asprintf(&path, "%s/collector-query-XXXXXX", tmp && *tmp ? tmp : "/tmp") < 0)
		return NULL;
	if (mkdtemp(path))
		return path;
	free(path);
	return NULL;
}

/* ---- collector-merge ---- */

/* Beside this program, or where it was installed. */
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

/* What it says goes into a file: it is said again each time the tables are used. */
static void exec_merge(const char *run, const struct query_opts *opts, const char *folder, const char *spec)
{
	char merge[PATH_MAX], said[PATH_MAX], *argv[12];
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
	argv[n++] = "--";
	argv[n++] = (char *)run;
	argv[n] = NULL;
	snprintf(said, sizeof(said), "%s/" SAID, folder);
	fd = open(said, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (fd >= 0)
		dup2(fd, STDERR_FILENO);
	dup2(open("/dev/null", O_RDWR | O_CLOEXEC), STDOUT_FILENO);
	execv(merge, argv);
	dprintf(STDERR_FILENO, "%s: %s\n", merge, strerror(errno));
	_exit(127);
}

static int run_merge(const char *run, const struct query_opts *opts, const char *folder)
{
	struct text spec = {0};
	int status = -1;
	pid_t pid;

	text__printf(&spec, TABLES_SINK ":overwrite=true");
	put_value(&spec, "output", folder);
	if (opts->steps)
		put_value(&spec, "steps", opts->steps);
	/* a Ctrl-C is for the child: what it leaves is removed here */
	signal(SIGINT, SIG_IGN);
	pid = spec.error ? -1 : fork();
	if (!pid) {
		signal(SIGINT, SIG_DFL);
		exec_merge(run, opts, folder, spec.data);
	}
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	signal(SIGINT, SIG_DFL);
	text__free(&spec);
	return status;
}

static void say(const char *folder)
{
	char *said = read_small(folder, SAID), *at = said, *line;

	while ((line = strsep(&at, "\n")))
		if (*line)
			fprintf(stderr, "%s\n", line);
	free(said);
}

/* ---- folding ---- */

static int fold(const char *run, const struct query_opts *opts, const char *folder, const char *stamp,
		struct error *err)
{
	int status;

	if (!opts->quiet && isatty(STDERR_FILENO))
		fprintf(stderr, "collector-query: making tables of %s, once\n", run);
	status = run_merge(run, opts, folder);
	if (!WIFEXITED(status) || WEXITSTATUS(status)) {
		say(folder);
		return error__set(err, WIFEXITED(status) && WEXITSTATUS(status) == 2 ? -EINVAL : -EIO,
				  "%s: collector-merge could not make tables of it", run);
	}
	return write_small(folder, STAMP, stamp);
}

/* Tables get the run's place for them unless another process was faster: then they are for this time. */
static char *settle(char *made, char *place, bool *temporary)
{
	query_fold__remove(place);
	if (rename(made, place)) {
		*temporary = true;
		free(place);
		return made;
	}
	free(made);
	return place;
}

static int fold_anew(const char *run, const struct query_opts *opts, const char *stamp, char *place, char **folder,
		     char **temporary, struct error *err)
{
	bool is_temporary;
	char *made = make_folder(run, &is_temporary);
	int rc;

	if (!made) {
		free(place);
		return error__set(err, -errno, "%s: no folder for its tables: %s", run, strerror(errno));
	}
	rc = fold(run, opts, made, stamp, err);
	if (rc) {
		query_fold__remove(made);
		free(made);
		free(place);
		return rc;
	}
	if (is_temporary)
		free(place);
	else
		made = settle(made, place, &is_temporary);
	*folder = made;
	*temporary = is_temporary ? strdup(made) : NULL;
	return 0;
}

int query_fold(const char *run, const struct query_opts *opts, char **folder, char **temporary, struct error *err)
{
	struct text stamp = {0};
	char *place;
	int rc = 0;

	put_stamp(&stamp, run, opts->steps);
	if (stamp.error || asprintf(&place, "%s/" FOLDER, run) < 0) {
		text__free(&stamp);
		return error__set(err, -ENOMEM, "%s", strerror(ENOMEM));
	}
	if (is_true(place, stamp.data))
		*folder = place;
	else
		rc = fold_anew(run, opts, stamp.data, place, folder, temporary, err);
	if (!rc && !opts->quiet)
		say(*folder);
	text__free(&stamp);
	return rc;
}
