/* SPDX-License-Identifier: BSD-2-Clause */
/* The model's tables: their columns as data, and their rows until they are read. */
#include <errno.h>
#include <string.h>

#include "sinks/tables/cell.h"
#include "sinks/tables/kept.h"
#include "sinks/tables/table.h"

/* clang-format off */
#define AT(s, member) offsetof(struct s, member)
#define ROW(member) offsetof(struct model_row, member)
#define TASK(member) offsetof(struct model_task, member)
#define COMMAND(member) offsetof(struct model_command, member)
#define OOM(member) offsetof(struct model_oom, member)

#define CELLS_IO(s)                                                                                          \
	{ "read_chars", COLUMN_BIGINT, cell__figure, AT(s, io[MODEL_IO_READ_CHARS]), AT(s, io_partial), "bytes",        \
	  "read by its own threads, from any source" },                                                                               \
	{ "write_chars", COLUMN_BIGINT, cell__figure, AT(s, io[MODEL_IO_WRITE_CHARS]), AT(s, io_partial), "bytes",      \
	  "written, to any target" },                                                                              \
	{ "read_syscalls", COLUMN_BIGINT, cell__figure, AT(s, io[MODEL_IO_READ_SYSCALLS]), AT(s, io_partial), NULL, "calls" }, \
	{ "write_syscalls", COLUMN_BIGINT, cell__figure, AT(s, io[MODEL_IO_WRITE_SYSCALLS]), AT(s, io_partial), NULL, "calls" }, \
	{ "read_bytes", COLUMN_BIGINT, cell__figure, AT(s, io[MODEL_IO_READ_BYTES]), AT(s, io_partial), "bytes",        \
	  "fetched from storage" },                                                                              \
	{ "write_bytes", COLUMN_BIGINT, cell__figure, AT(s, io[MODEL_IO_WRITE_BYTES]), AT(s, io_partial), "bytes",      \
	  "sent to storage" },                                                                                   \
	{ "cancelled_write_bytes", COLUMN_BIGINT, cell__figure, AT(s, io[MODEL_IO_CANCELLED_WRITE_BYTES]), AT(s, io_partial), \
	  "bytes", "of them, truncated before they were sent" }

#define CELLS_TIMES(s)                                                                                       \
	{ "began", COLUMN_TIME, cell__time, AT(s, began_ns), 0, NULL, "when" },                                   \
	{ "ended", COLUMN_TIME, cell__time, AT(s, ended_ns), 0, NULL, "when" },                                   \
	{ "began_ns", COLUMN_BIGINT, cell__number, AT(s, began_ns), 0, "ns",                                      \
	  "when, on the boot clock; boot_epoch_ns of the table runs makes it UTC" },                              \
	{ "wall_ns", COLUMN_BIGINT, cell__number, AT(s, wall_ns), 0, "ns",                                        \
	  "from begin to end; to the end of the recording if it still ran" }

#define CELLS_CPU(s)                                                                                         \
	{ "cpu_ns", COLUMN_BIGINT, cell__figure, AT(s, cpu_ns), AT(s, cpu_partial), "ns",                    \
	  "CPU time of all threads; between programs of one process, to a tick of the scheduler" },  \
	{ "cpu_span_ns", COLUMN_BIGINT, cell__number, AT(s, cpu_span_ns), 0, "ns",                                  \
	  "the time in which cpu_ns was used: cpu_ns / cpu_span_ns CPUs were busy" },                               \
	{ "user_ns", COLUMN_BIGINT, cell__figure, AT(s, user_ns), AT(s, cpu_partial), "ns", "of it, in the program" },  \
	{ "system_ns", COLUMN_BIGINT, cell__figure, AT(s, system_ns), AT(s, cpu_partial), "ns", "of it, in the kernel" }

#define CELLS_RUN                                                                                            \
	{ "run", COLUMN_TEXT, cell__run, 0, 0, NULL, "the run's id" },                                            \
	{ "host", COLUMN_TEXT, cell__host, 0, 0, NULL, "where it ran" },                                         \
	{ "pipeline", COLUMN_TEXT, cell__pipeline, 0, 0, NULL, "the run's name" }

/* What the tables of programs and of processes have in common; a struct model_process begins as a model_row does. */
static const struct cell of_process[] = {
	CELLS_RUN,
	{ "pid", COLUMN_INT, cell__u32, ROW(pid), 0, NULL, "process, in the initial pid namespace" },
	{ "start", COLUMN_BIGINT, cell__number, ROW(start), 0, "ns",
	  "the process's start on the boot clock; (pid, start) names a process" },
	{ "ppid", COLUMN_INT, cell__some, ROW(ppid), 0, NULL, "its parent" },
	{ "parent_start", COLUMN_BIGINT, cell__number, ROW(parent_start), 0, "ns", "its parent's start" },
	{ "ns_pid", COLUMN_INT, cell__some, ROW(ns_pid), 0, NULL,
	  "in its own pid namespace; pid outside of containers" },
	{ "depth", COLUMN_INT, cell__depth, ROW(depth), 0, NULL, "below the run's root, which has 0" },
	{ "tree_order", COLUMN_BIGINT, NULL, 0, LATE_TREE_ORDER, NULL,
	  "from 1: place of the process in the run's tree, a parent before its children" },
	{ "children", COLUMN_BIGINT, NULL, 0, LATE_CHILDREN, NULL, "processes whose parent is this process" },
	{ "task", COLUMN_INT, cell__task_number, ROW(task), 0, NULL, "of the table steps" },
	{ "step", COLUMN_TEXT, cell__task_step, ROW(task), 0, NULL, "the pipeline's step it belongs to" },
	{ "comm", COLUMN_TEXT, cell__chars, ROW(comm), 0, NULL, "the kernel's name of the process" },
	{ "exe", COLUMN_TEXT, cell__text, ROW(command), COMMAND(exe), NULL, "path of the program" },
	{ "args", COLUMN_LIST, cell__list, ROW(command), COMMAND(args), NULL, "its arguments" },
	{ "command", COLUMN_TEXT, cell__row_command, 0, 0, NULL,
	  "its arguments as a shell would take them; [comm] where they are not known" },
	{ "cwd", COLUMN_TEXT, cell__text, ROW(command), COMMAND(cwd), NULL, "where it was started" },
	{ "uid", COLUMN_BIGINT, cell__uid, ROW(command), 0, NULL, "user" },
	CELLS_TIMES(model_row),
	CELLS_CPU(model_row),
	{ "waits_for", COLUMN_TEXT, cell__string, ROW(waits_for), 0, NULL,
	  "what samples of its first thread saw it wait for the longest; null: none saw it asleep" },
	{ "sampled_rss_bytes", COLUMN_BIGINT, cell__number, ROW(sampled_rss_bytes), 0, "bytes",
	  "most that a sample saw: a lower bound" },
	{ "hugetlb_bytes", COLUMN_BIGINT, cell__hugetlb, 0, 0, "bytes",
	  "most that a sample saw in pages of hugetlbfs: a lower bound, not in the other figures; null: there was no sample" },
	CELLS_IO(model_row),
	{ "exit_code", COLUMN_INT, cell__number, ROW(exit_code), 0, NULL, "of its process" },
	{ "signal", COLUMN_INT, cell__number, ROW(signal), 0, NULL, "that killed it" },
	{ "signal_name", COLUMN_TEXT, cell__chars, ROW(signal_name), 0, NULL, "that killed it" },
	{ "signal_code", COLUMN_TEXT, cell__chars, ROW(signal_code), 0, NULL,
	  "si_code of that signal, or of the request to end that it exited after" },
	{ "sender", COLUMN_TEXT, cell__sender, ROW(sender), 0, NULL, "its sender: user, kernel, timer, oom, memory_limit" },
	{ "sender_pid", COLUMN_INT, cell__some, ROW(sender_pid), 0, NULL, "the process that sent it; null: no process did" },
	{ "sender_start", COLUMN_BIGINT, cell__number, ROW(sender_start), 0, "ns", "its start" },
	{ "sender_comm", COLUMN_TEXT, cell__chars, ROW(sender_comm), 0, NULL, "its name; it may be outside of the run" },
	{ "core_dumped", COLUMN_BOOL, cell__bool, ROW(core_dumped), 0, NULL, "it left a core" },
	{ "outcome", COLUMN_TEXT, cell__outcome, ROW(outcome), 0, NULL,
	  "ok (also where its status means no failure: benign), failed, killed, oom, running, unknown" },
	{ "status", COLUMN_TEXT, cell__status, 0, 0, NULL,
	  "how it ended: exit 1, SIGKILL, replaced by NAME (the process's next program), running, unknown" },
	{ "hidden_by", COLUMN_TEXT, NULL, 0, LATE_HIDDEN_BY, NULL,
	  "command of the ancestor that hides its failure by exiting 0; null if its parent passed it on" },
	{ "oom_limit_bytes", COLUMN_BIGINT, cell__oom_number, ROW(oom), OOM(limit_bytes), "bytes",
	  "selected by the OOM killer: limit of the cgroup" },
	{ "oom_usage_bytes", COLUMN_BIGINT, cell__oom_number, ROW(oom), OOM(usage_bytes), "bytes",
	  "that the cgroup used then" },
	{ "oom_cgroup", COLUMN_TEXT, cell__oom_cgroup, ROW(oom), 0, NULL, "the cgroup; null: the host, or not known" },
	{ "oom_others", COLUMN_TEXT, cell__oom_others, ROW(oom), 0, NULL,
	  "the largest other processes of the run then, by their last samples" },
	{ "root", COLUMN_BOOL, cell__bool, ROW(root), 0, NULL, "it is the run's root" },
	{ "forked", COLUMN_BOOL, cell__bool, ROW(forked), 0, NULL,
	  "it executed nothing: exe and args are its parent's" },
	{ "preexisting", COLUMN_BOOL, cell__bool, ROW(preexisting), 0, NULL,
	  "it existed before the collector" },
	{ "benign", COLUMN_BOOL, cell__bool, ROW(benign), 0, NULL,
	  "its status does not mean failure: grep without a match, a server that its parent ended" },
	{ "propagated", COLUMN_BOOL, cell__bool, ROW(propagated), 0, NULL,
	  "it failed because a child had: it passed that on" },
	{ "cause_pid", COLUMN_INT, cell__some, ROW(cause_pid), 0, NULL,
	  "the process whose end began what this one passed on; null: none" },
	{ "cause_start", COLUMN_BIGINT, cell__number, ROW(cause_start), 0, "ns", "its start" },
	{ "retried", COLUMN_BOOL, NULL, 0, LATE_RETRIED, NULL,
	  "it failed, and the same was done again with success, or what it was a part of" },
	{ "ignored", COLUMN_BOOL, NULL, 0, LATE_IGNORED, NULL,
	  "it failed, and what started it had that as an answer, or its engine, which ended well, ignored its task" },
	{ "muted", COLUMN_BOOL, cell__bool, ROW(muted), 0, NULL, "it failed as a rule of the user's expects: benign" },
	{ "tried", COLUMN_LIST, cell__list, ROW(tried), COMMAND(args), NULL,
	  "arguments of the program that it could not execute" },
	{ "tried_error", COLUMN_TEXT, cell__chars, ROW(tried_error), 0, NULL, "why that failed" },
};

static const struct cell images[] = {
	{ "exec", COLUMN_INT, cell__u32, ROW(image), 0, NULL,
	  "which program of its process, from 1; 0: no exec was seen" },
	{ "last", COLUMN_BOOL, cell__bool, ROW(last), 0, NULL, "the last of its process: one such row per process" },
	{ "peak_rss_bytes", COLUMN_BIGINT, cell__number, ROW(peak_rss_bytes), 0, "bytes", "most memory it held" },
};

static const struct cell processes[] = {
	{ "exec", COLUMN_INT, cell__u32, ROW(image), 0, NULL, "its last program, as in the table images" },
	{ "programs", COLUMN_BIGINT, cell__number, AT(model_process, programs), 0, NULL, "rows of the table images" },
	{ "peak_rss_bytes", COLUMN_BIGINT, cell__figure, ROW(peak_rss_bytes), AT(model_process, peak_partial), "bytes",
	  "most memory that one of its programs held" },
};

static const struct cell steps[] = {
	CELLS_RUN,
	{ "task", COLUMN_INT, cell__u32, TASK(number), 0, NULL, "number in its run" },
	{ "parent", COLUMN_INT, cell__some, TASK(parent), 0, NULL, "the task around it" },
	{ "step", COLUMN_TEXT, cell__string, TASK(step), 0, NULL, "the pipeline's step that it executes" },
	{ "id", COLUMN_TEXT, cell__string, TASK(id), 0, NULL, "what the pipeline's engine calls it" },
	{ "tag", COLUMN_TEXT, cell__string, TASK(tag), 0, NULL, "what distinguishes it from others of its step: a sample, wildcards" },
	{ "rules", COLUMN_TEXT, cell__string, TASK(rules), 0, NULL, "the set of rules that found it" },
	{ "pid", COLUMN_INT, cell__u32, TASK(pid), 0, NULL, "the process it began with" },
	{ "start", COLUMN_BIGINT, cell__number, TASK(start), 0, "ns", "that one's start" },
	{ "command", COLUMN_TEXT, cell__command, TASK(command), 0, NULL, "the command of that process" },
	CELLS_TIMES(model_task),
	{ "programs", COLUMN_BIGINT, cell__number, TASK(rows), 0, NULL, "rows of the table images" },
	{ "processes", COLUMN_BIGINT, cell__number, TASK(processes), 0, NULL, "processes" },
	{ "programs_without_cpu", COLUMN_BIGINT, cell__number, TASK(rows_without_cpu), 0, NULL,
	  "programs whose CPU time is not known, or not to its end" },
	{ "programs_without_peak", COLUMN_BIGINT, cell__number, TASK(rows_without_peak), 0, NULL,
	  "programs whose peak memory is not known" },
	CELLS_CPU(model_task),
	{ "peak_rss_bytes", COLUMN_BIGINT, cell__number, TASK(peak_rss_bytes), 0, "bytes",
	  "most that one program held; by samples where the kernel did not count" },
	{ "sum_rss_bytes", COLUMN_BIGINT, cell__number, TASK(rss_peak_bytes), 0, "bytes",
	  "most that its processes held at once, by their samples: at most this" },
	{ "sum_rss_lower_bytes", COLUMN_BIGINT, cell__number, TASK(rss_lower_bytes), 0, "bytes",
	  "and at least this: memory that they share counts once" },
	{ "sum_pss_bytes", COLUMN_BIGINT, cell__number, TASK(pss_peak_bytes), 0, "bytes",
	  "most that they held by their Pss, which the two bounds take into account: of each shared page a part" },
	{ "hugetlb_bytes", COLUMN_BIGINT, cell__number, TASK(hugetlb_bytes), 0, "bytes",
	  "most that one program held in pages of hugetlbfs, by samples" },
	CELLS_IO(model_task),
	{ "failed", COLUMN_BIGINT, cell__number, TASK(failed), 0, NULL, "programs that failed or were killed" },
	{ "hidden", COLUMN_BIGINT, cell__number, TASK(hidden), 0, NULL, "of them, those hidden by an ancestor that exited 0" },
	{ "exit_code", COLUMN_INT, cell__number, TASK(exit_code), 0, NULL,
	  "of the process it began with; of several that began it by one id, of the first that failed" },
	{ "signal", COLUMN_INT, cell__number, TASK(signal), 0, NULL, "that killed that one" },
	{ "outcome", COLUMN_TEXT, cell__outcome, TASK(outcome), 0, NULL, "of that one" },
};

static const struct cell hidden[] = {
	CELLS_RUN,
	{ "pid", COLUMN_INT, cell__u32, AT(hidden_row, pid), 0, NULL, "the process that failed" },
	{ "start", COLUMN_BIGINT, cell__number, AT(hidden_row, start), 0, "ns", "its start" },
	{ "exec", COLUMN_INT, cell__u32, AT(hidden_row, exec), 0, NULL, "which program of it" },
	{ "by_pid", COLUMN_INT, cell__u32, AT(hidden_row, by_pid), 0, NULL, "the ancestor that hides it by exiting 0" },
	{ "by_command", COLUMN_TEXT, cell__command, AT(hidden_row, by), 0, NULL, "its command" },
};
static const struct cell runs[] = {
	CELLS_RUN,
	{ "name", COLUMN_TEXT, cell__pipeline, 0, 0, NULL, "as pipeline" },
	{ "boot_id", COLUMN_TEXT, cell__boot_id, 0, 0, NULL, "of the host" },
	{ "marker", COLUMN_TEXT, cell__marker, 0, 0, NULL, "random id of its first stream: copies of a run have the same" },
	{ "command", COLUMN_TEXT, cell__run_command, 0, 0, NULL, "that was started, as a shell would take it" },
	{ "uid", COLUMN_BIGINT, cell__run_uid, 0, 0, NULL, "the user of the command, or of the process that started the run" },
	{ "user", COLUMN_TEXT, cell__run_user, 0, 0, NULL, "its name then; null: it had none, or an older version recorded it" },
	{ "job", COLUMN_TEXT, cell__run_job, 0, 0, NULL,
	  "the batch job that it was started in: slurm:17; null: none is known" },
	{ "tags", COLUMN_JSON, cell__tags, 0, 0, NULL, "of the configuration" },
	CELLS_TIMES(run_row),
	{ "boot_epoch_ns", COLUMN_BIGINT, cell__number, AT(run_row, boot_epoch_ns), 0, "ns",
	  "UTC of the boot clock's zero: began_ns + boot_epoch_ns is in nanoseconds since 1970" },
	{ "clock_error_ns", COLUMN_BIGINT, cell__clock_error, 0, 0, "ns",
	  "the most that the host's time was off then; null: nothing kept it right, or it is not known" },
	{ "state", COLUMN_TEXT, cell__string, AT(run_row, state), 0, NULL, "running, ended, crashed, unknown" },
	{ "exit_code", COLUMN_INT, cell__number, AT(run_row, exit_code), 0, NULL,
	  "of its first process; if that only carries a batch job (slurmstepd) and exited 0, of the first one that it started and "
	  "that failed" },
	{ "result", COLUMN_TEXT, cell__string, AT(run_row, result), 0, NULL,
	  "success, failure, timeout (124 of timeout), cancellation (SIGINT, SIGTERM), error (out of memory); null: its end was "
	  "not seen" },
	{ "cpu_ns", COLUMN_BIGINT, cell__figure, AT(run_row, cpu_ns), AT(run_row, cpu_partial), "ns", "CPU time of all programs" },
	{ "processes", COLUMN_BIGINT, cell__number, AT(run_row, processes), 0, NULL, "rows of the table processes" },
	{ "failed", COLUMN_BIGINT, cell__number, AT(run_row, failed), 0, NULL,
	  "programs in which a failure began, but for suspected ones" },
	{ "hidden", COLUMN_BIGINT, cell__number, AT(run_row, hidden), 0, NULL,
	  "of them, those hidden by an ancestor that exited 0" },
	{ "lost", COLUMN_BIGINT, cell__figure, AT(run_row, lost), AT(run_row, lost_partial), NULL, "events that were lost" },
	{ "version", COLUMN_TEXT, cell__version, 0, 0, NULL, "of the collector that recorded it" },
};

#define VERDICT(member) offsetof(struct verdict, member)
static const struct cell verdicts[] = {
	CELLS_RUN,
	{ "kind", COLUMN_TEXT, cell__kind, VERDICT(kind), 0, NULL, "what is wrong: hang, leak, hidden_failure..." },
	{ "certainty", COLUMN_TEXT, cell__certainty, VERDICT(certainty), 0, NULL, "proven, likely or suspected" },
	{ "muted", COLUMN_BOOL, cell__bool, VERDICT(muted), 0, NULL, "the configuration says to ignore it" },
	{ "pid", COLUMN_INT, cell__u32, VERDICT(pid), 0, NULL, "the process" },
	{ "start", COLUMN_BIGINT, cell__number, VERDICT(start), 0, "ns", "its start" },
	{ "command", COLUMN_TEXT, cell__string, VERDICT(command), 0, NULL, "its command, as in the table images" },
	{ "step", COLUMN_TEXT, cell__string, VERDICT(step), 0, NULL, "the pipeline's step it belongs to" },
	{ "since", COLUMN_TIME, cell__time, VERDICT(since_ns), 0, NULL, "since when it holds" },
	{ "ended", COLUMN_TIME, cell__time, VERDICT(ended_ns), 0, NULL, "until when; null: it still holds" },
	{ "evidence", COLUMN_TEXT, cell__noted, VERDICT(evidence), VERDICT(missing), NULL, "one sentence with names and numbers" },
	{ "refute", COLUMN_TEXT, cell__string, VERDICT(refute), 0, NULL, "what would prove it wrong" },
	{ "next", COLUMN_TEXT, cell__string, VERDICT(next), 0, NULL, "what to do" },
	{ "members", COLUMN_TEXT, cell__string, VERDICT(members), 0, NULL, "the processes and threads involved" },
};
/* clang-format on */

#define COUNT(list) (sizeof(list) / sizeof(*(list)))

const struct model_table_info model_tables[MODEL_TABLES] = {
	[MODEL_IMAGES] = {"images",
			  "every executed program, and every process that executed none",
			  {{of_process, COUNT(of_process)}, {images, COUNT(images)}}},
	[MODEL_PROCESSES] = {"processes",
			     "every process: sums over its programs, the greatest peak",
			     {{of_process, COUNT(of_process)}, {processes, COUNT(processes)}}},
	[MODEL_STEPS] = {"steps", "every task: one execution of a step of the pipeline", {{steps, COUNT(steps)}}},
	[MODEL_HIDDEN] = {"hidden_failures",
			  "programs that failed below an ancestor that exited 0",
			  {{hidden, COUNT(hidden)}}},
	[MODEL_RUNS] = {"runs", "every run", {{runs, COUNT(runs)}}},
	[MODEL_VERDICTS] = {"verdicts", "what is wrong with its processes", {{verdicts, COUNT(verdicts)}}},
};

/* ---- keeping ---- */

int model_rows__open(struct model_rows *rows, int folder)
{
	int err = process_tree__open(&rows->tree, folder), also = sorted__open(&rows->sorted, folder, MODEL_TABLES);

	return err ? err : also;
}

void model_rows__free(struct model_rows *rows)
{
	sentences__free(rows->sentences);
	process_tree__free(&rows->tree);
	sorted__free(&rows->sorted);
	buffer__free(&rows->scratch);
}

/* Keeps the columns of a part; *at: where. */
static int keep_part(struct model_rows *rows, enum model_table which, int part, const void *row, uint64_t *at)
{
	const struct cell *cell = model_tables[which].parts[part].cells,
			  *end = cell + model_tables[which].parts[part].count;
	struct packer p;
	int err = 0;

	p.sentences = &rows->sentences;
	p.out = &rows->scratch;
	p.run = *(const struct model_run *const *)row;
	p.notes.count = 0; /* the rest stays as it is: zeroing it would cost more than a row */
	rows->scratch.size = 0;
	for (; cell < end && !err; cell++)
		err = cell->pack ? cell->pack(&p, cell, (const char *)row + cell->offset) : 0;
	return err ? -ENOMEM : sorted__part(&rows->sorted, &p.notes, &rows->scratch, at);
}

static int keep(struct model_rows *rows, enum model_table which, const void *row, struct sort_key *key,
		const char *step)
{
	int err = 0;

	key->run = (*(const struct model_run *const *)row)->index;
	if (!key->parts[0])
		err = keep_part(rows, which, 0, row, &key->parts[0]);
	if (!err && model_tables[which].parts[1].cells)
		err = keep_part(rows, which, 1, row, &key->parts[1]);
	return err ? err : sorted__add(&rows->sorted, which, key, step);
}

static int64_t began(const struct model_run *run, uint64_t began_ns)
{
	return run->real_ns + (int64_t)(began_ns - run->first_ts);
}

static struct sort_key key_of(const struct model_row *row)
{
	return (struct sort_key){
		.began = began(row->run, row->began_ns), .start = row->start, .pid = row->pid, .exec = row->image};
}

static const char *step_of(const struct model_row *row)
{
	return row->task ? row->task->step : NULL;
}

int model_rows__image(struct model_rows *rows, const struct model_row *row)
{
	struct sort_key key = key_of(row);
	int err = row->last ? process_tree__add(&rows->tree, row) : 0;

	if (!err)
		err = keep(rows, MODEL_IMAGES, row, &key, step_of(row));
	rows->image = key.parts[0];
	return err;
}

/* A process of one program has the same columns as that: the part that was kept just before. */
int model_rows__process(struct model_rows *rows, const struct model_process *process)
{
	struct sort_key key = key_of(&process->row);

	if (process->programs == 1)
		key.parts[0] = rows->image;
	return keep(rows, MODEL_PROCESSES, process, &key, step_of(&process->row));
}

int model_rows__step(struct model_rows *rows, const struct model_task *task)
{
	struct sort_key key = {.began = began(task->run, task->began_ns), .start = task->start, .exec = task->number};

	return keep(rows, MODEL_STEPS, task, &key, task->step);
}

int model_rows__hidden(struct model_rows *rows, const struct model_row *row, uint32_t pid,
		       const struct model_command *by)
{
	struct hidden_row hidden = {row->run, row->pid, row->image, pid, row->start, by};
	struct sort_key key = key_of(row);
	struct text text = {0};
	int err = 0;

	if (!row->propagated) {
		command__text(&text, by, model_command__name(by, "?"), false);
		err = text.error ? text.error : process_tree__hide(&rows->tree, row, text.data, text.size);
		text__free(&text);
	}
	return err ? err : keep(rows, MODEL_HIDDEN, &hidden, &key, NULL);
}

int model_rows__retried(struct model_rows *rows, const struct model_row *row)
{
	return process_tree__excuse(&rows->tree, row, PROCESS_RETRIED);
}

int model_rows__ignored(struct model_rows *rows, const struct model_row *row)
{
	return process_tree__excuse(&rows->tree, row, PROCESS_IGNORED);
}

int model_rows__run(struct model_rows *rows, const struct run_row *run)
{
	struct sort_key key = {.start = 0};

	return keep(rows, MODEL_RUNS, run, &key, NULL);
}

int model_rows__verdict(struct model_rows *rows, const struct verdict *verdict)
{
	struct sort_key key = {
		.began = began(verdict->run, verdict->since_ns), .start = verdict->start, .pid = verdict->pid};

	return keep(rows, MODEL_VERDICTS, verdict, &key, verdict->step);
}

int model_rows__sort(struct model_rows *rows, const struct model *model)
{
	int err = process_tree__build(&rows->tree);

	process_tree__forget(&rows->tree);
	return err ? err : sorted__sort(&rows->sorted, model);
}
