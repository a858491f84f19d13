"""What lies outside this process, as the environment names it: AWS, Kafka, intake's exchange, what carries notifications."""

import os
from typing import TYPE_CHECKING

from .aws import AwsJson, SignedAws, endpoints, suffix
from .clock import utc
from .signing import Credentials

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from .channels import Sender
    from .domain.notification import Channel
    from .exchange import Exchange
    from .intakes import IntakeSystem
    from .objects import Objects
    from .producer import Producer


def _credentials() -> Credentials:
    return Credentials(
        access_key=os.environ["AWS_ACCESS_KEY_ID"],
        secret_key=os.environ["AWS_SECRET_ACCESS_KEY"],
        token=os.environ.get("AWS_SESSION_TOKEN", ""),
    )


def _region() -> str:
    return os.environ.get("AWS_REGION") or os.environ["AWS_DEFAULT_REGION"]


class Outside:
    """What lies outside this process: AWS, Kafka, and intake as the governance centre reaches it.

    Tests put fakes in the place of ``outside`` before they import an ``app.py`` (tests/functional/functions.py).
    """

    def clock(self) -> "datetime":
        """What time it is, for what is built here and asks by itself."""
        return utc()

    def aws(self) -> AwsJson:
        """DynamoDB, KMS and Secrets Manager."""
        credentials = _credentials()  # Lambda replaces the whole environment before they expire
        return SignedAws(region=_region(), credentials=lambda: credentials, endpoint=endpoints(os.environ))

    def aws_at_once(self) -> AwsJson:
        """DynamoDB, asked once and briefly: for what does better without an answer than with a late one."""
        credentials = _credentials()
        return SignedAws(
            region=_region(),
            credentials=lambda: credentials,
            endpoint=endpoints(os.environ),
            attempts=1,
            timeout=1.0,
        )

    def objects(self) -> "Objects":
        """The bucket with applicants' files."""
        from .objects import S3Objects

        credentials = _credentials()
        endpoint = endpoints(os.environ).get("s3", "")
        bucket = os.environ["MATERIALS_BUCKET"]
        return S3Objects(bucket, region=_region(), credentials=lambda: credentials, endpoint=endpoint)

    def senders(self) -> "dict[Channel, Sender]":
        """The channels that are configured: mail by SES with a sender's address, text messages by SNS where they are on."""
        from .channels import SesMail, SignedPost, SnsSms

        credentials, given = _credentials(), endpoints(os.environ)

        def post(service: str, name: str, host: str) -> SignedPost:
            origin = given.get(name) or f"https://{host}.{_region()}.{suffix(_region())}"
            return SignedPost(service=service, region=_region(), origin=origin, credentials=lambda: credentials)

        found: dict[Channel, Sender] = {}
        if "mail" in channels():
            found["mail"] = SesMail(post("ses", "sesv2", "email"), sender=os.environ["MAIL_SENDER"])
        if "sms" in channels():
            found["sms"] = SnsSms(post("sns", "sns", "sns"))
        return found

    def producer(self) -> "Producer":
        """Kafka, in the way that ``KAFKA_SECURITY`` names; an empty variable is one that is not set."""
        from .kafka_security import Security, msk_token
        from .producer import Producer

        region = _region()
        security = Security(
            way=os.environ.get("KAFKA_SECURITY") or "plaintext",
            username=os.environ.get("KAFKA_USERNAME", ""),
            password=os.environ.get("KAFKA_PASSWORD", ""),
            token=lambda: msk_token(region=region, credentials=_credentials(), now=utc()),
        )
        return Producer(os.environ["KAFKA_BOOTSTRAP_SERVERS"], security=security)

    def exchange(self, system: "IntakeSystem") -> "Exchange":
        """An intake's exchange API: our own, or somebody else's, called with the token that its credentials say."""
        from .exchange import Exchange

        url = system.url or os.environ["EXCHANGE_URL"]
        return Exchange(url, token=self._token(system), page=system.page, timeout=system.timeout_seconds)

    def _token(self, system: "IntakeSystem") -> "Callable[[], str]":
        credentials = system.credentials
        if credentials.kind == "oauth":
            from .oauth import ClientToken
            from .secret import Secret

            return ClientToken(
                credentials.token_url,
                client_id=credentials.client_id,
                secret=Secret(self.aws(), credentials.secret),
                scope=credentials.scope,
                timeout=system.timeout_seconds,
            )
        from .tokens import KmsSigner, SystemToken

        signer = KmsSigner(self.aws(), key=os.environ["GOVERNANCE_KEY"], issuer=os.environ["TOKEN_ISSUER"])
        return SystemToken(signer, subject="governance")


def channels() -> "frozenset[Channel]":
    """What can carry notifications out of this system."""
    has: dict[Channel, bool] = {
        "mail": bool(os.environ.get("MAIL_SENDER")),
        "sms": os.environ.get("TEXT_MESSAGES") == "on",
    }
    return frozenset(channel for channel, configured in has.items() if configured)
