"""What guidance says of some answers, acceptance says of the application."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from liangwang.catalogue import load
from liangwang.domain import acceptance, guidance
from liangwang.domain import messages as m
from liangwang.domain.course import Practice
from liangwang.domain.guidance import Situation
from liangwang.domain.rule_reading import reads
from liangwang.domain.working_days import Calendar
from liangwang.rule_checks import ABSENT, candidates
from liangwang.rules import Rules
from msgspec import structs

from tests.conftest import REPOSITORY
from tests.unit.samples import NOON

CATALOGUE = load(REPOSITORY / "layers" / "catalogue")
ITEMS = list(CATALOGUE.items.values())
EVALUATE = Rules().evaluate
TOWNS = [region.code for region in CATALOGUE.organisation.regions if region.level == 5]


def rules_of(item):
    return [*item.eligibility, *item.completeness, *item.collaborations, *(one for one in item.materials if one.when)]


@st.composite
def filled_in(draw, item):
    """A form of this item without its personal fields: the example, each field that a rule reads with another value."""
    form = {name: value for name, value in item.example.form.items() if name not in item.personal}
    for name in sorted({name for rule in rules_of(item) for name in reads(rule.when).fields}):
        value = draw(st.sampled_from(candidates(item, name)))
        form = {**form, name: value} if value is not ABSENT else {key: form[key] for key in form if key != name}
    return form


def situation(item, form, **told):
    """Everything about an application is known, but for what ``told`` says otherwise."""
    public = item.form["properties"].keys() - set(item.personal)
    known = {
        "answers": form,
        "empty": public - form.keys(),
        "materials": item.example.materials,
        "place": TOWNS[0],
        "applicant_type": item.audience[0],
        "now": NOON,
    }
    return Situation(**{**known, **told})


def accepted(item, form, materials, place=TOWNS[0]):
    """What acceptance does with the same application."""
    message = m.ApplicationSubmitted(
        case_no="20261121-990101001-4K7Q2M9XW3TC-X",
        department="D",
        task_code=item.task_code,
        task_version=item.task_version,
        place=place,
        applicant_type=item.audience[0],
        channel="pc",
        form=form,
        materials=tuple(materials),
    )
    by_rule = structs.replace(item, accepted_by="rule")  # where an officer accepts, this is what stands against it
    return acceptance.receive(None, message, on=Practice(by_rule, EVALUATE, Calendar()), now=NOON)[1]


@pytest.mark.parametrize("item", ITEMS, ids=lambda item: item.task_code)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_guidance_over_a_complete_form_says_what_acceptance_does(item, data):
    form = data.draw(filled_in(item))
    materials = data.draw(st.lists(st.sampled_from([one.code for one in item.materials]), unique=True))
    advice = guidance.advise(item, situation(item, form, materials=materials), evaluate=EVALUATE)
    assert advice.questions == advice.missing == ()
    missing = [one.code for one, needed in advice.materials if needed and one.code not in materials]
    points = [*missing, *(rule.field for rule in advice.corrections)]
    match accepted(item, form, materials):
        case m.CaseRefused(reasons=reasons):
            assert not advice.eligible and [rule.reason for rule in advice.refusals] == list(reasons)
        case m.SupplementRequested(points=asked):
            assert advice.eligible and [point.field for point in asked] == points
        case m.CaseAccepted(awaits=awaits):
            assert advice.eligible and points == []
            assert [ask.capability for one, held in advice.collaborations if held for ask in one.asks] == list(awaits)


def verdicts(advice):
    return [
        *((rule.id, False) for rule in (*advice.refusals, *advice.corrections)),
        *((one.code, needed) for one, needed in advice.materials if needed is not None),
        *((one.id, held) for one, held in advice.collaborations if held is not None),
        *([("eligible", advice.eligible)] if advice.eligible is not None else []),
    ]


@pytest.mark.parametrize("item", ITEMS, ids=lambda item: item.task_code)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_what_is_settled_by_some_answers_stands_whatever_comes_after(item, data):
    form = data.draw(filled_in(item))
    complete = situation(item, form)
    names = data.draw(st.lists(st.sampled_from(sorted({*form, *complete.empty})), unique=True))
    early = situation(
        item,
        {name: form[name] for name in names if name in form},
        empty=[name for name in names if name in complete.empty],
        place=data.draw(st.sampled_from([None, TOWNS[0]])),
        applicant_type=data.draw(st.sampled_from([None, item.audience[0]])),
        materials=data.draw(st.sampled_from([None, item.example.materials])),
    )
    before, after = (guidance.advise(item, one, evaluate=EVALUATE) for one in (early, complete))
    assert set(verdicts(before)) <= set(verdicts(after))
    assert not set(before.questions) & set(names), "what was answered is not asked again"
    if not (before.questions or before.missing):
        assert set(verdicts(before)) == set(verdicts(after)) or before.eligible is False


@pytest.mark.parametrize("item", ITEMS, ids=lambda item: item.task_code)
@settings(max_examples=20, deadline=None)
@given(data=st.data())
def test_who_answers_what_is_asked_comes_to_an_end(item, data):
    form, told = data.draw(filled_in(item)), {}
    for _ in item.form["properties"]:
        known = situation(
            item, {name: form[name] for name in told if name in form}, empty=[n for n in told if n not in form]
        )
        advice = guidance.advise(item, known, evaluate=EVALUATE)
        if not advice.questions:
            break
        told[advice.questions[0]] = True
    assert advice.questions == () and advice.missing == ()
    whole = guidance.advise(item, situation(item, form), evaluate=EVALUATE)
    assert advice.eligible == whole.eligible
    if whole.eligible:
        assert advice == whole


@pytest.mark.parametrize("item", ITEMS, ids=lambda item: item.task_code)
def test_questions_come_in_the_form_s_order_and_never_about_a_person(item):
    advice = guidance.advise(item, Situation({}, NOON), evaluate=EVALUATE)
    order = [name for name in item.form["properties"] if name in advice.questions]
    assert list(advice.questions) == order and not set(order) & set(item.personal)


def test_a_rule_that_one_answer_decides_asks_for_no_other():
    """Code of the food licence: the gas kitchen matters only from 100 m² on."""
    item = CATALOGUE.items["food-business-licence"]
    advice = guidance.advise(item, Situation({"area": 80, "business": "restaurant"}, NOON), evaluate=EVALUATE)
    assert advice.questions == ("cold_dishes",)
    wide = guidance.advise(item, Situation({"area": 180, "business": "restaurant"}, NOON), evaluate=EVALUATE)
    assert wide.questions == ("cold_dishes", "gas_kitchen")


def test_an_applicant_whom_the_item_is_not_for_is_asked_nothing_more():
    item = CATALOGUE.items["elderly-card"]
    advice = guidance.advise(item, Situation({}, NOON, applicant_type=2), evaluate=EVALUATE)
    assert advice.eligible is False and advice.questions == () and advice.missing == ()
