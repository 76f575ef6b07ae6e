/* SPDX-License-Identifier: BSD-2-Clause */
/* The batch job that an environment belongs to. */
#include <stdio.h>
#include <string.h>

#include "core/account/account.h"

#define PLAIN "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.[]@"

static const struct {
	const char *system, *id;
	const char *cluster; /* NULL: the ID names it */
	const char *with;    /* a variable beside, as the name of `id` alone is a common one */
} systems[] = {
	{"slurm", "SLURM_JOB_ID", "SLURM_CLUSTER_NAME", NULL},
	{"pbs", "PBS_JOBID", NULL, NULL},
	{"lsf", "LSB_JOBID", NULL, NULL},
	{"flux", "FLUX_JOB_ID", NULL, NULL},
	{"sge", "JOB_ID", NULL, "SGE_TASK_ID"},
};

static const char *find(char *const *environment, const char *name)
{
	size_t length = strlen(name);

	for (; *environment; environment++)
		if (!strncmp(*environment, name, length) && (*environment)[length] == '=')
			return *environment + length + 1;
	return NULL;
}

/* Variables are untrusted: a value with other characters is left out. */
static const char *find_plain(char *const *environment, const char *name)
{
	const char *value = name ? find(environment, name) : NULL;

	return value && *value && !value[strspn(value, PLAIN)] ? value : NULL;
}

void job__find(char job[JOB_TEXT], char *const *environment)
{
	*job = '\0';
	for (size_t i = 0; i < sizeof(systems) / sizeof(systems[0]); i++) {
		const char *id = find_plain(environment, systems[i].id);
		const char *cluster = find_plain(environment, systems[i].cluster);
		size_t length;

		if (!id || (systems[i].with && !find(environment, systems[i].with)))
			continue;
		length = snprintf(job, JOB_TEXT, "%s:%s%s%s", systems[i].system, cluster ? cluster : "",
				  cluster ? ":" : "", id);
		if (length >= JOB_TEXT)
			*job = '\0';
		return;
	}
}
