"""Do all replicas of a table hold the same items? Each is asked by itself, past every gateway."""

from __future__ import annotations

from typing import Any

from blackbox import wait_for
from cluster.frames import FramePeer
from cluster.zones import TABLE, ZONES, Zones
from stator_node import cluster_file
from stator_node.item_operations import END_PLACE, START_PLACE
from stator_node.operation_codes import OperationCode
from stator_node.transport.frame_format import EVENTUAL, Status


def assert_copies_agree(zones: Zones, table: str = TABLE) -> int:
    """Compare what the replicas of each partition hold, while nobody writes. Returns how much."""
    zones.wait_until_whole()
    wait_for(lambda: _all_applied(zones) or None, "replicas that lag behind in nothing")
    count = 0
    for partition in zones.partitions(table):
        copies = {zone: items_of(zones, zone, partition) for zone in ZONES}
        first = copies[ZONES[0]]
        for zone, items in copies.items():
            keys = {item["pk"]["S"] for item in items} ^ {item["pk"]["S"] for item in first}
            assert items == first, f"{zone} and {ZONES[0]} differ, by keys: {sorted(keys)[:20]}"
        count += len(first)
    return count


def items_of(zones: Zones, zone: str, partition: dict[str, Any]) -> list[Any]:
    """All items of one replica, in order of their hashes."""
    cluster = cluster_file.read(zones.data / "control")
    start, end = partition["range"]
    body: dict[str, Any] = {"TableName": partition["table"], START_PLACE: start, END_PLACE: end}
    items: list[Any] = []
    with FramePeer(cluster, cluster.nodes[zone]) as peer:
        while True:
            answer = peer.ask(OperationCode.SCAN, body, partition["partition_id"], flags=EVENTUAL)
            assert answer.status is Status.RESULT, answer
            items += answer.body["Items"]
            if "LastEvaluatedKey" not in answer.body:
                return items
            body["ExclusiveStartKey"] = answer.body["LastEvaluatedKey"]


def _all_applied(zones: Zones) -> bool:
    return all(
        member["lag"] == 0
        for partition in zones.status()["partitions"]
        for member in partition["replicas"]
    )
