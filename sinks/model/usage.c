/* SPDX-License-Identifier: BSD-2-Clause */
/* Takes the records of the streams cpu, mem and io. */
#include <errno.h>
#include <string.h>

#include "sinks/model/process.h"

/* ---- records ---- */

/* The process of a record; NULL if lifecycle should have reported it and has not. */
static int process_of(const struct feed *f, struct process **process, const struct value *comm)
{
	*process = process__find(f->model, f->run, f->record->pid, f->record->start);
	if (*process || f->run->pub.has[MODEL_LIFECYCLE])
		return 0;
	*process = process__new(f->model, f->run, f->record->pid, f->record->start, 0, EVENT_NULL(MODEL_REASON_OFF));
	if (!*process)
		return -ENOMEM;
	process__set_comm((*process)->row.comm, comm);
	return row__close_outlived(f->model, *process);
}

/* Finds the process whose exit the record reports; *process NULL: unknown. */
static int end_of(const struct feed *f, struct process **process, const struct value *comm)
{
	int err = process_of(f, process, comm);

	if (err || *process)
		return err;
	if (f->run->given_up)
		f->run->given_up--;
	else
		f->run->pub.unmatched++;
	return 0;
}

/* Lifecycle's record of the exit may be lost. An account's own time is that of its closing. */
static void set_exited(struct process *p, uint64_t exited_ns)
{
	if (EVENT_IS_NULL(p->exited_ns))
		p->exited_ns = exited_ns;
}

static bool is(const struct value *value, bool boolean)
{
	return value->type == VALUE_BOOL && value->boolean == boolean;
}

/* ---- cpu ---- */

enum { CPU_COMM = FIGURE_IO, CPU_FINAL, CPU_THREADS, CPU_EXITED };	  /* exit */
enum { CPU_STATE = CPU_FINAL, CPU_SYSCALL = CPU_EXITED, CPU_DESCRIPTOR }; /* sample */

/* Samples and the exit come from different programs: the greatest is the latest. */
static void set_cpu(const struct feed *f, struct process *p)
{
	uint64_t cpu_ns = value__number(f->field[FIGURE_CPU]);

	if (EVENT_IS_NULL(p->total[FIGURE_CPU]) || (!EVENT_IS_NULL(cpu_ns) && cpu_ns >= p->total[FIGURE_CPU])) {
		for (int i = 0; i < FIGURE_IO; i++)
			p->total[i] = value__number(f->field[i]);
		p->cpu_seen_ns = f->record->ts;
	}
	p->sampled[MODEL_CPU] = true;
}

int usage__cpu(const struct feed *feed)
{
	struct process *p;
	int err = process_of(feed, &p, feed->field[CPU_COMM]);
	uint64_t before;

	if (err || !p)
		return err;
	before = p->total[FIGURE_CPU];
	set_cpu(feed, p);
	err = pace__take(feed, p, MODEL_PACE_CPU, before);
	if (!err)
		err = now__set_state(feed, p, feed->field[CPU_STATE], feed->field[CPU_THREADS]);
	if (!err)
		err = asleep__sampled(p, feed->record->ts, feed->field[CPU_STATE], feed->field[CPU_SYSCALL],
				      feed->field[CPU_DESCRIPTOR]);
	return err ? err : sample__taken(feed->model, p, MODEL_CPU, feed->record->ts);
}

int usage__cpu_image(const struct feed *feed)
{
	struct process *p;
	int err = process_of(feed, &p, feed->field[CPU_COMM]);

	if (err || !p)
		return err;
	set_cpu(feed, p);
	p->imaged[MODEL_CPU] = true;
	return 0;
}

int usage__cpu_end(const struct feed *feed)
{
	struct process *p;
	int err = end_of(feed, &p, feed->field[CPU_COMM]);

	if (err || !p)
		return err;
	set_cpu(feed, p);
	set_exited(p, value__number(feed->field[CPU_EXITED]));
	p->threads_peak = value__number(feed->field[CPU_THREADS]);
	p->provisional[MODEL_CPU] = is(feed->field[CPU_FINAL], false);
	return row__end_seen(feed, p);
}

/* ---- io ---- */

enum { IO_COMM = MODEL_IO_FIGURES, IO_FINAL, IO_EXITED };

static void set_io(const struct feed *f, struct process *p)
{
	for (int i = 0; i < MODEL_IO_FIGURES; i++) {
		uint64_t value = value__number(f->field[i]), *total = &p->total[FIGURE_IO + i];

		if (EVENT_IS_NULL(*total) || (!EVENT_IS_NULL(value) && value > *total))
			*total = value;
	}
	p->sampled[MODEL_IO] = true;
}

int usage__io(const struct feed *feed)
{
	struct process *p;
	int err = process_of(feed, &p, feed->field[IO_COMM]);
	uint64_t read, written, *io;

	if (err || !p)
		return err;
	io = p->total + FIGURE_IO;
	read = io[MODEL_IO_READ_BYTES];
	written = io[MODEL_IO_WRITE_BYTES];
	set_io(feed, p);
	err = pace__take(feed, p, MODEL_PACE_READ, read);
	return err ? err : pace__take(feed, p, MODEL_PACE_WRITE, written);
}

int usage__io_image(const struct feed *feed)
{
	struct process *p;
	int err = process_of(feed, &p, feed->field[IO_COMM]);

	if (err || !p)
		return err;
	set_io(feed, p);
	p->imaged[MODEL_IO] = true;
	return 0;
}

int usage__io_end(const struct feed *feed)
{
	struct process *p;
	int err = end_of(feed, &p, feed->field[IO_COMM]);

	if (err || !p)
		return err;
	set_io(feed, p);
	set_exited(p, value__number(feed->field[IO_EXITED]));
	p->io_final = is(feed->field[IO_FINAL], true);
	p->provisional[MODEL_IO] = is(feed->field[IO_FINAL], false);
	return row__end_seen(feed, p);
}

/* ---- mem ---- */

enum { MEM_BYTES, MEM_COMM, MEM_INHERITED, MEM_ANON, MEM_FILE, MEM_SHMEM, MEM_FAULTS, MEM_HUGETLB };

static void set_hugetlb(struct process *p, const struct value *value)
{
	uint64_t bytes = value__number(value);

	if (!EVENT_IS_NULL(bytes) && bytes > p->row.hugetlb_bytes)
		p->row.hugetlb_bytes = bytes;
}

static uint64_t less(uint64_t value, uint64_t by)
{
	return value > by ? value - by : 0;
}

static uint64_t or_zero(uint64_t value)
{
	return EVENT_IS_NULL(value) ? 0 : value;
}

/* Bytes of a page at most. */
static uint64_t page_bytes(const struct run *run)
{
	const char *machine = run->pub.info->machine;

	return machine && !strcmp(machine, "x86_64") ? 4096 : 65536;
}

/* What a fork has copied of the memory that it inherited: a page by each fault at most. */
static uint64_t copied(const struct feed *f, uint64_t inherited)
{
	uint64_t faults = value__number(f->field[MEM_FAULTS]), page = page_bytes(f->run);

	return EVENT_IS_NULL(faults) || faults > inherited / page ? inherited : faults * page;
}

/* Only anonymous memory that it has not inherited is surely its own. With vfork() all memory is its parent's. */
static struct held held_of(const struct feed *f, const struct process *p, uint64_t rss)
{
	uint64_t inherited = value__number(f->field[MEM_INHERITED]), anon = or_zero(value__number(f->field[MEM_ANON]));
	uint64_t file = or_zero(value__number(f->field[MEM_FILE])), shmem = or_zero(value__number(f->field[MEM_SHMEM]));
	struct held held = {.rss = rss, .bytes = rss};

	if (inherited == EVENT_NULL(EVENT_REASON_SHARED))
		return (struct held){0};
	held.shared = file + shmem;
	held.file = file;
	if (EVENT_IS_NULL(inherited)) { /* not known, or a stream of 0.1.0: a fork may share everything */
		held.own = p->row.forked ? 0 : anon;
		return held;
	}
	inherited = less(inherited, file);
	held.own = less(anon, inherited);
	held.inherited = inherited < anon ? inherited : anon;
	held.bytes = less(rss, held.inherited) + copied(f, held.inherited);
	return held;
}

int usage__mem(const struct feed *feed)
{
	uint64_t rss = value__number(feed->field[MEM_BYTES]);
	struct process *p;
	int err = process_of(feed, &p, feed->field[MEM_COMM]);

	if (err || !p || EVENT_IS_NULL(rss))
		return err;
	set_hugetlb(p, feed->field[MEM_HUGETLB]);
	if (EVENT_IS_NULL(p->row.sampled_rss_bytes) || rss > p->row.sampled_rss_bytes)
		p->row.sampled_rss_bytes = rss;
	if (p->wait_since)
		return 0;
	rss__set(p, feed->record->ts, held_of(feed, p, rss), process__forker(feed->model, p));
	return sample__taken(feed->model, p, MODEL_MEM, feed->record->ts);
}

/* Of a fork that has executed nothing only what it has not inherited counts. */
int usage__mem_image(const struct feed *feed)
{
	uint64_t peak = value__number(feed->field[MEM_BYTES]), inherited = value__number(feed->field[MEM_INHERITED]);
	struct process *p;
	int err = process_of(feed, &p, feed->field[MEM_COMM]);

	if (err || !p)
		return err;
	if (p->row.image || p->row.preexisting) {
		set_hugetlb(p, feed->field[MEM_HUGETLB]);
		p->image_peak_bytes = peak;
		p->imaged[MODEL_MEM] = true;
	} else if (or_zero(inherited) && !EVENT_IS_NULL(peak)) {
		p->grown_bytes = less(peak, inherited);
	}
	return 0;
}

int usage__mem_end(const struct feed *feed)
{
	struct process *p;
	int err = end_of(feed, &p, feed->field[MEM_COMM]);

	if (err || !p)
		return err;
	set_exited(p, feed->record->ts);
	set_hugetlb(p, feed->field[MEM_HUGETLB]);
	p->row.peak_rss_bytes = value__number(feed->field[MEM_BYTES]);
	p->row.inherited_rss_bytes = value__number(feed->field[MEM_INHERITED]);
	rss__drop(p);
	err = sample__ended(feed->model, p);
	return err ? err : row__end_seen(feed, p);
}

int usage__oom_kill(const struct feed *feed)
{
	struct process *p;
	int err = process_of(feed, &p, feed->field[MEM_COMM]);

	if (err || !p)
		return err;
	if (!p->oom)
		p->oom = oom__new(feed, p);
	if (!p->oom)
		return -ENOMEM;
	if (p->ending && !p->ending->pub.oom)
		p->ending->pub.oom = oom__ref(p->oom);
	if (p->row.outcome == MODEL_KILLED)
		p->row.outcome = MODEL_OOM;
	return 0;
}
