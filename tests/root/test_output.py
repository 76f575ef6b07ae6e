# SPDX-License-Identifier: BSD-2-Clause
"""Where a run is written, and for whom: no other user's link leads there, and only its owner reads it."""
import os
import stat
import subprocess

import pytest
from harness import NOBODY, Started, collect, collector, new_folder, wait_for


def modes(path):
    return {oct(stat.S_IMODE(entry.stat().st_mode)) for entry in path.iterdir() if not entry.is_symlink()}


@pytest.mark.parametrize("mask", [0, 0o022, 0o077])
def test_a_run_is_its_owners_alone(mask):
    out = new_folder() / "out"
    run = collect("true", out=out, preexec_fn=lambda: os.umask(mask))
    assert modes(out) == {"0o700"} and stat.S_IMODE(out.stat().st_mode) == 0o700
    assert modes(run.path) == {"0o600"}


def test_a_run_of_the_daemon_is_for_its_group():
    """As the service promises of /var/lib/collector."""
    rules = "scope: [{exe: /bin/sleep}]\n"
    with Started(config=rules, preexec_fn=lambda: os.umask(0)) as daemon:
        daemon.wait_until_watching()
        subprocess.run(["/bin/sleep", "0.1"], check=True)
        wait_for(lambda: (daemon.out / "latest").exists(), "a run is made")
        run = daemon.end()
    assert modes(run.out) == {"0o750"} and modes(run.path) == {"0o640"}


def refused(out, says):
    line, _ = collector("--no-summary", "--", "touch", started := new_folder() / "started", out=out)
    done = subprocess.run(line, capture_output=True, text=True, check=False)
    assert done.returncode == 125 and says in done.stderr
    assert not started.exists()


@pytest.mark.parametrize("end", ["", "/", "//"])
def test_the_folder_is_not_a_link(end):
    folder = new_folder()
    (folder / "real").mkdir()
    (folder / "link").symlink_to("real")
    refused(f"{folder}/link{end}", "symbolic link")
    assert not list((folder / "real").iterdir())


def test_links_on_the_way():
    """Root's own leads on; another user's does not, nor one that another user can replace."""
    folder, real = new_folder(), new_folder()
    (folder / "link").symlink_to(real)
    run = collect("true", out=folder / "link" / "out")
    assert run.path.exists() and (real / "out").exists()
    open_to_all = new_folder(0o777)
    (open_to_all / "link").symlink_to(real)
    refused(open_to_all / "link" / "next", "another user")
    os.lchown(folder / "link", NOBODY, NOBODY)
    refused(folder / "link" / "next", "another user")
    assert not (real / "next").exists()


def test_a_folder_of_another_user_is_used_with_a_warning():
    out = new_folder()
    os.chown(out, NOBODY, NOBODY)
    assert f"UID {NOBODY} owns the output folder" in collect("true", out=out).stderr
    assert "every user can write" in collect("true", out=new_folder(0o777)).stderr
    quiet = collect("true", out=out, options=["--user", "nobody"])
    assert "output folder" not in quiet.stderr
    assert quiet.path.stat().st_uid == NOBODY
