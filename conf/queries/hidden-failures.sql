-- Hidden failures: the program failed or was killed, but an ancestor exited 0.
-- $1 = 100: how many
SELECT CAST(i.began AS TIMESTAMP) AS began, i.step AS step, i.outcome AS outcome, i.status AS status, i.wall_ns AS wall_ns,
       coalesce(i.peak_rss_bytes, i.sampled_rss_bytes) AS peak_rss_bytes, i.pid AS pid, i.run AS run, i.command AS command,
       i.hidden_by AS hidden_by
FROM (SELECT i.*, i.began AS first_seen FROM images AS i) AS i
WHERE i.hidden_by IS NOT NULL
ORDER BY i.first_seen, i.run, i.host, i.pid, i.start, i.exec
LIMIT $1
