"""Who may answer what: leaders, followers, and partitions that hold another range."""

from __future__ import annotations

import asyncio

import orjson
import pytest

from small_cluster import SmallCluster
from stator_core.errors import ConditionalCheckFailedException, ServiceUnavailable
from stator_node import raft_commit
from stator_node.errand import refused_error
from stator_node.operation_codes import OperationCode
from stator_node.partition_requests import refusal
from stator_node.pending import wait
from stator_node.transport.frame_format import EVENTUAL, Status

PUT = {"TableName": "Music", "Item": {"pk": {"S": "a"}}}
GET = {"TableName": "Music", "Key": {"pk": {"S": "a"}}, "ConsistentRead": True}


def test_a_follower_redirects_writes_and_strong_reads_and_serves_eventual_ones() -> None:
    async def run() -> None:
        async with SmallCluster() as cluster:
            await cluster.create_table()
            await cluster.execute("PutItem", **PUT)
            leader = cluster.leader()
            follower = next(pod for pod in cluster.pods if pod is not leader)
            for code, body in ((OperationCode.PUT_ITEM, PUT), (OperationCode.GET_ITEM, GET)):
                answer = await cluster.ask(follower.node_id, 1, code, body)
                assert answer.status is Status.REDIRECT
                assert orjson.loads(answer.body)["leader"] == leader.node_id
            applied = leader.partitions[1].log.applied
            await cluster.until(lambda: follower.partitions[1].log.applied >= applied)
            read = await wait(
                cluster.links.request(
                    follower.node_id, 1, OperationCode.GET_ITEM, EVENTUAL, orjson.dumps(GET), 5.0
                )
            )
            assert read.status is Status.RESULT
            assert orjson.loads(read.body) == {"Item": PUT["Item"]}

    asyncio.run(run())


def test_a_key_outside_the_range_is_redirected_and_not_written() -> None:
    async def run() -> None:
        async with SmallCluster() as cluster:
            await cluster.create_table()
            leader = cluster.leader()
            body = {"at_hash": f"{1 << 63:017x}", "child_id": 2}
            await cluster.ask(leader.node_id, 1, OperationCode.SPLIT, body)
            await cluster.until(lambda: cluster.has_leader(2))
            answers = set()
            for number in range(20):
                put = {"TableName": "Music", "Item": {"pk": {"S": f"key-{number}"}}}
                answer = await cluster.ask(leader.node_id, 1, OperationCode.PUT_ITEM, put)
                answers.add(answer.status)
            assert answers == {Status.RESULT, Status.REDIRECT}
            read = await cluster.execute("Scan", TableName="Music", ConsistentRead=True)
            assert 0 < read["Count"] < 20

    asyncio.run(run())


def test_writes_are_refused_and_not_piled_up_while_a_disk_hangs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(raft_commit, "WAITING_BYTES_MAX", 3_000_000)

    async def run() -> None:
        async with SmallCluster() as cluster:
            await cluster.create_table()
            commit = cluster.leader().partitions[1].commit
            value = {"S": "x" * 390_000}
            puts = [
                cluster.ask(
                    cluster.leader().node_id,
                    1,
                    OperationCode.PUT_ITEM,
                    {"TableName": "Music", "Item": {"pk": {"S": f"{number}"}, "v": value}},
                )
                for number in range(20)
            ]
            with monkeypatch.context() as hung:
                hung.setattr(commit, "take", lambda: None)
                asked = [asyncio.ensure_future(put) for put in puts]
                await cluster.until(lambda: sum(each.done() for each in asked) > 10)
                refused = [each.result() for each in asked if each.done()]
            assert {answer.status for answer in refused} == {Status.REFUSED}
            assert isinstance(refused_error(refused[0].body), ServiceUnavailable)
            commit._propose_soon()
            answers = [await each for each in asked]
            assert {answer.status for answer in answers} == {Status.REFUSED, Status.RESULT}
            await cluster.execute("PutItem", **PUT)

    asyncio.run(run())


def test_an_unknown_partition_is_unavailable() -> None:
    async def run() -> None:
        async with SmallCluster() as cluster:
            answer = await cluster.ask("n0", 99, OperationCode.PUT_ITEM, PUT)
            assert answer.status is Status.UNAVAILABLE

    asyncio.run(run())


def test_a_refusal_is_the_same_error_at_the_gateway() -> None:
    error = ConditionalCheckFailedException("no", Item={"pk": {"S": "a"}})

    again = refused_error(refusal(error))

    assert type(again) is ConditionalCheckFailedException
    assert again.body() == error.body()
