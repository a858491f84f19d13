"""Who may do what with whose data: the one table that every list, detail, search, export and message obeys.

Access is decided in three steps. The *role* says what somebody is, as the token states it. The *action* is what a route
or a message does. The *relation* says how the caller stands to the very thing: it is their own, their department's, in
their region. ``POLICY`` grants fields for (action, role, relation); what it does not name is denied.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import Any, Literal, NamedTuple, Protocol, get_args

from msgspec import Struct

from .catalogue import Organisation

Role = Literal["citizen", "clerk", "reviewer", "supervisor", "operator", "auditor", "system"]
"""``operator`` works at a governance centre of a level (the region says which); ``system`` is a registered program.

An agent is a citizen who acts for another: a relation (``mandated``), not a role.
"""

Relation = Literal["own", "mandated", "handling", "department", "supporting", "region", "any"]
"""``own`` the caller's own; ``handling`` a case of the caller's department of which a step is, was or may next be theirs
(``handling.py``); ``mandated`` of somebody who gave the caller a mandate that holds; ``department`` in the hands
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
    "application.rate",
    "mandate.give",
    "mandate.list",
    "mandate.revoke",
    "notification.list",
    "notification.read",
    "notification.settings",
    "rating.list",
    "rating.summarise",
    "rectification.list",
    "rectification.read",
    "rectification.respond",
    "material.keep",
    "material.read",
    "draft.keep",
    "user.read",
    "user.change",
    "user.verify",
    "session.end",
    "session.password",
    "user.search",
    "user.erase",
    "exchange.carry",
    "mailbox.use",
    "mailbox.watch",
    "link.issue",
    "statistics.read",
    "case.list",
    "case.export",
    "case.read",
    "case.unmask",
    "table.export",
    "case.material",
    "case.step",
    "case.collaborate",
    "case.decision",
    "procedure.read",
    "procedure.request",
    "procedure.approve",
    "procedure.end",
    "case.accept",
    "case.ask",
    "case.refuse",
    "case.return",
    "case.transfer",
    "case.recheck",
    "recheck.list",
    "case.give",
    "step.handle",
    "step.review",
    "step.approve",
    "step.assign",
    "absence.keep",
    "task.list",
    "task.read",
    "task.act",
    "task.unmask",
    "order.list",
    "order.answer",
    "supervision.list",
    "collaboration.list",
    "ledger.read",
    "reconciliation.read",
    "reconciliation.run",
    "collaboration.read",
    "collaboration.act",
    "console.read",
    "grid.report",
    "grid.list",
    "grid.read",
    "grid.call",
    "grid.evidence",
    "routing.read",
    "routing.simulate",
    "crossing.application",
    "crossing.collaboration",
]
"""What a route or a message does. ``step.…`` is what a step is beside ``case.step``, and giving it to somebody beside
``case.give``; ``crossing.…`` is what leaves a system
on the bus: any subscriber stands to it as ``any``, the receiving department as ``department`` or ``supporting``.
"""

_OWN: Mapping[Role, Mapping[Relation, Fields]] = {role: {"own": "full"} for role in get_args(Role)}

POLICY: Mapping[Action, Mapping[Role, Mapping[Relation, Fields]]] = {
    "application.submit": {"citizen": {"own": "full", "mandated": "full"}},
    "application.list": {"citizen": {"own": "full", "mandated": "full"}},
    "application.read": {"citizen": {"own": "full", "mandated": "full"}},
    "application.supplement": {"citizen": {"own": "full", "mandated": "full"}},
    "application.withdraw": {"citizen": {"own": "full", "mandated": "full"}},
    "application.rate": {"citizen": {"own": "full", "mandated": "full"}},
    "mandate.give": {"citizen": {"own": "full"}},
    "mandate.list": {"citizen": {"own": "full"}},
    "mandate.revoke": {"citizen": {"own": "full", "mandated": "full"}},
    "notification.list": {"citizen": {"own": "full"}},
    "notification.read": {"citizen": {"own": "full"}},
    "notification.settings": {"citizen": {"own": "full"}},
    "rating.list": {"supervisor": {"department": "public"}, "operator": {"region": "public"}},
    "rating.summarise": {
        "clerk": {"department": "public"},
        "reviewer": {"department": "public"},
        "supervisor": {"department": "public"},
        "operator": {"region": "public"},
    },
    "rectification.list": {"supervisor": {"department": "public"}, "operator": {"region": "public"}},
    "rectification.read": {"supervisor": {"department": "full"}, "operator": {"region": "public"}},
    "rectification.respond": {"supervisor": {"department": "full"}},
    "material.keep": {"citizen": {"own": "full"}},
    "material.read": {"citizen": {"own": "full"}},
    "draft.keep": {"citizen": {"own": "full", "mandated": "full"}},
    "user.read": {**_OWN, "auditor": {"own": "full", "any": "masked"}},
    "user.change": {"citizen": {"own": "full"}},
    "user.verify": {"clerk": {"any": "public"}},
    "session.end": _OWN,
    "session.password": _OWN,
    "user.search": {"operator": {"any": "masked"}, "auditor": {"any": "masked"}},
    "user.erase": {"citizen": {"own": "full"}},
    "exchange.carry": {"system": {"any": "public"}},
    "mailbox.use": {"system": {"department": "public"}},
    "link.issue": {"operator": {"region": "public"}},
    "mailbox.watch": {"operator": {"region": "public"}, "auditor": {"any": "public"}},
    "statistics.read": {
        "supervisor": {"department": "public"},
        "operator": {"region": "public"},
        "auditor": {"any": "public"},
    },
    "case.list": {
        "clerk": {"department": "public"},
        "reviewer": {"department": "public"},
        "supervisor": {"department": "public"},
        "auditor": {"any": "public"},
    },
    "case.export": {
        "clerk": {"department": "public"},
        "reviewer": {"department": "public"},
        "supervisor": {"department": "public"},
        "auditor": {"any": "public"},
    },
    "case.read": {
        "clerk": {"department": "public", "handling": "masked"},
        "reviewer": {"department": "public", "handling": "masked"},
        "supervisor": {"department": "masked"},
        "auditor": {"any": "masked"},
    },
    "case.unmask": {"clerk": {"handling": "full"}, "reviewer": {"handling": "full"}},
    "table.export": {"supervisor": {"department": "full"}, "auditor": {"any": "masked"}},
    "case.material": {"clerk": {"handling": "full"}, "reviewer": {"handling": "full"}},
    "case.collaborate": {"clerk": {"handling": "public"}, "reviewer": {"handling": "public"}},
    "case.decision": {"supervisor": {"department": "public"}},
    "procedure.read": {
        "clerk": {"department": "public"},
        "reviewer": {"department": "public"},
        "supervisor": {"department": "public"},
        "operator": {"region": "public"},
        "auditor": {"any": "public"},
    },
    "procedure.request": {"clerk": {"department": "public"}, "reviewer": {"department": "public"}},
    "procedure.approve": {"supervisor": {"department": "public"}, "operator": {"region": "public"}},
    "procedure.end": {
        "clerk": {"department": "public"},
        "reviewer": {"department": "public"},
        "supervisor": {"department": "public"},
    },
    "case.accept": {"clerk": {"department": "masked"}},
    "case.ask": {"clerk": {"department": "masked"}, "reviewer": {"department": "masked"}},
    "case.refuse": {"clerk": {"department": "masked"}},
    "case.return": {"clerk": {"department": "masked"}},
    "case.transfer": {"clerk": {"department": "masked"}},
    "case.recheck": {"reviewer": {"department": "masked"}, "supervisor": {"department": "masked"}},
    "recheck.list": {
        "reviewer": {"department": "public"},
        "supervisor": {"department": "public"},
        "auditor": {"any": "public"},
    },
    "case.step": {
        "clerk": {"department": "masked"},
        "reviewer": {"department": "masked"},
        "supervisor": {"department": "masked"},
    },
    "case.give": {
        "clerk": {"department": "masked"},
        "reviewer": {"department": "masked"},
        "supervisor": {"department": "masked"},
    },
    "step.handle": {"clerk": {"department": "masked"}},
    "step.review": {"clerk": {"department": "masked"}, "reviewer": {"department": "masked"}},
    "step.approve": {
        "clerk": {"department": "masked"},
        "reviewer": {"department": "masked"},
        "supervisor": {"department": "masked"},
    },
    "step.assign": {"supervisor": {"department": "masked"}},
    "absence.keep": {
        "clerk": {"own": "public"},
        "reviewer": {"own": "public"},
        "supervisor": {"own": "public", "department": "public"},
    },
    "task.list": {
        "clerk": {"supporting": "public"},
        "reviewer": {"supporting": "public"},
        "supervisor": {"supporting": "public"},
        "auditor": {"any": "public"},
    },
    "task.read": {
        "clerk": {"supporting": "public"},
        "reviewer": {"supporting": "public"},
        "supervisor": {"supporting": "public"},
        "auditor": {"any": "public"},
    },
    "task.act": {"clerk": {"supporting": "public"}},
    "task.unmask": {"clerk": {"supporting": "full"}},
    "order.list": {"supervisor": {"department": "public"}, "auditor": {"any": "public"}},
    "order.answer": {"supervisor": {"department": "public"}},
    "supervision.list": {"operator": {"region": "public"}, "auditor": {"any": "public"}},
    "collaboration.list": {"operator": {"region": "public"}, "auditor": {"any": "public"}},
    "ledger.read": {"operator": {"region": "public"}, "auditor": {"any": "public"}},
    "reconciliation.read": {"operator": {"region": "public"}, "auditor": {"any": "public"}},
    "reconciliation.run": {"operator": {"region": "public"}},
    "collaboration.read": {"operator": {"region": "public"}, "auditor": {"any": "public"}},
    "collaboration.act": {"operator": {"region": "public"}},
    "console.read": {"operator": {"region": "public"}, "auditor": {"any": "public"}},
    "grid.report": {"operator": {"region": "public"}, "system": {"any": "public"}},
    "grid.list": {"operator": {"region": "public"}, "auditor": {"any": "public"}},
    "grid.read": {"operator": {"region": "public"}, "auditor": {"any": "public"}, "system": {"own": "public"}},
    "grid.call": {"operator": {"region": "public"}, "system": {"own": "public"}},
    "grid.evidence": {"operator": {"region": "public"}},
    "routing.read": {"operator": {"any": "public"}, "auditor": {"any": "public"}},
    "routing.simulate": {"operator": {"region": "public"}, "auditor": {"any": "public"}},
    "crossing.application": {"system": {"any": "public", "department": "full"}},
    "crossing.collaboration": {"system": {"any": "public", "supporting": "public"}},
}

STEPS: Mapping[str, Action] = {"handle": "step.handle", "review": "step.review", "approve": "step.approve"}
"""What completing a step of approval is, beside ``case.step``: who reviews does not handle."""


def act_of(action: Action) -> str:
    """What a mandate has to name so that an agent may do this: who may read may list, and ``draft`` means to keep one."""
    thing, _, act = action.partition(".")
    return {"list": "read", "keep": thing}.get(act, act)


class Asker(Protocol):
    """Who asks, as the token says: the account, the department of an official, the region of an operator's centre."""

    @property
    def subject(self) -> str: ...
    @property
    def department(self) -> str: ...
    @property
    def region(self) -> str: ...


class Thing(Struct, frozen=True, kw_only=True):
    """What somebody wants to see or change, as far as access goes: whose it is.

    ``owner`` is the applicant's account; ``department`` has it in its hands; ``supporting`` is asked to help with it;
    ``centres`` are the regions whose governance centres look after it (``centres``). Empty means nobody. ``handled``: the
    asker works on it, if the department is theirs.
    """

    owner: str = ""
    department: str = ""
    supporting: str = ""
    centres: frozenset[str] = frozenset()
    handled: bool = False


def relations(asker: Asker, thing: Thing) -> frozenset[Relation]:
    """How the asker stands to the thing. ``mandated`` is not among them: a mandate is looked up (``Mandates``)."""
    found: dict[Relation, bool] = {
        "own": bool(asker.subject) and asker.subject == thing.owner,
        "handling": thing.handled and bool(asker.department) and asker.department == thing.department,
        "department": bool(asker.department) and asker.department == thing.department,
        "supporting": bool(asker.department) and asker.department == thing.supporting,
        "region": bool(asker.region) and asker.region in thing.centres,
        "any": True,
    }
    return frozenset(relation for relation, holds in found.items() if holds)


def centres(organisation: Organisation, regions: Iterable[str]) -> frozenset[str]:
    """The regions whose centres see what happens in these regions: they themselves and all above them."""
    return frozenset(
        centre for region in regions if region in organisation.region for centre in organisation.lineage(region)
    )


_RISING: tuple[Fields, ...] = ("public", "masked", "full")


def roles(action: Action) -> frozenset[str]:
    """The roles that may do this in some relation."""
    return frozenset(POLICY.get(action, {}))


def fields(role: str, action: Action, relations: Collection[Relation]) -> Fields | None:
    """The most that a caller of this role sees in these relations; None when it is denied."""
    granted: Mapping[Relation, Fields] = POLICY.get(action, {}).get(role, {})  # type: ignore[call-overload]
    found = [granted[relation] for relation in relations if relation in granted]
    return max(found, key=_RISING.index, default=None)


class Crossing(NamedTuple):
    """What of a form leaves a system on the bus: what any subscriber may read, and what only the receiver may."""

    clear: dict[str, Any]
    closed: dict[str, Any]


def crossing(
    message: Literal["crossing.application", "crossing.collaboration"],
    form: Mapping[str, Any],
    *,
    personal: Collection[str],
) -> Crossing:
    """Splits a form for a message; ``personal`` names its personal fields. What the receiver may not see stays behind.

    On the bus there is nothing between open and closed: a subscriber who may see personal data masked sees none.
    """
    receiver: Relation = "department" if message == "crossing.application" else "supporting"
    seen = {relation: fields("system", message, [relation]) for relation in ("any", receiver)}
    clear = {name: value for name, value in form.items() if name not in personal or seen["any"] == "full"}
    rest = {name: value for name, value in form.items() if name not in clear}
    return Crossing(clear, rest if seen[receiver] == "full" else {})
