"""What every server process of Stator has in common: how it starts, is told to stop, and ends.

In: the coroutine that serves, from `run` of `local.py`, `local_zones.py`, `node_process.py`,
`gateway_process.py` and `supervisor_process.py`. Out: the exit code of the command: what the
coroutine returned, or 1 with the reason on standard error where it cannot start. Invariant: SIGTERM
and SIGINT only set an event; what then ends, and in which order, is the wiring's affair.
"""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import socket
import sys
from collections.abc import Coroutine
from typing import Any, Final

import uvloop

from stator_node.health import Health, HealthDoor

# A sync runs in a thread that gives the interpreter back when it ends; the default of 5 ms would
# let that thread wait for its turn longer than the disk took.
SWITCH_INTERVAL_SECONDS: Final = 0.0001
# Requests make short-lived dictionaries by the thousand, nearly none of them in cycles.
COLLECTOR_THRESHOLDS: Final = (50_000, 20, 100)


class CannotStart(Exception):
    """Why the command ends at once; the text is for the person who started it."""


def run(serve: Coroutine[Any, Any, int]) -> int:
    """Serve until it returns. Returns the exit code."""
    sys.setswitchinterval(SWITCH_INTERVAL_SECONDS)
    gc.set_threshold(*COLLECTOR_THRESHOLDS)
    try:
        return uvloop.run(serve)
    except CannotStart as error:
        print(f"stator: {error}", file=sys.stderr)
        return 1


def stop_on_signals(stopped: asyncio.Event) -> None:
    """Set the event at SIGTERM and SIGINT."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)


def stop_at_end_of_input(stopped: asyncio.Event) -> None:
    """Set the event when the process that holds the other end of standard input is gone."""
    loop = asyncio.get_running_loop()

    def readable() -> None:
        if not os.read(0, 4096):
            loop.remove_reader(0)
            stopped.set()

    loop.add_reader(0, readable)


def settle() -> None:
    """All that lasts is there: the garbage collector need not look at it again."""
    gc.collect()
    gc.freeze()


def process_name(role: str) -> str:
    """A name that no other process of a cluster has: the pod's, and the process' in it."""
    return f"{role}-{socket.gethostname()}-{os.getpid()}"


async def open_health(port: int | None) -> tuple[Health, HealthDoor]:
    """The health port, where one is wanted. Raises CannotStart."""
    health = Health()
    door = HealthDoor(health)
    if port is not None:
        try:
            await door.start(port)
        except OSError as error:
            raise CannotStart(f"cannot listen on health port {port}: {error}") from error
    return health, door


async def nothing_to_hand_over() -> None:
    """What draining means to a process that leads nothing."""
