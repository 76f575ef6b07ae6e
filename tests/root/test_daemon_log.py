# SPDX-License-Identifier: BSD-2-Clause
"""What a daemon logs, with the priorities of the journal: what started, matched, failed and ended."""
import os
import re
import shutil
import socket
import subprocess

import pytest
from harness import Started, new_folder, wait_for, why_no_bpf

pytestmark = pytest.mark.skipif(bool(why_no_bpf()), reason=str(why_no_bpf()))

CONFIG = """scope:
  - exe: {shell}
  - pid: {pid}
probes: {{lifecycle: {{}}}}
limits: {{open: 2}}
"""


class Journal:
    """Standard error as systemd connects it: a stream socket, named by JOURNAL_STREAM."""

    def __init__(self):
        self.ours, self.theirs = socket.socketpair()
        self.ours.setblocking(False)
        st = os.fstat(self.theirs.fileno())
        self.env = {**os.environ, "JOURNAL_STREAM": f"{st.st_dev}:{st.st_ino}"}
        self.text = ""

    def read(self):
        try:
            while data := self.ours.recv(65536):
                self.text += data.decode()
        except BlockingIOError:
            pass
        return self.text


def test_each_message_has_its_priority():
    shell = new_folder() / "sh"
    shutil.copy("/bin/sh", shell)
    journal = Journal()
    present = subprocess.Popen([shutil.which("cat")], stdin=subprocess.PIPE)
    config = CONFIG.format(shell=shell, pid=present.pid)
    with Started("-v", config=config, env=journal.env, stderr=journal.theirs) as daemon:
        daemon.wait_until_watching()
        first = subprocess.Popen([shell, "-c", "read line; :"], stdin=subprocess.PIPE)
        wait_for(lambda: journal.read().count(": started by ") == 2, "the second run opens")
        subprocess.run([shell, "-c", ":"], check=True)
        wait_for(lambda: "limits.open" in journal.read(), "the third run is refused")
        first.communicate()
        wait_for(lambda: re.search(": ended\n", journal.read()), "the second run ends")
        daemon.end()
    text = journal.read()
    present.communicate()
    by_pid, by_exe = (re.search(rf"^<6>collector: run (\S+): started by PID {pid}\b(.*)$", text, re.M)
                      for pid in (present.pid, first.pid))
    assert by_pid and by_exe, text
    assert all((daemon.out / run).is_dir() for run in (by_pid[1], by_exe[1])) and by_pid[1] != by_exe[1]
    assert by_pid[2] == ", which existed, rule on line 3"
    assert by_exe[2] == f": {shell}, rule on line 2"
    assert f"<6>collector: started: 2 rules, 1 probes, runs in {daemon.out}\n" in text
    assert re.search(r"^<4>collector: warning: limits\.open: .*; the run is not recorded$", text, re.M)
    assert f"<6>collector: run {by_exe[1]}: ended\n" in text
    assert f"<6>collector: run {by_pid[1]}: not ended, but recorded no further: collector stops\n" in text
    assert "<6>collector: stopped\n" in text
    assert all(re.match("<[3467]>collector: ", line) for line in text.splitlines()), text
