"""The outbox: what a table's stream record means for Kafka. Pure.

An event of an aggregate that others must hear is itself the message (``domain/messages.py``), so publishing is a slice
of the history between the old and the new version. When ``asked`` or ``answered`` was raised, the aggregate's
questions or answers go out again, marked by ``attempt``.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from .aggregates import KINDS
from .domain.messages import ASKS, TOPIC, DeadLettered
from .envelope import Outgoing, wrap
from .store import Stored, read_item


def outgoing(record: Mapping[str, Any]) -> list[Outgoing]:
    """The messages of one DynamoDB stream record (NEW_AND_OLD_IMAGES); none for a removal."""
    images = record["dynamodb"]
    if "NewImage" not in images:
        return []
    new = read_item(images["NewImage"])
    old_version = int(images["OldImage"]["version"]["N"]) if "OldImage" in images else 0
    old_asked = int(images.get("OldImage", {}).get("asked", {}).get("N", 0))
    old_answered = int(images.get("OldImage", {}).get("answered", {}).get("N", 0))
    messages = list(_messages(new, after=old_version))
    if new.asked > old_asked:
        messages += _messages(new, attempt=new.asked + 1, only=True)
    if new.answered > old_answered:
        messages += _messages(new, attempt=new.answered + 1, only=False)
    return messages


def _messages(stored: Stored, *, after: int = 0, attempt: int = 1, only: bool | None = None) -> Iterator[Outgoing]:
    """The history's messages above version ``after``; ``only`` picks questions (True) or answers (False)."""
    system = KINDS[stored.key.kind].system
    for version, recorded in enumerate(stored.history, start=1):
        event = recorded.event
        topic = TOPIC.get(type(event))
        if topic is None or version <= after or (only is not None and isinstance(event, ASKS) is not only):
            continue
        identity = f"{system}/{stored.key.id}/{version}"
        key = stored.key.id if isinstance(event, DeadLettered) else event.case_no
        yield Outgoing(topic, key, wrap(event, id=identity, time=recorded.at, attempt=attempt))
