"""What a partition's log makes of it: splits, descriptions, members, and the keys that it owns."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stator_core import partition_state
from stator_core.entry_format import EntryKind, EntryRefused
from stator_core.key_format import HASH_SPACE
from stator_core.partition_descriptor import (
    WHOLE_SPACE,
    HashRange,
    Joint,
    Replica,
    Role,
    new_partition,
)
from stator_core.partition_state import (
    Changed,
    PartitionState,
    apply_change,
    configured,
    describe_body,
    first_configuration,
    from_json,
    learner_body,
    place_key,
    split_body,
    to_json,
)
from stator_core.raft.messages import Configuration
from stator_core.requests import create_table
from stator_core.table import Table
from table_bodies import attributes, create_body, index

PLACES = st.integers(1, HASH_SPACE - 1)


def table_of(identifier: int = 3, **members: object) -> Table:
    request = create_table.parse(create_body(**members))
    numbers = iter(range(identifier, identifier + 10))
    return request.table(numbers, "id", 1.0, "eu-west-2", "123456789012")


MUSIC = PartitionState(new_partition(7, "Music", 3, WHOLE_SPACE, ("n1", "n2", "n3")), table_of())
VOTERS = Configuration(frozenset((1, 2, 3)))


def split(state: PartitionState, at_hash: int, child_id: int = 8) -> Changed:
    return apply_change(state, EntryKind.SPLIT, split_body(at_hash, child_id))


def members_of(state: PartitionState) -> list[tuple[int, str, str]]:
    return [(r.replica_id, r.node_id, r.role.name) for r in state.descriptor.replicas]


def test_a_state_comes_back_as_it_was_stored() -> None:
    learning = apply_change(MUSIC, EntryKind.CONFIGURE, learner_body("n4")).state

    for state in (MUSIC, learning, split(MUSIC, 2**63).state):
        assert from_json(to_json(state)) == state


@pytest.mark.parametrize(
    "stored",
    [b"", b"[]", b"null", b"{}", b'{"version":2}', b'{"version":1}', b'{"version":1,"table":[]}'],
)
def test_bytes_that_are_no_state_are_refused(stored: bytes) -> None:
    with pytest.raises(ValueError):
        from_json(stored)


@given(st.integers(min_value=0), st.integers(1, 255))
def test_a_damaged_state_is_refused_or_another_state_and_nothing_else(
    position: int, flip: int
) -> None:
    stored = bytearray(to_json(MUSIC))
    stored[position % len(stored)] ^= flip
    try:
        from_json(bytes(stored))
    except ValueError:
        return


def test_the_bodies_of_changes_never_change() -> None:
    assert split_body(2**63, 8) == b'{"at_hash":"08000000000000000","child_id":8}'
    assert learner_body("n4") == b'{"learner_on":"n4"}'


@given(PLACES)
def test_a_split_gives_every_key_to_exactly_one_half(at_hash: int) -> None:
    changed = split(MUSIC, at_hash)
    assert changed.child is not None
    halves = zip(changed.state.owned_ranges(), changed.child.owned_ranges(), strict=True)

    whole = [(left[0], left[1], right[2]) for left, right in halves if left[2] == right[1]]
    assert whole == MUSIC.owned_ranges()


def test_a_child_has_the_table_and_the_members_of_its_parent() -> None:
    changed = split(MUSIC, 2**63)
    assert changed.child is not None

    assert changed.child.table == MUSIC.table
    assert changed.child.descriptor.partition_id == 8
    assert changed.child.descriptor.parent_id == 7
    assert first_configuration(changed.child.descriptor) == VOTERS
    assert changed.state.descriptor.range == HashRange(0, 2**63)
    assert changed.child.descriptor.range == HashRange(2**63, HASH_SPACE)


def test_a_split_that_does_not_fit_changes_nothing() -> None:
    half = split(MUSIC, 2**63).state
    joint = configured(MUSIC, VOTERS, Configuration(frozenset((1, 2)), frozenset((1, 2, 3))))
    indexed = replace(
        MUSIC,
        table=table_of(
            AttributeDefinitions=attributes(pk="S", g="S"),
            GlobalSecondaryIndexes=[index("ByG", "g")],
        ),
    )

    assert split(half, 2**63) == Changed(half), "a second split at the same place"
    assert split(MUSIC, 100, child_id=7) == Changed(MUSIC), "a child with the parent's id"
    assert split(joint, 100) == Changed(joint), "while members change"
    assert split(indexed, 100) == Changed(indexed), "a table with a global index stays whole"


def test_a_partition_owns_the_entries_of_its_table_s_global_indexes() -> None:
    table = table_of(
        AttributeDefinitions=attributes(pk="S", g="S"),
        GlobalSecondaryIndexes=[index("ByG", "g")],
    )
    owned = replace(MUSIC, table=table).owned_ranges()
    identifiers = {int.from_bytes(start, "big") >> 64 for _, start, _ in owned}

    assert identifiers == {3, table.global_indexes[0].identifier}


def test_the_end_of_the_hash_space_is_the_next_table() -> None:
    assert place_key(3, 0) == bytes.fromhex("00000003 0000000000000000")
    assert place_key(3, HASH_SPACE) == bytes.fromhex("00000004")


def test_a_description_takes_the_place_of_the_old_one_unless_it_is_another_table_s() -> None:
    newer = replace(MUSIC.table, status="UPDATING")
    other = replace(MUSIC.table, identifier=4)

    described = apply_change(MUSIC, EntryKind.DESCRIBE, describe_body(newer))
    assert described == Changed(replace(MUSIC, table=newer))
    assert apply_change(MUSIC, EntryKind.DESCRIBE, describe_body(other)) == Changed(MUSIC)


def test_a_learner_is_named_once_and_becomes_a_voter_by_the_configuration_alone() -> None:
    named = apply_change(MUSIC, EntryKind.CONFIGURE, learner_body("n4")).state
    again = apply_change(named, EntryKind.CONFIGURE, learner_body("n4"))
    assert again == Changed(named)
    assert members_of(named)[3] == (4, "n4", "LEARNER")

    learning = Configuration(VOTERS.voters, learners=frozenset((4,)))
    added = configured(named, VOTERS, learning)
    assert members_of(added) == members_of(named)
    joint = Configuration(frozenset((2, 3, 4)), VOTERS.voters, auto_leave=True)
    moving = configured(added, learning, joint)
    assert members_of(moving)[3] == (4, "n4", "VOTER")
    assert moving.descriptor.joint == Joint(joint.voters, joint.voters_outgoing)
    moved = configured(moving, joint, Configuration(joint.voters))
    assert [member[0] for member in members_of(moved)] == [2, 3, 4]
    assert moved.descriptor.joint is None
    assert moved.descriptor.members_epoch == moving.descriptor.members_epoch + 1


def test_a_replica_that_is_only_named_outlives_other_membership_changes() -> None:
    named = apply_change(MUSIC, EntryKind.CONFIGURE, learner_body("n4")).state
    after = configured(named, VOTERS, Configuration(frozenset((1, 2))))

    assert members_of(after) == [(1, "n1", "VOTER"), (2, "n2", "VOTER"), (4, "n4", "LEARNER")]


def test_a_configuration_that_says_nothing_new_is_no_new_state() -> None:
    assert configured(MUSIC, VOTERS, VOTERS) is MUSIC


def test_the_first_configuration_has_voters_and_learners_apart() -> None:
    replicas = (Replica(1, "n1"), Replica(2, "n2", Role.LEARNER))
    descriptor = replace(MUSIC.descriptor, replicas=replicas)

    expected = Configuration(frozenset((1,)), learners=frozenset((2,)))
    assert first_configuration(descriptor) == expected


@pytest.mark.parametrize("kind", EntryKind)
@given(body=st.binary(max_size=40))
def test_a_body_that_this_version_cannot_read_is_never_passed_over(
    kind: EntryKind, body: bytes
) -> None:
    with pytest.raises(EntryRefused):
        apply_change(MUSIC, kind, body)


@pytest.mark.parametrize(
    "kind, body",
    [
        (EntryKind.SPLIT, b'{"at_hash":5,"child_id":8}'),
        (EntryKind.SPLIT, b'{"at_hash":"x","child_id":8}'),
        (EntryKind.SPLIT, b'{"at_hash":"05"}'),
        (EntryKind.DESCRIBE, b'{"descriptor_version":99}'),
        (EntryKind.DESCRIBE, b"[]"),
        (EntryKind.CONFIGURE, b"{}"),
        (EntryKind.MERGE, b"{}"),
        (EntryKind.WRITES, b"{}"),
    ],
)
def test_a_change_of_a_newer_version_is_refused(kind: EntryKind, body: bytes) -> None:
    with pytest.raises(EntryRefused, match=kind.name):
        apply_change(MUSIC, kind, body)


def test_the_state_s_version_is_written() -> None:
    assert b'"version":1' in to_json(MUSIC)
    assert partition_state.STATE_VERSION == 1
