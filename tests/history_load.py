"""Clients that write down what they do, and what becomes of it: the load of tests that hurt.

Each client is a thread with a door of its own (`history_doors.py`) and one request at a time, on a
few keys that all of them share. What it asks and hears goes into a history
(`simulation/history.py`), which two judges look at afterwards. An answer that says "not begun"
(503) counts as that, so that a server which says so and does it after all is found out; anything
else that is no answer is unknown. Used by tests/cluster and tests/kubernetes.
"""

from __future__ import annotations

import itertools
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from blackbox import wait_for
from cluster import judge
from history_doors import ANSWER_SECONDS, Door
from simulation.history import HistoryWriter, Operation, operations_of, read_events
from simulation.linearizability import check

REGISTERS = ("r0", "r1", "r2", "r3")
COUNTERS = ("c0", "c1")
# Where nobody answers, a client asks again this much later.
AWAY_SECONDS = 0.05
Body = dict[str, Any]


class Client(threading.Thread):
    """One client. It ends when the load stops."""

    def __init__(self, load: Load, number: int, door: Door, seed: int) -> None:
        super().__init__(name=f"client-{number}", daemon=True)
        self._load = load
        self._door = door
        self._chance = random.Random(seed * 1_000 + number)
        self._values = 0
        self.failure: BaseException | None = None

    def run(self) -> None:
        try:
            while not self._load.stopping.is_set():
                self.one()
                time.sleep(self._load.pause_seconds * (0.5 + self._chance.random()))
        except BaseException as error:  # noqa: BLE001  # It is raised again where the load ends.
            self.failure = error
        finally:
            self._door.close()

    def one(self) -> None:
        """One operation, whichever comes."""
        chance = self._chance
        if chance.random() < 0.3:
            key = chance.choice(self._load.counters)
            if chance.random() < 0.6:
                self.do("add", key, chance.choice((1, 1, 2, 5)))
            else:
                self.do("read", key)
            return
        key = chance.choice(self._load.registers)
        match chance.randrange(10):
            case 0 | 1 | 2 | 3:
                self.do("read", key)
            case 4 | 5 | 6:
                self.do("write", key, self._value())
            case 7:
                self.do("put_if_absent", key, self._value())
            case 8:
                self.do("compare_and_set", key, [self._load.last_seen(key), self._value()])
            case _:
                self.do("delete", key)

    def do(self, operation: str, key: str, argument: Any = None) -> str:
        """Do it, and write down both that and what came of it: the outcome."""
        if operation == "compare_and_set" and argument[0] is None:
            operation, argument = "read", None
        history = self._load.history
        history.invoke(self.name, operation, key, argument)
        outcome, result, error = self._outcome(operation, key, argument)
        history.returned(self.name, outcome, result)
        self._load.note(operation, key, outcome, result, error)
        return outcome

    def _value(self) -> str:
        self._values += 1
        return f"{self.name}/{self._values}"

    def _outcome(self, operation: str, key: str, argument: Any) -> tuple[str, Any, str]:
        heard = self._door.ask(*request_of(self._load.table, operation, key, argument))
        if heard.outcome == "refused":
            return "ok", False, ""
        if heard.outcome == "ok":
            return "ok", result_of(operation, heard.body), ""
        self._load.stopping.wait(AWAY_SECONDS)
        return heard.outcome, None, heard.error


def request_of(table: str, operation: str, key: str, argument: Any) -> tuple[str, Body]:
    """The DynamoDB operation and its body."""
    at: Body = {"TableName": table, "Key": {"pk": {"S": key}}}
    match operation:
        case "read":
            return "GetItem", {**at, "ConsistentRead": True}
        case "delete":
            return "DeleteItem", at
        case "add":
            return "UpdateItem", {
                **at,
                "UpdateExpression": "ADD #count :by",
                "ExpressionAttributeNames": {"#count": "count"},
                "ExpressionAttributeValues": {":by": {"N": str(argument)}},
                "ReturnValues": "UPDATED_NEW",
            }
    condition: Body = {}
    value = argument
    if operation == "put_if_absent":
        condition = {"ConditionExpression": "attribute_not_exists(pk)"}
    elif operation == "compare_and_set":
        expected, value = argument
        condition = {
            "ConditionExpression": "#value = :expected",
            "ExpressionAttributeNames": {"#value": "value"},
            "ExpressionAttributeValues": {":expected": {"S": expected}},
        }
    item = {"pk": {"S": key}, "value": {"S": value}}
    return "PutItem", {"TableName": table, "Item": item, **condition}


def result_of(operation: str, body: Body) -> Any:
    """The result as a history has it."""
    match operation:
        case "read":
            return item_of(body.get("Item"))
        case "put_if_absent" | "compare_and_set":
            return True
        case "add":
            return int(body["Attributes"]["count"]["N"])
    return None


def item_of(item: Body | None) -> Body | None:
    if item is None:
        return None
    members: Body = {}
    if "value" in item:
        members["value"] = item["value"]["S"]
    if "count" in item:
        members["count"] = int(item["count"]["N"])
    return members


class Load:
    """Several clients at once, one for each door, their history, and what they went through."""

    def __init__(
        self, doors: Sequence[Door], folder: Path, seed: int, *, table: str, pause_seconds: float
    ) -> None:
        self.table = table
        self.pause_seconds = pause_seconds
        self.path = folder / f"history-{seed}.jsonl"
        self._sink = self.path.open("w", encoding="utf-8")
        self.history = HistoryWriter(self._sink, time.monotonic_ns)
        self.stopping = threading.Event()
        self.outcomes: Counter[str] = Counter()
        self.errors: Counter[str] = Counter()
        self.successes: list[float] = []  # when writes were acknowledged, monotonic
        self._lock = threading.Lock()
        self._seen: dict[str, str] = {}
        # Keys of this load alone: a history begins with nothing.
        self.registers = tuple(f"{seed}-{key}" for key in REGISTERS)
        self.counters = tuple(f"{seed}-{key}" for key in COUNTERS)
        self._doors = doors
        self._clients = [Client(self, *each, seed) for each in enumerate(doors)]
        self.began = time.monotonic()

    def start(self) -> None:
        for client in self._clients:
            client.start()

    def last_seen(self, key: str) -> str | None:
        """A value that the key had a moment ago, so that conditions have a chance."""
        return self._seen.get(key)

    def note(self, operation: str, key: str, outcome: str, result: Any, error: str) -> None:
        now = time.monotonic()
        with self._lock:
            self.outcomes[outcome] += 1
            if error:
                self.errors[error] += 1
            if operation == "read" and isinstance(result, dict) and "value" in result:
                self._seen[key] = result["value"]
            if outcome == "ok" and operation in ("write", "add", "delete"):
                self.successes.append(now)

    def stop(self) -> None:
        """Let every client finish its request."""
        self.stopping.set()
        for client in self._clients:
            client.join(ANSWER_SECONDS + 5)
            assert not client.is_alive(), f"{client.name} hangs"
        self.raise_failure()

    def raise_failure(self) -> None:
        """A client that ended by an answer which no client should have is a test that failed."""
        for client in self._clients:
            if client.failure is not None:
                raise client.failure

    def read_all(self) -> None:
        """Read every key once more into the history, when all is well again: each at a door."""
        keys = (*self.registers, *self.counters)
        for number, key in enumerate(keys, len(self._doors)):
            door = self._doors[number % len(self._doors)]
            self._read(key, Client(self, number, door, seed=0))
            door.close()
        self._sink.close()

    def _read(self, key: str, reader: Client) -> None:
        """A door that was refused a moment ago may need another to open again."""
        wait_for(lambda: True if reader.do("read", key) == "ok" else None, f"{key} is read")

    def longest_pause(self, since: float) -> float:
        """The longest time without an acknowledged write since then, in seconds."""
        times = [since, *(at for at in self.successes if at >= since)]
        gaps = (after - before for before, after in itertools.pairwise(times))
        return max(gaps, default=0.0)

    def wait_for_success(self, seconds: float = 20.0, count: int = 1) -> float:
        """Wait for so many writes that are acknowledged from now on; how long it took."""
        began, before = time.monotonic(), len(self.successes)
        while time.monotonic() - began < seconds:
            if len(self.successes) >= before + count:
                return self.successes[-1] - began
            self.raise_failure()
            time.sleep(0.005)
        raise AssertionError(f"no {count} writes went through in {seconds} s: {self.errors}")


@contextmanager
def judged_load(
    doors: Sequence[Door], folder: Path, seed: int, *, table: str, pause_seconds: float
) -> Iterator[Load]:
    """Clients at work, one for each door; at the end their history is judged."""
    load = Load(doors, folder, seed, table=table, pause_seconds=pause_seconds)
    load.start()
    try:
        load.wait_for_success()
        yield load
    except BaseException:
        load.stopping.set()
        raise
    load.wait_for_success()
    load.stop()
    load.read_all()
    judged(load)


def judged(load: Load) -> None:
    """Both judges find the history linearizable, and the counters add up."""
    operations = operations_of(read_events(load.path))
    print(f"{len(operations)} operations: {dict(load.outcomes)}, errors: {dict(load.errors)}")
    assert_counts(operations)
    ours = check(operations)
    assert ours.answer == "linearizable", ours.explanation
    try:
        theirs = judge.verdict(load.path)
    except judge.NoGo as error:
        print(f"judged by ourselves alone: {error}")
        return
    assert theirs.answer == "linearizable", theirs.lines


def assert_counts(operations: list[Operation]) -> None:
    """A counter has all that was acknowledged, and no more than was ever asked for."""
    for key in sorted({each.key for each in operations if each.name == "add"}):
        of_key = [each for each in operations if each.key == key]
        adds = [each for each in of_key if each.name == "add"]
        done = sum(each.argument for each in adds if each.outcome == "ok")
        perhaps = sum(each.argument for each in adds if each.outcome == "unknown")
        last = next(each for each in reversed(of_key) if each.name == "read")
        assert last.outcome == "ok", last
        count = (last.result or {}).get("count", 0)
        assert done <= count <= done + perhaps, (key, done, count, perhaps)
