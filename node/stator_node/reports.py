"""What nodes' reports say, in the words of those who decide by it.

In: members of reports (`replica_reports.py`), and tables on record. Out: `HeardReplica`, and of it
what the planner and the steps of a merge reckon with. Read from JSON once, when it is heard: a
replica that rests is not sent again. Called by `cluster_view.py`, `supervisor.py` and who asks it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import orjson

from stator_core import partition_descriptor, partition_state, stream_shards, table
from stator_core.merge_steps import ReplicaSeen
from stator_core.partition_descriptor import PartitionDescriptor
from stator_core.placement_types import ReplicaReport
from stator_core.stream_shards import Shards
from stator_core.table import Table

Members = dict[str, Any]


@dataclass(frozen=True)
class HeardReplica:
    """A replica as its node described it last. `said`: the members of the report.

    `life_began`: when the node's life began, in epoch seconds of whoever heard it.
    """

    node_id: str
    said: Members
    descriptor: PartitionDescriptor
    table: Table
    life_began: float

    @cached_property
    def shards(self) -> Shards:
        return stream_shards.from_json(self.said.get("shards", ()))

    @cached_property
    def planned_by(self) -> ReplicaReport:
        """As the planner reads it."""
        said = self.said
        since = said["range_since"]
        return ReplicaReport(
            node_id=self.node_id,
            replica_id=said["replica_id"],
            descriptor=self.descriptor,
            is_leader=said["leads"],
            term=said["term"],
            applied_index=said["applied"],
            last_index=said["last"],
            size_bytes=said["size_bytes"],
            read_units_per_second=said["operations_per_second"],
            hot_key_share=said["hot_key_share"],
            byte_median=_place(said["byte_median"]),
            traffic_median=_place(said["traffic_median"]),
            range_since=0.0 if since is None else self.life_began + since / 1000,
        )

    @cached_property
    def merged_by(self) -> ReplicaSeen:
        """As the steps of a merge are decided by."""
        frozen_for = self.said["frozen_for"]
        return ReplicaSeen(
            self.node_id,
            self.descriptor,
            self.said["leads"],
            None if frozen_for is None else partition_state.generation_of(frozen_for),
            self.said["is_durably_frozen"] and self.said.get("has_delivered", True),
            frozenset(self.said["absorbed"]),
        )

    def describes(self, wanted: Table) -> bool:
        """Whether it holds this description of its table, to the letter."""
        return self.table == wanted or self.said["table"] == table_members(wanted)


def heard(node_id: str, said: Members, life_began: float) -> HeardReplica:
    """A replica of a node's report. Raises ValueError, KeyError, TypeError for what is none."""
    descriptor = partition_descriptor.from_json(said["descriptor"])
    return HeardReplica(node_id, said, descriptor, table.from_json(said["table"]), life_began)


def _place(text: str | None) -> int | None:
    return None if text is None else int(text, 16)


def identifiers_of(table: Table) -> list[int]:
    """The identifiers whose partitions hold a table: its own, and those of its global indexes.

    Not of an index that is being deleted: its partitions go.
    """
    kept = [index.identifier for index in table.global_indexes if index.status != "DELETING"]
    return [table.identifier, *kept]


def table_members(of: Table) -> Any:
    """A description as a report carries it: through JSON and back."""
    return orjson.loads(orjson.dumps(table.to_json(of)))
