"""Which tables there are, told by their partitions: for a supervisor whose record is lost.

In: what storage pods say of their replicas, and of which other nodes they know. Out: the tables,
identifiers and partition ids that nothing has or had, and, before that, why to go on listening.
Called by `node/stator_node/found_cluster.py`. The same input gives the same answer, in whatever
order pods are listed.

Invariants: what cannot be told is not made up: no deletion is inferred from what is missing, and no
hole is filled; what is left out is left alone, with its numbers never given to anything else.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from stator_core.partition_descriptor import PartitionDescriptor
from stator_core.table import Table
from stator_core.table_status import DELETED

# Beyond the greatest number seen: a pod that is away may know numbers of tables that were deleted,
# or of partitions that were merged, meanwhile.
NUMBERS_MARGIN = 1_000_000
FIRST_NUMBER = 1
ZONES_OF_NEW_CLUSTER = 3  # that many tell at once that there is nothing yet
NODES_OF_NEW_CLUSTER = 2  # with fewer no table could be made
PATIENCE_SECONDS = 10.0  # for pods that may be about to answer
PATIENCE_WITH_NEW_SECONDS = 60.0  # the same, where nobody has anything


@dataclass(frozen=True, slots=True)
class Witness:
    """A replica as its node described it."""

    node_id: str
    descriptor: PartitionDescriptor
    table: Table
    description_epoch: int
    leads: bool
    term: int
    applied: int
    absorbed: frozenset[int] = frozenset()

    @property
    def is_of_index(self) -> bool:
        return self.descriptor.table_identifier != self.table.identifier


@dataclass(frozen=True, slots=True)
class Hearing:
    """What has been heard so far.

    `zones`: of every node that was met, or that a pod has on its list of members; `listed`: those
    of the latter; `held`: of each node that was heard, the ids of all its partitions, with those
    that have no state yet. `unanswered`: how many addresses there are where nobody answers.
    """

    zones: Mapping[str, str]
    listed: frozenset[str]
    held: Mapping[str, frozenset[int]]
    witnesses: tuple[Witness, ...] = ()
    unanswered: int = 0

    @property
    def is_new(self) -> bool:
        """Whether nobody who was heard has ever belonged to a cluster."""
        return not self.listed and not any(self.held.values())


@dataclass(frozen=True, slots=True)
class RebuiltCatalog:
    """What goes on record. `left_alone`: what is there and no table of it, for people."""

    tables: tuple[Table, ...]
    deleted: tuple[Table, ...]
    next_identifier: int
    next_partition_id: int
    left_alone: tuple[str, ...] = ()


# --------------------------------------------------------------------------------- who was heard


def why_wait(hearing: Hearing, waited_seconds: float, lost_seconds: float) -> str | None:
    """Why what was heard is not enough yet; None: it is.

    `lost_seconds`: after which what is silent counts as lost.
    """
    if not hearing.held:
        return "no storage pod has been heard"
    if hearing.is_new:
        return _why_wait_with_new(hearing, waited_seconds)
    living, _ = _living(hearing)
    named = {node_id for each in living for node_id in each.descriptor.node_ids}
    unheard = sorted((named | set(hearing.zones)) - hearing.held.keys())
    leaderless = [each.descriptor.partition_id for each in living if not each.leads]
    if not unheard and not hearing.unanswered and not leaderless:
        return None
    if waited_seconds < PATIENCE_SECONDS and (unheard or hearing.unanswered):
        silent = ", ".join(unheard) or f"{hearing.unanswered} addresses"
        return f"not heard yet: {silent}"
    # Each partition has a replica in every zone: of a zone that was heard none can be unknown.
    unheard_zones = {zone for node, zone in hearing.zones.items() if node not in hearing.held}
    if not set(hearing.zones.values()) - unheard_zones:
        return f"there is no zone all of whose pods were heard: {', '.join(unheard)} are silent"
    if leaderless and waited_seconds < lost_seconds:
        # A replica without a leader may be behind, and so may what it says of its table.
        return f"partitions without a leader: {', '.join(map(str, leaderless))}"
    return None


def _why_wait_with_new(hearing: Hearing, waited_seconds: float) -> str | None:
    unheard = sorted(hearing.zones.keys() - hearing.held.keys())
    zones = {hearing.zones[node] for node in hearing.held}
    if not unheard and not hearing.unanswered and len(zones) >= ZONES_OF_NEW_CLUSTER:
        return None
    if waited_seconds < PATIENCE_WITH_NEW_SECONDS or len(hearing.held) < NODES_OF_NEW_CLUSTER:
        silent = f", and {', '.join(unheard)} not yet" if unheard else ""
        return f"pods of {len(zones)} zones were heard, which hold nothing{silent}"
    return None


def _living(hearing: Hearing) -> tuple[list[Witness], list[int]]:
    """Of each partition the witness who knows it best; the ids of those that are leftovers."""
    best: dict[int, Witness] = {}
    for each in hearing.witnesses:
        known = best.get(each.descriptor.partition_id)
        if known is None or _knowledge(each) > _knowledge(known):
            best[each.descriptor.partition_id] = each
    leftovers = [key for key in sorted(best) if _is_leftover(best[key].descriptor, hearing.held)]
    return [best[key] for key in sorted(best.keys() - set(leftovers))], leftovers


def _knowledge(witness: Witness) -> tuple[bool, int, int, str]:
    return witness.leads, witness.term, witness.applied, witness.node_id


def _is_leftover(partition: PartitionDescriptor, held: Mapping[str, frozenset[int]]) -> bool:
    """Whether it was thrown away where a majority of its voters is: a pod that was away kept it.

    A volume that is lost is another node, so a node that answers has not lost it.
    """
    present = {partition.partition_id}
    gone = [
        each
        for each in partition.voters
        if partition.partition_id not in held.get(each.node_id, present)
    ]
    return 2 * len(gone) > len(partition.voters)


# -------------------------------------------------------------------------------- what there is


def rebuilt(hearing: Hearing) -> RebuiltCatalog:
    """The tables, as the pods tell of them."""
    tables: dict[str, Table] = {}
    deleted: list[Table] = []
    left_alone: list[str] = []
    living, leftovers = _living(hearing)
    left_alone += [f"partition {each} was thrown away elsewhere" for each in leftovers]
    by_table: dict[int, list[Witness]] = {}
    for each in living:
        by_table.setdefault(each.table.identifier, []).append(each)
    for identifier in sorted(by_table, reverse=True):
        witnesses = by_table[identifier]
        found = _described(witnesses)
        if found is None:
            left_alone.append(f"table {identifier} has indexes, and no partitions of its own")
        elif found.status == DELETED:
            deleted.append(found)
        elif found.name not in tables:
            tables[found.name] = found
        elif any(each.table.status == DELETED for each in witnesses):
            # Its name is another's by now, so all of it had been told that it is deleted.
            deleted.append(next(e.table for e in witnesses if e.table.status == DELETED))
        else:
            left_alone.append(f"table {identifier} has the name of a later one: {found.name}")
    identifiers = [
        number
        for each in hearing.witnesses
        for number in (each.descriptor.table_identifier, *_identifiers(each.table))
    ]
    partition_ids = [number for numbers in hearing.held.values() for number in numbers]
    for each in hearing.witnesses:
        partition_ids += [each.descriptor.partition_id, *each.absorbed]
    return RebuiltCatalog(
        tuple(sorted(tables.values(), key=lambda table: table.identifier)),
        tuple(sorted(deleted, key=lambda table: table.identifier)),
        max(identifiers, default=FIRST_NUMBER) + NUMBERS_MARGIN,
        max(partition_ids, default=FIRST_NUMBER) + NUMBERS_MARGIN,
        tuple(left_alone),
    )


def _described(witnesses: list[Witness]) -> Table | None:
    """A table as its partitions describe it; None: it was not there yet, or not any more.

    Descriptions come to one partition after the other. Where a table is on its way out, one that
    says so is enough: it is told only what is on record.
    """
    own = [each for each in witnesses if not each.is_of_index]
    present = [each for each in witnesses if each.table.status != DELETED]
    if not present or (own and all(each.table.status == DELETED for each in own)):
        return max(own or witnesses, key=_newness).table
    newest = max(present, key=_newness).table
    if any(each.table.status in ("DELETING", DELETED) for each in witnesses):
        return newest.changed(status="DELETING")
    return newest if own else None


def _newness(witness: Witness) -> tuple[bool, bool, int, tuple[bool, int, int, str]]:
    """Who leads knows best; of those, who has been told most often."""
    return witness.leads, not witness.is_of_index, witness.description_epoch, _knowledge(witness)


def _identifiers(table: Table) -> Iterable[int]:
    return table.identifier, *(index.identifier for index in table.indexes)
