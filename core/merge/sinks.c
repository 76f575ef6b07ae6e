/* SPDX-License-Identifier: BSD-2-Clause */
/* Loads, configures and calls sinks. */
#include "core/merge/merge.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/base.h"
#include "core/log.h"

struct sinks_entry {
	struct plugin plugin;
	struct sink_about *about; /* until it is loaded */
	const struct sink *sink;
	const char *spec;
	void *conf, *state;
	struct sink_api api;
	struct place place;
	char *path; /* the place's: options go with the part that loads the sink */
	struct sink_files files;
	const struct sinks *sinks;
	uint64_t delivered; /* records */
	bool open, reports; /* reports: the sink calls delivered() itself */
};

static const struct opt no_options[] = {{0}};

static const struct opt *sink__options(const struct sink *sink)
{
	return sink->options ? sink->options : no_options;
}

static void entry__forget(struct sinks_entry *entry)
{
	if (entry->sink)
		opt__free(sink__options(entry->sink), entry->conf);
	free(entry->conf);
	entry->conf = NULL;
	entry->sink = NULL;
}

static void entry__stop(struct sinks_entry *entry)
{
	if (entry->open)
		entry->sink->close(entry->state);
	entry->open = false;
}

static void entry__free(struct sinks_entry *entry)
{
	entry__stop(entry);
	place__close(&entry->place);
	free(entry->path);
	sink_files__close(&entry->files);
	entry__forget(entry);
	sink_about__free(entry->about);
	plugin__unload(&entry->plugin);
}

/* Sets the options as the sink's own table, or what it says of itself, has them. */
static int entry__configure(struct sinks_entry *entry, const struct sink *sink, struct error *err)
{
	const char *options = strchr(entry->spec, ':');
	struct error why;
	int rc;

	entry__forget(entry);
	entry->sink = sink;
	entry->conf = calloc(1, sink->conf_size ? sink->conf_size : 1);
	if (!entry->conf)
		return error__set(err, -ENOMEM, "%s", strerror(ENOMEM));
	rc = opt__defaults(sink__options(sink), entry->conf);
	if (rc)
		return error__set(err, rc, "sink %s: an option's default is not valid", sink->name);
	rc = opt__parse(sink__options(sink), entry->conf, options ? options + 1 : NULL, &why);
	return rc ? error__set(err, rc, "--sink %s: %s", sink->name, why.text) : 0;
}

static int entry__start(struct sinks_entry *entry, struct error *err)
{
	int rc = plugin__start(&sink_kind, &entry->plugin, err);

	if (!rc)
		rc = sink__check(entry->plugin.table, err);
	return rc ? rc : entry__configure(entry, entry->plugin.table, err);
}

static int entry__load(struct sinks_entry *entry, const char *dir, struct error *err)
{
	const struct account *account = entry->sinks->account;
	char *name = strndup(entry->spec, strcspn(entry->spec, ":"));
	int rc;

	if (!name)
		return error__set(err, -ENOMEM, "%s", strerror(ENOMEM));
	rc = plugin__find(&sink_kind, dir, name, &entry->plugin, err);
	free(name);
	if (!rc && (!account || !account->apart))
		return entry__start(entry, err);
	if (!rc)
		rc = sink_about__of(&entry->plugin, account, &entry->about, err);
	return rc ? rc : entry__configure(entry, &entry->about->sink, err);
}

int sinks__add(struct sinks *sinks, const char *dir, const char *spec, struct error *err)
{
	struct sinks_entry *entries = reallocarray(sinks->entries, sinks->count + 1, sizeof(*entries));

	if (!entries)
		return error__set(err, -ENOMEM, "%s", strerror(ENOMEM));
	sinks->entries = entries;
	entries[sinks->count] =
		(struct sinks_entry){.place = {.to = -1, .hidden = -1, .made = -1}, .sinks = sinks, .spec = spec};
	return entry__load(&entries[sinks->count++], dir, err);
}

int sinks__start(struct sinks *sinks, struct error *err)
{
	int rc = 0;

	for (size_t i = 0; i < sinks->count && !rc; i++)
		if (!sinks->entries[i].plugin.handle)
			rc = entry__start(&sinks->entries[i], err);
	return rc;
}

/* An option that sinks of files must have; NULL if it is missing. */
static void *entry__option(const struct sinks_entry *entry, const char *name)
{
	const struct opt *opt = opt__find(sink__options(entry->sink), name);

	return opt ? (char *)entry->conf + opt->offset : NULL;
}

int sinks__output(struct sinks *sinks, const char *path, struct error *err)
{
	int rc = 0, bytes = 0;

	for (size_t i = 0; i < sinks->count && !rc; i++) {
		struct sinks_entry *entry = &sinks->entries[i];
		char **own = entry__option(entry, "output");

		if (entry->sink->output == SINK_BYTES)
			bytes = 1;
		else if (path && own && !*own)
			rc = opt__set(opt__find(sink__options(entry->sink), "output"), entry->conf, path, err);
	}
	return rc ? rc : bytes;
}

static int entry__streams(struct sinks_entry *entry, const struct merge *merge, const struct filter *filter)
{
	const struct stream_info *info;
	size_t i;
	int rc = 0;

	for (i = 0; entry->sink->stream && i < merge__streams(merge) && !rc; i++) {
		info = merge__info(merge, i);
		if (filter__stream(filter, info))
			rc = entry->sink->stream(entry->state, info);
	}
	return rc;
}

static void delivered(const struct sink_api *api, uint64_t records)
{
	struct sinks_entry *entry = (void *)((char *)api - offsetof(struct sinks_entry, api));

	entry->reports = true;
	if (records > entry->delivered && records <= entry->sinks->written)
		entry->delivered = records;
}

static int entry__open_place(struct sinks_entry *entry, const char *path, bool overwrite, struct error *err)
{
	struct error why;
	int rc;

	entry->place.output = entry->sink->output == SINK_FOLDER ? SINK_FOLDER : SINK_FILE;
	entry->place.overwrite = overwrite;
	free(entry->path);
	entry->path = strdup(path);
	if (!entry->path)
		return error__set(err, -ENOMEM, "%s: %s", entry->sink->name, strerror(ENOMEM));
	entry->place.path = entry->path;
	rc = place__open(&entry->place, &why);
	if (!rc && entry->sinks->account) {
		rc = account__give(entry->sinks->account, entry->place.made);
		error__set(&why, rc, "%s: %s", path, strerror(-rc));
	}
	return rc ? error__set(err, rc, "%s: %s", entry->sink->name, why.text) : 0;
}

/* The file that the sink replaces; one that is to keep what it has is opened as it is. */
static int entry__replaced(struct sinks_entry *entry, struct error *err)
{
	const char *option = entry->sink->replaces, *path;
	char **named = option ? entry__option(entry, option) : NULL;
	bool *overwrite = entry__option(entry, "overwrite");
	struct stat st;
	int fd, rc;

	path = named ? sink__path(*named) : NULL;
	if (!path || !*path)
		return 0;
	if (!overwrite || *overwrite)
		return entry__open_place(entry, path, true, err);
	fd = open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0 && errno == ENOENT)
		return entry__open_place(entry, path, true, err);
	rc = fd < 0 || fstat(fd, &st) ? -errno : S_ISREG(st.st_mode) ? 0 : -EINVAL;
	if (!rc)
		rc = sink_files__add(&entry->files, option, strlen(option), fd);
	else if (fd >= 0)
		close(fd);
	return rc ? error__set(err, rc, "%s: %s: %s", entry->sink->name, path,
			       rc == -EINVAL ? "not a regular file" : strerror(-rc))
		  : 0;
}

static void verdict(const struct sink_api *api, const char *kind, bool proven, const char *evidence)
{
	struct sinks_entry *entry = (void *)((char *)api - offsetof(struct sinks_entry, api));
	struct sinks *sinks = (struct sinks *)entry->sinks;

	if (!sinks->fail_on || !fail_on__matches(sinks->fail_on, kind, proven))
		return;
	sinks->failing++;
	log__error("--fail-on: %s (%s): %s", kind, proven ? "proven" : "likely", evidence);
}

static bool stopped(const struct sink_api *api)
{
	const struct sinks_entry *entry = (const void *)((const char *)api - offsetof(struct sinks_entry, api));

	return entry->sinks->interrupted && *entry->sinks->interrupted;
}

/* Opens the sink's output, unless that is the merge's. */
static int entry__place(struct sinks_entry *entry, struct error *err)
{
	const char *const *what =
		(const char *const[][2]){{"file", "FILE"}, {"folder", "FOLDER"}}[entry->sink->output == SINK_FOLDER];
	const char *name = entry->sink->name;
	char **path = entry__option(entry, "output");
	bool *overwrite = entry__option(entry, "overwrite");

	if (entry->sink->output == SINK_BYTES)
		return entry__replaced(entry, err);
	if (!path || !*path)
		return error__set(err, -EINVAL, "%s: no output %s: add --output %s, or --sink %s:output=%s", name,
				  what[0], what[1], name, what[1]);
	return entry__open_place(entry, *path, overwrite && *overwrite, err);
}

static int entry__open_files(struct sinks_entry *entry, struct error *err)
{
	int rc = sink_files__open(&entry->files, entry->sink, entry->conf);

	return rc ? error__set(err, rc, "%s: %s", entry->sink->name, strerror(-rc)) : 0;
}

static int file_of(const struct sink_api *api, const char *option)
{
	const struct sinks_entry *entry = (const void *)((const char *)api - offsetof(struct sinks_entry, api));

	return sink_files__of(&entry->files, option);
}

int sinks__place(struct sinks *sinks, struct error *err)
{
	int rc = 0;

	for (size_t i = 0; i < sinks->count && !rc; i++) {
		rc = entry__place(&sinks->entries[i], err);
		if (!rc)
			rc = entry__open_files(&sinks->entries[i], err);
	}
	return rc;
}

static bool has_replacement(const struct sinks_entry *entry)
{
	return entry->place.made >= 0 && !faccessat(entry->place.made, SINK_FILE_NAME, F_OK, AT_SYMLINK_NOFOLLOW);
}

static int replace(const struct sink_api *api, const void *bytes, size_t size)
{
	struct sinks_entry *entry = (void *)((char *)api - offsetof(struct sinks_entry, api));
	bool later = entry->sinks->account && entry->sinks->account->apart;
	struct error err;
	int fd, rc;

	if (entry->sink->output != SINK_BYTES || entry->place.made < 0)
		return -ENOENT;
	fd = openat(entry->place.made, SINK_FILE_NAME, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0666);
	rc = fd < 0 ? -errno : write_all(fd, bytes, size);
	/* or a crash could leave the name without the bytes */
	if (!rc && fsync(fd))
		rc = -errno;
	if (fd >= 0)
		close(fd);
	error__set(&err, rc, "%s: %s", entry->place.path, strerror(-rc));
	if (!rc && !later)
		rc = place__commit(&entry->place, &err);
	if (rc)
		log__error("%s: %s", entry->sink->name, err.text);
	return rc ? rc : later ? SINK_LATER : 0;
}

static void entry__api(struct sinks_entry *entry, int out, bool follows)
{
	bool bytes = entry->sink->output == SINK_BYTES;
	struct winsize window;

	entry->api = (struct sink_api){
		.size = sizeof(entry->api),
		.out = bytes ? out : entry->place.made,
		.colour = bytes && log__colour(out),
		.columns = 80,
		.log = log__print,
		.delivered = delivered,
		.folder = entry->sink->output == SINK_FOLDER ? entry->place.to : 0,
		.file = file_of,
		.replace = replace,
		.verdict = verdict,
		.stopped = stopped,
		.follows = follows,
	};
	if (bytes && !ioctl(out, TIOCGWINSZ, &window) && window.ws_col)
		entry->api.columns = window.ws_col;
}

int sinks__open(struct sinks *sinks, int out, const struct merge *merge, const struct filter *filter)
{
	struct sinks_entry *entry;
	int rc;

	for (entry = sinks->entries; entry < sinks->entries + sinks->count; entry++) {
		entry__api(entry, out, !merge);
		rc = entry->sink->open(&entry->api, entry->conf, &entry->state);
		if (rc)
			return rc;
		entry->open = true;
		rc = merge ? entry__streams(entry, merge, filter) : 0;
		if (rc)
			return rc;
	}
	return 0;
}

int sinks__streams(struct sinks *sinks, const struct merge *merge, const struct filter *filter)
{
	int rc = 0;

	for (size_t i = 0; i < sinks->count && !rc; i++)
		rc = entry__streams(&sinks->entries[i], merge, filter);
	return rc;
}

int sinks__write(struct sinks *sinks, const struct record *record)
{
	struct sinks_entry *entry = sinks->entries, *end = entry + sinks->count;
	int rc = 0;

	sinks->written++;
	for (; entry < end && !rc; entry++)
		rc = entry->sink->write(entry->state, record);
	return rc;
}

static int entry__ended(struct sinks_entry *entry, const struct merge *merge, const struct filter *filter)
{
	const struct stream_info *info;
	size_t i;
	int rc = 0;

	for (i = 0; entry->sink->ended && i < merge__streams(merge) && !rc; i++) {
		info = merge__info(merge, i);
		if (filter__stream(filter, info))
			rc = entry->sink->ended(entry->state, info, merge__state(merge, i));
	}
	return rc;
}

static int entry__flush(struct sinks_entry *entry, bool last)
{
	int rc = entry->sink->flush ? entry->sink->flush(entry->state, last) : 0;

	if (!rc && last && !entry->reports)
		entry->delivered = entry->sinks->written;
	return rc;
}

int sinks__ended(struct sinks *sinks, const struct merge *merge, const struct filter *filter)
{
	int rc = 0;

	for (size_t i = 0; i < sinks->count && !rc; i++)
		rc = entry__ended(&sinks->entries[i], merge, filter);
	return rc;
}

int sinks__flush(struct sinks *sinks, bool last)
{
	int rc = 0;

	for (size_t i = 0; i < sinks->count && !rc; i++)
		rc = entry__flush(&sinks->entries[i], last);
	return rc;
}

bool sinks__forget(struct sinks *sinks, const struct merge *merge, const struct filter *filter)
{
	for (size_t i = 0; i < sinks->count; i++)
		if (!sinks->entries[i].sink->forget)
			return false;
	for (size_t i = 0; i < sinks->count; i++)
		for (size_t k = 0; k < merge__streams(merge); k++)
			if (filter__stream(filter, merge__info(merge, k)))
				sinks->entries[i].sink->forget(sinks->entries[i].state, merge__info(merge, k));
	return true;
}

int sinks__finish(struct sinks *sinks, const struct merge *merge, const struct filter *filter)
{
	int rc = sinks__ended(sinks, merge, filter);

	return rc ? rc : sinks__flush(sinks, true);
}

static int entry__commit(struct sinks_entry *entry, struct error *err)
{
	struct error why;
	int rc = 0;

	if (entry->sink->output == SINK_BYTES && !has_replacement(entry))
		return 0;
	if (entry->sinks->account) {
		rc = account__take(entry->sinks->account, entry->place.made);
		error__set(&why, rc, "%s: %s", entry->place.path, strerror(-rc));
	}
	if (!rc)
		rc = place__commit(&entry->place, &why);
	return rc ? error__set(err, rc, "%s: %s", entry->sink->name, why.text) : 0;
}

int sinks__commit(struct sinks *sinks, struct error *err)
{
	int rc = 0;

	for (size_t i = 0; i < sinks->count && !rc; i++)
		rc = entry__commit(&sinks->entries[i], err);
	return rc;
}

const char *sinks__name(const struct sinks *sinks, size_t i)
{
	return sinks->entries[i].sink->name;
}

uint64_t sinks__delivered(const struct sinks *sinks, size_t i)
{
	return sinks->entries[i].delivered;
}

void sinks__stop(struct sinks *sinks)
{
	for (size_t i = sinks->count; i > 0; i--)
		entry__stop(&sinks->entries[i - 1]);
}

void sinks__close(struct sinks *sinks)
{
	while (sinks->count)
		entry__free(&sinks->entries[--sinks->count]);
	free(sinks->entries);
	sinks->entries = NULL;
}
