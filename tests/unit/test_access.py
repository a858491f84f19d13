"""The gate that services ask, and how personal data looks to those who may not see it in full."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from liangwang.access import granted, mask
from liangwang.domain import policy
from liangwang.domain.errors import NotFound
from liangwang.http import Caller

from tests.conftest import REPOSITORY
from tests.unit.samples import CITY

CLERK = Caller(subject="clerk", role="clerk", department="EAST-MARKET")
MASKED = {
    "phone": ("13800000000", "138****0000"),
    "contact_phone": ("138-0000-0000", "138****0000"),
    "identity_number": ("990101198001010000", "990****00"),
    "name": ("张示例", "张**"),
    "safety_manager": ("李示例", "李**"),
    "address": ("云川市云东区望江街道示例路1号", "云川市云东区****"),
    "bank_account": ("6200000000000000123", "****0123"),
    "email": ("zhang@example.com", "z****@example.com"),
}


def test_the_gate_answers_with_the_fields_that_the_policy_grants():
    assert granted(CLERK, "case.list", policy.Thing(department="EAST-MARKET"), what="?") == "public"


def test_what_is_denied_is_not_found():
    with pytest.raises(NotFound, match="no case 7"):
        granted(CLERK, "case.read", policy.Thing(department="WEST-ROADS"), what="no case 7")


def test_somebody_without_a_department_is_in_no_department():
    nobody = Caller(subject="", role="clerk")
    assert policy.relations(nobody, policy.Thing()) == {"any"}


def test_a_centre_sees_its_own_region_and_those_below():
    seen = policy.centres(CITY, ["T1"])
    assert seen == {"T1", "D1", "C"}
    assert policy.centres(CITY, ["C"]) == {"C"}
    assert policy.centres(CITY, ["nowhere"]) == set()


@pytest.mark.parametrize("name", MASKED)
def test_each_kind_of_personal_datum_keeps_just_enough_to_tell_two_people_apart(name):
    value, shown = MASKED[name]
    assert mask({name: value}, "masked") == {name: shown}
    assert mask({name: value}, "full") == {name: value}
    assert mask({name: value}, "public") == {}


@pytest.mark.parametrize("value", ["", None, 5, ["13800000000"], {"phone": "13800000000"}])
def test_what_is_no_text_is_hidden_whole(value):
    assert mask({"phone": value}, "masked") == {"phone": "****"}


@given(st.sampled_from([*MASKED, "something_else"]), st.text(min_size=1))
def test_no_masked_value_is_the_value_itself(name, value):
    assert value in ("*", "****") or mask({name: value}, "masked")[name] != value


def test_every_personal_field_of_the_catalogue_is_of_a_known_kind():
    from liangwang import catalogue

    for item in catalogue.load(REPOSITORY / "layers" / "catalogue").items.values():
        for name in item.personal:
            shown = mask({name: "13800000000示例示例@示例"}, "masked")[name]
            assert shown != "****", f"{item.task_code}: say in access.py how {name} is masked"
