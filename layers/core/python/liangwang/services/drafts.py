"""草稿: kept while it is not finished, resumed on another channel by its code, submitted once (docs/intake.md)."""

import hashlib
import os
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct, json, structs

from ..access import Mandates, granted
from ..accesses import Accesses
from ..aggregates import DRAFT, Key
from ..domain import case_no, draft, policy
from ..domain.catalogue import Catalogue, Item, Text
from ..domain.draft import Draft
from ..domain.errors import Invalid, KeyReused, NotFound, NotNow, Violation
from ..forms import named
from ..http import Request, limit_of
from ..processing import Command, act, perform
from ..store import Store, Stored
from ..vault import Vault
from . import handing_in
from .handing_in import Entries
from .intake import Apply, CaseView, Channel, Intake

TRIES = 5


class DraftContent(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An application as far as it goes. ``on_behalf_of`` is the account whom an agent writes it for; it stays as it began.

    ``version`` is that of the draft which this is to take the place of; 0 for a new one.
    """

    task_code: str
    place: str = ""
    form: dict[str, Any] = {}
    materials: Entries = ()
    promises: handing_in.Promises = ()
    channel: Channel = "pc"
    on_behalf_of: str = ""
    version: int = 0


class Submission(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where a draft is submitted, and whether another case shall be made although one of the same item and place is open."""

    channel: Channel = "pc"
    allow_duplicate: bool = False


class DraftView(Struct, frozen=True, kw_only=True):
    """A draft as its owner sees it; in a list without what was filled in. ``case_no`` is what became of it."""

    code: str
    version: int
    task_code: str
    task_name: Text
    saved_at: datetime
    expires_at: datetime
    channels: tuple[str, ...]
    case_no: str = ""
    content: DraftContent | None = None


class DraftList(Struct, frozen=True, kw_only=True):
    """A page of drafts, newest first; ``cursor`` leads to the next page."""

    drafts: tuple[DraftView, ...]
    cursor: str | None = None


class Drafts:
    """Drafts of the caller, or of somebody whose mandate lets the caller keep them. ``entropy`` makes codes."""

    def __init__(
        self,
        store: Store,
        vault: Vault,
        catalogue: Catalogue,
        intake: Intake,
        *,
        entropy: Callable[[int], bytes] = os.urandom,
    ) -> None:
        self._store = store
        self._vault = vault
        self._catalogue = catalogue
        self._intake = intake
        self._mandates = Mandates(store)
        self._accesses = Accesses(store)
        self._entropy = entropy

    def begin(self, request: Request) -> DraftView:
        """Keeps a new draft. The same ``Idempotency-Key`` gives the same draft."""
        wish: DraftContent = request.body
        owner = wish.on_behalf_of or request.by.subject
        self._allow(request, owner, wish.task_code, what=f"you have no mandate of {owner} for this")
        self._check(wish)
        new = Draft(
            owner=owner,
            task_code=wish.task_code,
            content=self._sealed(owner, wish),
            saved_at=request.now,
            channels=(wish.channel,),
        )
        key = request.headers.get("idempotency-key", "")
        cause = f"draft/{hashlib.sha256(f'{request.by.subject}|{key}'.encode()).hexdigest()}" if key else ""
        for attempt in range(TRIES):
            entropy = hashlib.sha256(f"{cause}|{attempt}".encode()).digest() if key else self._entropy(5)
            identity = Key(DRAFT.name, draft.code_of(entropy))
            named = f"person/{request.by.subject}/{cause or f'draft/{identity.id}'}"
            command = Command(identity, named, lambda state, now: [] if state else [new])
            stored = perform(self._store, [command], request.now)[0].stored()
            if key and stored.version == 1 and stored.state.owner == owner:
                self._same(stored.state, wish)
            if stored.state == new or (key and stored.state.owner == owner):
                return self._view(stored)
        raise NotNow("no code was free; try again")

    def mine(self, request: Request) -> DraftList:
        """Drafts that are not submitted, newest first, a page at a time."""
        owner = request.query.get("on_behalf_of", "") or request.by.subject
        self._allow(request, owner, None, what=f"you have no mandate of {owner} for this")
        keys, cursor = self._store.held_by(
            DRAFT, owner, limit=limit_of(request), cursor=request.query.get("cursor"), newest_first=True
        )
        standing = self._mandates.standing(request, owner)
        loaded = self._store.load(keys)
        shown = tuple(
            self._view(loaded[key], brief=True)
            for key in keys
            if draft.is_there(loaded[key].state, request.now)
            and standing.relation(task_code=loaded[key].state.task_code, act=policy.act_of("draft.keep"))
        )
        return DraftList(drafts=shown, cursor=cursor)

    def read(self, request: Request) -> DraftView:
        """One draft, by its code in any writing. When an agent looks, it is recorded first."""
        stored = self._own(request)
        view = self._view(stored)
        if view.content is not None and self._mandates.standing(request, stored.state.owner).agent:
            fields = sorted(view.content.form)
            self._accesses.record(
                request.by, request.now, action="draft.keep", subject=stored.state.owner, fields=fields
            )
        return view

    def save(self, request: Request) -> DraftView:
        """A later content. Raises DraftChanged when another channel saved since the version that was read."""
        wish: DraftContent = request.body
        stored = self._own(request)
        state: Draft = stored.state
        self._allow(request, state.owner, wish.task_code, what=f"you have no mandate of {state.owner} for this")
        if wish.on_behalf_of not in ("", state.owner):
            raise Invalid("a draft stays its owner's", violations=(Violation("on_behalf_of", "leave it as it began"),))
        self._check(wish)
        self._refuse_submitted(state)
        content = self._sealed(state.owner, wish)

        def decide(found: Draft, now: datetime) -> Sequence[Draft]:
            changed = found != state or wish.version != stored.version
            return draft.save(
                found, changed=changed, content=content, task_code=wish.task_code, channel=wish.channel, now=now
            )

        return self._view(act(self._store, request, stored, decide))

    def discard(self, request: Request) -> DraftView:
        """Throws a draft away, with all that was filled in."""
        stored = self._own(request)
        self._refuse_submitted(stored.state)
        return self._view(act(self._store, request, stored, lambda state, now: draft.discard(state)), brief=True)

    def submit(self, request: Request) -> CaseView:
        """Makes the case. Submitting twice, by whomever and whenever, gives the same case. Raises as applying does."""
        wish: Submission = request.body
        stored = self._own(request)
        state: Draft = stored.state
        if state.case_no:
            return self._intake.follow(request._replace(path={"case_no": state.case_no}))
        application = self._application(state, wish, caller=request.by.subject)
        self._intake.examine(request, application)
        if not state.number:
            entropy = hashlib.sha256(f"draft|{state.owner}|{stored.key.id}|{state.saved_at}".encode()).digest()
            number = case_no.build(at=request.now, region=application.place, entropy=entropy)
            command = Command(
                stored.key,
                f"person/{request.by.subject}/draft-number/{number}",
                lambda now_state, now: draft.number(now_state, number),
            )
            stored = perform(self._store, [command], request.now, known=[stored])[0].stored()
            state = stored.state
            application = self._application(state, wish, caller=request.by.subject)
        view = self._intake.make_numbered(request, application, state.number)
        command = Command(
            stored.key,
            f"person/{request.by.subject}/draft-submitted/{view.case_no}",
            lambda now_state, now: draft.submit(now_state, view.case_no),
        )
        perform(self._store, [command], request.now, known=[stored])[0].stored()
        return view

    def _refuse_submitted(self, state: Draft) -> None:
        """Raises NotNow when the case was made already, though whoever made it died before noting it here."""
        if state.number and self._intake.knows(state.number):
            raise NotNow(f"the draft was submitted: case {state.number}")

    def _same(self, state: Draft, wish: DraftContent) -> None:
        """Raises KeyReused unless the draft of this key has this content."""
        if state.content and self._content(state) != _bare(wish):
            raise KeyReused("this Idempotency-Key was used for another draft; use a new one")

    def _application(self, state: Draft, wish: Submission, *, caller: str) -> Apply:
        content = self._content(state)
        return Apply(
            task_code=content.task_code,
            place=content.place,
            form=content.form,
            materials=content.materials,
            promises=content.promises,
            channel=wish.channel,
            on_behalf_of="" if state.owner == caller else state.owner,
            allow_duplicate=wish.allow_duplicate,
        )

    def _check(self, wish: DraftContent) -> None:
        """Raises Invalid for what could not be part of an application. What lacks, lacks still."""
        item = self._catalogue.items.get(wish.task_code)
        if item is None:
            raise Invalid("no such item", violations=(Violation("task_code", "no such item; see GET /api/items"),))
        found = named(_types(item), wish.form, under="form")
        found += handing_in.violations(item.material_codes, wish.materials)
        found += handing_in.unkeepable(item.materials, wish.materials, wish.promises)
        if wish.place and wish.place not in self._catalogue.organisation.region:
            found.append(Violation("place", "use the code of a town or subdistrict 街道/镇 of this city"))
        if found:
            raise Invalid("the draft does not fit the item; see errors", violations=tuple(found))

    def _allow(self, request: Request, owner: str, task_code: str | None, *, what: str) -> None:
        relation = self._mandates.relation(request, owner, task_code=task_code, act=policy.act_of("draft.keep"))
        granted(request.by, "draft.keep", relation, what=what)

    def _own(self, request: Request) -> Stored:
        text = request.path["code"]
        code, what = draft.read_code(text), f"you have no draft {text}"
        if code is None:
            raise NotFound(what)
        key = Key(DRAFT.name, code)
        stored = self._store.load([key])[key]
        if not draft.is_there(stored.state, request.now):
            raise NotFound(what)
        self._allow(request, stored.state.owner, stored.state.task_code, what=what)
        return stored

    def _sealed(self, owner: str, wish: DraftContent) -> str:
        content = json.encode(_bare(wish)).decode()
        return self._vault.seal(owner, {"draft": content})["draft"]

    def _content(self, state: Draft) -> DraftContent:
        return json.decode(self._vault.open(state.owner, {"draft": state.content})["draft"], type=DraftContent)

    def _view(self, stored: Stored, *, brief: bool = False) -> DraftView:
        state: Draft = stored.state
        return DraftView(
            code=stored.key.id,
            version=stored.version,
            task_code=state.task_code,
            task_name=self._catalogue.item_name(state.task_code),
            saved_at=state.saved_at,
            expires_at=draft.expires_at(state),
            channels=state.channels,
            case_no=state.case_no,
            content=self._content(state) if state.content and not brief else None,
        )


def _bare(wish: DraftContent) -> DraftContent:
    """What is kept of a content: neither whose it is nor which version it was made from."""
    return structs.replace(wish, on_behalf_of="", version=0)


def _types(item: Item) -> dict[str, Any]:
    """The form's schema with nothing but the fields there are and their types: what is half typed is no mistake."""
    kinds = {
        name: {"type": field["type"]} for name, field in item.form.get("properties", {}).items() if "type" in field
    }
    return {"type": "object", "properties": kinds, "additionalProperties": False}
