"""Exports: what is written, once, whatever happens in between, and never more of a person than may be seen."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from click.testing import CliRunner
from liangwang import passwords
from liangwang.aggregates import ACCOUNT, CASE, Key
from liangwang.aws import AwsError
from liangwang.domain import messages as m
from liangwang.domain.account import Account
from liangwang.domain.case import Received
from liangwang.domain.patience import Patience
from liangwang.fakes import FakeAws
from liangwang.national.case_reading import Reader
from liangwang.national.case_rows import from_rows
from liangwang.national.files import read
from liangwang.national.standard import load
from liangwang.processing import Command, perform
from liangwang.sealing import Sealing
from liangwang.store import Store
from msgspec.structs import replace

from local import export, export_tables
from local.table_files import Folder, Unusable, Wish
from tests import infra_tools
from tests.conftest import REPOSITORY
from tests.unit.samples import submitted

CATALOGUE = REPOSITORY / "layers" / "catalogue"
STANDARD = load(CATALOGUE)
NOW = datetime(2026, 3, 1, 4, 0, tzinfo=UTC)
MARKET = "D-990101-MARKET"
PERSONAL = {
    "operator": "欧阳示例",
    "identity_number": "990101199912310000",
    "phone": "13900001234",
    "premises": "无名路7号",
}
PREFIX = "alias/liangwang/department/"


class Town:
    """A department's table with some cases, accounts, and an empty folder for exports."""

    def __init__(self, tmp_path, *, cases=7, page=2):
        self.aws = FakeAws()
        self.aws.dynamodb.page = page
        self.department = Store(self.aws, "department", patience=Patience(), writers=1)
        self.intake = Store(self.aws, "intake", patience=Patience(), writers=1)
        self.sealing = Sealing(self.aws, key_prefix=PREFIX)
        self.office = export.Office(self.aws, self.aws, "department", self.department, self.intake, PREFIX, CATALOGUE)
        self.out = tmp_path / "out"
        self.numbers = [f"20260301-990101-{'A' * 11}{position}-A" for position in range(cases)]
        for number in self.numbers:
            self.receive(number)

    def does(self, number, *events, at=NOW):
        key = Key(CASE.name, number)
        stored = perform(
            self.department, [Command(key, f"{number}/{at}/{type(events[0]).__name__}", lambda *_: events)], at
        )
        return stored[0].stored()

    def receive(self, number, *, at=NOW, department=MARKET):
        application = submitted(
            case_no=number, department=department, task_code="food-business-licence", form={"area": 80}
        )
        sealed = self.sealing.seal(PERSONAL, department=department, case_no=number)
        self.does(number, Received(application=replace(application, sealed=sealed)), at=at)
        self.does(number, m.CaseAccepted(case_no=number, department=department, accept_doc_no=f"{number}-S"), at=at)

    def decide(self, number, *, at):
        self.does(number, m.CaseDecided(case_no=number, department=MARKET, outcome="granted", told=2), at=at)

    def account(self, name, role, department=""):
        account = Account(role=role, name=name, department=department, password=passwords.digest("secret-secret"))
        perform(self.intake, [Command(Key(ACCOUNT.name, name), name, lambda *_: [account])], NOW)[0].stored()

    def says(self, *words, password=""):
        return CliRunner().invoke(
            export.command, ["--out", str(self.out), *words], obj=lambda: self.office, input=f"{password}\n"
        )

    def rows(self, form="csv", out=None):
        found = []
        for name in export_tables.CASES:
            file = (out or self.out) / f"{name}.{form}"
            if file.exists():
                found += read(file.read_bytes(), STANDARD.tables[name], name=file.name)
        return found

    def facts(self, form="csv"):
        return from_rows(self.rows(form), Reader(STANDARD, STANDARD.dialects["own"]))

    def written(self, out=None):
        return {one.name: one.read_bytes() for one in (out or self.out).iterdir() if one.suffix in (".csv", ".jsonl")}


@pytest.fixture
def town(tmp_path):
    return Town(tmp_path)


def test_an_export_has_every_case_once_in_pages(town):
    result = town.says("--to", "now")
    assert result.exit_code == 0, result.output
    assert sorted(town.facts()) == town.numbers
    scans = [call for call in town.aws.calls if call[1] == "Scan"]
    assert len(scans) == 4
    assert not [call for call in town.aws.calls if call[1] in ("Query", "BatchGetItem") and call[2].get("TableName")]


def test_the_tool_for_aws_takes_the_same_options(town):
    tool = infra_tools.load("export")
    words = ["--stack", "city", "--out", str(town.out), "--to", "now", "--format", "jsonl"]
    result = CliRunner().invoke(tool.main, words, obj=lambda: town.office)
    assert result.exit_code == 0, result.output
    assert sorted(town.facts("jsonl")) == town.numbers


def test_parts_are_the_whole_and_have_nothing_twice(town):
    found = []
    for number in (1, 2, 3):
        town.out = town.out.parent / f"part-{number}"
        assert town.says("--to", "now", "--part", f"{number}/3").exit_code == 0
        found += [row.row_guid for row in town.rows()]
        assert bool((town.out / "up_task_general_basic.csv").stat().st_size > 900) == (number == 1)
    town.out = town.out.parent / "whole"
    town.says("--to", "now")
    assert sorted(found) == sorted(row.row_guid for row in town.rows())


def test_json_lines_say_the_same_as_csv(town):
    town.says("--to", "2026-04-01")
    csv = town.facts()
    town.out = town.out.parent / "other"
    town.says("--to", "2026-04-01", "--format", "jsonl")
    assert town.facts("jsonl") == csv


class Killed(BaseException):
    """What `kill -9` is to a program: nothing of it runs any more."""


class FrailFolder(Folder):
    """Dies at its n-th chance: before a file is written, with half of what is written, or before that is kept."""

    def __init__(self, path, lives):
        super().__init__(path)
        self.lives = lives

    def _chance(self):
        self.lives -= 1
        if self.lives == 0:
            raise Killed

    def append(self, state, parts):
        for name, content in parts.items():
            try:
                self._chance()
            except Killed:
                (self.path / name).open("ab").write(content[: len(content) // 2])
                raise
            super().append(state, {name: content})

    def keep(self, state):
        self._chance()
        super().keep(state)


def until_done(town, out, *, lives):
    """Runs and dies and goes on; how often it died."""
    died = 0
    wish = Wish(tables=export_tables.CASES, form="csv", dialect="own", until=NOW + timedelta(days=1))
    desk = export_tables.Desk(town.aws, "department", export.catalogue.load(CATALOGUE), STANDARD)
    out.mkdir(exist_ok=True)
    while True:
        folder = FrailFolder(out, lives) if died < 60 else Folder(out)
        try:
            state = folder.begin(wish, any_end=False)
            list(export_tables.Export(desk, folder, state).run())
            return died
        except Killed:
            died += 1


@pytest.mark.parametrize("lives", range(2, 22, 4))
def test_an_export_killed_at_any_moment_goes_on_without_a_row_lost_or_doubled(town, tmp_path, lives):
    assert until_done(town, tmp_path / "whole", lives=10_000) == 0
    died = until_done(town, tmp_path / "frail", lives=lives)
    assert died
    assert town.written(tmp_path / "frail") == town.written(tmp_path / "whole")
    reports = [(tmp_path / name / "conformance.json").read_bytes() for name in ("frail", "whole")]
    assert reports[0] == reports[1]


def test_an_export_that_goes_on_shows_the_same_moment_though_cases_went_on(town):
    town.aws.faults = []
    calls = town.aws.call

    def fails_once(service, operation, request):
        if operation == "Scan" and "ExclusiveStartKey" in request and not town.out.with_name("failed").exists():
            town.out.with_name("failed").touch()
            raise AwsError("ProvisionedThroughputExceededException", "as the test wishes")
        return calls(service, operation, request)

    town.aws.call = fails_once
    first = town.says()
    assert first.exit_code == 1 and "goes on where it stopped" in first.output
    for number in town.numbers:
        town.decide(number, at=datetime.now(UTC))
    assert town.says().exit_code == 0
    assert {row.project_no for row in town.rows()} == set(town.numbers)
    assert not [row for row in town.rows() if row.row_guid.endswith("-J")]


def test_an_increment_has_what_changed_and_says_how(town):
    town.says("--to", "2026-03-02")
    town.decide(town.numbers[0], at=NOW + timedelta(days=3))
    town.receive("20260305-990101-AAAAAAAAAAAZ-A", at=NOW + timedelta(days=4))
    town.out = town.out.parent / "increment"
    result = town.says("--from", "2026-03-02", "--to", "2026-04-01")
    assert result.exit_code == 0, result.output
    found = {row.row_guid: row.cd_operation for row in town.rows()}
    assert found[f"{town.numbers[0]}-J"] == "I"
    assert {guid[:-2] for guid in found if guid.endswith("-Y")} == {"20260305-990101-AAAAAAAAAAAZ-A"}
    assert not [guid for guid in found if guid.startswith(town.numbers[1])]


def test_a_finished_export_is_not_done_again(town):
    town.says("--to", "2026-04-01")
    before = town.written()
    town.aws.calls.clear()
    assert town.says("--to", "2026-04-01").exit_code == 0
    assert town.written() == before
    assert not [call for call in town.aws.calls if call[1] == "Scan"]


def test_a_folder_of_another_export_or_of_something_else_is_refused(town):
    town.says("--to", "2026-04-01")
    assert "holds an export of something else" in town.says("--to", "2026-04-02").output
    strange = town.out.parent / "strange"
    strange.mkdir()
    (strange / "letter.txt").touch()
    town.out = strange
    assert "has files of something else (letter.txt)" in town.says().output


def test_two_exports_do_not_write_to_one_folder(tmp_path):
    with (
        Folder(tmp_path).taken(),
        pytest.raises(Unusable, match="another export writes here"),
        Folder(tmp_path).taken(),
    ):
        pass


def test_a_case_that_cannot_be_read_is_named_and_keeps_nobody_else(town):
    item = town.aws.dynamodb.tables["department"][f"case#{town.numbers[2]}"]
    item["body"] = {"B": "AAAA"}
    result = town.says("--to", "now")
    assert result.exit_code == 0
    assert f"1 cases could not be read: {town.numbers[2]}" in result.output
    assert sorted(town.facts()) == [one for one in town.numbers if one != town.numbers[2]]


def test_an_export_keeps_to_its_read_units(town, tmp_path):
    pauses, moments = [], iter(range(1000))
    scan = town.aws.dynamodb.operations["Scan"]
    town.aws.dynamodb.operations["Scan"] = lambda request: {
        **scan(request),
        "ConsumedCapacity": {"CapacityUnits": 20.0},
    }
    wish = Wish(tables=("up_pro_accept",), form="csv", dialect="own", until=NOW + timedelta(days=1))
    desk = export_tables.Desk(town.aws, "department", export.catalogue.load(CATALOGUE), STANDARD)
    folder = Folder(tmp_path)
    state = folder.begin(wish, any_end=False)
    list(export_tables.Export(desk, folder, state, units=4, clock=lambda: next(moments), sleep=pauses.append).run())
    assert pauses == [4.0, 4.0, 4.0]  # 20 units at 4 a second are 5 seconds, one of which the page itself took


def test_only_one_departments_cases_are_there_when_it_is_named(town):
    town.receive("20260301-990101-BBBBBBBBBBBB-A", department="D-990102-MARKET")
    town.says("--to", "now", "--department", "D-990102-MARKET")
    assert sorted(town.facts()) == ["20260301-990101-BBBBBBBBBBBB-A"]


# ------------------------------------------------------------------ personal data


def everything(folder):
    return "".join(one.read_text("utf-8") for one in folder.iterdir() if one.is_file())


def test_an_export_has_no_personal_data_unless_somebody_asks(town):
    town.says("--to", "now")
    assert not [value for value in PERSONAL.values() if value in everything(town.out)]
    assert not [call for call in town.aws.calls if call[1] == "Decrypt"]


def test_a_supervisor_exports_their_departments_applicants_and_each_case_is_on_record(town):
    town.account("sun", "supervisor", MARKET)
    town.receive("20260301-990101-BBBBBBBBBBBB-A", department="D-990102-MARKET")
    words = ("--to", "now", "--personal", "full", "--as", "sun", "--reason", "monthly return to the province")
    result = town.says(*words, password="secret-secret")
    assert result.exit_code == 0, result.output
    named = {row.project_no: row.applyer_name for row in town.rows() if row.row_guid.endswith("-Y")}
    assert named == {**dict.fromkeys(town.numbers, "欧阳示例"), "20260301-990101-BBBBBBBBBBBB-A": ""}
    assert "1 cases without personal data" in result.output
    records = [
        town.department.load([Key.parse(name)]) for name in town.aws.dynamodb.tables["department"] if "access#" in name
    ]
    seen = [stored.state for one in records for stored in one.values()]
    assert sorted(one.subject for one in seen) == town.numbers
    assert {(one.caller, one.action, one.reason) for one in seen} == {
        ("sun", "table.export", "monthly return to the province")
    }


def test_nothing_is_opened_when_it_cannot_be_put_on_record(town):
    town.account("sun", "supervisor", MARKET)
    operations = town.aws.dynamodb.operations

    def refuse(request):
        raise AwsError("AccessDeniedException", "as the test wishes")

    operations["PutItem"] = refuse
    words = ("--to", "now", "--personal", "full", "--as", "sun", "--reason", "monthly return")
    assert town.says(*words, password="secret-secret").exit_code == 1
    assert not [call for call in town.aws.calls if call[1] == "Decrypt"]
    assert "欧阳示例" not in everything(town.out)


def test_an_auditor_exports_applicants_made_unrecognisable(town):
    town.account("ann", "auditor")
    result = town.says(
        "--to", "now", "--personal", "full", "--as", "ann", "--reason", "audit", password="secret-secret"
    )
    assert result.exit_code == 0, result.output
    named = {(row.applyer_name, row.applyer_page_code) for row in town.rows() if row.row_guid.endswith("-Y")}
    assert named == {("欧**", "990****00")}


@pytest.mark.parametrize(
    ("role", "password", "said"),
    [
        ("clerk", "secret-secret", "role clerk may not export personal data; it is for auditor, supervisor"),
        ("supervisor", "another", "a wrong password"),
    ],
)
def test_who_may_not_see_personal_data_exports_none(town, role, password, said):
    town.account("eve", role, MARKET)
    result = town.says("--to", "now", "--personal", "masked", "--as", "eve", password=password)
    assert result.exit_code == 1 and said in result.output
    assert not town.out.exists() or not town.written()


def test_full_personal_data_needs_a_reason_and_a_name(town):
    assert "needs --as" in town.says("--personal", "full").output
    assert "needs --reason" in town.says("--personal", "full", "--as", "sun").output


# ------------------------------------------------------------------ options


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--from", "yesterday"), "use a day such as 2027-03-01"),
        (("--to", "2026-03-01T08:00:00"), "name the moment's zone"),
        (("--part", "5/4"), "use 1/4, 2/4, 3/4 and 4/4 for four parts"),
        (("--dialect", "klingon"), "known are linhai, own, yunchuan"),
        (("--table", "up_pro_nothing"), "'up_pro_nothing' is not one of"),
    ],
)
def test_a_wrong_option_is_told_with_what_is_right(town, words, said):
    result = town.says(*words)
    assert result.exit_code == 2 and said in result.output


def test_a_dialects_codes_are_written(town):
    town.decide(town.numbers[0], at=NOW)
    town.says("--to", "now", "--dialect", "linhai")
    (result,) = [row for row in town.rows() if row.row_guid.endswith("-J")]
    assert (result.result_type, result.data_source) == ("A1", "992")


def test_items_are_exported_with_all_cases_and_not_with_an_increment(town):
    town.says("--to", "now", "--format", "jsonl")
    lines = (town.out / "up_task_general_basic.jsonl").read_text("utf-8").splitlines()
    assert len(lines) == len(export.catalogue.load(CATALOGUE).versions)
    assert json.loads(lines[0])["cd_operation"] == "I"
    town.out = town.out.parent / "increment"
    town.says("--from", "2026-01-01", "--to", "now")
    assert not (town.out / "up_task_general_basic.csv").exists()
