# SPDX-License-Identifier: BSD-2-Clause
"""conf/clickhouse.yaml: events of real processes become rows, through the follower that the run starts; and conf/clickhouse has
the tables of all probes."""
import re
import subprocess

import pytest
from clickhouse_peer import FILES, rows_sent, statements, statements_of
from harness import BUILD, SRC, collector
from http_listener import Deaf, Listener

pytestmark = pytest.mark.skipif(not (BUILD / "sinks/clickhouse.so").exists(), reason="built without libcurl")
EXAMPLE = (SRC / "conf/clickhouse.yaml").read_text()
PROBES = sorted(path.name for path in (SRC / "probes").iterdir() if path.is_dir())
HEAD = {
    "tables": "The tables of the sink clickhouse, which makes them itself unless create=false. For a cluster, add ON CLUSTER and "
              "use\n-- ReplicatedReplacingMergeTree; for an end of old rows, add TTL toDateTime(time) + INTERVAL 90 DAY.",
    "legacy": "The tables of the sink clickhouse for servers before 22.2 (clickhouse:legacy=true): times are texts, UTC.",
}


def watch(config, *command):
    line, _ = collector(config=config)
    return subprocess.run([*line, "--", *command], capture_output=True, text=True, check=False)


def test_real_processes():
    with Listener() as listener:
        done = watch(EXAMPLE.replace("http://localhost:8123", listener.url), "sh", "-c", "sh -c 'exit 7'; exit 3")
        assert done.returncode == 3, done.stderr
        tables = rows_sent(listener.taken)
    codes = {row["exit_code"] for row in tables["lifecycle_exit"]}
    assert {3, 7} <= codes and all(row["pipeline"] == "variant-calling" for row in tables["lifecycle_exit"])
    pids = {row["pid"] for row in tables["lifecycle_exit"]}
    assert {row["pid"] for row in tables["cpu_exit"]} == pids == {row["pid"] for row in tables["mem_exit"]}
    keys = [(row["marker"], row["seq"]) for rows in tables.values() for row in rows]
    assert len(keys) == len(set(keys))


def test_a_server_that_never_reads_holds_up_the_end_only_for_its_limit():
    with Deaf() as deaf:
        config = EXAMPLE.replace("http://localhost:8123", deaf.url).replace("database: collector",
                                                                           "timeout: 200ms\n    end: 500ms")
        done = watch(config, "true")
    assert done.returncode == 0 and "not all was delivered" in done.stderr


@pytest.mark.parametrize("name", HEAD)
def test_the_files_have_all_tables(name):
    with Listener() as listener:
        probes = "\n".join(f"  {probe}: {{required: true}}" for probe in PROBES)
        config = f"probes:\n{probes}\nsinks:\n  clickhouse: {{url: '{listener.url}', legacy: {str(name == 'legacy').lower()}}}\n"
        done = watch(config, "true")
        assert done.returncode == 0, done.stderr
        sent = sorted(text.replace("`collector`.", "") for text in statements(listener.taken) if text.startswith("CREATE TABLE"))
    text = (FILES / f"{name}.sql").read_text()
    wanted = f"-- {HEAD[name]}\n--\n--   clickhouse-client --database collector --multiquery <{name}.sql\n\n" \
        + "\n".join(f"{statement};\n" for statement in sent)
    assert len(sent) > 20 and sorted(statements_of(text)) == sent
    assert re.sub(r"\s+", " ", text) == re.sub(r"\s+", " ", wanted)
