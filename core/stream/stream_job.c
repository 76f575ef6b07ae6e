/* SPDX-License-Identifier: BSD-2-Clause */
/* The batch job that an environment belongs to. */
#include "core/stream.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define PLAIN "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.[]@"

static const struct {
	const char *system, *id;
	const char *cluster; /* NULL: the ID names it */
	const char *with;    /* a variable beside, as the name of `id` alone is a common one */
	const char *starter; /* of a job's processes on a node */
	bool carries;	     /* one is started for each job, and ends after it: not a server of many jobs */
} systems[] = {
	{"slurm", "SLURM_JOB_ID", "SLURM_CLUSTER_NAME", NULL, "slurmstepd", true},
	{"pbs", "PBS_JOBID", NULL, NULL, "pbs_mom", false},
	{"lsf", "LSB_JOBID", NULL, NULL, "res", false},
	{"flux", "FLUX_JOB_ID", NULL, NULL, "flux-shell", true},
	{"sge", "JOB_ID", NULL, "SGE_TASK_ID", "sge_shepherd", true},
};

bool stream_job__is_starter(const char *comm)
{
	for (size_t i = 0; i < sizeof(systems) / sizeof(systems[0]); i++)
		if (!strcmp(comm, systems[i].starter))
			return true;
	return false;
}

bool stream_job__carries(const struct stream_run *run, const char *comm)
{
	for (size_t i = 0; i < sizeof(systems) / sizeof(systems[0]) && !(run->command && *run->command); i++)
		if (!strcmp(comm, systems[i].starter))
			return systems[i].carries;
	return false;
}

bool stream_job__value(char value[STREAM_JOB_VALUE], const char *bytes, size_t length)
{
	if (length >= STREAM_JOB_VALUE || memchr(bytes, '\0', length))
		return false;
	memcpy(value, bytes, length);
	value[length] = '\0';
	return true;
}

void stream_job__find(char job[STREAM_JOB_TEXT],
		      bool (*get)(const void *from, const char *name, char value[STREAM_JOB_VALUE]), const void *from)
{
	char id[STREAM_JOB_VALUE], cluster[STREAM_JOB_VALUE], with[STREAM_JOB_VALUE];

	*job = '\0';
	for (size_t i = 0; i < sizeof(systems) / sizeof(systems[0]); i++) {
		bool named = systems[i].cluster && get(from, systems[i].cluster, cluster) && *cluster &&
			     !cluster[strspn(cluster, PLAIN)];
		size_t length;

		if (!get(from, systems[i].id, id) || !*id || id[strspn(id, PLAIN)] ||
		    (systems[i].with && !get(from, systems[i].with, with)))
			continue;
		length = snprintf(job, STREAM_JOB_TEXT, "%s:%s%s%s", systems[i].system, named ? cluster : "",
				  named ? ":" : "", id);
		if (length >= STREAM_JOB_TEXT)
			*job = '\0';
		return;
	}
}

static bool get_variable(const void *from, const char *name, char value[STREAM_JOB_VALUE])
{
	size_t length = strlen(name);

	for (char *const *item = from; *item; item++)
		if (!strncmp(*item, name, length) && (*item)[length] == '=')
			return stream_job__value(value, *item + length + 1, strlen(*item + length + 1));
	return false;
}

void stream_job__of_environment(char job[STREAM_JOB_TEXT], char *const *environment)
{
	stream_job__find(job, get_variable, environment);
}
