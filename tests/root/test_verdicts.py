# SPDX-License-Identifier: BSD-2-Clause
"""Verdicts on real programs: each has a fault or only looks like it. They come as events of jsonl, in the summary, by the
query while the run goes on, and as exit codes; a copy of the same program under another name gets the same."""
import json
import os
import re
import shutil
import subprocess
import sys

import pytest
from harness import BUILD, Started, collect, merge, new_folder, stage, wait_for

CONFIG = """
probes:
  lifecycle: {required: true, exec_failed: true}
  cpu: {interval: 200ms}
  mem: {interval: 200ms}
  io: {interval: 200ms}
verdicts: {after: 1s, leak: {floor: 8MiB}}
"""

ZOMBIE = "import subprocess, time; p = [subprocess.Popen(['/bin/true']) for _ in range(5)]; time.sleep({})"
REAPED = "import subprocess; p = [subprocess.Popen(['/bin/sleep', str(t)]) for t in (3, 0, 0)]; [q.wait() for q in p]"
JOINED = """
import subprocess, time
kept = [subprocess.Popen(['/bin/sleep', t]) for t in ('0.2', '4')]
for i in range(7):
    sum(range(300000))
    time.sleep(0.5)
[p.wait() for p in kept]
"""
LEAK = """
import time
kept, sizes = [], []
for i in range(70):
    kept.append(bytearray(b'x' * 1048576))
    {}
    time.sleep(0.1)
os_exit = __import__('os')._exit
os_exit({})
"""
TOOL = "import subprocess\ntry: subprocess.run(['/nonexistent/tool'{}])\nexcept OSError: pass"
STACK = "import ctypes, resource, sys; resource.setrlimit(resource.RLIMIT_STACK, (1 << 20, 1 << 20)); {}"
CALLS_ITSELF = "sys.setrecursionlimit(10 ** 9)\ndef f(_): return list(map(f, [1]))\nf(1)"
DEEP = '[ $1 -eq 0 ] && exit $2; "$0" $(($1 - 1)) $2'

# what is executed, and the kind of its only verdict; None: there must be none
CASES = {
    "zombies": (["-c", ZOMBIE.format(4)], "zombie"),
    "waited for in turn": (["-c", REAPED], None),
    "waited for at the end": (["-c", JOINED], None),
    "leak": (["-c", LEAK.format("", 1)], "leak"),
    "a window of kept ones": (["-c", LEAK.format("kept = kept[-10:]", 1)], None),
    "tool that is missing": (["-c", TOOL.format(", 'work'")], "missing_tool"),
    "tool that is only looked for": (["-c", TOOL.format("")], None),
    "calls itself": (["-c", STACK.format(CALLS_ITSELF)], "recursion"),
    "null pointer on a small stack": (["-c", STACK.format("ctypes.string_at(0)")], None),
    "fails": (["-c", "import sys; sys.exit(3)"], None),
}


# What writes to a file system of 1 MiB, by its own words or the C library's
WRITERS = {
    "tar": "tar cf full/all.tar large",
    "cp": "cp large full",
    "sqlite": f"""{sys.executable} -c 'import sqlite3
c = sqlite3.connect("full/db")
c.execute("CREATE TABLE t AS SELECT randomblob(4000000)")'""",
    "go": f"""{sys.executable} -c 'import sys
try:
    open("full/copy", "wb", 0).write(bytes(3 << 20)) == 3 << 20 or sys.exit("write full/copy: no space left on device")
except OSError:
    sys.exit("write full/copy: no space left on device")'""",
}


def verdicts(run):
    lines = merge(run.path, sink="jsonl:verdicts=true").splitlines()
    return [e for e in map(json.loads, lines) if e["event"] == "verdict"]


def python(name):
    """A copy of the interpreter under this name."""
    path = new_folder() / name
    shutil.copy(os.path.realpath(sys.executable), path)
    return path


@pytest.mark.parametrize("name", ["python3", "zx81"])
@pytest.mark.parametrize("case", CASES)
def test_verdict(case, name):
    arguments, kind = CASES[case]
    run = collect(python(name), "-I", *arguments, config=CONFIG, code=None)
    found = verdicts(run)
    assert [v["kind"] for v in found] == ([kind] if kind else []), found
    for verdict in found:
        assert verdict["evidence"] and verdict["refute"] and verdict["next"] and verdict["run"]
        page = merge(run.path, sink="summary")
        assert ("\nVerdicts\n" in page and kind in page) or kind == "missing_tool"


def test_chain_of_one_script():
    script = new_folder() / "deep.sh"
    script.write_text("#!/bin/sh\n" + DEEP)
    script.chmod(0o755)
    found = verdicts(collect(script, "70", "1", config=CONFIG, code=1))
    assert [(v["kind"], v["certainty"]) for v in found] == [("recursion", "proven")]
    assert not verdicts(collect(script, "40", "1", config=CONFIG, code=1))
    assert not verdicts(collect(script, "70", "0", config=CONFIG))  # each level comes back: deep, and no fault


@pytest.mark.parametrize("work, cut", [("i=0; while [ $i -lt 100000000 ]; do echo $i; i=$((i + 1)); done >out; echo end >>out", True),
                                       ("echo 1 >out; sleep 600; echo end >>out", False)])
def test_what_the_end_of_a_container_cuts_off(work, cut):
    """The file has no end either way; what only waits when its PID 1 ends has done what was asked of it so far."""
    folder = new_folder()
    run = collect("unshare", "--pid", "--fork", "sh", "-c", f"sh -c '{work}' & sleep 1.5; exit 0", config=CONFIG, cwd=folder)
    assert [(v["kind"], v["certainty"]) for v in verdicts(run)] == [("outlived", "proven")] * cut
    assert ("was killed when PID 1 of its container ended 0" in " ".join(merge(run.path, sink="summary").split())) == cut
    assert "end" not in (folder / "out").read_text()


def query(out):
    done = subprocess.run([stage() / "collector-query", "--plugin-dir", stage(), "-q", "--format", "json", out / "latest",
                           "SELECT kind, certainty, pid, evidence FROM verdicts"], capture_output=True, check=False)
    return json.loads(done.stdout or "[]") if done.returncode == 0 else []


def test_certainty_changes_when_it_had_to_be_ended():
    spin = "import os\nos.read(0, 1)\nwhile True: pass"
    with Started("--no-summary", "--", sys.executable, "-I", "-c", spin, config=CONFIG, stdin=subprocess.PIPE) as started:
        started.wait_until_watching()
        started.tell("go")
        wait_for(lambda: [v for v in query(started.out) if v["kind"] == "spin"], "a suspicion")
        assert {v["certainty"] for v in query(started.out)} == {"suspected"}
        run = started.end(code=143)
    assert [(v["kind"], v["certainty"]) for v in verdicts(run)] == [("spin", "likely")]


def test_exit_codes():
    proven = collect(sys.executable, "-I", "-c", ZOMBIE.format(4), config=CONFIG)
    none = collect("/bin/true", config=CONFIG)
    for options, code in ((["verdict"], 3), (["verdict=zombie"], 3), (["verdict=leak:likely"], 0),
                          (["verdict=leak", "verdict=zombie"], 3), (["verdict=zombi"], 2)):
        merge(proven.path, sink="null", options=[f"--fail-on={o}" for o in options], code=code)
        merge(none.path, sink="null", options=[f"--fail-on={o}" for o in options], code=code if code == 2 else 0)
    for runs, code in (((none, proven), 3), ((proven, none), 0)):
        done = subprocess.run([stage() / "collector-diff", "--plugin-dir", stage(), "-q", "--fail-on", "verdict",
                               *(run.path for run in runs)], capture_output=True, check=False)
        assert done.returncode == code, done.stderr


KEEPS = """
import subprocess
kept = [subprocess.Popen(['/bin/sleep', '{}']) for _ in range({})]
for i in range(14):
    subprocess.run(['/bin/sleep', '0.2'])
[p.wait() for p in kept]
"""


@pytest.mark.parametrize("seconds, count, kinds", [(0.1, 6, ["zombie"]), (3, 6, []), (0.1, 2, [])])
def test_children_that_are_passed_over(seconds, count, kinds):
    """Others are started later and waited for; those that still live, or are few, may be waited for on purpose at the end."""
    run = collect(sys.executable, "-I", "-c", KEEPS.format(seconds, count),
                  config=CONFIG.replace("verdicts:", "  stall: {interval: 200ms, after: 1s}\nverdicts:"))
    assert [v["kind"] for v in verdicts(run)] == kinds


@pytest.mark.parametrize("name", WRITERS)
def test_words_of_a_full_disk(name):
    """Each tool in a mount namespace of its own; the messages are read from a file."""
    folder = new_folder()
    (folder / "full").mkdir()
    (folder / "large").write_bytes(bytes(3 << 20))
    (folder / "tool").write_text(WRITERS[name])
    run = collect("unshare", "-m", "bash", "-c", f"cd {folder}; mount -t tmpfs -o size=1m none full; bash tool 2>words; true",
                  config=CONFIG)
    full, = [v for v in verdicts(run) if v["kind"] == "disk_full"]
    assert full["certainty"] == "likely"
    assert any(line in full["evidence"] for line in (folder / "words").read_text().splitlines())
    done = subprocess.run([stage() / "collector-query", "--plugin-dir", stage(), "--format", "json", run.path,
                           "SELECT missing FROM verdicts WHERE kind = 'disk_full'"], capture_output=True, check=True)
    (row,) = json.loads(done.stdout)
    assert row["missing"]["evidence"] == full["evidence_missing"] and "no record has it" in full["evidence_missing"]


NO_SPACE = "cp: error writing x: No space left on device"


@pytest.mark.parametrize("lines, told", [
    ([NO_SPACE], True), (["step 3", NO_SPACE, "Calls: main -> save", "Execution halted"], True),
    (["java.io.IOException: No space left on device", *["\tat x.Y.write(Y.java:1)"] * 20], True),
    (["log of last week:", f"  {NO_SPACE}", "  fixed by ops", "result: 3 rows differ"], False),
    ([NO_SPACE, *[f"row {i} differs" for i in range(9)]], False),
    (["history: job 17: No space left on device", 'bad config key "threds"'], False),
    ([NO_SPACE, "tar: Exiting with failure status due to previous errors"], True),
    (["FATAL:  could not create semaphores: No space left on device"], False),
    (["inotify_add_watch(/src) failed: No space left on device"], False)])
def test_only_last_words_are_about_the_failure(lines, told):
    script = new_folder() / "script"
    script.write_text("import os\nos.write(2, b'''" + "\n".join(lines) + "\n''')\nos._exit(3)")
    run = collect("bash", "-c", f"{sys.executable} -I {script} 2>{script}.err; exit 0", config=CONFIG)
    full = [v["evidence"] for v in verdicts(run) if v["kind"] == "disk_full"]  # without those that are only suspected
    words = "its last words are: " if "No space" in lines[-1] else "one of its last lines is: "
    assert len(full) == told and all(re.search(words + ".*No space left on device", evidence) for evidence in full), full


@pytest.mark.parametrize("lines, kinds", [([NO_SPACE], ["disk_full"]), ([NO_SPACE, *["done"] * 9], []), (["no key"], [])])
def test_words_of_a_full_disk_that_went_through_a_pipe(lines, kinds):
    """As those of a task whose errors go through tee: they are in the file of what started it."""
    script = new_folder() / "script"
    script.write_text("import os\nos.write(2, b'''" + "\n".join(lines) + "\n''')\nos._exit(3)")
    line = f"{sys.executable} -I {script} 2>&1 | cat >&2; exit ${{PIPESTATUS[0]}}"
    run = collect("bash", "-c", f'bash -c "$0" 2>{script}.err', line, config=CONFIG, code=3)
    full = [v for v in verdicts(run) if v["kind"] == "disk_full" and v["certainty"] == "likely"]
    assert [v["kind"] for v in full] == kinds
    assert all("what passed that on has written: " + NO_SPACE in v["evidence"] and "script" in v["evidence"] for v in full)


# How certain it is that these were not meant to fail: ./no has nothing to say, ./tool has
MAKE = "printf 'all:\\n\\t{}\\n\\ttrue\\n' | make -s {} -f -"
HIDDEN = {
    "./no || touch built": "likely",
    "sleep 0.1 | ./no | cat": "proven",
    "./tool || touch built": "likely",
    "if ! ./tool; then touch built; fi": "likely",
    "./tool; rc=$?; touch built; [ $rc -eq 1 ]": "likely",
    "(./tool); touch built": "likely",
    "sleep 0.1 | ./tool | cat": "proven",
    "sh -c 'sleep 0.2; exit 3' & sleep 0.1; wait": "proven",
    "./tool --version 2>&1 | grep -q no; touch built": None,
    "find . -name tool -exec {} ';'": "proven",
    "out=$(./tool a 2>&1) || touch built": "likely",
    "out=$(sleep 0.1 | ./tool 2>&1 | cat) || touch built": "proven",
    "out=$(./tool) || touch built": "likely",
    "timeout -s KILL 0.3 sleep 9 || touch built": None,
    "timeout -s KILL 0.3 sleep 9 | cat": "likely",
    "cmp -s run none || touch built": None,
    "diff run none >log 2>/dev/null || touch built": None,
    "grep -q x none || touch built": "likely",
    "sleep 0.1 | grep -q x - none | cat": "proven",
    "sh -ec 'grep -q x none; ./no'": "proven",
    MAKE.format("-./tool", ""): "likely",
    MAKE.format("./tool", "-i"): "proven",
}


@pytest.mark.parametrize("line", HIDDEN)
def test_what_may_have_been_meant_to_fail(line):
    folder = new_folder()
    for name, text in {"no": "read line; exit 1", "tool": "read line; echo no input >&2; exit 1", "run": f"{line}; exit 0"}.items():
        (folder / name).write_text(f"#!/bin/sh\n{text}\n")
        (folder / name).chmod(0o755)
    run = collect("./run", config=CONFIG, cwd=folder)
    assert [(v["kind"], v["certainty"]) for v in verdicts(run)] == [("hidden_failure", HIDDEN[line])] * bool(HIDDEN[line])


# What another program than a shell goes on after: what it may have written decides, and where no record counts that, its words
CALL = "import subprocess; subprocess.run({!r}, stdin=subprocess.DEVNULL)"
IO = "  io: {interval: 200ms}\n"


@pytest.mark.parametrize("tool, probe, certainty, missing", [
    ("./no", IO, "likely", False), ("./tool", IO, "proven", False), ("./no", "", "likely", True), ("./tool", "", "likely", True),
    ("./tool", "  output: {writes: true}\n", "proven", False)])
def test_less_evidence_gives_no_more_certainty(tool, probe, certainty, missing):
    folder = new_folder()
    for name, text in {"no": "exit 1", "tool": "echo no input >&2; exit 1"}.items():
        (folder / name).write_text(f"#!/bin/sh\n{text}\n")
        (folder / name).chmod(0o755)
    run = collect(sys.executable, "-I", "-c", CALL.format(tool), config=CONFIG.replace(IO, probe), cwd=folder)
    found, = verdicts(run)
    assert (found["kind"], found["certainty"]) == ("hidden_failure", certainty)
    assert ("probe io" in (found["evidence_missing"] or "")) == missing


# What a shell asks itself, and answers by an exit code: words that come where the script's own do say that it went wrong
LEFT = {
    "( cd none && ./tool ); true": "likely",
    "( cd none 2>/dev/null && ./tool ); true": None,
    "[ \"$( [ -e none ] )\" ] || true": None,
    "for f in run tool; do gzip -t $f; done; true": "suspected",
    "find . -name tool -exec gzip -t {} ';'": "suspected",
    "gzip -t tool 2>/dev/null || true": None,
    "out=$(gzip -t tool 2>&1) || true": None,
    "grep -c none run || true": None,
}


@pytest.mark.skipif(not (BUILD / "collector-query").exists(), reason="built without DuckDB: tests/setup duckdb")
@pytest.mark.parametrize("line", LEFT)
def test_an_answer_with_words_that_were_left(line):
    folder = new_folder()
    (folder / "run").write_text(f"#!/bin/bash\n{line}\n")
    (folder / "run").chmod(0o755)
    (folder / "tool").write_text("no archive")
    run = collect("./run", config=CONFIG.replace(IO, IO + "  output: {writes: true}\n"), cwd=folder)
    kinds = [stage() / "collector-query", "--plugin-dir", stage(), "-q", "-F", "json", run.path,
             "SELECT kind, certainty FROM verdicts"]
    rows = json.loads(subprocess.run(kinds, capture_output=True, check=True).stdout)
    found = {row["certainty"] for row in rows if row["kind"] == "hidden_failure"}
    assert found == ({LEFT[line]} if LEFT[line] else set())


LOOK = """
import subprocess
for tool in ("no-such-tool", "no-such-tool-2"):
    try: subprocess.run([tool, "--version"])
    except FileNotFoundError: print(tool, "is not there")
"""


@pytest.mark.parametrize("recorded", ["true", "false"])
def test_a_program_looks_for_optional_tools(recorded):
    run = collect(sys.executable, "-I", "-c", LOOK, config=CONFIG.replace("exec_failed: true", f"exec_failed: {recorded}"))
    page = merge(run.path, sink="summary")
    assert not verdicts(run) and "2 ignored" in page and "hidden" not in page and "Failed" not in page


# What could not execute another in its place, and did nothing after that
TRIED = {
    "perl -e 'exec q(/x/nosuchtool); exit 3' || true": ("missing_tool", "likely"),
    "perl -e 'exec q(/x/nosuchtool); system q(true); print STDERR q(no); exit 3' || true": ("hidden_failure", "likely"),
}


@pytest.mark.parametrize("line", TRIED)
def test_a_program_that_could_not_execute_another(line):
    run = collect("/bin/sh", "-c", f"{line}; exit 0", config=CONFIG)
    assert [(v["kind"], v["certainty"]) for v in verdicts(run)] == [TRIED[line]]


def test_every_kind_has_a_detector():
    run = collect("/bin/true", config=CONFIG)
    page = merge(run.path, sink="judge:detectors=true")
    heads = [line for line in page.splitlines() if line and not line.startswith(" ")]
    kinds = [kind for line in heads for kind in line.split(", ")]
    assert {"deadlock", "hang", "oom", "disk_full", "missing_tool", "hidden_failure", "outlived", "recursion", "fork_storm", "spin", "leak",
            "thrash", "throttled", "io_bound", "straggler", "zombie"} == set(kinds)
    assert len(page.splitlines()) == 4 * len(heads) and "(null)" not in page


def query_by(run, *options, code=0):
    done = subprocess.run([stage() / "collector-query", "--plugin-dir", stage(), "--format", "json", *options, run.path,
                           "SELECT kind FROM verdicts"], capture_output=True, check=False, text=True)
    assert done.returncode == code, done.stderr
    return [row["kind"] for row in json.loads(done.stdout or "[]")] if not code else done.stderr


def test_a_run_is_judged_again_by_other_limits():
    run = collect(sys.executable, "-I", "-c", ZOMBIE.format(4), config=CONFIG)
    file = new_folder() / "other.yaml"
    for text, kinds in (("verdicts: {after: 1h}", []), ("verdicts: {zombie: {after: 1s}}", ["zombie"]), ("scope: []", []),
                        ("verdicts: {ignore: [{kind: zombie}]}\n", [])):
        file.write_text(text)
        merge(run.path, sink="null", options=["-c", file, "--fail-on", "verdict"], code=3 if kinds else 0)
        merge(run.path, sink="null", options=["-f", "-c", file, "--fail-on", "verdict"], code=3 if kinds else 0)
        if "ignore" not in text:
            assert query_by(run, "-c", file) == kinds, text
        assert query_by(run) == ["zombie"]
    file.write_text("verdicts: {zombie: {after: soon}}")
    assert "other.yaml:1:" in query_by(run, "-c", file, code=2)
    merge(run.path, sink="null", options=["-c", file], code=2)
    merge(run.path, sink="null", options=["-c", file.parent / "none.yaml"], code=2)


def test_what_is_known_is_muted():
    run = collect(sys.executable, "-I", "-c", ZOMBIE.format(4),
                  config=CONFIG.replace("after: 1s", "after: 1s, ignore: [{kind: zombie}]"))
    assert not verdicts(run) and "1 muted by verdicts.ignore" in merge(run.path, sink="summary")
    merge(run.path, sink="null", options=["--fail-on", "verdict"])
