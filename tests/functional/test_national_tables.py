"""Cases of every item, gone all the way in a city, in the national exchange tables."""

from datetime import timedelta

import pytest
from liangwang.aggregates import CASE
from liangwang.national import conformance
from liangwang.national.case_facts import exportable
from liangwang.national.case_making import Setting
from liangwang.national.case_reading import Reader
from liangwang.national.case_rows import from_rows, to_rows
from liangwang.national.files import by_table
from liangwang.national.increments import Span, between
from liangwang.national.rows import CASE_ROWS
from liangwang.national.standard import load

from tests.functional.city import CATALOGUE, City

STANDARD = load(CATALOGUE)
OWN = STANDARD.dialects["own"]


@pytest.fixture(scope="module")
def city():
    """One case of every item; one that was supplemented, one refused, one withdrawn."""
    town = City()
    for code in sorted(town.catalogue.items):
        town.apply(code, key=code)
    town.apply("food-business-licence", without=["layout-plan"], key="supplement")
    town.apply("food-business-licence", form={"area": 2}, key="refused")
    gone = town.apply("food-business-licence", key="gone")
    town.pump()
    town.withdraw(gone)
    town.later(hours=3)
    assert town.settle()
    return town


def histories(city):
    return {key.id: city.history("department", CASE, key.id) for key, _ in city.states("department", CASE)}


def rows_of(city, history):
    application = history[0].event.application
    item = city.catalogue.versions[application.task_code, application.task_version]
    return to_rows(history, Setting(STANDARD, OWN, city.catalogue.organisation, item))


def test_every_case_comes_back_from_its_rows(city):
    for case_no, history in histories(city).items():
        assert from_rows(rows_of(city, history), Reader(STANDARD, OWN)) == {case_no: exportable(history)}


def test_what_is_promised_is_filled_in_every_row_and_every_code_is_known(city):
    tallies = {}
    span = Span(None, city.now + timedelta(days=1))
    for history in histories(city).values():
        rows = between(history, span, lambda some: rows_of(city, some), source=OWN.data_source)
        conformance.count(tallies, rows, STANDARD, OWN)
    assert set(tallies) >= set(CASE_ROWS) - {"up_pro_special_procedure"}
    for table in conformance.report(tallies, STANDARD):
        assert table.rows
        promised = {column.name for column in STANDARD.tables[table.name].columns if column.promised}
        lacking = {column.name: column.per_cent for column in table.columns if column.per_cent != 100.0}
        assert not promised & lacking.keys(), (table.name, lacking)
        assert not [column for column in table.columns if column.long or column.unknown or column.cut]


def test_a_granted_case_reads_as_the_law_tells_its_course(city):
    granted = next(
        (case_no, history)
        for case_no, history in histories(city).items()
        if history[0].event.application.task_code == "public-place-hygiene"
    )
    tables = by_table(rows_of(city, granted[1]))
    (accept,), (result,) = tables["up_pro_accept"], tables["up_pro_result"]
    assert (accept.accept_doc_no, accept.project_type) == (f"{granted[0]}-S", "2")
    assert accept.apply_date <= accept.accept_date < accept.promise_date
    assert (result.result_type, result.result_cetr_name) == ("10", "公共场所卫生许可证")
    assert tables["up_pro_process"][0].process_name == "受理"
    assert {row.process_name for row in tables["up_pro_process"]} >= {"受理", "批准"}
    for row in tables["up_pro_process"]:
        assert row.event_start_time <= row.event_end_time <= result.result_date


def test_a_supplement_a_refusal_and_a_withdrawal_have_their_codes(city):
    rows = [row for history in histories(city).values() for row in rows_of(city, history)]
    tables = by_table(rows)
    supplemented = [row for row in tables["up_pro_process"] if row.event_name == "5"]
    assert len(supplemented) == 1 and supplemented[0].event_start_time < supplemented[0].event_end_time
    assert {row.event_name for row in tables["up_pro_process"]} >= {"1", "3", "4", "5"}
    assert {row.result_type for row in tables["up_pro_result"]} == {"10", "30", "50"}


def test_only_what_no_column_says_is_in_the_extension_of_a_plain_case(city):
    history = next(
        history
        for history in histories(city).values()
        if history[0].event.application.task_code == "individual-business-registration"
    )
    said = {
        entry["event"]["type"]: sorted(set(entry["event"]) - {"type"})
        for row in rows_of(city, history)
        for entry in row.liangwang_ext.get("events", ())
    }
    assert "case_no" not in {name for names in said.values() for name in names}
    assert "opinion" not in said["approval.step_completed"] and "by" not in said["approval.step_completed"]
    assert "outcome" not in said["case.decided"] and "certificate_no" not in said["case.decided"]
