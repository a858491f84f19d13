"""外部单位: a task for a party without an account goes out as a link that works once; the answer comes back through it.

The link is ``/outside#<token>``: browsers keep what stands behind ``#`` to themselves, so that no server and no log ever
sees the token but in the body of the two calls that need it. The token is signed in KMS with a key and an audience of its own:
to every other route it is no token at all.
"""

import uuid
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from msgspec import Meta, Struct, json

from .. import texts
from ..access import granted
from ..aggregates import COLLABORATION, LINK, Key
from ..domain import messages as m
from ..domain import outside_link, policy
from ..domain.catalogue import Catalogue, Text
from ..domain.collaboration import Collaboration, Task
from ..domain.errors import NotFound, NotNow
from ..domain.outside_link import LinkAnswered, LinkIssued, LinkRecalled, LinkWorthless
from ..envelope import wrap
from ..http import Answer, Request
from ..kms_jws import KmsJws
from ..outside_page import HEADERS, page
from ..processing import Command, act, perform
from ..store import Store, Stored
from .centre import Centre

AUDIENCE = "liangwang-outside"
KIND = "outside-link+jwt"
HTML = "text/html"

Token = Annotated[str, Meta(max_length=4000)]


class OutsideLink(Struct, frozen=True, kw_only=True):
    """A link for an outside party: ``link`` stands behind the address of this API. It is shown once and kept nowhere."""

    link: str
    task_id: str
    party: str
    name: Text
    expires_at: datetime


class OutsideKey(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What stands behind ``#`` in the link."""

    token: Token


class OutsideReport(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The party's answer. A disagreement says why."""

    token: Token
    opinion: Literal["agree", "disagree"]
    explanation: m.Remark = ""


class OutsideField(Struct, frozen=True, kw_only=True):
    """One fact that the question rests on."""

    name: str
    label: Text
    value: Any


class OutsideTask(Struct, frozen=True, kw_only=True):
    """What an outside party is asked: by whom, what, about which place, and until when. Nothing personal is in it."""

    party: Text
    requester: Text
    question: Text
    place: Text
    form: tuple[OutsideField, ...]
    due_at: datetime
    expires_at: datetime


class OutsideReceipt(Struct, frozen=True, kw_only=True):
    """The answer was taken, once and for all."""

    opinion: Literal["agree", "disagree"]
    explanation: str
    thanks: Text


class Seal:
    """Signs tokens of links and checks them. Only the signature says that a link is ours; whether it works is kept in the table."""

    def __init__(self, signer: KmsJws, public_key: Callable[[], ec.EllipticCurvePublicKey], *, issuer: str) -> None:
        self._signer = signer
        self._public_key = public_key
        self._issuer = issuer
        self._known: ec.EllipticCurvePublicKey | None = None

    def token(self, link: LinkIssued) -> str:
        """The token of a link: the same however often it is made, but for its signature."""
        claims = {
            "iss": self._issuer,
            "aud": AUDIENCE,
            "sub": link.party,
            "event": link.collaboration_id,
            "task": link.task_id,
            "iat": int(link.issued_at.timestamp()),
            "exp": int(link.expires_at.timestamp()),
            "jti": link.jti,
        }
        return self._signer.sign(json.encode(claims))

    def opened(self, token: str) -> dict[str, Any]:
        """The claims of a token of ours. Raises LinkWorthless. Its expiry is looked at where everything else is."""
        self._known = self._known or self._public_key()
        try:
            if jwt.get_unverified_header(token).get("typ") != KIND:
                raise LinkWorthless("this is no link of ours")
            claims: dict[str, Any] = jwt.decode(
                token,
                key=self._known,
                algorithms=["ES256"],
                audience=AUDIENCE,
                issuer=self._issuer,
                options={"verify_exp": False, "verify_iat": False, "require": ["exp", "jti", "sub", "event", "task"]},
            )
        except jwt.InvalidTokenError as error:
            raise LinkWorthless("the link is damaged; copy it whole, or ask for a new one") from error
        return claims


class OutsideParties:
    """Links for tasks of departments that are connected by ``link``."""

    def __init__(self, centre: Centre, catalogue: Catalogue, seal: Seal) -> None:
        self._centre = centre
        self._store: Store = centre.store
        self._catalogue = catalogue
        self._organisation = catalogue.organisation
        self._seal = seal

    # ------------------------------------------------------------------ the centre

    def issue(self, request: Request) -> OutsideLink:
        """A link for an open task of an outside party; links of the task that were issued before are worthless from now on."""
        identity, task_id = request.path["collaboration_id"], request.path["task_id"]
        event, key = Key(COLLABORATION.name, identity), Key(LINK.name, task_id)
        loaded = self._store.load([event, key])
        state: Collaboration | None = loaded[event].state
        what = f"your centre has no collaboration event {identity} with such a task"
        if state is None:
            raise NotFound(what)
        centres = policy.centres(self._organisation, [state.region])
        granted(request.by, "link.issue", policy.Thing(centres=centres), what=what)
        task = state.task(task_id)
        if task is None:
            raise NotFound(what)
        party = task.dispatched.department
        found = self._organisation.department.get(party)
        if found is None or found.connected != "link":
            raise NotNow(f"{party} hears of its tasks itself; links are for parties without a system or an account")
        jti, officer = uuid.uuid4().hex, request.by.subject

        def decide(before: LinkIssued | None, now: datetime) -> Sequence[LinkIssued]:
            return outside_link.issue(before, state, task_id, by=officer, jti=jti, now=now)

        link: LinkIssued = act(self._store, request, loaded[key], decide).state
        return OutsideLink(
            link=f"/outside#{self._seal.token(link)}",
            task_id=task_id,
            party=party,
            name=found.name,
            expires_at=link.expires_at,
        )

    # ------------------------------------------------------------------ the party

    def page(self, request: Request) -> Answer:
        """The page that the link opens. It is the same for everybody: what it is about, its script asks with the token."""
        return Answer(page(), f"{HTML}; charset=utf-8", headers=HEADERS)

    def task(self, request: Request) -> OutsideTask:
        """The question. Whoever opens it first has signed for it 签收."""
        wish: OutsideKey = request.body
        link, stored = self._found(wish.token)
        task = outside_link.open_task(link, stored.state, stored.history, jti=link.jti, now=request.now)
        if task.status == "dispatched":
            signed = m.TaskSigned(**_named(task), by=outside_link.cause_of(link.jti))
            self._tell(signed, f"{outside_link.cause_of(link.jti)}/opened", stored, request.now)
        return self._view(task, link)

    def report(self, request: Request) -> OutsideReceipt:
        """The party's answer, through the centre's own decision: once, however often it is sent."""
        wish: OutsideReport = request.body
        outside_link.check_answer(wish.opinion, wish.explanation)
        link, stored = self._found(wish.token)
        cause = outside_link.cause_of(link.jti)
        if outside_link.answered(stored.history, link.jti) is None:
            task = outside_link.open_task(link, stored.state, stored.history, jti=link.jti, now=request.now)
            said = m.TaskReported(**_named(task), by=cause, opinion=wish.opinion, explanation=wish.explanation)
            stored = self._tell(said, cause, stored, request.now)
        taken = outside_link.answered(stored.history, link.jti)
        if taken is None:
            raise LinkRecalled("your answer is not needed any more; thank you")
        if (taken.opinion, taken.explanation) != (wish.opinion, wish.explanation):
            raise LinkAnswered("this link was answered; for a change, ask whoever sent it")
        return OutsideReceipt(opinion=taken.opinion, explanation=taken.explanation, thanks=texts.text("outside.thanks"))

    def _found(self, token: str) -> tuple[LinkIssued, Stored]:
        """The link as the token has it, if it is the newest, and the event. Raises LinkWorthless and its kinds."""
        claims = self._seal.opened(token)
        event, key = Key(COLLABORATION.name, str(claims["event"])), Key(LINK.name, str(claims["task"]))
        loaded = self._store.load([event, key])
        newest: LinkIssued | None = loaded[key].state
        if newest is None:
            raise outside_link.LinkExpired("the link has expired; ask whoever sent it for a new one")
        if newest.jti != claims["jti"] and outside_link.answered(loaded[event].history, str(claims["jti"])) is None:
            raise outside_link.LinkReplaced("a newer link was sent to you; use that one")
        until = datetime.fromtimestamp(claims["exp"], UTC)
        mine = newest if newest.jti == claims["jti"] else _of_claims(claims, newest, until)
        return mine, loaded[event]

    def _tell(self, message: m.Message, cause: str, stored: Stored, now: datetime) -> Stored:
        """Hands what the party says to the centre, as if it had come over the bus; the event after it."""
        command: Command | None = self._centre.route(wrap(message, id=cause, time=now))
        assert command is not None
        return perform(self._store, [command], now, known=[stored])[0].stored()

    def _view(self, task: Task, link: LinkIssued) -> OutsideTask:
        sent, organisation = task.dispatched, self._organisation
        unknown = Text(zh=sent.requester, en=sent.requester)
        requester = organisation.department.get(sent.requester)
        place = organisation.region.get(sent.ask.place)
        return OutsideTask(
            party=organisation.department[sent.department].name,
            requester=requester.name if requester else unknown,
            question=sent.ask.question,
            place=place.name if place else Text(zh=sent.ask.place, en=sent.ask.place),
            form=tuple(self._fields(sent)),
            due_at=task.due_at,
            expires_at=link.expires_at,
        )

    def _fields(self, sent: m.TaskDispatched) -> list[OutsideField]:
        """What the ask names of the form; a party is shown nothing that nobody thought of."""
        item = self._catalogue.items.get(sent.task_code)
        known = item.form.get("properties", {}) if item else {}
        personal = item.personal if item else ()
        return [
            OutsideField(name=name, label=_label(known.get(name, {}), name), value=sent.form[name])
            for name in sent.ask.fields or ()
            if name in sent.form and name not in personal
        ]


def _of_claims(claims: dict[str, Any], newest: LinkIssued, until: datetime) -> LinkIssued:
    """A link that was answered before a newer one was issued, as its own token tells."""
    return LinkIssued(
        jti=str(claims["jti"]),
        task_id=newest.task_id,
        collaboration_id=newest.collaboration_id,
        party=newest.party,
        by=newest.by,
        issued_at=newest.issued_at,
        expires_at=until,
    )


def _label(field: dict[str, Any], name: str) -> Text:
    title = str(field.get("title", name))
    return Text(zh=title, en=str(field.get("x-title-en", title)))


def _named(task: Task) -> dict[str, Any]:
    sent = task.dispatched
    return {
        "case_no": sent.case_no,
        "task_id": sent.task_id,
        "collaboration_id": sent.collaboration_id,
        "department": sent.department,
    }
