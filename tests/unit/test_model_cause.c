/* SPDX-License-Identifier: BSD-2-Clause */
/* sinks/model: who began the failure of a run, what is an answer, and what was made good. */
#include <signal.h>

#include "tests/unit/model_seen.h"

static uint64_t now; /* of the story being told, in seconds */

static void starts(uint32_t pid, uint32_t parent, const char *exe, const char *args)
{
	now += S;
	if (parent)
		FORK(.at = now, .pid = pid, .parent = parent, .comm = "x");
	if (exe)
		EXEC(.at = now, .pid = pid, .exe = exe, .args = args);
}

static void ends(uint32_t pid, int status)
{
	now += S;
	END(.at = now, .pid = pid, STATUS(status), .cpu = 1, .bytes = 1);
}

/* One child that runs alone. */
static void runs(uint32_t pid, uint32_t parent, const char *exe, const char *args, int status)
{
	starts(pid, parent, exe, args);
	ends(pid, status);
}

static struct seen *began(const char *exe, const char *args)
{
	struct seen *s = begin(NULL, ALL);

	now = 0;
	starts(10, 0, exe, args);
	return s;
}

/* The pids from the run's first process, which ends, down to the one that began its failure. */
static void assert_chain_of(struct seen *s, int status, const char *expected)
{
	const struct model_ending *e;
	char chain[256] = "";

	ends(10, status);
	assert_int_equal(model__finish(s->model), 0);
	for (e = model__run(s->model, 0)->ending; e; e = e->cause)
		snprintf(chain + strlen(chain), sizeof(chain) - strlen(chain), "%s%u", *chain ? " " : "", e->row.pid);
	assert_string_equal(chain, expected);
}

/* The same; ends the story. */
static void assert_chain(struct seen *s, int status, const char *expected)
{
	assert_chain_of(s, status, expected);
	end(s);
}

static void what_passes_a_status_on_names_the_child(void **state)
{
	struct seen *s = began("/bin/sh", "sh|");

	(void)state;
	runs(11, 10, "/bin/a", "a|", 3);
	runs(12, 10, "/bin/b", "b|", 0);
	runs(13, 10, "/bin/c", "c|", 3);
	assert_chain(s, 3, "10 13");

	/* another status of its own, soon after */
	s = began("/bin/sh", "sh|");
	runs(11, 10, "/bin/a", "a|", 3);
	runs(12, 10, "/bin/cat", "cat|usage|", 0);
	assert_chain(s, 1, "10 11");

	/* and long after: it is its own */
	s = began("/bin/sh", "sh|");
	runs(11, 10, "/bin/a", "a|", 3);
	for (uint32_t i = 0; i < 4; i++)
		runs(20 + i, 10, "/bin/b", "b|", 0);
	assert_chain(s, 1, "10");
}

static void through_every_level(void **state)
{
	struct seen *s = began("/usr/bin/make", "make|");

	(void)state;
	starts(11, 10, "/bin/sh", "sh|-c|x|");
	starts(12, 11, "/usr/bin/xargs", "xargs|tool|");
	runs(13, 12, "/bin/tool", "tool|1|", 0);
	runs(14, 12, "/bin/tool", "tool|2|", -11);
	runs(15, 12, "/bin/tool", "tool|3|", 0);
	ends(12, 123);
	ends(11, 123);
	assert_chain(s, 2, "10 11 12 14");
}

/* Whatever ran after: its code tells that one has failed. */
static void a_runner_goes_on_after_a_failure(void **state)
{
	struct seen *s = began("/usr/bin/make", "make|-k|");

	(void)state;
	runs(11, 10, "/bin/a", "a|", 3);
	for (uint32_t i = 0; i < 50; i++)
		runs(20 + i, 10, "/bin/b", "b|", 0);
	assert_chain(s, 2, "10 11");
}

static void of_a_pipe_the_first_that_failed(void **state)
{
	struct seen *s = began("/bin/bash", "bash|");

	(void)state;
	starts(11, 10, "/bin/gzip", "gzip|-dc|x|");
	starts(12, 10, "/bin/tool", "tool|");
	ends(11, 1);
	ends(12, 5); /* its input was cut */
	assert_chain(s, 5, "10 11");

	/* the reader fails, and the writer loses it */
	s = began("/bin/bash", "bash|");
	starts(11, 10, "/bin/seq", "seq|");
	starts(12, 10, "/bin/tool", "tool|");
	ends(12, 5);
	ends(11, -13);
	assert_chain(s, 5, "10 12");

	/* nobody failed: a reader had enough */
	s = began("/bin/bash", "bash|");
	starts(11, 10, "/bin/seq", "seq|");
	starts(12, 10, "/bin/awk", "awk|");
	starts(13, 10, "/bin/head", "head|");
	ends(13, 0);
	ends(12, -13);
	ends(11, -13);
	assert_chain(s, 141, "10 12");
}

/* seq | head -1; [ -s x ]: the shell itself tests, and without pipefail no SIGPIPE ends a script. */
static void a_writer_whose_reader_had_enough_ends_nothing(void **state)
{
	struct seen *s = began("/bin/bash", "bash|-e|x|");

	(void)state;
	starts(11, 10, "/bin/seq", "seq|");
	starts(12, 10, "/bin/head", "head|-1|");
	ends(12, 0);
	ends(11, -13);
	assert_chain(s, 1, "10");

	/* a reader of the same pipe answers */
	s = began("/bin/bash", "bash|-e|x|");
	starts(11, 10, "/bin/seq", "seq|");
	starts(12, 10, "/bin/head", "head|-1|");
	starts(13, 10, "/bin/grep", "grep|x|");
	ends(12, 0);
	ends(11, -13);
	ends(13, 1);
	assert_chain(s, 1, "10 13");

	/* a test that is a program, after it */
	s = began("/bin/sh", "sh|-e|x|");
	starts(11, 10, "/bin/sort", "sort|big|");
	starts(12, 10, "/bin/head", "head|-1|");
	ends(12, 0);
	ends(11, -13);
	runs(13, 10, "/bin/grep", "grep|-q|x|out|", 1);
	assert_chain(s, 1, "10 13");
}

/* It is no failure, but the cause of what asked. */
static void an_answer_that_ends_a_script(void **state)
{
	struct seen *s = began("/bin/sh", "sh|-e|x|");

	(void)state;
	runs(11, 10, "/bin/grep", "grep|a|", 1);
	runs(12, 10, "/bin/true", "true|", 0);
	runs(13, 10, "/bin/grep", "grep|b|", 1);
	assert_chain(s, 1, "10 13");

	s = began("/bin/sh", "sh|x|");
	runs(11, 10, "/bin/grep", "grep|a|", 1);
	runs(12, 10, "/bin/tool", "tool|", 3);
	runs(13, 10, "/bin/rm", "rm|tmp|", 0);
	assert_chain(s, 1, "10 12");
}

/* It was run to know: its answer is the run's failure. */
static void an_answer_of_the_command_itself(void **state)
{
	struct seen *s = began("/bin/gzip", "gzip|-t|x.gz|");

	(void)state;
	ends(10, 1);
	assert_int_equal(model__finish(s->model), 0);
	assert_false(s->rows[0].row.benign);
	assert_int_equal(s->rows[0].row.outcome, MODEL_FAILED);
	assert_int_equal(model__run(s->model, 0)->ending->row.pid, 10);
	end(s);
}

/* Also under another code, if nothing comes after it; only of what runs others, as a program may look around. */
static void an_answer_before_the_end(void **state)
{
	struct seen *s = began("/bin/sh", "sh|x|");

	(void)state;
	runs(11, 10, "/bin/grep", "grep|a|", 1);
	assert_chain(s, 3, "10 11");

	s = began("/bin/sh", "sh|x|");
	runs(11, 10, "/bin/grep", "grep|a|", 1);
	now += S; /* it did something itself */
	assert_chain(s, 1, "10");

	s = began("/usr/bin/python3", "python3|x.py|");
	runs(11, 10, "/usr/bin/which", "which|a|", 1);
	assert_chain(s, 1, "10");

	/* a reader that began before it, and ends later */
	s = began("/bin/sh", "sh|x|");
	starts(11, 10, "/bin/grep", "grep|a|");
	starts(12, 10, "/bin/cat", "cat|");
	ends(11, 1);
	ends(12, 0);
	now -= S;
	assert_chain(s, 1, "10 11");
}

/* Whatever code it ends with, also one that is the status of a signal. */
static void a_wrapper_passes_an_answer_on_under_any_code(void **state)
{
	struct seen *s = began("/bin/sh", "sh|x|");

	(void)state;
	starts(11, 10, "/usr/bin/xargs", "xargs|grep|x|");
	runs(12, 11, "/bin/grep", "grep|x|", 1);
	ends(11, 255);
	assert_chain(s, 255, "10 11 12");
}

/* What a signal of its own has ended passes on nothing that ended alike before. */
static void a_signal_of_its_own(void **state)
{
	static const struct {
		uint32_t child, own; /* the senders */
		const char *sender;
		uint64_t later;
		const char *chain;
	} cases[] = {
		{11, 10, NULL, 0, "10 11"},  /* a shell: so did its child */
		{11, 10, NULL, 60, "10"},    /* long after */
		{11, 12, NULL, 0, "10"},     /* another has ended it */
		{12, 12, NULL, 60, "10 11"}, /* timeout(1): both */
		{0, 0, NULL, 60, "10 11"},   /* not known */
		{0, 0, "timer", 0, "10"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct seen *s = began("/bin/sh", "sh|x|");
		const struct model_ending *e;
		char chain[64] = "";

		starts(12, 10, "/bin/other", "other|");
		starts(11, 10, "/bin/tool", "tool|");
		END(.at = 50 * S, .pid = 11, .signal = 9, .sent_by = cases[i].child, .sender = cases[i].sender,
		    .cpu = 1, .bytes = 1);
		END(.at = 51 * S, .pid = 12, .cpu = 1, .bytes = 1);
		END(.at = 50 * S + (cases[i].later ? cases[i].later * S : MS), .pid = 10, .signal = 9,
		    .sent_by = cases[i].own, .sender = cases[i].sender, .cpu = 1, .bytes = 1);
		assert_int_equal(model__finish(s->model), 0);
		for (e = model__run(s->model, 0)->ending; e; e = e->cause)
			snprintf(chain + strlen(chain), sizeof(chain) - strlen(chain), "%s%u", *chain ? " " : "",
				 e->row.pid);
		if (strcmp(chain, cases[i].chain))
			fail_msg("case %zu: %s", i, chain);
		end(s);
	}
}

static void a_timeout_before_its_time(void **state)
{
	(void)state;
	for (int late = 0; late < 2; late++) {
		struct seen *s = began("/usr/bin/timeout", late ? "timeout|2|tool|" : "timeout|60|tool|");

		starts(11, 10, "/bin/tool", "tool|");
		now += S;
		ends(11, 124);
		assert_chain(s, 124, late ? "10" : "10 11");
	}
}

/* Which of several was not meant to fail is known to what runs the tests. */
static void one_of_several_tests(void **state)
{
	(void)state;
	for (int several = 0; several < 2; several++) {
		struct seen *s = began("/usr/bin/ctest", "ctest|");
		const struct model_ending *cause;

		runs(11, 10, "/bin/a", "a|bad|", 7);
		runs(12, 10, "/bin/a", "a|good|", 0);
		runs(13, 10, "/bin/a", "a|meant|", several ? 7 : 0);
		ends(10, 8);
		assert_int_equal(model__finish(s->model), 0);
		cause = model__run(s->model, 0)->ending->cause;
		assert_non_null(cause);
		assert_int_equal(cause->among, several ? 2 : 0);
		assert_string_equal(cause->among_of, several ? "ctest" : "");
		end(s);
	}
}

/* What is left in a PID namespace ends with its first process, whose own end counts. */
static void the_end_of_a_namespace(void **state)
{
	(void)state;
	for (uint32_t ns = 1; ns < 3; ns++) {
		struct seen *s = began("/bin/sh", "sh|x|");

		FORK(.at = 2 * S, .pid = 11, .parent = 10, .comm = "init");
		FORK(.at = 3 * S, .pid = 12, .parent = 11, .comm = "service");
		process__find(s->model, s->model->runs[0], 11, 2 * S)->row.ns_pid = ns;
		process__find(s->model, s->model->runs[0], 12, 3 * S)->row.ns_pid = 2;
		ends(11, 0);
		END(.at = 5 * S, .pid = 12, .signal = 9, .sender = "kernel", .cpu = 1, .bytes = 1);
		ends(10, 0);
		assert_int_equal(is_hidden(s, 12), ns != 1);
		end(s);
	}
}

/* A server that handles SIGTERM fails nothing where its script ends well, and is the cause where that ends by it. */
static void what_was_asked_to_end(void **state)
{
	struct seen *s = began("/bin/sh", "sh|x|");

	(void)state;
	runs(11, 10, "/usr/bin/java", "java|S|", 143);
	ends(10, 0);
	assert_int_equal(s->hidden_count, 0);
	end(s);

	s = began("/bin/sh", "sh|x|");
	runs(11, 10, "/usr/bin/java", "java|S|", 143);
	assert_chain(s, 143, "10 11");

	/* it only passes on how its child was ended */
	s = began("/bin/sh", "sh|x|");
	starts(11, 10, "/bin/bash", "bash|y|");
	runs(12, 11, "/bin/tool", "tool|", -15);
	ends(11, 143);
	ends(10, 0);
	assert_true(s->hidden_count > 0);
	end(s);
}

static void what_outlived_its_parent_is_nobodys(void **state)
{
	struct seen *s = began("/bin/sh", "sh|");

	(void)state;
	starts(11, 10, "/bin/sh", "sh|-c|server &|");
	starts(12, 11, "/bin/server", "server|");
	ends(11, 0);
	ends(12, 1);
	assert_chain(s, 1, "10");
}

/* How each ends, and whether that is a hidden failure. */
static const struct {
	const char *exe, *args;
	int status;
	bool hidden;
} ruled[] = {
	{"/usr/bin/which", "/bin/sh|/usr/bin/which|x|", 1, false},
	{"/usr/bin/sort", "sort|-c|x|", 1, false},
	{"/usr/bin/sort", "sort|x|", 1, true},
	{"/usr/bin/git", "git|-C|x|rev-parse|HEAD|", 128, false},
	{"/usr/bin/git", "git|clone|x|", 128, true},
	{"/usr/bin/git", "git|remote|show|x|", 128, false},
	{"/usr/bin/git", "git|remote-http|origin|x|", 128, true}, /* what a clone runs */
	{"/usr/bin/timeout", "timeout|5|tail|-f|x|", 124, false},
	{"/usr/bin/timeout", "timeout|5|x|", 124, true},
	{"/usr/bin/timeout", "timeout|5|x|", 125, true},
	{"/usr/bin/python3", "python3|-c|import nosuch|", 1, false},
	{"/usr/bin/python3", "python3|-c|import sys; sys.exit(1)|", 1, true},
	{"/usr/bin/dpkg", "dpkg|-s|x|", 1, false},
	{"/usr/bin/dpkg", "dpkg|-i|x.deb|", 1, true},
	{"/usr/bin/apt-cache", "apt-cache|show|x|", 100, false},
	{"/bin/bash", "bash|/root/.pyenv/pyenv.d/exec/pip-rehash/pip|show|x|", 1, false},
	{"/bin/bash", "bash|/root/.pyenv/pyenv.d/exec/pip-rehash/pip|install|x|", 1, true},
	{"/usr/bin/gzip", "gzip|-t|x.gz|", 1, false},
	{"/usr/bin/xz", "xz|-q|--test|x.xz|", 1, false},
	{"/usr/bin/gzip", "gzip|-d|-c|x.gz|", 1, true},
	{"/usr/bin/gzip", "gzip|-c|t|", 1, true},
	{"/usr/bin/samtools", "samtools|quickcheck|x.bam|", 4, false},
	{"/usr/bin/samtools", "samtools|index|x.bam|", 1, true},
	{"/usr/bin/sha256sum", "sha256sum|-c|--status|x|", 1, false},
	{"/usr/bin/sha256sum", "sha256sum|-c|x|", 1, true},
	{"/usr/bin/node", "node|-e|require('x')|", 1, false},
	{"/usr/bin/node", "node|-e|require('x').run()|", 1, true},
	{"/bin/false", "false|", 1, true},
	{"/usr/bin/openssl", "openssl|x509|-checkend|86400|-in|x.pem|", 1, false},
	{"/usr/bin/openssl", "openssl|x509|-in|x.pem|", 1, true},
	{"/usr/bin/gpg", "gpg|--list-keys|0xDEAD|", 2, false},
	{"/usr/bin/gpg", "gpg|--verify|x.sig|", 2, true},
	{"/usr/bin/ssh-keygen", "ssh-keygen|-F|host|", 1, false},
	{"/usr/bin/kubectl", "kubectl|-n|x|get|pods|", 1, false},
	{"/usr/bin/kubectl", "kubectl|get|ns|x|", 1, false},
	{"/usr/bin/kubectl", "kubectl|apply|-f|get|", 1, true},
	{"/usr/bin/terraform", "terraform|plan|-detailed-exitcode|", 2, false},
	{"/usr/bin/terraform", "terraform|plan|", 1, true},
	{"/bin/ls", "ls|missing|", 2, false},
	{"/usr/bin/cmp", "cmp|-s|new|missing|", 2, false},
	{"/usr/bin/cmp", "cmp|new|missing|", 2, true},
	{"/bin/grep", "grep|-qs|x|missing|", 2, false},
	{"/bin/grep", "grep|-q|x|missing|", 2, true},
	{"/usr/bin/diff", "diff|-q|new|missing|", 2, true},
	{"/bin/cat", "cat|missing|", 1, true},
	{"/usr/bin/cmake", "cmake|--build|.|", 1, true},
	{"/usr/bin/timeout", "timeout|-k|1|5s|sh|-c|tail -f x|", 124, false},
	{"/usr/bin/timeout", "timeout|5|./align.sh|top.bam|out.bam|", 124, true},
	{"/usr/bin/timeout", "timeout|5|./align.sh|--overwrite|yes|", 124, true},
	{"/usr/bin/timeout", "timeout|5|dump_table.py|", 124, true},
	{"/usr/bin/timeout", "timeout|5|top.sh|", 124, true},
	{"/bin/ps", "ps|-p|17|", 1, false},
	{"/usr/bin/flock", "flock|-n|9|", 1, false},
	{"/usr/bin/flock", "flock|-n|lock|tool|", 1, false},
	{"/usr/bin/flock", "flock|-x|-w|1.5|lock|tool|", 1, false},
	{"/usr/bin/flock", "flock|lock|tool|", 1, true},
	{"/usr/bin/flock", "flock|-n|lock|tool|", 66, true},
	{"/usr/bin/flock", "flock|-n|lock|true|", 1, false},
	{"/usr/bin/make", "make|-q|all|", 1, false},
	{"/usr/bin/make", "make|all|", 2, true},
	{"/usr/bin/awk", "awk|/x/ {f = 1} END {exit !f}|t|", 1, false},
	{"/usr/bin/awk", "awk|NF != 3 {exit 1}|t|", 1, true},
	{"/usr/bin/curl", "curl|-sf|http://localhost:8080/health|", 7, false},
	{"/usr/bin/curl", "curl|-sf|http://example.org/localhost.tar|", 7, true},
	{"/usr/bin/gcc", "gcc|-fno-such|-E|-x|c|-|", 1, false},
	{"/usr/bin/gcc", "gcc|-fno-such|-E|-|", 1, false},
	{"/usr/bin/gcc", "gcc|-c|x.c|", 1, true},
	{"/usr/bin/gcc", "gcc|-o|conftest|conftest.c|-lz|", 1, false},
	{"/x/conftest", "./conftest|", -6, false},
	{"/bin/sh", "sh|-c|command -v none|", 127, false},
	{"/bin/sh", "sh|-c|command -v none >/dev/null 2>&1|", 127, false},
	{"/bin/sh", "sh|-c|command -v none && none|", 127, true},
	{"/bin/sh", "sh|-c|none --version >/dev/null 2>&1|", 127, false},
	{"/bin/sh", "sh|-c|none --version|", 127, true},
	{"/usr/bin/git", "git|apply|--check|x.patch|", 128, false},
	{"/usr/bin/git", "git|apply|x.patch|", 128, true},
	{"/usr/bin/git", "git|tag|-d|none|", 1, false},
	{"/usr/bin/git", "git|tag|v1|", 128, true},
	{"/usr/bin/git", "git|commit|-qm|again|", 1, false},
	{"/usr/bin/git", "git|commit|-qm|again|", 128, true},
	{"/bin/ip", "ip|link|show|none0|", 1, false},
	{"/bin/ip", "ip|-6|route|", 1, false},
	{"/bin/ip", "ip|link|set|none0|up|", 1, true},
	{"/usr/lib/R/bin/exec/R", "/usr/lib/R/bin/exec/R|--no-echo|-e|library(none)|", 1, false},
	{"/usr/lib/R/bin/exec/R", "R|-e|quit(status~+~=~+~!requireNamespace('x'))|", 1, false},
	{"/usr/lib/R/bin/exec/R", "R|--no-echo|-e|library(x);~+~fit()|", 1, true},
	{"/usr/lib/R/bin/exec/R", "R|--no-echo|--file=fit.R|", 1, true},
	{"/bin/tar", "tar|tzf|x.tgz|", 2, false},
	{"/bin/tar", "tar|-tvf|x.tgz|", 2, false},
	{"/bin/tar", "tar|xf|t.tgz|", 2, true},
	{"/bin/tar", "tar|--extract|-f|t.tgz|", 2, true},
	{"/usr/bin/python3", "python3|-m|json.tool|x|", 1, false},
	{"/usr/bin/python3", "python3|-c|import sys; sys.exit(sys.version_info < (4,))|", 1, false},
	{"/usr/bin/perl", "perl|-MJSON::XS|-e1|", 2, false},
	{"/usr/bin/perl", "perl|-MJSON::XS|-e10/0|", 2, true},
	{"/usr/bin/perl", "perl|-e|exit($ENV{DEPTH} > 30)|", 1, false},
	{"/usr/bin/perl", "perl|-e|exit(system(\"tool\") != 0)|", 1, true},
	{"/usr/bin/perl", "perl|-e|exit 1|", 1, true},
	{"/usr/bin/perl", "perl|-e|use JSON::XS 2.0; 1|", 2, false},
	{"/usr/bin/perl", "perl|-e|use JSON::XS; tool()|", 2, true},
	{"/usr/bin/node", "node|-e|process.exit(+process.versions.node.split('.')[0] >= 99 ? 0 : 1)|", 1, false},
	{"/usr/bin/node", "node|-e|process.exit(1)|", 1, true},
	{"/usr/bin/node", "node|-e|if (process.version) require('child_process').execSync('tool')|", 1, true},
	{"/usr/bin/ruby", "ruby|-e|exit RUBY_VERSION >= '4'|", 1, false},
	{"/usr/bin/ruby", "ruby|-rnokogiri|-e|1|", 1, false},
	{"/usr/bin/ruby", "ruby|-e|puts File.read(RUBY_VERSION)|", 1, true},
	{"/usr/bin/php", "php|-r|exit((int)!extension_loaded('gd'));|", 1, false},
	{"/usr/bin/php", "php|-r|run();|", 255, true},
	{"/usr/bin/lua5.4", "lua5.4|-e|require 'lpeg'|", 1, false},
	{"/usr/bin/lua", "lua|-e|os.exit(_VERSION >= 'Lua 5.5')|", 1, false},
	{"/usr/bin/lua", "lua|-e|require 'tool'.run()|", 1, true},
	{"/usr/lib/R/bin/exec/R", "R|-e|quit(status=getRversion()<'9')|", 1, false},
	{"/usr/bin/python3", "python3|-m|pip|show|x|", 1, false},
	{"/usr/bin/python3", "python3|-m|pip|install|x|", 1, true},
	{"/usr/bin/ssh-keygen", "ssh-keygen|-F|host|-f|known|", 255, false},
	{"/usr/bin/ssh-keygen", "ssh-keygen|-f|l|", 255, true},
	{"/usr/bin/ssh", "ssh|-o|BatchMode=yes|host|true|", 255, false},
	{"/usr/bin/ssh", "ssh|host|tool|", 255, true},
	{"/usr/bin/gpg", "gpg|--list-keys|x|", 2, false},
	{"/usr/bin/gpg", "gpg|--verify|x.asc|", 2, true},
	{"/bin/ping", "ping|-c1|host|", 1, false},
	{"/usr/bin/openssl", "openssl|x509|-in|c.pem|-noout|-checkend|86400|", 1, false},
	{"/usr/bin/openssl", "openssl|x509|-in|c.pem|", 1, true},
	{"/usr/bin/kubectl", "kubectl|get|ns|x|", 1, false},
	{"/usr/bin/kubectl", "kubectl|apply|-f|get|", 1, true},
	{"/usr/bin/gh", "gh|release|view|v1|", 1, false},
	{"/usr/bin/gh", "gh|release|create|v1|", 1, true},
	{"/usr/bin/aws", "aws|s3api|head-object|--key|x|", 254, false},
	{"/usr/bin/aws", "aws|s3|cp|ls|s3://x|", 1, true},
	{"/sbin/iptables", "iptables|-C|INPUT|-j|DROP|", 1, false},
	{"/sbin/iptables", "iptables|-A|INPUT|-j|DROP|", 1, true},
	{"/usr/bin/psql", "psql|-qc|select 1|", 2, false},
	{"/usr/bin/psql", "psql|-qc|select 1 from t|", 1, true},
	{"/usr/bin/curl", "curl|-sfI|http://x/y|", 22, false},
	{"/usr/bin/curl", "curl|-sf|http://x/y|", 22, true},
	{"/usr/bin/node", "node|/usr/lib/node_modules/npm/bin/npm-cli.js|ls|x|", 1, false},
	{"/usr/bin/node", "node|/usr/lib/node_modules/npm/bin/npm-cli.js|install|x|", 1, true},
	{"/usr/bin/ruby", "ruby|/usr/bin/bundle|check|", 1, false},
	{"/usr/bin/ruby", "ruby|/usr/bin/bundle|install|", 1, true},
	{"/usr/bin/git", "git|merge|--abort|", 128, false},
	{"/usr/bin/git", "git|merge|x|", 1, true},
	{"/usr/bin/git", "git|remote|add|o|../x|", 3, false},
	{"/usr/bin/crontab", "crontab|-l|", 1, false},
	{"/usr/bin/crontab", "crontab|tab|", 1, true},
	{"/sbin/lvs", "lvs|vg/lv|", 5, false},
	{"/usr/lib/utempter/utempter", "/usr/lib/utempter/utempter|add|tmux(7).%0|", 1, false},
	{"/usr/sbin/sshd", "/usr/sbin/sshd|-D|-p|22|-R|", 255, false},
	{"/usr/sbin/sshd", "/usr/sbin/sshd|-D|-p|22|", 255, true},
	{"/bin/sh", "sh|-c|test $0 -ne 7|7|", 1, false},
	{"/bin/bash", "bash|-c|[ -s out ]|", 1, false},
	{"/bin/sh", "sh|-c|test -s out; tool|", 1, true},
	{"/bin/sh", "sh|-c|tests/all out|", 1, true},
};

/* git bisect run asks by whatever it is given, and goes on by each answer. */
static void what_bisects(void **state)
{
	static const char *const as[] = {"git|bisect|run|make|", "/usr/lib/git-core/git|bisect--helper|run|make|",
					 "git|bisect--helper|--bisect-run|make|", "git|bisect|start|"};

	(void)state;
	for (size_t i = 0; i < sizeof(as) / sizeof(*as); i++) {
		struct seen *s = began("/bin/sh", "sh|");

		starts(11, 10, "/usr/bin/git", as[i]);
		starts(12, 11, "/usr/bin/make", "make|");
		runs(13, 12, "/usr/bin/tool", "tool|", 1);
		ends(12, 2);
		ends(11, 0);
		ends(10, 0);
		assert_int_equal(is_hidden(s, 13), i == 3);
		end(s);
	}
}

/* What runs in the background asks nothing. */
static void what_is_not_waited_for(void **state)
{
	(void)state;
	for (int background = 0; background < 2; background++) {
		struct seen *s = began("/bin/sh", "sh|");

		starts(11, 10, "/usr/bin/python3", "python3|-c|import server|");
		if (background) {
			starts(12, 10, "/bin/sleep", "sleep|9|");
			ends(11, 1);
			ends(12, 0);
		} else {
			ends(11, 1);
			runs(12, 10, "/bin/sleep", "sleep|9|", 0);
		}
		ends(10, 0);
		assert_int_equal(is_hidden(s, 11), background);
		end(s);
	}
}

/* A server that a client has forked is asked to end, and closes the terminals of what it had started. */
static void what_loses_its_server(void **state)
{
	static const struct {
		const char *exe, *client;
		int shell; /* how what it had started ends, before its child does */
		bool hidden;
	} cases[] = {{"/usr/bin/screen", "screen|-dmS|x|sh|", -1, false},
		     {"/usr/bin/screen", "screen|-dmS|x|sh|", 0, true},
		     {"/usr/bin/script", "script|-c|sh|", -1, true}};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct seen *s = began("/bin/sh", "sh|");

		starts(11, 10, cases[i].exe, cases[i].client);
		FORK(.at = now += S, .pid = 12, .parent = 11, .comm = "screen");
		ends(11, 0);
		starts(13, 12, "/bin/sh", "sh|");
		starts(14, 13, "/bin/work", "work|");
		ends(12, 0);
		if (cases[i].shell)
			END(.at = now += S, .pid = 13, .signal = 1, .sender = "kernel", .cpu = 1, .bytes = 1);
		else
			ends(13, 0);
		END(.at = now += S, .pid = 14, .signal = 1, .sender = "kernel", .cpu = 1, .bytes = 1);
		ends(10, 0);
		if (is_hidden(s, 14) != cases[i].hidden)
			fail_msg("case %zu", i);
		end(s);
	}
}

/* Where the server of a client runs in the run, what that did for it is what the client passes on. */
static void what_a_server_did_for_its_client(void **state)
{
	(void)state;
	/* late: its accounts are closed after the end of the client */
	for (int i = 0; i < 4; i++) {
		struct seen *s = began("/bin/sh", "sh|");
		bool alike = i & 1, late = i & 2;

		starts(11, 10, "/usr/sbin/sshd", "sshd|-D|");
		starts(12, 10, "/usr/bin/ssh", "ssh|localhost|sh -c tool|");
		starts(13, 11, "/usr/sbin/sshd", "sshd|-D|-R|");
		starts(14, 13, "/bin/sh", "sh|-c|tool|");
		runs(15, 14, "/bin/tool", "tool|", 4);
		if (late)
			EXIT(.at = now += S, .pid = 14, .code = 4);
		else
			ends(14, 4);
		ends(13, 255);
		ends(12, alike ? 4 : 5);
		ends(11, 0);
		if (late) {
			MEM_LAST(.at = now += S, .pid = 14, .bytes = 1);
			CPU_CLOSED(.at = now, .pid = 14, .cpu = 1);
		}
		if (is_hidden(s, 15) == alike)
			fail_msg("case %d", i);
		assert_chain(s, alike ? 4 : 5, alike ? "10 12 14 15" : "10 12");
	}
}

static void what_rules_say(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(ruled) / sizeof(*ruled); i++) {
		struct seen *s = began("/bin/sh", "sh|");

		runs(11, 10, ruled[i].exe, ruled[i].args, ruled[i].status);
		ends(10, 0);
		if (is_hidden(s, 11) != ruled[i].hidden)
			fail_msg("case %zu, %s", i, ruled[i].args);
		end(s);
	}
}

/* Whose failure is an answer only where what it says goes to /dev/null, and what its script says does not. */
/* Beside the job, which is the cause, no failure of its own. */
static void how_a_script_notes_a_failure(void **state)
{
	struct seen *s = began("/bin/sh", "sh|/a/.snakemake/tmp.q1w2e3/snakejob.align.1.sh|");

	(void)state;
	runs(11, 10, "/usr/bin/python3", "python3|-m|snakemake|", 1);
	starts(12, 10, NULL, NULL);
	runs(13, 12, "/usr/bin/touch", "touch|1.jobfailed|", 0);
	ends(12, 1);
	ends(10, 1);
	assert_int_equal(model__finish(s->model), 0);
	for (size_t i = 0; i < s->rows_count; i++)
		assert_int_equal(model_outcome__bad(s->rows[i].row.outcome),
				 s->rows[i].row.pid == 10 || s->rows[i].row.pid == 11);
	assert_int_equal(model__run(s->model, 0)->ending->cause->row.pid, 11);
	end(s);
}

static void what_is_silenced_is_a_question(void **state)
{
	static const char null[] = "type=null|device=5|inode=5|", pipe[] = "type=pipe|device=5|inode=null|";
	static const struct {
		const char *exe, *args, *parent_stderr, *stderr;
		bool hidden;
	} cases[] = {
		{"/bin/cat", "cat|missing|", pipe, null, false},
		{"/usr/bin/diff", "diff|new|missing|", pipe, null, false},
		{"/bin/cat", "cat|missing|", pipe, pipe, true},
		{"/bin/cat", "cat|missing|", pipe, NULL, true},
		{"/bin/cat", "cat|missing|", null, null, true},
		{"/bin/cat", "cat|missing|", NULL, null, false},
		{"/usr/bin/bwa", "bwa|mem|missing|", pipe, null, true},
		{"/usr/bin/gcc", "gcc|x.c|-lnone|", pipe, null, false},
		{"/usr/bin/gcc", "gcc|x.c|-lnone|", pipe, pipe, true},
		{"/usr/bin/gcc", "gcc|x.c|-lnone|", null, null, true},
		{"/usr/bin/sacct", "sacct|-V|", pipe, null, false},
		{"/usr/bin/sacct", "sacct|-V|", pipe, pipe, true},
		{"/usr/bin/sacct", "sacct|-n|-V|", pipe, null, true},
		{"/usr/bin/python3", "python3|-m|venvx|--help|", pipe, null, false},
		{"/usr/bin/git", "git|pull|--ff-only|", pipe, null, false},
		{"/usr/bin/git", "git|pull|--ff-only|", pipe, pipe, true},
		{"/usr/bin/md5sum", "md5sum|-c|list|", pipe, null, false},
		{"/usr/bin/md5sum", "md5sum|-c|list|", pipe, pipe, true},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct seen *s = begin(NULL, ALL);

		EXEC(.at = S, .pid = 10, .exe = "/bin/sh", .args = "sh|", .stderr_is = cases[i].parent_stderr);
		FORK(.at = 2 * S, .pid = 11, .parent = 10, .comm = "sh");
		EXEC(.at = 2 * S, .pid = 11, .parent = 10, .exe = cases[i].exe, .args = cases[i].args,
		     .stderr_is = cases[i].stderr);
		now = 2 * S;
		ends(11, 1);
		ends(10, 0);
		if (is_hidden(s, 11) != cases[i].hidden)
			fail_msg("case %zu", i);
		end(s);
	}
}

/* configure compiles what does not compile; what make runs below it counts. */
static void what_a_program_tries_out_is_no_failure(void **state)
{
	struct seen *s = began("/bin/sh", "sh|x|");

	(void)state;
	starts(11, 10, "/bin/sh", "/bin/sh|./configure|--prefix=/x|");
	starts(12, 11, "/usr/bin/gcc", "gcc|-c|conftest.c|");
	runs(13, 12, "/usr/lib/cc1", "cc1|conftest.c|", 1);
	ends(12, 1);
	runs(14, 11, NULL, NULL, 127);
	ends(11, 0);
	starts(15, 10, "/usr/bin/make", "make|");
	runs(16, 15, "/bin/tool", "tool|", 1);
	ends(15, 0);
	ends(10, 0);
	assert_int_equal(s->hidden_count, 1);
	assert_int_equal(s->hidden[0].pid, 16);
	end(s);
}

/* Nextflow's wrapper copies logs to where they are already. */
static void a_copy_of_the_wrapper_of_a_task(void **state)
{
	static const char *const copies[] = {"cp|.command.out|/w/98/cf/.command.out|", "cp|out.txt|/w/98/cf/out.txt|"};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct seen *s = began("/bin/bash", "bash|-ue|.command.run|");

		runs(11, 10, "/bin/cp", copies[i], 1);
		ends(10, 0);
		assert_int_equal(s->hidden_count, i);
		end(s);
	}
}

/* A test that runs what crashes may not have looked at that; one that kills its child has meant it. */
static void a_crash_below_a_test_is_seen(void **state)
{
	static const struct {
		const char *args, *sender, *code;
		int status, by;
		bool hidden;
	} cases[] = {
		{"pytest|-q|", "kernel", "SI_KERNEL", -SIGSEGV, 0, true},
		{"python3|-m|pytest|", "kernel", "SI_KERNEL", -SIGBUS, 0, true},
		{"node|--test|a.js|", "kernel", "SI_KERNEL", -SIGSEGV, 0, true},
		{"pytest|-q|", "user", "SI_TKILL", -SIGABRT, 12, true}, /* abort() */
		{"pytest|-q|", "user", "SI_TKILL", -SIGSEGV, 12, true}, /* its handler has raised it again */
		{"pytest|-q|", "user", "SI_USER", -SIGSEGV, 12, false}, /* kill -SEGV $$ */
		{"pytest|-q|", "user", "SI_TKILL", -SIGTERM, 12, false},
		{"pytest|-q|", "user", "SI_TKILL", -SIGABRT, 11, false},
		{"pytest|-q|", "kernel", "SI_KERNEL", -SIGPIPE, 0, false},
		{"pytest|-q|", NULL, NULL, 5, 0, false},
		{"node|--test|a.js|", NULL, NULL, 5, 0, false},
		{"sh|./configure|", "kernel", "SI_KERNEL", -SIGSEGV, 0, false},
		{"sh|./configure|", "user", "SI_TKILL", -SIGABRT, 12, false},
		{"node|a.js|", NULL, NULL, 5, 0, true},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct seen *s = began("/bin/sh", "sh|x|");

		starts(11, 10, "/x/y", cases[i].args);
		starts(12, 11, "/x/parser", "parser|");
		END(.at = now + S, .pid = 12, STATUS(cases[i].status), .cpu = 1, .bytes = 1, .sender = cases[i].sender,
		    .signal_code = cases[i].code, .sent_by = cases[i].by);
		now += S;
		ends(11, 0);
		ends(10, 0);
		if (is_hidden(s, 12) != cases[i].hidden ||
		    (cases[i].hidden && cases[i].sender && s->hidden[0].expected != MODEL_EXPECTED_TESTED))
			fail_msg("case %zu, %s", i, cases[i].args);
		end(s);
	}
}

/* pytest -n 2 goes on with another worker, for the tests that are left. */
static void a_crash_below_a_test_is_not_retried(void **state)
{
	(void)state;
	for (int tests = 0; tests < 2; tests++) {
		struct seen *s = began("/bin/sh", "sh|x|");

		starts(11, 10, "/x/y", tests ? "pytest|-n|2|" : "serve|-n|2|");
		starts(12, 11, "/bin/python3", "python3|-c|worker|");
		END(.at = now + S, .pid = 12, .signal = SIGSEGV, .cpu = 1, .bytes = 1, .sender = "kernel");
		now += S;
		FORK(.at = now + MS, .pid = 13, .parent = 11, .comm = "y");
		EXEC(.at = now + MS, .pid = 13, .parent = 11, .exe = "/bin/python3", .args = "python3|-c|worker|");
		now += S;
		ends(13, 0);
		ends(11, 0);
		ends(10, 0);
		assert_int_equal(is_hidden(s, 12), tests);
		assert_int_equal(s->retried_count, !tests);
		end(s);
	}
}

/* What runs below a compiler that is asked so, or a make; what flock and git run beside the lock, and the commit, may fail. */
static void what_runs_below_a_question(void **state)
{
	static const struct {
		const char *exe, *args, *stderr, *child;
		int status;
		bool hidden, unseen;
	} cases[] = {
		{"/usr/bin/gcc", "gcc|x.c|", "type=null|device=5|inode=5|", "cc1", 1, false, false},
		{"/usr/bin/gcc", "gcc|x.c|", "type=pipe|device=5|inode=null|", "cc1", 1, true, false},
		{"/usr/bin/make", "make|fast|", "type=null|device=5|inode=5|", "tool", 2, false, true},
		{"/usr/bin/make", "make|-i|fast|", "type=null|device=5|inode=5|", "tool", 0, false, true},
		{"/usr/bin/make", "make|fast|", "type=null|device=5|inode=5|", "grep", 2, false, false},
		{"/usr/bin/make", "make|fast|", "type=pipe|device=5|inode=null|", "tool", 2, true, false},
		{"/usr/bin/flock", "flock|-n|lock|job|", NULL, "job", 1, true, false},
		{"/usr/bin/git", "git|commit|-m|x|", NULL, "hook", 1, true, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct seen *s = began("/bin/sh", "sh|x|");

		now += S;
		FORK(.at = now, .pid = 11, .parent = 10, .comm = "sh");
		EXEC(.at = now, .pid = 11, .parent = 10, .exe = cases[i].exe, .args = cases[i].args,
		     .stderr_is = cases[i].stderr);
		runs(12, 11, cases[i].child, "x|", 1);
		ends(11, cases[i].status);
		ends(10, 0);
		assert_int_equal(model__finish(s->model), 0);
		if ((s->hidden_count > 0) != cases[i].hidden || s->unseen_count != cases[i].unseen)
			fail_msg("case %zu, %s", i, cases[i].args);
		end(s);
	}
}

static void a_wrapper_passes_an_answer_on(void **state)
{
	struct seen *s = began("/bin/sh", "sh|x|");

	(void)state;
	starts(11, 10, "/usr/bin/timeout", "timeout|5|grep|x|");
	runs(12, 11, "/bin/grep", "grep|x|", 1);
	ends(11, 1);
	starts(13, 10, "/bin/sh", "/bin/sh|./script.sh|"); /* no wrapper: it failed, by grep */
	runs(14, 13, "/bin/grep", "grep|x|", 1);
	ends(13, 1);
	ends(10, 0);
	assert_int_equal(s->hidden_count, 1);
	assert_int_equal(s->hidden[0].pid, 13);
	end(s);
}

/* dash forks where bash executes: the command line of a shell asks as the program that it ends with. */
static void a_shell_line_that_ends_with_a_question(void **state)
{
	static const struct {
		const char *parent, *args;
		int answer, status;
		bool hidden;
	} cases[] = {
		{"python3|x.py|", "sh|-c|grep -q a f|", 1, 1, false},
		{"find|.|", "/bin/sh|-xc|grep -q a f && echo it|", 1, 1, false},
		{"perl|x.pl|", "bash|--norc|-o|pipefail|-c|cat f | grep a|", 1, 1, false},
		{"python3|x.py|", "sh|-c|grep -q a f|", 2, 2, true}, /* no answer */
		{"python3|x.py|", "sh|-c|grep -q a f || exit 3|", 1, 3, true},
		{"python3|x.py|", "sh|-ec|make; grep -q a f; run|", 1, 1, true},
		{"python3|x.py|", "bash|-o|errexit|-c|grep -q a f; run|", 1, 1, true},
		{"python3|x.py|", "sh|-c|set -e; grep -q a f; run|", 1, 1, true},
		{"python3|x.py|", "sh|./step.sh|-c|", 1, 1, true},
		{"make|", "sh|-c|grep -q a f|", 1, 1, true},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		bool make = !strncmp(cases[i].parent, "make", 4);
		struct seen *s = began("/bin/sh", "sh|x|");

		starts(11, 10, make ? "/usr/bin/make" : "/usr/bin/python3", cases[i].parent);
		starts(12, 11, "/bin/sh", cases[i].args);
		runs(13, 12, "/bin/grep", "grep|-q|a|f|", cases[i].answer);
		ends(12, cases[i].status);
		ends(11, 0);
		ends(10, 0);
		if (is_hidden(s, 12) != cases[i].hidden)
			fail_msg("case %zu, %s", i, cases[i].args);
		end(s);
	}

	/* as the end of a script that passes it on, it is the cause */
	struct seen *s = began("/bin/sh", "sh|-e|x|");

	starts(11, 10, "/bin/sh", "sh|-c|grep -q a f|");
	runs(12, 11, "/bin/grep", "grep|-q|a|f|", 1);
	ends(11, 1);
	assert_chain(s, 1, "10 11 12");
}

/* An interactive shell passes the SIGHUP of its terminal to itself; other programs, and scripts, have another reason. */
static void a_terminal_that_was_closed(void **state)
{
	static const struct {
		const char *exe, *args;
		int signal;
		bool hidden;
	} cases[] = {
		{"/bin/bash", "bash|--norc|-i|", 1, false}, {"/bin/bash", "-bash|", 1, false},
		{"/bin/bash", "bash|-ic|x|", 1, false},	    {"/bin/bash", "bash|-i|", 9, true},
		{"/bin/bash", "bash|x.sh|", 1, true},	    {"/bin/bash", "bash|-c|kill -HUP $$|", 1, true},
		{"/bin/tool", "tool|-i|", 1, true},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct seen *s = began("/usr/bin/python3", "python3|pty.py|");

		starts(11, 10, cases[i].exe, cases[i].args);
		now += S;
		END(.at = now, .pid = 11, .signal = cases[i].signal, .sent_by = 11, .comm = "bash", .cpu = 1,
		    .bytes = 1);
		ends(10, 0);
		if (is_hidden(s, 11) != cases[i].hidden)
			fail_msg("case %zu", i);
		end(s);
	}
}

/* What stops a daemon is a tool of the same run, and no longer a process above it. */
static void a_daemon_that_a_tool_stops(void **state)
{
	static const struct {
		int status;
		uint32_t by;
		bool orphan, hidden;
	} cases[] = {
		{-15, 14, true, false}, {2, 14, true, false},  {-9, 14, true, false}, {-15, 14, false, true},
		{2, 0, true, true},	{-11, 14, true, true}, {-15, 99, true, true},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct seen *s = began("/bin/sh", "sh|x|");

		starts(11, 10, "/usr/bin/python3", "python3|ctl.py|start|");
		starts(12, 11, NULL, NULL);
		starts(13, cases[i].orphan ? 12 : 10, NULL, NULL);
		ends(12, 0);
		ends(11, 0);
		starts(14, 10, "/usr/bin/python3", "python3|ctl.py|stop|");
		now += S;
		if (cases[i].by)
			END(.at = now, .pid = 13, STATUS(cases[i].status), .sent_by = cases[i].by, .comm = "python3",
			    .cpu = 1, .bytes = 1);
		else
			ends(13, cases[i].status);
		ends(14, 0);
		ends(10, 0);
		if (is_hidden(s, 13) != cases[i].hidden)
			fail_msg("case %zu", i);
		end(s);
	}
}

/* timeout(1) with -k ends what it has started, then itself: in either order of their exits it has failed. */
static void a_wrapper_that_ended_its_child_has_failed(void **state)
{
	(void)state;
	for (int child_first = 0; child_first < 2; child_first++) {
		struct seen *s = began("/bin/sh", "sh|x|");

		starts(11, 10, "/usr/bin/timeout", "timeout|-k|1|5|tool|");
		starts(12, 11, "/bin/tool", "tool|");
		for (int i = 0; i < 2; i++)
			END(.at = (50 + i) * S, .pid = child_first == i ? 11 : 12, .signal = 9, .sent_by = 11,
			    .comm = "timeout", .cpu = 1, .bytes = 1);
		ends(10, 0);
		assert_true(is_hidden(s, 11));
		assert_false(is_hidden(s, 12));
		end(s);
	}
}

/* Two shards with the same arguments: only one of them fails. */
static void what_runs_beside_it_is_no_other_try(void **state)
{
	struct seen *s = began("/bin/sh", "sh|x|");

	(void)state;
	starts(11, 10, "/bin/tool", "tool|a|");
	starts(12, 10, "/bin/tool", "tool|a|");
	ends(11, 5);
	ends(12, 0);
	ends(10, 0);
	assert_int_equal(s->retried_count, 0);
	assert_true(is_hidden(s, 11));
	end(s);
}

static void what_is_tried_again_with_success_is_not_hidden(void **state)
{
	struct seen *s = began("/bin/sh", "sh|x|");

	(void)state;
	starts(11, 10, "/bin/sh", "/bin/sh|./step.sh|a|");
	runs(12, 11, "/bin/tool", "tool|a|", 71);
	ends(11, 71);
	starts(13, 10, "/bin/sh", "/bin/sh|./step.sh|b|"); /* another */
	ends(13, 71);
	starts(14, 10, "/bin/sh", "/bin/sh|./step.sh|a|");
	runs(15, 14, "/bin/tool", "tool|a|", 0);
	ends(14, 0);
	ends(10, 0);
	assert_int_equal(s->hidden_count, 1);
	assert_int_equal(s->hidden[0].pid, 13);
	assert_int_equal(s->retried_count, 2);
	end(s);
}

/* The number of an attempt is none of a sample. */
static void attempts_are_counted(void **state)
{
	static const struct {
		const char *first, *second;
		bool hidden;
	} cases[] = {
		{"fetch|--attempt|1|", "fetch|--attempt|2|", false},
		{"fetch|--max-retry=9|x|", "fetch|--max-retry=10|x|", false},
		{"fetch|--try|9|x|", "fetch|--try|10|x|", false},
		{"fetch|--sample|1|", "fetch|--sample|2|", true},
		{"fetch|--attempt|1|a|", "fetch|--attempt|2|b|", true},
		{"fetch|--attempt|1|", "fetch|--attempt|", true},
		{"fetch|--attempt|1a|", "fetch|--attempt|1b|", true},
		{"fetch|x1|", "fetch|x2|", true},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct seen *s = began("/bin/sh", "sh|x|");

		runs(11, 10, "/bin/fetch", cases[i].first, 6);
		runs(12, 10, "/bin/fetch", cases[i].second, 0);
		ends(10, 0);
		if (is_hidden(s, 11) != cases[i].hidden)
			fail_msg("case %zu, %s", i, cases[i].first);
		end(s);
	}
}

/* pigz if it is there, else gzip: a caller that catches the error of the first one needs no second word for it. */
static void tools_tried_in_turn(void **state)
{
	static const struct {
		const char *first, *second;
		int error, second_status;
		bool together, hidden;
	} cases[] = {
		{"pigz-x|-f|a|", "gzip|-f|a|", ENOENT, 0, false, false},
		{"pigz-x|-f|a|", "/bin/sh|-e|/bin/second|-f|a|", ENOENT, 0, false, false}, /* a script */
		{"pigz-x|-f|a|", "gzip|-f|b|", ENOENT, 0, false, true},			   /* something else */
		{"pigz-x|-f|a|", "gzip|-f|", ENOENT, 0, false, true},
		{"pigz-x|-f|a|", "gzip|-f|a|", EACCES, 0, false, true}, /* it is there */
		{"pigz-x|-f|a|", "gzip|-f|a|", ENOENT, 2, false, true}, /* neither */
		{"pigz-x|-f|a|", "gzip|-f|a|", ENOENT, 0, true, true},	/* not instead: it began before */
		{"index-x|a|", "sort|", ENOENT, 0, false, true},
		{"index|-x|", "sort|", ENOENT, 0, false, true},
		{"pigz-x|-f|a|", NULL, ENOENT, 0, false, true},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct seen *s = began("/usr/bin/python3", "python3|x.py|");

		starts(11, 10, NULL, NULL);
		EXEC_FAILED(.at = now, .pid = 11, .exe = "/bin/first", .args = cases[i].first, .error = cases[i].error);
		if (cases[i].together)
			starts(12, 10, "/bin/second", cases[i].second);
		END(.at = now + 9 * MS, .pid = 11, .code = 255, .cpu = 1, .bytes = 1);
		if (cases[i].together)
			ends(12, cases[i].second_status);
		else if (cases[i].second)
			runs(12, 10, "/bin/second", cases[i].second, cases[i].second_status);
		ends(10, 0);
		if (is_hidden(s, 11) != cases[i].hidden)
			fail_msg("case %zu", i);
		assert_int_equal(s->retried_count, !cases[i].hidden);
		end(s);
	}
}

/* An engine that ends well though a job fails. */
static const char engine_rules[] = "steps: [{args: '^job (?<step>\\w+)', step: '${step}'}]\n"
				   "exits: [{command: [engine], below: ignored}]";

/* A task that failed below an engine that ends well: its origin, what passed it on, and the wrapper. Not what a task hides
 * itself, nor what a script around the engine hides. */
static void what_an_engine_was_told_to_ignore(void **state)
{
	(void)state;
	for (int code = 0; code < 2; code++) {
		struct seen *s = begin(engine_rules, ALL);

		now = 0;
		starts(9, 0, "/bin/sh", "sh|run.sh|");
		starts(10, 9, "/bin/engine", "engine|");
		starts(11, 10, "/bin/bash", "bash|.command.run|");
		starts(12, 11, "/bin/job", "job|ALIGN|");
		runs(13, 12, "/bin/tool", "tool|", 71);
		ends(12, 71);
		ends(11, 71);
		starts(14, 10, "/bin/job", "job|SORT|");
		runs(15, 14, "/bin/tool", "tool|b|", 3);
		ends(14, 0);
		ends(10, code);
		ends(9, 0);
		assert_int_equal(s->ignored_count, code ? 0 : 3);
		assert_int_equal(s->hidden_count, code ? 5 : 1);
		assert_true(is_hidden(s, 15));
		end(s);
	}
}

/* 11 submits a task, 13, which a script runs, 12, and ends well at once; 13 runs the tool 14. */
static void what_an_engine_has_submitted(void **state)
{
	static const char rules[] =
		"steps: [{args: '^job (?<step>\\w+) ?(?<tag>\\w*)', step: '${step}', tag: '${tag}'}]\n"
		"exits: [{command: [engine, make], is: runner}]";
	static const struct {
		const char *engine, *script, *job;
		int notes, job_ends, engine_ends; /* notes: how the script ends */
		uint32_t by;			  /* hides the tool's failure; 0: none does */
		const char *chain;
	} cases[] = {
		{"/bin/engine", "sh|job.sh|", "job|ALIGN|", 71, 71, 1, 0, "10 13 14"},
		{"/bin/engine", "sh|-c|job; echo $? > code|", "job|ALIGN|", 0, 71, 1, 0, "10 13 14"},
		{"/bin/engine", "sh|job.sh|", "job|ALIGN|", 71, 71, 0, 10, ""},
		{"/bin/engine", "sh|job.sh|", "job|ALIGN|", 0, 0, 0, 13, ""}, /* not needed */
		{"/bin/engine", "sh|job.sh|", "job|ALIGN|", 0, 0, 1, 13, "10"},
		{"/bin/engine", "sh|job.sh|", "server|", 71, 71, 1, 11, "10"}, /* no task */
		{"/bin/engine", "make|", "job|ALIGN|", 71, 71, 1, 11, "10"},   /* it is a task of make */
		{"/bin/script", "sh|job.sh|", "job|ALIGN|", 71, 71, 1, 11, "10"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct seen *s = begin(rules, ALL);
		uint32_t by = 0;

		now = 0;
		starts(10, 0, cases[i].engine, "x|");
		starts(11, 10, "/bin/submit", "submit|job.sh|");
		starts(12, 11, strncmp(cases[i].script, "sh", 2) ? "/bin/make" : "/bin/sh", cases[i].script);
		ends(11, 0);
		starts(13, 12, "/bin/x", cases[i].job);
		runs(14, 13, "/bin/tool", "tool|", 71);
		ends(13, cases[i].job_ends);
		ends(12, cases[i].notes);
		runs(15, 10, "/bin/status", "status|12|", 0);
		assert_chain_of(s, cases[i].engine_ends, cases[i].chain);
		for (size_t k = 0; k < s->hidden_count; k++)
			by = s->hidden[k].pid == 14 ? s->hidden[k].by : by;
		assert_int_equal(by, cases[i].by);
		end(s);
	}
}

/* Submitted again by another process of its own. */
static void what_an_engine_has_submitted_again(void **state)
{
	struct seen *s = begin("steps: [{args: '^job (?<step>\\w+) (?<tag>\\w+)', step: '${step}', tag: '${tag}'}]\n"
			       "exits: [{command: [engine], is: runner}]",
			       ALL);

	(void)state;
	now = 0;
	starts(10, 0, "/bin/engine", "engine|");
	for (uint32_t pid = 11; pid < 17; pid += 3) {
		starts(pid, 10, "/bin/submit", "submit|job.sh|");
		starts(pid + 1, pid, "/bin/sh", "sh|job.sh|");
		ends(pid, 0);
		runs(pid + 2, pid + 1, "/bin/job", "job|ALIGN|bee|", pid == 11);
		ends(pid + 1, pid == 11);
	}
	ends(10, 0);
	assert_int_equal(s->hidden_count, 0);
	assert_int_equal(s->retried_count, 2);
	end(s);
}

/* The account of the task's process comes after those of what passed its status on, or not before the engine's end. */
static void what_is_ignored_in_any_order_of_accounts(void **state)
{
	(void)state;
	for (int late = 0; late < 2; late++) {
		struct seen *s = begin(engine_rules, ALL);

		now = 0;
		starts(10, 0, "/bin/engine", "engine|");
		starts(11, 10, "/bin/bash", "bash|.command.run|");
		starts(12, 11, "/bin/bash", "bash|.command.run|trace|");
		starts(13, 12, "/bin/job", "job|ALIGN|");
		now += S;
		EXIT(.at = now, .pid = 13, STATUS(71));
		ends(12, 71);
		ends(11, 71);
		if (late)
			ends(10, 0);
		now += S;
		CPU_CLOSED(.at = now, .pid = 13, .cpu = 1);
		MEM_LAST(.at = now, .pid = 13, .bytes = 1);
		IO_CLOSED(.at = now, .pid = 13);
		if (!late)
			ends(10, 0);
		assert_int_equal(model__finish(s->model), 0);
		assert_int_equal(s->hidden_count, 0);
		assert_int_equal(s->ignored_count, 3);
		end(s);
	}
}

/* As an engine does: another folder and other arguments, the same step and tag. */
static void what_an_engine_retries_is_known_by_its_tag(void **state)
{
	struct seen *s =
		begin("steps: [{args: '^job (?<step>\\w+) (?<tag>\\w+)', step: '${step}', tag: '${tag}'}]", ALL);

	(void)state;
	now = 0;
	starts(10, 0, "/bin/engine", "engine|");
	starts(11, 10, "/bin/job", "job|ALIGN|bee|1|");
	runs(12, 11, "/bin/tool", "tool|", 71);
	ends(11, 71);
	runs(13, 10, "/bin/job", "job|ALIGN|ant|1|", 72);
	runs(14, 10, "/bin/job", "job|SORT|bee|1|", 73);
	runs(15, 10, "/bin/job", "job|ALIGN|bee|2|", 0);
	ends(10, 0);
	assert_int_equal(s->retried_count, 2);
	assert_int_equal(s->hidden_count, 2);
	assert_false(is_hidden(s, 11) || is_hidden(s, 12));
	end(s);
}

/* The account of what was tried again is closed after the engine's end. */
static void what_an_engine_retries_is_known_by_its_exit(void **state)
{
	struct seen *s = begin("steps: [{args: '^job (?<step>\\w+) (?<tag>\\w+)', step: '${step}', tag: '${tag}'}]\n"
			       "exits: [{command: [engine], below: ignored}]",
			       ALL);

	(void)state;
	now = 0;
	starts(10, 0, "/bin/engine", "engine|");
	runs(11, 10, "/bin/job", "job|ALIGN|bee|1|", 71);
	starts(12, 10, "/bin/job", "job|ALIGN|bee|2|");
	now += S;
	EXIT(.at = now, .pid = 12);
	ends(10, 0);
	now += S;
	CPU_CLOSED(.at = now, .pid = 12, .cpu = 1);
	MEM_LAST(.at = now, .pid = 12, .bytes = 1);
	IO_CLOSED(.at = now, .pid = 12);
	assert_int_equal(model__finish(s->model), 0);
	assert_int_equal(s->ignored_count, 0);
	assert_int_equal(s->retried_count, 1);
	end(s);
}

static void children_without_number(void **state)
{
	struct seen *s = began("/bin/sh", "sh|");

	(void)state;
	for (uint32_t i = 0; i < 3 * BROOD_MAX; i++)
		runs(100 + i, 10, "/bin/a", "a|", 4);
	assert_chain(s, 4, "10 195");
}

static void rules_of_exits_are_checked(void **state)
{
	static const struct {
		const char *text, *sentence;
	} cases[] = {
		{"exits: [{is: answer}]", "has no condition"},
		{"exits: [{command: [x]}]", "says nothing"},
		{"exits: [{command: [x], is: anser}]", "did you mean \"answer\"?"},
		{"exits: [{command: [x], is: answer, code: [0]}]", "is not the code of a failure"},
		{"exits: [{command: [x], is: answer, code: [256]}]", "is not the code of a failure"},
		{"exits: [{command: x, is: answer}]", "command"},
		{"exits: [{args: '(', is: answer}]", "is not a valid regular expression"},
		{"exits: [{command: [x], silent: 1, is: answer}]", "is neither true nor false"},
		{"exits: [{file: {a: b}, is: answer}]", "unknown key"},
		{"limits: [{command: [a]}]", "is not complete"},
		{"limits: [{limit: a}]", "is not complete"},
		{"limits: [{command: [a], limit: a, code: [1]}]", "unknown key"},
	};
	struct steps *steps;
	struct error err;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		assert_int_equal(load(cases[i].text, &steps, &err), -EINVAL);
		if (!strstr(err.text, cases[i].sentence))
			fail_msg("\"%s\" is not in: %s", cases[i].sentence, err.text);
	}
}

static void rules_of_ones_own_come_first(void **state)
{
	struct seen *s = begin("exits: [{command: [tool], code: [3], is: muted}, {command: [grep], is: runner}]", ALL);

	(void)state;
	now = 0;
	starts(10, 0, "/bin/sh", "sh|");
	runs(11, 10, "/bin/tool", "tool|", 3);
	runs(12, 10, "/bin/tool", "tool|", 4);
	runs(13, 10, "/bin/grep", "grep|", 1);
	ends(10, 0);
	assert_true(s->rows[0].row.muted);
	assert_int_equal(s->hidden_count, 2);
	end(s);
}

/* What a parent ends is no failure, but at a limit that it watches. */
static void a_limit_of_ones_own(void **state)
{
	(void)state;
	for (int known = 0; known < 2; known++) {
		struct seen *s = begin(known ? "limits: [{command: [batch_system_of_ours], limit: power}]" : NULL, ALL);
		struct text text = {0};

		now = 0;
		starts(10, 0, "/bin/batch_system_of_ours", "batch|");
		starts(11, 10, "/bin/tool", "tool|");
		END(.at = now + S, .pid = 11, .signal = 15, .sent_by = 10, .comm = "batch_system_of", .cpu = 1,
		    .bytes = 1);
		assert_int_equal(s->rows[0].row.benign, !known);
		model_row__how(&s->rows[0].row, &text);
		assert_string_equal(text.data, known ? "sent by its parent batch_system_of (pid 10): limit of power"
						     : "sent by its parent batch_system_of (pid 10)");
		text__free(&text);
		end(s);
	}
}

/* As Nextflow does it: all tasks have the same arguments, and so has the helper that becomes each of them. */
static void another_task_of_an_engine_is_not_another_try(void **state)
{
	struct seen *s = began("/bin/java", "java|nextflow|");

	(void)state;
	starts(11, 10, "/lib/helper", "helper|1:2|");
	EXEC(.at = now, .pid = 11, .exe = "/bin/bash", .args = "bash|.command.run|", .cwd = "/work/a");
	ends(11, 9); /* ignored */
	starts(12, 10, "/lib/helper", "helper|1:2|");
	EXEC(.at = now, .pid = 12, .exe = "/bin/bash", .args = "bash|.command.run|", .cwd = "/work/b");
	ends(12, 0);
	ends(10, 0);
	assert_int_equal(s->hidden_count, 1);
	assert_int_equal(s->hidden[0].pid, 11);
	assert_int_equal(s->retried_count, 0);
	end(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_passes_a_status_on_names_the_child),
		cmocka_unit_test(through_every_level),
		cmocka_unit_test(a_runner_goes_on_after_a_failure),
		cmocka_unit_test(of_a_pipe_the_first_that_failed),
		cmocka_unit_test(a_writer_whose_reader_had_enough_ends_nothing),
		cmocka_unit_test(an_answer_that_ends_a_script),
		cmocka_unit_test(what_is_silenced_is_a_question),
		cmocka_unit_test(an_answer_of_the_command_itself),
		cmocka_unit_test(an_answer_before_the_end),
		cmocka_unit_test(attempts_are_counted),
		cmocka_unit_test(tools_tried_in_turn),
		cmocka_unit_test(a_signal_of_its_own),
		cmocka_unit_test(a_timeout_before_its_time),
		cmocka_unit_test(one_of_several_tests),
		cmocka_unit_test(the_end_of_a_namespace),
		cmocka_unit_test(what_was_asked_to_end),
		cmocka_unit_test(what_outlived_its_parent_is_nobodys),
		cmocka_unit_test(what_rules_say),
		cmocka_unit_test(how_a_script_notes_a_failure),
		cmocka_unit_test(what_bisects),
		cmocka_unit_test(what_a_server_did_for_its_client),
		cmocka_unit_test(what_is_not_waited_for),
		cmocka_unit_test(what_loses_its_server),
		cmocka_unit_test(what_a_program_tries_out_is_no_failure),
		cmocka_unit_test(a_copy_of_the_wrapper_of_a_task),
		cmocka_unit_test(a_crash_below_a_test_is_seen),
		cmocka_unit_test(a_crash_below_a_test_is_not_retried),
		cmocka_unit_test(a_wrapper_passes_an_answer_on),
		cmocka_unit_test(what_runs_below_a_question),
		cmocka_unit_test(a_shell_line_that_ends_with_a_question),
		cmocka_unit_test(a_daemon_that_a_tool_stops),
		cmocka_unit_test(a_terminal_that_was_closed),
		cmocka_unit_test(a_wrapper_passes_an_answer_on_under_any_code),
		cmocka_unit_test(a_wrapper_that_ended_its_child_has_failed),
		cmocka_unit_test(what_runs_beside_it_is_no_other_try),
		cmocka_unit_test(what_is_tried_again_with_success_is_not_hidden),
		cmocka_unit_test(what_an_engine_retries_is_known_by_its_tag),
		cmocka_unit_test(what_an_engine_retries_is_known_by_its_exit),
		cmocka_unit_test(what_an_engine_was_told_to_ignore),
		cmocka_unit_test(what_an_engine_has_submitted),
		cmocka_unit_test(what_an_engine_has_submitted_again),
		cmocka_unit_test(what_is_ignored_in_any_order_of_accounts),
		cmocka_unit_test(a_limit_of_ones_own),
		cmocka_unit_test(another_task_of_an_engine_is_not_another_try),
		cmocka_unit_test(children_without_number),
		cmocka_unit_test(rules_of_exits_are_checked),
		cmocka_unit_test(rules_of_ones_own_come_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
