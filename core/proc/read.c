/* SPDX-License-Identifier: BSD-2-Clause */
/* What can be asked for. */
#include <errno.h>
#include <stdbool.h>
#include <unistd.h>

#include "core/proc/proc.h"

static int read_smaps(const struct probe_ask *ask, const struct proc_own *own, struct proc_text *out, int process)
{
	int err = proc__append_file(out, process, "smaps_rollup");

	(void)ask;
	(void)own;
	/* Also that of a process that has just gone. */
	return err == -ENOENT && access("/proc/self/smaps_rollup", F_OK) ? -ENOTSUP : err == -ENOENT ? -ESRCH : err;
}

static int read_cgroup(const struct probe_ask *ask, const struct proc_own *own, struct proc_text *out, int process)
{
	/* The number is another one in our PID namespace: that is not the initial one. */
	return proc__append_cgroup(out, process, own, !ask->local_pid || ask->local_pid == ask->pid);
}

static int read_tail(const struct probe_ask *ask, const struct proc_own *own, struct proc_text *out, int process)
{
	(void)own;
	(void)process;
	return proc__append_tail(out, ask);
}

static int read_head(const struct probe_ask *ask, const struct proc_own *own, struct proc_text *out, int process)
{
	(void)own;
	(void)process;
	return proc__append_head(out, ask);
}

static int read_log(const struct probe_ask *ask, const struct proc_own *own, struct proc_text *out, int process)
{
	(void)own;
	return proc__append_log(out, ask, process);
}

static int read_last(const struct probe_ask *ask, const struct proc_own *own, struct proc_text *out, int process)
{
	(void)own;
	(void)process;
	return proc__append_last(out, ask);
}

static const struct {
	int (*read)(const struct probe_ask *ask, const struct proc_own *own, struct proc_text *out, int process);
	bool ended; /* the process may have ended: -1 */
} readers[PROBE_ASK_WHATS] = {
	[PROBE_ASK_SMAPS] = {read_smaps, false}, [PROBE_ASK_CGROUP] = {read_cgroup, false},
	[PROBE_ASK_TAIL] = {read_tail, true},	 [PROBE_ASK_HEAD] = {read_head, true},
	[PROBE_ASK_LOG] = {read_log, false},	 [PROBE_ASK_LAST] = {read_last, true},
};

int proc__read(const struct probe_ask *ask, const struct proc_own *own, struct proc_text *out)
{
	int process, err;

	if (ask->what >= PROBE_ASK_WHATS || !readers[ask->what].read)
		return -EINVAL;
	if (readers[ask->what].ended)
		return readers[ask->what].read(ask, own, out, -1);
	process = proc__open_process(ask);
	if (process < 0)
		return process;
	err = readers[ask->what].read(ask, own, out, process);
	close(process);
	return err;
}
