"""附件: files that officers add to a case and name in their opinions: announced, sent by a link, looked at, listed, opened.

They lie in the bucket of the applicants' files, under a prefix of their own. Their names are not kept: a name may hold anything.
"""

import hashlib
import re
import uuid
from collections.abc import Callable
from datetime import datetime
from typing import Literal

from msgspec import Struct

from .. import file_types
from ..accesses import Accesses
from ..aggregates import ATTACHMENT, Key
from ..domain import material
from ..domain import messages as m
from ..domain.case import Case
from ..domain.errors import Invalid, KeyReused, NotFound, NotNow, Violation, require_reason
from ..domain.material import DOWNLOAD_LIFETIME, UPLOAD_LIFETIME, Material
from ..http import Request
from ..objects import Link, Objects
from ..processing import Command, act, perform
from ..store import Store, Stored
from .own_cases import OwnCases

MOST = 50
"""Files of one case."""


class FileAnnouncement(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A file that shall be sent: what it is said to be, its bytes and their SHA-256 in hex."""

    media_type: str
    size: int
    sha256: str


class OpenStepFile(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why somebody has to open a file that an officer added."""

    reason: m.Remark


class StepFile(Struct, frozen=True, kw_only=True):
    """A file of a case as its officers see it.

    ``media_type`` is what the bytes are, empty until they have been looked at; ``by`` who added it; ``steps`` whose opinions
    name it. ``upload`` is there while the bytes are awaited.
    """

    attachment_id: str
    state: material.State
    media_type: str
    size: int
    sha256: str
    by: str
    added_at: datetime
    steps: tuple[str, ...] = ()
    upload: Link | None = None


class StepFiles(Struct, frozen=True, kw_only=True):
    """The files that officers added to a case, newest first."""

    attachments: tuple[StepFile, ...]


def _random() -> str:
    return uuid.uuid4().hex


def _key(case_no: str, attachment_id: str) -> Key:
    return Key(ATTACHMENT.name, f"{case_no}/{attachment_id}")


def _object(folder: str, key: Key) -> str:
    return f"{folder}/department/{key.id.rpartition('/')[2]}"


def require_files(store: Store, case_no: str, attachments: tuple[str, ...]) -> None:
    """Raises Invalid unless each of these is a file of this case, sent and looked at."""
    keys = [_key(case_no, one) for one in attachments]
    loaded = store.load(keys)
    found = [
        Violation(f"attachments[{i}]", "the id of a file that was added to this case and has come")
        for i, key in enumerate(keys)
        if not loaded[key].history or loaded[key].state.state != "stored"
    ]
    if found:
        raise Invalid("these files cannot be named", violations=tuple(found))


class CaseFiles:
    """What officers add to the cases of their department. ``identity`` makes ids for requests without an Idempotency-Key."""

    def __init__(self, cases: OwnCases, objects: Objects, *, identity: Callable[[], str] = _random) -> None:
        self._cases = cases
        self._store = cases.store
        self._objects = objects
        self._accesses = Accesses(cases.store)
        self._identity = identity

    def announce(self, request: Request) -> StepFile:
        """A link by which exactly this file can be sent. The same ``Idempotency-Key`` gives the same file."""
        case, _ = self._cases.own(request, "case.step")
        if case.state.is_terminal:
            raise NotNow(f"the case is {case.state.status}; nothing is added any more")
        wish: FileAnnouncement = request.body
        new = material.announced(
            owner=request.by.subject,
            name="file",
            media_type=wish.media_type,
            size=wish.size,
            sha256=wish.sha256,
            taken=file_types.EXTENSION,
            now=request.now,
        )
        new = material.used(new, case.key.id)[0]
        idempotency_key = request.headers.get("idempotency-key", "")
        digest = hashlib.sha256(f"{request.by.subject}|{idempotency_key}".encode()).hexdigest()[:32]
        key = _key(case.key.id, digest if idempotency_key else self._identity())
        stored = self._store.load([key])[key] if idempotency_key else Stored(key)
        if not stored.history:
            if len(self._files(case.key.id)) >= MOST:
                raise NotNow(f"a case has at most {MOST} files of officers")
            command = Command(key, f"person/{request.by.subject}/attachment/{key.id}", lambda state, now: [new])
            stored = perform(self._store, [command], request.now, known=[stored])[0].stored()
        kept: Material = stored.state
        if (kept.sha256, kept.size, kept.declared) != (wish.sha256, wish.size, wish.media_type):
            raise KeyReused("this Idempotency-Key was used for another file; use a new one")
        return self._view(stored, case.state, request.now)

    def complete(self, request: Request) -> StepFile:
        """Looks at what was sent by the link. Raises NotNow when nothing came, Invalid when it is not what was announced or
        nothing that is taken.

        The file is kept before the word that it is there: whoever dies in between leaves one that the next try writes again.
        """
        case, stored = self._own(request, "case.step")
        state: Material = stored.state
        if state.state != "stored":
            material.expect(state, request.now, announced_at="POST /api/cases/{case_no}/attachments")
            content = self._objects.read(_object("incoming", stored.key), most=state.size + 1)
            if content is None:
                raise NotNow("the file has not come: send it to upload.url first, with upload.headers")
            stored = self._take(request, stored, content)
        return self._view(stored, case.state, request.now)

    def listed(self, request: Request) -> StepFiles:
        """The files that officers added to a case: what they are, not what is in them."""
        case, _ = self._cases.own(request, "case.read")
        found = sorted(self._files(case.key.id), key=lambda one: one.state.announced_at, reverse=True)
        views = (self._view(one, case.state, None) for one in found)
        return StepFiles(attachments=tuple(view for view in views if view.state == "stored"))

    def open(self, request: Request) -> Link:
        """A link by which a file is fetched within five minutes, after it was put on record who opens it and why."""
        case, stored = self._own(request, "case.material")
        wish: OpenStepFile = request.body
        require_reason(wish.reason, field="reason", what="opening a file")
        state: Material = stored.state
        if state.state != "stored":
            raise NotFound(f"case {case.key.id} has no such file")
        identity = stored.key.id.rpartition("/")[2]
        self._accesses.record(
            request.by,
            request.now,
            action="case.material",
            subject=case.key.id,
            fields=[f"attachment/{identity}"],
            reason=wish.reason,
        )
        name = f"{identity}.{file_types.EXTENSION[state.media_type]}"
        return self._objects.download(
            _object("kept", stored.key),
            media_type=state.media_type,
            name=name,
            now=request.now,
            lifetime=DOWNLOAD_LIFETIME,
        )

    def _take(self, request: Request, stored: Stored, content: bytes) -> Stored:
        material.check(stored.state, size=len(content), sha256=hashlib.sha256(content).hexdigest())
        incoming = _object("incoming", stored.key)
        try:
            kind = file_types.media_type(content)
        except Invalid:
            act(self._store, request, stored, lambda state, now: material.refused(state))
            self._objects.delete(incoming)
            raise
        self._objects.write(_object("kept", stored.key), content, media_type=kind)
        after = act(self._store, request, stored, lambda state, now: material.stored(state, kind, now))
        self._objects.delete(incoming)
        return after

    def _own(self, request: Request, action: Literal["case.step", "case.material"]) -> tuple[Stored, Stored]:
        """The case and its file that the path names."""
        case, _ = self._cases.own(request, action)
        identity = request.path["attachment_id"]
        key = _key(case.key.id, identity)
        stored = self._store.load([key])[key] if re.fullmatch("[0-9a-f]{32}", identity) else Stored(key)
        if not stored.history:
            raise NotFound(f"case {case.key.id} has no such file")
        return case, stored

    def _files(self, case_no: str) -> list[Stored]:
        keys, _ = self._store.held_by(ATTACHMENT, case_no, limit=MOST)
        return [stored for stored in self._store.load(keys).values() if stored.history]

    def _view(self, stored: Stored, case: Case, now: datetime | None) -> StepFile:
        state: Material = stored.state
        identity = stored.key.id.rpartition("/")[2]
        upload = None
        if now is not None and state.state == "awaiting":
            upload = self._objects.upload(
                _object("incoming", stored.key),
                media_type=state.declared,
                size=state.size,
                sha256=state.sha256,
                now=now,
                lifetime=UPLOAD_LIFETIME,
            )
        return StepFile(
            attachment_id=identity,
            state=state.state,
            media_type=state.media_type,
            size=state.size,
            sha256=state.sha256,
            by=state.owner,
            added_at=state.announced_at,
            steps=tuple(dict.fromkeys(done.step for done in case.steps if identity in done.attachments)),
            upload=upload,
        )
