"""A node's report in the words of the planner and of a merge."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from partition_states import INDEXED, MUSIC
from stator_core import partition_descriptor
from stator_core.partition_descriptor import Generation
from stator_node.reports import identifiers_of, replica_report, replica_seen, table_members

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
    "range_age": 30.0,
    "frozen_for": None,
    "is_durably_frozen": False,
    "absorbed": [],
}


def test_the_planner_reads_numbers_and_hashes() -> None:
    report = replica_report("n2", REPLICA, now=1_000.0)

    assert (report.node_id, report.replica_id, report.term) == ("n2", 2, 4)
    assert report.descriptor == MUSIC.descriptor
    assert (report.applied_index, report.last_index, report.size_bytes) == (90, 100, 5_000)
    assert (report.byte_median, report.traffic_median) == (1 << 63, None)


def test_a_range_that_has_just_changed_rests_and_one_of_an_earlier_life_does_not() -> None:
    assert replica_report("n2", REPLICA, now=1_000.0).range_since == 970.0
    assert replica_report("n2", {**REPLICA, "range_age": None}, now=1_000.0).range_since == 0.0


@pytest.mark.parametrize("delivered", [True, False])
def test_a_leader_is_ready_when_indexes_have_all_and_a_follower_when_it_is_durable(
    delivered: bool,
) -> None:
    frozen = {**REPLICA, "frozen_for": [6, 3], "is_durably_frozen": True, "absorbed": [9]}
    leader = replica_seen("n2", {**frozen, "has_delivered": delivered})

    assert leader.frozen_for == Generation(6, 3)
    assert leader.is_ready is delivered
    assert leader.absorbed == {9}
    assert replica_seen("n3", frozen).is_ready
    assert not replica_seen("n3", {**frozen, "is_durably_frozen": False}).is_ready
    assert replica_seen("n3", REPLICA).frozen_for is None


def test_a_table_is_its_items_and_its_indexes_but_those_that_go() -> None:
    (index,) = INDEXED.global_indexes
    going = replace(INDEXED, global_indexes=(replace(index, status="DELETING"),))

    assert identifiers_of(INDEXED) == [INDEXED.identifier, index.identifier]
    assert identifiers_of(going) == [INDEXED.identifier]
    assert table_members(INDEXED)["name"] == INDEXED.name
