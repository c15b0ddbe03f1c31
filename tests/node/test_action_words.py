"""Each action of the planner is a line that people can read, without a Python in it."""

from __future__ import annotations

import typing

import pytest

from stator_core.partition_descriptor import Epochs, HashRange, new_partition
from stator_core.placement_types import (
    Action,
    AddLearner,
    CreatePartition,
    DeletePartition,
    DeleteStray,
    MarkTableActive,
    MarkTableDeleted,
    MergePartitions,
    PromoteLearner,
    RemoveNode,
    RemoveReplica,
    SplitPartition,
    TransferLeader,
)
from stator_node.action_words import words

NODES = tuple(f"{letter * 8}-2c10-4830" for letter in "abc")
EPOCHS = Epochs(1, 1)
CREATED = CreatePartition(new_partition(7, "Music", 1, HashRange(0, 1 << 64), NODES))
LINES: dict[Action, str] = {
    CREATED: "partition 7 of Music on aaaaaaaa, bbbbbbbb, cccccccc",
    AddLearner(7, 1, EPOCHS, NODES[0]): "partition 7 gets a replica on aaaaaaaa",
    PromoteLearner(7, 1, EPOCHS, 4, None): "replica 4 of partition 7 gets a vote",
    PromoteLearner(7, 1, EPOCHS, 4, 2): "replica 4 of partition 7 takes the place of 2",
    RemoveReplica(7, 1, EPOCHS, 2): "partition 7 gives up replica 2",
    TransferLeader(7, 1, 3, *NODES[:2]): "bbbbbbbb leads partition 7, instead of aaaaaaaa",
    SplitPartition(7, 1, EPOCHS, 1 << 63, 8): (
        "partition 7 is cut at 8000000000000000: 8 begins there"
    ),
    MergePartitions(7, 1, EPOCHS, 8, EPOCHS): "partition 7 takes over 8",
    DeletePartition(7, 1, NODES[:2]): "partition 7 is deleted from aaaaaaaa, bbbbbbbb",
    DeleteStray(7, 1, NODES[0], 2): "aaaaaaaa throws away the old replica 2 of 7",
    MarkTableActive(1): "table 1 is whole",
    MarkTableDeleted(1): "table 1 has gone",
    RemoveNode(NODES[0]): "node aaaaaaaa holds nothing",
}


@pytest.mark.parametrize("action", LINES, ids=lambda each: type(each).__name__)
def test_an_action_is_a_line_for_people(action: Action) -> None:
    assert words(action) == LINES[action]


def test_every_kind_of_action_has_one() -> None:
    def kinds(union: object) -> set[type]:
        return {kind for each in typing.get_args(union) for kind in (kinds(each) or {each})}

    assert {type(each) for each in LINES} == kinds(Action)
