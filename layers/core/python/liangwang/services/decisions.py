"""更正与撤销: a supervisor corrects or revokes a decision, revokes its certificate or issues it anew."""

from collections.abc import Callable, Sequence
from datetime import datetime

from msgspec import Struct

from ..domain import decisions
from ..domain.case import Case, Event
from ..domain.decisions import CertificateRevocation, Correction, Reissue, Revocation
from ..http import Request
from ..processing import act
from .own_cases import OwnCases


class DecisionView(Struct, frozen=True, kw_only=True):
    """What holds now: the case's status, and the certificate where one holds, until when."""

    case_no: str
    status: str
    certificate_no: str | None
    valid_until: datetime | None


class Decisions:
    """What may be done to a decision that was told already. Each method is one route."""

    def __init__(self, cases: OwnCases) -> None:
        self._cases = cases

    def correct(self, request: Request) -> DecisionView:
        """Says what the decision should have said; its outcome stays."""
        wish: Correction = request.body
        return self._act(request, lambda state, now: decisions.correct(state, wish, officer=_officer(request), now=now))

    def revoke(self, request: Request) -> DecisionView:
        """Revokes the decision, and its certificate with it."""
        wish: Revocation = request.body
        return self._act(request, lambda state, now: decisions.revoke(state, wish, officer=_officer(request), now=now))

    def revoke_certificate(self, request: Request) -> DecisionView:
        """Revokes the certificate; the decision stays."""
        wish: CertificateRevocation = request.body
        return self._act(
            request, lambda state, now: decisions.revoke_certificate(state, wish, officer=_officer(request), now=now)
        )

    def reissue(self, request: Request) -> DecisionView:
        """A new certificate in the place of the one that holds."""
        wish: Reissue = request.body
        return self._act(request, lambda state, now: decisions.reissue(state, wish, officer=_officer(request), now=now))

    def _act(self, request: Request, decide: Callable[[Case, datetime], Sequence[Event]]) -> DecisionView:
        stored, _ = self._cases.own(request, "case.decision")
        state: Case = act(self._cases.store, request, stored, decide).state
        return DecisionView(
            case_no=stored.key.id,
            status=state.status,
            certificate_no=state.certificate,
            valid_until=state.certificate_until if state.certificate else None,
        )


def _officer(request: Request) -> str:
    return request.by.subject
