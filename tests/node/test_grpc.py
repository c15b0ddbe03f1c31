"""The gRPC door over a real socket: what it takes, whom it believes, how it ends."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from small_table import TABLE, SmallTable, running_door
from stator_core import errors
from stator_node.doors import Caller
from stator_node.gateway import grpc_errors, grpc_signature
from stator_node.gateway.access_keys import AccessKey, AccessKeys
from stator_node.gateway.generated.stator.v1 import data_pb2
from stator_node.gateway.grpc import DeadlinePassed, GrpcDoor, GrpcLimits
from stator_node.gateway.grpc_convert import JSON, OPERATIONS
from stator_node.memory import ManualClock
from stator_node.pending import Pending

SERVICE = "stator.v1.DynamoDB"
Health = health_pb2.HealthCheckResponse
Scenario = Callable[[GrpcDoor, grpc.aio.Channel], Awaitable[None]]


def serve(
    table: SmallTable,
    scenario: Scenario,
    access_keys: AccessKeys | None = None,
    limits: GrpcLimits | None = None,
) -> None:
    """Run the scenario against a door of its own."""

    async def run() -> None:
        async with (
            running_door(table, access_keys, limits) as (door, address),
            grpc.aio.insecure_channel(address) as channel,
        ):
            await scenario(door, channel)

    asyncio.run(run())


def call(channel: grpc.aio.Channel, name: str, message: Any = None, **options: Any) -> Any:
    """One call as any gRPC client makes it: with the types of the contract."""
    operation = OPERATIONS[name]
    method = channel.unary_unary(
        operation.method,
        request_serializer=operation.request.SerializeToString,
        response_deserializer=operation.response.FromString,
    )
    return method(message if message is not None else operation.request(), **options)


def item(key: str, **attributes: data_pb2.AttributeValue) -> data_pb2.AttributeMap:
    return data_pb2.AttributeMap(attributes={"pk": data_pb2.AttributeValue(s=key)} | attributes)


async def refusal(answer: Any) -> grpc.aio.AioRpcError:
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await answer
    return refused.value


# ---------------------------------------------------------------------------------------- answers


def test_an_item_put_by_one_call_is_read_by_another() -> None:
    async def scenario(_: GrpcDoor, channel: grpc.aio.Channel) -> None:
        put = item("a", data=data_pb2.AttributeValue(b=b"\x00\xff"))
        await call(channel, "PutItem", data_pb2.PutItemRequest(table_name=TABLE, item=put))
        key = data_pb2.GetItemRequest(table_name=TABLE, key=item("a"))
        assert (await call(channel, "GetItem", key)).item == put

    serve(SmallTable(), scenario)


def test_the_core_is_asked_in_dynamodbs_json() -> None:
    table = SmallTable()

    async def scenario(_: GrpcDoor, channel: grpc.aio.Channel) -> None:
        await call(
            channel,
            "UpdateItem",
            data_pb2.UpdateItemRequest(
                table_name=TABLE,
                key=item("a"),
                update_expression="SET #c = :c",
                expression_attribute_names={"#c": "c"},
                expression_attribute_values={":c": data_pb2.AttributeValue(b=b"\0")},
                return_values=data_pb2.RETURN_VALUE_ALL_NEW,
            ),
        )

    serve(table, scenario)
    body = {
        "TableName": TABLE,
        "Key": {"pk": {"S": "a"}},
        "UpdateExpression": "SET #c = :c",
        "ExpressionAttributeNames": {"#c": "c"},
        "ExpressionAttributeValues": {":c": {"B": "AA=="}},
        "ReturnValues": "ALL_NEW",
    }
    ((operation, asked, caller),) = table.asked
    assert (operation, asked) == ("UpdateItem", body)
    assert replace(caller, endpoint="") == Caller("anonymous", "000000000000", "us-east-1")


def test_the_caller_reached_the_address_that_the_door_listens_on() -> None:
    table = SmallTable()

    async def scenario(_: GrpcDoor, channel: grpc.aio.Channel) -> None:
        await call(channel, "DescribeEndpoints")

    serve(table, scenario)
    assert table.asked[0][2].endpoint.startswith("127.0.0.1:")


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_operation_of_the_contract_reaches_the_core(name: str) -> None:
    table = SmallTable()
    table.later.append(resolved(b"{}"))

    async def scenario(_: GrpcDoor, channel: grpc.aio.Channel) -> None:
        await call(channel, name)

    serve(table, scenario)
    assert [operation for operation, _, _ in table.asked] == [name]


def test_an_empty_body_is_an_answer() -> None:
    """DynamoDB answers TagResource with no body at all."""

    async def scenario(_: GrpcDoor, channel: grpc.aio.Channel) -> None:
        assert await call(channel, "TagResource") == data_pb2.TagResourceResponse()

    serve(SmallTable(), scenario)


def test_an_answer_that_comes_later_is_waited_for() -> None:
    table = SmallTable()
    pending: Pending[bytes] = Pending()
    table.later.append(pending)

    async def scenario(door: GrpcDoor, channel: grpc.aio.Channel) -> None:
        waiting = call(channel, "DescribeLimits")
        await until(lambda: table.asked)
        assert door.requests_under_way == 1
        pending.resolve(b'{"TableMaxReadCapacityUnits": 40000}')
        assert (await waiting).table_max_read_capacity_units == 40_000

    serve(table, scenario)


# ----------------------------------------------------------------------------------------- errors


@pytest.mark.parametrize("cls", grpc_errors.STATUS_OF, ids=lambda cls: cls.__name__)
def test_every_error_has_its_status_and_its_details(cls: type[errors.DynamoDBError]) -> None:
    table = SmallTable()
    table.errors.append(cls("no"))

    async def scenario(_: GrpcDoor, channel: grpc.aio.Channel) -> None:
        error = await refusal(call(channel, "PutItem"))
        assert error.code() is grpc_errors.STATUS_OF[cls]
        assert error.details() == "no"
        details = dict(error.trailing_metadata())[grpc_errors.STATUS_DETAILS]
        returned = grpc_errors.unpack(error.code(), error.details(), details)
        assert (type(returned), returned.message) == (cls, "no")

    serve(table, scenario)


def test_an_error_that_comes_later_is_an_error_too() -> None:
    table = SmallTable()
    pending: Pending[bytes] = Pending()
    pending.fail(errors.ConditionalCheckFailedException("The conditional request failed"))
    table.later.append(pending)

    async def scenario(_: GrpcDoor, channel: grpc.aio.Channel) -> None:
        error = await refusal(call(channel, "PutItem"))
        assert error.code() is grpc.StatusCode.FAILED_PRECONDITION

    serve(table, scenario)


def test_a_bug_is_logged_and_answered_without_its_text(caplog: pytest.LogCaptureFixture) -> None:
    table = SmallTable()
    table.errors.append(RuntimeError("a secret of ours"))

    async def scenario(_: GrpcDoor, channel: grpc.aio.Channel) -> None:
        error = await refusal(call(channel, "PutItem"))
        assert (error.code(), error.details()) == (
            grpc.StatusCode.INTERNAL,
            "Internal server error",
        )

    serve(table, scenario)
    assert "a secret of ours" in caplog.text


@pytest.mark.parametrize(
    "asked,omitted",
    [
        (None, True),
        ("nonsense", True),
        ("-1", True),
        ("9" * 99, True),
        ("65536", False),
    ],
)
def test_an_error_is_as_large_as_the_client_can_receive(asked: str | None, omitted: bool) -> None:
    table = SmallTable()
    old = {"pk": {"S": "x" * 6_000}}
    table.errors.append(errors.ConditionalCheckFailedException("failed", Item=old))
    metadata = ((grpc_errors.ERROR_BYTES_MAX, asked),) if asked else ()

    async def scenario(_: GrpcDoor, channel: grpc.aio.Channel) -> None:
        error = await refusal(call(channel, "PutItem", metadata=metadata))
        details = dict(error.trailing_metadata())[grpc_errors.STATUS_DETAILS]
        returned = grpc_errors.unpack(error.code(), "", details)
        assert returned.members.get("Item") == (None if omitted else old)

    serve(table, scenario)


def test_bytes_that_are_no_message_are_a_serialization_error() -> None:
    async def scenario(_: GrpcDoor, channel: grpc.aio.Channel) -> None:
        error = await refusal(channel.unary_unary(OPERATIONS["PutItem"].method)(b"\xff\xff"))
        assert error.code() is grpc.StatusCode.INVALID_ARGUMENT

    serve(SmallTable(), scenario)


def test_an_item_too_deep_for_protobuf_is_refused_in_dynamodbs_words() -> None:
    async def scenario(_: GrpcDoor, channel: grpc.aio.Channel) -> None:
        value: dict[str, Any] = {"S": "x"}
        for _ in range(60):
            value = {"M": {"a": value}}
        deep = data_pb2.PutItemRequest()
        JSON.into_message(deep, {"TableName": TABLE, "Item": {"deep": value}})
        error = await refusal(call(channel, "PutItem", deep))
        assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
        assert (error.details() or "").startswith("Nesting Levels have exceeded supported limits")

    serve(SmallTable(), scenario)


def test_an_operation_that_the_core_lacks_is_unimplemented() -> None:
    table = SmallTable()
    table.operations = frozenset({"GetItem"})

    async def scenario(_: GrpcDoor, channel: grpc.aio.Channel) -> None:
        error = await refusal(call(channel, "PutItem"))
        assert error.code() is grpc.StatusCode.UNIMPLEMENTED

    serve(table, scenario)
    assert table.asked == []


# --------------------------------------------------------------------------------- authentication


def test_with_access_keys_only_signed_calls_are_believed() -> None:
    table = SmallTable()
    key = AccessKey("AKID", "secret")
    clock = ManualClock()
    door = GrpcDoor(table, AccessKeys({"AKID": key}), clock, account="1", region="eu-north-1")
    operation = OPERATIONS["DescribeLimits"]

    async def answer(metadata: dict[str, Any]) -> bytes:
        return await door.answer(operation, b"", metadata, None)

    signed = dict(grpc_signature.sign(key, operation.method, b"", clock.now()))
    asyncio.run(answer(signed))
    assert table.asked == [("DescribeLimits", {}, Caller("AKID", "1", "eu-north-1"))]

    with pytest.raises(errors.MissingAuthenticationTokenException):
        asyncio.run(answer({}))
    clock.advance(1_000)
    with pytest.raises(errors.InvalidSignatureException):
        asyncio.run(answer(signed))
    assert len(table.asked) == 1, "a refused request is not executed"


def test_a_stranger_is_refused_before_the_request_is_read() -> None:
    async def scenario(_: GrpcDoor, channel: grpc.aio.Channel) -> None:
        error = await refusal(channel.unary_unary(OPERATIONS["PutItem"].method)(b"\xff\xff"))
        assert error.code() is grpc.StatusCode.UNAUTHENTICATED

    serve(SmallTable(), scenario, AccessKeys({"AKID": AccessKey("AKID", "secret")}))


def test_where_any_key_is_accepted_the_claimed_one_is_the_callers() -> None:
    table = SmallTable()

    async def scenario(_: GrpcDoor, channel: grpc.aio.Channel) -> None:
        await call(channel, "DescribeLimits", metadata=((grpc_signature.ACCESS_KEY, "mine"),))

    serve(table, scenario)
    assert table.asked[0][2].access_key == "mine"


def test_a_changed_file_of_access_keys_is_taken_over(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    path.touch(mode=0o600)
    clock = ManualClock()
    table = SmallTable()
    door = GrpcDoor(table, AccessKeys.from_file(path), clock, account="1", region="r")
    operation = OPERATIONS["DescribeLimits"]
    signed = dict(
        grpc_signature.sign(AccessKey("AKID", "secret"), operation.method, b"", clock.now())
    )
    with pytest.raises(errors.UnrecognizedClientException):
        asyncio.run(door.answer(operation, b"", signed, None))

    path.write_text("AKID secret\n")
    clock.advance(2)
    asyncio.run(door.answer(operation, b"", signed, None))
    assert len(table.asked) == 1


# ---------------------------------------------------------------------------- deadlines and limits


def test_a_request_whose_deadline_passed_is_not_begun() -> None:
    table = SmallTable()
    door = GrpcDoor(table, AccessKeys.any_key(), ManualClock(), account="1", region="r")
    with pytest.raises(DeadlinePassed):
        asyncio.run(door.answer(OPERATIONS["DescribeLimits"], b"", {}, 0.0))
    assert table.asked == []


def test_a_wait_ends_at_the_callers_deadline() -> None:
    table = SmallTable()
    table.later.append(Pending())

    async def scenario(door: GrpcDoor, channel: grpc.aio.Channel) -> None:
        error = await refusal(call(channel, "DescribeLimits", timeout=0.05))
        assert error.code() is grpc.StatusCode.DEADLINE_EXCEEDED
        await until(lambda: door.requests_under_way == 0)

    serve(table, scenario)


def test_a_wait_without_a_deadline_ends_too() -> None:
    table = SmallTable()
    table.later.append(Pending())

    async def scenario(_: GrpcDoor, channel: grpc.aio.Channel) -> None:
        error = await refusal(call(channel, "DescribeLimits"))
        assert error.code() is grpc.StatusCode.DEADLINE_EXCEEDED
        assert "a write may have happened" in (error.details() or "")

    serve(table, scenario, limits=GrpcLimits(wait_seconds_max=0.05))


def test_a_request_over_the_limit_is_not_read() -> None:
    table = SmallTable()

    async def scenario(_: GrpcDoor, channel: grpc.aio.Channel) -> None:
        large = data_pb2.PutItemRequest(table_name=TABLE, item=item("x" * 2_000))
        error = await refusal(call(channel, "PutItem", large))
        assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED

    serve(table, scenario, limits=GrpcLimits(request_bytes_max=1_000))
    assert table.asked == []


def test_a_small_request_that_unpacks_to_a_large_one_is_not_read() -> None:
    table = SmallTable()

    async def scenario(_: GrpcDoor, channel: grpc.aio.Channel) -> None:
        large = data_pb2.PutItemRequest(table_name=TABLE, item=item("x" * 1_000_000))
        answer = call(channel, "PutItem", large, compression=grpc.Compression.Gzip)
        assert (await refusal(answer)).code() is grpc.StatusCode.RESOURCE_EXHAUSTED

    serve(table, scenario, limits=GrpcLimits(request_bytes_max=100_000))
    assert table.asked == []


def test_sixteen_megabytes_are_a_request() -> None:
    table = SmallTable()

    async def scenario(_: GrpcDoor, channel: grpc.aio.Channel) -> None:
        large = data_pb2.PutItemRequest(table_name=TABLE, item=item("x" * (16 * 1_048_576 - 100)))
        await call(channel, "PutItem", large)

    serve(table, scenario)
    assert len(table.asked) == 1


def test_more_requests_at_once_than_the_limit_are_refused() -> None:
    table = SmallTable()
    pending: Pending[bytes] = Pending()
    table.later.append(pending)

    async def scenario(_: GrpcDoor, channel: grpc.aio.Channel) -> None:
        waiting = call(channel, "DescribeLimits")
        await until(lambda: table.asked)
        error = await refusal(call(channel, "DescribeLimits"))
        assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        pending.resolve(b"{}")
        await waiting

    serve(table, scenario, limits=GrpcLimits(requests_max=1))
    assert len(table.asked) == 1


def test_metadata_over_the_limit_is_refused() -> None:
    table = SmallTable()

    async def scenario(_: GrpcDoor, channel: grpc.aio.Channel) -> None:
        error = await refusal(call(channel, "DescribeLimits", metadata=(("x", "y" * 20_000),)))
        assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED

    serve(table, scenario)
    assert table.asked == []


def test_every_limit_is_told_to_grpc() -> None:
    options = dict(GrpcLimits(ping_seconds_min=1.5).options())
    assert options["grpc.max_receive_message_length"] == 16 * 1_048_576
    assert options["grpc.http2.min_recv_ping_interval_without_data_ms"] == 1_500
    assert options["grpc.http2.max_ping_strikes"] == 2
    assert options["grpc.max_connection_idle_ms"] == 900_000


# ----------------------------------------------------------------------------- health, reflection


def test_health_says_serving_and_after_drain_not_serving() -> None:
    async def scenario(door: GrpcDoor, channel: grpc.aio.Channel) -> None:
        stub = health_pb2_grpc.HealthStub(channel)
        for service in ("", SERVICE):
            asked = health_pb2.HealthCheckRequest(service=service)
            assert (await stub.Check(asked)).status == Health.SERVING
        await door.drain()
        for service in ("", SERVICE):
            asked = health_pb2.HealthCheckRequest(service=service)
            assert (await stub.Check(asked)).status == Health.NOT_SERVING
        await call(channel, "DescribeLimits")  # Drained is not closed.

    serve(SmallTable(), scenario)


def test_health_needs_no_signature() -> None:
    """A kubelet has no access key."""

    async def scenario(_: GrpcDoor, channel: grpc.aio.Channel) -> None:
        answer = await health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest())
        assert answer.status == Health.SERVING

    serve(SmallTable(), scenario, AccessKeys({}))


def test_reflection_lists_the_service_and_gives_its_contract() -> None:
    async def scenario(_: GrpcDoor, channel: grpc.aio.Channel) -> None:
        asked = [
            reflection_pb2.ServerReflectionRequest(list_services=""),
            reflection_pb2.ServerReflectionRequest(file_containing_symbol=SERVICE),
        ]
        stub = reflection_pb2_grpc.ServerReflectionStub(channel)
        answers = [answer async for answer in stub.ServerReflectionInfo(iter(asked))]
        assert SERVICE in {service.name for service in answers[0].list_services_response.service}
        assert data_pb2.DESCRIPTOR.serialized_pb in (
            answers[1].file_descriptor_response.file_descriptor_proto
        )

    serve(SmallTable(), scenario)


# -------------------------------------------------------------------------------------------- end


def test_stop_lets_a_request_under_way_finish() -> None:
    table = SmallTable()
    pending: Pending[bytes] = Pending()
    table.later.append(pending)

    async def scenario(door: GrpcDoor, channel: grpc.aio.Channel) -> None:
        waiting = call(channel, "DescribeLimits")
        await until(lambda: table.asked)
        stopping = asyncio.ensure_future(door.stop(30))
        await asyncio.sleep(0)
        pending.resolve(b'{"TableMaxReadCapacityUnits": 1}')
        assert (await waiting).table_max_read_capacity_units == 1
        await asyncio.wait_for(stopping, 5)

    serve(table, scenario)


def test_stop_does_not_wait_for_those_who_watch_the_health() -> None:
    async def scenario(door: GrpcDoor, channel: grpc.aio.Channel) -> None:
        watching = health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest())
        assert (await watching.read()).status == Health.SERVING
        await asyncio.wait_for(door.stop(30), 5)

    serve(SmallTable(), scenario)


def test_a_stopping_door_begins_nothing_new() -> None:
    table = SmallTable()
    pending: Pending[bytes] = Pending()
    table.later.append(pending)

    async def scenario(door: GrpcDoor, channel: grpc.aio.Channel) -> None:
        waiting = call(channel, "DescribeLimits")
        await until(lambda: table.asked)
        stopping = asyncio.ensure_future(door.stop(30))
        await asyncio.sleep(0)
        error = await refusal(call(channel, "DescribeLimits"))
        assert error.code() is grpc.StatusCode.UNAVAILABLE
        pending.resolve(b"{}")
        await waiting
        await stopping

    serve(table, scenario)
    assert len(table.asked) == 1


def test_stop_breaks_off_what_outlasts_the_grace() -> None:
    table = SmallTable()
    table.later.append(Pending())

    async def scenario(door: GrpcDoor, channel: grpc.aio.Channel) -> None:
        waiting = call(channel, "DescribeLimits")
        await until(lambda: table.asked)
        await asyncio.wait_for(door.stop(0.05), 5)
        await refusal(waiting)

    serve(table, scenario)


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl makes the certificate")
def test_with_credentials_the_door_speaks_tls(tmp_path: Path) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
    command += ["-nodes", "-days", "1", "-subj", "/CN=localhost"]
    command += ["-addext", "subjectAltName=DNS:localhost", "-keyout", key, "-out", certificate]
    subprocess.run(command, check=True, capture_output=True, timeout=30)
    pair = (key.read_bytes(), certificate.read_bytes())

    async def run() -> None:
        door = GrpcDoor(
            SmallTable(),
            AccessKeys.any_key(),
            ManualClock(),
            account="1",
            region="r",
            credentials=grpc.ssl_server_credentials([pair]),
        )
        port = await door.start("localhost", 0)
        trusting = grpc.ssl_channel_credentials(pair[1])
        async with grpc.aio.secure_channel(f"localhost:{port}", trusting) as channel:
            await call(channel, "DescribeLimits")
        async with grpc.aio.insecure_channel(f"localhost:{port}") as channel:
            error = await refusal(call(channel, "DescribeLimits"))
            assert error.code() is grpc.StatusCode.UNAVAILABLE
        await door.stop(0)

    asyncio.run(run())


def test_a_port_that_is_taken_is_an_error_at_start() -> None:
    """Two doors on one port would each get half of the requests."""

    async def run() -> None:
        async with running_door(SmallTable()) as (_, address):
            second = GrpcDoor(
                SmallTable(), AccessKeys.any_key(), ManualClock(), account="1", region="r"
            )
            with pytest.raises(OSError, match="bind"):
                await second.start("127.0.0.1", int(address.rpartition(":")[2]))
            await second.stop(0)

    asyncio.run(run())


def resolved(value: bytes) -> Pending[bytes]:
    pending: Pending[bytes] = Pending()
    pending.resolve(value)
    return pending


async def until(condition: Callable[[], Any]) -> None:
    """Wait for the other side of the socket; the test's own timeout bounds it."""
    while not condition():  # noqa: ASYNC110  # what it waits for knows no events
        await asyncio.sleep(0.001)
