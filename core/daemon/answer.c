/* SPDX-License-Identifier: BSD-2-Clause */
/* Reads for probes on a thread of its own: the kernel may block a read for as long as the process that it is about does
 * (mmap_lock), and signals and the terminal do not wait for that. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "core/base/base.h"
#include "core/daemon/channel.h"
#include "core/daemon/keeper.h"
#include "core/proc/proc.h"

#define WAITING_MAX 16 /* more than the recorder asks at a time */
#define ROOM_MS 1000   /* that the recorder has to make room for an answer */

struct waiting {
	uint32_t run;
	struct channel_ask ask;
	char *path;
};

struct answerer {
	int channel;
	struct proc_own own;
	pthread_mutex_t lock; /* of all below */
	pthread_cond_t more;
	struct waiting waiting[WAITING_MAX];
	size_t first, count;
};

/* If there is no room for so long, the recorder has stopped. */
static void send_answer(int channel, struct channel_message *m, int timeout_ms)
{
	struct pollfd room = {.fd = channel, .events = POLLOUT};

	if (channel__send(channel, m) == -EAGAIN && timeout_ms && poll(&room, 1, timeout_ms) > 0)
		channel__send(channel, m);
}

static void answer(struct answerer *a, const struct waiting *w)
{
	struct channel_message m = {.kind = CHANNEL_ANSWER, .run = w->run};
	struct channel_answer head = {.id = w->ask.id};
	struct proc_text out = {.text = m.text + sizeof(head), .size = CHANNEL_ANSWER_TEXT};
	const struct probe_ask ask = {
		.what = w->ask.what,
		.run = w->run,
		.pid = w->ask.pid,
		.local_pid = w->ask.local_pid,
		.start = w->ask.start,
		.device = w->ask.device,
		.inode = w->ask.inode,
		.offset = w->ask.offset,
		.end = w->ask.end,
		.path = w->path,
	};
	uint64_t before = clock__ns(CLOCK_THREAD_CPUTIME_ID);

	m.number = proc__read(&ask, &a->own, &out);
	head.cost_ns = clock__ns(CLOCK_THREAD_CPUTIME_ID) - before;
	head.skipped = out.skipped;
	memcpy(m.text, &head, sizeof(head));
	m.size = sizeof(head) + (m.number ? 0 : out.length);
	send_answer(a->channel, &m, ROOM_MS);
}

static void *run(void *arg)
{
	struct answerer *a = arg;

	for (;;) {
		struct waiting w;

		pthread_mutex_lock(&a->lock);
		while (!a->count)
			pthread_cond_wait(&a->more, &a->lock);
		w = a->waiting[a->first];
		a->first = (a->first + 1) % WAITING_MAX;
		a->count--;
		pthread_mutex_unlock(&a->lock);
		answer(a, &w);
		free(w.path);
	}
	return NULL;
}

struct answerer *answerer__start(int channel, const struct proc_own *own)
{
	struct answerer *a = calloc(1, sizeof(*a));
	pthread_attr_t detached;
	sigset_t all, mask;
	pthread_t thread;
	int err;

	if (!a)
		return NULL;
	a->channel = fcntl(channel, F_DUPFD_CLOEXEC, 0); /* the thread outlives its caller's use of it */
	a->own = *own;
	pthread_mutex_init(&a->lock, NULL);
	pthread_cond_init(&a->more, NULL);
	pthread_attr_init(&detached);
	pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &mask);
	err = a->channel < 0 || pthread_create(&thread, &detached, run, a);
	pthread_sigmask(SIG_SETMASK, &mask, NULL);
	pthread_attr_destroy(&detached);
	if (!err)
		return a;
	if (a->channel >= 0)
		close(a->channel);
	free(a);
	return NULL;
}

static bool put(struct answerer *a, struct waiting *w)
{
	bool room;

	pthread_mutex_lock(&a->lock);
	room = a->count < WAITING_MAX;
	if (room)
		a->waiting[(a->first + a->count++) % WAITING_MAX] = *w;
	pthread_cond_signal(&a->more);
	pthread_mutex_unlock(&a->lock);
	return room;
}

void answerer__ask(struct answerer *a, int channel, const struct channel_message *m)
{
	struct channel_message refusal = {.kind = CHANNEL_ANSWER, .run = m->run, .number = -EAGAIN};
	struct waiting w = {.run = m->run};
	struct channel_answer head = {0};
	const char *path;

	if (channel__get_ask(m, &w.ask, &path))
		return;
	w.path = strdup(path);
	if (a && w.path && put(a, &w))
		return;
	free(w.path);
	head.id = w.ask.id;
	memcpy(refusal.text, &head, sizeof(head));
	refusal.size = sizeof(head);
	send_answer(channel, &refusal, 0);
}
