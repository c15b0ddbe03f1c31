"""Committed entries on their way into the state machine, batch by batch.

In: what Raft hands out (`hosted_partition.py`): entries, and the configuration after the last of
them. Out: the part that is applied next, and what a batch gathers while its entries are applied.
Invariant: a configuration takes effect in the batch of the last entry of its part, so that every
replica counts the same changes of members.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from stator_core.partition_state import PartitionState
from stator_core.raft.messages import Configuration, Entry
from stator_node.doors import Operation
from stator_node.group_commit import Group


class Committed:
    """Entries that are committed and not applied, in the parts in which Raft gave them.

    `held_since`: since when (milliseconds) the first one cannot be applied; None: it can.
    """

    def __init__(self) -> None:
        self._parts: deque[tuple[list[Entry], Configuration | None]] = deque()
        self.held_since: int | None = None

    def __bool__(self) -> bool:
        return bool(self._parts)

    def add(self, entries: list[Entry], configuration: Configuration | None) -> None:
        """Raft has handed them out. `entries` are not empty."""
        self._parts.append((entries, configuration))

    def entries(self) -> list[Entry]:
        """Those of the first part. Only where there is one."""
        return self._parts[0][0]

    def take(self, count: int) -> Configuration | None:
        """So many of the first part are applied. The configuration that takes effect with it."""
        entries, configuration = self._parts.popleft()
        if count == len(entries):
            return configuration
        self._parts.appendleft((entries[count:], configuration))
        return None

    def clear(self) -> None:
        """What was not applied comes again, from the log or in a snapshot."""
        self._parts.clear()
        self.held_since = None


@dataclass(slots=True)
class Batch:
    """What committed entries do together, in one write to the store."""

    operations: list[Operation]
    groups: list[Group] = field(default_factory=list)  # whose writers wait here
    children: list[PartitionState] = field(default_factory=list)
    strangers: list[PartitionState] = field(default_factory=list)  # who have no replica here
    absorbed: PartitionState | None = None
    scrubs: bool = False

    @property
    def ends_here(self) -> bool:
        """A digest is of that very index, and who takes over stands alone in its batch's end."""
        return self.scrubs or self.absorbed is not None
