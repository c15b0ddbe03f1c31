"""What is read of a Table, and how often."""

from __future__ import annotations

from real_supervisor import NAMESPACE, Kept, play
from stator_operator.table_observing import TableObserver
from stator_operator.work_queue import Key

MUSIC = Key("Table", NAMESPACE, "music")


def observer_of(kept: Kept, remembered_seconds: float) -> TableObserver:
    observer = kept.taker.observer.observer
    return TableObserver(kept.api, kept.supervisor, observer, remembered_seconds)


def reads(kept: Kept, plural: str) -> int:
    return sum(each.plural == plural for each in kept.server.asked)


def test_tables_of_one_pool_read_it_once() -> None:
    async def scene(kept: Kept) -> None:
        observer = observer_of(kept, 60.0)
        for number in range(5):
            kept.put_table(f"music-{number}", tableName=f"Music{number}")
        for number in range(5):
            found = await observer.table(Key("Table", NAMESPACE, f"music-{number}"))
            assert found is not None
            assert found.observed.entry is not None
        assert (reads(kept, "storagepools"), reads(kept, "pods")) == (1, 1)

        forgetful = observer_of(kept, 0.0)
        for _ in range(2):
            await forgetful.table(Key("Table", NAMESPACE, "music-0"))
        assert (reads(kept, "storagepools"), reads(kept, "pods")) == (3, 3)

    play(scene)


def test_a_pool_that_is_not_there_yet_is_looked_for_each_time() -> None:
    async def scene(kept: Kept) -> None:
        observer = observer_of(kept, 60.0)
        kept.put_table(pool="second")
        found = await observer.table(MUSIC)
        assert found is not None
        assert (found.observed.pool_uid, found.observed.entry) == (None, None)
        kept.put_pool("second")
        found = await observer.table(MUSIC)
        assert found is not None
        assert found.observed.pool_uid is not None
        assert found.observed.entry is not None

    play(scene)


def test_objects_of_a_table_name_are_those_of_the_namespace() -> None:
    async def scene(kept: Kept) -> None:
        kept.put_table("one")
        kept.put_table("two", tableName="Films")
        other = kept.object("one")
        kept.server.put({**other, "metadata": {"name": "one", "namespace": "office"}})
        found = await observer_of(kept, 0.0).objects(NAMESPACE, "Music")
        assert [(e["metadata"]["namespace"], e["metadata"]["name"]) for e in found] == [
            (NAMESPACE, "one")
        ]
        assert await observer_of(kept, 0.0).table(MUSIC) is None

    play(scene)
