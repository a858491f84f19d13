"""协同请求 at the requester's desk: what officers of a case ask other departments."""

from collections.abc import Callable, Sequence
from datetime import datetime

from msgspec import Struct

from ..domain import messages as m
from ..domain import requests
from ..domain.case import Case, Event
from ..domain.course import Practice
from ..domain.question import AskOthers
from ..http import Request
from ..processing import act
from .own_cases import OwnCases
from .request_views import RequestView, views


class RequestReason(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why a request is urged, or cancelled."""

    reason: m.Remark


class CaseRequests(Struct, frozen=True, kw_only=True):
    """What a case asks other departments, oldest first."""

    case_no: str
    status: str
    collaborations: tuple[RequestView, ...]


class CaseCollaboration:
    """What officers of a case ask others. Each method is one route."""

    def __init__(self, cases: OwnCases) -> None:
        self._cases = cases

    def ask(self, request: Request) -> CaseRequests:
        """Raises a request; the case waits for the answers."""
        wish: AskOthers = request.body
        organisation = self._cases.department.catalogue.organisation
        return self._act(
            request,
            lambda state, on, now: requests.ask_others(state, wish, organisation=organisation, on=on, now=now),
        )

    def urge(self, request: Request) -> CaseRequests:
        """催办 by the requester."""
        wish: RequestReason = request.body
        name, by = request.path["request_id"], request.by.subject
        return self._act(request, lambda state, on, now: requests.urge(state, name, officer=by, reason=wish.reason))

    def cancel(self, request: Request) -> CaseRequests:
        """Takes a question of an officer's back."""
        wish: RequestReason = request.body
        name = request.path["request_id"]
        return self._act(request, lambda state, on, now: requests.cancel(state, name, reason=wish.reason))

    def _act(self, request: Request, decide: Callable[[Case, Practice, datetime], Sequence[Event]]) -> CaseRequests:
        stored, _ = self._cases.own(request, "case.collaborate")
        practice = self._cases.department.practice(stored.state.application)
        after = act(self._cases.store, request, stored, lambda state, now: decide(state, practice, now))
        return CaseRequests(case_no=after.key.id, status=after.state.status, collaborations=views(after))
