"""Pools are found, and their supervisors asked in their own pods."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from node.plugin import sample_pool_objects as sample
from node.plugin.told_kubectl import ToldKubectl
from stator_node.plugin.kubectl import Kubectl, KubectlFailed
from stator_node.plugin.pools import NoSuchPool, ask, find_pool, find_pools, with_cluster


@pytest.fixture
def told(tmp_path: Path) -> ToldKubectl:
    made = ToldKubectl(tmp_path)
    made.tell_items("storagepools.stator.dev", sample.pool("one"), sample.pool("two"))
    made.tell_items("pods", *sample.pods("one"), *sample.pods("two"))
    return made


@pytest.fixture
def kubectl(told: ToldKubectl) -> Kubectl:
    return Kubectl((), str(told.program))


def test_each_pool_has_its_own_pods(kubectl: Kubectl) -> None:
    one, two = find_pools(kubectl, None)

    assert {each["metadata"]["name"][:3] for each in one.pods} == {"one"}
    assert {each["metadata"]["name"][:3] for each in two.pods} == {"two"}


def test_a_pool_is_named_where_there_are_several(kubectl: Kubectl) -> None:
    assert find_pool(kubectl, "two").name == "two"
    with pytest.raises(NoSuchPool, match="--pool"):
        find_pool(kubectl, None)
    with pytest.raises(NoSuchPool, match="no StoragePool 'three'"):
        find_pool(kubectl, "three")


def test_a_namespace_without_pools_says_so(tmp_path: Path) -> None:
    told = ToldKubectl(tmp_path)
    told.tell_items("storagepools.stator.dev")
    told.tell_items("pods")

    with pytest.raises(NoSuchPool, match="--namespace"):
        find_pool(Kubectl((), str(told.program)), None)


def test_the_supervisor_is_asked_in_its_pod_with_its_own_folder(
    told: ToldKubectl, kubectl: Kubectl
) -> None:
    told.tell(["exec", "two-supervisor-0"], json.dumps(sample.cluster()))

    view = with_cluster(kubectl, find_pool(kubectl, "two"))

    assert view.cluster is not None
    assert told.calls()[-1] == [
        *("exec", "two-supervisor-0", "--container=supervisor", "--"),
        *("stator", "cluster", "status", "--folder=/data/stator", "--output=json"),
    ]


def test_a_silent_supervisor_is_a_reason(kubectl: Kubectl) -> None:
    view = with_cluster(kubectl, find_pool(kubectl, "one"))

    assert view.cluster is None
    assert "refused: exec one-supervisor-0" in view.reason


def test_a_pool_without_a_supervisor_cannot_be_steered(tmp_path: Path) -> None:
    told = ToldKubectl(tmp_path)
    told.tell_items("storagepools.stator.dev", sample.pool())
    told.tell_items("pods", *sample.pods()[:3])
    kubectl = Kubectl((), str(told.program))

    with pytest.raises(KubectlFailed, match="has no supervisor pod"):
        ask(kubectl, find_pool(kubectl, None), "drain", "node-a")
