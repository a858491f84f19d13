"""The exchange in XML, through the handler that is deployed."""

from xml.etree import ElementTree

import pytest
from liangwang.fakes import Fault

from tests.functional.functions import Functions, golden
from tests.functional.test_functions_http import about, applied, changed, progress


@pytest.fixture
def functions():
    return Functions()


def spoken(functions, event, **headers):
    """The status and the parsed answer of an exchange call in XML."""
    answer = functions.call("exchange", changed(event, headers={"accept": "application/xml", **headers}))
    assert answer["headers"]["content-type"] in ("application/xml", "application/problem+xml")
    return answer["statusCode"], ElementTree.fromstring(answer["body"])


def xml_of(document):
    """An acknowledgement or a delivery as another system might write it, without `type` where the shape tells."""
    (name, entries), *_ = document.items()
    written = "".join(f"<item>{''.join(map(field, entry.items()))}</item>" for entry in entries)
    return f"<call><{name}>{written}</{name}></call>"


def field(pair):
    name, value = pair
    return f"<{name}>{''.join(map(field, value.items())) if isinstance(value, dict) else value}</{name}>"


def test_a_case_is_carried_and_reported_on_in_xml_alone(functions):
    number = applied(functions)["case_no"]
    asking = changed(golden("http_pending"), queryStringParameters={"case_no": number})

    status, page = spoken(functions, asking)
    waiting = page.find("pending/item")
    assert (status, page.tag, waiting.findtext("case_no")) == (200, "pending_page", number)
    assert waiting.findtext("data/task_code") == "elderly-card"

    acknowledged = xml_of({"acknowledged": [{"id": waiting.findtext("id"), "round": waiting.findtext("round")}]})
    event = {**asking, "routeKey": "POST /exchange/acknowledgements", "body": acknowledged}
    status, receipt = spoken(functions, event, **{"content-type": "application/xml"})
    assert (status, receipt.findtext("taken")) == (200, "1")
    assert not spoken(functions, asking)[1].findall("pending/item")

    delivery = xml_of({"progress": [progress(number, 2), progress(number, 3, "case.imagined")]})
    event = {**asking, "routeKey": "POST /exchange/progress", "body": delivery}
    status, receipt = spoken(functions, event, **{"content-type": "text/xml; charset=utf-8"})
    assert (status, receipt.findtext("taken"), len(receipt.findall("refused/item"))) == (200, "1", 1)
    assert functions.http("intake", about(number))[1]["status"] == "accepted"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ("<call/>", "progress"),
        ("<call><progress><item><id>a</id></item></progress></call>", "progress[0].type"),
        ("<!DOCTYPE a [<!ENTITY b 'b'>]><call/>", "body"),
        ('{"progress":[]}', "body"),
    ],
)
def test_a_problem_is_told_in_xml_and_names_the_field(functions, body, field):
    event = {**golden("http_pending"), "routeKey": "POST /exchange/progress", "body": body}
    status, problem = spoken(functions, event, **{"content-type": "application/xml"})
    name = "{urn:ietf:rfc:7807}"
    assert (status, problem.tag) == (400, f"{name}problem")
    assert problem.findtext(f"{name}type") == "urn:liangwang:problem:malformed"
    assert problem.findtext(f"{name}errors/{name}item/{name}field") == field


def test_a_failure_of_ours_is_told_in_xml_too(functions):
    functions.aws.faults.append(Fault("Query"))
    status, problem = spoken(functions, golden("http_pending"))
    assert (status, problem.findtext("{urn:ietf:rfc:7807}status")) == (500, "500")


def test_what_may_be_sent_and_what_is_answered_are_two_things(functions):
    event = {**golden("http_pending"), "routeKey": "POST /exchange/progress", "body": "<call><progress/></call>"}
    assert functions.http("exchange", changed(event, headers={"content-type": "application/xml"})) == (
        200,
        {"taken": 0, "refused": []},
    )
    event = changed(golden("http_pending"), routeKey="POST /exchange/progress", body={"progress": []})
    assert spoken(functions, event)[1].findtext("taken") == "0"
