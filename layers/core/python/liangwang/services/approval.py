"""审批: officers complete the steps that need a person."""

from datetime import datetime
from typing import Any

from ..domain import approval, policy
from ..domain.approval import CompleteStep
from ..domain.case import Case
from ..domain.errors import Forbidden
from ..http import Request
from ..processing import act
from .own_cases import CaseSummary, OwnCases


class Approval:
    """What officers do with a case's steps."""

    def __init__(self, cases: OwnCases) -> None:
        self._cases = cases

    def complete(self, request: Request) -> CaseSummary:
        """Completes the step that the case stands before. Raises Forbidden for a step that is not the caller's role's."""
        stored, _ = self._cases.own(request, "case.step")
        wish: CompleteStep = request.body
        step = policy.STEPS.get(wish.step)
        if step is not None and policy.fields(request.by.role, step, self._cases.standing(request, stored)) is None:
            raise Forbidden(f"role {request.by.role} does not complete step {wish.step}")

        def decide(state: Case, now: datetime) -> Any:
            practice = self._cases.department.practice(state.application)
            return approval.complete_step(state, wish, clerk=request.by.subject, on=practice, now=now)

        return self._cases.summary(act(self._cases.store, request, stored, decide))
