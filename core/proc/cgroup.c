/* SPDX-License-Identifier: BSD-2-Clause */
/* A process's cgroups, of version 2 or 1: the charge and limit of memory, the limits of CPU time and of processes. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/base.h"
#include "core/proc/proc.h"

#define FOLDERS_MAX 256 /* below a cgroup: more are not looked at */

/* The files of each version. */
static const struct version {
	const char *type, *option; /* of the mount */
	const char *current, *max, *peak;
	const char *events; /* of lines "NAME COUNT" */
	bool lists_all;	    /* cgroup.procs: processes of other PID namespaces as 0 */
} memory[] =
	{
		{"cgroup", "memory", "memory.usage_in_bytes", "memory.limit_in_bytes", "memory.max_usage_in_bytes",
		 "memory.oom_control", false},
		{"cgroup2", "", "memory.current", "memory.max", "memory.peak", "memory.events", true},
},
  cpu[] =
	  {
		  {"cgroup", "cpu", "cpu.stat", "cpu.cfs_quota_us", "cpu.cfs_period_us", "cpu.stat", false},
		  {"cgroup2", "", "cpu.stat", "cpu.max", NULL, "cpu.stat", true},
},
  pids[] = {
	  {"cgroup", "pids", "pids.current", "pids.max", NULL, "pids.events", false},
	  {"cgroup2", "", "pids.current", "pids.max", NULL, "pids.events", true},
};

static bool has_word(const char *list, const char *word)
{
	size_t length = strlen(word);

	for (const char *at = list; length && (at = strstr(at, word)); at += length)
		if ((at == list || at[-1] == ',') && (!at[length] || at[length] == ','))
			return true;
	return !length;
}

/* The process's line in /proc/PID/cgroup, "4:memory:/path" or "0::/path". NULL: none has the controller. */
static const char *find_path(char *text, const struct version *versions, const struct version **version)
{
	const char *unified = NULL;
	char *save;

	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		char *list = strchr(line, ':'), *path = list ? strchr(list + 1, ':') : NULL;

		if (!path)
			continue;
		*path++ = 0;
		if (list[1] && has_word(list + 1, versions[0].option)) {
			*version = &versions[0];
			return path;
		}
		if (!list[1])
			unified = path;
	}
	*version = &versions[1];
	return unified;
}

/* Where that hierarchy is mounted, and which of its cgroups is there. Names with blanks, which are escaped, are not used. */
static bool find_mount(const struct version *v, char *point, char *root, size_t size)
{
	FILE *file = fopen("/proc/self/mountinfo", "re");
	char *line = NULL, type[32], options[1024];
	bool found = false;
	size_t room = 0;

	while (file && !found && getline(&line, &room, file) > 0) {
		const char *end = strstr(line, " - ");
		char format[64];

		snprintf(format, sizeof(format), "%%*s %%*s %%*s %%%zus %%%zus", size - 1, size - 1);
		found = end && sscanf(line, format, root, point) == 2 &&
			sscanf(end + 3, "%31s %*s %1023s", type, options) == 2 && !strcmp(type, v->type) &&
			has_word(options, v->option);
	}
	free(line);
	if (file)
		fclose(file);
	return found;
}

/* The folder of this cgroup; -ENOENT if it is not below the mount. */
static int open_cgroup(const struct version *v, const char *path, size_t *above)
{
	char point[PATH_MAX], root[PATH_MAX], full[2 * PATH_MAX];
	size_t length;
	int fd;

	if (!find_mount(v, point, root, sizeof(root)))
		return -ENOTSUP;
	length = strcmp(root, "/") ? strlen(root) : 0;
	if (strncmp(path, root, length) || (path[length] && path[length] != '/') || strstr(path + length, "/../"))
		return -ENOENT;
	*above = 0;
	for (const char *at = path + length; *at; at++)
		*above += *at == '/' && at[1];
	snprintf(full, sizeof(full), "%s%s", point, path + length);
	fd = open(full, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* The nearest cgroup, up to `above` above this one, that has the file. Closes the others; *up: how far it is. */
static int find_charged(int fd, const char *file, size_t above, size_t *up)
{
	for (*up = 0; fd >= 0 && faccessat(fd, file, F_OK, 0); ++*up) {
		int parent = *up < above ? openat(fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;

		close(fd);
		fd = parent;
	}
	return fd < 0 ? -ENOTSUP : fd;
}

struct members {
	const struct proc_own *own;
	unsigned long long count;
	size_t folders;
};

static bool is_own(const struct members *m, pid_t pid)
{
	for (size_t i = 0; i < m->own->count; i++)
		if (m->own->pids[i] == pid)
			return true;
	return false;
}

static void count_here(struct members *m, int folder)
{
	int fd = openat(folder, "cgroup.procs", O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	FILE *file = fd < 0 ? NULL : fdopen(fd, "r");
	int pid;

	if (fd >= 0 && !file)
		close(fd);
	while (file && fscanf(file, "%d", &pid) == 1)
		m->count += !pid || !is_own(m, pid);
	if (file)
		fclose(file);
}

/* With those of the cgroups below it, whose charge is part of its own. -E2BIG: too many. */
static int count_below(int folder, const char *name, void *arg)
{
	struct members *m = arg;
	struct stat st;
	int fd, err;

	if (fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) || !S_ISDIR(st.st_mode))
		return 0;
	if (++m->folders > FOLDERS_MAX)
		return -E2BIG;
	fd = dir__open(folder, name);
	if (fd < 0)
		return 0;
	count_here(m, fd);
	err = dir__each(fd, count_below, m);
	close(fd);
	return err;
}

static void append(struct proc_text *out, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void append(struct proc_text *out, const char *format, ...)
{
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(out->text + out->length, out->size - out->length, format, args);
	va_end(args);
	if (n > 0 && (size_t)n < out->size - out->length)
		out->length += n;
}

/* A file of one number, which ends with a newline. */
static void append_number(struct proc_text *out, const char *name, int folder, const char *file)
{
	size_t before = out->length;

	append(out, "%s ", name);
	if (proc__append_file(out, folder, file))
		out->length = before;
}

/* Without the last `up` parts. */
static void shorten(char *path, size_t up)
{
	while (up--)
		*(strrchr(path, '/') ? strrchr(path, '/') : path) = 0;
}

#define CGROUPS_BYTES (PATH_MAX + 1025) /* of /proc/PID/cgroup */

/* The folder of the process's cgroup of this controller, and its path, in `text`. */
static int open_controller(int process, const struct version *versions, const struct version **v, char *text,
			   char **path)
{
	struct proc_text cgroups = {.text = text, .size = CGROUPS_BYTES - 1};
	int fd, err = proc__append_file(&cgroups, process, "cgroup");
	size_t above = 0, up = 0;

	*path = err ? NULL : (char *)find_path(text, versions, v);
	if (!*path)
		return err ? err : -ENOTSUP;
	fd = open_cgroup(*v, *path, &above);
	if (fd >= 0)
		fd = find_charged(fd, (*v)->current, above, &up);
	if (fd >= 0)
		shorten(*path, up);
	return fd;
}

/* The lines of a file, each after a prefix. */
static void append_lines(struct proc_text *out, const char *prefix, int folder, const char *file)
{
	char bytes[2048], *save;
	struct proc_text text = {.text = bytes, .size = sizeof(bytes) - 1};

	if (proc__append_file(&text, folder, file))
		return;
	for (char *line = strtok_r(bytes, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		append(out, "%s%s\n", prefix, line);
}

static void append_limits(struct proc_text *out, int process)
{
	const struct version *v;
	char text[CGROUPS_BYTES], *path;
	int fd = open_controller(process, cpu, &v, text, &path);

	if (fd >= 0) {
		append_lines(out, "cpu_", fd, v->events);
		append_lines(out, "cpu_max ", fd, v->max);
		if (v->peak)
			append_lines(out, "cpu_period ", fd, v->peak);
		close(fd);
	}
	fd = open_controller(process, pids, &v, text, &path);
	if (fd < 0)
		return;
	append_lines(out, "pids_current ", fd, v->current);
	append_lines(out, "pids_limit ", fd, v->max);
	append_lines(out, "pids_events_", fd, v->events);
	close(fd);
}

int proc__append_cgroup(struct proc_text *out, int process, const struct proc_own *own, bool in_initial_ns)
{
	struct members members = {.own = own};
	char bytes[CGROUPS_BYTES];
	const struct version *v;
	char *path;
	int err, fd = open_controller(process, memory, &v, bytes, &path);

	if (fd < 0)
		return fd;
	append(out, "cgroup %s\n", *path ? path : "/");
	append_number(out, "current", fd, v->current);
	append_number(out, "max", fd, v->max);
	append_number(out, "peak", fd, v->peak);
	count_here(&members, fd);
	if (!dir__each(fd, count_below, &members) && (in_initial_ns || v->lists_all))
		append(out, "processes %llu\n", members.count);
	append_lines(out, "memory_", fd, v->events);
	if (v == memory)
		append_number(out, "memory_max", fd, "memory.failcnt");
	append_limits(out, process);
	err = proc__append_file(out, fd, "memory.stat");
	close(fd);
	return err;
}
