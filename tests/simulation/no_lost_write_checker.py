"""No acknowledged write is lost: what stands at the end is what the clients' history demands.

Fed the events of `history.py` as they happen or from a file, then `finish` with the items as they
are at the end, when nothing is under way. Weaker than `linearizability.py` and a page long: no
search, so it judges millions of operations, and it is a second opinion on the promise that matters
most. What it asks of each key:

    registers  (write, put_if_absent, compare_and_set, delete; values written once only)
               the item is one that some operation may have written, and no acknowledged operation
               that certainly changed it was invoked after that one had returned
    counters   (add) the count lies between the sums of what certainly and what possibly counted
    sets       a set of adds is a key for each element, written once: a register

Keys that mix both kinds are in `unjudged`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from simulation.history import Event, Operation, operations_of
from simulation.promise import PromiseBroken

ABSENT = "(absent)"
NEVER = 1 << 80
READS_ONLY = {"read"}
REGISTER = {"read", "write", "put_if_absent", "compare_and_set", "delete"}
COUNTER = {"read", "add"}


class NoLostWriteChecker:
    """Collects a history; `finish` compares it with what is there at the end."""

    def __init__(self) -> None:
        self.unjudged: list[str] = []
        self._events: list[Event] = []

    def observe(self, event: Mapping[str, Any]) -> None:
        """Take one event; those that are no invocation and no return are passed over."""
        if event["event"] in ("invoke", "return"):
            self._events.append(dict(event))

    def finish(self, items: Mapping[str, Mapping[str, Any] | None]) -> None:
        """Judge the items at the end, by key; a missing key is an absent item.

        Raises PromiseBroken with every loss, MalformedHistory.
        """
        by_key: dict[str, list[Operation]] = {}
        for operation in operations_of(self._events):
            by_key.setdefault(operation.key, []).append(operation)
        losses = [f"key {key!r} is there, and nobody wrote it" for key in items.keys() - by_key]
        for key, operations in sorted(by_key.items()):
            names = {operation.name for operation in operations}
            if names <= REGISTER:
                loss = _register_loss(operations, items.get(key))
            elif names <= COUNTER:
                loss = _counter_loss(operations, items.get(key))
            else:
                self.unjudged.append(key)
                continue
            if loss is not None:
                losses.append(f"key {key!r}: {loss}")
        if losses:
            raise PromiseBroken("\n".join(sorted(losses)))


def _register_loss(operations: Iterable[Operation], item: Mapping[str, Any] | None) -> str | None:
    writers = [one for one in operations if one.name != "read" and _may_have_acted(one)]
    certain = [one for one in writers if one.outcome == "ok"]
    final = ABSENT if item is None else item.get("value")
    origins = [one for one in writers if _writes(one) == final]
    if item is None:
        # Absent is also how the key began: as if deleted before all else.
        last_certain = max((one.invoked for one in certain if _writes(one) != ABSENT), default=-1)
        if last_certain < 0:
            return None
    if not origins:
        shown = "absent" if item is None else f"value {final!r}"
        written = "; ".join(str(one) for one in certain[-3:])
        return f"is {shown}, which nobody wrote; acknowledged were {written}"
    ends = max(_end(one) for one in origins)
    overwriting = [one for one in certain if one.invoked > ends and _writes(one) != final]
    if overwriting:
        shown = "absent" if item is None else f"value {final!r}"
        return f"is {shown}, but acknowledged after that was {overwriting[-1]}"
    return None


def _counter_loss(operations: Iterable[Operation], item: Mapping[str, Any] | None) -> str | None:
    adds = [one for one in operations if one.name == "add" and one.outcome != "not_done"]
    certain = sum(one.argument for one in adds if one.outcome == "ok")
    unknown = [one.argument for one in adds if one.outcome == "unknown"]
    least = certain + sum(delta for delta in unknown if delta < 0)
    most = certain + sum(delta for delta in unknown if delta > 0)
    if item is None:
        acknowledged = any(one.outcome == "ok" for one in adds)
        return f"is absent, but {certain} was acknowledged" if acknowledged else None
    count = item.get("count")
    if count is None or not least <= count <= most:
        return f"count is {count}, but the acknowledged adds allow only {least} to {most}"
    return None


def _may_have_acted(operation: Operation) -> bool:
    """Neither certainly not done, nor refused by its condition."""
    return operation.outcome == "unknown" or (
        operation.outcome == "ok" and operation.result is not False
    )


def _writes(operation: Operation) -> Any:
    """The value that the operation leaves if it acts."""
    if operation.name == "delete":
        return ABSENT
    return operation.argument[1] if operation.name == "compare_and_set" else operation.argument


def _end(operation: Operation) -> int:
    unknown = operation.outcome == "unknown" or operation.returned is None
    return NEVER if unknown else operation.returned or 0
