"""How the producer makes itself known to a cluster: in the clear, by TLS, by SCRAM, or by MSK's IAM."""

import json
import os
import subprocess
import sys
from datetime import datetime
from unittest import mock
from urllib.parse import parse_qs, urlsplit

import pytest
from botocore.auth import SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from kafka import KafkaProducer
from kafka.net.sasl import get_sasl_mechanism
from liangwang import wiring
from liangwang.producer import PROTOCOLS, Producer, Security

from tests.conftest import REPOSITORY

COMPLETE = {way: Security(way) for way in PROTOCOLS} | {"scram": Security("scram", "relay", "s3cret")}
SERVERLESS = "boot-x1y2.c1.kafka-serverless.eu-central-1.amazonaws.com"
CHINA = "b-1.liangwang.a1b2c3.c2.kafka.cn-north-1.amazonaws.com.cn"
EXECUTION_ROLE = {
    "AWS_ACCESS_KEY_ID": "ASIAEXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
    "AWS_SESSION_TOKEN": "a-session-token+/==",
}


# ------------------------------------------------------------------ settings


@pytest.mark.parametrize(
    ("way", "settings"),
    [
        ("plaintext", {"security_protocol": "PLAINTEXT"}),
        ("tls", {"security_protocol": "SSL"}),
        ("iam", {"security_protocol": "SASL_SSL", "sasl_mechanism": "AWS_MSK_IAM"}),
        (
            "scram",
            {
                "security_protocol": "SASL_SSL",
                "sasl_mechanism": "SCRAM-SHA-512",
                "sasl_plain_username": "relay",
                "sasl_plain_password": "s3cret",
            },
        ),
    ],
)
def test_each_way_has_its_settings(way, settings):
    assert COMPLETE[way].settings() == settings


@pytest.mark.parametrize("way", PROTOCOLS)
def test_kafka_python_takes_the_settings_of_each_way(way):
    client = KafkaProducer(bootstrap_servers="127.0.0.1:1", api_version=(2, 3), **COMPLETE[way].settings())
    try:
        assert client.config["security_protocol"] == PROTOCOLS[way]["security_protocol"]
    finally:
        client.close(timeout=0.5)


def test_an_unknown_way_is_refused_with_those_there_are():
    with pytest.raises(ValueError, match="KAFKA_SECURITY=kerberos: use one of plaintext, tls, scram, iam"):
        Producer("127.0.0.1:1", security=Security("kerberos"))


@pytest.mark.parametrize("half", [Security("scram"), Security("scram", "relay"), Security("scram", "", "s3cret")])
def test_scram_without_name_and_password_is_refused(half):
    with pytest.raises(ValueError, match="needs KAFKA_USERNAME and KAFKA_PASSWORD"):
        Producer("127.0.0.1:1", security=half)


# ------------------------------------------------------------------ the environment


def produced_with(monkeypatch, **environment):
    """The security that the wiring gives the producer in this environment."""
    for name in ("KAFKA_SECURITY", "KAFKA_USERNAME", "KAFKA_PASSWORD"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    given = []
    monkeypatch.setattr("liangwang.producer.Producer", lambda servers, *, security: given.append((servers, security)))
    wiring.Outside().producer()
    return given[0]


def test_without_a_variable_the_producer_speaks_in_the_clear(monkeypatch):
    assert produced_with(monkeypatch, KAFKA_BOOTSTRAP_SERVERS="a:9092") == ("a:9092", Security("plaintext"))


def test_an_empty_variable_is_one_that_is_not_set(monkeypatch):
    assert produced_with(
        monkeypatch, KAFKA_BOOTSTRAP_SERVERS="a:9092", KAFKA_SECURITY="", KAFKA_USERNAME="", KAFKA_PASSWORD=""
    ) == ("a:9092", Security("plaintext"))


def test_the_environment_names_the_way_and_the_person(monkeypatch):
    assert produced_with(
        monkeypatch,
        KAFKA_BOOTSTRAP_SERVERS="a:9096",
        KAFKA_SECURITY="scram",
        KAFKA_USERNAME="relay",
        KAFKA_PASSWORD="s3cret",
    ) == ("a:9096", Security("scram", "relay", "s3cret"))


# ------------------------------------------------------------------ MSK's IAM


def first_message(monkeypatch, host, region):
    """What kafka-python sends a broker first, as an execution role in this region would."""
    for name in ("AWS_PROFILE", "AWS_REGION"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {**EXECUTION_ROLE, "AWS_DEFAULT_REGION": region}.items():
        monkeypatch.setenv(name, value)
    settings = COMPLETE["iam"].settings()
    mechanism = get_sasl_mechanism(settings["sasl_mechanism"])(host=host, **settings)
    return json.loads(mechanism.auth_bytes())


def botocores(host, region, moment):
    """The same question, asked of botocore: a presigned ``Connect`` as aws-msk-iam-auth describes it."""
    request = AWSRequest("GET", f"https://{host}/", params={"Action": "kafka-cluster:Connect"})
    who = Credentials(*EXECUTION_ROLE.values())
    with mock.patch("botocore.auth.get_current_datetime", return_value=moment):
        SigV4QueryAuth(who, "kafka-cluster", region, expires=900).add_auth(request)
    return {name.lower(): values[0] for name, values in parse_qs(urlsplit(request.url).query).items()}


@pytest.mark.parametrize(("host", "region"), [(SERVERLESS, "eu-central-1"), (CHINA, "cn-north-1")])
def test_the_first_message_to_msk_carries_botocores_signature(monkeypatch, host, region):
    message = first_message(monkeypatch, host, region)
    expected = botocores(host, region, datetime.strptime(message["x-amz-date"], "%Y%m%dT%H%M%SZ"))
    assert "x-amz-signature" in expected
    assert {name: message[name] for name in expected} == expected
    assert (message["version"], message["host"]) == ("2020_10_22", host)
    assert message["x-amz-credential"].endswith(f"/{region}/kafka-cluster/aws4_request")


@pytest.mark.parametrize(("function", "way"), [("relay", "plaintext"), ("publisher", "tls"), ("publisher", "iam")])
def test_a_function_pays_for_botocore_only_once_it_speaks_iam(function, way):
    """The cold start is the same for every way: botocore comes with the first connection of ``iam`` and no sooner."""
    code = "import sys, app; print('botocore' in sys.modules)"
    environment = {
        "PYTHONPATH": str(REPOSITORY / "layers" / "core" / "python"),
        "PATH": os.environ["PATH"],
        "AWS_REGION": "cn-north-1",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1",
        "KAFKA_SECURITY": way,
        "GOVERNANCE_KEY": "alias/liangwang/governance",
        "TOKEN_ISSUER": "https://liangwang.example",
        "EXCHANGE_URL": "http://127.0.0.1:1",
    }
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=REPOSITORY / "functions" / function,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "False"
