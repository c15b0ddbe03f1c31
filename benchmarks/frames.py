"""What a message between two pods costs: this tree's frames beside a grpc.aio stream of bytes.

    .venv/bin/python benchmarks/frames.py

Both ends run in this process, so the processor time is that of both together. One side sends a
batch of 1 KB messages in one turn of the event loop and waits for one answer, as a leader does with
its log entries. gRPC gets bytes without protobuf, its best case. Takes about ten seconds; prints
one line each, and their ratio. docs/decisions/20261120-frames-between-pods.md quotes it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

import grpc
import uvloop

from stator_node.clock import SystemClock
from stator_node.pending import wait
from stator_node.transport.frame_format import Hello, Status
from stator_node.transport.links import Address, Links
from stator_node.transport.server import FrameServer, Request

MESSAGE = bytes(1024)
BATCHES = (1, 32)
SECONDS = 2.0
WARM_UP_SECONDS = 0.3
HOST = "127.0.0.1"
ANSWER = b"ok"

Send = Callable[[int], Awaitable[None]]  # sends a batch and waits for its answer


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one way to send, at one size of batches."""

    messages_per_second: float
    processor_microseconds: float  # of both ends, for each message


async def measure(send: Send, batch: int) -> Cost:
    """Send batches one after the other for a while."""
    await repeat(send, batch, WARM_UP_SECONDS)
    processor, began = time.process_time(), time.monotonic()
    messages = await repeat(send, batch, SECONDS)
    processor, elapsed = time.process_time() - processor, time.monotonic() - began
    return Cost(messages / elapsed, processor / messages * 1e6)


async def repeat(send: Send, batch: int, seconds: float) -> int:
    """How many messages went in this time."""
    messages = 0
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        await send(batch)
        messages += batch
    return messages


class Counting:
    """The receiving end of the frames: every message is looked at, the last of a batch answered."""

    def raft_received(self, _sender: Hello, _partition_id: int, message: bytes) -> None:
        assert len(message) == len(MESSAGE)

    def request_received(self, _sender: Hello, request: Request) -> None:
        assert len(request.body) == len(MESSAGE)
        request.answer(Status.RESULT, ANSWER)


async def frames() -> list[Cost]:
    """Through `transport/`, as the product wires it."""
    server = FrameServer(Hello("cluster", "b", "node", "zone"), Counting())
    await server.start(HOST, 0)
    up = asyncio.Event()
    links = Links(Hello("cluster", "a", "node", "zone"), SystemClock(), lambda: 0.0)
    links.on_up = lambda _: up.set()
    links.connect("b", Address(HOST, server.port))
    await up.wait()

    async def send(batch: int) -> None:
        for _ in range(batch - 1):
            links.send_raft("b", 7, MESSAGE)
        answer = await wait(links.request("b", 7, 1, 0, MESSAGE, 5.0))
        assert answer.body == ANSWER

    costs = [await measure(send, batch) for batch in BATCHES]
    links.close()
    await server.stop()
    return costs


async def grpc_stream() -> list[Cost]:
    """Through one bidirectional grpc.aio stream. The first byte says whether to answer."""

    async def exchange(requests: AsyncIterator[bytes], _context: object) -> AsyncIterator[bytes]:
        async for message in requests:
            assert len(message) == len(MESSAGE)
            if message[0]:
                yield ANSWER

    server = grpc.aio.server()
    handler = grpc.stream_stream_rpc_method_handler(exchange)
    server.add_generic_rpc_handlers(
        (grpc.method_handlers_generic_handler("benchmark", {"Exchange": handler}),)
    )
    port = server.add_insecure_port(f"{HOST}:0")
    await server.start()
    async with grpc.aio.insecure_channel(f"{HOST}:{port}") as channel:
        stream = channel.stream_stream("/benchmark/Exchange")()
        last = b"\x01" + MESSAGE[1:]

        async def send(batch: int) -> None:
            for _ in range(batch - 1):
                await stream.write(MESSAGE)
            await stream.write(last)
            assert await stream.read() == ANSWER

        costs = [await measure(send, batch) for batch in BATCHES]
        stream.cancel()
    await server.stop(None)
    return costs


async def main() -> None:
    ours, theirs = await frames(), await grpc_stream()
    for batch, own, other in zip(BATCHES, ours, theirs, strict=True):
        for name, cost in (("frames", own), ("grpc.aio", other)):
            print(
                f"batch {batch:>2}  {name:<9}{cost.messages_per_second:>9,.0f} messages/s"
                f"{cost.processor_microseconds:>8.1f} us of processor time each"
            )
        print(
            f"batch {batch:>2}  ratio {own.messages_per_second / other.messages_per_second:10.1f}"
            f" times the messages{other.processor_microseconds / own.processor_microseconds:6.1f}"
            " times less processor time"
        )


if __name__ == "__main__":
    uvloop.run(main())
