"""What is taken as a material: by its bytes, never by its name."""

import io
import tracemalloc
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st
from liangwang.domain.errors import Invalid
from liangwang.file_types import EXTENSION, media_type


def archive(*names):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as written:
        for name in names:
            written.writestr(name, "<x/>")
    return content.getvalue()


@pytest.mark.parametrize(
    ("content", "extension"),
    [
        (b"%PDF-1.7\n", "pdf"),
        (bytes.fromhex("ffd8ffe000104a464946"), "jpg"),
        (bytes.fromhex("ffd8ffe1001845786966"), "jpg"),
        (bytes.fromhex("89504e470d0a1a0a0000000d49484452"), "png"),
        (archive("OFD.xml", "Doc_0/Document.xml"), "ofd"),
        (archive("[Content_Types].xml", "word/document.xml"), "docx"),
        (archive("[Content_Types].xml", "xl/workbook.xml"), "xlsx"),
    ],
)
def test_a_document_or_picture_is_known_by_its_bytes(content, extension):
    assert EXTENSION[media_type(content)] == extension


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"MZ\x90\x00" + b"\0" * 200,
        b"\x7fELF\x02\x01\x01" + b"\0" * 200,
        b"#!/bin/sh\necho",
        b"<!DOCTYPE html><script>alert(1)</script>",
        b"<html>%PDF-1.7</html>",
        b"\n%PDF-1.7",
        b'<svg xmlns="http://www.w3.org/2000/svg"><script/></svg>',
        b'<?xml version="1.0"?><svg/>',
        b"GIF89a" + b"\0" * 40,
        bytes.fromhex("d0cf11e0a1b11ae1") + b"\0" * 600,
        b"plain words",
        archive("a.txt"),
        archive("META-INF/MANIFEST.MF", "Main.class"),
        archive("OFD.xml", "word/document.xml"),
        archive("[Content_Types].xml", "word/document.xml", "word/vbaProject.bin"),
        archive("[Content_Types].xml", "xl/workbook.xml", "xl/macrosheets/sheet1.xml"),
        archive("OFD.xml", "Doc_0/run.exe"),
        archive("word/document.xml")[:-30],
        b"PK\x03\x04 and nothing more",
    ],
)
def test_whatever_else_it_is_is_refused_with_what_is_taken(content):
    with pytest.raises(Invalid) as refused:
        media_type(content)
    assert [one.field for one in refused.value.violations] == ["content"]
    assert "PDF" in refused.value.violations[0].message


@given(st.binary(max_size=300))
def test_bytes_of_any_kind_are_known_or_refused(content):
    try:
        assert media_type(content) in EXTENSION
    except Invalid as refused:
        assert refused.violations


@given(st.binary(max_size=200))
def test_an_archive_that_is_cut_or_spoiled_is_refused_or_known(tail):
    try:
        assert media_type(archive("OFD.xml")[:60] + tail) in EXTENSION
    except Invalid as refused:
        assert refused.violations


def crowded(*, entries, wide=False):
    """An archive that is nothing but a list of its entries; ``wide``: its numbers stand in the record for large archives."""
    entry = b"PK\x01\x02" + bytes(24) + (1).to_bytes(2, "little") + bytes(16) + b"a"
    listed = len(entry) * entries
    small = min(entries, 0xFFFF).to_bytes(2, "little") * 2
    end = b"PK\x05\x06" + bytes(4) + small + (0xFFFFFFFF if wide else listed).to_bytes(4, "little") + bytes(6)
    begins = b"PK\x03\x04"
    more = b""
    if wide:
        numbers = entries.to_bytes(8, "little") * 2 + listed.to_bytes(8, "little") + len(begins).to_bytes(8, "little")
        more = b"PK\x06\x06" + (44).to_bytes(8, "little") + bytes(12) + numbers
        more += b"PK\x06\x07" + bytes(4) + (len(begins) + listed).to_bytes(8, "little") + (1).to_bytes(4, "little")
    return begins + entry * entries + more + end


@pytest.mark.parametrize("wide", [False, True])
def test_an_archive_of_nothing_but_entries_is_refused_before_they_are_read(wide):
    content = crowded(entries=100_000, wide=wide)
    tracemalloc.start()
    with pytest.raises(Invalid, match="too many entries"):
        media_type(content)
    used = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert used < len(content)
