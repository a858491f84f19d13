"""Event source mappings as typed structs, read from a function's `Events` with Lambda's own limits.

What Lambda would refuse, and what a local run cannot serve, is refused by resource and property (`TemplateError`), so
that a trigger is never silently missing or different. Limits are those of CreateEventSourceMapping:
https://docs.aws.amazon.com/lambda/latest/api/API_CreateEventSourceMapping.html
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from local import event_pattern
from local.event_pattern import Pattern, PatternError

KAFKA = ("MSK", "SelfManagedKafka")
LONGEST_KAFKA_TIMEOUT = 14 * 60
"""Seconds a function with a Kafka event source may run at most."""

RETRIES_WITH_DESTINATION = 10
"""What endless retries come to once there is somewhere to send what failed."""

Value = Callable[[Any], Any]
"""Resolves the intrinsics of a property; raises TemplateError for what is not known."""


class TemplateError(Exception):
    """The template asks for something a local run cannot serve; the message names resource and property."""


class EventMapping(msgspec.Struct, frozen=True, kw_only=True):
    """What one event of a function is mapped to, by the logical ids of both."""

    function: str
    event: str

    @property
    def name(self) -> str:
        """`<function>.<event>`, used in logs, status and the names of files."""
        return f"{self.function}.{self.event}"


class KafkaMapping(EventMapping, frozen=True, kw_only=True):
    """One MSK or SelfManagedKafka event source mapping; unset settings have Lambda's defaults.

    `cluster_arn` and `destination` may be unresolved intrinsics. `bootstrap_servers` is what a self-managed mapping's
    events show. `starting_timestamp` in epoch milliseconds. -1 stands for without end, as on AWS.
    """

    topic: str
    group: str
    kind: str = "MSK"
    cluster_arn: Any = None
    bootstrap_servers: tuple[str, ...] = ()
    starting_position: str = "TRIM_HORIZON"
    starting_timestamp: int | None = None
    batch_size: int = 100
    window_seconds: float = 0.5
    maximum_retries: int = -1
    maximum_age_seconds: int = -1
    bisect: bool = False
    report_failures: bool = False
    destination: Any = None
    patterns: tuple[Pattern, ...] = ()
    enabled: bool = True


class StreamMapping(EventMapping, frozen=True, kw_only=True):
    """One DynamoDB stream event source mapping. `stream_arn` and `failure_queue_arn` are unresolved intrinsics."""

    stream_arn: Any
    starting_position: str
    batch_size: int
    window_seconds: float
    maximum_retries: int
    bisect: bool
    report_failures: bool
    failure_queue_arn: Any | None
    patterns: tuple[Pattern, ...]


class Destination(msgspec.Struct, frozen=True):
    """Where what failed for good goes: `kind` is kafka, sqs, sns or s3, `name` a topic or an ARN."""

    kind: str
    name: str


_TOPIC = r"[^.][A-Za-z0-9._-]{0,248}"
_BATCHING = {
    "BatchSize",
    "StartingPosition",
    "MaximumBatchingWindowInSeconds",
    "MaximumRetryAttempts",
    "BisectBatchOnFunctionError",
    "FunctionResponseTypes",
    "DestinationConfig",
    "Enabled",
    "FilterCriteria",
}
# On AWS these change what is logged, counted, billed or how many poll, never what a function is given.
_WITHOUT_EFFECT = {"ProvisionedPollerConfig", "Tags", "KmsKeyArn", "MetricsConfig", "LoggingConfig"}
_KAFKA = (
    _BATCHING
    | _WITHOUT_EFFECT
    | {"Topics", "ConsumerGroupId", "StartingPositionTimestamp", "MaximumRecordAgeInSeconds"}
    | {"SourceAccessConfigurations"}
)


def kafka(function: str, event: str, kind: str, declared: Mapping[str, Any], value: Value) -> KafkaMapping:
    """The mapping of an MSK or SelfManagedKafka event. Raises TemplateError."""
    place = f"{function}.Events.{event}"
    only(place, declared, _KAFKA | {"Stream" if kind == "MSK" else "KafkaBootstrapServers"})
    properties = _resolved(place, declared, value, late={"Stream", "DestinationConfig"})
    settings = _batching(place, properties, window=0.5, positions=("TRIM_HORIZON", "LATEST", "AT_TIMESTAMP"))
    _check_pollers(place, properties.get("ProvisionedPollerConfig", {}))
    topic = _topic(place, properties)
    target = _target(place, properties, value)
    if isinstance(target, str):
        destination(f"{place}.DestinationConfig", target, topic=topic)
    if target is not None and settings["maximum_retries"] < 0:
        settings["maximum_retries"] = RETRIES_WITH_DESTINATION
    return KafkaMapping(
        function=function,
        event=event,
        kind=kind,
        topic=topic,
        group=_group(place, properties, default=f"{function}.{event}"),
        cluster_arn=_cluster(place, kind, properties),
        bootstrap_servers=_bootstrap_servers(place, properties) if kind == "SelfManagedKafka" else (),
        starting_timestamp=_timestamp(place, properties),
        maximum_age_seconds=_age(place, properties),
        destination=target,
        patterns=_patterns(place, properties, only_field="value"),
        enabled=_flag(place, properties, "Enabled", default=True),
        **settings,
    )


def stream(function: str, event: str, declared: Mapping[str, Any], value: Value) -> StreamMapping:
    """The mapping of a DynamoDB event. Raises TemplateError."""
    place = f"{function}.Events.{event}"
    only(place, declared, _BATCHING | {"Stream"})
    properties = _resolved(place, declared, value, late={"Stream", "DestinationConfig"})
    if not _flag(place, properties, "Enabled", default=True):
        raise TemplateError(f"{place}.Enabled: a mapping that is switched off is not served locally; remove it")
    return StreamMapping(
        function=function,
        event=event,
        stream_arn=properties.get("Stream"),
        failure_queue_arn=_target(place, properties, value),
        patterns=_patterns(place, properties),
        **_batching(place, properties, window=0.0, positions=("TRIM_HORIZON", "LATEST")),
    )


def destination(place: str, target: Any, *, topic: str) -> Destination:
    """An on-failure destination of a mapping that reads `topic`. Raises TemplateError."""
    match = re.fullmatch(f"kafka://({_TOPIC})", str(target))
    if match is not None:
        if match[1] == topic:
            raise TemplateError(f"{place}: kafka://{topic} is what the mapping reads; name another topic")
        return Destination("kafka", match[1])
    match = re.fullmatch(r"arn:aws[a-z-]*:(sqs|sns|s3):[^:]*:[^:]*:(.+)", str(target))
    if match is None:
        raise TemplateError(
            f"{place}: {target} is neither kafka://<topic> nor the ARN of an SQS queue, an SNS topic or an S3 bucket"
        )
    return Destination(match[1], str(target))


def only(place: str, properties: Mapping[str, Any], served: set[str]) -> None:
    """Refuse by name what is not among `served`. Raises TemplateError."""
    unknown = sorted(set(properties) - served)
    if unknown:
        raise TemplateError(f"{place}: {', '.join(unknown)} not served locally")


def known(place: str, declared: Any, value: Value) -> Any:
    """A property with its intrinsics resolved. Raises TemplateError naming the property."""
    try:
        return value(declared)
    except TemplateError as error:
        raise TemplateError(f"{place}: {error}") from None


def _resolved(place: str, declared: Mapping[str, Any], value: Value, *, late: set[str]) -> dict[str, Any]:
    """All properties but the late ones, which may need deployed resources; AWS::NoValue leaves one out."""
    resolved = {
        name: item if name in late else known(f"{place}.{name}", item, value) for name, item in declared.items()
    }
    return {name: item for name, item in resolved.items() if item not in ("", None)}


def _batching(
    place: str, properties: Mapping[str, Any], *, window: float, positions: tuple[str, ...]
) -> dict[str, Any]:
    """The settings Kafka and stream mappings share."""
    position = properties.get("StartingPosition")
    if position not in positions:
        raise TemplateError(f"{place}.StartingPosition: expected one of {', '.join(positions)}, found {position}")
    given = -1
    if "MaximumBatchingWindowInSeconds" in properties:
        given = _integer(place, properties, "MaximumBatchingWindowInSeconds", 0, 0, 300)
    responses = properties.get("FunctionResponseTypes", [])
    if responses not in ([], ["ReportBatchItemFailures"]):
        raise TemplateError(f"{place}.FunctionResponseTypes: expected [ReportBatchItemFailures], found {responses}")
    return {
        "starting_position": position,
        "batch_size": _integer(place, properties, "BatchSize", 100, 1, 10_000),
        "window_seconds": float(given) if given >= 0 else window,
        "maximum_retries": _integer(place, properties, "MaximumRetryAttempts", -1, -1, 10_000),
        "bisect": _flag(place, properties, "BisectBatchOnFunctionError", default=False),
        "report_failures": bool(responses),
    }


def _integer(place: str, properties: Mapping[str, Any], name: str, default: int, low: int, high: int) -> int:
    found = properties.get(name, default)
    if isinstance(found, bool) or not re.fullmatch(r"-?\d+", str(found)) or not low <= int(found) <= high:
        raise TemplateError(f"{place}.{name}: expected a whole number from {low} to {high}, found {found}")
    return int(found)


def _flag(place: str, properties: Mapping[str, Any], name: str, *, default: bool) -> bool:
    found = str(properties.get(name, default)).lower()
    if found not in ("true", "false"):
        raise TemplateError(f"{place}.{name}: expected true or false, found {properties[name]}")
    return found == "true"


def _topic(place: str, properties: Mapping[str, Any]) -> str:
    topics = properties.get("Topics", [])
    if not isinstance(topics, list) or len(topics) != 1:
        raise TemplateError(f"{place}.Topics: exactly one topic, as Lambda demands; found {topics}")
    if not re.fullmatch(_TOPIC, str(topics[0])):
        raise TemplateError(f"{place}.Topics: {topics[0]} is not a topic's name")
    return str(topics[0])


def _group(place: str, properties: Mapping[str, Any], *, default: str) -> str:
    group = str(properties.get("ConsumerGroupId", default))
    if not re.fullmatch(r"[a-zA-Z0-9/*:_+=.@-]{1,200}", group):
        raise TemplateError(f"{place}.ConsumerGroupId: expected 1 to 200 letters, digits or /*:_+=.@-, found {group}")
    return group


def _cluster(place: str, kind: str, properties: Mapping[str, Any]) -> Any:
    if kind == "MSK" and "Stream" not in properties:
        raise TemplateError(f"{place}.Stream: an MSK event needs the cluster's ARN")
    return properties.get("Stream")


def _bootstrap_servers(place: str, properties: Mapping[str, Any]) -> tuple[str, ...]:
    if not properties.get("SourceAccessConfigurations"):
        raise TemplateError(f"{place}.SourceAccessConfigurations: SAM demands it of SelfManagedKafka")
    servers = properties.get("KafkaBootstrapServers", [])
    if not isinstance(servers, list) or not 1 <= len(servers) <= 10:
        raise TemplateError(f"{place}.KafkaBootstrapServers: expected 1 to 10 of host:port, found {servers}")
    for server in servers:
        if not re.fullmatch(r"[A-Za-z0-9.-]+:\d{1,5}", str(server)):
            raise TemplateError(f"{place}.KafkaBootstrapServers: expected host:port, found {server}")
    return tuple(servers)


def _timestamp(place: str, properties: Mapping[str, Any]) -> int | None:
    """StartingPositionTimestamp (seconds, as CloudFormation has it) in milliseconds."""
    seconds = properties.get("StartingPositionTimestamp")
    wanted = properties.get("StartingPosition") == "AT_TIMESTAMP"
    if wanted != (seconds is not None):
        raise TemplateError(
            f"{place}.StartingPositionTimestamp: goes with StartingPosition AT_TIMESTAMP, and only with it"
        )
    if seconds is None:
        return None
    try:
        return int(float(seconds) * 1000)
    except ValueError:
        raise TemplateError(f"{place}.StartingPositionTimestamp: expected Unix seconds, found {seconds}") from None


def _age(place: str, properties: Mapping[str, Any]) -> int:
    age = _integer(place, properties, "MaximumRecordAgeInSeconds", -1, -1, 604_800)
    if -1 < age < 60:
        raise TemplateError(f"{place}.MaximumRecordAgeInSeconds: expected -1 or 60 to 604800, found {age}")
    return age


def _check_pollers(place: str, config: Mapping[str, Any]) -> None:
    here = f"{place}.ProvisionedPollerConfig"
    only(here, config, {"MinimumPollers", "MaximumPollers", "PollerGroupName"})
    lowest = _integer(here, config, "MinimumPollers", 1, 1, 200)
    highest = _integer(here, config, "MaximumPollers", 200, 1, 2000)
    if lowest > highest:
        raise TemplateError(f"{here}: MinimumPollers {lowest} is more than MaximumPollers {highest}")


def _patterns(place: str, properties: Mapping[str, Any], *, only_field: str | None = None) -> tuple[Pattern, ...]:
    criteria = properties.get("FilterCriteria", {})
    only(f"{place}.FilterCriteria", criteria, {"Filters"})
    filters = criteria.get("Filters", [])
    if len(filters) > 10:
        raise TemplateError(f"{place}.FilterCriteria: Lambda takes 10 filters at most, found {len(filters)}")
    patterns = []
    for number, declared in enumerate(filters):
        here = f"{place}.FilterCriteria.Filters[{number}]"
        try:
            pattern = event_pattern.parse(declared.get("Pattern"))
        except PatternError as error:
            raise TemplateError(f"{here}.{error}") from None
        if only_field:
            _check_fields(here, pattern, only_field)
        patterns.append(pattern)
    return tuple(patterns)


def _check_fields(place: str, pattern: Pattern, field: str) -> None:
    for name, rule in pattern.items():
        if name == "$or":
            for branch in rule:
                _check_fields(place, branch, field)
        elif name != field:
            raise TemplateError(f"{place}.Pattern.{name}: filters of a Kafka event source see only `{field}`")


def _target(place: str, properties: Mapping[str, Any], value: Value) -> Any:
    """The on-failure destination: resolved where the template alone says it, else as declared."""
    config = properties.get("DestinationConfig", {})
    only(place + ".DestinationConfig", config, {"OnFailure"})
    target = config.get("OnFailure", {}).get("Destination")
    try:
        return value(target) or None
    except TemplateError:
        return target
