# SPDX-License-Identifier: BSD-2-Clause
"""The collector in namespaces of its own, as in a container: it watches what it would watch outside, pids are there as
the user sees them, times are right, and what a namespace forbids is refused with the option that allows it."""
import json
import os
import shutil
import subprocess
import sys
import time
from datetime import datetime, timezone

import pytest
from harness import Run, Started, collect, collector, merge, new_folder, program, sanitized

PID_NS = ["unshare", "--pid", "--fork", "--mount-proc"]
OTHER_PROC = ["unshare", "--pid", "--fork"]  # /proc stays that of the namespace outside
RUNTIME = shutil.which("runc", path=os.environ["PATH"] + ":/usr/sbin:/sbin")

# Each process says what it is: its pid as it sees it, and its code.
FAMILY = """
import json, os, sys
print(json.dumps({"pid": os.getpid(), "code": 3}), flush=True)
for code in (0, 7):
    pid = os.fork()
    if not pid:
        os.execv(sys.executable, [sys.executable, "-S", "-c", f"raise SystemExit({code})"])
    os.waitpid(pid, 0)
    print(json.dumps({"pid": pid, "code": code}), flush=True)
raise SystemExit(3)
"""


# A process whose status has "NSpid:" and a tab as the last of the first 4095 bytes, by its many groups.
MANY_GROUPS = """
import os, sys, time
def cut():
    text = open("/proc/self/status").read().replace("R (running)", "S (sleeping)")  # as it will be
    return text.index("NSpid:\\t") + 7
os.setgroups([])
begin = cut()
groups = [100000 + i for i in range((4095 - begin) // 7 - 1)]
rest = 4095 - begin - 7 * len(groups)  # 7 to 13: two numbers of so many digits, with a blank after each
os.setgroups(groups + [10 ** (rest - 5), 100])
print(cut(), flush=True)
time.sleep(600)
"""


def test_a_process_of_many_groups():
    """Reading no more of its file of /proc, the recorder looked for the next pid without end."""
    with subprocess.Popen([sys.executable, "-S", "-c", MANY_GROUPS], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout.readline() == "4095\n"
            with Started("--pid", str(process.pid)) as run:
                run.wait_until_watching()
                alive = run.end().one("lifecycle.alive", pid=process.pid)
            assert alive["uid"] == os.getuid() and alive["ns_pid"] == process.pid
        finally:
            process.kill()


def inside(prefix, *command, options=(), config=None, code=0):
    line, out = collector(*options, config=config)
    done = subprocess.run([*prefix, *line, *(["--", *command] if command else [])], capture_output=True, timeout=60,
                          check=False)
    assert done.returncode == code, done.stderr.decode()
    return Run(out, done.returncode, done.stdout, done.stderr.decode(errors="replace"))


def check_family(run, own_pids=True):
    """Everyone is there, once in each stream, with the pid and the code that it said itself."""
    said = {p["pid"]: p["code"] for p in run.said}
    forks = {e["ns_pid"]: e for e in run.of("lifecycle.fork")}
    assert forks.keys() == said.keys() and len(run.of("lifecycle.fork")) == 3
    codes = {(e["pid"], e["start"]): e["exit_code"] for e in run.of("lifecycle.exit")}
    for ns_pid, e in forks.items():
        assert codes[e["pid"], e["start"]] == said[ns_pid]
        assert (e["pid"] != ns_pid) == own_pids
    for stream in ("cpu", "mem", "io"):
        assert {(e["pid"], e["start"]) for e in run.of(f"{stream}.exit")} == codes.keys(), stream
    execs = run.of("lifecycle.exec")
    assert {e["ns_pid"] for e in execs} == said.keys() and len(execs) == 3
    parents = {(e["ppid"], e["parent_start"]) for e in forks.values()}
    assert len(parents) == 2  # the collector, and the first of them
    assert not run.lost


@pytest.mark.parametrize("prefix", [PID_NS, OTHER_PROC], ids=["own /proc", "/proc of outside"])
def test_a_command_in_a_pid_namespace(prefix):
    run = inside(prefix, sys.executable, "-S", "-c", FAMILY, options=["--no-summary"], code=3)
    check_family(run)


def test_outside_both_pids_are_the_same():
    check_family(collect(sys.executable, "-S", "-c", FAMILY, code=3), own_pids=False)


def test_the_summary_has_both_pids():
    run = inside(PID_NS, "sh", "-c", "echo $$; exit 3", code=3)
    fork = run.one("lifecycle.fork")
    assert f"pid {fork['pid']} ({int(run.stdout)} in its namespace)" in run.stderr


def test_a_namespace_below_that_of_the_collector():
    """The number is that of the innermost namespace, where the process is the first."""
    run = inside(PID_NS, *PID_NS, "sh", "-c", "echo $$", options=["--no-summary"])
    assert run.stdout == b"1\n"
    shell = [e for e in run.of("lifecycle.exec") if e["args"][:1] == ["sh"]]
    assert [e["ns_pid"] for e in shell] == [1]


@pytest.mark.parametrize("prefix", [PID_NS, OTHER_PROC], ids=["own /proc", "/proc of outside"])
def test_existing_processes_by_the_pids_of_the_namespace(prefix):
    """--pid takes the number that ps(1) would show there."""
    line, out = collector("--no-summary")
    folder = new_folder()
    os.mkfifo(folder / "fifo")
    script = (f"sh -c 'read go; /bin/true; exit 4' <{folder}/fifo & echo $!; "
              f'"$@" -v --pid $! 2>{folder}/log & exec 3>{folder}/fifo; '
              f'until grep -q "are watched" {folder}/log; do sleep 0.05; done; echo >&3; wait')
    done = subprocess.run([*prefix, "sh", "-c", script, "sh", *line], capture_output=True, timeout=60, check=False)
    run = Run(out, done.returncode, done.stdout, done.stderr.decode())
    alive = run.one("lifecycle.alive")
    assert alive["ns_pid"] == int(done.stdout), run.stderr
    assert alive["args"] == ["sh", "-c", "read go; /bin/true; exit 4"]
    assert run.one("lifecycle.exit", pid=alive["pid"])["exit_code"] == 4
    assert [e["args"] for e in run.of("lifecycle.exec")] == [["/bin/true"]]


def test_a_daemon_in_a_pid_namespace():
    """Its rules find programs, and the numbers in /proc are its own."""
    folder = new_folder()
    target = folder / "target"
    shutil.copy("/bin/cat", target)
    line, out = collector(config=f"scope:\n  - exe: {target}\n")
    # the first one runs until the collector has found it, however long its start takes
    script = f'mkfifo {folder}/open; {target} <{folder}/open & exec 3>{folder}/open; "$@" 3>&- & d=$!; ' \
             f'until [ -e {out}/latest ]; do sleep 0.05; done; {target} </dev/null; exec 3>&-; wait %1; kill $d; wait $d'
    done = subprocess.run([*PID_NS, "sh", "-c", script, "sh", *line], capture_output=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr.decode()
    runs = [path for path in out.iterdir() if not path.is_symlink()]
    assert len(runs) == 2
    ended = [e for path in runs for e in merge(path) if e["stream"] == "lifecycle" and e["event"] == "exit"]
    assert [e["exit_code"] for e in ended] == [0, 0]


def bundle(folder, *command, capabilities=("CAP_BPF", "CAP_PERFMON")):
    """An OCI bundle over the host's own /usr, with these capabilities and namespaces of its own."""
    (folder / "rootfs").mkdir()
    mounts = [{"destination": "/proc", "type": "proc", "source": "proc"},
              {"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "mode=755"]}]
    for path in ("/usr", "/bin", "/lib", "/lib64", "/etc", "/sys", "/tmp", os.environ.get("TMPDIR", "/tmp")):
        if os.path.exists(path) and path not in [m["destination"] for m in mounts]:
            mounts.append({"destination": path, "type": "none", "source": os.path.realpath(path),
                           "options": ["rbind", "rw" if path not in ("/sys", "/etc") else "ro"]})
    sets = {name: list(capabilities) for name in ("bounding", "effective", "permitted", "inheritable")}
    (folder / "config.json").write_text(json.dumps({
        "ociVersion": "1.0.0", "hostname": "box", "root": {"path": "rootfs"}, "mounts": mounts,
        "process": {"terminal": False, "user": {"uid": 0, "gid": 0}, "args": [str(word) for word in command],
                    "env": ["PATH=/usr/bin:/bin"], "cwd": "/", "capabilities": sets, "noNewPrivileges": True},
        "linux": {"namespaces": [{"type": kind} for kind in ("pid", "mount", "uts", "ipc")]}}))


def in_container(command, **how):
    folder = new_folder()
    bundle(folder, *command, **how)
    name = f"collector-test-{os.getpid()}-{folder.name}"
    return subprocess.run([RUNTIME, "run", "--bundle", folder, name], capture_output=True, timeout=60, check=False)


@pytest.fixture(scope="module")
def runtime():
    if not RUNTIME:
        pytest.skip("runc is not installed")
    done = in_container(["/bin/true"])
    if done.returncode:
        pytest.skip("runc cannot run a container here: " + done.stderr.decode().strip()[-200:])


@pytest.mark.usefixtures("runtime")
def test_in_a_container():
    """Two capabilities, a pid namespace, no new privileges: all that it takes."""
    line, out = collector("--no-summary")
    done = in_container([*line, "--", "python3", "-S", "-c", FAMILY])
    assert done.returncode == 3, done.stderr.decode()
    run = Run(out, done.returncode, done.stdout, done.stderr.decode())
    check_family(run)
    assert {e["host"] for e in run.events} == {"box"}


# ---- what is refused ----

def refused(prefix, *says):
    line, out = collector()
    done = subprocess.run([*prefix, *line, "--", "touch", out / "started"], capture_output=True, check=False)
    assert done.returncode == 125
    for words in says:
        assert words in done.stderr.decode()
    assert not list(out.iterdir())


def test_a_user_namespace():
    refused(["unshare", "--user", "--map-root-user"], "user namespace", "--userns=host")


def test_missing_capabilities_in_a_container():
    drop = ["setpriv", "--bounding-set", "-bpf,-perfmon", "--inh-caps", "-bpf,-perfmon"]
    refused([*PID_NS, *drop], "cap_bpf", "docker run", "--cap-add BPF --cap-add PERFMON")


def test_a_seccomp_filter():
    refused([program("deny_bpf")], "seccomp", "--security-opt seccomp=unconfined")


# ---- time ----

def test_a_time_namespace():
    """Its offset to the boot clock is not in the times of events."""
    before = datetime.now(timezone.utc)
    run = inside(["unshare", "--time", "--boottime", "86400", "--fork"], "true", options=["--no-summary"])
    after = datetime.now(timezone.utc)
    for e in run.events:
        assert before <= datetime.fromisoformat(e["time"][:26] + "+00:00") <= after, e
    boot = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
    assert all(e["ts"] < boot for e in run.events)



@pytest.mark.skipif(sanitized(), reason="the search for leaks needs /proc")
def test_no_proc():
    """Said once, not of each plugin."""
    line, out = collector("--no-summary", "--", "true")
    done = subprocess.run(["unshare", "-m", "sh", "-c", 'mount -t tmpfs none /proc && exec "$@"', "sh", *line], timeout=60,
                          capture_output=True, text=True, check=False)
    assert done.returncode == 125 and done.stderr.startswith("collector: error: /proc is not mounted: "), done.stderr
    assert done.stderr.count("\n") == 1 and not list(out.iterdir())
