// SPDX-License-Identifier: BSD-2-Clause
/* Cases: where a process is, what it is called, and who is nobody's business. */
#include "tests/truth/truth.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

/* The program itself says where it is, by /proc/self/cwd. */
static void runs_here(void)
{
	struct birth b;

	open_report();
	if (born(&b))
		exec_child("cwd", NULL);
	expect_end(&b, "execs=1 cwd=%s", read_report());
}

static void in_folder(const char *path, void (*body)(const char *path))
{
	int back = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (mkdir(path, 0700) || chdir(path))
		die(path);
	body(path);
	if (fchdir(back))
		die("fchdir");
	close(back);
	rmdir(path);
}

static int levels;

static void deeper(const char *path)
{
	if (levels-- > 0)
		in_folder("a-folder-with-a-name-that-takes-some-room", deeper);
	else
		runs_here();
	(void)path;
}

static void cwd_deep(void)
{
	levels = 60;
	in_folder("truth-deep", deeper);
}

static void gone(const char *path)
{
	char up[64];

	snprintf(up, sizeof(up), "../%s", path);
	if (rmdir(up))
		die(up);
	runs_here();
}

static void cwd_deleted(void)
{
	in_folder("truth-gone", gone);
}

/* A folder with the program and /proc in it, as a root. */
static void make_root(const char *root)
{
	mkdir(root, 0755);
	if (mount("none", root, "tmpfs", 0, NULL) || chdir(root) || mkdir("proc", 0755) ||
	    mount("/proc", "proc", NULL, MS_BIND | MS_REC, NULL) || mkdir("work", 0755))
		_exit(95);
	close(open("truth", O_CREAT | O_WRONLY | O_CLOEXEC, 0755));
	if (mount(truth_path, "truth", NULL, MS_BIND, NULL))
		_exit(95);
	snprintf(truth_path, sizeof(truth_path), "/truth");
}

static void own_mounts(void)
{
	if (unshare(CLONE_NEWNS) || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL))
		_exit(95);
}

/* Each says what the program is to do there. */
static const char *in_namespace(void)
{
	if (mount("none", ".", "tmpfs", 0, NULL) || chdir("../truth-root") || mkdir("inside", 0755) || chdir("inside"))
		_exit(95);
	return "cwd";
}

/* As a container's runtime does it, also where the root of all is what pivot_root() refuses. */
static const char *in_container(void)
{
	make_root("new");
	if (mount(".", "/", NULL, MS_MOVE, NULL) || chroot(".") || chdir("/work"))
		_exit(95);
	return "cwd";
}

/* Only its own view is another: the folder is told as the namespace has it. */
static const char *in_chroot(void)
{
	char path[4096];

	make_root("new");
	if (chdir("work") || !getcwd(path, sizeof(path)) || chroot(".."))
		_exit(95);
	report("%zu:%llx", strlen(path), (unsigned long long)hash_bytes(HASH_START, path, strlen(path)));
	return "exit";
}

/* `enters` goes there in a mount namespace of its own; what it may not do ends with 95. */
static void runs_in(const char *(*enters)(void))
{
	struct birth b;
	const char *said;

	mkdir("truth-root", 0755);
	open_report();
	if (born(&b)) {
		if (chdir("truth-root"))
			_exit(95);
		own_mounts();
		exec_child(enters(), "0");
	}
	said = read_report();
	if (*said)
		expect_end(&b, "execs=1 cwd=%s", said);
	else
		expect_none("no_right_to_mount");
	rmdir("truth-root/new");
	rmdir("truth-root");
}

static void cwd_namespace(void)
{
	runs_in(in_namespace);
}
static void cwd_container(void)
{
	runs_in(in_container);
}
static void cwd_chroot(void)
{
	runs_in(in_chroot);
}

static void *renames_itself(void *unused)
{
	prctl(PR_SET_NAME, "worker");
	sleep_ms(20);
	return unused;
}

/* A process is called as its leader is, whoever of its threads is the last. */
static void renamed(void)
{
	struct birth b;

	if (born(&b)) {
		pthread_t t;

		prctl(PR_SET_NAME, "the leader");
		pthread_create(&t, NULL, renames_itself, NULL);
		pthread_exit(NULL);
	}
	expect_end(&b, "comm=the_leader");
}

void outside(void)
{
	for (int i = 0; i < 20; i++) {
		struct birth b;
		struct death d;

		if (born(&b))
			exec_child("exit", "1");
		reap(&b, &d);
		expect(&b, "absent=1");
		sleep_ms(50);
	}
}

const struct truth_case place_cases[] = {
	{"cwd_deep", "a working directory 60 folders down", cwd_deep, false},
	{"cwd_deleted", "a working directory that is gone", cwd_deleted, false},
	{"renamed", "threads that rename themselves", renamed, false},
	{"cwd_namespace", "a mount that only its own namespace has", cwd_namespace, false},
	{"cwd_container", "the root of a mount namespace is another folder", cwd_container, false},
	{"cwd_chroot", "a root folder of its own, by chroot", cwd_chroot, false},
	{0},
};
