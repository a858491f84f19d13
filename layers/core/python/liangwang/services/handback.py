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
        """Enters a message into the ledger; None for what does not concern the citizen."""
        if event.type not in PROGRESS:
            return None
        message: m.Progress = event.data
        number, sequence = parse_id(event.id)
        if number != message.case_no:
            raise NotAMessage(f"id {event.id} does not belong to case {message.case_no}")

        def decide(state: ledger.Entry | None, now: object) -> Sequence[ledger.Event]:
            return ledger.observe(state, sequence=sequence, at=event.time, message=message)

        return Command(Key(LEDGER.name, message.case_no), event.id, decide)

    def deliver(self, events: Sequence[CloudEvent]) -> Mapping[str, str]:
        """Hands the messages to intake; what it cannot take, now or ever, by message id with the reason.

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
        ]
        return self._exchange.deliver(entries)
