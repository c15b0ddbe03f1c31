"""What is next for a frozen partition: taken over, given up, or thawed on evidence alone."""

from __future__ import annotations

from dataclasses import replace

from stator_core.merge_steps import (
    Refuse,
    ReplicaSeen,
    TakeOver,
    Thaw,
    frozen_partitions,
    next_steps,
)
from stator_core.partition_descriptor import Generation, HashRange, PartitionDescriptor
from stator_core.partition_descriptor import new_partition as new

NODES = ("n1", "n2", "n3")
LEFT = new(7, "Music", 3, HashRange(0, 100), NODES)
RIGHT = new(8, "Music", 3, HashRange(100, 200), NODES)
FOR_LEFT = LEFT.generation


def replicas(
    descriptor: PartitionDescriptor, frozen_for: Generation | None = None
) -> list[ReplicaSeen]:
    """All three; the first one leads; frozen ones are ready."""
    return [
        ReplicaSeen(node, descriptor, node == "n1", frozen_for, frozen_for is not None)
        for node in NODES
    ]


FROZEN = replicas(RIGHT, FOR_LEFT)


def test_who_is_not_frozen_is_left_alone() -> None:
    assert next_steps([*replicas(LEFT), *replicas(RIGHT)], too_long=()) == []


def test_a_partition_that_is_frozen_on_every_node_is_taken_over() -> None:
    assert next_steps([*replicas(LEFT), *FROZEN], too_long=()) == [TakeOver(FOR_LEFT, 8)]


def test_nobody_is_taken_over_before_every_node_has_it_frozen_for_good() -> None:
    for number in range(3):
        for behind in (
            replace(FROZEN[number], is_ready=False),
            replace(FROZEN[number], is_ready=False, frozen_for=None),
            replace(FROZEN[number], frozen_for=Generation(7, 9)),
        ):
            seen = [*replicas(LEFT), *FROZEN[:number], behind, *FROZEN[number + 1 :]]
            assert TakeOver(FOR_LEFT, 8) not in next_steps(seen, too_long=())
        assert not next_steps([*FROZEN[:number], *FROZEN[number + 1 :]], too_long=())


def test_without_a_leader_nobody_knows_the_members() -> None:
    assert next_steps([replace(each, leads=False) for each in FROZEN], too_long=()) == []


def test_what_takes_too_long_is_given_up() -> None:
    assert next_steps([*replicas(LEFT), *FROZEN], too_long=(8,)) == [Refuse(FOR_LEFT)]
    assert next_steps([*replicas(LEFT), *FROZEN], too_long=(7,)) == [TakeOver(FOR_LEFT, 8)]


def test_a_later_epoch_of_the_neighbour_is_evidence_whoever_saw_it() -> None:
    later = replace(LEFT, range_epoch=2)
    behind = [replace(each, leads=False) for each in replicas(LEFT)[:2]]
    seen = [*behind, replace(replicas(later)[2], leads=False), *FROZEN]

    assert next_steps(seen, too_long=(8,)) == [Thaw(8, FOR_LEFT)]


def test_a_neighbour_that_is_in_somebody_else_takes_nothing_over() -> None:
    other = new(6, "Music", 3, HashRange(300, 400), NODES)
    absorber = replace(replicas(other)[1], absorbed=frozenset((7,)))

    assert next_steps([absorber, *FROZEN], too_long=()) == [Thaw(8, FOR_LEFT)]


def test_who_is_taken_over_is_never_thawed() -> None:
    merged = replace(LEFT, range=HashRange(0, 200), range_epoch=2)
    absorber = [replace(each, absorbed=frozenset((8,))) for each in replicas(merged)]
    inherits = ReplicaSeen("n2", new(6, "Music", 3, HashRange(300, 400), NODES), False)
    heir = replace(inherits, absorbed=frozenset((7, 8)))

    for seen in (
        [*absorber, *FROZEN],
        [*replicas(LEFT)[:2], absorber[2], *FROZEN],
        [heir, *FROZEN],
    ):
        assert next_steps(seen, too_long=(8,)) == []
        assert frozen_partitions(seen) == frozenset()
    assert frozen_partitions([*replicas(LEFT), *FROZEN]) == {8}


def test_a_replica_that_is_behind_names_a_neighbour_that_is_long_past() -> None:
    later = replace(LEFT, range_epoch=5)
    again = replicas(RIGHT, later.generation)
    seen = [*replicas(later), *again[:2], replace(again[2], frozen_for=FOR_LEFT)]

    assert next_steps(seen, too_long=()) == [Thaw(8, FOR_LEFT)]
