# SPDX-License-Identifier: BSD-2-Clause
"""The output of a merge does not depend on the order in which runs and streams are named."""
import itertools
import shutil
import subprocess

import pytest
from harness import made_run, new_folder, stage


def merged(sink, *paths):
    done = subprocess.run([stage() / "collector-merge", "--plugin-dir", stage(), "-q", "-s", sink, *paths],
                          capture_output=True, check=True)
    return done.stdout


@pytest.mark.parametrize("sink", ["jsonl", "msgpack", "summary"])
def test_the_order_of_streams(sink):
    run = made_run(40)[0]
    streams = sorted(run.glob("*.msgpack"))
    assert len(streams) > 2
    outputs = {merged(sink, *order) for order in itertools.permutations(streams)}
    assert outputs == {merged(sink, run)}


@pytest.mark.parametrize("sink", ["jsonl", "summary"])
def test_the_order_of_runs(sink):
    """Two runs of one boot, whose streams have clocks of their own."""
    first, other = made_run(30)[0], new_folder() / "other"
    shutil.copytree(made_run(20)[0], other)
    assert merged(sink, first, other) == merged(sink, other, first)
