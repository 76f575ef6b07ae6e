-- The tables of the sink clickhouse, which makes them itself unless create=false. For a cluster, add ON CLUSTER and use
-- ReplicatedReplacingMergeTree; for an end of old rows, add TTL toDateTime(time) + INTERVAL 90 DAY.
--
--   clickhouse-client --database collector --multiquery <tables.sql

CREATE TABLE IF NOT EXISTS `core_lost` (
    `run` LowCardinality(String) COMMENT 'the run\x27s id',
    `host` LowCardinality(String) COMMENT 'where it ran',
    `pipeline` LowCardinality(String) COMMENT 'the run\x27s name',
    `ts` Int64 COMMENT 'when, on the boot clock (ns)' CODEC(Delta, ZSTD(1)),
    `time` DateTime64(6, 'UTC') COMMENT 'when' CODEC(Delta, ZSTD(1)),
    `seq` Int64 COMMENT 'number in its stream' CODEC(Delta, ZSTD(1)),
    `marker` LowCardinality(String) COMMENT 'random id of its stream; (marker, seq) names a record',
    `pid` Nullable(Int32) COMMENT 'process, in the initial pid namespace' CODEC(T64, ZSTD(1)),
    `start` Nullable(Int64) COMMENT 'the process\x27s start on the boot clock; (pid, start) names a process (ns)' CODEC(Delta, ZSTD(1)),
    `tid` Nullable(Int32) COMMENT 'thread' CODEC(T64, ZSTD(1)),
    `cpu` Nullable(Int32) COMMENT 'CPU that it happened on' CODEC(T64, ZSTD(1)),
    `missing` LowCardinality(Nullable(String)),
    `stream_lost` LowCardinality(String) COMMENT 'stream whose events were lost',
    `lost_events` Nullable(Int64) COMMENT 'how many; null where damage hides it' CODEC(T64, ZSTD(1)),
    `since` Int64 COMMENT 'boot clock from which on events may be missing (ns)' CODEC(T64, ZSTD(1)),
    `event_lost` LowCardinality(String) COMMENT 'name of the event; empty: any',
    `cause` LowCardinality(String) COMMENT 'what lost them'
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(time)
ORDER BY (pipeline, run, host, time, stream_lost, event_lost, cause, since, marker, seq)
SETTINGS non_replicated_deduplication_window = 1000;

CREATE TABLE IF NOT EXISTS `cpu_exit` (
    `run` LowCardinality(String) COMMENT 'the run\x27s id',
    `host` LowCardinality(String) COMMENT 'where it ran',
    `pipeline` LowCardinality(String) COMMENT 'the run\x27s name',
    `ts` Int64 COMMENT 'when, on the boot clock (ns)' CODEC(Delta, ZSTD(1)),
    `time` DateTime64(6, 'UTC') COMMENT 'when' CODEC(Delta, ZSTD(1)),
    `seq` Int64 COMMENT 'number in its stream' CODEC(Delta, ZSTD(1)),
    `marker` LowCardinality(String) COMMENT 'random id of its stream; (marker, seq) names a record',
    `pid` Int32 COMMENT 'process, in the initial pid namespace' CODEC(T64, ZSTD(1)),
    `start` Int64 COMMENT 'the process\x27s start on the boot clock; (pid, start) names a process (ns)' CODEC(Delta, ZSTD(1)),
    `tid` Int32 COMMENT 'thread' CODEC(T64, ZSTD(1)),
    `cpu` Int32 COMMENT 'CPU that it happened on' CODEC(T64, ZSTD(1)),
    `missing` LowCardinality(Nullable(String)),
    `comm` LowCardinality(Nullable(String)) COMMENT 'name of the group leader\x27s thread',
    `cpu_ns` Nullable(Int64) COMMENT 'run time of all threads, by the scheduler\x27s clock (ns)' CODEC(T64, ZSTD(1)),
    `user_ns` Nullable(Int64) COMMENT 'part of cpu_ns in user space, as wait4 splits it (ns)' CODEC(T64, ZSTD(1)),
    `system_ns` Nullable(Int64) COMMENT 'part of cpu_ns in the kernel (ns)' CODEC(T64, ZSTD(1)),
    `threads` Nullable(Int64) COMMENT 'peak number of live threads' CODEC(T64, ZSTD(1)),
    `voluntary_switches` Nullable(Int64) COMMENT 'voluntary context switches' CODEC(T64, ZSTD(1)),
    `involuntary_switches` Nullable(Int64) COMMENT 'involuntary context switches' CODEC(T64, ZSTD(1)),
    `final` Nullable(Bool) COMMENT 'the kernel\x27s accounting was final: the values are exact',
    `exited_ns` Nullable(Int64) COMMENT 'when it exited; the event comes when its accounting is final, or known not to be (ns)' CODEC(T64, ZSTD(1)),
    `run_delay_ns` Nullable(Int64) COMMENT 'waited for a CPU while it could run, all threads, ended ones too (ns)' CODEC(T64, ZSTD(1)),
    `cpus_allowed` Nullable(Int64) COMMENT 'CPUs on which its leader may run' CODEC(T64, ZSTD(1)),
    `samples` Nullable(Int64) COMMENT 'how often it was sampled so far' CODEC(T64, ZSTD(1)),
    `iowait_samples` Nullable(Int64) COMMENT 'of them, those with a thread in I/O wait' CODEC(T64, ZSTD(1))
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(time)
ORDER BY (pipeline, run, host, time, marker, seq)
SETTINGS non_replicated_deduplication_window = 1000;

CREATE TABLE IF NOT EXISTS `cpu_image` (
    `run` LowCardinality(String) COMMENT 'the run\x27s id',
    `host` LowCardinality(String) COMMENT 'where it ran',
    `pipeline` LowCardinality(String) COMMENT 'the run\x27s name',
    `ts` Int64 COMMENT 'when, on the boot clock (ns)' CODEC(Delta, ZSTD(1)),
    `time` DateTime64(6, 'UTC') COMMENT 'when' CODEC(Delta, ZSTD(1)),
    `seq` Int64 COMMENT 'number in its stream' CODEC(Delta, ZSTD(1)),
    `marker` LowCardinality(String) COMMENT 'random id of its stream; (marker, seq) names a record',
    `pid` Int32 COMMENT 'process, in the initial pid namespace' CODEC(T64, ZSTD(1)),
    `start` Int64 COMMENT 'the process\x27s start on the boot clock; (pid, start) names a process (ns)' CODEC(Delta, ZSTD(1)),
    `tid` Int32 COMMENT 'thread' CODEC(T64, ZSTD(1)),
    `cpu` Int32 COMMENT 'CPU that it happened on' CODEC(T64, ZSTD(1)),
    `missing` LowCardinality(Nullable(String)),
    `cpu_ns` Nullable(Int64) COMMENT 'run time of all threads, by the scheduler\x27s clock (ns)' CODEC(T64, ZSTD(1)),
    `user_ns` Nullable(Int64) COMMENT 'part of cpu_ns in user space, as wait4 splits it (ns)' CODEC(T64, ZSTD(1)),
    `system_ns` Nullable(Int64) COMMENT 'part of cpu_ns in the kernel (ns)' CODEC(T64, ZSTD(1)),
    `voluntary_switches` Nullable(Int64) COMMENT 'voluntary context switches' CODEC(T64, ZSTD(1)),
    `involuntary_switches` Nullable(Int64) COMMENT 'involuntary context switches' CODEC(T64, ZSTD(1))
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(time)
ORDER BY (pipeline, run, host, time, marker, seq)
SETTINGS non_replicated_deduplication_window = 1000;

CREATE TABLE IF NOT EXISTS `cpu_sample` (
    `run` LowCardinality(String) COMMENT 'the run\x27s id',
    `host` LowCardinality(String) COMMENT 'where it ran',
    `pipeline` LowCardinality(String) COMMENT 'the run\x27s name',
    `ts` Int64 COMMENT 'when, on the boot clock (ns)' CODEC(Delta, ZSTD(1)),
    `time` DateTime64(6, 'UTC') COMMENT 'when' CODEC(Delta, ZSTD(1)),
    `seq` Int64 COMMENT 'number in its stream' CODEC(Delta, ZSTD(1)),
    `marker` LowCardinality(String) COMMENT 'random id of its stream; (marker, seq) names a record',
    `pid` Int32 COMMENT 'process, in the initial pid namespace' CODEC(T64, ZSTD(1)),
    `start` Int64 COMMENT 'the process\x27s start on the boot clock; (pid, start) names a process (ns)' CODEC(Delta, ZSTD(1)),
    `tid` Int32 COMMENT 'thread' CODEC(T64, ZSTD(1)),
    `cpu` Int32 COMMENT 'CPU that it happened on' CODEC(T64, ZSTD(1)),
    `missing` LowCardinality(Nullable(String)),
    `comm` LowCardinality(Nullable(String)) COMMENT 'name of the group leader\x27s thread',
    `cpu_ns` Nullable(Int64) COMMENT 'run time of all threads, by the scheduler\x27s clock (ns)' CODEC(T64, ZSTD(1)),
    `user_ns` Nullable(Int64) COMMENT 'part of cpu_ns in user space, as wait4 splits it (ns)' CODEC(T64, ZSTD(1)),
    `system_ns` Nullable(Int64) COMMENT 'part of cpu_ns in the kernel (ns)' CODEC(T64, ZSTD(1)),
    `threads` Nullable(Int64) COMMENT 'live threads' CODEC(T64, ZSTD(1)),
    `state` LowCardinality(Nullable(String)) COMMENT 'state of the most active thread: R D S T t Z, as in ps(1)',
    `voluntary_switches` Nullable(Int64) COMMENT 'voluntary context switches' CODEC(T64, ZSTD(1)),
    `involuntary_switches` Nullable(Int64) COMMENT 'involuntary context switches' CODEC(T64, ZSTD(1)),
    `run_delay_ns` Nullable(Int64) COMMENT 'waited for a CPU while it could run, all threads, ended ones too (ns)' CODEC(T64, ZSTD(1)),
    `cpus_allowed` Nullable(Int64) COMMENT 'CPUs on which its leader may run' CODEC(T64, ZSTD(1)),
    `samples` Nullable(Int64) COMMENT 'how often it was sampled so far' CODEC(T64, ZSTD(1)),
    `iowait_samples` Nullable(Int64) COMMENT 'of them, those with a thread in I/O wait' CODEC(T64, ZSTD(1)),
    `in_iowait` Nullable(Int64) COMMENT 'threads that are in I/O wait' CODEC(T64, ZSTD(1)),
    `quota_ns` Nullable(Int64) COMMENT 'CPU time a period by the tightest quota of its cgroups; null: none (ns)' CODEC(T64, ZSTD(1)),
    `period_ns` Nullable(Int64) COMMENT 'of that quota (ns)' CODEC(T64, ZSTD(1)),
    `periods` Nullable(Int64) COMMENT 'nr_periods of that cgroup so far' CODEC(T64, ZSTD(1)),
    `throttled_periods` Nullable(Int64) COMMENT 'nr_throttled: of them, those in which it was stopped' CODEC(T64, ZSTD(1)),
    `throttled_ns` Nullable(Int64) COMMENT 'how long its CPUs were stopped, added up (ns)' CODEC(T64, ZSTD(1)),
    `quota_cgroup_id` Nullable(Int64) COMMENT 'that cgroup\x27s inode' CODEC(T64, ZSTD(1)),
    `syscall` LowCardinality(Nullable(String)) COMMENT 'system call that its leader sleeps in, as "futex"; null: it runs, is stopped, or is in none',
    `descriptor` LowCardinality(Nullable(String)) COMMENT 'where it reads or writes: file, directory, pipe, fifo, socket, tty, char, block, other'
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(time)
ORDER BY (pipeline, run, host, time, marker, seq)
SETTINGS non_replicated_deduplication_window = 1000;

CREATE TABLE IF NOT EXISTS `io_exit` (
    `run` LowCardinality(String) COMMENT 'the run\x27s id',
    `host` LowCardinality(String) COMMENT 'where it ran',
    `pipeline` LowCardinality(String) COMMENT 'the run\x27s name',
    `ts` Int64 COMMENT 'when, on the boot clock (ns)' CODEC(Delta, ZSTD(1)),
    `time` DateTime64(6, 'UTC') COMMENT 'when' CODEC(Delta, ZSTD(1)),
    `seq` Int64 COMMENT 'number in its stream' CODEC(Delta, ZSTD(1)),
    `marker` LowCardinality(String) COMMENT 'random id of its stream; (marker, seq) names a record',
    `pid` Int32 COMMENT 'process, in the initial pid namespace' CODEC(T64, ZSTD(1)),
    `start` Int64 COMMENT 'the process\x27s start on the boot clock; (pid, start) names a process (ns)' CODEC(Delta, ZSTD(1)),
    `tid` Int32 COMMENT 'thread' CODEC(T64, ZSTD(1)),
    `cpu` Int32 COMMENT 'CPU that it happened on' CODEC(T64, ZSTD(1)),
    `missing` LowCardinality(Nullable(String)),
    `comm` LowCardinality(Nullable(String)) COMMENT 'name of the group leader\x27s thread',
    `read_chars` Nullable(Int64) COMMENT 'read by system calls of its threads, from the page cache too (bytes)' CODEC(T64, ZSTD(1)),
    `write_chars` Nullable(Int64) COMMENT 'written by system calls (bytes)' CODEC(T64, ZSTD(1)),
    `read_syscalls` Nullable(Int64) COMMENT 'system calls that read' CODEC(T64, ZSTD(1)),
    `write_syscalls` Nullable(Int64) COMMENT 'system calls that wrote' CODEC(T64, ZSTD(1)),
    `read_bytes` Nullable(Int64) COMMENT 'fetched from storage (bytes)' CODEC(T64, ZSTD(1)),
    `write_bytes` Nullable(Int64) COMMENT 'to write to storage: counted when a page is dirtied (bytes)' CODEC(T64, ZSTD(1)),
    `cancelled_write_bytes` Nullable(Int64) COMMENT 'of write_bytes, dropped before they were written (bytes)' CODEC(T64, ZSTD(1)),
    `final` Nullable(Bool) COMMENT 'the kernel\x27s accounting was final: the values are exact',
    `children_read_chars` Nullable(Int64) COMMENT 'by children that it waited for, and theirs (bytes)' CODEC(T64, ZSTD(1)),
    `children_write_chars` Nullable(Int64) COMMENT 'by children that it waited for, and theirs (bytes)' CODEC(T64, ZSTD(1)),
    `children_read_syscalls` Nullable(Int64) COMMENT 'by children that it waited for, and theirs' CODEC(T64, ZSTD(1)),
    `children_write_syscalls` Nullable(Int64) COMMENT 'by children that it waited for, and theirs' CODEC(T64, ZSTD(1)),
    `children_read_bytes` Nullable(Int64) COMMENT 'by children that it waited for, and theirs (bytes)' CODEC(T64, ZSTD(1)),
    `children_write_bytes` Nullable(Int64) COMMENT 'by children that it waited for, and theirs (bytes)' CODEC(T64, ZSTD(1)),
    `children_cancelled_write_bytes` Nullable(Int64) COMMENT 'by children that it waited for, and theirs (bytes)' CODEC(T64, ZSTD(1)),
    `exited_ns` Nullable(Int64) COMMENT 'when it exited; the event comes when its accounting is final, or known not to be (ns)' CODEC(T64, ZSTD(1))
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(time)
ORDER BY (pipeline, run, host, time, marker, seq)
SETTINGS non_replicated_deduplication_window = 1000;

CREATE TABLE IF NOT EXISTS `io_image` (
    `run` LowCardinality(String) COMMENT 'the run\x27s id',
    `host` LowCardinality(String) COMMENT 'where it ran',
    `pipeline` LowCardinality(String) COMMENT 'the run\x27s name',
    `ts` Int64 COMMENT 'when, on the boot clock (ns)' CODEC(Delta, ZSTD(1)),
    `time` DateTime64(6, 'UTC') COMMENT 'when' CODEC(Delta, ZSTD(1)),
    `seq` Int64 COMMENT 'number in its stream' CODEC(Delta, ZSTD(1)),
    `marker` LowCardinality(String) COMMENT 'random id of its stream; (marker, seq) names a record',
    `pid` Int32 COMMENT 'process, in the initial pid namespace' CODEC(T64, ZSTD(1)),
    `start` Int64 COMMENT 'the process\x27s start on the boot clock; (pid, start) names a process (ns)' CODEC(Delta, ZSTD(1)),
    `tid` Int32 COMMENT 'thread' CODEC(T64, ZSTD(1)),
    `cpu` Int32 COMMENT 'CPU that it happened on' CODEC(T64, ZSTD(1)),
    `missing` LowCardinality(Nullable(String)),
    `read_chars` Nullable(Int64) COMMENT 'read by system calls of its threads, from the page cache too (bytes)' CODEC(T64, ZSTD(1)),
    `write_chars` Nullable(Int64) COMMENT 'written by system calls (bytes)' CODEC(T64, ZSTD(1)),
    `read_syscalls` Nullable(Int64) COMMENT 'system calls that read' CODEC(T64, ZSTD(1)),
    `write_syscalls` Nullable(Int64) COMMENT 'system calls that wrote' CODEC(T64, ZSTD(1)),
    `read_bytes` Nullable(Int64) COMMENT 'fetched from storage (bytes)' CODEC(T64, ZSTD(1)),
    `write_bytes` Nullable(Int64) COMMENT 'to write to storage: counted when a page is dirtied (bytes)' CODEC(T64, ZSTD(1)),
    `cancelled_write_bytes` Nullable(Int64) COMMENT 'of write_bytes, dropped before they were written (bytes)' CODEC(T64, ZSTD(1)),
    `children_read_chars` Nullable(Int64) COMMENT 'by children that it waited for, and theirs (bytes)' CODEC(T64, ZSTD(1)),
    `children_write_chars` Nullable(Int64) COMMENT 'by children that it waited for, and theirs (bytes)' CODEC(T64, ZSTD(1)),
    `children_read_syscalls` Nullable(Int64) COMMENT 'by children that it waited for, and theirs' CODEC(T64, ZSTD(1)),
    `children_write_syscalls` Nullable(Int64) COMMENT 'by children that it waited for, and theirs' CODEC(T64, ZSTD(1)),
    `children_read_bytes` Nullable(Int64) COMMENT 'by children that it waited for, and theirs (bytes)' CODEC(T64, ZSTD(1)),
    `children_write_bytes` Nullable(Int64) COMMENT 'by children that it waited for, and theirs (bytes)' CODEC(T64, ZSTD(1)),
    `children_cancelled_write_bytes` Nullable(Int64) COMMENT 'by children that it waited for, and theirs (bytes)' CODEC(T64, ZSTD(1))
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(time)
ORDER BY (pipeline, run, host, time, marker, seq)
SETTINGS non_replicated_deduplication_window = 1000;

CREATE TABLE IF NOT EXISTS `io_sample` (
    `run` LowCardinality(String) COMMENT 'the run\x27s id',
    `host` LowCardinality(String) COMMENT 'where it ran',
    `pipeline` LowCardinality(String) COMMENT 'the run\x27s name',
    `ts` Int64 COMMENT 'when, on the boot clock (ns)' CODEC(Delta, ZSTD(1)),
    `time` DateTime64(6, 'UTC') COMMENT 'when' CODEC(Delta, ZSTD(1)),
    `seq` Int64 COMMENT 'number in its stream' CODEC(Delta, ZSTD(1)),
    `marker` LowCardinality(String) COMMENT 'random id of its stream; (marker, seq) names a record',
    `pid` Int32 COMMENT 'process, in the initial pid namespace' CODEC(T64, ZSTD(1)),
    `start` Int64 COMMENT 'the process\x27s start on the boot clock; (pid, start) names a process (ns)' CODEC(Delta, ZSTD(1)),
    `tid` Int32 COMMENT 'thread' CODEC(T64, ZSTD(1)),
    `cpu` Int32 COMMENT 'CPU that it happened on' CODEC(T64, ZSTD(1)),
    `missing` LowCardinality(Nullable(String)),
    `comm` LowCardinality(Nullable(String)) COMMENT 'name of the group leader\x27s thread',
    `read_chars` Nullable(Int64) COMMENT 'read by system calls of its threads, from the page cache too (bytes)' CODEC(T64, ZSTD(1)),
    `write_chars` Nullable(Int64) COMMENT 'written by system calls (bytes)' CODEC(T64, ZSTD(1)),
    `read_syscalls` Nullable(Int64) COMMENT 'system calls that read' CODEC(T64, ZSTD(1)),
    `write_syscalls` Nullable(Int64) COMMENT 'system calls that wrote' CODEC(T64, ZSTD(1)),
    `read_bytes` Nullable(Int64) COMMENT 'fetched from storage (bytes)' CODEC(T64, ZSTD(1)),
    `write_bytes` Nullable(Int64) COMMENT 'to write to storage: counted when a page is dirtied (bytes)' CODEC(T64, ZSTD(1)),
    `cancelled_write_bytes` Nullable(Int64) COMMENT 'of write_bytes, dropped before they were written (bytes)' CODEC(T64, ZSTD(1)),
    `children_read_chars` Nullable(Int64) COMMENT 'by children that it waited for, and theirs (bytes)' CODEC(T64, ZSTD(1)),
    `children_write_chars` Nullable(Int64) COMMENT 'by children that it waited for, and theirs (bytes)' CODEC(T64, ZSTD(1)),
    `children_read_syscalls` Nullable(Int64) COMMENT 'by children that it waited for, and theirs' CODEC(T64, ZSTD(1)),
    `children_write_syscalls` Nullable(Int64) COMMENT 'by children that it waited for, and theirs' CODEC(T64, ZSTD(1)),
    `children_read_bytes` Nullable(Int64) COMMENT 'by children that it waited for, and theirs (bytes)' CODEC(T64, ZSTD(1)),
    `children_write_bytes` Nullable(Int64) COMMENT 'by children that it waited for, and theirs (bytes)' CODEC(T64, ZSTD(1)),
    `children_cancelled_write_bytes` Nullable(Int64) COMMENT 'by children that it waited for, and theirs (bytes)' CODEC(T64, ZSTD(1))
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(time)
ORDER BY (pipeline, run, host, time, marker, seq)
SETTINGS non_replicated_deduplication_window = 1000;

CREATE TABLE IF NOT EXISTS `lifecycle_alive` (
    `run` LowCardinality(String) COMMENT 'the run\x27s id',
    `host` LowCardinality(String) COMMENT 'where it ran',
    `pipeline` LowCardinality(String) COMMENT 'the run\x27s name',
    `ts` Int64 COMMENT 'when, on the boot clock (ns)' CODEC(Delta, ZSTD(1)),
    `time` DateTime64(6, 'UTC') COMMENT 'when' CODEC(Delta, ZSTD(1)),
    `seq` Int64 COMMENT 'number in its stream' CODEC(Delta, ZSTD(1)),
    `marker` LowCardinality(String) COMMENT 'random id of its stream; (marker, seq) names a record',
    `pid` Int32 COMMENT 'process, in the initial pid namespace' CODEC(T64, ZSTD(1)),
    `start` Int64 COMMENT 'the process\x27s start on the boot clock; (pid, start) names a process (ns)' CODEC(Delta, ZSTD(1)),
    `tid` Int32 COMMENT 'thread' CODEC(T64, ZSTD(1)),
    `cpu` Int32 COMMENT 'CPU that it happened on' CODEC(T64, ZSTD(1)),
    `missing` LowCardinality(Nullable(String)),
    `ppid` Nullable(Int32) COMMENT 'PID of the parent' CODEC(T64, ZSTD(1)),
    `parent_start` Nullable(Int64) COMMENT 'start of the parent (ns)' CODEC(T64, ZSTD(1)),
    `comm` LowCardinality(Nullable(String)) COMMENT 'name of the group leader\x27s thread',
    `exe` LowCardinality(Nullable(String)) COMMENT 'path as executed',
    `args` Array(LowCardinality(String)) COMMENT 'argv, byte for byte' CODEC(ZSTD(1)),
    `cwd` LowCardinality(Nullable(String)) COMMENT 'working directory, in its mount namespace',
    `uid` Nullable(Int64) COMMENT 'UID, in the initial namespace' CODEC(T64, ZSTD(1)),
    `gid` Nullable(Int64) COMMENT 'GID, in the initial namespace' CODEC(T64, ZSTD(1)),
    `cgroup` LowCardinality(Nullable(String)) COMMENT 'cgroup',
    `env` Nullable(String) COMMENT 'the environment variables that the option env names' CODEC(ZSTD(1)),
    `ns_pid` Nullable(Int32) COMMENT 'PID in its own PID namespace; pid outside of containers' CODEC(T64, ZSTD(1)),
    `euid` Nullable(Int64) COMMENT 'effective UID: not uid for a set-user-ID program' CODEC(T64, ZSTD(1)),
    `egid` Nullable(Int64) COMMENT 'effective GID' CODEC(T64, ZSTD(1)),
    `stderr` Nullable(String) COMMENT 'descriptor 2: type (file, pipe, tty, null, socket...), device, inode; of a file offset, size and path' CODEC(ZSTD(1)),
    `stdin_pipe` Nullable(Int64) COMMENT 'inode of the pipe that is descriptor 0; null: not a pipe, or closed' CODEC(T64, ZSTD(1)),
    `stdout_pipe` Nullable(Int64) COMMENT 'inode of the pipe that is descriptor 1; as stdin_pipe' CODEC(T64, ZSTD(1))
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(time)
ORDER BY (pipeline, run, host, time, marker, seq)
SETTINGS non_replicated_deduplication_window = 1000;

CREATE TABLE IF NOT EXISTS `lifecycle_exec_failed` (
    `run` LowCardinality(String) COMMENT 'the run\x27s id',
    `host` LowCardinality(String) COMMENT 'where it ran',
    `pipeline` LowCardinality(String) COMMENT 'the run\x27s name',
    `ts` Int64 COMMENT 'when, on the boot clock (ns)' CODEC(Delta, ZSTD(1)),
    `time` DateTime64(6, 'UTC') COMMENT 'when' CODEC(Delta, ZSTD(1)),
    `seq` Int64 COMMENT 'number in its stream' CODEC(Delta, ZSTD(1)),
    `marker` LowCardinality(String) COMMENT 'random id of its stream; (marker, seq) names a record',
    `pid` Int32 COMMENT 'process, in the initial pid namespace' CODEC(T64, ZSTD(1)),
    `start` Int64 COMMENT 'the process\x27s start on the boot clock; (pid, start) names a process (ns)' CODEC(Delta, ZSTD(1)),
    `tid` Int32 COMMENT 'thread' CODEC(T64, ZSTD(1)),
    `cpu` Int32 COMMENT 'CPU that it happened on' CODEC(T64, ZSTD(1)),
    `missing` LowCardinality(Nullable(String)),
    `comm` LowCardinality(Nullable(String)) COMMENT 'name of the thread',
    `exe` LowCardinality(Nullable(String)) COMMENT 'path to execute',
    `error` LowCardinality(Nullable(String)) COMMENT 'ENOENT, EACCES...',
    `args` Array(LowCardinality(String)) COMMENT 'argv, as far as readable' CODEC(ZSTD(1))
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(time)
ORDER BY (pipeline, run, host, time, marker, seq)
SETTINGS non_replicated_deduplication_window = 1000;

CREATE TABLE IF NOT EXISTS `lifecycle_exec` (
    `run` LowCardinality(String) COMMENT 'the run\x27s id',
    `host` LowCardinality(String) COMMENT 'where it ran',
    `pipeline` LowCardinality(String) COMMENT 'the run\x27s name',
    `ts` Int64 COMMENT 'when, on the boot clock (ns)' CODEC(Delta, ZSTD(1)),
    `time` DateTime64(6, 'UTC') COMMENT 'when' CODEC(Delta, ZSTD(1)),
    `seq` Int64 COMMENT 'number in its stream' CODEC(Delta, ZSTD(1)),
    `marker` LowCardinality(String) COMMENT 'random id of its stream; (marker, seq) names a record',
    `pid` Int32 COMMENT 'process, in the initial pid namespace' CODEC(T64, ZSTD(1)),
    `start` Int64 COMMENT 'the process\x27s start on the boot clock; (pid, start) names a process (ns)' CODEC(Delta, ZSTD(1)),
    `tid` Int32 COMMENT 'thread' CODEC(T64, ZSTD(1)),
    `cpu` Int32 COMMENT 'CPU that it happened on' CODEC(T64, ZSTD(1)),
    `missing` LowCardinality(Nullable(String)),
    `ppid` Nullable(Int32) COMMENT 'PID of the parent' CODEC(T64, ZSTD(1)),
    `parent_start` Nullable(Int64) COMMENT 'start of the parent (ns)' CODEC(T64, ZSTD(1)),
    `comm` LowCardinality(Nullable(String)) COMMENT 'name of the group leader\x27s thread',
    `exe` LowCardinality(Nullable(String)) COMMENT 'path as executed',
    `args` Array(LowCardinality(String)) COMMENT 'argv, byte for byte' CODEC(ZSTD(1)),
    `cwd` LowCardinality(Nullable(String)) COMMENT 'working directory, in its mount namespace',
    `uid` Nullable(Int64) COMMENT 'UID, in the initial namespace' CODEC(T64, ZSTD(1)),
    `gid` Nullable(Int64) COMMENT 'GID, in the initial namespace' CODEC(T64, ZSTD(1)),
    `cgroup` LowCardinality(Nullable(String)) COMMENT 'cgroup',
    `env` Nullable(String) COMMENT 'the environment variables that the option env names' CODEC(ZSTD(1)),
    `ns_pid` Nullable(Int32) COMMENT 'PID in its own PID namespace; pid outside of containers' CODEC(T64, ZSTD(1)),
    `euid` Nullable(Int64) COMMENT 'effective UID: not uid for a set-user-ID program' CODEC(T64, ZSTD(1)),
    `egid` Nullable(Int64) COMMENT 'effective GID' CODEC(T64, ZSTD(1)),
    `stderr` Nullable(String) COMMENT 'descriptor 2: type (file, pipe, tty, null, socket...), device, inode; of a file offset, size and path' CODEC(ZSTD(1)),
    `stdin_pipe` Nullable(Int64) COMMENT 'inode of the pipe that is descriptor 0; null: not a pipe, or closed' CODEC(T64, ZSTD(1)),
    `stdout_pipe` Nullable(Int64) COMMENT 'inode of the pipe that is descriptor 1; as stdin_pipe' CODEC(T64, ZSTD(1))
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(time)
ORDER BY (pipeline, run, host, time, marker, seq)
SETTINGS non_replicated_deduplication_window = 1000;

CREATE TABLE IF NOT EXISTS `lifecycle_exit` (
    `run` LowCardinality(String) COMMENT 'the run\x27s id',
    `host` LowCardinality(String) COMMENT 'where it ran',
    `pipeline` LowCardinality(String) COMMENT 'the run\x27s name',
    `ts` Int64 COMMENT 'when, on the boot clock (ns)' CODEC(Delta, ZSTD(1)),
    `time` DateTime64(6, 'UTC') COMMENT 'when' CODEC(Delta, ZSTD(1)),
    `seq` Int64 COMMENT 'number in its stream' CODEC(Delta, ZSTD(1)),
    `marker` LowCardinality(String) COMMENT 'random id of its stream; (marker, seq) names a record',
    `pid` Int32 COMMENT 'process, in the initial pid namespace' CODEC(T64, ZSTD(1)),
    `start` Int64 COMMENT 'the process\x27s start on the boot clock; (pid, start) names a process (ns)' CODEC(Delta, ZSTD(1)),
    `tid` Int32 COMMENT 'thread' CODEC(T64, ZSTD(1)),
    `cpu` Int32 COMMENT 'CPU that it happened on' CODEC(T64, ZSTD(1)),
    `missing` LowCardinality(Nullable(String)),
    `ppid` Nullable(Int32) COMMENT 'PID of the parent' CODEC(T64, ZSTD(1)),
    `parent_start` Nullable(Int64) COMMENT 'start of the parent (ns)' CODEC(T64, ZSTD(1)),
    `comm` LowCardinality(Nullable(String)) COMMENT 'name of the group leader\x27s thread',
    `exit_code` Nullable(Int32) COMMENT '0 to 255; null: killed by a signal' CODEC(T64, ZSTD(1)),
    `signal` Nullable(Int32) COMMENT 'signal that killed it; null: it exited' CODEC(T64, ZSTD(1)),
    `signal_name` LowCardinality(Nullable(String)) COMMENT 'name of the signal',
    `core_dumped` Nullable(Bool) COMMENT 'the kernel wrote a core dump',
    `stack_fault` Nullable(Bool) COMMENT 'ended by SIGSEGV for an access next to a thread\x27s stack pointer: its stack was full',
    `duration_ns` Nullable(Int64) COMMENT 'from its start to the exit of its last thread (ns)' CODEC(T64, ZSTD(1)),
    `threads_peak` Nullable(Int64) COMMENT 'peak number of live threads' CODEC(T64, ZSTD(1)),
    `signal_code` LowCardinality(Nullable(String)) COMMENT 'si_code of the signal that ended it, or asked it to end: SIGINT, SIGTERM',
    `sender` LowCardinality(Nullable(String)) COMMENT 'its sender: user, kernel, timer, oom, memory_limit',
    `sender_pid` Nullable(Int32) COMMENT 'PID of the process that sent it; null: no process did' CODEC(T64, ZSTD(1)),
    `sender_start` Nullable(Int64) COMMENT 'its start (ns)' CODEC(T64, ZSTD(1)),
    `sender_comm` LowCardinality(Nullable(String)) COMMENT 'its name; it may be unwatched'
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(time)
ORDER BY (pipeline, run, host, time, marker, seq)
SETTINGS non_replicated_deduplication_window = 1000;

CREATE TABLE IF NOT EXISTS `lifecycle_failure` (
    `run` LowCardinality(String) COMMENT 'the run\x27s id',
    `host` LowCardinality(String) COMMENT 'where it ran',
    `pipeline` LowCardinality(String) COMMENT 'the run\x27s name',
    `ts` Int64 COMMENT 'when, on the boot clock (ns)' CODEC(Delta, ZSTD(1)),
    `time` DateTime64(6, 'UTC') COMMENT 'when' CODEC(Delta, ZSTD(1)),
    `seq` Int64 COMMENT 'number in its stream' CODEC(Delta, ZSTD(1)),
    `marker` LowCardinality(String) COMMENT 'random id of its stream; (marker, seq) names a record',
    `pid` Int32 COMMENT 'process, in the initial pid namespace' CODEC(T64, ZSTD(1)),
    `start` Int64 COMMENT 'the process\x27s start on the boot clock; (pid, start) names a process (ns)' CODEC(Delta, ZSTD(1)),
    `tid` Int32 COMMENT 'thread' CODEC(T64, ZSTD(1)),
    `cpu` Int32 COMMENT 'CPU that it happened on' CODEC(T64, ZSTD(1)),
    `missing` LowCardinality(Nullable(String)),
    `stderr` Nullable(String) COMMENT 'descriptor 2 then, or before it closed it; of a file offset at the fork, or the last exec, and size' CODEC(ZSTD(1)),
    `cwd` LowCardinality(Nullable(String)) COMMENT 'working directory then; null: it ran a program, and its parent has the same',
    `programs` Nullable(Int64) COMMENT 'programs that it has executed; 0: it ran that of its parent' CODEC(T64, ZSTD(1)),
    `stdin_pipe` Nullable(Int64) COMMENT 'inode of the pipe that is descriptor 0; null: not a pipe, or closed' CODEC(T64, ZSTD(1)),
    `stdout_pipe` Nullable(Int64) COMMENT 'inode of the pipe that is descriptor 1; as stdin_pipe' CODEC(T64, ZSTD(1))
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(time)
ORDER BY (pipeline, run, host, time, marker, seq)
SETTINGS non_replicated_deduplication_window = 1000;

CREATE TABLE IF NOT EXISTS `lifecycle_fork` (
    `run` LowCardinality(String) COMMENT 'the run\x27s id',
    `host` LowCardinality(String) COMMENT 'where it ran',
    `pipeline` LowCardinality(String) COMMENT 'the run\x27s name',
    `ts` Int64 COMMENT 'when, on the boot clock (ns)' CODEC(Delta, ZSTD(1)),
    `time` DateTime64(6, 'UTC') COMMENT 'when' CODEC(Delta, ZSTD(1)),
    `seq` Int64 COMMENT 'number in its stream' CODEC(Delta, ZSTD(1)),
    `marker` LowCardinality(String) COMMENT 'random id of its stream; (marker, seq) names a record',
    `pid` Int32 COMMENT 'process, in the initial pid namespace' CODEC(T64, ZSTD(1)),
    `start` Int64 COMMENT 'the process\x27s start on the boot clock; (pid, start) names a process (ns)' CODEC(Delta, ZSTD(1)),
    `tid` Int32 COMMENT 'thread' CODEC(T64, ZSTD(1)),
    `cpu` Int32 COMMENT 'CPU that it happened on' CODEC(T64, ZSTD(1)),
    `missing` LowCardinality(Nullable(String)),
    `ppid` Nullable(Int32) COMMENT 'PID of the parent' CODEC(T64, ZSTD(1)),
    `parent_start` Nullable(Int64) COMMENT 'start of the parent (ns)' CODEC(T64, ZSTD(1)),
    `comm` LowCardinality(Nullable(String)) COMMENT 'name of the group leader\x27s thread',
    `ns_pid` Nullable(Int32) COMMENT 'PID in its own PID namespace; pid outside of containers' CODEC(T64, ZSTD(1))
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(time)
ORDER BY (pipeline, run, host, time, marker, seq)
SETTINGS non_replicated_deduplication_window = 1000;

CREATE TABLE IF NOT EXISTS `mem_exit` (
    `run` LowCardinality(String) COMMENT 'the run\x27s id',
    `host` LowCardinality(String) COMMENT 'where it ran',
    `pipeline` LowCardinality(String) COMMENT 'the run\x27s name',
    `ts` Int64 COMMENT 'when, on the boot clock (ns)' CODEC(Delta, ZSTD(1)),
    `time` DateTime64(6, 'UTC') COMMENT 'when' CODEC(Delta, ZSTD(1)),
    `seq` Int64 COMMENT 'number in its stream' CODEC(Delta, ZSTD(1)),
    `marker` LowCardinality(String) COMMENT 'random id of its stream; (marker, seq) names a record',
    `pid` Int32 COMMENT 'process, in the initial pid namespace' CODEC(T64, ZSTD(1)),
    `start` Int64 COMMENT 'the process\x27s start on the boot clock; (pid, start) names a process (ns)' CODEC(Delta, ZSTD(1)),
    `tid` Int32 COMMENT 'thread' CODEC(T64, ZSTD(1)),
    `cpu` Int32 COMMENT 'CPU that it happened on' CODEC(T64, ZSTD(1)),
    `missing` LowCardinality(Nullable(String)),
    `comm` LowCardinality(Nullable(String)) COMMENT 'name of the group leader\x27s thread',
    `peak_rss_bytes` Nullable(Int64) COMMENT 'peak resident memory since the last exec; after memory is freed the kernel\x27s counter may lag by at most 32 pages per CPU (or twice the number of CPUs) (bytes)' CODEC(T64, ZSTD(1)),
    `rusage_maxrss_bytes` Nullable(Int64) COMMENT 'as reported by wait4(): may be the peak before the exec, or of a child it waited for (bytes)' CODEC(T64, ZSTD(1)),
    `rss_bytes` Nullable(Int64) COMMENT 'resident: anon + file + shmem (bytes)' CODEC(T64, ZSTD(1)),
    `anon_bytes` Nullable(Int64) COMMENT 'resident anonymous memory (bytes)' CODEC(T64, ZSTD(1)),
    `file_bytes` Nullable(Int64) COMMENT 'resident file pages (bytes)' CODEC(T64, ZSTD(1)),
    `shmem_bytes` Nullable(Int64) COMMENT 'resident shared memory (bytes)' CODEC(T64, ZSTD(1)),
    `swap_bytes` Nullable(Int64) COMMENT 'swapped out (bytes)' CODEC(T64, ZSTD(1)),
    `vm_bytes` Nullable(Int64) COMMENT 'size of the address space (bytes)' CODEC(T64, ZSTD(1)),
    `stack_bytes` Nullable(Int64) COMMENT 'size of the stack (bytes)' CODEC(T64, ZSTD(1)),
    `minor_faults` Nullable(Int64) COMMENT 'page faults without I/O' CODEC(T64, ZSTD(1)),
    `major_faults` Nullable(Int64) COMMENT 'page faults with I/O' CODEC(T64, ZSTD(1)),
    `inherited_rss_bytes` Nullable(Int64) COMMENT 'of a process that has not executed a program: what it shares with its parent, as resident at the fork, and files; else 0 (bytes)' CODEC(T64, ZSTD(1)),
    `hugetlb_bytes` Nullable(Int64) COMMENT 'in pages of hugetlbfs, which are not resident memory (bytes)' CODEC(T64, ZSTD(1)),
    `stack_limit_bytes` Nullable(Int64) COMMENT 'limit of stack_bytes (RLIMIT_STACK); null: none (bytes)' CODEC(T64, ZSTD(1))
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(time)
ORDER BY (pipeline, run, host, time, marker, seq)
SETTINGS non_replicated_deduplication_window = 1000;

CREATE TABLE IF NOT EXISTS `mem_image` (
    `run` LowCardinality(String) COMMENT 'the run\x27s id',
    `host` LowCardinality(String) COMMENT 'where it ran',
    `pipeline` LowCardinality(String) COMMENT 'the run\x27s name',
    `ts` Int64 COMMENT 'when, on the boot clock (ns)' CODEC(Delta, ZSTD(1)),
    `time` DateTime64(6, 'UTC') COMMENT 'when' CODEC(Delta, ZSTD(1)),
    `seq` Int64 COMMENT 'number in its stream' CODEC(Delta, ZSTD(1)),
    `marker` LowCardinality(String) COMMENT 'random id of its stream; (marker, seq) names a record',
    `pid` Int32 COMMENT 'process, in the initial pid namespace' CODEC(T64, ZSTD(1)),
    `start` Int64 COMMENT 'the process\x27s start on the boot clock; (pid, start) names a process (ns)' CODEC(Delta, ZSTD(1)),
    `tid` Int32 COMMENT 'thread' CODEC(T64, ZSTD(1)),
    `cpu` Int32 COMMENT 'CPU that it happened on' CODEC(T64, ZSTD(1)),
    `missing` LowCardinality(Nullable(String)),
    `peak_rss_bytes` Nullable(Int64) COMMENT 'its peak resident memory, as in exit (bytes)' CODEC(T64, ZSTD(1)),
    `inherited_rss_bytes` Nullable(Int64) COMMENT 'of a process that has not executed a program: what it shares with its parent, as resident at the fork, and files; else 0 (bytes)' CODEC(T64, ZSTD(1)),
    `rss_bytes` Nullable(Int64) COMMENT 'resident: anon + file + shmem (bytes)' CODEC(T64, ZSTD(1)),
    `anon_bytes` Nullable(Int64) COMMENT 'resident anonymous memory (bytes)' CODEC(T64, ZSTD(1)),
    `file_bytes` Nullable(Int64) COMMENT 'resident file pages (bytes)' CODEC(T64, ZSTD(1)),
    `shmem_bytes` Nullable(Int64) COMMENT 'resident shared memory (bytes)' CODEC(T64, ZSTD(1)),
    `swap_bytes` Nullable(Int64) COMMENT 'swapped out (bytes)' CODEC(T64, ZSTD(1)),
    `vm_bytes` Nullable(Int64) COMMENT 'size of the address space (bytes)' CODEC(T64, ZSTD(1)),
    `stack_bytes` Nullable(Int64) COMMENT 'size of the stack (bytes)' CODEC(T64, ZSTD(1)),
    `minor_faults` Nullable(Int64) COMMENT 'page faults without I/O' CODEC(T64, ZSTD(1)),
    `major_faults` Nullable(Int64) COMMENT 'page faults with I/O' CODEC(T64, ZSTD(1)),
    `hugetlb_bytes` Nullable(Int64) COMMENT 'in pages of hugetlbfs, which are not resident memory (bytes)' CODEC(T64, ZSTD(1))
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(time)
ORDER BY (pipeline, run, host, time, marker, seq)
SETTINGS non_replicated_deduplication_window = 1000;

CREATE TABLE IF NOT EXISTS `mem_oom_kill` (
    `run` LowCardinality(String) COMMENT 'the run\x27s id',
    `host` LowCardinality(String) COMMENT 'where it ran',
    `pipeline` LowCardinality(String) COMMENT 'the run\x27s name',
    `ts` Int64 COMMENT 'when, on the boot clock (ns)' CODEC(Delta, ZSTD(1)),
    `time` DateTime64(6, 'UTC') COMMENT 'when' CODEC(Delta, ZSTD(1)),
    `seq` Int64 COMMENT 'number in its stream' CODEC(Delta, ZSTD(1)),
    `marker` LowCardinality(String) COMMENT 'random id of its stream; (marker, seq) names a record',
    `pid` Int32 COMMENT 'process, in the initial pid namespace' CODEC(T64, ZSTD(1)),
    `start` Int64 COMMENT 'the process\x27s start on the boot clock; (pid, start) names a process (ns)' CODEC(Delta, ZSTD(1)),
    `tid` Int32 COMMENT 'thread' CODEC(T64, ZSTD(1)),
    `cpu` Int32 COMMENT 'CPU that it happened on' CODEC(T64, ZSTD(1)),
    `missing` LowCardinality(Nullable(String)),
    `comm` LowCardinality(Nullable(String)) COMMENT 'the victim\x27s name',
    `rss_bytes` Nullable(Int64) COMMENT 'resident at that time (bytes)' CODEC(T64, ZSTD(1)),
    `limit_bytes` Nullable(Int64) COMMENT 'memory limit of the cgroup (bytes)' CODEC(T64, ZSTD(1)),
    `cgroup` LowCardinality(Nullable(String)) COMMENT 'the cgroup at its limit',
    `trigger_pid` Nullable(Int64) COMMENT 'process whose allocation failed' CODEC(T64, ZSTD(1)),
    `trigger_start` Nullable(Int64) COMMENT 'its start (ns)' CODEC(T64, ZSTD(1)),
    `trigger_comm` Nullable(String) COMMENT 'its name' CODEC(ZSTD(1)),
    `oom_scope` LowCardinality(Nullable(String)) COMMENT 'what was out of memory: "cgroup" or "host"; null: no longer determinable',
    `oom_cgroup` LowCardinality(Nullable(String)) COMMENT 'the cgroup at its limit',
    `usage_bytes` Nullable(Int64) COMMENT 'memory that the cgroup used (bytes)' CODEC(T64, ZSTD(1))
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(time)
ORDER BY (pipeline, run, host, time, marker, seq)
SETTINGS non_replicated_deduplication_window = 1000;

CREATE TABLE IF NOT EXISTS `mem_pss` (
    `run` LowCardinality(String) COMMENT 'the run\x27s id',
    `host` LowCardinality(String) COMMENT 'where it ran',
    `pipeline` LowCardinality(String) COMMENT 'the run\x27s name',
    `ts` Int64 COMMENT 'when, on the boot clock (ns)' CODEC(Delta, ZSTD(1)),
    `time` DateTime64(6, 'UTC') COMMENT 'when' CODEC(Delta, ZSTD(1)),
    `seq` Int64 COMMENT 'number in its stream' CODEC(Delta, ZSTD(1)),
    `marker` LowCardinality(String) COMMENT 'random id of its stream; (marker, seq) names a record',
    `pid` Int32 COMMENT 'process, in the initial pid namespace' CODEC(T64, ZSTD(1)),
    `start` Int64 COMMENT 'the process\x27s start on the boot clock; (pid, start) names a process (ns)' CODEC(Delta, ZSTD(1)),
    `tid` Int32 COMMENT 'thread' CODEC(T64, ZSTD(1)),
    `cpu` Int32 COMMENT 'CPU that it happened on' CODEC(T64, ZSTD(1)),
    `missing` LowCardinality(Nullable(String)),
    `pss_bytes` Nullable(Int64) COMMENT 'resident, each page divided by the processes that map it (bytes)' CODEC(T64, ZSTD(1)),
    `pss_anon_bytes` Nullable(Int64) COMMENT 'of it anonymous memory (bytes)' CODEC(T64, ZSTD(1)),
    `pss_file_bytes` Nullable(Int64) COMMENT 'of it file pages (bytes)' CODEC(T64, ZSTD(1)),
    `pss_shmem_bytes` Nullable(Int64) COMMENT 'of it shared memory (bytes)' CODEC(T64, ZSTD(1)),
    `private_bytes` Nullable(Int64) COMMENT 'resident in pages that no other process maps (bytes)' CODEC(T64, ZSTD(1)),
    `shared_bytes` Nullable(Int64) COMMENT 'resident in pages that others map too, not divided (bytes)' CODEC(T64, ZSTD(1)),
    `swap_pss_bytes` Nullable(Int64) COMMENT 'swapped out, divided in the same way (bytes)' CODEC(T64, ZSTD(1))
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(time)
ORDER BY (pipeline, run, host, time, marker, seq)
SETTINGS non_replicated_deduplication_window = 1000;

CREATE TABLE IF NOT EXISTS `mem_sample` (
    `run` LowCardinality(String) COMMENT 'the run\x27s id',
    `host` LowCardinality(String) COMMENT 'where it ran',
    `pipeline` LowCardinality(String) COMMENT 'the run\x27s name',
    `ts` Int64 COMMENT 'when, on the boot clock (ns)' CODEC(Delta, ZSTD(1)),
    `time` DateTime64(6, 'UTC') COMMENT 'when' CODEC(Delta, ZSTD(1)),
    `seq` Int64 COMMENT 'number in its stream' CODEC(Delta, ZSTD(1)),
    `marker` LowCardinality(String) COMMENT 'random id of its stream; (marker, seq) names a record',
    `pid` Int32 COMMENT 'process, in the initial pid namespace' CODEC(T64, ZSTD(1)),
    `start` Int64 COMMENT 'the process\x27s start on the boot clock; (pid, start) names a process (ns)' CODEC(Delta, ZSTD(1)),
    `tid` Int32 COMMENT 'thread' CODEC(T64, ZSTD(1)),
    `cpu` Int32 COMMENT 'CPU that it happened on' CODEC(T64, ZSTD(1)),
    `missing` LowCardinality(Nullable(String)),
    `comm` LowCardinality(Nullable(String)) COMMENT 'name of the group leader\x27s thread',
    `rss_bytes` Nullable(Int64) COMMENT 'resident: anon + file + shmem (bytes)' CODEC(T64, ZSTD(1)),
    `anon_bytes` Nullable(Int64) COMMENT 'resident anonymous memory (bytes)' CODEC(T64, ZSTD(1)),
    `file_bytes` Nullable(Int64) COMMENT 'resident file pages (bytes)' CODEC(T64, ZSTD(1)),
    `shmem_bytes` Nullable(Int64) COMMENT 'resident shared memory (bytes)' CODEC(T64, ZSTD(1)),
    `swap_bytes` Nullable(Int64) COMMENT 'swapped out (bytes)' CODEC(T64, ZSTD(1)),
    `vm_bytes` Nullable(Int64) COMMENT 'size of the address space (bytes)' CODEC(T64, ZSTD(1)),
    `stack_bytes` Nullable(Int64) COMMENT 'size of the stack (bytes)' CODEC(T64, ZSTD(1)),
    `minor_faults` Nullable(Int64) COMMENT 'page faults without I/O' CODEC(T64, ZSTD(1)),
    `major_faults` Nullable(Int64) COMMENT 'page faults with I/O' CODEC(T64, ZSTD(1)),
    `inherited_rss_bytes` Nullable(Int64) COMMENT 'of a process that has not executed a program: what it shares with its parent, as resident at the fork, and files; else 0 (bytes)' CODEC(T64, ZSTD(1)),
    `hugetlb_bytes` Nullable(Int64) COMMENT 'in pages of hugetlbfs, which are not resident memory (bytes)' CODEC(T64, ZSTD(1))
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(time)
ORDER BY (pipeline, run, host, time, marker, seq)
SETTINGS non_replicated_deduplication_window = 1000;

CREATE TABLE IF NOT EXISTS `mem_together` (
    `run` LowCardinality(String) COMMENT 'the run\x27s id',
    `host` LowCardinality(String) COMMENT 'where it ran',
    `pipeline` LowCardinality(String) COMMENT 'the run\x27s name',
    `ts` Int64 COMMENT 'when, on the boot clock (ns)' CODEC(Delta, ZSTD(1)),
    `time` DateTime64(6, 'UTC') COMMENT 'when' CODEC(Delta, ZSTD(1)),
    `seq` Int64 COMMENT 'number in its stream' CODEC(Delta, ZSTD(1)),
    `marker` LowCardinality(String) COMMENT 'random id of its stream; (marker, seq) names a record',
    `pid` Int32 COMMENT 'process, in the initial pid namespace' CODEC(T64, ZSTD(1)),
    `start` Int64 COMMENT 'the process\x27s start on the boot clock; (pid, start) names a process (ns)' CODEC(Delta, ZSTD(1)),
    `tid` Int32 COMMENT 'thread' CODEC(T64, ZSTD(1)),
    `cpu` Int32 COMMENT 'CPU that it happened on' CODEC(T64, ZSTD(1)),
    `missing` LowCardinality(Nullable(String)),
    `pss_bytes` Nullable(Int64) COMMENT 'sum of Pss of the processes that were read (bytes)' CODEC(T64, ZSTD(1)),
    `processes` Nullable(Int64) COMMENT 'of the run, that had been sampled' CODEC(T64, ZSTD(1)),
    `processes_read` Nullable(Int64) COMMENT 'of them, those that were read' CODEC(T64, ZSTD(1)),
    `read_ns` Nullable(Int64) COMMENT 'how long that took, until this record (ns)' CODEC(T64, ZSTD(1)),
    `cgroup` LowCardinality(Nullable(String)) COMMENT 'the memory cgroup in which most of their memory is, of all processes in it:',
    `cgroup_bytes` Nullable(Int64) COMMENT 'its charge (bytes)' CODEC(T64, ZSTD(1)),
    `cgroup_limit_bytes` Nullable(Int64) COMMENT 'its limit; null: none (bytes)' CODEC(T64, ZSTD(1)),
    `cgroup_peak_bytes` Nullable(Int64) COMMENT 'most that it was charged, also before the run (bytes)' CODEC(T64, ZSTD(1)),
    `cgroup_anon_bytes` Nullable(Int64) COMMENT 'of the charge anonymous memory (bytes)' CODEC(T64, ZSTD(1)),
    `cgroup_page_cache_bytes` Nullable(Int64) COMMENT 'of the charge page cache of files, which the kernel drops when memory is short (bytes)' CODEC(T64, ZSTD(1)),
    `cgroup_shmem_bytes` Nullable(Int64) COMMENT 'of the charge shared memory, tmpfs included (bytes)' CODEC(T64, ZSTD(1)),
    `cgroup_processes` Nullable(Int64) COMMENT 'processes in it and below, without the collector\x27s own' CODEC(T64, ZSTD(1)),
    `cgroup_run_processes` Nullable(Int64) COMMENT 'processes of the run in it' CODEC(T64, ZSTD(1)),
    `cgroup_limit_hits` Nullable(Int64) COMMENT 'charges that met its limit, since it was made' CODEC(T64, ZSTD(1)),
    `cgroup_oom_kills` Nullable(Int64) COMMENT 'processes killed in it by the OOM killer' CODEC(T64, ZSTD(1)),
    `periods` Nullable(Int64) COMMENT 'of its CPU cgroup: periods of the quota in which it ran' CODEC(T64, ZSTD(1)),
    `throttled_periods` Nullable(Int64) COMMENT 'of them, those in which the quota was used up' CODEC(T64, ZSTD(1)),
    `throttled_ns` Nullable(Int64) COMMENT 'how long it was throttled, all CPUs (ns)' CODEC(T64, ZSTD(1)),
    `quota_ns` Nullable(Int64) COMMENT 'CPU time that it may use in a period; null: no limit (ns)' CODEC(T64, ZSTD(1)),
    `period_ns` Nullable(Int64) COMMENT 'length of a period (ns)' CODEC(T64, ZSTD(1)),
    `pids` Nullable(Int64) COMMENT 'of its pids cgroup: processes and threads in it' CODEC(T64, ZSTD(1)),
    `pids_limit` Nullable(Int64) COMMENT 'how many may be; null: no limit' CODEC(T64, ZSTD(1)),
    `pids_refused` Nullable(Int64) COMMENT 'forks that failed for that limit' CODEC(T64, ZSTD(1))
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(time)
ORDER BY (pipeline, run, host, time, marker, seq)
SETTINGS non_replicated_deduplication_window = 1000;

CREATE TABLE IF NOT EXISTS `output_head` (
    `run` LowCardinality(String) COMMENT 'the run\x27s id',
    `host` LowCardinality(String) COMMENT 'where it ran',
    `pipeline` LowCardinality(String) COMMENT 'the run\x27s name',
    `ts` Int64 COMMENT 'when, on the boot clock (ns)' CODEC(Delta, ZSTD(1)),
    `time` DateTime64(6, 'UTC') COMMENT 'when' CODEC(Delta, ZSTD(1)),
    `seq` Int64 COMMENT 'number in its stream' CODEC(Delta, ZSTD(1)),
    `marker` LowCardinality(String) COMMENT 'random id of its stream; (marker, seq) names a record',
    `pid` Int32 COMMENT 'process, in the initial pid namespace' CODEC(T64, ZSTD(1)),
    `start` Int64 COMMENT 'the process\x27s start on the boot clock; (pid, start) names a process (ns)' CODEC(Delta, ZSTD(1)),
    `tid` Int32 COMMENT 'thread' CODEC(T64, ZSTD(1)),
    `cpu` Int32 COMMENT 'CPU that it happened on' CODEC(T64, ZSTD(1)),
    `missing` LowCardinality(Nullable(String)),
    `bytes` Nullable(Int64) COMMENT 'of the text, before redaction (bytes)' CODEC(T64, ZSTD(1)),
    `text` Nullable(String) COMMENT 'what the file begins with' CODEC(ZSTD(1)),
    `path` Nullable(String) COMMENT 'the file' CODEC(ZSTD(1))
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(time)
ORDER BY (pipeline, run, host, time, marker, seq)
SETTINGS non_replicated_deduplication_window = 1000;

CREATE TABLE IF NOT EXISTS `output_log` (
    `run` LowCardinality(String) COMMENT 'the run\x27s id',
    `host` LowCardinality(String) COMMENT 'where it ran',
    `pipeline` LowCardinality(String) COMMENT 'the run\x27s name',
    `ts` Int64 COMMENT 'when, on the boot clock (ns)' CODEC(Delta, ZSTD(1)),
    `time` DateTime64(6, 'UTC') COMMENT 'when' CODEC(Delta, ZSTD(1)),
    `seq` Int64 COMMENT 'number in its stream' CODEC(Delta, ZSTD(1)),
    `marker` LowCardinality(String) COMMENT 'random id of its stream; (marker, seq) names a record',
    `pid` Int32 COMMENT 'process, in the initial pid namespace' CODEC(T64, ZSTD(1)),
    `start` Int64 COMMENT 'the process\x27s start on the boot clock; (pid, start) names a process (ns)' CODEC(Delta, ZSTD(1)),
    `tid` Int32 COMMENT 'thread' CODEC(T64, ZSTD(1)),
    `cpu` Int32 COMMENT 'CPU that it happened on' CODEC(T64, ZSTD(1)),
    `missing` LowCardinality(Nullable(String)),
    `bytes` Nullable(Int64) COMMENT 'of the text, before redaction (bytes)' CODEC(T64, ZSTD(1)),
    `log_bytes` Nullable(Int64) COMMENT 'of the log that were read by then (bytes)' CODEC(T64, ZSTD(1)),
    `text` Nullable(String) COMMENT 'whole lines, those that came since the event before' CODEC(ZSTD(1)),
    `engine` Nullable(String) COMMENT 'its name, by the option engine_logs' CODEC(ZSTD(1)),
    `path` Nullable(String) COMMENT 'the folder' CODEC(ZSTD(1))
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(time)
ORDER BY (pipeline, run, host, time, marker, seq)
SETTINGS non_replicated_deduplication_window = 1000;

CREATE TABLE IF NOT EXISTS `output_text` (
    `run` LowCardinality(String) COMMENT 'the run\x27s id',
    `host` LowCardinality(String) COMMENT 'where it ran',
    `pipeline` LowCardinality(String) COMMENT 'the run\x27s name',
    `ts` Int64 COMMENT 'when, on the boot clock (ns)' CODEC(Delta, ZSTD(1)),
    `time` DateTime64(6, 'UTC') COMMENT 'when' CODEC(Delta, ZSTD(1)),
    `seq` Int64 COMMENT 'number in its stream' CODEC(Delta, ZSTD(1)),
    `marker` LowCardinality(String) COMMENT 'random id of its stream; (marker, seq) names a record',
    `pid` Int32 COMMENT 'process, in the initial pid namespace' CODEC(T64, ZSTD(1)),
    `start` Int64 COMMENT 'the process\x27s start on the boot clock; (pid, start) names a process (ns)' CODEC(Delta, ZSTD(1)),
    `tid` Int32 COMMENT 'thread' CODEC(T64, ZSTD(1)),
    `cpu` Int32 COMMENT 'CPU that it happened on' CODEC(T64, ZSTD(1)),
    `missing` LowCardinality(Nullable(String)),
    `fd` Nullable(Int32) COMMENT 'the descriptor: 2' CODEC(T64, ZSTD(1)),
    `bytes` Nullable(Int64) COMMENT 'of the text, before redaction (bytes)' CODEC(T64, ZSTD(1)),
    `cut` Nullable(Int64) COMMENT 'bytes that were written before the text' CODEC(T64, ZSTD(1)),
    `source` LowCardinality(Nullable(String)) COMMENT 'file (read at the exit), or write',
    `text` Nullable(String) COMMENT 'the last lines' CODEC(ZSTD(1)),
    `path` Nullable(String) COMMENT 'the file; null: it was written to something else' CODEC(ZSTD(1))
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(time)
ORDER BY (pipeline, run, host, time, marker, seq)
SETTINGS non_replicated_deduplication_window = 1000;

CREATE TABLE IF NOT EXISTS `stall_descriptor` (
    `run` LowCardinality(String) COMMENT 'the run\x27s id',
    `host` LowCardinality(String) COMMENT 'where it ran',
    `pipeline` LowCardinality(String) COMMENT 'the run\x27s name',
    `ts` Int64 COMMENT 'when, on the boot clock (ns)' CODEC(Delta, ZSTD(1)),
    `time` DateTime64(6, 'UTC') COMMENT 'when' CODEC(Delta, ZSTD(1)),
    `seq` Int64 COMMENT 'number in its stream' CODEC(Delta, ZSTD(1)),
    `marker` LowCardinality(String) COMMENT 'random id of its stream; (marker, seq) names a record',
    `pid` Int32 COMMENT 'process, in the initial pid namespace' CODEC(T64, ZSTD(1)),
    `start` Int64 COMMENT 'the process\x27s start on the boot clock; (pid, start) names a process (ns)' CODEC(Delta, ZSTD(1)),
    `tid` Int32 COMMENT 'thread' CODEC(T64, ZSTD(1)),
    `cpu` Int32 COMMENT 'CPU that it happened on' CODEC(T64, ZSTD(1)),
    `missing` LowCardinality(Nullable(String)),
    `look` Nullable(Int64) COMMENT 'number of the look' CODEC(T64, ZSTD(1)),
    `fd` Nullable(Int32) COMMENT 'number of the descriptor in owner_pid' CODEC(T64, ZSTD(1)),
    `type` LowCardinality(Nullable(String)) COMMENT 'file, directory, pipe, fifo, socket, tty, null, char, block, eventfd, epoll, timerfd, signalfd, inotify, pidfd, io_uring, other',
    `device` Nullable(Int64) COMMENT 'of the file system, as st_dev in stat(2)' CODEC(T64, ZSTD(1)),
    `inode` Nullable(Int64) COMMENT '(device, inode) identifies a pipe, FIFO, socket or file' CODEC(T64, ZSTD(1)),
    `mode` LowCardinality(Nullable(String)) COMMENT 'r, w or rw: how it is open',
    `peer` Nullable(Int64) COMMENT 'of a connected Unix socket the inode of the other end; of a pidfd the pid; else null' CODEC(T64, ZSTD(1)),
    `address` Nullable(String) COMMENT 'of a socket: "tcp 127.0.0.1:80 -> 127.0.0.1:4711", "unix /run/x.sock", "unix @abstract"; else null' CODEC(ZSTD(1)),
    `path` Nullable(String) COMMENT 'where it has one, at most the first 512 bytes; else null' CODEC(ZSTD(1)),
    `open_file` Nullable(Int64) COMMENT 'a number for the open file description: the same in two descriptors if one is a duplicate of the other (dup, fork), different in each run' CODEC(T64, ZSTD(1)),
    `readers` Nullable(Int64) COMMENT 'of a pipe or FIFO: open file descriptions that can read, by the kernel\x27s own count; more than the distinct open_file with mode r or rw in this look: some holder is not seen (in flight over a socket)' CODEC(T64, ZSTD(1)),
    `writers` Nullable(Int64) COMMENT 'the same, that can write' CODEC(T64, ZSTD(1)),
    `locked` Nullable(String) COMMENT 'flock, posix or ofd: the holder has a lock on that file by this descriptor (posix: as a process); else null' CODEC(ZSTD(1)),
    `owner_pid` Nullable(Int64) COMMENT 'the process that has the descriptor: pid, if watched is true' CODEC(T64, ZSTD(1)),
    `owner_start` Nullable(Int64) COMMENT 'its start (ns)' CODEC(T64, ZSTD(1)),
    `owner_comm` Nullable(String) COMMENT 'its name' CODEC(ZSTD(1)),
    `watched` Nullable(Bool) COMMENT 'the owner is in the scope; false: an outsider, and pid is the stuck process that shares it with the outsider'
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(time)
ORDER BY (pipeline, run, host, time, marker, seq)
SETTINGS non_replicated_deduplication_window = 1000;

CREATE TABLE IF NOT EXISTS `stall_moving` (
    `run` LowCardinality(String) COMMENT 'the run\x27s id',
    `host` LowCardinality(String) COMMENT 'where it ran',
    `pipeline` LowCardinality(String) COMMENT 'the run\x27s name',
    `ts` Int64 COMMENT 'when, on the boot clock (ns)' CODEC(Delta, ZSTD(1)),
    `time` DateTime64(6, 'UTC') COMMENT 'when' CODEC(Delta, ZSTD(1)),
    `seq` Int64 COMMENT 'number in its stream' CODEC(Delta, ZSTD(1)),
    `marker` LowCardinality(String) COMMENT 'random id of its stream; (marker, seq) names a record',
    `pid` Int32 COMMENT 'process, in the initial pid namespace' CODEC(T64, ZSTD(1)),
    `start` Int64 COMMENT 'the process\x27s start on the boot clock; (pid, start) names a process (ns)' CODEC(Delta, ZSTD(1)),
    `tid` Int32 COMMENT 'thread' CODEC(T64, ZSTD(1)),
    `cpu` Int32 COMMENT 'CPU that it happened on' CODEC(T64, ZSTD(1)),
    `missing` LowCardinality(Nullable(String)),
    `look` Nullable(Int64) COMMENT 'number of the look' CODEC(T64, ZSTD(1)),
    `since` Nullable(Int64) COMMENT 'boot clock: it had stood still since then (ns)' CODEC(T64, ZSTD(1)),
    `stuck_ns` Nullable(Int64) COMMENT 'for how long, to within an interval (ns)' CODEC(T64, ZSTD(1)),
    `comm` LowCardinality(Nullable(String)) COMMENT 'name of the group leader\x27s thread'
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(time)
ORDER BY (pipeline, run, host, time, marker, seq)
SETTINGS non_replicated_deduplication_window = 1000;

CREATE TABLE IF NOT EXISTS `stall_picture` (
    `run` LowCardinality(String) COMMENT 'the run\x27s id',
    `host` LowCardinality(String) COMMENT 'where it ran',
    `pipeline` LowCardinality(String) COMMENT 'the run\x27s name',
    `ts` Int64 COMMENT 'when, on the boot clock (ns)' CODEC(Delta, ZSTD(1)),
    `time` DateTime64(6, 'UTC') COMMENT 'when' CODEC(Delta, ZSTD(1)),
    `seq` Int64 COMMENT 'number in its stream' CODEC(Delta, ZSTD(1)),
    `marker` LowCardinality(String) COMMENT 'random id of its stream; (marker, seq) names a record',
    `pid` Int32 COMMENT 'process, in the initial pid namespace' CODEC(T64, ZSTD(1)),
    `start` Int64 COMMENT 'the process\x27s start on the boot clock; (pid, start) names a process (ns)' CODEC(Delta, ZSTD(1)),
    `tid` Int32 COMMENT 'thread' CODEC(T64, ZSTD(1)),
    `cpu` Int32 COMMENT 'CPU that it happened on' CODEC(T64, ZSTD(1)),
    `missing` LowCardinality(Nullable(String)),
    `look` Nullable(Int64) COMMENT 'number of the look' CODEC(T64, ZSTD(1)),
    `since` Nullable(Int64) COMMENT 'boot clock: since then no thread of it ran (ns)' CODEC(T64, ZSTD(1)),
    `comm` LowCardinality(Nullable(String)) COMMENT 'name of the group leader\x27s thread',
    `threads` Nullable(Int64) COMMENT 'stuck records of this process in this look' CODEC(T64, ZSTD(1)),
    `descriptors` Nullable(Int64) COMMENT 'descriptor records of its own descriptors in this look' CODEC(T64, ZSTD(1)),
    `holders` Nullable(Int64) COMMENT 'descriptor records of this look of all processes that were not themselves described in it' CODEC(T64, ZSTD(1)),
    `complete` Nullable(Bool) COMMENT 'all threads, all descriptors and all holders of its pipes, FIFOs, sockets (Unix, local TCP), eventfds and locked files are in the stream, watched or not',
    `incomplete` Nullable(String) COMMENT 'why not: moved (it went on meanwhile), limit (more than a look has room for), namespace (the collector does not see all processes of the host), denied (it or a holder is another user\x27s, whose details the run\x27s owner may not see); null: it is complete' CODEC(ZSTD(1))
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(time)
ORDER BY (pipeline, run, host, time, marker, seq)
SETTINGS non_replicated_deduplication_window = 1000;

CREATE TABLE IF NOT EXISTS `stall_stuck` (
    `run` LowCardinality(String) COMMENT 'the run\x27s id',
    `host` LowCardinality(String) COMMENT 'where it ran',
    `pipeline` LowCardinality(String) COMMENT 'the run\x27s name',
    `ts` Int64 COMMENT 'when, on the boot clock (ns)' CODEC(Delta, ZSTD(1)),
    `time` DateTime64(6, 'UTC') COMMENT 'when' CODEC(Delta, ZSTD(1)),
    `seq` Int64 COMMENT 'number in its stream' CODEC(Delta, ZSTD(1)),
    `marker` LowCardinality(String) COMMENT 'random id of its stream; (marker, seq) names a record',
    `pid` Int32 COMMENT 'process, in the initial pid namespace' CODEC(T64, ZSTD(1)),
    `start` Int64 COMMENT 'the process\x27s start on the boot clock; (pid, start) names a process (ns)' CODEC(Delta, ZSTD(1)),
    `tid` Int32 COMMENT 'thread' CODEC(T64, ZSTD(1)),
    `cpu` Int32 COMMENT 'CPU that it happened on' CODEC(T64, ZSTD(1)),
    `missing` LowCardinality(Nullable(String)),
    `look` Nullable(Int64) COMMENT 'number of the look, from 1 on: records of one look belong together' CODEC(T64, ZSTD(1)),
    `since` Nullable(Int64) COMMENT 'boot clock: since then no thread of the process ran: the time of the look that found it so, up to one interval late (ns)' CODEC(T64, ZSTD(1)),
    `comm` LowCardinality(Nullable(String)) COMMENT 'name of the thread',
    `state` LowCardinality(Nullable(String)) COMMENT 'S D T t I, as in ps(1)',
    `wait_channel` LowCardinality(Nullable(String)) COMMENT 'kernel function it sleeps in, as in /proc/PID/wchan',
    `syscall` LowCardinality(Nullable(String)) COMMENT 'system call by name, as "futex"; null: in none (stopped in user space, a page fault)',
    `syscall_args` Array(LowCardinality(String)) COMMENT 'its six arguments, "0x3", as in /proc/PID/syscall' CODEC(ZSTD(1)),
    `opening` Nullable(String) COMMENT 'of a thread that waits for the other end of a FIFO to be opened: its path, at most the first 512 bytes; else null' CODEC(ZSTD(1)),
    `futex_word` Nullable(Int64) COMMENT 'of a thread in a futex wait: the 32 bits at the first argument; null: in none, or not readable' CODEC(T64, ZSTD(1)),
    `futex_owner` Nullable(Int64) COMMENT 'thread (tid in the initial PID namespace) that owns that futex, by its word (PI, robust) or that of a glibc mutex; null: no owner is known (a condition variable, a semaphore), gone: it has ended' CODEC(T64, ZSTD(1)),
    `blocker` Nullable(Int64) COMMENT 'thread that owns the kernel lock it waits for; null: it waits for none, or the kernel does not say' CODEC(T64, ZSTD(1)),
    `blocker_lock` Nullable(String) COMMENT 'that lock: mutex, semaphore, rwsem_reader, rwsem_writer' CODEC(ZSTD(1)),
    `ptracer` Nullable(Int64) COMMENT 'process that traces it; null: none' CODEC(T64, ZSTD(1)),
    `in_iowait` Nullable(Bool) COMMENT 'waits for I/O, as the kernel counts it',
    `children` Nullable(Int64) COMMENT 'children of this thread that are not yet waited for, zombies included' CODEC(T64, ZSTD(1)),
    `timer` Nullable(Bool) COMMENT 'an alarm, interval or POSIX timer of the process is armed: it may end the wait'
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(time)
ORDER BY (pipeline, run, host, time, marker, seq)
SETTINGS non_replicated_deduplication_window = 1000;

CREATE TABLE IF NOT EXISTS `stall_zombie` (
    `run` LowCardinality(String) COMMENT 'the run\x27s id',
    `host` LowCardinality(String) COMMENT 'where it ran',
    `pipeline` LowCardinality(String) COMMENT 'the run\x27s name',
    `ts` Int64 COMMENT 'when, on the boot clock (ns)' CODEC(Delta, ZSTD(1)),
    `time` DateTime64(6, 'UTC') COMMENT 'when' CODEC(Delta, ZSTD(1)),
    `seq` Int64 COMMENT 'number in its stream' CODEC(Delta, ZSTD(1)),
    `marker` LowCardinality(String) COMMENT 'random id of its stream; (marker, seq) names a record',
    `pid` Int32 COMMENT 'process, in the initial pid namespace' CODEC(T64, ZSTD(1)),
    `start` Int64 COMMENT 'the process\x27s start on the boot clock; (pid, start) names a process (ns)' CODEC(Delta, ZSTD(1)),
    `tid` Int32 COMMENT 'thread' CODEC(T64, ZSTD(1)),
    `cpu` Int32 COMMENT 'CPU that it happened on' CODEC(T64, ZSTD(1)),
    `missing` LowCardinality(Nullable(String)),
    `look` Nullable(Int64) COMMENT 'number of the look' CODEC(T64, ZSTD(1)),
    `since` Nullable(Int64) COMMENT 'boot clock: when it exited (ns)' CODEC(T64, ZSTD(1)),
    `comm` LowCardinality(Nullable(String)) COMMENT 'its name',
    `parent_pid` Nullable(Int64) COMMENT 'the process that is to wait for it' CODEC(T64, ZSTD(1)),
    `parent_start` Nullable(Int64) COMMENT 'its start (ns)' CODEC(T64, ZSTD(1)),
    `parent_comm` Nullable(String) COMMENT 'its name' CODEC(ZSTD(1))
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(time)
ORDER BY (pipeline, run, host, time, marker, seq)
SETTINGS non_replicated_deduplication_window = 1000;
