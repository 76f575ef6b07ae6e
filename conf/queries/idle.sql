-- Programs that took long and did next to nothing, and what they waited for, as samples found it; not those that waited for children.
-- $1 = 30: how many
SELECT i.wall_ns AS wall_ns, i.cpu_ns AS cpu_ns, floor(1000 * CAST(i.cpu_ns AS DOUBLE) / nullif(i.cpu_span_ns, 0) + 0.5) / 10 AS percent,
       i.outcome AS outcome, i.step AS step, i.pid AS pid, i.waits_for AS waits_for, i.run AS run, i.command AS command
FROM images AS i
WHERE i.wall_ns >= 1000000000 AND i.cpu_ns < i.cpu_span_ns / 20
  AND (coalesce(i.children, 0) = 0 OR i.waits_for LIKE 'a file lock%' OR i.waits_for LIKE 'a FIFO%' OR i.waits_for LIKE 'SIGCONT%')
ORDER BY i.wall_ns - i.cpu_ns DESC, i.run, i.host, i.pid, i.start, i.exec
LIMIT $1
