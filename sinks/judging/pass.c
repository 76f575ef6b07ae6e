/* SPDX-License-Identifier: BSD-2-Clause */
/* Verdicts on a run that goes on, by a copy of what is known of it. */
#include "sinks/judging/pass.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/base.h"
#include "sinks/judging/judged.h"

#define S 1000000000ULL
#define BETWEEN_NS (S / 2) /* passes, or SHARE times what the last one took */
#define SHARE 20
#define WAIT_NS (5 * S) /* at most */
#define PASS_NS (60 * S)
#define FOUND_MAX 10000
#define EVIDENCE_MAX 4096
#define CHUNK 65536

int verdict_pass__open(struct verdict_pass *pass, const struct sink_api *api, const char *name)
{
	return judge__open(&pass->judge, api, name);
}

int verdict_pass__stream(struct verdict_pass *pass, const struct stream_info *info)
{
	const struct stream_info **streams = reallocarray(pass->streams, pass->count + 1, sizeof(*streams));

	if (!streams)
		return -ENOMEM;
	pass->streams = streams;
	streams[pass->count++] = info;
	return judge__stream(pass->judge, info);
}

void verdict_pass__close(struct verdict_pass *pass)
{
	judge__free(pass->judge);
	free(pass->streams);
	*pass = (struct verdict_pass){0};
}

uint64_t verdict_pass__due(const struct verdict_pass *pass)
{
	uint64_t pause = SHARE * pass->took_ns > BETWEEN_NS ? SHARE * pass->took_ns : BETWEEN_NS;

	return pass->ended_ns ? pass->ended_ns + (pause < WAIT_NS ? pause : WAIT_NS) : 0;
}

/* ---- the child ---- */

static void pack(struct buffer *all, const struct verdict *verdict)
{
	const struct verdict_found found = {
		.start = verdict->start,
		.since_ns = verdict->since_ns,
		.pid = verdict->pid,
		.kind = verdict->kind,
		.length = (uint32_t)strnlen(verdict->evidence, EVIDENCE_MAX),
		.certainty = verdict->certainty,
		.lasts = EVENT_IS_NULL(verdict->ended_ns),
	};

	buffer__append(all, &found, sizeof(found));
	buffer__append(all, verdict->evidence, found.length);
}

static int report(void *arg, int out)
{
	struct verdict_pass *pass = arg;
	const struct stream_state goes = {.life = STREAM_RUNNING, .until_ns = clock__boot()};
	const struct verdicts *verdicts;
	struct buffer all = {0};

	for (size_t i = 0; i < pass->count; i++)
		judge__ended(pass->judge, pass->streams[i], &goes);
	verdicts = judge__settle(pass->judge);
	for (size_t i = 0; verdicts && i < verdicts__count(verdicts) && i < FOUND_MAX; i++)
		if (judged__shows(verdicts__get(verdicts, i)) && !verdicts__get(verdicts, i)->muted)
			pack(&all, verdicts__get(verdicts, i));
	return verdicts && !all.error ? write_all(out, all.data, all.size) : -ENOMEM;
}

/* ---- its parent ---- */

/* What the child writes until it ends. */
static int listen_to(int in, struct buffer *all)
{
	const uint64_t until = clock__boot() + PASS_NS;
	struct pollfd poller = {.fd = in, .events = POLLIN};
	ssize_t n = 1;

	while (n > 0 && !buffer__reserve(all, CHUNK)) {
		if (clock__boot() > until)
			return -ETIMEDOUT;
		if (poll(&poller, 1, 1000) < 1)
			continue;
		n = read(in, all->data + all->size, CHUNK);
		all->size += n > 0 ? (size_t)n : 0;
	}
	return all->error ? all->error : n < 0 ? -errno : 0;
}

static int wait_for(pid_t child, int in, struct buffer *all)
{
	int status = 0, err = listen_to(in, all);

	if (err)
		kill(child, SIGKILL);
	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		continue;
	return err ? err : status ? -EIO : 0;
}

int verdict_pass__apart(int (*report)(void *arg, int out), void *arg, struct buffer *found)
{
	int ends[2], err;
	pid_t child;

	found->size = 0;
	if (pipe2(ends, O_CLOEXEC))
		return -errno;
	child = fork();
	if (!child)
		_exit(report(arg, ends[1]) ? EXIT_FAILURE : EXIT_SUCCESS);
	err = child < 0 ? -errno : 0;
	close(ends[1]);
	if (!err)
		err = wait_for(child, ends[0], found);
	close(ends[0]);
	if (err)
		found->size = 0;
	return err;
}

int verdict_pass__run(struct verdict_pass *pass, struct buffer *found)
{
	uint64_t began = clock__boot();
	int err = verdict_pass__apart(report, pass, found);

	pass->ended_ns = clock__boot();
	pass->took_ns = pass->ended_ns - began;
	return err;
}

const char *verdict_found__next(const struct buffer *found, size_t *at, struct verdict_found *verdict)
{
	const char *evidence;

	if (*at + sizeof(*verdict) > found->size)
		return NULL;
	memcpy(verdict, found->data + *at, sizeof(*verdict));
	evidence = (const char *)found->data + *at + sizeof(*verdict);
	*at += sizeof(*verdict) + verdict->length;
	return *at <= found->size ? evidence : NULL;
}
