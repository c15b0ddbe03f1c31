"""A socket to a server: any bytes out, answers in, several requests in one piece.

`at_once` asks two things with no time between them, which is how a test sees a state that passes.
"""

from __future__ import annotations

import contextlib
import json
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

import blackbox

Headers = dict[str, str]
SECONDS = 10.0


@dataclass
class RawConnection:
    """Sends any bytes and reads the answers one after the other."""

    socket: socket.socket
    stream: BinaryIO

    def send(self, text: bytes) -> None:
        self.socket.sendall(text)

    def head(self) -> tuple[int, Headers]:
        """Status and headers, names in lower case."""
        status = int(self.stream.readline().split()[1])
        headers: Headers = {}
        while (line := self.stream.readline().strip()) != b"":
            name, _, value = line.partition(b":")
            headers[name.decode().lower()] = value.strip().decode()
        return status, headers

    def answer(self, *, has_body: bool = True) -> blackbox.Answer:
        status, headers = self.head()
        text = self.stream.read(int(headers.get("content-length", "0"))) if has_body else b""
        return blackbox.Answer(status, headers, text)

    def ended(self) -> bool:
        """Whether the server has closed the connection (waits for it)."""
        return self.stream.read(1) == b""


@contextlib.contextmanager
def opened(address: str) -> Iterator[RawConnection]:
    """A connection to `host:port`."""
    host, _, port = address.rpartition(":")
    with socket.create_connection((host, int(port)), timeout=SECONDS) as made:
        stream = made.makefile("rb")
        yield RawConnection(made, stream)
        stream.close()


def wire(operation: str, body: bytes, **more: str) -> bytes:
    """A request as bytes."""
    headers = blackbox.standard_headers(operation) | {
        "Host": "localhost",
        "Content-Length": str(len(body)),
    }
    lines = "".join(f"{name}: {value}\r\n" for name, value in (headers | more).items())
    return f"POST / HTTP/1.1\r\n{lines}\r\n".encode() + body


def at_once(address: str, *requests: tuple[str, dict[str, Any]]) -> list[blackbox.Answer]:
    """The answers to several requests that arrive in one piece."""
    with opened(address) as connection:
        connection.send(
            b"".join(wire(operation, json.dumps(body).encode()) for operation, body in requests)
        )
        return [connection.answer() for _ in requests]
