/* SPDX-License-Identifier: BSD-2-Clause */
/* The tool that a program is about, as people would say it: "bwa mem" of `sh -c 'mkdir -p out && bwa mem x'`,
 * "sort" of `timeout 5 sort x`, "plot.py" of `python3 plot.py`. Reads a shell's line as far as that takes. */
#include <string.h>

#include "sinks/steps/steps_rule.h"

#define NESTED_MAX 4 /* of sh -c "sh -c ..." */

/* Lists of words, each with a blank before and after. */
static const char reserved[] = " if then else elif do while until ! { builtin eval ";
static const char quiet[] =
	" mkdir cd set export source . module ml rm echo printf true false : umask ulimit trap unset touch sleep "
	"test [ [[ ln local declare readonly shopt pushd popd exit wait read for case fi done esac } ) ";
static const char wrappers[] = " exec command env nice ionice timeout stdbuf nohup setsid sudo taskset numactl "
			       "chrt time unbuffer xvfb-run catchsegv ";
static const char shells[] = " sh bash dash zsh ksh mksh ash ";
static const char interpreters[] = " sh bash dash zsh ksh mksh ash perl ruby node Rscript julia ";
static const char containers[] = " singularity apptainer docker podman srun ";
static const char subcommands[] =
	" abpoa aws az bamtools bcftools bedtools bwa bwa-mem2 cargo cellranger checkm cnvkit.py conda csvtk "
	"cutadapt deeptools diamond docker fgbio gatk gcloud git go gsutil gtdbtk htseq kallisto kubectl "
	"mamba medaka micromamba mmseqs nanopolish nextflow npm picard pip pip3 podman qiime rsem salmon "
	"sambamba samtools seqkit seqtk singularity apptainer snpEff spaceranger taxonkit umi_tools vg ";

/* What is left to read: a shell's line, or arguments each ended by a NUL. */
struct words {
	const char *at, *end;
	bool line;
	char word[STEPS_NAME_MAX];
};

enum token { END, WORD, OPERATOR };

static bool is_in(const char *list, const char *word)
{
	size_t n = strlen(word);

	for (const char *at = list; n && (at = strstr(at, word)); at++)
		if (at > list && at[-1] == ' ' && at[n] == ' ')
			return true;
	return false;
}

static enum token take_argument(struct words *words)
{
	size_t n = strnlen(words->at, (size_t)(words->end - words->at));
	size_t kept = n < STEPS_NAME_MAX ? n : STEPS_NAME_MAX - 1;

	if (words->at >= words->end)
		return END;
	memcpy(words->word, words->at, kept);
	words->word[kept] = '\0';
	words->at += n + 1;
	return WORD;
}

/* To the last character of $(...). */
static void skip_substitution(struct words *words)
{
	int depth = 0;

	for (words->at++; words->at < words->end; words->at++) {
		depth += (*words->at == '(') - (*words->at == ')');
		if (!depth)
			return;
	}
	words->at = words->end - 1;
}

/* A word of a shell's line without its quotes; nothing is expanded. */
static void take_word(struct words *words)
{
	char quote = '\0';
	size_t n = 0;

	for (; words->at < words->end; words->at++) {
		char c = *words->at;

		if (c == quote) {
			quote = '\0';
			continue;
		}
		if (!quote && (c == '\'' || c == '"')) {
			quote = c;
			continue;
		}
		if (!quote && strchr(" \t\n;&|()<>", c))
			break;
		if (c == '\\' && quote != '\'' && words->at + 1 < words->end)
			c = *++words->at;
		else if (c == '$' && words->at + 1 < words->end && words->at[1] == '(')
			skip_substitution(words);
		if (n < STEPS_NAME_MAX - 1)
			words->word[n++] = c;
	}
	words->word[n] = '\0';
}

static enum token take(struct words *words)
{
	if (!words->line)
		return take_argument(words);
	while (words->at < words->end) {
		char c = *words->at;

		if (c == '#') {
			while (words->at < words->end && *words->at != '\n')
				words->at++;
		} else if (strchr(" \t", c)) {
			words->at++;
		} else if (strchr("\n;&|()", c)) {
			words->at++;
			return OPERATOR;
		} else if (strchr("<>", c)) { /* a redirection and its target: not a program */
			while (words->at < words->end && strchr("<>& \t", *words->at))
				words->at++;
			take_word(words);
		} else {
			take_word(words);
			if (words->at == words->end || !strchr("<>", *words->at) ||
			    words->word[strspn(words->word, "0123456789")])
				return WORD;
		}
	}
	return END;
}

static const char *base_of(const char *word)
{
	const char *slash = strrchr(word, '/');

	return slash && slash[1] ? slash + 1 : word;
}

static bool is_assignment(const char *word)
{
	size_t n = strspn(word, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_");

	return n && word[n] == '=';
}

/* An option of a wrapper, or its value: -n 5, 10s, A=b. */
static bool is_wrapping(const char *word)
{
	size_t n = strspn(word, "0123456789.");

	return *word == '-' || is_assignment(word) || (n && !word[n + (word[n] && strchr("smhdK", word[n]))]);
}

static bool is_interpreter(const char *name)
{
	return is_in(interpreters, name) || !strncmp(name, "python", 6) || !strcmp(name, "java");
}

static void set(char out[STEPS_NAME_MAX], const char *name)
{
	memmove(out, name, strlen(name) + 1);
}

static bool find_tool(struct words words, int nested, char out[STEPS_NAME_MAX]);

/* What a shell was given by -c: a line of its own. */
static bool find_line(struct words words, int nested, char out[STEPS_NAME_MAX])
{
	struct words inner = {.at = words.at, .end = words.end, .line = true};
	char text[STEPS_NAME_MAX];

	if (nested >= NESTED_MAX)
		return false;
	if (words.line) {
		take(&words);
		inner.at = strcpy(text, words.word);
		inner.end = text + strlen(text);
	} else {
		inner.end = inner.at + strnlen(inner.at, (size_t)(inner.end - inner.at));
	}
	return find_tool(inner, nested + 1, out);
}

/* Whether an option says that code comes next, instead of a script's name: -c, -lc, -e, -ne. */
static bool is_code(const char *option, bool shell)
{
	size_t n = strlen(option);

	if (n < 2 || n > 6 || option[1] == '-')
		return false;
	return shell ? strchr(option, 'c') != NULL : strchr("ceE", option[n - 1]) != NULL;
}

/* The script that an interpreter runs, which is what it is about. */
static bool find_script(struct words words, const char *name, int nested, char out[STEPS_NAME_MAX])
{
	bool shell = is_in(shells, name), module = false;

	while (take(&words) == WORD) {
		if (module || (words.word[0] != '-' && words.word[0] != '+')) {
			set(out, base_of(words.word));
			return *out;
		}
		if (is_code(words.word, shell))
			return shell && find_line(words, nested, out);
		module = !strcmp(words.word, "-m") || !strcmp(words.word, "-jar");
		if (shell && words.word[strlen(words.word) - 1] == 'o') /* -euo pipefail */
			take(&words);
	}
	return false;
}

/* What a container's shell is given: singularity exec image bash -c '...'. */
static bool find_inside(struct words words, int nested, char out[STEPS_NAME_MAX])
{
	while (take(&words) == WORD)
		if (is_in(shells, base_of(words.word)) && take(&words) == WORD && is_code(words.word, true))
			return find_line(words, nested, out);
	return false;
}

/* A tool, found at the place of a program. */
static bool name_tool(struct words words, int nested, char out[STEPS_NAME_MAX])
{
	char name[STEPS_NAME_MAX];
	size_t n;

	set(name, base_of(words.word));
	if (is_interpreter(name) && find_script(words, name, nested, out))
		return true;
	if (is_in(containers, name) && find_inside(words, nested, out))
		return true;
	set(out, name);
	n = strlen(out);
	if (!is_in(subcommands, name) || take(&words) != WORD)
		return true;
	if (words.word[0] >= 'a' && words.word[0] <= 'z' && !strpbrk(words.word, "./=") &&
	    n + 1 + strlen(words.word) < STEPS_NAME_MAX) {
		out[n] = ' ';
		strcpy(out + n + 1, words.word);
	}
	return true;
}

static bool find_tool(struct words words, int nested, char out[STEPS_NAME_MAX])
{
	char fallback[STEPS_NAME_MAX] = "";
	enum token token;
	bool wrapped = false;

	while ((token = take(&words)) != END) {
		const char *name = base_of(words.word);

		if (token == OPERATOR || is_assignment(words.word) || is_in(reserved, words.word))
			continue;
		if (wrapped && is_wrapping(words.word))
			continue;
		if (is_in(wrappers, name)) {
			wrapped = true;
			continue;
		}
		if (!words.line || !is_in(quiet, name))
			return name_tool(words, nested, out);
		if (!*fallback)
			set(fallback, name);
		while ((token = take(&words)) == WORD)
			;
		wrapped = false;
		if (token == END)
			break;
	}
	set(out, fallback);
	return *out;
}

void steps_tool__name(const struct model_command *command, const char *comm, char out[STEPS_NAME_MAX])
{
	struct words words = {.line = false};
	const char *name = model_command__name(command, comm);
	size_t n = strnlen(name, STEPS_NAME_MAX - 1), size;

	if (command && command->args.data) {
		words.at = command->args.data;
		size = command->args.length;
		words.end = words.at + (size < STEPS_TEXT_MAX ? size : STEPS_TEXT_MAX);
		if (find_tool(words, 0, out))
			return;
	}
	memcpy(out, name, n);
	out[n] = '\0';
}
