"""审批结果: what a case ended with, for the applicant to keep: as data, on paper, and signed so that anybody can check it."""

from collections.abc import Sequence
from datetime import datetime
from html import escape

from msgspec import Struct, json, structs

from .. import texts
from ..domain import certificate
from ..domain import messages as m
from ..domain.application import Application
from ..domain.case_no import SHANGHAI
from ..domain.catalogue import Text
from ..domain.certificate import Standing
from ..domain.errors import NotNow
from ..http import Answer, Request
from ..tokens import KmsJws
from .intake import Intake

HTML = "text/html"
JOSE = "application/jose"
KIND = "liangwang-result+jws"
"""The ``typ`` of a signed result: it is never taken for a token (RFC 8725, 3.11)."""


class Result(Struct, frozen=True, kw_only=True):
    """How a case ended, as it stands now: corrected, revoked, issued anew. ``document_no`` is the number of a refusal
    不予受理 or a return 退件, ``remedy`` what can be done against it; a certificate that does not expire has no ``valid_until``, and ``certificate_standing`` says whether it holds. Nothing personal: whoever checks a certificate learns what it is, not who applied.
    """

    case_no: str
    task_code: str
    task_name: Text
    outcome: str
    outcome_text: Text
    department: Text
    submitted_at: datetime
    decided_at: datetime
    reasons: tuple[Text, ...] = ()
    document_no: str | None = None
    remedy: Text | None = None
    certificate_no: str | None = None
    certificate_name: Text | None = None
    certificate_standing: Standing | None = None
    valid_until: datetime | None = None


class Results:
    """Results of the caller's own cases, or of those that a mandate lets them read."""

    def __init__(self, intake: Intake, signer: KmsJws, *, issuer: str) -> None:
        self._intake = intake
        self._signer = signer
        self._issuer = issuer

    def result(self, request: Request) -> Result | Answer:
        """The result in the form that is wanted. Raises NotNow as long as the case has not ended."""
        found = self._result(request)
        if request.wants == HTML:
            return Answer(page(found), f"{HTML}; charset=utf-8")
        if request.wants == JOSE:
            return Answer(self._signer.sign(json.encode({"iss": self._issuer, **structs.asdict(found)})), JOSE)
        return found

    def _result(self, request: Request) -> Result:
        stored, _ = self._intake.own(request, "application.read")
        view, state = self._intake.view(stored, brief=True), stored.state
        ended = _ended(state)
        if ended is None:
            raise NotNow("the case has not been decided; follow it at GET /api/applications/{case_no}")
        at, word = ended
        decided = word if isinstance(word, m.CaseDecided) else None
        issued = certificate.newest(state)
        return Result(
            case_no=view.case_no,
            task_code=view.task_code,
            task_name=view.task_name,
            outcome=view.status,
            outcome_text=view.status_text,
            department=view.department,
            submitted_at=view.submitted_at,
            decided_at=at,
            reasons=reasons(state),
            document_no=_document_no(word),
            remedy=word.remedy if isinstance(word, m.CaseRefused) else None,
            certificate_no=issued.certificate_no if issued else None,
            certificate_name=decided.certificate_name if decided else None,
            certificate_standing=issued.standing(request.now) if issued else None,
            valid_until=issued.valid_until if issued else None,
        )


def reasons(state: Application) -> tuple[Text, ...]:
    """Why a case ended as it did, as the department says it now."""
    for entry in reversed(state.progress):
        if isinstance(entry.message, m.DecisionCorrected) and entry.message.reasons:
            return entry.message.reasons
        if isinstance(entry.message, m.LastWord):
            return entry.message.reasons
    return ()


def _document_no(word: m.LastWord) -> str | None:
    match word:
        case m.CaseRefused():
            return word.refusal_doc_no
        case m.CaseReturned():
            return word.return_doc_no
    return None


def _ended(state: Application) -> tuple[datetime, m.LastWord] | None:
    """When the department said its last word, and what it was."""
    for entry in state.progress:
        if isinstance(entry.message, m.LastWord):
            return entry.at, entry.message
    return None


def page(result: Result) -> str:
    """The result as a page to print: Chinese first, English beside it; every value escaped; no script, no style."""
    rows: list[tuple[str, str, str]] = [
        ("case_no", result.case_no, ""),
        ("task_name", result.task_name.zh, result.task_name.en),
        ("department", result.department.zh, result.department.en),
        ("submitted_at", _day(result.submitted_at), ""),
        ("decided_at", _day(result.decided_at), ""),
        ("outcome", result.outcome_text.zh, result.outcome_text.en),
        *(("reason", reason.zh, reason.en) for reason in result.reasons),
    ]
    if result.document_no:
        rows.append(("document_no", result.document_no, ""))
    if result.remedy:
        rows.append(("remedy", result.remedy.zh, result.remedy.en))
    if result.certificate_no:
        rows.append(("certificate_no", result.certificate_no, ""))
    if result.certificate_name:
        rows.append(("certificate_name", result.certificate_name.zh, result.certificate_name.en))
    if result.certificate_standing:
        standing = texts.text(f"standing.{result.certificate_standing}")
        rows.append(("certificate_standing", standing.zh, standing.en))
    if result.valid_until:
        rows.append(("valid_until", _day(result.valid_until), ""))
    shown = [(texts.text(f"result.{name}"), Text(zh, en)) for name, zh, en in rows]
    return paper(texts.text("result.title"), shown)


def paper(title: Text, rows: Sequence[tuple[Text, Text]], *, foot: str = "") -> str:
    """A document as a page: its title, a table of names and values, and what stands below (HTML)."""
    lines = "\n".join(f"<tr><th>{_both(name)}</th><td>{_both(value)}</td></tr>" for name, value in rows)
    return (
        f'<!doctype html>\n<html lang="zh-CN">\n<head><meta charset="utf-8"><title>{escape(title.zh)}</title></head>\n'
        f"<body>\n<h1>{_both(title)}</h1>\n<table>\n{lines}\n</table>\n{foot}</body>\n</html>\n"
    )


def _both(text: Text) -> str:
    beside = f' <span lang="en">{escape(text.en)}</span>' if text.en else ""
    return escape(text.zh) + beside


def _day(at: datetime) -> str:
    return f"{at.astimezone(SHANGHAI):%Y-%m-%d}"
