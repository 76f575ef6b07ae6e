/* SPDX-License-Identifier: BSD-2-Clause */
/* Writes the page: report.html with its {{places}} filled in. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sinks/report/assets.h"
#include "sinks/report/data.h"
#include "sinks/report/report.h"

static int put(int fd, const char *string)
{
	return write_all(fd, string, strlen(string));
}

/* Only the page's own parts may run or be loaded. */
static int put_policy(int fd)
{
	static const struct {
		const char *directive, *suffix;
	} kinds[] = {{"; script-src", ".js"}, {"; style-src", ".css"}};
	int err = put(fd, "default-src 'none'; base-uri 'none'; form-action 'none'");

	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds) && !err; i++) {
		err = put(fd, kinds[i].directive);
		for (const struct asset *asset = assets; asset->name && !err; asset++) {
			const char *suffix = strrchr(asset->name, '.');

			if (!suffix || strcmp(suffix, kinds[i].suffix))
				continue;
			err = put(fd, " '");
			err = err ? err : put(fd, asset->hash);
			err = err ? err : put(fd, "'");
		}
	}
	return err;
}

static int put_asset(int fd, const char *name, size_t length, const char *before, const char *after)
{
	const struct asset *asset = asset__find(name, length);
	int err;

	if (!asset)
		return 0;
	err = put(fd, before);
	err = err ? err : write_all(fd, asset->data, (size_t)(asset->end - asset->data));
	return err ? err : put(fd, after);
}

static int put_data(struct report *report)
{
	struct data *data = malloc(sizeof(*data));
	int err = data ? data__open(data, report->judged.on.api->out) : -ENOMEM, closed;

	if (!err) {
		err = columns__write(report, data);
		closed = data__close(data);
		err = err ? err : closed;
	}
	free(data);
	return err;
}

/* Fills a place: "script NAME", "style NAME", "licence NAME", "policy", "data". */
static int fill(struct report *report, const char *place, size_t length)
{
	static const struct {
		const char *word, *before, *after;
	} kinds[] = {
		{"script ", "<script>", "</script>"},
		{"style ", "<style>", "</style>"},
		{"licence ", "<!--\n", "-->"},
	};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		size_t n = strlen(kinds[i].word);

		if (length > n && !memcmp(place, kinds[i].word, n))
			return put_asset(report->judged.on.api->out, place + n, length - n, kinds[i].before,
					 kinds[i].after);
	}
	return *place == 'p' ? put_policy(report->judged.on.api->out) : put_data(report);
}

int page__write(struct report *report)
{
	const struct asset *page = asset__find("report.html", strlen("report.html"));
	const char *at = page->data, *open, *close;
	int err = 0;

	while (!err) {
		open = memmem(at, (size_t)(page->end - at), "{{", 2);
		close = open ? memmem(open, (size_t)(page->end - open), "}}", 2) : NULL;
		if (!close)
			return write_all(report->judged.on.api->out, at, (size_t)(page->end - at));
		err = write_all(report->judged.on.api->out, at, (size_t)(open - at));
		err = err ? err : fill(report, open + 2, (size_t)(close - open) - 2);
		at = close + 2;
	}
	return err;
}
