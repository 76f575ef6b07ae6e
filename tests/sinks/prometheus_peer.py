# SPDX-License-Identifier: BSD-2-Clause
"""A real Prometheus and a real node_exporter, for as long as a test needs them."""
import contextlib
import json
import shutil
import subprocess
import urllib.error
import urllib.parse
import urllib.request

import pytest
from harness import new_folder, wait_for
from http_listener import free_port

needs_prometheus = pytest.mark.skipif(not shutil.which("prometheus") or not shutil.which("promtool") or
                                      not shutil.which("prometheus-node-exporter"),
                                      reason="no Prometheus or no node_exporter: tests/setup peers")


def fetch(url):
    with urllib.request.urlopen(url, timeout=30) as answer:
        return answer.read().decode()


def answers(url):
    try:
        return fetch(url)
    except (OSError, urllib.error.URLError):
        return None


@contextlib.contextmanager
def started(line, url):
    """A server, from when it answers; it ends with the block."""
    log = new_folder() / "log"
    with log.open("wb") as out, subprocess.Popen(line, stdout=out, stderr=out) as process:
        try:
            wait_for(lambda: process.poll() is not None or answers(url), f"{line[0]} answers")
            assert process.poll() is None, log.read_text()
            yield
        finally:
            process.kill()


@contextlib.contextmanager
def node_exporter(folder):
    """Serves the *.prom files of the folder alone; its address."""
    address = f"127.0.0.1:{free_port()}"
    with started(["prometheus-node-exporter", "--collector.disable-defaults", "--collector.textfile",
                  f"--collector.textfile.directory={folder}", f"--web.listen-address={address}"], f"http://{address}/metrics"):
        yield address


class Prometheus:
    """Asks a running server."""

    def __init__(self, address):
        self.address = address

    def query(self, expression, at=None):
        """{labels: value} of an instant query; labels without __name__, job, instance."""
        query = urllib.parse.urlencode({"query": expression, **({"time": at} if at else {})})
        try:
            answer = json.loads(fetch(f"http://{self.address}/api/v1/query?{query}"))
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{expression}: {error.read().decode()}") from error
        assert answer["status"] == "success", answer
        if answer["data"]["resultType"] != "vector":
            return answer["data"]["result"]
        own = ("__name__", "job", "instance")
        return {tuple(sorted((k, v) for k, v in one["metric"].items() if k not in own)): float(one["value"][1])
                for one in answer["data"]["result"]}

    def wait(self, expression, value):
        """Until the query of one series has this value; more than one scrape."""
        return wait_for(lambda: list(self.query(expression).values()) == [value], f"{expression} == {value}")


@contextlib.contextmanager
def prometheus(targets=(), rules=()):
    folder, address = new_folder(), f"127.0.0.1:{free_port()}"
    config = {"global": {"scrape_interval": "200ms", "evaluation_interval": "200ms"}, "rule_files": [str(r) for r in rules],
              "scrape_configs": [{"job_name": "collector", "static_configs": [{"targets": list(targets)}]}]}
    (folder / "prometheus.yml").write_text(json.dumps(config))  # JSON is YAML
    with started(["prometheus", f"--config.file={folder / 'prometheus.yml'}", f"--storage.tsdb.path={folder / 'data'}",
                  f"--web.listen-address={address}", "--log.level=warn"], f"http://{address}/-/ready"):
        yield Prometheus(address)
