"""A supervisor without a record asks the pods first: they may hold a cluster that is not new.

In: an empty control store, and the storage pods that are found. Out: where pods hold anything, a
catalog and a record in that store, rebuilt of what they say (`stator_core.catalog_rebuilding`).
Called by `supervisor_process.py` and `local_zones.py`, before there is a supervisor. Invariants:
until it returns nothing is made, deleted or planned, and no table operation answered; what it
writes is one synced batch.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from stator_core import catalog_rebuilding
from stator_core.catalog_rebuilding import Hearing, RebuiltCatalog, Witness
from stator_node import supervisor_record
from stator_node.catalog import Catalog
from stator_node.cluster_actions import ClusterActions
from stator_node.cluster_view import ClusterView, NodeView
from stator_node.doors import Clock, ItemStore
from stator_node.reports import HeardReplica
from stator_node.supervisor_record import SupervisorRecord
from stator_node.transport.links import Address

logger = logging.getLogger(__name__)

LOOK_SECONDS = 0.1
SAY_AFTER_SECONDS = 3.0  # pods that start with it are heard by then
SAY_AGAIN_SECONDS = 30.0


class FoundCluster:
    """What the pods of a cluster hold, for a supervisor that knows nothing of it."""

    def __init__(
        self,
        store: ItemStore,
        view: ClusterView,
        clock: Clock,
        lost_seconds: float,
        unanswered: Callable[[], int],
    ) -> None:
        """`lost_seconds`: after which what is silent counts as lost.

        `unanswered`: at how many addresses nobody answers.
        """
        self._store = store
        self._view = view
        self._clock = clock
        self._lost_seconds = lost_seconds
        self._unanswered = unanswered
        self._actions = ClusterActions(view)
        self._said: tuple[str, float] = "", 0.0
        self._began = clock.monotonic()

    async def take_up(self, waits: Callable[[], bool]) -> bool:
        """Have in the store what a supervisor needs. False: it was told to wait no longer.

        A store with a record is left as it is. Raises StorageFailed.
        """
        if supervisor_record.read(self._store) or Catalog.is_begun(self._store):
            return True
        began = self._began = self._clock.monotonic()
        while waits():
            await self._view.poll()
            self._meet_listed()
            hearing = self._hearing()
            if not hearing.is_new:
                # They may have other addresses, and want to elect leaders.
                await self._actions.introduce(self._view.members())
            waited = self._clock.monotonic() - began
            why = catalog_rebuilding.why_wait(hearing, waited, self._lost_seconds)
            if why is None:
                self._write(hearing)
                return True
            self._say(why)
            await asyncio.sleep(LOOK_SECONDS)
        return False

    def _hearing(self) -> Hearing:
        """What the pods say at this moment."""
        fresh = self._view.fresh()
        return Hearing(
            zones={node.node_id: node.zone for node in self._view.nodes.values()},
            listed=frozenset(each for node in fresh for each in node.members),
            held={node.node_id: _held(node) for node in fresh},
            witnesses=tuple(_witness(each) for node in fresh for each in node.replicas.values()),
            unanswered=self._unanswered(),
        )

    def _meet_listed(self) -> None:
        """Look for the pods that others have been told of."""
        for node in self._view.fresh():
            for node_id, member in node.members.items():
                if node_id not in self._view.nodes:
                    address = Address(member["host"], member["port"])
                    self._view.join(node_id, member["zone"], address)
                    self._view.nodes[node_id].pod = member.get("pod", "")

    def _write(self, hearing: Hearing) -> None:
        """Put on record what was found, in one piece."""
        if hearing.is_new:
            logger.info("the pods hold nothing: the cluster is new")
            return
        found = catalog_rebuilding.rebuilt(hearing)
        record = SupervisorRecord(found.next_partition_id, members=self._view.members())
        operations = Catalog.begun(found.tables, found.deleted, found.next_identifier)
        self._store.write([*operations, record.operation()], sync=True)
        _say_what(found, hearing)

    def _say(self, why: str) -> None:
        """Why it goes on waiting: when that changes, and now and then."""
        text, said_at = self._said
        now = self._clock.monotonic()
        if now - self._began < SAY_AFTER_SECONDS:
            return
        if why != text or now - said_at > SAY_AGAIN_SECONDS:
            logger.warning("the control store is empty, and the pods are asked first: %s", why)
            self._said = why, now


def _held(node: NodeView) -> frozenset[int]:
    """The ids of a node's partitions, with those that have no state yet."""
    empty = [each["partition_id"] for each in node.report.get("empty", ())]
    return frozenset([*node.replicas, *empty])


def _witness(replica: HeardReplica) -> Witness:
    said = replica.said
    return Witness(
        replica.node_id,
        replica.descriptor,
        replica.table,
        said["description_epoch"],
        said["leads"],
        said["term"],
        said["applied"],
        frozenset(said["absorbed"]),
    )


def _say_what(found: RebuiltCatalog, hearing: Hearing) -> None:
    logger.warning(
        "the control store was empty, and is rebuilt from what %d pods hold; tables: %d, deleted"
        " ones whose streams are read: %d; numbers of tables go on at %d, of partitions at %d",
        len(hearing.held),
        len(found.tables),
        len(found.deleted),
        found.next_identifier,
        found.next_partition_id,
    )
    for text in found.left_alone:
        logger.warning("left alone: %s", text)
