-- Who started whom: the first processes of the run, each below its parent.
-- $1 = 200: how many
WITH RECURSIVE first AS (
    SELECT run, host, pid, start, ppid, parent_start, exec, began, depth, outcome, exit_code, signal_name, wall_ns, cpu_ns,
           command, row_number() OVER (ORDER BY began_ns, pid, exec) AS number
    FROM (SELECT * FROM processes ORDER BY began_ns, pid, exec LIMIT $1::BIGINT)
), root AS (
    SELECT * FROM first f
    WHERE NOT EXISTS (FROM first p WHERE p.run = f.run AND p.host = f.host AND p.pid = f.ppid AND p.start = f.parent_start)
), tree AS (
    SELECT *, 0 AS level, [number] AS place FROM root
    UNION ALL
    SELECT c.*, level + 1, list_append(place, c.number)
    FROM tree t JOIN first c ON c.run = t.run AND c.host = t.host AND c.ppid = t.pid AND c.parent_start = t.start
    WHERE t.exec = (SELECT max(exec) FROM first l WHERE l.run = t.run AND l.host = t.host AND l.pid = t.pid AND l.start = t.start)
)
SELECT wall_ns, cpu_ns, CASE outcome WHEN 'failed' THEN 'exit ' || exit_code WHEN 'killed' THEN signal_name ELSE outcome END AS ended,
       pid, repeat('  ', level) || command AS command
FROM tree
ORDER BY run, place
