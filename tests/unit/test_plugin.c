/* SPDX-License-Identifier: BSD-2-Clause */
/* Finding and loading plugins: real ones, compiled from plugins/fixture.c by $CC. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/base/plugin.h"

/* What the test's core knows of plugins/fixture.c's struct. */
struct table {
	uint32_t abi, size;
	const char *name;
	uint64_t first, second;
};

static const struct plugin_kind kind = {
	.folder = "probes",
	.symbol = "collector_test",
	.abi = 3,
	.size = sizeof(struct table),
	.size_min = offsetof(struct table, second),
};

/* Files of the folder, and the -D that they are compiled by. */
static const struct {
	const char *name, *flags;
} fixtures[] = {
	{"good", ""},
	{"older", "-DNAME='\"older\"' -DSIZE='offsetof(struct table, second)' -include stddef.h"},
	{"tiny", "-DNAME='\"tiny\"' -DSIZE=16"},
	{"wrong_abi", "-DABI=4"},
	{"nameless", "-DNAME=0"},
	{"renamed", "-DNAME='\"other\"'"},
	{"null", "-DIS_NULL"},
	{"no_symbol", "-DSYMBOL=collector_sink"},
	{"unresolved", "-DNAME='\"unresolved\"' -DUNRESOLVED"},
};

static char dir[] = "/tmp/test_plugin.XXXXXX";

static void run(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static void run(const char *fmt, ...)
{
	char command[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(command, sizeof(command), fmt, ap);
	va_end(ap);
	if (system(command))
		fail_msg("failed: %s", command);
}

static int setup(void **state)
{
	const char *cc = getenv("CC"), *srcdir = getenv("srcdir");
	size_t i;

	(void)state;
	assert_non_null(mkdtemp(dir));
	run("umask 022; chmod 755 %s; mkdir %s/probes", dir, dir);
	for (i = 0; i < sizeof(fixtures) / sizeof(fixtures[0]); i++)
		run("umask 022; %s -shared -fPIC %s -o %s/probes/%s.so %s/tests/unit/plugins/fixture.c", cc ? cc : "cc",
		    fixtures[i].flags, dir, fixtures[i].name, srcdir ? srcdir : ".");
	run("cd %s/probes; umask 022; echo text >no_elf.so; mkdir folder.so; touch Upper.so x-y.so .so a.txt", dir);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	run("rm -rf %s", dir);
	return 0;
}

/* `expected` with every @ for the folder. */
static void check_fails(const char *name, int rc, const char *expected)
{
	char wanted[1024], *out = wanted;
	struct plugin plugin, zero = {0};
	struct error err;

	for (; *expected; expected++) {
		if (*expected == '@')
			out = stpcpy(out, dir);
		else
			*out++ = *expected;
	}
	*out = '\0';
	assert_int_equal(plugin__load(&kind, dir, name, &plugin, &err), rc);
	assert_string_equal(err.text, wanted);
	assert_memory_equal(&plugin, &zero, sizeof(zero));
	plugin__unload(&plugin);
}

static void test_names(void **state)
{
	static const char *const expected[] = {"folder", "good",    "nameless", "no_elf",     "no_symbol", "null",
					       "older",	 "renamed", "tiny",	"unresolved", "wrong_abi"};
	struct plugin_kind none = {.folder = "sinks"};
	char **names;
	size_t i;

	(void)state;
	assert_int_equal(plugin__names(&kind, dir, &names), 0);
	for (i = 0; i < sizeof(expected) / sizeof(expected[0]); i++)
		assert_string_equal(names[i], expected[i]);
	assert_null(names[i]);
	plugin__names_free(names);
	assert_int_equal(plugin__names(&none, dir, &names), -ENOENT);
	assert_null(names);
	plugin__names_free(NULL);
}

static void test_load(void **state)
{
	struct plugin good, older;
	const struct table *table;
	struct error err;

	(void)state;
	/* A plugin of newer headers: its struct is longer than ours. */
	assert_int_equal(plugin__load(&kind, dir, "good", &good, &err), 0);
	table = good.table;
	assert_string_equal(good.name, "good");
	assert_string_equal(table->name, "good");
	assert_int_equal(table->first, 11);
	assert_int_equal(table->second, 22);

	/* One of older headers, loaded beside it: what its struct does not have is zero. */
	assert_int_equal(plugin__load(&kind, dir, "older", &older, &err), 0);
	table = older.table;
	assert_string_equal(table->name, "older");
	assert_int_equal(table->first, 11);
	assert_int_equal(table->second, 0);
	plugin__unload(&older);
	plugin__unload(&good);
	plugin__unload(&good); /* zeroed */
}

static void test_many(void **state)
{
	struct error err;
	struct plugin first, second, third;

	(void)state;
	/* A descriptor that is free again gives the next file the same name for dlopen(). */
	assert_int_equal(plugin__load(&kind, dir, "good", &first, &err), 0);
	check_fails("no_symbol", -ENOEXEC, "@/probes/no_symbol.so is not a probe: it does not export collector_test");
	assert_int_equal(plugin__load(&kind, dir, "older", &second, &err), 0);
	plugin__unload(&first);
	assert_int_equal(plugin__load(&kind, dir, "good", &third, &err), 0);
	assert_string_equal(((struct table *)third.table)->name, "good");
	plugin__unload(&third);
	plugin__unload(&second);
}

static void test_broken(void **state)
{
	struct plugin plugin;
	struct error err;

	(void)state;
	check_fails("wrong_abi", -ENOEXEC,
		    "@/probes/wrong_abi.so was built for version 4 of the probe ABI, this collector speaks 3: "
		    "rebuild it against this version's headers");
	check_fails("tiny", -ENOEXEC,
		    "@/probes/tiny.so: its struct probe has 16 bytes, at least 24 are needed: build it again");
	check_fails("nameless", -ENOEXEC, "@/probes/nameless.so: the probe has no name: it must be \"nameless\"");
	check_fails("renamed", -ENOEXEC,
		    "@/probes/renamed.so: the probe calls itself \"other\": name the file other.so");
	check_fails("null", -ENOEXEC, "@/probes/null.so: its collector_test is NULL: build it again");
	check_fails("no_symbol", -ENOEXEC, "@/probes/no_symbol.so is not a probe: it does not export collector_test");
	check_fails("no_elf", -ENOEXEC, "@/probes/no_elf.so: file too short");
	check_fails("folder", -ENOEXEC, "@/probes/folder.so is not a regular file");
	/* RTLD_NOW: not in the middle of a run. The linker's own words. */
	assert_int_equal(plugin__load(&kind, dir, "unresolved", &plugin, &err), -ENOEXEC);
	assert_non_null(strstr(err.text, "/probes/unresolved.so: "));
	assert_non_null(strstr(err.text, "missing_function"));
	assert_null(strstr(err.text, "/proc/self"));
}

static void test_absent(void **state)
{
	struct plugin_kind sinks = {.folder = "sinks", .symbol = "x"};
	struct plugin plugin;
	struct error err;
	char expected[1024];

	(void)state;
	check_fails("godo", -ENOENT, "no probe \"godo\" in @/probes: did you mean \"good\"?");
	check_fails("zzz", -ENOENT,
		    "no probe \"zzz\" in @/probes: choose from folder, good, nameless, no_elf, no_symbol, null, "
		    "older, renamed, tiny, unresolved, wrong_abi");
	check_fails("../probes/good", -ENOENT,
		    "no probe \"../probes/good\" in @/probes: choose from folder, good, nameless, no_elf, "
		    "no_symbol, null, older, renamed, tiny, unresolved, wrong_abi");
	assert_int_equal(plugin__load(&sinks, dir, "x", &plugin, &err), -ENOENT);
	snprintf(expected, sizeof(expected), "no folder %s/sinks: give the right one by --plugin-dir", dir);
	assert_string_equal(err.text, expected);
}

static void test_links(void **state)
{
	struct plugin plugin;
	struct error err;
	char path[128];

	(void)state;
	/* A link may lead to a plugin of the same name; the target counts. */
	run("mkdir -p %s/linked/probes && ln -s ../../probes/good.so %s/linked/probes/good.so && "
	    "ln -s ../../probes/good.so %s/linked/probes/alias.so && ln -s loop.so %s/linked/probes/loop.so",
	    dir, dir, dir, dir);
	snprintf(path, sizeof(path), "%s/linked", dir);
	assert_int_equal(plugin__load(&kind, path, "good", &plugin, &err), 0);
	assert_non_null(strstr(plugin.path, "/probes/good.so"));
	assert_null(strstr(plugin.path, "linked"));
	plugin__unload(&plugin);
	assert_int_equal(plugin__load(&kind, path, "alias", &plugin, &err), -ENOEXEC);
	assert_int_equal(plugin__load(&kind, path, "loop", &plugin, &err), -ELOOP);
}

static void check_unsafe(const char *how, const char *back, const char *expected)
{
	run("cd %s && %s", dir, how);
	check_fails("good", -EPERM, expected);
	run("cd %s && %s", dir, back);
}

/* Root loads only what nobody else can have written. */
static void test_unsafe(void **state)
{
	struct plugin plugin;
	struct error err;

	(void)state;
	if (geteuid() != 0)
		skip();
	check_unsafe("chmod o+w probes/good.so", "chmod o-w probes/good.so",
		     "@/probes/good.so is writable by others than root: chmod go-w @/probes/good.so");
	check_unsafe("chmod g+w probes", "chmod g-w probes",
		     "@/probes is writable by others than root: chmod go-w @/probes");
	check_unsafe("chown 65534 probes/good.so", "chown 0 probes/good.so",
		     "@/probes/good.so belongs to uid 65534: only root's own may be loaded by root");
	check_unsafe("chown 65534 .", "chown 0 .", "@ belongs to uid 65534: only root's own may be loaded by root");
	/* A link of root's own to a file of somebody else. */
	check_unsafe("mv probes/good.so x && chown 65534 x && ln -s ../x probes/good.so",
		     "chown 0 x && mv x probes/good.so",
		     "@/x belongs to uid 65534: only root's own may be loaded by root");
	run("chmod 1777 %s/probes", dir); /* sticky: nobody else can exchange root's files in it */
	assert_int_equal(plugin__load(&kind, dir, "good", &plugin, &err), 0);
	plugin__unload(&plugin);
	run("chmod 755 %s/probes", dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),  cmocka_unit_test(test_load),   cmocka_unit_test(test_many),
		cmocka_unit_test(test_broken), cmocka_unit_test(test_absent), cmocka_unit_test(test_unsafe),
		cmocka_unit_test(test_links),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
