/* SPDX-License-Identifier: BSD-2-Clause */
/* What all spans, logs and metrics of a run share. */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "sinks/otlp/otlp.h"

enum { RESOURCE_ATTRIBUTE = 1 };
enum { SCOPE_NAME = 1, SCOPE_VERSION = 2 };
enum { OF_RESOURCE = 1, OF_SCOPE = 1 }; /* in ResourceSpans, and in ScopeSpans */

/* What the environment sets is not set twice. */
static void put(struct buffer *out, const struct otlp *otlp, const char *key, const char *value)
{
	if (value && *value && !otlp_env__resource(&otlp->env, key))
		attribute__string(out, RESOURCE_ATTRIBUTE, key, value);
}

/* The id of the host, if that is this one. */
static void put_host_id(struct buffer *out, const struct otlp *otlp, const struct stream_info *info)
{
	char boot[64] = "", machine[64] = "";
	const char *const files[] = {"/proc/sys/kernel/random/boot_id", "/etc/machine-id"};
	char *const texts[] = {boot, machine};

	for (int i = 0; i < 2; i++) {
		int fd = open(files[i], O_RDONLY | O_CLOEXEC);
		ssize_t n = fd < 0 ? 0 : read(fd, texts[i], sizeof(boot) - 1);

		if (fd >= 0)
			close(fd);
		texts[i][n > 0 ? n : 0] = '\0';
		texts[i][strcspn(texts[i], "\n")] = '\0';
	}
	if (!strcmp(boot, info->boot_id))
		put(out, otlp, "host.id", machine);
}

static void put_tags(struct buffer *out, const struct otlp *otlp, const char *const *tags)
{
	struct text key = {0};

	for (; tags && *tags; tags++) {
		const char *value = strchr(*tags, '=');

		key.size = 0;
		text__printf(&key, "collector.tag.");
		text__safe(&key, *tags, value ? (size_t)(value - *tags) : strlen(*tags));
		if (value && !key.error)
			put(out, otlp, key.data, value + 1);
	}
	text__free(&key);
}

void otlp__resource(struct buffer *out, const struct otlp *otlp, const struct model_run *run, bool run_id)
{
	const struct stream_info *info = run->info;
	size_t open = proto__open(out, OF_RESOURCE);

	for (char **pair = otlp->env.resource; pair && *pair; pair += 2)
		attribute__string(out, RESOURCE_ATTRIBUTE, pair[0], pair[1]);
	put(out, otlp, "service.name", "collector");
	put(out, otlp, "service.version", info->collector);
	put(out, otlp, "host.name", info->host);
	put_host_id(out, otlp, info);
	put(out, otlp, "os.type", "linux");
	put(out, otlp, "cicd.pipeline.name", totals_run__name(info));
	put(out, otlp, "cicd.pipeline.run.id", run_id ? info->run.id : NULL);
	put(out, otlp, "user.name", info->run.user);
	put(out, otlp, "collector.job", info->run.job);
	put_tags(out, otlp, info->run.tags);
	proto__close(out, open);
}

void otlp__scope(struct buffer *out)
{
	size_t open = proto__open(out, OF_SCOPE);

	proto__string(out, SCOPE_NAME, "collector");
	proto__string(out, SCOPE_VERSION, PACKAGE_VERSION);
	proto__close(out, open);
}
