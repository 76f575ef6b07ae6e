-- Programs that took long and did next to nothing, and had no children to wait for: what did they wait for?
-- $1 = 30: how many
SELECT wall_ns, cpu_ns, round(100.0 * cpu_ns / wall_ns, 1) AS percent, outcome, step, p.pid, p.run, command
FROM processes p
     ANTI JOIN (SELECT run, host, ppid AS pid, parent_start AS start FROM processes) USING (run, host, pid, start)
WHERE wall_ns >= 1000000000 AND cpu_ns < wall_ns / 20
ORDER BY wall_ns - cpu_ns DESC
LIMIT $1::BIGINT
