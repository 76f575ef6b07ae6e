/* SPDX-License-Identifier: BSD-2-Clause */
/* One request at a time, by libcurl. */
#ifndef SINKS_HTTP_HTTP_LINK_H
#define SINKS_HTTP_HTTP_LINK_H

#include <curl/curl.h>

#include "sinks/http/http.h"

#define HTTP_ANSWER_MAX 65536 /* what is kept of an answer */

struct http_link {
	CURL *curl; /* NULL: no connection is held */
	const struct http_sink *sink;
	const struct sink_api *api;
	char *user, *proxy; /* NULL: none */
	bool gzip, insecure;
	uint64_t timeout_ns;
	struct buffer password, token, ca, cert, key; /* of the files; empty: none */
	struct curl_slist *headers;
	const struct outbox *outbox; /* a request ends if it is stopped */
	bool credentials;	     /* a header or an option has some */
	time_t date;		     /* of the last answer; 0 or less: it has none */
	bool told_clock;	     /* that it differs */
	char error[CURL_ERROR_SIZE];
	struct text answer;
	struct buffer packed;
};

struct http_result {
	CURLcode code;
	long status;	   /* 0: none came */
	uint64_t after_ns; /* Retry-After; 0: none */
};

/* Reads the files; `sink` and `api` are set. 0, or -errno with a sentence. */
int http_link__open(struct http_link *link, const struct http_conf *conf, struct error *err);
int http_link__header(struct http_link *link, const char *line); /* 0 or -ENOMEM */
/* Checks a URL, and warns if credentials would go there in the clear. 0, or -errno with a sentence. */
int http_link__check(struct http_link *link, const char *url, struct error *err);
/* 0 or -ENOMEM. */
int http_link__send(struct http_link *link, const char *url, const struct buffer *body, struct http_result *result);
void http_link__idle(struct http_link *link); /* closes the connection */
void http_link__close(struct http_link *link);

/* ---- http_clock.c ---- */

/* Takes the date from a header of the answer. */
void http_clock__header(struct http_link *link, const char *line, size_t size);

/* After an answer: warns once if the clocks differ. */
void http_clock__check(struct http_link *link, const char *url, int64_t begun);

#endif
