# SPDX-License-Identifier: BSD-2-Clause
"""An account that comes late, or never: the summary, the report, SQL and --strict tell the same."""
import subprocess

import pytest
from harness import BUILD, merge, new_folder, stage
from tables import scripted_program
from test_one_meaning import ROOT, ask, columns, duration, end, ms

pytestmark = pytest.mark.skipif(not (BUILD / "collector-query").exists(), reason="built without DuckDB: tests/setup duckdb")

TOOL = ROOT + "fork 1000 11 10 sh\nexec 1000 11 tool\ncpu 2000 11 700\nio 2000 11 5\nmem_exit 3000 11 2\nexit 3000 11 0\n"
LAST = end(700_000, 10, 0, 100, 3) + "io_exit 700000 10 9\n"
CPU, IO = "cpu_exit {} 11 900\n", "io_exit {} 11 7\n"
MISSING = "the end of 1 process is missing, which other streams have"

# name: (records, whether io is recorded, CPU in ms, MiB read, why each is not whole, what the page says is missing, strict)
RUNS = {
    "a minute late": (TOOL + CPU.format(63_000) + IO.format(63_000) + LAST, True, 900, 7, None, None, [], 0),
    "ten minutes late": (TOOL + CPU.format(603_000) + IO.format(603_000) + LAST, True, 900, 7, None, None, [], 0),
    "never": (TOOL + LAST, True, 700, 5, "absent", "absent", [f"cpu: {MISSING}", f"io: {MISSING}"], 3),
    "never, and no sample": (
        TOOL.replace("cpu 2000 11 700\nio 2000 11 5\n", "") + IO.format(4000) + LAST, True, None, 7, "absent", None,
        [f"cpu: {MISSING}"], 3),
    "lost": (TOOL + "lost 3500 cpu 1\n" + IO.format(4000) + LAST, True, 700, 7, "lost", None, ["cpu: 1 record lost"], 3),
    "no such stream": (
        (TOOL + CPU.format(63_000) + LAST).replace("io 2000 11 5\n", "").replace("io_exit 700000 10 9\n", ""), False, 900, None,
        None, "off", [], 0),
    "still running": (
        TOOL.replace("mem_exit 3000 11 2\nexit 3000 11 0\n", "") + LAST, True, 700, 5, "running", "running", [], 0),
    "of a process that nobody knows": (
        TOOL + CPU.format(4000) + IO.format(4000) + LAST + "cpu_exit 700000 12 1\n", True, 900, 7, None, None,
        ["exit records belong to a process"], 3),
}


@pytest.fixture(name="made", params=RUNS, scope="module")
def a_run(request):
    folder = new_folder() / "run"
    records, with_io, *told = RUNS[request.param]
    subprocess.run([scripted_program(), folder, *["io"] * with_io], input=records.encode(), check=True)
    return folder, *told


def test_sql(made):
    folder, cpu, read, why_cpu, why_io, _, _ = made
    row, = ask("collector-query", folder, """
        SELECT cpu_ns, read_chars, missing->>'cpu_ns' AS cpu, missing->>'read_chars' AS io FROM processes WHERE comm = 'tool'""")
    assert (ms(row["cpu_ns"]), row["read_chars"] and int(row["read_chars"]) >> 20) == (cpu, read)
    assert (row["cpu"] or None, row["io"] or None) == (why_cpu, why_io)


def test_summary(made):
    folder, cpu, _, why_cpu, _, lines, _ = made
    page = merge(folder, sink="summary")
    fact = next(line for line in page.splitlines() if line.startswith("  CPU "))
    assert ("The record is not complete" in page) == bool(lines)
    for line in lines:
        assert line in page
    lacks = why_cpu in ("absent", "lost")
    assert ("CPU time not known for 1 of 2" in page) == lacks and ("\u2265" in fact) == lacks, page
    assert duration(fact.split("  ")[-2] if "cores" in fact else fact) == (cpu or 0) + 100


def test_report(made):
    folder, _, _, why_cpu, _, lines, _ = made
    found = columns(merge(folder, sink="report"))
    assert found["runs.cpu.missing"][0] == (why_cpu in ("absent", "lost"))
    told = "\n".join(found["strings"])
    for line in lines:
        assert line in told
    assert ("is missing, which other streams have" in told) == any("which other" in line for line in lines)


def test_strict(made):
    folder, *_, lines, code = made
    line = [stage() / "collector-merge", "--plugin-dir", stage(), "--strict", "-s", "null"]
    done = subprocess.run([*line, folder], capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stderr
    for text in lines:
        if "which other" in text:
            assert text.replace(":", ".msgpack:", 1) in done.stderr
    # what is not shown counts, too
    assert subprocess.run([*line, "-q", "-e", "exit", folder], check=False).returncode == code
    assert subprocess.run([*line, "-q", "--since", "11m", folder], check=False).returncode == code


def test_strict_compares_the_selected_streams_of_each_run():
    folder = new_folder()
    for name, records in ("whole", RUNS["a minute late"][0]), ("lacks", RUNS["never"][0]):
        subprocess.run([scripted_program(), folder / name, "io"], input=records.encode(), check=True)

    def strict(*args):
        line = [stage() / "collector-merge", "--plugin-dir", stage(), "-q", "--strict", "-s", "null"]
        return subprocess.run([*line, *args], check=False).returncode

    assert strict(folder / "whole", folder / "lacks") == 3
    assert strict(folder / "whole", folder / "lacks", "-r", "whole") == 0
    assert strict(folder / "lacks" / "lifecycle.msgpack", folder / "lacks" / "mem.msgpack") == 0
    assert strict(folder / "lacks" / "lifecycle.msgpack", folder / "lacks" / "cpu.msgpack") == 3
    assert strict(folder / "lacks", "-e", "fork") == 0


def test_a_stream_whose_ends_are_not_selected_is_not_said_to_lack_them():
    run = new_folder() / "run"
    subprocess.run([scripted_program(), run, "io"], input=RUNS["never"][0].encode(), check=True)
    page = merge(run, sink="summary", options=["-e", "lifecycle", "-e", "mem", "-e", "cpu.sample"])
    assert "is missing" not in page, page
    assert "is missing" in merge(run, sink="summary")
