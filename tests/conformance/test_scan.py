"""Scan answers every item of a table, in an order that stays the same, whole or in segments.

Parallel segments share the partition keys out among themselves: each item is in exactly one. A
filter may name keys here. AWS: API reference, Scan; "Parallel scan".
"""

from __future__ import annotations

from typing import Any

import pytest

from item_table import (
    ENVELOPE,
    NOT_FOUND,
    PARAMETER,
    ItemTable,
    constraint,
    constraint_without_value,
    enum,
    enveloped,
    invalid,
    member_errors,
)

LIMIT_BELOW_ONE = constraint_without_value("Limit", "have value greater than or equal to 1")
CONSUMED = constraint("returnConsumedCapacity", "x", enum("INDEXES", "TOTAL", "NONE"))
SELECT = constraint(
    "select",
    "x",
    enum("SPECIFIC_ATTRIBUTES", "COUNT", "ALL_ATTRIBUTES", "ALL_PROJECTED_ATTRIBUTES"),
)
PARTITIONS = [f"p{number}" for number in range(20)]


@pytest.fixture(scope="module")
def scanned(make_table) -> ItemTable:
    """Twenty partition keys with the sort keys 0 and 1 each; `n` is the partition's number."""
    made = make_table(range_key="N")
    for number, partition in enumerate(PARTITIONS):
        for sort in "01":
            made.put({"pk": {"S": partition}, "sk": {"N": sort}, "n": {"N": str(number)}})
    return made


def keys_of(answer: dict[str, Any]) -> list[tuple[str, str]]:
    return [(item["pk"]["S"], item["sk"]["N"]) for item in answer["Items"]]


def pages_of(table: ItemTable, **members: Any) -> list[dict[str, Any]]:
    pages = [table.call("Scan", **members)]
    while "LastEvaluatedKey" in pages[-1]:
        start = pages[-1]["LastEvaluatedKey"]
        pages.append(table.call("Scan", ExclusiveStartKey=start, **members))
    return pages


def test_every_item_is_answered_once_and_partitions_stay_together(scanned):
    answer = scanned.call("Scan")

    found = keys_of(answer)
    assert sorted(found) == sorted((partition, sort) for partition in PARTITIONS for sort in "01")
    assert (answer["Count"], answer["ScannedCount"]) == (40, 40)
    assert "LastEvaluatedKey" not in answer
    # The sort keys of a partition follow each other in order.
    assert [sort for _, sort in found] == ["0", "1"] * 20
    assert [key for key, _ in found[::2]] == [key for key, _ in found[1::2]]


def test_the_order_is_the_same_every_time(scanned):
    assert keys_of(scanned.call("Scan")) == keys_of(scanned.call("Scan", ConsistentRead=True))


def test_pages_follow_the_order_of_the_whole(scanned):
    pages = pages_of(scanned, Limit=7)

    assert [key for page in pages for key in keys_of(page)] == keys_of(scanned.call("Scan"))
    assert all(page["ScannedCount"] <= 7 for page in pages)


def test_an_empty_table_is_an_empty_page(make_table):
    assert make_table().call("Scan") == {"Items": [], "Count": 0, "ScannedCount": 0}


def test_a_filter_may_name_keys(scanned):
    answer = scanned.call(
        "Scan",
        FilterExpression="pk = :p AND sk > :zero",
        ExpressionAttributeValues={":p": {"S": "p3"}, ":zero": {"N": "0"}},
    )

    assert keys_of(answer) == [("p3", "1")]
    assert (answer["Count"], answer["ScannedCount"]) == (1, 40)


def test_a_count_has_no_items(scanned):
    assert scanned.call("Scan", Select="COUNT") == {"Count": 40, "ScannedCount": 40}


def test_a_projection_leaves_out_the_rest(scanned):
    answer = scanned.call("Scan", ProjectionExpression="sk", Limit=2)

    assert answer["Items"] == [{"sk": {"N": "0"}}, {"sk": {"N": "1"}}]


# --------------------------------------------------------------------------------------- segments


@pytest.mark.parametrize("total", [1, 2, 3, 7, 1_000_000])
def test_segments_share_the_items_out_among_themselves(scanned, total):
    segments = range(min(total, 7)) if total < 1_000_000 else (0, 1, 500_000, 999_999)
    found = [
        keys_of(scanned.call("Scan", Segment=segment, TotalSegments=total)) for segment in segments
    ]

    together = [key for keys in found for key in keys]
    assert len(set(together)) == len(together)
    if total < 1_000_000:
        assert sorted(together) == sorted(keys_of(scanned.call("Scan")))


def test_a_partition_key_belongs_to_one_segment(scanned):
    for segment in range(4):
        partitions = [
            key for key, _ in keys_of(scanned.call("Scan", Segment=segment, TotalSegments=4))
        ]
        assert partitions == [key for key in partitions if partitions.count(key) == 2]


def test_a_segment_is_read_in_pages(scanned):
    for segment in range(3):
        whole = keys_of(scanned.call("Scan", Segment=segment, TotalSegments=3))
        pages = pages_of(scanned, Segment=segment, TotalSegments=3, Limit=3)

        assert [key for page in pages for key in keys_of(page)] == whole


def test_a_start_key_must_lie_in_its_segment(scanned):
    first = keys_of(scanned.call("Scan", Segment=0, TotalSegments=2))
    start = {"pk": {"S": first[0][0]}, "sk": {"N": first[0][1]}}

    refusal = scanned.refusal("Scan", Segment=1, TotalSegments=2, ExclusiveStartKey=start)

    assert refusal == invalid(
        "Invalid ExclusiveStartKey. Please use ExclusiveStartKey with correct Segment. "
        "TotalSegments: 2 Segment: 1"
    )


@pytest.mark.parametrize(
    "members, text",
    [
        pytest.param(
            {"Segment": 0},
            "The TotalSegments parameter is required but was not present in the request when "
            "Segment parameter is present",
            id="Segment alone",
        ),
        pytest.param(
            {"TotalSegments": 2},
            "The Segment parameter is required but was not present in the request when parameter "
            "TotalSegments is present",
            id="TotalSegments alone",
        ),
        pytest.param(
            {"Segment": 5, "TotalSegments": 5},
            "The Segment parameter is zero-based and must be less than parameter TotalSegments",
            id="Segment as large as TotalSegments",
        ),
    ],
)
def test_segments_come_with_their_total(scanned, members, text):
    """The pairing comes before the lookup and after Select."""
    assert scanned.refusal("Scan", **members) == invalid(text)
    assert scanned.refusal("Scan", TableName="none", **members) == invalid(text)
    assert scanned.sent_refusal("Scan", Select="x", **members) == member_errors(SELECT)


@pytest.mark.parametrize(
    "members, sentences",
    [
        pytest.param({"Limit": 0}, [LIMIT_BELOW_ONE], id="Limit"),
        pytest.param(
            {"Segment": -1, "TotalSegments": 0},
            [
                constraint_without_value("Segment", "have value greater than or equal to 0"),
                constraint_without_value("TotalSegments", "have value greater than or equal to 1"),
            ],
            id="Segment and TotalSegments below their ranges",
        ),
        pytest.param(
            {"Segment": 1_000_000, "TotalSegments": 1_000_001},
            [
                constraint_without_value("Segment", "have value less than or equal to 999999"),
                constraint_without_value(
                    "TotalSegments", "have value less than or equal to 1000000"
                ),
            ],
            id="Segment and TotalSegments above their ranges",
        ),
        pytest.param(
            {"Limit": 0, "Segment": -1, "TotalSegments": 0, "TableName": ""},
            [
                LIMIT_BELOW_ONE,
                constraint_without_value("Segment", "have value greater than or equal to 0"),
                constraint_without_value("TotalSegments", "have value greater than or equal to 1"),
                constraint_without_value("TableName", "have length greater than or equal to 1"),
            ],
            id="all of the first round",
        ),
        pytest.param(
            {"TableName": "ab", "ReturnConsumedCapacity": "x", "Select": "x"},
            [constraint("tableName", "ab", "have length greater than or equal to 3"), CONSUMED],
            id="the second round",
        ),
        pytest.param(
            {"TableName": None, "Select": "x", "ReturnConsumedCapacity": "x", "Limit": 0},
            [
                SELECT,
                CONSUMED,
                constraint("tableName", None, "not be null"),
                constraint("limit", 0, "have value greater than or equal to 1"),
            ],
            id="without a name all of them, in the old words",
        ),
    ],
)
def test_members_that_break_a_rule_are_listed_in_rounds(scanned, members, sentences):
    assert scanned.sent_refusal("Scan", **members) == member_errors(*sentences)


@pytest.mark.parametrize(
    "members",
    [
        pytest.param({"Limit": 4_294_967_296}, id="Limit beyond 32 bits"),
        pytest.param({"Segment": 0.9, "TotalSegments": 1.9}, id="fractions"),
    ],
)
def test_numbers_are_cut_to_32_bits(scanned, members):
    assert scanned.send("Scan", **members).body["Count"] == 40


def test_a_cut_number_is_judged_in_the_old_words(scanned):
    refusal = scanned.sent_refusal("Scan", Segment=0, TotalSegments=4_294_967_296, Limit=0)

    assert refusal == member_errors(
        constraint("limit", 0, "have value greater than or equal to 1"),
        constraint("totalSegments", 2_147_483_647, "have value less than or equal to 1000000"),
    )


# ------------------------------------------------------------------------------------------ order


def test_a_missing_table_is_reported_after_what_is_wrong_with_the_request_alone(scanned):
    assert scanned.refusal("Scan", TableName="none") == NOT_FOUND
    assert scanned.refusal("Scan", TableName="none", FilterExpression="") == invalid(
        "Invalid FilterExpression: The expression can not be empty;"
    )


def test_a_missing_index_is_reported_after_the_table(scanned):
    assert scanned.refusal("Scan", TableName="none", IndexName="nope") == NOT_FOUND
    assert scanned.refusal("Scan", IndexName="nope") == invalid(
        "The table does not have the specified index: nope"
    )


MIXING = (
    "Can not use both expression and non-expression parameters in the same request: "
    "Non-expression parameters: {AttributesToGet} Expression parameters: {FilterExpression}"
)


@pytest.mark.parametrize(
    "members, text",
    [
        pytest.param(
            {
                "ExclusiveStartKey": {"": {"S": "a"}},
                "AttributesToGet": ["a"],
                "FilterExpression": "",
            },
            "Empty attribute name",
            id="an empty name before mixing",
        ),
        pytest.param(
            {"AttributesToGet": ["a"], "FilterExpression": "", "ConditionalOperator": None},
            MIXING,
            id="mixing before the expressions",
        ),
        pytest.param(
            {"ExclusiveStartKey": {"pk": {"NULL": False}}, "FilterExpression": ""},
            "The provided starting key is invalid: "
            + PARAMETER
            + "Null attribute value types must have the value of true",
            id="values of the start key before the expressions",
        ),
        pytest.param(
            {"FilterExpression": "", "Select": "x"},
            "Invalid FilterExpression: The expression can not be empty;",
            id="expressions before Select",
        ),
        pytest.param(
            {"Select": "SPECIFIC_ATTRIBUTES", "Segment": 0},
            ENVELOPE + "Must specify the AttributesToGet or ProjectionExpression when choosing to "
            "get SPECIFIC_ATTRIBUTES",
            id="Select before the segments",
        ),
    ],
)
def test_the_first_of_two_mistakes_is_reported(scanned, members, text):
    assert scanned.sent_refusal("Scan", **members) == invalid(text)


@pytest.mark.parametrize(
    "members, text",
    [
        ({"Select": "ALL_ATTRIBUTES", "ProjectionExpression": "a"},
         "Cannot specify the ProjectionExpression when choosing to get ALL_ATTRIBUTES"),
        ({"Select": "COUNT", "AttributesToGet": ["a"]},
         "Cannot specify the AttributesToGet when choosing to get only the Count"),
        ({"Select": "ALL_PROJECTED_ATTRIBUTES"},
         "ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an IndexName"),
    ],
    ids=["all attributes", "count", "projected attributes, which says Querying here too"],
)  # fmt: skip
def test_select_must_fit_the_projection(scanned, members, text):
    assert scanned.refusal("Scan", **members) == enveloped(text)


@pytest.mark.parametrize(
    "members, text",
    [
        ({"ExpressionAttributeNames": {"#a": "a"}},
         "ExpressionAttributeNames can only be specified when using expressions"),
        pytest.param(
            {"ExpressionAttributeValues": {":a": {"S": "a"}}},
            "ExpressionAttributeValues can only be specified when using expressions: "
            "FilterExpression is null",
        ),
    ],
    ids=["names", "values"],
)  # fmt: skip
def test_placeholders_need_an_expression(scanned, members, text):
    assert scanned.refusal("Scan", **members) == invalid(text)


@pytest.mark.parametrize("written", [True, "true", "yes"])
def test_a_consistent_read_is_legal_on_a_table(scanned, written):
    assert scanned.send("Scan", ConsistentRead=written).body["Count"] == 40
