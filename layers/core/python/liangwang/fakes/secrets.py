"""Secrets Manager in memory: a secret comes into being, with a value made at random, when it is first asked for."""

import os
from collections.abc import Callable
from typing import Any


class FakeSecrets:
    """``values`` holds secrets by the name they are asked for."""

    def __init__(self) -> None:
        self.values: dict[str, str] = {}
        self.operations: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
            "GetSecretValue": self._get_secret_value
        }

    def _get_secret_value(self, request: dict[str, Any]) -> dict[str, Any]:
        name = request["SecretId"]
        return {"Name": name, "SecretString": self.values.setdefault(name, os.urandom(32).hex())}
