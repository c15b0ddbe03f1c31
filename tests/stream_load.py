"""Writers that count, each in an item of its own, so that a stream can be judged by its numbers.

Imported by tests that kill servers under load. Each write puts the next number into the writer's
item. Every change must be in the stream once, in order: 1, 2, 3 … without gap, up to what the item
holds at last, and that is at least what was acknowledged.
"""

from __future__ import annotations

import threading
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

import blackbox

TABLE = "counted"
CREATE_TABLE: dict[str, Any] = {
    "TableName": TABLE,
    "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
    "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
    "BillingMode": "PAY_PER_REQUEST",
    "StreamSpecification": {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
}


class Counter:
    """One writer. `acknowledged` is the last number that the server said to have."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.acknowledged = 0
        self._thread: threading.Thread | None = None
        self._stopped = threading.Event()

    def begin(self, url: str) -> None:
        """Go on counting from what the server has."""
        self._stopped.clear()
        self._thread = threading.Thread(target=self._run, args=(url,))
        self._thread.start()

    def end(self) -> None:
        self._stopped.set()
        assert self._thread is not None
        self._thread.join()

    def _run(self, url: str) -> None:
        client = blackbox.boto3_client(url)
        try:
            while not self._stopped.is_set():
                try:
                    number = stored_number(client, self.name)
                    while not self._stopped.is_set():
                        number += 1
                        client.put_item(TableName=TABLE, Item=item(self.name, number))
                        self.acknowledged = number
                except (BotoCoreError, ClientError):
                    self._stopped.wait(0.1)  # Killed, or between two leaders.
        finally:
            client.close()


def item(name: str, number: int) -> dict[str, Any]:
    return {"pk": {"S": name}, "n": {"N": str(number)}, "pad": {"S": "x" * (number % 300)}}


def stored_number(client: Any, name: str) -> int:
    """What the writer's item holds."""
    found = client.get_item(TableName=TABLE, Key={"pk": {"S": name}}, ConsistentRead=True)
    return int(found["Item"]["n"]["N"]) if "Item" in found else 0


class CountingLoad:
    """Several writers."""

    def __init__(self, writers: int) -> None:
        self.counters = [Counter(f"writer-{n}") for n in range(writers)]

    @property
    def acknowledged(self) -> int:
        return sum(counter.acknowledged for counter in self.counters)

    def begin(self, url: str) -> None:
        for counter in self.counters:
            counter.begin(url)

    def end(self) -> None:
        for counter in self.counters:
            counter.end()

    def wait_for_acknowledged(self, more: int, seconds: float = 30.0) -> None:
        goal = self.acknowledged + more
        blackbox.wait_for(
            lambda: True if self.acknowledged >= goal else None, f"{more} more writes", seconds
        )

    def check(self, client: Any, records: list[dict[str, Any]]) -> None:
        """Judge all records of the stream, in the order in which a consumer got them."""
        seen: dict[str, list[int]] = {counter.name: [] for counter in self.counters}
        for record in records:
            told = record["dynamodb"]
            numbers = seen[told["Keys"]["pk"]["S"]]
            old = int(told["OldImage"]["n"]["N"]) if "OldImage" in told else 0
            new = int(told["NewImage"]["n"]["N"])
            last = numbers[-1] if numbers else 0
            assert (old, new) == (last, last + 1), f"{told['Keys']}: {old} to {new} after {last}"
            numbers.append(new)
        ids = [record["eventID"] for record in records]
        assert len(set(ids)) == len(ids)
        for counter in self.counters:
            count = len(seen[counter.name])
            assert count == stored_number(client, counter.name)
            assert count >= counter.acknowledged
