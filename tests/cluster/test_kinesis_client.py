"""AWS's own consumer library follows a stream through a split, and goes on where it stopped."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from blackbox import boto3_client, wait_for, wait_until_active
from cluster import kinesis_client
from cluster.kinesis_client import Follower, Record
from cluster.zones import Zones
from stream_load import CREATE_TABLE, TABLE, CountingLoad

WRITERS = 4
SECONDS_MAX = 400.0  # a virtual machine starts, leases are taken, shards are looked for
Start = Callable[[str, str], Follower]


@pytest.fixture(params=kinesis_client.VERSIONS)
def start(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Start]:
    """`start(url, arn)` runs the consumer, again and again under one name."""
    version = request.param
    try:
        kinesis_client.program(version)
    except kinesis_client.NoJava as absent:
        pytest.skip(str(absent))
    started: list[Follower] = []

    def begin(url: str, arn: str) -> Follower:
        started.append(Follower(version, url, arn, tmp_path))
        return started[-1]

    yield begin
    for each in started:
        each.kill()
        print(each.log.read_text()[-3_000:])


def counts(records: list[Record]) -> dict[str, list[int]]:
    """What came of each item, in the order in which it came."""
    found: dict[str, list[int]] = {}
    for record in records:
        found.setdefault(record.key, []).append(record.count)
    return found


@pytest.mark.timeout(900)
def test_the_kinesis_client_library_reads_each_change_once_through_a_split(
    zones: Zones, start: Start
) -> None:
    client = boto3_client(zones.url)
    arn = client.create_table(**CREATE_TABLE)["TableDescription"]["LatestStreamArn"]
    wait_until_active(client, TABLE)
    load = CountingLoad(WRITERS)

    def write(more: int) -> None:
        goal = load.acknowledged + more
        load.begin(zones.url)
        wait_for(lambda: load.acknowledged >= goal or None, f"{goal} writes", SECONDS_MAX)
        load.end()

    def follow(follower: Follower, before: list[Record]) -> list[Record]:
        """Wait until everything that was written has come."""

        def all_there() -> list[Record] | None:
            records = [*before, *follower.records]
            return records if len(records) >= load.acknowledged else None

        return wait_for(all_there, "every record", SECONDS_MAX)

    write(50)
    follower = start(zones.url, arn)
    follow(follower, [])
    zones.ask("split", TABLE)
    wait_for(lambda: len(zones.partitions(TABLE)) == 2 or None, "two partitions", SECONDS_MAX)
    write(100)
    records = follow(follower, [])
    assert follower.stop() == 0
    # The same application goes on behind its checkpoints.
    write(50)
    again = start(zones.url, arn)
    records = follow(again, records)
    assert again.stop() == 0

    found = counts(records)
    assert sum(map(len, found.values())) == load.acknowledged
    assert all(each == list(range(1, len(each) + 1)) for each in found.values()), found
    shards = {record.shard for record in records}
    assert len(shards) == 3
    (parent,) = (line.split()[1] for line in follower.lines if line.startswith("ended "))
    begun = [line.split()[1] for line in follower.lines if line.startswith("begun ")]
    assert begun[0] == parent
    assert {parent, *begun} == shards
    parents_end = follower.lines.index(f"ended {parent}")
    children = (follower.lines.index(each) for each in follower.lines if each.startswith("begun "))
    assert all(at > parents_end for at in itertools.islice(children, 1, None))
    assert "Traceback" not in zones.written
    client.delete_table(TableName=TABLE)
    wait_for(lambda: TABLE not in client.list_tables()["TableNames"] or None, "no table")
    client.close()
