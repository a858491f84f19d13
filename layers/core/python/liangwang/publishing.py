"""The outbox: what a table's stream record means for Kafka. Pure.

An event of an aggregate that others must hear is itself the message (``domain/messages.py``), so publishing is a slice
of the history between the old and the new version. In a new ``round`` of asking the whole history's messages go out
again, with the same ids and marked by the round.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from .aggregates import KINDS
from .domain.mailbox import Posted, message_in
from .domain.messages import TOPIC, DeadLettered
from .envelope import Outgoing, wrap
from .store import Stored, read_item


def outgoing(record: Mapping[str, Any]) -> list[Outgoing]:
    """The messages of one DynamoDB stream record (NEW_AND_OLD_IMAGES); none for a removal."""
    images = record["dynamodb"]
    if "NewImage" not in images:
        return []
    new = read_item(images["NewImage"])
    old_version = int(images["OldImage"]["version"]["N"]) if "OldImage" in images else 0
    old_round = int(images.get("OldImage", {}).get("round", {}).get("N", 0))
    if new.round > old_round:
        return list(_messages(new, round=new.round))
    return list(_messages(new, after=old_version))


def _messages(stored: Stored, *, after: int = 0, round: int = 0) -> Iterator[Outgoing]:
    """The messages in the history above version ``after``."""
    system = KINDS[stored.key.kind].system
    for version, recorded in enumerate(stored.history, start=stored.dropped + 1):
        event, identity, at = message_in(recorded.event), f"{system}/{stored.key.id}/{version}", recorded.at
        if isinstance(recorded.event, Posted):  # said elsewhere: it keeps the id and the time that it was given there
            identity, at = recorded.event.id, recorded.event.time
        topic = TOPIC.get(type(event))
        if topic is None or version <= after:
            continue
        key = stored.key.id if isinstance(event, DeadLettered) else event.case_no
        yield Outgoing(topic, key, wrap(event, id=identity, time=at, round=round))
