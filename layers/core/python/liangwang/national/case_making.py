"""What the rows of one case are made from: its facts, the words and codes they are written in, and when steps began. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from msgspec.structs import replace

from ..domain import messages as m
from ..domain import steps
from ..domain.case import Case, Event, OpinionsReceived, Received, SupplementReceived, evolve
from ..domain.catalogue import Item, Organisation
from ..domain.history import Recorded, fold
from .case_facts import plain, written
from .case_reading import Handed, Reader, with_handed
from .extension import beyond, fitted
from .rows import Row
from .tables import Dialect, Standard


class Setting(NamedTuple):
    """What a case's rows are made with. ``item`` is None where the catalogue has lost the version of the case.

    ``personal`` are the applicant's columns and ``more`` other personal fields; both empty unless they may leave.
    """

    standard: Standard
    dialect: Dialect
    organisation: Organisation
    item: Item | None
    personal: Mapping[str, str] = {}
    more: Mapping[str, Any] = {}


class Making:
    """The rows of one case while they are made; ``homed`` are the events that have a row already."""

    def __init__(self, facts: Sequence[Recorded[Event]], on: Setting) -> None:
        self.facts = facts
        self.on = on
        self.reader = Reader(on.standard, on.dialect)
        state = fold(evolve, facts)
        assert state is not None
        self.state: Case = state
        self.application = state.application
        self.case_no = state.application.case_no
        self.homed: set[int] = set()
        self.hand: Handed = {}

    # ------------------------------------------------------------------ events in rows

    def of(self, *kinds: type) -> Iterator[tuple[int, Any, datetime]]:
        """The events of these kinds, each with its number and when it was recorded."""
        for number, recorded in enumerate(self.facts):
            if isinstance(recorded.event, kinds):
                yield number, recorded.event, recorded.at

    def carrying(self, row: Row, *numbers: int) -> Row:
        """A row that these events are at home in: cut to its columns, and with an extension that says the rest of them."""
        fit = fitted(row, self.on.standard.tables)
        said = self.reader.said(fit)
        entries = []
        for number in numbers:
            recorded = self.facts[number]
            content = plain(recorded.event)
            tag = content["type"]
            known = said.get(tag)
            entry: dict[str, Any] = {"seq": number}
            if known is None or known.at != plain(recorded.at):
                entry["at"] = plain(recorded.at)
            told = with_handed(known.content if known else {}, tag, self.hand.get(number, {}))
            entry["event"] = {"type": tag, **beyond(content, told)}
            entries.append(entry)
        self.homed.update(numbers)
        return replace(fit, liangwang_ext={**fit.liangwang_ext, "events": entries})

    def guid(self, about: str) -> str:
        """``row_guid`` of a row of this case, by what the row is about."""
        return f"{self.case_no}-{about}"

    def by(self, account: str) -> str:
        """Who did something, as the tables name it: an account, or the word for a rule."""
        return self.reader.name("actor", account)

    # ------------------------------------------------------------------ what several tables say

    def common(self, department: str) -> dict[str, Any]:
        """The columns that an application and an acceptance have alike; ``department`` is whose they are."""
        item, application, organisation = self.on.item, self.application, self.on.organisation
        known = organisation.department.get(department)
        return {
            "project_no": self.case_no,
            "task_code": application.task_code,
            "task_version": application.task_version,
            "catalog_code": item.catalog_code if item else "",
            "task_name": item.name.zh if item else application.task_code,
            "project_name": item.name.zh if item else "",
            "project_type": str(item.kind) if item else "9",
            "applyer_type": str(application.applicant_type),
            "apply_type": self.reader.name("channel", application.channel),
            "apply_date": written(self.facts[0].at),
            "org_code": department,
            "org_name": known.name.zh if known else department,
            **self.on.personal,
        }

    def step_name(self, key: str) -> str:
        """A step's name: its title in the item, else the word of the field."""
        known = steps.find(self.on.item, key) if self.on.item else None
        if known is not None and known.title is not None:
            return known.title.zh
        return self.reader.name("step_name", known.name if known else key)

    def began(self, number: int, key: str) -> datetime:
        """When a step could begin: when the steps before it were done, or it came back."""
        item = self.on.item
        before = steps.before(item.steps).get(key) if item else None  # None: not known, so any step may be before it
        at = self.facts[0].at
        for recorded in self.facts[:number]:
            match recorded.event:
                case m.CaseAccepted() | OpinionsReceived():
                    at = recorded.at
                case m.StepCompleted(step=step) if before is None or step in before:
                    at = recorded.at
                case m.StepReturned(reopened=reopened) if key in reopened:
                    at = recorded.at
        return at

    def handed_in_at(self, number: int) -> datetime:
        """When the department last received something of the applicant's."""
        return [one.at for one in self.facts[:number] if isinstance(one.event, Received | SupplementReceived)][-1]
