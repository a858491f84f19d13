"""The intake systems that the centre serves, by configuration (docs/exchange.md).

A JSON array; an intake without a ``url`` is this stack's own. Empty text is our own intake alone.
"""

import re
from datetime import timedelta
from typing import Annotated, Literal
from urllib.parse import urlsplit

from msgspec import DecodeError, Meta, Struct, json

from .domain import breaker
from .domain.delivery import UNKNOWN

OWN = "intake"
"""The name of our own intake when nothing is configured."""

SECRETS = "liangwang/intakes/"
"""What the name of an intake's secret begins with: the centre's functions may read no other (template.yaml)."""

_NAME = re.compile(r"[a-z][a-z0-9-]{0,30}")


class Credentials(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the centre makes itself known: by a token it signs itself (``own``), or by OAuth 2.0 client credentials.

    ``secret`` is the name, in Secrets Manager, of what has the client's secret as its text.
    """

    kind: Literal["own", "oauth"] = "own"
    token_url: str = ""
    client_id: str = ""
    secret: str = ""
    scope: str = ""


class IntakeSystem(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One intake system: its name in the ledger, where it is, and how much patience the centre has with it.

    A call that takes longer than ``timeout_seconds`` is given up, one that takes longer than ``slow_seconds`` counts as a
    failure; after ``failures`` in a row the centre leaves it alone for ``first_seconds``, doubling up to ``longest_seconds``.
    """

    name: str
    url: str = ""
    credentials: Credentials = Credentials()
    page: Annotated[int, Meta(ge=1, le=100)] = 100
    timeout_seconds: Annotated[float, Meta(gt=0, le=20)] = 20.0
    slow_seconds: Annotated[float, Meta(gt=0, le=20)] = 10.0
    failures: Annotated[int, Meta(ge=1, le=20)] = 3
    first_seconds: Annotated[float, Meta(gt=0, le=3600)] = 5.0
    longest_seconds: Annotated[float, Meta(gt=0, le=86400)] = 300.0

    @property
    def breaker(self) -> breaker.Settings:
        """When it is left alone."""
        return breaker.Settings(
            failures=self.failures,
            first=timedelta(seconds=self.first_seconds),
            longest=timedelta(seconds=self.longest_seconds),
        )


def parse(text: str) -> tuple[IntakeSystem, ...]:
    """The configuration. Raises ValueError that names the intake, the field and the fix."""
    if not text.strip():
        return (IntakeSystem(name=OWN),)
    try:
        systems = json.decode(text, type=tuple[IntakeSystem, ...])
    except DecodeError as error:
        raise ValueError(f"the intakes are no JSON array of intake systems: {error}") from error
    if not systems:
        raise ValueError("the intakes are an empty array: leave the text empty for our own intake alone")
    names = [one.name for one in systems]
    for one in systems:
        _check(one)
        if one.url and one.credentials.kind == "own" and len(systems) > 1:
            raise ValueError(
                f"intake {one.name}: the centre's own token would open the other intakes too: give it credentials of kind oauth"
            )
        if names.count(one.name) > 1:
            raise ValueError(f"intake {one.name}: two have this name; the ledger could not tell them apart")
    if sum(not one.url for one in systems) > 1:
        raise ValueError("only one intake can be this stack's own: give the others a url")
    return systems


def _check(one: IntakeSystem) -> None:
    if not _NAME.fullmatch(one.name) or one.name == UNKNOWN:
        raise ValueError(
            f"intake {one.name!r}: a name is small letters, digits and dashes, at most 31, not {UNKNOWN!r}"
        )
    if one.slow_seconds > one.timeout_seconds:
        raise ValueError(f"intake {one.name}: slow_seconds is above timeout_seconds, so nothing would ever be slow")
    if one.longest_seconds < one.first_seconds:
        raise ValueError(f"intake {one.name}: longest_seconds is below first_seconds")
    if one.url:
        _check_url(one.name, "url", one.url)
    if one.credentials.kind == "own":
        return
    if not one.url:
        raise ValueError(
            f"intake {one.name}: this stack's own knows the centre by its own token: leave credentials out"
        )
    _check_url(one.name, "credentials.token_url", one.credentials.token_url)
    for field in ("client_id", "secret"):
        if not getattr(one.credentials, field):
            raise ValueError(f"intake {one.name}: credentials.{field} is missing")
    if not one.credentials.secret.startswith(SECRETS):
        raise ValueError(f"intake {one.name}: credentials.secret names a secret that begins with {SECRETS}")


def _check_url(name: str, field: str, url: str) -> None:
    parts = urlsplit(url)
    here = parts.hostname in ("127.0.0.1", "localhost", "::1")
    if not parts.hostname or parts.scheme not in ("https", "http") or (parts.scheme == "http" and not here):
        raise ValueError(f"intake {name}: {field} {url[:200]!r} is no https address")
    if parts.query or parts.fragment or parts.username:
        raise ValueError(f"intake {name}: {field} has more than a host and a path")
