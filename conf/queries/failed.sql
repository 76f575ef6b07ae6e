-- What failed or was killed, in order of time.
-- Not what only passed a child's failure on, was retried with success or ignored, nor what is only suspected to be a hidden
-- failure: the query hidden-failures has that.
-- The cause is what it ended by, if that only answered no, as grep does.
-- $1 = 100: how many
SELECT CAST(i.began AS TIMESTAMP) AS began, i.step AS step, i.outcome AS outcome, i.status AS status, i.wall_ns AS wall_ns,
       i.cpu_ns AS cpu_ns, coalesce(i.peak_rss_bytes, i.sampled_rss_bytes) AS peak_rss_bytes, i.pid AS pid, i.run AS run,
       CASE WHEN i.outcome = 'oom' THEN concat(
           CASE WHEN i.oom_limit_bytes IS NOT NULL
                THEN concat('limit ',
                            CAST(CAST(floor((CAST(i.oom_limit_bytes AS DOUBLE) + 52428.8) / 1048576) AS BIGINT) AS VARCHAR(20)), '.',
                            CAST(CAST(floor(CAST(i.oom_limit_bytes AS DOUBLE) / 104857.6 + 0.5) AS BIGINT) % 10 AS VARCHAR(20)),
                            ' MiB, ') ELSE '' END,
           CASE WHEN i.oom_usage_bytes IS NOT NULL
                THEN concat('usage ',
                            CAST(CAST(floor((CAST(i.oom_usage_bytes AS DOUBLE) + 52428.8) / 1048576) AS BIGINT) AS VARCHAR(20)), '.',
                            CAST(CAST(floor(CAST(i.oom_usage_bytes AS DOUBLE) / 104857.6 + 0.5) AS BIGINT) % 10 AS VARCHAR(20)),
                            ' MiB, ') ELSE '' END,
           CASE WHEN i.oom_cgroup IS NOT NULL THEN concat('cgroup ', i.oom_cgroup, '; ') ELSE '' END,
           'largest others: ', coalesce(i.oom_others, 'not known')) END AS oom,
       c.command AS cause, i.command AS command
FROM (SELECT i.*, coalesce(i.ended, i.began) AS last_seen FROM images AS i) AS i
     LEFT JOIN processes AS c ON c.run = i.run AND c.host = i.host AND c.pid = i.cause_pid AND c.start = i.cause_start
     LEFT JOIN (SELECT s.run AS run, s.host AS host, s.pid AS pid, s.start AS start, max(s.kind) AS kind FROM verdicts AS s
                WHERE s.kind = 'hidden_failure' AND s.certainty = 'suspected' GROUP BY s.run, s.host, s.pid, s.start) AS s
     ON s.run = i.run AND s.host = i.host AND s.pid = i.pid AND s.start = i.start
WHERE i.outcome IN ('failed', 'killed', 'oom') AND NOT i.propagated AND NOT i.retried AND NOT i.ignored AND coalesce(s.kind, '') = ''
ORDER BY i.last_seen, i.run, i.host, i.pid, i.start, i.exec
LIMIT $1
