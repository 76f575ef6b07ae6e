/* SPDX-License-Identifier: BSD-2-Clause */
/* What the processes of a run hold together, shared memory counted once: their Pss, which the keeper reads in rounds after
 * the samples, and the charge of their cgroup. Not thread-safe.
 * Includes nothing: after core/probe.h and mem.h. */
#ifndef PROBES_MEM_TOGETHER_H
#define PROBES_MEM_TOGETHER_H

/* The kernel walks the page tables of each process: the keeper may use this part of one CPU for it, and at once what it has
 * not used, up to so much. That is also there at the start, when a short run would else see no round. */
#define TOGETHER_SHARE 100
#define TOGETHER_CREDIT_NS 500000000
#define TOGETHER_READ_MAX 4096 /* processes of a run that a round reads */

struct together;

struct together *together__new(const struct core_api *api); /* NULL: out of memory */
void together__free(struct together *together);		    /* takes NULL */

/* A sample, and an exit, of a process. */
void together__sample(struct together *together, const struct mem_event *event);
void together__exit(struct together *together, const struct event *event);

/* Begins a round, if memory has changed, the last one is through and there is credit. */
void together__round(struct together *together);

/* Goes on with it. Returns the event for this answer, valid until the next call, or NULL. */
const struct event *together__answer(struct together *together, const struct probe_answer *answer, size_t *size);

/* The number after this name at the begin of a line, "NAME: 12 kB" or "NAME 12"; null: there is none. */
uint64_t together__number(const char *text, const char *name);

#endif
