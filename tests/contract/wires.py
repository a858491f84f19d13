"""How the contract suite speaks with a department system: over Kafka, or over HTTP with the mailbox between.

A system is a command. It finds DEPARTMENT and MEMORY (a file of its own) in its environment, and KAFKA_BOOTSTRAP_SERVERS, or
LIANGWANG_URL, CLIENT_ID and CLIENT_SECRET (docs/examples/README.md).
"""

import json
import os
import shlex
import signal
import threading
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple
from urllib.parse import parse_qsl, urlsplit

import confluent_kafka as kafka
from liangwang import passwords
from liangwang.aggregates import ACCOUNT, Key
from liangwang.domain import messages as m
from liangwang.domain.account import Account
from liangwang.envelope import Outgoing, encode
from liangwang.fakes import FakeProducer, kafka_event
from liangwang.processing import Command, perform

from local import processes
from tests.functional.functions import Functions, golden
from tests.local.kafka_broker import PARTITIONS, Broker

SAID_ON = ("acceptances", "approvals", "collaboration-requests", "collaboration-reports", "dead-letters")
CLIENT, SECRET = "department-under-test", "a secret of this test alone"


class Heard(NamedTuple):
    """One message of the system under test: where it stood, its key, and its envelope as JSON."""

    topic: str
    key: str
    event: dict


class Wire:
    """One system under test, as a process; ``tell`` it something, ``heard`` is all that it has said so far."""

    def __init__(self, command, department, folder):
        self.department, self._command, self._folder = department, shlex.split(command), folder

    def start(self):
        environment = {
            **os.environ,
            "DEPARTMENT": self.department,
            "MEMORY": str(self._folder / "memory"),
            "PAUSE_SECONDS": "0.05",
            **self.connection(),
        }
        self._process = processes.start(self._command, environment=environment, log=self._folder / "system.log")

    def kill(self):
        """As a machine that loses its power."""
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()

    def stop(self):
        processes.stop(self._process)


class KafkaWire(Wire):
    """A system that joins by Kafka alone."""

    def __init__(self, command, department, folder, broker: Broker):
        super().__init__(command, department, folder)
        self._broker, self._heard, self._lock = broker, [], threading.Lock()
        for topic in (*m.TOPIC.values(),):
            broker.create(topic)
        settings = {"bootstrap.servers": broker.address, "group.id": f"suite-{department}", "log_level": 2}
        self._ear = kafka.Consumer({**settings, "enable.auto.commit": False})
        places = [kafka.TopicPartition(topic, number, 0) for topic in SAID_ON for number in range(PARTITIONS)]
        self._ear.assign(places)

    def connection(self):
        return {"KAFKA_BOOTSTRAP_SERVERS": self._broker.address}

    def tell(self, *events):
        """All in one partition of their topic: a system hears them in this order."""
        for event in events:
            self._broker.send(m.TOPIC[type(event.data)], encode(event), key=event.subject.encode())

    def tell_bytes(self, topic, value):
        """Something that is no message."""
        self._broker.send(topic, value)

    def heard(self):
        while (record := self._ear.poll(0.05)) is not None:
            if record.error() is None:
                key = (record.key() or b"").decode()
                self._heard.append(Heard(record.topic(), key, json.loads(record.value())))
        return self._heard

    def stop(self):
        super().stop()
        self._ear.close()


class HttpWire(Wire):
    """A system that joins by HTTP alone: the deployed functions for tokens and mailboxes behind a port of this machine."""

    def __init__(self, command, department, folder):
        super().__init__(command, department, folder)
        self._functions, self._read, self._lock = Functions(), 0, threading.Lock()
        account = Account(
            role="system", department=department, scopes=("mailbox",), password=passwords.digest(SECRET), name="x"
        )
        perform(
            self._functions.store("intake"),
            [Command(Key(ACCOUNT.name, CLIENT), "x", lambda *_: [account])],
            datetime.now(UTC),
        )
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def connection(self):
        host, port = self._server.server_address[:2]
        return {"LIANGWANG_URL": f"http://{host}:{port}", "CLIENT_ID": CLIENT, "CLIENT_SECRET": SECRET}

    def tell(self, *events):
        for event in events:
            bus, topic = FakeProducer(), m.TOPIC[type(event.data)]
            bus.send([Outgoing(topic, event.subject, event)])
            with self._lock:
                answer = self._functions.call("mailbox", kafka_event(bus.records(topic)))
            assert answer == {"batchItemFailures": []}

    def heard(self):
        with self._lock:
            stream = self._functions.aws.dynamodb.event("governance", start=self._read)
            self._read += len(stream["Records"])
            self._functions.call("publisher", stream)
            found = [record for topic in SAID_ON for record in self._functions.producer.records(topic)]
        return [Heard(one.topic, one.key, json.loads(one.value)) for one in found]

    def answer(self, method, target, headers, body):
        """What the gateway does with a request: the authorizer, then the function."""
        url = urlsplit(target)
        key = f"{method} {url.path}"
        event = golden("http_follow") | {"routeKey": key, "rawPath": url.path, "pathParameters": {}, "body": body}
        event |= {"queryStringParameters": dict(parse_qsl(url.query)), "headers": headers, "isBase64Encoded": False}
        with self._lock:
            context = {} if url.path == "/oauth/token" else self._functions.call("authorizer", event)["context"]
            event["requestContext"]["authorizer"] = {"lambda": context}
            return self._functions.call("identity" if url.path == "/oauth/token" else "mailbox", event)

    def _handler(wire):
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                body = self.rfile.read(int(self.headers.get("content-length", 0))).decode()
                headers = {name.lower(): value for name, value in self.headers.items()}
                answer = wire.answer(self.command, self.path, headers, body)
                self.send_response(answer["statusCode"])
                content = answer["body"].encode()
                self.send_header("content-length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_POST = do_GET

            def log_message(self, *_):
                pass

        return Handler

    def stop(self):
        super().stop()
        self._server.shutdown()
        self._server.server_close()
