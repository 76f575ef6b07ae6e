# SPDX-License-Identifier: BSD-2-Clause
"""Programs that an exec replaces, and memory that processes share, against /proc and the processes' own clocks."""
import re
import subprocess
import sys

import pytest
from harness import collect, new_folder, stage

PYTHON = sys.executable
MIB = 1 << 20

# A launcher: it holds 150 MB for a while, uses the CPU, reads, writes, says what it has used, and executes a small tool.
LAUNCHER = """
import os, resource, sys, time
held = bytearray(150 << 20)
held[::4096] = b"x" * len(held[::4096])
end = time.process_time() + 0.3
while time.process_time() < end:
    pass
os.write(os.open("/dev/null", os.O_WRONLY), b"x" * 1000000)
del held
status = dict(line.split(":", 1) for line in open("/proc/self/status"))
print(status["VmHWM"].split()[0], time.process_time_ns(), flush=True)
os.execv(sys.argv[1], ["small"])
"""

# Under a parent of 120 MB: a fork that executes at once; one that grows by 60 MB before; one that grows and executes nothing.
FORKS = """
import os, sys
held = bytearray(120 << 20)
held[::4096] = b"x" * len(held[::4096])
def grow():
    more = bytearray(60 << 20)
    more[::4096] = b"x" * len(more[::4096])
for name in ("plain", "grown", "worker"):
    pid = os.fork()
    if not pid:
        if name != "plain":
            grow()
        if name == "worker":
            os._exit(0)
        os.execv(sys.argv[1], [name])
    os.waitpid(pid, 0)
    print(name, pid, flush=True)
"""

# Eight processes that share 100 MB with their parent, in one of two ways. Prints the sum of all proportional shares.
SHARED = """
import mmap, os, signal, sys, time
held = mmap.mmap(-1, 100 << 20) if sys.argv[1] == "shmem" else bytearray(100 << 20)
for at in range(0, 100 << 20, 4096):
    held[at:at + 1] = b"x"
def field(pid, name, file="smaps_rollup"):
    with open(f"/proc/{pid}/{file}") as lines:
        return next(int(line.split()[1]) << 10 for line in lines if line.startswith(name + ":"))
def used(pids):
    # files' pages are shared with processes outside, too: those of the one that has most of them, whole
    return sum(field(pid, "Pss_Anon") + field(pid, "Pss_Shmem") for pid in pids) + max(field(pid, "RssFile", "status") for pid in pids)
ready, pids = os.pipe(), []
for _ in range(8):
    pid = os.fork()
    if not pid:
        for at in range(0, 100 << 20, 4096) if sys.argv[1] == "shmem" else range(0, 1 << 20, 4096):
            held[at:at + 1] = b"y"
        os.write(ready[1], b"x")
        signal.pause()
    pids.append(pid)
for _ in pids:
    os.read(ready[0], 1)
most = 0
for _ in range(10):
    time.sleep(0.3)
    most = max(most, used([os.getpid(), *pids]))
print(most, flush=True)
for pid in pids:
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
"""


@pytest.fixture(scope="module")
def launcher():
    return collect(PYTHON, "-c", LAUNCHER, "/bin/true")


def test_a_replaced_program_has_its_own_peak(launcher):
    """The kernel's own figure for it, and the small tool's is small."""
    peak = int(launcher.stdout.split()[0]) << 10
    image, = launcher.of("mem.image")
    end, = launcher.of("mem.exit")
    assert image["peak_rss_bytes"] == pytest.approx(peak, rel=0.01, abs=256 << 10)
    assert image["inherited_rss_bytes"] == 0
    assert end["peak_rss_bytes"] is None or end["peak_rss_bytes"] < 20 * MIB


def test_a_replaced_program_has_its_own_cpu(launcher):
    """To within a tick, of 10 ms at most; what the exec itself took is not in the process's own figure."""
    used = int(launcher.stdout.split()[1])
    image, = launcher.of("cpu.image")
    end, = launcher.of("cpu.exit")
    assert used - 10e6 <= image["cpu_ns"] <= end["cpu_ns"]
    assert image["user_ns"] + image["system_ns"] == image["cpu_ns"]


def test_a_replaced_program_has_its_own_io(launcher):
    image, = launcher.of("io.image")
    end, = launcher.of("io.exit")
    assert 1000000 <= image["write_chars"] == end["write_chars"]
    assert image["read_chars"] <= end["read_chars"]


def test_images_come_before_the_exec(launcher):
    """In merged order, so that a reader need not wait for them."""
    order = [(e["stream"], e["event"]) for e in launcher.events if e["event"] in ("image", "exec")]
    assert order[0] == ("lifecycle", "exec") and order[-1] == ("lifecycle", "exec")
    assert sorted(order[1:-1]) == [("cpu", "image"), ("io", "image"), ("mem", "image")]


def page(*command):
    done = subprocess.run([stage() / "collector", "--plugin-dir", stage(), "-o", new_folder(), "--", *command],
                          capture_output=True, text=True, check=True)
    return done.stdout, done.stderr


def test_the_page_names_the_launcher():
    """Not the small tool with the process's whole CPU time."""
    _, shown = page(PYTHON, "-c", LAUNCHER, "/bin/true")
    assert re.search(r"peak memory +1[5-9]\d MiB  largest process: python", shown), shown
    cpu = shown[shown.index("Commands by CPU time"):].splitlines()
    assert re.search(r"^ +[34]\d\d ms .* 1[5-9]\d MiB +1  python", cpu[2]), shown
    assert re.search(r"^ .* [\d.]+ [KM]iB +1  true$", cpu[3]), shown


def test_what_a_fork_inherits_is_not_its_own():
    run = collect(PYTHON, "-c", FORKS, "/bin/true")
    pids = dict(line.split() for line in run.stdout.decode().splitlines())
    assert not run.of("mem.image", pid=int(pids["plain"]))
    grown = run.one("mem.image", pid=int(pids["grown"]))
    assert grown["peak_rss_bytes"] - grown["inherited_rss_bytes"] == pytest.approx(60 * MIB, rel=0.05)
    worker = run.one("mem.exit", pid=int(pids["worker"]))
    assert worker["peak_rss_bytes"] - worker["inherited_rss_bytes"] == pytest.approx(60 * MIB, rel=0.05)
    for name in ("plain", "grown"):
        assert run.one("mem.exit", pid=int(pids[name]))["inherited_rss_bytes"] == 0


def bytes_of(text):
    number, unit = text.split()
    return float(number) * {"KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}[unit]


@pytest.mark.parametrize("way,times", [("forks", 2.3), ("shmem", 9.5)])
def test_shared_memory_is_between_two_bounds(way, times):
    """The kernel's proportional shares add up to the truth. Forks: at most twice what they share, not nine times."""
    most, shown = page(PYTHON, "-c", SHARED, way)
    found = re.search(r"([\d.]+ [KMG]iB)  (?:at most at once, sampled; at least|all at once \(Pss\); at most) ([\d.]+ [KMG]iB)",
                      shown)
    assert found, shown
    lower, upper = sorted((bytes_of(found[1]), bytes_of(found[2])))
    assert lower * 0.98 <= int(most) <= upper * 1.02
    assert upper <= times * int(most)
    assert lower >= 0.85 * int(most)
