"""What remains of materials and must not: files whose announcement came to nothing, and those of a person who was erased."""

from collections.abc import Sequence
from datetime import datetime

from ..aggregates import MATERIAL, PERSON_KEY
from ..changes import Change
from ..domain import material
from ..objects import Objects
from ..processing import Command, perform
from ..store import Store
from .materials import incoming_key, object_key

AT_ONCE = 100


class Leftovers:
    """A step of what follows in intake (``followup.Step``)."""

    def __init__(self, store: Store, objects: Objects) -> None:
        self._store = store
        self._objects = objects

    def take(self, changes: Sequence[Change], now: datetime) -> None:
        """Whose keys were destroyed, their files go too: one key of the bucket encrypts everybody's files, so for these
        there is no key of the person's to destroy. What was handed in with a case is the department's record and stays.
        """
        for change in changes:
            if change.after.key.kind == PERSON_KEY.name and change.after.state.destroyed_at is not None:
                self._erase(change.after.key.id, now)

    def sweep(self, now: datetime) -> None:
        """Files that were announced, and perhaps sent, but never became a material."""
        for key in self._store.due(now, limit=AT_ONCE, queue=MATERIAL.queue):
            self._remove(key.id)
            perform(self._store, [Command(key, "leftover", lambda state, at: material.refused(state))], now)

    def _erase(self, owner: str, now: datetime) -> None:
        cursor = None
        while True:
            keys, cursor = self._store.held_by(MATERIAL, owner, limit=AT_ONCE, cursor=cursor)
            loaded = self._store.load(keys)
            for key in keys:
                if loaded[key].history and not loaded[key].state.used_in:
                    self._remove(key.id)
            erased = [Command(key, "erased", lambda state, at: material.erased(state, at)) for key in keys]
            for outcome in perform(self._store, erased, now):
                outcome.stored()
            if cursor is None:
                return

    def _remove(self, material_id: str) -> None:
        for key in (incoming_key(material_id), object_key(material_id)):
            self._objects.delete(key)
