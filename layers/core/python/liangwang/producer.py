"""Kafka out. Only the publisher and the relay import this module: importing Kafka costs as much as a cold start.

Idempotent, acknowledged by all in-sync replicas; every future is looked at, because ``flush`` does not raise.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from kafka import KafkaProducer
from kafka.errors import MessageSizeTooLargeError

from .envelope import Outgoing, encode


class Undeliverable(Exception):
    """A message that Kafka will never take, however often it is sent: it is too large."""


PROTOCOLS: dict[str, dict[str, str]] = {
    "plaintext": {"security_protocol": "PLAINTEXT"},
    "tls": {"security_protocol": "SSL"},
    "scram": {"security_protocol": "SASL_SSL", "sasl_mechanism": "SCRAM-SHA-512"},
    "iam": {"security_protocol": "SASL_SSL", "sasl_mechanism": "AWS_MSK_IAM"},
}
"""The ways to speak with a cluster, by the names that ``KAFKA_SECURITY`` takes, as kafka-python calls them."""


class Security(NamedTuple):
    """How a cluster knows us: ``way`` is a key of ``PROTOCOLS``; only ``scram`` has a name and a password.

    ``iam`` is MSK's own: kafka-python signs each connection with the execution role's credentials and region as
    botocore finds them in the environment. Lambda's runtime brings botocore, and only this way imports it.
    https://docs.aws.amazon.com/msk/latest/developerguide/iam-access-control.html
    """

    way: str = "plaintext"
    username: str = ""
    password: str = ""

    def settings(self) -> dict[str, str]:
        """kafka-python's settings. Raises ValueError that names the variable and the fix."""
        if self.way not in PROTOCOLS:
            raise ValueError(f"KAFKA_SECURITY={self.way}: use one of {', '.join(PROTOCOLS)}")
        if self.way != "scram":
            return PROTOCOLS[self.way]
        if not (self.username and self.password):
            raise ValueError("KAFKA_SECURITY=scram needs KAFKA_USERNAME and KAFKA_PASSWORD")
        return {**PROTOCOLS["scram"], "sasl_plain_username": self.username, "sasl_plain_password": self.password}


PLAINTEXT = Security()


class Producer:
    """One producer for the life of the process, built at the first send.

    ``bootstrap_servers`` is a host:port list with commas. Raises ValueError for a ``security`` that is not complete.
    """

    def __init__(
        self, bootstrap_servers: str, *, security: Security = PLAINTEXT, timeout_seconds: float = 15.0
    ) -> None:
        self._bootstrap = bootstrap_servers.split(",")
        self._security = security.settings()
        self._timeout = timeout_seconds
        self._producer: KafkaProducer | None = None

    def send(self, messages: Sequence[Outgoing]) -> list[Exception | None]:
        """Sends a batch; the answer says of each message, in order, None once Kafka holds it, or why it does not.

        After an error of a message, later messages of the same key are reported as failed too, so that a caller who
        sends again from the first failure keeps the order.
        """
        producer = self._producer or self._build()
        results: list[Exception | None] = []
        futures: list[Any] = []
        down: Exception | None = None
        for message in messages:
            try:
                if down is not None:
                    raise down  # each would wait for the brokers as long as the first did
                futures.append(producer.send(message.topic, key=message.key.encode(), value=encode(message.event)))
            except MessageSizeTooLargeError as error:
                futures.append(Undeliverable(str(error)))
            except Exception as error:  # a full buffer or missing metadata raises here, not in the future
                down = error
                futures.append(error)
        broken: dict[tuple[str, str], Exception] = {}
        for message, future in zip(messages, futures, strict=True):
            try:
                if isinstance(future, Exception):
                    raise future
                future.get(timeout=self._timeout)
            except Undeliverable as error:
                results.append(error)
                continue
            except Exception as error:
                broken.setdefault((message.topic, message.key), error)
            results.append(broken.get((message.topic, message.key)))
        if broken:
            self._discard()
        return results

    def _build(self) -> KafkaProducer:
        self._producer = KafkaProducer(
            bootstrap_servers=self._bootstrap,
            api_version=(2, 3),
            enable_idempotence=True,
            acks="all",
            linger_ms=2,
            # JSON shrinks to a quarter: less to send and store, and less to checksum, which kafka-python does in Python
            # (226 to 138 µs of CPU a message in batches of ten, 155 to 48 in batches of fifty).
            compression_type="gzip",
            max_block_ms=10_000,
            delivery_timeout_ms=12_000,
            request_timeout_ms=5_000,
            **self._security,
        )
        return self._producer

    def _discard(self) -> None:
        """An idempotent producer that lost a message may be stuck on its sequence: the next send starts a new one."""
        producer, self._producer = self._producer, None
        if producer is not None:
            producer.close(timeout=0.5)
