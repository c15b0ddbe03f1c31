"""A pool's objects in a real API server, with Kubernetes' own controllers and without nodes.

The controllers make pods of them, so what a namespace of the level `restricted` lets in is seen,
as is whom budgets and selectors find. Nothing runs; that is for a cluster with nodes.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from operators import define_resources
from resource_changes import full_pool, pool
from sample_pool import SETTINGS
from stator_operator.pool_actions import Apply
from stator_operator.pool_observation import ObservedPool
from stator_operator.pool_plan import plan
from stator_operator.storage_pool import Pool, pool_of
from testbed.kubectl import Kubectl

WAIT_SECONDS = 60.0
ZONES = 3
SUPERVISORS = 1


@pytest.fixture(scope="module")
def kubectl(api_server: Any) -> Kubectl:
    made: Kubectl = api_server.kubectl
    define_resources(made)
    return made


@pytest.fixture
def namespace(kubectl: Kubectl) -> Iterator[str]:
    with kubectl.namespace() as name:
        yield name


def put(kubectl: Kubectl, body: dict[str, Any], namespace: str) -> Pool:
    """Make the StoragePool, and read it as the operator does."""
    kubectl.apply(body, namespace=namespace, server_side=True)
    name = body["metadata"]["name"]
    return pool_of(
        kubectl.get("storagepool", name, f"--namespace={namespace}"),
        SETTINGS,
        found_cluster_id=None,
    )


def apply_plan(kubectl: Kubectl, wanted: Pool) -> None:
    actions = plan(wanted, ObservedPool()).actions
    bodies = [each.body for each in actions if isinstance(each, Apply)]
    given = json.dumps({"apiVersion": "v1", "kind": "List", "items": bodies})
    kubectl("apply", "--server-side", "--field-manager=stator-operator", "-f-", given=given)


def until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.2)


def test_controllers_make_pods_that_a_restricted_namespace_lets_in(
    kubectl: Kubectl, namespace: str
) -> None:
    full = full_pool()
    full["spec"]["suspend"] = False
    wanted = put(kubectl, full, namespace)
    apply_plan(kubectl, wanted)
    count = ZONES * wanted.pods_per_zone + SUPERVISORS + wanted.gateways

    until(lambda: len(kubectl.items("pods", f"--namespace={namespace}")) == count)

    claims = kubectl.items("persistentvolumeclaims", f"--namespace={namespace}")
    assert len(claims) == ZONES * wanted.pods_per_zone + SUPERVISORS
    assert {each["spec"]["resources"]["requests"]["storage"] for each in claims} == {
        "10Gi",
        "1Gi",
    }
    assert all("ownerReferences" not in each["metadata"] for each in claims)


def test_one_budget_counts_the_pods_of_all_zones(kubectl: Kubectl, namespace: str) -> None:
    apply_plan(kubectl, put(kubectl, pool(), namespace))

    def expected() -> int:
        budget = kubectl.get("poddisruptionbudget", "one-storage", f"--namespace={namespace}")
        count: int = budget.get("status", {}).get("expectedPods", 0)
        return count

    until(lambda: expected() == ZONES)


def test_an_operator_that_finds_nothing_new_writes_nothing(
    kubectl: Kubectl, namespace: str
) -> None:
    wanted = put(kubectl, full_pool(), namespace)

    def versions() -> dict[tuple[str, str], int]:
        kinds = "statefulsets,deployments,services,poddisruptionbudgets,networkpolicies"
        found = kubectl.items(kinds, f"--namespace={namespace}")
        # Controllers write the status; what the operator writes moves the generation.
        return {
            (each["kind"], each["metadata"]["name"]): each["metadata"].get("generation", 0)
            for each in found
        }

    apply_plan(kubectl, wanted)
    before = versions()
    services = kubectl.items("services", f"--namespace={namespace}")
    apply_plan(kubectl, wanted)

    assert len(before) == 13
    assert versions() == before
    assert services == kubectl.items("services", f"--namespace={namespace}")


def test_a_set_is_replaced_for_larger_volumes_and_its_pods_stay(
    kubectl: Kubectl, namespace: str
) -> None:
    wanted = put(kubectl, pool(), namespace)
    apply_plan(kubectl, wanted)
    own = (f"--namespace={namespace}",)

    def owners() -> dict[str, str]:
        """The uid of each storage pod, and whose it is by now."""
        found = kubectl.items("pods", "--selector=app.kubernetes.io/component=storage", *own)
        return {
            each["metadata"]["uid"]: reference["uid"]
            for each in found
            for reference in each["metadata"].get("ownerReferences", ())
        }

    until(lambda: len(owners()) == ZONES)
    before = owners()
    kubectl("delete", "statefulsets", "--all", "--cascade=orphan", *own)
    apply_plan(kubectl, replace(wanted, volume_size="20Gi"))

    until(lambda: len(owners()) == ZONES and not set(owners().values()) & set(before.values()))
    assert set(owners()) == set(before)


def test_all_of_a_pool_goes_with_it_but_the_volumes(kubectl: Kubectl, namespace: str) -> None:
    apply_plan(kubectl, put(kubectl, pool(), namespace))
    own = (f"--namespace={namespace}",)
    until(lambda: len(kubectl.items("persistentvolumeclaims", *own)) == ZONES + SUPERVISORS)

    kubectl("delete", "storagepool", "one", *own)

    until(lambda: kubectl.items("statefulsets,services,deployments", *own) == [])
    assert len(kubectl.items("persistentvolumeclaims", *own)) == ZONES + SUPERVISORS
