"""What a department's own system may do at the cluster: written once, here, for Kafka's ACLs and for MSK's IAM alike.

    PYTHONPATH=.:layers/core/python .venv/bin/python infra/department_access.py          # writes infra/department-access.yaml
    PYTHONPATH=.:layers/core/python .venv/bin/python infra/department_access.py --check  # exit code 1 when it is out of step

The file has, for each department with ``connected: kafka`` in the organisation, a secret with its SCRAM user and password (MSK wants the
name to begin with AmazonMSK_ and a key of ours) and a policy for whoever signs in by IAM instead. ACLs are set at the cluster
itself: ``infra/cluster.py acls``. https://docs.aws.amazon.com/msk/latest/developerguide/msk-password-tutorial.html
"""

import json
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from liangwang import catalogue
from liangwang.domain.catalogue import Department

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "infra" / "department-access.yaml"
READS = ("applications", "collaboration-tasks", "collaboration-results")
WRITES = ("acceptances", "collaboration-requests", "collaboration-reports", "approvals", "dead-letters")
HEADER = """\
# Who each department's own system is at the cluster: a SCRAM user, or a policy for IAM.
# Generated from layers/catalogue/organisation.yaml by infra/department_access.py; a test keeps both in step.
"""


class Acl(NamedTuple):
    """One right of Kafka's own: ``kind`` is topic or group; a ``prefixed`` name stands for all that begin with it."""

    principal: str
    operation: str
    kind: str
    name: str
    prefixed: bool = False


def joined_by_kafka() -> tuple[Department, ...]:
    """The departments of the catalogue that have a system of their own at the cluster."""
    departments = catalogue.load(ROOT / "layers" / "catalogue").organisation.departments
    return tuple(one for one in departments if one.connected == "kafka")


def acls(department: str) -> list[Acl]:
    """Everything that a department's user may do: read what departments are told, in groups of its own, and say its part.

    Reading and writing a topic include describing it; a producer that is idempotent needs no more (KIP-679, Kafka 3.0).
    """
    user = f"User:{department}"
    return [
        *(Acl(user, "READ", "topic", name) for name in READS),
        Acl(user, "READ", "group", group_prefix(department), prefixed=True),
        *(Acl(user, "WRITE", "topic", name) for name in WRITES),
    ]


def group_prefix(department: str) -> str:
    """How the names of its consumer groups begin. The hyphen keeps it apart from a department whose code is longer."""
    return f"{department}-"


def command(acl: Acl) -> str:
    """The right as an option list for Kafka's own kafka-acls.sh."""
    pattern = " --resource-pattern-type prefixed" if acl.prefixed else ""
    return f"--add --allow-principal {acl.principal} --operation {acl.operation} --{acl.kind} {acl.name}{pattern}"


class _Verbatim(yaml.SafeDumper):
    """Writes shared parts out in full: CloudFormation takes no YAML aliases."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def template(departments: Iterable[Department]) -> dict[str, Any]:
    """The CloudFormation template."""
    known = {one.code.replace("-", ""): one for one in departments}
    resources: dict[str, Any] = {
        "SecretsKey": {
            "Type": "AWS::KMS::Key",
            "Condition": "ByScram",
            "DeletionPolicy": "Retain",
            "UpdateReplacePolicy": "Retain",
            "Properties": {
                "Description": "liangwang, the passwords of departments' systems",
                "EnableKeyRotation": True,
                "KeyPolicy": {"Version": "2012-10-17", "Statement": [_statement(["kms:*"], "*", principal=_ACCOUNT)]},
            },
        }
    }
    for name, department in known.items():
        resources |= _of(name, department)
    resources["Users"] = {
        "Type": "AWS::MSK::BatchScramSecret",
        "Condition": "ByScram",
        "DependsOn": [f"{name}SecretPolicy" for name in known],
        "Properties": {
            "ClusterArn": {"Ref": "ClusterArn"},
            "SecretArnList": [{"Ref": f"{name}Secret"} for name in known],
        },
    }
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": "liangwang: what departments' own systems sign in to the cluster with",
        "Parameters": {
            "ClusterArn": {"Type": "String", "Description": "Output ClusterArn of the cluster's stack"},
            "Way": {
                "Type": "String",
                "Description": "scram: users with passwords, on a provisioned cluster with Scram=true; iam: policies alone",
                "AllowedValues": ["scram", "iam"],
                "Default": "iam",
            },
        },
        "Conditions": {"ByScram": {"Fn::Equals": [{"Ref": "Way"}, "scram"]}},
        "Resources": resources,
    }


_ACCOUNT = {"AWS": {"Fn::Sub": "arn:${AWS::Partition}:iam::${AWS::AccountId}:root"}}
_ALIAS = "alias/liangwang/department/"


def _of(name: str, department: Department) -> dict[str, Any]:
    """The secret of one department, MSK's right to read it, and the policy for IAM."""
    generated = {
        "SecretStringTemplate": json.dumps({"username": department.code}),
        "GenerateStringKey": "password",
        "PasswordLength": 40,
        "ExcludePunctuation": True,
    }
    return {
        f"{name}Secret": {
            "Type": "AWS::SecretsManager::Secret",
            "Condition": "ByScram",
            "Properties": {
                "Name": f"AmazonMSK_{department.code}",
                "Description": f"liangwang {department.code} {department.name.en}",
                "KmsKeyId": {"Fn::GetAtt": ["SecretsKey", "Arn"]},
                "GenerateSecretString": generated,
            },
        },
        f"{name}SecretPolicy": {
            "Type": "AWS::SecretsManager::ResourcePolicy",
            "Condition": "ByScram",
            "Properties": {
                "SecretId": {"Ref": f"{name}Secret"},
                "ResourcePolicy": {
                    "Version": "2012-10-17",
                    "Statement": [
                        _statement(
                            ["secretsmanager:getSecretValue"],
                            {"Ref": f"{name}Secret"},
                            principal={"Service": {"Fn::Sub": "kafka.${AWS::URLSuffix}"}},
                        )
                    ],
                },
            },
        },
        f"{name}Policy": {
            "Type": "AWS::IAM::ManagedPolicy",
            "Properties": {
                "Description": f"liangwang {department.code}: its part at the cluster, and its own key",
                "PolicyDocument": {"Version": "2012-10-17", "Statement": policy(department.code)},
            },
        },
    }


def policy(department: str) -> list[dict[str, Any]]:
    """The same rights for a role that signs in by IAM, and what opens the personal data that is sealed to the department."""
    return [
        _statement(
            ["kafka-cluster:Connect", "kafka-cluster:DescribeCluster", "kafka-cluster:WriteDataIdempotently"],
            {"Ref": "ClusterArn"},
        ),
        _statement(["kafka-cluster:DescribeTopic", "kafka-cluster:ReadData"], [_arn("topic", name) for name in READS]),
        _statement(
            ["kafka-cluster:DescribeGroup", "kafka-cluster:AlterGroup"], _arn("group", f"{group_prefix(department)}*")
        ),
        _statement(
            ["kafka-cluster:DescribeTopic", "kafka-cluster:WriteData"], [_arn("topic", name) for name in WRITES]
        ),
        {
            **_statement(["kms:Decrypt"], "*"),
            "Condition": {
                "ForAnyValue:StringLike": {"kms:ResourceAliases": _ALIAS + department},
                "StringEquals": {"kms:EncryptionContext:department": department},
            },
        },
    ]


def _statement(actions: list[str], resource: Any, *, principal: Mapping[str, Any] | None = None) -> dict[str, Any]:
    who = {"Principal": principal} if principal else {}
    return {"Effect": "Allow", **who, "Action": actions, "Resource": resource}


def _arn(kind: str, name: str) -> dict[str, Any]:
    """A topic or group of the cluster; the part after ``cluster/`` of its ARN is the cluster's name and id."""
    arn = "arn:${AWS::Partition}:kafka:${AWS::Region}:${AWS::AccountId}:" + f"{kind}/${{Name}}/{name}"
    cluster = {"Fn::Select": [1, {"Fn::Split": ["cluster/", {"Ref": "ClusterArn"}]}]}
    return {"Fn::Sub": [arn, {"Name": cluster}]}


def render() -> str:
    """The whole file for the organisation in the catalogue."""
    body = yaml.dump(template(joined_by_kafka()), Dumper=_Verbatim, sort_keys=False, allow_unicode=True, width=120)
    return HEADER + body


def main(arguments: list[str]) -> int:
    """Writes the file, or with ``--check`` only says whether it is in step."""
    text = render()
    if arguments == ["--check"]:
        in_step = TARGET.exists() and TARGET.read_text(encoding="utf-8") == text
        if not in_step:
            print(f"{TARGET.relative_to(ROOT)} is out of step; run infra/department_access.py", file=sys.stderr)
        return 0 if in_step else 1
    TARGET.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
