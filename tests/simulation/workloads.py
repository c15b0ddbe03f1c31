"""Seeded clients of a simulated cluster, and the history of what they did and saw.

Each client is a coroutine in a gateway's loop: it picks a key and an operation, sends the body that
a DynamoDB client would send through the gateway's router, and writes invocation and return into a
`History`. A client of a gateway that dies never hears of its last operation; the gateway's next
life has clients of other names. Two tables: `spread`, which may split, and `followed`, whose local
and global index must always be a function of its items.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from simulation.cluster_world import CONSOLE, Gateway
from simulation.history import Event
from simulation.world import World
from stator_core import keys
from stator_core.errors import (
    ConditionalCheckFailedException,
    DynamoDBError,
    InternalServerError,
    ResourceNotFoundException,
    ServiceUnavailable,
    ThrottlingException,
)
from stator_core.table import (
    Index,
    IndexProjection,
    KeyAttribute,
    KeySchema,
    StreamSpecification,
    Table,
)
from stator_node.doors import Caller
from stator_node.pending import Pending, wait

CALLER = Caller("AKIASIMULATED", "000000000000", "eu-central-1")
HASH = KeyAttribute("pk", "S")
RANGE = KeyAttribute("sk", "S")
VALUE = KeyAttribute("value", "S")


def make_table(name: str, identifier: int, **members: Any) -> Table:
    """A table of the simulated world, with keys pk and sk."""
    return Table(
        name=name,
        identifier=identifier,
        table_id=f"00000000-0000-0000-0000-{identifier:012d}",
        arn=f"arn:aws:dynamodb:eu-central-1:000000000000:table/{name}",
        key_schema=KeySchema((HASH,), (RANGE,)),
        created=0.0,
        status="ACTIVE",
        billing_mode="PAY_PER_REQUEST",
        **members,
    )


def _index(name: str, kind: Any, identifier: int, hash_: KeyAttribute, range_: Any) -> Index:
    schema = KeySchema((hash_,), (range_,))
    return Index(name, kind, identifier, schema, IndexProjection("ALL"))


SPREAD = make_table("spread", 1, attribute_definitions=(HASH, RANGE))
FOLLOWED = make_table(
    "followed",
    2,
    attribute_definitions=(HASH, RANGE, VALUE),
    local_indexes=(_index("local", "LOCAL", 3, HASH, VALUE),),
    global_indexes=(_index("global", "GLOBAL", 4, VALUE, RANGE),),
)
TABLES = (SPREAD, FOLLOWED)
# With a stream from its beginning: the feed serves that and the index.
STREAMED = FOLLOWED.changed(
    stream=StreamSpecification(True, "KEYS_ONLY"),
    latest_stream_label="2027-01-15T08:00:00.000",
)

# What is done to keys of a kind, and how often. Registers and counters apart are what
# `no_lost_write_checker.py` can judge; `mixed` is for the search alone.
KINDS: dict[str, dict[str, int]] = {
    "register": {"read": 4, "write": 3, "put_if_absent": 1, "compare_and_set": 2, "delete": 1},
    "counter": {"read": 2, "add": 4},
    "mixed": {"read": 4, "write": 2, "compare_and_set": 1, "add": 3, "delete": 1},
}
# Partition keys of the table with indexes: some items are together, and a split parts some.
FOLLOWED_KEYS = {"register": "one", "counter": "two", "mixed": "one"}


@dataclass(frozen=True, slots=True)
class Key:
    """A key of the history and where it lies."""

    name: str
    kind: str
    table: Table
    pk: str

    @property
    def attributes(self) -> dict[str, Any]:
        return {"pk": {"S": self.pk}, "sk": {"S": self.name}}

    @property
    def place(self) -> int:
        """In the hash space."""
        return keys.hash_place(self.table, self.attributes)


def keys_of(count: int) -> list[Key]:
    """So many keys for each kind in the table that splits, and half as many in the other."""
    found = []
    for kind in KINDS:
        found += [Key(f"{kind}-{n}", kind, SPREAD, f"{kind}-{n}") for n in range(count)]
        followed = range(max(1, count // 2))
        pk = FOLLOWED_KEYS[kind]
        found += [Key(f"followed-{kind}-{n}", kind, FOLLOWED, pk) for n in followed]
    return found


class Workload:
    """The clients of all gateways. `events` is the history; `outcomes` counts what came of it."""

    def __init__(
        self, world: World, keys: list[Key], *, clients: int, pause_seconds: float
    ) -> None:
        """`clients` for each gateway, each with a mean pause between two operations."""
        self.world = world
        self.keys = keys
        self.events: list[Event] = []
        self.outcomes: dict[str, int] = {}
        self.on_event: Callable[[Event], None] = lambda _: None
        self._clients = clients
        self._pause_seconds = pause_seconds
        self._begun = False
        self.ended = False
        self._names = 0
        self._values = 0
        self._tasks: list[asyncio.Task[None]] = []
        self._last_seen: dict[str, Any] = {}
        self._open: dict[str, asyncio.AbstractEventLoop] = {}  # by process: who waits

    def begin(self, gateways: Mapping[str, Gateway]) -> None:
        """Clients come to every gateway."""
        self._begun = True
        for name, gateway in gateways.items():
            self.world.nodes[name].loop.call_soon(self.arrive, gateway)

    def arrive(self, gateway: Gateway) -> None:
        """A gateway has begun a life: its clients come, if it is time. Called in its loop."""
        if gateway.name == CONSOLE or self.ended or not self._begun:
            return
        loop = asyncio.get_running_loop()
        for _ in range(self._clients):
            self._names += 1
            client = self._client(gateway, f"{gateway.name}-{self._names}")
            self._tasks.append(loop.create_task(client))

    def end(self) -> None:
        """No new operations."""
        self.ended = True

    @property
    def idle(self) -> bool:
        """Whether nobody waits for an answer any more."""
        return all(loop.is_closed() for loop in self._open.values())

    async def _client(self, gateway: Gateway, process: str) -> None:
        chance = self.world.random
        while True:
            await asyncio.sleep(chance.expovariate(1.0 / self._pause_seconds))
            if self.ended:
                return
            key = chance.choice(self.keys)
            weights = KINDS[key.kind]
            name = chance.choices(list(weights), list(weights.values()))[0]
            argument = self._argument(name, key)
            self._open[process] = asyncio.get_running_loop()
            self._append(
                {
                    "event": "invoke",
                    "process": process,
                    "operation": name,
                    "key": key.name,
                    "argument": argument,
                }
            )
            outcome, result = await self._do(gateway, name, key, argument)
            del self._open[process]
            self.outcomes[outcome] = self.outcomes.get(outcome, 0) + 1
            self._append(
                {"event": "return", "process": process, "outcome": outcome, "result": result}
            )

    def _append(self, event: Event) -> None:
        event["time"] = self.world.stamp()
        self.world.record(
            event["process"],
            event["event"],
            event.get("operation", event.get("outcome")),
            event.get("key", event.get("result")),
            event.get("argument"),
        )
        self.events.append(event)

    def _argument(self, name: str, key: Key) -> Any:
        self._values += 1
        value = f"v{self._values}"
        if name in ("write", "put_if_absent"):
            return value
        if name == "compare_and_set":
            return [self._last_seen.get(key.name, "v0"), value]
        return self.world.random.choice((1, 2, 5)) if name == "add" else None

    async def _do(self, gateway: Gateway, name: str, key: Key, argument: Any) -> tuple[str, Any]:
        operation, body = request_of(name, key, argument)
        try:
            answer = orjson.loads(await execute(gateway, operation, body))
        except ConditionalCheckFailedException:
            return "ok", False
        except (ServiceUnavailable, ResourceNotFoundException, ThrottlingException):
            return "not_done", None  # The gateway says that it was not begun, and is held to it.
        except InternalServerError:
            return "unknown", None
        if name == "read":
            item = item_of(answer.get("Item"))
            if item is not None and item.get("value") is not None:
                self._last_seen[key.name] = item["value"]
            return "ok", item
        if name == "add":
            return "ok", int(answer["Attributes"]["count"]["N"])
        return "ok", True if name in ("put_if_absent", "compare_and_set") else None


def request_of(name: str, key: Key, argument: Any) -> tuple[str, dict[str, Any]]:
    """The DynamoDB operation and its body."""
    body: dict[str, Any] = {"TableName": key.table.name}
    attributes = key.attributes
    if name == "read":
        return "GetItem", {**body, "Key": attributes, "ConsistentRead": True}
    if name == "delete":
        return "DeleteItem", {**body, "Key": attributes}
    if name == "add":
        return "UpdateItem", {
            **body,
            "Key": attributes,
            "UpdateExpression": "ADD #count :n",
            "ExpressionAttributeNames": {"#count": "count"},
            "ExpressionAttributeValues": {":n": {"N": str(argument)}},
            "ReturnValues": "UPDATED_NEW",
        }
    value = argument[1] if name == "compare_and_set" else argument
    body["Item"] = {**attributes, "value": {"S": value}}
    if name == "put_if_absent":
        body["ConditionExpression"] = "attribute_not_exists(pk)"
    elif name == "compare_and_set":
        body["ConditionExpression"] = "#value = :expected"
        body["ExpressionAttributeNames"] = {"#value": "value"}
        body["ExpressionAttributeValues"] = {":expected": {"S": argument[0]}}
    return "PutItem", body


def item_of(stored: dict[str, Any] | None) -> dict[str, Any] | None:
    """An item as the history shows it."""
    if stored is None:
        return None
    item: dict[str, Any] = {}
    if "value" in stored:
        item["value"] = stored["value"]["S"]
    if "count" in stored:
        item["count"] = int(stored["count"]["N"])
    return item


async def execute(gateway: Gateway, operation: str, body: dict[str, Any]) -> bytes:
    """One operation through a gateway. Raises DynamoDBError."""
    answer = gateway.router.execute(operation, body, CALLER)
    return await wait(answer) if isinstance(answer, Pending) else answer


async def execute_until_done(gateway: Gateway, operation: str, body: dict[str, Any]) -> Any:
    """The same, again and again while it is unavailable: for reads, when all is calm."""
    while True:
        try:
            return orjson.loads(await execute(gateway, operation, body))
        except DynamoDBError as error:
            if not isinstance(
                error, ServiceUnavailable | InternalServerError | ResourceNotFoundException
            ):
                raise
        await asyncio.sleep(0.2)
