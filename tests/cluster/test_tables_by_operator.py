"""`--tables-by-operator`, processes as pods are: boto3 here, and there who keeps the objects."""

from __future__ import annotations

import json
import threading
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from blackbox import wait_for
from cluster.separate import ZONES, Pods, client_of, create_music, has, put


class Keeper:
    """What an operator does, with objects in memory: takes up what clients ask for."""

    def __init__(self, port: int) -> None:
        self._address = f"http://127.0.0.1:{port}/v1/"
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.objects: dict[str, dict[str, Any]] = {}

    def __enter__(self) -> Keeper:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        self._thread.join()

    def ask(self, method: str, path: str, **members: Any) -> Any:
        body = json.dumps(members).encode() if members else None
        request = urllib.request.Request(self._address + path, body, method=method)
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)

    def put(self, name: str, **more: str) -> None:
        """The object of a table as it is now."""
        self.ask("PUT", f"tables/{name}", uid=f"uid of {name}", **self.objects[name], **more)

    def _run(self) -> None:
        while not self._ending.is_set():
            for ask in self.ask("GET", "asks?wait=1")["asks"]:
                self._take_up(ask)

    def _take_up(self, ask: dict[str, Any]) -> None:
        name = ask["name"]
        if ask["after"] is None:
            del self.objects[name]
            self.ask("DELETE", f"tables/{name}", uid=f"uid of {name}", ask=ask["id"])
            return
        before = self.objects.get(name, {"generation": 0})
        self.objects[name] = {"generation": before["generation"] + 1, "table": ask["after"]}
        self.put(name, ask=ask["id"])


@pytest.fixture
def pods(tmp_path: Path) -> Iterator[Pods]:
    made = Pods(tmp_path)
    for zone in ZONES:
        made.start_node(zone)
    made.start_supervisor("--tables-by-operator")
    yield made
    made.end()


def test_tables_of_clients_are_objects_and_objects_are_tables_of_clients(pods: Pods) -> None:
    client = client_of(pods.start_gateway())
    with Keeper(pods.operator_port) as keeper:
        create_music(client)
        put(client, "a")
        assert keeper.objects["Music"]["table"]["TableName"] == "Music"

        wanted = keeper.objects["Music"]
        wanted["generation"] += 1
        wanted["table"]["DeletionProtectionEnabled"] = True
        keeper.put("Music")
        wait_for(lambda: _protected(client) or None, "the object's wish is carried out")

        client.update_table(TableName="Music", DeletionProtectionEnabled=False)
        assert not keeper.objects["Music"]["table"].get("DeletionProtectionEnabled")
        assert has(client, "a")
        client.delete_table(TableName="Music")
        assert keeper.objects == {}
        wait_for(lambda: True if client.list_tables()["TableNames"] == [] else None, "it is gone")
    client.close()


def test_a_wish_outlives_the_supervisor_that_was_told_of_it(pods: Pods) -> None:
    client = client_of(pods.start_gateway())
    with Keeper(pods.operator_port) as keeper:
        create_music(client)
        put(client, "a")
        wanted = keeper.objects["Music"]
    index = {
        "IndexName": "by-pk",
        "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
        "Projection": {"ProjectionType": "ALL"},
    }
    wanted["generation"] += 1
    wanted["table"] |= {
        "GlobalSecondaryIndexes": [index],
        "Tags": [{"Key": "team", "Value": "records"}],
    }
    keeper.put("Music")
    pods.supervisor.kill()
    pods.start_supervisor("--tables-by-operator")

    def is_done() -> bool | None:
        shown = client.describe_table(TableName="Music")["Table"]
        states = [each["IndexStatus"] for each in shown.get("GlobalSecondaryIndexes", ())]
        return True if states == ["ACTIVE"] else None

    wait_for(is_done, "the index that was wanted is there")
    entry = keeper.ask("GET", "tables/Music")
    assert entry["object"] == {"uid": "uid of Music", "generation": 2, "deleting": False}
    assert entry["table"]["Tags"] == [{"Key": "team", "Value": "records"}]
    client.close()


def test_without_an_operator_a_client_hears_so_and_items_are_served(pods: Pods) -> None:
    client = client_of(pods.start_gateway())
    with Keeper(pods.operator_port):
        create_music(client)

    with pytest.raises(client.exceptions.ClientError, match="operator, which keeps them, is away"):
        client.delete_table(TableName="Music")
    put(client, "b")
    assert has(client, "b")
    client.close()


def _protected(client: Any) -> bool:
    shown = client.describe_table(TableName="Music")["Table"]
    return bool(shown["DeletionProtectionEnabled"])
