"""Validates what a citizen filled in against the item's form, a JSON Schema 2020-12 object.

Messages name the field by its own title and say what would be right, Chinese first, as the citizen reads them.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

import jsonschema_rs
import msgspec

from .domain import errors


class Violation(NamedTuple):
    """One thing wrong in a form. ``path`` is a JSON Pointer into it (RFC 6901), e.g. ``/area``."""

    path: str
    message: str


def violations(schema: dict[str, Any], form: Any) -> list[Violation]:
    """Everything wrong with ``form``, in the order of the form's fields; empty when it is right.

    ``schema`` is one that the catalogue's check has passed; formats (``date``, ``email``) are enforced.
    """
    found: list[Violation] = []
    for error in _validator(msgspec.json.encode(schema)).iter_errors(form):
        found.extend(_explained(schema, error))
    order = {f"/{name}": position for position, name in enumerate(schema.get("properties", ()))}
    return sorted(found, key=lambda one: order.get("/" + one.path[1:].split("/")[0], len(order)))


def named(schema: dict[str, Any], values: Any, *, under: str) -> list[errors.Violation]:
    """``violations`` of values that came in a request, each named by its place there: ``form.area`` under ``form``."""
    return [errors.Violation(under + one.path.replace("/", "."), one.message) for one in violations(schema, values)]


def canonical(form: Mapping[str, Any]) -> dict[str, Any]:
    """The form as rules see it: a whole number is an integer however it was written.

    1950.0 fits the JSON Schema type ``integer`` too, and rules tell the two apart.
    """
    return {name: int(value) if _is_whole(value) else value for name, value in form.items()}


def _is_whole(value: Any) -> bool:
    return isinstance(value, float) and value.is_integer()


def partial(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The schema of a form of which some fields are filled in."""
    return {name: value for name, value in schema.items() if name != "required"}


@lru_cache(maxsize=256)
def _validator(schema: bytes) -> jsonschema_rs.Draft202012Validator:
    """A compiled schema. Keyed by its text: an item's later version has another form under the same code."""
    return jsonschema_rs.Draft202012Validator(msgspec.json.decode(schema), validate_formats=True)


def _explained(schema: dict[str, Any], error: jsonschema_rs.ValidationError) -> list[Violation]:
    """The library's finding as sentences for the citizen; one for each field concerned."""
    where = list(error.instance_path)
    details = error.kind.as_dict()
    match error.kind.name:
        case "required":
            return [_violation(schema, [*where, details["property"]], "必填，请填写", "is required; fill it in")]
        case "additionalProperties":
            zh, en = "本事项没有这一项，请删去", "is not a field of this item; leave it out"
            return [_violation(schema, [*where, name], zh, en) for name in details["unexpected"]]
        case name:
            zh, en = _remedy(name, details) or (f"不符合要求：{error.message}", f"does not fit: {error.message}")
            return [_violation(schema, where, zh, en)]


def _remedy(keyword: str, details: dict[str, Any]) -> tuple[str, str] | None:
    """What would be right, for the keywords that forms use; None for the rest."""
    limit = details.get("limit")
    match keyword:
        case "type":
            kinds = details["types"]
            return f"应填写{_named(kinds)}", f"must be of type {' or '.join(kinds)}"
        case "enum":
            options = "、".join(str(option) for option in details["options"])
            return f"请从以下选项中选择：{options}", f"must be one of: {', '.join(map(str, details['options']))}"
        case "minimum":
            return f"不得小于 {limit}", f"must be at least {limit}"
        case "maximum":
            return f"不得大于 {limit}", f"must be at most {limit}"
        case "exclusiveMinimum":
            return f"应大于 {limit}", f"must be greater than {limit}"
        case "exclusiveMaximum":
            return f"应小于 {limit}", f"must be less than {limit}"
        case "minLength":
            return f"至少 {limit} 个字", f"needs at least {limit} characters"
        case "maxLength":
            return f"至多 {limit} 个字", f"may have at most {limit} characters"
        case "minItems":
            return f"至少 {limit} 项", f"needs at least {limit} entries"
        case "maxItems":
            return f"至多 {limit} 项", f"may have at most {limit} entries"
        case "pattern":
            return f"格式不符，应符合 {details['pattern']}", f"must match {details['pattern']}"
        case "format":
            shape = _SHAPES.get(details["format"], details["format"])
            return f"格式不符，应为 {shape}", f"must have the form {shape}"
    return None


_SHAPES = {"date": "YYYY-MM-DD", "date-time": "YYYY-MM-DDThh:mm:ss+08:00", "email": "name@example.org"}
_KINDS = {"integer": "整数", "number": "数字", "string": "文字", "boolean": "是或否", "array": "列表", "object": "对象"}


def _named(kinds: list[str]) -> str:
    return "或".join(_KINDS.get(kind, kind) for kind in kinds)


def _violation(schema: dict[str, Any], where: list[str | int], zh: str, en: str) -> Violation:
    pointer = "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in where)
    field = schema.get("properties", {}).get(where[0], {}) if where else {}
    title_zh = field.get("title", where[0] if where else "申请表")
    title_en = field.get("x-title-en", where[0] if where else "The form")
    return Violation(pointer, f"{title_zh}：{zh} / {title_en}: {en}")
