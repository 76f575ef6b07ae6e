# SPDX-License-Identifier: BSD-2-Clause
"""The sink forward: what a server gets, held against the JSONL of the same run; repeats, faults, logins, cursors; two real
servers, of npm and the OpenTelemetry Collector's."""
import functools
import itertools
import os
import signal
import time

import msgpack
import pytest
import sending
from forward_peer import CLOSE, LOGGER, NODE, SILENT, SLOW, TAKE, WRONG, Listener, Peer
from harness import BUILD, made_run, merge, new_folder, wait_for
from http_listener import HOST, Deaf, certificate, free_port, tls
from live import Live, open_to_all
import otlp_peer
from sending import Following, add_run, is_saved, new_state
from tables import odd_run, scripted_run

HAS_OPENSSL = b"libssl" in (BUILD / "sinks/forward.so").read_bytes()
needs_openssl = pytest.mark.skipif(not HAS_OPENSSL, reason="built without OpenSSL")
FAST = ",retry=50ms,timeout=1s,end=60s"
SCRIPT = """fork 0 10 1 sh
exec 10 10 sh pipeline.sh
fork 20 11 10 sh
exec 20 11 ma\udcffpper x
exit 2020 11 3
cpu_exit 2020 11 100
exit 3010 10 0
"""


@functools.cache
def run_of():
    return scripted_run(SCRIPT)


def feed(address, *runs, options="", code=0):
    return sending.feed(f"forward:address={address}{options}", *runs, code=code)


def sent(*runs, options="", **how):
    """The chunks, and what was said."""
    with Listener(**how) as listener:
        said = feed(listener.address, *runs, options=options)
        assert not listener.others
        return listener, said


def keys(listener):
    return [(record["marker"], record["seq"]) for records in listener.records().values() for record in records]


def expected(run, tag="collector.{stream}"):
    """By tag, in order."""
    found = {}
    for row in merge(run):
        found.setdefault(tag.format(**row), []).append(row)
    return found


def keys_of(run):
    return {(row["marker"], row["seq"]) for row in merge(run)}


# ---- what is sent ----

@pytest.mark.parametrize("options", ["", ",gzip=false"])
def test_every_record_is_an_entry(options):
    run, _ = made_run(2000)
    listener, said = sent(run, options=options)
    assert said == "" and listener.records() == expected(run)
    assert len({chunk.id for chunk in listener.taken}) == len(listener.taken)
    assert all(("compressed" in chunk.option) == (not options) for chunk in listener.taken)
    for chunk in listener.taken:
        assert len(chunk.id) == 24 and len(chunk.bytes) <= 4 << 20
        for (seconds, nanoseconds), record in chunk.entries:
            assert record["time"] == time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f".{nanoseconds:09}Z"


def test_bytes_that_are_no_text():
    listener, _ = sent(run_of())
    record = next(record for record in listener.records()["collector.lifecycle"] if (record["event"], record["pid"]) == ("exec", 11))
    assert record["args"] == ["ma\ufffdpper", "x"]
    assert list(keys_of(run_of())) and set(keys(listener)) == keys_of(run_of())


def test_values_that_are_hard_to_write_down():
    listener, _ = sent(odd_run())
    plain, *_, extremes = [record for record in itertools.chain(*listener.records().values()) if record["event"] == "thing"]
    assert (plain["flag"], plain["number"], plain["text"], plain["list"]) == (True, -5, "/bin/ä", ["ls", "-l", "/tmp"])
    assert plain["map"] == {"A": "1", "B": "x=y"} and extremes["big"] > 2**63


def test_tags():
    listener, _ = sent(run_of(), options=",tag=a.{event}.{stream}.b")
    assert listener.records().keys() == expected(run_of(), "a.{event}.{stream}.b").keys() > {"a.exec.lifecycle.b"}
    listener, _ = sent(run_of(), options=",tag=all")
    assert keys(listener) == [(row["marker"], row["seq"]) for row in merge(run_of())] and listener.records().keys() == {"all"}


def test_small_chunks_and_a_connection_that_stays():
    run, _ = made_run(2000)
    listener, _ = sent(run, options=",batch=16KiB")
    assert len(listener.taken) > 20 and {chunk.connection for chunk in listener.taken} == {1}
    assert listener.records() == expected(run)


def test_a_server_that_closes_the_connection_after_each_chunk():
    run, _ = made_run(2000)
    with Listener(keepalive=False) as listener:
        said = feed(listener.address, run, options=",batch=16KiB")
        assert set(keys(listener)) == keys_of(run) and len(listener.accepted) > 20
    assert said == ""


def test_a_unix_socket():
    folder = new_folder()
    listener, _ = sent(run_of(), path=folder / "socket")
    assert set(keys(listener)) == keys_of(run_of())
    said = feed(folder / "none", run_of(), options=",end=100ms", code=1)
    assert "No such file" in said


@pytest.mark.parametrize("options", ["address=", "address=host:", "address=:1", "address=host:x", "address=host:70000",
                                     "address=[::1",
                                     "address=[::1]x", f"address=/{'a' * 200}", "tag=", "tag=a.{pid}", "ca=x", "user=x",
                                     "tls=true,cert=x"])
def test_options_that_cannot_be(options):
    said = sending.feed(f"forward:{options}", run_of(), code=2)
    assert "forward: " in said and "delivered" not in said


# ---- faults ----

def first_is(*answers):
    left = list(answers)
    return lambda chunk: left.pop(0) if left else TAKE


@pytest.mark.parametrize("what, cause", [(SILENT, "no acknowledgement"), (CLOSE, "connection closed"), (WRONG, "another chunk"),
                                         (b"\x81\xa3ack", "no acknowledgement"),
                                         (b"HTTP/1.1 400 Bad Request", "none of the Forward"),
                                         (b"\x81" + b"\xdb\x7f\xff\xff\xff" + b"x" * 9000, "none of the Forward"),
                                         (msgpack.packb(["PONG", True, "", "", ""]), "another chunk")],
                         ids=["silent", "close", "wrong", "half", "http", "long", "pong"])
def test_what_is_tried_again(what, cause):
    """The same chunk, the third time after one entry of it, and it is said once."""
    with Listener(first_is(what, what)) as listener:
        said = feed(listener.address, run_of(), options=FAST + ",tag=all")
        one, all_ = listener.taken
        assert {(record["marker"], record["seq"]) for _, record in all_.entries} == keys_of(run_of()) and len(one.entries) == 1
        assert [chunk.id for chunk in listener.others] == [all_.id] * 2
    assert said.count("trying again") == 1 and cause in said and "taken again" in said and "refused" not in said


def test_a_server_that_answers_by_bytes():
    with Listener(lambda chunk: SLOW) as listener:
        assert feed(listener.address, run_of(), options=",tag=all") == ""
        assert set(keys(listener)) == keys_of(run_of())


def test_a_server_that_comes_later():
    port = free_port()
    folder, state = new_folder(), new_state()
    add_run(folder, run_of())
    follower = follow(folder, f"{HOST}:{port}", state)
    wait_for(lambda: "trying again" in follower.said.read_text(), "a failure")
    with Listener(port=port) as listener:
        wait_for(lambda: is_saved(state, run_of().name), "the cursor")
        said = follower.end()
        assert set(keys(listener)) == keys_of(run_of())
    assert said.count("Connection refused; trying again") == 1 and said.count("taken again") == 1


def test_a_server_that_is_absent():
    said = feed(f"{HOST}:{free_port()}", run_of(), options=",retry=50ms,end=1s", code=1)
    assert said.count("trying again") == 1 and "takes nothing: giving up" in said and "not all was delivered" in said


def test_a_server_that_never_reads():
    run, _ = made_run(20000)
    with Deaf() as deaf:
        said = feed(deaf.url.removeprefix("http://"), run, options=",gzip=false,timeout=100ms,retry=50ms,end=2s", code=1)
    assert said.count("trying again") == 1 and "no acknowledgement" in said and "not all was delivered" in said


@pytest.mark.parametrize("what, cause", [(CLOSE, "connection closed"), (SILENT, "no acknowledgement")])
def test_a_record_that_the_server_cannot_take(what, cause):
    """All others arrive, and the one is counted."""
    run, _ = made_run(300)
    bad = expected(run)["collector.lifecycle"][123]["seq"]

    def answer(chunk):
        return what if chunk.tag == "collector.lifecycle" and bad in [record["seq"] for _, record in chunk.entries] else TAKE

    with Listener(answer) as listener:
        said = feed(listener.address, run, options=",batch=4KiB,retry=10ms,timeout=500ms,end=60s")
        assert {seq for _, seq in keys_of(run) - set(keys(listener))} == {bad}
    assert f"forward: 1 refused for good with {cause}" in said
    assert said.count("refused for good, ") == 1 and "for the tag collector.lifecycle" in said


def test_a_server_that_takes_nothing_refuses_nothing():
    """As a proxy without a server behind it."""
    with Listener(lambda chunk: CLOSE) as listener:
        said = feed(listener.address, made_run(300)[0], options=",batch=4KiB,retry=10ms,timeout=10s,end=1s", code=1)
    assert said.count("trying again") == 1 and "refused" not in said and "not all was delivered" in said
    # nor if it begins to take
    run, _ = made_run(300)
    with Listener(first_is(*[CLOSE] * 9)) as listener:
        said = feed(listener.address, run, options=",batch=4KiB,retry=10ms,timeout=100ms,end=60s")
        assert set(keys(listener)) == keys_of(run) and "refused" not in said


# ---- TLS and logins ----

def secret(text):
    file = new_folder() / "secret"
    file.write_text(text + "\n")
    return file


@needs_openssl
def test_tls():
    ca = certificate()[1]
    listener, said = sent(run_of(), tls=tls(), options=f",tls=true,ca={ca}")
    assert set(keys(listener)) == keys_of(run_of()) and said == ""
    key, cert = certificate()
    listener, _ = sent(run_of(), tls=tls(client_ca=cert), options=f",tls=true,ca={ca},cert={cert},key={key}")
    assert set(keys(listener)) == keys_of(run_of())
    listener, said = sent(run_of(), tls=tls(), options=",tls=true,insecure=true")
    assert set(keys(listener)) == keys_of(run_of()) and "not checked" in said


def failing(listener, options):
    """What a follower says until it has tried three times."""
    folder = new_folder()
    add_run(folder, run_of())
    follower = follow(folder, listener.address, new_state(), options)
    wait_for(lambda: "trying again" in follower.said.read_text() and len(listener.accepted) > 2, "three tries")
    said = follower.end()
    assert not listener.taken and said.count("trying again") == 1
    return said


@needs_openssl
@pytest.mark.parametrize("other", [False, True])
def test_a_certificate_that_is_not_trusted(other):
    with Listener(tls=tls()) as listener:
        said = failing(listener, ",tls=true" + (f",ca={certificate('127.0.0.2')[1]}" if other else ""))
    assert "certificate: " in said and "trying again, slowly" in said


@needs_openssl
def test_tls_with_a_server_without():
    with Listener() as listener:
        failing(listener, ",tls=true,insecure=true,timeout=300ms")


@needs_openssl
@pytest.mark.parametrize("keepalive", [True, False])
@pytest.mark.parametrize("users", [None, {"ann": "pass word"}])
def test_a_shared_key(keepalive, users):
    options = f",shared_key_file={secret('sesame')}" + (f",user=ann,password_file={secret('pass word')}" if users else "")
    listener, said = sent(run_of(), key="sesame", users=users, keepalive=keepalive, options=options)
    assert set(keys(listener)) == keys_of(run_of()) and said == ""
    connections = {chunk.connection for chunk in listener.taken}
    assert len(connections) == (1 if keepalive else len(listener.taken)) == len(listener.logins)
    assert {user for _, user in listener.logins} == {"ann" if users else ""}


@needs_openssl
@pytest.mark.parametrize("how, options, why", [
    ({"key": "sesame"}, ",shared_key_file={wrong}", "the server refuses the login: no \\x1b[31m such"),
    ({"key": "sesame"}, "", "give shared_key_file="),
    ({"key": "sesame", "lies": True}, ",shared_key_file={right}", "does not know the shared key"),
    ({"key": "sesame", "users": {"ann": "a"}}, ",shared_key_file={right},user=ann,password_file={wrong}", "refuses the login"),
    ({"key": "sesame", "users": {"ann": "a"}}, ",shared_key_file={right}", "refuses the login"),
    ({}, ",shared_key_file={right},timeout=200ms", "does not ask for a login"),
    ({"first": b"\x93\xa4HELO\x80\x80"}, ",shared_key_file={right}", "none of the Forward"),
    ({"first": b"\x92\xa4HELO\x80"}, ",shared_key_file={right}", "none of the Forward"),
    ({"first": msgpack.packb({"ack": "x"})}, ",shared_key_file={right}", "does not begin with a login"),
], ids=["wrong", "none", "lies", "password", "no-user", "not-asked", "shape", "no-nonce", "ack"])
def test_a_login_that_fails(how, options, why):
    options = options.format(wrong=secret("wrong"), right=secret("sesame"))
    with Listener(**how) as listener:
        said = failing(listener, options)
    assert why in said and "sesame" not in said and "wrong" not in said


# ---- followers ----

def follow(folder, address, state, options=""):
    return Following(folder, f"forward:address={address}{options}", state)


def test_a_follower_delivers_a_run_that_goes_on():
    state = new_state()
    with Listener() as listener, Live() as live:
        live.tell("put 0 5", "flush")
        open_to_all(live.path)
        follower = follow(live.path, listener.address, state)
        wait_for(lambda: keys(listener), "the first entries")
        live.tell("put 0 5", "flush")
        wait_for(lambda: len(keys(listener)) >= 10, "the next entries")
        follower.end()
        assert len(set(keys(listener))) == len(keys(listener))


def test_a_follower_that_is_killed_loses_nothing():
    """At any time; what comes twice is the same entry."""
    run, _ = made_run(1500)
    folder, state = new_folder(), new_state()
    add_run(folder, run)
    with Listener() as listener:
        for _ in range(4):
            count = len(listener.taken)
            follower = follow(folder, listener.address, state, ",batch=16KiB,rate=10000")
            wait_for(lambda count=count: is_saved(state, "run") or len(listener.taken) > count + 10, "some chunks")
            follower.end(signal.SIGKILL)
        follower = follow(folder, listener.address, state)
        wait_for(lambda: is_saved(state, "run"), "the cursor")
        follower.end()
        found = {}
        for record in itertools.chain(*listener.records().values()):
            assert found.setdefault((record["marker"], record["seq"]), record) == record
    assert found.keys() == keys_of(run)


def test_a_follower_of_a_stalled_server_ends_at_once_and_saves_nothing():
    run, _ = made_run(300)
    folder, state = new_folder(), new_state()
    add_run(folder, run)
    with Listener(lambda chunk: SILENT) as listener:
        follower = follow(folder, listener.address, state)
        wait_for(lambda: listener.others, "a chunk")
        follower.end()
    assert not is_saved(state, "run")
    with Listener() as listener:
        follower = follow(folder, listener.address, state)
        wait_for(lambda: is_saved(state, "run"), "the cursor")
        follower.end()
        assert set(keys(listener)) == keys_of(run)


# ---- real ones ----

logger = pytest.mark.skipif(not NODE or not LOGGER.exists(), reason="no @fluent-org/logger: tests/setup peers")


@pytest.fixture(name="peer")
def real_server():
    peer = Peer(free_port())
    peer.start()
    yield peer
    peer.end(signal.SIGKILL)


def as_entries(run):
    """As Peer.entries() has them."""
    listener, _ = sent(run)
    return sorted([chunk.tag, *when, record["marker"], record["seq"], record["event"], record.get("args")]
                  for chunk in listener.taken for when, record in chunk.entries)


def has_each(peer, run):
    """It acknowledges a chunk and then writes its entries; what came twice counts once."""
    wanted = as_entries(run)
    wait_for(lambda: len({tuple(entry[:5]) for entry in peer.entries()}) >= len(wanted), "all entries")
    return sorted({tuple(entry[:5]): entry for entry in peer.entries()}.values()) == wanted


@logger
@pytest.mark.peer("fluent")
def test_the_real_server_gets_each_record(peer):
    run, _ = made_run(2000)
    assert feed(peer.address, run) == ""
    assert has_each(peer, run) and len(peer.entries()) == len(as_entries(run))
    assert feed(peer.address, run_of(), options=",gzip=false") == ""
    wait_for(lambda: ["ma\ufffdpper", "x"] in [args for *_, args in peer.entries()], "the entry with bytes")


@logger
@needs_openssl
@pytest.mark.peer("fluent")
def test_the_real_server_with_tls_a_key_and_users():
    peer = Peer(free_port(), key="sesame", users={"ann": "word"}, tls=True)
    peer.start()
    try:
        options = f",tls=true,ca={certificate()[1]},shared_key_file={secret('sesame')},user=ann"
        assert feed(peer.address, run_of(), options=f"{options},password_file={secret('word')}") == ""
        assert has_each(peer, run_of())
        said = feed(peer.address, run_of(), options=f"{options},password_file={secret('wrong')},retry=50ms,end=300ms", code=1)
        assert "the server refuses the login" in said and said.count("trying again, slowly") == 1
    finally:
        peer.end(signal.SIGKILL)


@logger
@pytest.mark.peer("fluent")
def test_the_real_server_that_stalls_and_restarts_and_a_follower_that_is_killed(peer):
    run, _ = made_run(1500)
    folder, state = new_folder(), new_state()
    add_run(folder, run)
    slow = "SLOW_PEERS" in os.environ
    for stop in range(30 if slow else 4):
        count = len(peer.entries())
        follower = follow(folder, peer.address, state, f",batch=16KiB,rate={500 if slow else 5000},timeout=300ms")
        wait_for(lambda count=count: is_saved(state, "run") or len(peer.entries()) > count, "some entries")
        if stop % 8 == 1:
            peer.end()
            peer.start()
        elif stop % 8 == 2:
            peer.process.send_signal(signal.SIGSTOP)
            wait_for(lambda said=follower.said: is_saved(state, "run") or "trying again" in said.read_text(), "a failure")
            peer.process.send_signal(signal.SIGCONT)
        follower.end(signal.SIGKILL)
    follower = follow(folder, peer.address, state)
    wait_for(lambda: is_saved(state, "run"), "the cursor")
    follower.end()
    assert has_each(peer, run)


@pytest.fixture(scope="module", name="otel")
def real_collector():
    yield from otlp_peer.started()


def entries_of(otel):
    """[tag, nanoseconds, marker, seq, event] of each log record."""
    return [[log["fluent.tag"], log["at"], log["marker"], int(log["seq"]), log["event"]] for log in otel.log_records()]


def as_log_records(run):
    return sorted([tag, seconds * 10**9 + rest, marker, seq, event]
                  for tag, seconds, rest, marker, seq, event, _ in as_entries(run))


@pytest.mark.peer("otel")
def test_the_real_collector_gets_each_record(unlimited, otel):
    run, _ = made_run(2000)
    assert feed(f"{HOST}:{otel.ports['forward']}", run) == ""
    wanted = as_log_records(run)
    wait_for(lambda: len(entries_of(otel)) >= len(wanted), "all records in its file")
    assert sorted(entries_of(otel)) == wanted


@pytest.mark.peer("otel")
def test_nothing_is_missing_when_both_end_meanwhile(unlimited, otel):
    """The collector in the middle of it, as an update ends it, and the follower by SIGKILL."""
    run, _ = made_run(5000)
    folder, state, otel = new_folder(), new_state(), otlp_peer.Peer(otel.program)
    add_run(folder, run)
    otel.start()
    for stop in range(6):
        count = len(entries_of(otel))
        follower = follow(folder, f"{HOST}:{otel.ports['forward']}", state, ",batch=64KiB,rate=10000")
        wait_for(lambda count=count: is_saved(state, "run") or len(entries_of(otel)) > count, "some records")
        if stop % 2:
            otel.end()
            otel.start()
        follower.end(signal.SIGKILL)
    follower = follow(folder, f"{HOST}:{otel.ports['forward']}", state)
    wait_for(lambda: is_saved(state, "run"), "the cursor")
    follower.end()
    otel.end()
    assert sorted({tuple(entry) for entry in entries_of(otel)}) == [tuple(entry) for entry in as_log_records(run)]
