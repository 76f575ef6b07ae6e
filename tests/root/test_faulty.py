# SPDX-License-Identifier: BSD-2-Clause
"""Each script of pipelines/faulty has one fault: the summary shows it."""
import os
import re

import pytest
from harness import SRC, collect, merge

FAULTY = SRC / "pipelines/faulty"

# script and arguments, its exit code, what the summary must have (each a pattern within one line or two)
CASES = {
    "pipe_hides_failure.sh fail": (0, [r"exit 0 .*hidden", r"exit 3 +awk", r"HIDDEN +pid \d+"]),
    "pipe_hides_failure.sh kill": (0, [r"exit 0 .*hidden", r"SIGKILL +awk", r"HIDDEN +pid \d+"]),
    "killed_by_signal.sh SEGV": (0, [r"SIGSEGV +python3", r"HIDDEN +pid \d+"]),
    "killed_by_signal.sh KILL": (0, [r"SIGKILL +bash", r"HIDDEN +pid \d+"]),
    "missing_tool.sh": (0, [r"exit 127 ", r"exit 126 ", r"2 failures are hidden"]),
    "leak.py 80 1": (0, [r"peak memory +\b[89]\d MiB +largest process: leak\.py"]),
    "deadlock.py 1": (124, [r"verdict +exit 124", r"SIGTERM +deadlock\.py", r"0\.0\d cores on average"]),
    "spin.sh 1": (124, [r"verdict +exit 124", r"SIGTERM +bash .*until", r"9\d %|100 %"]),
    "recursion.sh 10": (1, [r"verdict +exit 1\b", r"Failed \(11\)", r"exit 1 +recursion\.sh 0",
                            r" 11 +11 +recursion\.sh"]),
    "fork_storm.sh 300": (0, [r"processes +301\b", r" 300 +(0 +)?true"]),
    "daemonize.py 0.5": (0, [r"processes +3\b", r"([5-9]\d\d ms|\d\.\d s) .* 2 +(0 +)?daemonize\.py \(forked"]),
    "zombie.py 5 0.5": (0, [r"processes +6\b", r" 5 +(0 +)?zombie\.py \(forked"]),
}


@pytest.mark.parametrize("case", CASES)
def test_fault_is_shown(case):
    code, patterns = CASES[case]
    script, *arguments = case.split()
    run = collect(FAULTY / script, *arguments, code=code)
    page = merge(run.path, sink="summary")
    for pattern in patterns:
        assert re.search(pattern, page), f"no {pattern!r} in\n{page}"
    assert all(len(line) <= 80 for line in page.splitlines()), page
    assert "\x1b" not in page, "colour, though this is no terminal"


def test_every_script_has_a_case():
    scripts = {name for name in os.listdir(FAULTY) if name.endswith((".sh", ".py"))}
    assert scripts == {case.split()[0] for case in CASES}


@pytest.mark.parametrize("script", ["exe_1.sh", "exe_2.sh"])
def test_good_pipelines_have_no_fault(script):
    run = collect(SRC / "pipelines" / script)
    page = merge(run.path, sink="summary")
    assert "Failed" not in page and re.search(r"verdict +exit 0$", page, re.M), page
