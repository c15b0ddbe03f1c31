"""The mark on disk that no stored timestamp lies above: after a restart, time goes on from it.

In: what the store holds. Out: the clock that the timestamps of `stator local` come from, and the
operation that raises its mark. Called by `group_commit.py`, which writes that operation in the one
batch with the first timestamps above the mark, so that neither is ever durable without the other.
Invariant: a timestamp given after a restart is greater than every one stored before it, wherever
the wall clock was set meanwhile.
"""

from __future__ import annotations

from typing import Final

from stator_core.clock import HybridClock, stamp_at
from stator_node.doors import ItemStore, Operation

MARK_KEY: Final = b"stamps"  # in the family "meta": the mark, 8 bytes
# How far ahead of use the mark is set: one more key in a batch every five seconds of writing.
AHEAD_MILLISECONDS: Final = 5_000


class StampMark:
    """The clock of one store, begun at its mark."""

    __slots__ = ("_mark", "stamps")

    def __init__(self, store: ItemStore) -> None:
        """Raises StorageFailed."""
        stored = store.get_from("meta", MARK_KEY)
        self._mark = 0 if stored is None else int.from_bytes(stored, "big")
        self.stamps = HybridClock(self._mark)

    def raised(self) -> Operation | None:
        """What the next batch must hold; None while the mark is above all timestamps given."""
        last = self.stamps.last
        if last <= self._mark:
            return None
        self._mark = last + stamp_at(AHEAD_MILLISECONDS)
        return "meta", MARK_KEY, self._mark.to_bytes(8, "big")

    def doubt(self) -> None:
        """The store may not hold what was written last: the next batch sets the mark anew."""
        self._mark = 0
