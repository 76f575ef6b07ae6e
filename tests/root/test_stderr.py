# SPDX-License-Identifier: BSD-2-Clause
"""What an exec says of descriptor 2, against what the program itself finds there."""
import os
import socket
import subprocess
import sys

from harness import Started, collect, new_folder

PYTHON = "/usr/bin/python3" if os.path.exists("/usr/bin/python3") else sys.executable
# The program's own view: the kernel's answers to fstat(), lseek() and readlink().
WITNESS = """
import fcntl, json, os, stat, sys
name = sys.argv[1]
try:
    st = os.fstat(2)
except OSError:
    print(json.dumps({"pid": os.getpid(), "name": name, "stderr": {"type": "closed"}}))
    sys.exit()
kinds = {stat.S_IFREG: "file", stat.S_IFIFO: "pipe", stat.S_IFSOCK: "socket"}
kind = kinds.get(stat.S_IFMT(st.st_mode)) or ("tty" if os.isatty(2) else "null" if st.st_rdev == os.makedev(1, 3) else "other")
said = {"type": kind, "device": str(st.st_dev), "inode": str(st.st_ino)}
if kind == "file":
    append = fcntl.fcntl(2, fcntl.F_GETFL) & os.O_APPEND
    said["offset"] = str(st.st_size if append else os.lseek(2, 0, os.SEEK_CUR))
    said["size"] = str(st.st_size)
    said["path"] = os.readlink("/proc/self/fd/2")
print(json.dumps({"pid": os.getpid(), "name": name, "stderr": said}))
"""
SCRIPT = r"""
w() { "$PYTHON" -S witness "$1"; }
w new 2>new
w again 2>>new
{ echo some bytes >&2; w 'within a script'; } 2>shared
w appended 2>>shared
w truncated 2>shared
w null 2>/dev/null
w full 2>/dev/full
w pipe 2> >(cat)
mkfifo fifo; exec 9<>fifo; w fifo 2>fifo
w closed 2>&-
exec 8>gone; rm gone; w deleted 2>&8
mkdir -p "deep/$(printf 'x%.0s' {1..200})"; w deep 2>"deep/$(printf 'x%.0s' {1..200})/ä b"
ln -s new link; w 'a link' 2>link
echo text >here; w 'read and write' 2<>here
"$PYTHON" -S -c 'import os, sys; os.lseek(2, 1 << 33, 0); os.execv(sys.executable, sys.argv[1:])' "$PYTHON" -S witness 'beyond 4 GiB' 2>sparse
w memory 2>/dev/shm/"$$.collector-test"; rm /dev/shm/"$$.collector-test"
"""


def test_descriptor_2_of_every_type():
    folder = new_folder()
    (folder / "witness").write_text(WITNESS)
    run = collect("bash", "-c", SCRIPT, cwd=folder, env={**os.environ, "PYTHON": PYTHON})
    seen = {}
    for said in run.said:
        exec_ = run.of("lifecycle.exec", pid=said["pid"])[-1]
        assert exec_["stderr"] == said["stderr"], said["name"]
        assert "stderr" not in exec_.get("missing", "")
        seen[said["name"]] = exec_["stderr"]
    assert {name: said["type"] for name, said in seen.items() if said["type"] != "file"} == {
        "null": "null", "full": "other", "pipe": "pipe", "fifo": "pipe", "closed": "closed"}
    assert seen["within a script"]["offset"] == "11" and seen["appended"]["offset"] == "11"
    assert seen["beyond 4 GiB"]["offset"] == str(1 << 33)
    assert len(run.said) == 16 and not run.lost


def test_a_terminal_and_a_socket():
    folder = new_folder()
    (folder / "witness").write_text(WITNESS)
    master, terminal = os.openpty()
    ours, theirs = socket.socketpair()
    for kind, descriptor in ("tty", terminal), ("socket", theirs.fileno()):
        # passed on as descriptor 9: the collector's own standard error stays a pipe
        run = collect("sh", "-c", '"$0" -S witness x 2>&9 9>&-', PYTHON, cwd=folder,
                      preexec_fn=lambda d=descriptor: os.dup2(d, 9), pass_fds=(9,))
        said = run.said[0]
        assert said["stderr"]["type"] == kind
        assert run.of("lifecycle.exec", pid=said["pid"])[-1]["stderr"] == said["stderr"]
    os.close(master)


def test_a_process_that_was_there_before():
    folder = new_folder()
    with open(folder / "log", "wb", buffering=0) as log:
        log.write(b"before\n")
        for redirect, offset in (log, "7"), (open(folder / "log", "ab"), "7"):  # pylint: disable=consider-using-with
            with subprocess.Popen(["sleep", "1000"], stderr=redirect) as sleeper:
                with Started("--no-summary", "--pid", str(sleeper.pid)) as started:
                    started.wait_until_watching()
                    sleeper.kill()
                    sleeper.wait()
                    run = started.end(None)
            alive = run.one("lifecycle.alive", pid=sleeper.pid)
            st = os.stat(folder / "log")
            assert alive["stderr"] == {"type": "file", "device": str(st.st_dev), "inode": str(st.st_ino), "offset": offset,
                                       "size": "7", "path": str(folder / "log")}
