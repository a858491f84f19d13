"""The vault over the signed client on the emulator: KMS, Secrets Manager and the table answer as the fakes do."""

import itertools

import pytest
from liangwang.aws import AwsError, SignedAws
from liangwang.blind import BlindIndex
from liangwang.ciphers import KEY_BYTES
from liangwang.domain.patience import Patience
from liangwang.secret import Secret
from liangwang.signing import Credentials
from liangwang.store import Store
from liangwang.vault import Erased, Unreadable, Vault

from tests.integration.conftest import client, table_definition

KEY = "alias/liangwang/personal"
TABLES = itertools.count()
PERSONAL = {"name": "张示例", "phone": "13800000000"}


@pytest.fixture(scope="module")
def aws(ministack, dynamodb):
    kms = client("kms", ministack)
    kms.create_alias(AliasName=KEY, TargetKeyId=kms.create_key()["KeyMetadata"]["KeyId"])
    secrets = client("secretsmanager", ministack)
    secrets.create_secret(Name="blind-index", SecretString="made at random")
    return SignedAws(
        region="cn-north-1",
        credentials=lambda: Credentials("test", "test"),
        endpoint={"kms": ministack, "secretsmanager": ministack, "dynamodb": dynamodb},
        attempts=1,
    )


@pytest.fixture
def environment(aws, dynamodb):
    """Builds vaults over one new table."""
    table = f"vault-{next(TABLES)}"
    client("dynamodb", dynamodb).create_table(TableName=table, **table_definition())

    def build(cipher="AES-256-GCM"):
        store = Store(aws, table, patience=Patience())
        return Vault(store, aws, key=KEY, index=BlindIndex(Secret(aws, "blind-index")), cipher=cipher)

    return build


@pytest.mark.parametrize("cipher", KEY_BYTES)
def test_what_one_environment_seals_another_opens(environment, cipher):
    assert environment().open("zhang", environment(cipher).seal("zhang", PERSONAL)) == PERSONAL


def test_a_renewed_key_leaves_what_the_old_one_sealed_readable(environment):
    """The rotation of the KMS key itself needs no test of ours: KMS keeps all its generations behind one key id."""
    tokens = environment().seal("zhang", PERSONAL)
    environment().renew("zhang")
    tokens |= environment().seal("zhang", {"email": "z@example.cn"})
    assert environment().open("zhang", tokens) == {**PERSONAL, "email": "z@example.cn"}


def test_kms_holds_a_wrapped_key_to_its_owner(environment):
    tokens = environment().seal("zhang", PERSONAL)
    environment().seal("li", PERSONAL)
    with pytest.raises(Unreadable):
        environment().open("li", tokens)


def test_destroyed_is_destroyed(environment):
    tokens = environment().seal("zhang", PERSONAL)
    environment().destroy("zhang")
    with pytest.raises(Erased):
        environment().open("zhang", tokens)


def test_the_index_s_key_comes_from_secrets_manager(environment):
    assert environment().blind("phone", "138-0000-0000") == environment().blind("phone", "+8613800000000")


def test_a_secret_that_does_not_exist_is_an_error_of_its_own_name(aws):
    with pytest.raises(AwsError, match="ResourceNotFoundException"):
        Secret(aws, "never made")()
