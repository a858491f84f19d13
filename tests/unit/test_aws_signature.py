"""The signed client's signatures, held against botocore's for the same request."""

import json
from unittest import mock

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as BotoCredentials
from hypothesis import given
from hypothesis import strategies as st
from liangwang.aws import CONTENT_TYPE
from liangwang.signing import Credentials, signed_headers

from tests.unit.samples import NOON

CASES = [
    ("dynamodb", "cn-north-1", "dynamodb.cn-north-1.amazonaws.com.cn", "DynamoDB_20120810.PutItem"),
    ("dynamodb", "eu-central-1", "127.0.0.1:4566", "DynamoDB_20120810.Query"),
    ("kms", "us-east-1", "kms.us-east-1.amazonaws.com", "TrentService.Decrypt"),
]


def ours(service, region, host, target, body, token):
    credentials = Credentials("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", token)
    headers = {"content-type": CONTENT_TYPE[service], "host": host, "x-amz-target": target}
    return signed_headers(service=service, region=region, headers=headers, body=body, credentials=credentials, now=NOON)


def botocores(service, region, host, headers, body, token):
    """botocore's Authorization header for a request with our headers."""
    given_ones = {
        name: value for name, value in headers.items() if name not in ("authorization", "x-amz-security-token")
    }
    request = AWSRequest("POST", f"https://{host}/", headers=given_ones, data=body)
    credentials = BotoCredentials("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", token or None)
    with mock.patch("botocore.auth.get_current_datetime", return_value=NOON.replace(tzinfo=None)):
        SigV4Auth(credentials, service, region).add_auth(request)
    return request.headers["Authorization"]


@pytest.mark.parametrize("token", ["", "a-session-token=="])
@pytest.mark.parametrize(("service", "region", "host", "target"), CASES)
def test_the_signature_is_botocores(service, region, host, target, token):
    body = json.dumps({"TableName": "表", "Item": {"pk": {"S": "case#1"}}}).encode()
    headers = ours(service, region, host, target, body, token)
    assert headers["authorization"] == botocores(service, region, host, headers, body, token)


@given(st.binary(max_size=300))
def test_the_signature_covers_whatever_the_body_is(body):
    service, region, host, target = CASES[0]
    headers = ours(service, region, host, target, body, "")
    assert headers["authorization"] == botocores(service, region, host, headers, body, "")


def test_another_body_time_or_key_gives_another_signature():
    service, region, host, target = CASES[0]
    first = ours(service, region, host, target, b"{}", "")["authorization"]
    assert first != ours(service, region, host, target, b"{ }", "")["authorization"]
    assert "20270301/cn-north-1/dynamodb/aws4_request" in first
