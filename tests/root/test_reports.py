# SPDX-License-Identifier: BSD-2-Clause
"""What the configuration's `sinks:` are fed with at the end of a run, by whom, and that it changes nothing for the run."""
import json
import os
import pwd
import shutil
import signal
import subprocess

import pytest
from harness import BUILD, CC, NOBODY, SRC, Started, collector, merge, msgpack, new_folder, stage, wait_for

SINKS = 'sinks: {summary: {top: 2}, jsonl: {}, msgpack: {}, "null": {}}\n'
SCRIPT = "/bin/true a b; echo out; exit 3"


def started(*options, config=None, out=None, command=("sh", "-c", SCRIPT), **popen):
    """The run's folder, and how it ended. The harness's own way is without any sink."""
    line, out = collector(*options, config=config, out=out)
    done = subprocess.run([*line, "--", *command], capture_output=True, text=True, check=False, timeout=60, **popen)
    return out / os.readlink(out / "latest"), done


def merged_files(path):
    return {file.name for file in path.iterdir() if file.name.startswith("merged.")}


@pytest.fixture(scope="module")
def fed():
    return started(config=SINKS)


def test_a_file_is_named_by_what_it_is():
    path, _ = started(config="sinks: {report: {title: a run}, perfetto: {}}\n")

    assert merged_files(path) == {"merged.html", "merged.pftrace"}
    assert (path / "merged.html").read_text().startswith("<!DOCTYPE html>")


def test_the_run_is_as_without(fed):
    path, done = fed
    assert (done.returncode, done.stdout) == (3, "out\n")
    assert all((path / f"{name}.msgpack").exists() for name in ("lifecycle", "cpu", "mem", "io"))


def test_each_writes_what_the_merge_tool_writes(fed):
    path, _ = fed
    assert merged_files(path) == {"merged.jsonl", "merged.msgpack", "merged.null"}
    lines = [json.loads(line) for line in (path / "merged.jsonl").read_text().splitlines()]
    assert lines and lines == merge(path)
    with open(path / "merged.msgpack", "rb") as file:
        unpacked = list(msgpack.Unpacker(file, raw=False, strict_map_key=False, unicode_errors="replace"))
    assert [(r["stream"], r["event"], r["ts"], r["seq"]) for r in unpacked if "event" in r] == \
        [(e["stream"], e["event"], e["ts"], e["seq"]) for e in lines]
    assert (path / "merged.null").stat().st_size == 0


def lines_of(path):
    if not path.exists():
        return []
    text = path.read_bytes()
    return [json.loads(line) for line in text[:text.rfind(b"\n") + 1].splitlines()]


def test_a_live_sink_is_fed_while_the_run_goes_on():
    with Started("--", "sh", "-c", "trap : INT; /bin/true; read line; read line", config="sinks: {jsonl: {}, report: {}}\n",
                 start_new_session=True, stdin=subprocess.PIPE) as going:
        wait_for(lambda: [e for e in lines_of(going.out / "latest/merged.jsonl") if e["event"] == "exit" and e["comm"] == "true"],
                 "the exit of /bin/true is in the sink's file")
        assert going.process.poll() is None
        assert merged_files(going.out / os.readlink(going.out / "latest")) == {"merged.jsonl"}
        os.killpg(going.pid, signal.SIGINT)  # as Ctrl-C does: it is for the command
        going.tell("go on")
        going.tell("end")
        run = going.end(None, code=None)
        assert lines_of(run.path / "merged.jsonl") == merge(run.path)
        assert merged_files(run.path) == {"merged.jsonl", "merged.html"}


def test_the_summary_is_on_stderr_with_its_options(fed):
    path, done = fed
    assert "verdict        exit 3" in done.stderr
    assert done.stderr.strip() == merge(path, sink="summary:top=2").strip()


def test_without_the_key_it_is_the_summary_alone():
    path, done = started()
    assert done.stderr.strip() == merge(path, sink="summary").strip()
    assert not merged_files(path)


def test_without_the_summary_none_is_printed():
    path, done = started(config="sinks: {jsonl: {}}\n")
    assert done.stderr == ""
    assert merged_files(path) == {"merged.jsonl"}


@pytest.mark.parametrize("option", ["--no-summary", "--quiet"])
def test_none_is_fed_if_so_told(option):
    path, done = started(option, config=SINKS)
    assert done.stderr == ""
    assert not merged_files(path)


def test_who_called_sudo_owns_what_is_written():
    """By a process of that user's, that has none of our rights."""
    user = pwd.getpwuid(NOBODY)
    path, done = started(config=SINKS, out=new_folder(0o777), env={**os.environ, "SUDO_UID": str(user.pw_uid)})
    assert done.returncode == 3
    assert merged_files(path) == {"merged.jsonl", "merged.msgpack", "merged.null"}
    for file in path.iterdir():
        assert file.stat().st_uid == user.pw_uid, file


def tell_rights(folder):
    """A program in the merge tool's place that tells what it may."""
    for kind in "probes", "sinks":
        shutil.copytree(stage() / kind, folder / kind)
    shutil.copy(stage() / "collector", folder)
    (folder / "collector-merge").write_text(
        "#!/bin/sh\ngrep -E '^(Cap(Eff|Prm|Amb)|Uid):' /proc/self/status\n")
    (folder / "collector-merge").chmod(0o755)
    return folder / "collector"


def test_the_process_that_feeds_has_no_rights():
    folder, out = new_folder(), new_folder(0o777)
    line = [tell_rights(folder), "--plugin-dir", folder, "-o", out, "--", "true"]
    done = subprocess.run(line, capture_output=True, text=True, check=False,
                          env={**os.environ, "SUDO_UID": str(NOBODY)})
    assert done.returncode == 0, done.stderr
    words = dict(line.split(":\t") for line in done.stderr.splitlines() if ":\t" in line)
    assert set(words["Uid"].split()) == {str(NOBODY)}
    for kind in "CapEff", "CapPrm", "CapAmb":
        assert int(words[kind], 16) == 0, words


def test_a_sink_that_fails_is_told_and_the_others_are_fed():
    """The run's own exit code stays."""
    folder = new_folder()
    tell_rights(folder)
    (folder / "collector-merge").write_text(
        f'#!/bin/sh\ncase "$*" in *jsonl*) echo no room >&2; exit 1 ;; esac\nexec "{stage()}/collector-merge" "$@"\n')
    config = new_folder() / "pipeline.yaml"
    config.write_text("sinks: {jsonl: {}, msgpack: {}, summary: {}}\n")
    out = new_folder()
    line = [folder / "collector", "--plugin-dir", folder, "-c", config, "-o", out, "--", "sh", "-c", "exit 4"]
    done = subprocess.run(line, capture_output=True, text=True, check=False)
    assert done.returncode == 4
    assert "no room" in done.stderr and "verdict        exit 4" in done.stderr
    assert merged_files(out / "latest") == {"merged.msgpack"}


def test_the_daemon_feeds_none():
    """It has no end of its own."""
    with Started(config="scope: [{exe: /nonexistent/program}]\nsinks: {jsonl: {}}\n") as daemon:
        daemon.wait_until_watching()
        daemon.process.terminate()
        _, stderr = daemon.process.communicate(timeout=30)
    assert daemon.process.returncode == 0, stderr
    assert not list(daemon.out.glob("*/merged.*"))


def test_wrong_options_are_refused_before_the_start():
    folder = new_folder()
    file = folder / "pipeline.yaml"
    file.write_text("sinks:\n  summary: {tpo: 3}\n")
    line, out = collector("-c", file)
    done = subprocess.run([*line, "--", "touch", folder / "started"], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "pipeline.yaml:2:13: sinks.summary.tpo" in done.stderr and "top" in done.stderr
    assert not (folder / "started").exists() and not list(out.iterdir())


# ---- none of it is root's ----

def dropped(text):
    """The status of the process that the sink in tests/sinks/hostile says it ran in."""
    words = dict(line.split(":\t") for line in text.splitlines() if ":\t" in line)
    return words["Uid"].split()[0], {words[f"Cap{kind}"].strip("0\n") for kind in ("Inh", "Prm", "Eff", "Bnd", "Amb")}


def with_witness():
    folder = new_folder()
    for kind in "probes", "sinks":
        shutil.copytree(stage() / kind, folder / kind)
    subprocess.run([*CC, "-std=gnu11", "-D_GNU_SOURCE", "-shared", "-fPIC", f"-I{SRC}", "-o", folder / "sinks/witness.so",
                    SRC / "tests/sinks/hostile/witness.c"], check=True)
    return folder


def test_a_run_of_roots_is_not_fed_by_root():
    """Without sudo, too, and no process of root's loads the sink: not for its options either."""
    out, config, loads = new_folder(0o700), new_folder() / "pipeline.yaml", new_folder() / "loads"
    config.write_text("sinks: {witness: {}, jsonl: {}}\n")
    loads.write_text("")
    loads.chmod(0o666)
    env = {name: value for name, value in os.environ.items() if not name.startswith("SUDO_")}
    done = subprocess.run([stage() / "collector", "--plugin-dir", with_witness(), "-c", config, "-o", out, "--", "true"],
                          capture_output=True, text=True, check=False, env={**env, "WITNESS": str(loads)})
    assert done.returncode == 0, done.stderr
    path = out / os.readlink(out / "latest")
    uid, capabilities = dropped((path / "merged.witness").read_text())
    assert uid != "0" and capabilities == {""}
    assert {tuple(line.split()) for line in loads.read_text().splitlines()} == {(uid, uid)}
    for file in path.iterdir():
        assert file.stat().st_uid == 0, file
    assert [json.loads(line) for line in (path / "merged.jsonl").read_text().splitlines()] == merge(path)


@pytest.mark.skipif(not (BUILD / "sinks/parquet.so").exists(), reason="built without DuckDB: tests/setup duckdb")
def test_the_daemon_maps_no_sink():
    config = "scope: [{exe: /nonexistent/program}]\nsinks: {jsonl: {}, parquet: {partition: true}}\n"
    with Started(config=config) as daemon:
        daemon.wait_until_watching()
        with open(f"/proc/{daemon.pid}/maps", encoding="utf-8") as file:
            maps = file.read()
        daemon.end()
    assert "/probes/cpu.so" in maps and "/sinks/" not in maps and "duckdb" not in maps


def test_a_sink_whose_process_was_killed():
    """It is held until the command has ended; a command of the same user can end it before."""
    out = new_folder()
    os.chown(out, NOBODY, NOBODY)
    script = "for pid in $(pgrep -P $PPID collector); do kill -9 $pid; done; exit 3"
    line, _ = collector("--user", "nobody", "--", "bash", "-c", script, out=out)
    done = subprocess.run(line, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 3 and "warning: sink summary: its process was killed; " in done.stderr, done.stderr
