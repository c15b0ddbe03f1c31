"""A gateway over three pods: one answer, whichever partitions it comes from."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from small_cluster import SmallCluster
from stator_core.errors import (
    ConditionalCheckFailedException,
    ResourceNotFoundException,
    ThrottlingException,
    UnknownOperationException,
    ValidationException,
)
from stator_node.cluster_router import merge_batch, places_of
from stator_node.operation_codes import OperationCode
from stator_node.pending import Pending

HALF = 1 << 63


def item(number: int) -> dict:
    return {"pk": {"S": f"key-{number}"}, "n": {"N": str(number)}}


async def split_in_two(cluster: SmallCluster) -> None:
    leader = cluster.leader().node_id
    body = {"at_hash": f"{HALF:017x}", "child_id": 2}
    await cluster.ask(leader, 1, OperationCode.SPLIT, body)
    await cluster.until(lambda: cluster.has_leader(2))
    await cluster.until(
        lambda: (
            len(cluster.view.partitions_of(cluster.view.tables["Music"].identifier, 0, 2 * HALF))
            == 2
        )
    )


def test_items_are_written_and_read_through_the_leader() -> None:
    async def run() -> None:
        async with SmallCluster() as cluster:
            await cluster.create_table()
            await cluster.execute("PutItem", TableName="Music", Item=item(1))
            read = await cluster.execute(
                "GetItem", TableName="Music", Key={"pk": {"S": "key-1"}}, ConsistentRead=True
            )
            assert read == {"Item": item(1)}
            with pytest.raises(ConditionalCheckFailedException):
                await cluster.execute(
                    "PutItem",
                    TableName="Music",
                    Item=item(1),
                    ConditionExpression="attribute_not_exists(pk)",
                )

    asyncio.run(run())


def test_mistakes_are_answered_by_the_gateway_in_dynamodbs_words() -> None:
    async def run() -> None:
        async with SmallCluster() as cluster:
            await cluster.create_table()
            with pytest.raises(ResourceNotFoundException):
                await cluster.execute("GetItem", TableName="Nothing", Key={"pk": {"S": "a"}})
            with pytest.raises(ValidationException, match="does not match the schema"):
                await cluster.execute("GetItem", TableName="Music", Key={"pk": {"N": "1"}})
            with pytest.raises(UnknownOperationException):
                await cluster.execute("MakeTea")

    asyncio.run(run())


def test_a_scan_and_batches_over_two_partitions_see_every_item_once() -> None:
    async def run() -> None:
        async with SmallCluster() as cluster:
            await cluster.create_table()
            await split_in_two(cluster)
            for start in range(0, 40, 20):
                puts = [{"PutRequest": {"Item": item(n)}} for n in range(start, start + 20)]
                written = await cluster.execute("BatchWriteItem", RequestItems={"Music": puts})
                assert written == {"UnprocessedItems": {}}
            whole = await cluster.execute("Scan", TableName="Music", ConsistentRead=True)
            assert whole["Count"] == whole["ScannedCount"] == 40
            assert "LastEvaluatedKey" not in whole
            paged, start_key = [], None
            while True:
                start = {} if start_key is None else {"ExclusiveStartKey": start_key}
                page = await cluster.execute(
                    "Scan", TableName="Music", Limit=7, ConsistentRead=True, **start
                )
                paged += page["Items"]
                start_key = page.get("LastEvaluatedKey")
                if start_key is None:
                    break
            assert paged == whole["Items"]
            segments = [
                await cluster.execute(
                    "Scan", TableName="Music", Segment=n, TotalSegments=3, ConsistentRead=True
                )
                for n in range(3)
            ]
            assert [each for page in segments for each in page["Items"]] == whole["Items"]
            wanted = [{"pk": {"S": f"key-{n}"}} for n in range(45)]
            found = await cluster.execute(
                "BatchGetItem", RequestItems={"Music": {"Keys": wanted, "ConsistentRead": True}}
            )
            assert len(found["Responses"]["Music"]) == 40
            assert found["UnprocessedKeys"] == {}

    asyncio.run(run())


def test_what_a_partition_is_throttled_for_goes_back_unless_it_is_all(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def run() -> None:
        async with SmallCluster() as cluster:
            await cluster.create_table()
            await split_in_two(cluster)
            throttled = {1}
            send = cluster.errands.send

            def slow(identifier: int, places: list[int], *rest: Any, **how: Any) -> Pending[bytes]:
                partition = cluster.view.partition_of(identifier, places[0])
                if partition is None or partition.partition_id not in throttled:
                    return send(identifier, places, *rest, **how)
                refused: Pending[bytes] = Pending()
                refused.fail(ThrottlingException("an index is behind"))
                return refused

            monkeypatch.setattr(cluster.errands, "send", slow)
            puts = [{"PutRequest": {"Item": item(n)}} for n in range(20)]
            answer = await cluster.execute("BatchWriteItem", RequestItems={"Music": puts})
            left = answer["UnprocessedItems"]["Music"]
            assert 0 < len(left) < len(puts)
            assert all(each in puts for each in left)
            throttled.add(2)
            with pytest.raises(ThrottlingException):
                await cluster.execute("BatchWriteItem", RequestItems={"Music": puts})
            throttled.clear()
            answer = await cluster.execute("BatchWriteItem", RequestItems={"Music": left})
            assert answer["UnprocessedItems"] == {}
            scanned = await cluster.execute("Scan", TableName="Music", ConsistentRead=True)
            assert scanned["Count"] == len(puts)

    asyncio.run(run())


def test_parts_of_a_batch_become_one_answer() -> None:
    capacity = {"TableName": "T", "CapacityUnits": 1.0}
    parts = [
        {
            "Responses": {"T": [1]},
            "UnprocessedKeys": {"T": {"Keys": ["a"], "ConsistentRead": True}},
            "ConsumedCapacity": [capacity],
        },
        {
            "Responses": {"T": [2], "U": [3]},
            "UnprocessedKeys": {"T": {"Keys": ["b"], "ConsistentRead": True}},
            "ConsumedCapacity": [capacity],
        },
    ]

    merged = merge_batch(parts)

    assert merged == (
        b'{"Responses":{"T":[1,2],"U":[3]},'
        b'"UnprocessedKeys":{"T":{"Keys":["a","b"],"ConsistentRead":true}},'
        b'"ConsumedCapacity":[{"TableName":"T","CapacityUnits":2.0}]}'
    )


@pytest.mark.parametrize(
    "ranges, places",
    [
        ([], (0, 0)),
        ([(b"\0\0\0\7", b"\0\0\0\10")], (0, 1 << 64)),
        (
            [(b"\0\0\0\7" + b"\1" * 8, b"\0\0\0\7" + b"\2" * 8)],
            (0x0101010101010101, 0x0202020202020202),
        ),
        ([(b"\0\0\0\7" + b"\1" * 8 + b"key", b"\0\0\0\10")], (0x0101010101010101, 1 << 64)),
        ([(b"\0\0\0\7", b"\0\0\0\7" + b"\2" * 8 + b"k")], (0, 0x0202020202020203)),
    ],
)
def test_the_hashes_of_a_walk_follow_from_its_keys(
    ranges: list[tuple[bytes, bytes]], places: tuple[int, int]
) -> None:
    assert places_of(ranges) == places
