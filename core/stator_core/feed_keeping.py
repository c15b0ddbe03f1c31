"""What time brings to the feed of a partition: when its shard is rolled, and what is trimmed.

In: a partition's state and the time. Out: what its leader should propose (`feed_keeper.py`). In one
process `local_streams.py` asks the same of trimming. Invariants: nothing is trimmed that a stream
still shows, or that an index has not stored; of a table with neither, everything is.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from stator_core import stream_shards
from stator_core.clock import stamp_at
from stator_core.limits import SHARD_ROLL_SECONDS
from stator_core.partition_state import PartitionState, is_index_follower
from stator_core.stream import horizon_at, moment_of
from stator_core.stream_shards import Shards

TRIM_STEP_MILLISECONDS: Final = 60_000  # so much more is trimmed at once, or a whole shard


def is_roll_due(state: PartitionState, now_milliseconds: int) -> bool:
    """Whether the open shard has lasted long enough.

    The first one of a new partition begins at 0: its label says when.
    """
    present = stream_shards.open_shard(state.shards)
    if present is not None and present.start == 0:
        began = int(moment_of(present.label) * 1000)
        return now_milliseconds - began >= SHARD_ROLL_SECONDS * 1000
    return stream_shards.is_due(state.shards, stamp_at(now_milliseconds))


def trimmable_until(state: PartitionState, now_milliseconds: int) -> int:
    """The stamp before which nobody needs the feed any more."""
    until = horizon_at(now_milliseconds) if state.shards else stamp_at(now_milliseconds)
    for follower in state.followers:
        if is_index_follower(follower):
            until = min(until, follower.delivered + 1)
    return until


def is_trim_due(shards: Shards, trimmed: int, until: int, oldest: Callable[[], int | None]) -> bool:
    """Whether it is worth the writing to trim a feed, which is up to `trimmed`, up to `until`.

    `oldest` is asked for the stamp of the first record that is left (None: none), if it matters.
    """
    if until <= trimmed:
        return False
    if stream_shards.trimmed(shards, until) != shards:
        return True
    if until - trimmed < stamp_at(TRIM_STEP_MILLISECONDS):
        return False
    first = oldest()
    return first is not None and first < until
