"""协调: what operators of a governance centre have to do with collaboration events, and what they do."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Literal, get_args

from msgspec import Struct

from ..access import granted
from ..aggregates import COLLABORATION, Key
from ..domain import centre_acts, disputes, event_queue, policy, reports
from ..domain import messages as m
from ..domain.centre_rules import Governance
from ..domain.collaboration import Collaboration, Event
from ..domain.errors import NotFound
from ..domain.event_queue import Queued, Waits
from ..http import Request, limit_of, one_of
from ..processing import act
from ..store import Store, Stored
from .centres import Centres
from .event_views import CollaborationList, CollaborationSummary, EventView, event_view, seen_by, summary

Decide = Callable[[Collaboration, datetime], Sequence[Event]]

LIGHTS: tuple[m.Light, ...] = get_args(m.Light)


class LiftEvent(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """提级, with the reason."""

    reason: m.Remark


class ExtendEvent(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """延期 by ``days`` working days, with the reason."""

    days: int
    reason: m.Remark


class UrgeEvent(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """催办."""

    reason: m.Remark = ""


class CheckReport(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """核查: the report passes, or it goes back for the ``reason``."""

    verdict: Literal["pass", "return"]
    reason: m.Remark = ""


class AssignTask(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """裁定: the department that an ask is given to, and why."""

    department: str
    explanation: m.Remark


class RecallTask(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """撤回, with the reason: the ask goes ``elsewhere`` at once, or waits until an operator names a department."""

    reason: m.Remark
    elsewhere: bool = True


class AnswerExtension(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whether a department gets the time that it asks for."""

    verdict: Literal["grant", "refuse"]
    reason: m.Remark = ""


class Coordination:
    """Collaboration events before the caller's centre; others' are not found. Each public method is one route."""

    def __init__(self, store: Store, on: Governance) -> None:
        self._store = store
        self._on = on
        self._organisation = on.responsibilities.organisation
        self._centres = Centres(self._organisation)

    # ---- what there is to do

    def queue(self, request: Request) -> CollaborationList:
        """Open events before the caller's centre, or before the named one below it, soonest due first: one query a page. With
        ``case_no`` all events of a case that the caller may see, concluded ones too.
        """
        if case_no := request.query.get("case_no"):
            return self._of_case(request, case_no)
        region = self._centres.one(request, "collaboration.list")
        waits = one_of(request, "waits", get_args(Waits))
        light = one_of(request, "light", LIGHTS)
        limit, narrow = limit_of(request), bool(waits or light)
        found, following = self._store.on_desk(
            event_queue.desk(region), limit=None if narrow else limit, cursor=request.query.get("cursor")
        )
        matching = [one for one in found if _matches(one.entry, waits, light)]
        page = matching[:limit]
        cursor = page[-1].cursor if len(matching) > limit else following
        return CollaborationList(
            collaborations=tuple(summary(one.key.id, one.entry, one.due_at) for one in page), cursor=cursor
        )

    def _of_case(self, request: Request, case_no: str) -> CollaborationList:
        keys, cursor = self._store.held_by(
            COLLABORATION, f"case/{case_no}", limit=limit_of(request), cursor=request.query.get("cursor")
        )
        loaded = self._store.load(keys) if keys else {}
        seen = [loaded[key] for key in keys if self._is_seen(request, loaded[key])]
        return CollaborationList(collaborations=tuple(_summary(stored) for stored in seen), cursor=cursor)

    def _is_seen(self, request: Request, stored: Stored) -> bool:
        if not stored.history:
            return False
        relations = policy.relations(request.by, seen_by(stored.state, self._organisation))
        return policy.fields(request.by.role, "collaboration.list", relations) is not None

    # ---- what is done about a whole event

    def lift(self, request: Request) -> EventView:
        """提级 to the centre above."""
        wish: LiftEvent = request.body
        return self._act(request, lambda state, now: centre_acts.lift(state, reason=wish.reason, on=self._on))

    def extend(self, request: Request) -> EventView:
        """延期."""
        wish: ExtendEvent = request.body
        return self._act(
            request,
            lambda state, now: centre_acts.extend_by(
                state, wish.days, by=request.by.subject, reason=wish.reason, on=self._on, now=now
            ),
        )

    def urge(self, request: Request) -> EventView:
        """催办 of everybody who has not reported."""
        wish: UrgeEvent = request.body
        return self._act(request, lambda state, now: centre_acts.urge(state, by=request.by.subject, reason=wish.reason))

    # ---- what is done about one task

    def check(self, request: Request) -> EventView:
        """核查: passes a report, or sends it back."""
        wish: CheckReport = request.body
        task_id = request.path["task_id"]

        def decide(state: Collaboration, now: datetime) -> Sequence[Event]:
            if wish.verdict == "return":
                return reports.return_report(state, task_id, reason=wish.reason, on=self._on, now=now)
            return reports.pass_report(state, task_id, by=request.by.subject, explanation=wish.reason, now=now)

        return self._act(request, decide)

    def assign(self, request: Request) -> EventView:
        """裁定: names the department for an ask that nobody has. On a decline only the centre above both decides."""
        wish: AssignTask = request.body
        return self._act(
            request,
            lambda state, now: disputes.assign(
                state,
                request.path["task_id"],
                wish.department,
                by=request.by.subject,
                explanation=wish.explanation,
                on=self._on,
                now=now,
            ),
        )

    def recall(self, request: Request) -> EventView:
        """撤回 of a task."""
        wish: RecallTask = request.body
        return self._act(
            request,
            lambda state, now: centre_acts.recall(
                state, request.path["task_id"], reason=wish.reason, elsewhere=wish.elsewhere, on=self._on, now=now
            ),
        )

    def extension(self, request: Request) -> EventView:
        """Grants or refuses the time that a department asks for."""
        wish: AnswerExtension = request.body
        return self._act(
            request,
            lambda state, now: centre_acts.answer_extension(
                state,
                request.path["task_id"],
                wish.verdict,
                by=request.by.subject,
                reason=wish.reason,
                on=self._on,
                now=now,
            ),
        )

    def _act(self, request: Request, decide: Decide) -> EventView:
        """Does it, if the caller's own centre has the event in hand as it is when it is written; who asks again for what is done
        already is told so, wherever the event has gone by it. Raises NotFound for any other.
        """
        key = Key(COLLABORATION.name, request.path["collaboration_id"])
        stored = self._store.load([key])[key]

        def own(state: Collaboration | None, now: datetime) -> Sequence[Event]:
            return decide(self._own(request, state), now)

        return event_view(act(self._store, request, stored, own), self._organisation)

    def _own(self, request: Request, state: Collaboration | None) -> Collaboration:
        what = f"your centre has no collaboration event {request.path['collaboration_id']} in hand"
        if state is None:
            raise NotFound(what)
        task = state.task(request.path.get("task_id", ""))
        disputed = task is not None and task.status == "disputed"
        centre = task.decider if task is not None and disputed and task.decider else state.region
        granted(request.by, "collaboration.act", policy.Thing(centres=frozenset({centre})), what=what)
        return state


def _matches(found: Queued, waits: str, light: str) -> bool:
    return (not waits or waits in found.waits) and (not light or light == found.light)


def _summary(stored: Stored) -> CollaborationSummary:
    state: Collaboration = stored.state
    conclusion = state.conclusion.conclusion if state.conclusion is not None else ""
    return summary(stored.key.id, event_queue.entry(state), state.due_at, conclusion=conclusion)
