"""The blind index: equal values are found, and without the key it says nothing."""

import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st
from liangwang.blind import BlindIndex, normal_form
from liangwang.fakes import FakeAws, Fault
from liangwang.secret import Secret

KEY = "a key made at random"


def index(digest="HMAC-SHA-256", key=KEY):
    return BlindIndex(lambda: key, digest=digest)


@pytest.mark.parametrize(
    ("field", "written"),
    [
        (
            "phone",
            [
                "13800000000",
                "138-0000-0000",
                "+86 138 0000 0000",
                "0086-13800000000",
                "8613800000000",
                "１３８００００００００",
            ],
        ),
        (
            "identity_no",
            [
                "99010119500101000X",
                "99010119500101000x",
                " 990101 19500101 000X",
                "９９０１０１１９５００１０１０００Ｘ",
            ],
        ),
        ("email", ["Zhang.Shili@Example.CN", "zhang.shili@example.cn", " ｚhang.shili@example.cn "]),
        ("bank_account", ["6200 0000 0000 0000", "6200-0000-0000-0000", "6200000000000000"]),
        ("name", ["张示例", " 张 示例 ", "张示例\u3000"]),
    ],
)
def test_a_value_is_found_however_it_was_written(field, written):
    assert len({index()(field, value) for value in written}) == 1


def test_different_values_and_different_fields_have_different_indexes():
    found = {index()(field, value) for field in ("phone", "name") for value in ("13800000000", "13800000001")}
    assert len(found) == 4


def test_a_field_cannot_be_passed_off_as_a_part_of_the_value():
    assert index()("phone", "1") != index()("phon", "e1")


def test_a_dot_or_hyphen_counts_where_it_is_part_of_the_value():
    assert index()("email", "a.b@example.cn") != index()("email", "ab@example.cn")


def test_a_foreign_number_keeps_its_prefix():
    assert normal_form("phone", "+44 20 7946 0000") == "+442079460000"


def test_another_key_gives_another_index():
    assert index()("phone", "13800000000") != index(key="another")("phone", "13800000000")


def test_it_is_an_hmac_that_anybody_with_the_key_can_compute():
    expected = hmac.new(KEY.encode(), b"phone\x0013800000000", hashlib.sha256).hexdigest()
    assert index()("phone", "13800000000") == expected


def test_sm3_is_another_index_of_the_same_length():
    assert index("HMAC-SM3")("phone", "1") != index()("phone", "1")
    assert len(index("HMAC-SM3")("phone", "1")) == 64


def test_sm3_is_sm3():
    """The value that GmSSL and OpenSSL give (RFC 2104 over GB/T 32905-2016)."""
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives import hmac as hmac_of

    expected = hmac_of.HMAC(KEY.encode(), hashes.SM3())
    expected.update(b"phone\x001")
    assert index("HMAC-SM3")("phone", "1") == expected.finalize().hex()


def test_an_unknown_digest_is_refused_when_the_function_starts():
    with pytest.raises(ValueError, match="HMAC-SM3"):
        index("MD5")


@given(st.sampled_from(["phone", "identity_no", "name", "email"]), st.text())
def test_the_normal_form_is_its_own_normal_form(field, value):
    assert normal_form(field, normal_form(field, value)) == normal_form(field, value)


def test_the_key_is_fetched_once_and_not_before_it_is_needed():
    aws = FakeAws()
    lazily = BlindIndex(Secret(aws, "blind-index"))
    assert aws.calls == []
    assert lazily("phone", "1") == lazily("phone", "1")
    assert len(aws.calls) == 1


def test_a_secret_that_could_not_be_had_is_asked_for_again():
    aws = FakeAws()
    aws.faults.append(Fault("GetSecretValue"))
    secret = Secret(aws, "blind-index")
    with pytest.raises(Exception, match="Throttling"):
        secret()
    assert secret() == aws.secrets.values["blind-index"]
