"""Carries joint applications on: submits what is due, notes what the members' cases have come to.

Everything is looked up afresh and every write is conditional, so it may run as often as anybody likes, at the same time in
several places, and die anywhere: a member that is ``due`` has its case number already, and submitting it twice makes one case.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from msgspec import json, structs

from .. import log
from ..aggregates import APPLICATION, JOINT, Key
from ..aws import AwsError
from ..changes import Change
from ..domain import application, joint, joint_item
from ..domain import messages as m
from ..domain.application import Application
from ..domain.catalogue import Catalogue, Item, JointItem, JointMember
from ..domain.joint import Joint, Member, Seen
from ..processing import Command, Decide, perform
from ..store import Conflict, Store, Stored
from ..vault import Erased, Vault
from .intake import Apply, Intake

PAGE = 20
"""Joint applications that one run of the schedule takes up."""


class JointProgress:
    """Joint applications of one intake."""

    def __init__(self, store: Store, catalogue: Catalogue, vault: Vault, intake: Intake) -> None:
        self._store = store
        self._catalogue = catalogue
        self._vault = vault
        self._intake = intake

    def advance(self, key: Key, now: datetime) -> Stored:
        """Does all that can be done for a joint application now; the answer is how it stands then."""
        stored = self._store.load([key])[key]
        for _ in range(3 * len(stored.state.members) + 3 if stored.history else 0):
            cases = self._cases(stored.state)
            stored = self._looked(stored, cases, now)
            state: Joint = stored.state
            due = [member for member in state.members if member.state == "due"]
            stopping = [member for member in state.members if member.withdrawing and member.state == "submitted"]
            if due:
                stored = self._submit(stored, due, now)
            elif joint.look(state, _seen(cases), now) == state:
                self._withdraw(key, stopping, cases, now)
                break
        return stored

    def look_later(self, stored: Stored, now: datetime) -> None:
        """Notes that nothing was new, so that it is looked at later."""
        command = Command(
            stored.key,
            f"joint/{stored.key.id}/later/{stored.version}",
            lambda state, at: [joint.look_later(state, at)] if state.look_at and state.look_at <= at else [],
        )
        perform(self._store, [command], now, known=[stored])[0].stored()

    def cases(self, state: Joint) -> dict[str, Stored]:
        """The members' cases that exist, by their numbers."""
        return {key.id: stored for key, stored in self._cases(state).items() if stored.history}

    def _cases(self, state: Joint) -> dict[Key, Stored]:
        return self._store.load(Key(APPLICATION.name, member.case_no) for member in state.members)

    def _looked(self, stored: Stored, cases: Mapping[Key, Stored], now: datetime) -> Stored:
        seen = _seen(cases)
        if joint.look(stored.state, seen, now) == stored.state:
            return stored
        return self._changed(stored, "look", lambda state, at: joint.look(state, seen, at), now)

    def _changed(self, stored: Stored, what: str, change: Any, now: datetime) -> Stored:
        """Writes what ``change`` makes of the state, if it makes anything of it."""

        def decide(state: Joint, at: datetime) -> list[Joint]:
            after = change(state, at)
            return [after] if after != state else []

        command = Command(stored.key, f"joint/{stored.key.id}/{what}/{stored.version}", decide)
        return perform(self._store, [command], now, known=[stored])[0].stored()

    def _submit(self, stored: Stored, due: list[Member], now: datetime) -> Stored:
        """Submits the members that are due; they are noted as submitted by the next look."""
        state: Joint = stored.state
        try:
            opened = self._vault.open(state.applicant, state.tokens)
        except Erased:
            return self._changed(stored, "erased", joint.give_up, now)
        form = {**state.form, **{name: json.decode(value) for name, value in opened.items()}}
        for member in due:
            self._submit_one(stored.key.id, state, member, form, now)
        return stored

    def _submit_one(self, joint_id: str, state: Joint, member: Member, form: Mapping[str, Any], now: datetime) -> None:
        plan, members, item = self._planned(state, member)
        codes = joint_item.member_materials(plan, item, state.materials)
        certificates = {
            code: state.certificates[other]
            for code, other in joint_item.waived(plan, members)
            if other in state.certificates and code not in codes
        }
        opened = application.Opened(
            applicant=state.applicant,
            digest="",
            agent=state.agent,
            mandate=state.mandate,
            joint=joint_id,
            joint_first=member == next(one for one in state.members if not one.after),
        )
        wish = Apply(
            task_code=member.task_code,
            place=state.place,
            form=joint_item.member_form(plan, item, members, form, state.certificates),
            materials=(*codes, *certificates),
            channel=state.channel,  # type: ignore[arg-type]  # it came as one of them
        )
        own = joint_item.own_codes(plan, item)
        attachments = (
            *(structs.replace(one, code=own[one.code]) for one in state.attachments if own.get(one.code) in codes),
            *(
                m.Attachment(code=code, origin="certificate", certificate_no=number, name=code)
                for code, number in certificates.items()
            ),
        )
        if certificates:
            log.add(materials_reused=len(certificates))
        self._intake.submit(
            member.case_no,
            opened,
            wish,
            item,
            applicant_type=state.applicant_type,
            now=now,
            attachments=attachments,
        )

    def _planned(self, state: Joint, member: Member) -> tuple[JointMember, tuple[JointMember, ...], Item]:
        """The member as the catalogue has it, with those beside it, in the versions that the joint application began with."""
        whole: JointItem = self._catalogue.joint_versions[state.joint_code, state.joint_version]
        taken = {one.task_code for one in state.members}
        members = tuple(one for one in whole.members if one.item in taken)
        plan = next(one for one in members if one.item == member.task_code)
        return plan, members, self._catalogue.versions[member.task_code, member.task_version]

    def _withdraw(self, key: Key, members: list[Member], cases: Mapping[Key, Stored], now: datetime) -> None:
        """Withdraws cases whose members the applicant wants stopped. One that has ended meanwhile stays as it ended."""

        keys = [Key(APPLICATION.name, member.case_no) for member in members]
        commands = [
            Command(one, f"joint/{key.id}/withdraw", _withdrawal(member))
            for one, member in zip(keys, members, strict=True)
        ]
        for outcome in perform(self._store, commands, now, known=[cases[one] for one in keys]) if keys else ():
            outcome.stored()


class JointFollowing:
    """A step of what follows (``services/followup.py``): goes on when a member's case has ended, and by the clock."""

    def __init__(self, store: Store, progress: JointProgress) -> None:
        self._store = store
        self._progress = progress

    def take(self, changes: Sequence[Change], now: datetime) -> None:
        """Goes on with the joint applications that these changes concern. Raises what a later try may mend."""
        again = [error for error in self._advance(_concerned(changes), now) if isinstance(error, AwsError | Conflict)]
        if again:
            raise again[0]

    def sweep(self, now: datetime) -> None:
        """Goes on with those that nobody has looked at for some time: a record of the stream may have been lost."""
        keys = self._store.due(now, limit=PAGE, queue=JOINT.queue)
        errors = self._advance(keys, now)
        for stored in self._store.load(keys).values():
            if self._store.is_due(stored, now):
                self._progress.look_later(stored, now)
        if errors:
            raise errors[0]

    def _advance(self, keys: Iterable[Key], now: datetime) -> list[Exception]:
        """Each on its own: one that cannot go on does not hold the others."""
        errors: list[Exception] = []
        for key in keys:
            try:
                self._progress.advance(key, now)
            except Exception as error:
                log.write(function="followup", joint=key.id, error=repr(error))
                errors.append(error)
        return errors


def _withdrawal(member: Member) -> Decide:
    def decide(state: Application, at: datetime) -> Sequence[application.Event]:
        if state.is_terminal or state.status == "withdrawing":
            return []
        return [*application.by_agent(member.agent, member.mandate), *application.withdraw(state)]

    return decide


def _concerned(changes: Iterable[Change]) -> dict[Key, None]:
    """The joint applications that may have something to do: a member's case ended, or a member is due or to be stopped."""
    found: dict[Key, None] = {}
    for change in changes:
        state = change.after.state
        if isinstance(state, Application) and state.joint and state.last_word is not None:
            found[Key(JOINT.name, state.joint)] = None
        if isinstance(state, Joint) and any(one.state == "due" or one.withdrawing for one in state.members):
            found[change.after.key] = None
    return found


def _seen(cases: Mapping[Key, Stored]) -> dict[str, Seen]:
    return {key.id: _end(stored.state) for key, stored in cases.items() if stored.history}


def _end(state: Application) -> Seen:
    match state.last_word:
        case m.CaseDecided() as decided:
            return Seen(decided.outcome, decided.certificate_no or "")
        case m.CaseRefused():
            return Seen("refused")
        case m.CaseReturned():
            return Seen("returned")
    return Seen(None)
