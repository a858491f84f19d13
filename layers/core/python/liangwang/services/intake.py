"""收件系统: the citizen applies, follows, supplements and withdraws."""

import hashlib
import hmac
import os
from datetime import datetime, timedelta
from typing import Any, Literal

from msgspec import Struct, json

from .. import texts
from ..access import Mandates, Standing, granted
from ..aggregates import APPLICATION, Key
from ..clock_text import explain
from ..domain import application, case_no, policy, routing, supplement
from ..domain import messages as m
from ..domain.application import Application
from ..domain.catalogue import Catalogue, Item, Text
from ..domain.errors import Invalid, KeyReused, NotFound, Violation
from ..domain.told_clock import clock_told
from ..domain.validity import day_of
from ..forms import canonical, named, partial
from ..http import Request, limit_of
from ..processing import Command, Decide, act, perform
from ..rule_trace import Looked, of_rules
from ..sealing import Sealing
from ..step_up import require_level
from ..store import Store, Stored
from ..timeline import Entry, of_application
from . import duplicates, handing_in
from .handing_in import Entries, HandingIn, Promises

Channel = Literal["pc", "app", "kiosk", "window", "post"]
"""Where an application comes in: online, by mobile, at a terminal, at a window, by post (GB/T 39046-2020 A.5; docs/intake.md)."""


class Apply(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An application: the item, the place (a region code), the filled-in form and the material codes handed in.

    ``promises`` are codes of materials that come later 容缺受理, where the item allows it.

    ``on_behalf_of`` is the account of whom the caller applies for, under a mandate (docs/access.md). ``allow_duplicate``
    makes another case although one of the same item and place is open.
    """

    task_code: str
    place: str
    form: dict[str, Any]
    materials: Entries = ()
    promises: Promises = ()
    channel: Channel = "pc"
    on_behalf_of: str = ""
    allow_duplicate: bool = False


class Supplement(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The answer to a supplement notice: exactly the fields and materials that it asks for. Or materials that were promised."""

    form: dict[str, Any] = {}
    materials: Entries = ()


class Withdrawal(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why the applicant withdraws; may be empty."""

    reason: m.Remark = ""


class CaseView(Struct, frozen=True, kw_only=True):
    """A case as its applicant sees it. ``timeline`` is in the order in which things happened.

    ``agent`` is the account of who applied for the applicant; empty when they applied themselves. ``joint`` is the joint
    application that the case belongs to; in lists it stands there for all cases of it. ``due`` is what the department has
    told of the time it takes, ``time`` says how that came about; None before acceptance. ``promised`` has still to be handed
    in, ``trace`` is what rules looked at and found.
    """

    case_no: str
    task_code: str
    task_name: Text
    status: str
    status_text: Text
    department: Text
    submitted_at: datetime
    agent: str = ""
    joint: str = ""
    due: m.Due | None = None
    time: Text | None = None
    timeline: tuple[Entry, ...] = ()
    notice: m.SupplementRequested | None = None
    decision: m.CaseDecided | None = None
    promised: tuple[m.Promise, ...] = ()
    trace: tuple[Looked, ...] = ()


class CaseList(Struct, frozen=True, kw_only=True):
    """A page of the caller's cases; ``cursor`` leads to the next page."""

    cases: tuple[CaseView, ...]
    cursor: str | None = None


class Intake:
    """What citizens may do, for themselves or under a mandate. Each method is one route."""

    def __init__(self, store: Store, catalogue: Catalogue, sealing: Sealing) -> None:
        self._store = store
        self._mandates = Mandates(store)
        self._catalogue = catalogue
        self._sealing = sealing
        self._handing_in = HandingIn(store)

    def apply(self, request: Request) -> CaseView:
        """Takes in an application. The same ``Idempotency-Key`` gives the same case; another content raises KeyReused.

        A key counts for a day, for one caller and one place: case numbers are made from these, not looked up. Raises
        DuplicateApplication when a case of the same item and place is open, unless the caller allows it.
        """
        wish: Apply = request.body
        key = request.headers.get("idempotency-key", "")
        standing, item = self.examine(request, wish)
        digest = digest_of(wish, key)
        earlier = self._earlier(request, wish, key) if key else None
        if earlier is None:
            number = case_no.build(at=request.now, region=wish.place, entropy=_entropy(request.by.subject, key))
            earlier = self._new(request, standing, wish, item, number=number, digest=digest if key else "")
        state: Application = earlier.state
        if state.applicant != standing.principal or (key and state.digest != digest):
            raise KeyReused("this Idempotency-Key was used for another application; use a new one")
        return self.view(earlier)

    def make_numbered(self, request: Request, wish: Apply, number: str) -> CaseView:
        """Makes the case of a number that the caller has chosen and keeps, however often and by whom. Raises as ``apply``."""
        standing, item = self.examine(request, wish)
        key = Key(APPLICATION.name, number)
        stored = self._store.load([key])[key]
        if not stored.history:
            stored = self._new(request, standing, wish, item, number=number, digest="")
        return self.view(stored)

    def knows(self, number: str) -> bool:
        """Whether there is a case of this number."""
        key = Key(APPLICATION.name, number)
        return bool(self._store.load([key])[key].history)

    def examine(self, request: Request, wish: Apply) -> tuple[Standing, Item]:
        """How the caller stands to the applicant, and the item. Raises NotFound, Invalid for what can be seen in the wish."""
        standing = self._standing(request, wish.on_behalf_of, "application.submit", task_code=wish.task_code)
        item = self._catalogue.items.get(wish.task_code)
        self._check(wish, item, applicant_type=int(standing.applicant_type))
        assert item is not None
        require_level(request.by, item.assurance, principal=standing.level)
        return standing, item

    def mine(self, request: Request) -> CaseList:
        """The caller's cases, or those of ``on_behalf_of`` that a mandate covers; oldest first, a page at a time.

        A joint application counts once: its first case stands for it.
        """
        standing = self._standing(request, request.query.get("on_behalf_of", ""), "application.list", task_code=None)
        keys, cursor = self._store.held_by(
            APPLICATION, standing.principal, limit=limit_of(request), cursor=request.query.get("cursor")
        )
        loaded = self._store.load(keys)
        counted = (loaded[key] for key in keys if not loaded[key].state.joint or loaded[key].state.joint_first)
        shown = (stored for stored in counted if standing.relation(task_code=_task_code(stored), act="read"))
        return CaseList(cases=tuple(self.view(stored, brief=True) for stored in shown), cursor=cursor)

    def follow(self, request: Request) -> CaseView:
        """One case with its timeline. Raises NotFound for another's case too."""
        return self.view(self.own(request, "application.read")[0])

    def supplement(self, request: Request) -> CaseView:
        """Answers the open supplement notice."""
        wish: Supplement = request.body
        stored, standing = self.own(request, "application.supplement")
        state: Application = stored.state
        submitted = state.submitted
        item = self.item(submitted)
        self._refuse(
            named(partial(item.form), wish.form, under="form")
            + handing_in.violations(item.material_codes, wish.materials)
        )
        public, sealed = self._split(item, wish.form, submitted.case_no, state.department)
        answer = m.ApplicationSupplemented(
            case_no=submitted.case_no,
            department=state.department,
            notice_no="",
            form=public,
            materials=handing_in.codes(wish.materials),
            sealed=sealed,
            attachments=self._handing_in.attachments(
                wish.materials,
                applicant=standing.principal,
                caller=standing.caller,
                now=request.now,
                case_no=submitted.case_no,
                before=state.attachments,
            ),
        )
        asked = supplement.Answerable(
            fields=frozenset(item.form.get("properties", {})), materials=frozenset(one.code for one in item.materials)
        )
        return self._act(
            request,
            "application.supplement",
            lambda state, now: supplement.supplement(state, answer, fields=wish.form, asked=asked),
        )

    def withdraw(self, request: Request) -> CaseView:
        """Asks the department to stop."""
        wish: Withdrawal = request.body
        known: Application = self.own(request, "application.withdraw")[0].state
        department = known.department
        reason = {"reason": wish.reason} if wish.reason else {}
        sealed = self._seal(reason, known.submitted.case_no, department)
        return self._act(
            request,
            "application.withdraw",
            lambda state, now: application.withdraw(state, sealed, department=department),
        )

    def item(self, submitted: m.ApplicationSubmitted) -> Item:
        """The item in the version that the case is pinned to."""
        return self._catalogue.versions[submitted.task_code, submitted.task_version]

    def department_name(self, code: str) -> Text:
        """What a department is called."""
        return self._catalogue.organisation.department[code].name

    def _check(self, wish: Apply, item: Item | None, *, applicant_type: int) -> None:
        found = []
        if item is None:
            found.append(Violation("task_code", "no such item; see GET /api/items"))
        found += routing.misplaced(self._catalogue.organisation, wish.place)
        if item is not None:
            if applicant_type not in item.audience:
                found.append(Violation("task_code", f"this item is not for applicants of type {applicant_type}"))
            found += named(item.form, wish.form, under="form")
            found += handing_in.violations(item.material_codes, wish.materials)
            found += handing_in.unkeepable(item.materials, wish.materials, wish.promises)
        self._refuse(found)

    @staticmethod
    def _refuse(found: list[Violation]) -> None:
        if found:
            raise Invalid("the content does not fit the item; see errors", violations=tuple(found))

    def _earlier(self, request: Request, wish: Apply, key: str) -> Stored | None:
        """The case this key made already: case numbers follow from the key, so only the day can differ."""
        entropy = _entropy(request.by.subject, key)
        days = (request.now, request.now - timedelta(days=1))
        keys = [Key(APPLICATION.name, case_no.build(at=day, region=wish.place, entropy=entropy)) for day in days]
        return next((stored for stored in self._store.load(keys).values() if stored.history), None)

    def _new(
        self, request: Request, standing: Standing, wish: Apply, item: Item, *, number: str, digest: str
    ) -> Stored:
        """A case that is not there yet."""
        if not wish.allow_duplicate:
            duplicates.refuse(
                self._store,
                applicant=standing.principal,
                task_codes={wish.task_code},
                place=wish.place,
                own={number},
            )
        attachments = self._handing_in.attachments(
            wish.materials, applicant=standing.principal, caller=standing.caller, now=request.now
        )
        opened = application.Opened(
            applicant=standing.principal, digest=digest, agent=standing.agent, mandate=standing.mandate_id
        )
        applicant_type = int(standing.applicant_type)
        return self.submit(
            number, opened, wish, item, applicant_type=applicant_type, now=request.now, attachments=attachments
        )

    def submit(
        self,
        number: str,
        opened: application.Opened,
        wish: Apply,
        item: Item,
        *,
        applicant_type: int,
        now: datetime,
        attachments: tuple[m.Attachment, ...] = (),
    ) -> Stored:
        """Makes the case of this number; the one that is there when it was made before. What it takes has been checked.

        Raises Invalid when no department handles the item at the place.
        """
        organisation = self._catalogue.organisation
        department = routing.responsible(organisation, capability=item.capability, place=wish.place, day=day_of(now))
        if department is None:
            raise Invalid("no department", violations=(Violation("place", "no department handles this item here"),))
        public, sealed = self._split(item, wish.form, number, department.code)
        submitted = m.ApplicationSubmitted(
            case_no=number,
            department=department.code,
            task_code=item.task_code,
            task_version=item.task_version,
            place=wish.place,
            applicant_type=applicant_type,
            channel=wish.channel,
            form=public,
            materials=handing_in.codes(wish.materials),
            sealed=sealed,
            attachments=attachments,
            promises=wish.promises,
        )
        key = Key(APPLICATION.name, number)
        command = Command(key, f"apply/{number}", lambda state, at: [] if state else [opened, submitted])
        return perform(self._store, [command], now, known=[Stored(key)])[0].stored()

    def _split(
        self, item: Item, form: dict[str, Any], number: str, department: str
    ) -> tuple[dict[str, Any], m.Sealed | None]:
        """The form without its personal fields, and those sealed to the department, as the policy lets them cross."""
        crossing = policy.crossing("crossing.application", canonical(form), personal=item.personal)
        return crossing.clear, self._seal(crossing.closed, number, department)

    def _seal(self, personal: dict[str, Any], number: str, department: str) -> m.Sealed | None:
        return self._sealing.seal(personal, department=department, case_no=number) if personal else None

    def _act(self, request: Request, action: policy.Action, decide: Decide) -> CaseView:
        """Carries out an act of the applicant or of an agent, who is named beside it."""
        stored, standing = self.own(request, action)
        named = application.by_agent(standing.agent, standing.mandate_id)

        def decided(state: Application, now: datetime) -> list[application.Event]:
            events = list(decide(state, now))
            return [*named, *events] if events else []

        return self.view(act(self._store, request, stored, decided))

    def own(self, request: Request, action: policy.Action) -> tuple[Stored, Standing]:
        """The case that the path names, where the caller is its applicant or may do this for them."""
        number = request.path["case_no"]
        key = Key(APPLICATION.name, number)
        stored = self._store.load([key])[key]
        what = f"you have no case {number}"
        if not stored.history:
            raise NotFound(what)
        standing = self._mandates.standing(request, stored.state.applicant)
        relation = standing.relation(task_code=_task_code(stored), act=policy.act_of(action))
        granted(request.by, action, relation, what=what)
        return stored, standing

    def _standing(self, request: Request, principal: str, action: policy.Action, *, task_code: str | None) -> Standing:
        """How the caller stands to a person (nobody named: to themselves). Raises NotFound when they may not do this."""
        standing = self._mandates.standing(request, principal or request.by.subject)
        relation = standing.relation(task_code=task_code, act=policy.act_of(action))
        granted(request.by, action, relation, what=f"you have no mandate of {principal} for this")
        return standing

    def view(self, stored: Stored, *, brief: bool = False) -> CaseView:
        """A case as its applicant sees it, in a list without the timeline."""
        state: Application = stored.state
        submitted = state.submitted
        clock = clock_told((one.at, one.message) for one in state.progress)
        return CaseView(
            case_no=submitted.case_no,
            task_code=submitted.task_code,
            task_name=self._catalogue.item_name(submitted.task_code, submitted.task_version),
            status=state.status,
            status_text=texts.text(f"status.{state.status}"),
            department=self.department_name(state.department),
            submitted_at=stored.history[0].at,
            agent=state.agent,
            joint=state.joint,
            due=clock.due if clock else None,
            time=explain(clock, None, stored.history[-1].at) if clock and not brief else None,
            timeline=() if brief else of_application(state, self._catalogue.organisation),
            notice=state.notice,
            decision=state.last_word if isinstance(state.last_word, m.CaseDecided) else None,
            promised=state.promised,
            trace=() if brief else of_rules(state, self._catalogue),
        )


def _task_code(stored: Stored) -> str:
    submitted: m.ApplicationSubmitted = stored.state.submitted
    return submitted.task_code


def digest_of(wish: Struct, key: str) -> str:
    """By what a repeated request is told from another of the same ``Idempotency-Key``; it tells nothing of the wish."""
    return hmac.new(key.encode(), json.encode(wish, order="deterministic"), hashlib.sha256).hexdigest()[:32]


def _entropy(subject: str, key: str) -> bytes:
    return hashlib.sha256(f"{subject}|{key}".encode()).digest() if key else os.urandom(8)
