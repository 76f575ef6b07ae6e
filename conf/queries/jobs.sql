-- Batch jobs: the runs of all nodes of a job as one row; a run without a job is a row of its own.
SELECT max(j.job) AS job, min(j.pipeline) AS pipeline, count(DISTINCT j.boot_id) AS hosts, count(*) AS runs,
       CAST(min(j.began) AS TIMESTAMP) AS first_began,
       CASE WHEN count(j.ended) = count(*) THEN CAST(max(j.ended) AS TIMESTAMP) END AS last_ended,
       CASE WHEN count(j.clock_error_ns) = count(*) THEN max(j.clock_error_ns) END AS clock_error_ns,
       max(j.began_ns + j.boot_epoch_ns + j.wall_ns) - min(j.began_ns + j.boot_epoch_ns) AS wall_ns,
       sum(j.cpu_ns) AS cpu_ns, max(p.peak) AS largest_bytes, sum(j.processes) AS processes,
       sum(j.failed) AS failed, count(j.result) - sum(CASE WHEN j.result = 'success' THEN 1 ELSE 0 END) AS bad_runs,
       count(*) - count(j.result) AS open_runs
FROM (SELECT r.*, coalesce(r.job, concat(r.run, ' ', r.host, ' ', r.marker)) AS one FROM runs AS r) AS j
     LEFT JOIN (SELECT i.run AS run, i.host AS host, max(coalesce(i.peak_rss_bytes, i.sampled_rss_bytes)) AS peak
                FROM images AS i GROUP BY i.run, i.host) AS p ON p.run = j.run AND p.host = j.host
GROUP BY j.one
ORDER BY min(j.began), j.one
