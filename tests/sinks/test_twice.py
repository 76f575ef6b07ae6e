# SPDX-License-Identifier: BSD-2-Clause
"""The same run gives the same bytes: no sink's output depends on the secret of its hash tables."""
import subprocess

import pytest
from harness import made_run, stage


@pytest.mark.parametrize("sink", ["jsonl", "summary", "report", "perfetto", "trace", "advise"])
def test_the_same_output_twice(sink):
    run, _ = made_run(3000)
    line = [stage() / "collector-merge", "--plugin-dir", stage(), "--sink", sink, run]
    outputs = [subprocess.run(line, capture_output=True, check=True).stdout for _ in range(3)]
    assert outputs[0] and outputs.count(outputs[0]) == 3
