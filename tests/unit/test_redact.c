/* SPDX-License-Identifier: BSD-2-Clause */
/* Redaction: no secret of the default list passes, no harmless argument is touched. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "core/config/redact.h"
#include "core/config/redact_table.h"

/* NULL: the defaults. */
static struct redact *new_redact(const char *const *patterns)
{
	struct redact *redact;
	struct error err = {0};
	size_t n = 0;

	while (patterns && patterns[n])
		n++;
	if (redact__new(&redact, !patterns, patterns, n, &err))
		fail_msg("%s", err.text);
	return redact;
}

/* Runs one text of its own through a list of patterns; the text is in memory of its exact size, so that
 * a sanitizer sees a read behind it. */
static void check(struct redact *redact, const char *text, size_t length, const char *expected, size_t expected_length)
{
	char *copy = malloc(length ? length : 1);
	const char *got = copy;
	size_t got_length = length;
	bool changed;

	memcpy(copy, text, length);
	changed = redact__text(redact, RECORD_ALONE, &got, &got_length);
	if (got_length != expected_length || memcmp(got, expected, got_length) != 0)
		fail_msg("\"%s\" became \"%.*s\", not \"%s\"", text, (int)got_length, got, expected);
	assert_int_equal(changed, got != copy);
	free(copy);
}

#define KEY_LINE "MIIJKQIBAAKCAgEAtK0bQ4vVJ+abcdefghij/klmnopqrstuvwxyz0123456789A"
#define READ "ACGTACGTACGTACGTACGTACGTACGTACGTACGTACGTACGTACGTACGTACGTACGT"

/* What a program has written: each line for itself, as a message or as a command. */
static void test_lines(void **state)
{
	static const char *const lines[][2] = {
		{"one\ntwo\n", "one\ntwo\n"},
		{"\n\n", "\n\n"},
		{"password=x\nnext", "password=***\nnext"},
		{"a\r\nDB_PASSWORD=x\r\nb", "a\r\nDB_PASSWORD=***\r\nb"},
		{"+ mysql -psecret -u root\n", "+ mysql -p*** -u root\n"},
		{"mysql -phunter2 'not closed\ncurl -u me:hunter2 x\n", "mysql -p*** 'not closed\ncurl -u me:*** x\n"},
		{"x\n-----BEGIN RSA PRIVATE KEY-----\nabc\n-----END RSA PRIVATE KEY-----\ny\n", "x\n***\ny\n"},
		{"AbC+/dE0\nabc=\n-----END RSA PRIVATE KEY-----'\ny\n", "***'\ny\n"},
		{"x y\n  QUJD\n  abc=\n  -----END PRIVATE KEY-----\n", "x y\n***\n"},
		{KEY_LINE "\n" KEY_LINE "\nabc=\n", "***"},
		{KEY_LINE "\r\n" KEY_LINE "\r\nall else\n", "***all else\n"},
		{"ok\n" KEY_LINE "\n" KEY_LINE "\n", "ok\n" KEY_LINE "\n" KEY_LINE "\n"},
		{READ "\n" READ "\n", READ "\n" READ "\n"},
		{"  ~ admin_password = \"a\" -> \"b\"\n", "  ~ admin_password = *** -> ***\n"},
		{"access denied (using password: YES)\n", "access denied (using password: YES)\n"},
		{"access denied using password 'hunter2'\n", "access denied using password ***\n"},
		{"make: *** [Makefile:3: up] docker login -p X r\n",
		 "make: *** [Makefile:3: up] docker login -p *** r\n"},
		{"- name: DB_PASSWORD\n  value: hunter2\n", "- name: DB_PASSWORD\n  value: ***\n"},
		{"done\n-----END CERTIFICATE-----\n", "done\n-----END CERTIFICATE-----\n"},
		{"can't open 'x': No such file\n", "can't open 'x': No such file\n"},
	};
	struct redact *redact;
	struct error err;

	(void)state;
	assert_int_equal(redact__new(&redact, true, NULL, 0, &err), 0);
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		const char *got = lines[i][0];
		size_t length = strlen(got);
		bool changed = redact__text(redact, RECORD_LINES, &got, &length);

		if (length != strlen(lines[i][1]) || memcmp(got, lines[i][1], length) != 0)
			fail_msg("\"%s\" became \"%.*s\"", lines[i][0], (int)length, got);
		assert_int_equal(changed, strcmp(lines[i][0], lines[i][1]) != 0);
	}
	/* with a NUL */
	{
		const char *got = "a\0password=x\nb";
		size_t length = 14;

		assert_true(redact__text(redact, RECORD_LINES, &got, &length));
		assert_int_equal(length, 16);
		assert_memory_equal(got, "a\0password=***\nb", 16);
	}
	redact__free(redact);
}

static void check_text(struct redact *redact, const char *text, const char *expected)
{
	check(redact, text, strlen(text), expected, strlen(expected));
}

static const char *const secrets[][2] = {
	{"--password=hunter2", "--password=***"},
	{"--password=two words & more", "--password=***"},
	{"-Dhttp.proxyPassword=x", "-Dhttp.proxyPassword=***"},
	{"DB_PASSWORD=a\nb", "DB_PASSWORD=***"},
	{"--db-pass=x", "--db-pass=***"},
	{"PGPASSWORD=x y", "PGPASSWORD=***"},
	{"SSHPASS=x", "SSHPASS=***"},
	{"--passwd=x", "--passwd=***"},
	{"--env=TOWER_ACCESS_TOKEN=eyJ0 x", "--env=TOWER_ACCESS_TOKEN=***"},
	{"-eTOKEN=x", "-eTOKEN=***"},
	{"Api-Key: abc", "Api-Key: ***"},
	{"X-Auth-Token:abc", "X-Auth-Token:***"},
	{"api_key=abc", "api_key=***"},
	{"APIKEY=abc", "APIKEY=***"},
	{"AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI/K7MDENG", "AWS_SECRET_ACCESS_KEY=***"},
	{"AWS_ACCESS_KEY_ID=AKIAIOSFODNN7EXAMPLE", "AWS_ACCESS_KEY_ID=***"},
	{"--client-secret=s", "--client-secret=***"},
	{"pass:hunter2", "pass:***"},
	{"mysql --password=x -e 'select 1'", "mysql --password=*** -e 'select 1'"},
	{"login --token abc --verbose", "login --token *** --verbose"},
	{"login --token 'a b' --verbose", "login --token *** --verbose"},
	{"export GH_TOKEN=\"a b\"; make", "export GH_TOKEN=*** make"},
	{"export SECRET='it'\\''s'", "export SECRET=***"},
	{"{\"user\": \"u\", \"password\": \"x y\"}", "{\"user\": \"u\", \"password\": ***"},
	{"user: u\npassword: x\nhost: h", "user: u\npassword: ***\nhost: h"},
	{"host=h password=x dbname=d", "host=h password=*** dbname=d"},
	{"https://h/x?a=1&token=abc", "https://h/x?a=1&token=***"},
	{"https://b.s3.amazonaws.com/k?X-Amz-Signature=ab12&x=1",
	 "https://b.s3.amazonaws.com/k?X-Amz-Signature=***&x=1"},
	{"https://a.blob.core.windows.net/c?sv=2020&sig=ab%2B", "https://a.blob.core.windows.net/c?sv=2020&sig=***"},
	{"AccountName=a;AccountKey=abc==;x", "AccountName=a;AccountKey=***"},
	{"Server=s;Uid=u;Pwd=x;", "Server=s;Uid=u;Pwd=***;"},
	{"Authorization: Bearer abc.def", "Authorization: Bearer ***"},
	{"curl -H \"Authorization: Basic dTpw\" https://h", "curl -H \"Authorization: Basic ***\" https://h"},
	{"Cookie: session=abc; x=y", "Cookie: ***"},
	{"-H=Bearer abcdefghijkl", "-H=Bearer ***"},
	{"https://user:pa@ss@host/x", "https://user:***@host/x"},
	{"postgresql://u:p@h:5432/d and redis://:p2@h", "postgresql://u:***@h:5432/d and redis://:***@h"},
	{"https://hooks.slack.com/services/T0/B0/xyz", "https://hooks.slack.com/services/***"},
	{"AKIAIOSFODNN7EXAMPLE", "***"},
	{"x ASIAIOSFODNN7EXAMPLE y", "x *** y"},
	{"ghp_0123456789abcdefghijABCDEFGHIJ012345", "***"},
	{"https://github_pat_11ABCDEFG0123456789_abc@github.com", "https://***@github.com"},
	{"glpat-0123456789abcdefghij", "***"},
	{"xoxb-0123456789-abcdefghij", "***"},
	{"sk-proj-0123456789abcdefghijABCDEFGHIJ", "***"},
	{"sk_live_0123456789abcdef", "***"},
	{"AIzaSyA0123456789abcdefghijklmnopqrstuv", "***"},
	{"npm_0123456789abcdefghijABCDEFGHIJ012345", "***"},
	{"hf_0123456789abcdefghijABCDEFGHIJ0123", "***"},
	{"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln", "***"},
	{"-----BEGIN RSA PRIVATE KEY-----\nMII\n-----END RSA PRIVATE KEY-----\nrest", "***\nrest"},
	{"-----BEGIN CRYPT4GH PRIVATE KEY-----\ncut off", "***"},
	{"AGE-SECRET-KEY-1QQPQQ", "***"},
};

static void test_secrets(void **state)
{
	struct redact *redact = new_redact(NULL);
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(secrets) / sizeof(secrets[0]); i++)
		check_text(redact, secrets[i][0], secrets[i][1]);
	redact__free(redact);
}

/* Whole command lines, one item a word, as they are seen in pipelines. */
static const char *const harmless[] = {
	"bwa mem -t 4 -R @RG\\tID:S1\\tSM:sample1\\tPL:ILLUMINA ref.fa r_1.fq.gz r_2.fq.gz",
	"samtools sort -@ 8 -m 2G -T /tmp/key -o key.bam -",
	"samtools view -e mapq>=30&&[NM]<=2 --input-fmt-option required_fields=0x1 in.cram",
	"bcftools view -f PASS,. -i FILTER==\"PASS\" --pass in.vcf.gz",
	"bcftools query -f %CHROM:%POS\\t%REF\\n in.vcf",
	"STAR --twopassMode Basic --two-pass reads.fq --outSAMattrRGline ID:x",
	"gatk --java-options -Xmx4g HaplotypeCaller -R ref.fa -I in.bam -L chr1:1-1000",
	"python train.py --tokenizer bpe --max-tokens 512 --tokens=5 --tokenizer-path /models/tok.json",
	"sort -k1,1 -k2,2n --key=3 -S 2G -T /scratch keys.bed",
	"snakemake --cores 4 --config key=value samples=s.tsv --secrets-dir /x",
	"nextflow run nf-core/sarek -r 3.4.0 -profile docker,test --outdir s3://bucket/results:x",
	"docker run -v /data:/data -u 1000:1000 --user 1000:1000 --name nxf-x ghcr.io/tool:1.0@sha256:abcd",
	"singularity exec --pwd /work -B /ref:/ref image.sif cmd",
	"awk -F: {print\\ $1\":\"$2} /etc/passwd",
	"ssh git@host.org rsync -a user@host:/data/ .",
	"curl -sSL http://localhost:8080/x@y https://h:443/path?a=b&c=d",
	"minimap2 -ax map-ont ref.mmi reads.fq",
	"global-alignment-score-matrix-blosum task-0123456789abcdefghijABCDEFGHIJ",
	"blastp -query MKTAYIAKQRQISFVKSHFSRQLEERLGLIEVQAPILSRVGDGTQDNLSGAEKAVQ",
	"grep -c ACGTACGTACGTACGTACGTACGT reads.txt secretome.fa authors.txt",
	"psql --no-password mydb",
	"openssl req -passin file:/x -newkey rsa:2048",
	"PWD=/home/u OLDPWD=/ HOME=/home/u PATH=/usr/bin:/bin SLURM_JOB_ID=12 NXF_TASK_WORKDIR=/w/ab/cd",
	"ssh-keygen -t ed25519 -f id_ed25519",
	"bash -c if [ \"$a\" == b ]; then echo token; fi",
};

static void test_harmless(void **state)
{
	struct redact *redact = new_redact(NULL);
	char line[512], *item, *rest;
	const char *text;
	size_t i, length;
	enum record_place place;

	(void)state;
	for (i = 0; i < sizeof(harmless) / sizeof(harmless[0]); i++) {
		check_text(redact, harmless[i], harmless[i]); /* as bash -c has it, in one item */
		snprintf(line, sizeof(line), "%s", harmless[i]);
		place = RECORD_LIST_FIRST;
		for (item = strtok_r(line, " ", &rest); item; item = strtok_r(NULL, " ", &rest)) {
			text = item;
			length = strlen(item);
			if (redact__text(redact, place, &text, &length))
				fail_msg("\"%s\" of \"%s\" was hidden", item, harmless[i]);
			place = RECORD_LIST_NEXT;
		}
	}
	redact__free(redact);
}

static void check_items(struct redact *redact, const char *const *items, const char *const *expected)
{
	const char *text;
	size_t i, length;

	for (i = 0; items[i]; i++) {
		text = items[i];
		length = strlen(text);
		redact__text(redact, i ? RECORD_LIST_NEXT : RECORD_LIST_FIRST, &text, &length);
		if (length != strlen(expected[i]) || memcmp(text, expected[i], length) != 0)
			fail_msg("item %zu, \"%s\", became \"%.*s\"", i, items[i], (int)length, text);
	}
}

static void test_two_items(void **state)
{
	struct redact *redact = new_redact(NULL);

	(void)state;
#define ITEMS(...) ((const char *const[]){__VA_ARGS__, NULL})
	check_items(redact, ITEMS("x", "--password", "hunter2", "y"), ITEMS("x", "--password", "***", "y"));
	check_items(redact, ITEMS("--api-key", "-x1", "-token", "--1"), ITEMS("--api-key", "***", "-token", "***"));
	check_items(redact, ITEMS("--password", "--user", "u"), ITEMS("--password", "--user", "u"));
	check_items(redact, ITEMS("--password", "--secret=x", "u"), ITEMS("--password", "--secret=***", "u"));
	check_items(redact, ITEMS("--password=", "u"), ITEMS("--password=", "u"));
	check_items(redact, ITEMS("token", "u"), ITEMS("token", "u"));
	check_items(redact, ITEMS("--password", ""), ITEMS("--password", "***"));
	/* The last item of one list says nothing about what comes after the list. */
	check_items(redact, ITEMS("--password"), ITEMS("--password"));
	check_items(redact, ITEMS("/home"), ITEMS("/home"));
#undef ITEMS
	redact__free(redact);
}

static void test_patterns_of_users(void **state)
{
	static const char *const patterns[] = {"abc", "(key=)\\w+", "(?=(x9))x", "z*", "(q)|ww", "\xff\xfe", NULL};
	struct redact *redact = new_redact(patterns);

	(void)state;
	check_text(redact, "", "");
	check_text(redact, "1abc2abc3", "1***2***3");
	check_text(redact, "key=1 key=2", "key=*** key=***");
	check_text(redact, "key=abc", "key=***");
	check_text(redact, "x9", "***9"); /* a group outside of its match: all of the match */
	check_text(redact, "azzb", "a***b");
	check_text(redact, "q ww", "q ***");
	check(redact, "a\xff\xfe\0b\xc3", 6, "a***\0b\xc3", 7);
	redact__free(redact);
}

/* Only the secret goes, by its program; the rest of the command line and of the script stays. */
static void test_programs(void **state)
{
	struct redact *redact = new_redact(NULL);

	(void)state;
#define ITEMS(...) ((const char *const[]){__VA_ARGS__, NULL})
	check_items(redact, ITEMS("mysql", "-psecret", "-p", "db"), ITEMS("mysql", "-p***", "-p", "db"));
	check_items(redact, ITEMS("mkdir", "-psecret"), ITEMS("mkdir", "-psecret"));
	check_items(redact, ITEMS("/opt/mysql-8.0", "-psecret"), ITEMS("/opt/mysql-8.0", "-p***"));
	check_items(redact, ITEMS("python3.11", "-m", "twine", "upload", "-p", "x"),
		    ITEMS("python3.11", "-m", "twine", "upload", "-p", "***"));
	check_items(redact, ITEMS("/usr/bin/python3", "/usr/bin/az", "login", "-u", "a", "-p", "x"),
		    ITEMS("/usr/bin/python3", "/usr/bin/az", "login", "-u", "a", "-p", "***"));
	check_items(redact, ITEMS("sudo", "-u", "curl", "env", "A=B", "timeout", "5", "curl", "-sSua:b", "-u", "c:d"),
		    ITEMS("sudo", "-u", "curl", "env", "A=B", "timeout", "5", "curl", "-sSua:***", "-u", "c:***"));
	check_items(redact, ITEMS("docker", "run", "-p", "80:80", "docker", "login"),
		    ITEMS("docker", "run", "-p", "80:80", "docker", "login"));
	check_items(redact, ITEMS("docker", "--debug", "login", "-p", "x"),
		    ITEMS("docker", "--debug", "login", "-p", "***"));
	check_items(redact, ITEMS("sqlplus", "-S", "u/p@w@tns"), ITEMS("sqlplus", "-S", "u/***@tns"));
	check_items(redact, ITEMS("sqlplus", "/nolog"), ITEMS("sqlplus", "/nolog"));
	check_items(redact, ITEMS("sshpass", "-p", "--verbose", "ssh"), ITEMS("sshpass", "-p", "--verbose", "ssh"));
	check_items(redact, ITEMS("docker", "build", "--secret", "id=x", "."),
		    ITEMS("docker", "build", "--secret", "id=x", "."));
	check_items(redact, ITEMS("git", "config", "core.editor", "vi"), ITEMS("git", "config", "core.editor", "vi"));
	check_items(redact, ITEMS("git", "config", "h.token", "x"), ITEMS("git", "config", "h.token", "***"));
	check_items(redact, ITEMS("qpdf", "--encrypt", "u", "o", "256", "--", "in"),
		    ITEMS("qpdf", "--encrypt", "***", "***", "256", "--", "in"));
	check_items(redact, ITEMS("openssl", "enc", "-keyout", "k", "-k", "x"),
		    ITEMS("openssl", "enc", "-keyout", "k", "-k", "***"));
#undef ITEMS
	redact__free(redact);
}

static const char *const scripts[][2] = {
	{"TOKEN=$(cat t); export TOKEN; bwa mem -t 8 r.fa", "TOKEN=$(cat t); export TOKEN; bwa mem -t 8 r.fa"},
	{"TOKEN=abc; bwa mem -t 8 r.fa", "TOKEN=***; bwa mem -t 8 r.fa"},
	{"PASSWORD='a b' ./run -x|tee log", "PASSWORD=*** ./run -x|tee log"},
	{"mysql -pabc<x>y;mysql -p\"$P\"", "mysql -p***<x>y;mysql -p\"$P\""},
	{"if true; then curl -u 'a:b c' h; fi", "if true; then curl -u 'a:***' h; fi"},
	{"X=$(curl -u a:b h) ssh a@h \"mysql -pabc; ls\"", "X=$(curl -u a:*** h) ssh a@h \"mysql -p***; ls\""},
	{"curl -u '$a:$b' h", "curl -u '$a:***' h"}, /* not an expansion */
	{"zip -P `cat p` x; zip -P \"`cat p`\" x", "zip -P `cat p` x; zip -P \"`cat p`\" x"},
	{"# mysql -pabc\nls", "# mysql -p***\nls"},
	{"mysql -p", "mysql -p"},
	{"mysql -p'", "mysql -p'"},
	{"sudo -u a mysql \\\n -pabc", "sudo -u a mysql \\\n -p***"},
	{"", ""},
};

static void test_scripts(void **state)
{
	struct redact *redact = new_redact(NULL);
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(scripts) / sizeof(scripts[0]); i++)
		check_items(redact, (const char *const[]){"sh", "-ec", scripts[i][0], "x", NULL},
			    (const char *const[]){"sh", "-ec", scripts[i][1], "x", NULL});
	redact__free(redact);
}

static const char *const bad_tables[][2] = {
	{"\t-p SECRET\n", "line 1: a rule before the first program"},
	{"a\n\t-p SECRET\nb a\n", "line 3: \"a\" is in the table twice"},
	{"a\n\t-pSECRET _\n", "line 2: \"_\" has no place in this rule"},
	{"a\n\t-p SECRET x\n", "line 2: \"x\" has no place in this rule"},
	{"a\n\n# x\n\tb -[q]\n", "line 4: \"-[q\" has no place in this rule"},
	{"a\n\tb c d e f g h i j k l m n\n", "line 2: \"n\" has no place in this rule"},
};

static void test_bad_tables(void **state)
{
	struct redact_table *table = (void *)-1;
	char many[2048] = "a\n";
	struct error err;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad_tables) / sizeof(bad_tables[0]); i++) {
		assert_int_equal(redact_table__new(&table, bad_tables[i][0], &err), -EINVAL);
		assert_string_equal(err.text, bad_tables[i][1]);
		assert_null(table);
	}
	for (i = 0; i < REDACT_RULES_MAX + 1; i++)
		strcat(many, "\t-p SECRET\n");
	assert_int_equal(redact_table__new(&table, many, &err), -EINVAL);
	assert_string_equal(err.text, "line 66: more than 64 rules");
	assert_int_equal(redact_table__new(&table, "# nothing", &err), 0);
	assert_null(redact_table__find(table, "mysql", 5));
	redact_table__free(table);
	redact_table__free(NULL);
}

static void test_list(void **state)
{
	static const char *const items[] = {"login", "--token", "abc", "PASSWORD=x", NULL};
	struct redact *redact = new_redact(NULL);
	uint64_t count = 0;
	char **copy;

	(void)state;
	copy = redact__list(redact, RECORD_LIST_FIRST, items, &count);
	assert_non_null(copy);
	assert_string_equal(copy[1], "--token");
	assert_string_equal(copy[2], "***");
	assert_string_equal(copy[3], "PASSWORD=***");
	assert_null(copy[4]);
	redact__list_free(copy);
	copy = redact__list(NULL, RECORD_LIST_FIRST, items, &count);
	assert_non_null(copy);
	assert_string_equal(copy[3], "PASSWORD=x");
	assert_int_equal(count, 2);
	redact__list_free(copy);
	redact__list_free(NULL);
	redact__free(redact);
}

/* The examples of core/config/redact.h and collector.yaml(5). */
static void test_examples(void **state)
{
	static const char *const patterns[] = {"(--token(?:=|\\z))\\S*", "AKIA[A-Z0-9]{16}", NULL};
	struct redact *redact = new_redact(patterns);

	(void)state;
	check_text(redact, "--token=abc", "--token=***");
	check_text(redact, "AKIAIOSFODNN7EXAMPLE", "***");
	check_items(redact, (const char *const[]){"--token", "abc", NULL},
		    (const char *const[]){"--token", "***", NULL});
	redact__free(redact);
}

static void test_limits(void **state)
{
	static const char *const explodes[] = {"(a+)+$", NULL};
	static const char *const repeated[] = {"-",	  "://a:", "A_KEY=", "x.key=",	"A_",
					       "echo a ", "a:",	   "\"",     "login a "};
	size_t i, at;
	struct redact *redact = new_redact(explodes);
	char *text = malloc(200000);

	(void)state;
	memset(text, 'a', 200000);
	memcpy(text + 60, "b", 1);
	check(redact, text, 61, "***", 3); /* could not be searched: hidden */
	redact__free(redact);

	/* Texts on which a search could take steps by the square of their length: they stay below the limit. */
	redact = new_redact(NULL);
	for (i = 0; i < sizeof(repeated) / sizeof(repeated[0]); i++) {
		for (at = 0; at < 200000; at++)
			text[at] = repeated[i][at % strlen(repeated[i])];
		memcpy(text, "@ ", 2);
		check(redact, text, 200000, text, 200000);
	}
	redact__free(redact);
	free(text);
}

static void test_bad_patterns(void **state)
{
	const char *patterns[] = {"fine", "("};
	struct redact *redact = (void *)-1;
	struct error err;

	(void)state;
	assert_int_equal(redact__check("a(b", &err), -EINVAL);
	assert_string_equal(err.text,
			    "\"a(b\" is not a valid regular expression: missing closing parenthesis, at character 4");
	assert_int_equal(redact__check("(?i)(a)b", &err), 0);
	assert_int_equal(redact__new(&redact, false, patterns, 2, &err), -EINVAL);
	assert_null(redact);
	assert_int_equal(redact__new(&redact, false, NULL, 0, &err), 0);
	check_text(redact, "--password=x", "--password=x"); /* an empty list hides nothing */
	redact__free(redact);
	redact__free(NULL);
}

/* Own patterns beside the default ones. */
static void test_more_than_the_defaults(void **state)
{
	static const char *const patterns[] = {"patient-\\d+"};
	struct redact *redact;
	struct error err;

	(void)state;
	assert_int_equal(redact__new(&redact, true, patterns, 1, &err), 0);
	check_items(redact, (const char *const[]){"mysql", "-pabc", "patient-12", "--token=x", NULL},
		    (const char *const[]){"mysql", "-p***", "***", "--token=***", NULL});
	redact__free(redact);
}

/* Every argument of every process goes through this: 2 us for a typical one would be felt. The bound is
 * far above what is measured (0.1 to 0.3 us), since machines that run tests are busy. */
static void test_cost(void **state)
{
	static const char text[] = "--output=sorted_sample_1.fq.gz";
	struct redact *redact = new_redact(NULL);
	struct timespec from, to;
	double ns, best = 1e9;
	const char *at;
	size_t length;
	int round, i;

	(void)state;
	for (round = 0; round < 20; round++) {
		clock_gettime(CLOCK_THREAD_CPUTIME_ID, &from);
		for (i = 0; i < 5000; i++) {
			at = text;
			length = sizeof(text) - 1;
			assert_false(redact__text(redact, RECORD_ALONE, &at, &length));
		}
		clock_gettime(CLOCK_THREAD_CPUTIME_ID, &to);
		ns = ((to.tv_sec - from.tv_sec) * 1e9 + to.tv_nsec - from.tv_nsec) / 5000;
		best = ns < best ? ns : best;
	}
	print_message("%zu bytes without a secret: %.0f ns\n", sizeof(text) - 1, best);
#if !defined(__SANITIZE_ADDRESS__) && defined(__OPTIMIZE__)
	assert_true(best < 5000);
#endif
	redact__free(redact);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_secrets),
		cmocka_unit_test(test_harmless),
		cmocka_unit_test(test_two_items),
		cmocka_unit_test(test_patterns_of_users),
		cmocka_unit_test(test_list),
		cmocka_unit_test(test_examples),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_bad_patterns),
		cmocka_unit_test(test_cost),
		cmocka_unit_test(test_programs),
		cmocka_unit_test(test_scripts),
		cmocka_unit_test(test_bad_tables),
		cmocka_unit_test(test_more_than_the_defaults),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
