# SPDX-License-Identifier: BSD-2-Clause
"""Completion of command lines: real shells read the installed files, and are asked what may follow."""
import functools
import os
import pty
import re
import select
import shutil
import subprocess
import time

import pytest
from harness import BUILD, SRC, installed, new_folder, stage

PROGRAMS = [name for name in ("collector", "collector-ls", "collector-status", "collector-top", "collector-merge", "collector-query", "collector-diff") if (BUILD / name).exists()]
SINKS = {path.stem for path in BUILD.glob("sinks/*.so")}
QUERIES = {path.stem for path in SRC.glob("conf/queries/*.sql")}

# A line, what must be offered, and what must not be
CASES = [
    ("collector --c", {"--check", "--config"}, {"--list"}),
    ("collector d", {"doctor", "date"}, {"merge"}),
    ("collector m", {"merge", "make"}, {"doctor"}),
    ("collector --config ", {"one.yaml"}, {"--list"}),
    ("collector -o ", {"runs/"}, {"one.yaml", "--list"}),
    ("collector --user ro", {"root"}, set()),
    ("collector l", {"ls", "ln"}, {"merge"}),
    ("collector ls --j", {"--json"}, {"--quiet"}),
    ("collector-ls ", {"runs/"}, {"--json"}),
    ("collector status --s", {"--state"}, {"--json"}),
    ("collector-merge --s", {"--sink", "--since", "--strict"}, {"--output"}),
    ("collector-merge -s ", SINKS, {"runs/", "--sink"}),
    ("collector-merge -q --sink ", SINKS, {"runs/", "--sink"}),
    ("collector-merge --sink=", SINKS, {"runs/", "--sink"}),
    ("collector-merge -e lifecycle.ex", {"lifecycle.exec", "lifecycle.exit"}, {"lifecycle.fork", "cpu.exit"}),
    ("collector-merge -e ", {"cpu", "lifecycle", "mem.oom_kill"}, {"summary"}),
    ("collector-merge r", {"runs/"}, SINKS),
    ("collector-query --format ", {"table", "csv", "json", "jsonl", "parquet"}, {"default", "by", "runs/"}),
    ("collector-query runs ", QUERIES, {"--list"}),
    ("collector-query -q runs hi", {"hidden-failures"}, {"failed"}),
    ("collector-diff --fail", {"--fail-on"}, {"--format"}),
    ("collector-diff -F ", {"table", "csv", "json", "jsonl", "parquet"}, {"runs/"}),
]
CASES = [case for case in CASES if case[0].split()[0] in PROGRAMS]


@functools.cache
def environment():
    """The built programs, by the names that they are installed by; and a folder to be in."""
    folder = new_folder()
    for name in PROGRAMS:
        path = folder / "bin" / name
        path.parent.mkdir(exist_ok=True)
        own = f"--queries '{SRC}/conf/queries'" if name == "collector-query" else ""
        own += "" if name in ("collector-ls", "collector-status") else f" --plugin-dir '{stage()}'"
        path.write_text(f"#!/bin/sh\nexec '{stage() / name}' {own} \"$@\"\n")
        path.chmod(0o755)
    (folder / "work/runs").mkdir(parents=True)
    (folder / "work/one.yaml").touch()
    env = {"PATH": f"{folder}/bin:{os.environ['PATH']}", "HOME": str(folder), "TERM": "dumb", "LC_ALL": "C.UTF-8"}
    return env, folder / "work"


def found(name):
    return next(path for path in sorted(installed().rglob(name)) if "complet" in str(path.parent) or name.startswith("_"))


def ask(*command):
    env, cwd = environment()
    return subprocess.run(command, env=env, cwd=cwd, capture_output=True, text=True, check=True, timeout=60)


def bash(line):
    words = re.findall(r"[=:]|[^\s=:]+", line) + ([""] if line[-1] in " =" else [])
    words = [w for w in words[:-2] + ["="]] if line.endswith("=") else words
    done = ask("bash", "--norc", "--noprofile", "-c",
               'source "$1"; shift; COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)); _collector "$1"; printf "%s\\n" "${COMPREPLY[@]}"',
               "bash", found(words[0]), *words)
    assert not done.stderr, done.stderr
    # a folder gets its slash from readline
    return {f"{word}/" if word == "runs" else word for word in done.stdout.split()}


def fish(line):
    done = ask("fish", "--no-config", "-c", "source $argv[1]; complete -C $argv[2]", found(f"{line.split()[0]}.fish"), line)
    assert not done.stderr, done.stderr
    # of --sink= it offers whole words
    return {word.partition("\t")[0].rpartition("=")[2] for word in done.stdout.splitlines()}


def read_until(fd, mark):
    data, end = b"", time.monotonic() + 20
    while mark not in data and time.monotonic() < end:
        if select.select([fd], [], [], 0.1)[0]:
            data += os.read(fd, 65536)
    assert mark in data, data
    return data.decode()


def zsh(line):
    """On a terminal: it completes nowhere else. The list of choices ends where the prompt is shown again."""
    env, cwd = environment()
    pid, fd = pty.fork()
    if pid == 0:
        os.chdir(cwd)
        os.execvpe("zsh", ["zsh", "-f", "-i"], env)
    try:
        folder = found("_collector").parent
        os.write(fd, f"""stty cols 200 rows 100; fpath=('{folder}' $fpath); autoload -U compinit; compinit -u -D; LISTMAX=9999
            bindkey '^I' list-choices; unsetopt zle_bracketed_paste; PS1='REA''DY> '\n""".encode())
        read_until(fd, b"READY> ")
        os.write(fd, line.encode() + b"\t")
        text = read_until(fd, b"READY> ")
    finally:
        os.close(fd)
        os.waitpid(pid, 0)
    text = re.sub(r"\x1b\[[\d;?]*[A-Za-z]", "", text).partition("READY> ")[0]
    _, _, text = text.replace("\r", "").partition("\n")
    return {word for row in text.splitlines() for word in row.partition(" -- ")[0].split()}


@pytest.mark.parametrize("shell", [bash, zsh, fish], ids=lambda shell: shell.__name__)
@pytest.mark.parametrize("line,offered,others", CASES, ids=[case[0] for case in CASES])
def test_offers(shell, line, offered, others):
    if not shutil.which(shell.__name__):
        pytest.skip(f"{shell.__name__} is not installed")
    words = shell(line)
    assert offered <= words and not others & words, sorted(words)


@pytest.mark.parametrize("name", PROGRAMS)
def test_every_option(name):
    """Of --help, by bash; the others read the same lines."""
    env, cwd = environment()
    text = subprocess.run([name, "--help"], env=env, cwd=cwd, capture_output=True, text=True, check=True).stdout
    letters = re.findall(r"^  (-\w), --", text, re.M)
    long = re.findall(r"^  (?:-\w,|   ) (--[a-z-]+)", text, re.M)
    assert bash(f"{name} -") == {*letters, *long}


def test_the_other_programs_through_collector():
    assert bash("collector merge --si") == {"--sink", "--since"}
    assert bash("collector merge -s ") == SINKS


def test_a_command_has_options_of_its_own():
    assert not bash("collector cat --he") and not bash("collector -- --he")
    assert bash("collector ls --he") == {"--help"}  # of collector-ls
    assert "runs/" in bash("collector -- ls ")
