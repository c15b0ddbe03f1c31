"""All partition replicas of one pod, and what they share: disk, links, timers.

In: Raft messages and requests from other pods (`transport/server.py`), and time. It finds the
replica that a message is for, makes one where a leader has given this pod a replica, and lets those
with news do their work once per turn of the event loop. Out: Raft messages through
`transport/links.py`, answers of requests (`partition_requests.py`), reports for the supervisor.
Invariants: a destroyed replica is never brought back by a late message; two partitions of this pod
never own one key.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace

from stator_core import raft_message_format
from stator_core.clock import HybridClock
from stator_core.entry_format import EntryRefused
from stator_core.log_format import REPLICA_MAX
from stator_core.partition_changes import first_configuration
from stator_core.partition_state import PartitionState
from stator_core.raft.messages import (
    AppendEntries,
    Configuration,
    Heartbeat,
    InstallSnapshot,
    Message,
    RequestVote,
)
from stator_core.raft.refusals import ReplicaDamaged
from stator_core.raft.settings import Settings
from stator_node.doors import Clock, ItemStore, Operation, StorageFailed
from stator_node.hosted_partition import HostedPartition
from stator_node.owned_data import delete_owned, share_data
from stator_node.scrub import Scrub, Scrubbed, scrub
from stator_node.snapshot_transfer import Chunk, ChunkRefused, content_of, send_snapshot
from stator_node.state_asking import StateAsking
from stator_node.storage.log_store import (
    NOTHING_PROMISED,
    LogStore,
    ReplicaRecord,
    ended_record,
    first_records,
    read_replica,
    replica_operation,
    stored_partitions,
)
from stator_node.sync_loop import SyncLoop
from stator_node.transport.frame_format import Hello
from stator_node.transport.links import Links

logger = logging.getLogger(__name__)

TICK_SECONDS = 0.02
FROM_LEADERS = AppendEntries | Heartbeat | InstallSnapshot
CHILD_CAMPAIGN_SECONDS = 0.02  # until the peers have applied the split, too
NEW_CAMPAIGN_SECONDS = 0.1  # until they have heard of a new partition
# A merge waits this long for its right side on this pod, which may be behind. Then something is
# wrong with that, and the left one takes the whole state from its leader.
HELD_MILLISECONDS_MAX = 10_000


class PartitionHost:
    """The replicas of this pod by partition id. The product's `surroundings.Surroundings`."""

    def __init__(
        self,
        store: ItemStore,
        sync: SyncLoop,
        links: Links,
        clock: Clock,
        loop: asyncio.AbstractEventLoop,
        settings: Settings,
        random_below: Callable[[int], int],
    ) -> None:
        self.store = store
        self.sync = sync
        self.links = links
        self.clock = clock
        self.loop = loop
        self.settings = settings
        self.random_below = random_below
        self.stamps = HybridClock()
        self.node_id = links.hello.sender_id
        self.partitions: dict[int, HostedPartition] = {}
        self.on_changed: Callable[[HostedPartition], None] = lambda _: None
        self.on_followed: Callable[[HostedPartition], None] = lambda _: None
        self.on_gone: Callable[[int], None] = lambda _: None
        # A write of a replica was refused. What it has in memory is ahead of its disk: the pod must
        # end, and go on from what is there.
        self.on_storage_failed: Callable[[StorageFailed], None] = lambda _: None
        # By partition id: the replica id of the last one here, or, where the partition is in
        # another one, REPLICA_MAX.
        self._destroyed: dict[int, int] = {}
        self._leaving: set[int] = set()  # partitions whose destruction is not durable yet
        self._coming: set[int] = set()  # and those whose first records are not
        self._dirty: dict[int, HostedPartition] = {}
        # Partitions for which time may matter: the others are quiet, and every turn of work that
        # could change that puts them back. An idle pod may have thousands.
        self._timed: set[int] = set()
        self._scheduled = False
        self._receiving: dict[int, tuple[str, int]] = {}  # transfer, next sequence
        self._senders: dict[tuple[int, int], asyncio.Task[None]] = {}
        self._peer_nodes: dict[tuple[int, int], str] = {}  # (partition, replica): node
        self._state_asking = StateAsking(links, self._peer_nodes)
        self._scrubs: set[asyncio.Task[None]] = set()
        self._stopped = False
        self.is_ending = False  # what is led here is handed over, and nothing is to be led again
        links.on_down = self._node_down

    @property
    def timed(self) -> int:
        """How many partitions are looked at whenever some time has passed."""
        return len(self._timed)

    def start(self) -> None:
        """Take up the replicas that the disk holds. Raises log_format.LogDamaged."""
        left: list[tuple[int, ReplicaRecord]] = []
        for partition_id in stored_partitions(self.store):
            record = read_replica(self.store, partition_id)
            if record is None:
                logger.error("partition %d has a log but no replica record", partition_id)
            elif record.destroyed:
                self._destroyed[partition_id] = record.replica_id
                left.append((partition_id, record))
            else:
                self._adopt(partition_id, record)
        for partition_id, record in left:
            self._clear_destroyed(partition_id, record)
        self._tick()

    def stop(self) -> None:
        """Do nothing any more; the process is about to end."""
        self._stopped = True
        for task in self._senders.values():
            task.cancel()

    def resign_all(self) -> None:
        """Have others lead at once what is led here: this pod cannot go on."""
        for hosted in tuple(self.partitions.values()):
            hosted.resign()

    def transfer_all(self) -> bool:
        """Ask Raft to hand over what is led here. False: nothing is, or nobody can take it."""
        if self._stopped:
            return False
        asked = [hosted.hand_over(self.links.is_up) for hosted in tuple(self.partitions.values())]
        return any(asked)

    # The life of replicas here.

    def create(self, state: PartitionState, done: Callable[[], None]) -> None:
        """Begin a replica of a new partition, as its descriptor says; `done` when it is durable.

        To be asked twice is nothing: the second time it is here already.
        """
        partition_id = state.descriptor.partition_id
        member = state.descriptor.replica_on(self.node_id)
        known = self.partitions.get(partition_id)
        if partition_id in self._destroyed or member is None:
            done()
            return
        record = ReplicaRecord(member.replica_id, state, first_configuration(state.descriptor))
        if known is not None:
            if is_blank(known, member.replica_id):
                records = first_records(partition_id, record, known.log.promised)
                self.store.write(records, sync=True)
                del self.partitions[partition_id]
                self._adopt(partition_id, record)
            done()
            return

        def durable() -> None:
            self._coming.discard(partition_id)
            if partition_id not in self.partitions:
                hosted = self._adopt(partition_id, record)
                hosted.range_since = self.now()
                if member is state.descriptor.voters[0]:
                    self.loop.call_later(NEW_CAMPAIGN_SECONDS, self._campaign, hosted)
            done()

        self._coming.add(partition_id)
        self.sync.append(first_records(partition_id, record), durable)

    def destroy(self, partition_id: int, replica_id: int, done: Callable[[], None]) -> None:
        """Take away a replica that is no member any more, with its data."""
        hosted = self.partitions.get(partition_id)
        if hosted is None or hosted.replica_id > replica_id:
            done()
            return
        # Until its data is gone, the tombstone says what that is: the pod may end in between.
        record = ReplicaRecord(hosted.replica_id, hosted.state, Configuration(), destroyed=True)
        self._forget_replica(hosted, record)
        self._leaving.add(partition_id)
        operations = hosted.log.wipe()
        operations.append(replica_operation(partition_id, record))

        def durable() -> None:
            self._leaving.discard(partition_id)
            self._clear_destroyed(partition_id, record)
            self.on_gone(partition_id)
            done()

        self.sync.append(operations, durable)

    def _forget_replica(self, hosted: HostedPartition, tombstone: ReplicaRecord) -> None:
        """It is no more: nothing is asked of it, and no late message brings it back."""
        partition_id = hosted.partition_id
        del self.partitions[partition_id]
        self._dirty.pop(partition_id, None)
        self._receiving.pop(partition_id, None)
        self._destroyed[partition_id] = tombstone.replica_id
        hosted.commit.stand_still()

    def _end(self, hosted: HostedPartition) -> None:
        """The tombstone is written of a partition that is in another one now."""
        record = ended_record(hosted.state)
        self._forget_replica(hosted, record)
        # At once: what another partition is about to get in its range must stay.
        self._clear_destroyed(hosted.partition_id, record)
        self.sync.append(hosted.log.wipe(), lambda: self.on_gone(hosted.partition_id))

    def absorber_of(self, partition_id: int) -> HostedPartition | None:
        """A replica here of what another partition is in by now."""
        return next(
            (
                hosted
                for hosted in self.partitions.values()
                if hosted.state is not None and partition_id in hosted.state.absorbed
            ),
            None,
        )

    def _clear_destroyed(self, partition_id: int, record: ReplicaRecord) -> None:
        """Delete what a destroyed replica has left; only its tombstone stays."""
        if record.state is not None:
            self._delete_data(record.state, None)
            tombstone = replace(record, state=None)
            self.store.write([replica_operation(partition_id, tombstone)], sync=False)

    def rebuild(self, hosted: HostedPartition) -> None:
        """What this replica has cannot be trusted: stand still until a peer has sent its state."""
        if hosted.rebuilding or hosted.stopped:
            return
        logger.error("partition %d: this replica is rebuilt from its peers", hosted.partition_id)
        self._timed.add(hosted.partition_id)
        self.store.write(hosted.begin_rebuilding(hosted.lacks_from), sync=True)
        self.on_changed(hosted)

    def _adopt(self, partition_id: int, record: ReplicaRecord) -> HostedPartition:
        log = LogStore(self.store, partition_id)
        hosted = HostedPartition(self, log, record)
        self.partitions[partition_id] = hosted
        if hosted.state is not None:
            hosted.forget()  # A crash may have come between the entry and this.
            hosted.settle_freeze()
        self.process_soon(hosted)
        self.on_changed(hosted)
        return hosted

    def _delete_data(self, state: PartitionState, of: HostedPartition | None) -> None:
        """Delete what a replica held, but for what another partition here owns by now."""
        others = [
            hosted.state
            for hosted in self.partitions.values()
            if hosted is not of and hosted.state is not None
        ]
        delete_owned(self.store, state, others)

    # What hosted partitions ask for (`surroundings.Surroundings`).

    def now(self) -> int:
        return int(self.clock.monotonic() * 1000)

    def now_milliseconds(self) -> int:
        return int(self.clock.now() * 1000)

    def send(self, partition: HostedPartition, message: Message) -> None:
        """Send a Raft message; what cannot be sent is lost, and Raft is told."""
        partition_id, receiver = partition.partition_id, message.receiver
        node_id = partition.node_of(receiver) or self._peer_nodes.get((partition_id, receiver))
        if node_id is None:
            return
        data = raft_message_format.encode(message)
        if not self.links.send_raft(node_id, partition_id, data):
            partition.raft.unreachable(self.now(), receiver)

    def send_snapshot(self, partition: HostedPartition, message: InstallSnapshot) -> None:
        key = partition.partition_id, message.receiver
        node_id = partition.node_of(message.receiver)
        state = partition.state
        if node_id is None or state is None or key in self._senders:
            partition.raft.snapshot_finished(self.now(), message.receiver, delivered=False)
            return
        # Now: what is applied is what the message says.
        content = content_of(self.store, state, self.settings.snapshot_chunk_bytes)
        timestamp = partition.log.newest_timestamp

        async def send() -> None:
            arrived = await send_snapshot(
                self.links, node_id, partition.partition_id, state, timestamp, content, message
            )
            if not arrived:
                await asyncio.sleep(1.0)  # The receiver may be busy or gone; do not hurry it.
            partition.raft.snapshot_finished(self.now(), message.receiver, delivered=arrived)
            self.process_soon(partition)

        task = self.loop.create_task(send())
        self._senders[key] = task
        task.add_done_callback(lambda _: self._senders.pop(key, None))

    def process_soon(self, partition: HostedPartition) -> None:
        if self.partitions.get(partition.partition_id) is not partition:
            return  # Another has taken its place; this is the end of its last write.
        self._dirty[partition.partition_id] = partition
        if not self._scheduled:
            self._scheduled = True
            self.loop.call_soon(self._process)

    def child_born(
        self, child: PartitionState, operations: list[Operation], timestamp: int
    ) -> bool:
        partition_id = child.descriptor.partition_id
        known = self.partitions.get(partition_id)
        member = child.descriptor.replica_on(self.node_id)
        if member is None or self._destroyed.get(partition_id, 0) >= member.replica_id:
            return False
        if known is not None and not is_blank(known, member.replica_id):
            return False
        record = ReplicaRecord(member.replica_id, child, first_configuration(child.descriptor))
        # Where its peers were faster and have asked it for its vote, that vote stands.
        promised = NOTHING_PROMISED if known is None else known.log.promised
        operations += first_records(partition_id, record, promised, timestamp)
        return True

    def child_refused(self, child: PartitionState) -> None:
        self._delete_data(child, None)

    def absorb(self, right: PartitionState, operations: list[Operation]) -> bool:
        partition_id = right.descriptor.partition_id
        known = self.partitions.get(partition_id)
        if self._destroyed.get(partition_id, 0) == REPLICA_MAX:
            raise ReplicaDamaged(f"partition {partition_id} was ended here by another's snapshot")
        if known is None or known.rebuilding or known.stopped or known.state is None:
            return False
        if known.state.frozen_for != right.frozen_for:
            return False
        operations.append(replica_operation(partition_id, ended_record(known.state)))
        return True

    def absorbed(self, right: PartitionState) -> None:
        self._end(self.partitions[right.descriptor.partition_id])

    def child_stored(self, child: PartitionState) -> None:
        partition_id = child.descriptor.partition_id
        record = read_replica(self.store, partition_id)
        assert record is not None
        self.partitions.pop(partition_id, None)  # One that only waited for a snapshot.
        self._receiving.pop(partition_id, None)
        hosted = self._adopt(partition_id, record)
        hosted.range_since = self.now()
        parent = self.partitions.get(child.descriptor.parent_id or 0)
        if parent is not None and parent.raft.leads:
            self.loop.call_later(CHILD_CAMPAIGN_SECONDS, self._campaign, hosted)

    def _campaign(self, hosted: HostedPartition) -> None:
        """Have a new partition led at once: its clients need not wait out an election timeout."""

        def campaign() -> None:
            hosted.raft.campaign(self.now())
            self.process_soon(hosted)

        if not self._stopped:
            self._guard(hosted, campaign)

    def scrub(self, partition: HostedPartition, index: int) -> None:
        """Walk the partition's bytes as they are now; damage is mended, the digest reported."""
        assert partition.state is not None

        def done(scrubbed: Scrubbed) -> None:
            partition.scrubbed = scrubbed

        walk = Scrub(self.store, partition.state, index)
        task = self.loop.create_task(scrub(walk, done, lambda: self.rebuild(partition)))
        self._scrubs.add(task)
        task.add_done_callback(self._scrubs.discard)

    def followed(self, partition: HostedPartition) -> None:
        self.on_followed(partition)

    def changed(self, partition: HostedPartition) -> None:
        self.on_changed(partition)

    # What arrives.

    def raft_received(self, sender: Hello, partition_id: int, message: bytes) -> None:
        """A Raft message for a replica here, or for one that a leader wants here."""
        try:
            decoded = raft_message_format.decode(message)
        except raft_message_format.MessageGarbled as error:
            logger.error("from %s: %s", sender.sender_id, error)
            return
        self._peer_nodes[partition_id, decoded.sender] = sender.sender_id
        hosted = self.partitions.get(partition_id)
        if hosted is None:
            if not isinstance(decoded, FROM_LEADERS | RequestVote):
                return
            if self._destroyed.get(partition_id, 0) >= decoded.receiver:
                return
            if partition_id in self._leaving:
                return  # What is still to be written of the old replica would hit the new one.
            if partition_id in self._coming:
                return  # It is here in a moment, with its state: an empty one would take its place.
            hosted = self._begin_empty(partition_id, decoded.receiver)
        if hosted.replica_id == decoded.receiver:
            self._guard(hosted, lambda: hosted.step(decoded))
        elif hosted.replica_id < decoded.receiver and isinstance(decoded, FROM_LEADERS):
            # A node has one replica of a partition: this one was removed before the other was made.
            self.destroy(partition_id, hosted.replica_id, lambda: None)

    def chunk_received(self, partition_id: int, chunk: Chunk) -> bool:
        """A piece of a snapshot. False: all of it is here already. Raises ChunkRefused."""
        hosted = self.partitions.get(partition_id)
        if hosted is None:
            raise ChunkRefused("no replica of the partition is here")
        if hosted.stopped:
            raise ChunkRefused("this replica has stopped at an entry that it cannot apply")
        if not hosted.rebuilding and hosted.log.applied >= chunk.until:
            return False
        if chunk.sequence == 0:
            self._begin_receiving(hosted, chunk)
        elif self._receiving.get(partition_id) != (chunk.transfer, chunk.sequence):
            raise ChunkRefused("this is not the chunk that comes next")
        self._receiving[partition_id] = chunk.transfer, chunk.sequence + 1
        operations: list[Operation] = [*chunk.writes]
        self.store.write(operations, sync=False)
        if chunk.message is not None:
            del self._receiving[partition_id]
            snapshot = chunk.message.snapshot
            self._guard(hosted, lambda: hosted.take_over(chunk.state, snapshot, chunk.timestamp))
        return True

    def _begin_receiving(self, hosted: HostedPartition, chunk: Chunk) -> None:
        """Make room: forget the old state durably, then delete what is left of it.

        Whoever is in what comes ends here with it: a replica that is behind would write old values
        over new ones.
        """
        ended = [
            other
            for other in self.partitions.values()
            if other is not hosted and other.partition_id in chunk.state.absorbed
        ]
        for other in ended:
            if self._is_awaited(other, hosted):
                raise ChunkRefused(f"partition {other.partition_id} here is being taken over")
        for other in self.partitions.values():
            if other is hosted or other in ended or other.state is None:
                continue
            if share_data(chunk.state, other.state):
                raise ChunkRefused(f"partition {other.partition_id} here still owns a part of it")
        before = hosted.state
        if hosted.log.applied > chunk.until:
            raise ChunkRefused(f"this replica stands at {hosted.log.applied} already")
        self._timed.add(hosted.partition_id)
        operations = hosted.begin_rebuilding(chunk.until, chunk.state)
        operations += [
            replica_operation(each.partition_id, ended_record(each.state)) for each in ended
        ]
        self.store.write(operations, sync=True)
        for other in ended:
            self._end(other)
        if before is not None:
            self._delete_data(before, hosted)
        self._delete_data(chunk.state, hosted)

    def _is_awaited(self, right: HostedPartition, coming: HostedPartition) -> bool:
        """Whether a partition here, other than who comes, is about to take over a frozen one."""
        frozen_for = None if right.state is None else right.state.frozen_for
        left = None if frozen_for is None else self.partitions.get(frozen_for.partition_id)
        if left is None or left is coming or left.state is None or left.rebuilding:
            return False
        return left.state.descriptor.generation == frozen_for

    def _begin_empty(self, partition_id: int, replica_id: int) -> HostedPartition:
        """A replica that its peers count on and that is not here yet.

        It is asked for its vote, too: where a parent's snapshot has passed over the split, nobody
        else makes it, and without its vote the child might never have a leader. It has promised
        nothing before, since nothing of it is on the disk.
        """
        record = ReplicaRecord(replica_id, None, Configuration())
        self.store.write([replica_operation(partition_id, record)], sync=True)
        return self._adopt(partition_id, record)

    # Turns of the event loop, and time.

    def _process(self) -> None:
        self._scheduled = False
        if self._stopped:
            return
        dirty, self._dirty = self._dirty, {}
        for hosted in dirty.values():
            self._guard(hosted, hosted.process)

    def _guard(self, hosted: HostedPartition, work: Callable[[], None]) -> None:
        """Run work of one replica; damage that it finds is that replica's own affair."""
        if self.partitions.get(hosted.partition_id) is not hosted or hosted.stopped:
            return
        self._timed.add(hosted.partition_id)
        try:
            work()
        except ReplicaDamaged as damage:
            logger.error("partition %d: %s", hosted.partition_id, damage)
            self._guard(hosted, lambda: self.rebuild(hosted))
        except EntryRefused as refused:
            self._stop_replica(hosted, refused)
        except StorageFailed as error:
            logger.error("partition %d: the disk refuses: %s", hosted.partition_id, error)
            self.on_storage_failed(error)

    def _stop_replica(self, hosted: HostedPartition, refused: EntryRefused) -> None:
        """An entry that this code cannot apply: most likely peers run a newer version."""
        logger.error(
            "partition %d: this replica stops behind entry %d, for it cannot apply the next one: "
            "%s; it goes on when this pod is started with a version that can",
            hosted.partition_id,
            hosted.log.applied,
            refused,
        )
        record = read_replica(self.store, hosted.partition_id)
        assert record is not None
        hosted.stop(record)

    def _tick(self) -> None:
        if self._stopped:
            return
        now = self.now()
        for partition_id in tuple(self._timed):
            hosted = self.partitions.get(partition_id)
            if hosted is None:
                self._timed.discard(partition_id)
            elif hosted.rebuilding:
                self._state_asking.ask(hosted, now)
            else:
                self._tick_one(hosted, now)
        self.loop.call_later(TICK_SECONDS, self._tick)

    def _tick_one(self, hosted: HostedPartition, now: int) -> None:
        held_since, deadline = hosted.held_since, hosted.deadline()
        if held_since is not None:
            self._press(hosted, now - held_since)
        if deadline is not None and deadline <= now:
            self._guard(hosted, hosted.tick)
        elif deadline is None and held_since is None:
            self._timed.discard(hosted.partition_id)

    def _press(self, hosted: HostedPartition, held: int) -> None:
        """A merge waits for its right side, since so many milliseconds."""
        if held < HELD_MILLISECONDS_MAX:
            self.process_soon(hosted)
        else:
            self._guard(hosted, lambda: self.rebuild(hosted))

    def _node_down(self, node_id: str, reason: str) -> None:
        """A node cannot be reached: its replicas are probed, and quiet groups that it led wake.

        What was lost is sent again when the peers answer.
        """
        # When all of a cluster stops, every pod sees every other one go.
        level = logging.DEBUG if self.is_ending else logging.INFO
        logger.log(level, "no link to node %s: %s", node_id, reason)
        now = self.now()
        for hosted in tuple(self.partitions.values()):
            if hosted.state is None:
                continue
            member = hosted.state.descriptor.replica_on(node_id)
            if member is None:
                continue
            hosted.raft.unreachable(now, member.replica_id)
            if hosted.raft.quiesced and hosted.raft.leader == member.replica_id:
                hosted.raft.wake(now)
            self.process_soon(hosted)


def is_blank(hosted: HostedPartition, replica_id: int) -> bool:
    """Whether this is that very replica, and knows nothing yet but what it has promised."""
    return hosted.replica_id == replica_id and hosted.state is None and not hosted.rebuilding
