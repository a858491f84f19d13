"""Functions that run somewhere else: invoked through the Lambda API, synchronously, one answer an event.

The same `invoke(event)` as a function in this process (`local.functions`), so the gateway and the event sources do not know which one they hold.
"""

from __future__ import annotations

import json
from typing import Any

from botocore.config import Config as ClientConfig
from botocore.exceptions import ClientError
from localstack_client.session import Session

_LONGEST_SECONDS = 15 * 60
"""No function may run longer: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html."""


class FunctionError(Exception):
    """The function was run and failed: it raised, timed out or broke off. Carries what Lambda says of it."""

    def __init__(self, function: str, error_type: str, error_message: str) -> None:
        super().__init__(f"{function} failed: {error_type}: {error_message}")
        self.function = function
        self.error_type = error_type
        self.error_message = error_message


class InvokeRefused(Exception):
    """The Lambda API took no event: throttled, too large, no such function. `code` is the API's error code."""

    def __init__(self, function: str, code: str, message: str) -> None:
        super().__init__(f"{function} was not invoked: {code}: {message}")
        self.function = function
        self.code = code


class DeployedFunction:
    """One function at a Lambda endpoint. Threads may share it, as they may share its client.

    `name` is what the Invoke API takes: a name or an ARN. `client` is a Lambda client, `lambda_client` builds one.
    """

    def __init__(self, name: str, *, client: Any) -> None:
        self.name = name
        self._client = client

    def invoke(self, event: Any) -> Any:
        """The function's answer. Raises FunctionError, InvokeRefused, and botocore's errors of a broken connection."""
        payload = json.dumps(event, separators=(",", ":")).encode()
        try:
            answer = self._client.invoke(FunctionName=self.name, InvocationType="RequestResponse", Payload=payload)
        except ClientError as error:
            said = error.response.get("Error", {})
            raise InvokeRefused(self.name, said.get("Code", "Unknown"), said.get("Message", str(error))) from error
        content: bytes = answer["Payload"].read()
        if "FunctionError" in answer:
            raise self._failure(answer["FunctionError"], content)
        try:
            return json.loads(content)
        except ValueError:
            raise FunctionError(
                self.name, "Runtime.MarshalError", f"the answer is not JSON: {content[:80]!r}"
            ) from None

    def _failure(self, kind: str, content: bytes) -> FunctionError:
        """The error object Lambda answers with; `kind` (Handled or Unhandled) stands in where there is none."""
        try:
            said = json.loads(content)
        except ValueError:
            said = None
        if not isinstance(said, dict):
            return FunctionError(self.name, kind, content[:500].decode(errors="replace"))
        return FunctionError(self.name, str(said.get("errorType", kind)), str(said.get("errorMessage", "")))


def lambda_client(session: Session, *, connections: int = 50) -> Any:
    """A client that waits as long as a function may run, and calls once: whoever invokes decides what is repeated."""
    settings = ClientConfig(
        read_timeout=_LONGEST_SECONDS + 10,
        connect_timeout=5,
        retries={"total_max_attempts": 1},
        max_pool_connections=connections,
    )
    return session.client("lambda", config=settings)
