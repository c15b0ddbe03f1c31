"""The gateway of a pool as its clients have it: two doors, a key, and the load that is judged.

Used by the tests in this folder that have a pool of real pods. The load is that of
`history_load.py`: boto3 and gRPC clients at once, whose history two judges look at.
"""

from __future__ import annotations

import base64
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from blackbox import boto3_client, wait_for, wait_until_active
from history_doors import Boto3Door, GrpcDoor
from history_load import Load, judged_load
from stator_node.gateway.access_keys import parse_file
from testbed.cluster import Cluster
from testbed.given import GivenCluster
from testbed.kubectl import Kubectl

AnyCluster = Cluster | GivenCluster

TABLE = "History"
HTTP_PORT, GRPC_PORT = 8000, 8001
BOTO3_CLIENTS = 4
GRPC_CLIENTS = 2
PAUSE_SECONDS = 0.05  # two processors run everything: nodes, pods and clients
MORE = 20  # writes that show that all goes on


@dataclass(frozen=True, slots=True)
class Gateway:
    """Where its doors are found, as `host:port`, and the key of an administrator: id, secret."""

    http: str
    grpc: str
    key: tuple[str, str]

    @contextmanager
    def client(self) -> Iterator[Any]:
        """boto3 with that key."""
        made = boto3_client(f"http://{self.http}", *self.key)
        yield made
        made.close()

    @contextmanager
    def under_load(self, folder: Path, seed: int) -> Iterator[Load]:
        """Clients at work on `TABLE`; at the end their history is judged.

        A table has one load of each seed in its life: a history begins with nothing.
        """
        doors = [
            *(Boto3Door(f"http://{self.http}", self.key) for _ in range(BOTO3_CLIENTS)),
            *(GrpcDoor(lambda: self.grpc, self.key) for _ in range(GRPC_CLIENTS)),
        ]
        with judged_load(doors, folder, seed, table=TABLE, pause_seconds=PAUSE_SECONDS) as load:
            yield load


@contextmanager
def gateway_of(cluster: AnyCluster, pool: str, namespace: str) -> Iterator[Gateway]:
    """The pool's gateway, when it serves, with the first administrator's key."""
    own, name = f"--namespace={namespace}", f"{pool}-gateway"
    words = ("rollout", "status", f"deployment/{name}", "--timeout=120s", own)
    cluster.kubectl(*words, seconds=130)
    key = access_keys(cluster.kubectl, pool, namespace)[0]
    with cluster.reached(name, (HTTP_PORT, GRPC_PORT), namespace) as (http, grpc):
        for address in (http, grpc):
            # A Service that was just made is known to a machine's packet filter a moment later.
            wait_for(lambda address=address: _is_open(address), f"{name} at {address}")
        yield Gateway(http, grpc, key)


def _is_open(address: str) -> bool | None:
    host, _, port = address.partition(":")
    try:
        socket.create_connection((host, int(port)), timeout=2).close()
    except OSError:
        return None
    return True


def access_keys(kubectl: Kubectl, pool: str, namespace: str) -> list[tuple[str, str]]:
    """The keys of a pool's Secret, in their order: id and secret of each."""
    secret = kubectl.get("secret", f"{pool}-access-keys", f"--namespace={namespace}")
    text = base64.b64decode(secret["data"]["access-keys"]).decode()
    found = parse_file(text, "access-keys").values()
    return [(each.access_key_id, each.secret_access_key) for each in found]


def create_table(client: Any, name: str = TABLE) -> None:
    """Make a table. A gateway is ready when it has found nodes; its supervisor may be next."""

    def made() -> bool | None:
        try:
            client.create_table(
                TableName=name,
                AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
                KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
                BillingMode="PAY_PER_REQUEST",
            )
        except client.exceptions.ClientError as error:
            if error.response["Error"]["Code"] != "ServiceUnavailable":
                raise
            return None
        return True

    wait_for(made, "a supervisor that the gateway has found", 60)
    wait_until_active(client, name)


def is_there(client: Any, key: str) -> bool:
    return "Item" in client.get_item(TableName=TABLE, Key={"pk": {"S": key}}, ConsistentRead=True)
