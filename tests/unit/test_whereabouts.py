"""What a case waits for, as the centre's ledger tells it."""

from datetime import timedelta

import pytest
from liangwang import texts
from liangwang.domain.ledger import Entry
from liangwang.domain.whereabouts import Waits, waiting

from tests.unit.samples import NOON


class Event:
    """As much of a collaboration event as is asked for."""

    def __init__(self, *departments, concluded=False):
        self.conclusion = object() if concluded else None
        self.tasks = [Task(code) for code in departments]


class Task:
    def __init__(self, department):
        self.is_open = not department.startswith("done-")
        self.dispatched = type("Dispatched", (), {"department": department})


def entry(state):
    return Entry(state=state, sequence=1, department="MARKET", since=NOON - timedelta(days=1), version=1)


@pytest.mark.parametrize(
    ("state", "events", "is_kept", "expected"),
    [
        ("carried", [], False, [("acceptance", ("MARKET",))]),
        ("supplementing", [], False, [("supplement", ())]),
        ("suspended", [], False, [("procedure", ("MARKET",))]),
        ("accepted", [], False, [("officer", ("MARKET",))]),
        ("in_review", [], False, [("officer", ("MARKET",))]),
        (
            "collaborating",
            [Event("FIRE", "done-HEALTH"), Event("POLICE")],
            False,
            [("departments", ("FIRE", "POLICE"))],
        ),
        ("collaborating", [Event()], False, [("departments", ())]),
        ("collaborating", [Event("FIRE", concluded=True)], False, [("officer", ("MARKET",))]),
        ("in_review", [Event("FIRE")], False, [("officer", ("MARKET",)), ("departments", ("FIRE",))]),
        ("in_review", [], True, [("officer", ("MARKET",)), ("delivery", ())]),
        ("granted", [], True, [("delivery", ())]),
        ("granted", [Event("FIRE")], False, [("nobody", ())]),
    ],
)
def test_a_case_waits_for_whose_turn_it_is(state, events, is_kept, expected):
    found = waiting(entry(state), events, is_kept=is_kept)
    assert [(one.waits, one.departments) for one in found] == expected


@pytest.mark.parametrize("waits", Waits.__args__)
def test_each_is_a_sentence_in_both_languages(waits):
    text = texts.text(f"whereabouts.{waits}", departments="x")
    assert text.zh and text.en
