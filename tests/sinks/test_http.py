# SPDX-License-Identifier: BSD-2-Clause
"""sinks/http against a server that has every fault: what it can take arrives, what it refuses is counted by cause and
said once."""
import base64
import functools
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import time

import pytest
from harness import BUILD, CC, SRC, new_folder, wait_for
from http_listener import HOST, Answer, Deaf, Listener, certificate, free_port, tls

pytestmark = pytest.mark.skipif(not (BUILD / "sinks/libhttp.a").exists(), reason="built without libcurl")
VERSION = re.search(r"^VERSION = (.*)$", (BUILD / "Makefile").read_text(), re.M)[1]
FAST = "retry=100ms,end=20s"


@functools.cache
def program():
    """tests/sinks/http_items.c."""
    out = new_folder() / "http_items"
    flags = subprocess.run(["pkg-config", "--cflags", "--libs", "libcurl", "zlib"], capture_output=True, check=True)
    subprocess.run([*CC, "-O1", "-D_GNU_SOURCE", f"-I{SRC}", "-o", out, SRC / "tests/sinks/http_items.c",
                    BUILD / "sinks/libhttp.a", BUILD / "sinks/liboutbox.a", BUILD / "core/libstream.a", BUILD / "core/libbase.a",
                    *flags.stdout.decode().split(), "-ldl", "-lpthread"], check=True)
    return out


def start(options, *urls, env=None):
    return subprocess.Popen([program(), options, *urls], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                            text=True, env={**os.environ, **(env or {})})


def send(options, *urls, items=(), code=0, env=None):
    """Passes (target, head, text), or texts. What it said, and the last number of records that were safe."""
    lines = [(0, "-", item) if isinstance(item, str) else item for item in items]
    process = start(options, *urls, env=env)
    out, said = process.communicate("".join(f"{target} {head} {text}\n" for target, head, text in lines), timeout=60)
    assert process.returncode == code, said
    return said, int(out.split()[-1]) if out else 0


def texts(requests):
    """The items of requests."""
    return [line for request in requests for line in request.body.decode().splitlines() if not line.startswith("[")]


def numbers(count):
    return [f"item-{i}" for i in range(count)]


def first_is(answer, *others):
    """Answers of these kinds first, then it takes all."""
    left = [answer, *others]
    return lambda _request: left.pop(0) if left else Answer()


def test_items_arrive_once_and_in_order():
    with Listener() as listener:
        said, safe = send("batch=4KiB", listener.url + "/a", listener.url + "/b",
                          items=[(i % 2, f"head-{i // 100}", f"item-{i}") for i in range(5000)])
        for path, odd in (("/a", 0), ("/b", 1)):
            requests = [request for request in listener.taken if request.path == path]
            assert texts(requests) == [f"item-{i}" for i in range(5000) if i % 2 == odd]
            assert len(requests) > 5 and max(len(request.body) for request in requests) < 8192
            heads = [line for request in requests for line in request.body.decode().splitlines() if line.startswith("[")]
            assert 50 <= len(heads) <= 50 + len(requests)
        assert (said, safe) == ("", 5000) and not listener.others


def test_gzip_and_headers():
    with Listener() as listener:
        send("header=X-Own: 1", listener.url, items=["x" * 10000])
        send("gzip=false", listener.url, items=["x" * 10000])
        packed, plain = listener.taken
    assert packed.size < 1000 and packed.headers["Content-Encoding"] == "gzip" and packed.headers["X-Own"] == "1"
    assert plain.size > 10000 and "Content-Encoding" not in plain.headers
    assert packed.headers["Content-Type"] == "text/plain" and packed.headers["User-Agent"] == f"collector/{VERSION}"


@pytest.mark.parametrize("status", [408, 429, 502, 503, 504])
def test_what_is_tried_again(status):
    with Listener(first_is(Answer(status, b"later"), Answer(status), None)) as listener:
        said, safe = send(FAST, listener.url, items=numbers(10))
        assert texts(listener.taken) == numbers(10) and safe == 10
        assert len(listener.others) == 3
    assert said.count(f"status {status}: later; trying again") == 1 and said.count("taken again") == 1


@pytest.mark.parametrize(("ahead", "told"), [(7200, r"is (1h 59m|2h 00m) slow by the server's"), (0, None), (1, None),
                                             (-90, r"is 1m (28|29|30)s fast by the server's"), (-1, None)])
def test_a_server_whose_clock_differs(ahead, told):
    """Said once, with the amount; by what NTP allows it may differ."""
    with Listener(ahead=ahead) as listener:
        said, safe = send("batch=4KiB", listener.url, items=numbers(3000))
        assert len(listener.taken) > 3 and safe == 3000
    assert len(re.findall(told, said)) == said.count("clock is") == 1 if told else said == "", said


def test_a_slow_answer_is_no_other_clock():
    with Listener(first_is(Answer(200, b"x" * 35, slow=True))) as listener:
        said, safe = send("", listener.url, items=numbers(10))
        assert "clock" not in said and safe == 10


def test_retry_after():
    with Listener(first_is(Answer(429, headers={"Retry-After": "1"}))) as listener:
        send(FAST, listener.url, items=["a"])
        assert listener.taken[0].at - listener.others[0].at >= 1


@pytest.mark.parametrize("status", [301, 401, 403, 404, 415])
def test_what_a_person_must_change_is_said_once_and_not_lost(status):
    answers = first_is(*[Answer(status, headers={"Location": "http://127.0.0.1:1/"} if status == 301 else {})] * 4)
    with Listener(answers) as listener:
        said, safe = send(FAST, listener.url, items=numbers(10))
        assert texts(listener.taken) == numbers(10) and safe == 10 and len(listener.others) == 4
    assert said.count(f"status {status}; trying again, slowly") == 1


@pytest.mark.parametrize("status", [500, 422])
def test_what_is_refused_for_good(status):
    with Listener(first_is(Answer(status, b"no \x1b[31m such"))) as listener:
        said, safe = send("batch=4KiB", listener.url, items=numbers(1000))
        refused = texts(listener.others)
        assert len(listener.others) == 1 and len(refused) > 100
        assert sorted(refused + texts(listener.taken)) == sorted(numbers(1000)) and safe == 1000
    assert said.count("refused for good, status") == 1 and "no \\x1b[31m such" in said
    assert f"items: {len(refused)} refused for good with status {status}" in said


@pytest.mark.parametrize("status", [400, 413])
def test_a_refused_batch_is_halved_down_to_the_bad_items(status):
    bad = set(random.Random(7).sample(numbers(1000), 3))
    with Listener(lambda request: Answer(status if bad & set(texts([request])) else 200)) as listener:
        said, safe = send("", listener.url, items=numbers(1000))
        assert texts(listener.taken) == [item for item in numbers(1000) if item not in bad] and safe == 1000
        assert len(listener.others) + len(listener.taken) < 3 * 25
    assert f"items: 3 refused for good with status {status}" in said and said.count("refused for good, status") == 1


def test_a_server_with_a_limit_gets_smaller_batches():
    with Listener(lambda request: Answer(413 if len(request.body) > 20000 else 200)) as listener:
        said, safe = send("batch=64KiB", listener.url, items=[f"item-{i:060}" for i in range(20000)])
        assert texts(listener.taken) == [f"item-{i:060}" for i in range(20000)] and safe == 20000
        # those that were closed before the first answer, and few more
        assert len(listener.others) < len(listener.taken) / 2
    assert said == ""


def test_a_partial_success():
    with Listener(first_is(Answer(200, b"refused 3 of them"))) as listener:
        said, _ = send("", listener.url, items=numbers(10))
        assert len(listener.taken) == 1
    assert "refused for good, status 200: refused 3 of them" in said and "items: 3 refused for good with status 200" in said


def test_a_server_that_comes_later():
    port = free_port()
    process = start("follow=true,retry=100ms", f"http://{HOST}:{port}")
    process.stdin.write("0 - first\n")
    process.stdin.flush()
    assert re.search("onnect.*trying again", process.stderr.readline())
    with Listener(port=port) as listener:
        wait_for(lambda: texts(listener.taken) == ["first"], "the item")
        process.stdin.write("wait 1\n")
        process.stdin.flush()
        assert process.stdout.readline() == "1\n"
    # dies, while one is on its way, and comes again
    process.stdin.write("0 - second\n")
    process.stdin.flush()
    said = [process.stderr.readline(), process.stderr.readline()]
    assert "taken again" in said[0] and "trying again" in said[1]
    with Listener(port=port) as listener:
        out, _ = process.communicate(timeout=60)
        assert texts(listener.taken) == ["second"] and out == "2\n" and process.returncode == 0


def test_a_server_that_is_absent():
    said, safe = send("retry=100ms,end=500ms", f"http://{HOST}:{free_port()}", items=numbers(10), code=1)
    assert safe == 0 and said.count("trying again") == 1 and "takes nothing: giving up after 0 s; not all was delivered" in said


def test_a_server_that_never_reads():
    with Deaf() as deaf:
        said, safe = send("gzip=false,timeout=200ms,retry=100ms,end=1s", deaf.url, items=["x" * 3000] * 1000, code=1)
    assert safe == 0 and said.count("trying again") == 1 and re.search("timed? ?out", said, re.I)


def test_one_byte_at_a_time():
    with Listener(first_is(Answer(200, b"x" * 1000, slow=True))) as listener:
        said, safe = send("timeout=500ms,retry=100ms", listener.url, items=["a"])
        assert texts(listener.taken) == ["a", "a"] and safe == 1
    assert said.count("trying again") == 1


def test_an_endless_queue_is_bounded_and_a_signal_ends_the_wait():
    process = start("follow=true,batch=4KiB,retry=100ms,end=300ms", f"http://{HOST}:{free_port()}")
    assert "trying again" in (process.stdin.write("0 - first\n"), process.stdin.flush(), process.stderr.readline())[2]
    os.set_blocking(process.stdin.fileno(), False)
    line, sent = b"0 - " + b"x" * 1000 + b"\n", 0

    def is_full():
        nonlocal sent
        try:
            while True:
                sent += os.write(process.stdin.fileno(), line)
                assert sent < 1 << 20
        except BlockingIOError:
            return time.sleep(0.05) or not room()
        return False

    def room():
        try:
            return os.write(process.stdin.fileno(), line)
        except BlockingIOError:
            return 0

    wait_for(is_full, "the writer waits")
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 1 and "not all was delivered" in process.stderr.read()


def test_a_rate():
    with Listener() as listener:
        send("batch=4KiB,rate=2000", listener.url, items=numbers(2000))
        assert texts(listener.taken) == numbers(2000)
        assert listener.taken[-1].at - listener.taken[0].at > 0.5


# ---- secrets and TLS ----


def secret(text):
    file = new_folder() / "secret"
    file.write_text(text)
    return file


def test_credentials():
    with Listener() as listener:
        said = [send(f"user=ann,password_file={secret('pass word' + end)}", listener.url, items=["a"])[0]
                for end in ("", "\r\nx")]
        said += [send(f"token_file={secret('sesame')}", listener.url, items=["a"])[0]]
        basic = "Basic " + base64.b64encode(b"ann:pass word").decode()
        assert [request.headers["Authorization"] for request in listener.taken] == [basic, basic, "Bearer sesame"]
    assert said == [""] * 3
    with Listener() as proxy:
        said, _ = send(f"token_file={secret('sesame')},proxy={proxy.url}", "http://192.0.2.1:9/", items=["a"])
    assert "credentials go to 192.0.2.1 without encryption" in said and "sesame" not in said


@pytest.mark.parametrize("options, url, why", [
    ("user=ann", "http://x", "user= and password_file= belong together"),
    ("cert=/etc/hostname", "http://x", "cert= and key= belong together"),
    ("token_file=/nowhere", "http://x", "token_file=/nowhere: No such file"),
    ("token_file=/dev/zero", "http://x", "token_file=/dev/zero: not a file"),
    ("token_file=/dev/null", "http://x", "token_file=/dev/null: not a file"),
    ("proxy=http://me:mine@x", "http://x", "visible to other users"),
    ("", "http://me:mine@x", "visible to other users"),
    ("", "file:///etc/passwd", "not a URL of http or https"),
    ("", "gopher://x", "not a URL of http or https"),
    ("", "x y", "not a URL of http or https"),
], ids=str)
def test_options_that_are_refused(options, url, why):
    said, _ = send(options, url, items=["a"], code=2)
    assert why in said


def test_tls():
    key, cert = certificate()
    with Listener(tls=tls(client_ca=cert)) as listener:
        own = f"cert={cert},key={key}"
        said, _ = send(f"ca={cert},{own}", listener.url, items=["a"])
        assert said == "" and texts(listener.taken) == ["a"]
        send(own, listener.url, items=["b"], env={"TEST_CA": str(cert)})
        assert texts(listener.taken) == ["a", "b"]
        # none of its own
        said, _ = send(f"ca={cert},retry=100ms,end=300ms", listener.url, items=["c"], code=1)
        assert said.count("trying again") == 1
        assert texts(listener.taken) == ["a", "b"]


def test_a_wrong_certificate_is_never_taken_in_silence():
    with Listener(tls=tls()) as listener:
        said, _ = send("retry=100ms,end=3s", listener.url, items=["a"], code=1)
        assert re.search("certificate.*trying again, slowly", said) and not listener.taken
        said, _ = send("insecure=true", listener.url, items=["a"])
        assert "insecure=true: the certificates of servers are not checked" in said and texts(listener.taken) == ["a"]


def test_a_proxy():
    with Listener() as proxy:
        send(f"proxy={proxy.url}", "http://192.0.2.1:9/x", items=["a"])
        send("", "http://192.0.2.1:9/x", items=["b"], env={"http_proxy": proxy.url})
        assert [request.path for request in proxy.taken] == ["http://192.0.2.1:9/x"] * 2
        assert texts(proxy.taken) == ["a", "b"]


# ---- nginx, as it stands before many servers ----

NGINX = shutil.which("nginx", path=os.environ["PATH"] + ":/usr/sbin")
CONFIG = """
daemon off; pid {folder}/pid; error_log {folder}/error; {user} events {{ }}
http {{
    access_log off; client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder};
    uwsgi_temp_path {folder}; scgi_temp_path {folder};
    limit_req_zone $server_port zone=z:1m rate=60r/m;
    server {{
        listen {host}:{port}; client_max_body_size 20k;
        location / {{ proxy_pass {behind}; }}
        location /limited {{ limit_req zone=z; limit_req_status 429; error_page 429 @later; proxy_pass {behind}; }}
        location @later {{ add_header Retry-After 1 always; return 429; }}
        location /dead {{ proxy_pass http://{host}:{dead}; }}
    }}
    server {{
        listen {host}:{tls} ssl; ssl_certificate {cert}; ssl_certificate_key {key};
        ssl_client_certificate {cert}; ssl_verify_client on; location / {{ proxy_pass {behind}; }}
    }}
}}
"""


class Nginx:
    def __init__(self, after):
        folder, (key, cert) = new_folder(), certificate()
        self.ports = {name: free_port() for name in ("port", "tls", "dead")}
        (folder / "conf").write_text(CONFIG.format(folder=folder, host=HOST, behind=after.url, key=key, cert=cert, **self.ports,
                                                   user="user root;" if not os.geteuid() else ""))
        self.process = subprocess.Popen([NGINX, "-p", folder, "-c", folder / "conf", "-e", folder / "error"],
                                        stderr=subprocess.DEVNULL)
        self.url, self.secure = f"http://{HOST}:{self.ports['port']}", f"https://{HOST}:{self.ports['tls']}"

    def __enter__(self):
        wait_for(lambda: all(self.is_open(self.ports[name]) for name in ("port", "tls")), "nginx")
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()

    @staticmethod
    def is_open(port):
        with socket.socket() as probe:
            return not probe.connect_ex((HOST, port))


@pytest.mark.peer("nginx")
@pytest.mark.skipif(not NGINX, reason="no nginx: tests/setup peers")
def test_nginx():
    with Listener() as listener, Nginx(listener) as nginx:
        items = [f"item-{i:060}" for i in range(2000)]
        # 413
        said, safe = send("gzip=false", nginx.url, items=items)
        assert texts(listener.taken) == items and safe == 2000 and "refused" not in said
        listener.taken.clear()
        # 429 with Retry-After, after the first request of a second
        said, _ = send(f"batch=16KiB,gzip=false,{FAST}", nginx.url + "/limited", items=items[:500])
        assert texts(listener.taken) == items[:500] and "status 429" in said
        listener.taken.clear()
        # 502
        said, _ = send("retry=100ms,end=500ms", nginx.url + "/dead", items=["a"], code=1)
        assert said.count("status 502") == 1
        key, cert = certificate()
        said, _ = send(f"ca={cert},cert={cert},key={key}", nginx.secure, items=["a"])
        assert texts(listener.taken) == ["a"] and said == ""
        # it says 400 to what has no certificate
        said, _ = send(f"ca={cert}", nginx.secure, items=["a"])
        assert "1 refused for good with status 400" in said
