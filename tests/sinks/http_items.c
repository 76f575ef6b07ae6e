/* SPDX-License-Identifier: BSD-2-Clause */
/* Sends what standard input has by sinks/http, for tests:
 *
 *	outbox_items OPTIONS URL...
 *
 * OPTIONS as a sink takes them, `follow` and `header` beside those of the room. Each line is an item, TARGET HEAD TEXT, and a
 * record of the merge; "wait N" waits until so many records are safe. What becomes safe is printed. Exits with 1 if not all
 * was delivered. */
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "core/base/base.h"
#include "sinks/http/http.h"

struct conf {
	struct http_conf http;
	bool follow;
	char *header;
};

static const struct opt options[] = {
	HTTP_OPTIONS(struct conf, http, "$TEST_CA", NULL, NULL),
	OPT(struct conf, follow, OPT_BOOL, "false", 0, 0, "runs are followed"),
	OPT(struct conf, header, OPT_STRING, NULL, 0, 0, "for all requests"),
	{0},
};

static volatile sig_atomic_t interrupted;
static uint64_t safe;

static void on_signal(int number)
{
	interrupted = number;
}

static bool stopped(const struct sink_api *api)
{
	(void)api;
	return interrupted;
}

static void delivered(const struct sink_api *api, uint64_t records)
{
	(void)api;
	if (records < safe)
		abort();
	if (records > safe) {
		printf("%ju\n", (uintmax_t)records);
		fflush(stdout);
	}
	safe = records;
}

/* Each head once, in brackets, then its items. */
static void put_body(unsigned target, const struct outbox_items *items, struct buffer *out)
{
	struct outbox_item before = {0};

	(void)target;
	for (size_t i = 0; i < items->count; i++) {
		struct outbox_item item = outbox_items__get(items, i);

		if (!i || item.head != before.head) {
			buffer__append(out, "[", 1);
			buffer__append(out, item.head, item.head_size);
			buffer__append(out, "]\n", 2);
		}
		buffer__append(out, item.bytes, item.size);
		buffer__append(out, "\n", 1);
		before = item;
	}
}

/* "refused N why" */
static uint64_t read_answer(unsigned target, long status, const void *bytes, size_t size, struct text *why)
{
	const char *text = bytes;
	unsigned refused = 0;

	(void)target;
	if (size)
		text__put(why, text, size);
	return status == 200 && size && sscanf(text, "refused %u", &refused) == 1 ? refused : 0;
}

static const struct http_sink sink = {.name = "items", .type = "text/plain", .body = put_body, .answer = read_answer};

static int take_line(struct outbox *outbox, char *line, uint64_t records)
{
	char *head = strchr(line, ' '), *text = head ? strchr(head + 1, ' ') : NULL;
	struct buffer heads, items;

	if (!text)
		return -EINVAL;
	heads = (struct buffer){.data = (uint8_t *)head + 1, .size = (size_t)(text - head - 1)};
	items = (struct buffer){.data = (uint8_t *)text + 1, .size = strcspn(text + 1, "\n")};
	if (outbox__add(outbox, (unsigned)atoi(line), &heads, &items))
		return -ETIMEDOUT;
	outbox__safe(outbox, records);
	return 0;
}

static int feed(struct outbox *outbox)
{
	char *line = NULL;
	uint64_t records = 0, until;
	size_t capacity = 0;
	int rc = 0;

	while (!rc && !interrupted && getline(&line, &capacity, stdin) > 0) {
		if (sscanf(line, "wait %ju", (uintmax_t *)&until) != 1) {
			rc = take_line(outbox, line, ++records);
			continue;
		}
		for (; safe < until && !interrupted; usleep(1000))
			outbox__safe(outbox, records);
	}
	free(line);
	return rc;
}

int main(int argc, char **argv)
{
	struct sink_api api = {.size = sizeof(api), .log = log__print, .delivered = delivered, .stopped = stopped};
	struct sigaction action = {.sa_handler = on_signal};
	struct outbox *outbox = NULL;
	struct conf conf = {0};
	struct error err;
	int rc;

	log__init("outbox_items", LOG_INFO);
	sigaction(SIGTERM, &action, NULL);
	signal(SIGPIPE, SIG_IGN);
	rc = opt__defaults(options, &conf);
	rc = rc ? rc : opt__parse(options, &conf, argv[1], &err);
	api.follows = conf.follow;
	rc = rc ? rc : http__open(&outbox, &sink, &api, &conf.http, &err);
	for (int i = 2; i < argc && !rc; i++)
		rc = http__target(outbox, argv[i], &err);
	if (!rc && conf.header)
		rc = http__header(outbox, conf.header);
	opt__free(options, &conf);
	if (rc) {
		log__error("%s", err.text);
		outbox__close(outbox);
		return 2;
	}
	rc = feed(outbox);
	rc = rc ? rc : outbox__finish(outbox);
	outbox__close(outbox);
	return rc != 0;
}
