"""The audit trail: one record for every state change and every access to personal data, in chains of blocks.

A record names what happened and who caused it, and holds a digest of the event instead of its content: the trail has no
personal data, and whoever has the event can prove that it is the one. Records are appended in blocks; each block holds
the hash of the block before, so that nothing can be changed, taken out, put in or moved without breaking what follows.
A chain is one shard of one day; the first block of a day holds the hash of that shard's last block of a day before.
Anchors sign where the chains stand (``Anchor``), so that nobody who can write the table can make them anew.

Pure. The rules of checking are in ``audit_verification.py``; docs/audit.md says what is guaranteed.
"""

import hashlib
import zlib
from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any

from msgspec import NODEFAULT, Struct, json
from msgspec.structs import fields, replace

from .case_no import SHANGHAI
from .history import Recorded

SHARDS = 8
"""Chains of one system's records. A chain takes one block at a time; more shards let more writers work side by side."""

REWRITTEN = "rewritten"
"""The type of the record that tells of an item whose past was changed, which no function does (``changes.Anomaly``)."""

PRINT = 16
"""Hex digits of a record's own hash that its block keeps beside the chain's: they tell which record was touched."""


class Shown(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What an access to personal data adds to its record: what was done, whose data, which fields, why."""

    action: str
    subject: str
    role: str = ""
    fields: tuple[str, ...] = ()
    reason: str = ""


class Record(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One event of one aggregate. ``id`` is ``<system>/<kind>/<aggregate id>/<version>``, ``at`` when it was recorded.

    ``cause`` names the message or the person's request that led to it, ``by`` the userId of the person where there is
    one. ``digest`` is the SHA-256 (hex) of the event's canonical JSON (``digest``).

    Fields may be added with defaults only: what has its default is not written, so that hashes stay as they were.
    """

    id: str
    at: datetime
    type: str
    cause: str
    digest: str
    by: str = ""
    access: Shown | None = None


class Block(Struct, frozen=True, kw_only=True):
    """Records that were appended together. ``day`` is the day of appending in Beijing time, ``seq`` counts from 0 in a
    chain, ``previous`` is the hash of the block before ("" in the very first), ``prints`` one short hash a record."""

    day: str
    shard: str
    seq: int
    at: datetime
    previous: str
    records: tuple[Record, ...]
    prints: tuple[str, ...] = ()
    hash: str = ""


class Head(Struct, frozen=True, array_like=True):
    """Where a chain stood: its day and shard, and its last block's number and hash."""

    day: str
    shard: str
    seq: int
    hash: str


class Anchor(Struct, frozen=True, kw_only=True, tag="anchor", tag_field="type"):
    """What is signed, hourly: the heads of the chains of today and the day before, or the last known of a shard that has
    been quiet for longer. ``previous`` is the SHA-256 (hex) of the anchor before, "" in the first."""

    at: datetime
    previous: str
    heads: tuple[Head, ...]


def day_of(moment: datetime) -> str:
    """The day whose chains take what is appended at a moment: the offices' day, in Beijing time."""
    return moment.astimezone(SHANGHAI).date().isoformat()


def shard_of(system: str, key: str, *, shards: int = SHARDS) -> str:
    """The shard that all records of one aggregate stand in."""
    return f"{system}-{zlib.crc32(key.encode()) % shards}"


def digest(recorded: Recorded[Any]) -> str:
    """The SHA-256 (hex) of a recorded event as canonical JSON: [at, cause, event], keys sorted, without fields that have
    their default, so that an event keeps its digest when a later release adds a field."""
    content = [recorded.at, recorded.cause, _canonical(recorded.event)]
    return hashlib.sha256(json.encode(content, order="sorted")).hexdigest()


def _canonical(value: Any) -> Any:
    if isinstance(value, Struct):
        tag, shape = _shape(type(value))
        shown = {shown: getattr(value, name) for shown, name, default in shape if getattr(value, name) != default}
        return {**tag, **{name: _canonical(content) for name, content in shown.items()}}
    if isinstance(value, dict):
        return {name: _canonical(content) for name, content in value.items()}
    return [_canonical(one) for one in value] if isinstance(value, (list, tuple)) else value


@cache
def _shape(kind: type[Struct]) -> tuple[dict[str, Any], tuple[tuple[str, str, Any], ...]]:
    """A struct's tag, and its fields: the name in JSON, our name, and the default (a new object where there is none)."""
    config = kind.__struct_config__
    shape = tuple((field.encode_name, field.name, _default(field)) for field in fields(kind))
    return ({config.tag_field: config.tag} if config.tag_field else {}), shape


def _default(field: Any) -> Any:
    if field.default is not NODEFAULT:
        return field.default
    return field.default_factory() if field.default_factory is not NODEFAULT else object()


def record_hash(record: Record) -> bytes:
    """The SHA-256 of a record's JSON."""
    return hashlib.sha256(json.encode(record, order="sorted")).digest()


def block_hash(block: Block) -> str:
    """The hash that a block must have: over its place, its predecessor and every record in order."""
    place = [block.day, block.shard, block.seq, block.at, block.previous, len(block.records)]
    return hashlib.sha256(json.encode(place) + b"".join(map(record_hash, block.records))).hexdigest()


def print_of(record: Record) -> str:
    """A record's short hash."""
    return record_hash(record).hex()[:PRINT]


def sealed(*, day: str, shard: str, seq: int, at: datetime, previous: str, records: Sequence[Record]) -> Block:
    """A new block of a chain."""
    unsealed = Block(day=day, shard=shard, seq=seq, at=at, previous=previous, records=tuple(records))
    return replace(unsealed, prints=tuple(map(print_of, records)), hash=block_hash(unsealed))


def kind_of(identity: str) -> str:
    """The kind of aggregate that a record's id names."""
    return identity.split("/", 2)[1]


def version_of(identity: str) -> tuple[str, int | None]:
    """The aggregate that a record's id names (``<system>/<kind>/<id>``) and the event's number; None for what is no event
    of a history (an anomaly has a word behind its number)."""
    stem, _, number = identity.rpartition("/")
    return stem, int(number) if number.isdecimal() else None
