"""The scrub: do all replicas of a partition hold the same bytes?

In: a SCRUB entry, which every replica applies at one index; there each opens cursors over what it
owns, a snapshot of that index, and walks them in slices beside other work. Out: a digest of keys
and values, told in the replica's report with the index. Who differs from the majority has bytes
that the log did not write; `supervisor.py` compares and has it rebuilt. Items are checked by their
own checksums on the way, so a flipped bit in a block that nobody reads is found too. Invariant:
equal logs give equal digests, whatever else happens meanwhile.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from xxhash import xxh3_64

from stator_core.item_format import Damaged
from stator_core.partition_state import PartitionState
from stator_node.doors import Cursor, ItemStore, StorageFailed

logger = logging.getLogger(__name__)

SLICE_ENTRIES = 200
REST_SECONDS = 0.002  # between slices: a scrub may take minutes, requests may not
DIGESTS_MAJORITY = 2


@dataclass(frozen=True, slots=True)
class Scrubbed:
    """What a replica held at an index of its log."""

    index: int
    digest: str


class Scrub:
    """One walk over one replica's bytes. Made while the entry is applied."""

    def __init__(self, store: ItemStore, state: PartitionState, index: int) -> None:
        self.index = index
        self._cursors: list[Cursor] = [
            store.cursor(family, start, end) for family, start, end in state.content_ranges()
        ]

    async def run(self) -> Scrubbed:
        """Walk everything. Raises StorageFailed where a block cannot be read."""
        digest = xxh3_64()
        for cursor in self._cursors:
            while found := cursor.take(SLICE_ENTRIES):
                for key, value in found:
                    digest.update(len(key).to_bytes(4, "big"))
                    digest.update(key)
                    digest.update(value)
                await asyncio.sleep(REST_SECONDS)
        return Scrubbed(self.index, digest.hexdigest())


async def scrub(walk: Scrub, done: Callable[[Scrubbed], None], damaged: Callable[[], None]) -> None:
    """Run a walk, and say what came of it."""
    try:
        done(await walk.run())
    except (Damaged, StorageFailed) as error:
        logger.error("the scrub at index %d found damage: %s", walk.index, error)
        damaged()


def outvoted(reports: Sequence[dict[str, Any]]) -> Iterable[int]:
    """The replica ids whose digest differs from that of the majority, at the newest common index.

    `reports` are those of all replicas of one partition. None without a majority: then nobody can
    say who is right.
    """
    scrubbed = [report for report in reports if report.get("scrubbed") is not None]
    if len(scrubbed) < DIGESTS_MAJORITY + 1:
        return ()
    if len({report["scrubbed"]["index"] for report in scrubbed}) != 1:
        return ()
    by_digest: dict[str, list[int]] = {}
    for report in scrubbed:
        by_digest.setdefault(report["scrubbed"]["digest"], []).append(report["replica_id"])
    winner = max(by_digest.values(), key=len)
    if len(winner) * 2 <= len(scrubbed):
        return ()
    return [
        replica_id
        for replica_ids in by_digest.values()
        if replica_ids is not winner
        for replica_id in replica_ids
    ]
