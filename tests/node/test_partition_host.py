"""The replicas of one pod: made once, gone for good, and what peers send them."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace

import pytest

from small_cluster import FAST, Pod, SmallCluster
from stator_core import raft_message_format
from stator_core.entry_format import EntryKind, EntryRefused, encode_change
from stator_core.errors import InternalServerError
from stator_core.partition_descriptor import WHOLE_SPACE, new_partition
from stator_core.partition_state import PartitionState
from stator_core.raft.log import BOOTSTRAP_INDEX
from stator_core.raft.messages import HardState, Heartbeat, RequestVote
from stator_node.operation_codes import OperationCode
from stator_node.partition_host import PartitionHost
from stator_node.snapshot_transfer import Chunk, ChunkRefused
from stator_node.transport.frame_format import Hello, Status

HALF = 1 << 63
PEER = Hello("cluster-of-the-test", "n1", "node", "z1")


def host_of(pod: Pod) -> PartitionHost:
    assert pod.node is not None
    return pod.node.host


def content(pod: Pod) -> list[tuple[bytes, bytes]]:
    return list(pod.store.cursor("items", b"", b"\xff"))


def state_of(pod: Pod, partition_id: int = 1) -> PartitionState:
    state = pod.partitions[partition_id].state
    assert state is not None
    return state


def follower_of(cluster: SmallCluster) -> Pod:
    return next(pod for pod in cluster.pods if pod is not cluster.leader())


async def with_table(cluster: SmallCluster, items: int = 5) -> None:
    """A table with items, and no supervisor that could interfere."""
    await cluster.create_table()
    cluster.supervising.cancel()
    for number in range(items):
        item = {"pk": {"S": f"key-{number}"}}
        try:
            await cluster.execute("PutItem", TableName="Music", Item=item)
        except InternalServerError:  # On a slow machine the leader may change meanwhile: once more.
            await cluster.execute("PutItem", TableName="Music", Item=item)


async def split(cluster: SmallCluster) -> None:
    body = {"at_hash": f"{HALF:017x}", "child_id": 2}
    await cluster.ask(cluster.leader().node_id, 1, OperationCode.SPLIT, body)
    await cluster.until(lambda: cluster.has_leader(2))
    await cluster.until(lambda: all(2 in pod.partitions for pod in cluster.pods))


def test_to_be_asked_twice_to_create_a_partition_is_nothing() -> None:
    async def run() -> None:
        async with SmallCluster() as cluster:
            await with_table(cluster)
            pod = cluster.leader()
            before, state = pod.partitions[1], state_of(pod)
            asked: list[str] = []
            host_of(pod).create(state, lambda: asked.append("again"))
            assert asked == ["again"]
            assert pod.partitions[1] is before
            elsewhere = new_partition(9, "Music", 1, WHOLE_SPACE, ("somebody", "else"))
            host_of(pod).create(
                PartitionState(elsewhere, state.table), lambda: asked.append("not here")
            )
            assert asked == ["again", "not here"]
            assert 9 not in pod.partitions

    asyncio.run(run())


def test_a_destroyed_replica_is_gone_with_its_data_and_no_late_message_brings_it_back() -> None:
    async def run() -> None:
        async with SmallCluster() as cluster:
            await with_table(cluster)
            pod = follower_of(cluster)
            await cluster.until(lambda: content(pod) == content(cluster.leader()))
            replica_id = pod.partitions[1].replica_id
            state = state_of(pod)
            answer = await cluster.ask(
                pod.node_id, 1, OperationCode.DESTROY_REPLICA, {"replica_id": replica_id}
            )
            assert answer.status is Status.RESULT
            assert content(pod) == []
            await asyncio.sleep(0.2)  # Its leader goes on sending heartbeats meanwhile.
            assert 1 not in pod.partitions
            created: list[None] = []
            host_of(pod).create(state, lambda: created.append(None))
            assert created == [None]
            assert 1 not in pod.partitions
            await pod.kill()
            await pod.start()
            await asyncio.sleep(0.2)
            assert 1 not in pod.partitions

    asyncio.run(run())


def test_a_message_for_a_later_replica_waits_until_the_earlier_one_is_gone_from_the_disk() -> None:
    async def run() -> None:
        async with SmallCluster() as cluster:
            await with_table(cluster)
            pod = follower_of(cluster)
            host, old = host_of(pod), pod.partitions[1].replica_id
            gone: list[None] = []
            host.destroy(1, old, lambda: gone.append(None))
            message = raft_message_format.encode(Heartbeat(9, old + 10, 99, 9, 9))
            host.raft_received(PEER, 1, message)
            assert 1 not in pod.partitions
            await cluster.until(lambda: gone)
            host.raft_received(PEER, 1, message)
            assert pod.partitions[1].replica_id == old + 10

    asyncio.run(run())


def test_a_replica_that_is_asked_for_its_vote_before_it_is_made_votes_and_stands_by_it() -> None:
    """Where a snapshot of the parent passes over a split, nobody else would make the child."""

    async def run() -> None:
        async with SmallCluster() as cluster:
            await with_table(cluster)
            pod = follower_of(cluster)
            host, known = host_of(pod), pod.partitions[1].state
            assert known is not None
            mine = known.descriptor.replica_on(host.node_id)
            assert mine is not None
            candidate = next(r.replica_id for r in known.descriptor.voters if r != mine)
            vote = RequestVote(candidate, mine.replica_id, 9, 9, 9, pre_vote=False)
            host.raft_received(PEER, 2, raft_message_format.encode(vote))
            await cluster.until(lambda: host.partitions[2].log.hard_state().vote == candidate)

            state = replace(known, descriptor=replace(known.descriptor, partition_id=2))
            host.create(state, lambda: None)
            assert host.partitions[2].state == state
            assert host.partitions[2].log.hard_state() == HardState(9, candidate, BOOTSTRAP_INDEX)

    asyncio.run(run())


def test_only_a_replica_up_to_the_named_one_is_destroyed() -> None:
    async def run() -> None:
        async with SmallCluster() as cluster:
            await with_table(cluster)
            pod = follower_of(cluster)
            asked: list[None] = []
            host_of(pod).destroy(1, pod.partitions[1].replica_id - 1, lambda: asked.append(None))
            assert asked == [None]
            assert 1 in pod.partitions

    asyncio.run(run())


def test_a_replica_that_is_rebuilt_keeps_nothing_of_its_old_state() -> None:
    async def run() -> None:
        async with SmallCluster() as cluster:
            await with_table(cluster)
            pod = follower_of(cluster)
            await cluster.until(lambda: content(pod) == content(cluster.leader()))
            stray = content(pod)[0][0] + b"stray"
            pod.store.write([("items", stray, b"of a state that was not")], sync=True)
            host_of(pod).rebuild(pod.partitions[1])
            await cluster.until(lambda: not pod.partitions[1].rebuilding)
            await cluster.until(lambda: content(pod) == content(cluster.leader()))

    asyncio.run(run())


def chunk_of(state: PartitionState, sequence: int, *, until: int = 10_000) -> Chunk:
    """A piece of somebody's snapshot, the last one where `until` is of the past."""
    return Chunk("transfer", sequence, until, 0, [], state, None)


def test_chunks_are_refused_where_another_partition_here_owns_a_part() -> None:
    async def run() -> None:
        async with SmallCluster() as cluster:
            await with_table(cluster)
            whole = state_of(cluster.leader())
            await split(cluster)
            pod = follower_of(cluster)
            before = content(pod)
            with pytest.raises(ChunkRefused, match="partition 2 here still owns a part"):
                host_of(pod).chunk_received(1, chunk_of(whole, 0))
            assert not pod.partitions[1].rebuilding
            assert content(pod) == before

    asyncio.run(run())


@pytest.mark.parametrize(
    "partition_id,sequence,until,reason",
    [
        (7, 0, 10_000, "no replica of the partition is here"),
        (1, 3, 10_000, "not the chunk that comes next"),
    ],
)
def test_chunks_that_do_not_fit_change_nothing(
    partition_id: int, sequence: int, until: int, reason: str
) -> None:
    async def run() -> None:
        async with SmallCluster() as cluster:
            await with_table(cluster)
            pod = cluster.leader()
            before = content(pod)
            chunk = chunk_of(state_of(pod), sequence, until=until)
            with pytest.raises(ChunkRefused, match=reason):
                host_of(pod).chunk_received(partition_id, chunk)
            assert content(pod) == before
            assert pod is cluster.leader()

    asyncio.run(run())


def test_a_state_that_stands_already_counts_as_delivered() -> None:
    async def run() -> None:
        async with SmallCluster() as cluster:
            await with_table(cluster)
            pod = cluster.leader()
            before = content(pod)
            chunk = chunk_of(state_of(pod), 0, until=1)
            assert not host_of(pod).chunk_received(1, chunk)
            assert content(pod) == before
            assert not pod.partitions[1].rebuilding

    asyncio.run(run())


def test_a_pod_hands_over_all_that_it_leads() -> None:
    async def run() -> None:
        async with SmallCluster() as cluster:
            await with_table(cluster)
            await split(cluster)
            pod = cluster.leader()
            await cluster.until(lambda: not host_of(pod).transfer_all())
            await cluster.until(lambda: cluster.has_leader(1) and cluster.has_leader(2))
            assert cluster.leader(1) is not pod
            assert cluster.leader(2) is not pod
            host_of(pod).stop()
            assert not host_of(pod).transfer_all()

    asyncio.run(run())


def of_the_future(pod: Pod) -> bytes:
    """An entry of a kind that this version of the code has never heard of."""
    data = bytearray(encode_change(EntryKind.DESCRIBE, host_of(pod).stamps.next(0), b"{}"))
    data[1] = 99
    return bytes(data)


def test_a_replica_stops_at_an_entry_that_it_cannot_apply_and_says_so_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def run() -> None:
        async with SmallCluster() as cluster:
            await cluster.create_table("Films")
            await with_table(cluster)
            (music,) = [one for one in cluster.pods[0].partitions if one != 1]
            pod = cluster.leader(music)
            replicas = [one.partitions[music] for one in cluster.pods]
            applied = pod.partitions[music].log.applied
            pod.partitions[music].raft.propose(host_of(pod).now(), of_the_future(pod))
            host_of(pod).process_soon(pod.partitions[music])
            # The third never hears that the entry is committed: for that it takes two.
            await cluster.until(lambda: sum(one.stopped for one in replicas) == 2)
            await asyncio.sleep(1.0)  # elections, heartbeats: nothing more comes of it

            told = [record for record in caplog.records if record.levelno >= logging.ERROR]
            assert len(told) == 2
            assert all(
                f"partition {music}: this replica stops" in one.message
                and "entry kind 99 is unknown to this version" in one.message
                and one.exc_info is None
                for one in told
            )
            assert {one.log.applied for one in replicas} == {applied}
            assert not any(one.raft.leads or one.may_write for one in replicas)
            answer = await cluster.ask(pod.node_id, music, OperationCode.GET_ITEM, {})
            assert answer.status is Status.UNAVAILABLE
            with pytest.raises(ChunkRefused, match="stopped"):
                host_of(pod).chunk_received(music, chunk_of(state_of(pod, music), 0, until=99))
            await cluster.execute("PutItem", TableName="Films", Item={"pk": {"S": "a"}})

    asyncio.run(run())


def test_a_stopped_replica_changes_nothing_for_its_peers_and_goes_on_after_a_start() -> None:
    async def run() -> None:
        async with SmallCluster() as cluster:
            await with_table(cluster)
            pod = follower_of(cluster)

            def refuse() -> None:
                raise EntryRefused("of a newer version")

            host_of(pod)._guard(pod.partitions[1], refuse)
            assert pod.partitions[1].stopped
            await cluster.execute("PutItem", TableName="Music", Item={"pk": {"S": "later"}})
            await cluster.until(lambda: cluster.has_leader())
            last = cluster.leader().partitions[1].log.applied
            assert pod.partitions[1].log.applied < last

            await pod.kill()
            await pod.start()
            await cluster.until(lambda: pod.partitions[1].log.applied >= last)

    asyncio.run(run())


def test_a_stopped_replica_can_be_destroyed() -> None:
    async def run() -> None:
        async with SmallCluster() as cluster:
            await with_table(cluster)
            pod = follower_of(cluster)
            host, hosted = host_of(pod), pod.partitions[1]

            def refuse() -> None:
                raise EntryRefused("of a newer version")

            host._guard(hosted, refuse)
            gone: list[None] = []
            host.destroy(1, hosted.replica_id, lambda: gone.append(None))
            await cluster.until(lambda: gone)
            assert 1 not in pod.partitions
            assert content(pod) == []

    asyncio.run(run())


def test_garbled_messages_are_dropped() -> None:
    async def run() -> None:
        async with SmallCluster() as cluster:
            await with_table(cluster, items=0)
            host_of(cluster.leader()).raft_received(PEER, 1, b"what nobody sent")
            await cluster.execute("PutItem", TableName="Music", Item={"pk": {"S": "a"}})

    asyncio.run(run())


def test_a_replica_that_is_asked_for_its_vote_while_it_is_made_has_its_state() -> None:
    """An empty one in its place would stand behind its log, with entries that it cannot apply."""

    async def run() -> None:
        async with SmallCluster() as cluster:
            await with_table(cluster)
            pod = follower_of(cluster)
            nodes = tuple(each.node_id for each in cluster.pods)
            descriptor = new_partition(7, "Other", 7, WHOLE_SPACE, nodes)
            mine = descriptor.replica_on(pod.node_id)
            assert mine is not None
            candidate = next(r for r in descriptor.replicas if r is not mine)
            host, made = host_of(pod), asyncio.Event()

            host.create(PartitionState(descriptor, state_of(pod).table), made.set)
            assert 7 not in pod.partitions  # not yet on the disk
            vote = RequestVote(candidate.replica_id, mine.replica_id, 2, 1, 1, pre_vote=False)
            peer = Hello("cluster-of-the-test", candidate.node_id, "node", "z1")
            host.raft_received(peer, 7, raft_message_format.encode(vote))
            await made.wait()

            assert pod.partitions[7].state == PartitionState(descriptor, state_of(pod).table)

    asyncio.run(run())


def test_quiet_partitions_are_not_looked_at_and_wake_when_their_leader_is_gone() -> None:
    async def run() -> None:
        async with SmallCluster(settings=replace(FAST, quiesce_after=100)) as cluster:
            await cluster.create_table()
            nodes = [pod.node for pod in cluster.pods if pod.node is not None]
            await cluster.until(lambda: all(node.host.timed == 0 for node in nodes))
            leader = cluster.leader()
            await leader.kill()
            left = [pod.node for pod in cluster.pods if pod.node is not None]
            await cluster.until(cluster.has_leader)
            await cluster.execute("PutItem", TableName="Music", Item={"pk": {"S": "a"}})

            await leader.start()
            await cluster.until(lambda: all(node.host.timed == 0 for node in left))

    asyncio.run(run())
