-- The pipeline's steps: how often, how long, how much, and whether something failed in them.
SELECT step, count(*) AS executions, count(*) FILTER (outcome IN ('failed', 'killed', 'oom')) AS failed,
       sum(hidden) AS hidden, sum(wall_ns) AS wall_ns, max(wall_ns) AS longest_ns, sum(cpu_ns) AS cpu_ns,
       max(peak_rss_bytes) AS largest_bytes, max(sum_rss_bytes) AS together_bytes, sum(programs) AS programs
FROM steps
GROUP BY step
ORDER BY wall_ns DESC NULLS LAST
