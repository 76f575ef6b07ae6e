/* SPDX-License-Identifier: BSD-2-Clause */
/* Files that get their place when all of them are whole. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/merge/merge.h"

#define FOLDER (O_RDONLY | O_DIRECTORY | O_CLOEXEC)

static int place__fail(const char *path, int rc, struct error *err)
{
	return error__set(err, rc, "%s: %s", path,
			  rc == -EEXIST ? "exists; overwrite=true replaces it" : strerror(-rc));
}

/* Calls for each entry of the folder, which it does not close. 0, -errno, or what the call returned. */
static int each(int folder, int (*call)(int folder, const char *name, void *arg), void *arg)
{
	int fd = openat(folder, ".", FOLDER), rc = 0;
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;

	if (!dir) {
		rc = -errno;
		if (fd >= 0)
			close(fd);
		return rc;
	}
	while (!rc && (entry = readdir(dir)))
		if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, ".."))
			rc = call(folder, entry->d_name, arg);
	closedir(dir);
	return rc;
}

static int remove_one(int folder, const char *name, void *arg)
{
	int below;

	if (!unlinkat(folder, name, 0) || (errno != EISDIR && errno != EPERM))
		return 0;
	below = openat(folder, name, FOLDER | O_NOFOLLOW);
	if (below >= 0) {
		each(below, remove_one, arg);
		close(below);
		unlinkat(folder, name, AT_REMOVEDIR);
	}
	return 0;
}

/* mkdtemp() below a descriptor. */
static int make_temporary(struct place *place, const char *prefix)
{
	int tries;

	for (tries = 0; tries < 100; tries++) {
		snprintf(place->temporary, sizeof(place->temporary), ".%.40s-%06lx", prefix, random() & 0xffffff);
		if (!mkdirat(place->to, place->temporary, 0700)) {
			place->made = openat(place->to, place->temporary, FOLDER | O_NOFOLLOW);
			return place->made < 0 ? -errno : 0;
		}
		if (errno != EEXIST)
			break;
	}
	*place->temporary = '\0';
	return -errno;
}

static const char *last_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

int place__open(struct place *place, struct error *err)
{
	const char *name = last_name(place->path);
	char folder[PATH_MAX];
	int rc = 0;

	snprintf(folder, sizeof(folder), "%s", place->path);
	if (place->output == SINK_FILE) {
		if (!place->overwrite && !access(place->path, F_OK))
			return place__fail(place->path, -EEXIST, err);
		snprintf(folder, sizeof(folder), "%.*s", name == place->path ? 1 : (int)(name - place->path),
			 name == place->path ? "." : place->path);
	} else if (mkdir(folder, 0777) && errno != EEXIST) {
		return place__fail(place->path, -errno, err);
	}
	place->to = open(folder, FOLDER);
	if (place->to < 0)
		return place__fail(place->path, -errno, err);
	srandom(getpid() ^ clock__ns(CLOCK_MONOTONIC));
	rc = make_temporary(place, place->output == SINK_FILE ? name : "making");
	return rc ? place__fail(place->path, rc, err) : 0;
}

/* ---- moving ---- */

struct moving {
	int to;
	bool overwrite, below, cleared; /* below: not the output's own folder */
	const char *suffix;
	char *failed; /* PATH_MAX: the path below the output, of what could not be moved */
};

static int move_name(int from, const char *name, int to, const char *as, bool overwrite)
{
	struct stat st;

	if (!renameat2(from, name, to, as, overwrite ? 0 : RENAME_NOREPLACE))
		return 0;
	if (errno != EINVAL || overwrite)
		return -errno;
	/* a file system without that flag */
	if (!fstatat(to, as, &st, AT_SYMLINK_NOFOLLOW))
		return -EEXIST;
	return renameat(from, name, to, as) ? -errno : 0;
}

static const char *suffix_of(const char *name)
{
	const char *dot = strrchr(name, '.');

	return dot ? dot : "";
}

static int clear_part(int folder, const char *name, void *arg)
{
	const struct moving *moving = arg;

	if (strcmp(suffix_of(name), moving->suffix))
		return 0;
	if (!moving->overwrite)
		return -EEXIST;
	return unlinkat(folder, name, 0) ? -errno : 0;
}

static int move_one(int folder, const char *name, void *arg);

static int move_folder(struct moving *moving, int from, const char *name)
{
	struct moving below = {.overwrite = moving->overwrite, .below = true, .failed = moving->failed};
	int in, rc;

	if (mkdirat(moving->to, name, 0777) && errno != EEXIST)
		return -errno;
	in = openat(from, name, FOLDER);
	below.to = openat(moving->to, name, FOLDER);
	rc = in < 0 || below.to < 0 ? -errno : each(in, move_one, &below);
	if (in >= 0)
		close(in);
	if (below.to >= 0)
		close(below.to);
	return rc;
}

/* The earlier parts of a folder go before the first of its new ones comes. */
static int move_file(struct moving *moving, int from, const char *name)
{
	int rc = 0;

	moving->suffix = suffix_of(name);
	if (moving->below && !moving->cleared)
		rc = each(moving->to, clear_part, moving);
	moving->cleared = true;
	return rc ? rc : move_name(from, name, moving->to, name, moving->overwrite);
}

static int move_one(int folder, const char *name, void *arg)
{
	struct moving *moving = arg;
	char rest[PATH_MAX];
	struct stat st;
	int rc;

	if (fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW))
		return -errno;
	rc = S_ISDIR(st.st_mode) ? move_folder(moving, folder, name) : move_file(moving, folder, name);
	if (rc) {
		snprintf(rest, sizeof(rest), "%s", moving->failed);
		snprintf(moving->failed, PATH_MAX, "/%.255s%.3800s", name, rest);
	}
	return rc;
}

int place__commit(struct place *place, struct error *err)
{
	char failed[PATH_MAX] = "", path[2 * PATH_MAX];
	struct moving moving = {.to = place->to, .overwrite = place->overwrite, .failed = failed};
	int rc;

	if (place->output == SINK_FILE)
		rc = move_name(place->made, SINK_FILE_NAME, place->to, last_name(place->path), place->overwrite);
	else
		rc = each(place->made, move_one, &moving);
	snprintf(path, sizeof(path), "%s%s", place->path, failed);
	return rc ? place__fail(path, rc, err) : 0;
}

void place__close(struct place *place)
{
	if (place->made >= 0) {
		each(place->made, remove_one, NULL);
		close(place->made);
	}
	if (*place->temporary)
		unlinkat(place->to, place->temporary, AT_REMOVEDIR);
	if (place->to >= 0)
		close(place->to);
	*place = (struct place){.to = -1, .made = -1};
}
