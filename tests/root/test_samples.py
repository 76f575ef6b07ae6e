# SPDX-License-Identifier: BSD-2-Clause
"""Samples, against what a process itself reads of its clocks and of /proc before and after each."""
import pytest
from harness import collect, program

CONFIG = "probes: {lifecycle: {}, cpu: {interval: 100ms}, mem: {interval: 100ms}}\n"
STEPS, STEP_MIB = 60, 4  # 3 s, up to 120 MiB and once more

# A running thread's time is counted by the tick, which is 1 to 10 ms; on two cores two run at a time
TICKS_NS = 2 * 10_000_000
# /proc and the sample may differ by what one step takes before it says so, and by per-CPU counters
SLACK_BYTES = STEP_MIB * (1 << 20) + (512 << 10)


@pytest.fixture(scope="module", params=[1, 4])
def run(request):
    run = collect(program("grow"), str(STEPS), str(request.param), str(STEP_MIB), config=CONFIG)
    run.threads = request.param
    return run


def around(run, ts):
    """The witness's last word that was said before a time and its first begun after it; either may be missing."""
    before = [line for line in run.said if line["to"] < ts]
    after = [line for line in run.said if line["from"] > ts]
    return before[-1] if before else None, after[0] if after else None


def test_cpu_samples(run):
    samples = run.of("cpu.sample", pid=run.said[0]["pid"])
    assert len(samples) >= STEPS * 50 // 100 * 2 // 3, "fewer than two thirds of the intervals had a sample"
    used = [e["cpu_ns"] for e in samples]
    assert used == sorted(used) and used[-1] <= run.one("cpu.exit", pid=samples[0]["pid"])["cpu_ns"]
    for e in samples:
        before, after = around(run, e["ts"])
        assert not before or e["cpu_ns"] >= before["cpu_ns"] - TICKS_NS, (before, e)
        assert not after or e["cpu_ns"] <= after["cpu_ns"] + TICKS_NS, (after, e)
        assert e["user_ns"] + e["system_ns"] == e["cpu_ns"]
    # all are there from the first step to the last one's word; after it the process exits, one thread after the other
    between = [e for e in samples if run.said[0]["from"] < e["ts"] < run.said[-1]["to"]]
    assert {(e["threads"], e["state"]) for e in between} == {(run.threads, "R")}


def test_memory_samples(run):
    samples = run.of("mem.sample", pid=run.said[0]["pid"])
    assert len(samples) >= 10
    for e in samples:
        before, after = around(run, e["ts"])
        known = [line["rss_kib"] * 1024 for line in (before, after) if line]
        assert min(known) - SLACK_BYTES <= e["rss_bytes"] <= max(known) + SLACK_BYTES, (before, e, after)
        assert e["rss_bytes"] == e["anon_bytes"] + e["file_bytes"] + e["shmem_bytes"]
    peak = max(e["rss_bytes"] for e in samples)
    assert peak >= 100 << 20
    # the kernel keeps its high-water mark by counters that lag behind by some pages per CPU
    assert run.one("mem.exit", pid=samples[0]["pid"])["peak_rss_bytes"] >= peak - (256 << 10)
    # it was given back half-way
    assert min(e["rss_bytes"] for e in samples[len(samples) // 3:]) < 40 << 20


def test_intervals(run):
    """One sample an interval, on the clock: the mean does not drift."""
    times = [e["ts"] for e in run.of("cpu.sample", pid=run.said[0]["pid"])]
    mean = (times[-1] - times[0]) / (len(times) - 1)
    assert 95e6 <= mean <= 150e6


def test_states_and_silence():
    """Who sleeps, stopped or is a zombie is told once, not at each interval."""
    script = """
sleep 1.5 & sleeper=$!
sh -c 'kill -STOP $$' & stopped=$!
sleep 1
kill -CONT $stopped
echo "{\\"sleeper\\": $sleeper, \\"stopped\\": $stopped}"
wait
"""
    run = collect("sh", "-c", script, config=CONFIG)
    pids = run.said[0]
    sleeping = run.of("cpu.sample", pid=pids["sleeper"])
    assert 1 <= len(sleeping) <= 3 and "S" in {e["state"] for e in sleeping}
    stopped = run.of("cpu.sample", pid=pids["stopped"])
    assert 1 <= len(stopped) <= 4 and "T" in {e["state"] for e in stopped}


def test_zombie_is_told():
    """Its account is closed, its parent does not look: the figures do not wait for that."""
    run = collect("sh", "-c", "/bin/true & exec sleep 1", config=CONFIG)
    true = run.one("lifecycle.exec", exe="/bin/true")
    ended = run.one("lifecycle.exit", pid=true["pid"])
    account = run.one("cpu.exit", pid=true["pid"])
    assert account["final"]
    assert account["ts"] >= ended["ts"]
