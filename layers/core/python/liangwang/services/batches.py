"""批量: the same act on many cases at once, with a result for each; one that fails stops no other."""

from collections.abc import Callable
from typing import Annotated

from msgspec import Meta, Struct

from .. import texts
from ..aggregates import CASE, Key
from ..domain import messages as m
from ..domain import policy
from ..domain.approval import CompleteStep
from ..domain.catalogue import Text
from ..domain.errors import DomainError, Invalid, Violation
from ..domain.officers import Account, GiveStep
from ..http import Request
from ..processing import Command, Decide, Outcome, asked, perform
from ..store import Stored
from .approval import Approval
from .own_cases import CaseSummary, OwnCases

MOST = 50
"""Cases of one batch: each is a write, and a request has seconds."""

CaseNumbers = Annotated[tuple[str, ...], Meta(min_length=1, max_length=MOST)]


class CompleteSteps(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The same opinion on the same step of many cases."""

    case_nos: CaseNumbers
    step: str
    opinion: m.Opinion
    explanation: m.Remark = ""


class GiveSteps(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The same step of many cases goes into somebody's hands: the caller's own when ``officer`` is left out (``GiveStep``)."""

    case_nos: CaseNumbers
    step: str
    officer: Account | None = None
    reason: m.Remark = ""


class NotDone(Struct, frozen=True, kw_only=True):
    """Why a case of a batch was left as it was: what a problem document says (docs/problems.md)."""

    code: str
    title: Text
    detail: str
    errors: tuple[Violation, ...] = ()


class BatchResult(Struct, frozen=True, kw_only=True):
    """What became of one case: as it is now, or the problem."""

    case_no: str
    done: bool
    case: CaseSummary | None = None
    problem: NotDone | None = None


class BatchResults(Struct, frozen=True, kw_only=True):
    """The results in the order of the wish. ``failed`` counts the problems."""

    results: tuple[BatchResult, ...]
    failed: int


class Batches:
    """Reads all cases at once, decides each, and writes side by side.

    A batch that is sent again with its ``Idempotency-Key`` changes nothing that is done; what failed is tried again.
    """

    def __init__(self, cases: OwnCases, approval: Approval) -> None:
        self._cases = cases
        self._approval = approval

    def complete_many(self, request: Request) -> BatchResults:
        """Completes the same step of many cases."""
        wish: CompleteSteps = request.body
        one = CompleteStep(step=wish.step, opinion=wish.opinion, explanation=wish.explanation)
        return self._each(
            request, wish.case_nos, "case.step", lambda stored: self._approval.completion(request, stored, one)
        )

    def give_many(self, request: Request) -> BatchResults:
        """Claims the same step of many cases, or gives it to somebody."""
        wish: GiveSteps = request.body
        one = GiveStep(officer=wish.officer, reason=wish.reason)
        return self._each(
            request, wish.case_nos, "case.give", lambda stored: self._approval.giving(request, stored, wish.step, one)
        )

    def _each(
        self, request: Request, case_nos: tuple[str, ...], action: policy.Action, decision: Callable[[Stored], Decide]
    ) -> BatchResults:
        _require_each_once(case_nos)
        loaded = self._cases.store.load(Key(CASE.name, number) for number in case_nos)
        commands: dict[str, Command] = {}
        refused: dict[str, Exception] = {}
        for key, stored in loaded.items():
            try:
                self._cases.granted(request, action, stored)
                commands[key.id] = asked(request, stored, decision(stored))
            except DomainError as error:
                refused[key.id] = error
        outcomes = perform(self._cases.store, list(commands.values()), request.now, known=loaded.values())
        done = dict(zip(commands, outcomes, strict=True))
        results = tuple(self._result(number, done.get(number), refused.get(number)) for number in case_nos)
        return BatchResults(results=results, failed=sum(not result.done for result in results))

    def _result(self, case_no: str, outcome: Outcome | None, refused: Exception | None) -> BatchResult:
        error = refused if outcome is None else outcome.error
        if outcome is None or outcome.after is None or error is not None:
            return BatchResult(case_no=case_no, done=False, problem=_problem(error))
        return BatchResult(case_no=case_no, done=True, case=self._cases.summary(outcome.after))


def _require_each_once(case_nos: tuple[str, ...]) -> None:
    found = [
        Violation(f"case_nos[{position}]", "name each case once")
        for position, number in enumerate(case_nos)
        if number in case_nos[:position]
    ]
    if found:
        raise Invalid("a case is named twice", violations=tuple(found))


def _problem(error: Exception | None) -> NotDone:
    if not isinstance(error, DomainError):
        return NotDone(code="unforeseen", title=texts.text("problem.unforeseen"), detail="this case failed; try again")
    title = texts.text(f"problem.{error.code}")
    return NotDone(code=error.code, title=title, detail=error.detail, errors=error.violations)
