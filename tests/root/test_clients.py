# SPDX-License-Identifier: BSD-2-Clause
"""What only talks to a server that is outside of the run is said to be a client; what asks nothing of it is not."""
import os
import shutil
import subprocess

import pytest
from harness import collect, merge, new_folder

SEEN = "only the client was seen"
NAMES = "docker", "dockerd", "tmux", "podman", "conmon", "ssh", "at", "systemd-run", "sbatch", "screen", "bazel"
CLIENTS = {
    "docker run": ("docker run --rm alpine true", "docker"),
    "docker compose": ("docker --context x compose -f y.yaml up -d", "docker"),
    "twice": ("docker exec a b; docker exec a c", "docker (2 times)"),
    "two": ("docker run a; sbatch job.sh", "docker, sbatch"),
    "podman, whose monitor is elsewhere": ("podman --remote run x", "podman"),
    "tmux": ("tmux new-window -t w 'sleep 1'", "tmux"),
    "tmux of a socket": ("tmux -L s send-keys x", "tmux"),
    "at": ("at now", "at"),
    "systemd-run": ("systemd-run --wait true", "systemd-run"),
    "ssh": ("ssh -p 22 host true", "ssh"),
    "screen": ("screen -S a -X stuff x", "screen"),
    "bazel": ("bazel build //...", "bazel"),
}
HEALTHY = ["docker --version", "docker ps -a", "docker run --help", "tmux -V", "tmux ls", "at -l", "systemd-run --version",
           "systemd-run --scope true", "ssh -V", "screen -ls", "bazel version", "sbatch --version", "docker pull run",
           "dockerd; docker run a", "podman run a; conmon"]


@pytest.fixture(name="tools", scope="module")
def all_tools():
    folder = new_folder()
    for name in NAMES:
        shutil.copy("/bin/true", folder / name)
    return folder


def pages(tools, script):
    run = collect("bash", "-c", script + "; true", env={**os.environ, "PATH": f"{tools}:{os.environ['PATH']}"})
    page = new_folder() / "page.md"
    merge(run.path, sink=f"ci:output={page}")
    return [" ".join(text.split()) for text in (merge(run.path, sink="summary"), page.read_text())]


@pytest.mark.parametrize("what", CLIENTS)
def test_a_client_is_said_to_be_one(tools, what):
    script, names = CLIENTS[what]
    summary, job = pages(tools, script)
    assert f"{names}: {SEEN}" in summary and SEEN in job


def test_healthy(tools):
    """Each in a run of its own command; those in one script do not start each other's server."""
    for script in HEALTHY:
        for page in pages(tools, script):
            assert SEEN not in page, script


@pytest.mark.skipif(not shutil.which("tmux"), reason="tmux is not installed")
def test_a_server_of_the_run_itself():
    env = {**os.environ, "TMUX_TMPDIR": str(new_folder())}
    script = "tmux -f /dev/null new-session -d -s w 'sleep 60' && tmux new-window -t w true"
    try:
        inside = collect("bash", "-c", script + "; tmux kill-server", env=env)
        assert SEEN not in " ".join(merge(inside.path, sink="summary").split())
        subprocess.run(["bash", "-c", script], env=env, check=True)
        outside = collect("tmux", "new-window", "-t", "w", "true", env=env)
        assert SEEN in " ".join(merge(outside.path, sink="summary").split())
    finally:
        subprocess.run(["tmux", "kill-server"], env=env, capture_output=True, check=False)
