/* SPDX-License-Identifier: BSD-2-Clause */
/* Messages over a SOCK_SEQPACKET pair. */
#include "core/daemon/channel.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

struct head {
	uint32_t kind, run;
	int32_t number;
};

union control {
	char bytes[CMSG_SPACE(CHANNEL_FDS * sizeof(int))];
	struct cmsghdr align;
};

int channel__pair(int fds[2])
{
	return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) ? -errno : 0;
}

int channel__send(int fd, const struct channel_message *m)
{
	struct head head = {m->kind, m->run, m->number};
	struct iovec parts[] = {{&head, sizeof(head)}, {(void *)m->text, m->size}};
	struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
	size_t bytes = m->fds_count * sizeof(m->fds[0]);
	union control control;

	if (bytes) {
		memset(&control, 0, CMSG_SPACE(bytes));
		message.msg_control = control.bytes;
		message.msg_controllen = CMSG_SPACE(bytes);
		*CMSG_FIRSTHDR(&message) = (struct cmsghdr){CMSG_LEN(bytes), SOL_SOCKET, SCM_RIGHTS};
		memcpy(CMSG_DATA(CMSG_FIRSTHDR(&message)), m->fds, bytes);
	}
	return sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? -errno : 0;
}

int channel__tell(int fd, enum channel_kind kind, uint32_t run, int32_t number)
{
	struct head head = {kind, run, number};

	return send(fd, &head, sizeof(head), MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? -errno : 0;
}

int channel__parse(struct channel_message *m, const void *data, size_t size)
{
	struct head head;

	m->kind = 0;
	m->size = 0;
	if (size < sizeof(head) || size - sizeof(head) > CHANNEL_TEXT)
		return -EBADMSG;
	memcpy(&head, data, sizeof(head));
	if (!head.kind || head.kind >= CHANNEL_KINDS)
		return -EBADMSG;
	m->kind = head.kind;
	m->run = head.run;
	m->number = head.number;
	m->size = size - sizeof(head);
	memcpy(m->text, (const char *)data + sizeof(head), m->size);
	m->text[m->size] = 0;
	return 0;
}

static void take_descriptors(struct channel_message *m, struct msghdr *message)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c)) {
		size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(m->fds[0]);

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS || m->fds_count + count > CHANNEL_FDS)
			continue;
		memcpy(m->fds + m->fds_count, CMSG_DATA(c), count * sizeof(m->fds[0]));
		m->fds_count += count;
	}
}

static int receive(int fd, struct channel_message *m)
{
	char data[sizeof(struct head) + CHANNEL_TEXT];
	struct iovec part = {data, sizeof(data)};
	union control control;
	struct msghdr message = {
		.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = sizeof(control.bytes),
	};
	ssize_t n = recvmsg(fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	int err;

	m->fds_count = 0;
	if (n < 0)
		return -errno;
	take_descriptors(m, &message);
	if (!n && !m->fds_count)
		return 0;
	err = message.msg_flags & MSG_CTRUNC  ? -EMFILE
	      : message.msg_flags & MSG_TRUNC ? -EBADMSG
					      : channel__parse(m, data, n);
	if (err)
		channel__drop(m);
	return err ? err : 1;
}

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000ll + t.tv_nsec / 1000000;
}

int channel__receive(int fd, struct channel_message *m, int timeout_ms)
{
	int64_t until = now_ms() + timeout_ms;

	for (;;) {
		struct pollfd ready = {.fd = fd, .events = POLLIN};
		int64_t left;
		int n = receive(fd, m);

		if (n == -ECONNRESET)
			return 0;
		if (n != -EAGAIN && n != -EINTR)
			return n;
		left = until - now_ms();
		if (left <= 0)
			return -ETIMEDOUT;
		if (poll(&ready, 1, left) < 0 && errno != EINTR)
			return -errno;
	}
}

static bool is_name(const char *name)
{
	return strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_") == strlen(name) && strlen(name) < CHANNEL_NAME;
}

int channel__names(char *text, const char **names, size_t max)
{
	size_t count = 0;
	char *save;

	for (char *name = strtok_r(text, "\n", &save); name; name = strtok_r(NULL, "\n", &save)) {
		if (!is_name(name) || count == max)
			return -EINVAL;
		names[count++] = name;
	}
	return count;
}

static int get(const struct channel_message *m, void *head, size_t size, const char **text)
{
	if (m->size < size)
		return -EBADMSG;
	memcpy(head, m->text, size);
	*text = m->text + size;
	return 0;
}

int channel__get_ask(const struct channel_message *m, struct channel_ask *ask, const char **text)
{
	return get(m, ask, sizeof(*ask), text);
}

int channel__get_answer(const struct channel_message *m, struct channel_answer *answer, const char **text)
{
	return get(m, answer, sizeof(*answer), text);
}

void channel__drop(struct channel_message *m)
{
	while (m->fds_count)
		close(m->fds[--m->fds_count]);
}
