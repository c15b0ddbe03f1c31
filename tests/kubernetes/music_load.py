"""A table, and writes to it that go on while pods, certificates or operators come and go.

Used by the tests in this folder that have a pool of real pods.
"""

from __future__ import annotations

import threading
from typing import Any

from blackbox import wait_for, wait_until_active


def create_music(client: Any) -> None:
    """Make the table. A gateway is ready when it has found nodes; its supervisor may be next."""

    def made() -> bool | None:
        try:
            client.create_table(
                TableName="Music",
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
    wait_until_active(client, "Music")


class Load:
    """Writes, one after the other, until it is told to stop; remembers what was acknowledged."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self._ending = threading.Event()
        self.written: list[str] = []
        self.failed = 0
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Load:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        self._thread.join()

    def _run(self) -> None:
        number = 0
        while not self._ending.is_set():
            key = f"k{number}"
            number += 1
            try:
                self._client.put_item(TableName="Music", Item={"pk": {"S": key}})
            except self._client.exceptions.ClientError:
                self.failed += 1
            else:
                self.written.append(key)

    def wait_for_more(self, count: int) -> None:
        wanted = len(self.written) + count
        wait_for(lambda: True if len(self.written) >= wanted else None, "writes go on", 60)


def is_there(client: Any, key: str) -> bool:
    return "Item" in client.get_item(TableName="Music", Key={"pk": {"S": key}}, ConsistentRead=True)
