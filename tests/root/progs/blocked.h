/* SPDX-License-Identifier: BSD-2-Clause */
/* Every way to block for good, each with a healthy look-alike that does the same but goes on. Includes no clock and no
 * die(): those of the program that includes it. */
#ifndef BLOCKED_H
#define BLOCKED_H

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <linux/userfaultfd.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define STEP_MS 20 /* between two steps of those that go on */

static int wake[2]; /* the pipe of pipe_read */
static char lock_path[] = "lock", range_path[] = "range", fifo_path[] = "fifo";

static void must(int result, const char *what)
{
	if (result < 0)
		die(what);
}

static void read_one(int fd)
{
	char byte;

	must(read(fd, &byte, 1), "read");
}

static void hold(void)
{
	for (;;)
		pause();
}

/* ---- futexes ---- */

struct lock {
	pthread_mutex_t mutex;
	bool goes_on;
};

static void lock__init(struct lock *lock, bool goes_on, int shared, int protocol, int robust)
{
	pthread_mutexattr_t attr;

	pthread_mutexattr_init(&attr);
	pthread_mutexattr_setpshared(&attr, shared);
	pthread_mutexattr_setprotocol(&attr, protocol);
	pthread_mutexattr_setrobust(&attr, robust);
	pthread_mutex_init(&lock->mutex, &attr);
	lock->goes_on = goes_on;
}

/* Two of them take turns, or the first keeps it. */
static void *use_lock(void *arg)
{
	struct lock *lock = arg;

	for (;;) {
		pthread_mutex_lock(&lock->mutex);
		if (!lock->goes_on)
			hold();
		sleep_ms(STEP_MS);
		pthread_mutex_unlock(&lock->mutex);
		sleep_ms(1);
	}
	return NULL;
}

static void in_threads(bool goes_on, int protocol, int robust)
{
	static struct lock lock;
	pthread_t other;

	lock__init(&lock, goes_on, PTHREAD_PROCESS_PRIVATE, protocol, robust);
	pthread_create(&other, NULL, use_lock, &lock);
	use_lock(&lock);
}

static void futex_private(bool goes_on)
{
	in_threads(goes_on, PTHREAD_PRIO_NONE, PTHREAD_MUTEX_STALLED);
}

static void futex_pi(bool goes_on)
{
	in_threads(goes_on, PTHREAD_PRIO_INHERIT, PTHREAD_MUTEX_STALLED);
}

static void futex_robust(bool goes_on)
{
	in_threads(goes_on, PTHREAD_PRIO_NONE, PTHREAD_MUTEX_ROBUST);
}

static void *keep_lock(void *mutex)
{
	pthread_mutex_lock(mutex);
	return NULL;
}

/* The owner has ended: a robust mutex says so, any other is never given up. */
static void futex_dead(bool goes_on)
{
	struct lock lock;
	pthread_t owner;

	do {
		lock__init(&lock, goes_on, PTHREAD_PROCESS_PRIVATE, PTHREAD_PRIO_NONE,
			   goes_on ? PTHREAD_MUTEX_ROBUST : PTHREAD_MUTEX_STALLED);
		pthread_create(&owner, NULL, keep_lock, &lock.mutex);
		pthread_join(owner, NULL);
		if (pthread_mutex_lock(&lock.mutex) != EOWNERDEAD)
			_exit(1);
		sleep_ms(STEP_MS);
	} while (goes_on);
}

static struct lock *shared_lock;

static void futex_shared(bool goes_on)
{
	shared_lock = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	lock__init(shared_lock, goes_on, PTHREAD_PROCESS_SHARED, PTHREAD_PRIO_NONE, PTHREAD_MUTEX_STALLED);
	if (!fork())
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	use_lock(shared_lock);
}

/* Locks of others, with what lies around them: what looks like an owner is none, but in the last one. */
static struct foreign {
	uint32_t before, lock, after[5];
} foreign[] = {
	{0, 2, {0, 0xf7d8c740, 0x7fff}},    /* stdio of glibc: a pointer to the owner */
	{0, 2, {0, 4, 0, 0x1000}},	    /* std::sync::Mutex of Rust, in front of a vector */
	{0, 2, {1, 77, 3, 0xdeadbeef}},	    /* and of three numbers */
	{3, 0xffffffff, {1, 1}},	    /* a parked thread of Rust */
	{0, 0x80000001, {1, 1, 1, 1}},	    /* std::sync::RwLock: one reader, and a writer that waits */
	{0, 0x80000010, {1}},		    /* musl: a mutex of the default type is no one's */
	{1, 0x80000000 /* | owner */, {1}}, /* musl: a recursive one is its owner's */
};

static void *wait_for_foreign(void *arg)
{
	const struct foreign *at = arg;
	const struct timespec step = {0, STEP_MS * 1000000l};
	bool goes_on = at->after[4];

	for (;;)
		syscall(SYS_futex, &at->lock, FUTEX_WAIT_PRIVATE, at->lock, goes_on ? &step : NULL, NULL, 0);
	return NULL;
}

static void futex_foreign(bool goes_on)
{
	const size_t count = sizeof(foreign) / sizeof(*foreign);
	pthread_t thread;

	foreign[count - 1].lock |= (uint32_t)getpid();
	for (size_t i = 0; i < count; i++) {
		foreign[i].after[4] = goes_on;
		pthread_create(&thread, NULL, wait_for_foreign, &foreign[i]);
	}
	while (goes_on)
		sleep_ms(STEP_MS);
	hold();
}

static void futex_condition(bool goes_on)
{
	pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
	pthread_cond_t condition = PTHREAD_COND_INITIALIZER;

	pthread_mutex_lock(&mutex);
	while (!goes_on)
		pthread_cond_wait(&condition, &mutex);
	for (;;) {
		struct timespec t;

		clock_gettime(CLOCK_REALTIME, &t);
		t.tv_nsec += STEP_MS * 1000000l;
		t.tv_sec += t.tv_nsec / 1000000000;
		t.tv_nsec %= 1000000000;
		pthread_cond_timedwait(&condition, &mutex, &t);
	}
}

/* ---- pipes and sockets ---- */

/* Reads from the one, if `goes_on` fed by a child. */
static void drain(int from, int to, bool goes_on)
{
	if (goes_on && !fork()) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;; sleep_ms(STEP_MS))
			must(write(to, "x", 1), "write");
	}
	for (;;)
		read_one(from);
}

/* Writes into the one until it is full, if `goes_on` emptied by a child. */
static void fill(int to, int from, bool goes_on)
{
	static const char page[4096];

	if (goes_on && !fork()) {
		char into[4096];

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;; sleep_ms(STEP_MS))
			must(read(from, into, sizeof(into)), "read");
	}
	for (;;)
		must(write(to, page, sizeof(page)), "write");
}

static void pipe_read(bool goes_on)
{
	int ends[2] = {wake[0], wake[1]};

	if (goes_on)
		must(pipe(ends), "pipe");
	drain(ends[0], ends[1], goes_on);
}

static void pipe_write(bool goes_on)
{
	int ends[2];

	must(pipe(ends), "pipe");
	fill(ends[1], ends[0], goes_on);
}

static void fifo_read(bool goes_on)
{
	int both;

	unlink(goes_on ? "fifo2" : fifo_path);
	must(mkfifo(goes_on ? "fifo2" : fifo_path, 0600), "mkfifo");
	both = open(goes_on ? "fifo2" : fifo_path, O_RDWR);
	must(both, "open");
	drain(both, both, goes_on);
}

static void fifo_write(bool goes_on)
{
	int both;

	must(mkfifo(goes_on ? "fifo4" : "fifo3", 0600), "mkfifo");
	both = open(goes_on ? "fifo4" : "fifo3", O_RDWR);
	must(both, "open");
	fill(both, both, goes_on);
}

/* Like a redirection: the FIFO has no descriptor yet. */
static void fifo_open(bool goes_on)
{
	const char *path = goes_on ? "fifo6" : "fifo5";

	must(mkfifo(path, 0600), "mkfifo");
	if (goes_on && !fork()) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;; sleep_ms(STEP_MS))
			close(open(path, O_WRONLY));
	}
	for (;;)
		close(open(path, O_RDONLY));
}

static void unix_read(bool goes_on)
{
	int ends[2];

	must(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), "socketpair");
	drain(ends[0], ends[1], goes_on);
}

static void tcp_read(bool goes_on)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int server = socket(AF_INET, SOCK_STREAM, 0), client = socket(AF_INET, SOCK_STREAM, 0), other;
	socklen_t size = sizeof(to);

	must(bind(server, (void *)&to, size), "bind");
	must(listen(server, 1), "listen");
	must(getsockname(server, (void *)&to, &size), "getsockname");
	must(connect(client, (void *)&to, size), "connect");
	other = accept(server, NULL, NULL);
	must(other, "accept");
	drain(client, other, goes_on);
}

static void event_read(bool goes_on)
{
	int fd = eventfd(0, 0);
	uint64_t value = 1;

	if (goes_on && !fork()) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;; sleep_ms(STEP_MS))
			must(write(fd, &value, sizeof(value)), "write");
	}
	for (;;)
		must(read(fd, &value, sizeof(value)), "read");
}

static void in_poll(bool goes_on)
{
	struct pollfd one = {.events = POLLIN};
	int ends[2];

	must(pipe(ends), "pipe");
	one.fd = ends[0];
	for (;;)
		poll(&one, 1, goes_on ? STEP_MS : -1);
}

/* ---- locks on files ---- */

static void by_flock(bool goes_on)
{
	int fd = open(goes_on ? "lock2" : lock_path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	must(fd, "open");
	if (!fork()) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		fd = open(goes_on ? "lock2" : lock_path, O_RDWR);
	}
	for (;;) {
		must(flock(fd, LOCK_EX), "flock");
		if (!goes_on)
			hold();
		sleep_ms(STEP_MS);
		flock(fd, LOCK_UN);
		sleep_ms(1);
	}
}

static void by_fcntl(bool goes_on)
{
	struct flock range = {.l_type = F_WRLCK, .l_len = 10}, none = {.l_type = F_UNLCK, .l_len = 10};
	int fd = open(goes_on ? "range2" : range_path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	must(fd, "open");
	if (!fork())
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;) {
		must(fcntl(fd, F_SETLKW, &range), "fcntl");
		if (!goes_on)
			hold();
		sleep_ms(STEP_MS);
		fcntl(fd, F_SETLK, &none);
		sleep_ms(1);
	}
}

/* ---- processes ---- */

static void in_wait4(bool goes_on)
{
	do {
		pid_t child = fork();

		if (!child && goes_on) {
			sleep_ms(STEP_MS);
			_exit(0);
		}
		if (!child) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			hold();
		}
		wait4(child, NULL, 0, NULL);
	} while (goes_on);
}

static void stopped(bool goes_on)
{
	pid_t self = getpid();

	if (goes_on && !fork()) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;; sleep_ms(STEP_MS))
			kill(self, SIGCONT);
	}
	for (;;)
		raise(SIGSTOP);
}

static void in_vfork(bool goes_on)
{
	do {
		if (!vfork()) {
			if (!goes_on) {
				prctl(PR_SET_PDEATHSIG, SIGKILL);
				hold();
			}
			sleep_ms(STEP_MS);
			_exit(0);
		}
	} while (goes_on);
}

static void traced(bool goes_on)
{
	pid_t child = fork();

	if (!child) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		for (;;)
			raise(SIGUSR1);
	}
	do
		waitpid(child, NULL, 0);
	while (goes_on && !ptrace(PTRACE_CONT, child, NULL, NULL));
	hold();
}

static void with_timer(bool goes_on)
{
	for (;;) {
		if (!goes_on)
			alarm(100000);
		if (goes_on)
			sleep_ms(STEP_MS);
		else
			pause();
	}
}

/* Memory whose first use waits for ever, as nothing serves `faults`. */
static void *never_served(int *faults)
{
	void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct uffdio_register range = {
		.range = {.start = (uintptr_t)page, .len = sysconf(_SC_PAGESIZE)},
		.mode = UFFDIO_REGISTER_MODE_MISSING,
	};
	struct uffdio_api api = {.api = UFFD_API};

	*faults = syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);
	must(*faults, "userfaultfd");
	must(ioctl(*faults, UFFDIO_API, &api), "UFFDIO_API");
	must(ioctl(*faults, UFFDIO_REGISTER, &range), "UFFDIO_REGISTER");
	return page;
}

struct pending_write {
	int to;
	void *page;
};

static void *write_page(void *arg)
{
	struct pending_write *w = arg;

	must(write(w->to, w->page, 4096), "write");
	return NULL;
}

/* A thread that writes to a pipe from such memory has the pipe's mutex meanwhile: the reader waits for it in state D. */
static void kernel_lock(bool goes_on)
{
	struct pollfd faults = {.events = POLLIN};
	struct pending_write w;
	pthread_t writer;
	int ends[2];

	must(pipe(ends), "pipe");
	if (goes_on)
		drain(ends[0], ends[1], goes_on);
	w = (struct pending_write){ends[1], never_served(&faults.fd)};
	pthread_create(&writer, NULL, write_page, &w);
	must(poll(&faults, 1, -1), "poll");
	read_one(ends[0]);
}

static const struct kind {
	const char *name;
	void (*block)(bool goes_on);
	bool has_child; /* also if it does not go on */
} kinds[] = {
	{"futex_private", futex_private, false},
	{"futex_pi", futex_pi, false},
	{"futex_robust", futex_robust, false},
	{"futex_dead", futex_dead, false},
	{"futex_shared", futex_shared, true},
	{"futex_foreign", futex_foreign, false},
	{"futex_condition", futex_condition, false},
	{"pipe_read", pipe_read, false},
	{"pipe_write", pipe_write, false},
	{"fifo_read", fifo_read, false},
	{"fifo_write", fifo_write, false},
	{"fifo_open", fifo_open, false},
	{"unix_read", unix_read, false},
	{"tcp_read", tcp_read, false},
	{"event_read", event_read, false},
	{"poll", in_poll, false},
	{"kernel_lock", kernel_lock, false},
	{"flock", by_flock, true},
	{"fcntl", by_fcntl, true},
	{"wait4", in_wait4, true},
	{"stopped", stopped, false},
	{"vfork", in_vfork, true},
	{"traced", traced, true},
	{"timer", with_timer, false},
};

#endif
