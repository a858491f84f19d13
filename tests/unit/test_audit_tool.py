"""The auditor's commands: exit code 1 and a sentence for everything that is wrong, and none for what is right."""

import base64
import json
from datetime import UTC, datetime, timedelta

import pytest
from click.testing import CliRunner
from liangwang.accesses import Accesses
from liangwang.aggregates import APPLICATION, CASE, Key, encode
from liangwang.audit_anchors import KIND, Anchors
from liangwang.audit_chain import Chains
from liangwang.body import pack, unpack
from liangwang.changes import read
from liangwang.domain.application import Opened
from liangwang.domain.audit import day_of
from liangwang.domain.history import Recorded
from liangwang.domain.patience import Patience
from liangwang.domain.retention import redact
from liangwang.fakes import FakeAws
from liangwang.http import Caller
from liangwang.processing import Command, perform
from liangwang.store import Store
from liangwang.tokens import KmsJws
from liangwang.trail import Trail

from local import audit
from tests import infra_tools
from tests.unit.samples import CASE_NO, submitted
from tests.unit.test_changes import ACCEPTED, DECIDED, RECEIVED, STEP

SYSTEMS = ("intake", "governance", "department")
NOW = datetime.now(UTC)
CASE_KEY = Key(CASE.name, CASE_NO)


class Town:
    """Three systems' tables with what happened in them, and the trail of it."""

    def __init__(self):
        self.aws = FakeAws()
        self.stores = {system: Store(self.aws, system, patience=Patience()) for system in SYSTEMS}
        self.office = audit.Office(aws=self.aws, keys=self.aws, table="audit", stores=self.stores)
        self._read = dict.fromkeys(SYSTEMS, 0)

    def does(self, system, key, cause, *events, at=NOW):
        perform(self.stores[system], [Command(key, cause, lambda *_: events)], at)[0].stored()

    def records(self):
        """The streams bring what is new to the trail."""
        for system in SYSTEMS:
            stream = self.aws.dynamodb.event(system, start=self._read[system])
            self._read[system] += len(stream["Records"])
            Trail(Chains(self.aws, "audit"), system=system).append(read(stream), NOW)

    def signs(self):
        anchors = Anchors(Chains(self.aws, "audit"), KmsJws(self.aws, audit.KEY, kind=KIND).sign)
        anchors.sign(NOW, since=NOW.timestamp())

    def item(self, system, key):
        return self.aws.dynamodb.tables[system][str(key)]

    def rewrite(self, system, key, change):
        """Changes an item's body behind everybody's back."""
        item = self.item(system, key)
        body = change(unpack(base64.b64decode(item["body"]["B"])))
        item["body"] = {"B": base64.b64encode(pack(body)).decode()}

    def says(self, command, *words):
        """An auditor's command: the exit code and the lines."""
        result = CliRunner().invoke(audit.command.commands[command], words, obj=lambda: self.office)
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        return result.exit_code, result.output.splitlines()


@pytest.fixture
def town():
    town = Town()
    key = Key(APPLICATION.name, CASE_NO)
    town.does("intake", key, f"apply/{CASE_NO}", Opened(applicant="zhang", digest="d"), submitted())
    town.does("department", CASE_KEY, "message-1", RECEIVED, ACCEPTED)
    town.does("department", CASE_KEY, "person/clerk-1/POST /api/cases/{case_no}/steps/v2/abc", STEP, DECIDED)
    caller = Caller(subject="clerk-1", role="clerk")
    Accesses(town.stores["department"], identity=lambda: "a1").record(
        caller, NOW, action="case.read", subject=CASE_NO, fields=["phone"], reason="复核"
    )
    town.records()
    town.signs()
    return town


# ------------------------------------------------------------------ verify


@pytest.mark.parametrize("words", [(), ("--live",), ("--day", day_of(NOW))])
def test_what_was_left_alone_is_counted(town, words):
    code, lines = town.says("verify", *words)
    assert code == 0
    assert "nothing was changed, removed, inserted or reordered" in lines
    assert any(line.startswith("7 records in ") for line in lines)


def test_a_trail_of_many_pages_is_read_whole(town):
    town.aws.dynamodb.page = 1
    assert town.says("verify", "--live")[0] == 0


def test_a_record_that_was_changed_in_the_table_is_named(town):
    for item in town.aws.dynamodb.tables["audit"].values():
        if item["pk"]["S"] != "anchor":
            records = unpack(base64.b64decode(item["records"]["B"])).replace(b"message-1", b"message-2")
            item["records"] = {"B": base64.b64encode(pack(records)).decode()}
    code, lines = town.says("verify")
    assert code == 1
    assert [line.partition(": ")[2] for line in lines[:2]] == [
        f"record department/case/{CASE_NO}/{version} was changed" for version in (1, 2)
    ]


def test_a_trail_whose_items_are_gone_is_told_by_its_anchors(town):
    items = town.aws.dynamodb.tables["audit"]
    for pk in [pk for pk in items if "/department" in pk]:
        del items[pk]
    code, lines = town.says("verify")
    assert code == 1 and any("is missing: the chain was cut, says the anchor" in line for line in lines)


# ------------------------------------------------------------------ verify --live


def test_an_event_that_was_changed_in_the_table_itself_is_named(town):
    town.rewrite("department", CASE_KEY, lambda body: body.replace(b'"granted"', b'"denied"'))
    assert town.says("verify")[0] == 0
    code, lines = town.says("verify", "--live")
    assert code == 1
    assert f"department/case/{CASE_NO}/4: is not what was recorded: the event was changed in the table" in lines


def test_an_event_that_was_cut_off_in_the_table_is_named(town):
    item = town.item("department", CASE_KEY)
    town.rewrite(
        "department", CASE_KEY, lambda body: encode(town.stores["department"].load([CASE_KEY])[CASE_KEY].history[:3])
    )
    item["version"] = {"N": "3"}
    code, lines = town.says("verify", "--live")
    assert code == 1
    assert f"department/case/{CASE_NO}/4: was recorded and is not in the table: its history was cut" in lines


def test_an_item_that_is_gone_without_a_record_of_it_is_named(town):
    del town.aws.dynamodb.tables["department"][str(CASE_KEY)]
    code, lines = town.says("verify", "--live")
    assert code == 1
    assert any(line.startswith(f"department/case/{CASE_NO}: is gone from the table") for line in lines)


def test_an_event_that_the_stream_never_brought_is_named_once_it_should_have_come(town):
    late = Recorded(NOW - timedelta(hours=1), "message-9", STEP)
    before = town.stores["department"].load([CASE_KEY])[CASE_KEY]
    town.stores["department"].save([(before, before._replace(history=(*before.history, late)))])
    code, lines = town.says("verify", "--live")
    assert code == 1
    assert f"department/case/{CASE_NO}/5: is in the table and has no record: the trail misses it" in lines


def test_an_event_that_is_on_its_way_is_no_finding(town):
    town.does("department", CASE_KEY, "message-9", STEP, at=datetime.now(UTC))
    assert town.says("verify", "--live")[0] == 0


def test_the_item_of_an_access_may_be_gone(town):
    del town.aws.dynamodb.tables["department"]["access#a1"]
    assert town.says("verify", "--live")[0] == 0


def test_what_was_redacted_as_the_law_wants_is_counted_and_is_no_finding(town):
    key = Key(APPLICATION.name, CASE_NO)
    store = town.stores["intake"]
    before = store.load([key])[key]
    store.save([(before, before._replace(history=redact(before.history, because="retention", at=NOW)))])
    town.records()
    code, lines = town.says("verify", "--live")
    assert code == 0
    assert any("1 of them redacted" in line for line in lines)


# ------------------------------------------------------------------ files


@pytest.fixture
def files(town, tmp_path):
    """An export and the public key, as an auditor carries them away."""
    export, key = tmp_path / "export.jsonl", tmp_path / "key.json"
    export.write_text("\n".join(town.says("export")[1]), "utf-8")
    key.write_text("\n".join(town.says("key")[1]), "utf-8")
    return export, key


def nowhere():
    raise AssertionError("an export is checked without a stack")


def offline(export, key, *words):
    words = ("--file", str(export), "--key", str(key), *words)
    result = CliRunner().invoke(audit.command.commands["verify"], words, obj=nowhere)
    return result.exit_code, result.output


def test_an_export_is_checked_without_a_stack(files):
    code, said = offline(*files)
    assert (code, "7 records" in said) == (0, True)


def test_a_line_that_was_taken_out_of_an_export_is_named(files):
    export, key = files
    lines = export.read_text("utf-8").splitlines()
    block = next(number for number, line in enumerate(lines) if '"department-' in line and "block" in line)
    export.write_text("\n".join(lines[:block] + lines[block + 1 :]), "utf-8")
    code, said = offline(export, key)
    assert code == 1 and "is missing" in said


def test_anchors_that_were_taken_out_come_back_from_the_log(files, town):
    export, key = files
    lines = export.read_text("utf-8").splitlines()
    anchor = next(json.loads(line)["anchor"] for line in lines if '"anchor":' in line)
    cut = [line for line in lines if '"anchor":' not in line and '"department-' not in line]
    export.write_text("\n".join(cut), "utf-8")
    log = export.with_name("log.jsonl")
    noise = ["no json", '{"function":"audit","anchor"', '{"anchor":1}']
    log.write_text("\n".join([*noise, json.dumps({"function": "audit", "anchor": anchor})]), "utf-8")
    code, said = offline(export, key, "--anchors", str(log))
    assert code == 1 and "the chain was cut" in said


def test_another_key_opens_no_anchor(files, town):
    export, key = files
    other = audit.jwk(audit.public_key(town.aws, "alias/liangwang/token"), kid="audit")
    key.write_text(json.dumps(other), "utf-8")
    code, said = offline(export, key)
    assert code == 1 and "its signature is not that of the audit key" in said


def test_a_line_that_no_export_has_is_named(files):
    export, key = files
    export.write_text(export.read_text("utf-8") + "\nno json", "utf-8")
    code, said = offline(export, key)
    assert code == 1 and "is no line of an export" in said


def test_an_export_is_not_believed_without_the_key(files):
    result = CliRunner().invoke(audit.command.commands["verify"], ("--file", str(files[0])), obj=nowhere)
    assert result.exit_code == 2 and "--key" in result.output


# ------------------------------------------------------------------ list


def test_the_records_of_a_case_are_shown_in_order_with_who_did_what_and_who_looked(town):
    _, lines = town.says("list", "--case", CASE_NO)
    assert len(lines) == 7
    assert sum("by clerk-1" in line for line in lines) == 3
    assert [line for line in lines if f"case.read of {CASE_NO} [phone] 复核" in line]


def test_what_one_person_did_is_shown(town):
    _, lines = town.says("list", "--person", "zhang")
    assert [line.split()[2] for line in lines] == ["application.opened", "application.submitted"]
    assert town.says("list", "--person", "nobody") == (0, [])


def test_an_operator_has_the_same_commands_on_aws():
    tool = infra_tools.load("audit")
    assert set(tool.main.commands) == {"verify", "export", "key", "anchor", "list"}
