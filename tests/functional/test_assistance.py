"""协同 between two departments, over HTTP and the bus, the centre's words made by hand: what each sees, keeps and says."""

import copy
import hashlib
import json
from datetime import UTC, datetime, timedelta

import pytest
from liangwang.aggregates import ACCESS, CASE, DEAD_LETTER, TASK, Key
from liangwang.domain import messages as m
from liangwang.domain.catalogue import Ask, Text
from liangwang.envelope import Outgoing, wrap
from liangwang.fakes import FakeProducer, Fault, kafka_event
from liangwang.sealing import Sealing

from tests.functional.functions import Functions, golden
from tests.functional.test_department_access import FORM, OTHER, OWN, applied, carried

FIRE, TOWN = "D-990101-FIRE", "D-990101001-OFFICE"
CASES, TASKS = "/api/cases/{case_no}/", "/api/tasks/{task_id}/"
ASK = f"POST {CASES}collaborations"
WISH = {
    "asks": [{"capability": "fire-inspection", "question": {"zh": "示例：通道是否畅通？"}, "personal": ["operator"]}],
    "days": 3,
}
NOTHING = {"batchItemFailures": []}
PDF = b"%PDF-1.7\n" + bytes(100)


class Departments:
    """A case in review at one department, and another that is asked about it."""

    def __init__(self):
        self.functions = Functions()
        self.case = applied(self.functions)
        carried(self.functions)
        self.request, self.task = f"{self.case}-R1", f"{self.case}-R1-T1"
        self.now = datetime.now(UTC).replace(microsecond=0)

    def http(self, name, route, body=None, *, subject="wang", role="clerk", department=OWN, key="", query=None, **path):
        event = copy.deepcopy(golden("http_step"))
        event |= {"routeKey": route, "pathParameters": path, "queryStringParameters": query or {}}
        event["requestContext"]["authorizer"]["lambda"] = {"subject": subject, "role": role, "department": department}
        event["headers"] = {"host": "api.example", **({"idempotency-key": key} if key else {})}
        event["body"] = json.dumps(body) if body is not None else ""
        return self.functions.http(name, event)

    def at_case(self, act, body=None, *, name="approval", **settings):
        """A route under the case, by an officer of its department."""
        return self.http(name, f"POST {CASES}{act}", body, case_no=self.case, **settings)

    def at_task(self, act, body=None, *, method="POST", **settings):
        """A route under the task, by a clerk of the fire brigade."""
        settings = {"task_id": self.task, "department": FIRE, "subject": "huo", **settings}
        return self.http("assistance", f"{method} {TASKS}{act}".rstrip("/"), body, **settings)

    def asked(self, wish=WISH):
        """An officer has asked the fire brigade."""
        status, told = self.at_case("collaborations", wish)
        assert (status, told["status"]) == (200, "collaborating"), told
        return self

    def dispatched(self):
        """The centre has dispatched the task."""
        self.say(self.dispatch())
        return self

    def dispatch(self, **changes):
        fields = {
            "case_no": self.case,
            "task_id": self.task,
            "collaboration_id": self.request,
            "department": FIRE,
            "requester": OWN,
            "task_code": "food-business-licence",
            "ask": Ask("fire-inspection", Text(zh="?", en="?"), "990101001"),
            "path": (),
            "due_at": self.now + timedelta(days=20),
            "form": {"area": 80},
        }
        return m.TaskDispatched(**{**fields, **changes})

    def of_task(self, kind, **fields):
        return kind(case_no=self.case, task_id=self.task, department=FIRE, **fields)

    def of_request(self, kind, *, request_id="", department=OWN, **fields):
        name = request_id or self.request
        return kind(case_no=self.case, request_id=name, collaboration_id=name, department=department, **fields)

    def concluded(self, *attachments, request_id="", department=OWN, conclusion="agree"):
        answer = m.Answer("fire-inspection", FIRE, "agree", "现场核查无误", task_id=self.task, attachments=attachments)
        return self.of_request(
            m.CollaborationConcluded,
            request_id=request_id,
            department=department,
            conclusion=conclusion,
            because="all_agree",
            answers=(answer,),
        )

    def say(self, *messages, again=0):
        """What the centre says, each under an id that follows from its content, as often as it is said."""
        producer = FakeProducer()
        for message in messages:
            identity = f"governance/{self.request}/{hashlib.sha256(repr(message).encode()).hexdigest()[:12]}"
            event = wrap(message, id=identity, time=self.now, round=again)
            producer.send([Outgoing(m.TOPIC[type(message)], self.case, event)])
        for topic, consumer in (("collaboration-tasks", "assistance"), ("collaboration-results", "approval")):
            if records := producer.records(topic):
                assert self.functions.call(consumer, kafka_event(records)) == NOTHING

    def said(self, kind=None):
        """What the departments have said on the bus since they were asked last."""
        self.functions.producer.wipe()
        self.functions.call("publisher", self.functions.aws.dynamodb.event("department"))
        records = [
            json.loads(record.value)
            for topic in ("collaboration-requests", "collaboration-reports")
            for record in self.functions.producer.records(topic)
        ]
        return [one["data"] for one in records if kind is None or one["type"] == m.type_of(kind)]

    def state(self, kind, identity):
        key = Key(kind.name, identity)
        return self.functions.store("department").load([key])[key].state

    def all_of(self, kind):
        names = [Key.parse(name) for name in self.functions.aws.dynamodb.tables["department"]]
        keys = [key for key in names if key.kind == kind.name]
        return [stored.state for stored in self.functions.store("department").load(keys).values()]

    def file(self):
        """A file that has come for the task: its id."""
        announced = {"media_type": "application/pdf", "size": len(PDF), "sha256": hashlib.sha256(PDF).hexdigest()}
        status, file = self.at_task("attachments", announced)
        assert (status, file["upload"]["method"]) == (201, "PUT")
        identity = file["attachment_id"]
        self.functions.objects.write(f"incoming/department/{identity}", PDF, media_type="application/pdf")
        status, file = self.at_task("attachments/{attachment_id}/completion", attachment_id=identity)
        assert (status, file["state"]) == (200, "stored")
        return identity


@pytest.fixture
def city():
    return Departments()


# ------------------------------------------------------------------ the requester


def test_an_officer_asks_others_and_the_case_waits(city):
    city.asked()
    (request,) = city.said(m.CollaborationRequested)
    assert (request["request_id"], request["origin"]) == (city.request, "officer")
    assert not set(FORM) - {"business", "area", "cold_dishes", "gas_kitchen"} & set(request["form"])
    (shown,) = city.http("approval", "GET /api/cases/{case_no}", case_no=city.case)[1]["collaborations"]
    assert (shown["state"], shown["asks"][0]["capability"]) == ("open", "fire-inspection")


def test_a_request_that_is_sent_again_raises_no_second_one(city):
    for _ in range(2):
        assert city.at_case("collaborations", WISH, key="once")[0] == 200
    assert city.at_case("collaborations", WISH)[0] == 409
    assert len(city.state(CASE, city.case).requests) == 1


def test_what_cannot_be_asked_is_refused_by_field_and_nothing_is_written(city):
    wish = {"asks": [{"capability": "magic", "question": {"en": "?"}}], "days": 3}
    status, problem = city.at_case("collaborations", wish)
    assert (status, problem["errors"][0]["field"]) == (422, "asks[0].capability")
    assert city.state(CASE, city.case).status == "in_review"


def test_who_does_not_handle_the_case_asks_nobody(city):
    assert city.at_case("collaborations", WISH, role="supervisor", subject="head")[0] == 403
    assert city.at_case("collaborations", WISH, department=OTHER)[0] == 404


def test_the_answers_carry_the_case_on_and_are_shown_with_their_files(city):
    city.asked().dispatched()
    city.say(city.concluded())
    view = city.http("approval", "GET /api/cases/{case_no}", case_no=city.case)[1]
    assert view["case"]["status"] == "in_review"
    assert view["collaborations"][0]["conclusion"]["answers"][0]["explanation"] == "现场核查无误"


def test_an_open_request_is_urged_extended_and_taken_back(city):
    city.asked()
    path = {"request_id": city.request}
    assert city.at_case("collaborations/{request_id}/urge", {"reason": "明天办结"}, **path)[0] == 200
    later = city.now + timedelta(days=9)
    city.say(city.of_request(m.CollaborationExtended, due_at=later, reason="limit_passed"))
    status, told = city.at_case("collaborations/{request_id}/cancel", {"reason": "已核实"}, **path)
    (shown,) = told["collaborations"]
    assert (status, shown["state"], shown["urges"]) == (200, "cancelled", 1)
    assert datetime.fromisoformat(shown["due_at"]) == later
    assert len(city.said(m.CollaborationUrged)) == len(city.said(m.CollaborationCancelled)) == 1
    assert not city.said(m.CollaborationExtended)
    city.say(city.concluded(conclusion="cancelled"))
    assert city.state(CASE, city.case).status == "in_review"


# ------------------------------------------------------------------ personal data


def supplied(city):
    """The requester was asked to seal the operator's name to the fire brigade; what it said."""
    asked = city.of_request(m.DisclosureRequested, task_id=city.task, supporter=FIRE, personal=("operator",))
    city.say(asked)
    return asked


def keys_asked_for(city):
    return [request for service, what, request in city.functions.aws.calls if what == "GenerateDataKey"]


def test_personal_data_is_sealed_to_the_supporter_alone_and_once(city):
    city.asked()
    before = len(keys_asked_for(city))
    asked = supplied(city)
    city.say(asked)
    city.say(asked, again=int(city.now.timestamp()))
    (key,) = keys_asked_for(city)[before:]
    assert key["KeyId"].endswith(FIRE)
    disclosed = city.said(m.CollaborationDisclosed)
    assert {(one["supporter"], one["task_id"]) for one in disclosed} == {(FIRE, city.task)}
    sealed = m.Sealed(**disclosed[0]["sealed"])
    opened = Sealing(city.functions.aws, key_prefix="alias/liangwang/department/").open(
        sealed, department=FIRE, case_no=city.case
    )
    assert opened == {"operator": FORM["operator"]}


def test_a_disclosure_that_could_not_be_sealed_comes_again(city):
    city.asked()
    asked = city.of_request(m.DisclosureRequested, task_id=city.task, supporter=FIRE, personal=("operator",))
    producer = FakeProducer()
    producer.send([Outgoing("collaboration-results", city.case, wrap(asked, id="governance/x/1", time=city.now))])
    records = kafka_event(producer.records("collaboration-results"))
    city.functions.aws.faults.append(Fault("GenerateDataKey"))
    assert city.functions.call("approval", records)["batchItemFailures"]
    assert city.functions.call("approval", records) == NOTHING
    assert len(city.said(m.CollaborationDisclosed)) == 1


def test_a_supporter_whose_key_is_not_there_keeps_no_other_from_its_data(city):
    city.asked()
    producer = FakeProducer()
    for number in (1, 2):
        asked = city.of_request(
            m.DisclosureRequested, task_id=f"{city.request}-T{number}", supporter=FIRE, personal=("operator",)
        )
        event = wrap(asked, id=f"governance/x/{number}", time=city.now)
        producer.send([Outgoing("collaboration-results", city.case, event)])
    city.functions.aws.faults.append(Fault("GenerateDataKey"))
    records = kafka_event(producer.records("collaboration-results"))
    assert city.functions.call("approval", records)["batchItemFailures"]
    assert [one["task_id"] for one in city.said(m.CollaborationDisclosed)] == [f"{city.request}-T2"]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"personal": ("operator", "phone")}, "not_asked"),
        ({"supporter": "D-NOBODY"}, "unknown_supporter"),
    ],
)
def test_what_was_not_asked_is_not_disclosed_and_that_is_said(city, changes, reason):
    city.asked()
    fields = {"task_id": city.task, "supporter": FIRE, "personal": ("operator",), **changes}
    before = len(keys_asked_for(city))
    city.say(city.of_request(m.DisclosureRequested, **fields))
    (told,) = city.said(m.CollaborationDisclosed)
    assert (told["sealed"], told["reason"]) == (None, reason)
    assert len(keys_asked_for(city)) == before


def test_what_the_case_has_but_nobody_can_open_is_not_disclosed_and_that_is_said(city):
    city.asked()
    city.functions.aws.faults.append(Fault("Decrypt", code="InvalidCiphertextException"))
    supplied(city)
    (told,) = city.said(m.CollaborationDisclosed)
    assert (told["sealed"], told["reason"]) == (None, "unreadable")


def test_what_was_supplied_is_seen_for_a_reason_and_that_is_on_record(city):
    city.asked().dispatched()
    supplied(city)
    sealed = m.Sealed(**city.said(m.CollaborationDisclosed)[0]["sealed"])
    assert city.at_task("personal", {"reason": "核对"})[0] == 409
    city.say(city.of_task(m.TaskSupplied, sealed=sealed))
    assert city.at_task("", method="GET")[1]["personal"] == "yes"
    assert city.at_task("personal", {"reason": " "})[0] == 422
    assert city.at_task("personal", {"reason": "核对", "fields": ["phone"]})[0] == 422
    assert city.at_task("personal", {"reason": "核对"}, department=OTHER)[0] == 404
    assert not city.all_of(ACCESS)
    status, shown = city.at_task("personal", {"reason": "核对"})
    assert (status, shown["personal"]) == (200, {"operator": FORM["operator"]})
    (access,) = city.all_of(ACCESS)
    assert (access.caller, access.action, access.subject) == ("huo", "task.unmask", city.case)
    assert (access.fields, access.reason) == (("operator",), "核对")


def test_what_nobody_can_open_stops_nothing(city):
    """Made up by some system, or sealed for another department: it is said so, and nothing comes again for ever."""
    city.asked().dispatched()
    sealing = Sealing(city.functions.aws, key_prefix="alias/liangwang/department/")
    for sealed in (
        sealing.seal({"operator": "?"}, department=OTHER, case_no=city.case),
        m.Sealed(algorithm="AES-256-GCM", wrapped_key="bm90aGluZw==", nonce="", ciphertext="?"),
    ):
        city.say(city.of_task(m.TaskSupplied, sealed=sealed))
        assert city.at_task("personal", {"reason": "核对"})[0] == 409
    assert not city.all_of(ACCESS)


# ------------------------------------------------------------------ the supporter


def test_a_worklist_shows_lights_and_is_narrowed_by_them(city):
    city.dispatched()
    _, page = city.http("assistance", "GET /api/tasks", department=FIRE, query={"light": "green"})
    assert [(one["task_id"], one["light"]) for one in page["tasks"]] == [(city.task, "green")]
    city.say(city.of_task(m.TaskUrged, reason="limit_passed"))
    for query, count in (({"light": "red"}, 0), ({"status": "open"}, 1), ({"status": "signed"}, 0)):
        assert len(city.http("assistance", "GET /api/tasks", department=FIRE, query=query)[1]["tasks"]) == count
    assert city.http("assistance", "GET /api/tasks", department=FIRE, query={"light": "blue"})[0] == 422
    assert city.at_task("", method="GET")[1]["urge_reasons"] == ["limit_passed"]


def test_more_time_is_asked_for_and_given(city):
    city.dispatched()
    assert city.at_task("extension", {"days": 2, "reason": "雨天"})[0] == 200
    assert [one["days"] for one in city.said(m.TaskExtensionRequested)] == [2]
    later = city.now + timedelta(days=30)
    city.say(city.of_task(m.TaskExtended, due_at=later, reason="雨天"))
    assert datetime.fromisoformat(city.at_task("", method="GET")[1]["due_at"]) == later


def test_a_report_rests_on_files_that_the_requester_opens_for_a_reason(city):
    city.asked().dispatched()
    identity = city.file()
    assert city.at_task("report", {"opinion": "agree", "attachments": ["0" * 32]})[0] == 422
    status, task = city.at_task("report", {"opinion": "agree", "attachments": [identity]})
    assert (status, task["status"]) == (200, "reported")
    (reported,) = city.said(m.TaskReported)
    (file,) = reported["attachments"]
    assert (file["material_id"], file["sha256"], file["name"]) == (
        identity,
        hashlib.sha256(PDF).hexdigest(),
        "report-1.pdf",
    )
    opening = {"name": "steps", "request_id": city.request, "attachment_id": identity}
    act = "collaborations/{request_id}/attachments/{attachment_id}"
    assert city.at_case(act, {"reason": "核对"}, **opening)[0] == 404, "nobody has answered yet"
    city.say(city.concluded(m.Attachment(**file)))
    assert city.at_case(act, {"reason": " "}, **opening)[0] == 422
    assert city.at_case(act, {"reason": "核对"}, department=OTHER, **opening)[0] == 404
    status, link = city.at_case(act, {"reason": "核对"}, **opening)
    assert (status, link["method"]) == (200, "GET")
    (access,) = city.all_of(ACCESS)
    assert (access.subject, access.fields) == (city.case, (f"attachment/{identity}",))
    (listed,) = city.at_task("attachments", method="GET")[1]["attachments"]
    assert listed["steps"] == ["report"]


def test_one_idempotency_key_for_two_tasks_makes_two_files(city):
    """What was added to one must never be replaced by what was added to the other."""
    other = f"{city.request}-T2"
    city.say(city.dispatch(), city.dispatch(task_id=other))
    announced = {"media_type": "application/pdf", "size": len(PDF), "sha256": hashlib.sha256(PDF).hexdigest()}
    files = [city.at_task("attachments", announced, task_id=one, key="k")[1] for one in (city.task, other, other)]
    first, second, again = (one["attachment_id"] for one in files)
    assert first != second == again


def test_an_answer_that_names_another_s_file_opens_nothing(city):
    city.asked().dispatched()
    identity = city.file()
    stranger = m.Attachment(code="report", origin="upload", material_id=identity)
    answer = m.Answer("fire-inspection", FIRE, "agree", "", task_id=f"{city.case}-R1-T9", attachments=(stranger,))
    concluded = city.of_request(m.CollaborationConcluded, conclusion="agree", because="all_agree", answers=(answer,))
    city.say(concluded)
    path = {"name": "steps", "request_id": city.request, "attachment_id": identity}
    act = "collaborations/{request_id}/attachments/{attachment_id}"
    assert city.at_case(act, {"reason": "核对"}, **path)[0] == 404


def test_a_report_that_comes_back_is_done_again(city):
    city.dispatched()
    city.at_task("report", {"opinion": "agree"})
    city.say(city.of_task(m.TaskReturned, reason="照片缺失", due_at=city.now + timedelta(days=9), count=1))
    task = city.at_task("", method="GET")[1]
    assert (task["status"], task["returns"]) == ("returned", ["照片缺失"])
    assert city.at_task("report", {"opinion": "agree", "explanation": "照片已补"})[1]["status"] == "reported"
    assert len(city.said(m.TaskReported)) == 2


@pytest.mark.parametrize(
    "early",
    [
        lambda city: city.of_task(m.TaskExtended, due_at=city.now + timedelta(days=30), reason="?"),
        lambda city: city.of_task(m.TaskReturned, due_at=city.now + timedelta(days=30), reason="?"),
        lambda city: city.of_task(m.TaskRecalled, reason="requester_ended"),
        lambda city: city.of_task(m.TaskSupplied, reason="none"),
        lambda city: city.of_task(m.TaskUrged, reason="limit_passed"),
    ],
    ids=["extended", "returned", "recalled", "supplied", "urged"],
)
def test_what_comes_before_the_dispatch_is_set_aside_and_heals_when_all_is_said_again(city, early):
    message = early(city)
    city.say(message)
    assert len(city.all_of(DEAD_LETTER)) == 1 and city.state(TASK, city.task) is None
    city.say(city.dispatch(), message, again=int(city.now.timestamp()))
    state = city.state(TASK, city.task)
    assert state.version > 1
    assert state.status == ("stopped" if isinstance(message, m.TaskRecalled) else "open")


# ------------------------------------------------------------------ a supporter that asks others

SITE = {
    "asks": [{"capability": "site-verification", "question": {"zh": "示例：现场如何？"}, "fields": ["area"]}],
    "days": 2,
}


def nested(city):
    """The fire brigade has asked others for its task: the request's id."""
    city.asked().dispatched()
    status, task = city.at_task("collaborations", SITE)
    assert status == 200, task
    return task["collaborations"][0]["request_id"]


def test_a_supporter_asks_others_and_sees_what_they_answer(city):
    request_id = nested(city)
    asked = next(one for one in city.said(m.CollaborationRequested) if one["request_id"] == request_id)
    assert (asked["parent_task"], asked["chain"], asked["form"]) == (city.task, [OWN], {"area": 80})
    city.say(city.concluded(request_id=request_id, department=FIRE))
    (shown,) = city.at_task("", method="GET")[1]["collaborations"]
    assert (shown["state"], shown["conclusion"]["conclusion"]) == ("concluded", "agree")
    assert city.state(CASE, city.case).status == "collaborating", "the case waits for its own"


def test_a_question_that_is_asked_again_is_passed_on_to_whom_the_task_asked(city):
    request_id = nested(city)
    city.said()
    city.say(city.dispatch(), again=int(city.now.timestamp()))
    assert [one["request_id"] for one in city.said(m.CollaborationRequested)].count(request_id) >= 2


def test_what_a_task_asked_is_cancelled_until_the_centre_confirms_it(city):
    request_id = nested(city)
    city.say(city.of_task(m.TaskRecalled, reason="requester_ended"))
    cancelled = city.said(m.CollaborationCancelled)
    assert [one["request_id"] for one in cancelled] == [request_id]
    key = Key(TASK.name, city.task)
    store = city.functions.store("department")
    assert key in store.due(city.now + timedelta(hours=1), limit=100)
    city.say(city.concluded(request_id=request_id, department=FIRE, conclusion="cancelled"))
    assert key not in store.due(city.now + timedelta(hours=1), limit=100)


def test_a_supporter_passes_no_personal_data_on(city):
    request_id = nested(city)
    asked = city.of_request(
        m.DisclosureRequested,
        request_id=request_id,
        department=FIRE,
        task_id=f"{request_id}-T1",
        supporter=TOWN,
        personal=("operator",),
    )
    city.say(asked)
    city.say(asked, again=int(city.now.timestamp()))
    told = city.said(m.CollaborationDisclosed)
    assert {(one["sealed"], one["reason"]) for one in told} == {(None, "not_ours_to_give")}
    assert len(city.state(TASK, city.task).refused) == 1


def test_an_answer_to_a_task_that_is_not_here_is_set_aside(city):
    city.say(city.concluded(request_id=f"{city.case}-R1-T9-R1", department=FIRE))
    assert len(city.all_of(DEAD_LETTER)) == 1
