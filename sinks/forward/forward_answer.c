/* SPDX-License-Identifier: BSD-2-Clause */
/* Reads what a server sends: {"ack": chunk}, ["HELO", {...}] or ["PONG", ...]. Nothing of it is trusted. */
#include <errno.h>

#include "sinks/forward/forward.h"

static bool is_text(const struct forward_bytes *bytes, const char *text)
{
	return bytes->size == strlen(text) && !memcmp(bytes->bytes, text, bytes->size);
}

static bool take_text(struct cursor *c, struct forward_bytes *out)
{
	return cursor__string(c, &out->bytes, &out->size);
}

static bool take_bool(struct cursor *c, bool *out)
{
	struct value value;

	if (!cursor__value(c, &value) || value.type != VALUE_BOOL)
		return false;
	*out = value.boolean;
	return true;
}

/* Unknown keys are skipped: a later version may have more. */
static bool take_ack(struct cursor *c, struct forward_answer *answer)
{
	struct forward_bytes key;
	bool found = false;
	uint32_t pairs;
	bool good = cursor__map(c, &pairs);

	answer->kind = FORWARD_ACK;
	for (; good && pairs; pairs--) {
		good = take_text(c, &key);
		if (good && is_text(&key, "ack"))
			good = found = take_text(c, &answer->ack);
		else
			good = good && cursor__skip(c) == 1;
	}
	return good && found;
}

static bool take_helo(struct cursor *c, struct forward_answer *answer)
{
	struct forward_bytes key;
	uint32_t pairs;
	bool good = cursor__map(c, &pairs);

	answer->kind = FORWARD_HELO;
	answer->keepalive = true;
	for (; good && pairs; pairs--) {
		good = take_text(c, &key);
		if (good && is_text(&key, "nonce"))
			good = take_text(c, &answer->nonce);
		else if (good && is_text(&key, "auth"))
			good = take_text(c, &answer->salt);
		else if (good && is_text(&key, "keepalive"))
			good = take_bool(c, &answer->keepalive);
		else
			good = good && cursor__skip(c) == 1;
	}
	return good && answer->nonce.size;
}

static bool take_pong(struct cursor *c, struct forward_answer *answer)
{
	answer->kind = FORWARD_PONG;
	return take_bool(c, &answer->accepted) && take_text(c, &answer->reason) && take_text(c, &answer->hostname) &&
	       take_text(c, &answer->digest);
}

static bool take_array(struct cursor *c, uint32_t count, struct forward_answer *answer)
{
	struct forward_bytes name;

	if (!count || !take_text(c, &name))
		return false;
	if (count == 2 && is_text(&name, "HELO"))
		return take_helo(c, answer);
	return count == 5 && is_text(&name, "PONG") && take_pong(c, answer);
}

int forward_answer__parse(const uint8_t *bytes, size_t size, struct forward_answer *answer)
{
	struct cursor whole = {bytes, bytes + size}, c;
	uint32_t count;
	bool good;
	int rc = size ? cursor__skip(&whole) : 0;

	*answer = (struct forward_answer){0};
	if (!rc && size >= FORWARD_ANSWER_MAX)
		return -EBADMSG;
	if (rc != 1)
		return rc;
	c = (struct cursor){bytes, whole.at};
	good = cursor__array(&c, &count) ? take_array(&c, count, answer) : take_ack(&c, answer);
	return good ? (int)(whole.at - bytes) : -EBADMSG;
}
