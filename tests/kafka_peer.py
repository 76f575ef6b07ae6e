# SPDX-License-Identifier: BSD-2-Clause
"""The real Kafka (from Maven), and what it has got, by kcat."""
import json
import shutil
import signal
import socket
import struct
import subprocess
from pathlib import Path

import pytest
from harness import wait_for
from http_listener import HOST, certificate, free_port

JARS = Path("/usr/local/lib/collector-tests/kafka-4.1.1/lib")
KCAT = shutil.which("kcat")
CLUSTER = "rpZO1craSH-8iDfF3RP8vQ"
PROPERTIES = """process.roles=broker,controller
node.id=1
controller.quorum.voters=1@{host}:{control}
listeners=PLAINTEXT://{host}:{port},SASL_SSL://{host}:{secure},CONTROLLER://{host}:{control}
advertised.listeners=PLAINTEXT://{host}:{port},SASL_SSL://{host}:{secure}
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,SASL_SSL:SASL_SSL,CONTROLLER:PLAINTEXT
ssl.keystore.type=PEM
ssl.keystore.location={folder}/store.pem
sasl.enabled.mechanisms=PLAIN
listener.name.sasl_ssl.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required user_ann="sesame";
log.dirs={folder}/data
num.partitions=4
auto.create.topics.enable=false
group.initial.rebalance.delay.ms=0
offsets.topic.replication.factor=1
broker.heartbeat.interval.ms=200
broker.session.timeout.ms=2000
"""
CREATE_TOPICS, ALTER_CONFIGS, TOPIC, TOPIC_EXISTS = 19, 33, 2, 36
needs_kafka = pytest.mark.skipif(not KCAT or not JARS.exists(), reason="no kcat or no Kafka: tests/setup peers")


class Message:
    def __init__(self, line):
        self.partition, self.key, ms, self.text = line.rstrip("\n").split("\t", 3)
        self.ms = int(ms)

    @property
    def event(self):
        return json.loads(self.text)


def consume(brokers, topic):
    """All messages of a topic, those of each partition in order."""
    done = subprocess.run([KCAT, "-C", "-b", brokers, "-t", topic, "-o", "beginning", "-e", "-q", "-f", r"%p\t%k\t%T\t%s\n",
                           "-X", "fetch.wait.max.ms=10"], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return sorted((Message(line) for line in done.stdout.splitlines()), key=lambda message: message.partition)


def topics(brokers):
    done = subprocess.run([KCAT, "-L", "-J", "-b", brokers, "-m", "2"], capture_output=True, text=True, timeout=60, check=False)
    return None if done.returncode else {topic["topic"] for topic in json.loads(done.stdout)["topics"]}


class Broker:
    """Kafka in one process, with a listener for all, and one with TLS where ann has the password sesame."""
    def __init__(self, folder, host=HOST):
        self.folder, self.host, self.process = folder, host, None
        self.port, self.control, self.secure_port = free_port(), free_port(), free_port()
        self.brokers, self.secure = f"{host}:{self.port}", f"{host}:{self.secure_port}"
        key, cert = certificate()
        (folder / "store.pem").write_text(key.read_text() + cert.read_text())
        (folder / "server.properties").write_text(
            PROPERTIES.format(host=host, port=self.port, control=self.control, secure=self.secure_port, folder=folder))
        self.java("kafka.tools.StorageTool", "format", "-t", CLUSTER, "-c", folder / "server.properties").wait()

    def java(self, *words):
        with (self.folder / "said").open("ab") as said:
            # ends with the tests, even with those that are killed
            return subprocess.Popen(["setpriv", "--pdeathsig=KILL", "java", "-Xmx512m", "-XX:+UseSerialGC",
                                     "-XX:TieredStopAtLevel=1", "-cp", f"{JARS}/*", *words],
                                    cwd=self.folder, stdin=subprocess.DEVNULL, stdout=said, stderr=said)

    def start(self):
        self.process = self.java("kafka.Kafka", self.folder / "server.properties")
        wait_for(self.is_up, "the broker answers", 120)

    def is_up(self):
        assert self.process.poll() is None, (self.folder / "said").read_text()[-2000:]
        return topics(self.brokers) is not None

    def end(self, number=signal.SIGKILL):
        self.process.send_signal(number)
        self.process.wait()

    # ---- topics, by the protocol itself: each of Kafka's tools is a JVM, which takes seconds ----

    def ask(self, api, version, body):
        """A request and the body of its answer."""
        request = struct.pack(">hhih", api, version, 1, 5) + b"tests" + body
        with socket.create_connection((self.host, self.port), 30) as connection:
            connection.sendall(struct.pack(">i", len(request)) + request)
            file = connection.makefile("rb")
            return file.read(struct.unpack(">i", file.read(4))[0])[4:]

    def create(self, topic, partitions=4, **settings):
        body = struct.pack(">i", 1) + string(topic) + struct.pack(">ihi", partitions, 1, 0) + strings(settings)
        answer = self.ask(CREATE_TOPICS, 2, body + struct.pack(">i?", 30000, False))
        error, = struct.unpack_from(">h", answer, 8 + 2 + len(topic))
        assert error in (0, TOPIC_EXISTS), error
        wait_for(lambda: topic in (topics(self.brokers) or ()), "the topic is there")

    def alter(self, topic, **settings):
        """Those settings of a topic, and no others."""
        answer = self.ask(ALTER_CONFIGS, 0, struct.pack(">ib", 1, TOPIC) + string(topic) + strings(settings) + b"\0")
        error, = struct.unpack_from(">h", answer, 8)
        assert not error, error


def strings(settings):
    return struct.pack(">i", len(settings)) + b"".join(
        string(name.replace("_", ".")) + string(str(value)) for name, value in settings.items())


def string(text):
    return struct.pack(">h", len(text)) + text.encode()
