"""A request of very many values is refused by the gRPC door before it holds everybody up."""

from __future__ import annotations

import asyncio

import grpc
import grpc.aio
import pytest

from small_table import TABLE, SmallTable, running_door
from stator_node.gateway.generated.stator.v1 import data_pb2
from stator_node.gateway.grpc import GrpcLimits
from stator_node.gateway.grpc_convert import OPERATIONS

VALUES_MAX = 100


def listed(count: int) -> data_pb2.PutItemRequest:
    """An item with a key, and a list of so many numbers."""
    values = [data_pb2.AttributeValue(n="0")] * count
    attributes = {
        "pk": data_pb2.AttributeValue(s="a"),
        "data": data_pb2.AttributeValue(l=data_pb2.AttributeList(values=values)),
    }
    item = data_pb2.AttributeMap(attributes=attributes)
    return data_pb2.PutItemRequest(table_name=TABLE, item=item)


def test_a_request_of_too_many_values_is_refused_and_the_next_one_is_not() -> None:
    table = SmallTable()

    async def run() -> None:
        limits = GrpcLimits(values_max=VALUES_MAX)
        async with (
            running_door(table, None, limits) as (_, address),
            grpc.aio.insecure_channel(address) as channel,
        ):
            put = channel.unary_unary(
                OPERATIONS["PutItem"].method,
                request_serializer=data_pb2.PutItemRequest.SerializeToString,
                response_deserializer=data_pb2.PutItemResponse.FromString,
            )
            with pytest.raises(grpc.aio.AioRpcError) as refused:
                await put(listed(VALUES_MAX - 1))
            assert refused.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
            for _count in range(2):  # It is counted for each request anew.
                await put(listed(VALUES_MAX - 2))

    asyncio.run(run())
    assert len(table.asked) == 2
