# SPDX-License-Identifier: BSD-2-Clause
"""collector-ls: what it says of runs, beside the merge and the kernel; hostile folders; how much it reads."""
import fcntl
import json
import os
import pty
import shutil
import struct
import subprocess
import termios

import pytest
from harness import NOBODY, made_run, merge, new_folder, stage


def ls(*args, code=0, **popen):
    done = subprocess.run([stage() / "collector-ls", *args], capture_output=True, check=False, timeout=100, **popen)
    assert done.returncode == code, done.stderr.decode()
    return done


def listed(folder):
    return json.loads(ls("--json", folder).stdout)


@pytest.fixture(name="runs")
def a_folder_of_runs():
    folder = new_folder()
    shutil.copytree(made_run(500)[0], folder / "small")
    return folder


def test_it_is_what_the_merge_says(runs):
    shutil.copytree(made_run(10000)[0], runs / "large")
    found = {run["run"]: run for run in listed(runs)}
    for name in "small", "large":
        exits = merge(runs / name, options=["-e", "lifecycle.exit"])
        first = merge(runs / name, options=["-e", "lifecycle"])[0]
        root, = [e for e in exits if (e["pid"], e["start"]) == (first["pid"], first["start"])]
        run = found[name]
        assert (run["exit_code"], run["signal"], run["state"]) == (root["exit_code"], root["signal"], "ended")
        assert run["result"] == ("success" if root["exit_code"] == 0 else "failure")
        assert run["wall_ns"] == max(e["ts"] for e in exits) - max(first["start"], 0)
        assert run["bytes"] == sum(path.stat().st_size for path in (runs / name).glob("*.msgpack"))
        assert (run["host"], run["began"][:19]) == (first["host"], run["began"][:19])
    assert found["large"]["processes"] is found["large"]["nonzero"] is None, "not read to its end"
    exits = merge(runs / "small", options=["-e", "lifecycle.exit"])
    if (runs / "small/lifecycle.msgpack").stat().st_size <= 256 << 10:
        assert found["small"]["processes"] == len(exits)
        assert found["small"]["nonzero"] == sum(bool(e["exit_code"] or e["signal"]) for e in exits)


def test_long_streams_are_not_read(runs):
    """What the kernel says that it has read: a header and a last block of each stream, of one as of ten times the length."""
    def read_chars(run):
        folder = new_folder()
        shutil.copytree(run, folder / "run")
        script = f"'{stage()}/collector-ls' '{folder}' >/dev/null; cat /proc/$$/io"
        said = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True).stdout
        return int(said.split()[1])

    large, size = made_run(100000)[0], 0
    for path in large.glob("*.msgpack"):
        size += path.stat().st_size
    assert read_chars(large) < size / 3
    assert read_chars(large) < read_chars(made_run(10000)[0]) * 3


def test_a_stream_without_its_end(runs):
    for path in (runs / "small").glob("*.msgpack"):
        with path.open("r+b") as file:
            file.truncate(path.stat().st_size - 10)
    run, = listed(runs)
    assert run["state"] in ("crashed", "unknown") and run["wall_ns"] is not None


def test_a_folder_without_runs():
    done = ls(new_folder())
    assert done.stdout == b"" and b"no runs in " in done.stderr and listed(new_folder()) == []


def test_damage_and_hostile_names(runs):
    bad = runs / "run-20261128T000000Z"
    bad.mkdir()
    (bad / "lifecycle.msgpack").write_bytes(b"\x93garbage" * 1000)
    (runs / "a\033[31mred").mkdir()
    shutil.copy(runs / "small/cpu.msgpack", runs / "a\033[31mred/cpu.msgpack")
    fifo = runs / "run-20261127T000000Z"
    fifo.mkdir()
    os.mkfifo(fifo / "cpu.msgpack")
    (runs / "latest").symlink_to("small")
    (runs / "empty").mkdir()
    (runs / "file").write_text("x")
    done = ls(runs)
    lines = done.stdout.decode().splitlines()
    assert len(lines) == 5 and b"\033" not in done.stdout and b"others too" in done.stderr
    found = {run["run"]: run for run in listed(runs)}
    assert set(found) == {"small", bad.name, "a\033[31mred", fifo.name}
    assert found[bad.name]["state"] == "unreadable" and "stream" in found[bad.name]["error"]
    assert found[fifo.name]["error"] == "not a regular file"
    assert found["a\033[31mred"]["result"] is None, "no stream of ends"


def test_mutated_streams_end_it_in_no_other_way(runs):
    """Bytes changed everywhere in turn: whatever is said, it is said."""
    stream = (runs / "small/lifecycle.msgpack").read_bytes()
    for at in [*range(0, 400, 7), *range(400, len(stream), len(stream) // 40), *range(len(stream) - 120, len(stream), 5)]:
        folder = runs / f"m{at}"
        folder.mkdir()
        (folder / "lifecycle.msgpack").write_bytes(stream[:at] + bytes([stream[at] ^ 0x55]) + stream[at + 1:])
    assert len(listed(runs)) == 1 + len(list(runs.glob("m*")))


def test_runs_of_other_users(runs):
    if os.geteuid():
        pytest.skip("needs root")
    closed = runs / "run-20261128T000000Z"
    shutil.copytree(runs / "small", closed)
    closed.chmod(0o700)
    (runs / "small").chmod(0o755)
    for path in (runs / "small").iterdir():
        path.chmod(0o644)
    done = ls("--json", runs, user=NOBODY, group=NOBODY, extra_groups=[])
    found = {run["run"]: run for run in json.loads(done.stdout)}
    assert found["small"]["state"] == "ended" and found[closed.name]["error"] == "Permission denied"


def test_newest_first():
    folder = new_folder()
    for name in "run-20261128T000000Z", "run-20261128T000000Z-2", "run-20251128T000000Z", "b-20271128T000000Z":
        (folder / name).mkdir()
        (folder / name / "cpu.msgpack").touch()
    assert [run["run"] for run in listed(folder)] == ["b-20271128T000000Z", "run-20261128T000000Z-2",
                                                      "run-20261128T000000Z", "run-20251128T000000Z"]


@pytest.mark.parametrize("width", [40, 80, 120])
def test_lines_fit_the_terminal(runs, width):
    ours, its = pty.openpty()
    fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", 24, width, 0, 0))
    subprocess.run([stage() / "collector-ls", runs], stdout=its, check=True, env={**os.environ, "NO_COLOR": "1"})
    os.close(its)
    seen = b""
    try:
        while chunk := os.read(ours, 65536):
            seen += chunk
    except OSError:
        pass
    os.close(ours)
    lines = seen.decode().splitlines()
    assert len(lines) == 2 and all(len(line) <= width for line in lines)
    assert ("COMMAND" in lines[0]) and ("BEGAN" in lines[0]) == (width == 120)


def test_wrong_usage():
    assert b"No such file" in ls("nosuch", code=2).stderr
    assert b"unknown option --jsno: did you mean --json?" in ls("--jsno", code=2).stderr
    assert b"one folder" in ls("a", "b", code=2).stderr
    assert json.loads(ls("--json", new_folder()).stdout) == []
