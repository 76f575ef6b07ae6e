# SPDX-License-Identifier: BSD-2-Clause
"""The last lines of standard error of what failed, against the file as the test reads it, or against what the process was
told to write."""
import json
import os
import pwd
import shutil
import subprocess
import sys
import time

import pytest
from harness import BUILD, NOBODY, Run, collect, collector, merge, new_folder, stage, to_bytes

PYTHON = "/usr/bin/python3" if os.path.exists("/usr/bin/python3") else sys.executable
WRITES = "probes: {lifecycle: {}, output: {writes: true}}\n"


def script(folder, text, **more):
    return collect("bash", "-c", text, cwd=folder, code=None, **more)


def texts(run, **values):
    return run.of("output.text", **values)


def merging(sink):
    return [stage() / "collector-merge", "--plugin-dir", stage(), "--sink", sink]


def one(run, command):
    """The text of the one process that ran this (the last argument of its exec)."""
    pid = run.one("lifecycle.exec", args=command)["pid"]
    return run.one("output.text", pid=pid)


def test_what_each_wrote_to_its_file():
    """The window between offset and size, of the file as it is now."""
    folder = new_folder()
    run = script(folder, """
        sh -c 'echo first >&2; exit 1' 2>own
        sh -c 'echo second >&2; exit 2' 2>>own
        sh -c 'echo nothing wrong >&2' 2>>own
        sh -c 'exit 3' 2>>own
        sh -c 'echo killed >&2; kill -9 $$' 2>>own
        { echo of the script >&2; ls /no/such/file; no-such-tool; } 2>group
        exec 2>>late; echo from here on >&2; false; exit 7""")
    assert run.code == 7
    found = {}
    for e in run.of("lifecycle.failure"):
        begin, end = int(e["stderr"]["offset"]), int(e["stderr"]["size"])
        path = e["stderr"]["path"]
        with open(path, "rb") as file:
            expected = file.read()[begin:end]
        said = texts(run, pid=e["pid"])
        assert len(said) == (1 if expected else 0)
        if expected:
            assert to_bytes(said[0]["text"]) == expected and said[0]["path"] == path
            assert (said[0]["bytes"], said[0]["cut"], said[0]["source"], said[0]["fd"]) == (len(expected), 0, "file", 2)
            found.setdefault(os.path.basename(path), []).append(said[0]["text"])
    assert found["own"] == ["first\n", "second\n", "killed\n"]
    assert found["group"][0].startswith("ls: ") and found["group"][1].endswith("no-such-tool: command not found\n")
    assert found["late"] == ["from here on\n"]
    assert len(texts(run)) == 6 and not run.lost


def test_the_end_of_what_is_long():
    folder = new_folder()
    (folder / "log").write_bytes(b"of an earlier run\n" * 1000)
    run = script(folder, "sh -c 'seq 100000 >&2; echo ä the end >&2; exit 1' 2>>log")
    said = texts(run)[0]
    whole = (folder / "log").read_bytes()
    text = to_bytes(said["text"])
    assert whole.endswith(b"\n" + text) and 4000 < len(text) <= 4096
    assert said["bytes"] == len(text)
    assert said["cut"] == len(whole) - 18 * 1000 - len(text)


def test_a_line_without_an_end_is_not_shown_in_part():
    """A secret is known by what stands before it."""
    run = script(new_folder(), """
        sh -c 'printf "password=%05000d" 7 >&2; exit 1' 2>one
        sh -c 'printf "password=%05000d\\nthe last line" 7 >&2; exit 1' 2>two""")
    first, second = texts(run)
    assert (first["text"], first["bytes"], first["cut"]) == ("", 0, 5009)
    assert (second["text"], second["bytes"], second["cut"]) == ("the last line", 13, 5010)


def test_a_file_that_many_append_to():
    folder = new_folder()
    run = script(folder, """
        for i in $(seq 20); do sh -c "echo I am $i. >&2; exit $i" 2>>log & done; wait; exit 0""")
    whole = (folder / "log").read_text()
    for i in range(1, 21):
        said = one(run, ["sh", "-c", f"echo I am {i}. >&2; exit {i}"])
        assert f"I am {i}.\n" in said["text"] and said["text"] in whole
    assert len(texts(run)) == 20


GONE = {
    "deleted": "rm log",
    "a link in its place": "rm log; ln -s /etc/shadow log",
    "another file in its place": "rm log; cp /etc/shadow log",
    "a FIFO in its place": "rm log; mkfifo log",
    "a folder in its place": "rm log; mkdir log",
    "truncated": ": >log",
}


@pytest.mark.parametrize("case", GONE)
def test_nothing_is_read_but_that_file(case):
    folder = new_folder()
    (folder / "log").write_text("before\n")
    run = script(folder, f"sh -c 'echo mine >&2; {GONE[case]}; exit 3' 2>>log")
    said = texts(run)[0]
    assert said["text"] is None and said["bytes"] is None and "text=gone" in said["missing"]
    assert len(texts(run)) == 1


def test_a_file_that_was_renamed_is_found():
    folder = new_folder()
    run = script(folder, "sh -c 'echo mine >&2; mv log log.1; ln -s /etc/shadow log; exit 3' 2>log")
    assert texts(run)[0]["text"] == "mine\n" and texts(run)[0]["path"] == str(folder / "log.1")


def test_a_sparse_file():
    run = script(new_folder(), "sh -c 'truncate -s 5G log; echo the end >&2; exit 1' 2>>log")
    said = texts(run)[0]
    assert (said["text"], said["cut"]) == ("", 5 * 2**30 + 8) or said["text"].endswith("the end\n")
    assert said["bytes"] <= 4096


def test_another_mount_namespace():
    """The path leads elsewhere there: to nothing, and to another file of that name."""
    folder = new_folder()
    (folder / "mnt").mkdir()
    (folder / "mnt/second").write_text("not this\n")
    run = script(folder, """unshare -m sh -c '
        mount -t tmpfs none mnt
        sh -c "echo inside >&2; exit 4" 2>mnt/first
        sh -c "echo inside >&2; exit 5" 2>mnt/second'""")
    assert len(texts(run)) == 2
    assert all(e["text"] is None and "text=gone" in e["missing"] for e in texts(run))


def test_a_file_of_root_alone_with_user():
    folder = new_folder(0o777)
    options, out = collector("--no-summary", "--user", pwd.getpwuid(NOBODY).pw_name)
    root = ["sh", "-c", 'exec 2>log; chmod 600 log; exec "$@"', "sh"]  # the recorder's messages go there as well
    done = subprocess.run([*root, *options, "--", "sh", "-c", "echo of the user >&2; exit 6"], cwd=folder, check=False,
                          capture_output=True, timeout=60)
    run = Run(out, done.returncode, done.stdout, "")
    assert run.code == 6
    said = texts(run)[0]
    assert said["text"] is None and "text=denied" in said["missing"]
    assert "of the user" in (folder / "log").read_text()


SECRETS = """connecting
PGPASSWORD=hunter2hunter2 is wrong
Authorization: Bearer abcdefghijklmnop.qrstuv
+ mysql -phunter2hunter2 -u root
++ curl -u admin:hunter2hunter2 https://example.org
https://me:hunter2hunter2@example.org/x
the end
"""


def test_secrets_are_redacted():
    folder = new_folder()
    (folder / "messages").write_text(SECRETS)
    run = script(folder, "sh -c 'cat messages >&2; exit 1' 2>log; sh -c 'cat messages >&2; exit 1' 2>&1 | cat", config=WRITES)
    raw = (run.path / "output.msgpack").read_bytes()
    assert b"hunter2" not in raw and b"abcdefghijklmnop" not in raw
    lines = texts(run)[0]["text"].splitlines()
    assert lines[0] == "connecting" and lines[-1] == "the end" and len(lines) == 7
    assert all("***" in line for line in lines[1:-1])
    assert lines[3].startswith("+ mysql -p***")
    assert texts(run)[0]["bytes"] == len(SECRETS)


def test_a_pipe_is_not_read_unless_asked_for():
    run = script(new_folder(), "{ echo out; echo err >&2; exit 3; } 2>&1 | tee log; exit 0")
    assert not texts(run)
    run = script(new_folder(), "{ echo out; echo err >&2; exit 3; } 2>&1 | tee log; exit 0", config=WRITES)
    assert [(e["text"], e["source"], e["path"]) for e in texts(run)] == [("out\nerr\n", "write", None)]


def test_nothing_without_files():
    run = script(new_folder(), "sh -c 'echo x >&2; exit 1' 2>log", config="probes: {lifecycle: {}, output: {files: false}}\n")
    assert not texts(run) and len(run.of("lifecycle.failure")) == 1


WRITER = """
import json, os, sys
words = [bytes.fromhex(word) for word in sys.argv[2:]]
if sys.argv[1] == "writev":
    os.writev(2, words)
else:
    for word in words:
        os.write(2, word)
print(json.dumps({"pid": os.getpid()}), flush=True)
os._exit(1)
"""


@pytest.mark.parametrize("how", ["write", "writev"])
@pytest.mark.parametrize("words", [
    [b"one line\n"], [b"", b"a", b"b\n", b""], [b"x" * 4095 + b"\n"], [b"x" * 4096 + b"\n", b"end\n"],
    [b"first\n" * 1000, b"second\n" * 10], [b"%d\n" % i for i in range(12)], [b"long\n" * 3000],
    [b"\xff\x00\x1b[31m\n"], ["ä\n".encode() * 2047]])
def test_what_is_written_to_a_pipe(how, words):
    folder = new_folder()
    (folder / "writer").write_text(WRITER)
    line = " ".join(word.hex() or "''" for word in words)
    run = script(folder, f"{PYTHON} -S writer {how} {line} 2> >(cat >all); wait $!; exit 0", config=WRITES)
    said = run.one("output.text", pid=run.said[0]["pid"])
    whole = b"".join(words)
    expected = whole
    if len(whole) > 4096:
        expected = whole[-4096:]
        expected = expected[expected.index(b"\n") + 1:]
    assert to_bytes(said["text"]) == expected == (folder / "all").read_bytes()[len(whole) - len(expected):]
    assert (said["bytes"], said["cut"], said["fd"]) == (len(expected), len(whole) - len(expected), 2)
    assert not run.lost


def test_what_is_written_to_a_terminal_and_what_is_not_taken():
    run = collect("script", "-qec", "sh -c 'echo on a terminal >&2; exit 3'", "/dev/null", code=None, config=WRITES)
    assert "on a terminal" in "".join(e["text"] for e in texts(run))
    run = script(new_folder(), """
        sh -c 'echo x >&2; exit 1' 2>/dev/null
        sh -c 'echo x >&2; exit 0' 2> >(cat >/dev/null)
        sh -c 'echo x; exit 1' | cat
        sh -c 'echo x >&2; exit 1' 2>log
        exit 0""", config=WRITES)
    assert [(e["source"], e["text"]) for e in texts(run)] == [("file", "x\n")]


def test_many_in_a_second():
    """Every process that failed has its text, or the reason why not; no more is read than there is time for."""
    folder = new_folder()
    began = time.monotonic()
    run = script(folder, "for i in $(seq 1000); do ( echo line $i >&2; exit 1 ) 2>>log & done; wait; exit 0")
    assert time.monotonic() - began < 100
    failed, said = run.of("lifecycle.failure"), texts(run)
    assert len(failed) == 1000 and {e["pid"] for e in said} == {e["pid"] for e in failed} and len(said) == 1000
    whole = (folder / "log").read_text()
    for e in said:
        assert e["text"] in whole if e["text"] is not None else "text=lost" in e["missing"]
    assert sum(e["text"] is not None for e in said) >= 256


def test_a_file_of_a_task():
    """As Nextflow starts a task: a folder of its own, whose file a tee writes by a FIFO."""
    folder = new_folder()
    wrapper = "mkfifo fifo; tee .command.err <fifo >&2 & sh -c 'echo tool failed >&2; exit 71' 2>fifo; code=$?; wait; exit $code"
    (folder / "run").write_text(wrapper)
    run = script(folder, """
        mkdir -p work/ab work/cd
        echo stale >work/cd/.command.err; touch -d '1 hour ago' work/cd/.command.err
        (cd work/ab && exec bash ../../run) 2>/dev/null
        (cd work/cd && exec sh -c 'exit 9') 2>/dev/null
        exit 0""")
    wrapper = run.one("lifecycle.exec", args=["bash", "../../run"])
    assert [(e["pid"], e["text"], e["path"]) for e in texts(run)] == [
        (wrapper["pid"], "tool failed\n", str(folder / "work/ab/.command.err"))]


HUNG = """
import ctypes, os, subprocess, sys, time
folder = os.path.abspath(sys.argv[1])
log = os.open(folder + "/log", os.O_CREAT | os.O_WRONLY)
os.dup2(log, 2)
os.write(2, b"before the mount\\n")
fuse = os.open("/dev/fuse", os.O_RDWR)
options = f"fd={fuse},rootmode=40000,user_id=0,group_id=0".encode()
if ctypes.CDLL(None, use_errno=True).mount(b"none", folder.encode(), b"fuse", 0, options):
    os._exit(77)
if os.fork():
    os._exit(3)
time.sleep(int(sys.argv[2]))
"""


def test_a_file_system_that_does_not_answer():
    """The keeper's reader waits for it, and nothing else does."""
    folder = new_folder()
    if not os.path.exists("/dev/fuse"):
        pytest.skip("no FUSE here")
    (folder / "hung").write_text(HUNG)
    (folder / "mnt").mkdir()
    began = time.monotonic()
    try:
        run = collect(PYTHON, "-S", "hung", "mnt", "3", cwd=folder, code=None)
    finally:
        os.system(f"umount -l {folder}/mnt")
    if run.code == 77:
        pytest.skip("FUSE cannot be mounted here")
    assert run.code == 3 and time.monotonic() - began < 60
    said = texts(run)[0]
    assert said["text"] is None and "text=lost" in said["missing"] or "text=fault" in said["missing"]


def test_the_page_shows_the_last_lines_of_each_failure():
    """Below it, five at most, safe for a terminal; the files have gone by then."""
    folder = new_folder()
    (folder / "four").write_text('seq 9 >&2; printf "\\033[2Jo\\001dd\\n" >&2; exit 4\n')
    (folder / "many").write_text("sh four 2>one\n{ no-such-tool; } 2>two\nsh -c 'exit 5' 2>three\nexit 0\n")
    run = collect("bash", "many", cwd=folder)
    for name in "one", "two", "three":
        (folder / name).unlink()
    page = merge(run.path, sink="summary")
    said, kind = {}, ""
    for line in page.splitlines():
        kind = " ".join(line.split()[:2]) if line.startswith("  exit ") else kind
        if line.strip().startswith("| "):
            said.setdefault(kind, []).append(line.strip())
    assert said.pop("exit 4") == ["| 6", "| 7", "| 8", "| 9", "| o\\x01dd"]  # without what clears a screen
    missing, = said.pop("exit 127")
    assert missing.startswith("| many: line ") and missing.endswith("no-such-tool: command not found")
    assert not said


@pytest.mark.parametrize("language", ["", "de", "fr"])
@pytest.mark.parametrize("shell", ["bash", "sh", "make"])
def test_a_missing_tool_has_its_name(shell, language):
    """By the place where its name stands: words are in the user's language."""
    if not shutil.which(shell):
        pytest.skip(f"{shell} is not installed")
    folder = new_folder()
    (folder / "p.sh").write_text("set -e\ntrue\nno-such-tool -x y\ntrue\n")
    (folder / "Makefile").write_text("all:\n\tno-such-tool -x y\n")
    command = ["make"] if shell == "make" else [shell, "p.sh"]
    env = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")}
    run = collect("sh", "-c", '"$@" 2>log', "sh", *command, cwd=folder, code=None,
                  env={**env, "LC_ALL": "C.UTF-8", "LANGUAGE": language})
    message = (folder / "log").read_text()
    if language and shell == "bash" and "command not found" in message:
        pytest.skip("bash has no messages in this language here")
    page = merge(run.path, sink="summary")
    cause = page.partition("Cause\n")[2].splitlines()
    assert cause[0].split()[:3] == ["exit", "2" if shell == "make" else "127", "no-such-tool:"], page
    said = [line.strip().removeprefix("| ") for line in cause if line.strip().startswith("| ")]
    assert "no-such-tool" in said[0] and all(line in message for line in said)


@pytest.mark.skipif(not shutil.which("gcc"), reason="gcc is not installed")
def test_a_missing_library_has_its_name():
    folder = new_folder()
    (folder / "library.c").write_text("int three(void) { return 3; }\n")
    (folder / "main.c").write_text("int three(void); int main(void) { return three() - 3; }\n")
    subprocess.run(["gcc", "-shared", "-fPIC", "-o", "libthree.so", "library.c"], cwd=folder, check=True)
    subprocess.run(["gcc", "-o", "counter", "main.c", "-L.", "-lthree"], cwd=folder, check=True)
    (folder / "libthree.so").unlink()
    run = collect("bash", "-c", "set -e; ./counter 2>log; true", cwd=folder, code=127)
    verdict, = [e for e in map(json.loads, merge(run.path, sink="jsonl:verdicts=true").splitlines()) if e["event"] == "verdict"]
    assert (verdict["kind"], verdict["certainty"]) == ("missing_tool", "likely")
    assert verdict["evidence"].endswith(" exited 127: it did not find the shared library libthree.so")
    assert "ldd" in verdict["next"]


# ---- what a task's script begins with ----

def task_script(folder, name):
    """A task of Nextflow: its wrapper, which names it, and its script, which needs a while as its first process has ended."""
    folder.mkdir(parents=True)
    (folder / ".command.run").write_text(f"#!/bin/bash\n### ---\n### name: '{name}'\n### ...\nbash -ue {folder}/.command.sh\n")
    (folder / ".command.sh").write_text("#!/bin/bash -ue\nsort /etc/passwd > /dev/null\n")
    return folder


def two_tasks(folder):
    return [task_script(folder / "work/ab" / (letter * 30), f"RNA:ALIGN ({tag})") for letter, tag in (("c", "ant"), ("d", "b c"))]


def steps_of(path):
    done = subprocess.run([stage() / "collector-query", "--plugin-dir", stage(), "-F", "json", path,
                           "SELECT step, tag, id FROM steps ORDER BY id"], capture_output=True, text=True, check=True)
    return [(row["step"], row["tag"], row["id"]) for row in json.loads(done.stdout)], done.stderr


NAMED = [("RNA:ALIGN", "ant", "ab/cccccc"), ("RNA:ALIGN", "b c", "ab/dddddd")]
query = pytest.mark.skipif(not (BUILD / "collector-query").exists(), reason="built without DuckDB: tests/setup duckdb")


@query
def test_a_task_has_its_name_when_its_folder_is_gone():
    folder = new_folder()
    tasks = two_tasks(folder)
    run = script(folder, "for t in work/ab/*; do (cd $t && bash .command.run) || exit; done")
    assert run.code == 0
    shutil.rmtree(folder / "work")
    assert {(e["path"], e["text"].splitlines()[2]) for e in run.of("output.head")} == {
        (f"{tasks[0]}/.command.run", "### name: 'RNA:ALIGN (ant)'"), (f"{tasks[1]}/.command.run", "### name: 'RNA:ALIGN (b c)'")}
    for e in run.of("output.head"):
        assert e["ts"] == run.one("lifecycle.exec", pid=e["pid"], args=[*["bash", ".command.run"]])["ts"]
    assert steps_of(run.path) == (NAMED, "")


@query
def test_a_task_whose_script_is_not_reached_has_its_name():
    """The name is recorded at the exec that begins the task, and has its time."""
    folder = new_folder()
    wrapper = two_tasks(folder)[0] / ".command.run"
    wrapper.write_text(wrapper.read_text().replace("bash -ue", "sh -c 'exit 3' || exit; bash -ue"))
    run = script(folder, "for t in work/ab/*; do (cd $t && bash .command.run); done; exit 0")
    assert steps_of(run.path) == (NAMED, "")
    done = subprocess.run([*merging("summary"), run.path], capture_output=True, text=True, check=True)
    assert "in step RNA:ALIGN (ant)" in done.stdout


def test_what_is_read_of_a_task_is_bounded_regular_and_redacted():
    folder = new_folder()
    bodies = {"long": "#!/bin/bash\n" + "x=1 # a line\n" * 1000, "secret": "#!/bin/bash\nexport DB_PASSWORD=hunter2\n"}
    for name, body in bodies.items():
        (folder / name).mkdir()
        (folder / name / ".command.run").write_text(body)
    (folder / "link").mkdir()
    (folder / "link/.command.run").symlink_to("/etc/passwd")
    (folder / "fifo").mkdir()
    os.mkfifo(folder / "fifo/.command.run")
    (folder / "none").mkdir()
    run = script(folder, "for f in long secret link fifo none; do (cd $f; true /x/.command.run; env .command.run true); done; exit 0")
    found = {os.path.basename(os.path.dirname(e["path"])): e for e in run.of("output.head")}
    assert found["long"]["text"] == bodies["long"][:1024] and found["long"]["bytes"] == 1024
    assert "hunter2" not in found["secret"]["text"] and "DB_PASSWORD" in found["secret"]["text"]
    assert {name: found[name]["text"] for name in ("link", "fifo")} == {"link": None, "fifo": None}
    assert all("text=gone" in found[name]["missing"] for name in ("link", "fifo"))
    assert "none" not in found


@pytest.mark.parametrize("args", ["none", "program"])
def test_what_a_task_begins_with_is_not_kept_where_arguments_are_not(args):
    folder = new_folder()
    two_tasks(folder)
    run = script(folder, "for t in work/ab/*; do (cd $t && bash .command.run) || exit; done",
                 config=f"args: {args}\nprobes: {{lifecycle: {{}}, output: {{}}}}\n")
    heads = run.of("output.head")
    assert len(heads) == 2 and all(e["text"] is None and "text=excluded" in e["missing"] for e in heads)
    assert not any(b"ALIGN" in file.read_bytes() for file in run.path.rglob("*") if file.is_file())


@query
def test_a_run_without_the_beginnings_says_so_once():
    folder = new_folder()
    two_tasks(folder)
    run = script(folder, "for t in work/ab/*; do (cd $t && bash .command.run) || exit; done",
                 config="probes: {lifecycle: {}, output: {task_heads: []}}\n")
    names, said = steps_of(run.path)
    assert names == [("nextflow task", None, "ab/cccccc"), ("nextflow task", None, "ab/dddddd")]
    assert said.count("task_heads") == 1 and "parquet" not in said
    done = subprocess.run([*merging("summary"), run.path], capture_output=True, text=True, check=True)
    assert done.stderr.count("task_heads") == 1 and "nextflow task" in done.stdout


def test_no_reader_opens_a_path_that_a_stream_names():
    """All that the pages show is in the streams: strace sees no open of the files, not of a task's folder either."""
    if not shutil.which("strace"):
        pytest.skip("strace is not installed")
    folder = new_folder()
    two_tasks(folder)
    run = script(folder, "sh -c 'echo the message >&2; exit 4' 2>log; for t in work/ab/*; do (cd $t && bash .command.run); done; exit 0")
    assert texts(run)[0]["path"] == str(folder / "log")
    readers = {sink: [*merging(sink), run.path] for sink in ("summary", "jsonl", "report", "perfetto", "advise", "trace")}
    if (BUILD / "collector-query").exists():
        readers["query"] = [stage() / "collector-query", "--plugin-dir", stage(), run.path, "steps"]
    # the sanitizers' search for leaks is no use under ptrace
    env = {**os.environ, "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0"}
    for name, reader in readers.items():
        line = ["strace", "-f", "-qq", "-e", "trace=%file", "-o", folder / "trace", *reader]
        done = subprocess.run(line, capture_output=True, check=True, env=env)
        trace = (folder / "trace").read_text()
        assert "lifecycle" in trace, "it read the run"
        assert f"{folder}/log" not in trace and f"{folder}/work" not in trace and ".command.run" not in trace, name
        if name in ("summary", "jsonl"):
            assert b"the message" in done.stdout
        if name in ("summary", "advise", "trace", "query"):
            assert b"RNA:ALIGN" in done.stdout, name


def test_each_of_a_kind_that_says_something_else_is_shown():
    """Six subshells of one script that end alike, of which three want the same tool."""
    folder = new_folder()
    (folder / "many").write_text("mosdepht --by 5\nsalmom index\nfor i in 1 2 3; do bwaa mem $i; done\nplinkk\nexit 0\n")
    run = collect("bash", "-c", "exec 2>log; . ./many", cwd=folder)
    first = min(run.of("lifecycle.exit", exit_code=127), key=lambda e: e["ts"])["pid"]
    page = subprocess.run([*merging("summary"), run.path], capture_output=True, text=True, check=True,
                          env={**os.environ, "COLUMNS": "200"}).stdout
    assert f"6 times, first pid {first} at" in page
    assert [line.split(": ")[-2] for line in page.splitlines() if "| " in line] == ["mosdepht", "salmom", "bwaa", "plinkk"], page
    page = subprocess.run([*merging("ci"), run.path], capture_output=True, text=True, check=True).stdout
    assert all(page.count(name + "&#58; command not found") == 1 for name in ("mosdepht", "salmom", "bwaa", "plinkk")), page


def explained(text, config=None):
    """Lines of the summary that explain the cause, of a script that exits 1, and what the verdicts miss."""
    run = collect("bash", "-c", text, config=config, cwd=new_folder(), code=1)
    page = " ".join(merge(run.path, sink="summary").split())
    return page, [json.loads(line) for line in merge(run.path, sink="jsonl:verdicts=true").splitlines()
                  if '"event":"verdict"' in line]


@pytest.mark.parametrize("config", [None, WRITES])
def test_a_missing_tool_whose_message_went_to_dev_null(config):
    """It is the cause nevertheless, and no option would have recorded more."""
    page, verdicts = explained("true; no-such-tool -x >/dev/null 2>&1 || exit 1", config)
    assert "Cause exit 127" in page and "command not found; what it said went to /dev/null" in page
    assert "writes: true" not in page
    assert any(v["kind"] == "missing_tool" and v["certainty"] == "likely" for v in verdicts), verdicts
    assert "went to /dev/null" in json.dumps(verdicts)


@pytest.mark.parametrize("text", ["no-such-tool info >/dev/null 2>&1 || echo none",
                                  "v=$(no-such-tool --version 2>/dev/null || echo none); echo $v",
                                  "/usr/bin/python3 -c 'exit(127)'; true"])
def test_a_tool_that_is_asked_for_in_silence(text):
    """Its caller goes on without it; and 127 without a word may be a code of the program's own: no event has what is suspected."""
    run = collect("bash", "-c", text + "; exit 0", cwd=new_folder(), code=0)
    verdicts = [json.loads(line) for line in merge(run.path, sink="jsonl:verdicts=true").splitlines() if '"event":"verdict"' in line]
    assert [v["kind"] for v in verdicts] == ["hidden_failure"] * ("exit(127)" in text), verdicts


def test_what_asked_in_silence_fails_for_another_reason():
    run = collect("bash", "-c", "no-such-tool info >/dev/null 2>&1 || true; sh -c 'sleep 0.1; exit 3' || exit 4", cwd=new_folder(), code=4)
    page = merge(run.path, sink="summary")
    assert "Other failures" not in page and "1 ignored" in page
    assert "missing_tool" not in merge(run.path, sink="jsonl:verdicts=true")


@pytest.mark.parametrize("text, proven", [("seq 1000000 | head -1", False), ("cat /etc/services /bin/bash | head -c 5", False),
                                          ("sh -c 'echo Broken pipe >&2; exit 3'", True),
                                          ("seq 1000000 | (sleep 0.1; exit 4)", True)])
def test_a_writer_whose_reader_had_enough(text, proven):
    """Below what ignores SIGPIPE it fails by a message; a reader that failed, or none, is no excuse."""
    run = collect("bash", "-c", "exec 2>log; trap '' PIPE; " + text + "; exit 0", cwd=new_folder(), code=0)
    verdicts = [json.loads(line) for line in merge(run.path, sink="jsonl:verdicts=true").splitlines() if '"event":"verdict"' in line]
    assert bool(verdicts) == proven, verdicts


@pytest.mark.parametrize("reader, hidden", [("head -1", False), ("(head -1; exit 4)", True)])
def test_a_writer_whose_reader_had_enough_on_the_page(reader, hidden):
    """Where its words are known as early as its end, also in no count."""
    run = collect("bash", "-c", f"trap '' PIPE; seq 1000000 | {reader}; exit 0", config=WRITES, cwd=new_folder(), code=0)
    assert ("hidden" in merge(run.path, sink="summary").lower()) == hidden


def test_why_there_are_no_last_lines():
    """Of a tool that explains itself on standard output: an option helps only where it is off."""
    tool = "sh -c 'echo 17 bad records; sleep 0; exit 1' | cat; exit ${PIPESTATUS[0]}"
    assert "writes: true" in explained(tool)[0]
    page = explained(tool, WRITES)[0]
    assert "writes: true" not in page and "what it wrote did not go to its standard error" in page
