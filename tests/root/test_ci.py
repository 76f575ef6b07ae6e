# SPDX-License-Identifier: BSD-2-Clause
"""conf/ci.yaml as in a job of GitHub and of GitLab: a run whose script fails, and what the job gets."""
import os
import pwd
import subprocess

import pytest
from harness import NOBODY, SRC, collector, new_folder

NO_CI = {name: value for name, value in os.environ.items() if not name.startswith(("GITHUB_", "GITLAB_"))}
SCRIPT = "set -e\ntrue\nno-such-compiler -c main.c\n"


def job(as_user, **env):
    """The job's folder, and the output of its step."""
    folder = new_folder()
    (folder / "build.sh").write_text(SCRIPT)
    summary = folder / "summary"
    if "GITHUB_ACTIONS" in env:
        summary.write_text("of another step\n")
        env = {**env, "GITHUB_STEP_SUMMARY": str(summary), "GITHUB_WORKSPACE": str(folder)}
    for path in (folder, *folder.iterdir()):
        os.chown(path, NOBODY if as_user else 0, -1)
    user = ["--user", pwd.getpwuid(NOBODY).pw_name] if as_user else []
    line, _ = collector("-c", SRC / "conf/ci.yaml", *user, out=folder / "runs")
    done = subprocess.run([*line, "--", "bash", "./build.sh"], cwd=folder, env={**NO_CI, **env}, capture_output=True, check=False)
    assert done.returncode == 127, done.stderr.decode()
    return folder, done.stderr.decode()


@pytest.mark.parametrize("as_user", [False, True])
def test_a_step_of_github(as_user):
    folder, log = job(as_user, GITHUB_ACTIONS="true", GITHUB_JOB="build")
    lines = [line for line in log.splitlines() if line.startswith("::")]
    assert len(lines) == 1
    assert lines[0].startswith("::error title=cause%2C exit 127,file=build.sh,line=3::no-such-compiler: not found, in ")
    page = (folder / "summary").read_text()
    assert page.startswith("of another step\n\n### <code>ci</code>: exit 127\n")
    assert "<pre>&#46;/build&#46;sh&#58; line 3&#58; no-such-compiler&#58; command not found</pre>" in page
    assert not (folder / "collector.md").exists()


def test_a_job_of_gitlab():
    folder, log = job(False, GITLAB_CI="true")
    assert "section_start:" in log and "collector_0\r\x1b[0Kerror: cause, exit 127\n" in log
    assert (folder / "collector.md").read_text().startswith("\n### <code>ci</code>: exit 127\n")


def test_a_process_that_is_left_over():
    folder = new_folder()
    line, _ = collector("-c", SRC / "conf/ci.yaml", out=folder / "runs")
    script = "sleep 4 & while read -r name < /proc/$!/comm; [ $name != sleep ]; do :; done; exit 0"
    done = subprocess.run([*line, "--", "bash", "-c", script], cwd=folder, env=NO_CI, capture_output=True,
                          check=False)
    assert done.returncode == 0, done.stderr.decode()
    page = (folder / "collector.md").read_text()
    assert "\n#### Still running at the end\n" in page and "<code>sleep 4</code> |\n" in page


MAKEFILE = """all: a b
a:
\t@for i in 1 2 3 4 5 6; do echo compiling part $$i; sleep 0.1; done
b:
\t@sleep 0.3; perl -e 'exit 7'
"""


@pytest.mark.parametrize("conf", [["-c", SRC / "conf/ci.yaml"], []])
def test_lines_that_another_job_wrote(conf):
    """Both write to one file. perl wrote nothing: where its I/O is known, no lines are shown as its own."""
    folder = new_folder()
    (folder / "Makefile").write_text(MAKEFILE)
    line, _ = collector(*conf, out=folder / "runs")
    done = subprocess.run([*line, "--", "sh", "-c", "exec make -j2 -s > log 2>&1"], cwd=folder, env=NO_CI, capture_output=True,
                          text=True, check=False)
    assert done.returncode == 2, done.stderr
    page = (folder / "collector.md").read_text() if conf else done.stderr
    cause = page[:page.lower().index("passed on")]
    assert "exit 7" in cause
    own = cause[:cause.lower().index("last lines of make")] if not conf else ""
    assert "<code>others may write to this file, too&#58; " in cause if conf else own and "| " not in own, cause
