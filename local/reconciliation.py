"""Compares the three systems case by case: every case in exactly one terminal state, the same in all, or listed.

It reads the three tables from outside, as an operator's tool may and no function does.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

import click
from liangwang.aggregates import APPLICATION, CASE, COLLABORATION, LEDGER, TASK, Key
from liangwang.domain import application, collaboration
from liangwang.domain import messages as m
from liangwang.domain.catalogue import Organisation
from liangwang.domain.history import Recorded
from liangwang.store import SHARDS, Store, Stored
from msgspec import Struct

from local import accounts
from local.stack import Stack


class Difference(Struct, frozen=True):
    """One case that is not as it should be: ``kind`` is lost, stuck or duplicated.

    ``remedy`` is what heals it, as reconciliation does by itself (docs/ledger.md): republish, redeliver or ask; ``look``
    where only a person can tell. Empty for an open case that waits for somebody, which is nothing wrong.
    """

    case_no: str
    kind: str
    detail: str
    remedy: str = ""

    @property
    def is_wrong(self) -> bool:
        """Whether it is more than a case that waits."""
        return bool(self.remedy)


class Tables:
    """The three systems' stores, read side by side."""

    def __init__(self, *, intake: Store, governance: Store, department: Store) -> None:
        self.intake = intake
        self.governance = governance
        self.department = department

    @classmethod
    def of(cls, stack: Stack) -> Tables:
        """Those of a local stack."""
        return cls(
            intake=accounts.store(stack, "IntakeTable"),
            governance=accounts.store(stack, "GovernanceTable"),
            department=accounts.store(stack, "DepartmentTable"),
        )

    def case(self, case_no: str) -> Footprint:
        """Everything the three systems hold of one case."""
        return self.cases([case_no])[0]

    def cases(self, case_nos: Sequence[str]) -> list[Footprint]:
        """The same of many, a hundred a call."""
        applications = self.intake.load(Key(APPLICATION.name, number) for number in case_nos)
        ledgers = self.governance.load(Key(LEDGER.name, number) for number in case_nos)
        cases = self.department.load(Key(CASE.name, number) for number in case_nos)
        requests = {number: _requests(cases[Key(CASE.name, number)]) for number in case_nos}
        events = self.governance.load(Key(COLLABORATION.name, one) for ids in requests.values() for one in ids)
        tasks = self.department.load(_task_keys(events.values()))
        return [
            Footprint(
                case_no=number,
                application=applications[Key(APPLICATION.name, number)],
                case=cases[Key(CASE.name, number)],
                ledger=ledgers[Key(LEDGER.name, number)],
                collaborations=tuple(events[Key(COLLABORATION.name, one)] for one in requests[number]),
                tasks=tuple(task for task in tasks.values() if task.key.id.startswith(number)),
            )
            for number in case_nos
        ]


class Footprint(Struct, frozen=True, kw_only=True):
    """One case in the three systems."""

    case_no: str
    application: Stored
    case: Stored
    ledger: Stored
    collaborations: tuple[Stored, ...]
    tasks: tuple[Stored, ...]

    @property
    def outcome(self) -> str | None:
        """The terminal state, when all three systems agree on it and no collaboration or task is left open."""
        states = {stored.state.status for stored in (self.application, self.case) if stored.history}
        states |= {self.ledger.state.state} if self.ledger.history else set()
        settled = all(event.history and event.state.conclusion for event in self.collaborations)
        settled = settled and not any(task.state.is_open for task in self.tasks if task.history)
        complete = all(stored.history for stored in (self.application, self.case, self.ledger))
        if complete and settled and len(states) == 1 and states <= m.TERMINAL:
            return str(states.pop())
        return None

    @property
    def latency(self) -> timedelta | None:
        """From the application to the moment intake heard the final word."""
        heard = [one.at for one in self.application.history if _is_final(one)]
        return heard[-1] - self.application.history[0].at if heard else None

    def doubles(self) -> list[str]:
        """Anything that happened twice: a decision, an acceptance, a conclusion, a cause with an effect in two writes."""
        found: list[str] = []
        for stored in (self.application, self.case, *self.collaborations, *self.tasks):
            decided = Counter(type(one.event).__name__ for one in stored.history)
            found += [f"{name} {count} times in {stored.key}" for name, count in decided.items() if _once(name, count)]
            causes = Counter((one.cause, one.at) for one in stored.history)
            repeated = Counter(cause for cause, _ in causes)
            found += [f"cause {cause} twice in {stored.key}" for cause, count in repeated.items() if count > 1]
        return found

    def difference(self) -> Difference | None:
        """What is wrong with the case, if anything."""
        if doubles := self.doubles():
            return Difference(self.case_no, "duplicated", "; ".join(doubles), "look")
        if not self.application.history:
            return Difference(self.case_no, "lost", self._where(), "look")
        if not self.case.history and (not self.ledger.history or self.ledger.state.state == "carried"):
            return Difference(
                self.case_no, "lost", self._where(), "ask" if self.application.state.relayed else "republish"
            )
        return None if self.outcome else Difference(self.case_no, "stuck", self._where(), self._remedy())

    def _remedy(self) -> str:
        """What brings the systems to agree; empty while the department itself has not ended the case and its news arrived."""
        told = max((one.sequence for one in self.application.state.progress), default=0)
        passed = self.ledger.state.sequence if self.ledger.history else 0
        if passed > told:
            return "redeliver"
        if not self.case.history or self.case.state.is_terminal:
            ended = all(one.history and one.state.is_terminal for one in (self.application, self.case, self.ledger))
            return "republish" if ended else "ask"
        return ""

    def _where(self) -> str:
        intake = self.application.state.status if self.application.history else "absent"
        department = self.case.state.status if self.case.history else "absent"
        ledger = self.ledger.state.state if self.ledger.history else "absent"
        return f"intake {intake}, department {department}, ledger {ledger}"


PAGE = 100
A_SHARD = 8000
"""Open cases of one shard of the ``wake`` index that one call can name: a page of a query holds a megabyte."""


def open_cases(intake: Store, now: datetime) -> list[str]:
    """The cases that intake still waits for, the longest waiting first; at most ``A_SHARD`` a shard."""
    someday = now + timedelta(days=365)
    return [key.id for key in intake.due(someday, limit=A_SHARD * SHARDS)]


def differences(tables: Tables, case_nos: Sequence[str]) -> Iterator[Difference]:
    """What is not as it should be among these cases."""
    for start in range(0, len(case_nos), PAGE):
        for footprint in tables.cases(case_nos[start : start + PAGE]):
            difference = footprint.difference()
            if difference is not None:
                yield difference


def report(found: Sequence[Difference], looked_at: int) -> bool:
    """Prints it; answers whether nothing is lost or duplicated, and nothing waits for more than people."""
    wrong = [one for one in found if one.kind != "stuck" or one.is_wrong]
    for one in wrong:
        click.echo(f"{one.case_no} {one.kind}: {one.detail}" + (f" -> {one.remedy}" if one.remedy else ""))
    waiting = [one for one in found if one not in wrong]
    for where, count in Counter(one.detail for one in waiting).most_common():
        click.echo(f"{count:8} open: {where}")
    click.echo(f"{looked_at} cases looked at, {len(wrong)} to be healed")
    return not wrong


def paths(footprint: Footprint, organisation: Organisation) -> list[str]:
    """The ways that the case's tasks took, by level: ``district → city → town``."""
    words = {3: "city", 4: "district", 5: "town"}
    events: Iterable[collaboration.Collaboration] = (event.state for event in footprint.collaborations if event.history)
    return [" → ".join(words[hop.level] for hop in task.dispatched.path) for event in events for task in event.tasks]


def percentile(values: Sequence[float], share: float) -> float:
    """The nearest-rank percentile; 0 for no values."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0


def _once(name: str, count: int) -> bool:
    return count > 1 and name in (
        "CaseDecided",
        "CaseAccepted",
        "CaseRefused",
        "CollaborationConcluded",
        "TaskReported",
    )


def _is_final(recorded: Recorded[Any]) -> bool:
    event = recorded.event
    return isinstance(event, application.Progressed) and isinstance(event.message, m.LastWord)


def _requests(case: Stored) -> list[str]:
    return [one.event.request_id for one in case.history if isinstance(one.event, m.CollaborationRequested)]


def _task_keys(events: Iterable[Stored]) -> list[Key]:
    return [
        Key(TASK.name, one.event.task_id)
        for event in events
        for one in event.history
        if isinstance(one.event, m.TaskDispatched)
    ]
