"""How two neighbours become one: the right one freezes, the left one takes it over, or never will.

In: a partition's state and an entry of kind FREEZE, MERGE, THAW or REFUSE_MERGE. Out: the next
state; ChangeRefused where the entry does not fit. Called by `partition_changes.py` when the entry
is applied, and by a leader that wants to know beforehand. docs/decisions has the protocol and why
each of its conditions is needed.

No item moves: both partitions lie on the same nodes, and each node hands over what the right one
holds there. Invariants: a frozen partition changes nothing but its cursors; a partition is taken
over only as it was frozen, for that very generation of its neighbour; `range_epoch` and `absorbed`
only grow, so what they prove once they prove for ever.
"""

from __future__ import annotations

from dataclasses import replace

import orjson

from stator_core import partition_descriptor, partition_state
from stator_core.partition_descriptor import ChangeRefused, Generation
from stator_core.partition_state import EXPIRIES, Follower, PartitionState, place_key


def freeze_body(left: Generation, range_epoch: int) -> bytes:
    """The body of a FREEZE entry: of this epoch of the own range, for that neighbour."""
    return orjson.dumps({"left": _pair(left), "range_epoch": range_epoch})


def merge_body(right: PartitionState) -> bytes:
    """The body of a MERGE entry: what is taken over, as it was frozen."""
    return orjson.dumps({"right": partition_state.to_json(right).decode()})


def thaw_body(left: Generation) -> bytes:
    """The body of a THAW entry: that neighbour will never take this partition over."""
    return orjson.dumps({"left": _pair(left)})


def refuse_body(range_epoch: int) -> bytes:
    """The body of a REFUSE_MERGE entry: this epoch of the own range is over."""
    return orjson.dumps({"range_epoch": range_epoch})


def frozen(state: PartitionState, left: Generation, range_epoch: int) -> PartitionState:
    """The partition waits for `left` to take it over. Raises ChangeRefused."""
    _check_may_merge(state)
    if state.descriptor.range_epoch != range_epoch:
        raise ChangeRefused(f"planned for epoch {range_epoch} of the range")
    if state.descriptor.joint is not None or state.descriptor.learners:
        raise ChangeRefused("a partition that is changing its members does not merge")
    return replace(state, frozen_for=left)


def merged(state: PartitionState, right: PartitionState, stamp: int) -> PartitionState:
    """The left partition with all that the right one held. Raises ChangeRefused."""
    _check_may_merge(state)
    if right.frozen_for != state.descriptor.generation:
        raise ChangeRefused(f"{right.frozen_for} was meant, this is {state.descriptor.generation}")
    if right.table != state.table:
        raise ChangeRefused("the two describe their table differently")
    descriptor = partition_descriptor.merge(state.descriptor, right.descriptor)
    border = place_key(descriptor.table_identifier, right.descriptor.range.start).hex()
    return replace(
        state,
        descriptor=descriptor,
        followers=tuple(_of_both(each, border, stamp) for each in state.followers),
        absorbed=state.absorbed | right.absorbed | {right.descriptor.partition_id},
    )


def thawed(state: PartitionState, left: Generation) -> PartitionState:
    """The partition serves again. Raises ChangeRefused."""
    if state.frozen_for != left:
        raise ChangeRefused(f"it is frozen for {state.frozen_for}, not for {left}")
    return replace(_in_next_epoch(state), frozen_for=None)


def refused(state: PartitionState, range_epoch: int) -> PartitionState:
    """No MERGE entry that was meant for this epoch will fit any more. Raises ChangeRefused."""
    if state.descriptor.range_epoch != range_epoch:
        raise ChangeRefused(f"planned for epoch {range_epoch} of the range")
    return _in_next_epoch(state)


def _check_may_merge(state: PartitionState) -> None:
    """What both sides must be like. Raises ChangeRefused."""
    if state.frozen_for is not None:
        raise ChangeRefused(f"it is frozen for {state.frozen_for}")
    if state.shards:
        # A shard has one parent (AWS: DescribeStream, Shard), and its line of descent is the order
        # of its records: one that goes on from two could not be read in order.
        raise ChangeRefused("a partition with a stream does not merge")
    if any(each.filled is not None and each.name != EXPIRIES for each in state.followers):
        raise ChangeRefused("an index is being filled")


def _of_both(follower: Follower, border: str, stamp: int) -> Follower:
    """A follower of the left partition when it has the right one's items, too.

    The right one's changes have reached every index before. The index by expiry lies by partition:
    the left one makes that of the right one's items anew.
    """
    if follower.name != EXPIRIES or follower.filled is not None:
        return follower
    return Follower(follower.name, stamp, border)


def _in_next_epoch(state: PartitionState) -> PartitionState:
    descriptor = state.descriptor
    return replace(
        state,
        descriptor=replace(
            descriptor,
            range_epoch=descriptor.range_epoch + 1,
            parents=(descriptor.generation,),
        ),
    )


def _pair(generation: Generation) -> list[int]:
    return [generation.partition_id, generation.range_epoch]
