"""Two partitions become one while clients read and write, and what keeps them apart."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Any

import orjson

from small_cluster import SmallCluster
from stator_core.entry_format import EntryKind
from stator_core.errors import InternalServerError
from stator_core.log_format import REPLICA_MAX
from stator_core.partition_merge import freeze_body, refuse_body
from stator_core.placement_types import MergePartitions
from stator_node.hosted_partition import HostedPartition
from stator_node.operation_codes import OperationCode
from stator_node.storage.log_store import read_replica, stored_partitions
from stator_node.transport.frame_format import Status

MIDDLE = 1 << 63
ITEMS = 40


def item(number: int) -> dict[str, Any]:
    return {"pk": {"S": f"key-{number}"}, "n": {"N": str(number)}}


async def put(cluster: SmallCluster, numbers: range, **more: Any) -> None:
    """Put items; again where a leader was lost on the way, since a busy machine may be late."""
    for number in numbers:
        for _ in range(3):
            with contextlib.suppress(InternalServerError):
                await cluster.execute("PutItem", TableName="Music", Item=item(number) | more)
                break
        else:
            raise AssertionError(f"no leader took item {number}")


async def split(cluster: SmallCluster, parent: int = 1, child: int = 2, at: int = MIDDLE) -> None:
    body = {"at_hash": f"{at:017x}", "child_id": child}
    await cluster.ask(cluster.leader(parent).node_id, parent, OperationCode.SPLIT, body)
    await cluster.until(lambda: cluster.has_leader(child))


def states(cluster: SmallCluster, partition_id: int) -> list[HostedPartition]:
    return [
        pod.partitions[partition_id]
        for pod in cluster.pods
        if pod.node is not None and partition_id in pod.partitions
    ]


async def merge(cluster: SmallCluster, left_id: int = 1, right_id: int = 2) -> None:
    """Ask for it as the planner does; again where the right one's leader has just changed."""
    async with asyncio.timeout(20):
        while True:
            await cluster.until(
                lambda: cluster.has_leader(left_id) and cluster.has_leader(right_id)
            )
            sides = [cluster.leader(each).partitions[each].state for each in (left_id, right_id)]
            left, right = [each.descriptor for each in sides if each is not None]
            action = MergePartitions(
                left_id, left.table_identifier, left.epochs, right_id, right.epochs
            )
            if await cluster.supervisor.carry_out(action):
                return
            await asyncio.sleep(0.05)  # The view is about to hear of the leader.


async def merged(cluster: SmallCluster, right_id: int = 2) -> None:
    """Wait until no pod holds the right one any more.

    A busy machine changes leaders, and a merge that waits for too long is given up: asked again.
    """
    async with asyncio.timeout(60):
        while states(cluster, right_id):
            await asyncio.sleep(1.0 if is_given_up(cluster, right_id) else 0.02)
            if is_given_up(cluster, right_id) and cluster.has_leader(1):
                await merge(cluster, 1, right_id)


def is_given_up(cluster: SmallCluster, right_id: int) -> bool:
    """Whether the right one is led and serves, as if nobody had asked."""
    if not cluster.has_leader(right_id):
        return False
    state = cluster.leader(right_id).partitions[right_id].state
    return state is not None and state.frozen_for is None


async def until(is_so: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(20):
        while not await is_so():  # noqa: ASYNC110  # Nobody tells.
            await asyncio.sleep(0.05)


async def numbers_of(cluster: SmallCluster, **members: Any) -> list[int]:
    page = await cluster.execute("Scan", TableName="Music", ConsistentRead=True, **members)
    return sorted(int(each["n"]["N"]) for each in page["Items"])


def test_two_halves_become_one_and_every_item_is_there_and_can_be_written() -> None:
    async def run() -> None:
        async with SmallCluster() as cluster:
            await cluster.create_table()
            await put(cluster, range(ITEMS))
            await split(cluster)
            await merge(cluster)
            await merged(cluster)

            assert await numbers_of(cluster) == list(range(ITEMS))
            await put(cluster, range(ITEMS // 2, 2 * ITEMS))
            assert await numbers_of(cluster) == list(range(2 * ITEMS))
            for hosted in states(cluster, 1):
                assert hosted.state is not None
                held = hosted.state.descriptor.range
                assert (held.start, held.end) == (0, 2 * MIDDLE)
                assert hosted.state.absorbed == {2}

    asyncio.run(run())


def test_a_scan_by_an_old_map_sees_every_item_once() -> None:
    async def run() -> None:
        async with SmallCluster() as cluster:
            await cluster.create_table()
            await put(cluster, range(ITEMS))
            await split(cluster)
            await cluster.until(lambda: len(partitions_known(cluster)) == 2)
            asked: list[int] = []
            honest = cluster.router._partition

            async def first_then_merged(holder: int, place: int) -> Any:
                found = await honest(holder, place)
                if asked and len(asked) == 1:
                    await merge(cluster)
                    await merged(cluster)
                asked.append(place)
                return found

            cluster.router._partition = first_then_merged  # type: ignore[method-assign]
            assert await numbers_of(cluster) == list(range(ITEMS))
            assert asked == [0, MIDDLE]

    asyncio.run(run())


def partitions_known(cluster: SmallCluster) -> Any:
    table = cluster.view.tables["Music"]
    return cluster.view.partitions_of(table.identifier, 0, 2 * MIDDLE)


def test_clients_notice_nothing_but_a_wait() -> None:
    async def run() -> None:
        async with SmallCluster() as cluster:
            await cluster.create_table()
            await put(cluster, range(ITEMS))
            await split(cluster)
            written: dict[int, int] = {}
            going = True

            async def write() -> None:
                while going:
                    for number in range(ITEMS):
                        key = {"pk": {"S": f"key-{number}"}}
                        answer = await cluster.execute(
                            "UpdateItem",
                            TableName="Music",
                            Key=key,
                            UpdateExpression="ADD c :one",
                            ExpressionAttributeValues={":one": {"N": "1"}},
                            ReturnValues="ALL_NEW",
                        )
                        written[number] = written.get(number, 0) + 1
                        assert int(answer["Attributes"]["c"]["N"]) == written[number]

            writing = asyncio.get_running_loop().create_task(write())
            await cluster.until(lambda: len(written) == ITEMS)
            await merge(cluster)
            await merged(cluster)
            before = sum(written.values())
            await cluster.until(lambda: sum(written.values()) > before + ITEMS)
            going = False
            await writing
            page = await cluster.execute("Scan", TableName="Music", ConsistentRead=True)
            found = {int(each["n"]["N"]): int(each["c"]["N"]) for each in page["Items"]}
            assert found == written

    asyncio.run(run())


def test_no_pod_remembers_more_of_the_right_one_than_that_it_is_gone() -> None:
    async def run() -> None:
        async with SmallCluster() as cluster:
            await cluster.create_table()
            await split(cluster)
            await merge(cluster)
            await merged(cluster)

            def is_forgotten() -> bool:
                records = [read_replica(pod.store, 2) for pod in cluster.pods]
                return all(
                    each is not None
                    and each.destroyed
                    and each.replica_id == REPLICA_MAX
                    and each.state is None
                    for each in records
                )

            await cluster.until(is_forgotten)
            pod = cluster.pods[0]
            await pod.kill()
            await pod.start()
            assert set(stored_partitions(pod.store)) == {1, 2}
            assert set(pod.partitions) == {1}, "the tombstone holds"

    asyncio.run(run())


def test_a_pod_that_was_away_takes_part_when_it_is_back() -> None:
    """Its replica of the right one waits, frozen, until its replica of the left one comes to it."""

    async def run() -> None:
        async with SmallCluster() as cluster:
            await cluster.create_table()
            await put(cluster, range(ITEMS))
            await split(cluster)
            cluster.supervising.cancel()
            leader, hosted = cluster.leader(1), cluster.leader(2).partitions[2]
            left = leader.partitions[1].state
            assert left is not None
            body = freeze_body(left.descriptor.generation, left.descriptor.range_epoch)
            hosted.propose_change(EntryKind.FREEZE, body)
            await cluster.until(
                lambda: [h.is_durably_frozen for h in states(cluster, 2)] == 3 * [True]
            )
            away = next(pod for pod in cluster.pods if pod is not leader)
            await away.kill()
            body = {"right_id": 2}
            await cluster.ask(leader.node_id, 1, OperationCode.TAKE_OVER, body)
            await cluster.until(lambda: not states(cluster, 2))
            await put(cluster, range(ITEMS, 2 * ITEMS))
            await away.start()
            assert 2 in away.partitions
            await cluster.until(lambda: not states(cluster, 2))
            mine = away.partitions[1]
            await cluster.until(lambda: mine.log.applied >= leader.partitions[1].log.applied)
            assert mine.state == leader.partitions[1].state
            whole = [list(pod.store.cursor("items", b"", b"\xff")) for pod in (away, leader)]
            assert whole[0] == whole[1]

    asyncio.run(run())


def test_a_frozen_partition_answers_nobody_but_who_reads_eventually() -> None:
    async def run() -> None:
        async with SmallCluster() as cluster:
            await cluster.create_table()
            await put(cluster, range(ITEMS))
            await split(cluster)
            cluster.supervising.cancel()
            leader = cluster.leader(2)
            right, left = leader.partitions[2].state, cluster.leader(1).partitions[1].state
            assert right is not None
            assert left is not None
            body = {"left": [1, left.descriptor.range_epoch]}
            answer = await cluster.ask(leader.node_id, 2, OperationCode.FREEZE, body)
            assert answer.status is Status.RESULT
            await cluster.until(lambda: all(h.is_durably_frozen for h in states(cluster, 2)))

            scan = {"TableName": "Music", "ConsistentRead": True}
            answer = await cluster.ask(leader.node_id, 2, OperationCode.SCAN, scan)
            assert answer.status is Status.UNAVAILABLE
            right = leader.partitions[2].state
            assert right is not None
            epochs = [right.descriptor.range_epoch, right.descriptor.members_epoch]
            for code, members in (
                (OperationCode.SPLIT, {"at_hash": f"{MIDDLE + 9:017x}", "child_id": 9}),
                (OperationCode.ADD_LEARNER, {"node_id": "n9"}),
                (OperationCode.CHANGE_MEMBERS, {"remove": 1, "epochs": epochs}),
                (OperationCode.FREEZE, {"left": [1, 1]}),
            ):
                answer = await cluster.ask(leader.node_id, 2, code, members)
                assert answer.status is Status.UNAVAILABLE, code.name
            await cluster.view.poll()
            page = await cluster.execute("Scan", TableName="Music")
            assert page["Count"] == ITEMS

            # Nobody comes for it: the left one's epoch ends, and that is the evidence to thaw.
            left_leader = cluster.leader(1)
            hosted = left_leader.partitions[1]
            hosted.propose_change(EntryKind.REFUSE_MERGE, refuse_body(left.descriptor.range_epoch))
            cluster.supervising = asyncio.get_running_loop().create_task(cluster.supervisor.run())
            await cluster.until(lambda: cluster.has_leader(2))
            await put(cluster, range(ITEMS))
            assert await numbers_of(cluster) == list(range(ITEMS))

    asyncio.run(run())


def test_what_nobody_takes_over_in_time_serves_again() -> None:
    """One of three nodes is away when it is frozen, so no merge can follow."""

    async def run() -> None:
        async with SmallCluster() as cluster:
            await cluster.create_table()
            await put(cluster, range(ITEMS))
            await split(cluster)
            led = {cluster.leader(1).node_id, cluster.leader(2).node_id}
            away = next(pod for pod in cluster.pods if pod.node_id not in led)
            await away.kill()
            await merge(cluster)
            await cluster.until(lambda: not cluster.has_leader(2))
            await cluster.until(lambda: cluster.has_leader(2))
            await put(cluster, range(ITEMS))
            assert await numbers_of(cluster) == list(range(ITEMS))
            await away.start()

    asyncio.run(run())


def test_a_table_with_a_stream_keeps_its_partitions() -> None:
    async def run() -> None:
        async with SmallCluster() as cluster:
            stream = {"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"}
            await cluster.create_table(StreamSpecification=stream)
            await split(cluster)
            answer = await cluster.ask(
                cluster.leader(2).node_id, 2, OperationCode.FREEZE, {"left": [1, 2]}
            )
            assert orjson.loads(answer.body)["reason"] == "a partition with a stream does not merge"

    asyncio.run(run())


def test_a_write_that_comes_while_a_freeze_is_under_way_is_not_in_the_log_behind_it() -> None:
    async def run() -> None:
        async with SmallCluster() as cluster:
            await cluster.create_table()
            await split(cluster)
            cluster.supervising.cancel()
            pod = cluster.leader(2)
            hosted = pod.partitions[2]
            left = cluster.leader(1).partitions[1].state
            assert left is not None
            assert hosted.state is not None
            epoch = hosted.state.descriptor.range_epoch
            key = b"\0\0\0\1" + b"\xff" * 8 + b"key"
            hosted.propose_change(EntryKind.FREEZE, freeze_body(left.descriptor.generation, epoch))
            group = hosted.commit.stage(key, b"value", [])
            answer = hosted.commit.answer_after(group, b"{}")
            await cluster.until(lambda: answer.done)
            assert answer.error is not None
            await cluster.until(lambda: all(h.is_durably_frozen for h in states(cluster, 2)))
            group = hosted.commit.stage(key, b"value", [])
            later = hosted.commit.answer_after(group, b"{}")
            await cluster.until(lambda: later.done)
            assert later.error is not None
            assert pod.store.get(key) is None

    asyncio.run(run())


INDEXED: dict[str, Any] = {
    "AttributeDefinitions": [
        {"AttributeName": "pk", "AttributeType": "S"},
        {"AttributeName": "n", "AttributeType": "N"},
    ],
    "GlobalSecondaryIndexes": [
        {
            "IndexName": "ByN",
            "KeySchema": [{"AttributeName": "n", "KeyType": "HASH"}],
            "Projection": {"ProjectionType": "ALL"},
        }
    ],
}


def test_an_index_has_all_changes_of_both_sides() -> None:
    async def run() -> None:
        async with SmallCluster() as cluster:
            await cluster.create_table(**INDEXED)
            await put(cluster, range(ITEMS))
            await split(cluster, 1, 9)
            await put(cluster, range(ITEMS, 2 * ITEMS))
            await merge(cluster, 1, 9)
            await merged(cluster, 9)
            await put(cluster, range(2 * ITEMS, 3 * ITEMS))

            async def is_indexed() -> bool:
                page = await cluster.execute("Scan", TableName="Music", IndexName="ByN")
                numbers = sorted(int(each["n"]["N"]) for each in page["Items"])
                return numbers == list(range(3 * ITEMS))

            await until(is_indexed)

    asyncio.run(run())


def test_partitions_of_an_index_merge_as_well() -> None:
    async def run() -> None:
        async with SmallCluster() as cluster:
            await cluster.create_table(**INDEXED)
            await put(cluster, range(ITEMS))
            await split(cluster, 2, 9)
            await put(cluster, range(ITEMS, 2 * ITEMS))
            await merge(cluster, 2, 9)
            await merged(cluster, 9)

            async def is_indexed() -> bool:
                page = await cluster.execute("Scan", TableName="Music", IndexName="ByN")
                return bool(page["Count"] == 2 * ITEMS)

            await until(is_indexed)

    asyncio.run(run())


def test_items_of_the_right_side_end_on_time() -> None:
    async def run() -> None:
        async with SmallCluster() as cluster:
            await cluster.create_table()
            await cluster.execute(
                "UpdateTimeToLive",
                TableName="Music",
                TimeToLiveSpecification={"Enabled": True, "AttributeName": "ends"},
            )
            await put(cluster, range(ITEMS), ends={"N": "99999999999"})
            await split(cluster)
            await merge(cluster)
            await merged(cluster)
            assert cluster.pods[0].node is not None
            now = int(cluster.pods[0].node.host.clock.now())
            await put(cluster, range(ITEMS, ITEMS + 5), ends={"N": "99999999999"})
            await put(cluster, range(ITEMS), ends={"N": str(now - 5)})

            async def are_gone() -> bool:
                return await numbers_of(cluster) == list(range(ITEMS, ITEMS + 5))

            await until(are_gone)

    asyncio.run(run())
