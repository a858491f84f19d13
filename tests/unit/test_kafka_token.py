"""What MSK hears first from a producer with IAM: librdkafka at a listener that speaks the first three requests of Kafka."""

import base64
import socket
import struct
import threading
from contextlib import closing, suppress
from urllib.parse import parse_qs, urlsplit

import confluent_kafka
from liangwang import clock
from liangwang.kafka_security import Security, msk_token
from liangwang.signing import Credentials

SASL_HANDSHAKE, API_VERSIONS = 17, 18
UNSUPPORTED_VERSION = 35


class Listener(threading.Thread):
    """Says which versions it knows, takes the handshake, and keeps the bytes of the authentication that follows."""

    def __init__(self):
        super().__init__(daemon=True)
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self.socket.getsockname()[1]}"
        self.heard = threading.Event()
        self.mechanism = self.first = b""
        self.start()

    def run(self):
        with suppress(OSError, struct.error):
            while not self.heard.is_set():
                connection, _ = self.socket.accept()
                with closing(connection), suppress(ConnectionError, struct.error):
                    self.serve(connection)

    def serve(self, connection):
        shaken = False
        while True:
            (size,) = struct.unpack(">i", connection.recv(4, socket.MSG_WAITALL))
            request = connection.recv(size, socket.MSG_WAITALL)
            if shaken:
                self.first = request
                self.heard.set()
                return
            api, version, number = struct.unpack(">hhi", request[:8])
            if api == API_VERSIONS:
                error = UNSUPPORTED_VERSION if version else 0
                known = struct.pack(">ihhhhhh", 2, API_VERSIONS, 0, 0, SASL_HANDSHAKE, 0, 0)
                answer = struct.pack(">h", error) + known
            else:
                self.mechanism, shaken = request, True
                answer = struct.pack(">hih", 0, 1, len(b"OAUTHBEARER")) + b"OAUTHBEARER"
            connection.sendall(struct.pack(">ii", len(answer) + 4, number) + answer)


def test_a_producer_with_iam_presents_a_connect_signed_by_its_role():
    role = Credentials("ASIAEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "a-session-token")
    security = Security("iam", token=lambda: msk_token(region="cn-north-1", credentials=role, now=clock.utc()))
    listener = Listener()
    # The one setting that differs from a real cluster: no TLS around it.
    settings = {**security.settings(), "security.protocol": "SASL_PLAINTEXT"}
    producer = confluent_kafka.Producer({"bootstrap.servers": listener.address, "log_level": 0, **settings})
    try:
        assert listener.heard.wait(20)
    finally:
        listener.socket.close()
        del producer
    assert b"OAUTHBEARER" in listener.mechanism
    bearer = listener.first.partition(b"auth=Bearer ")[2].partition(b"\x01")[0].decode()
    url = urlsplit(base64.urlsafe_b64decode(bearer + "=" * (-len(bearer) % 4)).decode())
    asked = parse_qs(url.query)
    assert url.hostname == "kafka.cn-north-1.amazonaws.com"
    assert asked["Action"] == ["kafka-cluster:Connect"]
    assert asked["X-Amz-Credential"][0].endswith("/cn-north-1/kafka-cluster/aws4_request")
    assert asked["X-Amz-Security-Token"] == ["a-session-token"]
    assert len(asked["X-Amz-Signature"][0]) == 64
