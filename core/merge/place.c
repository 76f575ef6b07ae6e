/* SPDX-License-Identifier: BSD-2-Clause */
/* Moves a sink's files into place once all of them are complete. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/merge/merge.h"

#define INNER "output"
#define FOLDER (O_RDONLY | O_DIRECTORY | O_CLOEXEC)

static int place__fail(const char *path, int rc, struct error *err)
{
	return error__set(err, rc, "%s: %s", path,
			  rc == -EEXIST ? "exists; overwrite=true replaces it" : strerror(-rc));
}

int place__open(struct place *place, struct error *err)
{
	const char *name = basename(place->path);
	char folder[PATH_MAX], prefix[48];

	snprintf(folder, sizeof(folder), "%s", place->path);
	if (place->output == SINK_FILE) {
		if (!place->overwrite && !access(place->path, F_OK))
			return place__fail(place->path, -EEXIST, err);
		snprintf(folder, sizeof(folder), "%.*s", name == place->path ? 1 : (int)(name - place->path),
			 name == place->path ? "." : place->path);
	} else {
		place->fresh = !mkdir(folder, 0777);
		if (!place->fresh && errno != EEXIST)
			return place__fail(place->path, -errno, err);
	}
	place->to = open(folder, FOLDER);
	if (place->to < 0)
		return place__fail(place->path, -errno, err);
	snprintf(prefix, sizeof(prefix), ".%.40s", place->output == SINK_FILE ? name : "making");
	place->hidden = dir__make(place->to, prefix, place->temporary, sizeof(place->temporary));
	if (place->hidden < 0)
		return place__fail(place->path, place->hidden, err);
	if (mkdirat(place->hidden, INNER, 0700))
		return place__fail(place->path, -errno, err);
	place->made = dir__open(place->hidden, INNER);
	return place->made < 0 ? place__fail(place->path, place->made, err) : 0;
}

/* ---- moving ---- */

struct moving {
	int to;
	int above;	  /* the folder that it is in, by this name */
	const char *name; /* NULL: the output itself */
	bool overwrite;
	char *failed; /* PATH_MAX: the path below the output, of the file that could not be moved */
};

static int move_name(int from, const char *name, int to, const char *as, bool overwrite)
{
	struct stat st;

	if (!renameat2(from, name, to, as, overwrite ? 0 : RENAME_NOREPLACE))
		return 0;
	if (errno != EINVAL || overwrite)
		return -errno;
	/* the file system lacks that flag */
	if (!fstatat(to, as, &st, AT_SYMLINK_NOFOLLOW))
		return -EEXIST;
	return renameat(from, name, to, as) ? -errno : 0;
}

static int move_one(int folder, const char *name, void *arg);

/* A folder of a lake may be exchanged by a compaction after it was opened (core/lake): the file goes on to the new one, or the
 * compaction has moved it. */
static int move_on(const struct moving *moving, const char *name)
{
	int now = openat(moving->above, moving->name, FOLDER), rc = now < 0 ? -errno : 0;
	struct stat in, there;

	if (!rc && (fstat(moving->to, &in) || fstat(now, &there)))
		rc = -errno;
	if (!rc && (in.st_ino != there.st_ino || in.st_dev != there.st_dev))
		rc = move_name(moving->to, name, now, name, moving->overwrite);
	if (now >= 0)
		close(now);
	return rc == -ENOENT ? 0 : rc;
}

static int move_folder(struct moving *moving, int from, const char *name)
{
	struct moving below = {
		.above = moving->to, .name = name, .overwrite = moving->overwrite, .failed = moving->failed};
	int in, rc;

	if (mkdirat(moving->to, name, 0777) && errno != EEXIST)
		return -errno;
	in = openat(from, name, FOLDER);
	below.to = openat(moving->to, name, FOLDER);
	rc = in < 0 || below.to < 0 ? -errno : dir__each(in, move_one, &below);
	if (in >= 0)
		close(in);
	if (below.to >= 0)
		close(below.to);
	return rc;
}

static int move_one(int folder, const char *name, void *arg)
{
	struct moving *moving = arg;
	char rest[PATH_MAX];
	struct stat st;
	int rc;

	if (fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW))
		return -errno;
	rc = S_ISDIR(st.st_mode) ? move_folder(moving, folder, name)
				 : move_name(folder, name, moving->to, name, moving->overwrite);
	if (!rc && moving->name && S_ISREG(st.st_mode))
		rc = move_on(moving, name);
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
		rc = move_name(place->made, SINK_FILE_NAME, place->to, basename(place->path), place->overwrite);
	else
		rc = dir__each(place->made, move_one, &moving);
	snprintf(path, sizeof(path), "%s%s", place->path, failed);
	return rc ? place__fail(path, rc, err) : 0;
}

void place__close(struct place *place)
{
	if (place->made >= 0)
		close(place->made);
	if (place->hidden >= 0) {
		dir__empty(place->hidden);
		close(place->hidden);
	}
	if (*place->temporary)
		unlinkat(place->to, place->temporary, AT_REMOVEDIR);
	if (place->to >= 0)
		close(place->to);
	if (place->fresh)
		rmdir(place->path);
	*place = (struct place){.to = -1, .hidden = -1, .made = -1};
}
