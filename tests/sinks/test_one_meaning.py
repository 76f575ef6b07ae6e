# SPDX-License-Identifier: BSD-2-Clause
"""Wall, CPU, peak, failed, hidden, running and processes of odd runs: the summary, the report, collector-diff and SQL
say the same, and it is what sinks/totals/totals.h says."""
import base64
import json
import re
import subprocess
import zlib

import pytest
from harness import BUILD, SRC, merge, new_folder, stage
from tables import scripted_program

pytestmark = pytest.mark.skipif(not (BUILD / "collector-query").exists(), reason="built without DuckDB: tests/setup duckdb")

ROOT = "fork 0 10 1 sh\nexec 100 10 sh pipeline.sh\n"


def end(ts, pid, status, cpu, peak):
    return f"mem_exit {ts} {pid} {peak}\nexit {ts} {pid} {status}\ncpu_exit {ts} {pid} {cpu}\n"


# name: (records, the run as it is to be seen, some commands: (programs, wall, CPU, peak, failed)); ms, MiB
RUNS = {
    "the time before an exec": (
        ROOT + "fork 1000 11 10 sh\nexec 2800 11 seq 3000\n" + end(3000, 11, 0, 1900, 2) + end(4000, 10, 0, 100, 3),
        {"wall": 4000, "cpu": 2000, "peak": 3, "failed": 0, "hidden": 0, "running": 0, "processes": 2, "cores": 0.5},
        {"seq": (1, 2000, 1900, 2, 0), "sh": (1, 4000, 100, 3, 0)}),
    "still running": (
        ROOT + "fork 1000 11 10 sh\nexec 1000 11 tool\nmem 2000 11 50\ncpu 2000 11 900\nfork 3000 12 10 sh\n"
        + "exec 3000 12 true\n" + end(4000, 12, 0, 100, 2),
        {"wall": 4000, "cpu": 1000, "peak": 50, "failed": 0, "hidden": 0, "running": 2, "processes": 3},
        {"tool": (1, 3000, 900, 50, 0), "true": (1, 1000, 100, 2, 0)}),
    "lost events": (
        ROOT + "fork 1000 11 10 sh\nexec 1000 11 tool\nfork 2000 12 10 sh\nexec 2000 12 true\nlost 2500 lifecycle 3\n"
        + end(3000, 12, 1, 1000, 2) + "mem 3000 11 40\n" + end(5000, 10, 1, 200, 3),
        {"wall": 5000, "cpu": 1200, "peak": 40, "failed": 1, "hidden": 0, "running": 0, "processes": 3},
        {"tool": (1, None, None, 40, 0), "true": (1, 1000, 1000, 2, 1)}),
    "replaced images": (
        ROOT + "fork 1000 11 10 sh\nexec 1500 11 env x\nmem 1600 11 90\ncpu 1900 11 300\nexec 2000 11 nice x\n"
        + "exec 2500 11 tool x\n" + end(4000, 11, 0, 1800, 5) + end(5000, 10, 0, 200, 3),
        {"wall": 5000, "cpu": 2000, "peak": 90, "failed": 0, "hidden": 0, "running": 0, "processes": 2},
        {"env": (1, 1000, 300, 90, 0), "tool": (1, 1500, 1500, 5, 0)}),
    "several processes of a step, failures hidden and propagated": (
        ROOT + "fork 1000 11 10 sh\nexec 1000 11 sh step.sh\n"
        + "".join(f"fork 1500 {pid} 11 sh\nexec 1500 {pid} {name}\n" for pid, name in ((12, "a"), (13, "b"), (14, "b")))
        + end(2000, 12, 0, 500, 2) + end(3000, 13, 3, 1000, 4) + end(4000, 14, -9, 1000, 6) + end(4500, 11, 137, 100, 3)
        + end(5000, 10, 0, 400, 3),
        {"wall": 5000, "cpu": 3000, "peak": 6, "failed": 2, "hidden": 2, "running": 0, "processes": 5},
        {"b": (2, 4000, 2000, 6, 2), "a": (1, 500, 500, 2, 0)}),
    "an answer that ended a script": (  # perhaps it was meant to
        ROOT + "fork 1000 11 10 sh\nexec 1000 11 sh step.sh\nfork 2000 12 11 sh\nexec 2000 12 grep x\n"
        + end(3000, 12, 1, 500, 2) + end(4000, 11, 1, 500, 3) + end(5000, 10, 0, 500, 3),
        {"wall": 5000, "cpu": 1500, "peak": 3, "failed": 0, "hidden": 0, "running": 0, "processes": 3},
        {"grep": (1, 1000, 500, 2, 0)}),
    "processes there before": (
        "alive 0 10 sh loop.sh\nfork 0 11 10 sh\nexec 500 11 tool\n" + end(3000, 11, 1, 1500, 7) + end(4000, 10, 0, 9000, 3),
        {"wall": 4000, "cpu": 10500, "peak": 7, "failed": 1, "hidden": 1, "running": 0, "processes": 2, "cores": 0},
        {"tool": (1, 3000, 1500, 7, 1)}),
    "what outlives the root": (
        ROOT + "fork 1000 11 10 sh\nexec 1000 11 server\n" + end(2000, 10, 0, 1000, 3) + end(6000, 11, 0, 5000, 8),
        {"wall": 6000, "cpu": 6000, "peak": 8, "failed": 0, "hidden": 0, "running": 0, "processes": 2, "cores": 1.0},
        {"server": (1, 5000, 5000, 8, 0)}),
}


@pytest.fixture(name="made", params=RUNS, scope="module")
def a_run(request):
    folder = new_folder()
    records, run, commands = RUNS[request.param]
    for name in "run", "same":
        subprocess.run([scripted_program(), folder / name], input=records.encode(), check=True)
    return folder, run, commands


def ms(ns):
    return None if ns is None else round(int(ns) / 1e6)


def mib(size):
    return None if size is None else int(size) >> 20


# ---- the summary ----

def duration(text):
    units = {"d": 86400e3, "h": 3600e3, "m": 60e3, "s": 1e3, "ms": 1, "µs": 1e-3}
    parts = re.findall(r"([\d.]+) ?(ms|µs|[dhms])", text)
    return sum(float(number) * units[unit] for number, unit in parts) if parts else None


def size(text):
    number, unit = re.search(r"([\d.]+) (KiB|MiB|GiB)", text).groups()
    return float(number) * {"KiB": 1 / 1024, "MiB": 1, "GiB": 1024}[unit]


def test_summary(made):
    folder, run, commands = made
    page = merge(folder / "run", sink="summary")
    fact = {name: re.search(rf"^  {name} +(.*)$", page, re.M).group(1) for name in ("wall", "CPU", "peak memory", "processes")}
    assert duration(fact["wall"].split("  ")[0]) == run["wall"]
    assert duration(fact["CPU"].split("  ")[0]) == run["cpu"]
    assert size(fact["peak memory"]) == run["peak"]
    assert int(fact["processes"].split()[0]) == run["processes"]
    for name, pattern in ("failed", r"(\d+) failed"), ("running", r"(\d+) still running"):
        found = re.search(pattern, fact["processes"])
        assert int(found.group(1) if found else 0) == run[name]
    found = re.search(r"but (\d+) failures? (?:is|are) hidden", page)
    assert int(found.group(1) if found else 0) == run["hidden"]
    if not run.get("cores", 1):
        assert "cores" not in fact["CPU"], "it is not known in which time"
    elif "cores" in run:
        assert f"{run['cores']:.{2 if run['cores'] < 1 else 1}f} cores" in fact["CPU"]
    table = page[page.index("Commands by"):].splitlines()[2:]
    for name, (programs, wall, cpu, peak, failed) in commands.items():
        words = next(line for line in table if line.rstrip().endswith(f"  {name}"))
        cells = [cell.strip() for cell in re.split(r" {2,}", words.replace("≥", "").strip())]
        assert duration(cells[0]) == cpu and duration(cells[2]) == wall, words
        assert size(cells[3]) == peak and int(cells[4]) == programs, words
        if run["failed"]:
            assert int(cells[5]) == failed, words


# ---- the report ----

def columns(page):
    """{table.column: values} of a page, as data.h describes them; a null is None."""
    text = re.search(r'id="data">(.*?)</script>', page, re.S).group(1)
    data, found, at = zlib.decompress(base64.b64decode(text)), {}, 0

    def number():
        nonlocal at
        value = shift = 0
        while True:
            byte, at = data[at], at + 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    def string():
        nonlocal at
        length = number()
        at += length
        return data[at - length:at].decode()

    while at < len(data):
        name = string()
        kind, at = chr(data[at]), at + 1
        count = number()
        if kind == "s":
            found[name] = [string() for _ in range(count)]
        else:
            found[name] = [None if kind == "n" and value & 1 else value >> 1 for value in (number() for _ in range(count))]
    return found


def test_report(made):
    folder, run, commands = made
    found = columns(merge(folder / "run", sink="report"))
    for name, wanted in run.items():
        if name in ("wall", "cpu"):
            assert ms(found["runs.wall" if name == "wall" else "runs.cpu.value"][0]) == wanted
        elif name == "cores":
            assert found["runs.cores"][0] == wanted * 1e6
        elif name == "peak":
            assert max(mib(peak) for peak in found["commands.peak"] if peak is not None) == wanted
        else:
            assert found[f"runs.{name}"][0] == wanted, name
    names = [found["strings"][number - 1] for number in found["commands.name"]]
    for name, figures in commands.items():
        i = names.index(name)
        known = [found[f"commands.{sum_of}"][i] if found[f"commands.{sum_of}_known"][i] else None for sum_of in ("wall", "cpu")]
        assert (found["commands.rows"][i], *map(ms, known), mib(found["commands.peak"][i]), found["commands.failed"][i]) == figures


# ---- SQL ----

def ask(program, *args):
    done = subprocess.run([stage() / program, "--plugin-dir", stage(), "--format", "jsonl", *args], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_sql(made):
    folder, run, commands = made
    row, = ask("collector-query", folder / "run", """
        SELECT max(began_ns + wall_ns) - min(began_ns) FILTER (NOT preexisting) AS wall, sum(cpu_ns) AS cpu, count(*) FILTER (last) AS processes,
               max(coalesce(peak_rss_bytes, sampled_rss_bytes)) AS peak,
               count(*) FILTER (outcome = 'running') AS running,
               count(hidden_by) AS hidden_by,
               (SELECT count(*) FROM hidden_failures JOIN images USING (pid, start, exec) WHERE NOT propagated) AS joined
        FROM images""")
    assert (ms(row["wall"]), ms(row["cpu"]), mib(row["peak"])) == (run["wall"], run["cpu"], run["peak"])
    assert all(row[name] == run[name] for name in ("running", "processes"))
    failed, hidden = (ask("collector-query", "--queries", SRC / "conf/queries", folder / "run", name) for name in ("failed", "hidden-failures"))
    assert len(failed) == run["failed"]
    assert sum(row["certainty"] != "suspected" for row in hidden) == run["hidden"]
    assert row["joined"] == row["hidden_by"] == len(hidden)
    # the table of processes and that of runs say it too
    row, = ask("collector-query", folder / "run", """
        SELECT sum(p.cpu_ns) AS cpu, count(*) AS processes, max(p.peak_rss_bytes) AS peak, any_value(r.failed) AS failed,
               any_value(r.hidden) AS hidden, any_value(r.processes) AS of_run, any_value(r.wall_ns) AS wall
        FROM processes p JOIN runs r USING (run, host)""")
    assert (ms(row["cpu"]), mib(row["peak"]), ms(row["wall"])) == (run["cpu"], run["peak"], run["wall"])
    assert row["processes"] == row["of_run"] == run["processes"]
    assert (row["failed"], row["hidden"]) == (run["failed"], run["hidden"])
    found = {row["command"].split()[0]: row for row in ask("collector-query", "--queries", SRC / "conf/queries", folder / "run", "commands")}
    for name, figures in commands.items():
        if name != "sh":  # two command lines
            row = found[name]
            assert (row["programs"], ms(row["wall_ns"]), ms(row["cpu_ns"]), mib(row["peak_rss_bytes"]), row["failed"]) == figures
    steps = ask("collector-query", folder / "run", "SELECT sum(failed) AS failed, sum(hidden) AS hidden FROM steps")
    assert not steps or (steps[0]["hidden"] or 0) <= run["hidden"]


def test_diff(made):
    folder, run, commands = made
    rows = ask("collector-diff", "--all", folder / "run", folder / "same")
    assert all(row["change"] == "" for row in rows)
    row, = (row for row in rows if row["kind"] == "run")
    assert (ms(row["wall_a_ns"]), ms(row["cpu_a_ns"]), mib(row["peak_rss_a_bytes"]), row["failed_a"]) == (
        run["wall"], run["cpu"], run["peak"], run["failed"])
    for name, (programs, wall, cpu, peak, failed) in commands.items():
        found = [row for row in rows if row["kind"] == "command" and row["name"].split()[0] == name]
        if name != "sh":
            row, = found
            assert (row["count_a"], row["failed_a"], mib(row["peak_rss_a_bytes"])) == (programs, failed, peak)
            assert [figure and ms(figure) * programs for figure in (row["wall_a_ns"], row["cpu_a_ns"])] == [wall, cpu]


def test_a_command_is_quoted_alike_everywhere():
    run = new_folder() / "run"
    records = ROOT + "fork 1000 11 10 sh\nexec 1000 11 /bin/grep a*b $x\n" + end(2000, 11, 0, 1, 1) + end(3000, 10, 0, 1, 1)
    subprocess.run([scripted_program(), run], input=records.encode(), check=True)
    row, = ask("collector-query", run, """
        SELECT p.command AS of_process, s.command AS of_step FROM processes p JOIN steps s USING (pid, start) WHERE comm LIKE '%grep'""")
    assert row["of_process"] == row["of_step"] == "/bin/grep 'a*b' '$x'"
