"""What is handed in with an application, applications made twice, and what a case ends with, through the handlers."""

import json
from datetime import UTC, datetime

import jwt
import pytest
from jwt.api_jws import PyJWS
from liangwang.aggregates import APPLICATION, Key
from liangwang.changes import changes
from liangwang.fakes import Fault, kafka_event
from liangwang.services.keeping import Keeping

from tests.functional.citizens import Citizens
from tests.functional.functions import golden
from tests.functional.test_functions_materials import event, stored
from tests.unit.samples import NOON


@pytest.fixture
def functions():
    return Citizens()


def wish(**more):
    return {**json.loads(golden("http_apply")["body"]), "allow_duplicate": False, **more}


def apply(functions, *, subject="citizen", key="", **more):
    headers = {"idempotency-key": key} if key else {}
    return functions.http(
        "intake", event("POST /api/applications", body=wish(**more), subject=subject, headers=headers)
    )


def submitted(functions, case_no):
    key = Key(APPLICATION.name, case_no)
    return functions.store("intake").load([key])[key].state.submitted


def follow_up(functions):
    """The step that learns from the table's stream which case a file was handed in with."""
    found = changes(functions.aws.dynamodb.event("intake"))
    Keeping(functions.store("intake"), functions.objects).take(found, NOON)


def fields(problem):
    return [one["field"] for one in problem["errors"]]


# ------------------------------------------------------------------ files and certificates


def test_a_file_is_handed_in_with_a_code_and_rules_see_the_code(functions):
    file = stored(functions)
    entries = ["identity-card", {"code": "photo", "material_id": file["material_id"]}]
    status, view = apply(functions, materials=entries)
    assert status == 201, view
    said = submitted(functions, view["case_no"])
    assert said.materials == ("identity-card", "photo")
    (attachment,) = said.attachments
    assert (attachment.code, attachment.origin, attachment.sha256) == ("photo", "upload", file["sha256"])
    assert (attachment.name, attachment.version) == ("photo-1.pdf", 1), (
        "the applicant's own name of it may hold anything"
    )


def test_a_second_time_it_is_an_earlier_one_and_nothing_was_sent_again(functions, capsysbinary):
    entries = [{"code": "photo", "material_id": stored(functions)["material_id"]}, "identity-card"]
    first = apply(functions, materials=entries)[1]
    for _ in range(2):
        follow_up(functions)
    second = apply(functions, materials=entries, allow_duplicate=True)[1]
    origins = [submitted(functions, view["case_no"]).attachments[0].origin for view in (first, second)]
    assert origins == ["upload", "earlier"]
    lines = [json.loads(line) for line in capsysbinary.readouterr().out.splitlines()]
    counted = [(line["materials_uploaded"], line["materials_reused"]) for line in lines if "materials_reused" in line]
    assert counted == [(1, 0), (0, 1)]


def test_a_certificate_of_an_earlier_case_stands_for_a_material(functions):
    earlier = granted(functions)
    number = f"{earlier}-Z"
    status, view = apply(functions, materials=["photo", {"code": "identity-card", "certificate_no": number}])
    assert status == 201, view
    (attachment,) = submitted(functions, view["case_no"]).attachments
    assert (attachment.origin, attachment.certificate_no, attachment.material_id) == ("certificate", number, "")
    entry = {"code": "identity-card", "certificate_no": number}
    status, problem = apply(functions, subject="li", materials=["photo", entry])
    assert (status, fields(problem)) == (422, ["materials[1].certificate_no"])


@pytest.mark.parametrize(
    ("entry", "field"),
    [
        ({"code": "photo", "material_id": "0" * 32}, "materials[0].material_id"),
        ({"code": "photo", "material_id": "../" * 700}, "materials[0].material_id"),
        ({"code": "photo", "certificate_no": "none"}, "materials[0].certificate_no"),
        ({"code": "photo"}, "materials[0]"),
        ({"code": "photo", "material_id": "a", "certificate_no": "b"}, "materials[0]"),
        ({"code": "moon-rock", "material_id": "a"}, "materials[0]"),
    ],
)
def test_what_is_not_there_is_named_and_nothing_is_made(functions, entry, field):
    status, problem = apply(functions, materials=[entry])
    assert (status, fields(problem)[0]) == (422, field)
    assert not functions.aws.dynamodb.tables.get("intake")


def test_another_s_file_cannot_be_handed_in(functions):
    entry = {"code": "photo", "material_id": stored(functions, subject="li")["material_id"]}
    status, problem = apply(functions, materials=[entry])
    assert (status, fields(problem)) == (422, ["materials[0].material_id"])


def test_more_than_fifty_are_too_many(functions):
    assert apply(functions, materials=["photo"] * 51)[0] == 400


# ------------------------------------------------------------------ the same wish twice


def test_an_open_case_of_the_same_item_and_place_is_shown_before_another_is_made(functions):
    first = apply(functions)[1]["case_no"]
    status, problem = apply(functions)
    assert (status, problem["type"]) == (409, "urn:liangwang:problem:duplicate_application")
    assert first in problem["detail"] and fields(problem) == ["allow_duplicate"]
    assert apply(functions, allow_duplicate=True)[0] == 201


def test_another_place_another_person_and_a_closed_case_are_no_duplicates(functions):
    assert apply(functions)[0] == 201
    assert apply(functions, place="990102001")[0] == 201
    assert apply(functions, subject="li")[0] == 201
    granted(functions, subject="wang")
    assert apply(functions, subject="wang")[0] == 201


def test_a_repeated_request_with_its_key_is_no_duplicate(functions):
    assert apply(functions, key="k")[1]["case_no"] == apply(functions, key="k")[1]["case_no"]


def test_the_same_request_still_on_its_way_is_no_duplicate(functions):
    beneath, waiting = functions.aws.call, [True]

    def call(service, operation, request):
        """The first of two equal requests makes its case while the second looks for others."""
        if operation == "Query" and waiting:
            waiting.pop()
            assert apply(functions, key="k")[0] == 201
        return beneath(service, operation, request)

    functions.aws.call = call
    assert apply(functions, key="k")[0] == 201
    assert len([name for name in functions.aws.dynamodb.tables["intake"] if name.startswith("application#")]) == 1


def test_who_allows_duplicates_pays_for_no_look(functions):
    apply(functions, allow_duplicate=True)
    assert [name for service, name, _ in functions.aws.calls if service == "dynamodb"] == ["PutItem"]


# ------------------------------------------------------------------ how a case ends


def granted(functions, *, subject="citizen", **more):
    """A case that the department has granted, as the exchange brings its word."""
    status, view = apply(functions, subject=subject, allow_duplicate=True, **more)
    assert status == 201, view
    word = {
        "outcome": "granted",
        "certificate_no": f"{view['case_no']}-Z",
        "certificate_name": {"zh": "老年人优待证", "en": "Card for older people"},
        "told": 1,
    }
    functions.tell(view["case_no"], ("case.decided", word))
    return view["case_no"]


def result(functions, case_no, *, accept="application/json", subject="citizen"):
    """The answer as it goes out."""
    route = "GET /api/applications/{case_no}/result"
    return functions.call("intake", event(route, case_no=case_no, subject=subject, headers={"accept": accept}))


def test_a_result_is_there_once_the_case_has_ended_and_for_the_applicant_only(functions):
    open_case = apply(functions)[1]["case_no"]
    assert result(functions, open_case)["statusCode"] == 409
    ended = granted(functions)
    answer = result(functions, ended)
    document = json.loads(answer["body"])
    assert (answer["statusCode"], document["outcome"], document["certificate_no"]) == (200, "granted", f"{ended}-Z")
    assert document["submitted_at"] <= document["decided_at"]
    assert result(functions, ended, subject="li")["statusCode"] == 404


def test_a_case_was_decided_when_the_department_said_so_and_not_when_it_was_heard(functions):
    case_no = apply(functions)[1]["case_no"]
    functions.tell(case_no, ("case.decided", {"outcome": "denied", "told": 1}), at=NOON)
    document = json.loads(result(functions, case_no)["body"])
    assert datetime.fromisoformat(document["decided_at"]) == NOON


def test_a_refusal_has_its_number_and_reasons(functions):
    case_no = apply(functions)[1]["case_no"]
    reasons = [{"zh": "未满65周岁", "en": "under 65"}]
    functions.tell(case_no, ("case.refused", {"refusal_doc_no": f"{case_no}-B", "reasons": reasons}))
    document = json.loads(result(functions, case_no)["body"])
    assert (document["outcome"], document["document_no"], document["reasons"]) == ("refused", f"{case_no}-B", reasons)


def test_a_result_is_printed_with_every_value_escaped(functions):
    case_no = apply(functions)[1]["case_no"]
    reasons = [{"zh": "<script>alert(1)</script>", "en": "a & b"}]
    functions.tell(case_no, ("case.refused", {"refusal_doc_no": "B", "reasons": reasons}))
    answer = result(functions, case_no, accept="text/html")
    assert answer["headers"]["content-type"].startswith("text/html")
    assert "<script" not in answer["body"] and "&lt;script&gt;" in answer["body"] and "a &amp; b" in answer["body"]
    assert "审批结果" in answer["body"] and '<span lang="en">Result</span>' in answer["body"]


def test_a_result_is_xml_for_whoever_wants_it(functions):
    answer = result(functions, granted(functions), accept="application/xml")
    assert (answer["statusCode"], answer["body"][:5]) == (200, "<?xml")


def test_anybody_checks_a_signed_result_with_the_public_key(functions):
    ended = granted(functions)
    signed = result(functions, ended, accept="application/jose")
    assert signed["headers"]["content-type"] == "application/jose"
    header = jwt.get_unverified_header(signed["body"])
    assert (header["kid"], header["typ"], header["alg"]) == ("certificate", "liangwang-result+jws", "ES256")
    keys = {key["kid"]: key for key in functions.http("identity", golden("http_keys"))[1]["keys"]}
    content = json.loads(PyJWS().decode(signed["body"], jwt.PyJWK(keys["certificate"]).key, algorithms=["ES256"]))
    assert (content["certificate_no"], content["iss"]) == (f"{ended}-Z", "https://liangwang.example")
    with pytest.raises(jwt.InvalidSignatureError):
        PyJWS().decode(signed["body"], jwt.PyJWK(keys["token"]).key, algorithms=["ES256"])


def test_a_signed_result_is_no_token(functions):
    signed = result(functions, granted(functions), accept="application/jose")["body"]
    asked = golden("authorizer")
    asked["headers"]["authorization"] = f"Bearer {signed}"
    assert functions.call("authorizer", asked)["context"]["problem"].startswith("token invalid")


# ------------------------------------------------------------------ the receipt


DUE = {
    "started_on": "2027-03-01",
    "statutory_days": 20,
    "promised_days": 8,
    "basis": "《中华人民共和国行政许可法》第四十二条",
    "statutory_at": "2027-03-29T09:30:00Z",
    "promised_at": "2027-03-11T09:30:00Z",
    "yellow_at": "2027-03-05T09:30:00Z",
    "red_at": "2027-03-09T09:30:00Z",
}


def accepted(functions, **more):
    case_no = apply(functions, allow_duplicate=True)[1]["case_no"]
    told = {"accept_doc_no": f"{case_no}-S", "due": DUE, **more}
    functions.tell(case_no, ("case.accepted", told), at=datetime(2099, 3, 1, 4, tzinfo=UTC))
    return case_no


def receipt(functions, case_no, *, accept="application/json", subject="citizen"):
    route = "GET /api/applications/{case_no}/receipt"
    return functions.call("intake", event(route, case_no=case_no, subject=subject, headers={"accept": accept}))


def test_a_receipt_has_number_date_due_dates_and_seal_once_the_department_has_accepted(functions):
    waiting = apply(functions, allow_duplicate=True)[1]["case_no"]
    assert receipt(functions, waiting)["statusCode"] == 409
    case_no = accepted(functions)
    document = json.loads(receipt(functions, case_no)["body"])
    found = document["receipt"]
    assert (found["number"], found["accepted_on"], found["counts_from"]) == (f"{case_no}-S", "2099-03-01", "2027-03-01")
    assert (found["promised_at"], found["statutory_at"]) == (DUE["promised_at"], DUE["statutory_at"])
    assert [one["zh"] for one in found["materials"]] == ["居民身份证", "近期免冠照片"]
    assert document["seal"]["text"]["zh"].endswith("行政审批专用章")
    assert receipt(functions, case_no, subject="li")["statusCode"] == 404


def test_anybody_checks_the_seal_of_a_receipt_with_the_public_key(functions):
    case_no = accepted(functions)
    keys = {key["kid"]: key for key in functions.http("identity", golden("http_keys"))[1]["keys"]}
    signed = receipt(functions, case_no, accept="application/jose")["body"]
    assert jwt.get_unverified_header(signed)["typ"] == "liangwang-receipt+jws"
    for signature in (signed, json.loads(receipt(functions, case_no)["body"])["seal"]["signature"]):
        content = json.loads(PyJWS().decode(signature, jwt.PyJWK(keys["certificate"]).key, algorithms=["ES256"]))
        assert content["number"] == f"{case_no}-S"


def test_a_receipt_is_printed_and_says_what_it_rests_on_when_nobody_examined_in_time(functions):
    page = receipt(functions, accepted(functions, deemed=True, basis="第三十二条"), accept="text/html")
    assert page["headers"]["content-type"].startswith("text/html")
    for words in ("受理回执", "视为受理", "第三十二条", "行政审批专用章", "2027-03-29"):
        assert words in page["body"]


# ------------------------------------------------------------------ the clerk opens a file


def opened(functions, case_no, *, code="photo", department="", role="reviewer", **body):
    found = event(
        "POST /api/cases/{case_no}/materials/{code}", body={"reason": "核对照片", **body}, case_no=case_no, code=code
    )
    found["requestContext"]["authorizer"]["lambda"] = {"subject": "clerk", "role": role, "department": department}
    return functions.http("approval", found)


def received(functions):
    """A case with a file, as it reached the department."""
    entries = ["identity-card", {"code": "photo", "material_id": stored(functions)["material_id"]}]
    case_no = apply(functions, materials=entries)[1]["case_no"]
    records = functions.aws.dynamodb.event("intake")["Records"]
    functions.call("relay", {"Records": [one for one in records if "pending" in one["dynamodb"]["NewImage"]]})
    functions.call("acceptance", kafka_event(functions.producer.records("applications")))
    return case_no, submitted(functions, case_no).department


def accesses(functions):
    items = functions.aws.dynamodb.tables["department"]
    keys = [Key.parse(name) for name in items if name.startswith("access#")]
    return [stored.state for stored in functions.store("department").load(keys).values()]


def test_a_reviewer_opens_a_file_of_a_case_that_rules_decided_and_it_is_on_record_why(functions):
    case_no, department = received(functions)
    status, link = opened(functions, case_no, department=department)
    assert (status, functions.objects.fetch(link["url"])[:5]) == (200, b"%PDF-")
    (access,) = accesses(functions)
    assert (access.subject, access.fields, access.reason) == (case_no, ("photo/1",), "核对照片")


def test_without_a_reason_a_right_or_a_record_no_file_is_opened(functions):
    case_no, department = received(functions)
    assert opened(functions, case_no, department=department, reason=" ")[0] == 422
    assert opened(functions, case_no, department="D-990101-FIRE")[0] == 404
    assert opened(functions, case_no, department=department, role="supervisor")[0] == 403
    assert opened(functions, case_no, department=department, code="identity-card")[0] == 404, "a paper has no file"
    assert opened(functions, case_no, department=department, version=2)[0] == 404
    functions.aws.faults.append(Fault("PutItem"))
    assert opened(functions, case_no, department=department)[0] == 500
    assert accesses(functions) == []
