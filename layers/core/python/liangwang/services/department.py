"""部门审批系统: what acceptance and approval share: the case's item, its rules, and how a message becomes a command."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from .. import texts
from ..aggregates import CASE, Key
from ..domain import acceptance, approval, case, evidence, requests
from ..domain import messages as m
from ..domain.case import Case
from ..domain.case_rating import receive_rating
from ..domain.catalogue import Catalogue, Item
from ..domain.course import Practice
from ..domain.errors import DomainError
from ..domain.working_days import Calendar
from ..envelope import CloudEvent
from ..processing import Command
from ..rules import Rules

Events = Sequence[case.Event]


class UnknownItem(DomainError):
    """The message names an item or version that this department's catalogue does not have."""

    code = "unknown_item"


class UnknownCase(DomainError):
    """The message is about a case that this department has never received."""

    code = "unknown_case"


class Department:
    """Turns messages into commands on cases; the decisions themselves are in ``domain``."""

    def __init__(self, catalogue: Catalogue, rules: Rules, calendar: Calendar) -> None:
        self.catalogue = catalogue
        self.rules = rules
        self.calendar = calendar

    def item(self, application: m.ApplicationSubmitted) -> Item:
        """The item in the version that the case is pinned to. Raises UnknownItem."""
        item = self.catalogue.versions.get((application.task_code, application.task_version))
        if item is None:
            raise UnknownItem(f"no item {application.task_code} version {application.task_version}")
        return item

    def practice(self, application: m.ApplicationSubmitted) -> Practice:
        """What the case of this application is decided by. Raises UnknownItem."""
        return Practice(self.item(application), self.rules.evaluate, self.calendar, texts.text)

    def route(self, event: CloudEvent) -> Command | None:
        """The command a message means; None when it is for a department that is not here."""
        message = event.data
        decisions: dict[type, Any] = {
            m.ApplicationSubmitted: self._submitted,
            m.ApplicationSupplemented: self._supplemented,
            m.ApplicationWithdrawn: self._withdrawn,
            m.ApplicationRated: self._rated,
            m.CollaborationConcluded: self._concluded,
            m.CollaborationExtended: self._extended,
            m.DisclosureRequested: self._disclosure_asked,
            m.EvidenceOffered: self._evidence,
        }
        decide = decisions.get(type(message))
        if decide is None or not self.catalogue.organisation.is_here(message.department):
            return None
        return Command(
            Key(CASE.name, message.case_no), event.id, lambda state, now: decide(state, message, now), event.asks_again
        )

    def _submitted(self, state: Case | None, message: m.ApplicationSubmitted, now: datetime) -> Events:
        return acceptance.receive(state, message, on=self.practice(message), now=now)

    def _supplemented(self, state: Case | None, message: m.ApplicationSupplemented, now: datetime) -> Events:
        known = _known(state, message)
        return acceptance.receive_supplement(known, message, on=self.practice(known.application), now=now)

    def _withdrawn(self, state: Case | None, message: m.ApplicationWithdrawn, now: datetime) -> Events:
        known = _known(state, message)
        return acceptance.withdraw(known, message, on=self.practice(known.application), now=now)

    def _rated(self, state: Case | None, message: m.ApplicationRated, now: datetime) -> Events:
        return receive_rating(_known(state, message), message)

    def _concluded(self, state: Case | None, message: m.CollaborationConcluded, now: datetime) -> Events:
        known = _known(state, message)
        return approval.conclude_collaboration(known, message, on=self.practice(known.application), now=now)

    def _extended(self, state: Case | None, message: m.CollaborationExtended, now: datetime) -> Events:
        return requests.extend(_known(state, message), message)

    def _evidence(self, state: Case | None, message: m.EvidenceOffered, now: datetime) -> Events:
        """A case that has not arrived yet takes it when it is offered again: the centre may know of a case earlier."""
        return evidence.take(_known(state, message), message) if state is not None else ()

    def _disclosure_asked(self, state: Case | None, message: m.DisclosureRequested, now: datetime) -> Events:
        """Nothing by itself: who consumes this seals what is asked for, and says so (``services/requester.py``). What was said is
        said again."""
        _known(state, message)
        return ()


def _known(state: Case | None, message: Any) -> Case:
    if state is None or message.department not in state.departments:
        raise UnknownCase(f"{message.department} never received case {message.case_no}")
    return state
