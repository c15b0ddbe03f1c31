"""Kill -9 with a stream enabled: acknowledged writes are all in the stream after the restart, once.

One folder, killed again and again, and a consumer who goes on from where he was.
"""

from __future__ import annotations

import random
import subprocess
import time
from pathlib import Path

from blackbox import STATOR, Start, boto3_client, boto3_streams, wait_until_active
from stream_load import CREATE_TABLE, TABLE, CountingLoad
from stream_reader import StreamReader

KILLS = 6
WRITERS = 6


def test_a_stream_has_every_acknowledged_write_once_after_every_kill(
    start_stator: Start, tmp_path: Path
) -> None:
    chance = random.Random(1)
    load = CountingLoad(WRITERS)
    server = start_stator()
    client = boto3_client(server.url)
    arn = client.create_table(**CREATE_TABLE)["TableDescription"]["LatestStreamArn"]
    wait_until_active(client, TABLE)
    client.close()
    follower: StreamReader | None = None
    for _ in range(KILLS):
        streams = boto3_streams(server.url)
        if follower is None:
            follower = StreamReader(streams, arn)
        else:
            follower.speak_to(streams)
        load.begin(server.url)
        load.wait_for_acknowledged(50)
        follower.turn()
        time.sleep(chance.uniform(0.0, 0.3))
        server.kill()
        load.end()
        streams.close()
        verified = subprocess.run(
            [STATOR, "verify", tmp_path / "data"], capture_output=True, text=True, timeout=60
        )
        assert verified.returncode == 0, verified.stdout + verified.stderr
        server = start_stator()
        client, streams = boto3_client(server.url), boto3_streams(server.url)
        # One consumer begins anew, the other goes on by the iterators that he had before the kill.
        load.check(client, StreamReader(streams, arn).read_all())
        follower.speak_to(streams)
        load.check(client, follower.read_all())
        client.close()
        streams.close()
    assert server.stop() == 0


def test_a_stream_switched_under_load_and_kills_has_no_gap(start_stator: Start) -> None:
    """What lies between enabling and disabling is in the stream of that time, without gap."""
    load = CountingLoad(2)
    server = start_stator()
    client = boto3_client(server.url)
    client.create_table(**{**CREATE_TABLE, "StreamSpecification": {"StreamEnabled": False}})
    wait_until_active(client, TABLE)
    arns = []
    for _ in range(3):
        load.begin(server.url)
        load.wait_for_acknowledged(20)
        enabled = client.update_table(
            TableName=TABLE, StreamSpecification=CREATE_TABLE["StreamSpecification"]
        )
        arns.append(enabled["TableDescription"]["LatestStreamArn"])
        wait_until_active(client, TABLE)
        load.wait_for_acknowledged(40)
        client.update_table(TableName=TABLE, StreamSpecification={"StreamEnabled": False})
        server.kill()
        load.end()
        client.close()
        server = start_stator()
        client = boto3_client(server.url)
        wait_until_active(client, TABLE)
    streams = boto3_streams(server.url)
    last: dict[str, int] = {}
    for arn in arns:
        records = StreamReader(streams, arn).read_all()
        assert len(records) >= 40
        for counter in load.counters:
            numbers = [
                int(record["dynamodb"]["NewImage"]["n"]["N"])
                for record in records
                if record["dynamodb"]["Keys"]["pk"]["S"] == counter.name
            ]
            assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
            assert numbers[0] > last.get(counter.name, 0)
            last[counter.name] = numbers[-1]
    streams.close()
    client.close()
    assert server.stop() == 0
