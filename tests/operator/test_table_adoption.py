"""Tables that were there before objects get one; those whose object was deleted do not."""

from __future__ import annotations

from real_supervisor import NAMESPACE, Kept, play
from stator_core.desired_table import body_of
from stator_operator.metrics import Metrics
from stator_operator.table_adoption import TableAdoption
from stator_operator.table_request import desired_body


async def adopt(kept: Kept) -> None:
    taker = kept.taker
    adoption = TableAdoption(kept.api, kept.supervisor, taker.observer, Metrics())
    await adoption.once(NAMESPACE, "default")


def test_a_table_that_was_there_before_objects_gets_one_that_says_it() -> None:
    async def scene(kept: Kept) -> None:
        await kept.cluster.create_table("music", Tags=[{"Key": "team", "Value": "records"}])
        table = kept.cluster.catalog.tables["music"]
        for _ in range(2):
            await adopt(kept)
        (made,) = kept.server.of("Table")
        assert (made["metadata"]["name"], made["spec"]["pool"]) == ("music", "default")
        assert desired_body(made["spec"]) == body_of(table)

        await kept.until_rest()
        assert kept.cluster.catalog.tables["music"] == table
        assert kept.object()["status"]["tableId"] == table.table_id

    play(scene)


def test_a_name_that_another_tables_object_has_is_gone_around() -> None:
    async def scene(kept: Kept) -> None:
        await kept.cluster.create_table("music")
        kept.put_table("music", tableName="Films")
        await adopt(kept)
        names = {each["spec"]["tableName"]: each["metadata"] for each in kept.server.of("Table")}
        assert names["music"]["name"].startswith("music-")

    play(scene)


def test_a_table_that_was_retained_gets_no_object_by_itself() -> None:
    async def scene(kept: Kept) -> None:
        kept.put_table()
        await kept.until_rest()
        kept.server.remove("tables", NAMESPACE, "music")
        await adopt(kept)
        assert kept.server.of("Table") == []
        assert "Music" in kept.cluster.catalog.tables

    play(scene)


def test_a_table_that_an_object_speaks_for_already_is_left_to_it() -> None:
    async def scene(kept: Kept) -> None:
        await kept.cluster.create_table("Music")
        kept.put_table("films")
        await adopt(kept)
        assert [each["metadata"]["name"] for each in kept.server.of("Table")] == ["films"]

    play(scene)
