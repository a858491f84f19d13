"""Aggregates in DynamoDB: one item each, one conditional write a step.

The item holds the history (``body``, see ``body.py``), its length (``version``),
and what the indexes need. ``round`` is the last round of asking (``domain/patience.py``) in which the aggregate said
everything again. Building the requests is pure; ``Store`` only sends them.
"""

import base64
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from math import ceil
from typing import Any, NamedTuple

from msgspec import DecodeError, json

from . import log
from .aggregates import KINDS, Index, Key, Kind, cases_of, encode
from .aws import AwsError, AwsJson
from .body import pack, unpack
from .domain.errors import Invalid, Violation
from .domain.history import Recorded, fold
from .domain.patience import Patience, moment_of

SHARDS = 8
"""The ``wake`` index is spread over this many keys: one takes 1,000 writes a second."""

LONGEST_KEY = 2048
"""Bytes of a partition key. Nothing has a longer one, and DynamoDB refuses even to look."""

EVER = datetime.fromtimestamp(0, UTC)
FAR = 10**14
"""Milliseconds, some thousands of years ahead."""

Attributes = Mapping[str, Mapping[str, Any]]


class Stored(NamedTuple):
    """An aggregate as the store holds it; ``history`` is empty for one that does not exist.

    ``dropped`` counts the oldest events that are kept no longer: of a document only the newest stays (``Kind.keep``).
    """

    key: Key
    history: tuple[Recorded[Any], ...] = ()
    round: int = 0
    dropped: int = 0

    @property
    def version(self) -> int:
        """The number of recorded events, with those that are kept no longer."""
        return self.dropped + len(self.history)

    @property
    def state(self) -> Any:
        """The folded state; None for an aggregate that does not exist."""
        return fold(KINDS[self.key.kind].evolve, self.history)


class OnDesk(NamedTuple):
    """An open matter as the index of its desk has it, in the struct of its kind, and the cursor of a page that ends with it."""

    key: Key
    entry: Any
    cursor: str
    due_at: datetime


class Due(NamedTuple):
    """An aggregate whose time has come, and since when it waits."""

    key: Key
    since: datetime


class Conflict(Exception):
    """Somebody else wrote first, or an earlier try of ours did: load again and decide again."""


def shard_of(key: Key) -> str:
    """The ``wake`` index key of an aggregate: a shard of its kind's queue."""
    return KINDS[key.kind].queue + str(zlib.crc32(str(key).encode()) % SHARDS)


def shown(stored: Stored, patience: Patience) -> Index:
    """What an aggregate shows to the indexes."""
    return KINDS[stored.key.kind].shown(stored.state, patience, moment_of(stored.round))


def build_put(table: str, *, before: Stored, after: Stored, patience: Patience) -> dict[str, Any]:
    """The PutItem request that takes an aggregate from ``before`` to ``after``, on the condition that it is ``before``."""
    kind, index = KINDS[after.key.kind], shown(after, patience)
    item: dict[str, Any] = {
        "pk": {"S": str(after.key)},
        "version": {"N": str(after.version)},
        "body": {"B": base64.b64encode(pack(encode(after.history))).decode()},
    }
    if after.round:
        item["round"] = {"N": str(after.round)}
    if index.wake_at is not None:
        item["wake"] = {"S": shard_of(after.key)}
        item["wake_at"] = {"N": str(ceil(index.wake_at.timestamp()))}
    if index.holder is not None:
        item["holder"] = {"S": f"{kind.name}/{index.holder}"}
        item["held_since"] = {"N": str(_milliseconds(index.held_since or after.history[0].at))}
    if index.desk is not None:
        item["desk"] = {"S": index.desk.desk}
        item["due_at"] = {"N": str(_milliseconds(index.desk.due_at))}
        item["shown"] = {"S": json.encode(index.desk.entry).decode()}
    if index.pending:
        item["pending"] = {"N": "1"}
    if index.expires_at is not None:
        item["expires_at"] = {"N": str(ceil(index.expires_at.timestamp()))}
    request: dict[str, Any] = {"TableName": table, "Item": item, "ReturnConsumedCapacity": "TOTAL"}
    if before.history:
        request["ConditionExpression"] = "version = :version"
        request["ExpressionAttributeValues"] = {":version": {"N": str(before.version)}}
    else:
        request["ConditionExpression"] = "attribute_not_exists(pk)"
    return request


def read_item(item: Attributes) -> Stored:
    """An aggregate from its DynamoDB attributes, as the API and as stream images give them."""
    key = Key.parse(item["pk"]["S"])
    history = tuple(KINDS[key.kind].decode(unpack(base64.b64decode(item["body"]["B"]))))
    return Stored(
        key=key,
        history=history,
        round=int(item.get("round", {}).get("N", 0)),
        dropped=int(item["version"]["N"]) - len(history),
    )


class Store:
    """The aggregates of one system's table. What DynamoDB says a write costs goes into the log line."""

    def __init__(self, aws: AwsJson, table: str, *, patience: Patience, writers: int = 8) -> None:
        self._aws = aws
        self._table = table
        self._patience = patience
        self._pool = ThreadPoolExecutor(writers, thread_name_prefix="store")

    def load(self, keys: Iterable[Key]) -> dict[Key, Stored]:
        """The aggregates with these keys, read consistently; those that do not exist come with an empty history."""
        wanted = dict.fromkeys(keys)
        found = {key: Stored(key) for key in wanted}
        names = [{"pk": {"S": str(key)}} for key in wanted if len(str(key).encode()) <= LONGEST_KEY]
        for start in range(0, len(names), 100):
            for item in self._get(names[start : start + 100]):
                stored = read_item(item)
                found[stored.key] = stored
        log.about(cases_of(key for key, stored in found.items() if stored.history))
        return found

    def _get(self, names: list[Any]) -> Iterable[Attributes]:
        while names:
            request = {"RequestItems": {self._table: {"Keys": names, "ConsistentRead": True}}}
            answer = self._aws.call("dynamodb", "BatchGetItem", request)
            yield from answer["Responses"].get(self._table, ())
            names = answer.get("UnprocessedKeys", {}).get(self._table, {}).get("Keys", [])

    def save(self, changes: Sequence[tuple[Stored, Stored]]) -> list[Exception | None]:
        """Writes each (before, after) on its own; the answer has None, Conflict or AwsError in the same order."""
        results = (
            [self._put(change) for change in changes] if len(changes) < 2 else list(self._pool.map(self._put, changes))
        )
        units = [result for result in results if isinstance(result, float)]
        log.add(writes=len(units), write_units=sum(units))
        log.about(cases_of(after.key for _, after in changes))
        return [result if isinstance(result, Exception) else None for result in results]

    def _put(self, change: tuple[Stored, Stored]) -> float | Exception:
        """One write: the write units it cost, or why it does not hold."""
        before, after = change
        request = build_put(self._table, before=before, after=after, patience=self._patience)
        try:
            answer = self._aws.call("dynamodb", "PutItem", request)
        except AwsError as error:
            return Conflict(str(after.key)) if error.code == "ConditionalCheckFailedException" else error
        return float(answer.get("ConsumedCapacity", {}).get("CapacityUnits", 0.0))

    def is_due(self, stored: Stored, now: datetime) -> bool:
        """Whether an aggregate, as it is now, waits to be woken: an index may still show what has passed."""
        wake_at = shown(stored, self._patience).wake_at
        return wake_at is not None and wake_at <= now

    def due(self, now: datetime, *, limit: int, queue: str = "") -> list[Key]:
        """The keys of a queue (``Kind.queue``) whose time has come, the longest waiting of each shard first."""
        found: list[Key] = []
        values = {":at": {"N": str(int(now.timestamp()))}}
        for shard in range(SHARDS):
            page, _ = self._query(
                "wake",
                "wake = :key AND wake_at <= :at",
                {**values, ":key": {"S": f"{queue}{shard}"}},
                limit=-(-limit // SHARDS),
            )
            found += page
        return found[:limit]

    def waiting(self, now: datetime, *, page: int, queue: str = "") -> Iterator[list[Due]]:
        """Everything of a queue whose time has come, in pages: of each shard the longest waiting first, no place twice. What
        cannot be done stays where it is and keeps nothing behind it from its turn.
        """
        values = {":at": {"N": str(int(now.timestamp()))}}
        cursors: dict[str, str | None] = {f"{queue}{shard}": None for shard in range(SHARDS)}
        while cursors:
            found: list[Due] = []
            for shard, cursor in list(cursors.items()):
                items, following = self._page(
                    "wake",
                    "wake = :key AND wake_at <= :at",
                    {**values, ":key": {"S": shard}},
                    limit=-(-page // SHARDS),
                    cursor=cursor,
                    newest_first=False,
                )
                found += [
                    Due(Key.parse(one["pk"]["S"]), datetime.fromtimestamp(int(one["wake_at"]["N"]), UTC))
                    for one in items
                ]
                cursors[shard] = following
            cursors = {shard: cursor for shard, cursor in cursors.items() if cursor is not None}
            if found:
                yield found

    def queued(
        self, shard: int, *, limit: int, cursor: str | None = None, queue: str = ""
    ) -> tuple[list[Key], str | None]:
        """What waits in one shard of a queue, for whenever: a page, and a cursor for the next if there is one.

        Raises Invalid for a cursor that this method did not make.
        """
        values = {":key": {"S": f"{queue}{shard}"}}
        return self._query("wake", "wake = :key", values, limit=limit, cursor=cursor)

    def held_by(
        self,
        kind: Kind,
        holder: str,
        *,
        limit: int,
        cursor: str | None = None,
        since: datetime = EVER,
        until: datetime | None = None,
        newest_first: bool = False,
    ) -> tuple[list[Key], str | None]:
        """The aggregates of a kind in one holder's hands, oldest first unless told otherwise, and a cursor for the next
        page if there is one. A cursor names the last key of its page.

        ``since`` and ``until`` (not included) bound when they began. Raises Invalid for a cursor that this method did
        not make.
        """
        values = {":key": {"S": f"{kind.name}/{holder}"}}
        if len(values[":key"]["S"].encode()) > LONGEST_KEY:
            return [], None
        condition = "holder = :key"
        if since > EVER or until is not None:
            condition += " AND held_since BETWEEN :since AND :until"
            last = _milliseconds(until) - 1 if until is not None else FAR
            values |= {":since": {"N": str(_milliseconds(since))}, ":until": {"N": str(last)}}
            if last < _milliseconds(since):
                return [], None  # DynamoDB refuses a range that ends before it begins
        return self._query("holder", condition, values, limit=limit, cursor=cursor, newest_first=newest_first)

    def on_desk(
        self,
        desk: str,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        until: datetime | None = None,
        latest_first: bool = False,
    ) -> tuple[list[OnDesk], str | None]:
        """What is open on a desk, soonest due first unless told otherwise, due before ``until``: one query, which
        reads ``limit`` of them, or as many as DynamoDB gives at once (1 MB, some thousands), and a cursor if there are more.

        Raises Invalid for a cursor that this method did not make.
        """
        values = {":key": {"S": desk}}
        if not desk or len(desk.encode()) > LONGEST_KEY:
            return [], None
        condition = "desk = :key"
        if until is not None:
            condition += " AND due_at BETWEEN :since AND :until"
            values |= {":since": {"N": "0"}, ":until": {"N": str(max(0, _milliseconds(until) - 1))}}
        items, following = self._page("desk", condition, values, limit=limit, cursor=cursor, newest_first=latest_first)
        return [_on_desk(item) for item in items], following

    def _query(
        self,
        index: str,
        condition: str,
        values: dict[str, Any],
        *,
        limit: int,
        cursor: str | None = None,
        newest_first: bool = False,
    ) -> tuple[list[Key], str | None]:
        items, following = self._page(index, condition, values, limit=limit, cursor=cursor, newest_first=newest_first)
        return [Key.parse(item["pk"]["S"]) for item in items], following

    def _page(
        self,
        index: str,
        condition: str,
        values: dict[str, Any],
        *,
        limit: int | None,
        cursor: str | None,
        newest_first: bool,
    ) -> tuple[list[Attributes], str | None]:
        request: dict[str, Any] = {
            "TableName": self._table,
            "IndexName": index,
            "KeyConditionExpression": condition,
            "ExpressionAttributeValues": values,
        }
        if limit is not None:
            request["Limit"] = limit
        if newest_first:
            request["ScanIndexForward"] = False
        if cursor:
            request["ExclusiveStartKey"] = _open_cursor(cursor, index, values[":key"])
        try:
            answer = self._aws.call("dynamodb", "Query", request)
        except AwsError as error:
            if cursor and error.code == "ValidationException":
                raise _not_a_cursor() from error
            raise
        last = answer.get("LastEvaluatedKey")
        return answer["Items"], _cursor(last) if last else None


def _on_desk(item: Attributes) -> OnDesk:
    key = Key.parse(item["pk"]["S"])
    entry = json.decode(item["shown"]["S"], type=KINDS[key.kind].entry)
    due_at = datetime.fromtimestamp(int(item["due_at"]["N"]) / 1000, UTC)
    return OnDesk(key, entry, _cursor({name: item[name] for name in ("pk", "desk", "due_at")}), due_at)


def _milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


def _cursor(key: Attributes) -> str:
    return base64.urlsafe_b64encode(json.encode(key)).decode()


_ORDER = {"holder": "held_since", "desk": "due_at", "wake": "wake_at"}
"""The sort key of each index that is paged."""


def _open_cursor(cursor: str, index: str, whose: Mapping[str, str]) -> Mapping[str, Mapping[str, str]]:
    """The key that a cursor names. Raises Invalid for one that is not of this index and this holder's page."""
    try:
        key = json.decode(base64.urlsafe_b64decode(cursor), type=dict[str, dict[str, str]])
    except (ValueError, DecodeError) as error:
        raise _not_a_cursor() from error
    if key.keys() == {"pk", index, _ORDER[index]} and key[index] == whose and key["pk"].keys() == {"S"}:
        place = key[_ORDER[index]].get("N", "") if len(key[_ORDER[index]]) == 1 else ""
        if place.isascii() and place.isdecimal() and len(place) < len(str(FAR)):
            return key
    raise _not_a_cursor()


def _not_a_cursor() -> Invalid:
    return Invalid("not a cursor", violations=(Violation("cursor", "use the cursor of the page before, unchanged"),))
