"""Ways to write many conditional items, and to read them back: throughput, client CPU, the endpoint's CPU, price.

The items are of 1.2 kB and new. PartiQL's INSERT refuses an item that is there, so every way is conditional. ``price`` is
what AWS bills for it, in write units of a plain PutItem: a transaction costs double.
"""

from __future__ import annotations

import statistics
import time
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from liangwang.aws import AwsJson
from msgspec import Struct
from rich.console import Console
from rich.table import Table

from bench import bare, imports
from bench.cpu import Meter
from local.stack import Stack

TABLE = "bench-writes"
SIZE = 1200


def single(aws: AwsJson, keys: Sequence[str]) -> None:
    """A PutItem each."""
    for key in keys:
        aws.call("dynamodb", "PutItem", bare.put(TABLE, key, size=SIZE))


def transaction(aws: AwsJson, keys: Sequence[str]) -> None:
    """All or nothing."""
    aws.call(
        "dynamodb", "TransactWriteItems", {"TransactItems": [{"Put": bare.put(TABLE, k, size=SIZE)} for k in keys]}
    )


def partiql(aws: AwsJson, keys: Sequence[str]) -> None:
    """Each for itself, with an answer each."""
    text = f"INSERT INTO \"{TABLE}\" VALUE {{'pk': ?, 'version': ?, 'body': ?}}"
    statements = [{"Statement": text, "Parameters": list(bare.item(key, size=SIZE).values())} for key in keys]
    answer = aws.call("dynamodb", "BatchExecuteStatement", {"Statements": statements})
    refused = [one["Error"] for one in answer["Responses"] if "Error" in one]
    if refused:
        raise SystemExit(f"a PartiQL insert was refused, so the figures mean nothing: {refused[0]}")


def read(aws: AwsJson, keys: Sequence[str]) -> None:
    """Strongly consistent."""
    wanted: dict[str, Any] = {TABLE: {"Keys": [{"pk": {"S": key}} for key in keys], "ConsistentRead": True}}
    answer = aws.call("dynamodb", "BatchGetItem", {"RequestItems": wanted})
    if len(answer["Responses"][TABLE]) != len(keys):
        raise SystemExit(f"{len(keys)} items were asked for and {len(answer['Responses'][TABLE])} came")


class Way(Struct, frozen=True):
    """One way: ``act`` on ``at_once`` keys a call."""

    name: str
    act: Callable[[AwsJson, Sequence[str]], None]
    at_once: int
    threads: int
    price: str


WAYS = (
    Way("PutItem, 1 thread", single, 1, 1, "1"),
    Way("PutItem, 8 threads", single, 1, 8, "1"),
    Way("TransactWriteItems of 25", transaction, 25, 1, "2"),
    Way("BatchExecuteStatement of 25 (PartiQL)", partiql, 25, 1, "1"),
    Way("BatchGetItem of 100", read, 100, 1, "a read"),
)


class Figures(Struct, kw_only=True):
    """Medians over the rounds: items a second, CPU milliseconds an item of the client and of DynamoDB."""

    client: str
    way: str
    price: str
    items_per_second: float
    client_cpu_ms: float
    endpoint_cpu_ms: float


def measure(stack: Stack, console: Console, *, items: int = 600, rounds: int = 3) -> list[Figures]:
    """Every way through both clients, in turn, round by round."""
    bare.create(stack.config, TABLE)
    clients = {name: make(stack.config) for name, make in bare.CLIENTS.items()}
    laps: dict[tuple[str, Way], list[tuple[float, float, float]]] = {}
    for number in range(rounds + 1):
        for way in WAYS:
            for name, aws in clients.items():
                lap = _lap(stack, aws, way, items if number else max(items // 5, way.at_once))
                if number:  # the first round is the warm-up
                    laps.setdefault((name, way), []).append(lap)
    found = []
    for (name, way), several in laps.items():
        rate, own, under = (round(statistics.median(column), 3) for column in zip(*several, strict=True))
        figures = Figures(client=name, way=way.name, price=way.price, items_per_second=rate, client_cpu_ms=own, endpoint_cpu_ms=under)  # fmt: skip
        found.append(figures)
    _show(found, console)
    return found


def _lap(stack: Stack, aws: AwsJson, way: Way, items: int) -> tuple[float, float, float]:
    """Items a second, CPU an item here, CPU an item of DynamoDB."""
    prefix = uuid.uuid4().hex
    keys = [f"{prefix}-{number}" for number in range(items)]
    if way.act is read:
        for start in range(0, items, 25):
            transaction(aws, keys[start : start + 25])
    calls = [keys[start : start + way.at_once] for start in range(0, items, way.at_once)]
    # The others of the stack only wait meanwhile, but some wait busily.
    under = {name: one["pid"] for name, one in stack.description()["processes"].items() if name == _endpoint(stack)}
    with ThreadPoolExecutor(way.threads) as pool:
        meter, cpu, began = Meter(under), time.process_time(), time.perf_counter()
        list(pool.map(lambda some: way.act(aws, some), calls))
        seconds, own = time.perf_counter() - began, time.process_time() - cpu
        return items / seconds, own * 1000 / items, sum(meter.ms_each(items).values())


def _endpoint(stack: Stack) -> str:
    return "dynamodb" if stack.config.dynamodb == "local" else "emulator"


def _show(found: Sequence[Figures], console: Console) -> None:
    table = Table("way, items of 1.2 kB", "client", "items/s", "client CPU ms", "endpoint CPU ms", "price")
    for one in found:
        numbers = f"{one.items_per_second:.0f}", f"{one.client_cpu_ms:.2f}", f"{one.endpoint_cpu_ms:.2f}"
        table.add_row(one.way, one.client, *numbers, one.price)
    console.print(table)
    boto, ours = imports.cpu_ms(imports.BOTO3), imports.cpu_ms("import liangwang.aws")
    console.print(f"import and client, CPU: boto3 {boto:.0f} ms, signed {ours:.0f} ms\n")
