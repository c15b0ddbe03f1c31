"""Is a history linearizable? A search in the manner of Wing and Gong, and of Lowe, with memory.

In: operations of `history.py`. Out: a `Verdict`. Each key is judged by itself (linearizability is
local: Herlihy and Wing, 1990, section 3.1). The search walks the invocations and returns in order
of time and keeps every *configuration* that can explain them so far. It lets an operation take
effect only when its return leaves no choice ("just-in-time linearization": Lowe, Testing for
linearizability, 2017, section 5), at once with those that must come before it.

A configuration is the item's state and, for each operation invoked and not yet returned, one of

    open   it has not taken effect, and must before it returns
    free   it has taken effect without a trace, or will yet, or never: nothing hangs on it
    used   it has taken effect, and the state has seen it

Operations of unknown outcome begin free. An open one becomes free where it can hide: a read of what
is there, a write right before another write. Free is never worse than open or used, so a
configuration no better than another anywhere is dropped, and the search stays small where a plain
one would try every subset of the concurrent writes.
"""

from __future__ import annotations

import json
from bisect import insort
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from simulation.history import Operation
from simulation.item_model import ABSENT, Call, Refused, State, calls_of, item_of, step

MOVES_MAX = 5_000_000
COMPARED_MAX = 64  # configurations of one state and moment that a new one is compared with
WINDOW_LINES_MAX = 30
PATHS_MAX = 10
LAST_STEPS = 5

Configuration = tuple[State, int, int]  # state, open, free (bit sets of calls)
Path = tuple[Call, "Path"] | None  # what took effect, newest first


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the search found. `moves` is how many steps it tried; it never depends on the clock."""

    answer: Literal["linearizable", "violated", "undecided"]
    explanation: str = ""
    key: str | None = None
    moves: int = 0


class Undecided(Exception):
    """The search has made all the moves it may."""


def check(operations: Iterable[Operation], *, moves_max: int = MOVES_MAX) -> Verdict:
    """Judge a whole history. At the first key with no explanation the answer is "violated"."""
    by_key: dict[str, list[Operation]] = {}
    for operation in operations:
        by_key.setdefault(operation.key, []).append(operation)
    moves = 0
    undecided: Verdict | None = None
    for key, of_key in sorted(by_key.items()):
        # One hard key may take half of what is left, so that a violation elsewhere is still found.
        search = Search(calls_of(of_key), moves_max=(moves_max - moves) // 2)
        try:
            found = search.run()
        except Undecided:
            reason = f"undecided: key {json.dumps(key)}: gave up after {search.moves} moves"
            undecided = undecided or Verdict("undecided", reason, key)
            found = True
        moves += search.moves
        if not found:
            return Verdict("violated", explain(key, search), key, moves)
    if undecided is not None:
        return replace(undecided, moves=moves)
    return Verdict("linearizable", moves=moves)


@dataclass(slots=True)
class Moment:
    """One invocation or return in the order of time, and what is under way at it."""

    call: Call
    is_return: bool
    pending: tuple[Call, ...]  # invoked and not returned, `call` itself among them
    movers: tuple[Call, ...]  # the effective ones of them, the first to return first
    hideable: int  # the bits of the hideable ones


class Search:
    """The search over the calls on one key. `run` once; then `stuck` tells why it failed."""

    def __init__(self, calls: Sequence[Call], *, moves_max: int = MOVES_MAX) -> None:
        self.calls = calls
        self.moves = 0
        self.stuck = -1  # the last moment reached
        self.paths: list[tuple[State, Path]] = []  # how it was reached
        self.moments = _moments(calls)
        # What has been tried at each moment: state -> (open, free) of each configuration.
        self.tried: list[dict[State, list[tuple[int, int]]]] = [{} for _ in self.moments]
        self._moves_max = moves_max

    def run(self) -> bool:
        """True if some order explains every result. Raises Undecided.

        Depth first: it follows the likeliest explanation (the fewest effects, of the calls that
        return soonest) and turns back to the latest choice when that meets a contradiction.
        """
        begin: Iterator[tuple[Configuration, Path]] = iter([((ABSENT, 0, 0), None)])
        stack = [begin]  # stack[n] yields what may stand before moment n
        while stack:
            following = next(stack[-1], None)
            if following is None:
                stack.pop()
                continue
            configuration, path = following
            number = len(stack) - 1
            if number == len(self.moments):
                return True
            if not self._is_new(number, configuration, path):
                continue
            moment = self.moments[number]
            if moment.is_return:
                stack.append(self._after_return(moment, configuration, path))
            else:
                stack.append(iter([(_after_invocation(moment.call, configuration), path)]))
        return False

    def _is_new(self, number: int, configuration: Configuration, path: Path) -> bool:
        """Whether nothing as good has been tried at this moment (and has failed)."""
        state, opened, free = configuration
        if number > self.stuck:
            self.stuck = number
            self.paths = []
        if number == self.stuck and len(self.paths) < PATHS_MAX:
            self.paths.append((state, path))
        tried = self.tried[number].setdefault(state, [])
        one = (opened, free)
        for other in tried[:COMPARED_MAX]:
            # Each call is free in the other, or stands there as it does here.
            if not ~other[1] & ((other[0] ^ opened) | free):
                return False
        if one in tried[COMPARED_MAX:]:
            return False
        tried.append(one)
        return True

    def _after_return(
        self, moment: Moment, start: Configuration, path: Path
    ) -> Iterator[tuple[Configuration, Path]]:
        """Each way in which calls up to and with the returning one can have taken effect by now.

        It is the last moment at which that one can be used, so this is tried even where it is free.
        """
        target = moment.call
        bit = target.bit
        state, opened, free = start
        if not opened & bit:
            yield (state, opened, free & ~bit), path
            if not free & bit:
                return
        seen: set[tuple[Configuration, bool]] = set()
        queue = deque([(start, path, False)])
        while queue:
            configuration, path, barren = queue.popleft()
            for call in _candidates(moment, configuration, barren):
                self.moves += 1
                if self.moves > self._moves_max:
                    raise Undecided
                moved = _move(moment, configuration, call)
                if moved is None:
                    continue
                after, served = moved
                state, opened, free = after
                if call is target or (configuration[1] & bit and not opened & bit):
                    yield (state, opened, free & ~bit), (call, path)
                if not (opened | free) & bit:
                    continue
                # A hideable call that nobody saw need not come right before one that overwrites:
                # that one frees it anyway.
                node = (after, call.hideable and not served)
                if node not in seen:
                    seen.add(node)
                    queue.append((after, (call, path), node[1]))


def _moments(calls: Sequence[Call]) -> list[Moment]:
    """The invocations and returns in order of time; at equal times the invocations first.

    A bit stands for one call while that is pending, and then for another.
    """
    events = sorted(
        [(call.invoked, 0, number) for number, call in enumerate(calls)]
        + [(call.returned, 1, number) for number, call in enumerate(calls) if call.known]
    )
    moments = []
    bits_free: list[int] = []
    bits = 0
    pending: list[Call] = []
    for _, is_return, number in events:
        call = calls[number]
        if not is_return:
            if not bits_free:
                bits_free.append(1 << bits)
                bits += 1
            call.bit = bits_free.pop()
            insort(pending, call, key=_returned)
            moments.append(Moment(call, False, (), (), 0))
            continue
        movers = tuple(one for one in pending if one.effective)
        hideable = sum(one.bit for one in movers if one.hideable)
        moments.append(Moment(call, True, tuple(pending), movers, hideable))
        pending.remove(call)
        bits_free.append(call.bit)
    return moments


def _returned(call: Call) -> int:
    moment: int = call.returned
    return moment


def _after_invocation(call: Call, configuration: Configuration) -> Configuration:
    state, opened, free = configuration
    if call.known and step(call, state) != state:
        return state, opened | call.bit, free
    if call.effective:
        return state, opened, free | call.bit
    return configuration


def _candidates(moment: Moment, configuration: Configuration, barren: bool) -> list[Call]:
    """The calls that may take effect next; of those alike only the one that returns first."""
    _, opened, free = configuration
    ready = opened | free
    alike: set[tuple[int, bool]] = set()
    chosen = []
    for call in moment.movers:
        if not call.bit & ready or (barren and call.overwrites):
            continue
        if call.kind >= 0:
            like = (call.kind, bool(call.bit & opened))
            if like in alike:
                continue
            alike.add(like)
        chosen.append(call)
    return chosen


def _move(
    moment: Moment, configuration: Configuration, call: Call
) -> tuple[Configuration, bool] | None:
    """Let `call` take effect, and all that can hide behind it. True: somebody saw it."""
    before, opened, free = configuration
    state = step(call, before)
    if isinstance(state, Refused):
        return None
    opened &= ~call.bit
    hidden = opened & moment.hideable if call.overwrites else 0
    if state == before and not hidden:
        return None
    opened ^= hidden
    free = (free & ~call.bit) | hidden
    served = False
    if opened:
        count = 0 if state is None else state[1] or 0
        for other in moment.pending:
            if not other.bit & opened:
                continue
            if other.need < count:
                return None
            if step(other, state) == state:
                opened ^= other.bit
                served = True
                if other.effective:
                    free |= other.bit
    return (state, opened, free), served


def explain(key: str, search: Search) -> str:
    """Why this key has no order, in a page that a person can check by hand.

    Whatever may explain the result of the call that found no place stood there when it was
    invoked, or was under way beside it: these two are shown.
    """
    stuck = search.moments[search.stuck].call
    since = next(n for n, moment in enumerate(search.moments) if moment.call is stuck)
    done = sum(call.known and call.returned < stuck.returned for call in search.calls)
    total = sum(call.known for call in search.calls)
    window = [
        call
        for call in search.calls
        if call.invoked <= stuck.returned and call.returned >= stuck.invoked and call.known
    ]
    possible = " or ".join(json.dumps(item_of(state)) for state in search.tried[since])
    lines = [
        f"not linearizable: key {json.dumps(key)}",
        f"  no place for       {stuck.operation}",
        f"  linearizable are   the first {done} of {total} operations on this key, by return",
        f"  at its invocation  the item could only be {possible}",
        "  by these steps     (the last of one order of several)",
    ]
    lines += [f"    {taken.operation}" for taken in _last_steps(search.paths[0][1])]
    lines.append(
        "  it was concurrent with" if len(window) > 1 else "  nothing was concurrent with it"
    )
    beside = [call for call in window if call is not stuck]
    lines += [f"    {call.operation}" for call in beside[:WINDOW_LINES_MAX]]
    if len(beside) > WINDOW_LINES_MAX:
        lines.append(f"    and {len(beside) - WINDOW_LINES_MAX} more")
    lines += _writers(stuck, search.calls)
    return "\n".join(lines)


def _last_steps(path: Path) -> list[Call]:
    steps: list[Call] = []
    while path is not None and len(steps) < LAST_STEPS:
        steps.append(path[0])
        path = path[1]
    return steps[::-1]


def _writers(stuck: Call, calls: Sequence[Call]) -> list[str]:
    """Where the value came from that a stuck read, or a stuck compare-and-set, has seen."""
    seen = stuck.result[0] if stuck.operation.name == "read" and stuck.result else stuck.expected
    if seen is None:
        return []
    origins = [call for call in calls if call.effective and call.argument == seen]
    lines = [f"    {call.operation}" for call in origins[:LAST_STEPS]]
    return ["  what it saw was written by", *(lines or ["    nobody"])]
