"""Reads the catalogue of one directory: the organisation, scenarios, rules of supervision, categories of grid events,
``items`` and ``joint`` items.

``calendar.yaml`` beside them is checked here and read by ``working_calendar``.

``load`` is what functions do at start: read, convert, nothing more. ``check`` is what CI, the tests and the local machine
do before anything starts: it refuses a broken item with its file, line and reason. docs/catalogue.md is the authors' page.
"""

import re
from collections.abc import Iterator
from contextlib import suppress
from datetime import date
from functools import cache, partial
from pathlib import Path as Directory
from typing import NamedTuple, TypeVar

import msgspec
from msgspec import Struct

from liangwang import clock, misfits, working_calendar
from liangwang.domain.catalogue import Catalogue, Item, JointItem, Organisation, Scenario
from liangwang.domain.grid_category import GridCategories
from liangwang.domain.responsibilities import Edition, Responsibilities, RuleSet
from liangwang.domain.supervision_rule import SupervisionRules
from liangwang.domain.validity import day_of
from liangwang.working_calendar import Dated
from liangwang.yaml_document import BrokenYaml, Path, YamlDocument


class Scenarios(Struct, frozen=True, forbid_unknown_fields=True):
    """The content of ``scenarios.yaml``."""

    scenarios: tuple[Scenario, ...] = ()


Kind = TypeVar("Kind", Item, JointItem, Organisation, RuleSet, Scenarios, SupervisionRules, GridCategories, Dated)


class CatalogueError(Exception):
    """The catalogue is broken. ``problems`` holds one ``file:line: path: reason`` each, files in order of their names."""

    def __init__(self, *problems: str) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


@cache
def load(directory: Directory) -> Catalogue:
    """The catalogue in ``directory``, read once per process. Trusts what ``check`` has passed.

    Raises ``CatalogueError`` when a file cannot be read into its struct at all.
    """
    organisation = load_organisation(directory)
    items = (_load(directory, name, Item) for name in _item_files(directory))
    joint = (_load(directory, name, JointItem) for name in _joint_files(directory))
    return Catalogue.of(items, organisation, _scenarios(directory), joint)


@cache
def load_organisation(directory: Directory) -> Organisation:
    """Regions and departments, read once per process. Raises ``CatalogueError``."""
    return _load(directory, "organisation.yaml", Organisation)


@cache
def load_responsibilities(directory: Directory) -> Responsibilities:
    """The organisation and the rules of routing, read once per process and indexed once. Raises ``CatalogueError``.

    A version is read when something of its time is routed: a start costs the one in force, however many came before it.
    """
    return Responsibilities(
        load_organisation(directory),
        tuple(Edition(day, partial(_rules, directory, name)) for day, name in _editions(directory)),
    )


@cache
def _rules(directory: Directory, name: str) -> RuleSet:
    return _load(directory, name, RuleSet)


@cache
def load_supervision(directory: Directory) -> SupervisionRules:
    """The rules of supervision, read once per process; none without ``supervision.yaml``. Raises ``CatalogueError``."""
    return _supervision(directory)[0]


@cache
def load_grid(directory: Directory) -> GridCategories:
    """The categories of grid events, read once per process; none without ``grid.yaml``. Raises ``CatalogueError``."""
    return _grid(directory)[0]


def check(directory: Directory, *, today: date | None = None) -> Catalogue:
    """The catalogue in ``directory``, every rule, form and reference in it looked at, as it is from ``today`` on.

    Raises ``CatalogueError`` with all problems found, so that an author can put them right in one go.
    """
    from liangwang import catalogue_checks

    today = today or day_of(clock.utc())
    try:
        organisation, document = _read(directory, "organisation.yaml", Organisation)
    except CatalogueError as error:
        # Without the organisation no item can be judged, but an author still wants to know what does not even read.
        raise CatalogueError(*error.problems, *_unreadable(directory)) from error
    found = catalogue_checks.organisation_problems(organisation)
    problems = [_problem("organisation.yaml", document, path, reason) for path, reason in found]
    try:
        rules, document = _supervision(directory)
        found = catalogue_checks.supervision_problems(rules)
        problems.extend(_problem("supervision.yaml", document, path, reason) for path, reason in found)
    except CatalogueError as error:
        problems.extend(error.problems)
    try:
        scenarios = _scenarios(directory)
    except CatalogueError as error:
        raise CatalogueError(*problems, *error.problems, *_unreadable(directory)) from error
    organisation_stands = not problems  # items are judged only against an organisation that holds together
    versions, unreadable = _versions(directory)
    problems.extend(unreadable)
    responsibilities = Responsibilities.of(organisation, *(one.rules for one in versions))
    origin: dict[tuple[str, int], str] = {}
    items: list[Item] = []
    for name in _item_files(directory):
        try:
            item, document = _read(directory, name, Item)
        except CatalogueError as error:
            problems.extend(error.problems)
            continue
        items.append(item)
        if (first := origin.setdefault((item.task_code, item.task_version), name)) != name:
            reason = f"version {item.task_version} of {item.task_code!r} is already in {first}"
            problems.append(_problem(name, document, ("task_version",), reason))
        if organisation_stands:
            found = catalogue_checks.item_problems(item, responsibilities, scenarios, today=today)
            problems.extend(_problem(name, document, path, reason) for path, reason in found)
    problems.extend(_calendar_problems(directory))
    if organisation_stands:
        problems.extend(_routing_problems(versions, organisation, items))
    if problems:
        raise CatalogueError(*problems)  # joint items are judged only over items that stand
    found_catalogue = _checked_joint(directory, Catalogue.of(items, organisation, scenarios))
    _check_documents(directory, found_catalogue)
    _check_grid(directory, found_catalogue, today)
    return found_catalogue


class _Version(NamedTuple):
    """One version of the routing rules, and where it stands."""

    name: str
    day: date
    rules: RuleSet
    document: YamlDocument


def _versions(directory: Directory) -> tuple[list[_Version], list[str]]:
    """Every version that can be read, and why others cannot be."""
    found: list[_Version] = []
    problems: list[str] = []
    try:
        editions = _editions(directory)
    except CatalogueError as error:
        return [], list(error.problems)
    for day, name in editions:
        try:
            found.append(_Version(name, day, *_read(directory, name, RuleSet)))
        except CatalogueError as error:
            problems.extend(error.problems)
    return found, problems


def _routing_problems(versions: list[_Version], organisation: Organisation, items: list[Item]) -> Iterator[str]:
    from liangwang import responsibility_checks

    for number, one in enumerate(versions):
        earlier = [other.rules for other in versions[:number]]
        found = [
            *responsibility_checks.edition_problems(one.day, one.rules, earlier),
            *responsibility_checks.rule_set_problems(one.rules, organisation, items),
        ]
        until = versions[number + 1].day if one is not versions[-1] else None
        found += responsibility_checks.absence_problems(one.rules, organisation, until=until)
        yield from (_problem(one.name, one.document, path, reason) for path, reason in found)


def _check_grid(directory: Directory, catalogue: Catalogue, today: date) -> None:
    """Looks at the categories of grid events, once what they name stands."""
    from liangwang import grid_checks

    categories, document = _grid(directory)
    found = grid_checks.grid_problems(categories, catalogue.organisation, catalogue.items, today=today)
    if problems := [_problem("grid.yaml", document, path, reason) for path, reason in found]:
        raise CatalogueError(*problems)


def _check_documents(directory: Directory, catalogue: Catalogue) -> None:
    """Looks at the templates of documents, and at what items say of them."""
    from liangwang import document_templates

    if not (directory / "documents.yaml").exists():
        return
    try:
        templates = document_templates.read(directory / "documents.yaml").templates
    except (BrokenYaml, msgspec.ValidationError) as error:
        raise CatalogueError(f"documents.yaml: {error}") from error
    if problems := tuple(document_templates.check(templates, catalogue)):
        raise CatalogueError(*problems)


def _checked_joint(directory: Directory, catalogue: Catalogue) -> Catalogue:
    """The catalogue with its joint items, each looked at."""
    from liangwang import joint_checks

    problems: list[str] = []
    joint: list[JointItem] = []
    origin: dict[tuple[str, int], str] = {}
    for name in _joint_files(directory):
        try:
            one, document = _read(directory, name, JointItem)
        except CatalogueError as error:
            problems.extend(error.problems)
            continue
        joint.append(one)
        found = list(joint_checks.joint_problems(one, catalogue))
        if (first := origin.setdefault((one.joint_code, one.joint_version), name)) != name:
            found.append(
                (("joint_version",), f"version {one.joint_version} of {one.joint_code!r} is already in {first}")
            )
        problems.extend(_problem(name, document, path, reason) for path, reason in found)
    if problems:
        raise CatalogueError(*problems)
    return Catalogue.of(catalogue.versions.values(), catalogue.organisation, catalogue.scenarios, joint)


def _calendar_problems(directory: Directory) -> list[str]:
    try:
        dated, document = _read(directory, working_calendar.FILE, Dated)
    except CatalogueError as error:
        return list(error.problems)
    found = working_calendar.problems(dated, working_calendar.announced())
    return [_problem(working_calendar.FILE, document, path, reason) for path, reason in found]


def _scenarios(directory: Directory) -> tuple[Scenario, ...]:
    """The scenarios; none without the file."""
    name = "scenarios.yaml"
    return _read(directory, name, Scenarios)[0].scenarios if (directory / name).exists() else ()


def _supervision(directory: Directory) -> tuple[SupervisionRules, YamlDocument]:
    name = "supervision.yaml"
    if not (directory / name).exists():
        return SupervisionRules(), YamlDocument("rules: []")
    return _read(directory, name, SupervisionRules)


def _editions(directory: Directory) -> list[tuple[date, str]]:
    """The files of versions of the routing rules by the days they are named for. Raises ``CatalogueError``."""
    found = []
    for path in sorted((directory / "responsibilities").glob("*.yaml")):
        name = f"responsibilities/{path.name}"
        try:
            found.append((date.fromisoformat(path.stem), name))
        except ValueError as error:
            raise CatalogueError(f"{name}:1: a version is named for its first day, as 2027-01-01.yaml is") from error
    return found


def _grid(directory: Directory) -> tuple[GridCategories, YamlDocument]:
    name = "grid.yaml"
    if not (directory / name).exists():
        return GridCategories(), YamlDocument("categories: []")
    return _read(directory, name, GridCategories)


def _item_files(directory: Directory) -> list[str]:
    return sorted(f"items/{path.name}" for path in (directory / "items").glob("*.yaml"))


def _joint_files(directory: Directory) -> list[str]:
    return sorted(f"joint/{path.name}" for path in (directory / "joint").glob("*.yaml"))


def _unreadable(directory: Directory) -> Iterator[str]:
    for name in _item_files(directory):
        try:
            _read(directory, name, Item)
        except CatalogueError as error:
            yield from error.problems


def _load(directory: Directory, name: str, kind: type[Kind]) -> Kind:
    """One file as its struct, without its lines. JSON is YAML too, and is read some hundred times as fast: what a program
    writes for a large city is JSON.
    """
    text = _text(directory, name)
    if text.startswith("{"):
        with suppress(msgspec.DecodeError):
            return msgspec.json.decode(text, type=kind)
    return _read(directory, name, kind)[0]


def _text(directory: Directory, name: str) -> str:
    try:
        return (directory / name).read_text(encoding="utf-8")
    except OSError as error:
        raise CatalogueError(f"{name}:1: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise CatalogueError(f"{name}:1: is not UTF-8 text: {error.reason}") from error


def _read(directory: Directory, name: str, kind: type[Kind]) -> tuple[Kind, YamlDocument]:
    """One file as its struct. Raises ``CatalogueError`` with the first thing that does not fit."""
    try:
        document = YamlDocument(_text(directory, name))
    except BrokenYaml as error:
        raise CatalogueError(f"{name}:{error.line}: {error.reason}") from error
    try:
        return msgspec.convert(document.data, kind), document
    except msgspec.ValidationError as error:
        path, reason = _misfit(str(error), kind)
        raise CatalogueError(_problem(name, document, path, reason)) from error


def _problem(name: str, document: YamlDocument, path: Path, reason: str) -> str:
    place = f"{name}:{document.line(path)}: "
    return f"{place}{shown(path)}: {reason}" if path else f"{place}{reason}"


def shown(path: Path) -> str:
    """A path as people write it: ``materials[0].code``."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).removeprefix(".")


def _misfit(message: str, kind: type) -> tuple[Path, str]:
    """Where and why, from msgspec's one sentence such as "Expected `str`, got `int` - at `$.name.zh`"."""
    reason, _, location = message.partition(" - at `")
    path = misfits.path_of(location)
    if unknown := re.fullmatch(r"Object contains unknown field `(.+)`", reason):
        return (*path, unknown[1]), "this field does not exist; take it out or correct its name"
    if missing := re.fullmatch(r"Object missing required field `(.+)`", reason):
        return path, f"the field {missing[1]} is missing"
    advice = misfits.fix(reason, kind, path)
    return path, f"{reason}; {advice}" if advice else reason
