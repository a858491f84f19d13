"""文书: the documents of a case as PDF, drawn when they are asked for, numbered, and signed in their QR code.

Nothing is stored: a document follows from what the department told, the catalogue and the applicant's name, and the same facts
give the same pages. What the code holds is checked without a network (docs/certificates.md).
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Literal, NamedTuple

from msgspec import Struct, json

from .. import log, texts
from ..accesses import Accesses
from ..aggregates import ACCOUNT, Key
from ..domain import certificate, document
from ..domain import messages as m
from ..domain.account import Account
from ..domain.application import Application
from ..domain.catalogue import Catalogue, Item, Text
from ..domain.errors import NotFound, NotNow
from ..http import Answer, Request
from ..kms_jws import KmsJws
from ..notices import day
from ..store import Store, Stored
from ..vault import Erased, Vault
from .intake import Intake
from .results import reasons

if TYPE_CHECKING:
    from ..pdf import Rendered

PDF = "application/pdf"
KIND = "lw-document"
"""The ``typ`` of what is signed in a QR code (RFC 8725, 3.11); short, because a code has little room."""

Named = Literal["receipt", "supplement", "decision", "certificate"]
"""What a document is called in an address."""

Render = Callable[[document.Document], "Rendered"]


class DocumentLink(Struct, frozen=True, kw_only=True):
    """One document that there is: what it is called in its address, its title and number, and since when it is there."""

    name: Named
    title: Text
    number: str
    issued_at: datetime


class DocumentList(Struct, frozen=True, kw_only=True):
    """The documents of a case."""

    documents: tuple[DocumentLink, ...]


class Claims(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the QR code says under the signature: ``k`` the kind, ``n`` the number, ``t`` the title, ``d`` the department, ``i`` the
    item, ``h`` whose it is, ``iat`` and ``exp`` when it was issued and until when it holds (seconds since 1970).

    The holder's name is what binds the paper to a person: without it, a code copied to another's paper would pass. It says
    nothing that does not stand beside it in print, and does not reach the server (it is behind ``#``).
    """

    k: document.Kind
    n: str
    t: str
    d: str
    i: str
    iat: int
    h: str = ""
    exp: int | None = None


class _Facts(NamedTuple):
    """What one document tells."""

    name: Named
    kind: document.Kind
    number: str
    at: datetime
    listed: Sequence[Text] = ()
    until: datetime | None = None
    more: dict[str, Text] = {}  # noqa: RUF012


class Documents:
    """Documents of the caller's own cases, or of those that a mandate lets them read."""

    def __init__(
        self,
        intake: Intake,
        catalogue: Catalogue,
        templates: Mapping[str, document.Template],
        people: "People",
        signer: KmsJws,
        render: Render,
        *,
        issuer: str,
    ) -> None:
        self._intake = intake
        self._catalogue = catalogue
        self._templates = templates
        self._people = people
        self._signer = signer
        self._render = render
        self._issuer = issuer

    def every(self, request: Request) -> DocumentList:
        """The documents that there are by now."""
        stored, _ = self._intake.own(request, "application.read")
        item = self._item(stored.state)
        return DocumentList(
            documents=tuple(
                DocumentLink(
                    name=one.name, title=self._filled(one, stored, item).title, number=one.number, issued_at=one.at
                )
                for one in _facts(stored.state, item)
            )
        )

    def one(self, request: Request) -> Answer:
        """One of them as PDF. Raises NotFound for a name that no document has, NotNow when it is not there (any more)."""
        name = request.path["name"]
        stored, _ = self._intake.own(request, "application.read")
        item = self._item(stored.state)
        if name not in Named.__args__:  # type: ignore[attr-defined]
            raise NotFound(f"there is no document {name}; see GET /api/applications/{{case_no}}/documents")
        found = next((one for one in _facts(stored.state, item) if one.name == name), None)
        if found is None:
            raise NotNow(f"this case has no {name} now; see GET /api/applications/{{case_no}}/documents")
        _refuse_ended(found, stored.state)
        holder = self._people.name(request, stored.state.applicant)
        drawn = self._render(self._filled(found, stored, item, holder=holder, signed=True))
        log.add(missing_characters=len(drawn.missing))
        file = f'attachment; filename="{found.number}.pdf"'
        return Answer(drawn.content, PDF, headers={"content-disposition": file})

    def _item(self, state: Application) -> Item:
        submitted = state.submitted
        return self._catalogue.versions[submitted.task_code, submitted.task_version]

    def _filled(
        self, facts: _Facts, stored: Stored, item: Item, *, holder: str = "", signed: bool = False
    ) -> document.Document:
        state: Application = stored.state
        template = self._templates[item.documents.get(facts.kind, facts.kind)]
        department = self._catalogue.organisation.department[state.department].name
        values = {
            "number": _plain(facts.number),
            "case_no": _plain(state.submitted.case_no),
            "holder": _plain(holder),
            "item": item.name,
            "department": department,
            "basis": _plain("；".join(item.legal_basis)),
            "submitted_on": _day(stored.history[0].at),
            "issued_on": _day(facts.at),
            **facts.more,
        }
        labels = {name: texts.text(f"document.{name}") for name in document.VALUES}
        filled = document.fill(template, values, labels=labels, listed=facts.listed, code="")
        if not signed:
            return filled
        code = self._code(facts, filled, item, holder=holder)
        online = facts.kind == "certificate"
        note = texts.text("document.check" if online else "document.check_offline", address=f"{self._issuer}/verify")
        return document.fill(template, values, labels=labels, listed=facts.listed, code=code, notes=(note,))

    def _code(self, facts: _Facts, filled: document.Document, item: Item, *, holder: str) -> str:
        claims = Claims(
            k=facts.kind,
            n=facts.number,
            t=filled.title.zh,
            d=filled.department.zh,
            i=item.name.zh,
            h=holder,
            iat=int(facts.at.timestamp()),
            exp=int(facts.until.timestamp()) if facts.until else None,
        )
        signed = self._signer.sign(json.encode(claims))
        return f"{self._issuer}/verify/{facts.number}#{signed}" if facts.kind == "certificate" else signed


class People:
    """Applicants' names, opened for a document; every opening is put on record."""

    def __init__(self, store: Store, vault: Vault, accesses: Accesses) -> None:
        self._store = store
        self._vault = vault
        self._accesses = accesses

    def name(self, request: Request, owner: str) -> str:
        """The name of a person or enterprise; empty when it is not known, or was erased."""
        key = Key(ACCOUNT.name, owner)
        account: Account | None = self._store.load([key])[key].state
        token = account.personal.get("name", "") if account is not None else ""
        if not token:
            return ""
        try:
            name = self._vault.open(owner, {"name": token})["name"]
        except Erased:
            return ""
        self._accesses.record(request.by, request.now, action="application.document", subject=owner, fields=["name"])
        return name


def _facts(state: Application, item: Item) -> list[_Facts]:
    """What documents a case has, in the order in which they came to be; of a kind the newest."""
    found: dict[Named, _Facts] = {}
    for entry in state.progress:
        facts = _told(entry.message, entry.at, state, item)
        if facts is not None:
            found[facts.name] = facts
    issued = certificate.newest(state)
    word = state.last_word
    if issued is not None and isinstance(word, m.CaseDecided):
        more = {
            "certificate": word.certificate_name or item.name,
            "certificate_no": _plain(issued.certificate_no),
            "valid_until": _day(issued.valid_until) if issued.valid_until else texts.text("document.for_ever"),
            "replaces": _plain(_replaced(state, issued.certificate_no)),
        }
        found["certificate"] = _Facts(
            "certificate", "certificate", issued.certificate_no, issued.issued_at, (), issued.valid_until, more
        )
    return list(found.values())


def _told(message: m.Progress, at: datetime, state: Application, item: Item) -> _Facts | None:
    """The document that a message of the department makes, if it does."""
    names = {one.code: one.name for one in item.materials}
    match message:
        case m.CaseAccepted():
            promised = (f"{names[one.material].zh}（{_day(one.until).zh}）" for one in message.promised)
            handed_in = (names[code].zh for code in state.submitted.materials if code in names)
            more = {"materials": _plain("；".join(handed_in)), "awaited": _plain("；".join(promised))}
            if message.due is not None:
                more |= {"due_on": _day(message.due.promised_at), "statutory_on": _day(message.due.statutory_at)}
            return _Facts("receipt", "receipt", message.accept_doc_no, at, more=more)
        case m.SupplementRequested():
            points = tuple(point.reason for point in message.points)
            more = {"until": _day(message.until)} if message.until else {}
            return _Facts("supplement", "supplement", message.notice_no, at, points, message.until, more)
        case m.CaseRefused():
            return _Facts("decision", "refusal", message.refusal_doc_no, at, message.reasons)
        case m.CaseReturned():
            return _Facts("decision", "return", message.return_doc_no, at, message.reasons)
        case m.CaseDecided(outcome="denied"):
            return _Facts("decision", "denial", f"{message.case_no}-J", at, reasons(state))
        case m.CaseDecided(outcome="granted"):
            issued = certificate.newest(state)
            more = {
                "certificate": message.certificate_name or _plain(""),
                "certificate_no": _plain(issued.certificate_no if issued else ""),
            }
            return _Facts("decision", "approval", f"{message.case_no}-J", at, more=more)
    return None


def _refuse_ended(found: _Facts, state: Application) -> None:
    """What does not hold any more is not drawn any more. Raises NotNow."""
    if state.status == "voided" and found.name in ("decision", "certificate"):
        raise NotNow("the decision was revoked; there is no document of it any more")
    issued = certificate.newest(state)
    if found.name == "certificate" and issued is not None and issued.ended_at is not None:
        raise NotNow(f"certificate {found.number} was revoked; there is no document of it any more")


def _replaced(state: Application, number: str) -> str:
    """The certificate that this one came in the place of; empty for a first one."""
    return next((one.certificate_no for one in certificate.issued(state) if one.replaced_by == number), "")


def _plain(words: str) -> Text:
    return Text(zh=words, en="")


def _day(at: datetime) -> Text:
    return Text(zh=day(at, "zh"), en=day(at, "en"))
