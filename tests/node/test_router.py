"""The router: every operation finds its executor, and the storage's troubles become answers."""

from __future__ import annotations

import pytest

from one_node import CALLER, Node, item, key, table_body
from stator_core.errors import (
    InternalServerError,
    ResourceNotFoundException,
    UnknownOperationException,
)
from virtual_time import run


def test_an_operation_that_nobody_knows_is_refused() -> None:
    async def story() -> None:
        with pytest.raises(UnknownOperationException):
            Node().router.execute("PutItems", {}, CALLER)

    run(story())


def test_it_names_the_operations_that_it_answers() -> None:
    async def story() -> None:
        operations = Node().router.operations
        assert {"PutItem", "Query", "BatchWriteItem", "CreateTable", "ListTables"} <= operations
        assert "TransactWriteItems" not in operations

    run(story())


@pytest.mark.parametrize("operation", ["GetItem", "PutItem", "Scan", "DescribeTable"])
def test_a_table_that_is_not_there_is_not_found(operation: str) -> None:
    async def story() -> None:
        members = {"GetItem": {"Key": key()}, "PutItem": {"Item": item()}}.get(operation, {})
        with pytest.raises(ResourceNotFoundException):
            await Node().call(operation, TableName="None", **members)

    run(story())


def test_reads_and_descriptions_go_on_while_the_disk_refuses_writes() -> None:
    async def story() -> None:
        node = Node()
        await node.create(table_body())
        await node.call("PutItem", TableName="Music", Item=item(v="kept"))
        node.store.fail_with = "No space left on device"
        for operation, members in (
            ("PutItem", {"Item": item(v="refused")}),
            ("DeleteItem", {"Key": key()}),
            ("UpdateTable", {"DeletionProtectionEnabled": True}),
            ("DeleteTable", {}),
        ):
            with pytest.raises(InternalServerError):
                await node.call(operation, TableName="Music", **members)
        read = await node.call("GetItem", TableName="Music", Key=key())
        assert read["Item"]["v"] == {"S": "kept"}
        assert (await node.call("Scan", TableName="Music"))["Count"] == 1
        assert await node.status() == "ACTIVE"

    run(story())
