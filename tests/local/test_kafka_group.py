"""Where the members of a group begin to read partitions the group knows nothing of."""

import uuid
from types import SimpleNamespace

import pytest
from kafka import TopicPartition
from kafka.structs import OffsetAndMetadata

from local import kafka_group
from local.kafka_client import KafkaCluster
from local.kafka_source import KafkaSource
from local.mappings import KafkaMapping
from tests.waiting import eventually

from .kafka_broker import broker_for_tests

MAPPING = KafkaMapping(function="F", event="E", topic="t", group="g", starting_position="LATEST")


def place(partition):
    return TopicPartition("t", partition)


class Group:
    """A topic whose partitions hold the offsets 3 to 8, and what a group has committed of it."""

    def __init__(self, partitions=4):
        self.partitions = partitions
        self.committed = {}

    def member(self):
        return Member(self)


class Member:
    """A consumer as far as placing needs one."""

    def __init__(self, group):
        self._group = group
        self.positions = {}

    def partitions_for_topic(self, topic):
        return set(range(self._group.partitions))

    def committed(self, each, metadata=False, timeout_ms=None):
        return self._group.committed.get(each)

    def commit(self, offsets, timeout_ms=None):
        self._group.committed.update(offsets)

    def beginning_offsets(self, places, timeout_ms=None):
        return dict.fromkeys(places, 3)

    def end_offsets(self, places, timeout_ms=None):
        return dict.fromkeys(places, 9)

    def offsets_for_times(self, times, timeout_ms=None):
        return {each: SimpleNamespace(offset=5) if each.partition == 0 else None for each in times}

    def seek(self, each, offset):
        self.positions[each.partition] = offset


def test_a_member_commits_its_own_partitions_and_no_others():
    group = Group()
    kafka_group.place(group.member(), [place(0), place(1)], MAPPING)
    assert {each.partition: committed.offset for each, committed in group.committed.items()} == {0: 9, 1: 9}


def test_members_that_start_together_both_begin_at_the_end():
    group = Group()
    kafka_group.place(group.member(), [place(0), place(1)], MAPPING)
    second = group.member()
    kafka_group.place(second, [place(2), place(3)], MAPPING)
    assert second.positions == {2: 9, 3: 9}


def test_a_partition_that_is_added_later_is_read_from_its_beginning_under_latest():
    group = Group(partitions=2)
    kafka_group.place(group.member(), [place(0), place(1)], MAPPING)
    group.partitions, later = 3, group.member()
    kafka_group.place(later, [place(2)], MAPPING)
    assert later.positions == {2: 3}


def test_an_offset_that_is_no_longer_there_means_the_beginning_under_latest():
    group = Group()
    kafka_group.place(group.member(), [place(number) for number in range(4)], MAPPING)
    later = group.member()
    kafka_group.place(later, [place(1)], MAPPING)
    assert later.positions == {1: 3}


def test_a_group_that_began_otherwise_passes_nothing_over_under_latest():
    group = Group()
    group.committed = {place(0): OffsetAndMetadata(4, "", -1)}
    member = group.member()
    kafka_group.place(member, [place(1)], MAPPING)
    assert member.positions == {1: 3}


@pytest.mark.parametrize(("position", "expected"), [("TRIM_HORIZON", {0: 3, 1: 3}), ("AT_TIMESTAMP", {0: 5, 1: 9})])
def test_the_other_positions_commit_nothing(position, expected):
    group = Group()
    member = group.member()
    settings = {"starting_position": position, "starting_timestamp": 1}
    mapping = KafkaMapping(function="F", event="E", topic="t", group="g", **settings)
    assert kafka_group.place(member, [place(0), place(1)], mapping) == ""
    assert (member.positions, group.committed) == (expected, {})


def test_every_commit_of_a_group_that_began_at_latest_says_how_many_partitions_there_were(tmp_path):
    """Also those of a successor that has nothing to place."""

    class Function:
        name = "F"

        def invoke(self, event):
            return None

    with broker_for_tests(tmp_path) as broker:
        topic, group = broker.topic(), str(uuid.uuid4())
        mapping = KafkaMapping(function="F", event="E", topic=topic, group=group, starting_position="LATEST")
        cluster = KafkaCluster(broker.address)
        asker = cluster.consumer(group, client_id="asker", embedded=False, longest_seconds=60)

        def committed():
            return asker.committed(TopicPartition(topic, 0), metadata=True)

        for offset in range(3):  # placed, then read from by two, one after the other
            if offset:
                broker.send(topic, b"%d" % offset)
            source = KafkaSource(mapping, Function(), kafka=cluster)
            source.start()
            eventually(lambda: committed() is not None and committed().offset == offset)  # noqa: B023
            source.stop()
            assert committed().metadata == "4"
        asker.close()
        cluster.close()
