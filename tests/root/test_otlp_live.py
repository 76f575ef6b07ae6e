# SPDX-License-Identifier: BSD-2-Clause
"""conf/otlp.yaml: real processes become spans at a server, through the follower that the run starts."""
import subprocess

import pytest
from harness import BUILD, SRC, collector, new_folder, wait_for
from http_listener import Deaf, Listener
from otlp_peer import Decoded, attributes, needs_proto

pytestmark = [pytest.mark.skipif(not (BUILD / "sinks/otlp.so").exists(), reason="built without libcurl"), needs_proto]
EXAMPLE = (SRC / "conf/otlp.yaml").read_text()
TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


def watch(config, *command):
    line, _ = collector(config=config)
    return subprocess.run([*line, "--", *command], capture_output=True, text=True, check=False)


def test_real_processes(monkeypatch):
    monkeypatch.setenv("TRACEPARENT", f"00-{TRACE}-{PARENT}-01")
    with Listener() as listener:
        config = EXAMPLE.replace("http://localhost:4318", listener.url)
        done = watch(config, "sh", "-c", "sleep 1.2; sh -c 'exit 7'; exit 3")
        assert done.returncode == 3, done.stderr
        decoded = Decoded(listener.taken)
    spans = {span.span_id: span for _, span in decoded.spans}
    whole = next(span for span in spans.values() if span.name == "RUN variant-calling")
    assert whole.trace_id.hex() == TRACE and whole.parent_span_id.hex() == PARENT
    assert attributes(whole)["cicd.pipeline.result"] == "failure" and attributes(whole)["process.exit.code"] == 3
    slept = next(span for span in spans.values() if span.name == "sleep" and "process.pid" in attributes(span)
                 and "process.executable.name" in attributes(span))
    assert slept.end_time_unix_nano - slept.start_time_unix_nano > 1.2e9 and attributes(slept)["process.exit.code"] == 0
    failed = {attributes(span).get("process.exit.code") for span in spans.values() if span.status.code == 2}
    assert {3, 7} <= failed
    assert all(span.parent_span_id in spans for span in spans.values() if span is not whole)
    assert decoded.spans[0][0]["collector.tag.team"] == "genomics"


def test_spans_come_while_the_run_goes_on():
    folder = new_folder()
    with Listener() as listener:
        line, _ = collector(config=EXAMPLE.replace("http://localhost:4318", listener.url))
        script = f"sh -c 'exit 7'; until [ -e {folder}/go ]; do sleep 0.1; done"
        with subprocess.Popen([*line, "--", "sh", "-c", script], stderr=subprocess.PIPE, text=True) as process:
            wait_for(lambda: any(attributes(span).get("process.exit.code") == 7 for _, span in Decoded(listener.taken).spans),
                     "the span of the process that failed")
            assert process.poll() is None
            assert not [span for _, span in Decoded(listener.taken).spans if span.name.startswith("RUN ")]
            active = [metric for _, metric in Decoded(listener.taken).metrics if metric.name == "cicd.pipeline.run.active"]
            assert [metric.sum.data_points[0].as_int for metric in active] == [1]
            (folder / "go").touch()
            assert process.wait(60) == 0, process.stderr.read()
        decoded = Decoded(listener.taken)
    assert [span.name for _, span in decoded.spans].count("RUN variant-calling") == 1
    active = [metric for _, metric in decoded.metrics if metric.name == "cicd.pipeline.run.active"]
    assert [metric.sum.data_points[0].as_int for metric in active] == [1, 0]


def test_a_server_that_never_reads_holds_up_the_end_only_for_its_limit():
    with Deaf() as deaf:
        config = EXAMPLE.replace("http://localhost:4318", deaf.url).replace("args: false", "timeout: 200ms\n    end: 500ms")
        done = watch(config, "true")
    assert done.returncode == 0 and "not all was delivered" in done.stderr
