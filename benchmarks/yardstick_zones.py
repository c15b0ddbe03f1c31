"""A yardstick, not a server: the least that a replicated write and a leader's read cost in Python.

    python benchmarks/yardstick_zones.py --folder DIR --port N --access-key KEY --secret SECRET

A gateway with the HTTP door of `yardstick.py`, and three storage processes that it starts: the
first leads for ever. Requests travel in frames of many, a batch is synced once by the leader and by
each follower, followers sync before they acknowledge, the leader applies at a quorum and answers.
No elections, no repair, no checks: what Stator costs above it is what Stator's features cost.
`cluster.py` starts it beside Stator and prints the ratio. The storage processes end when their
standard input does.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import os
import subprocess
import sys
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from struct import Struct
from typing import Any, Final, cast

import orjson
import uvloop
from rocksdict import Options, Rdict, WriteBatch

from servers import free_port
from yardstick import SWITCH_SECONDS, Door, Items, Signatures

LENGTH = Struct(">I")
OPERATION = Struct(">QIH")  # request id, bytes of the value, bytes of the key; both follow
INDEX = Struct(">Q")
REQUEST_ID = Struct(">Q")
ACKNOWLEDGEMENT = Struct(">BQ")
VALUE = Struct(">QI")  # request id, bytes of the value; it follows
QUORUM_OF_THREE: Final = 1  # position among the sorted acknowledged indexes
RETRY_SECONDS = 0.05
PUT, GET, WRITTEN, FOUND = b"P", b"G", b"W", b"F"

Reply = Callable[[bytes], None]


class Frames(asyncio.Protocol):
    """Length-prefixed frames; what is sent in one turn of the loop leaves in one write."""

    def __init__(self, received: Callable[[Frames, bytes], None]) -> None:
        self.received = received
        self.loop = asyncio.get_running_loop()
        self.rest = b""
        self.queue: list[bytes] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        data = self.rest + data if self.rest else data
        position, end = 0, len(data)
        while end - position >= LENGTH.size:
            start = position + LENGTH.size
            length = LENGTH.unpack_from(data, position)[0]
            if end - start < length:
                break
            self.received(self, data[start : start + length])
            position = start + length
        self.rest = data[position:]

    def send(self, frame: bytes) -> None:
        if not self.queue:
            self.loop.call_soon(self._flush)
        self.queue += (LENGTH.pack(len(frame)), frame)

    def _flush(self) -> None:
        queue, self.queue = self.queue, []
        self.transport.write(b"".join(queue))


async def connect(port: int, received: Callable[[Frames, bytes], None]) -> Frames:
    """A connection to another process, which may still be starting."""
    loop = asyncio.get_running_loop()
    while True:
        try:
            made = await loop.create_connection(lambda: Frames(received), "127.0.0.1", port)
        except OSError:
            await asyncio.sleep(RETRY_SECONDS)
        else:
            return made[1]


class Disk:
    """Written at once, synced in a thread: one sync at a time."""

    def __init__(self, folder: Path) -> None:
        options = Options(raw_mode=True)
        options.create_if_missing(True)
        self.database = Rdict(str(folder), options)
        self.thread = ThreadPoolExecutor(1)
        self.syncing = False

    def sync(self, done: Callable[[], None]) -> None:
        self.syncing = True

        def synced(future: asyncio.Future[Any]) -> None:
            future.result()
            self.syncing = False
            done()

        loop = asyncio.get_running_loop()
        loop.run_in_executor(self.thread, self.database.flush_wal, True).add_done_callback(synced)


def operations(body: bytes) -> list[tuple[bytes, bytes, bytes]]:
    """The (request id, key, value) that a body carries."""
    found, position, end = [], 0, len(body)
    while position < end:
        _, value_bytes, key_bytes = OPERATION.unpack_from(body, position)
        key_at = position + OPERATION.size
        value_at = key_at + key_bytes
        request_id = body[position : position + REQUEST_ID.size]
        position = value_at + value_bytes
        found.append((request_id, body[key_at:value_at], body[value_at:position]))
    return found


class Leader:
    """Takes frames of the gateway; one batch after the other goes to disk and followers."""

    def __init__(self, disk: Disk) -> None:
        self.disk = disk
        self.followers: list[Frames] = []
        self.queue: list[tuple[Frames, bytes]] = []
        self.log: dict[int, list[tuple[Frames, bytes]]] = {}
        self.last = self.applied = 0
        self.acknowledged = [0, 0, 0]

    def received(self, gateway: Frames, frame: bytes) -> None:
        if frame[:1] == PUT:
            self.queue.append((gateway, frame[1:]))
            self._begin()
            return
        answers = [FOUND]
        get = self.disk.database.get
        for request_id, key, _ in operations(frame[1:]):
            value = get(b"I" + key) or b""
            answers += (request_id, LENGTH.pack(len(value)), value)
        gateway.send(b"".join(answers))

    def acknowledge(self, _: Frames, frame: bytes) -> None:
        number, index = ACKNOWLEDGEMENT.unpack(frame)
        self.acknowledged[number] = index
        self._apply()

    def _begin(self) -> None:
        if self.disk.syncing or not self.queue:
            return
        batch, self.queue = self.queue, []
        body = b"".join([part for _, part in batch])
        self.last += 1
        index = INDEX.pack(self.last)
        self.log[self.last] = batch
        self.disk.database.put(b"L" + index, body)
        for follower in self.followers:
            follower.send(index + body)
        last = self.last
        self.disk.sync(lambda: self._synced(last))

    def _synced(self, index: int) -> None:
        self.acknowledged[0] = index
        self._begin()
        self._apply()

    def _apply(self) -> None:
        committed = sorted(self.acknowledged)[QUORUM_OF_THREE]
        while self.applied < committed:
            self.applied += 1
            for gateway, body in self.log.pop(self.applied):
                batch = WriteBatch(raw_mode=True)
                answers = [WRITTEN]
                for request_id, key, value in operations(body):
                    batch.put(b"I" + key, value)
                    answers.append(request_id)
                self.disk.database.write(batch)
                gateway.send(b"".join(answers))


class Follower:
    """Keeps and applies what the leader sends, and says so when it is on the disk."""

    def __init__(self, number: int, disk: Disk) -> None:
        self.number = number
        self.disk = disk
        self.queue: list[bytes] = []

    def received(self, leader: Frames, frame: bytes) -> None:
        self.queue.append(frame)
        self._begin(leader)

    def _begin(self, leader: Frames) -> None:
        if self.disk.syncing or not self.queue:
            return
        frames, self.queue = self.queue, []
        batch = WriteBatch(raw_mode=True)
        for frame in frames:
            body = frame[INDEX.size :]
            batch.put(b"L" + frame[: INDEX.size], body)
            for _, key, value in operations(body):
                batch.put(b"I" + key, value)
        self.disk.database.write(batch)
        last = INDEX.unpack_from(frames[-1])[0]
        self.disk.sync(lambda: self._synced(leader, last))

    def _synced(self, leader: Frames, index: int) -> None:
        leader.send(ACKNOWLEDGEMENT.pack(self.number, index))
        self._begin(leader)


class RemoteItems(Items):
    """The gateway's side of `yardstick.Items`: puts and gets travel to the leader."""

    def __init__(self) -> None:
        self.key_names: dict[str, list[str]] = {}
        self.commit = cast(Any, argparse.Namespace(connections=0))  # The door counts there.
        self.operations = {
            b"CreateTable": self.create_table,
            b"DescribeTable": self.describe_table,
            b"ListTables": self.list_tables,
            b"PutItem": self.put_item,
            b"GetItem": self.get_item,
            b"BatchWriteItem": self.batch_write_item,
        }
        self.loop = asyncio.get_running_loop()
        self.waiting: dict[int, Reply] = {}
        self.last_id = 0
        self.puts: list[bytes] = []
        self.gets: list[bytes] = []
        self.leader: Frames | None = None

    def put_item(self, body: dict[str, Any], reply: Reply) -> None:
        item = body["Item"]
        self._put(self.key(body["TableName"], item), orjson.dumps(item), reply)

    def get_item(self, body: dict[str, Any], reply: Reply) -> None:
        self._ask(GET, self.gets, self.key(body["TableName"], body["Key"]), b"", reply)

    def batch_write_item(self, body: dict[str, Any], reply: Reply) -> None:
        entries = [
            (table, request["PutRequest"]["Item"])
            for table, requests in body["RequestItems"].items()
            for request in requests
        ]
        left = len(entries)

        def written(_: bytes) -> None:
            nonlocal left
            left -= 1
            if not left:
                reply(b'{"UnprocessedItems":{}}')

        for table, item in entries:
            self._put(self.key(table, item), orjson.dumps(item), written)

    def answered(self, _: Frames, frame: bytes) -> None:
        position, end = 1, len(frame)
        if frame[:1] == WRITTEN:
            while position < end:
                self.waiting.pop(REQUEST_ID.unpack_from(frame, position)[0])(b"{}")
                position += REQUEST_ID.size
            return
        while position < end:
            request_id, value_bytes = VALUE.unpack_from(frame, position)
            start = position + VALUE.size
            position = start + value_bytes
            value = frame[start:position]
            self.waiting.pop(request_id)(b'{"Item":' + value + b"}" if value else b"{}")

    def _put(self, key: bytes, value: bytes, reply: Reply) -> None:
        self._ask(PUT, self.puts, key, value, reply)

    def _ask(self, kind: bytes, queue: list[bytes], key: bytes, value: bytes, reply: Reply) -> None:
        self.last_id += 1
        self.waiting[self.last_id] = reply
        if not queue:
            self.loop.call_soon(self._flush, kind, queue)
        queue += (OPERATION.pack(self.last_id, len(value), len(key)), key, value)

    def _flush(self, kind: bytes, queue: list[bytes]) -> None:
        assert self.leader is not None
        self.leader.send(kind + b"".join(queue))
        queue.clear()


async def serve_storage(number: int, folder: Path, ports: list[int]) -> None:
    """One of the three storage processes; the first leads."""
    loop = asyncio.get_running_loop()
    disk = Disk(folder / f"node-{number}")
    leader = Leader(disk)
    received = leader.received if number == 0 else Follower(number, disk).received
    loop.add_reader(0, lambda: os.read(0, 1) or os._exit(0))
    if number == 0:  # The gateway must not reach it before it reaches its followers.
        leader.followers = [await connect(port, leader.acknowledge) for port in ports[1:]]
    server = await loop.create_server(lambda: Frames(received), "127.0.0.1", ports[number])
    await server.serve_forever()


async def serve_gateway(port: int, ports: list[int], signatures: Signatures) -> None:
    loop = asyncio.get_running_loop()
    items = RemoteItems()
    items.leader = await connect(ports[0], items.answered)
    server = await loop.create_server(lambda: Door(items, signatures), "127.0.0.1", port)
    await server.serve_forever()


def start_storage(folder: Path, ports: list[int]) -> list[subprocess.Popen[bytes]]:
    """The three processes; each ends when this one does, and with it the pipe."""
    words = [sys.executable, __file__, "--folder", str(folder), "--ports", *map(str, ports)]
    return [
        subprocess.Popen([*words, "--storage", str(number)], stdin=subprocess.PIPE)
        for number in range(len(ports))
    ]


def run(work: Coroutine[Any, Any, None]) -> None:
    sys.setswitchinterval(SWITCH_SECONDS)
    gc.freeze()
    uvloop.run(work)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", required=True, type=Path)
    parser.add_argument("--port", type=int)
    parser.add_argument("--access-key")
    parser.add_argument("--secret")
    parser.add_argument("--ports", type=int, nargs=3, help="of the storage processes")
    parser.add_argument("--storage", type=int, help="be the storage process of this number")
    options = parser.parse_args()
    if options.storage is not None:
        run(serve_storage(options.storage, options.folder, options.ports))
        return
    ports = [free_port() for _ in range(3)]
    storage = start_storage(options.folder, ports)
    try:
        run(serve_gateway(options.port, ports, Signatures(options.access_key, options.secret)))
    finally:
        for process in storage:
            process.terminate()


if __name__ == "__main__":
    main()
