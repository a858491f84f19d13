"""The HTTP API as an OpenAPI 3.1 document, from the functions' route tables joined with template.yaml's routes.

A function says what a route does, takes, answers and for whom (`liangwang.http.Route`); the template says where it is
and whether the authorizer stands before it. A route that only one of the two knows is an error.
"""

from __future__ import annotations

import importlib.util
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import msgspec
from liangwang.http import BODY_LIMIT, Route, Routes
from liangwang.http_content import FORM, JSON, XML
from liangwang.services.systems import OAuthError

from local import openapi_parameters, openapi_xml
from local.config import REPOSITORY
from local.contracts import prose, tidy, version
from local.template import Function, HttpRoute, Template, TemplateError

TAGS = {
    "identity": "登录: tokens, and the keys to check them",
    "users": "用户: registration, one's own record, the real-name level",
    "items": "事项: what one can apply for",
    "privacy": "个人信息: finding persons by an exact value, erasing oneself",
    "mandates": "委托: who may act for whom",
    "intake": "收件系统: what citizens may do",
    "documents": "文书: what applicants get in writing",
    "verification": "证照查验: whether a certificate holds, for anybody",
    "joint": "一件事联办: several items with one form",
    "inbox": "通知: what a citizen is told",
    "feedback": "好差评: ratings, and what is put right 差评整改",
    "materials": "材料: files to hand in",
    "drafts": "草稿: applications that are not finished",
    "exchange": "交换: the one way in and out of intake for other systems",
    "outside": "外部单位: parties without an account answer by a link that works once",
    "mailbox": "信箱: departments whose own systems join by HTTP alone",
    "examination": "受理审查: what officers accept, ask for or refuse, and look at again",
    "approval": "审批: a clerk's cases",
    "decisions": "更正与撤销: what is done to decisions that were told already",
    "procedures": "特别程序: what a case's limit stands for, and its extension",
    "steps": "环节: in whose hands steps are, what goes back, who stands in for whom",
    "statistics": "统计: what departments did in a time, and what they have open",
    "orders": "督办: what supervisors have to look at and to answer",
    "assistance": "协办: a clerk's tasks for other departments",
    "reconciliation": "对账: where a case is by the centre's ledger, and on what the systems differ",
    "console": "态势: what is open before a centre, how tasks flow, how long departments take, what changes",
    "collaboration": "协同: events as a centre's operator sees them",
    "grid": "网格: events of the city's running, told by people, the hotline and sensors",
    "routing": "职责与路由: the rules of routing, explained and tried",
    "coordination": "协调: what a centre's operators have to do with events, and what they do",
}

PEOPLE = frozenset(
    {
        "users",
        "intake",
        "joint",
        "materials",
        "drafts",
        "mandates",
        "inbox",
        "feedback",
        "examination",
        "approval",
        "decisions",
        "procedures",
        "steps",
        "orders",
        "assistance",
        "grid",
        "coordination",
    }
)
"""Functions whose POST routes honour ``Idempotency-Key``; the exchange's entries carry ids of their own."""

SEASONAL = frozenset(
    {
        "POST /api/login/external",
        "DELETE /api/user/{userId}",
        "GET /api/applications/{case_no}/receipt",
        "GET /api/applications/{case_no}/result",
        "GET /api/applications/{case_no}/documents/{name}",
        "GET /api/materials/{material_id}/content",
        "POST /api/collaborations/{collaboration_id}/tasks/{task_id}/link",
    }
)
"""What may come too early or too late besides the acts of ``PEOPLE``."""

MISSED = frozenset(
    {
        "GET /api/absence",
        "PUT /api/absence",
        "DELETE /api/absence",
        "POST /api/grid-events",
        "GET /api/reconciliation",
        "POST /api/reconciliation",
        "GET /exchange/department/messages",
        "POST /exchange/department/acknowledgements",
        "POST /exchange/department/messages",
        "POST /outside/task",
        "POST /outside/report",
    }
)
"""Paths that name nothing, and yet what they are about may not be there, or not be the caller's."""

KEEPERS = frozenset({"users", "joint", "drafts", "feedback", "materials", "privacy", "outside"})
"""Functions that read what is encrypted under a person's keys, which may be destroyed meanwhile; or by a link that works once."""

OAUTH = "/oauth/token"
"""Refuses in OAuth's own form (RFC 6749, 5.2) what OAuth has a word for."""

PROBLEMS = {
    "400": "The body is not what it was sent as, lacks a field or has one of a wrong type",
    "401": "No token, or one that does not hold; at the login: wrong username or password",
    "403": "The token's role may not do this",
    "404": "No such thing, or not the caller's: the two are not told apart",
    "406": "`Accept` names no type that this route answers",
    "409": "It does not fit the present state; nothing was changed",
    "410": "The person's data was erased, and nobody can read it again; or a link works no more",
    "413": f"The body has more bytes than the route takes: {BODY_LIMIT}, unless docs/http.md says otherwise",
    "415": "The body is of a type that this route does not take",
    "422": "Well-formed but wrong: `errors` names each field and the fix",
    "429": "Asked too often; `Retry-After` says how many seconds to wait",
    "500": "A failure of ours; try again",
}


def document(parsed: Template) -> dict[str, Any]:
    """The whole document. Raises TemplateError for a route that the template or a function does not know."""
    tables = {
        name: routes_of(parsed.functions[name], parsed.parameters)
        for name in {route.function for route in parsed.routes}
    }
    joined = _join(parsed, tables)
    described = {shape for _, route in joined for shape in (route.body, route.result) if shape and shape is not bytes}
    described.add(OAuthError)
    shapes = sorted(described, key=repr)
    references, schemas = msgspec.json.schema_components(shapes, ref_template="#/components/schemas/{name}")
    reference = dict(zip(shapes, references, strict=True))
    paths: dict[str, Any] = {}
    for place, route in joined:
        operation = _operation(place, route, reference, folder=_folder(parsed, place))
        paths.setdefault(place.path, {})[place.method.lower()] = operation
    schemas = openapi_xml.described(
        tidy(schemas), [reference[shape] for _, route in joined for shape in _spoken_in_xml(route)]
    )
    return {
        "openapi": "3.1.0",
        "info": _info(),
        "servers": [{"url": "/", "description": "The gateway that serves this document"}],
        "tags": [{"name": name, "description": text} for name, text in TAGS.items()],
        "paths": paths,
        "components": {
            "schemas": {**schemas, "Problem": _PROBLEM},
            "responses": {f"Problem{status}": _problem(status) for status in PROBLEMS},
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
        },
    }


def _spoken_in_xml(route: Route) -> list[Any]:
    """The shapes of a route that travel as XML too."""
    return [*([route.body] if XML in route.takes else []), *([route.result] if XML in route.gives else [])]


def _info() -> dict[str, Any]:
    return {
        "title": "liangwang (两网)",
        "version": version(),
        "description": (
            "What citizens, clerks, operators and other systems may ask of liangwang. Log in at `POST /api/login` and "
            "send the token as `Authorization: Bearer …`. Every refusal of ours is a problem document "
            "(RFC 9457), Chinese first; docs/problems.md lists them."
        ),
        "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
    }


def _join(parsed: Template, tables: Mapping[str, Routes]) -> list[tuple[HttpRoute, Route]]:
    """The template's routes in its order, each with what its function says of it."""
    joined = []
    for place in parsed.routes:
        if place.key not in tables[place.function]:
            raise TemplateError(f"{place.function}: template.yaml has {place.key}, its ROUTES do not")
        joined.append((place, tables[place.function][place.key]))
    known = {(place.function, place.key) for place in parsed.routes}
    for function, routes in tables.items():
        for key, route in routes.items():
            if (function, key) not in known:
                raise TemplateError(f"{function}: ROUTES has {key}, template.yaml does not")
            _check_door(function, key, route, parsed)
    return joined


def _check_door(function: str, key: str, route: Route, parsed: Template) -> None:
    """A route for roles needs the authorizer, and the authorizer before a public route would turn the public away."""
    place = next(place for place in parsed.routes if place.key == key)
    if (route.roles is None) != (place.authorizer is None):
        raise TemplateError(
            f"{function}: {key} is for {route.roles or 'anybody'}, its authorizer is {place.authorizer}"
        )


def _operation(
    place: HttpRoute, route: Route, reference: Mapping[Any, dict[str, Any]], *, folder: str
) -> dict[str, Any]:
    action = getattr(route.run, "__name__", "")
    roles = "anybody" if route.roles is None else ", ".join(sorted(route.roles))
    operation: dict[str, Any] = {
        "tags": [folder],
        "operationId": f"{folder}_{action}",
        "summary": route.summary,
        "description": f"{_told(route.run)}\n\nFor: {roles}.".strip(),
        "security": [] if route.roles is None else [{"token": []}],
        "parameters": openapi_parameters.described(place, takes_key=folder in PEOPLE),
        "responses": _responses(place, route, reference, folder),
    }
    if route.body is not None:
        operation["requestBody"] = {"required": True, "content": _content(route.takes, reference.get(route.body))}
    return operation


def _content(kinds: Iterable[str], schema: Mapping[str, Any] | None) -> dict[str, Any]:
    """A body's media types: documents follow the schema, what is text or bytes of its own kind has none."""
    documents = (JSON, XML, FORM)
    text = {"type": "string"}
    return {
        kind: {"schema": (schema or {"type": "object"}) if kind in documents else text if kind[:5] == "text/" else {}}
        for kind in kinds
    }


def _told(action: Any) -> str:
    """The action's docstring without what it raises: the responses tell that."""
    return re.sub(r"\s*\bRaises [^.]*\.", "", prose(action)).strip()


def _responses(place: HttpRoute, route: Route, reference: Mapping[Any, dict[str, Any]], folder: str) -> dict[str, Any]:
    good = {"description": route.summary, "content": _content(route.gives, reference.get(route.result))}
    problems: dict[str, Any] = {
        status: {"$ref": f"#/components/responses/Problem{status}"} for status in _statuses(place, route, folder)
    }
    if place.path == OAUTH:
        problem = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
        refusal = _content((JSON,), reference[OAuthError])
        problems["401"] = {"description": "invalid_client (RFC 6749, 5.2)", "content": refusal}
        problems["400"] = {"description": "Another refusal of RFC 6749, 5.2", "content": {**refusal, **problem}}
    return {str(route.status): good, **problems}


def _statuses(place: HttpRoute, route: Route, folder: str) -> list[str]:
    """The problems that a route can answer, by what it takes and for whom it is."""
    acts, names_one = place.method != "GET" and folder in PEOPLE, "{" in place.path
    queries = openapi_parameters.QUERIES.get(place.key, ())
    named = {query.name for query in queries} | set(getattr(route.body, "__struct_fields__", ()))
    may = {
        "400": route.body is not None,
        "401": route.roles is not None or (folder == "identity" and route.body is not None),
        "403": route.roles is not None,
        "404": names_one or place.key in MISSED or bool(named & {"department", "region", "on_behalf_of"}),
        "406": True,
        "409": acts or place.key in SEASONAL,
        "410": folder in KEEPERS,
        "413": route.body is not None,
        "415": route.body is not None,
        "422": bool(queries) or acts or route.body is not None,
        "429": True,
        "500": True,
    }
    return [status for status, holds in may.items() if holds]


_PROBLEM = {
    "title": "Problem",
    "description": "A problem document (RFC 9457).",
    "type": "object",
    "properties": {
        "type": {"type": "string", "description": "`urn:liangwang:problem:<code>`; the code is stable"},
        "title": {"type": "string", "description": "Chinese"},
        "title_en": {"type": "string", "description": "English"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "instance": {"type": "string", "description": "The path that was asked"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"field": {"type": "string"}, "message": {"type": "string"}},
                "required": ["field", "message"],
            },
        },
    },
    "required": ["type", "title", "title_en", "status", "detail", "instance"],
}


def _problem(status: str) -> dict[str, Any]:
    reference = {"$ref": "#/components/schemas/Problem"}
    return {"description": PROBLEMS[status], "content": {"application/problem+json": {"schema": reference}}}


def _folder(parsed: Template, place: HttpRoute) -> str:
    return parsed.functions[place.function].folder.rpartition("/")[2]


def routes_of(function: Function, parameters: Mapping[str, Any]) -> Routes:
    """The route table of a function's app.py, which is imported with placeholders in the place of its variables.

    A variable that is a parameter of the template has the parameter's default.
    """
    file = REPOSITORY / function.folder / "app.py"
    spec = importlib.util.spec_from_file_location(f"routes_of_{file.parent.name}", file)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    placeholders = dict.fromkeys(function.environment, "placeholder")
    catalogue = str(REPOSITORY / "layers" / "catalogue")
    aws = dict.fromkeys(("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION"), "placeholder")
    chosen = {
        name: str(parameters[value["Ref"]])
        for name, value in function.environment.items()
        if isinstance(value, Mapping) and value.get("Ref") in parameters
    }
    with _environment({**placeholders, **chosen, **aws, "CATALOGUE_DIR": catalogue}):
        spec.loader.exec_module(module)
    routes: Routes = module.ROUTES
    return routes


@contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    before = dict(os.environ)
    os.environ.update(variables)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
