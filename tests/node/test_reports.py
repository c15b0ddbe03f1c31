"""A node's report in the words of the planner and of a merge."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from partition_states import INDEXED, MUSIC
from stator_core import partition_descriptor, table
from stator_core.partition_descriptor import Generation
from stator_node.reports import HeardReplica, heard, identifiers_of, table_members

REPLICA: dict[str, Any] = {
    "descriptor": partition_descriptor.to_json(MUSIC.descriptor),
    "replica_id": 2,
    "leads": True,
    "term": 4,
    "applied": 90,
    "last": 100,
    "size_bytes": 5_000,
    "operations_per_second": 12.5,
    "hot_key_share": 0.25,
    "byte_median": f"{1 << 63:017x}",
    "traffic_median": None,
    "range_since": 30_000,
    "table": table.to_json(MUSIC.table),
    "frozen_for": None,
    "is_durably_frozen": False,
    "absorbed": [],
}


def of_node(node_id: str, said: dict[str, Any]) -> HeardReplica:
    return heard(node_id, said, life_began=940.0)


def test_the_planner_reads_numbers_and_hashes() -> None:
    report = of_node("n2", REPLICA).planned_by

    assert (report.node_id, report.replica_id, report.term) == ("n2", 2, 4)
    assert report.descriptor == MUSIC.descriptor
    assert (report.applied_index, report.last_index, report.size_bytes) == (90, 100, 5_000)
    assert (report.byte_median, report.traffic_median) == (1 << 63, None)


def test_a_range_that_has_just_changed_rests_and_one_of_an_earlier_life_does_not() -> None:
    assert of_node("n2", REPLICA).planned_by.range_since == 970.0
    assert of_node("n2", {**REPLICA, "range_since": None}).planned_by.range_since == 0.0


@pytest.mark.parametrize("delivered", [True, False])
def test_a_leader_is_ready_when_indexes_have_all_and_a_follower_when_it_is_durable(
    delivered: bool,
) -> None:
    frozen = {**REPLICA, "frozen_for": [6, 3], "is_durably_frozen": True, "absorbed": [9]}
    leader = of_node("n2", {**frozen, "has_delivered": delivered}).merged_by

    assert leader.frozen_for == Generation(6, 3)
    assert leader.is_ready is delivered
    assert leader.absorbed == {9}
    assert of_node("n3", frozen).merged_by.is_ready
    assert not of_node("n3", {**frozen, "is_durably_frozen": False}).merged_by.is_ready
    assert of_node("n3", REPLICA).merged_by.frozen_for is None


def test_a_description_is_compared_to_the_letter() -> None:
    replica = of_node("n2", REPLICA)

    assert replica.describes(MUSIC.table)
    assert not replica.describes(replace(MUSIC.table, deletion_protection=True))


def test_a_table_is_its_items_and_its_indexes_but_those_that_go() -> None:
    (index,) = INDEXED.global_indexes
    going = replace(INDEXED, global_indexes=(replace(index, status="DELETING"),))

    assert identifiers_of(INDEXED) == [INDEXED.identifier, index.identifier]
    assert identifiers_of(going) == [INDEXED.identifier]
    assert table_members(INDEXED)["name"] == INDEXED.name
