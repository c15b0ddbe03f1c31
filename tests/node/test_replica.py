"""The replica: reads see what is durable, writers what is in flight, nobody a half of either."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson
import pytest

from one_node import Node, item, key, table_body
from slow_disk import SlowDisk
from stator_core import item_format, keys
from stator_core.errors import ConditionalCheckFailedException, InternalServerError
from stator_node.pending import Pending, wait
from stator_node.replica import SLICE_ENTRIES
from table_bodies import index
from virtual_time import run

LOCAL = {
    "LocalSecondaryIndexes": [index("by-a", "pk", "a", Projection={"ProjectionType": "KEYS_ONLY"})]
}
GLOBAL = {"GlobalSecondaryIndexes": [index("of-a", "a")]}
OF_PK_A = {
    "KeyConditionExpression": "pk = :pk",
    "ExpressionAttributeValues": {":pk": {"S": "a"}},
}


async def node_with_table(**members: Any) -> Node:
    node = Node()
    await node.create(table_body(**members))
    return node


def put(node: Node, **members: Any) -> Pending[bytes]:
    answer = node.send("PutItem", {"TableName": "Music", **members})
    assert isinstance(answer, Pending)
    return answer


async def hold_two_writes(node: Node) -> list[Pending[bytes]]:
    """Items a/1 and a/2 are written and their sync does not end."""
    assert isinstance(node.store, SlowDisk)
    node.store.hold()
    writes = [put(node, Item=item("a", sk, v="new", a=f"x{sk}")) for sk in ("1", "2")]
    for _ in range(3):
        await asyncio.sleep(0)
    assert node.commit.syncing is not None
    return writes


def test_a_read_of_an_item_whose_sync_is_under_way_waits_for_it() -> None:
    async def story() -> None:
        node = await node_with_table()
        await hold_two_writes(node)
        read = node.send("GetItem", {"TableName": "Music", "Key": key()})
        assert isinstance(read, Pending)
        assert not read.done
        node.store.release()
        assert orjson.loads(await wait(read))["Item"]["v"] == {"S": "new"}

    run(story())


def test_a_read_of_another_item_does_not_wait() -> None:
    async def story() -> None:
        node = await node_with_table()
        await node.call("PutItem", TableName="Music", Item=item("b"))
        await hold_two_writes(node)
        read = node.send("GetItem", {"TableName": "Music", "Key": key("b")})
        assert isinstance(read, bytes)
        batch = {"RequestItems": {"Music": {"Keys": [key("b")]}}}
        assert isinstance(node.send("BatchGetItem", batch), bytes)
        node.store.release()
        await node.commit.drain()

    run(story())


@pytest.mark.parametrize("operation", ["Query", "Scan", "BatchGetItem"])
def test_a_read_of_a_range_waits_for_writes_under_it(operation: str) -> None:
    async def story() -> None:
        node = await node_with_table()
        await hold_two_writes(node)
        body: dict[str, Any] = {"TableName": "Music"}
        if operation == "Query":
            body |= OF_PK_A
        if operation == "BatchGetItem":
            body = {"RequestItems": {"Music": {"Keys": [key("a", "1"), key("a", "2")]}}}
        read = node.send(operation, body)
        assert isinstance(read, Pending)
        assert not read.done
        node.store.release()
        assert (await wait(read)).count(b'"new"') == 2

    run(story())


def test_a_read_that_waited_does_not_see_the_next_group_before_its_sync() -> None:
    async def story() -> None:
        node = await node_with_table()
        await hold_two_writes(node)
        read = node.send("Query", {"TableName": "Music", **OF_PK_A})
        assert isinstance(read, Pending)
        later = [put(node, Item=item("a", sk, v="later")) for sk in ("1", "3")]
        node.store.release()
        found = await wait(read)
        assert b"later" not in found
        assert found.count(b'"new"') == 2
        for answer in later:
            await wait(answer)

    run(story())


def test_a_read_that_waited_fails_if_the_sync_does() -> None:
    async def story() -> None:
        node = await node_with_table()
        writes = await hold_two_writes(node)
        reads = [
            node.send("GetItem", {"TableName": "Music", "Key": key()}),
            node.send("Query", {"TableName": "Music", **OF_PK_A}),
        ]
        node.store.sync_error = "Input/output error"
        node.store.release()
        for pending in (*writes, *reads):
            assert isinstance(pending, Pending)
            with pytest.raises(InternalServerError):
                await wait(pending)
        for operation, members in (("GetItem", {"Key": key()}), ("Scan", {})):
            with pytest.raises(InternalServerError):
                node.send(operation, {"TableName": "Music", **members})

    run(story())


def test_conditions_are_judged_on_what_is_in_flight() -> None:
    async def story() -> None:
        node = await node_with_table()
        condition = {"ConditionExpression": "attribute_not_exists(pk)"}
        first = put(node, Item=item(), **condition)
        second = put(node, Item=item(), **condition)
        assert await wait(first) == b"{}"
        with pytest.raises(ConditionalCheckFailedException):
            await wait(second)

    run(story())


def test_a_refusal_leaves_no_sooner_than_what_it_tells_is_durable() -> None:
    async def story() -> None:
        node = await node_with_table()
        await hold_two_writes(node)
        refusal = put(node, Item=item(), ConditionExpression="attribute_not_exists(pk)")
        await asyncio.sleep(0)
        assert not refusal.done
        node.store.release()
        with pytest.raises(ConditionalCheckFailedException):
            await wait(refusal)

    run(story())


def test_deleting_what_is_not_there_waits_for_the_delete_before_it() -> None:
    async def story() -> None:
        node = await node_with_table()
        body = {"TableName": "Music", "Key": key(), "ReturnValues": "ALL_OLD"}
        await node.call("PutItem", TableName="Music", Item=item())
        await hold_two_writes(node)
        answers = [node.send("DeleteItem", dict(body)) for _ in range(2)]
        assert not any(isinstance(answer, Pending) and answer.done for answer in answers)
        node.store.release()
        first, second = [await wait(a) for a in answers if isinstance(a, Pending)]
        assert b"new" in first
        assert second == b"{}"
        assert await node.call("DeleteItem", **body) == {}

    run(story())


def test_counters_in_one_group_add_up() -> None:
    async def story() -> None:
        node = await node_with_table()
        body = {
            "TableName": "Music",
            "Key": key(),
            "UpdateExpression": "ADD n :one",
            "ExpressionAttributeValues": {":one": {"N": "1"}},
        }
        answers = [node.send("UpdateItem", orjson.loads(orjson.dumps(body))) for _ in range(50)]
        for answer in answers:
            assert isinstance(answer, Pending)
            await wait(answer)
        read = await node.call("GetItem", TableName="Music", Key=key())
        assert read["Item"]["n"] == {"N": "50"}

    run(story())


def test_a_page_of_many_slices_is_of_one_moment() -> None:
    async def story() -> None:
        node = await node_with_table()
        await put_many(node, 3 * SLICE_ENTRIES)
        page = node.send("Scan", {"TableName": "Music"})
        assert isinstance(page, Pending)
        put(node, Item=item("a", "1", v="later"))
        found = await wait(page)
        assert b"later" not in found
        assert orjson.loads(found)["Count"] == 3 * SLICE_ENTRIES

    run(story())


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("limit", [1, SLICE_ENTRIES, SLICE_ENTRIES + 1])
def test_pages_of_any_length_give_every_item_once_and_in_order(reverse: bool, limit: int) -> None:
    async def story() -> None:
        node = await node_with_table()
        await put_many(node, SLICE_ENTRIES + 2)
        found: list[str] = []
        start: dict[str, Any] = {}
        while True:
            page = await node.call(
                "Query",
                TableName="Music",
                Limit=limit,
                ScanIndexForward=not reverse,
                **orjson.loads(orjson.dumps(OF_PK_A)),
                **start,
            )
            found += [one["sk"]["S"] for one in page["Items"]]
            if "LastEvaluatedKey" not in page:
                break
            start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}
        expected = sorted(f"{number:05}" for number in range(SLICE_ENTRIES + 2))
        assert found == (expected[::-1] if reverse else expected)

    run(story())


def test_a_local_index_is_read_alone_and_fetches_what_it_does_not_hold() -> None:
    async def story() -> None:
        other = index("by-b", "pk", "b")
        node = await node_with_table(
            LocalSecondaryIndexes=[*LOCAL["LocalSecondaryIndexes"], other],
        )
        for number in range(SLICE_ENTRIES + 5):
            more = {"a": f"{number:05}", "b": number, "v": "fetched"}
            await node.call("PutItem", TableName="Music", Item=item("a", f"{number:05}", **more))
        members = {"TableName": "Music", "IndexName": "by-a"}
        assert (await node.call("Scan", **members))["Count"] == SLICE_ENTRIES + 5
        fetched = await node.call(
            "Query",
            **members,
            Select="ALL_ATTRIBUTES",
            ScanIndexForward=False,
            **orjson.loads(orjson.dumps(OF_PK_A)),
        )
        assert [one["sk"]["S"] for one in fetched["Items"]] == [
            f"{number:05}" for number in reversed(range(SLICE_ENTRIES + 5))
        ]
        assert all(one["v"] == {"S": "fetched"} for one in fetched["Items"])

    run(story())


def test_a_page_that_fetches_items_later_waits_for_their_sync() -> None:
    """Its cursor is of one moment, but the items are read when their turn comes."""

    async def story() -> None:
        node = await node_with_table(**LOCAL)
        await put_many(node, 4 * SLICE_ENTRIES, a="x")
        query = {"TableName": "Music", "IndexName": "by-a", "Select": "ALL_ATTRIBUTES", **OF_PK_A}
        page = node.send("Query", orjson.loads(orjson.dumps(query)))
        assert isinstance(page, Pending)
        node.store.hold()
        last = f"{4 * SLICE_ENTRIES - 1:05}"
        writes = [put(node, Item=item("a", sk, a="x", v="new")) for sk in (last, "99999")]
        for _ in range(10):
            await asyncio.sleep(0)
        assert node.commit.syncing is not None
        assert not page.done, "it would show what is not durable"
        node.store.release()
        assert b'"new"' in await wait(page)
        for write in writes:
            await wait(write)

    run(story())


def test_a_page_survives_the_deletion_of_its_table() -> None:
    async def story() -> None:
        node = await node_with_table(**LOCAL)
        await put_many(node, 3 * SLICE_ENTRIES, a="x")
        pages = [
            node.send("Scan", {"TableName": "Music"}),
            node.send("Scan", {"TableName": "Music", "IndexName": "by-a"}),
        ]
        for family in ("items", "indexes"):
            node.store.delete_range(family, b"", b"\xff" * 9)
        for page in pages:
            assert isinstance(page, Pending)
            await wait(page)

    run(story())


@pytest.mark.parametrize("operation", ["GetItem", "Query", "Scan", "BatchGetItem", "UpdateItem"])
def test_a_damaged_item_is_a_500_and_a_line_in_the_log(
    operation: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def story() -> None:
        node = await node_with_table()
        await node.call("PutItem", TableName="Music", Item=item("a", "1", v="whole"))
        stored_key = keys.item_key(node.catalog.tables["Music"], key())
        stored = bytearray(node.store.get(stored_key) or b"")
        stored[-5] ^= 1
        node.store.write([("items", stored_key, bytes(stored))], sync=True)
        bodies: dict[str, dict[str, Any]] = {
            "GetItem": {"TableName": "Music", "Key": key()},
            "Query": {"TableName": "Music", **OF_PK_A},
            "Scan": {"TableName": "Music"},
            "BatchGetItem": {"RequestItems": {"Music": {"Keys": [key()]}}},
            "UpdateItem": {"TableName": "Music", "Key": key(), "ReturnValues": "ALL_OLD"},
        }
        with pytest.raises(InternalServerError):
            await node.call(operation, **bodies[operation])

    run(story())
    assert 'table Music, item {"pk":{"S":"a"},"sk":{"S":"1"}} is damaged' in caplog.text


def test_a_batch_is_answered_when_all_of_it_is_durable() -> None:
    async def story() -> None:
        node = await node_with_table()
        node.store.hold()
        writes = [{"PutRequest": {"Item": item("a", str(number))}} for number in range(25)]
        answer = node.send("BatchWriteItem", {"RequestItems": {"Music": writes}})
        assert isinstance(answer, Pending)
        for _ in range(5):
            await asyncio.sleep(0)
        assert not answer.done
        node.store.release()
        assert orjson.loads(await wait(answer)) == {"UnprocessedItems": {}}
        assert (await node.call("Scan", TableName="Music"))["Count"] == 25

    run(story())


def test_a_batch_fails_once_where_the_storage_fails() -> None:
    async def story() -> None:
        node = await node_with_table()
        node.store.sync_error = "Input/output error"
        writes = [{"PutRequest": {"Item": item("a", str(number))}} for number in range(25)]
        with pytest.raises(InternalServerError):
            await node.call("BatchWriteItem", RequestItems={"Music": writes})

    run(story())


def test_the_clock_may_jump_back_and_stamps_still_grow() -> None:
    async def story() -> None:
        node = await node_with_table()
        await node.call("PutItem", TableName="Music", Item=item("a", "1"))
        node.clock.set_now(node.clock.now() - 86_400)
        await node.call("PutItem", TableName="Music", Item=item("a", "1", v="later"))
        read = await node.call("GetItem", TableName="Music", Key=key())
        assert read["Item"]["v"] == {"S": "later"}
        assert stamp_of(node, key("a", "1")) > int(node.clock.now() * 1000) << 16

    run(story())


def stamp_of(node: Node, item_key: dict[str, Any]) -> int:
    stored_key = keys.item_key(node.catalog.tables["Music"], item_key)
    stored = node.store.get(stored_key)
    assert stored is not None
    return item_format.read(stored_key, stored).timestamp


async def put_many(node: Node, count: int, **more: Any) -> None:
    """Items 00000, 00001, … under the partition key a."""
    answers = [put(node, Item=item("a", f"{number:05}", **more)) for number in range(count)]
    for answer in answers:
        await wait(answer)
