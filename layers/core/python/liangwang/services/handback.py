"""回传: what departments told goes into the centre's ledger, then to intake, where the citizen sees it.

The ledger is written first and intake is told in any case, known or not: whatever dies between the two comes again.
"""

from collections.abc import Mapping, Sequence

import msgspec

from ..aggregates import LEDGER, Key
from ..domain import ledger
from ..domain import messages as m
from ..envelope import CloudEvent, NotAMessage
from ..exchange import PROGRESS, Exchange, ProgressEntry, parse_id
from ..processing import Command


class Handback:
    """Governance's way back to intake."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    def route(self, event: CloudEvent) -> Command | None:
        """Enters a message into the ledger; None for what concerns neither the citizen nor a centre."""
        message = event.data
        of_supervision = isinstance(message, m.OrderAnswered) or (
            isinstance(message, m.CaseSupervised) and message.centre
        )
        if event.type not in PROGRESS and not of_supervision:
            return None
        number, sequence = parse_id(event.id)
        if number != message.case_no:
            raise NotAMessage(f"id {event.id} does not belong to case {message.case_no}")

        def decide(state: ledger.Entry | None, now: object) -> Sequence[ledger.Event]:
            if of_supervision:
                return ledger.supervise(state, sequence=sequence, at=event.time, message=message)
            return ledger.observe(state, sequence=sequence, at=event.time, message=message)

        return Command(Key(LEDGER.name, message.case_no), event.id, decide)

    def deliver(self, events: Sequence[CloudEvent]) -> Mapping[str, str]:
        """Hands what concerns citizens to intake; what it cannot take, now or ever, by message id with the reason.

        Raises ExchangeError when the delivery has to come again.
        """
        entries = [
            ProgressEntry(
                id=event.id,
                type=event.type,
                case_no=event.subject,
                time=event.time,
                data=msgspec.to_builtins(event.data),
            )
            for event in events
            if event.type in PROGRESS
        ]
        return self._exchange.deliver(entries) if entries else {}
