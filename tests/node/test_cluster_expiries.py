"""Time to live in a cluster: leaders fill and sweep, followers are equal, splits lose nothing."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import orjson
import pytest

from small_cluster import Pod, SmallCluster
from stator_core import expiry
from stator_core.errors import InternalServerError
from stator_core.expiry import entry_key, partition_bounds, second_of
from stator_core.item_format import payload_of
from stator_core.key_format import HASH_SPACE, hash_of
from stator_core.partition_state import EXPIRIES
from stator_node.cluster_expiries import ClusterPlace
from stator_node.expiry_filling import SLICE_ENTRIES
from stator_node.hosted_partition import HostedPartition
from stator_node.operation_codes import OperationCode
from table_bodies import attributes, index

HOUR = 3600


def now() -> int:
    return int(time.time())


async def put(cluster: SmallCluster, name: str, ends: int | None, **more: Any) -> None:
    item: dict[str, Any] = {"pk": {"S": name}, **more}
    if ends is not None:
        item["ends"] = {"N": str(ends)}
    while True:
        try:
            await cluster.execute("PutItem", TableName="Music", Item=item)
            return
        except InternalServerError:  # Its outcome is unknown; to put it again does no harm.
            continue


async def put_many(cluster: SmallCluster, ends: dict[str, int]) -> None:
    """Put items before time to live is enabled, or living ones: twice is as good as once."""
    puts = [
        {"PutRequest": {"Item": {"pk": {"S": name}, "ends": {"N": str(second)}}}}
        for name, second in ends.items()
    ]
    for start in range(0, len(puts), 25):
        left = {"Music": puts[start : start + 25]}
        while left:
            try:
                answer = await cluster.execute("BatchWriteItem", RequestItems=left)
                left = answer.get("UnprocessedItems", {})
            except InternalServerError:
                continue


async def enable(cluster: SmallCluster, attribute: str = "ends", *, on: bool = True) -> None:
    setting = {"Enabled": on, "AttributeName": attribute}
    await cluster.execute("UpdateTimeToLive", TableName="Music", TimeToLiveSpecification=setting)
    expected = attribute if on else None

    def is_known() -> bool:
        return all(
            hosted.state is not None and hosted.state.table.expires_by == expected
            for hosted in replicas(cluster)
        )

    await cluster.until(is_known)


def replicas(cluster: SmallCluster) -> list[HostedPartition]:
    return [
        hosted
        for pod in cluster.pods
        if pod.node is not None
        for hosted in pod.partitions.values()
        if hosted.state is not None and not hosted.state.is_of_index
    ]


async def names(cluster: SmallCluster, **options: Any) -> set[str]:
    found: set[str] = set()
    start: dict[str, Any] = {}
    while True:
        page = await cluster.execute("Scan", TableName="Music", **options, **start)
        found |= {item["pk"]["S"] for item in page["Items"]}
        if "LastEvaluatedKey" not in page:
            return found
        start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}


async def await_names(cluster: SmallCluster, expected: set[str], **options: Any) -> None:
    deadline = time.monotonic() + 20
    while (found := await names(cluster, **options)) != expected:
        assert time.monotonic() < deadline, found
        await asyncio.sleep(0.02)


def ranges(pod: Pod, hosted: HostedPartition) -> list[list[tuple[bytes, bytes]]]:
    assert hosted.state is not None
    return [list(pod.store.cursor(*owned)) for owned in hosted.state.content_ranges()]


def agree(cluster: SmallCluster) -> bool:
    """Whether all replicas of each partition hold the same bytes, entries of expiry too."""
    held: dict[int, list[Any]] = {}
    for pod in cluster.pods:
        assert pod.node is not None
        for partition_id, hosted in pod.partitions.items():
            held.setdefault(partition_id, []).append(ranges(pod, hosted))
    return all(each == of_one[0] for of_one in held.values() for each in of_one)


def missing(cluster: SmallCluster, attribute: str = "ends") -> set[bytes]:
    """Entries that follow from a leader's items and are not there, and the other way round.

    But for what a split has left behind: that goes when it comes due.
    """
    wrong: set[bytes] = set()
    for pod in cluster.pods:
        assert pod.node is not None
        for hosted in pod.partitions.values():
            state = hosted.state
            if state is None or state.is_of_index or not hosted.may_write:
                continue
            held = state.descriptor.range
            found = {
                key
                for key, _ in pod.store.cursor("expiries", *partition_bounds(hosted.partition_id))
                if held.start <= hash_of(expiry.read_key(key).item_key) < held.end
            }
            family, start, end = state.owned_ranges()[0]
            follows = set()
            for key, stored in pod.store.cursor(family, start, end):
                second = second_of(orjson.loads(payload_of(key, stored)), attribute)
                if second is not None:
                    follows.add(entry_key(hosted.partition_id, second, key))
            wrong |= follows ^ found
    return wrong


def is_filled(cluster: SmallCluster) -> bool:
    followers = [
        hosted.state.follower(EXPIRIES) for hosted in replicas(cluster) if hosted.state is not None
    ]
    return all(each is not None and each.filled is None for each in followers)


def test_what_has_ended_goes_with_its_index_entries_on_every_replica() -> None:
    async def run() -> None:
        async with SmallCluster() as cluster:
            await cluster.create_table(
                AttributeDefinitions=attributes(pk="S", g="S"),
                GlobalSecondaryIndexes=[index("by-g", "g")],
            )
            await enable(cluster)
            g = {"g": {"S": "x"}}
            await put(cluster, "in a second", now() + 2, **g)
            await put(cluster, "in an hour", now() + HOUR, **g)
            await put(cluster, "never", None, **g)
            assert await names(cluster) == {"in a second", "in an hour", "never"}

            for options in ({"ConsistentRead": True}, {}, {"IndexName": "by-g"}):
                await await_names(cluster, {"in an hour", "never"}, **options)
            await cluster.until(lambda: agree(cluster))
            assert missing(cluster) == set()
            leader = cluster.leader()
            assert leader.node is not None
            report = leader.node.requests.report()["partitions"][0]["time_to_live"]
            assert (report["deleted"], report["filled"]) == (1, True)

    asyncio.run(run())


def test_items_that_were_there_are_taken_in_also_by_the_next_leader() -> None:
    async def run() -> None:
        async with SmallCluster() as cluster:
            await cluster.create_table()
            many = 12 * SLICE_ENTRIES
            later = {f"later {number}": now() + HOUR for number in range(many)}
            await put_many(cluster, later | {f"over {number}": now() - 5 for number in range(50)})
            await enable(cluster)
            leader = cluster.leader()
            await leader.kill()
            await cluster.until(cluster.has_leader)
            await put(cluster, "meanwhile", now() + HOUR)
            await leader.start()
            await cluster.until(lambda: is_filled(cluster))

            await await_names(cluster, later.keys() | {"meanwhile"}, ConsistentRead=True)
            await cluster.until(lambda: agree(cluster))
            assert missing(cluster) == set()

    asyncio.run(run())


def test_the_halves_of_a_split_delete_each_its_own() -> None:
    async def run() -> None:
        async with SmallCluster() as cluster:
            await cluster.create_table()
            await enable(cluster)
            over = {f"over {number}": now() + 3 for number in range(40)}
            living = {f"living {number}": now() + HOUR for number in range(40)}
            await put_many(cluster, over | living)
            body = {"at_hash": f"{HASH_SPACE // 2:017x}", "child_id": 90}
            await cluster.ask(cluster.leader().node_id, 1, OperationCode.SPLIT, body)
            await cluster.until(lambda: cluster.has_leader(90))
            await put(cluster, "after the split", now() + HOUR)

            await await_names(cluster, {*living, "after the split"}, ConsistentRead=True)
            await cluster.until(lambda: is_filled(cluster) and agree(cluster))
            assert missing(cluster) == set()
            # The left half clears away what was due of what went to the right one.
            pod = cluster.leader()
            due = expiry.due_bounds(1, now())
            await cluster.until(lambda: not list(pod.store.cursor("expiries", *due)))

    asyncio.run(run())


def test_an_index_that_ends_is_emptied_on_every_replica_alike() -> None:
    async def run() -> None:
        async with SmallCluster() as cluster:
            await cluster.create_table()
            await enable(cluster)
            await put_many(cluster, {f"{number}": now() + HOUR for number in range(30)})
            await enable(cluster, on=False)
            await cluster.until(lambda: agree(cluster))
            pod = cluster.leader()
            assert list(pod.store.cursor("expiries", *partition_bounds(1))) == []

            await put(cluster, "until", None, until={"N": str(now() + HOUR)})
            await enable(cluster, "until")
            await cluster.until(lambda: is_filled(cluster) and agree(cluster))
            assert missing(cluster, "until") == set()
            assert len(list(pod.store.cursor("expiries", *partition_bounds(1)))) == 1

    asyncio.run(run())


def test_nothing_is_swept_while_an_index_is_too_far_behind() -> None:
    """Clients are throttled then, and the service is no better."""

    async def run() -> None:
        async with SmallCluster() as cluster:
            await cluster.create_table()
            await enable(cluster)
            table = cluster.catalog.tables["Music"]
            for pod in cluster.pods:
                assert pod.node is not None
                pod.node.feeder.late = lambda *_: object()  # type: ignore[method-assign]
            leader = cluster.leader()
            hosted = leader.partitions[1]
            assert leader.node is not None
            place = ClusterPlace(hosted, leader.node.host, leader.node.feeder, {})
            assert place.table() is None
            for pod in cluster.pods:
                assert pod.node is not None
                pod.node.feeder.late = lambda *_: None  # type: ignore[method-assign]
            assert place.table() == table

    asyncio.run(run())


def test_a_damaged_item_has_its_replica_rebuilt_and_goes_by_the_next_leader(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def run() -> None:
        async with SmallCluster() as cluster:
            await cluster.create_table()
            await enable(cluster)
            await put(cluster, "a", now() + 2)
            leader = cluster.leader()
            hosted = leader.partitions[1]
            assert hosted.state is not None
            ((key, value),) = leader.store.cursor(*hosted.state.owned_ranges()[0])
            leader.store.write([("items", key, value[:-1] + b"!")], sync=True)

            await cluster.until(lambda: "is rebuilt from its peers" in caplog.text)
            await await_names(cluster, set(), ConsistentRead=True)
            await cluster.until(lambda: agree(cluster))

    asyncio.run(run())
