"""一件事联办: one form and one set of materials for several items that people need together."""

import hashlib
import os
from datetime import datetime, timedelta
from typing import Any

from msgspec import Struct, json

from .. import texts
from ..access import Mandates, Standing, granted
from ..aggregates import JOINT, Key
from ..domain import case_no, joint_item, policy, routing
from ..domain import joint as joints
from ..domain.catalogue import Catalogue, Item, JointItem, JointMember, Text
from ..domain.errors import Invalid, KeyReused, NotFound, NotNow, Violation
from ..domain.joint import Joint, Member
from ..domain.validity import day_of
from ..forms import canonical, named
from ..http import Request, limit_of
from ..processing import Command, act, perform
from ..step_up import require_level
from ..store import Store, Stored
from ..vault import Vault
from . import duplicates, handing_in
from .handing_in import Entries, HandingIn
from .intake import CaseView, Channel, Intake, digest_of
from .joint_progress import JointProgress


class JointApply(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A joint application: the place, the joint form, the materials handed in once, and which optional items are wanted.

    ``allow_duplicate`` as in ``Apply``: an open case of one of its items at the same place is no reason to stop.
    """

    place: str
    form: dict[str, Any]
    materials: Entries = ()
    optional: tuple[str, ...] = ()
    channel: Channel = "pc"
    on_behalf_of: str = ""
    allow_duplicate: bool = False


class JointWithdrawal(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which items of the joint application shall be stopped (task codes); all of them without any."""

    items: tuple[str, ...] = ()


class MemberView(Struct, frozen=True, kw_only=True):
    """One item of a joint application. ``case`` is there once it was submitted."""

    task_code: str
    task_name: Text
    case_no: str
    state: str
    state_text: Text
    waits_for: tuple[str, ...] = ()
    blocked_by: str = ""
    certificate_no: str = ""
    case: CaseView | None = None


class JointView(Struct, frozen=True, kw_only=True):
    """A joint application as its applicant sees it."""

    joint_no: str
    joint_code: str
    name: Text
    status: str
    status_text: Text
    begun_at: datetime
    agent: str = ""
    members: tuple[MemberView, ...]


class JointList(Struct, frozen=True, kw_only=True):
    """A page of the caller's joint applications; ``cursor`` leads to the next page."""

    joint_applications: tuple[JointView, ...]
    cursor: str | None = None


class JointApplications:
    """What citizens may do with joint items, for themselves or under a mandate. Each method is one route."""

    def __init__(self, store: Store, catalogue: Catalogue, vault: Vault, intake: Intake) -> None:
        self._store = store
        self._catalogue = catalogue
        self._vault = vault
        self._intake = intake
        self._mandates = Mandates(store)
        self._handing_in = HandingIn(store)
        self._progress = JointProgress(store, catalogue, vault, intake)

    def apply(self, request: Request) -> JointView:
        """Takes in a joint application; items that wait for no other are applied for at once, the rest when it is their turn.

        The same ``Idempotency-Key`` gives the same joint application; another content raises KeyReused. Raises
        DuplicateApplication when a case of one of its items is open at the place, unless the caller allows it.
        """
        wish: JointApply = request.body
        standing = self._standing(request, wish.on_behalf_of)
        whole = self._catalogue.joint.get(request.path["joint_code"])
        if whole is None:
            raise NotFound(f"no joint item {request.path['joint_code']}; see GET /api/joint-items")
        members = joint_item.chosen(whole, wish.optional)
        self._require(request, standing, [member.item for member in members])
        self._check(wish, whole, members, applicant_type=int(standing.applicant_type), now=request.now)
        level = max(self._catalogue.items[member.item].assurance for member in members)
        require_level(request.by, level, principal=standing.level)
        key = request.headers.get("idempotency-key", "")
        digest = digest_of(wish, key)
        stored = self._earlier(request, whole, wish, key) if key else None
        if stored is None:
            stored = self._begin(request, whole, wish, members, standing, key=key, digest=digest if key else "")
        state: Joint = stored.state
        if state.applicant != standing.principal or (key and state.digest != digest):
            raise KeyReused("this Idempotency-Key was used for another application; use a new one")
        return self._view(self._progress.advance(stored.key, request.now))

    def mine(self, request: Request) -> JointList:
        """The caller's joint applications, oldest first, a page at a time."""
        keys, cursor = self._store.held_by(
            JOINT, request.by.subject, limit=limit_of(request), cursor=request.query.get("cursor")
        )
        loaded = self._store.load(keys)
        return JointList(joint_applications=tuple(self._view(loaded[key], brief=True) for key in keys), cursor=cursor)

    def follow(self, request: Request) -> JointView:
        """One joint application with its cases. Raises NotFound for another's too."""
        return self._view(self._own(request, "application.read")[0])

    def withdraw(self, request: Request) -> JointView:
        """Stops the items that were not applied for yet and withdraws the cases of the others; all, or those named."""
        wish: JointWithdrawal = request.body
        stored, standing = self._own(request, "application.withdraw")
        known = [member.task_code for member in stored.state.members]
        for position, code in enumerate(wish.items):
            if code not in known:
                violation = Violation(f"items[{position}]", f"use one of: {', '.join(known)}")
                raise Invalid("not an item of this joint application", violations=(violation,))
        wanted = wish.items or known

        def decide(state: Joint, now: datetime) -> list[Joint]:
            after = joints.withdraw(state, wanted, now, agent=standing.agent, mandate=standing.mandate_id)
            if after == state and state.has_ended:
                raise NotNow("the joint application has ended; nothing can be withdrawn")
            return [after] if after != state else []

        act(self._store, request, stored, decide)
        return self._view(self._progress.advance(stored.key, request.now))

    # ------------------------------------------------------------------ taking in

    def _check(
        self,
        wish: JointApply,
        whole: JointItem,
        members: tuple[JointMember, ...],
        *,
        applicant_type: int,
        now: datetime,
    ) -> None:
        """Raises Invalid with everything that is wrong."""
        items, found = self._catalogue.items, []
        optional = {one.item for one in whole.members if one.optional}
        for position, code in enumerate(wish.optional):
            if code not in optional:
                found.append(Violation(f"optional[{position}]", f"use one of: {', '.join(sorted(optional)) or 'none'}"))
        for member in members:
            if applicant_type not in items[member.item].audience:
                found.append(Violation("joint_code", f"{member.item} is not for applicants of type {applicant_type}"))
        found += named(joint_item.form(members, items), wish.form, under="form")
        known = {one.material.code for one in joint_item.materials(members, items)}
        found += handing_in.violations(known, wish.materials)
        found += self._misplaced(wish.place, [items[member.item] for member in members], now)
        if found:
            raise Invalid("the content does not fit the joint item; see errors", violations=tuple(found))

    def _misplaced(self, place: str, items: list[Item], now: datetime) -> list[Violation]:
        organisation = self._catalogue.organisation
        return routing.misplaced(organisation, place) or [
            Violation("place", f"no department handles {item.task_code} here")
            for item in items
            if routing.responsible(organisation, capability=item.capability, place=place, day=day_of(now)) is None
        ]

    def _plan(self, number: str, place: str, members: tuple[JointMember, ...], now: datetime) -> tuple[Member, ...]:
        """The members with the numbers that their cases will have: the same however often it is begun."""
        return tuple(
            Member(
                task_code=one.item,
                task_version=self._catalogue.items[one.item].task_version,
                case_no=case_no.build(
                    at=now, region=place, entropy=hashlib.sha256(f"{number}|{one.item}".encode()).digest()
                ),
                after=joint_item.prerequisites(one, members),
                at=now,
            )
            for one in members
        )

    def _begin(
        self,
        request: Request,
        whole: JointItem,
        wish: JointApply,
        members: tuple[JointMember, ...],
        standing: Standing,
        *,
        key: str,
        digest: str,
    ) -> Stored:
        """Writes the plan: from here on every member comes to its end."""
        items, now = self._catalogue.items, request.now
        number = _joint_no(now, wish.place, _entropy(request.by.subject, whole.joint_code, key))
        hidden, form = joint_item.personal(members, items), canonical(wish.form)
        personal = {name: json.encode(value).decode() for name, value in form.items() if name in hidden}
        plan = self._plan(number, wish.place, members, now)
        if not wish.allow_duplicate:
            codes, own = {one.item for one in members}, {one.case_no for one in plan}
            duplicates.refuse(self._store, applicant=standing.principal, task_codes=codes, place=wish.place, own=own)
        begun = Joint(
            applicant=standing.principal,
            agent=standing.agent,
            mandate=standing.mandate_id,
            digest=digest,
            joint_code=whole.joint_code,
            joint_version=whole.joint_version,
            applicant_type=int(standing.applicant_type),
            place=wish.place,
            channel=wish.channel,
            form={name: value for name, value in form.items() if name not in hidden},
            tokens=self._vault.seal(standing.principal, personal),
            materials=handing_in.codes(wish.materials),
            attachments=self._handing_in.attachments(
                wish.materials, applicant=standing.principal, caller=standing.caller, now=now
            ),
            members=plan,
            begun_at=now,
            changed_at=now,
        )
        at = Key(JOINT.name, number)
        command = Command(
            at,
            f"person/{standing.caller}/joint/{number}",
            lambda state, now: [] if state else [joints.begin(begun, now)],
        )
        return perform(self._store, [command], now, known=[Stored(at)])[0].stored()

    def _earlier(self, request: Request, whole: JointItem, wish: JointApply, key: str) -> Stored | None:
        """The joint application that this key made already: its number follows from the key, so only the day can differ."""
        entropy = _entropy(request.by.subject, whole.joint_code, key)
        days = (request.now, request.now - timedelta(days=1))
        keys = [Key(JOINT.name, _joint_no(day, wish.place, entropy)) for day in days]
        return next((stored for stored in self._store.load(keys).values() if stored.history), None)

    # ------------------------------------------------------------------ who may

    def _standing(self, request: Request, principal: str) -> Standing:
        """How the caller stands to the applicant. Raises NotFound unless they may apply for anything of theirs."""
        standing = self._mandates.standing(request, principal or request.by.subject)
        relation = standing.relation(task_code=None, act=policy.act_of("application.submit"))
        granted(request.by, "application.submit", relation, what=f"you have no mandate of {principal} for this")
        return standing

    @staticmethod
    def _require(request: Request, standing: Standing, task_codes: list[str]) -> None:
        """Raises NotFound unless the caller may apply for every one of these items."""
        for code in task_codes:
            relation = standing.relation(task_code=code, act=policy.act_of("application.submit"))
            what = f"you have no mandate of {standing.principal} for {code}"
            granted(request.by, "application.submit", relation, what=what)

    def _own(self, request: Request, action: policy.Action) -> tuple[Stored, Standing]:
        """The joint application that the path names, where the caller is its applicant or may do this for all its items."""
        number = request.path["joint_no"]
        key = Key(JOINT.name, number)
        stored, what = self._store.load([key])[key], f"you have no joint application {number}"
        if not stored.history:
            raise NotFound(what)
        standing = self._mandates.standing(request, stored.state.applicant)
        for member in stored.state.members:
            relation = standing.relation(task_code=member.task_code, act=policy.act_of(action))
            granted(request.by, action, relation, what=what)
        return stored, standing

    # ------------------------------------------------------------------ views

    def _view(self, stored: Stored, *, brief: bool = False) -> JointView:
        state: Joint = stored.state
        cases = {} if brief else self._progress.cases(state)
        whole = self._catalogue.joint_versions.get((state.joint_code, state.joint_version))
        return JointView(
            joint_no=stored.key.id,
            joint_code=state.joint_code,
            name=whole.name if whole else Text(zh=state.joint_code, en=state.joint_code),
            status=state.status,
            status_text=texts.text(f"joint.{state.status}"),
            begun_at=state.begun_at,
            agent=state.agent,
            members=tuple(self._member(one, cases.get(one.case_no)) for one in state.members),
        )

    def _member(self, member: Member, case: Stored | None) -> MemberView:
        return MemberView(
            task_code=member.task_code,
            task_name=self._catalogue.item_name(member.task_code, member.task_version),
            case_no=member.case_no,
            state=member.state,
            state_text=texts.text(f"joint.member.{member.state}"),
            waits_for=member.after if member.state == "waiting" else (),
            blocked_by=member.blocked_by,
            certificate_no=member.certificate_no,
            case=self._intake.view(case, brief=True) if case else None,
        )


def _joint_no(at: datetime, place: str, entropy: bytes) -> str:
    """The number of a joint application: like a case's, and told from one by its first letter."""
    return f"J{case_no.build(at=at, region=place, entropy=entropy)}"


def _entropy(subject: str, joint_code: str, key: str) -> bytes:
    return hashlib.sha256(f"joint|{subject}|{joint_code}|{key}".encode()).digest() if key else os.urandom(8)
