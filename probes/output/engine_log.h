/* SPDX-License-Identifier: BSD-2-Clause */
/* Which processes are workflow engines, and how far the log of each has been read. Includes nothing. */
#ifndef PROBES_OUTPUT_ENGINE_LOG_H
#define PROBES_OUTPUT_ENGINE_LOG_H

#define ENGINES_MAX 64
#define ENGINE_NAME_MAX 32

struct engine {
	uint32_t pid, ns_pid; /* 0: unused; in its own PID namespace, which most often is the collector's */
	uint64_t start;
	const char *name;  /* "NAME=FOLDER" of the configuration */
	uint64_t offset;   /* what has been read */
	uint64_t ts;	   /* of the latest program that it started */
	bool asked, again; /* a question is open; it has started another program since */
	bool cut;	   /* the next line's beginning was too long to be recorded, and so is the rest left out */
	bool failed;	   /* that it cannot be read is recorded */
	bool nested;	   /* it was started for a job of another one, and may have no log of its own */
};

#define ENGINE_JOBS_MAX 256

/* A program that an engine has started. */
struct engine_job {
	uint32_t pid;
	uint64_t start;
};

/* The latest ones. Zeroed but for the first two: none. */
struct engines {
	const struct core_api *api;
	const struct opt_list *logs; /* PROGRAM=FOLDER */
	struct engine all[ENGINES_MAX];
	size_t count, next;
	struct engine_job jobs[ENGINE_JOBS_MAX];
	size_t next_job;
};

/* Whether this is "NAME=FOLDER", of a program and a path below its working folder. */
bool engine_log__is_valid(const char *item);

struct engine *engine_log__find(struct engines *engines, uint32_t pid, uint64_t start); /* NULL: it is none */

/* Takes what was read, of `size` bytes of which `most` can be read at once: moves *text to its first whole line, returns the
 * size of its whole lines. A line that is longer is left out. */
size_t engine_log__take(struct engine *engine, const char **text, size_t size, size_t most);

/* An exec: of an engine, or of what one has started, where that logs which job it is. */
void engine_log__see(struct engines *engines, const struct schema_event *schema, const struct event *event,
		     size_t size);

/* The engine has not got it open: it ends, and has closed it. False: it may have none of its own. */
bool engine_log__ask_last(struct engines *engines, struct engine *engine, const struct probe_ask *before);

/* If there may be more: what was written by now is of that program still, what is written from now on of the latest one. */
void engine_log__ask_more(struct engines *engines, struct engine *engine, const struct probe_ask *before, bool full);

#endif
