-- The pipeline's steps: how many tasks, how long, how much, and whether something failed in them.
SELECT s.step AS step, count(*) AS tasks,
       sum(CASE WHEN s.outcome IN ('failed', 'killed', 'oom') THEN 1 ELSE 0 END) AS failed,
       coalesce(max(h.hidden), 0) AS hidden, sum(s.wall_ns) AS wall_ns, max(s.wall_ns) AS longest_ns,
       sum(s.cpu_ns) AS cpu_ns, max(s.peak_rss_bytes) AS largest_bytes, max(s.sum_rss_bytes) AS together_bytes,
       sum(s.programs) AS programs
FROM steps AS s
     LEFT JOIN (SELECT i.step AS step, count(i.hidden_by) AS hidden FROM images AS i GROUP BY i.step) AS h ON h.step = s.step
GROUP BY s.step
ORDER BY sum(s.wall_ns) DESC NULLS LAST, s.step
