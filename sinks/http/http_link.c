/* SPDX-License-Identifier: BSD-2-Clause */
/* One request at a time, by libcurl; secrets come from files, and go nowhere but to the server. */
#include "sinks/http/http_link.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "sinks/outbox/gzip.h"
#include "sinks/outbox/option_file.h"

#define MS 1000000
#define CONNECT_MS 10000L
#define AFTER_MAX 300 /* seconds: a server may ask for more */

/* ---- files of the options ---- */

static int read_files(struct http_link *link, const struct http_conf *conf, struct error *err)
{
	const struct {
		const char *option, *value;
		struct buffer *out;
		bool line;
	} files[] = {
		{"password_file", conf->password_file, &link->password, true},
		{"token_file", conf->token_file, &link->token, true},
		{"ca", conf->ca, &link->ca, false},
		{"cert", conf->cert, &link->cert, false},
		{"key", conf->key, &link->key, false},
	};
	int rc = 0;

	for (size_t i = 0; i < sizeof(files) / sizeof(*files) && !rc; i++)
		rc = option_file__read(link->api, files[i].option, files[i].value, files[i].line, files[i].out, err);
	return rc;
}

/* ---- what is asked for ---- */

int http_link__header(struct http_link *link, const char *line)
{
	struct curl_slist *headers = curl_slist_append(link->headers, line);

	if (!headers)
		return -ENOMEM;
	link->headers = headers;
	link->credentials |= !strncasecmp(line, "authorization:", 14);
	return 0;
}

static int put_headers(struct http_link *link)
{
	struct text type = {0};
	int rc;

	text__printf(&type, "Content-Type: %s", link->sink->type);
	rc = type.error ? type.error : http_link__header(link, type.data);
	text__free(&type);
	/* without Expect a body goes at once */
	rc = rc ? rc : http_link__header(link, "Expect:");
	rc = rc ? rc : http_link__header(link, "User-Agent: collector/" PACKAGE_VERSION);
	return rc || !link->gzip ? rc : http_link__header(link, "Content-Encoding: gzip");
}

int http_link__open(struct http_link *link, const struct http_conf *conf, struct error *err)
{
	int rc = read_files(link, conf, err);

	if (rc)
		return rc;
	if (!conf->user != !link->password.size)
		return error__set(err, -EINVAL, "user= and password_file= belong together: give both");
	if (conf->user && link->token.size)
		return error__set(err, -EINVAL, "both user= and token_file=: give one");
	if (!link->cert.size != !link->key.size)
		return error__set(err, -EINVAL, "cert= and key= belong together: give both");
	if (conf->proxy && strchr(conf->proxy, '@'))
		return error__set(err, -EINVAL,
				  "proxy=: a password there would be visible to other users: use the "
				  "environment variable https_proxy");
	link->gzip = conf->gzip;
	link->insecure = conf->insecure;
	link->timeout_ns = conf->timeout;
	link->credentials = link->password.size || link->token.size;
	error__set(err, 0, "%s", strerror(ENOMEM));
	if ((conf->user && !(link->user = strdup(conf->user))) || (conf->proxy && !(link->proxy = strdup(conf->proxy))))
		return -ENOMEM;
	rc = put_headers(link);
	if (!rc && curl_global_init(CURL_GLOBAL_DEFAULT))
		rc = error__set(err, -ENOMEM, "libcurl cannot be initialized");
	if (!rc && link->insecure)
		link->api->log(LOG_WARN, "%s: insecure=true: the certificates of servers are not checked",
			       link->sink->name);
	return rc;
}

static bool is_local(const char *host)
{
	return !strcmp(host, "localhost") || !strncmp(host, "127.", 4) || !strcmp(host, "[::1]");
}

int http_link__check(struct http_link *link, const char *text, struct error *err)
{
	char *scheme = NULL, *host = NULL, *user = NULL;
	CURLU *url = curl_url();
	int rc = 0;

	if (!url)
		return error__set(err, -ENOMEM, "%s", strerror(ENOMEM));
	if (curl_url_set(url, CURLUPART_URL, text, 0) || curl_url_get(url, CURLUPART_SCHEME, &scheme, 0) ||
	    curl_url_get(url, CURLUPART_HOST, &host, 0) ||
	    (strcmp(scheme, "http") != 0 && strcmp(scheme, "https") != 0))
		rc = error__set(err, -EINVAL, "not a URL of http or https");
	else if (!curl_url_get(url, CURLUPART_USER, &user, 0))
		rc = error__set(err, -EINVAL,
				"a URL with a password is visible to other users: use user= and "
				"password_file=");
	else if (link->credentials && !strcmp(scheme, "http") && !is_local(host))
		link->api->log(LOG_WARN, "%s: credentials go to %s without encryption: use https", link->sink->name,
			       host);
	curl_free(scheme);
	curl_free(host);
	curl_free(user);
	curl_url_cleanup(url);
	return rc;
}

/* ---- a request ---- */

static size_t on_answer(char *bytes, size_t one, size_t count, void *arg)
{
	struct http_link *link = arg;
	size_t room = HTTP_ANSWER_MAX - link->answer.size;

	if (count && room)
		text__put(&link->answer, bytes, count < room ? count : room);
	return one * count;
}

static size_t on_header(char *line, size_t one, size_t count, void *arg)
{
	http_clock__header(arg, line, one * count);
	return one * count;
}

static int on_progress(void *arg, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
	(void)a;
	(void)b;
	(void)c;
	(void)d;
	return outbox__stopped(((struct http_link *)arg)->outbox);
}

static void set_blob(CURL *curl, CURLoption option, const struct buffer *bytes)
{
	struct curl_blob blob = {.data = bytes->data, .len = bytes->size, .flags = CURL_BLOB_NOCOPY};

	if (bytes->size)
		curl_easy_setopt(curl, option, &blob);
}

static void set_security(struct http_link *link)
{
	CURL *curl = link->curl;

	set_blob(curl, CURLOPT_CAINFO_BLOB, &link->ca);
	set_blob(curl, CURLOPT_SSLCERT_BLOB, &link->cert);
	set_blob(curl, CURLOPT_SSLKEY_BLOB, &link->key);
	if (link->insecure) {
		curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 0L);
		curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 0L);
	}
	if (link->user) {
		curl_easy_setopt(curl, CURLOPT_HTTPAUTH, CURLAUTH_BASIC);
		curl_easy_setopt(curl, CURLOPT_USERNAME, link->user);
		curl_easy_setopt(curl, CURLOPT_PASSWORD, (char *)link->password.data);
	}
	if (link->token.size) {
		curl_easy_setopt(curl, CURLOPT_HTTPAUTH, CURLAUTH_BEARER);
		curl_easy_setopt(curl, CURLOPT_XOAUTH2_BEARER, (char *)link->token.data);
	}
}

static int start_curl(struct http_link *link)
{
	CURL *curl = link->curl = curl_easy_init();

	if (!curl)
		return -ENOMEM;
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
#if LIBCURL_VERSION_NUM >= 0x075500
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
#else
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS, CURLPROTO_HTTP | CURLPROTO_HTTPS);
#endif
	curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, link->error);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_answer);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, link);
	curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(curl, CURLOPT_HEADERDATA, link);
	curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
	curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_progress);
	curl_easy_setopt(curl, CURLOPT_XFERINFODATA, link);
	curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_MS);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)(link->timeout_ns / MS));
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, link->headers);
	if (link->proxy)
		curl_easy_setopt(curl, CURLOPT_PROXY, link->proxy);
	set_security(link);
	return 0;
}

int http_link__send(struct http_link *link, const char *url, const struct buffer *body, struct http_result *result)
{
	const struct buffer *bytes = link->gzip ? &link->packed : body;
	curl_off_t after = 0;
	time_t begun;
	int rc = link->gzip ? gzip__pack(&link->packed, body) : 0;

	*result = (struct http_result){0};
	if (!rc && !link->curl)
		rc = start_curl(link);
	if (rc)
		return rc;
	text__free(&link->answer);
	*link->error = '\0';
	curl_easy_setopt(link->curl, CURLOPT_URL, url);
	curl_easy_setopt(link->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)bytes->size);
	curl_easy_setopt(link->curl, CURLOPT_POSTFIELDS, bytes->data);
	link->date = 0;
	begun = time(NULL);
	result->code = curl_easy_perform(link->curl);
	http_clock__check(link, url, begun);
	curl_easy_getinfo(link->curl, CURLINFO_RESPONSE_CODE, &result->status);
	curl_easy_getinfo(link->curl, CURLINFO_RETRY_AFTER, &after);
	result->after_ns = (uint64_t)(after > AFTER_MAX ? AFTER_MAX : after) * 1000000000ULL;
	return 0;
}

void http_link__idle(struct http_link *link)
{
	curl_easy_cleanup(link->curl);
	link->curl = NULL;
	buffer__free(&link->packed);
}

void http_link__close(struct http_link *link)
{
	http_link__idle(link);
	curl_slist_free_all(link->headers);
	text__free(&link->answer);
	option_file__forget(&link->password);
	option_file__forget(&link->token);
	option_file__forget(&link->key);
	buffer__free(&link->ca);
	buffer__free(&link->cert);
	free(link->user);
	free(link->proxy);
}
