"""Query: what it reads, and what it refuses, in which order and words."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sample_values import global_index, local_index, schema, table
from stator_core.errors import DynamoDBError, SerializationException, ValidationException
from stator_core.item import Item
from stator_core.requests import query
from stator_core.requests.query import parse
from stator_core.table import IndexProjection, Table
from stored_table import StoredTable

ENVELOPE = "1 validation error detected: "
INVALID = "One or more parameter values were invalid: "
KEYS_ONLY = IndexProjection("KEYS_ONLY")
TABLE = table(
    "S",
    "N",
    local_index(schema("S", "S", names="hx"), KEYS_ONLY, name="local"),
    global_index(schema("S", "S", names="xy"), KEYS_ONLY, name="global"),
    global_index(schema("S", names="x_"), name="whole", identifier=21),
)
HASH_ONLY = table("S")


def item(h: str, r: int, **attributes: str) -> Item:
    others = {name: {"S": text} for name, text in attributes.items()}
    return {"h": {"S": h}, "r": {"N": str(r)}, **others}


STORED = StoredTable(
    TABLE,
    *(item("a", number, x="even" if number % 2 == 0 else "odd", z="z") for number in range(-3, 7)),
    *(item("b", number, x="even", y=f"y{number}") for number in range(3)),
    item("ab", 1),
)


def body(**members: Any) -> dict[str, Any]:
    made = {
        "TableName": "Table",
        "KeyConditionExpression": "h = :h",
        "ExpressionAttributeValues": {":h": {"S": "a"}, **members.pop("values", {})},
        **members,
    }
    return copy.deepcopy({name: member for name, member in made.items() if member is not ...})


def rows(answer: dict[str, Any]) -> list[int]:
    return [int(each["r"]["N"]) for each in answer["Items"]]


def ask(**members: Any) -> dict[str, Any]:
    return STORED.read(parse(body(**members)).bind(TABLE))


def refusal(**members: Any) -> str | None:
    """What `parse` says."""
    with pytest.raises(ValidationException) as caught:
        parse(body(**members))
    return caught.value.message


def bind_refusal(to: Table = TABLE, **members: Any) -> str | None:
    """What `bind` says of a request that `parse` takes."""
    request = parse(body(**members))
    with pytest.raises(ValidationException) as caught:
        request.bind(to)
    return caught.value.message


def test_a_partition_is_read_in_the_order_of_the_sort_key_and_nothing_else_is() -> None:
    assert rows(ask()) == list(range(-3, 7))
    assert rows(ask(ScanIndexForward=False)) == list(range(6, -4, -1))
    assert ask(values={":h": {"S": "absent"}})["Items"] == []


@pytest.mark.parametrize(
    "sort_condition, values, expected",
    [
        ("r = :x", {":x": {"N": "2.0"}}, [2]),
        ("r < :x", {":x": {"N": "-1"}}, [-3, -2]),
        ("r <= :x", {":x": {"N": "-2"}}, [-3, -2]),
        ("r > :x", {":x": {"N": "4"}}, [5, 6]),
        (":x <= r", {":x": {"N": "5"}}, [5, 6]),
        ("r BETWEEN :x AND :y", {":x": {"N": "-1"}, ":y": {"N": "1"}}, [-1, 0, 1]),
    ],
)
def test_a_sort_condition_narrows_the_read(
    sort_condition: str, values: dict[str, Any], expected: list[int]
) -> None:
    answer = ask(KeyConditionExpression=f"h = :h AND {sort_condition}", values=values)
    assert rows(answer) == expected
    assert answer["ScannedCount"] == len(expected)


def test_the_older_parameters_ask_the_same() -> None:
    answer = ask(
        KeyConditionExpression=...,
        ExpressionAttributeValues=...,
        KeyConditions={
            "h": {"ComparisonOperator": "EQ", "AttributeValueList": [{"S": "a"}]},
            "r": {"ComparisonOperator": "GT", "AttributeValueList": [{"N": "3"}]},
        },
        QueryFilter={"x": {"ComparisonOperator": "EQ", "AttributeValueList": [{"S": "odd"}]}},
        AttributesToGet=["r"],
    )
    assert answer == {"Items": [{"r": {"N": "5"}}], "Count": 1, "ScannedCount": 3}


@pytest.mark.parametrize("forward", [True, False])
@pytest.mark.parametrize("limit", [1, 3, 10, 11])
@pytest.mark.parametrize("index_name", [None, "local"])
def test_pages_join_to_the_whole_without_loss_or_repetition(
    forward: bool, limit: int, index_name: str | None
) -> None:
    members = body(ScanIndexForward=forward, **({"IndexName": index_name} if index_name else {}))
    whole = STORED.read(parse(copy.deepcopy(members)).bind(TABLE))
    pages = STORED.pages("Query", **members, Limit=limit)

    assert [each for page in pages for each in page["Items"]] == whole["Items"]
    assert all(page["ScannedCount"] == limit for page in pages[:-1])


def test_a_last_evaluated_key_of_an_index_has_the_keys_of_both() -> None:
    in_local = ask(IndexName="local", Limit=1)
    assert in_local["LastEvaluatedKey"].keys() == {"h", "r", "x"}
    in_global = STORED.query(
        IndexName="global",
        KeyConditionExpression="x = :x",
        ExpressionAttributeValues={":x": {"S": "even"}},
        Limit=1,
    )
    assert in_global["LastEvaluatedKey"].keys() == {"h", "r", "x", "y"}


def test_a_sparse_index_holds_only_items_with_its_keys() -> None:
    answer = STORED.query(
        IndexName="global",
        KeyConditionExpression="x = :x AND begins_with(y, :y)",
        ExpressionAttributeValues={":x": {"S": "even"}, ":y": {"S": "y"}},
    )
    assert [each["y"]["S"] for each in answer["Items"]] == ["y0", "y1", "y2"]
    assert all(each.keys() == {"h", "r", "x", "y"} for each in answer["Items"])


def test_a_local_index_fetches_what_it_does_not_hold() -> None:
    projected = ask(IndexName="local", Limit=1)["Items"]
    assert projected == [{"h": {"S": "a"}, "r": {"N": "-2"}, "x": {"S": "even"}}]

    whole = ask(IndexName="local", Limit=1, Select="ALL_ATTRIBUTES")["Items"]
    assert whole == [{**projected[0], "z": {"S": "z"}}]

    part = ask(IndexName="local", Limit=1, ProjectionExpression="z")
    assert part["Items"] == [{"z": {"S": "z"}}]
    assert part["LastEvaluatedKey"].keys() == {"h", "r", "x"}

    filtered = ask(
        IndexName="local",
        ProjectionExpression="z",
        FilterExpression="z = :z",
        values={":z": {"S": "z"}},
    )
    assert (filtered["Count"], filtered["ScannedCount"]) == (10, 10)


def test_a_start_key_need_not_exist() -> None:
    assert rows(ask(ExclusiveStartKey={"h": {"S": "a"}, "r": {"N": "3.5"}})) == [4, 5, 6]
    backwards = ask(ExclusiveStartKey={"h": {"S": "a"}, "r": {"N": "-1"}}, ScanIndexForward=False)
    assert rows(backwards) == [-2, -3]


def test_a_hash_only_table_restarts_behind_its_one_item() -> None:
    stored = StoredTable(HASH_ONLY, {"h": {"S": "a"}})
    first = stored.query(**body(Limit=1))
    assert first["LastEvaluatedKey"] == {"h": {"S": "a"}}
    second = stored.query(**body(ExclusiveStartKey={"h": {"S": "a"}}))
    assert second == {"Count": 0, "ScannedCount": 0, "Items": []}


@pytest.mark.parametrize(
    "start, sort_condition, message",
    [
        ({"h": {"S": "a"}}, "", "The provided starting key is invalid"),
        ({}, "", "The provided starting key is invalid"),
        ({"h": {"S": "a"}, "r": {"S": "1"}}, "", "The provided starting key is invalid"),
        (
            {"h": {"S": "b"}, "r": {"N": "1"}},
            "",
            "The provided starting key is outside query boundaries based on provided conditions",
        ),
        (
            {"h": {"S": "a"}, "r": {"N": "1"}},
            " AND r > :r",
            "The provided starting key does not match the range key predicate",
        ),
        (
            {"h": {"S": "b"}, "r": {"N": "1"}},
            " AND r > :r",
            "The provided starting key does not match the range key predicate",
        ),
        (
            {"h": {"S": "b"}, "r": {"N": "9"}},
            " AND r > :r",
            "The query can return at most one row and cannot be restarted",
        ),
    ],
)
def test_a_start_key_must_fit_schema_and_condition(
    start: Item, sort_condition: str, message: str
) -> None:
    values = {":r": {"N": "5"}} if sort_condition else {}
    members = {"KeyConditionExpression": "h = :h" + sort_condition, "values": values}
    assert bind_refusal(ExclusiveStartKey=start, **members) == message


def test_a_start_key_of_another_partition_of_a_hash_only_index_is_outside() -> None:
    start = {"h": {"S": "a"}, "r": {"N": "1"}, "x": {"S": "odd"}}
    message = bind_refusal(
        IndexName="whole",
        KeyConditionExpression="x = :h",
        ExclusiveStartKey=start,
    )
    assert message == (
        "The provided starting key is outside query boundaries based on provided conditions"
    )


def test_a_start_key_of_another_partition_of_a_hash_only_table_is_invalid() -> None:
    message = bind_refusal(HASH_ONLY, ExclusiveStartKey={"h": {"S": "b"}})
    assert message == "The provided exclusive start key is invalid"


@pytest.mark.parametrize(
    "members, message",
    [
        ({"IndexName": "absent"}, "The table does not have the specified index: absent"),
        (
            {"IndexName": "global", "ConsistentRead": True},
            "Consistent reads are not supported on global secondary indexes",
        ),
        (
            {"FilterExpression": "r > :h"},
            (
                "Filter Expression can only contain non-primary key attributes: "
                "Primary key attribute: r"
            ),
        ),
        (
            {"ProjectionExpression": "h.a"},
            (
                "Key attributes must be scalars; list random access '[]' and map lookup '.' are "
                "not "
                "allowed: Key: h"
            ),
        ),
        (
            {"IndexName": "local", "ProjectionExpression": "x[0]"},
            (
                "Key attributes must be scalars; list random access '[]' and map lookup '.' are "
                "not "
                "allowed: IndexKey: x"
            ),
        ),
        (
            {"IndexName": "local", "FilterExpression": "z = :h"},
            INVALID + "Secondary index local does not project one or more filter attributes: [z]",
        ),
    ],
)
def test_what_does_not_fit_the_table_is_refused_once_it_is_known(
    members: dict[str, Any], message: str
) -> None:
    assert bind_refusal(**members) == message


@pytest.mark.parametrize(
    "members, message",
    [
        (
            {"Select": "ALL_ATTRIBUTES"},
            (
                "Select type ALL_ATTRIBUTES is not supported for global secondary index global "
                "because "
                "its projection type is not ALL"
            ),
        ),
        (
            {"ProjectionExpression": "z, w, x"},
            "Global secondary index global does not project [w, z]",
        ),
        (
            {"FilterExpression": "z = :h"},
            "Secondary index global does not project one or more filter attributes: [z]",
        ),
    ],
)
def test_a_global_index_never_fetches(members: dict[str, Any], message: str) -> None:
    asked = {"IndexName": "global", "KeyConditionExpression": "x = :h", **members}
    assert bind_refusal(**asked) == INVALID + message


def test_a_filter_of_the_older_kind_may_not_name_keys_either() -> None:
    message = bind_refusal(
        KeyConditionExpression=...,
        ExpressionAttributeValues=...,
        KeyConditions={"h": {"ComparisonOperator": "EQ", "AttributeValueList": [{"S": "a"}]}},
        QueryFilter={"h": {"ComparisonOperator": "NOT_NULL"}},
    )
    assert message == (
        "QueryFilter can only contain non-primary key attributes: Primary key attribute: h"
    )


def test_an_index_query_may_filter_by_the_keys_of_the_table() -> None:
    answer = ask(
        IndexName="local", FilterExpression="r BETWEEN :one AND :three",
        values={":one": {"N": "1"}, ":three": {"N": "3"}},
    )  # fmt: skip
    assert sorted(rows(answer)) == [1, 2, 3]


@pytest.mark.parametrize(
    "members, message",
    [
        (
            {"Limit": 0},
            ENVELOPE + "Value at 'Limit' failed to satisfy constraint: "
            "Member must have value greater than or equal to 1",
        ),
        (
            {"KeyConditionExpression": ..., "ExpressionAttributeValues": ...},
            (
                "Either the KeyConditions or KeyConditionExpression parameter must be specified "
                "in the "
                "request."
            ),
        ),
        (
            {"KeyConditionExpression": ""},
            "Invalid KeyConditionExpression: The expression can not be empty;",
        ),
        (
            {"values": {":unused": {"S": "x"}}},
            "Value provided in ExpressionAttributeValues unused in expressions: keys: {:unused}",
        ),
        (
            {"Select": "SPECIFIC_ATTRIBUTES"},
            ENVELOPE + "Must specify the AttributesToGet or ProjectionExpression when choosing to "
            "get SPECIFIC_ATTRIBUTES",
        ),
        (
            {"AttributesToGet": ["a"], "ConditionalOperator": "AND"},
            (
                "Can not use both expression and non-expression parameters in the same request: "
                "Non-expression parameters: {AttributesToGet, ConditionalOperator} "
                "Expression parameters: {KeyConditionExpression}"
            ),
        ),
    ],
)
def test_what_is_wrong_without_any_table_is_refused_by_parse(
    members: dict[str, Any], message: str
) -> None:
    assert refusal(**members) == message


def test_checks_come_in_dynamodbs_order() -> None:
    """From the last fault to the first: adding an earlier one always hides the later ones."""
    steps: list[tuple[dict[str, Any], str]] = [
        (
            {"Select": "COUNT", "ProjectionExpression": "a"},
            ENVELOPE
            + "Cannot specify the ProjectionExpression when choosing to get only the Count",
        ),
        ({"FilterExpression": "a ="}, "Invalid FilterExpression: Syntax error"),
        ({"KeyConditionExpression": "h = "}, "Invalid KeyConditionExpression: Syntax error"),
        ({"values": {":n": {"N": "x"}}}, "The parameter cannot be converted to a numeric value: x"),
        (
            {"ExclusiveStartKey": {"h": {}}},
            "The provided starting key is invalid: Supplied AttributeValue is empty",
        ),
        ({"Select": "SOME"}, ENVELOPE + "Value 'SOME' at 'select' failed"),
        ({"QueryFilter": {}}, "Can not use both expression and non-expression parameters"),
        ({"ExclusiveStartKey": {"": {}}}, "Empty attribute name"),
        ({"ReturnConsumedCapacity": "?"}, ENVELOPE + "Value '?' at 'returnConsumedCapacity'"),
        ({"Limit": 0}, ENVELOPE + "Value at 'Limit'"),
    ]
    members: dict[str, Any] = {}
    for fault, message in steps:
        members |= fault
        assert (refusal(**copy.deepcopy(members)) or "").startswith(message)
    with pytest.raises(SerializationException):
        parse(body(**members, ConsistentRead=7))


@given(
    st.dictionaries(
        st.sampled_from(sorted(query.SHAPE.members)),
        st.sampled_from(
            [
                None,
                0,
                1,
                5,
                True,
                "",
                "h = :h",
                "h = :h AND r > :r",
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
    made = {"TableName": "Table", "KeyConditionExpression": "h = :h"}
    made |= {"ExpressionAttributeValues": {":h": {"S": "a"}}, **members}

    def outcome(lane: Any) -> object:
        try:
            request = lane(copy.deepcopy(made))
        except DynamoDBError as error:
            return type(error), error.message
        range_read = None
        try:
            range_read = request.bind(TABLE)
        except DynamoDBError as error:
            return error.message
        return range_read.ranges, range_read.limit, range_read.select, range_read.reverse

    assert outcome(parse) == outcome(query._parse_in_order)


@pytest.mark.parametrize(
    "members",
    [
        {},
        {"ExpressionAttributeValues": {":h": {"S": ""}}},
        {"ExpressionAttributeValues": {":h": {"S": "x" * 2049}}},
        {"ExpressionAttributeValues": {":h": {"S": "é" * 1025}}},
        {"ExpressionAttributeValues": {":h": {"S": 5}}},
        {"ExpressionAttributeValues": {":h": {"N": "+1"}}},
        {"ExpressionAttributeValues": {":h": {"S": "a", "N": "1"}}},
        {"ExpressionAttributeValues": {":h": {"S": "a"}, ":i": {"S": "a"}}},
        {"ExpressionAttributeValues": {":i": {"S": "a"}}},
        {"ExpressionAttributeValues": {":h": "a"}},
        {"ExpressionAttributeValues": {}},
        {"ExpressionAttributeValues": []},
        {"KeyConditionExpression": "r = :h"},
        {"KeyConditionExpression": "h > :h"},
        {"KeyConditionExpression": ["h = :h"]},
        {"TableName": "no"},
        {"TableName": 7},
    ],
)
def test_a_text_that_came_before_is_taken_and_refused_as_at_first(members: dict[str, Any]) -> None:
    parse(body())  # Now the text is known.
    made = body(**members)

    def outcome(lane: Any) -> object:
        try:
            read = lane(copy.deepcopy(made)).bind(TABLE)
        except DynamoDBError as error:
            return type(error), error.message
        return read.ranges, read.whole, read.table_name, read.consistent_read

    assert outcome(parse) == outcome(query._parse_in_order)


def test_what_a_partition_query_reads_is_what_any_query_of_it_reads() -> None:
    parse(body())
    for to in (TABLE, HASH_ONLY):
        usual = parse(body(ReturnConsumedCapacity="NONE"))
        assert isinstance(parse(body()), query.PartitionQuery)
        assert isinstance(usual, query.Query)
        assert parse(body()).bind(to) == usual.bind(to)
