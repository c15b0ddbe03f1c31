"""Partition descriptors: every change keeps every hash once, and every epoch grows."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stator_core.key_format import HASH_SPACE
from stator_core.partition_descriptor import (
    WHOLE_SPACE,
    ChangeRefused,
    DescriptorFromTheFuture,
    DescriptorRefused,
    Epochs,
    Generation,
    HashRange,
    Joint,
    PartitionDescriptor,
    Replica,
    Role,
    entering_joint,
    from_json,
    leaving_joint,
    merge,
    new_partition,
    split,
    to_json,
    with_learner,
    without_replica,
)

MUSIC = new_partition(7, "Music", 3, WHOLE_SPACE, ("n1", "n2", "n3"))
places = st.integers(0, HASH_SPACE - 1)


def test_the_whole_space_ends_at_two_to_the_64() -> None:
    assert WHOLE_SPACE.end == 2**64
    assert HASH_SPACE - 1 in WHOLE_SPACE
    assert HASH_SPACE not in WHOLE_SPACE


@pytest.mark.parametrize("start, end", [(5, 5), (6, 5), (-1, 5), (0, HASH_SPACE + 1)])
def test_an_empty_or_outlandish_range_is_refused(start: int, end: int) -> None:
    with pytest.raises(DescriptorRefused):
        HashRange(start, end)


@given(st.integers(1, HASH_SPACE - 1), places)
def test_a_split_keeps_every_hash_exactly_once(at_hash: int, place: int) -> None:
    left, right = split(MUSIC, at_hash, child_id=8)

    assert (place in left.range) != (place in right.range)
    assert left.range.end == right.range.start == at_hash


def test_a_split_names_its_lineage_and_both_halves_are_newer_than_the_parent() -> None:
    left, right = split(MUSIC, 100, child_id=8)

    assert (left.partition_id, right.partition_id) == (7, 8)
    assert left.is_newer_than(MUSIC)
    assert right.is_newer_than(MUSIC)
    assert (left.parent_id, right.parent_id) == (None, 7)
    assert left.parents == right.parents == (Generation(7, 1),)
    assert right.replicas == MUSIC.replicas
    assert right.next_replica_id == MUSIC.next_replica_id


@pytest.mark.parametrize("at_hash, child_id", [(0, 8), (HASH_SPACE, 8), (100, 7)])
def test_a_split_that_cuts_nothing_is_refused(at_hash: int, child_id: int) -> None:
    with pytest.raises(ChangeRefused):
        split(MUSIC, at_hash, child_id)


@given(st.integers(1, HASH_SPACE - 1))
def test_a_merge_undoes_a_split_in_the_ranges_and_goes_on_in_the_epochs(at_hash: int) -> None:
    left, right = split(MUSIC, at_hash, child_id=8)
    merged = merge(left, right)

    assert merged.range == MUSIC.range
    assert merged.partition_id == 7
    assert merged.is_newer_than(left)
    assert merged.is_newer_than(right)
    assert merged.parents == (Generation(7, 2), Generation(8, 2))


def test_only_neighbours_in_order_with_the_same_quiet_members_merge() -> None:
    left, right = split(MUSIC, 100, child_id=8)
    elsewhere = new_partition(8, "Music", 3, right.range, ("n1", "n2", "n4"))
    other_table = replace(right, table_identifier=4)
    learning = with_learner(right, "n4")

    for first, second in [
        (right, left),
        (left, elsewhere),
        (left, other_table),
        (left, learning),
        (left, entering_joint(learning, 4, 1)),
    ]:
        with pytest.raises(ChangeRefused):
            merge(first, second)


def test_a_replica_moves_by_learner_joint_configuration_and_end_of_it() -> None:
    learning = with_learner(MUSIC, "n4")
    joint = entering_joint(learning, promoted=4, removed=1)
    moved = leaving_joint(joint)

    assert learning.learners == (Replica(4, "n4", Role.LEARNER),)
    assert joint.joint == Joint(frozenset({2, 3, 4}), frozenset({1, 2, 3}))
    assert len(joint.voters) == 4
    assert moved.node_ids == {"n2", "n3", "n4"}
    assert [d.epochs for d in (MUSIC, learning, joint, moved)] == [
        Epochs(1, 1),
        Epochs(1, 2),
        Epochs(1, 3),
        Epochs(1, 4),
    ]


def test_a_replica_id_is_never_used_again() -> None:
    gone = without_replica(with_learner(MUSIC, "n4"), 4)
    back = with_learner(gone, "n4")

    assert back.learners == (Replica(5, "n4", Role.LEARNER),)


def test_membership_changes_that_do_not_fit_are_refused() -> None:
    learning = with_learner(MUSIC, "n4")
    joint = entering_joint(learning, 4, 1)
    lone = new_partition(9, "Music", 3, WHOLE_SPACE, ("n1",))

    for change in (
        lambda: with_learner(MUSIC, "n1"),
        lambda: with_learner(joint, "n5"),
        lambda: entering_joint(MUSIC, 1, None),
        lambda: entering_joint(learning, 4, 9),
        lambda: entering_joint(joint, 4, None),
        lambda: leaving_joint(MUSIC),
        lambda: without_replica(MUSIC, 9),
        lambda: without_replica(joint, 1),
        lambda: without_replica(lone, 1),
        lambda: split(joint, 100, 8),
    ):
        with pytest.raises(ChangeRefused):
            change()


@pytest.mark.parametrize(
    "changes",
    [
        {"replicas": (Replica(1, "n1"), Replica(2, "n1"))},
        {"replicas": (Replica(2, "n1"), Replica(1, "n2"))},
        {"replicas": (Replica(1, "n1", Role.LEARNER),)},
        {"replicas": ()},
        {"next_replica_id": 3},
        {"joint": Joint(frozenset({1}), frozenset({2}))},
        {"range_epoch": 0},
    ],
)
def test_a_descriptor_that_cannot_be_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(DescriptorRefused):
        replace(MUSIC, **changes)  # type: ignore[arg-type]


def test_the_stored_form_is_version_1_to_the_letter() -> None:
    _, child = split(with_learner(MUSIC, "n4"), 2**63, child_id=8)

    assert json.dumps(to_json(child)) == (
        '{"version": 1, "partition_id": 8, "table_name": "Music", "table_identifier": 3, '
        '"range": ["08000000000000000", "10000000000000000"], "range_epoch": 2, '
        '"members_epoch": 2, "replicas": [[1, "n1", "VOTER"], [2, "n2", "VOTER"], '
        '[3, "n3", "VOTER"], [4, "n4", "LEARNER"]], "next_replica_id": 5, "joint": null, '
        '"parent_id": 7, "parents": [[7, 1]]}'
    )


@given(st.lists(st.integers(1, HASH_SPACE - 1), unique=True, max_size=4), st.booleans())
def test_what_is_written_is_read_back(cuts: list[int], joint: bool) -> None:
    descriptor: PartitionDescriptor = MUSIC
    for child_id, at_hash in enumerate(sorted(cuts), 8):
        _, descriptor = split(descriptor, at_hash, child_id)
    descriptor = with_learner(descriptor, "n4")
    if joint:
        descriptor = entering_joint(descriptor, 4, 2)

    assert from_json(json.loads(json.dumps(to_json(descriptor)))) == descriptor


def test_a_descriptor_from_the_future_is_refused_by_name() -> None:
    with pytest.raises(DescriptorFromTheFuture, match="version 2, this code reads up to 1"):
        from_json(to_json(MUSIC) | {"version": 2})


@pytest.mark.parametrize(
    "broken",
    [
        None,
        [],
        {},
        to_json(MUSIC) | {"version": "1"},
        to_json(MUSIC) | {"version": True},
        to_json(MUSIC) | {"version": 0},
        to_json(MUSIC) | {"range": ["0"]},
        to_json(MUSIC) | {"range": ["0", "zz"]},
        to_json(MUSIC) | {"range": [0, 1]},
        to_json(MUSIC) | {"partition_id": "7"},
        to_json(MUSIC) | {"partition_id": -7},
        to_json(MUSIC) | {"table_name": 7},
        to_json(MUSIC) | {"replicas": [[1, "n1", "OWNER"]]},
        to_json(MUSIC) | {"replicas": 7},
        to_json(MUSIC) | {"joint": [[1]]},
        to_json(MUSIC) | {"joint": [[True], [2]]},
        to_json(MUSIC) | {"parents": [7]},
        {name: value for name, value in to_json(MUSIC).items() if name != "joint"},
    ],
)
def test_bytes_that_are_no_descriptor_are_refused(broken: object) -> None:
    with pytest.raises(DescriptorRefused):
        from_json(broken)
