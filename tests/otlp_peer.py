# SPDX-License-Identifier: BSD-2-Clause
"""Decodes OTLP by the official definitions, and runs a real OpenTelemetry Collector."""
import contextlib
import json
import os
import shutil
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from harness import new_folder, wait_for
from http_listener import HOST, certificate, free_port

LIBRARY = Path("/usr/local/lib/collector-tests/otlp")
VERSION = "v0.161.0"
CORE, CONTRIB = "go.opentelemetry.io/collector/", "github.com/open-telemetry/opentelemetry-collector-contrib/"
PARTS = {"receivers": [CORE + "receiver/otlpreceiver", CONTRIB + "receiver/fluentforwardreceiver"],
         "processors": [CORE + "processor/memorylimiterprocessor"],
         "exporters": [CORE + "exporter/debugexporter", CONTRIB + "exporter/fileexporter"],
         "extensions": [CONTRIB + "extension/healthcheckextension", CONTRIB + "extension/bearertokenauthextension"]}
needs_proto = pytest.mark.skipif(not LIBRARY.exists(), reason="no opentelemetry-proto: tests/setup peers")


def official():
    """The messages of requests by their paths, and those of answers."""
    if str(LIBRARY) not in sys.path:
        sys.path.append(str(LIBRARY))
    # pylint: disable=import-error,import-outside-toplevel
    from opentelemetry.proto.collector.logs.v1 import logs_service_pb2 as logs
    from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2 as metrics
    from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as traces
    return ({"/v1/traces": traces.ExportTraceServiceRequest, "/v1/logs": logs.ExportLogsServiceRequest,
             "/v1/metrics": metrics.ExportMetricsServiceRequest}, traces.ExportTraceServiceResponse)


def plain(value):
    """An AnyValue."""
    kind = value.WhichOneof("value")
    return [plain(v) for v in value.array_value.values] if kind == "array_value" else getattr(value, kind)


def attributes(message):
    found = {pair.key: plain(pair.value) for pair in message.attributes}
    assert len(found) == len(message.attributes), "a key twice"
    return found


class Decoded:
    """Spans, log records and metrics of what a listener took: (attributes of the resource, message)."""

    def __init__(self, requests):
        requests = list(requests)
        kinds, _ = official()
        self.spans, self.logs, self.metrics = [], [], []
        for request in requests:
            assert request.headers["Content-Type"] == "application/x-protobuf"
            message = kinds[request.path]()
            message.ParseFromString(request.body)
            for outer, inner, items, out in (("resource_spans", "scope_spans", "spans", self.spans),
                                             ("resource_logs", "scope_logs", "log_records", self.logs),
                                             ("resource_metrics", "scope_metrics", "metrics", self.metrics)):
                for resource in getattr(message, outer, []):
                    shared = attributes(resource.resource)
                    for scope in getattr(resource, inner):
                        assert scope.scope.name == "collector"
                        out += [(shared, item) for item in getattr(scope, items)]
            # the definitions know all that was sent
            assert not unknown(message)

    def by_name(self):
        """{name: span}; one of a name."""
        found = {span.name: span for _, span in self.spans}
        assert len(found) == len(self.spans)
        return found


def unknown(message):
    again = type(message)()
    again.CopyFrom(message)
    again.DiscardUnknownFields()
    return again.SerializeToString() != message.SerializeToString()


# ---- the real one ----

def build_collector():
    """Its program, built once for all runs of the tests; None: it cannot be had."""
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "collector-tests" / f"otelcol-{VERSION}-forward"
    program = folder / "out" / "otelcol"
    if program.exists():
        return program
    if not shutil.which("go"):
        return None
    folder.mkdir(parents=True, exist_ok=True)
    lines = [f"dist: {{name: otelcol, output_path: {folder / 'out'}}}"]
    for kind, modules in PARTS.items():
        lines += [f"{kind}:", *(f"  - gomod: {module} {VERSION}" for module in modules)]
    (folder / "b.yaml").write_text("\n".join(lines))
    env = {**os.environ, "CGO_ENABLED": "0", "GOBIN": str(folder / "bin")}
    for line in (["go", "install", f"{CORE}cmd/builder@{VERSION}"], [folder / "bin/builder", "--config", folder / "b.yaml"]):
        done = subprocess.run(line, cwd=folder, env=env, capture_output=True, text=True, check=False)
        if done.returncode:
            print(done.stderr[-2000:])
            return None
    return program


CONFIG = """
extensions:
  health_check: {{endpoint: "{host}:{health}"}}
  bearertokenauth: {{scheme: Bearer, token: sesame}}
receivers:
  otlp: {{protocols: {{http: {{endpoint: "{host}:{port}"}}}}}}
  otlp/tls: {{protocols: {{http: {{endpoint: "{host}:{tls}", auth: {{authenticator: bearertokenauth}},
    max_request_body_size: 50000, tls: {{cert_file: {cert}, key_file: {key}}}}}}}}}
  fluentforward: {{endpoint: "{host}:{forward}"}}
exporters:
  file/traces: {{path: {folder}/traces.json, flush_interval: 100ms, append: true}}
  file/logs: {{path: {folder}/logs.json, flush_interval: 100ms, append: true}}
  file/metrics: {{path: {folder}/metrics.json, flush_interval: 100ms, append: true}}
service:
  extensions: [health_check, bearertokenauth]
  telemetry: {{metrics: {{level: none}}}}
  pipelines:
    traces: {{receivers: [otlp, otlp/tls], exporters: [file/traces]}}
    logs: {{receivers: [otlp, otlp/tls, fluentforward], exporters: [file/logs]}}
    metrics: {{receivers: [otlp, otlp/tls], exporters: [file/metrics]}}
"""


class Peer:
    def __init__(self, program):
        self.program, self.folder = program, new_folder()
        self.ports = {name: free_port() for name in ("port", "tls", "health", "forward")}
        self.url, self.secure = f"http://{HOST}:{self.ports['port']}", f"https://{HOST}:{self.ports['tls']}"
        key, cert = certificate()
        config = self.folder / "c.yaml"
        config.write_text(CONFIG.format(host=HOST, key=key, cert=cert, folder=self.folder, **self.ports))
        self.line = [program, "--config", config]
        self.process = None

    def start(self):
        self.process = subprocess.Popen(self.line, stderr=(self.folder / "log").open("ab"), stdout=subprocess.DEVNULL)
        wait_for(self.is_up, "the OpenTelemetry Collector")

    def is_up(self):
        with contextlib.suppress(OSError, urllib.error.URLError):
            with urllib.request.urlopen(f"http://{HOST}:{self.ports['health']}", timeout=5) as answer:
                return answer.status == 200
        return False

    def end(self):
        """It writes what it has taken."""
        self.process.terminate()
        self.process.wait()

    def ids(self):
        """The ids of all spans that it wrote, in order."""
        file, found = self.folder / "traces.json", []
        for line in file.read_text().splitlines() if file.exists() else []:
            with contextlib.suppress(json.JSONDecodeError):  # the last one, of a killed writer
                found += [span["spanId"] for resource in json.loads(line)["resourceSpans"]
                          for scope in resource["scopeSpans"] for span in scope["spans"]]
        return found

    def log_records(self):
        """The attributes of those that it wrote, in order, and `at`: their time."""
        file, found = self.folder / "logs.json", []
        for line in file.read_text().splitlines() if file.exists() else []:
            with contextlib.suppress(json.JSONDecodeError):
                found += [{"at": int(log["timeUnixNano"]), **{pair["key"]: next(iter(pair["value"].values()), None)
                                                               for pair in log["attributes"]}}
                          for resource in json.loads(line)["resourceLogs"] for scope in resource["scopeLogs"]
                          for log in scope["logRecords"]]
        return found


def started():
    """For a fixture: the real one while the tests of a file run, or the reason why not."""
    if "SLOW_PEERS" not in os.environ:
        pytest.skip("fetches and builds the OpenTelemetry Collector: make check-peers")
    program = build_collector()
    if not program:
        pytest.skip("no Go, or its modules cannot be had")
    peer = Peer(program)
    peer.start()
    yield peer
    peer.end()
