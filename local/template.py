"""template.yaml as typed structs: which functions there are and what triggers each.

Only what a local run needs is read, and what it cannot serve is refused by name (`TemplateError`), so that a
trigger is never silently missing. Served: functions with HttpApi, MSK, DynamoDB and ScheduleV2 events.
Not served: SelfManagedKafka, SQS, SNS, S3, Kinesis, Api, Schedule and every other event type.
Intrinsics (`!Ref` …) stay as CloudFormation's JSON form here; `local.intrinsics` resolves them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import yaml

FUNCTION = "AWS::Serverless::Function"
HTTP_API = "AWS::Serverless::HttpApi"


class TemplateError(Exception):
    """The template asks for something a local run cannot serve; the message names resource and property."""


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


class KafkaMapping(msgspec.Struct, frozen=True, kw_only=True):
    """One MSK event source mapping. Unset numbers have Lambda's defaults."""

    function: str
    event: str
    topic: str
    group: str
    cluster_arn: Any
    starting_position: str
    batch_size: int
    window_seconds: float
    maximum_retries: int
    bisect: bool
    report_failures: bool
    dead_letter_topic: str | None

    @property
    def name(self) -> str:
        """`<function>.<event>`, used in logs and status."""
        return f"{self.function}.{self.event}"


class StreamMapping(msgspec.Struct, frozen=True, kw_only=True):
    """One DynamoDB stream event source mapping. `stream_arn` and `failure_queue_arn` are unresolved intrinsics."""

    function: str
    event: str
    stream_arn: Any
    starting_position: str
    batch_size: int
    window_seconds: float
    maximum_retries: int
    bisect: bool
    report_failures: bool
    failure_queue_arn: Any | None
    patterns: tuple[dict[str, Any], ...]

    @property
    def name(self) -> str:
        """`<function>.<event>`, used in logs, status and the checkpoint's file name."""
        return f"{self.function}.{self.event}"


class ScheduleMapping(msgspec.Struct, frozen=True, kw_only=True):
    """One ScheduleV2 event. `expression` may be an intrinsic; `payload` is the event's JSON text, Scheduler's default
    being an empty object."""

    function: str
    event: str
    expression: Any
    payload: str
    maximum_retries: int

    @property
    def name(self) -> str:
        """`<function>.<event>`."""
        return f"{self.function}.{self.event}"


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
    document = yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)
    # Anchors make one object appear twice; through JSON each place gets its own.
    expanded: dict[str, Any] = json.loads(json.dumps(document, default=str))
    return expanded


def parse(document: dict[str, Any]) -> Template:
    """The typed view of a template. Raises TemplateError for what a local run cannot serve."""
    resources: Mapping[str, Any] = document.get("Resources", {})
    defaults = document.get("Globals", {}).get("Function", {})
    authorizers, default_authorizer = _authorizers(resources)
    functions: dict[str, Function] = {}
    events: list[Any] = []
    for name, resource in resources.items():
        if resource["Type"] != FUNCTION:
            continue
        properties = resource.get("Properties", {})
        functions[name] = _function(name, properties, defaults)
        for event, declared in properties.get("Events", {}).items():
            events.append(_event(name, event, declared, default_authorizer))
    for authorizer in authorizers.values():
        if authorizer.function not in functions:
            raise TemplateError(f"authorizer {authorizer.name}: no function {authorizer.function} in the template")
    return Template(
        document=document,
        parameters={name: value.get("Default", "") for name, value in document.get("Parameters", {}).items()},
        functions=functions,
        routes=tuple(event for event in events if isinstance(event, HttpRoute)),
        kafka=tuple(event for event in events if isinstance(event, KafkaMapping)),
        streams=tuple(event for event in events if isinstance(event, StreamMapping)),
        schedules=tuple(event for event in events if isinstance(event, ScheduleMapping)),
        authorizers=authorizers,
    )


def load(path: Path) -> Template:
    """`parse(read(path))`."""
    return parse(read(path))


def _function(name: str, properties: Mapping[str, Any], defaults: Mapping[str, Any]) -> Function:
    def setting(key: str, fallback: Any) -> Any:
        return properties.get(key, defaults.get(key, fallback))

    folder = setting("CodeUri", None)
    if not isinstance(folder, str):
        raise TemplateError(f"{name}.CodeUri: a folder is needed locally, found {folder!r}")
    environment = {
        **defaults.get("Environment", {}).get("Variables", {}),
        **properties.get("Environment", {}).get("Variables", {}),
    }
    return Function(
        name=name,
        folder=folder.rstrip("/"),
        handler=setting("Handler", "app.handler"),
        environment=environment,
        timeout=int(setting("Timeout", 3)),
        memory=int(setting("MemorySize", 128)),
    )


def _authorizers(resources: Mapping[str, Any]) -> tuple[dict[str, Authorizer], str | None]:
    """The authorizers of the template's one HTTP API and the name of the default one."""
    apis = {name: value.get("Properties", {}) for name, value in resources.items() if value["Type"] == HTTP_API}
    if len(apis) > 1:
        raise TemplateError(f"one HTTP API can be served locally, the template has {', '.join(apis)}")
    found: dict[str, Authorizer] = {}
    default = None
    for api, properties in apis.items():
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
    _only(place + ".Identity", identity, {"Headers", "ReauthorizeEvery"})
    headers = tuple(header.lower() for header in identity.get("Headers", ()))
    seconds = int(identity.get("ReauthorizeEvery", 0))
    if seconds and not headers:
        raise TemplateError(f"{place}.Identity: ReauthorizeEvery {seconds} needs Headers to remember results by")
    return Authorizer(name=name, function=target[0], headers=headers, cache_seconds=seconds)


def _event(function: str, event: str, declared: Mapping[str, Any], default_authorizer: str | None) -> Any:
    place = f"{function}.Events.{event}"
    properties = declared.get("Properties", {})
    kind = declared.get("Type")
    if kind == "HttpApi":
        return _route(place, function, properties, default_authorizer)
    if kind == "MSK":
        return _kafka(place, function, event, properties)
    if kind == "DynamoDB":
        return _stream(place, function, event, properties)
    if kind == "ScheduleV2":
        return _schedule(place, function, event, properties)
    raise TemplateError(f"{place}: event type {kind} is not served locally; served: HttpApi, MSK, DynamoDB, ScheduleV2")


def _route(place: str, function: str, properties: Mapping[str, Any], default: str | None) -> HttpRoute:
    _only(place, properties, {"ApiId", "Method", "Path", "Auth", "PayloadFormatVersion", "TimeoutInMillis"})
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


_BATCHING = {
    "BatchSize",
    "StartingPosition",
    "MaximumBatchingWindowInSeconds",
    "MaximumRetryAttempts",
    "BisectBatchOnFunctionError",
    "FunctionResponseTypes",
    "DestinationConfig",
    "Enabled",
}


def _batching(place: str, properties: Mapping[str, Any], *, window: float, positions: set[str]) -> dict[str, Any]:
    """The settings Kafka and stream mappings share."""
    position = properties.get("StartingPosition")
    if position not in positions:
        raise TemplateError(f"{place}.StartingPosition: {position} is not served locally; served: {sorted(positions)}")
    if properties.get("Enabled", True) is not True:
        raise TemplateError(f"{place}.Enabled: a mapping that is switched off is not served locally; remove it")
    responses = properties.get("FunctionResponseTypes", [])
    if responses not in ([], ["ReportBatchItemFailures"]):
        raise TemplateError(f"{place}.FunctionResponseTypes: {responses} is not served locally")
    return {
        "starting_position": position,
        "batch_size": int(properties.get("BatchSize", 100)),
        "window_seconds": float(properties.get("MaximumBatchingWindowInSeconds", window)),
        "maximum_retries": int(properties.get("MaximumRetryAttempts", -1)),
        "bisect": bool(properties.get("BisectBatchOnFunctionError", False)),
        "report_failures": bool(responses),
    }


def _kafka(place: str, function: str, event: str, properties: Mapping[str, Any]) -> KafkaMapping:
    # ProvisionedPollerConfig scales Lambda's own pollers; one local poller reads all partitions.
    # SourceAccessConfigurations say how Lambda's pollers sign in; the local cluster asks nobody.
    served = {"Stream", "Topics", "ConsumerGroupId", "ProvisionedPollerConfig", "SourceAccessConfigurations"}
    _only(place, properties, _BATCHING | served)
    topics = properties.get("Topics", [])
    if len(topics) != 1:
        raise TemplateError(f"{place}.Topics: exactly one topic, as Lambda demands; found {topics}")
    settings = _batching(place, properties, window=0.5, positions={"TRIM_HORIZON", "LATEST"})
    dead_letters = _destination(place, properties)
    if dead_letters is not None:
        match = re.fullmatch(r"kafka://([A-Za-z0-9._-]+)", str(dead_letters))
        if match is None or match[1] == topics[0]:
            raise TemplateError(f"{place}.DestinationConfig: only kafka://<another topic> is served locally")
        dead_letters = match[1]
        if settings["maximum_retries"] < 0:
            settings["maximum_retries"] = 10  # Lambda caps endless retries once there is a destination
    return KafkaMapping(
        function=function,
        event=event,
        topic=topics[0],
        group=properties.get("ConsumerGroupId", f"{function}.{event}"),
        cluster_arn=properties.get("Stream"),
        dead_letter_topic=dead_letters,
        **settings,
    )


def _stream(place: str, function: str, event: str, properties: Mapping[str, Any]) -> StreamMapping:
    _only(place, properties, _BATCHING | {"Stream", "FilterCriteria"})
    settings = _batching(place, properties, window=0.0, positions={"TRIM_HORIZON", "LATEST"})
    filters = properties.get("FilterCriteria", {}).get("Filters", [])
    return StreamMapping(
        function=function,
        event=event,
        stream_arn=properties.get("Stream"),
        failure_queue_arn=_destination(place, properties),
        patterns=tuple(json.loads(declared["Pattern"]) for declared in filters),
        **settings,
    )


def _destination(place: str, properties: Mapping[str, Any]) -> Any:
    config = properties.get("DestinationConfig", {})
    _only(place + ".DestinationConfig", config, {"OnFailure"})
    return config.get("OnFailure", {}).get("Destination")


def _schedule(place: str, function: str, event: str, properties: Mapping[str, Any]) -> ScheduleMapping:
    _only(place, properties, {"ScheduleExpression", "RetryPolicy", "Input", "Name", "Description", "State"})
    if properties.get("State", "ENABLED") != "ENABLED":
        raise TemplateError(f"{place}.State: a schedule that is switched off is not served locally; remove it")
    return ScheduleMapping(
        function=function,
        event=event,
        expression=properties.get("ScheduleExpression"),
        payload=properties.get("Input", "{}"),
        maximum_retries=int(properties.get("RetryPolicy", {}).get("MaximumRetryAttempts", 185)),
    )


def _only(place: str, properties: Mapping[str, Any], served: set[str]) -> None:
    unknown = sorted(set(properties) - served)
    if unknown:
        raise TemplateError(f"{place}: {', '.join(unknown)} not served locally")
