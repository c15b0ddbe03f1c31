"""One HTTP connection: requests in, answers out in the same order, both within their limits.

Made by `http.py` for each client and called by the event loop. A complete request goes through
`RequestReader` to the `Executor`; the answer is written from where it became known, without a task.
Invariants: at most one request is with the executor, the others wait in a bounded queue; a client
that does not read is not read from; after a refusal nothing more is parsed; no exception leaves a
callback.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, cast

from stator_core.errors import DynamoDBError, InternalServerError, ServiceUnavailable
from stator_node.gateway.http_answer import (
    CONTINUE,
    CORS_HEADERS,
    GZIP_HEADER,
    Answer,
    accepts_gzip,
    error_body,
    gzip,
)
from stator_node.gateway.http_limits import (
    GZIP_ANSWER_BYTES_MIN,
    GZIP_IN_THREAD_BYTES,
    PARSE_SLICE_BYTES,
    QUEUED_REQUEST_BYTES,
)
from stator_node.gateway.http_parser import Phase, Refused, RequestParser
from stator_node.gateway.http_request import Body, NotAnOperation
from stator_node.gateway.sigv4_claim import Headers
from stator_node.pending import Pending

if TYPE_CHECKING:
    from stator_node.gateway.http import HttpDoor

TOO_SLOW = Answer(408, content_type=b"")
NO_ROOM = Answer(503, error_body(ServiceUnavailable()))

log = logging.getLogger(__name__)


class HttpConnection(asyncio.Protocol):
    """The event loop's protocol object of one client."""

    __slots__ = (
        "_busy", "_closing", "_continue_due", "_door", "_drained_bytes", "_headers", "_operation",
        "_parser", "_paused", "_queue", "_queued_bytes", "_refusal", "_since", "_transport",
        "_unparsed", "_write_paused", "held_bytes",
    )  # fmt: skip

    def __init__(self, door: HttpDoor) -> None:
        self._door = door
        self._transport: asyncio.Transport | None = None  # None: lost, or not made yet
        self._parser: RequestParser | None = None  # None: nothing more is parsed
        self._queue: deque[tuple[bytes, bytes, Headers, Body]] = deque()
        self._queued_bytes = 0
        self._busy = False  # a request is with the executor
        self._headers: Headers = {}  # of the request that is being answered
        self._operation = ""  # the same
        self._continue_due = False
        self._unparsed = b""  # what came while the queue was full
        self.held_bytes = 0  # as counted in the door's sum
        self._paused = False
        self._write_paused = False
        self._closing = False  # no further request; closed when all answers are out
        self._refusal: Answer | None = None  # the last answer, not yet written
        self._drained_bytes = 0
        self._since = door.tick  # of the last step forward

    # ------------------------------------------------------------- called by the event loop

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        stream = cast(asyncio.Transport, transport)  # uvloop's has no base class in common
        if not self._door.admit(self):
            stream.abort()
            return
        self._transport = stream
        bound = self._door.limits.write_buffer_bytes_max
        stream.set_write_buffer_limits(high=bound, low=bound // 4)
        self._parser = RequestParser(self, self._door.limits)

    def connection_lost(self, error: Exception | None) -> None:
        self._transport = None
        self._let_go()
        self._door.forget(self)

    def data_received(self, data: bytes) -> None:
        parser = self._parser
        if parser is None or self._closing:
            self._drain(len(data))
            return
        if len(data) > PARSE_SLICE_BYTES or self._paused:
            self._parse_slices(self._unparsed + data)
            return
        self._parse(parser, data)

    def eof_received(self) -> bool:
        """The client has finished sending; it may still wait for answers."""
        self._closing = True
        owed = self._busy or bool(self._queue)
        # TLS knows no half-closed connection.
        return owed and self._transport is not None and self._transport.can_write_eof()

    def pause_writing(self) -> None:
        """The client does not read its answers: none of its requests is taken now."""
        self._write_paused = True
        self._since = self._door.tick
        self._govern_reading()

    def resume_writing(self) -> None:
        self._write_paused = False
        self._since = self._door.tick
        self._work_soon()

    # ------------------------------------------------------------------------------ receiving

    def _parse(self, parser: RequestParser, data: bytes | memoryview) -> None:
        """Parse one slice; its complete requests are answered or queued on the way."""
        try:
            parser.feed(data)
        except Refused as refused:
            self._refuse(refused.answer)
            return
        received = parser.received_bytes
        if received or self._queue or self.held_bytes:
            if received == len(data):
                self._since = self._door.tick  # A request began in this slice.
            self._count_held()
            self._govern_reading()
            if self._door.held_bytes > self._door.limits.held_bytes_max:
                self._door.make_room()

    def _parse_slices(self, data: bytes) -> None:
        view = memoryview(data)
        self._unparsed = b""
        for start in range(0, len(view), PARSE_SLICE_BYTES):
            parser = self._parser
            if parser is None or self._closing:
                return
            if self._paused:
                self._unparsed = bytes(view[start:])
                break
            self._parse(parser, view[start : start + PARSE_SLICE_BYTES])
        self._count_held()

    def request_received(
        self, method: bytes, url: bytes, headers: Headers, body: Body, keep_alive: bool
    ) -> None:
        """Called by the parser for each complete request."""
        self._continue_due = False
        if self._closing:
            return
        if not keep_alive:
            self._closing = True
        if self._busy or self._queue or self._write_paused:
            self._queue.append((method, url, headers, body))
            self._queued_bytes += len(body) + QUEUED_REQUEST_BYTES
        else:
            self._serve(method, url, headers, body)

    def continue_expected(self) -> None:
        """Called by the parser when the client waits for leave to send its body."""
        self._continue_due = True
        self._continue()

    def _continue(self) -> None:
        # An interim answer must not come between the answers to earlier requests.
        if self._continue_due and not self._busy and not self._queue and self._transport:
            self._continue_due = False
            self._transport.write(CONTINUE)

    def _count_held(self) -> None:
        held = self._queued_bytes + len(self._unparsed)
        if self._parser is not None:
            held += self._parser.received_bytes
        self._door.held_bytes += held - self.held_bytes
        self.held_bytes = held

    def _govern_reading(self) -> None:
        """Read from the client only while there is room for what it sends."""
        transport = self._transport
        if transport is None:
            return
        limits = self._door.limits
        full = self._parser is not None and (
            self._write_paused
            or len(self._queue) >= limits.pipelined_requests_max
            or self._queued_bytes >= limits.body_bytes_max
        )
        if full and not self._paused:
            self._paused = True
            transport.pause_reading()
        elif not full and self._paused:
            self._paused = False
            self._since = self._door.tick
            if self._unparsed:
                self._parse_slices(self._unparsed)
            if not self._paused and not transport.is_closing():
                transport.resume_reading()

    # ------------------------------------------------------------------------------ answering

    def _serve(self, method: bytes, url: bytes, headers: Headers, body: Body) -> None:
        door = self._door
        self._headers = headers
        operation = ""
        try:
            operation, document, caller = door.reader.read(method, url, headers, body)
            result = door.executor.execute(operation, document, caller)
            if not isinstance(result, Pending):
                self._succeed(result)
            elif result.done:
                self._succeed(result.result())
            else:
                self._busy = True
                self._operation = operation
                result.listen(self._settle)
        except NotAnOperation as other:
            self._answer(other.answer)
        except Exception as error:  # noqa: BLE001  # _fail logs it
            self._fail(error, operation)

    def _settle(self, pending: Pending[bytes]) -> None:
        """The executor has finished the request that it was given."""
        self._busy = False
        if self._transport is None:
            return
        try:
            self._succeed(pending.result())
        except Exception as error:  # noqa: BLE001  # _fail logs it
            self._fail(error, self._operation)
        self._work_soon()

    def _succeed(self, body: bytes) -> None:
        transport = self._transport
        headers = self._headers
        if (
            transport is None
            or self._closing
            or b"origin" in headers
            or (
                len(body) >= GZIP_ANSWER_BYTES_MIN and accepts_gzip(headers.get(b"accept-encoding"))
            )
        ):
            self._answer(Answer(200, body))
            return
        transport.write(self._door.answers.usual(body))
        self._since = self._door.tick

    def _fail(self, error: BaseException, operation: str) -> None:
        if isinstance(error, DynamoDBError):
            try:
                self._answer(Answer(error.http_status, error_body(error)))
                return
            except TypeError as unwritable:  # a member that is no JSON
                error = unwritable
        request_id = self._door.answers.new_request_id()
        log.error("request %s, %s, failed", request_id.decode(), operation, exc_info=error)
        internal = InternalServerError("Internal server error")
        self._write(Answer(internal.http_status, error_body(internal)), request_id)

    def _answer(self, answer: Answer) -> None:
        headers = self._headers
        if b"origin" in headers:
            answer = replace(answer, headers=answer.headers + CORS_HEADERS)
        if len(answer.body) < GZIP_ANSWER_BYTES_MIN or not accepts_gzip(
            headers.get(b"accept-encoding")
        ):
            self._write(answer)
            return
        answer = replace(answer, headers=answer.headers + GZIP_HEADER)
        if len(answer.body) < GZIP_IN_THREAD_BYTES:
            self._write(replace(answer, body=gzip(answer.body)))
            return
        self._busy = True
        compressing = asyncio.get_running_loop().run_in_executor(None, gzip, answer.body)
        compressing.add_done_callback(partial(self._compressed, answer))

    def _compressed(self, answer: Answer, compressing: asyncio.Future[bytes]) -> None:
        self._busy = False
        self._write(replace(answer, body=compressing.result()))
        self._work_soon()

    def _write(self, answer: Answer, request_id: bytes | None = None) -> None:
        transport = self._transport
        if transport is None:
            return
        last = self._closing and not self._queue and self._refusal is None
        transport.write(self._door.answers.write(replace(answer, close=last), request_id))
        self._since = self._door.tick
        if last:
            transport.close()

    def _work_soon(self) -> None:
        """Go on with what waits, if anything does, in a turn of its own: never nested."""
        if self._queue or self._closing or self._paused or self._continue_due or self._refusal:
            asyncio.get_running_loop().call_soon(self._work)

    def _work(self) -> None:
        while self._queue and not self._busy and not self._write_paused:
            method, url, headers, body = self._queue.popleft()
            self._queued_bytes -= len(body) + QUEUED_REQUEST_BYTES
            self._serve(method, url, headers, body)
        if self._transport is None:
            return
        self._count_held()
        self._govern_reading()
        if self._busy or self._queue:
            return
        if self._refusal is not None:
            self._write_refusal(self._refusal)
        elif self._closing:
            self._transport.close()
        else:
            self._continue()

    # --------------------------------------------------------------------------------- ending

    def _refuse(self, answer: Answer) -> None:
        """Take no further byte from this client; tell it why after the answers it is owed."""
        if self._closing or self._parser is None:
            return
        self._parser.close()
        self._parser = None
        self._unparsed = b""
        self._count_held()
        self._refusal = answer
        if not self._busy and not self._queue:
            self._write_refusal(answer)

    def give_way(self) -> None:
        """Called by the door on the connection that holds most, when all hold too much together."""
        self._queue.clear()
        self._refuse(NO_ROOM)
        self._let_go()

    def _let_go(self) -> None:
        self._queue.clear()
        self._queued_bytes = 0
        self._unparsed = b""
        if self._parser is not None:
            self._parser.close()
            self._parser = None
        self._count_held()

    def _write_refusal(self, answer: Answer) -> None:
        transport = self._transport
        assert transport is not None
        self._refusal = None
        self._since = self._door.tick
        transport.write(self._door.answers.write(replace(answer, close=True)))
        if self._closing or not transport.can_write_eof():
            transport.close()
            return
        # Closing now would reset the connection and with it the answer, since the client may still
        # be sending. It sees our end of the stream, and has some seconds to reach its own.
        self._closing = True
        transport.write_eof()
        self._govern_reading()

    def _drain(self, received_bytes: int) -> None:
        self._drained_bytes += received_bytes
        if self._drained_bytes > self._door.limits.linger_bytes_max and self._transport:
            self._transport.abort()

    def stop(self) -> None:
        """Finish what was received, then close."""
        self._closing = True
        if self._transport is not None and not self._busy and not self._queue:
            self._since = self._door.tick
            self._transport.close()

    def abort(self) -> None:
        """Close now, whatever is under way."""
        if self._transport is not None:
            self._transport.abort()

    def sweep(self, tick: float) -> None:
        """Called about once a second with the monotonic time: ends what has waited too long."""
        transport = self._transport
        if transport is None:
            return
        limits = self._door.limits
        waited = tick - self._since
        if self._write_paused:
            if waited > limits.unread_answer_seconds_max:
                transport.abort()
        elif self._busy or self._queue:
            return
        elif self._closing:
            if waited > limits.linger_seconds_max:
                transport.abort()
        elif self._parser is not None and self._parser.phase is Phase.HEADERS:
            if waited > limits.header_seconds_max:
                self._refuse(TOO_SLOW)
        elif self._parser is not None and self._parser.phase is Phase.BODY:
            if waited > limits.body_seconds_max:
                self._refuse(TOO_SLOW)
        elif waited > limits.idle_seconds_max:
            self.stop()
