/* SPDX-License-Identifier: BSD-2-Clause */
/* Columns -> varints -> deflate -> base64 -> file. */
#include "sinks/report/data.h"

#include <errno.h>
#include <string.h>

#include "core/base/base.h"
#include "core/sink.h"

/* Writes `size` bytes as base64; a size that is not a multiple of 3 ends it. */
static void put_base64(struct data *data, const uint8_t *bytes, size_t size)
{
	data->text.size = 0;
	if (!data->err)
		data->err = base64__put(&data->text, bytes, size);
	if (!data->err)
		data->err = write_all(data->fd, data->text.data, data->text.size);
}

/* Deflates pending bytes and writes each full chunk; with Z_FINISH also the last one. */
static void deflate_pending(struct data *data, int flush)
{
	int rc = Z_OK;

	data->z.next_in = data->in;
	data->z.avail_in = (uInt)data->pending;
	data->pending = 0;
	while (!data->err && rc != Z_STREAM_END && (data->z.avail_in || flush == Z_FINISH)) {
		rc = deflate(&data->z, flush);
		if (rc == Z_STREAM_ERROR)
			data->err = -EIO;
		if (data->z.avail_out && rc != Z_STREAM_END)
			continue;
		put_base64(data, data->out, sizeof(data->out) - data->z.avail_out);
		data->z.next_out = data->out;
		data->z.avail_out = sizeof(data->out);
	}
}

static void put(struct data *data, const void *bytes, size_t size)
{
	const uint8_t *from = bytes;

	while (size && !data->err) {
		size_t n = sizeof(data->in) - data->pending;

		if (n > size)
			n = size;
		memcpy(data->in + data->pending, from, n);
		data->pending += n;
		from += n;
		size -= n;
		if (data->pending == sizeof(data->in))
			deflate_pending(data, Z_NO_FLUSH);
	}
}

static void put_varint(struct data *data, uint64_t value)
{
	uint8_t bytes[VARINT_MAX];

	put(data, bytes, varint__encode(bytes, value));
}

int data__open(struct data *data, int fd)
{
	memset(data, 0, sizeof(*data));
	data->fd = fd;
	data->z.next_out = data->out;
	data->z.avail_out = sizeof(data->out);
	return deflateInit(&data->z, 6) == Z_OK ? 0 : -ENOMEM;
}

void data__column(struct data *data, const char *name, enum data_kind kind, uint64_t count)
{
	uint8_t byte = (uint8_t)kind;

	data__string(data, name, strlen(name));
	put(data, &byte, 1);
	put_varint(data, count);
	data->before = 0;
}

void data__number(struct data *data, uint64_t value)
{
	if (EVENT_IS_NULL(value))
		put_varint(data, (uint64_t)EVENT_NULL_REASON(value) << 1 | 1);
	else
		put_varint(data, (value > INT64_MAX ? INT64_MAX : value) << 1);
}

void data__delta(struct data *data, uint64_t value)
{
	uint64_t difference = value - data->before;

	data->before = value;
	put_varint(data, difference >> 63 ? ~(difference << 1) : difference << 1);
}

void data__string(struct data *data, const void *bytes, size_t length)
{
	put_varint(data, length);
	put(data, bytes, length);
}

int data__close(struct data *data)
{
	deflate_pending(data, Z_FINISH);
	deflateEnd(&data->z);
	buffer__free(&data->text);
	return data->err;
}
