# SPDX-License-Identifier: BSD-2-Clause
"""What cannot work is refused by a clear sentence, before anything is started where that can be known."""
import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from harness import (BUILD, CC, NOBODY, SRC, Started, collect, collector, merge, new_folder, program, read_stream,
                     stage)


def refused(*options, says, code=125, config=None, out=None, **popen):
    """The collector ends with `code` and these words, and has not begun: the command did not run."""
    folder = new_folder(0o777)
    line, _ = collector(*options, config=config, out=out)
    done = subprocess.run([*line, "--", "touch", folder / "started"], capture_output=True, check=False, **popen)
    stderr = done.stderr.decode()
    assert done.returncode == code, stderr
    for words in says:
        assert words in stderr, stderr
    assert not list(folder.iterdir()), "the command was started"
    return stderr


# ---- rights ----

def test_not_root():
    """Names the capabilities, what for, and how to give them."""
    refused(says=["cap_bpf", "cap_perfmon", "load BPF programs", "sudo", "setcap"], out=new_folder(0o777),
            user=NOBODY, group=NOBODY, extra_groups=[])


def test_one_capability_is_missing():
    line, _ = collector()
    done = subprocess.run(["setpriv", "--bounding-set=-perfmon", *line, "--", "true"], capture_output=True, check=False)
    assert done.returncode == 125
    assert b"cap_perfmon" in done.stderr and b"cap_bpf " not in done.stderr


# ---- the output folder ----

def test_output_is_a_link():
    top = new_folder()
    (top / "real").mkdir()
    (top / "link").symlink_to("real")
    refused(says=["link"], out=top / "link")
    assert not list((top / "real").iterdir())


def test_output_is_a_file():
    file = new_folder() / "file"
    file.write_text("precious")
    refused(says=[str(file), "not a directory"], out=file)
    assert file.read_text() == "precious"


def test_output_below_nothing():
    refused(says=["output folder", "No such file"], out=new_folder() / "a" / "b")


def test_output_is_made():
    run = collect("true", out=new_folder() / "made")
    assert run.of("lifecycle.exit")


def test_latest_is_not_a_link():
    """Whatever is called `latest` and is ours not: left as it is."""
    out = new_folder()
    (out / "latest").write_text("precious")
    line, _ = collector("--no-summary", out=out)
    done = subprocess.run([*line, "--", "true"], capture_output=True, check=False)
    assert done.returncode == 0
    assert b"latest" in done.stderr
    assert (out / "latest").read_text() == "precious"


class Tmpfs:
    """A file system of its own size, in a mount namespace that ends with it: nothing stays mounted."""

    def __init__(self, size):
        folder = new_folder()
        self.holder = subprocess.Popen(
            ["unshare", "--mount", "sh", "-c",
             f"mount -t tmpfs -o mode=755,size={size} none '{folder}' && echo && read x"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        if not self.holder.stdout.readline():
            pytest.skip("no file system can be mounted here")
        self.inside = folder
        self.path = Path(f"/proc/{self.holder.pid}/root{folder}")

    def run(self, *command):
        subprocess.run(["nsenter", "-t", str(self.holder.pid), "-m", *command], check=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.holder.communicate(b"\n")


def fill(path, spare=0):
    """Takes all room but `spare` bytes; removing the file gives it back."""
    with open(path / "ballast", "wb", buffering=0) as file:
        try:
            while True:
                file.write(b"x" * 4096)
        except OSError:
            pass
        file.truncate(max(0, file.tell() - spare))


def test_output_is_read_only():
    with Tmpfs("1m") as tmpfs:
        tmpfs.run("mount", "-o", "remount,ro", tmpfs.inside)
        refused(says=["Read-only file system"], out=tmpfs.path)


def test_output_is_full():
    with Tmpfs("256k") as tmpfs:
        fill(tmpfs.path)
        refused(says=["No space left"], out=tmpfs.path)
        assert [file.name for file in tmpfs.path.iterdir()] == ["ballast"], "something was left behind"


def test_output_fills_during_the_run():
    """The pipeline goes on; what is lost is counted, reported, and told by the exit code."""
    with Tmpfs("1m") as tmpfs:
        fill(tmpfs.path, spare=300 << 10)
        script = '"$0" 4000 2 >/dev/null && echo done'
        run = collect("sh", "-c", script, program("storm"), out=tmpfs.path, code=125)
        assert run.stdout == b"done\n"
        assert "No space left" in run.stderr and "could not be written" in run.stderr
        assert merge(run.path), "what was written before can be read"


def test_output_fills_and_is_freed():
    """Nothing is missing without being counted: seen + lost = happened."""
    with Tmpfs("4m") as tmpfs:
        fill(tmpfs.path, spare=300 << 10)
        script = '"$0" 4000 2 >/dev/null; echo full; read go; "$0" 100 2 >/dev/null; exit 3'
        config = "probes: {lifecycle: {}, mem: {interval: 1h}}\n"  # no samples
        with Started("--no-summary", "--", "sh", "-c", script, program("storm"), out=tmpfs.path, config=config,
                     stdin=subprocess.PIPE) as started:
            assert started.process.stdout.readline() == b"full\n"
            (tmpfs.path / "ballast").unlink()
            started.tell("go")
            run = started.end(None, code=3)  # the command's own failure comes first
        assert "could not be written" in run.stderr
        happened = 1 + (3 + 4000) + (3 + 100)
        for stream, events in [("lifecycle", 2 * happened + 1 + 2001 + 51), ("mem", happened)]:
            seen = [e for e in run.events if e["stream"] == stream and e["event"] in ("fork", "exec", "exit")]
            lost = [e for e in run.lost if e["stream_lost"] == stream]
            assert sum(e["count"] for e in lost) > 0, "the disk was not full: the test is about nothing"
            assert {e["cause"] for e in lost} == {"disk_full"}
            assert len(seen) + sum(e["count"] for e in lost) == events, stream


# ---- plugins ----

def plugins_with(*flags, source="bad_probe.c", name="bad"):
    """A plugin folder as it is built, and one more probe."""
    folder = new_folder()
    for kind in "probes", "sinks":
        shutil.copytree(stage() / kind, folder / kind)
    subprocess.run([*CC, "-shared", "-fPIC", "-fvisibility=hidden", "-D_GNU_SOURCE", *flags, "-I", SRC,
                    "-o", folder / "probes" / f"{name}.so", SRC / "tests/root/progs" / source], check=True)
    return folder


WRONG = {
    "-DBAD_ABI": ["ABI", "rebuild it"],
    "-DBAD_SIZE": ["16 bytes", "rebuild it"],
    "-DBAD_NAME": ["good"],
    "-DNO_SYMBOL": ["collector_probe"],
    "-DNO_LIBRARY": ["nobody_has_this"],
}


@pytest.mark.parametrize("fault", WRONG)
def test_wrong_plugin_is_named_and_refused(fault):
    folder = plugins_with(fault)
    says = ["probes/bad.so", *WRONG[fault]]
    # asked for by name: an error at that place
    refused("--plugin-dir", folder, says=["pipeline.yaml:1:10: probes.bad: ", *says], code=2,
            config="probes: {bad: {}, lifecycle: {}}\n")
    # among all: the others run
    run = collect("true", options=["--plugin-dir", folder])
    assert all(words in run.stderr for words in says)
    assert run.of("lifecycle.exit") and run.of("cpu.exit")
    # and --list tells
    done = subprocess.run([stage() / "collector", "--plugin-dir", folder, "--list"], capture_output=True, check=False)
    assert done.returncode == 1
    assert all(words in done.stderr.decode() for words in says)
    assert b"probe lifecycle" in done.stdout


@pytest.mark.parametrize("fault, says", [
    ("-DCRASH", ["bad", "crashed", "SIGSEGV|Segmentation"]),
    ("-DHANG", ["bad", "has not returned within 10 s"]),
    ("-DREFUSE", ["bad"]),
])
def test_plugin_that_fails_in_open(fault, says):
    folder = plugins_with(fault)
    stderr = refused("--plugin-dir", folder, says=[says[0]], config="probes: {bad: {required: true}, cpu: {}}\n")
    for words in says:
        assert any(word in stderr for word in words.split("|"))
    run = collect("true", options=["--plugin-dir", folder], config="probes: {bad: {}, lifecycle: {}}\n")
    assert "bad" in run.stderr
    assert run.of("lifecycle.exit")
    assert not (run.path / "bad.msgpack").exists()


REAL = ["-I", BUILD, '-DELF="probes/io/io.skel.h"', "-DBYTES=io_bpf__elf_bytes"]


@pytest.mark.parametrize("fault", ["-DCRASH", "-DREFUSE"])
def test_plugin_that_fails_in_open_with_an_object(fault):
    folder = plugins_with(fault, *REAL)
    run = collect("true", options=["--plugin-dir", folder], config="probes: {bad: {}, lifecycle: {}}\n")
    assert "bad: cannot run: " in run.stderr and "; continuing without this probe" in run.stderr
    assert ("open() crashed: signal 11" in run.stderr) == (fault == "-DCRASH")
    assert run.of("lifecycle.exit")


def list_plugins(folder):
    done = subprocess.run([stage() / "collector", "--plugin-dir", folder, "--list"], capture_output=True, check=False)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


@pytest.mark.parametrize("fault, says", [
    ("-DCRASH", "bad.so: listing it crashed: signal 11"),
    ("-DHANG", "bad.so: listing it has not returned within 10 s"),
])
def test_a_list_outlives_a_plugin(fault, says):
    code, listed, said = list_plugins(plugins_with(fault))
    assert code == 1 and says in said
    assert "probe bad" not in listed and "probe cpu" in listed and "sink jsonl" in listed


@pytest.mark.parametrize("cut", [0, 100, 20000])
def test_a_truncated_object_is_refused(cut):
    run = collect("true", options=["--plugin-dir", plugins_with(f"-DCUT={cut}", *REAL)], config="probes: {bad: {}, lifecycle: {}}\n")
    assert "bad: cannot run: " in run.stderr and run.of("lifecycle.exit")


def test_a_damaged_object_is_no_crash():
    """libbpf 1.1 crashes with about one in 200 of such objects."""
    folder = plugins_with("-DFLIP", *REAL)
    for so in {*folder.glob("*/*.so")} - {folder / "probes" / "bad.so"}:
        so.unlink()
    size = (BUILD / "probes/io/io.bpf.o").stat().st_size
    for at in range(0, size, size // 500):
        done = subprocess.run([stage() / "collector", "--plugin-dir", folder, "--list"], capture_output=True, check=False,
                              env={**os.environ, "FLIP": str(at)})
        assert done.returncode in (0, 1), f"byte {at}: exit code {done.returncode}"
        assert (b"bad.so: listing it crashed" in done.stderr) == (done.returncode == 1)


@pytest.mark.parametrize("fault", ["-DBAD_EVENT=77", "-DBAD_EVENT=200", "-DBAD_EVENT=2", "-DBAD_RUN"])
def test_what_a_callback_makes_up_is_counted_as_lost(fault):
    """io's programs make two events a process, whose callback here ruins each."""
    folder = plugins_with(fault, *REAL)
    run = collect("sh", "-c", "/bin/true; /bin/true; :", options=["--plugin-dir", folder],
                  config="probes: {bad: {}, lifecycle: {}}\n")
    exits = len(run.of("lifecycle.exit"))
    lost = [e for e in run.lost if e["stream_lost"] == "bad" and e["cause"] == "invalid"]
    assert exits == 3 and exits <= sum(e["count"] for e in lost) <= 2 * exits
    assert not [e for e in run.events if e["stream"] == "bad"]


def test_truncated_plugins_are_refused():
    folder = plugins_with("-DREFUSE")
    for kind, name in (("probes", "cpu"), ("sinks", "jsonl")):
        whole = (folder / kind / f"{name}.so").read_bytes()
        (folder / kind / f"{name}.so").write_bytes(whole[:len(whole) // 2])
    says = ["cpu.so is truncated: install it again"]
    refused("--plugin-dir", folder, says=says, code=2, config="probes: {cpu: {}}\n")
    refused("--plugin-dir", folder, "--check", says=says, code=2, config="probes: {cpu: {}}\n")
    code, listed, said = list_plugins(folder)
    assert code == 1 and "probe lifecycle" in listed
    assert says[0] in said and "jsonl.so is truncated" in said
    run = collect("true", options=["--plugin-dir", folder])
    assert says[0] in run.stderr and run.of("lifecycle.exit")


def test_plugins_of_others_are_not_loaded_by_root():
    folder = plugins_with("-DREFUSE")
    os.chown(folder / "probes" / "bad.so", NOBODY, NOBODY)
    refused("--plugin-dir", folder, says=["bad.so", "UID 65534"], code=2, config="probes: {bad: {}}\n")
    os.chown(folder / "probes" / "bad.so", 0, 0)
    (folder / "probes").chmod(0o777)
    refused("--plugin-dir", folder, says=["probes", "writable by users other than root"], code=2, config="probes: {bad: {}}\n")


def test_no_plugins_there():
    refused("--plugin-dir", new_folder(), says=["plugin"], code=2)


# ---- secrets ----

SECRETS = {
    "name": ["--password=tops3cret1"],
    "next": ["--token", "tops3cret2"],
    "inside": ["sh -c 'export API_KEY=tops3cret3; run'"],
    "url": ["https://user:tops3cret4@example.org/x"],
    "header": ["Authorization: Bearer tops3cret5tops3cret5"],
    "long": ["x" * 5000, "--password=tops3cret6"],
}


def test_secrets_never_reach_the_disk():
    config = "probes: {lifecycle: {env: [MY_PASSWORD, MYSQL_PWD, APP_CREDENTIALS, SHOWN]}}\n"
    arguments = [word for words in SECRETS.values() for word in words]
    run = collect("/bin/true", *arguments, config=config,
                  env={**os.environ, "MY_PASSWORD": "tops3cret7", "MYSQL_PWD": "tops3cret8",
                       "APP_CREDENTIALS": "user:tops3cret9", "SHOWN": "seen"})
    for file in run.path.iterdir():
        assert b"tops3cret" not in file.read_bytes(), file
    args = run.one("lifecycle.exec")["args"]
    assert len(args) == 1 + len(arguments)
    assert args[1].startswith("--password=") and args[2] == "--token"
    assert run.one("lifecycle.exec")["env"]["SHOWN"] == "seen"


BY_PROGRAM = {  # arguments, and how they are recorded
    ("mysql", "-uroot", "-ptops3cret1", "shop"): ["mysql", "-uroot", "-p***", "shop"],
    ("env", "A=b", "sshpass", "-p", "tops3cret2", "ssh"): ["env", "A=b", "sshpass", "-p", "***", "ssh"],
    ("docker", "exec", "db", "sh", "-c", "curl -su a:tops3cret3 h | cat"):
        ["docker", "exec", "db", "sh", "-c", "curl -su a:*** h | cat"],
    ("bash", "-c", "TOKEN=$(cat t); bwa mem -t 8 ref.fa"): ["bash", "-c", "TOKEN=$(cat t); bwa mem -t 8 ref.fa"],
    ("docker", "run", "-p", "80:80", "img"): ["docker", "run", "-p", "80:80", "img"],
}


def test_secrets_by_program():
    """Each command line as the argv of a program that does nothing; also as the run's command, in the headers."""
    script = "import os, sys, json\nfor argv in json.loads(sys.stdin.read()):\n" \
             "    if not os.fork():\n        os.execv('/bin/true', argv)\n    os.wait()"
    run = collect("/usr/bin/python3", "-c", script, input=json.dumps(list(BY_PROGRAM)).encode())
    seen = [event["args"] for event in run.of("lifecycle.exec")]
    assert [argv for argv in BY_PROGRAM.values() if argv not in seen] == []
    as_command = collect("/bin/sh", "-c", "exit 0; mysql -ptops3cret4")
    assert as_command.one("lifecycle.exec")["args"] == ["/bin/sh", "-c", "exit 0; mysql -p***"]
    for file in [*run.path.iterdir(), *as_command.path.iterdir()]:
        assert b"tops3cret" not in file.read_bytes(), file


def test_own_patterns_for_secrets():
    """A list of one's own takes the place of the default one."""
    run = collect("/bin/true", "patient-12345", "--password=x1", config='redact: ["patient-\\\\d+"]\n')
    raw = (run.path / "lifecycle.msgpack").read_bytes()
    assert b"12345" not in raw.replace(b"patient-\\d+", b"")
    assert run.one("lifecycle.exec")["args"][2] == "--password=x1"
    run = collect("/bin/true", "patient-12345", "--password=x1", config='redact: [default, "patient-\\\\d+"]\n')
    assert run.one("lifecycle.exec")["args"] == ["/bin/true", "***", "--password=***"]


def test_a_secret_on_the_command_line_is_not_in_the_header():
    run = collect("/bin/true", "--password=tops3cret8")
    assert all(b"tops3cret" not in file.read_bytes() for file in run.path.iterdir())


ARGS = {  # the configuration's value: args of the exec, and its `missing`
    "redacted": (["/bin/echo", "--password=***", "patient7"], None),
    "none": (None, "args=excluded"),
    "program": (["/bin/echo"], "args=truncated"),
    "full": (["/bin/echo", "--password=tops3cret9", "patient7"], None),
}


@pytest.mark.parametrize("args", ARGS)
def test_how_much_of_arguments_is_recorded(args):
    """In events and headers alike; the header says how much, the end in how many texts a secret was hidden."""
    run = collect("/bin/echo", "--password=tops3cret9", "patient7", config=f"args: {args}\n")
    shown, missing = ARGS[args]
    event = run.one("lifecycle.exec")
    assert (event["args"], event.get("missing")) == (shown, missing)
    assert event["exe"] and event["comm"] == "echo"
    for path in run.path.glob("*.msgpack"):
        header, records = read_stream(path)
        assert header[b"args"].decode() == args and header[b"redacted"] == (args == "redacted")
        assert [word.decode() for word in header[b"run"][b"command"]] == (shown or [])
        end, = [record for record in records if record["event"] == "end"]
        assert end["redacted"] == (args == "redacted" and path.name == "lifecycle.msgpack")
        assert args == "full" or b"tops3cret" not in path.read_bytes()
        assert args in ("full", "redacted") or b"patient" not in path.read_bytes()


def test_a_secret_as_the_name_of_a_thread():
    script = "import ctypes; ctypes.CDLL(None).prctl(15, b'token=tops3cr'); import os; os._exit(0)"
    run = collect("/usr/bin/python3", "-c", script.replace("token=tops3cr", "to'b'ken=tops'b'3cr"))
    assert run.one("lifecycle.exit")["comm"] == "token=***"


@pytest.mark.parametrize("what", ["folder", "stream"])
def test_what_is_deleted_during_the_run_is_said(what):
    """No write to a deleted file fails: the collector looks."""
    out = new_folder()
    script = 'rm -r "$0"/run-*' if what == "folder" else 'rm "$0"/latest/cpu.msgpack'
    run = collect("sh", "-c", script, out, out=out, code=125)
    assert f"the {'run' + chr(39) + 's folder' if what == 'folder' else 'stream'} was deleted during the run" in run.stderr
    assert ("cpu.msgpack" in run.stderr) == (what == "stream")
