# SPDX-License-Identifier: BSD-2-Clause
"""The sink kafka: what a real broker gets, held against the JSONL of the same run; faults, cursors."""
import contextlib
import functools
import os
import re
import signal
import socket
import subprocess
import threading
import time

import pytest
import sending
from harness import BUILD, made_run, merge, new_folder, wait_for
from http_listener import HOST, Deaf, certificate, free_port
from kafka_peer import Broker, consume, needs_kafka
from live import Live, open_to_all
from sending import Following, add_run, is_saved, new_state
from tables import odd_run, scripted_run

pytestmark = pytest.mark.skipif(not (BUILD / "sinks/kafka.so").exists(), reason="built without librdkafka")
LONG = f"""fork 0 10 1 sh
exec 10 10 sh {' '.join(f'argument-{i:04}' for i in range(400))}
exec 20 10 sh short
exit 2020 10 3
"""


@functools.cache
def long_run():
    return scripted_run(LONG)


def feed(brokers, *runs, options="", code=0):
    return sending.feed(f"kafka:brokers={brokers}{options}", *runs, code=code)


def follow(folder, brokers, state, options=""):
    return Following(folder, f"kafka:brokers={brokers}{options}", state)


def once(messages):
    """Events by (marker, seq): what came twice is the same."""
    events = {}
    for message in messages:
        event = message.event
        assert events.setdefault((event["marker"], event["seq"]), event) == event
    return list(events.values())


def in_order(events):
    return sorted(events, key=lambda event: (event["marker"], event["seq"]))


@pytest.fixture(scope="module", name="broker", params=[pytest.param(Broker, id="", marks=[needs_kafka, pytest.mark.peer("kafka")])])
def real_broker(request):
    broker = request.param(new_folder())
    broker.start()
    yield broker
    broker.end()


# ---- what is sent ----

def test_every_event_is_a_message(broker):
    run, _ = made_run(2000)
    broker.create("every")
    assert feed(broker.brokers, run, options=",topic=every") == ""
    messages = consume(broker.brokers, "every")
    wanted = merge(run)
    # one partition, in order
    assert [message.event for message in messages] == wanted
    assert {message.key for message in messages} == {f"{wanted[0]['host']}/{wanted[0]['run']}"}
    assert len({message.partition for message in messages}) == 1


def test_a_message_is_a_line_of_jsonl(broker):
    run = odd_run()
    broker.create("lines")
    assert "kafka:" not in feed(broker.brokers, run, options=",topic=lines")
    lines = merge(run, sink="jsonl:verdicts=false")
    assert "\n".join(message.text for message in consume(broker.brokers, "lines")) + "\n" == lines


def test_a_topic_for_each_kind_of_event(broker):
    wanted = merge(long_run())
    for topic in {(event["stream"], event["event"], event["run"]) for event in wanted}:
        broker.create("a-" + ".".join(topic))
    assert feed(broker.brokers, long_run(), options=",topic=a-{stream}.{event}.{run}") == ""
    for name in "lifecycle.exec", "lifecycle.exit":
        events = [event for event in wanted if f"{event['stream']}.{event['event']}" == name]
        assert [message.event for message in consume(broker.brokers, f"a-{name}.{events[0]['run']}")] == events


def test_a_name_that_no_topic_can_have(broker):
    run = scripted_run(LONG, name="run of:today")
    name = "t-" + re.sub(r"[^\w.-]", "_", merge(run)[0]["run"])
    broker.create(name)
    assert feed(broker.brokers, run, options=",topic=t-{run}") == ""
    assert [message.event for message in consume(broker.brokers, name)] == merge(run)


def test_the_time_of_a_message(broker):
    broker.create("times")
    feed(broker.brokers, long_run(), options=",topic=times,timestamp=event")
    first = consume(broker.brokers, "times")
    feed(broker.brokers, long_run(), options=",topic=times")
    both = consume(broker.brokers, "times")
    for message in first:
        assert f"{message.ms % 1000:03}" == message.event["time"][20:23]
    assert all(message.ms > both[0].ms for message in both[len(first):])


def test_several_runs_have_their_keys(broker):
    broker.create("runs")
    runs = [scripted_run(LONG, name=f"run-{i}") for i in range(8)]
    assert feed(broker.brokers, *runs, options=",topic=runs") == ""
    messages = consume(broker.brokers, "runs")
    assert in_order(message.event for message in messages) == in_order(merge(*runs))
    keys = {message.key for message in messages}
    partitions = {(message.key, message.partition) for message in messages}
    assert len(keys) == len(partitions) and len({partition for _, partition in partitions}) > 1


# ---- options ----

@pytest.mark.parametrize("options, why", [
    (",topic=", "not a name of a topic"), (",topic=a b", "write letters"), (",topic={pid}", "{stream}"), (",user=x", "belong together"),
    (",key=/etc/hostname", "belong together"), (",ca=/etc/hostname", "ssl.ca.pem"), (",timestamp=never", "client or event"),
    (",rdkafka.nothing=1", 'rdkafka.nothing: No such configuration property: "nothing"'),
    (",rdkafka.linger.ms=x", "rdkafka.linger.ms: "), (",rdkafka.sasl.password=x", "password_file="),
    (",rdkafka.transactional.id=x", "no transactions")])
def test_options_that_are_refused(options, why):
    assert why in feed(f"{HOST}:1", long_run(), options=options, code=2)


def test_no_broker_is_named():
    assert "name one" in feed("", long_run(), code=2)


def test_scram_with_an_old_library():
    secret = new_folder() / "secret"
    secret.write_text("sesame")
    version = subprocess.run(["pkg-config", "--modversion", "rdkafka"], capture_output=True, text=True, check=True).stdout
    old = [int(part) for part in version.split(".")] < [2, 6, 1]
    said = feed(f"{HOST}:1", long_run(), code=2 if old else 1,
                options=f",user=ann,password_file={secret},rdkafka.sasl.mechanism=SCRAM-SHA-512,end=100ms")
    assert ("use librdkafka 2.6.1 or later" in said) == old


def test_credentials_without_encryption_are_said_once():
    secret = new_folder() / "secret"
    secret.write_text("sesame")
    said = feed("192.0.2.1:9", long_run(), options=f",user=ann,password_file={secret},end=100ms", code=1)
    assert said.count("without encryption") == 1 and "sesame" not in said


def test_settings_of_librdkafka(broker):
    broker.create("set")
    assert feed(broker.brokers, long_run(), options=",topic=set,rdkafka.compression.codec=lz4,rdkafka.linger.ms=5") == ""
    assert [message.event for message in consume(broker.brokers, "set")] == merge(long_run())


# ---- what is too large ----

def test_arguments_that_are_too_many(broker):
    broker.create("cut")
    said = feed(broker.brokers, long_run(), options=",topic=cut,rdkafka.message.max.bytes=3000")
    assert said == ""
    for message, event in zip(consume(broker.brokers, "cut"), merge(long_run()), strict=True):
        got = message.event
        if len(event.get("args", "")) > 100:
            assert len(message.text) + len(message.key) < 3000 and 50 < len(got["args"]) < len(event["args"])
            assert got["args"] == event["args"][:len(got["args"])] and "args=truncated" in got["missing"].split(",")
            got = {**got, "args": event["args"], "missing": event.get("missing")}
        assert {**event, "missing": event.get("missing")} == {**got, "missing": got.get("missing")}


def test_a_topic_that_takes_less(broker):
    """Requests become smaller until it takes them; one that is too large as a whole is cut, or refused alone."""
    run, _ = made_run(1500)
    broker.create("less", max_message_bytes=4000)
    said = feed(broker.brokers, run, long_run(), options=",topic=less,retry=10ms,end=60s")
    wanted = merge(run, long_run())
    got = once(consume(broker.brokers, "less"))
    assert "refused" not in said and len(got) == len(wanted)
    broker.create("least", max_message_bytes=500)
    said = feed(broker.brokers, long_run(), options=",topic=least,retry=10ms,end=60s,rdkafka.compression.codec=none")
    refused = len(merge(long_run())) - len(consume(broker.brokers, "least"))
    assert refused and f"kafka: {refused} refused for good with MSG_SIZE_TOO_LARGE" in said


# ---- faults ----

def test_a_broker_that_is_absent():
    said = feed(f"{HOST}:{free_port()}", long_run(), options=",retry=50ms,end=300ms", code=1)
    assert said.count("trying again") == 1 and "refused" in said and "not all was delivered" in said


def test_a_broker_that_never_reads():
    with Deaf() as deaf:
        said = feed(deaf.url.removeprefix("http://"), long_run(), options=",retry=50ms,end=4s", code=1)
    assert said.count("trying again") == 1 and "no answer" in said and "not all was delivered" in said


class Trickling:
    """Before a broker: what it answers comes one byte a second."""

    def __init__(self, broker):
        self.to, self.listener = (broker.host, broker.port), socket.create_server((HOST, 0))
        self.brokers, self.sent = f"{HOST}:{self.listener.getsockname()[1]}", 0

    def __enter__(self):
        threading.Thread(target=self.take, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()

    def take(self):
        with contextlib.suppress(OSError):
            while True:
                near, far = self.listener.accept()[0], socket.create_connection(self.to)
                threading.Thread(target=self.copy, args=(near, far, 65536, 0), daemon=True).start()
                threading.Thread(target=self.copy, args=(far, near, 1, 1), daemon=True).start()

    def copy(self, source, to, size, pause):
        with contextlib.suppress(OSError):
            while data := source.recv(size):
                to.sendall(data)
                self.sent += pause
                time.sleep(pause)


def test_a_broker_that_sends_one_byte_a_second(broker):
    with Trickling(broker) as slow:
        began = time.monotonic()
        said = feed(slow.brokers, long_run(), options=",retry=50ms,end=4s", code=1)
        assert slow.sent >= 3 and time.monotonic() - began < 60
    assert said.count("trying again") == 1 and "no answer" in said and "not all was delivered" in said


def test_a_topic_that_is_not_there(broker):
    folder, state = new_folder(), new_state()
    add_run(folder, long_run())
    follower = follow(folder, broker.brokers, state, ",topic=later")
    wait_for(lambda: "trying again, slowly" in follower.said.read_text(), "the absence is said")
    broker.create("later")
    wait_for(lambda: is_saved(state, "run"), "the cursor")
    said = follower.end()
    assert said.count("trying again") == 1 and "UNKNOWN_TOPIC_OR_PART" in said
    assert once(consume(broker.brokers, "later")) == merge(long_run())


def test_a_time_that_the_broker_does_not_accept(broker):
    """Its answer comes too late: the message is sent again, with the time of that."""
    folder, state = new_folder(), new_state()
    broker.create("late", message_timestamp_before_max_ms=1000)
    first, second = (scripted_run("fork 0 10 1 sh\n", name=name) for name in ("first", "second"))
    follower = follow(folder, broker.brokers, state, ",topic=late")
    add_run(folder, first)
    wait_for(lambda: is_saved(state, first.name), "the first cursor")
    broker.process.send_signal(signal.SIGSTOP)
    try:
        add_run(folder, second)
        wait_for(lambda: "no answer" in follower.said.read_text(), "the silence is said")
    finally:
        broker.process.send_signal(signal.SIGCONT)
    wait_for(lambda: is_saved(state, first.name, second.name), "both cursors")
    said = follower.end()
    assert "INVALID_TIMESTAMP" in said and "trying again, slowly" in said and "refused" not in said
    assert in_order(once(consume(broker.brokers, "late"))) == in_order(merge(first) + merge(second))


def test_a_password_and_a_certificate(broker):
    secret = new_folder() / "secret"
    secret.write_text("sesame\n")
    broker.create("secret")
    options = f",topic=secret,ca={certificate()[1]},user=ann,password_file={secret},retry=50ms"
    assert feed(broker.secure, long_run(), options=options) == ""
    assert [message.event for message in consume(broker.brokers, "secret")] == merge(long_run())
    said = feed(broker.secure, long_run(), code=1,
                options=f"{options.replace(str(certificate()[1]), str(certificate('127.0.0.2')[1]))},end=500ms")
    assert said.count("trying again, slowly") == 1 and "certificate verify failed" in said
    secret.write_text("wrong\n")
    said = feed(broker.secure, long_run(), options=f"{options},end=500ms", code=1)
    assert said.count("trying again, slowly") == 1 and "Authentication failed" in said and "wrong" not in said
    assert len(consume(broker.brokers, "secret")) == len(merge(long_run()))


# ---- followers ----

def test_a_follower_delivers_a_run_that_goes_on(broker):
    state = new_state()
    broker.create("live")
    with Live() as live:
        live.tell("put 0 5", "flush")
        open_to_all(live.path)
        follower = follow(live.path, broker.brokers, state, ",topic=live")
        wait_for(lambda: len(consume(broker.brokers, "live")) == 5, "the first events")
        live.tell("put 0 5", "flush")
        wait_for(lambda: len(consume(broker.brokers, "live")) == 10, "the next events")
        assert follower.end() == ""


def test_a_follower_that_is_killed_loses_nothing(broker):
    run, _ = made_run(3000)
    folder, state = new_folder(), new_state()
    add_run(folder, run)
    broker.create("killed")
    count = 0
    for _ in range(4):
        before = count
        follower = follow(folder, broker.brokers, state, ",topic=killed,batch=64KiB,rate=10000")

        def came(before=before):
            nonlocal count
            count = len(consume(broker.brokers, "killed"))
            return is_saved(state, "run") or count > before
        wait_for(came, "some events")
        follower.end(signal.SIGKILL)
    follower = follow(folder, broker.brokers, state, ",topic=killed")
    wait_for(lambda: is_saved(state, "run"), "the cursor")
    follower.end()
    assert once(consume(broker.brokers, "killed")) == merge(run)


def test_a_broker_that_stops_for_a_while(broker):
    """A follower waits for it, ends in time if it is told to, and goes on from its cursor."""
    run, _ = made_run(1500)
    folder, state = new_folder(), new_state()
    broker.create("stopped")
    broker.process.send_signal(signal.SIGSTOP)
    try:
        follower = follow(folder, broker.brokers, state, ",topic=stopped")
        add_run(folder, run)
        wait_for(lambda: "no answer" in follower.said.read_text(), "the silence is said")
        said = follower.end()
        assert follower.process.returncode == 1 and "not all was delivered" in said
        follower = follow(folder, broker.brokers, state, ",topic=stopped")
        wait_for(lambda: "no answer" in follower.said.read_text(), "the silence is said")
    finally:
        broker.process.send_signal(signal.SIGCONT)
    wait_for(lambda: is_saved(state, "run"), "the cursor")
    assert follower.end().count("trying again") == 1
    assert once(consume(broker.brokers, "stopped")) == merge(run)


def test_a_broker_that_is_killed(broker):
    run, _ = made_run(3000)
    folder, state = new_folder(), new_state()
    broker.create("dead")
    add_run(folder, run)
    follower = follow(folder, broker.brokers, state, ",topic=dead,batch=64KiB,rate=5000")
    for _ in range(3 if "SLOW_PEERS" in os.environ else 1):
        before = len(consume(broker.brokers, "dead"))
        wait_for(lambda before=before: len(consume(broker.brokers, "dead")) > before or is_saved(state, "run"), "more events")
        broker.end(signal.SIGKILL)
        broker.start()
    wait_for(lambda: is_saved(state, "run"), "the cursor")
    follower.end()
    assert once(consume(broker.brokers, "dead")) == merge(run)
