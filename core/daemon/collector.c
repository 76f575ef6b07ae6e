/* SPDX-License-Identifier: BSD-2-Clause */
/* What comes first: checks, and the fork into keeper and recorder. */
#include "core/daemon/collector.h"

#include <errno.h>
#include <linux/capability.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/account/account.h"
#include "core/base/base.h"
#include "core/bpf/bpf.h"
#include "core/config/config.h"
#include "core/daemon/channel.h"
#include "core/daemon/recorder.h"
#include "core/daemon/keeper.h"
#include "core/log.h"

#ifndef CAP_PERFMON
#define CAP_PERFMON 38
#define CAP_BPF 39
#endif

/* Before the run's folder is made, which would be the latest one. 0 or the exit code. */
static int check_pids(const struct collector_opts *opts)
{
	size_t there = 0;

	for (size_t i = 0; i < opts->pids_count; i++)
		there += !kill(opts->pids[i], 0) || errno != ESRCH;
	for (size_t i = 0; i < opts->pids_count && there < opts->pids_count; i++)
		if (kill(opts->pids[i], 0) && errno == ESRCH)
			log__print(there ? LOG_WARN : LOG_ERROR, "--pid %d: no such process", opts->pids[i]);
	return opts->pids_count && !there ? COMMAND_FAILED : 0;
}

/* Whether it is the caller's, and none that has gained rights by an exec: /proc shows the latter as root's. */
static bool is_own(pid_t pid)
{
	char path[32];
	struct stat st;

	snprintf(path, sizeof(path), "/proc/%d/environ", pid);
	return !stat(path, &st) && st.st_uid == getuid();
}

/* With file capabilities any user may start this: what is watched must be the caller's own. 0 or the exit code. */
static int check_lent(const struct collector_opts *opts)
{
	static const char reason[] = "collector has file capabilities, by which a user watches only own processes";

	if (!caps__lent())
		return 0;
	if (opts->user || collector__is_daemon(opts)) {
		log__error("%s: %s", opts->user ? "--user" : "daemon", reason);
		return COMMAND_FAILED;
	}
	if (opts->conf->args == RECORD_ARGS_FULL || !opts->conf->redact_default) {
		log__error("redaction cannot be switched off: collector has file capabilities; use args: redacted, "
			   "redact: [default, ...]");
		return COMMAND_FAILED;
	}
	for (size_t i = 0; i < opts->pids_count; i++) {
		if (!is_own(opts->pids[i])) {
			log__error("--pid %d: not a process of yours: %s", opts->pids[i], reason);
			return COMMAND_FAILED;
		}
	}
	return 0;
}

/* The run belongs to the user who called sudo, who can then read it without root. */
static void find_owner(struct keeper *k)
{
	const char *uid = getenv("SUDO_UID");

	k->owner = k->user;
	if (!k->owner && uid && !geteuid() && strtoul(uid, NULL, 10))
		k->owner = k->entry = user__find(NULL, strtoul(uid, NULL, 10));
}

/* Checks all that can be checked before anything is started. 0 or the exit code. */
static int check(struct keeper *k)
{
	const struct collector_opts *opts = k->opts;
	uint64_t needed = 1ULL << CAP_BPF | 1ULL << CAP_PERFMON;
	const char *unusable;
	struct error err;
	int code = check_lent(opts);

	if (code)
		return code;
	if (opts->user) {
		k->user = k->entry = user__find(opts->user, 0);
		if (!k->user) {
			log__error("--user: unknown user \"%s\"", opts->user);
			return 2;
		}
		needed |= 1ULL << CAP_SETUID | 1ULL << CAP_SETGID | 1ULL << CAP_CHOWN | 1ULL << CAP_KILL;
	}
	for (size_t i = 0; i < k->conf->probes_count; i++)
		needed |= k->conf->probes[i].probe->capabilities;
	if (caps__check(needed, &err)) {
		log__error("%s", err.text);
		return COMMAND_FAILED;
	}
	unusable = bpf__unusable();
	if (unusable) {
		log__error("%s", unusable);
		return COMMAND_FAILED;
	}
	find_owner(k);
	if (folder__check_output(opts->output, k->owner ? k->owner->pw_uid : (uid_t)-1, &err)) {
		log__error("%s", err.text);
		return COMMAND_FAILED;
	}
	if (check_pids(opts))
		return COMMAND_FAILED;
	code = opts->command ? command__find(opts->command[0], k->path) : 0;
	if (code)
		log__error("%s: %s%s", opts->command[0],
			   code == COMMAND_NOT_FOUND ? "command not found"
						     : "cannot execute: permission denied, or a directory",
			   code == COMMAND_NOT_FOUND && getenv("SUDO_UID") && !strchr(opts->command[0], '/')
				   ? "; sudo may have reset PATH: use sudo env PATH=\"$PATH\" collector"
				   : "");
	return code;
}

static int block_signals(struct keeper *k)
{
	static const int taken[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGCHLD, SIGPIPE, SIGXFSZ};
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++)
		sigaddset(&set, taken[i]);
	if (sigprocmask(SIG_BLOCK, &set, &k->mask))
		return -errno;
	/* These are only blocked, which makes write() fail with EPIPE or EFBIG instead. */
	sigdelset(&set, SIGPIPE);
	sigdelset(&set, SIGXFSZ);
	k->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return k->signals < 0 ? -errno : 0;
}

/* A daemon's open runs have some descriptors each. A command inherits the limit, so that for one it stays. */
static void raise_open_files(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur >= limit.rlim_max)
		return;
	limit.rlim_cur = limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit))
		log__warn("cannot raise the limit of open files: %s", strerror(errno));
}

/* In the child, which opens all that it needs, and gives up its privileges then. */
static int become_recorder(struct keeper *k, int channel, int other)
{
	close(other);
	close(k->signals);
	return recorder__run(k->opts, k->user, channel);
}

static int run(struct keeper *k)
{
	int channel[2], err, code = check(k);

	if (code)
		return code;
	if (!k->opts->command)
		raise_open_files();
	err = block_signals(k);
	if (!err)
		err = channel__pair(channel);
	if (!err) {
		k->recorder = fork();
		err = k->recorder < 0 ? -errno : 0;
	}
	if (err) {
		log__error("cannot start the recorder: %s", strerror(-err));
		return COMMAND_FAILED;
	}
	if (!k->recorder)
		return become_recorder(k, channel[1], channel[0]);
	bpf__forget();
	if (caps__lent())
		caps__limit(0);
	close(channel[1]);
	k->channel = channel[0];
	code = keeper__run(k);
	close(k->channel);
	close(k->signals);
	return code;
}

int collector__run(const struct collector_opts *opts)
{
	struct keeper k = {
		.opts = opts, .conf = &k.own, .own = *opts->conf, .signals = -1, .folder = {.outfd = -1, .dirfd = -1}};
	int code;

	bpf__init();
	code = run(&k);
	free(k.entry);
	return code;
}

/* ---- a sink of the daemon's runs ---- */

static const struct conf_sink *find_sink(const struct conf *conf, const char *name)
{
	struct nearest nearest = {.name = name};
	struct error err;

	for (size_t i = 0; i < conf->sinks_count; i++) {
		if (!strcmp(conf->sinks[i].name, name))
			return &conf->sinks[i];
		nearest__offer(&nearest, conf->sinks[i].name);
	}
	error__set(&err, 0, "--follow: the configuration has no sink \"%s\"", name);
	nearest__append(&nearest, &err);
	log__error("%s", err.text);
	return NULL;
}

/* What has no file of its own goes into the state's folder. */
static bool needs_output(const struct sink *sink)
{
	return sink->output == SINK_BYTES && !sink->page && !sink->replaces;
}

int collector__follow(const struct collector_opts *opts, const char *sink, const char *state)
{
	const struct conf_sink *of = find_sink(opts->conf, sink);
	char *spec = NULL, *cursors = NULL, *output = NULL;
	char *argv[] = {"collector-merge",    "--follow", "--plugin-dir", (char *)opts->plugin_dir,
			"--cursor",	      NULL,	  "--sink",	  NULL,
			(char *)opts->output, NULL,	  NULL,		  NULL};

	if (!of)
		return EXIT_USAGE;
	if (!of->sink->live) {
		log__error(
			"--follow: sink %s writes when all is over, which a daemon's runs never are: use collector-merge",
			sink);
		return EXIT_USAGE;
	}
	if (asprintf(&spec, "%s%s%s", of->name, *of->text ? ":" : "", of->text) < 0 ||
	    asprintf(&cursors, "%s/cursors", state) < 0 ||
	    asprintf(&output, "%s/merged.%s", state, of->sink->suffix ? of->sink->suffix : of->name) < 0) {
		log__error("%s", strerror(ENOMEM));
		return EXIT_FAILED;
	}
	argv[5] = cursors;
	argv[7] = spec;
	if (needs_output(of->sink)) {
		argv[9] = "--output";
		argv[10] = output;
	}
	execv(opts->reporter, argv);
	log__error("%s: %s", opts->reporter, strerror(errno));
	return EXIT_FAILED;
}
