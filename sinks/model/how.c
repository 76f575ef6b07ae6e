/* SPDX-License-Identifier: BSD-2-Clause */
/* Why a process ended as it did: the sender of its signal, whether that was meant, what exit codes stand for, in words. */
#include "sinks/model/process.h"

#include <signal.h>
#include <string.h>

#include "core/text.h"

const char *model_sender__name(unsigned sender)
{
	static const char *const names[] = {
		[MODEL_SENDER_USER] = "user",
		[MODEL_SENDER_KERNEL] = "kernel",
		[MODEL_SENDER_TIMER] = "timer",
		[MODEL_SENDER_OOM] = "oom",
		[MODEL_SENDER_MEMORY_LIMIT] = "memory_limit",
	};

	return sender < sizeof(names) / sizeof(*names) ? names[sender] : NULL;
}

bool sender__is_oom(const struct model_row *row)
{
	return row->sender == MODEL_SENDER_OOM || row->sender == MODEL_SENDER_MEMORY_LIMIT;
}

bool sender__meant(const struct model_row *row, bool orphan)
{
	bool above = row->sender_is == MODEL_RELATION_PARENT || row->sender_is == MODEL_RELATION_ANCESTOR ||
		     row->sender_is == MODEL_RELATION_HELPER || (orphan && row->sender_is == MODEL_RELATION_RUN);

	switch (model_row__is_killed(row) ? row->signal : SIGTERM) {
	case SIGTERM:
	case SIGKILL:
	case SIGINT:
	case SIGHUP:
		return above && !row->sender_limit;
	default:
		return false;
	}
}

bool sender__closed_terminal(const struct process *p)
{
	const struct model_row *row = &p->row;

	return row->signal == SIGHUP && row->sender_is == MODEL_RELATION_ITSELF &&
	       model_command__is_interactive(p->command, row->comm);
}

/* The kernel ends what is left there when the first process has ended, whose end says if that was a failure. */
const struct process *sender__namespace(const struct process *p)
{
	const struct model_row *row = &p->row;
	const struct process *first = p->ancestor;

	if (row->signal != SIGKILL || row->sender != MODEL_SENDER_KERNEL || row->ns_pid == row->pid)
		return NULL;
	while (first && (first->row.ns_pid != 1 || first->row.pid == 1))
		first = first->ancestor;
	return first && first->standing != LIVES ? first : NULL;
}

#define READER_LEFT "its reader had closed the pipe"

/* What the kernel, or a timer, ends a process for. The first that fits. */
static const struct {
	int number; /* 0: any */
	enum model_sender sender;
	const char *code; /* NULL: any */
	const char *words;
} causes[] = {
	{0, MODEL_SENDER_OOM, NULL, "by the kernel's OOM killer: the host was out of memory"},
	{0, MODEL_SENDER_MEMORY_LIMIT, NULL, "by the kernel's OOM killer: its cgroup was at its memory limit"},
	{SIGXCPU, MODEL_SENDER_KERNEL, NULL, "CPU time limit (ulimit -t)"},
	{SIGXFSZ, MODEL_SENDER_KERNEL, NULL, "file size limit (ulimit -f)"},
	{SIGPIPE, MODEL_SENDER_KERNEL, NULL, READER_LEFT},
	{SIGSYS, MODEL_SENDER_KERNEL, "SYS_SECCOMP", "a system call that seccomp forbids"},
	{SIGBUS, MODEL_SENDER_KERNEL, "BUS_ADRERR", "memory of a mapped file that was cut, or a full tmpfs"},
	{SIGBUS, MODEL_SENDER_KERNEL, "BUS_ADRALN", "a misaligned access to memory"},
	{SIGBUS, MODEL_SENDER_KERNEL, "BUS_MCEERR_AR", "the machine's memory is faulty"},
	{SIGSEGV, MODEL_SENDER_KERNEL, "SEGV_MAPERR", "an access to memory that it did not have"},
	{SIGSEGV, MODEL_SENDER_KERNEL, "SEGV_ACCERR", "an access that its memory does not allow"},
	{SIGFPE, MODEL_SENDER_KERNEL, "FPE_INTDIV", "an integer division by zero"},
	{SIGILL, MODEL_SENDER_KERNEL, "ILL_ILLOPN",
	 "an instruction that this CPU does not have, or a trap of the program itself"},
	{SIGINT, MODEL_SENDER_KERNEL, "SI_KERNEL", "Ctrl-C at its terminal"},
	{SIGQUIT, MODEL_SENDER_KERNEL, "SI_KERNEL", "Ctrl-\\ at its terminal"},
	{SIGHUP, MODEL_SENDER_KERNEL, "SI_KERNEL", "its terminal was closed, or its session ended"},
	{SIGKILL, MODEL_SENDER_KERNEL, "SI_KERNEL",
	 "sent by the kernel: the hard limit of CPU time (ulimit -t), or the end of its container"},
	{0, MODEL_SENDER_TIMER, NULL, "sent by a timer of its own"},
	{0, MODEL_SENDER_KERNEL, NULL, "sent by the kernel"},
};

static const char *cause_of(const struct model_row *row)
{
	/* The kernel asks to end by Ctrl-C only. */
	uint64_t number = model_row__is_killed(row) ? row->signal : SIGINT;

	for (size_t i = 0; i < sizeof(causes) / sizeof(*causes); i++)
		if ((!causes[i].number || number == (uint64_t)causes[i].number) && row->sender == causes[i].sender &&
		    (!causes[i].code || !strcmp(row->signal_code, causes[i].code)))
			return causes[i].words;
	return NULL;
}

#define CAUGHT "sent by itself, as a handler that has caught a crash does"

/* A program that handles a signal of the kernel, and then raises it again by tgkill() to end by it. */
static const struct {
	int number;
	const char *words;
} raised[] = {
	{SIGPIPE, READER_LEFT}, /* sort and gzip remove their files first */
	{SIGSEGV, CAUGHT},	{SIGBUS, CAUGHT}, {SIGFPE, CAUGHT}, {SIGILL, CAUGHT},
};

static const char *raised_again(const struct model_row *row)
{
	if (!model_row__is_killed(row) || strcmp(row->signal_code, "SI_TKILL") != 0)
		return NULL;
	for (size_t i = 0; i < sizeof(raised) / sizeof(*raised); i++)
		if (row->signal == (uint64_t)raised[i].number)
			return raised[i].words;
	return NULL;
}

/* raise() and abort() send by tgkill(); kill -SEGV $$ does not. */
bool model_row__crashed(const struct model_row *row)
{
	static const int signals[] = {SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGSEGV};
	bool raised = row->sender_is == MODEL_RELATION_ITSELF && !strcmp(row->signal_code, "SI_TKILL");

	if (!model_row__is_killed(row) || !(row->sender == MODEL_SENDER_KERNEL || raised))
		return false;
	for (size_t i = 0; i < sizeof(signals) / sizeof(*signals); i++)
		if (row->signal == (uint64_t)signals[i])
			return true;
	return false;
}

/* With -k, or -s KILL, timeout(1) is in the process group that it kills. */
static bool has_killed_itself(const struct model_row *row)
{
	return row->sender_is == MODEL_RELATION_ITSELF && row->signal == SIGKILL &&
	       !strcmp(row->sender_comm, "timeout");
}

static void put_process(struct text *text, const struct model_row *row)
{
	static const char *const before[] = {
		[MODEL_RELATION_PARENT] = "its parent ",
	};
	static const char *const after[] = {
		[MODEL_RELATION_ANCESTOR] = ", above it",
		[MODEL_RELATION_OUTSIDE] = ", outside of the run",
	};
	size_t is = row->sender_is;

	if (is == MODEL_RELATION_ITSELF) {
		const char *again = raised_again(row);

		text__printf(text, "%s%s", has_killed_itself(row) ? "timed out: " : "",
			     again ? again : "sent by itself");
		return;
	}
	text__printf(text, "sent by %s", is < sizeof(before) / sizeof(*before) && before[is] ? before[is] : "");
	text__safe(text, row->sender_comm, strlen(row->sender_comm));
	text__printf(text, " (pid %u)%s", row->sender_pid,
		     is < sizeof(after) / sizeof(*after) && after[is] ? after[is] : "");
	if (row->sender_limit)
		text__printf(text, ": limit of %s", row->sender_limit);
}

static void put_signal(struct text *text, const struct model_row *row)
{
	const char *cause;

	if (row->sender_is != MODEL_RELATION_NONE) {
		put_process(text, row);
		return;
	}
	cause = row->sender ? cause_of(row) : NULL;
	if (cause)
		text__printf(text, "%s", cause);
}

#define NOT_TIMED_OUT "its command's own status, before the time was up"

/* What an exit code stands for. The first that fits. */
static const struct {
	uint64_t code;
	const char *program; /* NULL: any */
	const char *error;   /* of the exec that it could not do; NULL: any */
	bool runner;	     /* only of what executes others */
	const char *words;
} codes[] = {
	{127, NULL, "ENOENT", false, "command not found"},
	{126, NULL, "EACCES", false, "not executable"},
	{127, NULL, "EACCES", false, "not executable"},
	{126, NULL, "ENOEXEC", false, "not executable: wrong format"},
	{126, NULL, "E2BIG", false, "argument list too long"},
	{127, NULL, "E2BIG", false, "argument list too long"},
	{126, NULL, "EISDIR", false, "is a directory"},
	{124, "timeout", NULL, false, "timed out"},
	{255, "jspawnhelper", NULL, false, "as where the program is missing that Java was to start"},
	{127, NULL, NULL, true, "command not found"},
	{126, NULL, NULL, true, "found, but could not be executed"},
	{127, NULL, NULL, false, "as where a shared library, or a command, is missing"},
};

bool model_row__timed_out(const struct model_row *row)
{
	bool known = !EVENT_IS_NULL(row->ended_ns) && row->ended_ns >= row->began_ns;

	if (model_row__is_killed(row))
		return has_killed_itself(row);
	return row->exit_code == 124 && !strcmp(model_command__name(row->command, row->comm), "timeout") &&
	       model_command__timed_out(row->command,
					known ? row->ended_ns - row->began_ns : EVENT_NULL(MODEL_REASON_ABSENT));
}

static const char *words_of(const struct model_row *row)
{
	const char *name = model_command__name(row->command, row->comm), *error = row->tried_error;

	for (size_t i = 0; i < sizeof(codes) / sizeof(*codes); i++)
		if (row->exit_code == codes[i].code && (row->runs_others || !codes[i].runner) &&
		    (!codes[i].program || !strcmp(name, codes[i].program)) &&
		    (!codes[i].error || !strcmp(error, codes[i].error)))
			return codes[i].code == 124 && !model_row__timed_out(row) ? NOT_TIMED_OUT : codes[i].words;
	return *error && row->forked ? "not executed" : NULL;
}

/* The program that it could not execute. One that was called by its path may be there, and its interpreter not. */
static void put_tried(struct text *text, const struct model_row *row)
{
	const struct model_command *tried = row->tried;
	const char *called = tried && tried->args.length ? tried->args.data : "";
	const char *name = model_command__name(tried, "");

	if (tried && *name) {
		text__printf(text, ": ");
		text__safe(text, name, strlen(name));
	}
	text__printf(text, " (");
	text__safe(text, row->tried_error, strlen(row->tried_error));
	text__printf(text, "%s)",
		     strchr(called, '/') && !strcmp(row->tried_error, "ENOENT")
			     ? ": the file, or the interpreter of its first line"
			     : "");
}

/* Signals whose 128 + N is a shell's word for them. */
static const struct {
	int number;
	const char *words;
} passed_on[] = {
	{SIGABRT, "SIGABRT"},
	{SIGBUS, "SIGBUS"},
	{SIGFPE, "SIGFPE"},
	{SIGHUP, "SIGHUP"},
	{SIGILL, "SIGILL"},
	{SIGINT, "SIGINT"},
	{SIGKILL, "SIGKILL"},
	{SIGPIPE, "SIGPIPE: the reader had closed the pipe"},
	{SIGQUIT, "SIGQUIT"},
	{SIGSEGV, "SIGSEGV"},
	{SIGTERM, "SIGTERM"},
	{SIGXCPU, "SIGXCPU: CPU time limit (ulimit -t)"},
	{SIGXFSZ, "SIGXFSZ: file size limit (ulimit -f)"},
};

static void put_code(struct text *text, const struct model_row *row)
{
	const char *words = words_of(row);

	if (words) {
		text__printf(text, "%s", words);
		if (*row->tried_error)
			put_tried(text, row);
		else if (row->silenced && row->runs_others && model_row__exited_as_shells_do(row))
			text__printf(text, "; what it said went to /dev/null");
		return;
	}
	if (row->sender) {
		text__printf(text, "asked to end: ");
		put_signal(text, row);
		return;
	}
	for (size_t i = 0; i < sizeof(passed_on) / sizeof(*passed_on); i++)
		if (row->exit_code == 128 + (uint64_t)passed_on[i].number)
			text__printf(text, "the status of a process ended by %s", passed_on[i].words);
}

void model_row__how(const struct model_row *row, struct text *text)
{
	if (model_row__is_killed(row))
		put_signal(text, row);
	else if (!EVENT_IS_NULL(row->exit_code) && row->exit_code)
		put_code(text, row);
}
