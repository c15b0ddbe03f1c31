"""Requests to a pod itself: what it holds, and changes to what it holds.

In: REQUEST frames with the codes from 32 up, from the supervisor, from `stator cluster` and from
peers (chunks of snapshots). Out: ANSWER frames whose body is JSON. Each is safe to ask twice: it
says what shall be, and a pod where it is so already says so. The pod obeys only what fits its own
log; nobody outside decides a range or a member (`partition_changes.py`).
"""

from __future__ import annotations

import logging
import socket
from collections.abc import Callable
from typing import Any

import orjson

from stator_core import (
    partition_changes,
    partition_merge,
    partition_state,
    table,
)
from stator_core.entry_format import EntryKind
from stator_core.raft.membership import Change, ChangeKind, MembershipChange
from stator_core.raft.refusals import NotLeader, Refusal
from stator_node.cluster_expiries import ClusterExpiries
from stator_node.cluster_members import ClusterMembers
from stator_node.hosted_partition import HostedPartition
from stator_node.index_feeder import IndexFeeder
from stator_node.movable_clock import MovableClock
from stator_node.operation_codes import OperationCode
from stator_node.partition_host import PartitionHost
from stator_node.partition_load import PartitionLoads
from stator_node.partition_requests import PartitionRequests, redirect
from stator_node.pending import Pending
from stator_node.replica_reports import ReplicaReports, known_book
from stator_node.snapshot_transfer import ALL_HERE, ChunkRefused, decode_chunk
from stator_node.transport.frame_format import Hello, Status
from stator_node.transport.links import Answer
from stator_node.transport.server import OwnRequest, Request

logger = logging.getLogger(__name__)

OK = b"{}"
CAUGHT_UP_ENTRIES = 1_000  # behind the leader: what is left arrives in a moment


class NodeRequests:
    """The `transport.server.Inbound` of a storage pod."""

    def __init__(
        self,
        host: PartitionHost,
        items: PartitionRequests,
        loads: PartitionLoads,
        members: ClusterMembers,
        feeder: IndexFeeder,
        expiries: ClusterExpiries,
    ) -> None:
        self._reports = ReplicaReports(host, loads, items.read_positions, feeder, expiries)
        self._members = members
        self._host = host
        self._items = items
        self._loads = loads
        self._handlers: dict[int, Callable[[Request], None]] = {
            OperationCode.SNAPSHOT_CHUNK: self._snapshot_chunk,
            OperationCode.REPORT: self._report,
            OperationCode.CREATE_PARTITION: self._create_partition,
            OperationCode.DESTROY_REPLICA: self._destroy_replica,
            OperationCode.SPLIT: self._split,
            OperationCode.TRANSFER_LEADER: self._transfer_leader,
            OperationCode.ADD_LEARNER: self._add_learner,
            OperationCode.CHANGE_MEMBERS: self._change_members,
            OperationCode.DESCRIBE: self._describe,
            OperationCode.JOIN: self._join,
            OperationCode.SEND_STATE: self._send_state,
            OperationCode.SCRUB: self._scrub,
            OperationCode.REBUILD: self._rebuild,
            OperationCode.MOVE_CLOCK: self._move_clock,
            OperationCode.FREEZE: self._freeze,
            OperationCode.TAKE_OVER: self._take_over,
            OperationCode.REFUSE_MERGE: self._refuse_merge,
            OperationCode.THAW: self._thaw,
        }

    def raft_received(self, sender: Hello, partition_id: int, message: bytes) -> None:
        self._host.raft_received(sender, partition_id, message)

    def request_received(self, _sender: Hello, request: Request) -> None:
        handler = self._handlers.get(request.operation)
        if handler is None:
            self._items.handle(request)
            return
        try:
            handler(request)
        except NotLeader:
            hosted = self._host.partitions[request.partition_id]
            if hosted.state is None:  # It has no state yet, so it knows nobody to send on to.
                request.answer(Status.UNAVAILABLE, orjson.dumps({"reason": "no state here yet"}))
            else:
                request.answer(Status.REDIRECT, redirect(hosted))
        except (Refusal, ChunkRefused, ValueError, KeyError) as error:
            reason = orjson.dumps({"reason": str(error)})
            request.answer(Status.UNAVAILABLE, reason)

    def own(self, partition_id: int, operation: int, flags: int, body: bytes) -> Pending[Answer]:
        """Answer a request of this pod to itself."""
        pending: Pending[Answer] = Pending()

        def settle(status: Status, answer: bytes) -> None:
            if not pending.done:
                pending.resolve(Answer(status, answer))

        request = OwnRequest(partition_id, operation, flags, body, settle)
        self.request_received(self._host.links.hello, request)
        return pending

    def _snapshot_chunk(self, request: Request) -> None:
        wanted = self._host.chunk_received(request.partition_id, decode_chunk(request.body))
        request.answer(Status.RESULT, OK if wanted else ALL_HERE)

    def _report(self, request: Request) -> None:
        """What the asker has not heard yet, for supervisors, gateways and status pages."""
        known = known_book(request.body)
        news = self._pod() | self._reports.since(known)
        if known is None:
            news["members"] = self._members.known  # for a supervisor whose record is lost
        request.answer(Status.RESULT, orjson.dumps(news))

    def report(self) -> dict[str, Any]:
        """What this pod holds, for its own figures."""
        return {**self._pod(), "partitions": self._reports.all()}

    def _pod(self) -> dict[str, Any]:
        """What a report says of the pod itself. `life`: milliseconds, to reckon ages by."""
        empty = [each for each in self._host.partitions.values() if each.state is None]
        return {
            "node_id": self._host.node_id,
            "zone": self._host.links.hello.zone,
            "pod": socket.gethostname(),
            "ending": self._host.is_ending,
            "free_bytes": self._loads.free_bytes(),
            "life": self._host.now(),
            "rebuilding": [hosted.partition_id for hosted in empty],
            "empty": [
                {"partition_id": hosted.partition_id, "replica_id": hosted.replica_id}
                for hosted in empty
            ],
        }

    def _join(self, request: Request) -> None:
        """Who the pods of the cluster are, and where."""
        self._members.learn(orjson.loads(request.body))
        request.answer(Status.RESULT, OK)

    def _move_clock(self, request: Request) -> None:
        """The clock of a test is so far ahead. A pod that was not started for tests refuses."""
        clock = self._host.clock
        if not isinstance(clock, MovableClock):
            raise ValueError("this pod's clock is not moved: it runs without --test-clock")
        clock.follow(float(orjson.loads(request.body)))
        request.answer(Status.RESULT, OK)

    def _create_partition(self, request: Request) -> None:
        state = partition_state.from_json(request.body)
        self._host.create(state, lambda: request.answer(Status.RESULT, OK))

    def _destroy_replica(self, request: Request) -> None:
        replica_id = orjson.loads(request.body)["replica_id"]
        self._host.destroy(
            request.partition_id, replica_id, lambda: request.answer(Status.RESULT, OK)
        )

    def _led(self, request: Request, asked: dict[str, Any] | None = None) -> HostedPartition:
        """The partition, if it is led here and `asked` is not about an older state of it.

        Raises NotLeader, KeyError, or ValueError for old news.
        """
        hosted = self._host.partitions[request.partition_id]
        if not hosted.may_propose:
            raise NotLeader(hosted.raft.leader)
        assert hosted.state is not None
        epochs = hosted.state.descriptor.epochs
        present = [epochs.range_epoch, epochs.members_epoch]
        if asked is not None and asked.get("epochs", present) != present:
            raise ValueError(f"planned for epochs {asked['epochs']}, these are {present}")
        if asked is not None and asked.get("term", hosted.raft.term) != hosted.raft.term:
            raise ValueError(f"planned for term {asked['term']}, this is {hosted.raft.term}")
        return hosted

    def _open(self, request: Request, asked: dict[str, Any] | None = None) -> HostedPartition:
        """The same, if the partition takes changes now. Raises ValueError besides."""
        hosted = self._led(request, asked)
        if hosted.is_closed:
            raise ValueError("it is being split, or frozen for a merge")
        return hosted

    def _split(self, request: Request) -> None:
        members = orjson.loads(request.body)
        body = partition_changes.split_body(int(members["at_hash"], 16), members["child_id"])
        self._open(request, members).propose_change(EntryKind.SPLIT, body)
        request.answer(Status.RESULT, OK)

    def _describe(self, request: Request) -> None:
        members = orjson.loads(request.body)
        description, epoch = table.from_json(members["table"]), int(members["epoch"])
        hosted = self._open(request)
        assert hosted.state is not None
        present = hosted.state.description_epoch
        if hosted.state.table != description:
            if epoch != present:
                raise ValueError(f"meant for description {epoch}, this is {present}")
            body = partition_changes.describe_body(description, epoch)
            hosted.propose_change(EntryKind.DESCRIBE, body)
        request.answer(Status.RESULT, OK)

    def _scrub(self, request: Request) -> None:
        """Have every replica take a digest of what it holds, at one index."""
        self._led(request).propose_change(EntryKind.SCRUB, OK)
        request.answer(Status.RESULT, OK)

    def _rebuild(self, request: Request) -> None:
        """The replica here holds other bytes than its peers: it takes over theirs."""
        self._host.rebuild(self._host.partitions[request.partition_id])
        request.answer(Status.RESULT, OK)

    def _send_state(self, request: Request) -> None:
        """A replica has lost its state and wants that of the leader."""
        replica_id = orjson.loads(request.body)["replica_id"]
        hosted = self._led(request)
        message = hosted.snapshot_message(replica_id)
        if message is None or hosted.node_of(replica_id) is None:
            raise ValueError(f"replica {replica_id} gets no state from here")
        self._host.send_snapshot(hosted, message)
        request.answer(Status.RESULT, OK)

    def _transfer_leader(self, request: Request) -> None:
        members = orjson.loads(request.body)
        node_id = members["node_id"]
        hosted = self._led(request, members)
        assert hosted.state is not None
        member = hosted.state.descriptor.replica_on(node_id)
        if member is None:
            raise ValueError(f"node {node_id} holds no replica of the partition")
        hosted.raft.transfer_leadership(self._host.now(), member.replica_id)
        self._host.process_soon(hosted)
        request.answer(Status.RESULT, OK)

    def _add_learner(self, request: Request) -> None:
        """Name a replica on a node; when the name is applied, the leader adds it as a learner."""
        members = orjson.loads(request.body)
        node_id = members["node_id"]
        hosted = self._open(request, members)
        assert hosted.state is not None
        if hosted.state.descriptor.replica_on(node_id) is None:
            hosted.propose_change(EntryKind.CONFIGURE, partition_changes.learner_body(node_id))
        request.answer(Status.RESULT, OK)

    def _change_members(self, request: Request) -> None:
        """Promote a learner, remove a replica, or both at once, if a good majority is left.

        Only for the epochs that it names: what was a learner may be the third voter by now.
        """
        members = orjson.loads(request.body)
        if "epochs" not in members:
            raise ValueError("a change of members says which epochs it was planned for")
        hosted = self._open(request, members)
        promoted, removed = members.get("promote"), members.get("remove")
        if promoted is not None and not _has_caught_up(hosted, promoted):
            raise ValueError(f"replica {promoted} has not caught up")
        changes: list[Change] = []
        if promoted is not None:
            changes.append(Change(ChangeKind.ADD_VOTER, promoted))
        if removed is not None:
            changes.append(Change(ChangeKind.REMOVE, removed))
        change, now = MembershipChange(tuple(changes)), self._host.now()
        is_kept = hosted.raft.keeps_quorum(now, change, CAUGHT_UP_ENTRIES)
        if is_kept:
            hosted.raft.propose_change(now, change)
        self._host.process_soon(hosted)  # To ask may have woken the group.
        if not is_kept:
            raise ValueError("most of the voters that were left do not answer, or are far behind")
        request.answer(Status.RESULT, OK)

    # The steps of a merge (`stator_core.merge_steps`).

    def _freeze(self, request: Request) -> None:
        """The partition is to wait for its left neighbour to take it over."""
        members = orjson.loads(request.body)
        left = partition_state.generation_of(members["left"])
        hosted = self._open(request, members)
        assert hosted.state is not None
        epoch = hosted.state.descriptor.range_epoch
        partition_merge.frozen(hosted.state, left, epoch)
        hosted.propose_change(EntryKind.FREEZE, partition_merge.freeze_body(left, epoch))
        request.answer(Status.RESULT, OK)

    def _take_over(self, request: Request) -> None:
        """The partition is to take over its right neighbour, which is frozen for it here, too."""
        members = orjson.loads(request.body)
        hosted = self._open(request)
        assert hosted.state is not None
        right = self._host.partitions[members["right_id"]]
        if right.state is None or right.rebuilding:
            raise ValueError(f"partition {right.partition_id} has no state on this node")
        partition_merge.merged(hosted.state, right.state, 0)
        hosted.propose_change(EntryKind.MERGE, partition_merge.merge_body(right.state))
        request.answer(Status.RESULT, OK)

    def _refuse_merge(self, request: Request) -> None:
        """What was to be taken over for this epoch of the range no longer can be."""
        epoch = int(orjson.loads(request.body)["range_epoch"])
        hosted = self._led(request)
        assert hosted.state is not None
        partition_merge.refused(hosted.state, epoch)
        hosted.propose_change(EntryKind.REFUSE_MERGE, partition_merge.refuse_body(epoch))
        request.answer(Status.RESULT, OK)

    def _thaw(self, request: Request) -> None:
        """The partition is to serve again: the neighbour that it waits for will never come."""
        left = partition_state.generation_of(orjson.loads(request.body)["left"])
        hosted = self._led(request)
        assert hosted.state is not None
        partition_merge.thawed(hosted.state, left)
        hosted.propose_change(EntryKind.THAW, partition_merge.thaw_body(left))
        request.answer(Status.RESULT, OK)


def _has_caught_up(hosted: HostedPartition, replica_id: int) -> bool:
    """Whether a learner is close enough behind to be given a vote."""
    behind = [
        hosted.raft.last_index - peer.match
        for peer in hosted.raft.state.others
        if peer.replica == replica_id
    ]
    return bool(behind) and behind[0] <= CAUGHT_UP_ENTRIES
