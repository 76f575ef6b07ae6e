# SPDX-License-Identifier: BSD-2-Clause
"""Each script of pipelines/faulty has one fault: the summary shows it, and there is a verdict of its kind."""
import json
import os
import re
import signal
import subprocess

import pytest
from harness import SRC, Started, collect, merge, stage, wait_for

FAULTY = SRC / "pipelines/faulty"

# script and arguments, its exit code, what the summary must have (each a pattern within one line or two)
CASES = {
    "pipe_hides_failure.sh fail": (0, [r"exit 0 .*hidden", r"exit 3 +awk", r"HIDDEN +pid \d+"]),
    "pipe_hides_failure.sh kill": (0, [r"exit 0 .*hidden", r"SIGKILL +awk", r"HIDDEN +pid \d+"]),
    "killed_by_signal.sh SEGV": (0, [r"SIGSEGV +python3", r"HIDDEN +pid \d+"]),
    "killed_by_signal.sh KILL": (0, [r"SIGKILL +bash", r"HIDDEN +pid \d+"]),
    "missing_tool.sh": (0, [r"exit 127 ", r"exit 126 ", r"2 failures are hidden"]),
    "leak.py 80 1": (0, [r"peak memory +\b[89]\d MiB +largest process: leak\.py"]),
    "deadlock.py 1": (124, [r"verdict +exit 124", r"Cause\n  exit 124 +timeout 1\s+\S*deadlock\.py", r"timed out", r"0\.0\d cores on average"]),
    "spin.sh 1": (124, [r"verdict +exit 124", r"Cause\n  exit 124 +timeout 1 bash -c 'until", r"timed out", r"9\d %|100 %"]),
    "recursion.sh 10": (1, [r"verdict +exit 1\b", r"\b1 failed\n", r"Cause\n  exit 1 +recursion\.sh 0",
                            r" 11 +1 +recursion\.sh"]),
    "fork_storm.sh 300": (0, [r"processes +301\b", r" 300 +(0 +)?true"]),
    "daemonize.py 0.5": (0, [r"processes +3\b", r"([5-9]\d\d ms|\d\.\d s) .* 2 +(0 +)?daemonize\.py \(forked"]),
    "zombie.py 5 0.5": (0, [r"processes +6\b", r" 5 +(0 +)?zombie\.py \(forked"]),
}


CONFIG = """
run: {grace: 10s}
probes:
  lifecycle: {required: true, exec_failed: true}
  cpu: {interval: 100ms}
  mem: {interval: 100ms}
  io: {interval: 100ms}
  stall: {interval: 200ms, after: 1s}
verdicts: {after: 1s, leak: {floor: 8MiB}, straggler: {after: 4s}}
"""

# script and arguments: the kind of its verdict, its certainty, the process that has it, words of the evidence
VERDICTS = {
    "pipe_hides_failure.sh fail": ("hidden_failure", "proven", r"^awk", r"exited 3"),
    "oom.sh": ("oom", "proven", r"python3", r"limit 48 MiB"),
    "deadlock.py 5": ("hang", "likely", r"deadlock\.py --unbounded", r"only its 3 threads can signal"),
    "own_pipe.py 5": ("deadlock", "proven", r"own_pipe\.py --unbounded", r"whose only writer is itself"),
    "recursion.sh 100": ("recursion", "proven", r"recursion\.sh 100", r"100 levels deep"),
    "fork_bomb.py 8 3": ("fork_storm", "likely", r"fork_bomb\.py", r"at once"),
    "zombie.py 5 4": ("zombie", "proven", r"zombie\.py", r"5 of its children"),
    "straggler.py 8000": ("straggler", "likely", r"straggler\.py --task 7", r"the median of 1[2-5] "),
    "thrash.py 5": ("thrash", "likely", r"thrash\.py", r"major page faults"),
    "throttled.py 5": ("throttled", "proven", r"throttled\.py", r"got no CPU"),
    "quota.sh 5": ("throttled", "proven", r"^bash -c", r"quota is 0\.20 CPUs"),
    "missing_tool.sh": ("missing_tool", "likely", r"missing_tool\.sh", r"exited 12[67]"),
    "disk_full.sh": ("disk_full", "likely", r"^gzip", r"No space left on device"),
    "outlived.sh 3": ("outlived", "proven", r"python3 -c", r"after the run's first process had exited 0"),
}

# The same, of those that end only if something else ends them.
ENDED = {
    "hang.sh 60": ("hang", "likely", r"^cat ", r"inbox"),
    "spin.sh 60": ("spin", "likely", r"^bash -c", r"without a sleep"),
    "leak.py 400 60": ("leak", "likely", r"leak\.py", r"and did not give it back"),
}


def verdicts(run):
    return [e for e in map(json.loads, merge(run.path, sink="jsonl:verdicts=true").splitlines()) if e["event"] == "verdict"]


def found(run, kind, certainty, command, evidence):
    """Those of this kind, which must be on the right process alone."""
    of_kind = [v for v in verdicts(run) if v["kind"] == kind]
    assert of_kind, f"no {kind} in {verdicts(run)}"
    for verdict in of_kind:
        assert verdict["certainty"] == certainty, verdict
        assert re.search(command, verdict["command"]) and re.search(evidence, verdict["evidence"]), verdict


def shows_whole(run):
    """What to do next is never cut: it may be a command."""
    page = " ".join(merge(run.path, sink="summary").split())
    for verdict in verdicts(run):
        if verdict["certainty"] != "suspected" and " ".join(verdict["evidence"].split()) in page:
            assert " ".join(verdict["next"].split()) in page


@pytest.mark.parametrize("case", VERDICTS)
def test_verdict(case):
    script, *arguments = case.split()
    run = collect(FAULTY / script, *arguments, config=CONFIG, code=None)
    if run.code == 77:
        pytest.skip(run.stderr)
    found(run, *VERDICTS[case])
    shows_whole(run)


GROWS = """
import time
kept = []
while len(kept) < %d:
    kept.append(bytearray(1 << 20))
    time.sleep(0.02)
%s
"""


def test_a_leak_that_ends_for_lack_of_memory():
    run = collect("bash", "-c", 'ulimit -v 250000; python3 -c "$1" 2>err', "bash", GROWS % (320, ""), config=CONFIG, code=1)
    found(run, "leak", "likely", r"python3 -c", r"did not give it back")


def test_what_keeps_its_results_and_fails():
    """It grows as a leak does, and ends for a reason of its own."""
    ends = "import os; os.write(2, b'results/: no such folder'); os._exit(1)"
    run = collect("bash", "-c", 'python3 -c "$1" 2>err', "bash", GROWS % (320, ends), config=CONFIG, code=1)
    assert [v for v in verdicts(run) if v["kind"] == "leak" and v["certainty"] != "suspected"] == []


def suspected(out, kind, command):
    """The pids that have such a verdict while it lasts."""
    done = subprocess.run([stage() / "collector-query", "--plugin-dir", stage(), "--format", "json", out / "latest",
                           f"SELECT pid, command FROM verdicts WHERE kind = '{kind}'"], capture_output=True, check=False)
    rows = json.loads(done.stdout or b"[]") if done.returncode == 0 else []
    return [row["pid"] for row in rows if re.search(command, row["command"])]


@pytest.mark.parametrize("case", ENDED)
def test_verdict_of_what_had_to_be_ended(case):
    script, *arguments = case.split()
    with Started("--no-summary", "--", FAULTY / script, *arguments, config=CONFIG) as started:
        kind, _, command, _ = ENDED[case]
        pid, = wait_for(lambda: suspected(started.out, kind, command), "it is suspected while it lasts", 60)
        os.kill(pid, signal.SIGTERM)
        run = started.end(None, code=None)
    found(run, *ENDED[case])


def test_io_bound():
    """How much of its life it waits depends on the disk and on who else uses the CPUs: it may be none, never another process."""
    run = collect(FAULTY / "io_bound.py", "4", config=CONFIG)
    for verdict in verdicts(run):
        assert verdict["kind"] == "io_bound" and "io_bound.py" in verdict["command"], verdict


@pytest.mark.parametrize("case", CASES)
def test_fault_is_shown(case):
    code, patterns = CASES[case]
    script, *arguments = case.split()
    run = collect(FAULTY / script, *arguments, code=code)
    page = merge(run.path, sink="summary")
    for pattern in patterns:
        assert re.search(pattern, page), f"no {pattern!r} in\n{page}"
    copied = r" +(run again|in|its log|its command|its standard error): "  # never broken
    assert all(len(line) <= 80 or re.match(copied, line) for line in page.splitlines()), page
    assert "\x1b" not in page, "colour, though this is no terminal"


def test_every_script_has_a_case():
    scripts = {name for name in os.listdir(FAULTY) if name.endswith((".sh", ".py"))}
    assert scripts == {case.split()[0] for case in [*CASES, *VERDICTS, *ENDED, "io_bound.py"]}


@pytest.mark.parametrize("script", ["exe_1.sh", "exe_2.sh"])
def test_good_pipelines_have_no_fault(script):
    run = collect(SRC / "pipelines" / script)
    page = merge(run.path, sink="summary")
    assert "Failed" not in page and re.search(r"verdict +exit 0$", page, re.M), page
