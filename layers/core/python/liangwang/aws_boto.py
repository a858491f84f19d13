"""``AwsJson`` by boto3: the reference adapter, and the one that moto can stand behind. Not imported by any function."""

import base64
from typing import Any

import boto3
from botocore import xform_name
from botocore.exceptions import ClientError

from .aws import AwsError


class BotoAws:
    """Calls through boto3's low-level clients, in the wire's own JSON shapes (binary values as base64 text)."""

    def __init__(self, **client_settings: Any) -> None:
        self._settings = client_settings
        self._clients: dict[str, Any] = {}

    def call(self, service: str, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        """See ``AwsJson.call``."""
        client = self._clients.get(service) or boto3.client(service, **self._settings)
        self._clients[service] = client
        try:
            answer = getattr(client, xform_name(operation))(**_to_boto(request))
        except ClientError as error:
            raise AwsError(error.response["Error"]["Code"], error.response["Error"]["Message"]) from error
        answer.pop("ResponseMetadata", None)
        wire: dict[str, Any] = _to_wire(answer)
        return wire


def _to_boto(value: Any, name: str = "") -> Any:
    if isinstance(value, dict):
        return {key: _to_boto(inner, key) for key, inner in value.items()}
    if isinstance(value, list):
        return [_to_boto(inner) for inner in value]
    return base64.b64decode(value) if name in ("B", "Message", "CiphertextBlob") and isinstance(value, str) else value


def _to_wire(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _to_wire(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_to_wire(inner) for inner in value]
    return base64.b64encode(value).decode() if isinstance(value, bytes) else value
