"""The pattern language of FilterCriteria: a row for each operator Lambda documents, and what is refused by name."""

import json

import pytest

from local import event_pattern
from local.event_pattern import PatternError

PENDING = {"eventName": ["INSERT", "MODIFY"], "dynamodb": {"NewImage": {"pending": {"N": [{"exists": True}]}}}}
HERE_OR_MONDAY = {"Kind": ["a"], "$or": [{"Place": ["here"]}, {"Day": ["Monday"], "Hour": [{"numeric": ["<", 12]}]}]}


def matches(pattern, record):
    """Through JSON text, as patterns and records come."""
    return event_pattern.matches(event_pattern.parse(json.dumps(pattern)), event_pattern.decode(json.dumps(record)))


@pytest.mark.parametrize(
    ("pattern", "record", "expected"),
    [
        # Equals: any of the listed values, of the same JSON type
        ({"Name": ["Alice"]}, {"Name": "Alice"}, True),
        ({"Name": ["Alice"]}, {"Name": "alice"}, False),
        ({"Name": ["Alice", "Bob"]}, {"Name": "Bob"}, True),
        ({"Name": ["Alice"]}, {"Other": "Alice"}, False),
        ({"Flag": [True]}, {"Flag": True}, True),
        ({"Flag": [True]}, {"Flag": 1}, False),
        ({"Number": ["1"]}, {"Number": 1}, False),
        ({"Number": [300]}, {"Number": 300}, True),
        # Null and empty
        ({"Name": [None]}, {"Name": None}, True),
        ({"Name": [None]}, {}, False),
        ({"Name": [None]}, {"Name": ""}, False),
        ({"Name": [""]}, {"Name": ""}, True),
        ({"Name": [""]}, {"Name": None}, False),
        # And
        ({"Place": ["x"], "Day": ["Monday"]}, {"Place": "x", "Day": "Monday", "Else": 1}, True),
        ({"Place": ["x"], "Day": ["Monday"]}, {"Place": "x", "Day": "Friday"}, False),
        # Or of several fields
        (HERE_OR_MONDAY, {"Kind": "a", "Place": "here"}, True),
        (HERE_OR_MONDAY, {"Kind": "a", "Day": "Monday", "Hour": 9}, True),
        (HERE_OR_MONDAY, {"Kind": "a", "Day": "Monday", "Hour": 13}, False),
        (HERE_OR_MONDAY, {"Kind": "b", "Place": "here"}, False),
        # Anything but
        ({"Sky": [{"anything-but": ["rain", "snow"]}]}, {"Sky": "sun"}, True),
        ({"Sky": [{"anything-but": ["rain", "snow"]}]}, {"Sky": "snow"}, False),
        ({"Sky": [{"anything-but": "rain"}]}, {"Sky": "rain"}, False),
        ({"Sky": [{"anything-but": ["rain"]}]}, {}, False),
        ({"Sky": [{"anything-but": ["rain"]}]}, {"Sky": None}, True),
        ({"Limit": [{"anything-but": [100, 200]}]}, {"Limit": 300}, True),
        ({"Limit": [{"anything-but": 100}]}, {"Limit": 100}, False),
        ({"State": [{"anything-but": {"prefix": "init"}}]}, {"State": "initialising"}, False),
        ({"State": [{"anything-but": {"prefix": ["init", "stop"]}}]}, {"State": "stopped"}, False),
        ({"State": [{"anything-but": {"prefix": ["init", "stop"]}}]}, {"State": "running"}, True),
        ({"File": [{"anything-but": {"suffix": [".png", ".gif"]}}]}, {"File": "a.gif"}, False),
        ({"File": [{"anything-but": {"suffix": ".png"}}]}, {"File": "a.gif"}, True),
        ({"State": [{"anything-but": {"equals-ignore-case": ["init"]}}]}, {"State": "INIT"}, False),
        # Begins with, ends with, equals ignoring case
        ({"Region": [{"prefix": "us-"}]}, {"Region": "us-east-1"}, True),
        ({"Region": [{"prefix": "us-"}]}, {"Region": "eu-us-1"}, False),
        ({"Region": [{"prefix": "1"}]}, {"Region": 12}, False),
        ({"Region": [{"prefix": {"equals-ignore-case": "US-"}}]}, {"Region": "us-east-1"}, True),
        ({"File": [{"suffix": ".png"}]}, {"File": "a.png"}, True),
        ({"File": [{"suffix": {"equals-ignore-case": ".PNG"}}]}, {"File": "a.png"}, True),
        ({"Name": [{"equals-ignore-case": "alice"}]}, {"Name": "ALICE"}, True),
        ({"Name": [{"equals-ignore-case": "alice"}]}, {"Name": "alicea"}, False),
        # Numeric
        ({"Price": [{"numeric": ["=", 100]}]}, {"Price": 100}, True),
        ({"Price": [{"numeric": ["=", 100]}]}, {"Price": 100.0}, True),
        ({"Price": [{"numeric": ["=", 100]}]}, {"Price": "100"}, False),
        ({"Price": [{"numeric": [">", 10, "<=", 20]}]}, {"Price": 10}, False),
        ({"Price": [{"numeric": [">", 10, "<=", 20]}]}, {"Price": 10.5}, True),
        ({"Price": [{"numeric": [">", 10, "<=", 20]}]}, {"Price": 20}, True),
        ({"Price": [{"numeric": [">=", 0]}]}, {"Price": -1}, False),
        ({"Price": [{"numeric": ["<", 0]}, {"numeric": [">", 9]}]}, {"Price": 10}, True),
        ({"Flag": [{"numeric": ["=", 1]}]}, {"Flag": True}, False),
        # Exists looks at leaves
        ({"Name": [{"exists": True}]}, {"Name": None}, True),
        ({"Name": [{"exists": True}]}, {}, False),
        ({"Name": [{"exists": False}]}, {}, True),
        ({"Name": [{"exists": False}]}, {"Name": "x"}, False),
        ({"Name": [{"exists": True}]}, {"Name": {"First": "x"}}, False),
        ({"Name": {"First": [{"exists": False}]}}, {}, True),
        ({"Name": [{"exists": False}, "x"]}, {"Name": "x"}, True),
        # Nested, and lists
        ({"a": {"b": {"c": [1]}}}, {"a": {"b": {"c": 1}}}, True),
        ({"a": {"b": {"c": [1]}}}, {"a": {"b": 1}}, False),
        ({"Tags": ["x"]}, {"Tags": ["y", "x"]}, True),
        ({"Tags": ["x"]}, {"Tags": []}, False),
        ({"Lines": {"sku": ["a"], "n": [2]}}, {"Lines": [{"sku": "a", "n": 1}, {"sku": "b", "n": 2}]}, False),
        ({"Lines": {"sku": ["a"], "n": [2]}}, {"Lines": [{"sku": "b", "n": 1}, {"sku": "a", "n": 2}]}, True),
        # A DynamoDB stream's
        (PENDING, {"eventName": "INSERT", "dynamodb": {"NewImage": {"pending": {"N": "1"}}}}, True),
        (PENDING, {"eventName": "INSERT", "dynamodb": {"NewImage": {"pending": {"S": "1"}}}}, False),
        (PENDING, {"eventName": "REMOVE", "dynamodb": {"OldImage": {}}}, False),
    ],
)
def test_what_a_pattern_matches(pattern, record, expected):
    assert matches(pattern, record) is expected


@pytest.mark.parametrize("written", ["300.0", "3.0e2"])
def test_a_number_is_compared_as_it_is_written(written):
    pattern = event_pattern.parse('{"n": [300]}')
    assert event_pattern.matches(pattern, event_pattern.decode('{"n": 300}'))
    assert not event_pattern.matches(pattern, event_pattern.decode(f'{{"n": {written}}}'))


@pytest.mark.parametrize(
    ("pattern", "named"),
    [
        ({"a": {"b": [{"wildcard": "x*"}]}}, r"a\.b: wildcard not served"),
        ({"a": [{"cidr": "10.0.0.0/8"}]}, r"a: cidr not served"),
        ({"a": [{"anything-but": {"wildcard": "x*"}}]}, r"a\.anything-but: wildcard not served"),
        ({"a": []}, r"a: expected a non-empty list"),
        ({"a": "x"}, r"a: expected a non-empty list"),
        ({}, "at least one field"),
        ([], "at least one field"),
        ({"a": [["x"]]}, "a list inside"),
        ({"a": [{}]}, "an empty object"),
        ({"a": [{"exists": "yes"}]}, r"a\.exists: expected true or false"),
        ({"a": [{"prefix": 1}]}, r"a\.prefix: expected text"),
        ({"a": [{"anything-but": ["x", 1]}]}, r"a\.anything-but: expected texts only or numbers only"),
        ({"a": [{"anything-but": []}]}, r"a\.anything-but"),
        ({"a": [{"numeric": [">", "1"]}]}, r"a\.numeric: expected"),
        ({"a": [{"numeric": ["<", 1, ">", 2]}]}, r"a\.numeric: expected"),
        ({"a": [{"numeric": [">", 2, "<", 1]}]}, r"a\.numeric: the lower bound"),
        ({"a": [{"numeric": ["=", 6_000_000_000]}]}, r"a\.numeric: numbers lie between"),
        ({"$or": [{"a": [1]}]}, r"\$or: expected a list of at least two"),
        ({"$or": [{"a": [1]}, {"prefix": ["x"]}]}, r"\$or\[1\]: names a field"),
    ],
)
def test_a_pattern_lambda_has_not_is_refused_by_name(pattern, named):
    with pytest.raises(PatternError, match=named):
        event_pattern.parse(json.dumps(pattern))


@pytest.mark.parametrize("text", ["", "{", '{"a": [NaN]}', None, {"a": [1]}, '{"a": ["' + "x" * 4096 + '"]}'])
def test_a_pattern_is_json_text_of_limited_length(text):
    with pytest.raises(PatternError, match="Pattern"):
        event_pattern.parse(text)
