// SPDX-License-Identifier: BSD-2-Clause
/* Compares what is known of each process with what the collector said of it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/truth/compare.h"
#include "tests/truth/truth.h"

static const char *const verdict_names[] = {"right", "none", "null", "WRONG"};

struct result {
	char name[32];
	enum verdict verdict;
	unsigned processes, bad; /* bad: that the verdict is from */
	char why[200];		 /* of the first */
};

/* ---- one process ---- */

static struct result *result_of(struct result *results, size_t *count, const char *name)
{
	for (size_t i = 0; i < *count; i++)
		if (!strcmp(results[i].name, name))
			return &results[i];
	snprintf(results[*count].name, sizeof(results[*count].name), "%s", name);
	return &results[(*count)++];
}

static void merge_verdict(struct result *r, const struct comparison *c)
{
	r->processes++;
	if (c->verdict > r->verdict) {
		r->verdict = c->verdict;
		r->bad = 0;
		memcpy(r->why, c->why, sizeof(r->why));
	}
	r->bad += c->verdict == r->verdict;
}

/* "NAME key=value key=value...": pid, before and after name the process. */
static void check_line(const struct events *events, bool no_oom, struct result *results, size_t *count, char *line)
{
	bool absent = strstr(line, " absent=") != NULL, alive = strstr(line, " alive=") != NULL;
	char *rest, *word, *name = strtok_r(line, " \n", &rest);
	struct comparison c = {.events = events, .no_oom = no_oom};
	unsigned long long pid = 0, before = 0, after = 0;

	if (!name)
		return;
	while ((word = strtok_r(NULL, " \n", &rest))) {
		char *value = strchr(word, '=');

		if (!value)
			continue;
		*value++ = 0;
		if (!strcmp(word, "none"))
			judge(&c, NONE, "%s", value);
		else if (!strcmp(word, "processes"))
			compare(&c, word, value);
		else if (!strcmp(word, "pid"))
			pid = strtoull(value, NULL, 10);
		else if (!strcmp(word, "before"))
			before = strtoull(value, NULL, 10);
		else if (!strcmp(word, "after")) {
			after = strtoull(value, NULL, 10);
			c.seen = events__find(events, pid, before, after);
			if (absent && c.seen)
				judge(&c, WRONG, "process %llu is nobody's and was seen", pid);
			if (absent)
				break;
			if (c.seen)
				compare_once(&c, alive);
			else
				judge(&c, events->lost[SEEN_LIFECYCLE] ? NULL_VALUE : WRONG,
				      "process %llu was not seen", pid);
		} else if (c.seen) {
			compare(&c, word, value);
		}
	}
	merge_verdict(result_of(results, count, name), &c);
}

/* ---- all of them ---- */

static void print(const struct result *r)
{
	if (r->verdict == RIGHT)
		printf("%s right\n", r->name);
	else
		printf("%s %s %s (%u of %u)\n", r->name, verdict_names[r->verdict], r->why, r->bad, r->processes);
}

static void print_figure(const struct figure *f)
{
	if (f->compared)
		printf("# %s: %llu compared, off by %.1f %s on average, by %.1f %s at most\n", f->name,
		       (unsigned long long)f->compared, (double)f->sum / f->compared / f->per_unit, f->unit,
		       (double)f->worst / f->per_unit, f->unit);
}

/* Two rows about the whole: nearly all accounts final, nothing lost. */
static void print_whole(const struct events *events)
{
	unsigned ends = 0, final = 0;
	uint64_t lost = 0;

	for (size_t i = 0; i < events->count; i++) {
		ends += events->seen[i].ends[SEEN_CPU] > 0;
		final += events->seen[i].final[SEEN_CPU];
	}
	for (int i = 0; i < SEEN_STREAMS; i++)
		lost += events->lost[i];
	if (ends && final * 100ull >= ends * 99ull)
		printf("cpu_final right\n");
	else
		printf("cpu_final null %u of %u accounts are final\n", final, ends);
	printf("# %zu processes, %llu events; cpu: %u of %u accounts are final\n", events->count,
	       (unsigned long long)events->lines, final, ends);
	print_figure(&cpu_figure);
	print_figure(&peak_figure);
	if (lost)
		printf("nothing_lost null lost, and told: lifecycle %llu, cpu %llu, mem %llu, io %llu\n",
		       (unsigned long long)events->lost[SEEN_LIFECYCLE], (unsigned long long)events->lost[SEEN_CPU],
		       (unsigned long long)events->lost[SEEN_MEM], (unsigned long long)events->lost[SEEN_IO]);
	else
		printf("nothing_lost right\n");
}

/* Whether a stream's header names the event among those that this kernel cannot give. */
static bool unavailable(const char *stream, const char *event)
{
	static char head[65536];
	FILE *file = stream ? fopen(stream, "r") : NULL;
	size_t n = file ? fread(head, 1, sizeof(head), file) : 0;

	if (file)
		fclose(file);
	return n && memmem(head, n, event, strlen(event));
}

int check(const char *expectations, const char *path, const char *stream)
{
	static struct result results[256];
	static struct events events;
	FILE *file = fopen(expectations, "r");
	bool no_oom = unavailable(stream, "oom_kill: this kernel");
	size_t count = 0, room = 0;
	char *line = NULL;
	int wrong = 0;

	if (!file) {
		perror(expectations);
		return 2;
	}
	if (events__read(&events, path))
		return 2;
	while (getline(&line, &room, file) > 0)
		check_line(&events, no_oom, results, &count, line);
	for (size_t i = 0; i < count; i++) {
		print(&results[i]);
		wrong += results[i].verdict == WRONG;
	}
	print_whole(&events);
	free(line);
	fclose(file);
	free(events.seen);
	return wrong > 0;
}
