"""Any history that a case could have, and many that it could not: what is written of them must be read again."""

from datetime import UTC, date, datetime, timedelta
from functools import cache
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from hypothesis import strategies as st
from liangwang.domain import messages as m
from liangwang.domain.case import Event, Received
from liangwang.domain.history import Recorded
from msgspec import Struct
from msgspec.structs import replace

from tests.unit.samples import CASE_NO, submitted

WORDS = st.one_of(
    st.sampled_from(
        [
            "",
            "rule",
            "系统",
            "handle",
            "承办",
            "同意",
            "=1+1",
            "'=quoted",
            "-5",
            "a,b",
            'a "b"',
            "two\nlines",
            "=" * 2100,
        ]
    ),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=12),
)
MOMENTS = st.datetimes(datetime(2027, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC))
PLAIN = st.dictionaries(st.sampled_from(["area", "kind", "sealed"]), st.one_of(st.integers(0, 9), WORDS), max_size=2)
NAMED = {"case_no": st.just(CASE_NO), "department": st.sampled_from(["EAST-MARKET", "CITY-FIRE", "gone"])}
FEW = st.sampled_from(["one", "two"])
SHARED = ("step", "to", "stop_id", "procedure_id", "notice_no", "code", "material")
"""Text fields whose values must meet again in other events."""


@cache
def values(kind: Any, name: str = "") -> st.SearchStrategy[Any]:
    """Any value of a struct or of a type that its fields have."""
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is Annotated:
        longest = min(limit.max_length for limit in kind.__metadata__ if limit.max_length)
        return values(arguments[0], name).map(lambda text: text[:longest])
    if origin is Literal:
        return st.sampled_from(arguments)
    if origin in (Union, UnionType):
        return st.one_of(*(values(one, name) for one in arguments))
    if origin is tuple:
        return st.lists(values(arguments[0], name), max_size=2).map(tuple)
    if origin is dict or kind is Any:
        return PLAIN
    if isinstance(kind, type) and issubclass(kind, Struct):
        hints = get_type_hints(kind, include_extras=True)
        return st.builds(kind, **{field: values(hint, field) for field, hint in hints.items()})
    if kind is str:
        return NAMED.get(name, FEW if name in SHARED else WORDS)
    return {
        int: st.integers(0, 60),
        bool: st.booleans(),
        float: st.just(0.5),
        datetime: MOMENTS,
        date: st.dates(date(2027, 1, 1), date(2027, 12, 31)),
        type(None): st.none(),
    }[kind]


FILES = st.tuples(
    st.lists(st.sampled_from(["identity", "plan", "other"]), max_size=3).map(tuple),
    st.lists(values(m.Attachment), max_size=2).map(tuple),
)


@st.composite
def histories(draw, *, most: int = 12):
    """A case's history: received first, then events of every kind in any order, later and later."""
    materials, attachments = draw(FILES)
    application = replace(submitted(), materials=materials, attachments=attachments, sealed=draw(values(m.Sealed)))
    at = draw(MOMENTS)
    history = [Recorded(at, "cause", Received(application=application))]
    kinds = [kind for kind in get_args(Event) if kind is not Received]
    for _ in range(draw(st.integers(0, most))):
        event = draw(values(draw(st.sampled_from(kinds))))
        at += timedelta(microseconds=draw(st.integers(0, 90_000_000_000)))
        history.append(Recorded(at, "cause", event))
    return tuple(history)
