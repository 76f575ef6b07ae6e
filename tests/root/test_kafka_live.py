# SPDX-License-Identifier: BSD-2-Clause
"""conf/kafka.yaml: events of real processes become messages, through the follower that the run starts."""
import subprocess

import pytest
from harness import BUILD, SRC, Run, collector, new_folder
from http_listener import Deaf
from kafka_peer import Broker, consume, needs_kafka

pytestmark = pytest.mark.skipif(not (BUILD / "sinks/kafka.so").exists(), reason="built without librdkafka")
EXAMPLE = (SRC / "conf/kafka.yaml").read_text()


def watch(config, *command):
    line, out = collector(config=config)
    done = subprocess.run([*line, "--", *command], capture_output=True, text=True, check=False)
    return Run(out, done.returncode, done.stdout, done.stderr)


@needs_kafka
def test_real_processes():
    broker = Broker(new_folder())
    try:
        broker.start()
        broker.create("collector")
        run = watch(EXAMPLE.replace("brokers: localhost:9092", f"brokers: {broker.brokers}\n    rdkafka: {{linger.ms: 5}}"),
                    "sh", "-c", "sh -c 'exit 7'; exit 3")
        assert run.code == 3, run.stderr
        events = [message.event for message in consume(broker.brokers, "collector")]
    finally:
        broker.end()
    wanted = {(event["marker"], event["seq"]): event for event in run.events}
    assert {(event["marker"], event["seq"]): event for event in events} == wanted and len(events) == len(wanted)
    assert {3, 7} <= {event["exit_code"] for event in events if event["event"] == "exit" and event["stream"] == "lifecycle"}


def test_a_broker_that_never_reads_holds_up_the_end_only_for_its_limit():
    with Deaf() as deaf:
        address = deaf.url.removeprefix("http://")
        run = watch(EXAMPLE.replace("brokers: localhost:9092", f"brokers: {address}\n    end: 500ms"), "true")
    assert run.code == 0 and "not all was delivered" in run.stderr
