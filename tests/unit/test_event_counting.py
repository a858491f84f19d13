"""统计 of the centres: what collaboration events count as equals what their histories say, however the stream brings them."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from liangwang.aggregates import COLLABORATION, Key
from liangwang.changes import Change
from liangwang.domain import collaboration as c
from liangwang.domain import event_tally, open_events
from liangwang.domain import messages as m
from liangwang.domain.event_tally import BOUNDS
from liangwang.domain.history import Recorded, fold
from liangwang.domain.patience import Patience
from liangwang.fakes import FakeAws, Fault
from liangwang.services.department_load import DepartmentLoad
from liangwang.services.event_counting import OPEN_KEYS, EventCounting, gathered
from liangwang.store import Store, Stored
from msgspec.structs import replace

from tests.unit.samples import CASE_NO, NOON, ask, request

WAY = (m.Hop("D1", 4, "registered"), m.Hop("C", 3, "common_centre"), m.Hop("D2", 4, "target"))


def name(number=1):
    return f"{CASE_NO}-C{number}"


def raised(number=1, *asks, **fields):
    wish = replace(request(*(asks or (ask("fire"),))), **fields)
    return c.Raised(request=wish, collaboration_id=name(number), region="D1", level=4, due_at=NOON + timedelta(days=3))


def dispatched(number=1, task=1, department="EAST-FIRE", asked=None, **fields):
    return m.TaskDispatched(
        case_no=CASE_NO,
        task_id=f"{name(number)}-T{task}",
        collaboration_id=name(number),
        department=department,
        requester=fields.pop("requester", "EAST-MARKET"),
        task_code="x",
        ask=asked or ask("fire"),
        path=fields.pop("path", WAY[:1]),
        due_at=NOON + timedelta(days=2),
        form={},
        **fields,
    )


def of_task(kind, number=1, task=1, **fields):
    return kind(task_id=f"{name(number)}-T{task}", **fields)


def signed(number=1, task=1):
    return of_task(c.Signed, number, task, by="li")


def declined(number=1, task=1):
    return of_task(c.Declined, number, task, reason="not ours", decided_by="D1")


def reported(number=1, task=1):
    return of_task(c.Reported, number, task, by="li", opinion="agree", explanation="")


def recalled(number=1, task=1):
    return of_task(m.TaskRecalled, number, task, case_no=CASE_NO, department="EAST-FIRE", reason="limit_passed")


def returned(number=1, task=1):
    due_at = NOON + timedelta(days=2)
    return of_task(m.TaskReturned, number, task, case_no=CASE_NO, department="EAST-FIRE", reason="示例", due_at=due_at)


def lifted(number=1, region="C"):
    return c.Lifted(region=region, reason="limit_passed", due_at=NOON + timedelta(days=6))


def unrouted(number=1):
    return c.Unrouted(ask=ask("fire"), region="D1")


def refused(number=1):
    return c.Refused(ask=ask("fire"), because="cycle")


def extended(number=1):
    return c.Extended(by="li", due_at=NOON + timedelta(days=9), reason="示例")


def concluded(number=1, conclusion="agree"):
    return m.CollaborationConcluded(
        case_no=CASE_NO,
        request_id=name(number),
        collaboration_id=name(number),
        department="EAST-MARKET",
        conclusion=conclusion,
        because="all_agree",
        answers=(),
    )


def event(number, *told):
    """A collaboration event with this history: (hours after noon, event), or an event of noon itself."""
    timed = [one if isinstance(one, tuple) else (0, one) for one in told]
    history = tuple(Recorded(NOON + timedelta(hours=hours), f"{number}", one) for hours, one in timed)
    return Stored(Key(COLLABORATION.name, name(number)), history)


def change(stored, first, last):
    """What the stream says of the write that took an event from one version to another."""
    after = stored._replace(history=stored.history[:last])
    return Change(stored._replace(history=stored.history[:first]), after, after.history[first:])


def counts(*told):
    """What a history counts as altogether."""
    found = Counter()
    for one in event_tally.counted(event(1, *told).history):
        for subject, measure, amount in one.measured:
            found[subject, measure] += amount
    return found


# ------------------------------------------------------------------ what counts as what


def test_an_event_counts_at_the_centre_that_has_it_and_at_who_asked():
    found = counts(raised())
    assert found == {("centre/D1", "raised"): 1, ("department/EAST-MARKET", "asked"): 1}


def test_a_centres_own_question_counts_at_the_centre_alone():
    assert counts(raised(department="", centre="D1")) == {("centre/D1", "raised"): 1}
    assert standing(raised(department="", centre="D1")).requester == "D1"
    assert next(event_tally.links(dispatched(requester=""))) == "asking/D1>answering/EAST-FIRE"


def test_a_way_through_the_centres_is_links_up_on_the_asking_side_and_down_on_the_answering_side():
    assert list(event_tally.links(dispatched(path=WAY, department="WEST-ROADS"))) == [
        "asking/EAST-MARKET>asking/D1",
        "asking/D1>asking/C",
        "asking/C>answering/D2",
        "answering/D2>answering/WEST-ROADS",
    ]
    assert list(event_tally.links(dispatched())) == ["asking/EAST-MARKET>asking/D1", "asking/D1>answering/EAST-FIRE"]


def test_each_stage_of_a_task_is_timed_at_its_department_and_at_the_centre():
    found = counts(raised(), dispatched(), (2, signed()), (5, reported()), (9, concluded()))
    for subject in ("department/EAST-FIRE", "centre/D1"):
        times = {stage: found[subject, f"{stage}.seconds"] for stage in ("signing", "handling", "concluding")}
        assert times == {"signing": 2 * 3600, "handling": 3 * 3600, "concluding": 4 * 3600}
    assert found["centre/D1", "whole.seconds"] == 9 * 3600


def test_a_report_is_on_time_by_the_tasks_own_limit_and_one_that_never_came_is_late():
    assert counts(raised(), dispatched(), (48, reported()))["department/EAST-FIRE", "on_time"] == 1
    assert counts(raised(), dispatched(), (49, reported()))["department/EAST-FIRE", "late"] == 1
    found = counts(raised(), dispatched(), (72, recalled()), (72, concluded(conclusion="disagree")))
    assert (found["department/EAST-FIRE", "unanswered"], found["department/EAST-FIRE", "late"]) == (1, 1)
    early = counts(raised(), dispatched(), (1, recalled()), (1, concluded()))
    assert ("department/EAST-FIRE", "late") not in early


def test_a_returned_report_is_handled_again_from_the_return_on():
    found = counts(raised(), dispatched(), (1, signed()), (2, reported()), (3, returned()), (7, reported()))
    assert (found["department/EAST-FIRE", "handling"], found["department/EAST-FIRE", "returned"]) == (2, 1)
    assert found["department/EAST-FIRE", "handling.seconds"] == (1 + 4) * 3600


def test_a_decline_counts_with_what_was_asked():
    assert counts(raised(), dispatched(), declined())["declined/EAST-FIRE/fire", "declined"] == 1


def test_an_ask_that_found_nobody_and_one_that_would_go_round_are_told_apart():
    found = counts(raised(), unrouted(), refused(), extended())
    assert [found["centre/D1", one] for one in ("unrouted", "refused", "extended")] == [1, 1, 1]
    assert standing(raised(), unrouted()).stage == "unrouted"
    assert standing(raised(), refused()).stage == "reported", "nobody has to act on it any more"


def test_an_event_is_lifted_only_where_it_leaves_a_centre():
    assert counts(raised(), lifted())["centre/D1", "lifted"] == 1
    assert ("centre/D1", "lifted") not in counts(raised(), lifted(region="D1"))


@pytest.mark.parametrize("seconds", [0, BOUNDS[0], BOUNDS[0] + 1, BOUNDS[-1] + 1])
def test_a_time_falls_into_the_one_bucket_whose_bound_it_does_not_pass(seconds):
    *_, (subject, measure, amount) = event_tally.timed("x", "whole", seconds)
    bucket = int(measure.rpartition(".")[2])
    assert (subject, amount) == ("x", 1) and 0 <= bucket <= len(BOUNDS)
    assert bucket == len(BOUNDS) or seconds <= BOUNDS[bucket]
    assert bucket == 0 or seconds > BOUNDS[bucket - 1]


def test_an_event_counts_on_its_day_in_china():
    late = datetime(2027, 3, 1, 16, 0, tzinfo=UTC)  # midnight in Beijing
    (one,) = event_tally.counted((Recorded(late, "a", raised()),))
    assert one.day == (late + timedelta(hours=8)).date()


def test_histories_of_before_the_new_fields_count():
    bare = raised()
    assert bare.request.sign_days == 0 and bare.responsibilities == ""
    assert counts(bare, dispatched(), signed(), reported(), concluded())["centre/D1", "concluded"] == 1


# ------------------------------------------------------------------ what is open


def standing(*told):
    history = event(1, *told).history
    return open_events.standing(history, fold(c.evolve, history))


@pytest.mark.parametrize(
    ("told", "stage"),
    [
        ([raised()], "unrouted"),
        ([raised(), dispatched()], "dispatched"),
        ([raised(), dispatched(), signed()], "handling"),
        ([raised(), dispatched(), signed(), reported(), returned()], "handling"),
        ([raised(1, checked_by="centre"), dispatched(), reported()], "checking"),
        ([raised(), dispatched(), reported()], "reported"),
        (
            [
                raised(),
                dispatched(),
                declined(),
                c.Disputed(task_id=f"{name()}-T1", centre="D1", until=NOON + timedelta(days=1)),
            ],
            "disputed",
        ),
    ],
)
def test_an_open_event_stands_where_somebody_has_to_act_first(told, stage):
    assert standing(*told).stage == stage


def test_an_open_event_shows_its_light_its_centre_and_its_open_tasks():
    found = standing(
        raised(1, ask("fire"), ask("roads")),
        dispatched(),
        dispatched(task=2, department="WEST-ROADS", asked=ask("roads"), path=WAY),
        signed(),
        c.Lit(light="yellow"),
        lifted(),
    )
    assert (found.light, found.region, found.regions) == ("yellow", "C", ("C", "D1", "D2"))
    assert found.tasks == (("EAST-FIRE", "signed"), ("WEST-ROADS", "dispatched"))


# ------------------------------------------------------------------ counted once


LIVES = st.sampled_from(
    [
        [raised],
        [raised, dispatched],
        [raised, dispatched, (5, signed), (30, reported), (30, concluded)],
        [raised, dispatched, (30, declined), (31, dispatched), (60, recalled), (60, concluded)],
        [raised, dispatched, (2, reported), (3, returned), (50, reported), (51, concluded), (80, signed)],
        [raised, (72, lifted), (73, dispatched)],
        [raised, unrouted, (1, refused), (2, extended), (3, dispatched), (30, lifted), (31, reported), (31, concluded)],
    ]
)


@st.composite
def cities(draw):
    """Events, and the writes by which each came about, in the stream's order: in turns, each event's in its own order."""
    events = []
    for number in range(draw(st.integers(1, 5))):
        life = [one if isinstance(one, tuple) else (0, one) for one in draw(LIVES)]
        events.append(event(number, *[(hours, kind(number)) for hours, kind in life]))
    pending = []
    for number, stored in enumerate(events):
        cuts = sorted(draw(st.sets(st.integers(1, stored.version), max_size=4)) | {stored.version})
        pending.append([(number, first, last) for first, last in zip([0, *cuts], cuts, strict=False)])
    writes = []
    while any(pending):
        queue = draw(st.sampled_from([one for one in pending if one]))
        writes.append(queue.pop(0))
    return events, writes


def tallies(store, events):
    """All tallies there are, as (day, subject, measure) -> amount, and the slowest."""
    found, slowest = Counter(), set()
    for stored in store.load(gathered(events, {})).values():
        if stored.history:
            day, _, _ = stored.key.id.partition("/")
            for subject, measures in stored.state.counts.items():
                found.update({(day, subject, measure): amount for measure, amount in measures.items()})
            slowest |= {one.collaboration_id for some in stored.state.slowest.values() for one in some}
    return found, slowest


def recounted(events):
    """The same from the histories, told by nobody."""
    found, slowest = Counter(), set()
    for stored in events:
        for one in event_tally.counted(stored.history):
            for subject, measure, amount in one.measured:
                found[one.day.isoformat(), subject, measure] += amount
            slowest |= {one.slow.collaboration_id} if one.slow else set()
    return found, slowest


def open_now(store):
    """What all tallies of open events hold together, and all changes that they told, by event."""
    standing, changes = {}, {}
    for stored in store.load(OPEN_KEYS).values():
        if stored.history:
            standing |= stored.state.standing
            for one in stored.state.recent:
                changes.setdefault(one.collaboration_id, []).append(one.version)
    return standing, changes


def expected(events):
    """What is open by the events' own states."""
    states = {stored.key.id: (stored.history, stored.state) for stored in events}
    return {
        key: open_events.standing(history, state)
        for key, (history, state) in states.items()
        if state.conclusion is None
    }


def counting():
    aws = FakeAws()
    store = Store(aws, "statistics", patience=Patience(), writers=1)
    return aws, store, EventCounting(store)


@settings(max_examples=100)
@given(cities(), st.data())
def test_any_redelivery_of_any_parts_counts_what_a_recount_of_all_histories_finds(city, data):
    events, writes = city
    aws, store, step = counting()
    done = 0
    while done < len(writes):
        start = data.draw(st.integers(0, done))
        stop = data.draw(st.integers(done + 1, len(writes)))
        if data.draw(st.booleans()):
            aws.faults.append(Fault("PutItem", data.draw(st.sampled_from(("refused", "lost")))))
        try:
            step.take([change(events[number], first, last) for number, first, last in writes[start:stop]], NOON)
        except Exception:  # the stream brings the batch again, or a part of it
            continue
        finally:
            aws.faults.clear()
        done = stop
    assert tallies(store, events) == recounted(events)
    standing, changes = open_now(store)
    assert standing == expected(events)
    assert changes == {stored.key.id: list(range(1, stored.version + 1)) for stored in events}


@settings(max_examples=60)
@given(cities(), st.randoms(use_true_random=False))
def test_any_order_of_records_with_any_of_them_lost_and_brought_again_counts_the_same(city, chance):
    events, writes = city
    _, store, step = counting()
    first, again = list(writes), list(writes)
    chance.shuffle(first)
    lost = chance.randrange(len(first) + 1)
    chance.shuffle(again)
    for number, start, stop in [*first[lost:], *again]:
        step.take([change(events[number], start, stop)], NOON)
    assert tallies(store, events)[0] == recounted(events)[0]
    assert open_now(store)[0] == expected(events)


def test_nothing_is_open_any_more_when_everything_is_concluded():
    _, store, step = counting()
    events = [event(n, raised(n), dispatched(n), (5, reported(n)), (5, concluded(n))) for n in range(20)]
    for version in (1, 2, 3, 4):
        step.take([change(one, version - 1, version) for one in events], NOON)
        assert len(open_now(store)[0]) == (20 if version < 4 else 0)
    step.take([change(one, 0, 1) for one in events], NOON)
    assert open_now(store)[0] == {}


def test_an_ended_event_is_forgotten_when_no_stream_can_bring_its_past_any_more():
    _, store, step = counting()
    old, new = (
        event(1, raised(1), dispatched(1), concluded(1)),
        event(1, raised(1), dispatched(1), concluded(1), signed()),
    )
    step.take([change(old, 0, 3)], NOON)
    shard = OPEN_KEYS[open_events.shard_of(name(1))]
    other = next(n for n in range(2, 999) if open_events.shard_of(name(n)) == open_events.shard_of(name(1)))
    step.take([change(event(other, raised(other)), 0, 1)], NOON + timedelta(hours=27))
    assert name(1) not in store.load([shard])[shard].state.ended
    step.take([change(new, 3, 4)], NOON + timedelta(hours=28))
    assert open_now(store)[1][name(1)] == [1, 2, 3, 4]


def test_what_is_written_at_once_is_told_with_the_state_that_it_came_to():
    _, store, step = counting()
    stored = event(1, raised(), dispatched(), c.Lit(light="red"))
    other = (*stored.history, Recorded(NOON, "another", reported()), Recorded(NOON, "another", concluded()))
    step.take([change(stored._replace(history=other), 0, 5)], NOON)
    changes = [one for part in store.load(OPEN_KEYS).values() if part.history for one in part.state.recent]
    assert [(one.stage, one.light) for one in changes] == [("dispatched", "red")] * 3 + [("concluded", "red")] * 2


def test_what_was_lost_of_a_day_counts_with_the_next_event_of_that_day():
    _, store, step = counting()
    stored = event(1, raised(), dispatched(), signed(), reported())
    step.take([change(stored, 0, 1), change(stored, 3, 4)], NOON)
    assert tallies(store, [stored]) == recounted([stored])
    assert open_now(store)[1] == {name(1): [1, 2, 3, 4]}


def test_a_batch_that_comes_again_writes_nothing():
    aws, _, step = counting()
    stored = event(1, raised(), dispatched())
    step.take([change(stored, 0, 2)], NOON)
    written = len(aws.dynamodb.streams["statistics"])
    step.take([change(stored, 0, 1)], NOON)
    step.take([change(stored, 0, 2)], NOON)
    assert len(aws.dynamodb.streams["statistics"]) == written


def test_an_event_costs_two_writes_a_batch_and_what_is_no_event_costs_nothing():
    aws, _, step = counting()
    stored = event(1, raised(), dispatched())
    step.take([change(stored, 0, 2)], NOON)
    assert [operation for _, operation, _ in aws.calls].count("PutItem") == 2
    aws.calls.clear()
    step.take(
        [change(stored, 2, 2), Change(*[Stored(Key("ledger", CASE_NO), stored.history)] * 2, stored.history)], NOON
    )
    assert aws.calls == []


def test_a_tally_keeps_a_bounded_number_of_changes_and_says_when_some_are_gone():
    _, store, step = counting()
    told = [raised(), dispatched(), *[c.Urged(by="li", reason="示例")] * 50]
    step.take([change(event(1, *told), 0, len(told))], NOON)
    shard = OPEN_KEYS[open_events.shard_of(name(1))]
    state = store.load([shard])[shard].state
    assert len(state.recent) == open_events.KEPT and state.number == len(told)
    assert not open_events.after(state, 0).complete
    assert open_events.after(state, len(told) - 3).complete
    assert [one.version for one in open_events.after(state, len(told) - 3).changes] == [50, 51, 52]
    assert not open_events.after(state, 10**6).complete, "a table that was made anew counts from the beginning"


def test_the_open_tasks_of_a_department_are_read_at_most_once_in_a_while():
    aws, store, step = counting()
    events = [
        event(n, raised(n), dispatched(n), *([(1, reported(n)), (1, concluded(n))] if n == 3 else [])) for n in range(5)
    ]
    step.take([change(one, 0, one.version) for one in events], NOON)
    now = [NOON]
    load = DepartmentLoad(store, clock=lambda: now[0])
    aws.calls.clear()
    assert (load("EAST-FIRE"), load("EAST-FIRE"), load("WEST-ROADS")) == (4, 4, 0)
    assert len(aws.calls) == 1
    now[0] += timedelta(seconds=6)
    assert load("EAST-FIRE") == 4 and len(aws.calls) == 2
