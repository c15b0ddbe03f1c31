"""DescribeStream: a stream and its shards, in pages of up to a hundred, or the children of one.

In: a request body, then the stream. Out: one page. A shard names its parent also when that is
trimmed already; a closed one says where it ended. AWS: API reference, DescribeStream.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from stator_core.limits import DESCRIBE_STREAM_LIMIT_MAX
from stator_core.requests.constraints import Violations
from stator_core.requests.shapes import INTEGER, STRING, Structure, check
from stator_core.requests.stream_members import (
    collect_limit,
    collect_shard_id,
    collect_stream_arn,
    required_arn,
)
from stator_core.stream import Stream, sequence_number
from stator_core.stream_shards import Shard
from stator_core.table_description import key_schema_members

SHAPE = Structure(
    "DescribeStreamInput",
    {
        "StreamArn": STRING,
        "Limit": INTEGER,
        "ExclusiveStartShardId": STRING,
        "ShardFilter": Structure("ShardFilter", {"Type": STRING, "ShardId": STRING}),
    },
)
SHARD_FILTER_TYPE: Final = ("CHILD_SHARDS",)


@dataclass(frozen=True, slots=True)
class DescribeStream:
    """`children_of`: only the shards that follow this one (ShardFilter)."""

    stream_arn: str
    limit: int
    exclusive_start_shard_id: str | None
    children_of: str | None

    def answer(self, stream: Stream) -> dict[str, Any]:
        """One page of the shards in the order of their ids, which is that of their beginnings.

        The start need not exist.
        """
        of = self.children_of
        shards = stream.shards if of is None else stream.children(of)
        start = self.exclusive_start_shard_id
        found = [shard for shard in shards if start is None or shard.shard_id > start]
        table = stream.table
        description: dict[str, Any] = {
            "StreamArn": stream.arn,
            "StreamLabel": stream.label,
            "StreamStatus": stream.status,
            "StreamViewType": stream.view_type,
            "CreationRequestDateTime": stream.created,
            "TableName": table.name,
            "KeySchema": key_schema_members(table.key_schema),
            "Shards": [_shown(shard) for shard in found[: self.limit]],
        }
        if len(found) > self.limit:
            description["LastEvaluatedShardId"] = found[self.limit - 1].shard_id
        return {"StreamDescription": description}


def _shown(shard: Shard) -> dict[str, Any]:
    numbers = {"StartingSequenceNumber": sequence_number(shard.start)}
    if shard.end is not None:
        numbers["EndingSequenceNumber"] = sequence_number(shard.end - 1)
    shown: dict[str, Any] = {"ShardId": shard.shard_id, "SequenceNumberRange": numbers}
    if shard.parent_id is not None:
        shown["ParentShardId"] = shard.parent_id
    return shown


def parse(body: dict[str, Any]) -> DescribeStream:
    check(body, SHAPE)
    violations = Violations()
    arn = body.get("StreamArn")
    violations.require("streamArn", arn)
    collect_stream_arn(violations, "streamArn", arn)
    limit = body.get("Limit")
    collect_limit(violations, limit, DESCRIBE_STREAM_LIMIT_MAX)
    start = body.get("ExclusiveStartShardId")
    collect_shard_id(violations, "exclusiveStartShardId", start)
    shard_filter = body.get("ShardFilter") or {}
    violations.enum("shardFilter.type", shard_filter.get("Type"), SHARD_FILTER_TYPE)
    collect_shard_id(violations, "shardFilter.shardId", shard_filter.get("ShardId"))
    if shard_filter:  # A filter says whose children are wanted (UNCONFIRMED).
        violations.require("shardFilter.type", shard_filter.get("Type"))
        violations.require("shardFilter.shardId", shard_filter.get("ShardId"))
    violations.raise_any()
    return DescribeStream(
        required_arn(body),
        DESCRIBE_STREAM_LIMIT_MAX if limit is None else limit,
        start,
        shard_filter.get("ShardId"),
    )
