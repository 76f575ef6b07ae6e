-- Programs of the same command line taken together, by the time they took; failed: without what was only passed on, or suspected.
-- $1 = 30: how many
SELECT count(*) AS programs,
       sum(CASE WHEN i.outcome IN ('failed', 'killed', 'oom') AND NOT i.propagated AND coalesce(s.kind, '') = '' THEN 1
           ELSE 0 END) AS failed,
       sum(i.wall_ns) AS wall_ns, max(i.wall_ns) AS longest_ns, sum(i.cpu_ns) AS cpu_ns,
       max(coalesce(i.peak_rss_bytes, i.sampled_rss_bytes)) AS peak_rss_bytes, i.command AS command
FROM images AS i
     LEFT JOIN (SELECT s.run AS run, s.host AS host, s.pid AS pid, s.start AS start, max(s.kind) AS kind FROM verdicts AS s
                WHERE s.kind = 'hidden_failure' AND s.certainty = 'suspected' GROUP BY s.run, s.host, s.pid, s.start) AS s
     ON s.run = i.run AND s.host = i.host AND s.pid = i.pid AND s.start = i.start
WHERE NOT i.forked
GROUP BY i.command
ORDER BY sum(i.wall_ns) DESC NULLS LAST, count(*) DESC, i.command
LIMIT $1
