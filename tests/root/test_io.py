# SPDX-License-Identifier: BSD-2-Clause
"""What processes read and wrote, against their own last look at /proc/self/io."""
import json
from collections import Counter

import pytest
from harness import collect, new_folder, program, stage

FIELDS = {
    "rchar": "read_chars", "wchar": "write_chars", "syscr": "read_syscalls", "syscw": "write_syscalls",
    "read_bytes": "read_bytes", "write_bytes": "write_bytes", "cancelled_write_bytes": "cancelled_write_bytes",
}


@pytest.fixture(scope="module")
def run():
    if not (stage() / "probes/io.so").exists():
        pytest.skip("there is no io probe")
    folder = new_folder()
    return collect("sh", "-c", f'"$0" {folder}/a 8 0; "$0" {folder}/b 2 3; rm {folder}/a', program("io"))


def test_account_is_exact(run):
    for line in run.stdout.splitlines():
        said = json.loads(line)
        words = said["io"].replace(":", "").split()
        truth = {FIELDS[name]: int(value) for name, value in zip(words[::2], words[1::2])}
        truth["read_chars"] += said["read"]
        truth["read_syscalls"] += 1
        truth["write_chars"] += len(line) + 1
        truth["write_syscalls"] += 1
        end = run.one("io.exit", pid=said["pid"])
        assert {name: end[name] for name in truth} == truth
        assert truth["write_chars"] >= 8 << 20


def test_every_process_has_one_account(run):
    accounts = Counter((e["pid"], e["start"]) for e in run.of("io.exit"))
    assert accounts == Counter((e["pid"], e["start"]) for e in run.of("lifecycle.exit"))
    assert not run.lost
