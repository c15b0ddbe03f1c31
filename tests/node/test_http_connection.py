"""One connection on loopback: order, flow, limits, and an end for every kind of bad client."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from http_wire import NEVER, Held, RawClient, ScriptedExecutor, Served, request, run, serving, until
from stator_core.errors import ConditionalCheckFailedException, ServiceUnavailable
from stator_node.gateway.http_answer import gzip, inflate
from stator_node.gateway.http_limits import GZIP_IN_THREAD_BYTES, PARSE_SLICE_BYTES, HttpLimits
from stator_node.pending import Pending


def limits(**changes: Any) -> HttpLimits:
    return HttpLimits(**{"sweep_seconds": NEVER, **changes})


def test_requests_one_after_another_are_answered_on_one_connection() -> None:
    async def scenario() -> None:
        executor = ScriptedExecutor(GetItem=lambda body: b'{"Item":{}}')
        async with serving(executor) as served:
            client = await served.connect()
            first = await client.ask(request("PutItem", b'{"a":1}'))
            second = await client.ask(request("GetItem"))

            assert (first.status, first.body) == (200, b"{}")
            assert (second.status, second.body) == (200, b'{"Item":{}}')
            assert [(name, body) for name, body, _ in executor.calls] == [
                ("PutItem", {"a": 1}),
                ("GetItem", {}),
            ]
            assert first.headers["connection"] == "keep-alive"
            assert len(first.headers["x-amzn-requestid"]) == 52
            assert first.headers["x-amzn-requestid"] != second.headers["x-amzn-requestid"]

    run(scenario())


@pytest.mark.parametrize("piece_bytes", [1, 50, 399])
def test_a_request_may_come_in_any_pieces(piece_bytes: int) -> None:
    async def scenario() -> None:
        async with serving(ScriptedExecutor()) as served:
            client = await served.connect()
            wire = request(body=b'{"a":"b"}')
            for start in range(0, len(wire), piece_bytes):
                await client.send(wire[start : start + piece_bytes])
                await asyncio.sleep(0)

            assert (await client.reply()).status == 200
            assert served.door.held_bytes == 0

    run(scenario())


def test_a_later_result_is_answered_when_it_is_there() -> None:
    async def scenario() -> None:
        held = Held()
        async with serving(ScriptedExecutor(Query=held)) as served:
            client = await served.connect()
            await client.send(request("Query"))
            await until(lambda: len(held.pending) == 1)
            held.pending[0].resolve(b'{"Count":0}')

            assert (await client.reply()).body == b'{"Count":0}'

    run(scenario())


def test_a_result_that_is_there_already_is_answered_at_once() -> None:
    def done(body: dict[str, Any]) -> Pending[bytes]:
        pending: Pending[bytes] = Pending()
        pending.resolve(b"[]")
        return pending

    async def scenario() -> None:
        async with serving(ScriptedExecutor(Query=done)) as served:
            assert (await (await served.connect()).ask(request("Query") * 2)).body == b"[]"

    run(scenario())


def test_pipelined_requests_are_executed_one_by_one_and_answered_in_order() -> None:
    async def scenario() -> None:
        held = Held()
        executor = ScriptedExecutor(Query=held, GetItem=lambda body: b'{"n":%d}' % body["n"])
        async with serving(executor) as served:
            client = await served.connect()
            gets = [request("GetItem", b'{"n":%d}' % number) for number in range(20)]
            await client.send(request("Query"), *gets[:10], request("Query"), *gets[10:])
            await until(lambda: len(held.pending) == 1)
            assert len(executor.calls) == 1

            held.pending[0].resolve(b"first")
            await until(lambda: len(held.pending) == 2)
            held.pending[1].resolve(b"second")

            bodies = [(await client.reply()).body for _ in range(22)]
            numbers = [b'{"n":%d}' % number for number in range(20)]
            assert bodies == [b"first", *numbers[:10], b"second", *numbers[10:]]
            assert served.door.held_bytes == 0

    run(scenario())


def test_a_full_queue_stops_the_reading_until_there_is_room() -> None:
    """Whatever a client pipelines, a bounded number of its requests is held."""

    async def scenario() -> None:
        held = Held()
        executor = ScriptedExecutor(Query=held)
        async with serving(executor, limits=limits(pipelined_requests_max=4)) as served:
            client = await served.connect()
            count = 3_000
            put = request("PutItem", b'{"a":"' + b"x" * 500 + b'"}')
            client.writer.write(request("Query") + put * count)
            await until(lambda: len(held.pending) == 1)
            for _ in range(200):
                await asyncio.sleep(0)
            read_at_once = 256 * 1024
            assert served.door.held_bytes < read_at_once + 10 * PARSE_SLICE_BYTES
            assert len(executor.calls) == 1

            held.pending[0].resolve(b"{}")
            for _ in range(count + 1):
                assert (await client.reply()).status == 200
            assert len(executor.calls) == count + 1
            assert served.door.held_bytes == 0

    run(scenario())


def test_an_error_is_answered_with_its_body_and_the_connection_goes_on() -> None:
    def refuse(body: dict[str, Any]) -> bytes:
        raise ConditionalCheckFailedException("The conditional request failed", Item={"a": body})

    async def scenario() -> None:
        held = Held()
        async with serving(ScriptedExecutor(UpdateItem=refuse, Query=held)) as served:
            client = await served.connect()
            reply = await client.ask(request("UpdateItem", b'{"S":"x"}'))
            assert reply.error == (
                400,
                "ConditionalCheckFailedException",
                "The conditional request failed",
            )
            assert reply.json["Item"] == {"a": {"S": "x"}}
            assert reply.headers["content-type"] == "application/x-amz-json-1.0"

            await client.send(request("Query"))
            await until(lambda: len(held.pending) == 1)
            held.pending[0].fail(ServiceUnavailable("later"))
            assert (await client.reply()).error == (503, "ServiceUnavailable", "later")
            assert (await client.ask(request())).status == 200

    run(scenario())


@pytest.mark.parametrize("later", [True, False])
def test_a_bug_is_an_internal_server_error_that_the_log_knows_by_its_id(
    later: bool, caplog: pytest.LogCaptureFixture
) -> None:
    def bug(body: dict[str, Any]) -> bytes | Pending[bytes]:
        if not later:
            raise KeyError("bug")
        pending: Pending[bytes] = Pending()
        pending.fail(KeyError("bug"))
        return pending

    async def scenario() -> None:
        async with serving(ScriptedExecutor(Query=bug)) as served:
            client = await served.connect()
            reply = await client.ask(request("Query"))

            assert reply.error == (500, "InternalServerError", "Internal server error")
            [record] = caplog.records
            assert reply.headers["x-amzn-requestid"] in record.getMessage()
            assert (await client.ask(request())).status == 200

    with caplog.at_level(logging.ERROR):
        run(scenario())


def test_an_error_that_is_no_json_is_an_internal_server_error() -> None:
    def refuse(body: dict[str, Any]) -> bytes:
        raise ConditionalCheckFailedException("no", Item=object())

    async def scenario() -> None:
        async with serving(ScriptedExecutor(Query=refuse)) as served:
            assert (await (await served.connect()).ask(request("Query"))).status == 500

    run(scenario())


def test_an_empty_answer_has_length_zero() -> None:
    async def scenario() -> None:
        async with serving(ScriptedExecutor(TagResource=lambda body: b"")) as served:
            reply = await (await served.connect()).ask(request("TagResource"))
            assert (reply.headers["content-length"], reply.headers["x-amz-crc32"]) == ("0", "0")

    run(scenario())


def test_a_client_that_left_leaves_nothing_behind() -> None:
    async def scenario() -> None:
        held = Held()
        async with serving(ScriptedExecutor(Query=held)) as served:
            client = await served.connect()
            await client.send(request("Query"), request() * 3, request()[:-1])
            await until(lambda: len(held.pending) == 1 and served.door.held_bytes > 0)
            await client.close()
            held.pending[0].resolve(b"{}")
            await until(lambda: served.door.connections == 0)

            assert served.door.held_bytes == 0

    run(scenario())


def test_a_client_that_has_finished_sending_still_gets_its_answers() -> None:
    async def scenario() -> None:
        held = Held()
        async with serving(ScriptedExecutor(Query=held)) as served:
            client = await served.connect()
            await client.send(request("Query"), request("PutItem"))
            client.writer.write_eof()
            await until(lambda: len(held.pending) == 1)
            held.pending[0].resolve(b'{"Count":0}')

            assert (await client.reply()).body == b'{"Count":0}'
            last = await client.reply()
            assert (last.body, last.headers["connection"]) == (b"{}", "close")
            assert await client.ended()

    run(scenario())


def test_the_connection_closes_after_the_answer_where_the_client_asked_for_it() -> None:
    async def scenario() -> None:
        executor = ScriptedExecutor()
        async with serving(executor) as served:
            client = await served.connect()
            reply = await client.ask(request(connection="close") + request())

            assert reply.headers["connection"] == "close"
            assert await client.ended()
            assert len(executor.calls) == 1

    run(scenario())


def test_leave_to_send_is_given_at_once_and_a_large_body_is_refused_without_it() -> None:
    async def scenario() -> None:
        async with serving(ScriptedExecutor()) as served:
            client = await served.connect()
            head = request(body=b"", content_length="2", expect="100-continue")
            await client.send(head)
            assert await client.head() == (100, {})
            assert (await client.ask(b"{}")).status == 200

            large = request(body=b"", content_length="16777217", expect="100-continue")
            assert (await client.ask(large)).error[:2] == (413, "RequestEntityTooLargeException")

    run(scenario())


def test_leave_to_send_waits_for_the_answers_before_it() -> None:
    async def scenario() -> None:
        held = Held()
        async with serving(ScriptedExecutor(Query=held)) as served:
            client = await served.connect()
            head = request(body=b"", content_length="2", expect="100-continue")
            await client.send(request("Query"), head)
            await until(lambda: len(held.pending) == 1)
            held.pending[0].resolve(b"{}")

            assert (await client.reply()).status == 200
            assert (await client.head())[0] == 100
            assert (await client.ask(b"{}")).status == 200

    run(scenario())


def test_a_client_that_sends_too_much_reads_why_and_only_then_is_cut_off() -> None:
    """Closing at once would reset the connection, and throw the answer away unread."""

    async def scenario() -> None:
        async with serving(ScriptedExecutor(), limits=limits(body_bytes_max=100_000)) as served:
            client = await served.connect()
            head = request(body=b"", without=("content-length",), transfer_encoding="chunked")
            chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
            await client.send(head, *[chunk] * 20)

            reply = await client.reply()
            assert reply.error[:2] == (413, "RequestEntityTooLargeException")
            assert reply.headers["connection"] == "close"
            assert await client.ended()
            served.after(6.0)
            await until(lambda: served.door.connections == 0)

    run(scenario())


def test_a_refused_client_that_goes_on_sending_is_cut_off() -> None:
    async def scenario() -> None:
        async with serving(ScriptedExecutor(), limits=limits(linger_bytes_max=1_000_000)) as served:
            client = await served.connect()
            assert (await client.ask(b"nonsense\r\n\r\n")).status == 400
            with pytest.raises(ConnectionError):
                await client.send(b"x" * 100_000_000)
            await until(lambda: served.door.connections == 0)

    run(scenario())


def test_a_bad_request_is_told_after_the_answers_that_are_owed() -> None:
    async def scenario() -> None:
        held = Held()
        executor = ScriptedExecutor(Query=held)
        async with serving(executor) as served:
            client = await served.connect()
            await client.send(request("Query"), request(), b"nonsense\r\n\r\n", request())
            await until(lambda: len(held.pending) == 1)
            held.pending[0].resolve(b"{}")

            assert [(await client.reply()).status for _ in range(3)] == [200, 200, 400]
            assert await client.ended()
            assert len(executor.calls) == 2

    run(scenario())


@pytest.mark.parametrize(
    "beginning, seconds, status",
    [
        (b"", 300.0, None),
        (b"P", 10.0, 408),
        (request()[:100], 10.0, 408),
        (request(body=b'{"a":1}')[:-1], 60.0, 408),
    ],
)
def test_a_client_that_is_too_slow_is_let_go(
    beginning: bytes, seconds: float, status: int | None
) -> None:
    """Before, in the middle of, and after the headers; first answered where a request has begun."""

    async def scenario() -> None:
        async with serving(ScriptedExecutor()) as served:
            client = await served.connect()
            assert (await client.ask(request())).status == 200
            if beginning:
                await client.send(beginning)
                await until(lambda: served.door.held_bytes == len(beginning))
            served.after(seconds)
            assert served.door.connections == 1
            served.after(1.0)
            if status is not None:
                assert (await client.head())[0] == status
            assert await client.ended()

    run(scenario())


def test_drops_now_and_then_do_not_prolong_the_time_for_a_request() -> None:
    async def scenario() -> None:
        async with serving(ScriptedExecutor()) as served:
            client = await served.connect()
            head = request()[:20]
            for second in range(11):
                await client.send(head[second : second + 1])
                await until(lambda second=second: served.door.held_bytes == second + 1)
                served.after(1.0)

            assert (await client.head())[0] == 408

    run(scenario())


def test_a_slow_executor_is_not_the_clients_fault() -> None:
    async def scenario() -> None:
        held = Held()
        async with serving(ScriptedExecutor(Query=held)) as served:
            client = await served.connect()
            await client.send(request("Query"))
            await until(lambda: len(held.pending) == 1)
            served.after(10_000.0)
            held.pending[0].resolve(b"{}")

            assert (await client.reply()).status == 200

    run(scenario())


async def stuck(served: Served, executor: ScriptedExecutor) -> tuple[RawClient, int]:
    """A client that asks much and reads nothing, and how many requests it could place."""
    client = await served.connect()
    client.writer.write(request("Scan") * 200)
    seen = -1
    while seen != len(executor.calls):
        seen = len(executor.calls)
        for _ in range(500):
            await asyncio.sleep(0)
    return client, seen


def test_a_client_that_does_not_read_is_not_read_from_and_then_dropped() -> None:
    async def scenario() -> None:
        executor = ScriptedExecutor(Scan=lambda body: b"x" * 1_000_000)
        async with serving(executor) as served:
            _, placed = await stuck(served, executor)
            assert placed < 100

            served.after(30.0)
            assert served.door.connections == 1
            served.after(1.0)
            await until(lambda: served.door.connections == 0)
            assert served.door.held_bytes == 0

    run(scenario())


def test_a_client_that_reads_again_gets_everything() -> None:
    async def scenario() -> None:
        executor = ScriptedExecutor(Scan=lambda body: b"x" * 1_000_000)
        async with serving(executor) as served:
            client, placed = await stuck(served, executor)
            assert placed < 100
            for _ in range(200):
                reply = await client.reply()
                assert len(reply.body) == 1_000_000

            assert len(executor.calls) == 200

    run(scenario())


def test_uploads_together_may_hold_only_so_much_and_the_largest_gives_way() -> None:
    """Many slow uploads meet one bound; the small ones go on, the large one may come again."""

    async def scenario() -> None:
        bound = 1_000_000
        small = limits(held_bytes_max=bound, body_bytes_max=bound)
        async with serving(ScriptedExecutor(), limits=small) as served:
            first, large, last = [await served.connect() for _ in range(3)]
            head = request(body=b"", content_length="400000")
            await first.send(head, b" " * 300_000)
            await until(lambda: served.door.held_bytes > 300_000)
            await large.send(request(body=b"", content_length="900000"), b" " * 500_000)
            await until(lambda: served.door.held_bytes > 800_000)
            await last.send(head, b" " * 300_000)

            assert (await large.reply()).error[:2] == (503, "ServiceUnavailable")
            for client in (first, last):
                assert (await client.ask(b" " * 99_998 + b"{}")).status == 200
            assert served.door.held_bytes == 0

    run(scenario())


def test_waiting_requests_are_bounded_by_their_bytes_too() -> None:
    async def scenario() -> None:
        held = Held()
        executor = ScriptedExecutor(Query=held)
        bounds = limits(body_bytes_max=100_000, held_bytes_max=800_000)
        async with serving(executor, limits=bounds) as served:
            client = await served.connect()
            body = b'{"a":"' + b"x" * 90_000 + b'"}'
            client.writer.write(request("Query") + request(body=body) * 20)
            await until(lambda: served.door.held_bytes > 180_000)
            for _ in range(200):
                await asyncio.sleep(0)
            assert served.door.held_bytes < 200_000 + 256_000

            held.pending[0].resolve(b"{}")
            for _ in range(21):
                assert (await client.reply()).status == 200

    run(scenario())


@pytest.mark.parametrize("body_bytes", [1_400, GZIP_IN_THREAD_BYTES - 1, GZIP_IN_THREAD_BYTES])
def test_large_answers_are_compressed_where_the_client_takes_it(body_bytes: int) -> None:
    """Small ones on the loop, large ones in a thread; the CRC is that of the bytes sent."""

    async def scenario() -> None:
        body = b'{"a":"' + b"y" * (body_bytes - 8) + b'"}'
        async with serving(ScriptedExecutor(Scan=lambda _: body)) as served:
            client = await served.connect()
            asked = request("Scan", accept_encoding="deflate, gzip")
            replies = [await client.ask(asked + request("PutItem")), await client.reply()]

            assert replies[0].headers["content-encoding"] == "gzip"
            assert inflate(replies[0].body, body_bytes) == body
            assert replies[1].body == b"{}"
            plain = await client.ask(request("Scan"))
            assert plain.body == body
            assert "content-encoding" not in plain.headers

    run(scenario())


def test_a_compressed_request_is_read() -> None:
    async def scenario() -> None:
        executor = ScriptedExecutor()
        async with serving(executor) as served:
            client = await served.connect()
            compressed = request(body=gzip(b'{"a":1}'), content_encoding="gzip")

            assert (await client.ask(compressed)).status == 200
            assert executor.calls[0][1] == {"a": 1}

    run(scenario())


def test_browsers_may_read_answers_and_errors() -> None:
    async def scenario() -> None:
        async with serving(ScriptedExecutor()) as served:
            client = await served.connect()
            for asked in (request(origin="http://x"), request("Nothing", origin="http://x")):
                headers = (await client.ask(asked)).headers
                assert headers["access-control-allow-origin"] == "*"
                assert "x-amz-crc32" in headers["access-control-expose-headers"]
            assert "access-control-allow-origin" not in (await client.ask(request())).headers

    run(scenario())


@settings(max_examples=25)
@given(st.lists(st.binary(min_size=1, max_size=2_000), min_size=1, max_size=4))
def test_random_bytes_never_get_past_the_door(pieces: list[bytes]) -> None:
    """They are answered 400 and the connection ends, or they are waited on until time is up."""

    async def scenario() -> None:
        executor = ScriptedExecutor()
        async with serving(executor) as served:
            client = await served.connect()
            await client.send(*pieces)
            client.writer.write_eof()
            async with asyncio.timeout(5.0):
                answer = await client.reader.read()

            assert answer == b"" or answer.startswith(b"HTTP/1.1 400 ")
            assert executor.calls == []

    run(scenario())
