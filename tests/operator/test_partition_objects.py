"""Partitions as objects: what is written, and above all what is not."""

from __future__ import annotations

from typing import Any

import pytest

from stator_operator.partition_objects import (
    WRITES_MAX,
    PoolView,
    RemovePartition,
    WritePartition,
    is_behind,
    partition_body,
    partition_status,
    plan,
)

Object = dict[str, Any]
POOL = PoolView("default", "shop", "u-pool", {"n1": "default-a-0", "n2": "default-b-0"})
NOW, LATER = "2026-11-20T12:00:00Z", "2026-11-20T13:00:00Z"


def member(node_id: str, lag: int | None = 0, role: str = "VOTER") -> Object:
    return {"replica_id": 1, "node_id": node_id, "zone": "a", "role": role, "lag": lag}


def line(partition_id: int = 7, **members: Any) -> Object:
    return {
        "partition_id": partition_id,
        "table": "Music",
        "range": ["0" * 17, "10000000000000000"],
        "range_epoch": 2,
        "members_epoch": 3,
        "leader": "n1",
        "replicas": [member("n1"), member("n2"), member("n3")],
        "items": 100,
        "size_bytes": 5_000,
        "operations_per_second": 12.6,
        "lacking": False,
        **members,
    }


def status(said: Object, before: Object | None = None, now: str = NOW) -> Object:
    return partition_status(POOL, said, before or {}, 1, now)


def stored(said: Object) -> dict[str, Object]:
    body = partition_body(POOL, said)
    body["metadata"] |= {"uid": "u-1", "generation": 1}
    return {body["metadata"]["name"]: {**body, "status": status(said)}}


def test_a_partition_is_its_pools_child_and_says_its_table() -> None:
    body = partition_body(POOL, line(table="Music/ByYear"))

    assert body["metadata"]["name"] == "default-7"
    assert body["metadata"]["ownerReferences"][0]["uid"] == "u-pool"
    assert body["spec"] == {
        "pool": "default",
        "partitionId": 7,
        "tableName": "Music",
        "indexName": "ByYear",
    }


def test_a_status_names_pods_and_both_ends_of_the_range() -> None:
    made = status(line())

    assert made["range"] == {"start": "0" * 16, "end": "f" * 16}
    assert (made["leader"], made["rangeEpoch"], made["membersEpoch"]) == ("default-a-0", 2, 3)
    assert [each.get("pod") for each in made["replicas"]] == ["default-a-0", "default-b-0", None]
    assert [each["role"] for each in made["replicas"]] == ["Leader", "Follower", "Follower"]
    assert (made["operationsPerSecond"], made["sampledAt"]) == (13, NOW)
    assert [(c["type"], c["status"]) for c in made["conditions"]] == [
        ("Ready", "True"),
        ("FullyReplicated", "True"),
    ]


def test_without_a_leader_nobody_is_named() -> None:
    made = status(line(leader=None, lacking=True))

    assert "leader" not in made
    assert [(c["type"], c["reason"]) for c in made["conditions"]] == [
        ("Ready", "NoLeader"),
        ("FullyReplicated", "ReplicasLacking"),
    ]


@pytest.mark.parametrize(
    "quiet",
    [
        {"operations_per_second": 900.0},
        {"items": 109, "size_bytes": 5_400},
        {"replicas": [member("n1"), member("n2", 900), member("n3", 12)]},
    ],
    ids=["traffic", "a little growth", "short lags"],
)
def test_what_does_not_matter_leaves_the_object_as_it_is(quiet: Object) -> None:
    before = status(line())

    assert status(line(**quiet), before, LATER) == before
    assert plan(POOL, [line(**quiet)], stored(line()), LATER) == []


@pytest.mark.parametrize(
    "loud",
    [
        {"leader": "n2"},
        {"leader": None},
        {"lacking": True},
        {"range": ["0" * 17, "08000000000000000"]},
        {"items": 120},
        {"replicas": [member("n1"), member("n2", 54_321), member("n3")]},
        {"replicas": [member("n1"), member("n2")]},
    ],
    ids=["leader", "no leader", "lacking", "split", "growth", "a long lag", "a replica less"],
)
def test_what_matters_is_written(loud: Object) -> None:
    (written,) = plan(POOL, [line(**loud)], stored(line()), LATER)

    assert isinstance(written, WritePartition)
    assert not written.is_new
    assert written.status["sampledAt"] == LATER
    after = {"default-7": {**stored(line())["default-7"], "status": written.status}}
    assert plan(POOL, [line(**loud)], after, LATER) == []


def test_a_long_lag_counts_by_its_order_of_magnitude() -> None:
    made = status(line(replicas=[member("n1"), member("n2", 54_321)]))

    assert made["replicas"][1]["lag"] == 10_000


def test_partitions_that_are_gone_are_removed_and_new_ones_made() -> None:
    (removed, made) = plan(POOL, [line(8)], stored(line(7)), NOW)

    assert removed == RemovePartition("default-7", "u-1")
    assert isinstance(made, WritePartition)
    assert (made.body["metadata"]["name"], made.is_new) == ("default-8", True)


def test_many_changes_are_written_a_few_at_a_time() -> None:
    lines = [line(number) for number in range(1, 3 * WRITES_MAX)]

    first = plan(POOL, lines, {}, NOW)
    assert len(first) == WRITES_MAX
    assert is_behind(first), "there are more to be made"
    assert not is_behind(first[:-1])


def test_who_is_behind_with_changes_alone_is_in_no_hurry() -> None:
    lines = [line(number) for number in range(1, 3 * WRITES_MAX)]
    led_elsewhere = [{**each, "leader": "n2"} for each in lines]
    objects = {name: body for each in lines for name, body in stored(each).items()}

    changed = plan(POOL, led_elsewhere, objects, LATER)
    assert len(changed) == WRITES_MAX
    assert not is_behind(changed)
    assert is_behind(plan(POOL, [], objects, LATER)), "they are to go"
