# SPDX-License-Identifier: BSD-2-Clause
"""collector-top: what it says of a run that goes on, beside /proc; and its screen, in a terminal of tmux."""
import json
import os
import pwd
import re
import shlex
import shutil
import signal
import subprocess
import time

import pytest
from harness import NOBODY, Started, collect, made_run, new_folder, stage, wait_for

pytestmark = pytest.mark.skipif(not (stage() / "collector-top").exists(), reason="built without ncursesw")

CONFIG = "{run: {name: 'pipe-line'}, probes: {cpu: {interval: 100ms}, mem: {interval: 100ms}, io: {interval: 100ms}, lifecycle: {}}}"
# A process that computes, one that holds memory, a chain, one with a hostile name; then they wait for their stdin
COMMAND = r"""
cp /bin/sleep "$1/$(printf 'evil\033[2J\n')"; cp /bin/sleep "$1/holds"
sh -c 'while :; do :; done' bu"s"y &
/usr/bin/python3 -c 'import time, sys; a = bytearray(150 << 20); sys.stdout.write("held\n"); sys.stdout.flush(); time.sleep(1000)' &
sh -c 'sh -c "sleep 1000; :"; :' chain &
"$1"/evil* 1000 &
/bin/false; /bin/false; /bin/true
while :; do read -r line || exit 0; eval "$line"; done
"""
TICK = 10**9 // os.sysconf("SC_CLK_TCK")


def top(*args, code=0, **popen):
    done = subprocess.run([stage() / "collector-top", "--plugin-dir", stage(), *args], capture_output=True, check=False, timeout=100,
                          **popen)
    assert done.returncode == code, done.stderr.decode()
    return done


class Proc:
    """A process as /proc has it."""

    def __init__(self, pid):
        stat = open(f"/proc/{pid}/stat", encoding="latin-1").read().rpartition(")")[2].split()
        self.pid, self.ppid, self.state, self.threads = pid, int(stat[1]), stat[0], int(stat[17])
        self.cpu_ns = (int(stat[11]) + int(stat[12])) * TICK
        self.start_tick = int(stat[19])
        self.rss = int(open(f"/proc/{pid}/statm").read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
        self.args = open(f"/proc/{pid}/cmdline", "rb").read()


def descendants(root):
    found, children = [root], {}
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            children.setdefault(Proc(int(name)).ppid, []).append(int(name))
        except (FileNotFoundError, ProcessLookupError):
            continue
    for pid in found:
        found += children.get(pid, [])
    return {pid: Proc(pid) for pid in found}


class Goes(Started):
    """A run that goes on until it is told the end."""

    def __init__(self, *options):
        self.work = new_folder()
        super().__init__("--no-summary", *options, "--", "bash", "-c", COMMAND, "pipeline.sh", self.work, config=CONFIG,
                         stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={**os.environ, "TOP_TEST": str(self.work)})

    def __enter__(self):
        super().__enter__()
        assert self.process.stdout.readline() == b"held\n"
        self.root = wait_for(lambda: [p for p in self.children(self.process.pid) if b"pipeline.sh" in p.args], "it runs")[0]
        return self

    def kill(self):
        """All processes that have the run's folder in their environment: also those whose parent has ended."""
        for name in filter(str.isdigit, os.listdir("/proc")):
            try:
                if f"TOP_TEST={self.work}".encode() in open(f"/proc/{name}/environ", "rb").read().split(b"\0") and \
                        not os.readlink(f"/proc/{name}/exe").endswith("/collector"):
                    os.kill(int(name), signal.SIGKILL)
            except (FileNotFoundError, ProcessLookupError, PermissionError):
                continue

    def __exit__(self, *args):
        self.kill()
        super().__exit__(*args)

    @staticmethod
    def children(pid):
        return [proc for proc in descendants(pid).values() if proc.args.startswith(b"bash\0")]

    @property
    def path(self):
        return self.out / os.readlink(self.out / "latest")

    def now(self):
        run, = json.loads(top("--once", "--format", "json", self.path).stdout)["runs"]
        return run

    def wait_until_sampled(self):
        """All that runs has been written, with figures that are younger than "held"."""
        def all_there():
            run = self.now()
            known = [p for p in run["processes"] if p["rss_bytes"] is not None and p["cpu_ns"] is not None]
            held = any(p["rss_bytes"] > 150 << 20 for p in known)
            return held and len(known) == len(descendants(self.root.pid)) and run["ended"] >= 3 and run
        return wait_for(all_there, "all processes are sampled")


@pytest.fixture(scope="module")
def goes():
    with Goes() as started:
        started.wait_until_sampled()
        yield started


class TestOnce:
    def test_processes_are_those_of_proc(self, goes):
        before = descendants(goes.root.pid)
        run = goes.wait_until_sampled()
        after = descendants(goes.root.pid)
        assert run["state"] == "running" and run["name"] == "pipe-line" and run["lost"] == 0
        assert {p["pid"] for p in run["processes"]} == set(before) == set(after) and run["running"] == len(before)
        for p in run["processes"]:
            proc = after[p["pid"]]
            assert p["start"] * os.sysconf("SC_CLK_TCK") // 10**9 == proc.start_tick
            assert p["pid"] == goes.root.pid or p["ppid"] == proc.ppid
            assert p["threads"] == proc.threads
            # /proc counts whole ticks
            assert 0 < p["cpu_ns"] <= proc.cpu_ns + 4 * TICK
            assert abs(p["rss_bytes"] - proc.rss) <= max(0.1 * proc.rss, 1 << 20), p["command"]
            assert p["age_ns"] <= time.clock_gettime_ns(time.CLOCK_BOOTTIME) - p["start"]

    def test_figures(self, goes):
        def named(run):
            return {name: p for p in run["processes"] for name in ("busy", "bytearray") if re.search(f" {name}$|{name}.150", p["command"])}

        def now():
            """The kernel counts what runs at ticks: where one was late, the next sample has more than its time."""
            run = goes.now()
            by = named(run)
            return run if by["bytearray"]["cpus"] == 0 and 0 < by["busy"]["cpus"] <= 1.2 else None

        run = wait_for(now, "what sleeps uses no CPU, what is busy one")
        by = named(run)
        assert by["busy"]["state"] == "R"
        assert by["bytearray"]["rss_bytes"] > 150 << 20 and by["bytearray"]["state"] == "S"
        assert run["rss_bytes"] >= by["bytearray"]["rss_bytes"]
        assert run["cpu_ns"] >= by["busy"]["cpu_ns"] and run["cpus"] >= by["busy"]["cpus"] > 0
        assert run["ended"] >= 3 and run["failed"] >= 2
        assert by["busy"]["read_bytes_per_second"] == 0

    def test_text(self, goes):
        page = top("--once", goes.path).stdout.decode()
        assert re.search(r"^ *\d+ R +\S+ \S+ +\d+\.\d .* sh -c 'while :; do :; done' busy$", page, re.M), page
        assert "\x1b" not in page and r"evil\x1b[2J" in page
        chain = [line for line in page.splitlines() if "sleep 1000" in line and "evil" not in line]
        depths = [len(re.search(r"( *)(?:- )?(sh -c|sleep)", line)[1]) for line in chain]
        assert len(depths) == 3 and depths == sorted(set(depths)), page

    def test_a_folder_of_runs_is_those_that_run(self, goes):
        """Of the output folder only the run, though an ended one lies beside it; and the newest, if none runs."""
        folder = new_folder()
        collect("true", out=folder, options=["--no-summary"])
        ended = json.loads(top("--once", "-F", "json", folder).stdout)["runs"]
        assert [run["state"] for run in ended] == ["ended"] and ended[0]["running"] == 0 and not ended[0]["processes"]
        (folder / "runs").mkdir()
        os.symlink(goes.out, folder / "work")
        shutil.copytree(next(path for path in folder.glob("run-*")), goes.out / "run-ended")
        try:
            found = json.loads(top("--once", "-F", "json", goes.out).stdout)["runs"]
        finally:
            shutil.rmtree(goes.out / "run-ended")
        assert [run["state"] for run in found] == ["running"]
        os.rmdir(folder / "runs")
        os.symlink(goes.out, folder / "runs")
        found = json.loads(top("--once", "-F", "json", cwd=folder).stdout)["runs"]
        assert [run["state"] for run in found] == ["running"], "./runs is the standard"

    def test_runs_of_root_are_not_for_others(self, goes):
        """Nothing of it, not even its name; and root's own reader has no right that it could lose."""
        work = new_folder(0o755)
        done = subprocess.run([stage() / "collector-top", "--plugin-dir", stage(), "--once", goes.path], capture_output=True,
                              check=False, user=NOBODY, group=NOBODY, extra_groups=[], cwd=work)
        assert done.returncode in (1, 2) and not done.stdout and b"ermission denied" in done.stderr
        assert b"busy" not in done.stderr


def test_mistakes():
    work = new_folder()
    assert b"neither runs" in top("--once", code=2, cwd=work).stderr or os.path.isdir("/var/lib/collector")
    assert b"use --once" in top(work, code=2).stderr
    assert b"--format is for --once" in top("--format", "json", work, code=2).stderr
    assert top("--once", work / "nowhere", code=2).stderr
    assert b"did you mean --format" in top("--fromat", "json", code=2).stderr


# ---- the screen ----

class Screen:
    """A terminal of tmux in which collector-top runs."""

    def __init__(self, *args, size=(80, 24), env=None, user=None, then="; echo CODE $?; exec sleep 1000"):
        self.socket = new_folder() / "tmux"
        line = shlex.join(map(str, [stage() / "collector-top", "--plugin-dir", stage(), *args]))
        # ncurses keeps what it knows of a terminal, and is unloaded with the sink: that looks like a leak
        env = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "HOME": "/", "SHELL": "/bin/sh", "ASAN_OPTIONS": "detect_leaks=0",
               **(env or {})}
        self.user = {"user": user, "group": user, "extra_groups": []} if user else {}
        if user:
            os.chown(self.socket.parent, user, user)
        self.tmux("-f", "/dev/null", "new-session", "-d", "-x", str(size[0]), "-y", str(size[1]), line + then, env=env)

    def tmux(self, *args, **popen):
        done = subprocess.run(["tmux", "-S", self.socket, *args], capture_output=True, check=False, timeout=60, **self.user, **popen)
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout.decode()

    def lines(self, *options):
        return self.tmux("capture-pane", "-p", *options).splitlines()

    def press(self, *keys):
        self.tmux("send-keys", *keys)

    def resize(self, columns, rows):
        self.tmux("resize-window", "-x", str(columns), "-y", str(rows))

    def wait(self, condition, what):
        """The lines, once that is so of them."""
        try:
            return wait_for(lambda: (lines := self.lines()) and condition(lines) and lines, what)
        except AssertionError as error:
            raise AssertionError(f"{error}\n" + "\n".join(self.lines())) from None

    def find(self, *texts):
        return self.wait(lambda lines: all(any(text in line for line in lines) for text in texts), f"{texts} is on the screen")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        subprocess.run(["tmux", "-S", self.socket, "kill-server"], capture_output=True, check=False, **self.user)


def rows_of(lines):
    """pid -> its line, below the headings."""
    return {int(found[1]): line for line in lines if (found := re.match(r" *(\d+) [A-Z-] ", line))}


@pytest.mark.skipif(not shutil.which("tmux"), reason="tmux is not installed")
class TestScreen:
    def test_it_shows_what_proc_has(self, goes):
        with Screen(goes.path) as screen:
            screen.find("pipe-line: ", "q quit")
            pids = set(descendants(goes.root.pid))
            screen.resize(200, 40)
            lines = screen.wait(lambda lines: set(rows_of(lines)) == pids and any(line.endswith("busy") for line in lines),
                                "the processes are those of /proc, in the larger window")
            busy = next(pid for pid, line in rows_of(lines).items() if line.endswith("busy"))
            assert 0 < float(rows_of(lines)[busy].split()[4]) <= 120
            holds = next(line for line in lines if "bytearray" in line and "S" in line.split()[1])
            assert "MiB" in holds
            assert lines[2].split()[:2] == ["PID", "S"] and "\x1b" not in "".join(lines)
            # a process that starts and one that ends
            goes.tell(f"{goes.work}/holds 1000 & echo started")
            assert goes.process.stdout.readline() == b"started\n"
            new = wait_for(lambda: [p.pid for p in descendants(goes.root.pid).values() if p.args.split(b"\0")[0].endswith(b"/holds")], "it runs")[0]
            lines = screen.wait(lambda lines: new in rows_of(lines), "what has started is there")
            assert "holds 1000" in rows_of(lines)[new]
            os.kill(new, signal.SIGKILL)
            screen.wait(lambda lines: new not in rows_of(lines), "what has ended is not")

    def test_80_by_24_and_smaller(self, goes):
        with Screen(goes.path) as screen:
            lines = screen.find("q quit")
            assert len(lines) == 24 and all(len(line) <= 80 for line in lines)
            for size in (40, 10), (20, 5), (10, 2), (132, 50):
                screen.resize(*size)
                lines = screen.wait(lambda lines: len(lines) == size[1] and lines[0][:8] == "pipe-lin", f"it is of {size}")
            screen.find("THREADS", "q quit")

    def test_keys(self, goes):
        with Screen(goes.path, size=(140, 40)) as screen:
            screen.find("q quit", "sort:CPU", "busy")
            screen.press("M")
            screen.find("sort:memory")
            screen.press("r")
            screen.find("sort:memory up")
            screen.press("s", "s", "r")
            screen.find("sort:age ")
            screen.press("t")
            lines = screen.wait(lambda lines: "t tree" in lines[-1], "a list")
            assert not [line for line in lines if "pipe-line: " in line]
            screen.press("t", "Home", "Space")
            lines = screen.wait(lambda lines: not rows_of(lines), "the run is folded")
            assert [line for line in lines if "+ pipe-line: " in line]
            screen.press("Space")
            screen.find("- pipe-line: ", "busy")

    def test_filter_and_detail(self, goes):
        with Screen(goes.path, size=(140, 40)) as screen:
            screen.find("q quit", "busy", "bytearray")
            screen.press("/", "B", "U", "S", "Y", "Enter")
            lines = screen.wait(lambda lines: len(rows_of(lines)) == 1 and "only: BUSY" in lines[-1], "only what matches")
            pid, = rows_of(lines)
            assert "busy" in rows_of(lines)[pid] and "only: BUSY" in lines[-1]
            screen.press("End", "Enter")
            lines = screen.find(f"process       {pid}, child of", "command       sh -c 'while :; do :; done' busy", "CPU now",
                                "memory now", "threads       1")
            folder = os.readlink(f"/proc/{pid}/cwd")
            assert f"folder        {folder}" in "\n".join(lines) and "user          0" in lines
            screen.press("Escape")
            screen.find("only: BUSY")
            screen.press("Escape")
            screen.wait(lambda lines: len(rows_of(lines)) > 1 and "only" not in lines[-1], "all is shown again")

    @pytest.mark.parametrize("key", ["q", "C-c"])
    @pytest.mark.parametrize("reading", [False, True])
    def test_q_gives_the_terminal_back(self, goes, key, reading):
        """Also while it still reads what was written before it began."""
        def given_back(lines):
            text = " ".join(lines)
            return "CODE 0" in text and "q quit" not in text and "pipe-line" not in text \
                and re.search(r"(?<!-)icanon", text) and re.search(r"(?<!-)echo ", text)

        path = made_run(300000)[0] if reading else goes.path
        with Screen(path, then="; echo CODE $?; stty -a; exec sleep 1000") as screen:
            screen.find("q quit")
            screen.press(key)
            screen.wait(given_back, "what was there before, and a terminal that echoes")

    def test_colour(self, goes):
        escapes = []
        for env in {}, {"NO_COLOR": "1"}:
            with Screen(goes.path, env=env) as screen:
                screen.find("q quit", "2 failed")
                screen.wait(lambda _: "2 failed" in "".join(screen.lines("-e")), "it is drawn")
                escapes.append("".join(screen.lines("-e")))
        assert "\x1b[31m" in escapes[0] and not re.search(r"\x1b\[[\d;]*3[0-7]", escapes[1])

    def test_an_unknown_terminal(self, goes):
        with Screen(goes.path, then="; echo CODE $?; exec sleep 1000", env={}) as screen:
            screen.find("q quit")
        with Screen(then=f"; TERM=none '{stage()}/collector-top' -p '{stage()}' '{goes.path}'; echo CODE $?; exec sleep 1000") as screen:
            screen.find("TERM=none: no such terminal is known here", "CODE 1")

    def test_a_run_that_ends_leaves_its_last_state(self):
        with Goes() as run, Screen(run.path) as screen:
            run.wait_until_sampled()
            screen.find("q quit", "while :;")
            run.kill()
            run.process.wait(timeout=60)
            lines = screen.find("CODE 0")
            assert not [line for line in lines if "q quit" in line]
            assert [line for line in lines if " 0 running, " in line] and [line for line in lines if "pipe-line: " in line]

    def test_a_folder_of_runs_gets_new_ones(self):
        """Those that have ended before are not read."""
        out = new_folder()
        os.chown(out, NOBODY, NOBODY)
        options = ["--no-summary", "--user", pwd.getpwuid(NOBODY).pw_name]
        collect("true", out=out, options=[*options, "--name", "before"])
        with Screen(out, user=NOBODY) as screen:
            screen.find("0 runs", "q quit")
            with Started(*options, "--name", "later", "--", "sleep", "1000", config="{}", out=out, stdin=subprocess.DEVNULL) as run:
                lines = screen.find("later: ", "sleep 1000")
                assert not [line for line in lines if "before" in line]
                run.end(code=143)
            screen.wait(lambda lines: "sleep 1000" not in "".join(lines), "it has ended")
            screen.press("q")
            screen.find("CODE 0")


STUCK = "import os; r, w = os.pipe(); os.read(r, 1)"
STUCK_CONFIG = "{probes: {lifecycle: {}, cpu: {interval: 100ms}, stall: {interval: 200ms, after: 1s}}, verdicts: {after: 1s}}"


def stuck_process(started):
    pid, = [pid for pid, proc in descendants(started.pid).items() if proc.args == b"/usr/bin/python3\0-c\0" + STUCK.encode() + b"\0"]
    return pid


@pytest.fixture(scope="module")
def stuck():
    with Started("--no-summary", "-q", "--", "/usr/bin/python3", "-c", STUCK, config=STUCK_CONFIG) as started:
        wait_for(lambda: (started.out / "latest").exists(), "it runs")
        yield started
        os.kill(stuck_process(started), signal.SIGKILL)
        started.end(None, code=None)


class TestVerdicts:
    def test_once(self, stuck):
        run = stuck.out / os.readlink(stuck.out / "latest")

        def judged():
            return json.loads(top("--once", "--format", "json", run).stdout)["verdicts"]
        verdict, = wait_for(judged, "it is judged")
        assert (verdict["kind"], verdict["certainty"], verdict["pid"]) == ("deadlock", "proven", stuck_process(stuck))
        assert "whose only writer is itself" in verdict["evidence"]
        text = top("--once", run).stdout.decode()
        assert text.splitlines()[2].startswith("proven deadlock: ") and "whose only writer is itself" in text

    def test_none(self, goes):
        assert json.loads(top("--once", "--format", "json", goes.path).stdout)["verdicts"] == []

    @pytest.mark.skipif(not shutil.which("tmux"), reason="no tmux: tests/setup")
    def test_on_the_screen(self, stuck):
        with Screen(stuck.out / os.readlink(stuck.out / "latest")) as screen:
            shown = wait_for(lambda: [line for line in screen.lines() if line.startswith("proven deadlock: ")], "it is judged")
            assert len(shown) == 1
