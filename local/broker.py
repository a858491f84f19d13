"""The embedded Kafka broker: librdkafka's mock cluster, in a process of its own.

It speaks the real wire protocol and needs no Java, but it is a test double, and these are its limits:

- everything is in memory: a stop loses all messages, all committed offsets and all groups;
- a partition keeps at most 5 MB (and 100,000 batches): older messages are dropped, read or not;
- it does not wake a waiting fetch, so a hop costs up to the consumer's longest fetch wait;
- joining a consumer group takes about 3 s; there are no ACLs, quotas or transactions worth the name.

For a durable broker set KAFKA_BOOTSTRAP_SERVERS to a real cluster; nothing here is started then.

The mock cluster picks a port at random and cannot be told one. A client that outlives a broker needs the same
address afterwards, so a socket of ours, listening on the wanted port, takes the place of the mock's own
(`dup2` onto its file descriptor): its accept loop then serves our port, with nothing in between.
"""

from __future__ import annotations

import ctypes
import importlib.util
import os
import socket
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from local import processes

BROKER_ID = 1
_PRODUCER = 0


class BrokerError(Exception):
    """The embedded broker cannot run here; the message says why."""


def _library() -> ctypes.CDLL:
    """librdkafka as the confluent-kafka wheel ships it, without importing the wheel."""
    spec = importlib.util.find_spec("confluent_kafka")
    if spec is None or spec.origin is None:
        raise BrokerError("confluent-kafka is not installed: run `make setup`")
    package = Path(spec.origin).parent
    places = (package.parent / "confluent_kafka.libs", package / ".dylibs")
    found = [file for place in places if place.is_dir() for file in sorted(place.glob("librdkafka*"))]
    if not found:
        raise BrokerError(f"no librdkafka beside {package}: run `make clean setup`, or set KAFKA_BOOTSTRAP_SERVERS")
    library = ctypes.CDLL(str(found[0]))
    pointer, text, number = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int
    signatures: dict[str, tuple[object, list[object]]] = {
        "rd_kafka_conf_new": (pointer, []),
        "rd_kafka_conf_set": (number, [pointer, text, text, text, ctypes.c_size_t]),
        "rd_kafka_new": (pointer, [number, pointer, text, ctypes.c_size_t]),
        "rd_kafka_mock_cluster_new": (pointer, [pointer, number]),
        "rd_kafka_mock_cluster_bootstraps": (text, [pointer]),
        "rd_kafka_mock_topic_create": (number, [pointer, text, number, number]),
        "rd_kafka_mock_broker_set_host_port": (number, [pointer, ctypes.c_int32, text, number]),
        "rd_kafka_mock_group_initial_rebalance_delay_ms": (None, [pointer, ctypes.c_int32]),
    }
    for name, (result, arguments) in signatures.items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    return library


def _listening_descriptor(port: int) -> int:
    """The file descriptor of this process that listens on a port of 127.0.0.1."""
    for name in os.listdir("/dev/fd"):
        try:
            duplicate = socket.socket(fileno=os.dup(int(name)))
        except OSError:
            continue  # not a socket, or the descriptor of the listing itself
        with duplicate:
            if duplicate.family == socket.AF_INET and duplicate.getsockname()[1] == port:
                return int(name)
    raise BrokerError("the mock cluster's listening socket is not where it should be: another librdkafka version?")


def start(*, port: int, topics: Sequence[str], partitions: int) -> None:
    """Start a mock cluster of one broker at 127.0.0.1:`port` in this process; it runs on threads of its own.

    Raises OSError when the port is taken, BrokerError when librdkafka is missing or refuses.
    """
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    listener.listen(128)

    library = _library()
    reason = ctypes.create_string_buffer(512)
    settings = library.rd_kafka_conf_new()
    # The client is only a carrier for the mock cluster; it would warn that it has no servers of its own.
    library.rd_kafka_conf_set(settings, b"log_level", b"3", reason, len(reason))
    client = library.rd_kafka_new(_PRODUCER, settings, reason, len(reason))
    if not client:
        raise BrokerError(f"librdkafka: {reason.value.decode()}")
    cluster = library.rd_kafka_mock_cluster_new(client, 1)
    own_port = int(library.rd_kafka_mock_cluster_bootstraps(cluster).decode().rsplit(":", 1)[1])
    os.dup2(listener.fileno(), _listening_descriptor(own_port))
    listener.close()

    library.rd_kafka_mock_group_initial_rebalance_delay_ms(cluster, 200)
    results = [library.rd_kafka_mock_broker_set_host_port(cluster, BROKER_ID, b"127.0.0.1", port)]
    results += [library.rd_kafka_mock_topic_create(cluster, topic.encode(), partitions, 1) for topic in topics]
    if any(results):
        raise BrokerError(f"the mock cluster refused its set-up: codes {results}")


@click.command()
@click.option("--port", type=int, required=True)
@click.option("--partitions", type=int, default=4)
@click.argument("topics", nargs=-1)
def main(port: int, partitions: int, topics: tuple[str, ...]) -> None:
    """Run the embedded broker until the parent stops it or is gone."""
    processes.end_with_parent()
    processes.block_stop_signals()
    try:
        start(port=port, topics=topics, partitions=partitions)
    except (OSError, BrokerError) as error:
        sys.exit(f"broker: {error}")
    print(f"broker: listening on 127.0.0.1:{port}", flush=True)
    processes.wait_for_stop()


if __name__ == "__main__":
    main()
