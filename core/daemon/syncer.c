/* SPDX-License-Identifier: BSD-2-Clause */
/* A queue of jobs and the thread that does them. */
#include "core/daemon/syncer.h"

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>

struct queue {
	struct syncer_job *first, **last;
};

struct syncer {
	pthread_t thread;
	pthread_mutex_t lock; /* of all below */
	pthread_cond_t changed;
	struct queue todo, done;
	bool started, ending;
};

static void queue__add(struct queue *queue, struct syncer_job *job)
{
	job->next = NULL;
	*queue->last = job;
	queue->last = &job->next;
}

static struct syncer_job *queue__take(struct queue *queue)
{
	struct syncer_job *job = queue->first;

	if (job)
		queue->first = job->next;
	if (!queue->first)
		queue->last = &queue->first;
	return job;
}

struct syncer *syncer__new(void)
{
	struct syncer *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->changed, NULL);
	s->todo.last = &s->todo.first;
	s->done.last = &s->done.first;
	return s;
}

/* Until nothing is left to do and nothing more will come. */
static void *work(void *arg)
{
	struct syncer *s = arg;
	struct syncer_job *job;

	pthread_mutex_lock(&s->lock);
	for (;;) {
		job = queue__take(&s->todo);
		if (!job && s->ending)
			break;
		if (!job) {
			pthread_cond_wait(&s->changed, &s->lock);
			continue;
		}
		pthread_mutex_unlock(&s->lock);
		job->work(job->arg);
		pthread_mutex_lock(&s->lock);
		queue__add(&s->done, job);
	}
	pthread_mutex_unlock(&s->lock);
	return NULL;
}

int syncer__start(struct syncer *s)
{
	sigset_t all, before;
	int err;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	err = pthread_create(&s->thread, NULL, work, s);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	s->started = !err;
	return -err;
}

void syncer__add(struct syncer *s, struct syncer_job *job)
{
	pthread_mutex_lock(&s->lock);
	queue__add(&s->todo, job);
	pthread_cond_signal(&s->changed);
	pthread_mutex_unlock(&s->lock);
}

struct syncer_job *syncer__done(struct syncer *s)
{
	struct syncer_job *job;

	pthread_mutex_lock(&s->lock);
	job = queue__take(&s->done);
	pthread_mutex_unlock(&s->lock);
	return job;
}

void syncer__finish(struct syncer *s)
{
	pthread_mutex_lock(&s->lock);
	s->ending = true;
	pthread_cond_signal(&s->changed);
	pthread_mutex_unlock(&s->lock);
	if (s->started)
		pthread_join(s->thread, NULL);
	else
		work(s);
	s->started = false;
}

void syncer__free(struct syncer *s)
{
	if (!s)
		return;
	pthread_mutex_destroy(&s->lock);
	pthread_cond_destroy(&s->changed);
	free(s);
}
