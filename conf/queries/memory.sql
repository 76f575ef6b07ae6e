-- The programs that held most memory at once, their own peak, not their parent's.
-- $1 = 30: how many
SELECT i.peak_rss_bytes AS peak_rss_bytes, i.sampled_rss_bytes AS sampled_rss_bytes, i.wall_ns AS wall_ns,
       i.outcome AS outcome, i.step AS step, i.pid AS pid, i.run AS run, i.command AS command
FROM images AS i
ORDER BY coalesce(i.peak_rss_bytes, i.sampled_rss_bytes) DESC NULLS LAST, i.run, i.host, i.pid, i.start, i.exec
LIMIT $1
