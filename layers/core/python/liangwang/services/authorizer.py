"""Says who is asking. It never turns anyone away: the route does, so that every refusal is a problem document."""

from collections.abc import Mapping
from typing import Any

import jwt

from .. import log
from ..tokens import Verifier

CONTEXT = {
    "sub": "subject",
    "role": "role",
    "department": "department",
    "region": "region",
    "applicant_type": "applicant_type",
    "level": "level",
    "sid": "session",
}
"""What the routes are told, by the claim it stands in (``http.Caller``)."""


class Authorizer:
    """The Lambda authorizer of the HTTP API (payload 2.0, simple response)."""

    def __init__(self, verifier: Verifier) -> None:
        self._verifier = verifier

    def authorize(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """The caller as context, or ``problem`` with what is wrong with the token."""
        with log.invocation("authorizer") as line:
            context = self._context(event.get("headers") or {})
            if "problem" in context:
                line["problem"] = context["problem"]
            return {"isAuthorized": True, "context": context}

    def _context(self, headers: Mapping[str, str]) -> dict[str, str]:
        scheme, _, token = headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            return {"problem": "token missing"}
        try:
            claims = self._verifier.verify(token.strip())
        except jwt.ExpiredSignatureError:
            return {"problem": "token expired"}
        except jwt.InvalidTokenError as error:
            return {"problem": f"token invalid: {error}"}
        return {name: str(claims[claim]) for claim, name in CONTEXT.items() if claim in claims}
