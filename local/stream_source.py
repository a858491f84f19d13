"""A DynamoDB stream event source mapping that runs: one thread a mapping, by the rules of `stream_batch`.

Shards are read in order, children after their parents. What is done is remembered in a file of the state folder
(one sequence number a shard, replaced atomically), so a runner that was killed goes on where it stopped.
"""

from __future__ import annotations

import json
import logging
import time
import uuid
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from liangwang.aws import AwsError, AwsJson

from local import stream_batch
from local.config import write_atomically
from local.mappings import StreamMapping
from local.source import Invocable, Source, back_off, function_arn
from local.stream_batch import Outcome

log = logging.getLogger("local.stream")

_FINISHED = "finished"
_SINCE = "since "
# Streams date their records roughly: to the second on AWS, and emulators to the minute.
_ROUGH_SECONDS = 60
# How long a record waits at most while cases move. Under load batches gather by themselves, while the one before is
# worked on; with 50 ms a case took a tenth longer and the machine carried no more of them …
_BUSY_SECONDS = 0.02
# … and where nothing has moved on any stream for a while: three streams asked every 30 ms take a fifth of a core.
_QUIET_SECONDS = 0.1
_QUIET_AFTER_SECONDS = 5.0
_RESTART_CODES = ("ExpiredIteratorException", "TrimmedDataAccessException")

Record = dict[str, Any]


class Activity:
    """When a record last came on any of the streams that share this: one stream's record is soon another's."""

    def __init__(self) -> None:
        self._last = time.monotonic()

    def seen(self) -> None:
        """A record came."""
        self._last = time.monotonic()

    def is_quiet(self) -> bool:
        """Whether nothing has come for a while."""
        return time.monotonic() - self._last > _QUIET_AFTER_SECONDS


class Checkpoints:
    """The last sequence number done of each shard of one stream, in one small file."""

    def __init__(self, path: Path, *, stream_arn: str) -> None:
        self._path = path
        self._stream_arn = stream_arn
        self._shards: dict[str, str] = {}
        try:
            kept = json.loads(path.read_bytes())
        except (OSError, ValueError):
            return
        # A table created anew has another stream: its predecessor's numbers mean nothing there.
        if kept.get("stream") == stream_arn:
            self._shards = kept["shards"]

    def get(self, shard: str) -> str | None:
        """The sequence number done last, `finished` for a closed shard, None for one that was never opened.

        `since <epoch seconds>` for one that was opened at its end and has given nothing yet.
        """
        return self._shards.get(shard)

    def set(self, shard: str, sequence: str) -> None:
        """Remember, on disk."""
        if self._shards.get(shard) == sequence:
            return
        self._shards[shard] = sequence
        content = json.dumps({"stream": self._stream_arn, "shards": self._shards}).encode()
        write_atomically(self._path, content)

    def forget(self, shard: str) -> None:
        """The stream no longer holds what we remembered."""
        self._shards.pop(shard, None)


class StreamSource(Source):
    """One mapping. `start` and `stop` are its whole control; `state` is for people and status."""

    def __init__(
        self,
        mapping: StreamMapping,
        function: Invocable,
        *,
        stream_arn: str,
        aws: AwsJson,
        checkpoints: Checkpoints,
        send_failure: Callable[[dict[str, Any]], None] | None = None,
        activity: Activity | None = None,
        region: str = "cn-north-1",
    ) -> None:
        super().__init__(f"stream {mapping.name}", state={"kind": "stream", "stream": stream_arn})
        self.mapping = mapping
        self._function = function
        self._function_arn = function_arn(function.name, region=region)
        self._stream_arn = stream_arn
        self._aws = aws
        self._checkpoints = checkpoints
        self._send_failure = send_failure
        self._activity = activity or Activity()
        self._iterators: dict[str, str] = {}

    # -------------------------------------------------------------------------------------------- the thread

    def _run(self) -> None:
        attempt = 0
        while not self._stopping.is_set():
            try:
                if not self._iterators:
                    self._open_shards()
                found = [self._read(shard) for shard in list(self._iterators)]
                attempt = 0
                if any(found):
                    self._activity.seen()
                # A window asks for fewer, larger batches: the stream is asked once a window, and is no load in between.
                wait = self.mapping.window_seconds or (_QUIET_SECONDS if self._activity.is_quiet() else _BUSY_SECONDS)
            except AwsError as error:
                attempt += 1
                wait = back_off(attempt)
                log.warning("%s: %s", self.mapping.name, error)
                self.state["last"] = str(error)
            except Exception as error:
                attempt += 1
                wait = back_off(attempt)
                log.exception("%s: trying again", self.mapping.name)
                self.state["last"] = f"poller failed: {error!r}"
            self._stopping.wait(wait)

    def _open_shards(self) -> None:
        """An iterator for every shard that is not finished and whose parent is."""
        shards = self._shards()
        known = {shard["ShardId"] for shard in shards}
        for shard in shards:
            name, parent = shard["ShardId"], shard.get("ParentShardId")
            waits = parent is not None and parent in known and self._checkpoints.get(parent) != _FINISHED
            if not waits and self._checkpoints.get(name) != _FINISHED and name not in self._iterators:
                self._iterators[name] = self._iterator(name)
        self.assigned.set()
        if not self._iterators:
            self._stopping.wait(0.5)

    def _call(self, operation: str, **arguments: Any) -> dict[str, Any]:
        return self._aws.call("streams.dynamodb", operation, arguments)

    def _shards(self) -> list[dict[str, Any]]:
        shards: list[dict[str, Any]] = []
        arguments: dict[str, Any] = {"StreamArn": self._stream_arn}
        while True:
            description = self._call("DescribeStream", **arguments)["StreamDescription"]
            shards += description["Shards"]
            if "LastEvaluatedShardId" not in description:
                return shards
            arguments["ExclusiveStartShardId"] = description["LastEvaluatedShardId"]

    def _iterator(self, shard: str) -> str:
        done = self._checkpoints.get(shard)
        place: dict[str, str] = {"ShardIteratorType": self.mapping.starting_position}
        opened = time.time()
        if self._since(shard) is not None:
            # LATEST has no sequence number to go on after, and once more it would pass over what came meanwhile.
            place = {"ShardIteratorType": "TRIM_HORIZON"}
        elif done is not None:
            place = {"ShardIteratorType": "AFTER_SEQUENCE_NUMBER", "SequenceNumber": done}
        try:
            answer = self._call("GetShardIterator", StreamArn=self._stream_arn, ShardId=shard, **place)
        except AwsError as error:
            if done is None or error.code not in _RESTART_CODES:
                raise
            log.warning("%s: %s is trimmed past %s, reading from its oldest record", self.mapping.name, shard, done)
            self._checkpoints.forget(shard)
            oldest = {"ShardIteratorType": "TRIM_HORIZON"}
            answer = self._call("GetShardIterator", StreamArn=self._stream_arn, ShardId=shard, **oldest)
        if place["ShardIteratorType"] == "LATEST":
            self._checkpoints.set(shard, f"{_SINCE}{opened - _ROUGH_SECONDS:.0f}")
        return str(answer["ShardIterator"])

    def _since(self, shard: str) -> float | None:
        """When a shard was opened at its end that has given nothing yet: what is older is not for the function."""
        done = self._checkpoints.get(shard) or ""
        return float(done.removeprefix(_SINCE)) if done.startswith(_SINCE) else None

    def _read(self, shard: str) -> bool:
        """One GetRecords and what follows from it; whether there was anything."""
        try:
            answer = self._call("GetRecords", ShardIterator=self._iterators[shard], Limit=1000)
        except AwsError as error:
            if error.code not in _RESTART_CODES:
                raise
            self._iterators[shard] = self._iterator(shard)
            return False
        records: list[Record] = answer.get("Records", [])
        since = self._since(shard)
        fresh = [record for record in records if since is None or _created(record) >= since]
        if fresh and self._deliver(shard, fresh):
            self._checkpoints.set(shard, stream_batch.sequence(fresh[-1]))
        if self._stopping.is_set():
            return bool(records)
        following = answer.get("NextShardIterator")
        if following:
            self._iterators[shard] = following
        else:
            del self._iterators[shard]
            self._checkpoints.set(shard, _FINISHED)
            self._open_shards()
        return bool(records)

    def _deliver(self, shard: str, records: Sequence[Record]) -> bool:
        """Invoke until every wanted record is done or given up; False when stopped before."""
        waiting = [record for record in records if stream_batch.wanted(self.mapping.patterns, record)]
        attempts = 0
        limit = self.mapping.batch_size
        while waiting:
            if self._stopping.is_set():
                return False
            batch = waiting[:limit]
            outcome = self._invoke(batch)
            if outcome.done:
                waiting = waiting[outcome.done :]
                self._checkpoints.set(shard, stream_batch.sequence(batch[outcome.done - 1]))
                attempts = 0
            if outcome.done == len(batch):
                limit = self.mapping.batch_size
                continue
            if outcome.whole and self.mapping.bisect and len(batch) > 1:
                limit = len(batch) // 2
                continue
            attempts += 1
            if 0 <= self.mapping.maximum_retries < attempts:
                lost = batch if outcome.whole else waiting[:1]
                self._give_up(shard, lost, attempts, outcome)
                waiting = waiting[len(lost) :]
                attempts, limit = 0, self.mapping.batch_size
            else:
                self._stopping.wait(back_off(attempts))
        return True

    def _invoke(self, batch: Sequence[Record]) -> Outcome:
        try:
            answer = self._function.invoke(stream_batch.event(batch, stream_arn=self._stream_arn))
        except Exception as error:
            log.exception("%s failed on %d records", self.mapping.name, len(batch))
            outcome = Outcome(done=0, whole=True, reason=f"{type(error).__name__}: {error}")
        else:
            outcome = stream_batch.interpret(batch, answer, report_failures=self.mapping.report_failures)
        self.state["records"] += len(batch)
        failed = outcome.done < len(batch)
        self.state["last"] = f"failed: {outcome.reason}" if failed else f"{len(batch)} records"
        return outcome

    def _give_up(self, shard: str, records: Sequence[Record], attempts: int, outcome: Outcome) -> None:
        log.error(
            "%s: %d records given up after %d attempts: %s", self.mapping.name, len(records), attempts, outcome.reason
        )
        if self._send_failure is not None:
            notice = stream_batch.failure_notice(
                records,
                function_arn=self._function_arn,
                stream_arn=self._stream_arn,
                shard=shard,
                request_id=str(uuid.uuid4()),
                attempts=attempts,
                now=datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            )
            self._send_failure(notice)
        self._checkpoints.set(shard, stream_batch.sequence(records[-1]))


def _created(record: Record) -> float:
    """When a change was made, in epoch seconds; one without a date counts as new."""
    return float(record["dynamodb"].get("ApproximateCreationDateTime", "inf"))
