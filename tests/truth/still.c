// SPDX-License-Identifier: BSD-2-Clause
/* Cases: processes that stand still, each with a look-alike that goes on. All are started, and looked at by way of /proc once
 * the collector has reported them: suite.sh makes the file that says so. */
#include "tests/truth/truth.h"

#include <ctype.h>
#include <dirent.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

#include "tests/root/progs/blocked.h"

#define STILL_MAX 128
#define LINE_MAX 6144

/* One that is left as it is until all are reported. */
struct still {
	const char *name;
	const struct kind *kind; /* NULL: a zombie */
	struct birth birth;
	bool goes_on;
	pid_t helper; /* its child; 0: it has none */
};

static struct still all[STILL_MAX];
static unsigned count;

/* A line of expectations as it grows. */
struct line {
	char text[LINE_MAX];
	size_t length;
};

static void __attribute__((format(printf, 2, 3))) add(struct line *line, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	line->length += vsnprintf(line->text + line->length, LINE_MAX - line->length, fmt, ap);
	va_end(ap);
	if (line->length >= LINE_MAX)
		die("an expectation is too long");
}

/* ---- what /proc says ---- */

static bool read_proc(pid_t pid, const char *file, char *text, size_t size)
{
	char path[320];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, file);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, text, size - 1);
	text[n > 0 ? n : 0] = 0;
	if (fd >= 0)
		close(fd);
	return n >= 0;
}

static char state_of(pid_t tid)
{
	char text[512], *at;

	read_proc(tid, "stat", text, sizeof(text));
	at = strrchr(text, ')');
	return at ? at[2] : '?';
}

/* The names of a folder that are numbers; how many there are. */
static unsigned numbers_in(pid_t pid, const char *folder, int *numbers, unsigned size)
{
	char path[64];
	struct dirent *entry;
	unsigned n = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, folder);
	dir = opendir(path);
	while (dir && (entry = readdir(dir)))
		if (isdigit((unsigned char)*entry->d_name) && n < size)
			numbers[n++] = atoi(entry->d_name);
	if (dir)
		closedir(dir);
	return n;
}

static pid_t child_of(pid_t pid)
{
	char file[64], text[64];

	snprintf(file, sizeof(file), "task/%d/children", pid);
	read_proc(pid, file, text, sizeof(text));
	return atoi(text);
}

static const struct {
	long number;
	const char *name;
} calls[] = {
	{SYS_read, "read"},   {SYS_write, "write"},   {SYS_futex, "futex"}, {SYS_wait4, "wait4"},
	{SYS_ppoll, "ppoll"}, {SYS_flock, "flock"},   {SYS_fcntl, "fcntl"}, {SYS_tgkill, "tgkill"},
	{SYS_clone, "clone"}, {SYS_openat, "openat"},
#ifdef SYS_poll
	{SYS_poll, "poll"},   {SYS_pause, "pause"},   {SYS_vfork, "vfork"},
#endif
};

static const char *name_of(long number)
{
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		if (calls[i].number == number)
			return calls[i].name;
	return "unknown_to_the_suite";
}

/* ---- what is expected of one process ---- */

/* By construction: the holder is the only other thread, or the only other process. */
static void expect_owner(struct line *line, const struct still *s, pid_t pid, pid_t tid)
{
	int tids[8];
	unsigned n = numbers_in(pid, "task", tids, 8);

	if (s->kind->block == futex_dead)
		add(line, " owner=%d:gone", tid);
	else if (s->kind->block == futex_shared)
		add(line, " owner=%d:%d", tid, pid == s->birth.pid ? s->helper : s->birth.pid);
	else if (n == 2)
		add(line, " owner=%d:%d", tid, tids[tids[0] == tid]);
	else
		add(line, " owner=%d:none", tid);
}

static void expect_futex(struct line *line, const struct still *s, pid_t pid, pid_t tid, unsigned long at)
{
	uint32_t word;
	struct iovec here = {&word, sizeof(word)}, there = {(void *)at, sizeof(word)};

	if (process_vm_readv(pid, &here, 1, &there, 1, 0) != sizeof(word))
		die("process_vm_readv");
	add(line, " word=%d:%u", tid, word);
	expect_owner(line, s, pid, tid);
}

/* A path that is relative to its working directory. */
static void expect_opening(struct line *line, pid_t pid, pid_t tid, unsigned long at)
{
	char path[PATH_MAX], name[16] = "", link[64];
	struct iovec here = {name, sizeof(name) - 1}, there = {(void *)at, sizeof(name) - 1};
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/%d/cwd", pid);
	n = readlink(link, path, sizeof(path) - 1);
	if (n < 0 || process_vm_readv(pid, &here, 1, &there, 1, 0) <= 0)
		die("the path of an open");
	path[n] = '\0';
	add(line, " opening=%d:%s/%s", tid, path, name);
}

static void expect_thread(struct line *line, const struct still *s, pid_t pid, pid_t tid)
{
	char text[512], channel[128];
	unsigned long a[6];
	long number = -1;

	read_proc(tid, "wchan", channel, sizeof(channel));
	read_proc(tid, "syscall", text, sizeof(text));
	if (sscanf(text, "%ld %lx %lx %lx %lx %lx %lx", &number, &a[0], &a[1], &a[2], &a[3], &a[4], &a[5]) != 7)
		number = -1;
	add(line, " wait=%d:%c:%s:", tid, state_of(tid), channel);
	if (number < 0) {
		add(line, "-");
		return;
	}
	add(line, "%s:0x%lx,0x%lx,0x%lx,0x%lx,0x%lx,0x%lx", name_of(number), a[0], a[1], a[2], a[3], a[4], a[5]);
	if (number == SYS_futex)
		expect_futex(line, s, pid, tid, a[0]);
	if (s->kind->block == fifo_open)
		expect_opening(line, pid, tid, a[1]);
	if (s->kind->block == kernel_lock && number == SYS_read) {
		int tids[2];

		numbers_in(pid, "task", tids, 2);
		add(line, " blocker=%d:%d", tid, tids[tids[0] == tid]);
	}
}

static void expect_descriptors(struct line *line, pid_t pid)
{
	int fds[64];
	unsigned n = numbers_in(pid, "fd", fds, 64);

	for (unsigned i = 0; i < n; i++) {
		char path[64];
		struct stat st;

		snprintf(path, sizeof(path), "/proc/%d/fd/%d", pid, fds[i]);
		if (!stat(path, &st))
			add(line, " fd=%d:%llu:%llu", fds[i], (unsigned long long)st.st_dev,
			    (unsigned long long)st.st_ino);
	}
	add(line, " fds=%u", n);
}

/* Of the locks that this process holds, the file and the kind; those that wait have an arrow. */
static void expect_locks(struct line *line, pid_t pid)
{
	FILE *file = fopen("/proc/locks", "r");
	char text[256], kind[16];
	unsigned long long inode;
	int owner;

	while (file && fgets(text, sizeof(text), file))
		if (sscanf(text, "%*d: %15s %*s %*s %d %*x:%*x:%llu", kind, &owner, &inode) == 3 && owner == pid)
			add(line, " locked=%llu:%s", inode, strcmp(kind, "FLOCK") ? "posix" : "flock");
	if (file)
		fclose(file);
}

static void expect_still(const struct still *s, const struct birth *b)
{
	struct line line = {.length = 0};
	int tids[8];
	unsigned n = numbers_in(b->pid, "task", tids, 8);

	for (unsigned i = 0; i < n; i++)
		expect_thread(&line, s, b->pid, tids[i]);
	expect_descriptors(&line, b->pid);
	expect_locks(&line, b->pid);
	expect(b, "%s", line.text + 1);
}

/* ---- all of them ---- */

static void start(const struct kind *kind, bool goes_on)
{
	struct still *s = &all[count++];

	*s = (struct still){.name = current, .kind = kind, .goes_on = goes_on};
	if (count == STILL_MAX)
		die("too many");
	if (!born(&s->birth))
		return;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	kind->block(goes_on);
	_exit(1);
}

/* The kind is the rest of the case's name. */
static void stands_still(void)
{
	if (!wake[1])
		must(pipe(wake), "pipe");
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (strcmp(current + strlen("stall_"), kinds[i].name))
			continue;
		start(&kinds[i], false);
		start(&kinds[i], true);
	}
}

/* One is not waited for until all are reported; the other is at once. */
static void zombie(void)
{
	struct still *s = &all[count++];
	struct birth reaped;

	*s = (struct still){.name = current};
	if (born(&s->birth))
		_exit(0);
	if (born(&reaped))
		_exit(0);
	expect_end(&reaped, "goes_on=1");
}

/* Waits until each has the child that it is to have, and writes who is to be reported. */
static void list_them(const char *path)
{
	FILE *file = fopen(path, "w");

	if (!file)
		die(path);
	for (struct still *s = all; s < all + count; s++) {
		if (s->goes_on)
			continue;
		while (s->kind && s->kind->has_child && !(s->helper = child_of(s->birth.pid)))
			sleep_ms(5);
		fprintf(file, "%d\n", s->birth.pid);
		if (s->helper)
			fprintf(file, "%d\n", s->helper);
	}
	fclose(file);
}

static void look_at(const struct still *s)
{
	struct birth helper = {s->helper, s->birth.before, boot_ns()};

	current = s->name;
	if (!s->kind)
		return;
	if (s->goes_on) {
		expect(&s->birth, "goes_on=1");
		return;
	}
	expect_still(s, &s->birth);
	if (s->helper)
		expect_still(s, &helper);
}

static void end(const struct still *s)
{
	current = s->name;
	if (!s->kind) {
		if (state_of(s->birth.pid) != 'Z')
			die("no zombie");
		expect_end(&s->birth, "zombie=%d", getpid());
		return;
	}
	kill(s->birth.pid, SIGKILL);
	expect_end(&s->birth, "execs=0");
}

void still__finish(const char *expectations)
{
	char listed[4096], told[4096];

	if (!count)
		return;
	snprintf(listed, sizeof(listed), "%s.still", expectations);
	snprintf(told, sizeof(told), "%s.told", expectations);
	list_them(listed);
	wait_for(told, "");
	for (unsigned i = 0; i < count; i++)
		look_at(&all[i]);
	for (unsigned i = 0; i < count; i++)
		end(&all[i]);
}

const struct truth_case still_cases[] = {
	{"stall_futex_private", "a mutex whose owner sleeps", stands_still, false},
	{"stall_futex_pi", "the same with priority inheritance", stands_still, false},
	{"stall_futex_robust", "the same, robust", stands_still, false},
	{"stall_futex_dead", "a mutex whose owner has ended", stands_still, false},
	{"stall_futex_shared", "a mutex of two processes", stands_still, false},
	{"stall_futex_condition", "a condition that is never signalled", stands_still, false},
	{"stall_pipe_read", "a read of an empty pipe", stands_still, false},
	{"stall_pipe_write", "a write to a full pipe", stands_still, false},
	{"stall_fifo_read", "a read of an empty FIFO", stands_still, false},
	{"stall_fifo_write", "a write to a full FIFO", stands_still, false},
	{"stall_fifo_open", "an open of a FIFO that nothing writes to", stands_still, false},
	{"stall_unix_read", "a read of a Unix socket pair", stands_still, false},
	{"stall_poll", "poll without a timeout", stands_still, false},
	{"stall_flock", "flock of a file that a child or parent has", stands_still, false},
	{"stall_fcntl", "the same with a range by fcntl", stands_still, false},
	{"stall_wait4", "wait4 for a child that sleeps", stands_still, false},
	{"stall_stopped", "stopped by SIGSTOP", stands_still, false},
	{"stall_vfork", "a vfork whose child never ends", stands_still, false},
	{"stall_traced", "a child that is traced and stopped", stands_still, false},
	{"stall_kernel_lock", "state D: a pipe's mutex, held by another thread", stands_still, false},
	{"stall_zombie", "a child that has ended and is not waited for", zombie, false},
	{0},
};
