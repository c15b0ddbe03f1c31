"""Plain puts and gets between gateway and leader: what the usual way would store and answer."""

from __future__ import annotations

import asyncio

import orjson

from small_cluster import SmallCluster
from stator_core import keys
from stator_core.requests import get_item, put_item
from stator_core.table import Table
from stator_node.errand import refused_error
from stator_node.operation_codes import OperationCode
from stator_node.pending import wait
from stator_node.plain_operations import is_plain_get, is_plain_put, put_body
from stator_node.transport.frame_format import Status
from stator_node.transport.links import Answer

ITEM = {"pk": {"S": "a"}, "n": {"N": "1.50"}, "set": {"SS": ["b", "a"]}}
STORED = {"pk": {"S": "a"}, "n": {"N": "1.5"}, "set": {"SS": ["a", "b"]}}
GET = {"TableName": "Music", "Key": {"pk": {"S": "a"}}, "ConsistentRead": True}
CAPACITY = {"ReturnConsumedCapacity": "TOTAL"}


def test_a_plain_put_stores_what_the_usual_way_stores() -> None:
    async def run() -> None:
        async with SmallCluster() as cluster:
            await cluster.create_table()
            leader = cluster.leader()
            found = []
            for more in ({}, CAPACITY):
                await cluster.execute("PutItem", TableName="Music", Item=dict(ITEM), **more)
                key = keys.item_key(cluster.view.tables["Music"], ITEM)
                found.append(leader.store.get(key))
                assert await cluster.execute("GetItem", **GET) == {"Item": STORED}
                assert (await cluster.execute("GetItem", **GET, **CAPACITY))["Item"] == STORED
            plain, usual = found
            assert plain is not None and usual is not None
            assert plain[len(plain) - len(orjson.dumps(STORED)) :] == orjson.dumps(STORED)
            assert len(plain) == len(usual)

    asyncio.run(run())


def test_an_absent_item_is_an_empty_answer() -> None:
    async def run() -> None:
        async with SmallCluster() as cluster:
            await cluster.create_table()
            assert await cluster.execute("GetItem", **GET) == {}

    asyncio.run(run())


def test_only_what_has_nothing_to_report_is_plain() -> None:
    async def run() -> None:
        async with SmallCluster() as cluster:
            await cluster.create_table()
            table = cluster.view.tables["Music"]
            put = {"TableName": "Music", "Item": dict(ITEM)}
            assert is_plain_put(put_item.parse(put), table)
            for more in (
                CAPACITY,
                {"ReturnValues": "ALL_OLD"},
                {"ReturnItemCollectionMetrics": "SIZE"},
                {"ConditionExpression": "attribute_exists(pk)"},
            ):
                assert not is_plain_put(put_item.parse({**put, **more}), table)
            assert is_plain_get(get_item.parse(dict(GET)))
            for more in (CAPACITY, {"ProjectionExpression": "n"}):
                assert not is_plain_get(get_item.parse({**GET, **more}))

    asyncio.run(run())


def test_keys_outside_the_range_are_redirected_and_those_of_other_tables_refused() -> None:
    async def run() -> None:
        async with SmallCluster() as cluster:
            await cluster.create_table()
            leader = cluster.leader().node_id
            split = {"at_hash": f"{1 << 63:017x}", "child_id": 2}
            await cluster.ask(leader, 1, OperationCode.SPLIT, split)
            await cluster.until(lambda: cluster.has_leader(2))
            table = cluster.view.tables["Music"]
            statuses = set()
            for number in range(20):
                key = keys.item_key(table, {"pk": {"S": f"key-{number}"}})
                got = await sent(cluster, OperationCode.PLAIN_GET, key)
                put = await sent(cluster, OperationCode.PLAIN_PUT, put_of(table, number))
                assert got.status is put.status
                statuses.add(put.status)
            assert statuses == {Status.RESULT, Status.REDIRECT}
            other = (table.identifier + 1).to_bytes(4, "big")
            for code, body in (
                (OperationCode.PLAIN_GET, other + b"x" * 12),
                (OperationCode.PLAIN_PUT, (16).to_bytes(2, "big") + bytes(4) + other + bytes(12)),
            ):
                answer = await sent(cluster, code, body)
                assert answer.status is Status.REFUSED
                assert refused_error(answer.body).name() == "ResourceNotFoundException"

    asyncio.run(run())


def put_of(table: Table, number: int) -> bytes:
    item = {"pk": {"S": f"key-{number}"}}
    request = put_item.parse({"TableName": "Music", "Item": item})
    return put_body(keys.item_key(table, item), request)


async def sent(cluster: SmallCluster, code: OperationCode, body: bytes) -> Answer:
    leader = cluster.leader().node_id
    return await wait(cluster.links.request(leader, 1, code, 0, body, 5.0))
