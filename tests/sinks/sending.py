# SPDX-License-Identifier: BSD-2-Clause
"""What tests of sinks that send to a server share: runs that are sent as a whole, and followers."""
import os
import shutil
import signal
import subprocess

from harness import new_folder, stage
from live import AS_NOBODY, open_to_all

# without what a test's own caller may have set
CLEAN = {name: value for name, value in os.environ.items() if not name.startswith(("OTEL_", "TRACE"))}


def feed(sink, *runs, code=0, env=None):
    """Sends runs; what was said."""
    done = subprocess.run([stage() / "collector-merge", "--plugin-dir", stage(), "-s", sink, *runs],
                          capture_output=True, text=True, check=False, env={**CLEAN, **(env or {})})
    assert done.returncode == code, done.stderr
    return done.stderr


class Following:
    def __init__(self, folder, sink, state):
        self.said = new_folder() / "said"
        line = [stage() / "collector-merge", "--plugin-dir", stage(), "--follow", "--cursor", state, "-s",
                f"{sink},retry=100ms,end=300ms", folder]
        self.process = subprocess.Popen(line, stderr=self.said.open("wb"), stdin=subprocess.DEVNULL, env=CLEAN, **AS_NOBODY)

    def end(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        self.process.wait(60)
        return self.said.read_text()


def new_state():
    folder = new_folder()
    folder.chmod(0o777)
    return folder / "state"


def is_saved(state, *names):
    """The cursors say that these runs have been delivered."""
    ended = {file.name for file in state.rglob("*") if file.name in names and file.is_file() and "ended 1" in file.read_text()}
    return ended == set(names)


def add_run(folder, run):
    """A copy of a run, which is there at once."""
    shutil.copytree(run, folder / f".{run.name}")
    (folder / f".{run.name}").rename(folder / run.name)
    open_to_all(folder / run.name)
