"""A yardstick, not a server: the least that a DynamoDB read and a synced write can cost in Python.

    python benchmarks/yardstick.py --folder DIR --port N --access-key KEY --secret SECRET

It verifies signatures, parses JSON, keeps items in RocksDB and acknowledges a write when it is on
the disk. It checks nothing, knows no conditions, no indexes, no capacity and no errors, and forgets
its tables when it ends: what Stator costs above it is what Stator's features cost. `run.py` starts
it beside Stator and prints the ratio.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import hashlib
import hmac
import struct
import sys
import zlib
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, cast

import httptools
import orjson
import uvloop
import xxhash
from rocksdict import Options, Rdict, ReadOptions

HEAD = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/x-amz-json-1.0\r\n"
    b"x-amzn-RequestId: 0123456789012345678901234567890123456789012345678901\r\n"
    b"x-amz-crc32: %d\r\nContent-Length: %d\r\n\r\n"
)
REFUSED = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"
CREDENTIAL = b"AWS4-HMAC-SHA256 Credential="
SWITCH_SECONDS = 0.0001  # A thread that ends a sync gets the interpreter back at once.


class Signatures:
    """Verifies Signature Version 4 for one access key; the derived key is kept per day."""

    def __init__(self, access_key: str, secret: str) -> None:
        self.access_key = access_key.encode()
        self.secret = secret.encode()
        self.keys: dict[bytes, hmac.HMAC] = {}

    def verify(self, headers: dict[bytes, bytes], body: bytes) -> bool:
        credential, signed, signature = headers[b"authorization"].split(b", ")
        access_key, scope = credential[len(CREDENTIAL) :].split(b"/", 1)
        names = signed[len(b"SignedHeaders=") :]
        lines = b"".join([name + b":" + headers[name] + b"\n" for name in names.split(b";")])
        digest = hashlib.sha256(body).hexdigest().encode()
        canonical = hashlib.sha256(b"POST\n/\n\n" + lines + b"\n" + names + b"\n" + digest)
        stamp = headers[b"x-amz-date"] + b"\n" + scope + b"\n" + canonical.hexdigest().encode()
        mac = (self.keys.get(scope) or self._derive(scope)).copy()
        mac.update(b"AWS4-HMAC-SHA256\n" + stamp)
        expected = b"Signature=" + mac.hexdigest().encode()
        return access_key == self.access_key and hmac.compare_digest(expected, signature)

    def _derive(self, scope: bytes) -> hmac.HMAC:
        key = b"AWS4" + self.secret
        for part in scope.split(b"/"):
            key = hmac.digest(key, part, "sha256")
        self.keys[scope] = mac = hmac.new(key, digestmod="sha256")
        return mac


class GroupCommit:
    """Everything that arrives while a sync is under way shares the next one."""

    def __init__(self, database: Rdict, loop: asyncio.AbstractEventLoop) -> None:
        self.database = database
        self.loop = loop
        self.pool = ThreadPoolExecutor(1)
        self.waiting: list[Callable[[], None]] = []
        self.syncing = False
        self.connections = 0

    def acknowledge(self, answer: Callable[[], None]) -> None:
        """Call `answer` when all that was written so far is on the disk."""
        if self.connections <= 1 and not self.syncing:
            # A lone writer waits for its own sync; a thread would only add two hand-overs.
            self.database.flush_wal(True)
            answer()
            return
        self.waiting.append(answer)
        if not self.syncing:
            self._sync()

    def _sync(self) -> None:
        self.syncing = True
        batch, self.waiting = self.waiting, []
        done = self.pool.submit(self.database.flush_wal, True)
        done.add_done_callback(
            lambda future: self.loop.call_soon_threadsafe(self._synced, batch, future)
        )

    def _synced(self, batch: list[Callable[[], None]], future: Future[None]) -> None:
        future.result()
        self.syncing = False
        for answer in batch:
            answer()
        if self.waiting:
            self._sync()


class Items:
    """Items by key in RocksDB, each stored as the JSON that a read answers with."""

    def __init__(self, database: Rdict, commit: GroupCommit) -> None:
        self.database = database
        self.commit = commit
        self.key_names: dict[str, list[str]] = {}
        self.operations: dict[bytes, Callable[[dict[str, Any], Callable[[bytes], None]], None]] = {
            b"CreateTable": self.create_table,
            b"DescribeTable": self.describe_table,
            b"ListTables": self.list_tables,
            b"PutItem": self.put_item,
            b"GetItem": self.get_item,
            b"UpdateItem": self.update_item,
            b"Query": self.query,
            b"BatchWriteItem": self.batch_write_item,
        }

    def key(self, table: str, item: dict[str, Any]) -> bytes:
        hash_name, *range_name = self.key_names[table]
        key = prefix(table, item[hash_name])
        if range_name:
            kind, value = next(iter(item[range_name[0]].items()))
            key += struct.pack(">Q", int(value)) if kind == "N" else value.encode()
        return key

    def create_table(self, body: dict[str, Any], reply: Callable[[bytes], None]) -> None:
        self.key_names[body["TableName"]] = [key["AttributeName"] for key in body["KeySchema"]]
        reply(b'{"TableDescription":{"TableStatus":"ACTIVE"}}')

    def describe_table(self, body: dict[str, Any], reply: Callable[[bytes], None]) -> None:
        reply(b'{"Table":{"TableStatus":"ACTIVE"}}')

    def list_tables(self, body: dict[str, Any], reply: Callable[[bytes], None]) -> None:
        reply(orjson.dumps({"TableNames": sorted(self.key_names)}))

    def put_item(self, body: dict[str, Any], reply: Callable[[bytes], None]) -> None:
        item = body["Item"]
        self.database.put(self.key(body["TableName"], item), orjson.dumps(item))
        self.commit.acknowledge(lambda: reply(b"{}"))

    def get_item(self, body: dict[str, Any], reply: Callable[[bytes], None]) -> None:
        stored = self.database.get(self.key(body["TableName"], body["Key"]))
        reply(b"{}" if stored is None else b'{"Item":' + stored + b"}")

    def update_item(self, body: dict[str, Any], reply: Callable[[bytes], None]) -> None:
        """Adds to the counter `hits`, whatever the expression says."""
        key = self.key(body["TableName"], body["Key"])
        stored = self.database.get(key)
        item = orjson.loads(stored) if stored else dict(body["Key"])
        step = int(next(iter(body["ExpressionAttributeValues"].values()))["N"])
        item["hits"] = {"N": str(int(item.get("hits", {"N": "0"})["N"]) + step)}
        self.database.put(key, orjson.dumps(item))
        self.commit.acknowledge(lambda: reply(b"{}"))

    def query(self, body: dict[str, Any], reply: Callable[[bytes], None]) -> None:
        """Every item of one partition key, whatever the expression says beyond it."""
        start = prefix(body["TableName"], next(iter(body["ExpressionAttributeValues"].values())))
        options = ReadOptions()
        options.set_iterate_upper_bound(start + b"\xff")
        iterator = self.database.iter(options)
        iterator.seek(start)
        found = []
        while iterator.valid():
            found.append(iterator.value())
            iterator.next()
        counts = b'],"Count":%d,"ScannedCount":%d}' % (len(found), len(found))
        reply(b'{"Items":[' + b",".join(found) + counts)

    def batch_write_item(self, body: dict[str, Any], reply: Callable[[bytes], None]) -> None:
        for table, requests in body["RequestItems"].items():
            for request in requests:
                item = request["PutRequest"]["Item"]
                self.database.put(self.key(table, item), orjson.dumps(item))
        self.commit.acknowledge(lambda: reply(b'{"UnprocessedItems":{}}'))


def prefix(table: str, hash_value: dict[str, str]) -> bytes:
    """Where the items of one partition key begin: table, hash of the key, the key."""
    value = next(iter(hash_value.values())).encode()
    return b"%s\0%b%s\0" % (table.encode(), xxhash.xxh3_64_digest(value), value)


class Door(asyncio.Protocol):
    """One connection: bytes to requests, and answers to bytes."""

    def __init__(self, items: Items, signatures: Signatures) -> None:
        self.items = items
        self.signatures = signatures
        self.parser = httptools.HttpRequestParser(self)
        self.headers: dict[bytes, bytes] = {}
        self.body = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # uvloop's does not inherit from it
        self.items.commit.connections += 1

    def connection_lost(self, error: Exception | None) -> None:
        self.items.commit.connections -= 1

    def data_received(self, data: bytes) -> None:
        self.parser.feed_data(data)

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers[name.lower()] = value

    def on_body(self, body: bytes) -> None:
        self.body += body

    def on_message_complete(self) -> None:
        headers, body = self.headers, self.body
        self.headers, self.body = {}, b""
        if not self.signatures.verify(headers, body):
            self.transport.write(REFUSED)
            return
        operation = headers[b"x-amz-target"].split(b".")[1]
        self.items.operations[operation](orjson.loads(body), self.reply)

    def reply(self, answer: bytes) -> None:
        self.transport.write(HEAD % (zlib.crc32(answer), len(answer)) + answer)


async def serve(folder: str, port: int, signatures: Signatures) -> None:
    options = Options(raw_mode=True)
    options.create_if_missing(True)
    database = Rdict(folder, options)
    loop = asyncio.get_running_loop()
    items = Items(database, GroupCommit(database, loop))
    server = await loop.create_server(lambda: Door(items, signatures), "127.0.0.1", port)
    await server.serve_forever()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--access-key", required=True)
    parser.add_argument("--secret", required=True)
    arguments = parser.parse_args()
    sys.setswitchinterval(SWITCH_SECONDS)
    gc.freeze()
    signatures = Signatures(arguments.access_key, arguments.secret)
    uvloop.run(serve(arguments.folder, arguments.port, signatures))


if __name__ == "__main__":
    main()
