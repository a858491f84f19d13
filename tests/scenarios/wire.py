"""The bus of the scenarios: the product's own producer to a real Kafka wire, and one reader of all that arrives."""

import uuid

import confluent_kafka as kafka
from liangwang.producer import Producer

from local.kafka_batch import Cluster, Record

SECONDS = 20


class Wire:
    """Stands where the producer stands; ``arrivals`` are the records that came over the wire, and none is missing.

    What a broker has acknowledged is counted as it is sent: so it is known what has still to arrive, without waiting.
    """

    def __init__(self, address, topics):
        self.cluster = Cluster(arn="arn:aws:kafka:cn-north-1:000000000000:cluster/wire/0", bootstrap_servers=address)
        self._producer = Producer(address, timeout_seconds=SECONDS)
        self._under_way = 0
        self._reader = kafka.Consumer(
            {"bootstrap.servers": address, "group.id": str(uuid.uuid4()), "log_level": 2, "fetch.wait.max.ms": 5}
        )
        known = {name: self._reader.list_topics(name, timeout=SECONDS).topics[name] for name in topics}
        places = [kafka.TopicPartition(name, number) for name, topic in known.items() for number in topic.partitions]
        for place in places:  # another suite may have used the broker before
            place.offset = self._reader.get_watermark_offsets(place, timeout=SECONDS)[1]
        self._reader.assign(places)

    def send(self, messages):
        """See ``Producer.send``."""
        results = self._producer.send(messages)
        self._under_way += results.count(None)
        return results

    def arrivals(self):
        """All that was sent since the last call, each partition in its order."""
        found = []
        while len(found) < self._under_way:
            batch = self._reader.consume(self._under_way - len(found), timeout=SECONDS)
            assert batch, f"{self._under_way - len(found)} acknowledged messages did not arrive in {SECONDS} s"
            found += [_record(message) for message in batch if message.error() is None]
        self._under_way = 0
        return found

    def close(self):
        """Leaves the broker: a client that is kept looks for it when it is gone."""
        self._reader.close()
        del self._producer


def _record(message):
    return Record(
        topic=message.topic(),
        partition=message.partition(),
        offset=message.offset(),
        timestamp=message.timestamp()[1],
        key=message.key(),
        value=message.value(),
        headers=tuple(message.headers() or ()),
    )
