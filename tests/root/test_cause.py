# SPDX-License-Identifier: BSD-2-Clause
"""Pipelines that are broken on purpose: the summary's first lines name what broke them, by the tool's own argv."""
import html
import os
import re
import shutil
import signal
import subprocess

import pytest
from harness import BUILD, ask, collect, collector, merge, new_folder

LINES = 15

# name: files {name: text}, the command, its exit code, the first line under "Cause"
SCRIPT = "#!/bin/bash\nset -euo pipefail\n"
EXITS_4 = "import sys; sys.exit(4)"
BAD_ARCHIVE = "seq 9999 | gzip >good.gz\nhead -c 900 good.gz >bad.gz\n"
CTEST = """cmake_minimum_required(VERSION 3.10)
project(x NONE)
enable_testing()
add_test(NAME a COMMAND /bin/false)
set_tests_properties(a PROPERTIES WILL_FAIL TRUE)
"""
BROKEN = {
    "a tool that is not there": (
        {"run": SCRIPT + "seq 10 >a\nno_such_tool sort a >b\necho never\n"}, ["./run"], 127, r"exit 127 +.*run"),
    "a damaged archive at the begin of a pipe": (
        {"run": SCRIPT + BAD_ARCHIVE + "gzip -dc bad.gz | sort | uniq -c >out\n"},
        ["./run"], 1, r"exit 1 +gzip -dc bad\.gz"),
    "its reader fails for that": (
        {"run": SCRIPT + BAD_ARCHIVE + "gzip -dc bad.gz | awk '{n++} END {exit n < 9999 ? 5 : 0}'\n"},
        ["./run"], 5, r"exit 1 +gzip -dc bad\.gz"),
    "too little memory": (
        {"run": SCRIPT + "seq 3 | (ulimit -v 200000; exec /usr/bin/python3 -c 'x = bytearray(1 << 30)') | wc -l\n"},
        ["./run"], 1, r"exit 1 +python3 -c 'x = bytearray\(1 << 30\)'"),
    "a time limit": ({"run": SCRIPT + "timeout 0.2 sleep 60\n"}, ["./run"], 124, r"exit 124 +timeout 0\.2 sleep 60"),
    "SIGSEGV under Python": (
        {"run.py": "import subprocess\nsubprocess.run(['sh', '-c', 'kill -SEGV $$'], check=True)\n"},
        ["/usr/bin/python3", "run.py"], 1, r"SIGSEGV +sh -c 'kill -SEGV \$\$'"),
    "a limit of ulimit": (
        {"run": SCRIPT + "ulimit -f 10\nhead -c 1000000 /dev/zero >big\n"}, ["./run"], 153,
        r"SIGXFSZ +head -c 1000000 /dev/zero"),
    "make -k": (
        {"Makefile": f"all: a b c d e f\na c d e f:\n\t/bin/true\nb:\n\t/usr/bin/python3 -c '{EXITS_4}'\n"},
        ["make", "-k", "all"], 2, r"exit 4 +python3 -c 'import sys; sys\.exit\(4\)'"),
    "what make ignored after it": (
        {"Makefile": f"all: b i\nb:\n\t/usr/bin/python3 -c '{EXITS_4}'\ni:\n\t-/bin/false\n\t-/bin/bash -c 'exit 9'\n"},
        ["sh", "-c", "make -k 2>err"], 2, r"exit 4 +python3 -c 'import sys; sys\.exit\(4\)'"),
    "what make ignored, with the same code": (
        {"Makefile": "all: i b j\ni j:\n\t-cp nowhere x\nb:\n\tcp nowhere y\n"}, ["sh", "-c", "LC_ALL=C make -k 2>err"], 2,
        r"exit 1 +cp nowhere y"),
    "what a make below make ignored": (
        {"Makefile": "all: b i\nb:\n\t$(MAKE) -k -C sub\ni:\n\t-cp nowhere x\n",
         "sub/Makefile": "all: b i\nb:\n\tcp nowhere y\ni:\n\t-cp nowhere x\n"},
        ["sh", "-c", "make -k 2>err"], 2, r"exit 1 +cp nowhere y"),
    "make has no rule, and ignored a line": (
        {"Makefile": "all: i b\ni:\n\t-cp nowhere x\nb: nowhere\n"}, ["sh", "-c", "make -k 2>err"], 2, r"exit 2 +make -k"),
    "make -k, whose messages nobody keeps": (
        {"Makefile": f"all: b i\nb:\n\t/usr/bin/python3 -c '{EXITS_4}'\ni:\n\t-false\n"}, ["make", "-k"], 2,
        r"exit 4 +python3 -c 'import sys; sys\.exit\(4\)'"),
    "make, by an answer": ({"Makefile": "all:\n\ttrue\n\tgrep -q x Makefile2\n"}, ["make"], 2, r"exit 2 +grep -q x Makefile2"),
    "a make whose words were thrown away": (
        {"run": "#!/bin/bash\nset -e\nmake >/dev/null 2>&1\n",
         "Makefile": f"all:\n\t/usr/bin/python3 -c '{EXITS_4}'\n"}, ["./run"], 2, r"exit 4 +python3 -c 'import sys; sys\.exit\(4\)'"),
    "make, by false": ({"Makefile": "all:\n\t/bin/true\n\tfalse\n"}, ["make"], 2, r"exit 1 +false"),
    "a test of Automake": (
        {"Makefile": "all: a.log b.log\n\tbash -c 'am__color_tests=no; echo :test-result: | (! grep -q .)'\n"
                     "%.log:\n\tbash ./test-driver --test-name $* -- ./$*\n",
         "a": f"#!/bin/bash\n/usr/bin/python3 -c '{EXITS_4}'\n", "b": "#!/bin/bash\ngrep -q 7 /dev/null; /bin/false; exit 0\n",
         "test-driver": "while [ $1 != -- ]; do shift; done; shift; \"$@\"; exit 0\n"},
        ["make"], 2, r"exit 4 +python3 -c 'import sys; sys\.exit\(4\)'"),
    "a make below make": (
        {"Makefile": "all:\n\t$(MAKE) -C sub\n", "sub/Makefile": f"all:\n\t/usr/bin/python3 -c '{EXITS_4}'\n"},
        ["make"], 2, r"exit 4 +python3 -c 'import sys; sys\.exit\(4\)'"),
    "a job of GNU parallel": (
        {"run": "#!/bin/bash\nseq 20 | parallel -j4 'test {} != 13 || exit 9'\n"}, ["./run"], 1,
        r"exit 9 +bash -c 'test 13 != 13 \|\| exit 9'"),
    "an argument of xargs": (
        {"run": SCRIPT + "printf '%s\\n' 1 2 3 | xargs -n1 sh -c '[ $0 != 2 ] || exit 7'\n"}, ["./run"], 123,
        r"exit 7 +sh -c '\[ \$0 != 2 \] \|\| exit 7' 2"),
    "a full disk": (
        {"run": SCRIPT + "dd if=/dev/zero of=/dev/full bs=1k count=10\n"}, ["./run"], 1,
        r"exit 1 +dd if=/dev/zero of=/dev/full bs=1k count=10"),
    "a script without the x bit": (
        {"run": SCRIPT + "./other\n", "other": "#!/bin/sh\n"}, ["./run"], 126, r"exit 126 +.*run"),
    "an answer that ends a script": (
        {"run": SCRIPT + "seq 9 >a\ngrep -q 77 a || true\ngrep -q 88 a\n"}, ["./run"], 1, r"exit 1 +grep -q 88 a"),
    "an answer, under a code of its own": (
        {"run": "#!/bin/bash\ngrep -q x /dev/null || { echo no x >&2; exit 3; }\n"}, ["sh", "-c", "./run 2>err"], 3,
        r"exit 1 +grep -q x /dev/null"),
    "a test of the shell itself, after a pipe": (
        {"run": "#!/bin/bash\nset -e\nseq 2000000 | head -n 1 >a\n[ -s b ]\n"}, ["./run"], 1, r"exit 1 +run"),
    "an answer in a pipe, whose first writer lost its reader": (
        {"run": "#!/bin/bash\nset -e\nseq 2000000 | head -n 1 | grep x\n"}, ["./run"], 1, r"exit 1 +grep x"),
    "an answer in a pipe, whose reader ends later": (
        {"run": SCRIPT + "ls nowhere* | while read -r name; do echo $name; done\n"}, ["./run"], 2, r"exit 2 +ls 'nowhere\*'"),
    "what a shell says itself, after an answer": (
        {"run": "#!/bin/bash\nset -u\ngrep -q x /dev/null\necho $nothing\n"}, ["sh", "-c", "./run 2>err"], 1, r"exit 1 +run"),
    "a program that has looked around": (
        {"run.py": "import subprocess\nsubprocess.run(['which', 'nosuchtool'])\nraise SystemExit(1)\n"},
        ["/usr/bin/python3", "run.py"], 1, r"exit 1 +python3 run\.py"),
    "right after one that was handled": (
        {"run": SCRIPT + "sort nosuch.bed || echo none\ncat reads.bam\n"}, ["./run"], 1, r"exit 1 +cat reads.bam"),
    "one that was to make the file of the next": (
        {"run": "#!/bin/bash\nsort -o x.bam nosuch.bed\ncat x.bam\n"}, ["./run"], 1, r"exit 2 +sort -o x.bam nosuch.bed"),
    "cleaned up by a trap": (
        {"run": SCRIPT + "trap 'rm -f tmp; sleep 0' EXIT\ncp nowhere tmp\n"}, ["./run"], 1, r"exit 1 +cp nowhere tmp"),
    "with a code of its own": (
        {"run": "#!/bin/bash\nif ! cp nowhere x; then date >&2; exit 3; fi\n"}, ["./run"], 3, r"exit 1 +cp nowhere x"),
    "a test of ctest": (
        {"CMakeLists.txt": CTEST + 'add_test(NAME b COMMAND /usr/bin/python3 -c "raise SystemExit(4)")\n'},
        ["bash", "-c", "cmake . && ctest"], 8, r"exit 4 +python3 -c 'raise SystemExit\(4\)'"),
    "a test of npm": (
        {"package.json": """{"scripts": {"test": "/usr/bin/python3 -c 'raise SystemExit(4)'"}}"""},
        ["npm", "test"], 4, r"exit 4 +python3 -c 'raise SystemExit\(4\)'"),
    "a pipe whose reader had enough": (
        {"run": SCRIPT + "seq 1 2000000 | awk '{print length($1)}' | head -n 100 >/dev/null\n"}, ["./run"], 141,
        r"SIGPIPE +(awk '\{print length\(\$1\)\}'|seq 1 2000000)"),
}
NEEDS = {"a job of GNU parallel": "parallel", "make -k": "make", "a make below make": "make",
         "a test of Automake": "make", **{what: "make" for what in BROKEN if "make " in what}, "a test of ctest": "ctest",
         "a test of npm": "npm", "parallel": "parallel", "tests of ctest": "ctest", "tests of npm": "npm", "what a Makefile asks": "make",
         "lines of make that test first": "make"}


def run_in(folder, command):
    """The exit code and the summary's lines."""
    line, _ = collector(out=new_folder())
    env = {**os.environ, "COLUMNS": "100", "SHELL": "/bin/bash"}
    done = subprocess.run([*line, "--", *command], cwd=folder, capture_output=True, text=True, check=False, env=env,
                          preexec_fn=lambda: signal.signal(signal.SIGPIPE, signal.SIG_DFL))
    return done.returncode, done.stderr[re.search("^run  ", done.stderr, re.M).start():].splitlines()


def made(files):
    folder = new_folder()
    for name, text in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
        (folder / name).chmod(0o755 if text.startswith("#!") and name != "other" else 0o644)
    return folder


def skip_without_tool(what):
    if what in NEEDS and not shutil.which(NEEDS[what]):
        pytest.skip(f"{NEEDS[what]} is not installed")


@pytest.mark.parametrize("what", BROKEN)
def test_the_cause_comes_first(what):
    files, command, code, cause = BROKEN[what]
    skip_without_tool(what)
    folder = made(files)
    found, lines = run_in(folder, command)
    page = "\n".join(lines)
    assert found == code, page
    at = lines.index("Cause")
    assert at < LINES and re.match(f"  {cause}$", lines[at + 1]), page
    about = re.sub(r"\s", "", "".join(lines[at:LINES]))  # a long path is wrapped
    assert f"cd{folder}" in about or f"in{folder}" in about, page


def test_the_folder_of_a_subshell_is_its_own():
    """Not that in which its script began."""
    script = "#!/bin/bash\nset -e\nmkdir -p deep/er\ncd deep/er\n( [ -f counts ] || { cd /; exit 4; } )\n"
    for enter, folder in ("cd /;", "/"), ("", "deep/er"):
        top = made({"run": script.replace("cd /;", enter)})
        code, lines = run_in(top, ["./run"])
        at = next(i for i, line in enumerate(lines) if re.match("  exit 4  a subshell of ", line))
        assert code == 4 and f"in{top / folder}passedon:" in re.sub(r"\s", "", "".join(lines[at:at + 7])), lines


def test_a_silent_answer_is_told_by_the_script():
    """Where what began it has said nothing, the last lines of the script that asked are shown there, under its name and their file's."""
    folder = made({"run": BROKEN["an answer, under a code of its own"][0]["run"]})
    _, lines = run_in(folder, ["sh", "-c", "./run 2>err"])
    stripped = [line.strip() for line in lines]
    at, passed_on = stripped.index("| no x"), stripped.index("passed on:")
    whole = "".join(stripped[stripped.index("last lines of run:"):at])  # a long path is wrapped
    assert whole == f"last lines of run:its standard error: {folder}/err" and passed_on > at, "\n".join(lines)


HEALTHY = {
    "asked for its usage": """mkdir bin
printf '#!/bin/sh\\nprintf %%0300d 0 >&2\\nexit 1\\n' >bin/aligner
chmod +x bin/aligner
PATH=$PWD/bin:$PATH
aligner >/dev/null 2>&1 || true
aligner 2>usage || true
aligner --version 2>/dev/null || true
""",
    "answers": """seq 10 >a; seq 11 >b
if grep -q zzz a; then echo; fi
diff -q a b >/dev/null || true
cmp -s a b || cp a c
which nonexistent >/dev/null 2>&1 || true
readlink a >/dev/null || true
getent group nosuchgroup >/dev/null || true
expr 0 + 0 >/dev/null || true
ls missing* >/dev/null 2>&1 || true
rm -r missing 2>/dev/null || true
stat missing >/dev/null 2>&1 || true
dpkg -s nosuchpackage >/dev/null 2>&1 || true
/usr/bin/python3 -c 'import nosuchmodule' 2>/dev/null || true
printf '%s\\n' a b | xargs grep -q 99 || true
timeout 5 grep -q 99 a || true
yes | head -n 1 >/dev/null || true
timeout 0.2 tail -f a >/dev/null || true
until /bin/mkdir d/lock 2>/dev/null; do mkdir d; done
perl -e 'exit(system("grep -q zzz a") == 0 ? 1 : 0)'
""",
    "retries": """for i in 1 2 3; do ./flaky && break; done
""",
    "retries by number": """printf '#!/bin/sh\\n[ $1 = 3 ] || { echo reset >&2; exit 7; }\\n' >fetch
chmod +x fetch
for try in 1 2 3 4; do ./fetch $try && break; sleep 0.4; done
date >/dev/null
""",
    "parallel": """export HOME=$PWD
parallel --will-cite -j4 'seq {}00 | md5sum >{}.md5' ::: 1 2 3
parallel --will-cite -j2 ./job ::: 1 2 3
""",
    "configure": """./configure
make -s
""",
    "what a Makefile asks": """printf 'exit 1\\n' >vc-list-files
cat >Makefile <<'END'
SHELL = /bin/bash
V := $(shell cat ./.prev-version 2>/dev/null)
W := $(shell cat ./.tarball-version)
X := $(shell test -f ./git-version && echo yes)
Y := $(shell sh ./vc-list-files -C . >/dev/null 2>&1; echo $$?)
all: ; @echo $(V)$(W)$(X)$(Y) >out
END
make -s 2>/dev/null
""",
    "lines of make that test first": """printf 'all:\\n\\t-test -d nowhere && rmdir nowhere\\n\\t@[ -d . ] || mkdir x\\n' | make -s -f -
! make nothing >/dev/null 2>&1
""",
    "a test of what is to fail": """/usr/bin/python3 -c 'import subprocess; assert subprocess.call(["false"])'
""",
    "questions in subshells": """for i in 1 2 3; do (echo >/dev/tcp/127.0.0.1/1) 2>/dev/null && break; done
if ! b=$(command -v nosuchtool); then b=none; fi
c=$(type -P nosuchtool) || c=none
answer() { return 1; }
x=$(answer) || x=0
if ( [ -f a ] && [ -f b ] ); then echo; fi
""",
    "tests of ctest": """cmake . >/dev/null
ctest >/dev/null
""",
    "tests of npm": """printf '{"scripts": {"test": "sh t"}}' >package.json
printf '/bin/false\\nexit 0\\n' >t
npm test >/dev/null
""",
    "tests of cargo and go": """mkdir deps
cp /bin/bash deps/x-0123456789abcdef
./deps/x-0123456789abcdef -c '/bin/false; true'
cp /bin/bash x.test
./x.test -c '/bin/false; true' -test.v
""",
    "tests of Automake": """printf '#!/bin/bash\\nwhile [ $1 != -- ]; do shift; done; shift\\n"$@"\\nexit 0\\n' >test-driver
bash ./test-driver --test-name a --expect-failure yes -- /bin/false
bash ./test-driver --test-name b --expect-failure no -- bash -c 'exit 77; true'
bash -c 'o=n; if (case $o in ?) ;; *) echo "am__make_running_with_option: internal error: invalid";; esac
test $o = y); then date; fi; true'
""",
}
CONFIGURE = """#!/bin/sh
echo 'int main(void) { return no_such_function_of_ours(); }' >conftest.c
cc -Werror conftest.c -o conftest 2>/dev/null && ./conftest
no_such_program --version 2>/dev/null
printf 'all:\n\t@true\n' >Makefile
exit 0
"""
FLAKY = """#!/bin/sh
[ -e done ] && exit 0
touch done
cp nowhere there
"""


@pytest.mark.parametrize("what", HEALTHY)
def test_a_healthy_script_hides_nothing(what):
    skip_without_tool(what)
    files = {"run": SCRIPT + HEALTHY[what], "flaky": FLAKY, "configure": CONFIGURE, "job": "#!/bin/sh\nsleep 0.1\n",
             "CMakeLists.txt": CTEST}
    code, lines = run_in(made(files), ["./run"])
    page = "\n".join(lines)
    assert code == 0, page
    assert any(re.fullmatch("  verdict +exit 0", line) for line in lines), page
    assert not any(line.startswith(("Failed", "Cause")) for line in lines), page
    assert what.startswith("retries") == ("Retried, ignored or timed out" in lines), page


WAYS = ["{} | cat", "{} & wait $!; true", "({}; true)", "g() { local x=$({}); return 0; }; g", "export Y=$({})",
        "diff <({}) /dev/null", "find . -maxdepth 0 -exec {} \\;", "find . -maxdepth 0 -exec {} {} + || true",
        "printf '1\\n2\\n' | xargs -n1 {} || :", "printf 'a:\\n\\t-{}\\n' | make -s -f -",
        "perl -e 'system(\"{}\"); exit 0'", "/usr/bin/python3 -c 'import os; os.system(\"{}\")'",
        "awk 'BEGIN { system(\"{}\") }'", "timeout 5 {}; true", "sh -c '{}' || true"]


def test_every_way_to_hide_a_failure_is_found():
    """Each once: what passed one on does not count again."""
    tools = [f"./tool{i}" for i in range(len(WAYS))]
    lines = [way.replace("{}", tool, 1) if "find" not in way else way.replace("-exec {}", f"-exec {tool}")
             for way, tool in zip(WAYS, tools)]
    folder = made({"run": "\n".join(["#!/bin/bash", *lines, "exit 0\n"]), **{tool: "#!/bin/sh\nexit 3\n" for tool in tools}})
    page = merge(collect("./run", cwd=folder).path, sink="summary:failures=100")
    assert set(re.findall(r"^  exit 3 +(tool\d+)", page, re.M)) == {tool[2:] for tool in tools}, page
    assert not re.findall(r"^  exit (?!3 )\d+ .*$", page, re.M), page


def test_a_hidden_failure_has_what_it_became():
    inner = "cp nowhere x; /bin/sleep 0.1; echo config.yaml: no samples >&2; exit 6"
    run = collect("bash", "-c", f"bash -c '{inner}' 2>log; true", cwd=new_folder())
    page = new_folder() / "page.md"
    merge(run.path, sink=f"ci:output={page}")
    summary, page = merge(run.path, sink="summary"), html.unescape(page.read_text())
    became = r"exit 1 +cp nowhere x\n(?:.*\n)+ +passed on: exit 6  bash -c .*\n +\| config\.yaml: no samples\n"
    assert re.search(became, summary), summary
    assert re.search(r"Passed on: \*\*exit 6\*\* <code>bash -c .*\n\n<pre>config\.yaml: no samples</pre>", page), page
    assert "passed a failure on" not in summary


@pytest.mark.skipif(not (BUILD / "collector-query").exists(), reason="built without DuckDB: tests/setup duckdb")
def test_the_query_failed_names_the_answer_that_ended_a_script():
    """grep has not failed: it is in no row of its own."""
    run = collect("bash", "-ec", "true; grep -q x /dev/null; true", code=1)
    row, = ask(run, "failed")
    assert row["cause"] == "grep -q x /dev/null" and row["command"].startswith("bash -ec")


# Where the last lines are: a script, and what the page says in their place.
UNHEARD = {
    "nothing was written": ("exec 2>err; cat /dev/null; test -e nosuch", "  no last lines: it wrote nothing to its standard error"),
    "the errors are in a file": ("exec 2>err; cat nosuch; exit 3", None),
    "colours are reset in it": (r"exec 2>err; printf '\033[0m' >&2; exit 3",
                                "  no last lines: what it wrote did not go to its standard error"),
    "a pipe": ("exec 2>&1; echo x; exit 3", "  no last lines: what goes to a pipe or a terminal is recorded only by"),
}


@pytest.mark.parametrize("what", UNHEARD)
def test_why_there_are_no_last_lines(what):
    script, says = UNHEARD[what]
    _, lines = run_in(new_folder(), ["sh", "-c", script + "; exit 1"])
    assert [line for line in lines if "no last lines" in line] == ([says] if says else []), "\n".join(lines)


def test_what_python_could_not_start_is_named():
    folder = made({"call.py": "import subprocess\nsubprocess.run(['a-tool-with-a-long-name', 'x'], check=True)\n"})
    _, lines = run_in(folder, ["sh", "-c", "/usr/bin/python3 call.py 2>err"])
    at = lines.index("Cause")
    assert lines[at + 1] == "  exit 255  a-tool-with-a-long-name: not found, in python3 call.py", "\n".join(lines)


# What ran the failing command where a shell beside the run's first would not find it, and what is to be run again.
ELSEWHERE = {
    "another user": "setpriv --reuid 65534 --clear-groups sh -c 'cat secret; exit 4'",
    "another user, by a fork": "runuser -u nobody -- cat secret",
    "another PID namespace": "unshare --pid --fork sh -c 'cat nosuch; exit 4'",
    "another root": "chroot / /bin/sh -c 'cat nosuch; exit 4'",
    "less memory": "prlimit --as=400000000 /usr/bin/python3 -c 'x = bytearray(600000000)'",
}


@pytest.mark.skipif(os.getuid() != 0, reason="changes its user")
@pytest.mark.parametrize("where", ELSEWHERE)
def test_what_failed_elsewhere_is_run_again_from_here(where):
    folder = made({"secret": ""})
    folder.chmod(0o755)
    (folder / "secret").chmod(0o600)
    _, lines = run_in(folder, ["sh", "-c", ELSEWHERE[where] + "; exit 1"])
    again, = [line.split("run again: ")[1] for line in lines if "run again: " in line]
    assert again.split(" && ", 1)[1] == ELSEWHERE[where], "\n".join(lines)


@pytest.mark.skipif(not shutil.which("dash"), reason="dash is not installed")
def test_what_a_shell_does_not_tell_apart():
    """dash says "not found" of a file that is there, and what its first line names is not."""
    folder = made({"tool": "#!/nosuch/interpreter\n"})
    (folder / "tool").chmod(0o755)
    for shell, words in (("dash", "not found: the command, or its interpreter or loader"), ("bash", "command not found")):
        tool = "tool" if shell == "dash" else "no-such-tool"
        _, lines = run_in(folder, ["sh", "-c", f"PATH=$PWD:$PATH {shell} -c {tool} 2>err; exit 1"])
        assert words in [line.strip() for line in lines], "\n".join(lines)


def test_a_limit_of_time_whose_caller_goes_on():
    """A fact under its own heading, and no failure: it may be how the command was to end."""
    folder = made({"run": SCRIPT + "timeout 0.2 sleep 30 || true\ntimeout 9 true\nexit 0\n"})
    code, lines = run_in(folder, ["./run"])
    page = "\n".join(lines)
    assert code == 0 and re.search("verdict +exit 0$", page, re.M) and "Failed" not in page, page
    at = lines.index("Retried, ignored or timed out")
    assert lines[at + 1:at + 3] == ["  timeout 0.2 sleep 30: exit 124, timed out, and its caller went on", ""], page
