"""附件: files that officers add to a case or to a task, and name in what they say: announced, sent by a link, looked at, listed,
opened.

They lie in the bucket of the applicants' files, under a prefix of their own. Their names are not kept: a name may hold anything.
"""

import hashlib
import re
import uuid
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Literal

from msgspec import Struct

from .. import file_types
from ..accesses import Accesses
from ..aggregates import ATTACHMENT, Key
from ..domain import material
from ..domain import messages as m
from ..domain.errors import Invalid, KeyReused, NotFound, NotNow, Violation, require_reason
from ..domain.material import DOWNLOAD_LIFETIME, UPLOAD_LIFETIME, Material
from ..domain.policy import Action
from ..http import Request
from ..objects import Link, Objects
from ..processing import Command, act, perform
from ..store import Store, Stored
from .own_cases import OwnCases

MOST = 50
"""Files of one case, or of one task."""


class FileAnnouncement(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A file that shall be sent: what it is said to be, its bytes and their SHA-256 in hex."""

    media_type: str
    size: int
    sha256: str


class OpenStepFile(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why somebody has to open a file that an officer added."""

    reason: m.Remark


class StepFile(Struct, frozen=True, kw_only=True):
    """A file of a case, or of a task, as officers see it.

    ``media_type`` is what the bytes are, empty until they have been looked at; ``by`` who added it; ``steps`` whose opinions
    name it (of a task: its report). ``upload`` is there while the bytes are awaited.
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
    """The files that officers added to a case or to a task, newest first."""

    attachments: tuple[StepFile, ...]


def _random() -> str:
    return uuid.uuid4().hex


def _key(owner: str, attachment_id: str) -> Key:
    return Key(ATTACHMENT.name, f"{owner}/{attachment_id}")


def place_of(folder: Literal["incoming", "kept"], key: Key) -> str:
    """Where a file's bytes lie: what was sent, and what was looked at and kept."""
    return f"{folder}/department/{key.id.rpartition('/')[2]}"


def require_files(store: Store, owner: str, attachments: tuple[str, ...]) -> tuple[Stored, ...]:
    """These files of a case or of a task. Raises Invalid unless each of them was added to it, sent and looked at."""
    keys = [_key(owner, one) for one in attachments]
    loaded = store.load(keys)
    found = [
        Violation(f"attachments[{i}]", "the id of a file that was added here and has come")
        for i, key in enumerate(keys)
        if not loaded[key].history or loaded[key].state.state != "stored"
    ]
    if found:
        raise Invalid("these files cannot be named", violations=tuple(found))
    return tuple(loaded[key] for key in keys)


class Files:
    """What officers add to something that has an id: its ``owner``. Whose it is, and who may, is looked at before.

    ``identity`` makes ids for requests without an Idempotency-Key.
    """

    def __init__(self, store: Store, objects: Objects, *, identity: Callable[[], str] = _random) -> None:
        self.store = store
        self._objects = objects
        self._accesses = Accesses(store)
        self._identity = identity

    def announce(self, request: Request, owner: str) -> Stored:
        """A file whose bytes shall come. The same ``Idempotency-Key`` gives the same file."""
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
        new = material.used(new, owner)[0]
        idempotency_key = request.headers.get("idempotency-key", "")
        named = f"{request.by.subject}|{owner}|{idempotency_key}"  # the bytes lie under this id alone: no two owners share one
        digest = hashlib.sha256(named.encode()).hexdigest()[:32]
        key = _key(owner, digest if idempotency_key else self._identity())
        stored = self.store.load([key])[key] if idempotency_key else Stored(key)
        if not stored.history:
            if len(self.of(owner)) >= MOST:
                raise NotNow(f"officers add at most {MOST} files")
            command = Command(key, f"person/{request.by.subject}/attachment/{key.id}", lambda state, now: [new])
            stored = perform(self.store, [command], request.now, known=[stored])[0].stored()
        kept: Material = stored.state
        if (kept.sha256, kept.size, kept.declared) != (wish.sha256, wish.size, wish.media_type):
            raise KeyReused("this Idempotency-Key was used for another file; use a new one")
        return stored

    def complete(self, request: Request, stored: Stored, *, announced_at: str) -> Stored:
        """Looks at what was sent by the link. Raises NotNow when nothing came, Invalid when it is not what was announced or
        nothing that is taken.

        The file is kept before the word that it is there: whoever dies in between leaves one that the next try writes again.
        """
        state: Material = stored.state
        if state.state == "stored":
            return stored
        material.expect(state, request.now, announced_at=announced_at)
        content = self._objects.read(place_of("incoming", stored.key), most=state.size + 1)
        if content is None:
            raise NotNow("the file has not come: send it to upload.url first, with upload.headers")
        return self._take(request, stored, content)

    def find(self, owner: str, identity: str) -> Stored | None:
        """A file that was added here; None when there is none of this id."""
        if not re.fullmatch("[0-9a-f]{32}", identity):
            return None
        key = _key(owner, identity)
        stored = self.store.load([key])[key]
        return stored if stored.history else None

    def of(self, owner: str) -> list[Stored]:
        """All that was added here."""
        keys, _ = self.store.held_by(ATTACHMENT, owner, limit=MOST)
        return [stored for stored in self.store.load(keys).values() if stored.history]

    def open(self, request: Request, stored: Stored, *, action: Action, subject: str) -> Link:
        """A link by which a file is fetched within five minutes, after it was put on record who opens it, why, and of which case
        (``subject``). Raises Invalid without a reason."""
        wish: OpenStepFile = request.body
        require_reason(wish.reason, field="reason", what="opening a file")
        state: Material = stored.state
        identity = stored.key.id.rpartition("/")[2]
        self._accesses.record(
            request.by,
            request.now,
            action=action,
            subject=subject,
            fields=[f"attachment/{identity}"],
            reason=wish.reason,
        )
        name = f"{identity}.{file_types.EXTENSION[state.media_type]}"
        return self._objects.download(
            place_of("kept", stored.key),
            media_type=state.media_type,
            name=name,
            now=request.now,
            lifetime=DOWNLOAD_LIFETIME,
        )

    def view(self, stored: Stored, now: datetime | None, *, steps: tuple[str, ...] = ()) -> StepFile:
        """A file as officers see it; with ``now`` the link by which its bytes are awaited."""
        state: Material = stored.state
        upload = None
        if now is not None and state.state == "awaiting":
            upload = self._objects.upload(
                place_of("incoming", stored.key),
                media_type=state.declared,
                size=state.size,
                sha256=state.sha256,
                now=now,
                lifetime=UPLOAD_LIFETIME,
            )
        return StepFile(
            attachment_id=stored.key.id.rpartition("/")[2],
            state=state.state,
            media_type=state.media_type,
            size=state.size,
            sha256=state.sha256,
            by=state.owner,
            added_at=state.announced_at,
            steps=steps,
            upload=upload,
        )

    def _take(self, request: Request, stored: Stored, content: bytes) -> Stored:
        material.check(stored.state, size=len(content), sha256=hashlib.sha256(content).hexdigest())
        incoming = place_of("incoming", stored.key)
        try:
            kind = file_types.media_type(content)
        except Invalid:
            act(self.store, request, stored, lambda state, now: material.refused(state))
            self._objects.delete(incoming)
            raise
        self._objects.write(place_of("kept", stored.key), content, media_type=kind)
        after = act(self.store, request, stored, lambda state, now: material.stored(state, kind, now))
        self._objects.delete(incoming)
        return after


def newest_first(found: Iterable[Stored]) -> list[Stored]:
    """The files that have come, the newest first."""
    there = (one for one in found if one.state.state == "stored")
    return sorted(there, key=lambda one: one.state.announced_at, reverse=True)


class CaseFiles:
    """What officers add to the cases of their department, and what other departments answered them with."""

    def __init__(self, cases: OwnCases, objects: Objects, *, identity: Callable[[], str] = _random) -> None:
        self._cases = cases
        self._files = Files(cases.store, objects, identity=identity)

    def announce(self, request: Request) -> StepFile:
        """A link by which exactly this file can be sent."""
        case, _ = self._cases.own(request, "case.step")
        if case.state.is_terminal:
            raise NotNow(f"the case is {case.state.status}; nothing is added any more")
        return self._view(self._files.announce(request, case.key.id), case, request.now)

    def complete(self, request: Request) -> StepFile:
        """The file has been sent. Raises as ``Files.complete``."""
        case, stored = self._own(request, "case.step")
        stored = self._files.complete(request, stored, announced_at="POST /api/cases/{case_no}/attachments")
        return self._view(stored, case, request.now)

    def listed(self, request: Request) -> StepFiles:
        """The files that officers added to a case: what they are, not what is in them."""
        case, _ = self._cases.own(request, "case.read")
        found = newest_first(self._files.of(case.key.id))
        return StepFiles(attachments=tuple(self._view(one, case, None) for one in found))

    def open(self, request: Request) -> Link:
        """A link to a file that was added to the case."""
        case, stored = self._own(request, "case.material")
        return self._open(request, case, stored)

    def open_answered(self, request: Request) -> Link:
        """A link to a file that an answer to this case names. Raises NotFound for any other: whoever answers can name only what was
        added to their own task.
        """
        case, _ = self._cases.own(request, "case.material")
        identity, request_id = request.path["attachment_id"], request.path["request_id"]
        tasks = (
            answer.task_id
            for conclusion in case.state.conclusions
            if conclusion.request_id == request_id
            for answer in conclusion.answers
            if any(one.material_id == identity for one in answer.attachments)
        )
        task = next(tasks, None)
        return self._open(request, case, self._files.find(task, identity) if task else None)

    def _open(self, request: Request, case: Stored, stored: Stored | None) -> Link:
        if stored is None or stored.state.state != "stored":
            raise NotFound(f"case {case.key.id} has no such file")
        return self._files.open(request, stored, action="case.material", subject=case.key.id)

    def _own(self, request: Request, action: Literal["case.step", "case.material"]) -> tuple[Stored, Stored]:
        """The case and its file that the path names."""
        case, _ = self._cases.own(request, action)
        stored = self._files.find(case.key.id, request.path["attachment_id"])
        if stored is None:
            raise NotFound(f"case {case.key.id} has no such file")
        return case, stored

    def _view(self, stored: Stored, case: Stored, now: datetime | None) -> StepFile:
        identity = stored.key.id.rpartition("/")[2]
        steps = dict.fromkeys(done.step for done in case.state.steps if identity in done.attachments)
        return self._files.view(stored, now, steps=tuple(steps))
