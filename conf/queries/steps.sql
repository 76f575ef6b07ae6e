-- The pipeline's steps: how often, how long, how much, and whether something failed in them.
WITH hiding AS (
  SELECT step, count(*) AS hidden
  FROM hidden_failures JOIN processes USING (run, host, pid, start, exec)
  WHERE NOT passed_on GROUP BY step
)
SELECT step, count(*) AS executions, count(*) FILTER (outcome IN ('failed', 'killed', 'oom')) AS failed,
       coalesce(any_value(hiding.hidden), 0) AS hidden, sum(wall_ns) AS wall_ns, max(wall_ns) AS longest_ns,
       sum(cpu_ns) AS cpu_ns, max(peak_rss_bytes) AS largest_bytes, max(sum_rss_bytes) AS together_bytes,
       sum(programs) AS programs
FROM steps LEFT JOIN hiding USING (step)
GROUP BY step
ORDER BY wall_ns DESC NULLS LAST
