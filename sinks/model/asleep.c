/* SPDX-License-Identifier: BSD-2-Clause */
/* What a program was seen to wait for: by the system call that its samples found it in. A probe samples only what has
 * used something or changed its state, so that a sample holds until the next one. */
#include "sinks/model/process.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define TEXT 48

struct asleep {
	uint64_t since_ns, longest_ns; /* of `now`; of `longest` */
	uint64_t stopped_ns;
	char now[TEXT], longest[TEXT]; /* empty: nothing */
};

#define STOPPED "SIGCONT: it was stopped"
#define STOPPED_PART 4 /* a stop, which is none of its own waits, comes before one so many times as long */
#define READS " read readv pread64 preadv preadv2 "
#define OPENS " open openat openat2 creat "
#define WRITES " write writev pwrite64 pwritev pwritev2 "

/* The first one that fits. The names of calls stand between spaces; no descriptor: any; an empty one: the sleep can be
 * interrupted, which is so of a FIFO. The named query `idle` has some of
 * the texts, too. */
static const struct {
	const char *calls, *descriptor, *text;
} waits[] = {
	{READS, "pipe", "input from a pipe"},
	{READS, "fifo", "input from a FIFO"},
	{READS, "socket", "input from a socket"},
	{READS, "tty", "input from a terminal"},
	{READS, "file", "a read of a file"},
	{READS, "block", "a read of a disk"},
	{READS, NULL, "input"},
	{WRITES, "pipe", "a pipe to be read: it is full"},
	{WRITES, "fifo", "a FIFO to be read: it is full"},
	{WRITES, "socket", "a socket to be read: it is full"},
	{WRITES, "tty", "its terminal to take output"},
	{WRITES, "file", "a write to a file"},
	{WRITES, "block", "a write to a disk"},
	{WRITES, NULL, "output to be taken"},
	{OPENS, "", "a FIFO to be opened at its other end"},
	{OPENS, NULL, "a file to be opened"},
	{" flock ", NULL, "a file lock (flock)"},
	{" fcntl ", NULL, "a file lock (fcntl)"},
	{" futex futex_waitv futex_wait ", NULL, "a lock or condition of its threads (futex)"},
	{" wait4 waitid waitpid ", NULL, "a child"},
	{" nanosleep clock_nanosleep ", NULL, "a timer"},
	{" poll ppoll select _newselect pselect6 epoll_wait epoll_pwait epoll_pwait2 ", NULL,
	 "events on its descriptors"},
	{" pause rt_sigsuspend rt_sigtimedwait ", NULL, "a signal"},
	{" recvfrom recvmsg recvmmsg ", NULL, "input from a socket"},
	{" sendto sendmsg sendmmsg ", NULL, "a socket to be read: it is full"},
	{" connect ", NULL, "a server to accept its connection"},
	{" accept accept4 ", NULL, "a connection"},
	{" semop semtimedop ", NULL, "a semaphore"},
	{" msgrcv msgsnd mq_timedreceive mq_timedsend ", NULL, "a message queue"},
	{" splice tee vmsplice sendfile copy_file_range ", NULL, "data to be moved (splice)"},
	{" io_getevents io_pgetevents io_uring_enter ", NULL, "asynchronous I/O"},
	{" fsync fdatasync sync syncfs msync sync_file_range ", NULL, "the disk (sync)"},
};

static bool has_call(const char *calls, const char *call, size_t length)
{
	for (const char *found = calls; (found = memmem(found, strlen(found), call, length)); found++)
		if (found > calls && found[-1] == ' ' && found[length] == ' ')
			return true;
	return false;
}

static bool fits(const char *wanted, const struct value *state, const struct value *descriptor)
{
	if (wanted && !*wanted)
		return value__is(state, "S");
	return !wanted || value__is(descriptor, wanted);
}

static void name_call(char text[TEXT], const struct value *state, const struct value *call,
		      const struct value *descriptor)
{
	for (size_t i = 0; i < sizeof(waits) / sizeof(*waits); i++)
		if (has_call(waits[i].calls, call->string, call->length) &&
		    fits(waits[i].descriptor, state, descriptor)) {
			snprintf(text, TEXT, "%s", waits[i].text);
			return;
		}
	snprintf(text, TEXT, "the system call %.*s", (int)call->length, call->string);
}

static void name(char text[TEXT], const struct value *state, const struct value *call, const struct value *descriptor)
{
	*text = '\0';
	if (value__is(state, "T"))
		snprintf(text, TEXT, STOPPED);
	else if (value__is(state, "t"))
		snprintf(text, TEXT, "its tracer");
	else if (call->type == VALUE_STRING && call->length && call->length < TEXT / 2)
		name_call(text, state, call, descriptor);
}

static void add(struct asleep *asleep, uint64_t until_ns)
{
	uint64_t ns = until_ns > asleep->since_ns ? until_ns - asleep->since_ns : 0;

	if (!*asleep->now)
		return;
	if (!strcmp(asleep->now, STOPPED)) {
		asleep->stopped_ns += ns;
	} else if (!strcmp(asleep->now, asleep->longest)) {
		asleep->longest_ns += ns;
	} else if (ns >= asleep->longest_ns) {
		asleep->longest_ns = ns;
		memcpy(asleep->longest, asleep->now, sizeof(asleep->longest));
	}
}

int asleep__sampled(struct process *p, uint64_t ts, const struct value *state, const struct value *call,
		    const struct value *descriptor)
{
	char text[TEXT];

	if (p->wait_since)
		return 0;
	name(text, state, call, descriptor);
	if (!p->asleep && !*text)
		return 0;
	if (!p->asleep)
		p->asleep = calloc(1, sizeof(*p->asleep));
	if (!p->asleep)
		return -ENOMEM;
	add(p->asleep, ts);
	memcpy(p->asleep->now, text, sizeof(text));
	p->asleep->since_ns = ts;
	return 0;
}

void asleep__settle(struct process *p)
{
	const struct model_row *row = &p->row;
	uint64_t until_ns = EVENT_IS_NULL(row->ended_ns) ? p->run->pub.last_ts : row->ended_ns;

	if (!p->asleep)
		return;
	add(p->asleep, until_ns);
	*p->asleep->now = '\0';
	if (p->asleep->stopped_ns > p->asleep->longest_ns / STOPPED_PART)
		p->row.waits_for = STOPPED;
	else
		p->row.waits_for = *p->asleep->longest ? p->asleep->longest : NULL;
}

void asleep__drop(struct process *p)
{
	free(p->asleep);
	p->asleep = NULL;
	p->row.waits_for = NULL;
}
