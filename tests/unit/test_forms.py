"""A form filled in wrongly is answered with the field and the fix, in Chinese and English."""

from typing import Any

import pytest
from liangwang.forms import violations

SCHEMA: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["name", "area"],
    "properties": {
        "name": {"title": "姓名", "x-title-en": "Name", "type": "string", "minLength": 2, "maxLength": 4},
        "area": {"title": "面积", "x-title-en": "Area", "type": "integer", "minimum": 1, "maximum": 9},
        "kind": {"title": "类别", "x-title-en": "Kind", "type": "string", "enum": ["shop", "home"]},
        "start": {"title": "日期", "x-title-en": "Date", "type": "string", "format": "date"},
        "phone": {"title": "电话", "x-title-en": "Phone", "type": "string", "pattern": "^1[0-9]{10}$"},
        "tags": {"title": "标签", "x-title-en": "Tags", "type": "array", "items": {"type": "string"}, "maxItems": 2},
        "ratio": {"title": "比例", "x-title-en": "Ratio", "type": "number", "exclusiveMinimum": 0, "multipleOf": 2},
    },
}
RIGHT = {"name": "张示例", "area": 5}


def test_a_right_form_has_no_violations() -> None:
    assert violations(SCHEMA, {**RIGHT, "start": "2031-02-28", "tags": ["a"]}) == []


@pytest.mark.parametrize(
    ("changed", "path", "message"),
    [
        ({"area": 0}, "/area", "面积：不得小于 1 / Area: must be at least 1"),
        ({"area": 10}, "/area", "面积：不得大于 9 / Area: must be at most 9"),
        ({"area": "5"}, "/area", "面积：应填写整数 / Area: must be of type integer"),
        ({"area": True}, "/area", "面积：应填写整数 / Area: must be of type integer"),
        ({"area": None}, "/area", "面积：应填写整数 / Area: must be of type integer"),
        ({"name": "张"}, "/name", "姓名：至少 2 个字 / Name: needs at least 2 characters"),
        ({"name": "张示例示例"}, "/name", "姓名：至多 4 个字 / Name: may have at most 4 characters"),
        ({"kind": "barn"}, "/kind", "类别：请从以下选项中选择：shop、home / Kind: must be one of: shop, home"),
        ({"start": "2031-02-30"}, "/start", "日期：格式不符，应为 YYYY-MM-DD / Date: must have the form YYYY-MM-DD"),
        ({"phone": "1"}, "/phone", "电话：格式不符，应符合 ^1[0-9]{10}$ / Phone: must match ^1[0-9]{10}$"),
        ({"tags": ["a", "b", "c"]}, "/tags", "标签：至多 2 项 / Tags: may have at most 2 entries"),
        ({"tags": ["a", 2]}, "/tags/1", "标签：应填写文字 / Tags: must be of type string"),
        ({"ratio": 0}, "/ratio", "比例：应大于 0 / Ratio: must be greater than 0"),
        (
            {"ratio": 3},
            "/ratio",
            "比例：不符合要求：3 is not a multiple of 2 / Ratio: does not fit: 3 is not a multiple of 2",
        ),
        ({"a/b": 1}, "/a~1b", "a/b：本事项没有这一项，请删去 / a/b: is not a field of this item; leave it out"),
    ],
)
def test_a_wrong_value_is_told_with_its_field_and_the_fix(changed: dict[str, Any], path: str, message: str) -> None:
    assert violations(SCHEMA, {**RIGHT, **changed}) == [(path, message)]


def test_everything_wrong_is_told_at_once_in_the_order_of_the_form() -> None:
    found = violations(SCHEMA, {"zeal": 1, "kind": "barn", "area": 0})
    assert [violation.path for violation in found] == ["/name", "/area", "/kind", "/zeal"]


def test_a_missing_field_is_told_at_the_place_where_it_belongs() -> None:
    assert violations(SCHEMA, {"area": 5}) == [("/name", "姓名：必填，请填写 / Name: is required; fill it in")]


@pytest.mark.parametrize("form", [[], "text", None, 3])
def test_a_form_that_is_no_object_is_refused_as_a_whole(form: Any) -> None:
    assert violations(SCHEMA, form) == [("", "申请表：应填写对象 / The form: must be of type object")]


def test_another_version_of_a_form_is_another_form() -> None:
    later = {**SCHEMA, "required": ["name"]}
    assert (len(violations(SCHEMA, {"name": "张示例"})), len(violations(later, {"name": "张示例"}))) == (1, 0)
