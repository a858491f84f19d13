"""A YAML file as plain JSON values, together with the line that each value stands on.

Only what JSON also has is read: text, numbers, ``true``/``false``, ``null``, lists and maps with text keys. YAML 1.1 would
take ``no`` for false, ``12:30`` for 750 and ``2025-01-01`` for a date object; here they stay the text that was written.
"""

import re
from typing import Any, ClassVar

import yaml

Path = tuple[str | int, ...]
"""The way to a value: keys and list positions, e.g. ``("materials", 0, "code")``."""


class BrokenYaml(Exception):
    """The file is not the YAML that is read here. ``line`` counts from 1."""

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(f"{line}: {reason}")
        self.line = line
        self.reason = reason


_Base: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml is missing on some builds

_INT, _FLOAT, _BOOL, _NULL, _TEXT = (f"tag:yaml.org,2002:{name}" for name in ("int", "float", "bool", "null", "str"))


class _Loader(_Base):  # type: ignore[valid-type,misc]
    """Resolves plain scalars as YAML 1.2 JSON values and nothing else."""

    yaml_implicit_resolvers: ClassVar[dict[str, list[tuple[str, re.Pattern[str]]]]] = {}


for _tag, _pattern, _first in (
    (_BOOL, r"^(?:true|false)$", "tf"),
    (_NULL, r"^(?:null|~|)$", ["n", "~", ""]),
    (_INT, r"^-?(?:0|[1-9][0-9]*)$", "-0123456789"),
    (_FLOAT, r"^-?(?:0|[1-9][0-9]*)\.[0-9]+$", "-0123456789"),
):
    _Loader.add_implicit_resolver(_tag, re.compile(_pattern), list(_first))


def _scalar(node: yaml.Node) -> Any:
    if node.tag == _TEXT:
        return node.value
    if node.tag == _INT:
        return int(node.value)
    if node.tag == _FLOAT:
        return float(node.value)
    if node.tag == _BOOL:
        return node.value == "true"
    if node.tag == _NULL:
        return None
    raise BrokenYaml(_line(node), f"the tag {node.tag} is not read here; write plain text, numbers, lists and maps")


def _mapping(node: yaml.MappingNode) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for key, value in node.value:
        if not isinstance(key, yaml.ScalarNode):
            raise BrokenYaml(_line(key), "a key must be text")
        if key.value in values:  # YAML parsers keep the last one silently
            raise BrokenYaml(_line(key), f"the key {key.value!r} stands here a second time")
        values[key.value] = _plain(value)
    return values


def _plain(node: yaml.Node) -> Any:
    if isinstance(node, yaml.MappingNode):
        return _mapping(node)
    if isinstance(node, yaml.SequenceNode):
        return [_plain(child) for child in node.value]
    return _scalar(node)


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1


def _compose(text: str) -> yaml.Node:
    loader = _Loader(text)
    try:
        node = loader.get_single_node()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise BrokenYaml(mark.line + 1 if mark else 1, f"not YAML: {error.problem or error.context}") from error
    except yaml.YAMLError as error:
        raise BrokenYaml(1, f"not YAML: {error}") from error
    finally:
        loader.dispose()
    if not isinstance(node, yaml.MappingNode):
        raise BrokenYaml(1, "the file must hold one map of fields")
    return node


class YamlDocument:
    """One file: its ``data``, and ``line(path)`` of anything in it. Raises ``BrokenYaml`` when it cannot be read."""

    def __init__(self, text: str) -> None:
        self._root = _compose(text)
        self.data: dict[str, Any] = _plain(self._root)

    def line(self, path: Path) -> int:
        """The line of the value at ``path`` (of its key in a map), or of the nearest thing around it that exists."""
        node, line = self._root, _line(self._root)
        for part in path:
            found = _child(node, part)
            if found is None:
                break
            node, line = found
        return line


def _child(node: yaml.Node, part: str | int) -> tuple[yaml.Node, int] | None:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value == part:
                return value, _line(key)
    if isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
        return node.value[part], _line(node.value[part])
    return None
