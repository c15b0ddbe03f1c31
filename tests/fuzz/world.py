"""A whole Stator without doors or disk, rebuilt for every input, and what must hold in it.

Used by `targets.py`. `World.execute` does what a door does between parsing and answering: it
hands a body to the router and takes bytes or a DynamoDBError. Anything else that comes out, an
InternalServerError among it, is a finding. `check` looks at what the requests left behind: every
stored item is canonical and of the size its header says, every index holds exactly the entries that
follow from its table, and the size kept of each item collection is right.
"""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Coroutine, Iterator
from itertools import count
from typing import Any

import orjson

from stator_core import item, item_format, keys
from stator_core.clock import HybridClock
from stator_core.errors import DynamoDBError, InternalServerError
from stator_core.indexes import index_change
from stator_core.requests import create_table
from stator_core.table import Index, Table
from stator_core.table_status import table_active
from stator_node.catalog import Catalog
from stator_node.doors import Caller, Family
from stator_node.group_commit import GroupCommit
from stator_node.local_streams import LocalStreams
from stator_node.local_table_work import LocalTableWork
from stator_node.memory import ManualClock, MemoryItemStore
from stator_node.pending import Pending, wait
from stator_node.replica import Replica
from stator_node.router import Router
from stator_node.stream_operations import StreamOperations
from stator_node.table_life import TableLife
from stator_node.table_statistics import TableCounter

ACCOUNT = "000000000000"
REGION = "us-east-1"
CALLER = Caller("AKIAEXAMPLE", ACCOUNT, REGION, "127.0.0.1:8000")
ACTIVE_TURNS_MAX = 200  # of the loop, until every table rests


def table_body(name: str, **members: Any) -> dict[str, Any]:
    """CreateTable of a table with every kind of index."""
    types = {"pk": "S", "sk": "N", "a": "S", "b": "B"}
    projection = {"ProjectionType": "ALL"}
    return {
        "TableName": name,
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [
            {"AttributeName": attribute, "AttributeType": kind} for attribute, kind in types.items()
        ],
        "KeySchema": key_schema("pk", "sk"),
        "LocalSecondaryIndexes": [
            {"IndexName": "local", "KeySchema": key_schema("pk", "a"), "Projection": projection},
            {
                "IndexName": "lean",
                "KeySchema": key_schema("pk", "b"),
                "Projection": {"ProjectionType": "KEYS_ONLY"},
            },
        ],
        "GlobalSecondaryIndexes": [
            {
                "IndexName": "global",
                "KeySchema": key_schema("a", "sk"),
                "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["c"]},
            },
        ],
        **members,
    }


def key_schema(*names: str) -> list[dict[str, str]]:
    return [
        {"AttributeName": name, "KeyType": kind}
        for name, kind in zip(names, ("HASH", "RANGE"), strict=False)
    ]


SIMPLE_TABLE = {
    "TableName": "Simple",
    "BillingMode": "PAY_PER_REQUEST",
    "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
    "KeySchema": key_schema("pk"),
}

# A table with a stream, beside the others so that streams may be enabled there.
FEED_TABLE = {
    **SIMPLE_TABLE,
    "TableName": "Feed",
    "StreamSpecification": {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
}

ITEMS: tuple[dict[str, Any], ...] = (
    {"pk": {"S": "p"}, "sk": {"N": "1"}, "a": {"S": "x"}, "b": {"B": "YQ=="}, "c": {"N": "3"}},
    {"pk": {"S": "p"}, "sk": {"N": "2"}, "a": {"S": "y"}, "c": {"L": [{"N": "1"}, {"S": "z"}]}},
    {"pk": {"S": "p"}, "sk": {"N": "-3.5"}, "m": {"M": {"n": {"M": {"o": {"SS": ["u", "v"]}}}}}},
    {"pk": {"S": "q"}, "sk": {"N": "0"}, "a": {"S": "x"}, "s": {"NS": ["1", "2"]}},
)


def run(work: Coroutine[Any, Any, None]) -> None:
    """Run one input to its end on a loop of the process."""
    LOOP.run_until_complete(work)


class World:
    """One server: two tables, a few items, and nothing that survives the input."""

    def __init__(self) -> None:
        self.store = copy.deepcopy(_STORE)
        self.store.get = self.store._values["items"].get  # the copy's own
        clock = ManualClock()
        loop = asyncio.get_running_loop()
        self.catalog = Catalog(self.store)
        counter = TableCounter(self.store, clock)
        commit = GroupCommit(self.store, loop, clock, sync=False)
        self.replica = Replica(commit, loop, clock, HybridClock(), counter.writes)
        self.tables = TableLife(
            self.catalog,
            LocalTableWork(self.catalog, self.replica, counter),
            clock,
            delay_seconds=0.0,
            account=ACCOUNT,
        )
        streams = LocalStreams(self.catalog, commit, clock)
        self.router = Router(
            self.catalog, self.replica, self.tables, StreamOperations(streams, clock)
        )

    async def execute(self, operation: str, body: dict[str, Any]) -> Any:
        """The JSON answer, or the DynamoDBError. Raises whatever else comes."""
        try:
            answer = self.router.execute(operation, body, CALLER)
            if isinstance(answer, Pending):
                answer = await wait(answer)
        except InternalServerError:
            raise
        except DynamoDBError as error:
            orjson.dumps(error.body())
            return error
        return orjson.loads(answer) if answer else None

    async def rest(self) -> None:
        """Let the tables come to rest."""
        for _ in range(ACTIVE_TURNS_MAX):
            if not self.tables._tasks:
                return
            await asyncio.sleep(0)
        raise AssertionError("tables do not come to rest")

    async def close(self) -> None:
        await self.tables.stop()
        self.replica.commit.close()

    def check(self) -> None:
        """What must hold whatever was asked."""
        for table in self.catalog.tables.values():
            items = list(self._items(table))
            for index in table.global_indexes:
                expected = dict(_entries(table, index, items))
                assert self._found(table, index) == expected, (table.name, index.name)
            if table.local_indexes:
                assert self._found(table, table.local_indexes[0]) == _beside(table, items)

    def _found(self, table: Table, index: Index) -> dict[bytes, Any]:
        """The stored entries of a global index; or all that stands beside a table's items."""
        found: dict[bytes, Any] = {}
        family: Family = "items" if index.is_global else "indexes"
        for start, end in keys.scan_bounds(table, index, 0, 1):
            for key, stored in self.store.cursor(family, start, end):
                if index.is_global or any(keys.is_entry_of(each, key) for each in table.indexes):
                    found[key] = orjson.loads(item_format.read(key, stored).payload)
                else:
                    found[key] = int.from_bytes(stored, "big")
        return found

    def _items(self, table: Table) -> Iterator[item.Item]:
        for start, end in keys.scan_bounds(table, None, 0, 1):
            for key, stored in self.store.cursor("items", start, end):
                read = item_format.read(key, stored)
                content = orjson.loads(read.payload)
                assert item.validate_item(content) == read.size
                assert orjson.dumps(content) == read.payload, "an item was stored uncanonically"
                assert keys.item_key(table, content) == key
                yield content


def _entries(
    table: Table, index: Index, items: list[item.Item]
) -> Iterator[tuple[bytes, item.Item]]:
    """The entries that follow from the items."""
    for content in items:
        change = index_change(table, index, None, content)
        if change is not None and change.put_key is not None and change.entry is not None:
            yield change.put_key, change.entry


def _beside(table: Table, items: list[item.Item]) -> dict[bytes, Any]:
    """The entries of all local indexes, and how many bytes each item collection has with them."""
    expected: dict[bytes, Any] = {}
    for index in table.local_indexes:
        expected |= dict(_entries(table, index, items))
    sizes: dict[bytes, int] = {}
    for content in items:
        counter = keys.collection_counter_key(table, content)
        changes = [index_change(table, index, None, content) for index in table.local_indexes]
        local = sum(change.entry_size for change in changes if change is not None)
        sizes[counter] = sizes.get(counter, 0) + item.item_size(content) + local
    return expected | sizes


async def _prepare() -> MemoryItemStore:
    """The store that every world starts from."""
    store = MemoryItemStore()
    catalog = Catalog(store)
    table_ids, identifiers = count(1), catalog.identifiers()
    for body in (table_body("Music"), SIMPLE_TABLE):
        request = create_table.parse(copy.deepcopy(body))
        table_id = f"00000000-0000-0000-0000-{next(table_ids):012}"
        table = request.table(identifiers, table_id, 1_700_000_000.0, REGION, ACCOUNT)
        catalog.save(table_active(table))
    loop = asyncio.get_running_loop()
    commit = GroupCommit(store, loop, ManualClock(), sync=False)
    replica = Replica(commit, loop, ManualClock(), HybridClock(), {})
    router = Router(
        catalog,
        replica,
        TableLife(
            catalog,
            LocalTableWork(catalog, replica, TableCounter(store, ManualClock())),
            ManualClock(),
            delay_seconds=0.0,
            account=ACCOUNT,
        ),
        StreamOperations(LocalStreams(catalog, commit, ManualClock()), ManualClock()),
    )
    for content in ITEMS:
        body = {"TableName": "Music", "Item": copy.deepcopy(content)}
        answer = router.execute("PutItem", body, CALLER)
        assert isinstance(answer, Pending)
        await wait(answer)
    replica.commit.close()
    return store


async def _add_feed() -> dict[str, Any]:
    """Make FEED_TABLE with a record in its stream. Gives what a reader of the stream asks with."""
    world = World()
    await world.execute("CreateTable", copy.deepcopy(FEED_TABLE))
    await world.rest()
    await world.execute("PutItem", {"TableName": "Feed", "Item": {"pk": {"S": "k"}}})
    (stream,) = (await world.execute("ListStreams", {}))["Streams"]
    asked = {"StreamArn": stream["StreamArn"]}
    described = await world.execute("DescribeStream", asked)
    asked["ShardId"] = described["StreamDescription"]["Shards"][0]["ShardId"]
    begin = {**asked, "ShardIteratorType": "TRIM_HORIZON"}
    asked |= await world.execute("GetShardIterator", begin)
    await world.close()
    _STORE._values.update(world.store._values)
    _STORE._keys.update(world.store._keys)
    return asked


LOOP = asyncio.new_event_loop()
_STORE = LOOP.run_until_complete(_prepare())
FEED: dict[str, Any] = LOOP.run_until_complete(_add_feed())
