"""Sessions: refreshed by a new secret each time, ended when an old one comes back, and noticed as ended soon after."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from liangwang.aggregates import SESSION
from liangwang.domain.account import SESSION_IDLE, SESSION_LIFE
from liangwang.domain.patience import Patience
from liangwang.domain.sessions import LEEWAY, SessionOver
from liangwang.fakes import FakeAws, Fault
from liangwang.sessions import REMEMBERED_SECONDS, LiveSessions, Sessions
from liangwang.store import Store

from tests.unit.samples import NOON

SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)


@pytest.fixture
def aws():
    return FakeAws()


@pytest.fixture
def store(aws):
    return Store(aws, "intake", patience=Patience(), writers=1)


@pytest.fixture
def sessions(store):
    return Sessions(store)


def over(sessions, token, now):
    with pytest.raises(SessionOver):
        sessions.refresh(token, now)


def test_each_refresh_gives_another_secret_of_the_same_session(sessions):
    opened = sessions.open("zhang", NOON)
    first = sessions.refresh(opened.token, NOON + MINUTE)
    second = sessions.refresh(first.token, NOON + 2 * MINUTE)
    assert len({opened.token, first.token, second.token}) == 3
    assert {opened.id, first.id, second.id} == {opened.id} and second.subject == "zhang"


def test_an_old_secret_ends_the_session_for_the_thief_and_the_owner(sessions):
    opened = sessions.open("zhang", NOON)
    following = sessions.refresh(opened.token, NOON + MINUTE)
    over(sessions, opened.token, NOON + 2 * MINUTE)
    over(sessions, following.token, NOON + 2 * MINUTE)


def test_a_much_older_secret_ends_it_too(sessions):
    token = sessions.open("zhang", NOON).token
    newest = token
    for number in range(1, 4):
        newest = sessions.refresh(newest, NOON + number * MINUTE).token
    over(sessions, token, NOON + 4 * MINUTE)
    over(sessions, newest, NOON + 4 * MINUTE)


def test_a_refresh_whose_answer_was_lost_gets_the_same_answer_again_within_the_leeway(sessions):
    opened = sessions.open("zhang", NOON)
    first = sessions.refresh(opened.token, NOON + MINUTE)
    again = sessions.refresh(opened.token, NOON + MINUTE + LEEWAY)
    assert again.token == first.token
    assert sessions.refresh(again.token, NOON + 2 * MINUTE).token != first.token


def test_after_the_leeway_the_same_refresh_is_a_theft(sessions):
    opened = sessions.open("zhang", NOON)
    sessions.refresh(opened.token, NOON + MINUTE)
    over(sessions, opened.token, NOON + MINUTE + LEEWAY + SECOND)


def test_the_secret_before_the_last_gets_no_leeway(sessions):
    opened = sessions.open("zhang", NOON)
    first = sessions.refresh(opened.token, NOON + SECOND)
    sessions.refresh(first.token, NOON + 2 * SECOND)
    over(sessions, opened.token, NOON + 3 * SECOND)


def test_a_write_whose_reply_is_lost_leaves_a_session_that_the_same_token_refreshes(aws, sessions):
    opened = sessions.open("zhang", NOON)
    aws.faults.append(Fault("PutItem", "lost"))
    with pytest.raises(Exception, match="lost"):
        sessions.refresh(opened.token, NOON + SECOND)
    sessions.refresh(sessions.refresh(opened.token, NOON + 2 * SECOND).token, NOON + MINUTE)


def test_a_session_that_nobody_refreshes_is_over(sessions):
    opened = sessions.open("zhang", NOON)
    over(sessions, opened.token, NOON + SESSION_IDLE)


def test_a_session_is_over_after_its_life_however_busy(sessions):
    opened, now = sessions.open("zhang", NOON), NOON
    token = opened.token
    while now + MINUTE * 90 < NOON + SESSION_LIFE:
        now += MINUTE * 90
        token = sessions.refresh(token, now).token
    over(sessions, token, NOON + SESSION_LIFE)


@pytest.mark.parametrize("token", ["", "x", ".", "a.b", "0" * 32 + ".x", "x" * 300, "é.é"])
def test_what_is_no_refresh_token_is_refused(sessions, token):
    over(sessions, token, NOON)


def test_the_table_holds_digests_and_nothing_that_leads_to_a_token(store, sessions):
    opened = sessions.open("zhang", NOON)
    secret = opened.token.partition(".")[2]
    (stored,) = store.load(store.held_by(SESSION, "zhang", limit=9)[0]).values()
    assert secret not in str(stored) and len(stored.state.secret) == 64


@given(st.lists(st.sampled_from(["newest", "previous", "first"]), max_size=8))
def test_whoever_has_only_old_secrets_never_gets_on(order):
    """In whatever order secrets are shown, minutes apart: once an old one was shown, nothing is answered any more."""
    sessions = Sessions(Store(FakeAws(), "intake", patience=Patience(), writers=1))
    tokens = [sessions.open("zhang", NOON).token]
    is_over = False
    for number, which in enumerate(order, start=1):
        shown = {"newest": tokens[-1], "previous": tokens[max(0, len(tokens) - 2)], "first": tokens[0]}[which]
        now = NOON + number * MINUTE
        if is_over or shown != tokens[-1]:
            over(sessions, shown, now)
            is_over = True
        else:
            tokens.append(sessions.refresh(shown, now).token)


# ------------------------------------------------------------------ ended, and noticed


def test_all_sessions_of_somebody_but_one_can_be_ended(sessions):
    mine, theirs = [sessions.open("zhang", NOON) for _ in range(3)], sessions.open("li", NOON)
    sessions.end_all("zhang", NOON, besides=mine[0].id)
    sessions.refresh(mine[0].token, NOON + MINUTE)
    sessions.refresh(theirs.token, NOON + MINUTE)
    for one in mine[1:]:
        over(sessions, one.token, NOON + MINUTE)


def test_more_sessions_than_a_page_are_all_ended(sessions):
    opened = [sessions.open("zhang", NOON) for _ in range(150)]
    sessions.end_all("zhang", NOON)
    over(sessions, opened[-1].token, NOON + MINUTE)


def test_an_ended_session_is_noticed_within_half_a_minute_and_looked_up_no_more_often(aws, store, sessions):
    now = [NOON]
    is_live = LiveSessions(store, clock=lambda: now[0])
    opened = sessions.open("zhang", NOON)
    assert is_live(opened.id)
    sessions.end(opened.id, NOON)
    looked_up = len(aws.calls)
    now[0] += timedelta(seconds=REMEMBERED_SECONDS - 1)
    assert is_live(opened.id) and len(aws.calls) == looked_up
    now[0] += SECOND
    assert not is_live(opened.id)


def test_a_session_that_never_was_is_not_live(store):
    assert not LiveSessions(store)("0" * 32)


def test_who_cannot_look_lets_nobody_in(aws, store, sessions):
    opened = sessions.open("zhang", NOON)
    aws.faults.append(Fault("BatchGetItem"))
    with pytest.raises(Exception, match="wishes"):
        LiveSessions(store)(opened.id)
