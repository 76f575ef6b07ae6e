/* SPDX-License-Identifier: BSD-2-Clause */
/* A transport of sinks/outbox: requests to an HTTP server, with Retry-After, gzip, TLS, authentication, proxy. */
#ifndef SINKS_HTTP_HTTP_H
#define SINKS_HTTP_HTTP_H

#include "core/error.h"
#include "core/sink.h"
#include "core/text.h"
#include "sinks/outbox/outbox.h"

/* ---- options: part of a sink's own ---- */

struct http_conf {
	char *user, *password_file, *token_file, *ca, *cert, *key, *proxy;
	bool gzip, insecure;
	uint64_t timeout;
	struct outbox_conf outbox;
};

#define HTTP_TIMEOUT_NS 10000000000ULL /* the default below */

/* The defaults of the files of TLS: "$NAME" for that of an environment variable, or NULL. */
#define HTTP_OPTIONS(conf, member, ca_default, cert_default, key_default)                                             \
	OUTBOX_OPT(conf, member, user, OPT_STRING, NULL, 0, 0, "name for basic authentication"),                      \
		OUTBOX_OPT(conf, member, password_file, OPT_STRING, NULL, 0, 0, "file with its password"),            \
		OUTBOX_OPT(conf, member, token_file, OPT_STRING, NULL, 0, 0, "file with a bearer token"),             \
		OUTBOX_OPT(conf, member, ca, OPT_STRING, ca_default, 0, 0,                                            \
			   "file with the certificates to trust in place of the system's"),                           \
		OUTBOX_OPT(conf, member, cert, OPT_STRING, cert_default, 0, 0,                                        \
			   "file with the client's own certificate"),                                                 \
		OUTBOX_OPT(conf, member, key, OPT_STRING, key_default, 0, 0, "file with its key"),                    \
		OUTBOX_OPT(conf, member, insecure, OPT_BOOL, "false", 0, 0,                                           \
			   "do not check the server's certificate; logged as a warning"),                             \
		OUTBOX_OPT(conf, member, proxy, OPT_STRING, NULL, 0, 0,                                               \
			   "URL of a proxy; default: as https_proxy, http_proxy and no_proxy say"),                   \
		OUTBOX_OPT(conf, member, gzip, OPT_BOOL, "true", 0, 0, "compress what is sent"),                      \
		OUTBOX_OPT(conf, member, timeout, OPT_DURATION, "10s", 1000000, 3600000000000ULL, "for one request"), \
		OUTBOX_OPTIONS(conf, member.outbox)

#define HTTP_READS "password_file,token_file,ca,cert,key"

/* ---- what a sink provides ---- */

/* Called by the thread. */
struct http_sink {
	const char *name; /* for messages */
	const char *type; /* of the body */
	uint64_t open_ns; /* that an item waits for others; 0: 200 ms */
	/* Appends the body of a request. `target` is that of the items. */
	void (*body)(unsigned target, const struct outbox_items *items, struct buffer *out);
	/* Optional. Appends what the answer says, any bytes, and returns how many items of a request that was taken are refused. */
	uint64_t (*answer)(unsigned target, long status, const void *bytes, size_t size, struct text *why);
	/* Optional. The fate by the status is known. */
	enum outbox_fate (*fate)(unsigned target, long status, const void *bytes, size_t size, enum outbox_fate fate);
};

/* ---- what a sink calls, on the merge's thread, beside what sinks/outbox has ---- */

/* Reads the files of the options; logs what is insecure. 0, or -errno with a sentence. `sink` and `api` must outlive it. */
int http__open(struct outbox **outbox, const struct http_sink *sink, const struct sink_api *api,
	       const struct http_conf *conf, struct error *err);

/* A header for all requests, "Name: value", before the first item. Its value may be a secret: it is never logged. */
int http__header(struct outbox *outbox, const char *line);

/* Adds a target. 0, or -errno with a sentence: not a URL of HTTP. */
int http__target(struct outbox *outbox, const char *url, struct error *err);

#endif
