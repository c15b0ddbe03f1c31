"""An asynchronous Python client of Stator's gRPC door, shaped like boto3's low-level client.

    async with Client("localhost:8001", tls=False) as client:
        await client.put_item(TableName="Music", Item={"Artist": {"S": "Acme"}, "Year": {"N": "1"}})

Arrives: DynamoDB's members as keywords, values typed (`{"S": "a"}`, binary as bytes). Leaves: the
answer as a dict, or the exception of `stator_core.errors` that the server raised. Imported by
users; `gateway/grpc.py` is the other end. docs/how-to/use-grpc.md shows it at work.

What must hold: every call has a deadline, which its repetitions share; a call that may have changed
something is never repeated unless changing it twice is the same.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import grpc
import grpc.aio

from stator_core import errors
from stator_core.errors import DynamoDBError
from stator_core.limits import REQUEST_BYTES_MAX
from stator_node.gateway import grpc_errors, grpc_signature
from stator_node.gateway.access_keys import AccessKey
from stator_node.gateway.grpc_convert import OPERATIONS, PYTHON, NotInContract, Operation

__all__ = ["Client", "NotInContract", "RetryPolicy"]

# BatchGetItem answers with up to 16 MB of items; protobuf's tags and lengths make a map of small
# values at most 4.5 times as large.
ANSWER_BYTES_MAX = 80 * 1_048_576

RECONNECT_MILLISECONDS_MAX = 1_000

# The server refused before it did anything, so that even a counter's increment may be repeated.
THROTTLES = (
    errors.ProvisionedThroughputExceededException,
    errors.ThrottlingException,
    errors.RequestLimitExceeded,
)

Members = dict[str, Any]


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often and how soon a failed call is repeated: a random part of a doubling time."""

    attempts_max: int = 5
    first_seconds_max: float = 0.05
    seconds_max: float = 2.0

    def pause_seconds(self, failures: int, chance: float) -> float:
        """How long to wait after so many failures. `chance` is even in [0, 1).

        All of the time is random ("full jitter"), so that clients that failed together do not
        return together.
        """
        assert failures >= 1
        return chance * min(self.seconds_max, self.first_seconds_max * (1 << failures - 1))


class Client:
    """One channel to one gateway. Methods are DynamoDB's operations, keywords their members.

    Make it where the event loop runs, and use it from there alone.

    `timeout_seconds` is the time of a whole call, repetitions included; every method takes its own.
    `tls` is True (the system's authorities), False, or a grpc.ChannelCredentials. Without access
    keys calls are unsigned, which only a server without access keys takes.

    Methods raise DynamoDBError's subclasses, TimeoutError when the time is up (a write may have
    happened), and NotInContract, a ValueError, for a request that the contract cannot say.
    """

    def __init__(
        self,
        target: str,
        access_key_id: str | None = None,
        secret_access_key: str | None = None,
        *,
        session_token: str | None = None,
        tls: bool | grpc.ChannelCredentials = True,
        timeout_seconds: float = 30.0,
        retry: RetryPolicy | None = None,
        chance: Callable[[], float] = random.random,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        if (access_key_id is None) != (secret_access_key is None):
            raise ValueError("access_key_id and secret_access_key come together")
        self._key: AccessKey | None = None
        if access_key_id is not None and secret_access_key is not None:
            if not f"{access_key_id}{session_token or ''}".isascii():
                raise ValueError("an access key and a session token are ASCII: they are metadata")
            self._key = AccessKey(access_key_id, secret_access_key, session_token)
        self._timeout_seconds = timeout_seconds
        self._retry = retry or RetryPolicy()
        self._chance = chance
        self._pause = pause
        self._channel = _channel(target, tls)
        # Bytes in, bytes out: the signature is over exactly what travels.
        self._calls = {
            name: self._channel.unary_unary(operation.method)
            for name, operation in OPERATIONS.items()
        }

    async def close(self) -> None:
        """Break off what is under way and let the connection go."""
        await self._channel.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    # -------------------------------------------------------------------------------------- items

    async def put_item(self, *, timeout_seconds: float | None = None, **members: Any) -> Members:
        return await self.call("PutItem", members, timeout_seconds)

    async def get_item(self, *, timeout_seconds: float | None = None, **members: Any) -> Members:
        return await self.call("GetItem", members, timeout_seconds)

    async def update_item(self, *, timeout_seconds: float | None = None, **members: Any) -> Members:
        return await self.call("UpdateItem", members, timeout_seconds)

    async def delete_item(self, *, timeout_seconds: float | None = None, **members: Any) -> Members:
        return await self.call("DeleteItem", members, timeout_seconds)

    async def query(self, *, timeout_seconds: float | None = None, **members: Any) -> Members:
        return await self.call("Query", members, timeout_seconds)

    async def scan(self, *, timeout_seconds: float | None = None, **members: Any) -> Members:
        return await self.call("Scan", members, timeout_seconds)

    async def batch_get_item(
        self, *, timeout_seconds: float | None = None, **members: Any
    ) -> Members:
        return await self.call("BatchGetItem", members, timeout_seconds)

    async def batch_write_item(
        self, *, timeout_seconds: float | None = None, **members: Any
    ) -> Members:
        return await self.call("BatchWriteItem", members, timeout_seconds)

    def query_pages(
        self, *, timeout_seconds: float | None = None, **members: Any
    ) -> AsyncIterator[Members]:
        """Every page of a query. The time is per page."""
        return self._pages("Query", members, timeout_seconds)

    def scan_pages(
        self, *, timeout_seconds: float | None = None, **members: Any
    ) -> AsyncIterator[Members]:
        """Every page of a scan. The time is per page."""
        return self._pages("Scan", members, timeout_seconds)

    # ------------------------------------------------------------------------------------- tables

    async def create_table(
        self, *, timeout_seconds: float | None = None, **members: Any
    ) -> Members:
        return await self.call("CreateTable", members, timeout_seconds)

    async def describe_table(
        self, *, timeout_seconds: float | None = None, **members: Any
    ) -> Members:
        return await self.call("DescribeTable", members, timeout_seconds)

    async def list_tables(self, *, timeout_seconds: float | None = None, **members: Any) -> Members:
        return await self.call("ListTables", members, timeout_seconds)

    async def update_table(
        self, *, timeout_seconds: float | None = None, **members: Any
    ) -> Members:
        return await self.call("UpdateTable", members, timeout_seconds)

    async def delete_table(
        self, *, timeout_seconds: float | None = None, **members: Any
    ) -> Members:
        return await self.call("DeleteTable", members, timeout_seconds)

    # ------------------------------------------------------------------ tags, limits, time to live

    async def tag_resource(
        self, *, timeout_seconds: float | None = None, **members: Any
    ) -> Members:
        return await self.call("TagResource", members, timeout_seconds)

    async def untag_resource(
        self, *, timeout_seconds: float | None = None, **members: Any
    ) -> Members:
        return await self.call("UntagResource", members, timeout_seconds)

    async def list_tags_of_resource(
        self, *, timeout_seconds: float | None = None, **members: Any
    ) -> Members:
        return await self.call("ListTagsOfResource", members, timeout_seconds)

    async def describe_limits(self, *, timeout_seconds: float | None = None) -> Members:
        return await self.call("DescribeLimits", {}, timeout_seconds)

    async def describe_endpoints(self, *, timeout_seconds: float | None = None) -> Members:
        return await self.call("DescribeEndpoints", {}, timeout_seconds)

    async def update_time_to_live(
        self, *, timeout_seconds: float | None = None, **members: Any
    ) -> Members:
        return await self.call("UpdateTimeToLive", members, timeout_seconds)

    async def describe_time_to_live(
        self, *, timeout_seconds: float | None = None, **members: Any
    ) -> Members:
        return await self.call("DescribeTimeToLive", members, timeout_seconds)

    async def list_streams(
        self, *, timeout_seconds: float | None = None, **members: Any
    ) -> Members:
        return await self.call("ListStreams", members, timeout_seconds)

    async def describe_stream(
        self, *, timeout_seconds: float | None = None, **members: Any
    ) -> Members:
        return await self.call("DescribeStream", members, timeout_seconds)

    async def get_shard_iterator(
        self, *, timeout_seconds: float | None = None, **members: Any
    ) -> Members:
        return await self.call("GetShardIterator", members, timeout_seconds)

    async def get_records(self, *, timeout_seconds: float | None = None, **members: Any) -> Members:
        return await self.call("GetRecords", members, timeout_seconds)

    # --------------------------------------------------------------------------- what they all do

    async def call(
        self, name: str, members: Members, timeout_seconds: float | None = None
    ) -> Members:
        """One operation by DynamoDB's name, repeated within its time where that is harmless."""
        operation = OPERATIONS[name]
        request = _serialize(operation, members)
        if timeout_seconds is None:
            timeout_seconds = self._timeout_seconds
        deadline = time.monotonic() + timeout_seconds
        failures = 0
        while True:
            try:
                answer = await self._attempt(operation, request, deadline - time.monotonic())
                return _deserialize(operation, answer, members)
            except DynamoDBError as error:
                failures += 1
                if failures >= self._retry.attempts_max or not _may_repeat(
                    error, operation, members
                ):
                    raise
                seconds = self._retry.pause_seconds(failures, self._chance())
                if time.monotonic() + seconds >= deadline:
                    raise  # The error says more than a TimeoutError would.
            await self._pause(seconds)

    async def _attempt(self, operation: Operation, request: bytes, seconds: float) -> bytes:
        if seconds <= 0:
            raise TimeoutError("no time left to ask")  # gRPC would ask all the same.
        metadata: tuple[tuple[str, str], ...] = (
            (grpc_errors.ERROR_BYTES_MAX, str(grpc_errors.DETAIL_BYTES_CEILING)),
        )
        if self._key is not None:
            # Signed anew each time: a signature has a date.
            metadata += grpc_signature.sign(self._key, operation.method, request, time.time())
        try:
            answer: bytes = await self._calls[operation.name](
                request, timeout=seconds, metadata=metadata
            )
            return answer
        except grpc.aio.AioRpcError as error:
            raise _exception_of(error) from error

    async def _pages(
        self, name: str, members: Members, timeout_seconds: float | None
    ) -> AsyncIterator[Members]:
        while True:
            page = await self.call(name, members, timeout_seconds)
            yield page
            last = page.get("LastEvaluatedKey")
            if last is None:
                return
            members = {**members, "ExclusiveStartKey": last}


def _channel(target: str, tls: bool | grpc.ChannelCredentials) -> grpc.aio.Channel:
    # Error details travel as headers and may hold an item; see grpc_errors.pack.
    header_bytes = 2 * grpc_errors.DETAIL_BYTES_CEILING
    options = (
        ("grpc.max_send_message_length", REQUEST_BYTES_MAX),
        ("grpc.max_receive_message_length", ANSWER_BYTES_MAX),
        ("grpc.max_metadata_size", header_bytes),
        ("grpc.absolute_max_metadata_size", header_bytes),
        # A peer that vanished without a word is noticed while a call waits for it.
        ("grpc.keepalive_time_ms", 30_000),
        ("grpc.keepalive_timeout_ms", 10_000),
        # gRPC's own pauses between two tries to connect grow to two minutes: a server that was away
        # for one would stay away for its clients long after it has come back.
        ("grpc.max_reconnect_backoff_ms", RECONNECT_MILLISECONDS_MAX),
    )
    if tls is False:
        return grpc.aio.insecure_channel(target, options=options)
    credentials = grpc.ssl_channel_credentials() if tls is True else tls
    return grpc.aio.secure_channel(target, credentials, options=options)


def _serialize(operation: Operation, members: Members) -> bytes:
    message = operation.request()
    PYTHON.into_message(message, members)
    request: bytes = message.SerializeToString()
    if len(request) > REQUEST_BYTES_MAX:
        raise errors.RequestEntityTooLargeException(
            f"{operation.name}: {len(request)} bytes, over {REQUEST_BYTES_MAX}"
        )
    return request


def _deserialize(operation: Operation, answer: bytes, members: Members) -> Members:
    result = PYTHON.from_message(operation.response.FromString(answer))
    if members.get("Select") == "COUNT":
        result.pop("Items", None)  # DynamoDB leaves them out; the contract knows only empty.
    return result


def _may_repeat(error: DynamoDBError, operation: Operation, members: Members) -> bool:
    if isinstance(error, THROTTLES):
        return True
    # The connection broke, and nobody can tell whether before or after the work was done.
    return isinstance(error, errors.ServiceUnavailable) and _is_repeatable(operation, members)


def _is_repeatable(operation: Operation, members: Members) -> bool:
    """Whether doing it twice is as doing it once, answer included."""
    if operation.name in ("PutItem", "DeleteItem"):
        # A condition could be true the first time only, and the old item be gone the second time.
        old_item_wanted = members.get("ReturnValues", "NONE") != "NONE"
        return members.get("ConditionExpression") is None and not old_item_wanted
    return operation.repeatable


def _exception_of(error: grpc.aio.AioRpcError) -> Exception:
    if error.code() is grpc.StatusCode.DEADLINE_EXCEEDED:
        return TimeoutError(error.details() or "no answer in time; a write may have happened")
    trailing = error.trailing_metadata() or ()
    details = next((value for key, value in trailing if key == grpc_errors.STATUS_DETAILS), None)
    return grpc_errors.unpack(error.code(), error.details() or "", details)
