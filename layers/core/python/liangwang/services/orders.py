"""督办: what was escalated to a department's supervisor and what the department was ordered; and the answers to orders."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from msgspec import Struct

from ..aggregates import CASE
from ..domain import messages as m
from ..domain import supervision
from ..domain.case import Case, Event
from ..domain.catalogue import Text
from ..domain.deadlines import listed_at, raised
from ..domain.supervision_rule import SupervisionRules
from ..http import Request, limit_of
from ..processing import act
from ..store import Stored
from .departments import Departments
from .own_cases import OwnCases


class OrderView(Struct, frozen=True, kw_only=True):
    """One escalation or order: by which rule, who has to look at it now, and since when.

    ``answer_by`` is until when an order has to be answered before it goes up a level; ``result`` is what was answered.
    """

    case_no: str
    task_code: str
    task_name: Text
    order: str
    rule: str
    text: Text
    stage: m.SupervisionStage
    moment: m.SupervisionMoment
    unit: str
    light: m.Light
    since: datetime
    answer_by: datetime | None = None
    answered: bool = False
    result: str = ""


class OrderList(Struct, frozen=True, kw_only=True):
    """A page of what is open, by case, the oldest cases first."""

    orders: tuple[OrderView, ...]
    cursor: str | None = None


class Answer(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What came of an order."""

    result: m.Remark


class Orders:
    """Orders and escalations of the caller's own department; others' are not found. Each method is one route."""

    def __init__(self, cases: OwnCases, rules: SupervisionRules) -> None:
        self._cases = cases
        self._rules = rules
        self._departments = Departments(cases.department.catalogue.organisation)

    def orders(self, request: Request) -> OrderList:
        """What is open in the caller's department, or in the named one: one query and one read a page of cases."""
        department = self._departments.one(request, "order.list")
        limit, cursor = limit_of(request), request.query.get("cursor")
        keys, following = self._cases.store.held_by(CASE, listed_at(department), limit=limit, cursor=cursor)
        loaded = self._cases.store.load(keys) if keys else {}
        found = [view for key in keys if loaded[key].history for view in self._views(loaded[key])]
        return OrderList(orders=tuple(found), cursor=following)

    def answer(self, request: Request) -> OrderView:
        """Answers an order. Raises NotFound for one that the case does not have, NotNow a second time."""
        stored, _ = self._cases.own(request, "order.answer")
        order, wish = request.path["order"], request.body

        def decide(state: Case, now: datetime) -> Sequence[Event]:
            return supervision.answer(state, order, by=request.by.subject, result=wish.result)

        after = act(self._cases.store, request, stored, decide)
        given = next(one for one in after.state.supervised if one.order == order and one.stage == "order")
        return self._view(after, given)

    def _views(self, stored: Stored) -> Iterator[OrderView]:
        for one in raised(stored.state):
            yield self._view(stored, one)

    def _view(self, stored: Stored, one: m.CaseSupervised) -> OrderView:
        state: Case = stored.state
        item, rule = self._cases.department.item(state.application), self._rules.one(one.rule)
        answers = [answer.result for answer in state.answered if answer.order == one.order]
        return OrderView(
            case_no=stored.key.id,
            task_code=item.task_code,
            task_name=item.name,
            order=one.order,
            rule=one.rule,
            text=rule.text if rule else Text(zh=one.rule, en=one.rule),
            stage=one.stage,
            moment=one.moment,
            unit=one.unit,
            light=one.light,
            since=one.at,
            answer_by=one.again_at if one.stage == "order" else None,
            answered=bool(answers),
            result=answers[0] if answers else "",
        )
