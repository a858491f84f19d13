"""docs/api/ is what the code says, each document is valid by its own standard, and the gateway serves them."""

import json
import re
from datetime import UTC, date, datetime
from pathlib import Path

import flask
import jsonschema_rs
import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from liangwang import exchange, xml_document
from liangwang.domain import messages as m
from liangwang.envelope import decode, encode, wrap
from openapi_spec_validator import OpenAPIV31SpecValidator

from local import contracts, docs, openapi, openapi_parameters, template
from local.config import REPOSITORY, TOPICS
from local.template import TemplateError

TEMPLATE = template.load(REPOSITORY / "template.yaml")


@pytest.fixture(scope="module")
def generated():
    return contracts.documents()


@pytest.fixture(scope="module")
def api(generated):
    return json.loads(generated[Path("openapi.json")])


@pytest.fixture(scope="module")
def stream(generated):
    return json.loads(generated[Path("asyncapi.json")])


# ------------------------------------------------------------------ in step with the code


def test_what_is_committed_is_what_the_code_says(generated):
    committed = {path.relative_to(contracts.FOLDER): path.read_bytes() for path in contracts.FOLDER.rglob("*.json")}
    assert committed.keys() == generated.keys(), "run `make contracts`"
    stale = [str(path) for path, content in generated.items() if committed[path] != content]
    assert not stale, "run `make contracts`"


# ------------------------------------------------------------------ messages


@pytest.mark.parametrize("name", sorted(m.BY_TYPE))
def test_a_message_s_schema_is_a_schema_of_2020_12(name):
    schema = contracts.schema(m.BY_TYPE[name])
    jsonschema_rs.meta.validate(schema)
    assert schema["description"] and schema["properties"]["data"]["description"]


@pytest.mark.parametrize("name", sorted(m.BY_TYPE))
@settings(max_examples=10, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large], deadline=None)
@given(data=st.data())
def test_every_message_that_is_sent_keeps_its_schema(name, data):
    message = data.draw(messages(m.BY_TYPE[name]))
    identity = "any/acceptance/x/1" if name == "dead_letter" else "department/case-1/3"
    event = wrap(message, id=identity, time=datetime(2026, 11, 2, tzinfo=UTC), round=7)
    schema = jsonschema_rs.Draft202012Validator(contracts.schema(m.BY_TYPE[name]), validate_formats=True)
    schema.validate(json.loads(encode(event)))
    assert decode(encode(event)).data == message


def messages(kind):
    """Any value of a message struct, from its field types; JSON objects stay small."""
    fields = {field.name: values(field.type) for field in msgspec.inspect.type_info(kind).fields}
    return st.builds(kind, **fields)


def values(kind):
    match kind:
        case msgspec.inspect.StructType():
            return messages(kind.cls)
        case msgspec.inspect.UnionType():
            return st.one_of([values(one) for one in kind.types])
        case msgspec.inspect.VarTupleType():
            return st.lists(values(kind.item_type), max_size=2).map(tuple)
        case msgspec.inspect.LiteralType():
            return st.sampled_from(kind.values)
        case msgspec.inspect.DictType():
            return st.dictionaries(st.text(max_size=3), st.integers(0, 9) | st.text(max_size=3), max_size=2)
        case msgspec.inspect.IntType():
            return st.integers(-(2**40), 2**40)
        case msgspec.inspect.BoolType():
            return st.booleans()
        case msgspec.inspect.StrType():
            return st.text(max_size=5)
        case msgspec.inspect.DateTimeType():
            return st.datetimes(min_value=datetime(2000, 1, 1), timezones=st.just(UTC))
        case msgspec.inspect.DateType():
            return st.dates(min_value=date(2000, 1, 1))
        case msgspec.inspect.NoneType():
            return st.none()
    raise AssertionError(f"no values for {kind}")


@pytest.mark.parametrize(
    "broken",
    [
        {"data": {"type": "case.accepted", "case_no": "1"}},
        {"type": "case.refused"},
        {"id": "no-sequence"},
        {"time": "yesterday"},
        {"round": -1},
    ],
)
def test_a_broken_message_does_not_keep_its_schema(broken):
    message = m.CaseAccepted(case_no="1", department="d", accept_doc_no="1-S")
    good = json.loads(encode(wrap(message, id="department/1/2", time=datetime(2026, 11, 2, tzinfo=UTC))))
    schema = jsonschema_rs.Draft202012Validator(contracts.schema(m.CaseAccepted), validate_formats=True)
    assert schema.is_valid(good)
    assert not schema.is_valid({**good, **broken})


# ------------------------------------------------------------------ AsyncAPI


def test_every_topic_is_a_channel_with_its_messages(stream):
    assert set(stream["channels"]) == set(TOPICS) == set(m.TOPIC.values())
    for kind, topic in m.TOPIC.items():
        assert m.type_of(kind) in stream["channels"][topic]["messages"]


def test_references_of_the_stream_document_lead_somewhere(stream, generated):
    for reference in references(stream):
        if reference.startswith("./"):
            assert Path(reference) in generated
            continue
        node = stream
        for part in reference.removeprefix("#/").split("/"):
            node = node[part]


def references(node):
    if isinstance(node, list):
        for item in node:
            yield from references(item)
    elif isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for value in node.values():
            yield from references(value)


def test_who_receives_is_what_the_template_says(stream):
    received = {
        (name.split("-receives-")[0], operation["channel"]["$ref"].rpartition("/")[2])
        for name, operation in stream["operations"].items()
        if operation["action"] == "receive"
    }
    assert received == {(mapping.function, mapping.topic) for mapping in TEMPLATE.kafka}
    assert {topic for _, topic in received} == set(TOPICS) - {"dead-letters"}


def test_who_sends_are_the_functions_with_a_producer():
    senders = {sender.function for topic in contracts.SENDERS.values() for sender in topic}
    producers = {
        name for name, function in TEMPLATE.functions.items() if "KAFKA_BOOTSTRAP_SERVERS" in function.environment
    }
    assert senders == producers


# ------------------------------------------------------------------ OpenAPI


def test_the_http_api_is_valid_openapi(api):
    OpenAPIV31SpecValidator(api).validate()


def test_every_route_of_the_template_is_documented(api):
    documented = {f"{method.upper()} {path}" for path, item in api["paths"].items() for method in item}
    assert documented == {route.key for route in TEMPLATE.routes}
    assert set(openapi_parameters.QUERIES) <= documented


def test_a_page_says_how_the_next_one_is_asked_for(api):
    for path, operations in api["paths"].items():
        reference = json.dumps(operations.get("get", {}).get("responses", {}).get("200", {}).get("content", {}))
        shapes = re.findall(r"#/components/schemas/(\w+)", reference)
        cursors = {name for shape in shapes for name in api["components"]["schemas"][shape]["properties"]}
        wanted = {name for name in cursors if name.endswith("cursor")}
        asked = {parameter["name"] for parameter in operations.get("get", {}).get("parameters", ())}
        assert wanted | ({"limit"} if wanted else set()) <= asked, path


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("get", "/api/applications/{case_no}/result"),
        ("get", "/api/materials/{material_id}/content"),
        ("delete", "/api/user/{userId}"),
        ("post", "/api/applications"),
        ("post", "/api/materials"),
        ("post", "/api/drafts"),
    ],
)
def test_what_may_come_too_early_or_too_late_says_so(api, method, path):
    assert "409" in api["paths"][path][method]["responses"]


def test_the_exchange_and_the_user_routes_speak_xml_too(api):
    for path, operations in api["paths"].items():
        if not re.match(r"/exchange/|/api/users?/|/api/register$", path):
            continue
        for operation in operations.values():
            good = next(answer for status, answer in operation["responses"].items() if status < "3")
            spoken = [good, *([operation["requestBody"]] if "requestBody" in operation else [])]
            assert all({"application/json", "application/xml"} <= one["content"].keys() for one in spoken), path


def test_a_route_says_who_may_call_it(api):
    apply = api["paths"]["/api/applications"]["post"]
    assert apply["security"] == [{"token": []}] and "For: citizen." in apply["description"]
    assert "Idempotency-Key" in {parameter["name"] for parameter in apply["parameters"]}
    assert api["paths"]["/api/items"]["get"]["security"] == []


def changed(change):
    document = template.read(REPOSITORY / "template.yaml")
    change(document["Resources"]["IntakeFunction"]["Properties"]["Events"])
    return template.parse(document)


def test_a_route_only_the_template_knows_is_an_error():
    def add(events):
        events["More"] = {"Type": "HttpApi", "Properties": {"Method": "GET", "Path": "/api/more"}}

    with pytest.raises(TemplateError, match="GET /api/more, its ROUTES do not"):
        openapi.document(changed(add))


def test_a_route_only_a_function_knows_is_an_error():
    with pytest.raises(TemplateError, match="ROUTES has GET /api/applications"):
        openapi.document(changed(lambda events: events.pop("Mine")))


def test_a_route_for_roles_without_the_authorizer_is_an_error():
    def open_up(events):
        events["Mine"]["Properties"]["Auth"] = {"Authorizer": "NONE"}

    with pytest.raises(TemplateError, match="GET /api/applications is for"):
        openapi.document(changed(open_up))


# ------------------------------------------------------------------ the pages that the gateway serves


@pytest.fixture(scope="module")
def browser():
    app = flask.Flask("docs")
    docs.register_docs(app)
    return app.test_client()


@pytest.mark.parametrize("path", ["/openapi.json", "/asyncapi.json", "/schemas/case.accepted.json"])
def test_the_documents_are_served_as_they_are(browser, path):
    answer = browser.get(path)
    assert answer.status_code == 200 and answer.content_type == "application/json"
    assert answer.data == (contracts.FOLDER / path.removeprefix("/")).read_bytes()


@pytest.mark.parametrize("path", ["/schemas/nothing.json", "/schemas/../openapi.json", "/schemas/..%2fopenapi.json"])
def test_only_schemas_are_served_as_schemas(browser, path):
    assert browser.get(path).status_code == 404


def test_the_docs_page_shows_every_route_and_message(browser, api):
    page = browser.get("/docs").get_data(as_text=True)
    for path, item in api["paths"].items():
        for method in item:
            assert f'id="{item[method]["operationId"]}"' in page, f"{method} {path}"
    for name in m.BY_TYPE:
        assert f"/schemas/{name}.json" in page


@pytest.mark.parametrize("path", ["/", "/docs"])
def test_pages_need_nothing_from_elsewhere(browser, path):
    page = browser.get(path).get_data(as_text=True)
    assert 'lang="zh-CN"' in page
    for place in ('src="http', 'href="http', "url(http", "@import", "<script"):
        assert place not in page


# ------------------------------------------------------------------ problems


def test_every_problem_is_explained():
    page = (REPOSITORY / "docs" / "problems.md").read_text()
    codes = [key.removeprefix("problem.") for key in texts() if key.startswith("problem.")]
    assert [code for code in codes if f"`{code}`" not in page] == []


def texts():
    folder = REPOSITORY / "layers" / "core" / "python" / "liangwang" / "i18n"
    return json.loads((folder / "en.json").read_text())


# ------------------------------------------------------------------ examples in the docs


def examples(page):
    """Each JSON example of a page by its label; one without a label is called `message`."""
    text = (REPOSITORY / "docs" / page).read_text(encoding="utf-8")
    return {label.strip() or "message": body for label, body in re.findall(r"```json(.*?)\n(.*?)```", text, re.S)}


def test_the_example_message_keeps_its_schema():
    example = json.loads(examples("messages.md")["message"])
    schema = contracts.schema(m.BY_TYPE[example["type"]])
    jsonschema_rs.Draft202012Validator(schema, validate_formats=True).validate(example)


@pytest.mark.parametrize(
    ("label", "kind"),
    [
        ("pending", exchange.PendingPage),
        ("acknowledgements", exchange.Acknowledgements),
        ("receipt", exchange.Receipt),
        ("progress", exchange.ProgressDelivery),
        ("cases", exchange.CasePage),
    ],
)
def test_the_exchange_s_examples_are_what_the_code_takes(label, kind):
    example = msgspec.json.decode(examples("exchange.md")[label], type=kind)
    for entry in getattr(example, "pending", ()) + getattr(example, "progress", ()):
        msgspec.convert(entry.data, m.BY_TYPE[entry.type])


def test_the_exchange_s_example_in_xml_says_what_the_one_in_json_says():
    page = (REPOSITORY / "docs" / "exchange.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```xml.*?\n(.*?)```", page, re.S)
    told = xml_document.read(example.encode(), exchange.ProgressDelivery, deepest=32, longest=1000)
    assert told == msgspec.json.decode(examples("exchange.md")["progress"], type=exchange.ProgressDelivery)


def test_every_message_type_is_in_the_table_of_its_topic():
    page = (REPOSITORY / "docs" / "messages.md").read_text(encoding="utf-8")
    for kind, topic in m.TOPIC.items():
        row = next(line for line in page.splitlines() if line.startswith(f"| `{topic}`"))
        assert f"`{m.type_of(kind)}`" in row


# ------------------------------------------------------------------ decisions


def packages(file):
    lines = (REPOSITORY / file).read_text(encoding="utf-8").splitlines()
    return {re.split(r"[<>=\[]", line)[0] for line in lines if line and line[0] not in "#-"}


REQUIREMENTS = (
    "requirements.txt",
    "layers/search/requirements.txt",
    "layers/documents/requirements.txt",
    "local/requirements.txt",
    "bench/requirements.txt",
)


@pytest.mark.parametrize("package", sorted(set().union(*map(packages, REQUIREMENTS))))
def test_every_package_has_its_reason(package):
    pages = [page.read_text(encoding="utf-8").lower() for page in (REPOSITORY / "docs" / "decisions").glob("*.md")]
    assert any(package.lower() in page for page in pages), f"say in docs/decisions/ why {package} is used"
