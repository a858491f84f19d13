"""Writes out of template.yaml an alarm for everything that a person must look at, and a page with all that they look at.

infra/alarms.yaml has the topic that all alarms tell, and the alarms on sources, tables and services; infra/function-alarms.yaml
those on each function; infra/dashboard.yaml the page. Each is a stack of its own, so that each fits a call.

    PYTHONPATH=.:layers/core/python .venv/bin/python infra/alarms.py          # writes all files
    PYTHONPATH=.:layers/core/python .venv/bin/python infra/alarms.py --check  # exit code 1 when one is out of step

Every function, Kafka source, stream and table has its own; throttles are the account's. docs/operations.md says what to do
when one rings. Metrics:
https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html (AWS/Lambda)
https://docs.aws.amazon.com/msk/latest/developerguide/consumer-lag.html (AWS/Kafka)
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/metrics-dimensions.html (AWS/DynamoDB)
https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-metrics.html (AWS/ApiGateway)
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html (AWS/SQS)
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch-Quotas-Visualize-Alarms.html (AWS/Usage)
"""

import json
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from infra.dashboard import dashboard
from local import template

ROOT = Path(__file__).resolve().parent.parent
TARGETS = {name: ROOT / "infra" / f"{name}.yaml" for name in ("alarms", "function-alarms", "dashboard")}
INDEXES = ("wake", "holder")
TABLES = {
    "IntakeTable": INDEXES,
    "GovernanceTable": (*INDEXES, "desk"),
    "DepartmentTable": (*INDEXES, "desk"),
    "AuditTable": (),
    "StatisticsTable": (),
    "LimitsTable": (),
}
BROKERS = range(1, 4)
"""The first of each zone; partitions are spread evenly, and so are the disks of the others."""
HEADER = """\
# {what}. Generated from template.yaml by infra/alarms.py; a test keeps both in step.
"""
PARAMETERS = {
    "Application": {"Type": "String", "Description": "Name of the application's stack", "Default": "liangwang"},
    "ClusterName": {"Type": "String", "Description": "Name of the MSK cluster", "Default": "liangwang"},
    "Email": {
        "Type": "String",
        "Description": "Who is told; empty for nobody (subscribe to the topic later)",
        "Default": "",
    },
    "LagMessages": {"Type": "Number", "Description": "Unread messages of a topic that are too many", "Default": 10000},
    "OverdueSeconds": {"Type": "Number", "Description": "How long the sweeps may leave what is due", "Default": 900},
    "UnfetchedSeconds": {
        "Type": "Number",
        "Description": "How long a message may wait for a department's own system to fetch it",
        "Default": 86400,
    },
    "OldestSeconds": {"Type": "Number", "Description": "Age of a stream record that is too old", "Default": 300},
}


OF_FUNCTIONS = {
    "Application": PARAMETERS["Application"],
    "Alarms": {
        "Type": "String",
        "Description": "ARN of the topic to tell: AlarmsTopic of the stack of the other alarms",
    },
}
"""Parameters of the functions' alarms. The topic goes by the name that it has in the other stack, so alarms look alike."""


def metric(namespace: str, name: str, statistic: str, dimensions: Mapping[str, Any]) -> dict[str, Any]:
    """One metric over a minute, as an alarm's ``MetricStat``."""
    listed = [{"Name": key, "Value": value} for key, value in dimensions.items()]
    return {
        "Metric": {"Namespace": namespace, "MetricName": name, "Dimensions": listed},
        "Period": 60,
        "Stat": statistic,
    }


def alarm(
    what: str, stats: Sequence[dict[str, Any]], *, above: Any, minutes: int, expression: str | None = None
) -> dict[str, Any]:
    """Rings when ``expression`` over the metrics m0, m1 … (or the only metric) stays above a value for some minutes."""
    if expression is None:
        (stat,) = stats
        kind = "Statistic" if stat["Stat"].isalpha() else "ExtendedStatistic"
        looked_at = {**stat["Metric"], "Period": stat["Period"], kind: stat["Stat"]}
    else:
        queries = [{"Id": f"m{number}", "MetricStat": one, "ReturnData": False} for number, one in enumerate(stats)]
        looked_at = {"Metrics": [*queries, {"Id": "result", "Expression": expression, "ReturnData": True}]}
    properties = {
        "AlarmDescription": what,
        **looked_at,
        "ComparisonOperator": "GreaterThanThreshold",
        "Threshold": above,
        "EvaluationPeriods": minutes,
        "TreatMissingData": "notBreaching",
        "AlarmActions": [{"Ref": "Alarms"}],
        "OKActions": [{"Ref": "Alarms"}],
    }
    return {"Type": "AWS::CloudWatch::Alarm", "Properties": properties}


def exported(name: str) -> dict[str, Any]:
    """What the application's stack exports under a name."""
    return {"Fn::ImportValue": {"Fn::Sub": "${Application}-" + name}}


def function_name(declared: Mapping[str, Any]) -> dict[str, str]:
    """A function's name, from ``${AWS::StackName}-…`` in its template."""
    name: str = declared["FunctionName"]["Fn::Sub"]
    return {"Fn::Sub": name.replace("AWS::StackName", "Application")}


def of_functions(document: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Errors and time near the timeout, for every function."""
    default = document["Globals"]["Function"]["Timeout"]
    for name, resource in document["Resources"].items():
        if resource["Type"] != template.FUNCTION:
            continue
        timeout = resource["Properties"].get("Timeout", default)
        who = {"FunctionName": function_name(resource["Properties"])}
        label = name.removesuffix("Function")
        yield f"{name}Errors", alarm(f"{label} fails", [metric("AWS/Lambda", "Errors", "Sum", who)], above=0, minutes=3)
        yield (
            f"{name}Slow",
            alarm(
                f"{label} is slow",
                [metric("AWS/Lambda", "Duration", "Maximum", who)],
                above=timeout * 800,
                minutes=3,
            ),
        )


def of_sources(parsed: template.Template) -> Iterator[tuple[str, dict[str, Any]]]:
    """Lag of every Kafka source and age of every stream's oldest record."""
    for source in parsed.kafka:
        where = {"Cluster Name": {"Ref": "ClusterName"}, "Consumer Group": source.group, "Topic": source.topic}
        yield (
            f"{source.function}{source.event}Lag",
            alarm(
                f"{source.function.removesuffix('Function')} lags on {source.topic}",
                [metric("AWS/Kafka", "SumOffsetLag", "Maximum", where)],
                above={"Ref": "LagMessages"},
                minutes=5,
            ),
        )
    # The metric is the function's: of two streams, the one that is further behind.
    for stream in {stream.function: stream for stream in reversed(parsed.streams)}.values():
        who = {"FunctionName": function_name(parsed.document["Resources"][stream.function]["Properties"])}
        yield (
            f"{stream.function}{stream.event}Age",
            alarm(
                f"{stream.function.removesuffix('Function')} lags on a stream, which forgets after 24 h",
                [metric("AWS/Lambda", "IteratorAge", "Maximum", who)],
                above={"Fn::Sub": "${OldestSeconds}000"},
                minutes=3,
            ),
        )


def of_services() -> Iterator[tuple[str, dict[str, Any]]]:
    """Throttled functions, the tables, the queue and topic of what was set aside, the API, and the account's quotas.

    No function has concurrency of its own, so what is throttled is the account: which function it hits is chance.
    """
    throttled = [metric("AWS/Lambda", "Throttles", "Sum", {})]
    yield "FunctionThrottles", alarm("Functions are throttled", throttled, above=0, minutes=3)
    for table, indexes in TABLES.items():
        stats = [
            metric("AWS/DynamoDB", name, "Sum", {"TableName": exported(table), **index})
            for name in ("ReadThrottleEvents", "WriteThrottleEvents")
            for index in ({}, *({"GlobalSecondaryIndexName": name} for name in indexes))
        ]
        total = "+".join(f"FILL(m{number},0)" for number in range(len(stats)))
        yield (
            f"{table}Throttles",
            alarm(f"{table} or an index is throttled", stats, above=0, minutes=3, expression=total),
        )
    queue = {"QueueName": exported("StreamFailures")}
    visible = metric("AWS/SQS", "ApproximateNumberOfMessagesVisible", "Maximum", queue)
    yield (
        "StreamFailures",
        alarm("A stream's batch was given up: messages may be missing", [visible], above=0, minutes=1),
    )
    arrived = metric("liangwang", "DeadLetters", "Sum", {})
    yield "DeadLetters", alarm("A record was set aside on dead-letters", [arrived], above=0, minutes=1)
    found = metric("liangwang", "Anomalies", "Sum", {})
    yield "Anomalies", alarm("An item's past was changed, or cannot be read", [found], above=0, minutes=1)
    left = metric("liangwang", "SetAside", "Sum", {})
    yield "SetAside", alarm("A step that follows in intake gave up a change", [left], above=0, minutes=1)
    waits = metric("liangwang", "OldestDue", "Maximum", {})
    yield (
        "OldestDue",
        alarm(
            "Supervision lags: something is long due",
            [waits],
            above={"Ref": "OverdueSeconds"},
            minutes=5,
        ),
    )
    letter = metric("liangwang", "OldestLetter", "Maximum", {})
    yield (
        "OldestLetter",
        alarm("A department's system does not fetch", [letter], above={"Ref": "UnfetchedSeconds"}, minutes=5),
    )
    yield from _of_brokers()
    api = {"ApiId": exported("ApiId")}
    errors = [metric("AWS/ApiGateway", "5xx", "Sum", api)]
    yield "ApiErrors", alarm("The API answers with 5xx", errors, above=5, minutes=3)
    latency = [metric("AWS/ApiGateway", "Latency", "p95", api)]
    yield "ApiSlow", alarm("The slowest twentieth of API calls takes over 3 s", latency, above=3000, minutes=5)
    yield from _of_quotas()


def _of_brokers() -> Iterator[tuple[str, dict[str, Any]]]:
    """A provisioned cluster's own; MSK Serverless has neither metric, and what is missing does not ring."""
    cluster = {"Cluster Name": {"Ref": "ClusterName"}}
    offline = [metric("AWS/Kafka", "OfflinePartitionsCount", "Maximum", cluster)]
    yield (
        "OfflinePartitions",
        alarm("Partitions without a leader: nothing is read or written there", offline, above=0, minutes=3),
    )
    disks = [
        metric("AWS/Kafka", "KafkaDataLogsDiskUsed", "Maximum", {**cluster, "Broker ID": str(one)}) for one in BROKERS
    ]
    fullest = f"MAX([{', '.join(f'm{number}' for number in range(len(disks)))}])"
    yield "BrokerDisk", alarm("A broker's disk is 80 % full", disks, above=80, minutes=3, expression=fullest)


def _counted(name: str, field: str) -> dict[str, Any]:
    """Counts what functions tell of in a field of their log lines."""
    metric = {"MetricNamespace": "liangwang", "MetricName": name, "MetricValue": f"$.{field}"}
    properties = {
        "LogGroupName": exported("Logs"),
        "FilterPattern": f"{{ $.{field} > 0 }}",
        "MetricTransformations": [metric],
    }
    return {"Type": "AWS::Logs::MetricFilter", "Properties": properties}


def _of_quotas() -> Iterator[tuple[str, dict[str, Any]]]:
    """Eighty per cent of what the account may do in this region."""
    used = {"Service": "KMS", "Type": "API", "Class": "None"}
    kms = {"KmsSealing": "CryptographicOperationsSymmetric", "KmsSigning": "CryptographicOperationsEcc"}
    for name, resource in kms.items():
        calls = metric("AWS/Usage", "CallCount", "Sum", {**used, "Resource": resource})
        share = "m0/60/SERVICE_QUOTA(m0)*100"  # the quota is a second's, the count a minute's
        yield name, alarm(f"80 % of KMS's {resource} quota", [calls], above=80, minutes=1, expression=share)
    running = {"Service": "Lambda", "Type": "Resource", "Resource": "ConcurrentExecutions", "Class": "None"}
    stat = metric("AWS/Usage", "ConcurrentExecutions", "Maximum", running)
    share = "m0/SERVICE_QUOTA(m0)*100"
    yield "Concurrency", alarm("80 % of Lambda's concurrency quota", [stat], above=80, minutes=1, expression=share)


def documents() -> dict[str, dict[str, Any]]:
    """The CloudFormation templates for template.yaml as it is, by the names of ``TARGETS``."""
    parsed = template.load(ROOT / "template.yaml")
    on_functions, alarms = dict(of_functions(parsed.document)), dict([*of_sources(parsed), *of_services()])
    email = {"TopicArn": {"Ref": "Alarms"}, "Protocol": "email", "Endpoint": {"Ref": "Email"}}
    rings = {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": "liangwang: alarms, to one SNS topic",
        "Parameters": PARAMETERS,
        "Conditions": {"WithEmail": {"Fn::Not": [{"Fn::Equals": [{"Ref": "Email"}, ""]}]}},
        "Resources": {
            "Alarms": {"Type": "AWS::SNS::Topic"},
            "Told": {"Type": "AWS::SNS::Subscription", "Condition": "WithEmail", "Properties": email},
            "DeadLettersFilter": _counted("DeadLetters", "dead_letters"),
            "AnomaliesFilter": _counted("Anomalies", "anomalies"),
            "SetAsideFilter": _counted("SetAside", "set_aside"),
            "OldestDueFilter": _counted("OldestDue", "oldest_due"),
            "OldestLetterFilter": _counted("OldestLetter", "oldest_letter"),
            **alarms,
        },
        "Outputs": {"AlarmsTopic": {"Value": {"Ref": "Alarms"}}},
    }
    ring = {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": "liangwang: alarms on each function, to the topic of the others",
        "Parameters": OF_FUNCTIONS,
        "Resources": on_functions,
    }
    shows = {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": "liangwang: a dashboard of what the alarms look at",
        "Parameters": {name: PARAMETERS[name] for name in ("Application", "ClusterName")},
        "Resources": {"Dashboard": dashboard({**on_functions, **alarms})},
    }
    return {"alarms": rings, "function-alarms": ring, "dashboard": shows}


WHAT = {
    "alarms": "What a person must look at",
    "function-alarms": "What a person must look at: each function",
    "dashboard": "One page of what the alarms look at",
}


def render(name: str) -> str:
    """A whole file, a line for each alarm: CloudFormation takes 51,200 bytes without a bucket, so quotes are few."""
    lines = [HEADER.format(what=WHAT[name]).rstrip()]
    for key, value in documents()[name].items():
        if isinstance(value, str):
            lines.append(f"{key}: {json.dumps(value)}")
            continue
        lines.append(f"{key}:")
        lines += [f"  {name}: {_flow(one)}" for name, one in value.items()]
    return "\n".join(lines) + "\n"


def _flow(value: Any) -> str:
    """A value on one line of YAML, without a space after commas and with short references."""
    text: str = yaml.dump(value, Dumper=_Flow, default_flow_style=True, width=sys.maxsize, sort_keys=False)
    short = re.sub(r"\{'Fn::Sub': ('[^']*')\}", r"!Sub \1", re.sub(r"\{Ref: (\w+)\}", r"!Ref \1", text.rstrip()))
    return re.sub(r"('(?:[^']|'')*')|, ", lambda found: found[1] or ",", short)  # texts stay as they are


class _Flow(yaml.SafeDumper):
    """Writes everything out where it stands: CloudFormation knows no aliases."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def main(arguments: list[str]) -> int:
    """Writes the files, or with ``--check`` only says whether they are in step."""
    out_of_step = 0
    for name, target in TARGETS.items():
        text = render(name)
        if arguments != ["--check"]:
            target.write_text(text, encoding="utf-8")
        elif not target.exists() or target.read_text(encoding="utf-8") != text:
            print(f"{target.relative_to(ROOT)} is out of step; run infra/alarms.py", file=sys.stderr)
            out_of_step = 1
    return out_of_step


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
