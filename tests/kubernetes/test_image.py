"""The project's image: it runs as pods are made to run where nobody trusts anybody.

Built from the Dockerfile at the root by buildah, on a base without a registry; run under
`restricted` pod security, as two users that the image knows nothing of, on a root that cannot be
written.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from blackbox import boto3_client, wait_until_active
from pods import pod, pod_spec, restricted_container
from testbed.cluster import Cluster
from testbed.given import GivenCluster

AnyCluster = Cluster | GivenCluster

READY = {"tcpSocket": {"port": 8000}, "periodSeconds": 1}
VOLUME = {"name": "data", "emptyDir": {}}
MOUNT = {"name": "data", "mountPath": "/data"}
# What would be of use to whoever broke in, and what only building needs.
NOT_IN_IT = ("pip", "pip3", "gcc", "cc", "make", "git", "curl", "wget")


@pytest.fixture
def namespace(cluster: AnyCluster) -> Iterator[str]:
    with cluster.kubectl.namespace("image") as name:
        yield name


def stator_pod(image: str, *words: str, user: int, name: str = "stator") -> dict[str, Any]:
    members = {"args": list(words), "readinessProbe": READY, "volumeMounts": [MOUNT]}
    container = restricted_container("stator", image, imagePullPolicy="IfNotPresent", **members)
    return pod(name, pod_spec(container, user=user, volumes=[VOLUME]))


@pytest.mark.parametrize("user", [1, 1_000_660_000])
def test_a_pod_of_one_process_serves_boto3_as_any_user(
    cluster: AnyCluster, namespace: str, stator_image: str, user: int
) -> None:
    words = ("local", "--host", "0.0.0.0", "--folder", "/data/stator")
    cluster.kubectl.apply(stator_pod(stator_image, *words, user=user), namespace=namespace)
    cluster.kubectl.wait("condition=Ready", "pod/stator", f"--namespace={namespace}")

    with cluster.kubectl.forward("pod/stator", 8000, namespace) as port:
        client = boto3_client(f"http://127.0.0.1:{port}")
        client.create_table(
            TableName="Music",
            AttributeDefinitions=[{"AttributeName": "Song", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "Song", "KeyType": "HASH"}],
            BillingMode="PAY_PER_REQUEST",
        )
        wait_until_active(client, "Music")
        item = {"Song": {"S": "Happy Day"}, "Plays": {"N": "1"}}
        client.put_item(TableName="Music", Item=item)
        got = client.get_item(TableName="Music", Key={"Song": {"S": "Happy Day"}})
        client.close()

    assert got["Item"] == item


def test_the_same_image_runs_a_storage_pod(
    cluster: AnyCluster, namespace: str, stator_image: str
) -> None:
    words = ("node", "--host", "0.0.0.0", "--port", "8000", "--folder", "/data/stator")
    who = ("--cluster-id", "c-test", "--zone", "zone-1")
    made = stator_pod(stator_image, *words, *who, user=1)

    cluster.kubectl.apply(made, namespace=namespace)

    cluster.kubectl.wait("condition=Ready", "pod/stator", f"--namespace={namespace}")


def test_the_image_names_a_user_that_is_not_root_and_holds_nothing_that_builds(
    cluster: AnyCluster, namespace: str, stator_image: str
) -> None:
    """Without `runAsUser` the image's own user must be enough for `runAsNonRoot`."""
    kubectl = cluster.kubectl
    made = stator_pod(stator_image, "local", "--host", "0.0.0.0", "--folder", "/data", user=1)
    del made["spec"]["securityContext"]["runAsUser"]
    kubectl.apply(made, namespace=namespace)
    kubectl.wait("condition=Ready", "pod/stator", f"--namespace={namespace}")

    def inside(*command: str) -> subprocess.CompletedProcess[str]:
        words = ("exec", f"--namespace={namespace}", "stator", "--", *command)
        return subprocess.run(kubectl.command(*words), capture_output=True, text=True, check=False)

    assert inside("id", "-u").stdout == "65532\n"
    asked = " ".join(NOT_IN_IT)
    found = inside("sh", "-c", f"for name in {asked}; do command -v $name; done; true")
    assert (found.returncode, found.stdout) == (0, "")
    assert "Read-only file system" in inside("touch", "/opt/stator/written").stderr
    # What Python would compile at each start is compiled.
    compiled = "find /opt/stator -path '*stator_node/__pycache__/local.*.pyc'"
    assert inside("sh", "-c", compiled).stdout != ""
