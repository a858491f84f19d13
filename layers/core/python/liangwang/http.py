"""HTTP in: an API Gateway HTTP API event (payload 2.0) to one action, and its result or problem back.

API Gateway has done the routing, so a function is a table from ``routeKey`` to ``Route``. Refusals are problem documents
(RFC 9457) whose title is Chinese first with English beside it.
"""

import base64
from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any, NamedTuple

import msgspec
from msgspec import Struct

from . import clock, http_content, log, texts
from .domain import policy
from .domain.errors import DomainError, Forbidden, Invalid, Unauthenticated, Violation
from .http_content import JSON, XML
from .limits import Door, Exhausted
from .tracing import request_trace

BODY_LIMIT = 64 * 1024
"""Bytes that a route takes unless it says otherwise. Forms are small; files do not travel in them."""


LONGEST_KEY = 255
"""Characters of an ``Idempotency-Key``; causes are made from it and kept."""

PROTECTION: Mapping[str, str] = {
    "cache-control": "no-store",
    "strict-transport-security": "max-age=63072000; includeSubDomains",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}
"""On every answer (OWASP REST security cheat sheet): an answer is data, which no browser may keep, guess at, frame or run."""


class Caller(Struct, frozen=True, kw_only=True):
    """Who is asking, as the authorizer found out. API Gateway carries text only, so ``level`` comes as a digit.

    ``level`` is the real-name level (``domain/account.py``); ``session`` names the log-in, empty for systems' own tokens.
    ``scope`` narrows what a registered system may do: the first words of actions (``exchange``); empty does not.
    """

    subject: str
    role: str
    department: str = ""
    region: str = ""
    applicant_type: str = "1"
    level: int = 0
    session: str = ""
    scope: str = ""


class Request(NamedTuple):
    """What an action gets. ``route`` is its key, ``body`` has the route's type; ``caller`` is None on public routes.

    ``source`` is the client's address as API Gateway saw it; ``wants`` the type among ``Route.gives`` that is answered.
    """

    route: str
    caller: Caller | None
    path: Mapping[str, str]
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: Any
    now: datetime
    source: str = ""
    wants: str = JSON

    @property
    def media_type(self) -> str:
        """What the body was sent as, without parameters; empty when that was not said."""
        return http_content.media_type(self.headers.get("content-type", ""))

    @property
    def by(self) -> Caller:
        """The caller of a route that names roles."""
        assert self.caller is not None
        return self.caller

    def every(self, name: str) -> list[str]:
        """All values of a query parameter that may be repeated (API Gateway joins them by commas)."""
        return [value for value in self.query.get(name, "").split(",") if value]


class Answer(NamedTuple):
    """A result that is more than a JSON document: another type, status or more headers (a download, a redirect, a cookie).

    ``content`` is text or bytes of ``media_type``, or a value that is written as the caller wants it when ``media_type``
    is empty. ``headers`` stand in the place of those that every answer has.
    """

    content: Any = ""
    media_type: str = ""
    status: int | None = None
    headers: Mapping[str, str] = {}


class Route(NamedTuple):
    """One route: what it does, how it reads in the docs, and which action of ``domain/policy.py`` it is (None: anybody
    may), and the type of its body.

    ``takes`` and ``gives`` are the media types of bodies and answers, the usual one first; with ``body=bytes`` an action
    gets the bytes as they came. What is neither JSON nor XML an action answers as an ``Answer``.
    """

    run: Callable[[Request], Any]
    summary: str
    action: policy.Action | None
    body: type | None = None
    status: int = 200
    result: Any = None
    limit: int = BODY_LIMIT
    takes: tuple[str, ...] = (JSON,)
    gives: tuple[str, ...] = (JSON,)

    @property
    def roles(self) -> frozenset[str] | None:
        """The roles that may call it in some relation; None for anybody."""
        return None if self.action is None else policy.roles(self.action)

    @property
    def scope(self) -> str:
        """What a system's token has to be for: the first word of the action."""
        return (self.action or "").partition(".")[0]


Routes = Mapping[str, Route]


def serve(
    routes: Routes,
    event: Mapping[str, Any],
    *,
    function: str,
    door: Door | None = None,
    clock: clock.Clock = clock.utc,
) -> dict[str, Any]:
    """Answers one HTTP event. Never raises: an unforeseen error is a problem document of status 500 and a log line.

    ``door`` counts the requests to public routes; those that need a token the authorizer has counted.
    """
    key, path = event["routeKey"], event["rawPath"]
    kind = JSON
    with log.invocation(function) as line:
        line.update(route=key, **request_trace(event.get("headers") or {}))
        try:
            route = routes[key]
            kind = _wanted(route, event) or JSON
            _count(route, event, door)
            response = _answer(route, route.run(_request(route, event, now=clock())), kind)
        except DomainError as error:
            line["refused"] = error.code
            response = problem(error, instance=path, wants=kind)
        except Exception as error:
            line["error"] = repr(error)
            response = problem(Unforeseen("the request failed; try again"), instance=path, wants=kind)
        line["status"] = response["statusCode"]
    return response


class Unforeseen(DomainError):
    """A failure of ours or of something we stand on."""

    code = "unforeseen"
    status = 500


def problem(error: DomainError, *, instance: str, wants: str = JSON) -> dict[str, Any]:
    """A problem document (RFC 9457), in JSON unless the caller ``wants`` XML. ``errors`` names each field and the fix."""
    title = texts.text(f"problem.{error.code}")
    document = {
        "type": f"urn:liangwang:problem:{error.code}",
        "title": title.zh,
        "title_en": title.en,
        "status": error.status,
        "detail": _encodable(error.detail),
        "instance": _encodable(instance),
    }
    if error.violations:
        document["errors"] = [
            {"field": _encodable(one.field), "message": _encodable(one.message)} for one in error.violations
        ]
    kind = f"application/problem+{'xml' if wants == XML else 'json'}"
    return _response(error.status, http_content.write(document, kind), kind, error.headers)


def _encodable(text: str) -> str:
    """What a caller sent may be quoted; halves of surrogate pairs, which JSON's escapes can hold, have no bytes."""
    return text.encode(errors="replace").decode()


def _count(route: Route, event: Mapping[str, Any], door: Door | None) -> None:
    """Raises TooManyRequests when the client, or the account as the authorizer found it, has used up its quota."""
    context = event.get("requestContext", {})
    counted = (context.get("authorizer", {}).get("lambda") or {}).get("exhausted")
    exhausted = Exhausted.parse(counted) if counted else None
    if door is not None and route.roles is None:
        exhausted = door.public(context.get("http", {}).get("sourceIp", ""))
    if exhausted is not None:
        raise exhausted.refusal()


def _wanted(route: Route, event: Mapping[str, Any]) -> str | None:
    return http_content.wanted((event.get("headers") or {}).get("accept", ""), route.gives)


def _request(route: Route, event: Mapping[str, Any], *, now: datetime) -> Request:
    caller = _caller(event.get("requestContext", {}).get("authorizer", {}).get("lambda", {}))
    if route.roles is not None:
        if isinstance(caller, str):
            raise Unauthenticated(f"no valid token: {caller}; log in at POST /api/login and send it as a bearer token")
        if caller.role not in route.roles:
            raise Forbidden(f"role {caller.role} may not do this; it is for {', '.join(sorted(route.roles))}")
        if caller.scope and route.scope not in (*caller.scope.split(), "session"):
            raise OutOfScope(f"this token is for {caller.scope}; ask for one with scope {route.scope}")
    wants = _wanted(route, event)
    if wants is None:
        raise http_content.NotAcceptable(f"this route answers {' or '.join(route.gives)}; accept one of these")
    headers = event.get("headers") or {}
    if len(headers.get("idempotency-key", "")) > LONGEST_KEY:
        violation = Violation("Idempotency-Key", f"use at most {LONGEST_KEY} characters")
        raise Invalid("the Idempotency-Key is too long", violations=(violation,))
    return Request(
        route=event["routeKey"],
        caller=None if isinstance(caller, str) else caller,
        path=event.get("pathParameters") or {},
        query=event.get("queryStringParameters") or {},
        headers=headers,
        body=_body(route, event, headers.get("content-type", "")) if route.body else None,
        now=now,
        source=event.get("requestContext", {}).get("http", {}).get("sourceIp", ""),
        wants=wants,
    )


class OutOfScope(Forbidden):
    """A registered system's token does not reach so far (RFC 6750, 3.1)."""

    headers: Mapping[str, str] = MappingProxyType({"www-authenticate": 'Bearer error="insufficient_scope"'})


def _caller(context: Mapping[str, Any] | None) -> Caller | str:
    if not context or "subject" not in context:
        return str((context or {}).get("problem", "token missing"))
    return msgspec.convert(dict(context), Caller, strict=False)


def _body(route: Route, event: Mapping[str, Any], sent_as: str) -> Any:
    raw = http_content.raw_body(event, limit=route.limit)
    return http_content.read(raw, sent_as=sent_as, takes=route.takes, shape=route.body)


def _answer(route: Route, result: Any, wants: str) -> dict[str, Any]:
    answer = result if isinstance(result, Answer) else Answer(result)
    status = route.status if answer.status is None else answer.status
    if not answer.media_type:
        return _response(status, http_content.write(answer.content, wants), wants, answer.headers)
    content = answer.content.encode() if isinstance(answer.content, str) else answer.content
    return _response(status, content, answer.media_type, answer.headers)


def _response(status: int, body: bytes, content_type: str, more: Mapping[str, str]) -> dict[str, Any]:
    headers = {"content-type": content_type, **PROTECTION, **more}
    try:
        return {"statusCode": status, "headers": headers, "body": body.decode(), "isBase64Encoded": False}
    except UnicodeDecodeError:
        text = base64.b64encode(body).decode()
        return {"statusCode": status, "headers": headers, "body": text, "isBase64Encoded": True}


def one_of(request: Request, name: str, values: Collection[str]) -> str:
    """A query parameter that has one of these values; empty without it. Raises Invalid for another value."""
    value = request.query.get(name, "")
    if value and value not in values:
        violation = Violation(name, f"use one of: {', '.join(sorted(values))}")
        raise Invalid(f"{name} is none of its values", violations=(violation,))
    return value


def flag_of(request: Request, name: str) -> bool:
    """Whether a query parameter says ``true``; left out, or ``false``, it does not. Raises Invalid for anything else."""
    text = request.query.get(name, "false")
    if text not in ("true", "false"):
        raise Invalid(f"{name} is yes or no", violations=(Violation(name, "use true or false"),))
    return text == "true"


def limit_of(request: Request, *, default: int = 20, most: int = 100) -> int:
    """The ``limit`` query parameter. Raises Invalid unless it is a whole number from 1 to ``most``."""
    text = request.query.get("limit", str(default))
    if not text.isdecimal() or len(text) > len(str(most)) or not 1 <= int(text) <= most:
        violation = Violation("limit", f"use a whole number from 1 to {most}")
        raise Invalid("limit is out of range", violations=(violation,))
    return int(text)
