"""Processes that stop for a while and wake with yesterday's news never pass it off as today's."""

from __future__ import annotations

import time
from pathlib import Path

from cluster.frames import FrameAnswer, FramePeer
from cluster.load import under_load
from cluster.zones import TABLE, Zones
from history_load import item_of, request_of
from stator_node import cluster_file
from stator_node.operation_codes import OperationCode
from stator_node.transport.frame_format import Status

SLEEP_SECONDS = 3.0
READS_AT_WAKING = 20


def test_a_frozen_leader_wakes_and_tells_nothing_stale(zones: Zones, tmp_path: Path) -> None:
    """Strong reads wait in its sockets while it sleeps, and are the first that it sees."""
    cluster = cluster_file.read(zones.data / "control")
    with under_load(zones, tmp_path, seed=20) as load:
        for _ in range(2):
            leader = zones.leader_zone()
            partition_id = zones.partitions()[0]["partition_id"]
            began = time.monotonic()
            with FramePeer(cluster, cluster.nodes[leader]) as peer:
                with zones.frozen(leader):
                    time.sleep(SLEEP_SECONDS)
                    load.wait_for_success()
                    key = load.registers[0]
                    for number in range(READS_AT_WAKING):
                        load.history.invoke(f"past-{began}-{number}", "read", key)
                        _, body = request_of(TABLE, "read", key, None)
                        peer.send(OperationCode.GET_ITEM, body, partition_id)
                for number in range(READS_AT_WAKING):
                    outcome, result = read_by(peer.answer())
                    load.history.returned(f"past-{began}-{number}", outcome, result)
            zones.wait_until_whole()
            print(f"leader frozen: {load.longest_pause(began):.2f} s without a write")


def read_by(answer: FrameAnswer) -> tuple[str, object]:
    """What a read told: an item, or nothing."""
    if answer.status is Status.RESULT:
        return "ok", item_of(answer.body.get("Item"))
    return "not_done", None


def test_a_frozen_follower_is_not_waited_for(zones: Zones, tmp_path: Path) -> None:
    with under_load(zones, tmp_path, seed=21) as load:
        began = time.monotonic()
        with zones.frozen(zones.follower_zone()):
            time.sleep(SLEEP_SECONDS)
        zones.wait_until_whole()
        print(f"follower frozen: {load.longest_pause(began):.2f} s without a write")


def test_two_frozen_nodes_stop_writes_and_strong_reads(zones: Zones, tmp_path: Path) -> None:
    with under_load(zones, tmp_path, seed=22) as load:
        leader, follower = zones.leader_zone(), zones.follower_zone()
        other = next(
            iter(set(cluster_file.read(zones.data / "control").nodes) - {leader, follower})
        )
        with zones.frozen(follower, other):
            time.sleep(1.5)
            before = len(load.successes)
            time.sleep(2)
            assert len(load.successes) == before, "one node of three acknowledged a write"
        zones.wait_until_whole()
