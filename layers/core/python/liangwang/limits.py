"""How often somebody may ask, counted over all processes together.

A quota is so many requests in a window of time. A window is one item of a table of its own: a counter from which each
process draws numbers, a few at a time, with one unconditional ADD. Numbers up to the quota are a *lease*: so many requests
the process lets pass on its own. No number is drawn twice, so all leases together never exceed the quota, whatever is
repeated, lost or left unused. The first lease is a fiftieth of the quota and each further one twice the last, up to
a tenth: a process holds back hardly more than it has used, and a busy one writes once in many requests.

When the table does not answer in time everybody passes: who limits requests must not be what stops them
(docs/decisions/rate-limits.md).
"""

import hashlib
import threading
import time
from collections.abc import Callable
from ipaddress import IPv6Address, ip_address
from typing import Any, NamedTuple

from . import log
from .aws import AwsError, AwsJson
from .domain.errors import TooManyRequests

REMEMBERED = 10_000
"""Leases that a process keeps in mind."""

SILENCE_SECONDS = 10
"""How long a process asks no more after the table did not answer."""

KEPT_SECONDS = 3600
"""How long after its window an item is removed; any time will do."""


class Quota(NamedTuple):
    """At most ``most`` requests in ``seconds``, for each of what ``name`` says. 0: as many as one likes."""

    name: str
    most: int
    seconds: int = 60


class Exhausted(NamedTuple):
    """A quota that is used up, and the seconds until its window ends."""

    quota: Quota
    wait: int

    def __str__(self) -> str:
        """As the authorizer passes it to the route."""
        return f"{self.quota.name};{self.quota.most};{self.quota.seconds};{self.wait}"

    @classmethod
    def parse(cls, text: str) -> "Exhausted":
        """From what ``str`` gave."""
        name, most, seconds, wait = text.split(";")
        return cls(Quota(name, int(most), int(seconds)), int(wait))

    def refusal(self) -> TooManyRequests:
        """The 429, with the fields that clients wait by (draft-ietf-httpapi-ratelimit-headers)."""
        name, most, seconds = self.quota
        error = TooManyRequests(
            f"more than {most} requests in {seconds} seconds by this {name}; wait {self.wait} seconds",
            retry_after=self.wait,
        )
        error.headers = {
            **error.headers,
            "ratelimit-policy": f'"{name}";q={most};w={seconds}',
            "ratelimit": f'"{name}";r=0;t={self.wait}',
        }
        return error


class _Lease:
    """What one process may still let pass in one window."""

    __slots__ = ("exhausted", "left", "part", "window")

    def __init__(self, window: int, part: int) -> None:
        self.window = window
        self.part = part
        self.left = 0
        self.exhausted = False


class Limits:
    """The quotas of one process. Safe for threads."""

    def __init__(self, aws: AwsJson, table: str, *, clock: Callable[[], float] = time.time) -> None:
        self._aws = aws
        self._table = table
        self._clock = clock
        self._lock = threading.Lock()
        self._leases: dict[tuple[str, str], _Lease] = {}
        self._silent_until = 0.0

    def take(self, quota: Quota, key: str) -> Exhausted | None:
        """Counts one request of ``key``; None when it may pass."""
        now = self._clock()
        if not quota.most or now < self._silent_until:
            return None
        window, wait = int(now // quota.seconds), max(1, quota.seconds - int(now % quota.seconds))
        with self._lock:
            lease = self._lease(quota, key, window)
            if lease.left:
                lease.left -= 1
                return None
            if lease.exhausted:
                return Exhausted(quota, wait)
            part = lease.part
            lease.part = min(2 * part, max(1, quota.most // 10))
        drawn = self._draw(quota, key, window, part)
        if drawn is None:
            self._silent_until = now + SILENCE_SECONDS
            return None
        with self._lock:
            lease.left += drawn
            lease.exhausted = lease.exhausted or drawn < part
            if not lease.left:
                return Exhausted(quota, wait)
            lease.left -= 1
        return None

    def _lease(self, quota: Quota, key: str, window: int) -> _Lease:
        place = (quota.name, key)
        lease = self._leases.get(place)
        if lease is None or lease.window != window:
            if len(self._leases) >= REMEMBERED:
                self._leases.clear()  # what is forgotten counts as used
            lease = self._leases[place] = _Lease(window, max(1, quota.most // 50))
        return lease

    def _draw(self, quota: Quota, key: str, window: int, part: int) -> int | None:
        """How many of ``part`` numbers drawn are within the quota; None when the table does not answer."""
        ends = (window + 1) * quota.seconds
        request: dict[str, Any] = {
            "TableName": self._table,
            "Key": {"pk": {"S": f"{quota.name}#{_disguised(key)}#{window}"}},
            "UpdateExpression": "ADD taken :part SET expires = :expires",
            "ExpressionAttributeValues": {
                ":part": {"N": str(part)},
                ":expires": {"N": str(ends + KEPT_SECONDS)},
            },
            "ReturnValues": "UPDATED_NEW",
        }
        try:
            answer = self._aws.call("dynamodb", "UpdateItem", request)
        except AwsError as error:
            log.add(limits_unavailable=1)
            log.write(limits=error.code, asked_again_in=SILENCE_SECONDS)
            return None
        taken = int(answer["Attributes"]["taken"]["N"])
        return max(0, min(part, quota.most - (taken - part)))


def _disguised(key: str) -> str:
    """An address or an account as the table knows it: nobody reads off who asked when."""
    return hashlib.blake2b(key.encode(), digest_size=12).hexdigest()


def client_of(source: str) -> str:
    """The client behind an address: IPv6 gives one of them a /64, from which it may use any address."""
    try:
        address = ip_address(source)
    except ValueError:
        return source
    if not isinstance(address, IPv6Address):
        return source
    return str(address.ipv4_mapped or IPv6Address(int(address) >> 64 << 64))


class Door:
    """Who is counted how: people by their address and their account, registered systems by their account alone.

    A system stands behind one address with all it carries; its own quota is the larger.
    """

    def __init__(self, limits: Limits, *, source: int, account: int, system: int) -> None:
        self._limits = limits
        self._source = Quota("source", source)
        self._account = Quota("account", account)
        self._system = Quota("system", system)

    def public(self, source: str) -> Exhausted | None:
        """A request to a route that takes anybody, or with a token that does not hold."""
        return self._limits.take(self._source, client_of(source)) if source else None

    def caller(self, source: str, subject: str, role: str) -> Exhausted | None:
        """A request with a good token."""
        if role == "system":
            return self._limits.take(self._system, subject)
        return self.public(source) or self._limits.take(self._account, subject)
