"""The supervisor: looks at the cluster, asks the planner, has it done. The operator of one machine.

In: the view of the cluster (`cluster_view.py`), the tables on record (`catalog.py`), and the
storage pods of this machine (`node_processes.py`). Out: requests to pods (`cluster_actions.py`),
and tables whose state follows what the pods report. What has to survive (partition ids, the
partitions that were begun, the members) is in the control store before anybody hears of it.
Invariants: one plan at a time; the supervisor may die between any two requests and goes on from
what it sees.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Iterator
from typing import Any

from stator_core import (
    merge_steps,
    partition_state,
    placement,
    table_status,
)
from stator_core.key_format import HASH_SPACE
from stator_core.partition_descriptor import PartitionDescriptor
from stator_core.placement_types import (
    Action,
    Configuration,
    CreatePartition,
    DeletePartition,
    InFlight,
    MarkTableActive,
    MarkTableDeleted,
    MergePartitions,
    Node,
    NodeState,
    Observation,
    Reason,
    RemoveNode,
    Specification,
    SplitPartition,
    TableSpecification,
    TransferLeader,
)
from stator_core.table import Index, Table
from stator_core.table_status import DELETED
from stator_node import supervisor_record
from stator_node.action_words import words
from stator_node.catalog import Catalog
from stator_node.cluster_actions import ClusterActions
from stator_node.cluster_view import ClusterView, NodeView
from stator_node.doors import Clock, ItemStore
from stator_node.operation_codes import OperationCode
from stator_node.reports import HeardReplica, identifiers_of
from stator_node.scrub import outvoted
from stator_node.supervisor_record import SupervisorRecord
from stator_node.transport.links import Address

logger = logging.getLogger(__name__)

ROUND_SECONDS = 0.25
HURRIED_SECONDS = 0.02
SUSPECT_SECONDS = 1.5
DEAD_SECONDS = 5.0
SCRUB_SECONDS = 3_600.0
FROZEN_SECONDS_MAX = 3.0  # then a merge is given up: clients go before tidiness
EFFECT_SECONDS = 2 * ROUND_SECONDS + 0.2
ACTION_ROUNDS = 40  # after which an action that shows no effect is planned anew
PLAN_RESTS = 4  # times as long as it took: clients and pods are to be heard meanwhile
PLAN_REST_SECONDS_MAX = 2.0


class Supervisor:
    """Keeps the cluster as the tables want it. One per cluster."""

    def __init__(
        self,
        store: ItemStore,
        catalog: Catalog,
        view: ClusterView,
        clock: Clock,
        configuration: Configuration,
    ) -> None:
        """Take up what is on record. Raises log_format.LogDamaged."""
        self._store = store
        self._catalog = catalog
        self._view = view
        self._clock = clock
        self._configuration = configuration
        self._actions = ClusterActions(view)
        self._in_flight: list[InFlight] = []
        self._tasks: set[asyncio.Task[bool]] = set()
        self._node_since: dict[str, tuple[NodeState, float]] = {}
        self.reasons: tuple[Reason, ...] = ()
        self._plan_at = 0.0  # not before this
        self.ready: set[int] = set()  # identifiers of tables whose partitions all have leaders
        self.gone: set[int] = set()  # identifiers of tables of which nothing is left
        self._scrub_seconds = SCRUB_SECONDS
        self._scrub_at: dict[int, float] = {}  # by partition: when its replicas are compared next
        self._frozen: dict[int, float] = {}  # by partition: since when it is seen to be frozen
        self._coming: dict[int, Table] = {}  # by identifier: descriptions on their way
        self._leaving: set[int] = set()  # identifiers of tables that know that they are deleted
        self._record = supervisor_record.read(store) or SupervisorRecord()
        for node_id, each in self._record.members.items():
            if node_id not in view.nodes:  # One that was met may be elsewhere by now.
                view.join(node_id, each["zone"], Address(each["host"], each["port"]))
                view.nodes[node_id].pod = each["pod"]
        self.ready = _made_before(catalog)

    async def run(self) -> None:
        """Round after round, forever."""
        while True:
            try:
                await self._view.poll()
                await self.round()
            except Exception:
                # A bug must not end the care of everything else; the next round sees anew.
                logger.exception("a round of the supervisor failed")
            # Clients wait for what is frozen.
            await asyncio.sleep(HURRIED_SECONDS if self._frozen else ROUND_SECONDS)

    async def round(self) -> None:
        """Observe, plan, begin what is planned."""
        await self._introduce()
        await self._clear_empty()
        await self._describe()
        self._let_deleted_go()
        self._forget_emptied()
        await self._merge()
        await self._scrub()
        if self._clock.monotonic() >= self._plan_at:
            self._plan()

    def _plan(self) -> None:
        """Decide what is next, and begin it. With thousands of partitions this takes its time."""
        began = self._clock.monotonic()
        decision = placement.decide(self.specification(), self.observation(), self._clock.now())
        self.reasons = decision.reasons
        for action in decision.actions:
            self._begin(action)
        ended = self._clock.monotonic()
        self._plan_at = ended + min(PLAN_RESTS * (ended - began), PLAN_REST_SECONDS_MAX)

    def give_up(self, node_id: str) -> None:
        """The node will never come back: replace what it held, at once."""
        self.replaced.add(node_id)
        self._write_record()

    def drain(self, node_id: str) -> None:
        """Move everything off a node."""
        self.draining.add(node_id)
        self._write_record()

    def stay(self, node_id: str) -> None:
        """The node is wanted after all: it may be given leaders and replicas again."""
        self.draining.discard(node_id)
        self._write_record()

    async def carry_out(self, action: SplitPartition | MergePartitions | TransferLeader) -> bool:
        """Do what a person asks for, as if the planner had decided it. False: it was refused."""
        if isinstance(action, SplitPartition):
            self._take_id(action.child_id)
        self._in_flight.append(InFlight(action, self._clock.now()))
        return await self._execute(action)

    @property
    def next_partition_id(self) -> int:
        """An id that no partition has or had."""
        return self._record.next_partition_id

    def served_names(self) -> list[str]:
        """The tables and global indexes that are to be whole, as their partitions name them."""
        return [
            name
            for table in self._catalog.tables.values()
            if table.status != "DELETING"
            for name in (
                table.name,
                *(f"{table.name}/{i.name}" for i in table.global_indexes if i.status != "DELETING"),
            )
        ]

    def states(self) -> dict[str, NodeState]:
        """How each node is, as the planner is told."""
        return {node.node_id: self._state_of(node) for node in self._view.nodes.values()}

    # What is wanted, and what is seen.

    def specification(self) -> Specification:
        """The tables on record, as the planner needs them."""
        with_shards = {
            each.descriptor.table_identifier
            for node in self._view.nodes.values()
            for each in node.replicas.values()
            if each.shards
        }
        recorded: dict[int, list[PartitionDescriptor]] = {}
        for descriptor in self._record.recorded.values():
            recorded.setdefault(descriptor.table_identifier, []).append(descriptor)
        tables = []
        for name, identifier, status in self._wanted():
            assert status in ("CREATING", "ACTIVE", "UPDATING", "DELETING")
            wanted = TableSpecification(
                name=name,
                identifier=identifier,
                status=status,  # type: ignore[arg-type]  # asserted just before
                recorded=tuple(recorded.get(identifier, ())),
                has_shards=identifier in with_shards,
            )
            tables.append(wanted)
        return Specification(tuple(tables), self._configuration)

    def _wanted(self) -> Iterator[tuple[str, int, str]]:
        """Name, identifier and status of tables and global indexes, all tables to the planner."""
        for table in self._catalog.tables.values():
            if table.status == "DELETING" and table.identifier not in self._leaving:
                table = table.changed(status="ACTIVE")
            # The partitions of a table that had a stream stay for its readers.
            stays = table.status == "DELETING" and table.latest_stream_label is not None
            yield table.name, table.identifier, "ACTIVE" if stays else table.status
            for index in table.global_indexes:
                name = f"{table.name}/{index.name}"  # No table can have this name.
                yield name, index.identifier, _status_of(table, index)
        for table in self._catalog.deleted.values():
            status = "ACTIVE" if table.status == DELETED else table.status
            yield f"{table.name}/{table.identifier}", table.identifier, status

    def observation(self) -> Observation:
        """The nodes and their replicas as they were last heard."""
        now = self._clock.now()
        nodes = tuple(self._node(node, now) for node in self._view.nodes.values())
        replicas = tuple(
            each.planned_by for node in self._view.nodes.values() for each in node.replicas.values()
        )
        self._in_flight = [
            each for each in self._in_flight if now - each.started < ACTION_ROUNDS * ROUND_SECONDS
        ]
        return Observation(nodes, replicas, self._record.next_partition_id, tuple(self._in_flight))

    def _node(self, node: NodeView, now: float) -> Node:
        state = self._state_of(node)
        before = self._node_since.get(node.node_id)
        if before is None or before[0] is not state:
            # A node that was never seen before has been there for all that anybody knows.
            since = now if before is not None else now - self._configuration.settled_seconds
            before = self._node_since[node.node_id] = state, since
        used = sum(each.said["size_bytes"] for each in node.replicas.values())
        free = node.report.get("free_bytes", 0)
        replaced = node.node_id in self.replaced
        return Node(node.node_id, node.zone, state, before[1], free + used, free, replaced)

    def _state_of(self, node: NodeView) -> NodeState:
        if node.node_id in self.replaced:
            return NodeState.DEAD
        silent = float("inf") if node.heard_at is None else self._clock.monotonic() - node.heard_at
        if silent > DEAD_SECONDS:
            return NodeState.DEAD
        if silent > SUSPECT_SECONDS or node.report.get("ending"):
            return NodeState.SUSPECT  # Who ends says so, and is given nothing.
        return NodeState.DRAINING if node.node_id in self.draining else NodeState.ALIVE

    # What is done.

    async def _introduce(self) -> None:
        """Tell the pods of each other, whenever that has changed."""
        members = self._view.members(without=self.replaced)
        if members != self._record.members:
            self._record.members = members
            self._write_record()
        await self._actions.introduce(members)

    async def _clear_empty(self) -> None:
        """Have replicas thrown away that were removed before they ever had a state.

        The planner does not see them, since they cannot say of which table they are.
        """
        empty = [
            (node.node_id, each["partition_id"], each["replica_id"])
            for node in self._view.fresh()
            for each in node.report.get("empty", ())
        ]
        if not empty:
            return
        led = {
            replica.descriptor.partition_id: replica.descriptor
            for table in (*self._catalog.tables.values(), *self._catalog.deleted.values())
            for identifier in identifiers_of(table)
            for replica in self._led(identifier)
        }
        for node_id, partition_id, replica_id in empty:
            descriptor = led.get(partition_id)
            if descriptor is None or descriptor.replica(replica_id) is not None:
                continue
            if replica_id < descriptor.next_replica_id:
                await self._actions.destroy_empty(node_id, partition_id, replica_id)

    def _forget_emptied(self) -> None:
        """A drained node that holds nothing and has gone is no member; it is met if it returns."""
        silent = [
            node.node_id
            for node in self._view.nodes.values()
            if node.node_id in self.draining - self.replaced
            and node.heard_at is not None  # One that has just been met is about to be heard.
            and self._state_of(node) is NodeState.DEAD
        ]
        if not silent:
            return
        named = {
            node_id
            for node in self._view.nodes.values()
            for each in node.replicas.values()
            for node_id in each.descriptor.node_ids
        }
        for node_id in silent:
            if node_id not in named and not self._view.nodes[node_id].replicas:
                logger.info("node %s was drained, holds nothing and has gone", node_id)
                self._view.leave(node_id)
                self._node_since.pop(node_id, None)

    def scrub_every(self, seconds: float) -> None:
        """Compare the replicas of each partition this often, from now on."""
        self._scrub_seconds = seconds
        self._scrub_at.clear()

    async def _scrub(self) -> None:
        """Have each partition's replicas compared now and then; rebuild the one that differs."""
        by_partition: dict[int, list[tuple[str, dict[str, Any]]]] = {}
        for node in self._view.fresh():
            for partition_id, each in node.replicas.items():
                by_partition.setdefault(partition_id, []).append((node.node_id, each.said))
        now = self._clock.monotonic()
        for partition_id, replicas in by_partition.items():
            different = set(outvoted([replica for _, replica in replicas]))
            for node_id, replica in replicas:
                if replica["replica_id"] in different:
                    logger.error("partition %d on node %s differs", partition_id, node_id)
                    await self._actions.ask(node_id, partition_id, OperationCode.REBUILD, b"{}")
                    self._scrub_at[partition_id] = now
            if now >= self._scrub_at.setdefault(partition_id, now + self._scrub_seconds):
                self._scrub_at[partition_id] = now + self._scrub_seconds
                leaders = [node_id for node_id, replica in replicas if replica["leads"]]
                for node_id in leaders:
                    await self._actions.ask(node_id, partition_id, OperationCode.SCRUB, b"{}")

    async def _merge(self) -> None:
        """Bring to an end, one way or the other, what is frozen."""
        seen = [each.merged_by for node in self._view.fresh() for each in node.replicas.values()]
        now = self._clock.monotonic()
        frozen = merge_steps.frozen_partitions(seen)
        self._frozen = {each: self._frozen.get(each, now) for each in frozen}
        too_long = {
            each for each, since in self._frozen.items() if now - since > FROZEN_SECONDS_MAX
        }
        for step in merge_steps.next_steps(seen, too_long):
            logger.info("supervisor: %s", step)
            await self._actions.go_on(step)

    def is_frozen(self, partition_id: int) -> bool:
        """Whether a partition waits for its neighbour to take it over."""
        return partition_id in self._frozen

    async def _describe(self) -> None:
        """Bring the descriptions that partitions hold up to those on record."""
        for table in (*self._catalog.tables.values(), *self._catalog.deleted.values()):
            if table.status in ("CREATING", "DELETING"):
                continue
            if table.identifier not in self._coming:
                await self._describe_as(table)

    def _let_deleted_go(self) -> None:
        """Of a deleted table whose stream nobody can read any more, nothing is to stay."""
        for table in tuple(self._catalog.deleted.values()):
            if table.status == DELETED and self._has_no_shards(table):
                self._catalog.save_deleted(table.changed(status="DELETING"))
            elif table.status == "DELETING" and table.identifier in self.gone:
                self._catalog.remove_deleted(table)

    def _every_partition(self, table: Table, holds: Callable[[dict[str, Any]], bool]) -> bool:
        """Whether leaders report all partitions of a table, and this holds of each report."""
        place = 0
        for replica in self._led(table.identifier):
            if replica.descriptor.range.start != place or not holds(replica.said):
                return False
            place = replica.descriptor.range.end
        return place == HASH_SPACE

    def _has_no_shards(self, table: Table) -> bool:
        """Whether every partition of a table says that all shards are trimmed."""
        return self._every_partition(table, lambda replica: not replica["shards"])

    async def describe(self, table: Table) -> bool:
        """Have every partition describe its table like this. True: all of them do.

        Until `saved` is called, what is on record is not brought to them.
        """
        self._coming[table.identifier] = table
        return await self._describe_as(table)

    def let_go(self, table: Table) -> None:
        """Have the partitions of a table that is DELETING thrown away, from now on."""
        self._leaving.add(table.identifier)
        self.saved(table)

    def saved(self, table: Table) -> None:
        """What was described is on record by now."""
        self._coming.pop(table.identifier, None)

    async def _describe_as(self, table: Table) -> bool:
        everywhere = True
        for identifier in identifiers_of(table):
            for replica in self._led(identifier):
                if not replica.describes(table):
                    everywhere = False
                    epoch = replica.said["description_epoch"]
                    await self._actions.describe(replica.descriptor, table, epoch)
        return everywhere and table.identifier in self.ready

    def has_filled(self, table: Table, index: Index) -> bool:
        """Whether every partition of a table says that a new index has what was there before."""
        name = partition_state.index_follower(index.identifier)
        return self._every_partition(
            table,
            lambda replica: any(
                each["name"] == name and each["filled"] is None for each in replica["followers"]
            ),
        )

    def is_described_by_all(self, table: Table) -> bool:
        """Whether every replica that can be heard holds this description."""
        fresh = {node.node_id for node in self._view.fresh()}
        return all(
            replica.describes(table)
            for identifier in identifiers_of(table)
            for replica in self._view.replicas_of(identifier)
            if replica.node_id in fresh
        )

    def _led(self, identifier: int) -> list[HeardReplica]:
        """The replicas of a table that say that they lead, in order of their ranges."""
        led = [each for each in self._view.replicas_of(identifier) if each.said["leads"]]
        return sorted(led, key=lambda each: each.descriptor.range.start)

    def _begin(self, action: Action) -> None:
        match action:
            case MarkTableActive(table_identifier=identifier):
                self.ready.add(identifier)
                return
            case MarkTableDeleted(table_identifier=identifier):
                self.gone.add(identifier)
                self._forget(identifier)
                return
            case RemoveNode(node_id=node_id):
                self._let_go(node_id)
                return
            case CreatePartition(descriptor=descriptor):
                self._record.recorded[descriptor.partition_id] = descriptor
                self._take_id(descriptor.partition_id)
            case _:
                child_id = getattr(action, "child_id", None)
                if child_id is not None:
                    self._take_id(child_id)
        self._in_flight.append(InFlight(action, self._clock.now()))
        task = asyncio.get_running_loop().create_task(self._execute(action))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _let_go(self, node_id: str) -> None:
        """A node holds nothing: one that was given up is forgotten, a drained one idles."""
        if node_id in self.replaced:
            logger.info("node %s was given up and holds nothing any more", node_id)
            self._view.leave(node_id)
            self._node_since.pop(node_id, None)

    async def _execute(self, action: Action) -> bool:
        # Tables come and go by clients' wishes, and say so themselves.
        is_table = isinstance(action, CreatePartition | DeletePartition)
        logger.log(logging.DEBUG if is_table else logging.INFO, "%s", words(action))
        taken = False
        if isinstance(action, CreatePartition):
            table = self._table(action.table_identifier)
            if table is not None:
                taken = await self._actions.create(action, table_status.table_active(table))
        else:
            taken = await self._actions.execute(action)  # type: ignore[arg-type]  # _begin filters
        if taken:
            await asyncio.sleep(EFFECT_SECONDS)  # What it did is in the reports by then.
        self._in_flight = [each for each in self._in_flight if each.action != action]
        return taken

    def _table(self, identifier: int) -> Table | None:
        """The table of this identifier, or that has a global index of it."""
        for table in self._catalog.tables.values():
            indexes = table.global_indexes
            if table.identifier == identifier or any(i.identifier == identifier for i in indexes):
                return table
        return None

    # What is on record.

    def _take_id(self, partition_id: int) -> None:
        self._record.next_partition_id = max(self._record.next_partition_id, partition_id + 1)
        self._write_record()

    def _forget(self, identifier: int) -> None:
        self._record.recorded = {
            partition_id: descriptor
            for partition_id, descriptor in self._record.recorded.items()
            if descriptor.table_identifier != identifier
        }
        self._write_record()

    def _write_record(self) -> None:
        self._store.write([self._record.operation()], sync=True)

    @property
    def draining(self) -> set[str]:
        return self._record.draining

    @property
    def members(self) -> dict[str, dict[str, Any]]:
        """By node where it is, as pods are told."""
        return self._record.members

    @property
    def replaced(self) -> set[str]:
        """Nodes that a person, or an empty folder, gave up."""
        return self._record.replaced

    async def stop(self) -> None:
        """End what is under way; it is seen again at the next start."""
        for task in tuple(self._tasks):
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task


def _made_before(catalog: Catalog) -> set[int]:
    """The identifiers of tables and global indexes that had all their leaders once.

    The planner marks what is CREATING; what has been made it looks after without a word.
    """
    made = set()
    for table in catalog.tables.values():
        if table.status != "CREATING":
            made.add(table.identifier)
            made.update(i.identifier for i in table.global_indexes if i.status != "CREATING")
    return made


def _status_of(table: Table, index: Index) -> str:
    """The status of an index as that of a table."""
    if "DELETING" in (table.status, index.status):
        return "DELETING"
    return "CREATING" if "CREATING" in (table.status, index.status) else "ACTIVE"
