"""The audit trail of a running city: it has what happened, and checking names what somebody did to it in the tables."""

import base64
from datetime import UTC, datetime

import pytest
from liangwang.audit_anchors import KIND, Anchors
from liangwang.audit_chain import Chains
from liangwang.body import pack, unpack
from liangwang.tokens import KmsJws

from local import audit
from local.audit_evidence import compare, read_table
from tests.waiting import eventually


@pytest.fixture(scope="module")
def office(city):
    return audit.office_of(city.stack)


def findings(office):
    report = audit.check(read_table(office.aws, office.table), audit.key_of(office), now=datetime.now(UTC))
    return [str(one) for one in report.findings]


def sign(office):
    now = datetime.now(UTC)
    Anchors(Chains(office.aws, office.table), KmsJws(office.keys, audit.KEY, kind=KIND).sign).sign(
        now, since=now.timestamp()
    )


@pytest.fixture(scope="module")
def ended(city, office):
    """A case that has ended, once everything that happened in it is in the trail."""
    case_no = city.apply(city.wish("elderly-card"))
    city.await_status(case_no, "granted")

    def events():
        footprint = city.tables.case(case_no)
        return footprint.application.version + footprint.case.version + footprint.ledger.version

    def complete():
        kinds = ("application", "case", "ledger")
        evidence = read_table(office.aws, office.table)
        found = {one.id for one in evidence.records if case_no in one.id and one.id.split("/")[1] in kinds}
        return len(found) >= 12 and len(found) == events()

    eventually(complete, what=f"everything of {case_no} to be in the trail")
    sign(office)
    return case_no


def blocks_of(office, case_no):
    """The items of the blocks that have records of a case."""
    items = office.aws.call("dynamodb", "Scan", {"TableName": office.table})["Items"]
    return [one for one in items if "records" in one and case_no.encode() in text_of(one)]


def text_of(item):
    return unpack(base64.b64decode(item["records"]["B"]))


class Meddling:
    """Somebody with write access to the audit table; what they did is undone at the end."""

    def __init__(self, office):
        self.office = office
        self._undo = []

    def put(self, before, after):
        self._undo.append(before)
        self._call("PutItem", Item=after)

    def delete(self, item):
        self._undo.append(item)
        self._call("DeleteItem", Key={name: item[name] for name in ("pk", "seq")})

    def undo(self):
        for item in self._undo:
            self._call("PutItem", Item=item)

    def _call(self, operation, **request):
        self.office.aws.call("dynamodb", operation, {"TableName": self.office.table, **request})


@pytest.fixture
def meddling(office):
    someone = Meddling(office)
    yield someone
    someone.undo()


def test_everything_that_happened_in_a_case_is_there_and_holds(office, ended):
    assert findings(office) == []
    assert compare(read_table(office.aws, office.table), office.stores).findings == ()


def test_who_decided_stands_in_the_trail_and_no_personal_data_does(city, office, ended):
    evidence = read_table(office.aws, office.table)
    kinds = {record.type for record in evidence.records if ended in record.id}
    assert {"application.submitted", "case.accepted", "case.decided"} <= kinds
    assert {record.by for record in evidence.records if record.type == "application.opened"} >= {"citizen-001"}
    personal = city.wish("elderly-card")["form"]
    texts = b"\n".join(text_of(item) for item in blocks_of(office, ended)).decode()
    assert not [
        value for name, value in personal.items() if name in ("name", "phone", "identity_number") and value in texts
    ]


def test_a_record_that_was_changed_in_the_table_is_named(office, ended, meddling):
    item = blocks_of(office, ended)[0]
    text = text_of(item)
    record = next(one for one in text.decode().split('"') if ended in one and one.count("/") == 3)
    forged = text.replace(record.encode(), record.replace(ended, "20260101-990101001-FORGED").encode())
    meddling.put(item, {**item, "records": {"B": base64.b64encode(pack(forged)).decode()}})
    assert any("FORGED" in one and "was changed" in one for one in findings(office))


def test_a_block_that_was_deleted_is_named(office, ended, meddling):
    item = blocks_of(office, ended)[0]
    meddling.delete(item)
    place, number = item["pk"]["S"], item["seq"]["N"]
    assert [one for one in findings(office) if one.startswith(place) and f"block {number}" in one and "missing" in one]


def test_an_anchor_that_was_made_up_is_named(office, ended, meddling):
    anchors = [
        one for one in office.aws.call("dynamodb", "Scan", {"TableName": office.table})["Items"] if "token" in one
    ]
    other = KmsJws(office.keys, "alias/liangwang/token", kind=KIND).sign(b"{}")
    meddling.put(anchors[-1], {**anchors[-1], "token": {"S": other}})
    assert any("its signature is not that of the audit key" in one for one in findings(office))


def test_an_event_that_was_changed_in_its_own_table_is_named_by_comparing_and_soon_by_the_trail_itself(city, office):
    case_no = city.apply(city.wish("food-business-licence"))
    place = f"department/case/{case_no}/1"
    recorded = lambda: any(one.id == place for one in read_table(office.aws, office.table).records)  # noqa: E731
    eventually(recorded, what=f"{place} to be in the trail")
    table = city.stack.resources["DepartmentTable"]
    wanted = {"TableName": table, "Key": {"pk": {"S": f"case#{case_no}"}}, "ConsistentRead": True}
    item = office.aws.call("dynamodb", "GetItem", wanted)["Item"]
    body = unpack(base64.b64decode(item["body"]["B"])).replace(b'"channel":"pc"', b'"channel":"app"')
    forged = {**item, "body": {"B": base64.b64encode(pack(body)).decode()}}
    office.aws.call("dynamodb", "PutItem", {"TableName": table, "Item": forged})
    try:
        named = compare(read_table(office.aws, office.table), office.stores).findings
        assert f"{place}: is not what was recorded: the event was changed in the table" in [str(one) for one in named]
        eventually(
            lambda: any("changed behind us" in one and case_no in one for one in findings(office)),
            what="the trail to tell of the change",
        )
    finally:
        office.aws.call("dynamodb", "PutItem", {"TableName": table, "Item": item})
