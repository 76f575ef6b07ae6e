# SPDX-License-Identifier: BSD-2-Clause
"""The sink otlp: what a server gets, decoded by the official definitions; repeats, faults, cursors; a real OpenTelemetry
Collector."""
import hashlib
import re
import shutil
import signal
import subprocess

import msgpack
import pytest
import sending
from harness import BUILD, made_run, merge, new_folder, stage, wait_for
from http_listener import HOST, Answer, Listener, certificate, free_port, tls
from live import open_to_all
from otlp_peer import Decoded, Peer, attributes, needs_proto, official, started
from sending import CLEAN, Following, add_run, is_saved, new_state
from tables import scripted_run

pytestmark = [pytest.mark.skipif(not (BUILD / "sinks/otlp.so").exists(), reason="built without libcurl"), needs_proto]
SCRIPT = """fork 0 10 1 sh
exec 10 10 sh pipeline.sh
fork 20 11 10 sh
exec 20 11 mapper x
exit 2020 11 3
cpu_exit 2020 11 100
mem_exit 2020 11 20
fork 30 12 10 sh
exec 30 12 sort y
exit 100 12 -9
cpu_exit 100 12 50
mem_exit 100 12 5
fork 40 13 10 sh
exec 40 13 quick z
exit 90 13 0
cpu_exit 90 13 5
mem_exit 90 13 5
exit 3010 10 {code}
cpu_exit 3010 10 1
"""


def run_of(code=3, name="run"):
    return scripted_run(SCRIPT.format(code=code), name=name)


def feed(url, *runs, options="", code=0, env=None):
    return sending.feed(f"otlp:endpoint={url}{options}", *runs, code=code, env=env)


def sent(*runs, **more):
    """What is sent, and what was said."""
    with Listener() as listener:
        said = feed(listener.url, *runs, **more)
        assert not listener.others
        return Decoded(listener.taken), said


def head_of(run):
    """(boot id, run id) of a run."""
    with next(run.glob("*.msgpack")).open("rb") as file:
        head = next(iter(msgpack.Unpacker(file, raw=False, strict_map_key=False)))
    return head["boot_id"], run.name


def span_id(text, size=8):
    return hashlib.sha256(text.encode()).digest()[:size]


def test_spans_of_a_run():
    run = run_of()
    decoded, said = sent(run)
    assert said == ""
    spans = [span for _, span in decoded.spans]
    whole = next(span for span in spans if span.name == "RUN made")
    tasks = {span.name: span for span in spans if "cicd.pipeline.task.name" in attributes(span)}
    processes = {attributes(span)["process.pid"]: span for span in spans if "process.executable.name" in attributes(span)}
    # the last is the run; of processes those that failed or took a second
    assert spans[-1] is whole and set(tasks) == {"mapper", "sort", "quick"} and set(processes) == {10, 11, 12}
    assert len(spans) == 7 and len({span.span_id for span in spans}) == 7
    boot, name = head_of(run)
    assert {span.trace_id for span in spans} == {span_id(f"{boot} {name}", 16)}
    assert whole.span_id == span_id(f"{boot} {name} run") and tasks["mapper"].span_id == span_id(f"{boot} {name} task 1")
    start = {record["pid"]: record["start"] for record in merge(run)}
    assert {pid: span.span_id for pid, span in processes.items()} \
        == {pid: span_id(f"{boot} {pid} {start[pid]}") for pid in processes}
    assert not whole.parent_span_id and {task.parent_span_id for task in tasks.values()} == {whole.span_id}
    assert processes[11].parent_span_id == tasks["mapper"].span_id and processes[10].parent_span_id == whole.span_id
    assert whole.kind == whole.SPAN_KIND_SERVER and whole.end_time_unix_nano - whole.start_time_unix_nano == 3010 * 10**6
    assert all(span.kind == whole.SPAN_KIND_INTERNAL for span in spans[:-1])
    assert processes[11].end_time_unix_nano - processes[11].start_time_unix_nano == 2000 * 10**6
    for _, span in decoded.spans:
        assert whole.start_time_unix_nano <= span.start_time_unix_nano <= span.end_time_unix_nano <= whole.end_time_unix_nano


def test_attributes():
    decoded, _ = sent(run_of())
    spans = [attributes(span) | {"name": span.name, "status": span.status.code} for _, span in decoded.spans]
    whole = spans[-1]
    assert whole["cicd.pipeline.result"] == "failure" and whole["cicd.pipeline.action.name"] == "RUN"
    assert whole["process.exit.code"] == 3 and whole["status"] == 2 and whole["collector.processes"] == 4
    assert whole["collector.cpu.time"] == pytest.approx(0.156)
    failed = next(span for span in spans if span.get("process.exit.code") == 3 and span["name"] == "mapper")
    assert failed["process.pid"] == 11 and failed["process.parent_pid"] == 10 and failed["error.type"] == "3"
    assert failed["collector.memory.peak"] == 20 << 20 and failed["collector.missing"] == "io: off"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z", failed["process.creation.time"])
    killed = next(span for span in spans if span["name"] == "sort" and "process.executable.name" in span)
    assert killed["error.type"] == "SIGKILL" and "process.exit.code" not in killed and killed["status"] == 2
    task = next(span for span in spans if span.get("cicd.pipeline.task.name") == "quick")
    assert task["cicd.pipeline.task.run.result"] == "success" and task["status"] == 0
    assert task["cicd.pipeline.task.run.url.full"] == "file:///" and task["cicd.pipeline.task.run.id"]
    assert not any("process.command_args" in span for span in spans)
    resource, = {tuple(sorted(shared.items())) for shared, _ in decoded.spans}
    resource = dict(resource)
    assert resource["service.name"] == "collector" and resource["cicd.pipeline.name"] == "made"
    assert resource["cicd.pipeline.run.id"] == "run" and resource["host.name"]


@pytest.mark.parametrize("code, result", [(0, "success"), (1, "failure"), (-15, "cancellation"), (-2, "cancellation"),
                                          (-9, "failure")])
def test_results(code, result):
    decoded, _ = sent(run_of(code))
    assert attributes(decoded.spans[-1][1])["cicd.pipeline.result"] == result


def test_all_processes_and_their_arguments():
    decoded, _ = sent(run_of(), options=",spans=all,args=true")
    processes = {attributes(span)["process.pid"]: span for _, span in decoded.spans
                 if "process.executable.name" in attributes(span)}
    assert set(processes) == {10, 11, 12, 13}
    assert attributes(processes[13])["process.command_args"] == ["quick", "z"]


def test_parents_of_all_processes_are_there():
    run, totals = made_run(3000)
    decoded, _ = sent(run, options=",spans=all")
    spans = [span for _, span in decoded.spans]
    ids = {span.span_id for span in spans}
    assert len(ids) == len(spans) > 3000 and totals
    roots = [span for span in spans if span.parent_span_id not in ids]
    assert [span.name[:4] for span in roots if not span.parent_span_id] == ["RUN "] and len(roots) == 1


def test_a_repeat_is_the_same():
    run = run_of()
    first, second = (sorted(span.SerializeToString() for _, span in sent(run)[0].spans) for _ in range(2))
    assert first == second
    # a copy too, and with other spans the same ones
    copy = new_folder() / "run"
    shutil.copytree(run, copy)
    assert sorted(span.SerializeToString() for _, span in sent(copy)[0].spans) == first
    everything = {span.span_id for _, span in sent(run, options=",spans=all")[0].spans}
    assert {span.span_id for _, span in sent(run)[0].spans} < everything


def test_logs():
    decoded, _ = sent(run_of())
    spans = {span.span_id: span for _, span in decoded.spans}
    found = {log.body.string_value: log for _, log in decoded.logs}
    assert {"mapper exited with 3", "sort was killed by SIGKILL"} <= set(found)
    for text, log in found.items():
        assert log.trace_id == decoded.spans[0][1].trace_id and log.span_id in spans and log.time_unix_nano, text
        assert log.event_name in ("collector.failure", "collector.verdict")
    assert spans[found["mapper exited with 3"].span_id].name == "mapper"
    assert not sent(run_of(), options=",logs=false")[0].logs


def test_metrics():
    decoded, _ = sent(run_of())
    points = {}
    for resource, metric in decoded.metrics:
        assert "cicd.pipeline.run.id" not in resource
        data = getattr(metric, metric.WhichOneof("data")).data_points
        for point in data:
            labels = attributes(point)
            points[(metric.name, labels.get("cicd.pipeline.task.name"))] = point
    duration = points["cicd.pipeline.run.duration", None]
    assert duration.count == 1 and duration.sum == pytest.approx(3.01) and sum(duration.bucket_counts) == 1
    assert len(duration.bucket_counts) == len(duration.explicit_bounds) + 1
    assert list(duration.explicit_bounds).index(5) == list(duration.bucket_counts).index(1)
    assert points["cicd.pipeline.run.errors", None].as_int == 1
    assert points["collector.step.cpu.time", "mapper"].as_double == pytest.approx(0.1)
    assert points["collector.step.memory.peak", "sort"].as_int == 5 << 20
    assert points["collector.step.errors", "quick"].as_int == 0
    again, _ = sent(run_of(), options=",run_id=true")
    assert all(resource["cicd.pipeline.run.id"] == "run" for resource, _ in again.metrics)
    assert not sent(run_of(), options=",metrics=false")[0].metrics


def test_bytes_that_are_no_text():
    run = scripted_run(SCRIPT.format(code=0).replace("quick z", "qu\udcffick z\udcfe"))
    decoded, _ = sent(run, options=",spans=all,args=true")
    span = next(span for _, span in decoded.spans if attributes(span).get("process.pid") == 13)
    assert span.name == "qu\ufffdick" and attributes(span)["process.command_args"] == ["qu\ufffdick", "z\ufffd"]


# ---- the environment ----

def test_the_environment():
    trace, parent = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
    env = {"TRACEPARENT": f"00-{trace}-{parent}-01", "TRACESTATE": "a=b", "OTEL_SERVICE_NAME": "mine",
           "OTEL_RESOURCE_ATTRIBUTES": "deployment.environment.name=te%20st, host.name=other,service.name=no",
           "OTEL_EXPORTER_OTLP_HEADERS": "x-key=a%3Db , authorization=Bearer%20t", "OTEL_EXPORTER_OTLP_COMPRESSION": "none"}
    with Listener() as listener:
        said = feed(listener.url + "/base/", run_of(), env=env)
        paths = {request.path for request in listener.taken}
        headers = listener.taken[0].headers
        assert paths == {"/base/v1/traces", "/base/v1/logs", "/base/v1/metrics"}
        for request in listener.taken:
            request.path = request.path.removeprefix("/base")
        decoded = Decoded(listener.taken)
    assert headers["x-key"] == "a=b" and headers["authorization"] == "Bearer t" and said == ""
    assert "gzip" not in (headers["Content-Encoding"] or "")
    resource, whole = decoded.spans[-1]
    assert resource["service.name"] == "mine" and resource["host.name"] == "other"
    assert resource["deployment.environment.name"] == "te st"
    assert whole.trace_id.hex() == trace and whole.parent_span_id.hex() == parent and whole.trace_state == "a=b"
    assert whole.flags == 0x301 and {span.flags for _, span in decoded.spans[:-1]} == {0x101}


@pytest.mark.parametrize("parent", ["", "00", "00-" + "0" * 32 + "-b7ad6b7169203331-01",
                                    "ff-" + "1" * 32 + "-" + "1" * 16 + "-01",
                                    "00-" + "1" * 32 + "-" + "1" * 16 + "-01-x", "00-" + "G" * 32 + "-" + "1" * 16 + "-01"])
def test_a_parent_that_is_none(parent):
    run = run_of()
    decoded, said = sent(run, env={"TRACEPARENT": parent})
    assert decoded.spans[0][1].trace_id == span_id(" ".join(head_of(run)), 16)
    assert ("not a trace's parent" in said) == bool(parent)


def test_the_endpoint_of_the_environment():
    with Listener() as listener, Listener() as traces:
        env = {"OTEL_EXPORTER_OTLP_ENDPOINT": listener.url, "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": traces.url + "/own",
               "OTEL_LOGS_EXPORTER": "none"}
        done = subprocess.run([stage() / "collector-merge", "--plugin-dir", stage(), "-s", "otlp", run_of()],
                              env={**CLEAN, **env}, capture_output=True, check=False)
        assert done.returncode == 0, done.stderr
        assert {request.path for request in listener.taken} == {"/v1/metrics"}
        assert {request.path for request in traces.taken} == {"/own"}


def test_a_certificate_of_the_environment():
    with Listener(tls=tls()) as listener:
        feed(listener.url, run_of(), env={"OTEL_EXPORTER_OTLP_CERTIFICATE": str(certificate()[1])})
        assert listener.taken
        said = feed(listener.url, run_of(), options=",end=300ms,retry=100ms", code=1)
        assert "certificate" in said and "not all was delivered" in said


# ---- faults that OTLP has an answer to ----

def test_a_partial_success():
    _, answer = official()
    partial = answer(partial_success={"rejected_spans": 2, "error_message": "two are\x1b bad"}).SerializeToString()
    with Listener(lambda request: Answer(200, partial if request.path == "/v1/traces" else b"")) as listener:
        said = feed(listener.url, run_of())
    assert "refused for good, status 200: two are\\x1b bad" in said and "otlp: 2 refused for good with status 200" in said


def test_500_is_not_tried_again():
    with Listener(lambda request: Answer(500, b"\x12\x04oops")) as listener:
        said = feed(listener.url, run_of())
        assert len(listener.others) == 3
    assert "refused for good, status 500: oops" in said


def test_a_server_for_traces_alone():
    with Listener(lambda request: Answer(200 if request.path == "/v1/traces" else 404)) as listener:
        said = feed(listener.url, run_of(), options=",retry=100ms")
        assert len(Decoded(listener.taken).spans) == 7
    assert "v1/logs: refused for good, status 404" in said


@pytest.mark.parametrize("answer", [b"", b"\n", b"\n\xff\xff\xff\xff\xff\xff", b"\x0a\x02\x08", bytes(range(256)) * 300,
                                    b"<html>"], ids=["none", "cut", "long", "short", "all", "html"])
def test_answers_that_are_damaged(answer):
    for status in (200, 500):
        with Listener(lambda request, status=status: Answer(status, answer)) as listener:
            feed(listener.url, run_of())
            assert len(listener.taken + listener.others) == 3


def test_options_that_are_refused():
    for options, why in ((",spans=some", "spans=some: use steps or all"), (",user=x", "belong together"),
                         (",steps=/nowhere.yaml", "nowhere")):
        assert why in feed("http://127.0.0.1:1", run_of(), options=options, code=2)
    assert "not a URL of http or https" in feed("ftp://127.0.0.1", run_of(), code=2)


# ---- followers ----

def names(requests):
    return [resource["cicd.pipeline.run.id"] for resource, span in Decoded(list(requests)).spans if span.name.startswith("RUN")]


def follow(folder, url, state, options=""):
    return Following(folder, f"otlp:endpoint={url}{options}", state)


def test_a_follower_delivers_each_run_once():
    folder, state = new_folder(), new_state()
    with Listener() as listener:
        add_run(folder, run_of(name="first"))
        follower = follow(folder, listener.url, state)
        wait_for(lambda: names(listener.taken) == ["first"], "the first run")
        add_run(folder, run_of(name="second"))
        wait_for(lambda: names(listener.taken) == ["first", "second"], "the second run")
        wait_for(lambda: is_saved(state, "first", "second"), "the cursors")
        assert follower.end() == ""
        add_run(folder, run_of(name="third"))
        follower = follow(folder, listener.url, state)
        wait_for(lambda: len(names(listener.taken)) > 2, "the third run")
        assert follower.end() == "" and names(listener.taken) == ["first", "second", "third"]


def test_what_was_not_delivered_comes_after_a_restart():
    folder, state, port = new_folder(), new_state(), free_port()
    add_run(folder, run_of(name="first"))
    for number in (signal.SIGKILL, signal.SIGTERM):
        follower = follow(folder, f"http://{HOST}:{port}", state)
        wait_for(lambda follower=follower: "trying again" in follower.said.read_text(), "a failure")
        follower.end(number)
    with Listener(port=port) as listener:
        follower = follow(folder, listener.url, state)
        wait_for(lambda: names(listener.taken) == ["first"], "the run")
        assert "taken again" not in follower.end()


# ---- the real one ----

@pytest.fixture(scope="module", name="peer")
def real_collector():
    yield from started()


@pytest.mark.peer("otel")
def test_the_real_collector_gets_each_span(unlimited, peer):
    run, _ = made_run(20000)
    before = len(peer.ids())
    assert feed(peer.url, run, options=",spans=all") == ""
    expected = sorted(span.span_id.hex() for _, span in sent(run, options=",spans=all")[0].spans)
    wait_for(lambda: len(peer.ids()) - before >= len(expected), "all spans in its file")
    assert sorted(peer.ids()[before:]) == expected
    for name in ("logs", "metrics"):
        wait_for(lambda name=name: (peer.folder / f"{name}.json").stat().st_size, name)


@pytest.mark.peer("otel")
def test_the_real_collector_with_tls_a_token_and_a_limit(unlimited, peer):
    """It says 400 to what is too large, and 401 without the token."""
    run, _ = made_run(2000)
    token = new_folder() / "token"
    token.write_text("sesame")
    before = len(peer.ids())
    expected = len(sent(run, options=",spans=all")[0].spans)
    said = feed(peer.secure, run, options=f",spans=all,ca={certificate()[1]},token_file={token},gzip=false")
    wait_for(lambda: len(peer.ids()) - before >= expected, "all spans")
    assert len(peer.ids()) - before == expected and said == ""
    said = feed(peer.secure, run, options=f",ca={certificate()[1]},end=300ms,retry=100ms", code=1)
    assert "status 401" in said


@pytest.mark.peer("otel")
def test_nothing_is_missing_when_both_end_meanwhile(unlimited, peer):
    """The collector in the middle of it, as an update ends it, and the follower by SIGKILL."""
    run, _ = made_run(20000)
    expected = {span.span_id.hex() for _, span in sent(run, options=",spans=all")[0].spans}
    folder, state, peer = new_folder(), new_state(), Peer(peer.program)
    shutil.copytree(run, folder / "run")
    open_to_all(folder / "run")
    peer.start()

    for stop in range(6):
        count = len(peer.ids())
        # all of it would take 10 s
        follower = follow(folder, peer.url, state, ",spans=all,batch=64KiB,rate=2000")
        wait_for(lambda count=count: is_saved(state, "run") or len(peer.ids()) > count, "some spans")
        if stop % 2:
            follower.end(signal.SIGKILL)
        else:
            peer.end()
            peer.start()
            follower.end(signal.SIGKILL)
    follower = follow(folder, peer.url, state, ",spans=all")
    wait_for(lambda: is_saved(state, "run"), "the cursor")
    follower.end()
    peer.end()
    assert set(peer.ids()) == expected
