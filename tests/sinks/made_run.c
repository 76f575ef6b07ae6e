/* SPDX-License-Identifier: BSD-2-Clause */
/* Writes a made-up run of many processes, for tests and benchmarks of what reads runs:
 *
 *	made_run BUILD FOLDER PROCESSES
 *
 * The headers are those of the built probes (BUILD/probes/X.so). A Snakemake of 64 cores runs jobs of a shell and
 * four tools each, most of them short, sampled every second; pids are used again; one tool in 500 fails,
 * one in 1,000 is killed under a job that ends 0, one in 5,000 is killed for its memory. The same
 * arguments give the same processes, and the totals are printed as JSON: the witness. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "core/base/heap.h"
#include "core/probe.h"
#include "core/stream.h"
#include "probes/cpu/cpu.h"
#include "probes/io/io.h"
#include "probes/lifecycle/lifecycle.h"
#include "probes/mem/mem.h"

#define SLOTS 64
#define TOOLS 4
#define MS 1000000ULL
#define SECOND 1000000000ULL
#define MIB 1048576ULL

enum { LIFECYCLE, CPU, MEM, IO, STREAMS };
enum step { EXEC, EXIT, FREE, TICK };

struct tool {
	const char *name, *text;
};

/* What the jobs of a rule run, one behind the other in a pipe. */
static const struct tool rules[][TOOLS] = {
	{{"bwa", "bwa mem -t 4 ref.fa %u/r1.fq %u/r2.fq"},
	 {"samtools", "samtools sort -o %u/sorted.bam -"},
	 {"samtools", "samtools index %u/sorted.bam"},
	 {"md5sum", "md5sum %u/sorted.bam"}},
	{{"bcftools", "bcftools mpileup -f ref.fa %u/sorted.bam"},
	 {"bcftools", "bcftools call -mv -Oz -o %u/calls.vcf.gz"},
	 {"tabix", "tabix %u/calls.vcf.gz"},
	 {"grep", "grep -c ^# %u/calls.vcf"}},
	{{"fastqc", "fastqc --quiet %u/r1.fq"},
	 {"gzip", "gzip -9 %u/r1.fq"},
	 {"awk", "awk {n++} %u/qc.txt"},
	 {"sort", "sort -S 512M -k1,1 %u/qc.tsv"}},
};
#define RULES (sizeof(rules) / sizeof(*rules))

struct process {
	struct process *parent, *next, *prev; /* next, prev: those that live */
	uint64_t start, lives_ns, cpu_permille, peak;
	uint32_t pid, job, children;
	int tool; /* of its rule; -1: the job's shell; -2: the run's root */
	int exit_code, signal;
	bool oom;
};

struct made {
	struct stream_writer *writers[STREAMS];
	struct heap heap;
	struct process root, *live;
	uint64_t now, random, left, processes, failed, killed, oom, cpu_ns, samples;
	uint32_t next_pid, jobs;
	int rc;
};

static uint64_t made__random(struct made *m, uint64_t below)
{
	m->random ^= m->random << 13;
	m->random ^= m->random >> 7;
	m->random ^= m->random << 17;
	return m->random % below;
}

static void made__at(struct made *m, uint64_t when, enum step step, struct process *p)
{
	if (!m->rc)
		m->rc = heap__push(&m->heap, (struct heap_item){.key = when, .order = step, .data = p});
}

static struct event made__head(const struct made *m, const struct process *p, unsigned kind)
{
	return (struct event){.ts = m->now,
			      .start = p->start,
			      .pid = p->pid,
			      .tid = p->pid,
			      .run = 1,
			      .cpu = p->pid % 8,
			      .kind = kind};
}

static void made__write(struct made *m, int stream, const struct event *event, size_t size)
{
	if (!m->rc)
		m->rc = stream_writer__event(m->writers[stream], event, size);
}

static const char *process__name(const struct process *p)
{
	return p->tool == -2 ? "snakemake" : p->tool == -1 ? "bash" : rules[p->job % RULES][p->tool].name;
}

static uint64_t process__cpu(const struct process *p, uint64_t now)
{
	return (now - p->start) / 1000 * p->cpu_permille;
}

/* ---- the text of an exec ---- */

struct text {
	struct lifecycle_exec event;
	char bytes[1024];
};

static void text__add(const struct text *text, uint32_t *used, const char *bytes, size_t n)
{
	memcpy((char *)text->bytes + *used, bytes, n);
	*used += n;
}

/* The shell's command as Snakemake hands it on. */
static int script(const struct process *p, char *out, size_t size)
{
	int n = snprintf(out, size, "set -euo pipefail;  ");

	for (int i = 0; i < TOOLS; i++) {
		n += snprintf(out + n, size - n, "%s", i ? " | " : "");
		n += snprintf(out + n, size - n, rules[p->job % RULES][i].text, p->job, p->job);
	}
	return n;
}

static void text__args(struct text *text, uint32_t *used, const struct process *p)
{
	char line[768];

	if (p->tool == -2) {
		text__add(text, used, "snakemake\0--cores\00064", 21);
	} else if (p->tool == -1) {
		text__add(text, used, "bash\0-c", 8);
		text__add(text, used, line, script(p, line, sizeof(line)) + 1);
	} else {
		int n = snprintf(line, sizeof(line), rules[p->job % RULES][p->tool].text, p->job, p->job);

		for (int i = 0; i < n; i++)
			line[i] = line[i] == ' ' ? '\0' : line[i];
		text__add(text, used, line, n + 1);
	}
}

static void made__exec(struct made *m, const struct process *p)
{
	struct text text = {.event = {.head = made__head(m, p, LIFECYCLE_EXEC), .uid = 1000, .gid = 1000}};
	struct lifecycle_exec *e = &text.event;
	uint32_t base = offsetof(struct text, bytes), used = 0, begin;
	char exe[64];

	if (p->parent) {
		e->ppid = p->parent->pid;
		e->parent_start = p->parent->start;
	}
	snprintf(e->comm, sizeof(e->comm), "%s", process__name(p));
	e->exe = (struct event_string){base, snprintf(exe, sizeof(exe), "/usr/bin/%s", e->comm), 0};
	text__add(&text, &used, exe, e->exe.length);
	e->cwd = (struct event_string){base + used, 10, 0};
	text__add(&text, &used, "/data/work", 10);
	e->cgroup = (struct event_string){base + used, 11, 0};
	text__add(&text, &used, "/user.slice", 11);
	begin = used;
	text__args(&text, &used, p);
	e->args = (struct event_list){base + begin, used - begin, 0};
	e->env.reason = EVENT_REASON_NONE;
	e->env.offset = base + used;
	made__write(m, LIFECYCLE, &e->head, base + used);
}

/* ---- the other events ---- */

static void made__fork(struct made *m, const struct process *p)
{
	struct lifecycle_fork e = {.head = made__head(m, p, LIFECYCLE_FORK)};

	if (p->parent) {
		e.ppid = p->parent->pid;
		e.parent_start = p->parent->start;
		snprintf(e.comm, sizeof(e.comm), "%s", process__name(p->parent));
	}
	made__write(m, LIFECYCLE, &e.head, sizeof(e));
}

static void made__exit(struct made *m, const struct process *p)
{
	struct lifecycle_exit e = {.head = made__head(m, p, LIFECYCLE_EXIT), .threads_peak = 1};
	uint64_t none = EVENT_NULL(EVENT_REASON_NONE);

	if (p->parent) {
		e.ppid = p->parent->pid;
		e.parent_start = p->parent->start;
	}
	snprintf(e.comm, sizeof(e.comm), "%s", process__name(p));
	e.exit_code = p->signal ? none : (uint64_t)p->exit_code;
	e.signal = p->signal ? (uint64_t)p->signal : none;
	e.duration_ns = m->now - p->start;
	made__write(m, LIFECYCLE, &e.head, sizeof(e));
}

static void made__cpu(struct made *m, const struct process *p, enum cpu_kind kind)
{
	struct cpu_event e = {.head = made__head(m, p, kind), .threads = 1, .final = kind == CPU_EXIT};
	uint64_t until = kind == CPU_EXIT ? p->start + p->lives_ns : m->now;

	e.cpu_ns = process__cpu(p, until);
	e.system_ns = e.cpu_ns / 10;
	e.user_ns = e.cpu_ns - e.system_ns;
	e.voluntary_switches = (until - p->start) / (50 * MS);
	e.involuntary_switches = e.cpu_ns / (100 * MS);
	e.state[0] = kind == CPU_EXIT ? 'X' : p->cpu_permille > 500 ? 'R' : 'S';
	snprintf(e.comm, sizeof(e.comm), "%s", process__name(p));
	made__write(m, CPU, &e.head, sizeof(e));
	if (kind == CPU_EXIT)
		m->cpu_ns += e.cpu_ns;
}

static void made__mem(struct made *m, const struct process *p, enum mem_kind kind)
{
	struct mem_event e = {.head = made__head(m, p, kind), .vm_bytes = p->peak * 3, .stack_bytes = 132 << 10};
	uint64_t age = m->now - p->start;

	e.peak_rss_bytes = p->peak;
	e.rusage_maxrss_bytes = p->peak > 80 * MIB ? p->peak : 80 * MIB;
	/* it grows for the first half of its life */
	e.rss_bytes =
		age * 2 >= p->lives_ns ? p->peak : p->peak / 4 + p->peak / 4 * 3 / 1000 * (age * 2000 / p->lives_ns);
	e.file_bytes = 2 * MIB;
	e.anon_bytes = e.rss_bytes - e.file_bytes;
	e.minor_faults = e.rss_bytes / 4096;
	snprintf(e.comm, sizeof(e.comm), "%s", process__name(p));
	made__write(m, MEM, &e.head, sizeof(e));
}

static void made__io(struct made *m, const struct process *p, enum io_kind kind)
{
	struct io_event e = {.head = made__head(m, p, kind), .final = kind == IO_EXIT};
	uint64_t until = kind == IO_EXIT ? p->start + p->lives_ns : m->now;

	e.read_chars = (until - p->start) / 10;
	e.write_chars = e.read_chars / 3;
	e.read_syscalls = e.read_chars / 65536;
	e.write_syscalls = e.write_chars / 65536;
	e.read_bytes = e.read_chars / 4096 * 4096;
	e.write_bytes = e.write_chars / 4096 * 4096;
	snprintf(e.comm, sizeof(e.comm), "%s", process__name(p));
	made__write(m, IO, &e.head, sizeof(e));
}

static void made__oom(struct made *m, const struct process *p)
{
	struct mem_oom_kill e = {.head = made__head(m, p, MEM_OOM_KILL), .rss_bytes = p->peak, .limit = "cgroup"};

	e.limit_bytes = p->peak + MIB;
	e.trigger_pid = p->pid;
	e.trigger_start = p->start;
	snprintf(e.comm, sizeof(e.comm), "%s", process__name(p));
	memcpy(e.trigger_comm, e.comm, sizeof(e.comm));
	e.cgroup = (struct event_string){offsetof(struct mem_oom_kill, text), 11, 0};
	memcpy(e.text, "/user.slice", 11);
	made__write(m, MEM, &e.head, sizeof(e));
}

/* ---- lives ---- */

static void made__begin(struct made *m, struct process *p)
{
	p->pid = m->next_pid++;
	if (m->next_pid == 32768)
		m->next_pid = 1001; /* the root has 1000 to its end */
	p->start = m->now;
	p->next = m->live;
	if (p->next)
		p->next->prev = p;
	m->live = p;
	m->processes++;
	made__fork(m, p);
	made__at(m, m->now + MS / 2, EXEC, p);
}

static struct process *made__process(struct made *m, struct process *parent, int tool)
{
	struct process *p = calloc(1, sizeof(*p));

	if (!p) {
		m->rc = -ENOMEM;
		return NULL;
	}
	p->parent = parent;
	p->tool = tool;
	p->job = tool == -1 ? m->jobs : parent->job;
	parent->children++;
	return p;
}

static void made__tool(struct made *m, struct process *shell, int tool)
{
	struct process *p = made__process(m, shell, tool);
	uint64_t kind;

	if (!p)
		return;
	kind = made__random(m, 100);
	p->lives_ns = kind < 70	  ? (5 + made__random(m, 195)) * MS
		      : kind < 95 ? (500 + made__random(m, 3500)) * MS
				  : (5000 + made__random(m, 15000)) * MS;
	p->cpu_permille = made__random(m, 1000);
	p->peak = (3 + made__random(m, kind < 70 ? 20 : 900)) * MIB;
	kind = made__random(m, 5000);
	if (kind == 0) {
		p->oom = true;
		p->signal = SIGKILL;
		shell->exit_code = 137;
	} else if (kind <= 5) {
		p->signal = SIGKILL; /* and nobody looks */
	} else if (kind <= 15) {
		p->exit_code = shell->exit_code = 1 + (int)made__random(m, 3);
	}
	m->oom += p->oom;
	m->killed += p->signal && !p->oom;
	m->failed += p->exit_code != 0;
	made__begin(m, p);
}

/* Snakemake's next job, unless all have been started. */
static void made__job(struct made *m)
{
	struct process *shell;

	if (m->left < 1 + TOOLS)
		return;
	m->left -= 1 + TOOLS;
	shell = made__process(m, &m->root, -1);
	if (!shell)
		return;
	m->jobs++;
	shell->cpu_permille = 2;
	shell->peak = 3 * MIB;
	made__begin(m, shell);
}

static void made__end(struct made *m, struct process *p, uint64_t when)
{
	p->lives_ns = when - p->start;
	made__at(m, when, EXIT, p);
}

static void made__start(struct made *m, struct process *p)
{
	made__exec(m, p);
	if (p->tool >= 0)
		made__at(m, p->start + p->lives_ns, EXIT, p);
	for (int i = 0; p->tool == -1 && i < TOOLS; i++)
		made__tool(m, p, i);
	for (int i = 0; p->tool == -2 && i < SLOTS; i++)
		made__job(m);
	if (p->tool == -2 && !p->children)
		made__end(m, p, m->now + MS); /* too few processes for a job */
}

static void made__over(struct made *m, struct process *p)
{
	struct process *parent = p->parent;

	if (p->oom)
		made__oom(m, p);
	made__mem(m, p, MEM_EXIT);
	made__exit(m, p);
	if (p->prev)
		p->prev->next = p->next;
	else
		m->live = p->next;
	if (p->next)
		p->next->prev = p->prev;
	made__at(m, m->now + 10 * MS, FREE, p);
	if (!parent)
		return;
	if (parent->tool == -2) {
		parent->exit_code |= p->exit_code != 0;
		made__job(m);
	}
	if (!--parent->children)
		made__end(m, parent, m->now + MS);
}

static void made__sample(struct made *m)
{
	for (struct process *p = m->live; p; p = p->next) {
		uint64_t lives = p->lives_ns;

		if (p->tool < 0)
			p->lives_ns = m->now - p->start + 1; /* not known yet */
		made__cpu(m, p, CPU_SAMPLE);
		made__mem(m, p, MEM_SAMPLE);
		made__io(m, p, IO_SAMPLE);
		p->lives_ns = lives;
		m->samples += 3;
	}
	if (m->live)
		made__at(m, m->now + SECOND, TICK, NULL);
}

static void made__step(struct made *m, struct heap_item item)
{
	struct process *p = item.data;

	m->now = item.key;
	switch ((enum step)item.order) {
	case EXEC:
		made__start(m, p);
		break;
	case EXIT:
		made__over(m, p);
		break;
	case FREE:
		made__cpu(m, p, CPU_EXIT);
		made__io(m, p, IO_EXIT);
		if (p != &m->root)
			free(p);
		break;
	case TICK:
		made__sample(m);
		break;
	}
}

/* ---- streams ---- */

static int made__open(struct made *m, const char *build, const char *folder)
{
	static const char *const names[STREAMS] = {"lifecycle", "cpu", "mem", "io"};
	static const char *const command[] = {"snakemake", "--cores", "64", NULL};
	const char *id = strrchr(folder, '/') ? strrchr(folder, '/') + 1 : folder;
	struct stream_writer_opts opts = {.abi = PROBE_ABI};
	int dir, rc = 0;

	if (mkdir(folder, 0755) || (dir = open(folder, O_RDONLY | O_DIRECTORY)) < 0)
		return -errno;
	opts.run = (struct stream_run){.id = id, .name = "made", .number = 1, .command = command};
	for (int i = 0; i < STREAMS && !rc; i++) {
		const struct probe *const *probe;
		char path[4096];
		void *so;

		snprintf(path, sizeof(path), "%s/probes/%s.so", build, names[i]);
		so = dlopen(path, RTLD_NOW | RTLD_LOCAL); /* its tables are in use until the end */
		probe = so ? dlsym(so, PROBE_SYMBOL) : NULL;
		if (!probe) {
			fprintf(stderr, "made_run: %s\n", dlerror());
			return -ENOENT;
		}
		opts.stream = names[i];
		opts.help = (*probe)->help;
		opts.events = (*probe)->events;
		opts.events_count = (*probe)->events_count;
		opts.interval_ns = (*probe)->interval_ns;
		rc = stream_writer__open(&m->writers[i], dir, &opts);
	}
	close(dir);
	return rc;
}

int main(int argc, char **argv)
{
	struct made m = {.random = 88172645463325252ULL, .next_pid = 1000};
	struct timespec now;
	int i;

	m.left = argc == 4 ? strtoull(argv[3], NULL, 10) : 0;
	if (!m.left) {
		fputs("Usage: made_run BUILD FOLDER PROCESSES\n", stderr);
		return 2;
	}
	m.left--; /* the root */
	clock_gettime(CLOCK_BOOTTIME, &now);
	m.now = now.tv_sec * SECOND;
	m.rc = made__open(&m, argv[1], argv[2]);
	m.root.tool = -2;
	m.root.peak = 74 * MIB;
	m.root.cpu_permille = 100;
	if (!m.rc)
		made__begin(&m, &m.root);
	made__at(&m, m.now + SECOND, TICK, NULL);
	while (!m.rc && m.heap.count) {
		struct heap_item item = m.heap.items[0];

		heap__pop(&m.heap);
		made__step(&m, item);
	}
	for (i = 0; i < STREAMS; i++)
		m.rc = stream_writer__close(m.writers[i]) ? -EIO : m.rc;
	heap__free(&m.heap);
	if (m.rc)
		return fprintf(stderr, "made_run: %s: %s\n", argv[2], strerror(-m.rc)), 1;
	printf("{\"processes\":%" PRIu64 ",\"jobs\":%u,\"failed\":%" PRIu64 ",\"killed\":%" PRIu64 ",\"oom\":%" PRIu64
	       ",\"cpu_ns\":%" PRIu64 ",\"samples\":%" PRIu64 "}\n",
	       m.processes, m.jobs, m.failed, m.killed, m.oom, m.cpu_ns, m.samples);
	return 0;
}
