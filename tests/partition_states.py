"""A partition's state to begin with, and what the tests do to it."""

from __future__ import annotations

from dataclasses import replace

from stator_core.entry_format import EntryKind
from stator_core.partition_changes import (
    Changed,
    apply_change,
    describe_body,
    follow_body,
    split_body,
)
from stator_core.partition_descriptor import WHOLE_SPACE, new_partition
from stator_core.partition_state import Follower, PartitionState
from stator_core.raft.messages import Configuration
from stator_core.requests import create_table
from stator_core.table import StreamSpecification, Table
from table_bodies import attributes, create_body, index


def table_of(identifier: int = 3, **members: object) -> Table:
    request = create_table.parse(create_body(**members))
    numbers = iter(range(identifier, identifier + 10))
    return request.table(numbers, "id", 1.0, "eu-west-2", "123456789012")


MUSIC = PartitionState(new_partition(7, "Music", 3, WHOLE_SPACE, ("n1", "n2", "n3")), table_of())
STAMP = 1_000
INDEXED = table_of(
    AttributeDefinitions=attributes(pk="S", g="S"),
    GlobalSecondaryIndexes=[index("ByG", "g")],
)
VOTERS = Configuration(frozenset((1, 2, 3)))


def split(state: PartitionState, at_hash: int, child_id: int = 8) -> Changed:
    return apply_change(state, EntryKind.SPLIT, STAMP, split_body(at_hash, child_id))


def described(state: PartitionState, table: Table, stamp: int = STAMP) -> PartitionState:
    body = describe_body(table, state.description_epoch)
    return apply_change(state, EntryKind.DESCRIBE, stamp, body).state


def followed(state: PartitionState, follower: Follower) -> PartitionState:
    return apply_change(state, EntryKind.FOLLOW, STAMP, follow_body(follower)).state


def streaming(label: str, view_type: str = "NEW_IMAGE") -> Table:
    stream = StreamSpecification(True, view_type)
    return replace(MUSIC.table, stream=stream, latest_stream_label=label)


def members_of(state: PartitionState) -> list[tuple[int, str, str]]:
    return [(r.replica_id, r.node_id, r.role.name) for r in state.descriptor.replicas]
