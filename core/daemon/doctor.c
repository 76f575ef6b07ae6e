/* SPDX-License-Identifier: BSD-2-Clause */
/* What this host can give. Every line is the outcome of a trial, never of a version number. */
#include "core/daemon/doctor.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "core/base/base.h"
#include "core/bpf/bpf.h"
#include "core/config/config.h"
#include "core/daemon/caps.h"
#include "core/log.h"

#ifndef CAP_PERFMON
#define CAP_PERFMON 38
#define CAP_BPF 39
#endif
#define CGROUP2_MAGIC 0x63677270

enum verdict { GOOD, POOR, BAD };

struct doctor {
	bool json;
	bool first; /* line not printed yet */
	bool bad;
};

/* A string as JSON has it; the texts are ours and the kernel's. */
static void print_json(const char *text)
{
	struct buffer json = {0};

	if (json__put_utf8(&json, text, strlen(text)) == 0)
		fwrite(json.data, 1, json.size, stdout);
	buffer__free(&json);
}

/* One line: what, how it stands, and the next step where it does not stand well. */
static void say(struct doctor *d, const char *what, enum verdict verdict, const char *found, const char *next)
{
	static const char *const words[] = {"good", "poor", "bad"};
	static const char *const colours[] = {"\033[32m", "\033[33m", "\033[31m"};
	bool colour = !d->json && log__colour(STDOUT_FILENO);

	d->bad |= verdict == BAD;
	if (d->json) {
		printf("%s\n  {\"what\":", d->first ? "[" : ",");
		print_json(what);
		printf(",\"verdict\":\"%s\",\"found\":", words[verdict]);
		print_json(found);
		printf(",\"next\":");
		if (next)
			print_json(next);
		else
			printf("null");
		putchar('}');
	} else {
		printf("%s%-4s%s  %-16s %s\n", colour ? colours[verdict] : "", words[verdict], colour ? "\033[0m" : "",
		       what, found);
		if (next)
			printf("%24s-> %s\n", "", next);
	}
	d->first = false;
}

static void read_line(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : read(fd, text, size - 1);

	if (fd >= 0)
		close(fd);
	text[n > 0 ? n : 0] = 0;
	text[strcspn(text, "\n")] = 0;
}

/* Whether the kernel tells its types: nothing that needs them is tried otherwise. */
static bool kernel(struct doctor *d)
{
	struct utsname u;
	char text[512];
	const char *unusable;

	uname(&u);
	snprintf(text, sizeof(text), "%s %s", u.release, u.machine);
	say(d, "kernel", GOOD, text, NULL);
	read_line("/sys/kernel/security/lockdown", text, sizeof(text));
	say(d, "lockdown", strstr(text, "[confidentiality]") ? BAD : GOOD, *text ? text : "none",
	    strstr(text, "[confidentiality]") ? "boot with lockdown=integrity or none" : NULL);
	unusable = bpf__unusable();
	say(d, "BTF", unusable ? BAD : GOOD, unusable ? "the kernel's types cannot be read" : "/sys/kernel/btf/vmlinux",
	    unusable);
	return !unusable;
}

/* How programs get to see the end of every process. */
static void tracepoints(struct doctor *d)
{
	say(d, "exit tracepoint", GOOD,
	    scope__kernel_marks_last_thread() ? "marks the last thread's exit"
					      : "does not mark the last thread's exit: the scope finds it",
	    NULL);
	if (!hook__raw_is_preempted())
		say(d, "tracepoints", GOOD, "raw ones run to their end", NULL);
	else if (scope__has_classic())
		say(d, "tracepoints", GOOD, "raw ones can be preempted here: classic ones are used", NULL);
	else
		say(d, "tracepoints", POOR,
		    "raw ones can be preempted here, and what is skipped then is counted as lost",
		    "mount tracefs (mount -t tracefs none /sys/kernel/tracing), and run it as root or with "
		    "cap_dac_read_search");
}

static void rights(struct doctor *d)
{
	struct rlimit memlock;
	struct error err;
	char text[512];

	if (caps__check(1ULL << CAP_BPF | 1ULL << CAP_PERFMON, &err))
		say(d, "capabilities", BAD, "not enough", err.text);
	else
		say(d, "capabilities", GOOD, "cap_bpf, cap_perfmon", NULL);
	getrlimit(RLIMIT_MEMLOCK, &memlock);
	if (memlock.rlim_cur == RLIM_INFINITY)
		snprintf(text, sizeof(text), "no limit");
	else
		snprintf(text, sizeof(text), "%llu KiB; kernels before 5.11 count BPF maps in it",
			 (unsigned long long)memlock.rlim_cur >> 10);
	say(d, "locked memory", GOOD, text, NULL);
}

static void cgroups(struct doctor *d)
{
	struct statfs fs;
	bool unified = !statfs("/sys/fs/cgroup", &fs) && fs.f_type == CGROUP2_MAGIC;
	bool hybrid = !unified && !access("/sys/fs/cgroup/memory", F_OK);

	say(d, "cgroups", unified || hybrid ? GOOD : POOR,
	    unified  ? "version 2"
	    : hybrid ? "version 1: paths are the memory controller's"
		     : "none is mounted",
	    unified || hybrid ? NULL : "paths of cgroups are told all the same; limits are not");
}

static void ignore_event(void *arg, struct probe_unit *unit, const struct event *event, size_t size)
{
	(void)arg;
	(void)unit;
	(void)event;
	(void)size;
}

/* Takes one probe to its hooks and back. */
static void try_probe(struct doctor *d, const struct conf_probe *conf, struct scope *scope)
{
	struct conf_probe alone = *conf;
	struct probes *probes = NULL;
	const char *const *lacks = NULL;
	char what[64], rights[256], found[320];
	int err;

	alone.required = true;
	snprintf(what, sizeof(what), "probe %s", conf->name);
	err = probes__open(&probes, &alone, 1, scope__map_fd(scope), ignore_event, NULL);
	if (!err)
		err = probes__attach(probes);
	if (err) {
		say(d, what, conf->required ? BAD : POOR, strerror(-err),
		    conf->required ? "it is required: make it run, or set required: false"
				   : "the rest runs without it");
	} else {
		struct probe_unit *unit = probes__unit(probes, 0);

		lacks = unit->unavailable;
		caps__names(unit->probe->keeps, rights, sizeof(rights));
		snprintf(found, sizeof(found), "loads and attaches; keeps capabilities: %s", rights);
		say(d, what, GOOD, found, NULL);
		for (; lacks && *lacks; lacks++)
			say(d, what, POOR, *lacks, NULL);
	}
	if (!err)
		probes__close(probes);
}

static void hooks(struct doctor *d, const struct conf *conf)
{
	struct scope_opts opts = {.max_processes = conf->run.max_processes};
	struct scope *scope;
	int err = scope__open(&scope, &opts);

	if (!err) {
		err = scope__attach_first(scope);
		if (!err)
			err = scope__attach_last(scope);
	} else {
		scope = NULL;
	}
	say(d, "scope", err ? BAD : GOOD, err ? strerror(-err) : "loads and attaches",
	    err ? "run it as root (sudo); -v -v shows what the kernel says" : NULL);
	for (size_t i = 0; i < conf->probes_count && !err; i++)
		try_probe(d, &conf->probes[i], scope);
	scope__close(scope);
}

int doctor__run(const struct conf *conf, bool json)
{
	struct doctor d = {.json = json, .first = true};
	bool types;

	bpf__init();
	types = kernel(&d);
	if (types)
		tracepoints(&d);
	rights(&d);
	cgroups(&d);
	if (types)
		hooks(&d, conf);
	bpf__forget();
	if (json)
		printf("\n]\n");
	return d.bad;
}
