/* SPDX-License-Identifier: BSD-2-Clause */
/* The sinks of a run, each fed by a process without our rights: while it goes on, or at its end. */
#include "core/daemon/keeper.h"

#include <errno.h>
#include <linux/major.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "core/account/account.h"
#include "core/base/base.h"
#include "core/config/config.h"
#include "core/daemon/loop.h"
#include "core/log.h"

enum { SPEC = 6, OUTPUT = 8 }; /* in the arguments of a process that feeds one */

#define TICK_NS 1000000000ull
#define IDLE_TICKS 30	/* without any CPU time: stopped, traced or blocked */
#define MOST_TICKS 3600 /* more than the largest run takes */
#define MOST_STOPS 10
#define KILLED_NS 5000000000ull
#define ENDS_NS 2000000000ull

/* What a sink is, and how it is fed. */
struct feed {
	const char *name, *suffix, *options;
	bool page; /* goes to standard error, other output into the run's folder */
	bool live;
};

/* Without those of the configuration, the page. */
static size_t sinks_count(const struct keeper *k)
{
	return !k->opts->summary ? 0 : k->conf->sinks_count ? k->conf->sinks_count : 1;
}

static struct feed feed_of(const struct keeper *k, size_t i)
{
	const struct conf_sink *conf = k->conf->sinks + i;
	const struct sink *sink = k->conf->sinks_count ? conf->sink : NULL;

	if (!sink)
		return (struct feed){.name = PAGE_SINK, .options = "", .page = true};
	/* between the lines of the command, a terminal is not the place for a page */
	return (struct feed){conf->name, sink->suffix, conf->text, sink->page,
			     sink->live && !(sink->page && isatty(STDERR_FILENO))};
}

/* Starts a process that will feed the run to one sink: unprivileged from the start, held until it is let go. */
static void prepare_report(struct keeper *k, struct command *report, const struct feed *feed)
{
	int out = k->pty && isatty(STDERR_FILENO) ? pty__slave(k->pty) : STDERR_FILENO;
	char *spec = NULL, *output = NULL;
	char *argv[] = {(char *)k->opts->reporter,
			feed->live ? "-qf" : "-q", /* follow */
			"--plugin-dir",
			(char *)k->opts->plugin_dir,
			k->run,
			"--sink",
			NULL,
			feed->page ? NULL : "--output",
			NULL,
			NULL};
	struct command_opts opts = {.path = argv[0],
				    .argv = argv,
				    .user = k->owner,
				    .pty = k->pty,
				    .mask = &k->mask,
				    .out = out,
				    .apart = k->owner || feed->live,
				    .deaf = true}; /* a Ctrl-C is for the command */
	int err = -ENOMEM;

	if (asprintf(&spec, "%s%s%s", feed->name, *feed->options ? ":" : "", feed->options) >= 0 &&
	    asprintf(&output, "%s/merged.%s", k->run, feed->suffix ? feed->suffix : feed->name) >= 0) {
		argv[SPEC] = spec;
		if (!feed->page)
			argv[OUTPUT] = output;
		err = command__fork(report, &opts);
	}
	if (err)
		log__warn("sink %s cannot be started, it will have no output: %s", feed->name, strerror(-err));
	free(output);
	free(spec);
}

/* ---- without being asked for, each by a process that follows the streams while the run goes on ---- */

enum { PROGRESS, ALERT, UNASKED };

static struct command *progress_of(const struct keeper *k)
{
	return &k->reports[sinks_count(k) + PROGRESS];
}

static struct command *alert_of(const struct keeper *k)
{
	return &k->reports[sinks_count(k) + ALERT];
}

/* ---- progress: a line on the terminal ---- */

/* Whether what the process writes to this descriptor may come to the terminal that standard error is. */
static bool is_on_terminal(const struct keeper *k, pid_t pid, int fd)
{
	struct stat theirs, ours, slave = {0};
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/fd/%d", pid, fd);
	if (stat(path, &theirs) || fstat(STDERR_FILENO, &ours) || (k->pty && fstat(pty__slave(k->pty), &slave)))
		return true; /* it cannot be known */
	if (!S_ISCHR(theirs.st_mode))
		return false;
	/* /dev/tty and /dev/console are another one's names */
	return theirs.st_rdev == ours.st_rdev || theirs.st_rdev == slave.st_rdev ||
	       major(theirs.st_rdev) == TTYAUX_MAJOR;
}

static bool is_free(const struct keeper *k, pid_t pid)
{
	return !is_on_terminal(k, pid, STDOUT_FILENO) && !is_on_terminal(k, pid, STDERR_FILENO);
}

/* Whether the terminal is not that of another job. */
static bool is_in_front(void)
{
	pid_t group = tcgetpgrp(STDERR_FILENO);

	return group < 0 || group == getpgrp();
}

/* Once a second: the command may execute another program, or open something else. What it draws itself stays whole. */
static void on_progress(void *arg)
{
	struct keeper *k = arg;
	struct command *progress = progress_of(k);
	bool may = is_in_front() && (!k->command.pid || is_free(k, k->command.pid)), held = progress->go >= 0;
	int err;

	if (may == !held || (may && !command__go(progress, &err)))
		return;
	loop__arm(k->progress_timer, 0, 0);
	if (!command__ended(progress))
		kill(progress->pid, SIGTERM);
}

static void prepare_progress(struct keeper *k)
{
	static const struct feed feed = {.name = PROGRESS_SINK, .options = "", .page = true, .live = true};
	bool may = isatty(STDERR_FILENO);

	for (size_t i = 0; i < k->opts->pids_count && may; i++)
		may = is_free(k, k->opts->pids[i]);
	if (!may)
		return;
	k->progress_timer = loop__timer(k->loop, on_progress, k);
	if (k->progress_timer < 0)
		return;
	prepare_report(k, progress_of(k), &feed);
	if (progress_of(k)->pid)
		loop__arm(k->progress_timer, TICK_NS, TICK_NS);
}

/* ---- alert: a line for each verdict while it lasts ---- */

static void on_alert(void *arg)
{
	struct keeper *k = arg;
	int err;

	if (alert_of(k)->go >= 0)
		command__go(alert_of(k), &err);
}

/* No state has lasted long enough for a verdict before `after`: until then the process only waits, and it costs nothing. */
static void prepare_alert(struct keeper *k)
{
	const struct feed feed = {
		.name = ALERT_SINK, .options = isatty(STDERR_FILENO) ? "proven=true" : "", .page = true, .live = true};
	int timer;

	for (size_t i = 0; i < k->conf->sinks_count; i++)
		if (!strcmp(k->conf->sinks[i].name, ALERT_SINK))
			return; /* as the user wants it */
	timer = loop__timer(k->loop, on_alert, k);
	if (timer < 0)
		return;
	prepare_report(k, alert_of(k), &feed);
	if (alert_of(k)->pid)
		loop__arm(timer, k->conf->verdicts.after, 0);
}

int reports__prepare(struct keeper *k)
{
	k->reports = calloc(sinks_count(k) + UNASKED, sizeof(*k->reports));
	if (!k->reports)
		return -ENOMEM;
	k->reports_count = sinks_count(k) + UNASKED;
	for (size_t i = 0; i < k->reports_count; i++)
		k->reports[i] = (struct command){.go = -1, .error = -1};
	for (size_t i = 0; i < sinks_count(k); i++) {
		const struct feed feed = feed_of(k, i);

		prepare_report(k, &k->reports[i], &feed);
	}
	prepare_progress(k);
	prepare_alert(k);
	return 0;
}

/* Returns whether it runs. */
static bool let_go(struct command *report, const char *name)
{
	int error = 0, code = report->pid ? command__go(report, &error) : COMMAND_FAILED;

	if (report->pid && code && error == EPIPE) /* it waited for this */
		log__warn("sink %s: its process was killed; collector merge can make it from the run", name);
	else if (report->pid && code)
		log__warn("sink %s: cannot execute collector-merge: %s", name, strerror(error));
	return !code;
}

void reports__start(struct keeper *k)
{
	for (size_t i = 0; k->reports && i < sinks_count(k); i++) {
		const struct feed feed = feed_of(k, i);

		if (feed.live)
			let_go(&k->reports[i], feed.name);
	}
}

/* ---- waiting for them: the user of the watched command can stop and trace them ---- */

struct waiting {
	pid_t pid;
	uint64_t ticked_at, cpu_ns;
	unsigned ticks, idle_ticks, stops;
};

static uint64_t cpu_of(pid_t pid)
{
	struct timespec used;
	clockid_t clock;

	if (clock_getcpuclockid(pid, &clock) || clock_gettime(clock, &used))
		return 0;
	return used.tv_sec * 1000000000ull + used.tv_nsec;
}

/* Continues it. Returns whether it is stopped again and again. */
static bool is_held(struct waiting *w)
{
	siginfo_t stopped = {0};

	if (waitid(P_PID, w->pid, &stopped, WSTOPPED | WNOHANG) || !stopped.si_pid)
		return false;
	kill(w->pid, SIGCONT);
	return ++w->stops > MOST_STOPS;
}

/* Why the process is not to be waited for any longer, or NULL. Time in which this process was stopped is one tick. */
static const char *why_not_wait(struct waiting *w)
{
	uint64_t now = clock__boot(), cpu_ns;

	if (is_held(w))
		return "it is stopped again and again";
	if (now - w->ticked_at < TICK_NS)
		return NULL;
	w->ticked_at = now;
	cpu_ns = cpu_of(w->pid);
	w->idle_ticks = cpu_ns == w->cpu_ns ? w->idle_ticks + 1 : 0;
	w->cpu_ns = cpu_ns;
	if (w->idle_ticks >= IDLE_TICKS)
		return "it has used no CPU time for 30 s";
	return ++w->ticks >= MOST_TICKS ? "it takes more than an hour" : NULL;
}

/* Returns whether a signal asks to end. */
static bool take_signals(const struct keeper *k)
{
	struct signalfd_siginfo info;
	bool ends = false;

	while (read(k->signals, &info, sizeof(info)) == sizeof(info))
		ends = ends || info.ssi_signo == SIGINT || info.ssi_signo == SIGTERM;
	return ends;
}

/* Waits for a signal, output of the process, or the next tick. Returns whether a signal asks to end. */
static bool wait_a_tick(const struct keeper *k)
{
	struct pollfd fds[] = {{.fd = k->signals, .events = POLLIN},
			       {.fd = k->pty ? pty__fd(k->pty) : -1, .events = POLLIN}};

	poll(fds, 2, TICK_NS / 1000000);
	if (k->pty)
		pty__work(k->pty);
	return take_signals(k);
}

static void kill_report(const struct keeper *k, struct command *report, const char *name, const char *why)
{
	uint64_t until = clock__boot() + KILLED_NS;

	log__warn("sink %s: killed, its output is incomplete: %s; collector merge can make it from the run", name, why);
	kill(report->pid, SIGKILL);
	while (!command__ended(report) && clock__boot() < until)
		wait_a_tick(k);
	if (!command__ended(report))
		log__warn("sink %s: process %d does not exit; not waiting for it", name, report->pid);
}

/* Returns whether the next one is to follow. */
static bool wait_for_report(const struct keeper *k, struct command *report, const char *name)
{
	struct waiting waiting = {.pid = report->pid, .ticked_at = clock__boot()};

	while (!command__ended(report)) {
		bool ends = wait_a_tick(k);
		const char *why = ends ? "interrupted" : why_not_wait(&waiting);

		if (why && !command__ended(report))
			kill_report(k, report, name, why);
		if (ends)
			return false;
		if (why)
			break;
	}
	return true;
}

/* Within a few seconds. */
static void end_unasked(const struct keeper *k, struct command *report)
{
	uint64_t until = clock__boot() + ENDS_NS;

	if (report->go >= 0)
		command__cancel(report);
	if (!report->pid || command__ended(report))
		return;
	kill(report->pid, SIGTERM);
	kill(report->pid, SIGCONT);
	while (!command__ended(report) && clock__boot() < until)
		wait_a_tick(k);
	if (!command__ended(report))
		kill(report->pid, SIGKILL);
}

/* Lets those go that wait for the end, one after the other, in the order they were asked for; waits for all. */
void reports__print(struct keeper *k)
{
	if (!k->reports)
		return;
	end_unasked(k, progress_of(k));
	end_unasked(k, alert_of(k));
	take_signals(k); /* they were for the command */
	for (size_t i = 0; i < sinks_count(k); i++) {
		const struct feed feed = feed_of(k, i);
		struct command *report = &k->reports[i];

		if (feed.live ? !report->pid || report->go >= 0 : !let_go(report, feed.name))
			continue;
		if (!wait_for_report(k, report, feed.name))
			return;
	}
}

void reports__free(struct keeper *k)
{
	for (size_t i = 0; i < k->reports_count; i++)
		command__cancel(&k->reports[i]);
	free(k->reports);
}
