# SPDX-License-Identifier: BSD-2-Clause
"""The one way in which tests build witnesses, run the collector, and read what it wrote."""
import atexit
import base64
import ctypes
import functools
import json
import os
import platform
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import msgpack

SRC = Path(os.environ.get("srcdir") or Path(__file__).parent.parent).resolve()
BUILD = Path(os.environ.get("builddir") or os.getcwd()).resolve()
CC = os.environ.get("CC", "cc").split()
NOBODY = 65534
EPOLL_WAIT = {"x86_64": ("232", "281"), "aarch64": ("22",)}.get(platform.machine(), ())
KIND_BASE = 16  # kinds below are the stream's own


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
    for pattern in ("collector", "collector-merge", "collector-query", "collector-diff", "probes/*.so", "sinks/*.so"):
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


@functools.cache
def program(name):
    """Compiles tests/root/progs/NAME.c, statically: nothing but its own doing shows."""
    out = new_folder() / name
    source = SRC / "tests/root/progs" / f"{name}.c"
    subprocess.run([*CC, "-O1", "-static", "-pthread", "-Wall", "-o", out, source], check=True)
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
    subprocess.run([*CC, "-O1", "-D_GNU_SOURCE", f"-I{SRC}", "-o", folder / "made_run", SRC / "tests/sinks/made_run.c",
                    BUILD / "core/libstream.a", BUILD / "core/libbase.a", *flags.stdout.decode().split(), "-ldl"], check=True)
    run = folder / "run"
    made = subprocess.run([folder / "made_run", stage(), run, str(processes)], capture_output=True, check=True)
    return run, json.loads(made.stdout)


def wait_for(condition, what, seconds=20):
    """Polls until condition() is true and returns its value; fails after the deadline."""
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

    def wait_until_watching(self):
        """Its first epoll_wait is after everything is attached."""
        def waits():
            assert self.process.poll() is None, self.process.communicate()[1].decode()
            return Path(f"/proc/{self.pid}/syscall").read_text().split()[0] in EPOLL_WAIT
        wait_for(waits, "the collector waits for events")
