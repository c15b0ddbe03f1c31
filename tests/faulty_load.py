"""Writers that remember what they were promised, so that a test can ask for it after a crash.

Imported by tests/faults. Each writer is a thread with one connection, one request at a time and a
partition key of its own; all of them share one counter. What a writer knows of an item is a list of
states that it may be in: one state once the server has acknowledged it, two while an answer is
missing. After a crash `check` reads everything back and holds it against that.
"""

from __future__ import annotations

import http.client
import random
import threading
from typing import Any

from blackbox import Connection, wait_for

TABLE = "Promises"
SORT_KEYS = 12
END_SECONDS_MAX = 30.0
Item = dict[str, Any]
State = Item | None

CREATE_TABLE = {
    "TableName": TABLE,
    "BillingMode": "PAY_PER_REQUEST",
    "AttributeDefinitions": [
        {"AttributeName": name, "AttributeType": kind}
        for name, kind in (("pk", "S"), ("sk", "S"), ("a", "S"), ("b", "N"))
    ],
    "KeySchema": [
        {"AttributeName": "pk", "KeyType": "HASH"},
        {"AttributeName": "sk", "KeyType": "RANGE"},
    ],
    "LocalSecondaryIndexes": [
        {
            "IndexName": "local",
            "KeySchema": [
                {"AttributeName": "pk", "KeyType": "HASH"},
                {"AttributeName": "a", "KeyType": "RANGE"},
            ],
            "Projection": {"ProjectionType": "ALL"},
        }
    ],
    "GlobalSecondaryIndexes": [
        {
            "IndexName": "global",
            "KeySchema": [
                {"AttributeName": "a", "KeyType": "HASH"},
                {"AttributeName": "b", "KeyType": "RANGE"},
            ],
            "Projection": {"ProjectionType": "ALL"},
        }
    ],
}
SHARED_COUNTER = {"pk": {"S": "shared"}, "sk": {"S": "counter"}}


class Refused(Exception):
    """The server answered with an error. The text says which."""


class Writer:
    """One client: writes until it is stopped or the server is gone."""

    def __init__(self, number: int, seed: int) -> None:
        self.chance = random.Random(f"{seed} {number}")
        self.partition = f"writer {number}"
        self.known: dict[str, list[State]] = {f"{sk:02}": [None] for sk in range(SORT_KEYS)}
        self.shared_acknowledged = 0
        self.shared_in_flight = 0
        self.acknowledged = 0
        self.refused: str | None = None
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None
        self._number = 0

    def begin(self, url: str) -> None:
        """Write to this server, in a thread of its own."""
        self._ended.clear()
        self._thread = threading.Thread(target=self._run, args=(url,), daemon=True)
        self._thread.start()

    def end(self) -> None:
        """Stop after the request under way."""
        self._ended.set()

    def join(self) -> None:
        assert self._thread is not None
        self._thread.join(END_SECONDS_MAX)
        assert not self._thread.is_alive(), f"{self.partition} hangs"

    def _run(self, url: str) -> None:
        connection = OneTryConnection(url)
        actions = [self._put, self._put, self._delete, self._count, self._batch, self._count_shared]
        try:
            while not self._ended.is_set():
                self.chance.choice(actions)(connection)
                self.acknowledged += 1
        except (OSError, http.client.HTTPException):
            return  # The server is gone. What was under way stays in `known` with two states.
        except Refused as error:
            self.refused = str(error)
        finally:
            connection.close()

    # What a writer does.

    def _put(self, connection: Connection) -> None:
        new = self._new_item(self._any_sort_key())
        self._write(connection, "PutItem", {"TableName": TABLE, "Item": new}, [new])

    def _delete(self, connection: Connection) -> None:
        key = self._key(self._any_sort_key())
        body = {"TableName": TABLE, "Key": key}
        self._write(connection, "DeleteItem", body, [], deleted=[key["sk"]["S"]])

    def _count(self, connection: Connection) -> None:
        sk = self._any_sort_key()
        (before,) = self.known[sk]
        count = int(before["n"]["N"]) if before is not None and "n" in before else 0
        after = (before or self._key(sk)) | {"n": {"N": f"{count + 1}"}}
        body = {
            "TableName": TABLE,
            "Key": self._key(sk),
            "UpdateExpression": "ADD n :one",
            "ExpressionAttributeValues": {":one": {"N": "1"}},
        }
        self._write(connection, "UpdateItem", body, [after])

    def _batch(self, connection: Connection) -> None:
        sort_keys = self.chance.sample(sorted(self.known), self.chance.randrange(2, 8))
        deleted = sort_keys[: self.chance.randrange(len(sort_keys))]
        new = [self._new_item(sk) for sk in sort_keys[len(deleted) :]]
        requests = [{"DeleteRequest": {"Key": self._key(sk)}} for sk in deleted]
        requests += [{"PutRequest": {"Item": item}} for item in new]
        body = {"RequestItems": {TABLE: requests}}
        self._write(connection, "BatchWriteItem", body, new, deleted=deleted)

    def _count_shared(self, connection: Connection) -> None:
        self.shared_in_flight += 1
        body = {
            "TableName": TABLE,
            "Key": SHARED_COUNTER,
            "UpdateExpression": "ADD n :one",
            "ExpressionAttributeValues": {":one": {"N": "1"}},
        }
        call(connection, "UpdateItem", body)
        self.shared_in_flight -= 1
        self.shared_acknowledged += 1

    def _write(
        self,
        connection: Connection,
        operation: str,
        body: dict[str, Any],
        new: list[Item],
        deleted: list[str] | None = None,
    ) -> None:
        """Send a write; until it is acknowledged its items may be in their old state or the new."""
        states: dict[str, State] = {item["sk"]["S"]: item for item in new}
        states |= dict.fromkeys(deleted or ())
        for sk, state in states.items():
            self.known[sk].append(state)
        call(connection, operation, body)
        for sk, state in states.items():
            self.known[sk] = [state]

    def _key(self, sk: str) -> Item:
        return {"pk": {"S": self.partition}, "sk": {"S": sk}}

    def _any_sort_key(self) -> str:
        return self.chance.choice(sorted(self.known))

    def _new_item(self, sk: str) -> Item:
        self._number += 1
        item = self._key(sk) | {
            "n": {"N": "0"},
            "number": {"N": f"{self._number}"},
            "filling": {"S": "x" * self.chance.choice((10, 100, 2000))},
        }
        if self.chance.random() < 0.8:
            item |= {"a": {"S": f"{self.chance.randrange(5)}"}, "b": {"N": f"{self._number}"}}
        return item


class Load:
    """Several writers on one server, over any number of its lives."""

    def __init__(self, writers: int, seed: int) -> None:
        self.writers = [Writer(number, seed) for number in range(writers)]

    @property
    def acknowledged(self) -> int:
        return sum(writer.acknowledged for writer in self.writers)

    def begin(self, url: str) -> None:
        for writer in self.writers:
            writer.begin(url)

    def wait_for_acknowledged(self, more: int) -> None:
        """Wait until that many more writes have been acknowledged."""
        wanted = self.acknowledged + more
        wait_for(lambda: self.acknowledged >= wanted or None, f"{more} writes")

    def end(self) -> None:
        """Wait for writers that have lost their server, or tell those that have not to stop."""
        for writer in self.writers:
            writer.end()
        for writer in self.writers:
            writer.join()

    def check(self, url: str) -> None:
        """Hold the server to its word; then what it says is what is known."""
        connection = OneTryConnection(url)
        for writer in self.writers:
            found = {item["sk"]["S"]: item for item in query(connection, writer.partition)}
            for sk, states in writer.known.items():
                state = found.pop(sk, None)
                assert state in states, f"{writer.partition} {sk}: {state} is none of {states}"
                writer.known[sk] = [state]
            assert found == {}
        acknowledged = sum(writer.shared_acknowledged for writer in self.writers)
        in_flight = sum(writer.shared_in_flight for writer in self.writers)
        answer = call(connection, "GetItem", {"TableName": TABLE, "Key": SHARED_COUNTER})
        count = int(answer["Item"]["n"]["N"]) if "Item" in answer else 0
        assert acknowledged <= count <= acknowledged + in_flight
        for writer in self.writers:
            writer.shared_in_flight = writer.shared_acknowledged = 0
        self.writers[0].shared_acknowledged = count
        self._check_indexes(connection)
        connection.close()

    def _check_indexes(self, connection: Connection) -> None:
        """Both indexes hold exactly the items that they should, as these are."""
        expected = sorted(
            (state["pk"]["S"], state["sk"]["S"], state["number"]["N"])
            for writer in self.writers
            for states in writer.known.values()
            for state in states
            if state is not None and "a" in state
        )
        for index in ("local", "global"):
            found = [
                (item["pk"]["S"], item["sk"]["S"], item["number"]["N"])
                for item in scan(connection, index)
            ]
            assert sorted(found) == expected, index


class OneTryConnection(Connection):
    """A connection that does not send again: a write that is sent twice counts twice."""

    def send(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> Any:
        return self._send(method, path, body, headers)


def call(connection: Connection, operation: str, body: dict[str, Any]) -> dict[str, Any]:
    """The answer of an operation. Raises Refused for any error."""
    answer = connection.call(operation, body)
    if answer.error is not None:
        raise Refused(f"{operation}: {answer.status} {answer.error}: {answer.message}")
    found: dict[str, Any] = answer.body or {}
    return found


def query(connection: Connection, partition: str) -> list[Item]:
    return _pages(
        connection,
        "Query",
        {
            "TableName": TABLE,
            "KeyConditionExpression": "pk = :pk",
            "ExpressionAttributeValues": {":pk": {"S": partition}},
        },
    )


def scan(connection: Connection, index: str | None = None) -> list[Item]:
    body = {"TableName": TABLE} | ({} if index is None else {"IndexName": index})
    return _pages(connection, "Scan", body)


def _pages(connection: Connection, operation: str, body: dict[str, Any]) -> list[Item]:
    found: list[Item] = []
    while True:
        page = call(connection, operation, body)
        found += page["Items"]
        if "LastEvaluatedKey" not in page:
            return found
        body = body | {"ExclusiveStartKey": page["LastEvaluatedKey"]}
