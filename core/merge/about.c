/* SPDX-License-Identifier: BSD-2-Clause */
/* What a sink says of itself, read from it by a process without rights: its code, and that of the library that it needs, runs
 * in no other. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/log.h"
#include "core/merge/merge.h"
#include "core/text.h"

#define ABOUT_MAX (1U << 20) /* bytes */
#define OPTIONS_MAX 256
#define VERDICTS_MAX 64
#define FAILED "failed"

struct sink_verdicts {
	struct sink_verdict all[VERDICTS_MAX];
	const struct sink_verdict *list[VERDICTS_MAX + 1];
};

const struct plugin_kind sink_kind = {
	.folder = "sinks",
	.symbol = SINK_SYMBOL,
	.abi = SINK_ABI,
	.size = sizeof(struct sink),
	.size_min = offsetof(struct sink, close) + sizeof(((struct sink *)0)->close),
};

/* ---- in the process that loads it ---- */

/* A text, ended by a NUL; one that may be NULL has a + before it. */
static void put(struct text *out, const char *text)
{
	if (text)
		text__printf(out, "+%s", text);
	text__put(out, "", 1);
}

static void put_number(struct text *out, uint64_t number)
{
	text__printf(out, "%llu", (unsigned long long)number);
	text__put(out, "", 1);
}

static void put_sink(struct text *out, const struct sink *sink)
{
	const struct sink_verdict *const *verdict = sink->verdicts;

	put(out, sink->help);
	put(out, sink->needs);
	put(out, sink->suffix);
	put(out, sink->reads);
	put(out, sink->replaces);
	put_number(out, sink->output);
	put_number(out, sink->page);
	put_number(out, sink->live);
	for (; verdict && *verdict; verdict++) {
		put(out, (*verdict)->kinds);
		put(out, (*verdict)->needs);
		put(out, (*verdict)->proof);
		put(out, (*verdict)->certainty);
		put(out, (*verdict)->text);
	}
	put(out, NULL);
	for (const struct opt *opt = sink->options; opt && opt->name; opt++) {
		put(out, opt->name);
		put(out, opt->value);
		put(out, opt->help);
		put_number(out, opt->type);
		put_number(out, opt->min);
		put_number(out, opt->max);
	}
}

int sink__check(const struct sink *sink, struct error *err)
{
	if (!sink->open || !sink->write || !sink->close)
		return error__set(err, -ENOEXEC, "sink %s: has no open, write or close function", sink->name);
	return 0;
}

/* Exits with 0 if it has been written. */
static void describe(struct plugin *plugin, int to)
{
	struct text out = {0};
	struct error err;
	int rc = plugin__start(&sink_kind, plugin, &err);

	if (!rc)
		rc = sink__check(plugin->table, &err);
	if (rc) {
		put(&out, FAILED);
		put_number(&out, -rc);
		put(&out, err.text);
	} else {
		put(&out, "");
		put_sink(&out, plugin->table);
	}
	_exit(out.error || write_all(to, out.data, out.size) ? EXIT_FAILED : EXIT_DONE);
}

/* ---- in ours ---- */

struct reading {
	const char *at, *end;
	bool bad;
};

static const char *take(struct reading *reading)
{
	const char *text = reading->at, *nul = memchr(text, '\0', reading->end - text);

	if (!nul) {
		reading->bad = true;
		return "";
	}
	reading->at = nul + 1;
	return text;
}

static const char *take_text(struct reading *reading)
{
	const char *text = take(reading);

	return *text == '+' ? text + 1 : NULL;
}

static uint64_t take_number(struct reading *reading)
{
	return strtoull(take(reading), NULL, 10);
}

/* Each option gets room of its own: the offsets are ours, not the sink's. */
static void take_option(struct reading *reading, struct sink_about *about, struct opt *opt)
{
	opt->name = take_text(reading);
	opt->value = take_text(reading);
	opt->help = take_text(reading);
	opt->type = take_number(reading);
	opt->min = take_number(reading);
	opt->max = take_number(reading);
	opt->offset = about->sink.conf_size;
	about->sink.conf_size += sizeof(struct opt_list);
	reading->bad |= !opt->name || !*opt->name || !opt->help || opt->type > OPT_MAP;
}

/* Up to an entry without kinds. */
static void take_verdicts(struct reading *reading, struct sink_verdicts *verdicts)
{
	const char *kinds;

	for (size_t n = 0; (kinds = take_text(reading)) && !reading->bad; n++) {
		struct sink_verdict *verdict = &verdicts->all[n];

		verdicts->list[n] = verdict;
		verdict->kinds = kinds;
		verdict->needs = take_text(reading);
		verdict->proof = take_text(reading);
		verdict->certainty = take_text(reading);
		verdict->text = take_text(reading);
		reading->bad |= !verdict->needs || !verdict->certainty || !verdict->text || n + 1 == VERDICTS_MAX;
	}
}

static int take_sink(struct reading *reading, struct sink_about *about)
{
	struct sink *sink = &about->sink;
	size_t n = 0;

	sink->help = take_text(reading);
	sink->needs = take_text(reading);
	sink->suffix = take_text(reading);
	sink->reads = take_text(reading);
	sink->replaces = take_text(reading);
	sink->output = take_number(reading);
	sink->page = take_number(reading);
	sink->live = take_number(reading);
	take_verdicts(reading, about->verdicts);
	sink->verdicts = about->verdicts->list;
	while (reading->at < reading->end && !reading->bad && n < OPTIONS_MAX)
		take_option(reading, about, &about->options[n++]);
	sink->options = about->options;
	return reading->bad || !sink->help || sink->output > SINK_FOLDER || reading->at < reading->end ? -ENOEXEC : 0;
}

/* All that the process writes; NULL if it is too much, or memory is short. */
static char *read_all(int from, size_t *size)
{
	char *bytes = malloc(ABOUT_MAX);
	ssize_t n = 1;

	*size = 0;
	while (bytes && *size < ABOUT_MAX && n) {
		n = read(from, bytes + *size, ABOUT_MAX - *size);
		if (n > 0)
			*size += n;
		else if (n < 0 && errno != EINTR)
			break;
	}
	if (bytes && !n)
		return bytes;
	free(bytes);
	return NULL;
}

/* Starts the process and reads what it says. NULL: it ended without a word. */
static char *ask(struct plugin *plugin, const struct account *account, size_t *size)
{
	int pipe[2];
	char *said;
	pid_t pid;

	if (pipe2(pipe, O_CLOEXEC))
		return NULL;
	pid = account__fork(account);
	if (!pid)
		describe(plugin, pipe[1]);
	close(pipe[1]);
	said = pid > 0 ? read_all(pipe[0], size) : NULL;
	close(pipe[0]);
	if (pid > 0 && account__wait(pid)) {
		free(said);
		said = NULL;
	}
	return said;
}

int sink_about__of(struct plugin *plugin, const struct account *account, struct sink_about **out, struct error *err)
{
	struct sink_about *about = calloc(1, sizeof(*about));
	struct reading reading = {0};
	const char *failed;
	size_t size;
	int rc;

	*out = NULL;
	if (!about)
		return error__set(err, -ENOMEM, "%s", strerror(ENOMEM));
	about->said = ask(plugin, account, &size);
	about->options = calloc(OPTIONS_MAX + 1, sizeof(*about->options));
	about->verdicts = calloc(1, sizeof(*about->verdicts));
	about->name = strdup(plugin->name);
	about->sink.name = about->name;
	if (about->said)
		reading = (struct reading){about->said, about->said + size, false};
	failed = about->said ? take_text(&reading) : NULL;
	if (!failed || !about->options || !about->verdicts || !about->name) {
		rc = error__set(err, -ENOEXEC, "%s: the process that loads it failed", plugin->path);
	} else if (*failed) {
		rc = -(int)take_number(&reading);
		failed = take_text(&reading);
		error__set(err, 0, "%s", failed ? failed : "");
	} else {
		rc = take_sink(&reading, about);
		if (rc)
			error__set(err, rc, "%s: its description is not valid", plugin->path);
	}
	if (rc)
		sink_about__free(about);
	else
		*out = about;
	return rc;
}

int sink_about__read(struct sink_about **about, const char *dir, const char *name, struct error *err)
{
	struct account account;
	struct plugin plugin;
	int rc = plugin__find(&sink_kind, dir, name, &plugin, err);

	*about = NULL;
	if (rc)
		return rc;
	account__find(&account);
	rc = sink_about__of(&plugin, &account, about, err);
	plugin__unload(&plugin);
	return rc;
}

void sink_about__free(struct sink_about *about)
{
	if (!about)
		return;
	free(about->options);
	free(about->verdicts);
	free(about->said);
	free(about->name);
	free(about);
}

/* ---- --list ---- */

static void print(FILE *out, const struct sink *sink)
{
	fprintf(out, "sink %s: %s\n", sink->name, sink->help);
	if (sink->needs)
		fprintf(out, "  needs %s\n", sink->needs);
	if (sink->options->name)
		fprintf(out, "  options\n");
	list__options(out, sink->options);
	fputc('\n', out);
}

bool sinks__list(FILE *out, const char *dir)
{
	struct sink_about *about;
	struct error err;
	char **names;
	int rc = plugin__names(&sink_kind, dir, &names);
	bool all = !rc;

	if (rc)
		log__error("%s/%s: cannot be read: %s", dir, sink_kind.folder, strerror(-rc));
	for (char **name = names; name && *name; name++) {
		if (sink_about__read(&about, dir, *name, &err)) {
			log__error("%s", err.text);
			all = false;
			continue;
		}
		print(out, &about->sink);
		sink_about__free(about);
	}
	plugin__names_free(names);
	return all;
}
