"""Checks the form of an item: a JSON Schema that says what it means, and an example that fits it."""

from collections.abc import Iterator
from typing import Any

import jsonschema_rs

from liangwang.domain.catalogue import Item
from liangwang.forms import violations
from liangwang.yaml_document import Path

Problem = tuple[Path, str]

FORM_KEYWORDS = frozenset(["type", "additionalProperties", "properties", "required", "title", "description"])
FIELD_KEYWORDS = frozenset(
    [
        "title",
        "x-title-en",
        "x-labels",
        "description",
        "type",
        "enum",
        "const",
        "format",
        "pattern",
        "minLength",
        "maxLength",
        "minimum",
        "maximum",
        "exclusiveMinimum",
        "exclusiveMaximum",
        "multipleOf",
        "items",
        "minItems",
        "maxItems",
        "uniqueItems",
    ]
)

LARGEST = 2**53
"""Up to here every integer is a number of its own in JSON readers that know only doubles, and fits CEL's arithmetic."""


def form_problems(item: Item) -> Iterator[Problem]:
    """Everything wrong with the form, its personal fields and the item's example."""
    try:
        jsonschema_rs.meta.validate({"$schema": "https://json-schema.org/draft/2020-12/schema", **item.form})
        jsonschema_rs.Draft202012Validator(item.form, validate_formats=True, ignore_unknown_formats=False)
    except jsonschema_rs.ValidationError as error:
        yield ("form", *error.instance_path), f"not a JSON Schema: {error.message}"
        return
    found = [*_object_problems(item.form), *_field_problems(item.form), *_personal_problems(item)]
    yield from found
    if not found:
        yield from _example_problems(item)


def _object_problems(form: dict[str, Any]) -> Iterator[Problem]:
    if form.get("type") != "object":
        yield ("form", "type"), "a form is an object"
    if form.get("additionalProperties") is not False:
        yield ("form", "additionalProperties"), "must be false, so that a mistyped field is told and not lost"
    if not form.get("properties"):
        yield ("form", "properties"), "a form has at least one field"
    for keyword in form.keys() - FORM_KEYWORDS:
        yield ("form", keyword), "this keyword is not used in forms; correct its name or take it out"
    for i, name in enumerate(form.get("required", ())):
        if name not in form.get("properties", {}):
            yield ("form", "required", i), f"there is no field {name!r}"


def _field_problems(form: dict[str, Any]) -> Iterator[Problem]:
    for name, field in form.get("properties", {}).items():
        here: Path = ("form", "properties", name)
        if not isinstance(field, dict):
            yield here, "describe the field: title, x-title-en, type"
            continue
        for keyword, language in (("title", "Chinese"), ("x-title-en", "English")):
            if not isinstance(field.get(keyword), str) or not field[keyword]:
                yield here, f"the field has no {keyword}, its {language} name"
        if "type" not in field:
            yield here, "the field has no type"
        # JSON Schema ignores what it does not know: a mistyped `minimun` would silently let everything through.
        for keyword in field.keys() - FIELD_KEYWORDS:
            yield (*here, keyword), "this keyword is not used in forms; correct its name or take it out"
        if "x-labels" in field and list(field["x-labels"]) != field.get("enum"):
            yield (*here, "x-labels"), "must name every value of enum, in the same order"
        yield from _unbounded(here, field)


def _unbounded(here: Path, field: dict[str, Any]) -> Iterator[Problem]:
    """A number that knows no bounds can be one that a rule or a database cannot hold, such as 1e400."""
    if isinstance(field.get("items"), dict):
        yield from _unbounded((*here, "items"), field["items"])
    kinds = field.get("type", ())
    is_number = bool({"number", "integer"} & set([kinds] if isinstance(kinds, str) else kinds))
    if not is_number or "enum" in field or "const" in field:
        return
    for side in ("minimum", "maximum"):
        exclusive = f"exclusive{side.capitalize()}"
        if side not in field and exclusive not in field:
            yield here, f"the number has no {side}: write the {side} that can occur"
        for keyword in (side, exclusive):
            if abs(field.get(keyword, 0)) > LARGEST:
                yield (*here, keyword), f"must be within ±{LARGEST} (2 to the power of 53)"


def _personal_problems(item: Item) -> Iterator[Problem]:
    for i, name in enumerate(item.personal):
        if name not in item.form.get("properties", {}):
            yield ("personal", i), f"there is no form field {name!r}"


def _example_problems(item: Item) -> Iterator[Problem]:
    for violation in violations(item.form, item.example.form):
        where = violation.path.split("/")[1:]
        yield ("example", "form", *where), violation.message
    known = {material.code for material in item.materials}
    for i, code in enumerate(item.example.materials):
        if code not in known:
            yield ("example", "materials", i), f"there is no material {code!r}"
