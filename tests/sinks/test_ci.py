# SPDX-License-Identifier: BSD-2-Clause
"""The sink ci: its page as GitHub's own Markdown parser reads it, its lines as GitHub's own toolkit escapes them, and files
that others have too."""
import html.parser
import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from harness import new_folder, stage, wait_for
from live import AS_NOBODY, Follower, Live, open_to_all
from tables import scripted_run

TOOLKIT = Path("/usr/local/lib/collector-tests/node_modules/@actions/core/lib/command.js")
HOSTILE = ["::error::x", "##[add-mask]y", "<img/src=x>", "</pre></code><script>1</script>", "@everyone", "[a](http://b)", "`c`", "*e*_f_",
           "www.g.example", "100%25%0A", "h;i,j", "&#60;", "~~k~~"]
ALLOWED = {"h3", "h4", "p", "strong", "code", "br", "pre", "ul", "li", "table", "thead", "tbody", "tr", "th", "td"}
NO_CI = {name: value for name, value in os.environ.items() if not name.startswith(("GITHUB_", "GITLAB_"))}


def failing(args="no such", count=1):
    """A run whose script fails because of a program with these arguments, and steps that fail in other ways."""
    lines = ["fork 0 10 1 sh", "exec 10 10 sh ci.sh"]
    for i in range(count):
        lines += [f"fork {20 + i} {11 + i} 10 sh", f"exec {20 + i} {11 + i} tool{i} {args}", f"exit {500 + i} {11 + i} {1 + i % 99}",
                  f"cpu_exit {500 + i} {11 + i} {count - i}"]
    return scripted_run("\n".join([*lines, "exit 5000 10 1", "cpu_exit 5001 10 7", "lost 5002 cpu 3", ""]))


def ci(run, options="", code=0, **env):
    done = subprocess.run([stage() / "collector-merge", "--quiet", "--plugin-dir", stage(), "-s", f"ci:{options}", run],
                          capture_output=True, check=False, env={**NO_CI, **env})
    done.stdout, done.stderr = done.stdout.decode(), done.stderr.decode()  # a \r stays one
    assert done.returncode == code, done.stderr
    return done


class Page(html.parser.HTMLParser):
    """The tags of a page, and the text within code."""

    def __init__(self, markdown):
        super().__init__()
        self.tags, self.code, self.text, self.depth = [], [], "", 0
        done = subprocess.run(["cmark-gfm", "--unsafe", "-e", "table", "-e", "autolink", "-e", "strikethrough", "-e", "tasklist"],
                              input=markdown, capture_output=True, text=True, check=True)
        self.feed(done.stdout)

    def handle_starttag(self, tag, attrs):
        assert not attrs or (tag in ("th", "td") and [name for name, _ in attrs] == ["align"])
        self.tags.append(tag)
        if tag in ("code", "pre"):
            self.depth += 1
            self.code.append("")

    def handle_endtag(self, tag):
        self.depth -= tag in ("code", "pre")

    def handle_data(self, data):
        self.text += data
        if self.depth:
            self.code[-1] += data


needs_cmark = pytest.mark.skipif(not shutil.which("cmark-gfm"), reason="no cmark-gfm: tests/setup peers")


@needs_cmark
def test_the_page_is_what_it_says_and_no_more():
    page = Page(ci(failing(" ".join(HOSTILE)), "log=none").stdout)
    assert set(page.tags) <= ALLOWED
    found = next(code for code in page.code if code.startswith("tool0 "))
    for word in HOSTILE:
        assert word in found
    assert "made: exit 1" in page.text
    for title in ("Cause", "Steps", "The record is not complete"):
        assert title in page.text
    assert any(code.startswith("cpu: 3 records lost") for code in page.code)


@needs_cmark
def test_untrusted_text_is_only_in_code():
    page = Page(ci(failing("@everyone www.g.example"), "log=none").stdout)
    assert sum(code.count("@everyone") for code in page.code) == page.text.count("@everyone") > 0
    assert sum(code.count("www.g.example") for code in page.code) == page.text.count("www.g.example") > 0


@needs_cmark
def test_steps_by_cpu_time_as_a_table():
    page = Page(ci(failing(count=3), "log=none").stdout)
    rows = re.findall(r"^\| (\S+ \S+) \| .* \| <code>(tool\d)</code> \|$", ci(failing(count=3), "log=none").stdout, re.M)
    assert rows == [("3.0 ms", "tool0"), ("2.0 ms", "tool1"), ("1.0 ms", "tool2")]
    assert page.tags.count("table") == 1


def test_no_line_of_the_page_is_a_command_of_the_runner():
    for line in ci(failing(" ".join(HOSTILE)), "log=none").stdout.splitlines():
        assert not line.lstrip().startswith("::")
        assert "##[" not in line


@pytest.mark.skipif(not TOOLKIT.exists() or not shutil.which("node"), reason="no @actions/core or no node: tests/setup peers")
def test_lines_are_escaped_as_the_toolkit_does():
    """Read as the runner reads them, then written again by GitHub's own function: the same bytes."""
    lines = ci(failing(" ".join(HOSTILE), count=4), "log=github").stderr.split("\n")[:-1]
    assert len(lines) == 4
    commands = []
    for line in lines:
        level, title, message = re.fullmatch(r"::(error|warning) title=([^:]*)::(.*)", line).groups()
        for code, char in (("%3A", ":"), ("%2C", ","), ("%0D", "\r"), ("%0A", "\n"), ("%25", "%")):
            title = title.replace(code, char)
            message = message.replace(code, char) if code not in ("%3A", "%2C") else message
        commands.append([level, {"title": title}, message])
    assert all(word in commands[0][2] for word in HOSTILE)
    script = f"const c = require({json.dumps(str(TOOLKIT))}); for (const [n, p, m] of {json.dumps(commands)}) c.issueCommand(n, p, m)"
    done = subprocess.run(["node", "-e", script], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == lines


def test_what_the_log_gets_is_found_by_the_environment():
    run = failing()
    assert ci(run).stderr == ""
    assert ci(run, GITHUB_ACTIONS="true").stderr.startswith("::error title=cause")
    lab = ci(run, GITLAB_CI="true").stderr
    assert re.match(r"section_start:\d+:collector_0\r\x1b\[0Kerror: cause, exit 1\n", lab)
    assert re.search(r"section_end:\d+:collector_0\r\x1b\[0K\n$", lab)
    assert "log=teletype: use github, gitlab, none or auto" in ci(run, "log=teletype", code=2).stderr


def test_the_summary_of_github_is_appended_to():
    file = new_folder() / "summary.md"
    file.write_text("# theirs\n")
    done = ci(failing(), GITHUB_STEP_SUMMARY=str(file))
    assert done.stdout == ""
    assert re.match(r"# theirs\n\n### <code>made</code>: exit 1\n", file.read_text())
    assert "#### The record is not complete" in file.read_text()


def test_a_file_of_its_own_appears_as_a_whole_or_is_replaced():
    folder, run = new_folder(), failing()
    file = folder / "own.md"
    assert ci(run, f"output={file}").stdout == ""
    first = file.read_text()
    assert first.startswith("\n### ") and os.listdir(folder) == ["own.md"]
    before = file.stat().st_ino
    ci(run, f"output={file},overwrite=true")
    assert file.read_text() == first and file.stat().st_ino != before
    ci(run, f"output={file}")
    assert file.read_text() == 2 * first
    assert "Is a directory" in ci(run, f"output={folder}", code=1).stderr
    assert "not a regular file" in ci(run, "output=/dev/null", code=2).stderr


def test_a_large_page_is_cut_by_rank_and_says_so():
    run = failing("x" * 80, count=300)
    for size, rank in ((16, 1), (32, 1), (900, 0)):
        page = ci(run, f"log=none,size={size}KiB,failures=1000,top=1000").stdout
        assert len(page.encode()) <= size << 10
        assert "The record is not complete" in page
        assert bool(re.search(r"^and \d+ more kinds?$", page, re.M)) == bool(rank)
        assert bool(re.search(r"^and \d+ more steps?$", page, re.M)) == bool(rank)
    listed = ci(run, "log=none,failures=3,top=2").stdout
    assert re.search(r"^and 296 more kinds$", listed, re.M) and re.search(r"^and 298 more steps$", listed, re.M)


def test_no_page_makes_the_file_larger_than_github_takes():
    for there, pages in ((900 << 10, 1), (1000 << 10, 0)):
        file = new_folder() / "summary.md"
        file.write_text("x" * there)
        ci(failing("x" * 80, count=300), "failures=1000,top=1000", GITHUB_STEP_SUMMARY=str(file))
        text = file.read_text()[there:]
        assert text.count("### <code>made") == pages
        assert there + len(text) <= 1024 << 10
        assert pages or "no room is left here for the summary" in text


def test_a_page_is_there_while_the_run_goes_on():
    folder = new_folder(0o777)
    for name, before in (("own.md", None), ("summary.md", "theirs\n")):
        file = folder / name
        if before:
            file.write_text(before)
            file.chmod(0o666)
        with Live(folder / f"live-{name}") as live:
            open_to_all(live.path)
            with Follower(live.path, sink=f"ci:output={file},interval=0s", out=folder / "out", **AS_NOBODY) as follower:
                live.tell("put 0 5", "flush")
                wait_for(lambda f=file: f.exists() and ": running\n" in f.read_text(), "a page")
                live.tell("end")
                follower.end()
        assert ": running" not in file.read_text()
        assert re.match((before or "") + r"\n### <code>[^<]*</code>: not known\n", file.read_text())


def test_what_others_append_meanwhile_stays():
    """They append as a shell's >> does, while the page is rewritten as often as that is possible."""
    folder = new_folder(0o777)
    file = folder / "summary.md"
    file.write_text("line 0\n")
    file.chmod(0o666)
    with Live(folder / "live") as live:
        open_to_all(live.path)
        with Follower(live.path, sink=f"ci:output={file},interval=0s", out=folder / "out", **AS_NOBODY) as follower:
            for i in range(1, 500):
                live.tell("put 0 5", "flush")
                with file.open("a") as theirs:
                    theirs.write(f"line {i}\n")
            live.tell("end")
            follower.end()
    text = file.read_text()
    assert re.findall(r"^line (\d+)$", text, re.M) == [str(i) for i in range(500)]
    assert text.count("### <code>") == 1


def zombies(ends=100000):
    """Three children that their parent waits for late, in ms."""
    lines = ["fork 0 10 1 sh", "exec 10 10 sh ci.sh <b>x</b>"]
    for pid in (11, 12, 13):
        lines += [f"fork 20 {pid} 10 sh", f"exec 30 {pid} tool", f"exit 500 {pid} 0", f"cpu_exit {ends} {pid} 1"]
    return scripted_run("\n".join([*lines, "exit 200000 10 0", "cpu_exit 200001 10 7", ""]))


@needs_cmark
def test_verdicts():
    done = ci(zombies(), "log=github")
    page = Page(done.stdout)
    assert set(page.tags) <= ALLOWED and "Verdicts" in page.text
    assert "zombie (proven) sh ci.sh '<b>x</b>' (pid 10) does not wait for 3 of its children" in page.text
    assert re.fullmatch(r"::warning title=zombie%2C proven::sh ci\.sh '<b>x</b>' \(pid 10\) does not wait .*%0Acall wait .*\n", done.stderr)
    healthy = ci(zombies(600), "log=github")
    assert "Verdicts" not in healthy.stdout and not healthy.stderr
