"""The load generator: many connections in a closed loop, cheap enough not to be what is measured.

`run.py` hands in requests that were built and signed beforehand and gets back how long each answer
took. One thread, one epoll, no HTTP library: an answer is complete when as many bytes have come as
its Content-Length says. Every connection has one request under way at any time, so N connections
mean N requests in flight, and a slower server is asked less. Nothing is dropped silently: an answer
other than 200 is counted as an error, and a lost connection ends the run.
"""

from __future__ import annotations

import hashlib
import hmac
import http.client
import select
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson

TARGET_PREFIX = "DynamoDB_20120810."
CONTENT_TYPE = "application/x-amz-json-1.0"
# One name for every server, so that one signed request may be sent to all of them.
HOST = "dynamodb.local"
# Below what malloc maps anew for each call: a map and an unmap cost more than the whole answer.
RECEIVE_BYTES = 65_536
POLL_SECONDS = 1.0
NANOSECONDS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one cell of the matrix came to. Latencies are nanoseconds, sorted."""

    seconds: float
    latencies: Sequence[int]
    errors: int
    first_error: bytes | None

    @property
    def operations_per_second(self) -> float:
        return len(self.latencies) / self.seconds

    def percentile_ms(self, percent: float) -> float:
        """The latency in milliseconds that this percentage of the answers stayed within."""
        if not self.latencies:
            return float("nan")
        rank = min(len(self.latencies) - 1, int(len(self.latencies) * percent / 100))
        return self.latencies[rank] / 1e6


class Signer:
    """Builds whole HTTP requests, signed as AWS's SDKs sign them (Signature Version 4)."""

    SIGNED = "content-type;host;x-amz-date;x-amz-target"

    def __init__(self, access_key: str, secret: str, region: str = "us-east-1") -> None:
        self.access_key = access_key
        self.secret = secret
        self.region = region

    def request(self, operation: str, body: dict[str, Any]) -> bytes:
        """The bytes to send for this operation, signed at this moment; good for fifteen minutes."""
        payload = orjson.dumps(body)
        headers = self.headers(operation, payload)
        lines = [f"{name}: {value}\r\n" for name, value in headers.items()]
        return ("POST / HTTP/1.1\r\n" + "".join(lines) + "\r\n").encode() + payload

    def headers(self, operation: str, payload: bytes) -> dict[str, str]:
        moment = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
        scope = f"{moment[:8]}/{self.region}/dynamodb/aws4_request"
        target = TARGET_PREFIX + operation
        canonical = (
            f"POST\n/\n\ncontent-type:{CONTENT_TYPE}\nhost:{HOST}\nx-amz-date:{moment}\n"
            f"x-amz-target:{target}\n\n{self.SIGNED}\n{hashlib.sha256(payload).hexdigest()}"
        )
        digest = hashlib.sha256(canonical.encode()).hexdigest()
        to_sign = f"AWS4-HMAC-SHA256\n{moment}\n{scope}\n{digest}"
        signature = hmac.digest(self._key(moment[:8]), to_sign.encode(), "sha256").hex()
        return {
            "Host": HOST,
            "User-Agent": "stator-benchmark",
            "Accept-Encoding": "identity",
            "X-Amz-Target": target,
            "Content-Type": CONTENT_TYPE,
            "X-Amz-Date": moment,
            "Authorization": (
                f"AWS4-HMAC-SHA256 Credential={self.access_key}/{scope}, "
                f"SignedHeaders={self.SIGNED}, Signature={signature}"
            ),
            "Content-Length": str(len(payload)),
        }

    def _key(self, day: str) -> bytes:
        key = f"AWS4{self.secret}".encode()
        for part in (day, self.region, "dynamodb", "aws4_request"):
            key = hmac.digest(key, part.encode(), "sha256")
        return key


def ask(port: int, signer: Signer, operation: str, body: dict[str, Any]) -> dict[str, Any]:
    """One request on a connection of its own. Raises OSError, or RuntimeError for an error."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        payload = orjson.dumps(body)
        connection.request("POST", "/", payload, signer.headers(operation, payload))
        response = connection.getresponse()
        text = response.read()
    finally:
        connection.close()
    if response.status != http.HTTPStatus.OK:
        raise RuntimeError(f"{operation}: {response.status} {text.decode(errors='replace')}")
    answer: dict[str, Any] = orjson.loads(text)
    return answer


class Connections:
    """N connections to one server, each with one request under way once `run` has begun."""

    def __init__(self, port: int, count: int) -> None:
        self.poller = select.epoll()
        self.sockets: dict[int, socket.socket] = {}
        for _ in range(count):
            opened = socket.create_connection(("127.0.0.1", port))
            opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            opened.setblocking(False)
            self.sockets[opened.fileno()] = opened
            self.poller.register(opened.fileno(), select.EPOLLIN)

    def close(self) -> None:
        self.poller.close()
        for opened in self.sockets.values():
            opened.close()

    def run(self, requests: Sequence[bytes], seconds: float, limit: int | None = None) -> Outcome:
        """Send requests in turn, over and over, for that long, or until `limit` were sent."""
        sent_at: dict[int, int] = {}
        partial: dict[int, bytes] = {}
        latencies: list[int] = []
        errors, first_error, cursor, total = 0, None, 0, len(requests)
        length_header = b""
        clock = time.perf_counter_ns
        started = clock()
        deadline = started + int(seconds * NANOSECONDS)
        for descriptor in self.sockets:
            sent_at[descriptor] = clock()
            self._send(descriptor, requests[cursor % total])
            cursor += 1
        now = started
        while sent_at:
            for descriptor, _ in self._poll():
                data = self.sockets[descriptor].recv(RECEIVE_BYTES)
                if not data:
                    raise ConnectionError("the server closed a connection under load")
                if partial and descriptor in partial:
                    data = partial.pop(descriptor) + data
                if not length_header:
                    length_header = spelling_of_content_length(data)
                if not is_complete(data, length_header):
                    partial[descriptor] = data
                    continue
                now = clock()
                latencies.append(now - sent_at[descriptor])
                if data[9:12] != b"200":
                    errors += 1
                    first_error = first_error or data
                if now >= deadline or (limit is not None and cursor >= limit):
                    del sent_at[descriptor]
                    continue
                sent_at[descriptor] = now
                self._send(descriptor, requests[cursor % total])
                cursor += 1
        latencies.sort()
        return Outcome((now - started) / NANOSECONDS, latencies, errors, first_error)

    def _poll(self) -> list[tuple[int, int]]:
        for _ in range(30):
            if ready := self.poller.poll(POLL_SECONDS):
                return ready
        raise TimeoutError("no answer in thirty seconds")

    def _send(self, descriptor: int, request: bytes) -> None:
        opened = self.sockets[descriptor]
        sent = opened.send(request)
        if sent < len(request):
            opened.setblocking(True)
            opened.sendall(request[sent:])
            opened.setblocking(False)


def spelling_of_content_length(data: bytes) -> bytes:
    """How this server spells the header: it does so alike in each answer."""
    start = data.lower().find(b"content-length:")
    if start < 0:
        raise ValueError(f"an answer without Content-Length: {data[:300]!r}")
    end = start + len(b"content-length:")
    return data[start : end + (data[end : end + 1] == b" ")]


def is_complete(data: bytes, length_header: bytes) -> bool:
    """Whether the bytes are one whole answer."""
    head_end = data.find(b"\r\n\r\n")
    if head_end < 0:
        return False
    start = data.find(length_header) + len(length_header)
    length = int(data[start : data.find(b"\r", start)])
    return len(data) >= head_end + 4 + length
