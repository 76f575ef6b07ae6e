/* SPDX-License-Identifier: BSD-2-Clause */
/* What librdkafka is to do. Nothing is given up and nothing overtakes: no time ends a message, one request goes at a time. An
 * idempotent producer would spin while a broker stalls; what comes twice after a failure has the same marker and seq. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sinks/kafka/kafka.h"
#include "sinks/outbox/option_file.h"

#define SCRAM_SINCE 0x020601ff
#define MS 1000000

static const char *const first[][2] = {
	{"client.id", "collector"},
	{"acks", "all"},
	{"enable.idempotence", "false"},
	{"max.in.flight.requests.per.connection", "1"},
	{"message.timeout.ms", "0"},
	{"queue.buffering.max.kbytes", "32768"},
	{"partitioner", "murmur2_random"}, /* as Java's clients do by default */
	{"linger.ms", "1000"},		   /* each batch of the outbox is flushed, as one request */
	{"ssl.endpoint.identification.algorithm", "https"},
	{"socket.keepalive.enable", "true"},
	{"log_level", "0"},
};

/* What `rdkafka` must not set, and why. */
static const char *const refused[][2] = {
	{"sasl.password", "a secret would be visible to other users: use password_file="},
	{"ssl.key.pem", "a secret would be visible to other users: use key="},
	{"ssl.key.password", "a secret would be visible to other users: use key= without one"},
	{"ssl.keystore.password", "a secret would be visible to other users: use cert= and key="},
	{"sasl.oauthbearer.config", "it may have a secret, which would be visible to other users"},
	{"sasl.oauthbearer.client.secret", "a secret would be visible to other users"},
	{"delivery.report.only.error", "the sink needs all reports"},
	{"transactional.id", "the sink has no transactions"},
	{"plugin.library.paths", "no code is loaded"},
	{"log.queue", "the sink reads the log itself"},
};

static int set(rd_kafka_conf_t *settings, const char *name, const char *value, struct error *err)
{
	char why[512];

	if (rd_kafka_conf_set(settings, name, value, why, sizeof(why)) == RD_KAFKA_CONF_OK)
		return 0;
	return error__set(err, -EINVAL, "%s", why);
}

static const char *get(const rd_kafka_conf_t *settings, const char *name, char *value, size_t size)
{
	if (rd_kafka_conf_get(settings, name, value, &size) != RD_KAFKA_CONF_OK)
		*value = '\0';
	return value;
}

size_t kafka_settings__number(const rd_kafka_conf_t *settings, const char *name)
{
	char value[32];

	return strtoul(get(settings, name, value, sizeof(value)), NULL, 10);
}

/* Pauses before a broker is connected to again. */
static int set_pauses(rd_kafka_conf_t *settings, uint64_t longest_ms, struct error *err)
{
	const struct {
		const char *name;
		uint64_t ms;
	} pauses[] = {{"reconnect.backoff.ms", 100}, {"reconnect.backoff.max.ms", longest_ms}};
	char value[32];
	int rc = 0;

	for (size_t i = 0; i < 2 && !rc; i++) {
		snprintf(value, sizeof(value), "%" PRIu64, pauses[i].ms < longest_ms ? pauses[i].ms : longest_ms);
		rc = set(settings, pauses[i].name, value, err);
	}
	return rc;
}

static int set_first(rd_kafka_conf_t *settings, const struct kafka_conf *conf, struct error *err)
{
	int rc = set_pauses(settings, conf->outbox.retry / MS, err);

	for (size_t i = 0; i < sizeof(first) / sizeof(*first) && !rc; i++)
		rc = set(settings, first[i][0], first[i][1], err);
	/* better than none, where the library was built with it */
	rd_kafka_conf_set(settings, "compression.codec", "zstd", NULL, 0);
	return rc ? rc : set(settings, "bootstrap.servers", conf->brokers, err);
}

/* Those that the user gives, one by one. */
static int set_given(rd_kafka_conf_t *settings, const struct opt_list *given, struct error *err)
{
	struct error why;
	int rc = 0;

	for (size_t i = 0; i < given->n && !rc; i++) {
		const char *equals = strchr(given->items[i], '=');
		char *name = strndup(given->items[i], equals - given->items[i]);

		if (!name)
			return error__set(err, -ENOMEM, "%s", strerror(ENOMEM));
		for (size_t k = 0; k < sizeof(refused) / sizeof(*refused) && !rc; k++)
			if (!strcmp(name, refused[k][0]))
				rc = error__set(&why, -EINVAL, "%s", refused[k][1]);
		rc = rc ? rc : set(settings, name, equals + 1, &why);
		if (rc)
			error__set(err, rc, "rdkafka.%.64s: %s", name, why.text);
		free(name);
	}
	return rc;
}

/* ---- credentials ---- */

static bool is_given(const struct opt_list *given, const char *name)
{
	size_t length = strlen(name);

	for (size_t i = 0; i < given->n; i++)
		if (!strncmp(given->items[i], name, length) && given->items[i][length] == '=')
			return true;
	return false;
}

static int set_secret(rd_kafka_conf_t *settings, const char *name, struct buffer *secret, struct error *err)
{
	int rc = 0;

	if (secret->size && buffer__append(secret, "", 1))
		return error__set(err, -ENOMEM, "%s", strerror(ENOMEM));
	if (secret->size)
		rc = set(settings, name, (const char *)secret->data, err);
	return rc;
}

struct files {
	struct buffer password, ca, cert, key;
};

static int read_files(struct files *files, const struct sink_api *api, const struct kafka_conf *conf, struct error *err)
{
	int rc = option_file__read(api, "password_file", conf->password_file, true, &files->password, err);

	rc = rc ? rc : option_file__read(api, "ca", conf->ca, false, &files->ca, err);
	rc = rc ? rc : option_file__read(api, "cert", conf->cert, false, &files->cert, err);
	rc = rc ? rc : option_file__read(api, "key", conf->key, false, &files->key, err);
	if (!rc && !conf->user != !files->password.size)
		rc = error__set(err, -EINVAL, "user= and password_file= belong together: give both");
	if (!rc && !files->cert.size != !files->key.size)
		rc = error__set(err, -EINVAL, "cert= and key= belong together: give both");
	return rc;
}

static int set_files(rd_kafka_conf_t *settings, const struct kafka_conf *conf, struct files *files, struct error *err)
{
	bool ssl = files->ca.size || files->cert.size;
	const char *protocol = conf->user ? ssl ? "sasl_ssl" : "sasl_plaintext" : ssl ? "ssl" : "plaintext";
	int rc = 0;

	if (!is_given(&conf->rdkafka, "security.protocol"))
		rc = set(settings, "security.protocol", protocol, err);
	if (!rc && conf->user && !is_given(&conf->rdkafka, "sasl.mechanism") &&
	    !is_given(&conf->rdkafka, "sasl.mechanisms"))
		rc = set(settings, "sasl.mechanisms", "PLAIN", err);
	if (!rc && conf->user)
		rc = set(settings, "sasl.username", conf->user, err);
	rc = rc ? rc : set_secret(settings, "sasl.password", &files->password, err);
	rc = rc ? rc : set_secret(settings, "ssl.ca.pem", &files->ca, err);
	rc = rc ? rc : set_secret(settings, "ssl.certificate.pem", &files->cert, err);
	return rc ? rc : set_secret(settings, "ssl.key.pem", &files->key, err);
}

/* ---- what is said of them ---- */

static bool is_local(const char *broker)
{
	return !strncmp(broker, "localhost", 9) || !strncmp(broker, "127.", 4) || !strncmp(broker, "[::1]", 5);
}

static bool are_local(const char *brokers)
{
	for (; *brokers; brokers += strcspn(brokers, ","), brokers += strspn(brokers, ", "))
		if (!is_local(brokers))
			return false;
	return true;
}

static int check(const struct sink_api *api, const struct kafka_conf *conf, const rd_kafka_conf_t *settings,
		 struct error *err)
{
	char mechanism[64], protocol[64], verify[16];

	get(settings, "sasl.mechanisms", mechanism, sizeof(mechanism));
	get(settings, "security.protocol", protocol, sizeof(protocol));
	get(settings, "enable.ssl.certificate.verification", verify, sizeof(verify));
	if (!strncmp(protocol, "sasl", 4) && !strncmp(mechanism, "SCRAM", 5) && rd_kafka_version() < SCRAM_SINCE)
		return error__set(err, -EINVAL,
				  "%s fails with librdkafka %s, also with the right password: use librdkafka 2.6.1 or "
				  "later, or PLAIN over TLS",
				  mechanism, rd_kafka_version_str());
	if (!strcmp(protocol, "sasl_plaintext") && !are_local(conf->brokers))
		api->log(LOG_WARN,
			 KAFKA_NAME ": credentials go to %s without encryption: use ca=, or "
				    "rdkafka.security.protocol=sasl_ssl",
			 conf->brokers);
	if (!strcmp(verify, "false"))
		api->log(LOG_WARN, KAFKA_NAME ": enable.ssl.certificate.verification=false: the certificates of "
					      "brokers are not checked");
	return 0;
}

int kafka_settings__make(const struct sink_api *api, const struct kafka_conf *conf, rd_kafka_conf_t **out,
			 struct error *err)
{
	rd_kafka_conf_t *settings = rd_kafka_conf_new();
	struct files files = {0};
	int rc = read_files(&files, api, conf, err);

	rc = rc ? rc : set_first(settings, conf, err);
	rc = rc ? rc : set_given(settings, &conf->rdkafka, err);
	rc = rc ? rc : set_files(settings, conf, &files, err);
	rc = rc ? rc : check(api, conf, settings, err);
	option_file__forget(&files.password);
	option_file__forget(&files.key);
	buffer__free(&files.ca);
	buffer__free(&files.cert);
	if (rc)
		rd_kafka_conf_destroy(settings);
	else
		*out = settings;
	return rc;
}
