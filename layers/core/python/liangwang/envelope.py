"""CloudEvents 1.0 in structured JSON: the envelope of every Kafka message.

``data`` is one of the contracts in ``domain/messages.py``. ``round`` (an extension attribute) is 0, or names the round
of asking (``domain/patience.py``) in which a message is said again. ``traceparent`` follows from the case, so that all
messages of a case are one trace.
"""

from datetime import datetime
from typing import Annotated, Any, NamedTuple

from msgspec import Meta, Raw, Struct
from msgspec.json import Decoder, Encoder

from .domain.errors import DomainError
from .domain.messages import ASKS, BY_TYPE, DeadLettered, Message
from .tracing import traceparent


class NotAMessage(DomainError):
    """The bytes are not a message that these contracts know."""

    code = "not_a_message"


class CloudEvent(Struct, frozen=True, kw_only=True):
    """One message in its envelope; ``data`` is decoded by ``type``."""

    specversion: str = "1.0"
    id: str
    source: str
    type: str
    subject: str
    time: datetime
    datacontenttype: str = "application/json"
    dataschema: str = ""
    traceparent: str = ""
    round: int = 0
    data: Any

    @property
    def asks_again(self) -> int:
        """The round, for a question that is asked again; 0 for anything else: answers ask nobody."""
        return self.round if isinstance(self.data, ASKS) else 0


class Outgoing(NamedTuple):
    """A message on its way: topic, key (the case number) and envelope."""

    topic: str
    key: str
    event: CloudEvent


class _Wire(Struct, frozen=True):
    id: str
    source: str
    type: str
    subject: str
    time: Annotated[datetime, Meta(tz=True)]
    data: Raw
    specversion: str = "1.0"
    round: int = 0


_wire = Decoder(_Wire)
_data: dict[str, Decoder[Any]] = {name: Decoder(message) for name, message in BY_TYPE.items()}
_encode = Encoder().encode


def wrap(message: Any, *, id: str, time: datetime, round: int = 0) -> CloudEvent:
    """The envelope for a message. ``id`` is ``<system>/<aggregate>/<version>``; ``time`` when it happened."""
    kind = str(message.__struct_config__.tag)
    system, _, _ = id.partition("/")
    subject = message.topic if isinstance(message, DeadLettered) else message.case_no
    return CloudEvent(
        id=id,
        source=f"/liangwang/{system}",
        type=kind,
        subject=subject,
        time=time,
        dataschema=f"urn:liangwang:schema:{kind}:v1",
        traceparent=traceparent(subject, id),
        round=round,
        data=message,
    )


def encode(event: CloudEvent) -> bytes:
    """The bytes that travel."""
    return _encode(event)


def decode(value: bytes | None) -> CloudEvent:
    """A message from its bytes. Raises NotAMessage with the reason; a tombstone is not a message."""
    if value is None:
        raise NotAMessage("the record has no value (a tombstone)")
    try:
        wire = _wire.decode(value)
        decoder = _data.get(wire.type)
        if decoder is None:
            raise NotAMessage(f"unknown type {wire.type!r}; known: {', '.join(sorted(_data))}")
        data = decoder.decode(wire.data)
    except (ValueError, RecursionError) as error:
        raise NotAMessage(str(error)) from error
    if isinstance(data, Message) and data.case_no != wire.subject:
        raise NotAMessage(f"subject {wire.subject} is not the case {data.case_no}")
    return CloudEvent(
        id=wire.id,
        source=wire.source,
        type=wire.type,
        subject=wire.subject,
        time=wire.time,
        round=wire.round,
        data=data,
    )
