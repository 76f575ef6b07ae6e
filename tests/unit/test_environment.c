/* SPDX-License-Identifier: BSD-2-Clause */
/* The environment of a command for another user: what is set, what passes, what does not; and its batch job. */
#include <pwd.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/account/account.h"
#include "core/stream.h"

static const struct passwd ci = {.pw_name = (char *)"ci", .pw_dir = (char *)"/srv/ci", .pw_shell = (char *)"/bin/dash"};

#define ENV(...) ((char *const[]){__VA_ARGS__, NULL})
#define USERS "HOME=/srv/ci", "USER=ci", "LOGNAME=ci", "SHELL=/bin/dash"

static void check(const struct passwd *user, char *const *from, bool clean, char *const *want)
{
	char **got = environment__of(user, from, clean);
	size_t i;

	assert_non_null(got);
	for (i = 0; got[i] && want[i]; i++)
		assert_string_equal(got[i], want[i]);
	assert_null(got[i]);
	assert_null(want[i]);
	environment__free(got);
}

static void the_user_is_named(void **state)
{
	const struct passwd bare = {.pw_name = (char *)"bare", .pw_dir = (char *)"", .pw_shell = (char *)""};

	(void)state;
	check(&ci, ENV("HOME=/root", "SHELL=/bin/bash", "USER=root", "LOGNAME=root", "USER=again"), false, ENV(USERS));
	check(&ci, ENV(NULL), false, ENV(USERS));
	check(&bare, ENV(NULL), false, ENV("HOME=/", "USER=bare", "LOGNAME=bare", "SHELL=/bin/sh"));
}

static void what_a_pipeline_needs_passes(void **state)
{
	(void)state;
	check(&ci,
	      ENV("PATH=/opt/conda/bin:/usr/bin", "CI=true", "GITHUB_TOKEN=x", "EMPTY=", "A=b=c", "HOMEBREW=1",
		  "LDFLAGS=-s", "BASH_FUNC_module%%=() { :; }", "USERNAME=u"),
	      false,
	      ENV("PATH=/opt/conda/bin:/usr/bin", "CI=true", "GITHUB_TOKEN=x", "EMPTY=", "A=b=c", "HOMEBREW=1",
		  "LDFLAGS=-s", "BASH_FUNC_module%%=() { :; }", "USERNAME=u", USERS));
}

static void what_is_not_the_commands_is_left_out(void **state)
{
	(void)state;
	check(&ci,
	      ENV("LD_PRELOAD=/x.so", "LD_LIBRARY_PATH=/x", "LD_=", "GLIBC_TUNABLES=x", "GCONV_PATH=/x",
		  "NOTIFY_SOCKET=/run/x", "WATCHDOG_PID=1", "LISTEN_FDS=2", "COLLECTOR_X=1", "SUDO_UID=1000", "=x",
		  "no-value", "SUDO_USER=x", "LDX=1"),
	      false, ENV("SUDO_USER=x", "LDX=1", USERS));
}

static void clean_leaves_terminal_language_and_path(void **state)
{
	(void)state;
	check(&ci,
	      ENV("TERM=xterm", "SECRET=x", "LANG=C.UTF-8", "LANGUAGE=en", "LC_ALL=C", "LC_TIME=C", "PATH=/usr/bin",
		  "TERMINFO=/root/x", "LD_PRELOAD=x", "HOME=/root"),
	      true, ENV("TERM=xterm", "LANG=C.UTF-8", "LANGUAGE=en", "LC_ALL=C", "LC_TIME=C", "PATH=/usr/bin", USERS));
}

static void a_batch_job_is_known_by_its_variables(void **state)
{
	const struct {
		char *const *from;
		const char *job;
	} cases[] = {
		{ENV("HOME=/root", "SLURM_JOB_ID=17", "SLURM_JOB_IDS=18"), "slurm:17"},
		{ENV("SLURM_CLUSTER_NAME=big", "SLURM_JOB_ID=17"), "slurm:big:17"},
		{ENV("PBS_JOBID=1234[7].server"), "pbs:1234[7].server"},
		{ENV("LSB_JOBID=5"), "lsf:5"},
		{ENV("FLUX_JOB_ID=f2Ad"), "flux:f2Ad"},
		{ENV("JOB_ID=9", "SGE_TASK_ID=undefined"), "sge:9"},
		{ENV("JOB_ID=9"), ""},
		{ENV("SLURM_JOB_ID="), ""},
		{ENV("SLURM_JOB_ID=1\n2"), ""},
		{ENV(NULL), ""},
	};
	char job[STREAM_JOB_TEXT], value[2 * STREAM_JOB_TEXT];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		stream_job__of_environment(job, cases[i].from);
		assert_string_equal(job, cases[i].job);
	}
	memset(value, '1', sizeof(value));
	memcpy(value, "PBS_JOBID=", strlen("PBS_JOBID="));
	value[sizeof(value) - 1] = '\0';
	stream_job__of_environment(job, ENV(value));
	assert_string_equal(job, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_user_is_named),
		cmocka_unit_test(what_a_pipeline_needs_passes),
		cmocka_unit_test(what_is_not_the_commands_is_left_out),
		cmocka_unit_test(clean_leaves_terminal_language_and_path),
		cmocka_unit_test(a_batch_job_is_known_by_its_variables),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
