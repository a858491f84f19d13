"""A mailbox keeps what it is given until the department has it, whatever comes twice, late or between."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from liangwang.domain import mailbox
from liangwang.domain import messages as m
from liangwang.domain.errors import Invalid, NotFound
from liangwang.domain.history import Recorded
from msgspec import structs

from tests.unit.samples import CASE_NO, NOON, example

IDS = ("a", "b", "c")
ACTS = st.lists(
    st.one_of(
        st.tuples(st.just("deliver"), st.sampled_from(IDS), st.integers(0, 3)),
        st.tuples(st.just("take"), st.sampled_from(IDS), st.integers(0, 3)),
    ),
    max_size=30,
)
TASK = structs.replace(example(m.TaskDispatched), case_no=CASE_NO)


def after(state, act, name, round, at=NOON):
    """The mailbox after an act; one that is refused changes nothing."""
    try:
        if act == "deliver":
            new = mailbox.deliver(state, TASK, department="EAST-FIRE", id=name, time=NOON, round=round, now=at)
        else:
            new = mailbox.acknowledge(state, name, round=round)
    except NotFound:
        return state
    return new[-1] if new else state


@given(ACTS)
def test_a_message_waits_once_and_until_it_is_acknowledged(acts):
    state, asked, taken = None, {}, {}
    for act, name, round in acts:
        state = after(state, act, name, round)
        waiting = [one.id for one in state.letters] if state else []
        assert len(waiting) == len(set(waiting))
        if act == "deliver":
            asked[name] = max(round, asked.get(name, -1))
            assert name in waiting or taken.get(name, -1) >= round or state.known[name] >= round
        elif name in asked and name not in waiting:
            taken[name] = max(round, taken.get(name, -1))
    assert set(asked) == set(state.known if state else {})
    never = set(asked) - set(taken)
    assert never <= {one.id for one in (state.letters if state else ())}, "nothing goes that nobody acknowledged"


@given(ACTS)
def test_what_is_done_twice_is_done_once(acts):
    once = twice = None
    for act, name, round in acts:
        once = after(once, act, name, round)
        twice = after(after(twice, act, name, round), act, name, round)
    assert once == twice


def test_a_mailbox_waits_since_its_oldest_letter():
    state = after(None, "deliver", "a", 0)
    state = after(state, "deliver", "b", 0, at=NOON + timedelta(hours=1))
    assert state.waits_since == NOON
    assert after(state, "take", "a", 0).waits_since == NOON + timedelta(hours=1)
    assert after(after(state, "take", "a", 0), "take", "b", 0).waits_since is None


def said(*numbers):
    """What a department has said, under these numbers."""
    state = None
    for number in numbers:
        state = mailbox.evolve(state, Recorded(NOON, str(number), posted(number)))
    return state


def posted(number, **changes):
    report = structs.replace(example(m.TaskReported), case_no=CASE_NO, **changes)
    return mailbox.Posted(id=f"EAST-FIRE/{CASE_NO}/{number}", time=NOON, message=report)


def test_numbers_may_have_gaps_and_come_in_any_order():
    assert mailbox.post(said(7, 2), posted(4), now=NOON)


def test_the_same_word_once_more_changes_nothing_and_another_under_its_number_is_refused():
    assert mailbox.post(said(1), posted(1), now=NOON) == []
    with pytest.raises(mailbox.NumberTaken):
        mailbox.post(said(1), posted(1, explanation="another"), now=NOON)


def test_a_department_does_not_talk_without_end():
    with pytest.raises(Invalid):
        mailbox.post(said(*range(1, mailbox.MOST_SAID + 1)), posted(9999), now=NOON)


@pytest.mark.parametrize("identity", ["", "x", f"EAST-FIRE/{CASE_NO}", f"EAST-FIRE/{CASE_NO}/x", f"EAST-FIRE/{CASE_NO}/0", f"EAST-FIRE/{CASE_NO}/٣", f"EAST-FIRE/{CASE_NO}/1234567890", f"WEST-ROADS/{CASE_NO}/1"])  # fmt: skip
def test_an_id_is_the_department_s_the_case_s_and_a_number(identity):
    with pytest.raises(Invalid):
        mailbox.check_id(identity, department="EAST-FIRE", case_no=CASE_NO)
    mailbox.check_id(f"EAST-FIRE/{CASE_NO}/1", department="EAST-FIRE", case_no=CASE_NO)


def test_every_word_that_a_department_may_say_names_the_department():
    for kind in mailbox.SPOKEN.values():
        assert "department" in kind.__struct_fields__
    heard = [kind for kind, topic in m.TOPIC.items() if topic in mailbox.TO_DEPARTMENTS]
    assert all("department" in kind.__struct_fields__ for kind in heard)


def test_what_departments_say_is_all_that_is_on_their_topics_but_for_handing_over():
    topics = {"acceptances", "approvals", "collaboration-requests", "collaboration-reports"}
    assert set(mailbox.SPOKEN.values()) == {kind for kind, topic in m.TOPIC.items() if topic in topics} - {m.CaseTransferred}  # fmt: skip
