"""The supervisor: tables get their partitions, lost replicas are made good, drained pods empty."""

from __future__ import annotations

import asyncio
from socket import gethostname

from small_cluster import CONFIGURATION, Pod, SmallCluster
from stator_core.placement_types import Configuration, NodeState
from stator_core.placement_view import ClusterView as PlannedView
from stator_core.requests import create_table
from stator_node.cluster_view import ClusterView
from stator_node.reports import table_members
from stator_node.supervisor import DEAD_SECONDS, Supervisor
from stator_node.transport.links import Address
from table_bodies import index


def members_of(cluster: SmallCluster, partition_id: int) -> set[str]:
    """The nodes of the partition's voters, as its leader has it."""
    if not cluster.has_leader(partition_id):
        return set()
    hosted = cluster.leader(partition_id).partitions[partition_id]
    assert hosted.state is not None
    if hosted.state.descriptor.joint is not None:
        return set()
    return {replica.node_id for replica in hosted.state.descriptor.voters}


def test_a_new_table_has_a_replica_in_every_zone_and_a_leader_before_it_is_active() -> None:
    async def run() -> None:
        async with SmallCluster() as cluster:
            await cluster.create_table()
            assert members_of(cluster, 1) == {"n0", "n1", "n2"}
            assert cluster.has_leader()
            assert cluster.view.tables["Music"] == cluster.catalog.tables["Music"]

    asyncio.run(run())


def test_a_node_that_is_gone_for_good_is_replaced_and_its_data_is_whole_again() -> None:
    async def run() -> None:
        async with SmallCluster() as cluster:
            await cluster.create_table()
            for number in range(30):
                item = {"pk": {"S": f"key-{number}"}}
                await cluster.execute("PutItem", TableName="Music", Item=item)
            lost = next(pod for pod in cluster.pods if pod is not cluster.leader())
            await lost.kill()
            new = Pod("n9", lost.zone, cluster.clock)
            await new.start()
            cluster.pods.append(new)
            cluster.view.join("n9", lost.zone, Address("127.0.0.1", new.port))
            cluster.supervisor.give_up(lost.node_id)
            wanted = {"n0", "n1", "n2", "n9"} - {lost.node_id}
            await cluster.until(lambda: members_of(cluster, 1) == wanted)
            leader = cluster.leader().store
            await cluster.until(
                lambda: (
                    list(new.store.cursor("items", b"", b"\xff"))
                    == list(leader.cursor("items", b"", b"\xff"))
                )
            )
            read = await cluster.execute("Scan", TableName="Music", ConsistentRead=True)
            assert read["Count"] == 30

    asyncio.run(run())


def test_a_drained_node_ends_with_nothing() -> None:
    async def run() -> None:
        async with SmallCluster(nodes=4) as cluster:
            await cluster.create_table()
            drained = cluster.leader().node_id
            cluster.supervisor.drain(drained)
            await cluster.until(
                lambda: members_of(cluster, 1) == {pod.node_id for pod in cluster.pods} - {drained}
            )
            pod = next(pod for pod in cluster.pods if pod.node_id == drained)
            await cluster.until(lambda: not pod.partitions)
            assert list(pod.store.cursor("items", b"", b"\xff")) == []

    asyncio.run(run())


def test_a_deleted_table_leaves_nothing_on_any_node() -> None:
    async def run() -> None:
        async with SmallCluster() as cluster:
            await cluster.create_table()
            await cluster.execute("PutItem", TableName="Music", Item={"pk": {"S": "a"}})
            await cluster.execute("DeleteTable", TableName="Music")
            await cluster.until(lambda: "Music" not in cluster.catalog.tables)
            for pod in cluster.pods:
                assert list(pod.store.cursor("items", b"", b"\xff")) == []
                assert pod.partitions == {}
            await cluster.create_table()  # The name is free again, under another identifier.
            read = await cluster.execute("Scan", TableName="Music", ConsistentRead=True)
            assert read["Count"] == 0

    asyncio.run(run())


def test_what_the_supervisor_has_on_record_is_there_after_a_restart() -> None:
    async def run() -> None:
        async with SmallCluster() as cluster:
            await cluster.create_table()
            cluster.supervisor.drain("n2")
            cluster.supervising.cancel()
            view = ClusterView(cluster.links, cluster.clock, "z0")
            again = Supervisor(cluster.store, cluster.catalog, view, cluster.clock, CONFIGURATION)
            assert again.draining == {"n2"}
            assert again.observation().next_partition_id == 2
            (table,) = again.specification().tables
            assert [each.partition_id for each in table.recorded] == [1]

    asyncio.run(run())


def test_a_table_is_changed_by_a_supervisor_that_did_not_make_it() -> None:
    async def run() -> None:
        async with SmallCluster() as cluster:
            await cluster.create_table()
            await cluster.begin_supervisor_anew()
            await cluster.execute(
                "UpdateTable",
                TableName="Music",
                AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
                GlobalSecondaryIndexUpdates=[{"Create": index("by-pk", "pk")}],
            )
            await cluster.active()
            await cluster.begin_supervisor_anew()
            stream = {"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"}
            await cluster.execute("UpdateTable", TableName="Music", StreamSpecification=stream)
            await cluster.active()

    asyncio.run(run())


def test_a_description_compares_as_a_report_carries_it() -> None:
    request = create_table.parse(
        {
            "TableName": "Music",
            "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
            "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
            "BillingMode": "PAY_PER_REQUEST",
            "Tags": [{"Key": "k", "Value": "v"}],
        }
    )
    table = request.table(iter(range(1, 9)), "id", 1.5, "us-east-1", "1" * 12)

    assert table_members(table)["tags"] == [["k", "v"]]


def test_a_node_that_is_away_is_awaited_by_a_supervisor_that_begins_anew() -> None:
    """Else what it holds would be copied at once, as if it were lost."""

    async def run() -> None:
        async with SmallCluster() as cluster:
            await cluster.create_table()
            pod = cluster.pods[2]
            await cluster.until(lambda: cluster.view.nodes["n2"].pod)
            await cluster.until(lambda: cluster.supervisor.members == members_on_record(cluster))
            cluster.supervising.cancel()
            await pod.kill()

            view = ClusterView(cluster.links, cluster.clock, "z0")
            again = Supervisor(cluster.store, cluster.catalog, view, cluster.clock, Configuration())
            assert again.states() == dict.fromkeys(("n0", "n1", "n2"), NodeState.DEAD)
            found = view.nodes["n2"]
            assert (found.zone, found.address.port, found.pod) == ("z2", pod.port, gethostname())
            now = cluster.clock.now()
            seen = PlannedView(again.specification(), again.observation(), now)
            assert not any(seen.is_lost(node_id) for node_id in view.nodes)

    asyncio.run(run())


def members_on_record(cluster: SmallCluster) -> dict[str, dict[str, object]]:
    return {
        pod.node_id: {
            "host": "127.0.0.1",
            "port": pod.port,
            "zone": pod.zone,
            "pod": gethostname(),
        }
        for pod in cluster.pods
    }


def test_a_drained_node_that_has_gone_is_no_member_and_still_drained_when_it_returns() -> None:
    async def run() -> None:
        async with SmallCluster(nodes=4) as cluster:
            await cluster.create_table()
            pod = cluster.pods[3]
            cluster.supervisor.drain("n3")
            await cluster.until(lambda: not pod.partitions)
            assert "n3" in cluster.view.nodes  # it idles for as long as it is there
            await pod.kill()
            cluster.view.nodes["n3"].heard_at = -DEAD_SECONDS
            await cluster.until(lambda: "n3" not in cluster.view.nodes)
            await cluster.until(lambda: "n3" not in cluster.supervisor.members)

            # Met, and not yet heard: it is not forgotten before it could say a word.
            cluster.view.join("n3", pod.zone, Address("127.0.0.1", pod.port))
            await cluster.supervisor.round()
            assert "n3" in cluster.view.nodes
            await pod.start()
            await cluster.until(lambda: cluster.supervisor.states()["n3"] is NodeState.DRAINING)

    asyncio.run(run())


def test_a_pod_that_ends_is_given_no_leaders_and_keeps_none() -> None:
    """Between its being drained and its end, it may win an election or be handed a leader."""

    async def run() -> None:
        async with SmallCluster() as cluster:
            await cluster.create_table()
            pod = cluster.leader()
            assert pod.node is not None
            await pod.node.hand_over()
            await cluster.until(lambda: cluster.has_leader())
            await cluster.until(
                lambda: cluster.supervisor.states()[pod.node_id] is NodeState.SUSPECT
            )

            hosted = cluster.leader().partitions[1]
            assert hosted.state is not None
            back = hosted.state.descriptor.replica_on(pod.node_id)
            assert back is not None
            hosted.raft.transfer_leadership(cluster.leader().node.host.now(), back.replica_id)
            term = hosted.raft.term
            await cluster.until(lambda: hosted.raft.term > term)
            await cluster.until(
                lambda: cluster.has_leader() and cluster.leader().node_id != pod.node_id
            )

    asyncio.run(run())
