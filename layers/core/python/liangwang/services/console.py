"""态势: what is open before a governance centre and those below it, at this moment; one read, however many events there were."""

import base64
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

import msgspec
from msgspec import Struct

from ..domain.catalogue import Organisation, Text
from ..domain.errors import Invalid, Violation
from ..domain.message_parts import Light
from ..domain.open_events import LIGHTS, STAGES, OpenEvents, Standing
from ..http import Request, limit_of
from ..store import Store
from .centres import Centres
from .console_cursor import Cursor
from .event_counting import OPEN_KEYS


class Figures(Struct, frozen=True, kw_only=True):
    """How many there are: altogether, by state and by light 红黄灯. Of a task the light is that of its event."""

    total: int
    state: dict[str, int]
    light: dict[str, int]


class CentreNow(Struct, frozen=True, kw_only=True):
    """What is open before one centre: in its own charge, and with all that is before the centres below it."""

    region: str
    name: Text
    level: int
    own: Figures
    events: Figures
    tasks: Figures


class DepartmentNow(Struct, frozen=True, kw_only=True):
    """The tasks that one department has open for others, whichever centre is in charge."""

    department: str
    name: Text
    region: str
    tasks: Figures


class ConsoleView(Struct, frozen=True, kw_only=True):
    """What is open in a region. The first of ``centres`` is the region's own; those with nothing open are left out.

    ``since`` is where its changes go on (`GET /api/console/changes?since=`): nothing lies between the two.
    """

    at: datetime
    centres: tuple[CentreNow, ...]
    departments: tuple[DepartmentNow, ...]
    since: str


class OpenTaskView(Struct, frozen=True, kw_only=True):
    """An open task of an event in short."""

    department: str
    state: str


class OpenEventView(Struct, frozen=True, kw_only=True):
    """An open event in short; `GET /api/collaborations/{collaboration_id}` shows its whole way. ``requester`` is a department, or a
    centre that asks itself."""

    collaboration_id: str
    case_no: str
    requester: str
    region: str
    state: str
    light: Light
    raised_at: datetime
    due_at: datetime
    tasks: tuple[OpenTaskView, ...]


class OpenEventList(Struct, frozen=True, kw_only=True):
    """A page of open events, soonest due first; ``total`` is how many there are on all pages."""

    events: tuple[OpenEventView, ...]
    total: int
    cursor: str | None = None


class Console:
    """``tallies`` hold what is open; the read of them is the only one."""

    def __init__(self, tallies: Store, organisation: Organisation) -> None:
        self._tallies = tallies
        self._organisation = organisation
        self._centres = Centres(organisation)

    def now(self, request: Request) -> ConsoleView:
        """Open events and tasks by state and light, for each centre and each department of a region.

        Raises NotFound for a region that is not the caller's to see.
        """
        region = self._centres.existing(request, "console.read")
        below = self._centres.below(region)
        parts = read_open(self._tallies)
        standing = [one for part in parts if part is not None for one in part.standing.values()]
        centres = self._by_centre(standing, below, first=region)
        return ConsoleView(
            at=request.now,
            centres=tuple(centres),
            departments=tuple(self._by_department(standing, set(below))),
            since=Cursor.newest(parts).text(),
        )

    def events(self, request: Request) -> OpenEventList:
        """The open events behind the figures: those of a region, narrowed by ``state``, ``light`` and ``department``.

        Raises NotFound for a region that is not the caller's to see, Invalid for a filter that names nothing.
        """
        region = self._centres.existing(request, "console.read")
        _check_choices(request)
        limit, after = limit_of(request), _open_place(request.query.get("cursor", ""))
        found = list(self._matching(set(self._centres.below(region)), request.query))
        found.sort(key=lambda one: (one[1].due_at, one[0]))
        rest = [one for one in found if after is None or (one[1].due_at, one[0]) > after]
        page, more = rest[:limit], len(rest) > limit
        return OpenEventList(
            events=tuple(_view(key, one) for key, one in page),
            total=len(found),
            cursor=_place(*page[-1]) if more else None,
        )

    def _matching(self, regions: set[str], query: Mapping[str, str]) -> Iterator[tuple[str, Standing]]:
        state, light, department = (query.get(name, "") for name in ("state", "light", "department"))
        for part in read_open(self._tallies):
            for key, one in part.standing.items() if part is not None else ():
                if one.region not in regions or (state and one.stage != state) or (light and one.light != light):
                    continue
                if not department or any(name == department for name, _ in one.tasks):
                    yield key, one

    def _by_centre(self, standing: list[Standing], below: list[str], *, first: str) -> Iterator[CentreNow]:
        under: dict[str, list[Standing]] = {}
        for one in standing:
            for above in self._organisation.lineage(one.region) if one.region in self._organisation.region else ():
                under.setdefault(above, []).append(one)
        for code in sorted(below, key=lambda code: code != first):
            if code == first or code in under:
                region, found = self._organisation.region[code], under.get(code, [])
                yield CentreNow(
                    region=code,
                    name=region.name,
                    level=region.level,
                    own=_events(one for one in found if one.region == code),
                    events=_events(found),
                    tasks=_figures((status, one.light) for one in found for _, status in one.tasks),
                )

    def _by_department(self, standing: list[Standing], regions: set[str]) -> Iterator[DepartmentNow]:
        tasks: dict[str, list[tuple[str, str]]] = {}
        for one in standing:
            for code, status in one.tasks:
                tasks.setdefault(code, []).append((status, one.light))
        for code, found in sorted(tasks.items()):
            department = self._organisation.department.get(code)
            if department is not None and department.region in regions:
                figures = _figures(found)
                yield DepartmentNow(department=code, name=department.name, region=department.region, tasks=figures)


def read_open(tallies: Store) -> list[OpenEvents | None]:
    """All tallies of open events, in order; None for one that nothing has been written to."""
    loaded = tallies.load(OPEN_KEYS)
    return [loaded[key].state for key in OPEN_KEYS]


def _events(found: Iterable[Standing]) -> Figures:
    return _figures((one.stage, one.light) for one in found)


def _figures(found: Iterable[tuple[str, str]]) -> Figures:
    pairs = list(found)
    return Figures(
        total=len(pairs),
        state=dict(Counter(state for state, _ in pairs)),
        light=dict(Counter(light for _, light in pairs)),
    )


def _view(collaboration_id: str, one: Standing) -> OpenEventView:
    return OpenEventView(
        collaboration_id=collaboration_id,
        case_no=one.case_no,
        requester=one.requester,
        region=one.region,
        state=one.stage,
        light=one.light,
        raised_at=one.raised_at,
        due_at=one.due_at,
        tasks=tuple(OpenTaskView(department=department, state=status) for department, status in one.tasks),
    )


def _check_choices(request: Request) -> None:
    found = [
        Violation(name, f"use one of {', '.join(choices)}")
        for name, choices in (("state", STAGES), ("light", LIGHTS))
        if request.query.get(name, choices[0]) not in choices
    ]
    if found:
        raise Invalid("not what events are looked for by", violations=tuple(found))


def _place(collaboration_id: str, one: Standing) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode((one.due_at, collaboration_id))).decode()


def _open_place(cursor: str) -> tuple[datetime, str] | None:
    if not cursor:
        return None
    try:
        due_at, collaboration_id = msgspec.json.decode(base64.urlsafe_b64decode(cursor), type=tuple[datetime, str])
        if due_at.tzinfo is not None:
            return due_at, collaboration_id
    except (ValueError, msgspec.DecodeError):
        pass
    raise Invalid("not a cursor", violations=(Violation("cursor", "use the cursor of the page before, unchanged"),))
