"""What is next for partitions that are frozen, or have been: decided from what nodes report.

In: what every replica of a table's partitions says of itself, and which partitions have been frozen
for too long. Out: steps to ask leaders for. Called by the supervisor in every round, so nobody has
to remember that a merge is under way. A step that comes late, or twice, does nothing: its entry
names what it was decided by (`partition_merge.py`).

Invariant: a partition is thawed only on evidence that it is not taken over and never will be; such
evidence does not age.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from stator_core.partition_descriptor import Generation, PartitionDescriptor


@dataclass(frozen=True, slots=True)
class ReplicaSeen:
    """One replica's word. It may be old, but was true of a prefix of its partition's log.

    `is_ready`: that it is frozen is durable on its node, and where it leads, all of its changes
    have reached those who follow them.
    """

    node_id: str
    descriptor: PartitionDescriptor
    leads: bool
    frozen_for: Generation | None = None
    is_ready: bool = False
    absorbed: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class TakeOver:
    """The leader of `left` is to take over its right neighbour, which is frozen for it."""

    left: Generation
    right_id: int


@dataclass(frozen=True, slots=True)
class Refuse:
    """The leader of `left` is to let this epoch of its range end."""

    left: Generation


@dataclass(frozen=True, slots=True)
class Thaw:
    """The leader of the frozen partition is to let it serve again."""

    right_id: int
    left: Generation


Step = TakeOver | Refuse | Thaw


def frozen_partitions(seen: Iterable[ReplicaSeen]) -> frozenset[int]:
    """The ids of partitions that somebody says are frozen, and nobody that they are taken over."""
    known = tuple(seen)
    frozen = {each.descriptor.partition_id for each in known if each.frozen_for is not None}
    return frozenset(frozen - {absorbed for each in known for absorbed in each.absorbed})


def next_steps(seen: Iterable[ReplicaSeen], too_long: Collection[int]) -> list[Step]:
    """What to ask for now. `too_long`: ids of frozen partitions whose merge is to be given up."""
    known = tuple(seen)
    steps: list[Step] = []
    for right_id in sorted(frozen_partitions(known)):
        replicas = [each for each in known if each.descriptor.partition_id == right_id]
        # Replicas that are behind may still name another, to which the partition was lost before.
        for left in sorted({each.frozen_for for each in replicas if each.frozen_for is not None}):
            if any(_rules_out(each, left) for each in known):
                steps.append(Thaw(right_id, left))
            elif right_id in too_long:
                steps.append(Refuse(left))
            elif _is_ready(replicas, left):
                steps.append(TakeOver(left, right_id))
    return steps


def _rules_out(seen: ReplicaSeen, left: Generation) -> bool:
    """Whether this replica knows that `left` cannot take over anything any more.

    The caller has seen that nobody has absorbed the frozen one; where this replica had, it would
    say so itself.
    """
    descriptor = seen.descriptor
    is_later = descriptor.partition_id == left.partition_id and (
        descriptor.range_epoch > left.range_epoch
    )
    return is_later or left.partition_id in seen.absorbed


def _is_ready(replicas: list[ReplicaSeen], left: Generation) -> bool:
    """Whether every member is frozen for good, so that each node has what its neighbour takes."""
    leader = next((each for each in replicas if each.leads), None)
    if leader is None:
        return False
    ready = {each.node_id for each in replicas if each.frozen_for == left and each.is_ready}
    return leader.descriptor.node_ids <= ready
