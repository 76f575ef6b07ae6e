# SPDX-License-Identifier: BSD-2-Clause
"""conf/forward.yaml: events of real processes become entries, through the follower that the run starts."""
import subprocess

from forward_peer import Listener
from harness import SRC, collector
from http_listener import Deaf

EXAMPLE = (SRC / "conf/forward.yaml").read_text()


def watch(config, *command):
    line, _ = collector(config=config)
    return subprocess.run([*line, "--", *command], capture_output=True, text=True, check=False)


def test_real_processes():
    with Listener() as listener:
        done = watch(EXAMPLE.replace("localhost:24224", listener.address), "sh", "-c", "sh -c 'exit 7'; exit 3")
        assert done.returncode == 3, done.stderr
        records = listener.records()
    exits = {tag: [record for record in found if record["event"] == "exit"] for tag, found in records.items()}
    assert {3, 7} <= {record["exit_code"] for record in exits["collector.lifecycle"]}
    pids = {record["pid"] for record in exits["collector.lifecycle"]}
    assert {record["pid"] for record in exits["collector.cpu"]} == pids == {record["pid"] for record in exits["collector.mem"]}
    keys = [(record["marker"], record["seq"]) for found in records.values() for record in found]
    assert len(keys) == len(set(keys))


def test_a_server_that_never_reads_holds_up_the_end_only_for_its_limit():
    with Deaf() as deaf:
        address = deaf.url.removeprefix("http://")
        done = watch(EXAMPLE.replace("address: localhost:24224", f"address: {address}\n    timeout: 200ms\n    end: 500ms"), "true")
    assert done.returncode == 0 and "not all was delivered" in done.stderr
