"""How the entries of a partition's log change its state: ranges, descriptions, members, the feed.

In: an entry that is not of kind WRITES (`entry_format.EntryKind`), or a new Raft configuration.
Out: the next `PartitionState`, and for a split the child's. Every replica applies the same entries
to the same state, so all of them hold the same. Called by `hosted_partition.py`; the bodies are
made by whoever proposes an entry. Invariant: whether an entry fits is decided from state and entry
alone; one that does not fit changes nothing.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any, Final

import orjson

from stator_core import (
    partition_descriptor,
    partition_merge,
    partition_state,
    stream_shards,
    table,
)
from stator_core.entry_format import EntryKind, EntryRefused
from stator_core.partition_descriptor import (
    ChangeRefused,
    Joint,
    PartitionDescriptor,
    Replica,
    Role,
)
from stator_core.partition_state import (
    EXPIRIES,
    Follower,
    PartitionState,
    follower_of,
    generation_of,
    index_follower,
    place_key,
    table_of,
)
from stator_core.raft.messages import Configuration
from stator_core.stream_shards import Shards
from stator_core.table import Table

MERGING: Final = frozenset(
    (EntryKind.FREEZE, EntryKind.MERGE, EntryKind.THAW, EntryKind.REFUSE_MERGE)
)
# What a frozen partition still takes: its followers go on until they have everything.
OF_THE_FEED: Final = frozenset((EntryKind.FOLLOW, EntryKind.TRIM))
# No write stands behind one of these in the log that was evaluated before it.
WALLS: Final = frozenset((EntryKind.SPLIT, EntryKind.FREEZE))


def split_body(at_hash: int, child_id: int) -> bytes:
    """The body of a SPLIT entry. Hashes pass 2**53, so they travel as text."""
    return orjson.dumps({"at_hash": f"{at_hash:017x}", "child_id": child_id})


def describe_body(description: Table, epoch: int) -> bytes:
    """The body of a DESCRIBE entry: the partition's table looks like this from now on.

    `epoch` is that of the description which this one was to replace. Where another has replaced it
    by now, this one has come late and may be older: it is left aside.
    """
    return orjson.dumps({"epoch": epoch, "table": table.to_json(description)})


def learner_body(node_id: str) -> bytes:
    """The body of a CONFIGURE entry that gives a node a replica, so far only a name and a number.

    It becomes a member by Raft's own change, which the leader proposes when it sees the name.
    """
    return orjson.dumps({"learner_on": node_id})


def trim_body(until: int) -> bytes:
    """The body of a TRIM entry: records of the feed with lower stamps are gone."""
    return orjson.dumps({"until": until})


def follow_body(follower: Follower) -> bytes:
    """The body of a FOLLOW entry: how far a follower has come."""
    return orjson.dumps(asdict(follower))


@dataclass(frozen=True, slots=True)
class Changed:
    """The state after an entry.

    `child` is the partition that a split made, `absorbed` the one that a merge has ended.
    """

    state: PartitionState
    child: PartitionState | None = None
    absorbed: PartitionState | None = None


def apply_change(state: PartitionState, kind: EntryKind, stamp: int, body: bytes) -> Changed:
    """Apply an entry that is not WRITES. An entry that does not fit the state changes nothing.

    `stamp` is the entry's: it lies above those of all changes before it in the log.

    Whether it fits is decided here, from state and entry alone, so all replicas agree. One that
    this version cannot read must not be passed over, since others may be able to: EntryRefused.
    """
    try:
        members = orjson.loads(body)
        if kind in MERGING:
            return _merge(state, kind, stamp, members)
        if state.frozen_for is not None and kind not in OF_THE_FEED:
            return Changed(state)
        match kind:
            case EntryKind.SPLIT:
                return _split(state, int(members["at_hash"], 16), int(members["child_id"]), stamp)
            case EntryKind.DESCRIBE:
                description = table_of(members["table"])
                if int(members["epoch"]) != state.description_epoch:
                    return Changed(state)
                return Changed(_described(state, description, stamp))
            case EntryKind.TRIM:
                return Changed(_trimmed(state, int(members["until"])))
            case EntryKind.ROLL if members == {}:
                shards = stream_shards.rolled(state.shards, state.descriptor.partition_id, stamp)
                return Changed(replace(state, shards=shards))
            case EntryKind.FOLLOW:
                return Changed(_followed(state, follower_of(members)))
            case EntryKind.CONFIGURE:
                return Changed(_with_learner(state, str(members["learner_on"])))
    except (KeyError, TypeError, ValueError) as error:
        raise EntryRefused(f"no {kind.name} of a partition: {error!r}") from None
    raise EntryRefused(f"an entry of kind {kind.name} is no change of a partition")


def _merge(state: PartitionState, kind: EntryKind, stamp: int, members: Any) -> Changed:
    """Raises KeyError, TypeError, ValueError for members that are none."""
    absorbed: PartitionState | None = None
    try:
        match kind:
            case EntryKind.FREEZE:
                left, range_epoch = generation_of(members["left"]), int(members["range_epoch"])
                return Changed(partition_merge.frozen(state, left, range_epoch))
            case EntryKind.THAW:
                return Changed(partition_merge.thawed(state, generation_of(members["left"])))
            case EntryKind.REFUSE_MERGE:
                return Changed(partition_merge.refused(state, int(members["range_epoch"])))
        absorbed = partition_state.from_json(members["right"].encode())
        return Changed(partition_merge.merged(state, absorbed, stamp), absorbed=absorbed)
    except ChangeRefused:
        return Changed(state)


def _split(state: PartitionState, at_hash: int, child_id: int, stamp: int) -> Changed:
    try:
        left, right = partition_descriptor.split(state.descriptor, at_hash, child_id)
    except ChangeRefused:
        return Changed(state)
    own_id = state.descriptor.partition_id
    left_shards, right_shards = stream_shards.split(state.shards, own_id, child_id, stamp)
    followers = [_halves(state, each, at_hash, stamp) for each in state.followers]
    return Changed(
        replace(
            state,
            descriptor=left,
            shards=left_shards,
            followers=tuple(of_left for of_left, _ in followers),
        ),
        PartitionState(
            right,
            state.table,
            right_shards,
            tuple(of_right for _, of_right in followers),
            stamp,
            state.description_epoch,
            absorbed=state.absorbed,
        ),
    )


def _halves(
    state: PartitionState, follower: Follower, at_hash: int, stamp: int
) -> tuple[Follower, Follower]:
    """A follower of both halves. The feed before the split stays with the left one."""
    middle = place_key(state.descriptor.table_identifier, at_hash).hex()
    right = Follower(follower.name, stamp, middle)
    if follower.name == EXPIRIES:
        return follower, right  # Its entries lie by partition: the right half makes its own.
    if follower.filled is None:
        return follower, replace(right, filled=None)
    if follower.filled < middle:
        return follower, right
    return replace(follower, filled=None), replace(right, filled=follower.filled)


def _trimmed(state: PartitionState, until: int) -> PartitionState:
    if until <= state.trimmed:
        return state
    return replace(state, trimmed=until, shards=stream_shards.trimmed(state.shards, until))


def _followed(state: PartitionState, follower: Follower) -> PartitionState:
    """A cursor goes forward only; of a follower that is gone nothing is kept."""
    known = state.follower(follower.name)
    if known is None or known.delivered > follower.delivered:
        return state
    if known.filled is None or (follower.filled is not None and follower.filled < known.filled):
        follower = replace(follower, filled=known.filled)
    return replace(
        state,
        followers=tuple(
            follower if each.name == follower.name else each for each in state.followers
        ),
    )


def _with_learner(state: PartitionState, node_id: str) -> PartitionState:
    try:
        descriptor = partition_descriptor.with_learner(state.descriptor, node_id)
    except ChangeRefused:
        return state
    return replace(state, descriptor=descriptor)


def _described(state: PartitionState, description: Table, stamp: int) -> PartitionState:
    """A description of another table that took the name does not fit, and is left aside."""
    if description.identifier != state.table.identifier:
        return state
    state = replace(state, description_epoch=state.description_epoch + 1)
    if state.is_of_index:
        return replace(state, table=description)
    return replace(
        state,
        table=description,
        shards=_shards_of(state, description, stamp),
        followers=_followers_of(state, description, stamp),
    )


def begun(state: PartitionState, stamp: int) -> PartitionState:
    """The first state of a partition: what its table has from the beginning needs no filling."""
    if state.is_of_index:
        return state
    described = _described(replace(state, shards=()), state.table, stamp)
    return replace(
        described,
        followers=tuple(replace(each, filled=None) for each in described.followers),
    )


def _shards_of(state: PartitionState, description: Table, stamp: int) -> Shards:
    """The shards when the stream is enabled or disabled by this description."""
    return stream_shards.described(
        state.shards,
        state.descriptor.partition_id,
        description.latest_stream_label,
        description.stream_view,
        stamp,
    )


def _followers_of(state: PartitionState, description: Table, stamp: int) -> tuple[Follower, ...]:
    """Those that stay, and new ones that have everything before them."""
    start = place_key(description.identifier, state.descriptor.range.start).hex()
    names = [
        index_follower(index.identifier)
        for index in description.global_indexes
        if index.status != "DELETING"
    ]
    kept = {each.name: each for each in state.followers}
    if description.expires_by is not None:
        names.append(EXPIRIES)
    if description.expires_by != state.table.expires_by:
        kept.pop(EXPIRIES, None)
    return tuple(kept.get(name) or Follower(name, stamp, start) for name in names)


def empties_expiries(before: PartitionState, after: PartitionState) -> bool:
    """Whether what the index by expiry holds must be gone before this change: it begins or ends.

    Entries of another attribute, or of writes that came in behind the index's end, are nobody's.
    """
    changed = before.table.expires_by != after.table.expires_by
    return changed and not before.is_of_index


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
