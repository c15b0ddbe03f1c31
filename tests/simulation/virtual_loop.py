"""The event loop of one life of one node: asyncio's contract over the world's virtual time.

Product code gets a `NodeLoop` where it would get uvloop's. Callbacks run in turns, as asyncio runs
them: what is ready at the beginning of a turn, in order; what they call soon comes in the next
turn, some microseconds of virtual time later. Timers run on the node's own clock, threads are
delayed completions, connections are of `streams.py`. Nothing here reads real time or waits.

A crashed node's loop is dead for ever: nothing scheduled on it runs, and scheduling does nothing.
A frozen node's loop stands still: timers and data pile up until it goes on, as after SIGCONT.
"""

from __future__ import annotations

import asyncio
import inspect
from collections import deque
from collections.abc import Callable, Coroutine, Generator
from contextvars import Context
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from simulation.streams import StreamEnd, VirtualServer
    from simulation.world import Node

TURN_NANOSECONDS = (5_000, 60_000)  # from one turn to the next


class VirtualHandle:
    """A callback that will run. Takes the part of asyncio.Handle and asyncio.TimerHandle."""

    __slots__ = ("_args", "_callback", "_cancelled", "_context", "_when")

    def __init__(
        self,
        callback: Callable[..., Any],
        args: tuple[Any, ...],
        context: Context | None,
        when: float = 0.0,
    ) -> None:
        self._callback = callback
        self._args = args
        self._context = context
        self._when = when
        self._cancelled = False

    def cancel(self) -> None:
        self._cancelled = True
        self._args = ()

    def cancelled(self) -> bool:
        return self._cancelled

    def when(self) -> float:
        """On the node's clock."""
        return self._when

    @property
    def label(self) -> str:
        """What it calls, without addresses, for the trace."""
        name: str | None = getattr(self._callback, "__qualname__", None)
        return name or type(self._callback).__name__

    def run(self) -> None:
        """Call it."""
        if self._context is None:
            self._callback(*self._args)
        else:
            self._context.run(self._callback, *self._args)


def forget(task: asyncio.Task[Any]) -> None:
    """Nobody will run this task any more, which is no mistake of anybody's."""
    task._log_destroy_pending = False  # type: ignore[attr-defined]
    body = task.get_coro()
    if inspect.iscoroutine(body) and inspect.getcoroutinestate(body) == inspect.CORO_CREATED:
        body.close()  # Or Python warns that it was never awaited.


class NodeLoop(asyncio.AbstractEventLoop):
    """See the module. What asyncio offers and is not here raises NotImplementedError."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self.world = node.world
        self.dead = False
        self.frozen = False
        self.in_turn = False
        self._ready: deque[VirtualHandle] = deque()
        self._planned = False
        self._busy_until = 0
        self._threads: dict[Any, int] = {}  # executor: when its last call ends
        self._tasks: list[asyncio.Task[Any]] = []
        self._tasks_kept = 64

    # Time and callbacks.

    def time(self) -> float:
        return self.node.clock.monotonic()

    def call_soon(  # type: ignore[override]
        self, callback: Callable[..., Any], *args: Any, context: Context | None = None
    ) -> VirtualHandle:
        handle = VirtualHandle(callback, args, context)
        self._push(handle)
        return handle

    call_soon_threadsafe = call_soon  # type: ignore[assignment]

    def call_later(  # type: ignore[override]
        self,
        delay: float,
        callback: Callable[..., Any],
        *args: Any,
        context: Context | None = None,
    ) -> VirtualHandle:
        handle = VirtualHandle(callback, args, context, self.time() + delay)
        if not self.dead:
            wait = self.node.clock.true_nanoseconds(delay)
            self.world.at(self.world.now + wait, self._push, handle)
        return handle

    def call_at(  # type: ignore[override]
        self,
        when: float,
        callback: Callable[..., Any],
        *args: Any,
        context: Context | None = None,
    ) -> VirtualHandle:
        return self.call_later(when - self.time(), callback, *args, context=context)

    def _push(self, handle: VirtualHandle) -> None:
        if self.dead or handle.cancelled():
            return
        self._ready.append(handle)
        self._plan_turn()

    def _plan_turn(self) -> None:
        if self._planned or self.in_turn or self.frozen or self.dead or not self._ready:
            return
        self._planned = True
        pause = self.world.random.randint(*TURN_NANOSECONDS)
        self.world.at(max(self.world.now + pause, self._busy_until), self._turn)

    def _turn(self) -> None:
        self._planned = False
        if self.frozen or self.dead:
            return
        before = asyncio._get_running_loop()
        asyncio._set_running_loop(self)
        self.in_turn = True
        try:
            for _ in range(len(self._ready)):
                handle = self._ready.popleft()
                if not handle.cancelled():
                    self.world.record(self.node.name, "run", handle.label)
                    handle.run()
                if self.dead or self.frozen:  # A callback may end or stop its own node.
                    break
        except Exception as error:  # noqa: BLE001  # Whatever it is, it is the run's end.
            self.world.fail(self.node.name, "a callback raised", error)
        finally:
            self.in_turn = False
            asyncio._set_running_loop(before)
        self._plan_turn()

    def busy(self, seconds: float) -> None:
        """The callback that runs takes so long: the next turn comes later."""
        begin = max(self.world.now, self._busy_until)
        self._busy_until = begin + round(seconds * 1_000_000_000)

    # Faults.

    def freeze(self) -> None:
        """SIGSTOP."""
        self.frozen = True

    def thaw(self) -> None:
        """SIGCONT."""
        self.frozen = False
        self._plan_turn()

    def die(self) -> None:
        """The process is gone; its tasks are never run again, and nobody complains of it."""
        self.dead = True
        self._ready.clear()
        for task in self._tasks:
            forget(task)
        self._tasks.clear()

    # Futures, tasks, threads.

    def create_future(self) -> asyncio.Future[Any]:
        return asyncio.Future(loop=self)

    def create_task(  # type: ignore[override]
        self,
        coro: Coroutine[Any, Any, Any] | Generator[Any, None, Any],
        *,
        name: str | None = None,
        context: Context | None = None,
    ) -> asyncio.Task[Any]:
        task: asyncio.Task[Any] = asyncio.Task(coro, loop=self, name=name, context=context)
        if self.dead:
            forget(task)
            return task
        if len(self._tasks) >= self._tasks_kept:
            self._tasks = [one for one in self._tasks if not one.done()]
            self._tasks_kept = 2 * len(self._tasks) + 64
        self._tasks.append(task)
        return task

    def run_in_executor(  # type: ignore[override]
        self, executor: Any, func: Callable[..., Any], *args: Any
    ) -> asyncio.Future[Any]:
        """Run `func` once at a moment of a delay like a sync's; tell of it when the delay is over.

        A sync may so cover all, some or none of what was written after it began. Calls of one
        executor follow each other, as those of one thread do.
        """
        future = self.create_future()
        if self.dead:
            return future
        begin = max(self.world.now, self._threads.get(executor, 0))
        duration = max(2, round(self.node.disk.sync_seconds() * 1_000_000_000))
        part = self.world.random.choice((0.0, 1.0, self.world.random.random()))
        self._threads[executor] = begin + duration
        outcome: list[tuple[Any, BaseException | None]] = []

        def act() -> None:
            if self.dead:
                return
            try:
                outcome.append((func(*args), None))
            except Exception as error:  # noqa: BLE001  # The future carries it to who waits.
                outcome.append((None, error))

        def tell() -> None:
            if future.cancelled():
                return
            result, error = outcome[0]
            if error is None:
                future.set_result(result)
            else:
                future.set_exception(error)

        self.world.at(begin + round((duration - 1) * part), act)
        self.world.at(begin + duration, self.call_soon, tell)
        return future

    # Connections.

    async def create_connection(  # type: ignore[override]
        self, protocol_factory: Callable[[], Any], host: str, port: int, **options: Any
    ) -> tuple[StreamEnd, Any]:
        """`host` is a node's name. TLS and the other options are passed over. Raises OSError."""
        return await self.world.network.streams.connect(self, protocol_factory, host, port)

    async def create_server(  # type: ignore[override]
        self, protocol_factory: Callable[[], Any], host: Any = None, port: int = 0, **options: Any
    ) -> VirtualServer:
        """Listens at the node's own name, whatever `host` says. Raises OSError."""
        return self.world.network.streams.listen(self, protocol_factory, port)

    # What asyncio asks of a loop besides.

    def is_running(self) -> bool:
        return self.in_turn

    def is_closed(self) -> bool:
        return self.dead

    def get_debug(self) -> bool:
        return False

    def set_debug(self, enabled: bool) -> None:
        """There is no debug mode."""

    def get_exception_handler(self) -> None:
        return None

    def default_exception_handler(self, context: dict[str, Any]) -> None:
        self.call_exception_handler(context)

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        """An error that nobody waits for: in the simulator it ends the run."""
        if not self.dead:
            self.world.fail(self.node.name, context.get("message", ""), context.get("exception"))
