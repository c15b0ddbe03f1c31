"""A network namespace without a name: nothing of it shows outside, and it goes with its owner.

A thread that has entered it has its network: what the thread starts and the sockets that it opens
are inside. Held by a file descriptor alone, so a killed test run leaves none behind.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import threading
from collections.abc import Iterator
from pathlib import Path

CLONE_NEWNET = 0x40000000
OF_THIS_THREAD = Path("/proc/thread-self/ns/net")


class NetworkNamespace:
    """Made empty. `entered()` is for the calling thread and those that it starts meanwhile."""

    def __init__(self) -> None:
        self._descriptor = -1
        failures: list[OSError] = []
        maker = threading.Thread(target=self._make, args=(failures,))
        maker.start()
        maker.join()
        if failures:
            raise failures[0]

    def _make(self, failures: list[OSError]) -> None:
        """In a thread of its own, which ends: only a thread can leave its namespace so."""
        try:
            _call("unshare", CLONE_NEWNET)
            self._descriptor = os.open(OF_THIS_THREAD, os.O_RDONLY)
        except OSError as failure:
            failures.append(failure)

    @contextlib.contextmanager
    def entered(self) -> Iterator[None]:
        outside = os.open(OF_THIS_THREAD, os.O_RDONLY)
        try:
            _call("setns", self._descriptor, CLONE_NEWNET)
            try:
                yield
            finally:
                _call("setns", outside, CLONE_NEWNET)
        finally:
            os.close(outside)

    def close(self) -> None:
        os.close(self._descriptor)


def _call(name: str, *arguments: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if getattr(libc, name)(*arguments) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")
