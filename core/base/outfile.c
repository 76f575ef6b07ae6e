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

#include "core/base/cli.h"
#include "core/error.h"
#include "core/log.h"

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

int outfile__append(struct outfile *out, const char *path, struct error *err)
{
	int flags = O_RDWR | O_APPEND | O_CLOEXEC | O_NOCTTY, fd = -1;
	struct stat st;

	*out = (struct outfile){.fd = STDOUT_FILENO, .path = path};
	if (!path) {
		if (!fstat(STDOUT_FILENO, &st) && S_ISREG(st.st_mode) && fcntl(STDOUT_FILENO, F_GETFL) & O_APPEND)
			fd = open("/proc/self/fd/1", flags);
		out->fd = fd >= 0 ? fd : STDOUT_FILENO;
		return 0;
	}
	if (!stat(path, &st) && !S_ISREG(st.st_mode))
		return outfile__open(out, path, err);
	out->fd = open(path, flags | O_CREAT, 0640);
	return out->fd < 0 ? error__set(err, -errno, "%s: %s", path, strerror(errno)) : 0;
}

int outfile__work(struct outfile *out, const struct account *account, int (*work)(void *arg), void *arg)
{
	int rc = out->temporary ? account__give(account, out->fd) : 0, code = EXIT_FAILED;

	if (!rc)
		code = account__call(account, work, arg);
	if (!rc && out->temporary)
		rc = account__take(account, out->fd);
	if (rc)
		log__error("%s: %s", out->path, strerror(-rc));
	return rc ? EXIT_FAILED : code;
}

int outfile__close(struct outfile *out, int keep, struct error *err)
{
	int rc = 0;

	if (!out->path)
		return 0;
	/* or a crash could leave the name without the bytes */
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
