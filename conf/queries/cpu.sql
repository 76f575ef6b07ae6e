-- Where CPU time went, by command: user and system time, and how many CPUs were busy at once.
-- $1 = 30: how many
-- A program counts once, with the most that is known of it, also if a run was folded twice.
SELECT sum(cpu_ns) AS cpu_ns, sum(user_ns) AS user_ns, sum(system_ns) AS system_ns, sum(wall_ns) AS wall_ns,
       round(sum(cpu_ns) FILTER (wall_ns > 0) / sum(wall_ns) FILTER (cpu_ns IS NOT NULL AND wall_ns > 0), 2) AS cpus,
       count(*) AS executions, count(*) - count(cpu_ns) AS unknown,
       CASE WHEN forked THEN 'fork of ' ELSE '' END || coalesce(array_to_string(args, ' '), '[' || any_value(comm) || ']') AS command
FROM (
    SELECT max(cpu_ns) AS cpu_ns, max(user_ns) AS user_ns, max(system_ns) AS system_ns, max(wall_ns) AS wall_ns,
           any_value(args) AS args, any_value(comm) AS comm, any_value(forked) AS forked
    FROM processes
    GROUP BY run, host, pid, start, exec
)
GROUP BY args, forked, CASE WHEN args IS NULL THEN comm END
ORDER BY cpu_ns DESC NULLS LAST
LIMIT $1::BIGINT
