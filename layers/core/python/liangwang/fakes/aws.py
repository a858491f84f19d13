"""``AwsJson`` in memory: DynamoDB, KMS and Secrets Manager, with faults on demand."""

import threading
from collections.abc import Callable
from typing import Any, Literal, NamedTuple

from ..aws import AwsError, Unreachable
from .dynamodb import FakeDynamoDb
from .kms import FakeKms
from .secrets import FakeSecrets


class Fault(NamedTuple):
    """What goes wrong at the next call of an operation.

    ``refused``: nothing happens and the call raises ``code``. ``lost``: it happens, but the answer never arrives.
    """

    operation: str
    kind: Literal["refused", "lost"] = "refused"
    code: str = "ThrottlingException"


class FakeAws:
    """DynamoDB tables come into being when they are first written to, KMS keys when they are first used.

    ``faults`` are used up in order, each by the next call of its operation; ``calls`` holds what was asked.
    """

    def __init__(self) -> None:
        self.dynamodb = FakeDynamoDb()
        self.kms = FakeKms()
        self.secrets = FakeSecrets()
        self.faults: list[Fault] = []
        self.calls: list[tuple[str, str, dict[str, Any]]] = []
        self._lock = threading.Lock()  # a store writes from several threads

    def call(self, service: str, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        """See ``AwsJson.call``."""
        with self._lock:
            self.calls.append((service, operation, request))
            fault = self._next_fault(operation)
            if fault is not None and fault.kind == "refused":
                raise Unreachable(fault.code, "as the test wishes")
            answer = self._operation(service, operation)(request)
            if fault is not None:
                raise Unreachable("Unreachable", "the answer was lost, as the test wishes")
            return answer

    def _operation(self, service: str, operation: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
        found = {
            "dynamodb": self.dynamodb.operations,
            "kms": self.kms.operations,
            "secretsmanager": self.secrets.operations,
        }[service]
        if operation not in found:
            raise AwsError("UnknownOperationException", f"the fake {service} knows {', '.join(found)}")
        return found[operation]

    def _next_fault(self, operation: str) -> Fault | None:
        for position, fault in enumerate(self.faults):
            if fault.operation == operation:
                return self.faults.pop(position)
        return None
