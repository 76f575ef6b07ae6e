/* SPDX-License-Identifier: BSD-2-Clause */
/* The daemon's side of the socket. No client is read from or waited for: one that does not take its answer loses its place
 * after a while, and while all places are taken the others stay in the kernel's queue. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/base/base.h"
#include "core/status/status.h"
#include "core/text.h"

#define CLIENTS 16
#define QUEUE 16
#define CLIENT_NS 3000000000ull /* for the whole answer */
#define FRESH_NS 500000000ull	/* an answer is given again for so long */
#define SENT_BYTES 8192		/* at most, about, that a client holds of us without reading */

struct client {
	int fd; /* -1: a free place */
	char *text;
	size_t size, sent;
	uint64_t until; /* boot clock, ns */
};

struct status_server {
	int folder;
	char name[32];
	ino_t inode;
	int listener, epoll, timer;
	void (*ask)(void *arg);
	void *arg;
	bool asked, full;
	struct text answer;
	uint64_t fresh_until; /* boot clock, ns */
	struct client clients[CLIENTS];
};

/* ---- the socket ---- */

static struct sockaddr_un address_of(int folder, const char *name)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	/* a path of any length */
	snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/%s", folder, name);
	return address;
}

/* What a daemon that was killed has left is removed. 0, -EADDRINUSE: it is in use, or -errno. */
static int make_room(int folder, const char *name)
{
	struct sockaddr_un address = address_of(folder, name);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), err;
	struct stat st;

	if (fd < 0)
		return -errno;
	err = connect(fd, (struct sockaddr *)&address, sizeof(address)) ? -errno : -EADDRINUSE;
	close(fd);
	if (err == -ENOENT)
		return 0;
	if (err != -ECONNREFUSED)
		return err == -EAGAIN ? -EADDRINUSE : err;
	if (fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) || !S_ISSOCK(st.st_mode))
		return -EADDRINUSE;
	return unlinkat(folder, name, 0) ? -errno : 0;
}

/* Only the owner and the group of the folder's files may connect. */
static int listen_at(struct status_server *s)
{
	struct sockaddr_un address = address_of(s->folder, s->name);
	mode_t mask = umask(0117);
	struct stat st;
	int err;

	s->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	err = s->listener < 0 || bind(s->listener, (struct sockaddr *)&address, sizeof(address)) ? -errno : 0;
	umask(mask);
	if (!err && !fstatat(s->folder, s->name, &st, AT_SYMLINK_NOFOLLOW))
		s->inode = st.st_ino;
	return err ? err : listen(s->listener, QUEUE) ? -errno : 0;
}

static int watch(struct status_server *s, int op, int fd, uint32_t events, void *ptr)
{
	struct epoll_event event = {.events = events, .data.ptr = ptr};

	return epoll_ctl(s->epoll, op, fd, &event) ? -errno : 0;
}

int status_server__open(struct status_server **out, int folder, const char *name, void (*ask)(void *arg), void *arg,
			struct error *err)
{
	struct status_server *s = calloc(1, sizeof(*s));
	int rc;

	if (!s)
		return error__set(err, -ENOMEM, "%s", strerror(ENOMEM));
	s->ask = ask;
	s->arg = arg;
	s->listener = -1;
	snprintf(s->name, sizeof(s->name), "%s", name);
	for (size_t i = 0; i < CLIENTS; i++)
		s->clients[i].fd = -1;
	s->folder = fcntl(folder, F_DUPFD_CLOEXEC, 0);
	s->epoll = epoll_create1(EPOLL_CLOEXEC);
	s->timer = timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK);
	rc = s->folder < 0 || s->epoll < 0 || s->timer < 0 ? -errno : make_room(s->folder, name);
	if (!rc)
		rc = listen_at(s);
	if (!rc)
		rc = watch(s, EPOLL_CTL_ADD, s->listener, EPOLLIN, &s->listener);
	if (!rc)
		rc = watch(s, EPOLL_CTL_ADD, s->timer, EPOLLIN, &s->timer);
	if (!rc) {
		*out = s;
		return 0;
	}
	status_server__close(s);
	return error__set(err, rc, "%s: %s", name, strerror(-rc));
}

int status_server__fd(const struct status_server *s)
{
	return s->epoll;
}

/* ---- clients ---- */

static void drop(struct status_server *s, struct client *client)
{
	close(client->fd);
	free(client->text);
	*client = (struct client){.fd = -1};
	if (s->full)
		s->full = watch(s, EPOLL_CTL_MOD, s->listener, EPOLLIN, &s->listener);
}

/* As much as there is room for. */
static void send_some(struct status_server *s, struct client *client)
{
	while (client->sent < client->size) {
		ssize_t n = send(client->fd, client->text + client->sent, client->size - client->sent,
				 MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n < 0 && errno == EAGAIN)
			return;
		if (n < 0)
			break;
		client->sent += n;
	}
	drop(s, client);
}

static void give(struct status_server *s, struct client *client)
{
	client->text = malloc(s->answer.size + 1);
	if (!client->text || watch(s, EPOLL_CTL_MOD, client->fd, EPOLLOUT, client)) {
		drop(s, client);
		return;
	}
	memcpy(client->text, s->answer.data, s->answer.size);
	client->size = s->answer.size;
	send_some(s, client);
}

static void arm(struct status_server *s)
{
	struct itimerspec spec = {0};
	uint64_t first = 0;

	for (size_t i = 0; i < CLIENTS; i++)
		if (s->clients[i].fd >= 0 && (!first || s->clients[i].until < first))
			first = s->clients[i].until;
	spec.it_value = (struct timespec){.tv_sec = first / 1000000000, .tv_nsec = first % 1000000000};
	timerfd_settime(s->timer, TFD_TIMER_ABSTIME, &spec, NULL);
}

static void expire(struct status_server *s)
{
	uint64_t now = clock__boot(), ticks;

	while (read(s->timer, &ticks, sizeof(ticks)) > 0)
		;
	for (size_t i = 0; i < CLIENTS; i++)
		if (s->clients[i].fd >= 0 && s->clients[i].until <= now)
			drop(s, &s->clients[i]);
}

static struct client *free_place(struct status_server *s)
{
	for (size_t i = 0; i < CLIENTS; i++)
		if (s->clients[i].fd < 0)
			return &s->clients[i];
	return NULL;
}

static void let_in(struct status_server *s, struct client *client, int fd)
{
	int bytes = SENT_BYTES;

	*client = (struct client){.fd = fd, .until = clock__boot() + CLIENT_NS};
	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
	if (watch(s, EPOLL_CTL_ADD, fd, 0, client)) { /* for its end, so far */
		drop(s, client);
	} else if (clock__boot() < s->fresh_until) {
		give(s, client);
	} else if (!s->asked) {
		s->asked = true;
		s->ask(s->arg);
	}
}

static void accept_all(struct status_server *s)
{
	struct client *place;
	int fd;

	while ((place = free_place(s))) {
		fd = accept4(s->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (fd < 0)
			return;
		let_in(s, place, fd);
	}
	s->full = !watch(s, EPOLL_CTL_MOD, s->listener, 0, &s->listener);
}

void status_server__work(struct status_server *s)
{
	struct epoll_event events[CLIENTS + 2];
	int n = epoll_wait(s->epoll, events, CLIENTS + 2, 0);

	for (int i = 0; i < n; i++) {
		struct client *client = events[i].data.ptr;

		if (events[i].data.ptr == &s->listener || events[i].data.ptr == &s->timer || client->fd < 0)
			continue;
		if (events[i].events & (EPOLLHUP | EPOLLERR))
			drop(s, client);
		else if (client->text)
			send_some(s, client);
	}
	expire(s);
	if (!s->full)
		accept_all(s);
	arm(s);
}

void status_server__answer(struct status_server *s, const struct text *text, bool keep)
{
	s->asked = false;
	s->answer.size = 0;
	text__put(&s->answer, text->data, text->size);
	s->fresh_until = !keep || s->answer.error ? 0 : clock__boot() + FRESH_NS;
	for (size_t i = 0; i < CLIENTS; i++)
		if (s->clients[i].fd >= 0 && !s->clients[i].text)
			give(s, &s->clients[i]);
}

void status_server__close(struct status_server *s)
{
	struct stat st;

	if (!s)
		return;
	for (size_t i = 0; i < CLIENTS; i++)
		if (s->clients[i].fd >= 0)
			drop(s, &s->clients[i]);
	/* another daemon may have taken its place */
	if (s->inode && !fstatat(s->folder, s->name, &st, AT_SYMLINK_NOFOLLOW) && st.st_ino == s->inode)
		unlinkat(s->folder, s->name, 0);
	text__free(&s->answer);
	close(s->listener);
	close(s->epoll);
	close(s->timer);
	close(s->folder);
	free(s);
}
