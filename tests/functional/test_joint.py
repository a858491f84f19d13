"""One application for several items: what the citizen sees, what each department gets, what happens when something ends."""

import pytest
from liangwang.aggregates import APPLICATION, JOINT, Key
from liangwang.catalogue import load
from liangwang.domain import messages as m
from msgspec import json

from tests.conftest import REPOSITORY
from tests.functional.citizens import CITIZEN, STRANGER, Citizens

CATALOGUE = load(REPOSITORY / "layers" / "catalogue")
REGISTER, FOOD, SIGN = "individual-business-registration", "food-business-licence", "outdoor-advertisement"
CERTIFIED = ("case.decided", {"outcome": "granted", "certificate_no": "C-1", "told": 1})
DENIED = ("case.decided", {"outcome": "denied", "told": 1})
REFUSED = ("case.refused", {"refusal_doc_no": "R-1", "reasons": [], "told": 1})
WITHDRAWN = ("case.decided", {"outcome": "withdrawn", "told": 1})
PLACE = "990101001"


@pytest.fixture
def citizens():
    return Citizens()


def wish(code="open-a-restaurant", *, optional=(), form=None, **changes):
    example = CATALOGUE.joint[code].example
    taken = [one for one in CATALOGUE.joint[code].members if not one.optional or one.item in optional]
    codes = {one.item for one in taken}
    sign = {"position", "sign_area", "lit", "near_protected_site", "months"} if code == "open-a-restaurant" else set()
    own = {name: value for name, value in example.form.items() if SIGN in codes or name not in sign}
    materials = [one for one in example.materials if SIGN in codes or one not in ("rendering", "site-consent")]
    return {
        "place": PLACE,
        "form": {**own, **(form or {})},
        "materials": materials,
        "optional": list(optional),
        **changes,
    }


def apply(citizens, code="open-a-restaurant", caller=CITIZEN, key="k", **changes):
    route = "POST /api/joint-items/{joint_code}/applications"
    headers = {"idempotency-key": key} if key else {}
    return citizens.ask("joint", route, caller, body=wish(code, **changes), headers=headers, joint_code=code)


def begun(citizens, *args, **settings):
    status, view = apply(citizens, *args, **settings)
    assert status == 201, view
    return view


def followed(citizens, view, caller=CITIZEN):
    status, now = citizens.ask("joint", "GET /api/joint-applications/{joint_no}", caller, joint_no=view["joint_no"])
    assert status == 200, now
    return now


def withdrawn(citizens, view, *items, caller=CITIZEN):
    route = "POST /api/joint-applications/{joint_no}/withdrawal"
    return citizens.ask("joint", route, caller, body={"items": list(items)}, joint_no=view["joint_no"])


def states(view):
    return [one["state"] for one in view["members"]]


def ends(citizens, view, task_code, ending):
    """The department's word on one member's case, and what follows from it."""
    (member,) = (one for one in view["members"] if one["task_code"] == task_code)
    citizens.tell(member["case_no"], ending)
    citizens.follow_all()
    return followed(citizens, view)


def application(citizens, view, position):
    key = Key(APPLICATION.name, view["members"][position]["case_no"])
    return citizens.store("intake").load([key])[key].state


def kept(citizens, view):
    key = Key(JOINT.name, view["joint_no"])
    return citizens.store("intake").load([key])[key]


# ------------------------------------------------------------------ what there is


@pytest.mark.parametrize("code", CATALOGUE.joint)
def test_a_joint_item_shows_one_form_and_each_material_once(citizens, code):
    status, view = citizens.ask("items", "GET /api/joint-items/{joint_code}", CITIZEN, joint_code=code)
    assert status == 200 and set(view["form"]["properties"]) == set(CATALOGUE.joint[code].example.form)
    codes = [one["code"] for one in view["materials"]]
    assert len(codes) == len(set(codes)) and not {one["material"] for one in view["waived"]} & set(codes)
    _, listed = citizens.ask("items", "GET /api/joint-items", CITIZEN)
    assert code in [one["joint_code"] for one in listed["joint_items"]]


def test_an_unknown_joint_item_is_not_found(citizens):
    assert citizens.ask("items", "GET /api/joint-items/{joint_code}", CITIZEN, joint_code="fly")[0] == 404
    route = "POST /api/joint-items/{joint_code}/applications"
    assert citizens.ask("joint", route, CITIZEN, body=wish(), joint_code="fly")[0] == 404


# ------------------------------------------------------------------ the way of a joint application


def test_what_waits_for_nothing_is_applied_for_at_once_and_the_rest_when_it_is_its_turn(citizens):
    view = begun(citizens, optional=[SIGN])
    assert states(view) == ["submitted", "waiting", "waiting"] and view["status"] == "in_progress"
    assert view["members"][1]["waits_for"] == [REGISTER] and view["members"][1]["case"] is None
    view = ends(citizens, view, REGISTER, CERTIFIED)
    assert states(view) == ["granted", "submitted", "submitted"]
    view = ends(citizens, view, FOOD, CERTIFIED)
    view = ends(citizens, view, SIGN, DENIED)
    assert states(view) == ["granted", "granted", "denied"] and view["status"] == "partly_granted"


def test_a_certificate_stands_for_the_material_that_it_waives(citizens, capsysbinary):
    view = begun(citizens)
    ends(citizens, view, REGISTER, CERTIFIED)
    assert b'"materials_reused":1' in capsysbinary.readouterr().out, "nobody had to send it"
    submitted = application(citizens, view, 1).submitted
    assert submitted.materials == ("layout-plan", "safety-rules", "business-licence")
    (attached,) = submitted.attachments
    assert (attached.code, attached.origin, attached.certificate_no) == ("business-licence", "certificate", "C-1")


def test_each_department_gets_a_case_with_its_own_form_and_nothing_of_the_others(citizens):
    view = begun(citizens, optional=[SIGN])
    ends(citizens, view, REGISTER, CERTIFIED)
    forms = [application(citizens, view, position).submitted for position in range(3)]
    assert [one.form["trade"] for one in forms[:1]] == ["catering"]
    assert forms[1].form == {"business": "restaurant", "area": 80, "cold_dishes": False, "gas_kitchen": True}
    assert forms[2].form["area"] == 8 and "capital" not in forms[2].form
    assert len({one.case_no for one in forms}) == len({one.department for one in forms}) + 1 == 3


def test_the_form_of_one_who_comes_to_grow_old_serves_both_items(citizens):
    view = begun(citizens, "come-to-grow-old")
    view = ends(citizens, view, "residence-permit", CERTIFIED)
    submitted = application(citizens, view, 1).submitted
    assert (
        submitted.materials == ("identity-card", "photo", "residence-proof") and submitted.form["household"] == "other"
    )


@pytest.mark.parametrize("ending", [DENIED, REFUSED, WITHDRAWN])
def test_what_waits_for_something_that_is_not_granted_is_not_possible_and_the_citizen_is_told(citizens, ending):
    view = ends(citizens, begun(citizens, optional=[SIGN]), REGISTER, ending)
    assert states(view)[1:] == ["not_possible", "not_possible"]
    assert view["members"][1]["blocked_by"] == REGISTER and "前置" in view["members"][1]["state_text"]["zh"]
    assert view["status"] == ("withdrawn" if ending is WITHDRAWN else "not_granted")


def test_what_is_personal_is_kept_encrypted_until_all_is_submitted_and_then_dropped(citizens):
    view = begun(citizens)
    before = kept(citizens, view)
    assert set(before.state.tokens) == {"operator", "identity_number", "phone", "premises"}
    secrets = ("李示例", "990101198001010000", "13800000000", "示例路")
    assert not [one for one in secrets if one in json.encode(before.state).decode()]
    assert "operator" not in before.state.form
    ends(citizens, view, REGISTER, CERTIFIED)
    after = kept(citizens, view)
    assert after.state.tokens == {} and len(after.history) == 1
    assert application(citizens, view, 1).submitted.sealed is not None


# ------------------------------------------------------------------ once for the citizen


def listed(citizens, caller=CITIZEN):
    status, page = citizens.ask("intake", "GET /api/applications", caller, query={"limit": "100"})
    assert status == 200
    return page["cases"]


def test_a_joint_application_counts_once_for_the_citizen_and_once_in_each_department(citizens):
    single = citizens.apply()
    view = begun(citizens, optional=[SIGN])
    ends(citizens, view, REGISTER, CERTIFIED)
    cases = listed(citizens)
    assert [(one["case_no"], one["joint"]) for one in cases] == [
        (single, ""),
        (view["members"][0]["case_no"], view["joint_no"]),
    ]
    assert [one["case"]["joint"] for one in followed(citizens, view)["members"]] == [view["joint_no"]] * 3
    names = [Key.parse(name) for name in citizens.aws.dynamodb.tables["intake"] if name.startswith("application#")]
    assert len(names) == 4


def test_my_joint_applications_are_mine_alone(citizens):
    view = begun(citizens)
    _, mine = citizens.ask("joint", "GET /api/joint-applications", CITIZEN)
    assert [one["joint_no"] for one in mine["joint_applications"]] == [view["joint_no"]]
    _, others = citizens.ask("joint", "GET /api/joint-applications", STRANGER)
    assert others["joint_applications"] == []
    path = {"joint_no": view["joint_no"]}
    assert citizens.ask("joint", "GET /api/joint-applications/{joint_no}", STRANGER, **path)[0] == 404
    assert withdrawn(citizens, view, caller=STRANGER)[0] == 404


def test_an_agent_needs_a_mandate_for_the_act(citizens):
    agent = STRANGER
    assert apply(citizens, caller=agent, on_behalf_of="zhang")[0] == 404
    citizens.mandate("zhang", "li", acts=("submit", "read"))
    status, view = apply(citizens, caller=agent, on_behalf_of="zhang")
    assert status == 201, view
    assert followed(citizens, view)["agent"] == followed(citizens, view, agent)["agent"] == "li"
    assert withdrawn(citizens, view, caller=agent)[0] == 404
    assert application(citizens, view, 0).agent == "li"


# ------------------------------------------------------------------ the same wish again, and wrong ones


def test_the_same_key_gives_the_same_joint_application(citizens):
    assert begun(citizens) == begun(citizens)
    more = {"allow_duplicate": True}
    assert begun(citizens)["joint_no"] != begun(citizens, key="other", **more)["joint_no"]
    assert begun(citizens, key="", **more)["joint_no"] != begun(citizens, key="", **more)["joint_no"]


def test_a_key_used_for_another_content_is_refused(citizens):
    begun(citizens)
    status, problem = apply(citizens, channel="app")
    assert (status, problem["type"]) == (422, "urn:liangwang:problem:idempotency_key_reused")


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"form": {"area": "wide"}}, "form.area"),
        ({"form": {"moon": 1}}, "form.moon"),
        ({"form": {"sign_area": 5}}, "form.sign_area"),
        ({"materials": ["business-licence"]}, "materials[0]"),
        ({"optional": [FOOD]}, "optional[0]"),
        ({"place": "990101"}, "place"),
    ],
)
def test_what_does_not_fit_is_named_and_nothing_is_kept(citizens, changes, field):
    status, problem = apply(citizens, **changes)
    assert status == 422 and field in [one["field"] for one in problem["errors"]]
    assert not citizens.aws.dynamodb.tables.get("intake")


def test_who_may_not_apply_for_every_item_may_not_apply_for_the_whole(citizens):
    status, problem = apply(citizens, caller={**CITIZEN, "applicant_type": "2"})
    assert status == 422 and [one["field"] for one in problem["errors"]] == ["joint_code"]


def test_the_real_name_level_that_one_item_asks_for_is_asked_for_the_whole(citizens):
    status, problem = apply(citizens, "come-to-grow-old", {**CITIZEN, "level": "1"})
    assert (status, problem["type"]) == (403, "urn:liangwang:problem:step_up_required")
    assert not citizens.aws.dynamodb.tables.get("intake")
    assert apply(citizens, "come-to-grow-old")[0] == 201


# ------------------------------------------------------------------ withdrawing


def test_withdrawing_the_whole_stops_what_was_not_submitted_and_withdraws_the_rest(citizens):
    view = begun(citizens)
    status, view = withdrawn(citizens, view)
    assert status == 200 and states(view) == ["submitted", "stopped"]
    assert view["members"][0]["case"]["status"] == "withdrawing"
    view = ends(citizens, view, REGISTER, WITHDRAWN)
    assert states(view) == ["withdrawn", "stopped"] and view["status"] == "withdrawn"
    assert withdrawn(citizens, view)[0] == 409


def test_one_item_can_be_withdrawn_alone(citizens):
    view = begun(citizens, optional=[SIGN])
    assert states(withdrawn(citizens, view, SIGN)[1]) == ["submitted", "waiting", "stopped"]
    view = ends(citizens, view, REGISTER, CERTIFIED)
    assert states(view) == ["granted", "submitted", "stopped"]
    assert withdrawn(citizens, view, "elderly-card")[0] == 422


def test_two_withdrawals_at_the_very_same_time_both_hold(citizens):
    view = begun(citizens, optional=[SIGN])
    beneath, waiting = citizens.aws.call, [SIGN]

    def call(service, operation, request):
        """Somebody else's request comes in between the reading and the writing of this one."""
        if operation == "PutItem" and waiting:
            assert withdrawn(citizens, view, waiting.pop())[0] == 200
        return beneath(service, operation, request)

    citizens.aws.call = call
    assert withdrawn(citizens, view, FOOD)[0] == 200
    assert states(followed(citizens, view)) == ["submitted", "stopped", "stopped"]


def test_who_withdrew_a_joint_application_is_known(citizens):
    citizens.mandate("zhang", "li", acts=("read", "withdraw"))
    view = begun(citizens)
    assert withdrawn(citizens, view, FOOD, caller=STRANGER)[0] == 200
    assert kept(citizens, view).history[-1].cause.startswith("person/li/")


def test_the_case_that_an_agent_withdrew_as_part_of_the_whole_names_the_agent(citizens):
    citizens.mandate("zhang", "li", acts=("read", "withdraw"))
    view = begun(citizens)
    assert withdrawn(citizens, view, caller=STRANGER)[0] == 200
    path = {"case_no": view["members"][0]["case_no"]}
    timeline = citizens.ask("intake", "GET /api/applications/{case_no}", CITIZEN, **path)[1]["timeline"]
    assert [one["agent"] for one in timeline if one["event"] == "application.withdrawn"] == ["li"]
    assert [one["agent"] for one in timeline if one["event"] == "application.submitted"] == [""]


def test_a_case_that_its_applicant_withdraws_by_itself_ends_what_waits_for_it(citizens):
    view = begun(citizens)
    number = view["members"][0]["case_no"]
    route = "POST /api/applications/{case_no}/withdrawal"
    assert citizens.ask("intake", route, CITIZEN, body={}, case_no=number)[0] == 200
    assert states(ends(citizens, view, REGISTER, WITHDRAWN)) == ["withdrawn", "not_possible"]


def test_a_certificate_of_an_earlier_case_is_handed_in_once_for_the_items_that_need_it(citizens):
    earlier = citizens.apply()
    citizens.tell(earlier, ("case.decided", {"outcome": "granted", "certificate_no": "C-7", "told": 1}))
    materials = [one for one in wish()["materials"] if one != "layout-plan"]
    view = begun(citizens, materials=[*materials, {"code": "layout-plan", "certificate_no": "C-7"}])
    assert application(citizens, view, 0).submitted.attachments == ()
    ends(citizens, view, REGISTER, CERTIFIED)
    attached = application(citizens, view, 1).submitted.attachments
    assert [(one.code, one.certificate_no) for one in attached] == [("layout-plan", "C-7"), ("business-licence", "C-1")]
    unknown = [{"code": "layout-plan", "certificate_no": "C-8"}]
    status, problem = apply(citizens, key="2", materials=unknown, allow_duplicate=True)
    assert status == 422 and [one["field"] for one in problem["errors"]] == ["materials[0].certificate_no"]


def test_who_was_erased_has_no_case_made_any_more(citizens):
    view = begun(citizens)
    citizens.erase("zhang")
    assert states(ends(citizens, view, REGISTER, CERTIFIED)) == ["granted", "stopped"]


def test_the_members_messages_are_those_of_any_case(citizens):
    """A department that knows nothing of joint items can handle each."""
    view = begun(citizens)
    assert type(application(citizens, view, 0).submitted) is m.ApplicationSubmitted


# ------------------------------------------------------------------ an open case of one of the items


def test_an_open_case_of_one_of_the_items_is_shown_and_nothing_is_begun(citizens):
    open_cases = [member["case_no"] for member in begun(citizens)["members"] if member["state"] == "submitted"]
    status, problem = apply(citizens, key="another")
    assert (status, problem["type"]) == (409, "urn:liangwang:problem:duplicate_application")
    assert open_cases and all(number in problem["detail"] for number in open_cases)
    status, listed = citizens.ask("joint", "GET /api/joint-applications", CITIZEN)
    assert status == 200 and len(listed["joint_applications"]) == 1


def test_who_wants_a_second_one_says_so(citizens):
    first, second = begun(citizens), begun(citizens, key="another", allow_duplicate=True)
    assert first["joint_no"] != second["joint_no"]


def test_an_open_case_at_another_place_is_no_duplicate(citizens):
    begun(citizens)
    begun(citizens, key="another", place="990101002")
