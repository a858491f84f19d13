"""Checks joint items: that their members exist, can be put in order, and fit into one form. Runs where catalogues are checked."""

from collections.abc import Iterable, Iterator
from graphlib import CycleError, TopologicalSorter

from liangwang.domain import joint_item
from liangwang.domain.catalogue import Catalogue, Item, JointItem, JointMember
from liangwang.forms import partial, violations
from liangwang.yaml_document import Path

Problem = tuple[Path, str]


def joint_problems(joint: JointItem, catalogue: Catalogue) -> Iterator[Problem]:
    """Everything wrong with one joint item; what stands on other things is looked at when those hold."""
    for check in (_members_exist, _order_holds, _names_are_known, _fields_agree, _materials_agree, _example_fits):
        found = list(check(joint, catalogue))
        yield from found
        if found:
            return


def _members_exist(joint: JointItem, catalogue: Catalogue) -> Iterator[Problem]:
    if not 0 < len(joint.joint_code) <= 50:
        yield ("joint_code",), "must have 1 to 50 characters"
    known = {scenario.code for scenario in catalogue.scenarios}
    for i, code in enumerate(joint.scenarios):
        if code not in known:
            yield ("scenarios", i), f"{code!r} is not in scenarios.yaml; add it there or correct it"
    if len(joint.members) < 2:
        yield ("members",), "a joint item has at least two members"
    seen: set[str] = set()
    for i, member in enumerate(joint.members):
        if member.item not in catalogue.items:
            yield ("members", i, "item"), f"there is no item {member.item!r}"
        if member.item in seen:
            yield ("members", i, "item"), f"{member.item!r} is a member already"
        seen.add(member.item)
    members = [catalogue.items[one.item] for one in joint.members if one.item in catalogue.items]
    if members and not frozenset.intersection(*(frozenset(item.audience) for item in members)):
        yield ("members",), "no type of applicant may apply for all of them"


def _order_holds(joint: JointItem, catalogue: Catalogue) -> Iterator[Problem]:
    by_code = {member.item: member for member in joint.members}
    for i, member in enumerate(joint.members):
        for n, before in enumerate(member.after):
            here: Path = ("members", i, "after", n)
            if before.item not in by_code:
                yield (*here, "item"), f"{before.item!r} is no member of this joint item"
                continue
            if by_code[before.item].optional and not member.optional:
                yield (
                    (*here, "item"),
                    f"{before.item!r} is optional: a member that is always applied for cannot wait for it",
                )
            if (before.waives or before.fills) and catalogue.items[before.item].certificate is None:
                yield here, f"{before.item!r} ends with no certificate that could stand for anything"
    try:
        TopologicalSorter({one.item: {before.item for before in one.after} for one in joint.members}).prepare()
    except CycleError as error:
        yield ("members",), f"these wait for each other: {' -> '.join(error.args[1])}"


def _names_are_known(joint: JointItem, catalogue: Catalogue) -> Iterator[Problem]:
    for i, member in enumerate(joint.members):
        item = catalogue.items[member.item]
        fields, codes = item.form["properties"], {material.code for material in item.materials}
        for name in (*member.fields, *member.fixed):
            if name not in fields:
                part = "fields" if name in member.fields else "fixed"
                yield ("members", i, part, name), f"{member.item} has no form field {name!r}"
        for code in member.materials:
            if code not in codes:
                yield ("members", i, "materials", code), f"{member.item} has no material {code!r}"
        for n, before in enumerate(member.after):
            for code in before.waives:
                if code not in codes:
                    yield ("members", i, "after", n, "waives"), f"{member.item} has no material {code!r}"
            if before.fills and before.fills not in fields:
                yield ("members", i, "after", n, "fills"), f"{member.item} has no form field {before.fills!r}"
        for violation in violations(
            partial(item.form), {name: member.fixed[name] for name in member.fixed if name in fields}
        ):
            yield ("members", i, "fixed", violation.path[1:]), violation.message


def _fields_agree(joint: JointItem, catalogue: Catalogue) -> Iterator[Problem]:
    """Fields of one name take the same values and are as personal in every member; otherwise they need names of their own."""
    first: dict[str, tuple[str, Item, str]] = {}
    for i, member in enumerate(joint.members):
        item = catalogue.items[member.item]
        names = joint_item.joint_fields(member, item, joint.members)
        yield from _repeated(i, member, names.values())
        for name, joint_name in names.items():
            owner, other, other_name = first.setdefault(joint_name, (member.item, item, name))
            path: Path = ("members", i, "fields", name)
            if not joint_item.is_same_field(other.form["properties"][other_name], item.form["properties"][name]):
                reason = (
                    f"{name} takes other values than {owner}'s {other_name}; map it to a name of its own under fields"
                )
                yield path, reason
            elif (name in item.personal) != (other_name in other.personal):
                yield path, f"{name} is personal in one of {owner} and {member.item} only; map it to a name of its own"


def _repeated(i: int, member: JointMember, names: Iterable[str]) -> Iterator[Problem]:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            yield ("members", i, "fields"), f"two fields of {member.item} are called {name!r} in the joint form"
        seen.add(name)


def _materials_agree(joint: JointItem, catalogue: Catalogue) -> Iterator[Problem]:
    first: dict[str, tuple[str, str]] = {}
    for i, member in enumerate(joint.members):
        waived = {code for code, _ in joint_item.waived(member, joint.members)}
        for material in catalogue.items[member.item].materials:
            code = member.materials.get(material.code, material.code)
            if material.code in waived:
                continue
            owner, name = first.setdefault(code, (member.item, material.name.zh))
            if name != material.name.zh and material.code not in member.materials:
                reason = f"{material.code!r} is {material.name.zh} here and {name} in {owner}; map it under materials, to its own code if they are one"
                yield ("members", i), reason


def _example_fits(joint: JointItem, catalogue: Catalogue) -> Iterator[Problem]:
    for violation in violations(joint_item.form(joint.members, catalogue.items), joint.example.form):
        yield ("example", "form", *violation.path.split("/")[1:]), violation.message
    known = {one.material.code for one in joint_item.materials(joint.members, catalogue.items)}
    for i, code in enumerate(joint.example.materials):
        if code not in known:
            yield ("example", "materials", i), f"there is no material {code!r}"
