"""A KeyConditionExpression names one partition key by equality, and perhaps a range of sort keys.

Anything else that a condition can say is refused, and told apart: what no key can be asked, from
what this key was not asked. AWS: "Key condition expressions for the Query operation"; error texts
as DynamoDB answers (captured 2026-10).
"""

from __future__ import annotations

from typing import Any

import pytest

from item_table import NOT_FOUND, PARAMETER, ItemTable, invalid

INVALID = "Invalid KeyConditionExpression: "
CONDITION = "Invalid condition in KeyConditionExpression: "
VALUES: dict[str, Any] = {
    ":p": {"S": "p"},
    ":a": {"S": "abc"},
    ":b": {"S": "b"},
    ":n": {"N": "1"},
    ":z": {"S": "z"},
    ":e": {"S": ""},
    ":t": {"BOOL": True},
    ":s": {"SS": ["a"]},
}
SORT_KEYS = ["a", "ab", "abc", "abcd", "b", "ba", "c"]


@pytest.fixture(scope="module")
def ranged(make_table) -> ItemTable:
    made = make_table(range_key="S")
    for sort_key in SORT_KEYS:
        made.put({"pk": {"S": "p"}, "sk": {"S": sort_key}})
    made.put({"pk": {"S": "other"}, "sk": {"S": "b"}})
    return made


def used(expression: str) -> dict[str, Any]:
    """The values that an expression names."""
    return {name: value for name, value in VALUES.items() if name in expression}


def found(table: ItemTable, expression: str, **members: Any) -> list[str]:
    answer = table.call(
        "Query",
        KeyConditionExpression=expression,
        ExpressionAttributeValues=used(expression),
        **members,
    )
    return [item["sk"]["S"] for item in answer["Items"]]


def refusal(table: ItemTable, expression: str, **members: Any) -> str:
    values = used(expression)
    if values:
        members["ExpressionAttributeValues"] = values
    return table.sent_refusal("Query", KeyConditionExpression=expression, **members)


@pytest.mark.parametrize(
    "expression, sort_keys",
    [
        ("pk = :p", SORT_KEYS),
        ("pk = :p AND sk = :a", ["abc"]),
        ("pk = :p AND sk < :a", ["a", "ab"]),
        ("pk = :p AND sk <= :a", ["a", "ab", "abc"]),
        ("pk = :p AND sk > :b", ["ba", "c"]),
        ("pk = :p AND sk >= :b", ["b", "ba", "c"]),
        ("pk = :p AND sk BETWEEN :a AND :b", ["abc", "abcd", "b"]),
        ("pk = :p AND begins_with(sk, :a)", ["abc", "abcd"]),
        ("pk = :p AND begins_with(sk, :b)", ["b", "ba"]),
        ("pk = :p AND begins_with(sk, :z)", []),
    ],
)
def test_each_operator_chooses_its_range(ranged, expression, sort_keys):
    assert found(ranged, expression) == sort_keys


@pytest.mark.parametrize(
    "expression",
    [
        pytest.param("sk = :a AND pk = :p", id="sort key first"),
        pytest.param("(pk = :p) AND (sk = :a)", id="each side in parentheses"),
        pytest.param("(pk = :p AND sk = :a)", id="all of it in parentheses"),
        pytest.param(":p = pk AND :a = sk", id="values on the left"),
        pytest.param("pk=:p and sk=:a", id="no blanks, keyword in lower case"),
        pytest.param("  pk\t=\n:p   AnD sk = :a ", id="blanks of every kind"),
    ],
)
def test_the_same_can_be_written_in_many_ways(ranged, expression):
    assert found(ranged, expression) == ["abc"]


@pytest.mark.parametrize(
    "expression, sort_keys",
    [
        ("pk = :p AND :b < sk", ["ba", "c"]),
        ("pk = :p AND :b <= sk", ["b", "ba", "c"]),
        ("pk = :p AND :a > sk", ["a", "ab"]),
        ("pk = :p AND :a >= sk", ["a", "ab", "abc"]),
    ],
)
def test_a_value_on_the_left_turns_the_comparison_around(ranged, expression, sort_keys):
    assert found(ranged, expression) == sort_keys


def test_names_may_stand_behind_placeholders(ranged):
    names = {"#p": "pk", "#s": "sk"}

    assert found(ranged, "#p = :p AND #s = :a", ExpressionAttributeNames=names) == ["abc"]


def test_numbers_are_compared_by_value(make_table):
    table = make_table("N", range_key="N")
    for number in ("-10", "-9.5", "0", "2", "10"):
        table.put({"pk": {"N": "1"}, "sk": {"N": number}})

    answer = table.call(
        "Query",
        KeyConditionExpression="pk = :p AND sk BETWEEN :low AND :high",
        ExpressionAttributeValues={
            ":p": {"N": "1.0"},
            ":low": {"N": "-95e-1"},
            ":high": {"N": "2.000"},
        },
    )

    assert [item["sk"]["N"] for item in answer["Items"]] == ["-9.5", "0", "2"]


def test_bytes_are_compared_unsigned(make_table):
    table = make_table(range_key="B")
    for value in (b"\x00", b"\x7f", b"\x80", b"\x80\x01", b"\xff", b"\xff\xff", b"\xff\xff\x01"):
        table.put({"pk": {"S": "p"}, "sk": {"B": value}})

    def chosen(operator: str, value: bytes) -> list[bytes]:
        answer = table.call(
            "Query",
            KeyConditionExpression=f"pk = :p AND {operator}",
            ExpressionAttributeValues={":p": {"S": "p"}, ":v": {"B": value}},
        )
        return [item["sk"]["B"] for item in answer["Items"]]

    assert chosen("sk > :v", b"\x7f") == [
        b"\x80", b"\x80\x01", b"\xff", b"\xff\xff", b"\xff\xff\x01",
    ]  # fmt: skip
    # Nothing comes after a prefix of the highest bytes, so the range has no upper neighbour.
    assert chosen("begins_with(sk, :v)", b"\xff\xff") == [b"\xff\xff", b"\xff\xff\x01"]
    assert chosen("begins_with(sk, :v)", b"\x80") == [b"\x80", b"\x80\x01"]


# ------------------------------------------------------------------------ what no key can be asked


@pytest.mark.parametrize(
    "expression, text",
    [
        pytest.param("", INVALID + "The expression can not be empty;", id="empty"),
        pytest.param(
            "   ", INVALID + 'Syntax error; token: "<EOF>", near: "   "', id="only blanks"
        ),
        pytest.param(
            "pk = = :p", INVALID + 'Syntax error; token: "=", near: "= = :p"', id="syntax"
        ),
        pytest.param(
            "#p = :p",
            INVALID + "An expression attribute name used in the document path is not defined; "
            "attribute name: #p",
            id="undefined name",
        ),
        pytest.param(
            "pk = :x",
            INVALID + "An expression attribute value used in expression is not defined; "
            "attribute value: :x",
            id="undefined value",
        ),
        pytest.param(
            "name = :p",
            INVALID + "Attribute name is a reserved keyword; reserved keyword: name",
            id="reserved word",
        ),
        pytest.param(
            "((pk = :p))", INVALID + "The expression has redundant parentheses;", id="parentheses"
        ),
        pytest.param(
            "pk = :p AND f(sk)", INVALID + "Invalid function name; function: f", id="function"
        ),
        pytest.param(
            "pk = :p OR sk = :a", "Invalid operator used in KeyConditionExpression: OR", id="OR"
        ),
        pytest.param(
            "NOT pk = :p", "Invalid operator used in KeyConditionExpression: NOT", id="NOT"
        ),
        pytest.param(
            "pk IN (:p, :a)", "Invalid operator used in KeyConditionExpression: IN", id="IN"
        ),
        pytest.param("pk <> :p", "Invalid operator used in KeyConditionExpression: <>", id="<>"),
        pytest.param(
            "attribute_exists(pk)",
            "Invalid operator used in KeyConditionExpression: attribute_exists",
            id="attribute_exists",
        ),
        pytest.param(
            "pk = :p AND attribute_not_exists(sk)",
            "Invalid operator used in KeyConditionExpression: attribute_not_exists",
            id="attribute_not_exists",
        ),
        pytest.param(
            "pk = :p AND contains(sk, :a)",
            "Invalid operator used in KeyConditionExpression: contains",
            id="contains",
        ),
        pytest.param(
            "pk = :p AND attribute_type(sk, :type)",
            "Invalid operator used in KeyConditionExpression: attribute_type",
            id="attribute_type",
        ),
        pytest.param(
            "size(pk) = :n",
            INVALID + "KeyConditionExpressions cannot contain nested operations",
            id="size",
        ),
        pytest.param(
            "pk = :p AND pk = :a",
            INVALID + "KeyConditionExpressions must only contain one condition per key",
            id="two conditions on one key",
        ),
        pytest.param(
            "pk = :p AND sk > :a AND sk < :b",
            INVALID + "KeyConditionExpressions must only contain one condition per key",
            id="a range of two comparisons",
        ),
        pytest.param(
            "pk.a = :p",
            INVALID + "KeyConditionExpressions cannot have conditions on nested attributes",
            id="map element",
        ),
        pytest.param(
            "pk = :p AND sk[0] = :p",
            INVALID + "KeyConditionExpressions cannot have conditions on nested attributes",
            id="list element",
        ),
        pytest.param(
            "pk = sk", CONDITION + "Multiple attribute names used in one condition", id="two names"
        ),
        pytest.param(":p = :a", CONDITION + "No key attribute specified", id="two values"),
        pytest.param(
            ":a BETWEEN sk AND :b",
            CONDITION + "BETWEEN operator must have the key attribute as its first operand",
            id="BETWEEN with a value first",
        ),
    ],
)
def test_what_no_key_can_be_asked_is_refused_before_the_lookup(ranged, expression, text):
    values = {":type": {"S": "S"}} if ":type" in expression else {}
    members = {"ExpressionAttributeValues": used(expression) | values} if values else {}

    if members:
        answered = ranged.sent_refusal(
            "Query", TableName="none", KeyConditionExpression=expression, **members
        )
    else:
        answered = refusal(ranged, expression, TableName="none")

    assert answered == invalid(text)


@pytest.mark.parametrize(
    "expression, operator, kind",
    [
        ("pk = :p AND begins_with(sk, :n)", "begins_with", "N"),
        ("pk = :p AND begins_with(sk, :t)", "begins_with", "BOOL"),
        ("pk = :p AND sk < :t", "<", "BOOL"),
        ("pk = :p AND sk >= :s", ">=", "SS"),
        ("pk = :p AND sk BETWEEN :t AND :t", "BETWEEN", "BOOL"),
    ],
)
def test_operands_are_of_types_that_the_operator_takes(ranged, expression, operator, kind):
    """The operator is shown as it was written."""
    assert refusal(ranged, expression, TableName="none") == invalid(
        INVALID + "Incorrect operand type for operator or function; operator or function: "
        f"{operator}, operand type: {kind}"
    )


def test_the_bounds_of_between_are_of_one_type_and_in_order(ranged):
    assert refusal(ranged, "pk = :p AND sk BETWEEN :a AND :n") == invalid(
        INVALID + "The BETWEEN operator requires same data type for lower and upper bounds; lower "
        "bound operand: AttributeValue: {S:abc}, upper bound operand: AttributeValue: {N:1}"
    )
    assert refusal(ranged, "pk = :p AND sk BETWEEN :b AND :a") == invalid(
        INVALID + "The BETWEEN operator requires upper bound to be greater than or equal to lower "
        "bound; lower bound operand: AttributeValue: {S:b}, upper bound operand: AttributeValue: "
        "{S:abc}"
    )


def test_an_expression_has_4096_bytes_at_most(ranged):
    expression = "pk = :p" + " " * 4_090

    assert refusal(ranged, expression) == invalid(
        INVALID + "Expression size has exceeded the maximum allowed size;"
    )
    assert found(ranged, "pk = :p" + " " * (4_096 - len("pk = :p"))) == SORT_KEYS


# ------------------------------------------------------------------- what this key was not asked


@pytest.mark.parametrize(
    "expression, text",
    [
        pytest.param(
            "sk = :a", "Query condition missed key schema element: pk", id="no partition key"
        ),
        pytest.param(
            "pk = :p AND extra = :a",
            "Query condition missed key schema element: sk",
            id="an attribute that is no key",
        ),
        pytest.param(
            "pk > :p", "Query key condition not supported", id="a range of partition keys"
        ),
        pytest.param(
            "begins_with(pk, :p)", "Query key condition not supported", id="a prefix of them"
        ),
        pytest.param(
            "pk = :p AND sk = :a AND extra = :b",
            "The number of query conditions (3) exceeds the number of key attributes defined in "
            "the schema (2)",
            id="more conditions than key attributes",
        ),
        pytest.param(
            "pk = :n",
            PARAMETER + "Condition parameter type does not match schema type",
            id="a partition key of another type",
        ),
        pytest.param(
            "pk = :p AND sk > :n",
            PARAMETER + "Condition parameter type does not match schema type",
            id="a sort key of another type",
        ),
        pytest.param(
            "pk = :e",
            "One or more parameter values are not valid. The AttributeValue for a key attribute "
            "cannot contain an empty string value. Key: pk",
            id="an empty partition key",
        ),
        pytest.param(
            "pk = :p AND sk = :e",
            "One or more parameter values are not valid. The AttributeValue for a key attribute "
            "cannot contain an empty string value. Key: sk",
            id="an empty sort key",
        ),
        pytest.param(
            "pk = :p AND begins_with(sk, :e)",
            "One or more parameter values are not valid. The AttributeValue for a key attribute "
            "cannot contain an empty string value. Key: sk",
            id="an empty prefix",
        ),
    ],
)
def test_what_this_key_was_not_asked_is_refused_after_the_lookup(ranged, expression, text):
    assert refusal(ranged, expression, TableName="none") == NOT_FOUND
    assert refusal(ranged, expression) == invalid(text)


def test_a_table_without_sort_key_takes_one_condition(table):
    assert refusal(table, "pk = :p AND sk = :a") == invalid(
        "The number of query conditions (2) exceeds the number of key attributes defined in the "
        "schema (1)"
    )


@pytest.mark.parametrize("kind, value", [("S", "x" * 2_049), ("B", b"x" * 2_049)])
def test_a_partition_key_longer_than_any_is_refused(make_table, kind, value):
    keyed = make_table(kind)

    assert keyed.refusal(
        "Query",
        KeyConditionExpression="pk = :p",
        ExpressionAttributeValues={":p": {kind: value}},
    ) == invalid(PARAMETER + "Size of hashkey has exceeded the maximum size limit of2048 bytes")
