"""The audit trail's blocks and anchors in DynamoDB: one item each, written once, on the condition that it is not there.

A block's partition key is ``<day>/<shard>``, its sort key the block's number; anchors stand under ``anchor`` by theirs. A
writer remembers where each chain stands, so that appending is one write; who was overtaken reads what came
meanwhile and tries again. What a writer has appended before, or finds in the blocks that it reads, it leaves out.
"""

import base64
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import takewhile
from typing import Any, NamedTuple

from msgspec import DecodeError, json

from . import log
from .aws import AwsError, AwsJson
from .body import pack, unpack
from .domain.audit import PRINT, Anchor, Block, Head, Record, day_of, sealed

ANCHOR = "anchor"
MOST_RECORDS = 500
"""Records of one block."""

LARGEST = 300_000
"""Bytes of a block's packed records: an item takes 400 KB."""

LOOK_BACK = 20
"""Blocks of a chain whose records a writer that begins knows again."""

REMEMBERED = 2_000
"""Records of a chain that a writer knows again: several batches, in half a megabyte a chain."""

TRIES = 20


BEGINNING = datetime.fromtimestamp(0, UTC)
END = datetime(9999, 12, 31, tzinfo=UTC)


class Signed(NamedTuple):
    """A signed anchor as it is kept: its number, itself, and what it says."""

    number: int
    token: str
    anchor: Anchor


class Overtaken(Exception):
    """Others appended first, time and again; the stream has to bring the records once more."""


class _Tail:
    """Where a chain stands as far as this writer knows, and which records it knows again."""

    def __init__(self, head: Head | None) -> None:
        self.head = head
        self._recent: OrderedDict[tuple[str, str], None] = OrderedDict()

    def fresh(self, records: Sequence[Record]) -> list[Record]:
        """Those that are not known yet, each once. An event with another digest is news."""
        found = {(one.id, one.digest): one for one in records if (one.id, one.digest) not in self._recent}
        return list(found.values())

    def take(self, block: Block) -> None:
        """This block is there."""
        if self.head is None or (block.day, block.seq) > (self.head.day, self.head.seq):
            self.head = Head(block.day, block.shard, block.seq, block.hash)
        for record in block.records:
            self._recent[record.id, record.digest] = None
        while len(self._recent) > REMEMBERED:
            self._recent.popitem(last=False)


class Chains:
    """The chains of one audit table."""

    def __init__(self, aws: AwsJson, table: str) -> None:
        self._aws = aws
        self._table = table
        self._tails: dict[str, _Tail] = {}

    # -------------------------------------------------------------- writing

    def append(self, shard: str, records: Sequence[Record], now: datetime) -> int:
        """Appends the records that are not there yet; answers how many. Raises AwsError or Overtaken: append again."""
        return sum(
            self._append(shard, records[start : start + MOST_RECORDS], now)
            for start in range(0, len(records), MOST_RECORDS)
        )

    def _append(self, shard: str, records: Sequence[Record], now: datetime) -> int:
        for _ in range(TRIES):
            tail = self._tail(shard, day_of(now))
            fresh = tail.fresh(records)
            if not fresh:
                return 0
            packed = pack(json.encode(fresh))
            if len(packed) > LARGEST and len(fresh) > 1:
                half = len(fresh) // 2
                return self._append(shard, fresh[:half], now) + self._append(shard, fresh[half:], now)
            block = _following(tail.head, shard, fresh, now)
            if self._put(_item(block, packed)):
                tail.take(block)
                return len(fresh)
            self._catch_up(tail, block.day, shard, after=block.seq - 1)
        raise Overtaken(f"{shard} was written by others {TRIES} times in a row")

    def _tail(self, shard: str, day: str) -> _Tail:
        """Where the chain stands. Before the first block of a day, what others appended to the last one is read."""
        tail = self._tails.get(shard)
        if tail is None:
            tail = self._tails[shard] = self._begin(shard, day)
        elif tail.head is not None and tail.head.day < day:
            self._catch_up(tail, tail.head.day, shard, after=tail.head.seq)
            self._catch_up(tail, day, shard, after=-1)
        return tail

    def _begin(self, shard: str, day: str) -> _Tail:
        """What is there from today, yesterday, or else from where the newest anchor saw it last."""
        yesterday = (date.fromisoformat(day) - timedelta(days=1)).isoformat()
        blocks: list[Block] = []
        for one in (day, yesterday):
            blocks += self._newest_blocks(one, shard, LOOK_BACK - len(blocks)) if len(blocks) < LOOK_BACK else ()
        tail = _Tail(None)
        for block in reversed(blocks):
            tail.take(block)
        if tail.head is None and (newest := self.newest_anchor()) is not None:
            tail.head = max((head for head in newest.anchor.heads if head.shard == shard), key=_age, default=None)
        return tail

    def _catch_up(self, tail: _Tail, day: str, shard: str, *, after: int) -> None:
        for block in self.blocks(day, shard, after=after):
            tail.take(block)

    def add_anchor(self, number: int, token: str) -> bool:
        """Keeps a signed anchor under its number; False when there is one already."""
        return self._put({"pk": {"S": ANCHOR}, "seq": {"N": str(number)}, "token": {"S": token}})

    def _put(self, item: dict[str, Any]) -> bool:
        request = {
            "TableName": self._table,
            "Item": item,
            "ConditionExpression": "attribute_not_exists(pk)",
            "ReturnConsumedCapacity": "TOTAL",
        }
        try:
            answer = self._aws.call("dynamodb", "PutItem", request)
        except AwsError as error:
            if error.code != "ConditionalCheckFailedException":
                raise
            return False
        log.add(writes=1, write_units=float(answer.get("ConsumedCapacity", {}).get("CapacityUnits", 0.0)))
        return True

    # -------------------------------------------------------------- reading

    def blocks(self, day: str, shard: str, *, after: int = -1) -> Iterator[Block]:
        """The blocks of a chain behind a number, in order."""
        return (read_block(item) for item in self._query(f"{day}/{shard}", after + 1))

    def head(self, day: str, shard: str) -> Head | None:
        """Where a chain stands; None for one without a block."""
        newest = self._newest_blocks(day, shard, 1)
        return Head(day, shard, newest[0].seq, newest[0].hash) if newest else None

    def newest_anchor(self) -> Signed | None:
        """The anchor that was signed last (its signature is not looked at)."""
        items = self._page(ANCHOR, limit=1)
        return _signed(items[0]) if items else None

    def anchors(self, *, since: datetime = BEGINNING, until: datetime = END) -> list[str]:
        """The signed anchors of a time, in order, with those that cannot be read. From the newest back: old ones
        cost a page for each 300."""
        newest_first = map(_signed, self._query(ANCHOR, 0, forward=False))
        recent = takewhile(lambda one: one.anchor.at >= since or one.anchor.at == BEGINNING, newest_first)
        found = [one for one in recent if one.anchor.at < until]
        return [one.token for one in reversed(found)]

    def _newest_blocks(self, day: str, shard: str, limit: int) -> list[Block]:
        return [read_block(item) for item in self._page(f"{day}/{shard}", limit=limit)]

    def _page(self, key: str, *, limit: int) -> list[Mapping[str, Any]]:
        """The newest items under a key, the newest first."""
        request = {**self._request(key, 0), "ScanIndexForward": False, "Limit": limit}
        items: list[Mapping[str, Any]] = self._aws.call("dynamodb", "Query", request)["Items"]
        return items

    def _query(self, key: str, first: int, *, forward: bool = True) -> Iterator[Mapping[str, Any]]:
        request = {**self._request(key, first), "ScanIndexForward": forward}
        while True:
            answer = self._aws.call("dynamodb", "Query", request)
            yield from answer["Items"]
            if "LastEvaluatedKey" not in answer:
                return
            request["ExclusiveStartKey"] = answer["LastEvaluatedKey"]

    def _request(self, key: str, first: int) -> dict[str, Any]:
        return {
            "TableName": self._table,
            "KeyConditionExpression": "pk = :pk AND seq >= :first",
            "ExpressionAttributeValues": {":pk": {"S": key}, ":first": {"N": str(first)}},
            "ConsistentRead": True,
        }


def _age(head: Head) -> tuple[str, int]:
    return head.day, head.seq


def _following(head: Head | None, shard: str, records: Sequence[Record], now: datetime) -> Block:
    """The block that follows a head: the next of its day, or the first of a new day. A clock that is behind goes on in
    the day that has begun."""
    day = max(day_of(now), head.day) if head else day_of(now)
    seq = head.seq + 1 if head and head.day == day else 0
    return sealed(day=day, shard=shard, seq=seq, at=now, previous=head.hash if head else "", records=records)


def _item(block: Block, packed: bytes) -> dict[str, Any]:
    return {
        "pk": {"S": f"{block.day}/{block.shard}"},
        "seq": {"N": str(block.seq)},
        "at": {"S": block.at.isoformat()},
        "previous": {"S": block.previous},
        "hash": {"S": block.hash},
        "prints": {"B": base64.b64encode(bytes.fromhex("".join(block.prints))).decode()},
        "records": {"B": base64.b64encode(packed).decode()},
    }


def read_block(item: Mapping[str, Any]) -> Block:
    """A block from its attributes as DynamoDB gives them. What cannot be read is a block without its records, which
    fails every check; it never raises for what somebody made of the content."""
    day, _, shard = item["pk"]["S"].partition("/")
    try:
        records = json.decode(unpack(base64.b64decode(item["records"]["B"])), type=tuple[Record, ...])
        prints = base64.b64decode(item["prints"]["B"]).hex()
        at = datetime.fromisoformat(item["at"]["S"])
    except Exception:
        records, prints, at = (), "0" * PRINT, BEGINNING
    return Block(
        day=day,
        shard=shard,
        seq=int(item["seq"]["N"]),
        at=at,
        previous=item.get("previous", {}).get("S", ""),
        records=records,
        prints=tuple(prints[start : start + PRINT] for start in range(0, len(prints), PRINT)),
        hash=item.get("hash", {}).get("S", ""),
    )


def _signed(item: Mapping[str, Any]) -> Signed:
    token = item["token"]["S"]
    return Signed(int(item["seq"]["N"]), token, read_anchor(token))


def read_anchor(token: str) -> Anchor:
    """What a signed anchor says, whoever signed it; what cannot be read says nothing of any time."""
    try:
        payload = token.split(".")[1]
        return json.decode(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)), type=Anchor)
    except (ValueError, IndexError, DecodeError):
        return Anchor(at=BEGINNING, previous="", heads=())
