/* SPDX-License-Identifier: BSD-2-Clause */
/* A file without a name, for what waits on disk. */
#include "sinks/tables/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#define PENDING_BYTES (64U << 10)

int spool__open(struct spool *spool, int folder, const char *name)
{
	*spool = (struct spool){.fd = openat(folder, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600)};
	if (spool->fd < 0 || unlinkat(folder, name, 0))
		return -errno;
	return 0;
}

static int write_out(struct spool *spool)
{
	int err = write_all(spool->fd, spool->pending.data, spool->pending.size);

	spool->pending.size = 0;
	return err;
}

int spool__put(struct spool *spool, const void *bytes, size_t size)
{
	int err = buffer__append(&spool->pending, bytes, size);

	spool->size += size;
	return err || spool->pending.size < PENDING_BYTES ? err : write_out(spool);
}

int spool__map(struct spool *spool)
{
	int err = spool->size ? write_out(spool) : 0;
	void *map;

	buffer__free(&spool->pending);
	if (err || !spool->size)
		return err;
	map = mmap(NULL, spool->size, PROT_READ | PROT_WRITE, MAP_SHARED, spool->fd, 0);
	if (map == MAP_FAILED)
		return -errno;
	spool->map = map;
	return 0;
}

void spool__forget(const struct spool *spool)
{
	if (spool->map)
		madvise(spool->map, spool->size, MADV_DONTNEED);
}

void spool__free(struct spool *spool)
{
	if (spool->map)
		munmap(spool->map, spool->size);
	buffer__free(&spool->pending);
	if (spool->fd >= 0)
		close(spool->fd);
	*spool = (struct spool){.fd = -1};
}
