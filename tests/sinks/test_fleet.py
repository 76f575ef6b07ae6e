# SPDX-License-Identifier: BSD-2-Clause
"""Alerts and dashboards of conf/, by promtool, Grafana's SDK, a real Prometheus that has runs of two pipelines, and a real
ClickHouse that has a lake of runs."""
import json
import os
import re
import shutil
import signal
import subprocess

import pytest
import yaml
from clickhouse_peer import LIBRARY, Peer, statements_of
from harness import SRC, new_folder, stage, wait_for
from http_listener import free_port
from prometheus_peer import needs_prometheus, node_exporter, prometheus
from tables import needs_sink, run_merge, scripted_run
from test_engines import SLEEPER, lake_of_all, rounded
from test_prometheus import feed, run_of

ALERTS = SRC / "conf/prometheus/collector-alerts.yaml"
CASES = SRC / "conf/prometheus/collector-alerts.test.yaml"
DASHBOARDS = sorted((SRC / "conf/grafana").glob("*.json"))
FLEET, RUNS = (SRC / f"conf/grafana/{name}.json" for name in ("collector-fleet", "runs"))
METRICS = re.compile(r"\bcollector_\w+")
VARIABLES = {"$__rate_interval": "5m", "$__range": "1h", "$instance": ".*", "$pipeline": ".*"}


def panels(dashboard):
    return json.loads(dashboard.read_text())["panels"]


def expressions(dashboard):
    return [target["expr"] for panel in panels(dashboard) for target in panel["targets"]]


def promtool(*args):
    return subprocess.run(["promtool", *args], capture_output=True, text=True, check=False)


def every_metric():
    """By the file of a sink: names in its TYPE lines."""
    file = new_folder() / "collector.prom"
    feed(file, run_of())
    return set(re.findall(r"^# TYPE (\S+)", file.read_text(), re.M))


@pytest.mark.parametrize("text", [ALERTS.read_text(), "\n".join(expressions(FLEET))], ids=["alerts", "dashboard"])
def test_only_metrics_that_there_are(text):
    assert METRICS.findall(text)
    assert set(METRICS.findall(text)) <= every_metric()


@needs_prometheus
def test_promtool_accepts_the_alerts_and_their_cases():
    done = promtool("check", "rules", ALERTS)
    assert done.returncode == 0, done.stdout + done.stderr
    done = promtool("test", "rules", CASES)
    assert done.returncode == 0, done.stdout + done.stderr


@needs_prometheus
def test_each_alert_has_a_case():
    """The cases fail without it."""
    count = len(yaml.safe_load(ALERTS.read_text())["groups"][0]["rules"])
    assert count > 5
    for i in range(count):
        rules = yaml.safe_load(ALERTS.read_text())
        rules["groups"][0]["rules"][i]["expr"] = "vector(0) > 1"
        folder = new_folder()
        (folder / ALERTS.name).write_text(json.dumps(rules))
        shutil.copy(CASES, folder)
        assert promtool("test", "rules", folder / CASES.name).returncode != 0, rules["groups"][0]["rules"][i]["alert"]


@pytest.fixture(name="server", scope="module")
def a_server():
    """With the alerts, on a host that had a run that failed, of which events are missing, and one that succeeded."""
    file = new_folder() / "collector.prom"
    feed(file, run_of(("mapper", 900, 20, 0), ("sort", 100, 5, 1), ("caller", 50, 5, -9), code=1, lost=3))
    other = run_of(("mapper", 10, 1, 0), name="other")
    with node_exporter(file.parent) as address, prometheus([address], [ALERTS]) as server:
        server.wait('collector_runs{state="ended"}', 1)
        feed(file, other)
        server.wait('collector_runs{state="ended"}', 2)
        yield server


@pytest.mark.peer("prometheus")
@needs_prometheus
def test_alerts_fire(server):
    """The run that failed is the last to end. On a host that is up for more than a day, its made-up time is old."""
    expected = {"CollectorEventsLost", "CollectorPipelineFailed"}

    def firing():
        return {dict(labels)["alertname"] for labels in server.query('ALERTS{alertstate="firing"}')}

    wait_for(lambda: expected <= firing(), "the alerts")
    assert firing() - {"CollectorPipelineWithoutSuccess"} == expected


# what such a host has none of
EMPTY = {"Verdicts", "How far sinks are behind"}


@pytest.mark.peer("prometheus")
@needs_prometheus
def test_each_query_has_an_answer(server):
    for panel in panels(FLEET):
        for target in panel["targets"]:
            expression = target["expr"]
            for name, value in VARIABLES.items():
                expression = expression.replace(name, value)
            found = server.query(expression)
            assert bool(found) == (panel["title"] not in EMPTY), (panel["title"], expression)
            names = {name for labels in found for name, _ in labels}
            assert set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"])) <= names or not found, panel["title"]


@pytest.mark.parametrize("dashboard", DASHBOARDS, ids=lambda path: path.stem)
def test_panels_do_not_overlap(dashboard):
    taken = {}
    for panel in panels(dashboard):
        at = panel["gridPos"]
        assert at["x"] + at["w"] <= 24
        for x in range(at["x"], at["x"] + at["w"]):
            for y in range(at["y"], at["y"] + at["h"]):
                assert (x, y) not in taken, f"{panel['title']} over {taken[(x, y)]}"
                taken[(x, y)] = panel["title"]
    assert len({panel["id"] for panel in panels(dashboard)}) == len(panels(dashboard))


@pytest.mark.peer("grafana")
@pytest.mark.skipif("SLOW_PEERS" not in os.environ, reason="fetches and builds Grafana's SDK: make check-peers")
@pytest.mark.skipif(not shutil.which("go"), reason="no Go")
def test_the_sdk_of_grafana_accepts_them():
    """And refuses what it must refuse."""
    folder = new_folder()
    shutil.copytree(SRC / "tests/grafana", folder / "check")
    subprocess.run(["go", "build", "-o", folder / "checker", "."], cwd=folder / "check", check=True)
    done = subprocess.run([folder / "checker", *DASHBOARDS], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    for wrong in ('{"nosuch": 1}', '{"schemaVersion": "39"}', '{"panels": [{"type": "stat", "targets": 1}]}'):
        changed = json.loads(DASHBOARDS[0].read_text())
        changed.update(json.loads(wrong))
        (folder / "wrong.json").write_text(json.dumps(changed))
        assert subprocess.run([folder / "checker", folder / "wrong.json"], capture_output=True, check=False).returncode == 1, wrong


# ---- runs by SQL ----

# Types that the plugin makes fields of: numbers, texts, and times with a zone
FIELD = r"(Nullable\()?(String|U?Int(8|16|32|64)|Float64|Bool|DateTime64\(6, 'UTC'\))\)?"
ALL = {"pipeline": ["$__all"]}
# Panels of a run, the named query that has their figures, and what is called otherwise there
OF_A_RUN = {"Steps": "steps", "What failed": "failed", "Verdicts": "verdicts", "Longest programs": "slowest",
            "Largest programs": "memory"}
NAMES = {"wall": "wall_ns", "longest": "longest_ns", "cpu": "cpu_ns", "largest": "largest_bytes", "together": "together_bytes",
         "peak": "peak_rss_bytes", "sampled_peak": "sampled_rss_bytes"}
TRENDS = {"Wall time of steps": "sum(wall_ns)", "CPU time of steps": "sum(cpu_ns)", "Peak memory of steps": "max(peak_rss_bytes)"}


def quoted(values):
    """As Grafana's format singlequote: it escapes nothing but the quote."""
    return ",".join("'" + value.replace("'", "\\'") + "'" for value in values)


def expanded(sql, chosen, span):
    """What the plugin sends: its macros and Grafana's variables, as both document them."""
    since, until = (f"toDateTime({seconds})" for seconds in span)
    sql = re.sub(r"\$__conditionalAll\((.*), \$(\w+)\)", lambda m: "1=1" if chosen[m[2]] == ["$__all"] else m[1], sql)
    sql = re.sub(r"\$\{(\w+):singlequote\}", lambda m: quoted(chosen[m[1]]), sql)
    sql = re.sub(r"\$__timeFilter\(([\w.]+)\)", rf"\1 >= {since} AND \1 <= {until}", sql)
    assert "$" not in sql, sql
    return sql


def variable_query(name):
    return next(v["query"]["rawSql"] for v in json.loads(RUNS.read_text())["templating"]["list"] if v["name"] == name)


def query_of(title):
    panel, = [panel for panel in panels(RUNS) if panel["title"].startswith(title)]
    target, = panel["targets"]
    return target["rawSql"]


class Lake:
    """Of runs, one pipeline twice, with ClickHouse over it, and collector-query."""

    def __init__(self):
        self.folder = lake_of_all()
        run_merge("-s", "parquet:partition=true", "-o", self.folder / "lake", scripted_run(SLEEPER, name="again"))
        self.peer = Peer(False, self.folder, (free_port(), 0))
        self.peer.start()
        wait_for(self.peer.is_up, "ClickHouse")
        for statement in statements_of((SRC / "conf/clickhouse/lake.sql").read_text()):
            self.peer.run(statement)
        self.peer.run("SET output_format_json_quote_64bit_integers = 0")
        self.span, = self.peer.ask("SELECT toUnixTimestamp(min(began)) AS since, toUnixTimestamp(max(began)) + 1 AS until "
                                   "FROM lake.runs")

    def ask(self, sql, chosen, span=None):
        return self.peer.ask(expanded(sql, chosen, span or self.span.values()))

    def types(self, sql, chosen):
        rows = self.peer.ask(f"DESCRIBE ({expanded(sql, chosen, self.span.values())})")
        return {row["name"]: row["type"] for row in rows}

    def runs(self):
        return [row["value"] for row in self.ask(variable_query("run"), ALL)]

    def collector_query(self, query, run=None):
        """Of the lake, or of one run's files."""
        lake = self.folder / "lake"
        if run:
            host, name = run.split("/")
            lake = new_folder() / "lake"
            for file in (self.folder / "lake").glob(f"*/*/{name}.{host}.parquet"):
                to = lake / file.relative_to(self.folder / "lake")
                to.parent.mkdir(parents=True)
                shutil.copy(file, to)
        done = subprocess.run([stage() / "collector-query", "--plugin-dir", stage(), "--queries", SRC / "conf/queries",
                               "-F", "jsonl", lake, query], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture(name="lake", scope="module")
def a_lake():
    if "SLOW_PEERS" not in os.environ:
        pytest.skip("the engine is large: make check-peers")
    if not LIBRARY.exists():
        pytest.skip("no chdb-core: tests/setup chdb")
    found = Lake()
    yield found
    found.peer.end(signal.SIGKILL)


@pytest.mark.peer("clickhouse dashboard")
@needs_sink
def test_the_list_of_runs(lake):
    rows = lake.ask(query_of("Runs"), ALL)
    assert [row["chosen"] for row in rows] == lake.runs() and len(rows) == 4
    ours = lake.collector_query("SELECT run, host, pipeline, user, state, result, exit_code, wall_ns AS wall, cpu_ns AS cpu, "
                                "core_hours, processes, failed, hidden, lost FROM runs ORDER BY began DESC, host, run")
    assert [rounded(row, ours[0]) for row in rows] == [rounded(row, row) for row in ours]
    assert any(row["hidden"] for row in rows) and any(row["lost"] for row in rows)
    assert lake.ask(query_of("Runs"), ALL, (0, 1)) == []
    pipeline = rows[-1]["pipeline"]
    some = lake.ask(query_of("Runs"), {"pipeline": [pipeline]})
    assert some == [row for row in rows if row["pipeline"] == pipeline] and 0 < len(some) < len(rows)


@pytest.mark.peer("clickhouse dashboard")
@needs_sink
def test_panels_of_a_run(lake):
    """What collector-query says of the run alone, each panel of one run at least."""
    filled = set()
    for run in lake.runs():
        for title, name in OF_A_RUN.items():
            theirs = lake.ask(query_of(title), {"run": [run]})
            ours = lake.collector_query(name, run)
            assert len(ours) == len(theirs), (run, title)
            for row, other in zip(ours, theirs):
                other = {NAMES.get(name, name): value for name, value in other.items() if name not in ("began", "since", "ended")}
                same = {name: row[name] for name in other if name in row}
                assert len(same) >= 6 and same.items() <= other.items(), (run, title)
            filled.update([title] if theirs else [])
    assert filled == set(OF_A_RUN)


@pytest.mark.peer("clickhouse dashboard")
@needs_sink
def test_trends(lake):
    """Of each run, of the greatest steps alone."""
    for title, figure in TRENDS.items():
        sql = query_of(title)
        assert sql.count("LIMIT 10)") == 1
        ours = lake.collector_query(f"SELECT {figure} AS figure, concat(pipeline, ': ', step) AS step FROM steps "
                                    "GROUP BY run, host, pipeline, step")
        by_size = sorted(ours, key=lambda row: row["figure"] or 0, reverse=True)
        for most in 10, 2:
            rows = lake.ask(sql.replace("LIMIT 10)", f"LIMIT {most})"), ALL)
            steps = {row["step"] for row in by_size[:2]} if most == 2 else {row["step"] for row in ours}
            assert (sorted(str((row["step"], list(row.values())[2])) for row in rows) ==
                    sorted(str((row["step"], row["figure"])) for row in ours if row["step"] in steps)), title
    rows = lake.ask(query_of("Wall time of runs"), ALL)
    assert len(rows) == 4 and len({row["pipeline"] for row in rows}) < 4


@pytest.mark.peer("clickhouse dashboard")
@needs_sink
def test_fields_as_grafana_takes_them(lake):
    """Time series: time, label, number, in order of time. All: types that fields are made of; overrides name columns."""
    chosen = {**ALL, "run": lake.runs()[:1]}
    assert f"/d/{json.loads(RUNS.read_text())['uid']}?" in RUNS.read_text(), "the link of a run"
    for panel in panels(RUNS):
        target, = panel["targets"]
        types = lake.types(target["rawSql"], chosen)
        assert all(re.fullmatch(FIELD, type_) for type_ in types.values()), types
        for override in panel["fieldConfig"]["overrides"]:
            assert override["matcher"]["options"] in types, panel["title"]
        assert target["format"] == (panel["type"] != "timeseries")
        if panel["type"] == "timeseries":
            (time, when), (label, text), (_, number) = types.items()
            assert time == "time" and "DateTime64" in when and "String" in text and "Int64" in number
            assert panel["fieldConfig"]["defaults"]["displayName"] == f"${{__field.labels.{label}}}"
            times = [row["time"] for row in lake.ask(target["rawSql"], chosen)]
            assert times == sorted(times) and all(times)


@pytest.mark.peer("clickhouse dashboard")
@needs_sink
def test_names_cannot_become_sql(lake):
    """Of pipelines and runs: Grafana escapes quotes, the variables' values the rest."""
    hard = "a\\' OR 1=1 -- "
    literal = hard.replace("\\", "\\\\").replace("'", "\\'")
    lake.peer.run(f"CREATE VIEW lake.hard AS SELECT r.* REPLACE (if(r.pipeline = 'odd', r.pipeline, '{literal}') AS pipeline, "
                  f"if(r.pipeline = 'odd', r.run, '{literal}') AS run) FROM lake.runs AS r")
    listed = lake.ask(variable_query("pipeline").replace("lake.runs", "lake.hard"), ALL)
    value, = [row["value"] for row in listed if row["text"] == hard]
    rows = lake.ask(query_of("Runs").replace("lake.runs", "lake.hard"), {"pipeline": [value]})
    assert len(rows) == 3 and {row["pipeline"] for row in rows} == {hard}
    sql = query_of("Steps").replace("lake.steps", "lake.hard")
    where = sql[sql.rindex("WHERE"):sql.rindex("GROUP BY")]
    rows = lake.ask(f"SELECT s.run AS run FROM lake.hard AS s {where}", {"run": [rows[0]["chosen"]]})
    assert len(rows) == 3 and {row["run"] for row in rows} == {hard}
