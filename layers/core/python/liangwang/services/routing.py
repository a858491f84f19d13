"""职责与路由: what the rules are, and why a question goes where it goes."""

from collections.abc import Callable
from datetime import date, datetime

from msgspec import Struct

from .. import responsibility_checks, texts
from ..catalogue import shown
from ..domain import rerouting, routing
from ..domain.catalogue import Catalogue, Organisation, Text
from ..domain.errors import Invalid, Violation
from ..domain.rerouting import Verdict
from ..domain.responsibilities import Responsibilities, RuleSet
from ..domain.routing import Choice, OpenTasks, Question
from ..domain.validity import day_of
from ..http import Request

NAMED = 50
"""Places that are named of those at which nobody answers for a capability."""


class UncoveredView(Struct, frozen=True, kw_only=True):
    """A capability that nobody answers for at ``towns`` towns, some of them in ``places``; ``items`` need it."""

    capability: str
    towns: int
    places: tuple[str, ...]
    items: tuple[str, ...]


class RoutingView(Struct, frozen=True, kw_only=True):
    """The rules in force, all versions' first days, what is wrong with the rules, and what nobody answers for."""

    version: str
    effective_from: date | None
    versions: tuple[date, ...]
    regions: int
    departments: int
    rules: int
    problems: tuple[str, ...]
    uncovered: tuple[UncoveredView, ...]


class ExplainRouting(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A question: which ``capability`` at which ``place``, of a case of an ``item``, ``at`` which moment (now, if none is given).

    ``requester`` is the department that asks: the way begins at its centre, without it at the place's. ``besides`` are
    departments that are out of the question: they declined, or are in the chain of questions already.
    """

    capability: str
    place: str
    item: str = ""
    at: datetime | None = None
    requester: str = ""
    besides: tuple[str, ...] = ()


class ConsideredRule(Struct, frozen=True, kw_only=True):
    """A rule that is about the question, in the order in which rules are looked at, and what became of it."""

    rule: str
    to: tuple[str, ...]
    verdict: Verdict
    because: Text
    reason: Text


class Candidate(Struct, frozen=True, kw_only=True):
    """A department that comes into question, by a rule or (empty) as the nearest."""

    department: str
    name: Text
    rule: str


class WayHop(Struct, frozen=True, kw_only=True):
    """A centre on the way to the department, and why the way goes through it."""

    region: str
    name: Text
    level: int
    reason: Text


class RoutingExplained(Struct, frozen=True, kw_only=True):
    """Who takes the question (None: nobody), why, who would be next, which rules were looked at, and the way there."""

    version: str
    taker: Candidate | None
    because: Text
    next: tuple[Candidate, ...]
    considered: tuple[ConsideredRule, ...]
    path: tuple[WayHop, ...]


class Routing:
    """Looks at the rules of routing; changes nothing. ``load`` counts departments' open tasks."""

    def __init__(
        self,
        responsibilities: Responsibilities,
        catalogue: Callable[[], Catalogue],
        load: OpenTasks | None = None,
    ) -> None:
        self._responsibilities = responsibilities
        self._organisation = responsibilities.organisation
        self._catalogue = catalogue
        self._load = load or routing.idle
        self._known: tuple[date, RoutingView] | None = None

    # ------------------------------------------------------------------ what there is

    def overview(self, request: Request) -> RoutingView:
        """The rules in force, looked at as closely as when they were published; found out once a day."""
        today = day_of(request.now)
        if self._known is None or self._known[0] != today:
            self._known = today, self._overview(self._responsibilities.on(today), today)
        return self._known[1]

    def _overview(self, rules: RuleSet, today: date) -> RoutingView:
        items = list(self._catalogue().items.values())
        problems = responsibility_checks.rule_set_problems(rules, self._organisation, items) if rules.version else ()
        uncovered = responsibility_checks.uncovered(self._responsibilities, rules, items, day=today)
        return RoutingView(
            version=rules.version,
            effective_from=rules.effective_from if rules.version else None,
            versions=tuple(edition.effective_from for edition in self._responsibilities.editions),
            regions=len(self._organisation.regions),
            departments=sum(one.span.holds(today) for one in self._organisation.departments),
            rules=len(rules.rules),
            problems=tuple(f"{shown(path)}: {reason}" for path, reason in problems),
            uncovered=tuple(
                UncoveredView(
                    capability=one.capability, towns=len(one.places), places=one.places[:NAMED], items=one.items
                )
                for one in uncovered
            ),
        )

    # ------------------------------------------------------------------ one question

    def explain(self, request: Request) -> RoutingExplained:
        """Why a question goes where it goes. Raises Invalid for a place or a department that the organisation does not know."""
        return self.explained(request.body, request.now)

    def explained(self, wish: ExplainRouting, now: datetime) -> RoutingExplained:
        """The same, of a question without a request."""
        self._check(wish)
        at = wish.at or now
        question = Question(wish.capability, wish.place, wish.item, at, frozenset(wish.besides))
        found = list(routing.candidates(self._responsibilities, question, load=self._load))
        looked_at = list(rerouting.considered(self._responsibilities, question, load=self._load))
        taker = found[0] if found else None
        because = texts.text("routing.nobody")
        if taker is not None:
            rule = next((one.rule for one in looked_at if one.rule.id == taker.rule), None)
            because = texts.text("routing.nearest") if rule is None else rule.reason
        return RoutingExplained(
            version=self._responsibilities.at(at).version,
            taker=candidate(self._organisation, taker),
            because=because,
            next=tuple(one for choice in found[1:] if (one := candidate(self._organisation, choice))),
            considered=tuple(
                ConsideredRule(
                    rule=one.rule.id,
                    to=one.rule.to,
                    verdict=one.verdict,
                    because=texts.text(f"routing.verdict.{one.verdict}"),
                    reason=one.rule.reason,
                )
                for one in looked_at
            ),
            path=self._path(wish, taker),
        )

    def _check(self, wish: ExplainRouting) -> None:
        found = []
        if wish.place not in self._organisation.region:
            found.append(Violation("place", "use the code of a region of this city"))
        if wish.requester and wish.requester not in self._organisation.department:
            found.append(Violation("requester", "use the code of a department of this city"))
        if wish.at is not None and wish.at.tzinfo is None:
            found.append(Violation("at", "say the zone too, as in 2027-03-01T09:00:00+08:00"))
        if found:
            raise Invalid("not a question that can be routed", violations=tuple(found))

    def _path(self, wish: ExplainRouting, taker: Choice | None) -> tuple[WayHop, ...]:
        if taker is None:
            return ()
        departments = self._organisation.department
        origin = departments[wish.requester].region if wish.requester else wish.place
        way = routing.path(self._organisation, origin=origin, target=departments[taker.department].region)
        return tuple(
            WayHop(
                region=hop.region,
                name=self._organisation.region[hop.region].name,
                level=hop.level,
                reason=texts.text(f"routing.hop.{hop.reason}"),
            )
            for hop in way
        )


def candidate(organisation: Organisation, choice: Choice | None) -> Candidate | None:
    """A choice as it is shown; None for nobody."""
    if choice is None:
        return None
    name = organisation.department[choice.department].name
    return Candidate(department=choice.department, name=name, rule=choice.rule)
