"""How a producer makes itself known to a Kafka cluster: in the clear, by TLS, by SCRAM, or by MSK's IAM.

https://docs.aws.amazon.com/msk/latest/developerguide/kafka_apis_iam.html
"""

import base64
from collections.abc import Callable
from datetime import datetime
from typing import Any, NamedTuple

from .signing import Credentials, signed_url

PROTOCOLS: dict[str, dict[str, str]] = {
    "plaintext": {"security.protocol": "PLAINTEXT"},
    "tls": {"security.protocol": "SSL"},
    "scram": {"security.protocol": "SASL_SSL", "sasl.mechanisms": "SCRAM-SHA-512"},
    "iam": {"security.protocol": "SASL_SSL", "sasl.mechanisms": "OAUTHBEARER"},
}
"""The ways to speak with a cluster, by the names that ``KAFKA_SECURITY`` takes, as librdkafka calls them."""

TOKEN_SECONDS = 900
"""How long a token for MSK holds: AWS's own signers choose the same. A connection that stands outlives it."""


class Security(NamedTuple):
    """How a cluster knows us: ``way`` is a key of ``PROTOCOLS``; ``scram`` has a name and a password, and ``iam``
    a source of tokens, each with the epoch second at which it ends."""

    way: str = "plaintext"
    username: str = ""
    password: str = ""
    token: Callable[[], tuple[str, float]] | None = None

    def settings(self) -> dict[str, Any]:
        """librdkafka's settings. Raises ValueError that names the variable and the fix."""
        if self.way not in PROTOCOLS:
            raise ValueError(f"KAFKA_SECURITY={self.way}: use one of {', '.join(PROTOCOLS)}")
        settings: dict[str, Any] = dict(PROTOCOLS[self.way])
        if self.way == "scram":
            if not (self.username and self.password):
                raise ValueError("KAFKA_SECURITY=scram needs KAFKA_USERNAME and KAFKA_PASSWORD")
            settings |= {"sasl.username": self.username, "sasl.password": self.password}
        if self.way == "iam":
            source = self.token
            if source is None:
                raise ValueError("KAFKA_SECURITY=iam needs a source of tokens")
            settings["oauth_cb"] = lambda _: source()
        return settings


PLAINTEXT = Security()


def msk_token(*, region: str, credentials: Credentials, now: datetime) -> tuple[str, float]:
    """A token for MSK and the epoch second at which it ends: a signed ``kafka-cluster:Connect`` in base64url.

    The host is part of the signature only; it is this one in every partition, China's too, as AWS's own signers have it.
    """
    url = signed_url(
        service="kafka-cluster",
        region=region,
        host=f"kafka.{region}.amazonaws.com",
        query={"Action": "kafka-cluster:Connect"},
        credentials=credentials,
        now=now,
        seconds=TOKEN_SECONDS,
    )
    named = f"{url}&User-Agent=liangwang"
    return base64.urlsafe_b64encode(named.encode()).decode().rstrip("="), now.timestamp() + TOKEN_SECONDS
