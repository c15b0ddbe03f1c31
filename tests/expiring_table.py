"""A table in one process' parts whose items end by `ends`, for the tests of time to live.

Imported by tests/node. Built on `one_node.Node`, whose clock stands until it is moved.
"""

from __future__ import annotations

from typing import Any

import orjson

from one_node import Node, item, table_body
from stator_core import expiry, item_format, keys

NAME = "Music"


async def enable(node: Node, attribute: str = "ends", *, on: bool = True) -> None:
    """Switch time to live, a moment after whatever was before."""
    node.clock.advance(0.001)
    setting = {"Enabled": on, "AttributeName": attribute}
    await node.call("UpdateTimeToLive", TableName=NAME, TimeToLiveSpecification=setting)


async def expiring(node: Node, **indexes: Any) -> None:
    """Make the table and enable time to live; the index is whole when this returns."""
    await node.create(table_body(NAME, **indexes))
    await enable(node)
    await node.expiries.round()


async def ending(node: Node, pk: str, after_seconds: float | None, **more: Any) -> None:
    """Put an item that ends so long after now; None: never."""
    content = item(pk, **more)
    if after_seconds is not None:
        content["ends"] = {"N": repr(node.clock.now() + after_seconds)}
    await node.call("PutItem", TableName=NAME, Item=content)


def names(node: Node) -> set[str]:
    """The HASH keys of the stored items."""
    table = node.catalog.tables[NAME]
    ((start, end),) = keys.scan_bounds(table, None)
    return {
        keys.stored_key_attributes(table, None, key)["pk"]["S"]
        for key, _ in node.store.cursor("items", start, end)
    }


def entries(node: Node) -> set[bytes]:
    """The keys of the index by expiry, of all tables."""
    return {key for key, _ in node.store.cursor("expiries", b"", b"\xff" * 17)}


def expected_entries(node: Node, attribute: str = "ends") -> set[bytes]:
    """What follows from the stored items."""
    table = node.catalog.tables[NAME]
    ((start, end),) = keys.scan_bounds(table, None)
    found = set()
    for key, stored in node.store.cursor("items", start, end):
        second = expiry.second_of(orjson.loads(item_format.payload_of(key, stored)), attribute)
        if second is not None:
            found.add(expiry.entry_key(table.identifier, second, key))
    return found
