"""Table operations that a gateway has executed elsewhere: answers, errors, and nobody there."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson
import pytest

from one_node import CALLER, Node
from stator_core.errors import (
    DynamoDBError,
    InternalServerError,
    ResourceInUseException,
    ResourceNotFoundException,
    ServiceUnavailable,
)
from stator_core.table_description import NOTHING_COUNTED
from stator_node.memory import ManualClock
from stator_node.operation_codes import OperationCode
from stator_node.partition_requests import refusal
from stator_node.pending import Pending, wait
from stator_node.remote_tables import RemoteTables
from stator_node.table_life import OPERATIONS
from stator_node.table_reading import TableReading
from stator_node.transport.frame_format import Hello, Status
from stator_node.transport.links import Address, Answer
from table_bodies import active, create_body

SUPERVISOR = Hello("c", "supervisor-1", "gateway", "")
ADDRESS = Address("127.0.0.1", 1)


class AnsweringLinks:
    """Links to a supervisor that always answers the same."""

    def __init__(self, answer: Answer) -> None:
        self.connected: dict[str, Address] = {}
        self.asked: list[Any] = []
        self._answer = answer

    def connect(self, node_id: str, address: Address) -> None:
        self.connected[node_id] = address

    def disconnect(self, node_id: str) -> None:
        del self.connected[node_id]

    def request(
        self, node_id: str, partition_id: int, operation: int, flags: int, body: bytes, _: float
    ) -> Pending[Answer]:
        assert operation == OperationCode.TABLE_OPERATION
        assert node_id in self.connected
        self.asked.append(orjson.loads(body))
        pending: Pending[Answer] = Pending()
        pending.resolve(self._answer)
        return pending


def told(*names: str) -> TableReading:
    """What the pods have said: that there are these tables."""
    tables = {name: active(create_body(TableName=name)) for name in names}
    return TableReading(lambda: tables, lambda _: NOTHING_COUNTED, ManualClock(), CALLER.account)


def ask(
    links: AnsweringLinks, operation: str, *tables: str, joined: bool = True
) -> tuple[bytes, int]:
    """The answer, and how often the gateway looked at the pods before it was given.

    `tables`: those that the pods have said there are.
    """
    looks = 0

    async def run() -> tuple[bytes, int]:
        async def look() -> None:
            nonlocal looks
            looks += 1

        remote = RemoteTables(links, look, told(*tables))  # type: ignore[arg-type]
        if joined:
            remote.joined(SUPERVISOR, ADDRESS)
        body = {"TableName": "Music"}
        answer = remote.operations()[operation](body, CALLER)
        assert isinstance(answer, Pending)
        return await wait(answer), looks

    return asyncio.run(run())


def test_the_operations_are_those_of_table_life() -> None:
    async def run() -> None:
        assert set(Node().life.operations()) == set(OPERATIONS)

    asyncio.run(run())


def test_an_operation_goes_with_its_body_and_its_caller() -> None:
    links = AnsweringLinks(Answer(Status.RESULT, b"{}"))

    assert ask(links, "ListTables") == (b"{}", 0)
    (asked,) = links.asked
    assert asked["operation"] == "ListTables"
    assert asked["body"] == {"TableName": "Music"}
    assert asked["caller"] == [CALLER.access_key, CALLER.account, CALLER.region, CALLER.endpoint]


def test_who_hears_of_a_table_can_write_to_it() -> None:
    """So the gateway looks at the pods before it says ACTIVE."""
    links = AnsweringLinks(Answer(Status.RESULT, b"{}"))

    assert ask(links, "DescribeTable")[1] == 1


@pytest.mark.parametrize(
    "answer, error",
    [
        (Answer(Status.REFUSED, refusal(ResourceInUseException("taken"))), ResourceInUseException),
        (Answer(Status.UNAVAILABLE, b""), ServiceUnavailable),
        (Answer(Status.UNKNOWN, b""), InternalServerError),
    ],
)
def test_what_is_not_done_is_said_as_dynamodb_says_it(
    answer: Answer, error: type[DynamoDBError]
) -> None:
    with pytest.raises(error):
        ask(AnsweringLinks(answer), "CreateTable")


def test_without_a_supervisor_nothing_is_sent() -> None:
    links = AnsweringLinks(Answer(Status.RESULT, b"{}"))

    with pytest.raises(ServiceUnavailable):
        ask(links, "CreateTable", joined=False)
    assert links.asked == []


def test_a_supervisor_that_moved_is_the_only_one() -> None:
    async def run() -> None:
        async def look() -> None: ...

        links = AnsweringLinks(Answer(Status.RESULT, b"{}"))
        tables = RemoteTables(links, look, told())  # type: ignore[arg-type]
        tables.joined(SUPERVISOR, ADDRESS)
        tables.joined(Hello("c", "supervisor-2", "gateway", ""), ADDRESS)
        assert set(links.connected) == {"supervisor-2"}

    asyncio.run(run())


@pytest.mark.parametrize("status", [Status.UNAVAILABLE, Status.UNKNOWN])
def test_while_the_supervisor_is_away_tables_are_described_as_the_pods_say(status: Status) -> None:
    links = AnsweringLinks(Answer(status, b""))

    described = orjson.loads(ask(links, "DescribeTable", "Music")[0])["Table"]
    assert (described["TableName"], described["TableStatus"]) == ("Music", "ACTIVE")
    listed = orjson.loads(ask(links, "ListTables", "Films", "Music", joined=False)[0])
    assert listed == {"TableNames": ["Films", "Music"]}


def test_of_a_table_that_no_pod_speaks_of_it_is_not_said_that_there_is_none() -> None:
    with pytest.raises(ServiceUnavailable, match="supervisor is away"):
        ask(AnsweringLinks(Answer(Status.UNAVAILABLE, b"")), "DescribeTable", "Films")


def test_what_the_supervisor_refuses_the_pods_are_not_asked() -> None:
    error = refusal(ResourceNotFoundException("gone"))

    with pytest.raises(ResourceNotFoundException, match="gone"):
        ask(AnsweringLinks(Answer(Status.REFUSED, error)), "DescribeTable", "Music")
