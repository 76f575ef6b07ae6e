# SPDX-License-Identifier: BSD-2-Clause
"""A full disk, or /dev/full: whatever a program prints or writes, what does not arrive is an error with a sentence, and
nothing is left behind. Every sink and every option that prints."""
import os
import subprocess

import pytest
from harness import BUILD, SRC, made_run, new_folder, stage

FULL = "No space left on device"
PRINTING = [
    *((name, option) for name in ("collector", "collector-ls", "collector-merge", "collector-query", "collector-diff")
      for option in ("--help", "--version")),
    ("collector", "--list"), ("collector-merge", "--list"),
    ("collector-query", "--list", "--queries", str(SRC / "conf/queries")),
    ("collector", "--check"), ("collector", "doctor"), ("collector", "doctor", "--json"),
]
# alert and progress: of a run that has ended; otlp, clickhouse, forward, kafka: to a server
WRITES_NOTHING = {"null", "judge", "progress", "alert", "otlp", "clickhouse", "forward", "kafka"}
SINKS = sorted(path.stem for path in BUILD.glob("sinks/*.so") if path.stem not in WRITES_NOTHING)
OF_FILES = {"duckdb": "-o", "parquet": "-o", "prometheus": "textfile"}  # nothing goes to stdout: by which option
QUERIES = [("collector-query",), ("collector-query", "-F", "csv"), ("collector-query", "-F", "parquet"),
           ("collector-query", "-F", "json")]


def built(name):
    if not (BUILD / name).exists():
        pytest.skip(f"{name} is not built")
    return stage() / name


def failed(line, **popen):
    done = subprocess.run(line, stderr=subprocess.PIPE, text=True, check=False, timeout=60, **popen)
    return done.returncode, done.stderr


def into_full(*line):
    with open("/dev/full", "w", encoding="utf-8") as full:
        return failed(line, stdout=full)


def on_full_disk(*line):
    """The same with {} in the line: a folder on a disk that is full. Says what is left there, too."""
    if os.geteuid() or subprocess.call(["unshare", "-m", "true"], stderr=subprocess.DEVNULL):
        pytest.skip("cannot mount a small disk: needs root")
    folder = new_folder()
    script = f"mount -t tmpfs -o size=64k tmpfs {folder} && cd / && head -c 1M /dev/zero >{folder}/fill 2>/dev/null; " \
             f'"$@"; code=$?; ls -A {folder} >&2; exit $code'
    words = [str(word).replace("{}", str(folder)) for word in line]
    code, said = failed(["unshare", "-m", "sh", "-c", script, "sh", *words], stdout=subprocess.DEVNULL)
    *said, left = said.splitlines()
    assert left == "fill", said
    return code, "\n".join(said)


@pytest.mark.parametrize("line", PRINTING, ids=" ".join)
def test_printing_to_dev_full(line):
    code, said = into_full(built(line[0]), *line[1:], "--plugin-dir", stage())
    assert code == 1 and f"{line[0]}: error: cannot write to standard output: {FULL}\n" in said
    if "doctor" not in line:
        assert said.count("\n") == 1


@pytest.mark.parametrize("line", PRINTING, ids=" ".join)
def test_a_reader_that_leaves_is_no_error(line):
    """As `collector --list | head -1`: ended by SIGPIPE, or as if nothing had happened."""
    read, write = os.pipe()
    os.close(read)
    code, said = failed([built(line[0]), *line[1:], "--plugin-dir", stage()], stdout=write)
    os.close(write)
    assert code in (0, -13, 1 if "doctor" in line else 0) and "cannot write" not in said


@pytest.mark.parametrize("sink", [sink for sink in SINKS if sink not in OF_FILES])
@pytest.mark.parametrize("output", [(), ("--output", "/dev/full")], ids=["stdout", "output"])
def test_sink_to_dev_full(sink, output):
    run, _ = made_run(500)
    code, said = into_full(stage() / "collector-merge", "-p", stage(), "--sink", sink, *output, run)
    assert (code, said) == (1, f"collector-merge: error: {sink}: {FULL}\n")


@pytest.mark.parametrize("sink", SINKS)
def test_sink_on_a_full_disk(sink):
    run, _ = made_run(500)
    option = OF_FILES.get(sink, "-o")
    output = (sink, "-o", "{}/out") if option == "-o" else (f"{sink}:{option}={{}}/out",)
    code, said = on_full_disk(stage() / "collector-merge", "-p", stage(), "--sink", *output, run)
    assert code == 1 and said
    for sentence in said.splitlines():  # DuckDB's sinks have one for each table
        assert sentence.startswith(f"collector-merge: error: {sink}: ") and FULL in sentence


@pytest.mark.parametrize("line", [line for line in QUERIES if "parquet" not in line], ids=" ".join)
def test_query_to_dev_full(line):
    run, _ = made_run(500)
    code, said = into_full(built(line[0]), *line[1:], "-p", stage(), run, "SELECT range FROM range(100000)")
    assert code == 1 and said.startswith("collector-query: error: ") and said.count("\n") == 1, said


@pytest.mark.parametrize("line", QUERIES, ids=" ".join)
def test_query_on_a_full_disk(line):
    run, _ = made_run(500)
    code, said = on_full_disk(built(line[0]), *line[1:], "-p", stage(), "-o", "{}/out", run, "SELECT range FROM range(100000)")
    assert code == 1 and said.startswith("collector-query: error: ") and "\n" not in said, said


def test_diff_to_dev_full():
    code, said = into_full(built("collector-diff"), "-p", stage(), made_run(500)[0], made_run(600)[0])
    assert (code, said) == (1, f"collector-diff: error: {FULL}\n")
