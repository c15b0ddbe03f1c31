"""A consumer in the simulation finds what a gateway says wrong: too little, too much, too early."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from typing import Any

import pytest

from simulation.promise import PromiseBroken
from simulation.stream_checker import PartitionFeed
from simulation.stream_consumer import StreamConsumer
from simulation.workloads import STREAMED
from stator_core import keys, stream_shards
from stator_core.change_format import Change, ChangeFlag
from stator_core.clock import stamp_at
from stator_core.requests.get_records import FeedPage, RecordsAnswer
from stator_core.stream import Stream, streams_of
from stator_core.stream_shards import Shard
from stator_node.memory import ManualClock
from stator_node.stream_operations import StreamOperations
from virtual_time import run

NOW = 1_800_000_000.0
BEGUN = stamp_at(int(NOW * 1000))
WHOLE = stream_shards.opened((), 1, str(STREAMED.latest_stream_label), "KEYS_ONLY", BEGUN)
LEFT, RIGHT = stream_shards.split(WHOLE, 1, 2, BEGUN + 100)


def change(stamp: int, name: str) -> Change:
    item = {"pk": {"S": "one"}, "sk": {"S": name}}
    return Change(BEGUN + stamp, ChangeFlag.EXISTS, keys.item_key(STREAMED, item), b"", b"")


FEEDS = (
    PartitionFeed(1, LEFT, [change(10, "a"), change(20, "b"), change(30, "a"), change(110, "a")]),
    PartitionFeed(2, RIGHT, [change(120, "b"), change(130, "b")]),
)


class Told:
    """The source of a gateway that shows these shards, and of each these changes."""

    def __init__(self) -> None:
        self.shards = [*LEFT, *RIGHT]
        self.changes = {feed.partition_id: list(feed.changes) for feed in FEEDS}
        self.ended: Callable[[Shard], bool] = lambda shard: not shard.is_open

    def streams(self, horizon: int, _table_arn: str | None = None) -> list[Stream]:
        return streams_of(STREAMED, self.shards, horizon, deleted=False)

    def check_whole(self, _stream: Stream) -> None:
        """They are what they are."""

    def has_table(self, _name: str) -> bool:
        return True

    def read(
        self, shard: Shard, position: int, limit: int, answer: Callable[[FeedPage], bytes]
    ) -> bytes:
        end = 2**64 if shard.end is None else shard.end
        found = [
            each
            for each in self.changes[stream_shards.partition_of(shard.shard_id)]
            if max(position, shard.start) <= each.stamp < end
        ]
        return answer(FeedPage(position, found[:limit], len(found) > limit, self.ended(shard)))

    def last_stamp(self, _shard: Shard, _answer: Callable[[int], bytes]) -> bytes:
        raise AssertionError("nobody asks for LATEST")


class ToldGateway:
    """As much of a gateway as a consumer asks."""

    name = "g1"

    def __init__(self, told: Told) -> None:
        self.router = self
        source: Any = told
        self._operations = StreamOperations(source, ManualClock(NOW)).operations()

    def execute(self, operation: str, body: dict[str, Any], caller: Any) -> Any:
        return self._operations[operation](body, caller)


class ToldWorld:
    """As much of the world as a consumer needs; it raises what ends a run."""

    def __init__(self) -> None:
        self.random = random.Random(1)
        self.failed: BaseException | None = None

    def record(self, *_: object) -> None:
        """Nobody looks at this trace."""

    def fail(self, _actor: str, _message: str, error: BaseException) -> None:
        self.failed = error


def told_world_and_gateway(told: Told) -> tuple[Any, Any]:
    return ToldWorld(), ToldGateway(told)


def difference(told: Told, seconds: float = 10.0) -> str:
    """What a consumer of this gateway has read, beside what the feeds hold. Raises what it says."""
    world, gateway = told_world_and_gateway(told)
    consumer = StreamConsumer(world, STREAMED)

    async def follow() -> None:
        following = asyncio.ensure_future(consumer.follow(gateway))
        await asyncio.sleep(seconds)
        following.cancel()

    run(follow())
    if world.failed is not None:
        raise world.failed
    return consumer.difference(FEEDS)


def test_who_reads_everything_once_in_lineage_differs_in_nothing() -> None:
    assert difference(Told()) == ""


@pytest.mark.parametrize("partition_id,number", [(1, 0), (1, 1), (1, 2), (1, 3), (2, 0), (2, 1)])
def test_a_record_that_is_lost_on_the_way_is_found(partition_id: int, number: int) -> None:
    told = Told()
    del told.changes[partition_id][number]

    assert "was read of" in difference(told)


def test_a_record_that_comes_twice_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    honest = RecordsAnswer.answer

    def again(self: RecordsAnswer, now: int) -> dict[str, Any]:
        if not self._ended:
            self.position -= 1
        return honest(self, now)

    monkeypatch.setattr(RecordsAnswer, "answer", again)

    with pytest.raises(PromiseBroken, match="came behind"):
        difference(Told())


def test_an_order_that_a_split_breaks_is_found() -> None:
    told = Told()
    (child,) = RIGHT
    orphan = Shard(child.shard_id, child.label, child.view_type, None, child.start)
    told.shards = [orphan, *LEFT]
    # An orphan is begun at once; its parent is not yet at its end.
    told.changes[1], late = [], told.changes[1]
    world, gateway = told_world_and_gateway(told)
    consumer = StreamConsumer(world, STREAMED)
    told.ended = lambda _: False

    async def follow() -> None:
        following = asyncio.ensure_future(consumer.follow(gateway))
        await asyncio.sleep(5)
        told.changes[1] = late
        await asyncio.sleep(5)
        following.cancel()

    run(follow())

    assert isinstance(world.failed, PromiseBroken)
    assert "came behind" in str(world.failed)


def test_a_shard_that_is_said_to_end_before_what_follows_is_known_is_found() -> None:
    told = Told()
    told.shards = list(LEFT[:1])

    with pytest.raises(PromiseBroken, match="nothing follows"):
        difference(told)


def test_a_shard_that_never_ends_is_found() -> None:
    told = Told()
    told.ended = lambda _: False

    assert "its reader says" in difference(told)
