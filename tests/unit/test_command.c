/* SPDX-License-Identifier: BSD-2-Clause */
/* Children that are held back: found as execvp() finds them, let go, cancelled, and how they ended. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/daemon/command.h"

static void programs_are_found_as_execvp_does(void **state)
{
	char path[COMMAND_PATH], folder[] = "/tmp/test-command-XXXXXX";

	(void)state;
	setenv("PATH", "/nonexistent:/usr/bin:/bin", 1);
	assert_int_equal(command__find("env", path), 0);
	assert_string_equal(path, "/usr/bin/env");
	assert_int_equal(command__find("/usr/bin/env", path), 0);
	assert_int_equal(command__find("no-such-program", path), COMMAND_NOT_FOUND);
	assert_int_equal(command__find("/no/such/program", path), COMMAND_NOT_FOUND);
	assert_int_equal(command__find("", path), COMMAND_NOT_FOUND);
	assert_int_equal(command__find("/usr", path), COMMAND_NOT_EXECUTABLE);
	assert_int_equal(command__find("/etc/passwd", path), COMMAND_NOT_EXECUTABLE);
	/* An empty part of PATH is the working directory. */
	assert_non_null(mkdtemp(folder));
	assert_int_equal(chdir(folder), 0);
	assert_int_equal(symlink("/usr/bin/env", "here"), 0);
	setenv("PATH", ":/usr/bin", 1);
	assert_int_equal(command__find("here", path), 0);
	assert_string_equal(path, "./here");
	unlink("here");
	assert_int_equal(chdir("/"), 0);
	rmdir(folder);
}

static int run(const char *path, char *const argv[], int *error)
{
	sigset_t mask;
	struct command_opts opts = {.path = path, .argv = argv, .mask = &mask, .out = -1};
	struct command command;
	int code;

	sigprocmask(SIG_SETMASK, NULL, &mask);
	assert_int_equal(command__fork(&command, &opts), 0);
	assert_false(command__ended(&command)); /* it waits */
	code = command__go(&command, error);
	while (!command__ended(&command))
		usleep(1000);
	return code ? code : command__code(command.status);
}

static void a_child_ends_as_it_should(void **state)
{
	char *const seven[] = {"sh", "-c", "exit 7", NULL}, *const killed[] = {"sh", "-c", "kill -9 $$", NULL};
	char *const none[] = {"none", NULL};
	int error;

	(void)state;
	assert_int_equal(run("/bin/sh", seven, &error), 7);
	assert_int_equal(error, 0);
	assert_int_equal(run("/bin/sh", killed, &error), 128 + SIGKILL);
	assert_int_equal(run("/no/such/program", none, &error), COMMAND_NOT_FOUND);
	assert_int_equal(error, ENOENT);
	assert_int_equal(run("/usr", none, &error), COMMAND_NOT_EXECUTABLE);
	assert_int_equal(error, EACCES);
}

static void a_child_that_was_not_let_go_runs_nothing(void **state)
{
	char *const argv[] = {"sh", "-c", "kill -9 $PPID", NULL};
	sigset_t mask;
	struct command_opts opts = {.path = "/bin/sh", .argv = argv, .mask = &mask, .out = -1};
	struct command command;

	(void)state;
	sigprocmask(SIG_SETMASK, NULL, &mask);
	assert_int_equal(command__fork(&command, &opts), 0);
	command__cancel(&command);
	assert_int_equal(command.pid, 0);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* it has been waited for */
	command__cancel(&command);
}

/* Another process of its user may stop it. */
static void a_child_that_was_stopped_holds_nobody(void **state)
{
	char *const argv[] = {"sh", "-c", "exit 3", NULL};
	sigset_t mask;
	struct command_opts opts = {.path = "/bin/sh", .argv = argv, .mask = &mask, .out = -1};
	struct command command;
	int error;

	(void)state;
	sigprocmask(SIG_SETMASK, NULL, &mask);
	assert_int_equal(command__fork(&command, &opts), 0);
	assert_int_equal(kill(command.pid, SIGSTOP), 0);
	command__cancel(&command);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(command__fork(&command, &opts), 0);
	assert_int_equal(kill(command.pid, SIGSTOP), 0);
	assert_int_equal(command__go(&command, &error), 0);
	while (!command__ended(&command))
		usleep(1000);
	assert_int_equal(command__code(command.status), 3);
}

/* A Ctrl-C reaches all processes of the terminal's group, also the one that is to print the summary. */
static void a_deaf_child_forgets_what_it_was_sent(void **state)
{
	char *const argv[] = {"sh", "-c", "exit 3", NULL};
	sigset_t mask, blocked;
	struct command_opts opts = {.path = "/bin/sh", .argv = argv, .mask = &mask, .out = -1};
	struct command command;
	int error;

	(void)state;
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGINT);
	sigprocmask(SIG_BLOCK, &blocked, &mask);
	for (int deaf = 0; deaf < 2; deaf++) {
		opts.deaf = deaf;
		assert_int_equal(command__fork(&command, &opts), 0);
		assert_int_equal(kill(command.pid, SIGINT), 0);
		assert_int_equal(command__go(&command, &error), 0);
		while (!command__ended(&command))
			usleep(1000);
		assert_int_equal(command__code(command.status), deaf ? 3 : 128 + SIGINT);
	}
	sigprocmask(SIG_SETMASK, &mask, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(programs_are_found_as_execvp_does),
		cmocka_unit_test(a_child_ends_as_it_should),
		cmocka_unit_test(a_child_that_was_not_let_go_runs_nothing),
		cmocka_unit_test(a_child_that_was_stopped_holds_nobody),
		cmocka_unit_test(a_deaf_child_forgets_what_it_was_sent),
	};

	signal(SIGINT, SIG_DFL); /* a background job of a shell starts with it ignored */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
