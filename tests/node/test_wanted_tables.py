"""What objects want of tables, brought about on one node without real time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import orjson
import pytest

from one_node import CALLER, Node
from stator_core import log_format
from stator_core.desired_table import body_of
from stator_node.operator_http import Refused
from stator_node.wanted_tables import WANTED_PREFIX, Wanted, WantedTables
from table_bodies import attributes, create_body, index, keys, ranged_body
from told_links import LoopClock
from virtual_time import run

GONE = Wanted("u1", 9, None, deleting=True)
TAGS = [{"Key": "team", "Value": "records"}]
PATIENCE_SECONDS = 120.0


class Kept:
    """A node, and what objects want of it."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self.held: set[str] = set()
        self.tables = WantedTables(
            node.store,
            node.catalog,
            node.life,
            LoopClock(),
            CALLER,
            self.held.__contains__,
        )
        self._running = asyncio.ensure_future(self.tables.run())

    def want(
        self, generation: int = 1, uid: str = "u1", replaces: str | None = None, **body: Any
    ) -> None:
        wish = Wanted(uid, generation, create_body(**body))
        self.tables.put(wish.body["TableName"], wish, replaces)

    def refusal(self, *given: Any, **more: Any) -> tuple[int, str, str]:
        with pytest.raises(Refused) as caught:
            self.want(*given, **more)
        return caught.value.status, caught.value.reason, caught.value.message

    async def settle(self, name: str = "Music") -> None:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                if self.tables.progress(name).settled:
                    return
                await asyncio.sleep(0.1)

    def stop(self) -> None:
        self._running.cancel()

    @property
    def body(self) -> dict[str, Any]:
        return body_of(self.node.catalog.tables["Music"])


def story(tell: Callable[[Kept], Awaitable[None]]) -> None:
    async def telling() -> None:
        kept = Kept(Node())
        try:
            await tell(kept)
        finally:
            kept.stop()

    run(telling())


def test_a_wish_becomes_a_table_and_the_next_wish_changes_it() -> None:
    async def tell(kept: Kept) -> None:
        kept.want()
        assert not kept.tables.progress("Music").settled
        await kept.settle()
        assert kept.body == create_body()

        body = ranged_body(
            KeySchema=keys("pk"),
            AttributeDefinitions=attributes(a="S", pk="S"),
            GlobalSecondaryIndexes=[index("by-a", "a")],
            StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
            TimeToLiveSpecification={"AttributeName": "ends", "Enabled": True},
            Tags=TAGS,
        )
        kept.want(2, **body)
        await kept.settle()
        assert kept.body == body

        kept.want(3)
        await kept.settle()
        assert kept.body == create_body()

    story(tell)


def test_a_wish_is_not_dropped_with_the_process() -> None:
    async def telling() -> None:
        kept = Kept(Node())
        kept.want()
        await kept.settle()
        kept.want(2, Tags=TAGS, DeletionProtectionEnabled=True)
        kept.stop()

        again = Kept(Node(await kept.node.crash()))
        assert again.tables.object_of("Music") == kept.tables.object_of("Music")
        await again.settle()
        assert again.body == create_body(Tags=TAGS, DeletionProtectionEnabled=True)
        again.stop()

    run(telling())


def test_a_wish_on_record_that_is_not_taken_any_more_is_told_and_nothing_is_done() -> None:
    async def telling() -> None:
        node = Node()
        await node.create(create_body())
        record = {"uid": "u1", "generation": 1, "body": create_body(BillingMode="FREE")}
        key = WANTED_PREFIX + b"Music"
        node.store.write([("meta", key, log_format.seal(key, orjson.dumps(record)))], sync=True)

        kept = Kept(node)
        await asyncio.sleep(10)
        progress = kept.tables.progress("Music")
        assert progress.refused is not None
        assert "Value 'FREE' at 'billingMode'" in progress.refused[1]
        assert kept.body == create_body()
        kept.want(2, Tags=TAGS)
        await kept.settle()
        assert kept.body == create_body(Tags=TAGS)
        kept.stop()

    run(telling())


def test_an_older_wish_is_passed_over() -> None:
    async def tell(kept: Kept) -> None:
        kept.want(5, Tags=TAGS)
        kept.want(4)
        kept.want(5)
        await kept.settle()
        assert kept.body == create_body(Tags=TAGS)

    story(tell)


def test_a_table_that_was_there_is_adopted_where_nothing_contradicts() -> None:
    async def tell(kept: Kept) -> None:
        table = await kept.node.create(create_body())
        kept.want(Tags=TAGS)
        await kept.settle()
        assert kept.node.catalog.tables["Music"].table_id == table.table_id
        assert kept.body == create_body(Tags=TAGS)

        status, reason, message = kept.refusal(2, AttributeDefinitions=attributes(pk="N"))
        assert (status, reason) == (409, "Contradicts")
        assert message == "table Music: the key of a table cannot be changed: it is pk (S, HASH)"

    story(tell)


def test_a_table_has_one_object_until_that_is_named_as_gone() -> None:
    async def tell(kept: Kept) -> None:
        kept.want(7)
        await kept.settle()
        refused = kept.refusal(1, "u2")
        assert refused == (409, "NameInUse", "table Music belongs to the object with the uid u1")
        kept.want(1, "u2", "u1", Tags=TAGS)
        await kept.settle()
        assert kept.body == create_body(Tags=TAGS)
        assert kept.refusal(8, "u1")[1] == "NameInUse"

    story(tell)


def test_a_wish_that_cannot_be_is_refused_in_dynamodbs_words() -> None:
    async def tell(kept: Kept) -> None:
        status, reason, message = kept.refusal(BillingMode="FREE")
        assert (status, reason) == (422, "InvalidTable")
        assert "Value 'FREE' at 'billingMode' failed to satisfy constraint" in message
        with pytest.raises(Refused, match="the path says Films, TableName says Music"):
            kept.tables.put("Films", Wanted("u1", 1, create_body()), None)
        assert kept.tables.names() == []

    story(tell)


def test_a_table_goes_with_its_items_and_its_wish_is_forgotten() -> None:
    async def tell(kept: Kept) -> None:
        kept.want()
        await kept.settle()
        kept.tables.delete("Music", GONE)
        assert kept.refusal(2)[1] == "Deleting"
        assert kept.refusal(1, "u2", "u1")[1] == "Deleting"
        await kept.settle()
        assert kept.node.catalog.tables == {}
        assert kept.tables.names() == []
        kept.tables.delete("Music", GONE)  # Again, as after a crash of the operator.
        kept.want(1, "u2")
        await kept.settle()
        assert kept.body == create_body()

    story(tell)


def test_only_its_object_takes_a_table_away() -> None:
    async def tell(kept: Kept) -> None:
        kept.want()
        with pytest.raises(Refused, match="belongs to the object with the uid u1"):
            kept.tables.delete("Music", Wanted("u2", 9, None, deleting=True))

    story(tell)


def test_a_protected_table_stays_and_says_why_until_it_is_protected_no_more() -> None:
    async def tell(kept: Kept) -> None:
        kept.want(DeletionProtectionEnabled=True)
        await kept.settle()
        kept.tables.delete("Music", GONE)
        await asyncio.sleep(1)
        progress = kept.tables.progress("Music")
        assert progress.refused is not None
        assert progress.refused[0] == "ValidationException"
        assert "protected against deletion" in progress.refused[1]

        said = Wanted("u1", 10, create_body(DeletionProtectionEnabled=True), deleting=True)
        kept.tables.delete("Music", said)
        await asyncio.sleep(10)
        assert kept.tables.progress("Music").refused is not None
        kept.tables.delete("Music", Wanted("u1", 11, create_body(), deleting=True))
        await kept.settle()
        assert kept.node.catalog.tables == {}

    story(tell)


def test_no_step_is_taken_while_a_clients_request_is_under_way() -> None:
    async def tell(kept: Kept) -> None:
        kept.held.add("Music")
        kept.want()
        await asyncio.sleep(10)
        assert kept.node.catalog.tables == {}
        assert kept.tables.progress("Music").waiting == "a client's request is under way"
        kept.held.clear()
        await kept.settle()
        assert kept.body == create_body()

    story(tell)


def test_a_control_store_that_refuses_is_waited_for() -> None:
    async def tell(kept: Kept) -> None:
        kept.want()
        kept.node.store.fail_with = "no space left"
        await asyncio.sleep(1)
        assert kept.tables.progress("Music").waiting == "no space left"
        kept.node.store.fail_with = None
        await kept.settle()
        assert kept.body == create_body()

    story(tell)
