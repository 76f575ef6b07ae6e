/* SPDX-License-Identifier: BSD-2-Clause */
/* Children that are sent signals in every way there is. Says of each its pid and status, and the other process that has
 * sent one. Usage: senders [CASE]... */
#include "witness.h"
#include "signals.h"

#include <fcntl.h>
#include <sys/signalfd.h>
#include <sys/time.h>

static int ready[2];

static void say_ready(void)
{
	if (write(ready[1], "", 1) != 1)
		die("write");
}

static void waits(void)
{
	say_ready();
	for (;;)
		pause();
}

static void block(int number)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, number);
	sigprocmask(SIG_BLOCK, &set, NULL);
}

static void unblock_all(void)
{
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static void *pauses(void *arg)
{
	for (;;)
		pause();
	return arg;
}

static void start(void *(*body)(void *))
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, body, NULL))
		die("pthread_create");
}

/* ---- bodies of children ---- */

static void leads_group(void)
{
	setpgid(0, 0);
	waits();
}

static void has_threads(void)
{
	start(pauses);
	waits();
}

static void raises(void)
{
	raise(SIGTERM);
}

static void kills_itself(void)
{
	kill(getpid(), SIGKILL);
}

static void aborts(void)
{
	abort();
}

static void alarms(void)
{
	struct itimerval soon = {.it_value = {.tv_usec = 10000}};

	setitimer(ITIMER_REAL, &soon, NULL);
	waits();
}

static void *spins(void *arg)
{
	for (;;)
		__asm__ volatile("" : : "r"(arg) : "memory");
	return NULL;
}

static void virtual_alarm(void)
{
	struct itimerval soon = {.it_value = {.tv_usec = 10000}};

	setitimer(ITIMER_VIRTUAL, &soon, NULL);
	spins(NULL);
}

static void posix_timer(void)
{
	struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGTERM};
	struct itimerspec soon = {.it_value = {.tv_nsec = 10000000}};
	timer_t timer;

	if (timer_create(CLOCK_MONOTONIC, &event, &timer) || timer_settime(timer, 0, &soon, NULL))
		die("timer");
	waits();
}

static void *page(int protection)
{
	return mmap(NULL, 4096, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static void touch(volatile char *at)
{
	*at = 1;
}

static void not_mapped(void)
{
	touch((char *)8);
}

static void read_only(void)
{
	touch(page(PROT_READ));
}

static void *faults(void *arg)
{
	touch((char *)8);
	return arg;
}

static void thread_faults(void)
{
	start(faults);
	waits();
}

static int calls_itself(volatile int deep)
{
	volatile char frame[256] = {0};

	return calls_itself(deep + 1) + frame[deep & 255];
}

static void stack_is_full(void)
{
	calls_itself(0);
}

static void *fills_its_stack(void *arg)
{
	calls_itself(0);
	return arg;
}

static void thread_stack_is_full(void)
{
	start(fills_its_stack);
	waits();
}

static void cut_map(void)
{
	int fd = memfd_create("cut", 0);
	char *map;

	if (fd < 0 || ftruncate(fd, 4096))
		die("memfd");
	map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (ftruncate(fd, 0))
		die("ftruncate");
	touch(map);
}

static void closed_pipe(void)
{
	int fds[2];

	if (pipe(fds))
		die("pipe");
	close(fds[0]);
	if (write(fds[1], "", 1) == 1)
		die("write");
}

static void file_limit(void)
{
	int fd = memfd_create("big", 0);

	setrlimit(RLIMIT_FSIZE, &(struct rlimit){1, 1});
	if (ftruncate(fd, 4096))
		die("ftruncate");
}

static void cpu_limit(void)
{
	setrlimit(RLIMIT_CPU, &(struct rlimit){1, 5});
	spins(NULL);
}

static void hard_cpu_limit(void)
{
	setrlimit(RLIMIT_CPU, &(struct rlimit){1, 1});
	spins(NULL);
}

static void forbidden(void)
{
	if (!call_forbidden())
		die("seccomp");
}

static int go[2];

static void wait_to_go(void)
{
	char byte;

	say_ready();
	if (read(go[0], &byte, 1) != 1)
		die("read");
}

/* Both pending at once: the kernel delivers SIGINT first. */
static void two_blocked(void)
{
	block(SIGTERM);
	block(SIGINT);
	wait_to_go();
	unblock_all();
}

static void handle(int number)
{
	_exit(128 + number);
}

static void handles(void)
{
	signal(SIGTERM, handle);
	waits();
}

/* As Go does: it sends the signal to itself while its handler is there, and once more without one. */
static void raise_again(int number)
{
	static int times;

	if (times++)
		signal(number, SIG_DFL);
	kill(getpid(), number);
}

static void raises_again(void)
{
	signal(SIGTERM, raise_again);
	waits();
}

static void handles_hangup(void)
{
	signal(SIGHUP, handle);
	waits();
}

static void reads_it(void)
{
	struct signalfd_siginfo info;
	sigset_t set;
	int fd;

	block(SIGTERM);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	fd = signalfd(-1, &set, SFD_CLOEXEC);
	say_ready();
	if (fd < 0 || read(fd, &info, sizeof(info)) != sizeof(info))
		die("signalfd");
}

static void ignores_and_ends(void)
{
	signal(SIGTERM, SIG_IGN);
	wait_to_go();
}

static void ignores(void)
{
	signal(SIGTERM, SIG_IGN);
	waits();
}

static void takes(void)
{
	siginfo_t info;
	sigset_t set;

	block(SIGTERM);
	wait_to_go();
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	if (sigwaitinfo(&set, &info) != SIGTERM)
		die("sigwaitinfo");
	unblock_all();
	waits();
}

static void runs_another(void)
{
	block(SIGTERM);
	wait_to_go();
	execl("/proc/self/exe", "senders", "unblock", NULL);
}

/* ---- senders ---- */

static pid_t other; /* the process that has sent a signal; 0: none */

static void send_by_other(pid_t pid, int number)
{
	other = fork();
	if (!other)
		_exit(kill(pid, number) ? 1 : 0);
	if (other < 0 || waitpid(other, NULL, 0) != other)
		die("other");
}

static void tell_to_go(void)
{
	if (write(go[1], "", 1) != 1)
		die("write");
}

static void sends_term(pid_t pid)
{
	kill(pid, SIGTERM);
}

static void sends_hangup(pid_t pid)
{
	kill(pid, SIGHUP);
}

static void sends_real_time(pid_t pid)
{
	kill(pid, SIGRTMIN + 3);
}

static void sends_to_group(pid_t pid)
{
	kill(-pid, SIGTERM);
}

static void sends_to_thread(pid_t pid)
{
	syscall(SYS_tgkill, pid, pid, SIGTERM);
}

static void queues(pid_t pid)
{
	sigqueue(pid, SIGTERM, (union sigval){0});
}

/* As if it came from a timer, and from init. */
static void forges(pid_t pid)
{
	siginfo_t info = {.si_signo = SIGTERM, .si_code = SI_TIMER};

	info.si_pid = 1;
	syscall(SYS_rt_sigqueueinfo, pid, SIGTERM, &info);
}

static void other_sends(pid_t pid)
{
	send_by_other(pid, SIGKILL);
}

static void both_kill(pid_t pid)
{
	kill(pid, SIGKILL);
	send_by_other(pid, SIGKILL);
}

static void sends_two(pid_t pid)
{
	kill(pid, SIGINT);
	send_by_other(pid, SIGTERM);
	tell_to_go();
}

static void sends_another_after(pid_t pid)
{
	send_by_other(pid, SIGTERM);
	kill(pid, SIGKILL);
}

static void sends_again(pid_t pid)
{
	char byte;

	send_by_other(pid, SIGTERM);
	tell_to_go();
	if (read(ready[0], &byte, 1) != 1)
		die("read");
	kill(pid, SIGTERM);
}

static void sends_and_tells(pid_t pid)
{
	send_by_other(pid, SIGTERM);
	tell_to_go();
}

/* ---- cases ---- */

static const struct way {
	const char *name;
	void (*body)(void);
	void (*send)(pid_t); /* once the child is ready */
} ways[] = {
	{"parent", waits, sends_term},
	{"real_time", waits, sends_real_time},
	{"group", leads_group, sends_to_group},
	{"thread", waits, sends_to_thread},
	{"many_threads", has_threads, sends_term},
	{"queued", waits, queues},
	{"forged", waits, forges},
	{"other", waits, other_sends},
	{"killed_twice", waits, both_kill},
	{"two_blocked", two_blocked, sends_two},
	{"ignored_then_killed", ignores, sends_another_after},
	{"taken_then_sent_again", takes, sends_again},
	{"blocked_over_exec", runs_another, sends_and_tells},
	{"handled", handles, sends_term},
	{"handled_and_raised_again", raises_again, sends_term},
	{"handled_of_another", handles, sends_and_tells},
	{"read_from_a_descriptor", reads_it, sends_term},
	{"handled_hangup", handles_hangup, sends_hangup},
	{"ignored", ignores_and_ends, sends_and_tells},
	{"raise", raises, NULL},
	{"kills_itself", kills_itself, NULL},
	{"abort", aborts, NULL},
	{"alarm", alarms, NULL},
	{"virtual_alarm", virtual_alarm, NULL},
	{"posix_timer", posix_timer, NULL},
	{"not_mapped", not_mapped, NULL},
	{"read_only", read_only, NULL},
	{"thread_faults", thread_faults, NULL},
	{"stack_is_full", stack_is_full, NULL},
	{"thread_stack_is_full", thread_stack_is_full, NULL},
	{"cut_map", cut_map, NULL},
	{"closed_pipe", closed_pipe, NULL},
	{"file_limit", file_limit, NULL},
	{"cpu_limit", cpu_limit, NULL},
	{"hard_cpu_limit", hard_cpu_limit, NULL},
	{"seccomp", forbidden, NULL},
};

static void run_one(const struct way *way)
{
	char byte;
	int status;
	pid_t pid;

	other = 0;
	if (pipe2(ready, O_CLOEXEC) || pipe2(go, O_CLOEXEC))
		die("pipe");
	pid = fork();
	if (pid < 0)
		die("fork");
	if (!pid) {
		way->body();
		_exit(97);
	}
	if (way->send) {
		if (read(ready[0], &byte, 1) != 1)
			die("read");
		way->send(pid);
	}
	if (waitpid(pid, &status, 0) != pid)
		die("waitpid");
	printf("{\"case\":\"%s\",\"pid\":%d,\"status\":%d,\"parent\":%d,\"other\":%d}\n", way->name, pid, status,
	       getpid(), other);
	fflush(stdout);
	for (int i = 0; i < 2; i++) {
		close(ready[i]);
		close(go[i]);
	}
}

int main(int argc, char **argv)
{
	setrlimit(RLIMIT_CORE, &(struct rlimit){0, RLIM_INFINITY});
	if (argc > 1 && !strcmp(argv[1], "unblock")) {
		unblock_all();
		return 96;
	}
	for (size_t i = 0; i < sizeof(ways) / sizeof(*ways); i++)
		if (argc == 1 || !strcmp(argv[1], ways[i].name))
			run_one(&ways[i]);
	return 0;
}
