"""Trying the rules of routing: why a question went where it went, and what other rules would have made of what was asked. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from typing import Any, Literal, NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from . import messages as m
from .catalogue import Organisation
from .collaboration_events import Raised
from .dispatching import circle
from .history import Recorded
from .responsibilities import Responsibilities, RoutingRule, RuleSet
from .routing import Choice, OpenTasks, Question, choose, takers

Verdict = Literal["takes", "next", "not_now", "too_busy", "ruled_out"]
"""What became of a rule that is about the question: it says who takes it; it would if others before it were out; its time does
not hold; all its departments have too much to do; all of them are out of the question, or not there on its day."""


class Considered(NamedTuple):
    """A rule that is about the question, in the order in which rules are looked at."""

    rule: RoutingRule
    verdict: Verdict


def considered(responsibilities: Responsibilities, question: Question, *, load: OpenTasks) -> Iterator[Considered]:
    """Every rule about the question, and what became of it. Raises KeyError for an unknown place."""
    organisation = responsibilities.organisation
    lineage = organisation.lineage(question.place)
    rules = responsibilities.at(question.at).about(
        item=question.task_code, capability=question.capability, lineage=lineage
    )
    taken = False
    for rule in rules:
        verdict = _verdict(rule, question, organisation, load)
        if verdict == "takes":
            verdict, taken = "next" if taken else "takes", True
        yield Considered(rule, verdict)


def _verdict(rule: RoutingRule, question: Question, organisation: Organisation, load: OpenTasks) -> Verdict:
    if takers(rule, question, organisation, load):
        return "takes"
    if rule.times is not None and (question.at is None or not rule.times.hold(question.at)):
        return "not_now"
    return "too_busy" if takers(replace(rule, load=None), question, organisation, load) else "ruled_out"


# ------------------------------------------------------------------ replaying what was asked


class Asked(NamedTuple):
    """A question as it was first routed, and who took it; empty when nobody was responsible."""

    question: Question
    department: str


def asked(history: Iterable[Recorded[Any]]) -> list[Asked]:
    """The questions of one collaboration event. What came after a decline is not among them: with other rules another
    department would have been asked, and nobody knows whether it would have declined.
    """
    raised: Raised | None = None
    at = None
    first: dict[int, str] = {}
    for recorded in history:
        event = recorded.event
        if isinstance(event, Raised):
            raised, at = event, recorded.at
        elif isinstance(event, m.TaskDispatched) and raised is not None and event.ask in raised.request.asks:
            first.setdefault(raised.request.asks.index(event.ask), event.department)
    if raised is None:
        return []
    request = raised.request
    besides = circle(request)
    return [
        Asked(Question(ask.capability, ask.place, request.task_code, at, besides), first.get(number, ""))
        for number, ask in enumerate(request.asks)
    ]


class Rerouted(Struct, frozen=True, kw_only=True):
    """A question that other rules send elsewhere. Empty departments: nobody would be responsible."""

    asked: Question
    before: Choice | None
    after: Choice | None
    took: str


def rerouted(
    known: Sequence[Asked], *, before: Responsibilities, after: Responsibilities, load: OpenTasks | None = None
) -> list[Rerouted]:
    """The questions that go to another department ``after`` than ``before``; by which rule is not looked at."""
    found = []
    for one in known:
        was = choose(before, one.question, load=load)
        becomes = choose(after, one.question, load=load)
        if (was and was.department) != (becomes and becomes.department):
            found.append(Rerouted(asked=one.question, before=was, after=becomes, took=one.department))
    return found


def always(responsibilities: Responsibilities, rules: RuleSet) -> Responsibilities:
    """The same organisation with these rules at any time."""
    return Responsibilities.of(responsibilities.organisation, replace(rules, effective_from=date.min))


def changed(base: RuleSet, *, put: Sequence[RoutingRule], without: Iterable[str], version: str = "") -> RuleSet:
    """A version with some rules put in the place of those of the same id, or at the end, and others taken out."""
    new = {rule.id: rule for rule in put}
    out = set(without)
    kept = [new.pop(rule.id, rule) for rule in base.rules if rule.id not in out]
    added = [rule for rule in put if rule.id in new]
    return RuleSet(version=version or base.version, effective_from=base.effective_from, rules=(*kept, *added))
