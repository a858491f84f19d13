"""What a table's stream says about its aggregates: each write as the state before, the state after, and the new events.

What a stream record cannot say as a change is an *anomaly*: an item that this release cannot read, one that was removed,
and one whose past is no longer what it was, which no function of ours does.
"""

import base64
import hashlib
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Literal, NamedTuple

from . import log
from .aggregates import KINDS, Key
from .body import unpack
from .domain.history import Recorded
from .domain.retention import is_redaction
from .store import Attributes, Stored, read_item


class Change(NamedTuple):
    """One write of one aggregate. ``new`` are the events that it added: none when only a round of asking is new.

    Of a document (``Kind.keep``) ``before`` and ``after`` have the newest content only.
    """

    before: Stored
    after: Stored
    new: tuple[Recorded[Any], ...]


class News(NamedTuple):
    """What changes say of one kind of aggregates: each one's newest version, and the version after which something is new."""

    newest: dict[Key, Stored]
    since: dict[Key, int]


def news(changes: Iterable[Change], kind: str) -> News:
    """The aggregates of a kind to which something has happened."""
    found = News({}, {})
    for change in changes:
        key, after = change.after.key, change.after
        if key.kind == kind and change.new:
            found.newest[key] = max(found.newest.get(key, after), after, key=lambda stored: stored.version)
            found.since[key] = min(found.since.get(key, after.version), after.version - len(change.new))
    return found


class Anomaly(NamedTuple):
    """What befell an item beside the events of its history.

    ``unreadable``: this release does not understand it; ``removed``: it is gone; ``rewritten``: events that it had are
    different now, other than by redaction. ``version`` is the item's own count of its events, ``digest`` the SHA-256 of its body as it was found.
    """

    key: Key
    version: int
    what: Literal["unreadable", "removed", "rewritten"]
    digest: str
    at: datetime


def changes(event: Mapping[str, Any]) -> list[Change]:
    """The changes of a Lambda event of a table's stream, in order; anomalies are left out."""
    return [one for one in read(event) if isinstance(one, Change)]


def read(event: Mapping[str, Any]) -> list[Change | Anomaly]:
    """Everything that a Lambda event of a table's stream says about aggregates, in order. Never raises for a record.

    Items that hold no aggregate (they have no body) are passed over.
    """
    return [one for record in event.get("Records", ()) for one in _of_record(record["dynamodb"])]


def _of_record(images: Mapping[str, Any]) -> Iterable[Change | Anomaly]:
    old, new = images.get("OldImage"), images.get("NewImage")
    last = new if new is not None else old
    if last is None or "body" not in last or "version" not in last:
        return
    if new is None:
        yield _anomaly(images, last, "removed")
        return
    try:
        change = _change(old, new)
        rewritten = old is not None and _is_rewritten(old, new, change.after)
    except Exception as error:  # whatever is wrong with it, it must not stop those behind it
        log.write(function="changes", passed_over=new["pk"]["S"], reason=repr(error))
        yield _anomaly(images, new, "unreadable")
        return
    if rewritten:
        yield _anomaly(images, new, "rewritten")
    yield change


def _change(old: Attributes | None, new: Attributes) -> Change:
    after = read_item(new)
    if old is None:
        return Change(Stored(after.key), after, after.history)
    version, round = int(old["version"]["N"]), int(old.get("round", {}).get("N", 0))
    is_document = KINDS[after.key.kind].keep > 0
    before = read_item(old) if is_document else Stored(after.key, after.history[:version], round)
    return Change(before, after, after.history[max(0, version - after.dropped) :])


def _is_rewritten(old: Attributes, new: Attributes, after: Stored) -> bool:
    """Whether events that the item had are not there as they were. Bodies are compared first: nearly all differ at the
    end only, and an older release may have written the same events in other words."""
    version = int(old["version"]["N"])
    if after.version < version:
        return True
    if KINDS[after.key.kind].keep:
        return after.version == version and old["body"] != new["body"] and read_item(old).history != after.history
    text = unpack(base64.b64decode(old["body"]["B"]))
    if unpack(base64.b64decode(new["body"]["B"])).startswith(text[:-1]):
        return False
    before = read_item(old).history
    return before != after.history[:version] and not is_redaction(before, after.history)


def _anomaly(
    images: Mapping[str, Any], item: Attributes, what: Literal["unreadable", "removed", "rewritten"]
) -> Anomaly:
    digest = hashlib.sha256(base64.b64decode(item["body"]["B"])).hexdigest()
    at = datetime.fromtimestamp(float(images.get("ApproximateCreationDateTime", 0)), UTC)
    return Anomaly(Key.parse(item["pk"]["S"]), int(item["version"]["N"]), what, digest, at)
