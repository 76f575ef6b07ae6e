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

static struct redact *new_redact(const char *const *patterns)
{
	struct redact *redact;
	struct error err = {0};
	size_t n = 0;

	while (patterns[n])
		n++;
	if (redact__new(&redact, patterns, n, &err))
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
	changed = redact__text(redact, false, &got, &got_length);
	if (got_length != expected_length || memcmp(got, expected, got_length) != 0)
		fail_msg("\"%s\" became \"%.*s\", not \"%s\"", text, (int)got_length, got, expected);
	assert_int_equal(changed, got != copy);
	free(copy);
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
	{"Authorization: Bearer abc.def", "Authorization: ***"},
	{"curl -H \"Authorization: Basic dTpw\" https://h", "curl -H \"Authorization: ***\" https://h"},
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
	struct redact *redact = new_redact(redact_default);
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
	struct redact *redact = new_redact(redact_default);
	char line[512], *item, *rest;
	const char *text;
	size_t i, length;
	bool follows;

	(void)state;
	for (i = 0; i < sizeof(harmless) / sizeof(harmless[0]); i++) {
		check_text(redact, harmless[i], harmless[i]); /* as bash -c has it, in one item */
		snprintf(line, sizeof(line), "%s", harmless[i]);
		follows = false;
		for (item = strtok_r(line, " ", &rest); item; item = strtok_r(NULL, " ", &rest)) {
			text = item;
			length = strlen(item);
			if (redact__text(redact, follows, &text, &length))
				fail_msg("\"%s\" of \"%s\" was hidden", item, harmless[i]);
			follows = true;
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
		redact__text(redact, i > 0, &text, &length);
		if (length != strlen(expected[i]) || memcmp(text, expected[i], length) != 0)
			fail_msg("item %zu, \"%s\", became \"%.*s\"", i, items[i], (int)length, text);
	}
}

static void test_two_items(void **state)
{
	struct redact *redact = new_redact(redact_default);

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

static void test_list(void **state)
{
	static const char *const items[] = {"login", "--token", "abc", "PASSWORD=x", NULL};
	struct redact *redact = new_redact(redact_default);
	char **copy;

	(void)state;
	copy = redact__list(redact, items);
	assert_non_null(copy);
	assert_string_equal(copy[1], "--token");
	assert_string_equal(copy[2], "***");
	assert_string_equal(copy[3], "PASSWORD=***");
	assert_null(copy[4]);
	redact__list_free(copy);
	copy = redact__list(NULL, items);
	assert_non_null(copy);
	assert_string_equal(copy[3], "PASSWORD=x");
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
	struct redact *redact = new_redact(explodes);
	char *text = malloc(200000);

	(void)state;
	memset(text, 'a', 200000);
	memcpy(text + 60, "b", 1);
	check(redact, text, 61, "***", 3); /* could not be searched: hidden */
	redact__free(redact);

	redact = new_redact(redact_default);
	memset(text, '-', 200000);
	check(redact, text, 200000, text, 200000);
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
	assert_int_equal(redact__new(&redact, patterns, 2, &err), -EINVAL);
	assert_null(redact);
	assert_int_equal(redact__new(&redact, NULL, 0, &err), 0);
	check_text(redact, "--password=x", "--password=x"); /* an empty list hides nothing */
	redact__free(redact);
	redact__free(NULL);
}

/* Every argument of every process goes through this: 2 us for a typical one would be felt. The bound is
 * far above what is measured (0.1 to 0.3 us), since machines that run tests are busy. */
static void test_cost(void **state)
{
	static const char text[] = "--output=sorted_sample_1.fq.gz";
	struct redact *redact = new_redact(redact_default);
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
			assert_false(redact__text(redact, false, &at, &length));
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
		cmocka_unit_test(test_secrets),	  cmocka_unit_test(test_harmless),
		cmocka_unit_test(test_two_items), cmocka_unit_test(test_patterns_of_users),
		cmocka_unit_test(test_list),	  cmocka_unit_test(test_examples),
		cmocka_unit_test(test_limits),	  cmocka_unit_test(test_bad_patterns),
		cmocka_unit_test(test_cost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
