"""What changed rules of routing would have made of a month's questions (docs/routing.md)."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType

from msgspec import Struct

from .. import responsibility_checks
from ..access import granted
from ..catalogue import shown
from ..domain import policy, rerouting
from ..domain.catalogue import Catalogue
from ..domain.errors import Invalid, NotFound, Violation
from ..domain.responsibilities import Responsibilities, RoutingRule, RuleSet
from ..http import Request, limit_of
from ..store import Store, Stored
from ..yaml_document import Path
from .event_month import EventMonth, Month
from .routing import Candidate, candidate

RULES_LIMIT = 4 * 1024 * 1024
"""Bytes of a changed version: some ten thousand rules; Lambda takes 6 MB."""


NOWHERE: Mapping[str, str] = MappingProxyType({})


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


class RoutingTrial:
    """Replays what was asked on other rules; changes nothing."""

    def __init__(self, store: Store, responsibilities: Responsibilities, catalogue: Callable[[], Catalogue]) -> None:
        self._events = EventMonth(store, responsibilities.organisation)
        self._responsibilities = responsibilities
        self._organisation = responsibilities.organisation
        self._catalogue = catalogue

    def simulate(self, request: Request) -> RoutingSimulated:
        """A page of a month on changed rules; an operator sees what concerns the own centre or one below it.

        Raises Invalid for a month, a version or rules that are none, each problem with its place in the body.
        """
        wish: SimulateRouting = request.body
        month = Month.of(wish.month)
        base = self.base(wish.base, request.now)
        rules = self.judged(base, wish.changed, wish.removed)

        def visible(event: Stored) -> bool:
            thing = policy.Thing(centres=policy.centres(self._organisation, event.state.concerned))
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

    def base(self, version: str, now: datetime) -> RuleSet:
        """The version of this name, or the one in force. Raises Invalid where there is none."""
        found = self._responsibilities.version(version) if version else self._responsibilities.at(now)
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
        return self.accepted(rules, place=place, found=found)

    def accepted(
        self, rules: RuleSet, *, place: Mapping[str, str] = NOWHERE, found: Sequence[Violation] = ()
    ) -> RuleSet:
        """A version that could be published; ``place`` says where its rules came from. Raises Invalid for another."""
        items = list(self._catalogue().items.values())
        problems = [
            *responsibility_checks.rule_set_problems(rules, self._organisation, items),
            *responsibility_checks.absence_problems(rules, self._organisation),
        ]
        violations = (*found, *(Violation(_field(path, rules, place), reason) for path, reason in problems))
        if violations:
            raise Invalid("rules that could not be published", violations=violations)
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
            before=candidate(self._organisation, one.before),
            after=candidate(self._organisation, one.after),
            took=one.took,
        )


def _field(path: Path, rules: RuleSet, place: Mapping[str, str]) -> str:
    """Where in the body a problem of the changed version is; of a rule that was not changed, its id."""
    if path[:1] != ("rules",) or len(path) < 2:
        return shown(path)
    rule = rules.rules[int(path[1])]
    rest = shown(path[2:])
    return ".".join(part for part in (place.get(rule.id, rule.id), rest) if part)
