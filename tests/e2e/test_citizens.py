"""On the running system a citizen hears of a case, rates it, and a bad rating is put right."""

from tests.waiting import eventually

CITIZEN = "citizen-001"


def inbox(city, case_no):
    """The kinds of what the citizen was told of a case, the oldest first."""
    found = city.api.get(CITIZEN, "/api/notifications", limit=100)["notifications"]
    return [one["kind"] for one in reversed(found) if one["case_no"] == case_no]


def test_every_word_of_the_department_reaches_the_inbox_and_a_bad_rating_the_supervisor(city):
    case_no = city.apply(city.wish("elderly-card"))
    city.await_status(case_no, "granted")
    told = ["accepted", "step_completed", "step_completed", "granted"]
    eventually(
        lambda: (
            [kind for kind in inbox(city, case_no) if kind != "received"] == told and "received" in inbox(city, case_no)
        ),
        what=f"the inbox to tell all of {case_no}",
    )
    eventually(lambda: len(city.follow(case_no)["timeline"]) == 5, what=f"{case_no} to be told in full")
    city.api.post(CITIZEN, f"/api/applications/{case_no}/rating", {"rating": 5, "tags": ["slow"], "comment": "太慢"})
    supervisor = "supervisor-990100-civil"
    found = eventually(
        lambda: next(
            (
                one
                for one in city.api.get(supervisor, "/api/rectifications", limit=100)["rectifications"]
                if one["case_no"] == case_no
            ),
            None,
        ),
        what=f"the rectification of {case_no}",
    )
    assert (found["status"], found["rating"]) == ("open", 5)
    city.api.post(supervisor, f"/api/rectifications/{case_no}/response", {"response": "已改进"})
    rating = city.api.get(CITIZEN, f"/api/applications/{case_no}/rating")
    assert rating["rectification"]["response"] == "已改进"
    summary = city.api.get("clerk-990100-civil-1", "/api/ratings/summary")
    assert sum(row["counts"][4] for row in summary["tallies"]) >= 1
