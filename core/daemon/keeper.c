/* SPDX-License-Identifier: BSD-2-Clause */
/* Serves the recorder's requests, and passes on what happens to the command. */
#include "core/daemon/keeper.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "core/account/account.h"
#include "core/base/base.h"
#include "core/config/config.h"
#include "core/daemon/channel.h"
#include "core/daemon/loop.h"
#include "core/daemon/run.h"
#include "core/log.h"
#include "core/proc/proc.h"
#include "core/runs/runs.h"

#define ANSWER_NS 30000000000ull /* for the end of the recording, beyond run.grace */
#define DISK_S 600		 /* for its exit after that: it waits for the disk */

/* ---- the folders of runs ---- */

static void free_streams(struct keeper *k)
{
	for (size_t i = 0; k->streams && k->streams[i]; i++)
		free(k->streams[i]);
	free(k->streams);
	k->streams = NULL;
}

/* The rule and the names in a request. Returns the number of names, or -errno. */
static int take_streams(struct keeper *k, char *text)
{
	const char *names[CHANNEL_FDS - RUN_FOLDERS];
	char *end;
	long rule = strtol(text, &end, 10);
	int count = *end == '\n' ? channel__names(end, names, CHANNEL_FDS - RUN_FOLDERS) : -EINVAL;

	k->name = rule >= 0 && (size_t)rule < k->conf->rules_count ? k->conf->rules[rule].name : NULL;
	free_streams(k);
	k->streams = calloc(CHANNEL_FDS, sizeof(*k->streams));
	if (!k->streams)
		return -ENOMEM;
	for (int i = 0; i < count; i++) {
		k->streams[i] = strdup(names[i]);
		if (!k->streams[i])
			return -ENOMEM;
	}
	return count;
}

static void drop_folder(struct keeper *k)
{
	folder__remove(&k->folder, (const char *const *)k->streams);
	folder__close(&k->folder);
}

/* On a full disk the oldest runs make room, or there is no further run: its folder may fit and what it records not. */
static int make_folder(struct keeper *k, size_t count, uint32_t uid, struct error *err)
{
	const struct folder_opts opts = keeper_store__folder_opts(k);
	const char *const *streams = (const char *const *)k->streams;
	int code = keeper_store__allow(k, uid, err);

	if (code)
		return code;
	if (k->store && store__is_low(k->store) && !store__free_space(k->store))
		return error__set(err, -ENOSPC, "%s: %s", k->opts->output, strerror(ENOSPC));
	code = folder__make(&k->folder, &opts, streams, count, err);
	if ((code == -ENOSPC || code == -EDQUOT) && k->store && store__free_space(k->store))
		code = folder__make(&k->folder, &opts, streams, count, err);
	return code;
}

/* The name of the run's folder, and of its user if that has one. Returns the length. */
static size_t put_run(char *text, size_t size, const char *id, uid_t uid)
{
	struct passwd *user = user__find(NULL, uid);
	int length = snprintf(text, size, "%s%s%s", id, user ? "\n" : "", user ? user->pw_name : "");

	free(user);
	return length;
}

/* Replies with the descriptors of a new folder. Of a command's run there is one. */
static void make_run(struct keeper *k, struct channel_message *m)
{
	bool one = !collector__is_daemon(k->opts);
	int count = k->ready && one ? -EPERM : take_streams(k, m->text);
	struct folder *f = &k->folder;
	struct error err;
	int code;

	if (f->id)
		drop_folder(k);
	m->kind = CHANNEL_RUN;
	m->size = 0;
	code = count < 0 ? error__set(&err, count, "%s", strerror(-count)) : make_folder(k, count, m->number, &err);
	k->uid = m->number;
	m->number = code;
	if (code) {
		strcpy(m->text, err.text);
		m->size = strlen(m->text);
	} else {
		m->size = put_run(m->text, sizeof(m->text), f->id, k->uid);
		m->fds[m->fds_count++] = f->outfd;
		m->fds[m->fds_count++] = f->dirfd;
		for (int i = 0; i < count; i++)
			m->fds[m->fds_count++] = f->files[i];
	}
	if (channel__send(k->channel, m) && !m->number)
		drop_folder(k);
	m->fds_count = 0; /* the folder's own */
}

static void keep_run(struct keeper *k, uint32_t run)
{
	const struct folder_opts opts = keeper_store__folder_opts(k);

	if (!k->folder.id)
		return;
	if (!folder__keep(&k->folder, &opts)) {
		keeper_store__kept(k, run);
		if (!k->run)
			k->run = strdup(k->folder.path);
	}
	folder__close(&k->folder);
}

/* ---- the command ---- */

static bool is_running(const struct keeper *k)
{
	return k->ready && k->command.pid && !k->command.ended;
}

static void tell(struct keeper *k, enum channel_kind kind)
{
	k->ending = true;
	channel__tell(k->channel, kind, 0, 0);
	loop__arm(k->limit_timer, ANSWER_NS + (kind == CHANNEL_ENDED ? k->conf->run.grace : 0), 0);
}

static int fork_child(struct keeper *k)
{
	struct command_opts opts = {.path = k->path,
				    .argv = k->opts->command,
				    .user = k->user,
				    .pty = k->pty,
				    .in_session = k->pty,
				    .clean_env = k->opts->clean_env,
				    .mask = &k->mask,
				    .out = -1};

	return command__fork(&k->command, &opts);
}

/* Replies with the pid of the process that will fork the command. */
static void prepare_command(struct keeper *k)
{
	pid_t parent = getpid();
	int err = 0;

	if (k->pty) {
		err = pty__leader(k->pty) ? -EPERM : fork_child(k);
		parent = pty__leader(k->pty);
	}
	channel__tell(k->channel, CHANNEL_PREPARED, 0, err ? err : parent);
}

static void fork_command(struct keeper *k)
{
	int err = !k->opts->command || k->command.pid ? -EPERM : k->pty ? command__begin(&k->command) : fork_child(k);

	channel__tell(k->channel, CHANNEL_FORKED, 0, err);
}

/* The daemon's keeper is the owner of the output folder from the beginning: a link in there leads nowhere that the owner
 * could not go. */
static int become_owner(struct keeper *k)
{
	const struct folder_opts opts = keeper_store__folder_opts(k);
	int rc = !collector__is_daemon(k->opts) || geteuid() ? 0 : folder__become_owner(&opts);

	if (rc > 0)
		k->owner = NULL;
	return rc < 0 ? rc : 0;
}

/* Takes the rights of the command; where there is none, no capability remains. The reports have been forked. */
static int become_keeper(struct keeper *k)
{
	int err = 0;

	if (!k->opts->command)
		caps__empty_bounding_set();
	if (k->user)
		err = user__become(k->user);
	else if (!k->opts->command || geteuid())
		err = caps__limit(0);
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); /* executes nothing */
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	if (err)
		log__error("cannot drop privileges: %s", strerror(-err));
	return err;
}

/* With the rights that the keeper has from now on. */
static void start_answerer(struct keeper *k)
{
	struct proc_own own = {.pids = {getpid(), k->recorder, k->pty ? pty__leader(k->pty) : 0}, .count = 3};

	for (size_t i = 0; i < k->reports_count && own.count < PROC_OWN_MAX; i++)
		own.pids[own.count++] = k->reports[i].pid;
	k->answerer = answerer__start(k->channel, &own);
	if (!k->answerer)
		log__warn("cannot start the thread that reads for probes: what they ask for is missing");
}

static void on_ready(struct keeper *k)
{
	int err = 0;

	if (k->ready)
		return;
	k->ready = true;
	if (k->opts->reporter && k->run && reports__prepare(k))
		log__warn("no memory to start the sinks");
	if (become_keeper(k) || (k->opts->command && !k->command.pid))
		k->code = COMMAND_FAILED;
	else
		start_answerer(k);
	if (!k->code)
		reports__start(k);
	if (!k->code && k->opts->command)
		k->code = command__go(&k->command, &err);
	if (err)
		log__error("%s: cannot execute: %s", k->opts->command[0],
			   err == EPIPE ? "its process was killed" : strerror(err));
	if (k->code || k->stop)
		tell(k, CHANNEL_STOP);
	else if (k->reload.again)
		keeper_reload__start(k);
}

/* ---- what happens ---- */

/* Its exit code; 125 with a message if it was killed or does not end. */
static int wait_for_recorder(struct keeper *k)
{
	const struct timespec pause = {.tv_sec = 1};
	sigset_t set;
	int status = 0;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	for (int waited = 0; waited < DISK_S; waited++) {
		pid_t pid = waitpid(k->recorder, &status, WNOHANG);
		int number;

		if (pid == k->recorder && WIFEXITED(status))
			return WEXITSTATUS(status);
		if (pid < 0)
			return COMMAND_FAILED;
		if (pid) {
			log__error(
				"the recorder was killed by signal %d%s", WTERMSIG(status),
				k->ready
					? ": the record ends before the command"
					: " during the start: a plugin or its BPF object may be damaged; `collector doctor` names it");
			return COMMAND_FAILED;
		}
		number = sigtimedwait(&set, NULL, &pause);
		if (number == SIGINT || number == SIGTERM)
			break;
	}
	log__error("not waiting for the disk any longer: the record may be incomplete after a crash of the machine");
	return COMMAND_FAILED;
}

static void recorder_gone(struct keeper *k)
{
	int code = wait_for_recorder(k);

	loop__unwatch(k->loop, k->channel);
	k->alone = k->ending = true;
	if (!k->code)
		k->code = code;
	if (!is_running(k) || k->stop_signals > 1)
		loop__stop(k->loop);
}

static void on_limit(void *arg)
{
	struct keeper *k = arg;

	log__error("the recorder does not answer; its record may end early");
	kill(k->recorder, SIGKILL); /* of no effect with --user: it belongs to another user */
	k->alone = true;
	if (!k->code)
		k->code = COMMAND_FAILED;
	loop__stop(k->loop);
}

static void on_message(void *arg)
{
	struct keeper *k = arg;
	struct channel_message m;
	int n = channel__receive(k->channel, &m, 0);

	if (!n) {
		recorder_gone(k);
		return;
	}
	if (n < 0)
		return;
	channel__drop(&m); /* no request has any */
	switch (m.kind) {
	case CHANNEL_MAKE_RUN:
		make_run(k, &m);
		break;
	case CHANNEL_KEEP_RUN:
		keep_run(k, m.run);
		break;
	case CHANNEL_REMOVE_RUN:
		drop_folder(k);
		break;
	case CHANNEL_MAKE_SEGMENT:
	case CHANNEL_FREE:
		keeper_store__segment(k, &m);
		break;
	case CHANNEL_END_RUN:
		keeper_store__ended(k, m.run);
		break;
	case CHANNEL_FULL:
		keeper_store__disk_is_full(k);
		break;
	case CHANNEL_PREPARE:
		prepare_command(k);
		break;
	case CHANNEL_FORK:
		fork_command(k);
		break;
	case CHANNEL_READY:
		on_ready(k);
		break;
	case CHANNEL_RELOADED:
		keeper_reload__done(k, m.number);
		break;
	case CHANNEL_STATE:
		keeper_status__state(k, &m);
		break;
	case CHANNEL_ASK:
		answerer__ask(k->answerer, k->channel, &m);
		break;
	case CHANNEL_DONE:
		if (k->ending || !is_running(k))
			loop__stop(k->loop);
		break;
	default:
		break;
	}
}

static void on_command_ended(struct keeper *k)
{
	int code = command__code(k->command.status);

	if (!k->alone || code)
		k->code = code;
	if (k->alone)
		loop__stop(k->loop);
	else
		tell(k, CHANNEL_ENDED);
}

static void on_pty(void *arg)
{
	struct keeper *k = arg;

	pty__work(k->pty);
	if (is_running(k) && command__ended(&k->command))
		on_command_ended(k);
}

static bool is_repeated(struct keeper *k, const struct signalfd_siginfo *info)
{
	uint64_t now = clock__boot(), since = now - k->stopped_at;
	bool same = info->ssi_signo == k->stop_signal && info->ssi_code != SI_KERNEL && since < KEEPER_REPEATED_NS;

	k->stop_signal = info->ssi_signo;
	k->stopped_at = same ? k->stopped_at : now;
	return same;
}

static void on_signal(void *arg)
{
	struct signalfd_siginfo info;
	struct keeper *k = arg;
	bool ends, running = is_running(k);

	if (read(k->signals, &info, sizeof(info)) != sizeof(info))
		return;
	if (info.ssi_signo == SIGCHLD) {
		if (running && command__ended(&k->command))
			on_command_ended(k);
		return;
	}
	if (info.ssi_signo == SIGHUP && collector__is_daemon(k->opts))
		keeper_reload__start(k);
	ends = info.ssi_signo == SIGINT || info.ssi_signo == SIGTERM;
	k->stop = k->stop || ends;
	if (!running) {
		if (ends && k->ready)
			tell(k, CHANNEL_STOP);
		return;
	}
	/* The terminal sends its signals to the command itself, unless that has one of its own. */
	if (info.ssi_code != SI_KERNEL || k->pty)
		command__signal(&k->command, info.ssi_signo, info.ssi_code == SI_KERNEL);
	if (ends && !is_repeated(k, &info) && ++k->stop_signals > 1) {
		log__warn("second signal: exiting now; the command keeps running unwatched");
		k->code = 128 + info.ssi_signo;
		if (k->alone)
			loop__stop(k->loop);
		tell(k, CHANNEL_STOP);
	}
}

static int start_loop(struct keeper *k)
{
	int err;

	k->loop = loop__new();
	if (!k->loop)
		return -errno;
	k->limit_timer = loop__timer(k->loop, on_limit, k);
	err = k->limit_timer < 0 ? k->limit_timer : loop__watch(k->loop, k->signals, false, on_signal, k);
	return err ? err : loop__watch(k->loop, k->channel, false, on_message, k);
}

static int open_terminal(struct keeper *k)
{
	int err = pty__open(&k->pty, k->user);

	if (err)
		log__error("cannot open a terminal for the command: %s", strerror(-err));
	return err || !k->pty ? err : loop__watch(k->loop, pty__fd(k->pty), false, on_pty, k);
}

int keeper__run(struct keeper *k)
{
	int err = start_loop(k);

	if (!err && k->user)
		err = open_terminal(k);
	if (!err)
		err = become_owner(k);
	if (!err)
		err = keeper_store__start(k);
	if (!err) {
		keeper_status__start(k);
		err = loop__run(k->loop);
	}
	if (err) {
		log__error("the recorder cannot be kept: %s", strerror(-err));
		k->code = COMMAND_FAILED;
	}
	if (k->ready)
		reports__print(k);
	command__cancel(&k->command);
	reports__free(k);
	pty__close(k->pty);
	if (!k->alone) {
		int code = wait_for_recorder(k);

		if (!k->code)
			k->code = code;
	}
	if (k->folder.id)
		drop_folder(k);
	loop__free(k->loop);
	keeper_store__free(k);
	keeper_status__stop(k);
	keeper_reload__free(k);
	free_streams(k);
	free(k->run);
	return k->code;
}
