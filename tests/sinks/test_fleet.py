# SPDX-License-Identifier: BSD-2-Clause
"""Alerts and the dashboard of conf/, by promtool, Grafana's SDK and a real Prometheus that has runs of two pipelines."""
import json
import os
import re
import shutil
import subprocess

import pytest
import yaml
from harness import SRC, new_folder, wait_for
from prometheus_peer import needs_prometheus, node_exporter, prometheus
from test_prometheus import feed, run_of

ALERTS = SRC / "conf/prometheus/collector-alerts.yaml"
CASES = SRC / "conf/prometheus/collector-alerts.test.yaml"
DASHBOARDS = sorted((SRC / "conf/grafana").glob("*.json"))
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


@pytest.mark.parametrize("text", [ALERTS.read_text(), *("\n".join(expressions(d)) for d in DASHBOARDS)], ids=["alerts", "dashboard"])
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
@pytest.mark.parametrize("dashboard", DASHBOARDS, ids=lambda path: path.stem)
def test_each_query_has_an_answer(server, dashboard):
    for panel in panels(dashboard):
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
