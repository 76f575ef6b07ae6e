-- The view `diff`, of the views a_images, a_steps, a_verdicts and the same of b: what changed from run A to run B.
-- Figures are those of one task or program on average, peaks the largest of all. Steps are aligned by their names,
-- commands by their step and the shape of their arguments, in which numbers, hashes and temporary names count
-- as equal. What changed by less than 100 ms or 1 MiB has not changed.
-- Wall, CPU, peak and failed are those of sinks/totals/totals.h, but that the first record of a run is not known here:
-- the wall of one with processes older than it counts from the first program that is not.
CREATE MACRO bad(outcome) AS outcome IN ('failed', 'killed', 'oom');
CREATE MACRO shape(args) AS parse_filename(args[1]) || regexp_replace(
	regexp_replace(left(array_to_string([''] || args[2:], ' '), 1000),
		'/tmp/[^/ ]+|\b[0-9a-f]{2}/[0-9a-f]{6,}\b|\b(?:[0-9]+[a-f]|[a-f]+[0-9])[0-9a-f]{5,}\b', '#', 'g'),
	'[0-9]+', '#', 'g');
CREATE MACRO grown(a, b, least) AS
	CASE WHEN abs(b::DOUBLE - a::DOUBLE) >= least AND a > 0 THEN 100 * (b::DOUBLE / a::DOUBLE - 1) WHEN a IS NOT NULL AND b IS NOT NULL THEN 0 END;

-- Failures, and those of which it is only suspected that they were hidden.
CREATE MACRO judged(images, verdicts) AS TABLE
	SELECT i.*, bad(outcome) AND NOT propagated AND s.pid IS NULL AS failed
	FROM query_table(images) i LEFT JOIN (SELECT DISTINCT run, host, pid, start FROM query_table(verdicts)
		WHERE kind = 'hidden_failure' AND certainty = 'suspected') s USING (run, host, pid, start);

CREATE MACRO facts(images, steps, verdicts) AS TABLE
	SELECT 0 AS level, 'run' AS kind, '' AS step, 'all of it' AS name, 1 AS count,
		count(*) FILTER (failed) AS failed,
		max(began_ns + wall_ns) - coalesce(min(began_ns) FILTER (NOT preexisting), min(began_ns)) AS wall_ns,
		sum(cpu_ns) AS cpu_ns, max(coalesce(peak_rss_bytes, sampled_rss_bytes)) AS peak_rss_bytes
	FROM judged(images, verdicts)
	UNION ALL
	SELECT 1, 'step', step, step, count(*), count(*) FILTER (bad(outcome)), avg(wall_ns), avg(cpu_ns),
		max(peak_rss_bytes)
	FROM query_table(steps) GROUP BY step
	UNION ALL
	SELECT 2, 'command', coalesce(step, '') AS of_step, coalesce(shape(args), comm) AS alike, count(*),
		count(*) FILTER (failed), avg(wall_ns), avg(cpu_ns),
		max(coalesce(peak_rss_bytes, sampled_rss_bytes))
	FROM judged(images, verdicts) WHERE NOT forked GROUP BY of_step, alike
	UNION ALL
	SELECT 3, 'verdict', coalesce(step, '') AS of_step,
		concat(certainty, ' ', kind, ': ', regexp_replace(left(command, 1000), '[0-9]+', '#', 'g')) AS alike, count(*),
		NULL, NULL, NULL, NULL
	FROM query_table(verdicts) WHERE NOT muted AND certainty <> 'suspected' GROUP BY of_step, alike;

CREATE VIEW diff AS
WITH pairs AS (
	SELECT level, kind, nullif(step, '') AS step, name,
		a.count AS count_a, b.count AS count_b, a.failed AS failed_a, b.failed AS failed_b,
		a.wall_ns::BIGINT AS wall_a_ns, b.wall_ns::BIGINT AS wall_b_ns,
		grown(a.wall_ns, b.wall_ns, 100000000) AS wall_percent,
		a.cpu_ns::BIGINT AS cpu_a_ns, b.cpu_ns::BIGINT AS cpu_b_ns,
		grown(a.cpu_ns, b.cpu_ns, 100000000) AS cpu_percent,
		a.peak_rss_bytes::BIGINT AS peak_rss_a_bytes, b.peak_rss_bytes::BIGINT AS peak_rss_b_bytes,
		grown(a.peak_rss_bytes, b.peak_rss_bytes, 1048576) AS peak_rss_percent
	FROM facts('a_images', 'a_steps', 'a_verdicts') a FULL JOIN
		facts('b_images', 'b_steps', 'b_verdicts') b USING (level, kind, step, name)
)
SELECT CASE
		WHEN count_a IS NULL THEN 'appeared'
		WHEN count_b IS NULL THEN 'vanished'
		ELSE concat_ws(', ',
			CASE WHEN failed_b > failed_a THEN 'fails more' WHEN failed_b < failed_a THEN 'fails less' END,
			CASE WHEN wall_percent > 5 THEN 'slower' WHEN wall_percent < -5 THEN 'faster' END,
			CASE WHEN cpu_percent > 5 THEN 'more CPU' WHEN cpu_percent < -5 THEN 'less CPU' END,
			CASE WHEN peak_rss_percent > 5 THEN 'bigger' WHEN peak_rss_percent < -5 THEN 'smaller' END)
	END AS change, * EXCLUDE (level)
FROM pairs
ORDER BY level, failed_b > failed_a DESC NULLS LAST,
	abs(coalesce(cpu_b_ns * count_b, 0) - coalesce(cpu_a_ns * count_a, 0)) DESC, name, step;
