# SPDX-License-Identifier: BSD-2-Clause
"""collector-diff: what changed from one run to another, against what the two were made to do."""
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from harness import BUILD, collect, made_run, new_folder, stage, why_no_bpf

pytestmark = pytest.mark.skipif(not (BUILD / "collector-diff").exists(), reason="built without DuckDB")

HOLD = "import sys; held = bytearray(int(sys.argv[1]) << 20)"


def diff(*options, code=0):
    done = subprocess.run([stage() / "collector-diff", "-p", stage(), *options], capture_output=True, check=False)
    assert done.returncode == code, done.stderr.decode()
    return done.stdout.decode(), done.stderr.decode()


def rows(*options, code=0):
    return [json.loads(line) for line in diff("--format", "jsonl", *options, code=code)[0].splitlines()]


def test_equal_runs_have_not_changed():
    run, totals = made_run(500)
    twin = new_folder() / "twin"
    shutil.copytree(run, twin)
    assert [(row["kind"], row["change"]) for row in rows(run, twin)] == [("run", "")]
    every = rows("--all", run, twin)
    assert sum(row["count_a"] for row in every if row["kind"] == "command") == totals["processes"]
    assert sum(row["count_b"] for row in every if row["kind"] == "step") == totals["jobs"]
    assert all(row["change"] == "" for row in every)
    diff("--fail-on", "failed>0", "--fail-on", "wall>0%", "--fail-on", "count>0", run, twin)


def test_more_of_the_same_is_not_slower():
    few, _ = made_run(500)
    more, _ = made_run(1000)
    every = rows("--all", few, more)
    assert {row["name"] for row in every if row["kind"] == "step"} == {"bwa mem", "bcftools mpileup", "fastqc"}
    assert not [row for row in every if row["change"] in ("appeared", "vanished")]
    assert "run" in diff("--fail-on", "wall>5%", few, more, code=3)[1]


@pytest.mark.skipif(bool(why_no_bpf()), reason=str(why_no_bpf()))
def test_what_was_made_worse_is_found(tmp_path):
    runs = []
    for name, text in (("a", f"{sys.executable} -c '{HOLD}' 20\nwc /dev/null >/dev/null\ncat /dev/null\n"),
                       ("b", f"{sys.executable} -c '{HOLD}' 80\nwc /nowhere\nhead -c 1 /dev/zero >/dev/null\ntrue\n")):
        script = tmp_path / f"{name}.sh"
        script.write_text(text)
        runs.append(collect("sh", script).path)
    found = {(row["kind"], row["name"]): row for row in rows(*runs)}
    held = found["command", f"{Path(sys.executable).name} -c {re.sub('[0-9]+', '#', HOLD)} #"]
    assert "bigger" in held["change"]
    assert held["peak_rss_b_bytes"] - held["peak_rss_a_bytes"] == pytest.approx(60 << 20, rel=0.05)
    assert found["command", "cat /dev/null"]["change"] == "vanished"
    assert found["command", "head -c # /dev/zero"]["change"] == "appeared"
    assert found["step", "wc"]["change"].startswith("fails more")
    assert found["step", "wc"]["failed_b"] == 1

    stdout, stderr = diff("--fail-on", "failed>0", "--fail-on", "peak_rss>1GiB", *runs, code=3)
    assert "fails more" in stdout
    assert "failed>0" in stderr and "peak_rss>1GiB" not in stderr
    assert "step" in stderr and "wc" in stderr


def test_bad_input(tmp_path):
    run, _ = made_run(50)
    assert "expected two runs" in diff(run, code=2)[1]
    assert "the same run" in diff(run, run, code=2)[1]
    assert "unknown metric; did you mean peak_rss" in diff("--fail-on", "peak_rs>1%", run, run, code=2)[1]
    assert "nowhere" in diff(run, tmp_path / "nowhere", code=2)[1]
    out = tmp_path / "diff.csv"
    out.write_text("before")
    diff("--format", "csv", "-o", out, run, tmp_path, code=2)
    assert out.read_text() == "before"
