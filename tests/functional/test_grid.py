"""A grid event on the deployed functions: told, handled by departments, called back, handled again."""

from datetime import UTC, datetime, timedelta

import pytest
from liangwang.aggregates import COLLABORATION, GRID, WATCH
from liangwang.domain import messages as m
from liangwang.fakes import Fault
from liangwang.services.supervision import Supervision, of_grid_events

from tests.functional.streets import DISTRICT, ELSEWHERE, GATEWAY, HOTLINE, REPORT, TOWN, Streets


@pytest.fixture
def streets():
    return Streets()


def handled(streets, number):
    streets.carry()
    streets.report_all(number)


# ------------------------------------------------------------------ the whole way


def test_a_sensor_s_event_is_handled_called_back_handled_again_and_closed(streets):
    number = streets.told()["event_no"]
    streets.carry()
    view = streets.event(number)
    (handling,) = view["handlings"]
    assert [(task["department"], task["lead"]) for task in handling["tasks"]] == [
        ("D-990101-FIRE", True),
        ("D-990101001-SERVICE", False),
    ]
    assert [hop["region"] for hop in handling["tasks"][0]["path"]] == ["990101001", "990101"]
    streets.report_all(number)
    assert streets.event(number)["status"] == "awaiting_call"
    status, receipt = streets.call_back(number, satisfied=False, remark="又堵上了")
    assert (status, receipt["status"]) == (200, "handling")
    handled(streets, number)
    status, receipt = streets.call_back(number, satisfied=True)
    assert (status, receipt["status"]) == (200, "closed")
    view = streets.event(number)
    assert [one["collaboration_id"] for one in view["handlings"]] == [f"{number}-1", f"{number}-2"]
    assert [one["result"] for one in view["calls"]] == ["unsatisfied", "satisfied"]
    requests = streets.sent("collaboration-requests", m.CollaborationRequested).values()
    assert [(one.request_id, one.days, one.sign_days) for one in requests] == [
        (f"{number}-1", 2, 1),
        (f"{number}-2", 3, 1),
    ]
    assert all(line["text"]["zh"] and "{" not in line["text"]["en"] for line in view["timeline"])


class Lossy:
    """The same with a wire on which the stream's records of one stage never arrive; nothing is published a second time but
    what is said again."""

    def __init__(self, streets, lost):
        self.streets, self.lost = streets, lost
        self.read = {"governance": 0, "department": 0}

    def publish(self, stage, table="governance"):
        stream = self.streets.aws.dynamodb.streams.get(table, [])
        event = self.streets.aws.dynamodb.event(table, start=self.read[table]) if stream else {"Records": []}
        self.read[table] = len(stream)
        if stage != self.lost and event["Records"]:
            self.streets.call("publisher", event)

    def course(self, number):
        """Everything has its turn once."""
        streets = self.streets
        self.publish("request")
        streets.hear("collaboration", "collaboration-requests")
        self.publish("tasks")
        streets.hear("assistance", "collaboration-tasks")
        streets.answer_all(number)
        self.publish("reports", "department")
        streets.hear("collaboration", "collaboration-reports")
        streets.check_all(number)
        self.publish("results")
        streets.hear("grid", "collaboration-results")

    def asked_again(self, hours):
        later = datetime.now(UTC) + timedelta(hours=hours)
        Supervision(self.streets.store("governance"), {GRID.name: of_grid_events}, clock=lambda: later).sweep({})


@pytest.mark.parametrize("lost", ["request", "tasks", "reports", "results"])
def test_whatever_is_lost_on_the_way_is_said_again_because_the_event_asks_again(streets, lost):
    number = streets.told()["event_no"]
    wire = Lossy(streets, lost)
    wire.course(number)
    assert streets.event(number)["status"] == "handling"
    wire.lost = None
    for hours in (1, 5):
        wire.asked_again(hours)
        wire.course(number)
    view = streets.event(number)
    assert view["status"] == "awaiting_call" and len(view["handlings"]) == 1
    assert len(streets.stored(COLLABORATION)) == 1
    assert sum(line["event"] == "grid.concluded" for line in view["timeline"]) == 1


# ------------------------------------------------------------------ the same ticket, the same matter


def test_the_same_ticket_however_often_is_one_event(streets):
    receipts = [streets.told(), streets.told(), streets.told()]
    assert receipts[0] == receipts[1] == receipts[2]
    assert len(streets.stored(GRID)) == len(streets.stored(WATCH)) == 1
    streets.carry()
    assert len(streets.stored(COLLABORATION)) == 1
    assert streets.event(receipts[0]["event_no"])["sightings"]["count"] == 1


def test_a_ticket_that_says_something_else_is_a_conflict_that_names_the_field(streets):
    streets.told()
    status, problem = streets.tell(description="another")
    assert (status, problem["type"]) == (409, "urn:liangwang:problem:ticket_reused")
    assert [one["field"] for one in problem["errors"]] == ["description"]


def test_what_the_same_sensor_repeats_is_counted_and_not_raised_again(streets):
    first = streets.told()
    again = streets.told(origin_no="S-2", description="仍然堵塞")
    assert again == {**first, "joined": True}
    assert streets.told(origin_no="S-2", description="仍然堵塞") == again
    assert streets.event(first["event_no"])["sightings"]["count"] == 2
    assert streets.tell(origin_no="S-2", description="another")[0] == 409
    assert len(streets.stored(GRID)) == 1


def test_another_sensor_or_another_place_is_another_event(streets):
    streets.told()
    streets.told(origin_no="S-2", sensor="lane-8")
    streets.told(origin_no="S-3", place="990101002")
    assert len(streets.stored(GRID)) == 3


def test_what_a_sensor_tells_once_its_event_was_handled_is_a_new_event(streets):
    first = streets.told()["event_no"]
    handled(streets, first)
    second = streets.told(origin_no="S-2")
    assert second["event_no"] != first and not second["joined"]
    assert [streets.event(one)["sightings"]["count"] for one in (first, second["event_no"])] == [1, 1]


def test_people_s_tickets_are_never_joined(streets):
    numbers = {streets.told(HOTLINE, origin="hotline", origin_no=f"T-{n}", sensor="")["event_no"] for n in range(3)}
    assert len(numbers) == 3


def test_two_systems_may_use_the_same_number_for_their_tickets(streets):
    one = streets.told(HOTLINE, origin="hotline", sensor="")["event_no"]
    other = streets.told({**HOTLINE, "subject": "another-hotline"}, origin="hotline", sensor="")["event_no"]
    assert one != other


def test_the_operators_of_a_centre_have_one_book_of_tickets(streets):
    words = {"origin": "grid", "sensor": ""}
    one = streets.told(TOWN, **words)
    assert streets.told({**TOWN, "subject": "another-operator"}, **words) == one


@pytest.mark.parametrize("kind", ["refused", "lost"])
def test_who_dies_before_or_after_the_watch_is_written_is_healed_by_whoever_comes_next(streets, kind):
    """The watch is written first, the event second."""
    streets.aws.faults = [Fault("PutItem", kind)]
    assert streets.tell()[0] == 500
    assert not streets.stored(GRID)
    repeated = streets.told(origin_no="S-2")
    first = streets.told()
    assert repeated["event_no"] == first["event_no"]
    assert len(streets.stored(GRID)) == 1
    assert streets.event(first["event_no"])["sightings"]["count"] == 2


# ------------------------------------------------------------------ what is refused


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"category": "no-such"}, "category"),
        ({"place": "990101"}, "place"),
        ({"description": "业主电话13900000000"}, "description"),
        ({"occurred_at": "2999-01-01T00:00:00Z"}, "occurred_at"),
        ({"occurred_at": "2025-03-03T10:00:00"}, "occurred_at"),
        ({"coordinates": {"lat": 120.2, "lon": 30.1}}, "coordinates.lat"),
        ({"coordinates": {"lat": 61.0, "lon": 120.1, "datum": "GCJ-02"}}, "coordinates.lat"),
        ({"origin_no": "with spaces"}, "origin_no"),
        ({"sensor": ""}, "sensor"),
        ({"description": "长" * 1001}, "description"),
        ({"surprise": 1}, "surprise"),
    ],
)
def test_a_report_that_is_wrong_is_told_which_field_and_leaves_nothing(streets, changes, field):
    status, problem = streets.tell(**changes)
    assert status in (400, 422), problem
    assert [one["field"] for one in problem["errors"]] == [field]
    assert not streets.aws.dynamodb.tables.get("governance")


def test_a_centre_tells_of_its_own_towns_only(streets):
    words = {"origin": "grid", "sensor": ""}
    assert streets.tell(DISTRICT, **words)[0] == 201
    assert streets.tell(ELSEWHERE, **words)[0] == 404


def test_a_system_s_token_must_be_for_grid_events(streets):
    assert streets.tell({**GATEWAY, "scope": "exchange"})[0] == 403


def test_a_system_follows_and_calls_about_its_own_tickets_only(streets):
    number = streets.told(HOTLINE, origin="hotline", sensor="")["event_no"]
    assert streets.event(number, HOTLINE)["origin_no"] == REPORT["origin_no"]
    handled(streets, number)
    assert streets.call_back(number, GATEWAY, satisfied=True)[0] == 404
    assert streets.call_back(number, HOTLINE, satisfied=True)[0] == 200


def test_a_call_before_the_departments_are_done_is_not_possible_yet(streets):
    number = streets.told()["event_no"]
    assert streets.call_back(number, satisfied=True)[0] == 409


# ------------------------------------------------------------------ lists


def listed(streets, caller=TOWN, **query):
    status, page = streets.say("GET /api/grid-events", caller, query=query)
    assert status == 200, page
    return page


def test_a_centre_s_list_has_what_is_open_by_what_it_waits_for(streets):
    first = streets.told()["event_no"]
    handled(streets, first)
    second = streets.told(origin_no="S-2")["event_no"]
    assert [one["event_no"] for one in listed(streets)["events"]] == [second]
    assert [one["event_no"] for one in listed(streets, waiting_for="awaiting_call")["events"]] == [first]
    assert listed(streets, waiting_for="awaiting_call", overdue="true")["events"] == []
    streets.call_back(first, satisfied=True)
    assert listed(streets, waiting_for="awaiting_call")["events"] == []


def test_the_pages_of_a_district_are_the_lists_of_its_towns(streets):
    places = {"990101001": 3, "990101002": 2, "990102001": 1}
    for place, count in places.items():
        for n in range(count):
            streets.told(HOTLINE, origin="hotline", sensor="", origin_no=f"{place}-{n}", place=place)
    found, cursor = [], None
    while True:
        page = listed(streets, DISTRICT, limit="2", **({"cursor": cursor} if cursor else {}))
        assert len(page["events"]) <= 2
        found += [one["place"] for one in page["events"]]
        cursor = page["cursor"]
        if cursor is None:
            break
    assert found == ["990101001"] * 3 + ["990101002"] * 2


@pytest.mark.parametrize("query", [{"cursor": "990102001~"}, {"cursor": "990101001~x"}, {"waiting_for": "rain"}])
def test_a_list_refuses_what_it_did_not_say(streets, query):
    assert streets.say("GET /api/grid-events", DISTRICT, query=query)[0] == 422


def test_another_s_list_is_not_found(streets):
    assert streets.say("GET /api/grid-events", ELSEWHERE, query={"region": "990101"})[0] == 404
