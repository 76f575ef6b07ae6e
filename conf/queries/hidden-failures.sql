-- Hidden failures: the program failed or was killed, and an ancestor exited with 0 all the same.
-- $1 = 100: how many
SELECT date_trunc('second', p.began::TIMESTAMP) AS began, p.step, p.outcome, coalesce(p.signal_name, 'exit ' || p.exit_code) AS status,
       p.wall_ns, coalesce(p.peak_rss_bytes, p.sampled_rss_bytes) AS peak_rss_bytes, p.pid, p.run, p.command, h.by_command AS hidden_by
FROM hidden_failures h JOIN processes p USING (run, host, pid, start, exec)
WHERE NOT p.passed_on
ORDER BY p.began, p.pid
LIMIT $1::BIGINT
