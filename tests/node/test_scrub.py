"""The scrub: replicas that hold other bytes than their peers are found and made good."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from small_cluster import SmallCluster
from stator_node.scrub import outvoted


def report(replica_id: int, digest: str | None, index: int = 7) -> dict[str, Any]:
    scrubbed = None if digest is None else {"index": index, "digest": digest}
    return {"replica_id": replica_id, "scrubbed": scrubbed}


@pytest.mark.parametrize(
    "reports, different",
    [
        ([report(1, "a"), report(2, "a"), report(3, "a")], []),
        ([report(1, "a"), report(2, "b"), report(3, "a")], [2]),
        ([report(1, "a"), report(2, "b"), report(3, "c")], []),  # Nobody can say who is right.
        ([report(1, "a"), report(2, "b")], []),
        ([report(1, "a"), report(2, "b"), report(3, None)], []),
        ([report(1, "a"), report(2, "b", index=8), report(3, "a")], []),  # Not of one moment.
    ],
)
def test_only_a_majority_at_one_index_tells_who_differs(
    reports: list[dict[str, Any]], different: list[int]
) -> None:
    assert list(outvoted(reports)) == different


def test_a_replica_with_other_bytes_is_rebuilt() -> None:
    async def run() -> None:
        async with SmallCluster() as cluster:
            await cluster.create_table()
            for number in range(30):
                item = {"pk": {"S": f"key-{number}"}}
                await cluster.execute("PutItem", TableName="Music", Item=item)
            leader = cluster.leader()
            wrong = next(pod for pod in cluster.pods if pod is not leader)
            wanted = list(leader.store.cursor("items", b"", b"\xff"))
            await cluster.until(lambda: list(wrong.store.cursor("items", b"", b"\xff")) == wanted)
            wrong.store.write([("items", wanted[3][0], None)], sync=True)
            cluster.supervisor.scrub_every(0.5)
            await cluster.until(lambda: list(wrong.store.cursor("items", b"", b"\xff")) == wanted)
            await cluster.until(lambda: not wrong.partitions[1].rebuilding)

    asyncio.run(run())
