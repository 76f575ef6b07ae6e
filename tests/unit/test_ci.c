/* SPDX-License-Identifier: BSD-2-Clause */
/* sinks/ci: the page in a file that others append to, lines of the log while the run goes, places in sources. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

#include "sinks/ci/ci.h"
#include "tests/unit/sink_made.h"

/* ---- the file ---- */

static char *content(const char *path)
{
	FILE *file = fopen(path, "r");
	char *bytes = calloc(1, 4 * CI_FILE_BLOCK);

	assert_non_null(file);
	assert_non_null(bytes);
	assert_true(fread(bytes, 1, 4 * CI_FILE_BLOCK - 1, file) < 4 * CI_FILE_BLOCK - 1);
	assert_int_equal(fclose(file), 0);
	return bytes;
}

static void append(const char *path, const char *text)
{
	FILE *file = fopen(path, "a");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static void put_page(struct ci_file *file, const char *text, size_t size, bool last)
{
	struct text page = {0};

	text__printf(&page, "%s", text);
	while (page.size < size)
		text__printf(&page, "x");
	assert_int_equal(page.error, 0);
	assert_int_equal(ci_file__write(file, &page, last), 0);
	text__free(&page);
}

/* What is in the file but for blank lines. */
static void assert_parts(const char *path, const char *const *parts)
{
	char *bytes = content(path), *at = bytes;

	for (at += strspn(at, "\n"); *parts; parts++, at += strspn(at, "\n")) {
		if (strncmp(at, *parts, strlen(*parts)) != 0)
			fail_msg("\"%s\" is not at \"%.40s\"", *parts, at);
		at += strlen(*parts);
		at += strspn(at, "x");
	}
	assert_string_equal(at, "");
	free(bytes);
}

static void what_others_append_stays(void **state)
{
	char path[PATH_SIZE];
	struct ci_file file = {open(file_with(path, "before\n"), O_RDWR), -1};

	(void)state;
	assert_true(file.fd >= 0);
	put_page(&file, "page 1\n", 0, false);
	append(path, "theirs 1\n");
	put_page(&file, "page two\n", 9000, false);
	append(path, "theirs 2\n");
	assert_parts(path, (const char *const[]){"before\n", "page two\n", "theirs 1\n", "theirs 2\n", NULL});
	put_page(&file, "p3\n", 0, false);
	assert_parts(path, (const char *const[]){"before\n", "p3\n", "theirs 1\n", "theirs 2\n", NULL});
	put_page(&file, "the last\n", CI_FILE_BLOCK + 1, true);
	assert_parts(path, (const char *const[]){"before\n", "theirs 1\n", "theirs 2\n", "the last\n", NULL});
	close(file.fd);
	unlink(path);
}

static void a_small_last_page_stays_in_its_place(void **state)
{
	char path[PATH_SIZE];
	struct ci_file file = {open(file_with(path, ""), O_RDWR), -1};

	(void)state;
	put_page(&file, "page 1\n", 0, false);
	append(path, "theirs\n");
	put_page(&file, "the last\n", 0, true);
	assert_parts(path, (const char *const[]){"the last\n", "theirs\n", NULL});
	close(file.fd);
	unlink(path);
}

static void a_page_that_is_only_written_at_the_end_has_no_block(void **state)
{
	char path[PATH_SIZE], *bytes;
	struct ci_file file = {open(file_with(path, "theirs\n"), O_RDWR), -1};

	(void)state;
	put_page(&file, "the last\n", 0, true);
	bytes = content(path);
	assert_string_equal(bytes, "theirs\nthe last\n");
	free(bytes);
	close(file.fd);
	unlink(path);
}

/* ---- the log ---- */

/* What the sink writes to standard error by this flush. */
static char *logged_by(struct page_test *t, bool last)
{
	int before = dup(STDERR_FILENO);
	FILE *file = tmpfile();
	char *lines = calloc(1, PAGE);

	assert_non_null(file);
	assert_non_null(lines);
	assert_true(dup2(fileno(file), STDERR_FILENO) >= 0);
	if (last)
		print(t, true);
	else
		assert_int_equal(collector_sink->flush(t->sink, false), 0);
	dup2(before, STDERR_FILENO);
	close(before);
	rewind(file);
	assert_true(fread(lines, 1, PAGE - 1, file) < PAGE - 1);
	fclose(file);
	return lines;
}

static void assert_logged(struct page_test *t, bool last, const char *expected)
{
	char *lines = logged_by(t, last);

	assert_string_equal(lines, expected);
	free(lines);
}

static void program(uint64_t ts, uint32_t pid, const char *args, int status)
{
	FORK(.at = ts, .pid = pid, .parent = 10, .comm = "bash");
	EXEC(.at = ts, .pid = pid, .exe = "/bin/tool", .args = args);
	END(.at = ts + 100 * MS, .pid = pid, STATUS(status), .cpu = 50 * MS, .bytes = 1 << 20);
}

static void failures_are_logged_at_once_and_once(void **state)
{
	struct page_test *t = begin_with("log=github", 7);

	(void)state;
	EXEC(.at = 1 * S, .pid = 10, .exe = "./ci.sh", .args = "bash|./ci.sh|");
	assert_logged(t, false, "");
	program(2 * S, 11, "tool|100%|a,b:c|", 4);
	assert_logged(t, false, "::error title=exit 4::tool 100%25 a,b:c%0Apid 11 at +1.1 s, under ci.sh\n");
	assert_logged(t, false, "");
	program(3 * S, 12, "tool|again|", 4);
	assert_logged(t, false, ""); /* of the same kind */
	program(4 * S, 13, "tool|fatal|", 3);
	END(.at = 5 * S, .pid = 10, STATUS(3), .cpu = 1, .bytes = 1 << 20);
	assert_logged(t, true, "::error title=cause%2C exit 3::tool fatal%0Apid 13 at +3.1 s, after 100 ms\n");
	end(t);
}

static void a_hidden_failure_is_a_warning_and_one_that_was_retried_nothing(void **state)
{
	struct page_test *t = begin_with("log=github", 7);

	(void)state;
	EXEC(.at = 1 * S, .pid = 10, .exe = "./ci.sh", .args = "bash|./ci.sh|");
	program(2 * S, 11, "tool|flaky|", 7);
	program(3 * S, 12, "tool|flaky|", 0);
	program(4 * S, 13, "tool|hidden|", 5);
	program(5 * S, 14, "tool|well|", 0);
	END(.at = 6 * S, .pid = 10, .cpu = 1, .bytes = 1 << 20);
	assert_logged(t, true,
		      "::warning title=hidden failure%2C exit 5::tool hidden%0Apid 13 at +3.1 s, under ci.sh\n");
	end(t);
}

static void no_more_lines_than_github_shows(void **state)
{
	struct page_test *t = begin_with("log=github", 7);
	uint32_t lines = 0;
	char *text;

	(void)state;
	EXEC(.at = 1 * S, .pid = 10, .exe = "./ci.sh", .args = "bash|./ci.sh|");
	for (uint32_t i = 0; i < 15; i++)
		program((2 + i) * S, 11 + i, "tool|", 40 + (int)i);
	text = logged_by(t, false);
	for (const char *at = text; (at = strstr(at, "::error ")); at++)
		lines++;
	assert_int_equal(lines, 9);
	free(text);
	program(30 * S, 60, "tool|", 99);
	END(.at = 40 * S, .pid = 10, STATUS(99), .cpu = 1, .bytes = 1 << 20);
	assert_logged(t, true, "::error title=cause%2C exit 99::tool%0Apid 60 at +29.1 s, after 100 ms\n");
	end(t);
}

static void text_is_nothing_but_text(void **state)
{
	struct text out = {0};

	(void)state;
	markdown__text(&out, "a|b\\n#&<\"na\xc3\xafve");
	assert_string_equal(out.data, "a&#124;b&#92;n&#35;&#38;&#60;&#34;na\xc3\xafve");
	text__free(&out);
	markdown__code(&out, "||||", 2);
	assert_string_equal(out.data, "<code>&#124;\xe2\x80\xa6</code>");
	text__free(&out);
}

/* ---- the page ---- */

static void what_a_job_leaves_behind_is_on_its_page(void **state)
{
	struct page_test *t = begin_with("log=none", 7);
	const char *page;

	(void)state;
	EXEC(.at = 1 * S, .pid = 10, .exe = "/usr/bin/make", .args = "make|");
	FORK(.at = 2 * S, .pid = 11, .parent = 10, .comm = "make");
	EXEC(.at = 2 * S, .pid = 11, .exe = "/bin/sh", .args = "sh|-c|serve a|b|");
	for (uint32_t i = 0; i < 6; i++) {
		FORK(.at = 3 * S + i * MS, .pid = 12 + i, .parent = 11, .comm = "sh");
		EXEC(.at = 3 * S + i * MS, .pid = 12 + i, .exe = "/bin/serve", .args = "serve|a;b|<x>|");
	}
	END(.at = 4 * S, .pid = 11, .cpu = 1, .bytes = 1 << 20);
	END(.at = 5 * S, .pid = 10, .cpu = 1, .bytes = 1 << 20);
	page = print(t, true);
	assert_has(
		page,
		"\n#### Still running at the end\n\n| age | pid | step | command |\n|---:|---:|:---|:---|\n"
		"| 2.0 s | 12 | <code>serve</code> | <code>serve &#39;a&#59;b&#39; &#39;&#60;x&#62;&#39;</code> |\n");
	assert_has(page, "| 16 | <code>serve</code>");
	assert_has_not(page, "| 17 |");
	assert_has(page, "\nand 1 more program\n");
	end(t);

	t = begin_with("log=none", 7);
	EXEC(.at = 1 * S, .pid = 10, .exe = "./ci.sh", .args = "bash|./ci.sh|");
	program(2 * S, 11, "tool|", 0);
	END(.at = 5 * S, .pid = 10, .cpu = 1, .bytes = 1 << 20);
	assert_has_not(print(t, true), "running");
	end(t);
}

/* As the summary has them. */
static void limits_and_huge_pages_are_on_the_page(void **state)
{
	struct page_test *t = begin_with("log=github", 7);

	(void)state;
	EXEC(.at = 1 * S, .pid = 10, .exe = "./ci.sh", .args = "bash|./ci.sh|");
	TOTAL_READ(.at = 2 * S, .pid = 10, .processes = 1, .read = 1, .bytes = 1 << 20);
	MEM_SAMPLED(.at = 2 * S, .pid = 10, .bytes = 1 << 20, .hugetlb = 4 << 20);
	TOTAL_READ(.at = 3 * S, .pid = 10, .processes = 1, .read = 1, .bytes = 1 << 20, .pids_limit = 25,
		   .pids_refused = 15);
	END(.at = 5 * S, .pid = 10, .cpu = 1, .bytes = 1 << 20);
	assert_logged(t, true, "::warning title=pids limit 25::of a cgroup (pids.max): 15 forks failed for it\n");
	assert_has(t->page, "1 processes\n"
			    "<br>pids limit **25** of a cgroup (pids.max): 15 forks failed for it\n"
			    "<br>huge pages **\xe2\x89\xa5"
			    "4.0 MiB** of one process in hugetlbfs; not in its peak memory\n");
	end(t);
}

static void a_long_command_is_whole_at_the_end(void **state)
{
	struct page_test *t = begin_with("log=github", 7);
	char args[1024] = "tool|";

	(void)state;
	for (int i = 100; i < 150; i++)
		snprintf(args + strlen(args), sizeof(args) - strlen(args), "--n%d|", i);
	EXEC(.at = 1 * S, .pid = 10, .exe = "./ci.sh", .args = "bash|./ci.sh|");
	FORK(.at = 2 * S, .pid = 11, .parent = 10, .comm = "bash");
	EXEC(.at = 2 * S, .pid = 11, .parent = 10, .exe = "/bin/tool", .args = args, .cwd = "/");
	END(.at = 3 * S, .pid = 11, .parent = 10, .code = 3, .cpu = 1, .bytes = 1);
	END(.at = 5 * S, .pid = 10, .code = 3, .cpu = 1, .bytes = 1);
	print(t, true);
	assert_has(t->page, "**exit 3** <code>tool --n100 --n101 ");
	assert_has(t->page, " --n112 \u2026 --n136 ");
	assert_has(t->page,
		   "\n- **exit 3** <code>ci&#46;sh</code>\n\n<br>run again: <code>cd / &#38;&#38; tool --n100 ");
	assert_has(t->page, " --n125 --n126 ");
	end(t);
}

/* ---- places in sources ---- */

static void messages_name_places(void **state)
{
	static const struct {
		const char *text, *cwd, *workspace, *file;
		unsigned line;
	} cases[] = {
		{"./build.sh: line 12: nosuch: command not found", "/w/repo", "/w/repo", "build.sh", 12},
		{"noise\nmain.c:7:12: error: 'x' undeclared\n1 error", "/w/repo/src", "/w/repo", "src/main.c", 7},
		{"/w/repo/a.c:3: fatal error: no.h", "/tmp", "/w/repo", "a.c", 3},
		{"Traceback\n  File \"/w/repo/a.py\", line 3, in <module>\n  File \"/w/repo/b.py\", line 9, in f\nE: x",
		 "/", "/w/repo", "b.py", 9},
		{"/usr/lib/x.sh: line 3: y", "/w/repo", "/w/repo", NULL, 0},
		{"../x.sh: line 3: y", "/w/repo", "/w/repo", NULL, 0},
		{"a.sh: line 0: y", "/w/repo", "/w/repo", NULL, 0},
		{"a.sh: line 3: y", "/w/repository", "/w/repo", NULL, 0},
		{"a.sh: line 3: y", "/w/repo", NULL, NULL, 0},
		{"all is well", "/w/repo", "/w/repo", NULL, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct model_said said = {.text = cases[i].text, .length = strlen(cases[i].text)};
		struct model_text cwd = {cases[i].cwd, (uint32_t)strlen(cases[i].cwd), 0};
		struct text file = {0};
		unsigned line = 0;
		bool found = ci_location__find(&file, &line, &said, &cwd, cases[i].workspace);

		assert_int_equal(found, cases[i].file != NULL);
		if (found) {
			assert_string_equal(file.data, cases[i].file);
			assert_int_equal(line, cases[i].line);
		}
		text__free(&file);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_others_append_stays),
		cmocka_unit_test(a_small_last_page_stays_in_its_place),
		cmocka_unit_test(a_page_that_is_only_written_at_the_end_has_no_block),
		cmocka_unit_test(failures_are_logged_at_once_and_once),
		cmocka_unit_test(a_hidden_failure_is_a_warning_and_one_that_was_retried_nothing),
		cmocka_unit_test(no_more_lines_than_github_shows),
		cmocka_unit_test(text_is_nothing_but_text),
		cmocka_unit_test(what_a_job_leaves_behind_is_on_its_page),
		cmocka_unit_test(limits_and_huge_pages_are_on_the_page),
		cmocka_unit_test(a_long_command_is_whole_at_the_end),
		cmocka_unit_test(messages_name_places),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
