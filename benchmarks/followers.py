"""`make bench-followers`: what indexes, streams and time to live cost, and how far they are behind.

    python benchmarks/followers.py [--quick] [--only one|three] [--backfill N] [--expired N]

One process of Stator, then three zones: writes to a plain table beside writes to one with a stream
and an ALL index, turn by turn; how long an answered write needs to be in the index, and in the
stream, while writes go on; GetRecords from the beginning of a stream; an index added to a table
with items; a sweep of expired items beside reads. Prints as it goes and, for a whole run, writes a
page beside the other results. Aims: at least half of the plain rate; an index behind by less than
a second at p99; the p99 of reads beside a sweep within 1.5 of that without one.
"""

from __future__ import annotations

import argparse
import itertools
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from clusters import load_average, stator_single, stator_zones
from load import Outcome
from report import QUIET, processor
from run import measure, middle
from servers import ACCESS_KEY, ROOT, SECRET, SIGNER, Server
from workloads import ITEMS, create_table, fill, get_item, item, requests_of

CLIENTS = (16, 64)
ROUNDS = 3
PROBES = 100
KEYS_CHANGED = ITEMS // 8
PLAIN, FOLLOWED, STREAMED, INDEXED = "items", "followed", "streamed", "indexed"
INDEX = {
    "IndexName": "by-name",
    "KeySchema": [{"AttributeName": "name", "KeyType": "HASH"}],
    "Projection": {"ProjectionType": "ALL"},
}
STREAM = {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}
DEFINITIONS = [{"AttributeName": name, "AttributeType": "S"} for name in ("id", "name")]


def main() -> None:
    parser = argparse.ArgumentParser(description="What followers of writes cost")
    parser.add_argument("--quick", action="store_true", help="short cells, small tables")
    parser.add_argument("--only", choices=("one", "three"), help="one process, or three zones")
    parser.add_argument("--backfill", type=int, default=1_000_000, help="items of the new index")
    parser.add_argument("--expired", type=int, default=100_000, help="items that expire at once")
    parser.add_argument("--seconds", type=float, default=4.5, help="length of one cell in all")
    parser.add_argument("--folder", type=Path, help="where data folders are made")
    options = parser.parse_args()
    if options.quick:
        options.backfill, options.expired, options.seconds = 20_000, 5_000, 1.5
    load_before = load_average()
    servers = {"one": stator_single(), "three": stator_zones()}
    parent = Path(tempfile.mkdtemp(prefix="stator-bench-followers-", dir=options.folder))
    lines: list[str] = []
    for name, server in servers.items():
        if options.only in (None, name):
            lines += measure_server(server, parent, options)
    shutil.rmtree(parent, ignore_errors=True)
    page = markdown(lines, load_before)
    print("\n" + page)
    if not options.quick and options.only is None:
        (ROOT / "benchmarks" / "results-followers.md").write_text(page)


def measure_server(server: Server, parent: Path, options: argparse.Namespace) -> list[str]:
    """All measurements of one server, as lines of the page."""
    lines = [f"## {server.name}", ""]

    def say(line: str) -> None:
        lines.append(f"- {line}")
        print(f"{server.name}: {line}", flush=True)

    server.start(parent)
    try:
        client = Client(server.port)
        measure_writes(client, options.seconds, say)
        measure_lag(client, say)
        measure_records(client, say)
        measure_backfill(client, options.backfill, say)
        measure_sweep(client, options.expired, options.seconds, say)
    finally:
        server.stop()
    lines.append("")
    return lines


class Client:
    """One server's clients: the load generator's port, and boto3 for what is not counted."""

    def __init__(self, port: int) -> None:
        self.port = port
        settings: dict[str, Any] = {
            "endpoint_url": f"http://127.0.0.1:{port}",
            "region_name": "us-east-1",
            "aws_access_key_id": ACCESS_KEY,
            "aws_secret_access_key": SECRET,
            "config": Config(retries={"total_max_attempts": 5}, read_timeout=120),
        }
        self.tables = boto3.client("dynamodb", **settings)
        self.streams = boto3.client("dynamodbstreams", **settings)

    def create(self, name: str, **members: Any) -> None:
        self.tables.create_table(
            TableName=name,
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=DEFINITIONS
            if "GlobalSecondaryIndexes" in members
            else DEFINITIONS[:1],
            BillingMode="PAY_PER_REQUEST",
            **members,
        )
        wait_until(lambda: self.describe(name)["TableStatus"] == "ACTIVE")

    def describe(self, name: str) -> dict[str, Any]:
        table: dict[str, Any] = self.tables.describe_table(TableName=name)["Table"]
        return table


def wait_until(is_so: Callable[[], object], seconds: float = 1_800.0) -> None:
    deadline = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > deadline:
            raise RuntimeError("it took too long")
        time.sleep(0.02)


def puts_into(table: str) -> list[bytes]:
    """Puts that change something: each key comes several times, never twice with one balance."""
    balances = itertools.count()

    def one(number: int) -> tuple[str, dict[str, Any]]:
        changed = {**item(number % KEYS_CHANGED), "balance": {"N": str(next(balances))}}
        return "PutItem", {"TableName": table, "Item": changed}

    return requests_of(one, SIGNER)


def measure_writes(client: Client, seconds: float, say: Callable[[str], None]) -> None:
    """The same puts into a plain table, and into one with a stream and an ALL index."""
    create_table(client.port, SIGNER, PLAIN)
    client.create(FOLLOWED, GlobalSecondaryIndexes=[INDEX], StreamSpecification=STREAM)
    for name in (PLAIN, FOLLOWED):
        fill(client.port, SIGNER, name, (item(number) for number in range(ITEMS)))
    plain, followed = puts_into(PLAIN), puts_into(FOLLOWED)
    for clients in CLIENTS:
        rounds: tuple[list[Outcome], list[Outcome]] = ([], [])
        for _ in range(ROUNDS):
            for outcomes, signed in zip(rounds, (plain, followed), strict=True):
                outcomes.append(measure(client.port, signed, clients, seconds / ROUNDS))
        one, other = (middle(outcomes) for outcomes in rounds)
        share = other.operations_per_second / one.operations_per_second
        say(
            f"PutItem 1 KB, {clients} clients: plain {one.operations_per_second:,.0f}/s, with a "
            f"stream and an ALL index {other.operations_per_second:,.0f}/s (x {share:.2f}), p99 "
            f"{one.percentile_ms(99):.1f} and {other.percentile_ms(99):.1f} ms, errors "
            f"{one.errors + other.errors}"
        )


@contextmanager
def under_load(port: int, signed: list[bytes]) -> Iterator[None]:
    """Sixteen clients write meanwhile."""
    ended = threading.Event()

    def write() -> None:
        while not ended.is_set():
            measure(port, signed, 16, 0.5)

    thread = threading.Thread(target=write)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def measure_lag(client: Client, say: Callable[[str], None]) -> None:
    """From the answer of a write until a Query of the index finds it, while others write."""
    waits = []
    with under_load(client.port, puts_into(FOLLOWED)):
        for probe in range(PROBES):
            name = {"S": f"probe-{probe}"}
            client.tables.put_item(TableName=FOLLOWED, Item={"id": name, "name": name})
            answered = time.perf_counter()
            while not is_in_index(client, name):
                pass
            waits.append(time.perf_counter() - answered)
    waits.sort()
    middle_of, last = waits[len(waits) // 2], waits[len(waits) * 99 // 100]
    say(
        f"an index under the writes of 16 clients is behind by {middle_of * 1000:.0f} ms at p50, "
        f"{last * 1000:.0f} ms at p99 ({PROBES} probes, looked for again and again)"
    )


def is_in_index(client: Client, name: dict[str, str]) -> bool:
    found = client.tables.query(
        TableName=FOLLOWED,
        IndexName="by-name",
        KeyConditionExpression="#n = :n",
        ExpressionAttributeNames={"#n": "name"},
        ExpressionAttributeValues={":n": name},
    )
    return bool(found["Count"])


def measure_records(client: Client, say: Callable[[str], None]) -> None:
    """GetRecords, a thousand at a time, from the beginning to the end of the stream."""
    arn = client.describe(FOLLOWED)["LatestStreamArn"]
    shards = client.streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]
    count = calls = size = 0
    began = time.perf_counter()
    for shard in shards:
        iterator = client.streams.get_shard_iterator(
            StreamArn=arn, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]
        while iterator is not None:
            answer = client.streams.get_records(ShardIterator=iterator, Limit=1000)
            records = answer["Records"]
            calls += 1
            count += len(records)
            size += sum(record["dynamodb"]["SizeBytes"] for record in records)
            iterator = answer.get("NextShardIterator")
            if not records:
                break
    passed = time.perf_counter() - began
    say(
        f"GetRecords by one boto3 consumer: {count / passed:,.0f} records/s, "
        f"{size / passed / 2**20:.1f} MiB/s ({count:,} records in {calls:,} calls)"
    )


def measure_backfill(client: Client, count: int, say: Callable[[str], None]) -> None:
    """An index that is added to a table with items, until it is ACTIVE."""
    client.create(INDEXED)
    fill(client.port, SIGNER, INDEXED, (item(number, 100) for number in range(count)))
    began = time.perf_counter()
    client.tables.update_table(
        TableName=INDEXED,
        AttributeDefinitions=DEFINITIONS,
        GlobalSecondaryIndexUpdates=[{"Create": INDEX}],
    )
    wait_until(
        lambda: client.describe(INDEXED)["GlobalSecondaryIndexes"][0]["IndexStatus"] == "ACTIVE"
    )
    passed = time.perf_counter() - began
    say(
        f"an index over {count:,} items is filled in {passed:.1f} s ({count / passed:,.0f} items/s)"
    )


def measure_sweep(client: Client, count: int, seconds: float, say: Callable[[str], None]) -> None:
    """Items that have all expired, from when time to live is enabled; reads beside it."""
    client.create("expiring")
    past = {"expires": {"N": str(int(time.time()) - 60)}}
    items = ({"id": {"S": f"{number:08d}"}, **past} for number in range(count))
    fill(client.port, SIGNER, "expiring", items)
    reads = requests_of(get_item, SIGNER)
    before = measure(client.port, reads, 16, seconds)
    client.tables.update_time_to_live(
        TableName="expiring",
        TimeToLiveSpecification={"Enabled": True, "AttributeName": "expires"},
    )
    began = time.perf_counter()
    beside: list[Outcome] = []
    while client.tables.scan(TableName="expiring", Limit=1, ConsistentRead=True)["Count"]:
        beside.append(measure(client.port, reads, 16, 1.0))
    passed = time.perf_counter() - began
    worst = sorted(outcome.percentile_ms(99) for outcome in beside)
    say(
        f"{count:,} expired items are gone {passed:.0f} s after time to live was enabled; p99 of "
        f"GetItem beside it {worst[len(worst) // 2]:.2f} ms in the middle second, {worst[-1]:.2f} "
        f"in the worst, without it {before.percentile_ms(99):.2f}"
    )


def markdown(lines: list[str], load_before: float) -> str:
    """The page."""
    busy = ": others used the machine, so take the ratios and no figure"
    busy = busy if load_before > QUIET else ""
    head = [
        "# Benchmarks of what follows from a write",
        "",
        f"Written by `make bench-followers` on {datetime.now(UTC):%Y-%m-%d}: {processor()}.",
        "Server and load share the machine.",
        f"The load average before the run was {load_before:.2f}{busy}.",
        "",
        "Aims: at least half of the plain rate with a stream and an ALL index; an index behind by",
        "less than a second at p99; a p99 of reads beside a sweep within 1.5 of that without one.",
        "",
    ]
    return "\n".join(head + lines).rstrip() + "\n"


if __name__ == "__main__":
    main()
