-- Tables over a lake of Parquet files (collector-merge -s parquet:partition=true), for the named queries, in a catalog `hive` of
-- Trino's Hive connector with hive.non-managed-table-writes-enabled=true. The lake is at local:///lake (fs.local.enabled); on an
-- object store, write its URL in place. New days of the lake are found by the CALLs: run the file again after a merge.
--
--   trino --catalog hive --schema lake --timezone UTC --file lake.sql
--   trino --catalog hive --schema lake --timezone UTC --execute "$(sed 's/\$1/30/' slowest.sql)"
--
-- Times are rounded to milliseconds unless hive.timestamp-precision is MICROSECONDS in the catalog's file. Before a newer
-- collector's columns can be read, DROP TABLE: it leaves the files alone.

SET SESSION hive.timestamp_precision = 'MICROSECONDS';
CREATE SCHEMA IF NOT EXISTS lake;
CREATE TABLE IF NOT EXISTS lake.runs (
    run varchar, host varchar, pipeline varchar, name varchar, boot_id varchar, marker varchar, command varchar, uid bigint,
    user varchar, job varchar, tags varchar, began timestamp(6), ended timestamp(6), began_ns bigint, wall_ns bigint,
    boot_epoch_ns bigint, clock_error_ns bigint, state varchar, exit_code integer, result varchar, cpu_ns bigint,
    processes bigint, failed bigint, hidden bigint, lost bigint, version varchar, missing varchar, date date
) WITH (format = 'PARQUET', external_location = 'local:///lake/runs', partitioned_by = ARRAY['date']);
CALL system.sync_partition_metadata('lake', 'runs', 'FULL');
CREATE TABLE IF NOT EXISTS lake.steps (
    run varchar, host varchar, pipeline varchar, task integer, parent integer, step varchar, id varchar, tag varchar,
    rules varchar, pid integer, start bigint, command varchar, began timestamp(6), ended timestamp(6), began_ns bigint,
    wall_ns bigint, programs bigint, processes bigint, programs_without_cpu bigint, programs_without_peak bigint, cpu_ns bigint,
    cpu_span_ns bigint, user_ns bigint, system_ns bigint, peak_rss_bytes bigint, sum_rss_bytes bigint,
    sum_rss_lower_bytes bigint, sum_pss_bytes bigint, hugetlb_bytes bigint, read_chars bigint, write_chars bigint,
    read_syscalls bigint, write_syscalls bigint, read_bytes bigint, write_bytes bigint, cancelled_write_bytes bigint,
    failed bigint, hidden bigint, exit_code integer, signal integer, outcome varchar, missing varchar, date date
) WITH (format = 'PARQUET', external_location = 'local:///lake/steps', partitioned_by = ARRAY['date']);
CALL system.sync_partition_metadata('lake', 'steps', 'FULL');
CREATE TABLE IF NOT EXISTS lake.processes (
    run varchar, host varchar, pipeline varchar, pid integer, start bigint, ppid integer, parent_start bigint, ns_pid integer,
    depth integer, tree_order bigint, children bigint, task integer, step varchar, comm varchar, exe varchar,
    args array(varchar), command varchar, cwd varchar, uid bigint, began timestamp(6), ended timestamp(6), began_ns bigint,
    wall_ns bigint, cpu_ns bigint, cpu_span_ns bigint, user_ns bigint, system_ns bigint, waits_for varchar, sampled_rss_bytes bigint,
    hugetlb_bytes bigint, read_chars bigint, write_chars bigint, read_syscalls bigint, write_syscalls bigint, read_bytes bigint,
    write_bytes bigint, cancelled_write_bytes bigint, exit_code integer, signal integer, signal_name varchar,
    signal_code varchar, sender varchar, sender_pid integer, sender_start bigint, sender_comm varchar, core_dumped boolean,
    outcome varchar, status varchar, hidden_by varchar, oom_limit_bytes bigint, oom_usage_bytes bigint, oom_cgroup varchar,
    oom_others varchar, root boolean, forked boolean, preexisting boolean, benign boolean, propagated boolean,
    cause_pid integer, cause_start bigint, retried boolean, ignored boolean, muted boolean, tried array(varchar),
    tried_error varchar, exec integer, programs bigint, peak_rss_bytes bigint, missing varchar, date date
) WITH (format = 'PARQUET', external_location = 'local:///lake/processes', partitioned_by = ARRAY['date']);
CALL system.sync_partition_metadata('lake', 'processes', 'FULL');
CREATE TABLE IF NOT EXISTS lake.images (
    run varchar, host varchar, pipeline varchar, pid integer, start bigint, ppid integer, parent_start bigint, ns_pid integer,
    depth integer, tree_order bigint, children bigint, task integer, step varchar, comm varchar, exe varchar,
    args array(varchar), command varchar, cwd varchar, uid bigint, began timestamp(6), ended timestamp(6), began_ns bigint,
    wall_ns bigint, cpu_ns bigint, cpu_span_ns bigint, user_ns bigint, system_ns bigint, waits_for varchar, sampled_rss_bytes bigint,
    hugetlb_bytes bigint, read_chars bigint, write_chars bigint, read_syscalls bigint, write_syscalls bigint, read_bytes bigint,
    write_bytes bigint, cancelled_write_bytes bigint, exit_code integer, signal integer, signal_name varchar,
    signal_code varchar, sender varchar, sender_pid integer, sender_start bigint, sender_comm varchar, core_dumped boolean,
    outcome varchar, status varchar, hidden_by varchar, oom_limit_bytes bigint, oom_usage_bytes bigint, oom_cgroup varchar,
    oom_others varchar, root boolean, forked boolean, preexisting boolean, benign boolean, propagated boolean,
    cause_pid integer, cause_start bigint, retried boolean, ignored boolean, muted boolean, tried array(varchar),
    tried_error varchar, exec integer, last boolean, peak_rss_bytes bigint, missing varchar, date date
) WITH (format = 'PARQUET', external_location = 'local:///lake/images', partitioned_by = ARRAY['date']);
CALL system.sync_partition_metadata('lake', 'images', 'FULL');
CREATE TABLE IF NOT EXISTS lake.hidden_failures (
    run varchar, host varchar, pipeline varchar, pid integer, start bigint, exec integer, by_pid integer, by_command varchar,
    missing varchar, date date
) WITH (format = 'PARQUET', external_location = 'local:///lake/hidden_failures', partitioned_by = ARRAY['date']);
CALL system.sync_partition_metadata('lake', 'hidden_failures', 'FULL');
CREATE TABLE IF NOT EXISTS lake.verdicts (
    run varchar, host varchar, pipeline varchar, kind varchar, certainty varchar, muted boolean, pid integer, start bigint,
    command varchar, step varchar, since timestamp(6), ended timestamp(6), evidence varchar, refute varchar, next varchar,
    members varchar, missing varchar, date date
) WITH (format = 'PARQUET', external_location = 'local:///lake/verdicts', partitioned_by = ARRAY['date']);
CALL system.sync_partition_metadata('lake', 'verdicts', 'FULL');
CREATE TABLE IF NOT EXISTS lake.core_lost (
    run varchar, host varchar, pipeline varchar, ts bigint, time timestamp(6), seq bigint, marker varchar, pid integer,
    start bigint, tid integer, cpu integer, stream_lost varchar, lost_events bigint, since bigint, event_lost varchar,
    cause varchar, missing varchar, date date
) WITH (format = 'PARQUET', external_location = 'local:///lake/core_lost', partitioned_by = ARRAY['date']);
CALL system.sync_partition_metadata('lake', 'core_lost', 'FULL');
