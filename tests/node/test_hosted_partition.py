"""One replica's life: it restarts where it was, and is rebuilt where it cannot be trusted."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import pytest

from small_cluster import Pod, SmallCluster
from stator_core.errors import InternalServerError
from stator_core.raft.messages import AppendEntries, Message, TimeoutNow
from stator_node.hosted_partition import HostedPartition
from stator_node.raft_commit import OutcomeUnknown


async def put(cluster: SmallCluster, number: int) -> None:
    """Put an item; again if nobody could say whether it was put."""
    item: dict[str, Any] = {"pk": {"S": f"key-{number}"}, "n": {"N": str(number)}}
    for _ in range(3):
        with contextlib.suppress(InternalServerError):
            await cluster.execute("PutItem", TableName="Music", Item=item)
            return
    raise AssertionError("no leader took the write")


def content(pod: Pod) -> list[tuple[bytes, bytes]]:
    return list(pod.store.cursor("items", b"", b"\xff"))


def test_every_acknowledged_write_is_there_after_all_pods_lost_power() -> None:
    async def run() -> None:
        async with SmallCluster() as cluster:
            await cluster.create_table()
            for number in range(25):
                await put(cluster, number)
            for pod in cluster.pods:
                await pod.kill()
            for pod in cluster.pods:
                await pod.start()
            await cluster.until(cluster.has_leader)
            read = await cluster.execute("Scan", TableName="Music", ConsistentRead=True)
            assert {item["n"]["N"] for item in read["Items"]} == {str(n) for n in range(25)}

    asyncio.run(run())


def test_a_pod_that_starts_again_stamps_above_all_that_it_has_applied() -> None:
    """Wherever its wall clock is set by then. The simulator sets it back."""

    async def run() -> None:
        async with SmallCluster() as cluster:
            await cluster.create_table()
            for number in range(5):
                await put(cluster, number)
            pod = cluster.leader()
            newest = pod.partitions[1].log.newest_timestamp
            assert newest > 0
            await pod.kill()
            await pod.start()
            assert pod.node is not None
            applied = pod.partitions[1].log
            assert pod.node.host.stamps.last >= applied.newest_timestamp > 0
            # Python 3.11 leaves a socket open that it is about to accept when its server is closed.
            met = [cluster.links, *(each.node.links for each in cluster.pods if each.node)]
            others = [links for links in met if links is not pod.node.links]
            await cluster.until(lambda: all(links.is_up(pod.node_id) for links in others))

    asyncio.run(run())


def test_writes_go_on_when_the_leader_is_gone_and_it_catches_up_when_it_is_back() -> None:
    async def run() -> None:
        async with SmallCluster() as cluster:
            await cluster.create_table()
            await put(cluster, 0)
            old = cluster.leader()
            await old.kill()
            await put(cluster, 1)
            assert cluster.leader() is not old
            await old.start()
            new = cluster.leader()
            await cluster.until(lambda: content(old) == content(new))

    asyncio.run(run())


def test_a_replica_whose_state_is_damaged_is_rebuilt_from_its_peers() -> None:
    async def run() -> None:
        async with SmallCluster() as cluster:
            await cluster.create_table()
            for number in range(10):
                await put(cluster, number)
            leader = cluster.leader()
            damaged = next(pod for pod in cluster.pods if pod is not leader)
            assert damaged.node is not None
            await cluster.until(lambda: content(damaged) == content(leader))
            key, value = content(damaged)[0]
            damaged.store.write([("items", key, value[:-1] + b"!")], sync=True)
            damaged.node.host.rebuild(damaged.partitions[1])
            assert damaged.partitions[1].rebuilding
            await put(cluster, 10)
            await cluster.until(lambda: not damaged.partitions[1].rebuilding)
            await cluster.until(lambda: content(damaged) == content(leader))

    asyncio.run(run())


def test_no_write_is_taken_without_a_majority() -> None:
    async def run() -> None:
        async with SmallCluster() as cluster:
            await cluster.create_table()
            await put(cluster, 0)
            leader = cluster.leader()
            for pod in cluster.pods:
                if pod is not leader:
                    await pod.kill()
            await cluster.until(lambda: not cluster.has_leader())
            for pod in cluster.pods:
                if pod is not leader:
                    await pod.start()
            await cluster.until(cluster.has_leader)
            await put(cluster, 1)
            read = await cluster.execute("Scan", TableName="Music", ConsistentRead=True)
            assert read["Count"] == 2

    asyncio.run(run())


def test_a_write_of_a_leader_that_is_deposed_is_done_once_and_not_in_doubt(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The next leader's log has another entry in its place: so it is asked for again there."""

    async def run() -> None:
        async with SmallCluster() as cluster:
            await cluster.create_table()
            await put(cluster, 0)
            old = cluster.leader()
            assert old.node is not None
            host, hosted = old.node.host, old.partitions[1]
            send = host.send

            def send_no_entries(partition: HostedPartition, message: Message) -> None:
                if not (isinstance(message, AppendEntries) and message.entries):
                    send(partition, message)

            monkeypatch.setattr(host, "send", send_no_entries)
            writing = asyncio.create_task(
                cluster.execute(
                    "UpdateItem",
                    TableName="Music",
                    Key={"pk": {"S": "key-0"}},
                    UpdateExpression="ADD n :one",
                    ExpressionAttributeValues={":one": {"N": "1"}},
                    ReturnValues="UPDATED_NEW",
                )
            )
            await cluster.until(lambda: hosted.commit.proposed)
            heir = min(hosted.configuration.voters - {hosted.replica_id})
            send(hosted, TimeoutNow(hosted.replica_id, heir, hosted.raft.term))
            await cluster.until(lambda: not hosted.raft.leads)
            monkeypatch.undo()
            assert (await writing)["Attributes"] == {"n": {"N": "1"}}
            assert hosted.commit.uncertain == 0

    asyncio.run(run())


def test_a_follower_that_hears_its_leader_gives_up_in_time_what_is_in_doubt() -> None:
    """Its election timer never runs out, so Raft alone would not have it look."""

    async def run() -> None:
        async with SmallCluster() as cluster:
            await cluster.create_table()
            await put(cluster, 0)
            follower = next(pod for pod in cluster.pods if pod is not cluster.leader())
            assert follower.node is not None
            hosted = follower.partitions[1]
            commit, term = hosted.commit, hosted.raft.term
            waiting = commit.answer_after(commit.stage(b"k", b"v", []), b"{}")
            group = commit.take()
            assert group is not None
            commit.was_proposed(1_000_000, term, group)
            commit.lead_no_more(follower.node.host.now(), term + 1)

            await cluster.until(lambda: waiting.done)
            assert isinstance(waiting.error, OutcomeUnknown)

    asyncio.run(run())
