"""One page with everything that alarms look at: the dashboard that infra/alarms.py writes."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any


def looked_at_by(declared: Mapping[str, Any]) -> list[tuple[dict[str, Any], str]]:
    """The metrics of an alarm that ``alarm`` made, each with its statistic."""
    properties = declared["Properties"]
    if "Metrics" in properties:
        stats = [query["MetricStat"] for query in properties["Metrics"] if "MetricStat" in query]
        return [(stat["Metric"], stat["Stat"]) for stat in stats]
    return [(properties, properties.get("Statistic") or properties["ExtendedStatistic"])]


def dashboard(alarms: Mapping[str, Any]) -> dict[str, Any]:
    """One page: a graph a kind of alarm, with everything that the alarms look at."""
    kinds = {
        "Errors": r"FunctionErrors$",
        "Throttles": r"FunctionThrottles$",
        "Duration": r"FunctionSlow$",
        "Kafka lag": r"Lag$",
        "Age of streams": r"Age$",
        "DynamoDB throttles": r"TableThrottles$",
        "Set aside": r"^(StreamFailures|DeadLetters|Anomalies|SetAside)$",
        "Oldest that is due": r"^Oldest(Due|Letter)$",
        "Brokers": r"^(OfflinePartitions|BrokerDisk)$",
        "API": r"^Api",
        "Quotas": r"^(Kms|Concurrency)",
    }
    names: dict[str, Any] = {}
    widgets = []
    for number, (title, pattern) in enumerate(kinds.items()):
        shown = [one for name, alarm in alarms.items() if re.search(pattern, name) for one in looked_at_by(alarm)]
        common = shown[0][1]
        properties = {
            "title": title,
            "region": "${AWS::Region}",
            "period": 60,
            "stat": common,
            "metrics": _abbreviated([_line(metric, statistic, common, names) for metric, statistic in shown]),
        }
        place = {"x": number % 3 * 8, "y": number // 3 * 7, "width": 8, "height": 7}
        widgets.append({"type": "metric", **place, "properties": properties})
    body = json.dumps({"widgets": widgets}, separators=(",", ":"))
    return {
        "Type": "AWS::CloudWatch::Dashboard",
        "Properties": {"DashboardName": {"Ref": "Application"}, "DashboardBody": {"Fn::Sub": [body, names]}},
    }


def _line(looked_at: Mapping[str, Any], statistic: str, common: str, names: dict[str, Any]) -> list[Any]:
    """A metric as a dashboard wants it; imported values get a name for ``Fn::Sub``."""
    line: list[Any] = [looked_at["Namespace"], looked_at["MetricName"]]
    for dimension in looked_at["Dimensions"]:
        value = dimension["Value"]
        if isinstance(value, dict) and "Fn::ImportValue" in value:
            name = value["Fn::ImportValue"]["Fn::Sub"].removeprefix("${Application}-")
            names[name] = value
            value = "${" + name + "}"
        elif isinstance(value, dict):
            value = value.get("Fn::Sub") or "${" + value["Ref"] + "}"
        line += [dimension["Name"], value]
    return line if statistic == common else [*line, {"stat": statistic}]


def _abbreviated(lines: Sequence[list[Any]]) -> list[list[Any]]:
    """Lines that differ in their last value only: "..." repeats all that stands before it in the line above.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html
    """
    found = [list(line) for line in lines]
    for above, line, place in zip(lines, lines[1:], found[1:], strict=False):
        if len(line) == len(above) and line[:-1] == above[:-1]:
            place[:-1] = ["..."]
    return found
