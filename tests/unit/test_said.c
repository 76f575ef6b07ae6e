/* SPDX-License-Identifier: BSD-2-Clause */
/* What a process said last: kept with its run, and the tool that a shell names in it. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "sinks/model/process.h"

#define LIST(text) text, sizeof(text)

static const struct {
	const char *args; /* of the shell */
	size_t size;
	const char *text, *tool; /* NULL: none */
	uint64_t code;
} messages[] = {
	{LIST("bash\0-c\0x"), "bash: line 3: samtoolz: command not found\n", "samtoolz", 127},
	{LIST("bash\0p.sh"), "p.sh: line 12: ./tools/bwa-mem2: Permission denied\n", "./tools/bwa-mem2", 126},
	{LIST("/bin/bash\0-ue\0/w/.command.sh"), "+ x\n/w/.command.sh: line 2: fastqc: command not found", "fastqc",
	 127},
	/* de, fr (with a blank and a no-break space before the colon), ja, a message of one word */
	{LIST("bash\0p.sh"), "p.sh: Zeile 3: samtoolz: Kommando nicht gefunden.\n", "samtoolz", 127},
	{LIST("bash\0-c\0x"), "bash: ligne 3 : samtoolz : commande introuvable\n", "samtoolz", 127},
	{LIST("bash\0-c\0x"), "bash: ligne 3\u00a0: samtoolz\u00a0: commande introuvable\n", "samtoolz", 127},
	{LIST("bash\0-c\0x"), "bash: \xe8\xa1\x8c 3: samtoolz: \xe3\x82\xb3\xe3\x83\x9e\n", "samtoolz", 127},
	{LIST("sh\0-c\0x"), "sh: 1: samtoolz: not found\n", "samtoolz", 127},
	{LIST("/bin/sh\0-c\0x"), "/bin/sh: 1: samtoolz: not found\r\n\n", "samtoolz", 127},
	{LIST("busybox\0sh"), "sh: samtoolz: not found\n", "samtoolz", 127},
	{LIST("zsh\0-c\0x"), "zsh:1: command not found: samtoolz\n", "samtoolz", 127},
	/* a script whose interpreter is missing: bash 5.2 in en, fr, ja, zh, older ones, dash, busybox, zsh */
	{LIST("bash\0p.sh"), "p.sh: line 5: ./qc: cannot execute: required file not found\n", "./qc", 127},
	{LIST("bash\0-c\0x"), "bash: ./qc: cannot execute: required file not found\n", "./qc", 127},
	{LIST("bash\0p.sh"), "p.sh: ligne 5\u00a0: ./qc\u00a0: ne peut ex\u00e9cuter\u00a0: le fichier\n", "./qc", 127},
	{LIST("bash\0p.sh"), "p.sh: \u884c 5: ./qc: \u5b9f\u884c\u3067\u304d\u307e\u305b\u3093: \u5fc5\u8981\u306a\n",
	 "./qc", 127},
	{LIST("bash\0p.sh"), "p.sh: \u884c 5: ./qc: \u65e0\u6cd5\u6267\u884c\uff1a\u627e\u4e0d\u5230\n", "./qc", 127},
	{LIST("bash\0p.sh"), "p.sh: line 5: ./qc: /opt/py: bad interpreter: No such file or directory\n", "./qc", 127},
	{LIST("bash\0-c\0x"), "bash: ./qc: /opt/py: bad interpreter: No such file or directory\n", "./qc", 127},
	{LIST("bash\0-c\0x"), "bash: ./qc: /opt/py: D\u00e9fectueux: Aucun fichier\n", "./qc", 127},
	{LIST("dash\0p.sh"), "p.sh: 1: ./qc: not found\n", "./qc", 127},
	{LIST("busybox\0sh\0p.sh"), "p.sh: line 1: ./qc: not found\n", "./qc", 127},
	{LIST("zsh\0-c\0x"), "zsh:1: ./qc: bad interpreter: /opt/py: no such file or directory\n", "./qc", 127},
	{LIST("make"), "make: execvp: ./qc: Permission denied\n", "./qc", 127},
	{LIST("bash\0-c\0x"), "bash: 7z: command not found\n", "7z", 127},
	{LIST("make\0all"), "make: samtoolz: No such file or directory\n", "samtoolz", 127},
	{LIST("make\0-C\0x"), "make[2]: samtoolz: No such file or directory\n", "samtoolz", 127},
	{LIST("make"), "make: samtoolz: No such file or directory\nmake: *** [Makefile:2: all] Error 127\n", "samtoolz",
	 2},
	{LIST("make"), "make: samtoolz: Aucun fichier\nmake: *** [Makefile:2 : all] Erreur 127\n", "samtoolz", 2},
	{LIST("make"), "make: samtoolz: No such file or directory\nmake: *** [Makefile:2: all] Error 1\n", NULL, 2},
	{LIST("make"), "make: samtoolz: No such file or directory\n", NULL, 2},
	{LIST("make"), "make: *** [Makefile:2: all] Error 127\n", NULL, 2},
	/* of another one, of no shell, not at the end, not a name */
	{LIST("bash\0p.sh"), "dash: 1: samtoolz: not found\n", NULL, 127},
	{LIST("bash\0p.sh"), "command not found\n", NULL, 127},
	{LIST("bash\0p.sh"), "samtoolz: command not found\n", NULL, 127},
	{LIST("bash\0p.sh"), "p.sh: line 3: samtoolz: command not found\nsomething else\n", NULL, 127},
	{LIST("bash\0p.sh"), "p.sh: line 3: two words: command not found\n", NULL, 127},
	{LIST("bash\0p.sh"), "p.sh: a:b:c:d:e:f:g:h:i: j\n", NULL, 127},
	{LIST("bash\0p.sh"), "p.sh: : : \n", NULL, 127},
	{LIST("bash\0p.sh"), ":::\n", NULL, 127},
	{LIST("bash\0p.sh"), "", NULL, 127},
	{LIST("bash\0p.sh"), "\n\n", NULL, 127},
};

static void the_tool_that_was_missing(void **state)
{
	char name[64];

	(void)state;
	for (size_t i = 0; i < sizeof(messages) / sizeof(messages[0]); i++) {
		const char *args = messages[i].args;
		const struct model_command shell = {.exe = {.data = args, .length = (uint32_t)strlen(args)},
						    .args = {.data = args, .length = messages[i].size}};
		const struct model_said said = {.text = messages[i].text, .length = strlen(messages[i].text)};
		bool found = model_said__tool(&said, &shell, messages[i].code, name, sizeof(name));

		if (found != !!messages[i].tool || (found && strcmp(name, messages[i].tool) != 0))
			fail_msg("\"%s\": %s", messages[i].text, found ? name : "none");
	}
	assert_false(model_said__tool(&(struct model_said){.text = "sh: 1: samtoolz: not found", .length = 26},
				      &(struct model_command){.args = {.data = "sh", .length = 3}}, 127, name, 8));
}

static struct value string(const char *text)
{
	if (!text)
		return (struct value){.type = VALUE_NULL, .reason = EVENT_REASON_GONE};
	return (struct value){.type = VALUE_STRING, .string = text, .length = strlen(text)};
}

static int said(struct run *run, uint32_t pid, const char *words, const char *file)
{
	const struct record record = {.pid = pid, .start = 7};
	struct value text = string(words), cut = {.type = VALUE_UINT, .u = 12}, path = string(file);
	const struct feed feed = {.run = run, .record = &record, .field = {&text, &cut, &path}};

	return said__take(&feed);
}

static void texts_are_kept(void **state)
{
	struct run run = {0};
	const struct model_said *found;

	(void)state;
	assert_null(model_run__said(&run.pub, 1, 7));
	assert_int_equal(said(&run, 1, NULL, "/log"), 0);
	found = model_run__said(&run.pub, 1, 7);
	assert_true(found && !found->text && found->reason == EVENT_REASON_GONE);
	assert_int_equal(said(&run, 1, "of the task", "/work/.command.err"), 0);
	assert_int_equal(said(&run, 1, NULL, "/other"), 0); /* another of its files */
	found = model_run__said(&run.pub, 1, 7);
	assert_string_equal(found->text, "of the task");
	assert_string_equal(found->path, "/work/.command.err");
	assert_int_equal(found->length, 11);
	assert_int_equal(found->cut, 12);
	assert_int_equal(found->reason, 0);
	assert_null(model_run__said(&run.pub, 1, 8));
	said__free_all(&run);
}

static void shown_as_read(void **state)
{
	static const struct {
		const char *words, *kept;
	} cases[] = {
		{"\x1b[1;30mERROR\x1b[0m \x1b[31mno x\x1b[K\n", "ERROR no x\n"},
		{"FAIL\tapp\t0.2s", "FAIL app 0.2s"},
		{"\x1b]8;;http://x\x1b\\a\x1b]0;title\ab\x1b(B", "ab"},
		{"\x1b[0m", ""},
		{"a\x1b", "a\x1b"},
		{"a\x1b[3", "a"},
		{"[1m 5\n", "[1m 5\n"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct run run = {0};
		const struct model_said *found;

		assert_int_equal(said(&run, 1, cases[i].words, "/log"), 0);
		found = model_run__said(&run.pub, 1, 7);
		assert_string_equal(found->text, cases[i].kept);
		assert_int_equal(found->length, strlen(cases[i].kept));
		assert_int_equal(found->written, strlen(cases[i].words));
		said__free_all(&run);
	}
}

static void memory_is_bounded(void **state)
{
	static char words[4096];
	struct run run = {0};
	uint32_t pid;

	(void)state;
	memset(words, 'x', sizeof(words) - 1);
	for (pid = 1; pid <= 5000; pid++)
		assert_int_equal(said(&run, pid, words, NULL), 0);
	assert_true(run.said.first_bytes + run.said.last_bytes <= 2 * (512 << 10) + 8192);
	assert_true(run.said.all.count > 200 && run.said.all.count < 300);
	assert_non_null(model_run__said(&run.pub, 1, 7));
	assert_null(model_run__said(&run.pub, 1000, 7));
	assert_non_null(model_run__said(&run.pub, 5000, 7));
	said__free_all(&run);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_tool_that_was_missing),
		cmocka_unit_test(texts_are_kept),
		cmocka_unit_test(shown_as_read),
		cmocka_unit_test(memory_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
