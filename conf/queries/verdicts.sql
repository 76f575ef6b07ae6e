-- What is wrong, most certain first: hangs, leaks, hidden failures... While the run goes on: by now.
-- $1 = 1000: how many
SELECT v.kind AS kind, v.certainty AS certainty, v.pid AS pid, v.start AS start, v.command AS command, v.step AS step,
       CAST(v.since AS TIMESTAMP) AS since, CAST(v.ended AS TIMESTAMP) AS ended, v.evidence AS evidence,
       v.refute AS refute, v.next AS next, v.members AS members, v.missing AS missing
FROM (SELECT v.*, v.since AS first_seen FROM verdicts AS v) AS v
WHERE NOT v.muted
ORDER BY v.certainty = 'proven' DESC, v.certainty = 'likely' DESC, v.first_seen, v.run, v.host, v.pid, v.kind,
         v.start, v.evidence
LIMIT $1
