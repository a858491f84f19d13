"""Every access to personal data leaves a record before the data is shown.

A record is a small item in the system's own table; its stream carries it into the audit trail (docs/audit.md), which
keeps it for good. The item itself goes after ``KEPT``.
"""

import uuid
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

from .aggregates import ACCESS, Accessed, Key
from .http import Caller
from .processing import Command, perform
from .store import Store, Stored

KEPT = timedelta(days=30)
"""How long an item waits to be carried into the audit trail: a stream forgets after 24 hours, people need days to mend it."""

LONGEST_REASON = 500
"""Characters of a reason that are kept."""


def _random() -> str:
    return uuid.uuid4().hex


class Accesses:
    """Records accesses in one system's table. ``identity`` makes the records' ids, each once."""

    def __init__(self, store: Store, *, identity: Callable[[], str] = _random) -> None:
        self._store = store
        self._identity = identity

    def record(
        self, caller: Caller, now: datetime, *, action: str, subject: str, fields: Iterable[str], reason: str = ""
    ) -> None:
        """Call this before personal data is shown: when it raises, nothing may be shown.

        ``action`` is one of ``domain/policy.py`` (``vault.unmask`` …), ``subject`` whose data it is (a userId) or the
        case it belongs to, ``fields`` the names of the fields, never their content; ``reason`` what the caller says.
        """
        accessed = Accessed(
            caller=caller.subject,
            role=caller.role,
            action=action,
            subject=subject,
            fields=tuple(sorted(set(fields))),
            until=now + KEPT,
            reason=reason[:LONGEST_REASON],
            department=caller.department,
        )
        key = Key(ACCESS.name, self._identity())
        command = Command(key, f"person/{caller.subject}/{action}", lambda state, at: [accessed])
        perform(self._store, [command], now, known=[Stored(key)])[0].stored()
