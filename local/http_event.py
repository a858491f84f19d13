"""An HTTP request as API Gateway's HTTP API passes it to Lambda, and Lambda's answer as an HTTP response. Pure.

Payload format 2.0: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import time
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import parse_qsl

import msgspec
from liangwang.http import PROTECTION

from local.config import ACCOUNT
from local.template import HttpRoute

API_ID = "local"
BODY_LIMIT = 10 * 1024 * 1024


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """A request as it came in. `path` is decoded; `headers` may repeat names, any case."""

    method: str
    path: str
    query: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    source_ip: str
    protocol: str = "HTTP/1.1"


class Response(msgspec.Struct, frozen=True, kw_only=True):
    """What goes back to the client."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes


PROTECTED = list(PROTECTION.items())
"""On the gateway's own answers too. API Gateway's carry no headers of ours; on AWS that is CloudFront's part (docs/http.md)."""


def message(status: int, text: str) -> Response:
    """An answer of the gateway itself, in API Gateway's words."""
    body = json.dumps({"message": text}, separators=(",", ":")).encode()
    return Response(status=status, headers=[("content-type", "application/json"), *PROTECTED], body=body)


NOT_FOUND = message(404, "Not Found")
UNAUTHORIZED = message(401, "Unauthorized")
FORBIDDEN = message(403, "Forbidden")
TOO_LARGE = message(413, "Request Entity Too Large")
FAILED = message(500, "Internal Server Error")


class RouteTable:
    """Finds the route of a request. A full match beats parameters, parameters beat `{name+}`, `$default` is last."""

    def __init__(self, routes: Iterable[HttpRoute]) -> None:
        self._exact: dict[tuple[str, str], HttpRoute] = {}
        self._patterns: list[tuple[tuple[int, ...], str, re.Pattern[str], HttpRoute]] = []
        self._default: HttpRoute | None = None
        for route in routes:
            if route.path == "$default":
                self._default = route
            elif "{" not in route.path:
                self._exact[route.method, route.path] = route
            else:
                self._patterns.append((_specificity(route.path), route.method, _expression(route.path), route))
        # The method itself before ANY, then segment by segment: text, parameter, greedy parameter.
        self._patterns.sort(key=lambda pattern: (pattern[0], pattern[1] == "ANY"))

    def match(self, method: str, path: str) -> tuple[HttpRoute, dict[str, str]] | None:
        """The route and its path parameters, or None."""
        exact = self._exact.get((method, path)) or self._exact.get(("ANY", path))
        if exact is not None:
            return exact, {}
        for _, wanted, expression, route in self._patterns:
            if wanted in (method, "ANY") and (found := expression.fullmatch(path)):
                return route, found.groupdict()
        return (self._default, {}) if self._default else None


def _specificity(path: str) -> tuple[int, ...]:
    return tuple(2 if part.endswith("+}") else 1 if part.startswith("{") else 0 for part in path.split("/"))


def _expression(path: str) -> re.Pattern[str]:
    parts = []
    for part in re.split(r"(\{[^}]+\})", path):
        if part.startswith("{"):
            name = part[1:-1]
            parts.append(f"(?P<{name[:-1]}>.+)" if name.endswith("+") else f"(?P<{name}>[^/]+)")
        else:
            parts.append(re.escape(part))
    return re.compile("".join(parts), re.DOTALL)


def event(
    request: Request,
    route: HttpRoute,
    path_parameters: Mapping[str, str],
    *,
    request_id: str,
    now: float,
    authorizer: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The payload 2.0 event. `now` in epoch seconds; `authorizer` is the Lambda authorizer's context."""
    headers, cookies = _headers(request.headers)
    context = _context(request, route, headers, request_id=request_id, now=now)
    if authorizer is not None:
        context["authorizer"] = {"lambda": authorizer}
    result: dict[str, Any] = {
        "version": "2.0",
        "routeKey": route.key,
        "rawPath": request.path,
        "rawQueryString": request.query,
        "headers": headers,
        "requestContext": context,
        "isBase64Encoded": False,
    }
    # API Gateway leaves these out, rather than empty.
    if cookies:
        result["cookies"] = cookies
    if request.query:
        result["queryStringParameters"] = _query(request.query)
    if path_parameters:
        result["pathParameters"] = dict(path_parameters)
    if request.body:
        result["body"], result["isBase64Encoded"] = _body(request.body, headers.get("content-type", ""))
    return result


def authorizer_event(http_event: Mapping[str, Any], *, identity: list[str], region: str) -> dict[str, Any]:
    """The event of a request authorizer, payload 2.0, from the event the route's function will get."""
    context = http_event["requestContext"]
    route_arn = (
        f"arn:aws:execute-api:{region}:{ACCOUNT}:{API_ID}/$default/{context['http']['method']}{http_event['rawPath']}"
    )
    kept = {key: value for key, value in http_event.items() if key not in ("body", "isBase64Encoded")}
    return {**kept, "type": "REQUEST", "routeArn": route_arn, "identitySource": identity}


def _headers(pairs: Iterable[tuple[str, str]]) -> tuple[dict[str, str], list[str]]:
    """Lower-case names, repeated ones joined by a comma; cookies apart, as payload 2.0 has them."""
    headers: dict[str, str] = {}
    cookies: list[str] = []
    for name, value in pairs:
        name = name.lower()
        if name == "cookie":
            cookies += [part.strip() for part in value.split(";") if part.strip()]
        else:
            headers[name] = f"{headers[name]},{value}" if name in headers else value
    return headers, cookies


def _query(query: str) -> dict[str, str]:
    joined: dict[str, str] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        joined[name] = f"{joined[name]},{value}" if name in joined else value
    return joined


def _body(body: bytes, content_type: str) -> tuple[str, bool]:
    """The body as text when its type says text, else as base64 (a form post is base64 too, as on AWS)."""
    kind = content_type.split(";", 1)[0].strip().lower()
    textual = kind.startswith("text/") or kind.endswith(("+json", "+xml"))
    if textual or kind in ("", "application/json", "application/xml", "application/javascript"):
        try:
            return body.decode("utf-8"), False
        except UnicodeDecodeError:
            pass  # what is not UTF-8 cannot stand in a JSON event as text
    return base64.b64encode(body).decode("ascii"), True


def _context(
    request: Request, route: HttpRoute, headers: Mapping[str, str], *, request_id: str, now: float
) -> dict[str, Any]:
    return {
        "accountId": ACCOUNT,
        "apiId": API_ID,
        "domainName": headers.get("host", "localhost"),
        "domainPrefix": headers.get("host", "localhost").split(".", 1)[0],
        "http": {
            "method": request.method,
            "path": request.path,
            "protocol": request.protocol,
            "sourceIp": request.source_ip,
            "userAgent": headers.get("user-agent", ""),
        },
        "requestId": request_id,
        "routeKey": route.key,
        "stage": "$default",
        "time": time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime(now)),
        "timeEpoch": int(now * 1000),
    }


def response(answer: Any) -> Response:
    """A function's answer as HTTP. What is no response object at all becomes a 200 JSON body; a broken one, 500."""
    if not isinstance(answer, dict) or "statusCode" not in answer:
        # Format 2.0 infers a response from any other JSON value.
        inferred = answer if isinstance(answer, str) else json.dumps(answer, separators=(",", ":"), ensure_ascii=False)
        return Response(status=200, headers=[("content-type", "application/json")], body=inferred.encode("utf-8"))
    try:
        status = int(answer["statusCode"])
        headers = [(str(name).lower(), _header(value)) for name, value in (answer.get("headers") or {}).items()]
        headers += [("set-cookie", str(cookie)) for cookie in answer.get("cookies") or ()]
        text = "" if answer.get("body") is None else answer["body"]
        if not isinstance(text, str):
            return FAILED
        content = base64.b64decode(text, validate=True) if answer.get("isBase64Encoded") else text.encode("utf-8")
    except (TypeError, ValueError, AttributeError, binascii.Error):
        return FAILED
    if not 100 <= status <= 599:
        return FAILED
    if not any(name == "content-type" for name, _ in headers):
        headers.append(("content-type", "text/plain;charset=UTF-8"))
    return Response(status=status, headers=headers, body=content)


def _header(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
