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

/* The latest ones. Zeroed: none. */
struct engines {
	struct engine all[ENGINES_MAX];
	size_t next;
	struct engine_job jobs[ENGINE_JOBS_MAX];
	size_t next_job;
};

/* Whether this is "NAME=FOLDER", of a program and a path below its working folder. */
bool engine_log__is_valid(const char *item);

/* Of a program with these arguments, each ended by NUL: the item of the list that names it, or NULL. */
const char *engine_log__named(const struct opt_list *list, const char *args, size_t length);

void engine_log__add(struct engines *engines, const struct engine *engine);
void engine_log__add_job(struct engines *engines, uint32_t pid, uint64_t start);
bool engine_log__is_job(const struct engines *engines, uint32_t pid, uint64_t start);
struct engine *engine_log__find(struct engines *engines, uint32_t pid, uint64_t start); /* NULL: it is none */

/* Takes what was read, of `size` bytes of which `most` can be read at once: moves *text to its first whole line, returns the
 * size of its whole lines. A line that is longer is left out. */
size_t engine_log__take(struct engine *engine, const char **text, size_t size, size_t most);

#endif
