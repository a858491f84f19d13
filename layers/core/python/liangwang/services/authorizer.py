"""Says who is asking. It never turns anyone away: the route does, so that every refusal is a problem document."""

from collections.abc import Callable, Mapping
from typing import Any

import jwt

from .. import log
from ..limits import Door, Exhausted
from ..tokens import Verifier

CONTEXT = {
    "sub": "subject",
    "role": "role",
    "department": "department",
    "region": "region",
    "applicant_type": "applicant_type",
    "level": "level",
    "sid": "session",
    "scope": "scope",
}
"""What the routes are told, by the claim it stands in (``http.Caller``)."""


class Authorizer:
    """The Lambda authorizer of the HTTP API (payload 2.0, simple response)."""

    def __init__(self, verifier: Verifier, door: Door, *, is_live: Callable[[str], bool]) -> None:
        """``is_live`` tells whether a session goes on; tokens without one, which are systems', are not asked about."""
        self._verifier = verifier
        self._door = door
        self._is_live = is_live

    def authorize(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """The caller as context, or ``problem`` with what is wrong with the token; ``exhausted`` names a quota that is."""
        with log.invocation("authorizer") as line:
            context = self._context(event.get("headers") or {})
            if "problem" in context:
                line["problem"] = context["problem"]
            exhausted = self._count(event, context)
            if exhausted is not None:
                context["exhausted"] = line["exhausted"] = str(exhausted)
            return {"isAuthorized": True, "context": context}

    def _count(self, event: Mapping[str, Any], context: Mapping[str, str]) -> Exhausted | None:
        """Counts this request; who shows no good token is known by the address alone."""
        source = event.get("requestContext", {}).get("http", {}).get("sourceIp", "")
        if "problem" in context:
            return self._door.public(source)
        return self._door.caller(source, context["subject"], context.get("role", ""))

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
        if "sid" in claims and not self._is_live(str(claims["sid"])):
            return {"problem": "session ended"}
        return {name: str(claims[claim]) for claim, name in CONTEXT.items() if claim in claims}
