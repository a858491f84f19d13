"""Where a service asks the policy: who may do this to that very thing, and how much of it they are shown.

``granted`` is the one gate: a service says what the thing is to whom (``policy.Thing``, or relations it found out
itself), and gets the fields that are shown, or NotFound. ``mask`` shows personal data as those fields allow.
"""

from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from .aggregates import MANDATE, Key
from .domain import policy
from .domain.errors import NotFound
from .domain.mandate import Mandate, identity
from .http import Caller, Request
from .store import Store

HIDDEN = "****"


def granted(
    caller: Caller, action: policy.Action, relations: Collection[policy.Relation] | policy.Thing, *, what: str
) -> policy.Fields:
    """How much the caller is shown when doing this. Raises NotFound, saying ``what``, when the policy denies it.

    Another's thing and one that does not exist are told alike: whoever has no right does not learn which it is.
    """
    known = policy.relations(caller, relations) if isinstance(relations, policy.Thing) else relations
    shown = policy.fields(caller.role, action, known)
    if shown is None:
        raise NotFound(what)
    return shown


class Standing(NamedTuple):
    """How one caller stands to all that is one person's at one moment: as that person, or by a mandate of theirs.

    ``applicant_type`` is the person's (GB/T 39046-2020 A.4).
    """

    caller: str
    principal: str
    now: datetime
    applicant_type: str
    mandate: Mandate | None = None

    def relation(self, *, task_code: str | None, act: str) -> tuple[policy.Relation, ...]:
        """``own``; ``mandated`` where a mandate allows the act for this item (None: for some item); or nothing."""
        if self.caller == self.principal:
            return ("own",)
        if self.mandate is not None and self.mandate.covers(act, task_code=task_code, now=self.now):
            return ("mandated",)
        return ()

    @property
    def level(self) -> int:
        """The real-name level that the principal is known to have; of an agent's own nothing is said here."""
        return 3 if self.mandate is None else self.mandate.level

    @property
    def agent(self) -> str:
        """Who acts for the principal; empty when the principal acts."""
        return "" if self.caller == self.principal else self.caller

    @property
    def mandate_id(self) -> str:
        """The mandate under which the agent acts; empty when the principal acts."""
        return "" if self.mandate is None else self.mandate.id


class Mandates:
    """Looks mandates up, consistently, at every act: one that was taken back a moment ago holds no longer."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def standing(self, request: Request, principal: str) -> Standing:
        """How the caller stands to a person; reads nothing when it is the caller."""
        caller = request.by
        if caller.subject == principal:
            return Standing(caller.subject, principal, request.now, caller.applicant_type)
        key = Key(MANDATE.name, identity(principal, caller.subject))
        mandate: Mandate | None = self._store.load([key])[key].state
        applicant_type = "" if mandate is None else mandate.applicant_type
        return Standing(caller.subject, principal, request.now, applicant_type, mandate)

    def relation(
        self, request: Request, principal: str, *, task_code: str | None, act: str
    ) -> tuple[policy.Relation, ...]:
        """``Standing.relation`` for a single question."""
        return self.standing(request, principal).relation(task_code=task_code, act=act)


def mask(personal: Mapping[str, Any], fields: policy.Fields) -> dict[str, Any]:
    """Personal data as far as ``fields`` allows: nothing, made unrecognisable, or as it is.

    What kind of datum it is follows from the field's name (``contact_phone`` is a ``phone``); a field of no known kind,
    and a value that is no text, is hidden whole.
    """
    if fields == "public":
        return {}
    if fields == "full":
        return dict(personal)
    return {name: _masked(name, value) for name, value in personal.items()}


def _masked(name: str, value: Any) -> str:
    if not isinstance(value, str) or not value:
        return HIDDEN
    for kind, show in _KINDS.items():
        if name == kind or name.endswith(f"_{kind}"):
            return show(value)
    return HIDDEN


def _ends(first: int, last: int) -> Callable[[str], str]:
    """Shows the first and last characters; of a value that is hardly longer than what would be shown, nothing."""

    def show(value: str) -> str:
        if len(value) < 2 * (first + last):
            return HIDDEN
        return value[:first] + HIDDEN + value[len(value) - last :]

    return show


def _name(value: str) -> str:
    return value[0] + "**" if len(value) > 1 else "*"


def _email(value: str) -> str:
    name, at, domain = value.rpartition("@")
    return f"{name[0]}{HIDDEN}@{domain}" if name and at else HIDDEN


def _address(value: str) -> str:
    return value[: min(6, len(value) // 2)] + HIDDEN


def _phone(value: str) -> str:
    digits = "".join(character for character in value if character.isdigit())
    return digits[:3] + HIDDEN + digits[-4:] if len(digits) >= 11 else HIDDEN


_KINDS: Mapping[str, Callable[[str], str]] = {
    "identity_number": _ends(3, 2),
    "identity_no": _ends(3, 2),
    "credit_code": _ends(3, 2),
    "phone": _phone,
    "email": _email,
    "bank_account": _ends(0, 4),
    "address": _address,
    "premises": _address,
    "name": _name,
    "operator": _name,
    "manager": _name,
}
