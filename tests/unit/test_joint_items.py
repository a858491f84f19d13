"""One form for several items: what each of them gets out of it is a sound application of its own."""

import itertools
from datetime import UTC, datetime

import pytest
from liangwang.catalogue import load
from liangwang.domain import acceptance, joint_item
from liangwang.domain import messages as m
from liangwang.domain.course import Practice
from liangwang.domain.working_days import Calendar
from liangwang.forms import violations
from liangwang.rules import Rules

from tests.conftest import REPOSITORY

CATALOGUE = load(REPOSITORY / "layers" / "catalogue")
ITEMS = CATALOGUE.items
NUMBERS = {code: f"C-{code}" for code in ITEMS}


def choices(joint):
    """Every way of taking optional members."""
    optional = [member.item for member in joint.members if member.optional]
    for size in range(len(optional) + 1):
        yield from itertools.combinations(optional, size)


WAYS = [
    pytest.param(joint, joint_item.chosen(joint, wanted), id=f"{code}-{'+'.join(wanted) or 'alone'}")
    for code, joint in CATALOGUE.joint.items()
    for wanted in choices(joint)
]


def example(joint, members):
    fields = joint_item.form(members, ITEMS)["properties"]
    return {name: joint.example.form[name] for name in fields}


@pytest.mark.parametrize(("joint", "members"), WAYS)
def test_the_joint_form_asks_what_its_members_ask_and_each_thing_once(joint, members):
    form = joint_item.form(members, ITEMS)
    assert violations(form, example(joint, members)) == []
    for member in members:
        names = joint_item.joint_fields(member, ITEMS[member.item], members)
        assert set(names.values()) <= form["properties"].keys()
        for name, joint_name in names.items():
            assert member.item in form["properties"][joint_name]["x-members"]
            assert name not in ITEMS[member.item].form["required"] or joint_name in form["required"]


@pytest.mark.parametrize(("joint", "members"), WAYS)
def test_each_member_s_application_fits_its_item_and_would_be_accepted(joint, members):
    filled_in = example(joint, members)
    for member in members:
        item = ITEMS[member.item]
        form = joint_item.member_form(member, item, members, filled_in, NUMBERS)
        assert violations(item.form, form) == []
        waived = [code for code, _ in joint_item.waived(member, members)]
        message = m.ApplicationSubmitted(
            case_no="20261121-990101001-4K7Q2M9XW3TC-X",
            department="D",
            task_code=item.task_code,
            task_version=item.task_version,
            place="990101001",
            applicant_type=item.audience[0],
            channel="pc",
            form={name: value for name, value in form.items() if name not in item.personal},
            materials=(*joint_item.member_materials(member, item, joint.example.materials), *waived),
        )
        events = acceptance.receive(
            None, message, on=Practice(item, Rules().evaluate, Calendar()), now=datetime.now(UTC)
        )
        assert isinstance(events[1], m.CaseAccepted), (item.task_code, events[1])


@pytest.mark.parametrize(("joint", "members"), WAYS)
def test_what_is_personal_to_a_member_is_personal_in_the_joint_form(joint, members):
    hidden = joint_item.personal(members, ITEMS)
    for member in members:
        item = ITEMS[member.item]
        for name, joint_name in joint_item.joint_fields(member, item, members).items():
            assert (name in item.personal) == (joint_name in hidden)


@pytest.mark.parametrize(("joint", "members"), WAYS)
def test_a_material_is_handed_in_once_and_never_when_a_certificate_stands_for_it(joint, members):
    merged = joint_item.materials(members, ITEMS)
    codes = [one.material.code for one in merged]
    assert len(codes) == len(set(codes))
    for member in members:
        served = {one.material.code for one in merged if member.item in one.members}
        own = joint_item.own_codes(member, ITEMS[member.item])
        assert {own[code] for code in served} == ITEMS[member.item].material_codes - {
            code for code, _ in joint_item.waived(member, members)
        }


def test_without_the_member_whose_certificate_it_is_a_material_is_handed_in():
    joint = CATALOGUE.joint["open-a-restaurant"]
    alone = tuple(member for member in joint.members if member.item == "food-business-licence")
    assert "business-licence" in [one.material.code for one in joint_item.materials(alone, ITEMS)]
    assert joint_item.prerequisites(alone[0], alone) == ()
