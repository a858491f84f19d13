"""The audit trail as evidence: read from its table or from a file, written to a file, and compared with the systems' tables.

It reads tables from outside, as an operator's tool may and no function does.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from liangwang.aggregates import ACCESS, KINDS, Key
from liangwang.audit_anchors import ALL_SHARDS
from liangwang.audit_chain import ANCHOR, Chains, read_block
from liangwang.aws import AwsJson
from liangwang.domain.application import Redacted
from liangwang.domain.audit import Block, Record, digest, version_of
from liangwang.domain.audit_verification import Finding
from liangwang.domain.case_no import SHANGHAI
from liangwang.store import Store, Stored
from msgspec import DecodeError, Struct, json

DOCUMENTS = frozenset(kind.name for kind in KINDS.values() if kind.keep)
ALL_DAYS = ("", "9999-12-31")
ON_ITS_WAY = timedelta(minutes=10)
"""How long an event may be in a table without a record: the stream is behind."""

_AT_ONCE = 100


class Evidence(Struct, frozen=True, kw_only=True):
    """What checking looks at: blocks and signed anchors of some days (the first and the last)."""

    days: tuple[str, str]
    blocks: tuple[Block, ...]
    anchors: tuple[str, ...]

    @property
    def records(self) -> Iterator[Record]:
        """All records, as they stand."""
        return (record for block in self.blocks for record in block.records)


def read_table(aws: AwsJson, table: str, *, day: str = "") -> Evidence:
    """A day of the trail with the anchors until the end of the next day, or (scanning the table) all of it."""
    if not day:
        items = list(_scan(aws, table))
        anchors = sorted((item for item in items if item["pk"]["S"] == ANCHOR), key=lambda one: int(one["seq"]["N"]))
        blocks = tuple(read_block(item) for item in items if item["pk"]["S"] != ANCHOR)
        return Evidence(days=ALL_DAYS, blocks=blocks, anchors=tuple(one["token"]["S"] for one in anchors))
    chains = Chains(aws, table)
    begins = datetime.combine(date.fromisoformat(day), datetime.min.time(), SHANGHAI)
    return Evidence(
        days=(day, day),
        blocks=tuple(block for shard in ALL_SHARDS for block in chains.blocks(day, shard)),
        anchors=tuple(chains.anchors(since=begins, until=begins + timedelta(days=2))),
    )


def _scan(aws: AwsJson, table: str) -> Iterator[dict[str, Any]]:
    request: dict[str, Any] = {"TableName": table, "ConsistentRead": True}
    while True:
        answer = aws.call("dynamodb", "Scan", request)
        yield from answer["Items"]
        if "LastEvaluatedKey" not in answer:
            return
        request["ExclusiveStartKey"] = answer["LastEvaluatedKey"]


# ------------------------------------------------------------------ files


class _Line(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One line of an export: the days it covers, a block, or a signed anchor."""

    days: tuple[str, str] | None = None
    block: Block | None = None
    anchor: str = ""


class Unreadable(Exception):
    """A line of a file is not what an export has."""


def lines(evidence: Evidence) -> Iterator[str]:
    """An export, a JSON document a line: the days first, then blocks in order, then anchors."""
    yield json.encode(_Line(days=evidence.days)).decode()
    for block in sorted(evidence.blocks, key=lambda one: (one.day, one.shard, one.seq)):
        yield json.encode(_Line(block=block)).decode()
    for anchor in evidence.anchors:
        yield json.encode(_Line(anchor=anchor)).decode()


def read_file(path: Path) -> Evidence:
    """An export. Raises Unreadable naming the line."""
    days, blocks, anchors = ALL_DAYS, [], []
    for number, text in enumerate(path.read_text("utf-8").splitlines(), start=1):
        try:
            line = json.decode(text, type=_Line)
        except DecodeError as error:
            raise Unreadable(f"{path} line {number} is no line of an export: {error}") from error
        days = line.days or days
        blocks += [line.block] if line.block else []
        anchors += [line.anchor] if line.anchor else []
    return Evidence(days=days, blocks=tuple(blocks), anchors=tuple(anchors))


def logged_anchors(path: Path) -> list[str]:
    """The anchors among log lines (``{"function":"audit","anchor":…}``): the copy that is out of the table's reach."""
    found = []
    for text in path.read_text("utf-8").splitlines():
        if '"anchor"' in text:
            try:
                line = json.decode(text[text.index("{") :])
            except (DecodeError, ValueError):
                continue
            if isinstance(line, dict) and isinstance(line.get("anchor"), str):
                found.append(line["anchor"])
    return found


# ------------------------------------------------------------------ against the tables


class Compared(Struct, frozen=True, kw_only=True):
    """What comparing with the tables came to. ``redacted`` are items whose content was forgotten as the law wants it."""

    findings: tuple[Finding, ...]
    items: int
    redacted: int


def compare(evidence: Evidence, stores: Mapping[str, Store], *, now: datetime | None = None) -> Compared:
    """Whether the systems' tables hold the events whose digests were recorded, and no others."""
    now = now or datetime.now(UTC)
    known = _by_item(evidence.records)
    findings: list[Finding] = []
    redacted = items = 0
    for system, store in stores.items():
        here = {key: records for (owner, key), records in known.items() if owner == system}
        keys = list(here)
        for start in range(0, len(keys), _AT_ONCE):
            for key, stored in store.load(keys[start : start + _AT_ONCE]).items():
                items += 1
                redacted += _is_redacted(stored)
                findings += _of_item(f"{system}/{key.kind}/{key.id}", stored, here[key], now)
    return Compared(findings=tuple(findings), items=items, redacted=redacted)


def _by_item(records: Iterable[Record]) -> dict[tuple[str, Key], dict[int, Record]]:
    """The records of each item by their version (0: its removal), the first where there are several."""
    found: dict[tuple[str, Key], dict[int, Record]] = {}
    for record in records:
        stem, version = version_of(record.id)
        if version is None:
            if record.type != "removed":
                continue
            stem, version = record.id.rsplit("/", 3)[0], 0
        system, kind, identity = stem.split("/", 2)
        found.setdefault((system, Key(kind, identity)), {}).setdefault(version, record)
    return found


def _is_redacted(stored: Stored) -> bool:
    return any(isinstance(recorded.event, Redacted) for recorded in stored.history)


def _of_item(name: str, stored: Stored, records: Mapping[int, Record], now: datetime) -> Iterator[Finding]:
    if not stored.history:
        if 0 not in records and stored.key.kind != ACCESS.name:  # these go by themselves
            yield Finding(name, "is gone from the table, and no record tells of its removal")
        return
    if not _is_redacted(stored):
        yield from _of_events(name, stored, records)
    versions = [version for version in records if version]
    if versions and max(versions) > stored.version:
        yield Finding(f"{name}/{max(versions)}", "was recorded and is not in the table: its history was cut")
    first = min(versions, default=stored.version + 1)
    for version, recorded in enumerate(stored.history, start=stored.dropped + 1):
        if version > first and version not in records and recorded.at < now - ON_ITS_WAY:
            yield Finding(f"{name}/{version}", "is in the table and has no record: the trail misses it")


def _of_events(name: str, stored: Stored, records: Mapping[int, Record]) -> Iterator[Finding]:
    for version, recorded in enumerate(stored.history, start=stored.dropped + 1):
        record = records.get(version)
        if record is not None and digest(recorded) != record.digest:
            yield Finding(f"{name}/{version}", "is not what was recorded: the event was changed in the table")
