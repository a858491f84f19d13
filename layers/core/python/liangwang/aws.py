"""AWS services that speak the JSON protocol (DynamoDB, KMS, Secrets Manager), called cheaply: SigV4 over a kept connection.

boto3 costs 250 ms of CPU to import and about a millisecond a call; this costs neither. The port is ``AwsJson``; its
reference adapter is boto3 (``aws_boto.py``), and tests hold the two to one contract and the signatures to botocore's.
"""

import random
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Protocol

import msgspec

from .http_client import HttpClient, Response
from .signing import Credentials, signed_headers

VERSIONS = {
    "dynamodb": "DynamoDB_20120810",
    "kms": "TrentService",
    "secretsmanager": "secretsmanager",
    "streams.dynamodb": "DynamoDBStreams_20120810",
}
CONTENT_TYPE = {
    "dynamodb": "application/x-amz-json-1.0",
    "kms": "application/x-amz-json-1.1",
    "secretsmanager": "application/x-amz-json-1.1",
    "streams.dynamodb": "application/x-amz-json-1.0",
}

ENDPOINT_VARIABLE = {
    "dynamodb": "AWS_ENDPOINT_URL_DYNAMODB",
    "kms": "AWS_ENDPOINT_URL_KMS",
    "s3": "AWS_ENDPOINT_URL_S3",
    "secretsmanager": "AWS_ENDPOINT_URL_SECRETS_MANAGER",
    "sesv2": "AWS_ENDPOINT_URL_SESV2",
    "sns": "AWS_ENDPOINT_URL_SNS",
    "streams.dynamodb": "AWS_ENDPOINT_URL_DYNAMODB_STREAMS",
}
"""https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html"""

RETRIED = frozenset(
    {
        "InternalServerError",
        "InternalServiceError",
        "InternalFailure",
        "ItemCollectionSizeLimitExceededException",
        "KMSInternalException",
        "LimitExceededException",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "ServiceUnavailable",
        "ServiceUnavailableException",
        "ThrottlingException",
        "TransactionInProgressException",
    }
)


class AwsError(Exception):
    """A service refused. ``code`` is AWS's own, such as ``ConditionalCheckFailedException``."""

    def __init__(self, code: str, message: str = "") -> None:
        super().__init__(f"{code}: {message}")
        self.code = code


class Unreachable(AwsError):
    """The service could not be reached, or kept failing, for all attempts."""


class AwsJson(Protocol):
    """Calls one operation of one service with its JSON request; binary values are base64 text, as on the wire."""

    def call(self, service: str, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        """The service's JSON answer. Raises AwsError, or Unreachable after all retries."""
        ...


def endpoints(environment: Mapping[str, str]) -> dict[str, str]:
    """Where each service is that the environment names a place for, as every AWS SDK reads it: a service's own
    variable, else AWS_ENDPOINT_URL. Empty on AWS. Pure.
    """
    everywhere = environment.get("AWS_ENDPOINT_URL", "")
    found = {service: environment.get(variable) or everywhere for service, variable in ENDPOINT_VARIABLE.items()}
    return {service: url for service, url in found.items() if url}


class SignedAws:
    """``AwsJson`` over plain HTTP. Retries throttling, failures of the service and lost connections with jitter.

    ``endpoint`` is one address for all services, or one each (``endpoints``); a service without one is AWS's own.
    A repeated write may find its own first try: callers write conditionally and look again when a condition fails.
    """

    def __init__(
        self,
        *,
        region: str,
        credentials: Callable[[], Credentials],
        endpoint: str | Mapping[str, str] | None = None,
        attempts: int = 8,
        timeout: float = 10.0,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._region = region
        self._credentials = credentials
        self._endpoints = dict.fromkeys(VERSIONS, endpoint) if isinstance(endpoint, str) else dict(endpoint or {})
        self._attempts = attempts
        self._timeout = timeout
        self._sleep = sleep
        self._clients: dict[str, HttpClient] = {}

    def call(self, service: str, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        """See ``AwsJson.call``."""
        body = msgspec.json.encode(request)
        target = f"{VERSIONS[service]}.{operation}"
        problem = AwsError("Unreachable")
        for attempt in range(self._attempts):
            if attempt:
                self._sleep(random.uniform(0, min(2.0, 0.05 * 2**attempt)))  # nosec B311
            try:
                response = self._send(service, target, body)
            except OSError as error:
                problem = AwsError(
                    "Unreachable", f"{service} at {self._endpoints.get(service, self._region)}: {error!r}"
                )
                continue
            if response.status == 200:
                answer: dict[str, Any] = msgspec.json.decode(response.body) if response.body else {}
                return answer
            problem = _problem(response)
            if problem.code not in RETRIED and response.status < 500:
                raise problem
        raise Unreachable(problem.code, f"gave up after {self._attempts} attempts: {problem}")

    def _send(self, service: str, target: str, body: bytes) -> Response:
        client = self._clients.get(service)
        if client is None:
            origin = self._endpoints.get(service) or f"https://{service}.{self._region}.{suffix(self._region)}"
            client = self._clients[service] = HttpClient(origin, timeout=self._timeout)
        headers = signed_headers(
            service=service.rpartition(".")[2],
            region=self._region,
            headers={
                "content-type": CONTENT_TYPE[service],
                "host": client.host,
                "x-amz-target": target,
            },
            body=body,
            credentials=self._credentials(),
            now=datetime.now(UTC),
        )
        return client.request("POST", "/", body=body, headers=headers)


def _problem(response: Response) -> AwsError:
    try:
        content = msgspec.json.decode(response.body)
        code = str(content.get("__type", "")).rpartition("#")[2]
        return AwsError(code or f"Http{response.status}", str(content.get("message") or content.get("Message") or ""))
    except (msgspec.DecodeError, AttributeError):
        return AwsError(f"Http{response.status}", response.body[:200].decode(errors="replace"))


def suffix(region: str) -> str:
    """The domain of AWS's endpoints in a region."""
    return "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
