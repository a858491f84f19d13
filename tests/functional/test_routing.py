"""职责与路由 over HTTP: the rules in force, why a question goes where it goes, and what other rules would have made of a month."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from liangwang import catalogue
from liangwang.aggregates import COLLABORATION, Key
from liangwang.domain import messages as m
from liangwang.domain.catalogue import Ask, Join
from liangwang.domain.centre_rules import Governance
from liangwang.domain.coordination import raise_event
from liangwang.domain.history import Recorded
from liangwang.domain.working_days import Calendar
from liangwang.store import Stored

from tests.conftest import REPOSITORY
from tests.functional.functions import Functions, golden
from tests.unit.samples import text

RESPONSIBILITIES = catalogue.load_responsibilities(REPOSITORY / "layers" / "catalogue")
MARCH = datetime(2027, 3, 1, 4, 0, tzinfo=UTC)
CITY, EAST, WEST = "990100", "990101", "990102"


@pytest.fixture
def functions():
    return Functions()


def asked(functions, route, body=None, *, query=None, role="operator", region=CITY):
    event = golden("http_collaboration") | {
        "routeKey": route,
        "pathParameters": {},
        "queryStringParameters": query or {},
        "body": json.dumps(body) if body is not None else "",
    }
    event["requestContext"]["authorizer"]["lambda"] = {"subject": "zhao", "role": role, "region": region}
    return functions.http("routing", event)


def explained(functions, **question):
    status, answer = asked(functions, "POST /api/routing/explain", question)
    assert status == 200, answer
    return answer


def simulated(functions, *changed, query=None, region=CITY, month="2027-03", **more):
    body = {"month": month, "changed": changed, **more}
    return asked(functions, "POST /api/routing/simulate", body, query=query, region=region)


def happened(functions, number, *asks, department="D-990101-MARKET", at=MARCH, concluded=True):
    """A collaboration event that was raised at a moment; its id."""
    case_no = f"20270301-990101001-{number:012d}-A"
    request = m.CollaborationRequested(
        case_no=case_no,
        request_id=f"{case_no}-check",
        department=department,
        task_code="food-business-licence",
        place="990101001",
        asks=tuple(Ask(capability, text("?"), place) for capability, place in asks),
        join=Join(),
        days=2,
        on_timeout="lift",
        form={},
    )
    events = list(raise_event(request, on=Governance(RESPONSIBILITIES, Calendar()), now=at))
    if concluded:
        ends = m.CollaborationConcluded(
            case_no=case_no,
            request_id=request.request_id,
            collaboration_id=request.request_id,
            department=department,
            conclusion="agree",
            because="all_agree",
            answers=(),
        )
        events.append(ends)
    key = Key(COLLABORATION.name, request.request_id)
    after = Stored(key, tuple(Recorded(at, "test", event) for event in events))
    assert functions.store("governance").save([(Stored(key), after)]) == [None]
    return request.request_id


# ------------------------------------------------------------------ what there is


def test_an_operator_sees_which_rules_are_in_force_and_what_nobody_answers_for(functions):
    status, view = asked(functions, "GET /api/routing")
    assert status == 200
    assert view["versions"] == [edition.effective_from.isoformat() for edition in RESPONSIBILITIES.editions]
    assert view["version"] == RESPONSIBILITIES.at(datetime.now(UTC)).version
    assert view["problems"] == []
    assert [(one["capability"], one["towns"], one["items"]) for one in view["uncovered"]] == [
        ("villagers-opinion", 5, [])
    ]


def test_a_department_s_officer_is_not_shown_the_rules(functions):
    assert asked(functions, "GET /api/routing", role="clerk")[0] == 403


# ------------------------------------------------------------------ one question


def test_the_rule_that_chose_is_told_with_those_that_follow_and_the_way_there(functions):
    found = explained(
        functions,
        capability="waste-reception",
        place="990103",
        at="2027-03-01T12:00:00+08:00",
        requester="D-990101-URBAN",
    )
    assert (found["version"], found["taker"]["department"], found["taker"]["rule"]) == (
        "2027-1",
        "D-990102-SANITATION",
        "YC-02",
    )
    assert [(one["department"], one["rule"]) for one in found["next"]] == [("D-990103-SANITATION", "YC-02")]
    assert [(one["rule"], one["verdict"]) for one in found["considered"]] == [("YC-02", "takes")]
    assert [(hop["region"], hop["level"]) for hop in found["path"]] == [("990101", 4), ("990100", 3), ("990102", 4)]
    assert "neighbour" not in found["because"]["en"] and found["because"]["zh"]


def test_without_a_rule_it_is_told_that_the_nearest_takes_it(functions):
    found = explained(functions, capability="site-verification", place="990101001")
    assert (found["taker"]["department"], found["taker"]["rule"], found["considered"]) == (
        "D-990101001-SERVICE",
        "",
        [],
    )


def test_the_version_is_that_of_the_question_s_time(functions):
    at = "2026-12-31T12:00:00+08:00"
    found = explained(functions, capability="waste-reception", place="990103", at=at)
    assert (found["version"], found["taker"]["department"]) == ("2026-1", "D-990103-SANITATION")


def test_a_rule_that_did_not_hold_says_why(functions):
    found = explained(functions, capability="traffic-organisation", place="990101001", at="2027-03-01T12:00:00+08:00")
    assert [(one["rule"], one["verdict"]) for one in found["considered"]] == [("YC-03", "not_now")]
    festival = explained(
        functions, capability="traffic-organisation", place="990101001", at="2027-02-06T12:00:00+08:00"
    )
    assert festival["taker"]["department"] == "D-990100-POLICE"


def test_a_department_that_has_too_much_to_do_is_passed_over_as_soon_as_it_is_counted(functions):
    wish = {"capability": "hygiene-licensing", "place": "990101001", "at": "2027-03-01T12:00:00+08:00"}
    for number in range(31):
        happened(functions, number, ("hygiene-licensing", "990101001"), concluded=False)
    assert functions.call("audit", functions.aws.dynamodb.event("governance")) == {"batchItemFailures": []}
    found = explained(functions, **wish)
    assert (found["taker"]["department"], found["taker"]["rule"]) == ("D-990100-HEALTH", "YC-05")
    assert [(one["rule"], one["verdict"]) for one in found["considered"]] == [("YC-04", "too_busy"), ("YC-05", "takes")]
    idle = explained(Functions(), **wish)
    assert (idle["taker"]["department"], idle["taker"]["rule"]) == ("D-990101-HEALTH", "YC-04")


def test_that_nobody_is_responsible_is_an_answer_too(functions):
    found = explained(functions, capability="villagers-opinion", place="990103001")
    assert (found["taker"], found["path"], found["next"]) == (None, [], [])


def test_a_question_from_nowhere_is_refused_field_by_field(functions):
    wish = {"capability": "x", "place": "1", "requester": "D-NONE", "at": "2027-03-01T12:00:00"}
    status, problem = asked(functions, "POST /api/routing/explain", wish)
    assert status == 422 and [one["field"] for one in problem["errors"]] == ["place", "requester", "at"]


# ------------------------------------------------------------------ a month on other rules

FIRE_TO_THE_CITY = {
    "id": "YC-99",
    "capability": "fire-inspection",
    "area": EAST,
    "to": ["D-990100-FIRE"],
    "reason": {"zh": "试", "en": "tried"},
}
IN_FORCE = {"base": "2027-1"}


def test_every_question_that_would_go_elsewhere_is_shown_with_before_and_after(functions):
    event = happened(functions, 1, ("fire-inspection", "990101001"), ("site-verification", "990101001"))
    happened(functions, 2, ("fire-inspection", "990102001"))
    status, page = simulated(functions, FIRE_TO_THE_CITY, **IN_FORCE)
    assert status == 200, page
    assert (page["events"], page["questions"], page["different"]) == (2, 3, 1)
    (one,) = page["differences"]
    assert (one["collaboration_id"], one["took"]) == (event, "D-990101-FIRE")
    assert (one["before"]["department"], one["after"]["department"], one["after"]["rule"]) == (
        "D-990101-FIRE",
        "D-990100-FIRE",
        "YC-99",
    )


def test_the_same_rules_change_nothing(functions):
    happened(functions, 1, ("fire-inspection", "990101001"), ("waste-reception", "990103"))
    page = simulated(functions, **IN_FORCE)[1]
    assert (page["questions"], page["different"]) == (2, 0)


def test_a_rule_can_be_taken_out(functions):
    happened(functions, 1, ("waste-reception", "990103"))
    (one,) = simulated(functions, removed=["YC-02"], **IN_FORCE)[1]["differences"]
    assert (one["before"]["department"], one["after"]["department"]) == ("D-990102-SANITATION", "D-990103-SANITATION")


def test_only_what_was_raised_in_the_month_is_replayed_open_or_concluded(functions):
    midnight = datetime(2027, 3, 31, 16, 0, tzinfo=UTC)  # in China
    happened(functions, 1, ("fire-inspection", "990101001"), at=midnight)
    last = happened(functions, 2, ("fire-inspection", "990101001"), at=midnight - timedelta(seconds=1))
    happened(functions, 3, ("fire-inspection", "990101001"), at=midnight, concluded=False)
    still = happened(functions, 4, ("fire-inspection", "990101001"), concluded=False)
    found = simulated(functions, FIRE_TO_THE_CITY, **IN_FORCE)[1]["differences"]
    assert {one["collaboration_id"] for one in found} == {last, still}


def test_a_month_comes_in_pages_and_none_of_it_twice(functions):
    made = {
        happened(functions, number, ("fire-inspection", "990101001"), concluded=number % 3 > 0) for number in range(9)
    }
    found, cursor = [], None
    for _ in range(20):
        query = {"limit": "2", **({"cursor": cursor} if cursor else {})}
        page = simulated(functions, FIRE_TO_THE_CITY, query=query, **IN_FORCE)[1]
        assert page["events"] <= 2
        found += [one["collaboration_id"] for one in page["differences"]]
        cursor = page.get("cursor")
        if cursor is None:
            break
    assert cursor is None and sorted(found) == sorted(made)


def test_a_page_reads_as_much_however_many_events_there_are(functions):
    def reads():
        before = len(functions.aws.calls)
        assert simulated(functions, FIRE_TO_THE_CITY, query={"limit": "5"}, **IN_FORCE)[0] == 200
        return len(functions.aws.calls) - before

    for number in range(6):
        happened(functions, number, ("fire-inspection", "990101001"))
    few = reads()
    for number in range(6, 40):
        happened(functions, number, ("fire-inspection", "990101001"))
    assert reads() <= few


def test_an_operator_replays_what_concerns_the_own_centre(functions):
    happened(functions, 1, ("fire-inspection", "990101001"))
    assert simulated(functions, FIRE_TO_THE_CITY, region=EAST, **IN_FORCE)[1]["events"] == 1
    assert simulated(functions, FIRE_TO_THE_CITY, region=WEST, **IN_FORCE)[1]["events"] == 0


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"month": "2027-3x"}, "month"),
        ({"base": "none"}, "base"),
        ({"removed": ["YC-00"]}, "removed[0]"),
        ({"changed": [{**FIRE_TO_THE_CITY, "to": ["D-NONE"]}]}, "changed[0].to[0]"),
        (
            {"changed": [{**FIRE_TO_THE_CITY, "area": CITY, "capability": "hygiene-licensing", "to": []}]},
            "changed[0].to",
        ),
        (
            {
                "changed": [
                    {
                        **FIRE_TO_THE_CITY,
                        "capability": "hygiene-licensing",
                        "priority": 3,
                        "load": {"at_most": 90},
                        "to": ["D-990101-HEALTH"],
                    }
                ]
            },
            "YC-04",
        ),
    ],
)
def test_what_cannot_be_tried_is_refused_with_its_place_in_the_body(functions, body, field):
    status, problem = asked(functions, "POST /api/routing/simulate", {"month": "2027-03", "base": "2027-1", **body})
    assert status == 422 and [one["field"] for one in problem["errors"]] == [field]


@pytest.mark.parametrize("cursor", ["x", "MCB4", "OTk5OTk5OTk5OSB4", "MQ=="])
def test_a_cursor_of_somebody_else_s_is_refused_or_ends(functions, cursor):
    assert simulated(functions, query={"cursor": cursor})[0] in (200, 422)
