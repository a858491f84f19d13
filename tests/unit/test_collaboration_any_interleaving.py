"""Whatever comes, in whatever order and however often: one conclusion, and it is the policy's over what counted.

Departments sign, decline, report, ask for time; operators check, return, recall, lift, extend, name departments; requesters
urge and cancel; time passes, and everything may come twice. What the policy says is counted here a second time, by trying
every way in which what is still open could come out.
"""

from contextlib import suppress
from datetime import timedelta
from itertools import product

from hypothesis import given
from hypothesis import strategies as st
from liangwang.domain import messages as m
from liangwang.domain.centre_acts import answer_extension, extend_by, lift, recall, urge
from liangwang.domain.collaboration import Checked, Refused, Reported, Unrouted, evolve
from liangwang.domain.coordination import raise_event, receive_request
from liangwang.domain.disputes import assign, slot
from liangwang.domain.errors import DomainError
from liangwang.domain.event_clock import awaited, wake_at
from liangwang.domain.event_limits import wake
from liangwang.domain.history import Noted
from liangwang.domain.patience import Patience
from liangwang.domain.reports import pass_report, receive_report, return_report
from msgspec import structs

from tests.unit.collaborations import declines, disclosed, reports, ruled, signs, wanted, wants_time
from tests.unit.samples import CASE_NO, NOON, folded, request

PATIENCE = Patience()
OVER = ("fire", "site", "licence", "astronomy")
DEPARTMENTS = ("EAST-FIRE", "CITY-FIRE", "WEST-ROADS", "NOBODY")

ASKS = st.lists(
    st.builds(
        wanted,
        st.sampled_from(OVER),
        days=st.sampled_from((0, 1)),
        lead=st.booleans(),
        personal=st.sampled_from(((), ("phone",))),
    ),
    min_size=1,
    max_size=3,
    unique=True,
)


@st.composite
def wishes(draw):
    """A request of any kind."""
    asks = draw(ASKS)
    policy = draw(st.sampled_from(("all", "any", "quorum")))
    wish = request(
        *asks,
        policy=policy,
        count=draw(st.integers(1, len(asks))),
        on_timeout=draw(st.sampled_from(("proceed", "deny", "lift"))),
        days=draw(st.integers(0, 4)),
    )
    nested = draw(st.sampled_from(((), (), ("TOWN-SITE",), ("A", "B", "C"))))
    return structs.replace(
        wish,
        sign_days=draw(st.sampled_from((0, 1))),
        checked_by=draw(st.sampled_from(("nobody", "centre"))),
        within=draw(st.sampled_from((None, NOON + timedelta(days=2)))),
        chain=nested,
        origin="task" if nested else "item",
    )


RULES = st.builds(ruled, decide_days=st.sampled_from((0, 1)), alone_days=st.sampled_from((0, 1)))
KINDS = ("sign", "decline", "agree", "disagree", "time", "stop", "pass", "return", "recall", "hold", "assign", "grant")
EVENT = ("lift", "extend", "urge", "disclose", "sweep", "again", "requester urges")
ACTS = st.lists(
    st.tuples(st.sampled_from((*KINDS, *KINDS, *EVENT, "cancel")), st.integers(0, 5), st.integers(0, 30)), max_size=25
)


class Play:
    """One event while things happen to it. ``history`` has all that was recorded."""

    def __init__(self, wish, on):
        self.on, self.now, self.wish = on, NOON, wish
        self.state, self.history, self.said = None, [], []
        self.record(raise_event(wish, on=on, now=NOON))

    def record(self, events):
        for event in events:
            assert self.state is None or self.state.conclusion is None or not self.is_news(event)
            self.state = folded(evolve, self.state, [event], at=self.now)
            self.history.append(event)

    @staticmethod
    def is_news(event):
        return not isinstance(event, Noted) and type(event).__name__ != "Stopped"

    def do(self, kind, number, hours):
        self.now += timedelta(hours=hours)
        with suppress(DomainError):  # refused: nothing was changed
            self.record(self.decided(kind, number))

    def hear(self, message):
        self.said.append(message)
        return receive_report(self.state, message, on=self.on, now=self.now)

    def decided(self, kind, number):
        state, on, now = self.state, self.on, self.now
        if kind == "sweep":
            return wake(state, on=on, now=now)
        if kind == "again":
            return receive_report(state, self.said[number % len(self.said)], on=on, now=now) if self.said else []
        if kind == "lift":
            return lift(state, reason="x", on=on)
        if kind == "extend":
            return extend_by(state, 1, by="op", reason="x", on=on, now=now)
        if kind == "urge":
            return urge(state, by="op", reason="x")
        if kind in ("cancel", "requester urges"):
            return self.requesters(kind)
        if kind == "assign":
            task_id = state.tasks[number % len(state.tasks)].dispatched.task_id if state.tasks and number % 2 else ""
            place = task_id or slot(state, number % len(self.wish.asks) + 1)
            return assign(state, place, DEPARTMENTS[number % 4], by="op", explanation="x", on=on, now=now)
        return self.of_task(kind, state.tasks[number % len(state.tasks)]) if state.tasks else []

    def requesters(self, kind):
        named = {"case_no": CASE_NO, "request_id": self.wish.request_id, "department": self.wish.department}
        if kind == "cancel":
            return receive_request(self.state, m.CollaborationCancelled(**named, reason="over"))
        return receive_request(self.state, m.CollaborationUrged(**named, by="c", reason=""))

    def of_task(self, kind, task):
        state, on, now, task_id = self.state, self.on, self.now, task.dispatched.task_id
        match kind:
            case "sign":
                return self.hear(signs(task))
            case "decline":
                return self.hear(declines(task))
            case "agree" | "disagree":
                return self.hear(reports(task, kind))
            case "time":
                return self.hear(wants_time(task, 1))
            case "stop":
                named = {name: getattr(task.dispatched, name) for name in ("case_no", "task_id", "collaboration_id")}
                return self.hear(m.TaskStopped(**named, department=task.dispatched.department))
            case "pass":
                return pass_report(state, task_id, by="op", now=now)
            case "return":
                return return_report(state, task_id, reason="x", on=on, now=now)
            case "recall" | "hold":
                return recall(state, task_id, reason="x", elsewhere=kind == "recall", on=on, now=now)
            case "grant":
                return answer_extension(state, task_id, "grant", by="op", reason="", on=on, now=now)
            case _:
                return receive_request(state, disclosed(task))

    def run_out(self):
        """Everybody answers, and time passes, until it is over."""
        for _ in range(40):
            for task in self.state.open_tasks:
                if self.state.conclusion is None:
                    self.do("agree", self.state.tasks.index(task), 0)
            if self.state.conclusion is not None:
                return
            self.now = max(self.now, min(moment.at for moment in awaited(self.state)))
            self.do("sweep", 0, 0)


def counted(history, wish):
    """The opinions that count, by ask, read off the history alone."""
    newest, opinions, passed, refused = {}, {}, set(), set()
    for event in history:
        match event:
            case m.TaskDispatched():
                newest[event.ask] = event.task_id
            case Reported():
                opinions[event.task_id] = event.opinion
            case m.TaskReturned() | m.TaskRecalled():
                opinions.pop(event.task_id, None)
            case Checked():
                passed.add(event.task_id)
            case Refused():
                refused.add(event.ask)
    found = []
    for ask in wish.asks:
        task_id = newest.get(ask, "")
        counts = wish.checked_by == "nobody" or task_id in passed
        found.append("disagree" if ask in refused else opinions.get(task_id) if counts else None)
    return found


def outcome(wish, opinions):
    """Whether these opinions, without a gap, are an agreement."""
    needed = {"all": len(opinions), "any": 1, "quorum": wish.join.count}[wish.join.policy]
    leads = all(found == "agree" for ask, found in zip(wish.asks, opinions, strict=True) if ask.lead)
    return leads and opinions.count("agree") >= needed


def verdict(wish, opinions):
    """What the policy says: None while it depends on what is missing (``all`` waits for everybody whatever it comes to)."""
    if wish.join.policy == "all" and None in opinions:
        return None
    ways = [
        outcome(wish, [found or filler for found, filler in zip(opinions, fill, strict=True)])
        for fill in product(("agree", "disagree"), repeat=len(opinions))
    ]
    return None if len(set(ways)) > 1 else "agree" if ways[0] else "disagree"


def expected(conclusion, wish, opinions):
    """What the conclusion must be, by what ended the event."""
    if conclusion.because in ("timeout_deny", "too_deep", "nobody_responsible", "lead_silent"):
        return "disagree"
    if conclusion.because == "requester_ended":
        return "cancelled"
    if None in opinions and verdict(wish, opinions) is None:  # the limit has passed, and silence is agreement
        assert wish.on_timeout == "proceed"
        return "agree" if outcome(wish, [found or "agree" for found in opinions]) else "disagree"
    return verdict(wish, opinions)


@given(wishes(), RULES, ACTS)
def test_there_is_one_conclusion_and_it_is_the_policys_over_what_counted(wish, on, acts):
    play = Play(wish, on)
    for act in acts:
        play.do(*act)
    play.run_out()
    conclusions = [event for event in play.history if isinstance(event, m.CollaborationConcluded)]
    assert len(conclusions) == 1
    opinions = counted(play.history, wish)
    assert [answer.opinion for answer in conclusions[0].answers] == opinions
    assert conclusions[0].conclusion == expected(conclusions[0], wish, opinions)
    assert conclusions[0].partial == (None in opinions)


@given(wishes(), RULES, ACTS)
def test_as_long_as_the_policy_has_no_word_the_event_is_open_and_no_longer(wish, on, acts):
    play = Play(wish, on)
    for act in acts:
        if play.state.conclusion is not None:
            break
        assert verdict(wish, counted(play.history, wish)) is None
        play.do(*act)


@given(wishes(), RULES, ACTS)
def test_a_moment_that_fired_is_none_any_more_and_something_always_wakes_an_open_event(wish, on, acts):
    play = Play(wish, on)
    for act in acts:
        play.do(*act)
        play.do("sweep", 0, 0)
        assert wake(play.state, on=on, now=play.now) == []
        if play.state.conclusion is None:
            assert min(moment.at for moment in awaited(play.state)) > play.now
            assert wake_at(play.state, PATIENCE) is not None


@given(wishes(), RULES, ACTS)
def test_every_ask_is_with_somebody_and_no_department_of_the_circle_is_asked(wish, on, acts):
    play = Play(wish, on)
    for act in acts:
        play.do(*act)
    dispatched = [event for event in play.history if isinstance(event, m.TaskDispatched)]
    assert len({event.task_id for event in dispatched}) == len(dispatched)
    if wish.chain:
        assert not {event.department for event in dispatched} & {*wish.chain, wish.department}
    if len(wish.chain) < 3:
        settled = (m.TaskDispatched, Unrouted, Refused)
        assert {event.ask for event in play.history if isinstance(event, settled)} == set(wish.asks)
    for ask in wish.asks:
        assert sum(task.is_open for task in play.state.tasks if task.dispatched.ask == ask) <= 1


@given(wishes(), RULES, ACTS)
def test_every_clock_lies_inside_its_parents(wish, on, acts):
    play = Play(wish, on)
    for act in acts:
        play.do(*act)
        state = play.state
        assert wish.within is None or state.due_at <= wish.within or state.lifts, "only who was silent may be later"
        for task in state.open_tasks:
            assert task.due_at <= state.due_at
            assert task.dispatched.sign_by is None or task.dispatched.sign_by <= task.dispatched.due_at
        for task in state.tasks if state.conclusion is None else ():
            assert task.status != "disputed" or task.decide_by <= state.due_at
            assert task.status != "reported" or task.check_by is None or task.check_by <= state.due_at
