# SPDX-License-Identifier: BSD-2-Clause
"""What each part may do once everything is attached, by /proc, and by trying."""
import fcntl
import os
import pty
import pwd
import re
import resource
import shutil
import signal
import struct
import subprocess
import termios
from pathlib import Path

import pytest
from harness import BUILD, NOBODY, CC, SRC, Run, Started, collect, collector, new_folder, read_stream, recorder_of, stage, wait_for

SANITIZED = "-fsanitize=address" in (BUILD / "Makefile").read_text()
AS_NOBODY = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
WAITS = ["--", "sh", "-c", "read word"]
# before 5.19 bpf() wants CAP_BPF even for maps that are open
OLD_BPF = 1 << 39 if tuple(map(int, os.uname().release.split(".")[:2])) < (5, 19) else 0
CAPS = ["CapInh", "CapPrm", "CapEff", "CapAmb"]


def account():
    """The recorder's, unless that is the command's."""
    try:
        return pwd.getpwnam("collector").pw_uid
    except KeyError:
        return NOBODY


def status(pid):
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return {name: value.split() for name, _, value in (line.partition(":") for line in lines)}


def check_recorder(pid, uid):
    """Nothing remains, and nothing comes back. Returns the bounding set."""
    found = status(pid)
    assert set(found["Uid"]) == {str(uid)} and (os.geteuid() == uid or not found["Groups"])
    assert not any(int(found[name][0], 16) & ~OLD_BPF for name in CAPS)
    assert found["NoNewPrivs"] == ["1"]
    assert os.stat(f"/proc/{pid}/environ").st_uid == 0  # not dumpable: its own user neither traces nor reads it
    assert re.search(r"^Max core file size +0 +0 ", Path(f"/proc/{pid}/limits").read_text(), re.M)
    assert SANITIZED or {status(f"{pid}/task/{task}")["Seccomp"][0] for task in os.listdir(f"/proc/{pid}/task")} == {"2"}
    return int(found["CapBnd"][0], 16)


def dropped(started):
    """The keeper's status, once it has dropped its privileges."""
    wait_for(lambda: status(started.pid)["NoNewPrivs"] == ["1"], "the keeper has dropped its privileges")
    return status(started.pid)


def kept(path):
    return [text.decode() for text in read_stream(path / "cpu.msgpack")[0][b"privileges"]]


def end(started):
    path = started.out / os.readlink(started.out / "latest")
    started.tell("go")
    started.end(None, code=None)
    return path


def test_root():
    with Started("--no-summary", *WAITS, stdin=subprocess.PIPE) as started:
        started.wait_until_watching()
        assert check_recorder(started.recorder(), account()) == 0
        mine = status("self")
        assert status(started.pid)["CapEff"] == mine["CapEff"]  # as the command
        path = end(started)
    assert SANITIZED or OLD_BPF or kept(path) == []
    assert os.stat(path / "cpu.msgpack").st_uid == 0


def test_how_it_is_scheduled():
    """In time, whatever the caller's nice value, and where a key of the terminal and kill(0) do not reach it; but in the
    caller's session, for the kernel shares CPUs worse between two."""
    def scheduled(pid):
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return {"group": int(fields[2]), "session": int(fields[3]), "terminal": int(fields[4]), "nice": int(fields[16])}

    def on_a_terminal():
        os.setsid()
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)
        os.nice(5)

    ours, theirs = pty.openpty()
    with Started("--no-summary", *WAITS, stdin=theirs, preexec_fn=on_a_terminal) as started:
        started.wait_until_watching()
        pid = started.recorder()
        keeper, recorder = scheduled(started.pid), scheduled(pid)
        children = Path(f"/proc/{started.pid}/task/{started.pid}/children").read_text().split()
        command, = (child for child in children if Path(f"/proc/{child}/comm").read_text() == "sh\n")
        assert keeper["terminal"] and keeper["nice"] == scheduled(command)["nice"] == 5
        assert recorder == {"group": pid, "session": keeper["session"], "terminal": 0, "nice": -10}
        os.write(ours, b"\n")
        started.end(None)
    os.close(ours)
    os.close(theirs)


def test_descriptors_of_the_caller():
    """It has none but standard error: no output of the command's, and nothing that was open."""
    read, write = os.pipe()
    with Started("--no-summary", *WAITS, stdin=subprocess.PIPE, pass_fds=[read, write]) as started:
        started.wait_until_watching()
        folder = Path(f"/proc/{started.recorder()}/fd")
        targets = {name: os.readlink(folder / name) for name in os.listdir(folder)}
        end(started)
    assert targets["0"] == targets["1"] == "/dev/null"
    pipes = [target for target in targets.values() if target.startswith("pipe:")]
    assert len(pipes) == 1 and targets["2"] == pipes[0]
    os.close(read)
    os.close(write)


LIMITS = {"Max cpu time": resource.RLIMIT_CPU, "Max file size": resource.RLIMIT_FSIZE,
          "Max address space": resource.RLIMIT_AS, "Max data size": resource.RLIMIT_DATA}
LIMIT = 1 << 33


def set_limits(hard=resource.RLIM_INFINITY):
    for number in LIMITS.values():
        resource.setrlimit(number, (LIMIT, hard))


def limits_of(pid):
    lines = Path(f"/proc/{pid}/limits").read_text().splitlines()
    return {name: line[26:47].strip() for line in lines for name in LIMITS if line.startswith(name)}


@pytest.mark.skipif(SANITIZED, reason="it needs more address space")
def test_limits_are_the_commands():
    """Not the recorder's: it would end, or write no more, while the command still may."""
    with Started("--no-summary", *WAITS, stdin=subprocess.PIPE, preexec_fn=set_limits) as started:
        started.wait_until_watching()
        assert set(limits_of(started.recorder()).values()) == {"unlimited"}
        assert set(limits_of(started.pid).values()) == {str(LIMIT)}
        end(started)


@pytest.mark.skipif(SANITIZED, reason="it needs more address space")
def test_hard_limits_are_named():
    line, _ = collector("--no-summary", "--", "true")
    done = subprocess.run(["setpriv", "--bounding-set=-sys_resource", *line], preexec_fn=lambda: set_limits(LIMIT),
                          capture_output=True, check=False, timeout=60)
    said = done.stderr.decode()
    assert done.returncode == 0 and said.count("the caller's hard limit ") == 4 and f"RLIMIT_FSIZE={LIMIT} " in said, said


def test_sudo():
    with Started("--no-summary", *WAITS, stdin=subprocess.PIPE, env={**os.environ, "SUDO_UID": "1234"}) as started:
        started.wait_until_watching()
        assert check_recorder(started.recorder(), account()) == 0
        end(started)


def test_user():
    """Neither root's account nor the command's."""
    out = new_folder()
    os.chown(out, NOBODY, NOBODY)
    with Started("--no-summary", "--user", "nobody", *WAITS, out=out, stdin=subprocess.PIPE) as started:
        started.wait_until_watching()
        recorder = started.recorder()
        assert check_recorder(recorder, account() if account() != NOBODY else NOBODY - 1) == 0
        keeper = dropped(started)
        assert set(keeper["Uid"]) == {str(NOBODY)} and not any(int(keeper[name][0], 16) for name in CAPS)
        assert os.stat(f"/proc/{started.pid}/environ").st_uid == 0
        attack = [*AS_NOBODY, "sh", "-c"]
        for command in f"kill -STOP {recorder}", f"kill -9 {recorder}", f"cat /proc/{recorder}/environ", f"ls /proc/{recorder}/fd":
            assert subprocess.run([*attack, command], capture_output=True, check=False).returncode, command
        path = end(started)
    assert os.stat(path / "cpu.msgpack").st_uid == NOBODY


# ---- file capabilities: any user may start it ----

def with_capabilities(*more):
    """A copy of the program that gives cap_perfmon and cap_bpf to whoever starts it."""
    program = shutil.copy(stage() / "collector", new_folder(0o755) / "collector")
    caps = sum(1 << cap for cap in (38, 39, *more))
    try:
        os.setxattr(program, "security.capability", struct.pack("<5I", 0x02000001, caps & 0xffffffff, 0, caps >> 32, 0))
    except OSError as error:
        pytest.skip(f"no file capabilities here: {error}")
    return program


def lent(*options, config=None, more=()):
    """The command line for the user nobody, and the output folder."""
    out = new_folder()
    os.chown(out, NOBODY, NOBODY)
    line, _ = collector("--no-summary", *options, config=config, out=out)
    if config is not None:
        os.chmod(line[line.index("-c") + 1].parent, 0o755)
    return [*AS_NOBODY, with_capabilities(*more), *line[1:]], out


def lent_run(*options, code=0, **more):
    line, out = lent(*options, **more)
    done = subprocess.run(line, capture_output=True, check=False, timeout=60)
    assert done.returncode == code, done.stderr.decode()
    return Run(out, code, done.stdout, done.stderr.decode()) if not code else done.stderr.decode()


def test_file_capabilities():
    """The account stays its caller's, which cannot trace it; nothing reaches the command."""
    line, out = lent("--", "sh", "-c", "grep ^Cap /proc/self/status; read word")
    with subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        own = dict(process.stdout.readline().split() for _ in range(5))
        recorder = recorder_of(process.pid)
        check_recorder(recorder, NOBODY)
        assert not any(int(status(process.pid)[name][0], 16) for name in CAPS)
        assert os.stat(f"/proc/{process.pid}/environ").st_uid == 0
        said = process.communicate(b"go\n", timeout=60)[1].decode()
    assert not any(int(own[name.encode() + b":"], 16) for name in CAPS)
    path = out / os.readlink(out / "latest")
    assert process.returncode == 0, said
    assert any(text.startswith(f"account: its caller's (UID {NOBODY})") for text in kept(path))


def set_user_id(code):
    """A set-user-ID program of root's."""
    tool = new_folder(0o755) / "tool"
    subprocess.run([*CC, "-static", "-xc", "-o", tool, "-"], check=True, input=b"""
        #include <fcntl.h>
        #include <sys/wait.h>
        #include <unistd.h>
        int main(void) { """ + code + b" }")
    os.chmod(tool, 0o4755)
    return tool


def test_what_is_another_users_is_not_described():
    """A set-user-ID program of the tree, and what it starts: /proc denies its caller the same."""
    tool = set_user_id(b'setuid(0); execl("/bin/echo", "echo", "in secret", NULL); return 1;')
    run = lent_run("--", "sh", "-c", f"{tool} aloud; /bin/echo mine; :",
                   config="probes: {lifecycle: {env: [HOME], exec_failed: true}, cpu: {}}\n")
    if run.stdout.split(b"\n")[0] != b"in secret":
        pytest.skip("set-user-ID programs are not possible here")
    assert "no environment is recorded" in run.stderr
    assert [e["args"] for e in run.of("lifecycle.exec")] == [
        ["sh", "-c", f"{tool} aloud; /bin/echo mine; :"], None, None, ["/bin/echo", "mine"]]
    denied = ("exe", "args", "cwd", "env", "stderr", "stdin_pipe", "stdout_pipe")
    for e in run.of("lifecycle.exec")[1:3]:
        assert e["exe"] is e["cwd"] is None and e["missing"] == ",".join(f"{name}=denied" for name in denied)
    assert not any(e["env"] for e in run.of("lifecycle.exec"))
    assert len(run.of("lifecycle.exit")) == 3 and len(run.of("cpu.exit")) == 3 and not run.lost


# It has a secret file open, holds the pipe that is its standard input, and has a child that fails.
WAITS_IN_SECRET = b"""
    char bytes[1000] = {};
    setuid(0);
    int secret = open("/etc/shadow", O_RDONLY);
    if (secret < 0 || write(1, bytes, sizeof(bytes)) < 0)
        return 1;
    if (!fork()) {
        execl("/nonexistent/not-to-see", "not-to-see", NULL);
        if (write(2, "not-to-see", 10) < 0)
            return 2;
        execl("/bin/sh", "sh", "-c", "exit 3", "by-ps", NULL);
    }
    wait(NULL);
    sleep(3);
    return 4;"""
STALLS = "probes: {lifecycle: {env: [SEEN], exec_failed: true}, cpu: {interval: 200ms}, io: {interval: 200ms}, " \
    "output: {writes: true}, stall: {after: 400ms, interval: 200ms}}\n"


def check_denied(run, reader):
    """Of the tool it is said that it stands still, not at what."""
    tool = [e["pid"] for e in run.of("lifecycle.exec") if e["euid"] == 0]
    pictures = {e["pid"]: e for e in run.of("stall.picture")}
    assert all("stdin_pipe=denied,stdout_pipe=denied" in e["missing"] for e in run.of("lifecycle.exec") if e["pid"] in tool)
    assert len(tool) == 2 and pictures[tool[0]]["incomplete"] == "denied" and not pictures[tool[0]]["descriptors"]
    assert {e["pid"] for e in run.of("stall.stuck")} >= {reader} and tool[0] not in {e["pid"] for e in run.of("stall.stuck")}
    found = run.of("stall.descriptor")
    assert {e["owner_pid"] for e in found} >= {reader} and not {e["owner_pid"] for e in found} & set(tool)
    assert any(e["type"] == "pipe" and e["writers"] for e in found)  # that one is held by others is known
    for e in run.of("io.sample"):
        assert e["pid"] not in tool or (e["write_chars"] is None and "write_chars=denied" in e["missing"]), e
    assert any(e["pid"] == tool[0] and e["write_chars"] >= 1000 for e in run.of("io.exit"))
    assert not any(e["syscall"] for e in run.of("cpu.sample") if e["pid"] in tool)
    assert sorted(e["exit_code"] for e in run.of("lifecycle.exit") if e["pid"] in tool) == [3, 4]


def reader_of(run):
    return next(e["pid"] for e in run.of("lifecycle.exec") if e["args"] == ["cat"])


def waits_in_secret(program):
    """The arguments of a shell, and its folder: of its children one waits for a pipe that the tool holds, and is ended."""
    folder = new_folder(0o777)
    script = f"mkfifo {folder}/p; {program} <>{folder}/p >/dev/null & tool=$!; cat <>{folder}/p & wait $tool; kill $!"
    return ["sh", "-c", script]


def test_what_another_user_waits_for_is_not_described():
    tool = set_user_id(WAITS_IN_SECRET)
    run = lent_run("--", *waits_in_secret(tool), config=STALLS)
    check_denied(run, reader_of(run))


def test_of_a_users_run_what_root_does_is_not_described():
    """But all else: own programs have their environment, and what they write."""
    tool = set_user_id(WAITS_IN_SECRET)
    out = new_folder()
    os.chown(out, NOBODY, NOBODY)
    words = waits_in_secret(tool)
    words[-1] += "; sh -c 'echo mine >&2; exit 5' 2>&1 | cat; /nonexistent/own"
    run = collect(*words, options=["--user", "nobody"], config=STALLS, out=out, env={**os.environ, "SEEN": "seen"}, code=127)
    root = [e for e in run.of("lifecycle.exec") if e["euid"] == 0]
    assert [e["args"] for e in root if e["args"][-1] == "by-ps"] and not any(e["exe"] or e["cwd"] or e["env"] for e in root)
    check_denied(run, reader_of(run))
    assert not any(b"not-to-see" in path.read_bytes() for path in run.path.glob("*.msgpack"))
    assert {e["env"] and e["env"].get("SEEN") for e in run.of("lifecycle.exec") if e["euid"]} == {"seen"}
    assert [e["text"] for e in run.of("output.text") if e["text"] == "mine\n"]
    assert [e["exe"] for e in run.of("lifecycle.exec_failed")] == ["/nonexistent/own"]


def test_of_a_users_run_what_root_says_to_the_user_is_recorded():
    """As that of `sudo apt-get install nosuch` in a job of CI: its arguments, and what it writes to a pipe of the user's."""
    tool = set_user_id(b"""
        int pipe_of_root[2];
        setuid(0);
        if (write(2, "to you", 6) < 0 || pipe(pipe_of_root) || (!fork() && dup2(pipe_of_root[1], 2) > 0 &&
            (write(2, "to myself", 9) > 0)))
            return 1;
        wait(NULL);
        return 6;""")
    out = new_folder()
    os.chown(out, NOBODY, NOBODY)
    run = collect("sh", "-c", f"{tool} install nosuch 2>&1 | cat", options=["--user", "nobody"], config=STALLS, out=out)
    failed, = [e for e in run.of("lifecycle.exit") if e["exit_code"] == 6]
    assert [e["args"] for e in run.of("lifecycle.exec", pid=failed["pid"])] == [[str(tool), "install", "nosuch"]]
    assert [(e["pid"], e["text"]) for e in run.of("output.text")] == [(failed["pid"], "to you")]


def alive(out):
    """Whether an existing process has been recorded."""
    return [r for path in out.glob("run-*/lifecycle.msgpack") for r in records(path) if r["event"] == "alive"]


def records(path):
    try:
        return read_stream(path)[1]
    except StopIteration:
        return []  # its header is not there yet


def test_only_own_processes():
    with subprocess.Popen(["sleep", "100"]) as roots, subprocess.Popen([*AS_NOBODY, "sleep", "100"]) as own:
        try:
            assert f"--pid {roots.pid}: not a process of yours" in lent_run("--pid", str(roots.pid), code=125)
            line, out = lent("--pid", str(own.pid))
            with subprocess.Popen(line, stderr=subprocess.PIPE) as process:
                wait_for(lambda: process.poll() is not None or alive(out), "it watches")
                own.kill()
                own.wait()
                said = process.communicate(timeout=60)[1]
            assert process.returncode == 0, said
        finally:
            roots.kill()
            own.kill()
    seen = Run(out, 0, b"", "").one("lifecycle.alive")
    assert seen["pid"] == own.pid and seen["args"] == ["sleep", "100"]


def test_refused_with_file_capabilities():
    assert "--user: " in lent_run("--user", "root", "--", "id", code=125)
    assert "daemon: " in lent_run(config="scope: [{all: true}]\n", code=125)
    for config in "args: full\n", "redact: []\n", "redact: [nothing]\n":
        assert "redaction cannot be switched off" in lent_run("--", "id", config=config, code=125)
    assert lent_run("--", "id", config="redact: [default, more]\nargs: none\n").of("lifecycle.exit")
    secret = new_folder() / "secret"
    secret.write_text("secret: line\n")
    secret.chmod(0o600)
    os.chmod(secret.parent, 0o755)
    said = lent_run("-c", secret, "--", "id", more=[1, 2], code=2)  # cap_dac_override, cap_dac_read_search
    assert "Permission denied" in said and "line" not in said


def test_set_user_id_is_refused():
    program = shutil.copy(stage() / "collector", new_folder(0o755) / "collector")
    os.chmod(program, 0o4755)
    done = subprocess.run([*AS_NOBODY, program, "--", "id"], capture_output=True, check=False)
    assert done.returncode == 2 and b"do not install collector set-user-ID" in done.stderr and not done.stdout


# ---- the daemon ----

@pytest.mark.parametrize("owner", [0, NOBODY])
def test_daemon(owner):
    """Its keeper is the owner of the output folder, and has no capability either."""
    tool = shutil.copy("/bin/true", new_folder() / "tool")
    out = new_folder()
    os.chown(out, owner, owner)
    with Started(config=f"scope: [{{exe: {tool}}}]\n", out=out) as started:
        started.wait_until_watching()
        assert check_recorder(started.recorder(), account()) == 0
        keeper = dropped(started)
        assert set(keeper["Uid"]) == {str(owner)}
        assert not any(int(keeper[name][0], 16) for name in [*CAPS, "CapBnd"])
        subprocess.run([tool], check=True)
        wait_for(lambda: [r for path in out.glob("run-*/lifecycle.msgpack") for r in records(path)
                          if r["event"] == "end"], "the run has ended")
        started.end(signal.SIGTERM)
    path, = out.glob("run-*")
    assert {os.stat(file).st_uid for file in [path, *path.iterdir()]} == {owner}


# ---- system calls ----

def curious(*declared):
    folder = new_folder()
    for kind in "probes", "sinks":
        shutil.copytree(stage() / kind, folder / kind)
    subprocess.run([*CC, "-shared", "-fPIC", "-fvisibility=hidden", "-D_GNU_SOURCE", "-I", SRC, "-I", BUILD,
                    '-DELF="probes/io/io.skel.h"', "-DBYTES=io_bpf__elf_bytes",
                    "-DSYSCALLS=" + "".join(f'"{name}",' for name in declared),
                    "-o", folder / "probes/curious.so", SRC / "tests/root/progs/curious_probe.c"], check=True)
    return folder


def tried(*declared):
    run = collect("/bin/true", options=["--plugin-dir", curious(*declared)], config="probes: {curious: {}, lifecycle: {}}\n")
    assert len(run.of("lifecycle.exit")) == 1
    return dict(re.findall(r"^collector: warning: ([a-z ]+): (.*)$", run.stderr, re.M))


@pytest.mark.skipif(SANITIZED, reason="a build with sanitizers has no filter")
def test_a_probe_that_has_fallen_gets_nowhere():
    results = tried()
    assert results.pop("memory") == "worked"
    assert len(results) == 10 and set(results.values()) == {"Operation not permitted"}


@pytest.mark.skipif(SANITIZED, reason="a build with sanitizers has no filter")
def test_a_declared_system_call_works():
    assert tried("umask")["umask"] == "worked"


def test_an_unknown_system_call_is_refused():
    run = collect("/bin/true", options=["--plugin-dir", curious("frobnicate")],
                  config="probes: {curious: {}, lifecycle: {}}\n", code=125)
    assert 'curious: declares the system call "frobnicate", which does not exist' in run.stderr
