"""A case's timeline for people: every recorded event as a sentence in Chinese and English."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from msgspec import Struct, structs

from . import texts
from .domain import application
from .domain.catalogue import Organisation, Text
from .domain.history import Recorded
from .domain.message_parts import Due
from .notices import day


class Entry(Struct, frozen=True, kw_only=True):
    """One line: when it happened, what kind of event it was, and the sentence.

    ``agent`` is the account of whoever did it for the applicant; empty for the applicant and for officials.
    """

    at: datetime
    event: str
    text: Text
    agent: str = ""


def of_application(state: application.Application, organisation: Organisation) -> tuple[Entry, ...]:
    """The citizen's timeline: what they said and what the department told.

    What the department told stands in its own sequence, even where its clock went back; the citizen's words go between
    by time.
    """
    shown: list[tuple[datetime, datetime, Any, str]] = [
        (at, at, said, state.agents.get(version, "")) for version, at, said in state.outgoing
    ]
    reached = state.outgoing[0][1]
    for told in state.progress:
        reached = max(reached, told.at)
        shown.append((reached, told.at, told.message, ""))
    shown.sort(key=lambda entry: entry[0])  # stable: equal moments keep the sequence
    return tuple(structs.replace(_entry(at, event, organisation), agent=agent) for _, at, event, agent in shown)


def of_history(history: Iterable[Recorded[Any]], organisation: Organisation) -> tuple[Entry, ...]:
    """Every event of an aggregate, for those who work on it."""
    return tuple(_entry(recorded.at, recorded.event, organisation) for recorded in history)


def _entry(at: datetime, event: Any, organisation: Organisation) -> Entry:
    kind = str(event.__struct_config__.tag)
    if isinstance(event, application.Progressed | application.HeardEarly):
        told = _entry(at, event.message, organisation).text
        zh, en = {"told": told.zh}, {"told": told.en}
    else:
        zh, en = _values(event, organisation, "zh"), _values(event, organisation, "en")
    key = _key(event, f"timeline.{kind}")
    text = Text(zh=texts.text(key, **zh).zh, en=texts.text(key, **en).en)
    return Entry(at=at, event=kind, text=text)


def _key(event: Any, key: str) -> str:
    """The sentence for an event: another one for what the law deems done, and for what was refused instead of given or taken."""
    if getattr(event, "deemed", False):
        return f"{key}.deemed"
    was_refused = not getattr(event, "taken", True) or getattr(event, "sealed", event) is None
    return f"{key}.refused" if was_refused and texts.has(f"{key}.refused") else key


def _values(event: Any, organisation: Organisation, language: str) -> dict[str, Any]:
    """The event's fields as the sentence names them, in one language."""
    values: dict[str, Any] = {}
    for name, value in structs.asdict(event).items():
        values[name] = _shown(name, value, organisation, language)
    if values.get("department") == "" and values.get("centre"):
        values["department"] = values["centre"]  # a centre that asks, for a grid event
    request = getattr(event, "request", None) or getattr(event, "task", None) or getattr(event, "application", None)
    if request is not None:
        values |= _values(request, organisation, language)
        if not values.get("department"):
            values["department"] = values.get("centre", "")  # a centre that asks itself
    if ask := getattr(event, "ask", None) or getattr(request, "ask", None):
        values["question"] = getattr(ask.question, language)
    return values


def _shown(name: str, value: Any, organisation: Organisation, language: str) -> Any:
    if name in ("department", "requester", "supporter", "to", "unit") and value in organisation.department:
        return getattr(organisation.department[value].name, language)
    if name in ("region", "decided_by", "unit", "centre") and value in organisation.region:
        return getattr(organisation.region[value].name, language)
    if name in ("step", "to"):
        return getattr(texts.step(value), language)
    if name in (
        "opinion",
        "outcome",
        "conclusion",
        "state",
        "cause",
        "finding",
        "kind",
        "result",
        "stage",
        "light",
    ) and texts.has(f"word.{value}"):
        return getattr(texts.text(f"word.{value}"), language)
    if name in ("by", "reason", "because", "explanation") and isinstance(value, str) and texts.has(f"reason.{value}"):
        return getattr(texts.text(f"reason.{value}"), language)
    if name in ("until", "due_at") and (value is None or isinstance(value, datetime)):
        return day(value, language) or getattr(texts.text("word.open_end"), language)
    if isinstance(value, Due):
        return day(value.promised_at, language)
    if name == "path":
        return " → ".join(_shown("region", hop.region, organisation, language) for hop in value)
    if name == "points":
        return "；".join(f"{point.field}：{getattr(point.reason, language)}" for point in value)
    if name == "reasons":
        return "；".join(getattr(reason, language) for reason in value)
    return value
