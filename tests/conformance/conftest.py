"""Tables that the tests of one module share; each test keeps to keys of its own.

`make_table` is `create_table` of the upper conftest for a whole module: a table takes longer to
make than most tests run. The tables are deleted when the module is done.
"""

from __future__ import annotations

import itertools
import json
import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import blackbox
from control_plane import ControlPlane
from item_table import ItemTable

MakeTable = Callable[..., ItemTable]
Clock = Callable[[float], float]

numbers = itertools.count()


@pytest.fixture(scope="module")
def make_table(client: Any, connection: blackbox.Connection) -> Iterator[MakeTable]:
    """Create a table with the HASH key `pk` and wait until it is ACTIVE.

    `range_key` is the type of a RANGE key `sk`; `more_keys` are the types of attributes that
    indexes need; further keyword arguments are CreateTable's own members.
    """
    created: list[str] = []

    def make(
        hash_key: str = "S",
        range_key: str | None = None,
        more_keys: dict[str, str] | None = None,
        **members: Any,
    ) -> ItemTable:
        name = f"items.{os.getpid()}.{next(numbers)}"
        kinds = {"pk": hash_key} | ({"sk": range_key} if range_key else {})
        client.create_table(
            TableName=name,
            KeySchema=key_schema(*kinds),
            AttributeDefinitions=[
                {"AttributeName": attribute, "AttributeType": kind}
                for attribute, kind in (kinds | (more_keys or {})).items()
            ],
            **{"BillingMode": "PAY_PER_REQUEST"} | members,
        )
        created.append(name)
        blackbox.wait_for(lambda: is_active(client, name), f"table {name} ACTIVE")
        return ItemTable(client, connection, name)

    yield make
    for name in created:
        client.delete_table(TableName=name)


@pytest.fixture(scope="module")
def table(make_table: MakeTable) -> ItemTable:
    """A table with the HASH key `pk` of type S and nothing else."""
    return make_table()


@pytest.fixture(scope="module", params=["1", "3"], ids=["one process", "three zones"])
def url_of_clock(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """A server whose clock `clock` can move; or the one of `--url`, if there is one."""
    given = request.config.getoption("--url")
    if given:
        yield given
        return
    options = ("--test-clock", "--zones", request.param)
    server = blackbox.Stator(tmp_path_factory.mktemp("stator"), *options).start()
    yield server.url
    server.stop()


@pytest.fixture(scope="module")
def clock(url_of_clock: str) -> Iterator[Clock]:
    """`clock(seconds)` moves the server's time on, and says what time it is."""
    connection = blackbox.Connection(url_of_clock)

    def move(seconds: float) -> float:
        body = json.dumps({"advance_seconds": seconds}).encode()
        answer = connection.send("POST", "/_stator/clock", body, {})
        assert answer.status == 200, answer
        return float(answer.body["now"])

    if connection.send("GET", "/_stator/clock", b"", {}).status != 200:
        pytest.skip("the server under test has no clock to move")
    yield move
    connection.close()


@pytest.fixture(scope="module")
def control(client: Any, connection: blackbox.Connection) -> Iterator[ControlPlane]:
    """The table operations; tables that a module's tests create are deleted when it is done."""
    made = ControlPlane(client, connection)
    yield made
    made.delete_all()


def key_schema(*attributes: str) -> list[dict[str, str]]:
    """The KeySchema of a HASH key and perhaps a RANGE key."""
    roles = ("HASH", "RANGE")
    return [
        {"AttributeName": attribute, "KeyType": role}
        for attribute, role in zip(attributes, roles, strict=False)
    ]


def is_active(client: Any, name: str) -> bool | None:
    """True once the table and its indexes are ACTIVE."""
    described = client.describe_table(TableName=name)["Table"]
    indexes = described.get("GlobalSecondaryIndexes", [])
    statuses = {described["TableStatus"], *(index["IndexStatus"] for index in indexes)}
    return True if statuses == {"ACTIVE"} else None
