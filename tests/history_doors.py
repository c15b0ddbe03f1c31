"""What a client of a history says and hears, through each door that a server has.

`HttpDoor` sends requests that no SDK has looked at; `Boto3Door` and `GrpcDoor` are the clients that
people have. In: a DynamoDB operation and its body. Out: `Heard`. Each door asks once and repeats
nothing. Read by `history_load.py`, whose clients have a door each, in the thread that uses it.

What must hold: `not_done` is said only where the server said so, or where there was no connection
that a request could have gone through. Everything else that is no answer is `unknown`.
"""

from __future__ import annotations

import asyncio
import http.client
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import grpc
from botocore.exceptions import BotoCoreError, ClientError, EndpointConnectionError

from blackbox import boto3_client, standard_headers
from stator_core.errors import (
    ConditionalCheckFailedException,
    DynamoDBError,
    InternalServerError,
    ServiceUnavailable,
)
from stator_node.client import Client, RetryPolicy
from stator_node.gateway.grpc_errors import STATUS_DETAILS

ANSWER_SECONDS = 15.0
NOT_BEGUN = "ServiceUnavailable"
CONDITION_FALSE = "ConditionalCheckFailedException"
# What gRPC says of a call that found no connection to go through.
NO_CONNECTION = "failed to connect to all addresses"

Body = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Heard:
    """`outcome`: one of `simulation.history.OUTCOMES`, or `refused` where a condition was false.

    `body` is the answer where the outcome is `ok`; `error` says what was heard instead.
    """

    outcome: str
    body: Any = None
    error: str = ""


class Door(Protocol):
    """One client's way to a server, with a connection of its own."""

    def ask(self, operation: str, body: Body) -> Heard: ...

    def close(self) -> None:
        """Let the connection go. The next `ask` opens another."""


class HttpDoor:
    """DynamoDB's JSON over one connection that stays open. `address`: where the server is now."""

    def __init__(self, address: Callable[[], str]) -> None:
        self._address = address
        self._connection: http.client.HTTPConnection | None = None

    def ask(self, operation: str, body: Body) -> Heard:
        try:
            status, text = self._send(operation, json.dumps(body).encode())
        except ConnectionRefusedError as error:
            self.close()
            return Heard("not_done", error=type(error).__name__)
        except (OSError, http.client.HTTPException) as error:
            self.close()
            return Heard("unknown", error=type(error).__name__)
        answer = json.loads(text) if text else {}
        if status == http.HTTPStatus.OK:
            return Heard("ok", answer)
        return heard_error(answer.get("__type", "").split("#")[-1], status, answer)

    def _send(self, operation: str, body: bytes) -> tuple[int, bytes]:
        """One try on one connection: what was sent once may have been heard."""
        if self._connection is None:
            self._connection = http.client.HTTPConnection(self._address(), timeout=ANSWER_SECONDS)
        self._connection.request("POST", "/", body, standard_headers(operation))
        response = self._connection.getresponse()
        return response.status, response.read()

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


class Boto3Door:
    """boto3, which signs each request with an access key."""

    def __init__(self, url: str, key: tuple[str, str]) -> None:
        self._client = boto3_client(url, *key)

    def ask(self, operation: str, body: Body) -> Heard:
        try:
            return Heard("ok", getattr(self._client, _METHODS[operation])(**body))
        except EndpointConnectionError as error:
            return Heard("not_done", error=type(error).__name__)
        except ClientError as error:
            status = error.response["ResponseMetadata"]["HTTPStatusCode"]
            return heard_error(error.response["Error"]["Code"], status, error.response)
        except BotoCoreError as error:
            return Heard("unknown", error=type(error).__name__)

    def close(self) -> None:
        self._client.close()


class GrpcDoor:
    """Stator's own client of the gRPC door, with an event loop of this door's alone."""

    def __init__(self, target: Callable[[], str], key: tuple[str, str] | None = None) -> None:
        self._target = target
        self._key = key or (None, None)
        self._connected = ""
        self._runner: asyncio.Runner | None = None
        self._client: Client | None = None

    def ask(self, operation: str, body: Body) -> Heard:
        if self._target() != self._connected:
            self.close()
        if self._runner is None:
            self._runner = asyncio.Runner()
        try:
            return Heard("ok", self._runner.run(self._call(operation, body)))
        except TimeoutError as error:
            return Heard("unknown", error=type(error).__name__)
        except DynamoDBError as error:
            return self._heard(error)

    async def _call(self, operation: str, body: Body) -> Body:
        if self._client is None:
            self._connected = self._target()
            once = RetryPolicy(attempts_max=1)
            self._client = Client(
                self._connected, *self._key, tls=False, timeout_seconds=ANSWER_SECONDS, retry=once
            )
        return await self._client.call(operation, body)

    def _heard(self, error: DynamoDBError) -> Heard:
        if isinstance(error, ConditionalCheckFailedException):
            return Heard("refused", error=CONDITION_FALSE)
        said_by_server = _has_details(error.__cause__)
        is_begun = NO_CONNECTION not in (error.message or "") and not said_by_server
        if isinstance(error, ServiceUnavailable):
            name = NOT_BEGUN if said_by_server else f"gRPC: {error.message}"
            return Heard("unknown" if is_begun else "not_done", error=name)
        assert isinstance(error, InternalServerError), error
        return Heard("unknown", error=error.name())

    def close(self) -> None:
        if self._runner is not None:
            if self._client is not None:
                self._runner.run(self._client.close())
            self._runner.close()
        self._runner = self._client = None


_METHODS = {
    "GetItem": "get_item",
    "PutItem": "put_item",
    "UpdateItem": "update_item",
    "DeleteItem": "delete_item",
}


def heard_error(error: str, status: int, answer: Any) -> Heard:
    """What an HTTP error says. One that no client should have fails the test."""
    if error == CONDITION_FALSE:
        return Heard("refused", error=error)
    assert status >= http.HTTPStatus.INTERNAL_SERVER_ERROR, answer
    return Heard("not_done" if error == NOT_BEGUN else "unknown", error=error)


def _has_details(cause: BaseException | None) -> bool:
    """Whether the server itself has answered, and not gRPC."""
    if not isinstance(cause, grpc.aio.AioRpcError):
        return False
    return any(name == STATUS_DETAILS for name, _ in cause.trailing_metadata() or ())
