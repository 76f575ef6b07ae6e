/* SPDX-License-Identifier: BSD-2-Clause */
/* What --fail-on says of verdicts, for the programs that have it. */
#include "core/verdict.h"

#include <errno.h>
#include <stdio.h>

#include "core/base/base.h"

#define WORD "verdict"
#define LIKELY ":likely"

int fail_on__parse(struct fail_on *fail, const char *text, struct error *err)
{
	const char *rest = text + strlen(WORD), *kind = *rest == '=' ? rest + 1 : "";
	size_t length = strcspn(kind, ":");
	struct nearest nearest = {.name = ""};
	char name[64];
	enum verdict_kind one = VERDICT_KINDS;
	bool all, likely;

	if (strncmp(text, WORD, strlen(WORD)) || (*rest && *rest != '=' && *rest != ':'))
		return error__set(err, -EINVAL, "\"%.80s\": write verdict, verdict=KIND or verdict=KIND:likely", text);
	all = *rest != '=';
	rest = all ? rest : kind + length;
	likely = !strcmp(rest, LIKELY);
	if (*rest && !likely)
		return error__set(err, -EINVAL, "\"%.80s\": only \":likely\" can follow", text);
	if (!all && !verdict_kind__find(kind, length, &one)) {
		snprintf(name, sizeof(name), "%.*s", (int)length, kind);
		nearest.name = name;
		for (unsigned i = 0; i < VERDICT_KINDS; i++)
			nearest__offer(&nearest, verdict_kind__name(i));
		error__set(err, -EINVAL, "\"%.80s\": unknown kind of verdict", text);
		nearest__append(&nearest, err);
		return -EINVAL;
	}
	for (unsigned i = 0; i < VERDICT_KINDS; i++)
		if (all || i == one) {
			fail->proven[i] = true;
			fail->likely[i] |= likely;
		}
	return 0;
}

bool fail_on__matches(const struct fail_on *fail, const char *kind, bool proven)
{
	enum verdict_kind one;

	return verdict_kind__find(kind, strlen(kind), &one) && (proven ? fail->proven[one] : fail->likely[one]);
}
