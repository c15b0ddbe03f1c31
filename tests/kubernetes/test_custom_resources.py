"""The custom resources in a real API server: what its schemas and CEL rules take and refuse."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest

import table_specs
from operators import define_resources
from resource_changes import CHANGES, NEW, Case, Object, own_storage, pool, rich_table, table
from table_specs import REFUSED, Refused
from testbed.kubectl import Kubectl, KubectlFailed


@pytest.fixture(scope="module")
def kubectl(api_server: Any) -> Kubectl:
    """kubectl of a server that knows the resources."""
    made: Kubectl = api_server.kubectl
    define_resources(made)
    return made


@pytest.fixture
def namespace(kubectl: Kubectl) -> Iterator[str]:
    with kubectl.namespace() as name:
        yield name


def put(kubectl: Kubectl, made: Object, namespace: str) -> None:
    """Create or replace an object, its status too where it has one."""
    words = (f"--namespace={namespace}", "--filename=-")
    given = json.dumps(made)
    kubectl("apply", "--server-side", "--force-conflicts", *words, given=given)
    if "status" in made:
        kubectl("replace", "--subresource=status", *words, given=given)


def try_new(kubectl: Kubectl, made: Object) -> None:
    kubectl("create", "--dry-run=server", "--filename=-", given=json.dumps(made))


@pytest.mark.parametrize("case", NEW, ids=lambda each: each.name)
def test_a_new_object_is_taken_or_refused_with_the_reason(kubectl: Kubectl, case: Case) -> None:
    if case.words is None:
        try_new(kubectl, case.changed())
        return
    try_new(kubectl, case.start())
    with pytest.raises(KubectlFailed) as refusal:
        try_new(kubectl, case.changed())
    assert case.words in str(refusal.value)


@pytest.mark.parametrize("refused", REFUSED, ids=lambda each: each.name)
def test_a_table_that_cannot_be_is_refused_with_the_reason(
    kubectl: Kubectl, refused: Refused
) -> None:
    try_new(kubectl, table(refused.start()))
    with pytest.raises(KubectlFailed) as refusal:
        try_new(kubectl, table(refused.spec()))
    assert refused.words in str(refusal.value)


@pytest.mark.parametrize("case", CHANGES, ids=lambda each: each.name)
def test_a_change_is_taken_or_refused_with_the_reason(
    kubectl: Kubectl, namespace: str, case: Case
) -> None:
    put(kubectl, case.start(), namespace)
    if case.words is None:
        put(kubectl, case.changed(), namespace)
        return
    with pytest.raises(KubectlFailed) as refusal:
        put(kubectl, case.changed(), namespace)
    assert case.words in str(refusal.value)


def test_the_largest_table_is_not_too_dear_to_check(kubectl: Kubectl) -> None:
    """Rules have a budget at every request too: what is allowed must fit in it."""
    spec = table_specs.with_indexes()
    spec["localSecondaryIndexes"], spec["globalSecondaryIndexes"] = [], []
    del spec["attributeDefinitions"][2:]
    names = [f"a{number:03}".ljust(255, "x") for number in range(165)]
    table_specs.define(spec, *names)
    for number in range(5):
        keys = ("Artist", "HASH"), (names[number], "RANGE")
        spec["localSecondaryIndexes"].append(table_specs.index(f"local{number}", *keys))
    for number in range(20):
        own = names[5 + 8 * number : 13 + 8 * number]
        roles = ["HASH"] * 4 + ["RANGE"] * 4
        keys = tuple(zip(own, roles, strict=True))
        include = tuple(f"p{number}-{each}".ljust(255, "x") for each in range(5))
        spec["globalSecondaryIndexes"].append(
            table_specs.index(f"global{number}", *keys, include=include)
        )
    spec["tags"] = [{"key": f"k{number}", "value": "v" * 256} for number in range(50)]

    try_new(kubectl, table(spec))


def test_what_was_not_said_is_filled_in(kubectl: Kubectl, namespace: str) -> None:
    put(kubectl, own_storage(), namespace)

    spec = kubectl.get("table", "one", f"--namespace={namespace}")["spec"]

    assert spec["billingMode"] == "PAY_PER_REQUEST"
    assert spec["deletionPolicy"] == "Retain"
    assert spec["storage"]["podsPerZone"] == 1
    assert spec["storage"]["zoneKey"] == "topology.kubernetes.io/zone"
    assert spec["storage"]["gateway"]["replicas"] == 2
    assert spec["storage"]["resources"]["requests"] == {"cpu": "500m", "memory": "1Gi"}


def test_pools_and_tables_are_scaled_like_everything_else(kubectl: Kubectl, namespace: str) -> None:
    put(kubectl, pool(), namespace)
    put(kubectl, own_storage(), namespace)

    kubectl("scale", "storagepool/one", "--replicas=2", f"--namespace={namespace}")
    kubectl("scale", "table/one", "--replicas=3", f"--namespace={namespace}")

    assert kubectl.get("spool", "one", f"--namespace={namespace}")["spec"]["podsPerZone"] == 2
    storage = kubectl.get("tbl", "one", f"--namespace={namespace}")["spec"]["storage"]
    assert storage["podsPerZone"] == 3


def test_tables_are_found_by_name_and_pool(kubectl: Kubectl, namespace: str) -> None:
    other = copy.deepcopy(rich_table())
    other["metadata"]["name"] = "two"
    put(kubectl, table(), namespace)
    put(kubectl, other, namespace)

    def found(selector: str) -> list[str]:
        words = ("tables", f"--field-selector={selector}", f"--namespace={namespace}")
        return [each["metadata"]["name"] for each in kubectl.items(*words)]

    assert found("spec.tableName=Music") == ["one"]
    assert found("spec.pool=default") == ["one", "two"]


def test_a_status_is_not_written_with_the_spec(kubectl: Kubectl, namespace: str) -> None:
    made = table()
    made["status"] = {"tableStatus": "ACTIVE"}
    words = (f"--namespace={namespace}", "--filename=-")

    kubectl("create", *words, given=json.dumps(made))

    assert "status" not in kubectl.get("table", "one", f"--namespace={namespace}")


def test_the_columns_that_people_see(kubectl: Kubectl, namespace: str) -> None:
    put(kubectl, pool(), namespace)
    put(kubectl, table(), namespace)

    listed = kubectl("get", "stator", f"--namespace={namespace}")

    assert "Music" in listed
    assert '["a","b","c"]' in listed
