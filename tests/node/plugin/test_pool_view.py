"""A pool in tables: what Kubernetes knows and what the supervisor knows, side by side."""

from __future__ import annotations

import pytest

from node.plugin import sample_pool_objects as sample
from stator_node.plugin.pool_view import (
    NoSuchPod,
    PoolView,
    describe,
    describe_partitions,
    of_table,
)


@pytest.fixture
def view() -> PoolView:
    return PoolView(sample.pool(), tuple(sample.pods()), sample.cluster()).with_pod_names()


def rows(text: str, head: str) -> list[list[str]]:
    """The rows of the table with this first heading, in cells of two blanks between."""
    lines = text.splitlines()
    first = next(n for n, line in enumerate(lines) if line.startswith(head))
    found = []
    for line in lines[first + 1 :]:
        if not line:
            break
        found.append(line.split())
    return found


def test_nodes_go_by_the_names_of_their_pods(view: PoolView) -> None:
    nodes = rows(describe(view), "ZONE")

    assert [(each[0], each[1], each[-1]) for each in nodes] == [
        (zone, f"node-{zone}", f"default-{zone}-0") for zone in sample.ZONES
    ]
    assert view.node_of("default-b-0") == "node-b"
    assert view.node_of("node-b") == "node-b"


def test_conditions_say_what_to_change(view: PoolView) -> None:
    assert ["Accepted", "False", "SecretTaken", "rename", "it"] in rows(describe(view), "CONDITION")


def test_pods_are_listed_with_what_they_are(view: PoolView) -> None:
    assert rows(describe(view), "POD ")[0] == ["default-a-0", "storage", "yes", "2", "machine-1"]


def test_a_pod_that_goes_is_not_ready() -> None:
    pods = sample.pods()
    pods[0]["metadata"]["deletionTimestamp"] = "2026-11-20T00:00:00Z"

    view = PoolView(sample.pool(), tuple(pods))

    assert rows(describe(view), "POD ")[0][2] == "no"


def test_without_a_supervisor_the_rest_is_shown_with_the_reason() -> None:
    view = PoolView(sample.pool(), tuple(sample.pods()), reason="nobody answers").with_pod_names()

    told = describe(view)

    assert "default-a-0" in told
    assert "Its supervisor cannot be asked: nobody answers" in told
    assert "nobody answers" in describe_partitions(view, None)


def test_a_new_pool_has_nothing_yet() -> None:
    pool = {"metadata": {"name": "new", "namespace": "music"}}

    told = describe(PoolView(pool, (), reason="it has no supervisor pod"))

    assert "The operator has not said anything of it yet." in told
    assert "It has no pods." in told


def test_a_tables_partitions_are_its_own_and_its_indexes(view: PoolView) -> None:
    assert [each[0] for each in rows(describe_partitions(view, "Music"), "TABLE")] == [
        "Music",
        "Music/ByYear",
    ]
    assert len(of_table(sample.cluster(), None)["partitions"]) == 3


def test_ipv6_addresses_are_one_however_they_are_spelt() -> None:
    pods, cluster = sample.pods(), sample.cluster()
    pods[0]["status"]["podIP"] = "fd00:0::1"
    cluster["nodes"][0]["address"] = "[fd00::1]:8002"

    view = PoolView(sample.pool(), tuple(pods), cluster).with_pod_names()

    assert view.node_of("default-a-0") == "node-a"


def test_a_node_without_a_pod_keeps_its_address() -> None:
    view = PoolView(sample.pool(), (), sample.cluster()).with_pod_names()

    assert rows(describe(view), "ZONE")[0][-1] == "10.0.0.1:8002"


def test_only_storage_pods_are_replaced(view: PoolView) -> None:
    assert view.storage_pod("default-a-0") == "default-a-0"
    with pytest.raises(NoSuchPod, match="default-a-0"):
        view.storage_pod("default-supervisor-0")


def test_programs_get_it_all(view: PoolView) -> None:
    told = view.to_json()

    assert told["cluster"]["nodes"][0]["pod"] == "default-a-0"
    assert told["pods"][0]["restarts"] == 2
    assert (told["pool"], told["namespace"], told["reason"]) == ("default", "music", None)
