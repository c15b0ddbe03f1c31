"""Two neighbours become one: who freezes, who takes over, and what keeps them apart."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from partition_states import INDEXED, MUSIC, STAMP, VOTERS, described, followed, split, streaming
from stator_core import partition_merge
from stator_core.entry_format import EntryKind, EntryRefused
from stator_core.partition_changes import (
    MERGING,
    Changed,
    apply_change,
    begun,
    configured,
    describe_body,
    learner_body,
    split_body,
    trim_body,
)
from stator_core.partition_descriptor import ChangeRefused, Generation, Role
from stator_core.partition_merge import freeze_body, merge_body, refuse_body, thaw_body
from stator_core.partition_state import (
    EXPIRIES,
    Follower,
    PartitionState,
    from_json,
    index_follower,
    place_key,
    to_json,
)
from stator_core.raft.messages import Configuration
from stator_core.table import TimeToLive

MIDDLE = 1 << 63


def halves(whole: PartitionState = MUSIC) -> tuple[PartitionState, PartitionState]:
    changed = split(whole, MIDDLE)
    assert changed.child is not None
    return changed.state, changed.child


def change(state: PartitionState, kind: EntryKind, body: bytes, stamp: int = STAMP) -> Changed:
    return apply_change(state, kind, stamp, body)


def freeze(state: PartitionState, left: PartitionState) -> PartitionState:
    body = freeze_body(left.descriptor.generation, state.descriptor.range_epoch)
    return change(state, EntryKind.FREEZE, body).state


LEFT, RIGHT = halves()
FROZEN = freeze(RIGHT, LEFT)


def test_the_bodies_of_changes_never_change() -> None:
    assert freeze_body(Generation(7, 3), 4) == b'{"left":[7,3],"range_epoch":4}'
    assert thaw_body(Generation(7, 3)) == b'{"left":[7,3]}'
    assert refuse_body(4) == b'{"range_epoch":4}'
    assert merge_body(FROZEN).startswith(b'{"right":"{\\"version\\":2,')


def test_halves_become_the_whole_again_and_remember_it() -> None:
    merged = change(LEFT, EntryKind.MERGE, merge_body(FROZEN), STAMP + 9)

    assert merged.absorbed == FROZEN
    after = merged.state
    assert after.owned_ranges()[:2] == MUSIC.owned_ranges()[:2]
    assert after.absorbed == {8}
    assert after.descriptor.range_epoch > max(
        LEFT.descriptor.range_epoch, RIGHT.descriptor.range_epoch
    )
    assert after.descriptor.parents == (LEFT.descriptor.generation, RIGHT.descriptor.generation)
    assert after.descriptor.replicas == LEFT.descriptor.replicas


def test_states_of_merges_come_back_as_they_were_stored_and_older_code_refuses_them() -> None:
    merged = change(LEFT, EntryKind.MERGE, merge_body(FROZEN)).state

    for state in (FROZEN, merged, freeze(RIGHT, merged)):
        assert from_json(to_json(state)) == state
        assert b'"version":2' in to_json(state)
    assert b'"version":1' in to_json(LEFT)


def test_who_is_absorbed_is_known_to_both_halves_and_to_who_absorbs_them() -> None:
    merged = change(LEFT, EntryKind.MERGE, merge_body(FROZEN)).state
    left, right = split(merged, MIDDLE // 2, 9).state, split(merged, MIDDLE // 2, 9).child
    assert right is not None

    assert left.absorbed == right.absorbed == {8}
    again = change(left, EntryKind.MERGE, merge_body(freeze(right, left))).state
    assert again.absorbed == {8, 9}


@given(st.integers(1, 2**64 - 1))
def test_a_merge_takes_back_any_split(at_hash: int) -> None:
    changed = split(MUSIC, at_hash)
    assert changed.child is not None
    frozen = freeze(changed.child, changed.state)
    merged = change(changed.state, EntryKind.MERGE, merge_body(frozen)).state

    assert merged.owned_ranges() == MUSIC.owned_ranges()


def test_a_frozen_partition_changes_nothing_but_its_cursors() -> None:
    for kind, body in (
        (EntryKind.SPLIT, split_body(MIDDLE + 9, 9)),
        (EntryKind.DESCRIBE, describe_body(streaming("one"), 0)),
        (EntryKind.CONFIGURE, learner_body("n4")),
        (EntryKind.ROLL, b"{}"),
        (EntryKind.FREEZE, freeze_body(LEFT.descriptor.generation, 2)),
        (EntryKind.MERGE, merge_body(FROZEN)),
    ):
        assert change(FROZEN, kind, body) == Changed(FROZEN), kind.name
    assert change(FROZEN, EntryKind.TRIM, trim_body(STAMP + 1)).state.trimmed == STAMP + 1
    left, right = halves(begun(replace(MUSIC, table=INDEXED), STAMP))
    moved = Follower(index_follower(4), STAMP + 5)
    assert followed(freeze(right, left), moved).follower(moved.name) == moved


@pytest.mark.parametrize(
    "right",
    [
        described(RIGHT, streaming("one")),
        change(RIGHT, EntryKind.CONFIGURE, learner_body("n4")).state,
        configured(RIGHT, VOTERS, Configuration(frozenset((1, 2)), frozenset((1, 2, 3)))),
        described(RIGHT, INDEXED),
        FROZEN,
    ],
    ids=["has a stream", "gets a learner", "is in a joint configuration", "fills", "is frozen"],
)
def test_what_cannot_merge_does_not_freeze(right: PartitionState) -> None:
    body = freeze_body(LEFT.descriptor.generation, right.descriptor.range_epoch)
    assert change(right, EntryKind.FREEZE, body) == Changed(right)


def test_a_freeze_that_was_planned_for_another_range_comes_late() -> None:
    body = freeze_body(LEFT.descriptor.generation, RIGHT.descriptor.range_epoch - 1)
    assert change(RIGHT, EntryKind.FREEZE, body) == Changed(RIGHT)


def moved(state: PartitionState, node_id: str) -> PartitionState:
    """One replica has gone to another node."""
    first, *rest = state.descriptor.replicas
    replicas = (replace(first, node_id=node_id), *rest)
    return replace(state, descriptor=replace(state.descriptor, replicas=replicas))


@pytest.mark.parametrize(
    "left",
    [
        freeze(LEFT, replace(RIGHT, descriptor=replace(RIGHT.descriptor, partition_id=6))),
        described(LEFT, streaming("one")),
        described(LEFT, LEFT.table.changed(deletion_protection=True)),
        change(LEFT, EntryKind.CONFIGURE, learner_body("n4")).state,
        moved(LEFT, "n4"),
        split(LEFT, MIDDLE // 2, 9).state,
    ],
    ids=[
        "is frozen",
        "has a stream",
        "is described otherwise",
        "gets a learner",
        "lies elsewhere",
        "ends elsewhere",
    ],
)
def test_who_is_not_as_it_must_be_takes_nothing_over(left: PartitionState) -> None:
    """Even where it is the very one that the right one is frozen for."""
    frozen = replace(FROZEN, frozen_for=left.descriptor.generation)
    assert change(left, EntryKind.MERGE, merge_body(frozen)) == Changed(left)


def test_another_epoch_than_was_meant_takes_nothing_over() -> None:
    epoch = LEFT.descriptor.range_epoch
    refused = change(LEFT, EntryKind.REFUSE_MERGE, refuse_body(epoch)).state

    assert change(refused, EntryKind.MERGE, merge_body(FROZEN)) == Changed(refused)


def test_a_partition_serves_again_under_another_epoch_once() -> None:
    left = LEFT.descriptor.generation
    thawed = change(FROZEN, EntryKind.THAW, thaw_body(left))

    assert thawed.state.frozen_for is None
    assert thawed.state.descriptor.range_epoch == RIGHT.descriptor.range_epoch + 1
    assert change(thawed.state, EntryKind.THAW, thaw_body(left)) == thawed
    other = Generation(left.partition_id, left.range_epoch + 1)
    assert change(FROZEN, EntryKind.THAW, thaw_body(other)) == Changed(FROZEN)


def test_an_epoch_is_refused_once() -> None:
    epoch = LEFT.descriptor.range_epoch
    refused = change(LEFT, EntryKind.REFUSE_MERGE, refuse_body(epoch))

    assert refused.state.descriptor.range_epoch == epoch + 1
    assert change(refused.state, EntryKind.REFUSE_MERGE, refuse_body(epoch)) == refused


def test_the_index_by_expiry_is_made_anew_for_what_the_right_one_held() -> None:
    ends = TimeToLive("ends", "ENABLED", 1.0)
    state = begun(replace(MUSIC, table=MUSIC.table.changed(time_to_live=ends)), STAMP)
    left, right = halves(state)
    merged = change(left, EntryKind.MERGE, merge_body(freeze(right, left)), STAMP + 9).state

    border = place_key(3, MIDDLE).hex()
    assert merged.followers == (Follower(EXPIRIES, STAMP + 9, border),)
    behind = Follower(EXPIRIES, STAMP, place_key(3, 5).hex())
    left = replace(left, followers=(behind,))
    merged = change(left, EntryKind.MERGE, merge_body(freeze(right, left)), STAMP + 9).state
    assert merged.followers == (behind,), "it comes to the right one's items anyway"


def test_of_an_index_the_left_cursor_stays() -> None:
    left, right = halves(begun(replace(MUSIC, table=INDEXED), STAMP))
    cursor = Follower(index_follower(4), STAMP + 3)
    left = followed(left, cursor)
    merged = change(left, EntryKind.MERGE, merge_body(freeze(right, left)), STAMP + 9).state

    assert merged.followers == (cursor,)
    assert merged.descriptor.voters == left.descriptor.voters
    assert all(each.role is Role.VOTER for each in merged.descriptor.replicas)


def test_refusals_say_why() -> None:
    with pytest.raises(ChangeRefused, match="a partition with a stream does not merge"):
        partition_merge.frozen(described(RIGHT, streaming("one")), LEFT.descriptor.generation, 2)
    with pytest.raises(ChangeRefused, match="planned for epoch 1 of the range"):
        partition_merge.refused(LEFT, 1)
    with pytest.raises(ChangeRefused, match="it is frozen for"):
        partition_merge.merged(FROZEN, FROZEN, STAMP)


@given(st.sampled_from(sorted(MERGING)), st.binary(max_size=60))
def test_a_body_that_cannot_be_read_is_never_passed_over(kind: EntryKind, body: bytes) -> None:
    with pytest.raises(EntryRefused):
        change(LEFT, kind, body)
