"""Who reads a shard: two at a time, and a third is told to come again later.

In: the shard, the reader and the time of each GetRecords. Out: whether it may read now. Called by
whoever answers GetRecords, which keeps one `ShardReaders`.

A reader is everybody who goes on from one iterator; its number says when it began. DynamoDB counts
processes, which no server can see. So somebody counts as reading a shard who has asked for records
twice within the last second, and he counts against those who began before he last did. Who reads
once in a while, or one after the other, is never refused.
Source: AWS Developer Guide, "Change data capture for DynamoDB Streams": no more than two processes
should read from a shard at the same time, more can be throttled.
"""

from __future__ import annotations

from typing import Final

from stator_core.errors import LimitExceededException
from stator_core.limits import SHARD_READERS_MAX

WINDOW_MILLISECONDS: Final = 1_000
SHARDS_KEPT_MAX: Final = 10_000  # beyond that the oldest are forgotten
# AWS's own description of the error, in its model of the API. GetRecords has no other for this,
# and the Kinesis adapter for DynamoDB Streams takes it for a throttle and tries again.
TOO_MANY: Final = "Too many operations for a given subscriber."


class ShardReaders:
    """The readers of a moment, by shard."""

    def __init__(self) -> None:
        # Shard, reader: when he read last, and when the time before.
        self._reads: dict[str, dict[int, tuple[int, int | None]]] = {}

    def note(self, shard: str, reader: int, began: int, now: int) -> None:
        """A reader that began then asks for records now (milliseconds).

        Raises LimitExceededException where two others are reading the shard.
        """
        since = now - WINDOW_MILLISECONDS
        reads = {
            each: (last, before if before is not None and before > since else None)
            for each, (last, before) in self._reads.pop(shard, {}).items()
            if since < last <= now
        }
        self._reads[shard] = reads  # As the newest.
        if len(self._reads) > SHARDS_KEPT_MAX:
            del self._reads[next(iter(self._reads))]
        others = sum(
            1
            for each, (last, before) in reads.items()
            if each != reader and before is not None and last >= began
        )
        if others >= SHARD_READERS_MAX:
            raise LimitExceededException(TOO_MANY)
        reads[reader] = now, reads[reader][0] if reader in reads else None
