"""What an OpenAPI schema says of XML: how `liangwang.xml_document` writes what JSON writes as a list. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any


def described(schemas: Mapping[str, Any], roots: list[dict[str, Any]]) -> dict[str, Any]:
    """Schemas with what XML has besides: a list's members are its ``<item>`` elements (``xml_document``)."""
    found = dict(schemas)
    waiting = [root["$ref"].rpartition("/")[2] for root in roots if root]
    while waiting:
        name = waiting.pop()
        if found[name] is not schemas[name]:
            continue
        found[name] = _itemized(schemas[name])
        waiting += re.findall(r'"#/components/schemas/([^"]+)"', json.dumps(found[name]))
    return found


def _itemized(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_itemized(one) for one in schema]
    if not isinstance(schema, Mapping):
        return schema
    inner = {name: _itemized(one) for name, one in schema.items()}
    if inner.get("type") == "array" and isinstance(inner.get("items"), Mapping):
        inner["items"] = {**inner["items"], "xml": {"name": "item"}}
        inner["xml"] = {"wrapped": True}
    return inner
