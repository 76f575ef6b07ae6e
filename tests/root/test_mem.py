# SPDX-License-Identifier: BSD-2-Clause
"""Peak memory of programs, against what they themselves read in /proc/self/status at their end."""
import pytest
from harness import collect, new_folder, program

MIB = 1 << 20


def near(bytes_, kib):
    """Within 1 % or 256 KiB: between the program's look and its end it may touch some pages of the C library."""
    truth = kib * 1024
    return abs(bytes_ - truth) <= max(truth // 100, 256 << 10)


@pytest.fixture(scope="module")
def run():
    folder = new_folder()
    (folder / "file").write_bytes(b"x" * (50 * MIB))
    lines = ["hold 400", "hold 30", "freed 80", "shared 30", "file 50 file", "small 0",
             "parent 400 small 0", "parent 100 hold 50", "exec_small 150"]
    script = "".join(f'"$0" {line} || exit 1\n' for line in lines)
    script += "\"$0\" parent 400 /bin/true || exit 1\n"
    return collect("sh", "-c", script, program("memory"), cwd=folder)


def witnesses(run, *cases):
    found = [said for said in run.said if "hwm_kib" in said and said["case"] in cases]
    assert found
    return found


@pytest.mark.parametrize("case", ["hold", "freed", "shared", "file", "small"])
def test_peak_is_the_programs_own(run, case):
    for said in witnesses(run, case):
        end = run.one("mem.exit", pid=said["pid"])
        assert near(end["peak_rss_bytes"], said["hwm_kib"]), (said, end["peak_rss_bytes"])


def test_last_values(run):
    for said in witnesses(run, "hold", "freed", "shared", "file", "small"):
        end = run.one("mem.exit", pid=said["pid"])
        assert end["rss_bytes"] == end["anon_bytes"] + end["file_bytes"] + end["shmem_bytes"]
        for field in "rss", "vm", "anon", "file", "shmem":
            assert near(end[f"{field}_bytes"], said[f"{field}_kib"]), (said, field, end)


def test_the_witness_did_use_memory(run):
    peaks = {said["case"]: said["hwm_kib"] for said in witnesses(run, "freed", "shared", "file", "small")}
    assert peaks["freed"] > 80 << 10 and peaks["shared"] > 30 << 10 and peaks["file"] > 50 << 10
    assert peaks["small"] < 8 << 10


def test_a_big_parent_is_not_the_childs_peak(run):
    """wait4 gives the child its parent's memory: the program that was run had its own."""
    parents = [said for said in run.said if said["case"] == "parent" and said["argument"] == 400]
    assert parents
    for said in parents:
        end = run.one("mem.exit", pid=said["pid"])
        assert said["maxrss_kib"] > 400 << 10
        assert end["peak_rss_bytes"] < 8 * MIB


def test_memory_before_an_exec_is_not_its_peak(run):
    pid = run.one("lifecycle.exec", args=[str(program("memory")), "exec_small", "150"])["pid"]
    last = next(said for said in witnesses(run, "small") if said["pid"] == pid)
    end = run.one("mem.exit", pid=pid)
    assert len(run.of("lifecycle.exec", pid=pid)) == 2
    assert near(end["peak_rss_bytes"], last["hwm_kib"])
    assert end["rusage_maxrss_bytes"] >= 150 * MIB


def test_rusage_maxrss_is_wait4s(run):
    """The kernel may add a page or two between the exit's hook and the parent's wait."""
    for said in run.said:
        if said["case"] == "parent":
            end = run.one("mem.exit", pid=said["pid"])
            assert near(end["rusage_maxrss_bytes"], said["maxrss_kib"]), (said, end)


def test_one_a_process(run):
    ends = [(e["pid"], e["start"]) for e in run.of("mem.exit")]
    assert sorted(ends) == sorted((e["pid"], e["start"]) for e in run.of("lifecycle.exit"))
    assert len(set(ends)) == len(ends)
    assert not run.lost
