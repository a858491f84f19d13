"""An item of the catalogue as rows of the item tables, and rows as what they say of an item. Pure.

What the tables cannot carry (the form, the rules, English texts, who examines …) stands in the extension of the item's
row; a row of somebody else's has none, and says only what its columns say.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

import msgspec
from msgspec.structs import replace

from ..domain.catalogue import Item, Material, Organisation
from ..domain.levels import Levels
from ..domain.validity import NEWEST
from .case_facts import plain
from .extension import beyond, fitted, whole
from .rows import Row, TaskBasic, TaskExtend, TaskMaterial
from .tables import Standard

WORKING_DAYS = "1"
NONE = "无"
SELF = "申请人自备"
CONDITIONAL = "条件必要"
CHANNELS = "1,2,3,4,9"


class Sheet(NamedTuple):
    """The rows of one item."""

    basic: TaskBasic
    extend: TaskExtend | None
    materials: tuple[TaskMaterial, ...]


def to_rows(item: Item, organisation: Organisation, standard: Standard, *, on: date = NEWEST) -> list[Row]:
    """An item's rows, without batch and operation, by the organisation of a day."""
    guid = f"{item.task_code}-{item.task_version}"[:48]
    basic = fitted(_basic(item, organisation, standard, guid, on), standard.tables)
    extend = fitted(_extend(item, guid), standard.tables)
    materials = [_material(one, item, guid, place, standard) for place, one in enumerate(item.materials, start=1)]
    assert isinstance(basic, TaskBasic) and isinstance(extend, TaskExtend)
    rest = beyond(plain(item), said(Sheet(basic, extend, tuple(materials))))
    return [replace(basic, liangwang_ext={**basic.liangwang_ext, "item": rest}), extend, *materials]


def _basic(item: Item, organisation: Organisation, standard: Standard, guid: str, on: date) -> TaskBasic:
    levels = Levels(organisation).on(on).get(item.capability, ())
    department = next((one for one in _by_level(organisation) if one.answers_for(item.capability, on)), None)
    return TaskBasic(
        row_guid=guid,
        task_name=item.name.zh,
        catalog_code=item.catalog_code,
        task_code=item.task_code,
        task_version=item.task_version,
        task_state="1",
        task_type=item.item_type,
        by_law="\n".join(item.legal_basis),
        use_level=",".join(map(str, levels)),
        dept_name=department.name.zh if department else "",
        dept_code=department.code if department else "",
        anticipate_day=item.statutory.days,
        anticipate_type=WORKING_DAYS,
        anticipate_explain=item.statutory.basis,
        promise_day=item.promised.days,
        promise_type=WORKING_DAYS,
        promise_explain=item.promised.basis,
        accept_condition=_conditions(item, standard),
        handle_flow="→".join(_step_name(item, place, standard) for place in range(len(item.steps))),
        server_type=",".join(map(str, item.audience)),
        project_type=str(item.kind),
        handle_type=CHANNELS,
        special_procedure=_procedures(item, standard),
    )


def _by_level(organisation: Organisation) -> Iterable[Any]:
    return sorted(organisation.departments, key=lambda one: organisation.region[one.region].level)


def _conditions(item: Item, standard: Standard) -> str:
    people = "、".join(standard.codes["A.4"].codes[str(one)] for one in item.audience)
    return "\n".join((people, *(rule.reason.zh for rule in item.eligibility)))


def _step_name(item: Item, place: int, standard: Standard) -> str:
    step = item.steps[place]
    return step.title.zh if step.title is not None else standard.codes["step_name"].codes[step.name]


def _procedures(item: Item, standard: Standard) -> str:
    names = standard.codes["special_name"].codes
    kinds = [*(["extension"] if item.extension else []), *(one.kind for one in item.procedures)]
    return "、".join(names.get(kind, kind) for kind in kinds) or NONE


def _extend(item: Item, guid: str) -> TaskExtend:
    asked = dict.fromkeys(ask.capability for one in item.collaborations for ask in one.asks)
    return TaskExtend(
        row_guid=f"{guid}-E",
        task_guid=guid,
        task_code=item.task_code,
        other_dept=",".join(asked),
        result_name=item.certificate.name.zh if item.certificate else "",
        result_type="10" if item.certificate else "99",
        is_online="1",
    )


_FORMS: Mapping[str, tuple[str, str]] = {"original": ("1", "1"), "copy": ("2", "1"), "electronic": ("", "2")}
"""A material's form as ``material_type`` and ``material_format``."""


def _material(material: Material, item: Item, guid: str, place: int, standard: Standard) -> TaskMaterial:
    kind, form = _FORMS[material.form]
    row = fitted(
        TaskMaterial(
            row_guid=f"{guid}-{place}",
            task_guid=guid,
            task_code=item.task_code,
            order_num=place,
            material_name=material.name.zh,
            is_need="1" if material.necessity == "required" else "0",
            material_type=kind,
            material_format=form,
            source_type="10" if material.source == SELF else "20" if material.source else "",
            source_explain=material.source,
            page_num=material.copies,
            by_law=material.basis,
            remark=CONDITIONAL if material.necessity == "conditional" else "",
        ),
        standard.tables,
    )
    assert isinstance(row, TaskMaterial)
    rest = beyond(plain(material), _said_of_material(row))
    return replace(row, liangwang_ext={**row.liangwang_ext, "material": rest})


def said(sheet: Sheet) -> dict[str, Any]:
    """What the columns of an item's rows say of it, in the catalogue's fields; what they do not say is not there."""
    basic, extend = sheet.basic, sheet.extend
    found: dict[str, Any] = {
        "task_code": basic.task_code,
        "task_version": basic.task_version,
        "name": {"zh": basic.task_name},
        "item_type": basic.task_type,
        "catalog_code": basic.catalog_code,
        "kind": _number(basic.project_type),
        "legal_basis": [line for line in basic.by_law.split("\n") if line],
        "audience": [int(code) for code in basic.server_type.split(",") if code.isdecimal()],
        "statutory": {"days": basic.anticipate_day, "basis": basic.anticipate_explain},
        "promised": {"days": basic.promise_day, "basis": basic.promise_explain},
        "materials": [said_of_material(row) for row in sheet.materials],
    }
    if extend is not None and extend.result_name:
        found["certificate"] = {"name": {"zh": extend.result_name}}
    return found


def said_of_material(row: TaskMaterial) -> dict[str, Any]:
    """What a material's row says of it, its extension included."""
    return whole(_said_of_material(row), row.liangwang_ext.get("material", {}))


def _said_of_material(row: TaskMaterial) -> dict[str, Any]:
    by_columns = {columns: form for form, columns in _FORMS.items()}
    optional = "conditional" if row.remark == CONDITIONAL else "optional"
    return {
        "name": {"zh": row.material_name},
        "necessity": "required" if row.is_need == "1" else optional,
        "form": by_columns.get((row.material_type, row.material_format), "electronic"),
        "source": row.source_explain,
        "copies": row.page_num,
        "basis": row.by_law,
    }


def _number(text: str) -> int | None:
    return int(text) if text.isdecimal() else None


def known(sheet: Sheet) -> dict[str, Any]:
    """Everything that an item's rows say of it, the extension included."""
    return whole(said(sheet), sheet.basic.liangwang_ext.get("item", {}))


def from_rows(sheet: Sheet) -> Item:
    """The item of rows that say all of it. Raises msgspec.ValidationError for rows of somebody else's (``item_draft``)."""
    return msgspec.convert(known(sheet), Item)


def sheets(rows: Sequence[Row]) -> list[Sheet]:
    """Rows of the item tables, put together by item in the order in which the items stand; strays are left out."""
    basics = [row for row in rows if isinstance(row, TaskBasic)]
    extends: dict[str, TaskExtend] = {}
    materials: dict[str, list[TaskMaterial]] = {}
    for row in rows:
        if isinstance(row, TaskExtend | TaskMaterial) and (item := item_of(row, basics)) is not None:
            if isinstance(row, TaskExtend):
                extends[item.row_guid] = row
            else:
                materials.setdefault(item.row_guid, []).append(row)
    return [
        Sheet(
            basic,
            extends.get(basic.row_guid),
            tuple(sorted(materials.get(basic.row_guid, ()), key=lambda one: one.order_num or 0)),
        )
        for basic in basics
    ]


def item_of(row: TaskExtend | TaskMaterial, basics: Sequence[TaskBasic]) -> TaskBasic | None:
    """The item that a row belongs to: by ``task_guid``, else by ``task_code`` where one item alone has it."""
    named = next((one for one in basics if row.task_guid and one.row_guid == row.task_guid), None)
    same = [one for one in basics if row.task_code and one.task_code == row.task_code]
    return named or (same[0] if len(same) == 1 else None)
