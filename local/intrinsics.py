"""CloudFormation's intrinsic functions, resolved against parameters and deployed resources."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from local.config import ACCOUNT
from local.mappings import TemplateError


class Resolver:
    """Turns intrinsics into values.

    `references` answers `Ref` (parameters, pseudo parameters, physical ids), `attributes` answers `GetAtt`
    as `{"Table": {"Arn": …}}`, `conditions` are the template's own, evaluated when asked for.
    """

    def __init__(
        self,
        *,
        references: Mapping[str, Any],
        attributes: Mapping[str, Mapping[str, Any]],
        conditions: Mapping[str, Any] | None = None,
    ) -> None:
        self._references = references
        self._attributes = attributes
        self._conditions = conditions or {}

    def value(self, node: Any) -> Any:
        """`node` with every intrinsic replaced. Raises TemplateError for what is unknown."""
        if isinstance(node, list):
            return [self.value(item) for item in node]
        if not isinstance(node, Mapping):
            return node
        if len(node) == 1:
            (key, argument), *_ = node.items()
            if key == "Ref":
                return self._reference(argument)
            if key == "Condition":
                return self.condition(argument)
            if key.startswith("Fn::"):
                return self._function(key[4:], argument)
        return {key: self.value(item) for key, item in node.items()}

    def condition(self, name: str) -> bool:
        """A condition of the template, by name."""
        if name not in self._conditions:
            raise TemplateError(f"no condition {name} in the template")
        return bool(self.value(self._conditions[name]))

    def _reference(self, name: str) -> Any:
        if name not in self._references:
            raise TemplateError(f"!Ref {name}: neither a parameter nor a deployed resource")
        return self._references[name]

    def _attribute(self, name: str, attribute: str) -> Any:
        try:
            return self._attributes[name][attribute]
        except KeyError:
            raise TemplateError(f"!GetAtt {name}.{attribute}: not known locally") from None

    def _function(self, name: str, argument: Any) -> Any:
        if name == "GetAtt":
            return self._attribute(*(argument if isinstance(argument, list) else argument.split(".", 1)))
        if name == "Sub":
            return self._substitute(argument)
        if name == "If":
            condition, yes, no = argument
            return self.value(yes if self.condition(condition) else no)
        if name == "Equals":
            left, right = self.value(argument)
            return str(left) == str(right)
        if name in ("And", "Or"):
            return (all if name == "And" else any)(bool(item) for item in self.value(argument))
        if name == "Not":
            return not self.value(argument)[0]
        if name == "Join":
            separator, parts = argument
            return separator.join(str(part) for part in self.value(parts))
        if name == "Split":
            separator, text = argument
            return str(self.value(text)).split(separator)
        if name == "Select":
            index, items = argument
            return self.value(items)[int(index)]
        raise TemplateError(f"!{name} is not served locally")

    def _substitute(self, argument: Any) -> str:
        text, names = argument if isinstance(argument, list) else (argument, {})

        def replacement(match: re.Match[str]) -> str:
            name = match[1]
            if name.startswith("!"):
                return "${" + name[1:] + "}"
            if name in names:
                return str(self.value(names[name]))
            if "." in name:
                return str(self._attribute(*name.split(".", 1)))
            return str(self._reference(name))

        return re.sub(r"\$\{([^}]+)\}", replacement, text)


def pseudo_parameters(*, region: str, stack_name: str) -> dict[str, str]:
    """What `AWS::…` names mean locally. The partition is the emulator's, not China's, so that ARNs agree."""
    return {
        "AWS::AccountId": ACCOUNT,
        "AWS::Region": region,
        "AWS::Partition": "aws",
        "AWS::URLSuffix": "amazonaws.com",
        "AWS::StackName": stack_name,
        "AWS::NoValue": "",
    }
