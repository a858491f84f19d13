"""The categories of grid events: what is refused of them, and what of a case they are matched by."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from liangwang.catalogue import load_grid
from liangwang.domain import ledger, open_cases
from liangwang.domain import messages as m
from liangwang.domain.catalogue import Join
from liangwang.domain.grid_category import GridCategories, GridCategory, GridQuestion, related
from liangwang.domain.history import Recorded
from liangwang.domain.validity import day_of
from liangwang.grid_checks import grid_problems
from msgspec.structs import replace

from tests.conftest import REPOSITORY
from tests.unit.samples import CITY, NOON, item, text

ITEMS = {"licence": item(), "kiosk": item(task_code="kiosk", capability="roads")}
SOUND = GridCategory(
    code="dumping",
    name=text("Dumping"),
    lead=GridQuestion("fire", text("Clear it?")),
    items=("licence",),
    capabilities=("roads",),
)


def problems(*categories):
    return {
        ".".join(map(str, path))
        for path, _ in grid_problems(GridCategories(categories), CITY, ITEMS, today=day_of(NOON))
    }


def test_a_sound_category_has_no_problems():
    assert problems(SOUND) == set()


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"code": "Dumping"}, "code"),
        ({"days": 61}, "days"),
        ({"call_days": 61}, "call_days"),
        ({"sign_days": 6}, "sign_days"),
        ({"repeats_within": -1}, "repeats_within"),
        ({"lead": GridQuestion("site", text("?"))}, "lead.capability"),
        ({"supporting": (GridQuestion("nobody", text("?")),)}, "supporting.0.capability"),
        ({"join": Join("quorum", 2)}, "join.count"),
        ({"join": Join("all", 1)}, "join.count"),
        ({"items": ("no-such",)}, "items.0"),
        ({"capabilities": ("fire",)}, "capabilities.0"),
    ],
)
def test_a_broken_category_is_told_where(changes, where):
    assert problems(replace(SOUND, **changes)) == {f"categories.0.{where}"}


def test_a_code_stands_once():
    assert problems(SOUND, SOUND) == {"categories.1.code"}


def test_an_item_is_related_by_its_name_or_by_what_it_needs():
    assert related(SOUND, ITEMS) == {"licence": "item", "kiosk": "capability"}
    assert related(replace(SOUND, items=("gone",), capabilities=()), ITEMS) == {}


def test_the_shipped_categories_are_read_once_and_have_town_level_limits():
    directory = REPOSITORY / "layers" / "catalogue"
    shipped = load_grid(directory)
    assert load_grid(directory) is shipped
    for category in shipped.categories:
        assert (category.sign_days, category.again_days) == (1, 3) and category.days <= 5


def test_a_catalogue_without_categories_has_none(tmp_path: Path):
    assert load_grid(tmp_path).categories == ()


# ------------------------------------------------------------------ the index of open cases

CARRIED = ledger.Carried(
    intake="own", department="EAST-MARKET", task_code="licence", place="T1", applied_at=NOON, at=NOON
)
STATES = ["accepted", "supplementing", "in_review", "suspended", "collaborating"]


def observed(sequence, state):
    return ledger.Observed(sequence=sequence, message_type="x", state=state, department="EAST-MARKET", at=NOON)


def entry(*events):
    state = None
    for event in events:
        state = ledger.evolve(state, Recorded(NOON, "test", event))
    return state


@given(st.lists(st.sampled_from(STATES), max_size=8), st.sampled_from(sorted(m.TERMINAL)))
def test_news_of_an_open_case_do_not_write_the_index_and_its_end_takes_it_out(states, end):
    events = [CARRIED, *(observed(n, state) for n, state in enumerate(states, start=1))]
    places = {open_cases.placed(entry(*events[: n + 1])) for n in range(len(events))}
    (place,) = places
    assert place is not None and place.desk == "place/T1/licence"
    assert open_cases.placed(entry(*events, observed(100, end))) is None


def test_a_case_of_which_the_centre_knows_no_place_is_on_no_desk():
    assert open_cases.placed(entry(observed(1, "accepted"))) is None
