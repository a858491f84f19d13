"""Who exports personal data: an account that proves itself, as far as the policy lets it, on record for each case."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from liangwang import passwords
from liangwang.access import mask
from liangwang.accesses import Accesses
from liangwang.aggregates import ACCOUNT, Key
from liangwang.domain import policy
from liangwang.domain.account import Account
from liangwang.domain.case import Case
from liangwang.http import Caller
from liangwang.sealing import Sealing
from liangwang.services.disclosure import opened
from liangwang.store import Store, Stored

ACTION: policy.Action = "table.export"


class NotAllowed(Exception):
    """Whoever asks may not export personal data; the message says why."""


def identified(intake: Store, username: str, password: str) -> Caller:
    """The caller behind a name and a password. Raises NotAllowed, for an account that may export nothing personal, too."""
    key = Key(ACCOUNT.name, username)
    account: Account | None = intake.load([key])[key].state
    known = account.password if account is not None and account.password else passwords.NOBODY
    if not passwords.matches(password, known) or account is None or account.status != "active":
        raise NotAllowed("no such account, a wrong password, or an account that is blocked")
    if account.role not in policy.roles(ACTION):
        may = ", ".join(sorted(policy.roles(ACTION)))
        raise NotAllowed(f"role {account.role} may not export personal data; it is for {may}")
    return Caller(subject=username, role=account.role, department=account.department, region=account.region)


class Applicants:
    """The applicants' data of cases, as the policy shows it to one caller. `asked` is the most that they want to see.

    Data in full leaves a record of its case before it is opened: who, which fields, why.
    """

    def __init__(
        self,
        department: Store,
        sealing: Sealing,
        caller: Caller,
        *,
        asked: policy.Fields,
        reason: str,
        clock: Callable[[], datetime],
    ) -> None:
        self._accesses = Accesses(department)
        self._sealing = sealing
        self._caller = caller
        self._asked = asked
        self._reason = reason
        self._clock = clock

    def of(self, stored: Stored) -> tuple[dict[str, Any], policy.Fields] | None:
        """See `Personal.of`. Raises AwsError when a record cannot be written: nothing is opened then."""
        case: Case = stored.state
        relations = policy.relations(self._caller, policy.Thing(department=case.department))
        granted = policy.fields(self._caller.role, ACTION, relations)
        if granted is None:
            return None
        shown: policy.Fields = "full" if granted == self._asked == "full" else "masked"
        if shown == "full":
            self._accesses.record(
                self._caller, self._clock(), action=ACTION, subject=stored.key.id, fields=["*"], reason=self._reason
            )
        return mask(opened(self._sealing, stored), shown), shown
