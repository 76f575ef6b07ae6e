/* SPDX-License-Identifier: BSD-2-Clause */
/* A folder of runs that is followed: the names of its runs, those that come and those that go. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/log.h"
#include "core/merge/follow.h"

int follow_folder__add(struct follow *f, const char *path, struct error *err)
{
	struct follow_folder *folder = calloc(1, sizeof(*folder));

	if (!folder)
		return error__set(err, -ENOMEM, "%s: %s", path, strerror(ENOMEM));
	*folder = (struct follow_folder){.next = f->folders, .path = path, .stale = true};
	folder->last = &folder->first;
	f->folders = folder;
	/* first the watch: what comes in between is listed */
	folder->watch =
		inotify_add_watch(f->inotify, path, IN_CREATE | IN_MOVED_TO | IN_DELETE | IN_MOVED_FROM | IN_ONLYDIR);
	folder->fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return folder->fd < 0 ? error__set(err, -errno, "%s: %s", path, strerror(errno)) : 0;
}

static struct follow_name *find_name(const struct follow_folder *folder, const char *name)
{
	struct hash_node *node = hash__first(&folder->known, hash__bytes(0, name, strlen(name)));

	for (; node; node = hash__next(node)) {
		struct follow_name *found = (struct follow_name *)((char *)node - offsetof(struct follow_name, node));

		if (!strcmp(found->name, name))
			return found;
	}
	return NULL;
}

/* Hidden folders are runs that are being made. */
static int found_name(int fd, const char *name, void *arg)
{
	struct follow_folder *folder = arg;
	struct follow_name *found;
	struct stat st;

	if (*name == '.' || fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) || !S_ISDIR(st.st_mode) ||
	    find_name(folder, name))
		return 0;
	found = calloc(1, sizeof(*found) + strlen(name) + 1);
	if (!found)
		return -ENOMEM;
	strcpy(found->name, name);
	if (hash__add(&folder->known, &found->node, hash__bytes(0, name, strlen(name)))) {
		free(found);
		return -ENOMEM;
	}
	*folder->last = found;
	folder->last = &found->next;
	return 0;
}

static void free_name(struct follow_name *name)
{
	free(name->path);
	free(name);
}

/* A run that has gone needs no cursor, and its name may be that of another one. */
static void lost_name(struct follow *f, struct follow_folder *folder, const char *name, bool deleted)
{
	struct follow_name *found = find_name(folder, name), **link;

	if (!found)
		return;
	for (link = &folder->first; *link && *link != found;)
		link = &(*link)->next;
	if (*link) {
		*link = found->next;
		if (!*link)
			folder->last = link;
	}
	hash__remove(&folder->known, &found->node);
	free_name(found);
	if (deleted)
		resume__drop(&f->resume, name);
}

int follow_folder__list(struct follow *f)
{
	int rc = 0;

	for (struct follow_folder *folder = f->folders; folder && !rc; folder = folder->next) {
		if (folder->stale)
			rc = dir__each(folder->fd, found_name, folder);
		folder->stale = false;
		if (rc)
			log__error("%s: %s", folder->path, strerror(-rc));
	}
	return rc;
}

struct follow_name *follow_folder__next(struct follow_folder *folder)
{
	struct follow_name *name = folder->first;

	folder->first = name->next;
	if (!folder->first)
		folder->last = &folder->first;
	return name;
}

void follow_folder__event(struct follow *f, struct follow_folder *folder, const struct inotify_event *event)
{
	if (event->mask & IN_IGNORED)
		folder->watch = -1;
	if (!event->len)
		return;
	if (event->mask & (IN_DELETE | IN_MOVED_FROM))
		lost_name(f, folder, event->name, event->mask & IN_DELETE);
	else
		found_name(folder->fd, event->name, folder);
}

void follow_folder__free(struct follow_folder *folder)
{
	if (folder->fd >= 0)
		close(folder->fd);
	hash__free_all(&folder->known, offsetof(struct follow_name, node));
	free(folder);
}
