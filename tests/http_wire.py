"""The HTTP door on loopback, an executor that does as the test says, and a client of raw bytes.

Used by the tests of `stator_node.gateway`. Time stands still unless the test moves it: the door's
sweep is called by the test, never by a timer.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import zlib
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

import orjson
import uvloop
from botocore.auth import SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from stator_node.doors import Caller
from stator_node.gateway.access_keys import AccessKeys
from stator_node.gateway.http import HttpDoor
from stator_node.gateway.http_limits import HttpLimits
from stator_node.gateway.http_parser import RequestParser
from stator_node.gateway.sigv4 import SignatureVerifier
from stator_node.memory import ManualClock
from stator_node.pending import Pending

ACCESS_KEY = "AKIAEXAMPLE"
SECRET = "secret/with+signs"
REGION = "eu-west-2"
JSON_TYPE = "application/x-amz-json-1.0"
ANSWER_SECONDS = 20.0
NEVER = 1_000_000.0

Answerer = Callable[[dict[str, Any]], "bytes | Pending[bytes]"]


class ScriptedExecutor:
    """An Executor whose operations are functions that the test gives; it notes every call."""

    def __init__(self, **answers: Answerer) -> None:
        self._answers: dict[str, Answerer] = {"PutItem": lambda body: b"{}", **answers}
        self.calls: list[tuple[str, dict[str, Any], Caller]] = []

    @property
    def operations(self) -> frozenset[str]:
        return frozenset({*self._answers, "GetRecords"})

    def execute(
        self, operation: str, body: dict[str, Any], caller: Caller
    ) -> bytes | Pending[bytes]:
        self.calls.append((operation, body, caller))
        return self._answers[operation](body)


class Held:
    """Answers with a Pending each time and keeps them: the test resolves them in any order."""

    def __init__(self) -> None:
        self.pending: list[Pending[bytes]] = []

    def __call__(self, body: dict[str, Any]) -> Pending[bytes]:
        self.pending.append(Pending())
        return self.pending[-1]


@dataclass(frozen=True)
class Reply:
    """An answer as it came."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return orjson.loads(self.body)

    @property
    def error(self) -> tuple[int, str, str | None]:
        """Status, name of the error without its prefix, text."""
        body = self.json
        name = body["__type"].partition("#")[2]
        return self.status, name, body.get("message", body.get("Message"))


class RawClient:
    """One connection, bytes in and answers out."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def send(self, *parts: bytes) -> None:
        self.writer.write(b"".join(parts))
        await self.writer.drain()

    async def head(self) -> tuple[int, dict[str, str]]:
        """Status line and headers of the next answer."""
        async with asyncio.timeout(ANSWER_SECONDS):
            head = await self.reader.readuntil(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")[:-2]
        pairs = (line.partition(": ") for line in lines)
        return int(first.split(" ")[1]), {name.lower(): value for name, _, value in pairs}

    async def reply(self, *, has_body: bool = True) -> Reply:
        """The next answer, whole; its CRC is checked."""
        status, headers = await self.head()
        body = b""
        if has_body:
            async with asyncio.timeout(ANSWER_SECONDS):
                body = await self.reader.readexactly(int(headers["content-length"]))
            assert int(headers["x-amz-crc32"]) == zlib.crc32(body)
        return Reply(status, headers, body)

    async def ask(self, *parts: bytes) -> Reply:
        await self.send(*parts)
        return await self.reply()

    async def ended(self) -> bool:
        """Whether the door closes the connection, without a further byte."""
        async with asyncio.timeout(ANSWER_SECONDS):
            try:
                return await self.reader.read() == b""
            except ConnectionError:
                return True

    async def close(self) -> None:
        self.writer.close()
        with contextlib.suppress(ConnectionError):
            await self.writer.wait_closed()


@dataclass
class Served:
    """A door that is listening, and what surrounds it."""

    door: HttpDoor
    clock: ManualClock
    clients: list[RawClient] = field(default_factory=list)

    async def connect(self) -> RawClient:
        client = RawClient(*await asyncio.open_connection("127.0.0.1", self.door.port))
        self.clients.append(client)
        return client

    def after(self, seconds: float) -> None:
        """Let time pass, and the door notice."""
        self.clock.advance(seconds)
        self.door.sweep()


@contextlib.asynccontextmanager
async def serving(
    executor: ScriptedExecutor,
    *,
    access_keys: AccessKeys | None = None,
    limits: HttpLimits | None = None,
) -> AsyncIterator[Served]:
    clock = ManualClock()
    keys = access_keys or AccessKeys.any_key()
    door = HttpDoor(
        executor,
        SignatureVerifier(keys, clock),
        clock,
        region=REGION,
        limits=limits or HttpLimits(sweep_seconds=NEVER),
    )
    await door.start("127.0.0.1", 0)
    served = Served(door, clock)
    try:
        yield served
    finally:
        for client in served.clients:
            await client.close()
        await door.stop(grace_seconds=0.0)


async def until(condition: Callable[[], bool]) -> None:
    """Let the loop turn until the condition holds."""
    async with asyncio.timeout(ANSWER_SECONDS):
        while not condition():  # noqa: ASYNC110  # what changes is a socket's buffer: no event
            await asyncio.sleep(0)


def run(coroutine: Coroutine[Any, Any, None]) -> None:
    """Run a test on the loop that the product runs on."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(coroutine)


def request(
    operation: str = "PutItem",
    body: bytes = b"{}",
    *,
    method: str = "POST",
    url: str = "/",
    without: tuple[str, ...] = (),
    **headers: str,
) -> bytes:
    """A well-formed request of any key; `accept_encoding="gzip"` adds or replaces a header."""
    lines = {
        "host": "127.0.0.1",
        "x-amz-target": f"DynamoDB_20120810.{operation}",
        "content-type": JSON_TYPE,
        "x-amz-date": "20270115T080000Z",
        "authorization": (
            f"AWS4-HMAC-SHA256 Credential={ACCESS_KEY}/20270115/{REGION}/dynamodb/aws4_request, "
            f"SignedHeaders=host;x-amz-date, Signature={'0' * 64}"
        ),
        "content-length": str(len(body)),
    }
    lines.update({name.replace("_", "-"): value for name, value in headers.items()})
    text = "".join(f"{name}: {value}\r\n" for name, value in lines.items() if name not in without)
    return f"{method} {url} HTTP/1.1\r\n{text}\r\n".encode("latin-1") + body


class FrozenSigV4Auth(SigV4Auth):
    """botocore's signer at a moment of the test's choice."""

    timestamp = "20270115T080000Z"
    body = b""

    def add_auth(self, request: AWSRequest) -> None:
        request.context["timestamp"] = self.timestamp
        self._modify_request_before_signing(request)
        to_sign = self.string_to_sign(request, self.canonical_request(request))
        signature = self.signature(to_sign, request)
        self._inject_signature_to_request(request, signature)


class FrozenSigV4QueryAuth(FrozenSigV4Auth, SigV4QueryAuth):
    """The same for presigned requests; botocore's own would move the body into the query string."""

    def payload(self, request: AWSRequest) -> str:
        return hashlib.sha256(self.body).hexdigest()


@dataclass(frozen=True)
class Signed:
    """A request as botocore signed it."""

    url: bytes
    headers: list[tuple[bytes, bytes]]
    body: bytes

    def wire(self) -> bytes:
        lines = b"".join(b"%b: %b\r\n" % pair for pair in self.headers)
        length = b"content-length: %d\r\n" % len(self.body)
        return b"POST %b HTTP/1.1\r\n%b%b\r\n%b" % (self.url, lines, length, self.body)


def sign(
    body: bytes = b"{}",
    *,
    operation: str = "PutItem",
    extra: list[tuple[str, str]] | None = None,
    query: str = "",
    credentials: Credentials | None = None,
    presigned: bool = False,
    region: str = REGION,
    timestamp: str = "20270115T080000Z",
) -> Signed:
    """A request signed by botocore, in a header or in its query string."""
    data = b"" if presigned else body
    asked = AWSRequest("POST", f"http://127.0.0.1:8000/{query}", data=data)
    asked.headers["Host"] = "127.0.0.1:8000"
    asked.headers["X-Amz-Target"] = f"DynamoDB_20120810.{operation}"
    asked.headers["Content-Type"] = JSON_TYPE
    for name, value in extra or []:
        asked.headers.add_header(name, value)
    kind = FrozenSigV4QueryAuth if presigned else FrozenSigV4Auth
    signer = kind(credentials or Credentials(ACCESS_KEY, SECRET), "dynamodb", region)
    signer.timestamp = timestamp
    signer.body = body
    signer.add_auth(asked)
    headers = [(name.encode(), value.encode("utf-8")) for name, value in asked.headers.items()]
    return Signed(asked.url.partition(":8000")[2].encode(), headers, body)


class Collected:
    """A `RequestSink` that keeps what the parser gives it."""

    def __init__(self) -> None:
        self.requests: list[tuple[bytes, bytes, dict[bytes, bytes], bytes | bytearray]] = []
        self.keep_alive: list[bool] = []
        self.continues = 0

    def request_received(
        self,
        method: bytes,
        url: bytes,
        headers: dict[bytes, bytes],
        body: bytes | bytearray,
        keep_alive: bool,
    ) -> None:
        self.requests.append((method, url, headers, body))
        self.keep_alive.append(keep_alive)

    def continue_expected(self) -> None:
        self.continues += 1


def received(wire: bytes) -> tuple[bytes, bytes, dict[bytes, bytes], bytes | bytearray]:
    """Method, url, headers and body of a request, as the door's parser reads it."""
    sink = Collected()
    RequestParser(sink, HttpLimits()).feed(wire)
    assert len(sink.requests) == 1
    return sink.requests[0]
