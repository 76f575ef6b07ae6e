-- What the collector lost, and why; no rows: nothing.
SELECT run, host, stream_lost AS stream, event_lost AS event, cause, count(*) AS times, sum("count") AS events,
       count(*) - count("count") AS times_unknown, date_trunc('second', min(time)::TIMESTAMP) AS first,
       date_trunc('second', max(time)::TIMESTAMP) AS last
FROM core_lost
GROUP BY ALL
ORDER BY first
