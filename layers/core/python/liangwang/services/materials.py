"""材料: what a person keeps with intake to hand in: announced, sent, looked at, listed, fetched again (docs/intake.md)."""

import hashlib
import re
import uuid
from collections.abc import Callable
from datetime import datetime, timedelta

from msgspec import Struct
from msgspec.structs import replace

from .. import file_types
from ..access import granted
from ..aggregates import MATERIAL, Key
from ..domain import material, policy
from ..domain.errors import Invalid, KeyReused, NotNow
from ..domain.material import DOWNLOAD_LIFETIME, MOST_A_DAY, UPLOAD_LIFETIME, Material
from ..http import Request, limit_of
from ..objects import Link, Objects
from ..processing import Command, act, perform
from ..store import Store, Stored
from ..vault import Vault


class Announcement(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A file that shall be sent: the applicant's name of it, what it is said to be, its bytes and their SHA-256 in hex."""

    name: str
    media_type: str
    size: int
    sha256: str


class MaterialView(Struct, frozen=True, kw_only=True):
    """A material as its owner sees it.

    ``media_type`` is what the bytes are, empty until they have been looked at; ``declared`` what was said when the file was
    announced. ``used_in`` is the first case that it was handed in with. ``upload`` is there while the bytes are awaited.
    """

    material_id: str
    name: str
    state: material.State
    media_type: str
    declared: str
    size: int
    sha256: str
    announced_at: datetime
    used_in: str
    upload: Link | None = None


class MaterialList(Struct, frozen=True, kw_only=True):
    """A page of the caller's materials, newest first; ``cursor`` leads to the next page."""

    materials: tuple[MaterialView, ...]
    cursor: str | None = None


A_DAY = timedelta(days=1)


def object_key(material_id: str) -> str:
    """Where the bytes of a material that was looked at are."""
    return f"kept/{material_id}"


def incoming_key(material_id: str) -> str:
    """Where an upload link leads. What is left here goes by itself after a day (the bucket's lifecycle)."""
    return f"incoming/{material_id}"


def file_link(objects: Objects, material_id: str, *, media_type: str, now: datetime) -> Link:
    """A short-lived link to a file. Its name tells no more than the link itself."""
    name = f"{material_id}.{file_types.EXTENSION[media_type]}"
    key = object_key(material_id)
    return objects.download(key, media_type=media_type, name=name, now=now, lifetime=DOWNLOAD_LIFETIME)


def _random() -> str:
    return uuid.uuid4().hex


class Materials:
    """The caller's own materials; others' are not found. ``identity`` makes ids for requests without an Idempotency-Key."""

    def __init__(self, store: Store, vault: Vault, objects: Objects, *, identity: Callable[[], str] = _random) -> None:
        self._store = store
        self._vault = vault
        self._objects = objects
        self._identity = identity

    def announce(self, request: Request) -> MaterialView:
        """A link by which exactly this file can be sent. The same ``Idempotency-Key`` gives the same material."""
        wish: Announcement = request.body
        owner = request.by.subject
        granted(request.by, "material.keep", policy.Thing(owner=owner), what="materials are kept by applicants")
        new = material.announced(
            owner=owner,
            name=wish.name,
            media_type=wish.media_type,
            size=wish.size,
            sha256=wish.sha256,
            taken=file_types.EXTENSION,
            now=request.now,
        )
        idempotency_key = request.headers.get("idempotency-key", "")
        digest = hashlib.sha256(f"material|{owner}|{idempotency_key}".encode()).hexdigest()[:32]
        key = Key(MATERIAL.name, digest if idempotency_key else self._identity())
        stored = self._store.load([key])[key] if idempotency_key else Stored(key)
        if not stored.history:
            self._check_the_day(owner, request.now)
            new = replace(new, name=self._vault.seal(owner, {"name": wish.name})["name"])
            command = Command(key, f"person/{owner}/material/{key.id}", lambda state, now: [new])
            stored = perform(self._store, [command], request.now, known=[stored])[0].stored()
        kept: Material = stored.state
        if not _is_there(stored, request.now) or (kept.owner, kept.sha256, kept.size, kept.declared) != (
            owner,
            wish.sha256,
            wish.size,
            wish.media_type,
        ):
            raise KeyReused("this Idempotency-Key was used for another file; use a new one")
        return self._view(stored, request.now)

    def complete(self, request: Request) -> MaterialView:
        """Looks at what was sent by the link: length, checksum, type. Raises NotNow when nothing came, Invalid when it is
        not what was announced (send it again) or nothing that is taken (announce another).
        """
        stored = self._own(request, "material.keep")
        state: Material = stored.state
        if state.state == "stored":
            return self._view(stored, request.now)
        material.expect(state, request.now)
        content = self._objects.read(incoming_key(stored.key.id), most=state.size + 1)
        if content is None:
            raise NotNow("the file has not come: send it to upload.url first, with upload.headers")
        return self._take(request, stored, content)

    def send(self, request: Request) -> MaterialView:
        """Takes a small file through the API itself, as bytes, after it was announced. Raises as ``complete`` does."""
        stored = self._own(request, "material.keep")
        if stored.state.state == "stored":
            material.check(stored.state, size=len(request.body), sha256=_sha256(request.body))
            return self._view(stored, request.now)
        material.expect(stored.state, request.now)
        return self._take(request, stored, request.body)

    def mine(self, request: Request) -> MaterialList:
        """The caller's materials, newest first, a page at a time: what can be handed in again without being sent again."""
        granted(request.by, "material.read", policy.Thing(owner=request.by.subject), what="no materials")
        keys, cursor = self._store.held_by(
            MATERIAL, request.by.subject, limit=limit_of(request), cursor=request.query.get("cursor"), newest_first=True
        )
        loaded = self._store.load(keys)
        found = tuple(self._view(loaded[key], request.now) for key in keys if _is_there(loaded[key], request.now))
        return MaterialList(materials=found, cursor=cursor)

    def content(self, request: Request) -> Link:
        """A link by which the owner fetches the file. Raises NotNow for one that is not stored."""
        stored = self._own(request, "material.read")
        state: Material = stored.state
        if state.state != "stored":
            raise NotNow(f"the material is {state.state}; there is no file to fetch")
        return file_link(self._objects, stored.key.id, media_type=state.media_type, now=request.now)

    def _take(self, request: Request, stored: Stored, content: bytes) -> MaterialView:
        """Keeps the bytes if they are right: first the file, then the word that it is there, so that no word is without.

        Whoever dies in between leaves a file that nobody knows, which the next try writes again; what is never tried
        again goes with its material (``services/keeping.py``).
        """
        identity = stored.key.id
        material.check(stored.state, size=len(content), sha256=_sha256(content))
        try:
            kind = file_types.media_type(content)
        except Invalid:
            act(self._store, request, stored, lambda state, now: material.refused(state))
            self._objects.delete(incoming_key(identity))
            raise
        self._objects.write(object_key(identity), content, media_type=kind)
        after = act(self._store, request, stored, lambda state, now: material.stored(state, kind, now))
        self._objects.delete(incoming_key(identity))
        return self._view(after, request.now)

    def _own(self, request: Request, action: policy.Action) -> Stored:
        identity = request.path["material_id"]
        stored = _load(self._store, identity, request.now)
        owner = stored.state.owner if stored is not None else ""
        granted(request.by, action, policy.Thing(owner=owner), what=f"you have no material {identity}")
        assert stored is not None
        return stored

    def _check_the_day(self, owner: str, now: datetime) -> None:
        """Raises NotNow when this person has announced too many files since this time yesterday."""
        keys, _ = self._store.held_by(MATERIAL, owner, limit=MOST_A_DAY, newest_first=True)
        if len(keys) < MOST_A_DAY:
            return
        known = (stored.state for stored in self._store.load(keys).values() if stored.history)
        if sum(one.announced_at > now - A_DAY for one in known) >= MOST_A_DAY:
            raise NotNow(f"{MOST_A_DAY} files in 24 hours are the most; earlier ones can be handed in again")

    def _view(self, stored: Stored, now: datetime) -> MaterialView:
        state: Material = stored.state
        return MaterialView(
            material_id=stored.key.id,
            name=self._vault.open(state.owner, {"name": state.name})["name"],
            state=state.state,
            media_type=state.media_type,
            declared=state.declared,
            size=state.size,
            sha256=state.sha256,
            announced_at=state.announced_at,
            used_in=state.used_in,
            upload=self._upload(stored.key.id, state, now) if state.state == "awaiting" else None,
        )

    def _upload(self, identity: str, state: Material, now: datetime) -> Link:
        return self._objects.upload(
            incoming_key(identity),
            media_type=state.declared,
            size=state.size,
            sha256=state.sha256,
            now=now,
            lifetime=UPLOAD_LIFETIME,
        )


def _load(store: Store, identity: str, now: datetime) -> Stored | None:
    """A material that is still there. What is no id of ours is not even asked for."""
    if not re.fullmatch("[0-9a-f]{32}", identity):
        return None
    key = Key(MATERIAL.name, identity)
    stored = store.load([key])[key]
    return stored if _is_there(stored, now) else None


def _is_there(stored: Stored, now: datetime) -> bool:
    """Whether it exists and has not expired: DynamoDB takes its time to remove what has."""
    if not stored.history:
        return False
    ends = material.expires_at(stored.state)
    return ends is None or ends > now


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
