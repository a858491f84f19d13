"""How the producer makes itself known to a cluster: in the clear, by TLS, by SCRAM, or by MSK's IAM."""

import base64
from unittest import mock

import confluent_kafka
import pytest
from botocore.auth import SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as BotoCredentials
from liangwang import clock
from liangwang.kafka_security import PROTOCOLS, Security, msk_token
from liangwang.outside import Outside
from liangwang.producer import Producer
from liangwang.signing import Credentials

from tests.unit.samples import NOON

ROLE = ("ASIAEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "a-session-token+/==")
COMPLETE = {way: Security(way) for way in PROTOCOLS} | {
    "scram": Security("scram", "relay", "s3cret"),
    "iam": Security(
        "iam", token=lambda: msk_token(region="cn-north-1", credentials=Credentials(*ROLE), now=clock.utc())
    ),
}


# ------------------------------------------------------------------ settings


@pytest.mark.parametrize(
    ("way", "settings"),
    [
        ("plaintext", {"security.protocol": "PLAINTEXT"}),
        ("tls", {"security.protocol": "SSL"}),
        (
            "scram",
            {
                "security.protocol": "SASL_SSL",
                "sasl.mechanisms": "SCRAM-SHA-512",
                "sasl.username": "relay",
                "sasl.password": "s3cret",
            },
        ),
    ],
)
def test_each_way_has_its_settings(way, settings):
    assert COMPLETE[way].settings() == settings


@pytest.mark.parametrize("way", PROTOCOLS)
def test_librdkafka_takes_the_settings_of_each_way(way):
    """It refuses unknown names and values, and for IAM waits until it has a token."""
    confluent_kafka.Producer({"bootstrap.servers": "127.0.0.1:1", "log_level": 0, **COMPLETE[way].settings()})


def test_an_unknown_way_is_refused_with_those_there_are():
    with pytest.raises(ValueError, match="KAFKA_SECURITY=kerberos: use one of plaintext, tls, scram, iam"):
        Producer("127.0.0.1:1", security=Security("kerberos"))


@pytest.mark.parametrize("half", [Security("scram"), Security("scram", "relay"), Security("scram", "", "s3cret")])
def test_scram_without_name_and_password_is_refused(half):
    with pytest.raises(ValueError, match="needs KAFKA_USERNAME and KAFKA_PASSWORD"):
        Producer("127.0.0.1:1", security=half)


# ------------------------------------------------------------------ the environment


def produced_with(monkeypatch, **environment):
    """The address, the way, the name and the password that the wiring gives the producer in this environment."""
    address, security = wired(monkeypatch, **environment)
    return address, security[:3]


def wired(monkeypatch, **environment):
    """The address and the security that the wiring gives the producer in this environment."""
    for name in ("KAFKA_SECURITY", "KAFKA_USERNAME", "KAFKA_PASSWORD"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {"AWS_REGION": "cn-north-1", **environment}.items():
        monkeypatch.setenv(name, value)
    given = []
    monkeypatch.setattr("liangwang.producer.Producer", lambda servers, *, security: given.append((servers, security)))
    Outside().producer()
    return given[0]


def test_without_a_variable_the_producer_speaks_in_the_clear(monkeypatch):
    assert produced_with(monkeypatch, KAFKA_BOOTSTRAP_SERVERS="a:9092") == ("a:9092", ("plaintext", "", ""))


def test_an_empty_variable_is_one_that_is_not_set(monkeypatch):
    assert produced_with(
        monkeypatch, KAFKA_BOOTSTRAP_SERVERS="a:9092", KAFKA_SECURITY="", KAFKA_USERNAME="", KAFKA_PASSWORD=""
    ) == ("a:9092", ("plaintext", "", ""))


def test_the_environment_names_the_way_and_the_person(monkeypatch):
    assert produced_with(
        monkeypatch,
        KAFKA_BOOTSTRAP_SERVERS="a:9096",
        KAFKA_SECURITY="scram",
        KAFKA_USERNAME="relay",
        KAFKA_PASSWORD="s3cret",
    ) == ("a:9096", ("scram", "relay", "s3cret"))


# ------------------------------------------------------------------ MSK's IAM


def without_padding(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode()


@pytest.mark.parametrize("role", [ROLE, (*ROLE[:2], "")])
@pytest.mark.parametrize("region", ["eu-central-1", "cn-north-1"])
def test_a_token_for_msk_is_the_url_that_botocore_signs(region, role):
    token, ends = msk_token(region=region, credentials=Credentials(*role), now=NOON)
    request = AWSRequest("GET", f"https://kafka.{region}.amazonaws.com/", params={"Action": "kafka-cluster:Connect"})
    who = BotoCredentials(role[0], role[1], role[2] or None)
    with mock.patch("botocore.auth.get_current_datetime", return_value=NOON.replace(tzinfo=None)):
        SigV4QueryAuth(who, "kafka-cluster", region, expires=900).add_auth(request)
    address, _, query = without_padding(token).partition("?")
    theirs, _, expected = request.url.partition("?")
    assert address == theirs
    assert sorted(query.split("&")) == sorted([*expected.split("&"), "User-Agent=liangwang"])
    assert ends == NOON.timestamp() + 900


def test_the_wiring_signs_with_what_the_execution_environment_holds(monkeypatch):
    for name, value in zip(("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"), ROLE, strict=True):
        monkeypatch.setenv(name, value)
    _, security = wired(monkeypatch, KAFKA_BOOTSTRAP_SERVERS="a:9098", KAFKA_SECURITY="iam", AWS_REGION="eu-central-1")
    token, _ = security.token()
    assert f"X-Amz-Credential={ROLE[0]}%2F" in without_padding(token)
    assert "%2Feu-central-1%2Fkafka-cluster%2Faws4_request" in without_padding(token)
