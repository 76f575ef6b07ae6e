# SPDX-License-Identifier: BSD-2-Clause
"""Plain technical English in comments, messages and pages: none of the turns that a native reader stumbles over."""
import re

import pytest
from harness import SRC

# What is held: folders, files and globs below the root of the tree
FOLDERS = ["core", "probes", "sinks", "conf", "pipelines", "README.md", "configure.ac", "Makefile.am", "tests/run"]

# A turn and what to write instead. A blank stands for any blanks, a line break within a comment included.
PATTERNS = {
    r"\b(tell|tells|telling) (of|nothing|it|its|us|them|that|apart|the|what|where|which|how|whether|a|no|one)\b|\btold\b":
        "report, say, show, distinguish",
    r"\bwant of\b": "lack of, out of",
    r"\blikewise\b": "the same",
    r"\bbehind\b": "after",
    r"\b(nobody|somebody|anybody|anyone|someone|everybody)\b": "name the user, process or program",
    r"\bthe free\b|\b(its|their|whose) free\b": "sched_process_free, when the task is freed",
    r"\bstrangers?\b": "untrusted",
    r"\b(he|his|him|himself)\b": "the user, they",
    r"\b(is|are|was|were|be) no (?!longer\b|more\b)": "is not a",
    r"\bwho(m|ever)?\b": "that, which; who is for people",
    r"\bso that\b[^.;]*\bso that\b": "two sentences",
    r"\b(last|better|provisional|final) word\b": "final event, provisional event",
    r"\b(is|are|was|were) there (already|before)\b|\bthere already\b|\bis there twice\b": "exists, existing, duplicate",
    r"\b(last|two|each|first) looks?\b|\blooks? taken\b": "sample",
}

# A file (a glob), the text around a hit, and why it may stay
ALLOWED = [
    ("*", r"\b(user|people|engineer|author|reader|maintainer)s? who\b", "people"),
    ("*", r"\b[Tt]here (is|are|was|were) no\b|\b(is|was) no room\b", "plain English"),
]

COMMENT_OR_STRING = re.compile(r'#include[^\n]*|/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"'
                               r"|'(?:\\.|[^'\\\n])*'|`[^`]*`", re.S)
HASH = re.compile(r"(?:(?:^|\s)#[^\n]*\n?)+", re.M)
PROSE = {
    ".c": COMMENT_OR_STRING, ".h": COMMENT_OR_STRING, ".js": COMMENT_OR_STRING, ".css": re.compile(r"/\*.*?\*/", re.S),
    **dict.fromkeys([".yaml", ".in", ".conf", ".bash", ".fish", ".sh", ".py", ".ac", ".am", ""], HASH),
    ".sql": re.compile(r"(?:(?:^|\s)--[^\n]*\n?)+", re.M),
    **dict.fromkeys([".md", ".1", ".5", ".7", ".8"], re.compile(r".+", re.S)),
}
BREAK = re.compile(r"\n[ \t]*(?:[*#]|--)?[ \t]*")  # within a comment


def files():
    for entry in FOLDERS:
        for path in sorted(SRC.glob(entry)):
            yield from (p for p in sorted(path.rglob("*")) if p.is_file() and p.suffix in PROSE) if path.is_dir() else [path]


def prose(text, suffix):
    """Pieces of prose and where each begins; line breaks are blanks, so that offsets stay."""
    for found in PROSE[suffix].finditer(text):
        if not found[0].startswith("#include"):
            yield found.start(), BREAK.sub(lambda m: " " * len(m[0]), found[0])


def hits(text, suffix, allowed):
    for start, piece in prose(text, suffix):
        for pattern, instead in PATTERNS.items():
            for found in re.finditer(pattern.replace(" ", r"\s+"), piece, re.I):
                around = re.sub(r"\s+", " ", piece[max(0, found.start() - 40):found.end() + 20])
                if not any(re.search(regex, around) for regex in allowed):
                    yield text.count("\n", 0, start + found.start()) + 1, " ".join(found[0].split()), instead


def test_comments_messages_and_pages():
    wrong = []
    for path in set(files()):
        name = path.relative_to(SRC)
        allowed = [regex for glob, regex, _ in ALLOWED if name.match(glob)]
        found = hits(path.read_text(), path.suffix, allowed)
        wrong += [f'{name}:{line}: "{what}": {instead}' for line, what, instead in found]
    assert not wrong, "\n".join(sorted(wrong))


@pytest.mark.parametrize("entry", FOLDERS)
def test_names_files(entry):
    assert any(path.is_file() or any(path.rglob("*")) for path in SRC.glob(entry))


@pytest.mark.parametrize("text,what", [
    ("/* The kernel tells of it. */", "tells of"), ('log("it was told twice");', "told"),
    ("/* for want\n * of memory */", "want of"),
    ("// Likewise.", "Likewise"), ("/* behind the struct */", "behind"), ("/* Nobody knows */", "Nobody"),
    ("/* at the free */", "the free"), ("/* a stranger's file */", "stranger"), ("/* what he wrote */", "he"),
    ('error("%s: is no folder")', "is no"), ("/* Who is watched */", "Who"), ("/* the last word */", "last word"),
    ("/* so that a, so that b */", "so that a, so that"), ("/* was there before */", "was there before"),
    ("/* in each look */", "each look"),
])
def test_finds(text, what):
    found = [hit for _, hit, _ in hits(text, ".c", [])]
    assert any(hit.strip() == what for hit in found)


@pytest.mark.parametrize("text,suffix,what", [
    ("SELECT 1;\n-- who started\n", ".sql", "who"), ("run  # for want\n# of memory\n", ".sh", "want of"),
    ("# told\n", "", "told"), ("def f():\n    # behind it\n", ".py", "behind"), ("# likewise\n", ".am", "likewise"),
])
def test_finds_in_scripts(text, suffix, what):
    assert [hit for _, hit, _ in hits(text, suffix, [])] == [what]


@pytest.mark.parametrize("text", [
    "told = who + behind;", "/* a process whose exit was lost is no longer watched */", "#include \"told.h\"",
    "/* the user who called sudo; there is no room */",
])
def test_leaves_alone(text):
    assert not list(hits(text, ".c", [regex for glob, regex, _ in ALLOWED if glob == "*"]))
