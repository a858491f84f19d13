"""A person's data keys, wrapped: what makes the person's data readable, and what is destroyed to erase it."""

from datetime import datetime

from msgspec import Struct


class Generation(Struct, frozen=True, kw_only=True):
    """One data key: ``wrapped`` by KMS (base64) with the owner as encryption context, and since when it is used."""

    wrapped: str
    made_at: datetime


class PersonKey(Struct, frozen=True, kw_only=True, tag="person.key", tag_field="type"):
    """All data keys of a person, oldest first; the last one encrypts what is written now.

    ``destroyed_at`` makes it a tombstone: there are no keys, and none will be made again.
    """

    generations: tuple[Generation, ...] = ()
    destroyed_at: datetime | None = None
