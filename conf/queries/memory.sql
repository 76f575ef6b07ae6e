-- The programs that held most memory at once, their own peak, not their parent's.
-- $1 = 30: how many
SELECT peak_rss_bytes, sampled_rss_bytes, wall_ns, outcome, step, pid, run, command
FROM processes
ORDER BY coalesce(peak_rss_bytes, sampled_rss_bytes) DESC NULLS LAST
LIMIT $1::BIGINT
