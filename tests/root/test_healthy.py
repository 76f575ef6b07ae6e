# SPDX-License-Identifier: BSD-2-Clause
"""Healthy work looks like what is wrong: it waits, computes, starts very many processes, tries what fails. By limits of
seconds instead of minutes, no verdict is about it and no failure is hidden. `make check-healthy` also builds, tests and
compares three projects, by their sources from Debian."""
import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from harness import SRC, collect, merge, new_folder

CONFIG = """
probes:
  lifecycle: {required: true, exec_failed: true}
  cpu: {interval: 500ms}
  mem: {interval: 500ms}
  io: {interval: 500ms}
  stall: {interval: 500ms, after: 2s}
  output: {writes: true}
verdicts: {after: 2s}
"""
# True of a machine that does other work too
OF_THE_MACHINE = {"throttled", "straggler"}

SORT = r"""
import random
random.seed(1)
print("@HD\tVN:1.6\n@SQ\tSN:c\tLN:1000000")
for i in range(200000):
    print(f"r{i}", 0, "c", random.randrange(1, 900000), 60, "20M", "*", 0, 0, "ACGT" * 5, "I" * 20, sep="\t")
"""
# A server that waits, its client that comes now and then, and the end of the server when there is no more to do
SERVER = r"""
import os, signal, socket, time
listening = socket.create_server(("127.0.0.1", 0))
server = os.fork()
if not server:
    while True:
        client, _ = listening.accept()
        client.sendall(client.recv(100))
        client.close()
for _ in range(3):
    time.sleep(1.5)
    with socket.create_connection(listening.getsockname()) as client:
        client.sendall(b"?")
        assert client.recv(100) == b"?"
os.kill(server, signal.SIGTERM)
os.wait()
"""
POOL = "import multiprocessing, time; p = multiprocessing.Pool(4); p.map(time.sleep, [.5] * 24); p.close(); p.join()"
SORTED = f"set -eo pipefail; /usr/bin/python3 -c '{SORT}' | samtools view -b - | samtools sort -@ 2 -m 20M -o sorted.bam -"
WORK = {
    "sleeps": ("bash", "-c", "for i in $(seq 1000); do sleep 4 & done; wait"),
    "server": ("/usr/bin/python3", "-c", SERVER),
    "pool": ("/usr/bin/python3", "-c", POOL),
    "shell": ("sh", "-c", "(sleep 4; echo ls; sleep 1; echo exit) | script -qefc 'bash --norc -i' /dev/null"),
    "sort": ("bash", "-c", SORTED),
    "snakemake": (SRC / "pipelines/genome/snakemake.sh", "work", "2", "samples=2", "length=20000", "pairs=1000"),
}
NEEDS = {"shell": "script", "sort": "samtools", "snakemake": "snakemake"}


def findings(run):
    events = map(json.loads, merge(run.path, sink="jsonl:verdicts=true").splitlines())
    return [(e["kind"], e["certainty"], e["command"], e["evidence"]) for e in events
            if e["event"] == "verdict" and e["certainty"] != "suspected" and e["kind"] not in OF_THE_MACHINE]


@pytest.mark.parametrize("name", WORK)
def test_work(name):
    if name in NEEDS and not shutil.which(NEEDS[name]):
        pytest.skip(f"{NEEDS[name]} is not installed")
    run = collect(*WORK[name], config=CONFIG, cwd=new_folder())
    assert findings(run) == []


def test_virtual_machine():
    """A JVM of very many threads that has nothing to do."""
    jars = sorted(Path("/usr/local/lib/collector-tests").glob("nextflow-25*/**/groovy-[0-9]*.jar"))
    if not jars or not shutil.which("java"):
        pytest.skip("java and groovy are not installed")
    run = collect("java", "-cp", jars[0], "groovy.ui.GroovyMain", "-e", "sleep 5000", config=CONFIG, cwd=new_folder())
    assert findings(run) == []


def apt(folder, *words):
    """apt-get with the sources of the archives that this machine has, in a folder of its own."""
    options = {"Dir::Etc::sourcelist": folder / "list", "Dir::Etc::sourceparts": "-", "Dir::State::lists": folder / "lists",
               "APT::Sandbox::User": "root"}
    subprocess.run(["apt-get", "-qq", *(f"-o{name}={value}" for name, value in options.items()), *words], check=True, cwd=folder)


@pytest.mark.skipif("HEALTHY" not in os.environ, reason="takes minutes: make check-healthy")
@pytest.mark.parametrize("project", ["hello", "sed", "xz-utils"])
def test_project(project):
    if not shutil.which("apt-get"):
        pytest.skip("apt-get is not installed")
    folder = new_folder()
    (folder / "lists/partial").mkdir(parents=True)
    line = "deb-src $(REPO_URI) $(CODENAME) $(COMPONENT)"
    targets = subprocess.run(["apt-get", "indextargets", "--format", line, "Created-By: Packages"], capture_output=True, check=True)
    (folder / "list").write_bytes(b"".join(sorted(set(targets.stdout.splitlines(keepends=True)))))
    apt(folder, "update")
    apt(folder, "source", "--download-only", project)
    archive, = folder.glob("*.orig.tar.[gx]z")
    subprocess.run(["tar", "--strip-components=1", "-xf", archive], cwd=folder, check=True)
    # a test of theirs may fail as root: make says so, and nothing hides it
    run = collect("sh", "-ec", "./configure --quiet; make -s; touch built; make -s check", config=CONFIG, cwd=folder, code=None,
                  timeout=1500, env={**os.environ, "FORCE_UNSAFE_CONFIGURE": "1"})
    assert (folder / "built").exists()
    assert findings(run) == []
