"""What a supervisor must not forget, in its control store: under one key, in one piece.

In: the record, from `supervisor.py`, and from `found_cluster.py`, which begins it anew. Out: the
operation that stores it, and what is stored. Invariant: it is there before anybody hears of it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import orjson

from stator_core import log_format, partition_descriptor
from stator_core.partition_descriptor import PartitionDescriptor
from stator_node.doors import ItemStore, Operation

RECORD_KEY = b"supervisor"
FIRST_PARTITION_ID = 1


@dataclass(slots=True)
class SupervisorRecord:
    """`next_partition_id`: one that no partition has or had; `recorded`: begun partitions by id.

    `replaced`: nodes that a person, or an empty folder, gave up. `members`: by node, its `host`,
    `port`, `zone` and `pod`; one that is away is awaited, also by a supervisor that begins anew.
    """

    next_partition_id: int = FIRST_PARTITION_ID
    recorded: dict[int, PartitionDescriptor] = field(default_factory=dict)
    draining: set[str] = field(default_factory=set)
    replaced: set[str] = field(default_factory=set)
    members: dict[str, dict[str, Any]] = field(default_factory=dict)

    def operation(self) -> Operation:
        """What stores it."""
        content = orjson.dumps(
            {
                "next_partition_id": self.next_partition_id,
                "recorded": [partition_descriptor.to_json(each) for each in self.recorded.values()],
                "draining": sorted(self.draining),
                "replaced": sorted(self.replaced),
                "members": self.members,
            }
        )
        return "meta", RECORD_KEY, log_format.seal(RECORD_KEY, content)


def read(store: ItemStore) -> SupervisorRecord | None:
    """What is stored; None: nothing. Raises log_format.LogDamaged."""
    stored = store.get_from("meta", RECORD_KEY)
    if stored is None:
        return None
    members = orjson.loads(log_format.unseal(RECORD_KEY, stored))
    descriptors = [partition_descriptor.from_json(each) for each in members["recorded"]]
    return SupervisorRecord(
        members["next_partition_id"],
        {each.partition_id: each for each in descriptors},
        set(members["draining"]),
        set(members["replaced"]),
        members.get("members", {}),
    )
