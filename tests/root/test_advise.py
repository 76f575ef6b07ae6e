# SPDX-License-Identifier: BSD-2-Clause
"""What the sink advise says of tasks that are shorter than an interval between samples."""
import re
import subprocess

from harness import collect, new_folder, stage

RULES = "steps:\n  - args: 'task (?<name>\\w+)$'\n    step: ${name}\n"
BUSY = "for i in $(seq \"$1\"); do /usr/bin/python3 -S -c 'import time\nwhile time.process_time() < 1.2: pass' & done; wait\n"


def test_cores_of_short_tasks():
    """The samples come every 5 s, and each of the tasks has ended long before."""
    folder = new_folder()
    (folder / "steps.yaml").write_text(RULES)
    (folder / "busy").write_text(BUSY)
    run = collect("sh", "-c", "sh busy 1 task ONE; sh busy 2 task TWO; sh busy 0 task NONE; exit 0", cwd=folder,
                  config="probes: {lifecycle: {}, cpu: {interval: 5s}, mem: {}}\n")
    advice = subprocess.run([stage() / "collector-merge", "--plugin-dir", stage(), "-q", "-s",
                             f"advise:format=slurm,headroom=0,steps={folder}/steps.yaml", run.path],
                            capture_output=True, text=True, check=True).stdout
    cores = {name: float(used) for name, used in re.findall(r"# (\w+), 1 task: used ([\d.]+) cores at most", advice)}
    assert cores.keys() == {"ONE", "TWO", "NONE"} and cores["NONE"] < 0.1, advice
    for busy, name in (1, "ONE"), (2, "TWO"):
        pid = run.one("lifecycle.exec", args=["sh", "busy", str(busy), "task", name])["pid"]
        wall = run.one("lifecycle.exit", pid=pid)["duration_ns"] / 1e9
        assert abs(cores[name] - 1.2 * busy / wall) < 0.15, advice
