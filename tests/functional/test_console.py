"""态势: what a centre's operators see of collaboration events, as the deployed functions count and show it."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from liangwang.aggregates import COLLABORATION, Key
from liangwang.domain import collaboration as c
from liangwang.domain import messages as m
from liangwang.domain.case_no import SHANGHAI
from liangwang.domain.catalogue import Ask, Join, Text
from liangwang.domain.history import Recorded
from liangwang.domain.open_events import KEPT
from liangwang.store import Stored

from tests.functional.functions import Functions, golden

NOW = datetime.now(UTC)
TODAY = NOW.astimezone(SHANGHAI).date()
CITY, EAST, TOWN, WEST = "990100", "990101", "990101001", "990102"
MARKET, FIRE, ROADS = "D-990101-MARKET", "D-990100-FIRE", "D-990100-TRANSPORT"
CASE_NO = "20270301-990101001-4K7Q2M9XW3TC-M"
UP = (m.Hop(EAST, 4, "registered"), m.Hop(CITY, 3, "target"))


class Console(Functions):
    """The functions, and collaboration events that are written as the centre writes them."""

    def __init__(self):
        super().__init__()
        self.histories = {}
        self.told = 0

    def happen(self, number, *events, at=NOW):
        """The events happen to a collaboration event, in one write; the stream does not bring it yet."""
        key = Key(COLLABORATION.name, f"{CASE_NO}-C{number}")
        before = Stored(key, self.histories.get(number, ()))
        cause = f"{number}/{before.version}"
        after = Stored(key, before.history + tuple(Recorded(at, cause, one) for one in events))
        assert self.store("governance").save([(before, after)]) == [None]
        self.histories[number] = after.history

    def follow(self, *, again=0):
        """The stream brings what it has not brought yet, and the last few records again."""
        event = self.aws.dynamodb.event("governance", start=max(0, self.told - again))
        self.told = len(self.aws.dynamodb.streams["governance"])
        assert self.call("audit", event) == {"batchItemFailures": []}

    def asked(self, path="", query=None, *, role="operator", region=EAST, headers=None):
        """The answer of a route of the console as it came."""
        event = golden("http_follow") | {"routeKey": f"GET /api/console{path}", "pathParameters": {}}
        event["queryStringParameters"] = query or {}
        event["headers"] |= headers or {}
        who = {"subject": f"{role}-1", "role": role, "region": region}
        event["requestContext"]["authorizer"]["lambda"] = {name: value for name, value in who.items() if value}
        return self.call("console", event)

    def shown(self, path="", query=None, **who):
        """What a route answers to somebody who may ask."""
        answer = self.asked(path, query, **who)
        assert answer["statusCode"] == 200, answer["body"]
        return json.loads(answer["body"])


@pytest.fixture
def console():
    return Console()


def asking(capability="fire-inspection"):
    return Ask(capability, Text(zh="可以吗", en="May it?"), TOWN)


def raised(number, region=EAST, requester=MARKET, **fields):
    request = m.CollaborationRequested(
        case_no=CASE_NO,
        request_id=f"{CASE_NO}-C{number}",
        department=requester,
        task_code="food-business-licence",
        place=TOWN,
        asks=(asking(),),
        join=Join(),
        days=3,
        on_timeout="deny",
        form={},
        **fields,
    )
    return c.Raised(
        request=request,
        collaboration_id=request.request_id,
        region=region,
        level=4,
        due_at=NOW + timedelta(days=3, minutes=number),
    )


def dispatched(number, department=FIRE, path=UP, requester=MARKET):
    return m.TaskDispatched(
        case_no=CASE_NO,
        task_id=f"{CASE_NO}-C{number}-T1",
        collaboration_id=f"{CASE_NO}-C{number}",
        department=department,
        requester=requester,
        task_code="food-business-licence",
        ask=asking(),
        path=path,
        due_at=NOW + timedelta(days=2),
        form={},
    )


def of_task(kind, number, **fields):
    return kind(task_id=f"{CASE_NO}-C{number}-T1", **fields)


def signed(number):
    return of_task(c.Signed, number, by="li")


def reported(number):
    return of_task(c.Reported, number, by="li", opinion="agree", explanation="示例")


def concluded(number):
    return m.CollaborationConcluded(
        case_no=CASE_NO,
        request_id=f"{CASE_NO}-C{number}",
        collaboration_id=f"{CASE_NO}-C{number}",
        department=MARKET,
        conclusion="agree",
        because="all_agree",
        answers=(),
    )


def centre(view, code):
    return next(one for one in view["centres"] if one["region"] == code)


# ------------------------------------------------------------------ what is open


def test_what_is_open_is_counted_by_state_and_light_for_each_centre_and_all_below_it(console):
    console.happen(1, raised(1), dispatched(1))
    console.happen(2, raised(2), dispatched(2))
    console.happen(2, signed(2), c.Lit(light="yellow"))
    console.happen(3, raised(3, region=WEST))
    console.follow()
    view = console.shown(region=CITY)
    assert view["centres"][0]["region"] == CITY
    assert centre(view, CITY)["own"]["total"] == 0
    assert centre(view, CITY)["events"] == {
        "total": 3,
        "state": {"dispatched": 1, "handling": 1, "unrouted": 1},
        "light": {"green": 2, "yellow": 1},
    }
    assert centre(view, EAST)["own"]["total"] == 2
    assert centre(view, EAST)["tasks"] == {
        "total": 2,
        "state": {"dispatched": 1, "signed": 1},
        "light": {"green": 1, "yellow": 1},
    }
    (department,) = view["departments"]
    assert (department["department"], department["tasks"]["total"]) == (FIRE, 2)


def test_an_event_that_is_lifted_is_open_at_the_centre_above_and_a_concluded_one_nowhere(console):
    console.happen(1, raised(1), dispatched(1))
    console.happen(2, raised(2), dispatched(2))
    console.happen(1, c.Lifted(region=CITY, reason="limit_passed", due_at=NOW + timedelta(days=6)))
    console.happen(2, reported(2), concluded(2))
    console.follow()
    console.follow(again=4)
    assert centre(console.shown(region=CITY), CITY)["own"]["total"] == 1
    assert console.shown(region=EAST)["centres"][0]["events"]["total"] == 0


def test_the_events_behind_a_figure_are_as_many_as_it_says_and_come_in_pages_soonest_due_first(console):
    for number in range(7):
        console.happen(number, raised(number), dispatched(number))
    console.happen(7, raised(7, region=TOWN))
    console.happen(8, raised(8, region=WEST))
    console.follow()
    total = console.shown()["centres"][0]["events"]["total"]
    found, cursor = [], ""
    while cursor is not None:
        page = console.shown("/events", {"limit": "3", **({"cursor": cursor} if cursor else {})})
        assert page["total"] == total == 8
        found += page["events"]
        cursor = page["cursor"]
    assert [one["collaboration_id"] for one in found] == [f"{CASE_NO}-C{number}" for number in range(8)]
    narrow = {"state": "dispatched", "light": "green", "department": FIRE}
    assert console.shown("/events", narrow)["total"] == 7
    assert console.shown("/events", {"state": "unrouted"})["events"][0]["region"] == TOWN
    assert console.shown("/events", {"light": "red"}) == {"events": [], "total": 0, "cursor": None}


# ------------------------------------------------------------------ what went on


def test_the_flow_is_the_tasks_ways_as_far_as_they_touch_the_region(console):
    console.happen(1, raised(1), dispatched(1))
    console.happen(2, raised(2), dispatched(2))
    way = (m.Hop(WEST, 4, "registered"), m.Hop(CITY, 3, "target"))
    west = "D-990102-MARKET"
    console.happen(3, raised(3, region=WEST, requester=west), dispatched(3, ROADS, way, west))
    console.follow()
    view = console.shown("/flow")
    links = {(link["source"], link["target"]): link["tasks"] for link in view["links"]}
    assert links == {(f"asking/{MARKET}", f"asking/{EAST}"): 2, (f"asking/{EAST}", f"asking/{CITY}"): 2}
    assert {node["id"] for node in view["nodes"]} == {f"asking/{MARKET}", f"asking/{EAST}", f"asking/{CITY}"}
    city = {(one["source"], one["target"]): one["tasks"] for one in console.shown("/flow", region=CITY)["links"]}
    assert city[f"asking/{CITY}", f"answering/{FIRE}"] == 2 and city[f"asking/{CITY}", f"answering/{ROADS}"] == 1


def test_departments_are_shown_with_their_times_their_share_on_time_and_what_they_declined(console):
    for number, hours in enumerate((1, 2, 60)):
        start = NOW - timedelta(hours=70)
        console.happen(number, raised(number), dispatched(number), at=start)
        console.happen(number, signed(number), at=start + timedelta(hours=hours))
        console.happen(number, reported(number), concluded(number), at=start + timedelta(hours=hours + 3))
    console.happen(3, raised(3), dispatched(3))
    console.happen(3, of_task(c.Declined, 3, reason="not ours", decided_by=CITY))
    console.follow()
    week = {"from": str(TODAY - timedelta(days=6)), "to": str(TODAY)}
    view = console.shown("/departments", week, region=CITY)
    found = {one["department"]: one for one in view["departments"]}
    assert found[FIRE]["counts"]["dispatched"] == 4 and found[FIRE]["on_time_share"] == 1.0
    assert found[FIRE]["times"]["signing"] == {
        "count": 3,
        "mean": 63 * 3600 // 3,
        "half_within": 2 * 3600,
        "nine_tenths_within": 72 * 3600,
    }
    assert found[MARKET]["counts"]["asked"] == 4 and found[MARKET]["on_time_share"] is None
    assert view["slowest"][0]["seconds"] == 63 * 3600
    assert view["declined_most"] == [{"department": FIRE, "capability": "fire-inspection", "declined": 1}]
    assert [one["counts"]["concluded"] for one in view["centres"]] == [3]
    assert console.shown("/departments", week)["departments"][0]["department"] == MARKET, (
        "the city's are not the district's"
    )


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"from": "yesterday"}, "from"),
        ({"to": "2027-13-01"}, "to"),
        ({"from": "2027-03-02", "to": "2027-03-01"}, "to"),
        ({"from": "2027-01-01", "to": "2027-04-03"}, "to"),
    ],
)
@pytest.mark.parametrize("path", ["/flow", "/departments"])
def test_what_is_no_time_or_too_long_a_one_is_named_with_the_fix(console, path, query, field):
    answer = console.asked(path, query)
    assert (answer["statusCode"], json.loads(answer["body"])["errors"][0]["field"]) == (422, field)


# ------------------------------------------------------------------ what changes


def test_whoever_has_seen_what_is_open_is_told_every_change_since_then_once(console):
    console.happen(1, raised(1), dispatched(1))
    console.follow()
    cursor = console.shown()["since"]
    console.happen(1, signed(1))
    console.happen(2, raised(2), dispatched(2))
    console.follow(again=1)
    told = []
    while True:
        page = console.shown("/changes", {"since": cursor, "limit": "2"})
        told += [(one["id"].partition("-C")[2], one["kind"], one["state"]) for one in page["changes"]]
        cursor = page["since"]
        if page["retry_after"]:
            break
    assert sorted(told) == [
        ("1/3", "collaboration.signed", "handling"),
        ("2/1", "collaboration.raised", "dispatched"),
        ("2/2", "task.dispatched", "dispatched"),
    ]
    assert console.shown("/changes", {"since": cursor})["changes"] == []
    assert console.shown("/changes")["changes"] == [], "without a cursor it begins now"


def test_a_change_that_the_stream_brings_late_comes_after_every_cursor_that_was_given_before(console):
    console.happen(1, raised(1), dispatched(1), at=NOW - timedelta(hours=5))
    console.happen(2, raised(2), dispatched(2))
    records = console.aws.dynamodb.event("governance")["Records"]
    console.call("audit", {"Records": records[1:]})
    cursor = console.shown()["since"]
    console.call("audit", {"Records": records[:1]})
    page = console.shown("/changes", {"since": cursor})
    assert [one["id"].partition("-C")[2] for one in page["changes"]] == ["1/1", "1/2"]


def test_a_centre_hears_of_what_has_a_way_through_it_and_of_nothing_else(console):
    cursor = console.shown()["since"]
    console.happen(1, raised(1), dispatched(1))
    console.follow()
    assert len(console.shown("/changes", {"since": cursor}, region=CITY)["changes"]) == 2
    assert len(console.shown("/changes", {"since": cursor}, region=EAST)["changes"]) == 2
    assert console.shown("/changes", {"since": cursor}, region=WEST)["changes"] == []


def test_who_comes_back_when_changes_are_gone_is_told_to_begin_anew(console):
    cursor = console.shown()["since"]
    console.happen(1, raised(1), dispatched(1), *[c.Urged(by="li", reason="示例")] * KEPT)
    console.follow()
    page = console.shown("/changes", {"since": cursor})
    assert (page["reset"], page["changes"]) == (True, [])
    assert console.shown("/changes", {"since": page["since"]})["reset"] is False


def test_the_same_changes_come_as_server_sent_events_to_who_asks_for_them(console):
    first = console.asked("/changes", headers={"accept": "text/event-stream"})
    assert first["headers"]["content-type"] == "text/event-stream"
    assert first["body"].startswith("retry: 3000\n\nid: ")
    start = first["body"].splitlines()[2].removeprefix("id: ")
    console.happen(1, raised(1), dispatched(1))
    console.follow()
    headers = {"accept": "text/event-stream", "last-event-id": start}
    blocks = [block.splitlines() for block in console.asked("/changes", headers=headers)["body"].split("\n\n") if block]
    events = [block for block in blocks if "event: change" in block]
    plain = console.shown("/changes", {"since": start})
    assert [json.loads(block[2].removeprefix("data: ")) for block in events] == plain["changes"]
    assert blocks[-1] == [f"id: {plain['since']}"]
    between = {"last-event-id": events[0][0].removeprefix("id: ")}
    assert console.shown("/changes", {"since": start}, headers=between)["changes"] == plain["changes"][1:]


@pytest.mark.parametrize("cursor", ["x", "AAAA", "é", "A" * 344 + "A"])
def test_what_is_no_cursor_is_refused_with_the_fix(console, cursor):
    for query, headers, field in (
        ({"since": cursor}, {}, "since"),
        ({}, {"last-event-id": cursor}, "Last-Event-ID"),
    ):
        answer = console.asked("/changes", query, headers=headers)
        assert (answer["statusCode"], json.loads(answer["body"])["errors"][0]["field"]) == (422, field)


# ------------------------------------------------------------------ who sees it, and what it costs

PATHS = ("", "/events", "/changes", "/flow", "/departments")


@pytest.mark.parametrize("path", PATHS)
def test_operators_see_their_region_and_those_below_it_and_auditors_any(console, path):
    assert console.asked(path, {"region": TOWN})["statusCode"] == 200
    assert console.asked(path, {"region": CITY})["statusCode"] == 404
    assert console.asked(path, {"region": WEST})["statusCode"] == 404
    assert console.asked(path, {"region": CITY}, role="auditor", region="")["statusCode"] == 200
    assert console.asked(path, {"region": "nowhere"}, role="auditor", region="")["statusCode"] == 404
    assert console.asked(path, role="auditor", region="")["statusCode"] == 422
    assert console.asked(path, role="clerk")["statusCode"] == 403


@pytest.mark.parametrize("path", PATHS)
def test_a_page_costs_the_same_whatever_has_happened_before(console, path):
    span = {"from": str(TODAY - timedelta(days=91)), "to": str(TODAY)} if path in ("/flow", "/departments") else {}

    def cost():
        console.aws.calls.clear()
        console.shown(path, span, region=CITY)
        return [operation for _, operation, _ in console.aws.calls]

    before = cost()
    for number in range(60):
        console.happen(number, raised(number), dispatched(number))
        if number % 2:
            console.happen(number, reported(number), concluded(number))
    console.follow()
    assert cost() == before == ["BatchGetItem"] * (15 if span else 1)


def test_what_is_counted_holds_nothing_of_the_applicants(console):
    console.happen(1, raised(1), dispatched(1))
    console.follow()
    for path in PATHS:
        assert "示例" not in console.asked(path, region=CITY)["body"]
