"""What a node's report says, in the words of those who decide by it.

In: members of reports (`node_requests.NodeRequests.report`), and tables on record. Out: what the
planner and the steps of a merge reckon with. Called by `supervisor.py` and by who asks it.
"""

from __future__ import annotations

from typing import Any

import orjson

from stator_core import partition_descriptor, partition_state
from stator_core.merge_steps import ReplicaSeen
from stator_core.placement_types import ReplicaReport
from stator_core.table import Table
from stator_core.table import to_json as table_json


def replica_report(node_id: str, replica: dict[str, Any], now: float) -> ReplicaReport:
    """A replica of a node's report, as the planner reads it at this time (seconds)."""

    def place(name: str) -> int | None:
        return None if replica[name] is None else int(replica[name], 16)

    return ReplicaReport(
        node_id=node_id,
        replica_id=replica["replica_id"],
        descriptor=partition_descriptor.from_json(replica["descriptor"]),
        is_leader=replica["leads"],
        term=replica["term"],
        applied_index=replica["applied"],
        last_index=replica["last"],
        size_bytes=replica["size_bytes"],
        read_units_per_second=replica["operations_per_second"],
        hot_key_share=replica["hot_key_share"],
        byte_median=place("byte_median"),
        traffic_median=place("traffic_median"),
        range_since=0.0 if replica["range_age"] is None else now - replica["range_age"],
    )


def replica_seen(node_id: str, replica: dict[str, Any]) -> ReplicaSeen:
    """A replica of a node's report, as the steps of a merge are decided by."""
    frozen_for = replica["frozen_for"]
    return ReplicaSeen(
        node_id,
        partition_descriptor.from_json(replica["descriptor"]),
        replica["leads"],
        None if frozen_for is None else partition_state.generation_of(frozen_for),
        replica["is_durably_frozen"] and replica.get("has_delivered", True),
        frozenset(replica["absorbed"]),
    )


def identifiers_of(table: Table) -> list[int]:
    """The identifiers whose partitions hold a table: its own, and those of its global indexes.

    Not of an index that is being deleted: its partitions go.
    """
    kept = [index.identifier for index in table.global_indexes if index.status != "DELETING"]
    return [table.identifier, *kept]


def table_members(table: Table) -> Any:
    """A description as a report carries it: through JSON and back."""
    return orjson.loads(orjson.dumps(table_json(table)))
