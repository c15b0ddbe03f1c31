"""What a pod can be asked: reports, splits, leaders, members; and what it refuses."""

from __future__ import annotations

import asyncio
from dataclasses import astuple

import orjson

from small_cluster import SmallCluster
from stator_node.operation_codes import OperationCode
from stator_node.transport.frame_format import Status


def test_a_report_tells_of_every_replica_and_of_followers_where_it_leads() -> None:
    async def run() -> None:
        async with SmallCluster() as cluster:
            await cluster.create_table()
            leader = cluster.leader()
            report = orjson.loads((await cluster.ask(leader.node_id, 0, OperationCode.REPORT)).body)
            assert report["node_id"] == leader.node_id
            assert report["zone"] == leader.zone
            (replica,) = report["partitions"]
            assert replica["leads"]
            assert replica["serves"]
            assert replica["leader"] == leader.node_id
            assert len(replica["peers"]) == 2

    asyncio.run(run())


def test_leadership_moves_to_the_node_that_is_named() -> None:
    async def run() -> None:
        async with SmallCluster() as cluster:
            await cluster.create_table()
            cluster.supervising.cancel()
            leader = cluster.leader().node_id
            target = next(pod.node_id for pod in cluster.pods if pod.node_id != leader)
            answer = await cluster.ask(
                leader, 1, OperationCode.TRANSFER_LEADER, {"node_id": target}
            )
            assert answer.status is Status.RESULT
            await cluster.until(lambda: cluster.has_leader() and cluster.leader().node_id == target)

    asyncio.run(run())


def test_a_split_moves_no_data_and_both_halves_serve() -> None:
    async def run() -> None:
        async with SmallCluster() as cluster:
            await cluster.create_table()
            for number in range(20):
                item = {"pk": {"S": f"key-{number}"}}
                await cluster.execute("PutItem", TableName="Music", Item=item)
            leader = cluster.leader()
            before = list(leader.store.cursor("items", b"", b"\xff"))
            body = {"at_hash": f"{1 << 63:017x}", "child_id": 2}
            await cluster.ask(leader.node_id, 1, OperationCode.SPLIT, body)
            await cluster.until(lambda: cluster.has_leader(1) and cluster.has_leader(2))
            for pod in cluster.pods:
                assert list(pod.store.cursor("items", b"", b"\xff")) == before
            for number in range(40):
                item = {"pk": {"S": f"key-{number}"}}
                await cluster.execute("PutItem", TableName="Music", Item=item)
            read = await cluster.execute("Scan", TableName="Music", ConsistentRead=True)
            assert read["Count"] == 40

    asyncio.run(run())


def test_a_replica_that_has_no_state_yet_sends_nobody_on() -> None:
    async def run() -> None:
        async with SmallCluster() as cluster:
            pod = cluster.pods[0]
            assert pod.node is not None
            pod.node.host._begin_empty(90, 5)
            answer = await cluster.ask(pod.node_id, 90, OperationCode.SEND_STATE, {"replica_id": 6})
            assert answer.status is Status.UNAVAILABLE

    asyncio.run(run())


def test_what_makes_no_sense_is_refused_with_a_reason() -> None:
    async def run() -> None:
        async with SmallCluster() as cluster:
            await cluster.create_table()
            leader = cluster.leader().node_id
            follower = next(pod.node_id for pod in cluster.pods if pod.node_id != leader)
            asked = (
                (leader, 99, OperationCode.SPLIT, {"at_hash": "1", "child_id": 2}),
                (leader, 1, OperationCode.TRANSFER_LEADER, {"node_id": "nobody"}),
                (leader, 1, OperationCode.CHANGE_MEMBERS, {"remove": 99, "epochs": [1, 1]}),
                (leader, 1, OperationCode.CHANGE_MEMBERS, {"remove": 2, "epochs": [1, 9]}),
                (leader, 1, OperationCode.CHANGE_MEMBERS, {"remove": 2}),
                (leader, 1, OperationCode.SNAPSHOT_CHUNK, {}),
                (leader, 1, OperationCode.CREATE_PARTITION, {"version": 99}),
            )
            for node_id, partition_id, code, body in asked:
                answer = await cluster.ask(node_id, partition_id, code, body)
                assert answer.status is Status.UNAVAILABLE, code
                assert orjson.loads(answer.body)["reason"]
            body = {"at_hash": "1", "child_id": 2}
            answer = await cluster.ask(follower, 1, OperationCode.SPLIT, body)
            assert answer.status is Status.REDIRECT

    asyncio.run(run())


def test_no_voter_goes_whose_loss_would_leave_the_others_without_a_majority() -> None:
    """A person, or a plan made before a disk was lost, asks for it; nothing would serve after."""

    async def run() -> None:
        async with SmallCluster() as cluster:
            await cluster.create_table()
            leading = cluster.leader()
            hosted = leading.partitions[1]
            lost, other = (pod for pod in cluster.pods if pod is not leading)
            assert hosted.state is not None
            members = {each.node_id: each.replica_id for each in hosted.state.descriptor.replicas}
            epochs = astuple(hosted.state.descriptor.epochs)
            removed = {"remove": members[other.node_id], "epochs": epochs}
            await lost.kill()
            timeout = leading.settings.election_timeout / 1000
            begun = cluster.clock.monotonic()
            await cluster.until(lambda: cluster.clock.monotonic() > begun + 2 * timeout)

            answer = await cluster.ask(leading.node_id, 1, OperationCode.CHANGE_MEMBERS, removed)
            assert answer.status is Status.UNAVAILABLE
            assert b"do not answer" in answer.body
            removed = {"remove": members[lost.node_id], "epochs": epochs}
            answer = await cluster.ask(leading.node_id, 1, OperationCode.CHANGE_MEMBERS, removed)
            assert answer.status is Status.RESULT
            await cluster.execute("PutItem", TableName="Music", Item={"pk": {"S": "after"}})

    asyncio.run(run())
