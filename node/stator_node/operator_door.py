"""The port at which the operator asks the supervisor: JSON over HTTP, one request a connection.

In: connections from the operator's pod; where pods speak by TLS, both sides show a certificate of
the cluster's authority, as with frames. Out: requests for `operator_requests.py`, and its answers.
Opened by `supervisor_process.py`. Invariants: what one request may take is bounded (bytes, time,
connections); a request that waits is given up when its asker hangs up.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
import ssl
from collections.abc import Awaitable, Callable
from http import HTTPStatus

from stator_node.operator_http import (
    Members,
    OperatorRequest,
    Refused,
    answer_bytes,
    malformed,
    parse_body,
    parse_head,
    refusal_bytes,
)
from stator_node.transport.complaints import Complaints, say_failed_handshakes
from stator_node.transport.tls_files import stranger

logger = logging.getLogger(__name__)

HEAD_BYTES_MAX = 8_192
READ_SECONDS_MAX = 5.0
ANSWER_SECONDS_MAX = 45.0  # longer than any wait that may be asked for
HANDSHAKE_SECONDS_MAX = 5.0
CONNECTIONS_MAX = 64

Answering = Callable[[OperatorRequest], Awaitable[Members]]
_BUSY = Refused(
    HTTPStatus.SERVICE_UNAVAILABLE, "Busy", "too many requests at one time: ask again later"
)
_FAILED = Refused(HTTPStatus.INTERNAL_SERVER_ERROR, "Failed", "the supervisor's log says why")


class OperatorDoor:
    """Listens for the operator. `answering` answers a request, or raises Refused."""

    def __init__(self, answering: Answering, *, tls: ssl.SSLContext | None = None) -> None:
        self._answering = answering
        self._tls = tls
        self._complaints = Complaints()
        if tls is not None:
            say_failed_handshakes(tls, self._complaints)
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.Task[None]] = set()

    @property
    def port(self) -> int:
        assert self._server is not None
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def start(self, host: str, port: int) -> None:
        """Listen. Raises OSError."""
        self._server = await self._listening(host=host, port=port)

    async def renew(self, tls: ssl.SSLContext) -> None:
        """Take connections under this context from now on. Raises OSError.

        Another server takes over the listening socket: see `transport.server.FrameServer.renew`.
        """
        assert self._server is not None
        say_failed_handshakes(tls, self._complaints)
        self._tls, old = tls, self._server
        self._server = await self._listening(
            sock=socket.socket(fileno=os.dup(old.sockets[0].fileno()))
        )
        old.close()

    async def stop(self) -> None:
        """Stop listening, and give up what is waited for."""
        if self._server is None:
            return
        self._server.close()
        waiting = tuple(self._open)
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)

    async def _listening(
        self, *, host: str | None = None, port: int | None = None, sock: socket.socket | None = None
    ) -> asyncio.Server:
        return await asyncio.start_server(
            self._begin,
            host,
            port,
            sock=sock,
            limit=HEAD_BYTES_MAX,
            ssl=self._tls,
            ssl_handshake_timeout=None if self._tls is None else HANDSHAKE_SECONDS_MAX,
        )

    def _begin(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(self._serve(reader, writer))
        self._open.add(task)
        task.add_done_callback(self._open.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One request, one answer."""
        try:
            strange = stranger(writer.get_extra_info("ssl_object"))
            if strange is None:
                answer = await self._answer(reader)
            else:
                self._complaints.say("somebody", f"refused: {strange}")
                answer = refusal_bytes(Refused(HTTPStatus.FORBIDDEN, "Forbidden", strange))
            if answer is not None:
                async with asyncio.timeout(READ_SECONDS_MAX):
                    writer.write(answer)
                    await writer.drain()
        except (TimeoutError, OSError, asyncio.IncompleteReadError):
            pass  # Whoever it was has gone, or never asked.
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def _answer(self, reader: asyncio.StreamReader) -> bytes | None:
        """The answer to the connection's request; None where nobody is left to hear it."""
        if len(self._open) > 2 * CONNECTIONS_MAX:
            return None  # Not even heard.
        try:
            async with asyncio.timeout(READ_SECONDS_MAX):
                request = await _read(reader)
        except Refused as refused:
            return refusal_bytes(refused)
        if len(self._open) > CONNECTIONS_MAX:
            return refusal_bytes(_BUSY)
        answering = asyncio.ensure_future(self._answered(request))
        gone = asyncio.ensure_future(reader.read(1))
        try:
            await asyncio.wait(
                (answering, gone),
                timeout=ANSWER_SECONDS_MAX,
                return_when=asyncio.FIRST_COMPLETED,
            )
            return answering.result() if answering.done() else None
        finally:
            for each in (answering, gone):
                each.cancel()
            await asyncio.gather(answering, gone, return_exceptions=True)

    async def _answered(self, request: OperatorRequest) -> bytes:
        try:
            return answer_bytes(HTTPStatus.OK, await self._answering(request))
        except Refused as refused:
            return refusal_bytes(refused)
        except Exception:
            # A bug must not end the care of everything else.
            logger.exception("%s /v1/%s failed", request.method, "/".join(request.path))
            return refusal_bytes(_FAILED)


async def _read(reader: asyncio.StreamReader) -> OperatorRequest:
    """Raises Refused; OSError or IncompleteReadError where the asker goes."""
    try:
        head = parse_head(await reader.readuntil(b"\r\n\r\n"))
    except asyncio.LimitOverrunError as error:
        raise malformed(f"the head of a request has at most {HEAD_BYTES_MAX} bytes") from error
    members = parse_body(await reader.readexactly(head.body_bytes))
    return OperatorRequest(head.method, head.path, head.query, members)
