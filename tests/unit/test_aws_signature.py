"""The signed client's signatures, held against botocore's for the same request."""

import hashlib
import json
from unittest import mock
from urllib.parse import parse_qs, urlsplit

import pytest
from botocore.auth import S3SigV4Auth, S3SigV4QueryAuth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as BotoCredentials
from hypothesis import given
from hypothesis import strategies as st
from liangwang.aws import CONTENT_TYPE
from liangwang.signing import UNSIGNED_PAYLOAD, Credentials, signed_headers, signed_url

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


def botocores(service, region, host, headers, body, token, *, path="/"):
    """botocore's Authorization header for a request with our headers."""
    given_ones = {
        name: value for name, value in headers.items() if name not in ("authorization", "x-amz-security-token")
    }
    request = AWSRequest("POST", f"https://{host}{path}", headers=given_ones, data=body)
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


def test_a_request_to_a_path_is_signed_as_botocore_does():
    host, path, body = "email.eu-central-1.amazonaws.com", "/v2/email/outbound-emails", b'{"a": 1}'
    headers = signed_headers(
        service="ses",
        region="eu-central-1",
        headers={"content-type": "application/json", "host": host},
        body=body,
        credentials=Credentials("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"),
        now=NOON,
        path=path,
    )
    assert headers["authorization"] == botocores("ses", "eu-central-1", host, headers, body, "", path=path)


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


# ------------------------------------------------------------------ S3: paths, other methods, signed URLs

BUCKET = "materials.s3.cn-north-1.amazonaws.com.cn"


@pytest.mark.parametrize("token", ["", "a-session-token=="])
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_a_request_for_an_object_is_signed_as_botocore_signs_it(method, token):
    body = b"content" if method == "PUT" else b""
    headers = {"host": BUCKET, "x-amz-content-sha256": hashlib.sha256(body).hexdigest(), "range": "bytes=0-9"}
    signed = signed_headers(
        service="s3",
        region="cn-north-1",
        headers=headers,
        body=body,
        credentials=Credentials("AKIDEXAMPLE", "secret", token),
        now=NOON,
        method=method,
        path="/kept/0123",
    )
    request = AWSRequest(method, f"https://{BUCKET}/kept/0123", headers=headers, data=body)
    with mock.patch("botocore.auth.get_current_datetime", return_value=NOON.replace(tzinfo=None)):
        S3SigV4Auth(BotoCredentials("AKIDEXAMPLE", "secret", token or None), "s3", "cn-north-1").add_auth(request)
    assert signed["authorization"] == request.headers["Authorization"]


@pytest.mark.parametrize("token", ["", "a-session-token=="])
@pytest.mark.parametrize(
    ("method", "headers", "query"),
    [
        ("GET", {}, {"response-content-disposition": 'attachment; filename="a.pdf"', "response-content-type": "a/b"}),
        ("PUT", {"content-length": "3", "content-type": "application/pdf", "x-amz-checksum-sha256": "YWJj+/="}, {}),
    ],
)
def test_a_signed_url_is_botocores(method, headers, query, token):
    ours = signed_url(
        service="s3",
        region="cn-north-1",
        host=BUCKET,
        query=query,
        credentials=Credentials("AKIDEXAMPLE", "secret", token),
        now=NOON,
        seconds=300,
        method=method,
        path="/incoming/0123",
        headers=headers,
        payload=UNSIGNED_PAYLOAD,
    )
    request = AWSRequest(method, f"https://{BUCKET}/incoming/0123", headers=headers, params=query)
    credentials = BotoCredentials("AKIDEXAMPLE", "secret", token or None)
    with mock.patch("botocore.auth.get_current_datetime", return_value=NOON.replace(tzinfo=None)):
        S3SigV4QueryAuth(credentials, "s3", "cn-north-1", expires=300).add_auth(request)
    assert parse_qs(urlsplit(ours).query) == parse_qs(urlsplit(request.url).query)
    assert urlsplit(ours)[:3] == urlsplit(request.url)[:3]
