/* SPDX-License-Identifier: BSD-2-Clause */
/* An epoll loop. */
#include "core/daemon/loop.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#define EVENTS 16

struct entry {
	struct entry *next;
	int fd;
	bool timer;
	loop_call call;
	void *arg;
};

struct loop {
	int fd;
	bool stop;
	struct entry *entries;
};

struct loop *loop__new(void)
{
	struct loop *loop = calloc(1, sizeof(*loop));

	if (!loop)
		return NULL;
	loop->fd = epoll_create1(EPOLL_CLOEXEC);
	if (loop->fd < 0) {
		free(loop);
		return NULL;
	}
	return loop;
}

static int add(struct loop *loop, int fd, bool timer, bool edge, loop_call call, void *arg)
{
	struct entry *entry = calloc(1, sizeof(*entry));
	struct epoll_event event = {.events = EPOLLIN | (edge ? EPOLLET : 0), .data.ptr = entry};

	if (!entry)
		return -ENOMEM;
	*entry = (struct entry){.next = loop->entries, .fd = fd, .timer = timer, .call = call, .arg = arg};
	if (epoll_ctl(loop->fd, EPOLL_CTL_ADD, fd, &event)) {
		free(entry);
		return -errno;
	}
	loop->entries = entry;
	return 0;
}

int loop__watch(struct loop *loop, int fd, bool edge, loop_call call, void *arg)
{
	return add(loop, fd, false, edge, call, arg);
}

void loop__unwatch(struct loop *loop, int fd)
{
	epoll_ctl(loop->fd, EPOLL_CTL_DEL, fd, NULL);
}

int loop__timer(struct loop *loop, loop_call call, void *arg)
{
	int fd = timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK);
	int err;

	if (fd < 0)
		return -errno;
	err = add(loop, fd, true, false, call, arg);
	if (err) {
		close(fd);
		return err;
	}
	return fd;
}

static struct timespec timespec_of(uint64_t ns)
{
	return (struct timespec){.tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000};
}

int loop__arm(int timer, uint64_t ns, uint64_t every_ns)
{
	struct itimerspec spec = {.it_value = timespec_of(ns), .it_interval = timespec_of(every_ns)};

	return timerfd_settime(timer, 0, &spec, NULL) ? -errno : 0;
}

int loop__run(struct loop *loop)
{
	struct epoll_event events[EVENTS];

	loop->stop = false;
	while (!loop->stop) {
		int n = epoll_wait(loop->fd, events, EVENTS, -1);

		if (n < 0 && errno != EINTR)
			return -errno;
		for (int i = 0; i < n && !loop->stop; i++) {
			struct entry *entry = events[i].data.ptr;
			uint64_t ticks;

			if (entry->timer && read(entry->fd, &ticks, sizeof(ticks)) < 0)
				continue;
			entry->call(entry->arg);
		}
	}
	return 0;
}

void loop__stop(struct loop *loop)
{
	loop->stop = true;
}

void loop__free(struct loop *loop)
{
	struct entry *entry, *next;

	if (!loop)
		return;
	for (entry = loop->entries; entry; entry = next) {
		next = entry->next;
		if (entry->timer)
			close(entry->fd);
		free(entry);
	}
	close(loop->fd);
	free(loop);
}
