"""The observer of the partition map finds every key that is lost, doubled or out of place."""

from __future__ import annotations

from typing import Any

import pytest

from simulation.key_once_checker import KeyOnceChecker
from simulation.promise import PromiseBroken

CREATED = {"event": "created", "partition": 1, "start": "a", "end": None}
SPLIT = {"event": "split", "partition": 1, "child": 2, "at": "m"}
MERGED = {"event": "merged", "partition": 1, "absorbed": 2}
KEYS = ("b", "k", "m", "z")


def watch(*events: dict[str, Any]) -> KeyOnceChecker:
    checker = KeyOnceChecker()
    for one in events:
        checker.observe(one)
    return checker


def dump(partition: int, start: str, end: str | None, keys: str, replica: int = 1) -> Any:
    return {
        "partition": partition,
        "replica": replica,
        "start": start,
        "end": end,
        "keys": list(keys),
    }


def test_splits_and_merges_keep_every_key_once() -> None:
    split = watch(CREATED, SPLIT, SPLIT)
    split.finish(
        [dump(1, "a", "m", "bk"), dump(2, "m", None, "mz"), dump(2, "m", None, "zm")], KEYS
    )

    merged = watch(CREATED, SPLIT, MERGED, MERGED)
    merged.finish([dump(1, "a", None, "bkmz")], KEYS)

    assert merged.ranges == {1: ("a", None)}


def test_a_key_of_unknown_outcome_may_be_there_or_not() -> None:
    checker = watch(CREATED)

    checker.finish([dump(1, "a", None, "bx")], ["b"], maybe=["x", "y"])


@pytest.mark.parametrize(
    "replicas, complaint",
    [
        ([dump(1, "a", "m", "b"), dump(2, "m", None, "mz")], "1 keys lost: 'k'"),
        ([dump(1, "a", "m", "bkc"), dump(2, "m", None, "mz")], "1 keys never written: 'c'"),
        (
            [dump(1, "a", "m", "bkm"), dump(2, "m", None, "mz")],
            "partition 1, replica 1: keys outside its range: 'm'\n1 keys doubled: 'm'",
        ),
        (
            [dump(1, "a", None, "bk"), dump(2, "m", None, "mz")],
            "partition 1, replica 1: holds ['a', None), the log says ('a', 'm')",
        ),
        (
            [dump(1, "a", "m", "bk"), dump(2, "m", None, "mz"), dump(2, "m", None, "m", 7)],
            "partition 2: replicas 1 and 7 differ by 'z'",
        ),
        (
            [dump(1, "a", "m", "bk")],
            "partition 2 is held by no replica\n2 keys lost: 'm', 'z'",
        ),
    ],
)
def test_what_the_replicas_hold_wrongly_is_told(replicas: list[Any], complaint: str) -> None:
    with pytest.raises(PromiseBroken) as broken:
        watch(CREATED, SPLIT).finish(replicas, KEYS)

    assert str(broken.value) == complaint


@pytest.mark.parametrize(
    "events, complaint",
    [
        ([SPLIT], "split of partition 1, which is unknown or gone"),
        ([CREATED, CREATED | {"end": "q"}], "is told as"),
        ([CREATED, SPLIT | {"at": "a"}], "split at 'a'"),
        ([CREATED, SPLIT, MERGED, SPLIT | {"at": "n"}], "is told as"),
        ([CREATED, SPLIT, MERGED, SPLIT | {"partition": 2, "child": 3}], "unknown or gone"),
        (
            [CREATED, SPLIT, SPLIT | {"child": 3, "at": "f"}, MERGED],
            "absorbed 2, which begins at 'm'",
        ),
    ],
)
def test_an_impossible_change_of_the_map_is_stopped_at(
    events: list[dict[str, Any]], complaint: str
) -> None:
    with pytest.raises(PromiseBroken, match=complaint):
        watch(*events)


def test_overlapping_tables_are_told() -> None:
    checker = watch(CREATED, {"event": "created", "partition": 5, "start": "c", "end": "d"})

    with pytest.raises(PromiseBroken, match="partitions 1 and 5 overlap at 'c'"):
        checker.finish([dump(1, "a", None, ""), dump(5, "c", "d", "")], [])
