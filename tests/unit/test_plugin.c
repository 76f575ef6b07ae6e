/* SPDX-License-Identifier: BSD-2-Clause */
/* Finding and loading plugins: real ones, compiled from plugins/fixture.c by $CC. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
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
	{"crashes", "-DNAME='\"crashes\"' -DAT_LOAD='abort()'"},
	{"exits", "-DNAME='\"exits\"' -DAT_LOAD='exit(0)'"},
	{"hangs", "-DNAME='\"hangs\"' -DAT_LOAD='for (;;) pause()'"},
	{"noted",
	 "-DNAME='\"noted\"' -DAT_LOAD='dprintf(atoi(getenv(\"NOTES\")), \"%d\\n\", getpid())' -include stdio.h"},
	{"noted2",
	 "-DNAME='\"noted2\"' -DAT_LOAD='dprintf(atoi(getenv(\"NOTES\")), \"%d\\n\", getpid())' -include stdio.h"},
	{"spoils", "-DNAME='\"spoils\"' -DAT_LOAD='setenv(\"SPOILT\", \"\", 1)'"},
	{"spoilt", "-DNAME='\"spoilt\"' -DAT_LOAD='if (getenv(\"SPOILT\")) abort()'"},
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
	static const char *const expected[] = {"crashes", "exits",     "folder", "good",   "hangs",	 "nameless",
					       "no_elf",  "no_symbol", "noted",	 "noted2", "null",	 "older",
					       "renamed", "spoils",    "spoilt", "tiny",   "unresolved", "wrong_abi"};
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
		    "@/probes/wrong_abi.so was built for version 4 of the probe ABI, this collector needs 3: "
		    "rebuild it against this version's headers");
	check_fails("tiny", -ENOEXEC,
		    "@/probes/tiny.so: its struct probe has 16 bytes instead of at least 24: rebuild it");
	check_fails("nameless", -ENOEXEC, "@/probes/nameless.so: the probe has no name: set it to \"nameless\"");
	check_fails("renamed", -ENOEXEC,
		    "@/probes/renamed.so: the name of the probe is \"other\": rename the file to other.so");
	check_fails("null", -ENOEXEC, "@/probes/null.so: its collector_test is NULL: rebuild it");
	check_fails("no_symbol", -ENOEXEC, "@/probes/no_symbol.so is not a probe: it does not export collector_test");
	check_fails("no_elf", -ENOEXEC, "@/probes/no_elf.so is not a shared library");
	check_fails("folder", -ENOEXEC, "@/probes/folder.so is not a regular file");
	/* RTLD_NOW: not in the middle of a run. The linker's own words. */
	assert_int_equal(plugin__load(&kind, dir, "unresolved", &plugin, &err), -ENOEXEC);
	assert_non_null(strstr(err.text, "/probes/unresolved.so: "));
	assert_non_null(strstr(err.text, "missing_function"));
	assert_null(strstr(err.text, "/proc/self"));
}

/* Code that runs before anything can be checked. */
static void test_constructors(void **state)
{
	(void)state;
	check_fails("crashes", -ENOEXEC, "@/probes/crashes.so: loading it crashed: signal 6 (Aborted)");
	check_fails("exits", -ENOEXEC, "@/probes/exits.so: loading it ended the process");
	check_fails("hangs", -ENOEXEC, "@/probes/hangs.so: loading it has not returned within 10 s");
}

static void find_all(const char *const *names, size_t count, struct plugin *plugins)
{
	struct error err;

	for (size_t i = 0; i < count; i++)
		assert_int_equal(plugin__find(&kind, dir, names[i], &plugins[i], &err), 0);
}

/* One child for all, and another one after each that crashes. */
static void test_together(void **state)
{
	static const char *const names[] = {"noted", "crashes", "noted2", "spoils", "noted", "spoilt", "exits"};
	char path[128], notes[32], text[256] = "";
	struct plugin plugins[7];
	int pids[3], fd;

	(void)state;
	snprintf(path, sizeof(path), "%s/notes", dir);
	fd = open(path, O_RDWR | O_CREAT | O_APPEND, 0600);
	assert_true(fd >= 0);
	snprintf(notes, sizeof(notes), "%d", fd);
	setenv("NOTES", notes, 1);
	find_all(names, 7, plugins);
	plugin__rehearse(&kind, plugins, 7);
	assert_true(pread(fd, text, sizeof(text) - 1, 0) > 0);
	assert_int_equal(sscanf(text, "%d %d %d", &pids[0], &pids[1], &pids[2]), 3);
	assert_int_not_equal(pids[0], pids[1]);
	assert_int_equal(pids[1], pids[2]);
	for (size_t i = 0; i < 7; i++) {
		assert_true(plugins[i].tried);
		assert_int_equal(plugins[i].fault, i == 1 ? SIGABRT : i == 6 ? -ECHILD : 0);
	}
	/* Not a second time. */
	plugin__rehearse(&kind, plugins, 7);
	assert_int_equal(pread(fd, text, sizeof(text), 0), strlen(text));
	for (size_t i = 0; i < 7; i++)
		plugin__unload(&plugins[i]);
	close(fd);
}

static uint8_t *read_good(size_t *size)
{
	uint8_t *bytes = malloc(1 << 20);
	char path[128];
	FILE *file;

	snprintf(path, sizeof(path), "%s/probes/good.so", dir);
	file = fopen(path, "rb");
	assert_non_null(file);
	*size = fread(bytes, 1, 1 << 20, file);
	fclose(file);
	assert_in_range(*size, 1000, (1 << 20) - 1);
	return bytes;
}

/* Loads these bytes as a plugin `good` in a folder of its own. */
static int load_bytes(const uint8_t *bytes, size_t size, struct error *err)
{
	char folder[128], path[160];
	struct plugin plugin;
	FILE *file;
	int rc;

	snprintf(folder, sizeof(folder), "%s/damaged", dir);
	snprintf(path, sizeof(path), "%s/probes/good.so", folder);
	file = fopen(path, "wb");
	assert_non_null(file);
	fwrite(bytes, 1, size, file);
	fclose(file);
	chmod(path, 0644);
	rc = plugin__load(&kind, folder, "good", &plugin, err);
	plugin__unload(&plugin);
	return rc;
}

static void test_truncated(void **state)
{
	struct error err;
	size_t size;
	uint8_t *bytes = read_good(&size);

	(void)state;
	run("umask 022; mkdir -p %s/damaged/probes", dir);
	assert_int_equal(load_bytes(bytes, size, &err), 0);
	for (size_t at = 0; at < size; at += at < 128 ? 8 : 512) {
		assert_int_equal(load_bytes(bytes, at, &err), -ENOEXEC);
		assert_non_null(strstr(err.text, at < 64 ? "good.so is not a shared library"
							 : "good.so is truncated: install it again"));
	}
	assert_int_equal(load_bytes(bytes, size - 1, &err), -ENOEXEC);
	free(bytes);
}

/* Whatever bytes of the part that the dynamic linker reads are wrong: no crash. */
static void test_mutated(void **state)
{
	size_t size, crashes = 0;
	uint8_t *bytes = read_good(&size);
	struct error err;

	(void)state;
	run("umask 022; mkdir -p %s/damaged/probes", dir);
	for (size_t i = 0; i < 400; i++) {
		size_t at = i < 200 ? i * 6 % 0x600 : i * 37 % size;
		uint8_t before = bytes[at];

		bytes[at] ^= i % 3 ? 1 << i % 8 : 0xff;
		if (load_bytes(bytes, size, &err))
			crashes += !!strstr(err.text, "crashed");
		bytes[at] = before;
	}
	assert_true(crashes); /* some of them do crash the linker, in the child */
	free(bytes);
}

static void test_absent(void **state)
{
	struct plugin_kind sinks = {.folder = "sinks", .symbol = "x"};
	struct plugin plugin;
	struct error err;
	char expected[1024];

	(void)state;
	check_fails("godo", -ENOENT, "no probe \"godo\" in @/probes: did you mean \"good\"?");
	check_fails(
		"zzz", -ENOENT,
		"no probe \"zzz\" in @/probes: choose from crashes, exits, folder, good, hangs, nameless, "
		"no_elf, no_symbol, noted, noted2, null, older, renamed, spoils, spoilt, tiny, unresolved, wrong_abi");
	check_fails(
		"../probes/good", -ENOENT,
		"no probe \"../probes/good\" in @/probes: choose from crashes, exits, folder, good, "
		"hangs, nameless, no_elf, no_symbol, noted, noted2, null, older, renamed, spoils, spoilt, tiny, unresolved, wrong_abi");
	assert_int_equal(plugin__load(&sinks, dir, "x", &plugin, &err), -ENOENT);
	snprintf(expected, sizeof(expected), "no folder %s/sinks: set the right one with --plugin-dir", dir);
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
		     "@/probes/good.so is writable by users other than root: chmod go-w @/probes/good.so");
	check_unsafe("chmod g+w probes", "chmod g-w probes",
		     "@/probes is writable by users other than root: chmod go-w @/probes");
	check_unsafe("chown 65534 probes/good.so", "chown 0 probes/good.so",
		     "@/probes/good.so belongs to UID 65534: root loads only what belongs to root");
	check_unsafe("chown 65534 .", "chown 0 .", "@ belongs to UID 65534: root loads only what belongs to root");
	/* A link of root's own to a file of somebody else. */
	check_unsafe("mv probes/good.so x && chown 65534 x && ln -s ../x probes/good.so",
		     "chown 0 x && mv x probes/good.so",
		     "@/x belongs to UID 65534: root loads only what belongs to root");
	run("chmod 1777 %s/probes", dir); /* sticky: nobody else can exchange root's files in it */
	assert_int_equal(plugin__load(&kind, dir, "good", &plugin, &err), 0);
	plugin__unload(&plugin);
	run("chmod 755 %s/probes", dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),	cmocka_unit_test(test_load),	     cmocka_unit_test(test_many),
		cmocka_unit_test(test_broken),	cmocka_unit_test(test_absent),	     cmocka_unit_test(test_unsafe),
		cmocka_unit_test(test_links),	cmocka_unit_test(test_constructors), cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_mutated), cmocka_unit_test(test_together),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
