"""The status of a cluster: what pods say now, and of silent ones only that they are silent."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from stator_core import stream_shards, table
from stator_core.clock import stamp_at
from stator_core.key_format import HASH_SPACE
from stator_core.partition_state import index_follower, place_key
from stator_core.placement_types import NodeState
from stator_core.table import to_json
from stator_core.table_status import DELETED
from stator_node.cluster_status import nodes_of, partitions_of
from stator_node.cluster_view import REPORT_AGE_SECONDS_MAX, ClusterView
from stator_node.memory import ManualClock
from stator_node.transport.links import Address
from table_bodies import attributes, index
from told_links import NODES, ToldLinks, music, partition, replica, reports
from virtual_time import run

HALF = HASH_SPACE // 2
TABLE = music()
STATES = dict.fromkeys(NODES, NodeState.ALIVE)


NOW = 1_800_000_000.0


def told(descriptor: Any, number: int, **members: Any) -> dict[str, Any]:
    """A replica's report with its figures."""
    figures = {
        "replica_id": number,
        "applied": 10,
        "last": 12,
        "size_bytes": 1_000,
        "item_count": 5,
        "operations_per_second": 1.26,
        "shards": [],
        "oldest_change": None,
    }
    leads = members.pop("leads", False)
    return replica(TABLE, descriptor, leads=leads) | figures | members


class Looked:
    """A view of three pods whose reports are of this moment."""

    def __init__(self, **by_node: list) -> None:
        self.clock = ManualClock()
        self.links = ToldLinks(reports(by_node))
        self.view = ClusterView(self.links, self.clock, "z1")  # type: ignore[arg-type]
        for number, node_id in enumerate(NODES, 1):
            self.view.join(node_id, f"z{number}", Address("127.0.0.1", number))
        run(self.view.poll())


@pytest.fixture
def looked() -> Looked:
    whole = partition(TABLE)
    return Looked(
        n1=[told(whole, 1)],
        n2=[told(whole, 2, leads=True, applied=12)],
        n3=[told(whole, 3, applied=4)],
    )


def test_a_partition_tells_its_leader_and_how_far_each_replica_is_behind(looked: Looked) -> None:
    (line,) = partitions_of(looked.view, NOW)

    assert (line["table"], line["leader"], line["items"]) == ("Music", "n2", 5)
    assert line["range"] == ["0" * 17, "10000000000000000"]
    assert [(each["zone"], each["lag"]) for each in line["replicas"]] == [
        ("z1", 2),
        ("z2", 0),
        ("z3", 8),
    ]


def test_the_partitions_of_one_table_are_asked_for_by_its_name(looked: Looked) -> None:
    assert len(partitions_of(looked.view, NOW, "Music")) == 1
    assert partitions_of(looked.view, NOW, "Mus") == []


def test_the_partitions_of_a_deleted_table_are_not_those_of_another_of_its_name() -> None:
    gone = replace(TABLE, identifier=7, status=DELETED)
    kept = told(partition(gone, 2), 1, leads=True) | {"table": table.to_json(gone)}
    looked = Looked(n1=[told(partition(TABLE), 1, leads=True), kept], n2=[], n3=[])

    assert [each["table"] for each in partitions_of(looked.view, NOW)] == [
        "Music",
        "Music (deleted)",
    ]
    (line,) = partitions_of(looked.view, NOW, "Music")
    assert line["partition_id"] == 1
    assert looked.view.is_deleted(7)
    assert not looked.view.is_deleted(TABLE.identifier)


def test_a_silent_leader_leads_nothing_and_a_silent_replica_has_no_lag(looked: Looked) -> None:
    looked.clock.advance(REPORT_AGE_SECONDS_MAX + 1)

    (line,) = partitions_of(looked.view, NOW)
    nodes = nodes_of(looked.view, STATES, looked.clock.monotonic())

    assert line["leader"] is None
    assert [each["lag"] for each in line["replicas"]] == [None] * 3
    assert [node["leads"] for node in nodes] == [0, 0, 0]
    assert [node["silent_seconds"] for node in nodes] == [REPORT_AGE_SECONDS_MAX + 1] * 3


def test_another_replica_of_the_node_is_not_the_member(looked: Looked) -> None:
    whole = partition(TABLE)
    old = Looked(n1=[told(whole, 99)], n2=[told(whole, 2, leads=True)], n3=[])

    (line,) = partitions_of(old.view, NOW)

    assert [each["lag"] for each in line["replicas"]] == [None, 2, None]


def test_nodes_are_listed_by_zone_with_what_they_hold(looked: Looked) -> None:
    nodes = nodes_of(looked.view, STATES, looked.clock.monotonic())

    assert [node["zone"] for node in nodes] == ["z1", "z2", "z3"]
    assert [node["leads"] for node in nodes] == [0, 1, 0]
    assert nodes[0]["address"] == "127.0.0.1:1"
    assert (nodes[0]["replicas"], nodes[0]["size_bytes"]) == (1, 1_000)


def test_partitions_are_in_the_order_of_their_hashes() -> None:
    left = partition(TABLE, 1, 0, HALF, range_epoch=2)
    right = partition(TABLE, 2, HALF, HASH_SPACE, range_epoch=2)
    looked = Looked(n1=[told(right, 1), told(left, 1)], n2=[], n3=[])

    assert [line["partition_id"] for line in partitions_of(looked.view, NOW)] == [1, 2]


def test_a_partition_tells_how_far_its_indexes_are_behind() -> None:
    table = music(
        AttributeDefinitions=attributes(pk="S", g="S"),
        GlobalSecondaryIndexes=[index("of-g", "g")],
    )
    follower = {"name": index_follower(table.global_indexes[0].identifier), "delivered": 5}
    led = told(partition(table), 1, leads=True) | {
        "table": to_json(table),
        "followers": [{**follower, "filled": place_key(table.identifier, HALF // 2).hex()}],
        "index_lags": {"of-g": {"seconds": 1.23456, "records": 64}},
    }
    (line,) = partitions_of(Looked(n1=[led]).view, NOW)

    assert line["indexes"] == {"of-g": {"lag_seconds": 1.235, "lag_records": 64, "filled": 0.25}}


def test_a_partition_tells_its_shards_and_how_old_the_oldest_record_is() -> None:
    shards = stream_shards.rolled(stream_shards.opened((), 1, "label", "KEYS_ONLY", 5), 1, 6)
    oldest = stamp_at(int(NOW * 1000) - 2_500)
    streamed = {"shards": stream_shards.to_json(shards), "oldest_change": oldest}
    led = told(partition(music()), 1, leads=True) | streamed
    (line,) = partitions_of(Looked(n1=[led]).view, NOW)

    assert line["stream"] == {
        "shards": 2,
        "open_shards": 1,
        "oldest_record_seconds": 2.5,
        "iterator_age_milliseconds": None,
    }


def stamp_before(milliseconds: int) -> int:
    return stamp_at(int(NOW * 1000) - milliseconds)


def read_until(milliseconds: int, unread: int | None, label: str = "label") -> dict[str, Any]:
    """What a replica says of its readers: how far they are, and the oldest record behind that."""
    oldest_unread = None if unread is None else stamp_before(unread)
    return {
        "label": label,
        "until": stamp_before(milliseconds),
        "oldest_unread": oldest_unread,
    }


@pytest.mark.parametrize(
    "read, age",
    [
        ((None, None, None), None),
        ((read_until(5_000, 4_000), None, None), 4_000),
        ((read_until(5_000, None), None, None), 0),
        # A reader goes on at another replica.
        ((read_until(5_000, 4_000), read_until(3_000, 2_500), None), 2_500),
        ((read_until(3_000, None), read_until(5_000, 4_000), None), 0),
        # The stream was disabled and enabled again.
        ((read_until(3_000, None, "2027"), read_until(5_000, 4_000, "2028"), None), 4_000),
    ],
)
def test_the_age_of_iterators_is_that_of_the_furthest_reader(
    read: tuple[dict[str, Any] | None, ...], age: int | None
) -> None:
    shards = stream_shards.to_json(stream_shards.opened((), 1, "label", "KEYS_ONLY", 5))
    whole = partition(music())
    replicas = [
        told(whole, number, leads=number == 1, shards=shards, read=each)
        for number, each in enumerate(read, 1)
    ]
    looked = Looked(**{name: [each] for name, each in zip(NODES, replicas, strict=True)})

    (line,) = partitions_of(looked.view, NOW)

    assert line["stream"]["iterator_age_milliseconds"] == age


def test_a_partition_tells_what_its_sweep_has_done() -> None:
    swept = {"deleted": 5, "stale": 1, "backlog_seconds": 0.5, "filled": True}
    led = told(partition(music()), 1, leads=True) | {"time_to_live": swept}
    (line,) = partitions_of(Looked(n1=[led]).view, NOW)

    assert line["time_to_live"] == swept
    (silent,) = partitions_of(Looked(n1=[told(partition(music()), 1)]).view, NOW)
    assert silent["time_to_live"] is None
