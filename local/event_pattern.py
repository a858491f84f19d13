"""Event patterns: the language of `FilterCriteria`, one implementation for every kind of event source. Pure.

Served are the operators Lambda documents (values, null, empty, prefix, suffix, equals-ignore-case, anything-but,
numeric, exists, `$or`, nested fields) and EventBridge's forms of them inside anything-but, prefix and suffix. What
Lambda has not (wildcard, cidr) is refused by name.
https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventfiltering.html
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

Pattern = Mapping[str, Any]
"""Field name -> nested pattern or list of rules; `$or` -> list of patterns."""

_LONGEST_PATTERN = 4096
_LARGEST_NUMBER = Decimal("5.0e9")
_COMPARISONS: dict[str, Callable[[Decimal, Decimal], bool]] = {
    "=": lambda found, bound: found == bound,
    ">": lambda found, bound: found > bound,
    ">=": lambda found, bound: found >= bound,
    "<": lambda found, bound: found < bound,
    "<=": lambda found, bound: found <= bound,
}
_TEXT_OPERATORS: dict[str, Callable[[str, str], bool]] = {
    "prefix": str.startswith,
    "suffix": str.endswith,
    "equals-ignore-case": lambda found, wanted: found.casefold() == wanted.casefold(),
}
_OPERATORS = (*_TEXT_OPERATORS, "anything-but", "numeric", "exists")


class PatternError(ValueError):
    """A pattern Lambda would refuse, or has not; the message names the field and what is expected."""


def decode(text: str | bytes) -> Any:
    """JSON with numbers as they are written, since 300 and 300.0 are two values to a pattern. Raises ValueError."""
    return json.loads(text, parse_float=Decimal, parse_constant=_no_constant)


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def parse(text: Any) -> Pattern:
    """A filter's `Pattern`, checked. Raises PatternError."""
    if not isinstance(text, str) or not 0 < len(text) <= _LONGEST_PATTERN:
        raise PatternError(f"Pattern: expected JSON text of at most {_LONGEST_PATTERN} characters")
    try:
        pattern = decode(text)
    except ValueError as error:
        raise PatternError(f"Pattern: not JSON ({error})") from None
    _check(pattern, "Pattern")
    assert isinstance(pattern, Mapping)
    return pattern


def _check(pattern: Any, place: str) -> None:
    if not isinstance(pattern, Mapping) or not pattern:
        raise PatternError(f"{place}: expected an object with at least one field")
    for name, rule in pattern.items():
        here = f"{place}.{name}"
        if name == "$or":
            if not isinstance(rule, list) or len(rule) < 2:
                raise PatternError(f"{here}: expected a list of at least two patterns")
            for number, branch in enumerate(rule):
                if isinstance(branch, Mapping) and any(key in _OPERATORS for key in branch):
                    raise PatternError(f"{here}[{number}]: names a field, not an operator")
                _check(branch, f"{here}[{number}]")
        elif isinstance(rule, Mapping):
            _check(rule, here)
        elif isinstance(rule, list) and rule:
            for choice in rule:
                _check_choice(choice, here)
        else:
            raise PatternError(f"{here}: expected a non-empty list of values")


def _check_choice(choice: Any, place: str) -> None:
    if isinstance(choice, list):
        raise PatternError(f"{place}: a list inside the list of values")
    if not isinstance(choice, Mapping):
        return
    if len(choice) != 1 or next(iter(choice)) not in _OPERATORS:
        raise PatternError(
            f"{place}: {', '.join(choice) or 'an empty object'} not served; served: {', '.join(_OPERATORS)}"
        )
    operator, argument = next(iter(choice.items()))
    here = f"{place}.{operator}"
    if operator == "exists":
        if not isinstance(argument, bool):
            raise PatternError(f"{here}: expected true or false")
    elif operator == "numeric":
        _check_numeric(argument, here)
    elif operator == "anything-but":
        _check_anything_but(argument, here)
    else:
        _check_text(operator, argument, here)


def _check_text(operator: str, argument: Any, place: str) -> None:
    if operator != "equals-ignore-case" and isinstance(argument, Mapping):
        if list(argument) != ["equals-ignore-case"]:
            raise PatternError(f"{place}: {', '.join(argument)} not served; expected text or equals-ignore-case")
        argument = argument["equals-ignore-case"]
    if not isinstance(argument, str):
        raise PatternError(f"{place}: expected text, found {argument!r}")


def _check_anything_but(argument: Any, place: str) -> None:
    if isinstance(argument, Mapping):
        if len(argument) != 1 or next(iter(argument)) not in _TEXT_OPERATORS:
            raise PatternError(f"{place}: {', '.join(argument)} not served; served: {', '.join(_TEXT_OPERATORS)}")
        values = _listed(next(iter(argument.values())))
        if not values or not all(isinstance(value, str) for value in values):
            raise PatternError(f"{place}: expected text or a list of texts")
        return
    values = _listed(argument)
    if not values or not (all(isinstance(value, str) for value in values) or all(map(_is_number, values))):
        raise PatternError(f"{place}: expected texts only or numbers only, found {argument!r}")


def _check_numeric(argument: Any, place: str) -> None:
    expected = f'{place}: expected ["=", number], or one or both of [">" or ">=", number] and ["<" or "<=", number]'
    if not isinstance(argument, list) or len(argument) not in (2, 4):
        raise PatternError(expected)
    operators, bounds = argument[::2], argument[1::2]
    if not all(_is_number(bound) for bound in bounds):
        raise PatternError(expected)
    if any(abs(bound) > _LARGEST_NUMBER for bound in bounds):
        raise PatternError(f"{place}: numbers lie between -5.0e9 and 5.0e9")
    one = len(operators) == 1 and operators[0] in _COMPARISONS
    two = len(operators) == 2 and operators[0] in (">", ">=") and operators[1] in ("<", "<=")
    if not one and not two:
        raise PatternError(expected)
    if two and bounds[0] >= bounds[1]:
        raise PatternError(f"{place}: the lower bound lies below the upper one")


def matches(pattern: Pattern, record: Any) -> bool:
    """Whether a record satisfies a checked pattern: every field it names has one of the values listed for it.

    In a list any element counts; in a list of objects the fields of a nested pattern must meet in one of them.
    """
    if isinstance(record, list):
        objects: list[Any] = [element for element in record if isinstance(element, Mapping)]
        return any(matches(pattern, element) for element in objects or [_ABSENT])
    for name, rule in pattern.items():
        if name == "$or":
            if not any(matches(branch, record) for branch in rule):
                return False
            continue
        found = record.get(name, _ABSENT) if isinstance(record, Mapping) else _ABSENT
        if isinstance(rule, Mapping):
            if not matches(rule, found):
                return False
        elif not _field_matches(rule, found):
            return False
    return True


_ABSENT: Any = object()


def _field_matches(rules: Sequence[Any], found: Any) -> bool:
    values = list(_leaves(found))
    for rule in rules:
        # `exists` looks at leaves: an object in that place is not one, on AWS either.
        if isinstance(rule, Mapping) and "exists" in rule:
            if rule["exists"] == bool(values):
                return True
        elif any(_choice(rule, value) for value in values):
            return True
    return False


def _leaves(found: Any) -> Iterator[Any]:
    if isinstance(found, list):
        for element in found:
            yield from _leaves(element)
    elif found is not _ABSENT and not isinstance(found, Mapping):
        yield found


def _choice(rule: Any, value: Any) -> bool:
    if not isinstance(rule, Mapping):
        return _same(rule, value)
    operator, argument = next(iter(rule.items()))
    if operator == "numeric":
        if not _is_number(value):
            return False
        exact = Decimal(str(value))
        pairs = zip(argument[::2], argument[1::2], strict=True)
        return all(_COMPARISONS[sign](exact, Decimal(str(bound))) for sign, bound in pairs)
    if operator == "anything-but":
        return not _excluded(argument, value)
    return isinstance(value, str) and _text_matches(operator, argument, value)


def _excluded(argument: Any, value: Any) -> bool:
    if isinstance(argument, Mapping):
        operator, texts = next(iter(argument.items()))
        return isinstance(value, str) and any(_text_matches(operator, text, value) for text in _listed(texts))
    return any(_same(unwanted, value) for unwanted in _listed(argument))


def _text_matches(operator: str, argument: Any, value: str) -> bool:
    if isinstance(argument, Mapping):
        return _TEXT_OPERATORS[operator](value.casefold(), argument["equals-ignore-case"].casefold())
    return _TEXT_OPERATORS[operator](value, argument)


def _same(wanted: Any, value: Any) -> bool:
    if _is_number(wanted) and _is_number(value):
        return str(wanted) == str(value)  # Lambda compares numbers as they are written
    return type(wanted) is type(value) and bool(wanted == value)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float, Decimal)) and not isinstance(value, bool)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
