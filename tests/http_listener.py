# SPDX-License-Identifier: BSD-2-Clause
"""An HTTP server of the tests' own, with the faults that servers have."""
import contextlib
import functools
import gzip
import socket
import ssl
import subprocess
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from harness import new_folder

HOST = "127.0.0.1"


class Answer:
    """What a request is answered with; `body`: bytes. `slow`: a byte each tenth of a second."""

    def __init__(self, status=200, body=b"", headers=(), slow=False):
        self.status, self.body, self.headers, self.slow = status, body, dict(headers), slow


class Request:
    def __init__(self, handler, body):
        self.path, self.headers = handler.path, handler.headers
        self.size = len(body)
        self.body = gzip.decompress(body) if handler.headers.get("Content-Encoding") == "gzip" else body
        self.connection = handler.client_address
        self.at = time.monotonic()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def setup(self):
        super().setup()
        self.server.listener.connections.append(self.connection)

    def do_POST(self):
        request = Request(self, self.rfile.read(int(self.headers["Content-Length"])))
        answer = self.server.listener.take(request)
        if answer is None:
            self.close_connection = True
            return
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        try:
            for i in range(len(answer.body) if answer.slow else 0):
                self.wfile.write(answer.body[i:i + 1])
                time.sleep(0.1)
            self.wfile.write(b"" if answer.slow else answer.body)
        except OSError:
            self.close_connection = True

    def date_time_string(self, timestamp=None):
        return super().date_time_string((timestamp or time.time()) + self.server.listener.ahead)

    def log_message(self, *_):
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_):
        pass  # clients come and go


class Listener:
    """Keeps the requests that it took (status 2xx) and those that it did not. `answer`: a function of a request that returns an
    Answer, or None to hang up. `ahead`: seconds by which its clock is wrong."""

    def __init__(self, answer=lambda request: Answer(), port=0, tls=None, ahead=0):
        self.answer, self.ahead = answer, ahead
        self.taken, self.others, self.connections = [], [], []
        self.server = Server((HOST, port), Handler)
        self.server.listener = self
        if tls:
            self.server.socket = tls.wrap_socket(self.server.socket, server_side=True)
        self.port = self.server.server_address[1]
        self.url = f"{'https' if tls else 'http'}://{HOST}:{self.port}"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True)
        self.thread.start()

    def take(self, request):
        answer = self.answer(request)
        (self.taken if answer and answer.status // 100 == 2 else self.others).append(request)
        return answer

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()
        for connection in self.connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


class Deaf:
    """Takes connections, and never reads from them."""

    def __enter__(self):
        self.socket = socket.create_server((HOST, 0))
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.url = f"http://{HOST}:{self.socket.getsockname()[1]}"
        return self

    def __exit__(self, *_):
        self.socket.close()


def free_port():
    with socket.create_server((HOST, 0)) as server:
        return server.getsockname()[1]


@functools.cache
def certificate(name="127.0.0.1"):
    """A key and a certificate of its own for an address: their files."""
    folder = new_folder()
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                    "-days", "2", "-subj", f"/CN={name}", "-addext", f"subjectAltName=IP:{name}", "-keyout", folder / "key",
                    "-out", folder / "cert"], check=True, capture_output=True)
    for file in ("key", "cert"):
        (folder / file).chmod(0o644)
    return folder / "key", folder / "cert"


def tls(client_ca=None):
    key, cert = certificate()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    if client_ca:
        context.load_verify_locations(client_ca)
        context.verify_mode = ssl.CERT_REQUIRED
    return context
