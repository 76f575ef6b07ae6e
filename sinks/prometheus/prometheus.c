/* SPDX-License-Identifier: BSD-2-Clause */
/* The sink for Prometheus: counters over all runs of a host, in a file for node_exporter, or served to scrapes. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/base.h"
#include "core/buffer.h"
#include "sinks/judging/pass.h"
#include "sinks/model/on_model.h"
#include "sinks/prometheus/host.h"
#include "sinks/verdicts/verdicts.h"

#define FILE_MAX (4 << 20) /* more than it can grow to */
#define NAME "prometheus"

struct prometheus_conf {
	char *textfile, *listen, *steps;
	uint64_t interval;
};

static const struct opt prometheus_options[] = {
	OPT(struct prometheus_conf, textfile, OPT_STRING, NULL, 0, 0,
	    "file for node_exporter's textfile collector; it keeps the counters"),
	OPT(struct prometheus_conf, listen, OPT_STRING, NULL, 0, 0,
	    "serve scrapes at PORT (of 127.0.0.1) or ADDRESS:PORT"),
	OPT(struct prometheus_conf, interval, OPT_DURATION, "15s", 0, 3600000000000ull,
	    "between two writings while a run goes on"),
	OPT(struct prometheus_conf, steps, OPT_STRING, STEPS_DEFAULT, 0, 0, STEPS_HELP),
	{0},
};

struct prometheus {
	struct on_model on;
	char *path; /* NULL: no file */
	struct server *server;
	struct verdicts *verdicts; /* NULL: there was no stream yet */
	struct text kept;	   /* without a file: what it would hold */
	uint64_t interval, written_ns;
	uint64_t records, delivered, lag_ns;
	bool is_lag_known;
	bool judged; /* what is handed out has the verdicts on runs that are over */
	bool later;  /* the file is replaced at the end only */
};

/* ---- the store ---- */

/* For as long as the file is read and replaced: another run of the host may end at that moment. For root
 * the merge renames later, and two at a time are not safe. A descriptor, or -1. */
static int lock_folder(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *folder = slash ? strndup(path, (size_t)(slash - path) + 1) : strdup(".");
	int fd = folder ? open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;

	free(folder);
	if (fd >= 0)
		flock(fd, LOCK_EX);
	return fd;
}

/* Appends the file as it is now; for root, the sink's process may not be able to open it again. 0 or -errno. */
static int read_file(const struct prometheus *prometheus, struct text *text)
{
	int fd = open(prometheus->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY), own = fd, rc = 0;
	char block[65536];
	struct stat st;
	off_t at = 0;
	ssize_t n;

	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0)
		fd = sink_api__file(prometheus->on.api, "textfile");
	if (fd <= 0)
		return -EACCES;
	if (fstat(fd, &st) || !S_ISREG(st.st_mode) || st.st_size > FILE_MAX)
		rc = -EINVAL;
	for (; !rc && (n = pread(fd, block, sizeof(block), at)) != 0; at += n) {
		if (n < 0)
			rc = -errno;
		else
			text__put(text, block, (size_t)n);
	}
	if (own >= 0)
		close(own);
	return rc ? rc : text->error;
}

static int load(const struct prometheus *prometheus, struct metrics *metrics, struct error *err)
{
	uint64_t now = clock__ns(CLOCK_REALTIME);
	struct text text = {0};
	int rc;

	if (!prometheus->path)
		return prometheus->kept.size ? metrics__read(metrics, prometheus->kept.data, now, err) : 0;
	rc = read_file(prometheus, &text);
	if (rc)
		error__set(err, rc, "%s: %s", prometheus->path,
			   rc == -EINVAL ? "not a file of this sink" : strerror(-rc));
	else if (text.size) {
		struct error why;

		rc = metrics__read(metrics, text.data, now, &why);
		error__set(err, rc, "%s: %s", prometheus->path, why.text);
	}
	text__free(&text);
	if (rc != -EBADMSG)
		return rc;
	prometheus->on.api->log(LOG_WARN, NAME ": %s: all counters begin at 0", err->text);
	return 0;
}

static struct host_run *run_at(const struct prometheus *prometheus, size_t i)
{
	return model__run(prometheus->on.model, i)->user;
}

static int put_own(struct prometheus *prometheus, struct metrics *metrics, bool last)
{
	struct text labels = {0};
	uint64_t running = 0;
	int rc;

	for (size_t i = 0; prometheus->on.model && i < model__runs(prometheus->on.model); i++)
		running += !run_at(prometheus, i)->over;
	rc = metrics__put(metrics, METRIC_RUNS, METRIC_SET, "state=\"running\"", running);
	rc = rc ? rc : metrics__put(metrics, METRIC_BUILD_INFO, METRIC_SET, "version=\"" PACKAGE_VERSION "\"", 1);
	metrics__label(&labels, "sink", NAME);
	rc = rc ? rc : labels.error;
	rc = rc ? rc
		: metrics__put(metrics, METRIC_SINK_DELIVERED, METRIC_ADD, labels.data,
			       prometheus->records - prometheus->delivered);
	rc = rc ? rc : metrics__put(metrics, METRIC_SINK_REFUSED, METRIC_ADD, labels.data, 0);
	if (!rc && prometheus->is_lag_known && !last)
		rc = metrics__put(metrics, METRIC_SINK_LAG, METRIC_SET, labels.data, prometheus->lag_ns);
	prometheus->is_lag_known = false;
	text__free(&labels);
	return rc;
}

/* Counts those that are over. *open: runs that are not. */
static int count_runs(const struct prometheus *prometheus, struct metrics *metrics, size_t *open)
{
	int rc = 0;

	*open = 0;
	for (size_t i = 0; i < model__runs(prometheus->on.model) && rc >= 0; i++) {
		*open += !run_at(prometheus, i)->over;
		rc = host_run__count(run_at(prometheus, i), metrics, clock__ns(CLOCK_REALTIME));
		run_at(prometheus, i)->before |= rc > 0;
		if (rc > 0)
			prometheus->on.api->log(LOG_INFO, NAME ": %s is counted already",
						model__run(prometheus->on.model, i)->info->run.id);
	}
	return rc < 0 ? rc : 0;
}

/* ---- verdicts on the runs that this merge counts ---- */

static bool is_to_judge(const struct host_run *run)
{
	return run->over && !run->before && !run->judged;
}

/* Ends the judging of all. */
static int find_verdicts(const struct prometheus *prometheus, uint64_t counts[VERDICT_KINDS])
{
	int rc = verdicts__finish(prometheus->verdicts);

	for (size_t i = 0; !rc && i < verdicts__count(prometheus->verdicts); i++) {
		const struct verdict *verdict = verdicts__get(prometheus->verdicts, i);

		if (is_to_judge(verdict->run->user) && !verdict->muted && verdict->certainty >= VERDICT_LIKELY)
			counts[verdict->kind]++;
	}
	return rc;
}

static int report_verdicts(void *arg, int out)
{
	const struct prometheus *prometheus = arg;
	uint64_t counts[VERDICT_KINDS] = {0};
	int rc = verdicts__settle(prometheus->verdicts);

	rc = rc ? rc : find_verdicts(prometheus, counts);
	return rc ? rc : write_all(out, counts, sizeof(counts));
}

/* While other runs go on, a copy of what is known of them is judged. */
static int find_now(struct prometheus *prometheus, uint64_t counts[VERDICT_KINDS])
{
	struct buffer found = {0};
	int rc = verdict_pass__apart(report_verdicts, prometheus, &found);

	if (!rc && found.size == VERDICT_KINDS * sizeof(*counts))
		memcpy(counts, found.data, found.size);
	else
		rc = rc ? rc : -EIO;
	buffer__free(&found);
	return rc;
}

static int count_verdicts(struct prometheus *prometheus, struct metrics *metrics, bool last)
{
	uint64_t counts[VERDICT_KINDS] = {0};
	bool any = false;
	int rc = 0;

	for (size_t i = 0; prometheus->verdicts && i < model__runs(prometheus->on.model) && !any; i++)
		any = is_to_judge(run_at(prometheus, i));
	prometheus->judged = false;
	if (any && last)
		rc = find_verdicts(prometheus, counts);
	else if (any && find_now(prometheus, counts))
		return 0; /* at the end, then */
	prometheus->judged = any;
	for (unsigned kind = 0; kind < VERDICT_KINDS && !rc; kind++) {
		struct text labels = {0};

		if (!counts[kind])
			continue;
		metrics__label(&labels, "kind", verdict_kind__name(kind));
		rc = labels.error ? labels.error
				  : metrics__put(metrics, METRIC_VERDICTS, METRIC_ADD, labels.data, counts[kind]);
		text__free(&labels);
	}
	return rc;
}

/* The metrics are safe: runs that were counted are not to be read again after a crash, unless others go on. */
static void deliver(struct prometheus *prometheus, size_t open)
{
	if (prometheus->later)
		return; /* until then the file lacks all of them */
	for (size_t i = 0; i < model__runs(prometheus->on.model); i++) {
		run_at(prometheus, i)->judged |= prometheus->judged && is_to_judge(run_at(prometheus, i));
		host_run__counted(run_at(prometheus, i));
	}
	prometheus->delivered = prometheus->records;
	if (!open && prometheus->on.api->delivered)
		prometheus->on.api->delivered(prometheus->on.api, prometheus->records);
}

/* Hands out what the metrics are now. 0, SINK_LATER, or -errno. */
static int hand_out(struct prometheus *prometheus, const struct metrics *metrics)
{
	struct text store = {0}, served = {0};
	int rc;

	metrics__write(metrics, &store, true);
	metrics__write(metrics, &served, false);
	rc = store.error ? store.error : served.error;
	if (!rc && prometheus->path)
		rc = sink_api__replace(prometheus->on.api, store.data, store.size);
	if (rc >= 0 && prometheus->server && server__publish(prometheus->server, served.data, served.size))
		rc = -ENOMEM;
	text__free(&prometheus->kept);
	prometheus->kept = store;
	text__free(&served);
	return rc;
}

/* Reads the store, adds what is new, and replaces it. */
static int update(struct prometheus *prometheus, bool last)
{
	int lock = prometheus->path ? lock_folder(prometheus->path) : -1;
	struct metrics metrics = {0};
	size_t open = 0;
	struct error err;
	int rc = load(prometheus, &metrics, &err);

	if (rc)
		prometheus->on.api->log(LOG_ERROR, NAME ": %s", err.text);
	rc = rc ? rc : count_runs(prometheus, &metrics, &open);
	rc = rc ? rc : count_verdicts(prometheus, &metrics, last);
	rc = rc ? rc : put_own(prometheus, &metrics, last);
	rc = rc ? rc : hand_out(prometheus, &metrics);
	prometheus->later = rc == SINK_LATER;
	if (rc >= 0)
		deliver(prometheus, open);
	metrics__free(&metrics);
	if (lock >= 0)
		close(lock);
	return rc < 0 ? rc : 0;
}

/* ---- as the model calls ---- */

static int on_run(void *arg, const struct model_run *run)
{
	(void)arg;
	totals_run__init(&((struct host_run *)run->user)->totals, run);
	return 0;
}

static int on_row(void *arg, const struct model_row *row)
{
	struct prometheus *prometheus = arg;
	int rc = totals__row(&((struct host_run *)row->run->user)->totals, NULL, row);

	return rc ? rc : verdicts__row(prometheus->verdicts, row);
}

static int on_hidden(void *arg, const struct model_row *row, uint32_t pid, const struct model_command *by)
{
	return verdicts__hidden(((struct prometheus *)arg)->verdicts, row, pid, by);
}

static int on_retried(void *arg, const struct model_row *row)
{
	return verdicts__retried(((struct prometheus *)arg)->verdicts, row);
}

static int on_ignored(void *arg, const struct model_row *row)
{
	return verdicts__ignored(((struct prometheus *)arg)->verdicts, row);
}

static int on_process(void *arg, const struct model_process *process)
{
	(void)arg;
	return host_run__process(process->row.run->user, process);
}

static int on_task(void *arg, const struct model_task *task)
{
	(void)arg;
	return host_run__task(task->run->user, task);
}

/* The first one comes when there is a model. */
static int on_stream(void *state, const struct stream_info *info)
{
	struct prometheus *prometheus = state;

	if (!prometheus->verdicts) {
		prometheus->verdicts = verdicts__new();
		if (!prometheus->verdicts)
			return -ENOMEM;
		verdicts__of_model(prometheus->verdicts, prometheus->on.model);
	}
	return verdicts__stream(prometheus->verdicts, info);
}

static int on_record(void *state, const struct record *record)
{
	struct prometheus *prometheus = state;
	uint64_t now;

	prometheus->records++;
	if (prometheus->is_lag_known)
		return verdicts__record(prometheus->verdicts, record);
	now = clock__ns(CLOCK_REALTIME);
	prometheus->lag_ns =
		record->real_ns > 0 && (uint64_t)record->real_ns < now ? now - (uint64_t)record->real_ns : 0;
	prometheus->is_lag_known = true;
	return verdicts__record(prometheus->verdicts, record);
}

static int on_ended(void *state, const struct stream_info *info, const struct stream_state *stream)
{
	const struct model_run *run = model__run_of(((struct prometheus *)state)->on.model, info);

	if (run)
		host_run__ended(run->user, info, stream);
	return 0;
}

/* ---- the sink ---- */

static int begin(void *state, const void *conf, struct error *err)
{
	const struct prometheus_conf *c = conf;
	struct prometheus *prometheus = state;
	const char *path = sink__path(c->textfile);
	struct metrics metrics = {0};
	int rc = 0;

	if (!path && !c->listen)
		return error__set(err, -EINVAL, "no output: add textfile=FILE, or listen=PORT");
	prometheus->interval = c->interval;
	/* no run is safe before it is over: the last flush, which a follower may have while one goes on, does not make it so */
	if (prometheus->on.api->delivered)
		prometheus->on.api->delivered(prometheus->on.api, 0);
	prometheus->path = path ? strdup(path) : NULL;
	if (path && !prometheus->path)
		return -ENOMEM;
	if (c->listen)
		rc = server__start(&prometheus->server, c->listen, err);
	if (rc)
		return rc;
	if (prometheus->server)
		prometheus->on.api->log(LOG_INFO, NAME ": listening on port %u", server__port(prometheus->server));
	rc = load(prometheus, &metrics, err);
	rc = rc ? rc : put_own(prometheus, &metrics, false);
	if (!rc && prometheus->server) {
		struct text text = {0};

		metrics__write(&metrics, &text, false);
		rc = text.error ? text.error : server__publish(prometheus->server, text.data, text.size);
		text__free(&text);
	}
	metrics__free(&metrics);
	return rc;
}

static int show(void *state, bool last)
{
	struct prometheus *prometheus = state;
	uint64_t now = clock__ns(CLOCK_MONOTONIC);

	bool due = !prometheus->written_ns || now - prometheus->written_ns >= prometheus->interval;

	/* the end of a run is not put off: nothing may come after it for long */
	for (size_t i = 0; i < model__runs(prometheus->on.model) && !due && !prometheus->later; i++)
		due = run_at(prometheus, i)->over && !run_at(prometheus, i)->counted;
	if (last)
		return prometheus->verdicts ? verdicts__settle(prometheus->verdicts) : 0;
	if (!due)
		return 0;
	prometheus->written_ns = now;
	return update(prometheus, false);
}

static int finish(void *state)
{
	return update(state, true);
}

static void end(void *state)
{
	struct prometheus *prometheus = state;

	server__stop(prometheus->server);
	verdicts__free(prometheus->verdicts);
	for (size_t i = 0; prometheus->on.model && i < model__runs(prometheus->on.model); i++)
		host_run__free(model__run(prometheus->on.model, i)->user);
	text__free(&prometheus->kept);
	free(prometheus->path);
}

static const struct on_model_sink prometheus_on_model = {
	.size = sizeof(struct prometheus),
	.steps = offsetof(struct prometheus_conf, steps),
	.calls = {.run = on_run,
		  .row = on_row,
		  .hidden = on_hidden,
		  .retried = on_retried,
		  .ignored = on_ignored,
		  .process = on_process,
		  .task = on_task,
		  .run_room = sizeof(struct host_run)},
	.open = begin,
	.stream = on_stream,
	.record = on_record,
	.ended = on_ended,
	.flush = show,
	.finish = finish,
	.close = end,
};

static int prometheus__open(const struct sink_api *api, const void *conf, void **state)
{
	return on_model__open(&prometheus_on_model, NAME, api, conf, state);
}

SINK(prometheus, "counters over all runs of the host, for node_exporter's textfile collector or served to scrapes",
     .options = prometheus_options, .conf_size = sizeof(struct prometheus_conf), .replaces = "textfile", .live = true,
     .open = prometheus__open, ON_MODEL);
