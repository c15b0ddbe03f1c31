"""The gRPC door: DynamoDB's operations as the typed calls of proto/stator/v1/data.proto.

Arrives: a serialized request and its metadata. Leaves: a serialized answer, or a status with
DynamoDB's error in its details. Wired by `local.py`; asks the same Executor as `http.py`. Next in
the story: `grpc_signature.py` (who is it), `grpc_convert.py` (what is asked), `grpc_errors.py`.

What must hold: nothing is believed before its signature is; a request whose deadline has passed is
not begun; everything that a client can make us hold has a limit (GrpcLimits); after `drain` load
balancers look elsewhere, while requests that still arrive are answered.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

import grpc
import grpc.aio
import orjson
from google.protobuf.message import DecodeError
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from stator_core.errors import (
    DynamoDBError,
    InternalServerError,
    RequestEntityTooLargeException,
    SerializationException,
    ServiceUnavailable,
    UnknownOperationException,
    ValidationException,
)
from stator_core.limits import REQUEST_BYTES_MAX
from stator_core.value_rules import NESTING
from stator_node.doors import Caller, Clock, Executor
from stator_node.gateway import grpc_errors, grpc_signature
from stator_node.gateway.access_keys import RELOAD_SECONDS, AccessKeys
from stator_node.gateway.grpc_convert import (
    JSON,
    OPERATIONS,
    SERVICE,
    Operation,
    TooManyValues,
)
from stator_node.pending import Pending, wait

# For answers that have left our hands and not yet the machine, when the door stops.
FLUSH_SECONDS = 0.2
ANONYMOUS = "anonymous"  # the access key of unsigned calls, where any key is accepted

TOO_MANY_VALUES = "The request holds too many attribute values."

Metadata = Mapping[str, str | bytes]

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class GrpcLimits:
    """What one door takes. The defaults are the product's; tests make them small."""

    request_bytes_max: int = REQUEST_BYTES_MAX
    # As the HTTP door's `body_tokens_max`: a legal item of the smallest values has half of that.
    values_max: int = 425_000
    metadata_bytes_max: int = 16_384  # as the HTTP door's header block
    requests_max: int = 1_024  # under way at once; more are answered RESOURCE_EXHAUSTED by gRPC
    streams_per_connection_max: int = 1_024
    wait_seconds_max: float = 60.0  # for requests that come without a deadline
    ping_seconds_min: float = 10.0  # a client that pings more often is told to calm down and leave
    keepalive_seconds: float = 60.0  # how often we ask a silent connection whether it lives
    keepalive_timeout_seconds: float = 20.0
    idle_seconds_max: float = 900.0  # a connection without requests

    def options(self) -> list[tuple[str, int]]:
        """The same, as gRPC's channel arguments."""
        return [
            ("grpc.max_receive_message_length", self.request_bytes_max),
            # An answer of 16 MB of items is larger as a message; the core bounds it, not the door.
            ("grpc.max_send_message_length", -1),
            ("grpc.max_metadata_size", self.metadata_bytes_max),
            ("grpc.absolute_max_metadata_size", self.metadata_bytes_max),
            ("grpc.max_concurrent_streams", self.streams_per_connection_max),
            ("grpc.http2.min_recv_ping_interval_without_data_ms", _ms(self.ping_seconds_min)),
            ("grpc.http2.max_ping_strikes", 2),
            ("grpc.keepalive_permit_without_calls", 1),
            ("grpc.keepalive_time_ms", _ms(self.keepalive_seconds)),
            ("grpc.keepalive_timeout_ms", _ms(self.keepalive_timeout_seconds)),
            ("grpc.max_connection_idle_ms", _ms(self.idle_seconds_max)),
            # Two servers that share a port by accident would each get half of the requests.
            ("grpc.so_reuseport", 0),
        ]


class DeadlinePassed(Exception):
    """The caller's deadline, or ours, came before the answer. The text says if work had begun."""


class GrpcDoor:
    """One listening gRPC server. `start`, later `drain`, then `stop`."""

    def __init__(
        self,
        executor: Executor,
        access_keys: AccessKeys,
        clock: Clock,
        *,
        account: str,
        region: str,
        limits: GrpcLimits | None = None,
        credentials: grpc.ServerCredentials | None = None,
    ) -> None:
        self.requests_under_way = 0
        self._executor = executor
        self._access_keys = access_keys
        self._clock = clock
        self._account = account
        self._region = region
        self._address = ""  # that is listened on, once started: gRPC hides what the client dialled
        self._limits = limits or GrpcLimits()
        self._credentials = credentials
        self._reload_at = 0.0  # monotonic seconds
        self._stopping = False
        self._idle = asyncio.Event()
        self._idle.set()
        self._health = health.aio.HealthServicer()
        self._server: grpc.aio.Server | None = None

    # ------------------------------------------------------------------------------------ its life

    async def start(self, host: str, port: int) -> int:
        """Listen; port 0 takes a free one. Gives the port. Raises OSError if it is taken."""
        assert self._server is None
        server = grpc.aio.server(
            options=self._limits.options(), maximum_concurrent_rpcs=self._limits.requests_max
        )
        handlers = {name: self._handler(operation) for name, operation in OPERATIONS.items()}
        server.add_generic_rpc_handlers(
            (grpc.method_handlers_generic_handler(SERVICE.full_name, handlers),)
        )
        health_pb2_grpc.add_HealthServicer_to_server(self._health, server)
        reflection.enable_server_reflection(
            (SERVICE.full_name, health.SERVICE_NAME, reflection.SERVICE_NAME), server
        )
        host = f"[{host}]" if ":" in host else host
        bound = self._listen(server, f"{host}:{port}")
        self._address = f"{host}:{bound}"
        await self._health.set(SERVICE.full_name, health_pb2.HealthCheckResponse.SERVING)
        await server.start()
        self._server = server
        return bound

    async def drain(self) -> None:
        """Tell load balancers to look elsewhere. Requests that still arrive are answered."""
        await self._health.enter_graceful_shutdown()

    async def stop(self, grace_seconds: float) -> None:
        """Begin nothing new, let what is under way finish for so long, then break off the rest."""
        server, self._server = self._server, None
        if server is None:
            return
        await self.drain()
        self._stopping = True
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(grace_seconds):
                await self._idle.wait()
        # gRPC's own grace would also wait for health watchers, whose streams never end by
        # themselves; and two calls of its stop() at once crash the process (grpcio 1.85).
        await server.stop(FLUSH_SECONDS)

    def _listen(self, server: grpc.aio.Server, address: str) -> int:
        try:
            if self._credentials is None:
                bound = server.add_insecure_port(address)
            else:
                bound = server.add_secure_port(address, self._credentials)
        except RuntimeError as error:
            raise OSError(str(error)) from error
        if bound == 0:
            raise OSError("the address cannot be bound")
        return int(bound)

    # -------------------------------------------------------------------------------- its requests

    def _handler(self, operation: Operation) -> grpc.RpcMethodHandler:
        async def serve(request: bytes, context: grpc.aio.ServicerContext) -> bytes:
            return await self._serve(operation, request, context)

        # Without (de)serializers gRPC hands over the bytes that were signed.
        return grpc.unary_unary_rpc_method_handler(serve)

    async def _serve(
        self, operation: Operation, request: bytes, context: grpc.aio.ServicerContext
    ) -> bytes:
        metadata = dict(context.invocation_metadata())
        self.requests_under_way += 1
        self._idle.clear()
        try:
            return await self.answer(operation, request, metadata, context.time_remaining())
        except DeadlinePassed as passed:
            await context.abort(grpc.StatusCode.DEADLINE_EXCEEDED, str(passed))
            raise AssertionError("abort raises") from passed
        except DynamoDBError as error:
            await _refuse(context, operation, metadata, error)
        except Exception:
            # The client learns nothing of our insides; the log learns all.
            log.exception("%s failed", operation.name)
            failed = InternalServerError("Internal server error")
            await _refuse(context, operation, metadata, failed)
        finally:
            self.requests_under_way -= 1
            if self.requests_under_way == 0:
                self._idle.set()

    async def answer(
        self,
        operation: Operation,
        request: bytes,
        metadata: Metadata,
        remaining_seconds: float | None,
    ) -> bytes:
        """Authenticate, execute, and give the serialized answer.

        `remaining_seconds` is the time to the caller's deadline, None without one. Raises
        DynamoDBError, and DeadlinePassed. A deadline that passes while we wait does not undo the
        work: a write may still happen, as with any network.
        """
        if remaining_seconds is not None and remaining_seconds <= 0:
            raise DeadlinePassed("The deadline had passed before the request was begun")
        if self._stopping:
            raise ServiceUnavailable("This server is stopping; nothing was done")
        caller = self._authenticate(operation, request, metadata)
        if operation.name not in self._executor.operations:
            raise UnknownOperationException(f"{operation.name} is not served here")
        try:
            body = JSON.from_request(_parse(operation, request), self._limits.values_max)
        except TooManyValues:
            raise RequestEntityTooLargeException(TOO_MANY_VALUES) from None
        result = self._executor.execute(operation.name, body, caller)
        if isinstance(result, Pending):
            result = await _wait_until(result, self._wait_seconds(remaining_seconds))
        response = operation.response()
        JSON.into_message(response, orjson.loads(result) if result else {})
        serialized: bytes = response.SerializeToString()
        return serialized

    def _authenticate(self, operation: Operation, request: bytes, metadata: Metadata) -> Caller:
        keys = self._access_keys
        if self._clock.monotonic() >= self._reload_at:
            self._reload_at = self._clock.monotonic() + RELOAD_SECONDS
            keys.reload()
        if keys.accepts_any:
            access_key = grpc_signature.claimed_access_key(metadata) or ANONYMOUS
        else:
            now = self._clock.now()
            access_key = grpc_signature.verify(operation.method, request, metadata, keys, now)
        return Caller(access_key, self._account, self._region, self._address)

    def _wait_seconds(self, remaining_seconds: float | None) -> float:
        longest = self._limits.wait_seconds_max
        return longest if remaining_seconds is None else min(remaining_seconds, longest)


def _parse(operation: Operation, request: bytes) -> Any:
    try:
        return operation.request.FromString(request)
    except DecodeError as error:
        if "MaxDepth" in str(error):  # protobuf reads 100 messages deep; only values nest so far.
            raise ValidationException(NESTING) from error
        raise SerializationException(str(error)) from error


async def _wait_until(pending: Pending[bytes], seconds: float) -> bytes:
    try:
        async with asyncio.timeout(seconds):
            return await wait(pending)
    except TimeoutError:
        raise DeadlinePassed("No answer in time; a write may have happened or may yet") from None


async def _refuse(
    context: grpc.aio.ServicerContext,
    operation: Operation,
    metadata: Metadata,
    error: DynamoDBError,
) -> NoReturn:
    bytes_max = _detail_bytes_max(metadata)
    code, text, details = grpc_errors.pack(error, operation.name, bytes_max)
    trailing = ((grpc_errors.STATUS_DETAILS, details),)
    await context.abort(code, text, trailing)
    raise AssertionError("abort raises")


def _detail_bytes_max(metadata: Metadata) -> int:
    """How large an error's details may be: what the client says it can receive, within reason."""
    asked = metadata.get(grpc_errors.ERROR_BYTES_MAX, "")
    if not isinstance(asked, str) or not asked.isascii() or not asked.isdigit() or len(asked) > 9:
        return grpc_errors.DETAIL_BYTES_DEFAULT
    return max(grpc_errors.DETAIL_BYTES_DEFAULT, min(int(asked), grpc_errors.DETAIL_BYTES_CEILING))


def _ms(seconds: float) -> int:
    return int(seconds * 1_000)
