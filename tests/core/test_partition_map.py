"""The partition map: whatever order news comes in, the map says the same."""

from __future__ import annotations

import json
import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stator_core.key_format import HASH_SPACE
from stator_core.partition_descriptor import (
    WHOLE_SPACE,
    entering_joint,
    new_partition,
    with_learner,
)
from stator_core.partition_descriptor import leaving_joint as after_joint
from stator_core.partition_map import (
    DescriptorFromTheFuture,
    DescriptorRefused,
    HashRange,
    LeaderHint,
    LeaderHints,
    PartitionDescriptor,
    PartitionMap,
    PartitionReport,
    from_json,
    from_reports,
    merge,
    split,
    to_json,
)

MUSIC = new_partition(7, "Music", 3, WHOLE_SPACE, ("n1", "n2", "n3"))
EMPTY = PartitionMap(3)


def history(seed: int, steps: int) -> tuple[list[PartitionDescriptor], list[PartitionDescriptor]]:
    """Every descriptor of a table that splits, merges and moves; and those true at last."""
    chance = random.Random(seed)
    current = [MUSIC]
    ever = [MUSIC]
    for child_id in range(8, 8 + steps):
        index = chance.randrange(len(current))
        chosen = current[index]
        neighbour = current[index + 1] if index + 1 < len(current) else None
        match chance.choice(["split", "split", "merge", "move"]):
            case "split" if chosen.range.end - chosen.range.start > 1:
                at_hash = chance.randrange(chosen.range.start + 1, chosen.range.end)
                current[index : index + 1] = split(chosen, at_hash, child_id)
                ever += current[index : index + 2]
            case "merge" if neighbour is not None and neighbour.node_ids == chosen.node_ids:
                current[index : index + 2] = [merge(chosen, neighbour)]
                ever.append(current[index])
            case "move":
                learning = with_learner(chosen, f"n{child_id}")
                joint = entering_joint(learning, learning.learners[0].replica_id, None)
                current[index] = after_joint(joint)
                ever += [learning, joint, current[index]]
    return ever, current


def told(descriptors: list[PartitionDescriptor]) -> PartitionMap:
    result = EMPTY
    for descriptor in descriptors:
        result = result.updated(descriptor)
    return result


def test_an_empty_map_knows_nothing_and_says_so() -> None:
    assert EMPTY.partition_of(5) is None
    assert EMPTY.partitions_of(0, HASH_SPACE) == ()
    assert EMPTY.gaps() == (WHOLE_SPACE,)


def test_a_hash_is_found_at_both_ends_of_its_range() -> None:
    left, right = split(MUSIC, 100, 8)
    known = told([left, right])

    assert known.partition_of(0) == known.partition_of(99) == left
    assert known.partition_of(100) == known.partition_of(HASH_SPACE - 1) == right
    assert known.partitions_of(50, 101) == (left, right)
    assert known.partitions_of(100, 101) == (right,)
    assert known.partitions_of(0, 100) == (left,)
    assert known.gaps() == ()


def test_a_half_known_split_guesses_the_parent_and_calls_it_a_gap() -> None:
    left, right = split(MUSIC, 100, 8)
    half_known = told([MUSIC, left])

    assert half_known.partition_of(200) == MUSIC
    assert half_known.partitions == (left,)
    assert half_known.gaps() == (HashRange(100, HASH_SPACE),)
    assert half_known.updated(right) == told([left, right])


def test_old_news_changes_nothing() -> None:
    left, right = split(MUSIC, 100, 8)
    known = told([left, right])

    assert known.updated(MUSIC) is known
    assert known.updated(left) is known


def test_a_merge_takes_the_place_of_both_sides() -> None:
    left, right = split(MUSIC, 100, 8)
    merged = merge(left, right)

    assert told([left, right, merged]).partitions == (merged,)
    assert told([merged, right, left]).partitions == (merged,)


@settings(max_examples=60)
@given(st.integers(0, 10_000), st.integers(0, 14), st.integers(0, 10_000))
def test_any_order_of_the_news_leads_to_the_same_map(seed: int, steps: int, order: int) -> None:
    ever, current = history(seed, steps)
    shuffled = list(ever)
    random.Random(order).shuffle(shuffled)

    assert told(shuffled) == told(ever) == told([*ever, *shuffled])
    assert told(shuffled).partitions == tuple(current)
    assert told(shuffled).gaps() == ()


@settings(max_examples=60)
@given(st.integers(0, 10_000), st.integers(1, 14), st.data())
def test_each_hash_has_the_newest_of_what_was_told(seed: int, steps: int, data) -> None:
    ever, _ = history(seed, steps)
    heard = data.draw(st.lists(st.sampled_from(ever)))
    edges = sorted({edge for d in ever for edge in (d.range.start, d.range.end)} - {HASH_SPACE})
    known = told(heard)

    for place in edges:
        holding = [d for d in heard if place in d.range]
        newest = max(holding, key=lambda d: d.seniority, default=None)
        assert known.partition_of(place) == newest


@settings(max_examples=30)
@given(st.integers(0, 10_000), st.integers(0, 14), st.data())
def test_a_map_is_read_back_as_written_with_its_outdated_parts(seed: int, steps, data) -> None:
    ever, _ = history(seed, steps)
    known = told(data.draw(st.lists(st.sampled_from(ever))))

    assert from_json(json.loads(json.dumps(to_json(known)))) == known


def test_a_map_takes_no_partition_of_another_table() -> None:
    with pytest.raises(DescriptorRefused, match="is of table 4"):
        EMPTY.updated(replace(MUSIC, table_identifier=4))


def test_a_map_from_the_future_is_refused_by_name() -> None:
    with pytest.raises(DescriptorFromTheFuture, match="a partition map of version 9"):
        from_json(to_json(EMPTY) | {"version": 9})


@pytest.mark.parametrize(
    "broken",
    [
        None,
        {},
        {"version": 1},
        to_json(EMPTY) | {"partitions": 7},
        {"version": 1, "partitions": []},
    ],
)
def test_bytes_that_are_no_map_are_refused(broken: object) -> None:
    with pytest.raises(DescriptorRefused):
        from_json(broken)


def test_a_leader_hint_gives_way_to_a_later_term_only() -> None:
    early, late = LeaderHint(7, "n1", 3), LeaderHint(7, "n2", 4)

    assert LeaderHints().updated(early).updated(late) == LeaderHints().updated(late).updated(early)
    assert LeaderHints().updated(late).leader_of(7) == late
    assert LeaderHints().leader_of(7) is None


def test_a_wrong_hint_is_forgotten_unless_a_later_one_took_its_place() -> None:
    early, late = LeaderHint(7, "n1", 3), LeaderHint(7, "n2", 4)

    assert LeaderHints().updated(early).without(early).leader_of(7) is None
    assert LeaderHints().updated(late).without(early).leader_of(7) == late


def test_the_nodes_own_reports_rebuild_the_map_and_its_leaders() -> None:
    left, right = split(MUSIC, 100, 8)
    maps, hints = from_reports(
        [
            PartitionReport("n3", MUSIC, is_leader=False, term=2),
            PartitionReport("n1", left, is_leader=True, term=2),
            PartitionReport("n2", right, is_leader=True, term=1),
        ]
    )

    assert maps[3].partitions == (left, right)
    assert hints.leader_of(7) == LeaderHint(7, "n1", 2)
    assert hints.leader_of(8) == LeaderHint(8, "n2", 1)


def test_of_two_who_call_themselves_leader_the_higher_epoch_is_believed() -> None:
    moved = with_learner(MUSIC, "n4")
    reports = [
        PartitionReport("n1", MUSIC, is_leader=True, term=1),
        PartitionReport("n2", moved, is_leader=True, term=2),
    ]

    for ordered in (reports, reports[::-1]):
        maps, hints = from_reports(ordered)
        assert maps[3].partitions == (moved,)
        assert hints.leader_of(7) == LeaderHint(7, "n2", 2)


def test_a_partition_without_a_leader_is_believed_where_nobody_contradicts() -> None:
    left, right = split(MUSIC, 100, 8)
    orphan = replace(right, members_epoch=9)
    maps, _ = from_reports(
        [
            PartitionReport("n1", left, is_leader=True, term=1),
            PartitionReport("n2", orphan, is_leader=False, term=1),
            PartitionReport("n3", replace(MUSIC, range_epoch=9), is_leader=False, term=1),
        ]
    )

    assert maps[3].partition_of(5) == left
    electing, _ = from_reports([PartitionReport("n2", right, is_leader=False, term=1)])
    assert electing[3].partition_of(200) == right
