"""Tables in a real cluster of three zones: what kubectl applies boto3 uses, and the other way."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from blackbox import wait_for, wait_until_active
from cluster_pages import run_page
from docs.pages import ROOT
from gateways import AnyCluster
from operators import OperatorProcess, define_resources
from pools import POOL, STORAGE, Pool
from resource_changes import an_object
from testbed.kubectl import Kubectl

Object = dict[str, Any]
STARTED_SECONDS = 180.0
PAGE = ROOT / "docs" / "how-to" / "keep-tables-as-objects.md"
FILMS = {
    "tableName": "Films",
    "attributeDefinitions": [{"attributeName": "pk", "attributeType": "S"}],
    "keySchema": [{"attributeName": "pk", "keyType": "HASH"}],
    "deletionPolicy": "Delete",
}
BY_YEAR = {
    "indexName": "ByYear",
    "keySchema": [{"attributeName": "year", "keyType": "HASH"}],
    "projection": {"projectionType": "ALL"},
}
YEAR = {"attributeName": "year", "attributeType": "N"}


class Place(Pool):
    """A namespace with a pool that serves, and its Tables."""

    def apply(self, name: str, **spec: Any) -> None:
        """kubectl apply of a Table."""
        body = an_object("Table", {**FILMS, **spec})
        body["metadata"]["name"] = name
        self.kubectl.apply(body, namespace=self.namespace)

    def patch(self, name: str, **spec: Any) -> None:
        patch = json.dumps({"spec": spec})
        self.kubectl("patch", "table", name, "--type=merge", f"--patch={patch}", self.own)

    def wait_for(self, condition: str, name: str, seconds: float = 60.0) -> None:
        self.kubectl.wait(f"condition={condition}", f"table/{name}", self.own, seconds=seconds)

    def objects(self, table: str) -> list[Object]:
        """The Tables of this tableName."""
        return self.kubectl.items("tables", f"--field-selector=spec.tableName={table}", self.own)

    def wait_until_says(self, name: str, type_: str, reason: str) -> str:
        """Until a condition has this reason. Its message."""

        def said() -> str | None:
            status = self.kubectl.get("table", name, self.own).get("status", {})
            for each in status.get("conditions", ()):
                if (each["type"], each["reason"]) == (type_, reason):
                    return str(each["message"]) or reason
            return None

        return wait_for(said, f"{name} says {type_} {reason}", 60)

    def wait_until_gone(self, name: str) -> None:
        self.kubectl("wait", "--for=delete", f"table/{name}", "--timeout=60s", self.own)


@pytest.fixture
def operator(cluster: AnyCluster, stator_image: str, tmp_path: Path) -> Iterator[OperatorProcess]:
    kubectl = cluster.kubectl
    define_resources(kubectl)
    with (
        kubectl.namespace("operator") as namespace,
        OperatorProcess(
            kubectl, namespace, tmp_path, stator_image, all_namespaces=True
        ) as operator,
    ):
        yield operator


@pytest.fixture
def place(cluster: AnyCluster, operator: OperatorProcess) -> Iterator[Place]:
    with operator.kubectl.namespace("tables") as namespace:
        made = Place(cluster, namespace)
        made.make()
        yield made
        made.remove()


def put(client: Any, table: str, key: str = "a") -> None:
    client.put_item(TableName=table, Item={"pk": {"S": key}, "year": {"N": "1999"}})


def has(client: Any, table: str, key: str = "a") -> bool:
    found = client.get_item(TableName=table, Key={"pk": {"S": key}}, ConsistentRead=True)
    return "Item" in found


@pytest.mark.timeout(600, func_only=True)
def test_tables_of_kubectl_and_of_boto3_are_the_same(
    place: Place, operator: OperatorProcess, tmp_path: Path
) -> None:
    place.apply("films", pool=POOL)
    place.wait_for("Ready", "films", STARTED_SECONDS)
    with place.client() as client:
        put(client, "Films")
        assert has(client, "Films")
        partitions_are_shown(place)
        a_clients_table_is_an_object(place, client)
        an_object_changes_its_table(place, client)
        nobody_is_needed_for_items(place, operator, client)
        what_cannot_be_is_told(place)
        tables_go_both_ways(place, client)
        retained_items_are_adopted(place, client)
        client.delete_table(TableName="Kept")
    the_page_is_true(place, tmp_path)
    assert "Traceback" not in operator.says()


def the_page_is_true(place: Place, folder: Path) -> None:
    """What docs/how-to/keep-tables-as-objects.md says works as printed, in one shell."""
    kubeconfig = folder / "kubeconfig"
    kubeconfig.write_bytes(place.kubectl.kubeconfig.read_bytes())
    here = Kubectl(place.kubectl.program, kubeconfig)
    here("config", "set-context", "--current", place.own)
    with place.gateway() as gateway:
        environment = {
            "AWS_ENDPOINT_URL": f"http://{gateway.http}",
            "AWS_ACCESS_KEY_ID": gateway.key[0],
            "AWS_SECRET_ACCESS_KEY": gateway.key[1],
            "AWS_DEFAULT_REGION": "us-east-1",
        }
        run_page(PAGE, folder, here, environment=environment)


def partitions_are_shown(place: Place) -> None:
    def shown() -> Object | None:
        found = place.kubectl.items(
            "partitions", "--field-selector=spec.tableName=Films", place.own
        )
        led = [each for each in found if each.get("status", {}).get("leader")]
        return led[0] if led else None

    partition = wait_for(shown, "the table's partition is shown", 60)
    pods = {each["pod"] for each in partition["status"]["replicas"]}
    assert pods == {f"{POOL}-zone-{number}-0" for number in (1, 2, 3)}
    assert partition["status"]["leader"] in pods


def a_clients_table_is_an_object(place: Place, client: Any) -> None:
    client.create_table(
        TableName="Music",
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
    )
    wait_until_active(client, "Music")
    put(client, "Music")
    (made,) = place.objects("Music")
    assert made["spec"]["pool"] == POOL
    name = made["metadata"]["name"]

    arn = client.describe_table(TableName="Music")["Table"]["TableArn"]
    client.tag_resource(ResourceArn=arn, Tags=[{"Key": "team", "Value": "records"}])
    ends = {"AttributeName": "ends", "Enabled": True}
    client.update_time_to_live(TableName="Music", TimeToLiveSpecification=ends)
    (changed,) = place.objects("Music")
    assert changed["spec"]["tags"] == [{"key": "team", "value": "records"}]
    assert changed["spec"]["timeToLive"] == {"attributeName": "ends", "enabled": True}
    place.wait_for("Ready", name)


def an_object_changes_its_table(place: Place, client: Any) -> None:
    definitions = [*FILMS["attributeDefinitions"], YEAR]
    place.patch(
        "films",
        attributeDefinitions=definitions,
        globalSecondaryIndexes=[BY_YEAR],
        deletionProtectionEnabled=True,
    )

    def is_there() -> bool | None:
        shown = client.describe_table(TableName="Films")["Table"]
        indexes = shown.get("GlobalSecondaryIndexes", ())
        active = [each["IndexStatus"] for each in indexes] == ["ACTIVE"]
        return True if active and shown["DeletionProtectionEnabled"] else None

    wait_for(is_there, "the index is ACTIVE", 60)
    found = client.query(
        TableName="Films",
        IndexName="ByYear",
        KeyConditionExpression="#y = :y",
        ExpressionAttributeNames={"#y": "year"},
        ExpressionAttributeValues={":y": {"N": "1999"}},
    )
    assert found["Count"] == 1


def nobody_is_needed_for_items(place: Place, operator: OperatorProcess, client: Any) -> None:
    """Without an operator items are served; what is wanted meanwhile is done by the next one."""
    operator.kill()
    put(client, "Films", "without")
    place.patch("films", tags=[{"key": "since", "value": "then"}])
    operator.start()
    arn = client.describe_table(TableName="Films")["Table"]["TableArn"]

    def is_tagged() -> bool | None:
        return True if client.list_tags_of_resource(ResourceArn=arn)["Tags"] else None

    wait_for(is_tagged, "the next operator has it tagged", 60)
    assert has(client, "Films", "without")


def what_cannot_be_is_told(place: Place) -> None:
    place.apply("lost", tableName="Lost", pool="nowhere")
    message = place.wait_until_says("lost", "Accepted", "PoolUnknown")
    assert "has no StoragePool nowhere: make it" in message
    place.apply("films-again", pool=POOL)
    message = place.wait_until_says("films-again", "Accepted", "NameInUse")
    assert "Table films has the tableName Films already" in message

    def reasons() -> set[str] | None:
        found = {each["reason"] for each in place.kubectl.items("events.events.k8s.io", place.own)}
        return found if {"PoolUnknown", "NameInUse"} <= found else None

    wait_for(reasons, "Events say it too", 30)
    place.kubectl("delete", "table", "lost", "films-again", place.own)


def tables_go_both_ways(place: Place, client: Any) -> None:
    (music,) = place.objects("Music")
    client.delete_table(TableName="Music")
    place.wait_until_gone(music["metadata"]["name"])
    assert "Music" not in client.list_tables()["TableNames"]

    place.kubectl("delete", "table", "films", "--wait=false", place.own)
    message = place.wait_until_says("films", "Progressing", "StepRefused")
    assert "protected against deletion" in message
    assert has(client, "Films")
    place.patch("films", deletionProtectionEnabled=False)
    place.wait_until_gone("films")
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.describe_table(TableName="Films")


def retained_items_are_adopted(place: Place, client: Any) -> None:
    place.apply("kept", tableName="Kept", pool=POOL, deletionPolicy="Retain")
    place.wait_for("Ready", "kept")
    put(client, "Kept")
    place.kubectl("delete", "table", "kept", place.own)
    assert has(client, "Kept")
    place.apply("kept-again", tableName="Kept", pool=POOL, deletionPolicy="Retain")
    place.wait_for("Ready", "kept-again")
    assert has(client, "Kept")


@pytest.mark.timeout(600, func_only=True)
def test_two_namespaces_have_tables_of_one_name_one_of_them_with_storage_of_its_own(
    place: Place,
) -> None:
    place.apply("films", pool=POOL)
    with place.kubectl.namespace("other") as namespace:
        other = Place(place.cluster, namespace, "films")
        other.apply("films", storage=STORAGE)
        place.wait_for("Ready", "films", STARTED_SECONDS)
        other.wait_for("Ready", "films", STARTED_SECONDS)
        (pool,) = other.kubectl.items("storagepools", other.own)
        assert pool["metadata"]["ownerReferences"][0]["kind"] == "Table"

        with place.client() as here, other.client() as there:
            put(here, "Films", "here")
            put(there, "Films", "there")
            assert [has(here, "Films", key) for key in ("here", "there")] == [True, False]
            assert [has(there, "Films", key) for key in ("here", "there")] == [False, True]
        other.kubectl("delete", "table", "films", other.own)
        assert other.kubectl.items("storagepools", other.own) == []

        def nothing_is_left() -> bool | None:
            left = other.kubectl.items("pods,persistentvolumeclaims", other.own)
            return True if left == [] else None

        wait_for(nothing_is_left, "pods and volumes are gone", 120)
