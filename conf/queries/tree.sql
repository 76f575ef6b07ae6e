-- The tree of processes: each below its parent, a process's programs one after the other.
-- $1 = 200: how many
SELECT i.wall_ns AS wall_ns, i.cpu_ns AS cpu_ns, i.status AS status, i.pid AS pid,
       concat(lpad('', 2 * coalesce(i.depth, 0), ' '), i.command) AS command
FROM images AS i
ORDER BY i.run, i.host, i.tree_order, i.began_ns, i.pid, i.exec
LIMIT $1
