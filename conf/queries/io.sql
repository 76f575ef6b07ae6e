-- What was read and written, by command: by the programs, and of that from and to storage.
-- $1 = 30: how many
SELECT sum(read_chars) AS read_bytes, sum(write_chars) AS written_bytes, sum(read_bytes) AS from_storage_bytes,
       sum(write_bytes) AS to_storage_bytes, sum(read_syscalls) AS reads, sum(write_syscalls) AS writes,
       count(*) AS executions, command
FROM processes
GROUP BY command
ORDER BY sum(read_chars) + sum(write_chars) DESC NULLS LAST
LIMIT $1::BIGINT
