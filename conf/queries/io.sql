-- What was read and written, by command: by the programs, and of that from and to storage.
-- $1 = 30: how many
SELECT sum(i.read_chars) AS read_bytes, sum(i.write_chars) AS written_bytes, sum(i.read_bytes) AS from_storage_bytes,
       sum(i.write_bytes) AS to_storage_bytes, sum(i.read_syscalls) AS reads, sum(i.write_syscalls) AS writes,
       count(*) AS programs, i.command AS command
FROM images AS i
GROUP BY i.command
ORDER BY sum(i.read_chars) + sum(i.write_chars) DESC NULLS LAST, i.command
LIMIT $1
