# SPDX-License-Identifier: BSD-2-Clause
"""Marks: a stream that has nothing says so while others of its run get events, and only then."""
import subprocess

import pytest
from harness import KIND_BASE, Started, read_stream, wait_for, why_no_bpf

pytestmark = pytest.mark.skipif(bool(why_no_bpf()), reason=str(why_no_bpf()))

SYNC = 3
CONFIG = "{run: {latency: 100ms}, probes: {cpu: {}, mem: {}, io: {}, lifecycle: {}}}"


def latest_and_marks(folder):
    """Time of the run's last event, and each stream's mark."""
    streams = {path.stem: read_stream(path)[1] for path in folder.glob("*.msgpack")}
    events = [r["ts"] for records in streams.values() for r in records if r["kind"] >= KIND_BASE]
    return max(events, default=0), {name: records[-1]["ts"] for name, records in streams.items()}


def blocks(path):
    """Numbers of records of a stream's blocks, the header's left out."""
    return [r["records"] for r in read_stream(path)[1] if r["kind"] == SYNC][1:]


def test_marks_reach_the_last_event_and_stop():
    with Started("--no-summary", "--", "sh", "-c", "/bin/true; read line; sleep 2; /bin/true; read line",
                 config=CONFIG, stdin=subprocess.PIPE) as started:
        def reached():
            assert started.process.poll() is None, started.process.communicate()[1].decode()
            if not (started.out / "latest").exists():
                return False
            try:
                latest, marks = latest_and_marks(started.out / "latest")
            except StopIteration:  # no header yet
                return False
            return latest and len(marks) == 4 and all(mark >= latest for mark in marks.values())
        wait_for(reached, "every stream's mark is past the last event, while all is idle")
        started.tell("go on")
        started.tell("end")
        run = started.end(None)
    streams = {path.stem: blocks(path) for path in run.path.glob("*.msgpack")}
    with_events = sum(count > 0 for counts in streams.values() for count in counts)
    for name, counts in streams.items():
        marks = counts.count(0)
        assert 1 <= marks, name
        # not while nothing happens: that would be 40 in 2 seconds
        assert marks <= 2 * with_events, (name, counts)
