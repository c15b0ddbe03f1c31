"""A result that is not there yet: the hot path's one-shot cell.

An asyncio.Future defers every callback by one turn of the loop and costs microseconds; a write here
is answered straight from the completion of its sync. Made by `replica.py` and `router.py`, listened
to by the doors. Invariants: resolved once; one listener; a listener set late is called at once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Pending(Generic[T]):
    """Holds the value or the error of work under way, and tells its one listener."""

    __slots__ = ("_listener", "done", "error", "value")

    def __init__(self) -> None:
        self.done = False
        self.value: T | None = None
        self.error: BaseException | None = None
        self._listener: Callable[[Pending[T]], None] | None = None

    def resolve(self, value: T) -> None:
        """Give the result. Must not have been given before."""
        assert not self.done
        self.done = True
        self.value = value
        if self._listener is not None:
            self._listener(self)

    def fail(self, error: BaseException) -> None:
        """Give the error instead of a result."""
        assert not self.done
        self.done = True
        self.error = error
        if self._listener is not None:
            self._listener(self)

    def listen(self, listener: Callable[[Pending[T]], None]) -> None:
        """Call `listener(self)` once, when done; at once if it is done already."""
        assert self._listener is None
        self._listener = listener
        if self.done:
            listener(self)

    def result(self) -> T:
        """The value; raises the error. Only when `done`."""
        assert self.done
        if self.error is not None:
            raise self.error
        return self.value  # type: ignore[return-value]  # resolve() set it; T may itself be None.


async def wait(pending: Pending[T]) -> T:
    """Await a Pending from a coroutine. Cancelling the waiter does not cancel the work."""
    if not pending.done:
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def wake(_: Pending[T]) -> None:
            if not future.done():
                future.set_result(None)

        pending.listen(wake)
        await future
    return pending.result()
