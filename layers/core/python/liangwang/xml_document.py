"""Values as XML and back: the same documents as in JSON, for systems that speak XML (docs/exchange.md).

An element is a field and carries its name; a list is its members as ``<item>``, one after the other. A ``type`` attribute
says what JSON says by its punctuation: ``object``, ``array``, ``number``, ``boolean``, ``null``; text has none. Written
always, it is needed on reading only where a field may hold anything. A name that is no XML name stands in the ``key`` of
an ``<entry>``; text with characters that XML 1.0 cannot hold stands as base64 with ``encoding="base64"``.
"""

import base64
import re
from collections.abc import Iterator
from functools import cache
from typing import Any, NamedTuple
from xml.etree import ElementTree  # writes only; defusedxml reads # nosec B405

import msgspec
from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring
from msgspec import inspect

from .domain.errors import Violation
from .http_content import Malformed, too_deep, too_long

PROBLEM_NAMESPACE = "urn:ietf:rfc:7807"
"""RFC 9457, appendix B."""

_NAME = re.compile(r"(?!(?:xml|entry$|item$))[A-Za-z_][A-Za-z0-9_.-]*", re.IGNORECASE)
_UNPRINTABLE = re.compile("[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_NUMBERS = (inspect.IntType, inspect.FloatType)
_SIMPLE = {"number", "boolean", "null", "string"}


class _Limits(NamedTuple):
    deepest: int
    longest: int


# ------------------------------------------------------------------ out


def write(value: Any) -> bytes:
    """A value as an XML document. The root has the name of the struct, a problem document's that of RFC 9457."""
    built = msgspec.to_builtins(value)
    root = _element(_root(value), built)
    if root.tag == "problem":
        root.set("xmlns", PROBLEM_NAMESPACE)
    document: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return document


def _root(value: Any) -> str:
    if isinstance(value, msgspec.Struct):
        return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", type(value).__name__).lower()
    is_problem = isinstance(value, dict) and str(value.get("type")).startswith("urn:liangwang:problem:")
    return "problem" if is_problem else "document"


def _element(name: str, value: Any, key: str | None = None) -> ElementTree.Element:
    element = ElementTree.Element(name)
    if key is not None:
        _set_key(element, key)
    if isinstance(value, str):
        _set_text(element, value)
    elif isinstance(value, dict):
        element.set("type", "object")
        element.extend(_member(str(name), one) for name, one in value.items())
    elif isinstance(value, list | tuple):
        element.set("type", "array")
        element.extend(_element("item", one) for one in value)
    elif value is None:
        element.set("type", "null")
    else:
        element.set("type", "boolean" if isinstance(value, bool) else "number")
        element.text = msgspec.json.encode(value).decode()
    return element


def _member(name: str, value: Any) -> ElementTree.Element:
    return _element(name, value) if _NAME.fullmatch(name) else _element("entry", value, key=name)


def _set_key(element: ElementTree.Element, key: str) -> None:
    if _UNPRINTABLE.search(key):
        element.set("key", base64.b64encode(key.encode()).decode())
        element.set("key-encoding", "base64")
    else:
        element.set("key", key)


def _set_text(element: ElementTree.Element, text: str) -> None:
    if _UNPRINTABLE.search(text):
        element.set("encoding", "base64")
        element.text = base64.b64encode(text.encode()).decode()
    else:
        element.text = text


# ------------------------------------------------------------------ in


def read(raw: bytes, shape: Any, *, deepest: int, longest: int) -> Any:
    """An XML document as a value of ``shape``; the root's name does not matter.

    Raises Malformed, also for a document type declaration (entities, external files), and msgspec.ValidationError.
    """
    try:
        root = fromstring(raw, forbid_dtd=True)
    except DefusedXmlException as error:
        violation = Violation("body", "send XML without a document type declaration")
        raise Malformed("document type declarations and entities are not taken", violations=(violation,)) from error
    except (ElementTree.ParseError, ValueError, LookupError) as error:  # LookupError: an unknown encoding
        raise Malformed(f"the body is not XML: {error}", violations=(Violation("body", "send XML"),)) from error
    built = _value(root, _shape(shape), "", _Limits(deepest, longest))
    return msgspec.convert(built, shape)


@cache
def _shape(shape: Any) -> inspect.Type:
    return inspect.type_info(shape)


def _value(element: ElementTree.Element, shape: inspect.Type, place: str, limits: _Limits) -> Any:
    """What an element holds: as its ``type`` attribute says, else as the shape wants it, else as it looks."""
    if len(element) > limits.longest:
        raise too_long(place)
    shapes = list(_alternatives(shape))
    kind = element.get("type") or _expected(element, shapes)
    if kind in ("array", "object") and not limits.deepest:
        raise too_deep(place)
    below = limits._replace(deepest=limits.deepest - 1)
    if kind == "array":
        return [
            _value(one, _item_shape(shapes, number), f"{place}[{number}]", below)
            for number, one in enumerate(_children(element, place))
        ]
    if kind == "object":
        return _object(element, shapes, place, below)
    if kind not in _SIMPLE or len(element):
        raise _misfit(place, "use a type of object, array, number, boolean, null or string, as the content is")
    return _simple(element, kind, place)


def _expected(element: ElementTree.Element, shapes: list[inspect.Type]) -> str:
    if any(isinstance(one, inspect.StructType | inspect.DictType) for one in shapes):
        return "object"
    if any(isinstance(one, inspect.CollectionType | inspect.TupleType) for one in shapes):
        return "array"
    if not len(element):
        return _scalar(shapes)
    return "array" if all(_local(one) == "item" for one in element) else "object"


def _scalar(shapes: list[inspect.Type]) -> str:
    """What text means where only numbers, or only truth values, may stand."""
    if shapes and all(isinstance(one, _NUMBERS) or _is_whole(one) for one in shapes):
        return "number"
    return "boolean" if shapes and all(isinstance(one, inspect.BoolType) for one in shapes) else "string"


def _is_whole(shape: inspect.Type) -> bool:
    return isinstance(shape, inspect.LiteralType) and all(isinstance(value, int) for value in shape.values)


def _object(element: ElementTree.Element, shapes: list[inspect.Type], place: str, limits: _Limits) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for one in _children(element, place):
        name = _name(one, place)
        inner = f"{place}.{name}".lstrip(".")
        if name in found:
            raise _misfit(inner, "send it once; a list is its members as <item>")
        found[name] = _value(one, _member_shape(shapes, name), inner, limits)
    return found


def _children(element: ElementTree.Element, place: str) -> list[ElementTree.Element]:
    texts = [element.text, *(one.tail for one in element)]
    if any(text and text.strip() for text in texts):
        raise _misfit(place, "text does not stand beside elements")
    return list(element)


def _simple(element: ElementTree.Element, kind: str, place: str) -> Any:
    text = element.text or ""
    try:
        if kind == "null":
            return None
        if kind in ("number", "boolean"):
            return msgspec.json.decode(text.strip(), type=float | int if kind == "number" else bool)
        return base64.b64decode(text, validate=True).decode() if element.get("encoding") == "base64" else text
    except (ValueError, msgspec.DecodeError) as error:
        raise _misfit(place, f"this is no {kind}") from error


def _name(element: ElementTree.Element, place: str) -> str:
    name = _local(element)
    key = element.get("key")
    if name != "entry" or key is None:
        return name
    try:
        return base64.b64decode(key, validate=True).decode() if element.get("key-encoding") == "base64" else key
    except ValueError as error:
        raise _misfit(place, "a key is not base64") from error


def _local(element: ElementTree.Element) -> str:
    return str(element.tag).rpartition("}")[2]


def _misfit(place: str, fix: str) -> Malformed:
    return Malformed("the XML is not what the route takes", violations=(Violation(place[:100] or "body", fix),))


# ------------------------------------------------------------------ what a shape expects at a place


def _alternatives(shape: inspect.Type) -> Iterator[inspect.Type]:
    if isinstance(shape, inspect.UnionType):
        for one in shape.types:
            yield from _alternatives(one)
    elif isinstance(shape, inspect.Metadata):
        yield from _alternatives(shape.type)
    elif not isinstance(shape, inspect.NoneType):
        yield shape


def _member_shape(shapes: list[inspect.Type], name: str) -> inspect.Type:
    for one in shapes:
        if isinstance(one, inspect.StructType):
            for field in one.fields:
                if field.encode_name == name:
                    return field.type
        if isinstance(one, inspect.DictType):
            return one.value_type
    return inspect.AnyType()


def _item_shape(shapes: list[inspect.Type], number: int) -> inspect.Type:
    for one in shapes:
        if isinstance(one, inspect.TupleType):
            return one.item_types[number] if number < len(one.item_types) else inspect.AnyType()
        if isinstance(one, inspect.CollectionType):
            return one.item_type
    return inspect.AnyType()
