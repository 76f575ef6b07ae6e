-- Where CPU time went, by command: in the program and in the kernel, and how many CPUs were busy at once.
-- $1 = 30: how many
-- A program counts once, with its most complete row, also if its run is given twice.
SELECT sum(cpu_ns) AS cpu_ns, sum(user_ns) AS user_ns, sum(system_ns) AS system_ns, sum(wall_ns) AS wall_ns,
       round(sum(cpu_ns) / nullif(sum(wall_ns) FILTER (cpu_ns IS NOT NULL), 0), 2) AS cpus,
       count(*) AS executions, count(*) - count(cpu_ns) AS unknown, command
FROM (
    SELECT max(cpu_ns) AS cpu_ns, max(user_ns) AS user_ns, max(system_ns) AS system_ns, max(wall_ns) AS wall_ns,
           command
    FROM processes
    GROUP BY pid, start, exec, run, host, command
)
GROUP BY command
ORDER BY cpu_ns DESC NULLS LAST
LIMIT $1::BIGINT
