/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of the sink forward share. The protocol: Fluentd's Forward Protocol Specification v1.5. */
#ifndef SINKS_FORWARD_FORWARD_H
#define SINKS_FORWARD_FORWARD_H

#include <sys/types.h>

#include "core/base/base.h"
#include "core/sink.h"
#include "core/text.h"
#include "sinks/outbox/outbox.h"

#define FORWARD_NAME "forward"

struct forward_conf {
	char *address, *tag, *shared_key_file, *user, *password_file, *ca, *cert, *key;
	bool tls, insecure, gzip;
	uint64_t timeout;
	struct outbox_conf outbox;
};

/* ---- forward_answer.c: what a server sends, any bytes ---- */

#define FORWARD_ANSWER_MAX 8192

enum forward_kind { FORWARD_ACK, FORWARD_HELO, FORWARD_PONG };

struct forward_bytes {
	const char *bytes;
	uint32_t size;
};

struct forward_answer {
	enum forward_kind kind;
	struct forward_bytes ack;	  /* the chunk */
	struct forward_bytes nonce, salt; /* of a HELO; an empty salt: users are not asked for */
	bool keepalive;			  /* of a HELO */
	bool accepted;			  /* of a PONG, and: */
	struct forward_bytes reason, hostname, digest;
};

/* The message that the bytes begin with. Returns its size; 0: it is not complete; -EBADMSG: it is none of Forward's. What it
 * points to is in the bytes. */
int forward_answer__parse(const uint8_t *bytes, size_t size, struct forward_answer *answer);

/* ---- forward_tls.c: what OpenSSL does; without it, all are NULL ---- */

#define FORWARD_DIGEST 128

struct forward_tls;

extern const struct forward_tls_calls {
	/* Files as the options say, empty ones: none. 0, or -errno with a sentence; free() is to be called in any case. */
	int (*new)(struct forward_tls **tls, bool insecure, const struct buffer *ca, const struct buffer *cert,
		   const struct buffer *key, struct error *err);
	void (*free)(struct forward_tls *tls); /* takes NULL */

	/* A session on a connected socket, which must not block. 0 or -ENOMEM. */
	int (*begin)(struct forward_tls *tls, int fd, const char *host);
	void (*end)(struct forward_tls *tls);

	/* Each returns what it did, or -EAGAIN with *wants set to what poll() is to wait for, or -EPROTO with a sentence;
	 * handshake() also -EACCES: of the certificate. */
	int (*handshake)(struct forward_tls *tls, short *wants, struct text *why);
	ssize_t (*read)(struct forward_tls *tls, void *bytes, size_t size, short *wants, struct text *why);
	ssize_t (*write)(struct forward_tls *tls, const void *bytes, size_t size, short *wants, struct text *why);

	/* SHA-512 of the parts, one after the other, as hexadecimal digits. 0 or -ENOMEM. */
	int (*digest)(const struct forward_bytes *parts, size_t count, char out[FORWARD_DIGEST + 1]);
} forward_tls;

/* ---- forward_link.c: the connection ---- */

struct forward_link {
	char *host, *port, *path; /* path: of a Unix socket, in place of the others */
	struct forward_tls *tls;  /* NULL: plain */
	int fd, stop_fd;	  /* fd -1: not connected */
	uint8_t in[FORWARD_ANSWER_MAX];
	size_t in_size, used; /* used: of the answer that was given last */
};

/* 0, or -errno with a sentence. */
int forward_link__open(struct forward_link *link, const char *address, struct error *err);
/* Each returns 0, or -errno with a sentence: -ECANCELED if it was stopped, -ETIMEDOUT. */
int forward_link__connect(struct forward_link *link, uint64_t deadline, struct text *why);
/* Sends all, and waits for an answer, which is valid until the next call. -EPIPE: the server has closed the connection;
 * -EBADMSG: it speaks something else. */
int forward_link__ask(struct forward_link *link, const struct buffer *message, uint64_t deadline,
		      struct forward_answer *answer, struct text *why);
bool forward_link__is_up(struct forward_link *link); /* connected, and the server has not closed it */
void forward_link__end(struct forward_link *link);   /* closes the connection */
void forward_link__stop(struct forward_link *link);  /* any thread: ends the calls above */
void forward_link__close(struct forward_link *link);

/* ---- forward_login.c ---- */

struct forward_login {
	struct buffer key, password; /* as strings; empty: none */
	char *user;		     /* NULL: none */
	char hostname[65];	     /* our own */
};

/* Shakes hands on a new connection, and sets *keepalive. 0, or -errno with a sentence: -EACCES if a person has to change
 * something. */
int forward_login__shake(const struct forward_login *login, struct forward_link *link, uint64_t deadline,
			 bool *keepalive, struct text *why);

/* ---- forward_tag.c ---- */

struct forward_tags {
	char *template;
	char *tags[OUTBOX_TARGETS];
	unsigned count;
};

int forward_tags__open(struct forward_tags *tags, const char *template,
		       struct error *err); /* 0, or -errno with a sentence */
/* The number of an event's tag; beyond OUTBOX_TARGETS, all others share the last. -ENOMEM. */
int forward_tags__take(struct forward_tags *tags, const char *stream, const char *event);
void forward_tags__close(struct forward_tags *tags);

/* ---- forward_record.c ---- */

int forward_record__render(struct buffer *out, const char *name, const struct value *value); /* of sink_rows */
/* Appends an entry: its time, and the record as a map. 0, -ENOMEM or -EBADMSG. */
int forward_record__put(struct buffer *out, struct sink_rows *rows, const struct record *record);

/* ---- forward_send.c ---- */

struct forward {
	const struct sink_api *api;
	struct outbox *outbox;
	struct forward_tags tags;
	struct sink_rows *rows;
	uint16_t **targets; /* by stream and kind */
	size_t streams_count;
	uint64_t records;
	struct buffer item;
	char *name; /* of the server, for messages */

	/* the thread's */
	struct forward_link link;
	struct forward_login login;
	uint64_t timeout_ns;
	bool gzip, keepalive;
	struct forward_request {
		struct buffer entries, packed, message;
		char chunk[BASE64_SIZE(16) + 1];
	} request, other;    /* the one that is tried, and one that was taken before */
	unsigned tries;	     /* that it was not */
	const void *suspect; /* the batch of which a part was refused */
	struct buffer taken; /* an entry that the server has taken, of: */
	unsigned taken_target;
};

void forward_send__free(struct forward *f);
extern const struct outbox_transport forward_transport;

#endif
