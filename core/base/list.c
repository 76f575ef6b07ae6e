/* SPDX-License-Identifier: BSD-2-Clause */
/* What --list prints: plugins of a kind, their options, sinks. */
#include "core/base/list.h"

#include <string.h>

#include "core/base/plugin.h"
#include "core/log.h"
#include "core/opt.h"

void list__option(FILE *out, const char *name, const char *type, const char *value, const char *help)
{
	fprintf(out, "    %-22s %-9s %s", name, type, help);
	if (value)
		fprintf(out, " (default %s)", value);
	fputc('\n', out);
}

void list__options(FILE *out, const struct opt *opts)
{
	for (; opts && opts->name; opts++)
		list__option(out, opts->name, opt_type__name(opts->type), opts->value, opts->help);
}

bool list__plugins(FILE *out, const struct plugin_kind *kind, const char *dir,
		   void (*print)(FILE *out, const void *table))
{
	struct error err;
	char **names;
	int rc = plugin__names(kind, dir, &names);
	bool all = true;

	if (rc) {
		log__error("%s/%s: cannot be read: %s", dir, kind->folder, strerror(-rc));
		return false;
	}
	for (char **name = names; *name; name++) {
		struct plugin plugin = {0};

		if (plugin__load(kind, dir, *name, &plugin, &err)) {
			log__error("%s", err.text);
			all = false;
		} else {
			print(out, plugin.table);
		}
		plugin__unload(&plugin);
	}
	plugin__names_free(names);
	return all;
}
