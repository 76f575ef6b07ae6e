/* SPDX-License-Identifier: BSD-2-Clause */
/* Whether the server's clock, by the Date of its answers (RFC 9110), agrees with this host's. */
#include <string.h>
#include <time.h>

#include "core/format.h"
#include "sinks/http/http_link.h"

/* That two clocks that are kept by NTP never differ by, in seconds. */
#define APART_MIN 2

void http_clock__header(struct http_link *link, const char *line, size_t size)
{
	char date[64];

	if (size < 5 || size - 5 >= sizeof(date) || strncasecmp(line, "date:", 5) != 0)
		return;
	memcpy(date, line + 5, size - 5);
	date[size - 5] = '\0';
	link->date = curl_getdate(date, NULL);
}

/* By how many seconds this host's clock is at least fast by the server's, negative: slow; all in seconds since 1970: the
 * answer's date, and when the request began and ended here. */
static int64_t ahead_of(int64_t date, int64_t begun, int64_t ended)
{
	/* the server read its clock between the two, and left out the part of a second */
	if (date < begun - 1)
		return begun - 1 - date;
	return date > ended ? ended - date : 0;
}

void http_clock__check(struct http_link *link, const char *url, int64_t begun)
{
	int64_t ahead = link->date > 0 ? ahead_of(link->date, begun, time(NULL)) : 0;
	char apart[FORMAT_SIZE];

	if ((ahead < APART_MIN && ahead > -APART_MIN) || link->told_clock)
		return;
	link->told_clock = true;
	format__duration(apart, (uint64_t)(ahead < 0 ? -ahead : ahead) * 1000000000ULL);
	link->api->log(
		LOG_WARN,
		"%s: %s: this host's clock is %s %s by the server's: times in what is sent differ as much from those "
		"of other hosts; keep both by NTP",
		link->sink->name, url, apart, ahead < 0 ? "slow" : "fast");
}
