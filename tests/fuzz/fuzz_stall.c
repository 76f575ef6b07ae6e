/* SPDX-License-Identifier: BSD-2-Clause */
/* Gives the wait graph records of the stall probe that lie: threads, descriptors and processes that contradict each other, or do
 * not exist. Twelve bytes are a record. Whatever comes of it is text to show, and what is proven lacks nothing. */
#include <string.h>

#include "core/text.h"
#include "tests/fuzz/fuzz.h"
#include "tests/made/stalled.h"

#define RECORD 12
#define PIDS 12

struct bytes {
	const uint8_t *at;
};

static uint8_t next(struct bytes *bytes)
{
	return *bytes->at++;
}

/* Small numbers, that others have too, and odd ones. */
static uint64_t number(uint8_t byte)
{
	static const uint64_t odd[] = {EVENT_NULL(EVENT_REASON_NONE),
				       EVENT_NULL(EVENT_REASON_GONE),
				       EVENT_NULL(EVENT_REASON_UNSUPPORTED),
				       1ULL << 63,
				       UINT32_MAX,
				       INT64_MAX};

	return byte < 240 ? byte % 16 : odd[byte % (sizeof(odd) / sizeof(*odd))];
}

static const char *name(uint8_t byte, const char *const *names, size_t count)
{
	return byte == 255 ? "\xff\x1b[2J" : names[byte % count];
}
#define NAME(byte, ...)                                \
	name(byte, (const char *const[]){__VA_ARGS__}, \
	     sizeof((const char *const[]){__VA_ARGS__}) / sizeof(const char *))

static void send_stuck(struct stalled *stalled, struct bytes *bytes, uint32_t pid)
{
	struct stall_stuck e = {.look = number(next(bytes)) % 4, .since = stalled->now / 2};
	const char *call =
		NAME(next(bytes), "read", "write", "wait4", "waitid", "futex", "flock", "fcntl", "poll", "select",
		     "accept", "splice", "vfork", "rt_sigsuspend", "openat", "restart_syscall", "nonsense");
	const char *state = NAME(next(bytes), "S", "S", "S", "D", "T", "t", "R", "");
	uint32_t tid = pid + next(bytes) % 4;
	uint64_t argument = number(next(bytes));
	uint8_t more = next(bytes);
	int used = 0;

	for (int i = 0; i < STALL_ARGS && (more & 64 || i < 3); i++)
		used += sprintf(e.args_text + used, "0x%" PRIx64, i == 1 ? number(more) : argument) + 1;
	strncpy(e.syscall_text, call, sizeof(e.syscall_text) - 1);
	e.syscall = (struct event_string){offsetof(struct stall_stuck, syscall_text), (__u32)strlen(call), 0};
	e.syscall_args = (struct event_list){offsetof(struct stall_stuck, args_text), (__u32)used, 0};
	e.wait_channel = (struct event_string){offsetof(struct stall_stuck, channel_text), STALL_CHANNEL, 0};
	memset(e.channel_text, more, sizeof(e.channel_text));
	strncpy(e.state, state, sizeof(e.state) - 1);
	e.futex_word = number(next(bytes));
	e.futex_owner = number(next(bytes));
	e.blocker = e.ptracer = EVENT_NULL(EVENT_REASON_NONE);
	*(more & 1 ? &e.blocker : more & 2 ? &e.ptracer : &e.children) = number(next(bytes));
	e.timer = more == 3;
	stalled__send(stalled, STALL_STUCK, &e.head, sizeof(e), pid, tid);
}

static void send_descriptor(struct stalled *stalled, struct bytes *bytes, uint32_t pid)
{
	struct stall_descriptor e = {.look = number(next(bytes)) % 4, .fd = number(next(bytes))};
	uint8_t more;

	e.type = (uintptr_t)NAME(next(bytes), "pipe", "fifo", "socket", "file", "tty", "eventfd", "epoll", "inotify",
				 "pidfd", "");
	e.inode = number(next(bytes));
	strncpy(e.mode, NAME(next(bytes), "r", "w", "rw", ""), sizeof(e.mode) - 1);
	e.open_file = e.peer = number(next(bytes));
	e.readers = e.writers = number(next(bytes));
	more = next(bytes);
	e.locked = (uintptr_t)NAME(more, "", "", "flock", "posix", "ofd");
	e.owner_pid = pid + more % 2;
	e.watched = !(more & 4);
	e.owner_start = stalled->made.starts[e.owner_pid];
	e.path = (struct event_string){offsetof(struct stall_descriptor, path_text), more, 0};
	memset(e.path_text, more, sizeof(e.path_text));
	snprintf(e.address_text, sizeof(e.address_text),
		 NAME(more >> 3, "tcp a%u -> b%u", "unix -> s%u", "unix s%u", " -> %u", ""), more & 1, more & 2);
	e.address = (struct event_string){offsetof(struct stall_descriptor, address_text), strlen(e.address_text), 0};
	memset(e.owner_comm, more, sizeof(e.owner_comm));
	stalled__send(stalled, STALL_DESCRIPTOR, &e.head, sizeof(e), pid, pid);
}

static void send_picture(struct stalled *stalled, struct bytes *bytes, uint32_t pid)
{
	struct stall_picture e = {.look = number(next(bytes)) % 4, .threads = number(next(bytes))};

	e.descriptors = number(next(bytes));
	e.complete = next(bytes) & 1;
	e.incomplete = (uintptr_t)NAME(next(bytes), "", "moved", "limit");
	stalled__send(stalled, STALL_PICTURE, &e.head, sizeof(e), pid, pid);
}

static void send(struct stalled *stalled, struct bytes bytes)
{
	uint8_t kind = next(&bytes);
	uint32_t pid = 1 + next(&bytes) % PIDS, other = 1 + next(&bytes) % PIDS;
	struct stall_moving moving = {.look = 1};

	stalled->now += S * (kind / 16);
	switch (kind % 8) {
	case 0:
	case 1:
		FORK(.of = &stalled->made, .at = stalled->now, .pid = pid, .parent = other, .comm = "a\x1b");
		break;
	case 2:
	case 3:
		send_stuck(stalled, &bytes, pid);
		break;
	case 4:
	case 5:
		send_descriptor(stalled, &bytes, pid);
		break;
	case 6:
		send_picture(stalled, &bytes, pid);
		break;
	default:
		if (kind & 16)
			stalled__send(stalled, STALL_MOVING, &moving.head, sizeof(moving), pid, pid);
		else
			EXIT(.of = &stalled->made, .at = stalled->now, .pid = pid, .parent = other,
			     .signal = other % 2 * 15, .sent_by = other % 3 ? other : 31000);
	}
}

static void check_text(const char *text)
{
	for (size_t i = 0; text && text[i]; i++)
		EXPECT((uint8_t)text[i] >= ' ' && text[i] != 127);
	EXPECT(!text || utf8__valid(text, strlen(text)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct stalled stalled;

	stalled__init(&stalled);
	stalled.now = 1000 * S;
	stalled.running = size % 2;
	for (size_t i = 0; i + RECORD <= size; i += RECORD)
		send(&stalled, (struct bytes){data + i});
	stalled__tell(&stalled, "look");
	for (size_t i = 0; i < verdicts__count(stalled.verdicts); i++) {
		const struct verdict *verdict = verdicts__get(stalled.verdicts, i);

		EXPECT(verdict->evidence && verdict->refute && verdict->next);
		EXPECT(verdict->certainty != VERDICT_PROVEN || !verdict->missing);
		check_text(verdict->evidence);
		check_text(verdict->next);
		check_text(verdict->missing);
	}
	stalled__free(&stalled);
	return 0;
}
