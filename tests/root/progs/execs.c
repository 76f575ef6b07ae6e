/* SPDX-License-Identifier: BSD-2-Clause */
/* Ways of being born and of running a program. Usage: execs CASE... ; it also is what they run:
 * `execs exit N`, `execs chain N` (N more programs, one after the other, then exit N), `execs sleep MS`. */
#include "witness.h"

#include <fcntl.h>
#include <spawn.h>

static char *self;
static char *const empty_env[] = {NULL};

#define ARGV(...) ((char *const[]){self, __VA_ARGS__, NULL})

static void exec_exit(char *n)
{
	execve(self, ARGV("exit", n), empty_env);
	_exit(127);
}

/* ---- children, each of another birth ---- */

static pid_t by_fork(void)
{
	pid_t pid = fork();

	if (!pid)
		exec_exit("11");
	return pid;
}

static pid_t no_exec(void)
{
	pid_t pid = fork();

	if (!pid)
		_exit(12);
	return pid;
}

static pid_t by_vfork(void)
{
	pid_t pid = vfork();

	if (!pid)
		exec_exit("13");
	return pid;
}

static pid_t vfork_exit(void)
{
	pid_t pid = vfork();

	if (!pid)
		_exit(6);
	return pid;
}

static pid_t by_spawn(void)
{
	pid_t pid;

	return posix_spawn(&pid, self, NULL, NULL, ARGV("exit", "14"), empty_env) ? -1 : pid;
}

static int clone_body(void *arg)
{
	(void)arg;
	_exit(15);
}

static pid_t by_clone(int flags)
{
	size_t size = 65536;
	char *stack = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);

	return clone(clone_body, stack + size, flags, NULL);
}

static pid_t clone_vm(void)
{
	return by_clone(CLONE_VM | SIGCHLD);
}
static pid_t clone_no_signal(void)
{
	return by_clone(0);
}

static pid_t chain(void)
{
	pid_t pid = fork();

	if (!pid)
		execve(self, ARGV("chain", "5"), empty_env);
	return pid;
}

static void *thread_execs(void *arg)
{
	(void)arg;
	exec_exit("16");
	return NULL;
}

static pid_t by_thread(void)
{
	pid_t pid = fork();
	pthread_t thread;

	if (pid)
		return pid;
	pthread_create(&thread, NULL, thread_execs, NULL);
	for (;;)
		pause();
}

static pid_t enoent(void)
{
	pid_t pid = fork();

	if (!pid) {
		execve("/nonexistent/program", (char *const[]){"program", "one argument", NULL}, empty_env);
		_exit(127);
	}
	return pid;
}

static pid_t eacces(void)
{
	pid_t pid = fork();

	if (!pid) {
		execve("/etc/passwd", (char *const[]){"passwd", NULL}, empty_env);
		_exit(126);
	}
	return pid;
}

/* A script by its interpreter: made by the test in our working directory. */
static pid_t script(void)
{
	pid_t pid = fork();

	if (!pid) {
		execve("./script.sh", (char *const[]){"ignored", "for the script", NULL}, empty_env);
		_exit(127);
	}
	return pid;
}

static pid_t no_arguments(void)
{
	pid_t pid = fork();

	if (!pid) {
		execve(self, (char *const[]){NULL}, empty_env);
		_exit(127);
	}
	return pid;
}

static pid_t by_descriptor(void)
{
	pid_t pid = fork();

	if (!pid) {
		int fd = open(self, O_RDONLY);

		syscall(SYS_execveat, fd, "", ARGV("exit", "17"), empty_env, AT_EMPTY_PATH);
		_exit(127);
	}
	return pid;
}

static pid_t new_pid_namespace(void)
{
	pid_t pid = by_clone(CLONE_NEWPID | SIGCHLD);

	return pid;
}

/* Its parent is our own parent: we start it, but it is our sibling. We are told its pid only. */
static pid_t sibling(void)
{
	pid_t pid = fork(), inner;

	if (!pid) {
		inner = by_clone(CLONE_PARENT | SIGCHLD);
		_exit(inner < 0);
	}
	return pid;
}

static pid_t reaped_late(void)
{
	pid_t pid = fork();

	if (!pid)
		_exit(18);
	sleep_ms(200);
	return pid;
}

/* Nobody waits for it: its parent ignores SIGCHLD. */
static pid_t reaps_itself(void)
{
	pid_t pid = fork(), inner;

	if (!pid) {
		signal(SIGCHLD, SIG_IGN);
		inner = fork();
		if (!inner)
			_exit(19);
		sleep_ms(50);
		_exit(kill(inner, 0) == 0);
	}
	return pid;
}

static pid_t orphan(void)
{
	pid_t pid = fork();

	if (!pid) {
		if (!fork()) {
			setsid();
			sleep_ms(100);
			execve(self, ARGV("exit", "20"), empty_env);
		}
		_exit(21);
	}
	return pid;
}

static const struct {
	const char *name;
	pid_t (*birth)(void);
} cases[] = {
	{"by_fork", by_fork},
	{"no_exec", no_exec},
	{"by_vfork", by_vfork},
	{"vfork_exit", vfork_exit},
	{"by_spawn", by_spawn},
	{"clone_vm", clone_vm},
	{"clone_no_signal", clone_no_signal},
	{"chain", chain},
	{"by_thread", by_thread},
	{"enoent", enoent},
	{"eacces", eacces},
	{"script", script},
	{"no_arguments", no_arguments},
	{"by_descriptor", by_descriptor},
	{"new_pid_namespace", new_pid_namespace},
	{"sibling", sibling},
	{"reaped_late", reaped_late},
	{"reaps_itself", reaps_itself},
	{"orphan", orphan},
};

static void run_case(const char *name)
{
	struct child c = {.name = name};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (strcmp(cases[i].name, name))
			continue;
		c.before = boot_ns();
		c.pid = cases[i].birth();
		c.after = boot_ns();
		if (c.pid < 0)
			die(name);
		child__reap(&c);
		return;
	}
	fprintf(stderr, "%s: no such case\n", name);
	exit(99);
}

int main(int argc, char **argv)
{
	char path[4096], left[16];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);

	if (argc < 2)
		return 42;
	path[n] = 0;
	self = path;
	if (!strcmp(argv[1], "exit"))
		_exit(atoi(argv[2]));
	if (!strcmp(argv[1], "sleep")) {
		sleep_ms(atoi(argv[2]));
		return 0;
	}
	if (!strcmp(argv[1], "chain")) {
		snprintf(left, sizeof(left), "%d", atoi(argv[2]) - 1);
		execve(self, atoi(argv[2]) > 1 ? ARGV("chain", left) : ARGV("exit", "5"), empty_env);
	}
	for (int i = 1; i < argc; i++)
		run_case(argv[i]);
	while (wait(NULL) > 0 || errno != ECHILD)
		continue;
	return 0;
}
