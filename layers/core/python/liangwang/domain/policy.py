"""Who may do what with whose data: the one table that every list, detail, search, export and message obeys.

Access is decided in three steps. The *role* says what somebody is, as the token states it. The *action* is what a route
or a message does. The *relation* says how the caller stands to the very thing: it is their own, their department's, in
their region. ``POLICY`` grants fields for (action, role, relation); what it does not name is denied.
"""

from collections.abc import Collection, Mapping
from typing import Literal

Role = Literal["citizen", "clerk", "reviewer", "supervisor", "operator", "auditor", "system"]
"""``operator`` works at a governance centre of a level (the region says which); ``system`` is a registered program.

An agent is a citizen who acts for another: a relation (``mandated``), not a role.
"""

Relation = Literal["own", "mandated", "department", "supporting", "region", "any"]
"""``own`` the caller's own; ``mandated`` of somebody who gave the caller a mandate that holds; ``department`` in the hands
of the caller's department; ``supporting`` the caller's department is asked to help; ``region`` in or below the region of
the caller's centre, or on a way that leads through it; ``any`` without looking at the thing.
"""

Fields = Literal["public", "masked", "full"]
"""How much of a thing is shown: no personal data, personal data made unrecognisable, everything. In rising order."""

Action = Literal[
    "application.submit",
    "application.list",
    "application.read",
    "application.supplement",
    "application.withdraw",
    "exchange.carry",
    "case.list",
    "case.read",
    "case.step",
    "task.list",
    "task.read",
    "task.act",
    "collaboration.read",
]

POLICY: Mapping[Action, Mapping[Role, Mapping[Relation, Fields]]] = {
    "application.submit": {"citizen": {"own": "full", "mandated": "full"}},
    "application.list": {"citizen": {"own": "full", "mandated": "full"}},
    "application.read": {"citizen": {"own": "full", "mandated": "full"}},
    "application.supplement": {"citizen": {"own": "full", "mandated": "full"}},
    "application.withdraw": {"citizen": {"own": "full", "mandated": "full"}},
    "exchange.carry": {"system": {"any": "public"}},
    "case.list": {"clerk": {"department": "public"}, "supervisor": {"department": "public"}},
    "case.read": {"clerk": {"department": "full"}, "supervisor": {"department": "full"}},
    "case.step": {"clerk": {"department": "full"}},
    "task.list": {"clerk": {"supporting": "public"}},
    "task.read": {"clerk": {"supporting": "public"}},
    "task.act": {"clerk": {"supporting": "public"}},
    "collaboration.read": {"operator": {"region": "public"}},
}

_RISING: tuple[Fields, ...] = ("public", "masked", "full")


def roles(action: Action) -> frozenset[str]:
    """The roles that may do this in some relation."""
    return frozenset(POLICY.get(action, {}))


def fields(role: str, action: Action, relations: Collection[Relation]) -> Fields | None:
    """The most that a caller of this role sees in these relations; None when it is denied."""
    granted: Mapping[Relation, Fields] = POLICY.get(action, {}).get(role, {})  # type: ignore[call-overload]
    found = [granted[relation] for relation in relations if relation in granted]
    return max(found, key=_RISING.index, default=None)
