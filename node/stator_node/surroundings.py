"""What a hosted partition needs of its pod: a Protocol, so that neither knows the other's inside.

`partition_host.PartitionHost` is the product's; tests have others.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from stator_core.clock import HybridClock
from stator_core.partition_state import PartitionState
from stator_core.raft.messages import InstallSnapshot, Message
from stator_core.raft.settings import Settings
from stator_node.doors import ItemStore, Operation
from stator_node.sync_loop import SyncLoop

if TYPE_CHECKING:
    from stator_node.hosted_partition import HostedPartition


class Surroundings(Protocol):
    """What a hosted partition needs of its pod. `partition_host.PartitionHost` is the product's."""

    store: ItemStore
    sync: SyncLoop
    stamps: HybridClock
    settings: Settings
    random_below: Callable[[int], int]

    def now(self) -> int:
        """Monotonic milliseconds, for Raft."""

    def now_milliseconds(self) -> int:
        """Milliseconds since the epoch, for timestamps."""

    def send(self, partition: HostedPartition, message: Message) -> None:
        """Send a Raft message to the node of its receiver."""

    def send_snapshot(self, partition: HostedPartition, message: InstallSnapshot) -> None:
        """Begin to send what is applied now, and `message` behind it."""

    def process_soon(self, partition: HostedPartition) -> None:
        """Call `partition.process()` in a later turn of the event loop."""

    def child_born(
        self, child: PartitionState, operations: list[Operation], timestamp: int
    ) -> bool:
        """A split of this timestamp makes a partition here: add its first records to `operations`.

        False if this pod knows it already, or by another replica. `child_stored` follows when
        they are written, or `child_refused` when the parent owns less.
        """

    def child_refused(self, child: PartitionState) -> None:
        """What the split took from the parent is nobody's here: it can go."""

    def child_stored(self, child: PartitionState) -> None:
        """The records of a child are written: it can begin to live."""

    def absorb(self, right: PartitionState, operations: list[Operation]) -> bool:
        """A merge ends this partition here: add what ends it to `operations`.

        `absorbed` follows when they are written. False: it is not frozen here yet. Raises
        ReplicaDamaged where it never will be.
        """

    def absorbed(self, right: PartitionState) -> None:
        """The records that end a partition are written: its items are its neighbour's."""

    def scrub(self, partition: HostedPartition, index: int) -> None:
        """Take a digest of what the partition holds at this moment, which is this index."""

    def followed(self, partition: HostedPartition) -> None:
        """Something has been applied here that somebody may follow."""

    def changed(self, partition: HostedPartition) -> None:
        """Leader, range, members or table have changed: tell who wants to know."""
