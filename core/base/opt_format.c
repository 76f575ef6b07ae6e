/* SPDX-License-Identifier: BSD-2-Clause */
/* Formats options as text that opt__parse() reads back. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/opt.h"

/* Appends `text` to *out, which may be NULL; escaped for one level of parsing. */
static int append_text(char **out, const char *text, bool quoted)
{
	size_t had = *out ? strlen(*out) : 0;
	char *longer = realloc(*out, had + 2 * strlen(text) + 1), *at;

	if (!longer)
		return -ENOMEM;
	*out = longer;
	for (at = longer + had; *text; text++) {
		if (quoted && (*text == ',' || *text == '\\'))
			*at++ = '\\';
		*at++ = *text;
	}
	*at = '\0';
	return 0;
}

static int format_list(const struct opt_list *list, char **out)
{
	size_t i;
	int rc = 0;

	*out = strdup("");
	if (!*out)
		return -ENOMEM;
	for (i = 0; i < list->n && rc == 0; i++) {
		if (i)
			rc = append_text(out, ",", false);
		if (rc == 0)
			rc = append_text(out, list->items[i], true);
	}
	return rc;
}

int opt__format(const struct opt *opt, const void *conf, char **out)
{
	const void *value = (const char *)conf + opt->offset;
	char number[32];
	int rc = 0;

	*out = NULL;
	if (opt->type == OPT_LIST || opt->type == OPT_MAP) {
		rc = format_list(value, out);
	} else if (opt->type == OPT_STRING) {
		if (*(char *const *)value)
			rc = append_text(out, *(char *const *)value, false);
	} else if (opt->type == OPT_BOOL) {
		rc = append_text(out, *(const bool *)value ? "true" : "false", false);
	} else {
		opt_type__format(opt->type, *(const uint64_t *)value, number, sizeof(number));
		rc = append_text(out, number, false);
	}
	if (rc) {
		free(*out);
		*out = NULL;
	}
	return rc;
}

int opt__same(const struct opt *opt, const void *a, const void *b)
{
	char *of_a, *of_b = NULL;
	int rc = opt__format(opt, a, &of_a);

	if (!rc)
		rc = opt__format(opt, b, &of_b);
	if (!rc)
		rc = of_a && of_b ? !strcmp(of_a, of_b) : of_a == of_b;
	free(of_a);
	free(of_b);
	return rc;
}

int opt__unparse(const struct opt *opt, const void *conf, char **out)
{
	char *value;
	int rc;

	rc = opt__format(opt, conf, &value);
	if (rc || !value)
		return rc;
	if (*out && **out)
		rc = append_text(out, ",", false);
	rc = rc ? rc : append_text(out, opt->name, false);
	rc = rc ? rc : append_text(out, "=", false);
	rc = rc ? rc : append_text(out, value, true);
	free(value);
	return rc;
}
