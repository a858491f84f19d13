"""How the wire treats what it carries: as it should; everything twice and out of step; or some of it not at all."""

import random


class Plain:
    """Each batch once, in order."""

    name = "as it should"
    patience = ()
    """Minutes after which the schedules come round once more, whenever time passes."""

    is_faithful = True
    """Whether everything arrives: then a scenario goes as it is written."""

    def of_stream(self, records, mapping):
        """The batches of a table's stream that a reader is given."""
        return [records] if records else []

    def of_topic(self, records, mapping):
        """The batches of a topic that a reader is given."""
        return [records] if records else []


class TwiceAndShuffled(Plain):
    """Small batches of any length, cases and partitions in any order, and every batch again after those that follow it.

    What is of one item, or of one partition, keeps its order the first time; the second time it comes late.
    """

    name = "twice and shuffled"

    def __init__(self, seed=1):
        self._chance = random.Random(seed)

    def of_stream(self, records, mapping):
        return self._batches(records, lambda record: record["dynamodb"]["Keys"]["pk"]["S"])

    def of_topic(self, records, mapping):
        return self._batches(records, lambda record: record.partition)

    def _batches(self, records, lane):
        lanes = {}
        for record in records:
            lanes.setdefault(lane(record), []).append(record)
        mixed = list(self._merged(list(lanes.values())))
        batches = []
        while mixed:
            size = self._chance.choice((1, 2, 5, 50))
            batches.append(mixed[:size])
            mixed = mixed[size:]
        late = batches[:]
        self._chance.shuffle(late)
        return [*batches, *late]

    def _merged(self, lanes):
        while lanes:
            lane = self._chance.choice(lanes)
            yield lane.pop(0)
            if not lane:
                lanes.remove(lane)


class Lossy(Plain):
    """One batch in eight never arrives; whoever waits for it asks again, if time is given."""

    name = "some of it lost"
    patience = (6, 20, 30)
    is_faithful = False

    def __init__(self, seed=1):
        self._chance = random.Random(seed)

    def of_stream(self, records, mapping):
        return self._what_arrives([records[at : at + 3] for at in range(0, len(records), 3)])

    def of_topic(self, records, mapping):
        return self._what_arrives([records[at : at + 3] for at in range(0, len(records), 3)])

    def _what_arrives(self, batches):
        return [batch for batch in batches if self._chance.random() > 1 / 8]
