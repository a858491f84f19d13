"""What applicants get in writing: PDF whose QR code is read as a phone reads it, and checked with the published key only."""

import base64
import copy
from datetime import UTC, datetime

import jwt
import pypdfium2
import pytest
import zxingcpp
from liangwang.aggregates import PERSON_KEY, Key
from liangwang.domain.person_key import PersonKey
from liangwang.processing import Command, perform

from tests.functional.citizens import CITIZEN, STRANGER, Citizens
from tests.functional.functions import golden

NAME = "李示例甲"
PERSON = {"name": NAME, "identity_no": "990101198001010014", "phone": "13900000000", "email": "li@example.com"}
LIST, ONE = "GET /api/applications/{case_no}/documents", "GET /api/applications/{case_no}/documents/{name}"
ACT = {"by": "head", "reason": "示例", "basis": "《行政许可法》第七十条"}
UNTIL = datetime(2037, 3, 1, tzinfo=UTC)
REASON = {"zh": "经营场所不符合要求", "en": "the premises do not meet what is asked for"}


@pytest.fixture
def city():
    city = Citizens()
    register(city)
    return city


def register(city):
    body = {"username": "zhang", "password": "a long example", "person": PERSON}
    status, answer = city.ask("users", "POST /api/register", {}, body=body)
    assert status == 201, answer


def granted(number, **changes):
    name = {"zh": "示例证", "en": "Example certificate"}
    certificate = {"certificate_no": f"{number}-Z", "certificate_name": name, "valid_until": UNTIL.isoformat()}
    return "case.decided", {"outcome": "granted", **certificate, **changes}


def fetch(city, number, name, caller=CITIZEN):
    event = copy.deepcopy(golden("http_follow"))
    event |= {"routeKey": ONE, "pathParameters": {"case_no": number, "name": name}}
    event["requestContext"]["authorizer"]["lambda"] = caller
    event["headers"] |= {"accept": "application/pdf"}
    return city.call("documents", event)


def pdf(city, number, name):
    answer = fetch(city, number, name)
    assert (answer["statusCode"], answer["headers"]["content-type"]) == (200, "application/pdf"), answer["body"]
    return base64.b64decode(answer["body"])


def words(content):
    pages = pypdfium2.PdfDocument(content)
    return "".join(page.get_textpage().get_text_range() for page in pages)


def scanned(content):
    """What a phone reads off the last page."""
    pages = pypdfium2.PdfDocument(content)
    (code,) = zxingcpp.read_barcodes(pages[len(pages) - 1].render(scale=3).to_pil())
    return code.text


def claims(city, text):
    """What is signed, checked with the keys that identity publishes."""
    _, keys = city.ask("identity", "GET /.well-known/jwks.json", {})
    token = text.rpartition("#")[2]
    header = jwt.get_unverified_header(token)
    (key,) = [one for one in keys["keys"] if one["kid"] == header["kid"]]
    assert (header["alg"], header["typ"], key["alg"], key["crv"]) == ("EdDSA", "lw-document", "EdDSA", "Ed25519")
    return jwt.decode(token, jwt.PyJWK(key).key, algorithms=["EdDSA"])


def test_a_certificate_s_code_leads_to_its_check_and_carries_what_is_signed(city):
    number = city.apply()
    city.tell(number, granted(number))
    text = scanned(pdf(city, number, "certificate"))
    assert text.startswith(f"https://liangwang.example/verify/{number}-Z#")
    said = claims(city, text)
    assert (said["k"], said["n"], said["h"], said["t"]) == ("certificate", f"{number}-Z", NAME, "示例证")
    assert said["exp"] == int(UNTIL.timestamp())
    assert len(text) < 900


def test_a_certificate_shows_what_it_is_and_whose(city):
    number = city.apply()
    city.tell(number, granted(number))
    shown = words(pdf(city, number, "certificate"))
    for part in ("示例证", f"{number}-Z", NAME, "2037年3月1日", "行政审批专用章"):
        assert part in shown.replace("\r\n", "")


def test_the_same_facts_give_the_same_bytes(city):
    number = city.apply()
    city.tell(number, granted(number))
    assert pdf(city, number, "certificate") == pdf(city, number, "certificate")


@pytest.mark.parametrize(
    ("told", "name", "kind", "expected"),
    [
        (("case.accepted", {"accept_doc_no": "A-1"}), "receipt", "receipt", "受理通知书"),
        (
            ("case.supplement_requested", {"notice_no": "N-1", "points": [{"field": "photo", "reason": REASON}]}),
            "supplement",
            "supplement",
            "补正材料告知书",
        ),
        (("case.refused", {"refusal_doc_no": "B-1", "reasons": [REASON]}), "decision", "refusal", "不予受理通知书"),
        (("case.returned", {"return_doc_no": "T-1", "reasons": [REASON]}), "decision", "return", "退件通知书"),
        (("case.decided", {"outcome": "denied", "reasons": [REASON]}), "decision", "denial", "不予行政许可决定书"),
        (("case.decided", {"outcome": "granted"}), "decision", "approval", "准予行政许可决定书"),
    ],
)
def test_every_document_the_law_asks_for_is_drawn_and_signed(city, told, name, kind, expected):
    number = city.apply()
    city.tell(number, told)
    content = pdf(city, number, name)
    shown = words(content).replace("\r\n", "")
    assert expected in shown and NAME in shown
    assert (REASON["zh"] in shown) == (kind not in ("receipt", "approval"))
    assert ("行政复议" in shown) == (kind in ("refusal", "return", "denial"))
    assert claims(city, scanned(content))["k"] == kind


def test_the_documents_of_a_case_are_listed_as_they_come(city):
    number = city.apply()
    assert city.ask("documents", LIST, CITIZEN, case_no=number)[1] == {"documents": []}
    city.tell(number, ("case.accepted", {"accept_doc_no": "A-1"}), granted(number))
    _, found = city.ask("documents", LIST, CITIZEN, case_no=number)
    assert [one["name"] for one in found["documents"]] == ["receipt", "decision", "certificate"]
    assert [one["number"] for one in found["documents"]] == ["A-1", f"{number}-J", f"{number}-Z"]


def test_a_document_that_is_not_there_yet_or_any_more_is_not_drawn(city):
    number = city.apply()
    assert fetch(city, number, "certificate")["statusCode"] == 409
    assert fetch(city, number, "poem")["statusCode"] == 404
    city.tell(number, granted(number), ("certificate.revoked", {"certificate_no": f"{number}-Z", **ACT}))
    assert (fetch(city, number, "certificate")["statusCode"], fetch(city, number, "decision")["statusCode"]) == (
        409,
        200,
    )
    city.tell(number, ("case.decision_revoked", ACT), first=3)
    assert fetch(city, number, "decision")["statusCode"] == 409


def test_a_reissued_certificate_is_drawn_in_the_place_of_the_one_before(city):
    number = city.apply()
    reissued = {"certificate_no": f"{number}-Z2", "replaces": f"{number}-Z", **ACT}
    city.tell(number, granted(number), ("certificate.reissued", reissued))
    content = pdf(city, number, "certificate")
    assert f"换发自Replaces{number}-Z" in words(content).replace("\r\n", "")
    said = claims(city, scanned(content))
    assert (said["n"], "exp" in said) == (f"{number}-Z2", False)


def test_a_corrected_denial_says_what_it_should_have_said(city):
    number = city.apply()
    right = {"zh": "面积不足", "en": "too small"}
    city.tell(
        number,
        ("case.decided", {"outcome": "denied", "reasons": [REASON]}),
        ("case.decision_corrected", {**ACT, "reasons": [right]}),
    )
    shown = words(pdf(city, number, "decision"))
    assert right["zh"] in shown and REASON["zh"] not in shown


def test_the_document_of_an_erased_person_names_nobody(city):
    number = city.apply()
    city.tell(number, granted(number))
    command = Command(
        Key(PERSON_KEY.name, "zhang"), "erased", lambda state, at: [PersonKey(destroyed_at=datetime.now(UTC))]
    )
    perform(city.store("intake"), [command], datetime.now(UTC))[0].stored()
    content = pdf(city, number, "certificate")
    assert NAME not in words(content)
    assert "h" not in claims(city, scanned(content))


def test_whoever_sees_the_name_is_on_record(city):
    number = city.apply()
    city.tell(number, granted(number))
    before = {name for name in city.aws.dynamodb.tables["intake"] if name.startswith("access#")}
    pdf(city, number, "certificate")
    after = {name for name in city.aws.dynamodb.tables["intake"] if name.startswith("access#")}
    assert len(after - before) == 1


def test_a_stranger_finds_no_document(city):
    number = city.apply()
    city.tell(number, granted(number))
    assert fetch(city, number, "certificate", STRANGER)["statusCode"] == 404


def test_a_long_name_in_a_long_code_is_still_read(city):
    number = city.apply()
    name = {"zh": "示例" * 40, "en": "x" * 80}
    city.tell(number, granted(number, certificate_name=name))
    assert claims(city, scanned(pdf(city, number, "certificate")))["t"] == name["zh"]
