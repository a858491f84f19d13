"""协同请求 as officers see them: those of a case, and those that a department raised for a task."""

from datetime import datetime
from typing import Literal

from msgspec import Struct

from ..domain import case_events, task_events
from ..domain import messages as m
from ..domain.catalogue import Join, Text
from ..store import Stored


class AskedView(Struct, frozen=True, kw_only=True):
    """One question of a request: to whoever has the capability at the place."""

    capability: str
    place: str
    question: Text
    days: int
    lead: bool


class RequestView(Struct, frozen=True, kw_only=True):
    """A request to other departments. ``state`` is ``open``, ``cancelled`` (the centre's word is awaited) or ``concluded``;
    ``due_at`` is there once the centre has given it a later limit; ``within`` is when the requester's own time ends.
    """

    request_id: str
    origin: str
    state: Literal["open", "cancelled", "concluded"]
    raised_at: datetime
    asks: tuple[AskedView, ...]
    join: Join
    days: int
    on_timeout: str
    urges: int
    within: datetime | None = None
    due_at: datetime | None = None
    conclusion: m.CollaborationConcluded | None = None


def views(stored: Stored) -> tuple[RequestView, ...]:
    """The requests of a case or of a task, in the order in which they were raised."""
    events = [recorded.event for recorded in stored.history]
    cancelled = {one.request_id for one in events if isinstance(one, m.CollaborationCancelled)}
    extended = {
        one.request_id: one.due_at
        for one in events
        if isinstance(one, case_events.RequestExtended | task_events.RequestExtended)
    }
    concluded = {one.request_id: one for one in stored.state.conclusions}
    urged = [one.request_id for one in events if isinstance(one, m.CollaborationUrged)]
    return tuple(
        RequestView(
            request_id=one.request_id,
            origin=one.origin,
            state="concluded"
            if one.request_id in concluded
            else "cancelled"
            if one.request_id in cancelled
            else "open",
            raised_at=recorded.at,
            asks=tuple(
                AskedView(
                    capability=ask.capability, place=ask.place, question=ask.question, days=ask.days, lead=ask.lead
                )
                for ask in one.asks
            ),
            join=one.join,
            days=one.days,
            on_timeout=one.on_timeout,
            urges=urged.count(one.request_id),
            within=one.within,
            due_at=extended.get(one.request_id),
            conclusion=concluded.get(one.request_id),
        )
        for recorded in stored.history
        if isinstance(one := recorded.event, m.CollaborationRequested)
    )
