// SPDX-License-Identifier: BSD-2-Clause
/* A reader of JSON, as much of it as the jsonl sink writes. */
#include "tests/truth/json.h"

#include <stdlib.h>
#include <string.h>

static bool take_char(struct json *j, char c)
{
	if (*j->at != c)
		return false;
	j->at++;
	return true;
}

static void need(struct json *j, char c)
{
	if (!take_char(j, c))
		j->bad = true;
}

static void put(char *out, size_t size, size_t *n, unsigned char c)
{
	if (*n < size)
		out[*n] = (char)c;
	(*n)++;
}

static void put_utf8(char *out, size_t size, size_t *n, unsigned code)
{
	if (code < 0x80) {
		put(out, size, n, code);
	} else if (code < 0x800) {
		put(out, size, n, 0xc0 | code >> 6);
		put(out, size, n, 0x80 | (code & 0x3f));
	} else {
		put(out, size, n, 0xe0 | code >> 12);
		put(out, size, n, 0x80 | (code >> 6 & 0x3f));
		put(out, size, n, 0x80 | (code & 0x3f));
	}
}

static void escape(struct json *j, char *out, size_t size, size_t *n)
{
	static const char from[] = "bfnrt", to[] = "\b\f\n\r\t";
	char c = *j->at++, hex[5] = "";
	const char *found = strchr(from, c);

	if (c == 'u') {
		memcpy(hex, j->at, strnlen(j->at, 4));
		put_utf8(out, size, n, strtoul(hex, NULL, 16));
		j->at += strlen(hex);
	} else {
		put(out, size, n, found && c ? to[found - from] : c);
	}
	if (!c)
		j->at--;
}

static size_t quoted(struct json *j, char *out, size_t size)
{
	size_t n = 0;

	need(j, '"');
	while (!j->bad && *j->at && *j->at != '"') {
		if (take_char(j, '\\'))
			escape(j, out, size, &n);
		else
			put(out, size, &n, *j->at++);
	}
	need(j, '"');
	return n;
}

static int digit64(char c)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *found = c ? strchr(digits, c) : NULL;

	return found ? (int)(found - digits) : -1;
}

static size_t base64(struct json *j, char *out, size_t size)
{
	unsigned bits = 0, have = 0;
	size_t n = 0;

	need(j, '"');
	for (; *j->at && *j->at != '"'; j->at++) {
		if (digit64(*j->at) < 0)
			continue;
		bits = bits << 6 | digit64(*j->at);
		have += 6;
		if (have >= 8) {
			have -= 8;
			put(out, size, &n, bits >> have & 0xff);
		}
	}
	need(j, '"');
	return n;
}

size_t json__string(struct json *j, char *out, size_t size)
{
	char key[16];
	size_t n = 0;

	if (*j->at == '{') {
		while (json__next(j, key, sizeof(key)))
			n = base64(j, out, size);
		return n;
	}
	if (*j->at == '"')
		return quoted(j, out, size);
	json__skip(j);
	return 0;
}

bool json__next(struct json *j, char *key, size_t size)
{
	size_t n;

	if (j->bad || take_char(j, '}'))
		return false;
	if (!take_char(j, ','))
		need(j, '{');
	if (take_char(j, '}'))
		return false;
	n = quoted(j, key, size - 1);
	key[n < size ? n : size - 1] = 0;
	need(j, ':');
	return !j->bad;
}

bool json__item(struct json *j, bool *first)
{
	if (*first)
		need(j, '[');
	else if (*j->at != ']')
		need(j, ',');
	*first = false;
	return !j->bad && !take_char(j, ']');
}

uint64_t json__number(struct json *j)
{
	char *end;
	uint64_t value;

	if (*j->at == 't' || *j->at == 'f' || *j->at == 'n') {
		value = *j->at == 't' ? 1 : *j->at == 'f' ? 0 : JSON_NULL;
		json__skip(j);
		return value;
	}
	value = strtoull(j->at, &end, 10);
	if (end == j->at)
		json__skip(j);
	else
		j->at = end;
	return value;
}

void json__skip(struct json *j)
{
	bool first = true;
	char key[16];

	if (*j->at == '"') {
		quoted(j, NULL, 0);
	} else if (*j->at == '{') {
		while (json__next(j, key, sizeof(key)))
			json__skip(j);
	} else if (*j->at == '[') {
		while (json__item(j, &first))
			json__skip(j);
	} else {
		j->at += strcspn(j->at, ",]}");
	}
}
