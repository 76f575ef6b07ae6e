# SPDX-License-Identifier: BSD-2-Clause
"""sinks/trace on recorded runs: beside Snakemake's own benchmark files, and Nextflow's trace file."""
import pytest
from engines import HASHES, benchmark, nextflow, no_snakemake, snakemake, table
from harness import merge, why_no_bpf

pytestmark = pytest.mark.skipif(bool(why_no_bpf()), reason=str(why_no_bpf()))


@pytest.mark.skipif(bool(no_snakemake), reason=str(no_snakemake))
@pytest.mark.parametrize("rule, step", [("one", "hold.py"), ("pair", "both.py")])
class TestBesideSnakemake:
    def ours_and_theirs(self, rule, step):
        run, folder = snakemake()
        (ours,) = [line for line in table(run.path, "trace:format=snakemake") if line["rule_name"] == step]
        return ours, benchmark(folder, rule)

    def test_columns_are_theirs(self, rule, step):
        ours, theirs = self.ours_and_theirs(rule, step)
        assert list(ours)[:len(theirs)] == list(theirs)

    def test_time(self, rule, step):
        ours, theirs = self.ours_and_theirs(rule, step)
        assert float(ours["s"]) >= 7
        assert float(ours["s"]) == pytest.approx(float(theirs["s"]), abs=1)  # theirs ends with its own thread
        assert ours["h:m:s"] == f"0:00:{int(float(ours['s'])):02}"

    def test_memory(self, rule, step):
        """Both sum up what the job's processes hold, by samples; theirs counts the pages of one more shell."""
        ours, theirs = self.ours_and_theirs(rule, step)
        held = {"one": 300, "pair": 280}[rule]
        assert held < float(ours["max_rss"]) < held + 40
        assert float(ours["max_rss"]) == pytest.approx(float(theirs["max_rss"]), rel=0.05)
        assert float(ours["max_vms"]) == pytest.approx(float(theirs["max_vms"]), rel=0.1)

    def test_cpu(self, rule, step):
        """What was spun is known; theirs misses what is used after its last look, which may come late."""
        ours, theirs = self.ours_and_theirs(rule, step)
        spun = {"one": 3, "pair": 2}[rule]
        assert spun <= float(ours["cpu_time"]) < spun + 1
        assert float(theirs["cpu_time"]) <= float(ours["cpu_time"]) + 0.02
        assert float(ours["mean_load"]) == pytest.approx(100 * float(ours["cpu_time"]) / float(ours["s"]), rel=0.02)

    def test_what_is_not_known(self, rule, step):
        ours, _ = self.ours_and_theirs(rule, step)
        assert ours["max_uss"] == ours["max_pss"] == "-"


class TestNextflow:
    def test_a_line_for_each_task(self):
        run, _ = nextflow()
        lines = {line["hash"]: line for line in table(run.path, "trace") if line["hash"] != "-"}
        assert sorted(lines) == sorted(HASHES)
        for name, line in lines.items():
            wrapper = int(line["native_id"])
            assert run.one("lifecycle.exec", pid=wrapper)["args"] == ["bash", ".command.run"]
            pid = run.one("lifecycle.fork", ppid=wrapper)["pid"]  # its script
            processes = self.processes(run, pid)
            assert line["status"] == "COMPLETED" and line["exit"] == "0"
            began, ended = run.one("lifecycle.exec", pid=pid)["start"], run.one("lifecycle.exit", pid=pid)["ts"]
            assert 2500 <= int(line["realtime"]) == pytest.approx((ended - began) / 1e6, abs=1)
            assert int(line["complete"]) - int(line["start"]) == pytest.approx(int(line["realtime"]), abs=2)
            assert HASHES[name] << 20 < int(line["peak_rss"]) < (HASHES[name] + 30) << 20
            cpu = sum(run.one("cpu.exit", pid=p)["cpu_ns"] for p in processes)
            assert float(line["%cpu"]) == pytest.approx(cpu / 1e4 / int(line["realtime"]), abs=0.5)
            for column, field in ("vol_ctxt", "voluntary_switches"), ("inv_ctxt", "involuntary_switches"):
                assert int(line[column]) == sum(run.one("cpu.exit", pid=p)[field] for p in processes)
            # the kernel's own sum, as the script waited for all others
            account = run.one("io.exit", pid=pid)
            assert int(line["rchar"]) == account["read_chars"] + account["children_read_chars"]
            assert line["submit"] == line["duration"] == line["%mem"] == line["peak_vmem"] == "-"

    def processes(self, run, pid):
        """Of a task: this one and all below it."""
        found = [pid]
        for parent in found:
            found += [e["pid"] for e in run.of("lifecycle.fork", ppid=parent)]
        return found

    def test_beside_its_own(self):
        run, trace = nextflow()
        lines = {line["hash"]: line for line in table(run.path, f"trace:join={trace}")}
        assert sorted(lines) == sorted([*HASHES, "ff/000000"])
        one = lines["ab/cdef12"]
        assert (one["name"], one["status"], one["peak_rss"]) == ("RNASEQ:ALIGN (sample1)", "COMPLETED", "7.2 MB")
        assert int(one["collector_peak_rss"]) > 64 << 20
        cached = lines["ff/000000"]
        assert cached["status"] == "CACHED"
        assert {value for name, value in cached.items() if name.startswith("collector_")} == {"-"}

    def test_a_file_that_is_no_trace(self):
        run, trace = nextflow()
        (trace.parent / "other.txt").write_text("a\tb\n1\t2\n")
        merge(run.path, sink=f"trace:join={trace.parent / 'other.txt'}", code=2)
        merge(run.path, sink="trace:format=excel", code=2)
