# SPDX-License-Identifier: BSD-2-Clause
"""Runs of several nodes of a batch job: each knows the job, and queries take them as one."""
import json
import os
import shutil
import subprocess

import pytest
from harness import BUILD, SRC, Started, collect, collector, new_folder, read_stream, stage

# A host of its own: another name and boot id, in namespaces that end with the command.
NODE = 'mount --make-rprivate / && mount --bind "$1" /proc/sys/kernel/random/boot_id && hostname "$2" && shift 2 && exec "$@"'
IN_A_JOB = {"SLURM_JOB_ID": "17", "SLURM_CLUSTER_NAME": "big"}


def run_on(host, lake, job, script):
    """Records on one node, and adds the run to the lake. Its stream's header."""
    folder = new_folder()
    (folder / "boot_id").write_text(f"{host:0>8}-0000-4000-8000-000000000000\n")
    env = {key: value for key, value in os.environ.items() if not key.startswith("SLURM_")}
    line, _ = collector("--", "sh", "-c", script, out=folder / "runs")
    done = subprocess.run(["unshare", "--uts", "--mount", "sh", "-c", NODE, "sh", folder / "boot_id", f"node{host}", *line],
                          env={**env, **job}, capture_output=True, text=True, check=False, timeout=100)
    assert done.returncode == (1 if "false" in script else 0), done.stderr
    subprocess.run([stage() / "collector-merge", "--plugin-dir", stage(), "-s", "parquet:partition=true", "-o", lake, folder / "runs/latest"], check=True,
                   capture_output=True)
    return read_stream(folder / "runs/latest/lifecycle.msgpack")[0]


STRUCT_TIMEX = "00" * 24 + "d204000000000000"  # to maxerror: 1,234 us


@pytest.mark.skipif(not shutil.which("strace"), reason="strace is not installed")
@pytest.mark.parametrize(("answer", "error"), [(f"retval=0:poke_exit=@arg1={STRUCT_TIMEX}", 1234000), ("retval=5", None), ("error=EPERM", None)])
def test_how_far_the_clock_may_be_off(answer, error):
    """strace answers in place of the kernel, whose clock belongs to others."""
    line, out = collector("--", "true")
    env = {**os.environ, "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0"}  # it cannot be traced
    subprocess.run(["strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=adjtimex", "-e", f"inject=adjtimex:{answer}", *line],
                   check=True, capture_output=True, env=env)
    assert read_stream(out / "latest/lifecycle.msgpack")[0].get(b"clock_error_ns") == error


@pytest.mark.skipif(not (BUILD / "collector-query").exists(), reason="built without DuckDB: tests/setup duckdb")
def test_nodes_of_a_job_are_one():
    lake = new_folder() / "lake"
    heads = [run_on(host, lake, job, script) for host, job, script in (
        (1, IN_A_JOB, "true & wait"), (2, IN_A_JOB, "true; false"), (3, {}, "true"), (4, {"JOB_ID": "17"}, "true"))]
    assert [head[b"run"].get(b"job") for head in heads] == [b"slurm:big:17"] * 2 + [None] * 2
    line = [stage() / "collector-query", "--plugin-dir", stage(), "--queries", SRC / "conf/queries", "-F", "json", lake, "jobs"]
    done = subprocess.run(line, check=True, capture_output=True)
    rows = json.loads(done.stdout)
    assert [(row["job"], row["hosts"], row["runs"], row["failed"], row["bad_runs"], row["open_runs"]) for row in rows] == [
        ("slurm:big:17", 2, 2, 1, 1, 0), (None, 1, 1, 0, 0, 0), (None, 1, 1, 0, 0, 0)]
    assert all(row["cpu_ns"] > 0 and row["largest_bytes"] > 0 and row["last_ended"] > row["first_began"] for row in rows)


MANY = "for i in $(seq 1500); do /bin/true; done"  # more than is read of a stream for a list
ENDS = {  # what the carrier of a job runs, which exits 0 whatever that did: how the run ended, and by which code or signal
    "/bin/sh -c 'exit 3'": ("failure", 3, None),
    "/bin/sh -c 'sort /no/such || true'; /bin/true": ("success", 0, None),
    "/bin/sh -c 'sleep .3; exit 5' & /bin/sh -c 'sleep .1; exit 4' & wait": ("failure", 4, None),
    "/bin/sh -c 'kill $$'": ("cancellation", None, 15),
    f"/bin/sh -c '{MANY}; exit 3'": ("failure", 3, None),
    f"/bin/sh -c '{MANY}; exit 0'": ("success", 0, None),
}


@pytest.fixture(name="carrier")
def a_program_by_the_name_of_one_that_carries_a_job():
    path = new_folder() / "slurmstepd"
    shutil.copy("/bin/bash", path)
    return path


def results(*runs):
    """By collector-ls, and by collector-query: (result, exit code, signal) of each run by its folder's name."""
    done = subprocess.run([stage() / "collector-ls", "--json", runs[0].parent], check=True, capture_output=True)
    listed = {run["run"]: (run["result"], run["exit_code"], run["signal"]) for run in json.loads(done.stdout)}
    line = [stage() / "collector-query", "--plugin-dir", stage(), "-q", "-F", "json", *runs,
            "SELECT run, result, exit_code, hidden FROM runs"]
    asked = json.loads(subprocess.run(line, check=True, capture_output=True).stdout)
    return listed, {row["run"]: (row["result"], row["exit_code"]) for row in asked}, sum(row["hidden"] for row in asked)


@pytest.mark.skipif(not (BUILD / "collector-query").exists(), reason="built without DuckDB: tests/setup duckdb")
def test_a_run_ends_as_the_job_that_its_first_process_carries(carrier):
    config = f"scope: [{{exe: {carrier}}}]\nprobes: {{lifecycle: {{env: [SLURM_JOB_ID]}}}}\n"
    wanted = {}
    with Started(config=config) as daemon:
        daemon.wait_until_watching()
        for number, (script, ends) in enumerate(ENDS.items()):
            subprocess.run([carrier, "-c", f"export SLURM_JOB_ID={number}; {script}; exit 0"], check=True)
            wanted[f"slurm:{number}"] = ends
        run = daemon.end()
    runs = [path for path in run.out.iterdir() if path.is_dir() and not path.is_symlink()]
    done = subprocess.run([stage() / "collector-ls", "--json", run.out], check=True, capture_output=True)
    jobs = {listed["run"]: listed["job"] for listed in json.loads(done.stdout)}
    listed, asked, hidden = results(*runs)
    assert {jobs[name]: ends for name, ends in listed.items()} == wanted
    assert {jobs[name]: ends for name, ends in asked.items()} == {job: ends[:2] for job, ends in wanted.items()}
    assert sum((path / "lifecycle.msgpack").stat().st_size > 256 << 10 for path in runs) == 2
    assert hidden == 1, "sort || true"


@pytest.mark.skipif(not (BUILD / "collector-query").exists(), reason="built without DuckDB: tests/setup duckdb")
def test_a_command_of_that_name_ends_the_run_itself(carrier):
    run = collect(carrier, "-c", "sort /no/such; exit 0")
    listed, asked, hidden = results(run.path)
    assert listed[run.path.name] == ("success", 0, None)
    assert (asked[run.path.name], hidden) == (("success", 0), 1)
