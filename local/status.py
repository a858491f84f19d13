"""What runs, where, and how far each mapping is; for `python -m local status`."""

from __future__ import annotations

from typing import Any

import confluent_kafka as kafka
from rich.console import Console
from rich.table import Table

from local import processes, template
from local.stack import Stack


def lag(mapping: template.KafkaMapping, *, bootstrap_servers: str) -> int | None:
    """Records of a mapping's topic that its group has not committed yet; None when the broker does not say."""
    consumer = kafka.Consumer({"bootstrap.servers": bootstrap_servers, "group.id": mapping.group, "log_level": 2})
    try:
        found = consumer.list_topics(mapping.topic, timeout=3).topics[mapping.topic]
        partitions = [kafka.TopicPartition(mapping.topic, number) for number in found.partitions]
        behind = 0
        for committed in consumer.committed(partitions, timeout=3):
            low, high = consumer.get_watermark_offsets(committed, timeout=3)
            behind += high - max(committed.offset, low)
        return behind
    except kafka.KafkaException:
        return None
    finally:
        consumer.close()


def collect(stack: Stack) -> dict[str, Any]:
    """Everything `show` prints, as plain data. Raises StartError when nothing runs."""
    described = stack.description()
    parsed = template.load(stack.config.template)
    kafka_mappings = {mapping.name: mapping for mapping in parsed.kafka}
    sources = stack.sources()
    for name, source in sources.items():
        if name in kafka_mappings:
            source["lag"] = lag(kafka_mappings[name], bootstrap_servers=stack.bootstrap_servers)
    for process in described["processes"].values():
        process["running"] = processes.is_running(process["pid"])
    tables = {name: physical for name, physical in stack.resources.items() if name.endswith("Table")}
    return {**described, "sources": sources, "tables": tables}


def show(stack: Stack, console: Console) -> None:
    """Print the stack's condition as three tables."""
    found = collect(stack)
    places = f"gateway {found['gateway_url']}   AWS {found['endpoint_url']}   Kafka {found['bootstrap_servers']}"
    console.print(places, soft_wrap=True)  # an address broken in two cannot be copied
    rows = [
        (name, "running" if process["running"] else "down", process["pid"], process["port"] or "", process["restarts"])
        for name, process in found["processes"].items()
    ]
    _print(console, ("process", "state", "pid", "port", "restarts"), rows)
    _print(console, ("table", "name"), list(found["tables"].items()))
    mappings = [
        (name, source["kind"], source["records"], "" if source.get("lag") is None else source["lag"], source["last"])
        for name, source in found["sources"].items()
    ]
    _print(console, ("trigger", "kind", "records", "lag", "last result"), mappings)


def _print(console: Console, titles: tuple[str, ...], rows: list[Any]) -> None:
    table = Table(*titles)
    for row in rows:
        table.add_row(*(str(cell) for cell in row))
    console.print(table)
