# SPDX-License-Identifier: BSD-2-Clause
"""The command lines of all programs, in one loop: their --help, their pages, and what they say about mistakes."""
import re
import subprocess

import pytest
from harness import BUILD, SRC, new_folder, stage

# A program: operands that make a complete line
PROGRAMS = {
    "collector": ["true"],
    "collector-ls": ["nowhere"],
    "collector-status": ["nowhere"],
    "collector-top": ["nowhere"],
    "collector-merge": ["nowhere"],
    "collector-query": ["nowhere"],
    "collector-diff": ["nowhere", "nowhere"],
}
NO_OUTPUT = ("collector-ls", "collector-status", "collector-top")
BUILT = [name for name in PROGRAMS if (BUILD / name).exists()]
OPTION = re.compile(r"^  (?:-(\w),|   ) --([a-z-]+)(?: (\S+))?(?:  |$)", re.M)


def run(name, *args, code=0):
    done = subprocess.run([stage() / name, *args], capture_output=True, text=True, check=False, cwd=new_folder(), timeout=60)
    assert done.returncode == code, f"{args}: {done.stdout}{done.stderr}"
    return done.stdout if code == 0 else done.stderr


def options(name):
    """(letter or "", long name, name of the value or "") of each option in --help."""
    return OPTION.findall(run(name, "--help"))


def in_table(name):
    """The same from the table in the program's source."""
    source = next(path for path in (SRC / "core").glob("*/*main.c") if f'"{name}",\n' in path.read_text())
    rows = re.findall(r"CLI_OPTION\(\s*struct \w+,\s+(0|'\w'),\s+(NULL|\"[^\"]+\"),\s+\"([a-z-]+)\"", source.read_text())
    return [("" if letter == "0" else letter[1], name, "" if value == "NULL" else value[1:-1]) for letter, value, name in rows]


def page(name):
    return next((SRC / "core").glob(f"*/{name}.[18]")).read_text()


@pytest.mark.parametrize("name", BUILT)
def test_help_has_every_option(name):
    assert options(name) == [*in_table(name), ("h", "help", ""), ("V", "version", "")]
    text = run(name, "-h")
    assert text == run(name, "--help") and text.startswith(f"Usage: {name} ")
    assert "\nExamples:\n" in text and "\nExit status: " in text
    # where the plugins are installed may be a longer word than a line
    assert not [line for line in text.splitlines() if len(line) > 80 and max(map(len, line.split())) < 40]


@pytest.mark.parametrize("name", BUILT)
def test_page_has_every_option(name):
    items = re.findall(r"^\.It (?:Fl (\w) , )?Fl -([a-z-]+)(?: Ar|$)", page(name), re.M)
    assert {(letter, word) for letter, word, _ in options(name)} == set(items)
    letters = {letter for letter, _ in items} | {""}
    known = letters | {f"-{word}" for _, word in items} | {"-"}
    synopsis = page(name).split(".Sh SYNOPSIS")[1].split(".Sh DESCRIPTION")[0]
    for word in re.findall(r"Fl (\S+)", synopsis):
        assert word in known or set(word) <= letters, word


def test_a_letter_means_one_thing():
    letters = {}
    for name in BUILT:
        for letter, word, _ in options(name):
            assert not letter or letters.setdefault(letter, word) == word, f"{name}: -{letter} is --{letters[letter]} elsewhere"
            assert letter == {word: letter for letter, word in letters.items()}.get(word, ""), f"{name}: --{word} has no letter"
    assert {"h": "help", "V": "version", "q": "quiet"}.items() <= letters.items()


@pytest.mark.parametrize("name", BUILT)
def test_standard_options(name):
    assert run(name, "-V") == run(name, "--version") and re.fullmatch(rf"{name} \d\S+\n", run(name, "-V"))
    assert {("q", "quiet", ""), ("h", "help", ""), ("V", "version", "")} <= set(options(name))


@pytest.mark.parametrize("name", [name for name in BUILT if name not in NO_OUTPUT])
def test_mistakes(name):
    said = run(name, "--outptu", "x", code=2)
    assert "unknown option --outptu: did you mean --output?" in said and f"Try '{name} --help'." in said
    assert "unknown option -Z" in run(name, "-qZ", code=2)
    assert "--output needs a value" in run(name, "--output", code=2)
    assert "--quiet takes no value" in run(name, "--quiet=yes", code=2)
    for letter, word, value in options(name):
        if value:
            assert f"--{word} needs a value: write --{word} {value}" in run(name, f"--{word}", code=2)
            assert not letter or f"--{word} needs a value" in run(name, f"-{letter}", code=2)


@pytest.mark.parametrize("name", [name for name in BUILT if name not in ("collector", *NO_OUTPUT)])
def test_options_stand_anywhere(name):
    words, plugins = PROGRAMS[name], ["-p", stage()]
    for line in (["--output=x", "-q", *words], [*words, "-q", "--output", "x"], ["-ox", *words, "-q"], ["-qo", "x", "--", *words]):
        said = run(name, *plugins, *line, code=2)
        assert "nowhere: No such file" in said
    assert "unknown option" in run(name, *words, "--nonsense", code=2)
    assert "--nonsense: No such file" in run(name, *plugins, "--", "--nonsense", *words[1:], code=2)


def test_collector_leaves_the_options_of_a_command():
    assert "unknown option" not in run("collector", "--plugin-dir", "nowhere", "true", "--nonsense", code=2)
    assert "unknown option" not in run("collector", "--plugin-dir=nowhere", "--", "--nonsense", code=2)
    assert "unknown option --nonsense" in run("collector", "doctor", "--nonsense", code=2)


def test_collector_names_the_others():
    text = run("collector", "--help")
    for name in BUILT[1:]:
        assert f"\n  {name.removeprefix('collector-')} " in text and name in text
        assert run("collector", name.removeprefix("collector-"), "--help") == run(name, "--help")
