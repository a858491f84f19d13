"""一件事: what one can apply for together, open to everybody."""

from typing import Any

from msgspec import Struct

from ..domain import joint_item
from ..domain.catalogue import Catalogue, JointItem, Text
from ..domain.errors import NotFound
from ..http import Request


class JointItemSummary(Struct, frozen=True, kw_only=True):
    """A joint item as a list shows it."""

    joint_code: str
    joint_version: int
    name: Text
    summary: Text
    scenarios: tuple[str, ...]
    items: tuple[str, ...]


class JointItemList(Struct, frozen=True):
    """All joint items."""

    joint_items: tuple[JointItemSummary, ...]


class JointMemberView(Struct, frozen=True, kw_only=True):
    """One item of a joint item: whether one may leave it out, which ones it waits for, how long it takes."""

    task_code: str
    name: Text
    optional: bool
    after: tuple[str, ...]
    promised_days: int


class JointMaterialView(Struct, frozen=True, kw_only=True):
    """A material that is handed in once, and the items that it serves. ``when`` of each item decides if it is needed there."""

    code: str
    name: Text
    necessity: str
    form: str
    copies: int
    items: tuple[str, ...]


class Waiver(Struct, frozen=True, kw_only=True):
    """A material that need not be handed in: the certificate of another item stands for it."""

    task_code: str
    material: str
    certificate_of: str


class JointItemView(Struct, frozen=True, kw_only=True):
    """Everything about one joint item. In ``form`` each field names in ``x-members`` the items that it serves; what only
    optional items require is not in ``required``, but required when they are applied for."""

    joint_code: str
    joint_version: int
    name: Text
    summary: Text
    scenarios: tuple[str, ...]
    audience: tuple[int, ...]
    members: tuple[JointMemberView, ...]
    form: dict[str, Any]
    materials: tuple[JointMaterialView, ...]
    waived: tuple[Waiver, ...]


class JointItems:
    """What everybody may know of joint items. Each method is one route."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue

    def joint_items(self, request: Request) -> JointItemList:
        """All joint items, by their codes."""
        return JointItemList(tuple(_summary(one) for one in self._catalogue.joint.values()))

    def joint_item(self, request: Request) -> JointItemView:
        """One joint item with its merged form and materials. Raises NotFound."""
        code = request.path["joint_code"]
        joint = self._catalogue.joint.get(code)
        if joint is None:
            raise NotFound(f"no joint item {code}; see GET /api/joint-items")
        return self._view(joint)

    def _view(self, joint: JointItem) -> JointItemView:
        items, always = self._catalogue.items, joint_item.chosen(joint, ())
        audience = set.intersection(*(set(map(int, items[one.item].audience)) for one in joint.members))
        form = joint_item.form(joint.members, items)
        return JointItemView(
            joint_code=joint.joint_code,
            joint_version=joint.joint_version,
            name=joint.name,
            summary=joint.summary,
            scenarios=joint.scenarios,
            audience=tuple(sorted(audience)),
            members=tuple(
                JointMemberView(
                    task_code=one.item,
                    name=items[one.item].name,
                    optional=one.optional,
                    after=joint_item.prerequisites(one, joint.members),
                    promised_days=items[one.item].promised.days,
                )
                for one in joint.members
            ),
            form={**form, "required": joint_item.form(always, items)["required"]},
            materials=tuple(_material(one) for one in joint_item.materials(joint.members, items)),
            waived=tuple(
                Waiver(task_code=one.item, material=code, certificate_of=other)
                for one in joint.members
                for code, other in joint_item.waived(one, joint.members)
            ),
        )


def _summary(joint: JointItem) -> JointItemSummary:
    return JointItemSummary(
        joint_code=joint.joint_code,
        joint_version=joint.joint_version,
        name=joint.name,
        summary=joint.summary,
        scenarios=joint.scenarios,
        items=tuple(member.item for member in joint.members),
    )


def _material(merged: joint_item.MergedMaterial) -> JointMaterialView:
    material = merged.material
    return JointMaterialView(
        code=material.code,
        name=material.name,
        necessity=material.necessity,
        form=material.form,
        copies=material.copies,
        items=merged.members,
    )
