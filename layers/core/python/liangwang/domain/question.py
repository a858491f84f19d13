"""协同请求 by hand: what officers may ask other departments, in a case or for a task that they have in hand. Pure."""

from collections.abc import Collection, Iterable, Iterator
from typing import Annotated, Literal

from msgspec import Meta, Struct

from . import messages as m
from .catalogue import Ask, Join, Organisation, Text
from .errors import Invalid, NotNow, Violation

MOST_ASKS = 10
"""Questions of one request."""

MOST_REQUESTS = 20
"""Requests that officers raise in one case, or for one task."""

LONGEST = 366
"""Working days that supporters are given at most: longer is a mistake."""

HERE = "case"
"""The place that stands for the case's own, or the task's."""


class Wording(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A question to people. In one language it stands for both."""

    zh: m.Remark = ""
    en: m.Remark = ""


class HandAsk(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One question to whoever has a capability 职责 at a place (a region's code, or ``case``).

    ``fields`` are the form's fields that the answer needs (null: all that are not personal), ``personal`` those of its personal
    ones; ``days`` a limit of its own in working days (0: the request's); ``lead`` 主办.
    """

    capability: str
    question: Wording
    place: str = HERE
    fields: tuple[str, ...] | None = None
    personal: tuple[str, ...] = ()
    days: Annotated[int, Meta(ge=0, le=LONGEST)] = 0
    lead: bool = False


class AskOthers(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A request to other departments: the questions, when the answers are enough, the limit in working days, and what holds
    when it passes. ``sign_days`` (0: none) is the limit for signing each task."""

    asks: Annotated[tuple[HandAsk, ...], Meta(min_length=1, max_length=MOST_ASKS)]
    days: Annotated[int, Meta(ge=1, le=LONGEST)]
    join: Join = Join()
    on_timeout: Literal["proceed", "deny", "lift"] = "lift"
    sign_days: Annotated[int, Meta(ge=0, le=LONGEST)] = 0


class Known(Struct, frozen=True, kw_only=True):
    """What a request may speak of: where ``case`` is, the form's fields, and those of them that are personal."""

    place: str
    fields: Collection[str]
    personal: Collection[str] = ()


def asks_of(wish: AskOthers, known: Known, organisation: Organisation) -> tuple[Ask, ...]:
    """The questions with region codes for their places. Raises Invalid, naming every field that is not right.

    Whether somebody is responsible at a place is the centre's to find: what nobody is responsible for it has in hand itself.
    """
    found = [*_of_join(wish), *_twice(wish)]
    for position, ask in enumerate(wish.asks):
        found += _of_ask(f"asks[{position}]", ask, wish, known, organisation)
    if found:
        raise Invalid("these questions cannot be asked; see errors", violations=tuple(found))
    return tuple(_ask(one, known) for one in wish.asks)


def require_new(asks: tuple[Ask, ...], waiting: Iterable[m.CollaborationRequested]) -> None:
    """Raises NotNow for questions that wait for an answer already: a request that is sent again raises no second one."""
    for one in waiting:
        if one.asks == asks:
            raise NotNow(f"this is asked already: {one.request_id} waits for the answer")


def _ask(one: HandAsk, known: Known) -> Ask:
    zh, en = one.question.zh.strip(), one.question.en.strip()
    return Ask(
        capability=one.capability,
        question=Text(zh=zh or en, en=en or zh),
        place=known.place if one.place == HERE else one.place,
        fields=one.fields,
        personal=one.personal,
        days=one.days,
        lead=one.lead,
    )


def _of_ask(here: str, ask: HandAsk, wish: AskOthers, known: Known, organisation: Organisation) -> Iterator[Violation]:
    if ask.capability not in organisation.capabilities:
        yield Violation(f"{here}.capability", "the code of a capability that some department of this city has")
    if not (ask.question.zh.strip() or ask.question.en.strip()):
        yield Violation(f"{here}.question", "say in zh or en what is asked")
    if ask.place != HERE and ask.place not in organisation.region:
        yield Violation(f"{here}.place", f"the code of a region of this city, or {HERE!r}")
    if ask.days > wish.days:
        yield Violation(f"{here}.days", f"at most the request's own {wish.days} working days")
    clear = sorted(set(known.fields) - set(known.personal))
    for position, name in enumerate(ask.fields or ()):
        if name not in clear:
            yield Violation(f"{here}.fields[{position}]", f"one of: {', '.join(clear) or 'none'}")
    for position, name in enumerate(ask.personal):
        if name not in known.personal:
            choices = ", ".join(sorted(known.personal)) or "none: you have no personal data to give"
            yield Violation(f"{here}.personal[{position}]", f"one of: {choices}")


def _of_join(wish: AskOthers) -> Iterator[Violation]:
    join, most = wish.join, len(wish.asks)
    if join.policy == "quorum" and not 1 <= join.count <= most:
        yield Violation("join.count", f"from 1 to {most}: as many as can agree")
    if join.policy != "quorum" and join.count:
        yield Violation("join.count", f"is never looked at: the policy is {join.policy}, not quorum")
    if wish.sign_days > wish.days:
        yield Violation("sign_days", f"at most the request's own {wish.days} working days")


def _twice(wish: AskOthers) -> Iterator[Violation]:
    """Answers are told apart by their capability."""
    seen: set[str] = set()
    for position, ask in enumerate(wish.asks):
        if ask.capability in seen:
            yield Violation(f"asks[{position}].capability", "is asked already; ask it again in a request of its own")
        seen.add(ask.capability)
