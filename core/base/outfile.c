/* SPDX-License-Identifier: BSD-2-Clause */
/* Output that appears as a whole or not at all. */
#include "core/base/outfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/error.h"

static mode_t mode__masked(mode_t mode)
{
	mode_t mask = umask(0);

	umask(mask);
	return mode & ~mask;
}

int outfile__open(struct outfile *out, const char *path, struct error *err)
{
	struct stat st;

	*out = (struct outfile){.fd = STDOUT_FILENO, .path = path};
	if (!path)
		return 0;
	if (!stat(path, &st) && !S_ISREG(st.st_mode)) {
		out->fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
		return out->fd < 0 ? error__set(err, -errno, "%s: %s", path, strerror(errno)) : 0;
	}
	if (asprintf(&out->temporary, "%s.XXXXXX", path) < 0) {
		out->temporary = NULL;
		return error__set(err, -ENOMEM, "%s: %s", path, strerror(ENOMEM));
	}
	out->fd = mkostemp(out->temporary, O_CLOEXEC);
	if (out->fd < 0) {
		free(out->temporary);
		return error__set(err, -errno, "%s: %s", path, strerror(errno));
	}
	fchmod(out->fd, mode__masked(0640));
	return 0;
}

int outfile__close(struct outfile *out, int keep, struct error *err)
{
	int rc = 0;

	if (!out->path)
		return 0;
	/* the name must not become that of a file whose bytes a crash takes away again */
	if (keep && out->temporary && fsync(out->fd))
		rc = -errno;
	if (close(out->fd) && !rc)
		rc = -errno;
	if (out->temporary && keep && !rc && rename(out->temporary, out->path))
		rc = -errno;
	if (out->temporary && (!keep || rc))
		unlink(out->temporary);
	free(out->temporary);
	out->temporary = NULL;
	return rc ? error__set(err, rc, "%s: %s", out->path, strerror(-rc)) : 0;
}
