/* SPDX-License-Identifier: BSD-2-Clause */
/* Makes, removes and names files. */
#include "sinks/tables/files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/text.h"

int files__each(const char *folder, int (*call)(const char *folder, const char *name, void *arg), void *arg)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;
	int err = dir ? 0 : -errno;

	while (!err && (entry = readdir(dir)))
		if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, ".."))
			err = call(folder, entry->d_name, arg);
	if (dir)
		closedir(dir);
	return err;
}

bool files__is_folder(const char *path)
{
	struct stat st;

	return !lstat(path, &st) && S_ISDIR(st.st_mode);
}

static int remove_one(const char *folder, const char *name, void *arg)
{
	struct text path = {0};

	(void)arg;
	text__printf(&path, "%s/%s", folder, name);
	if (!path.error && files__is_folder(path.data))
		files__remove(path.data);
	else if (!path.error)
		unlink(path.data);
	text__free(&path);
	return 0;
}

void files__remove(const char *folder)
{
	files__each(folder, remove_one, NULL);
	rmdir(folder);
}

int files__place(const char *from, const char *to, bool overwrite)
{
	if (!renameat2(AT_FDCWD, from, AT_FDCWD, to, overwrite ? 0 : RENAME_NOREPLACE))
		return 0;
	if (errno != EINVAL || overwrite)
		return -errno;
	/* a file system that knows no such flag */
	if (!access(to, F_OK))
		return -EEXIST;
	return rename(from, to) ? -errno : 0;
}
