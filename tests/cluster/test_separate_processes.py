"""Nodes, a supervisor and gateways as processes of their own: they find each other by names alone.

What a pod may lose (its supervisor, its gateway, another node) while the rest goes on.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from blackbox import wait_for
from cluster.separate import ZONES, Pods, Process, client_of, create_music, has, put


@pytest.fixture
def pods(tmp_path: Path) -> Iterator[Pods]:
    made = Pods(tmp_path)
    yield made
    made.end()


def start(pods: Pods) -> tuple[Process, Process]:
    """Everybody. Returns the supervisor and a gateway."""
    for zone in ZONES:
        pods.start_node(zone)
    return pods.start_supervisor(), pods.start_gateway()


def test_a_table_is_made_written_read_and_deleted(pods: Pods) -> None:
    start(pods)
    gateway = pods.start_gateway("zone-2")
    client = client_of(gateway)

    create_music(client)
    put(client, "a")  # A client that has heard ACTIVE does not wait.
    assert has(client, "a")
    assert client.list_tables()["TableNames"] == ["Music"]
    with pytest.raises(client.exceptions.ResourceInUseException):
        create_music(client)
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.describe_table(TableName="Nothing")

    client.delete_table(TableName="Music")
    wait_for(lambda: True if client.list_tables()["TableNames"] == [] else None, "deleted")
    client.close()


def test_gateways_and_nodes_tell_their_figures(pods: Pods) -> None:
    start(pods)
    gateway = pods.start_gateway()
    client = client_of(gateway)
    create_music(client)
    for number in range(3):
        put(client, f"k{number}")
    assert has(client, "k0")
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.get_item(TableName="Nothing", Key={"pk": {"S": "k"}})
    client.close()

    told = gateway.figures()
    assert 'stator_gateway_requests_total{operation="PutItem",error=""} 3\n' in told
    assert 'requests_total{operation="GetItem",error="ResourceNotFoundException"} 1\n' in told
    assert 'stator_gateway_request_seconds_count{operation="PutItem"} 3\n' in told
    nodes = [pods.nodes[zone].figures() for zone in ZONES]
    assert all("\nstator_storage_partitions 1\n" in each for each in nodes)
    assert sum("\nstator_storage_leads 1\n" in each for each in nodes) == 1


def test_items_are_served_while_nobody_steers_by_a_new_gateway_too(pods: Pods) -> None:
    supervisor, first = start(pods)
    client = client_of(first)
    create_music(client)
    put(client, "before")

    supervisor.kill()
    put(client, "without")
    first.kill()
    client.close()
    second = pods.start_gateway()
    client = client_of(second)

    assert has(client, "before")
    assert has(client, "without")
    put(client, "by the second")
    assert client.list_tables()["TableNames"] == ["Music"]
    assert client.describe_table(TableName="Music")["Table"]["TableStatus"] == "ACTIVE"
    with pytest.raises(client.exceptions.ClientError, match="supervisor is away"):
        client.delete_table(TableName="Music")

    pods.start_supervisor()
    wait_for(lambda: _deleted(client), "the supervisor that came back is found")
    client.close()


def _deleted(client: Any) -> bool | None:
    try:
        client.delete_table(TableName="Music")
    except client.exceptions.ClientError:
        return None
    return True


def test_a_node_that_is_drained_and_started_again_fails_no_write(pods: Pods) -> None:
    _, gateway = start(pods)
    client = client_of(gateway)
    create_music(client)
    for number, zone in enumerate(ZONES):
        node = pods.nodes[zone]
        put(client, f"before {number}")
        assert node.stop() == 0
        put(client, f"after {number}")
        pods.start_node(zone)

        def serves(zone: str = zone) -> bool | None:
            return True if pods.nodes[zone].health("/ready") == 200 else None

        wait_for(serves, f"the node of {zone} is back")

    assert all(has(client, f"{when} {n}") for when in ("before", "after") for n in range(3))
    client.close()


def test_a_node_is_ready_when_it_has_what_was_written_without_it(pods: Pods) -> None:
    """As after a power cut, with nobody who steers: nodes find a leader before they are ready."""
    supervisor, gateway = start(pods)
    client = client_of(gateway)
    create_music(client)
    first, *others = ZONES
    put(client, "with all three")
    pods.nodes[first].kill()
    for number in range(20):
        wait_for(lambda n=number: written(client, f"without {n}"), "a write without it")
    supervisor.kill()
    for zone in others:
        pods.nodes[zone].kill()

    alone = pods.start_node(first, awaited="/started")
    time.sleep(2.0)  # an election would be over
    assert [alone.health(path) for path in ("/started", "/alive", "/ready")] == [200, 200, 503]
    pods.start_node(others[0])
    wait_for(lambda: alone.health("/ready") == 200 or None, "it has what it lacked")
    pods.nodes[others[0]].kill()
    pods.start_node(others[1])

    # What two have written is there with the one that was away and the one that is back.
    keys = ["with all three", *(f"without {n}" for n in range(20))]
    wait_for(lambda: readable(client, keys[0]), "a leader of the two")
    assert all(has(client, key) for key in keys)
    assert alone.health("/ready") == 200, "ready once is ready until the end"
    client.close()


def readable(client: Any, key: str) -> bool | None:
    try:
        return has(client, key) or None
    except client.exceptions.ClientError:
        return None


def test_a_fenced_node_ends_and_writes_go_on_without_it(pods: Pods) -> None:
    """In a pod the kubelet starts it again, and it waits until the fence is down."""
    _, gateway = start(pods)
    client = client_of(gateway)
    create_music(client)
    for zone in ZONES:
        put(client, f"before {zone}")
        pods.fence_of(zone).write_text("true")
        wait_for(lambda zone=zone: pods.nodes[zone].has_ended() or None, f"the end of {zone}")
        wait_for(lambda zone=zone: written(client, f"without {zone}"), f"a write without {zone}")
        pods.fence_of(zone).write_text("false")
        pods.start_node(zone)
        wait_for(lambda zone=zone: pods.nodes[zone].is_ready() or None, f"{zone} is back")
        wait_for(lambda: pods.is_whole() or None, "three replicas that have everything", 60)

    assert all(has(client, f"{when} {zone}") for when in ("before", "without") for zone in ZONES)
    client.close()


def test_nodes_that_come_back_elsewhere_find_each_other_while_nobody_steers(pods: Pods) -> None:
    """As pods do that get other addresses, one after the other, with the supervisor gone."""
    supervisor, gateway = start(pods)
    client = client_of(gateway)
    create_music(client)
    put(client, "before")
    supervisor.kill()

    for zone in ZONES[:2]:
        assert pods.nodes[zone].stop() == 0
        pods.move_node(zone)
        # A majority is one that was moved and another one: they must find each other.
        wait_for(lambda zone=zone: written(client, f"after {zone}"), f"writes after {zone} moved")
    pods.nodes[ZONES[2]].kill()
    wait_for(lambda: written(client, "by the two that moved"), "writes of the two that moved")

    assert has(client, "before")
    client.close()


def written(client: object, key: str) -> bool | None:
    try:
        put(client, key)
    except client.exceptions.ClientError:  # type: ignore[attr-defined]
        return None
    return True


def test_a_gateway_that_has_found_nobody_is_not_ready(pods: Pods) -> None:
    supervisor = pods.start_supervisor(awaited="/started")
    assert supervisor.health("/ready") == 503  # It does not know whether the cluster is new.

    with pytest.raises(Exception, match="not ready in"):
        pods.start_gateway()


def test_the_operator_hears_at_its_port_whether_the_pool_is_whole(pods: Pods) -> None:
    _, gateway = start(pods)
    client = client_of(gateway)
    create_music(client)

    def lacking(count: int) -> bool | None:
        return True if pods.pool()["partitions"]["lacking"] == count else None

    wait_for(lambda: lacking(0), "every partition has its replicas")
    pods.nodes[ZONES[0]].kill()
    wait_for(lambda: lacking(1), "a replica is away")
    pods.start_node(ZONES[0])
    wait_for(lambda: lacking(0), "it is back")
    client.close()
