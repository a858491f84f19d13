"""The HTTP door: Flask under gunicorn, in the place of API Gateway's HTTP API.

`create_app(template, functions)` is the WSGI application; run as a module it serves the template's routes from
the functions in this process, or from deployed ones.
"""

from __future__ import annotations

import importlib.util
import json
import logging
import os
import sys
import threading
import time
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

import flask
from gunicorn.app.base import BaseApplication  # type: ignore[import-untyped]
from msgspec import structs

from local import config as configuration
from local import deploy, functions, http_event, processes, template
from local.event_streams import EventStreams
from local.http_event import Response
from local.template import Authorizer, HttpRoute, Template

log = logging.getLogger("local.gateway")

READY_PATH = "/_local/ready"
_DRAIN_LIMIT = 64 * 1024 * 1024


class Invocable(Protocol):
    """What the gateway needs of a function."""

    def invoke(self, event: Any) -> Any:
        """The function's answer to an event."""


class Gateway:
    """API Gateway's part: routes, authorizes, converts. One for the whole process; threads share it."""

    def __init__(self, template: Template, functions: Mapping[str, Invocable], *, region: str = "cn-north-1") -> None:
        self._routes = http_event.RouteTable(template.routes)
        self._authorizers = {
            name: _AuthorizerGate(authorizer, functions[authorizer.function], region)
            for name, authorizer in template.authorizers.items()
        }
        self._functions = functions
        self._cors = template.cors

    def handle(self, request: http_event.Request) -> Response:
        """The answer to a request; never raises."""
        if self._cors is None:
            return self._answer(request)
        asked = list(request.headers)
        preflight = self._cors.preflight(request.method, asked)
        if preflight is not None:
            return Response(status=204, headers=[*preflight, *http_event.PROTECTED], body=b"")
        answer = self._answer(request)
        return structs.replace(answer, headers=self._cors.told(asked, answer.headers))

    def _answer(self, request: http_event.Request) -> Response:
        found = self._routes.match(request.method, request.path)
        if found is None:
            return http_event.NOT_FOUND
        if len(request.body) > http_event.BODY_LIMIT:
            return http_event.TOO_LARGE
        route, parameters = found
        event = http_event.event(request, route, parameters, request_id=str(uuid.uuid4()), now=time.time())
        refusal = self._authorize(route, event)
        if refusal is not None:
            return refusal
        try:
            return http_event.response(self._functions[route.function].invoke(event))
        except Exception:
            log.exception("%s failed at %s", route.function, route.key)
            return http_event.FAILED

    def _authorize(self, route: HttpRoute, event: dict[str, Any]) -> Response | None:
        """None when the request may go on, with the authorizer's context put into the event."""
        if route.authorizer is None:
            return None
        try:
            context = self._authorizers[route.authorizer].context(event)
        except _Refused as refused:
            return refused.response
        except Exception:
            log.exception("authorizer %s failed at %s", route.authorizer, route.key)
            return http_event.FAILED
        event["requestContext"]["authorizer"] = {"lambda": context}
        return None


class _Refused(Exception):
    def __init__(self, response: Response) -> None:
        super().__init__(response.status)
        self.response = response


class _AuthorizerGate:
    """One Lambda authorizer with its remembered results."""

    _LIMIT = 10_000

    def __init__(self, authorizer: Authorizer, function: Invocable, region: str) -> None:
        self._authorizer = authorizer
        self._function = function
        self._region = region
        self._lock = threading.Lock()
        self._remembered: dict[tuple[str, ...], tuple[float, dict[str, Any]]] = {}

    def context(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """The context the authorizer gives a request. Raises _Refused."""
        identity = tuple(event["headers"].get(header, "") for header in self._authorizer.headers)
        if not all(identity):
            # API Gateway answers by itself when an identity source is missing or empty.
            raise _Refused(http_event.UNAUTHORIZED)
        now = time.monotonic()
        known = self._remembered.get(identity)
        if known is not None and known[0] > now:
            answer = known[1]
        else:
            answer = self._function.invoke(
                http_event.authorizer_event(event, identity=list(identity), region=self._region)
            )
            if self._authorizer.cache_seconds:
                self._remember(identity, now, answer)
        if answer.get("isAuthorized") is not True:
            raise _Refused(http_event.FORBIDDEN)
        return dict(answer.get("context") or {})

    def _remember(self, identity: tuple[str, ...], now: float, answer: dict[str, Any]) -> None:
        with self._lock:
            if len(self._remembered) >= self._LIMIT:
                self._remembered.clear()
            self._remembered[identity] = (now + self._authorizer.cache_seconds, answer)


def create_app(
    template: Template, functions: Mapping[str, Invocable], *, region: str = "cn-north-1", streams: int = 2
) -> flask.Flask:
    """The WSGI application: a few pages of its own (`local.docs`, where it exists), and the template's routes.

    At most so many ``streams`` of events are kept open at once.
    """
    gateway = Gateway(template, functions, region=region)
    open_streams = EventStreams(gateway.handle, most=streams)
    app = flask.Flask("local.gateway", static_folder=None)

    @app.get(READY_PATH)
    def ready() -> flask.Response:
        return flask.Response(json.dumps({"pid": os.getpid()}), content_type="application/json")

    if importlib.util.find_spec("local.docs") is not None:
        importlib.import_module("local.docs").register_docs(app)

    @app.before_request
    def forward() -> flask.Response | None:
        """Whatever is none of the pages above is the template's: werkzeug's rules (redirects, 405) are not AWS's."""
        if flask.request.routing_exception is None:
            return None
        request = _request(flask.request)
        if request is None:
            return _flask(http_event.TOO_LARGE)
        answer = gateway.handle(request)
        return _flask(answer, open_streams.keep(request, answer))

    return app


def _request(incoming: flask.Request) -> http_event.Request | None:
    """What came in, or None when it is larger than API Gateway takes."""
    length = incoming.content_length
    if length is not None and length > http_event.BODY_LIMIT:
        _drain(incoming, length)
        return None
    # Chunked bodies carry no length: read one byte past the limit at most.
    body = incoming.stream.read(http_event.BODY_LIMIT + 1) if length is None else incoming.get_data(cache=False)
    return http_event.Request(
        method=incoming.method,
        path=incoming.path,
        query=incoming.query_string.decode("latin-1"),
        headers=tuple(incoming.headers.items()),
        body=body,
        source_ip=incoming.remote_addr or "127.0.0.1",
        protocol=incoming.environ.get("SERVER_PROTOCOL", "HTTP/1.1"),
    )


def _drain(incoming: flask.Request, length: int) -> None:
    """Read a refused body, within reason: a client that is still sending would see a broken pipe, not the 413."""
    left = min(length, _DRAIN_LIMIT)
    while left > 0 and (chunk := incoming.stream.read(min(left, 65_536))):
        left -= len(chunk)


def _flask(response: Response, stream: Iterator[bytes] | None = None) -> flask.Response:
    """The answer for the client; a ``stream`` stands in the place of the body, and nobody knows its length."""
    result = flask.Response(response.body if stream is None else stream, status=response.status)
    result.headers.clear()
    for name, value in response.headers:
        result.headers.add(name, value)
    if stream is None:
        result.headers["content-length"] = str(len(response.body))
    return result


def _threads(config: configuration.Config) -> int:
    """Requests at once. A deployed function is a process for each of them, so more than there are cores only queue there."""
    return min(config.gateway_threads, max(2, os.cpu_count() or 2)) if config.deployed else config.gateway_threads


class _Server(BaseApplication):  # type: ignore[misc]
    """gunicorn, set up here rather than on a command line."""

    def __init__(self, config: configuration.Config) -> None:
        self._config = config
        super().__init__()

    def load_config(self) -> None:
        settings = {
            "bind": f"127.0.0.1:{self._config.gateway_port}",
            "worker_class": "gthread",
            "workers": 1,
            "threads": _threads(self._config),
            "worker_connections": 1000,
            "keepalive": 75,
            # A relay asks about 100 cases in one line of 4245 bytes. 8190 is gunicorn's most; API Gateway takes 10,240.
            "limit_request_line": 8190,
            "timeout": 120,
            "graceful_timeout": 5,
            "loglevel": "warning",
            "control_socket_disable": True,
            "worker_tmp_dir": str(self._config.state),
            "post_fork": lambda server, worker: os.environ.__setitem__("LOCAL_PARENT_PID", str(server.pid)),
        }
        for name, value in settings.items():
            if name in self.cfg.settings:
                self.cfg.set(name, value)

    def load(self) -> flask.Flask:
        processes.end_with_parent()
        return build(self._config)


def build(config: configuration.Config) -> flask.Flask:
    """The application for a stack whose resources are there, with every function it serves."""
    parsed = template.load(config.template)
    needed = {route.function for route in parsed.routes} | {gate.function for gate in parsed.authorizers.values()}
    resolver = deploy.resolver(config, parsed, deploy.load(config))
    parsed = structs.replace(parsed, cors=template.cross_origin(parsed.document, resolver.value))
    ready = functions.ready(config, parsed, resolver, needed)
    return create_app(parsed, ready, region=config.region, streams=_threads(config) // 4)


def main() -> None:
    """Serve the stack whose state folder is the first argument."""
    processes.end_with_parent()
    processes.write_log()
    _Server(configuration.load(Path(sys.argv[1]))).run()


if __name__ == "__main__":
    main()
