"""What replicas of one pod own of its store; deleting it, without touching what is another's.

In: a store, the state of a partition that goes from this pod, and those of the partitions that
stay. Called by `partition_host.py`. Safe to do again.
"""

from __future__ import annotations

from collections.abc import Iterable

from stator_core.partition_state import PartitionState
from stator_node.doors import ItemStore


def share_data(one: PartitionState, other: PartitionState) -> bool:
    """Whether both own some stored key."""
    return any(
        family == other_family and start < other_end and other_start < end
        for family, start, end in one.owned_ranges()
        for other_family, other_start, other_end in other.owned_ranges()
    )


def delete_owned(store: ItemStore, state: PartitionState, others: Iterable[PartitionState]) -> None:
    """Delete all that a partition owned, but for what the others own. Raises StorageFailed."""
    kept = sorted(owned for other in others for owned in other.owned_ranges())
    for family, start, end in state.owned_ranges():
        for other_family, kept_start, kept_end in kept:
            if other_family == family and start < kept_end and kept_start < end:
                if start < kept_start:
                    store.delete_range(family, start, kept_start)
                start = kept_end
        if start < end:
            store.delete_range(family, start, end)
