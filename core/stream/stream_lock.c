/* SPDX-License-Identifier: BSD-2-Clause */
/* The lock of a stream's writer: of the open file description, so that the kernel keeps it for as long as the writer
 * has the file open, and a process that asks for it by another descriptor does not get in its own way. */
#include "core/stream/stream_lock.h"

#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

/* File systems that other hosts may write to, or whose server may not pass locks on: include/uapi/linux/magic.h, and
 * for those of other sources what they return. */
static const uint32_t remote[] = {
	0x6969,	    /* NFS */
	0x517b,	    /* SMB */
	0xff534d42, /* CIFS */
	0xfe534d42, /* SMB 2 */
	0x01021997, /* 9P */
	0x65735546, /* FUSE, virtiofs */
	0x00c36400, /* Ceph */
	0x5346414f, /* AFS */
	0x6b414653, /* AFS of the kernel */
	0x73757245, /* Coda */
	0x7461636f, /* OCFS2 */
	0x01161970, /* GFS2 */
	0x0bd00bd0, /* Lustre */
	0x47504653, /* GPFS */
	0x19830326, /* BeeGFS */
	0x013111a8, /* IBRIX */
	0xaad7aaea, /* PanFS */
	0x786f4256, /* VirtualBox's shared folders */
};

static bool is_remote(int fd)
{
	struct statfs fs;

	if (fstatfs(fd, &fs))
		return true;
	for (size_t i = 0; i < sizeof(remote) / sizeof(*remote); i++)
		if ((uint32_t)fs.f_type == remote[i])
			return true;
	return false;
}

struct stream_lock stream_lock__take(int fd)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	struct stat st;

	if (fcntl(fd, F_OFD_SETLK, &lock) || fstat(fd, &st))
		return (struct stream_lock){0};
	return (struct stream_lock){st.st_dev, st.st_ino};
}

void stream_lock__drop(int fd)
{
	struct flock lock = {.l_type = F_UNLCK, .l_whence = SEEK_SET};

	fcntl(fd, F_OFD_SETLK, &lock);
}

bool stream_lock__is_held(int fd)
{
	struct flock lock = {.l_type = F_RDLCK, .l_whence = SEEK_SET};

	return !fcntl(fd, F_OFD_GETLK, &lock) && lock.l_type == F_WRLCK;
}

bool stream_lock__is_meant(int fd, const struct stream_lock *lock, const char *boot_id)
{
	struct flock ask = {.l_type = F_RDLCK, .l_whence = SEEK_SET};
	char boot[STREAM_BOOT_ID];
	struct stat st;

	stream_boot_id__read(boot);
	if (!lock->inode || fstat(fd, &st) || st.st_ino != lock->inode || st.st_dev != lock->device)
		return false;
	return *boot && !strcmp(boot, boot_id) && !is_remote(fd) && !fcntl(fd, F_OFD_GETLK, &ask);
}

bool stream_lock__is_released(int fd, const struct stream_lock *lock, const char *boot_id)
{
	struct flock ask = {.l_type = F_RDLCK, .l_whence = SEEK_SET};
	char boot[STREAM_BOOT_ID];

	if (!lock->inode || is_remote(fd) || fcntl(fd, F_OFD_GETLK, &ask) || ask.l_type == F_WRLCK)
		return false;
	stream_boot_id__read(boot);
	return *boot && (strcmp(boot, boot_id) || stream_lock__is_meant(fd, lock, boot_id));
}

void stream_boot_id__read(char id[STREAM_BOOT_ID])
{
	static char known[STREAM_BOOT_ID]; /* it never changes; a daemon may run out of descriptors later */
	int fd = *known ? -1 : open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);

	if (fd >= 0) {
		if (read(fd, known, STREAM_BOOT_ID - 1) > 0)
			known[strcspn(known, "\n")] = '\0';
		close(fd);
	}
	memcpy(id, known, sizeof(known));
}
