"""The template as it is deployed here: what the local endpoint can create of it. Pure functions of the document."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from local import package, tables
from local import template as templates

_DOOR_AND_ALARMS = ("AWS::Serverless::HttpApi", "AWS::ApiGatewayV2::", "AWS::CloudWatch::")
_NOT_DATA = ("AWS::Serverless::", "AWS::IAM::", "AWS::Lambda::", *_DOOR_AND_ALARMS)


def reduced(document: Mapping[str, Any]) -> dict[str, Any]:
    """The template without functions, API, layers and roles, and without whatever needs one of them."""
    return _without(document, _NOT_DATA)


def with_functions(
    document: Mapping[str, Any], *, code: Mapping[str, str], variables: Mapping[str, str]
) -> dict[str, Any]:
    """The template with its functions and layers, but without what triggers them.

    Events are left out because the gateway and the runner of the stack are the triggers here: emulators accept a Kafka
    mapping and never poll it, create no routes from an HTTP API's events, and have stream pollers and schedules of
    their own, which read answers otherwise than Lambda does and would trigger every function a second time.

    `code` is the `s3://` address of each function's or layer's zip by logical id. `variables` replaces environment
    variables that functions declare; none is added.
    """
    resources: dict[str, Any] = {}
    for name, resource in document.get("Resources", {}).items():
        properties = dict(resource.get("Properties", {}))
        if resource["Type"] == package.LAYER:
            resource = {"Type": package.LAYER, "Properties": {**properties, "ContentUri": code[name]}}
        elif resource["Type"] == templates.FUNCTION:
            properties = {**_with_variables(properties, variables), "CodeUri": code[name]}
            properties.pop("Events", None)
            resource = {"Type": templates.FUNCTION, "Properties": properties}
        resources[name] = resource
    defaults = _with_variables(document.get("Globals", {}).get("Function", {}), variables)
    return {
        **_without({**document, "Resources": resources}, _DOOR_AND_ALARMS),
        "Transform": document["Transform"],
        "Globals": {"Function": defaults},
        "Parameters": document.get("Parameters", {}),
    }


def _with_variables(properties: Mapping[str, Any], variables: Mapping[str, str]) -> dict[str, Any]:
    """A function's properties, with other values for those of its environment variables that are named."""
    declared: Mapping[str, Any] = properties.get("Environment", {}).get("Variables", {})
    if not declared:
        return dict(properties)
    replaced = {name: variables.get(name, value) for name, value in declared.items()}
    return {**properties, "Environment": {"Variables": replaced}}


def without_tables(
    document: Mapping[str, Any], references: Mapping[str, str], attributes: Mapping[str, Mapping[str, str]]
) -> dict[str, Any]:
    """The template without its tables, which live elsewhere: their names and attributes stand where they were referred to."""

    def value(node: Any) -> Any:
        if isinstance(node, list):
            return [value(item) for item in node]
        if not isinstance(node, Mapping):
            return node
        if node.get("Ref") in references:
            return references[node["Ref"]]
        name, attribute = node.get("Fn::GetAtt", ("", ""))
        if name in attributes:
            return attributes[name][attribute]
        if isinstance(node.get("Fn::Sub"), str):
            return {"Fn::Sub": text(node["Fn::Sub"])}
        return {key: value(item) for key, item in node.items()}

    def text(template: str) -> str:
        for name, reference in references.items():
            template = template.replace(f"${{{name}}}", reference)
            for attribute, known in attributes[name].items():
                template = template.replace(f"${{{name}.{attribute}}}", known)
        return template

    kept = {name: one for name, one in document.get("Resources", {}).items() if one["Type"] != tables.KIND}
    return {**document, "Resources": value(kept)}


def _without(document: Mapping[str, Any], left_out: tuple[str, ...]) -> dict[str, Any]:
    """The template without resources of some types, and without whatever refers to one of them."""
    declared: Mapping[str, Any] = document.get("Resources", {})
    kept = {name: resource for name, resource in declared.items() if not resource["Type"].startswith(left_out)}
    while True:
        broken = {
            name
            for name, resource in kept.items()
            if any(target in declared and target not in kept for target in _mentions(resource))
        }
        if not broken:
            break
        kept = {name: resource for name, resource in kept.items() if name not in broken}
    used = {mention for resource in kept.values() for mention in _mentions(resource)}
    result: dict[str, Any] = {"AWSTemplateFormatVersion": "2010-09-09", "Resources": kept}
    parameters = {name: value for name, value in document.get("Parameters", {}).items() if name in used}
    if parameters:
        result["Parameters"] = parameters
    if document.get("Conditions"):
        result["Conditions"] = document["Conditions"]
        result["Parameters"] = document.get("Parameters", {})
    return result


def _mentions(node: Any) -> Iterator[str]:
    """Every logical id a piece of a template refers to."""
    if isinstance(node, list):
        for item in node:
            yield from _mentions(item)
    elif isinstance(node, Mapping):
        for key, item in node.items():
            if key in ("Ref", "DependsOn") and isinstance(item, str):
                yield item
            elif key == "DependsOn":
                yield from item
            elif key == "Fn::GetAtt":
                yield item[0] if isinstance(item, list) else item.split(".", 1)[0]
            elif key == "Fn::Sub":
                text = item[0] if isinstance(item, list) else item
                yield from (part.split("}", 1)[0].split(".", 1)[0] for part in text.split("${")[1:])
                yield from _mentions(item[1:] if isinstance(item, list) else [])
            else:
                yield from _mentions(item)
