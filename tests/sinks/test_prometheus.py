# SPDX-License-Identifier: BSD-2-Clause
"""The sink prometheus: its file as promtool checks it, node_exporter serves it and Prometheus stores it; that a run counts
once, and two that end at the same moment both."""
import json
import os
import random
import re
import signal
import subprocess
import time
import urllib.error

import pytest
from harness import NOBODY, made_run, new_folder, stage, wait_for
from live import AS_NOBODY, Follower, Live, open_to_all
from prometheus_peer import answers, fetch, free_port, needs_prometheus, node_exporter, prometheus
from tables import needs_sink, scripted_run

def run_of(*steps, code=0, lost=0, name="run"):
    """A run whose script starts steps of (name, ms of CPU, MiB, status)."""
    lines = ["fork 0 10 1 sh", "exec 10 10 sh pipeline.sh"]
    for i, (step, cpu, mib, status) in enumerate(steps):
        at, pid = 20 + i, 11 + i
        lines += [f"fork {at} {pid} 10 sh", f"exec {at} {pid} {step} x", f"exit {at + 100} {pid} {status}",
                  f"cpu_exit {at + 100} {pid} {cpu}", f"mem_exit {at + 100} {pid} {mib}"]
    lines += [f"exit {len(steps) + 1000} 10 {code}", f"cpu_exit {len(steps) + 1000} 10 1"]
    lines += [f"lost {len(steps) + 1001} cpu {lost}"] if lost else []
    return scripted_run("\n".join([*lines, ""]), name=name)


def feed(file, *runs, code=0, options="", **popen):
    done = subprocess.run([stage() / "collector-merge", "--plugin-dir", stage(), "-s", f"prometheus:textfile={file}{options}", *runs],
                          capture_output=True, text=True, check=False, **popen)
    assert done.returncode == code, done.stderr
    return done.stderr


def new_file():
    return new_folder() / "collector.prom"


def values(file):
    """{name{labels}: text} of all lines but comments."""
    lines = [line for line in file.read_text().splitlines() if not line.startswith("#")]
    return dict(line.rsplit(" ", 1) for line in lines)


def check_metrics(text):
    """What promtool says; 3 for a fault of naming."""
    done = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_what_a_run_adds():
    file = new_file()
    feed(file, run_of(("mapper", 300, 20, 0), ("mapper", 500, 40, 3), ("sort", 100, 5, -9), lost=4))
    found = values(file)
    for name in ("last_end", "last_success"):
        assert float(found.pop(f'collector_run_{name}_timestamp_seconds{{pipeline="made"}}')) > 0
    assert int(found.pop('collector_sink_delivered_records_total{sink="prometheus"}')) > 10
    assert re.fullmatch(r'collector_build_info\{version="[^"]+"\}', next(k for k in found if "build_info" in k))
    assert {k: v for k, v in found.items() if "build_info" not in k} == {
        'collector_step_cpu_seconds_total{pipeline="made",step="mapper"}': "0.800000000",
        'collector_step_cpu_seconds_total{pipeline="made",step="sort"}': "0.100000000",
        'collector_step_wall_seconds_total{pipeline="made",step="mapper"}': "0.200000000",
        'collector_step_wall_seconds_total{pipeline="made",step="sort"}': "0.100000000",
        'collector_step_processes_total{pipeline="made",step="mapper",outcome="ok"}': "1",
        'collector_step_processes_total{pipeline="made",step="mapper",outcome="failed"}': "1",
        'collector_step_processes_total{pipeline="made",step="sort",outcome="killed"}': "1",
        'collector_step_peak_memory_bytes{pipeline="made",step="mapper"}': str(40 << 20),
        'collector_step_peak_memory_bytes{pipeline="made",step="sort"}': str(5 << 20),
        'collector_verdicts_total{kind="hidden_failure"}': "2",
        'collector_runs{state="ended"}': "1",
        'collector_runs{state="running"}': "0",
        'collector_events_lost_total{pipeline="made"}': "4",
        'collector_sink_refused_records_total{sink="prometheus"}': "0",
    }


def test_runs_add_up_and_each_counts_once():
    file, first = new_file(), run_of(("mapper", 300, 20, 0))
    feed(file, first)
    assert "is counted already" in feed(file, first)
    feed(file, run_of(("mapper", 200, 10, 0), code=2), run_of(("sort", 50, 1, 0), code=2, name="another"))
    found = values(file)
    assert found['collector_step_cpu_seconds_total{pipeline="made",step="mapper"}'] == "0.500000000"
    assert found['collector_step_processes_total{pipeline="made",step="mapper",outcome="ok"}'] == "2"
    assert found['collector_step_peak_memory_bytes{pipeline="made",step="mapper"}'] == str(10 << 20)
    assert found['collector_runs{state="ended"}'] == "3"
    # only the first has succeeded, and ended first
    assert float(found['collector_run_last_success_timestamp_seconds{pipeline="made"}']) <= float(
        found['collector_run_last_end_timestamp_seconds{pipeline="made"}'])


@needs_sink
def test_verdicts_are_those_of_the_tables():
    """By the sink of tables, and once for a run that is read twice."""
    file, run = new_file(), run_of(("mapper", 300, 20, 3), ("sort", 100, 5, -9), ("no-such", 1, 1, 127))
    feed(file, run)
    feed(file, run)
    query = "SELECT kind, count(*) AS n FROM verdicts WHERE certainty <> 'suspected' GROUP BY kind"
    done = subprocess.run([stage() / "collector-query", "--plugin-dir", stage(), "--format", "json", run, query], capture_output=True,
                          check=True)
    expected = {f'collector_verdicts_total{{kind="{row["kind"]}"}}': str(row["n"]) for row in json.loads(done.stdout)}
    assert len(expected) >= 1
    assert {name: value for name, value in values(file).items() if "verdicts" in name} == expected


def test_what_is_not_known_has_no_series():
    file = new_file()
    feed(file, scripted_run("fork 0 10 1 sh\nexec 10 10 sh p.sh\nfork 20 11 10 sh\nexec 20 11 mapper\nexit 30 11 0\nexit 40 10 0\n"))
    found = values(file)
    assert found['collector_step_processes_total{pipeline="made",step="mapper",outcome="ok"}'] == "1"
    assert not [name for name in found if "cpu" in name or "peak" in name]


def test_the_number_of_series_is_bounded():
    file = new_file()
    feed(file, run_of(*((f"tool{i}", 1000 - i, 1, 0) for i in range(250))))
    found = [name for name in values(file) if name.startswith("collector_step_cpu")]
    assert len(found) == 201
    assert 'collector_step_cpu_seconds_total{pipeline="made",step="tool199"}' in found  # those with the most CPU time
    assert values(file)['collector_step_processes_total{pipeline="made",step="other",outcome="ok"}'] == "50"
    feed(file, run_of(("tool1", 1, 1, 0), ("new", 1, 1, 0)))
    assert values(file)['collector_step_processes_total{pipeline="made",step="other",outcome="ok"}'] == "51"
    assert len([name for name in values(file) if name.startswith("collector_step_cpu")]) == 201


def test_a_step_that_was_not_seen_for_a_day_goes():
    file = new_file()
    feed(file, run_of(("old", 100, 1, 0), ("young", 100, 1, 0)))
    text = file.read_text()
    seen = re.search(r'# seen\{pipeline="made",step="old"\} (\d+)\.', text)[1]
    for age, there in ((86000, True), (86500, False)):
        file.write_text(text.replace(f'step="old"}} {seen}', f'step="old"}} {int(seen) - age}'))
        feed(file, run_of(("young", 100, 1, 0)))
        assert bool([name for name in values(file) if 'step="old"' in name]) == there
        assert values(file)['collector_step_cpu_seconds_total{pipeline="made",step="young"}'] == "0.200000000"


def test_a_pipeline_stays_for_30_days():
    """That it had no success for long is what alerts ask for."""
    file, name = new_file(), 'collector_run_last_success_timestamp_seconds{pipeline="made"}'
    run = run_of(("mapper", 100, 1, 0))
    feed(file, run)
    text = file.read_text()
    for days, there in ((29, True), (31, False)):
        file.write_text(re.sub(r'(# seen\{pipeline="made"[^}]*\}) (\d+)', lambda m, d=days: f"{m[1]} {int(m[2]) - d * 86400}", text))
        feed(file, run)
        assert (name in values(file)) == there


def test_files_that_are_not_its_own():
    file = new_file()
    file.write_text("node_load1 3\n")
    assert "not written by this sink" in feed(file, run_of(), code=2)
    assert file.read_text() == "node_load1 3\n"
    feed(file.with_name("own.prom"), run_of(("mapper", 300, 20, 0)))
    own = file.with_name("own.prom")
    own.write_text(own.read_text().replace("0.300000000", "0.3000000000x"))
    assert "damaged: a line cannot be read: all counters begin at 0" in feed(own, run_of(("mapper", 200, 20, 0)))
    assert values(own)['collector_step_cpu_seconds_total{pipeline="made",step="mapper"}'] == "0.200000000"
    assert "no output: add textfile=FILE, or listen=PORT" in subprocess.run(
        [stage() / "collector-merge", "--plugin-dir", stage(), "-s", "prometheus", run_of()], capture_output=True, text=True,
        check=False).stderr


def test_a_run_whose_record_has_no_end_is_no_success():
    file = new_file()
    run = run_of(("mapper", 300, 20, 0))
    for stream in run.glob("*.msgpack"):
        stream.write_bytes(stream.read_bytes()[:-40])
    feed(file, run)
    found = values(file)
    assert found['collector_runs{state="crashed"}'] == "1"
    assert 'collector_run_last_success_timestamp_seconds{pipeline="made"}' not in found


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_runs_that_end_at_the_same_moment_all_count():
    """As an ordinary user, whose merges replace the file themselves."""
    folder = new_folder()
    os.chown(folder, NOBODY, NOBODY)
    runs = [run_of(("mapper", 1, 1, 0)) for _ in range(8)]
    for run in runs:
        for path in (run.parent, run, *run.iterdir()):
            path.chmod(0o755)
    line = [stage() / "collector-merge", "-q", "--plugin-dir", stage(), "-s", f"prometheus:textfile={folder / 'c.prom'}"]
    merges = [subprocess.Popen([*line, run], user=NOBODY, group=NOBODY, extra_groups=[]) for run in runs]
    assert [merge.wait() for merge in merges] == [0] * 8
    assert values(folder / "c.prom")['collector_runs{state="ended"}'] == "8"
    assert os.listdir(folder) == ["c.prom"]


# ---- runs that are followed ----



class Followed:
    """A folder of runs, and the file of an ordinary user's follower."""

    def __init__(self):
        self.top = new_folder(0o777)
        self.runs, self.file = self.top / "runs", self.top / "collector.prom"
        self.runs.mkdir()

    def follower(self, *options):
        return Follower(self.runs, sink=f"prometheus:textfile={self.file},interval=0s", options=options, out=self.top / "out", **AS_NOBODY)

    def value(self, name):
        return values(self.file).get(name) if self.file.exists() else None

    def wait(self, name, value):
        wait_for(lambda: self.value(name) == value, f"{name} {value}")

    def add(self, name, *steps):
        open_to_all(run_of(*steps, name=name)).rename(self.runs / name)


def test_a_follower_counts_runs_as_they_end():
    there = Followed()
    with there.follower() as follower, Live(there.runs / "live") as live:
        open_to_all(live.path)
        live.tell("put 0 5", "flush")
        there.wait('collector_runs{state="running"}', "1")
        there.add("one", ("mapper", 300, 20, 0))
        there.wait('collector_runs{state="ended"}', "1")
        there.add("two", ("mapper", 200, 10, 0))
        there.wait('collector_runs{state="ended"}', "2")
        assert there.value('collector_step_cpu_seconds_total{pipeline="made",step="mapper"}') == "0.500000000"
        assert there.value('collector_runs{state="running"}') == "1"
        live.tell("put 0 5", "flush", "end")
        there.wait('collector_runs{state="ended"}', "3")
        there.wait('collector_runs{state="running"}', "0")
        before = there.file.read_text()
        follower.end(number=signal.SIGTERM)
    wanted = [line for line in before.splitlines() if line.startswith(("collector_step", "collector_runs"))]
    assert [line for line in there.file.read_text().splitlines() if line.startswith(("collector_step", "collector_runs"))] == wanted


def test_verdicts_are_counted_as_runs_end():
    """Also by a follower that never ends, beside a run that goes on; those of a run that it has counted not again at its end."""
    there, found = Followed(), 'collector_verdicts_total{kind="hidden_failure"}'
    with there.follower() as follower, Live(there.runs / "live") as live:
        open_to_all(live.path)
        live.tell("put 0 5", "flush")
        there.wait('collector_runs{state="running"}', "1")
        there.add("one", ("mapper", 300, 20, 3), ("sort", 100, 5, -9))
        there.wait(found, "2")
        there.add("two", ("mapper", 300, 20, 3))
        there.wait(found, "3")
        follower.end(number=signal.SIGTERM)
    assert there.value(found) == "3"


def test_a_follower_that_is_killed_counts_each_run_once():
    there, cursors = Followed(), new_folder(0o777)
    total = 24
    for i in range(total):
        follower = there.follower("--cursor", cursors)
        there.add(f"run-{i}", ("mapper", 100, 1, 0))
        time.sleep(random.random() / 5)  # any moment will do
        follower.kill()
    with there.follower("--cursor", cursors):
        there.wait('collector_runs{state="ended"}', str(total))
    assert there.value('collector_step_cpu_seconds_total{pipeline="made",step="mapper"}') == f"{total * 0.1:.9f}"
    assert there.value('collector_step_processes_total{pipeline="made",step="mapper",outcome="ok"}') == str(total)


def test_a_run_that_goes_on_is_read_again_by_the_next_follower():
    """A follower that ends has counted nothing of it."""
    there, cursors = Followed(), new_folder(0o777)
    with Live(there.runs / "live") as live:
        open_to_all(live.path)
        live.tell("put 0 500", "flush")
        with there.follower("--cursor", cursors) as follower:
            there.wait('collector_runs{state="running"}', "1")
            follower.end(number=signal.SIGTERM)
        live.tell("put 0 5", "flush", "end")
        delivered = int(there.value('collector_sink_delivered_records_total{sink="prometheus"}'))
        with there.follower("--cursor", cursors):
            there.wait('collector_runs{state="ended"}', "1")
        assert int(there.value('collector_sink_delivered_records_total{sink="prometheus"}')) == delivered + 505


# ---- real peers ----

@needs_prometheus
def test_promtool_finds_no_fault():
    file = new_file()
    feed(file, run_of(("mapper", 300, 20, 0), ("sort", 1, 1, 1)))
    check_metrics(file.read_text())


@needs_prometheus
def test_what_node_exporter_serves_and_prometheus_stores():
    """Also names that only a hostile run has; a run shorter than a scrape does not vanish."""
    file = new_file()
    hostile = ['a"}b{c="d', "back\\slash", "step\\n#", "naïve", "\\x1b[2J"]
    feed(file, run_of(*((name, 100, 20, 0) for name in hostile)))
    with node_exporter(file.parent) as address, prometheus([address]) as server:
        server.wait('collector_runs{state="ended"}', 1)
        found = server.query("collector_step_cpu_seconds_total")
        assert {dict(labels)["step"] for labels in found} == set(hostile)
        assert set(found.values()) == {0.1}
        assert server.query("node_textfile_scrape_error") == {(): 0}
        for i in range(3):
            feed(file, run_of(("mapper", 200, 20 + i, 0)))
        server.wait('collector_step_cpu_seconds_total{step="mapper"}', 0.6)
        server.wait('collector_step_peak_memory_bytes{step="mapper"}', 22 << 20)
        assert server.query("resets(collector_step_cpu_seconds_total[1m]) > 0") == {}
        check_metrics(fetch(f"http://{address}/metrics"))


class Serving:
    """A merge that serves scrapes, held by a pipe that is not read, until the end of the block."""

    def __init__(self, options=""):
        self.address = f"127.0.0.1:{free_port()}"
        line = [stage() / "collector-merge", "-q", "--plugin-dir", stage(), "-s", f"prometheus:listen={self.address}{options}",
                "-s", "jsonl", made_run(20000)[0]]
        self.process = subprocess.Popen(line, stdout=subprocess.PIPE)

    def __enter__(self):
        wait_for(lambda: answers(f"http://{self.address}/metrics"), "it listens")
        return self

    def __exit__(self, *_):
        self.process.stdout.close()
        self.process.kill()
        self.process.wait()


@needs_prometheus
def test_a_scrape_is_served():
    file = new_file()
    feed(file, run_of(("mapper", 300, 20, 0)))
    with Serving(f",textfile={file}") as serving, prometheus([serving.address]) as server:
        server.wait('collector_step_cpu_seconds_total{step="mapper"}', 0.3)
        server.wait('collector_runs{state="running"}', 0)
        for own in ("process_cpu_seconds_total", "process_resident_memory_bytes", "process_open_fds"):
            assert all(value > 0 for value in server.query(own).values())
        check_metrics(fetch(f"http://{serving.address}/metrics"))
        assert "process_" not in file.read_text()
        with pytest.raises(urllib.error.HTTPError, match="404"):
            fetch(f"http://{serving.address}/")


def test_a_port_that_is_taken_or_wrong():
    with Serving() as serving:
        taken = subprocess.run([stage() / "collector-merge", "-q", "--plugin-dir", stage(), "-s", f"prometheus:listen={serving.address}",
                                run_of()], capture_output=True, text=True, check=False)
        assert taken.returncode == 1 and "Address already in use" in taken.stderr
    for wrong in ("localhost:1", "70000", "1.2.3.4", "[::1", ""):
        done = subprocess.run([stage() / "collector-merge", "-q", "--plugin-dir", stage(), "-s", f"prometheus:listen={wrong}", run_of()],
                              capture_output=True, text=True, check=False)
        assert done.returncode == 2, (wrong, done.stderr)
