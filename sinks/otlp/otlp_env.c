/* SPDX-License-Identifier: BSD-2-Clause */
/* The environment: OTEL_* as every sender of OpenTelemetry reads them, TRACEPARENT and TRACESTATE. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "sinks/otlp/otlp.h"

#define MS 1000000ULL
#define STATE_MAX 512
#define ENDPOINT "http://localhost:4318"

static const struct {
	const char *path, *endpoint, *exporter;
} signals[] = {
	[OTLP_TRACES] = {"v1/traces", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_TRACES_EXPORTER"},
	[OTLP_LOGS] = {"v1/logs", "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", "OTEL_LOGS_EXPORTER"},
	[OTLP_METRICS] = {"v1/metrics", "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "OTEL_METRICS_EXPORTER"},
};

/* Set and not empty. */
static const char *variable(const char *name)
{
	const char *value = getenv(name);

	return value && *value ? value : NULL;
}

static int hex(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool read_hex(const char *text, uint8_t *out, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		int high = hex(text[2 * i]), low = high < 0 ? -1 : hex(text[2 * i + 1]);

		if (low < 0)
			return false;
		out[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

static bool is_zero(const uint8_t *id, size_t size)
{
	while (size && !id[size - 1])
		size--;
	return !size;
}

/* 00-TRACE-PARENT-FLAGS; later versions may have more after that. */
static bool read_parent(struct otlp_env *env, const char *text)
{
	uint8_t version, flags;

	if (strlen(text) < 55 || text[2] != '-' || text[35] != '-' || text[52] != '-' ||
	    (text[55] && text[55] != '-') || !read_hex(text, &version, 1) || version == 0xff ||
	    (!version && text[55]) || !read_hex(text + 3, env->trace_id, TRACE_ID) ||
	    !read_hex(text + 36, env->parent_id, SPAN_ID) || !read_hex(text + 53, &flags, 1) ||
	    is_zero(env->trace_id, TRACE_ID) || is_zero(env->parent_id, SPAN_ID))
		return false;
	env->flags = flags;
	return true;
}

/* %41 is A. In place. */
static void decode(char *text)
{
	char *out = text;
	uint8_t byte;

	for (; *text; text++) {
		char pair[2] = {(char)(text[1] | 0x20), text[1] ? (char)(text[2] | 0x20) : '\0'};

		if (*text == '%' && text[1] && text[2] && read_hex(pair, &byte, 1)) {
			*out++ = (char)byte;
			text += 2;
		} else {
			*out++ = *text;
		}
	}
	*out = '\0';
}

/* Without blanks around it. */
static char *trim(char *text)
{
	size_t length;

	text += strspn(text, " \t");
	for (length = strlen(text); length && strchr(" \t", text[length - 1]); length--)
		text[length - 1] = '\0';
	return text;
}

/* Calls `take` with each NAME=VALUE of a list with commas between, decoded. 0 or its result. */
static int each_pair(const char *list, int (*take)(void *arg, const char *name, const char *value), void *arg)
{
	char *copy = strdup(list), *item, *rest = copy, *value;
	int rc = copy ? 0 : -ENOMEM;

	while (!rc && (item = strsep(&rest, ","))) {
		value = strchr(item, '=');
		if (!value || value == item)
			continue;
		*value++ = '\0';
		item = trim(item);
		value = trim(value);
		decode(value);
		rc = take(arg, item, value);
	}
	free(copy);
	return rc;
}

/* The first of a name stays. */
static int take_resource(void *arg, const char *name, const char *value)
{
	struct otlp_env *env = arg;
	size_t count = 0;
	char **pairs;

	if (otlp_env__resource(env, name))
		return 0;
	while (env->resource && env->resource[count])
		count += 2;
	pairs = reallocarray(env->resource, count + 3, sizeof(*pairs));
	if (!pairs)
		return -ENOMEM;
	env->resource = pairs;
	pairs[count] = strdup(name);
	pairs[count + 1] = pairs[count] ? strdup(value) : NULL;
	pairs[count + 2] = NULL;
	return pairs[count + 1] ? 0 : -ENOMEM;
}

const char *otlp_env__resource(const struct otlp_env *env, const char *name)
{
	for (char **pair = env->resource; pair && *pair; pair += 2)
		if (!strcmp(*pair, name))
			return pair[1];
	return NULL;
}

int otlp_env__read(struct otlp_env *env, const struct sink_api *api)
{
	const char *parent = variable("TRACEPARENT"), *state = variable("TRACESTATE");
	const char *service = variable("OTEL_SERVICE_NAME"), *attributes = variable("OTEL_RESOURCE_ATTRIBUTES");
	const char *protocol = variable("OTEL_EXPORTER_OTLP_PROTOCOL");
	int rc = service ? take_resource(env, "service.name", service) : 0;

	if (!rc && attributes)
		rc = each_pair(attributes, take_resource, env);
	if (protocol && strcmp(protocol, "http/protobuf") != 0)
		api->log(LOG_WARN, OTLP_NAME ": OTEL_EXPORTER_OTLP_PROTOCOL=%s: http/protobuf is sent", protocol);
	env->traced = parent && read_parent(env, parent);
	if (parent && !env->traced)
		api->log(LOG_WARN, OTLP_NAME ": TRACEPARENT=%s: not a trace's parent; it is not used", parent);
	env->state =
		env->traced && state && strlen(state) <= STATE_MAX && utf8__valid(state, strlen(state)) ? state : NULL;
	return rc;
}

void otlp_env__free(struct otlp_env *env)
{
	for (char **text = env->resource; text && *text; text++)
		free(*text);
	free(env->resource);
}

int otlp_env__url(enum otlp_signal signal, const char *option, char **url)
{
	const char *own = variable(signals[signal].endpoint), *base = variable("OTEL_EXPORTER_OTLP_ENDPOINT");
	size_t length;
	int n;

	/* one that is for a signal alone is used as it is */
	if (!option && own) {
		*url = strdup(own);
		return *url ? 0 : -ENOMEM;
	}
	base = option ? option : base ? base : ENDPOINT;
	length = strlen(base);
	n = asprintf(url, "%s%s%s", base, length && base[length - 1] == '/' ? "" : "/", signals[signal].path);
	return n < 0 ? -ENOMEM : 0;
}

static int take_header(void *arg, const char *name, const char *value)
{
	struct text line = {0};
	int rc;

	if (strpbrk(name, "\r\n:") || strpbrk(value, "\r\n"))
		return 0;
	text__printf(&line, "%s: %s", name, value);
	rc = line.error ? line.error : http__header(arg, line.data);
	if (line.data)
		explicit_bzero(line.data, line.capacity);
	text__free(&line);
	return rc;
}

int otlp_env__headers(struct outbox *outbox)
{
	const char *headers = variable("OTEL_EXPORTER_OTLP_HEADERS");

	return headers ? each_pair(headers, take_header, outbox) : 0;
}

bool otlp_env__sends(enum otlp_signal signal)
{
	const char *exporter = variable(signals[signal].exporter);

	return !exporter || strcmp(exporter, "none") != 0;
}

void otlp_env__conf(struct http_conf *conf)
{
	const char *timeout = variable("OTEL_EXPORTER_OTLP_TIMEOUT");
	const char *compression = variable("OTEL_EXPORTER_OTLP_COMPRESSION");
	unsigned long ms = timeout ? strtoul(timeout, NULL, 10) : 0;

	/* an option that was given holds */
	if (ms && ms <= 3600000 && conf->timeout == HTTP_TIMEOUT_NS)
		conf->timeout = ms * MS;
	if (compression)
		conf->gzip = !strcmp(compression, "gzip");
}
