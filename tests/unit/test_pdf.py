"""Documents as PDF: every character is there or reported, long ones go on, and nothing depends on when they were drawn."""

import pypdfium2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from liangwang.domain.catalogue import Text
from liangwang.domain.document import Document
from liangwang.pdf import render

from tests.unit.samples import text


def document(**changes):
    fields = {
        "title": Text(zh="不予行政许可决定书", en="Decision to deny"),
        "number": "20270301-1-J",
        "lines": ((text("申请人"), Text(zh="李示例甲", en="")),),
        "opening": None,
        "listed": (),
        "closing": None,
        "remedy": None,
        "department": Text(zh="示例局", en="Example bureau"),
        "day": Text(zh="2027年3月1日", en="2027-03-01"),
        "seal": Text(zh="专用章", en="Seal"),
        "code": "",
    }
    return Document(**{**fields, **changes})


def pages(drawn):
    return [page.get_textpage().get_text_range() for page in pypdfium2.PdfDocument(drawn.content)]


def test_a_character_that_the_font_does_not_have_is_written_as_its_code_point_and_reported():
    drawn = render(document(lines=((text("申请人"), Text(zh="李𠮷", en="")),)))
    assert drawn.missing == {"𠮷"}
    assert "李〔U+20BB7〕" in pages(drawn)[0]


def test_names_of_the_general_table_need_no_such_help():
    assert render(document(lines=((text("姓名"), Text(zh="王喆堃犇翀赟祎旻晟䶮", en="")),))).missing == frozenset()


def test_a_long_name_goes_on_in_the_next_line_and_long_reasons_on_the_next_page():
    name, reason = "示例" * 60, Text(zh="理由" * 400, en="reason " * 200)
    shown = pages(render(document(lines=((text("名称"), Text(zh=name, en="")),), listed=(reason,) * 4)))
    assert len(shown) > 2
    assert "".join("".join(shown).split()).count("理由") == 1600
    assert all("20270301-1-J" in page for page in shown)


@pytest.mark.parametrize("content", ["", "x" * 30, "https://liangwang.example/verify/1-Z#" + "x" * 900])
def test_the_same_document_gives_the_same_bytes(content):
    assert render(document(code=content)) == render(document(code=content))


def test_the_font_is_embedded_and_only_what_is_used_of_it():
    content = render(document()).content
    assert b"NotoSerifSC" in content and b"/FontFile2" in content
    assert len(content) < 100_000


@settings(max_examples=25, deadline=None)
@given(st.text(max_size=120), st.text(max_size=120))
def test_any_text_can_be_drawn(zh, en):
    drawn = render(document(lines=((text("名称"), Text(zh=zh or "x", en=en)),), listed=(Text(zh=zh, en=en),)))
    assert drawn.content.startswith(b"%PDF")
