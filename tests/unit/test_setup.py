# SPDX-License-Identifier: BSD-2-Clause
"""tests/run and tests/setup on a machine that lacks the packages: stubs stand in for the package manager."""
import os
import subprocess

import pytest
from harness import SRC, new_folder

# Debian's own tools, as they are when nothing of ours is installed, and an archive that has everything
STUBS = {
    "dpkg-query": "exit 1",
    "apt-cache": "exit 0",
    "apt-get": 'echo "$*" >>"$STUB_LOG"',
    "autoreconf": "echo the stub was asked; exit 1",  # the first step behind the set-up: far enough
    "npm": "exit 1",
    "python": "exit 1",  # pip: nothing can be had
    "mvn": "exit 1",
}


@pytest.fixture(name="bare")
def machine_without_packages():
    if os.geteuid():
        pytest.skip("tests/run installs packages as root only")
    folder = new_folder()
    for name, body in STUBS.items():
        path = folder / "bin" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!/bin/sh\n{body}\n")
        path.chmod(0o755)
    env = {name: value for name, value in os.environ.items() if name not in ("TMPDIR", "MAKEFLAGS", "MAKELEVEL")}
    return folder, {**env, "PATH": f"{folder}/bin:{env['PATH']}", "STUB_LOG": str(folder / "log"),
                    "SETUP_PREFIX": str(folder / "prefix"), "SETUP_PYTHON": str(folder / "bin/python")}


def test_run_sets_up_a_machine_that_has_nothing(bare):
    folder, env = bare
    done = subprocess.run([SRC / "tests/run"], env=env, capture_output=True, text=True, check=False)
    said = (folder / "log").read_text().splitlines()
    assert said[0] == "-qq update" and " install -y " in said[1]
    for package in "clang", "libbpf-dev", "libmsgpack-dev", "libcmocka-dev", "python3-pytest":
        assert package in said[1].split(), said[1]
    # past the set-up: what failed is the step behind it
    assert "== autoreconf" in done.stdout and "the stub was asked" in done.stdout, done.stdout + done.stderr
    assert done.returncode == 1 and done.stdout.endswith("\n0 passed, 1 failed, 0 skipped\n")


def test_run_says_what_cannot_be_installed(bare):
    folder, env = bare
    (folder / "bin/apt-get").write_text('#!/bin/sh\ncase "$*" in *install*) echo "E: no room"; exit 100;; esac\n')
    done = subprocess.run([SRC / "tests/run"], env=env, capture_output=True, text=True, check=False)
    assert "E: no room" in done.stderr and "setup: apt-get cannot install: autoconf " in done.stderr
    assert "== autoreconf" not in done.stdout and "FAILED: the set-up" in done.stdout


def test_setup_alone_needs_no_folder_of_its_caller(bare):
    folder, env = bare
    done = subprocess.run([SRC / "tests/setup", "build"], env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "installing: autoconf automake " in done.stderr
    assert done.stderr.count("\n") == 1
