"""The audit trail names who did it, whatever they did, and nothing that their program made up."""

import json

import pytest
from liangwang.audit_chain import Chains
from liangwang.domain.audit import SHARDS

from tests.functional import test_joint
from tests.functional.citizens import CITIZEN, Citizens
from tests.functional.test_functions_materials import announcement
from tests.functional.test_mandates import soon

AGENT = {**CITIZEN, "subject": "wang"}
KEY = {"idempotency-key": "138-0000-0000/of my own"}
BEHIND = {"notification", "ended", "person-key"}
"""What the system does by itself behind what people do."""


@pytest.fixture
def citizens():
    return Citizens()


def records(citizens):
    """All records of intake, by kind."""
    citizens.follow_all()
    chains, found = Chains(citizens.aws, "audit"), {}
    days = {item["pk"]["S"].partition("/")[0] for item in citizens.aws.dynamodb.tables["audit"].values()}
    for day in sorted(days):
        for number in range(SHARDS):
            for block in chains.blocks(day, f"intake-{number}"):
                for record in block.records:
                    found.setdefault(record.id.split("/")[1], []).append(record)
    return found


def applied(citizens):
    citizens.apply()


def withdrawn(citizens):
    number = citizens.apply()
    route = "POST /api/applications/{case_no}/withdrawal"
    assert citizens.ask("intake", route, CITIZEN, body={}, headers=KEY, case_no=number)[0] == 200


def rated(citizens):
    number = citizens.closed()
    route = "POST /api/applications/{case_no}/rating"
    assert citizens.ask("feedback", route, CITIZEN, body={"rating": 1}, headers=KEY, case_no=number)[0] in (200, 201)


def drafted(citizens):
    content = {"task_code": "elderly-card", "form": {"name": "张示例"}, "channel": "app"}
    assert citizens.ask("drafts", "POST /api/drafts", CITIZEN, body=content, headers=KEY)[0] == 201
    assert citizens.ask("drafts", "POST /api/drafts", CITIZEN, body=content)[0] == 201


def uploaded(citizens):
    assert citizens.ask("materials", "POST /api/materials", CITIZEN, body=announcement(), headers=KEY)[0] == 201


def joined(citizens):
    view = test_joint.begun(citizens)
    test_joint.withdrawn(citizens, view)


def mandated(citizens):
    citizens.register("wang", name="王示例")
    body = {"agent": "wang", "acts": ["submit"], "expires_at": soon()}
    status, view = citizens.ask("mandates", "POST /api/mandates", CITIZEN, body=body, headers=KEY)
    assert status == 201, view


@pytest.mark.parametrize("done", [applied, withdrawn, rated, drafted, uploaded, joined, mandated])
def test_every_record_of_what_a_person_did_names_the_person(citizens, done):
    done(citizens)
    found = records(citizens)
    nameless = [
        (record.id, record.cause)
        for kind, several in found.items()
        if kind not in BEHIND
        for record in several
        if record.by != CITIZEN["subject"]
        and not record.cause.startswith(("department/", "seed/", "register/", "joint/", "rating/"))
    ]
    assert nameless == []
    assert any(record.by == CITIZEN["subject"] for several in found.values() for record in several)


def test_what_the_system_does_with_a_joint_application_is_not_put_down_to_its_person(citizens):
    joined(citizens)
    looked = [one for one in records(citizens)["joint"] if one.cause.startswith("joint/")]
    assert [one.by for one in looked] == [""] * len(looked)


@pytest.mark.parametrize("done", [withdrawn, rated, drafted, uploaded, mandated])
def test_a_client_s_key_is_not_kept_in_the_trail(citizens, done):
    done(citizens)
    written = json.dumps([record.cause for several in records(citizens).values() for record in several])
    assert "138-0000-0000" not in written


def test_what_is_told_of_a_case_stands_in_the_case_s_chain_a_block_for_several(citizens):
    citizens.closed()
    citizens.follow()  # the case, and what is told of it is written
    before = len(citizens.aws.dynamodb.tables["audit"])
    citizens.follow()  # the notifications' own records
    told = [one for one in records(citizens)["notification"] if one.type == "notification"]
    assert (len(told), len(citizens.aws.dynamodb.tables["audit"]) - before) == (3, 1)
