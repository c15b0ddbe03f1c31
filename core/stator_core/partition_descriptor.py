"""What a partition is: its range of hashes, its members, and how both change.

Every change is an entry of the partition's own Raft log. When an entry is applied, the replica
calls the function of that change here and keeps the descriptor that comes out; nobody else decides
a range or a membership. `partition_map.py` puts descriptors together into the map of routers.

Invariant: for one hash, `range_epoch` only ever grows. A split gives both halves an epoch above the
parent's, a merge one above both. So of two descriptors that hold the same hash the one with the
greater epoch is the newer, whatever their partitions are called.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

from stator_core.key_format import HASH_SPACE

DESCRIPTOR_VERSION = 1


class ChangeRefused(ValueError):
    """A change that does not fit the partition as it is; the descriptor stays as it was."""


class DescriptorRefused(ValueError):
    """Stored or received bytes that are no partition descriptor."""


class DescriptorFromTheFuture(DescriptorRefused):
    """Written by a newer version of Stator than this one."""

    def __init__(self, what: str, version: object, known: int) -> None:
        super().__init__(f"{what} of version {version!r}, this code reads up to {known}")
        self.version = version


class Role(Enum):
    """What a replica is to its Raft group."""

    VOTER = "VOTER"
    LEARNER = "LEARNER"  # gets the log, has no vote


@dataclass(frozen=True, slots=True, order=True)
class HashRange:
    """The hashes from `start` up to, not including, `end`. The whole space ends at 2**64."""

    start: int
    end: int

    def __post_init__(self) -> None:
        if not 0 <= self.start < self.end <= HASH_SPACE:
            raise DescriptorRefused(f"no range of hashes: [{self.start}, {self.end})")

    def __contains__(self, place: int) -> bool:
        return self.start <= place < self.end

    def overlaps(self, other: HashRange) -> bool:
        return self.start < other.end and other.start < self.end


WHOLE_SPACE = HashRange(0, HASH_SPACE)


@dataclass(frozen=True, slots=True)
class Replica:
    """One member. `replica_id` is unique in the partition and never used again."""

    replica_id: int
    node_id: str
    role: Role = Role.VOTER


@dataclass(frozen=True, slots=True)
class Joint:
    """A membership change half done: every decision needs a majority of both sets of voters.

    Raft's joint consensus (Raft thesis, section 4.3). The sets hold replica ids. The leader leaves
    the joint configuration by itself as soon as it is committed.
    """

    incoming: frozenset[int]
    outgoing: frozenset[int]


@dataclass(frozen=True, slots=True, order=True)
class Epochs:
    """How often a partition's range and its members have changed: the version of a descriptor."""

    range_epoch: int
    members_epoch: int


@dataclass(frozen=True, slots=True, order=True)
class Generation:
    """A partition while its range stayed as it was: what one stream shard covers."""

    partition_id: int
    range_epoch: int


@dataclass(frozen=True, slots=True)
class PartitionDescriptor:
    """One partition at one moment of its log.

    `replicas` lists every member in order of replica id; in a joint configuration those of role
    VOTER are the members of either set. `parent_id` is the partition that this one was split from.
    `parents` are the generations whose hashes this generation took over: none for a partition made
    with its table, one after a split, two after a merge.
    """

    partition_id: int
    table_name: str
    table_identifier: int
    range: HashRange
    replicas: tuple[Replica, ...]
    next_replica_id: int
    range_epoch: int = 1
    members_epoch: int = 1
    joint: Joint | None = None
    parent_id: int | None = None
    parents: tuple[Generation, ...] = ()

    def __post_init__(self) -> None:
        ids = [replica.replica_id for replica in self.replicas]
        if ids != sorted(set(ids)) or (ids and ids[-1] >= self.next_replica_id):
            raise DescriptorRefused(f"replica ids out of order: {ids}, next {self.next_replica_id}")
        if len({replica.node_id for replica in self.replicas}) != len(ids):
            raise DescriptorRefused(f"partition {self.partition_id} has two replicas on one node")
        voters = {r.replica_id for r in self.replicas if r.role is Role.VOTER}
        if not voters:
            raise DescriptorRefused(f"partition {self.partition_id} has no voter")
        if self.joint is not None and self.joint.incoming | self.joint.outgoing != voters:
            raise DescriptorRefused(f"partition {self.partition_id}: joint voters are not its own")
        if min(self.range_epoch, self.members_epoch) < 1:
            raise DescriptorRefused("epochs begin at 1")

    @property
    def epochs(self) -> Epochs:
        return Epochs(self.range_epoch, self.members_epoch)

    @property
    def generation(self) -> Generation:
        return Generation(self.partition_id, self.range_epoch)

    @property
    def voters(self) -> tuple[Replica, ...]:
        return tuple(replica for replica in self.replicas if replica.role is Role.VOTER)

    @property
    def learners(self) -> tuple[Replica, ...]:
        return tuple(replica for replica in self.replicas if replica.role is Role.LEARNER)

    @property
    def node_ids(self) -> frozenset[str]:
        return frozenset(replica.node_id for replica in self.replicas)

    def replica(self, replica_id: int) -> Replica | None:
        return next((r for r in self.replicas if r.replica_id == replica_id), None)

    def replica_on(self, node_id: str) -> Replica | None:
        return next((r for r in self.replicas if r.node_id == node_id), None)

    def is_newer_than(self, other: PartitionDescriptor) -> bool:
        """Whether this one tells the later state. Both must hold some hash in common.

        Equal epochs on one hash come from one log; the partition id only makes the answer the same
        everywhere should a bug ever break that.
        """
        return self.seniority > other.seniority

    @property
    def seniority(self) -> tuple[int, int, int]:
        return (self.range_epoch, self.members_epoch, self.partition_id)


def new_partition(
    partition_id: int,
    table_name: str,
    table_identifier: int,
    range_: HashRange,
    node_ids: tuple[str, ...],
) -> PartitionDescriptor:
    """A partition's first descriptor: one voter on each of these nodes."""
    replicas = tuple(Replica(number, node_id) for number, node_id in enumerate(node_ids, 1))
    return PartitionDescriptor(
        partition_id, table_name, table_identifier, range_, replicas, len(replicas) + 1
    )


# ---------------------------------------------------------------------------------------- the range


def split(
    parent: PartitionDescriptor, at_hash: int, child_id: int
) -> tuple[PartitionDescriptor, PartitionDescriptor]:
    """The parent with the left half, and the child [at_hash, end) with the same members.

    Raises ChangeRefused where a half would be empty or the members are just changing.
    """
    if not parent.range.start < at_hash < parent.range.end:
        raise ChangeRefused(f"{at_hash} does not cut {parent.range}")
    if child_id == parent.partition_id:
        raise ChangeRefused("a child needs an id of its own")
    if parent.joint is not None:
        raise ChangeRefused(f"partition {parent.partition_id} is changing its members")
    left = replace(
        parent,
        range=HashRange(parent.range.start, at_hash),
        range_epoch=parent.range_epoch + 1,
        parents=(parent.generation,),
    )
    right = replace(
        left,
        partition_id=child_id,
        range=HashRange(at_hash, parent.range.end),
        parent_id=parent.partition_id,
    )
    return left, right


def merge(left: PartitionDescriptor, right: PartitionDescriptor) -> PartitionDescriptor:
    """The left partition with the hashes of both; the right one is no more.

    No data moves, so both must have voters on the same nodes and nothing but voters. Raises
    ChangeRefused where that or the ranges do not fit.
    """
    if left.table_identifier != right.table_identifier:
        raise ChangeRefused("two tables do not merge")
    if left.range.end != right.range.start:
        raise ChangeRefused(f"{left.range} and {right.range} are no neighbours in this order")
    if any(side.joint is not None or side.learners for side in (left, right)):
        raise ChangeRefused("a partition that is changing its members does not merge")
    if left.node_ids != right.node_ids:
        raise ChangeRefused(
            f"partition {right.partition_id} lies on other nodes than its neighbour"
        )
    return replace(
        left,
        range=HashRange(left.range.start, right.range.end),
        range_epoch=max(left.range_epoch, right.range_epoch) + 1,
        parents=(left.generation, right.generation),
    )


# -------------------------------------------------------------------------------------- the members


def with_learner(partition: PartitionDescriptor, node_id: str) -> PartitionDescriptor:
    """A new learner on a node that holds no replica yet."""
    if partition.joint is not None:
        raise ChangeRefused(f"partition {partition.partition_id} is changing its members")
    if partition.replica_on(node_id) is not None:
        raise ChangeRefused(f"{node_id} holds a replica of partition {partition.partition_id}")
    learner = Replica(partition.next_replica_id, node_id, Role.LEARNER)
    return replace(
        partition,
        replicas=(*partition.replicas, learner),
        next_replica_id=partition.next_replica_id + 1,
        members_epoch=partition.members_epoch + 1,
    )


def entering_joint(
    partition: PartitionDescriptor, promoted: int, removed: int | None
) -> PartitionDescriptor:
    """The learner `promoted` gets a vote; the voter `removed`, if any, is on its way out."""
    if partition.joint is not None:
        raise ChangeRefused(f"partition {partition.partition_id} is changing its members")
    learner = partition.replica(promoted)
    if learner is None or learner.role is not Role.LEARNER:
        raise ChangeRefused(f"replica {promoted} is no learner")
    outgoing = frozenset(replica.replica_id for replica in partition.voters)
    if removed is not None and removed not in outgoing:
        raise ChangeRefused(f"replica {removed} is no voter")
    replicas = tuple(
        replace(replica, role=Role.VOTER) if replica.replica_id == promoted else replica
        for replica in partition.replicas
    )
    return replace(
        partition,
        replicas=replicas,
        joint=Joint((outgoing | {promoted}) - {removed}, outgoing),
        members_epoch=partition.members_epoch + 1,
    )


def leaving_joint(partition: PartitionDescriptor) -> PartitionDescriptor:
    """The incoming voters alone; those of the outgoing set only are no members any more."""
    if partition.joint is None:
        raise ChangeRefused(f"partition {partition.partition_id} is in no joint configuration")
    incoming = partition.joint.incoming
    return replace(
        partition,
        replicas=tuple(
            r for r in partition.replicas if r.role is Role.LEARNER or r.replica_id in incoming
        ),
        joint=None,
        members_epoch=partition.members_epoch + 1,
    )


def without_replica(partition: PartitionDescriptor, replica_id: int) -> PartitionDescriptor:
    """One member fewer. The last voter cannot go."""
    if partition.joint is not None:
        raise ChangeRefused(f"partition {partition.partition_id} is changing its members")
    if partition.replica(replica_id) is None:
        raise ChangeRefused(f"partition {partition.partition_id} has no replica {replica_id}")
    rest = tuple(replica for replica in partition.replicas if replica.replica_id != replica_id)
    if all(replica.role is Role.LEARNER for replica in rest):
        raise ChangeRefused("the last voter stays")
    return replace(partition, replicas=rest, members_epoch=partition.members_epoch + 1)


# ------------------------------------------------------------------------------------ the wire form


def to_json(partition: PartitionDescriptor) -> dict[str, Any]:
    """Version 1. Hashes are 17 hexadecimal digits: JSON's writers stop short of 2**64."""
    joint = partition.joint
    return {
        "version": DESCRIPTOR_VERSION,
        "partition_id": partition.partition_id,
        "table_name": partition.table_name,
        "table_identifier": partition.table_identifier,
        "range": [f"{partition.range.start:017x}", f"{partition.range.end:017x}"],
        "range_epoch": partition.range_epoch,
        "members_epoch": partition.members_epoch,
        "replicas": [[r.replica_id, r.node_id, r.role.value] for r in partition.replicas],
        "next_replica_id": partition.next_replica_id,
        "joint": None if joint is None else [sorted(joint.incoming), sorted(joint.outgoing)],
        "parent_id": partition.parent_id,
        "parents": [[parent.partition_id, parent.range_epoch] for parent in partition.parents],
    }


def from_json(stored: Any) -> PartitionDescriptor:
    """Read what `to_json` wrote. Raises DescriptorFromTheFuture or DescriptorRefused."""
    if not isinstance(stored, dict):
        raise DescriptorRefused("a partition descriptor is a JSON object")
    check_version("a partition descriptor", stored.get("version"), DESCRIPTOR_VERSION)
    try:
        start, end = stored["range"]
        joint = stored["joint"]
        return PartitionDescriptor(
            partition_id=_integer(stored["partition_id"]),
            table_name=_text(stored["table_name"]),
            table_identifier=_integer(stored["table_identifier"]),
            range=HashRange(int(start, 16), int(end, 16)),
            replicas=tuple(
                Replica(_integer(replica_id), _text(node_id), Role(role))
                for replica_id, node_id, role in stored["replicas"]
            ),
            next_replica_id=_integer(stored["next_replica_id"]),
            range_epoch=_integer(stored["range_epoch"]),
            members_epoch=_integer(stored["members_epoch"]),
            joint=None if joint is None else Joint(_integers(joint[0]), _integers(joint[1])),
            parent_id=None if stored["parent_id"] is None else _integer(stored["parent_id"]),
            parents=tuple(
                Generation(_integer(p), _integer(epoch)) for p, epoch in stored["parents"]
            ),
        )
    except DescriptorRefused:
        raise
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise DescriptorRefused(f"no partition descriptor: {error!r}") from error


def check_version(what: str, version: object, known: int) -> None:
    """Refuse a version above `known`, and what is no version at all."""
    if type(version) is not int or version < 1:
        raise DescriptorRefused(f"{what} without a version: {version!r}")
    if version > known:
        raise DescriptorFromTheFuture(what, version, known)


def _integer(value: Any) -> int:
    if type(value) is not int or value < 0:
        raise DescriptorRefused(f"expected a whole number, got {value!r}")
    return value


def _integers(values: Any) -> frozenset[int]:
    return frozenset(_integer(value) for value in values)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise DescriptorRefused(f"expected a string, got {value!r}")
    return value
