/* SPDX-License-Identifier: BSD-2-Clause */
/* The handshake: both sides show that they know the shared key, and none sends it. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "core/pack.h"
#include "sinks/forward/forward.h"

#define SALT 32 /* digits */

static struct forward_bytes text_of(const char *text)
{
	return (struct forward_bytes){text, (uint32_t)strlen(text)};
}

static struct forward_bytes secret_of(const struct buffer *secret)
{
	return text_of(secret->size ? (const char *)secret->data : "");
}

static int put_bytes(struct buffer *out, struct forward_bytes text)
{
	return pack__str(out, text.bytes, text.size);
}

static int make_salt(char out[SALT + 1])
{
	uint8_t random[SALT / 2];

	if (getrandom(random, sizeof(random), 0) != sizeof(random))
		return -errno;
	for (size_t i = 0; i < sizeof(random); i++)
		snprintf(out + 2 * i, 3, "%02x", random[i]);
	return 0;
}

/* Of the side that shows that it knows the key. */
static int key_digest(const struct forward_login *login, const char *salt, struct forward_bytes hostname,
		      const struct buffer *nonce, char out[FORWARD_DIGEST + 1])
{
	const struct forward_bytes parts[] = {
		text_of(salt), hostname, {(const char *)nonce->data, (uint32_t)nonce->size}, secret_of(&login->key)};

	return forward_tls.digest(parts, 4, out);
}

static int put_ping(struct buffer *out, const struct forward_login *login, const char *salt, const struct buffer *nonce,
		    struct forward_bytes user_salt)
{
	struct forward_bytes user = text_of(login->user && user_salt.size ? login->user : "");
	const struct forward_bytes parts[] = {user_salt, user, secret_of(&login->password)};
	char key[FORWARD_DIGEST + 1], password[FORWARD_DIGEST + 1] = "";
	int rc = key_digest(login, salt, text_of(login->hostname), nonce, key);

	if (!rc && user.size)
		rc = forward_tls.digest(parts, 3, password);
	if (!rc && (pack_array(out, 6) || put_bytes(out, text_of("PING")) || put_bytes(out, text_of(login->hostname)) ||
		    put_bytes(out, text_of(salt)) || put_bytes(out, text_of(key)) || put_bytes(out, user) ||
		    put_bytes(out, text_of(password))))
		rc = -ENOMEM;
	return rc;
}

static bool is_same(struct forward_bytes bytes, const char digest[FORWARD_DIGEST + 1])
{
	uint8_t differ = bytes.size != FORWARD_DIGEST;

	for (uint32_t i = 0; i < bytes.size && i < FORWARD_DIGEST; i++)
		differ |= (uint8_t)(bytes.bytes[i] ^ digest[i]);
	return !differ;
}

static int check_pong(const struct forward_login *login, const struct forward_answer *pong, const char *salt,
		      const struct buffer *nonce, struct text *why)
{
	char digest[FORWARD_DIGEST + 1];
	int rc;

	if (pong->kind != FORWARD_PONG) {
		text__printf(why, "the server does not answer the login");
		return -EBADMSG;
	}
	if (!pong->accepted) {
		text__printf(why, "the server refuses the login: ");
		text__safe(why, pong->reason.bytes, pong->reason.size);
		return -EACCES;
	}
	rc = key_digest(login, salt, pong->hostname, nonce, digest);
	if (rc || is_same(pong->digest, digest))
		return rc;
	text__printf(why, "the server does not know the shared key");
	return -EACCES;
}

static int shake(const struct forward_login *login, struct forward_link *link, uint64_t deadline, struct buffer *nonce,
		 bool *keepalive, struct text *why)
{
	const struct buffer nothing = {0};
	struct forward_answer answer;
	struct buffer ping = {0};
	char salt[SALT + 1];
	int rc = forward_link__ask(link, &nothing, deadline, &answer, why);

	if (rc == -ETIMEDOUT) {
		text__free(why);
		text__printf(why, "the server does not ask for a login, which shared_key_file= is for");
	}
	if (!rc && answer.kind != FORWARD_HELO) {
		text__printf(why, "the server does not begin with a login");
		rc = -EBADMSG;
	}
	if (rc)
		return rc;
	*keepalive = answer.keepalive;
	rc = buffer__append(nonce, answer.nonce.bytes, answer.nonce.size);
	rc = rc ? rc : make_salt(salt);
	rc = rc ? rc : put_ping(&ping, login, salt, nonce, answer.salt);
	rc = rc ? rc : forward_link__ask(link, &ping, deadline, &answer, why);
	buffer__free(&ping);
	return rc ? rc : check_pong(login, &answer, salt, nonce, why);
}

int forward_login__shake(const struct forward_login *login, struct forward_link *link, uint64_t deadline,
			 bool *keepalive, struct text *why)
{
	struct buffer nonce = {0};
	int rc = shake(login, link, deadline, &nonce, keepalive, why);

	buffer__free(&nonce);
	if (rc && !why->size)
		text__printf(why, "%s", strerror(-rc));
	return rc;
}
