"""Requests over many keys while partitions are cut and the gateway has not heard of it yet."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

from small_cluster import SmallCluster
from stator_core.entry_format import EntryKind
from stator_core.errors import InternalServerError
from stator_core.partition_changes import split_body
from stator_node.operation_codes import OperationCode
from stator_node.raft_commit import NotLeading

QUARTER = 1 << 62
ITEMS = 40


def item(number: int) -> dict[str, Any]:
    return {"pk": {"S": f"key-{number}"}, "n": {"N": str(number)}}


async def put_all(cluster: SmallCluster, numbers: range) -> None:
    """Put items; again where a leader was lost on the way, since a busy machine may be late."""
    puts = [{"PutRequest": {"Item": item(number)}} for number in numbers]
    for _ in range(3):
        with contextlib.suppress(InternalServerError):
            await cluster.execute("BatchWriteItem", RequestItems={"Music": puts})
            return
    raise AssertionError("no leader took the items")


async def cut_unheard(cluster: SmallCluster) -> asyncio.Task[None]:
    """Items in four partitions of which the view knows one; it goes on looking a moment later."""
    await cluster.create_table()
    for start in range(0, ITEMS, 20):
        await put_all(cluster, range(start, start + 20))
    cluster.supervising.cancel()
    for child_id, at_quarter in ((2, 2), (3, 1), (4, 3)):
        parent = 1 if at_quarter < 3 else 2
        body = {"at_hash": f"{at_quarter * QUARTER:017x}", "child_id": child_id}
        await cluster.ask(cluster.leader(parent).node_id, parent, OperationCode.SPLIT, body)
        await cluster.until(lambda child_id=child_id: cluster.has_leader(child_id))
    table = cluster.view.tables["Music"]
    assert len(cluster.view.partitions_of(table.identifier, 0, 4 * QUARTER)) == 1

    async def look_later() -> None:
        await asyncio.sleep(0.3)
        await cluster.view.run()

    return asyncio.get_running_loop().create_task(look_later())


def test_a_scan_by_an_old_map_sees_every_item_once() -> None:
    async def run() -> None:
        async with SmallCluster() as cluster:
            looking = await cut_unheard(cluster)
            page = await cluster.execute("Scan", TableName="Music", ConsistentRead=True)
            looking.cancel()
            numbers = sorted(int(each["n"]["N"]) for each in page["Items"])
            assert numbers == list(range(ITEMS))
            assert page["Count"] == ITEMS

    asyncio.run(run())


def test_a_batch_that_was_sorted_by_an_old_map_is_sorted_anew() -> None:
    async def run() -> None:
        async with SmallCluster() as cluster:
            looking = await cut_unheard(cluster)
            wanted = [{"pk": {"S": f"key-{n}"}} for n in range(ITEMS)]
            deletes = [{"DeleteRequest": {"Key": key}} for key in wanted[:20]]
            found, deleted = await asyncio.gather(
                cluster.execute(
                    "BatchGetItem",
                    RequestItems={"Music": {"Keys": wanted[20:], "ConsistentRead": True}},
                ),
                cluster.execute("BatchWriteItem", RequestItems={"Music": deletes}),
            )
            looking.cancel()
            numbers = sorted(int(each["n"]["N"]) for each in found["Responses"]["Music"])
            assert numbers == list(range(20, ITEMS))
            assert deleted == {"UnprocessedItems": {}}
            rest = await cluster.execute("Scan", TableName="Music", ConsistentRead=True)
            assert rest["Count"] == ITEMS - 20

    asyncio.run(run())


def test_a_late_follower_answers_an_eventual_scan_for_no_more_than_it_was_asked() -> None:
    """Its range is still the old, wide one: what lies behind the cut is asked of others."""

    async def run() -> None:
        async with SmallCluster() as cluster:
            await cluster.create_table()
            await put_all(cluster, range(20))
            leader = cluster.leader()
            late = next(pod for pod in cluster.pods if pod is not leader)
            await late.kill()
            body = {"at_hash": f"{2 * QUARTER:017x}", "child_id": 2}
            await cluster.ask(leader.node_id, 1, OperationCode.SPLIT, body)
            table = cluster.view.tables["Music"]
            await cluster.until(
                lambda: len(cluster.view.partitions_of(table.identifier, 0, 4 * QUARTER)) == 2
            )
            await late.start()
            page = await cluster.execute("Scan", TableName="Music")
            assert len({each["pk"]["S"] for each in page["Items"]}) == page["Count"]

    asyncio.run(run())


def test_a_write_that_comes_while_a_split_is_under_way_is_not_in_the_log_behind_it() -> None:
    """The child may have taken other writes of that key before such an entry is applied."""

    async def run() -> None:
        async with SmallCluster() as cluster:
            await cluster.create_table()
            pod = cluster.leader()
            hosted = pod.partitions[1]
            hosted.propose_change(EntryKind.SPLIT, split_body(2 * QUARTER, 2))
            group = hosted.commit.stage(b"\0\0\0\1" + b"\xff" * 8 + b"key", b"value", [])
            answer = hosted.commit.answer_after(group, b"{}")
            await cluster.until(lambda: answer.done)
            assert isinstance(answer.error, NotLeading)
            assert pod.store.get(b"\0\0\0\1" + b"\xff" * 8 + b"key") is None
            await cluster.until(lambda: cluster.has_leader(2))
            for number in range(10):
                await cluster.execute("PutItem", TableName="Music", Item=item(number))

    asyncio.run(run())
