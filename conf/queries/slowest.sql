-- The programs that took longest.
-- $1 = 30: how many
SELECT wall_ns, cpu_ns, coalesce(peak_rss_bytes, sampled_rss_bytes) AS peak_rss_bytes, outcome, step, pid, run, command
FROM processes
ORDER BY wall_ns DESC NULLS LAST
LIMIT $1::BIGINT
