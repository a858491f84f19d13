"""态势: what went on in a time, from the tallies of its days: how tasks flowed, how long departments took, who declined what."""

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Literal, NamedTuple

from msgspec import Struct

from ..aggregates import EVENT_TALLY, Key
from ..domain import event_tally
from ..domain.catalogue import Organisation, Text
from ..domain.errors import Invalid, Violation
from ..domain.event_tally import BOUNDS, SHARDS, DayTally, Slow
from ..http import Request
from ..store import Store
from . import days
from .centres import Centres

MOST_DAYS = 92
"""Days that one request adds up: sixteen tallies each, a hundred a read."""

LONGEST_LIST = 10
"""The slowest events, and what was declined most."""


class FlowNode(Struct, frozen=True, kw_only=True):
    """A place on the ways of tasks. A centre may be two of them: one of those that ask (on the way up), one of those that
    answer (on the way down); so no way ever comes back to where it was."""

    id: str
    side: Literal["asking", "answering"]
    kind: Literal["centre", "department"]
    code: str
    name: Text
    level: int


class FlowLink(Struct, frozen=True, kw_only=True):
    """How many tasks went from one place on to the next."""

    source: str
    target: str
    tasks: int


class FlowView(Struct, frozen=True, kw_only=True):
    """The ways of the tasks that were dispatched from a day to another (China's time), as far as they touch the region."""

    first: date
    last: date
    nodes: tuple[FlowNode, ...]
    links: tuple[FlowLink, ...]


class Times(Struct, frozen=True, kw_only=True):
    """How long something took, in elapsed seconds. ``half_within`` and ``nine_tenths_within`` are bounds of a histogram's bucket:
    that part took at most so long; None: longer than 30 days."""

    count: int
    mean: int
    half_within: int | None
    nine_tenths_within: int | None


class DepartmentTimes(Struct, frozen=True, kw_only=True):
    """How long a department's tasks took: until signed, from there to the report, from there until the event was concluded."""

    signing: Times | None
    handling: Times | None
    concluding: Times | None


class CentreTimes(Struct, frozen=True, kw_only=True):
    """The same of all tasks of a centre's events, and the events as a whole."""

    signing: Times | None
    handling: Times | None
    concluding: Times | None
    whole: Times | None


class DepartmentCounts(Struct, frozen=True, kw_only=True):
    """What a department did with tasks for others, and how often it asked itself.

    A report is ``on_time`` or ``late`` by its task's own limit; ``unanswered`` tasks, whose limit passed without a report, are
    late too. ``returned`` are reports that were to be done again.
    """

    asked: int = 0
    dispatched: int = 0
    forced: int = 0
    signed: int = 0
    declined: int = 0
    reported: int = 0
    on_time: int = 0
    late: int = 0
    unanswered: int = 0
    returned: int = 0
    recalled: int = 0
    urged: int = 0
    extended: int = 0


class CentreCounts(Struct, frozen=True, kw_only=True):
    """What went on before one centre. ``lifted`` events went to the centre above, ``lifted_in`` came from below;
    ``unrouted`` asks found nobody, ``refused`` ones nobody but who asked already; ``agree``,
    ``disagree`` and ``cancelled`` are together ``concluded``, ``on_time`` or ``late`` by the event's limit; the lights
    count how often an event's came to be so."""

    raised: int = 0
    dispatched: int = 0
    unrouted: int = 0
    refused: int = 0
    disputed: int = 0
    decided: int = 0
    checked: int = 0
    urged: int = 0
    extended: int = 0
    lifted: int = 0
    lifted_in: int = 0
    yellow: int = 0
    red: int = 0
    overdue: int = 0
    concluded: int = 0
    agree: int = 0
    disagree: int = 0
    cancelled: int = 0
    partial: int = 0
    on_time: int = 0
    late: int = 0


class DepartmentFigures(Struct, frozen=True, kw_only=True):
    """One department. ``on_time_share`` is of its reports and of what it left unanswered; None where there was neither."""

    department: str
    name: Text
    region: str
    counts: DepartmentCounts
    on_time_share: float | None
    times: DepartmentTimes


class CentreFigures(Struct, frozen=True, kw_only=True):
    """One centre: what was in its own charge."""

    region: str
    name: Text
    level: int
    counts: CentreCounts
    times: CentreTimes


class DeclinedMost(Struct, frozen=True, kw_only=True):
    """How often a department declined what is asked of a capability 职责."""

    department: str
    capability: str
    declined: int


class SlowEvent(Struct, frozen=True, kw_only=True):
    """A concluded event, how many seconds it took, and the centre that had it at the end."""

    collaboration_id: str
    region: str
    requester: str
    conclusion: str
    seconds: int


class DepartmentsView(Struct, frozen=True, kw_only=True):
    """What departments and centres of a region did from a day to another, both included (China's time)."""

    first: date
    last: date
    departments: tuple[DepartmentFigures, ...]
    centres: tuple[CentreFigures, ...]
    slowest: tuple[SlowEvent, ...]
    declined_most: tuple[DeclinedMost, ...]


class _Sum(NamedTuple):
    counts: Mapping[str, Counter[str]]
    slowest: tuple[Slow, ...]

    def of(self, kind: str) -> Iterator[tuple[str, Counter[str]]]:
        """The subjects of a kind (``event_tally.Measured``), by what follows it, and what counts at them."""
        for subject, measures in sorted(self.counts.items()):
            first, _, rest = subject.partition("/")
            if first == kind:
                yield rest, measures


class ConsoleFigures:
    """``tallies`` hold what was counted by day. Each answer reads as many of them as there are days asked for, in hundreds."""

    def __init__(self, tallies: Store, organisation: Organisation) -> None:
        self._tallies = tallies
        self._organisation = organisation
        self._centres = Centres(organisation)

    def flow(self, request: Request) -> FlowView:
        """How tasks went between levels and departments: nodes and links of a Sankey diagram.

        Raises NotFound for a region that is not the caller's to see, Invalid for what is no time, or too long.
        """
        below = set(self._centres.below(self._centres.existing(request, "console.read")))
        first, last = _days(request)
        nodes: dict[str, FlowNode] = {}
        links: list[FlowLink] = []
        for link, measures in self._sum(first, last).of("link"):
            ends = [self._node(place) for place in link.split(">")]
            if any(self._region(end) in below for end in ends):
                nodes |= {end.id: end for end in ends}
                links.append(FlowLink(source=ends[0].id, target=ends[1].id, tasks=measures["tasks"]))
        return FlowView(first=first, last=last, nodes=tuple(nodes.values()), links=tuple(links))

    def departments(self, request: Request) -> DepartmentsView:
        """How long each stage took and how often, for each department and centre of a region; what was slowest and declined most.

        Raises NotFound for a region that is not the caller's to see, Invalid for what is no time, or too long.
        """
        below = self._centres.below(self._centres.existing(request, "console.read"))
        first, last = _days(request)
        found = self._sum(first, last)
        regions = set(below)
        ours = {one.code for one in self._organisation.departments if one.region in regions}
        return DepartmentsView(
            first=first,
            last=last,
            departments=tuple(self._department(code, some) for code, some in found.of("department") if code in ours),
            centres=tuple(self._centre(code, some) for code, some in found.of("centre") if code in regions),
            slowest=tuple(_slow(one) for one in event_tally.most(_within(found.slowest, regions), limit=LONGEST_LIST)),
            declined_most=_declined(found, ours),
        )

    def _sum(self, first: date, last: date) -> _Sum:
        keys = [
            Key(EVENT_TALLY.name, event_tally.identity(day, shard))
            for day in days.between(first, last)
            for shard in range(SHARDS)
        ]
        counts: dict[str, Counter[str]] = {}
        slowest: list[Slow] = []
        for stored in self._tallies.load(keys).values():
            if stored.history:
                tally: DayTally = stored.state
                for subject, measures in tally.counts.items():
                    counts.setdefault(subject, Counter()).update(measures)
                slowest += [one for some in tally.slowest.values() for one in some]
        return _Sum(counts, tuple(slowest))

    def _department(self, code: str, found: Counter[str]) -> DepartmentFigures:
        known = self._organisation.department[code]
        answered = found["on_time"] + found["late"]
        return DepartmentFigures(
            department=code,
            name=known.name,
            region=known.region,
            counts=DepartmentCounts(**{name: found[name] for name in DepartmentCounts.__struct_fields__}),
            on_time_share=round(found["on_time"] / answered, 4) if answered else None,
            times=DepartmentTimes(**{name: _times(found, name) for name in DepartmentTimes.__struct_fields__}),
        )

    def _centre(self, code: str, found: Counter[str]) -> CentreFigures:
        region = self._organisation.region[code]
        return CentreFigures(
            region=code,
            name=region.name,
            level=region.level,
            counts=CentreCounts(**{name: found[name] for name in CentreCounts.__struct_fields__}),
            times=CentreTimes(**{name: _times(found, name) for name in CentreTimes.__struct_fields__}),
        )

    def _node(self, place: str) -> FlowNode:
        side, _, code = place.partition("/")
        department = self._organisation.department.get(code)
        region = self._organisation.region.get(department.region if department else code)
        known = department or region
        return FlowNode(
            id=place,
            side="asking" if side == "asking" else "answering",
            kind="centre" if department is None and region is not None else "department",
            code=code,
            name=known.name if known is not None else Text(zh=code, en=code),
            level=region.level if region is not None else 0,
        )

    def _region(self, node: FlowNode) -> str:
        department = self._organisation.department.get(node.code)
        return department.region if department is not None else node.code


def _days(request: Request) -> tuple[date, date]:
    first, last = days.asked(request)
    if (last - first).days >= MOST_DAYS:
        violation = Violation("to", f"ask for at most {MOST_DAYS} days")
        raise Invalid("the time is too long", violations=(violation,))
    return first, last


def _times(found: Counter[str], stage: str) -> Times | None:
    count = found[stage]
    if not count:
        return None
    return Times(
        count=count,
        mean=found[f"{stage}.seconds"] // count,
        half_within=_within_bound(found, stage, (count + 1) // 2),
        nine_tenths_within=_within_bound(found, stage, -(-count * 9 // 10)),
    )


def _within_bound(found: Counter[str], stage: str, enough: int) -> int | None:
    """The bound that so many of a stage's times do not pass; None beyond the last one."""
    so_far = 0
    for bucket, bound in enumerate(BOUNDS):
        so_far += found[f"{stage}.{bucket}"]
        if so_far >= enough:
            return bound
    return None


def _within(slowest: tuple[Slow, ...], regions: set[str]) -> Iterator[Slow]:
    return (one for one in slowest if one.region in regions)


def _slow(one: Slow) -> SlowEvent:
    return SlowEvent(
        collaboration_id=one.collaboration_id,
        region=one.region,
        requester=one.requester,
        conclusion=one.conclusion,
        seconds=one.seconds,
    )


def _declined(found: _Sum, departments: set[str]) -> tuple[DeclinedMost, ...]:
    rows = []
    for subject, measures in found.of("declined"):
        department, _, capability = subject.partition("/")
        if department in departments:
            rows.append(DeclinedMost(department=department, capability=capability, declined=measures["declined"]))
    return tuple(sorted(rows, key=lambda row: -row.declined)[:LONGEST_LIST])
