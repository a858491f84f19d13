"""docs/security.md names code and tests that are there: a risk whose test is gone shall not look covered."""

import re

import pytest

from tests.conftest import REPOSITORY

PAGE = (REPOSITORY / "docs" / "security.md").read_text("utf-8")
CORE = REPOSITORY / "layers" / "core" / "python" / "liangwang"
NAMED = sorted(set(re.findall(r"`([\w/.-]+\.(?:py|yaml|json))`", PAGE)))


@pytest.mark.parametrize("name", NAMED)
def test_what_the_page_names_is_there(name):
    places = (REPOSITORY / name, CORE / name, CORE.parent / name)
    assert any(place.is_file() for place in places), f"docs/security.md names {name}, which is gone"


def test_every_risk_of_the_list_has_code_and_tests():
    rows = [line.split(" | ") for line in PAGE.splitlines() if re.match(r"\| API\d+ ", line)]
    assert [re.match(r"\| (API\d+)", row[0])[1] for row in rows] == [f"API{number}" for number in range(1, 11)]
    for row in rows:
        assert len(row) == 4 and "`" in row[2] and "`" in row[3], row[0]
