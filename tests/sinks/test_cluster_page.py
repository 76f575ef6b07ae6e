# SPDX-License-Identifier: BSD-2-Clause
"""collector-cluster(7): its commands and its lines of Python do what the page says."""
import functools
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from harness import SRC, made_run, new_folder, stage
from tables import needs_sink, odd_run, run_merge

PAGE = (SRC / "conf/collector-cluster.7").read_text().replace("\\e\n", "").replace("\\(dq", '"')
COMMANDS = [shlex.split(line) for line in re.findall(r"^\$ (.*)$", PAGE, re.M)]
PYTHON = re.findall(r"^\.Bd -literal\n(import .*?)\.Ed$", PAGE, re.M | re.S)
LIBRARY = Path("/usr/local/lib/collector-tests")
ENV = {**os.environ, "PYTHONPATH": f"{LIBRARY}/delta:{LIBRARY}/python",
       "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0"}
ENGINES = "import datafusion, deltalake, duckdb, pandas, polars, pyarrow"
NOON = 1772366400  # 2026-03-01
SENT = ["kafka", "otlp", "clickhouse", "forward"]

no_engines = subprocess.run([sys.executable, "-c", ENGINES], env=ENV, capture_output=True, check=False).returncode != 0


def run(words, top):
    """A command of the page, with folders of ours."""
    words = [word.replace("/srv", str(top)) for word in words]
    where = ["--plugin-dir", stage(), *(["--queries", SRC / "conf/queries"] if words[0] == "collector-query" else [])]
    done = subprocess.run([stage() / words[0], *where, *words[1:]], cwd=top, capture_output=True, text=True, check=False,
                          timeout=100)
    assert done.returncode == 0, f"{words}: {done.stderr}"
    return done.stdout


@functools.cache
def lakes():
    """The folder in place of /srv, after all commands of the page but those for servers; and what the queries said."""
    top = new_folder()
    (top / "runs").mkdir()
    for number in range(2):
        run_merge("-s", "parquet:partition=true", "-o", top / "lake", odd_run(f"run-{number}", seconds=NOON + number))
    shutil.copytree(top / "lake", top / "delta")
    made, _ = made_run(200)
    run_merge("-s", "parquet:partition=true", "-o", top / "delta", made)
    (top / "runs/latest").symlink_to(made)
    ours = [words for words in COMMANDS if words[0] in ("collector-merge", "collector-query")
            and not any(word.partition(":")[0] in SENT for word in words)]
    return top, {tuple(words): run(words, top) for words in ours}


@needs_sink
def test_commands():
    top, said = lakes()
    assert len(said) == 7
    for name in "lake", "delta":
        assert len(list((top / name / "odd_thing/date=2026-03-01").glob("compacted-*"))) == 1
    assert all(text.count("\n") > 1 for words, text in said.items() if words[-1] in ("jobs", "steps"))


@pytest.mark.parametrize("name", SENT)
def test_options_for_servers(name):
    if not (stage() / f"sinks/{name}.so").exists():
        pytest.skip(f"built without {name}")
    (option,) = re.findall(rf"^\$ collector-merge -s {name}:(\w+)=\S+ runs/latest$", PAGE, re.M)
    listed = subprocess.run([stage() / "collector-merge", "--plugin-dir", stage(), "--list"], capture_output=True, text=True,
                            check=True).stdout
    (ours,) = [part for part in listed.split("\n\n") if part.startswith(f"sink {name}:")]
    assert re.search(rf"^ +{option} ", ours, re.M)
    assert re.search(rf"\b{name}\.yaml\b", PAGE) and (SRC / f"conf/{name}.yaml").exists()


@needs_sink
@pytest.mark.skipif(no_engines, reason="no engines: tests/setup peers")
def test_engines_give_one_answer():
    """Of each engine a sum; of Delta Lake's two a number of rows."""
    top, _ = lakes()
    assert len(PYTHON) == 6
    program = "".join(PYTHON).replace("/srv/", f"{top}/")
    done = subprocess.run([sys.executable, "-c", program], env=ENV, capture_output=True, text=True, check=False, timeout=100)
    assert done.returncode == 0, done.stderr[-2000:]
    answers = [int(line) for line in done.stdout.split()]
    assert len(answers) == 7 and len(set(answers[:5])) == 1 and answers[0] > 0
    assert answers[5] == answers[6] > 0
