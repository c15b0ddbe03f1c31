"""Requests to the supervisor itself: what `stator cluster` asks for.

In: REQUEST frames from `cluster_command.py`, on a loopback port of the supervisor's process. Out:
ANSWER frames: a RESULT with JSON, or UNAVAILABLE with the reason why not. Whoever can connect must
know the cluster's id, which only those can read who can read its folder. Invariant: what a person
asks for goes the way of what the planner decides: on record first, and past its guards.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

import orjson

from stator_core import partition_descriptor
from stator_core.errors import DynamoDBError, InternalServerError
from stator_core.partition_descriptor import ChangeRefused, PartitionDescriptor
from stator_core.placement_types import (
    MergePartitions,
    NodeState,
    SplitPartition,
    TransferLeader,
)
from stator_node import cluster_status
from stator_node.cluster_view import ClusterView, NodeView
from stator_node.doors import Caller, Clock, StorageFailed
from stator_node.operation_codes import OperationCode
from stator_node.partition_requests import refusal
from stator_node.pending import Pending, wait
from stator_node.stream_operations import StreamOperation
from stator_node.supervisor import Supervisor
from stator_node.transport.frame_format import Hello, Status
from stator_node.transport.server import Request

logger = logging.getLogger(__name__)

Members = dict[str, Any]
LEADER_SECONDS_MAX = 4.0  # for a partition whose leader ends, or hands over
MERGE_SECONDS_MAX = 5.0  # whoever asks waits for ten, in all
LOOK_SECONDS = 0.05
FREEZE_SECONDS_MAX = 1.0  # until a round has seen that it is frozen


class NotPossible(Exception):
    """What was asked for cannot be done; the text says why."""


class SupervisorRequests:
    """The `transport.server.Inbound` of a supervisor."""

    def __init__(
        self,
        cluster_id: str,
        view: ClusterView,
        supervisor: Supervisor,
        clock: Clock,
        tables: Mapping[str, StreamOperation],
    ) -> None:
        """`tables`: the operations on tables by name, for gateways of other processes."""
        self._tables = tables
        self._cluster_id = cluster_id
        self._view = view
        self._supervisor = supervisor
        self._clock = clock
        self._tasks: set[asyncio.Task[None]] = set()
        self._handlers: dict[int, Callable[[Members], Coroutine[Any, Any, Members]]] = {
            OperationCode.CLUSTER_STATUS: self._status,
            OperationCode.CLUSTER_DRAIN: self._drain,
            OperationCode.CLUSTER_REMOVE: self._remove,
            OperationCode.CLUSTER_SPLIT: self._split,
            OperationCode.CLUSTER_MERGE: self._merge,
            OperationCode.CLUSTER_TRANSFER: self._transfer,
        }

    def raft_received(self, sender: Hello, partition_id: int, message: bytes) -> None:
        """A supervisor holds no replicas: whoever sends this is wrong about who it is."""
        logger.warning("a Raft message from %s to a supervisor", sender.sender_id)

    def request_received(self, sender: Hello, request: Request) -> None:
        task = asyncio.get_running_loop().create_task(self._answer(sender, request))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _table_operation(self, request: Request) -> None:
        """What a gateway asks for one of its clients."""
        try:
            members = orjson.loads(request.body)
            operation = self._tables[members["operation"]]
            body, caller = members["body"], Caller(*members["caller"])
        except (ValueError, KeyError, TypeError) as error:
            logger.error("a table operation that cannot be read: %r", error)
            request.answer(Status.UNAVAILABLE, b"")
            return
        try:
            answer = operation(body, caller)
            answer = await wait(answer) if isinstance(answer, Pending) else answer
            request.answer(Status.RESULT, answer)
        except DynamoDBError as error:
            request.answer(Status.REFUSED, refusal(error))
        except StorageFailed as error:
            logger.error("the control store refuses: %s", error)
            request.answer(Status.REFUSED, refusal(InternalServerError("Internal server error")))

    async def _answer(self, sender: Hello, request: Request) -> None:
        if request.operation == OperationCode.TABLE_OPERATION:
            await self._table_operation(request)
            return
        try:
            handler = self._handlers.get(request.operation)
            if handler is None:
                raise NotPossible(f"a supervisor does not know operation {request.operation}")
            members = orjson.loads(request.body)
            if request.operation != OperationCode.CLUSTER_STATUS:
                logger.info("%s asks: %d %s", sender.sender_id, request.operation, members)
            result = await handler(members)
        except NotPossible as error:
            request.answer(Status.UNAVAILABLE, orjson.dumps({"reason": str(error)}))
        except (ValueError, KeyError, TypeError) as error:
            reason = f"the request cannot be read: {error!r}"
            request.answer(Status.UNAVAILABLE, orjson.dumps({"reason": reason}))
        else:
            request.answer(Status.RESULT, orjson.dumps(result))

    # What is asked.

    async def _status(self, _: Members) -> Members:
        states = self._supervisor.states()
        return {
            "cluster_id": self._cluster_id,
            "nodes": cluster_status.nodes_of(self._view, states, self._clock.monotonic()),
            "partitions": cluster_status.partitions_of(self._view, self._clock.now()),
            "reasons": [f"{each.subject}: {each.text}" for each in self._supervisor.reasons],
        }

    async def _drain(self, members: Members) -> Members:
        node = self._node(members["node"])
        if members["cancel"]:
            self._supervisor.stay(node.node_id)
        else:
            self._supervisor.drain(node.node_id)
        return {"node_id": node.node_id}

    async def _remove(self, members: Members) -> Members:
        node = self._node(members["node"])
        state = self._supervisor.states()[node.node_id]
        held = len(node.replicas)
        if state is not NodeState.DEAD and held:
            raise NotPossible(
                f"node {node.node_id} is {state.name} and holds {held} replicas: "
                "drain it first, or stop it if it must be given up"
            )
        self._supervisor.give_up(node.node_id)
        return {"node_id": node.node_id, "replicas": held}

    async def _split(self, members: Members) -> Members:
        partition = self._partition(members["subject"])
        if members["at"] is not None:
            place = int(members["at"], 16)
        else:
            place = self._middle(partition)
        if not partition.range.start < place < partition.range.end:
            raise NotPossible(
                f"{place:016x} does not cut partition {partition.partition_id}, which holds "
                f"{partition.range.start:016x} up to {partition.range.end:016x}"
            )
        child_id = self._supervisor.next_partition_id

        def action() -> SplitPartition:
            now = self._same_range(partition)
            identifier = now.table_identifier
            return SplitPartition(now.partition_id, identifier, now.epochs, place, child_id)

        def is_done() -> bool:
            return any(each.partition_id == child_id for each in self._partitions())

        if not await self._done_in_time(action, is_done):
            raise NotPossible(f"partition {partition.partition_id} has no leader that can split it")
        return {
            "partition_id": partition.partition_id,
            "at": f"{place:016x}",
            "child_id": child_id,
        }

    async def _done_in_time(
        self,
        action: Callable[[], SplitPartition | MergePartitions],
        is_done: Callable[[], bool],
    ) -> bool:
        """Ask a leader until it has been done: one that hands over, or ends, does it not.

        Asked twice, it is done once: a leader refuses what was planned for other epochs.
        """
        begun = self._clock.monotonic()
        while not is_done():
            if self._clock.monotonic() - begun > LEADER_SECONDS_MAX:
                return False
            if not await self._supervisor.carry_out(action()):
                await asyncio.sleep(LOOK_SECONDS)
        return True

    async def _merge(self, members: Members) -> Members:
        left = self._partition(members["subject"])
        right = self._right_of(left)
        if any(report["shards"] for report in self._reports(right)):
            raise NotPossible("its table has a stream, whose shards do not merge")
        try:
            whole = partition_descriptor.merge(left, right)
        except ChangeRefused as refused:
            raise NotPossible(str(refused)) from None

        def action() -> MergePartitions:
            one, other = self._same_range(left), self._same_range(right)
            return MergePartitions(
                one.partition_id,
                one.table_identifier,
                one.epochs,
                other.partition_id,
                other.epochs,
            )

        def is_begun() -> bool:
            right_id = right.partition_id
            return self._supervisor.is_frozen(right_id) or self._is_absorbed(right_id)

        if not await self._done_in_time(action, is_begun):
            raise NotPossible(f"partition {right.partition_id} has no leader that can freeze it")
        return {
            "partition_id": left.partition_id,
            "right_id": right.partition_id,
            "end": f"{whole.range.end:017x}",
            **await self._merged(left.partition_id, right.partition_id),
        }

    async def _merged(self, left_id: int, right_id: int) -> Members:
        """How long it took, in seconds. Raises NotPossible where it came to nothing."""
        begun = self._clock.monotonic()
        while (waited := self._clock.monotonic() - begun) < MERGE_SECONDS_MAX:
            if self._is_absorbed(right_id):
                return {"seconds": round(waited, 3)}
            if waited > FREEZE_SECONDS_MAX and not self._supervisor.is_frozen(right_id):
                break
            await asyncio.sleep(LOOK_SECONDS)
        raise NotPossible(
            f"partition {left_id} did not take over partition {right_id} in time; "
            f"that serves again, or is about to"
        )

    async def _transfer(self, members: Members) -> Members:
        partition = self._partition(members["subject"])
        node = self._node(members["node"])
        if partition.replica_on(node.node_id) not in partition.voters:
            raise NotPossible(
                f"node {node.node_id} holds no voter of partition {partition.partition_id}"
            )
        hint = self._view.hints.leader_of(partition.partition_id)
        if hint is None:
            raise NotPossible(f"partition {partition.partition_id} has no leader at this moment")
        action = TransferLeader(
            partition.partition_id,
            partition.table_identifier,
            hint.term,
            hint.node_id,
            node.node_id,
        )
        if hint.node_id != node.node_id and not await self._supervisor.carry_out(action):
            raise NotPossible(f"the leader on node {hint.node_id} does not hand over now")
        return {"partition_id": partition.partition_id, "node_id": node.node_id}

    # What names stand for.

    def _node(self, name: str) -> NodeView:
        """A node by its id, the beginning of it, or a zone that has only one. NotPossible."""
        nodes = self._view.nodes
        if name in nodes:
            return nodes[name]
        found = [each for each in nodes.values() if name in (each.zone, "")]
        found = found or [each for each in nodes.values() if each.node_id.startswith(name)]
        if len(found) != 1:
            known = ", ".join(f"{each.node_id} ({each.zone})" for each in nodes.values())
            count = "no node is" if not found else f"{len(found)} nodes are"
            raise NotPossible(f"{count} called {name!r}; the nodes: {known}")
        return found[0]

    def _partition(self, name: str) -> PartitionDescriptor:
        """A partition by its id, or the largest one of a table. Raises NotPossible."""
        partitions = self._partitions()
        if name.isdecimal():
            found = [each for each in partitions if each.partition_id == int(name)]
        else:
            found = [
                each
                for each in partitions
                if each.table_name == name and not self._view.is_deleted(each.table_identifier)
            ]
        if not found:
            what = "partition" if name.isdecimal() else "table with partitions"
            raise NotPossible(f"there is no {what} {name}")
        return max(found, key=lambda each: (self._size(each), each.range.end - each.range.start))

    def _partitions(self) -> list[PartitionDescriptor]:
        return [each for map_ in self._view.maps.values() for each in map_.partitions]

    def _same_range(self, before: PartitionDescriptor) -> PartitionDescriptor:
        """What the partition is by now, if only its members have changed. Raises NotPossible."""
        for each in self._partitions():
            if each.partition_id == before.partition_id and each.range == before.range:
                return each
        raise NotPossible(f"partition {before.partition_id} was changed by somebody else just now")

    def _is_absorbed(self, partition_id: int) -> bool:
        return any(
            partition_id in replica.said["absorbed"]
            for node in self._view.fresh()
            for replica in node.replicas.values()
        )

    def _right_of(self, left: PartitionDescriptor) -> PartitionDescriptor:
        """The neighbour that begins where this partition ends. Raises NotPossible."""
        known = self._view.maps[left.table_identifier].partitions
        for each in known:
            if each.range.start == left.range.end:
                return each
        raise NotPossible(f"partition {left.partition_id} has no right neighbour")

    def _size(self, partition: PartitionDescriptor) -> int:
        return max((each["size_bytes"] for each in self._reports(partition)), default=0)

    def _middle(self, partition: PartitionDescriptor) -> int:
        """Where half of the bytes lie on either side; the middle of the range if nobody knows."""
        held = partition.range
        for report in self._reports(partition):
            median = None if report["byte_median"] is None else int(report["byte_median"], 16)
            if median is not None and held.start < median < held.end:
                return median
        return (held.start + held.end) // 2

    def _reports(self, partition: PartitionDescriptor) -> list[Members]:
        return [
            replica.said
            for replica in self._view.replicas_of(partition.table_identifier)
            if replica.descriptor.partition_id == partition.partition_id
        ]
