-- The programs that took longest.
-- $1 = 30: how many
SELECT i.wall_ns AS wall_ns, i.cpu_ns AS cpu_ns, coalesce(i.peak_rss_bytes, i.sampled_rss_bytes) AS peak_rss_bytes,
       i.outcome AS outcome, i.step AS step, i.pid AS pid, i.run AS run, i.command AS command
FROM images AS i
ORDER BY i.wall_ns DESC NULLS LAST, i.run, i.host, i.pid, i.start, i.exec
LIMIT $1
