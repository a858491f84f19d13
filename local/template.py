"""template.yaml as typed structs: which functions there are and what triggers each.

Only what a local run needs is read, and what it cannot serve is refused by name (`TemplateError`), so that a
trigger is never silently missing. Served: functions with HttpApi, MSK, SelfManagedKafka, DynamoDB and ScheduleV2
events. Not served: SQS, SNS, S3, Kinesis, Api, Schedule and every other event type; `kafka_mappings` passes them by.
Intrinsics (`!Ref` …) that need deployed resources stay as CloudFormation's JSON form here; `local.intrinsics`
resolves them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec
import yaml

from local import cors, mappings
from local.intrinsics import Resolver, pseudo_parameters
from local.mappings import EventMapping, KafkaMapping, StreamMapping
from local.mappings import TemplateError as TemplateError

FUNCTION = "AWS::Serverless::Function"
HTTP_API = "AWS::Serverless::HttpApi"


class HttpRoute(msgspec.Struct, frozen=True, kw_only=True):
    """One HttpApi event. `path` as in the template (`/api/{id}`, `/files/{proxy+}`), `authorizer` None when open."""

    function: str
    method: str
    path: str
    authorizer: str | None

    @property
    def key(self) -> str:
        """The route key handlers see, such as `GET /api/cases/{case_no}`."""
        return "$default" if self.path == "$default" else f"{self.method} {self.path}"


class ScheduleMapping(EventMapping, frozen=True, kw_only=True):
    """One ScheduleV2 event. `expression` may be an intrinsic; `payload` is the event's JSON text, Scheduler's default
    being an empty object."""

    expression: Any
    payload: str
    maximum_retries: int


class Authorizer(msgspec.Struct, frozen=True, kw_only=True):
    """A Lambda authorizer, payload format 2.0 with simple responses. Without headers nothing is required or cached."""

    name: str
    function: str
    headers: tuple[str, ...]
    cache_seconds: int


class Function(msgspec.Struct, frozen=True, kw_only=True):
    """One Lambda function. `folder` is relative to the template; `environment` values may be intrinsics."""

    name: str
    folder: str
    handler: str
    environment: dict[str, Any]
    timeout: int
    memory: int


class Template(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a local run needs to know. `document` is the whole template with intrinsics in JSON form."""

    document: dict[str, Any]
    parameters: dict[str, Any]
    functions: dict[str, Function]
    routes: tuple[HttpRoute, ...]
    kafka: tuple[KafkaMapping, ...]
    streams: tuple[StreamMapping, ...]
    schedules: tuple[ScheduleMapping, ...]
    authorizers: dict[str, Authorizer]
    cors: cors.Cors | None = None


class _Loader(yaml.SafeLoader):
    """YAML with CloudFormation's short tags."""


def _tag(loader: _Loader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    value: Any
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        assert isinstance(node, yaml.MappingNode)
        value = loader.construct_mapping(node, deep=True)
    if suffix in ("Ref", "Condition"):
        return {suffix: value}
    if suffix == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {f"Fn::{suffix}": value}


_Loader.add_multi_constructor("!", _tag)


def read(path: Path) -> dict[str, Any]:
    """A CloudFormation template as plain JSON-like data: short tags in their long form, anchors expanded."""
    document = yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)  # a safe loader # nosec B506
    # Anchors make one object appear twice; through JSON each place gets its own.
    expanded: dict[str, Any] = json.loads(json.dumps(document, default=str))
    return expanded


def parse(document: dict[str, Any]) -> Template:
    """The typed view of a template. Raises TemplateError for what a local run cannot serve."""
    resources: Mapping[str, Any] = document.get("Resources", {})
    value = resolver(document).value
    authorizers, default_authorizer = _authorizers(resources)
    functions: dict[str, Function] = {}
    events: list[Any] = []
    for name, properties in _functions(document):
        functions[name] = function(document, name, value)
        for event, declared in properties.get("Events", {}).items():
            events.append(_event(name, event, declared, default_authorizer, value))
    for authorizer in authorizers.values():
        if authorizer.function not in functions:
            raise TemplateError(f"authorizer {authorizer.name}: no function {authorizer.function} in the template")
    kafka = tuple(event for event in events if isinstance(event, KafkaMapping))
    _check_kafka(document, kafka, value)
    return Template(
        document=document,
        parameters=_defaults(document),
        functions=functions,
        routes=tuple(event for event in events if isinstance(event, HttpRoute)),
        kafka=tuple(mapping for mapping in kafka if mapping.enabled),
        streams=tuple(event for event in events if isinstance(event, StreamMapping)),
        schedules=tuple(event for event in events if isinstance(event, ScheduleMapping)),
        authorizers=authorizers,
        cors=cross_origin(document, value),
    )


def cross_origin(document: Mapping[str, Any], value: mappings.Value) -> cors.Cors | None:
    """Who may call the template's HTTP API from a browser. Raises TemplateError for what cannot be served."""
    for name, resource in document.get("Resources", {}).items():
        if resource["Type"] == HTTP_API:
            declared = resource.get("Properties", {}).get("CorsConfiguration")
            return cors.parse(f"{name}.CorsConfiguration", declared, value)
    return None


def kafka_mappings(document: dict[str, Any], value: mappings.Value) -> tuple[list[KafkaMapping], list[str]]:
    """Only the Kafka event sources of any SAM template, and a line about each trigger passed by.

    Raises TemplateError for a mapping that cannot be served.
    """
    found: list[KafkaMapping] = []
    passed_by: list[str] = []
    for name, properties in _functions(document):
        condition = document["Resources"][name].get("Condition")
        absent = condition is not None and not value({"Condition": condition})
        for event, declared in properties.get("Events", {}).items():
            kind = declared.get("Type")
            if absent:
                passed_by.append(f"{name}.{event}: the function's condition {condition} does not hold")
            elif kind in mappings.KAFKA:
                found.append(mappings.kafka(name, event, kind, declared.get("Properties", {}), value))
            else:
                passed_by.append(f"{name}.{event}: {kind} is not a Kafka event source")
    for name, resource in document.get("Resources", {}).items():
        if resource["Type"] == "AWS::Lambda::EventSourceMapping":
            passed_by.append(f"{name}: only the Events of AWS::Serverless::Function are read")
    _check_kafka(document, found, value)
    return found, passed_by


def _functions(document: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    resources = document.get("Resources", {}).items()
    return [(name, resource.get("Properties", {})) for name, resource in resources if resource["Type"] == FUNCTION]


def _defaults(document: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value.get("Default", "") for name, value in document.get("Parameters", {}).items()}


def resolver(
    document: Mapping[str, Any],
    given: Mapping[str, Any] | None = None,
    attributes: Mapping[str, Mapping[str, Any]] | None = None,
) -> Resolver:
    """What a template says by itself: its parameters, with `given` in their place or beside them, and conditions."""
    pseudo = pseudo_parameters(region="cn-north-1", stack_name="local")
    references = lists(document, {**pseudo, **_defaults(document), **(given or {})})
    return Resolver(references=references, attributes=attributes or {}, conditions=document.get("Conditions"))


def lists(document: Mapping[str, Any], references: Mapping[str, Any]) -> dict[str, Any]:
    """Values by name, with those of list parameters as lists: they are given as text with commas."""
    found = dict(references)
    for name, declared in document.get("Parameters", {}).items():
        text = found.get(name)
        if isinstance(text, str) and str(declared.get("Type")).startswith(("CommaDelimitedList", "List<")):
            found[name] = [item.strip() for item in text.split(",") if item.strip()]
    return found


def _check_kafka(document: Mapping[str, Any], kafka: Iterable[KafkaMapping], value: mappings.Value) -> None:
    """What holds between mappings, and between a mapping and its function."""
    groups: dict[str, str] = {}
    for mapping in kafka:
        place = f"{mapping.function}.Events.{mapping.event}"
        if mapping.group in groups:
            raise TemplateError(f"{place}.ConsumerGroupId: {mapping.group} is that of {groups[mapping.group]} already")
        groups[mapping.group] = mapping.name
        timeout = int(
            mappings.known(f"{mapping.function}.Timeout", setting(document, mapping.function, "Timeout", 3), value)
        )
        if timeout > mappings.LONGEST_KAFKA_TIMEOUT:
            longest = mappings.LONGEST_KAFKA_TIMEOUT
            raise TemplateError(f"{mapping.function}.Timeout: {timeout}; with a Kafka event at most {longest}")


def load(path: Path) -> Template:
    """`parse(read(path))`."""
    return parse(read(path))


def setting(document: Mapping[str, Any], function: str, name: str, fallback: Any = None) -> Any:
    """A property of a function, its own or that of the Globals."""
    defaults = document.get("Globals", {}).get("Function", {})
    return document["Resources"][function].get("Properties", {}).get(name, defaults.get(name, fallback))


def layers(document: Mapping[str, Any], function: str) -> list[Any]:
    """A function's layers: those of the Globals and then its own, because SAM adds lists."""
    own: list[Any] = document["Resources"][function].get("Properties", {}).get("Layers", [])
    return [*document.get("Globals", {}).get("Function", {}).get("Layers", []), *own]


def function(document: Mapping[str, Any], name: str, value: mappings.Value) -> Function:
    """One function of a template, with the Globals. Raises TemplateError when its code is not a local folder."""

    def number(setting_name: str, fallback: int) -> int:
        return int(mappings.known(f"{name}.{setting_name}", setting(document, name, setting_name, fallback), value))

    folder = setting(document, name, "CodeUri")
    if not isinstance(folder, str):
        raise TemplateError(f"{name}.CodeUri: a folder is needed locally, found {folder!r}")
    defaults = document.get("Globals", {}).get("Function", {})
    own = document["Resources"][name].get("Properties", {})
    environment = {
        **defaults.get("Environment", {}).get("Variables", {}),
        **own.get("Environment", {}).get("Variables", {}),
    }
    return Function(
        name=name,
        folder=folder.rstrip("/"),
        handler=setting(document, name, "Handler", "app.handler"),
        environment=environment,
        timeout=number("Timeout", 3),
        memory=number("MemorySize", 128),
    )


def _authorizers(resources: Mapping[str, Any]) -> tuple[dict[str, Authorizer], str | None]:
    """The authorizers of the template's one HTTP API and the name of the default one."""
    apis = {name: value.get("Properties", {}) for name, value in resources.items() if value["Type"] == HTTP_API}
    if len(apis) > 1:
        raise TemplateError(f"one HTTP API can be served locally, the template has {', '.join(apis)}")
    found: dict[str, Authorizer] = {}
    default = None
    for api, properties in apis.items():
        # DefaultRouteSettings (throttling) is passed by: nobody here shares an account with others.
        mappings.only(api, properties, {"Auth", "CorsConfiguration", "DefaultRouteSettings", "StageName"})
        auth = properties.get("Auth", {})
        default = auth.get("DefaultAuthorizer")
        for name, declared in auth.get("Authorizers", {}).items():
            found[name] = _authorizer(f"{api}.Auth.Authorizers.{name}", name, declared)
        if default is not None and default not in found:
            raise TemplateError(f"{api}.Auth.DefaultAuthorizer: {default} is not among its Authorizers")
    return found, default


def _authorizer(place: str, name: str, declared: Mapping[str, Any]) -> Authorizer:
    arn = declared.get("FunctionArn", {})
    target = arn.get("Fn::GetAtt") if isinstance(arn, Mapping) else None
    if not target or declared.get("AuthorizerPayloadFormatVersion") not in ("2.0", 2.0):
        raise TemplateError(f"{place}: only Lambda authorizers of payload format 2.0 are served locally")
    if not declared.get("EnableSimpleResponses"):
        raise TemplateError(f"{place}: only EnableSimpleResponses: true is served locally (no IAM policies)")
    identity = declared.get("Identity", {})
    mappings.only(place + ".Identity", identity, {"Headers", "ReauthorizeEvery"})
    headers = tuple(header.lower() for header in identity.get("Headers", ()))
    seconds = int(identity.get("ReauthorizeEvery", 0))
    if seconds and not headers:
        raise TemplateError(f"{place}.Identity: ReauthorizeEvery {seconds} needs Headers to remember results by")
    return Authorizer(name=name, function=target[0], headers=headers, cache_seconds=seconds)


def _event(
    function: str, event: str, declared: Mapping[str, Any], default_authorizer: str | None, value: mappings.Value
) -> Any:
    place = f"{function}.Events.{event}"
    properties = declared.get("Properties", {})
    kind = str(declared.get("Type"))
    if kind == "HttpApi":
        return _route(place, function, properties, default_authorizer)
    if kind in mappings.KAFKA:
        return mappings.kafka(function, event, kind, properties, value)
    if kind == "DynamoDB":
        return mappings.stream(function, event, properties, value)
    if kind == "ScheduleV2":
        return _schedule(place, function, event, properties)
    served = ", ".join(("HttpApi", *mappings.KAFKA, "DynamoDB", "ScheduleV2"))
    raise TemplateError(f"{place}: event type {kind} is not served locally; served: {served}")


def _route(place: str, function: str, properties: Mapping[str, Any], default: str | None) -> HttpRoute:
    mappings.only(place, properties, {"ApiId", "Method", "Path", "Auth", "PayloadFormatVersion", "TimeoutInMillis"})
    if properties.get("PayloadFormatVersion", "2.0") != "2.0":
        raise TemplateError(f"{place}.PayloadFormatVersion: only 2.0 is served locally")
    chosen = properties.get("Auth", {}).get("Authorizer", default)
    path = properties.get("Path", "$default")
    return HttpRoute(
        function=function,
        method=str(properties.get("Method", "ANY")).upper(),
        path=path,
        authorizer=None if chosen in (None, "NONE") else chosen,
    )


def _schedule(place: str, function: str, event: str, properties: Mapping[str, Any]) -> ScheduleMapping:
    mappings.only(place, properties, {"ScheduleExpression", "RetryPolicy", "Input", "Name", "Description", "State"})
    if properties.get("State", "ENABLED") != "ENABLED":
        raise TemplateError(f"{place}.State: a schedule that is switched off is not served locally; remove it")
    return ScheduleMapping(
        function=function,
        event=event,
        expression=properties.get("ScheduleExpression"),
        payload=properties.get("Input", "{}"),
        maximum_retries=int(properties.get("RetryPolicy", {}).get("MaximumRetryAttempts", 185)),
    )
