-- Executions of the same command line taken together, by the time they took.
-- $1 = 30: how many
SELECT count(*) AS executions, count(*) FILTER (outcome IN ('failed', 'killed', 'oom')) AS failed,
       sum(wall_ns) AS wall_ns, max(wall_ns) AS longest_ns, sum(cpu_ns) AS cpu_ns,
       max(coalesce(peak_rss_bytes, sampled_rss_bytes)) AS peak_rss_bytes, command
FROM processes
WHERE NOT forked
GROUP BY command
ORDER BY wall_ns DESC NULLS LAST, executions DESC
LIMIT $1::BIGINT
