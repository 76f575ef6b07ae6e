# SPDX-License-Identifier: BSD-2-Clause
"""The sink clickhouse: what a server gets, held against the JSONL of the same run; repeats, faults, cursors; two real servers, an
old one and one of today."""
import functools
import os
import signal

import clickhouse_peer
import pytest
import sending
from clickhouse_peer import LIBRARY, SERVER, Peer, inserts, rows_sent, statements
from harness import BUILD, made_run, merge, new_folder, wait_for
from http_listener import Answer, Deaf, Listener, free_port
from live import Live, open_to_all
from sending import Following, add_run, is_saved, new_state
from tables import comparable, microseconds, odd_run, rows_of, scripted_run

pytestmark = pytest.mark.skipif(not (BUILD / "sinks/clickhouse.so").exists(), reason="built without libcurl")
SCRIPT = """fork 0 10 1 sh
exec 10 10 sh pipeline.sh
fork 20 11 10 sh
exec 20 11 ma\udcffpper x
exit 2020 11 3
cpu_exit 2020 11 100
exit 3010 10 0
"""
NOT_NULL = ("run", "host", "pipeline", "marker", "stream_lost", "event_lost", "cause")


@functools.cache
def run_of():
    return scripted_run(SCRIPT)


def feed(url, *runs, options="", code=0):
    return sending.feed(f"clickhouse:url={url}{options}", *runs, code=code)


def sent(*runs, options=""):
    """Requests, and what was said."""
    with Listener() as listener:
        said = feed(listener.url, *runs, options=options)
        assert not listener.others
        return listener.taken, said


def as_table(row):
    """A row that was sent, or that a server has, as in other engines."""
    row = {name: value for name, value in row.items() if value not in (None, [])}
    row["time"] = microseconds(row["time"].replace(" ", "T") + "000Z")
    return {name: comparable(value) for name, value in row.items() if name not in NOT_NULL or value != ""}


def without_null(row):
    return {name: value for name, value in row.items() if value not in (None, [])}


def expected(*runs, pipeline="made"):
    return {name: [without_null(row) for row in rows] for name, rows in rows_of(*runs, pipeline=pipeline).items()}


def of_tables(tables):
    return {name: [as_table(row) for row in rows] for name, rows in tables.items()}


def keys(requests):
    """(marker, seq) of all rows."""
    return [(row["marker"], row["seq"]) for rows in rows_sent(requests).values() for row in rows]


# ---- what is sent ----

def test_every_record_is_a_row_of_its_event():
    run, _ = made_run(2000)
    requests, said = sent(run)
    assert of_tables(rows_sent(requests)) == expected(run) and said == ""
    for insert in inserts(requests):
        assert insert.database == "collector" and insert.rows
        assert insert.settings["async_insert"] == insert.settings["input_format_skip_unknown_fields"] == "0"
    assert len({insert.token for insert in inserts(requests)}) == len(inserts(requests))


def test_bytes_that_are_no_text():
    requests, _ = sent(run_of())
    tables = rows_sent(requests)
    assert of_tables(tables) == expected(run_of())
    row = next(row for row in tables["lifecycle_exec"] if row["pid"] == 11)
    assert row["args"][0] == "ma\\xffpper" and '"args":"escaped"' in row["missing"]


def test_values_that_are_hard_to_write_down():
    requests, _ = sent(odd_run())
    plain, hostile, *_, extremes = rows_sent(requests)["odd_thing"]
    assert (plain["flag"], plain["number"], plain["text"], plain["list"]) == (True, -5, "/bin/ä", ["ls", "-l", "/tmp"])
    assert plain["map"] == '{"A":"1","B":"x=y"}' and plain["run"] == "run-odd" and plain["cpu"] == 3
    assert extremes["big"] == 2**63 - 1 and '"big":"saturated"' in extremes["missing"]
    assert hostile["text"]


def test_statements_come_before_their_rows():
    run, _ = made_run(300)
    requests, _ = sent(run)
    seen = set()
    assert requests[0].body == b"CREATE DATABASE IF NOT EXISTS `collector`"
    for request in requests[1:]:
        if request.body.startswith(b"CREATE TABLE"):
            seen.add(request.body.split(b"`")[3].decode())
        elif request.body.startswith(b"INSERT"):
            assert clickhouse_peer.Insert(request.body).table in seen
    tables = [text for text in statements(requests) if text.startswith("CREATE TABLE IF NOT EXISTS `collector`.`cpu_exit`")]
    assert len(tables) == 1 and "ORDER BY (pipeline, run, host, time, marker, seq)" in tables[0]
    assert "`cpu_ns` Nullable(Int64) COMMENT 'run time of all threads" in tables[0]
    added, = [text for text in statements(requests) if text.startswith("ALTER TABLE `collector`.`cpu_exit` ADD")]
    assert "ADD COLUMN IF NOT EXISTS `cpu_ns` Nullable(Int64)" in added and "`marker`" not in added


def test_options_of_the_tables():
    requests, _ = sent(run_of(), options=",create=false,database=o`ther\\")
    assert not statements(requests)
    assert all(request.body.startswith(b"INSERT INTO `o\\x60ther\\x5C`.`") for request in requests)
    requests, _ = sent(run_of(), options=",legacy=true")
    assert not any(insert.settings for insert in inserts(requests))
    assert all(text.startswith("CREATE") and not any(word in text for word in ("DateTime64", "CODEC", "LowCardinality"))
               for text in statements(requests))


def test_requests_are_large():
    """1,000 rows or more, or what came in a second."""
    run, _ = made_run(10000)
    requests, _ = sent(run)
    assert max(len(request.body) for request in requests) < 4.1 * 2**20
    small = [insert.table for insert in inserts(requests) if len(insert.rows) < 1000]
    seconds = requests[-1].at - requests[0].at
    assert len(inserts(requests)) - len(small) > 10
    assert all(small.count(table) <= 1 + seconds for table in small), small


@pytest.mark.parametrize("options, why", [(",database=", "name one"), (",user=x", "belong together"),
                                          (",key=/etc/hostname", "belong together")])
def test_options_that_are_refused(options, why):
    assert why in feed("http://127.0.0.1:1", run_of(), options=options, code=2)


def test_a_url_that_is_refused():
    assert "not a URL of http or https" in feed("ftp://127.0.0.1", run_of(), code=2)


def test_credentials_without_encryption_are_said_once():
    secret = new_folder() / "secret"
    secret.write_text("sesame")
    with Listener() as proxy:
        said = feed("http://192.0.2.1:9", run_of(), options=f",user=ann,password_file={secret},proxy={proxy.url}")
        assert keys(proxy.taken) and said.count("without encryption") == 1 and "sesame" not in said


# ---- repeats ----

def test_a_request_that_is_sent_again_has_its_token():
    answers = []

    def fail_once(request):
        answers.append(request)
        return Answer(503) if request.body.startswith(b"INSERT") and len(answers) % 2 else Answer()

    with Listener(fail_once) as listener:
        feed(listener.url, run_of(), options=",retry=10ms,end=60s")
        taken = {insert.token: insert.rows for insert in inserts(listener.taken)}
        assert listener.others and len(taken) == len(inserts(listener.taken))
        for insert in inserts(listener.others):
            assert taken[insert.token] == insert.rows


def test_requests_that_begin_alike_have_other_tokens():
    """After a restart there may be more rows: a token of the first alone would have the server drop them."""
    run, _ = made_run(300)
    few, _ = sent(run, options=",batch=16KiB")
    many, _ = sent(run)
    firsts = {insert.token.rsplit(":", 2)[0]: insert for insert in inserts(few)}
    same = 0
    for insert in inserts(many):
        other = firsts[insert.token.rsplit(":", 2)[0]]
        assert (insert.token == other.token) == (insert.rows == other.rows)
        same += insert.rows != other.rows
    assert same and {insert.token for insert in inserts(sent(run)[0])} == {insert.token for insert in inserts(many)}


# ---- faults that ClickHouse has an answer to ----

def code(number, text="", status=500):
    return Answer(status, f"Code: {number}. DB::Exception: {text} (version 26.9)\nstack".encode())


AGAIN = [code(252, "too many parts"), code(241), code(242), code(159, status=408), code(201), code(9999, "new"), Answer(500),
         code(241, status=200)]
SLOWLY = [(code(60, "no table", 404), "tables.sql"), (code(81, status=404), "create=true makes"), (code(516, status=403), "516"),
          (code(193, status=401), "193"), (code(497, status=403), "create=false"), (code(115), "legacy=true"),
          (code(117, "Unknown field found: x", 400), "create=true adds"), (code(62, status=400), "legacy=true")]


def answering(answer, times=2, where=b"INSERT"):
    left = [answer] * times
    return lambda request: left.pop() if left and request.body.startswith(where) else Answer()


@pytest.mark.parametrize("answer", AGAIN, ids=lambda answer: f"{answer.status}-{answer.body[:10].decode()}")
def test_what_is_tried_again(answer):
    with Listener(answering(answer)) as listener:
        said = feed(listener.url, run_of(), options=",retry=10ms")
        assert of_tables(rows_sent([r for r in listener.taken if r not in listener.others]))
        assert "trying again\n" in said and "slowly" not in said and "refused" not in said
        assert set(keys(listener.taken)) == set(keys(sent(run_of())[0])) or answer.status == 200


@pytest.mark.parametrize("answer, hint", SLOWLY, ids=lambda value: str(getattr(value, "status", "")))
def test_what_a_person_must_change(answer, hint):
    run = run_of()
    with Listener(answering(answer)) as listener:
        said = feed(listener.url, run, options=",retry=10ms")
        assert len(listener.others) == 2 and sorted(keys(listener.taken)) == sorted(keys(sent(run)[0]))
    assert said.count("trying again, slowly") == 1 and hint in said and "stack" not in said and "refused" not in said


@pytest.mark.parametrize("answer", [code(27, "cannot parse"), code(53), code(117, status=400), Answer(400), Answer(413)],
                         ids=lambda answer: f"{answer.status}-{answer.body[:9].decode()}")
def test_a_row_that_is_refused(answer):
    """It alone, by halves."""
    run, _ = made_run(300)
    bad = b'"pid":1003,'
    with Listener(lambda request: answer if bad in request.body and b"lifecycle_exec" in request.body else Answer()) as listener:
        said = feed(listener.url, run, options=",retry=10ms")
        rows = [row for row in merge(run) if (row["event"], row["pid"]) == ("exec", 1003)]
        all_, got = set(keys(sent(run)[0])), keys(listener.taken)
    assert all_ - set(got) == {(row["marker"], row["seq"]) for row in rows} and len(got) == len(all_) - len(rows)
    assert f"clickhouse: {len(rows)} refused for good with status {answer.status}" in said


@pytest.mark.parametrize("answer, hint", [(code(497, status=403), "create=false"), (code(62, status=400), "legacy=true"),
                                          (code(36), "36"), (Answer(501), "501")], ids=["denied", "old", "other", "none"])
def test_a_statement_that_is_refused_holds_back_its_rows(answer, hint):
    run = run_of()
    with Listener(answering(answer, where=b"CREATE TABLE")) as listener:
        said = feed(listener.url, run, options=",retry=10ms,end=60s")
        assert len(listener.others) == 2 and sorted(keys(listener.taken)) == sorted(keys(sent(run)[0]))
        assert hint in said and said.count("trying again") == 1
    with Listener(lambda request: Answer() if request.body.startswith(b"INSERT") else answer) as listener:
        said = feed(listener.url, run, options=",retry=10ms,end=100ms", code=1)
        assert not keys(listener.taken) and "not all was delivered" in said


@pytest.mark.parametrize("body", [b"", b"C", b"Code: ", b"Code: 99999999999999999999", bytes(range(256)) * 300, b"<html>"],
                         ids=["none", "cut", "no-number", "long", "all", "html"])
def test_answers_that_are_damaged(body):
    run = run_of()
    with Listener(answering(Answer(500, body))) as listener:
        said = feed(listener.url, run, options=",retry=10ms")
        assert sorted(keys(listener.taken)) == sorted(keys(sent(run)[0])) and "\0" not in said


def test_a_server_that_never_reads():
    with Deaf() as deaf:
        said = feed(deaf.url, run_of(), options=",timeout=100ms,retry=50ms,end=300ms", code=1)
    assert said.count("trying again") == 1 and "not all was delivered" in said


def test_events_that_are_called_alike():
    """Names of an unknown probe are taken as they are; those of common columns get another one."""
    requests, _ = sent(odd_run())
    text = next(text for text in statements(requests) if text.startswith("CREATE TABLE IF NOT EXISTS `collector`.`odd_thing`"))
    names = [line.split("`")[1] for line in text.splitlines() if line.startswith("    `")]
    assert len(names) == len(set(names)) and names[:3] == ["run", "host", "pipeline"]


# ---- followers ----

def follow(folder, url, state, options=""):
    return Following(folder, f"clickhouse:url={url}{options}", state)


def test_a_follower_delivers_a_run_that_goes_on():
    state = new_state()
    with Listener() as listener, Live() as live:
        live.tell("put 0 5", "flush")
        open_to_all(live.path)
        follower = follow(live.path, listener.url, state)
        wait_for(lambda: keys(listener.taken), "the first rows")
        live.tell("put 0 5", "flush")
        wait_for(lambda: len(keys(listener.taken)) >= 10, "the next rows")
        follower.end()
        assert len(set(keys(listener.taken))) == len(keys(listener.taken))


def test_a_follower_that_is_killed_loses_nothing():
    """At any time; what comes twice is the same row."""
    run, _ = made_run(1500)
    folder, state = new_folder(), new_state()
    add_run(folder, run)
    wanted = {(row["marker"], row["seq"]) for row in merge(run)}
    with Listener() as listener:
        for _ in range(4):
            count = len(listener.taken)
            follower = follow(folder, listener.url, state, ",batch=16KiB,rate=10000")
            wait_for(lambda count=count: is_saved(state, "run") or len(listener.taken) > count + 10, "some requests")
            follower.end(signal.SIGKILL)
        assert set(keys(listener.taken)) <= wanted
        follower = follow(folder, listener.url, state)
        wait_for(lambda: is_saved(state, "run"), "the cursor")
        follower.end()
        rows = {}
        for table in rows_sent(listener.taken).values():
            for row in table:
                assert rows.setdefault((row["marker"], row["seq"]), row) == row
    assert set(rows) == wanted


# ---- the real ones ----

def servers():
    yield pytest.param(True, marks=[pytest.mark.peer("clickhouse 18.16"), pytest.mark.skipif(
        not SERVER, reason="no clickhouse-server: tests/setup peers")], id="old")
    yield pytest.param(False, marks=[pytest.mark.peer("clickhouse"), pytest.mark.skipif(
        "SLOW_PEERS" not in os.environ, reason="the engine of today is large: make check-peers"), pytest.mark.skipif(
        not LIBRARY.exists(), reason="no chdb-core: tests/setup chdb")], id="today")


@pytest.fixture(scope="module", name="peer", params=servers())
def real_server(request):
    peer = Peer(request.param, new_folder(), (free_port(), free_port()))
    peer.start()
    wait_for(peer.is_up, "ClickHouse")
    peer.run("CREATE DATABASE t")
    yield peer
    peer.end(signal.SIGKILL)


def options_of(peer):
    return ",legacy=true" if peer.old else ""


def number(value):
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def tables_of(peer, database, columns):
    """As expected() has them: the old server has 0 and 1 for false and true."""
    found = {}
    for table in columns:
        rows = peer.ask(f"SELECT * FROM {database}.{table} FINAL ORDER BY ts, marker, seq")
        found[table] = [as_table(row) for row in rows]
    return {table: rows for table, rows in found.items() if rows}


def in_order(tables):
    return {name: sorted((flags_as_numbers(row) for row in rows), key=lambda row: (row.get("marker", ""), int(row["seq"])))
            for name, rows in tables.items()}


def flags_as_numbers(row):
    return {name: str(int(value)) if isinstance(value, bool) else value for name, value in row.items()}


def test_the_real_server_has_each_row_once(peer):
    run, _ = made_run(1500)
    options = f"{options_of(peer)},database=each"
    for _ in range(2):
        assert feed(peer.url, run, options=options) == ""
    wanted = in_order(expected(run))
    assert in_order(tables_of(peer, "each", wanted)) == wanted


def test_the_real_server_takes_what_is_hard_to_write_down(peer):
    run = odd_run()
    assert "clickhouse:" not in feed(peer.url, run, options=f"{options_of(peer)},database=odd")
    rows = of_tables(rows_sent(sent(run)[0]))
    assert in_order(tables_of(peer, "odd", rows)) == in_order(rows)


def test_the_real_server_and_a_follower_that_is_killed(peer):
    run, _ = made_run(1500)
    folder, state = new_folder(), new_state()
    add_run(folder, run)
    options = f"{options_of(peer)},database=killed"
    wanted = in_order(expected(run))

    def count():
        tables = peer.ask("SELECT name FROM system.tables WHERE database = 'killed' ORDER BY name")
        return sum(int(peer.ask(f"SELECT count() AS n FROM killed.{row['name']}")[0]["n"]) for row in tables)

    for _ in range(3):
        before = count()
        follower = follow(folder, peer.url, state, f"{options},batch=32KiB,rate=10000")
        wait_for(lambda before=before: is_saved(state, "run") or count() > before, "some rows")
        follower.end(signal.SIGKILL)
    assert count()
    # a server that stops for a while, and goes on
    peer.process.send_signal(signal.SIGSTOP)
    try:
        follower = follow(folder, peer.url, state, f"{options},timeout=1s")
        wait_for(lambda: "trying again" in follower.said.read_text(), "a failure")
    finally:
        peer.process.send_signal(signal.SIGCONT)
    wait_for(lambda: is_saved(state, "run"), "the cursor")
    follower.end()
    assert in_order(tables_of(peer, "killed", wanted)) == wanted


def test_the_real_server_without_tables(peer):
    said = feed(peer.url, run_of(), options=f"{options_of(peer)},database=none,create=false,retry=50ms,end=300ms", code=1)
    assert "create=true makes" in said and "not all was delivered" in said


def test_the_real_server_with_the_files(peer):
    """As an administrator makes the tables."""
    name = "legacy" if peer.old else "tables"
    text = (clickhouse_peer.FILES / f"{name}.sql").read_text()
    peer.run("CREATE DATABASE IF NOT EXISTS byhand")
    for statement in clickhouse_peer.statements_of(text):
        peer.run(statement.replace("IF NOT EXISTS ", "IF NOT EXISTS byhand."))
    run, _ = made_run(300)
    assert feed(peer.url, run, options=f"{options_of(peer)},database=byhand,create=false") == ""
    wanted = in_order(expected(run))
    assert in_order(tables_of(peer, "byhand", wanted)) == wanted


def test_tables_of_an_older_collector_get_new_columns(peer):
    if peer.old:
        pytest.skip("it cannot add a column that may be there")
    run, _ = made_run(300)
    feed(peer.url, run, options=",database=grown")
    peer.run("ALTER TABLE grown.cpu_exit DROP COLUMN run_delay_ns, DROP COLUMN cpu_ns")
    said = feed(peer.url, run, options=",database=grown,create=false,retry=50ms,end=300ms", code=1)
    assert "create=true adds" in said
    peer.run("TRUNCATE TABLE grown.cpu_exit")
    assert feed(peer.url, run, options=",database=grown") == ""
    wanted = in_order(expected(run))
    assert in_order(tables_of(peer, "grown", wanted)) == wanted


@pytest.mark.peer("clickhouse 18.16")
def test_the_real_server_asks_for_a_password(peer):
    if not peer.old:
        pytest.skip("the engine has no users")
    secret = new_folder() / "secret"
    secret.write_text("sesame\n")
    options = f",legacy=true,database=secret,user=ann,password_file={secret}"
    assert feed(peer.url, run_of(), options=options) == ""
    secret.write_text("wrong\n")
    said = feed(peer.url, run_of(), options=f"{options},retry=50ms,end=300ms", code=1)
    assert "Code: 193" in said and "trying again, slowly" in said and "wrong" not in said.replace("Wrong password", "")
