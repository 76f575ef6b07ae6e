/* SPDX-License-Identifier: BSD-2-Clause */
/* Cursors: a small file of text for each run, below the folder of its sink and host.
 *
 *	collector-cursor 1
 *	sink jsonl
 *	host build7
 *	run make-20260301T120000Z
 *	ended 0
 *	stream MARKER MARK COMPLETE FINISHED  OFFSET TOTAL TS SEQ SHIFT  NEXT OFFSET...  NEXT OFFSET...
 *	crc32 0123abcd
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "core/log.h"
#include "core/merge/follow.h"
#include "core/text.h"

#define FIRST_LINE "collector-cursor 1"
#define SIZE_MAX_BYTES (1U << 20)
#define NAME_BYTES 240
#define LOCK ".lock" /* no name of a host */

/* ---- names ---- */

/* A header is untrusted: its texts become names of files only in this form. What is too long ends with a checksum. */
static void name_of(const char *text, char name[NAME_BYTES])
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.";
	size_t at = 0;

	for (const char *c = text; *c && at < NAME_BYTES - 16; c++) {
		if (strchr(plain, *c) && (*c != '.' || c > text))
			name[at++] = *c;
		else
			at += snprintf(name + at, 4, "%%%02X", (unsigned char)*c);
	}
	if (!at || at >= NAME_BYTES - 16)
		at += snprintf(name + at, 10, "-%08lx", crc32_z(0, (const void *)text, strlen(text)));
	name[at] = '\0';
}

/* ---- the folder ---- */

/* Makes a folder for the account. A descriptor or -errno. */
static int open_folder(int in, const char *name, const struct account *account)
{
	bool made = !mkdirat(in, name, 0700);
	int fd = made || errno == EEXIST ? dir__open(in, name) : -errno, rc;

	if (fd < 0 || !made || !account)
		return fd;
	rc = account__give(account, fd);
	if (!rc)
		return fd;
	close(fd);
	return rc;
}

static int open_lock(int folder, const struct account *account)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	int fd = openat(folder, LOCK, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600), rc;

	if (fd < 0)
		return -errno;
	rc = account ? account__give(account, fd) : 0;
	if (!rc && fcntl(fd, F_OFD_SETLK, &lock))
		rc = errno == EAGAIN || errno == EACCES ? -EBUSY : -errno;
	if (!rc)
		return fd;
	close(fd);
	return rc;
}

int resume__open(struct resume *resume, const char *path, const char *sink, const struct account *account,
		 struct error *err)
{
	int top;

	*resume = (struct resume){.folder = -1, .lock = -1, .path = path};
	snprintf(resume->sink, sizeof(resume->sink), "%s", sink);
	top = open_folder(AT_FDCWD, path, account);
	if (top < 0)
		return error__set(err, top, "--cursor %s: %s", path, strerror(-top));
	resume->folder = open_folder(top, sink, account);
	close(top);
	if (resume->folder < 0)
		return error__set(err, resume->folder, "--cursor %s/%s: %s", path, sink, strerror(-resume->folder));
	resume->lock = open_lock(resume->folder, account);
	if (resume->lock == -EBUSY)
		return error__set(err, -EBUSY, "--cursor %s/%s: another follower uses it: give each one its own", path,
				  sink);
	if (resume->lock < 0)
		return error__set(err, resume->lock, "--cursor %s/%s/" LOCK ": %s", path, sink,
				  strerror(-resume->lock));
	return 0;
}

void resume__close(struct resume *resume)
{
	if (!resume->path)
		return;
	if (resume->folder >= 0)
		close(resume->folder);
	if (resume->lock >= 0)
		close(resume->lock);
	resume->path = NULL;
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
}

static void put_head(struct text *out, const struct resume *resume, const struct stream_info *info)
{
	char host[NAME_BYTES], run[NAME_BYTES];

	name_of(info->host, host);
	name_of(info->run.id, run);
	text__printf(out, FIRST_LINE "\nsink %s\nhost %s\nrun %s\n", resume->sink, host, run);
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
	*place = (struct stream_place){numbers[0], numbers[1], numbers[2], numbers[3], numbers[4]};
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
	stream->marker[length] = '\0';
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

static int take_streams(const char *line, struct resume_point *point)
{
	static const char key[] = "stream ";

	for (; !strncmp(line, key, sizeof(key) - 1); line = strchr(line, '\n') + 1) {
		struct resume_stream *streams = reallocarray(point->streams, point->count + 1, sizeof(*point->streams));

		if (!streams)
			return -ENOMEM;
		point->streams = streams;
		if (!take_stream(line + sizeof(key) - 1, &streams[point->count]))
			return -EBADMSG;
		point->count++;
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

/* ---- files ---- */

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

int resume__load(const struct resume *resume, const struct stream_info *info, struct resume_point *point)
{
	char host[NAME_BYTES], run[NAME_BYTES], *text = NULL;
	struct text head = {0};
	size_t size = 0;
	int folder, fd, rc;

	*point = (struct resume_point){0};
	name_of(info->host, host);
	name_of(info->run.id, run);
	folder = dir__open(resume->folder, host);
	fd = folder < 0 ? folder : openat(folder, run, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	rc = folder < 0 ? folder : fd < 0 ? -errno : read_file(fd, &text, &size);
	if (folder >= 0)
		close(folder);
	if (fd >= 0)
		close(fd);
	put_head(&head, resume, info);
	if (!rc)
		rc = head.error ? -ENOMEM : take_point(text, size, &head, point);
	free(text);
	text__free(&head);
	if (rc)
		resume__free_point(point);
	return rc == -ENOENT ? 0 : rc ? rc : 1;
}

static int replace(int folder, const char *name, const struct text *text)
{
	int fd = openat(folder, ".new", O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600), rc;

	if (fd < 0)
		return -errno;
	rc = write_all(fd, text->data, text->size);
	if (close(fd) && !rc)
		rc = -errno;
	if (!rc && renameat(folder, ".new", folder, name))
		rc = -errno;
	if (rc)
		unlinkat(folder, ".new", 0);
	return rc;
}

int resume__save(struct resume *resume, const struct stream_info *info, const struct resume_point *point)
{
	char host[NAME_BYTES], run[NAME_BYTES];
	struct text text = {0};
	int folder, rc;

	name_of(info->host, host);
	name_of(info->run.id, run);
	put_head(&text, resume, info);
	text__printf(&text, "ended %d\n", point->ended);
	for (size_t i = 0; i < point->count; i++)
		put_stream(&text, &point->streams[i]);
	if (!text.error)
		text__printf(&text, "crc32 %08lx\n", crc32_z(0, (const void *)text.data, text.size));
	folder = open_folder(resume->folder, host, NULL);
	rc = folder < 0 ? folder : text.error ? -ENOMEM : replace(folder, run, &text);
	if (folder >= 0)
		close(folder);
	text__free(&text);
	if (rc && !resume->failed)
		log__warn("--cursor %s/%s/%s/%s: cannot be saved: %s; after a restart, more is sent again",
			  resume->path, resume->sink, host, run, strerror(-rc));
	resume->failed = rc;
	return rc;
}

struct drop {
	char run[NAME_BYTES];
};

static int drop_in(int folder, const char *name, void *arg)
{
	const struct drop *drop = arg;
	int host = dir__open(folder, name);

	if (host < 0)
		return 0; /* the lock */
	unlinkat(host, drop->run, 0);
	close(host);
	return 0;
}

void resume__drop(const struct resume *resume, const char *run)
{
	struct drop drop;

	if (!resume->path)
		return;
	name_of(run, drop.run);
	dir__each(resume->folder, drop_in, &drop);
}

void resume__free_point(struct resume_point *point)
{
	free(point->streams);
	*point = (struct resume_point){0};
}
