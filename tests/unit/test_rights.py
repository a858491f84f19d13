"""Who may do what, written down a second time by hand and compared with the policy in every role, action and relation.

``RIGHTS`` is for people to read and to argue about; it knows nothing of how ``domain/policy.py`` is written.
"""

import itertools
import re
from typing import get_args

import pytest
from liangwang.domain import policy
from liangwang.domain.mandate import Act

from local import openapi, template
from local.config import REPOSITORY
from tests.unit.test_template import PUBLIC

EVERYBODY = "citizen, clerk, reviewer, supervisor, operator, auditor, system"

RIGHTS = {
    # ---- citizens, and agents under a mandate
    "application.submit": "citizen: own full, mandated full",
    "application.list": "citizen: own full, mandated full",
    "application.read": "citizen: own full, mandated full",
    "application.supplement": "citizen: own full, mandated full",
    "application.withdraw": "citizen: own full, mandated full",
    "application.rate": "citizen: own full, mandated full",
    # ---- everybody's own record and session
    "user.read": f"{EVERYBODY}: own full; auditor: any masked",
    "user.change": "citizen: own full",
    "user.erase": "citizen: own full",
    "user.search": "operator, auditor: any masked",
    "user.verify": "clerk: any public",
    "session.end": f"{EVERYBODY}: own full",
    "session.password": f"{EVERYBODY}: own full",
    "mandate.give": "citizen: own full",
    "mandate.list": "citizen: own full",
    "mandate.revoke": "citizen: own full, mandated full",
    "notification.list": "citizen: own full",
    "notification.read": "citizen: own full",
    "notification.settings": "citizen: own full",
    "material.keep": "citizen: own full",
    "material.read": "citizen: own full",
    "draft.keep": "citizen: own full, mandated full",
    # ---- how citizens were served
    "rating.list": "supervisor: department public; operator: region public",
    "rating.summarise": "clerk, reviewer, supervisor: department public; operator: region public",
    "rectification.list": "supervisor: department public; operator: region public",
    "rectification.read": "supervisor: department full; operator: region public",
    "rectification.respond": "supervisor: department full",
    # ---- departments: masked until they say why; supervisors and auditors never in full
    "statistics.read": "supervisor: department public; operator: region public; auditor: any public",
    "case.list": "clerk, reviewer, supervisor: department public; auditor: any public",
    "case.export": "clerk, reviewer, supervisor: department public; auditor: any public",
    "case.read": "clerk, reviewer: department public, handling masked; supervisor: department masked; auditor: any masked",
    "case.unmask": "clerk, reviewer: handling full",
    "case.material": "clerk, reviewer: handling full",
    "case.collaborate": "clerk, reviewer: handling public",
    "case.decision": "supervisor: department public",
    "procedure.read": "clerk, reviewer, supervisor: department public; operator: region public; auditor: any public",
    "procedure.request": "clerk, reviewer: department public",
    "procedure.approve": "supervisor: department public; operator: region public",
    "procedure.end": "clerk, reviewer, supervisor: department public",
    "case.accept": "clerk: department masked",
    "case.ask": "clerk, reviewer: department masked",
    "case.refuse": "clerk: department masked",
    "case.return": "clerk: department masked",
    "case.transfer": "clerk: department masked",
    "case.recheck": "reviewer, supervisor: department masked",
    "recheck.list": "reviewer, supervisor: department public; auditor: any public",
    "case.step": "clerk, reviewer, supervisor: department masked",
    "case.give": "clerk, reviewer, supervisor: department masked",
    "step.handle": "clerk: department masked",
    "step.review": "clerk, reviewer: department masked",
    "step.approve": "clerk, reviewer, supervisor: department masked",
    "step.assign": "supervisor: department masked",
    "absence.keep": "clerk, reviewer: own public; supervisor: own public, department public",
    # ---- personal data in the exchange tables: a command, with a reason and a record of each case that is opened
    "table.export": "supervisor: department full; auditor: any masked",
    # ---- departments that others ask for help
    "task.list": "clerk, reviewer, supervisor: supporting public; auditor: any public",
    "task.read": "clerk, reviewer, supervisor: supporting public; auditor: any public",
    "task.act": "clerk: supporting public",
    "task.unmask": "clerk: supporting full",
    # ---- the centres
    "order.list": "supervisor: department public; auditor: any public",
    "order.answer": "supervisor: department public",
    "ledger.read": "operator: region public; auditor: any public",
    "reconciliation.read": "operator: region public; auditor: any public",
    "reconciliation.run": "operator: region public",
    "supervision.list": "operator: region public; auditor: any public",
    "collaboration.list": "operator: region public; auditor: any public",
    "collaboration.read": "operator: region public; auditor: any public",
    "collaboration.act": "operator: region public",
    "console.read": "operator: region public; auditor: any public",
    # ---- grid events: told by a centre or a registered system, which follows its own tickets
    "grid.report": "operator: region public; system: any public",
    "grid.list": "operator: region public; auditor: any public",
    "grid.read": "operator: region public; auditor: any public; system: own public",
    "grid.call": "operator: region public; system: own public",
    "grid.evidence": "operator: region public",
    "routing.read": "operator, auditor: any public",
    "routing.simulate": "operator: region public; auditor: any public",
    # ---- systems, and what crosses between them
    "exchange.carry": "system: any public",
    "mailbox.use": "system: department public",
    "link.issue": "operator: region public",
    "mailbox.watch": "operator: region public; auditor: any public",
    "crossing.application": "system: any public, department full",
    "crossing.collaboration": "system: any public, supporting public",
}

ROLES, RELATIONS, FIELDS = (get_args(kind) for kind in (policy.Role, policy.Relation, policy.Fields))

NO_ROUTE = {
    "crossing.application": "intake's messages on the bus",
    "crossing.collaboration": "a department's requests on the bus",
    "table.export": "the operator's command, to whom the account proves itself (local/export_rights.py)",
    **dict.fromkeys(policy.STEPS.values(), "looked at within case.step"),
    "step.assign": "looked at within case.give",
}
"""Actions that are no route's."""

TEMPLATE = template.load(REPOSITORY / "template.yaml")
ROUTES = {
    key: route
    for name in sorted({place.function for place in TEMPLATE.routes})
    for key, route in openapi.routes_of(TEMPLATE.functions[name], TEMPLATE.parameters).items()
}


def rights(action):
    """(role, relation) -> fields, from the sentence."""
    found = {}
    for clause in RIGHTS[action].split("; "):
        roles, _, granted = clause.partition(": ")
        for role, (relation, shown) in itertools.product(
            roles.split(", "), (one.split() for one in granted.split(", "))
        ):
            assert role in ROLES and relation in RELATIONS and shown in FIELDS, clause
            found[role, relation] = shown
    return found


def test_every_action_stands_in_the_table_and_no_other():
    assert set(RIGHTS) == set(policy.POLICY) == set(get_args(policy.Action)), "say in RIGHTS who may do what is new"


@pytest.mark.parametrize("action", RIGHTS)
def test_the_policy_grants_what_the_table_says_and_nothing_else(action):
    granted = rights(action)
    for role in ROLES:
        for relation in RELATIONS:
            assert policy.fields(role, action, [relation]) == granted.get((role, relation)), f"{role} as {relation}"
        assert policy.fields(role, action, []) is None
    assert policy.fields("stranger", action, RELATIONS) is None
    assert policy.roles(action) == {role for role, _ in granted}


@pytest.mark.parametrize("action", RIGHTS)
def test_whoever_stands_in_several_relations_sees_what_the_best_of_them_shows(action):
    granted = rights(action)
    for role, count in itertools.product(ROLES, range(2, len(RELATIONS) + 1)):
        for relations in itertools.combinations(RELATIONS, count):
            shown = [granted[role, relation] for relation in relations if (role, relation) in granted]
            assert policy.fields(role, action, relations) == max(shown, key=FIELDS.index, default=None)


@pytest.mark.parametrize("key", ROUTES)
def test_every_route_is_somebody_s_or_public_for_a_reason(key):
    action = ROUTES[key].action
    if action is None:
        assert key in PUBLIC, "open to everybody: give it an action, or list it in PUBLIC of test_template.py"
    else:
        assert action in RIGHTS and key not in PUBLIC
        assert ROUTES[key].roles == policy.roles(action)


def test_no_public_route_is_listed_that_is_gone():
    assert set(PUBLIC) <= set(ROUTES)


def test_every_action_is_a_route_s_or_the_bus_s():
    used = {route.action for route in ROUTES.values() if route.action is not None}
    assert used | set(NO_ROUTE) == set(RIGHTS)
    assert not used & set(NO_ROUTE)


def test_services_ask_and_do_not_compare_the_caller_themselves():
    """But for the two who find out a relation: whose mandate it is, and that an official's record is only their own."""
    comparison = re.compile(r"[!=]= (request\.by|caller)\.\w+|(request\.by|caller)\.\w+ [!=]=")
    services = (REPOSITORY / "layers/core/python/liangwang/services").glob("*.py")
    found = {file.name for file in services if comparison.search(file.read_text("utf-8"))}
    assert found == {"mandates.py", "users.py"}


def test_a_mandate_can_name_everything_that_the_policy_grants_an_agent():
    granted = {action for action in RIGHTS for _, relation in rights(action) if relation == "mandated"}
    needed = {policy.act_of(action) for action in granted - {"mandate.revoke"}}
    assert needed == set(get_args(Act))


def test_only_those_who_work_on_a_case_and_those_whose_it_is_see_anything_in_full():
    full = [(action, *who) for action in RIGHTS for who, shown in rights(action).items() if shown == "full"]
    for action, role, relation in full:
        assert relation != "any", f"{action}: nobody sees everybody's data in full"
        assert relation == "own" or role not in ("auditor", "operator"), action
