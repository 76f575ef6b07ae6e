/* SPDX-License-Identifier: BSD-2-Clause */
/* The other side of the socket: neither a daemon that stands still nor one that says too much is waited for. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/base/base.h"
#include "core/status/status.h"
#include "core/text.h"

#define WAIT_NS 10000000000ull
#define ANSWER_MAX (1 << 20)
#define RETRY_MS 50

/* While the daemon's queue is full, again. */
static int connect_to(int fd, const struct sockaddr_un *address, uint64_t until)
{
	while (connect(fd, (const struct sockaddr *)address, sizeof(*address))) {
		if (errno != EAGAIN)
			return -errno;
		if (clock__boot() >= until)
			return -ETIMEDOUT;
		poll(NULL, 0, RETRY_MS);
	}
	return 0;
}

static int read_all(int fd, struct text *text, uint64_t until)
{
	for (;;) {
		struct pollfd ready = {.fd = fd, .events = POLLIN};
		uint64_t now = clock__boot();
		char bytes[4096];
		ssize_t n;

		if (now >= until || poll(&ready, 1, (until - now) / 1000000 + 1) <= 0)
			return -ETIMEDOUT;
		n = recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT);
		if (!n)
			return text->size ? text->error : -EBADMSG;
		if (n < 0 && errno != EAGAIN)
			return -errno;
		if (n > 0)
			text__put(text, bytes, n);
		if (text->size > ANSWER_MAX)
			return -EBADMSG;
	}
}

int status_client__ask(const char *folder, const char *name, char **out)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int in = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC), fd, err;
	uint64_t until = clock__boot() + WAIT_NS;
	struct text text = {0};

	if (in < 0)
		return -errno;
	snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/%s", in, name);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	err = fd < 0 ? -errno : connect_to(fd, &address, until);
	if (!err)
		err = read_all(fd, &text, until);
	if (fd >= 0)
		close(fd);
	close(in);
	*out = text.data;
	if (err) {
		text__free(&text);
		*out = NULL;
	}
	return err;
}
