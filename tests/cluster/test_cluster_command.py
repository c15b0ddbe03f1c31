"""`stator cluster` as its users know it: what it prints, what it does, and how it says no."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from blackbox import STATOR, boto3_client, wait_for
from cluster.zones import TABLE, ZONES, Zones

MUSIC = "Music"


@pytest.fixture(scope="module")
def zones(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Zones]:
    """One cluster for all of them: nothing here hurts it."""
    cluster = Zones(tmp_path_factory.mktemp("zones"))
    try:
        cluster.start()
        cluster.create_table()
        cluster.wait_until_whole()
        yield cluster
    finally:
        cluster.end()


def run(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [str(STATOR), "cluster", *words, "--folder", str(folder)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)


def done(zones: Zones, *words: str) -> str:
    """What a command that must succeed printed."""
    ran = run(zones.data, *words)
    assert ran.returncode == 0, ran.stderr
    assert ran.stderr == ""
    return ran.stdout


def refused(folder: Path, *words: str) -> str:
    """Why a command said no."""
    ran = run(folder, *words)
    assert ran.returncode == 1, ran.stdout
    assert ran.stdout == ""
    assert ran.stderr.startswith("stator: ")
    assert ran.stderr.count("\n") == 1, "one line, and no trace of the program"
    return ran.stderr


def test_status_shows_nodes_partitions_leaders_and_lag(zones: Zones) -> None:
    lines = done(zones, "status").splitlines()

    assert lines[0].startswith("Cluster ")
    assert lines[2].split() == [
        "ZONE", "NODE", "STATE", "LEADS", "REPLICAS", "SIZE", "FREE", "ADDRESS",
    ]  # fmt: skip
    assert [line.split()[0] for line in lines[3:6]] == list(ZONES)
    assert all(line.split()[2] == "ALIVE" for line in lines[3:6])
    assert lines[7].startswith("TABLE    PARTITION  FROM HASH         LEADER  REPLICAS (LAG)")
    words = lines[8].split()
    assert words[:3] == [TABLE, "1", "0" * 16]
    assert words[3] in ZONES
    assert all(f"{zone} (" in lines[8] for zone in ZONES)


def test_status_is_json_for_programs(zones: Zones) -> None:
    status = json.loads(done(zones, "status", "--output", "json"))

    assert [node["zone"] for node in status["nodes"]] == list(ZONES)
    assert sum(node["leads"] for node in status["nodes"]) == len(status["partitions"])
    partition = status["partitions"][0]
    assert partition["table"] == TABLE
    assert partition["leader"] in {node["node_id"] for node in status["nodes"]}
    assert partition["range"] == ["0" * 17, "1" + "0" * 16]
    assert [member["role"] for member in partition["replicas"]] == ["VOTER"] * 3
    assert all(member["lag"] is not None for member in partition["replicas"])


def test_transfer_has_the_named_node_lead(zones: Zones) -> None:
    target = zones.follower_zone()
    partition_id = f"{zones.partitions()[0]['partition_id']}"

    told = done(zones, "transfer", partition_id, target)

    assert told == f"Node {zones.node_id(target)} is to lead partition {partition_id}.\n"
    wait_for(lambda: zones.leader_zone() == target or None, "the target leads")


def test_drain_moves_leaders_off_until_it_is_cancelled(zones: Zones) -> None:
    zone = zones.leader_zone()

    assert "is being drained" in done(zones, "drain", zone)
    wait_for(lambda: zones.leads(zone) == 0 or None, "no leader on the drained node", 30)
    assert f"{zone}  {zones.node_id(zone)}  DRAINING" in done(zones, "status")
    assert done(zones, "drain", zone, "--cancel") == f"Node {zones.node_id(zone)} stays.\n"
    assert "DRAINING" not in done(zones, "status")


def test_split_cuts_where_it_is_told_to(zones: Zones) -> None:
    partition = zones.partitions()[0]
    told = json.loads(
        done(zones, "split", f"{partition['partition_id']}", "--at", "4" + "0" * 15,
             "--output", "json")
    )  # fmt: skip

    assert told["at"] == "4" + "0" * 15
    wait_for(lambda: len(zones.partitions()) == 2 or None, "two partitions")
    left, right = zones.partitions()
    assert left["partition_id"] == partition["partition_id"]
    assert right["partition_id"] == told["child_id"]
    assert left["range"][1] == right["range"][0] == "04" + "0" * 15


def test_split_of_a_table_cuts_its_largest_partition_in_the_middle(zones: Zones) -> None:
    zones.wait_until_whole()  # A partition that is just born cannot be cut at once.
    before = zones.partitions()
    told = done(zones, "split", TABLE)

    assert " ends at " in told
    wait_for(lambda: len(zones.partitions()) == len(before) + 1 or None, "one more partition")


def test_merge_has_a_partition_take_over_its_right_neighbour(zones: Zones) -> None:
    zones.wait_until_whole()
    before = zones.partitions()
    left, right = before[:2]
    told = done(zones, "merge", f"{left['partition_id']}")

    end = right["range"][1]
    assert told == (
        f"Partition {left['partition_id']} has taken over partition {right['partition_id']} "
        f"and ends at {end} from now on.\n"
    )
    assert [each["partition_id"] for each in zones.partitions()] == [
        each["partition_id"] for each in before if each is not right
    ]
    assert zones.partitions()[0]["range"] == [left["range"][0], end]


def test_a_split_is_done_though_the_leader_has_just_ended(zones: Zones) -> None:
    """It was refused, or lost with the leader that had taken it on."""
    zones.wait_until_whole()
    before = zones.partitions()
    zones.kill_node(zones.leader_zone())
    done(zones, "split", TABLE)

    zones.wait_until_whole()
    assert len(zones.partitions()) == len(before) + 1


def test_a_table_with_global_indexes_is_split_like_any_other(zones: Zones) -> None:
    client = boto3_client(zones.url)
    client.create_table(
        TableName=MUSIC,
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in "ab"],
        KeySchema=[{"AttributeName": "a", "KeyType": "HASH"}],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "by-b",
                "KeySchema": [{"AttributeName": "b", "KeyType": "HASH"}],
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
        BillingMode="PAY_PER_REQUEST",
    )
    wait_for(lambda: zones.partitions(MUSIC) or None, "a partition")
    wait_for(lambda: zones.partitions(MUSIC)[0]["leader"], "a leader")

    assert " ends at " in done(zones, "split", MUSIC)
    wait_for(lambda: len(zones.partitions(MUSIC)) == 2 or None, "one more partition")
    wait_for(lambda: len(zones.partitions(f"{MUSIC}/by-b")) == 1 or None, "the index's own")
    wait_for(lambda: len(indexes_told(zones)) == 2 or None, "a line for each partition")
    for line in indexes_told(zones):
        assert line.split() == [f"{MUSIC}/by-b", line.split()[1], "0.0", "s", "0", "100%"]


def indexes_told(zones: Zones) -> list[str]:
    """What the status says of indexes, without the heading."""
    lines = done(zones, "status").splitlines()
    begin = next((n for n, line in enumerate(lines) if line.startswith("INDEX ")), len(lines))
    return [line for line in lines[begin + 1 :] if line.startswith(f"{MUSIC}/")]


@pytest.mark.parametrize(
    "words, reason",
    [
        (["drain", "zone-9"], "no node is called 'zone-9'; the nodes: "),
        (["remove", "zone-1"], "drain it first, or stop it if it must be given up"),
        (["split", "Nothing"], "there is no table with partitions Nothing"),
        (["split", "99"], "there is no partition 99"),
        (["merge", "99"], "there is no partition 99"),
        (["transfer", "99", "zone-1"], "there is no partition 99"),
    ],
)
def test_what_cannot_be_is_refused_with_a_reason(
    zones: Zones, words: list[str], reason: str
) -> None:
    assert reason in refused(zones.data, *words)


def test_a_cut_outside_the_partition_is_refused(zones: Zones) -> None:
    last = f"{zones.partitions()[-1]['partition_id']}"

    assert "does not cut partition" in refused(zones.data, "split", last, "--at", "1")


def test_the_last_partition_has_nobody_to_take_over(zones: Zones) -> None:
    last = f"{zones.partitions()[-1]['partition_id']}"

    assert f"partition {last} has no right neighbour" in refused(zones.data, "merge", last)


def test_a_folder_without_a_cluster_is_told_of(tmp_path: Path) -> None:
    assert "cluster.json: `stator local --zones 3` writes it" in refused(tmp_path, "status")


def test_a_cluster_that_does_not_run_is_told_of(zones: Zones, tmp_path: Path) -> None:
    control = tmp_path / "control"
    control.mkdir()
    content = json.loads((zones.data / "control" / "cluster.json").read_text())
    content["supervisor"]["port"] = 1
    (control / "cluster.json").write_text(json.dumps(content))

    assert "nobody answers at 127.0.0.1:1: is the cluster running?" in refused(tmp_path, "status")


def test_another_cluster_at_that_port_is_told_of(zones: Zones, tmp_path: Path) -> None:
    control = tmp_path / "control"
    control.mkdir()
    content = json.loads((zones.data / "control" / "cluster.json").read_text())
    content["cluster_id"] = "another"
    (control / "cluster.json").write_text(json.dumps(content))

    assert "you are of another" in refused(tmp_path, "status")


@pytest.mark.parametrize(
    "words", [["split"], ["transfer", "one", "zone-1"], ["split", "T", "--at", "xyz"], ["grow"]]
)
def test_wrong_words_end_with_two(tmp_path: Path, words: list[str]) -> None:
    assert run(tmp_path, *words).returncode == 2
