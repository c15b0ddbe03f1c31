"""Clients' changes of tables that wait for the operator's word, on one node without real time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import orjson
import pytest

from one_node import CALLER, Node
from stator_core.desired_table import body_of
from stator_core.errors import (
    InternalServerError,
    ResourceInUseException,
    ResourceNotFoundException,
    ServiceUnavailable,
    ValidationException,
)
from stator_node.pending import Pending, wait
from stator_node.remote_tables import REQUEST_SECONDS_MAX
from stator_node.table_asks import ASK_SECONDS_MAX, Ask, TableAsks
from table_bodies import create_body
from virtual_time import run

TAGS = [{"Key": "team", "Value": "records"}]


class Asked:
    """A node whose tables are the operator's."""

    def __init__(self) -> None:
        self.node = Node()
        self.asks = TableAsks(self.node.life)

    def send(self, operation: str, **body: Any) -> bytes | Pending[bytes]:
        return self.asks.operations()[operation](body, CALLER)

    def waits(self, operation: str, **body: Any) -> Pending[bytes]:
        """A request that must wait."""
        answer = self.send(operation, **body)
        assert isinstance(answer, Pending)
        assert not answer.done
        return answer

    async def one(self) -> Ask:
        (ask,) = await self.asks.waiting(0)
        return ask

    async def accepted(self, operation: str, **body: Any) -> Any:
        """The answer to a request that the operator takes up at once."""
        pending = self.waits(operation, **body)
        self.asks.accept((await self.one()).ask_id)
        content = await wait(pending)
        await self.node.rest()
        return orjson.loads(content) if content else None


def story(tell: Callable[[Asked], Awaitable[None]]) -> None:
    async def telling() -> None:
        await tell(Asked())

    run(telling())


def test_a_table_is_made_when_the_operator_accepts_and_not_before() -> None:
    async def tell(asked: Asked) -> None:
        pending = asked.waits("CreateTable", **create_body())
        ask = await asked.one()
        assert (ask.operation, ask.name, ask.before) == ("CreateTable", "Music", None)
        assert ask.after == create_body()
        assert asked.node.catalog.tables == {}

        asked.asks.accept(ask.ask_id)
        shown = orjson.loads(await wait(pending))["TableDescription"]
        assert shown["TableStatus"] == "CREATING"
        await asked.node.rest()
        assert await asked.node.status() == "ACTIVE"

    story(tell)


def test_an_ask_says_what_changes_and_the_answer_is_the_requests_own() -> None:
    async def tell(asked: Asked) -> None:
        await asked.accepted("CreateTable", **create_body())
        arn = asked.node.catalog.tables["Music"].arn
        asked.waits("TagResource", ResourceArn=arn, Tags=TAGS)
        ask = await asked.one()
        assert ask.before == create_body()
        assert ask.after == create_body(Tags=TAGS)
        asked.asks.accept(ask.ask_id)
        assert body_of(asked.node.catalog.tables["Music"]) == create_body(Tags=TAGS)

        setting = {"AttributeName": "ends", "Enabled": True}
        answer = await asked.accepted(
            "UpdateTimeToLive", TableName="Music", TimeToLiveSpecification=setting
        )
        assert answer == {"TimeToLiveSpecification": setting}

        pending = asked.waits("DeleteTable", TableName="Music")
        ask = await asked.one()
        assert ask.after is None
        asked.asks.accept(ask.ask_id)
        status = orjson.loads(await wait(pending))["TableDescription"]["TableStatus"]
        assert status == "DELETING"

    story(tell)


def test_mistakes_are_answered_at_once() -> None:
    async def tell(asked: Asked) -> None:
        with pytest.raises(ValidationException):
            asked.send("CreateTable", **create_body(KeySchema=[]))
        with pytest.raises(ResourceNotFoundException):
            asked.send("DeleteTable", TableName="Music")
        await asked.accepted("CreateTable", **create_body())
        with pytest.raises(ResourceInUseException, match="Table already exists"):
            asked.send("CreateTable", **create_body())
        assert await asked.asks.waiting(0) == []

    story(tell)


def test_a_request_that_was_only_checked_uses_no_identifier_up() -> None:
    async def tell(asked: Asked) -> None:
        for _ in range(3):
            asked.waits("CreateTable", **create_body())
            ask = await asked.one()
            asked.asks.refuse(ask.ask_id, "ValidationException", "no")
        await asked.accepted("CreateTable", **create_body())
        assert asked.node.catalog.tables["Music"].identifier == 1

    story(tell)


def test_what_no_object_says_is_done_at_once() -> None:
    async def tell(asked: Asked) -> None:
        await asked.accepted("CreateTable", **create_body())
        answer = asked.send(
            "UpdateTable", TableName="Music", TableClass="STANDARD_INFREQUENT_ACCESS"
        )
        assert isinstance(answer, bytes)
        await asked.node.rest()
        assert asked.node.catalog.tables["Music"].table_class == "STANDARD_INFREQUENT_ACCESS"
        assert isinstance(asked.send("DescribeTable", TableName="Music"), bytes)

    story(tell)


def test_a_table_has_one_request_at_a_time() -> None:
    async def tell(asked: Asked) -> None:
        asked.waits("CreateTable", **create_body())
        with pytest.raises(ResourceInUseException, match="Table is being changed: Music"):
            asked.send("CreateTable", **create_body())
        asked.waits("CreateTable", **create_body(TableName="Films"))
        assert [asked.asks.is_open(name) for name in ("Music", "Films", "Books")] == [
            True,
            True,
            False,
        ]

    story(tell)


@pytest.mark.parametrize("told", [False, True])
def test_without_the_operators_word_a_client_is_answered_in_time_and_nothing_is_done(
    told: bool,
) -> None:
    async def tell(asked: Asked) -> None:
        pending = asked.waits("CreateTable", **create_body())
        if told:
            await asked.one()
        error = InternalServerError if told else ServiceUnavailable
        begun = asyncio.get_running_loop().time()
        with pytest.raises(error):
            await wait(pending)
        assert asyncio.get_running_loop().time() - begun == ASK_SECONDS_MAX < REQUEST_SECONDS_MAX
        assert asked.node.catalog.tables == {}
        assert await asked.asks.waiting(0) == []

    story(tell)


def test_a_word_that_comes_too_late_or_twice_does_nothing() -> None:
    async def tell(asked: Asked) -> None:
        pending = asked.waits("CreateTable", **create_body())
        ask = await asked.one()
        with pytest.raises(InternalServerError):
            await wait(pending)
        asked.asks.accept(ask.ask_id)
        asked.asks.refuse(ask.ask_id, "ValidationException", "no")
        assert asked.node.catalog.tables == {}

    story(tell)


def test_a_refusal_reaches_the_client_as_the_error_that_the_operator_names() -> None:
    async def tell(asked: Asked) -> None:
        pending = asked.waits("CreateTable", **create_body())
        ask = await asked.one()
        asked.asks.refuse(ask.ask_id, "ResourceInUseException", "Table already exists: Music")
        with pytest.raises(ResourceInUseException, match="Table already exists: Music"):
            await wait(pending)

    story(tell)


def test_who_waits_for_asks_hears_of_one_as_soon_as_it_comes() -> None:
    async def tell(asked: Asked) -> None:
        loop = asyncio.get_running_loop()
        waiting = asyncio.ensure_future(asked.asks.waiting(30))
        await asyncio.sleep(7)
        begun = loop.time()
        asked.waits("CreateTable", **create_body())
        assert [each.name for each in await waiting] == ["Music"]
        assert loop.time() == begun

        asked.asks.accept((await asked.one()).ask_id)
        assert await asked.asks.waiting(30) == []
        assert loop.time() == begun + 30

    story(tell)
