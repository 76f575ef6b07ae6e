/* SPDX-License-Identifier: BSD-2-Clause */
/* TLS and digests, by OpenSSL. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sinks/forward/forward.h"

#ifdef HAVE_openssl

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

struct forward_tls {
	SSL_CTX *context;
	SSL *session;
};

static int put_error(struct text *why)
{
	unsigned long code = ERR_get_error();
	const char *reason = code ? ERR_reason_error_string(code) : NULL;

	ERR_clear_error();
	if (why)
		text__printf(why, "TLS: %s", reason ? reason : "the connection was closed");
	return -EPROTO;
}

/* ---- files of the options ---- */

static int bad_file(const char *option, struct error *err)
{
	ERR_clear_error();
	return error__set(err, -EINVAL, "%s=: the file has no PEM that fits", option);
}

/* All certificates of the file are trusted. */
static int trust(SSL_CTX *context, const struct buffer *ca, struct error *err)
{
	BIO *bio = BIO_new_mem_buf(ca->data, (int)ca->size);
	X509 *certificate;
	int count = 0;

	while (bio && (certificate = PEM_read_bio_X509(bio, NULL, NULL, NULL))) {
		count += X509_STORE_add_cert(SSL_CTX_get_cert_store(context), certificate);
		X509_free(certificate);
	}
	BIO_free(bio);
	ERR_clear_error();
	return count ? 0 : bad_file("ca", err);
}

/* The first certificate is the client's, others are its chain. */
static int use_certificate(SSL_CTX *context, const struct buffer *cert, struct error *err)
{
	BIO *bio = BIO_new_mem_buf(cert->data, (int)cert->size);
	X509 *certificate = bio ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
	bool good = certificate && SSL_CTX_use_certificate(context, certificate) == 1;

	X509_free(certificate);
	while (good && (certificate = PEM_read_bio_X509(bio, NULL, NULL, NULL)))
		if (SSL_CTX_add0_chain_cert(context, certificate) != 1) {
			X509_free(certificate);
			good = false;
		}
	BIO_free(bio);
	ERR_clear_error();
	return good ? 0 : bad_file("cert", err);
}

/* No one is asked for a passphrase. */
static int no_passphrase(char *out, int size, int writing, void *arg)
{
	(void)out;
	(void)size;
	(void)writing;
	(void)arg;
	return 0;
}

static int use_key(SSL_CTX *context, const struct buffer *key, struct error *err)
{
	BIO *bio = BIO_new_mem_buf(key->data, (int)key->size);
	EVP_PKEY *private = bio ? PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL) : NULL;
	bool good = private && SSL_CTX_use_PrivateKey(context, private) == 1;

	EVP_PKEY_free(private);
	BIO_free(bio);
	return good ? 0 : bad_file("key", err);
}

static int tls__new(struct forward_tls **out, bool insecure, const struct buffer *ca, const struct buffer *cert,
		    const struct buffer *key, struct error *err)
{
	struct forward_tls *tls = *out = calloc(1, sizeof(*tls));
	int rc = 0;

	if (tls)
		tls->context = SSL_CTX_new(TLS_client_method());
	if (!tls || !tls->context)
		return error__set(err, -ENOMEM, "%s", strerror(ENOMEM));
	SSL_CTX_set_min_proto_version(tls->context, TLS1_2_VERSION);
	SSL_CTX_set_mode(tls->context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_set_verify(tls->context, insecure ? SSL_VERIFY_NONE : SSL_VERIFY_PEER, NULL);
	if (ca->size)
		rc = trust(tls->context, ca, err);
	else
		SSL_CTX_set_default_verify_paths(tls->context);
	rc = rc || !cert->size ? rc : use_certificate(tls->context, cert, err);
	return rc || !key->size ? rc : use_key(tls->context, key, err);
}

static void tls__free(struct forward_tls *tls)
{
	if (!tls)
		return;
	SSL_free(tls->session);
	SSL_CTX_free(tls->context);
	free(tls);
}

/* ---- sessions ---- */

/* The certificate must be of the host, by its name or address. */
static bool expect_host(SSL *session, const char *host)
{
	if (X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(session), host) == 1)
		return true;
	ERR_clear_error();
	return SSL_set1_host(session, host) == 1 && SSL_set_tlsext_host_name(session, host) == 1;
}

static int tls__begin(struct forward_tls *tls, int fd, const char *host)
{
	SSL_free(tls->session);
	tls->session = SSL_new(tls->context);
	return tls->session && expect_host(tls->session, host) && SSL_set_fd(tls->session, fd) == 1 ? 0 : -ENOMEM;
}

static void tls__end(struct forward_tls *tls)
{
	SSL_free(tls->session);
	tls->session = NULL;
}

/* What a call returned that did nothing. */
static int outcome(struct forward_tls *tls, int n, short *wants, struct text *why)
{
	switch (SSL_get_error(tls->session, n)) {
	case SSL_ERROR_WANT_READ:
		*wants = POLLIN;
		return -EAGAIN;
	case SSL_ERROR_WANT_WRITE:
		*wants = POLLOUT;
		return -EAGAIN;
	default:
		return put_error(why);
	}
}

static int tls__handshake(struct forward_tls *tls, short *wants, struct text *why)
{
	long result;
	int n;

	ERR_clear_error();
	n = SSL_connect(tls->session);
	if (n == 1)
		return 0;
	result = SSL_get_verify_mode(tls->session) == SSL_VERIFY_NONE ? X509_V_OK : SSL_get_verify_result(tls->session);
	n = outcome(tls, n, wants, result == X509_V_OK ? why : NULL);
	if (n != -EPROTO || result == X509_V_OK)
		return n;
	text__printf(why, "certificate: %s", X509_verify_cert_error_string(result));
	return -EACCES;
}

static ssize_t tls__read(struct forward_tls *tls, void *bytes, size_t size, short *wants, struct text *why)
{
	int n;

	ERR_clear_error();
	n = SSL_read(tls->session, bytes, (int)size);
	if (n > 0)
		return n;
	return SSL_get_error(tls->session, n) == SSL_ERROR_ZERO_RETURN ? 0 : outcome(tls, n, wants, why);
}

static ssize_t tls__write(struct forward_tls *tls, const void *bytes, size_t size, short *wants, struct text *why)
{
	int n;

	ERR_clear_error();
	n = SSL_write(tls->session, bytes, (int)size);
	return n > 0 ? n : outcome(tls, n, wants, why);
}

/* ---- digests ---- */

static int tls__digest(const struct forward_bytes *parts, size_t count, char out[FORWARD_DIGEST + 1])
{
	uint8_t digest[FORWARD_DIGEST / 2];
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	bool good = context && EVP_DigestInit_ex(context, EVP_sha512(), NULL) == 1;

	for (size_t i = 0; i < count && good; i++)
		good = EVP_DigestUpdate(context, parts[i].bytes, parts[i].size) == 1;
	good = good && EVP_DigestFinal_ex(context, digest, NULL) == 1;
	EVP_MD_CTX_free(context);
	for (size_t i = 0; i < sizeof(digest) && good; i++)
		snprintf(out + 2 * i, 3, "%02x", digest[i]);
	return good ? 0 : -ENOMEM;
}

const struct forward_tls_calls forward_tls = {tls__new,	      tls__free, tls__begin, tls__end,
					      tls__handshake, tls__read, tls__write, tls__digest};

#else

const struct forward_tls_calls forward_tls = {0};

#endif
