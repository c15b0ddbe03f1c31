"""What the checkers see of a simulated cluster: every write to a disk, and who begins to lead.

`ObservedDisk` stands between a node's product and its simulated disk and reads along in the family
`log`: promises once they are durable, applied entries as they are applied, snapshots, splits. The
product knows nothing of it. `ClusterObserver` turns that into the events of the checkers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from zlib import crc32

import orjson

from simulation.disk import SimulatedDisk
from simulation.key_once_checker import KeyOnceChecker
from simulation.log_agreement_checker import LogAgreementChecker
from simulation.one_leader_per_term_checker import OneLeaderPerTermChecker
from simulation.promise import PromiseBroken
from simulation.stamp_order_checker import StampOrderChecker
from stator_core import change_format, item_format, log_format, partition_state
from stator_core.entry_format import EntryKind as ChangeKind
from stator_core.entry_format import change_body, decode_writes, read_header
from stator_core.key_format import hash_of, identifier_of
from stator_core.log_format import entry_key
from stator_core.partition_descriptor import PartitionDescriptor
from stator_core.raft.log import BOOTSTRAP_INDEX
from stator_core.raft.messages import EntryKind
from stator_node.doors import Cursor, Family, Operation, StorageFailed
from stator_node.hosted_partition import HostedPartition
from stator_node.storage.log_store import read_replica, stored_partitions

CUTS = (ChangeKind.DESCRIBE, ChangeKind.ROLL, ChangeKind.SPLIT)
LETTER = slice(8, 9)  # of a key in the family "log": which record it is


CHANGE_THE_RANGE = (ChangeKind.SPLIT, ChangeKind.MERGE)


def place(hash_: int) -> str:
    """A place of the hash space as text that orders as places do."""
    return f"{hash_:017x}"


class ClusterObserver:
    """The checkers that watch while the world runs. Their errors end the run where they arise."""

    def __init__(self) -> None:
        self.elections = OneLeaderPerTermChecker()
        self.logs = LogAgreementChecker()
        self.stamps = StampOrderChecker()
        self.maps: dict[int, KeyOnceChecker] = {}  # by table identifier
        self.descriptors: dict[int, PartitionDescriptor] = {}  # as each partition began
        self.absorbed: set[int] = set()  # partitions that are in others
        self.counts: dict[str, int] = {}
        self._leaders: set[tuple[int, int, int]] = set()

    def saw(self, event: str, partition: int, replica: int, **members: Any) -> None:
        """Hand one event to every checker."""
        self.counts[event] = self.counts.get(event, 0) + 1
        told = {"event": event, "partition": partition, "replica": replica, **members}
        self.elections.observe(told)
        self.logs.observe(told)
        self.stamps.observe(told)

    def changed(self, hosted: HostedPartition) -> None:
        """Called by the product where a replica's role or range has changed."""
        raft = hosted.raft
        leader = hosted.partition_id, hosted.replica_id, raft.term
        if raft.leads and leader not in self._leaders:
            self._leaders.add(leader)
            self.saw("leader", *leader[:2], term=raft.term, last_index=raft.last_index)

    def begun(self, descriptor: PartitionDescriptor) -> None:
        """A partition has its first records somewhere."""
        if descriptor.partition_id not in self.absorbed:
            self.descriptors.setdefault(descriptor.partition_id, descriptor)
        checker = self.maps.setdefault(descriptor.table_identifier, KeyOnceChecker())
        start, end = place(descriptor.range.start), place(descriptor.range.end)
        if descriptor.parent_id is None:
            event = {"event": "created", "start": start, "end": end}
        else:
            event = {"event": "split", "child": descriptor.partition_id, "at": start}
        owner = descriptor.parent_id or descriptor.partition_id
        checker.observe({**event, "partition": owner})

    def merged(
        self, partition: int, replica: int, descriptor: PartitionDescriptor, timestamp: int
    ) -> None:
        """A replica of a partition has taken over another one."""
        absorbed = descriptor.partition_id
        self.saw("merged", partition, replica, absorbed=absorbed, timestamp=timestamp)
        self.absorbed.add(absorbed)
        self.descriptors.pop(absorbed, None)
        checker = self.maps[descriptor.table_identifier]
        checker.observe({"event": "merged", "partition": partition, "absorbed": absorbed})


class ObservedDisk:
    """A `doors.ItemStore`: hands everything on to a disk, and tells the observer of it."""

    def __init__(self, disk: SimulatedDisk, observer: ClusterObserver) -> None:
        self._disk = disk
        self._observer = observer
        self._replica: dict[int, int] = {}  # partition: replica
        self._applied: dict[int, int] = {}
        self._range: dict[int, tuple[int, int, int] | None] = {}  # as of what is applied
        self._of_index: set[int] = set()  # partitions of global indexes
        self._promised: list[tuple[int, bytes, bytes]] = []  # written and not known to be durable
        self.get = disk.get
        self._take_up()

    def _take_up(self) -> None:
        for partition in stored_partitions(self._disk):
            record = read_replica(self._disk, partition)
            if record is None or record.destroyed:
                continue
            self._replica[partition] = record.replica_id
            key = log_format.record_key(partition, b"A")
            stored = self._disk.get_from("log", key)
            index, stamp = (0, 0) if stored is None else log_format.decode_applied(key, stored)
            self._applied[partition] = index
            self._range[partition] = self._stored_range(partition)
            if index:
                self._observer.saw("restarted", partition, record.replica_id, index=index)
                self._stands(partition, index, stamp)
            key = log_format.record_key(partition, b"H")
            stored = self._disk.get_from("log", key)
            if stored is not None:
                self._promised.append((partition, key, stored))

    def get_from(self, family: Family, key: bytes) -> bytes | None:
        return self._disk.get_from(family, key)

    def cursor(self, family: Family, start: bytes, end: bytes, *, reverse: bool = False) -> Cursor:
        return self._disk.cursor(family, start, end, reverse=reverse)

    def write(self, operations: Sequence[Operation], *, sync: bool) -> None:
        unsynced = len(self._disk._unsynced)
        try:
            self._disk.write(operations, sync=sync)
        except StorageFailed:
            if len(self._disk._unsynced) > unsynced:
                self._look(operations)  # It was the sync that failed: what is written may stay.
            raise
        self._look(operations)
        if sync:
            self._durable()

    def delete_range(self, family: Family, start: bytes, end: bytes) -> None:
        self._disk.delete_range(family, start, end)
        self._durable()

    def sync(self) -> None:
        self._disk.sync()
        self._durable()

    def reopen(self) -> None:
        self._disk.reopen()

    def close(self) -> None:
        self._disk.close()

    def _durable(self) -> None:
        promised, self._promised = self._promised, []
        for partition, key, stored in promised:
            replica = self._replica.get(partition)
            if replica is None:
                continue
            state = log_format.decode_hard_state(key, stored)
            self._observer.saw("term", partition, replica, term=state.term)
            if state.vote:
                self._observer.saw(
                    "vote", partition, replica, term=state.term, candidate=state.vote
                )

    def _look(self, operations: Sequence[Operation]) -> None:
        """Read along. A batch may hold several records of a kind: the last one counts."""
        records: dict[int, dict[bytes, tuple[bytes, bytes]]] = {}
        for family, key, value in operations:
            if family == "log" and value is not None and key[LETTER] != b"E":
                records.setdefault(log_format.partition_of(key), {})[key[LETTER]] = key, value
        # A parent's split before the first records of its child, which are in the same batch.
        for partition, found in sorted(records.items(), key=lambda each: b"B" in each[1]):
            if b"R" in found:
                self._look_at_replica(partition)
            if b"H" in found:
                self._promised.append((partition, *found[b"H"]))
            if b"A" in found and partition in self._replica:
                self._look_at_applied(partition, found)
            if b"R" in found:
                self._range[partition] = self._stored_range(partition)

    def _look_at_replica(self, partition: int) -> None:
        record = read_replica(self._disk, partition)
        assert record is not None
        if record.destroyed:
            replica = self._replica.pop(partition, None)
            if replica is not None:
                self._observer.saw("forgotten", partition, replica)
        else:
            self._replica[partition] = record.replica_id

    def _look_at_applied(self, partition: int, found: dict[bytes, tuple[bytes, bytes]]) -> None:
        replica = self._replica[partition]
        index, stamp = log_format.decode_applied(*found[b"A"])
        before = self._applied.get(partition, 0)
        self._applied[partition] = index
        if b"B" in found:
            begin, _ = log_format.decode_position(*found[b"B"])
            if begin == BOOTSTRAP_INDEX and index == BOOTSTRAP_INDEX:
                self._look_at_first(partition, replica)
                self._stands(partition, index, stamp)
                return
            if begin == index:
                if index:
                    self._observer.saw("restored", partition, replica, index=index)
                    self._stands(partition, index, stamp)
                return
        # An entry is checked against what was held before the batch, or what is held after it: what
        # lies between two changes of its range in one batch, or snapshot, is known to neither.
        before_change: list[tuple[int, bytes]] = []
        after_change: list[tuple[int, bytes]] = []
        changes = 0
        for number in range(before + 1, index + 1):
            key = entry_key(partition, number)
            stored = self._disk.get_from("log", key)
            assert stored is not None, f"partition {partition}: {number} applied, not in the log"
            entry = log_format.decode_entry(key, stored)
            digest = crc32(entry.data, int(entry.kind))
            told = {"index": number, "term": entry.term, "digest": digest}
            if entry.kind is not EntryKind.NORMAL or not entry.data:
                self._observer.saw("applied", partition, replica, **told)
                continue
            kind, timestamp = read_header(entry.data)
            items = self._item_stamps(partition, entry.data) if kind is ChangeKind.WRITES else ()
            told |= {"timestamp": timestamp, "items": items, "cuts": kind in CUTS}
            self._observer.saw("applied", partition, replica, **told)
            if kind is ChangeKind.WRITES:
                (after_change if changes else before_change).append((number, entry.data))
            elif kind in CHANGE_THE_RANGE:
                changes += 1
                after_change.clear()
            if kind is ChangeKind.SPLIT:
                child = orjson.loads(change_body(entry.data))["child_id"]
                self._observer.saw("split", partition, replica, child=child, timestamp=timestamp)
            elif kind is ChangeKind.MERGE:
                self._look_at_merge(partition, replica, entry.data)
        self._stands(partition, index, stamp)
        self._check_range(partition, self._range.get(partition), before_change)
        if after_change:
            self._check_range(partition, self._stored_range(partition), after_change)

    def _look_at_merge(self, partition: int, replica: int, data: bytes) -> None:
        """It may fit or not: the partition's record says whose ids are in it."""
        _, timestamp = read_header(data)
        right = partition_state.from_json(orjson.loads(change_body(data))["right"].encode())
        record = read_replica(self._disk, partition)
        assert record is not None
        assert record.state is not None
        if right.descriptor.partition_id in record.state.absorbed:
            self._observer.merged(partition, replica, right.descriptor, timestamp)

    def _stands(self, partition: int, index: int, timestamp: int) -> None:
        replica = self._replica[partition]
        self._observer.saw("stands", partition, replica, index=index, timestamp=timestamp)

    def _item_stamps(self, partition: int, data: bytes) -> tuple[int, ...]:
        """Of the items and change records that an entry writes.

        Those of an index come from many partitions' logs.
        """
        if partition in self._of_index:
            return ()
        return tuple(
            change_format.stamp_of(key)
            if family == "changes"
            else item_format.read(key, value).timestamp
            for family, key, value in decode_writes(data)
            if family in ("items", "changes") and value is not None
        )

    def _check_range(
        self,
        partition: int,
        held: tuple[int, int, int] | None,
        entries: list[tuple[int, bytes]],
    ) -> None:
        """No entry writes an item that the partition does not hold at that index."""
        if held is None:
            return
        identifier, start, end = held
        for index, data in entries:
            for family, key, _ in decode_writes(data):
                if family in ("items", "indexes"):
                    if identifier_of(key) != identifier or not start <= hash_of(key) < end:
                        raise PromiseBroken(
                            f"partition {partition}: entry {index} writes {key!r}, which lies "
                            f"outside of [{place(start)}, {place(end)})"
                        )

    def _stored_range(self, partition: int) -> tuple[int, int, int] | None:
        """The table's identifier, and the hashes that the replica holds by its own record."""
        record = read_replica(self._disk, partition)
        if record is None or record.state is None:
            return None
        if record.state.is_of_index:
            self._of_index.add(partition)
        descriptor = record.state.descriptor
        return descriptor.table_identifier, descriptor.range.start, descriptor.range.end

    def _look_at_first(self, partition: int, replica: int) -> None:
        record = read_replica(self._disk, partition)
        assert record is not None
        if record.state is not None:
            self._observer.begun(record.state.descriptor)
        self._observer.saw("begun", partition, replica, index=BOOTSTRAP_INDEX)


def owned_content(
    disk: SimulatedDisk, state: partition_state.PartitionState
) -> list[tuple[Family, bytes, bytes]]:
    """All that a disk holds of what a partition's log has made."""
    return [
        (family, key, value)
        for family, start, end in state.content_ranges()
        for key, value in disk.cursor(family, start, end)
    ]
