"""HTTP in: an API Gateway HTTP API event (payload 2.0) to one action, and its result or problem back.

API Gateway has done the routing, so a function is a table from ``routeKey`` to ``Route``. Refusals are problem documents
(RFC 9457) whose title is Chinese first with English beside it.
"""

import base64
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

import msgspec
from msgspec import Struct

from . import clock, log, texts
from .domain import policy
from .domain.errors import DomainError, Forbidden, Invalid, Unauthenticated, Violation

BODY_LIMIT = 64 * 1024
"""Bytes that a route takes unless it says otherwise. Forms are small; files do not travel in them."""


class TooLarge(DomainError):
    """The body is over the limit."""

    code = "too_large"
    status = 413


class Malformed(DomainError):
    """The body is not what the route takes: not JSON, a missing field, a wrong type."""

    code = "malformed"
    status = 400


class Caller(Struct, frozen=True, kw_only=True):
    """Who is asking, as the authorizer found out. API Gateway carries text only, so ``level`` comes as a digit.

    ``level`` is the real-name level (``domain/account.py``); ``session`` names the log-in, empty for systems' own tokens.
    """

    subject: str
    role: str
    department: str = ""
    region: str = ""
    applicant_type: str = "1"
    level: int = 0
    session: str = ""


class Request(NamedTuple):
    """What an action gets. ``route`` is its key, ``body`` has the route's type; ``caller`` is None on public routes."""

    route: str
    caller: Caller | None
    path: Mapping[str, str]
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: Any
    now: datetime

    @property
    def by(self) -> Caller:
        """The caller of a route that names roles."""
        assert self.caller is not None
        return self.caller

    def every(self, name: str) -> list[str]:
        """All values of a query parameter that may be repeated (API Gateway joins them by commas)."""
        return [value for value in self.query.get(name, "").split(",") if value]


class Route(NamedTuple):
    """One route: what it does, how it reads in the docs, and which action of ``domain/policy.py`` it is (None: anybody
    may), and the type of its body."""

    run: Callable[[Request], Any]
    summary: str
    action: policy.Action | None
    body: type | None = None
    status: int = 200
    result: Any = None
    limit: int = BODY_LIMIT

    @property
    def roles(self) -> frozenset[str] | None:
        """The roles that may call it in some relation; None for anybody."""
        return None if self.action is None else policy.roles(self.action)


Routes = Mapping[str, Route]


def serve(routes: Routes, event: Mapping[str, Any], *, function: str, clock: clock.Clock = clock.utc) -> dict[str, Any]:
    """Answers one HTTP event. Never raises: an unforeseen error is a problem document of status 500 and a log line."""
    key = event["routeKey"]
    with log.invocation(function) as line:
        line["route"] = key
        try:
            route = routes[key]
            request = _request(route, event, now=clock())
            response = _response(route.status, msgspec.json.encode(route.run(request)), "application/json")
        except DomainError as error:
            line["refused"] = error.code
            response = problem(error, instance=event["rawPath"])
        except Exception as error:
            line["error"] = repr(error)
            response = problem(Unforeseen("the request failed; try again"), instance=event["rawPath"])
        line["status"] = response["statusCode"]
    return response


class Unforeseen(DomainError):
    """A failure of ours or of something we stand on."""

    code = "unforeseen"
    status = 500


def problem(error: DomainError, *, instance: str) -> dict[str, Any]:
    """A problem document (RFC 9457). ``errors`` names each field and the fix."""
    title = texts.text(f"problem.{error.code}")
    document = {
        "type": f"urn:liangwang:problem:{error.code}",
        "title": title.zh,
        "title_en": title.en,
        "status": error.status,
        "detail": error.detail,
        "instance": instance,
    }
    if error.violations:
        document["errors"] = [{"field": one.field, "message": one.message} for one in error.violations]
    return _response(error.status, msgspec.json.encode(document), "application/problem+json")


def _request(route: Route, event: Mapping[str, Any], *, now: datetime) -> Request:
    caller = _caller(event.get("requestContext", {}).get("authorizer", {}).get("lambda", {}))
    if route.roles is not None:
        if isinstance(caller, str):
            raise Unauthenticated(f"no valid token: {caller}; log in at POST /api/login and send it as a bearer token")
        if caller.role not in route.roles:
            raise Forbidden(f"role {caller.role} may not do this; it is for {', '.join(sorted(route.roles))}")
    return Request(
        route=event["routeKey"],
        caller=None if isinstance(caller, str) else caller,
        path=event.get("pathParameters") or {},
        query=event.get("queryStringParameters") or {},
        headers=event.get("headers") or {},
        body=_body(route, event) if route.body else None,
        now=now,
    )


def _caller(context: Mapping[str, Any] | None) -> Caller | str:
    if not context or "subject" not in context:
        return str((context or {}).get("problem", "token missing"))
    return msgspec.convert(dict(context), Caller, strict=False)


def _body(route: Route, event: Mapping[str, Any]) -> Any:
    text = event.get("body") or ""
    raw = base64.b64decode(text) if event.get("isBase64Encoded") else text.encode()
    if len(raw) > route.limit:
        raise TooLarge(f"the body has {len(raw)} bytes; at most {route.limit} are taken")
    try:
        return msgspec.json.decode(raw, type=route.body)
    except msgspec.ValidationError as error:
        raise Malformed(str(error), violations=(_violation(str(error)),)) from error
    except (msgspec.DecodeError, RecursionError) as error:
        raise Malformed(f"the body is not JSON: {error}", violations=(Violation("body", "send JSON"),)) from error


def _violation(misfit: str) -> Violation:
    """From msgspec's sentence, such as "Object missing required field `place` - at `$.a`", the field and the fix."""
    reason, _, place = misfit.partition(" - at `$")
    path = place.rstrip("`").lstrip(".")
    named = re.fullmatch(r"Object (?:missing required|contains unknown) field `(.+)`", reason)
    return Violation(".".join(filter(None, (path, named and named[1]))) or "body", reason)


def _response(status: int, body: bytes, content_type: str) -> dict[str, Any]:
    headers = {"content-type": content_type, "cache-control": "no-store"}
    return {"statusCode": status, "headers": headers, "body": body.decode(), "isBase64Encoded": False}


def limit_of(request: Request, *, default: int = 20, most: int = 100) -> int:
    """The ``limit`` query parameter. Raises Invalid unless it is a whole number from 1 to ``most``."""
    text = request.query.get("limit", str(default))
    if not text.isdecimal() or not 1 <= int(text) <= most:
        violation = Violation("limit", f"use a whole number from 1 to {most}")
        raise Invalid("limit is out of range", violations=(violation,))
    return int(text)
