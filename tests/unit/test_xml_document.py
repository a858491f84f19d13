"""Values as XML and back: nothing is lost on the way, and what is meant to do harm is refused."""

import contextlib
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from liangwang import xml_document
from liangwang.exchange import (
    Acknowledgement,
    Acknowledgements,
    Pending,
    PendingPage,
    ProgressDelivery,
    ProgressEntry,
    Receipt,
    Refused,
)
from liangwang.http_content import XML, Malformed
from liangwang.http_content import read as read_body
from msgspec import Struct

NOON = datetime(2026, 11, 2, 4, 0, tzinfo=UTC)

# Everything that a JSON text can hold: no lone surrogates, no infinite numbers.
texts = st.text(st.characters(exclude_categories=("Cs",)), max_size=20)
anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)
moments = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))
documents = st.one_of(
    st.builds(
        PendingPage,
        st.lists(
            st.builds(
                Pending, id=texts, type=texts, case_no=texts, time=moments, round=st.integers(0, 9), data=anything
            ),
            max_size=3,
        ).map(tuple),
    ),
    st.builds(
        ProgressDelivery,
        st.lists(
            st.builds(ProgressEntry, id=texts, type=texts, case_no=texts, time=moments, data=anything), max_size=3
        ).map(tuple),
    ),
    st.builds(
        Acknowledgements,
        st.lists(st.builds(Acknowledgement, id=texts, round=st.integers(0, 9)), max_size=3).map(tuple),
    ),
    st.builds(
        Receipt,
        taken=st.integers(0, 100),
        refused=st.lists(st.builds(Refused, id=texts, reason=texts), max_size=3).map(tuple),
    ),
)


class Sample(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Each kind of field once."""

    name: str
    count: int = 0
    ready: bool = False
    share: float | None = None
    marks: tuple[str, ...] = ()
    form: dict[str, Any] = {}
    at: datetime | None = None


def read(text: str, shape: Any = Sample) -> Any:
    """A text as XML, as the door reads it."""
    return read_body(text.encode(), sent_as=XML, takes=(XML,), shape=shape)


@given(documents)
def test_every_document_of_the_exchange_survives_the_way_through_xml(document):
    assert xml_document.read(xml_document.write(document), type(document), deepest=32, longest=1000) == document


@given(anything)
def test_whatever_json_can_hold_survives_the_way_through_xml(value):
    assert xml_document.read(xml_document.write(value), Any, deepest=32, longest=1000) == value


def test_a_document_reads_as_one_would_write_it():
    receipt = Receipt(taken=1, refused=(Refused(id="a/b/1", reason="1 < 2 & 甲"),))
    assert xml_document.write(receipt).decode() == (
        "<?xml version='1.0' encoding='utf-8'?>\n"
        '<receipt type="object"><taken type="number">1</taken><refused type="array"><item type="object">'
        "<id>a/b/1</id><reason>1 &lt; 2 &amp; 甲</reason></item></refused></receipt>"
    )


def test_where_the_shape_tells_the_types_nothing_else_need():
    text = """
      <anything xmlns="urn:example">
        <name>  甲 </name> <count>7</count> <ready>true</ready> <share>0.5</share>
        <marks><item>a</item></marks> <at>2026-11-02T04:00:00Z</at>
        <form><area>8</area><area_number type="number">8</area_number><list><item>1</item></list><empty/></form>
      </anything>"""
    assert read(text) == Sample(
        name="  甲 ",
        count=7,
        ready=True,
        share=0.5,
        marks=("a",),
        at=NOON,
        form={"area": "8", "area_number": 8, "list": ["1"], "empty": ""},
    )


def test_an_empty_list_needs_no_item():
    assert read("<a><name>x</name><marks/><form/></a>") == Sample(name="x")


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("", "body"),
        ("{}", "body"),
        ("<a>", "body"),
        ("<a/><b/>", "body"),
        ("<?xml version='1.0' encoding='klingon'?><a/>", "body"),
        ("<a/>", "name"),
        ("<a>text</a>", "body"),
        ("<a><name>x</name>text</a>", "body"),
        ("<a><name><b/></name></a>", "name"),
        ("<a><name>x</name><name>y</name></a>", "name"),
        ("<a><name>x</name><count>seven</count></a>", "count"),
        ("<a><name>x</name><count type='number'>seven</count></a>", "count"),
        ("<a><name>x</name><ready type='boolean'>1</ready></a>", "ready"),
        ("<a><name>x</name><ready type='truth'>1</ready></a>", "ready"),
        ("<a><name>x</name><marks><item>a</item><item><b/></item></marks></a>", "marks[1]"),
        ("<a><name>x</name><colour>red</colour></a>", "colour"),
        ("<a><name>x</name><at>0.5</at></a>", "at"),
        ("<a><name>x</name><at type='number'>7</at></a>", "at"),
        ("<a><name type='number'>7</name></a>", "name"),
        ("<a><name encoding='base64'>*</name></a>", "name"),
        ("<a><name>x</name><form><entry key='*' key-encoding='base64'/></form></a>", "form"),
        ("<a><name>x</name><form>" + "<b>" * 32 + "</b>" * 32 + "</form></a>", "form." + ".".join("b" * 31)),
        ("<a><name>x</name><marks>" + "<item/>" * 1001 + "</marks></a>", "marks"),
    ],
)
def test_xml_that_does_not_fit_names_the_field(text, field):
    with pytest.raises(Malformed) as refused:
        read(text)
    assert [violation.field for violation in refused.value.violations] == [field]


BOMB = "<!DOCTYPE a [<!ENTITY b 'boom'><!ENTITY c '&b;&b;&b;&b;'><!ENTITY d '&c;&c;&c;&c;'>]><a><name>&d;</name></a>"


@pytest.mark.parametrize(
    "text",
    [
        BOMB,
        "<!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]><a><name>&b;</name></a>",
        "<!DOCTYPE a SYSTEM 'http://192.0.2.1/a.dtd'><a><name>x</name></a>",
        "<!DOCTYPE a [<!ENTITY % b SYSTEM 'http://192.0.2.1/b'>%b;]><a><name>x</name></a>",
        "<!DOCTYPE a><a><name>x</name></a>",
        BOMB.replace("<!DOCTYPE", "<?xml version='1.0' encoding='utf-8'?><!DOCTYPE"),
    ],
)
def test_entity_bombs_and_external_entities_are_refused(text):
    with pytest.raises(Malformed) as refused:
        read(text)
    assert "document type declaration" in refused.value.violations[0].message


def test_a_bomb_in_another_encoding_is_refused_too():
    with pytest.raises(Malformed):
        read_body(BOMB.encode("utf-16"), sent_as=XML, takes=(XML,), shape=Sample)


def test_an_unknown_entity_is_no_text():
    with pytest.raises(Malformed):
        read("<a><name>&b;</name></a>")


def test_thousands_of_levels_are_refused_without_harm():
    with pytest.raises(Malformed):
        read("<a>" * 30_000 + "</a>" * 30_000)


@given(st.text(max_size=200) | st.text("<>/=\"'&;! abitemkeytype[]", max_size=60))
def test_no_text_breaks_the_reader(text):
    with contextlib.suppress(Malformed):
        read(text.encode(errors="replace").decode())
