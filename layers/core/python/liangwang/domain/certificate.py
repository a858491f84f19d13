"""证照: the certificates of a case as intake knows them, and whether one holds. Pure.

A certificate is not a thing of its own: what the department told of the case says all there is to know of it.
"""

from datetime import datetime
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from . import messages as m
from .application import Application

Standing = Literal["valid", "expired", "revoked", "replaced"]
"""有效, 已过期, 已注销 (or its decision was revoked 撤销), 已换发."""


class Issued(Struct, frozen=True, kw_only=True):
    """One certificate. ``valid_until`` of None: it does not expire. ``ended_at`` is when it was revoked or replaced; what
    replaced it is ``replaced_by``.
    """

    certificate_no: str
    issued_at: datetime
    valid_until: datetime | None = None
    ended_at: datetime | None = None
    replaced_by: str = ""

    def standing(self, now: datetime) -> Standing:
        """What is to be said of it now. An end that was put to it counts more than one that time puts to it."""
        if self.ended_at is not None:
            return "replaced" if self.replaced_by else "revoked"
        return "expired" if self.valid_until is not None and self.valid_until <= now else "valid"


def issued(state: Application) -> tuple[Issued, ...]:
    """All certificates of a case in the order in which they were issued, whatever order the news of them came in."""
    found: dict[str, Issued] = {}
    for entry in state.progress:
        message, at = entry.message, entry.at
        match message:
            case m.CaseDecided(outcome="granted", certificate_no=str(number)):
                found[number] = Issued(certificate_no=number, issued_at=at, valid_until=message.valid_until)
            case m.CertificateReissued(certificate_no=number, replaces=old):
                if old in found:
                    found[old] = replace(found[old], ended_at=at, replaced_by=number)
                found[number] = Issued(certificate_no=number, issued_at=at, valid_until=message.valid_until)
            case _:
                found = {number: _changed(one, message, at) for number, one in found.items()}
    return tuple(found.values())


def _changed(one: Issued, message: m.Progress, at: datetime) -> Issued:
    """What a message that issues nothing makes of a certificate."""
    if one.ended_at is not None:
        return one
    match message:
        case m.DecisionCorrected(valid_until=datetime() as until):
            return replace(one, valid_until=until)
        case m.CertificateRevoked(certificate_no=one.certificate_no) | m.DecisionRevoked():
            return replace(one, ended_at=at)
    return one


def newest(state: Application) -> Issued | None:
    """The certificate that was issued last, whether it holds or not; None for a case without one."""
    found = issued(state)
    return found[-1] if found else None


def held(state: Application, now: datetime) -> str | None:
    """The number of the certificate of a case that holds now."""
    last = newest(state)
    return last.certificate_no if last is not None and last.standing(now) == "valid" else None
