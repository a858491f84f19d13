"""DynamoDB in memory: the operations, conditions and indexes that the store uses, and the stream of every change."""

import base64
import zlib
from collections.abc import Callable, Mapping
from typing import Any

from ..aws import AwsError

RANGE = {"wake": "wake_at", "holder": "held_since", "desk": "due_at"}
"""The sort key of each index; its partition key has the index's name (template.yaml)."""

PROJECTED = {"desk": ("shown",)}
"""What an index has beside the keys."""

LONGEST_KEY = 2048

Item = dict[str, dict[str, Any]]


class FakeDynamoDb:
    """``tables`` hold items by partition key; ``streams`` every change in order, as a Lambda stream event has it.

    ``unprocessed`` is how many keys the next BatchGetItem calls leave for later, one number a call; ``page`` how many items a query of a table gives at once,
    ``entries`` how many of an index, where the request does not say: the service stops at 1 MB.
    """

    def __init__(self) -> None:
        self.tables: dict[str, dict[str, Item]] = {}
        self.streams: dict[str, list[dict[str, Any]]] = {}
        self.unprocessed: list[int] = []
        self.page = 100
        self.entries = 2000
        self.operations: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
            "PutItem": self._put_item,
            "BatchGetItem": self._batch_get_item,
            "Query": self._query,
            "Scan": self._scan,
            "UpdateItem": self._update_item,
        }

    def event(self, table: str, *, start: int = 0, stop: int | None = None) -> dict[str, Any]:
        """A Lambda event of a table's stream: the changes from ``start`` up to ``stop``."""
        return {"Records": self.streams.get(table, [])[start:stop]}

    def _put_item(self, request: dict[str, Any]) -> dict[str, Any]:
        table, item = request["TableName"], request["Item"]
        items = self.tables.setdefault(table, {})
        key = _checked(item["pk"]["S"])
        if "seq" in item:  # a table with a sort key (the audit trail's)
            key = f"{key}#{int(item['seq']['N']):012d}"
        before = items.get(key)
        if not _holds(request, before):
            raise AwsError("ConditionalCheckFailedException", "The conditional request failed")
        items[key] = item
        if before != item:  # a write that changes nothing leaves no stream record
            self._record(table, key, before, item)
        units = max(_units(item), _units(before) if before else 0)
        return {"ConsumedCapacity": {"TableName": table, "CapacityUnits": float(units)}}

    def _update_item(self, request: dict[str, Any]) -> dict[str, Any]:
        """Counting (``limits.py``): no conditions, and a table without a stream."""
        if request["UpdateExpression"] != "ADD taken :part SET expires = :expires":
            raise AwsError("ValidationException", f"the fake does not know: {request['UpdateExpression']}")
        items = self.tables.setdefault(request["TableName"], {})
        key = _checked(request["Key"]["pk"]["S"])
        values = request["ExpressionAttributeValues"]
        taken = int(items.get(key, {}).get("taken", {}).get("N", 0)) + int(values[":part"]["N"])
        items[key] = {"pk": {"S": key}, "taken": {"N": str(taken)}, "expires": values[":expires"]}
        return {"Attributes": {name: items[key][name] for name in ("taken", "expires")}}

    def _record(self, table: str, key: str, before: Item | None, after: Item) -> None:
        stream = self.streams.setdefault(table, [])
        number = len(stream) + 1
        change: dict[str, Any] = {
            "ApproximateCreationDateTime": 1773284645 + number,
            "Keys": {"pk": {"S": key}},
            "NewImage": after,
            "SequenceNumber": f"{number:021d}",
            "SizeBytes": _size(after) + (_size(before) if before else 0),
            "StreamViewType": "NEW_AND_OLD_IMAGES",
        }
        if before is not None:
            change["OldImage"] = before
        stream.append(
            {
                "eventID": f"{table}-{number}",
                "eventName": "MODIFY" if before else "INSERT",
                "eventVersion": "1.1",
                "eventSource": "aws:dynamodb",
                "awsRegion": "cn-north-1",
                "dynamodb": change,
                "eventSourceARN": f"arn:aws:dynamodb:cn-north-1:000000000000:table/{table}/stream/1",
            }
        )

    def _batch_get_item(self, request: dict[str, Any]) -> dict[str, Any]:
        ((table, wanted),) = request["RequestItems"].items()
        keys = wanted["Keys"]
        if not 1 <= len(keys) <= 100 or len({key["pk"]["S"] for key in keys}) < len(keys):
            raise AwsError("ValidationException", "from 1 to 100 different keys")
        left = min(self.unprocessed.pop(0), len(keys)) if self.unprocessed else 0
        now, later = keys[: len(keys) - left], keys[len(keys) - left :]
        items = self.tables.get(table, {})
        found = [items[name] for key in now if (name := _checked(key["pk"]["S"])) in items]
        return {
            "Responses": {table: found},
            "UnprocessedKeys": {table: {**wanted, "Keys": later}} if later else {},
        }

    def _query(self, request: dict[str, Any]) -> dict[str, Any]:
        if "IndexName" not in request:
            return self._query_table(request)
        index = request["IndexName"]
        order = RANGE[index]
        values = request["ExpressionAttributeValues"]
        condition = request["KeyConditionExpression"]
        known = (
            f"{index} = :key",
            f"{index} = :key AND {order} <= :at",
            f"{index} = :key AND {order} BETWEEN :since AND :until",
        )
        if condition not in known:
            raise AwsError("ValidationException", f"the fake index {index} does not know: {condition}")
        earliest = int(values.get(":since", {"N": "0"})["N"])
        latest = next((int(values[name]["N"]) for name in (":at", ":until") if name in values), None)
        if latest is not None and latest < earliest:
            raise AwsError("ValidationException", "The BETWEEN operator requires upper bound to be greater")
        rows = sorted(
            (
                (int(item[order]["N"]), key)
                for key, item in self.tables.get(request["TableName"], {}).items()
                if item.get(index) == values[":key"]
                and int(item[order]["N"]) >= earliest
                and (latest is None or int(item[order]["N"]) <= latest)
            ),
            reverse=not request.get("ScanIndexForward", True),
        )
        if start := request.get("ExclusiveStartKey"):
            last = (int(start[order]["N"]), start["pk"]["S"])
            rows = [row for row in rows if (row > last) == request.get("ScanIndexForward", True) and row != last]
        limit = request.get("Limit", self.entries)
        keys = [{"pk": {"S": key}, index: values[":key"], order: {"N": str(place)}} for place, key in rows[:limit]]
        items = self.tables.get(request["TableName"], {})
        shown = [{**key, **{name: items[key["pk"]["S"]][name] for name in PROJECTED.get(index, ())}} for key in keys]
        # Like the service: a full page names its last key, whether more follows or not.
        return {"Items": shown, **({"LastEvaluatedKey": keys[-1]} if len(keys) == limit else {})}

    def _scan(self, request: dict[str, Any]) -> dict[str, Any]:
        """In pages, as the service does; the order is that of the keys. A segment has what its hash says."""
        segment, segments = request.get("Segment", 0), request.get("TotalSegments", 1)
        items = self.tables.get(request["TableName"], {}).items()
        rows = sorted(row for row in items if zlib.crc32(row[0].encode()) % segments == segment)
        rest = [row for row in rows if row[0] > request.get("ExclusiveStartKey", {}).get("pk", {}).get("S", "")]
        page = rest[: self.page]
        more = {"LastEvaluatedKey": {"pk": {"S": page[-1][0]}}} if len(page) < len(rest) else {}
        return {"Items": [item for _, item in page], **more}

    def _query_table(self, request: dict[str, Any]) -> dict[str, Any]:
        if request["KeyConditionExpression"] != "pk = :pk AND seq >= :first":
            raise AwsError("ValidationException", f"the fake does not know: {request['KeyConditionExpression']}")
        values, forward = request["ExpressionAttributeValues"], request.get("ScanIndexForward", True)
        items = self.tables.get(request["TableName"], {}).values()
        numbered = {int(one["seq"]["N"]): one for one in items if one["pk"] == values[":pk"]}
        order = sorted((number for number in numbered if number >= int(values[":first"]["N"])), reverse=not forward)
        if "ExclusiveStartKey" in request:
            order = order[order.index(int(request["ExclusiveStartKey"]["seq"]["N"])) + 1 :]
        found = [numbered[number] for number in order]
        page = found[: request.get("Limit", self.page)]
        if len(page) == len(found):
            return {"Items": page}
        return {"Items": page, "LastEvaluatedKey": {"pk": values[":pk"], "seq": page[-1]["seq"]}}


def _holds(request: Mapping[str, Any], before: Item | None) -> bool:
    match request.get("ConditionExpression"):
        case "attribute_not_exists(pk)":
            return before is None
        case "version = :version":
            return before is not None and before["version"] == request["ExpressionAttributeValues"][":version"]
        case condition:
            raise AwsError("ValidationException", f"the fake does not know the condition {condition}")


def _checked(key: str) -> str:
    if not 1 <= len(key.encode()) <= LONGEST_KEY:
        raise AwsError("ValidationException", "One or more parameter values were invalid: size of hashkey")
    return key


def _size(item: Item) -> int:
    """Bytes as DynamoDB counts them: names, texts, binary values decoded, numbers about half their digits."""
    return sum(len(name.encode()) + _value_size(value) for name, value in item.items())


def _value_size(value: Mapping[str, Any]) -> int:
    ((kind, content),) = value.items()
    if kind == "B":
        return len(base64.b64decode(content))
    return len(str(content).encode()) if kind == "S" else len(str(content)) // 2 + 2


def _units(item: Item) -> int:
    """Write units of the table alone; the indexes come on top on AWS."""
    return -(-_size(item) // 1024)
