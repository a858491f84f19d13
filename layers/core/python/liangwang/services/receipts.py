"""受理回执: what a department accepted, when, and by when it decides: as data, on paper, and signed so that anybody can check it.

行政许可法 art. 32: acceptance and refusal are told in a dated document with the authority's own seal. The seal here is the
department's name with a signature (JWS) over the whole receipt, by the key that signs results.
"""

from datetime import date, datetime
from html import escape

from msgspec import Struct, json, structs

from .. import texts
from ..domain import messages as m
from ..domain.application import Application
from ..domain.case_no import SHANGHAI
from ..domain.catalogue import Item, Text
from ..domain.errors import NotNow
from ..http import Answer, Request
from ..tokens import KmsJws
from .intake import Intake
from .results import HTML, JOSE, paper

KIND = "liangwang-receipt+jws"
"""The ``typ`` of a signed receipt (RFC 8725, 3.11)."""


class Awaited(Struct, frozen=True, kw_only=True):
    """A material that was promised, and until when it has to come."""

    material: Text
    until: datetime


class Receipt(Struct, frozen=True, kw_only=True):
    """A receipt. ``number`` is the document's; ``deemed`` says that it counts as accepted by ``basis`` because nobody said anything
    in time. ``counts_from`` is the day from which is counted; the due dates are the first that were told.
    """

    number: str
    case_no: str
    task_code: str
    task_name: Text
    department: Text
    accepted_on: date
    materials: tuple[Text, ...]
    deemed: bool = False
    basis: str = ""
    counts_from: date | None = None
    promised_at: datetime | None = None
    statutory_at: datetime | None = None
    awaited: tuple[Awaited, ...] = ()


class Seal(Struct, frozen=True, kw_only=True):
    """The department's seal: its words, and the signature over the receipt (JWS, compact), which holds the receipt itself."""

    text: Text
    signature: str


class SealedReceipt(Struct, frozen=True, kw_only=True):
    """A receipt and the seal under it."""

    receipt: Receipt
    seal: Seal


class Receipts:
    """Receipts of the caller's own cases, or of those that a mandate lets them read."""

    def __init__(self, intake: Intake, signer: KmsJws, *, issuer: str) -> None:
        self._intake = intake
        self._signer = signer
        self._issuer = issuer

    def receipt(self, request: Request) -> SealedReceipt | Answer:
        """The receipt in the form that is wanted. Raises NotNow as long as the application has not been accepted."""
        stored, _ = self._intake.own(request, "application.read")
        found = self._receipt(stored.state)
        signature = self._signer.sign(json.encode({"iss": self._issuer, **structs.asdict(found)}))
        if request.wants == JOSE:
            return Answer(signature, JOSE)
        seal = Seal(text=_both("receipt.seal", found.department), signature=signature)
        if request.wants == HTML:
            return Answer(page(found, seal), f"{HTML}; charset=utf-8")
        return SealedReceipt(receipt=found, seal=seal)

    def _receipt(self, state: Application) -> Receipt:
        told = next((one for one in state.progress if isinstance(one.message, m.CaseAccepted)), None)
        if told is None or not isinstance(told.message, m.CaseAccepted):
            raise NotNow("the application has not been accepted; follow it at GET /api/applications/{case_no}")
        accepted, submitted = told.message, state.submitted
        item = self._intake.item(submitted)
        names = {one.code: one.name for one in item.materials}
        promised = [one for one in accepted.promised if one.material in names]
        due = accepted.due
        return Receipt(
            number=accepted.accept_doc_no,
            case_no=submitted.case_no,
            task_code=item.task_code,
            task_name=item.name,
            department=self._intake.department_name(accepted.department),
            accepted_on=told.at.astimezone(SHANGHAI).date(),
            materials=_handed_in(state, item, until=told.at),
            deemed=accepted.deemed,
            basis=accepted.basis,
            counts_from=due.started_on if due else None,
            promised_at=due.promised_at if due else None,
            statutory_at=due.statutory_at if due else None,
            awaited=tuple(Awaited(material=names[one.material], until=one.until) for one in promised),
        )


def _handed_in(state: Application, item: Item, *, until: datetime) -> tuple[Text, ...]:
    """What had been handed in when it was accepted."""
    came = {code for _, at, said in state.outgoing if at <= until for code in getattr(said, "materials", ())}
    return tuple(one.name for one in item.materials if one.code in came)


def _both(key: str, department: Text) -> Text:
    return Text(zh=texts.text(key, department=department.zh).zh, en=texts.text(key, department=department.en).en)


def page(receipt: Receipt, seal: Seal) -> str:
    """The receipt as a page to print."""
    rows: list[tuple[str, Text]] = [
        ("receipt.number", Text(receipt.number, "")),
        ("result.case_no", Text(receipt.case_no, "")),
        ("result.task_name", receipt.task_name),
        ("result.department", receipt.department),
        ("receipt.accepted_on", Text(f"{receipt.accepted_on:%Y-%m-%d}", "")),
        *(("receipt.material", name) for name in receipt.materials),
    ]
    if receipt.deemed:
        rows.append(("receipt.deemed", Text(receipt.basis, "")))
    if receipt.promised_at and receipt.statutory_at:
        rows.append(("receipt.promised_at", Text(_day(receipt.promised_at), "")))
        rows.append(("receipt.statutory_at", Text(_day(receipt.statutory_at), "")))
    for one in receipt.awaited:
        rows.append(("receipt.awaited", Text(f"{one.material.zh} {_day(one.until)}", one.material.en)))
    rows.append(("receipt.sealed_by", seal.text))
    foot = f"<p>{escape(seal.signature)}</p>\n"
    return paper(texts.text("receipt.title"), [(texts.text(key), value) for key, value in rows], foot=foot)


def _day(at: datetime) -> str:
    return f"{at.astimezone(SHANGHAI):%Y-%m-%d}"
