# SPDX-License-Identifier: BSD-2-Clause
"""What the configuration's `sinks:` are fed with at the end of a run, by whom, and that it changes nothing for the run."""
import json
import os
import pwd
import shutil
import subprocess

import pytest
from harness import NOBODY, Started, collector, merge, msgpack, new_folder, stage

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
