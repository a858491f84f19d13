"""Who looks for an item in their own words finds it."""

import itertools
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from liangwang.catalogue import load
from liangwang.domain.catalogue import Text
from liangwang.domain.search import SearchIndex
from liangwang.words import Words
from msgspec.structs import replace

from tests.conftest import REPOSITORY

CATALOGUE = load(REPOSITORY / "layers" / "catalogue")
ITEMS = list(CATALOGUE.items.values())
CUT = Words(alias for item in ITEMS for alias in item.aliases).cut
INDEX = SearchIndex(ITEMS, CUT)
CALLED = [(item, name) for item in ITEMS for name in (item.name.zh, item.name.en, item.task_code, *item.aliases)]


def found(query):
    return [item.task_code for item in INDEX.find(query)]


@pytest.mark.parametrize(("item", "name"), CALLED, ids=lambda value: value if isinstance(value, str) else "")
def test_an_item_is_the_first_that_its_name_its_code_and_each_alias_find(item, name):
    assert found(name)[0] == item.task_code
    assert found(f"  {name.upper()} ")[0] == item.task_code


@given(st.sampled_from([name for _, name in CALLED if not name.isascii()]), st.data())
def test_any_piece_of_a_name_of_two_characters_or_more_finds_the_item(name, data):
    start = data.draw(st.integers(0, len(name) - 2))
    piece = name[start : data.draw(st.integers(start + 2, len(name)))]
    wanted = {item.task_code for item, one in CALLED if one == name}
    if any(map(str.isalnum, piece)):
        assert wanted <= set(found(piece)), piece


@given(st.sampled_from([word for item in ITEMS for word in item.name.en.replace("(", "").replace(")", "").split()]))
def test_the_beginning_of_an_english_word_finds_it(word):
    wanted = {item.task_code for item in ITEMS if word.casefold() in item.name.en.casefold().split()}
    assert wanted <= set(found(word)) and wanted <= set(found(word[: max(2, len(word) - 2)]))


@pytest.mark.parametrize(
    ("query", "first"),
    [
        ("我想开一家餐饮店", "food-business-licence"),
        ("个体户怎么办执照", "individual-business-registration"),
        ("渣土车", "construction-waste"),
        ("店门口的广告牌", "outdoor-advertisement"),
        ("挖路", "road-excavation"),
        ("ｆｏｏｄ　ＬＩＣＥＮＣＥ", "food-business-licence"),
    ],
)
def test_people_s_own_words_lead_to_the_item(query, first):
    assert found(query)[0] == first


@pytest.mark.parametrize("query", ["x", "！！！", "量子引力", "%", "'; --", "\x00"])
def test_what_no_item_has_finds_nothing(query):
    assert found(query) == []


def test_an_empty_query_gives_every_item_by_its_code():
    assert found("") == found(" \t\u3000") == sorted(CATALOGUE.items)


def test_a_name_counts_more_than_an_alias_an_alias_more_than_the_summary_the_summary_more_than_a_material():
    bare = replace(ITEMS[0], aliases=(), materials=(), name=Text("甲", "a"), summary=Text("乙", "b"))
    word = "营业执照"
    ranked = [
        replace(bare, task_code="4-name", name=Text(word, "a")),
        replace(bare, task_code="3-alias", aliases=(word,)),
        replace(bare, task_code="2-summary", summary=Text(f"领取{word}以后", "b")),
        replace(
            bare, task_code="1-material", materials=(replace(ITEMS[0].materials[0], name=Text(f"{word}复印", "c")),)
        ),
    ]
    for some in itertools.permutations(ranked):
        index = SearchIndex(some, CUT)
        assert [item.task_code for item in index.find(word)] == [item.task_code for item in ranked]


@given(st.text(max_size=30) | st.sampled_from([item.summary.zh for item in ITEMS]), st.randoms())
def test_any_query_has_an_answer_and_always_the_same(query, dice):
    shuffled = [*ITEMS]
    dice.shuffle(shuffled)
    assert SearchIndex(shuffled, CUT).find(query) == INDEX.find(query)


def test_the_dictionary_is_loaded_by_the_first_search_and_not_before():
    code = """
import sys
from liangwang.wiring.intake_system import words
from liangwang.catalogue import load
from liangwang.domain.errors import DomainError
from liangwang.http import Request
from pathlib import Path
from liangwang.services.items import Items
items = Items(load(Path("layers/catalogue")), words)
ask = lambda q: items.items(Request("", None, {}, {"q": q}, {}, None, None))
ask(""); before = "rjieba" in sys.modules
ask("排水"); print(before, "rjieba" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, timeout=60)
    assert done.stdout.split() == ["False", "True"], done.stderr
