"""Sentences for people: every event of every aggregate, every status and every problem, in Chinese and English."""

import importlib
import json
import pkgutil
from pathlib import Path
from typing import get_args

import liangwang
import pytest
from liangwang import texts
from liangwang.domain import application, case, collaboration, grid, ledger, task, task_events
from liangwang.domain import messages as m
from liangwang.domain.catalogue import Step, Text
from liangwang.domain.errors import DomainError
from liangwang.domain.history import Recorded, fold
from liangwang.timeline import of_application, of_history
from msgspec import structs

from tests.unit.samples import CITY, NOON, example, submitted

FOLDER = Path(texts.__file__).parent / "i18n"
EVENTS = [
    (module.__name__.rpartition(".")[2], kind)
    for module in (application, case, collaboration, task, ledger, grid)
    for kind in get_args(module.Event) or (module.Event,)
]


def problems():
    """Every refusal there is, in all modules of the package."""
    for module in pkgutil.walk_packages(liangwang.__path__, "liangwang."):
        importlib.import_module(module.name)
    return sorted(below(DomainError), key=lambda one: one.code)


def below(kind):
    """A class and all that derive from it."""
    return {kind}.union(*(below(direct) for direct in kind.__subclasses__()))


@pytest.mark.parametrize(("aggregate", "kind"), EVENTS, ids=lambda one: getattr(one, "__name__", one))
def test_every_event_of_every_aggregate_is_a_sentence(aggregate, kind):
    (line,) = of_history([Recorded(NOON, "cause", example(kind))], CITY)
    for sentence in (line.text.zh, line.text.en):
        assert sentence and "{" not in sentence and "None" not in sentence


def test_both_languages_have_the_same_texts():
    zh, en = (json.loads((FOLDER / f"{name}.json").read_text("utf-8")) for name in ("zh", "en"))
    assert zh.keys() == en.keys()


def test_both_languages_fill_in_the_same_values():
    zh, en = (json.loads((FOLDER / f"{name}.json").read_text("utf-8")) for name in ("zh", "en"))
    places = [{part.split("}")[0] for part in text.split("{")[1:]} for text in zh.values()]
    assert places == [{part.split("}")[0] for part in en[key].split("{")[1:]} for key in zh]


@pytest.mark.parametrize("kind", problems(), ids=lambda one: one.code)
def test_every_problem_has_a_title(kind):
    assert texts.text(f"problem.{kind.code}").en


@pytest.mark.parametrize("status", get_args(application.Status))
def test_every_status_a_citizen_can_see_has_a_text(status):
    assert texts.text(f"status.{status}").zh


@pytest.mark.parametrize(
    "word",
    sorted({*get_args(m.Opinion), *get_args(m.Outcome), *get_args(Step.__annotations__["name"]), "cancelled"}),
)
def test_every_word_of_the_domain_has_a_text(word):
    assert texts.text(f"word.{word}").zh


@pytest.mark.parametrize("state", ["accepted", "collaborating", "supplementing", "in_review", *sorted(m.TERMINAL)])
def test_every_state_of_the_ledger_has_a_word(state):
    assert texts.text(f"word.{state}").zh


def test_names_stand_in_the_language_of_the_sentence(organisation):
    event = m.CaseAccepted(case_no="1", department="D-990101-MARKET", accept_doc_no="S-1")
    (line,) = of_history([Recorded(NOON, "cause", event)], organisation)
    assert line.text == Text(
        zh="云东区市场监督管理局予以受理，受理回执S-1",
        en="Yundong Market Regulation Bureau accepted the case, receipt S-1",
    )


def test_what_people_wrote_is_shown_as_they_wrote_it():
    event = m.TaskRecalled(case_no="1", task_id="t", department="EAST-MARKET", reason="{department} moved {0}")
    (line,) = of_history([Recorded(NOON, "cause", event)], CITY)
    assert "{department} moved {0}" in line.text.en


@pytest.mark.parametrize(
    ("event", "told"),
    [
        (m.CollaborationDisclosed, "gives nobody no personal data: the request does not name these fields"),
        (m.TaskSupplied, "was given no personal data: the request does not name these fields"),
        (task_events.Supplied, "No personal data was supplied: the request does not name these fields"),
        (m.EvidenceTaken, "did not put the grid event to the case: the request does not name these fields"),
    ],
)
def test_what_was_refused_is_not_told_as_given(event, told):
    refused = {"reason": "not_asked"} | ({"taken": False} if event is m.EvidenceTaken else {"sealed": None})
    refused |= {"supporter": "nobody"} if event is m.CollaborationDisclosed else {}
    (line,) = of_history([Recorded(NOON, "cause", structs.replace(example(event), **refused))], CITY)
    assert told in line.text.en and "所请信息不在协同请求范围内" in line.text.zh


def test_the_citizen_is_shown_neither_bookkeeping_nor_carrying():
    events = [application.Opened(applicant="z", digest=""), submitted(), application.Relayed(version=2)]
    state = fold(application.evolve, [Recorded(NOON, "a", event) for event in events])
    assert [line.event for line in of_application(state, CITY)] == ["application.submitted"]


def test_a_word_that_only_another_system_knows_is_shown_as_it_is():
    event = m.StepCompleted(case_no="1", department="EAST-MARKET", step="survey", opinion="agree", by="somebody")
    (line,) = of_history([Recorded(NOON, "cause", event)], CITY)
    assert "survey" in line.text.zh
