"""What a person, or a planner gone wild, asks of a cluster while everything fails.

`Commands` runs at the console of a `ClusterWorld`: it makes the first partitions, and then, from
what the nodes report, asks at random for splits, leader transfers, moves and descriptions, by the
product's own requests. With `begin_calm` it only repairs: replicas of lost volumes are replaced,
moves are brought to their end, leftovers are thrown away. Under a supervisor all of that is the
supervisor's, and members are left alone unless the shape is `wild`.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping
from typing import Any

import orjson

from simulation.cluster_world import CONSOLE, ClusterWorld
from stator_core import partition_descriptor, partition_state, table
from stator_core.entry_format import EntryKind
from stator_core.key_format import HASH_SPACE
from stator_core.merge_steps import Refuse, Step, TakeOver, frozen_partitions, next_steps
from stator_core.partition_changes import begun
from stator_core.partition_descriptor import PartitionDescriptor
from stator_core.partition_state import PartitionState
from stator_core.raft.refusals import Refusal
from stator_core.table import TimeToLive
from stator_node.cluster_actions import ClusterActions
from stator_node.hosted_partition import HostedPartition
from stator_node.operation_codes import OperationCode
from stator_node.pending import wait
from stator_node.transport.frame_format import Status

FIRST_CHILD_ID = 100_000  # beyond what a supervisor gives away
PARTITIONS_MAX = 6
ROUND_SECONDS = 0.2
ASK_SECONDS_MAX = 3.0
CAUGHT_UP_ENTRIES = 50
WEIGHTS = {
    "split": 2,
    "merge": 3,
    "transfer": 3,
    "learner": 3,
    "change": 4,
    "describe": 2,
    "nothing": 2,
}
FROZEN_SECONDS_MAX = 2.0


class Commands:
    """Asks for changes. `done` counts those that were taken."""

    def __init__(self, cluster: ClusterWorld, border_places: list[int]) -> None:
        """`border_places` are hashes that splits should cut at, or beside."""
        self.cluster = cluster
        self.done: dict[str, int] = {}
        self.weights: Mapping[str, float] = WEIGHTS
        self._borders = border_places
        self._chance = cluster.world.random
        self._calm = False
        self._child_id = FIRST_CHILD_ID
        self._descriptions = 0
        self._joined: dict[str, Any] = {}
        self._frozen: dict[int, float] = {}  # by partition: since when it is seen to be frozen
        self._steps: list[Step] = []  # of merges, that were asked for once
        # By table, without a supervisor: the setting that its partitions are to hear of.
        self.settings: dict[str, TimeToLive] = {}

    def begin(self) -> None:
        """Start the rounds, in the console's loop."""
        loop = self.cluster.world.nodes[CONSOLE].loop
        loop.call_soon(lambda: loop.create_task(self._run()))

    def begin_calm(self) -> None:
        """No more wild commands: repair, and bring to an end what was begun."""
        self._calm = True

    async def _run(self) -> None:
        if not self.cluster.shape.supervised:
            await self._join()
            await self._create()
        while True:
            await asyncio.sleep(ROUND_SECONDS * (0.5 + self._chance.random()))
            if not self.cluster.shape.supervised:
                await self._join()
                await self._clear_strays()
                await self._merge_on()
            for replica in self._led():
                await self._set_time_to_live(replica)
                if self._calm:
                    await self._repair(replica)
                elif self._chance.random() < 0.5:
                    await self._disturb(replica)

    # The beginning.

    async def _join(self) -> None:
        """Tell every node who the others are, as a supervisor does."""
        members = {
            identity: {"host": name, "port": 7000, "zone": self.cluster.world.nodes[name].zone}
            for name, identity in self.cluster.identities.items()
        }
        for identity in members:
            if self._joined.get(identity) != members and await self._ask(
                identity, 0, OperationCode.JOIN, orjson.dumps(members)
            ):
                self._joined[identity] = members

    async def _create(self) -> None:
        for descriptor, of in self.cluster.first_partitions():
            body = partition_state.to_json(begun(PartitionState(descriptor, of), 0))
            for member in descriptor.replicas:
                while not await self._ask(  # noqa: ASYNC110  # Nobody tells when it can be had.
                    member.node_id,
                    descriptor.partition_id,
                    OperationCode.CREATE_PARTITION,
                    body,
                ):
                    await asyncio.sleep(0.1)

    # Looking.

    def _led(self) -> list[dict[str, Any]]:
        """The reports of serving leaders, the newest of each partition."""
        newest: dict[int, dict[str, Any]] = {}
        for node in self.cluster.console.view.fresh():
            for partition_id, heard in node.replicas.items():
                replica = heard.said
                known = newest.get(partition_id)
                if replica["serves"] and (known is None or known["term"] < replica["term"]):
                    newest[partition_id] = {**replica, "on": node.node_id}
        return [newest[partition_id] for partition_id in sorted(newest)]

    def _open_nodes(self, descriptor: PartitionDescriptor) -> list[str]:
        """The nodes that hold no replica of a partition."""
        identities = self.cluster.identities.values()
        return [identity for identity in identities if identity not in descriptor.node_ids]

    # Wild commands.

    async def _disturb(self, replica: dict[str, Any]) -> None:
        kind = self._chance.choices(list(self.weights), list(self.weights.values()))[0]
        descriptor = partition_descriptor.from_json(replica["descriptor"])
        if kind == "split":
            await self._split(replica, descriptor)
        elif kind == "merge":
            await self._freeze(replica, descriptor)
        elif kind == "transfer":
            voter = self._chance.choice(descriptor.voters)
            await self._change(
                kind, replica, OperationCode.TRANSFER_LEADER, {"node_id": voter.node_id}
            )
        elif kind == "describe":
            await self._describe(replica)
        elif kind == "roll":
            self._roll(descriptor)
        elif kind == "learner" and self.cluster.shape.wild:
            nodes = self._open_nodes(descriptor)
            if nodes and not descriptor.learners:
                await self._add_learner(replica, self._chance.choice(nodes))
        elif kind == "change" and self.cluster.shape.wild:
            await self._change_members(replica, descriptor)

    async def _split(self, replica: dict[str, Any], descriptor: PartitionDescriptor) -> None:
        known = self.cluster.console.view.maps.values()
        if sum(len(each.partitions) for each in known) >= PARTITIONS_MAX:
            return
        held = descriptor.range
        inside = [place for place in self._borders if held.start < place < held.end]
        at = self._chance.choice(inside) if inside else self._chance.randrange(HASH_SPACE)
        self._child_id += 1
        members = {"at_hash": f"{at:017x}", "child_id": self._child_id}
        await self._change("split", replica, OperationCode.SPLIT, members)

    async def _freeze(self, replica: dict[str, Any], right: PartitionDescriptor) -> None:
        """Have a partition wait for its left neighbour, wherever that lies."""
        for other in self._led():
            left = partition_descriptor.from_json(other["descriptor"])
            touching = left.range.end == right.range.start
            if touching and left.table_identifier == right.table_identifier:
                members = {"left": [left.partition_id, left.range_epoch]}
                await self._change("merge", replica, OperationCode.FREEZE, members)

    async def _merge_on(self) -> None:
        """What the supervisor does for what is frozen; in the storm also what it never would."""
        seen = [
            each.merged_by
            for node in self.cluster.console.view.fresh()
            for each in node.replicas.values()
        ]
        now = self.cluster.world.now
        frozen = frozen_partitions(seen)
        self._frozen = {each: self._frozen.get(each, now) for each in frozen}
        too_long = [
            each for each, since in self._frozen.items() if now - since > FROZEN_SECONDS_MAX
        ]
        steps = next_steps(seen, too_long)
        self._steps += steps
        if not self._calm and self._steps and self._chance.random() < 0.3:
            # Old news, and impatience.
            steps.append(self._chance.choice(self._steps))
            steps += [Refuse(step.left) for step in steps[:1] if isinstance(step, TakeOver)]
        for step in steps:
            if await ClusterActions(self.cluster.console.view).go_on(step):
                name = type(step).__name__
                self.done[name] = self.done.get(name, 0) + 1

    def _roll(self, descriptor: PartitionDescriptor) -> None:
        """The leader's own clock does it after hours; here somebody does it now."""
        for node, hosted in self.cluster.hosted():
            if hosted.partition_id == descriptor.partition_id and hosted.may_write:
                node.loop.call_soon(self._roll_here, hosted)

    def _roll_here(self, hosted: HostedPartition) -> None:
        with contextlib.suppress(Refusal):
            hosted.propose_change(EntryKind.ROLL, b"{}")
            self.done["roll"] = self.done.get("roll", 0) + 1

    async def _describe(self, replica: dict[str, Any]) -> None:
        """Another tag: every replica of the partition must come to have the same."""
        self._descriptions += 1
        if self.cluster.shape.supervised:
            return  # The supervisor would take it back.
        described = table.from_json(replica["table"])
        changed = described.changed(tags=(("description", str(self._descriptions)),))
        # Now and then one that has come late.
        epoch = replica["description_epoch"] - (self._chance.random() < 0.2)
        members = {"epoch": epoch, "table": table.to_json(changed)}
        await self._change("describe", replica, OperationCode.DESCRIBE, members)

    async def _set_time_to_live(self, replica: dict[str, Any]) -> None:
        """Have a partition know whether its table's items end."""
        described = table.from_json(replica["table"])
        setting = self.settings.get(described.name)
        if setting is not None and described.time_to_live != setting:
            changed = table.to_json(described.changed(time_to_live=setting))
            members = {"epoch": replica["description_epoch"], "table": changed}
            await self._change("time to live", replica, OperationCode.DESCRIBE, members)

    async def _add_learner(self, replica: dict[str, Any], node_id: str) -> None:
        await self._change("learner", replica, OperationCode.ADD_LEARNER, {"node_id": node_id})

    async def _change_members(
        self, replica: dict[str, Any], descriptor: PartitionDescriptor
    ) -> None:
        """Promote the learner and remove some voter, or one of the two, or drop the learner."""
        learners, voters = descriptor.learners, descriptor.voters
        removed = self._chance.choice(voters).replica_id if len(voters) >= 3 else None
        if learners:
            learner = learners[0].replica_id
            if self._chance.random() < 0.2:
                change = {"remove": learner}
            elif not self._is_caught_up(replica, learner):
                return
            elif self._chance.random() < 0.3:
                change = {"promote": learner}
            else:
                change = {"promote": learner, "remove": removed}
        elif len(voters) > 3:
            change = {"remove": removed}
        else:
            return
        await self._change("change", replica, OperationCode.CHANGE_MEMBERS, change)

    @staticmethod
    def _is_caught_up(replica: dict[str, Any], replica_id: int) -> bool:
        match: int = replica.get("peers", {}).get(str(replica_id), 0)
        return match > 0 and match + CAUGHT_UP_ENTRIES >= replica["last"]

    # Repair.

    async def _repair(self, replica: dict[str, Any]) -> None:
        """One step towards three voters on nodes that live, and nothing else."""
        if self.cluster.shape.supervised:
            return
        descriptor = partition_descriptor.from_json(replica["descriptor"])
        if descriptor.joint is not None:
            return
        alive = set(self.cluster.identities.values())
        lost = [voter for voter in descriptor.voters if voter.node_id not in alive]
        few = len(descriptor.voters) < 3
        for learner in descriptor.learners:
            if not (lost or few) or learner.node_id not in alive:
                change: dict[str, Any] = {"remove": learner.replica_id}
            elif self._is_caught_up(replica, learner.replica_id):
                change = {"promote": learner.replica_id}
                if lost and not few:
                    change["remove"] = lost[0].replica_id
            else:
                return
            await self._change("repair", replica, OperationCode.CHANGE_MEMBERS, change)
            return
        if lost and len(descriptor.voters) > 3:
            change = {"remove": lost[0].replica_id}
            await self._change("repair", replica, OperationCode.CHANGE_MEMBERS, change)
        elif lost or few:
            nodes = self._open_nodes(descriptor)
            if nodes:
                await self._add_learner(replica, nodes[0])

    async def _clear_strays(self) -> None:
        """Throw away replicas that their group has removed."""
        led = {
            replica["descriptor"]["partition_id"]: partition_descriptor.from_json(
                replica["descriptor"]
            )
            for replica in self._led()
        }
        for node in self.cluster.console.view.fresh():
            for partition_id, heard in tuple(node.replicas.items()):
                descriptor = led.get(partition_id)
                replica_id = heard.said["replica_id"]
                if descriptor is None or descriptor.replica(replica_id) is not None:
                    continue
                if replica_id < descriptor.next_replica_id:
                    await self._destroy(node.node_id, descriptor.partition_id, replica_id)
            for empty in node.report.get("empty", ()):
                descriptor = led.get(empty["partition_id"])
                replica_id = empty["replica_id"]
                if descriptor is None or descriptor.replica(replica_id) is not None:
                    continue
                if replica_id < descriptor.next_replica_id:
                    await self._destroy(node.node_id, descriptor.partition_id, replica_id)

    async def _destroy(self, node_id: str, partition_id: int, replica_id: int) -> None:
        body = orjson.dumps({"replica_id": replica_id})
        if await self._ask(node_id, partition_id, OperationCode.DESTROY_REPLICA, body):
            self.done["destroy"] = self.done.get("destroy", 0) + 1

    # Asking.

    async def _change(
        self, kind: str, replica: dict[str, Any], code: OperationCode, members: dict[str, Any]
    ) -> None:
        if code is OperationCode.CHANGE_MEMBERS:
            epochs = partition_descriptor.from_json(replica["descriptor"]).epochs
            members = {**members, "epochs": [epochs.range_epoch, epochs.members_epoch]}
        self.cluster.world.record("console", kind, replica["descriptor"]["partition_id"])
        if await self._ask(
            replica["on"], replica["descriptor"]["partition_id"], code, orjson.dumps(members)
        ):
            self.done[kind] = self.done.get(kind, 0) + 1

    async def _ask(self, node_id: str, partition_id: int, code: OperationCode, body: bytes) -> bool:
        links = self.cluster.console.view.links
        answer = await wait(links.request(node_id, partition_id, code, 0, body, ASK_SECONDS_MAX))
        if answer.status is not Status.RESULT:
            self.cluster.world.record("console", answer.status.name, code.name, answer.body[:200])
        return answer.status is Status.RESULT
