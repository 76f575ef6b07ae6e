// SPDX-License-Identifier: BSD-2-Clause
/* Cases: every way to be born and to run a program, also those that fail. */
#include "tests/truth/truth.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static char *const no_env[] = {NULL};

static void fork_exec(void)
{
	struct birth b;

	if (born(&b))
		exec_child("exit", "11");
	expect_cpu(&b, "execs=1 ppid=%d", getpid());
}

static void vfork_exec(void)
{
	struct birth b = {.before = boot_ns()};

	b.pid = vfork();
	if (!b.pid)
		exec_child("exit", "13");
	b.after = boot_ns();
	expect_cpu(&b, "execs=1");
}

/* It has no memory of its own: its peak is its parent's, or nobody's. */
static void vfork_exit(void)
{
	struct birth b = {.before = boot_ns()};

	b.pid = vfork();
	if (!b.pid)
		_exit(6);
	b.after = boot_ns();
	expect_cpu(&b, "execs=0 shared=1");
}

static void spawn(void)
{
	char *const argv[] = {"truth", "child", "exit", "14", NULL};
	struct birth b = {.before = boot_ns()};

	if (posix_spawn(&b.pid, truth_path, NULL, NULL, argv, no_env))
		die("posix_spawn");
	b.after = boot_ns();
	expect_cpu(&b, "execs=1");
}

static int exits(void *code)
{
	_exit((int)(intptr_t)code);
}

static pid_t clone_with(int flags, int (*body)(void *), intptr_t argument)
{
	size_t size = 65536;
	char *stack = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
	pid_t pid = clone(body, stack + size, flags, (void *)argument);

	if (pid < 0)
		die("clone");
	return pid;
}

static void clone_vm(void)
{
	struct birth b = {.before = boot_ns()};

	b.pid = clone_with(CLONE_VM | SIGCHLD, exits, 15);
	b.after = boot_ns();
	expect_cpu(&b, "execs=0 shared=1");
}

/* Our child makes us another child. */
static void clone_parent(void)
{
	struct birth maker, b;

	open_report();
	if (born(&maker)) {
		b.before = boot_ns();
		b.pid = clone_with(CLONE_PARENT | SIGCHLD, exits, 16);
		report("%d %lu %lu", b.pid, b.before, boot_ns());
		_exit(0);
	}
	expect_end(&maker, "execs=0");
	sscanf(read_report(), "%d %lu %lu", &b.pid, &b.before, &b.after);
	expect_end(&b, "execs=0 ppid=%d", getpid());
}

static void chain(void)
{
	struct birth b;

	if (born(&b))
		exec_child("chain", "5");
	expect_cpu(&b, "execs=6");
}

static void *thread_execs(void *code)
{
	exec_child("exit", code);
	return NULL;
}

static void exec_by_thread(void)
{
	struct birth b;

	if (born(&b)) {
		start_thread(thread_execs, (intptr_t) "21");
		for (;;)
			pause();
	}
	expect_cpu(&b, "execs=1 exec_tid=%d", b.pid); /* the thread becomes the leader */
}

static void *thread_chains(void *unused)
{
	exec_child("thread_exec", unused);
	return NULL;
}

static void exec_by_thread_twice(void)
{
	struct birth b;

	if (born(&b)) {
		start_thread(thread_chains, (intptr_t) "22");
		for (;;)
			pause();
	}
	expect_cpu(&b, "execs=2 exec_tid=%d", b.pid);
}

/* Some kernels fail it (5.10.223: ENOENT): then there is no exec to be told. */
static void exec_by_descriptor(void)
{
	struct birth b;
	siginfo_t end;

	if (born(&b)) {
		int fd = open(truth_path, O_RDONLY);
		char *const argv[] = {"truth", "child", "exit", "17", NULL};

		syscall(SYS_execveat, fd, "", argv, no_env, AT_EMPTY_PATH);
		_exit(127);
	}
	if (waitid(P_PID, b.pid, &end, WEXITED | WNOWAIT))
		die("waitid");
	expect_cpu(&b, "execs=%d", end.si_status == 17);
}

static void write_file(const char *path, const char *text, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text) || fchmod(fd, mode))
		die(path);
	close(fd);
}

#ifdef __x86_64__
/* mov ecx,3000000; loop: dec ecx; jnz loop; mov eax,1 (exit); mov ebx,32; int 0x80 */
static const unsigned char code_32[] = {0xb9, 0xc0, 0xc6, 0x2d, 0,  0x49, 0x75, 0xfd, 0xb8, 1,
					0,    0,    0,	  0xbb, 32, 0,	  0,	0,    0xcd, 0x80};

static const struct {
	Elf32_Ehdr head;
	Elf32_Phdr segment;
	unsigned char code[sizeof(code_32)];
} program_32 = {
	.head =
		{
			.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS32, ELFDATA2LSB, EV_CURRENT},
			.e_type = ET_EXEC,
			.e_machine = EM_386,
			.e_version = EV_CURRENT,
			.e_entry = 0x8048000 + sizeof(Elf32_Ehdr) + sizeof(Elf32_Phdr),
			.e_phoff = sizeof(Elf32_Ehdr),
			.e_ehsize = sizeof(Elf32_Ehdr),
			.e_phentsize = sizeof(Elf32_Phdr),
			.e_phnum = 1,
		},
	.segment =
		{
			.p_type = PT_LOAD,
			.p_vaddr = 0x8048000,
			.p_filesz = 1000,
			.p_memsz = 1000,
			.p_flags = PF_R | PF_X,
			.p_align = 4096,
		},
};
#endif

/* A program of the other word size, small enough to be written here by hand. */
static void bits_32(void)
{
#ifdef __x86_64__
	static const char args[] = "truth-32\0an argument\0";
	char path[] = "/tmp/truth-32-XXXXXX";
	int fd = mkstemp(path), *refused = (int *)take(4096, MAP_SHARED | MAP_ANONYMOUS, -1);
	char *const argv[] = {"truth-32", "an argument", NULL};
	struct birth b;

	if (fd < 0 || write(fd, &program_32, sizeof(program_32)) != sizeof(program_32) ||
	    pwrite(fd, code_32, sizeof(code_32), sizeof(Elf32_Ehdr) + sizeof(Elf32_Phdr)) != sizeof(code_32) ||
	    ftruncate(fd, 4096) || fchmod(fd, 0700))
		die(path);
	close(fd);
	if (born(&b)) {
		execve(path, argv, no_env);
		*refused = 1;
		_exit(126);
	}
	settle(b.pid);
	if (*refused)
		expect_none("this_kernel_runs_no_32-bit_programs");
	else
		expect_cpu(&b, "execs=1 cpu_at_least=500 args=%zu:%llx", sizeof(args) - 1,
			   (unsigned long long)hash_bytes(HASH_START, args, sizeof(args) - 1));
	unlink(path);
#else
	expect_none("only_x86_has_it");
#endif
}

static void script(void)
{
	char path[] = "/tmp/truth-script-XXXXXX", text[4200];
	struct birth b;

	close(mkstemp(path));
	snprintf(text, sizeof(text), "#!%s child\n", truth_path);
	write_file(path, text, 0700);
	open_report();
	if (born(&b)) {
		execl(path, "ignored", "for the script", NULL);
		_exit(127);
	}
	expect_end(&b, "execs=1 args=%s", read_report());
	unlink(path);
}

/* An exec that fails leaves the process what it was: no exec is told, and the failure with its errno. */
static void fails(const char *path, char *const argv[], const char *error)
{
	struct birth b;

	if (born(&b)) {
		execve(path, argv, no_env);
		_exit(errno == E2BIG ? 7 : 127);
	}
	expect_cpu(&b, "execs=0 exec_failed=%s", error);
}

static void exec_fails(void)
{
	static char big[33 * 65536]; /* one argument may have 32 pages */
	char path[] = "/tmp/truth-file-XXXXXX";
	char *const plain[] = {"x", "one argument", NULL}, *const huge[] = {"x", big, NULL};

	memset(big, 'b', 32 * (size_t)sysconf(_SC_PAGESIZE));
	close(mkstemp(path));
	fails("/nonexistent/program", plain, "ENOENT");
	write_file(path, "text", 0600);
	fails(path, plain, "EACCES");
	write_file(path, "text", 0700);
	fails(path, plain, "ENOEXEC");
	write_file(path, "#!/nonexistent/interpreter\n", 0700);
	fails(path, plain, "ENOENT");
	fails(truth_path, huge, "E2BIG");
	unlink(path);
}

/* Two forks and a new session; the parent that it then has is not the one that made it. */
static void daemonize(void)
{
	struct birth outer, b;

	open_report();
	if (born(&outer)) {
		if (born(&b)) {
			setsid();
			sleep_ms(60);
			exec_child("exit", "20");
		}
		report("%d %lu %lu", b.pid, b.before, b.after);
		_exit(0);
	}
	expect_end(&outer, "execs=0");
	sscanf(read_report(), "%d %lu %lu", &b.pid, &b.before, &b.after); /* waits for its end: it has the pipe */
	expect(&b, "status=%d execs=1 born_of=%d", 20 << 8, outer.pid);
}

static void subreaper(void)
{
	struct birth outer, b;

	open_report();
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	if (born(&outer)) {
		if (born(&b)) {
			sleep_ms(60);
			_exit(23);
		}
		report("%d %lu %lu", b.pid, b.before, b.after);
		_exit(0);
	}
	expect_end(&outer, "execs=0");
	sscanf(read_report(), "%d %lu %lu", &b.pid, &b.before, &b.after);
	expect_cpu(&b, "born_of=%d ppid=%d", outer.pid, getpid());
	prctl(PR_SET_CHILD_SUBREAPER, 0);
}

static int first_of_namespace(void *unused)
{
	pid_t pid = fork();

	(void)unused;
	if (!pid)
		_exit(getpid() == 2 ? 3 : 99);
	waitpid(pid, NULL, 0);
	_exit(getpid() == 1 ? 4 : 99);
}

static void pid_namespace(void)
{
	struct birth b = {.before = boot_ns()};

	b.pid = clone_with(CLONE_NEWPID | SIGCHLD, first_of_namespace, 0);
	b.after = boot_ns();
	expect_end(&b, "execs=0 child_status=%d", 3 << 8);
}

/* The pid that the collector knows: the /proc that it sees belongs to the namespace of the machine. */
static pid_t pid_on_host(void)
{
	char text[32];
	ssize_t n = readlink("/proc/self", text, sizeof(text) - 1);

	text[n > 0 ? n : 0] = 0;
	return atoi(text);
}

static int second_of_inner(void *unused)
{
	(void)unused;
	report("%d %lu %d\n", pid_on_host(), boot_ns(), getpid());
	exec_child("exit", "21");
}

/* Pid 1 of a namespace, of which a child is pid 1 of a namespace below. */
static int first_of_outer(void *unused)
{
	(void)unused;
	report("%d %lu %d\n", pid_on_host(), boot_ns(), getpid());
	waitpid(clone_with(CLONE_NEWPID | SIGCHLD, second_of_inner, 0), NULL, 0);
	_exit(4);
}

/* Each says itself what its pid is, on the host and in its own namespace. */
static void pid_namespaces(void)
{
	struct birth outer = {.before = boot_ns()}, inner;
	int outer_pid = 0, inner_pid = 0, read = 0;
	const char *said;

	open_report();
	outer.pid = clone_with(CLONE_NEWPID | SIGCHLD, first_of_outer, 0);
	outer.after = boot_ns();
	settle(outer.pid);
	said = read_report();
	if (sscanf(said, "%*d %*u %d\n%n", &outer_pid, &read) != 1 ||
	    sscanf(said + read, "%d %lu %d", &inner.pid, &inner.after, &inner_pid) != 3)
		die("a process in a namespace said nothing");
	inner.before = outer.before;
	expect_end(&outer, "execs=0 ns_pid=%d", outer_pid);
	expect(&inner, "status=%d execs=1 born_of=%d ns_pid=%d", 21 << 8, outer.pid, inner_pid);
}

/* Each becomes the parent of the next, and waits for it. */
static void go_deeper(int depth)
{
	struct birth b;
	struct death d;

	while (depth-- > 0) {
		if (born(&b))
			continue;
		reap(&b, &d);
		_exit(depth);
	}
	_exit(0);
}

/* As many as memory, of which each takes `kib`, pids and the machine's speed allow. */
static int affordable(int count, int kib)
{
	long available = read_kib("/proc/meminfo", "MemAvailable:"), pids = read_kib("/proc/sys/kernel/pid_max", "");

	if (getenv("TRUTH_GUEST")) /* emulated */
		count /= 10;
	if (available / 2 / kib < count)
		count = available / 2 / kib;
	return pids / 4 * 3 < count ? pids / 4 * 3 : count;
}

static void deep(void)
{
	int depth = affordable(1000, 200);
	struct birth b;

	if (born(&b))
		go_deeper(depth);
	expect_end(&b, "descendants=%d", depth);
}

/* Children that are all there at once, until the pipe is closed. */
static void at_once(int count, const char *role)
{
	struct birth *b = calloc(count, sizeof(*b));
	int ends[2];

	if (!b || pipe(ends) || dup2(ends[0], STDIN_FILENO) < 0)
		die("at once");
	close(ends[0]);
	fcntl(ends[1], F_SETFD, FD_CLOEXEC);
	for (int i = 0; i < count; i++)
		if (born(&b[i])) {
			close(ends[1]);
			if (role)
				exec_child(role, "24");
			_exit(read(STDIN_FILENO, ends, 1) ? 99 : i & 0xff);
		}
	close(ends[1]);
	for (int i = 0; i < count; i++)
		expect_cpu(&b[i], "execs=%d", role != NULL);
	free(b);
}

static void wide(void)
{
	at_once(affordable(10000, 150), NULL);
}
static void asleep(void)
{
	at_once(affordable(20000, 250), "sleep");
}

static void set_pid_max(const char *text)
{
	int fd = open("/proc/sys/kernel/pid_max", O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		die("pid_max");
	close(fd);
}

static void pid_reuse(void)
{
	set_pid_max("400");
	for (int i = 0; i < 1500; i++) {
		struct birth b;

		if (born(&b))
			_exit(i & 0xff);
		expect_cpu(&b, "execs=0");
	}
	set_pid_max("32768");
}

const struct truth_case birth_cases[] = {
	{"fork_exec", "fork, then exec", fork_exec, false},
	{"vfork_exec", "vfork, then exec", vfork_exec, false},
	{"vfork_exit", "vfork, then _exit: no memory of its own", vfork_exit, false},
	{"spawn", "posix_spawn", spawn, false},
	{"clone_vm", "clone(CLONE_VM): no memory of its own", clone_vm, false},
	{"clone_parent", "clone(CLONE_PARENT): a sibling of its maker", clone_parent, false},
	{"chain", "six programs one after the other in one process", chain, false},
	{"exec_by_thread", "exec by a thread that is not the leader", exec_by_thread, false},
	{"exec_by_thread_twice", "the same, and again in the new program", exec_by_thread_twice, false},
	{"exec_by_descriptor", "execveat of an open file", exec_by_descriptor, false},
	{"script", "a script with its interpreter", script, false},
	{"bits_32", "a 32-bit program", bits_32, false},
	{"exec_fails", "ENOENT, EACCES, ENOEXEC, no interpreter, E2BIG", exec_fails, false},
	{"daemonize", "double fork, setsid, exec; outlives its parent", daemonize, false},
	{"subreaper", "an orphan that a subreaper takes in", subreaper, false},
	{"pid_namespace", "the first and the second process of a pid namespace", pid_namespace, false},
	{"pid_namespaces", "pid 1 of a namespace, and of one below it, which executes a program", pid_namespaces,
	 false},
	{"deep", "1,000 processes, each the child of the one before (a tenth where emulated)", deep, false},
	{"wide", "10,000 children at once (likewise)", wide, false},
	{"asleep", "20,000 programs asleep at once (likewise)", asleep, false},
	{"pid_reuse", "1,500 processes while pid_max is 400", pid_reuse, true},
	{0},
};
