"""Whether a pool is whole: what is away, behind or unknown counts as lacking."""

from __future__ import annotations

from typing import Any

import pytest

from stator_core.key_format import HASH_SPACE
from stator_node.pool_facts import LAG_ENTRIES_MAX, is_lacking, pool_facts

STATES = {"n1": "ALIVE", "n2": "ALIVE", "n3": "DRAINING", "n4": "SUSPECT"}


def replica(node_id: str, lag: int | None = 0, role: str = "VOTER") -> dict[str, Any]:
    return {"node_id": node_id, "role": role, "lag": lag}


def partition(*replicas: dict[str, Any], start: int = 0, end: int = HASH_SPACE) -> dict[str, Any]:
    return {
        "partition_id": start + 1,
        "table": "Music",
        "range": [f"{start:017x}", f"{end:017x}"],
        "leader": "n1",
        "replicas": list(replicas or (replica("n1"), replica("n2"), replica("n3"))),
    }


def counts(*partitions: dict[str, Any], tables: tuple[str, ...] = ("Music",)) -> dict[str, int]:
    nodes = [{"node_id": node_id, "state": state} for node_id, state in STATES.items()]
    found: dict[str, int] = pool_facts("c", nodes, list(partitions), tables, [])["partitions"]
    return found


def test_three_voters_that_serve_and_keep_up_are_whole() -> None:
    assert not is_lacking(partition(), STATES)
    assert not is_lacking(
        partition(replica("n1"), replica("n2", LAG_ENTRIES_MAX), replica("n3")), STATES
    )
    more = (replica("n1"), replica("n2"), replica("n3"), replica("n4", None, "LEARNER"))
    assert not is_lacking(partition(*more), STATES)


@pytest.mark.parametrize(
    "third",
    [
        replica("n4"),
        replica("gone"),
        replica("n3", None),
        replica("n3", LAG_ENTRIES_MAX + 1),
        replica("n3", 0, "LEARNER"),
    ],
    ids=["silent", "unknown", "unheard", "behind", "learner"],
)
def test_a_voter_that_is_away_or_behind_is_lacking(third: dict[str, Any]) -> None:
    assert is_lacking(partition(replica("n1"), replica("n2"), third), STATES)


def test_a_partition_without_a_leader_is_lacking() -> None:
    assert is_lacking(partition() | {"leader": None}, STATES)
    assert counts(partition() | {"leader": None}) == {"total": 1, "leaderless": 1, "lacking": 1}


def test_hashes_that_nobody_is_seen_to_hold_are_lacking() -> None:
    half = HASH_SPACE // 2

    assert counts() == {"total": 1, "leaderless": 1, "lacking": 1}
    assert counts(tables=()) == {"total": 0, "leaderless": 0, "lacking": 0}
    assert counts(partition()) == {"total": 1, "leaderless": 0, "lacking": 0}
    assert counts(partition(end=half))["lacking"] == 1
    assert counts(partition(start=half))["lacking"] == 1
    assert counts(partition(start=half), partition(end=half))["lacking"] == 0
    assert counts(partition(), tables=("Music", "Music/ByYear"))["leaderless"] == 1


def nodes(*partitions: dict[str, Any]) -> dict[str, dict[str, Any]]:
    lines = [{"node_id": node_id, "state": state} for node_id, state in STATES.items()]
    found = pool_facts("c", lines, list(partitions), (), [])["nodes"]
    return {each["node_id"]: each for each in found}


def test_a_node_is_needed_where_the_others_are_no_majority() -> None:
    whole = nodes(partition())
    assert {key: each["needed"] for key, each in whole.items()} == dict.fromkeys(STATES, 0)
    assert {key: each["named"] for key, each in whole.items()} == {"n1": 1, "n2": 1, "n3": 1} | {
        "n4": 0
    }

    one_away = nodes(partition(replica("n1"), replica("n2"), replica("n4", None)))
    assert (one_away["n1"]["needed"], one_away["n2"]["needed"]) == (1, 1)
    assert one_away["n4"]["needed"] == 0

    one_behind = nodes(partition(replica("n1"), replica("n2"), replica("n3", LAG_ENTRIES_MAX + 1)))
    assert (one_behind["n1"]["needed"], one_behind["n3"]["needed"]) == (1, 0)


def test_a_learner_is_no_good_copy() -> None:
    lines = (replica("n1"), replica("n2"), replica("n4", None), replica("n3", 0, "LEARNER"))

    assert nodes(partition(*lines))["n1"]["needed"] == 1


def test_without_a_leader_every_copy_is_needed() -> None:
    """What nobody leads, nobody knows to be whole: its replicas have no lag."""
    lines = [replica(each, None) for each in ("n1", "n2", "n3")]
    found = nodes(partition(*lines) | {"leader": None})

    assert [found[each]["needed"] for each in ("n1", "n2", "n3")] == [1, 1, 1]


def test_a_member_that_nobody_has_met_is_a_node_too() -> None:
    found = nodes(partition(replica("n1"), replica("gone", None), replica("n4", None)))["gone"]

    assert (found["state"], found["named"], found["needed"]) == ("REMOVED", 1, 1)
