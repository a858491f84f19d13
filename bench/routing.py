"""What routing a request costs in cities from 10 to 20,000 departments, and what reading such a city costs at a start."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import yaml
from liangwang import catalogue
from liangwang.domain import routing
from liangwang.domain.responsibilities import Responsibilities
from msgspec import Struct
from rich.console import Console
from rich.table import Table

from bench import large_city

SIZES = (10, 100, 1_000, 10_000, 20_000)
RULES_A_DEPARTMENT = 2.5
QUESTIONS = 2_000
LAPS = 5
BY_HAND = 1_000
"""Departments up to which the files are read as YAML too, as people write them."""


class Figures(Struct, kw_only=True):
    """A size of city: microseconds of CPU a request (of the calmest lap, and the 99th percentile of
    single ones), and seconds of CPU to read and to index it."""

    departments: int
    rules: int
    route_us: float
    path_us: float
    p99_us: float
    read_s: float
    index_s: float
    yaml_s: float | None = None


def measure(console: Console) -> list[Figures]:
    """Every size in turn."""
    found = [_measure(size, int(size * RULES_A_DEPARTMENT)) for size in SIZES]
    table = Table(
        "departments", "rules", "route, µs", "route and path, µs", "p99, µs", "read JSON, s", "read YAML, s", "index, s"
    )
    for one in found:
        table.add_row(
            f"{one.departments:,}",
            f"{one.rules:,}",
            f"{one.route_us:.1f}",
            f"{one.path_us:.1f}",
            f"{one.p99_us:.1f}",
            f"{one.read_s:.3f}",
            "" if one.yaml_s is None else f"{one.yaml_s:.3f}",
            f"{one.index_s:.3f}",
        )
    console.print(table)
    return found


def _measure(departments: int, rules: int) -> Figures:
    tree = large_city.organisation(departments)
    city = Responsibilities.of(tree, large_city.rules(tree, rules))
    read, responsibilities = _read(city, msgspec.json.encode)
    by_hand = _read(city, as_yaml)[0] if departments <= BY_HAND else None
    asked = large_city.questions(responsibilities.organisation, QUESTIONS)
    began = time.process_time()
    routing.choose(responsibilities, asked[0], load=_busy)  # whoever is first pays for the index
    index = time.process_time() - began

    def route(question: routing.Question) -> None:
        routing.choose(responsibilities, question, load=_busy)

    def route_and_path(question: routing.Question) -> None:
        found = routing.choose(responsibilities, question, load=_busy)
        if found is not None:
            organisation = responsibilities.organisation
            routing.path(organisation, origin=question.place, target=organisation.department[found.department].region)

    single = [_timed(route, [question]) for question in asked]
    return Figures(
        departments=departments,
        rules=rules,
        route_us=min(_timed(route, asked) for _ in range(LAPS)),
        path_us=min(_timed(route_and_path, asked) for _ in range(LAPS)),
        p99_us=statistics.quantiles(single, n=100)[-1],
        read_s=read,
        index_s=index,
        yaml_s=by_hand,
    )


def _timed(act: Callable[[routing.Question], None], asked: list[routing.Question]) -> float:
    """Microseconds of CPU a question: on a shared machine the clock on the wall says more about the others."""
    began = time.process_time_ns()
    for question in asked:
        act(question)
    return (time.process_time_ns() - began) / 1e3 / len(asked)


def _busy(department: str) -> int:
    return len(department)


def _read(city: Responsibilities, encode: Callable[[object], bytes]) -> tuple[float, Responsibilities]:
    """Seconds to read a city that lies in files, and the city."""
    with tempfile.TemporaryDirectory() as name:
        directory = write(city, Path(name), encode)
        began = time.process_time()
        found = catalogue.load_responsibilities(directory)
        found.at(large_city.NOW)
        return time.process_time() - began, found


def write(city: Responsibilities, directory: Path, encode: Callable[[object], bytes]) -> Path:
    """The city as files of a catalogue."""
    rules = city.at(large_city.NOW)
    (directory / "responsibilities").mkdir()
    (directory / "organisation.yaml").write_bytes(encode(city.organisation))
    (directory / "responsibilities" / f"{rules.effective_from}.yaml").write_bytes(encode(rules))
    return directory


def as_yaml(content: object) -> bytes:
    """As a person would write it; the slow way to keep twenty thousand departments."""
    return yaml.dump(msgspec.to_builtins(content), allow_unicode=True, Dumper=yaml.CSafeDumper).encode()
