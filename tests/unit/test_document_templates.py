"""Templates of documents: data that is looked at before anything starts."""

import pytest
from liangwang import document_templates
from liangwang.domain import document
from liangwang.domain.catalogue import Catalogue, Text
from liangwang.domain.document import Template

from tests.conftest import REPOSITORY
from tests.unit.samples import CITY, item, text

SHIPPED = document_templates.load(REPOSITORY / "layers" / "catalogue")
TITLE = text("Title")


def problems(templates, **changes):
    return list(document_templates.check({**SHIPPED, **templates}, Catalogue.of([item(**changes)], CITY)))


def test_every_kind_of_document_has_a_template_that_stands():
    assert problems({}) == []
    assert set(SHIPPED) == set(document.KINDS)


@pytest.mark.parametrize(
    ("template", "reason"),
    [
        (Template(TITLE, ("price",)), "'price' is no fact"),
        (Template(text("{price}"), ()), "{price} is no fact"),
        (Template(TITLE, (), opening=text("{")), "no text with {facts}"),
        (Template(TITLE, (), remedy=text("{number.x!r} {holder} {0}")), "{0} is no fact"),
    ],
)
def test_a_template_that_would_fail_on_somebody_s_document_is_refused(template, reason):
    assert reason in "".join(problems({"receipt": template}))


def test_an_item_may_have_a_template_of_its_own_that_exists():
    assert problems({"plain": Template(TITLE, ())}, documents={"certificate": "plain"}) == []
    (problem,) = problems({}, documents={"certificate": "plain"})
    assert "no template 'plain'" in problem
    (problem,) = problems({}, documents={"poem": "receipt"})
    assert "no kind of document" in problem


def test_a_kind_without_a_template_is_named():
    templates = {name: one for name, one in SHIPPED.items() if name != "denial"}
    (problem,) = document_templates.check(templates, Catalogue.of([item()], CITY))
    assert "'denial'" in problem


def test_a_fact_that_the_case_does_not_have_leaves_its_line_out():
    template = Template(text("{certificate}"), ("holder", "item"), opening=text("to {holder}"))
    labels = {name: text(name) for name in document.VALUES}
    values = {"item": Text(zh="事项", en="Item")}
    filled = document.fill(template, values, labels=labels, listed=[text("why")], code="")
    assert filled.lines == ((text("item"), Text(zh="事项", en="Item")),)
    assert (filled.opening, filled.listed) == (text("to "), ())
