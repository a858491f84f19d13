"""好差评 and 差评整改 through the deployed functions: once, after the end, unseen while the case is open, put right in time."""

from datetime import UTC, datetime, timedelta

import pytest
from liangwang.aggregates import ACCESS, RATING, RECTIFICATION, Key
from liangwang.domain import rectification
from liangwang.domain.rating import month
from liangwang.fakes import Fault
from liangwang.services.rectifying import EVERY, Rectifying

from tests.functional.citizens import ACCEPTED, CITIZEN, STRANGER, Citizens
from tests.functional.city import CALENDAR

COMMENT = "等了很久，电话138-0000-0000一直没人接"


@pytest.fixture
def functions():
    return Citizens()


def rate(functions, number, caller=CITIZEN, *, code=5, key="", **more):
    body = {"rating": code, "tags": ["slow"], "comment": COMMENT, **more}
    headers = {"idempotency-key": key} if key else {}
    route = "POST /api/applications/{case_no}/rating"
    return functions.ask("feedback", route, caller, body=body, headers=headers, case_no=number)


def rated(functions, **settings):
    """A closed case with a rating, and all that follows from it; its number."""
    number = functions.closed()
    status, view = rate(functions, number, **settings)
    assert status == 201, view
    functions.follow_all()
    return number


def own(functions, number, caller=CITIZEN):
    return functions.ask("feedback", "GET /api/applications/{case_no}/rating", caller, case_no=number)


def official(functions, number, role="supervisor", **more):
    return {"subject": f"{role}-001", "role": role, "department": functions.department(number), **more}


ELSEWHERE = {"subject": "supervisor-009", "role": "supervisor", "department": "D-990101-MARKET"}
CENTRE = {"subject": "operator-001", "role": "operator", "region": "990100"}
OTHER_CENTRE = {"subject": "operator-009", "role": "operator", "region": "990102"}


def respond(functions, number, caller, text="已补办并致歉"):
    route = "POST /api/rectifications/{case_no}/response"
    return functions.ask("feedback", route, caller, body={"response": text}, case_no=number)


def confirm(functions, number, caller=CITIZEN, *, satisfied=True):
    route = "POST /api/applications/{case_no}/rating/confirmation"
    return functions.ask("feedback", route, caller, body={"satisfied": satisfied}, case_no=number)


def rectified(functions, number, caller):
    return functions.ask("feedback", "GET /api/rectifications/{case_no}", caller, case_no=number)


def listed(functions, caller, **query):
    return functions.ask("feedback", "GET /api/rectifications", caller, query=query)


# ------------------------------------------------------------------ rating


def test_a_closed_case_is_rated_by_its_applicant(functions):
    number = functions.closed()
    status, view = rate(functions, number, code=2)
    assert (status, view["rating"], view["stars"], view["text"]["zh"]) == (201, 2, 4, "满意")
    assert view["comment"] == COMMENT and own(functions, number) == (200, view)


def test_an_open_case_cannot_be_rated(functions):
    number = functions.apply()
    functions.tell(number, ACCEPTED)
    status, problem = rate(functions, number)
    assert (status, problem["type"]) == (409, "urn:liangwang:problem:not_now")
    functions.tell(number, ("case.decided", {"outcome": "granted", "told": 3}), first=3)
    assert rate(functions, number)[0] == 409, "decided, but what went before has not all arrived"
    assert own(functions, number)[0] == 404


def test_a_second_rating_is_refused_and_the_first_stays(functions):
    number = rated(functions, code=1)
    status, problem = rate(functions, number, code=5)
    assert (status, problem["type"]) == (409, "urn:liangwang:problem:already_rated")
    assert own(functions, number)[1]["rating"] == 1


@pytest.mark.parametrize("kind", ["refused", "lost"])
def test_a_rating_whose_answer_was_lost_is_found_by_its_key(functions, kind):
    number = functions.closed()
    rate(functions, functions.closed(), code=3)  # the owner has a key from now on: the next write is the rating
    functions.aws.faults.append(Fault("PutItem", kind))
    assert rate(functions, number, key="once")[0] == 500
    assert rate(functions, number, key="once")[0] == 201
    assert rate(functions, number)[0] == 409


def test_of_two_ratings_at_once_one_counts(functions):
    number = functions.closed()
    answers = [rate(functions, number, code=code)[0] for code in (2, 3)]
    assert answers == [201, 409]


@pytest.mark.parametrize(
    ("wrong", "field"),
    [({"rating": 0}, "rating"), ({"rating": 6}, "rating"), ({"tags": ["handsome"]}, "tags[0]")],
)
def test_what_is_no_rating_is_named(functions, wrong, field):
    number = functions.closed()
    status, problem = functions.ask(
        "feedback", "POST /api/applications/{case_no}/rating", CITIZEN, body={"rating": 3, **wrong}, case_no=number
    )
    assert (status, [one["field"] for one in problem["errors"]]) == (422, [field])


def test_another_s_case_can_neither_be_rated_nor_looked_at(functions):
    number = rated(functions)
    assert rate(functions, number, STRANGER)[0] == own(functions, number, STRANGER)[0] == 404
    assert confirm(functions, number, STRANGER)[0] == 404
    assert rate(functions, "20250303-nothing")[0] == 404


def test_a_comment_is_nowhere_in_the_clear(functions):
    number = rated(functions)
    kept = [str(functions.store("intake").load([Key(kind, number)])) for kind in (RATING.name, RECTIFICATION.name)]
    assert all("comment" in text and "138-0000" not in text for text in kept)


# ------------------------------------------------------------------ what officials see


def page(functions, caller, **query):
    return functions.ask("feedback", "GET /api/ratings", caller, query=query)


def test_supervisors_and_the_centre_see_single_ratings_without_person_case_or_comment(functions):
    number = rated(functions)
    department = functions.department(number)
    for caller, query in ((official(functions, number), {}), (CENTRE, {"department": department})):
        status, found = page(functions, caller, **query)
        (one,) = found["ratings"]
        assert (status, one["rating"], one["stars"], one["tags"]) == (200, 5, 1, ["slow"])
        assert "zhang" not in str(found) and number not in str(found) and "138" not in str(found)


def test_nobody_sees_a_rating_of_an_open_case_because_there_is_none(functions):
    number = functions.apply()
    functions.tell(number, ACCEPTED)
    rate(functions, number)
    functions.follow_all()
    assert page(functions, official(functions, number))[1]["ratings"] == []
    assert summary(functions, official(functions, number))[1]["tallies"] == []


def test_clerks_see_counts_only(functions):
    number = rated(functions)
    clerk = official(functions, number, "clerk")
    assert page(functions, clerk)[0] == listed(functions, clerk)[0] == rectified(functions, number, clerk)[0] == 403
    assert summary(functions, clerk)[0] == 200


def test_other_departments_and_other_centres_see_nothing(functions):
    number = rated(functions)
    department = functions.department(number)
    assert page(functions, ELSEWHERE)[1]["ratings"] == []
    for caller in (ELSEWHERE, OTHER_CENTRE):
        assert page(functions, caller, department=department)[0] == 404
        assert listed(functions, caller, department=department)[0] == 404
        assert summary(functions, caller, department=department)[0] == 404
        assert rectified(functions, number, caller)[0] == 404
        assert summary(functions, caller)[1]["tallies"] == []
    assert respond(functions, number, ELSEWHERE)[0] == 404


def test_a_centre_has_to_say_which_department(functions):
    status, problem = page(functions, CENTRE)
    assert (status, problem["errors"][0]["field"]) == (422, "department")


def test_ratings_are_paged_and_no_cursor_names_a_case(functions):
    numbers = [rated(functions, code=code) for code in (1, 2, 3)]
    caller = official(functions, numbers[0])
    first = page(functions, caller, limit="2")[1]
    rest = page(functions, caller, limit="2", cursor=first["cursor"])[1]
    assert [one["rating"] for one in first["ratings"] + rest["ratings"]] == [1, 2, 3]
    assert (first["cursor"], rest["cursor"]) == ("2", None)
    assert page(functions, caller, cursor="abc")[0] == 422
    assert page(functions, caller, month="1999-01")[1]["ratings"] == []


def summary(functions, caller, **query):
    return functions.ask("feedback", "GET /api/ratings/summary", caller, query=query)


def test_counts_are_by_code_department_and_item(functions):
    numbers = [rated(functions, code=code) for code in (1, 1, 5)]
    department = functions.department(numbers[0])
    for caller in (official(functions, numbers[0], "clerk"), CENTRE):
        (row,) = summary(functions, caller)[1]["tallies"]
        assert (row["department"], row["counts"], row["total"]) == (department, [2, 0, 0, 0, 1], 3)
        assert row["task_name"]["zh"] and row["department_name"]["zh"]


def test_counts_stay_right_when_a_person_s_key_is_destroyed(functions):
    number = rated(functions)
    before = summary(functions, CENTRE)
    functions.erase("zhang")
    assert summary(functions, CENTRE) == before
    status, seen = rectified(functions, number, official(functions, number))
    assert (status, seen["comment"]) == (200, None), "what has to be put right stays, what was written is gone"


@pytest.mark.parametrize("query", [{"first": "2027"}, {"first": "2027-13"}, {"first": "2020-01"}, {"last": "2020-01"}])
def test_a_period_that_is_none_or_too_long_is_named(functions, query):
    assert summary(functions, CENTRE, **query)[0] == 422


def test_a_summary_covers_several_months(functions):
    rated(functions)
    last = datetime.now(UTC)
    first = month(last - timedelta(days=300))
    assert summary(functions, CENTRE, first=first)[1]["tallies"][0]["total"] == 1


# ------------------------------------------------------------------ rectification


def test_a_bad_rating_opens_a_rectification_that_the_citizen_hears_of(functions):
    number = rated(functions, code=4)
    status, found = listed(functions, official(functions, number))
    (one,) = found["rectifications"]
    assert (status, one["case_no"], one["status"], one["is_overdue"]) == (200, number, "open", False)
    rated_at = datetime.fromisoformat(own(functions, number)[1]["rated_at"])
    assert datetime.fromisoformat(one["due_at"]) == CALENDAR.limit(rated_at, rectification.LIMIT_DAYS)
    assert functions.kinds()[-1] == "rectification_opened"


def test_a_good_rating_opens_nothing(functions):
    number = rated(functions, code=3)
    assert listed(functions, official(functions, number))[1]["rectifications"] == []
    assert rectified(functions, number, official(functions, number))[0] == 404
    assert confirm(functions, number)[0] == 404


def test_what_dies_between_rating_and_rectification_opens_it_once_all_the_same(functions):
    number = functions.closed()
    functions.follow_all()
    rate(functions, number)
    functions.aws.faults.append(Fault("PutItem", "refused"))
    with pytest.raises(Exception, match="as the test wishes"):
        functions.follow()
    for _ in range(3):
        functions.follow(again=9)
    functions.follow_all()
    key = Key(RECTIFICATION.name, number)
    assert len(functions.store("intake").load([key])[key].history) == 1
    assert functions.kinds().count("rectification_opened") == 1


def test_the_comment_is_shown_to_the_department_s_supervisor_and_that_is_recorded(functions):
    number = rated(functions)
    assert rectified(functions, number, official(functions, number))[1]["comment"] == COMMENT
    assert rectified(functions, number, CENTRE)[1]["comment"] is None
    (record,) = [key for key in functions.aws.dynamodb.tables["intake"] if key.startswith(f"{ACCESS.name}#")]
    stored = functions.store("intake").load([Key.parse(record)])[Key.parse(record)]
    assert (stored.state.caller, stored.state.subject, stored.state.fields) == ("supervisor-001", number, ("comment",))


def test_nothing_is_shown_when_the_access_cannot_be_recorded(functions):
    number = rated(functions)
    functions.aws.faults.append(Fault("PutItem", "refused"))
    status, problem = rectified(functions, number, official(functions, number))
    assert status == 500 and "138" not in str(problem)


def test_the_citizen_reads_the_response_and_confirms_it_once(functions):
    number = rated(functions)
    supervisor = official(functions, number)
    assert confirm(functions, number)[0] == 409, "there is no response yet"
    assert respond(functions, number, supervisor)[0] == 200
    assert respond(functions, number, supervisor, "again")[0] == 409
    functions.follow_all()
    assert functions.kinds()[-1] == "rectification_responded"
    answer = own(functions, number)[1]["rectification"]
    assert (answer["response"], answer["status"]) == ("已补办并致歉", "responded")
    assert confirm(functions, number, satisfied=False)[1]["rectification"]["satisfied"] is False
    assert confirm(functions, number, satisfied=True)[0] == 409
    assert rectified(functions, number, supervisor)[1]["satisfied"] is False
    assert listed(functions, supervisor)[1]["rectifications"] == []


def test_only_supervisors_respond_and_they_have_to_say_something(functions):
    number = rated(functions)
    assert respond(functions, number, CENTRE)[0] == 403
    status, problem = respond(functions, number, official(functions, number), "  ")
    assert (status, problem["errors"][0]["field"]) == (422, "response")


def test_what_is_overdue_is_flagged_once_by_the_sweep(functions):
    number = rated(functions)
    store, key = functions.store("intake"), Key(RECTIFICATION.name, number)
    step, late = Rectifying(store, CALENDAR), store.load([key])[key].state.opened.due_at + timedelta(minutes=1)
    step.sweep(late - timedelta(days=1))
    assert store.load([key])[key].state.status == "open"
    step.sweep(late)
    step.sweep(late + EVERY)
    assert [type(one.event).__name__ for one in store.load([key])[key].history] == ["Opened", "Overdue"]
    (one,) = listed(functions, official(functions, number))[1]["rectifications"]
    assert (one["status"], one["is_overdue"]) == ("overdue", True)
    assert respond(functions, number, official(functions, number))[0] == 200


def test_a_mandated_agent_rates_for_the_principal_within_the_mandate(functions):
    number = functions.closed()
    functions.mandate("zhang", "li", acts=("rate", "read"))
    assert rate(functions, number, STRANGER, code=2)[0] == 201
    assert own(functions, number)[1]["rating"] == 2
    other = functions.closed()
    functions.mandate("zhang", "li", acts=("read",))
    assert rate(functions, other, STRANGER)[0] == 404


def test_what_an_agent_reads_of_a_rating_is_on_record_before_it_is_shown(functions):
    number = functions.closed()
    assert rate(functions, number, comment="等了三次")[0] == 201
    functions.mandate("zhang", "li", acts=("read",))

    def reads(caller):
        return functions.ask("feedback", "GET /api/applications/{case_no}/rating", caller, case_no=number)

    def recorded():
        return sum(name.startswith("access#") for name in functions.aws.dynamodb.tables["intake"])

    assert reads(CITIZEN)[1]["comment"] == "等了三次" and recorded() == 0
    assert reads(STRANGER)[1]["comment"] == "等了三次" and recorded() == 1
    functions.aws.faults.append(Fault("PutItem"))
    assert reads(STRANGER)[0] == 500
