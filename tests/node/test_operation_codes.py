"""The numbers on the wire: each stays what it is, since pods of two versions speak together."""

from __future__ import annotations

from stator_node.item_operations import ItemOperations
from stator_node.operation_codes import NAMES, OperationCode

NUMBERS = {
    "PUT_ITEM": 1,
    "GET_ITEM": 2,
    "UPDATE_ITEM": 3,
    "DELETE_ITEM": 4,
    "QUERY": 5,
    "SCAN": 6,
    "BATCH_GET_ITEM": 7,
    "BATCH_WRITE_ITEM": 8,
    "PLAIN_PUT": 24,
    "PLAIN_GET": 25,
    "INDEX_WRITE": 26,
    "SNAPSHOT_CHUNK": 32,
    "REPORT": 33,
    "CREATE_PARTITION": 34,
    "DESTROY_REPLICA": 35,
    "SPLIT": 36,
    "TRANSFER_LEADER": 37,
    "ADD_LEARNER": 38,
    "CHANGE_MEMBERS": 39,
    "DESCRIBE": 40,
    "JOIN": 41,
    "SEND_STATE": 43,
    "SCRUB": 44,
    "REBUILD": 45,
    "CLUSTER_STATUS": 64,
    "CLUSTER_DRAIN": 65,
    "CLUSTER_REMOVE": 66,
    "CLUSTER_SPLIT": 67,
    "CLUSTER_TRANSFER": 68,
}


def test_no_number_ever_changes() -> None:
    now = {code.name: code.value for code in OperationCode}

    assert {name: now.get(name) for name in NUMBERS} == NUMBERS


def test_every_number_fits_the_frames_one_byte_and_names_one_operation() -> None:
    numbers = [code.value for code in OperationCode.__members__.values()]

    assert len(set(numbers)) == len(numbers)
    assert all(0 < number < 256 for number in numbers)


def test_the_item_operations_are_those_that_a_partition_executes() -> None:
    operations = ItemOperations(lambda _: (), ()).by_name()  # type: ignore[arg-type]

    assert set(NAMES.values()) == set(operations)
    # These take no JSON.
    others = {OperationCode.PLAIN_PUT, OperationCode.PLAIN_GET}
    others |= {OperationCode.INDEX_WRITE, OperationCode.READ_CHANGES}
    assert {code for code in OperationCode if code < 32} == set(NAMES) | others
