"""What is said of tables is said alike, from the record and from what pods say."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from stator_core.errors import AccessDeniedException, ResourceNotFoundException
from stator_core.table_description import TableStatistics
from stator_node.doors import Caller
from stator_node.memory import ManualClock
from stator_node.table_reading import READS, TableReading
from table_bodies import ACCOUNT, REGION, active, create_body

CALLER = Caller("key", ACCOUNT, REGION, "localhost:8000")
MUSIC = active(create_body(Tags=[{"Key": "team", "Value": "records"}]))


def read(operation: str, caller: Caller = CALLER, **body: Any) -> Any:
    reading = TableReading(
        lambda: {"Music": MUSIC}, lambda _: TableStatistics(7, 700), ManualClock(), ACCOUNT
    )
    assert set(reading.operations()) == set(READS)
    return orjson.loads(reading.operations()[operation](body, caller))


def test_a_table_is_described_by_its_name_and_by_its_arn() -> None:
    for name in ("Music", MUSIC.arn):
        shown = read("DescribeTable", TableName=name)["Table"]
        assert (shown["TableStatus"], shown["ItemCount"]) == ("ACTIVE", 7)


def test_a_table_that_is_not_there_is_not_found_by_name_nor_by_arn() -> None:
    for name in ("Films", "arn:aws:dynamodb:eu-west-2:123456789012:table/Films"):
        with pytest.raises(ResourceNotFoundException):
            read("DescribeTable", TableName=name)


def test_tags_and_settings_are_those_of_the_table() -> None:
    tags = read("ListTagsOfResource", ResourceArn=MUSIC.arn)["Tags"]
    assert tags == [{"Key": "team", "Value": "records"}]
    setting = read("DescribeTimeToLive", TableName="Music")
    assert setting == {"TimeToLiveDescription": {"TimeToLiveStatus": "DISABLED"}}
    other = MUSIC.arn.replace(ACCOUNT, "1" * 12)
    with pytest.raises(AccessDeniedException):
        read("ListTagsOfResource", ResourceArn=other)


def test_limits_and_endpoints_need_no_table() -> None:
    assert read("ListTables") == {"TableNames": ["Music"]}
    assert read("DescribeLimits")["AccountMaxReadCapacityUnits"] > 0
    assert read("DescribeEndpoints")["Endpoints"][0]["Address"] == "localhost:8000"
