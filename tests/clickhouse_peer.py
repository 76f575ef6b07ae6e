# SPDX-License-Identifier: BSD-2-Clause
"""What was sent to ClickHouse, and the real ones: Debian's server, which is an old one, and the engine of today in a process
behind a small server (PyPI's chdb-core)."""
import contextlib
import json
import re
import shutil
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

HOST = "127.0.0.1"
FILES = Path(__file__).resolve().parent.parent / "conf/clickhouse"
LIBRARY = Path("/usr/local/lib/collector-tests/chdb")
SERVER = shutil.which("clickhouse-server")
INSERT = re.compile(r"INSERT INTO `(\w+)`\.`(\w+)`(?: SETTINGS (.*))? FORMAT JSONEachRow")


class Insert:
    def __init__(self, body):
        head, _, rest = body.decode().partition("\n")
        self.database, self.table, settings = INSERT.fullmatch(head).groups()
        self.settings = dict(re.findall(r"(\w+) = ([^,]*)", settings or ""))
        self.rows = [json.loads(line) for line in rest.splitlines()]

    @property
    def token(self):
        return self.settings["insert_deduplication_token"].strip("'")


def inserts(requests):
    return [Insert(request.body) for request in requests if request.body.startswith(b"INSERT")]


def statements(requests):
    return [request.body.decode() for request in requests if not request.body.startswith(b"INSERT")]


def rows_sent(requests):
    """By table, in order."""
    tables = {}
    for insert in inserts(requests):
        tables.setdefault(insert.table, []).extend(insert.rows)
    return tables


def statements_of(file):
    """Of a file for clickhouse-client."""
    text = "\n".join(line for line in file.splitlines() if not line.startswith("--"))
    return [statement.strip() for statement in f"{text}\n".split(";\n") if statement.strip()]


# ---- the real ones ----

CONFIG = """<yandex>
<logger><level>warning</level><log>{folder}/log</log><errorlog>{folder}/errors</errorlog></logger>
<http_port>{port}</http_port><tcp_port>{tcp}</tcp_port><listen_host>{host}</listen_host>
<path>{folder}/data/</path><tmp_path>{folder}/tmp/</tmp_path><users_config>users.xml</users_config>
<mark_cache_size>5368709120</mark_cache_size><default_profile>default</default_profile>
</yandex>"""
USERS = """<yandex><profiles><default></default></profiles><quotas><default></default></quotas><users>
<default><password></password><networks><ip>::/0</ip></networks><profile>default</profile><quota>default</quota></default>
<ann><password>sesame</password><networks><ip>::/0</ip></networks><profile>default</profile><quota>default</quota></ann>
</users></yandex>"""


class Peer:
    """Of Debian: `old`; else of today."""

    def __init__(self, old, folder, ports):
        self.old, self.folder = old, folder
        self.port, tcp = ports
        self.url = f"http://{HOST}:{self.port}"
        self.process = None
        if old:
            (folder / "config.xml").write_text(CONFIG.format(folder=folder, host=HOST, port=self.port, tcp=tcp))
            (folder / "users.xml").write_text(USERS)
            self.line = [SERVER, f"--config-file={folder}/config.xml"]
        else:
            self.line = [sys.executable, __file__, str(self.port), folder / "data"]

    def start(self):
        with (self.folder / "said").open("ab") as said:
            self.process = subprocess.Popen(self.line, cwd=self.folder, stdout=said, stderr=said)

    def is_up(self):
        with contextlib.suppress(OSError, urllib.error.URLError):
            return self.ask("SELECT 1 AS one") == [{"one": 1}]
        return False

    def end(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        self.process.wait()

    def ask(self, query):
        """Rows."""
        body = f"{query} FORMAT JSONEachRow".encode()
        with urllib.request.urlopen(urllib.request.Request(self.url, body), timeout=60) as answer:
            return [json.loads(line) for line in answer.read().decode().splitlines()]

    def run(self, statement):
        with urllib.request.urlopen(urllib.request.Request(self.url, statement.encode()), timeout=60) as answer:
            answer.read()


class Engine(BaseHTTPRequestHandler):
    """One request after the other to chdb, with the statuses of the server."""
    protocol_version = "HTTP/1.1"
    statuses = {"60": 404, "81": 404, "62": 400, "117": 400, "27": 400, "26": 400, "6": 400, "41": 400, "50": 400}

    def do_POST(self):
        # pylint: disable=import-outside-toplevel
        import gzip
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        try:
            status, answer = 200, bytes(self.server.session.query(body.decode(), "JSONEachRow").bytes() or b"")
        except Exception as error:  # pylint: disable=broad-exception-caught
            answer = str(error).encode()
            code = re.match(r"Code: (\d+)", str(error))
            status = self.statuses.get(code.group(1) if code else "", 500)
        self.send_response(status)
        self.send_header("Content-Length", str(len(answer)))
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        pass


def main():
    sys.path.insert(0, str(LIBRARY))
    from chdb.session import Session  # pylint: disable=import-error,import-outside-toplevel
    server = HTTPServer((HOST, int(sys.argv[1])), Engine)
    server.session = Session(sys.argv[2])
    server.serve_forever()


if __name__ == "__main__":
    main()
