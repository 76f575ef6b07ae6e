/* SPDX-License-Identifier: BSD-2-Clause */
/* Answers GET /metrics. One thread, few connections, each with a deadline: a slow client does not delay other answers. */
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sinks/prometheus/prometheus.h"

#define CLIENTS 16
#define REQUEST_MAX 8192
#define DEADLINE_NS 5000000000ULL
#define TYPE "text/plain; version=0.0.4; charset=utf-8"

struct client {
	int fd; /* -1: free */
	uint64_t until_ns;
	char request[REQUEST_MAX];
	size_t read;
	struct text answer; /* empty: the request is not whole yet */
	size_t sent;
};

struct server {
	int fd, stop; /* stop: an eventfd */
	unsigned port;
	pthread_t thread;
	pthread_mutex_t lock; /* of `text` */
	struct text text;
	struct client clients[CLIENTS];
};

/* ---- one client ---- */

static void client__close(struct client *client)
{
	if (client->fd >= 0)
		close(client->fd);
	text__free(&client->answer);
	client->fd = -1;
}

static void put_answer(struct text *answer, const char *status, const struct text *body, bool head)
{
	text__printf(answer,
		     "HTTP/1.1 %s\r\nContent-Type: " TYPE "\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n",
		     status, body->size);
	if (!head && body->size)
		text__put(answer, body->data, body->size);
}

static void answer(struct server *server, struct client *client)
{
	bool head = !strncmp(client->request, "HEAD ", 5);
	const char *path = client->request + (head ? 5 : 4);
	struct text body = {0};

	if (!head && strncmp(client->request, "GET ", 4) != 0) {
		put_answer(&client->answer, "405 Method Not Allowed", &body, false);
		return;
	}
	if (strncmp(path, "/metrics", 8) != 0 || !strchr(" ?", path[8])) {
		text__printf(&body, "see /metrics\n");
		put_answer(&client->answer, "404 Not Found", &body, head);
	} else {
		pthread_mutex_lock(&server->lock);
		if (server->text.size)
			text__put(&body, server->text.data, server->text.size);
		pthread_mutex_unlock(&server->lock);
		own_cost__write(&body);
		put_answer(&client->answer, "200 OK", &body, head);
	}
	if (body.error)
		client->answer.error = body.error;
	text__free(&body);
}

/* Reads what there is. Returns whether to go on. */
static bool client__read(struct server *server, struct client *client)
{
	ssize_t n = recv(client->fd, client->request + client->read, REQUEST_MAX - 1 - client->read, 0);

	if (n <= 0)
		return n < 0 && (errno == EAGAIN || errno == EINTR);
	client->read += (size_t)n;
	client->request[client->read] = '\0';
	if (strstr(client->request, "\r\n\r\n") || strstr(client->request, "\n\n"))
		answer(server, client);
	return client->answer.size ? !client->answer.error : client->read < REQUEST_MAX - 1;
}

static bool client__write(struct client *client)
{
	ssize_t n =
		send(client->fd, client->answer.data + client->sent, client->answer.size - client->sent, MSG_NOSIGNAL);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	client->sent += (size_t)n;
	return client->sent < client->answer.size;
}

/* ---- the thread ---- */

/* If all places are taken, the client with the least time left gives up its own. */
static void take_client(struct server *server)
{
	int fd = accept4(server->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	struct client *place = &server->clients[0];

	if (fd < 0)
		return;
	for (struct client *c = server->clients; c < server->clients + CLIENTS && place->fd >= 0; c++)
		if (c->fd < 0 || c->until_ns < place->until_ns)
			place = c;
	client__close(place);
	place->fd = fd;
	place->read = place->sent = 0;
	place->until_ns = clock__ns(CLOCK_MONOTONIC) + DEADLINE_NS;
}

/* What to wait for, and for how many milliseconds at most; closes what is late. */
static int prepare(struct server *server, struct pollfd *fds)
{
	uint64_t now = clock__ns(CLOCK_MONOTONIC), first = UINT64_MAX;

	fds[0] = (struct pollfd){.fd = server->stop, .events = POLLIN};
	fds[1] = (struct pollfd){.fd = server->fd, .events = POLLIN};
	for (size_t i = 0; i < CLIENTS; i++) {
		struct client *client = &server->clients[i];

		if (client->fd >= 0 && client->until_ns <= now)
			client__close(client);
		if (client->fd >= 0 && client->until_ns < first)
			first = client->until_ns;
		fds[2 + i] = (struct pollfd){.fd = client->fd, .events = client->answer.size ? POLLOUT : POLLIN};
	}
	return first == UINT64_MAX ? -1 : (int)((first - now) / 1000000 + 1);
}

static void *serve(void *arg)
{
	struct pollfd fds[2 + CLIENTS];
	struct server *server = arg;

	for (;;) {
		if (poll(fds, 2 + CLIENTS, prepare(server, fds)) < 0 && errno != EINTR)
			break;
		if (fds[0].revents)
			break;
		for (size_t i = 0; i < CLIENTS; i++) {
			struct client *client = &server->clients[i];

			if (client->fd < 0 || !fds[2 + i].revents)
				continue;
			if (!(client->answer.size ? client__write(client) : client__read(server, client)))
				client__close(client);
		}
		if (fds[1].revents)
			take_client(server);
	}
	return NULL;
}

/* ---- from outside ---- */

/* Sets *host, allocated, and *port, which points into `address`. */
static int split(const char *address, char **host, const char **port)
{
	const char *colon = strrchr(address, ':');
	bool bracket = *address == '[' && colon && colon > address && colon[-1] == ']';

	*port = colon ? colon + 1 : address;
	*host = !colon || colon == address ? strdup("127.0.0.1")
					   : strndup(address + bracket, (size_t)(colon - address) - 2 * bracket);
	if (!*host)
		return -ENOMEM;
	return **port && !(*port)[strspn(*port, "0123456789")] && strtoul(*port, NULL, 10) < 65536 ? 0 : -EINVAL;
}

static int open_socket(struct server *server, const struct addrinfo *info)
{
	struct sockaddr_storage own;
	socklen_t size = sizeof(own);
	int one = 1;
	char port[8];

	server->fd = socket(info->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (server->fd < 0 || setsockopt(server->fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) ||
	    bind(server->fd, info->ai_addr, info->ai_addrlen) || listen(server->fd, CLIENTS) ||
	    getsockname(server->fd, (struct sockaddr *)&own, &size))
		return -errno;
	if (getnameinfo((struct sockaddr *)&own, size, NULL, 0, port, sizeof(port), NI_NUMERICSERV))
		return -EINVAL;
	server->port = (unsigned)strtoul(port, NULL, 10);
	return 0;
}

static int listen_at(struct server *server, const char *address, struct error *err)
{
	const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST};
	struct addrinfo *info = NULL;
	const char *port;
	char *host;
	int rc = split(address, &host, &port);

	if (!rc && getaddrinfo(host, port, &hints, &info))
		rc = -EINVAL;
	if (rc == -EINVAL)
		error__set(err, rc, "listen=%s: use PORT, ADDRESS:PORT or [ADDRESS]:PORT, the address as numbers",
			   address);
	else if (!rc) {
		rc = open_socket(server, info);
		error__set(err, rc, "listen=%s: %s", address, strerror(-rc));
	}
	if (info)
		freeaddrinfo(info);
	free(host);
	return rc;
}

static int start_thread(struct server *server)
{
	sigset_t all, before;
	int rc;

	/* signals go to the main thread */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	rc = -pthread_create(&server->thread, NULL, serve, server);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return rc;
}

int server__start(struct server **out, const char *address, struct error *err)
{
	struct server *server = calloc(1, sizeof(*server));
	int rc;

	if (!server)
		return error__set(err, -ENOMEM, "%s", strerror(ENOMEM));
	server->fd = -1;
	for (size_t i = 0; i < CLIENTS; i++)
		server->clients[i].fd = -1;
	pthread_mutex_init(&server->lock, NULL);
	server->stop = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	rc = server->stop < 0 ? error__set(err, -errno, "%s", strerror(errno)) : listen_at(server, address, err);
	if (!rc) {
		rc = start_thread(server);
		error__set(err, rc, "listen=%s: %s", address, strerror(-rc));
	}
	if (rc) {
		if (server->stop >= 0)
			close(server->stop);
		if (server->fd >= 0)
			close(server->fd);
		free(server);
		return rc;
	}
	*out = server;
	return 0;
}

unsigned server__port(const struct server *server)
{
	return server->port;
}

int server__publish(struct server *server, const char *text, size_t size)
{
	struct text copy = {0}, old;

	text__put(&copy, text, size);
	if (copy.error)
		return copy.error;
	pthread_mutex_lock(&server->lock);
	old = server->text;
	server->text = copy;
	pthread_mutex_unlock(&server->lock);
	text__free(&old);
	return 0;
}

void server__stop(struct server *server)
{
	uint64_t one = 1;

	if (!server)
		return;
	while (write(server->stop, &one, sizeof(one)) < 0 && errno == EINTR)
		;
	pthread_join(server->thread, NULL);
	for (size_t i = 0; i < CLIENTS; i++)
		client__close(&server->clients[i]);
	close(server->fd);
	close(server->stop);
	pthread_mutex_destroy(&server->lock);
	text__free(&server->text);
	free(server);
}
