"""Personal data: sealed to one department and one case, and closed to everybody else."""

import msgspec
import pytest
from cryptography.exceptions import InvalidTag
from hypothesis import given
from hypothesis import strategies as st
from liangwang.aws import AwsError
from liangwang.domain.messages import Sealed
from liangwang.fakes import FakeAws
from liangwang.sealing import Sealing

PERSONAL = {"name": "张示例", "identity_number": "990101195001010000"}
HERE = {"department": "EAST-MARKET", "case_no": "1"}


@pytest.fixture
def sealing():
    return Sealing(FakeAws(), key_prefix="alias/liangwang/department/")


def test_the_department_it_was_sealed_to_can_open_it(sealing):
    assert sealing.open(sealing.seal(PERSONAL, **HERE), **HERE) == PERSONAL


@given(st.dictionaries(st.text(), st.one_of(st.text(), st.integers(-(2**60), 2**60), st.booleans()), max_size=5))
def test_whatever_is_sealed_comes_out_as_it_went_in(personal):
    sealing = Sealing(FakeAws(), key_prefix="alias/")
    assert sealing.open(sealing.seal(personal, **HERE), **HERE) == personal


@pytest.mark.parametrize("other", [{"department": "WEST-ROADS"}, {"case_no": "2"}])
def test_another_department_or_case_cannot_open_it(sealing, other):
    with pytest.raises(AwsError):
        sealing.open(sealing.seal(PERSONAL, **HERE), **{**HERE, **other})


def test_the_case_is_bound_to_the_content_too_and_not_by_kms_alone(sealing):
    mine, theirs = sealing.seal(PERSONAL, **HERE), sealing.seal({}, department="EAST-MARKET", case_no="2")
    mixed = msgspec.structs.replace(mine, wrapped_key=theirs.wrapped_key)
    with pytest.raises(InvalidTag):
        sealing.open(mixed, department="EAST-MARKET", case_no="2")


@pytest.mark.parametrize("part", ["nonce", "ciphertext"])
def test_a_changed_byte_is_noticed(sealing, part):
    sealed = sealing.seal(PERSONAL, **HERE)
    text = getattr(sealed, part)
    changed = msgspec.structs.replace(sealed, **{part: ("A" if text[0] != "A" else "B") + text[1:]})
    with pytest.raises(InvalidTag):
        sealing.open(changed, **HERE)


def test_nothing_readable_travels(sealing):
    wire = msgspec.json.encode(sealing.seal(PERSONAL, **HERE))
    assert "张示例".encode() not in wire and b"990101" not in wire


def test_the_same_data_is_sealed_differently_each_time(sealing):
    first, second = (sealing.seal(PERSONAL, **HERE) for _ in range(2))
    assert isinstance(first, Sealed)
    assert first.ciphertext != second.ciphertext and first.wrapped_key != second.wrapped_key
