-- The tables of the sink clickhouse for servers before 22.2 (clickhouse:legacy=true): times are texts, UTC.
--
--   clickhouse-client --database collector --multiquery <legacy.sql

CREATE TABLE IF NOT EXISTS `core_lost` (
    `run` String COMMENT 'the run\x27s id',
    `host` String COMMENT 'where it ran',
    `pipeline` String COMMENT 'the run\x27s name',
    `ts` Int64 COMMENT 'when, on the boot clock (ns)',
    `time` String COMMENT 'when',
    `seq` Int64 COMMENT 'number in its stream',
    `marker` String COMMENT 'random id of its stream; (marker, seq) names a record',
    `pid` Nullable(Int32) COMMENT 'process, in the initial pid namespace',
    `start` Nullable(Int64) COMMENT 'the process\x27s start on the boot clock; (pid, start) names a process (ns)',
    `tid` Nullable(Int32) COMMENT 'thread',
    `cpu` Nullable(Int32) COMMENT 'CPU that it happened on',
    `missing` Nullable(String),
    `stream_lost` String COMMENT 'stream whose events were lost',
    `lost_events` Nullable(Int64) COMMENT 'how many; null where damage hides it',
    `since` Int64 COMMENT 'boot clock from which on events may be missing (ns)',
    `event_lost` String COMMENT 'name of the event; empty: any',
    `cause` String COMMENT 'what lost them',
    day Date MATERIALIZED toDate(substring(time, 1, 10))
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(day)
ORDER BY (pipeline, run, host, time, stream_lost, event_lost, cause, since, marker, seq);

CREATE TABLE IF NOT EXISTS `cpu_exit` (
    `run` String COMMENT 'the run\x27s id',
    `host` String COMMENT 'where it ran',
    `pipeline` String COMMENT 'the run\x27s name',
    `ts` Int64 COMMENT 'when, on the boot clock (ns)',
    `time` String COMMENT 'when',
    `seq` Int64 COMMENT 'number in its stream',
    `marker` String COMMENT 'random id of its stream; (marker, seq) names a record',
    `pid` Int32 COMMENT 'process, in the initial pid namespace',
    `start` Int64 COMMENT 'the process\x27s start on the boot clock; (pid, start) names a process (ns)',
    `tid` Int32 COMMENT 'thread',
    `cpu` Int32 COMMENT 'CPU that it happened on',
    `missing` Nullable(String),
    `comm` Nullable(String) COMMENT 'name of the group leader\x27s thread',
    `cpu_ns` Nullable(Int64) COMMENT 'run time of all threads, by the scheduler\x27s clock (ns)',
    `user_ns` Nullable(Int64) COMMENT 'part of cpu_ns in user space, as wait4 splits it (ns)',
    `system_ns` Nullable(Int64) COMMENT 'part of cpu_ns in the kernel (ns)',
    `threads` Nullable(Int64) COMMENT 'peak number of live threads',
    `voluntary_switches` Nullable(Int64) COMMENT 'voluntary context switches',
    `involuntary_switches` Nullable(Int64) COMMENT 'involuntary context switches',
    `final` Nullable(UInt8) COMMENT 'the kernel\x27s accounting was final: the values are exact',
    `exited_ns` Nullable(Int64) COMMENT 'when it exited; the event comes when its accounting is final, or known not to be (ns)',
    `run_delay_ns` Nullable(Int64) COMMENT 'waited for a CPU while it could run, all threads, ended ones too (ns)',
    `cpus_allowed` Nullable(Int64) COMMENT 'CPUs on which its leader may run',
    `samples` Nullable(Int64) COMMENT 'how often it was sampled so far',
    `iowait_samples` Nullable(Int64) COMMENT 'of them, those with a thread in I/O wait',
    day Date MATERIALIZED toDate(substring(time, 1, 10))
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(day)
ORDER BY (pipeline, run, host, time, marker, seq);

CREATE TABLE IF NOT EXISTS `cpu_image` (
    `run` String COMMENT 'the run\x27s id',
    `host` String COMMENT 'where it ran',
    `pipeline` String COMMENT 'the run\x27s name',
    `ts` Int64 COMMENT 'when, on the boot clock (ns)',
    `time` String COMMENT 'when',
    `seq` Int64 COMMENT 'number in its stream',
    `marker` String COMMENT 'random id of its stream; (marker, seq) names a record',
    `pid` Int32 COMMENT 'process, in the initial pid namespace',
    `start` Int64 COMMENT 'the process\x27s start on the boot clock; (pid, start) names a process (ns)',
    `tid` Int32 COMMENT 'thread',
    `cpu` Int32 COMMENT 'CPU that it happened on',
    `missing` Nullable(String),
    `cpu_ns` Nullable(Int64) COMMENT 'run time of all threads, by the scheduler\x27s clock (ns)',
    `user_ns` Nullable(Int64) COMMENT 'part of cpu_ns in user space, as wait4 splits it (ns)',
    `system_ns` Nullable(Int64) COMMENT 'part of cpu_ns in the kernel (ns)',
    `voluntary_switches` Nullable(Int64) COMMENT 'voluntary context switches',
    `involuntary_switches` Nullable(Int64) COMMENT 'involuntary context switches',
    day Date MATERIALIZED toDate(substring(time, 1, 10))
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(day)
ORDER BY (pipeline, run, host, time, marker, seq);

CREATE TABLE IF NOT EXISTS `cpu_sample` (
    `run` String COMMENT 'the run\x27s id',
    `host` String COMMENT 'where it ran',
    `pipeline` String COMMENT 'the run\x27s name',
    `ts` Int64 COMMENT 'when, on the boot clock (ns)',
    `time` String COMMENT 'when',
    `seq` Int64 COMMENT 'number in its stream',
    `marker` String COMMENT 'random id of its stream; (marker, seq) names a record',
    `pid` Int32 COMMENT 'process, in the initial pid namespace',
    `start` Int64 COMMENT 'the process\x27s start on the boot clock; (pid, start) names a process (ns)',
    `tid` Int32 COMMENT 'thread',
    `cpu` Int32 COMMENT 'CPU that it happened on',
    `missing` Nullable(String),
    `comm` Nullable(String) COMMENT 'name of the group leader\x27s thread',
    `cpu_ns` Nullable(Int64) COMMENT 'run time of all threads, by the scheduler\x27s clock (ns)',
    `user_ns` Nullable(Int64) COMMENT 'part of cpu_ns in user space, as wait4 splits it (ns)',
    `system_ns` Nullable(Int64) COMMENT 'part of cpu_ns in the kernel (ns)',
    `threads` Nullable(Int64) COMMENT 'live threads',
    `state` Nullable(String) COMMENT 'state of the most active thread: R D S T t Z, as in ps(1)',
    `voluntary_switches` Nullable(Int64) COMMENT 'voluntary context switches',
    `involuntary_switches` Nullable(Int64) COMMENT 'involuntary context switches',
    `run_delay_ns` Nullable(Int64) COMMENT 'waited for a CPU while it could run, all threads, ended ones too (ns)',
    `cpus_allowed` Nullable(Int64) COMMENT 'CPUs on which its leader may run',
    `samples` Nullable(Int64) COMMENT 'how often it was sampled so far',
    `iowait_samples` Nullable(Int64) COMMENT 'of them, those with a thread in I/O wait',
    `in_iowait` Nullable(Int64) COMMENT 'threads that are in I/O wait',
    `quota_ns` Nullable(Int64) COMMENT 'CPU time a period by the tightest quota of its cgroups; null: none (ns)',
    `period_ns` Nullable(Int64) COMMENT 'of that quota (ns)',
    `periods` Nullable(Int64) COMMENT 'nr_periods of that cgroup so far',
    `throttled_periods` Nullable(Int64) COMMENT 'nr_throttled: of them, those in which it was stopped',
    `throttled_ns` Nullable(Int64) COMMENT 'how long its CPUs were stopped, added up (ns)',
    `quota_cgroup_id` Nullable(Int64) COMMENT 'that cgroup\x27s inode',
    `syscall` Nullable(String) COMMENT 'system call that its leader sleeps in, as "futex"; null: it runs, is stopped, or is in none',
    `descriptor` Nullable(String) COMMENT 'where it reads or writes: file, directory, pipe, fifo, socket, tty, char, block, other',
    day Date MATERIALIZED toDate(substring(time, 1, 10))
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(day)
ORDER BY (pipeline, run, host, time, marker, seq);

CREATE TABLE IF NOT EXISTS `io_exit` (
    `run` String COMMENT 'the run\x27s id',
    `host` String COMMENT 'where it ran',
    `pipeline` String COMMENT 'the run\x27s name',
    `ts` Int64 COMMENT 'when, on the boot clock (ns)',
    `time` String COMMENT 'when',
    `seq` Int64 COMMENT 'number in its stream',
    `marker` String COMMENT 'random id of its stream; (marker, seq) names a record',
    `pid` Int32 COMMENT 'process, in the initial pid namespace',
    `start` Int64 COMMENT 'the process\x27s start on the boot clock; (pid, start) names a process (ns)',
    `tid` Int32 COMMENT 'thread',
    `cpu` Int32 COMMENT 'CPU that it happened on',
    `missing` Nullable(String),
    `comm` Nullable(String) COMMENT 'name of the group leader\x27s thread',
    `read_chars` Nullable(Int64) COMMENT 'read by system calls of its threads, from the page cache too (bytes)',
    `write_chars` Nullable(Int64) COMMENT 'written by system calls (bytes)',
    `read_syscalls` Nullable(Int64) COMMENT 'system calls that read',
    `write_syscalls` Nullable(Int64) COMMENT 'system calls that wrote',
    `read_bytes` Nullable(Int64) COMMENT 'fetched from storage (bytes)',
    `write_bytes` Nullable(Int64) COMMENT 'to write to storage: counted when a page is dirtied (bytes)',
    `cancelled_write_bytes` Nullable(Int64) COMMENT 'of write_bytes, dropped before they were written (bytes)',
    `final` Nullable(UInt8) COMMENT 'the kernel\x27s accounting was final: the values are exact',
    `children_read_chars` Nullable(Int64) COMMENT 'by children that it waited for, and theirs (bytes)',
    `children_write_chars` Nullable(Int64) COMMENT 'by children that it waited for, and theirs (bytes)',
    `children_read_syscalls` Nullable(Int64) COMMENT 'by children that it waited for, and theirs',
    `children_write_syscalls` Nullable(Int64) COMMENT 'by children that it waited for, and theirs',
    `children_read_bytes` Nullable(Int64) COMMENT 'by children that it waited for, and theirs (bytes)',
    `children_write_bytes` Nullable(Int64) COMMENT 'by children that it waited for, and theirs (bytes)',
    `children_cancelled_write_bytes` Nullable(Int64) COMMENT 'by children that it waited for, and theirs (bytes)',
    `exited_ns` Nullable(Int64) COMMENT 'when it exited; the event comes when its accounting is final, or known not to be (ns)',
    day Date MATERIALIZED toDate(substring(time, 1, 10))
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(day)
ORDER BY (pipeline, run, host, time, marker, seq);

CREATE TABLE IF NOT EXISTS `io_image` (
    `run` String COMMENT 'the run\x27s id',
    `host` String COMMENT 'where it ran',
    `pipeline` String COMMENT 'the run\x27s name',
    `ts` Int64 COMMENT 'when, on the boot clock (ns)',
    `time` String COMMENT 'when',
    `seq` Int64 COMMENT 'number in its stream',
    `marker` String COMMENT 'random id of its stream; (marker, seq) names a record',
    `pid` Int32 COMMENT 'process, in the initial pid namespace',
    `start` Int64 COMMENT 'the process\x27s start on the boot clock; (pid, start) names a process (ns)',
    `tid` Int32 COMMENT 'thread',
    `cpu` Int32 COMMENT 'CPU that it happened on',
    `missing` Nullable(String),
    `read_chars` Nullable(Int64) COMMENT 'read by system calls of its threads, from the page cache too (bytes)',
    `write_chars` Nullable(Int64) COMMENT 'written by system calls (bytes)',
    `read_syscalls` Nullable(Int64) COMMENT 'system calls that read',
    `write_syscalls` Nullable(Int64) COMMENT 'system calls that wrote',
    `read_bytes` Nullable(Int64) COMMENT 'fetched from storage (bytes)',
    `write_bytes` Nullable(Int64) COMMENT 'to write to storage: counted when a page is dirtied (bytes)',
    `cancelled_write_bytes` Nullable(Int64) COMMENT 'of write_bytes, dropped before they were written (bytes)',
    `children_read_chars` Nullable(Int64) COMMENT 'by children that it waited for, and theirs (bytes)',
    `children_write_chars` Nullable(Int64) COMMENT 'by children that it waited for, and theirs (bytes)',
    `children_read_syscalls` Nullable(Int64) COMMENT 'by children that it waited for, and theirs',
    `children_write_syscalls` Nullable(Int64) COMMENT 'by children that it waited for, and theirs',
    `children_read_bytes` Nullable(Int64) COMMENT 'by children that it waited for, and theirs (bytes)',
    `children_write_bytes` Nullable(Int64) COMMENT 'by children that it waited for, and theirs (bytes)',
    `children_cancelled_write_bytes` Nullable(Int64) COMMENT 'by children that it waited for, and theirs (bytes)',
    day Date MATERIALIZED toDate(substring(time, 1, 10))
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(day)
ORDER BY (pipeline, run, host, time, marker, seq);

CREATE TABLE IF NOT EXISTS `io_sample` (
    `run` String COMMENT 'the run\x27s id',
    `host` String COMMENT 'where it ran',
    `pipeline` String COMMENT 'the run\x27s name',
    `ts` Int64 COMMENT 'when, on the boot clock (ns)',
    `time` String COMMENT 'when',
    `seq` Int64 COMMENT 'number in its stream',
    `marker` String COMMENT 'random id of its stream; (marker, seq) names a record',
    `pid` Int32 COMMENT 'process, in the initial pid namespace',
    `start` Int64 COMMENT 'the process\x27s start on the boot clock; (pid, start) names a process (ns)',
    `tid` Int32 COMMENT 'thread',
    `cpu` Int32 COMMENT 'CPU that it happened on',
    `missing` Nullable(String),
    `comm` Nullable(String) COMMENT 'name of the group leader\x27s thread',
    `read_chars` Nullable(Int64) COMMENT 'read by system calls of its threads, from the page cache too (bytes)',
    `write_chars` Nullable(Int64) COMMENT 'written by system calls (bytes)',
    `read_syscalls` Nullable(Int64) COMMENT 'system calls that read',
    `write_syscalls` Nullable(Int64) COMMENT 'system calls that wrote',
    `read_bytes` Nullable(Int64) COMMENT 'fetched from storage (bytes)',
    `write_bytes` Nullable(Int64) COMMENT 'to write to storage: counted when a page is dirtied (bytes)',
    `cancelled_write_bytes` Nullable(Int64) COMMENT 'of write_bytes, dropped before they were written (bytes)',
    `children_read_chars` Nullable(Int64) COMMENT 'by children that it waited for, and theirs (bytes)',
    `children_write_chars` Nullable(Int64) COMMENT 'by children that it waited for, and theirs (bytes)',
    `children_read_syscalls` Nullable(Int64) COMMENT 'by children that it waited for, and theirs',
    `children_write_syscalls` Nullable(Int64) COMMENT 'by children that it waited for, and theirs',
    `children_read_bytes` Nullable(Int64) COMMENT 'by children that it waited for, and theirs (bytes)',
    `children_write_bytes` Nullable(Int64) COMMENT 'by children that it waited for, and theirs (bytes)',
    `children_cancelled_write_bytes` Nullable(Int64) COMMENT 'by children that it waited for, and theirs (bytes)',
    day Date MATERIALIZED toDate(substring(time, 1, 10))
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(day)
ORDER BY (pipeline, run, host, time, marker, seq);

CREATE TABLE IF NOT EXISTS `lifecycle_alive` (
    `run` String COMMENT 'the run\x27s id',
    `host` String COMMENT 'where it ran',
    `pipeline` String COMMENT 'the run\x27s name',
    `ts` Int64 COMMENT 'when, on the boot clock (ns)',
    `time` String COMMENT 'when',
    `seq` Int64 COMMENT 'number in its stream',
    `marker` String COMMENT 'random id of its stream; (marker, seq) names a record',
    `pid` Int32 COMMENT 'process, in the initial pid namespace',
    `start` Int64 COMMENT 'the process\x27s start on the boot clock; (pid, start) names a process (ns)',
    `tid` Int32 COMMENT 'thread',
    `cpu` Int32 COMMENT 'CPU that it happened on',
    `missing` Nullable(String),
    `ppid` Nullable(Int32) COMMENT 'PID of the parent',
    `parent_start` Nullable(Int64) COMMENT 'start of the parent (ns)',
    `comm` Nullable(String) COMMENT 'name of the group leader\x27s thread',
    `exe` Nullable(String) COMMENT 'path as executed',
    `args` Array(String) COMMENT 'argv, byte for byte',
    `cwd` Nullable(String) COMMENT 'working directory, in its mount namespace',
    `uid` Nullable(Int64) COMMENT 'UID, in the initial namespace',
    `gid` Nullable(Int64) COMMENT 'GID, in the initial namespace',
    `cgroup` Nullable(String) COMMENT 'cgroup',
    `env` Nullable(String) COMMENT 'the environment variables that the option env names',
    `ns_pid` Nullable(Int32) COMMENT 'PID in its own PID namespace; pid outside of containers',
    `euid` Nullable(Int64) COMMENT 'effective UID: not uid for a set-user-ID program',
    `egid` Nullable(Int64) COMMENT 'effective GID',
    `stderr` Nullable(String) COMMENT 'descriptor 2: type (file, pipe, tty, null, socket...), device, inode; of a file offset, size and path',
    `stdin_pipe` Nullable(Int64) COMMENT 'inode of the pipe that is descriptor 0; null: not a pipe, or closed',
    `stdout_pipe` Nullable(Int64) COMMENT 'inode of the pipe that is descriptor 1; as stdin_pipe',
    day Date MATERIALIZED toDate(substring(time, 1, 10))
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(day)
ORDER BY (pipeline, run, host, time, marker, seq);

CREATE TABLE IF NOT EXISTS `lifecycle_exec_failed` (
    `run` String COMMENT 'the run\x27s id',
    `host` String COMMENT 'where it ran',
    `pipeline` String COMMENT 'the run\x27s name',
    `ts` Int64 COMMENT 'when, on the boot clock (ns)',
    `time` String COMMENT 'when',
    `seq` Int64 COMMENT 'number in its stream',
    `marker` String COMMENT 'random id of its stream; (marker, seq) names a record',
    `pid` Int32 COMMENT 'process, in the initial pid namespace',
    `start` Int64 COMMENT 'the process\x27s start on the boot clock; (pid, start) names a process (ns)',
    `tid` Int32 COMMENT 'thread',
    `cpu` Int32 COMMENT 'CPU that it happened on',
    `missing` Nullable(String),
    `comm` Nullable(String) COMMENT 'name of the thread',
    `exe` Nullable(String) COMMENT 'path to execute',
    `error` Nullable(String) COMMENT 'ENOENT, EACCES...',
    `args` Array(String) COMMENT 'argv, as far as readable',
    day Date MATERIALIZED toDate(substring(time, 1, 10))
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(day)
ORDER BY (pipeline, run, host, time, marker, seq);

CREATE TABLE IF NOT EXISTS `lifecycle_exec` (
    `run` String COMMENT 'the run\x27s id',
    `host` String COMMENT 'where it ran',
    `pipeline` String COMMENT 'the run\x27s name',
    `ts` Int64 COMMENT 'when, on the boot clock (ns)',
    `time` String COMMENT 'when',
    `seq` Int64 COMMENT 'number in its stream',
    `marker` String COMMENT 'random id of its stream; (marker, seq) names a record',
    `pid` Int32 COMMENT 'process, in the initial pid namespace',
    `start` Int64 COMMENT 'the process\x27s start on the boot clock; (pid, start) names a process (ns)',
    `tid` Int32 COMMENT 'thread',
    `cpu` Int32 COMMENT 'CPU that it happened on',
    `missing` Nullable(String),
    `ppid` Nullable(Int32) COMMENT 'PID of the parent',
    `parent_start` Nullable(Int64) COMMENT 'start of the parent (ns)',
    `comm` Nullable(String) COMMENT 'name of the group leader\x27s thread',
    `exe` Nullable(String) COMMENT 'path as executed',
    `args` Array(String) COMMENT 'argv, byte for byte',
    `cwd` Nullable(String) COMMENT 'working directory, in its mount namespace',
    `uid` Nullable(Int64) COMMENT 'UID, in the initial namespace',
    `gid` Nullable(Int64) COMMENT 'GID, in the initial namespace',
    `cgroup` Nullable(String) COMMENT 'cgroup',
    `env` Nullable(String) COMMENT 'the environment variables that the option env names',
    `ns_pid` Nullable(Int32) COMMENT 'PID in its own PID namespace; pid outside of containers',
    `euid` Nullable(Int64) COMMENT 'effective UID: not uid for a set-user-ID program',
    `egid` Nullable(Int64) COMMENT 'effective GID',
    `stderr` Nullable(String) COMMENT 'descriptor 2: type (file, pipe, tty, null, socket...), device, inode; of a file offset, size and path',
    `stdin_pipe` Nullable(Int64) COMMENT 'inode of the pipe that is descriptor 0; null: not a pipe, or closed',
    `stdout_pipe` Nullable(Int64) COMMENT 'inode of the pipe that is descriptor 1; as stdin_pipe',
    day Date MATERIALIZED toDate(substring(time, 1, 10))
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(day)
ORDER BY (pipeline, run, host, time, marker, seq);

CREATE TABLE IF NOT EXISTS `lifecycle_exit` (
    `run` String COMMENT 'the run\x27s id',
    `host` String COMMENT 'where it ran',
    `pipeline` String COMMENT 'the run\x27s name',
    `ts` Int64 COMMENT 'when, on the boot clock (ns)',
    `time` String COMMENT 'when',
    `seq` Int64 COMMENT 'number in its stream',
    `marker` String COMMENT 'random id of its stream; (marker, seq) names a record',
    `pid` Int32 COMMENT 'process, in the initial pid namespace',
    `start` Int64 COMMENT 'the process\x27s start on the boot clock; (pid, start) names a process (ns)',
    `tid` Int32 COMMENT 'thread',
    `cpu` Int32 COMMENT 'CPU that it happened on',
    `missing` Nullable(String),
    `ppid` Nullable(Int32) COMMENT 'PID of the parent',
    `parent_start` Nullable(Int64) COMMENT 'start of the parent (ns)',
    `comm` Nullable(String) COMMENT 'name of the group leader\x27s thread',
    `exit_code` Nullable(Int32) COMMENT '0 to 255; null: killed by a signal',
    `signal` Nullable(Int32) COMMENT 'signal that killed it; null: it exited',
    `signal_name` Nullable(String) COMMENT 'name of the signal',
    `core_dumped` Nullable(UInt8) COMMENT 'the kernel wrote a core dump',
    `stack_fault` Nullable(UInt8) COMMENT 'ended by SIGSEGV for an access next to a thread\x27s stack pointer: its stack was full',
    `duration_ns` Nullable(Int64) COMMENT 'from its start to the exit of its last thread (ns)',
    `threads_peak` Nullable(Int64) COMMENT 'peak number of live threads',
    `signal_code` Nullable(String) COMMENT 'si_code of the signal that ended it, or asked it to end: SIGINT, SIGTERM',
    `sender` Nullable(String) COMMENT 'its sender: user, kernel, timer, oom, memory_limit',
    `sender_pid` Nullable(Int32) COMMENT 'PID of the process that sent it; null: no process did',
    `sender_start` Nullable(Int64) COMMENT 'its start (ns)',
    `sender_comm` Nullable(String) COMMENT 'its name; it may be unwatched',
    day Date MATERIALIZED toDate(substring(time, 1, 10))
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(day)
ORDER BY (pipeline, run, host, time, marker, seq);

CREATE TABLE IF NOT EXISTS `lifecycle_failure` (
    `run` String COMMENT 'the run\x27s id',
    `host` String COMMENT 'where it ran',
    `pipeline` String COMMENT 'the run\x27s name',
    `ts` Int64 COMMENT 'when, on the boot clock (ns)',
    `time` String COMMENT 'when',
    `seq` Int64 COMMENT 'number in its stream',
    `marker` String COMMENT 'random id of its stream; (marker, seq) names a record',
    `pid` Int32 COMMENT 'process, in the initial pid namespace',
    `start` Int64 COMMENT 'the process\x27s start on the boot clock; (pid, start) names a process (ns)',
    `tid` Int32 COMMENT 'thread',
    `cpu` Int32 COMMENT 'CPU that it happened on',
    `missing` Nullable(String),
    `stderr` Nullable(String) COMMENT 'descriptor 2 then, or before it closed it; of a file offset at the fork, or the last exec, and size',
    `cwd` Nullable(String) COMMENT 'working directory then; null: it ran a program, and its parent has the same',
    `programs` Nullable(Int64) COMMENT 'programs that it has executed; 0: it ran that of its parent',
    `stdin_pipe` Nullable(Int64) COMMENT 'inode of the pipe that is descriptor 0; null: not a pipe, or closed',
    `stdout_pipe` Nullable(Int64) COMMENT 'inode of the pipe that is descriptor 1; as stdin_pipe',
    day Date MATERIALIZED toDate(substring(time, 1, 10))
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(day)
ORDER BY (pipeline, run, host, time, marker, seq);

CREATE TABLE IF NOT EXISTS `lifecycle_fork` (
    `run` String COMMENT 'the run\x27s id',
    `host` String COMMENT 'where it ran',
    `pipeline` String COMMENT 'the run\x27s name',
    `ts` Int64 COMMENT 'when, on the boot clock (ns)',
    `time` String COMMENT 'when',
    `seq` Int64 COMMENT 'number in its stream',
    `marker` String COMMENT 'random id of its stream; (marker, seq) names a record',
    `pid` Int32 COMMENT 'process, in the initial pid namespace',
    `start` Int64 COMMENT 'the process\x27s start on the boot clock; (pid, start) names a process (ns)',
    `tid` Int32 COMMENT 'thread',
    `cpu` Int32 COMMENT 'CPU that it happened on',
    `missing` Nullable(String),
    `ppid` Nullable(Int32) COMMENT 'PID of the parent',
    `parent_start` Nullable(Int64) COMMENT 'start of the parent (ns)',
    `comm` Nullable(String) COMMENT 'name of the group leader\x27s thread',
    `ns_pid` Nullable(Int32) COMMENT 'PID in its own PID namespace; pid outside of containers',
    day Date MATERIALIZED toDate(substring(time, 1, 10))
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(day)
ORDER BY (pipeline, run, host, time, marker, seq);

CREATE TABLE IF NOT EXISTS `mem_exit` (
    `run` String COMMENT 'the run\x27s id',
    `host` String COMMENT 'where it ran',
    `pipeline` String COMMENT 'the run\x27s name',
    `ts` Int64 COMMENT 'when, on the boot clock (ns)',
    `time` String COMMENT 'when',
    `seq` Int64 COMMENT 'number in its stream',
    `marker` String COMMENT 'random id of its stream; (marker, seq) names a record',
    `pid` Int32 COMMENT 'process, in the initial pid namespace',
    `start` Int64 COMMENT 'the process\x27s start on the boot clock; (pid, start) names a process (ns)',
    `tid` Int32 COMMENT 'thread',
    `cpu` Int32 COMMENT 'CPU that it happened on',
    `missing` Nullable(String),
    `comm` Nullable(String) COMMENT 'name of the group leader\x27s thread',
    `peak_rss_bytes` Nullable(Int64) COMMENT 'peak resident memory since the last exec; after memory is freed the kernel\x27s counter may lag by at most 32 pages per CPU (or twice the number of CPUs) (bytes)',
    `rusage_maxrss_bytes` Nullable(Int64) COMMENT 'as reported by wait4(): may be the peak before the exec, or of a child it waited for (bytes)',
    `rss_bytes` Nullable(Int64) COMMENT 'resident: anon + file + shmem (bytes)',
    `anon_bytes` Nullable(Int64) COMMENT 'resident anonymous memory (bytes)',
    `file_bytes` Nullable(Int64) COMMENT 'resident file pages (bytes)',
    `shmem_bytes` Nullable(Int64) COMMENT 'resident shared memory (bytes)',
    `swap_bytes` Nullable(Int64) COMMENT 'swapped out (bytes)',
    `vm_bytes` Nullable(Int64) COMMENT 'size of the address space (bytes)',
    `stack_bytes` Nullable(Int64) COMMENT 'size of the stack (bytes)',
    `minor_faults` Nullable(Int64) COMMENT 'page faults without I/O',
    `major_faults` Nullable(Int64) COMMENT 'page faults with I/O',
    `inherited_rss_bytes` Nullable(Int64) COMMENT 'of a process that has not executed a program: what it shares with its parent, as resident at the fork, and files; else 0 (bytes)',
    `hugetlb_bytes` Nullable(Int64) COMMENT 'in pages of hugetlbfs, which are not resident memory (bytes)',
    `stack_limit_bytes` Nullable(Int64) COMMENT 'limit of stack_bytes (RLIMIT_STACK); null: none (bytes)',
    day Date MATERIALIZED toDate(substring(time, 1, 10))
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(day)
ORDER BY (pipeline, run, host, time, marker, seq);

CREATE TABLE IF NOT EXISTS `mem_image` (
    `run` String COMMENT 'the run\x27s id',
    `host` String COMMENT 'where it ran',
    `pipeline` String COMMENT 'the run\x27s name',
    `ts` Int64 COMMENT 'when, on the boot clock (ns)',
    `time` String COMMENT 'when',
    `seq` Int64 COMMENT 'number in its stream',
    `marker` String COMMENT 'random id of its stream; (marker, seq) names a record',
    `pid` Int32 COMMENT 'process, in the initial pid namespace',
    `start` Int64 COMMENT 'the process\x27s start on the boot clock; (pid, start) names a process (ns)',
    `tid` Int32 COMMENT 'thread',
    `cpu` Int32 COMMENT 'CPU that it happened on',
    `missing` Nullable(String),
    `peak_rss_bytes` Nullable(Int64) COMMENT 'its peak resident memory, as in exit (bytes)',
    `inherited_rss_bytes` Nullable(Int64) COMMENT 'of a process that has not executed a program: what it shares with its parent, as resident at the fork, and files; else 0 (bytes)',
    `rss_bytes` Nullable(Int64) COMMENT 'resident: anon + file + shmem (bytes)',
    `anon_bytes` Nullable(Int64) COMMENT 'resident anonymous memory (bytes)',
    `file_bytes` Nullable(Int64) COMMENT 'resident file pages (bytes)',
    `shmem_bytes` Nullable(Int64) COMMENT 'resident shared memory (bytes)',
    `swap_bytes` Nullable(Int64) COMMENT 'swapped out (bytes)',
    `vm_bytes` Nullable(Int64) COMMENT 'size of the address space (bytes)',
    `stack_bytes` Nullable(Int64) COMMENT 'size of the stack (bytes)',
    `minor_faults` Nullable(Int64) COMMENT 'page faults without I/O',
    `major_faults` Nullable(Int64) COMMENT 'page faults with I/O',
    `hugetlb_bytes` Nullable(Int64) COMMENT 'in pages of hugetlbfs, which are not resident memory (bytes)',
    day Date MATERIALIZED toDate(substring(time, 1, 10))
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(day)
ORDER BY (pipeline, run, host, time, marker, seq);

CREATE TABLE IF NOT EXISTS `mem_oom_kill` (
    `run` String COMMENT 'the run\x27s id',
    `host` String COMMENT 'where it ran',
    `pipeline` String COMMENT 'the run\x27s name',
    `ts` Int64 COMMENT 'when, on the boot clock (ns)',
    `time` String COMMENT 'when',
    `seq` Int64 COMMENT 'number in its stream',
    `marker` String COMMENT 'random id of its stream; (marker, seq) names a record',
    `pid` Int32 COMMENT 'process, in the initial pid namespace',
    `start` Int64 COMMENT 'the process\x27s start on the boot clock; (pid, start) names a process (ns)',
    `tid` Int32 COMMENT 'thread',
    `cpu` Int32 COMMENT 'CPU that it happened on',
    `missing` Nullable(String),
    `comm` Nullable(String) COMMENT 'the victim\x27s name',
    `rss_bytes` Nullable(Int64) COMMENT 'resident at that time (bytes)',
    `limit_bytes` Nullable(Int64) COMMENT 'memory limit of the cgroup (bytes)',
    `cgroup` Nullable(String) COMMENT 'the cgroup at its limit',
    `trigger_pid` Nullable(Int64) COMMENT 'process whose allocation failed',
    `trigger_start` Nullable(Int64) COMMENT 'its start (ns)',
    `trigger_comm` Nullable(String) COMMENT 'its name',
    `oom_scope` Nullable(String) COMMENT 'what was out of memory: "cgroup" or "host"; null: no longer determinable',
    `oom_cgroup` Nullable(String) COMMENT 'the cgroup at its limit',
    `usage_bytes` Nullable(Int64) COMMENT 'memory that the cgroup used (bytes)',
    day Date MATERIALIZED toDate(substring(time, 1, 10))
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(day)
ORDER BY (pipeline, run, host, time, marker, seq);

CREATE TABLE IF NOT EXISTS `mem_pss` (
    `run` String COMMENT 'the run\x27s id',
    `host` String COMMENT 'where it ran',
    `pipeline` String COMMENT 'the run\x27s name',
    `ts` Int64 COMMENT 'when, on the boot clock (ns)',
    `time` String COMMENT 'when',
    `seq` Int64 COMMENT 'number in its stream',
    `marker` String COMMENT 'random id of its stream; (marker, seq) names a record',
    `pid` Int32 COMMENT 'process, in the initial pid namespace',
    `start` Int64 COMMENT 'the process\x27s start on the boot clock; (pid, start) names a process (ns)',
    `tid` Int32 COMMENT 'thread',
    `cpu` Int32 COMMENT 'CPU that it happened on',
    `missing` Nullable(String),
    `pss_bytes` Nullable(Int64) COMMENT 'resident, each page divided by the processes that map it (bytes)',
    `pss_anon_bytes` Nullable(Int64) COMMENT 'of it anonymous memory (bytes)',
    `pss_file_bytes` Nullable(Int64) COMMENT 'of it file pages (bytes)',
    `pss_shmem_bytes` Nullable(Int64) COMMENT 'of it shared memory (bytes)',
    `private_bytes` Nullable(Int64) COMMENT 'resident in pages that no other process maps (bytes)',
    `shared_bytes` Nullable(Int64) COMMENT 'resident in pages that others map too, not divided (bytes)',
    `swap_pss_bytes` Nullable(Int64) COMMENT 'swapped out, divided in the same way (bytes)',
    day Date MATERIALIZED toDate(substring(time, 1, 10))
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(day)
ORDER BY (pipeline, run, host, time, marker, seq);

CREATE TABLE IF NOT EXISTS `mem_sample` (
    `run` String COMMENT 'the run\x27s id',
    `host` String COMMENT 'where it ran',
    `pipeline` String COMMENT 'the run\x27s name',
    `ts` Int64 COMMENT 'when, on the boot clock (ns)',
    `time` String COMMENT 'when',
    `seq` Int64 COMMENT 'number in its stream',
    `marker` String COMMENT 'random id of its stream; (marker, seq) names a record',
    `pid` Int32 COMMENT 'process, in the initial pid namespace',
    `start` Int64 COMMENT 'the process\x27s start on the boot clock; (pid, start) names a process (ns)',
    `tid` Int32 COMMENT 'thread',
    `cpu` Int32 COMMENT 'CPU that it happened on',
    `missing` Nullable(String),
    `comm` Nullable(String) COMMENT 'name of the group leader\x27s thread',
    `rss_bytes` Nullable(Int64) COMMENT 'resident: anon + file + shmem (bytes)',
    `anon_bytes` Nullable(Int64) COMMENT 'resident anonymous memory (bytes)',
    `file_bytes` Nullable(Int64) COMMENT 'resident file pages (bytes)',
    `shmem_bytes` Nullable(Int64) COMMENT 'resident shared memory (bytes)',
    `swap_bytes` Nullable(Int64) COMMENT 'swapped out (bytes)',
    `vm_bytes` Nullable(Int64) COMMENT 'size of the address space (bytes)',
    `stack_bytes` Nullable(Int64) COMMENT 'size of the stack (bytes)',
    `minor_faults` Nullable(Int64) COMMENT 'page faults without I/O',
    `major_faults` Nullable(Int64) COMMENT 'page faults with I/O',
    `inherited_rss_bytes` Nullable(Int64) COMMENT 'of a process that has not executed a program: what it shares with its parent, as resident at the fork, and files; else 0 (bytes)',
    `hugetlb_bytes` Nullable(Int64) COMMENT 'in pages of hugetlbfs, which are not resident memory (bytes)',
    day Date MATERIALIZED toDate(substring(time, 1, 10))
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(day)
ORDER BY (pipeline, run, host, time, marker, seq);

CREATE TABLE IF NOT EXISTS `mem_together` (
    `run` String COMMENT 'the run\x27s id',
    `host` String COMMENT 'where it ran',
    `pipeline` String COMMENT 'the run\x27s name',
    `ts` Int64 COMMENT 'when, on the boot clock (ns)',
    `time` String COMMENT 'when',
    `seq` Int64 COMMENT 'number in its stream',
    `marker` String COMMENT 'random id of its stream; (marker, seq) names a record',
    `pid` Int32 COMMENT 'process, in the initial pid namespace',
    `start` Int64 COMMENT 'the process\x27s start on the boot clock; (pid, start) names a process (ns)',
    `tid` Int32 COMMENT 'thread',
    `cpu` Int32 COMMENT 'CPU that it happened on',
    `missing` Nullable(String),
    `pss_bytes` Nullable(Int64) COMMENT 'sum of Pss of the processes that were read (bytes)',
    `processes` Nullable(Int64) COMMENT 'of the run, that had been sampled',
    `processes_read` Nullable(Int64) COMMENT 'of them, those that were read',
    `read_ns` Nullable(Int64) COMMENT 'how long that took, until this record (ns)',
    `cgroup` Nullable(String) COMMENT 'the memory cgroup in which most of their memory is, of all processes in it:',
    `cgroup_bytes` Nullable(Int64) COMMENT 'its charge (bytes)',
    `cgroup_limit_bytes` Nullable(Int64) COMMENT 'its limit; null: none (bytes)',
    `cgroup_peak_bytes` Nullable(Int64) COMMENT 'most that it was charged, also before the run (bytes)',
    `cgroup_anon_bytes` Nullable(Int64) COMMENT 'of the charge anonymous memory (bytes)',
    `cgroup_page_cache_bytes` Nullable(Int64) COMMENT 'of the charge page cache of files, which the kernel drops when memory is short (bytes)',
    `cgroup_shmem_bytes` Nullable(Int64) COMMENT 'of the charge shared memory, tmpfs included (bytes)',
    `cgroup_processes` Nullable(Int64) COMMENT 'processes in it and below, without the collector\x27s own',
    `cgroup_run_processes` Nullable(Int64) COMMENT 'processes of the run in it',
    `cgroup_limit_hits` Nullable(Int64) COMMENT 'charges that met its limit, since it was made',
    `cgroup_oom_kills` Nullable(Int64) COMMENT 'processes killed in it by the OOM killer',
    `periods` Nullable(Int64) COMMENT 'of its CPU cgroup: periods of the quota in which it ran',
    `throttled_periods` Nullable(Int64) COMMENT 'of them, those in which the quota was used up',
    `throttled_ns` Nullable(Int64) COMMENT 'how long it was throttled, all CPUs (ns)',
    `quota_ns` Nullable(Int64) COMMENT 'CPU time that it may use in a period; null: no limit (ns)',
    `period_ns` Nullable(Int64) COMMENT 'length of a period (ns)',
    `pids` Nullable(Int64) COMMENT 'of its pids cgroup: processes and threads in it',
    `pids_limit` Nullable(Int64) COMMENT 'how many may be; null: no limit',
    `pids_refused` Nullable(Int64) COMMENT 'forks that failed for that limit',
    day Date MATERIALIZED toDate(substring(time, 1, 10))
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(day)
ORDER BY (pipeline, run, host, time, marker, seq);

CREATE TABLE IF NOT EXISTS `output_head` (
    `run` String COMMENT 'the run\x27s id',
    `host` String COMMENT 'where it ran',
    `pipeline` String COMMENT 'the run\x27s name',
    `ts` Int64 COMMENT 'when, on the boot clock (ns)',
    `time` String COMMENT 'when',
    `seq` Int64 COMMENT 'number in its stream',
    `marker` String COMMENT 'random id of its stream; (marker, seq) names a record',
    `pid` Int32 COMMENT 'process, in the initial pid namespace',
    `start` Int64 COMMENT 'the process\x27s start on the boot clock; (pid, start) names a process (ns)',
    `tid` Int32 COMMENT 'thread',
    `cpu` Int32 COMMENT 'CPU that it happened on',
    `missing` Nullable(String),
    `bytes` Nullable(Int64) COMMENT 'of the text, before redaction (bytes)',
    `text` Nullable(String) COMMENT 'what the file begins with',
    `path` Nullable(String) COMMENT 'the file',
    day Date MATERIALIZED toDate(substring(time, 1, 10))
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(day)
ORDER BY (pipeline, run, host, time, marker, seq);

CREATE TABLE IF NOT EXISTS `output_log` (
    `run` String COMMENT 'the run\x27s id',
    `host` String COMMENT 'where it ran',
    `pipeline` String COMMENT 'the run\x27s name',
    `ts` Int64 COMMENT 'when, on the boot clock (ns)',
    `time` String COMMENT 'when',
    `seq` Int64 COMMENT 'number in its stream',
    `marker` String COMMENT 'random id of its stream; (marker, seq) names a record',
    `pid` Int32 COMMENT 'process, in the initial pid namespace',
    `start` Int64 COMMENT 'the process\x27s start on the boot clock; (pid, start) names a process (ns)',
    `tid` Int32 COMMENT 'thread',
    `cpu` Int32 COMMENT 'CPU that it happened on',
    `missing` Nullable(String),
    `bytes` Nullable(Int64) COMMENT 'of the text, before redaction (bytes)',
    `log_bytes` Nullable(Int64) COMMENT 'of the log that were read by then (bytes)',
    `text` Nullable(String) COMMENT 'whole lines, those that came since the event before',
    `engine` Nullable(String) COMMENT 'its name, by the option engine_logs',
    `path` Nullable(String) COMMENT 'the folder',
    day Date MATERIALIZED toDate(substring(time, 1, 10))
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(day)
ORDER BY (pipeline, run, host, time, marker, seq);

CREATE TABLE IF NOT EXISTS `output_text` (
    `run` String COMMENT 'the run\x27s id',
    `host` String COMMENT 'where it ran',
    `pipeline` String COMMENT 'the run\x27s name',
    `ts` Int64 COMMENT 'when, on the boot clock (ns)',
    `time` String COMMENT 'when',
    `seq` Int64 COMMENT 'number in its stream',
    `marker` String COMMENT 'random id of its stream; (marker, seq) names a record',
    `pid` Int32 COMMENT 'process, in the initial pid namespace',
    `start` Int64 COMMENT 'the process\x27s start on the boot clock; (pid, start) names a process (ns)',
    `tid` Int32 COMMENT 'thread',
    `cpu` Int32 COMMENT 'CPU that it happened on',
    `missing` Nullable(String),
    `fd` Nullable(Int32) COMMENT 'the descriptor: 2',
    `bytes` Nullable(Int64) COMMENT 'of the text, before redaction (bytes)',
    `cut` Nullable(Int64) COMMENT 'bytes that were written before the text',
    `source` Nullable(String) COMMENT 'file (read at the exit), or write',
    `text` Nullable(String) COMMENT 'the last lines',
    `path` Nullable(String) COMMENT 'the file; null: it was written to something else',
    day Date MATERIALIZED toDate(substring(time, 1, 10))
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(day)
ORDER BY (pipeline, run, host, time, marker, seq);

CREATE TABLE IF NOT EXISTS `stall_descriptor` (
    `run` String COMMENT 'the run\x27s id',
    `host` String COMMENT 'where it ran',
    `pipeline` String COMMENT 'the run\x27s name',
    `ts` Int64 COMMENT 'when, on the boot clock (ns)',
    `time` String COMMENT 'when',
    `seq` Int64 COMMENT 'number in its stream',
    `marker` String COMMENT 'random id of its stream; (marker, seq) names a record',
    `pid` Int32 COMMENT 'process, in the initial pid namespace',
    `start` Int64 COMMENT 'the process\x27s start on the boot clock; (pid, start) names a process (ns)',
    `tid` Int32 COMMENT 'thread',
    `cpu` Int32 COMMENT 'CPU that it happened on',
    `missing` Nullable(String),
    `look` Nullable(Int64) COMMENT 'number of the look',
    `fd` Nullable(Int32) COMMENT 'number of the descriptor in owner_pid',
    `type` Nullable(String) COMMENT 'file, directory, pipe, fifo, socket, tty, null, char, block, eventfd, epoll, timerfd, signalfd, inotify, pidfd, io_uring, other',
    `device` Nullable(Int64) COMMENT 'of the file system, as st_dev in stat(2)',
    `inode` Nullable(Int64) COMMENT '(device, inode) identifies a pipe, FIFO, socket or file',
    `mode` Nullable(String) COMMENT 'r, w or rw: how it is open',
    `peer` Nullable(Int64) COMMENT 'of a connected Unix socket the inode of the other end; of a pidfd the pid; else null',
    `address` Nullable(String) COMMENT 'of a socket: "tcp 127.0.0.1:80 -> 127.0.0.1:4711", "unix /run/x.sock", "unix @abstract"; else null',
    `path` Nullable(String) COMMENT 'where it has one, at most the first 512 bytes; else null',
    `open_file` Nullable(Int64) COMMENT 'a number for the open file description: the same in two descriptors if one is a duplicate of the other (dup, fork), different in each run',
    `readers` Nullable(Int64) COMMENT 'of a pipe or FIFO: open file descriptions that can read, by the kernel\x27s own count; more than the distinct open_file with mode r or rw in this look: some holder is not seen (in flight over a socket)',
    `writers` Nullable(Int64) COMMENT 'the same, that can write',
    `locked` Nullable(String) COMMENT 'flock, posix or ofd: the holder has a lock on that file by this descriptor (posix: as a process); else null',
    `owner_pid` Nullable(Int64) COMMENT 'the process that has the descriptor: pid, if watched is true',
    `owner_start` Nullable(Int64) COMMENT 'its start (ns)',
    `owner_comm` Nullable(String) COMMENT 'its name',
    `watched` Nullable(UInt8) COMMENT 'the owner is in the scope; false: an outsider, and pid is the stuck process that shares it with the outsider',
    day Date MATERIALIZED toDate(substring(time, 1, 10))
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(day)
ORDER BY (pipeline, run, host, time, marker, seq);

CREATE TABLE IF NOT EXISTS `stall_moving` (
    `run` String COMMENT 'the run\x27s id',
    `host` String COMMENT 'where it ran',
    `pipeline` String COMMENT 'the run\x27s name',
    `ts` Int64 COMMENT 'when, on the boot clock (ns)',
    `time` String COMMENT 'when',
    `seq` Int64 COMMENT 'number in its stream',
    `marker` String COMMENT 'random id of its stream; (marker, seq) names a record',
    `pid` Int32 COMMENT 'process, in the initial pid namespace',
    `start` Int64 COMMENT 'the process\x27s start on the boot clock; (pid, start) names a process (ns)',
    `tid` Int32 COMMENT 'thread',
    `cpu` Int32 COMMENT 'CPU that it happened on',
    `missing` Nullable(String),
    `look` Nullable(Int64) COMMENT 'number of the look',
    `since` Nullable(Int64) COMMENT 'boot clock: it had stood still since then (ns)',
    `stuck_ns` Nullable(Int64) COMMENT 'for how long, to within an interval (ns)',
    `comm` Nullable(String) COMMENT 'name of the group leader\x27s thread',
    day Date MATERIALIZED toDate(substring(time, 1, 10))
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(day)
ORDER BY (pipeline, run, host, time, marker, seq);

CREATE TABLE IF NOT EXISTS `stall_picture` (
    `run` String COMMENT 'the run\x27s id',
    `host` String COMMENT 'where it ran',
    `pipeline` String COMMENT 'the run\x27s name',
    `ts` Int64 COMMENT 'when, on the boot clock (ns)',
    `time` String COMMENT 'when',
    `seq` Int64 COMMENT 'number in its stream',
    `marker` String COMMENT 'random id of its stream; (marker, seq) names a record',
    `pid` Int32 COMMENT 'process, in the initial pid namespace',
    `start` Int64 COMMENT 'the process\x27s start on the boot clock; (pid, start) names a process (ns)',
    `tid` Int32 COMMENT 'thread',
    `cpu` Int32 COMMENT 'CPU that it happened on',
    `missing` Nullable(String),
    `look` Nullable(Int64) COMMENT 'number of the look',
    `since` Nullable(Int64) COMMENT 'boot clock: since then no thread of it ran (ns)',
    `comm` Nullable(String) COMMENT 'name of the group leader\x27s thread',
    `threads` Nullable(Int64) COMMENT 'stuck records of this process in this look',
    `descriptors` Nullable(Int64) COMMENT 'descriptor records of its own descriptors in this look',
    `holders` Nullable(Int64) COMMENT 'descriptor records of this look of all processes that were not themselves described in it',
    `complete` Nullable(UInt8) COMMENT 'all threads, all descriptors and all holders of its pipes, FIFOs, sockets (Unix, local TCP), eventfds and locked files are in the stream, watched or not',
    `incomplete` Nullable(String) COMMENT 'why not: moved (it went on meanwhile), limit (more than a look has room for), namespace (the collector does not see all processes of the host), denied (it or a holder is another user\x27s, whose details the run\x27s owner may not see); null: it is complete',
    day Date MATERIALIZED toDate(substring(time, 1, 10))
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(day)
ORDER BY (pipeline, run, host, time, marker, seq);

CREATE TABLE IF NOT EXISTS `stall_stuck` (
    `run` String COMMENT 'the run\x27s id',
    `host` String COMMENT 'where it ran',
    `pipeline` String COMMENT 'the run\x27s name',
    `ts` Int64 COMMENT 'when, on the boot clock (ns)',
    `time` String COMMENT 'when',
    `seq` Int64 COMMENT 'number in its stream',
    `marker` String COMMENT 'random id of its stream; (marker, seq) names a record',
    `pid` Int32 COMMENT 'process, in the initial pid namespace',
    `start` Int64 COMMENT 'the process\x27s start on the boot clock; (pid, start) names a process (ns)',
    `tid` Int32 COMMENT 'thread',
    `cpu` Int32 COMMENT 'CPU that it happened on',
    `missing` Nullable(String),
    `look` Nullable(Int64) COMMENT 'number of the look, from 1 on: records of one look belong together',
    `since` Nullable(Int64) COMMENT 'boot clock: since then no thread of the process ran: the time of the look that found it so, up to one interval late (ns)',
    `comm` Nullable(String) COMMENT 'name of the thread',
    `state` Nullable(String) COMMENT 'S D T t I, as in ps(1)',
    `wait_channel` Nullable(String) COMMENT 'kernel function it sleeps in, as in /proc/PID/wchan',
    `syscall` Nullable(String) COMMENT 'system call by name, as "futex"; null: in none (stopped in user space, a page fault)',
    `syscall_args` Array(String) COMMENT 'its six arguments, "0x3", as in /proc/PID/syscall',
    `opening` Nullable(String) COMMENT 'of a thread that waits for the other end of a FIFO to be opened: its path, at most the first 512 bytes; else null',
    `futex_word` Nullable(Int64) COMMENT 'of a thread in a futex wait: the 32 bits at the first argument; null: in none, or not readable',
    `futex_owner` Nullable(Int64) COMMENT 'thread (tid in the initial PID namespace) that owns that futex, by its word (PI, robust) or that of a glibc mutex; null: no owner is known (a condition variable, a semaphore), gone: it has ended',
    `blocker` Nullable(Int64) COMMENT 'thread that owns the kernel lock it waits for; null: it waits for none, or the kernel does not say',
    `blocker_lock` Nullable(String) COMMENT 'that lock: mutex, semaphore, rwsem_reader, rwsem_writer',
    `ptracer` Nullable(Int64) COMMENT 'process that traces it; null: none',
    `in_iowait` Nullable(UInt8) COMMENT 'waits for I/O, as the kernel counts it',
    `children` Nullable(Int64) COMMENT 'children of this thread that are not yet waited for, zombies included',
    `timer` Nullable(UInt8) COMMENT 'an alarm, interval or POSIX timer of the process is armed: it may end the wait',
    day Date MATERIALIZED toDate(substring(time, 1, 10))
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(day)
ORDER BY (pipeline, run, host, time, marker, seq);

CREATE TABLE IF NOT EXISTS `stall_zombie` (
    `run` String COMMENT 'the run\x27s id',
    `host` String COMMENT 'where it ran',
    `pipeline` String COMMENT 'the run\x27s name',
    `ts` Int64 COMMENT 'when, on the boot clock (ns)',
    `time` String COMMENT 'when',
    `seq` Int64 COMMENT 'number in its stream',
    `marker` String COMMENT 'random id of its stream; (marker, seq) names a record',
    `pid` Int32 COMMENT 'process, in the initial pid namespace',
    `start` Int64 COMMENT 'the process\x27s start on the boot clock; (pid, start) names a process (ns)',
    `tid` Int32 COMMENT 'thread',
    `cpu` Int32 COMMENT 'CPU that it happened on',
    `missing` Nullable(String),
    `look` Nullable(Int64) COMMENT 'number of the look',
    `since` Nullable(Int64) COMMENT 'boot clock: when it exited (ns)',
    `comm` Nullable(String) COMMENT 'its name',
    `parent_pid` Nullable(Int64) COMMENT 'the process that is to wait for it',
    `parent_start` Nullable(Int64) COMMENT 'its start (ns)',
    `parent_comm` Nullable(String) COMMENT 'its name',
    day Date MATERIALIZED toDate(substring(time, 1, 10))
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(day)
ORDER BY (pipeline, run, host, time, marker, seq);
