# SPDX-License-Identifier: BSD-2-Clause
"""The one way in which tests build witnesses, run the collector, and read what it wrote."""
import atexit
import base64
import ctypes
import fcntl
import functools
import json
import os
import platform
import shlex
import shutil
import signal
import subprocess
import tempfile
import termios
import time
import zlib
from pathlib import Path

import msgpack

SRC = Path(os.environ.get("srcdir") or Path(__file__).parent.parent).resolve()
BUILD = Path(os.environ.get("builddir") or os.getcwd()).resolve()
CC = os.environ.get("CC", "cc").split()
NOBODY = 65534
EPOLL_WAIT = {"x86_64": ("232", "281"), "aarch64": ("22",)}.get(platform.machine(), ())
KIND_BASE = 16  # kinds below are the stream's own
# by a build, also inside the source tree
MADE = (".skel.h", "diff_sql.h", "syscalls.h", "steps_ready.c", "redact_programs.c", "assets.inc")


def why_no_bpf():
    """The reason why BPF programs cannot be loaded here, or None. Asks the kernel, not the collector."""
    if os.geteuid():
        return "needs root"
    if not os.path.exists("/sys/kernel/btf/vmlinux"):
        return "the kernel has no BTF"
    # bpf(BPF_MAP_CREATE): an array of one u32
    number = {"x86_64": 321, "aarch64": 280}.get(platform.machine())
    if number is None:
        return "runs on x86_64 and arm64"
    libc = ctypes.CDLL(None, use_errno=True)
    attr = (ctypes.c_uint32 * 32)(2, 4, 4, 1)
    fd = libc.syscall(ctypes.c_long(number), ctypes.c_int(0), attr, ctypes.c_uint(ctypes.sizeof(attr)))
    if fd < 0:
        return "bpf() is refused: " + os.strerror(ctypes.get_errno())
    os.close(fd)
    return None


@functools.cache
def stage():
    """A folder with the built programs and plugins as root may load them and anybody may read them."""
    top = Path(tempfile.mkdtemp(prefix="collector-tests-"))
    owner = os.getpid()
    atexit.register(lambda: os.getpid() == owner and shutil.rmtree(top, ignore_errors=True))
    top.chmod(0o755)
    for pattern in ("collector", "collector-ls", "collector-status", "collector-top", "collector-merge", "collector-query", "collector-diff", "probes/*.so", "sinks/*.so"):
        for built in BUILD.glob(pattern):
            copy = top / built.relative_to(BUILD)
            copy.parent.mkdir(exist_ok=True)
            shutil.copy(built, copy)
            copy.chmod(0o755)
    assert (top / "collector").exists(), f"nothing is built in {BUILD}: set builddir"
    return top


def new_folder(mode=0o755):
    folder = Path(tempfile.mkdtemp(dir=stage()))
    folder.chmod(mode)
    return folder


def make(*words):
    """make in the build folder, also from within `make check`."""
    env = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")}
    done = subprocess.run(["make", "-C", BUILD, *words], capture_output=True, text=True, env=env, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr
    return done.stdout


@functools.cache
def installed():
    """The folder below which `make install` has put everything."""
    top = new_folder()
    make("install", f"DESTDIR={top}")
    return top


@functools.cache
def program(name):
    """Compiles tests/root/progs/NAME.c, statically: nothing but its own doing shows."""
    out = new_folder() / name
    source = SRC / "tests/root/progs" / f"{name}.c"
    subprocess.run([*CC, "-O1", "-static", "-pthread", "-Wall", f"-I{SRC}", "-o", out, source], check=True)
    return out


@functools.cache
def truth():
    """The static program of tests/truth: processes with witnesses, and the comparison."""
    out = new_folder() / "truth"
    subprocess.run([*CC, "-std=gnu11", "-D_GNU_SOURCE", "-O2", "-static", "-pthread", f"-I{SRC}", "-o", out,
                    *sorted((SRC / "tests/truth").glob("*.c"))], check=True)
    return out


@functools.cache
def made_run(processes):
    """A made-up run of about so many processes (tests/sinks/made_run.c): its folder, and its totals."""
    folder = new_folder()
    found = [name for name in ("msgpack-c", "msgpack") if not subprocess.call(["pkg-config", "--exists", name])]
    flags = subprocess.run(["pkg-config", "--cflags", "--libs", found[0], "zlib"], capture_output=True, check=True)
    subprocess.run([*CC, "-O1", *(["-fsanitize=address,undefined"] if sanitized() else []), "-D_GNU_SOURCE", f"-I{SRC}", "-o", folder / "made_run", SRC / "tests/sinks/made_run.c",
                    BUILD / "core/libstream.a", BUILD / "core/libbase.a", *flags.stdout.decode().split(), "-ldl"], check=True)
    run = folder / "run"
    made = subprocess.run([folder / "made_run", stage(), run, str(processes)], capture_output=True, check=True)
    return run, json.loads(made.stdout)


def wait_for(condition, what, seconds=60):
    """Polls until condition() is true and returns its value; fails after the deadline. A daemon that missed the free of a
    process, as may happen where BPF does not run in PID 1, finds out by two sweeps, 20 s later."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.01)
    raise AssertionError(f"not within {seconds} s: {what}")


def to_bytes(value):
    """A string of the JSON output as the bytes it stands for."""
    if isinstance(value, dict):
        return base64.b64decode(value["base64"], validate=True)
    return value.encode()


def disk_used(folder):
    """Bytes of the disk that the files in it take; some may go meanwhile."""
    total = 0
    for path, _, files in os.walk(folder):
        for name in files:
            try:
                total += os.lstat(f"{path}/{name}").st_blocks * 512
            except FileNotFoundError:
                continue
    return total


def read_stream(path):
    """A stream's header and records, by an independent msgpack: (header, [record as a dict])."""
    with open(path, "rb") as file:
        unpacker = msgpack.Unpacker(file, raw=True, strict_map_key=False, max_buffer_size=1 << 30)
        header = next(unpacker)
        events = {event[b"kind"]: event for event in header[b"events"]}
        return header, [decode(record, events, header[b"record"]) for record in unpacker]


def decode(record, events, head):
    event = events[record[0]]
    names = [name.decode() for name in head] + [field[b"name"].decode() for field in event[b"fields"]]
    return {"event": event[b"name"].decode(), **dict(zip(names, record)), "extra": record[len(names):]}


def rewrite_stream(path, header=None, record=None):
    """Writes a stream again, each block closed anew: header(header) and record(record, event) change them in place."""
    decode_as = {"raw": False, "unicode_errors": "surrogateescape", "strict_map_key": False}
    packer = msgpack.Packer(use_bin_type=True, unicode_errors="surrogateescape")
    out, block = bytearray(), bytearray()
    events, first = {}, True
    for item in msgpack.Unpacker(path.open("rb"), max_buffer_size=1 << 30, **decode_as):
        if first:
            events = {event["kind"]: event for event in item["events"]}
            if header:
                header(item)
            first = False
        elif item[0] == 3:  # the sync
            block += bytes([0x90 | len(item)]) + b"".join(packer.pack(value) for value in item[:8]) + b"\xc4\x10"
            block += item[8] + b"".join(packer.pack(value) for value in (len(block), *item[10:12]))
            out += block + packer.pack(zlib.crc32(block))
            block.clear()
            continue
        elif record:
            record(item, events.get(item[0]))
        block += packer.pack(item)
    path.write_bytes(out)


class Run:
    """What one start of the collector left: exit code, output, and the run's folder."""

    def __init__(self, out, code, stdout, stderr):
        self.out, self.code, self.stdout, self.stderr = out, code, stdout, stderr

    @property
    def path(self):
        return self.out / os.readlink(self.out / "latest")

    @functools.cached_property
    def events(self):
        """Every event, by collector-merge; as many as the independent reader finds."""
        events = merge(self.path)
        raw = sum(
            record["kind"] >= KIND_BASE or record["event"] == "lost"
            for stream in self.path.glob("*.msgpack")
            for record in read_stream(stream)[1]
        )
        assert len(events) == raw
        return events

    def of(self, name, **values):
        """Events by name ("lifecycle.exit") and by values of their fields."""
        stream, event = name.split(".")
        return [
            e for e in self.events
            if e["stream"] == stream and e["event"] == event and all(e[k] == v for k, v in values.items())
        ]

    def one(self, name, **values):
        found = self.of(name, **values)
        assert len(found) == 1, f"{len(found)} {name} with {values}"
        return found[0]

    @property
    def lost(self):
        return [e for e in self.events if e["event"] == "lost"]

    @property
    def said(self):
        """What the command printed, a JSON object a line."""
        return [json.loads(line) for line in self.stdout.splitlines()]


def merge(*paths, options=(), sink="jsonl", code=0):
    """collector-merge on run folders; the parsed lines for jsonl, else the text."""
    done = subprocess.run(
        [stage() / "collector-merge", "--plugin-dir", stage(), "--sink", sink, *options, *paths],
        capture_output=True, check=False)
    assert done.returncode == code, done.stderr.decode()
    if sink != "jsonl":
        return done.stdout.decode()
    return [json.loads(line) for line in done.stdout.splitlines()]


def ask(run, sql):
    """The rows of a query, by its name or text, of a run or a lake."""
    line = [stage() / "collector-query", "--plugin-dir", stage(), "--queries", SRC / "conf/queries", "-F", "jsonl", getattr(run, "path", run), sql]
    done = subprocess.run(line, capture_output=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def merge_into(file, *paths):
    """collector-merge to JSONL in a file, for what is too much to hold."""
    with open(file, "wb") as out:
        subprocess.run([stage() / "collector-merge", "--quiet", "--plugin-dir", stage(), "--sink", "jsonl", *paths],
                       stdout=out, check=True)


def collector(*options, config=None, out=None):
    """The command line that starts the collector, and its output folder."""
    out = out or new_folder()
    line = [stage() / "collector", "--plugin-dir", stage(), "-o", out]
    if config is not None:
        file = new_folder() / "pipeline.yaml"
        file.write_text(config)
        line += ["-c", file]
    return [*line, *options], out


def collect(*command, options=(), config=None, out=None, code=0, timeout=100, **popen):
    """Runs a command under the collector to its end; `code` is what it must end with (None: anything)."""
    line, out = collector("--no-summary", *options, config=config, out=out)
    done = subprocess.run([*line, "--", *command], capture_output=True, timeout=timeout, check=False, **popen)
    assert code in (None, done.returncode), f"exit code {done.returncode}:\n{done.stderr.decode()}"
    return Run(out, done.returncode, done.stdout, done.stderr.decode(errors="replace"))


def recorder_of(pid):
    """The recorder that this collector has started; None: there is none yet."""
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        try:
            if Path(f"/proc/{child}/comm").read_text() == "collector-rec\n":
                return int(child)
        except OSError:
            continue
    return None


def sanitized():
    """Whether this is a build with the sanitizers."""
    return b"__asan_init" in (stage() / "collector").read_bytes()


class Started:
    """A collector that runs beside the test; leaving the `with` ends it."""

    def __init__(self, *options, config=None, out=None, **popen):
        line, self.out = collector(*options, config=config, out=out)
        popen = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **popen}
        self.process = subprocess.Popen(line, **popen)
        self.pid = self.process.pid

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.communicate()

    def end(self, number=signal.SIGTERM, code=0, timeout=30):
        """Sends a signal (None: waits only), waits for the end, gives back what is there."""
        if number is not None:
            self.process.send_signal(number)
        stdout, stderr = self.process.communicate(timeout=timeout)
        assert code in (None, self.process.returncode), f"{self.process.returncode}:\n{(stderr or b'').decode()}"
        return Run(self.out, self.process.returncode, stdout, (stderr or b"").decode(errors="replace"))

    def tell(self, line):
        """Writes a line to the command's stdin (stdin=PIPE)."""
        self.process.stdin.write(line.encode() + b"\n")
        self.process.stdin.flush()

    def recorder(self):
        """The pid of the process that records; None: there is none yet."""
        return recorder_of(self.pid)

    def wait_until_watching(self):
        """The recorder's first epoll_wait is after everything is attached; the keeper drops its privileges after that."""
        def waits(pid):
            return Path(f"/proc/{pid}/syscall").read_text().split()[0] in EPOLL_WAIT

        def watches():
            assert self.process.poll() is None, self.process.communicate()[1].decode()
            recorder = self.recorder()
            return recorder and waits(recorder) and waits(self.pid) and \
                "NoNewPrivs:\t1\n" in Path(f"/proc/{self.pid}/status").read_text()
        wait_for(watches, "the recorder waits for events")


PROMPT = "shell-waits> "  # only then does the terminal belong to the shell again


class Terminal:
    """An interactive shell on a terminal of its own."""

    def __init__(self):
        self.master, slave = os.openpty()
        self.shell = subprocess.Popen(
            ["bash", "--norc", "--noediting", "-i"], stdin=slave, stdout=slave, stderr=slave,
            start_new_session=True, env={**os.environ, "PS1": PROMPT, "PS2": "", "HISTFILE": "/dev/null"},
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
        os.close(slave)
        os.set_blocking(self.master, False)
        self.seen = ""
        self.expect(PROMPT)
        self.type("stty -echo\n")
        self.expect(PROMPT)

    def type(self, text):
        os.write(self.master, text.encode())

    def expect(self, text):
        """Waits until this was printed; returns and forgets what is before it."""
        def there():
            try:
                self.seen += os.read(self.master, 65536).decode(errors="replace")
            except BlockingIOError:
                pass
            return text in self.seen
        try:
            wait_for(there, text)
        except AssertionError as error:
            raise AssertionError(f"{error}; there is: {self.seen!r}") from None
        before, _, self.seen = self.seen.partition(text)
        return before

    def run(self, *line):
        """Has the shell run a line; its exit code follows as "code=N."."""
        file = new_folder() / "line"
        file.write_text(shlex.join(map(str, line)) + "; echo code=$?.\n")
        self.type(f". {file}\n")

    @property
    def name(self):
        return os.readlink(f"/proc/{self.shell.pid}/fd/0")

    @property
    def modes(self):
        return termios.tcgetattr(self.master)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.killpg(self.shell.pid, signal.SIGKILL)
        os.close(self.master)
        self.shell.wait()
