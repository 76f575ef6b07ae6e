/* SPDX-License-Identifier: BSD-2-Clause */
/* What the cases share: births and ends with their witness, and how an expectation is written down. */
#ifndef TESTS_TRUTH_H
#define TESTS_TRUTH_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>

#include "tests/made/settle.h"

#define MIB (1 << 20)

/* A process of which the truth is known. Its start lies between the two times, by the boot clock: a pid
 * alone may name another one too. */
struct birth {
	pid_t pid;
	uint64_t before, after;
};

/* What wait4 says of it. The times are those of all its threads, and of the children it waited for. */
struct death {
	int status;
	struct rusage use;
};

uint64_t boot_ns(void);
void sleep_ms(unsigned ms);
void burn_us(unsigned us); /* of the calling thread's CPU time */
void burn_ms(unsigned ms);
void die(const char *what) __attribute__((noreturn));

/* Forks: true in the child. */
bool born(struct birth *b);
void reap(const struct birth *b, struct death *d);

/* Writes one line: the process and the figures it must have, "key=value key=value". The keys are those
 * that check.c knows. */
void expect(const struct birth *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* So many processes were there, and no others. */
void expect_processes(unsigned count);

/* The case cannot be tried here. */
void expect_none(const char *why);

/* Reaps, and expects how wait4 says it ended, and what more `fmt` says. With expect_cpu also its CPU time:
 * for processes that have waited for no child. */
void expect_end(const struct birth *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void expect_cpu(const struct birth *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* A pipe by which a child, also after an exec, tells what it knows of itself: open_report() before the
 * birth, report() in the child, read_report() after its end. Returns the length. */
void open_report(void);
void report(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
const char *read_report(void);
void close_report(void); /* in a process that outlives the reader's wait */

extern const char *current; /* the case that runs */

/* This program, to be run again as `truth child ROLE...`. */
extern char truth_path[4096];
void exec_child(const char *role, const char *argument) __attribute__((noreturn));
int child_main(int argc, char **argv);

void start_thread(void *(*body)(void *), intptr_t argument);
void *spin(void *unused);

/* FNV-1a, to compare texts of any length. */
uint64_t hash_bytes(uint64_t hash, const void *bytes, size_t length);
#define HASH_START 14695981039346656037ull

struct truth_case {
	const char *name, *what;
	void (*run)(void);
	bool guest; /* changes the machine: only where nobody else lives */
};

/* Each ends with an entry without a name. */
extern const struct truth_case ending_cases[], birth_cases[], cpu_cases[], memory_cases[], argv_cases[], io_cases[],
	place_cases[], oom_cases[], quota_cases[], still_cases[];

/* Memory that the process has now and had at most, in KiB, as the kernel tells the process itself. */
long peak_kib(void);
/* The number behind `key` in a file; 0: there is none. */
long read_kib(const char *path, const char *key);
char *take(size_t bytes, int flags, int fd);
void touch(char *at, size_t bytes);
void say_peak(void) __attribute__((noreturn));

/* Processes that are there before the collector: they wait until the file `go` appears. Makes `go`.ready when it is
 * time to watch them. */
void early(const char *go);
void wait_for_file(const char *path);
void wait_for(const char *path, const char *suffix);

/* What stands still until the file EXPECTATIONS.told is there: EXPECTATIONS.still lists the processes to be reported. */
void still__finish(const char *expectations);

void mixed(int count, int workers);

/* Processes that are not to be seen: run beside the collector, not under it. */
void outside(void);

/* `stream` is the mem probe's, whose header says what this kernel cannot give; NULL: not looked at. */
int check(const char *expectations, const char *events, const char *stream);

#endif
