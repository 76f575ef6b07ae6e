# SPDX-License-Identifier: BSD-2-Clause
"""A system call of the start that fails, one after the other: never a crash, and never an end without a sentence."""
import os
import re
import shutil
import subprocess

import pytest
from harness import BUILD, collector, new_folder, sanitized, stage

STRACE = shutil.which("strace")
PROBES = len(list(BUILD.glob("probes/*.so")))

# A system call: how many of its calls are left out after each one that fails, to keep the time short
CALLS = {"bpf": 0, "clone": 0, "clone3": 0, "memfd_create": 0, "timerfd_create": 1, "epoll_create1": 0, "epoll_ctl": 3,
         "signalfd4": 0, "pipe2": 0, "capset": 0, "openat": 2, "mmap": 3, "socketpair": 0, "sendmsg": 0, "sendto": 0, "recvmsg": 0,
         "prctl": 9, "seccomp": 0, "setresuid": 0, "setgroups": 0}
NOT_SANITIZED = {"mmap": "the sanitizer's own allocator ends the program when mmap fails",
                 "seccomp": "a build with sanitizers installs no filter"}


def start(trace, *options):
    """Runs the collector with a short command under strace: the exit code, what it said, and the trace's lines."""
    line, out = collector("--no-summary")
    log = new_folder() / "trace"
    # the sanitizers' search for leaks is no use under ptrace
    env = {**os.environ, "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0"}
    done = subprocess.run([STRACE, "-f", "-qq", "-o", log, "-e", f"trace={trace}", *options, *line, "--", "/bin/true"],
                          capture_output=True, check=False, timeout=60, env=env)
    streams = len(list(out.glob("run-*/*.msgpack")))
    return done.returncode, done.stderr.decode(errors="replace"), streams, log.read_text().splitlines()


def first(call):
    """The number of the first call that is the program's own: those before it are the loader's."""
    code, said, streams, trace = start(f"openat,{call}")
    if code == 1 and "strace" in said:
        pytest.skip("strace cannot trace here: " + said.splitlines()[0])
    assert (code, said, streams) == (0, "", PROBES)
    own = next(i for i, line in enumerate(trace) if f"{stage()}/probes" in line)
    return 1 + sum(f" {call}(" in line for line in trace[:own])


def test_too_few_files_may_be_open():
    """The limit is named. Where it is met while libbpf looks for what the kernel has, the error is another one."""
    line, _ = collector("--no-summary")
    done = subprocess.run(["sh", "-c", 'ulimit -n 20; exec "$@"', "sh", *line, "--", "/bin/true"], capture_output=True,
                          text=True, check=False, timeout=60)
    assert done.returncode and "Too many open files; raise the limit of open files (ulimit -n)" in done.stderr, done.stderr


@pytest.mark.skipif(not STRACE, reason="strace is not installed")
@pytest.mark.parametrize("call", CALLS)
def test_a_call_fails(call):
    if call in NOT_SANITIZED and sanitized():
        pytest.skip(NOT_SANITIZED[call])
    number = first(call)
    failed = 0
    while True:
        code, said, streams, trace = start(call, "-e", f"inject={call}:error=ENOMEM:when={number}")
        if not any("(INJECTED)" in line for line in trace):
            break
        what = f"{call} number {number}: exit code {code}, {streams} streams, said: {said}"
        assert code in (0, 2, 125), what
        assert said or (code == 0 and streams == PROBES), what
        for line in said.splitlines():
            assert re.fullmatch(r"collector: (error|warning): .*\S.*", line), what
        assert code == 0 or "error: " in said, what
        failed += 1
        number += 1 + CALLS[call]
    assert failed


@pytest.mark.skipif(not STRACE, reason="strace is not installed")
def test_a_security_module_denies_bpf():
    """None can be had here, so strace answers as one does: EACCES for the first map."""
    code, said, _, trace = start("bpf", "-e", "inject=bpf:error=EACCES")
    if not any("(INJECTED)" in line for line in trace):
        pytest.skip("strace cannot trace here: " + said)
    assert code == 125 and "Permission denied" in said and "a security module" in said and "dmesg" in said
