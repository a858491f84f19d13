"""A citizen's application enters over HTTP, travels through Kafka and the three systems, and comes back decided."""

import json
from datetime import UTC, datetime, timedelta

from tests.waiting import eventually


def work(city, department, worklist):
    """What lies on a department's desk."""
    return city.api.get(f"clerk-{department}-1", f"/api/{worklist}", limit=100)[worklist]


def await_work(city, department, worklist, case_no):
    """The entry of a case on a department's desk, once it is there."""
    return eventually(
        lambda: next((one for one in work(city, department, worklist) if one["case_no"] == case_no), None),
        what=f"{case_no} to lie on the desk of {department}",
    )


def settled(city, case_no):
    """The case in the three systems, once they agree."""

    def footprint():
        found = city.tables.case(case_no)
        return found if found.outcome else None

    return eventually(footprint, what=f"{case_no} to be settled in all three systems")


def whole_timeline(city, case_no, length):
    """The citizen's timeline once it has so many entries: acceptances and approvals are two topics, in any order."""

    def view():
        found = city.follow(case_no)["timeline"]
        return found if len(found) == length else None

    return eventually(view, what=f"the timeline of {case_no} to have {length} entries")


def test_a_case_that_needs_nobody_is_decided_at_once_with_a_certificate(city):
    case_no = city.apply(city.wish("elderly-card"))
    view = city.await_status(case_no, "granted")
    assert view["decision"]["certificate_no"] == f"{case_no}-Z"
    assert [entry["event"] for entry in whole_timeline(city, case_no, 5)] == [
        "application.submitted",
        "case.accepted",
        "approval.step_completed",
        "approval.step_completed",
        "case.decided",
    ]
    assert settled(city, case_no).outcome == "granted"


def test_the_same_idempotency_key_gives_the_same_case(city):
    wish = city.wish("elderly-card")
    assert city.apply(wish, key="k-same") == city.apply(wish, key="k-same")
    assert city.apply(wish, key="k-other") != city.apply(wish, key="k-same")


def test_what_is_missing_is_asked_for_once_and_the_answer_goes_on(city):
    wish = city.wish("food-business-licence")
    wish["materials"] = ["business-licence"]
    case_no = city.apply(wish)
    view = city.await_status(case_no, "supplementing")
    assert [point["field"] for point in view["notice"]["points"]] == ["layout-plan", "safety-rules"]
    city.api.post(
        "citizen-001", f"/api/applications/{case_no}/supplement", {"materials": ["layout-plan", "safety-rules"]}
    )
    city.await_status(case_no, "accepted", "in_review")


def test_what_the_item_is_not_for_is_refused_with_its_reason(city):
    case_no = city.apply(city.wish("elderly-card", birth_year=1990))
    view = city.await_status(case_no, "refused")
    assert "不予受理" in view["timeline"][-1]["text"]["zh"]


def test_clerks_complete_the_steps_and_nobody_does_two_of_one_case(city):
    case_no = city.apply(city.wish("food-business-licence"))
    assert await_work(city, "990101-market", "cases", case_no)["step"] == "review"
    steps = f"/api/cases/{case_no}/steps"
    city.api.post("clerk-990101-market-2", steps, {"step": "review", "opinion": "agree"})
    refused = city.refused("clerk-990101-market-2", steps, {"step": "approve", "opinion": "agree"})
    assert (refused["status"], refused["type"]) == (403, "urn:liangwang:problem:forbidden")
    city.api.post("clerk-990101-market-3", steps, {"step": "approve", "opinion": "agree"})
    city.await_status(case_no, "granted")


def test_a_clerk_of_the_department_sees_the_personal_data_for_a_reason_and_nobody_else_finds_the_case(city):
    case_no = city.apply(city.wish("food-business-licence"))
    await_work(city, "990101-market", "cases", case_no)
    detail = city.api.get("clerk-990101-market-1", f"/api/cases/{case_no}")
    assert detail["personal"]["phone"] == "138****0000"
    assert "phone" not in detail["form"]
    shown = city.api.post("clerk-990101-market-1", f"/api/cases/{case_no}/personal", {"reason": "示例核对"})
    assert shown["personal"]["phone"] == "13800000000"
    assert city.refused("clerk-990102-market-1", f"/api/cases/{case_no}")["status"] == 404


def test_an_agent_applies_under_a_mandate_and_the_principal_follows(city):
    until = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    mandate = {"agent": "citizen-002", "acts": ["submit"], "expires_at": until, "task_codes": ["food-business-licence"]}
    assert city.api.post("citizen-001", "/api/mandates", mandate)["state"] == "holds"
    wish = city.wish("food-business-licence", place="990102001")
    wish |= {"on_behalf_of": "citizen-001"}
    assert city.refused("citizen-003", "/api/applications", wish)["status"] == 404
    case_no = city.apply(wish, citizen="citizen-002")
    view = city.await_status(case_no, "accepted", "in_review")
    assert (view["agent"], view["timeline"][0]["agent"]) == ("citizen-002", "citizen-002")
    assert city.refused("citizen-002", f"/api/applications/{case_no}")["status"] == 404, (
        "to read was not among the acts"
    )


def test_other_departments_are_asked_across_the_levels_and_their_answers_are_joined(city):
    case_no = city.apply(city.wish("food-business-licence", place="990103001", area=300))
    fire = await_work(city, "990100-fire", "tasks", case_no)  # the district has no fire brigade of its own
    town = await_work(city, "990103001-service", "tasks", case_no)
    city.api.post("clerk-990100-fire-1", f"/api/tasks/{fire['task_id']}/report", {"opinion": "agree"})
    city.api.post("clerk-990103001-service-1", f"/api/tasks/{town['task_id']}/sign", {})
    city.api.post("clerk-990103001-service-1", f"/api/tasks/{town['task_id']}/report", {"opinion": "agree"})
    await_work(city, "990103-market", "cases", case_no)
    event = city.api.get("operator-990100", f"/api/collaborations/{fire['task_id'].rpartition('-')[0]}")
    assert event["conclusion"]["conclusion"] == "agree"
    ways = {task["department"]: [(hop["region"], hop["reason"]) for hop in task["path"]] for task in event["tasks"]}
    assert ways["D-990100-FIRE"] == [("990103", "registered"), ("990100", "target")]
    assert ways["D-990103001-SERVICE"] == [("990103", "registered"), ("990103001", "target")]


def test_an_objection_of_a_department_denies_the_case(city):
    case_no = city.apply(city.wish("individual-business-registration", premises_kind="home"))
    task = await_work(city, "990101001-service", "tasks", case_no)
    report = {"opinion": "disagree", "explanation": "示例：利害关系业主不同意"}
    city.api.post("clerk-990101001-service-1", f"/api/tasks/{task['task_id']}/report", report)
    assert city.await_status(case_no, "denied")["decision"]["reasons"]


def test_a_withdrawal_ends_the_case_and_recalls_what_others_were_asked(city):
    case_no = city.apply(city.wish("individual-business-registration", premises_kind="home"))
    await_work(city, "990101001-service", "tasks", case_no)
    city.api.post("citizen-001", f"/api/applications/{case_no}/withdrawal", {"reason": "示例"})
    city.await_status(case_no, "withdrawn")
    assert settled(city, case_no).outcome == "withdrawn"
    assert all(task["case_no"] != case_no for task in work(city, "990101001-service", "tasks"))


def told(number, sequence, kind, at, **data):
    """One entry as the exchange takes it from a department's system."""
    return {
        "id": f"partner/{number}/{sequence}",
        "type": kind,
        "case_no": number,
        "time": at.isoformat(),
        "data": {"case_no": number, "department": "D-990101-MARKET", **data},
    }


def test_progress_delivered_twice_and_out_of_order_leaves_the_timeline_right(city):
    """Ours accepts and stops at review; a system of somebody else's speaks for the department from there on.

    The end comes first, everything comes twice, and no two of its clocks agree: the decision says yesterday.
    """
    case_no = city.apply(city.wish("food-business-licence"))
    before = whole_timeline(city, case_no, 3)  # submitted, accepted, handled by rule
    done = city.tables.case(case_no).application.state.progress[-1].sequence
    now = datetime.now(UTC)
    by = {"opinion": "agree", "by": "partner-clerk"}
    review = told(case_no, done + 1, "approval.step_completed", now + timedelta(hours=3), step="review", **by)
    approve = told(case_no, done + 2, "approval.step_completed", now - timedelta(hours=3), step="approve", **by)
    end = {"outcome": "granted", "certificate_no": "SAMPLE-1", "told": 5}
    decided = told(case_no, done + 3, "case.decided", now - timedelta(days=1), **end)

    def deliver(*entries):
        return city.api.post("partner", "/exchange/progress", {"progress": entries})

    assert deliver(decided, approve, decided) == {"taken": 3, "refused": []}
    assert city.follow(case_no)["status"] == "granted"
    assert not city.tables.case(case_no).application.state.has_heard_all
    assert deliver(approve, review, review) == {"taken": 3, "refused": []}

    after = city.follow(case_no)
    assert (after["status"], after["decision"]["certificate_no"]) == ("granted", "SAMPLE-1")
    assert after["timeline"][:3] == before
    shown = [(entry["event"], datetime.fromisoformat(entry["at"])) for entry in after["timeline"][3:]]
    assert shown == [(one["type"], datetime.fromisoformat(one["time"])) for one in (review, approve, decided)]
    assert [entry["text"]["zh"][:2] for entry in after["timeline"][3:5]] == ["审核", "批准"]
    assert city.tables.case(case_no).application.state.has_heard_all


def test_what_is_not_the_departments_word_about_the_case_changes_nothing(city):
    """Another department's word waits unseen, in case news of a transfer is still on its way; one about another case is refused."""
    case_no, other = (city.apply(city.wish("food-business-licence")) for _ in range(2))
    now = datetime.now(UTC)
    stranger = told(case_no, 90, "case.decided", now, outcome="denied", department="D-990102-MARKET")
    mistaken = told(case_no, 91, "case.decided", now, outcome="denied", case_no=other)
    receipt = city.api.post("partner", "/exchange/progress", {"progress": [stranger, mistaken]})
    assert receipt["taken"] == 1
    assert [one["id"] for one in receipt["refused"]] == [mistaken["id"]]
    assert city.follow(case_no)["status"] not in ("denied", "granted")
    assert not any(entry["event"] == "case.decided" for entry in city.follow(case_no)["timeline"])


def test_a_case_is_shown_across_the_three_systems_in_chinese(city):
    from local import case

    case_no = city.apply(city.wish("food-business-licence", area=300))
    await_work(city, "990101-fire", "tasks", case_no)
    footprint = city.tables.case(case_no)
    assert "等待协同部门：" in case.waits_for(footprint, city.catalogue)
    assert {line.system for line in case.lines(footprint, city.catalogue)} == {"收件系统", "部门审批系统", "治理中心"}


def test_the_demo_reconciles_the_three_systems(city, tmp_path):
    from msgspec import to_builtins

    from local import demo

    report = demo.play(city.stack, city.lot(60))
    assert report.is_clean, report
    assert sum(report.outcomes.values()) == report.cases == 60
    assert not report.problems
    assert {"cases", "outcomes", "collaborations", "lost", "stuck", "duplicated", "seconds"} <= set(to_builtins(report))
    json.dumps(to_builtins(report))
