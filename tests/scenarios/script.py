"""A scenario as it is written in cases/*.yaml: who does what and when, and what comes of it. Nothing here runs anything."""

from pathlib import Path
from typing import Any

import msgspec
import yaml
from liangwang.domain.catalogue import Text
from msgspec import Struct, field

CASES = Path(__file__).parent / "cases"


class City(Struct, frozen=True, forbid_unknown_fields=True):
    """What a city has decided otherwise than the catalogue: ``rules`` of its centres (``collaboration`` of supervision.yaml), and
    ``items``: by item and by the id of a collaboration, what that says otherwise. Its scenarios have a stage of their own."""

    rules: dict[str, Any] = field(default_factory=dict)
    items: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)


class Application(Struct, frozen=True, forbid_unknown_fields=True):
    """What a citizen applies for: the item's example but for these fields of the form, with every material; ``place`` is a town."""

    item: str
    place: str = "990101001"
    form: dict[str, Any] = field(default_factory=dict)
    day: int = 0
    at: str = "09:00"


class Step(Struct, frozen=True, forbid_unknown_fields=True):
    """One act (acts.py), on a working day, at a time of day. Day 0 is a Monday.

    ``who`` is a department, a region's centre, or the citizen; ``what`` the capability that a task is about, where a
    department has several, or the end of a request's id; ``of`` is ``grid`` where a citizen applied and the act is about the
    grid event that was told of. ``refused`` is the status of the answer where the act is not taken. ``at_once``: together with the
    step before, while nothing has been carried in between.
    """

    day: int
    who: str
    does: str
    at: str = "10:00"
    what: str = ""
    of: str = ""
    give: dict[str, Any] = field(default_factory=dict, name="with")
    refused: int = 0
    at_once: bool = False


class Task(Struct, frozen=True, forbid_unknown_fields=True):
    """What becomes of one task. ``way`` is its path: region codes from the requester's centre to the supporter's."""

    who: str
    asked: str
    came_to: str
    way: str
    says: str | None = None


class Event(Struct, frozen=True, forbid_unknown_fields=True):
    """What becomes of one collaboration event: the conclusion and the rule that led to it, and its tasks in order.

    ``told`` are types of its timeline that stand there in this order, among others; ``centre`` is in charge in the end. A ``race`` is decided by what arrives first:
    where the wire shuffles, only the conclusion is sure.
    """

    conclusion: str
    because: str
    tasks: tuple[Task, ...]
    told: tuple[str, ...] = ()
    centre: str = ""
    race: bool = False


class Scenario(Struct, frozen=True, forbid_unknown_fields=True):
    """One collaboration, in the words of a city hall, as acts, and what comes of it. ``ends`` is what the citizen sees, or who
    told of a grid event, where nobody applies."""

    name: str
    title: Text
    story: Text
    steps: tuple[Step, ...]
    ends: str
    events: tuple[Event, ...] = ()
    apply: Application | None = None


class File(Struct, frozen=True, forbid_unknown_fields=True):
    """The scenarios of one subject, which is a heading of docs/scenarios.md, and the ``city`` that they are played in."""

    subject: str
    scenarios: tuple[Scenario, ...]
    city: City = City()


def scenarios():
    """All of them, in the order of the files and within each."""
    return [one for file in files() for one in file.scenarios]


def by_city():
    """(city, scenarios): those that are played on one stage."""
    found = []
    for file in files():
        if file.city not in (known := [city for city, _ in found]):
            found.append((file.city, []))
            known.append(file.city)
        found[known.index(file.city)][1].extend(file.scenarios)
    return found


def files():
    """As they lie in cases/, in the order of their names."""
    return [_read(path) for path in sorted(CASES.glob("*.yaml"))]


def _read(path):
    try:
        return msgspec.convert(yaml.safe_load(path.read_text("utf-8")), File)
    except msgspec.ValidationError as error:
        raise ValueError(f"{path.name}: {error}") from error
