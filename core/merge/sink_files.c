/* SPDX-License-Identifier: BSD-2-Clause */
/* Files that a sink is to read, opened for it by their options. */
#include "core/merge/merge.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int open_regular(const char *name, size_t length)
{
	char *path = strndup(name, length);
	int fd = path ? open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY) : -1;
	struct stat st;

	free(path);
	if (fd < 0 || (!fstat(fd, &st) && S_ISREG(st.st_mode)))
		return fd;
	close(fd);
	return -1;
}

/* The value as a whole, or the first of the names between its commas, that is a regular file; -1: none is. */
static int open_named(const char *value)
{
	int fd = open_regular(value, strlen(value));

	for (size_t n; fd < 0 && *value; value += n + (value[n] == ',')) {
		n = strcspn(value, ",");
		fd = open_regular(value, n);
	}
	return fd;
}

int sink_files__add(struct sink_files *files, const char *option, size_t length, int fd)
{
	char *copy = files->count < SINK_FILES_MAX ? strndup(option, length) : NULL;

	if (!copy) {
		close(fd);
		return -ENOMEM;
	}
	files->of[files->count].option = copy;
	files->of[files->count++].fd = fd;
	return 0;
}

/* If there is none, the sink knows what its option means. */
static int open_option(struct sink_files *files, const struct sink *sink, const void *conf, const char *name,
		       size_t length)
{
	char *option = strndup(name, length);
	const struct opt *opt;
	const char *value;
	int fd;

	if (!option)
		return -ENOMEM;
	opt = sink->options ? opt__find(sink->options, option) : NULL;
	free(option);
	value = opt ? sink__path(*(char *const *)((const char *)conf + opt->offset)) : NULL;
	fd = value && files->count < SINK_FILES_MAX ? open_named(value) : -1;
	return fd >= 0 ? sink_files__add(files, name, length, fd) : 0;
}

int sink_files__open(struct sink_files *files, const struct sink *sink, const void *conf)
{
	const char *name = sink->reads;
	int rc = 0;

	for (; name && *name && !rc; name += strspn(name, ",")) {
		size_t length = strcspn(name, ",");

		rc = open_option(files, sink, conf, name, length);
		name += length;
	}
	return rc;
}

int sink_files__of(const struct sink_files *files, const char *option)
{
	for (size_t i = 0; i < files->count; i++)
		if (!strcmp(files->of[i].option, option))
			return files->of[i].fd;
	return 0;
}

void sink_files__close(struct sink_files *files)
{
	while (files->count) {
		files->count--;
		close(files->of[files->count].fd);
		free(files->of[files->count].option);
	}
}
