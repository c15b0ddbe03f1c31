"""The planner's words: numbers that fit together, and which partitions an action touches."""

from __future__ import annotations

import pytest

from stator_core.partition_descriptor import Epochs
from stator_core.placement_types import (
    Configuration,
    MarkTableActive,
    MergePartitions,
    RemoveNode,
    TransferLeader,
    partitions_of,
)


@pytest.mark.parametrize(
    "numbers",
    [
        {"full_fraction": 0.7},
        {"stuffed_fraction": 1.0},
        {"moves_of_choice_max": 9},
        {"leader_imbalance_min": 1},
        {"replica_imbalance_min": 1},
        {"merge_fraction": 0.9},
        {"merge_rest_seconds": 1.0},
    ],
)
def test_numbers_that_would_chase_each_other_are_refused(numbers: dict[str, float]) -> None:
    with pytest.raises(AssertionError):
        Configuration(**numbers)  # type: ignore[arg-type]


def test_the_thresholds_are_dynamodbs() -> None:
    numbers = Configuration()

    assert numbers.split_bytes == 10 * 2**30
    assert (numbers.split_read_units, numbers.split_write_units) == (3_000, 1_000)


def test_an_action_knows_the_partitions_that_it_touches() -> None:
    epochs = Epochs(1, 1)

    assert partitions_of(MergePartitions(1, 7, epochs, 2, epochs)) == (1, 2)
    assert partitions_of(TransferLeader(3, 7, 1, "n1", "n2")) == (3,)
    assert partitions_of(MarkTableActive(7)) == partitions_of(RemoveNode("n1")) == ()
