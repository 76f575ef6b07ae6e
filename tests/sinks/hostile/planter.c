/* SPDX-License-Identifier: BSD-2-Clause */
/* A sink that leaves in its output what must not arrive there. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/sink.h"

struct planter_conf {
	char *output, *what;
	bool overwrite;
};

static const struct opt options[] = {
	OPT(struct planter_conf, output, OPT_STRING, NULL, 0, 0, "the folder"),
	OPT(struct planter_conf, overwrite, OPT_BOOL, "false", 0, 0, "replace files"),
	OPT(struct planter_conf, what, OPT_STRING, "file", 0, 0, "file, link, fifo, hard"),
	{0},
};

static int fill(int folder)
{
	int fd = openat(folder, "file", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd < 0 || dprintf(fd, "made\n") < 0 || fchmod(fd, 06777))
		return -errno;
	return close(fd) ? -errno : 0;
}

static int planter__open(const struct sink_api *api, const void *given, void **state)
{
	const struct planter_conf *conf = given;
	int below, rc = fill(api->out);

	*state = NULL;
	if (!rc && mkdirat(api->out, "below", 0777))
		rc = -errno;
	below = openat(api->out, "below", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (!rc)
		rc = below < 0 ? -errno : fill(below);
	if (!rc && !strcmp(conf->what, "link"))
		rc = symlinkat("/etc/passwd", below, "x") ? -errno : 0;
	else if (!rc && !strcmp(conf->what, "fifo"))
		rc = mkfifoat(below, "x", 0666) ? -errno : 0;
	else if (!rc && !strcmp(conf->what, "hard"))
		rc = linkat(below, "file", below, "x", 0) ? -errno : 0;
	if (below >= 0)
		close(below);
	return rc;
}

static int planter__write(void *state, const struct record *record)
{
	(void)state;
	(void)record;
	return 0;
}

static void planter__close(void *state)
{
	(void)state;
}

SINK(planter, "leaves things in its output", .options = options, .conf_size = sizeof(struct planter_conf),
     .output = SINK_FOLDER, .open = planter__open, .write = planter__write, .close = planter__close);
