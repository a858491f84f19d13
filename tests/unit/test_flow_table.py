"""functions/README.md tells the flow as template.yaml has it."""

import re

import pytest

from local import contracts, template
from local.config import REPOSITORY

README = (REPOSITORY / "functions" / "README.md").read_text(encoding="utf-8")
TEMPLATE = template.load(REPOSITORY / "template.yaml")
TABLES = ("IntakeTable", "GovernanceTable", "DepartmentTable")


def rows():
    found = {}
    for line in README.splitlines():
        if match := re.match(r"\| \[`(\w+)`\]\((\S+)\)", line):
            cells = [cell.strip() for cell in line.strip("|").split(" | ")]
            found[match[1]] = (match[2], *cells[1:])
    return found


ROWS = rows()


def topics(cell):
    return re.findall(r"`([a-z-]+)`", cell)


def test_every_function_has_a_row_in_the_template_s_order():
    assert list(ROWS) == list(TEMPLATE.functions)


@pytest.mark.parametrize("name", ROWS)
def test_a_row_leads_to_the_function_s_code(name):
    assert f"functions/{ROWS[name][0]}" == f"{TEMPLATE.functions[name].folder}/app.py"


@pytest.mark.parametrize("name", ROWS)
def test_triggers_are_the_template_s(name):
    cell = ROWS[name][1]
    assert topics(cell) == [mapping.topic for mapping in TEMPLATE.kafka if mapping.function == name]
    routes = [route for route in TEMPLATE.routes if route.function == name]
    assert re.findall(r"HTTP, (\d+) route", cell) == ([str(len(routes))] if routes else [])
    assert re.findall(r"stream of (\w+)", cell) == [
        mapping.stream_arn["Fn::GetAtt"][0] for mapping in TEMPLATE.streams if mapping.function == name
    ]
    assert ("schedule" in cell) == any(mapping.function == name for mapping in TEMPLATE.schedules)


@pytest.mark.parametrize("name", ROWS)
def test_a_row_names_no_table_but_the_function_s_own(name):
    own = TEMPLATE.functions[name].environment.get("TABLE", {}).get("Ref")
    _, _, reads, writes, _ = ROWS[name]
    assert {table for table in TABLES if table in reads + writes} <= {own}
    assert own is None or own in reads


@pytest.mark.parametrize("name", ["RelayFunction", "GovernancePublisherFunction", "DepartmentPublisherFunction"])
def test_who_sends_sends_what_the_contracts_say(name):
    sent = {topic for topic, senders in contracts.SENDERS.items() if name in {sender.function for sender in senders}}
    assert set(topics(ROWS[name][4])) == sent


@pytest.mark.parametrize("table", ["GovernanceTable", "DepartmentTable"])
def test_a_publisher_carries_out_what_its_system_s_functions_write(table):
    publisher = next(one.function for one in TEMPLATE.streams if one.stream_arn["Fn::GetAtt"][0] == table)
    told = {
        topic
        for name, (_, _, _, writes, emits) in ROWS.items()
        if table in writes and name not in (publisher, "RelayFunction")  # which sends by itself
        for topic in topics(emits)
    }
    assert told | {"dead-letters"} == set(topics(ROWS[publisher][4]))


def test_the_guided_read_leads_to_code_that_is_there():
    for target in re.findall(r"\]\((\w+/app\.py)\)", README):
        assert (REPOSITORY / "functions" / target).is_file()
