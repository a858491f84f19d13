"""一件事: several items as one: one form, one set of materials, an order in which one result serves the next. Pure."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any, NamedTuple

from msgspec.structs import replace

from .catalogue import Item, JointItem, JointMember, Material

Items = Mapping[str, Item]
"""The members' items by their codes."""

TITLES = frozenset({"title", "x-title-en", "description", "x-labels"})
"""What a field is called: two members may call one field differently, the first one's words are shown."""


class MergedMaterial(NamedTuple):
    """A material of the joint item and the members that it serves."""

    material: Material
    members: tuple[str, ...]


def chosen(joint: JointItem, wanted: Collection[str]) -> tuple[JointMember, ...]:
    """The members that an applicant takes: all that are not optional, and the ``wanted`` ones."""
    return tuple(member for member in joint.members if not member.optional or member.item in wanted)


def joint_fields(member: JointMember, item: Item, members: Collection[JointMember]) -> dict[str, str]:
    """The joint form's name of each field of a member that the applicant fills in."""
    given = {*member.fixed, *(one.fills for one in _served(member, members))}
    return {name: member.fields.get(name, name) for name in item.form["properties"] if name not in given}


def form(members: Collection[JointMember], items: Items) -> dict[str, Any]:
    """The joint form as a JSON Schema: each field once, in the members' order; ``x-members`` tells whose it is."""
    properties: dict[str, dict[str, Any]] = {}
    required: dict[str, None] = {}
    for member in members:
        item = items[member.item]
        for name, joint_name in joint_fields(member, item, members).items():
            field = properties.setdefault(joint_name, {**item.form["properties"][name], "x-members": []})
            field["x-members"].append(member.item)
            if name in item.form.get("required", ()):
                required[joint_name] = None
    return {
        "type": "object",
        "additionalProperties": False,
        "required": [name for name in properties if name in required],
        "properties": properties,
    }


def personal(members: Collection[JointMember], items: Items) -> frozenset[str]:
    """The fields of the joint form that are personal to some member."""
    return frozenset(
        joint_name
        for member in members
        for name, joint_name in joint_fields(member, items[member.item], members).items()
        if name in items[member.item].personal
    )


def materials(members: Collection[JointMember], items: Items) -> tuple[MergedMaterial, ...]:
    """The materials that an applicant hands in: each once, without what a certificate of another member stands for."""
    found: dict[str, MergedMaterial] = {}
    for member in members:
        waived = {code for one in _served(member, members) for code in one.waives}
        for material in items[member.item].materials:
            if material.code in waived:
                continue
            code = member.materials.get(material.code, material.code)
            known = found.get(code, MergedMaterial(replace(material, code=code), ()))
            found[code] = MergedMaterial(_stronger(known.material, material), (*known.members, member.item))
    return tuple(found.values())


def member_form(
    member: JointMember,
    item: Item,
    members: Collection[JointMember],
    filled_in: Mapping[str, Any],
    numbers: Mapping[str, str],
) -> dict[str, Any]:
    """A member's own form out of the joint one. ``numbers`` are the certificates' numbers of the members before it."""
    names = joint_fields(member, item, members)
    own = {name: filled_in[joint_name] for name, joint_name in names.items() if joint_name in filled_in}
    given = {one.fills: numbers[one.item] for one in _served(member, members) if one.fills}
    return {**own, **member.fixed, **given}


def member_materials(member: JointMember, item: Item, handed_in: Collection[str]) -> tuple[str, ...]:
    """A member's own codes of what was handed in for the whole."""
    return tuple(one.code for one in item.materials if member.materials.get(one.code, one.code) in handed_in)


def own_codes(member: JointMember, item: Item) -> dict[str, str]:
    """The joint item's code of each material of a member, to the member's own."""
    return {member.materials.get(one.code, one.code): one.code for one in item.materials}


def waived(member: JointMember, members: Collection[JointMember]) -> Iterator[tuple[str, str]]:
    """The materials of a member that other members' certificates stand for: (code, the other member)."""
    for one in _served(member, members):
        for code in one.waives:
            yield code, one.item


def prerequisites(member: JointMember, members: Collection[JointMember]) -> tuple[str, ...]:
    """The members that have to be granted before this one is applied for."""
    return tuple(one.item for one in _served(member, members))


def _served(member: JointMember, members: Collection[JointMember]) -> Iterator[Any]:
    """The prerequisites of a member that are taken at all."""
    taken = {one.item for one in members}
    return (one for one in member.after if one.item in taken)


def _stronger(one: Material, other: Material) -> Material:
    """Required goes before conditional, conditional before optional."""
    order = ("required", "conditional", "optional")
    necessity = min(one.necessity, other.necessity, key=order.index)
    return replace(one, necessity=necessity, copies=max(one.copies, other.copies))


def is_same_field(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two fields take the same values, whatever they are called."""
    return {key: one[key] for key in one.keys() - TITLES} == {key: other[key] for key in other.keys() - TITLES}
