/* SPDX-License-Identifier: BSD-2-Clause */
/* Batches of items to an HTTP server, by a thread of its own: retry with back-off, Retry-After, gzip, TLS, authentication, proxy,
 * and the halving of a batch that is refused. A sink adds items; what the server takes is never lost, what it refuses for good
 * is counted by cause and logged once. */
#ifndef SINKS_HTTP_HTTP_H
#define SINKS_HTTP_HTTP_H

#include "core/error.h"
#include "core/sink.h"
#include "core/text.h"

/* ---- options: part of a sink's own ---- */

struct http_conf {
	char *user, *password_file, *token_file, *ca, *cert, *key, *proxy;
	bool gzip, insecure;
	uint64_t timeout, retry, end, rate, batch;
};

#define HTTP_TIMEOUT_NS 10000000000ULL /* the default below */

#define HTTP_OPT(conf, member, name, type, value, min, max, help)               \
	{                                                                       \
#name, type, offsetof(conf, member.name), value, min, max, help \
	}

/* The defaults of the files of TLS: "$NAME" for that of an environment variable, or NULL. */
#define HTTP_OPTIONS(conf, member, ca_default, cert_default, key_default)                                           \
	HTTP_OPT(conf, member, user, OPT_STRING, NULL, 0, 0, "name for basic authentication"),                      \
		HTTP_OPT(conf, member, password_file, OPT_STRING, NULL, 0, 0, "file with its password"),            \
		HTTP_OPT(conf, member, token_file, OPT_STRING, NULL, 0, 0, "file with a bearer token"),             \
		HTTP_OPT(conf, member, ca, OPT_STRING, ca_default, 0, 0,                                            \
			 "file with the certificates to trust in place of the system's"),                           \
		HTTP_OPT(conf, member, cert, OPT_STRING, cert_default, 0, 0,                                        \
			 "file with the client's own certificate"),                                                 \
		HTTP_OPT(conf, member, key, OPT_STRING, key_default, 0, 0, "file with its key"),                    \
		HTTP_OPT(conf, member, insecure, OPT_BOOL, "false", 0, 0,                                           \
			 "do not check the server's certificate; logged as a warning"),                             \
		HTTP_OPT(conf, member, proxy, OPT_STRING, NULL, 0, 0,                                               \
			 "URL of a proxy; default: as https_proxy, http_proxy and no_proxy say"),                   \
		HTTP_OPT(conf, member, gzip, OPT_BOOL, "true", 0, 0, "compress what is sent"),                      \
		HTTP_OPT(conf, member, timeout, OPT_DURATION, "10s", 1000000, 3600000000000ULL, "for one request"), \
		HTTP_OPT(conf, member, retry, OPT_DURATION, "30s", 1000000, 3600000000000ULL,                       \
			 "longest time between two tries"),                                                         \
		HTTP_OPT(conf, member, end, OPT_DURATION, "10s", 0, 3600000000000ULL,                               \
			 "give up after this time without success at the end, or of runs that are not followed"),   \
		HTTP_OPT(conf, member, rate, OPT_UINT, "0", 0, 1000000000,                                          \
			 "send so many items a second at most; 0: all"),                                            \
		HTTP_OPT(conf, member, batch, OPT_SIZE, "4MiB", 4096, 4 << 20,                                      \
			 "largest request, before it is compressed")

#define HTTP_READS "password_file,token_file,ca,cert,key"

/* ---- what a sink provides ---- */

/* Items with the same head stand next to each other under it in a request. */
struct http_item {
	const uint8_t *head, *bytes;
	uint32_t head_size, size;
};

struct http_items {
	size_t count;
	const void *batch;
	size_t first;
};
struct http_item http_items__get(const struct http_items *items, size_t i);

/* What becomes of a request. */
enum http_fate {
	HTTP_TAKEN,
	HTTP_AGAIN,  /* to be tried again soon */
	HTTP_SLOWLY, /* to be tried again, but that will hardly help before a person changes something */
	HTTP_HALVE,  /* each half is tried; one item that is not taken is refused */
	HTTP_REFUSED,
};

/* Called by the thread. */
struct http_sink {
	const char *name; /* for messages */
	const char *type; /* of the body */
	uint64_t open_ns; /* that an item waits for others; 0: 200 ms */
	/* Appends the body of a request. `target` is that of the items. */
	void (*body)(unsigned target, const struct http_items *items, struct buffer *out);
	/* Optional. Appends what the answer says, any bytes, and returns how many items of a request that was taken are refused. */
	uint64_t (*answer)(unsigned target, long status, const void *bytes, size_t size, struct text *why);
	/* Optional. The fate by the status is known. */
	enum http_fate (*fate)(unsigned target, long status, const void *bytes, size_t size, enum http_fate fate);
};

/* ---- what a sink calls, on the merge's thread ---- */

struct http;

/* Reads the files of the options; logs what is insecure. 0, or -errno with a sentence. `sink` and `api` must outlive it. */
int http__open(struct http **http, const struct http_sink *sink, const struct sink_api *api,
	       const struct http_conf *conf, struct error *err);

/* A header for all requests, "Name: value", before the first item. Its value may be a secret: it is never logged. */
int http__header(struct http *http, const char *line);

/* Where items may go, by number from 0, in the order of these calls; at most HTTP_TARGETS. 0, or -errno with a sentence: not a
 * URL of HTTP. Requests go in the order in which they are full, or have waited long enough. */
#define HTTP_TARGETS 256
int http__target(struct http *http, const char *url, struct error *err);

/* Adds a copy of an item. Waits while there is much that the server has not taken: for ever if runs are followed. 0, -ENOMEM, or
 * -ETIMEDOUT, logged. */
int http__add(struct http *http, unsigned target, const struct buffer *head, const struct buffer *item);

/* The same, in a request of its own, which goes before what is added later. */
int http__add_alone(struct http *http, unsigned target, const struct buffer *item);

/* The first `records` of the merge are safe once all that was added so far has been taken. Passes on to the merge what is safe
 * by now. */
void http__safe(struct http *http, uint64_t records);

/* Sends what there is, and waits for it. 0, or -ETIMEDOUT, logged: it was not taken in time. Nothing is added any more. */
int http__finish(struct http *http);

void http__close(struct http *http); /* logs how many were refused, by cause; takes NULL */

#endif
