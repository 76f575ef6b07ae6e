-- What failed or was killed, in order of time; not those that only passed a child's failure on.
-- $1 = 100: how many
SELECT date_trunc('second', began::TIMESTAMP) AS began, step, outcome, coalesce(signal_name, 'exit ' || exit_code) AS status, wall_ns, cpu_ns,
       coalesce(peak_rss_bytes, sampled_rss_bytes) AS peak_rss_bytes, pid, run, command
FROM processes
WHERE outcome IN ('failed', 'killed', 'oom') AND NOT passed_on
ORDER BY coalesce(ended, began), pid
LIMIT $1::BIGINT
