"""On the running system: a file goes to the bucket by its link and is opened at the department; a draft becomes a case."""

import hashlib
import json
import urllib.request

import jwt
from jwt.api_jws import PyJWS

from tests.e2e.test_whole_way import await_work
from tests.waiting import eventually

PDF = b"%PDF-1.7 an invented plan"
CITIZEN = "citizen-001"


def kept(city):
    """A file that the citizen has sent by its link."""
    digest = hashlib.sha256(PDF).hexdigest()
    body = {"name": "示例.pdf", "media_type": "application/pdf", "size": len(PDF), "sha256": digest}
    view = city.api.post(CITIZEN, "/api/materials", body)
    link = view["upload"]
    sent = urllib.request.Request(link["url"], data=PDF, method=link["method"], headers=link["headers"])
    with urllib.request.urlopen(sent, timeout=20) as answer:
        assert answer.status == 200
    done = city.api.post(CITIZEN, f"/api/materials/{view['material_id']}/completion", {})
    assert (done["state"], done["sha256"]) == ("stored", digest)
    return view["material_id"]


def test_a_file_is_sent_once_handed_in_and_opened_by_a_clerk_of_the_department(city):
    identity = kept(city)
    wish = city.wish("food-business-licence")
    plan = {"code": "layout-plan", "material_id": identity}
    wish["materials"] = [plan if code == "layout-plan" else code for code in wish["materials"]]
    case_no = city.apply(wish)
    await_work(city, "990101-market", "cases", case_no)
    path = f"/api/cases/{case_no}/materials/layout-plan"
    link = city.api.post("clerk-990101-market-1", path, {"reason": "示例核对"})
    with urllib.request.urlopen(link["url"], timeout=20) as answer:
        assert answer.read() == PDF
    material = eventually(
        lambda: next(
            (
                one
                for one in city.api.get(CITIZEN, "/api/materials")["materials"]
                if one["material_id"] == identity and one["used_in"]
            ),
            None,
        ),
        what="the file to know its first case",
    )
    assert material["used_in"] == case_no


def test_a_draft_becomes_a_case_whose_result_anybody_can_check(city):
    wish = city.wish("elderly-card")
    content = {name: wish[name] for name in ("task_code", "place", "form", "materials")}
    code = city.api.post(CITIZEN, "/api/drafts", {**content, "channel": "kiosk"})["code"]
    body = {"channel": "window", "allow_duplicate": True}
    case_no = city.api.post(CITIZEN, f"/api/drafts/{code.lower()}/application", body)["case_no"]
    assert city.api.post(CITIZEN, f"/api/drafts/{code}/application", body)["case_no"] == case_no
    city.await_status(case_no, "granted")
    request = urllib.request.Request(
        f"{city.stack.gateway_url}/api/applications/{case_no}/result",
        headers={"authorization": f"Bearer {city.api.login(CITIZEN)}", "accept": "application/jose"},
    )
    with urllib.request.urlopen(request, timeout=20) as answer:
        signed = answer.read()
    with urllib.request.urlopen(f"{city.stack.gateway_url}/.well-known/jwks.json", timeout=20) as answer:
        keys = {key["kid"]: key for key in json.loads(answer.read())["keys"]}
    content = json.loads(PyJWS().decode(signed, jwt.PyJWK(keys["certificate"]).key, algorithms=["ES256"]))
    assert (content["case_no"], content["outcome"]) == (case_no, "granted")
