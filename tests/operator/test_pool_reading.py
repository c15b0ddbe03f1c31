"""What a pool's objects say: whose they are, which pods are up to date, what nobody knows."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from sample_pool import a_pool
from stator_operator import naming
from stator_operator.objects.stateful_set import stateful_set
from stator_operator.pool_observation import Departure, ObservedClaim, ObservedNode
from stator_operator.pool_reading import found_cluster_id, lacking_of, observed_pool

POOL = a_pool()
NODE = {
    "node_id": "n-1",
    "pod": "default-zone-1-0",
    "zone": "zone-1",
    "state": "ALIVE",
    "draining": False,
    "given_up": False,
    "replicas": 3,
    "named": 3,
    "needed": 0,
    "size_bytes": 1_000,
    "free_bytes": 9_000,
}
WHOLE = {"cluster_id": "u-1", "partitions": {"lacking": 0}, "nodes": [NODE]}
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


def a_set(zone: str = "zone-1", seen: int = 2, **metadata: Any) -> dict[str, Any]:
    made = stateful_set(POOL, zone, 1)
    made["metadata"] |= {"uid": f"set-{zone}", "generation": 2, **metadata}
    return {**made, "status": {"observedGeneration": seen, "updateRevision": "new"}}


def a_pod(revision: str = "new", zone: str = "zone-1", **metadata: Any) -> dict[str, Any]:
    name = f"{naming.stateful_set_name('default', zone)}-0"
    labels = naming.selector("default", naming.STORAGE) | {
        naming.ZONE_LABEL: zone,
        "controller-revision-hash": revision,
    }
    ready = {"conditions": [{"type": "Ready", "status": "True"}]}
    return {"metadata": {"name": name, "uid": "p", "labels": labels, **metadata}, "status": ready}


def read(sets: list[Any], pods: list[Any], facts: Any = WHOLE) -> Any:
    return observed_pool(POOL, sets, pods, [], facts, 60.0, NOON)


def test_a_set_of_ours_and_its_pod_are_seen() -> None:
    world = read([a_set()], [a_pod()])

    (found,) = world.sets
    assert (found.zone, found.owner_uid, found.is_ours, found.pods) == ("zone-1", "u-1", True, 1)
    assert found.volume_size == "10Gi"
    (pod,) = world.pods
    assert (pod.zone, pod.is_ready, pod.is_updated) == ("zone-1", True, True)
    assert world.lacking == 0


def test_the_pod_that_steers_and_its_claim_are_no_storage() -> None:
    labels = naming.selector("default", naming.SUPERVISOR)
    name = naming.supervisor_pod_name("default")
    pod = a_pod()
    pod["metadata"] = {"name": name, "uid": "s", "labels": labels}
    pod["metadata"]["annotations"] = {naming.FENCED_ANNOTATION: "true"}
    size = {"resources": {"requests": {"storage": "1Gi"}}}
    claim = {"metadata": {"name": f"data-{name}", "uid": "c", "labels": labels}, "spec": size}
    world = observed_pool(POOL, [a_set()], [pod], [claim], WHOLE, 60.0, NOON)

    assert world.pods == world.claims == ()
    assert world.supervisor_pod is not None
    assert (world.supervisor_pod.name, world.supervisor_pod.is_fenced) == (name, False)
    assert world.supervisor_claim == ObservedClaim(f"data-{name}", "", "1Gi", uid="c")


def test_a_pod_of_an_older_template_is_not_up_to_date() -> None:
    assert not read([a_set()], [a_pod("old")]).pods[0].is_updated
    assert not read([], [a_pod()]).pods[0].is_updated


def test_a_template_that_its_controller_has_not_seen_lets_nobody_conclude_anything() -> None:
    world = read([a_set(seen=1)], [a_pod()])

    assert not world.pods[0].is_updated
    assert world.lacking is None


def test_a_set_of_somebody_else_is_not_ours() -> None:
    theirs = a_set(labels={"app": "theirs"}, ownerReferences=[])
    without_volume = a_set()
    without_volume["spec"]["volumeClaimTemplates"] = []

    assert not read([theirs], []).sets[0].is_ours
    assert not read([without_volume], []).sets[0].is_ours
    owner = {"kind": "StoragePool", "name": "other", "uid": "other", "controller": True}
    other = a_set(ownerReferences=[owner])
    assert read([other], []).sets[0].owner_uid == "other"


def test_a_set_of_the_pool_of_this_name_that_was_before_is_ours() -> None:
    before = {"kind": "StoragePool", "name": "default", "uid": "before", "controller": True}

    assert read([a_set(ownerReferences=[before])], []).sets[0].owner_uid == "u-1"


def test_pods_that_only_look_like_ours_do_not_count() -> None:
    assert read([a_set()], [a_pod(name="default-zone-1-debug")]).pods == ()
    assert read([a_set()], [a_pod(name="other-zone-1-0")]).pods == ()
    assert read([a_set()], [a_pod(labels={"app": "theirs"})]).pods == ()


def test_a_pod_on_its_way_out_is_ending() -> None:
    assert read([a_set()], [a_pod(deletionTimestamp="2026-11-20T12:00:30Z")]).pods[0].is_ending


def test_only_the_supervisor_of_this_cluster_is_believed() -> None:
    assert lacking_of(POOL, None) is None
    assert lacking_of(POOL, {"cluster_id": "other", "partitions": {"lacking": 0}}) is None
    assert lacking_of(POOL, {"cluster_id": "u-1", "partitions": {"lacking": 2}}) == 2


def test_nodes_are_those_that_the_supervisor_tells_of() -> None:
    node = read([a_set()], []).node_of("default-zone-1-0")

    assert node == ObservedNode(
        "n-1", "default-zone-1-0", "zone-1", True, replicas=3, used_bytes=1_000, free_bytes=9_000
    )
    assert read([a_set()], [], None).nodes is None
    assert read([a_set()], [], {**WHOLE, "cluster_id": "other"}).nodes is None


@pytest.mark.parametrize("state", ["SUSPECT", "DEAD", "REMOVED"])
def test_a_node_that_does_not_answer_is_not_heard(state: str) -> None:
    silent = {**WHOLE, "nodes": [{**NODE, "state": state, "replicas": 0}]}
    (node,) = read([], [], silent).nodes

    assert not node.is_heard
    assert node.replicas == 3  # partitions name it, whatever it said last


def test_of_two_nodes_of_a_pod_the_one_that_answers_counts() -> None:
    lines = [{**NODE, "state": "DEAD"}, {**NODE, "node_id": "n-2"}]
    world = read([], [], {**WHOLE, "nodes": lines})
    assert world.node_of("default-zone-1-0").node_id == "n-2"

    given_up = read([], [], {**WHOLE, "nodes": [{**NODE, "state": "DEAD", "given_up": True}]})
    assert given_up.node_of("default-zone-1-0") is None


def test_what_people_ask_of_a_pod_is_read() -> None:
    asked = {"stator.dev/replace": "true", "stator.dev/maintenance": "", "stator.dev/fenced": "x"}
    pod = read([], [a_pod(annotations=asked)]).pods[0]

    assert (pod.is_to_be_replaced, pod.is_in_maintenance, pod.is_fenced) == (True, False, True)


@pytest.mark.parametrize("word", ["Leaving", "Empty", ""])
def test_a_claim_says_how_far_its_pod_is_on_its_way_out(word: str) -> None:
    assert claim_of({"stator.dev/departure": word}).departure.value == word
    assert claim_of({}).departure is Departure.NONE
    assert claim_of({"stator.dev/departure": "Gone"}).departure is Departure.NONE


def claim_of(annotations: dict[str, str]) -> ObservedClaim:
    (claim,) = stateful_set(POOL, "zone-1", 1)["spec"]["volumeClaimTemplates"]
    metadata = {"name": "data-default-zone-1-0", "uid": "c", "annotations": annotations}
    body = {**claim, "metadata": {**claim["metadata"], **metadata}}
    (found,) = observed_pool(POOL, [], [], [body], None, 0.0, NOON).claims
    assert (found.uid, found.zone) == ("c", "zone-1")
    return found


def test_the_cluster_of_a_pool_is_that_of_its_objects() -> None:
    claim = {
        "metadata": {
            "labels": {naming.POOL_LABEL: "default"},
            "annotations": {naming.CLUSTER_ANNOTATION: "old"},
        }
    }

    assert found_cluster_id("default", []) is None
    assert found_cluster_id("default", [claim, a_pod()]) == "old"
    assert found_cluster_id("other", [claim]) is None
