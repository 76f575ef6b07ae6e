-- What the collector lost, and why; no rows: nothing.
SELECT l.run AS run, l.host AS host, l.stream_lost AS stream, l.event_lost AS event, l.cause AS cause, count(*) AS times,
       sum(l.lost_events) AS events, count(*) - count(l.lost_events) AS times_unknown,
       CAST(min(l.time) AS TIMESTAMP) AS first_time, CAST(max(l.time) AS TIMESTAMP) AS last_time
FROM core_lost AS l
GROUP BY l.run, l.host, l.stream_lost, l.event_lost, l.cause
ORDER BY min(l.time), l.run, l.host, l.stream_lost, l.event_lost, l.cause
