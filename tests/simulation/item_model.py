"""What one DynamoDB item does under the operations of `history.py`, as plain states and steps.

Used by `linearizability.py`. A state is None (no item) or the pair (value, count); an item that
holds nothing but its key is (None, None). `calls_of` turns the operations on one key into `Call`s
with what the search asks of them worked out once.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from simulation.history import CONDITIONAL, Operation

State = tuple[Any, Any] | None

ABSENT: Final[State] = None
NEVER: Final = 1 << 80  # later than any time of a history


class Refused:
    """The type of REFUSED: this call cannot have given this result in this state."""


REFUSED: Final = Refused()

# Stands for every value that no read returned and no condition asked for: nobody can tell them
# apart, so the search need not.
UNSEEN: Final = "(a value that nobody saw)"

READ, WRITE, PUT_IF_ABSENT, COMPARE_AND_SET, ADD, DELETE = range(6)
VALUE_WRITERS = (WRITE, PUT_IF_ABSENT, COMPARE_AND_SET)
_CODES = {
    "read": READ,
    "write": WRITE,
    "put_if_absent": PUT_IF_ABSENT,
    "compare_and_set": COMPARE_AND_SET,
    "add": ADD,
    "delete": DELETE,
}


class Call:
    """One operation as the search sees it.

    known       it returned with a result: it took effect before `returned`
    effective   it may change the item
    overwrites  what it leaves does not depend on what was there before
    hideable    it is possible in every state, so it may hide right before one that overwrites
    kind        equal for calls that do the same and tell the same; -1 if it is the only such call
    need        the count that it must find, on a key whose count only grows; else NEVER
    """

    __slots__ = (
        "argument",
        "bit",
        "code",
        "effective",
        "expected",
        "hideable",
        "invoked",
        "kind",
        "known",
        "need",
        "operation",
        "overwrites",
        "result",
        "returned",
    )

    def __init__(self, operation: Operation) -> None:
        self.operation = operation
        self.bit = 0
        self.kind = -1
        self.need = NEVER
        self.code = _CODES[operation.name]
        self.known = operation.outcome == "ok" and operation.returned is not None
        self.invoked = operation.invoked
        self.returned = operation.returned if self.known and operation.returned else NEVER
        self.argument = operation.argument
        self.expected: Any = None
        if self.code == COMPARE_AND_SET:
            self.expected, self.argument = operation.argument
        self.result: Any = operation.result if self.known else None
        if self.code == READ:
            self.result = item_state(operation.result)
        refused = operation.name in CONDITIONAL and self.known and not self.result
        self.effective = self.code != READ and not refused
        self.overwrites = self.code in (WRITE, DELETE)
        self.hideable = self.overwrites or (self.code == ADD and self.result is None)

    def likeness(self) -> tuple[Any, ...]:
        """Equal for calls between which only their times differ."""
        tells = self.code == ADD or self.code in (PUT_IF_ABSENT, COMPARE_AND_SET)
        return (
            self.code,
            _typed(self.argument),
            _typed(self.expected),
            _typed(self.result),
            self.known or not tells,
        )


def item_state(item: dict[str, Any] | None) -> State:
    """The state that an item of a history is."""
    return None if item is None else (item.get("value"), item.get("count"))


def item_of(state: State) -> dict[str, Any] | None:
    """The item of a history that a state is."""
    if state is None:
        return None
    value, count = state
    members = {"value": value, "count": count}
    return {name: member for name, member in members.items() if member is not None}


def step(call: Call, state: State) -> State | Refused:
    """The state after `call`, or REFUSED if what it told cannot be so in `state`."""
    code = call.code
    if code == READ:
        return state if call.result == state else REFUSED
    if code == WRITE:
        return (call.argument, None)
    if code == DELETE:
        return ABSENT
    if code == ADD:
        value, count = (None, None) if state is None else state
        count = (count or 0) + call.argument
        if call.result is not None and call.result != count:
            return REFUSED
        return (value, count)
    if code == PUT_IF_ABSENT:
        holds = state is None
    else:
        holds = state is not None and call.expected is not None and state[0] == call.expected
    if call.known and call.result is not holds:
        return REFUSED
    return (call.argument, None) if holds else state


def calls_of(operations: Iterable[Operation]) -> list[Call]:
    """The calls of the operations on one key that can matter, in order of invocation."""
    calls = []
    for operation in operations:
        read_in_vain = operation.outcome == "unknown" and operation.name == "read"
        if operation.outcome != "not_done" and not read_in_vain:
            calls.append(Call(operation))
    seen = {call.result[0] for call in calls if call.code == READ and call.result is not None}
    seen |= {call.expected for call in calls}
    for call in calls:
        if call.code in VALUE_WRITERS and call.argument is not None and call.argument not in seen:
            call.argument = UNSEEN
    _set_needs(calls)
    kinds: dict[tuple[Any, ...], list[Call]] = {}
    for call in calls:
        if call.effective:
            kinds.setdefault(call.likeness(), []).append(call)
    for number, alike in enumerate(kinds.values()):
        if len(alike) > 1:
            for call in alike:
                call.kind = number
    calls.sort(key=lambda call: call.invoked)
    return calls


def _set_needs(calls: list[Call]) -> None:
    """A count that only grows can pass the one that an open call must find, and is wrong then."""
    if any(
        call.code not in (READ, ADD) or (call.code == ADD and call.argument < 1) for call in calls
    ):
        return
    for call in calls:
        if call.code == READ:
            call.need = 0 if call.result is None else call.result[1] or 0
        elif call.result is not None:
            call.need = call.result - call.argument


def _typed(value: Any) -> tuple[str, Any]:
    """True, 1 and "1" apart, so that likeness is never wider than equality of results."""
    return (type(value).__name__, value)
