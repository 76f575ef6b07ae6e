# SPDX-License-Identifier: BSD-2-Clause
"""The real Trino (from Maven; it needs Java 25 or later), and SQL by its protocol."""
import functools
import json
import os
import re
import subprocess
import urllib.request
from pathlib import Path

from harness import SRC, wait_for

JARS = Path("/usr/local/lib/collector-tests/trino-483/lib")
JAVA = 25


@functools.cache
def java():
    """The path of a Java that is new enough."""
    homes = [Path(os.environ.get("JAVA_HOME", "/usr")), Path("/usr"), *Path("/usr/lib/jvm").glob("*")]
    for place in filter(Path.exists, (home / "bin/java" for home in homes)):
        said = subprocess.run([place, "-version"], capture_output=True, text=True, check=False).stderr
        version = re.search(r'version "(\d+)', said)
        if version and int(version.group(1)) >= JAVA:
            return place
    return None


def why_not_trino():
    if not (JARS.parent / ".installed").exists():
        return "no Trino: tests/setup trino"
    return None if java() else f"no Java {JAVA} or later for Trino: in JAVA_HOME, /usr/bin or /usr/lib/jvm"


class Trino:
    """A server over the files of a folder, with its metastore in there; a context."""
    def __init__(self, folder):
        self.folder, self.said, self.session = folder, folder / "trino.said", {}
        self.server = self.url = None

    def __enter__(self):
        with self.said.open("wb") as said:
            self.server = subprocess.Popen(
                [java(), "-Xmx2g", "--add-modules", "jdk.incubator.vector", "-cp", f"{JARS}/*",
                 SRC / "tests/sinks/Serve.java", self.folder],
                cwd=self.folder, stdin=subprocess.PIPE, stdout=said, stderr=subprocess.STDOUT)
        try:
            self.url = wait_for(self.served, "Trino serves", 120)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.server.kill()
        self.server.wait()
        self.server.stdin.close()

    def served(self):
        text = self.said.read_text(errors="replace")
        assert self.server.poll() is None, text[-3000:]
        found = re.search(r"^serves (\S+)\n", text, re.M)
        return found and found.group(1)

    def request(self, url, sql=None):
        headers = {"X-Trino-User": "test", "X-Trino-Catalog": "hive", "X-Trino-Schema": "lake", "X-Trino-Time-Zone": "UTC",
                   "X-Trino-Client-Capabilities": "PARAMETRIC_DATETIME",
                   "X-Trino-Session": ",".join(f"{name}={value}" for name, value in self.session.items())}
        request = urllib.request.Request(url, data=sql and sql.encode(), headers=headers)
        with urllib.request.urlopen(request, timeout=120) as answer:
            for word in answer.headers.get_all("X-Trino-Set-Session") or []:
                self.session.update([word.split("=", 1)])
            return json.load(answer)

    def run(self, sql):
        """Rows of a statement, as objects."""
        answer, names, rows = self.request(f"{self.url}/v1/statement", sql), [], []
        while True:
            assert "error" not in answer, (sql[:200], answer["error"]["message"])
            names = [column["name"] for column in answer.get("columns", [])] or names
            rows += answer.get("data", [])
            if "nextUri" not in answer:
                return [dict(zip(names, row)) for row in rows]
            answer = self.request(answer["nextUri"])
