"""The reconcile of a Table, with a real supervisor behind it: made, changed, adopted, deleted."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from aiohttp import web

from pretended_api import Asked, refusal
from pretended_cluster import pool_body
from real_supervisor import NAMESPACE, Kept, play
from stator_core.desired_table import body_of
from stator_operator import naming
from stator_operator.kubernetes_errors import ApiError
from stator_operator.table_object import FINALIZER
from table_specs import define, index, plain

TAGS = [{"key": "team", "value": "records"}]
WRITES_MAX = 12


def events(kept: Kept) -> list[tuple[str, str]]:
    return [(each["type"], each["reason"]) for each in kept.server.of("Event")]


def test_an_object_becomes_a_table_that_is_active_and_its_changes_become_the_tables() -> None:
    async def scene(kept: Kept) -> None:
        kept.put_table()
        await kept.until_rest()
        status = kept.object()["status"]
        assert (status["tableStatus"], status["pool"]) == ("ACTIVE", "default")
        assert status["partitions"] == {"total": 1, "leaderless": 0, "underReplicated": 0}
        assert ("Normal", "Active") in events(kept)

        spec = plain()
        define(spec, "Genre")
        spec["globalSecondaryIndexes"] = [index("ByGenre", ("Genre", "HASH"))]
        kept.put_table(**spec, tags=TAGS, deletionProtectionEnabled=True)
        await kept.until_rest()
        table = kept.cluster.catalog.tables["Music"]
        assert [each.name for each in table.global_indexes] == ["ByGenre"]
        assert (table.tags, table.deletion_protection) == ((("team", "records"),), True)
        (shown,) = kept.object()["status"]["globalSecondaryIndexes"]
        assert shown == {"indexName": "ByGenre", "indexStatus": "ACTIVE"}

    play(scene)


def test_nothing_is_written_while_nothing_changes() -> None:
    async def scene(kept: Kept) -> None:
        kept.put_table()
        await kept.until_rest()
        kept.server.asked.clear()
        for _ in range(3):
            await kept.until(lambda: True)
        assert kept.server.writes == []

    play(scene)


def test_a_table_waits_for_its_pool_and_says_which_one() -> None:
    async def scene(kept: Kept) -> None:
        kept.put_table(pool="second")
        await kept.until(lambda: True)
        status, reason, message = kept.condition("Accepted")
        assert (status, reason) == ("False", "PoolUnknown")
        assert message.startswith("namespace shop has no StoragePool second: make it")
        assert ("Warning", "PoolUnknown") in events(kept)
        assert kept.cluster.catalog.tables == {}

        kept.put_pool("second")
        await kept.until_rest()
        assert kept.condition("Accepted")[0] == "True"

    play(scene)


def test_while_the_supervisor_is_away_a_table_says_so_and_is_not_touched() -> None:
    async def scene(kept: Kept) -> None:
        kept.put_table()
        await kept.until_rest()
        kept.supervisor.is_away = True
        await kept.until(lambda: True)
        assert kept.condition("Ready")[:2] == ("Unknown", "SupervisorAway")
        assert kept.object()["status"]["tableStatus"] == "ACTIVE"
        kept.supervisor.is_away = False
        await kept.until_rest()

    play(scene)


def test_the_second_object_with_a_table_name_is_told_to_take_another() -> None:
    async def scene(kept: Kept) -> None:
        kept.put_table()
        await kept.until_rest()
        kept.put_table("films")
        await kept.until(lambda: True, "films")
        status, reason, message = kept.condition("Accepted", "films")
        assert (status, reason) == ("False", "NameInUse")
        assert "Table music has the tableName Music already" in message
        assert "tableStatus" not in kept.object("films")["status"]

        kept.server.remove("tables", NAMESPACE, "music")
        await kept.until_rest("films")  # What was retained is the next one's.
        assert kept.condition("Accepted", "films")[0] == "True"

    play(scene)


def test_a_table_outlives_its_object_and_is_adopted_by_the_next() -> None:
    async def scene(kept: Kept) -> None:
        kept.put_table(tags=TAGS)
        await kept.until_rest()
        table_id = kept.object()["status"]["tableId"]
        kept.server.remove("tables", NAMESPACE, "music")
        await kept.until(lambda: True)
        assert "Music" in kept.cluster.catalog.tables

        kept.put_table("again")
        await kept.until_rest("again")
        assert kept.object("again")["status"]["tableId"] == table_id
        assert kept.cluster.catalog.tables["Music"].tags == ()

    play(scene)


def test_a_key_that_contradicts_what_there_is_is_refused_and_the_items_left_alone() -> None:
    async def scene(kept: Kept) -> None:
        kept.put_table()
        await kept.until_rest()
        kept.server.remove("tables", NAMESPACE, "music")
        definitions = [{"attributeName": "Artist", "attributeType": "N"}]
        kept.put_table("again", attributeDefinitions=definitions)
        await kept.until(lambda: True, "again")

        status, reason, message = kept.condition("Accepted", "again")
        assert (status, reason) == ("False", "Contradicts")
        assert message.endswith("the key of a table cannot be changed: it is Artist (S, HASH)")
        assert ("Warning", "Contradicts") in events(kept)
        assert kept.cluster.catalog.tables["Music"].status == "ACTIVE"

    play(scene)


async def delete(kept: Kept, name: str = "music") -> None:
    """kubectl delete."""
    uid = kept.object(name)["metadata"]["uid"]
    await kept.api.delete("Table", NAMESPACE, name, uid)


def test_with_the_policy_delete_the_items_go_first() -> None:
    async def scene(kept: Kept) -> None:
        kept.put_table(deletionPolicy="Delete")
        await kept.until_rest()
        assert kept.object()["metadata"]["finalizers"] == [FINALIZER]
        await delete(kept)
        assert "deletionTimestamp" in kept.object()["metadata"]
        await kept.until(lambda: kept.server.of("Table") == [])
        assert kept.cluster.catalog.tables == {}

        kept.put_table(deletionPolicy="Delete")
        await kept.until_rest()

    play(scene)


def test_a_protected_table_stays_and_its_object_says_what_to_change() -> None:
    async def scene(kept: Kept) -> None:
        kept.put_table(deletionPolicy="Delete", deletionProtectionEnabled=True)
        await kept.until_rest()
        await delete(kept)
        await kept.until(lambda: kept.supervisor.wanted.progress("Music").refused)
        await kept.until(lambda: kept.condition("Progressing")[1] == "StepRefused")
        assert "protected against deletion" in kept.condition("Progressing")[2]
        assert kept.cluster.catalog.tables["Music"].status == "ACTIVE"

        ending = kept.object()
        spec = {**ending["spec"], "deletionProtectionEnabled": False}
        kept.server.put({**ending, "spec": spec})
        await kept.until(lambda: kept.server.of("Table") == [])
        assert kept.cluster.catalog.tables == {}

    play(scene)


def test_a_table_with_storage_has_a_pool_and_takes_it_and_its_volumes_along() -> None:
    async def scene(kept: Kept) -> None:
        storage = pool_body()["spec"]
        kept.put_table(pool=None, storage=storage, deletionPolicy="Delete")
        await kept.until(lambda: len(kept.server.of("StoragePool")) == 2)
        pool = kept.server.objects["storagepools", NAMESPACE, "music"]
        assert pool["metadata"]["ownerReferences"][0]["kind"] == "Table"
        kept.put_supervisor("music")
        claim = {"name": "data-music-a-0", "namespace": NAMESPACE}
        claim["labels"] = naming.labels("music", naming.STORAGE)  # type: ignore[assignment]
        kept.server.put({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": claim})
        await kept.until_rest()
        assert kept.object()["status"]["podsPerZone"] == 1

        await delete(kept)
        await kept.until(lambda: kept.server.of("Table") == [])
        assert kept.cluster.catalog.tables == {}
        assert [each["metadata"]["name"] for each in kept.server.of("StoragePool")] == ["default"]
        assert kept.server.of("PersistentVolumeClaim") == []

    play(scene)


def test_two_namespaces_have_tables_of_one_name() -> None:
    """Each in the pool of its own namespace: here one supervisor is asked for one of them."""

    async def scene(kept: Kept) -> None:
        kept.put_table()
        other = kept.object()
        kept.server.put({**other, "metadata": {"name": "music", "namespace": "office"}})
        await kept.until_rest()
        assert kept.condition("Accepted")[0] == "True"

    play(scene)


async def until_rest_killed_at(kept: Kept, number: int, *, after: bool) -> bool:
    """Reconcile until it rests; at its `number`th write the operator is killed, and another begins.

    Whether there was such a write.
    """
    task = asyncio.ensure_future(until_well(kept))
    count = 0

    def kill_before(asked: Asked) -> web.Response | None:
        nonlocal count
        count += asked.is_of_work
        if asked.is_of_work and count == number and not after:
            task.cancel()
            return refusal(503, "Killed")
        return None

    def kill_after(asked: Asked) -> None:
        if asked.is_of_work and count == number and after:
            task.cancel()

    kept.server.answers, kept.server.happens = kill_before, kill_after
    try:
        await task
        return False
    except asyncio.CancelledError:
        await kept.close()
        kept.begin()
        await until_well(kept)
        return True
    finally:
        kept.server.answers, kept.server.happens = lambda _: None, lambda _: None


async def until_well(kept: Kept) -> None:
    while True:
        try:
            await kept.until_rest()
        except ApiError:
            continue
        return


@pytest.mark.parametrize("after", [False, True])
def test_an_operator_that_is_killed_at_any_write_arrives(after: bool) -> None:
    async def scene(kept: Kept) -> None:
        for number in range(1, WRITES_MAX):
            kept.put_table(deletionPolicy="Delete", tags=TAGS)
            was_killed = await until_rest_killed_at(kept, number, after=after)
            table = kept.cluster.catalog.tables["Music"]
            assert body_of(table)["Tags"] == [{"Key": "team", "Value": "records"}]
            await delete(kept)
            await until_rest_killed_at(kept, number, after=after)
            assert (kept.server.of("Table"), kept.cluster.catalog.tables) == ([], {})
            if not was_killed:
                assert number > 3
                return
        raise AssertionError("more writes than a table needs")

    play(scene)


@pytest.mark.parametrize(
    "status, reason", [(409, "Conflict"), (429, "TooManyRequests"), (500, "InternalError")]
)
def test_a_bad_day_of_the_api_server_is_outlived(status: int, reason: str) -> None:
    async def scene(kept: Kept) -> None:
        refused: dict[Any, int] = {}

        def once_each(asked: Asked) -> web.Response | None:
            refused[asked] = refused.get(asked, 0) + 1
            return refusal(status, reason) if refused[asked] == 1 else None

        kept.server.answers = once_each
        kept.put_table(deletionPolicy="Delete")
        await until_well(kept)
        assert kept.object()["metadata"]["finalizers"] == [FINALIZER]

    play(scene)
