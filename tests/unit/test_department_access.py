"""What departments' own systems may do at the cluster: one list for Kafka's ACLs and for IAM."""

from liangwang.domain import mailbox
from liangwang.domain import messages as m

from local import template
from tests import infra_tools
from tests.conftest import REPOSITORY

access = infra_tools.load("department_access")
FILE = REPOSITORY / "infra" / "department-access.yaml"
CODE = "D-990100-HERITAGE"


def of_type(kind):
    return [one for one in template.read(FILE)["Resources"].values() if one["Type"] == kind]


def test_the_committed_file_is_in_step_with_the_organisation():
    assert FILE.read_text(encoding="utf-8") == access.render(), "run infra/department_access.py"


def test_a_department_reads_what_departments_are_told_and_writes_what_they_say_and_dead_letters():
    assert set(access.READS) == mailbox.TO_DEPARTMENTS
    said = {m.TOPIC[kind] for kind in mailbox.SPOKEN.values()}
    assert set(access.WRITES) == said | {"dead-letters"}


def test_rights_are_these_and_no_others():
    rights = {(one.operation, one.kind, one.name, one.prefixed) for one in access.acls(CODE)}
    assert rights == {
        *(("READ", "topic", name, False) for name in access.READS),
        *(("WRITE", "topic", name, False) for name in access.WRITES),
        ("READ", "group", f"{CODE}-", True),
    }
    assert {one.principal for one in access.acls(CODE)} == {f"User:{CODE}"}


def test_a_right_reads_as_kafka_s_own_tool_takes_it():
    lines = [access.command(one) for one in access.acls(CODE)]
    assert f"--add --allow-principal User:{CODE} --operation WRITE --topic approvals" in lines
    assert any(line.endswith(f"--group {CODE}- --resource-pattern-type prefixed") for line in lines)


def test_iam_grants_what_the_acls_do():
    statements = access.policy(CODE)
    topics = {action: str(one["Resource"]) for one in statements for action in one["Action"]}
    for name in access.READS:
        assert f"topic/${{Name}}/{name}'" in topics["kafka-cluster:ReadData"]
    for name in access.WRITES:
        assert f"topic/${{Name}}/{name}'" in topics["kafka-cluster:WriteData"]
    assert f"group/${{Name}}/{CODE}-*'" in topics["kafka-cluster:AlterGroup"]
    assert not [action for action in topics if action.endswith("*")]


def test_a_department_opens_what_is_sealed_to_it_and_nothing_else():
    (opens,) = [one for one in access.policy(CODE) if one["Action"] == ["kms:Decrypt"]]
    assert opens["Condition"]["StringEquals"] == {"kms:EncryptionContext:department": CODE}
    assert opens["Condition"]["ForAnyValue:StringLike"] == {"kms:ResourceAliases": f"alias/liangwang/department/{CODE}"}


def test_passwords_are_made_at_random_and_named_and_encrypted_as_msk_wants():
    secrets = [one["Properties"] for one in of_type("AWS::SecretsManager::Secret")]
    assert [one["Name"] for one in secrets] == [f"AmazonMSK_{one.code}" for one in access.joined_by_kafka()]
    for one in secrets:
        assert one["KmsKeyId"] == {"Fn::GetAtt": ["SecretsKey", "Arn"]}
        assert one["GenerateSecretString"]["PasswordLength"] >= 32 and "SecretString" not in one


def test_every_department_that_joins_by_kafka_has_a_user_and_a_policy(organisation):
    joined = [one.code for one in organisation.departments if one.connected == "kafka"]
    assert [one.code for one in access.joined_by_kafka()] == joined
    assert len(of_type("AWS::IAM::ManagedPolicy")) == len(joined)
    (users,) = of_type("AWS::MSK::BatchScramSecret")
    assert len(users["Properties"]["SecretArnList"]) == len(joined)
