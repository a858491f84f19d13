"""What rules looked at in a case, for the applicant: each rule in words, in the version of the item that the case is pinned to."""

from collections.abc import Iterator

from msgspec import Struct

from . import texts
from .domain import messages as m
from .domain.application import Application
from .domain.catalogue import Catalogue, Item, Rule, Text


class Looked(Struct, frozen=True, kw_only=True):
    """One rule that was looked at: where (``acceptance`` or a step), its expression and whether that held; in words, what would
    speak against the application, and whether it does.
    """

    stage: str
    rule: str
    expression: str
    held: bool
    against: bool
    text: Text


def of_rules(state: Application, catalogue: Catalogue) -> tuple[Looked, ...]:
    """Everything that rules were told to have found, in the department's order."""
    item = catalogue.versions.get((state.submitted.task_code, state.submitted.task_version))
    return tuple(_looked(state, item)) if item is not None else ()


def _looked(state: Application, item: Item) -> Iterator[Looked]:
    needed = {rule.id: rule for rule in (*item.eligibility, *item.completeness)}
    denial = {rule.id: rule for rule in item.denial}
    for told in state.progress:
        match told.message:
            case m.CaseAccepted(trace=trace):
                yield from (
                    _one("acceptance", needed[one.rule], one, wanted=True) for one in trace if one.rule in needed
                )
            case m.StepCompleted(step=step, trace=trace):
                yield from (_one(step, denial[one.rule], one, wanted=False) for one in trace if one.rule in denial)


def _one(stage: str, rule: Rule, found: m.Finding, *, wanted: bool) -> Looked:
    """A rule of acceptance has to hold, one of denial must not; the reason of both says what is wrong otherwise."""
    against = found.held != wanted
    key = "trace.against" if against else "trace.clear"
    zh, en = texts.text(key, reason=rule.reason.zh).zh, texts.text(key, reason=rule.reason.en).en
    return Looked(
        stage=stage, rule=rule.id, expression=rule.when, held=found.held, against=against, text=Text(zh=zh, en=en)
    )
