/* SPDX-License-Identifier: BSD-2-Clause */
/* Opens segments for a process that has no right to. What it may ask for are the streams that its inputs have, by a number; it
 * names no file. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/merge/segments.h"

struct request {
	uint32_t id, after;
};

struct reply {
	int32_t error, watch;
	uint32_t number;
};

union control {
	char bytes[CMSG_SPACE(sizeof(int))];
	struct cmsghdr align;
};

int segments_server__open(struct segments_server *server)
{
	return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, server->ends) ? -errno : 0;
}

int segments_server__add(struct segments_server *server, struct segments *segments)
{
	struct segments **all = reallocarray(server->all, server->count + 1, sizeof(*all));

	if (!all)
		return -ENOMEM;
	server->all = all;
	segments->id = server->count;
	all[server->count++] = segments;
	return 0;
}

void segments_server__free(struct segments_server *server)
{
	for (int i = 0; i < 2; i++)
		if (server->ends[i])
			close(server->ends[i]);
	free(server->all);
	*server = (struct segments_server){0};
}

/* ---- the one that asks ---- */

static int take_descriptor(struct msghdr *message)
{
	struct cmsghdr *c = CMSG_FIRSTHDR(message);
	int fd = -EBADMSG;

	if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS)
		memcpy(&fd, CMSG_DATA(c), sizeof(fd));
	return fd;
}

/* The same as segments__open(). */
static int request(const struct segments *segments, uint32_t after, uint32_t *number, int *watch)
{
	const struct request what = {segments->id, after};
	struct reply reply;
	struct iovec part = {&reply, sizeof(reply)};
	union control control;
	struct msghdr message = {
		.msg_iov = &part, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof(control)};
	ssize_t n;

	*watch = -1;
	if (send(segments->ask, &what, sizeof(what), MSG_NOSIGNAL) < 0)
		return -errno;
	do
		n = recvmsg(segments->ask, &message, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n != sizeof(reply))
		return n < 0 ? -errno : -EPIPE;
	*number = reply.number;
	*watch = reply.watch;
	if (message.msg_flags & MSG_CTRUNC)
		return -EMFILE;
	return reply.error ? reply.error : take_descriptor(&message);
}

void segments_server__ask(struct segments_server *server)
{
	close(server->ends[0]);
	server->ends[0] = 0;
	for (size_t i = 0; i < server->count; i++) {
		server->all[i]->ask = server->ends[1];
		server->all[i]->request = request;
	}
}

/* ---- the one that opens ---- */

static void send_reply(int to, const struct reply *reply, int fd)
{
	struct iovec part = {(void *)reply, sizeof(*reply)};
	struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
	union control control = {{0}};

	if (fd >= 0) {
		message.msg_control = control.bytes;
		message.msg_controllen = sizeof(control.bytes);
		*CMSG_FIRSTHDR(&message) = (struct cmsghdr){CMSG_LEN(sizeof(fd)), SOL_SOCKET, SCM_RIGHTS};
		memcpy(CMSG_DATA(CMSG_FIRSTHDR(&message)), &fd, sizeof(fd));
	}
	sendmsg(to, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void answer(const struct segments_server *server, const struct request *request)
{
	struct reply reply = {.watch = -1};
	int fd = -ENOENT;

	if (request->id < server->count)
		fd = segments__open(server->all[request->id], request->after, &reply.number, server->inotify,
				    &reply.watch);
	reply.error = fd < 0 ? fd : 0;
	send_reply(server->ends[0], &reply, fd);
	if (fd >= 0)
		close(fd);
}

void segments_server__serve(struct segments_server *server)
{
	struct request request;
	ssize_t n;

	close(server->ends[1]);
	server->ends[1] = 0;
	for (;;) {
		n = recv(server->ends[0], &request, sizeof(request), 0);
		if (!n || (n < 0 && errno != EINTR))
			break;
		if (n == sizeof(request))
			answer(server, &request);
	}
}
