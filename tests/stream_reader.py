"""A consumer of a stream as AWS's guides describe it: shards by lineage, each read to its end.

Imported by tests that speak to a server by boto3. `StreamReader` starts a shard when its parent is
finished (or gone), as the Kinesis Client Library does, and remembers everything that it was given.
"""

from __future__ import annotations

from typing import Any


def shards_of(streams: Any, arn: str) -> list[dict[str, Any]]:
    """All shards of a stream, page by page."""
    shards: list[dict[str, Any]] = []
    members: dict[str, Any] = {}
    while True:
        found = streams.describe_stream(StreamArn=arn, **members)["StreamDescription"]
        shards += found["Shards"]
        if "LastEvaluatedShardId" not in found:
            return shards
        members = {"ExclusiveStartShardId": found["LastEvaluatedShardId"]}


class StreamReader:
    """Follows one stream. `records` are all that came, in the order in which they came."""

    def __init__(self, streams: Any, arn: str) -> None:
        """`streams` is a boto3 client of DynamoDB Streams."""
        self.records: list[dict[str, Any]] = []
        self.finished: set[str] = set()
        self._streams = streams
        self._arn = arn
        self._positions: dict[str, str] = {}  # shard: iterator

    def speak_to(self, streams: Any) -> None:
        """Go on with another client, of the same server after a restart."""
        self._streams = streams

    def turn(self) -> int:
        """Look for new shards and read a page of every open one. How many records came."""
        shards = {shard["ShardId"]: shard for shard in shards_of(self._streams, self._arn)}
        for name, shard in shards.items():
            parent = shard.get("ParentShardId")
            known = name in self._positions or name in self.finished
            if not known and (parent not in shards or parent in self.finished):
                self._positions[name] = self._streams.get_shard_iterator(
                    StreamArn=self._arn, ShardId=name, ShardIteratorType="TRIM_HORIZON"
                )["ShardIterator"]
        came = 0
        for name, position in list(self._positions.items()):
            page = self._streams.get_records(ShardIterator=position)
            self.records += page["Records"]
            came += len(page["Records"])
            if "NextShardIterator" in page:
                self._positions[name] = page["NextShardIterator"]
            else:
                del self._positions[name]
                self.finished.add(name)
        return came

    def read_all(self) -> list[dict[str, Any]]:
        """Take turns until nothing more comes, and every closed shard is finished."""
        quiet = 0
        while quiet < 2:
            before = len(self.finished)
            quiet = 0 if self.turn() or len(self.finished) > before else quiet + 1
        return self.records
