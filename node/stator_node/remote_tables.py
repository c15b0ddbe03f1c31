"""Table operations of a gateway: the supervisor of its cluster executes them.

In: operations from the doors, and who the supervisor is (`transport/seeds.py`). Each goes as one
frame to `supervisor_requests.py` and comes back as its answer or as the error that it raised.
Invariant: a change whose outcome nobody knows is not sent again; items are served without all this.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import orjson

from stator_core.errors import DynamoDBError, InternalServerError, ServiceUnavailable
from stator_node.doors import Caller
from stator_node.errand import refused_error
from stator_node.operation_codes import OperationCode
from stator_node.pending import Pending, wait
from stator_node.stream_operations import StreamOperation
from stator_node.table_life import OPERATIONS
from stator_node.transport.frame_format import Hello, Status
from stator_node.transport.links import Address, Answer, Links

REQUEST_SECONDS_MAX = 8.0
AWAY = "Tables cannot be changed or described at this moment: their supervisor is away."
UNKNOWN_OUTCOME = "The request may or may not have taken effect: the supervisor did not answer."


class RemoteTables:
    """The table operations by name, each an errand to the supervisor."""

    def __init__(self, links: Links, look: Callable[[], Awaitable[None]]) -> None:
        """`look`: have this gateway learn what the pods say now."""
        self._links = links
        self._look = look
        self._supervisor: str | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    def joined(self, hello: Hello, address: Address) -> None:
        """The supervisor is at this address. It is another one than before where it moved."""
        if self._supervisor is not None and self._supervisor != hello.sender_id:
            self._links.disconnect(self._supervisor)
        self._supervisor = hello.sender_id
        self._links.connect(hello.sender_id, address)

    def operations(self) -> dict[str, StreamOperation]:
        """The operations by DynamoDB's names."""

        def operation(name: str) -> StreamOperation:
            return lambda body, caller: self._ask(name, body, caller)

        return {name: operation(name) for name in OPERATIONS}

    def _ask(self, name: str, body: dict[str, Any], caller: Caller) -> Pending[bytes]:
        pending: Pending[bytes] = Pending()
        task = asyncio.get_running_loop().create_task(self._answer(pending, name, body, caller))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return pending

    async def _answer(
        self, pending: Pending[bytes], name: str, body: dict[str, Any], caller: Caller
    ) -> None:
        if self._supervisor is None:
            pending.fail(ServiceUnavailable(AWAY))
            return
        asked = orjson.dumps(
            {
                "operation": name,
                "body": body,
                "caller": [caller.access_key, caller.account, caller.region, caller.endpoint],
            }
        )
        answer = await wait(
            self._links.request(
                self._supervisor, 0, OperationCode.TABLE_OPERATION, 0, asked, REQUEST_SECONDS_MAX
            )
        )
        if answer.status is not Status.RESULT:
            pending.fail(_error(answer))
            return
        if name == "DescribeTable":
            # A client that hears ACTIVE writes at once: this gateway must know the table by then.
            await self._look()
        pending.resolve(answer.body)


def _error(answer: Answer) -> DynamoDBError:
    if answer.status is Status.REFUSED:
        return refused_error(answer.body)
    if answer.status is Status.UNAVAILABLE:
        return ServiceUnavailable(AWAY)
    return InternalServerError(UNKNOWN_OUTCOME)
