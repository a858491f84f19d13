"""A small city in which everything is somebody's: one citizen's case at every system, and everybody who might look at it.

The sweep over all routes (test_others_things.py) asks for each of them in everybody's name (samples.py).
"""

import base64
import hashlib
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any, NamedTuple

from liangwang.aggregates import CASE, COLLABORATION, LEDGER, NOTIFICATION, TASK, Key
from liangwang.domain import ledger
from liangwang.domain import messages as m
from liangwang.domain.case import OpinionsReceived
from liangwang.fakes import kafka_event
from liangwang.processing import Command, perform

from tests.functional.citizens import ACCEPTED, CITIZEN, GRANTED, STRANGER, Citizens
from tests.functional.functions import golden

OWN, SUPPORTING, ELSEWHERE = "D-990101-MARKET", "D-990101-FIRE", "D-990102-MARKET"
"""The department that has the case, one that it asks for help, and one that has nothing to do with it."""

PHONE, NAME = "13900000000", "李示例甲"
IDENTITY_NO = "990101198001010014"
FORM = {
    "operator": NAME,
    "identity_number": "990101198001010000",
    "phone": PHONE,
    "premises": "云川市云东区望江街道示例路1号",
    "business": "restaurant",
    "area": 300,
    "cold_dishes": False,
    "gas_kitchen": True,
}

PUT = "PUT /api/materials/{material_id}/content"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(64)
PHOTO = {"media_type": "image/png", "size": len(PNG), "sha256": hashlib.sha256(PNG).hexdigest()}


def official(role: str, **where: str) -> dict[str, str]:
    """An official of a role, at a department or a region."""
    return {"subject": f"{role}-{'-'.join(where.values()).lower()}", "role": role, **where}


AGENT = {**CITIZEN, "subject": "agent"}
CALLERS: dict[str, dict[str, str]] = {
    "owner": CITIZEN,
    "agent": AGENT,
    "stranger": STRANGER,
    **{
        f"{role}, {name}": official(role, department=department)
        for name, department in (("own", OWN), ("supporting", SUPPORTING), ("elsewhere", ELSEWHERE))
        for role in ("clerk", "reviewer", "supervisor")
    },
    "operator, own": official("operator", region="990101"),
    "operator, above": official("operator", region="990100"),
    "operator, elsewhere": official("operator", region="990102"),
    "auditor": {"subject": "auditor", "role": "auditor"},
    "system": {"subject": "partner", "role": "system"},
    "clerk without a department": {"subject": "clerk-lost", "role": "clerk"},
    "nobody": {},
}
"""Everybody who asks. ``nobody`` has no token; the agent has a mandate of the owner."""

OWNER = frozenset({"owner"})
CITIZENS = frozenset({"owner", "agent"})
DESK = frozenset({"clerk, own", "reviewer, own"})
CLERK = frozenset({"clerk, own"})
REVIEWERS = frozenset({"reviewer, own", "supervisor, own"})
DEPARTMENT = DESK | {"supervisor, own"}
SUPERVISOR = frozenset({"supervisor, own"})
HELPERS = frozenset({"clerk, supporting"})
ALL_HELPERS = HELPERS | {"reviewer, supporting", "supervisor, supporting"}
CLERKS = frozenset(name for name in CALLERS if name.startswith("clerk"))
"""Any of them may sit at a window; they are shown nothing."""
CENTRES = frozenset({"operator, own", "operator, above"})
AUDITOR = frozenset({"auditor"})


JOINT = {
    "place": "990101001",
    "form": {
        **{name: FORM[name] for name in ("operator", "identity_number", "phone", "premises", "area", "cold_dishes")},
        "gas_kitchen": False,
        "trade_name": "示例面馆",
        "premises_kind": "shop",
        "capital": 5,
    },
    "allow_duplicate": True,  # the world has open cases of its items
}


class Sample(NamedTuple):
    """One request about the owner's thing, and the callers who may make it; to all others it does not exist."""

    path: dict[str, str]
    allowed: frozenset[str]
    body: Any = None
    query: Mapping[str, str] = MappingProxyType({})
    refusals: tuple[int, ...] = (403, 404)


class World(Citizens):
    """One case that others are asked about, one that waits at the desk, one that was closed and rated badly."""

    def __init__(self) -> None:
        super().__init__()
        self._register()
        self.material, self.file = self._announced(), self._announced()
        assert self.asks("materials", PUT, CITIZEN, Sample({"material_id": self.file}, OWNER, PNG))[0] == 200
        self.case = self._licence(FORM, plan={"code": "layout-plan", "material_id": self.file})
        self.at_desk = self._licence({**FORM, "area": 80})
        self.decided = self._licence({**FORM, "area": 80})
        self.suspended = self._licence({**FORM, "area": 80})
        self._carry()
        self._decide(self.decided)
        self._ask_for_procedures()
        self._reviewed()
        self._order(self.at_desk)
        self.task = self._key("department", TASK.name, lambda state: state.task.department == SUPPORTING)
        self.collaboration = self._key("governance", COLLABORATION.name)
        self._answered()
        self.closed_case = self._closed()
        self.notification = self._key("intake", NOTIFICATION.name)
        self.joint = self._joint()
        self.grid_event = self._grid_event()
        self.draft = self._draft()
        self.mandate("zhang", "agent", acts=("submit", "draft", "read", "supplement", "withdraw", "rate"))
        self.ids = (
            self.case,
            self.at_desk,
            self.suspended,
            self.decided,
            self.closed_case,
            self.task,
            self.collaboration,
            self.task_photo,
            self.grid_event,
            self.material,
            self.file,
            self.joint,
            self.draft,
            PHONE,
            NAME,
            IDENTITY_NO,
        )
        """What no stranger's answer may hold."""

    def _register(self) -> None:
        """The owner's own record."""
        person = {"name": NAME, "identity_no": IDENTITY_NO, "phone": PHONE, "email": "li@example.com"}
        body = {"username": "zhang", "password": "a long example", "person": person}
        status, answer = self.ask("users", "POST /api/register", {}, body=body)
        assert status == 201, answer

    def _licence(self, form: dict[str, Any], *, plan: Any = "layout-plan") -> str:
        materials = ["business-licence", plan, "safety-rules"]
        return self.apply(task_code="food-business-licence", form=form, materials=materials)

    def _carry(self) -> None:
        """Intake to departments to the centre to the supporting departments."""
        self.call("relay", self.aws.dynamodb.event("intake"))
        self.call("acceptance", kafka_event(self.producer.records("applications")))
        self.call("publisher", self.aws.dynamodb.event("department"))
        self.call("collaboration", kafka_event(self.producer.records("collaboration-requests")))
        self.call("publisher", self.aws.dynamodb.event("governance"))
        self.call("assistance", kafka_event(self.producer.records("collaboration-tasks")))

    def _decide(self, number: str) -> None:
        """Two officers complete the steps of a case that waits for people."""
        for role, step in (("clerk", "review"), ("reviewer", "approve")):
            caller, body = official(role, department=OWN), {"step": step, "opinion": "agree"}
            status, answer = self.ask("approval", "POST /api/cases/{case_no}/steps", caller, body=body, case_no=number)
            assert status == 200, answer

    def _ask_for_procedures(self) -> None:
        """One case's inspection waits for approval, another's is going on."""
        clerk, supervisor = CALLERS["clerk, own"], CALLERS["supervisor, own"]
        for number in (self.at_desk, self.suspended):
            status, ledger = self.ask(
                "procedures",
                "POST /api/cases/{case_no}/procedures",
                clerk,
                body={"kind": "inspection", "reason": "示例"},
                case_no=number,
            )
            assert status == 200, ledger
        route = "POST /api/cases/{case_no}/procedures/{procedure_id}/approval"
        path = {"case_no": self.suspended, "procedure_id": f"{self.suspended}-T1"}
        status, ledger = self.ask("procedures", route, supervisor, **path)
        assert (status, ledger["status"]) == (200, "suspended")

    def _reviewed(self) -> None:
        """The case at the desk stands before its last step, which clerks, reviewers and supervisors may do; one clerk is away."""
        first, body = official("clerk", department=OWN), {"step": "review", "opinion": "agree"}
        route = "POST /api/cases/{case_no}/steps"
        reviewer = {**first, "subject": "another-clerk"}
        assert self.asks("approval", route, reviewer, Sample({"case_no": self.at_desk}, DESK, body))[0] == 200
        today = datetime.now(UTC).date()
        away = {"since": str(today), "until": str(today + timedelta(days=30)), "delegate": "another-clerk"}
        assert self.asks("steps", "PUT /api/absence", first, Sample({}, DESK, away))[0] == 200
        path = {"case_no": self.at_desk}
        status, told = self.asks("steps", "POST /api/cases/{case_no}/attachments", first, Sample(path, DESK, PHOTO))
        assert status == 201, told
        self.photo: str = json.loads(told)["attachment_id"]
        self.outside.objects().write(f"incoming/department/{self.photo}", PNG, media_type="image/png")
        route = "POST /api/cases/{case_no}/attachments/{attachment_id}/completion"
        path["attachment_id"] = self.photo
        assert self.asks("steps", route, first, Sample(path, DESK))[0] == 200

    def _answered(self) -> None:
        """The supporting department has added a file to its task, and one answer to the case at the desk names it."""
        self.request: str = (
            self.store("governance")
            .load([Key(COLLABORATION.name, self.collaboration)])[Key(COLLABORATION.name, self.collaboration)]
            .state.request.request_id
        )
        clerk, path = CALLERS["clerk, supporting"], {"task_id": self.task}
        route = "POST /api/tasks/{task_id}/attachments"
        status, told = self.asks("assistance", route, clerk, Sample(path, HELPERS, PHOTO))
        assert status == 201, told
        self.task_photo: str = json.loads(told)["attachment_id"]
        self.outside.objects().write(f"incoming/department/{self.task_photo}", PNG, media_type="image/png")
        path["attachment_id"] = self.task_photo
        completion = f"{route}/{{attachment_id}}/completion"
        assert self.asks("assistance", completion, clerk, Sample(path, HELPERS))[0] == 200
        file = m.Attachment(code="report", origin="upload", material_id=self.task_photo, media_type="image/png")
        answer = m.Answer("fire-inspection", SUPPORTING, "agree", "示例", task_id=self.task, attachments=(file,))
        conclusion = m.CollaborationConcluded(
            case_no=self.at_desk,
            request_id=f"{self.at_desk}-R1",
            collaboration_id=f"{self.at_desk}-R1",
            department=OWN,
            conclusion="agree",
            because="all_agree",
            answers=(answer,),
        )
        received = OpinionsReceived(conclusion=conclusion)
        command = Command(Key(CASE.name, self.at_desk), "answered", lambda *_: [received])
        perform(self.store("department"), [command], datetime.now(UTC))[0].stored()

    def _order(self, number: str) -> None:
        """The department is ordered to say why a case takes so long."""
        now = datetime.now(UTC)
        order = m.CaseSupervised(
            case_no=number,
            department=OWN,
            rule="JD-06",
            stage="order",
            moment="statutory",
            unit=OWN,
            light="overdue",
            at=now,
            again_at=now + timedelta(days=3),
            centre="990101",
        )
        given = perform(self.store("department"), [Command(Key(CASE.name, number), "order", lambda *_: [order])], now)
        assert given[0].stored().state.supervised

    def _closed(self) -> str:
        number = self._licence({**FORM, "area": 80})
        self.tell(number, ACCEPTED, GRANTED)
        body = {"rating": 5, "tags": ["slow"], "comment": "等了很久"}
        route = "POST /api/applications/{case_no}/rating"
        assert self.ask("feedback", route, CITIZEN, body=body, case_no=number)[0] == 201
        self.follow_all()
        return number

    def _announced(self) -> str:
        body = {
            "name": "示例.png",
            "media_type": "image/png",
            "size": len(PNG),
            "sha256": hashlib.sha256(PNG).hexdigest(),
        }
        status, view = self.ask("materials", "POST /api/materials", CITIZEN, body=body)
        assert status == 201, view
        identity: str = view["material_id"]
        return identity

    def _grid_event(self) -> str:
        """A grid event in the case's town, told by a system of its own; the centre's ledger knows the case."""
        event = golden("http_grid_report")
        status, receipt = self.http("grid", event)
        assert status == 201, receipt
        now = datetime.now(UTC)
        seen = ledger.Observed(sequence=1, message_type="case.accepted", state="collaborating", department=OWN, at=now)
        perform(self.store("governance"), [Command(Key(LEDGER.name, self.case), "seen", lambda *_: [seen])], now)
        number: str = receipt["event_no"]
        return number

    def _joint(self) -> str:
        route, path = "POST /api/joint-items/{joint_code}/applications", {"joint_code": "open-a-restaurant"}
        status, view = self.ask("joint", route, CITIZEN, body=JOINT, **path)
        assert status == 201, view
        identity: str = view["joint_no"]
        return identity

    def _draft(self) -> str:
        body = {"task_code": "food-business-licence", "form": {}}
        status, view = self.ask("drafts", "POST /api/drafts", CITIZEN, body=body)
        assert status == 201, view
        code: str = view["code"]
        return code

    def _key(self, table: str, kind: str, wanted: Callable[[Any], bool] = lambda state: True) -> str:
        keys = [Key.parse(name) for name in self.aws.dynamodb.tables[table] if name.startswith(f"{kind}#")]
        return next(key.id for key, stored in self.store(table).load(keys).items() if wanted(stored.state))

    @property
    def wish_with_file(self) -> dict[str, Any]:
        """An application that hands in the owner's file."""
        wish: dict[str, Any] = json.loads(golden("http_apply")["body"])
        wish["materials"] = [{"code": "photo", "material_id": self.file}, "identity-card"]
        return wish

    def snapshot(self) -> dict[str, dict[str, Any]]:
        """What the systems' tables hold; items are never changed in place."""
        return {name: dict(self.aws.dynamodb.tables[name]) for name in ("intake", "governance", "department")}

    def restore(self, snapshot: dict[str, dict[str, Any]]) -> None:
        """Puts the tables back."""
        for name, items in snapshot.items():
            self.aws.dynamodb.tables[name] = dict(items)

    def asks(self, function: str, route: str, caller: dict[str, str], sample: Sample) -> tuple[int, str]:
        """A request in a caller's name: the status and the body as it came."""
        event = golden("http_follow")
        event |= {"routeKey": route, "pathParameters": dict(sample.path), "queryStringParameters": dict(sample.query)}
        event["requestContext"]["authorizer"]["lambda"] = caller or {"problem": "token missing"}
        if isinstance(sample.body, bytes):
            event |= {"body": base64.b64encode(sample.body).decode(), "isBase64Encoded": True}
            event["headers"]["content-type"] = "application/octet-stream"
        elif sample.body is not None:
            event["body"] = json.dumps(sample.body)
        answer = self.call(function, event)
        return answer["statusCode"], answer["body"]
