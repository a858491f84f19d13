"""Personal data: sealed to one department and one case, and closed to everybody else."""

import base64

import msgspec
import pytest
from cryptography.exceptions import InvalidTag
from hypothesis import given
from hypothesis import strategies as st
from liangwang.aws import AwsError
from liangwang.ciphers import KEY_BYTES, UnknownCipher
from liangwang.domain.messages import Sealed
from liangwang.fakes import FakeAws
from liangwang.sealing import Sealing

PERSONAL = {"name": "张示例", "identity_number": "990101195001010000"}
HERE = {"department": "EAST-MARKET", "case_no": "1"}


CIPHERS = sorted(KEY_BYTES)
PREFIX = "alias/liangwang/department/"


@pytest.fixture(params=CIPHERS)
def sealing(request):
    return Sealing(FakeAws(), key_prefix=PREFIX, cipher=request.param)


def test_the_department_it_was_sealed_to_can_open_it(sealing):
    assert sealing.open(sealing.seal(PERSONAL, **HERE), **HERE) == PERSONAL


@given(
    st.dictionaries(st.text(), st.one_of(st.text(), st.integers(-(2**60), 2**60), st.booleans()), max_size=5),
    st.sampled_from(CIPHERS),
)
def test_whatever_is_sealed_comes_out_as_it_went_in(personal, cipher):
    sealing = Sealing(FakeAws(), key_prefix="alias/", cipher=cipher)
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


@pytest.mark.parametrize("part", ["nonce", "ciphertext", "wrapped_key"])
def test_every_changed_byte_is_noticed(sealing, part):
    sealed = sealing.seal(PERSONAL, **HERE)
    content = base64.b64decode(getattr(sealed, part))
    for place in range(len(content)):
        changed = bytearray(content)
        changed[place] ^= 1 << (place % 8)
        with pytest.raises((InvalidTag, AwsError)):
            sealing.open(msgspec.structs.replace(sealed, **{part: base64.b64encode(changed).decode()}), **HERE)


@pytest.mark.parametrize("part", ["nonce", "ciphertext"])
@pytest.mark.parametrize("text", ["", "A", "AAAA", "not base64!"])
def test_what_is_no_nonce_or_no_ciphertext_does_not_open(sealing, part, text):
    with pytest.raises(InvalidTag):
        sealing.open(msgspec.structs.replace(sealing.seal(PERSONAL, **HERE), **{part: text}), **HERE)


def test_another_cipher_s_name_does_not_open_it(sealing):
    sealed = sealing.seal(PERSONAL, **HERE)
    (other,) = set(CIPHERS) - {sealed.algorithm}
    with pytest.raises(InvalidTag):
        sealing.open(msgspec.structs.replace(sealed, algorithm=other), **HERE)
    with pytest.raises(UnknownCipher):
        sealing.open(msgspec.structs.replace(sealed, algorithm="none"), **HERE)


def test_a_department_opens_both_ciphers_whatever_it_would_seal_with():
    aws = FakeAws()
    both = [Sealing(aws, key_prefix=PREFIX, cipher=cipher) for cipher in CIPHERS]
    for seals in both:
        sealed = seals.seal(PERSONAL, **HERE)
        assert [opens.open(sealed, **HERE) for opens in both] == [PERSONAL, PERSONAL]
    assert {seals.seal(PERSONAL, **HERE).algorithm for seals in both} == set(CIPHERS)


def test_nothing_readable_travels(sealing):
    wire = msgspec.json.encode(sealing.seal(PERSONAL, **HERE))
    assert "张示例".encode() not in wire and b"990101" not in wire


def test_the_same_data_is_sealed_differently_each_time(sealing):
    first, second = (sealing.seal(PERSONAL, **HERE) for _ in range(2))
    assert isinstance(first, Sealed)
    assert first.ciphertext != second.ciphertext and first.wrapped_key != second.wrapped_key
