# SPDX-License-Identifier: BSD-2-Clause
"""A server of the Forward protocol of the tests' own, with the faults that servers have, by the msgpack of Python; and real ones:
@fluent-org/logger of npm (tests/setup peers)."""
import contextlib
import gzip
import hashlib
import hmac
import io
import json
import os
import shutil
import signal
import socket
import subprocess
import threading
import time
from pathlib import Path

import msgpack
from harness import new_folder
from http_listener import HOST, certificate

SERVER_NAME, NONCE, AUTH = "server.example", b"\x00nonce\xff", b"salt"
LOGGER = Path("/usr/local/lib/collector-tests/node_modules/@fluent-org/logger")
NODE = shutil.which("node")
# what becomes of a chunk
TAKE, SILENT, CLOSE, SLOW, WRONG = "take", "silent", "close", "slow", "wrong"


def on_extension(code, data):
    assert code == 0 and len(data) == 8
    return int.from_bytes(data[:4], "big"), int.from_bytes(data[4:], "big")


def unpacker(source=None):
    return msgpack.Unpacker(source, raw=False, strict_map_key=False, ext_hook=on_extension, max_buffer_size=1 << 27)


class Chunk:
    """A message: its tag, its entries ((seconds, nanoseconds), record), its options."""

    def __init__(self, message, connection):
        self.tag, packed, self.option = message
        self.connection, self.packed = connection, packed
        assert isinstance(packed, bytes) and self.option.keys() - {"compressed"} == {"chunk", "size"}
        assert self.option.get("compressed") in (None, "gzip")
        self.bytes = gzip.decompress(packed) if "compressed" in self.option else packed
        self.entries = list(unpacker(io.BytesIO(self.bytes)))
        assert len(self.entries) == self.option["size"]

    @property
    def id(self):
        return self.option["chunk"]


def digest(*parts):
    return hashlib.sha512(b"".join(part.encode() if isinstance(part, str) else part for part in parts)).hexdigest()


class Listener:
    """Keeps the chunks that it took and those that it did not. `answer`: a function of a chunk that returns what becomes of it,
    or bytes in place of an acknowledgement. `key`, `users`: it asks for a login, and `lies` about its own key."""

    def __init__(self, answer=lambda chunk: TAKE, port=0, tls=None, key=None, users=None, path=None, keepalive=True, lies=False,
                 first=b""):
        self.answer, self.tls, self.key, self.users, self.keepalive, self.lies = answer, tls, key, users, keepalive, lies
        self.taken, self.others, self.connections, self.accepted, self.logins, self.first = [], [], [], [], [], first
        if path:
            self.server = socket.socket(socket.AF_UNIX)
            self.server.bind(str(path))
            self.server.listen()
            os.chmod(path, 0o777)
            self.address = str(path)
        else:
            self.server = socket.create_server((HOST, port))
            self.address = f"{HOST}:{self.server.getsockname()[1]}"
        self.thread = threading.Thread(target=self.accept, daemon=True)
        self.thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for connection in [self.server, *self.connections]:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self.server.close()
        self.thread.join()
        for connection in self.connections:
            connection.close()

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self.server.accept()
                self.connections.append(connection)
                self.accepted.append(connection)
                threading.Thread(target=self.serve, args=(connection, len(self.accepted)), daemon=True).start()

    def serve(self, connection, number):
        # clients come and go, and some speak something else
        with contextlib.suppress(OSError, StopIteration, ValueError, TypeError):
            if self.tls:
                connection = self.tls.wrap_socket(connection, server_side=True)
                self.connections.append(connection)
            connection.sendall(self.first)
            messages = self.messages(connection)
            if not self.key or self.login(connection, messages):
                while self.take(connection, Chunk(next(messages), number)):
                    pass
        with contextlib.suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)

    @staticmethod
    def messages(connection):
        unpack = unpacker()
        while data := connection.recv(65536):
            unpack.feed(data)
            yield from unpack

    def login(self, connection, messages):
        helo = {"nonce": NONCE, "auth": AUTH if self.users else b"", "keepalive": self.keepalive}
        connection.sendall(msgpack.packb(["HELO", helo]))
        ping, client, salt, shown, user, password = next(messages)
        self.logins.append((client, user))
        good = ping == "PING" and hmac.compare_digest(shown, digest(salt, client, NONCE, self.key))
        if self.users:
            good = good and password == digest(AUTH, user, self.users.get(user, "?"))
        else:
            assert (user, password) == ("", "")
        own = digest(salt, SERVER_NAME, NONCE, "another" if self.lies else self.key)
        pong = ["PONG", good, "" if good else "no \x1b[31m such", SERVER_NAME, own if good else ""]
        connection.sendall(msgpack.packb(pong))
        return good

    def take(self, connection, chunk):
        """False: the connection is to be closed."""
        what = self.answer(chunk)
        (self.taken if what in (TAKE, SLOW) else self.others).append(chunk)
        if what == SILENT:
            return True
        if what == CLOSE:
            return False
        answer = what if isinstance(what, bytes) else msgpack.packb({"ack": "other" if what == WRONG else chunk.id})
        for i in range(len(answer) if what == SLOW else 0):
            connection.sendall(answer[i:i + 1])
            time.sleep(0.01)
        connection.sendall(b"" if what == SLOW else answer)
        return self.keepalive

    def records(self):
        """By tag, in order."""
        found = {}
        for chunk in self.taken:
            found.setdefault(chunk.tag, []).extend(record for _, record in chunk.entries)
        return found


# ---- a real one ----

SERVER = """
const [logger, out, options] = JSON.parse(process.argv[2]);
const fs = require("fs");
for (const name of ["key", "cert"])
  if (options.tlsOptions)
    options.tlsOptions[name] = fs.readFileSync(options.tlsOptions[name]);
const server = new (require(logger).FluentServer)(options);
const file = fs.openSync(out, "a");
server.on("entry", (tag, time, record) => fs.writeSync(file,
  JSON.stringify([tag, time.epoch, time.nano, record.marker, record.seq, record.event, record.args]) + "\\n"));
process.on("SIGTERM", () => process.exit(0));
server.listen().then(() => console.log("up"));
"""


class Peer:
    """A server of @fluent-org/logger that writes a line for each entry: its tag, time, and some of its record."""

    def __init__(self, port, key=None, users=None, tls=False):
        self.folder = new_folder()
        self.out, self.address, self.process = self.folder / "out", f"{HOST}:{port}", None
        options = {"listenOptions": {"port": port, "host": HOST}}
        if key:
            options["security"] = {"serverHostname": SERVER_NAME, "sharedKey": key, "authorize": bool(users),
                                   "userDict": users or {}}
        if tls:
            options["tlsOptions"] = dict(zip(("key", "cert"), map(str, certificate())))
        (self.folder / "server.js").write_text(SERVER)
        self.line = [NODE, self.folder / "server.js", json.dumps([str(LOGGER), str(self.out), options])]

    def start(self):
        self.process = subprocess.Popen(self.line, stdout=subprocess.PIPE)
        assert self.process.stdout.readline() == b"up\n"

    def end(self, number=signal.SIGTERM):
        """Between two chunks: what it acknowledges it has written."""
        self.process.send_signal(number)
        self.process.communicate()

    def entries(self):
        """Those that are complete: [tag, seconds, nanoseconds, marker, seq, event, args]."""
        text = self.out.read_bytes() if self.out.exists() else b""
        return [json.loads(line) for line in text[:text.rfind(b"\n") + 1].splitlines()]
