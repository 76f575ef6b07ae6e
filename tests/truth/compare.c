// SPDX-License-Identifier: BSD-2-Clause
/* One function for each key that an expectation can have. */
#include "tests/truth/compare.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/truth/json.h"

/* wait4's two times are cut to microseconds, and where the process has left its CPU before (see
 * tests/made/settle.h) that is all. Where it cannot be asked whether it has, its last instructions are in one sum only. */
#define CPU_TOLERANCE_US 20

/* Between its own look and its end a program may touch a few pages more; and of memory that was given back the kernel
 * itself remembers the peak without what two CPUs have not added yet, up to 32 pages each (256 KiB, or 1 MiB where
 * pages have 16 KiB). */
#define MEMORY_TOLERANCE (64 * (uint64_t)sysconf(_SC_PAGESIZE))

/* The kernel's log, which is the witness, reads counters without what each CPU has not added yet. */
#define OOM_TOLERANCE (1 << 20)

struct figure cpu_figure = {"user and system time", "us", 1000, 0, 0, 0};
struct figure peak_figure = {"peak memory", "KiB", 1024, 0, 0, 0};

static void figure__add(struct figure *f, int64_t off)
{
	uint64_t by = off < 0 ? -off : off;

	f->compared++;
	f->sum += by;
	f->worst = by > f->worst ? by : f->worst;
}

void judge(struct comparison *c, enum verdict verdict, const char *fmt, ...)
{
	va_list ap;

	if (verdict <= c->verdict)
		return;
	c->verdict = verdict;
	va_start(ap, fmt);
	vsnprintf(c->why, sizeof(c->why), fmt, ap);
	va_end(ap);
}

bool missing__reason(const char *missing, const char *field, char *out, size_t size)
{
	const char *at = missing;
	size_t n = strlen(field);

	while ((at = strstr(at, field))) {
		if ((at == missing || at[-1] == ',') && at[n] == '=') {
			snprintf(out, size, "%.*s", (int)strcspn(at + n + 1, ","), at + n + 1);
			return true;
		}
		at += n;
	}
	return false;
}

static bool reason(const struct seen *seen, const char *field, char *out, size_t size)
{
	return missing__reason(seen->missing, field, out, size);
}

static enum seen_stream stream_of(enum seen_number which)
{
	if (which >= SEEN_READ_CHARS)
		return SEEN_IO;
	if (which >= SEEN_PEAK)
		return SEEN_MEM;
	return which >= SEEN_CPU_NS ? SEEN_CPU : SEEN_LIFECYCLE;
}

/* A null has to say why. True: the value is there. Of events that are not there check_once() has told. */
static bool present(struct comparison *c, enum seen_number which)
{
	char why[32];

	if (c->seen->number[which] != JSON_NULL)
		return true;
	if (!c->seen->ends[stream_of(which)])
		return false;
	if (reason(c->seen, seen_names[which], why, sizeof(why)))
		judge(c, NULL_VALUE, "%s: %s", seen_names[which], why);
	else
		judge(c, WRONG, "%s is null and no reason is given", seen_names[which]);
	return false;
}

static void equal(struct comparison *c, enum seen_number which, uint64_t truth)
{
	if (present(c, which) && c->seen->number[which] != truth)
		judge(c, WRONG, "%s %llu instead of %llu", seen_names[which],
		      (unsigned long long)c->seen->number[which], (unsigned long long)truth);
}

static void near(struct comparison *c, enum seen_number which, uint64_t truth, uint64_t tolerance)
{
	int64_t off;

	if (!present(c, which))
		return;
	off = c->seen->number[which] - truth;
	if (off > (int64_t)tolerance || -off > (int64_t)tolerance)
		judge(c, WRONG, "%s %llu instead of %llu", seen_names[which],
		      (unsigned long long)c->seen->number[which], (unsigned long long)truth);
}

static void check_count(struct comparison *c, const char *what, unsigned count, unsigned truth)
{
	if (count != truth)
		judge(c, WRONG, "%u %s instead of %u", count, what, truth);
}

/* ---- one function a key ---- */

static void check_status(struct comparison *c, const char *value)
{
	int status = atoi(value);
	uint64_t code = WIFEXITED(status) ? (uint64_t)WEXITSTATUS(status) : JSON_NULL;
	uint64_t signal = WIFSIGNALED(status) ? (uint64_t)WTERMSIG(status) : JSON_NULL;

	if (!present(c, SEEN_CORE_DUMPED))
		return;
	if (c->seen->number[SEEN_EXIT_CODE] != code || c->seen->number[SEEN_SIGNAL] != signal)
		judge(c, WRONG, "exit_code %lld, signal %lld instead of status %04x",
		      (long long)c->seen->number[SEEN_EXIT_CODE], (long long)c->seen->number[SEEN_SIGNAL], status);
	equal(c, SEEN_CORE_DUMPED, WIFSIGNALED(status) && WCOREDUMP(status));
}

static uint64_t memory_tolerance(uint64_t bytes)
{
	return bytes / 100 > MEMORY_TOLERANCE ? bytes / 100 : MEMORY_TOLERANCE;
}

static void check_kib(struct comparison *c, enum seen_number which, const char *value)
{
	uint64_t truth = strtoull(value, NULL, 10) * 1024;

	near(c, which, truth, memory_tolerance(truth));
}

static void check_maxrss(struct comparison *c, const char *value)
{
	check_kib(c, SEEN_MAXRSS, value);
}

static void check_swap(struct comparison *c, const char *value)
{
	check_kib(c, SEEN_SWAP, value);
}

static void check_peak(struct comparison *c, const char *value)
{
	check_kib(c, SEEN_PEAK, value);
	if (c->seen->number[SEEN_PEAK] != JSON_NULL)
		figure__add(&peak_figure, c->seen->number[SEEN_PEAK] - strtoull(value, NULL, 10) * 1024);
}

/* Its memory is another process's: a peak of its own would be made up. */
static void check_shared(struct comparison *c, const char *value)
{
	char why[32] = "";

	(void)value;
	if (!c->seen->ends[SEEN_MEM])
		return;
	if (c->seen->number[SEEN_PEAK] != JSON_NULL)
		judge(c, WRONG, "peak_rss_bytes %llu of a process without memory of its own",
		      (unsigned long long)c->seen->number[SEEN_PEAK]);
	else if (!reason(c->seen, "peak_rss_bytes", why, sizeof(why)))
		judge(c, WRONG, "peak_rss_bytes is null and no reason is given");
}

static void check_time(struct comparison *c, enum seen_number which, const char *value)
{
	if (!c->seen->final[SEEN_CPU])
		judge(c, NULL_VALUE, "cpu: its final account was not seen");
	else
		near(c, which, strtoull(value, NULL, 10) * 1000, CPU_TOLERANCE_US * 1000);
	if (c->seen->final[SEEN_CPU])
		figure__add(&cpu_figure, c->seen->number[which] - strtoull(value, NULL, 10) * 1000);
}

static void check_user(struct comparison *c, const char *value)
{
	uint64_t sum;

	check_time(c, SEEN_USER_NS, value);
	sum = c->seen->number[SEEN_USER_NS] + c->seen->number[SEEN_SYSTEM_NS];
	if (c->seen->ends[SEEN_CPU] && sum != c->seen->number[SEEN_CPU_NS])
		judge(c, WRONG, "user_ns and system_ns are not cpu_ns");
}

static void check_system(struct comparison *c, const char *value)
{
	check_time(c, SEEN_SYSTEM_NS, value);
}

static void check_cpu_at_least(struct comparison *c, const char *value)
{
	if (present(c, SEEN_CPU_NS) && c->seen->number[SEEN_CPU_NS] < strtoull(value, NULL, 10) * 1000)
		judge(c, WRONG, "cpu_ns %llu, it burnt %s us", (unsigned long long)c->seen->number[SEEN_CPU_NS], value);
}

static void check_execs(struct comparison *c, const char *value)
{
	if (c->seen->execs < (unsigned)atoi(value) && c->events->lost[SEEN_LIFECYCLE])
		judge(c, NULL_VALUE, "execs: lost, as is told");
	else
		check_count(c, "execs", c->seen->execs, atoi(value));
}

static void check_exec_tid(struct comparison *c, const char *value)
{
	if (c->seen->execs && c->seen->exec_tid != atoi(value))
		judge(c, WRONG, "exec by thread %d instead of %s", c->seen->exec_tid, value);
}

static void check_threads(struct comparison *c, const char *value)
{
	equal(c, SEEN_THREADS_PEAK, atoi(value));
}
static void check_ppid(struct comparison *c, const char *value)
{
	equal(c, SEEN_PPID, atoi(value));
}

static void check_born_of(struct comparison *c, const char *value)
{
	if (c->seen->born_of != atoi(value))
		judge(c, WRONG, "fork by %d instead of %s", c->seen->born_of, value);
}

static void check_lasted(struct comparison *c, const char *value)
{
	if (present(c, SEEN_DURATION) && c->seen->number[SEEN_DURATION] > strtoull(value, NULL, 10) * 1000000)
		judge(c, WRONG, "duration_ns %llu, its end was before %s ms",
		      (unsigned long long)c->seen->number[SEEN_DURATION], value);
}

static void check_image_peak(struct comparison *c, const char *value)
{
	char why[32];

	if (c->seen->number[SEEN_IMAGE_PEAK] != JSON_NULL)
		check_kib(c, SEEN_IMAGE_PEAK, value);
	else if (reason(c->seen, "peak_rss_bytes", why, sizeof(why)))
		judge(c, NULL_VALUE, "image: %s", why);
	else
		judge(c, WRONG, "no mem.image");
}

/* What it says it has used, less a tick, and at most what the process used in all. */
static void check_image_cpu(struct comparison *c, const char *value)
{
	uint64_t cpu = c->seen->number[SEEN_IMAGE_CPU], used = strtoull(value, NULL, 10);

	if (cpu == JSON_NULL)
		judge(c, WRONG, "no cpu.image");
	else if (cpu + 10000000 < used || cpu > c->seen->number[SEEN_CPU_NS])
		judge(c, WRONG, "cpu of the image %llu instead of %s", (unsigned long long)cpu, value);
}

/* "LOW:HIGH": what its threads read of themselves at their ends, and that with all the time since then. */
static void check_run_delay(struct comparison *c, const char *value)
{
	unsigned long long low = 0, high = 0;
	uint64_t seen = c->seen->number[SEEN_RUN_DELAY];

	sscanf(value, "%llu:%llu", &low, &high);
	if (present(c, SEEN_RUN_DELAY) && (seen < low || seen > high))
		judge(c, WRONG, "run_delay_ns %llu instead of %s", (unsigned long long)seen, value);
}

#define CUT_NS 999 /* cpu.stat of version 2 is in whole microseconds */

/* "QUOTA,PERIOD,CGROUP" and what its cgroup's cpu.stat said last, "PERIODS,THROTTLED PERIODS,THROTTLED TIME": a sample
 * has at most as much. */
static void check_quota(struct comparison *c, const char *value)
{
	static const enum seen_number same[] = {SEEN_QUOTA, SEEN_PERIOD, SEEN_QUOTA_CGROUP};
	static const enum seen_number grow[] = {SEEN_PERIODS, SEEN_THROTTLED_PERIODS, SEEN_THROTTLED};
	char *at = (char *)value;

	if (!present(c, SEEN_QUOTA))
		return;
	for (int i = 0; i < 3; i++, at++)
		equal(c, same[i], strtoull(at, &at, 10));
	for (int i = 0; i < 3; i++, at++) {
		uint64_t seen = c->seen->number[grow[i]], most = strtoull(at, &at, 10);

		if (!seen || seen > most + (grow[i] == SEEN_THROTTLED ? CUT_NS : 0))
			judge(c, WRONG, "%s %llu, at the end %llu", seen_names[grow[i]], (unsigned long long)seen,
			      (unsigned long long)most);
	}
}

static void check_ns_pid(struct comparison *c, const char *value)
{
	if (c->seen->ns_pid != atoi(value))
		judge(c, WRONG, "ns_pid %d instead of %s", c->seen->ns_pid, value);
}

/* It exited before that time, and its account came after it. */
static void check_reaped_after(struct comparison *c, const char *value)
{
	uint64_t then = strtoull(value, NULL, 10);

	if (!c->seen->final[SEEN_CPU])
		judge(c, NULL_VALUE, "cpu: its final account was not seen");
	else if (c->seen->account_ts < then || c->seen->exited >= then)
		judge(c, WRONG, "exited_ns %llu, account at %llu, reaped after %s", (unsigned long long)c->seen->exited,
		      (unsigned long long)c->seen->account_ts, value);
}

static void check_exec_failed(struct comparison *c, const char *value)
{
	if (strcmp(c->seen->exec_error, value))
		judge(c, WRONG, "exec_failed \"%s\" instead of %s", c->seen->exec_error, value);
}

static void check_args(struct comparison *c, const char *value)
{
	unsigned long long length = 0, hash = 0;
	char why[32];

	sscanf(value, "%llu:%llx", &length, &hash);
	if (c->seen->args_length == length && (!length || c->seen->args_hash == hash))
		return;
	if (reason(c->seen, "args", why, sizeof(why)))
		judge(c, NULL_VALUE, "args: %s (%llu of %llu bytes)", why, (unsigned long long)c->seen->args_length,
		      length);
	else
		judge(c, WRONG, "args of %llu bytes instead of %llu, or others",
		      (unsigned long long)c->seen->args_length, length);
}

static void check_cwd(struct comparison *c, const char *value)
{
	unsigned long long length = 0, hash = 0;
	char why[32];

	sscanf(value, "%llu:%llx", &length, &hash);
	if (c->seen->cwd_length == length && c->seen->cwd_hash == hash)
		return;
	if (reason(c->seen, "cwd", why, sizeof(why)))
		judge(c, NULL_VALUE, "cwd: %s (%llu of %llu bytes)", why, (unsigned long long)c->seen->cwd_length,
		      length);
	else
		judge(c, WRONG, "cwd of %llu bytes instead of %llu, or another",
		      (unsigned long long)c->seen->cwd_length, length);
}

/* A blank is written as "_". */
static void check_comm(struct comparison *c, const char *value)
{
	for (size_t i = 0; i <= strlen(value); i++)
		if (c->seen->comm[i] != value[i] && !(value[i] == '_' && c->seen->comm[i] == ' '))
			return judge(c, WRONG, "comm \"%s\" instead of %s", c->seen->comm, value);
}

/* "user:SI_USER": who sent the signal that ended it, and how. Of no process that exited. */
static void check_sent(struct comparison *c, const char *value)
{
	char seen[40], why[32];

	snprintf(seen, sizeof(seen), "%s:%s", c->seen->sender, c->seen->signal_code);
	if (!c->seen->sender[0] && reason(c->seen, "sender", why, sizeof(why)))
		judge(c, NULL_VALUE, "sender: %s", why);
	else if (strcmp(seen, value))
		judge(c, WRONG, "sent by %s instead of %s", seen, value);
}

static void check_sender_pid(struct comparison *c, const char *value)
{
	equal(c, SEEN_SENDER_PID, strtoull(value, NULL, 10));
}

/* Of what a kernel does not tell, as the stream's header says, nothing can be expected. */
static bool oom_told(struct comparison *c)
{
	if (!c->seen->oom_kills && c->no_oom)
		judge(c, NULL_VALUE, "oom_kill: this kernel does not tell, as the stream's header says");
	else if (!c->seen->oom_kills)
		judge(c, WRONG, "no oom_kill");
	return c->seen->oom_kills;
}

static void check_oom_limit(struct comparison *c, const char *value)
{
	if (oom_told(c) && c->seen->oom_limit != strtoull(value, NULL, 10))
		judge(c, WRONG, "limit_bytes %lld instead of %s", (long long)c->seen->oom_limit, value);
}

static void check_oom_rss(struct comparison *c, const char *value)
{
	int64_t off = c->seen->oom_rss - strtoull(value, NULL, 10) * 1024;

	if (oom_told(c) && (off > OOM_TOLERANCE || -off > OOM_TOLERANCE))
		judge(c, WRONG, "oom_kill's rss_bytes %lld instead of %s KiB", (long long)c->seen->oom_rss, value);
}

static void check_oom_cgroup(struct comparison *c, const char *value)
{
	if (oom_told(c) && strcmp(c->seen->oom_cgroup, value))
		judge(c, WRONG, "oom_kill's cgroup \"%s\" instead of %s", c->seen->oom_cgroup, value);
}

static void check_oom_trigger(struct comparison *c, const char *value)
{
	if (oom_told(c) && c->seen->oom_trigger != strtoull(value, NULL, 10))
		judge(c, WRONG, "trigger_pid %lld instead of %s", (long long)c->seen->oom_trigger, value);
}

static void check_no_oom(struct comparison *c, const char *value)
{
	(void)value;
	check_count(c, "oom_kill", c->seen->oom_kills, 0);
}

static unsigned count_descendants(const struct events *events, const struct seen *of, int status, bool deep)
{
	unsigned found = 0;

	for (size_t i = of->child; i; i = events->seen[i - 1].sibling) {
		const struct seen *s = &events->seen[i - 1];

		found += status < 0 || s->number[SEEN_EXIT_CODE] == (uint64_t)WEXITSTATUS(status);
		if (deep)
			found += count_descendants(events, s, status, deep);
	}
	return found;
}

static void check_child_status(struct comparison *c, const char *value)
{
	check_count(c, "children with that status", count_descendants(c->events, c->seen, atoi(value), false), 1);
}

static void check_descendants(struct comparison *c, const char *value)
{
	check_count(c, "descendants", count_descendants(c->events, c->seen, -1, true), atoi(value));
}

static void check_io(struct comparison *c, enum seen_number which, const char *value)
{
	if (!c->seen->final[SEEN_IO])
		judge(c, NULL_VALUE, "io: its final account was not seen");
	else
		equal(c, which, strtoull(value, NULL, 10));
}

static void check_processes(struct comparison *c, const char *value)
{
	if (c->events->count == (size_t)atoll(value))
		return;
	judge(c, c->events->lost[SEEN_LIFECYCLE] ? NULL_VALUE : WRONG, "%zu processes instead of %s", c->events->count,
	      value);
}

static void check_nothing(struct comparison *c, const char *value)
{
	(void)c;
	(void)value; /* compare_once() knows */
}

static const struct {
	const char *key;
	void (*check)(struct comparison *c, const char *value);
} keys[] = {
	{"status", check_status},
	{"maxrss", check_maxrss},
	{"peak", check_peak},
	{"shared", check_shared},
	{"swap", check_swap},
	{"user", check_user},
	{"system", check_system},
	{"cpu_at_least", check_cpu_at_least},
	{"execs", check_execs},
	{"exec_tid", check_exec_tid},
	{"threads", check_threads},
	{"ppid", check_ppid},
	{"born_of", check_born_of},
	{"lasted_at_most", check_lasted},
	{"image_peak", check_image_peak},
	{"image_cpu", check_image_cpu},
	{"run_delay", check_run_delay},
	{"quota", check_quota},
	{"ns_pid", check_ns_pid},
	{"reaped_after", check_reaped_after},
	{"exec_failed", check_exec_failed},
	{"args", check_args},
	{"cwd", check_cwd},
	{"comm", check_comm},
	{"sent", check_sent},
	{"sender_pid", check_sender_pid},
	{"oom_limit", check_oom_limit},
	{"oom_rss", check_oom_rss},
	{"oom_cgroup", check_oom_cgroup},
	{"oom_trigger", check_oom_trigger},
	{"no_oom", check_no_oom},
	{"child_status", check_child_status},
	{"descendants", check_descendants},
	{"processes", check_processes},
	{"alive", check_nothing},
	{"wait", check_wait},
	{"word", check_word},
	{"owner", check_owner},
	{"blocker", check_blocker},
	{"opening", check_opening},
	{"fd", check_fd},
	{"fds", check_fds},
	{"locked", check_locked},
	{"zombie", check_zombie},
	{"goes_on", check_goes_on},
};

void compare(struct comparison *c, const char *key, const char *value)
{
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (!strcmp(key, keys[i].key))
			return keys[i].check(c, value);
	for (enum seen_number n = SEEN_READ_CHARS; n <= SEEN_CHILDREN_WRITE_BYTES; n++)
		if (!strcmp(key, seen_names[n]))
			return check_io(c, n, value);
	judge(c, WRONG, "truth has no key %s", key);
}

/* Each process once in each stream, or what is not there was lost and told. */
void compare_once(struct comparison *c, bool alive)
{
	static const char *const names[SEEN_STREAMS] = {"ends", "cpu.exit", "mem.exit", "io.exit"};

	if (c->seen->forks != !alive)
		judge(c, c->events->lost[SEEN_LIFECYCLE] && !c->seen->forks ? NULL_VALUE : WRONG,
		      "%u forks instead of %d", c->seen->forks, !alive);
	check_count(c, "alive", c->seen->alive, alive);
	for (int i = 0; i < SEEN_STREAMS; i++) {
		if (!c->seen->ends[i] && c->events->lost[i])
			judge(c, NULL_VALUE, "%s: lost, as is told", names[i]);
		else
			check_count(c, names[i], c->seen->ends[i], 1);
	}
}
