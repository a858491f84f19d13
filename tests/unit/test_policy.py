"""Who may do what with whose data: deny by default, and fields by relation."""

from typing import get_args

from liangwang.domain import policy
from liangwang.domain.catalogue import Step


def test_what_the_table_does_not_name_is_denied():
    assert policy.fields("citizen", "case.read", ["department", "any"]) is None
    assert policy.fields("clerk", "case.read", []) is None
    assert policy.fields("nobody", "application.read", ["own"]) is None


def test_the_closest_relation_decides_how_much_is_seen():
    assert policy.fields("citizen", "application.read", ["own", "mandated"]) == "full"


def test_every_action_is_somebody_s():
    for action in get_args(policy.Action):
        assert policy.roles(action), action


def test_the_table_uses_only_roles_relations_and_fields_that_there_are():
    for grants in policy.POLICY.values():
        for role, relations in grants.items():
            assert role in get_args(policy.Role)
            assert relations, "a role with no relation is granted nothing: leave it out"
            for relation, shown in relations.items():
                assert relation in get_args(policy.Relation) and shown in get_args(policy.Fields)


FORM = {"area": 80, "phone": "13800000000"}


def test_an_application_crosses_in_two_parts():
    crossing = policy.crossing("crossing.application", FORM, personal=["phone", "name"])
    assert (crossing.clear, crossing.closed) == ({"area": 80}, {"phone": "13800000000"})


def test_what_supporters_are_asked_crosses_without_personal_fields_open_or_closed():
    crossing = policy.crossing("crossing.collaboration", FORM, personal=["phone"])
    assert (crossing.clear, crossing.closed) == ({"area": 80}, {})


def test_every_step_of_approval_is_an_action():
    assert set(policy.STEPS) == set(get_args(Step.__annotations__["name"]))
