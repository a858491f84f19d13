"""The case number: readable, sortable by day, and a wrong or swapped character is noticed."""

from datetime import UTC, datetime

from hypothesis import assume, given
from hypothesis import strategies as st
from liangwang.domain import case_no

NUMBERS = st.builds(
    lambda at, region, entropy: case_no.build(at=at, region=region, entropy=entropy),
    st.datetimes(min_value=datetime(2020, 1, 1), max_value=datetime(2090, 1, 1), timezones=st.just(UTC)),
    st.sampled_from(("990100", "990101", "990101001")),
    st.binary(min_size=8, max_size=8),
)


def test_it_names_the_day_in_china_the_region_and_twelve_random_letters():
    number = case_no.build(at=datetime(2026, 12, 31, 18, 0, tzinfo=UTC), region="990101001", entropy=b"\xff" * 8)
    day, region, letters, check = number.split("-")
    assert (day, region, letters, len(check)) == ("20270101", "990101001", "Z" * 12, 1)


@given(NUMBERS)
def test_a_number_that_was_built_is_valid(number):
    assert case_no.is_valid(number)


@given(NUMBERS, st.data())
def test_any_single_wrong_character_is_noticed(number, data):
    place = data.draw(st.sampled_from([i for i, letter in enumerate(number) if letter != "-"]))
    other = data.draw(st.sampled_from("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"))
    assume(other != number[place])
    assert not case_no.is_valid(number[:place] + other + number[place + 1 :])


@given(NUMBERS, st.data())
def test_any_swap_of_neighbours_is_noticed(number, data):
    place = data.draw(st.integers(0, len(number) - 2))
    first, second = number[place], number[place + 1]
    assume(first != second and "-" not in (first, second))
    assert not case_no.is_valid(number[:place] + second + first + number[place + 2 :])


@given(st.lists(NUMBERS, min_size=2, max_size=6))
def test_sorting_numbers_sorts_the_days(numbers):
    days = [number[:8] for number in sorted(numbers)]
    assert days == sorted(days)


@given(st.binary(min_size=8, max_size=8))
def test_the_same_entropy_gives_the_same_number(entropy):
    at = datetime(2027, 1, 1, tzinfo=UTC)
    assert case_no.build(at=at, region="1", entropy=entropy) == case_no.build(at=at, region="1", entropy=entropy)


def test_the_check_character_is_that_of_the_standard():
    assert case_no.check_character("G123489654321") == "Y"


@given(NUMBERS)
def test_a_number_reads_well_in_an_address(number):
    assert set(number) <= set("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ-")


@given(st.text(max_size=60))
def test_no_text_whatever_makes_the_check_stumble(text):
    assert case_no.is_valid(text) in (True, False)
