"""证照查验: whether a certificate holds, for anybody who has its number; nothing of whose it is.

Whoever has the paper in hand reads the holder's name on it, and finds it signed in its QR code (docs/certificates.md).
"""

from datetime import datetime
from html import escape

from msgspec import Struct

from .. import texts
from ..aggregates import APPLICATION, Key
from ..domain import certificate, decisions
from ..domain import messages as m
from ..domain.application import Application
from ..domain.case_no import SHANGHAI
from ..domain.catalogue import Catalogue, Text
from ..domain.certificate import Issued, Standing
from ..domain.errors import NotFound
from ..http import Answer, Request
from ..store import Store
from .results import HTML


class CertificateView(Struct, frozen=True, kw_only=True):
    """What anybody is told of a certificate. ``ended_at`` is when it was revoked or replaced, ``replaced_by`` the number that
    holds in its place.
    """

    certificate_no: str
    standing: Standing
    standing_text: Text
    certificate_name: Text | None
    task_name: Text
    department: Text
    issued_at: datetime
    valid_until: datetime | None
    ended_at: datetime | None
    replaced_by: str
    checked_at: datetime


class Verification:
    """Looks certificates up by their numbers, which name the case."""

    def __init__(self, store: Store, catalogue: Catalogue) -> None:
        self._store = store
        self._catalogue = catalogue

    def verify(self, request: Request) -> CertificateView | Answer:
        """The certificate of this number, as it stands now. Raises NotFound when none was ever issued."""
        number = request.path["certificate_no"]
        found = self._found(number)
        if request.wants != HTML:
            if found is None:
                raise NotFound(f"there is no certificate {number}")
            return self._view(*found, now=request.now)
        if found is None:
            return Answer(_missing(number, request.now), f"{HTML}; charset=utf-8", status=404)
        return Answer(page(self._view(*found, now=request.now)), f"{HTML}; charset=utf-8")

    def _found(self, number: str) -> tuple[Application, Issued] | None:
        case_no = decisions.case_of(number)
        if case_no is None:
            return None
        key = Key(APPLICATION.name, case_no)
        stored = self._store.load([key])[key]
        known = certificate.issued(stored.state) if stored.history else ()
        return next(((stored.state, one) for one in known if one.certificate_no == number), None)

    def _view(self, state: Application, one: Issued, *, now: datetime) -> CertificateView:
        submitted, word = state.submitted, state.last_word
        standing = one.standing(now)
        return CertificateView(
            certificate_no=one.certificate_no,
            standing=standing,
            standing_text=texts.text(f"standing.{standing}"),
            certificate_name=word.certificate_name if isinstance(word, m.CaseDecided) else None,
            task_name=self._catalogue.item_name(submitted.task_code, submitted.task_version),
            department=self._catalogue.organisation.department[state.department].name,
            issued_at=one.issued_at,
            valid_until=one.valid_until,
            ended_at=one.ended_at,
            replaced_by=one.replaced_by,
            checked_at=now,
        )


def page(view: CertificateView) -> str:
    """The answer for a phone: what holds first; every value escaped, no script."""
    values = {
        "standing": view.standing_text,
        "certificate_no": _plain(view.certificate_no),
        "certificate_name": view.certificate_name,
        "task_name": view.task_name,
        "department": view.department,
        "issued_at": _day(view.issued_at),
        "valid_until": _day(view.valid_until),
        "ended_at": _day(view.ended_at),
        "replaced_by": _plain(view.replaced_by),
        "checked_at": _plain(f"{view.checked_at.astimezone(SHANGHAI):%Y-%m-%d %H:%M:%S}"),
    }
    return _page({name: value for name, value in values.items() if value is not None and value.zh})


def _missing(number: str, now: datetime) -> str:
    checked = _plain(f"{now.astimezone(SHANGHAI):%Y-%m-%d %H:%M:%S}")
    return _page(
        {"standing": texts.text("standing.not_found"), "certificate_no": _plain(number), "checked_at": checked}
    )


def _page(values: dict[str, Text]) -> str:
    title = texts.text("verification.title")
    lines = "\n".join(
        f"<dt>{_both(texts.text(f'verification.{name}'))}</dt><dd>{_both(value)}</dd>" for name, value in values.items()
    )
    return (
        '<!doctype html>\n<html lang="zh-CN">\n<head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title.zh)}</title></head>\n<body>\n<h1>{_both(title)}</h1>\n<dl>\n{lines}\n</dl>\n</body>\n</html>\n"
    )


def _both(text: Text) -> str:
    beside = f' <span lang="en">{escape(text.en)}</span>' if text.en else ""
    return escape(text.zh) + beside


def _plain(words: str) -> Text:
    return Text(zh=words, en="")


def _day(at: datetime | None) -> Text | None:
    return None if at is None else _plain(f"{at.astimezone(SHANGHAI):%Y-%m-%d}")
