"""The older parameters of Query and Scan: KeyConditions, QueryFilter, ScanFilter and their like.

They say less than expressions and are never mixed with them; their operators are written exactly.
AWS: "Legacy conditional parameters"; error texts as DynamoDB answers (captured 2026-10).
"""

from __future__ import annotations

from typing import Any

import pytest

from item_table import (
    NOT_FOUND,
    PARAMETER,
    ItemTable,
    constraint,
    enum,
    enveloped,
    invalid,
    member_errors,
)

Members = dict[str, Any]
NOT_INDEXABLE = "Attempted conditional constraint is not an indexable operation"
NOTHING_TO_JOIN = "ConditionalOperator cannot be used without Filter or Expected"
ONE_TO_JOIN = (
    "ConditionalOperator can only be used when Filter or Expected has two or more elements"
)
WRONG_OPERATOR = PARAMETER + "Invalid comparison operator"


@pytest.fixture(scope="module")
def ranged(make_table) -> ItemTable:
    """Under `p` the sort keys 1 to 4, with attributes of many types."""
    made = make_table(
        range_key="N",
        more_keys={"kind": "S"},
        GlobalSecondaryIndexes=[
            {
                "IndexName": "by-kind",
                "KeySchema": [{"AttributeName": "kind", "KeyType": "HASH"}],
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
    )
    for number, attributes in enumerate(
        [
            {"n": {"N": "1"}, "s": {"S": "apple"}, "set": {"SS": ["x", "y"]}},
            {"n": {"N": "2"}, "s": {"S": "banana"}, "l": {"L": [{"S": "x"}]}},
            {"n": {"S": "3"}, "none": {"NULL": True}, "user-id": {"S": "u"}},
            {"b": {"B": b"abc"}, "t": {"BOOL": True}, "kind": {"S": "k"}},
        ],
        start=1,
    ):
        made.put({"pk": {"S": "p"}, "sk": {"N": str(number)}} | attributes)
    made.put({"pk": {"S": "q"}, "sk": {"N": "1"}})
    return made


def condition(operator: str, *values: Members) -> Members:
    return {"ComparisonOperator": operator} | (
        {"AttributeValueList": list(values)} if values else {}
    )


BY_PK: Members = {"pk": condition("EQ", {"S": "p"})}


def found(answer: Members) -> str:
    return "".join(item["sk"]["N"] for item in answer["Items"] if item["pk"]["S"] == "p")


# --------------------------------------------------------------------------------- KeyConditions


@pytest.mark.parametrize(
    "sort, numbers",
    [
        (None, "1234"),
        (condition("EQ", {"N": "2.0"}), "2"),
        (condition("LT", {"N": "2"}), "1"),
        (condition("LE", {"N": "2"}), "12"),
        (condition("GT", {"N": "2"}), "34"),
        (condition("GE", {"N": "2"}), "234"),
        (condition("BETWEEN", {"N": "2"}, {"N": "3"}), "23"),
    ],
)
def test_each_operator_of_a_sort_key_chooses_its_range(ranged, sort, numbers):
    conditions = BY_PK | ({"sk": sort} if sort else {})

    answer = ranged.call("Query", KeyConditions=conditions)

    assert found(answer) == numbers
    backwards = ranged.call("Query", KeyConditions=conditions, ScanIndexForward=False)
    assert found(backwards) == numbers[::-1]


def test_begins_with_is_for_strings_and_bytes(make_table, ranged):
    strings = make_table(range_key="S")
    for text in ("a", "ab", "b"):
        strings.put({"pk": {"S": "p"}, "sk": {"S": text}})

    answer = strings.call(
        "Query", KeyConditions=BY_PK | {"sk": condition("BEGINS_WITH", {"S": "a"})}
    )
    assert [item["sk"]["S"] for item in answer["Items"]] == ["a", "ab"]

    refusal = ranged.refusal(
        "Query", KeyConditions=BY_PK | {"sk": condition("BEGINS_WITH", {"N": "1"})}
    )
    assert refusal == invalid(
        PARAMETER + "ComparisonOperator BEGINS_WITH is not valid for N AttributeValue type"
    )


@pytest.mark.parametrize(
    "conditions, text",
    [
        pytest.param(
            {"sk": condition("EQ", {"N": "1"})},
            "Query condition missed key schema element: pk",
            id="no partition key",
        ),
        pytest.param(
            {"pk": condition("GT", {"S": "p"})},
            "Query key condition not supported",
            id="a range of partition keys",
        ),
        pytest.param(
            {"pk": condition("IN", {"S": "p"})}, NOT_INDEXABLE, id="one of several partition keys"
        ),
        pytest.param(BY_PK | {"sk": condition("NE", {"N": "1"})}, NOT_INDEXABLE, id="NE"),
        pytest.param(BY_PK | {"sk": condition("IN", {"N": "1"})}, NOT_INDEXABLE, id="IN"),
        pytest.param(BY_PK | {"sk": condition("NULL")}, NOT_INDEXABLE, id="NULL"),
        pytest.param(BY_PK | {"sk": condition("NOT_NULL")}, NOT_INDEXABLE, id="NOT_NULL"),
        pytest.param(
            BY_PK | {"sk": condition("CONTAINS", {"N": "1"})}, NOT_INDEXABLE, id="CONTAINS"
        ),
        pytest.param(
            BY_PK | {"sk": condition("NOT_CONTAINS", {"N": "1"})}, NOT_INDEXABLE, id="NOT_CONTAINS"
        ),
        pytest.param(
            BY_PK | {"n": condition("EQ", {"N": "1"})},
            "Query condition missed key schema element: sk",
            id="an attribute that is no key",
        ),
        pytest.param(
            BY_PK | {"sk": condition("EQ", {"N": "1"}), "n": condition("EQ", {"N": "1"})},
            "The number of query conditions (3) exceeds the number of key attributes defined in "
            "the schema (2)",
            id="more conditions than key attributes",
        ),
        pytest.param(
            {"pk": condition("EQ", {"N": "1"})},
            PARAMETER + "Condition parameter type does not match schema type",
            id="another type",
        ),
    ],
)
def test_what_the_key_was_not_asked_is_refused_after_the_lookup(ranged, conditions, text):
    assert ranged.refusal("Query", KeyConditions=conditions) == invalid(text)
    assert ranged.refusal("Query", TableName="none", KeyConditions=conditions) == NOT_FOUND


# ------------------------------------------------------------------------------------- the filters


@pytest.mark.parametrize("operation", ["Query", "Scan"])
@pytest.mark.parametrize(
    "name, filter_, numbers",
    [
        pytest.param("n", condition("EQ", {"N": "2.0"}), "2", id="EQ by value"),
        pytest.param("set", condition("EQ", {"SS": ["y", "x"]}), "1", id="EQ of sets"),
        pytest.param("l", condition("EQ", {"L": [{"S": "x"}]}), "2", id="EQ of lists"),
        pytest.param("n", condition("NE", {"N": "1"}), "234", id="NE, true of what is not there"),
        pytest.param("n", condition("LT", {"N": "2"}), "1", id="LT"),
        pytest.param("n", condition("LE", {"N": "2"}), "12", id="LE"),
        pytest.param("s", condition("GT", {"S": "apple"}), "2", id="GT"),
        pytest.param("b", condition("GE", {"B": b"ab"}), "4", id="GE"),
        pytest.param("n", condition("BETWEEN", {"N": "1"}, {"N": "2"}), "12", id="BETWEEN"),
        pytest.param("n", condition("IN", {"N": "2"}, {"N": "3"}), "2", id="IN"),
        pytest.param("n", condition("NULL"), "4", id="NULL is absence"),
        pytest.param("none", condition("NOT_NULL"), "3", id="NOT_NULL is presence"),
        pytest.param("s", condition("BEGINS_WITH", {"S": "ap"}), "1", id="BEGINS_WITH"),
        pytest.param("s", condition("CONTAINS", {"S": "an"}), "2", id="CONTAINS in a string"),
        pytest.param("set", condition("CONTAINS", {"S": "x"}), "1", id="CONTAINS in a set"),
        pytest.param("l", condition("CONTAINS", {"S": "x"}), "2", id="CONTAINS in a list"),
        pytest.param(
            "s",
            condition("NOT_CONTAINS", {"S": "an"}),
            "1",
            id="NOT_CONTAINS, false of what is not there",
        ),
        pytest.param("t", condition("EQ", {"BOOL": True}), "4", id="EQ of booleans"),
        pytest.param("user-id", condition("EQ", {"S": "u"}), "3", id="names of any characters"),
    ],
)
def test_a_filter_chooses_its_items(ranged, operation, name, filter_, numbers):
    if operation == "Query":
        answer = ranged.call("Query", KeyConditions=BY_PK, QueryFilter={name: filter_})
        assert answer["ScannedCount"] == 4
    else:
        answer = ranged.call("Scan", ScanFilter={name: filter_})
        assert answer["ScannedCount"] == 5

    assert found(answer) == numbers


@pytest.mark.parametrize("operator, numbers", [(None, "2"), ("AND", "2"), ("OR", "124")])
def test_conditions_are_joined_by_and_unless_told_otherwise(ranged, operator, numbers):
    """`OR` finds what has an `s` or has no `n`."""
    joined = {"ConditionalOperator": operator} if operator else {}
    filters = {
        "s": condition("NOT_NULL"),
        "n": condition("EQ", {"N": "2"}) if operator != "OR" else condition("NULL"),
    }

    answer = ranged.call("Query", KeyConditions=BY_PK, QueryFilter=filters, **joined)

    assert found(answer) == numbers


def test_the_filter_of_a_query_names_no_key(ranged):
    for name, value in (("pk", {"S": "p"}), ("sk", {"N": "1"})):
        assert ranged.refusal(
            "Query", KeyConditions=BY_PK, QueryFilter={name: condition("EQ", value)}
        ) == invalid(
            "QueryFilter can only contain non-primary key attributes: Primary key attribute: "
            f"{name}"
        )


def test_the_filter_of_a_scan_may_name_keys(ranged):
    answer = ranged.call("Scan", ScanFilter={"sk": condition("EQ", {"N": "3"})})

    assert (found(answer), answer["ScannedCount"]) == ("3", 5)


def test_attributes_to_get_are_names_not_paths(ranged):
    answer = ranged.call("Query", KeyConditions=BY_PK, AttributesToGet=["user-id", "n"])

    assert answer["Items"] == [
        {"n": {"N": "1"}},
        {"n": {"N": "2"}},
        {"n": {"S": "3"}, "user-id": {"S": "u"}},
        {},
    ]


def test_attributes_to_get_are_named_once_and_at_least_one(ranged):
    assert ranged.refusal("Query", KeyConditions=BY_PK, AttributesToGet=["a", "a"]) == invalid(
        PARAMETER + "Duplicate value in attribute name: a"
    )
    assert ranged.sent_refusal("Scan", AttributesToGet=[]) == member_errors(
        constraint("attributesToGet", "[]", "have length greater than or equal to 1")
    )


def test_attributes_to_get_are_what_select_calls_specific(ranged):
    answer = ranged.call(
        "Query", KeyConditions=BY_PK, AttributesToGet=["n"], Select="SPECIFIC_ATTRIBUTES", Limit=1
    )
    assert answer["Items"] == [{"n": {"N": "1"}}]
    assert ranged.refusal("Scan", AttributesToGet=["n"], Select="COUNT") == enveloped(
        "Cannot specify the AttributesToGet when choosing to get only the Count"
    )


def test_an_index_is_queried_in_the_same_way(ranged):
    answer = ranged.call(
        "Query",
        IndexName="by-kind",
        KeyConditions={"kind": condition("EQ", {"S": "k"})},
        QueryFilter={"sk": condition("GT", {"N": "1"})},
    )

    assert found(answer) == "4"


# ----------------------------------------------------------------------------------------- errors


@pytest.mark.parametrize(
    "operation, members, legacy, expressions",
    [
        (
            "Query",
            {"KeyConditions": BY_PK, "KeyConditionExpression": "pk = :p"},
            "KeyConditions",
            "KeyConditionExpression",
        ),
        (
            "Query",
            {
                "KeyConditions": BY_PK,
                "QueryFilter": {"n": condition("NULL")},
                "AttributesToGet": ["a"],
                "ConditionalOperator": "AND",
                "FilterExpression": "a = :p",
                "ProjectionExpression": "a",
                "KeyConditionExpression": "pk = :p",
            },
            "AttributesToGet, QueryFilter, ConditionalOperator, KeyConditions",
            "ProjectionExpression, FilterExpression, KeyConditionExpression",
        ),
        (
            "Scan",
            {
                "ScanFilter": {"n": condition("NULL")},
                "ConditionalOperator": "AND",
                "AttributesToGet": ["a"],
                "FilterExpression": "a = :p",
                "ProjectionExpression": "a",
            },
            "AttributesToGet, ScanFilter, ConditionalOperator",
            "ProjectionExpression, FilterExpression",
        ),
    ],
    ids=["key conditions", "all of a query's", "all of a scan's"],
)
def test_old_and_new_parameters_do_not_go_together(ranged, operation, members, legacy, expressions):
    refusal = ranged.refusal(operation, TableName="none", **members)

    assert refusal == invalid(
        "Can not use both expression and non-expression parameters in the same request: "
        f"Non-expression parameters: {{{legacy}}} Expression parameters: {{{expressions}}}"
    )


@pytest.mark.parametrize(
    "members, text",
    [
        pytest.param({"ConditionalOperator": "OR"}, NOTHING_TO_JOIN, id="nothing to join"),
        pytest.param({"ConditionalOperator": "x"}, NOTHING_TO_JOIN, id="whatever it is"),
        pytest.param(
            {"ConditionalOperator": "x", "ScanFilter": {"a": condition("NULL")}},
            ONE_TO_JOIN,
            id="one condition",
        ),
        pytest.param(
            {
                "ConditionalOperator": "x",
                "ScanFilter": {"a": condition("NULL"), "b": condition("NULL")},
            },
            "Failed to satisfy constraint: Member must satisfy enum value set: [ALL, OR]",
            id="neither AND nor OR, for which DynamoDB says ALL",
        ),
    ],
)
def test_conditional_operator_needs_conditions(ranged, members, text):
    """Bare, other than on the writes; and before the lookup."""
    assert ranged.sent_refusal("Scan", TableName="none", **members) == invalid(text)
    if "ScanFilter" in members:
        members = dict(members)
        members["QueryFilter"] = members.pop("ScanFilter")
    assert ranged.sent_refusal(
        "Query", TableName="none", KeyConditions=BY_PK, **members
    ) == invalid(text)


def body_of(member: str, condition_: Members) -> tuple[str, Members]:
    """The operation that has this member, and a body with the condition on `a` in it."""
    if member == "ScanFilter":
        return "Scan", {"ScanFilter": {"a": condition_}}
    if member == "QueryFilter":
        return "Query", {"KeyConditions": BY_PK, "QueryFilter": {"a": condition_}}
    return "Query", {"KeyConditions": {"a": condition_}}


@pytest.mark.parametrize("member", ["ScanFilter", "QueryFilter", "KeyConditions"])
@pytest.mark.parametrize("operator", ["eq", "FOO", "="])
def test_operators_are_written_exactly(ranged, member, operator):
    operation, body = body_of(member, condition(operator, {"S": "a"}))

    assert ranged.sent_refusal(operation, TableName="none", **body) == invalid(WRONG_OPERATOR)


@pytest.mark.parametrize("member", ["ScanFilter", "QueryFilter", "KeyConditions"])
def test_a_condition_needs_its_operator(ranged, member):
    operation, body = body_of(member, {"AttributeValueList": [{"S": "a"}]})
    path = f"{member[0].lower()}{member[1:]}.a.member.comparisonOperator"

    assert ranged.sent_refusal(operation, TableName="none", **body) == member_errors(
        constraint(path, None, "not be null")
    )


@pytest.mark.parametrize("operation", ["Query", "Scan"])
def test_the_old_layer_knows_the_conditional_operators(ranged, operation):
    refusal = ranged.sent_refusal(operation, TableName=None, ConditionalOperator="and")

    assert refusal == member_errors(
        constraint("tableName", None, "not be null"),
        constraint("conditionalOperator", "and", enum("OR", "AND")),
    )


def test_the_missing_operator_is_listed_with_the_rest_in_the_old_words(ranged):
    refusal = ranged.sent_refusal("Scan", Limit=0, ScanFilter={"a": {}})

    assert refusal == member_errors(
        constraint("limit", 0, "have value greater than or equal to 1"),
        constraint("scanFilter.a.member.comparisonOperator", None, "not be null"),
    )


@pytest.mark.parametrize("member", ["ScanFilter", "QueryFilter", "KeyConditions"])
@pytest.mark.parametrize(
    "wrong, text",
    [
        pytest.param(
            condition("EQ"),
            "Invalid number of argument(s) for the EQ ComparisonOperator",
            id="EQ of none",
        ),
        pytest.param(
            condition("EQ", {"S": "a"}, {"S": "b"}),
            "Invalid number of argument(s) for the EQ ComparisonOperator",
            id="EQ of two",
        ),
        pytest.param(
            condition("BETWEEN", {"S": "a"}),
            "Invalid number of argument(s) for the BETWEEN ComparisonOperator",
            id="BETWEEN of one",
        ),
        pytest.param(
            condition("NULL", {"S": "a"}),
            "Invalid number of argument(s) for the NULL ComparisonOperator",
            id="NULL of one",
        ),
        pytest.param(
            condition("IN"),
            "Invalid number of argument(s) for the IN ComparisonOperator",
            id="IN of none",
        ),
        pytest.param(
            condition("BETWEEN", {"S": "a"}, {"N": "1"}),
            "AttributeValues inside AttributeValueList must be of same type",
            id="BETWEEN of two types",
        ),
        pytest.param(
            condition("IN", {"S": "a"}, {"N": "1"}),
            "AttributeValues inside AttributeValueList must be of same type",
            id="IN of two types",
        ),
        pytest.param(
            condition("LT", {"SS": ["a"]}),
            "ComparisonOperator LT is not valid for SS AttributeValue type",
            id="LT of a set",
        ),
        pytest.param(
            condition("CONTAINS", {"SS": ["a"]}),
            "ComparisonOperator CONTAINS is not valid for SS AttributeValue type",
            id="CONTAINS of a set",
        ),
        pytest.param(
            condition("BEGINS_WITH", {"N": "1"}),
            "ComparisonOperator BEGINS_WITH is not valid for N AttributeValue type",
            id="BEGINS_WITH of a number",
        ),
        pytest.param(
            condition("IN", {"S": "a"}, {"BOOL": True}),
            "ComparisonOperator IN is not valid for BOOL AttributeValue type",
            id="IN looks at every value",
        ),
        pytest.param(
            condition("IN", {"NULL": True}),
            "ComparisonOperator IN is not valid for NULL AttributeValue type",
            id="IN of NULL",
        ),
    ],
)
def test_values_must_fit_their_operator(ranged, member, wrong, text):
    operation, body = body_of(member, wrong)

    assert ranged.refusal(operation, TableName="none", **body) == invalid(PARAMETER + text)


@pytest.mark.parametrize("member", ["ScanFilter", "QueryFilter", "KeyConditions"])
def test_the_bounds_of_between_are_in_order(ranged, member):
    operation, body = body_of(member, condition("BETWEEN", {"N": "2"}, {"N": "1"}))

    assert ranged.refusal(operation, **body) == invalid(
        "The BETWEEN condition was provided a range where the lower bound is greater than the "
        "upper bound"
    )


@pytest.mark.parametrize("member", ["ScanFilter", "QueryFilter", "KeyConditions"])
def test_values_are_read_before_their_operator_is(ranged, member):
    operation, body = body_of(member, condition("FOO", {"N": "x"}))

    assert ranged.sent_refusal(operation, **body) == invalid(
        "The parameter cannot be converted to a numeric value: x"
    )


@pytest.mark.parametrize("member", ["ScanFilter", "QueryFilter", "KeyConditions"])
def test_an_empty_name_is_refused(ranged, member):
    operation, body = body_of(member, condition("EQ", {"M": {"": {"S": "a"}}}))

    assert ranged.refusal(operation, TableName="none", **body) == invalid("Empty attribute name")


def test_the_values_of_a_scan_filter_may_be_nested_one_level_deeper(ranged):
    def nested(levels: int) -> Members:
        value: Members = {"S": "a"}
        for _ in range(levels):
            value = {"L": [value]}
        return condition("EQ", value)

    too_deep = invalid(
        "Nesting Levels have exceeded supported limits: Attributes in the item have nested levels "
        "beyond supported limit"
    )
    assert ranged.call("Scan", ScanFilter={"a": nested(32)})["Count"] == 0
    assert ranged.refusal("Scan", ScanFilter={"a": nested(33)}) == too_deep
    by_pk = {"KeyConditions": BY_PK}
    assert ranged.call("Query", QueryFilter={"a": nested(31)}, **by_pk)["Count"] == 0
    assert ranged.refusal("Query", QueryFilter={"a": nested(32)}, **by_pk) == too_deep
