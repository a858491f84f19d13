"""The organisation day by day: when it changes, and at which levels a capability is answered for. Pure."""

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from datetime import date

from .catalogue import Organisation
from .validity import Span


def changes(organisation: Organisation) -> tuple[date, ...]:
    """The days on which a department or a capability of one begins or ends, the earliest first."""
    spans = {one.span for one in organisation.departments}
    spans.update(span for one in organisation.departments for _, span in one.duties)
    return tuple(sorted({day for span in spans for day in span} - {*Span()}))


def days_from(organisation: Organisation, today: date, more: Iterable[date] = ()) -> list[date]:
    """Today and the later days on which the organisation changes, and ``more``: between two of them all is as on the first."""
    return [today, *sorted({day for day in (*changes(organisation), *more) if day > today})]


class Levels:
    """The levels (GB/T 39046-2020 A.2) at which capabilities are answered for; found out once between two changes."""

    def __init__(self, organisation: Organisation) -> None:
        self._organisation = organisation
        self._changes = changes(organisation)
        self._known: dict[int, Mapping[str, tuple[int, ...]]] = {}

    def on(self, day: date) -> Mapping[str, tuple[int, ...]]:
        """By capability, the city's level first; a capability that nobody answers for that day is not there."""
        period = bisect_right(self._changes, day)
        if period not in self._known:
            self._known[period] = self._found(day)
        return self._known[period]

    def _found(self, day: date) -> Mapping[str, tuple[int, ...]]:
        found: dict[str, set[int]] = {}
        for (capability, region), tenures in self._organisation.responsible.items():
            if any(tenure.span.holds(day) for tenure in tenures):
                found.setdefault(capability, set()).add(self._organisation.region[region].level)
        return {capability: tuple(sorted(levels)) for capability, levels in found.items()}
