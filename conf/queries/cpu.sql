-- Where CPU time went, by command: in the program and in the kernel, and how many CPUs were busy at once.
-- $1 = 30: how many
SELECT sum(i.cpu_ns) AS cpu_ns, sum(i.user_ns) AS user_ns, sum(i.system_ns) AS system_ns, sum(i.wall_ns) AS wall_ns,
       floor(100 * CAST(sum(CASE WHEN i.cpu_span_ns > 0 THEN i.cpu_ns END) AS DOUBLE) / nullif(sum(i.cpu_span_ns), 0) + 0.5) / 100 AS cpus,
       count(*) AS programs, count(*) - count(i.cpu_ns) AS unknown, i.command AS command
FROM images AS i
GROUP BY i.command
ORDER BY sum(i.cpu_ns) DESC NULLS LAST, i.command
LIMIT $1
