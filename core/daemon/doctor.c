/* SPDX-License-Identifier: BSD-2-Clause */
/* What works on this host, found by trying it, not by version numbers. */
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

#include "core/account/account.h"
#include "core/base/base.h"
#include "core/bpf/bpf.h"
#include "core/config/config.h"
#include "core/daemon/recorder.h"
#include "core/format.h"
#include "core/log.h"
#include "core/given/given.h"

#ifndef CAP_PERFMON
#define CAP_PERFMON 38
#define CAP_BPF 39
#endif
#define CGROUP2_MAGIC 0x63677270

enum verdict { GOOD, POOR, BAD };

struct doctor {
	bool json;
	bool first; /* no line printed yet */
	bool bad;
	struct givens givens;
};

/* Prints a JSON string; the texts are ours and the kernel's. */
static void print_json(const char *text)
{
	struct buffer json = {0};

	if (json__put_utf8(&json, text, strlen(text)) == 0)
		fwrite(json.data, 1, json.size, stdout);
	buffer__free(&json);
}

/* Prints one line: what, the verdict, and the next step if it is not good. */
static void print_line(struct doctor *d, const char *what, enum verdict verdict, const char *found, const char *next)
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
		printf("%s%-4s%s  %-22s  %s\n", colour ? colours[verdict] : "", words[verdict], colour ? "\033[0m" : "",
		       what, found);
		if (next)
			printf("%30s-> %s\n", "", next);
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

/* Returns whether BTF is usable; if not, nothing that needs it is tried. */
static bool kernel(struct doctor *d)
{
	struct utsname u;
	char text[512];
	const char *unusable;

	uname(&u);
	snprintf(text, sizeof(text), "%s %s", u.release, u.machine);
	print_line(d, "kernel", GOOD, text, NULL);
	read_line("/sys/kernel/security/lockdown", text, sizeof(text));
	print_line(d, "lockdown", strstr(text, "[confidentiality]") ? BAD : GOOD, *text ? text : "none",
		   strstr(text, "[confidentiality]") ? "boot with lockdown=integrity or none" : NULL);
	unusable = bpf__unusable();
	print_line(d, "BTF", unusable ? BAD : GOOD, unusable ? "cannot be read" : "/sys/kernel/btf/vmlinux", unusable);
	return !unusable;
}

/* How BPF programs see the exit of every process. */
static void tracepoints(struct doctor *d)
{
	print_line(d, "exit tracepoint", GOOD,
		   scope__kernel_marks_last_thread() ? "marks the last thread's exit"
						     : "does not mark the last thread's exit: determined by the scope",
		   NULL);
	if (!hook__raw_is_preempted())
		print_line(d, "tracepoints", GOOD, "raw ones are not preempted", NULL);
	else if (scope__has_classic())
		print_line(d, "tracepoints", GOOD, "raw ones can be preempted: classic ones are used", NULL);
	else
		print_line(d, "tracepoints", POOR, "raw ones can be preempted, and skipped runs are counted as lost",
			   "mount tracefs (mount -t tracefs none /sys/kernel/tracing), and run as root or with "
			   "cap_dac_read_search");
}

static void rights(struct doctor *d)
{
	struct rlimit memlock;
	struct error err;
	char text[512];

	if (caps__check(1ULL << CAP_BPF | 1ULL << CAP_PERFMON, &err))
		print_line(d, "capabilities", BAD, "insufficient", err.text);
	else
		print_line(d, "capabilities", GOOD, "cap_bpf, cap_perfmon", NULL);
	getrlimit(RLIMIT_MEMLOCK, &memlock);
	if (memlock.rlim_cur == RLIM_INFINITY)
		snprintf(text, sizeof(text), "no limit");
	else
		snprintf(text, sizeof(text), "%llu KiB; kernels before 5.11 charge BPF maps to it",
			 (unsigned long long)memlock.rlim_cur >> 10);
	print_line(d, "locked memory", GOOD, text, NULL);
	print_line(d, "PID namespace", GOOD,
		   caps__in_container() ? "a container's: pid is that of the host, ns_pid that of the container"
					: "initial",
		   NULL);
}

static void cgroups(struct doctor *d)
{
	struct statfs fs;
	bool unified = !statfs("/sys/fs/cgroup", &fs) && fs.f_type == CGROUP2_MAGIC;
	bool hybrid = !unified && !access("/sys/fs/cgroup/memory", F_OK);

	print_line(d, "cgroups", unified || hybrid ? GOOD : POOR,
		   unified  ? "version 2"
		   : hybrid ? "version 1: paths are those of the memory controller"
			    : "not mounted",
		   unified || hybrid ? NULL : "paths of cgroups are recorded, limits are not");
}

static void ignore_event(void *arg, struct probe_unit *unit, const struct event *event, size_t size)
{
	(void)arg;
	(void)unit;
	(void)event;
	(void)size;
}

/* One probe, loaded and attached alone. */
struct attempt {
	struct conf_probe conf;
	struct scope *scope;
	struct probes *probes;
	int err;
};

static void attempt__load(struct attempt *a)
{
	static const struct probes_calls calls = {.event = ignore_event};

	a->probes = NULL;
	a->err = probes__open(&a->probes, &a->conf, 1, scope__map_fd(a->scope), NULL, &calls, NULL);
	if (!a->err)
		a->err = probes__load(a->probes, NULL);
	if (!a->err)
		a->err = probes__attach(a->probes);
}

static void rehearse_attempt(void *arg)
{
	attempt__load(arg);
	probes__close(((struct attempt *)arg)->probes);
}

/* In a child first: libbpf crashes with some damaged objects. */
static void try_probe(struct doctor *d, const struct conf_probe *conf, struct scope *scope)
{
	struct attempt a = {.conf = *conf, .scope = scope};
	const char *const *lacks = NULL;
	char what[64], rights[1024], found[1100];
	int fault, err;

	a.conf.required = true;
	snprintf(what, sizeof(what), "probe %s", conf->name);
	fault = rehearse__run(rehearse_attempt, &a);
	if (fault) {
		givens__add_failed(&d->givens, conf->probe, "it crashes or hangs");
		print_line(d, what, BAD, rehearse__fault(fault, found, sizeof(found)),
			   "no run can start with it: remove it from the configuration");
		return;
	}
	attempt__load(&a);
	err = a.err;
	if (err) {
		givens__add_failed(&d->givens, conf->probe, strerror(-err));
		print_line(d, what, conf->required ? BAD : POOR, strerror(-err),
			   conf->required ? "required: fix it, or set required: false" : "the others run without it");
	} else {
		struct probe_unit *unit = probes__unit(a.probes, 0);

		lacks = unit->unavailable;
		list__privileges(unit->probe, rights, sizeof(rights));
		snprintf(found, sizeof(found), "loads and attaches; keeps %s", rights);
		print_line(d, what, GOOD, found, NULL);
		givens__add(&d->givens, unit->probe, unit->events, lacks);
		for (; lacks && *lacks; lacks++)
			print_line(d, what, POOR, *lacks, NULL);
	}
	probes__close(a.probes);
}

static bool scope_works(void *scope)
{
	return scope__works(scope);
}

/* What the recorder has after the start, beside what the probes keep. */
static void recorder(struct doctor *d, struct scope *scope)
{
	struct privileges p;
	char found[PRIVILEGES_TEXT];

	if (privileges__plan(&p, getuid(), NULL, scope_works, scope))
		return;
	snprintf(found, sizeof(found), "runs as %s%s%s", p.account, p.keep ? "" : ", without capabilities",
		 p.filters ? ", with few system calls" : "");
	print_line(d, "recorder", *p.remain ? POOR : GOOD, found, NULL);
	for (const char *const *text = p.remain; *text; text++)
		print_line(d, "recorder", POOR, *text, NULL);
	privileges__free(&p);
}

static void verdict(struct doctor *d, const struct sink_verdict *verdict)
{
	struct text found = {0}, reason = {0};
	enum needs_met met = needs__meet(&d->givens, verdict, &reason);
	char what[64];

	snprintf(what, sizeof(what), "verdict %s", verdict->kinds);
	if (met == NEEDS_MET)
		text__printf(&found, "%s (%s)", verdict->text, verdict->certainty);
	else
		text__printf(&found, "%s%s",
			     met == NEEDS_LIKELY ? "only likely, never proven: " : "cannot be given: ", reason.data);
	if (!found.error && !reason.error)
		print_line(d, what, met == NEEDS_MET ? GOOD : POOR, found.data, NULL);
	text__free(&found);
	text__free(&reason);
}

/* By what the sink that judges says of its needs. */
static void verdicts(struct doctor *d, const struct conf_finder *finder)
{
	struct error err;
	const struct sink *sink = finder->sink(finder->arg, JUDGE_SINK, &err);

	if (!sink)
		print_line(d, "verdicts", POOR, err.text, NULL);
	for (const struct sink_verdict *const *each = sink ? sink->verdicts : NULL; each && *each; each++)
		verdict(d, *each);
}

static void hooks(struct doctor *d, const struct conf *conf, const struct conf_finder *finder)
{
	struct scope_opts opts = {.max_processes = conf->run.max_processes};
	struct scope *scope;
	struct bpf_unit *unit;
	int err = scope__open(&scope, &opts);

	if (err)
		scope = NULL;
	if (!err) {
		unit = scope__unit(scope);
		err = bpf_units__load(&unit, 1);
	}
	if (!err)
		err = scope__attach_first(scope);
	if (!err)
		err = scope__attach_last(scope);
	print_line(d, "scope", err ? BAD : GOOD, err ? strerror(-err) : "loads and attaches",
		   err ? "run as root (sudo); -v -v shows the verifier's log" : NULL);
	if (!err)
		recorder(d, scope);
	for (size_t i = 0; i < conf->probes_count && !err; i++)
		try_probe(d, &conf->probes[i], scope);
	if (!err)
		verdicts(d, finder);
	scope__close(scope);
}

static void rings(struct doctor *d, const struct conf *conf)
{
	char text[256], size[FORMAT_SIZE];
	uint64_t bytes = SCOPE_RING_BYTES;

	for (size_t i = 0; i < conf->probes_count; i++)
		bytes += conf->probes[i].ring;
	snprintf(text, sizeof(text), "%s for %zu probes, of the collector's resident memory",
		 format__bytes(size, bytes), conf->probes_count);
	print_line(d, "ring buffers", GOOD, text, NULL);
}

int doctor__run(const struct conf *conf, const struct conf_finder *finder, bool json)
{
	struct doctor d = {.json = json, .first = true};
	bool types;

	caps__resume();
	bpf__init();
	types = kernel(&d);
	if (types)
		tracepoints(&d);
	rights(&d);
	cgroups(&d);
	rings(&d, conf);
	if (types)
		hooks(&d, conf, finder);
	bpf__forget();
	relocation__forget();
	givens__free(&d.givens);
	if (json)
		printf("\n]\n");
	return d.bad;
}
