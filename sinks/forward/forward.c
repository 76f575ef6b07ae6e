/* SPDX-License-Identifier: BSD-2-Clause */
/* The sink for Fluentd, Fluent Bit and what else has their Forward protocol: each record as an entry of its tag. */
#include "sinks/forward/forward.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sinks/outbox/option_file.h"

static const struct opt forward_options[] = {
	OPT(struct forward_conf, address, OPT_STRING, "localhost:24224", 0, 0,
	    "HOST:PORT, [IPV6]:PORT, or the path of a Unix socket"),
	OPT(struct forward_conf, tag, OPT_STRING, "collector.{stream}", 0, 0,
	    "by which the server routes; {stream} and {event} stand for those of a record"),
	OPT(struct forward_conf, gzip, OPT_BOOL, "true", 0, 0, "compress what is sent"),
	OPT(struct forward_conf, tls, OPT_BOOL, "false", 0, 0, "speak TLS"),
	OPT(struct forward_conf, ca, OPT_STRING, NULL, 0, 0,
	    "file with the certificates to trust in place of the system's"),
	OPT(struct forward_conf, cert, OPT_STRING, NULL, 0, 0, "file with the client's own certificate"),
	OPT(struct forward_conf, key, OPT_STRING, NULL, 0, 0, "file with its key"),
	OPT(struct forward_conf, insecure, OPT_BOOL, "false", 0, 0,
	    "do not check the server's certificate; logged as a warning"),
	OPT(struct forward_conf, shared_key_file, OPT_STRING, NULL, 0, 0,
	    "file with the key that the server shares with its clients"),
	OPT(struct forward_conf, user, OPT_STRING, NULL, 0, 0, "name, if the server asks for users too"),
	OPT(struct forward_conf, password_file, OPT_STRING, NULL, 0, 0, "file with its password"),
	OPT(struct forward_conf, timeout, OPT_DURATION, "60s", 1000000, 3600000000000ULL,
	    "send again what was not acknowledged after this time"),
	OUTBOX_OPTIONS(struct forward_conf, outbox),
	{0},
};

static void forward__close(void *state)
{
	struct forward *f = state;

	outbox__close(f->outbox);
	forward_send__free(f);
	option_file__forget(&f->login.key);
	option_file__forget(&f->login.password);
	free(f->login.user);
	for (size_t i = 0; i < f->streams_count; i++)
		free(f->targets[i]);
	free(f->targets);
	forward_tags__close(&f->tags);
	sink_rows__free(f->rows);
	buffer__free(&f->item);
	free(f->name);
	free(f);
}

/* ---- options ---- */

static int check_options(const struct forward_conf *conf, struct error *err)
{
	if (!forward_tls.new && (conf->tls || conf->shared_key_file))
		return error__set(err, -ENOTSUP, "tls= and shared_key_file=: built without OpenSSL");
	if (!conf->tls && (conf->ca || conf->cert || conf->key || conf->insecure))
		return error__set(err, -EINVAL, "ca=, cert=, key= and insecure= are for tls=true");
	if (!conf->cert != !conf->key)
		return error__set(err, -EINVAL, "cert= and key= belong together: give both");
	if (!conf->user != !conf->password_file)
		return error__set(err, -EINVAL, "user= and password_file= belong together: give both");
	if (conf->user && !conf->shared_key_file)
		return error__set(err, -EINVAL, "user= is for servers with a shared key: give shared_key_file=");
	return 0;
}

static int open_tls(struct forward *f, const struct forward_conf *conf, struct error *err)
{
	struct buffer ca = {0}, cert = {0}, key = {0};
	int rc = option_file__read(f->api, "ca", conf->ca, false, &ca, err);

	rc = rc ? rc : option_file__read(f->api, "cert", conf->cert, false, &cert, err);
	rc = rc ? rc : option_file__read(f->api, "key", conf->key, false, &key, err);
	rc = rc ? rc : forward_tls.new(&f->link.tls, conf->insecure, &ca, &cert, &key, err);
	if (!rc && conf->insecure)
		f->api->log(LOG_WARN, FORWARD_NAME ": insecure=true: the certificates of servers are not checked");
	buffer__free(&ca);
	buffer__free(&cert);
	option_file__forget(&key);
	return rc;
}

static int open_login(struct forward *f, const struct forward_conf *conf, struct error *err)
{
	int rc = option_file__read(f->api, "shared_key_file", conf->shared_key_file, true, &f->login.key, err);

	rc = rc ? rc : option_file__read(f->api, "password_file", conf->password_file, true, &f->login.password, err);
	if (!rc && conf->user && !(f->login.user = strdup(conf->user)))
		rc = error__set(err, -ENOMEM, "%s", strerror(ENOMEM));
	if (gethostname(f->login.hostname, sizeof(f->login.hostname) - 1))
		strcpy(f->login.hostname, "collector");
	return rc;
}

static int begin(struct forward *f, const struct forward_conf *conf, struct error *err)
{
	int rc = check_options(conf, err);

	f->timeout_ns = conf->timeout;
	f->gzip = conf->gzip;
	rc = rc ? rc : forward_link__open(&f->link, conf->address, err);
	rc = rc ? rc : forward_tags__open(&f->tags, conf->tag, err);
	rc = rc || !conf->tls ? rc : open_tls(f, conf, err);
	rc = rc ? rc : open_login(f, conf, err);
	if (rc)
		return rc;
	f->rows = sink_rows__new(forward_record__render);
	f->name = strdup(conf->address);
	if (!f->rows || !f->name || outbox__open(&f->outbox, &forward_transport, f, f->api, &conf->outbox))
		return error__set(err, -ENOMEM, "%s", strerror(ENOMEM));
	return 0;
}

static int forward__open(const struct sink_api *api, const void *conf, void **state)
{
	struct forward *f = calloc(1, sizeof(*f));
	struct error err;
	int rc;

	if (!f)
		return -ENOMEM;
	f->api = api;
	f->link.fd = f->link.stop_fd = -1;
	rc = begin(f, conf, &err);
	if (rc) {
		api->log(LOG_ERROR, FORWARD_NAME ": %s", err.text);
		forward__close(f);
		return rc;
	}
	/* nothing is safe before it has been taken */
	outbox__safe(f->outbox, 0);
	*state = f;
	return 0;
}

/* ---- records ---- */

static int say(const struct forward *f, int rc)
{
	if (rc && rc != -ETIMEDOUT) /* which was said */
		f->api->log(LOG_ERROR, FORWARD_NAME ": %s", strerror(-rc));
	return rc;
}

/* Of its own records, a stream passes on only those of losses. */
static int take_tag(struct forward *f, const struct stream_event *event, uint32_t kind)
{
	unsigned count = f->tags.count;
	struct error err;
	int rc, tag;

	if (!event->name || (kind != RECORD_LOST && kind < SCHEMA_KIND_BASE))
		return 0;
	tag = forward_tags__take(&f->tags, event->stream, event->name);
	if (tag < 0 || f->tags.count == count)
		return tag;
	rc = outbox__target(f->outbox, f->name, &err);
	if (!rc && f->tags.count == OUTBOX_TARGETS)
		f->api->log(LOG_WARN, FORWARD_NAME ": more than %d tags: all others are %s", OUTBOX_TARGETS - 1,
			    f->tags.tags[tag]);
	return rc ? rc : tag;
}

static int add_stream(struct forward *f, const struct stream_info *info)
{
	uint16_t *targets = f->targets[info->index] = calloc(info->events_count, sizeof(*targets));

	if (!targets)
		return -ENOMEM;
	for (uint32_t kind = 0; kind < info->events_count; kind++) {
		int tag = take_tag(f, &info->events[kind], kind);

		if (tag < 0)
			return tag;
		targets[kind] = (uint16_t)tag;
	}
	return 0;
}

static int forward__stream(void *state, const struct stream_info *info)
{
	struct forward *f = state;
	uint16_t **targets = f->targets;

	if (info->index >= f->streams_count) {
		targets = reallocarray(targets, info->index + 1, sizeof(*targets));
		if (!targets)
			return say(f, -ENOMEM);
		f->targets = targets;
		while (f->streams_count <= info->index)
			targets[f->streams_count++] = NULL;
	}
	return say(f, add_stream(f, info));
}

static int forward__write(void *state, const struct record *record)
{
	const struct buffer no_head = {0};
	struct forward *f = state;
	unsigned target = f->targets[record->info->index][record->kind];
	int rc;

	f->item.size = 0;
	rc = forward_record__put(&f->item, f->rows, record);
	f->records++;
	return say(f, rc ? rc : outbox__add(f->outbox, target, &no_head, &f->item));
}

static int forward__flush(void *state, bool last)
{
	struct forward *f = state;

	outbox__safe(f->outbox, f->records);
	return last ? outbox__finish(f->outbox) : 0;
}

static void forward__forget(void *state, const struct stream_info *info)
{
	struct forward *f = state;

	sink_rows__forget(f->rows, info);
	free(f->targets[info->index]);
	f->targets[info->index] = NULL;
}

SINK(forward, "entries for Fluentd, Fluent Bit and others, by their Forward protocol", .options = forward_options,
     .conf_size = sizeof(struct forward_conf), .open = forward__open, .stream = forward__stream,
     .write = forward__write, .flush = forward__flush, .close = forward__close, .forget = forward__forget,
     .reads = "shared_key_file,password_file,ca,cert,key", .live = true);
