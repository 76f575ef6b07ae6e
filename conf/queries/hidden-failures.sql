-- Hidden failures: the program failed or was killed, but an ancestor exited 0, and the run did not fail by it.
-- $1 = 100: how many
SELECT CAST(i.began AS TIMESTAMP) AS began, i.step AS step, i.outcome AS outcome, i.status AS status, i.wall_ns AS wall_ns,
       coalesce(i.peak_rss_bytes, i.sampled_rss_bytes) AS peak_rss_bytes, i.pid AS pid, i.run AS run,
       v.certainty AS certainty, i.command AS command, i.hidden_by AS hidden_by
FROM (SELECT i.*, i.began AS first_seen FROM images AS i) AS i
     LEFT JOIN (SELECT v.run AS run, v.host AS host, v.pid AS pid, v.start AS start, min(v.certainty) AS certainty
                FROM verdicts AS v WHERE v.kind IN ('hidden_failure', 'missing_tool', 'outlived')
                GROUP BY v.run, v.host, v.pid, v.start) AS v
     ON v.run = i.run AND v.host = i.host AND v.pid = i.pid AND v.start = i.start
     LEFT JOIN (SELECT r.run AS run, r.host AS host, r.cause_pid AS pid, r.cause_start AS start, max(r.pid) AS failed
                FROM images AS r WHERE r.root AND r.last AND r.outcome IN ('failed', 'killed', 'oom')
                GROUP BY r.run, r.host, r.cause_pid, r.cause_start) AS r
     ON r.run = i.run AND r.host = i.host AND r.pid = i.pid AND r.start = i.start
WHERE i.hidden_by IS NOT NULL AND coalesce(r.failed, 0) = 0
ORDER BY i.first_seen, i.run, i.host, i.pid, i.start, i.exec
LIMIT $1
