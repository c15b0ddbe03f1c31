"""The numbers of operations on the wire, which never change."""

from __future__ import annotations

from stator_node.operation_codes import NAMES, OperationCode


def test_numbers_on_the_wire_never_change() -> None:
    items = ["PUT_ITEM", "GET_ITEM", "UPDATE_ITEM", "DELETE_ITEM", "QUERY", "SCAN"]
    batches = ["BATCH_GET_ITEM", "BATCH_WRITE_ITEM"]
    pods = ["SNAPSHOT_CHUNK", "REPORT", "CREATE_PARTITION", "DESTROY_REPLICA", "SPLIT"]
    members = ["TRANSFER_LEADER", "ADD_LEARNER", "CHANGE_MEMBERS", "DESCRIBE", "JOIN"]

    known = {name: number for number, name in enumerate(items + batches, 1)}
    known |= {name: number for number, name in enumerate(pods + members, 32)}
    assert known.items() <= {code.name: code.value for code in OperationCode}.items()


def test_every_item_operation_has_dynamodb_s_own_name() -> None:
    assert {code for code in OperationCode if code < 32} == set(NAMES)
    for code, name in NAMES.items():
        assert name.upper() == OperationCode(code).name.replace("_", "")
