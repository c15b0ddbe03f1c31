"""The history of what clients did and saw: JSON lines, one for each invocation and each return.

Written by the simulator's workloads and by the tests with real processes, read by every judge
(`linearizability.py`, `no_lost_write_checker.py`, and porcupine beside tests/cluster). A judge
knows nothing but these lines. The two kinds:

    {"event": "invoke", "process": "c1", "operation": "write", "key": "k", "argument": "v",
     "time": 100}
    {"event": "return", "process": "c1", "outcome": "ok", "result": null, "time": 130}

A process has one operation open at most. Times are integers of one clock (nanoseconds, or events
of a simulated world); one operation precedes another only if it returned at an earlier time than
the other was invoked, so that equal times count as concurrent. What was invoked and has no return
is `unknown`: it may have taken effect at any time since, or may never.

    operation        DynamoDB                                   argument         result when ok
    read             GetItem, strong                            null             the item or null
    write            PutItem                                    value            null
    put_if_absent    PutItem if attribute_not_exists(pk)        value            was it done?
    compare_and_set  PutItem if #value = :expected              [expected, new]  was it done?
    add              UpdateItem ADD #count :argument            integer          new count or null
    delete           DeleteItem                                 null             null

An item is null, or an object with `value` (a string or an integer) and `count` (an integer), each
of which may be missing. A refused condition is an `ok` operation whose result is false; outcome
`not_done` is for what certainly never took effect and told nothing.
"""

from __future__ import annotations

import heapq
import json
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

Event = dict[str, Any]

OPERATIONS = ("read", "write", "put_if_absent", "compare_and_set", "add", "delete")
OUTCOMES = ("ok", "not_done", "unknown")
CONDITIONAL = ("put_if_absent", "compare_and_set")
INVOKE_MEMBERS = {"event", "process", "operation", "key", "argument", "time"}
RETURN_MEMBERS = {"event", "process", "outcome", "result", "time"}


class MalformedHistory(Exception):
    """The lines are no history; the text says which line and why."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One invocation with its return. `returned` is None if the process never heard of it."""

    process: str
    name: str
    key: str
    argument: Any
    outcome: str
    result: Any
    invoked: int
    returned: int | None

    def __str__(self) -> str:
        argument = "" if self.argument is None else f" {json.dumps(self.argument)}"
        end = "?" if self.outcome == "unknown" or self.returned is None else str(self.returned)
        told = self.name in ("read", *CONDITIONAL) or self.result is not None
        result = f" -> {json.dumps(self.result)}" if self.outcome == "ok" and told else ""
        outcome = "" if self.outcome == "ok" else f" ({self.outcome})"
        return f"[{self.invoked} .. {end}] {self.process} {self.name}{argument}{result}{outcome}"


class HistoryWriter:
    """Appends events to a text file. Safe for the threads of one process.

    `clock` must never go back. The simulator gives `World.stamp`, which no two events share; real
    processes give `time.monotonic_ns`, which all processes of one machine share.
    """

    def __init__(self, sink: TextIO, clock: Callable[[], int]) -> None:
        self._sink = sink
        self._clock = clock
        self._lock = threading.Lock()

    def invoke(self, process: str, operation: str, key: str, argument: Any = None) -> None:
        """Call before the request is sent."""
        self._append(
            {
                "event": "invoke",
                "process": process,
                "operation": operation,
                "key": key,
                "argument": argument,
            }
        )

    def returned(self, process: str, outcome: str, result: Any = None) -> None:
        """Call after the answer has come, or after the client has given up waiting."""
        self._append({"event": "return", "process": process, "outcome": outcome, "result": result})

    def _append(self, event: Event) -> None:
        with self._lock:
            event["time"] = self._clock()
            self._sink.write(json.dumps(event) + "\n")


def read_events(path: Path) -> list[Event]:
    """The events of a file; a last line cut short by a kill is left out."""
    lines = path.read_text(encoding="utf-8").split("\n")
    lines.pop()  # Nothing, or what stands behind the last newline: a line without its end.
    return [_parsed(line, f"{path.name}:{number}") for number, line in enumerate(lines, 1)]


def _parsed(line: str, place: str) -> Event:
    try:
        event = json.loads(line)
    except ValueError as error:
        raise MalformedHistory(f"{place}: {error}") from None
    if not isinstance(event, dict):
        raise MalformedHistory(f"{place}: not an object")
    return event


def write_events(path: Path, events: Iterable[Event]) -> None:
    """Write a whole history at once."""
    path.write_text("".join(json.dumps(event) + "\n" for event in events), encoding="utf-8")


def merged(histories: Sequence[Sequence[Event]]) -> list[Event]:
    """One history of several that share a clock and no process."""
    return list(heapq.merge(*histories, key=lambda event: event["time"]))


def operations_of(events: Iterable[Event]) -> list[Operation]:
    """The operations in order of invocation. Raises MalformedHistory."""
    return sorted(_paired(events), key=lambda operation: operation.invoked)


def check_well_formed(events: Iterable[Event]) -> None:
    """Raises MalformedHistory unless every line is a legal event in a legal place."""
    for _ in _paired(events):
        pass


def events_of(operations: Iterable[Operation]) -> list[Event]:
    """The history that these operations make, in order of time; each process's own order stays."""
    timed: list[tuple[int, int, int, Event]] = []
    for number, operation in enumerate(operations):
        invoke = {
            "event": "invoke",
            "process": operation.process,
            "operation": operation.name,
            "key": operation.key,
            "argument": operation.argument,
            "time": operation.invoked,
        }
        timed.append((operation.invoked, number, 0, invoke))
        if operation.returned is not None:
            end = {
                "event": "return",
                "process": operation.process,
                "outcome": operation.outcome,
                "result": operation.result,
                "time": operation.returned,
            }
            timed.append((operation.returned, number, 1, end))
    return [event for *_, event in sorted(timed, key=lambda one: one[:3])]


def _paired(events: Iterable[Event]) -> Iterator[Operation]:
    opened: dict[str, Event] = {}
    last_time: int | None = None
    for number, event in enumerate(events, 1):
        _check_event(event, number)
        if last_time is not None and event["time"] < last_time:
            raise MalformedHistory(f"event {number}: time goes back")
        last_time = event["time"]
        process = event["process"]
        if event["event"] == "invoke":
            if process in opened:
                raise MalformedHistory(f"event {number}: {process} has an open operation already")
            opened[process] = event
        else:
            invoke = opened.pop(process, None)
            if invoke is None:
                raise MalformedHistory(f"event {number}: {process} has no open operation")
            _check_result(invoke, event, number)
            yield _operation(invoke, event)
    for invoke in opened.values():
        yield _operation(invoke, None)


def _operation(invoke: Event, end: Event | None) -> Operation:
    return Operation(
        process=invoke["process"],
        name=invoke["operation"],
        key=invoke["key"],
        argument=invoke["argument"],
        outcome="unknown" if end is None else end["outcome"],
        result=None if end is None else end["result"],
        invoked=invoke["time"],
        returned=None if end is None else end["time"],
    )


def _is_integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_value(value: Any) -> bool:
    return value is None or isinstance(value, str) or _is_integer(value)


def _is_item(item: Any) -> bool:
    return item is None or (
        isinstance(item, dict)
        and set(item) <= {"value", "count"}
        and _is_value(item.get("value"))
        and (item.get("count") is None or _is_integer(item["count"]))
    )


# operation -> (is its argument legal?, is its result legal?)
_LEGAL: dict[str, tuple[Callable[[Any], bool], Callable[[Any], bool]]] = {
    "read": (lambda argument: argument is None, _is_item),
    "write": (_is_value, lambda result: result is None),
    "put_if_absent": (_is_value, lambda result: isinstance(result, bool)),
    "compare_and_set": (
        lambda argument: (
            isinstance(argument, list) and len(argument) == 2 and all(map(_is_value, argument))
        ),
        lambda result: isinstance(result, bool),
    ),
    "add": (_is_integer, lambda result: result is None or _is_integer(result)),
    "delete": (lambda argument: argument is None, lambda result: result is None),
}


def _check_event(event: Event, number: int) -> None:
    kind = event.get("event")
    members = {"invoke": INVOKE_MEMBERS, "return": RETURN_MEMBERS}.get(str(kind))
    if members is None or set(event) != members:
        raise MalformedHistory(f"event {number}: neither an invocation nor a return: {event}")
    if not _is_integer(event["time"]) or not isinstance(event["process"], str):
        raise MalformedHistory(f"event {number}: time must be an integer, process a string")
    if kind == "return":
        if event["outcome"] not in OUTCOMES:
            raise MalformedHistory(f"event {number}: no such outcome: {event['outcome']}")
        return
    if event["operation"] not in OPERATIONS or not isinstance(event["key"], str):
        raise MalformedHistory(f"event {number}: no such operation, or a key that is no string")
    if not _LEGAL[event["operation"]][0](event["argument"]):
        raise MalformedHistory(f"event {number}: no argument of this operation: {event}")


def _check_result(invoke: Event, end: Event, number: int) -> None:
    result = end["result"]
    legal = _LEGAL[invoke["operation"]][1](result) if end["outcome"] == "ok" else result is None
    if not legal:
        raise MalformedHistory(f"event {number}: no result of {invoke['operation']}: {result}")
