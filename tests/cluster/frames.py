"""A peer that speaks frames to a storage process by itself, past every gateway.

For what no gateway would do: to ask a leader that has slept, or to tell the processes other
addresses of each other. Plain blocking sockets; one connection, requests numbered as they go.
"""

from __future__ import annotations

import itertools
import socket
from dataclasses import dataclass, replace
from typing import Any

import orjson

from stator_node.cluster_file import ClusterFile, Place
from stator_node.operation_codes import OperationCode
from stator_node.transport.frame_format import (
    ANSWER_HEADER,
    FRAME_HEADER,
    REQUEST_HEADER,
    Hello,
    Kind,
    Status,
    encode_hello,
    frame_header,
)

ANSWER_SECONDS = 20.0
names = itertools.count()


@dataclass(frozen=True, slots=True)
class FrameAnswer:
    status: Status
    body: Any


class FramePeer:
    """A connection to one storage process."""

    def __init__(self, cluster: ClusterFile, place: Place) -> None:
        self._socket = socket.create_connection((place.host, place.port), ANSWER_SECONDS)
        self._numbers = itertools.count(1)
        hello = Hello(cluster.cluster_id, f"test-{next(names)}", "gateway", "zone-1")
        self._send(Kind.HELLO, encode_hello(replace(hello, receiver_id=place.name)))
        kind, payload = self._frame()
        assert kind == Kind.HELLO, payload

    def __enter__(self) -> FramePeer:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def ask(
        self, operation: OperationCode, body: Any, partition_id: int = 0, flags: int = 0
    ) -> FrameAnswer:
        """One request, and the answer to it."""
        self.send(operation, body, partition_id, flags)
        return self.answer()

    def send(
        self, operation: OperationCode, body: Any, partition_id: int = 0, flags: int = 0
    ) -> None:
        header = REQUEST_HEADER.pack(next(self._numbers), partition_id, flags, operation)
        self._send(Kind.REQUEST, header, orjson.dumps(body))

    def answer(self) -> FrameAnswer:
        """The next answer that comes."""
        while True:
            kind, payload = self._frame()
            if kind == Kind.ANSWER:
                _, status = ANSWER_HEADER.unpack_from(payload)
                body = payload[ANSWER_HEADER.size :]
                return FrameAnswer(Status(status), orjson.loads(body) if body else None)

    def _send(self, kind: Kind, *parts: bytes) -> None:
        self._socket.sendall(b"".join((frame_header(kind, parts)[0], *parts)))

    def _frame(self) -> tuple[int, bytes]:
        length, kind = FRAME_HEADER.unpack(self._read(FRAME_HEADER.size))
        return kind, self._read(length - 1)

    def _read(self, count: int) -> bytes:
        read = b""
        while len(read) < count:
            more = self._socket.recv(count - len(read))
            if not more:
                raise ConnectionResetError("the process has closed the connection")
            read += more
        return read
