"""An applicant's personal data and files in full: shown only after it was put on record who sees them, and why."""

from typing import Any

from msgspec import Struct

from ..access import mask
from ..accesses import Accesses
from ..domain import messages as m
from ..domain.case import Case
from ..domain.errors import NotFound, require_reason
from ..http import Request
from ..objects import Link, Objects
from ..sealing import Sealing
from ..store import Stored
from .materials import file_link
from .own_cases import OwnCases
from .personal import Unmask as Unmask
from .personal import chosen


class OpenFile(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why somebody has to open a file of the applicant's, and which version of it (none named: the newest)."""

    reason: m.Remark
    version: int = 0


class PersonalData(Struct, frozen=True, kw_only=True):
    """The applicant's personal data in full; that it was shown, to whom and why, is on record."""

    case_no: str
    personal: dict[str, Any]


class Disclosure:
    """What of a case is closed to all who do not say why they have to see it."""

    def __init__(self, cases: OwnCases, sealing: Sealing, objects: Objects) -> None:
        self._cases = cases
        self._accesses = Accesses(cases.store)
        self._sealing = sealing
        self._objects = objects

    def unmask(self, request: Request) -> PersonalData:
        """Personal data in full, after it was put on record who sees what of which case, and why.

        Raises Invalid without a reason, and for a field that the case does not have; when the record cannot be written,
        nothing is shown.
        """
        wish: Unmask = request.body
        stored, shown = self._cases.own(request, "case.unmask")
        require_reason(wish.reason, field="reason", what="seeing personal data in full")
        personal = opened(self._sealing, stored)
        wanted = chosen(personal, wish)
        self._accesses.record(
            request.by, request.now, action="case.unmask", subject=stored.key.id, fields=wanted, reason=wish.reason
        )
        return PersonalData(case_no=stored.key.id, personal=mask(wanted, shown))

    def open_file(self, request: Request) -> Link:
        """A link by which a file of the case is fetched within five minutes, after it was put on record who opens it and why:
        a scanned document is personal data in full. Raises NotFound when the case has no such file.
        """
        wish: OpenFile = request.body
        stored, _ = self._cases.own(request, "case.material")
        require_reason(wish.reason, field="reason", what="opening a file")
        code = request.path["code"]
        state: Case = stored.state
        files = [
            one
            for one in state.attachments
            if one.code == code and one.material_id and wish.version in (0, one.version)
        ]
        if not files:
            raise NotFound(f"case {stored.key.id} has no file {code} of this version")
        field = f"{code}/{files[-1].version}"
        self._accesses.record(
            request.by, request.now, action="case.material", subject=stored.key.id, fields=[field], reason=wish.reason
        )
        return file_link(self._objects, files[-1].material_id, media_type=files[-1].media_type, now=request.now)


def opened(sealing: Sealing, stored: Stored) -> dict[str, Any]:
    """The applicant's personal data; what a supplement changed stands in the place of what was there before."""
    state: Case = stored.state
    personal: dict[str, Any] = {}
    for sealed, department in zip(state.sealed, state.sealed_for, strict=True):
        personal |= sealing.open(sealed, department=department, case_no=stored.key.id)
    return personal
