"""Consumers of a stream, one at each gateway: they get what lies on the disks, once and in order.

In: the life of each gateway, from `cluster_run.py`. A consumer does as AWS's guides say: it asks
for the shards in pages, begins one when its parent is finished or gone, reads each to its end, and
remembers the last sequence number of each, so that it goes on when its gateway comes back. It does
so amid all faults. Out: PromiseBroken where the records of an item come out of order, or a shard
gives other records in the end than the feed of its partition holds.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from simulation.cluster_world import Gateway
from simulation.promise import PromiseBroken
from simulation.stream_checker import PartitionFeed, records_of
from simulation.workloads import execute
from simulation.world import World
from stator_core import keys
from stator_core.arn import stream_arn
from stator_core.errors import (
    DynamoDBError,
    ExpiredIteratorException,
    InternalServerError,
    LimitExceededException,
    ResourceNotFoundException,
    ServiceUnavailable,
)
from stator_core.stream import sequence_number, stamp_of_sequence_number
from stator_core.table import Table

TURN_SECONDS = 0.1
DESCRIBE_LIMITS = (1, 2, 100)
READ_LIMITS = (1, 3, 1_000)
PAGES_MAX = 20  # of one shard in one turn
# What everybody who reads a stream must be ready for.
ASK_AGAIN = (
    InternalServerError,
    ServiceUnavailable,
    LimitExceededException,
    ResourceNotFoundException,  # A gateway that has just begun has not heard of everything.
)

Record = tuple[int, bytes]  # stamp, stored key of the item


@dataclass(slots=True)
class ShardReader:
    """What a consumer has of one shard."""

    shard_id: str
    records: list[Record] = field(default_factory=list)
    iterator: str | None = None
    finished: bool = False


class StreamConsumer:
    """One of them, with what it remembers through all lives of its gateway."""

    def __init__(self, world: World, table: Table) -> None:
        self.shards: dict[str, ShardReader] = {}
        self._world = world
        self._table = table
        assert table.latest_stream_label is not None
        self._arn = stream_arn(table.arn, table.latest_stream_label)
        self._newest: dict[bytes, int] = {}  # by item: the stamp of the last record
        self._describe_limit = world.random.choice(DESCRIBE_LIMITS)
        self._read_limit = world.random.choice(READ_LIMITS)

    async def follow(self, gateway: Gateway) -> None:
        """Turn after turn, until the gateway's life ends."""
        for reader in self.shards.values():
            reader.iterator = None  # Only what it has dealt with is remembered.
        while True:
            await asyncio.sleep(self._world.random.expovariate(1.0 / TURN_SECONDS))
            try:
                await self._turn(gateway)
            except ASK_AGAIN as error:
                self._world.record(gateway.name, "stream refused", type(error).__name__)
            except (PromiseBroken, DynamoDBError) as error:
                self._world.fail(gateway.name, "a consumer of the stream", error)
                return

    async def _turn(self, gateway: Gateway) -> None:
        """Look for shards, and read what there is of each that is open here."""
        shards = await self._describe(gateway)
        for name, parent in shards.items():
            waits = parent in shards and (parent not in self.shards or not self._is_done(parent))
            if name not in self.shards and not waits:
                self.shards[name] = ShardReader(name)
        for reader in list(self.shards.values()):
            for _ in range(PAGES_MAX):
                if reader.finished or not await self._read(gateway, reader):
                    break

    def _is_done(self, shard_id: str) -> bool:
        return self.shards[shard_id].finished

    async def _describe(self, gateway: Gateway, **members: Any) -> dict[str, str | None]:
        """The parents of all shards."""
        found: dict[str, str | None] = {}
        body = {"StreamArn": self._arn, "Limit": self._describe_limit, **members}
        while True:
            answer = orjson.loads(await execute(gateway, "DescribeStream", body))
            page = answer["StreamDescription"]
            for shard in page["Shards"]:
                found[shard["ShardId"]] = shard.get("ParentShardId")
            if "LastEvaluatedShardId" not in page:
                return found
            body["ExclusiveStartShardId"] = page["LastEvaluatedShardId"]

    async def _read(self, gateway: Gateway, reader: ShardReader) -> bool:
        """Read a page. False: there is nothing more for now."""
        if reader.iterator is None:
            reader.iterator = await self._begin(gateway, reader)
        body = {"ShardIterator": reader.iterator, "Limit": self._read_limit}
        try:
            page = orjson.loads(await execute(gateway, "GetRecords", body))
        except ExpiredIteratorException:  # A clock has jumped.
            reader.iterator = None
            return False
        for record in page["Records"]:
            self._take(reader, record["dynamodb"])
        reader.iterator = page.get("NextShardIterator")
        reader.finished = reader.iterator is None
        self._world.record(
            gateway.name, "read", reader.shard_id, len(page["Records"]), reader.finished
        )
        if reader.finished:
            await self._find_children(gateway, reader.shard_id)
        return bool(page["Records"])

    async def _find_children(self, gateway: Gateway, shard_id: str) -> None:
        """Who is told that a shard is at its end finds at once what follows: the stream is on."""
        shard_filter = {"Type": "CHILD_SHARDS", "ShardId": shard_id}
        if not await self._describe(gateway, ShardFilter=shard_filter):
            raise PromiseBroken(f"{shard_id} is at its end, and nothing follows")

    async def _begin(self, gateway: Gateway, reader: ShardReader) -> str:
        """An iterator behind the last record that was dealt with."""
        body = {"StreamArn": self._arn, "ShardId": reader.shard_id}
        if reader.records:
            body["ShardIteratorType"] = "AFTER_SEQUENCE_NUMBER"
            body["SequenceNumber"] = sequence_number(reader.records[-1][0])
        else:
            body["ShardIteratorType"] = "TRIM_HORIZON"
        answer = orjson.loads(await execute(gateway, "GetShardIterator", body))
        return str(answer["ShardIterator"])

    def _take(self, reader: ShardReader, record: dict[str, Any]) -> None:
        stamp = stamp_of_sequence_number(record["SequenceNumber"])
        assert stamp is not None
        item_key = keys.item_key(self._table, record["Keys"])
        if stamp <= self._newest.get(item_key, -1):
            raise PromiseBroken(
                f"{reader.shard_id}: {record} came behind {self._newest[item_key]} of its item"
            )
        self._newest[item_key] = stamp
        reader.records.append((stamp, item_key))

    def difference(self, feeds: Iterable[PartitionFeed]) -> str:
        """How what was read differs from what lies on the disks; empty: it does not."""
        there = records_of(feeds)
        for shard, changes in there:
            expected = [(change.stamp, change.item_key) for change in changes]
            reader = self.shards.get(shard.shard_id)
            found = [] if reader is None else reader.records
            if found != expected:
                return f"{shard}: {found} was read of {expected}"
            if reader is None or reader.finished is shard.is_open:
                return f"{shard} is read, and its reader says: {reader}"
        return ""


class StreamConsumers:
    """Those of all gateways."""

    def __init__(self, world: World, table: Table) -> None:
        self._world = world
        self._table = table
        self._begun = False
        self.by_gateway: dict[str, StreamConsumer] = {}

    def begin(self, gateways: Mapping[str, Gateway]) -> None:
        self._begun = True
        for name, gateway in gateways.items():
            self._world.nodes[name].loop.call_soon(self.arrive, gateway)

    def arrive(self, gateway: Gateway) -> None:
        """A gateway has begun a life. Called in its loop."""
        if not self._begun:
            return
        consumer = self.by_gateway.setdefault(
            gateway.name, StreamConsumer(self._world, self._table)
        )
        asyncio.get_running_loop().create_task(consumer.follow(gateway))

    @property
    def count(self) -> int:
        """How many records all of them have read."""
        return sum(
            len(reader.records)
            for consumer in self.by_gateway.values()
            for reader in consumer.shards.values()
        )

    def difference(self, feeds: Iterable[PartitionFeed]) -> str:
        """Who has not read what lies on the disks, and how; empty: everybody has."""
        known = tuple(feeds)
        for name, consumer in self.by_gateway.items():
            difference = consumer.difference(known)
            if difference:
                return f"the consumer at {name}: {difference}"
        return ""
