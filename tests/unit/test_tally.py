"""统计: what cases count as equals what their histories say, however often and in whatever pieces the stream brings them."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from liangwang.aggregates import CASE, Key
from liangwang.changes import Change
from liangwang.domain import messages as m
from liangwang.domain import statutory_clock, tally
from liangwang.domain.case import RatingReceived, Received
from liangwang.domain.history import Recorded
from liangwang.domain.patience import Patience
from liangwang.domain.tally import Counts, Place
from liangwang.domain.working_days import Calendar
from liangwang.fakes import FakeAws, Fault
from liangwang.services.counting import Counting, gathered
from liangwang.store import Store, Stored

from tests.unit.samples import NOON, item, submitted

CALENDAR = Calendar()
DUE = statutory_clock.start(item(), CALENDAR, NOON)
DEPARTMENT = "EAST-MARKET"


def name(number):
    return f"20270301-{number:06d}-AAAAAAAAAAAA-A"


def about(kind, number=1, department=DEPARTMENT, **fields):
    return kind(case_no=name(number), department=department, **fields)


def received(number=1):
    return Received(application=submitted(case_no=name(number)))


def accepted(number=1, **fields):
    return about(m.CaseAccepted, number, accept_doc_no="S", due=DUE, **fields)


def decided(number=1, outcome="granted"):
    return about(m.CaseDecided, number, outcome=outcome)


def rated(number=1, code=1):
    return RatingReceived(rating=about(m.ApplicationRated, number, code=code))


def case(number, *events):
    """A case with these events, (days after noon, event) or an event of noon itself."""
    told = [event if isinstance(event, tuple) else (0, event) for event in events]
    history = tuple(Recorded(NOON + timedelta(days=days), f"{number}", event) for days, event in told)
    return Stored(Key(CASE.name, name(number)), history)


def change(stored, first, last):
    """What the stream says of the write that took a case from one version to another."""
    after = stored._replace(history=stored.history[:last])
    return Change(stored._replace(history=stored.history[:first]), after, after.history[first:])


def measures(*events):
    return [one.measures for one in tally.counted(case(1, *events).history)]


# ------------------------------------------------------------------ what counts as what


def test_an_acceptance_that_nobody_gave_counts_as_accepted_and_as_deemed():
    assert measures(received(), accepted(deemed=True)) == [("received",), ("accepted", "deemed")]


@pytest.mark.parametrize(
    ("at", "found"),
    [
        (NOON, ("early",)),
        (DUE.promised_at - timedelta(seconds=1), ("on_time",)),
        (DUE.promised_at, ("overdue",)),
        (DUE.statutory_at, ("overdue", "past_statutory")),
    ],
)
def test_a_decision_is_early_before_the_promised_day_on_time_on_it_and_overdue_after_its_end(at, found):
    events = [received(), accepted(), (at - NOON, decided())]
    told = [(one[0] / timedelta(days=1), one[1]) if isinstance(one, tuple) else one for one in events]
    assert measures(*told)[-1] == ("done", "granted", *found)


def test_a_withdrawn_case_is_done_and_neither_early_nor_late():
    assert measures(received(), accepted(), (90, decided(outcome="withdrawn")))[-1] == ("done", "withdrawn")


def test_a_stop_for_others_or_for_the_applicant_is_no_suspension():
    stops = [
        about(m.CaseSuspended, stop_id=cause, cause=cause, basis="art. 45", approver="zhao", since=NOON.date())
        for cause in ("hearing", "collaboration", "supplement")
    ]
    assert measures(received(), accepted(), *stops)[2:] == [("suspended",)]


def test_a_transfer_counts_at_both_departments_and_what_follows_at_the_new_one():
    moved = m.CaseTransferred(case_no=name(1), department=DEPARTMENT, to="WEST-ROADS", by="zhao", reason="theirs")
    found = list(tally.counted(case(1, received(), moved, accepted()).history))
    assert [(one.place.department, one.measures[0]) for one in found] == [
        (DEPARTMENT, "received"),
        (DEPARTMENT, "transferred"),
        ("WEST-ROADS", "transferred_in"),
        ("WEST-ROADS", "accepted"),
    ]


def test_an_event_counts_on_its_day_in_china():
    late = datetime(2027, 3, 1, 16, 0, tzinfo=UTC)  # midnight in Beijing
    (one,) = tally.counted((Recorded(late, "a", received()),))
    assert one.place == Place(DEPARTMENT, (late + timedelta(hours=8)).date())


def test_every_measure_has_its_place_in_the_counts():
    counted = {
        measure
        for events in (
            [received(), accepted(deemed=True), decided(), rated(code=5)],
            [received(), decided(outcome="denied")],
        )
        for found in measures(*events)
        for measure in found
    }
    assert counted <= set(Counts.__struct_fields__)
    assert Counts(received=1, rated_1=2) + Counts(received=2) == Counts(received=3, rated_1=2)


# ------------------------------------------------------------------ counted once


ENDS = st.sampled_from(
    [
        [],
        [(0, accepted)],
        [(0, accepted), (3, decided)],
        [(0, accepted), (3, decided), (5, rated)],
        [(2, accepted), (40, decided), (40, rated)],
        [(0, accepted), (0, decided), (1, rated)],
    ]
)


@st.composite
def cities(draw):
    """Cases, and the writes by which each came about: (case, version before, version after), in the stream's order."""
    cases = [
        case(number, received(number), *[(days, kind(number)) for days, kind in draw(ENDS)])
        for number in range(draw(st.integers(1, 6)))
    ]
    writes = []
    for number, stored in enumerate(cases):
        cuts = sorted(draw(st.sets(st.integers(1, stored.version), max_size=3)) | {stored.version})
        writes += [(number, first, last) for first, last in zip([0, *cuts], cuts, strict=False)]
    return cases, writes


def counts(store, cases):
    """All tallies there are, as (department, day, item, measure) -> count."""
    found = Counter()
    for stored in store.load(gathered(cases, {})).values():
        if stored.history:
            department, day, _ = stored.key.id.rsplit("/", 2)
            for code, measures in stored.state.counts.items():
                found.update({(department, day, code, measure): count for measure, count in measures.items()})
    return found


def recounted(cases):
    return Counter(
        (one.place.department, one.place.day.isoformat(), one.task_code, measure)
        for stored in cases
        for one in tally.counted(stored.history)
        for measure in one.measures
    )


@settings(max_examples=150)
@given(cities(), st.data())
def test_any_redelivery_of_any_parts_counts_what_a_recount_of_all_histories_finds(city, data):
    cases, writes = city
    aws = FakeAws()
    store = Store(aws, "statistics", patience=Patience(), writers=1)
    counting = Counting(store)
    done = 0
    while done < len(writes):
        start = data.draw(st.integers(0, done))
        stop = data.draw(st.integers(done + 1, len(writes)))
        if data.draw(st.booleans()):
            aws.faults.append(Fault("PutItem", data.draw(st.sampled_from(("refused", "lost")))))
        try:
            counting.take([change(cases[number], first, last) for number, first, last in writes[start:stop]], NOON)
        except Exception:  # the stream brings the batch again, or a part of it
            continue
        finally:
            aws.faults.clear()
        done = stop
    assert counts(store, cases) == recounted(cases)


def test_what_the_stream_has_lost_counts_with_the_next_event_of_that_day():
    stored = case(1, received(), accepted(), decided())
    store = Store(FakeAws(), "statistics", patience=Patience(), writers=1)
    Counting(store).take([change(stored, 0, 1), change(stored, 2, 3)], NOON)
    assert counts(store, [stored]) == recounted([stored])


def test_a_batch_that_comes_again_writes_nothing():
    aws = FakeAws()
    store = Store(aws, "statistics", patience=Patience(), writers=1)
    counting, stored = Counting(store), case(1, received(), accepted())
    counting.take([change(stored, 0, 2)], NOON)
    written = len(aws.dynamodb.streams["statistics"])
    counting.take([change(stored, 0, 1)], NOON)
    counting.take([change(stored, 0, 2)], NOON)
    assert len(aws.dynamodb.streams["statistics"]) == written


def test_what_is_no_case_and_says_nothing_new_is_not_counted():
    aws = FakeAws()
    counting = Counting(Store(aws, "statistics", patience=Patience()))
    stored = case(1, received())
    counting.take([change(stored, 1, 1)], NOON)
    assert aws.calls == []
