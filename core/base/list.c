/* SPDX-License-Identifier: BSD-2-Clause */
/* What --list prints: plugins of a kind, their options, sinks. */
#include "core/base/list.h"

#include <string.h>

#include "core/base/plugin.h"
#include "core/base/rehearse.h"
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

/* One plugin's page, for a rehearsal: it calls functions of the plugin, and parses what it embeds. */
struct page {
	FILE *out;
	void (*print)(FILE *out, const void *table);
	const void *table;
};

static void try_print(void *arg)
{
	const struct page *page = arg;

	page->print(page->out, page->table);
}

static bool print_one(const struct plugin *plugin, FILE *out, void (*print)(FILE *out, const void *table))
{
	struct page page = {out, print, plugin->table};
	int result = rehearse__run(try_print, &page);
	char fault[128];

	if (result)
		log__error("%s: listing it %s", plugin->path, rehearse__fault(result, fault, sizeof(fault)));
	else
		print(out, plugin->table);
	return !result;
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
			all &= print_one(&plugin, out, print);
		}
		plugin__unload(&plugin);
	}
	plugin__names_free(names);
	return all;
}
