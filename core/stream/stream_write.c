/* SPDX-License-Identifier: BSD-2-Clause */
/* Writes to a stream's file. */
#include "core/stream/stream_write.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

const char *stream_write__cause(int err)
{
	const char *name;

	if (err == -ENOSPC || err == -EDQUOT)
		return "disk_full";
	name = strerrorname_np(-err);
	return name ? name : "write_error";
}

int stream_write__at(int fd, uint64_t offset, const uint8_t *bytes, size_t size)
{
	size_t done = 0;
	ssize_t n;
	int err;

	while (done < size) {
		n = pwrite(fd, bytes + done, size - done, offset + done);
		if (n > 0) {
			done += n;
			continue;
		}
		if (n < 0 && errno == EINTR)
			continue;
		err = n < 0 ? -errno : -ENOSPC;
		/* If this fails too, the reader finds the next block by its marker. */
		while (ftruncate(fd, offset) && errno == EINTR)
			;
		return err;
	}
	return 0;
}
