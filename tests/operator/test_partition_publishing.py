"""Partitions of a real supervisor, published at a pretended API server, and left alone at rest."""

from __future__ import annotations

import asyncio
from typing import Any

from real_supervisor import NAMESPACE, NOON, Kept, play
from stator_operator.metrics import Metrics
from stator_operator.partition_publishing import PartitionPublisher


def publisher_of(kept: Kept) -> PartitionPublisher:
    observer = kept.taker.observer.observer
    return PartitionPublisher(kept.api, kept.supervisor, observer, Metrics(), lambda: NOON)


async def publish(publisher: PartitionPublisher) -> None:
    await publisher.once(NAMESPACE, "default")


def shown(kept: Kept) -> dict[str, Any]:
    return {each["metadata"]["name"]: each for each in kept.server.of("Partition")}


def test_partitions_are_shown_and_written_again_only_when_something_changes() -> None:
    async def scene(kept: Kept) -> None:
        publisher = publisher_of(kept)
        kept.put_table()
        await kept.until_rest()
        await publish(publisher)
        ((name, found),) = shown(kept).items()
        assert name == "default-1"
        assert found["spec"]["tableName"] == "Music"
        assert found["status"]["conditions"][0]["status"] == "True"
        assert len(found["status"]["replicas"]) == 3

        kept.server.asked.clear()
        for _ in range(3):
            await publish(publisher)
        assert kept.server.writes == []

        leader = kept.cluster.leader().node_id
        await kept.cluster.leader().kill()
        await kept.cluster.until(lambda: kept.cluster.has_leader())
        await kept.cluster.until(
            lambda: kept.cluster.supervisor.states()[leader].name in ("SUSPECT", "DEAD")
        )
        await publish(publisher)
        after = shown(kept)["default-1"]["status"]
        assert after["conditions"][1]["reason"] == "ReplicasLacking"

    play(scene)


def test_what_is_gone_is_removed_and_what_was_deleted_is_made_again() -> None:
    async def scene(kept: Kept) -> None:
        publisher = publisher_of(kept)
        kept.put_table(deletionPolicy="Delete")
        await kept.until_rest()
        await publish(publisher)
        kept.server.remove("partitions", NAMESPACE, "default-1")
        again = publisher_of(kept)  # Another operator, or the next time that all is read.
        await publish(again)
        assert set(shown(kept)) == {"default-1"}

        uid = kept.object()["metadata"]["uid"]
        await kept.api.delete("Table", NAMESPACE, "music", uid)
        await kept.until(lambda: kept.server.of("Table") == [])
        await publish(again)
        assert shown(kept) == {}

    play(scene)


def test_a_pool_without_a_supervisor_is_left_as_it_is() -> None:
    async def scene(kept: Kept) -> None:
        publisher = publisher_of(kept)
        kept.put_table()
        await kept.until_rest()
        await publish(publisher)
        kept.server.remove("pods", NAMESPACE, "default-supervisor-0")
        kept.server.asked.clear()
        await publish(publisher)
        assert kept.server.writes == []
        assert len(shown(kept)) == 1
        await asyncio.sleep(0)

    play(scene)
