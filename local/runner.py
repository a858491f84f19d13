"""The process that triggers: every Kafka source, stream source and schedule of the template, each on a thread."""

from __future__ import annotations

import json
import logging
import sys
import threading
from pathlib import Path
from typing import Any

from liangwang.aws import SignedAws

from local import config as configuration
from local import deploy, functions, mappings, processes, template
from local.config import Config
from local.destinations import failure_sender
from local.intrinsics import Resolver
from local.kafka_client import KafkaCluster
from local.kafka_source import KafkaSource
from local.scheduler import Schedule
from local.source import stop_all, write_report
from local.stream_source import Activity, Checkpoints, StreamSource

log = logging.getLogger("local.runner")

Trigger = KafkaSource | StreamSource | Schedule
_REPORT_SECONDS = 1.0


class Runner:
    """All sources of one template. `report` goes to the state folder, where `status` and the supervisor read it."""

    def __init__(self, config: Config) -> None:
        self._config = config
        parsed = template.load(config.template)
        resolver = deploy.resolver(config, parsed, deploy.load(config))
        triggered = (parsed.kafka, parsed.streams, parsed.schedules)
        needed = {mapping.function for mappings in triggered for mapping in mappings}
        self._functions = functions.ready(config, parsed, resolver, needed)
        self._activity = Activity()
        self._cluster = KafkaCluster(config.bootstrap_servers)
        self.sources: list[Trigger] = [
            *(self._kafka(mapping, resolver) for mapping in parsed.kafka),
            *(self._stream(mapping, resolver) for mapping in parsed.streams),
            *(self._schedule(mapping, resolver) for mapping in parsed.schedules),
        ]
        self._stopped = threading.Event()
        self._reporter = threading.Thread(target=self._report_regularly, name="report", daemon=True)

    def start(self) -> None:
        """All sources at once."""
        for source in self.sources:
            source.start()
        self._reporter.start()

    def stop(self) -> None:
        """Let every source finish its batch. They stop side by side."""
        self._stopped.set()
        stop_all(self.sources)
        self._cluster.close()

    def broker_lost(self) -> None:
        """Tell every Kafka source that the broker died."""
        for source in self.sources:
            if isinstance(source, KafkaSource):
                source.broker_lost()

    def _kafka(self, mapping: mappings.KafkaMapping, resolver: Resolver) -> KafkaSource:
        return KafkaSource(
            mapping,
            self._functions[mapping.function],
            kafka=self._cluster,
            cluster_arn=resolver.value(mapping.cluster_arn),
            sender=failure_sender(
                mapping,
                resolver.value(mapping.destination),
                kafka=self._cluster,
                clients=lambda service: deploy.session(self._config).client(service),
            ),
            reading=self._config.partial_answers,
            region=self._config.region,
        )

    def _stream(self, mapping: mappings.StreamMapping, resolver: Resolver) -> StreamSource:
        config = self._config
        arn: str = resolver.value(mapping.stream_arn)
        queue_arn = resolver.value(mapping.failure_queue_arn)
        keys = config.credentials()
        aws = SignedAws(region=config.region, credentials=lambda: keys, endpoint=config.dynamodb_url, attempts=1)
        return StreamSource(
            mapping,
            self._functions[mapping.function],
            stream_arn=arn,
            aws=aws,
            checkpoints=Checkpoints(config.state / "checkpoints" / f"{mapping.name}.json", stream_arn=arn),
            send_failure=_queue_sender(config, queue_arn) if queue_arn else None,
            activity=self._activity,
            region=config.region,
        )

    def _schedule(self, mapping: template.ScheduleMapping, resolver: Resolver) -> Schedule:
        return Schedule(
            mapping,
            self._functions[mapping.function],
            expression=resolver.value(mapping.expression),
            longest_seconds=self._config.schedule_seconds,
        )

    def _report_regularly(self) -> None:
        # Often until all are ready, so that nobody waits for the report; then at leisure.
        while True:
            ready = self.report()
            if self._stopped.wait(_REPORT_SECONDS if ready else 0.05):
                return

    def report(self) -> bool:
        """Write what each source did last; whether all have their partitions and shards."""
        return write_report(self._config.state / "runner.json", {one.mapping.name: one for one in self.sources})


def _queue_sender(config: Config, queue_arn: str) -> Any:
    """Sends failure notices to an SQS queue; the client is built at the first one, which is rare."""

    def send(notice: dict[str, Any]) -> None:
        queues = deploy.session(config).client("sqs")
        url = queues.get_queue_url(QueueName=queue_arn.rsplit(":", 1)[1])["QueueUrl"]
        queues.send_message(QueueUrl=url, MessageBody=json.dumps(notice))

    return send


def main() -> None:
    """Run the sources of the stack whose state folder is the first argument, until the supervisor says stop."""
    processes.end_with_parent()
    processes.block_stop_signals()  # before any thread exists: threads inherit the mask
    processes.write_log()
    config = configuration.load(Path(sys.argv[1]))
    (config.state / "checkpoints").mkdir(parents=True, exist_ok=True)
    runner = Runner(config)
    runner.start()
    processes.wait_for_stop(on_hangup=runner.broker_lost)
    runner.stop()


if __name__ == "__main__":
    main()
