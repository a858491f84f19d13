"""From what a table's stream says to the audit trail's records."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from . import log
from .aggregates import ACCESS, ACCOUNT, APPLICATION, NOTIFICATION, RATING, RECTIFICATION, Accessed, Key
from .audit_chain import Chains
from .changes import Anomaly, Change
from .domain.account import Session
from .domain.application import Opened
from .domain.audit import Record, Shown, digest, shard_of
from .domain.history import Recorded

_BESIDE_THE_CASE = frozenset({NOTIFICATION.name, RATING.name, RECTIFICATION.name})


class Trail:
    """Appends what happens in one system's table to the system's chains."""

    def __init__(self, chains: Chains, *, system: str) -> None:
        self._chains = chains
        self._system = system

    def append(self, found: Iterable[Change | Anomaly], now: datetime) -> int:
        """Every new event and anomaly becomes a record, each once however often the stream brings it; answers how many.

        Every shard has its turn; raises the first error when all have had it: then the stream has to bring all again.
        """
        records: dict[str, list[Record]] = {}
        for one in found:
            if isinstance(one, Anomaly) and one.what != "removed":
                log.add(anomalies=1)  # rings (infra/alarms.py)
            key = one.key if isinstance(one, Anomaly) else one.after.key
            shard = shard_of(self._system, _neighbour(key))
            records.setdefault(shard, []).extend(self._records(one))
        appended, error = 0, None
        for shard, new in records.items():
            try:
                appended += self._chains.append(shard, new, now)
            except Exception as problem:
                error = error or problem
        log.add(records=appended)
        if error is not None:
            raise error
        return appended

    def _records(self, found: Change | Anomaly) -> Iterator[Record]:
        if isinstance(found, Anomaly):
            if not (found.what == "removed" and found.key.kind == ACCESS.name):  # its time was over
                yield self._anomalous(found)
            return
        first = found.after.version - len(found.new) + 1
        for version, recorded in enumerate(found.new, start=first):
            yield record_of(self._system, found, version, recorded)

    def _anomalous(self, found: Anomaly) -> Record:
        identity = f"{self._system}/{found.key.kind}/{found.key.id}/{found.version}/{found.digest[:12]}/{found.what}"
        return Record(id=identity, at=found.at, type=found.what, cause="", digest=found.digest)


def _neighbour(key: Key) -> str:
    """What an aggregate shares its shard with: what is told of a case, and said of it, stands with the case. Else
    each notification would cost a block of its own, a write unit, in most batches."""
    if key.kind in _BESIDE_THE_CASE and (case_no := key.id.partition(".")[0])[:1].isdigit():
        return str(Key(APPLICATION.name, case_no))
    return str(key)


def record_of(system: str, change: Change, version: int, recorded: Recorded[Any]) -> Record:
    """The record of one event of an aggregate in a system's table. Pure."""
    event = recorded.event
    return Record(
        id=f"{system}/{change.after.key.kind}/{change.after.key.id}/{version}",
        at=recorded.at,
        type=str(event.__struct_config__.tag),
        cause=_without_key(recorded.cause),
        digest=digest(recorded),
        by=_person(change, recorded),
        access=_shown(event) if isinstance(event, Accessed) else None,
    )


def _shown(event: Accessed) -> Shown:
    return Shown(action=event.action, subject=event.subject, role=event.role, fields=event.fields, reason=event.reason)


def _without_key(cause: str) -> str:
    """A person's cause without the Idempotency-Key and the digest behind it (``processing.act``): the key is whatever
    their program made up."""
    if not cause.startswith("person/") or cause.count("/") < 4:
        return cause
    return cause.rsplit("/", 2)[0]


def _person(change: Change, recorded: Recorded[Any]) -> str:
    """The userId of who did it; "" where a message or the clock did.

    A cause names the person, except of what people do before they can be named by a token, and of applying: its cause
    is the number alone, whoever repeats the request.
    """
    match recorded.cause.split("/", 2):
        case ["person", person, *_]:
            return person
        case ["apply", *_]:
            opened = next((one.event for one in change.after.history if isinstance(one.event, Opened)), None)
            return (opened.agent or opened.applicant) if opened else ""
        case ["register" | "external", *_] if change.after.key.kind == ACCOUNT.name:
            return change.after.key.id
        case ["open", *_] if isinstance(recorded.event, Session):
            return recorded.event.subject
    return ""
