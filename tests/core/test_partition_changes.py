"""What a partition's log makes of it: splits, descriptions, members, cursors."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from partition_states import (
    INDEXED,
    MUSIC,
    STAMP,
    VOTERS,
    described,
    followed,
    members_of,
    split,
    streaming,
)
from stator_core.change_format import feed_bounds
from stator_core.entry_format import EntryKind, EntryRefused
from stator_core.key_format import HASH_SPACE
from stator_core.partition_changes import (
    Changed,
    apply_change,
    begun,
    configured,
    describe_body,
    empties_expiries,
    first_configuration,
    follow_body,
    learner_body,
    split_body,
    trim_body,
)
from stator_core.partition_descriptor import (
    HashRange,
    Joint,
    Replica,
    Role,
)
from stator_core.partition_state import (
    EXPIRIES,
    Follower,
    from_json,
    index_follower,
    place_key,
    to_json,
)
from stator_core.raft.messages import Configuration
from stator_core.stream_shards import partition_of
from stator_core.table import Table, TimeToLive

PLACES = st.integers(1, HASH_SPACE - 1)


def test_the_bodies_of_changes_never_change() -> None:
    assert trim_body(2**63) == b'{"until":9223372036854775808}'
    assert follow_body(Follower("index 4", 9, "00")) == (
        b'{"name":"index 4","delivered":9,"filled":"00"}'
    )
    assert split_body(2**63, 8) == b'{"at_hash":"08000000000000000","child_id":8}'
    assert learner_body("n4") == b'{"learner_on":"n4"}'


@given(PLACES)
def test_a_split_gives_every_key_to_exactly_one_half(at_hash: int) -> None:
    changed = split(MUSIC, at_hash)
    assert changed.child is not None
    halves = zip(changed.state.owned_ranges(), changed.child.owned_ranges(), strict=True)

    whole = [(left[0], left[1], right[2]) for left, right in halves if left[2] == right[1]]
    assert whole == MUSIC.owned_ranges()[:2], "items and local entries"
    assert [each[0] for each in MUSIC.owned_ranges()[2:]] == ["changes", "expiries"]
    assert changed.state.owned_ranges()[2:] == MUSIC.owned_ranges()[2:], "no record moves"


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
    assert split(half, 2**63) == Changed(half), "a second split at the same place"
    assert split(MUSIC, 100, child_id=7) == Changed(MUSIC), "a child with the parent's id"
    assert split(joint, 100) == Changed(joint), "while members change"


def test_a_stream_that_is_enabled_opens_a_shard_and_closes_it_when_disabled() -> None:
    first = described(MUSIC, streaming("one"), 10)
    same = described(first, replace(streaming("one"), deletion_protection=True), 20)
    ended = described(same, MUSIC.table, 30)
    other = described(ended, streaming("two", "KEYS_ONLY"), 40)

    assert [(s.label, s.view_type, s.start, s.end) for s in other.shards] == [
        ("one", "NEW_IMAGE", 10, 30),
        ("two", "KEYS_ONLY", 40, None),
    ]
    assert {partition_of(shard.shard_id) for shard in other.shards} == {7}
    assert from_json(to_json(other)) == other


def test_a_split_closes_the_shard_and_both_halves_go_on_from_it() -> None:
    changed = split(described(MUSIC, streaming("one"), 10), 2**63)
    assert changed.child is not None
    parent, left = changed.state.shards
    (right,) = changed.child.shards

    assert (parent.start, parent.end) == (10, STAMP)
    assert (left.parent_id, left.start, left.end) == (parent.shard_id, STAMP, None)
    assert (right.parent_id, right.start, right.end) == (parent.shard_id, STAMP, None)
    assert (partition_of(left.shard_id), partition_of(right.shard_id)) == (7, 8)
    assert changed.child.trimmed == STAMP, "what was before is the parent's"
    unstreamed = split(MUSIC, 2**63)
    assert unstreamed.child is not None and unstreamed.child.shards == ()


def test_a_shard_is_rolled_and_trimmed_when_all_of_it_is_gone() -> None:
    rolled = apply_change(described(MUSIC, streaming("one"), 10), EntryKind.ROLL, 50, b"{}").state
    assert [(s.start, s.end) for s in rolled.shards] == [(10, 50), (50, None)]
    assert rolled.shards[1].parent_id == rolled.shards[0].shard_id

    part = apply_change(rolled, EntryKind.TRIM, 60, trim_body(49)).state
    assert (part.trimmed, len(part.shards)) == (49, 2)
    whole = apply_change(part, EntryKind.TRIM, 60, trim_body(50)).state
    assert [s.start for s in whole.shards] == [50]
    assert apply_change(whole, EntryKind.TRIM, 60, trim_body(40)) == Changed(whole), "never back"
    feed = next(each for each in whole.content_ranges() if each[0] == "changes")
    assert feed == ("changes", *feed_bounds(7, 49))
    assert apply_change(MUSIC, EntryKind.ROLL, 50, b"{}") == Changed(MUSIC), "nothing to roll"


def test_an_index_of_a_new_table_needs_no_filling_and_one_that_is_added_does() -> None:
    name = index_follower(INDEXED.global_indexes[0].identifier)
    start = place_key(3, 0).hex()

    assert begun(replace(MUSIC, table=INDEXED), 0).followers == (Follower(name, 0),)
    added = described(MUSIC, INDEXED, 10)
    assert added.followers == (Follower(name, 10, start),)
    assert described(added, replace(INDEXED, deletion_protection=True), 20).followers == (
        Follower(name, 10, start),
    )
    going = replace(INDEXED.global_indexes[0], status="DELETING")
    assert described(added, replace(INDEXED, global_indexes=(going,)), 20).followers == ()


def test_a_cursor_goes_forward_only() -> None:
    added = described(MUSIC, INDEXED, 10)
    (new,) = added.followers
    half = place_key(3, 2**63).hex()

    filling = followed(added, Follower(new.name, 30, half))
    assert filling.followers == (Follower(new.name, 30, half),)
    assert followed(filling, Follower(new.name, 20, None)) == filling
    late = followed(filling, Follower(new.name, 40, new.filled))
    assert late.followers == (Follower(new.name, 40, half),), "an older place is no news"
    done = followed(filling, Follower(new.name, 40, None))
    assert done.followers == (Follower(new.name, 40),)
    assert followed(done, Follower(new.name, 50, half)).followers == (Follower(new.name, 50),)
    assert followed(MUSIC, Follower(new.name, 50)) == MUSIC, "nobody follows by that name"


def test_both_halves_of_a_split_go_on_filling_where_their_parent_was() -> None:
    added = described(MUSIC, INDEXED, 10)
    name = added.followers[0].name
    quarter, middle, last = (place_key(3, place).hex() for place in (2**62, 2**63, 3 * 2**62))

    def halves(filled: str | None) -> tuple[Follower, Follower]:
        changed = split(followed(added, Follower(name, 30, filled)), 2**63)
        assert changed.child is not None
        return changed.state.followers[0], changed.child.followers[0]

    assert halves(quarter) == (Follower(name, 30, quarter), Follower(name, STAMP, middle))
    assert halves(last) == (Follower(name, 30, None), Follower(name, STAMP, last))
    assert halves(None) == (Follower(name, 30, None), Follower(name, STAMP, None))


def test_the_right_half_makes_its_own_index_by_expiry() -> None:
    expiring = replace(MUSIC.table, time_to_live=TimeToLive("t", "ENABLED", 1.0))
    done = followed(described(MUSIC, expiring, 10), Follower(EXPIRIES, 10, None))
    changed = split(done, 2**63)
    assert changed.child is not None

    assert changed.state.followers == (Follower(EXPIRIES, 10, None),)
    assert changed.child.followers == (Follower(EXPIRIES, STAMP, place_key(3, 2**63).hex()),)


def test_another_attribute_makes_the_index_by_expiry_anew() -> None:
    """A partition may never hear of the moment in between, when there was none."""

    def ending_by(attribute: str, status: Any = "ENABLED") -> Table:
        return replace(MUSIC.table, time_to_live=TimeToLive(attribute, status, 1.0))

    enabled = described(MUSIC, ending_by("a"), 10)
    start = place_key(3, 0).hex()
    assert enabled.followers == (Follower(EXPIRIES, 10, start),)
    filled = followed(enabled, Follower(EXPIRIES, 10, None))
    same, other = described(filled, ending_by("a")), described(filled, ending_by("b"), 20)
    disabled = described(filled, ending_by("a", "DISABLED"))

    assert same.followers == filled.followers
    assert other.followers == (Follower(EXPIRIES, 20, start),)
    assert disabled.followers == ()
    pairs = [(MUSIC, enabled), (filled, same), (filled, other), (filled, disabled)]
    assert [empties_expiries(*pair) for pair in pairs] == [True, False, True, True]


def test_a_description_takes_the_place_of_the_old_one_unless_it_is_another_table_s() -> None:
    newer = replace(MUSIC.table, status="UPDATING")
    other = replace(MUSIC.table, identifier=4)

    described = apply_change(MUSIC, EntryKind.DESCRIBE, STAMP, describe_body(newer, 0))
    assert described == Changed(replace(MUSIC, table=newer, description_epoch=1))
    assert apply_change(MUSIC, EntryKind.DESCRIBE, STAMP, describe_body(other, 0)) == Changed(MUSIC)


def test_a_description_that_comes_late_is_left_aside() -> None:
    first, second = (replace(MUSIC.table, status=status) for status in ("UPDATING", "ACTIVE"))
    twice = described(described(MUSIC, first), second)

    for epoch in (0, 1, 3):
        late = apply_change(twice, EntryKind.DESCRIBE, STAMP, describe_body(first, epoch))
        assert late == Changed(twice)
    assert split(twice, 2**63).child is not None
    assert all(
        each is not None and each.description_epoch == 2
        for each in (split(twice, 2**63).state, split(twice, 2**63).child)
    )


def test_a_learner_is_named_once_and_becomes_a_voter_by_the_configuration_alone() -> None:
    named = apply_change(MUSIC, EntryKind.CONFIGURE, STAMP, learner_body("n4")).state
    again = apply_change(named, EntryKind.CONFIGURE, STAMP, learner_body("n4"))
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
    named = apply_change(MUSIC, EntryKind.CONFIGURE, STAMP, learner_body("n4")).state
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
    assume(not (kind is EntryKind.ROLL and body.strip() == b"{}"))
    with pytest.raises(EntryRefused):
        apply_change(MUSIC, kind, STAMP, body)


@pytest.mark.parametrize(
    "kind, body",
    [
        (EntryKind.SPLIT, b'{"at_hash":5,"child_id":8}'),
        (EntryKind.SPLIT, b'{"at_hash":"x","child_id":8}'),
        (EntryKind.SPLIT, b'{"at_hash":"05"}'),
        (EntryKind.DESCRIBE, b'{"epoch":0,"table":{"descriptor_version":99}}'),
        (EntryKind.DESCRIBE, b'{"descriptor_version":1}'),
        (EntryKind.DESCRIBE, b"[]"),
        (EntryKind.CONFIGURE, b"{}"),
        (EntryKind.MERGE, b"{}"),
        (EntryKind.TRIM, b"{}"),
        (EntryKind.ROLL, b'{"at":5}'),
        (EntryKind.FOLLOW, b'{"name":"index 4"}'),
        (EntryKind.FOLLOW, b'{"name":"index 4","delivered":"9","filled":null}'),
        (EntryKind.WRITES, b"{}"),
    ],
)
def test_a_change_of_a_newer_version_is_refused(kind: EntryKind, body: bytes) -> None:
    with pytest.raises(EntryRefused, match=kind.name):
        apply_change(MUSIC, kind, STAMP, body)
