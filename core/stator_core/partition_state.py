"""What a partition's log has made of it, beside the items: its descriptor and its table.

In: the entries of a partition's log that are not writes (`entry_format.EntryKind`), and its Raft
configuration. Out: the next `PartitionState`, and for a split the child's. Every replica applies
the same entries to the same state, so all of them hold the same; the state is stored in the same
batch as the applied index. Called by `hosted_partition.py`. Invariant: nothing outside the log and
the configuration decides a range, a member or a table description.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

import orjson

from stator_core import partition_descriptor, table
from stator_core.entry_format import EntryKind, EntryRefused
from stator_core.key_format import HASH_SPACE, IDENTIFIER_BYTES
from stator_core.partition_descriptor import (
    ChangeRefused,
    Joint,
    PartitionDescriptor,
    Replica,
    Role,
)
from stator_core.raft.messages import Configuration
from stator_core.table import Table

STATE_VERSION = 1

# A range of stored keys that belongs to a partition.
OwnedRange = tuple[Literal["items", "indexes"], bytes, bytes]


@dataclass(frozen=True, slots=True)
class PartitionState:
    """A partition at one index of its log."""

    descriptor: PartitionDescriptor
    table: Table

    def owned_ranges(self) -> list[OwnedRange]:
        """Every range of stored keys that is this partition's, and nobody else's.

        The entries of global indexes lie under identifiers of their own; they belong to the one
        partition that a table with such indexes has.
        """
        held = self.descriptor.range
        ranges: list[OwnedRange] = []
        identifiers = [self.descriptor.table_identifier]
        if held.start == 0 and held.end == HASH_SPACE:
            identifiers += [index.identifier for index in self.table.global_indexes]
        for identifier in identifiers:
            start, end = place_key(identifier, held.start), place_key(identifier, held.end)
            ranges.append(("items", start, end))
            ranges.append(("indexes", start, end))
        return ranges


def place_key(identifier: int, place: int) -> bytes:
    """The least stored key at or behind a place in the hash space of a table."""
    if place == HASH_SPACE:
        return (identifier + 1).to_bytes(IDENTIFIER_BYTES, "big")
    return identifier.to_bytes(IDENTIFIER_BYTES, "big") + place.to_bytes(8, "big")


def to_json(state: PartitionState) -> bytes:
    """The stored form, version 1."""
    return orjson.dumps(
        {
            "version": STATE_VERSION,
            "descriptor": partition_descriptor.to_json(state.descriptor),
            "table": table.to_json(state.table),
        }
    )


def from_json(stored: bytes) -> PartitionState:
    """Raises ValueError for what this code did not write, or a newer version did."""
    members: Any = orjson.loads(stored)
    if not isinstance(members, dict) or members.get("version") != STATE_VERSION:
        raise ValueError(f"no partition state of version {STATE_VERSION}: {stored[:100]!r}")
    return PartitionState(
        partition_descriptor.from_json(members.get("descriptor")),
        _table_of(members.get("table")),
    )


def _table_of(members: Any) -> Table:
    """Raises ValueError."""
    try:
        return table.from_json(members)
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"no table description: {error!r}") from None


# ---------------------------------------------------------------------------- entries and changes


def split_body(at_hash: int, child_id: int) -> bytes:
    """The body of a SPLIT entry. Hashes pass 2**53, so they travel as text."""
    return orjson.dumps({"at_hash": f"{at_hash:017x}", "child_id": child_id})


def describe_body(description: Table) -> bytes:
    """The body of a DESCRIBE entry: the partition's table looks like this from now on."""
    return orjson.dumps(table.to_json(description))


def learner_body(node_id: str) -> bytes:
    """The body of a CONFIGURE entry that gives a node a replica, so far only a name and a number.

    It becomes a member by Raft's own change, which the leader proposes when it sees the name.
    """
    return orjson.dumps({"learner_on": node_id})


@dataclass(frozen=True, slots=True)
class Changed:
    """The state after an entry; `child` is the partition that a split made."""

    state: PartitionState
    child: PartitionState | None = None


def apply_change(state: PartitionState, kind: EntryKind, body: bytes) -> Changed:
    """Apply an entry that is not WRITES. An entry that does not fit the state changes nothing.

    Whether it fits is decided here, from state and entry alone, so all replicas agree. One that
    this version cannot read must not be passed over, since others may be able to: EntryRefused.
    """
    try:
        members = orjson.loads(body)
        match kind:
            case EntryKind.SPLIT:
                return _split(state, int(members["at_hash"], 16), int(members["child_id"]))
            case EntryKind.DESCRIBE:
                return Changed(_described(state, _table_of(members)))
            case EntryKind.CONFIGURE:
                return Changed(_with_learner(state, str(members["learner_on"])))
    except (KeyError, TypeError, ValueError) as error:
        raise EntryRefused(f"no {kind.name} of a partition: {error!r}") from None
    raise EntryRefused(f"an entry of kind {kind.name} is no change of a partition")


def _split(state: PartitionState, at_hash: int, child_id: int) -> Changed:
    if state.table.global_indexes:
        return Changed(state)  # Their entries lie under hashes of their own: no half owns them.
    try:
        left, right = partition_descriptor.split(state.descriptor, at_hash, child_id)
    except ChangeRefused:
        return Changed(state)
    return Changed(replace(state, descriptor=left), PartitionState(right, state.table))


def _with_learner(state: PartitionState, node_id: str) -> PartitionState:
    try:
        descriptor = partition_descriptor.with_learner(state.descriptor, node_id)
    except ChangeRefused:
        return state
    return replace(state, descriptor=descriptor)


def _described(state: PartitionState, description: Table) -> PartitionState:
    """A description of another table that took the name does not fit, and is left aside."""
    if description.identifier != state.table.identifier:
        return state
    return replace(state, table=description)


def configured(
    state: PartitionState, before: Configuration, after: Configuration
) -> PartitionState:
    """The state after a Raft membership change: roles follow the configuration.

    A replica that has only been named (`learner_body`) was in neither and stays.
    """
    descriptor = state.descriptor
    gone = before.members - after.members
    voters = after.voters | after.voters_outgoing
    replicas = tuple(
        Replica(
            member.replica_id,
            member.node_id,
            Role.VOTER if member.replica_id in voters else Role.LEARNER,
        )
        for member in descriptor.replicas
        if member.replica_id not in gone
    )
    joint = Joint(after.voters, after.voters_outgoing) if after.joint else None
    if replicas == descriptor.replicas and joint == descriptor.joint:
        return state
    return replace(
        state,
        descriptor=replace(
            descriptor,
            replicas=replicas,
            joint=joint,
            members_epoch=descriptor.members_epoch + 1,
        ),
    )


def first_configuration(descriptor: PartitionDescriptor) -> Configuration:
    """The Raft configuration that the replicas of a new partition, or of a child, start with."""
    return Configuration(
        voters=frozenset(member.replica_id for member in descriptor.voters),
        learners=frozenset(member.replica_id for member in descriptor.learners),
    )
