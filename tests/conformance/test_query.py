"""Query answers the items of one partition key, in the order of the sort key.

The order is that of the type: numbers by value, strings by their UTF-8 bytes, binary by unsigned
bytes. What a caller asks for is checked before the table is looked up. AWS: API reference, Query.
"""

from __future__ import annotations

from typing import Any

import pytest

from item_table import (
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
EMPTY_TABLE_NAME = constraint_without_value("TableName", "have length greater than or equal to 1")
CONSUMED = constraint("returnConsumedCapacity", "x", enum("INDEXES", "TOTAL", "NONE"))
SELECT = constraint(
    "select",
    "x",
    enum("SPECIFIC_ATTRIBUTES", "COUNT", "ALL_ATTRIBUTES", "ALL_PROJECTED_ATTRIBUTES"),
)
BY_PK: dict[str, Any] = {
    "KeyConditionExpression": "pk = :p",
    "ExpressionAttributeValues": {":p": {"S": "ten"}},
}


@pytest.fixture(scope="module")
def ranged(make_table) -> ItemTable:
    """Under `ten` the sort keys 0 to 9; `kind` is the parity, `map` holds the key again."""
    made = make_table(range_key="N")
    for number in reversed(range(10)):
        made.put(
            {
                "pk": {"S": "ten"},
                "sk": {"N": str(number)},
                "kind": {"S": "odd" if number % 2 else "even"},
                "map": {"M": {"number": {"N": str(number)}, "rest": {"S": "r"}}},
            }
        )
    made.put({"pk": {"S": "other"}, "sk": {"N": "5"}})
    return made


def sort_keys(answer: dict[str, Any]) -> list[str]:
    return [next(iter(item["sk"].values())) for item in answer["Items"]]


def test_the_items_of_one_partition_key_come_in_the_order_of_the_sort_key(ranged):
    answer = ranged.call("Query", **BY_PK)

    assert sort_keys(answer) == [str(number) for number in range(10)]
    assert (answer["Count"], answer["ScannedCount"]) == (10, 10)
    assert "LastEvaluatedKey" not in answer


@pytest.mark.parametrize("written", [False, "false", "NO", "n", "F", "0"])
def test_scan_index_forward_false_turns_the_order_around(ranged, written):
    """As DynamoDB answers, also for booleans that are written as strings."""
    answer = ranged.send("Query", ScanIndexForward=written, **BY_PK)

    assert sort_keys(answer.body) == [str(number) for number in reversed(range(10))]


@pytest.mark.parametrize("written", [True, None, "yes", "T", "1"])
def test_scan_index_forward_true_is_the_default(ranged, written):
    answer = ranged.send("Query", ScanIndexForward=written, **BY_PK)

    assert sort_keys(answer.body) == [str(number) for number in range(10)]


@pytest.mark.parametrize(
    "kind, ordered",
    [
        pytest.param(
            "N",
            ["-1e2", "-99.5", "-1", "-0.5", "-1e-130", "0", "1e-130", "0.5", "2", "10", "1e125"],
            id="numbers by value",
        ),
        pytest.param(
            "S", ["A", "AA", "B", "a", "é", "z\u0301", "\uffee", "\U0001f600"], id="strings"
        ),
        pytest.param("B", [b"\0", b"\0\0", b"\x01", b"\x7f", b"\x80", b"\xff"], id="bytes"),
    ],
)
def test_sort_keys_are_ordered_as_their_type_says(make_table, kind, ordered):
    if kind == "S":
        ordered = sorted(ordered, key=str.encode)
    keyed = make_table(range_key=kind)
    for number, value in enumerate(reversed(ordered)):
        keyed.put({"pk": {"S": "p"}, "sk": {kind: value}, "place": {"N": str(number)}})

    answer = keyed.call(
        "Query",
        KeyConditionExpression="pk = :p",
        ExpressionAttributeValues={":p": {"S": "p"}},
    )

    places = [int(item["place"]["N"]) for item in answer["Items"]]
    assert places == list(reversed(range(len(ordered))))


def test_characters_beyond_the_basic_plane_come_last(make_table):
    """UTF-8 bytes, not UTF-16 units, in which U+1F600 would come before U+FFEE."""
    keyed = make_table(range_key="S")
    for text in ("\U0001f600", "\uffee"):
        keyed.put({"pk": {"S": "p"}, "sk": {"S": text}})

    answer = keyed.call(
        "Query",
        KeyConditionExpression="pk = :p",
        ExpressionAttributeValues={":p": {"S": "p"}},
    )

    assert sort_keys(answer) == ["\uffee", "\U0001f600"]


def test_a_partition_key_without_items_is_an_empty_page(ranged):
    answer = ranged.call(
        "Query",
        KeyConditionExpression="pk = :p",
        ExpressionAttributeValues={":p": {"S": "none"}},
    )

    assert answer == {"Items": [], "Count": 0, "ScannedCount": 0}


def test_a_count_has_no_items(ranged):
    answer = ranged.call("Query", Select="COUNT", **BY_PK)

    assert answer == {"Count": 10, "ScannedCount": 10}


def test_a_table_without_sort_key_has_one_item_at_most(table):
    key = table.stored(a={"S": "a"})

    answer = table.call(
        "Query", KeyConditionExpression="pk = :p", ExpressionAttributeValues={":p": key["pk"]}
    )

    assert answer["Items"] == [key | {"a": {"S": "a"}}]


def test_a_projection_keeps_the_structure_and_leaves_out_what_is_not_there(ranged):
    answer = ranged.call(
        "Query", ProjectionExpression="#m.#n, absent", Limit=1, **BY_PK,
        ExpressionAttributeNames={"#m": "map", "#n": "number"},
    )  # fmt: skip

    assert answer["Items"] == [{"map": {"M": {"number": {"N": "0"}}}}]


def test_a_projection_that_finds_nothing_leaves_an_empty_item(ranged):
    answer = ranged.call("Query", ProjectionExpression="absent", Limit=2, **BY_PK)

    assert answer["Items"] == [{}, {}]


def test_a_table_is_also_found_by_its_arn(ranged):
    arn = ranged.client.describe_table(TableName=ranged.name)["Table"]["TableArn"]

    assert ranged.call("Query", TableName=arn, **BY_PK)["Count"] == 10


# ---------------------------------------------------------------------------------------- Select


@pytest.mark.parametrize("select", ["ALL_ATTRIBUTES", "SPECIFIC_ATTRIBUTES"])
def test_select_may_say_what_is_so_anyway(ranged, select):
    projection = {"ProjectionExpression": "sk"} if select == "SPECIFIC_ATTRIBUTES" else {}

    assert ranged.call("Query", Select=select, **projection, **BY_PK)["Count"] == 10


@pytest.mark.parametrize(
    "members, text",
    [
        pytest.param(
            {"Select": "SPECIFIC_ATTRIBUTES"},
            "Must specify the AttributesToGet or ProjectionExpression when choosing to get "
            "SPECIFIC_ATTRIBUTES",
            id="specific attributes without a projection",
        ),
        pytest.param(
            {"Select": "ALL_ATTRIBUTES", "ProjectionExpression": "a"},
            "Cannot specify the ProjectionExpression when choosing to get ALL_ATTRIBUTES",
            id="all attributes and a projection",
        ),
        pytest.param(
            {"Select": "COUNT", "ProjectionExpression": "a"},
            "Cannot specify the ProjectionExpression when choosing to get only the Count",
            id="count and a projection",
        ),
        pytest.param(
            {"Select": "ALL_PROJECTED_ATTRIBUTES"},
            "ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an IndexName",
            id="projected attributes without an index",
        ),
    ],
)
def test_select_must_fit_the_projection(ranged, members, text):
    assert ranged.refusal("Query", **members, **BY_PK) == enveloped(text)
    assert ranged.refusal("Query", TableName="none", **members, **BY_PK) == enveloped(text)


@pytest.mark.parametrize(
    "select, shown", [("ALL_ATTRIBUTES", "ALL_ATTRIBUTES"), ("COUNT", "only the Count")]
)
def test_select_must_fit_the_older_projection_too(ranged, select, shown):
    refusal = ranged.refusal(
        "Query",
        Select=select,
        AttributesToGet=["a"],
        KeyConditions={
            "pk": {"ComparisonOperator": "EQ", "AttributeValueList": [{"S": "ten"}]},
        },
    )

    assert refusal == enveloped(f"Cannot specify the AttributesToGet when choosing to get {shown}")


# ------------------------------------------------------------------------------------------ order


def test_a_missing_table_is_reported_after_what_is_wrong_with_the_request_alone(ranged):
    assert ranged.refusal("Query", TableName="none", **BY_PK) == NOT_FOUND
    assert ranged.refusal("Query", TableName="none") == invalid(
        "Either the KeyConditions or KeyConditionExpression parameter must be specified in the "
        "request."
    )


def test_a_missing_index_is_reported_after_the_table_and_before_the_key_conditions(ranged):
    nowhere = {"KeyConditionExpression": "a = :p", "ExpressionAttributeValues": {":p": {"S": ""}}}

    assert ranged.refusal("Query", TableName="none", IndexName="nope", **BY_PK) == NOT_FOUND
    assert ranged.refusal("Query", IndexName="nope", **nowhere) == invalid(
        "The table does not have the specified index: nope"
    )


@pytest.mark.parametrize("limit", [0, -1])
def test_limit_is_at_least_one(ranged, limit):
    assert ranged.sent_refusal("Query", Limit=limit, **BY_PK) == enveloped(LIMIT_BELOW_ONE)


@pytest.mark.parametrize(
    "limit",
    [
        pytest.param(4_294_967_296, id="beyond 32 bits"),
        pytest.param(2_147_483_647, id="the largest"),
        pytest.param(10.9, id="a fraction"),
    ],
)
def test_limit_is_cut_to_32_bits(ranged, limit):
    """As DynamoDB answers: a larger number is the largest, and a fraction is dropped."""
    assert ranged.send("Query", Limit=limit, **BY_PK).body["Count"] == 10


@pytest.mark.parametrize(
    "members",
    [
        pytest.param({"Limit": -4_294_967_296}, id="below 32 bits"),
        pytest.param({"Limit": 0.5}, id="a fraction that is cut to nothing"),
    ],
)
def test_a_cut_number_is_judged_in_the_old_words(ranged, members):
    refusal = ranged.sent_refusal("Query", **members, **BY_PK)

    shown = max(-2_147_483_648, int(members["Limit"]))
    assert refusal == member_errors(
        constraint("limit", shown, "have value greater than or equal to 1")
    )


@pytest.mark.parametrize(
    "members, sentences",
    [
        pytest.param(
            {"Limit": 0, "TableName": "", "ReturnConsumedCapacity": "x"},
            [LIMIT_BELOW_ONE, EMPTY_TABLE_NAME],
            id="first the limit and an empty name",
        ),
        pytest.param(
            {"TableName": "ab", "ReturnConsumedCapacity": "x", "Select": "x"},
            [constraint("tableName", "ab", "have length greater than or equal to 3"), CONSUMED],
            id="then the name's form and the mode of capacity",
        ),
        pytest.param(
            {"TableName": "a!b", "ReturnConsumedCapacity": "NONE"},
            [constraint("tableName", "a!b", "satisfy regular expression pattern: [a-zA-Z0-9_.-]+")],
            id="a character that no name has",
        ),
        pytest.param(
            {"TableName": "x" * 256},
            [constraint("tableName", "x" * 256, "have length less than or equal to 255")],
            id="a name too long",
        ),
        pytest.param({"Select": "x"}, [SELECT], id="Select"),
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
def test_members_that_break_a_rule_are_listed_in_rounds(ranged, members, sentences):
    assert ranged.sent_refusal("Query", **BY_PK | members) == member_errors(*sentences)


MIXED = {"AttributesToGet": ["a"], "KeyConditionExpression": "pk = :p"}
MIXING = (
    "Can not use both expression and non-expression parameters in the same request: "
    "Non-expression parameters: {AttributesToGet} Expression parameters: {KeyConditionExpression}"
)


@pytest.mark.parametrize(
    "first, text, second",
    [
        pytest.param(
            {"ExclusiveStartKey": {"": {"S": "a"}}},
            "Empty attribute name",
            MIXED,
            id="an empty name before mixing",
        ),
        pytest.param(MIXED, MIXING, {"Select": "x"}, id="mixing before Select"),
        pytest.param(
            {"ExclusiveStartKey": {"pk": {"NULL": False}}},
            PARAMETER + "Null attribute value types must have the value of true",
            {"KeyConditionExpression": ""},
            id="values of the start key before expressions",
        ),
        pytest.param(
            {"KeyConditionExpression": ""},
            "Invalid KeyConditionExpression: The expression can not be empty;",
            {"TableName": "none"},
            id="expressions before the lookup",
        ),
    ],
)
def test_the_first_of_two_mistakes_is_reported(ranged, first, text, second):
    body = {"ExpressionAttributeValues": BY_PK["ExpressionAttributeValues"], **second, **first}

    assert ranged.sent_refusal("Query", **body) == invalid(text)


@pytest.mark.parametrize(
    "members, text",
    [
        pytest.param(
            {"ExpressionAttributeNames": {"#a": "a"}},
            "ExpressionAttributeNames can only be specified when using expressions",
            id="names",
        ),
        pytest.param(
            {"ExpressionAttributeValues": {":a": {"S": "a"}}},
            "ExpressionAttributeValues can only be specified when using expressions: "
            "FilterExpression and KeyConditionExpression are null",
            id="values",
        ),
    ],
)
def test_placeholders_need_an_expression(ranged, members, text):
    assert ranged.refusal("Query", **members) == invalid(text)


@pytest.mark.parametrize(
    "members, text",
    [
        pytest.param(
            {"ExpressionAttributeNames": {"#a": "a"}},
            "Value provided in ExpressionAttributeNames unused in expressions: keys: {#a}",
            id="name",
        ),
        pytest.param(
            {"ExpressionAttributeValues": {":p": {"S": "ten"}, ":q": {"S": "a"}}},
            "Value provided in ExpressionAttributeValues unused in expressions: keys: {:q}",
            id="value",
        ),
        pytest.param(
            {"ExpressionAttributeNames": {}}, "ExpressionAttributeNames must not be empty",
            id="no names at all",
        ),
        pytest.param(
            {"ExpressionAttributeValues": {}}, "ExpressionAttributeValues must not be empty",
            id="no values at all",
        ),
    ],
)  # fmt: skip
def test_placeholders_must_be_used(ranged, members, text):
    assert ranged.refusal("Query", **BY_PK | members) == invalid(text)


@pytest.mark.parametrize(
    "parameter, text",
    [
        ("ProjectionExpression", "sk.a"),
        ("FilterExpression", "attribute_exists(sk[0])"),
    ],
)
def test_no_expression_reaches_into_a_key(ranged, parameter, text):
    refusal = ranged.refusal("Query", **{parameter: text}, **BY_PK)

    assert refusal in {
        invalid(
            "Key attributes must be scalars; list random access '[]' and map lookup '.' are not "
            "allowed: Key: sk"
        ),
        invalid(
            "Filter Expression can only contain non-primary key attributes: Primary key "
            "attribute: sk"
        ),
    }


@pytest.mark.parametrize("written", [True, "true", "Y", "1"])
def test_a_consistent_read_is_legal_on_a_table(ranged, written):
    assert ranged.send("Query", ConsistentRead=written, **BY_PK).body["Count"] == 10
