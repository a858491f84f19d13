"""What a Kafka event source does with records that failed: what comes again, when, and what is given up. Pure.

Each partition has a lane of its own. What failed waits in its lane, in order, and nothing later of the partition is
read until it is done or given up; other partitions go on.
https://docs.aws.amazon.com/lambda/latest/dg/kafka-retry-configurations.html
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

import msgspec

from local.kafka_batch import Record
from local.mappings import KafkaMapping
from local.source import back_off


class Work(msgspec.Struct, frozen=True):
    """Records of one partition that go to the function together, and how often they have failed so far."""

    records: tuple[Record, ...]
    attempts: int = 0


class Verdict(msgspec.Struct, frozen=True):
    """What follows from a failure: `again` in order, `lost` for the destination, after `attempts` invocations."""

    again: tuple[Work, ...]
    lost: tuple[Record, ...]
    attempts: int


def judge(work: Work, failed: tuple[Record, ...], *, whole: bool, mapping: KafkaMapping, reading: str) -> Verdict:
    """Decide about the records of a work that failed.

    A batch that failed as one is halved where the mapping bisects, which uses up no attempt. When attempts run out,
    everything that failed together is given up; but under the reading that resumes at the first failure only that
    record is known to have failed: what follows it starts afresh.
    """
    if whole and mapping.bisect and len(failed) > 1:
        middle = len(failed) // 2
        halves = (Work(failed[:middle], work.attempts), Work(failed[middle:], work.attempts))
        return Verdict(again=halves, lost=(), attempts=work.attempts)
    # Reported records have all been tried as often. What is resumed begins to count anew at another first record:
    # the one that failed before is done, and this one has not been known to fail.
    same = reading == "records" or failed[0] == work.records[0]
    attempts = (work.attempts if same else 0) + 1
    if attempts <= mapping.maximum_retries or mapping.maximum_retries < 0:
        return Verdict(again=(Work(failed, attempts),), lost=(), attempts=attempts)
    lost = failed if whole or reading == "records" else failed[:1]
    rest = failed[len(lost) :]
    return Verdict(again=(Work(rest),) if rest else (), lost=lost, attempts=attempts)


class Lane:
    """One partition: how far it has been read, and what of it waits to come again."""

    def __init__(self) -> None:
        self.waiting: deque[Work] = deque()
        self.due = 0.0
        self._read_to: int | None = None

    def read(self, record: Record) -> None:
        """A record was taken from the topic."""
        self._read_to = record.offset + 1

    def next(self, now: float) -> Work | None:
        """What comes again at `now` (the seconds `due` is counted in), if anything does."""
        return self.waiting[0] if self.waiting and self.due <= now else None

    def settle(self, verdict: Verdict | None, now: float) -> None:
        """The first of `waiting` was invoked again: it is done, or replaced by what the verdict says of it."""
        self.waiting.popleft()
        self.put(verdict, now)

    def hold(self, records: Iterable[Record]) -> None:
        """Records of the topic that are taken but cannot go to the function yet."""
        self.waiting.append(Work(tuple(records)))

    def put(self, verdict: Verdict | None, now: float) -> None:
        """What came from the topic failed: it waits before anything else of the partition."""
        if verdict is None:
            return
        self.waiting.extendleft(reversed(verdict.again))
        if verdict.again and verdict.again[0].attempts:
            self.due = now + back_off(verdict.again[0].attempts)

    @property
    def committable(self) -> int | None:
        """The offset to commit: everything before it is done, given up or filtered out. None where nothing was read."""
        return min((record.offset for work in self.waiting for record in work.records), default=self._read_to)
