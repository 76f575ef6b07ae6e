# SPDX-License-Identifier: BSD-2-Clause
"""sinks/advise on recorded runs: settings that the engines' own parsers take, with the numbers that were used."""
import re
import subprocess

import pytest
import yaml
from engines import nextflow, no_snakemake, snakemake
from harness import collect, merge, new_folder, why_no_bpf

pytestmark = pytest.mark.skipif(bool(why_no_bpf()), reason=str(why_no_bpf()))

RULES = """
steps:
  - args: 'sh -c .*hold.py'
    step: one
  - args: 'sh -c .*both.py'
    step: pair
"""


@pytest.mark.skipif(bool(no_snakemake), reason=str(no_snakemake))
class TestSnakemake:
    def settings(self):
        run, folder = snakemake()
        (folder / "steps.yaml").write_text(RULES)
        return folder, merge(run.path, sink=f"advise:format=snakemake,steps={folder / 'steps.yaml'}")

    def test_numbers(self):
        _, text = self.settings()
        parsed = yaml.safe_load(text)
        assert sorted(parsed["set-threads"])[0] == "one=1" and len(parsed["set-threads"]) == 2
        memory = dict(item.split(":mem_mb=") for item in parsed["set-resources"])
        # 300 and 280 MiB, some for the programs, 20 % headroom, whole 128 MiB
        assert {rule: int(mb) for rule, mb in memory.items()} == {"one": 403, "pair": 403}

    def test_snakemake_takes_them(self):
        """The profile is read, and the job is given what it says."""
        folder, text = self.settings()
        profile = new_folder()
        (profile / "config.yaml").write_text(text + "cores: 4\n")
        (folder / "one.txt").unlink(missing_ok=True)
        done = subprocess.run(["snakemake", "--profile", profile, "--dry-run", "one.txt"], cwd=folder, text=True,
                              capture_output=True, check=False)
        assert done.returncode == 0, done.stderr
        assert re.search(r"rule one:.*resources:.*mem_mb=403", done.stdout + done.stderr, re.S)

    def test_rules_that_are_not_told_are_left_to_fill_in(self):
        run, _ = snakemake()
        text = merge(run.path, sink="advise:format=snakemake")
        assert not yaml.safe_load(text)
        assert re.search(r"^#  - RULE=1 # the rule of hold.py: used [01]\.\d cores", text, re.M)


class TestNextflow:
    def test_settings(self):
        run, trace = nextflow()
        text = merge(run.path, sink=f"advise:format=nextflow,join={trace}")
        assert re.search(r"""
process \{
    withName: 'RNASEQ:ALIGN' \{ // 2 tasks
        cpus = 1 // used [01]\.\d cores at most \(p95 [01]\.\d\) of 8 requested
        memory = '0.375 GB' // held 2\d\d MiB at most \(p95 2\d\d MiB\) of 36 GiB requested
    \}
\}
""", text)

    def test_of_another_run(self):
        _, trace = nextflow()
        assert "withName" not in merge(collect("true").path, sink=f"advise:format=nextflow,join={trace}")


def test_parallel_processes_need_cores():
    """Two processes spin side by side, then one sleeps: what counts is the time when both were busy."""
    spin = "import time; t = time.process_time() + 2.5\nwhile time.process_time() < t: pass"
    python = f'/usr/bin/python3 -c "{spin}"'
    run = collect("sh", "-c", f"sh -c '{python} & {python}; wait; sleep 3'; :")
    text = merge(run.path, sink="advise:format=slurm")
    used = float(re.search(r"used (\d\.\d) cores at most", text).group(1))
    wall = max(e["duration_ns"] for e in run.of("lifecycle.exit"))
    assert used > sum(e["cpu_ns"] for e in run.of("cpu.exit")) / wall * 1.1, "more than on average"
    most = 0
    for pid in {e["pid"] for e in run.of("cpu.sample")}:
        looks = [(e["ts"], e["cpu_ns"]) for e in run.of("cpu.sample", pid=pid)]
        most += max([(b[1] - a[1]) / (b[0] - a[0]) for a, b in zip(looks, looks[1:])], default=0)
    assert used <= most + 0.2, "not more than the most of each, to a tenth"
    asked = re.search(r"#SBATCH --cpus-per-task=(\d)\n#SBATCH --mem=128M\n", text).group(1)
    assert int(asked) == (2 if used > 1.1 else 1) or used == 1.1, "1.1 may be a rounded 1.06 or 1.14"
