"""The hybrid clock: timestamps that follow the wall clock and never stand still or go back.

The shell hands in the wall clock's milliseconds; out comes the timestamp that `item_format.py`
writes with an item. One clock per partition leader. Invariant: each timestamp is greater than every
one that this clock gave or observed before, whatever the wall clock does.
"""

from __future__ import annotations

from typing import Final

COUNTER_BITS: Final = 16
MILLISECONDS_MAX: Final = 2**48 - 1  # the year 10889


class HybridClock:
    """48 bits of milliseconds since 1970, then 16 bits that count within one millisecond.

    More than 65,536 timestamps in a millisecond borrow from the next one.
    """

    __slots__ = ("last",)

    def __init__(self, last: int = 0) -> None:
        self.last = last

    def next(self, now_milliseconds: int) -> int:
        """A timestamp for an event at this time of the wall clock."""
        assert 0 <= now_milliseconds <= MILLISECONDS_MAX
        wall = now_milliseconds << COUNTER_BITS
        self.last = wall if wall > self.last else self.last + 1
        return self.last

    def observe(self, other: int) -> None:
        """Stay ahead of a timestamp that another clock gave."""
        if other > self.last:
            self.last = other


def stamp_at(milliseconds: int) -> int:
    """The least timestamp of this time (epoch milliseconds), whatever it is."""
    return min(max(milliseconds, 0), MILLISECONDS_MAX) << COUNTER_BITS


def milliseconds_of(timestamp: int) -> int:
    """The wall clock's part of a timestamp."""
    return timestamp >> COUNTER_BITS
