"""Signed anchors of the audit trail: hourly, where every chain stands, signed by a key that nobody holds (KMS).

An anchor is kept beside the blocks and written as a log line: a second place, out of reach of who can write the table.
"""

import hashlib
from collections.abc import Callable, Collection
from datetime import datetime, timedelta
from typing import Any

import jwt
from jwt import PyJWK
from jwt.api_jws import PyJWS
from msgspec import DecodeError, json

from . import log
from .audit_chain import Chains
from .domain.audit import SHARDS, Anchor, Head, day_of

KIND = "liangwang-anchor"
"""The ``typ`` of an anchor's signature."""

TRIES = 3
"""How often an anchor is made anew because somebody else's was first."""

SYSTEMS = ("intake", "governance", "department")
ALL_SHARDS = tuple(f"{system}-{number}" for system in SYSTEMS for number in range(SHARDS))


class Anchors:
    """Signs where the chains stand, once every ``every``; whoever comes second to a moment leaves it be."""

    def __init__(
        self,
        chains: Chains,
        sign: Callable[[bytes], str],
        *,
        every: timedelta = timedelta(hours=1),
        shards: Collection[str] = ALL_SHARDS,
    ) -> None:
        self._chains = chains
        self._sign = sign
        self._every = int(every.total_seconds())
        self._shards = shards
        self._signed = 0

    def due(self, now: datetime) -> str | None:
        """The anchor of this hour; None when it has been signed already."""
        moment = int(now.timestamp())
        slot = moment - moment % self._every
        if slot <= self._signed:
            return None
        token = self.sign(now, since=slot)
        self._signed = slot
        return token

    def sign(self, now: datetime, *, since: float) -> str | None:
        """Signs and keeps an anchor; None when one was signed since a moment (seconds since 1970), perhaps by another."""
        for _ in range(TRIES):
            newest = self._chains.newest_anchor()
            if newest is not None and newest.anchor.at.timestamp() >= since:
                return None
            number, previous = (newest.number + 1, _hash(newest.token)) if newest else (0, "")
            heads = self._heads(now, newest.anchor if newest else None)
            token = self._sign(json.encode(Anchor(at=now, previous=previous, heads=heads)))
            if self._chains.add_anchor(number, token):
                log.write(function="audit", anchor=token)
                return token
        return None

    def _heads(self, now: datetime, before: Anchor | None) -> tuple[Head, ...]:
        """Of today and yesterday; of a shard that has been quiet for longer, what the anchor before said."""
        days = (day_of(now - timedelta(days=1)), day_of(now))
        heads: list[Head] = []
        for shard in self._shards:
            found = [head for day in days if (head := self._chains.head(day, shard)) is not None]
            earlier = [head for head in before.heads if head.shard == shard] if before else []
            heads += found or earlier[-1:]
        return tuple(heads)


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def opener(key: dict[str, Any]) -> Callable[[str], Anchor | None]:
    """What opens anchors with the public half of the audit key (a JSON Web Key); None for what it did not sign."""
    public = PyJWK(key, algorithm="ES256")

    def open(token: str) -> Anchor | None:
        try:
            signed = PyJWS().decode_complete(token, public, algorithms=["ES256"])
            return json.decode(signed["payload"], type=Anchor) if signed["header"].get("typ") == KIND else None
        except (jwt.InvalidTokenError, DecodeError):
            return None

    return open
