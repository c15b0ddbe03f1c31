"""Clients' changes of tables, taken up into objects, with a real supervisor behind the operator."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from aiohttp import web

from pretended_api import Asked, refusal
from real_supervisor import NAMESPACE, Kept, play
from stator_core import desired_table, table_steps
from stator_core.errors import DynamoDBError, ResourceInUseException, ValidationException
from stator_operator.kubernetes_errors import ApiError
from stator_operator.table_object import FINALIZER
from stator_operator.table_request import desired_body
from table_bodies import attributes, create_body, index

BODY = create_body(TableName="music")
TAGS = [{"Key": "team", "Value": "records"}]
ADD = {
    "TableName": "music",
    "AttributeDefinitions": attributes(a="S"),
    "GlobalSecondaryIndexUpdates": [{"Create": index("by-a", "a")}],
}
WRITES_MAX = 12


async def asked(kept: Kept, operation: str, **body: Any) -> Any:
    """The answer to a client's request that the operator takes up."""
    answer = kept.client(operation, **body)
    await asyncio.sleep(0)
    await kept.listener.once(NAMESPACE, "default")
    return await answer


def agrees(kept: Kept) -> bool:
    """Whether the object says what the table is."""
    desired = desired_table.parse(desired_body(kept.object()["spec"]))
    step = table_steps.next_step(desired, kept.cluster.catalog.tables["music"])
    return not isinstance(step, table_steps.Step)


def test_what_boto3_makes_kubectl_sees_and_both_ways() -> None:
    async def scene(kept: Kept) -> None:
        answer = await asked(kept, "CreateTable", **BODY)
        assert answer["TableDescription"]["TableStatus"] == "CREATING"
        assert kept.object()["spec"]["pool"] == "default"
        await kept.until_rest()
        assert agrees(kept)

        arn = kept.cluster.catalog.tables["music"].arn
        await asked(kept, "TagResource", ResourceArn=arn, Tags=TAGS)
        ttl = {"AttributeName": "ends", "Enabled": True}
        await asked(kept, "UpdateTimeToLive", TableName="music", TimeToLiveSpecification=ttl)
        answer = await asked(kept, "UpdateTable", **ADD)
        assert answer["TableDescription"]["TableStatus"] == "UPDATING"
        assert agrees(kept)
        await kept.until_rest()
        assert kept.object()["spec"]["timeToLive"] == {"attributeName": "ends", "enabled": True}
        assert agrees(kept)

        drop = [{"Delete": {"IndexName": "by-a"}}]
        await asked(kept, "UpdateTable", TableName="music", GlobalSecondaryIndexUpdates=drop)
        await asked(kept, "UntagResource", ResourceArn=arn, TagKeys=["team"])
        await kept.until_rest()
        assert agrees(kept)
        assert "globalSecondaryIndexes" not in kept.object()["spec"]

    play(scene)


def test_a_clients_deletion_takes_items_and_object_along() -> None:
    async def scene(kept: Kept) -> None:
        await asked(kept, "CreateTable", **BODY)
        await kept.until_rest()
        answer = await asked(kept, "DeleteTable", TableName="music")
        assert answer["TableDescription"]["TableStatus"] == "DELETING"
        assert kept.object()["metadata"]["finalizers"] == [FINALIZER]
        await kept.until(lambda: kept.server.of("Table") == [])
        assert kept.cluster.catalog.tables == {}

        await asked(kept, "CreateTable", **BODY)
        await kept.until_rest()

    play(scene)


def test_a_name_that_another_object_wants_is_in_use() -> None:
    async def scene(kept: Kept) -> None:
        kept.put_table("films", tableName="music")  # Not looked at yet: there is no table.
        with pytest.raises(ResourceInUseException, match="Table already exists: music"):
            await asked(kept, "CreateTable", **BODY)
        assert kept.cluster.catalog.tables == {}

    play(scene)


def test_a_name_that_another_tables_object_has_is_gone_around() -> None:
    async def scene(kept: Kept) -> None:
        kept.put_table("music", tableName="Films")
        await asked(kept, "CreateTable", **BODY)
        (made,) = [each for each in kept.server.of("Table") if each["spec"]["tableName"] == "music"]
        assert made["metadata"]["name"].startswith("music-")

    play(scene)


def test_a_tables_own_pool_takes_no_other_table() -> None:
    async def scene(kept: Kept) -> None:
        pool = kept.server.objects["storagepools", NAMESPACE, "default"]
        owner = {"kind": "Table", "name": "films", "uid": "u-films", "controller": True}
        kept.server.put({**pool, "metadata": {**pool["metadata"], "ownerReferences": [owner]}})
        with pytest.raises(ValidationException, match="is a table's own and takes no other"):
            await asked(kept, "CreateTable", **BODY)
        assert (kept.server.of("Table"), kept.cluster.catalog.tables) == ([], {})

    play(scene)


def test_a_table_without_an_object_gets_one_when_a_client_changes_it() -> None:
    async def scene(kept: Kept) -> None:
        await asked(kept, "CreateTable", **BODY)
        await kept.until_rest()
        kept.server.remove("tables", NAMESPACE, "music")
        arn = kept.cluster.catalog.tables["music"].arn
        await asked(kept, "TagResource", ResourceArn=arn, Tags=TAGS)
        assert kept.object()["spec"]["tags"] == [{"key": "team", "value": "records"}]
        await kept.until_rest()
        assert agrees(kept)

        kept.server.remove("tables", NAMESPACE, "music")
        await asked(kept, "DeleteTable", TableName="music")
        await kept.cluster.until(lambda: kept.cluster.catalog.tables == {})
        assert kept.server.of("Table") == []

    play(scene)


def test_what_the_api_server_refuses_the_client_hears_and_nothing_is_done() -> None:
    async def scene(kept: Kept) -> None:
        def refuses(request: Asked) -> web.Response | None:
            if request.is_write and request.plural == "tables":
                return refusal(403, "Forbidden", "exceeded quota: tables")
            return None

        kept.server.answers = refuses
        with pytest.raises(ValidationException, match="exceeded quota: tables"):
            await asked(kept, "CreateTable", **BODY)
        assert kept.cluster.catalog.tables == {}

    play(scene)


def test_an_object_that_may_not_be_deleted_is_as_it_was() -> None:
    async def scene(kept: Kept) -> None:
        await asked(kept, "CreateTable", **BODY)
        await kept.until_rest()
        before = kept.object()["spec"]

        def refuses(request: Asked) -> web.Response | None:
            if request.method == "DELETE":
                return refusal(403, "Forbidden", "protected by a policy")
            return None

        kept.server.answers = refuses
        with pytest.raises(ValidationException, match="protected by a policy"):
            await asked(kept, "DeleteTable", TableName="music")
        assert kept.object()["spec"] == before
        assert not kept.object()["metadata"].get("finalizers")
        assert kept.cluster.catalog.tables["music"].status == "ACTIVE"

    play(scene)


def test_an_object_that_changes_at_the_same_time_is_read_again() -> None:
    async def scene(kept: Kept) -> None:
        await asked(kept, "CreateTable", **BODY)
        await kept.until_rest()
        meanwhile = iter(("first", "second"))

        def changes(request: Asked) -> web.Response | None:
            if request.method == "PATCH" and request.plural == "tables" and not request.part:
                owner = next(meanwhile, None)
                if owner is not None:
                    spec = {**kept.object()["spec"], "tags": [{"key": "owner", "value": owner}]}
                    kept.server.put({**kept.object(), "spec": spec})
            return None

        kept.server.answers = changes
        arn = kept.cluster.catalog.tables["music"].arn
        await asked(kept, "TagResource", ResourceArn=arn, Tags=TAGS)
        assert kept.object()["spec"]["tags"] == [
            {"key": "owner", "value": "second"},
            {"key": "team", "value": "records"},
        ]
        await kept.until_rest()
        assert dict(kept.cluster.catalog.tables["music"].tags) == {
            "owner": "second",
            "team": "records",
        }

    play(scene)


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("operation", ["CreateTable", "UpdateTable", "DeleteTable"])
def test_an_operator_that_is_killed_at_any_write_leaves_nothing_half_done(
    operation: str, after: bool
) -> None:
    """The next one takes the request up again; object and table agree in the end."""
    bodies = {"CreateTable": BODY, "UpdateTable": ADD, "DeleteTable": {"TableName": "music"}}

    async def scene(kept: Kept) -> None:
        for number in range(1, WRITES_MAX):
            if operation != "CreateTable":
                await asked(kept, "CreateTable", **BODY)
                await kept.until_rest()
            answer = kept.client(operation, **bodies[operation])
            await asyncio.sleep(0)
            was_killed = await taken_up_killed_at(kept, number, after=after)
            assert (await answer)["TableDescription"]["TableName"] == "music"
            await kept.until_rest()
            if operation == "DeleteTable":
                await kept.until(lambda: kept.server.of("Table") == [])
                assert kept.cluster.catalog.tables == {}
            else:
                assert agrees(kept)
                await asked(kept, "DeleteTable", TableName="music")
                await kept.until(lambda: kept.server.of("Table") == [])
            if not was_killed:
                assert number > 1
                return
        raise AssertionError("more writes than a request needs")

    play(scene)


async def taken_up_killed_at(kept: Kept, number: int, *, after: bool) -> bool:
    """Take up what waits, killed at the `number`th write. Whether there was such a write."""
    task = asyncio.ensure_future(kept.listener.once(NAMESPACE, "default"))
    count = 0

    def kill_before(request: Asked) -> web.Response | None:
        nonlocal count
        count += request.is_of_work
        if request.is_of_work and count == number and not after:
            task.cancel()
            return refusal(503, "Killed")
        return None

    def kill_after(request: Asked) -> None:
        if request.is_of_work and count == number and after:
            task.cancel()

    kept.server.answers, kept.server.happens = kill_before, kill_after
    was_killed = False
    try:
        await task
    except (asyncio.CancelledError, ApiError):
        was_killed = True
    kept.server.answers, kept.server.happens = lambda _: None, lambda _: None
    if was_killed:
        await kept.close()
        kept.begin()
        if kept.supervisor.asks.is_open("music"):
            await kept.listener.once(NAMESPACE, "default")
    return was_killed


def test_a_client_that_nobody_takes_up_hears_it_and_nothing_is_done() -> None:
    async def scene(kept: Kept) -> None:
        with pytest.raises(DynamoDBError, match="operator, which keeps them, is away"):
            await kept.client("CreateTable", **BODY)
        assert (kept.server.of("Table"), kept.cluster.catalog.tables) == ([], {})

    play(scene)
