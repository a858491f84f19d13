"""What numbers people and enterprises are known by: form, date and check digit."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from liangwang.domain import credentials, identifiers

TODAY = date(2027, 3, 1)
GOOD = "990101199001010123"
CODE = "91990101MA0000001Y"


def test_an_invented_number_with_its_check_digit_is_right():
    assert identifiers.wrong_with_identity_number(GOOD, TODAY) == ""
    assert identifiers.wrong_with_credit_code(CODE) == ""


@pytest.mark.parametrize(
    ("number", "named"),
    [
        ("990101199001010124", "check digit"),
        ("990101199013010127", "date of birth"),
        ("990101202703021018", "date of birth"),
        ("99010119900101012", "17 digits"),
        ("99010119900101012x", "17 digits"),
        ("９９０１０１１９９００１０１０１２３", "17 digits"),
        ("", "17 digits"),
    ],
)
def test_a_wrong_number_is_told_what_is_wrong_with_it(number, named):
    assert named in identifiers.wrong_with_identity_number(number, TODAY)


@given(st.from_regex(r"990101(19[0-9]{2})(0[1-9]|1[0-2])(0[1-9]|1[0-9]|2[0-8])[0-9]{3}", fullmatch=True), st.data())
def test_every_single_typing_error_is_found(first, data):
    number = first + identifiers.identity_check_digit(first)
    assert identifiers.wrong_with_identity_number(number, TODAY) == ""
    place = data.draw(st.integers(0, 16))
    other = data.draw(st.sampled_from([digit for digit in "0123456789" if digit != number[place]]))
    assert identifiers.wrong_with_identity_number(number[:place] + other + number[place + 1 :], TODAY)


@given(st.text("0123456789ABCDEFGHJKLMNPQRTUWXY", min_size=9, max_size=9), st.data())
def test_every_single_typing_error_in_a_credit_code_is_found(tail, data):
    first = "91990101" + tail
    code = first + identifiers.credit_check_character(first)
    assert identifiers.wrong_with_credit_code(code) == ""
    place = data.draw(st.integers(8, 16))
    other = data.draw(st.sampled_from([one for one in "0123456789ABCDEFGH" if one != code[place]]))
    assert identifiers.wrong_with_credit_code(code[:place] + other + code[place + 1 :])


@pytest.mark.parametrize("code", ["91990101MA0000001Z", "91990101MA000000I1", CODE.lower(), "", CODE + "0"])
def test_a_wrong_credit_code_is_refused(code):
    assert identifiers.wrong_with_credit_code(code)


def test_numbers_may_be_written_with_spaces_and_hyphens():
    assert identifiers.plain(" 138-0000 0000") == "13800000000"
    assert identifiers.plain("99010119900101012x") == "99010119900101012X"


@pytest.mark.parametrize(
    ("username", "is_right"),
    [
        ("zhang-san", True),
        ("li4", True),
        ("a12345", True),
        ("a123456", False),
        ("13800000000", False),
        ("Zhang", False),
        ("zh", False),
        ("张示例", False),
        ("a" * 33, False),
        ("a/b", False),
    ],
)
def test_a_username_is_never_a_number_of_a_person(username, is_right):
    assert bool(credentials.wrong_with_username(username)) is not is_right


@pytest.mark.parametrize(
    ("password", "is_right"),
    [
        ("correct horse battery", True),
        ("白日依山尽黄河入海流", True),
        ("a" * 8 + "bc", True),
        ("1234567", False),
        ("12345678", False),
        ("Password123", False),
        ("aaaaaaaaaa", False),
        ("zhang-san", False),
        ("zhang-san123", False),
        ("x" * 60 + "yz" * 40, False),
    ],
)
def test_a_password_is_long_enough_and_not_among_the_first_that_are_tried(password, is_right):
    assert bool(credentials.wrong_with_password(password, "zhang-san")) is not is_right
