/* SPDX-License-Identifier: BSD-2-Clause */
/* The page in a file that others append to, as they do to $GITHUB_STEP_SUMMARY. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sinks/ci/ci.h"

#define FILE_MAX (1000U << 10) /* GitHub refuses a file above 1024 KiB as a whole */

size_t ci_file__room(const struct ci_file *file)
{
	struct stat st;

	if (fstat(file->fd, &st) || st.st_size >= FILE_MAX)
		return 0;
	return FILE_MAX - (size_t)st.st_size;
}

static int set_append(int fd, bool append)
{
	int flags = fcntl(fd, F_GETFL);

	return flags < 0 || fcntl(fd, F_SETFL, append ? flags | O_APPEND : flags & ~O_APPEND) ? -errno : 0;
}

/* After what others have written by now, at once; *begin: where it is. */
static int append(int fd, const void *bytes, size_t size, int64_t *begin)
{
	int rc = set_append(fd, true);
	off_t end;

	if (!rc)
		rc = write_all(fd, bytes, size);
	end = rc ? 0 : lseek(fd, 0, SEEK_CUR);
	if (end < 0)
		rc = -errno;
	*begin = end - (off_t)size;
	return rc;
}

/* The block, with blank lines after the page. */
static int fill(struct ci_file *file, const char *bytes, size_t size)
{
	char block[CI_FILE_BLOCK];
	ssize_t n;
	int rc;

	memset(block, '\n', sizeof(block));
	memcpy(block, bytes, size);
	if (file->begin < 0)
		return append(file->fd, block, sizeof(block), &file->begin);
	rc = set_append(file->fd, false);
	n = rc ? 0 : pwrite(file->fd, block, sizeof(block), file->begin);
	return rc ? rc : n < 0 ? -errno : n < (ssize_t)sizeof(block) ? -EIO : 0;
}

int ci_file__write(struct ci_file *file, const struct text *page, bool last)
{
	int64_t begin;
	int rc = 0;

	if (page->size <= CI_FILE_BLOCK && (!last || file->begin >= 0))
		return fill(file, page->data, page->size);
	if (file->begin >= 0)
		rc = fill(file, "", 0);
	return rc ? rc : append(file->fd, page->data, page->size, &begin);
}
