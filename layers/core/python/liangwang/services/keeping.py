"""What follows for applicants' files: which case each was first handed in with; and what remains and must not, files whose
announcement came to nothing and those of a person who was erased.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from ..aggregates import APPLICATION, MATERIAL, PERSON_KEY, Key
from ..changes import Change
from ..domain import material
from ..objects import Objects
from ..processing import Command, Decide, perform
from ..store import Store
from .materials import incoming_key, object_key

AT_ONCE = 100


class Keeping:
    """A step of what follows in intake (``followup.Step``)."""

    def __init__(self, store: Store, objects: Objects) -> None:
        self._store = store
        self._objects = objects

    def take(self, changes: Sequence[Change], now: datetime) -> None:
        """Notes with which case files were handed in, so that a second time is known as such (and costs no upload).

        Whose keys were destroyed, their files go too: one key of the bucket encrypts everybody's files, so for these
        there is no key of the person's to destroy. What was handed in with a case is the department's record and stays.
        """
        used = {
            Key(MATERIAL.name, one.material_id): recorded.event.case_no
            for change in changes
            if change.after.key.kind == APPLICATION.name
            for recorded in change.new
            for one in getattr(recorded.event, "attachments", ())
            if one.material_id
        }
        self._note(used, now)
        for change in changes:
            if change.after.key.kind == PERSON_KEY.name and change.after.state.destroyed_at is not None:
                self._erase(change.after.key.id, now)

    def _note(self, used: Mapping[Key, str], now: datetime) -> None:
        """Writes the case into each file that has none yet."""
        loaded = self._store.load(used)
        fresh = [key for key, stored in loaded.items() if stored.history and not stored.state.used_in]
        commands = [Command(key, f"used/{used[key]}", _use_in(used[key])) for key in fresh]
        for outcome in perform(self._store, commands, now, known=[loaded[key] for key in fresh]):
            outcome.stored()

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


def _use_in(case_no: str) -> Decide:
    return lambda state, now: material.used(state, case_no)
