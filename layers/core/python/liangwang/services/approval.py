"""审批: officers take steps in hand, complete them, and go back."""

from collections.abc import Sequence
from datetime import datetime

from ..domain import approval, officers
from ..domain.approval import CompleteStep, ReturnStep
from ..domain.case import Case, Event
from ..domain.officers import GiveStep, Officer
from ..http import Request
from ..processing import Decide, act
from ..store import Stored
from .absences import standing_in
from .own_cases import CaseSummary, OwnCases
from .step_files import require_files


class Approval:
    """What officers do with a case's steps."""

    def __init__(self, cases: OwnCases) -> None:
        self._cases = cases

    def complete(self, request: Request) -> CaseSummary:
        """Completes a step that is open. Raises Forbidden for who may not do it (``officers.acts_for``)."""
        stored, _ = self._cases.own(request, "case.step")
        decide = self.completion(request, stored, request.body)
        return self._cases.summary(act(self._cases.store, request, stored, decide))

    def completion(self, request: Request, stored: Stored, wish: CompleteStep) -> Decide:
        """What it comes to when the caller completes a step of this case."""
        officer = self._officer(request, stored, wish.step)
        if wish.attachments:
            require_files(self._cases.store, stored.key.id, wish.attachments)

        def decide(state: Case, now: datetime) -> Sequence[Event]:
            practice = self._cases.department.practice(state.application)
            return approval.complete_step(state, wish, officer=officer, on=practice, now=now)

        return decide

    def give(self, request: Request) -> CaseSummary:
        """Claims a step, hands it over, gives it back, or (a supervisor) gives it to somebody."""
        stored, _ = self._cases.own(request, "case.give")
        decide = self.giving(request, stored, request.path["step"], request.body)
        return self._cases.summary(act(self._cases.store, request, stored, decide))

    def giving(self, request: Request, stored: Stored, step: str, wish: GiveStep) -> Decide:
        """What it comes to when the caller claims a step of this case, or gives it to somebody."""
        officer = self._officer(request, stored, step)

        def decide(state: Case, now: datetime) -> Sequence[Event]:
            return officers.give(
                state, step, wish, officer=officer, item=self._cases.department.item(state.application)
            )

        return decide

    def go_back(self, request: Request) -> CaseSummary:
        """Returns the case to an earlier step, or takes the caller's own opinion back."""
        stored, _ = self._cases.own(request, "case.step")
        wish: ReturnStep = request.body
        step = request.path["step"]
        officer = self._officer(request, stored, step)

        def decide(state: Case, now: datetime) -> Sequence[Event]:
            practice = self._cases.department.practice(state.application)
            return approval.return_step(state, step, wish, officer=officer, on=practice, now=now)

        return self._cases.summary(act(self._cases.store, request, stored, decide))

    def _officer(self, request: Request, stored: Stored, step: str) -> Officer:
        """The caller, and whether they stand in for who has the step in hand: asked only where that is somebody else."""
        state: Case = stored.state
        name, department = request.by.subject, state.department
        others = officers.others_with(state, step, name)
        absent = standing_in(self._cases.store, department, others, name=name, now=request.now)
        return Officer(name=name, role=request.by.role, stands_in_for=absent)
