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
#include "tests/made/made.h"

#define SLOTS 64
#define TOOLS 4
#define MIB 1048576ULL

enum step { STEP_EXEC, STEP_EXIT, STEP_FREE, STEP_TICK };

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

struct plan {
	struct made made;
	struct heap heap;
	struct process root, *live;
	uint64_t now, random, left, processes, failed, killed, oom, cpu_ns, samples;
	uint32_t next_pid, jobs;
};

static uint64_t plan__random(struct plan *m, uint64_t below)
{
	m->random ^= m->random << 13;
	m->random ^= m->random >> 7;
	m->random ^= m->random << 17;
	return m->random % below;
}

static void plan__at(struct plan *m, uint64_t when, enum step step, struct process *p)
{
	if (!m->made.err)
		m->made.err = heap__push(&m->heap, (struct heap_item){.key = when, .order = step, .data = p});
}

static const char *process__name(const struct process *p)
{
	return p->tool == -2 ? "snakemake" : p->tool == -1 ? "bash" : rules[p->job % RULES][p->tool].name;
}

static uint64_t process__cpu(const struct process *p, uint64_t now)
{
	return (now - p->start) / 1000 * p->cpu_permille;
}

/* ---- events ---- */

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

/* Its argv, as the kernel has it; the size. */
static size_t process__args(const struct process *p, char *out, size_t size)
{
	size_t n;

	if (p->tool == -2) {
		memcpy(out, "snakemake\0--cores\00064", 21);
		return 21;
	}
	if (p->tool == -1) {
		memcpy(out, "bash\0-c", 8);
		return 8 + script(p, out + 8, size - 8) + 1;
	}
	n = snprintf(out, size, rules[p->job % RULES][p->tool].text, p->job, p->job);
	for (size_t i = 0; i < n; i++)
		out[i] = out[i] == ' ' ? '\0' : out[i];
	return n + 1;
}

/* What every event of a process says. */
#define OF(p) .at = m->now, .pid = (p)->pid, .start = (p)->start, .comm = process__name(p), .cgroup = "/user.slice"
#define PARENT(p) .parent = (p)->parent ? (p)->parent->pid : 0

static void plan__exec(const struct plan *m, const struct process *p)
{
	char exe[64], args[1024];
	size_t size = process__args(p, args, sizeof(args));

	snprintf(exe, sizeof(exe), "/usr/bin/%s", process__name(p));
	EXEC(OF(p), PARENT(p), .exe = exe, .args_bytes = args, .args_size = size, .cwd = "/data/work");
}

static void plan__cpu(struct plan *m, const struct process *p, enum cpu_kind kind)
{
	uint64_t lives = kind == CPU_EXIT ? p->lives_ns : m->now - p->start, cpu = process__cpu(p, p->start + lives);

	made__cpu(MADE_ARGS(OF(p), .cpu = cpu, .system = cpu / 10, .state = p->cpu_permille > 500 ? 'R' : 'S',
			    .voluntary = lives / (50 * MS), .involuntary = cpu / (100 * MS)),
		  kind);
	if (kind == CPU_EXIT)
		m->cpu_ns += cpu;
}

/* Its memory grows for the first half of its life. */
static void plan__mem(const struct plan *m, const struct process *p, enum mem_kind kind)
{
	uint64_t age = m->now - p->start, quarter = p->peak / 4;

	made__mem(
		MADE_ARGS(OF(p), .peak = p->peak, .maxrss = p->peak > 80 * MIB ? p->peak : 80 * MIB, .vm = p->peak * 3,
			  .bytes = age * 2 >= p->lives_ns ? p->peak
							  : quarter + quarter * 3 / 1000 * (age * 2000 / p->lives_ns)),
		kind);
}

static void plan__io(const struct plan *m, const struct process *p, enum io_kind kind)
{
	uint64_t lives = kind == IO_EXIT ? p->lives_ns : m->now - p->start, in = lives / 10, out = in / 3;
	uint64_t io[MADE_IO] = {in, out, in / 65536, out / 65536, in / 4096 * 4096, out / 4096 * 4096, 0};

	made__io(MADE_ARGS(OF(p), .io = io), kind);
}

/* ---- lives ---- */

static void plan__begin(struct plan *m, struct process *p)
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
	FORK(.at = m->now, .pid = p->pid, PARENT(p), .comm = p->parent ? process__name(p->parent) : "");
	plan__at(m, m->now + MS / 2, STEP_EXEC, p);
}

static struct process *plan__process(struct plan *m, struct process *parent, int tool)
{
	struct process *p = calloc(1, sizeof(*p));

	if (!p) {
		m->made.err = -ENOMEM;
		return NULL;
	}
	p->parent = parent;
	p->tool = tool;
	p->job = tool == -1 ? m->jobs : parent->job;
	parent->children++;
	return p;
}

static void plan__tool(struct plan *m, struct process *shell, int tool)
{
	struct process *p = plan__process(m, shell, tool);
	uint64_t kind;

	if (!p)
		return;
	kind = plan__random(m, 100);
	p->lives_ns = kind < 70	  ? (5 + plan__random(m, 195)) * MS
		      : kind < 95 ? (500 + plan__random(m, 3500)) * MS
				  : (5000 + plan__random(m, 15000)) * MS;
	p->cpu_permille = plan__random(m, 1000);
	p->peak = (3 + plan__random(m, kind < 70 ? 20 : 900)) * MIB;
	kind = plan__random(m, 5000);
	if (kind == 0) {
		p->oom = true;
		p->signal = SIGKILL;
		shell->exit_code = 137;
	} else if (kind <= 5) {
		p->signal = SIGKILL; /* and nobody looks */
	} else if (kind <= 15) {
		p->exit_code = shell->exit_code = 1 + (int)plan__random(m, 3);
	}
	m->oom += p->oom;
	m->killed += p->signal && !p->oom;
	m->failed += p->exit_code != 0;
	plan__begin(m, p);
}

/* Snakemake's next job, unless all have been started. */
static void plan__job(struct plan *m)
{
	struct process *shell;

	if (m->left < 1 + TOOLS)
		return;
	m->left -= 1 + TOOLS;
	shell = plan__process(m, &m->root, -1);
	if (!shell)
		return;
	m->jobs++;
	shell->cpu_permille = 2;
	shell->peak = 3 * MIB;
	plan__begin(m, shell);
}

static void plan__end(struct plan *m, struct process *p, uint64_t when)
{
	p->lives_ns = when - p->start;
	plan__at(m, when, STEP_EXIT, p);
}

static void plan__start(struct plan *m, struct process *p)
{
	plan__exec(m, p);
	if (p->tool >= 0)
		plan__at(m, p->start + p->lives_ns, STEP_EXIT, p);
	for (int i = 0; p->tool == -1 && i < TOOLS; i++)
		plan__tool(m, p, i);
	for (int i = 0; p->tool == -2 && i < SLOTS; i++)
		plan__job(m);
	if (p->tool == -2 && !p->children)
		plan__end(m, p, m->now + MS); /* too few processes for a job */
}

static void plan__over(struct plan *m, struct process *p)
{
	struct process *parent = p->parent;

	if (p->oom)
		OOM_KILL(OF(p), .bytes = p->peak);
	plan__mem(m, p, MEM_EXIT);
	EXIT(OF(p), PARENT(p), .code = p->exit_code, .signal = p->signal);
	if (p->prev)
		p->prev->next = p->next;
	else
		m->live = p->next;
	if (p->next)
		p->next->prev = p->prev;
	plan__at(m, m->now + 10 * MS, STEP_FREE, p);
	if (!parent)
		return;
	if (parent->tool == -2) {
		parent->exit_code |= p->exit_code != 0;
		plan__job(m);
	}
	if (!--parent->children)
		plan__end(m, parent, m->now + MS);
}

static void plan__sample(struct plan *m)
{
	for (struct process *p = m->live; p; p = p->next) {
		uint64_t lives = p->lives_ns;

		if (p->tool < 0)
			p->lives_ns = m->now - p->start + 1; /* not known yet */
		plan__cpu(m, p, CPU_SAMPLE);
		plan__mem(m, p, MEM_SAMPLE);
		plan__io(m, p, IO_SAMPLE);
		p->lives_ns = lives;
		m->samples += 3;
	}
	if (m->live)
		plan__at(m, m->now + S, STEP_TICK, NULL);
}

static void plan__step(struct plan *m, struct heap_item item)
{
	struct process *p = item.data;

	m->now = item.key;
	switch ((enum step)item.order) {
	case STEP_EXEC:
		plan__start(m, p);
		break;
	case STEP_EXIT:
		plan__over(m, p);
		break;
	case STEP_FREE:
		plan__cpu(m, p, CPU_EXIT);
		plan__io(m, p, IO_EXIT);
		if (p != &m->root)
			free(p);
		break;
	case STEP_TICK:
		plan__sample(m);
		break;
	}
}

/* ---- streams ---- */

static int plan__open(struct plan *m, const char *build, const char *folder)
{
	static const char *const names[STREAMS] = {"lifecycle", "cpu", "mem", "io"};
	static const char *const command[] = {"snakemake", "--cores", "64", NULL};
	const char *id = strrchr(folder, '/') ? strrchr(folder, '/') + 1 : folder;
	/* so that also a small run has several blocks */
	struct stream_writer_opts opts = {.abi = PROBE_ABI, .block_bytes = m->left < 10000 ? 32 << 10 : 0};
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
		rc = stream_writer__open(&m->made.writers[i], dir, &opts);
	}
	close(dir);
	return rc;
}

int main(int argc, char **argv)
{
	static struct plan m = {.random = 88172645463325252ULL, .next_pid = 1000};
	struct timespec now;

	made_last = &m.made;
	m.left = argc == 4 ? strtoull(argv[3], NULL, 10) : 0;
	if (!m.left) {
		fputs("Usage: made_run BUILD FOLDER PROCESSES\n", stderr);
		return 2;
	}
	m.left--; /* the root */
	clock_gettime(CLOCK_BOOTTIME, &now);
	m.now = now.tv_sec * S;
	m.made.err = plan__open(&m, argv[1], argv[2]);
	m.root.tool = -2;
	m.root.peak = 74 * MIB;
	m.root.cpu_permille = 100;
	if (!m.made.err)
		plan__begin(&m, &m.root);
	plan__at(&m, m.now + S, STEP_TICK, NULL);
	while (!m.made.err && m.heap.count) {
		struct heap_item item = m.heap.items[0];

		heap__pop(&m.heap);
		plan__step(&m, item);
	}
	heap__free(&m.heap);
	if (made__free(&m.made))
		return fprintf(stderr, "made_run: %s: %s\n", argv[2], strerror(-m.made.err)), 1;
	printf("{\"processes\":%" PRIu64 ",\"jobs\":%u,\"failed\":%" PRIu64 ",\"killed\":%" PRIu64 ",\"oom\":%" PRIu64
	       ",\"cpu_ns\":%" PRIu64 ",\"samples\":%" PRIu64 "}\n",
	       m.processes, m.jobs, m.failed, m.killed, m.oom, m.cpu_ns, m.samples);
	return 0;
}
