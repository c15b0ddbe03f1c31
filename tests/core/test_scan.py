"""Scan: everything once, in any number of segments and pages, and what is refused."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sample_values import global_index, local_index, schema, table
from stator_core.errors import DynamoDBError, SerializationException, ValidationException
from stator_core.item import Item
from stator_core.requests import scan
from stator_core.requests.scan import parse
from stator_core.table import IndexProjection
from stored_table import StoredTable

ENVELOPE = "1 validation error detected: "
KEYS_ONLY = IndexProjection("KEYS_ONLY")
TABLE = table(
    "S",
    "N",
    local_index(schema("S", "S", names="hw"), KEYS_ONLY, name="first", identifier=29),
    local_index(schema("S", "S", names="hx"), KEYS_ONLY, name="local", identifier=30),
    local_index(schema("S", "S", names="hy"), KEYS_ONLY, name="last", identifier=31),
    global_index(schema("S", names="x_"), KEYS_ONLY, name="global"),
)


def item(h: str, r: int, **attributes: str) -> Item:
    others = {name: {"S": text} for name, text in attributes.items()}
    return {"h": {"S": h}, "r": {"N": str(r)}, **others}


ITEMS = [
    item(f"h{h}", r, z="z", **{name: f"{name}{r}" for name in "wxy" if (h + r) % 3 or name == "y"})
    for h in range(12)
    for r in range(4)
]
STORED = StoredTable(TABLE, *copy.deepcopy(ITEMS))


def body(**members: Any) -> dict[str, Any]:
    return copy.deepcopy({"TableName": "Table", **members})


def refusal(**members: Any) -> str | None:
    """What `parse` or, if that takes it, `bind` says."""
    with pytest.raises(ValidationException) as caught:
        parse(body(**members)).bind(TABLE)
    return caught.value.message


def identities(pages: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(each["h"]["S"], each["r"]["N"]) for page in pages for each in page["Items"]]


def test_a_scan_reads_every_item_once() -> None:
    found = identities([STORED.scan()])
    assert len(found) == len(set(found)) == len(ITEMS)


@pytest.mark.parametrize("index_name", [None, "first", "local", "last", "global"])
@pytest.mark.parametrize("total_segments", [None, 1, 3, 1000])
@pytest.mark.parametrize("limit", [None, 1, 7])
def test_segments_and_pages_join_to_the_whole(
    index_name: str | None, total_segments: int | None, limit: int | None
) -> None:
    members: dict[str, Any] = {"IndexName": index_name} if index_name else {}
    whole = STORED.scan(**members)
    attribute = {"first": "w", "local": "x", "last": "y", "global": "x"}.get(index_name or "", "h")
    assert whole["Count"] == sum(attribute in each for each in ITEMS)

    members |= {"Limit": limit} if limit else {}
    parts = [{}] if total_segments is None else [
        {"Segment": segment, "TotalSegments": total_segments}
        for segment in range(total_segments)
    ]  # fmt: skip
    pages = [page for part in parts for page in STORED.pages("Scan", **members, **part)]
    assert [each for page in pages for each in page["Items"]] == whole["Items"]


def test_a_partition_key_lies_in_one_segment_whole() -> None:
    seen: set[str] = set()
    for segment in range(5):
        pages = STORED.pages("Scan", Segment=segment, TotalSegments=5, Limit=3)
        partitions = {h for h, _ in identities(pages)}
        assert not partitions & seen
        seen |= partitions


def test_the_entries_of_other_local_indexes_are_jumped_over() -> None:
    STORED.seeks = 0
    assert STORED.scan(IndexName="local")["Count"] == 32
    # At most one jump into the index and one out of it for each of the twelve partition keys.
    assert 0 < STORED.seeks <= 24


def test_a_local_index_fetches_what_it_does_not_hold() -> None:
    answer = STORED.scan(
        IndexName="local", ProjectionExpression="z, x", ReturnConsumedCapacity="INDEXES"
    )
    assert all(each.keys() == {"z", "x"} for each in answer["Items"])
    assert answer["ConsumedCapacity"]["Table"] == {"CapacityUnits": 32 * 0.5}
    assert answer["ConsumedCapacity"]["LocalSecondaryIndexes"] == {"local": {"CapacityUnits": 0.5}}


def test_a_global_index_pays_for_itself() -> None:
    answer = STORED.scan(IndexName="global", ReturnConsumedCapacity="INDEXES")
    assert answer["ConsumedCapacity"] == {
        "TableName": "Table",
        "CapacityUnits": 0.5,
        "Table": {"CapacityUnits": 0.0},
        "GlobalSecondaryIndexes": {"global": {"CapacityUnits": 0.5}},
    }


def test_a_filter_may_name_keys_and_what_the_index_does_not_hold() -> None:
    answer = STORED.scan(
        FilterExpression="h = :h AND r > :r",
        ExpressionAttributeValues={":h": {"S": "h1"}, ":r": {"N": "1"}},
    )
    assert (answer["Count"], answer["ScannedCount"]) == (2, 48)
    older = STORED.scan(
        ScanFilter={
            "h": {"ComparisonOperator": "EQ", "AttributeValueList": [{"S": "h1"}]},
            "r": {"ComparisonOperator": "EQ", "AttributeValueList": [{"N": "1"}]},
        },
        ConditionalOperator="OR",
        Select="COUNT",
    )
    assert older == {"Count": 15, "ScannedCount": 48}
    unprojected = STORED.scan(
        IndexName="global", FilterExpression="z = :z", ExpressionAttributeValues={":z": {"S": "z"}}
    )
    assert (unprojected["Count"], unprojected["ScannedCount"]) == (0, 32)


@pytest.mark.parametrize(
    "members, message",
    [
        (
            {"Limit": 0},
            ENVELOPE + "Value at 'Limit' failed to satisfy constraint: "
            "Member must have value greater than or equal to 1",
        ),
        (
            {"Limit": 0, "Segment": -1, "TotalSegments": 1_000_001, "TableName": ""},
            (
                "4 validation errors detected: Value at 'Limit' failed to satisfy constraint: "
                "Member "
                "must have value greater than or equal to 1; Value at 'Segment' failed to satisfy "
                "constraint: Member must have value greater than or equal to 0; Value at "
                "'TotalSegments' failed to satisfy constraint: Member must have value less than or "
                "equal to 1000000; Value at 'TableName' failed to satisfy constraint: Member must "
                "have length greater than or equal to 1"
            ),
        ),
        (
            {"Segment": 1},
            (
                "The TotalSegments parameter is required but was not present in the request when "
                "Segment parameter is present"
            ),
        ),
        (
            {"TotalSegments": 1},
            (
                "The Segment parameter is required but was not present in the request when "
                "parameter "
                "TotalSegments is present"
            ),
        ),
        (
            {"Segment": 5, "TotalSegments": 5},
            "The Segment parameter is zero-based and must be less than parameter TotalSegments",
        ),
        (
            {"Select": "ALL_PROJECTED_ATTRIBUTES"},
            ENVELOPE + "ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an IndexName",
        ),
        (
            {"ExpressionAttributeValues": {":a": {"S": "a"}}},
            (
                "ExpressionAttributeValues can only be specified when using expressions: "
                "FilterExpression is null"
            ),
        ),
        ({"IndexName": "absent"}, "The table does not have the specified index: absent"),
        (
            {"IndexName": "global", "ConsistentRead": True},
            "Consistent reads are not supported on global secondary indexes",
        ),
        (
            # The projection of the index comes before any fault of the start key.
            {
                "IndexName": "global",
                "Select": "ALL_ATTRIBUTES",
                "ExclusiveStartKey": {"h": {"S": "a"}},
            },
            (
                "One or more parameter values were invalid: Select type ALL_ATTRIBUTES is not "
                "supported for global secondary index global because its projection type is not ALL"
            ),
        ),
        ({"ExclusiveStartKey": {"h": {"S": "a"}}}, "The provided starting key is invalid"),
        (
            {"ExclusiveStartKey": {"h": {"S": "a"}, "r": {"S": "1"}}},
            (
                "One or more parameter values were invalid: Type mismatch for Index Key r "
                "Expected: N Actual: S IndexName: first"
            ),
        ),
        (
            {"ScanFilter": {"a": {}}},
            ENVELOPE + "Value null at 'scanFilter.a.member.comparisonOperator' failed to satisfy "
            "constraint: Member must not be null",
        ),
    ],
)
def test_refusals_have_dynamodbs_words(members: dict[str, Any], message: str) -> None:
    assert refusal(**members) == message


def test_a_start_key_must_come_from_the_same_segment() -> None:
    whole = {segment: STORED.scan(Segment=segment, TotalSegments=2) for segment in (0, 1)}
    start = {name: whole[1]["Items"][0][name] for name in ("h", "r")}
    assert refusal(ExclusiveStartKey=start, Segment=0, TotalSegments=2) == (
        "Invalid ExclusiveStartKey. Please use ExclusiveStartKey with correct Segment. "
        "TotalSegments: 2 Segment: 0"
    )


def test_checks_come_in_dynamodbs_order() -> None:
    """From the last fault to the first: adding an earlier one always hides the later ones."""
    steps: list[tuple[dict[str, Any], str]] = [
        ({"Segment": 1}, "The TotalSegments parameter is required"),
        ({"Select": "SOME"}, ENVELOPE + "Value 'SOME' at 'select' failed"),
        ({"FilterExpression": "a ="}, "Invalid FilterExpression: Syntax error"),
        (
            {"ExclusiveStartKey": {"h": {"NULL": False}}},
            "The provided starting key is invalid: One or more parameter values were invalid: Null",
        ),
        ({"ScanFilter": {}}, "Can not use both expression and non-expression parameters"),
        ({"AttributesToGet": [""]}, "Empty attribute name"),
        ({"ReturnConsumedCapacity": "?"}, ENVELOPE + "Value '?' at 'returnConsumedCapacity'"),
        ({"Limit": 0}, ENVELOPE + "Value at 'Limit'"),
    ]
    members: dict[str, Any] = {}
    for fault, message in steps:
        members |= fault
        assert (refusal(**members) or "").startswith(message)
    with pytest.raises(SerializationException):
        parse(body(**members, IndexName=7))


@given(
    st.dictionaries(
        st.sampled_from(sorted(scan.SHAPE.members)),
        st.sampled_from(
            [
                None,
                0,
                1,
                5,
                True,
                "",
                "h = :h",
                "#h = :h",
                "COUNT",
                "local",
                "Table",
                [],
                {"h": {"S": "a"}, "r": {"N": "+1"}},
                {":h": {"S": "a"}},
                {"#h": "h"},
                {"h": {}},
                {":h": {"S": "a", "N": "1"}},
                {":h": {"BOOL": "yes"}},
                ["a", "a"],
                "ALL_ATTRIBUTES",
            ]
        ),
    )
)
def test_both_lanes_take_and_refuse_the_same(members: dict[str, Any]) -> None:
    def outcome(lane: Any) -> object:
        try:
            range_read = lane(copy.deepcopy({"TableName": "Table", **members})).bind(TABLE)
        except DynamoDBError as error:
            return type(error), error.message
        return range_read.ranges, range_read.limit, range_read.select, range_read.fetch_base

    assert outcome(parse) == outcome(scan._parse_in_order)
