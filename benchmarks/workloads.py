"""What is asked of every server: three tables, and five ways to use them.

`prepare` makes and fills the tables, `requests` builds one workload's signed requests, `check`
looks at one answer of each kind, so that nothing is measured that does not do the work. Choices are
drawn from a fixed seed: every server is asked the same things in the same order.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from typing import Any

from load import Connections, Signer, ask

SEED = 20_26
ITEMS = 10_000
PARTITIONS = 1_000
ITEMS_EACH = 10
REQUESTS = 10_000  # signed in advance and sent round and round
BATCH = 25
READY_SECONDS = 30.0

# 1 KB by DynamoDB's count: names and values, here with an attribute of most kinds.
PAYLOAD_BYTES = 860

Request = tuple[str, dict[str, Any]]


def key_of(number: int) -> dict[str, str]:
    return {"S": f"customer#{number:08d}"}


def item(number: int, payload_bytes: int = PAYLOAD_BYTES) -> dict[str, Any]:
    return {
        "id": key_of(number),
        "name": {"S": f"Customer number {number}"},
        "balance": {"N": f"{number}.25"},
        "active": {"BOOL": True},
        "tags": {"L": [{"S": "new"}, {"S": "north"}]},
        "address": {"M": {"city": {"S": "Utrecht"}, "zip": {"S": "3511"}}},
        "payload": {"S": "x" * payload_bytes},
    }


def event(partition: int, number: int) -> dict[str, Any]:
    return {
        "id": key_of(partition),
        "at": {"N": str(1_700_000_000 + number)},
        "kind": {"S": "page-view"},
        "path": {"S": f"/catalogue/{number}"},
    }


def put_item(number: int) -> Request:
    return "PutItem", {"TableName": "items", "Item": item(number % ITEMS)}


def get_item(number: int) -> Request:
    return "GetItem", {"TableName": "items", "Key": {"id": key_of(number % ITEMS)}}


def update_item(number: int) -> Request:
    return "UpdateItem", {
        "TableName": "counters",
        "Key": {"id": key_of(number % PARTITIONS)},
        "UpdateExpression": "ADD hits :one",
        "ExpressionAttributeValues": {":one": {"N": "1"}},
    }


def query(number: int) -> Request:
    return "Query", {
        "TableName": "events",
        "KeyConditionExpression": "id = :id",
        "ExpressionAttributeValues": {":id": key_of(number % PARTITIONS)},
    }


def mix(number: int) -> Request:
    """Half reads of an item, a quarter writes, the rest counters and queries."""
    kinds = (get_item, put_item, get_item, update_item, get_item, put_item, get_item, query)
    return kinds[number % len(kinds)](number)


WORKLOADS: dict[str, Callable[[int], Request]] = {
    "PutItem 1 KB": put_item,
    "GetItem 1 KB": get_item,
    "UpdateItem counter": update_item,
    "Query of ten": query,
    "mix": mix,
}


def requests(name: str, signer: Signer, count: int = REQUESTS) -> list[bytes]:
    """Signed requests of one workload, in an order drawn from the seed."""
    chance = random.Random(SEED)
    workload = WORKLOADS[name]
    if name == "mix":
        # The kinds keep their turns; the keys are drawn.
        numbers = [chance.randrange(ITEMS // 8) * 8 + turn % 8 for turn in range(count)]
    else:
        numbers = [chance.randrange(ITEMS) for _ in range(count)]
    return [signer.request(*workload(number)) for number in numbers]


def requests_of(workload: Callable[[int], Request], signer: Signer) -> list[bytes]:
    """Signed requests of a workload of the caller's own, of keys drawn from the seed."""
    chance = random.Random(SEED)
    return [signer.request(*workload(chance.randrange(ITEMS))) for _ in range(REQUESTS)]


def create_table(port: int, signer: Signer, name: str, range_key: str | None = None) -> None:
    """Make a table and wait until it is ACTIVE."""
    keys = [("id", "S", "HASH")] + ([(range_key, "N", "RANGE")] if range_key else [])
    ask(
        port,
        signer,
        "CreateTable",
        {
            "TableName": name,
            "KeySchema": [{"AttributeName": key, "KeyType": role} for key, _, role in keys],
            "AttributeDefinitions": [
                {"AttributeName": key, "AttributeType": kind} for key, kind, _ in keys
            ],
            "BillingMode": "PAY_PER_REQUEST",
        },
    )
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        table = ask(port, signer, "DescribeTable", {"TableName": name})["Table"]
        if table["TableStatus"] == "ACTIVE":
            return
        time.sleep(0.02)
    raise TimeoutError(f"table {name} did not become ACTIVE")


def batches(table: str, items: Iterator[dict[str, Any]]) -> Iterator[Request]:
    puts: list[dict[str, Any]] = []
    for one in items:
        puts.append({"PutRequest": {"Item": one}})
        if len(puts) == BATCH:
            yield "BatchWriteItem", {"RequestItems": {table: puts}}
            puts = []
    if puts:
        yield "BatchWriteItem", {"RequestItems": {table: puts}}


def fill(port: int, signer: Signer, table: str, items: Iterator[dict[str, Any]]) -> None:
    """Write the items in batches over a few connections. Raises RuntimeError for any error."""
    connections = Connections(port, 4)
    try:
        signed: list[bytes] = []
        for request in batches(table, items):
            signed.append(signer.request(*request))
            if len(signed) == 400:
                _send_all(connections, signed)
                signed = []
        if signed:
            _send_all(connections, signed)
    finally:
        connections.close()


def _send_all(connections: Connections, signed: list[bytes]) -> None:
    outcome = connections.run(signed, seconds=600.0, limit=len(signed))
    if outcome.errors:
        raise RuntimeError(f"filling a table failed: {outcome.first_error!r}")


def prepare(port: int, signer: Signer) -> None:
    """Everything that the workloads read."""
    create_table(port, signer, "items")
    create_table(port, signer, "counters")
    create_table(port, signer, "events", range_key="at")
    fill(port, signer, "items", (item(number) for number in range(ITEMS)))
    events = (event(p, n) for p in range(PARTITIONS) for n in range(ITEMS_EACH))
    fill(port, signer, "events", events)


def check(port: int, signer: Signer) -> None:
    """Raise AssertionError unless the server does what the workloads take for granted."""
    ask(port, signer, *put_item(7))
    assert ask(port, signer, *get_item(7))["Item"]["id"] == key_of(7)
    ask(port, signer, *update_item(7))
    found = ask(port, signer, *query(7))
    assert found["Count"] == ITEMS_EACH, found
    assert [one["id"] for one in found["Items"]] == [key_of(7)] * ITEMS_EACH
