"""The asynchronous client: DynamoDB's dicts and exceptions, repetitions that are safe."""

from __future__ import annotations

import asyncio
import inspect
import re
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blackbox import free_port
from small_table import TABLE, SmallTable, running_door
from stator_core import errors
from stator_core.errors import DynamoDBError
from stator_node.client import Client, NotInContract, RetryPolicy
from stator_node.gateway.access_keys import AccessKey, AccessKeys
from stator_node.gateway.grpc import GrpcLimits
from stator_node.gateway.grpc_convert import OPERATIONS
from stator_node.pending import Pending

Scenario = Callable[[Client], Awaitable[None]]
ITEM = {"pk": {"S": "a"}, "data": {"B": b"\x00\xff"}, "sizes": {"NS": ["1", "2"]}, "m": {"M": {}}}


class Pauses(list[float]):
    """Stands in for asyncio.sleep: writes the pauses down and takes none."""

    async def __call__(self, seconds: float) -> None:
        self.append(seconds)


def serve(
    table: SmallTable,
    scenario: Scenario,
    *,
    access_keys: AccessKeys | None = None,
    limits: GrpcLimits | None = None,
    **options: Any,
) -> Pauses:
    """Run the scenario with a client of a door of its own; gives the pauses it made."""
    pauses = Pauses()

    async def run() -> None:
        async with running_door(table, access_keys, limits) as (_, address):
            made = {"tls": False, "chance": lambda: 1.0, "pause": pauses} | options
            async with Client(address, **made) as client:
                await scenario(client)

    asyncio.run(run())
    return pauses


def put(client: Client, key: str, **members: Any) -> Awaitable[dict[str, Any]]:
    return client.put_item(TableName=TABLE, Item={"pk": {"S": key}}, **members)


# ---------------------------------------------------------------------------------- dicts in, out


def test_an_item_returns_as_it_was_put() -> None:
    async def scenario(client: Client) -> None:
        assert await client.put_item(TableName=TABLE, Item=ITEM) == {}
        answer = await client.get_item(TableName=TABLE, Key={"pk": {"S": "a"}})
        assert answer == {"Item": ITEM}

    serve(SmallTable(), scenario)


def test_an_absent_item_is_not_an_empty_one() -> None:
    async def scenario(client: Client) -> None:
        await put(client, "a")
        absent = await client.get_item(TableName=TABLE, Key={"pk": {"S": "b"}})
        empty = await client.get_item(
            TableName=TABLE, Key={"pk": {"S": "a"}}, ProjectionExpression="other"
        )
        assert (absent, empty) == ({}, {"Item": {}})

    serve(SmallTable(), scenario)


def test_every_operation_has_a_method_of_its_name() -> None:
    table = SmallTable()
    answer: Pending[bytes] = Pending()
    answer.resolve(b"{}")
    table.later.extend([answer] * len(OPERATIONS))

    async def scenario(client: Client) -> None:
        for name in OPERATIONS:
            method = getattr(client, re.sub("(?<!^)(?=[A-Z])", "_", name).lower())
            assert inspect.iscoroutinefunction(method)
            await method()

    serve(table, scenario)
    assert [name for name, _, _ in table.asked] == list(OPERATIONS)


def test_a_count_has_no_items_as_dynamodb_leaves_them_out() -> None:
    async def scenario(client: Client) -> None:
        assert await client.scan(TableName=TABLE) == {"Items": [], "Count": 0, "ScannedCount": 0}
        assert await client.scan(TableName=TABLE, Select="COUNT") == {
            "Count": 0,
            "ScannedCount": 0,
        }

    serve(SmallTable(), scenario)


@pytest.mark.parametrize("pages", [Client.scan_pages, Client.query_pages])
def test_pages_follow_one_another_to_the_end(pages: Any) -> None:
    async def scenario(client: Client) -> None:
        for key in "abcde":
            await put(client, key)
        found = [
            [item["pk"]["S"] for item in page["Items"]]
            async for page in pages(client, TableName=TABLE)
        ]
        assert found == [["a", "b"], ["c", "d"], ["e"]]

    serve(SmallTable(), scenario)


# ----------------------------------------------------------------------------------------- errors


def test_an_error_is_the_exception_that_the_core_raised() -> None:
    table = SmallTable()
    table.errors.append(
        errors.ConditionalCheckFailedException(
            "The conditional request failed", Item={"pk": {"B": "AA=="}}
        )
    )

    async def scenario(client: Client) -> None:
        with pytest.raises(errors.ConditionalCheckFailedException) as failed:
            await put(client, "a", ReturnValuesOnConditionCheckFailure="ALL_OLD")
        assert failed.value.message == "The conditional request failed"
        assert failed.value.members == {"Item": {"pk": {"B": b"\0"}}}

    serve(table, scenario)


@pytest.mark.parametrize(
    "old",
    [
        {"pk": {"S": "x" * 400_000}},
        {"l": {"L": [{"M": {"a": {"NULL": True}}}] * 80_000}},  # protobuf's tags outweigh it
    ],
    ids=["one value", "many values"],
)
def test_the_largest_item_of_a_failed_condition_arrives(old: dict[str, Any]) -> None:
    table = SmallTable()
    table.errors.append(errors.ConditionalCheckFailedException("failed", Item=old))

    async def scenario(client: Client) -> None:
        with pytest.raises(errors.ConditionalCheckFailedException) as failed:
            await put(client, "a")
        assert failed.value.members["Item"] == old

    serve(table, scenario)


def test_what_the_contract_cannot_say_is_refused_before_it_is_sent() -> None:
    table = SmallTable()

    async def scenario(client: Client) -> None:
        with pytest.raises(NotInContract, match="'Expected'"):
            await put(client, "a", Expected={})
        with pytest.raises(errors.RequestEntityTooLargeException):
            await put(client, "x" * (16 * 1_048_576))

    serve(table, scenario)
    assert table.asked == []


def test_a_call_out_of_time_is_a_timeout_error() -> None:
    table = SmallTable()
    table.later.extend([Pending(), Pending()])

    async def scenario(client: Client) -> None:
        with pytest.raises(TimeoutError):
            await client.describe_limits(timeout_seconds=0.05)
        with pytest.raises(TimeoutError):
            await client.describe_limits()
        with pytest.raises(TimeoutError):
            await client.describe_limits(timeout_seconds=0)

    serve(table, scenario, timeout_seconds=0.05)
    assert len(table.asked) == 2, "what has no time is not even asked"


def test_nobody_there_is_service_unavailable() -> None:
    async def run() -> None:
        async with running_door(SmallTable()) as (door, address):
            await door.stop(0)
            pauses = Pauses()
            async with Client(address, tls=False, pause=pauses, chance=lambda: 0.0) as client:
                with pytest.raises(errors.ServiceUnavailable):
                    await client.describe_limits()
            assert len(pauses) == RetryPolicy().attempts_max - 1

    asyncio.run(run())


# ------------------------------------------------------------------------------------ repetitions


@pytest.mark.parametrize(
    "cls",
    [
        errors.ThrottlingException,
        errors.ProvisionedThroughputExceededException,
        errors.RequestLimitExceeded,
    ],
)
def test_a_throttled_call_is_repeated_whatever_it_does(cls: type[DynamoDBError]) -> None:
    """The server refused it before it did anything."""
    table = SmallTable()
    table.errors.extend([cls("slow down"), cls("slow down")])

    async def scenario(client: Client) -> None:
        await client.update_item(TableName=TABLE, Key={}, UpdateExpression="ADD c :one")

    pauses = serve(table, scenario)
    assert len(table.asked) == 3
    assert pauses == [0.05, 0.1]


REPEATABLE: list[Callable[[Client], Awaitable[Any]]] = [
    lambda client: put(client, "a"),
    lambda client: put(client, "a", ReturnValues="NONE"),
    lambda client: client.delete_item(TableName=TABLE, Key={}),
    lambda client: client.get_item(TableName=TABLE, Key={"pk": {"S": "a"}}),
    lambda client: client.query(TableName=TABLE),
    lambda client: client.batch_write_item(),
    lambda client: client.list_tables(),
]
ONCE_ONLY: list[Callable[[Client], Awaitable[Any]]] = [
    lambda client: put(client, "a", ConditionExpression="attribute_not_exists(pk)"),
    lambda client: put(client, "a", ReturnValues="ALL_OLD"),
    lambda client: client.delete_item(TableName=TABLE, Key={}, ConditionExpression="a = :a"),
    lambda client: client.update_item(TableName=TABLE, Key={}),
    lambda client: client.create_table(TableName=TABLE),
    lambda client: client.delete_table(TableName=TABLE),
]


@pytest.mark.parametrize("number", range(len(REPEATABLE)))
def test_a_broken_call_is_repeated_where_twice_is_as_once(number: int) -> None:
    table = SmallTable()
    table.errors.append(errors.ServiceUnavailable("gone"))

    async def scenario(client: Client) -> None:
        await REPEATABLE[number](client)

    serve(table, scenario)
    assert len(table.asked) == 2


@pytest.mark.parametrize("number", range(len(ONCE_ONLY)))
def test_a_broken_call_that_may_have_changed_something_is_not_repeated(number: int) -> None:
    table = SmallTable()
    table.errors.append(errors.ServiceUnavailable("gone"))

    async def scenario(client: Client) -> None:
        with pytest.raises(errors.ServiceUnavailable):
            await ONCE_ONLY[number](client)

    serve(table, scenario)
    assert len(table.asked) == 1


@pytest.mark.parametrize(
    "cls", [errors.ValidationException, errors.InternalServerError, errors.LimitExceededException]
)
def test_an_error_that_would_come_again_is_not_repeated(cls: type[DynamoDBError]) -> None:
    table = SmallTable()
    table.errors.append(cls("no"))

    async def scenario(client: Client) -> None:
        with pytest.raises(cls):
            await client.describe_limits()

    serve(table, scenario)
    assert len(table.asked) == 1


def test_a_full_server_does_not_count_as_a_throttle() -> None:
    """gRPC refuses without DynamoDB's word that nothing was done: only what is harmless repeats."""
    table = SmallTable()
    blocking: Pending[bytes] = Pending()
    table.later.append(blocking)

    async def scenario(client: Client) -> None:
        waiting = asyncio.ensure_future(client.describe_limits())
        while not table.asked:  # noqa: ASYNC110  # the other side of a socket
            await asyncio.sleep(0.001)
        with pytest.raises(errors.ServiceUnavailable):
            await client.update_item(TableName=TABLE, Key={})
        blocking.resolve(b"{}")
        await waiting

    pauses = serve(table, scenario, limits=GrpcLimits(requests_max=1))
    assert pauses == []


def test_repetitions_end_after_so_many_and_within_the_time() -> None:
    table = SmallTable()
    table.errors.extend([errors.ThrottlingException("slow down")] * 10)

    async def scenario(client: Client) -> None:
        with pytest.raises(errors.ThrottlingException):
            await client.describe_limits()
        with pytest.raises(errors.ThrottlingException):
            await client.describe_limits(timeout_seconds=0.04)  # The first pause is longer.

    pauses = serve(table, scenario, retry=RetryPolicy(attempts_max=3))
    assert len(table.asked) == 3 + 1
    assert pauses == [0.05, 0.1]


@given(st.integers(1, 1_000), st.floats(0, 1, exclude_max=True))
def test_a_pause_is_a_part_of_a_bounded_time(failures: int, chance: float) -> None:
    policy = RetryPolicy()
    assert 0 <= policy.pause_seconds(failures, chance) <= policy.seconds_max
    assert policy.pause_seconds(failures, 0.0) == 0


# --------------------------------------------------------------------------------- authentication


def test_a_client_with_the_right_key_is_let_in() -> None:
    table = SmallTable()
    keys = AccessKeys({"ASIA": AccessKey("ASIA", "secret", session_token="token")})

    async def scenario(client: Client) -> None:
        await put(client, "a")

    options = {"access_key_id": "ASIA", "secret_access_key": "secret", "session_token": "token"}
    serve(table, scenario, access_keys=keys, **options)
    assert table.asked[0][2].access_key == "ASIA"


def test_a_client_with_a_wrong_key_or_none_is_not() -> None:
    keys = AccessKeys({"AKID": AccessKey("AKID", "secret")})

    async def wrong(client: Client) -> None:
        with pytest.raises(errors.InvalidSignatureException):
            await put(client, "a")

    async def none(client: Client) -> None:
        with pytest.raises(errors.MissingAuthenticationTokenException):
            await put(client, "a")

    table = SmallTable()
    serve(table, wrong, access_keys=keys, access_key_id="AKID", secret_access_key="guessed")
    serve(table, none, access_keys=keys)
    assert table.asked == []


@pytest.mark.parametrize("halves", [("AKID", None), (None, "secret"), ("schlüssel", "secret")])
def test_half_a_key_is_refused_at_once(halves: tuple[str | None, str | None]) -> None:
    with pytest.raises(ValueError, match="access"):
        Client("localhost:1", *halves, tls=False)


def test_a_server_that_was_away_is_found_again_soon() -> None:
    """However long it was away: by themselves, gRPC's pauses grow with that."""
    port, away_seconds, found_seconds = free_port(), 5.5, 2.0

    async def scenario(client: Client) -> None:
        back = time.monotonic() + away_seconds
        while time.monotonic() < back:
            with pytest.raises(errors.ServiceUnavailable):
                await put(client, "a")
            await asyncio.sleep(0.05)
        async with running_door(SmallTable(), port=port):
            while not await is_put(client):
                assert time.monotonic() - back < found_seconds

    async def run() -> None:
        once = RetryPolicy(attempts_max=1)
        async with Client(f"127.0.0.1:{port}", tls=False, retry=once) as client:
            await scenario(client)

    asyncio.run(run())


async def is_put(client: Client) -> bool:
    try:
        await put(client, "a")
    except errors.ServiceUnavailable:
        await asyncio.sleep(0.05)
        return False
    return True
