/* SPDX-License-Identifier: BSD-2-Clause */
/* The connection: a socket of TCP or Unix, with TLS or without, that never waits but in poll(), which a stop ends. */
#include <errno.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "sinks/forward/forward.h"

#define PORT "24224"
#define MS 1000000

/* ---- addresses ---- */

static int bad_address(const char *address, struct error *err)
{
	return error__set(err, -EINVAL, "address=%s: use HOST:PORT, [IPV6]:PORT, or the path of a Unix socket",
			  address);
}

static int copy_host(struct forward_link *link, const char *host, size_t length, const char *port, struct error *err)
{
	link->host = strndup(host, length);
	link->port = strdup(*port ? port : PORT);
	return link->host && link->port ? 0 : error__set(err, -ENOMEM, "%s", strerror(ENOMEM));
}

static bool is_port(const char *text)
{
	return strspn(text, "0123456789") == strlen(text) && atoi(text) > 0 && atoi(text) <= UINT16_MAX;
}

int forward_link__open(struct forward_link *link, const char *address, struct error *err)
{
	const char *host = address, *end = strchrnul(address, ':');

	link->fd = -1;
	link->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (link->stop_fd < 0)
		return error__set(err, -errno, "eventfd: %s", strerror(errno));
	if (*address == '/') {
		if (strlen(address) >= sizeof(((struct sockaddr_un *)0)->sun_path))
			return error__set(err, -EINVAL, "address=%s: too long for a socket", address);
		link->path = strdup(address);
		return link->path ? 0 : error__set(err, -ENOMEM, "%s", strerror(ENOMEM));
	}
	if (*address == '[') {
		host++;
		end = strchr(host, ']');
		if (!end || (end[1] && end[1] != ':'))
			return bad_address(address, err);
	}
	if (end == host || (*end == ']' && end[1] && !is_port(end + 2)) || (*end == ':' && !is_port(end + 1)))
		return bad_address(address, err);
	return copy_host(link, host, (size_t)(end - host),
			 *end == ']' && end[1] ? end + 2
			 : *end == ':'	       ? end + 1
					       : "",
			 err);
}

/* ---- waiting ---- */

void forward_link__stop(struct forward_link *link)
{
	eventfd_write(link->stop_fd, 1);
}

/* 0, -ETIMEDOUT or -ECANCELED. */
static int wait_for(struct forward_link *link, short events, uint64_t deadline)
{
	struct pollfd fds[] = {{.fd = link->fd, .events = events}, {.fd = link->stop_fd, .events = POLLIN}};
	uint64_t now = clock__ns(CLOCK_MONOTONIC);
	int left = now < deadline ? (int)((deadline - now) / MS) + 1 : 0;

	if (poll(fds, 2, left) < 0 && errno != EINTR)
		return -errno;
	if (fds[1].revents)
		return -ECANCELED;
	return clock__ns(CLOCK_MONOTONIC) < deadline || fds[0].revents ? 0 : -ETIMEDOUT;
}

static int say(struct text *why, int rc)
{
	if (rc)
		text__printf(why, "%s", strerror(-rc));
	return rc;
}

/* ---- connecting ---- */

static int try_address(struct forward_link *link, const struct sockaddr *address, socklen_t size, uint64_t deadline)
{
	int one = 1, error = 0, rc = 0;
	socklen_t length = sizeof(error);

	link->fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (link->fd < 0)
		return -errno;
	if (address->sa_family != AF_UNIX) {
		setsockopt(link->fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof(one));
		setsockopt(link->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	}
	if (connect(link->fd, address, size))
		rc = errno == EINPROGRESS ? wait_for(link, POLLOUT, deadline) : -errno;
	if (!rc && !getsockopt(link->fd, SOL_SOCKET, SO_ERROR, &error, &length))
		rc = -error;
	if (rc) {
		close(link->fd);
		link->fd = -1;
	}
	return rc;
}

static int connect_unix(struct forward_link *link, uint64_t deadline, struct text *why)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	memcpy(address.sun_path, link->path, strlen(link->path));
	return say(why, try_address(link, (struct sockaddr *)&address, sizeof(address), deadline));
}

static int connect_tcp(struct forward_link *link, uint64_t deadline, struct text *why)
{
	const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
	struct addrinfo *list = NULL;
	int rc = getaddrinfo(link->host, link->port, &hints, &list);

	if (rc) {
		text__printf(why, "%s", gai_strerror(rc));
		return -EHOSTUNREACH;
	}
	rc = -EHOSTUNREACH;
	for (const struct addrinfo *at = list; at && rc && rc != -ECANCELED; at = at->ai_next)
		rc = try_address(link, at->ai_addr, at->ai_addrlen, deadline);
	freeaddrinfo(list);
	return say(why, rc);
}

static int begin_tls(struct forward_link *link, uint64_t deadline, struct text *why)
{
	int rc = forward_tls.begin(link->tls, link->fd, link->host ? link->host : "localhost");
	short wants = 0;

	if (rc)
		return say(why, rc);
	while ((rc = forward_tls.handshake(link->tls, &wants, why)) == -EAGAIN)
		if ((rc = say(why, wait_for(link, wants, deadline))))
			break;
	return rc;
}

int forward_link__connect(struct forward_link *link, uint64_t deadline, struct text *why)
{
	int rc = link->path ? connect_unix(link, deadline, why) : connect_tcp(link, deadline, why);

	link->in_size = link->used = 0;
	if (!rc && link->tls)
		rc = begin_tls(link, deadline, why);
	if (rc)
		forward_link__end(link);
	return rc;
}

void forward_link__end(struct forward_link *link)
{
	if (link->tls)
		forward_tls.end(link->tls);
	if (link->fd >= 0)
		close(link->fd);
	link->fd = -1;
}

/* ---- asking ---- */

static ssize_t read_some(struct forward_link *link, short *wants, struct text *why)
{
	uint8_t *at = link->in + link->in_size;
	size_t room = sizeof(link->in) - link->in_size;
	ssize_t n;

	*wants = POLLIN;
	if (link->tls)
		n = forward_tls.read(link->tls, at, room, wants, why);
	else if ((n = recv(link->fd, at, room, 0)) < 0)
		n = errno == EINTR ? -EAGAIN : -errno;
	if (n > 0)
		link->in_size += (size_t)n;
	return n ? n : -EPIPE;
}

static ssize_t write_some(struct forward_link *link, const uint8_t *bytes, size_t size, short *wants, struct text *why)
{
	ssize_t n;

	*wants = 0;
	if (!size)
		return -EAGAIN;
	*wants = POLLOUT;
	if (link->tls)
		return forward_tls.write(link->tls, bytes, size, wants, why);
	n = send(link->fd, bytes, size, MSG_NOSIGNAL);
	return n >= 0 ? n : errno == EINTR ? -EAGAIN : -errno;
}

/* 1: there is an answer; 0, or -EBADMSG. */
static int take_answer(struct forward_link *link, struct forward_answer *answer, struct text *why)
{
	int size = forward_answer__parse(link->in, link->in_size, answer);

	if (size < 0)
		text__printf(why, "the answer is none of the Forward protocol");
	else
		link->used = (size_t)size;
	return size < 0 ? size : size > 0;
}

static void forget_answer(struct forward_link *link)
{
	link->in_size -= link->used;
	memmove(link->in, link->in + link->used, link->in_size);
	link->used = 0;
}

static bool is_fatal(ssize_t n)
{
	return n < 0 && n != -EAGAIN;
}

/* An answer may come, and the connection be closed, before all is sent. */
int forward_link__ask(struct forward_link *link, const struct buffer *message, uint64_t deadline,
		      struct forward_answer *answer, struct text *why)
{
	short read_wants, write_wants;
	size_t sent = 0;
	ssize_t in, out;
	int rc;

	forget_answer(link);
	while (!(rc = take_answer(link, answer, why))) {
		out = write_some(link, message->data + sent, message->size - sent, &write_wants, why);
		sent += out > 0 ? (size_t)out : 0;
		in = read_some(link, &read_wants, why);
		if (in > 0)
			continue;
		if (is_fatal(in))
			rc = in == -ECONNRESET ? -EPIPE : (int)in;
		else if (is_fatal(out))
			rc = out == -ECONNRESET ? -EPIPE : (int)out;
		else if (out < 0)
			rc = wait_for(link, read_wants | write_wants, deadline);
		else if (clock__ns(CLOCK_MONOTONIC) >= deadline)
			rc = -ETIMEDOUT;
		if (rc)
			return why->size ? rc : say(why, rc);
	}
	return rc < 0 ? rc : 0;
}

/* A server closes connections that it has not heard of for long. What it has sent meanwhile is read by the next request. */
bool forward_link__is_up(struct forward_link *link)
{
	struct text why = {0};
	ssize_t n = -EPIPE;
	short wants;

	if (link->fd < 0)
		return false;
	forget_answer(link);
	if (link->in_size < sizeof(link->in))
		n = read_some(link, &wants, &why);
	text__free(&why);
	return !is_fatal(n);
}

void forward_link__close(struct forward_link *link)
{
	forward_link__end(link);
	if (link->tls)
		forward_tls.free(link->tls);
	if (link->stop_fd >= 0)
		close(link->stop_fd);
	free(link->host);
	free(link->port);
	free(link->path);
}
