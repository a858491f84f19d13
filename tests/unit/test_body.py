"""Bodies of items: JSON, deflated with a dictionary that the stream names."""

import zlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from liangwang import body

FOLDER = Path(body.__file__).parent / "deflate"
RELEASED = {"1.dict": 0x628A4FAD, "2.dict": 0xD4A2167E}
"""Their Adler-32 checksums, by which bodies name them."""


@given(st.text())
def test_a_body_unpacks_to_what_was_packed(text):
    assert body.unpack(body.pack(text.encode())) == text.encode()


@pytest.mark.parametrize("name", RELEASED)
def test_what_was_written_with_any_released_dictionary_stays_readable(name):
    deflate = zlib.compressobj(level=6, zdict=(FOLDER / name).read_bytes())
    assert body.unpack(deflate.compress(b'{"case_no":""}') + deflate.flush()) == b'{"case_no":""}'


def test_a_released_dictionary_never_changes():
    assert {path.name: zlib.adler32(path.read_bytes()) for path in FOLDER.iterdir()} == RELEASED


def test_what_a_later_release_wrote_is_refused_by_name():
    deflate = zlib.compressobj(zdict=b"words of a later release")
    with pytest.raises(body.UnknownDictionary, match="deploy the newer release"):
        body.unpack(deflate.compress(b"{}") + deflate.flush())
