"""受理 at the desk: an officer accepts, asks once, refuses, gives back, or hands over to the right department."""

from collections.abc import Callable, Sequence
from datetime import datetime

from msgspec import Struct

from ..aggregates import CASE, Key
from ..domain import messages as m
from ..domain import officer_acceptance
from ..domain.case import Case, Event
from ..domain.catalogue import Text
from ..domain.course import Practice
from ..domain.errors import NotFound, NotNow
from ..domain.officer_acceptance import AcceptCase, RefuseCase, RequestSupplement, ReturnCase, TransferCase
from ..domain.policy import Action
from ..http import Request
from ..processing import act
from ..sealing import Sealing
from .own_cases import CaseSummary, OwnCases


class Transferred(Struct, frozen=True, kw_only=True):
    """Where a case went. It is not the caller's department's any more."""

    case_no: str
    to: str
    department: Text


class AcceptanceDesk:
    """Applications that wait for an officer of their department. Each method is one route."""

    def __init__(self, cases: OwnCases, sealing: Sealing) -> None:
        self._cases = cases
        self._sealing = sealing

    def accept(self, request: Request) -> CaseSummary:
        """受理. The rules' own steps follow at once."""
        wish: AcceptCase = request.body
        return self._act(
            request,
            "case.accept",
            lambda state, on, now: officer_acceptance.accept(state, wish, officer=request.by.subject, on=on, now=now),
        )

    def request_supplement(self, request: Request) -> CaseSummary:
        """补正告知, before acceptance or once in review."""
        wish: RequestSupplement = request.body
        return self._act(
            request,
            "case.ask",
            lambda state, on, now: officer_acceptance.request_supplement(
                state, wish, officer=request.by.subject, on=on, now=now
            ),
        )

    def refuse(self, request: Request) -> CaseSummary:
        """不予受理."""
        wish: RefuseCase = request.body
        return self._act(
            request,
            "case.refuse",
            lambda state, on, now: officer_acceptance.refuse(state, wish, officer=request.by.subject, on=on, now=now),
        )

    def give_back(self, request: Request) -> CaseSummary:
        """退件."""
        wish: ReturnCase = request.body
        return self._act(
            request,
            "case.return",
            lambda state, on, now: officer_acceptance.give_back(
                state, wish, officer=request.by.subject, on=on, now=now
            ),
        )

    def transfer(self, request: Request) -> Transferred:
        """移送. What was sealed to this department is sealed anew for the other; all of it is one write.

        An officer who repeats a transfer of their own is answered as the first time: the case is not theirs any more.
        """
        wish: TransferCase = request.body
        organisation = self._cases.department.catalogue.organisation
        try:
            stored, _ = self._cases.own(request, "case.transfer")
        except NotFound:
            if not self._is_done(request, wish):
                raise
            return Transferred(
                case_no=request.path["case_no"], to=wish.to, department=organisation.department[wish.to].name
            )
        state: Case = stored.state
        item = self._cases.department.item(state.application)
        officer_acceptance.check_transfer(state, wish, item=item, organisation=organisation, now=request.now)
        sealed = self._sealed_for(wish.to, state, stored.key.id)

        def decide(current: Case, now: datetime) -> Sequence[Event]:
            if (current.sealed, current.department) != (state.sealed, state.department):
                raise NotNow("the case has changed meanwhile; look at it again")
            return officer_acceptance.transfer(current, wish, officer=request.by.subject, sealed=sealed, now=now)

        act(self._cases.store, request, stored, decide)
        return Transferred(case_no=stored.key.id, to=wish.to, department=organisation.department[wish.to].name)

    def _act(
        self, request: Request, action: Action, decide: Callable[[Case, Practice, datetime], Sequence[Event]]
    ) -> CaseSummary:
        stored, _ = self._cases.own(request, action)
        practice = self._cases.department.practice(stored.state.application)
        after = act(self._cases.store, request, stored, lambda state, now: decide(state, practice, now))
        return self._cases.summary(after)

    def _sealed_for(self, department: str, state: Case, case_no: str) -> tuple[m.Sealed, ...]:
        """The applicant's personal data for another department; in the clear only in between, and nowhere written."""
        return tuple(
            self._sealing.seal(
                self._sealing.open(one, department=before, case_no=case_no), department=department, case_no=case_no
            )
            for one, before in zip(state.sealed, state.sealed_for, strict=True)
        )

    def _is_done(self, request: Request, wish: TransferCase) -> bool:
        """Whether the caller handed the case over to that department before."""
        key = Key(CASE.name, request.path["case_no"])
        stored = self._cases.store.load([key])[key]
        return any(
            isinstance(one.event, m.CaseTransferred)
            and (one.event.by, one.event.department, one.event.to)
            == (request.by.subject, request.by.department, wish.to)
            for one in stored.history
        )
