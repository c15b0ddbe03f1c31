"""Wires between the storage processes of one machine that can be cut, in one direction or in both.

Each ordered pair of zones has a forwarder of its own; `lay` tells the processes to reach each other
by these. A cut wire holds what is on it: a TCP connection never loses a part of its bytes, and what
was held arrives late when the wire is mended, unless one side has hung up by then.
"""

from __future__ import annotations

import contextlib
import itertools
import select
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from cluster.frames import FramePeer
from cluster.zones import ZONES, Zones
from stator_node import cluster_file
from stator_node.cluster_file import Place
from stator_node.operation_codes import OperationCode
from stator_node.transport.frame_format import Status

PIECE_BYTES = 65_536
LOOK_SECONDS = 0.02


class Network:
    """All wires. Use as a context manager: at the end the processes have their own addresses."""

    def __init__(self, zones: Zones) -> None:
        self._zones = zones
        self._cut: set[tuple[str, str]] = set()  # (from zone, to zone): nothing passes that way
        self._closed = threading.Event()
        self._listeners: dict[tuple[str, str], socket.socket] = {}
        self._places: dict[str, Place] = {}

    def __enter__(self) -> Network:
        for pair in itertools.permutations(ZONES, 2):
            listener = socket.create_server(("127.0.0.1", 0))
            self._listeners[pair] = listener
            threading.Thread(target=self._accept, args=(pair, listener), daemon=True).start()
        self.refresh()
        return self

    def __exit__(self, *_: object) -> None:
        self._cut.clear()
        self._introduce(lambda _, other: self._places[other].port)
        self._closed.set()
        for listener in self._listeners.values():
            listener.close()

    @contextmanager
    def cut(self, *wires: tuple[str, str]) -> Iterator[None]:
        """Let nothing pass from the first zone of a pair to the second."""
        self._cut.update(wires)
        try:
            yield
        finally:
            self._cut.difference_update(wires)

    def refresh(self) -> None:
        """Lay the wires, again where a node has become another one since."""
        self._introduce(
            lambda own, other: (
                self._places[other].port
                if own == other
                else self._listeners[own, other].getsockname()[1]
            )
        )

    def _introduce(self, port_of: Callable[[str, str], int]) -> None:
        """Tell each process where it reaches the others."""
        cluster = cluster_file.read(self._zones.data / "control")
        self._places = cluster.nodes
        for own, place in self._places.items():
            members = {
                known.name: {"host": "127.0.0.1", "port": port_of(own, other), "zone": other}
                for other, known in self._places.items()
            }
            with FramePeer(cluster, place) as peer:
                assert peer.ask(OperationCode.JOIN, members).status is Status.RESULT

    # Forwarding.

    def _accept(self, pair: tuple[str, str], listener: socket.socket) -> None:
        own, other = pair
        while True:
            try:
                near, _ = listener.accept()
            except OSError:
                return  # It is closed.
            try:
                far = socket.create_connection(("127.0.0.1", self._places[other].port), 2.0)
            except OSError:
                near.close()
                continue
            for source, sink, way in ((near, far, (own, other)), (far, near, (other, own))):
                threading.Thread(target=self._pump, args=(source, sink, way), daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket, way: tuple[str, str]) -> None:
        """Carry bytes one way until either end hangs up."""
        with contextlib.suppress(OSError, ValueError):
            while not self._closed.is_set():
                if way in self._cut:
                    time.sleep(LOOK_SECONDS)
                    continue
                if not select.select([source], [], [], 0.1)[0]:
                    continue
                piece = source.recv(PIECE_BYTES)
                if not piece:
                    break
                while way in self._cut and not self._closed.is_set():
                    time.sleep(LOOK_SECONDS)
                sink.sendall(piece)
        for end in (source, sink):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
