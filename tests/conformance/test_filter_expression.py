"""A filter drops items after they were read: from the answer, not from its cost or its page.

It says whatever a condition says, but in a Query nothing about the keys that the query goes by.
AWS: "Filter expressions for the Query operation"; error texts as DynamoDB answers (captured
2026-10).
"""

from __future__ import annotations

from typing import Any

import pytest

from item_table import NOT_FOUND, ItemTable, invalid

INVALID = "Invalid FilterExpression: "
KEY_IN_FILTER = (
    "Filter Expression can only contain non-primary key attributes: Primary key attribute: "
)
ITEMS: dict[str, dict[str, Any]] = {
    "1": {"n": {"N": "1"}, "s": {"S": "apple"}, "set": {"SS": ["x", "y"]}},
    "2": {"n": {"N": "2.0"}, "s": {"S": "banana"}, "l": {"L": [{"S": "x"}, {"N": "7"}]}},
    "3": {"n": {"S": "3"}, "m": {"M": {"a": {"SS": ["p", "q"]}, "b": {"N": "5"}}}},
    "4": {"bytes": {"B": b"abc"}, "nothing": {"NULL": True}, "s": {"S": ""}},
}


@pytest.fixture(scope="module")
def ranged(make_table) -> ItemTable:
    """Four items under `p`, and an index that has a key in common with none."""
    made = make_table(
        range_key="N",
        more_keys={"kind": "S", "place": "N"},
        GlobalSecondaryIndexes=[
            {
                "IndexName": "by-kind",
                "KeySchema": [
                    {"AttributeName": "kind", "KeyType": "HASH"},
                    {"AttributeName": "place", "KeyType": "RANGE"},
                ],
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
    )
    for number, attributes in ITEMS.items():
        made.put({"pk": {"S": "p"}, "sk": {"N": number}} | attributes)
    return made


def query(expression: str, values: dict[str, Any] | None = None, **members: Any) -> dict[str, Any]:
    return {
        "KeyConditionExpression": "pk = :p",
        "FilterExpression": expression,
        "ExpressionAttributeValues": {":p": {"S": "p"}} | (values or {}),
    } | members


def scan(expression: str, values: dict[str, Any] | None = None, **members: Any) -> dict[str, Any]:
    if values:
        members["ExpressionAttributeValues"] = values
    return {"FilterExpression": expression} | members


@pytest.mark.parametrize("operation, ask", [("Query", query), ("Scan", scan)])
@pytest.mark.parametrize(
    "expression, values, numbers",
    [
        pytest.param("n = :v", {":v": {"N": "2"}}, "2", id="numbers are equal by value"),
        pytest.param("n = :v", {":v": {"S": "3"}}, "3", id="a type equals no other"),
        pytest.param("n <> :v", {":v": {"N": "1"}}, "234", id="<> is true of what is not there"),
        pytest.param("n < :v", {":v": {"N": "9"}}, "12", id="another stored type is no match"),
        pytest.param("n >= :v", {":v": {"N": "2"}}, "2", id="order of numbers"),
        pytest.param("s < :v", {":v": {"S": "b"}}, "14", id="order of strings"),
        pytest.param("bytes > :v", {":v": {"B": b"ab"}}, "4", id="order of bytes"),
        pytest.param(
            "n BETWEEN :v AND :w", {":v": {"N": "1"}, ":w": {"N": "2"}}, "12", id="BETWEEN"
        ),
        pytest.param("n IN (:v, :w)", {":v": {"N": "1.0"}, ":w": {"S": "3"}}, "13", id="IN"),
        pytest.param("attribute_exists(m.b)", {}, "3", id="exists"),
        pytest.param("attribute_exists(nothing)", {}, "4", id="NULL exists"),
        pytest.param("attribute_exists(l[1])", {}, "2", id="list elements exist"),
        pytest.param("attribute_not_exists(s)", {}, "3", id="does not exist"),
        pytest.param("attribute_type(n, :v)", {":v": {"S": "N"}}, "12", id="type"),
        pytest.param("begins_with(s, :v)", {":v": {"S": "ba"}}, "2", id="prefix"),
        pytest.param("contains(s, :v)", {":v": {"S": "an"}}, "2", id="in a string"),
        pytest.param("contains(bytes, :v)", {":v": {"B": b"bc"}}, "4", id="in bytes"),
        pytest.param("contains(l, :v)", {":v": {"N": "7.0"}}, "2", id="in a list, by value"),
        pytest.param("size(l) = :v", {":v": {"N": "2"}}, "2", id="size of a list"),
        pytest.param("size(s) > :v", {":v": {"N": "0"}}, "12", id="size of a string"),
        pytest.param("size(n) > :v", {":v": {"N": "0"}}, "3", id="a number has no size"),
        pytest.param("m.a = :v", {":v": {"SS": ["q", "p"]}}, "3", id="sets have no order"),
        pytest.param(
            "NOT n = :v AND s = :w OR m.b = :x",
            {":v": {"N": "1"}, ":w": {"S": "banana"}, ":x": {"N": "5"}},
            "23",
            id="NOT before AND before OR",
        ),
        pytest.param(
            "n = :v AND (s = :w OR s = :x)",
            {":v": {"N": "1"}, ":w": {"S": "apple"}, ":x": {"S": "banana"}},
            "1",
            id="parentheses",
        ),
    ],
)
def test_a_filter_says_what_a_condition_says(ranged, operation, ask, expression, values, numbers):
    answer = ranged.call(operation, **ask(expression, values))

    assert "".join(item["sk"]["N"] for item in answer["Items"]) == numbers
    assert (answer["Count"], answer["ScannedCount"]) == (len(numbers), 4)


def test_elements_of_sets_are_found(ranged):
    members = query("contains(#s, :v)", {":v": {"S": "y"}})

    answer = ranged.call("Query", ExpressionAttributeNames={"#s": "set"}, **members)

    assert [item["sk"]["N"] for item in answer["Items"]] == ["1"]


def test_a_filter_sees_what_a_projection_leaves_out(ranged):
    members = query("n = :v", {":v": {"N": "1"}}, ProjectionExpression="sk")

    assert ranged.call("Query", **members)["Items"] == [{"sk": {"N": "1"}}]


def test_a_count_counts_what_passes(ranged):
    members = query("attribute_exists(s)", Select="COUNT")

    assert ranged.call("Query", **members) == {"Count": 3, "ScannedCount": 4}


# ------------------------------------------------------------------------------------------- keys


@pytest.mark.parametrize("name", ["pk", "sk"])
def test_the_filter_of_a_query_names_no_key(ranged, name):
    refusal = ranged.refusal("Query", **query(f"{name} = :v", {":v": {"S": "p"}}))

    assert refusal == invalid(KEY_IN_FILTER + name)


def test_a_placeholder_does_not_hide_a_key(ranged):
    members = query("attribute_exists(#k)", ExpressionAttributeNames={"#k": "sk"})

    assert ranged.refusal("Query", **members) == invalid(KEY_IN_FILTER + "sk")


def test_only_the_keys_of_what_is_queried_count(ranged):
    """Where an index is queried these are the index's, and the table's may be filtered by."""
    members = query("place = :v", {":v": {"N": "1"}})
    assert ranged.call("Query", **members)["Count"] == 0

    members = {
        "IndexName": "by-kind",
        "KeyConditionExpression": "kind = :k",
        "FilterExpression": "sk = :v",
        "ExpressionAttributeValues": {":k": {"S": "k"}, ":v": {"N": "1"}},
    }
    assert ranged.call("Query", **members)["Count"] == 0
    members["FilterExpression"] = "place = :v"
    assert ranged.refusal("Query", **members) == invalid(KEY_IN_FILTER + "place")


def test_the_filter_of_a_scan_may_name_keys(ranged):
    answer = ranged.call("Scan", **scan("sk = :v", {":v": {"N": "2"}}))

    assert (answer["Count"], answer["ScannedCount"]) == (1, 4)


# ----------------------------------------------------------------------------------------- errors


@pytest.mark.parametrize("operation, ask", [("Query", query), ("Scan", scan)])
@pytest.mark.parametrize(
    "expression, values, text",
    [
        pytest.param("", {}, "The expression can not be empty;", id="empty"),
        pytest.param("a =", {}, 'Syntax error; token: "<EOF>", near: "="', id="syntax"),
        pytest.param(
            "a", {}, 'Syntax error; token: "<EOF>", near: "a"', id="an operand is no condition"
        ),
        pytest.param(
            "size(a)",
            {},
            "The function is not allowed to be used this way in an expression; function: size",
            id="a size is no condition",
        ),
        pytest.param(
            "((a = :v))",
            {":v": {"S": "a"}},
            "The expression has redundant parentheses;",
            id="parentheses",
        ),
        pytest.param("f(a)", {}, "Invalid function name; function: f", id="unknown function"),
        pytest.param(
            "Contains(a, :v)",
            {":v": {"S": "a"}},
            "Invalid function name; function: Contains",
            id="functions are written in lower case",
        ),
        pytest.param(
            "name = :v",
            {":v": {"S": "a"}},
            "Attribute name is a reserved keyword; reserved keyword: name",
            id="reserved word",
        ),
        pytest.param(
            "nAmE = :v",
            {":v": {"S": "a"}},
            "Attribute name is a reserved keyword; reserved keyword: nAmE",
            id="reserved word, in any case",
        ),
        pytest.param(
            "#a = :v",
            {":v": {"S": "a"}},
            "An expression attribute name used in the document path is not defined; attribute "
            "name: #a",
            id="undefined name",
        ),
        pytest.param(
            "a = :x",
            {},
            "An expression attribute value used in expression is not defined; attribute value: :x",
            id="undefined value",
        ),
        pytest.param(
            "a < :v",
            {":v": {"BOOL": True}},
            "Incorrect operand type for operator or function; operator or function: <, operand "
            "type: BOOL",
            id="operand type",
        ),
        pytest.param(
            "begins_with(a, :v)",
            {":v": {"N": "1"}},
            "Incorrect operand type for operator or function; operator or function: begins_with, "
            "operand type: N",
            id="a number has no prefix",
        ),
        pytest.param(
            "begins_with(a, :v, :v)",
            {":v": {"S": "1"}},
            "Incorrect number of operands for operator or function; operator or function: "
            "begins_with, number of operands: 3",
            id="operand count",
        ),
        pytest.param(
            "attribute_exists(:v)",
            {":v": {"S": "a"}},
            "Operator or function requires a document path; operator or function: attribute_exists",
            id="a value where a path is due",
        ),
        pytest.param(
            "attribute_type(a, :v)",
            {":v": {"S": "X"}},
            "Invalid attribute type name found; type: X, valid types: "
            "{B,NULL,SS,BOOL,L,BS,N,NS,S,M}",
            id="no type of that name",
        ),
        pytest.param(
            "contains(a, a)",
            {},
            "The first operand must be distinct from the remaining operands for this operator or "
            "function; operator: contains, first operand: [a]",
            id="the same operand twice",
        ),
        pytest.param(
            "a BETWEEN :v AND :w",
            {":v": {"N": "2"}, ":w": {"N": "1"}},
            "The BETWEEN operator requires upper bound to be greater than or equal to lower "
            "bound; lower bound operand: AttributeValue: {N:2}, upper bound operand: "
            "AttributeValue: {N:1}",
            id="bounds the wrong way round",
        ),
    ],
)
def test_a_wrong_filter_is_refused_before_the_lookup(
    ranged, operation, ask, expression, values, text
):
    members = ask(expression, values, TableName="none")

    assert ranged.refusal(operation, **members) == invalid(INVALID + text)


def test_a_filter_of_300_operators_is_the_longest(ranged):
    """One comparison and a chain of NOTs; each counts."""
    members = query("NOT " * 299 + "n = :v", {":v": {"N": "1"}})
    assert ranged.call("Query", **members)["ScannedCount"] == 4

    members = query("NOT " * 300 + "n = :v", {":v": {"N": "1"}})
    assert ranged.refusal("Query", **members) == invalid(
        INVALID + "The expression contains too many operators; operator count: 301"
    )


def test_a_filter_has_4096_bytes_at_most(ranged):
    """(unconfirmed for Scan: DynamoDB's Regions differ in whether it adds the size)"""
    expression = "attribute_exists(a)" + " " * 4_096
    text = INVALID + "Expression size has exceeded the maximum allowed size;"

    assert ranged.refusal("Query", **query(expression)) == invalid(text)
    assert ranged.refusal("Scan", **scan(expression)) == invalid(text)
    assert ranged.call("Scan", **scan(expression[:4_096]))["Count"] == 0


def test_a_right_filter_does_not_find_a_missing_table(ranged):
    assert ranged.refusal("Scan", **scan("attribute_exists(a)", TableName="none")) == NOT_FOUND


def test_a_hundred_operands_of_in_are_the_most(ranged):
    """(unconfirmed in its words)"""
    values = {f":v{number}": {"N": str(number)} for number in range(101)}
    fits = dict(list(values.items())[:100])

    answer = ranged.call("Scan", **scan(f"n IN ({', '.join(fits)})", fits))
    refusal = ranged.refusal("Scan", **scan(f"n IN ({', '.join(values)})", values))

    assert answer["Count"] == 2
    assert refusal.startswith(invalid(INVALID))
