/* SPDX-License-Identifier: BSD-2-Clause */
/* Cursors: a small file of text for each run, below the folder of its sink and host.
 *
 *	collector-cursor 1
 *	sink jsonl
 *	host build7
 *	run make-20260301T120000Z
 *	ended 0
 *	stream MARKER MARK COMPLETE FINISHED  OFFSET TOTAL TS SEQ SHIFT  NEXT OFFSET...  NEXT OFFSET...
 *	segment NAME  NUMBER NUMBER NUMBER  MARKERS
 *
 * The latter, if there are segments before that place: the stream's name, the segments of the three places, a sum of the
 * markers before.
 *
 *	crc32 0123abcd
 */
#include "core/resume/resume.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "core/base/base.h"
#include "core/text.h"

#define FIRST_LINE "collector-cursor 1"
#define SIZE_MAX_BYTES (1U << 20)

/* ---- names ---- */

/* What is too long ends with a checksum. */
void resume_point__name(const char *text, char name[RESUME_NAME])
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.";
	size_t at = 0;

	for (const char *c = text; *c && at < RESUME_NAME - 16; c++) {
		if (strchr(plain, *c) && (*c != '.' || c > text))
			name[at++] = *c;
		else
			at += snprintf(name + at, 4, "%%%02X", (unsigned char)*c);
	}
	if (!at || at >= RESUME_NAME - 16)
		at += snprintf(name + at, 10, "-%08lx", crc32_z(0, (const void *)text, strlen(text)));
	name[at] = '\0';
}

/* ---- the text ---- */

static void put_place(struct text *out, const struct stream_place *place)
{
	text__printf(out, " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64, place->offset, place->total,
		     place->ts, place->seq, place->shift);
}

static void put_stream(struct text *out, const struct resume_stream *stream)
{
	const struct stream_position *at = &stream->position;

	text__printf(out, "stream %s %" PRIu64 " %d %d", stream->marker, at->mark, at->complete, at->finished);
	put_place(out, &at->at);
	for (int i = 0; i < 2; i++) {
		text__printf(out, " %" PRIu64, at->next[i]);
		put_place(out, &at->from[i]);
	}
	text__printf(out, "\n");
	if (*stream->name)
		text__printf(out, "segment %s %" PRIu32 " %" PRIu32 " %" PRIu32 " %" PRIu64 "\n", stream->name,
			     at->at.segment, at->from[0].segment, at->from[1].segment, at->markers_before);
}

static void put_head(struct text *out, const struct resume_key *key)
{
	text__printf(out, FIRST_LINE "\nsink %s\nhost %s\nrun %s\n", key->sink, key->host, key->run);
}

void resume_point__put(struct text *out, const struct resume_key *key, const struct resume_point *point)
{
	put_head(out, key);
	text__printf(out, "ended %d\n", point->ended);
	for (size_t i = 0; i < point->count; i++)
		put_stream(out, &point->streams[i]);
	if (!out->error)
		text__printf(out, "crc32 %08lx\n", crc32_z(0, (const void *)out->data, out->size));
}

/* The numbers of a line, separated by blanks. False if there are not exactly so many. */
static bool take_numbers(const char *at, uint64_t *numbers, size_t count)
{
	char *end;

	for (size_t i = 0; i < count; i++, at = end) {
		if (*at++ != ' ' || *at < '0' || *at > '9')
			return false;
		errno = 0;
		numbers[i] = strtoull(at, &end, 10);
		if (errno)
			return false;
	}
	return *at == '\n';
}

static void take_place(struct stream_place *place, const uint64_t *numbers)
{
	*place = (struct stream_place){numbers[0], numbers[1], numbers[2], numbers[3], numbers[4], 0};
}

/* The line from its marker on. */
static bool take_stream(const char *line, struct resume_stream *stream)
{
	struct stream_position *at = &stream->position;
	size_t length = 2 * STREAM_MARKER;
	uint64_t n[20];

	if (strspn(line, "0123456789abcdef") != length || !take_numbers(line + length, n, 20))
		return false;
	memcpy(stream->marker, line, length);
	memcpy(at->marker, line, length);
	at->mark = n[0];
	at->complete = n[1];
	at->finished = n[2];
	take_place(&at->at, n + 3);
	for (size_t i = 0; i < 2; i++) {
		at->next[i] = n[8 + 6 * i];
		take_place(&at->from[i], n + 9 + 6 * i);
	}
	return true;
}

/* The line after that of its stream, from its name on. */
static bool take_segment(const char *line, struct resume_stream *stream)
{
	struct stream_position *at = &stream->position;
	size_t length = strcspn(line, " \n");
	uint64_t n[4];

	if (!length || length >= sizeof(stream->name) || !take_numbers(line + length, n, 4) || n[0] < 2 ||
	    n[0] > UINT32_MAX || n[1] > n[0] || n[2] > n[0])
		return false;
	memcpy(stream->name, line, length);
	stream->name[length] = '\0';
	at->at.segment = n[0];
	at->from[0].segment = n[1];
	at->from[1].segment = n[2];
	at->markers_before = n[3];
	return true;
}

static int take_streams(const char *line, struct resume_point *point)
{
	static const char key[] = "stream ", segment[] = "segment ";

	for (; !strncmp(line, key, sizeof(key) - 1); line = strchr(line, '\n') + 1) {
		struct resume_stream *streams = reallocarray(point->streams, point->count + 1, sizeof(*point->streams));

		if (!streams)
			return -ENOMEM;
		point->streams = streams;
		streams[point->count] = (struct resume_stream){0};
		if (!take_stream(line + sizeof(key) - 1, &streams[point->count]))
			return -EBADMSG;
		point->count++;
		if (strncmp(strchr(line, '\n') + 1, segment, sizeof(segment) - 1))
			continue;
		line = strchr(line, '\n') + 1;
		if (!take_segment(line + sizeof(segment) - 1, &streams[point->count - 1]))
			return -EBADMSG;
	}
	return *line ? -EBADMSG : 0;
}

/* The text is complete, ends with a line and its checksum is right; that line is cut off. */
static bool check_sum(char *text, size_t size)
{
	static const char key[] = "crc32 ";
	size_t length = sizeof(key) - 1 + 9;
	char *line = text + size - length, sum[10];

	if (size <= length || strlen(text) != size || line[-1] != '\n' || strncmp(line, key, sizeof(key) - 1))
		return false;
	snprintf(sum, sizeof(sum), "%08lx\n", crc32_z(0, (const void *)text, line - text));
	if (strcmp(line + sizeof(key) - 1, sum))
		return false;
	*line = '\0';
	return true;
}

static int take_point(char *text, size_t size, const struct text *head, struct resume_point *point)
{
	static const char *const states[] = {"ended 0\n", "ended 1\n"};

	if (!check_sum(text, size) || strncmp(text, head->data, head->size))
		return -EBADMSG;
	text += head->size;
	point->ended = !strncmp(text, states[1], strlen(states[1]));
	if (strncmp(text, states[point->ended], strlen(states[0])))
		return -EBADMSG;
	return take_streams(text + strlen(states[0]), point);
}

/* ---- the file ---- */

static int read_file(int fd, char **text, size_t *size)
{
	struct stat st;
	ssize_t n;

	if (fstat(fd, &st))
		return -errno;
	if (!S_ISREG(st.st_mode) || st.st_size > SIZE_MAX_BYTES)
		return -EBADMSG;
	*text = malloc(st.st_size + 1);
	if (!*text)
		return -ENOMEM;
	n = pread(fd, *text, st.st_size, 0);
	if (n < 0)
		return -errno;
	(*text)[n] = '\0';
	*size = n;
	return 0;
}

int resume_point__read(int folder, const struct resume_key *key, struct resume_point *point)
{
	int fd = openat(folder, key->run, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct text head = {0};
	char *text = NULL;
	size_t size = 0;
	int rc = fd < 0 ? -errno : read_file(fd, &text, &size);

	*point = (struct resume_point){0};
	if (fd >= 0)
		close(fd);
	put_head(&head, key);
	if (!rc)
		rc = head.error ? -ENOMEM : take_point(text, size, &head, point);
	free(text);
	text__free(&head);
	if (rc)
		resume_point__free(point);
	return rc == -ENOENT ? 0 : rc ? rc : 1;
}

void resume_point__free(struct resume_point *point)
{
	free(point->streams);
	*point = (struct resume_point){0};
}
