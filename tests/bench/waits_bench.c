/* SPDX-License-Identifier: BSD-2-Clause */
/* Times a verdict pass over a made-up run of processes that all stand still:
 *
 *	waits_bench SHAPE PROCESSES
 *
 * SHAPE: pairs (each two read from each other), chain (each reads from the next one, the last one from outside), shared (all
 * read from one pipe whose only writers they are). Says how many ns of CPU the pass took, and how many verdicts there are. */
#include <time.h>

#include "tests/made/stalled.h"

static uint64_t cpu_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return now.tv_sec * S + now.tv_nsec;
}

static void put_thread(struct stalled *stalled, uint32_t pid)
{
	char item[64];

	snprintf(item, sizeof(item), "t %u S read 3", pid);
	stalled__stuck(stalled, item);
}

/* Each has its standard streams beside what it waits on. */
static void put_descriptors(struct stalled *stalled, uint32_t pid, unsigned reads, unsigned writes, const char *count)
{
	char item[128];

	snprintf(item, sizeof(item), "d %u 0 null 1 r", pid);
	stalled__descriptor(stalled, item, 1);
	snprintf(item, sizeof(item), "d %u 1 pipe 2 w of=1 readers=1 writers=1", pid);
	stalled__descriptor(stalled, item, 2);
	snprintf(item, sizeof(item), "d %u 3 pipe %u r of=%u readers=%s writers=%s", pid, reads, 2 * pid, count, count);
	stalled__descriptor(stalled, item, 3);
	snprintf(item, sizeof(item), "d %u 4 pipe %u w of=%u readers=%s writers=%s", pid, writes, 2 * pid + 1, count,
		 count);
	stalled__descriptor(stalled, item, 4);
}

static void put_picture(struct stalled *stalled, uint32_t pid)
{
	struct stall_picture e = {.look = stalled->look, .threads = 1, .descriptors = 4, .complete = true};

	e.incomplete = EVENT_NULL(EVENT_REASON_NONE);
	stalled__send(stalled, STALL_PICTURE, &e.head, sizeof(e), pid, pid);
}

static void put(struct stalled *stalled, const char *shape, uint32_t pid, uint32_t first, uint32_t count)
{
	uint32_t other = first + ((pid - first) ^ 1);
	char all[16];

	snprintf(all, sizeof(all), "%u", count);
	put_thread(stalled, pid);
	if (!strcmp(shape, "pairs"))
		put_descriptors(stalled, pid, 100000 + pid, 100000 + other, "1");
	else if (!strcmp(shape, "chain"))
		put_descriptors(stalled, pid, 100000 + pid, 100000 + pid - 1, "1");
	else
		put_descriptors(stalled, pid, 3, 3, all);
	put_picture(stalled, pid);
}

int main(int argc, char **argv)
{
	static struct stalled stalled;
	uint32_t count = argc == 3 ? (uint32_t)atoi(argv[2]) : 0, first = 1000;
	uint64_t began;
	char item[32];

	if (!count || count % 2 || first + count > 32768)
		return 2;
	stalled__init(&stalled);
	for (uint32_t i = 0; i < count; i++) {
		snprintf(item, sizeof(item), "p %u 1", first + i);
		stalled__item(&stalled, item);
	}
	stalled.look = 1;
	stalled.now += 100 * S;
	for (uint32_t i = 0; i < count; i++)
		put(&stalled, argv[1], first + i, first, count);
	began = cpu_ns();
	if (verdicts__settle(stalled.verdicts))
		return 1;
	printf("%" PRIu64 " ", cpu_ns() - began);
	if (model__finish(stalled.model) || verdicts__finish(stalled.verdicts))
		return 1;
	printf("%zu\n", verdicts__count(stalled.verdicts));
	stalled__free(&stalled);
	return 0;
}
