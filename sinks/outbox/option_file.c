/* SPDX-License-Identifier: BSD-2-Clause */
/* Small files that options name: read once, with a limit. */
#include "sinks/outbox/option_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_MAX (1 << 20)

/* Another process may have opened it, as this one must not. */
static int open_option(const struct sink_api *api, const char *option, const char *path)
{
	int fd = sink_api__file(api, option);

	if (fd > 0)
		return fcntl(fd, F_DUPFD_CLOEXEC, 3);
	return open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
}

static int read_all(int fd, struct buffer *out)
{
	struct stat st;
	ssize_t n = 1;

	if (fstat(fd, &st))
		return -errno;
	if (!S_ISREG(st.st_mode) || st.st_size > FILE_MAX)
		return -EINVAL;
	while (n && out->size <= FILE_MAX) {
		if (buffer__reserve(out, 4096))
			return out->error;
		n = pread(fd, out->data + out->size, 4096, (off_t)out->size);
		if (n < 0)
			return -errno;
		out->size += (size_t)n;
	}
	return 0;
}

/* The first line, as a string. */
static int take_line(struct buffer *secret)
{
	uint8_t *end = secret->size ? memchr(secret->data, '\n', secret->size) : NULL;

	if (!secret->size)
		return 0;
	secret->size = end ? (size_t)(end - secret->data) : secret->size;
	if (secret->size && secret->data[secret->size - 1] == '\r')
		secret->size--;
	return buffer__append(secret, "", 1);
}

int option_file__read(const struct sink_api *api, const char *option, const char *value, bool line, struct buffer *out,
		      struct error *err)
{
	const char *path = sink__path(value);
	int fd, rc;

	if (!path || !*path)
		return 0;
	fd = open_option(api, option, path);
	rc = fd < 0 ? -errno : read_all(fd, out);
	if (fd >= 0)
		close(fd);
	if (!rc && !out->size)
		return error__set(err, -EINVAL, "%s=%s: the file is empty", option, path);
	if (!rc && line)
		rc = take_line(out);
	return error__set(err, rc, "%s=%s: %s", option, path, rc == -EINVAL ? "not a file" : strerror(-rc));
}

void option_file__forget(struct buffer *secret)
{
	if (secret->data)
		explicit_bzero(secret->data, secret->capacity);
	buffer__free(secret);
}
