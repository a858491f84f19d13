"""网格事件: from its being told to its last return call, decided without any system around it."""

import string
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from liangwang.aggregates import COLLABORATION, GRID, TASK, Key, cases_of
from liangwang.domain import case_no, grid, grid_no, sighting
from liangwang.domain import messages as m
from liangwang.domain.catalogue import Join
from liangwang.domain.errors import Invalid, NotNow
from liangwang.domain.grid import Coordinates, GridReport, ReturnCall, TicketReused, Told
from liangwang.domain.grid_category import GridCategory, GridQuestion
from liangwang.domain.history import Noted, Recorded
from liangwang.domain.identifiers import holds_personal_number
from liangwang.domain.patience import Patience
from liangwang.domain.working_days import Calendar
from msgspec.structs import replace

from tests.unit.samples import CASE_NO, CITY, NOON, folded, kinds, text

CALENDAR = Calendar()
TOLD = Told(region="T1", reporter="system/hotline", owner="hotline", by="hotline")
CATEGORY = GridCategory(
    code="dumping",
    name=text("Dumping"),
    lead=GridQuestion("site", text("Clear it?")),
    supporting=(GridQuestion("fire", text("Safe?")),),
    repeats_within=60,
)
NUMBER = grid_no.build("system/hotline", "T-1")
A_DAY = timedelta(days=1)


def report(**changes):
    """The hotline tells of something in the east town."""
    fields = {
        "origin": "hotline",
        "origin_no": "T-1",
        "category": "dumping",
        "place": "T1",
        "occurred_at": NOON,
        "description": "渣土堆在路口",
    }
    return GridReport(**{**fields, **changes})


def registered(**changes):
    """The events of an event that was just told."""
    return grid.register(report(**changes), event_no=NUMBER, told=TOLD, category=CATEGORY, calendar=CALENDAR, now=NOON)


def conclusion(number=1, *, conclusion="agree"):
    return m.CollaborationConcluded(
        case_no=NUMBER,
        request_id=f"{NUMBER}-{number}",
        collaboration_id=f"{NUMBER}-{number}",
        department="",
        conclusion=conclusion,
        because="all_agree",
        answers=(),
    )


def after(*steps, state=None):
    """The state after decisions of the form ``state -> events``, the first being registered."""
    state = state or folded(grid.evolve, None, registered())
    for step in steps:
        state = folded(grid.evolve, state, step(state))
    return state


def concluded(number=1):
    return lambda state: grid.conclude(state, conclusion(number), calendar=CALENDAR, now=NOON)


def called(*, satisfied, remark=""):
    wish = ReturnCall(satisfied=satisfied, remark=remark)
    return lambda state: grid.call(state, wish, by="op", calendar=CALENDAR, now=NOON)


def offered(case=CASE_NO):
    return lambda state: grid.offer(state, case, department="EAST-MARKET", category="dumping", by="op")


def taken(number=1, *, took=True, reason="", case=CASE_NO):
    message = m.EvidenceTaken(
        case_no=case, department="EAST-MARKET", evidence_id=f"{NUMBER}-E{number}", taken=took, reason=reason
    )
    return lambda state: grid.answer(state, message, organisation=CITY)


# ------------------------------------------------------------------ the number

TICKETS = st.text(string.ascii_letters + string.digits + "._-", min_size=1, max_size=64)


@given(TICKETS, TICKETS)
def test_the_same_ticket_has_the_same_number_and_others_have_others(one, other):
    assert grid_no.build("system/a", one) == grid_no.build("system/a", one)
    assert (grid_no.build("system/a", one) == grid_no.build("system/a", other)) == (one == other)
    assert grid_no.build("system/a", one) != grid_no.build("system/b", one)


@given(TICKETS)
def test_a_number_is_valid_and_never_a_case_s(ticket):
    number = grid_no.build("system/a", ticket)
    assert grid_no.is_valid(number)
    assert not case_no.is_valid(number)
    assert not grid_no.is_valid(case_no.build(at=NOON, region="990101001", entropy=ticket.encode().ljust(8)))


@given(TICKETS, st.integers(3, 18), st.sampled_from("0123456789ABCDEFGHJKMNPQRSTVWXYZ"))
def test_a_mistyped_number_is_none(ticket, place, letter):
    number = grid_no.build("system/a", ticket)
    mistyped = number[:place] + letter + number[place + 1 :]
    assert grid_no.is_valid(mistyped) == (mistyped == number)


def test_a_log_line_names_the_event_where_it_would_name_the_case():
    keys = [Key(GRID.name, NUMBER), Key(COLLABORATION.name, f"{NUMBER}-1"), Key(TASK.name, f"{NUMBER}-1-T2")]
    assert cases_of(keys) == [NUMBER] * 3
    assert cases_of([Key(COLLABORATION.name, "20270301-990101001-AAAAAAAAAAAA-A-check")]) == [
        "20270301-990101001-AAAAAAAAAAAA-A"
    ]


# ------------------------------------------------------------------ what is told


def wrong(**changes):
    return [one.field for one in grid.misfits(report(**changes), CITY, known=True, now=NOON)]


def test_a_report_that_is_right_has_no_misfits():
    assert wrong() == []


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"place": "D1"}, "place"),
        ({"place": "nowhere"}, "place"),
        ({"occurred_at": NOON + A_DAY}, "occurred_at"),
        ({"description": "请打13900000000"}, "description"),
        ({"description": "请打139-0000 0000"}, "description"),
        ({"description": "请打１３９００００００００"}, "description"),
        ({"description": "住户990101198001010014"}, "description"),
        ({"sensor": "smoke-1"}, "sensor"),
        ({"origin": "sensor"}, "sensor"),
        ({"place": ""}, "place"),
    ],
)
def test_each_misfit_names_its_field(changes, field):
    assert wrong(**changes) == [field]


def test_lat_and_lon_that_were_swapped_are_noticed():
    assert wrong(coordinates=Coordinates(lat=31.2, lon=121.5, datum="GCJ-02")) == []
    swapped = Coordinates(lat=61.5, lon=31.2, datum="GCJ-02")
    assert wrong(coordinates=swapped) == ["coordinates.lat", "coordinates.lon"]


def test_an_unknown_category_is_named():
    assert [one.field for one in grid.misfits(report(), CITY, known=False, now=NOON)] == ["category"]


@pytest.mark.parametrize("words", ["3月1日18:30", "共12处", "工单T-20270301", "长13米宽2米", "井号 1390000000"])
def test_other_numbers_are_no_personal_ones(words):
    assert not holds_personal_number(words)


def test_a_village_belongs_to_the_town_that_its_code_begins_with(organisation):
    assert grid.town_of("990101001003", organisation) == "990101001"
    assert grid.town_of("990101001", organisation) == "990101001"
    assert grid.town_of("990101999003", organisation) is None
    assert grid.town_of("990101", organisation) is None


# ------------------------------------------------------------------ handling


def test_it_asks_its_departments_as_a_centre_without_a_case():
    event, request = registered()
    assert (event.event_no, event.owner, event.region) == (NUMBER, "hotline", "T1")
    assert (request.case_no, request.centre, request.department, request.origin) == (NUMBER, "T1", "", "grid")
    assert [(ask.capability, ask.lead, ask.place) for ask in request.asks] == [
        ("site", True, "T1"),
        ("fire", False, "T1"),
    ]
    assert (request.sign_days, request.days, request.checked_by, request.join) == (1, 5, "centre", Join())
    assert request.form["description"] == "渣土堆在路口"


def test_the_same_ticket_with_another_content_is_refused_by_name():
    state = after()
    grid.require_same(state, report())
    with pytest.raises(TicketReused) as refused:
        grid.require_same(state, report(place="T2", description="another"))
    assert {one.field for one in refused.value.violations} == {"place", "description"}


def test_a_return_call_is_due_once_the_departments_are_done():
    state = after(concluded())
    assert state.status == "awaiting_call"
    assert state.due_at == CALENDAR.limit(NOON, CATEGORY.call_days)


def test_who_is_satisfied_closes_it():
    assert after(concluded(), called(satisfied=True)).status == "closed"


def test_who_is_not_gets_a_second_handling_in_three_working_days():
    state = after(concluded())
    events = called(satisfied=False, remark="还在")(state)
    assert kinds(events) == ["Called", "Reopened", "CollaborationRequested"]
    state = folded(grid.evolve, state, events)
    second = state.requests[1]
    assert (second.request_id, second.days, second.form["return_call"]) == (f"{NUMBER}-2", 3, "还在")
    assert (state.status, state.due_at) == ("handling", CALENDAR.limit(NOON, 3))


def test_there_is_one_second_handling_and_no_third():
    state = after(concluded(), called(satisfied=False), concluded(2), called(satisfied=False))
    assert (state.status, len(state.requests)) == ("closed", 2)
    assert [one.result for one in state.calls] == ["unsatisfied", "unsatisfied"]


@pytest.mark.parametrize("steps", [(), (concluded(), called(satisfied=True)), (concluded(), called(satisfied=False))])
def test_nobody_calls_before_it_is_due(steps):
    with pytest.raises(NotNow):
        called(satisfied=True)(after(*steps))


def test_a_remark_with_a_phone_number_is_refused():
    with pytest.raises(Invalid):
        called(satisfied=False, remark="打13900000000")(after(concluded()))


def test_a_conclusion_counts_once_and_one_of_something_else_is_a_note():
    state = after(concluded())
    assert concluded()(state) == []
    (noted,) = concluded(2)(state)
    assert isinstance(noted, Noted)


def test_an_extension_moves_the_limit_of_the_handling_that_is_on():
    later = NOON + 20 * A_DAY
    message = m.CollaborationExtended(
        case_no=NUMBER,
        request_id=f"{NUMBER}-1",
        collaboration_id=f"{NUMBER}-1",
        department="",
        due_at=later,
        reason="rain",
    )
    assert after(lambda state: grid.extend(state, message)).due_at == later
    (noted,) = grid.extend(after(concluded()), message)
    assert isinstance(noted, Noted)


# ------------------------------------------------------------------ evidence


def test_it_is_put_to_a_case_once_and_again_only_where_it_was_not_taken():
    state = after(offered())
    for again in (state, after(taken(), state=state)):
        with pytest.raises(NotNow):
            offered()(again)
    refused = after(taken(took=False, reason="case_ended"), state=state)
    assert offered()(refused)[0].evidence_id == f"{NUMBER}-E2"


def test_the_first_answer_to_an_offer_holds():
    state = after(offered(), taken())
    assert taken(took=False)(state) == []
    assert state.answers[f"{NUMBER}-E1"].result == "taken"


def test_an_answer_to_what_was_never_offered_is_a_note():
    state = after(offered())
    assert isinstance(taken(2)(state)[0], Noted)
    assert isinstance(taken(case="20270301-R1-BBBBBBBBBBBB-B")(state)[0], Noted)


def test_the_event_of_an_offer_is_in_its_name():
    assert grid.event_of(f"{NUMBER}-E12") == NUMBER


def test_one_event_is_not_put_to_cases_without_end():
    state = after(*(offered(f"20270301-R1-{n:012}-A") for n in range(grid.EVIDENCE)))
    with pytest.raises(NotNow):
        offered()(state)


# ------------------------------------------------------------------ asking again


def test_it_asks_again_while_anything_is_unanswered():
    patience = Patience()
    assert grid.wake_at(after(), patience) == NOON + patience.first
    assert grid.wake_at(after(concluded()), patience) is None
    waiting = after(concluded(), offered())
    assert grid.wake_at(waiting, patience) == NOON + patience.first
    assert grid.wake_at(after(taken(), state=waiting), patience) is None


def test_an_offer_that_nobody_answers_is_given_up_in_the_end():
    state = after(concluded(), offered())
    assert grid.wake(state, NOON + 29 * A_DAY) == []
    (given_up,) = grid.wake(state, NOON + 31 * A_DAY)
    assert (given_up.result, given_up.reason) == ("not_taken", "no_answer")
    assert grid.wake_at(folded(grid.evolve, state, [given_up]), Patience()) is None


@pytest.mark.parametrize(
    ("steps", "desk"),
    [
        ((), "grid/T1/handling"),
        ((concluded(),), "grid/T1/awaiting_call"),
        ((concluded(), called(satisfied=False)), "grid/T1/handling"),
        ((concluded(), called(satisfied=True)), None),
    ],
)
def test_a_list_has_it_by_what_it_waits_for(steps, desk):
    found = grid.placed(after(*steps))
    assert (found.desk if found else None) == desk


# ------------------------------------------------------------------ a sensor that repeats


SENSOR = report(origin="sensor", sensor="smoke-1")
WINDOW = timedelta(minutes=60)


def sight(state, ticket, *, said=SENSOR, over=(), now=NOON):
    found = sighting.sight(state, said, ticket=ticket, told=TOLD, window=WINDOW, over=over, now=now)
    return found[0] if found else state


def test_what_repeats_within_the_window_is_counted_to_the_open_event():
    state = sight(sight(None, "one"), "two", now=NOON + WINDOW)
    assert (state.event_no, state.count, state.belongs("two")) == ("one", 2, "one")


def test_what_comes_after_the_window_is_an_event_of_its_own():
    state = sight(sight(None, "one"), "two", now=NOON + WINDOW + timedelta(seconds=1))
    assert (state.event_no, state.count) == ("two", 1)


def test_nothing_joins_an_event_that_is_over():
    state = sight(sight(None, "one"), "two", over={"one"})
    assert state.event_no == "two"


def test_a_ticket_that_a_watch_knows_may_not_say_something_else():
    state = sight(sight(None, "one"), "two")
    with pytest.raises(TicketReused):
        sight(state, "two", said=replace(SENSOR, description="another"))


def test_watches_tell_sensors_categories_and_places_apart():
    others = [{"sensor": "smoke-2"}, {"place": "T2"}, {"category": "another"}]
    found = {sighting.identity("system/a", replace(SENSOR, **one)) for one in others}
    assert len(found | {sighting.identity("system/a", SENSOR), sighting.identity("system/b", SENSOR)}) == 5


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 50), st.booleans()), max_size=30))
def test_however_tickets_repeat_each_is_counted_once_and_keeps_its_event(sent):
    state, now, belongs, counted = None, NOON, {}, {}
    for ticket, minutes, ends in sent:
        now += timedelta(minutes=minutes)
        name = f"ticket-{ticket}"
        over = {state.event_no} if state is not None and ends else set()
        state = sight(state, name, over=over, now=now)
        belongs.setdefault(name, state.belongs(name))
        assert state.belongs(name) == belongs[name], "a ticket never changes its event"
        counted = [one for one, event in belongs.items() if event == state.event_no]
        assert state.count == len(counted)


@given(st.lists(st.sampled_from(["conclude", "again", "yes", "no", "offer", "taken", "refused"]), max_size=14))
def test_whatever_comes_in_whatever_order_there_are_at_most_two_handlings_and_each_is_called_once(order):
    state = after()
    step = {
        "conclude": lambda s: concluded(len(s.requests))(s),
        "again": concluded(1),
        "yes": called(satisfied=True),
        "no": called(satisfied=False),
        "offer": offered(),
        "taken": taken(),
        "refused": taken(took=False),
    }
    for name in order:
        try:
            events = step[name](state)
        except NotNow:
            continue
        for event in events:
            state = grid.evolve(state, Recorded(NOON, name, event))
        assert 1 <= len(state.requests) <= 2
        assert len(state.calls) <= len(state.concluded) <= len(state.requests)
        assert len({one.request_id for one in state.requests}) == len(state.requests)
        assert (state.status == "closed") == (len(state.calls) == len(state.requests))
