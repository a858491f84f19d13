"""受理 by an officer: accept, ask once, refuse, give back, hand over to the right department. Pure; one function a command.

An officer decides, and answers for it: what the item's rules find against an application stands against accepting it until
the officer says why not. The bounds of 行政许可法 art. 32 hold for officers as for rules.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Annotated

from msgspec import Meta, Struct

from . import acceptance, procedures
from . import messages as m
from .case import Case, Event, evolve
from .catalogue import Item, Organisation, Text
from .course import Practice, facts
from .deadlines import unexamined
from .errors import DomainError, Invalid, NotNow, Violation, require_reason
from .examination import asked_before, examine
from .history import Recorded
from .validity import day_of

Reason = Annotated[str, Meta(min_length=1, max_length=1000)]


class AcceptCase(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Accepts an application. ``explanation`` says why it is accepted although rules find something against it."""

    explanation: m.Remark = ""


class AskedPoint(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One field or material that is wrong, and what to do about it.

    ``arose_from``: in a later notice, what of the answer to the first made it visible (a field or material that it asked for); in
    review, what came up. A first notice has none.
    """

    field: str
    reason: Reason
    arose_from: m.Remark = ""


class RequestSupplement(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The one notice: everything that is wrong, at once."""

    points: Annotated[tuple[AskedPoint, ...], Meta(min_length=1, max_length=50)]


class RefuseCase(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """不予受理: every reason, the article it rests on, and what the applicant can do (empty: review and suit, as the law has it)."""

    reasons: Annotated[tuple[Reason, ...], Meta(min_length=1, max_length=20)]
    basis: Annotated[str, Meta(min_length=1, max_length=200)]
    remedy: m.Remark = ""


class ReturnCase(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """退件: why the applicant gets it back, such as that no permit is needed, or where to apply instead."""

    reason: m.Remark


class TransferCase(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """移送: the code of the department that is the right one, and why."""

    to: str
    reason: m.Remark


class VisibleBefore(DomainError):
    """A second notice names what the first could have named (行政许可法 art. 32(4)): it may not be asked for any more."""

    code = "visible_before"
    status = 409


def accept(state: Case, wish: AcceptCase, *, officer: str, on: Practice, now: datetime) -> Sequence[Event]:
    """受理. Raises NotNow unless the application waits for it, Invalid with what rules find when nothing explains it.

    After the time for a word has passed it is deemed acceptance all the same: it holds from the day the materials came.
    """
    _received(state)
    found = examine(state, on.item, on.evaluate, facts(state, now))
    against = [Violation("explanation", f"say why it is accepted although: {reason.en}") for reason in found.refused]
    against += [
        Violation("explanation", f"say why it is accepted although {one.field}: {one.reason.en}")
        for one in found.points
    ]
    if against and not wish.explanation.strip():
        raise Invalid("rules find something against this application", violations=tuple(against))
    return acceptance.accept(
        state, by=officer, on=on, now=now, explanation=wish.explanation, deemed=acceptance.is_late(state, now)
    )


def request_supplement(
    state: Case, wish: RequestSupplement, *, officer: str, on: Practice, now: datetime
) -> Sequence[Event]:
    """补正告知: before acceptance; or once in review, for what was not to be seen at acceptance: then the clock stands.

    Raises Invalid for a point that is no field or material of the item, VisibleBefore for what could have been asked the
    first time, NotNow when the case waits for something else.
    """
    if state.status == "in_review":
        return _in_review(state, wish, officer=officer, on=on, now=now)
    _waiting(state, now)
    _refuse_unknown(wish, on.item)
    if state.notices:
        _refuse_visible_before(state, wish)
    return [acceptance.request_supplement(state, points_of(wish), by=officer, on=on, now=now)]


def _in_review(state: Case, wish: RequestSupplement, *, officer: str, on: Practice, now: datetime) -> Sequence[Event]:
    _refuse_unknown(wish, on.item)
    if state.clock is not None and any(stop.cause == "supplement" for stop in state.clock.stops):
        raise VisibleBefore("in review a supplement is asked for once; it was")
    before = asked_before(state)
    found = [
        Violation(f"points[{n}].field", f"{one.field} was asked for already")
        for n, one in enumerate(wish.points)
        if one.field in before
    ]
    found += [
        Violation(
            f"points[{n}].arose_from", "say what came up in review: what was visible at acceptance is asked no more"
        )
        for n, one in enumerate(wish.points)
        if not one.arose_from.strip()
    ]
    if found:
        raise VisibleBefore("this could have been asked at acceptance", violations=tuple(found))
    notice = acceptance.request_supplement(state, points_of(wish), by=officer, on=on, now=now)
    stopped = procedures.stop(
        evolve(state, Recorded(now, "", notice)),
        stop_id=notice.notice_no,
        cause="supplement",
        basis=acceptance.LAW,
        approver=officer,
        until=notice.until,
        reason="",
        on=on,
        now=now,
    )
    return [notice, stopped]


def refuse(state: Case, wish: RefuseCase, *, officer: str, on: Practice, now: datetime) -> Sequence[Event]:
    """不予受理. Raises NotNow unless the application waits for it."""
    _waiting(state, now)
    reasons = tuple(_said(reason) for reason in wish.reasons)
    remedy = _said(wish.remedy) if wish.remedy.strip() else None
    return [acceptance.refuse(state, reasons, on=on, by=officer, basis=wish.basis, remedy=remedy)]


def give_back(state: Case, wish: ReturnCase, *, officer: str, on: Practice, now: datetime) -> Sequence[Event]:
    """退件. Raises NotNow unless the application waits, Invalid without a reason."""
    _waiting(state, now)
    require_reason(wish.reason, field="reason", what="a return")
    return acceptance.give_back(state, reasons=(_said(wish.reason),), by=officer, on=on, now=now)


def check_transfer(state: Case, wish: TransferCase, *, item: Item, organisation: Organisation, now: datetime) -> None:
    """Raises NotNow unless the application waits, Invalid without a reason or when the other department is not the right one."""
    _waiting(state, now)
    require_reason(wish.reason, field="reason", what="a transfer")
    other = organisation.department.get(wish.to)
    found = ""
    if other is None:
        found = "no such department"
    elif wish.to == state.department:
        found = "it has the case already"
    elif not other.span.holds(day_of(now)):
        found = "it is not there today"
    elif not other.answers_for(item.capability, day_of(now)):
        found = f"it does not handle this item; it would need the capability {item.capability}"
    elif other.connected != "here":
        found = "it has a system of its own, which cannot be handed a case; ask the applicant to apply there"
    if found:
        raise Invalid("the case cannot be transferred there", violations=(Violation("to", found),))


def transfer(
    state: Case, wish: TransferCase, *, officer: str, sealed: tuple[m.Sealed, ...], now: datetime
) -> Sequence[Event]:
    """移送, what was sealed being ``sealed`` for the other department. What was checked was checked (``check_transfer``)."""
    _waiting(state, now)
    moved = m.CaseTransferred(
        case_no=state.application.case_no,
        department=state.department,
        to=wish.to,
        by=officer,
        reason=wish.reason,
        sealed=sealed,
    )
    return [moved]


def points_of(wish: RequestSupplement) -> tuple[m.Point, ...]:
    """The points as a notice has them."""
    return tuple(m.Point(one.field, _said(one.reason), one.arose_from) for one in wish.points)


def _waiting(state: Case, now: datetime) -> None:
    """Raises NotNow unless anything can be said of the application. Once the time for it has passed it counts as accepted, also
    before a sweep has found that: only where no rule could say how it goes on is it left to officers (``acceptance.wake``).
    """
    _received(state)
    left = any((one.moment, one.about) == ("deemed", unexamined(state)) for one in state.supervised)
    if acceptance.is_late(state, now) and not left:
        raise NotNow("nobody said anything in time: the application counts as accepted (行政许可法 art. 32); accept it")


def _received(state: Case) -> None:
    if state.status != "received":
        raise NotNow(f"the case is {state.status}; it does not wait for acceptance")


def _refuse_unknown(wish: RequestSupplement, item: Item) -> None:
    """Raises Invalid for what the applicant could not answer."""
    known = {*item.form.get("properties", {}), *item.material_codes}
    found: list[Violation] = []
    seen: set[str] = set()
    for position, one in enumerate(wish.points):
        if one.field not in known:
            reason = f"no field or material of this item; known: {', '.join(sorted(known))}"
            found.append(Violation(f"points[{position}].field", reason))
        elif one.field in seen:
            found.append(Violation(f"points[{position}].field", "named twice; say everything about it at once"))
        seen.add(one.field)
    if found:
        raise Invalid("the notice names what cannot be supplemented", violations=tuple(found))


def _refuse_visible_before(state: Case, wish: RequestSupplement) -> None:
    """Raises VisibleBefore unless each point arose from the answer to the notice before."""
    if found := tuple(_visible_before(state, wish)):
        raise VisibleBefore(
            "one notice only, with everything at once: accept, or refuse for what was asked and is still wrong",
            violations=found,
        )


def _visible_before(state: Case, wish: RequestSupplement) -> Iterator[Violation]:
    answered = {point.field for point in state.notices[-1].points}
    before = asked_before(state)
    for position, one in enumerate(wish.points):
        if one.field in before:
            yield Violation(
                f"points[{position}].field", f"{one.field} was asked for already; if it is still wrong, refuse"
            )
        elif one.arose_from not in answered:
            reason = f"name what of the answer made it visible: {', '.join(sorted(answered))}"
            yield Violation(f"points[{position}].arose_from", reason)


def _said(words: str) -> Text:
    """What an officer wrote, in the language it was written in."""
    return Text(zh=words, en=words)
