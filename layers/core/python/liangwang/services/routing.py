"""职责与路由: what the rules are, why a question goes where it goes, and what other rules would have made of a month."""

from collections.abc import Callable, Sequence
from datetime import date, datetime

from msgspec import Struct

from .. import responsibility_checks, texts
from ..access import granted
from ..catalogue import shown
from ..domain import policy, rerouting, routing
from ..domain.catalogue import Catalogue, Text
from ..domain.collaboration import Collaboration
from ..domain.errors import Invalid, NotFound, Violation
from ..domain.rerouting import Verdict
from ..domain.responsibilities import Responsibilities, RoutingRule, RuleSet
from ..domain.routing import Choice, OpenTasks, Question
from ..http import Request, limit_of
from ..store import Store, Stored
from ..yaml_document import Path
from .event_month import EventMonth, Month

RULES_LIMIT = 4 * 1024 * 1024
"""Bytes of a changed version: some ten thousand rules; Lambda takes 6 MB."""

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


class SimulateRouting(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Other rules, tried on the questions of a ``month`` such as ``2027-03``.

    They are the version ``base`` (the one in force, if none is named) with the ``changed`` rules in the place of those of the
    same id, or added, and without the ``removed`` ones.
    """

    month: str
    base: str = ""
    changed: tuple[RoutingRule, ...] = ()
    removed: tuple[str, ...] = ()


class Difference(Struct, frozen=True, kw_only=True):
    """A question that would go elsewhere. ``took`` is who really took it first; None: nobody."""

    collaboration_id: str
    case_no: str
    asked_at: datetime
    capability: str
    place: str
    item: str
    before: Candidate | None
    after: Candidate | None
    took: str


class RoutingSimulated(Struct, frozen=True, kw_only=True):
    """A page: how many events and questions were replayed, how many go elsewhere, and each of those."""

    base: str
    events: int
    questions: int
    different: int
    differences: tuple[Difference, ...]
    cursor: str | None = None


class Routing:
    """Looks at the rules of routing and tries them; changes nothing. ``load`` counts departments' open tasks."""

    def __init__(
        self,
        store: Store,
        responsibilities: Responsibilities,
        catalogue: Callable[[], Catalogue],
        load: OpenTasks | None = None,
    ) -> None:
        self._events = EventMonth(store, responsibilities.organisation)
        self._responsibilities = responsibilities
        self._organisation = responsibilities.organisation
        self._catalogue = catalogue
        self._load = load or routing.idle
        self._known: dict[str, RoutingView] = {}

    # ------------------------------------------------------------------ what there is

    def overview(self, request: Request) -> RoutingView:
        """The rules in force, looked at as closely as when they were published; found out once for a version."""
        rules = self._responsibilities.at(request.now)
        if rules.version not in self._known:
            self._known[rules.version] = self._overview(rules)
        return self._known[rules.version]

    def _overview(self, rules: RuleSet) -> RoutingView:
        items = list(self._catalogue().items.values())
        problems = responsibility_checks.rule_set_problems(rules, self._organisation, items) if rules.version else ()
        uncovered = responsibility_checks.uncovered(self._responsibilities, rules, items)
        return RoutingView(
            version=rules.version,
            effective_from=rules.effective_from if rules.version else None,
            versions=tuple(edition.effective_from for edition in self._responsibilities.editions),
            regions=len(self._organisation.regions),
            departments=len(self._organisation.departments),
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
            taker=self._candidate(taker),
            because=because,
            next=tuple(one for choice in found[1:] if (one := self._candidate(choice))),
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

    def _candidate(self, choice: Choice | None) -> Candidate | None:
        if choice is None:
            return None
        name = self._organisation.department[choice.department].name
        return Candidate(department=choice.department, name=name, rule=choice.rule)

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

    # ------------------------------------------------------------------ a month

    def simulate(self, request: Request) -> RoutingSimulated:
        """A page of a month on changed rules; an operator sees what concerns the own centre or one below it.

        Raises Invalid for a month, a version or rules that are none, each problem with its place in the body.
        """
        wish: SimulateRouting = request.body
        month = Month.of(wish.month)
        base = self._base(wish, request.now)
        rules = self.judged(base, wish.changed, wish.removed)

        def visible(event: Stored) -> bool:
            thing = policy.Thing(centres=policy.centres(self._organisation, _regions(event.state)))
            try:
                return bool(granted(request.by, "routing.simulate", thing, what="no event of yours"))
            except NotFound:
                return False

        return self.simulated(
            rules,
            month,
            base=base,
            limit=limit_of(request, default=50),
            cursor=request.query.get("cursor"),
            visible=visible,
        )

    def _base(self, wish: SimulateRouting, now: datetime) -> RuleSet:
        found = self._responsibilities.version(wish.base) if wish.base else self._responsibilities.at(now)
        if found is None:
            raise Invalid("no such version", violations=(Violation("base", "use the name of a version of the rules"),))
        return found

    def judged(self, base: RuleSet, put: Sequence[RoutingRule], without: Sequence[str]) -> RuleSet:
        """The changed version. Raises Invalid when it is one that could not be published."""
        known = {rule.id for rule in base.rules}
        found = [
            Violation(f"removed[{number}]", f"{base.version} has no rule {rule_id!r}")
            for number, rule_id in enumerate(without)
            if rule_id not in known
        ]
        rules = rerouting.changed(base, put=put, without=without, version=base.version or "trial")
        place = {rule.id: f"changed[{number}]" for number, rule in enumerate(put)}
        items = list(self._catalogue().items.values())
        for path, reason in responsibility_checks.rule_set_problems(rules, self._organisation, items):
            found.append(Violation(_field(path, rules, place), reason))
        if found:
            raise Invalid("rules that could not be published", violations=tuple(found))
        return rules

    def simulated(
        self,
        rules: RuleSet,
        month: Month,
        *,
        base: RuleSet,
        limit: int,
        cursor: str | None = None,
        visible: Callable[[Stored], bool] = lambda _: True,
    ) -> RoutingSimulated:
        """The same, of rules that were judged. Nobody is busy: how busy they were then is not known."""
        page, following = self._events.page(month, limit=limit, cursor=cursor)
        before, after = (rerouting.always(self._responsibilities, one) for one in (base, rules))
        events = [event for event in page if visible(event)]
        questions, differences = 0, list[Difference]()
        for event in events:
            known = rerouting.asked(event.history)
            questions += len(known)
            for one in rerouting.rerouted(known, before=before, after=after):
                differences.append(self._difference(event, one))
        return RoutingSimulated(
            base=base.version,
            events=len(events),
            questions=questions,
            different=len(differences),
            differences=tuple(differences),
            cursor=following,
        )

    def _difference(self, event: Stored, one: rerouting.Rerouted) -> Difference:
        question = one.asked
        return Difference(
            collaboration_id=event.key.id,
            case_no=event.state.request.case_no,
            asked_at=event.history[0].at,
            capability=question.capability,
            place=question.place,
            item=question.task_code,
            before=self._candidate(one.before),
            after=self._candidate(one.after),
            took=one.took,
        )


def _regions(state: Collaboration) -> set[str]:
    hops = {hop.region for task in state.tasks for hop in task.dispatched.path}
    return hops | {state.region, state.raised.region}


def _field(path: Path, rules: RuleSet, place: dict[str, str]) -> str:
    """Where in the body a problem of the changed version is; of a rule that was not changed, its id."""
    if path[:1] != ("rules",) or len(path) < 2:
        return shown(path)
    rule = rules.rules[int(path[1])]
    rest = shown(path[2:])
    return ".".join(part for part in (place.get(rule.id, rule.id), rest) if part)
