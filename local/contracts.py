"""The contracts as documents: `python -m local.contracts` writes docs/api/ from the code, a test holds the two in step.

JSON Schemas and AsyncAPI come from `liangwang.domain.messages`, the triggers of template.yaml and the table `SENDERS`;
OpenAPI comes from the functions' route tables (`local.openapi`). Nothing in docs/api/ is written by hand.
"""

from __future__ import annotations

import inspect
import json
import tomllib
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from liangwang.domain.messages import BY_TYPE, TOPIC, DeadLettered, type_of

from local import template
from local.config import REPOSITORY
from local.template import Template

FOLDER = REPOSITORY / "docs" / "api"
DIALECT = "https://json-schema.org/draft/2020-12/schema"
MEDIA_TYPE = "application/cloudevents+json"


class Sender(NamedTuple):
    """Who puts messages on a topic: the system, and its function (a logical id of template.yaml)."""

    system: str
    function: str


SENDERS: dict[str, tuple[Sender, ...]] = {
    "applications": (Sender("governance", "RelayFunction"),),
    "acceptances": (
        Sender("department", "DepartmentPublisherFunction"),
        Sender("governance", "GovernancePublisherFunction"),
    ),
    "collaboration-requests": (
        Sender("department", "DepartmentPublisherFunction"),
        Sender("governance", "GovernancePublisherFunction"),
    ),
    "collaboration-tasks": (Sender("governance", "GovernancePublisherFunction"),),
    "collaboration-reports": (
        Sender("department", "DepartmentPublisherFunction"),
        Sender("governance", "GovernancePublisherFunction"),
    ),
    "collaboration-results": (Sender("governance", "GovernancePublisherFunction"),),
    "approvals": (
        Sender("department", "DepartmentPublisherFunction"),
        Sender("governance", "GovernancePublisherFunction"),
    ),
    "dead-letters": (
        Sender("governance", "GovernancePublisherFunction"),
        Sender("department", "DepartmentPublisherFunction"),
    ),
}

PURPOSE = {
    "applications": "What citizens say: governance to departments.",
    "acceptances": "受理数据: accepted, asked for a supplement, or refused. Department to governance.",
    "collaboration-requests": "协同请求: a department needs others, or a centre for a grid event. To governance.",
    "collaboration-tasks": "协同任务: what the centre asks of collaborating departments. Governance to departments.",
    "collaboration-reports": "协同处置结果: what they answer. Department to governance.",
    "collaboration-results": "The conclusion under the join policy. Governance to the requesting department.",
    "approvals": "审批过程数据 and 审批结果. Department to governance.",
    "dead-letters": "Records that no retry can help. Any system to its operators.",
}

SYSTEM_OF_TABLE = {"IntakeTable": "intake", "GovernanceTable": "governance", "DepartmentTable": "department"}


def documents() -> dict[Path, bytes]:
    """Every document by its path below docs/api/. Raises TemplateError when routes and template.yaml disagree."""
    from local import openapi

    parsed = template.load(REPOSITORY / "template.yaml")
    found = {Path("schemas") / f"{name}.json": schema(kind) for name, kind in BY_TYPE.items()}
    found[Path("asyncapi.json")] = asyncapi(parsed)
    found[Path("openapi.json")] = openapi.document(parsed)
    return {path: _text(content) for path, content in found.items()}


def schema(kind: type[msgspec.Struct]) -> dict[str, Any]:
    """The JSON Schema of one message in its envelope; the schema of ``data`` stands in it under its own ``$id``."""
    name = type_of(kind)
    return {
        "$schema": DIALECT,
        "$id": f"urn:liangwang:message:{name}:v1",
        "title": name,
        "description": prose(kind),
        "type": "object",
        "properties": {**_envelope(name, kind), "data": _data(name, kind)},
        "required": ["specversion", "id", "source", "type", "subject", "time", "data"],
    }


def _envelope(name: str, kind: type[msgspec.Struct]) -> dict[str, Any]:
    dead = kind is DeadLettered
    identity = {"type": "string", "description": "The aggregate's id and version; a repeated message repeats it."}
    if not dead:
        identity |= {
            "pattern": "^[^/]+/[^/]+/[0-9]+$",
            "description": "`<system>/<aggregate>/<version>`, repeated with it.",
        }
    return {
        "specversion": {"const": "1.0"},
        "id": identity,
        "source": {"type": "string", "format": "uri-reference", "description": "`/liangwang/<system>`"},
        "type": {"const": name},
        "subject": {"type": "string", "description": "The topic it came from" if dead else "The case number"},
        "time": {"type": "string", "format": "date-time", "description": "When it happened"},
        "datacontenttype": {"const": "application/json"},
        "dataschema": {"const": f"urn:liangwang:schema:{name}:v1"},
        "traceparent": {"type": "string", "description": "W3C trace context; one trace a case"},
        "round": {
            "type": "integer",
            "minimum": 0,
            "default": 0,
            "description": "Extension attribute. 0: said for the first time. Else the round of asking (its moment in "
            "seconds since 1970) in which it is said again.",
        },
    }


def _data(name: str, kind: type[msgspec.Struct]) -> dict[str, Any]:
    _, definitions = msgspec.json.schema_components([kind], ref_template="#/$defs/{name}")
    own = {"$id": f"urn:liangwang:schema:{name}:v1", **definitions.pop(kind.__name__)}
    if definitions:
        own["$defs"] = definitions
    plain: dict[str, Any] = tidy(own)
    return plain


def asyncapi(parsed: Template) -> dict[str, Any]:
    """The AsyncAPI 3.0 document: a channel for each topic, and an operation for each function that sends or receives."""
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "liangwang messages",
            "version": version(),
            "description": (
                "What the governance centre and the departments say to each other over Kafka: JSON CloudEvents 1.0 in "
                "structured mode, keyed by case number. docs/messages.md tells what a third-party department must do."
            ),
        },
        "defaultContentType": MEDIA_TYPE,
        "servers": {
            "local": {
                "host": "localhost:9092",
                "protocol": "kafka",
                "description": "The local machine's broker; on AWS the cluster of the template parameter ClusterArn.",
            }
        },
        "channels": {topic: _channel(topic) for topic in SENDERS},
        "operations": _operations(parsed),
        "components": {
            "messages": {name: _message(name, kind) for name, kind in BY_TYPE.items()},
            "messageTraits": {
                "case": _trait("The case number: all messages of a case keep their order within a topic."),
                "record": _trait("The dead letter's own id."),
            },
        },
    }


def _channel(topic: str) -> dict[str, Any]:
    names = [type_of(kind) for kind, at in TOPIC.items() if at == topic]
    return {
        "address": topic,
        "description": PURPOSE[topic],
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in names},
    }


def _message(name: str, kind: type[msgspec.Struct]) -> dict[str, Any]:
    trait = "record" if kind is DeadLettered else "case"
    return {
        "name": name,
        "title": kind.__name__,
        "summary": prose(kind).split("\n")[0],
        "contentType": MEDIA_TYPE,
        "traits": [{"$ref": f"#/components/messageTraits/{trait}"}],
        "payload": {
            "schemaFormat": "application/schema+json;version=draft-2020-12",
            "schema": {"$ref": f"./schemas/{name}.json"},
        },
    }


def _trait(key: str) -> dict[str, Any]:
    kafka = {"key": {"type": "string", "description": key}, "bindingVersion": "0.5.0"}
    return {"bindings": {"kafka": kafka}}


def _operations(parsed: Template) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for topic, senders in SENDERS.items():
        for system, function in senders:
            found[f"{function}-sends-{topic}"] = _operation("send", topic, system, function)
    for mapping in parsed.kafka:
        table = parsed.functions[mapping.function].environment["TABLE"]["Ref"]
        operation = _operation("receive", mapping.topic, SYSTEM_OF_TABLE[table], mapping.function)
        operation["bindings"] = {
            "kafka": {"groupId": {"type": "string", "const": mapping.group}, "bindingVersion": "0.5.0"}
        }
        found[f"{mapping.function}-receives-{mapping.topic}"] = operation
    return found


def _operation(action: str, topic: str, system: str, function: str) -> dict[str, Any]:
    return {
        "action": action,
        "channel": {"$ref": f"#/channels/{topic}"},
        "summary": f"{function} ({system}) {action}s {topic}",
        "tags": [{"name": system}],
    }


def prose(documented: Any) -> str:
    """A docstring as Markdown."""
    return _markdown(inspect.getdoc(documented) or "")


def tidy(node: Any) -> Any:
    """A generated schema with its descriptions (docstrings) as Markdown, the indentation of the source gone."""
    if isinstance(node, list):
        return [tidy(item) for item in node]
    if not isinstance(node, dict):
        return node
    return {
        key: _markdown(inspect.cleandoc(value)) if key == "description" and isinstance(value, str) else tidy(value)
        for key, value in node.items()
    }


def _markdown(text: str) -> str:
    return text.replace("``", "`")


def version() -> str:
    """The project's version."""
    project: dict[str, Any] = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    return str(project["version"])


def _text(content: Any) -> bytes:
    return json.dumps(content, ensure_ascii=False, indent=2).encode() + b"\n"


def main() -> None:
    """Write docs/api/ anew; documents that are no longer generated go."""
    generated = documents()
    for old in FOLDER.rglob("*.json"):
        if old.relative_to(FOLDER) not in generated:
            old.unlink()
    for path, content in generated.items():
        (FOLDER / path).parent.mkdir(parents=True, exist_ok=True)
        (FOLDER / path).write_bytes(content)
    print(f"{len(generated)} documents in {FOLDER.relative_to(REPOSITORY)}/")


if __name__ == "__main__":
    main()
