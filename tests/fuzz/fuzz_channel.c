/* SPDX-License-Identifier: BSD-2-Clause */
/* Whatever datagram between keeper and recorder, with some descriptors: refused, or a message that is what it says; and no
 * descriptor is left behind. The first byte is their number. */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/daemon/channel.h"
#include "tests/fuzz/fuzz.h"

#define FDS 8

static int ends[2] = {-1, -1};

static void send_raw(const uint8_t *data, size_t size, size_t fds)
{
	struct iovec part = {(void *)data, size};
	union {
		char bytes[CMSG_SPACE(FDS * sizeof(int))];
		struct cmsghdr align;
	} control = {0};
	struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};

	if (fds) {
		message.msg_control = control.bytes;
		message.msg_controllen = CMSG_SPACE(fds * sizeof(int));
		*CMSG_FIRSTHDR(&message) = (struct cmsghdr){CMSG_LEN(fds * sizeof(int)), SOL_SOCKET, SCM_RIGHTS};
		for (size_t i = 0; i < fds; i++)
			((int *)CMSG_DATA(CMSG_FIRSTHDR(&message)))[i] = ends[0];
	}
	EXPECT(sendmsg(ends[0], &message, MSG_NOSIGNAL) == (ssize_t)size);
}

static int next_descriptor(void)
{
	int fd = dup(ends[0]);

	EXPECT(fd >= 0);
	close(fd);
	return fd;
}

static void check_ask(const struct channel_message *m)
{
	struct channel_answer answer;
	struct channel_ask ask;
	const char *text;

	if (!channel__get_ask(m, &ask, &text))
		EXPECT(strlen(text) <= m->size - sizeof(ask));
	if (!channel__get_answer(m, &answer, &text))
		EXPECT(strlen(text) <= m->size - sizeof(answer));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct channel_message m;
	const char *names[4];
	size_t fds = size ? data[0] % (FDS + 1) : 0;
	int next, count, rc;

	if (size < 2 || size > 2 * CHANNEL_TEXT)
		return 0;
	if (ends[0] < 0)
		EXPECT(!channel__pair(ends));
	next = next_descriptor();
	send_raw(data + 1, size - 1, fds);
	rc = channel__receive(ends[1], &m, 0);
	EXPECT(rc == 1 || rc == -EBADMSG);
	if (rc == 1) {
		EXPECT(m.kind && m.kind < CHANNEL_KINDS && m.size <= CHANNEL_TEXT && m.fds_count == fds);
		EXPECT(!m.text[m.size]);
		check_ask(&m);
		count = channel__names(m.text, names, 4);
		for (int i = 0; i < count; i++)
			EXPECT(*names[i] && strlen(names[i]) < CHANNEL_NAME && !strpbrk(names[i], "./"));
		channel__drop(&m);
	}
	EXPECT(next_descriptor() == next);
	return 0;
}
