# SPDX-License-Identifier: BSD-2-Clause
"""What has been written gets to the disk, by a thread that is not the one which reads the rings; seen by strace."""
import os
import re
import shutil
import signal
import subprocess

import pytest
from harness import BUILD, collector, merge, new_folder, read_stream, wait_for

STRACE = shutil.which("strace")
STREAMS = sorted(path.stem for path in BUILD.glob("probes/*.so"))
# the sanitizers' search for leaks is no use under ptrace
ENV = {**os.environ, "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0"}
pytestmark = pytest.mark.skipif(not STRACE, reason="strace is not installed")


def traced(*options):
    """The first words of a command line under strace, and the file of the trace."""
    log = new_folder() / "trace"
    return [STRACE, "-f", "-qq", "-y", "-o", log, "-e", "signal=none", *options], log


def run(*options):
    """A run of a short command: exit code, what it said, its folder, the trace's lines as (thread, text)."""
    strace, log = traced(*options)
    line, out = collector("--no-summary")
    done = subprocess.run([*strace, *line, "--", "/bin/true"], capture_output=True, check=False, timeout=60, env=ENV)
    said = done.stderr.decode(errors="replace")
    if done.returncode == 1 and "strace" in said:
        pytest.skip("strace cannot trace here: " + said.splitlines()[0])
    return done.returncode, said, out / os.readlink(out / "latest"), [
        text.split(maxsplit=1) for text in log.read_text().splitlines()]


def test_everything_is_on_the_disk_at_the_end():
    """Each stream after its last write, then both folders; never on the thread that reads the rings."""
    code, said, folder, trace = run("-e", "trace=pwrite64,fdatasync,fsync,epoll_wait,epoll_pwait")
    assert (code, said) == (0, "")
    calls = [(thread, *re.match(r"(\w+)\(\d+<([^>]*)>", text).groups()) for thread, text in trace
             if re.match(r"(pwrite64|fdatasync|fsync)\(", text)]
    waits = {thread for thread, text in trace if text.startswith("epoll_")}
    reader = {thread for thread, call, _ in calls if call == "pwrite64"} & waits
    assert len(reader) == 1 and len(waits) == 2  # the keeper waits as well
    last = {(call, path): i for i, (_, call, path) in enumerate(calls)}
    for name in STREAMS:
        path = str(folder / f"{name}.msgpack")
        assert last["pwrite64", path] < last["fdatasync", path]
    assert last["fsync", str(folder)] and last["fsync", str(folder.parent)]
    assert not reader & {thread for thread, call, _ in calls if "sync" in call}


@pytest.mark.parametrize("call", ["fdatasync", "fsync"])
def test_a_disk_that_fails_is_told_and_counted(call):
    """EIO: exit code 125, a sentence, and an unknown loss in each stream; the events are all there."""
    code, said, folder, trace = run("-e", f"trace={call}", "-e", f"inject={call}:error=EIO")
    assert sum("(INJECTED)" in text for _, text in trace) >= (4 if call == "fdatasync" else 2)
    assert code == 125 and said.count("\n") == 1
    assert re.fullmatch(rf"collector: error: {folder}: .*: Input/output error; .*\n", said), said
    events = merge(folder)
    assert [e["event"] for e in events if e["stream"] == "lifecycle"] == ["fork", "exec", "exit"]
    lost = [e for e in events if e["event"] == "lost"]
    if call == "fsync":  # of folders: the streams are as they should be
        assert not lost
        return
    assert {(e["stream_lost"], e["count"], e["cause"]) for e in lost} == {(name, None, "EIO") for name in STREAMS}
    merge(folder, options=["--strict"], sink="null", code=3)
    for name in STREAMS:
        assert read_stream(folder / f"{name}.msgpack")[1][-2]["event"] == "end"


def test_a_file_system_without_sync_is_no_failure():
    assert run("-e", "trace=fdatasync,fsync", "-e", "inject=fdatasync,fsync:error=EINVAL")[:2] == (0, "")


def test_the_reader_goes_on_while_the_disk_is_waited_for():
    """The first sync, some seconds after the start, hangs; events are written all the same."""
    strace, log = traced("-e", "trace=fdatasync", "-e", "inject=fdatasync:delay_enter=600s")
    line, out = collector("--no-summary")
    with subprocess.Popen([*strace, *line, "--", "sh", "-c", "while read -r program; do $program; done"],
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          start_new_session=True, env=ENV) as process:
        try:
            wait_for(lambda: process.poll() is not None or (log.exists() and "fdatasync(" in log.read_text()),
                     "a sync", seconds=60)
            if process.poll() is not None:
                pytest.skip("strace cannot trace here: " + process.stderr.read().decode())
            stream = out / os.readlink(out / "latest") / "lifecycle.msgpack"
            process.stdin.write(b"/bin/echo ran\n")
            process.stdin.flush()
            assert process.stdout.readline() == b"ran\n"
            wait_for(lambda: any(r["event"] == "exec" and r["exe"] == b"/bin/echo" for r in read_stream(stream)[1]),
                     "the event is in the file")
            assert "= 0" not in log.read_text()
        finally:
            os.killpg(process.pid, signal.SIGKILL)


def test_runs_of_the_daemon_end_while_the_disk_is_waited_for():
    """The sync at the end of the first run hangs; the second run begins and ends."""
    tool = shutil.copy("/bin/true", new_folder() / "tool")
    config = new_folder() / "daemon.yaml"
    config.write_text(f"scope: [{{exe: {tool}}}]\n")
    strace, log = traced("-e", "trace=fdatasync,epoll_wait,epoll_pwait", "-e", "inject=fdatasync:delay_enter=600s")
    line, out = collector("-c", config)

    def watches():
        """The keeper waits from the beginning, the recorder when everything is attached."""
        return len({line.split()[0] for line in log.read_text().splitlines() if "epoll_" in line}) == 2

    def has_end(stream):
        try:
            return any(record["event"] == "end" for record in read_stream(stream)[1])
        except StopIteration:
            return False  # its header is not there yet

    def ended(count):
        streams = list(out.glob("run-*/lifecycle.msgpack"))
        return len(streams) == count and all(has_end(stream) for stream in streams)

    with subprocess.Popen([*strace, *line], stderr=subprocess.PIPE, start_new_session=True, env=ENV) as process:
        try:
            wait_for(lambda: process.poll() is not None or (log.exists() and watches()), "it watches")
            if process.poll() is not None:
                pytest.skip("strace cannot trace here: " + process.stderr.read().decode())
            subprocess.run([tool], check=True)
            wait_for(lambda: ended(1), "the first run's end")
            wait_for(lambda: "fdatasync(" in log.read_text(), "its sync")
            subprocess.run([tool], check=True)
            wait_for(lambda: ended(2), "the second run's end")
            assert not re.search(r"fdatasync\(.*\) += 0", log.read_text())
        finally:
            os.killpg(process.pid, signal.SIGKILL)


def test_a_failure_in_mid_run_is_told_once_and_the_run_goes_on():
    """The disk fails at the first sync, and works again: the loss lies before it."""
    strace, log = traced("-e", "trace=fdatasync", "-e", "inject=fdatasync:error=EIO:when=1")
    line, out = collector("--no-summary")
    with subprocess.Popen([*strace, *line, "--", "sh", "-c", "read -r line; /bin/true; exit 3"], stdin=subprocess.PIPE,
                          stderr=subprocess.PIPE, env=ENV) as process:
        wait_for(lambda: process.poll() is not None or (log.exists() and "(INJECTED)" in log.read_text()), "a sync",
                 seconds=60)
        said = process.communicate(b"\n", timeout=60)[1].decode()
        if process.returncode == 1 and "strace" in said:
            pytest.skip("strace cannot trace here: " + said.splitlines()[0])
    assert process.returncode == 3, "the command's own"
    assert said.count("error: ") == 1 and "Input/output error" in said
    events = merge(out / os.readlink(out / "latest"))
    lost, = [e for e in events if e["event"] == "lost"]
    assert (lost["stream_lost"], lost["count"], lost["cause"]) == (STREAMS[0], None, "EIO")
    first = next(e for e in events if e["event"] == "exec")
    assert lost["since"] <= first["ts"] < lost["ts"]
