-- Programs of the same command line taken together, by the time they took.
-- $1 = 30: how many
SELECT count(*) AS programs, sum(CASE WHEN i.outcome IN ('failed', 'killed', 'oom') THEN 1 ELSE 0 END) AS failed,
       sum(i.wall_ns) AS wall_ns, max(i.wall_ns) AS longest_ns, sum(i.cpu_ns) AS cpu_ns,
       max(coalesce(i.peak_rss_bytes, i.sampled_rss_bytes)) AS peak_rss_bytes, i.command AS command
FROM images AS i
WHERE NOT i.forked
GROUP BY i.command
ORDER BY sum(i.wall_ns) DESC NULLS LAST, count(*) DESC, i.command
LIMIT $1
