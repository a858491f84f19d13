"""更正, 撤销, 注销, 补发: what changes a decision that was told already. Pure.

A supervisor of the department does it, never an officer who took part in the decision, and names the article it rests on.
The decision itself stays in the history; what holds now follows from what came after it.
"""

import re
from collections.abc import Sequence
from datetime import datetime

from msgspec import Struct

from . import messages as m
from .case import Case, Event
from .catalogue import Text
from .errors import Forbidden, Invalid, NotNow, Violation

_NUMBER = re.compile(r"(?P<case_no>.+)-Z(?P<issue>[2-9]|[1-9][0-9]{1,3})?")


class Correction(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """更正: what the decision should have said. ``reasons`` stand in the place of a denial's, ``valid_until`` in that of the
    certificate's last moment; one of the two at least.
    """

    basis: m.Remark
    reason: m.Remark
    reasons: tuple[Text, ...] = ()
    valid_until: datetime | None = None


class Revocation(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """撤销: the decision does not hold any more (行政许可法 art. 69), and its certificate with it."""

    basis: m.Remark
    reason: m.Remark


class CertificateRevocation(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """注销 or 吊销 (行政许可法 art. 70): the certificate does not hold any more, though the case was decided rightly."""

    certificate_no: str
    basis: m.Remark
    reason: m.Remark


class Reissue(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """补发, 换发: a new certificate in the place of ``certificate_no``. It holds as long as the old one did unless
    ``valid_until`` says otherwise (延续, 行政许可法 art. 50).
    """

    certificate_no: str
    basis: m.Remark
    reason: m.Remark
    valid_until: datetime | None = None


def first_number(case_no: str) -> str:
    """The number of a case's first certificate: it follows from the case's, so a retry never makes a second one."""
    return f"{case_no}-Z"


def next_number(certificate_no: str) -> str:
    """The number of the certificate that comes after one: ``…-Z``, ``…-Z2``, ``…-Z3``."""
    found = _NUMBER.fullmatch(certificate_no)
    assert found is not None
    return f"{found['case_no']}-Z{int(found['issue'] or 1) + 1}"


def case_of(certificate_no: str) -> str | None:
    """The case that a certificate was granted in; None for what is no certificate's number."""
    found = _NUMBER.fullmatch(certificate_no)
    return found["case_no"] if found else None


def correct(state: Case, wish: Correction, *, officer: str, now: datetime) -> Sequence[Event]:
    """Corrects the decision. The same correction once more is no event.

    Raises NotNow without a decision that holds, Forbidden for who took part in it, Invalid when nothing, or something that the
    decision does not have, is corrected.
    """
    decided = _decided(state, wish, officer=officer)
    if found := _miscorrected(decided, state, wish):
        raise Invalid("this does not correct the decision; see errors", violations=found)
    corrected = m.DecisionCorrected(
        case_no=decided.case_no,
        department=state.department,
        by=officer,
        reason=wish.reason,
        basis=wish.basis,
        reasons=wish.reasons,
        valid_until=wish.valid_until,
    )
    return [] if state.corrections[-1:] == (corrected,) else [corrected]


def _miscorrected(decided: m.CaseDecided, state: Case, wish: Correction) -> tuple[Violation, ...]:
    found = []
    if not wish.reasons and wish.valid_until is None:
        found.append(Violation("reasons", "say what the decision should have said: reasons, or valid_until"))
    if wish.reasons and decided.outcome != "denied":
        found.append(Violation("reasons", "only a denial has reasons; leave them out"))
    if wish.valid_until is not None and state.certificate is None:
        found.append(Violation("valid_until", "no certificate of this case holds; leave it out"))
    elif wish.valid_until is not None and state.decided_at and _utc(wish.valid_until) <= state.decided_at:
        found.append(Violation("valid_until", "a certificate holds for some time after the decision"))
    return tuple(found)


def revoke(state: Case, wish: Revocation, *, officer: str, now: datetime) -> Sequence[Event]:
    """Revokes the decision. Raises NotNow, Forbidden, Invalid as ``correct``."""
    decided = _decided(state, wish, officer=officer)
    return [
        m.DecisionRevoked(
            case_no=decided.case_no, department=state.department, by=officer, reason=wish.reason, basis=wish.basis
        )
    ]


def revoke_certificate(state: Case, wish: CertificateRevocation, *, officer: str, now: datetime) -> Sequence[Event]:
    """Revokes the certificate that holds. Raises NotNow when another one does, or none; else as ``correct``."""
    decided = _decided(state, wish, officer=officer)
    _holds(state, wish.certificate_no)
    return [
        m.CertificateRevoked(
            case_no=decided.case_no,
            department=state.department,
            certificate_no=wish.certificate_no,
            by=officer,
            reason=wish.reason,
            basis=wish.basis,
        )
    ]


def reissue(state: Case, wish: Reissue, *, officer: str, now: datetime) -> Sequence[Event]:
    """A new certificate in the place of the one that holds. Raises NotNow when another one holds, or none, or it has
    expired: then it takes an application. Else as ``correct``.
    """
    decided = _decided(state, wish, officer=officer)
    _holds(state, wish.certificate_no)
    if state.certificate_until is not None and state.certificate_until <= now:
        raise NotNow(f"certificate {wish.certificate_no} has expired; a new one has to be applied for")
    if wish.valid_until is not None and _utc(wish.valid_until) <= now:
        raise Invalid("valid_until has passed", violations=(Violation("valid_until", "name a moment in the future"),))
    return [
        m.CertificateReissued(
            case_no=decided.case_no,
            department=state.department,
            certificate_no=next_number(wish.certificate_no),
            replaces=wish.certificate_no,
            by=officer,
            reason=wish.reason,
            basis=wish.basis,
            valid_until=wish.valid_until or state.certificate_until,
        )
    ]


def _decided(
    state: Case, wish: Correction | Revocation | CertificateRevocation | Reissue, *, officer: str
) -> m.CaseDecided:
    """The decision that holds, for an officer who may change it, with what every change has to say."""
    missing = [
        Violation(name, what)
        for name, what in (("basis", "name the article it rests on"), ("reason", "say why"))
        if not getattr(wish, name).strip()
    ]
    if missing:
        raise Invalid("a change of a decision has a basis and a reason", violations=tuple(missing))
    if state.decided is None or state.status not in ("granted", "denied"):
        raise NotNow(f"the case is {state.status}; only a case that was granted or denied has a decision to change")
    if any(officer in (done.by, done.on_behalf_of) for done in state.steps):
        raise Forbidden("you took part in this decision; another supervisor must change it")
    return state.decided


def _holds(state: Case, certificate_no: str) -> None:
    if state.certificate != certificate_no:
        holds = f"certificate {state.certificate} holds" if state.certificate else "none holds"
        raise NotNow(f"certificate {certificate_no} does not hold; of this case {holds}")


def _utc(moment: datetime) -> datetime:
    """Moments without a zone cannot be compared with ours."""
    if moment.tzinfo is None:
        violation = Violation("valid_until", "add the time zone, as in 2027-03-01T00:00:00+08:00")
        raise Invalid("valid_until has no time zone", violations=(violation,))
    return moment
