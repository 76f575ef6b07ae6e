/* SPDX-License-Identifier: BSD-2-Clause */
/* The footer of a Parquet file: a struct FileMetaData in Thrift's compact protocol, its size, and "PAR1". */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/lake/compact.h"

#define MAGIC "PAR1"
#define TAIL 8	       /* bytes: the size, the magic */
#define AT_ONCE 16384  /* bytes read from the end: footers of small files are shorter */
#define DEPTH_MAX 16   /* of structs and lists in each other */
#define FIELD_SCHEMA 2 /* of FileMetaData */
#define FIELD_KEY_VALUES 5

enum thrift { STOP, TRUE, FALSE, BYTE, I16, I32, I64, DOUBLE, BINARY, LIST, SET, MAP, STRUCT, UUID };

struct reader {
	const uint8_t *at, *end;
};

static bool skip_bytes(struct reader *r, uint64_t size)
{
	if (size > (uint64_t)(r->end - r->at))
		return false;
	r->at += size;
	return true;
}

static bool read_number(struct reader *r, uint64_t *number)
{
	*number = 0;
	for (int shift = 0; shift < 64 && r->at < r->end; shift += 7) {
		*number |= (uint64_t)(*r->at & 0x7f) << shift;
		if (!(*r->at++ & 0x80))
			return true;
	}
	return false;
}

/* The type and number of a struct's next field; *number: of the one before. */
static bool read_field(struct reader *r, unsigned *type, uint64_t *number)
{
	uint8_t head;

	if (r->at == r->end)
		return false;
	head = *r->at++;
	*type = head & 15;
	if (head >> 4 || *type == STOP) {
		*number += head >> 4;
		return true;
	}
	if (!read_number(r, number))
		return false;
	*number >>= 1; /* it is signed; no struct here has a field below 0 */
	return true;
}

static bool skip(struct reader *r, unsigned type, bool in_list, int depth);

static bool skip_list(struct reader *r, int depth)
{
	uint64_t count;
	unsigned type;

	if (r->at == r->end)
		return false;
	type = *r->at & 15;
	count = *r->at++ >> 4;
	if (count == 15 && !read_number(r, &count))
		return false;
	for (; count; count--)
		if (!skip(r, type, true, depth))
			return false;
	return true;
}

static bool skip_struct(struct reader *r, int depth)
{
	uint64_t number = 0;
	unsigned type;

	while (read_field(r, &type, &number)) {
		if (type == STOP)
			return true;
		if (!skip(r, type, false, depth))
			return false;
	}
	return false;
}

/* A value takes a byte at least, so that the length of a list needs no limit; of a field, a bool is in its type. */
static bool skip(struct reader *r, unsigned type, bool in_list, int depth)
{
	uint64_t size;

	switch (type) {
	case TRUE:
	case FALSE:
		return !in_list || skip_bytes(r, 1);
	case BYTE:
		return skip_bytes(r, 1);
	case I16:
	case I32:
	case I64:
		return read_number(r, &size);
	case DOUBLE:
		return skip_bytes(r, 8);
	case BINARY:
		return read_number(r, &size) && skip_bytes(r, size);
	case LIST:
	case SET:
		return depth < DEPTH_MAX && skip_list(r, depth + 1);
	case STRUCT:
		return depth < DEPTH_MAX && skip_struct(r, depth + 1);
	default: /* no footer has others */
		return false;
	}
}

bool lake_footer__form(const uint8_t *footer, size_t size, struct text *form)
{
	struct reader r = {footer, footer + size};
	uint64_t number = 0;
	unsigned type;

	while (read_field(&r, &type, &number)) {
		const uint8_t *value = r.at;

		if (type == STOP)
			return true;
		if (!skip(&r, type, false, 0))
			return false;
		if (number == FIELD_SCHEMA || number == FIELD_KEY_VALUES)
			text__put(form, (const char *)value, r.at - value);
	}
	return false;
}

/* The last bytes of a file, to be freed; `size`: of the file, then of them. NULL: see errno. */
static uint8_t *read_end(int fd, off_t *size, off_t most)
{
	off_t from = *size > most ? *size - most : 0;
	uint8_t *bytes = malloc(*size - from + 1);
	ssize_t n = bytes ? pread(fd, bytes, *size - from, from) : -1;

	if (n == *size - from) {
		*size = n;
		return bytes;
	}
	if (n >= 0)
		errno = EIO;
	free(bytes);
	return NULL;
}

static int read_form(int fd, off_t size, struct text *form)
{
	off_t got = size, length;
	uint8_t *end = read_end(fd, &got, AT_ONCE);
	uint32_t said;
	int rc;

	if (!end)
		return -errno;
	if (got < TAIL || memcmp(end + got - strlen(MAGIC), MAGIC, strlen(MAGIC)) != 0) {
		free(end);
		return -EBADMSG;
	}
	memcpy(&said, end + got - TAIL, sizeof(said));
	length = (off_t)le32toh(said) + TAIL;
	if (length > got && length <= size) {
		free(end);
		got = size;
		end = read_end(fd, &got, length);
		if (!end)
			return -errno;
	}
	rc = length <= got && lake_footer__form(end + got - length, length - TAIL, form) ? form->error : -EBADMSG;
	free(end);
	return rc;
}

int lake_footer__read(int folder, const char *name, struct text *form)
{
	int fd = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC), rc;
	struct stat st;

	if (fd < 0)
		return -errno;
	rc = fstat(fd, &st) ? -errno : read_form(fd, st.st_size, form);
	close(fd);
	return rc;
}
