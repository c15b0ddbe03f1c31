"""How long one body of very many tiny values holds everybody else up.

Called by `run.py` for Stator alone. For each body: GetItem over and over on one connection while
another sends the body once. What counts is the longest GetItem, the middle of three rounds. Some of
the bodies are refused from their bytes, the others are just small enough to be read and checked.
"""

from __future__ import annotations

import socket
import threading
import time
from dataclasses import dataclass

from load import RECEIVE_BYTES, Signer, is_complete, spelling_of_content_length
from workloads import get_item

ROUNDS = 3
LARGEST_BYTES = 16 * 1_048_576
READ_BYTES = 1_850_000  # of values of nine bytes: as many as the door lets in


@dataclass(frozen=True, slots=True)
class Stall:
    """What came of one body: the answer's status, and the longest other request beside it."""

    status: int
    milliseconds: float


def list_of_values(opening: bytes, value: bytes, last: bytes, closing: bytes, size: int) -> bytes:
    values = value * ((size - len(opening) - len(last) - len(closing)) // len(value))
    return opening + values + last + closing


def bodies() -> dict[str, tuple[str, bytes]]:
    """Operation and body by what the body is."""
    put = b'{"TableName":"items","Item":{"id":{"S":"stall"},"list":{"L":['
    update = (
        b'{"TableName":"items","Key":{"id":{"S":"stall-too"}},"UpdateExpression":"SET a = :a",'
        b'"ExpressionAttributeValues":{":a":{"L":['
    )
    batch = b'{"RequestItems":{"items":[{"PutRequest":{"Item":{"id":{"S":"stall"},"list":{"L":['
    value, last, wrong = b'{"S":""},', b'{"S":""}', b'{"N":"x"}'
    sizes = {"16 MB": LARGEST_BYTES, "1.8 MB": READ_BYTES}
    found = {}
    for name, size in sizes.items():
        legal = list_of_values(put, value, last, b"]}}}", size)
        found[f"PutItem, {name} of empty strings"] = "PutItem", legal
        refused = list_of_values(put, value, wrong, b"]}}}", size)
        found[f"PutItem, {name}, the last value wrong"] = "PutItem", refused
        found[f"UpdateItem, {name} of expression values"] = (
            "UpdateItem",
            list_of_values(update, value, last, b"]}}}", size),
        )
        found[f"BatchWriteItem, {name} in one item"] = (
            "BatchWriteItem",
            list_of_values(batch, value, last, b"]}}}}]}}", size),
        )
    return found


def measure(port: int, signer: Signer) -> dict[str, Stall]:
    """Every body against the server at this port, which has been prepared."""
    return {
        name: _middle([_stall(port, signer, operation, body) for _ in range(ROUNDS)])
        for name, (operation, body) in bodies().items()
    }


def _middle(stalls: list[Stall]) -> Stall:
    return sorted(stalls, key=lambda stall: stall.milliseconds)[len(stalls) // 2]


def _stall(port: int, signer: Signer, operation: str, body: bytes) -> Stall:
    headers = signer.headers(operation, body)
    lines = [f"{name}: {value}\r\n" for name, value in headers.items()]
    request = ("POST / HTTP/1.1\r\n" + "".join(lines) + "\r\n").encode() + body
    get = signer.request(*get_item(0))
    statuses: list[int] = []
    longest = 0.0
    with (
        socket.create_connection(("127.0.0.1", port)) as hostile,
        socket.create_connection(("127.0.0.1", port)) as other,
    ):
        _ask(other, get)
        sender = threading.Thread(target=lambda: statuses.append(_ask(hostile, request)))
        sender.start()
        while sender.is_alive():
            began = time.perf_counter()
            _ask(other, get)
            longest = max(longest, time.perf_counter() - began)
        sender.join()
    return Stall(statuses[0], longest * 1_000)


def _ask(connection: socket.socket, request: bytes) -> int:
    """Send a request and read its whole answer; its status."""
    connection.sendall(request)
    answer = b""
    while b"\r\n\r\n" not in answer or not is_complete(answer, spelling_of_content_length(answer)):
        received = connection.recv(RECEIVE_BYTES)
        if not received:
            raise ConnectionError("the server closed a connection without an answer")
        answer += received
    return int(answer[9:12])
