/* SPDX-License-Identifier: BSD-2-Clause */
/* Reads the stall probe's records into what is kept of a process. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sinks/waits/stand.h"

/* ---- values ---- */

static void copy_text(char *to, size_t size, const struct value *value)
{
	size_t length = value->type == VALUE_STRING ? value->length : 0;

	if (length >= size)
		length = size - 1;
	memcpy(to, length ? value->string : "", length);
	to[length] = '\0';
}

/* NULL is out of memory too, and none. */
static char *new_text(const struct value *value)
{
	return value->type == VALUE_STRING && value->length ? strndup(value->string, value->length) : NULL;
}

/* The index of a text in a list of names; 0: none of them. */
static uint8_t index_of(const struct value *value, const char *const *names, size_t count)
{
	for (size_t i = 1; i < count; i++)
		if (value__is(value, names[i]))
			return i;
	return 0;
}

static uint32_t read_args(uint64_t args[STAND_ARGS], const struct value *value, const uint8_t *end)
{
	const uint8_t *at = value->items;
	uint32_t most = value->type != VALUE_LIST ? 0 : value->length < STAND_ARGS ? value->length : STAND_ARGS;
	uint32_t count = 0, length;
	const char *item;
	char number[24];

	while (count < most && value__item(&at, end, &item, &length)) {
		if (length >= sizeof(number))
			return 0;
		memcpy(number, item, length);
		number[length] = '\0';
		args[count++] = strtoull(number, NULL, 0);
	}
	return count;
}

/* The array with room for one more; NULL: out of memory. */
static void *with_room(void *array, uint32_t *room, uint32_t count, size_t size)
{
	uint32_t more = *room ? *room * 2 : 4;
	void *grown;

	if (count < *room)
		return array;
	grown = reallocarray(array, more, size);
	if (grown)
		*room = more;
	return grown;
}

/* ---- records ---- */

void stand__clear(struct stand *stand)
{
	for (uint32_t i = 0; i < stand->descriptors_count; i++) {
		free(stand->descriptors[i].address);
		free(stand->descriptors[i].path);
	}
	for (uint32_t i = 0; i < stand->threads_count; i++)
		free(stand->threads[i].opening);
	free(stand->descriptors);
	free(stand->threads);
	stand->descriptors = NULL;
	stand->threads = NULL;
	stand->threads_count = stand->threads_room = stand->descriptors_count = stand->descriptors_room = 0;
}

/* A new picture of the process replaces what earlier ones said, also as a holder. */
static void begin(struct stand *stand, uint64_t look)
{
	if (stand->stuck && stand->look == look)
		return;
	stand__clear(stand);
	stand->look = look;
	stand->stuck = stand->complete = true;
	stand->described = false;
	stand->incomplete[0] = '\0';
}

int stand__stuck(struct stand *stand, const struct seen *seen)
{
	const struct value *const *field = seen->field;
	struct stand_thread *threads, *thread;

	begin(stand, value__number(field[0]));
	stand->since_ns = value__number(field[1]);
	if (stand->threads_count == STAND_THREADS_MAX) {
		stand->complete = false;
		return 0;
	}
	threads = with_room(stand->threads, &stand->threads_room, stand->threads_count, sizeof(*threads));
	if (!threads)
		return -ENOMEM;
	stand->threads = threads;
	thread = &threads[stand->threads_count++];
	*thread = (struct stand_thread){.tid = seen->record->tid, .timer = value__is_true(field[11])};
	thread->state = field[2]->type == VALUE_STRING && field[2]->length ? field[2]->string[0] : '?';
	copy_text(thread->channel, sizeof(thread->channel), field[3]);
	copy_text(thread->syscall, sizeof(thread->syscall), field[4]);
	thread->args_count = read_args(thread->args, field[5], seen->end);
	thread->word = value__number(field[6]);
	thread->owner = value__number(field[7]);
	thread->blocker = value__number(field[8]);
	thread->ptracer = value__number(field[9]);
	thread->children = value__number(field[10]);
	thread->opening = new_text(field[12]);
	return 0;
}

static struct stand_descriptor read_descriptor(const struct seen *seen)
{
	static const char *const types[] = {"other", "file",	"directory", "pipe",	"fifo",	    "socket",  "tty",
					    "null",  "eventfd", "epoll",     "timerfd", "signalfd", "inotify", "pidfd"};
	static const char *const locks[] = {"", "flock", "posix", "ofd"};
	const struct value *const *field = seen->field;
	struct stand_descriptor found = {
		.look = value__number(field[0]),
		.fd = value__number(field[1]),
		.type = index_of(field[2], types, sizeof(types) / sizeof(*types)),
		.device = value__number(field[3]),
		.inode = value__number(field[4]),
		.reads = value__is(field[5], "r") || value__is(field[5], "rw"),
		.writes = value__is(field[5], "w") || value__is(field[5], "rw"),
		.peer = value__number(field[6]),
		.open_file = value__number(field[9]),
		.readers = value__number(field[10]),
		.writers = value__number(field[11]),
		.locked = index_of(field[12], locks, sizeof(locks) / sizeof(*locks)),
		.owner_pid = (uint32_t)value__number(field[13]),
		.owner_start = value__number(field[14]),
		.outsider = field[16]->type == VALUE_BOOL && !field[16]->boolean,
	};

	copy_text(found.comm, sizeof(found.comm), field[15]);
	return found;
}

/* Where a descriptor is kept: that of a process that had it already in an earlier look, if it is a holder's. */
static struct stand_descriptor *place_of(struct stand *stand, const struct stand_descriptor *found)
{
	struct stand_descriptor *grown;
	bool holder = found->outsider || !stand->stuck || stand->look != found->look;

	for (uint32_t i = 0; holder && i < stand->descriptors_count; i++) {
		struct stand_descriptor *old = &stand->descriptors[i];

		if (old->fd == found->fd && old->outsider == found->outsider && old->owner_pid == found->owner_pid) {
			free(old->address);
			free(old->path);
			return old;
		}
	}
	grown = with_room(stand->descriptors, &stand->descriptors_room, stand->descriptors_count, sizeof(*grown));
	if (!grown)
		return NULL;
	stand->descriptors = grown;
	return &grown[stand->descriptors_count++];
}

int stand__descriptor(struct stand *stand, const struct seen *seen)
{
	struct stand_descriptor found = read_descriptor(seen), *place;

	if (stand->descriptors_count == STAND_DESCRIPTORS_MAX) {
		stand->complete = false;
		return 0;
	}
	place = place_of(stand, &found);
	if (!place)
		return -ENOMEM;
	*place = found;
	place->address = new_text(seen->field[7]);
	place->path = new_text(seen->field[8]);
	return 0;
}

/* How many records of the look are the process's own. */
static uint32_t count_own(const struct stand *stand)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < stand->descriptors_count; i++)
		count += !stand->descriptors[i].outsider && stand->descriptors[i].look == stand->look;
	return count;
}

void stand__picture(struct stand *stand, const struct seen *seen)
{
	const struct value *const *field = seen->field;
	uint64_t threads = value__number(field[2]), descriptors = value__number(field[3]);

	if (!stand->stuck || stand->look != value__number(field[0]))
		return;
	stand->described = true;
	copy_text(stand->incomplete, sizeof(stand->incomplete), field[5]);
	if (!value__is_true(field[4]) || threads != stand->threads_count || descriptors != count_own(stand))
		stand->complete = false;
	/* What went on while it was described does not stand still; a thread that is not described may run. */
	if (value__is(field[5], "moved") || (!EVENT_IS_NULL(threads) && threads > stand->threads_count))
		stand->stuck = false;
}

void stand__moving(struct stand *stand)
{
	stand->stuck = false;
	free(stand->threads);
	stand->threads = NULL;
	stand->threads_count = stand->threads_room = 0;
}

const struct stand_descriptor *stand__fd(const struct stand *stand, uint64_t fd)
{
	for (uint32_t i = 0; i < stand->descriptors_count; i++)
		if (stand->descriptors[i].fd == fd && !stand->descriptors[i].outsider)
			return &stand->descriptors[i];
	return NULL;
}
