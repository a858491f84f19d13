"""A case in the exchange tables: nothing is lost on the way there and back, and what a column can say stands in it."""

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from liangwang.domain import messages as m
from liangwang.domain.case import ProcedureRequested, Received
from liangwang.domain.case_messages import CASE_ENDED
from liangwang.domain.history import Recorded
from liangwang.national.case_facts import exportable
from liangwang.national.case_making import Setting
from liangwang.national.case_reading import Reader
from liangwang.national.case_rows import Unfit, from_rows, to_rows
from liangwang.national.extension import beyond, whole
from liangwang.national.files import by_table, read, written
from liangwang.national.increments import Span, applied, between
from liangwang.national.standard import load
from msgspec import json
from msgspec.structs import replace

from tests.conftest import REPOSITORY
from tests.unit.any_history import histories
from tests.unit.samples import CASE_NO, CITY, NOON, item, submitted

STANDARD = load(REPOSITORY / "layers" / "catalogue")
DIALECTS = st.sampled_from(sorted(STANDARD.dialects)).map(STANDARD.dialects.__getitem__)
UNHURRIED = settings(suppress_health_check=[HealthCheck.too_slow], deadline=None, max_examples=50)


def setting(dialect="own", **changes):
    return Setting(STANDARD, STANDARD.dialects[dialect], CITY, item(), **changes)


def reader(dialect="own"):
    return Reader(STANDARD, STANDARD.dialects[dialect])


@UNHURRIED
@given(histories(), DIALECTS, st.booleans())
def test_the_rows_of_any_history_are_read_as_the_same_history_again(history, dialect, knows_the_item):
    on = setting(dialect.name)._replace(item=item() if knows_the_item else None)
    rows = to_rows(history, on)
    assert from_rows(rows, Reader(STANDARD, dialect)) == {CASE_NO: exportable(history)}


@UNHURRIED
@given(histories(most=6), st.sampled_from(["csv", "jsonl"]))
def test_nothing_is_lost_in_a_file_either(history, form):
    rows = to_rows(history, setting())
    back = []
    for name, some in by_table(rows).items():
        table = STANDARD.tables[name]
        half = len(some) // 2
        content = written(some[:half], table, form, head=True) + written(some[half:], table, form, head=False)
        back += read(content, table, name=name)
    assert json.encode(sorted(back, key=lambda row: row.row_guid)) == json.encode(
        sorted(rows, key=lambda row: row.row_guid)
    )
    assert from_rows(back, reader()) == {CASE_NO: exportable(history)}


@UNHURRIED
@given(histories(), st.data())
def test_increments_one_after_the_other_are_the_whole(history, data):
    moments = sorted({recorded.at for recorded in history})
    cuts = sorted(data.draw(st.lists(st.sampled_from(moments), max_size=3, unique=True)))
    end = moments[-1].replace(year=2030)

    def rows(some):
        return to_rows(some, setting())

    known, since = [], None
    for until in (*cuts, end):
        increment = between(history, Span(since, until), rows, source="990")
        guids = {row.row_guid for row in known}
        assert all((row.row_guid in guids) == (row.cd_operation != "I") for row in increment)
        known, since = applied(known, increment), until
    full = between(history, Span(None, end), rows, source="990")
    assert unstamped(known) == unstamped(full)


def unstamped(rows):
    plain = (replace(row, cd_operation="", cd_time="", cd_batch="") for row in rows)
    return sorted(plain, key=lambda row: row.row_guid)


@UNHURRIED
@given(histories())
def test_an_extension_never_says_again_what_the_columns_say(history):
    rows = to_rows(history, setting())
    for row in rows:
        said = reader().said(row)
        for entry in row.liangwang_ext.get("events", ()):
            tag = entry["event"]["type"]
            if tag in said:
                for name, value in entry["event"].items():
                    if name != "type" and name in said[tag].content:
                        assert said[tag].content[name] != value
                if "at" in entry:
                    assert said[tag].at != entry["at"]


@UNHURRIED
@given(histories())
def test_nothing_that_was_sealed_leaves(history):
    written_out = json.encode(to_rows(history, setting()))
    assert b"wrapped_key" not in written_out and b"ciphertext" not in written_out


@UNHURRIED
@given(histories())
def test_a_row_has_one_name_for_ever_and_texts_fit_their_columns(history):
    rows = to_rows(history, setting())
    assert len({row.row_guid for row in rows}) == len(rows)
    for name, some in by_table(rows).items():
        for row in some:
            assert len(row.row_guid) <= 50
            for column in STANDARD.tables[name].columns:
                if column.kind == "text" and column.length:
                    assert len(getattr(row, column.name)) <= column.length


def test_a_missing_table_is_named_and_not_guessed():
    accepted = m.CaseAccepted(case_no=CASE_NO, department="EAST-MARKET", accept_doc_no="S")
    history = (
        Recorded(NOON, "", Received(application=submitted())),
        Recorded(
            NOON, "", m.StepCompleted(case_no=CASE_NO, department="EAST-MARKET", step="handle", opinion="agree", by="a")
        ),
        Recorded(NOON, "", accepted),
    )
    rows = [row for row in to_rows(history, setting()) if "P1" not in row.row_guid]
    with pytest.raises(Unfit, match="events 1 are in no row"):
        from_rows(rows, reader())


@given(st.dictionaries(st.text(), st.integers()), st.dictionaries(st.text(), st.integers()))
def test_what_is_said_and_what_is_beyond_are_the_whole(fact, other):
    said = {name: other.get(name, value) for name, value in fact.items()}
    assert whole(said, beyond(fact, said)) == fact


def of_case(kind, **content):
    return kind(case_no=CASE_NO, department="EAST-MARKET", **content)


def history_with_a_hearing_and_an_extension():
    due = m.Due(
        started_on=NOON.date(),
        statutory_days=20,
        promised_days=5,
        basis="art. 42",
        statutory_at=NOON + timedelta(days=28),
        promised_at=NOON + timedelta(days=7),
        yellow_at=NOON,
        red_at=NOON,
    )
    later = replace(due, promised_at=NOON + timedelta(days=10))
    asked = ProcedureRequested(procedure_id="h", kind="hearing", days=5, reason="neighbours object", by="ann")
    stopped = of_case(
        m.CaseSuspended,
        stop_id="h",
        cause="hearing",
        basis="art. 45",
        approver="bob",
        since=NOON.date(),
        reason="neighbours object",
    )
    ended = of_case(
        m.CaseResumed, stop_id="h", on=NOON.date() + timedelta(days=2), days=2, stood=2, due=later, result="heard"
    )
    extended = of_case(
        m.CaseExtended, days=10, reason="much to read", basis="art. 42", approver="eve", on=NOON.date(), due=later
    )
    events = [
        Received(application=submitted()),
        of_case(m.CaseAccepted, accept_doc_no="S", due=due),
        asked,
        stopped,
        ended,
        extended,
    ]
    return [Recorded(NOON + timedelta(hours=number), "", event) for number, event in enumerate(events)]


def test_a_special_procedure_and_an_extension_are_rows_of_their_own_kind():
    tables = by_table(to_rows(history_with_a_hearing_and_an_extension(), setting()))
    hearing, extension = tables["up_pro_special_procedure"]
    assert (hearing.special_type, hearing.special_name, hearing.applyer_user_name) == ("2", "听证", "ann")
    assert hearing.special_reason == "art. 45\nneighbours object"
    assert (hearing.special_time, hearing.end_time) == ("2027-03-01 15:00:00", "2027-03-03 00:00:00")
    assert (hearing.result, hearing.special_explain, hearing.handle_user) == ("heard", "历时2个工作日", "bob")
    assert (extension.special_type, extension.special_name) == ("1", "延长审批")
    assert (extension.special_explain, extension.handle_user) == ("延长10个工作日", "eve")
    assert [row.event_name for row in tables["up_pro_process"]] == ["4", "6"]


def test_a_stop_that_ended_with_its_case_says_so_in_chinese():
    history = history_with_a_hearing_and_an_extension()
    ended = replace(history[4].event, result=CASE_ENDED)
    history[4] = Recorded(history[4].at, "", ended)
    hearing, _ = by_table(to_rows(history, setting()))["up_pro_special_procedure"]
    assert hearing.result == "办件已办结"


def test_an_accepted_case_promises_what_is_due_now():
    history = history_with_a_hearing_and_an_extension()
    told = [by_table(to_rows(some, setting()))["up_pro_accept"][0].promise_date for some in (history[:4], history)]
    assert told == ["2027-03-08 12:00:00", "2027-03-11 12:00:00"]


def test_a_revoked_decision_is_void_and_its_certificate_holds_no_longer():
    decided = of_case(m.CaseDecided, outcome="granted", certificate_no="Z-1", told=2)
    revoked = of_case(m.DecisionRevoked, by="eve", reason="false papers", basis="art. 69")
    history = [
        Recorded(NOON, "", event)
        for event in (Received(application=submitted()), of_case(m.CaseAccepted, accept_doc_no="S"), decided, revoked)
    ]
    before, after = (by_table(to_rows(some, setting()))["up_pro_result"][0] for some in (history[:3], history))
    assert (before.result_type, before.result_cetr_no) == ("10", "Z-1")
    assert (after.result_type, after.result_cetr_no) == ("60", "")
    assert from_rows(to_rows(history, setting()), reader()) == {CASE_NO: exportable(history)}
