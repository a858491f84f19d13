"""Small, invented pieces that unit tests put together: an organisation, an item, messages and their times."""

from datetime import UTC, date, datetime
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from liangwang.domain import messages as m
from liangwang.domain.catalogue import (
    Ask,
    Certificate,
    Collaboration,
    Department,
    Example,
    Item,
    Join,
    Limit,
    Material,
    Organisation,
    Region,
    Rule,
    RuleFailed,
    Step,
    Text,
)
from liangwang.domain.centre_rules import Governance
from liangwang.domain.course import Practice
from liangwang.domain.history import Recorded
from liangwang.domain.responsibilities import Responsibilities
from liangwang.domain.working_days import Calendar
from msgspec import Struct

NOON = datetime(2027, 3, 1, 4, 0, tzinfo=UTC)
CASE_NO = "20270301-R1-AAAAAAAAAAAA-A"


def text(words):
    """The same words in both languages."""
    return Text(zh=words, en=words)


CITY = Organisation(
    regions=(
        Region("C", text("City"), 3),
        Region("D1", text("East"), 4, "C"),
        Region("D2", text("West"), 4, "C"),
        Region("T1", text("East town"), 5, "D1"),
        Region("T2", text("West town"), 5, "D2"),
    ),
    departments=(
        Department("CITY-FIRE", text("City fire"), "C", ("fire",)),
        Department("EAST-FIRE", text("East fire"), "D1", ("fire",)),
        Department("EAST-FIRE-2", text("Second east fire"), "D1", ("fire",)),
        Department("EAST-MARKET", text("East market"), "D1", ("licence",)),
        Department("WEST-ROADS", text("West roads"), "D2", ("roads",)),
        Department("TOWN-SITE", text("East town office"), "T1", ("site",)),
    ),
)

RESPONSIBILITIES = Responsibilities(CITY)
GOVERNANCE = Governance(RESPONSIBILITIES, Calendar())


def ask(capability="fire", place="T1"):
    """A question as it stands in a request: with a region code for its place."""
    return Ask(capability, text(f"{capability}?"), place)


def request(*asks, policy="all", count=0, on_timeout="lift", days=2):
    """A collaboration request of the east market office."""
    return m.CollaborationRequested(
        case_no=CASE_NO,
        request_id=f"{CASE_NO}-check",
        department="EAST-MARKET",
        task_code="licence",
        place="T1",
        asks=asks or (ask(),),
        join=Join(policy, count),
        days=days,
        on_timeout=on_timeout,
        form={"area": 10},
    )


def item(**changes):
    """An item with two steps, a rule first and then a clerk; ``changes`` replace its fields."""
    fields = {
        "task_code": "licence",
        "task_version": 1,
        "name": text("Licence"),
        "summary": text("A licence"),
        "item_type": "01",
        "kind": 2,
        "capability": "licence",
        "legal_basis": ("an act",),
        "audience": (1, 2),
        "statutory": Limit(20, "an act"),
        "promised": Limit(5, "a promise"),
        "materials": (Material("identity", text("Identity card")), Material("plan", text("Plan"))),
        "form": {"type": "object"},
        "steps": (Step("handle", "rule"), Step("approve", "clerk")),
        "example": Example({}, ()),
        "certificate": Certificate(text("Licence"), 365),
    }
    return Item(**{**fields, **changes})


def collaboration(*capabilities, when="yes"):
    """An item's wish to ask others."""
    asks = tuple(Ask(capability, text("?")) for capability in capabilities)
    return Collaboration("check", when, asks, Join(), 2)


def rule(identity, when, field=""):
    """A rule whose reason is its own name."""
    return Rule(identity, when, text(identity), field)


def evaluate(expression, facts):
    """Stands in for CEL: ``yes``, ``no``, ``broken``, ``form.x`` or ``collaboration == x``."""
    match expression.split():
        case ["yes"]:
            return True
        case ["no"]:
            return False
        case ["collaboration", "==", wanted]:
            return facts["collaboration"]["conclusion"] == wanted
        case [path] if path.startswith("form."):
            return bool(facts["form"].get(path.removeprefix("form.")))
        case _:
            raise RuleFailed(f"{expression}: broken")


def practice(kind=None):
    """What a department decides by, with a calendar of weekends only."""
    return Practice(kind or item(), evaluate, Calendar())


def submitted(**changes):
    """An application to the east market office with everything handed in."""
    fields = {
        "case_no": CASE_NO,
        "department": "EAST-MARKET",
        "task_code": "licence",
        "task_version": 1,
        "place": "T1",
        "applicant_type": 1,
        "channel": "pc",
        "form": {"area": 10},
        "materials": ("identity", "plan"),
    }
    return m.ApplicationSubmitted(**{**fields, **changes})


def supplemented(**changes):
    """The answer to a notice."""
    fields = {"case_no": CASE_NO, "department": "EAST-MARKET", "notice_no": "N", "form": {}, "materials": ("plan",)}
    return m.ApplicationSupplemented(**{**fields, **changes})


def withdrawn():
    """The wish to withdraw."""
    return m.ApplicationWithdrawn(case_no=CASE_NO, department="EAST-MARKET")


def folded(evolve, state, events, *, at=NOON):
    """The state after these events."""
    for event in events:
        state = evolve(state, Recorded(at, "test", event))
    return state


def kinds(events):
    """What kinds of events these are."""
    return [type(event).__name__ for event in events]


NAMED = {
    "department": "EAST-MARKET",
    "requester": "EAST-MARKET",
    "region": "D1",
    "decided_by": "C",
    "step": "handle",
    "state": "collaborating",
}
"""What text fields of these names hold in an ``example``: something that exists."""


def example(kind, name=""):
    """A value of a struct or of any type that its fields have."""
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return example(arguments[0], name)
    if origin is Literal:
        return arguments[0]
    if origin in (Union, UnionType):
        return example(arguments[0], name)
    if origin is tuple:
        return (example(arguments[0], name),)
    if origin is dict or kind is Any:
        return {}
    if isinstance(kind, type) and issubclass(kind, Struct):
        return kind(
            **{field: example(hint, field) for field, hint in get_type_hints(kind, include_extras=True).items()}
        )
    return {str: NAMED.get(name, f"some {name}"), int: 3, bool: False, datetime: NOON, date: NOON.date(), float: 0.5}[
        kind
    ]
