# SPDX-License-Identifier: BSD-2-Clause
"""A run that is written while a test goes on, and the followers of it."""
import functools
import json
import os
import signal
import subprocess
from pathlib import Path

import msgpack
from harness import BUILD, CC, KIND_BASE, NOBODY, SRC, new_folder, stage, wait_for

SYNC = 3
AS_NOBODY = {"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.geteuid() == 0 else {}


def open_to_all(run):
    """A run's folder, as an ordinary user's follower may read it."""
    for path in (run, *run.iterdir()):
        path.chmod(0o755)
    return run


@functools.cache
def live_program():
    """tests/sinks/live_run.c."""
    out = new_folder() / "live_run"
    found = [name for name in ("msgpack-c", "msgpack") if not subprocess.call(["pkg-config", "--exists", name])]
    flags = subprocess.run(["pkg-config", "--cflags", "--libs", found[0], "zlib"], capture_output=True, check=True)
    subprocess.run([*CC, "-O1", "-D_GNU_SOURCE", f"-I{SRC}", "-o", out, SRC / "tests/sinks/live_run.c",
                    BUILD / "core/libstream.a", BUILD / "core/libbase.a", *flags.stdout.decode().split()], check=True)
    return out


class Live:
    """The writer of a run; leaving the `with` kills it."""

    def __init__(self, folder=None, streams=3, segment=0):
        self.path = folder or new_folder() / "live"
        self.process = subprocess.Popen([live_program(), self.path, str(streams), str(segment)], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)
        self.answer()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.communicate()

    def say(self, *lines):
        for line in lines:
            self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def answer(self):
        line = self.process.stdout.readline()
        assert line, "the writer has ended"
        return int(line)

    def tell(self, *lines):
        """The time of the last event, after the last command."""
        self.say(*lines)
        return [self.answer() for _ in lines][-1]

    def die(self):
        self.say("die")
        assert self.process.wait() == -signal.SIGKILL


class Follower:
    """collector-merge --follow, into a file; leaving the `with` kills it."""

    def __init__(self, *paths, options=(), sink="jsonl", out=None, before=(), **popen):
        self.out = out or new_folder() / "out"
        self.said = new_folder() / "said"
        self.process = subprocess.Popen(
            [*before, stage() / "collector-merge", "--plugin-dir", stage(), "--follow", "-s", sink, "-o", self.out, *options,
             *paths],
            stderr=self.said.open("wb"), stdin=subprocess.DEVNULL, **popen)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()

    def kill(self):
        self.process.kill()
        self.process.wait()

    def lines(self):
        """Those that are complete."""
        text = self.out.read_bytes() if self.out.exists() else b""
        return [json.loads(line) for line in text[:text.rfind(b"\n") + 1].splitlines()]

    def numbers(self):
        return [line["number"] for line in self.lines() if "number" in line]

    def wait_for_numbers(self, count):
        def there():
            assert self.process.poll() is None or len(self.numbers()) >= count, self.said.read_text()
            return len(self.numbers()) >= count
        wait_for(there, f"{count} events are delivered")
        return self.numbers()

    def end(self, code=0, number=None):
        """Waits for its end. What it said."""
        if number is not None:
            self.process.send_signal(number)
        assert self.process.wait(timeout=100) == code, self.said.read_text()
        return self.said.read_text()


class Blocks:
    """A stream's blocks, by an independent msgpack: where each begins, and its events in order of (ts, seq)."""

    def __init__(self, path):
        unpacker = msgpack.Unpacker(Path(path).open("rb"), raw=True, strict_map_key=False, max_buffer_size=1 << 30)
        self.marker = next(unpacker)[b"marker"].hex()
        self.begins, self.events, self.starts = [], [], []
        begin, events, first, start = 0, [], True, 0
        for record in unpacker:
            if record[0] >= KIND_BASE:
                events.append((record[1], record[2]))
            if record[0] != SYNC:
                continue
            if not first:
                self.begins.append(begin)
                self.events.append([seq for _, seq in sorted(events)])
                self.starts.append(start)
            begin, events, first, start = unpacker.tell(), [], False, record[2] + 1

    @property
    def seqs(self):
        return {seq for events in self.events for seq in events}

    def open_at(self, position):
        """By a line of a cursor: events from this seq on are not acknowledged, and those more of blocks before."""
        offset, pending = position[3], set()
        for next_, begin in ((position[8], position[9]), (position[14], position[15])):
            if next_ != 2**64 - 1:
                pending |= set(self.events[self.begins.index(begin)][next_:])
        index = self.begins.index(offset) if offset in self.begins else len(self.begins)
        return self.starts[index] if index < len(self.starts) else 2**64, pending


def cursor_of(folder, sink="jsonl"):
    """The text of the only cursor; None: there is none."""
    files = [path for path in Path(folder).glob(f"{sink}/*/*") if not path.name.startswith(".")]
    assert len(files) <= 1, files
    return files[0].read_text() if files else None


def positions(cursor):
    """By marker, the numbers of its line."""
    lines = [line.split() for line in cursor.splitlines() if line.startswith("stream ")]
    return {line[1]: [int(word) for word in line[2:]] for line in lines}


def processes_of(pid):
    """It and its children."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *map(int, children)]


def cpu_seconds(pid):
    """Of it and its children that live, by the scheduler."""
    return sum(int(Path(f"/proc/{one}/schedstat").read_text().split()[0]) for one in processes_of(pid)) / 1e9


def descriptors(pid):
    return max(len(os.listdir(f"/proc/{one}/fd")) for one in processes_of(pid))
