"""What travels in a body: media types, which of them a caller wants, and bodies to typed values and back.

JSON is the first tongue; a route names what else it takes and gives (``http.Route``). What is rare on the way
(XML, forms) is imported when it comes.
"""

import base64
import re
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from .domain.errors import DomainError, Violation

JSON = "application/json"
XML = "application/xml"
FORM = "application/x-www-form-urlencoded"
EITHER = (JSON, XML)
"""What the exchange and user APIs take and give: JSON unless XML is asked for or sent."""

DEEPEST = 32
"""Levels of objects and arrays in each other."""

LONGEST = 1000
"""Members of one object or array, and fields of a form."""

_SYNONYMS = {"text/xml": XML, "text/json": JSON, "*": "*/*"}


class TooLarge(DomainError):
    """The body is over the limit."""

    code = "too_large"
    status = 413


class Malformed(DomainError):
    """The body is not what the route takes: not JSON, a missing field, a wrong type."""

    code = "malformed"
    status = 400


class UnsupportedMediaType(DomainError):
    """The body is of a type that the route does not take."""

    code = "unsupported_media_type"
    status = 415


class NotAcceptable(DomainError):
    """The caller wants no type that the route can give."""

    code = "not_acceptable"
    status = 406


def media_type(header: str) -> str:
    """A Content-Type without its parameters, in small letters, under its usual name."""
    plain = header.partition(";")[0].strip().lower()
    return _SYNONYMS.get(plain, plain)


def wanted(accept: str, gives: Sequence[str]) -> str | None:
    """Which of the types that a route gives an Accept header wants most (RFC 9110, 12.5.1); None for none of them.

    The most specific range that a type fits tells its weight; among equals the route's order decides.
    """
    if not accept.strip():
        return gives[0]
    ranges = dict(map(_weighed, accept.split(",")))
    weights = [_weight(kind, ranges) for kind in gives]
    best = max(weights)
    return gives[weights.index(best)] if best > 0 else None


def _weighed(part: str) -> tuple[str, float]:
    kind, *parameters = part.split(";")
    weight = next((text.partition("=")[2] for text in map(str.strip, parameters) if text[:2].lower() == "q="), "1")
    right = re.fullmatch(r"0(\.\d{0,3})?|1(\.0{0,3})?", weight.strip())
    return media_type(kind), float(weight) if right else 0.0


def _weight(kind: str, ranges: Mapping[str, float]) -> float:
    for candidate in (kind, kind.partition("/")[0] + "/*", "*/*"):
        if candidate in ranges:
            return ranges[candidate]
    return 0.0


def raw_body(event: Mapping[str, Any], *, limit: int) -> bytes:
    """The bytes of an event's body. Raises TooLarge."""
    text = event.get("body") or ""
    raw = base64.b64decode(text) if event.get("isBase64Encoded") else text.encode(errors="surrogatepass")
    if len(raw) > limit:
        raise TooLarge(f"the body has {len(raw)} bytes; at most {limit} are taken")
    return raw


def read(raw: bytes, *, sent_as: str, takes: Sequence[str], shape: Any) -> Any:
    """A body as a value of ``shape``; ``bytes`` stay as they came. A body without a type is of the first that is taken.

    Raises UnsupportedMediaType or Malformed, which names the field.
    """
    kind = media_type(sent_as) or takes[0]
    if kind not in takes:
        raise UnsupportedMediaType(f"a body of type {kind[:100]!r} is not taken; send {' or '.join(takes)}")
    if shape is bytes:
        return raw
    try:
        if kind == FORM:
            return msgspec.convert(_form(raw), shape, strict=False)
        if kind == XML:
            from . import xml_document

            return xml_document.read(raw, shape, deepest=DEEPEST, longest=LONGEST)
        return _json(raw, shape)
    except msgspec.ValidationError as error:
        raise Malformed(str(error), violations=(violation(str(error), shape),)) from error


def _json(raw: bytes, shape: Any) -> Any:
    try:
        value = msgspec.json.decode(raw, type=shape)
    except msgspec.ValidationError:
        if b".0" not in raw:
            raise
        value = msgspec.convert(_with_integers(msgspec.json.decode(raw)), shape)
    except (msgspec.DecodeError, RecursionError) as error:
        raise Malformed(f"the body is not JSON: {error}", violations=(Violation("body", "send JSON"),)) from error
    # Counting bytes is next to nothing, and hardly any body has so many brackets or commas.
    if raw.count(b"[") + raw.count(b"{") > DEEPEST or raw.count(b",") >= LONGEST:
        _measure(msgspec.json.decode(raw), "", DEEPEST)
    return value


def _with_integers(value: Any) -> Any:
    """1.0 is the integer 1, as JSON Schema has it (2020-12 Validation, 6.1.1) and msgspec has not."""
    if isinstance(value, dict):
        return {name: _with_integers(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_with_integers(one) for one in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _measure(value: Any, place: str, levels: int) -> None:
    """Raises Malformed for what is nested too deeply or has too many members."""
    if not isinstance(value, dict | list):
        return
    if not levels:
        raise too_deep(place)
    if len(value) > LONGEST:
        raise too_long(place)
    members = value.items() if isinstance(value, dict) else enumerate(value)
    for name, member in members:
        step = f".{name}" if isinstance(value, dict) else f"[{name}]"
        _measure(member, (place + step).lstrip("."), levels - 1)


def too_deep(place: str) -> Malformed:
    """What is nested more than ``DEEPEST`` levels."""
    violation = Violation(place[:100] or "body", f"use at most {DEEPEST} levels")
    return Malformed(f"the body is nested more than {DEEPEST} levels deep", violations=(violation,))


def too_long(place: str) -> Malformed:
    """What has more than ``LONGEST`` members."""
    violation = Violation(place[:100] or "body", f"send at most {LONGEST}")
    return Malformed(f"a part of the body has more than {LONGEST} members", violations=(violation,))


def _form(raw: bytes) -> dict[str, str]:
    """The fields of a form post; one that comes twice is refused, as RFC 6749, 3.2 wants it."""
    from urllib.parse import parse_qsl

    try:
        pairs = parse_qsl(raw.decode(), keep_blank_values=True, max_num_fields=LONGEST, errors="strict")
    except ValueError as error:  # not UTF-8, or too many
        violation = Violation("body", f"send at most {LONGEST} fields as UTF-8")
        raise Malformed(f"the body is not a form: {error}", violations=(violation,)) from error
    fields: dict[str, str] = {}
    for name, value in pairs:
        if name in fields:
            raise Malformed("a field comes twice", violations=(Violation(name[:100], "send it once"),))
        fields[name] = value
    return fields


def violation(misfit: str, shape: Any) -> Violation:
    """What does not fit a shape, in the caller's words: from msgspec's sentence, such as "Object missing required field `place` - at `$.a`", the field and the fix."""
    reason, _, place = misfit.partition(" - at `$")
    path = place.rstrip("`").lstrip(".")
    named = re.fullmatch(r"Object (?:missing required|contains unknown) field `(.+)`", reason)
    from . import misfits

    advice = misfits.fix(reason, shape, misfits.path_of(f".{path}"))
    return Violation(
        ".".join(filter(None, (path, named and named[1]))) or "body", f"{reason}; {advice}" if advice else reason
    )


def write(value: Any, kind: str) -> bytes:
    """A result, or a problem document, as a body of JSON or XML."""
    if kind.endswith("xml"):
        from . import xml_document

        return xml_document.write(value)
    return msgspec.json.encode(value)
