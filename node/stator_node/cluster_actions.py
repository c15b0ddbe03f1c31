"""From the planner's actions to requests: what `placement` decides, pods are asked to do.

In: actions of `stator_core.placement_types`. Out: requests to the node that the action is for, and
whether it was taken. Called by `supervisor.py`. Each request may be sent twice: a pod refuses what
no longer fits its own log. Invariant: nothing is decided here.
"""

from __future__ import annotations

import asyncio
from dataclasses import astuple
from typing import Any

import orjson

from stator_core import merge_steps, partition_changes, partition_state
from stator_core.partition_descriptor import Epochs, PartitionDescriptor
from stator_core.partition_state import PartitionState
from stator_core.placement_types import (
    AddLearner,
    CreatePartition,
    DeletePartition,
    DeleteStray,
    MergePartitions,
    PromoteLearner,
    RemoveReplica,
    SplitPartition,
    TransferLeader,
)
from stator_core.table import Table
from stator_node.cluster_view import ClusterView
from stator_node.operation_codes import OperationCode
from stator_node.pending import wait
from stator_node.transport.frame_format import Status

ACTION_SECONDS_MAX = 3.0
ANY_REPLICA = 2**31


class ClusterActions:
    """Asks pods."""

    def __init__(self, view: ClusterView) -> None:
        self._view = view
        self._joined: dict[str, dict[str, Any]] = {}  # by node: what it has taken down

    async def create(self, action: CreatePartition, table: Table) -> bool:
        """Every node of the descriptor begins its replica."""
        # Everybody begins alike, whoever is asked again.
        first = partition_changes.begun(PartitionState(action.descriptor, table), 0)
        body = partition_state.to_json(first)
        taken = await asyncio.gather(
            *(
                self.ask(member.node_id, action.partition_id, OperationCode.CREATE_PARTITION, body)
                for member in action.descriptor.replicas
            )
        )
        return all(taken)

    async def execute(
        self,
        action: AddLearner
        | PromoteLearner
        | RemoveReplica
        | SplitPartition
        | MergePartitions
        | TransferLeader
        | DeletePartition
        | DeleteStray,
    ) -> bool:
        """Ask for one action. True: it was taken."""
        match action:
            case AddLearner(partition_id=partition_id, epochs=epochs, node_id=node_id):
                members: dict[str, Any] = {"node_id": node_id, "epochs": _pair(epochs)}
                return await self._ask_leader(partition_id, OperationCode.ADD_LEARNER, members)
            case PromoteLearner(partition_id=partition_id, epochs=epochs):
                members = {"promote": action.replica_id, "remove": action.replaces}
                members["epochs"] = _pair(epochs)
                return await self._ask_leader(partition_id, OperationCode.CHANGE_MEMBERS, members)
            case RemoveReplica(partition_id=partition_id, epochs=epochs, replica_id=removed):
                members = {"remove": removed, "epochs": _pair(epochs)}
                return await self._ask_leader(partition_id, OperationCode.CHANGE_MEMBERS, members)
            case SplitPartition(partition_id=partition_id, epochs=epochs, child_id=child_id):
                members = {"at_hash": f"{action.at_hash:017x}", "child_id": child_id}
                members["epochs"] = _pair(epochs)
                return await self._ask_leader(partition_id, OperationCode.SPLIT, members)
            case MergePartitions(right_id=right_id, right_epochs=epochs):
                left = [action.partition_id, action.epochs.range_epoch]
                members = {"left": left, "epochs": _pair(epochs)}
                return await self._ask_leader(right_id, OperationCode.FREEZE, members)
            case TransferLeader(partition_id=partition_id, term=term, to_node_id=node_id):
                members = {"node_id": node_id, "term": term}
                return await self._ask_leader(partition_id, OperationCode.TRANSFER_LEADER, members)
            case DeletePartition(partition_id=partition_id, node_ids=node_ids):
                taken = [
                    await self._destroy(node_id, partition_id, ANY_REPLICA) for node_id in node_ids
                ]
                return all(taken)
            case DeleteStray(partition_id=partition_id, node_id=node_id, replica_id=stray):
                # No later one: by the time this arrives, the node may be a member again.
                return await self._destroy(node_id, partition_id, stray)

    async def go_on(self, step: merge_steps.Step) -> bool:
        """Ask for the next step of a merge. True: it was taken."""
        match step:
            case merge_steps.TakeOver(left=left, right_id=right_id):
                members: dict[str, Any] = {"right_id": right_id}
                return await self._ask_leader(left.partition_id, OperationCode.TAKE_OVER, members)
            case merge_steps.Refuse(left=left):
                members = {"range_epoch": left.range_epoch}
                code = OperationCode.REFUSE_MERGE
                return await self._ask_leader(left.partition_id, code, members)
            case merge_steps.Thaw(right_id=right_id, left=left):
                members = {"left": astuple(left)}
                return await self._ask_leader(right_id, OperationCode.THAW, members)

    async def describe(self, partition: PartitionDescriptor, table: Table, epoch: int) -> bool:
        """The partition's table looks like this from now on, and not like that of this epoch."""
        body = partition_changes.describe_body(table, epoch)
        leader = self._view.leader(partition)
        return leader is not None and await self.ask(
            leader, partition.partition_id, OperationCode.DESCRIBE, body
        )

    async def introduce(self, members: dict[str, dict[str, Any]]) -> None:
        """Each member is told who the members are, unless it has taken that down before."""
        for node in self._view.fresh():
            if node.node_id not in members:
                continue
            if self._joined.get(node.node_id, node.members) != members:
                if await self.ask(node.node_id, 0, OperationCode.JOIN, orjson.dumps(members)):
                    self._joined[node.node_id] = members

    async def destroy_empty(self, node_id: str, partition_id: int, replica_id: int) -> bool:
        """The node gives up a replica that never had a state."""
        return await self._destroy(node_id, partition_id, replica_id)

    async def ask(
        self,
        node_id: str,
        partition_id: int,
        operation: OperationCode,
        body: bytes,
        timeout_seconds: float = ACTION_SECONDS_MAX,
    ) -> bool:
        """One request; True if it was done."""
        answer = await wait(
            self._view.links.request(node_id, partition_id, operation, 0, body, timeout_seconds)
        )
        if answer.status is Status.REDIRECT:
            self._view.learn(answer.body)
        return answer.status is Status.RESULT

    async def _ask_leader(
        self, partition_id: int, operation: OperationCode, members: dict[str, Any]
    ) -> bool:
        hint = self._view.hints.leader_of(partition_id)
        return hint is not None and await self.ask(
            hint.node_id, partition_id, operation, orjson.dumps(members)
        )

    async def _destroy(self, node_id: str, partition_id: int, replica_id: int) -> bool:
        """The node gives up the replica of the partition that it has, up to this id."""
        body = orjson.dumps({"replica_id": replica_id})
        return await self.ask(node_id, partition_id, OperationCode.DESTROY_REPLICA, body)


def _pair(epochs: Epochs) -> list[int]:
    """Epochs as a request carries them: a leader whose own are others refuses it."""
    return [epochs.range_epoch, epochs.members_epoch]
