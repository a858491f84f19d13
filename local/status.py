"""What runs, where, and how far each mapping is; for `python -m local status`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from msgspec import json
from rich.console import Console
from rich.table import Column, Table

from local import processes, template
from local.kafka_client import KafkaCluster
from local.stack import Stack


def collect(stack: Stack) -> dict[str, Any]:
    """Everything `show` prints, as plain data. Raises StartError when nothing runs."""
    described = stack.description()
    parsed = template.load(stack.config.template)
    kafka_mappings = {mapping.name: mapping for mapping in parsed.kafka}
    sources = stack.sources()
    shown = [mapping for name, mapping in kafka_mappings.items() if name in sources]
    for name, lag in KafkaCluster(stack.bootstrap_servers).lags(shown).items():
        sources[name]["lag"] = lag
    for process in described["processes"].values():
        process["running"] = processes.is_running(process["pid"])
    tables = {name: physical for name, physical in stack.resources.items() if name.endswith("Table")}
    return {**described, "sources": sources, "tables": tables}


def reuse(folder: Path) -> tuple[int, int]:
    """How many files and certificates were handed in since the start: (sent for it, there already), as log lines count them."""
    sent = there = 0
    for log in folder.glob("*.log"):
        with log.open("rb") as lines:
            for line in lines:
                if b'"materials_' in line and line.startswith(b"{"):
                    counted = json.decode(line)
                    sent += counted.get("materials_uploaded", 0)
                    there += counted.get("materials_reused", 0)
    return sent, there


def show(stack: Stack, console: Console) -> None:
    """Print the stack's condition as three tables, and how many materials nobody had to send again."""
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
        (
            *(name, source["kind"], source.get("group", ""), source["records"]),
            *("" if source.get("lag") is None else source["lag"], source["last"]),
        )
        for name, source in found["sources"].items()
    ]
    _print(console, ("trigger", "kind", "group", "records", "lag", "last result"), mappings)
    sent, there = reuse(stack.config.log("gateway").parent)
    share = f", {there / (sent + there):.0%} reused" if sent + there else ""
    console.print(f"materials handed in as files or certificates: {sent} sent for it, {there} there already{share}")


def _print(console: Console, titles: tuple[str, ...], rows: list[Any]) -> None:
    table = Table(Column(titles[0], no_wrap=True), *titles[1:])  # names stay whole however narrow the terminal
    for row in rows:
        table.add_row(*(str(cell) for cell in row))
    console.print(table)
