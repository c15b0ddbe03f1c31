"""From decisions to requests: each goes to the one node that can take it, with what guards it."""

from __future__ import annotations

from typing import Any

import pytest

from stator_core import partition_state
from stator_core.partition_descriptor import Epochs
from stator_core.placement_types import (
    AddLearner,
    CreatePartition,
    DeletePartition,
    DeleteStray,
    PromoteLearner,
    RemoveReplica,
    SplitPartition,
    TransferLeader,
)
from stator_node.cluster_actions import ACTION_SECONDS_MAX, ClusterActions
from stator_node.cluster_view import ClusterView
from stator_node.memory import ManualClock
from stator_node.operation_codes import OperationCode
from stator_node.transport.frame_format import Status
from stator_node.transport.links import Answer
from told_links import NODES, OK, ToldLinks, music, partition, redirect
from virtual_time import run

TABLE = music()
EPOCHS = Epochs(3, 4)
UNAVAILABLE = Answer(Status.UNAVAILABLE, b"")


class Steered:
    """Actions for a cluster whose partition 7 is led by n2."""

    def __init__(self) -> None:
        self.links = ToldLinks()
        self.view = ClusterView(self.links, ManualClock(), "z1")  # type: ignore[arg-type]
        self.view.learn(redirect(partition(TABLE, 7), "n2", term=5).body)
        self.actions = ClusterActions(self.view)


@pytest.fixture
def steered() -> Steered:
    return Steered()


FOR_THE_LEADER = [
    (
        AddLearner(7, 1, EPOCHS, "n4"),
        OperationCode.ADD_LEARNER,
        {"node_id": "n4", "epochs": [3, 4]},
    ),
    (
        PromoteLearner(7, 1, EPOCHS, 4, 1),
        OperationCode.CHANGE_MEMBERS,
        {"promote": 4, "remove": 1, "epochs": [3, 4]},
    ),
    (
        RemoveReplica(7, 1, EPOCHS, 2),
        OperationCode.CHANGE_MEMBERS,
        {"remove": 2, "epochs": [3, 4]},
    ),
    (
        SplitPartition(7, 1, EPOCHS, 1 << 63, 9),
        OperationCode.SPLIT,
        {"at_hash": f"{1 << 63:017x}", "child_id": 9, "epochs": [3, 4]},
    ),
    (
        TransferLeader(7, 1, 5, "n2", "n3"),
        OperationCode.TRANSFER_LEADER,
        {"node_id": "n3", "term": 5},
    ),
]


@pytest.mark.parametrize("action,code,members", FOR_THE_LEADER)
def test_the_leader_is_asked_with_what_the_decision_was_made_by(
    steered: Steered, action: Any, code: OperationCode, members: dict[str, Any]
) -> None:
    assert run(steered.actions.execute(action))

    (asked,) = steered.links.asked
    assert (asked.node_id, asked.partition_id, asked.operation) == ("n2", 7, code)
    assert asked.members == members
    assert asked.timeout_seconds == ACTION_SECONDS_MAX


@pytest.mark.parametrize("action", [action for action, _, _ in FOR_THE_LEADER])
def test_without_a_leader_nobody_is_asked(steered: Steered, action: Any) -> None:
    steered.view.forget_leader(7, "n2")

    assert not run(steered.actions.execute(action))
    assert steered.links.asked == []


def test_every_node_of_a_new_partition_is_asked_and_all_must_take_it(steered: Steered) -> None:
    descriptor = partition(TABLE, 8)
    steered.links.answer = lambda asked: UNAVAILABLE if asked.node_id == "n1" else OK

    assert not run(steered.actions.create(CreatePartition(descriptor), TABLE))

    assert {asked.node_id for asked in steered.links.asked} == set(NODES)
    for asked in steered.links.asked:
        assert asked.operation == OperationCode.CREATE_PARTITION
        state = partition_state.from_json(asked.body)
        assert (state.descriptor, state.table) == (descriptor, TABLE)
    steered.links.answer = lambda _: OK
    assert run(steered.actions.create(CreatePartition(descriptor), TABLE))


def test_a_deleted_partition_goes_from_every_node_whatever_replica_it_has(
    steered: Steered,
) -> None:
    assert run(steered.actions.execute(DeletePartition(7, 1, NODES)))

    assert [asked.node_id for asked in steered.links.asked] == list(NODES)
    for asked in steered.links.asked:
        assert asked.operation == OperationCode.DESTROY_REPLICA
        assert asked.members["replica_id"] > 1_000_000


def test_of_a_stray_only_that_replica_goes(steered: Steered) -> None:
    run(steered.actions.execute(DeleteStray(7, 1, "n3", 3)))

    (asked,) = steered.links.asked
    assert (asked.node_id, asked.members) == ("n3", {"replica_id": 3})


def test_a_description_goes_to_the_leader(steered: Steered) -> None:
    assert run(steered.actions.describe(partition(TABLE, 7), TABLE, 3))
    assert not run(steered.actions.describe(partition(TABLE, 99), TABLE, 3))

    (asked,) = steered.links.asked
    assert (asked.node_id, asked.operation) == ("n2", OperationCode.DESCRIBE)
    assert asked.members["epoch"] == 3


@pytest.mark.parametrize(
    "answer,taken",
    [
        (OK, True),
        (UNAVAILABLE, False),
        (Answer(Status.UNKNOWN, b""), False),
        (Answer(Status.REFUSED, b"{}"), False),
    ],
)
def test_only_a_result_means_that_it_was_done(
    steered: Steered, answer: Answer, taken: bool
) -> None:
    steered.links.answer = lambda _: answer

    assert run(steered.actions.ask("n1", 7, OperationCode.DESCRIBE, b"{}")) is taken


def test_a_redirect_is_not_done_but_teaches_who_leads(steered: Steered) -> None:
    steered.links.answer = lambda _: redirect(partition(TABLE, 7), "n3", term=6)

    assert not run(steered.actions.execute(RemoveReplica(7, 1, EPOCHS, 2)))
    assert steered.view.leader(partition(TABLE, 7)) == "n3"
