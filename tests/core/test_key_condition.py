"""Key conditions: the texts, the values, and the key they are held against.

Sources: AWS Developer Guide, "Key condition expressions for the Query operation"; the order of
checks and the words of 2026 as captured.
"""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from expression_texts import (
    VALUES,
    any_text,
    condition_texts,
    outcome,
    refusal,
    substitutions,
    token_text,
)
from stator_core.expressions.key_condition import (
    Clause,
    KeyConditionClauses,
    compile_key_condition,
)
from stator_core.expressions.substitutions import Layer, Substitutions
from stator_core.keys import KeyCondition
from stator_core.table import KeyAttribute, KeySchema

HASH_ONLY = KeySchema((KeyAttribute("pk", "S"),))
TABLE = KeySchema((KeyAttribute("pk", "S"),), (KeyAttribute("sk", "N"),))
TEXTS = KeySchema((KeyAttribute("pk", "S"),), (KeyAttribute("sk", "S"),))
WIDE = KeySchema(
    (KeyAttribute("a", "S"), KeyAttribute("b", "S")),
    (KeyAttribute("x", "N"), KeyAttribute("y", "N"), KeyAttribute("z", "N")),
)
S, N, M = VALUES[":s"], VALUES[":n"], VALUES[":m"]


def compiled(text: str) -> KeyConditionClauses:
    return compile_key_condition(text, substitutions())


def resolved(text: str, key_schema: KeySchema = TABLE) -> KeyCondition:
    return compiled(text).resolve(key_schema)


def refused(text: str) -> str:
    return refusal(compiled, text)


def unresolved(text: str, key_schema: KeySchema = TABLE) -> str:
    return refusal(compiled(text).resolve, key_schema)


@pytest.mark.parametrize(
    "text, expected",
    [
        ("pk = :s", KeyCondition((S,))),
        (":s = pk", KeyCondition((S,))),
        ("(pk = :s)", KeyCondition((S,))),
        ("pk = :s AND sk = :n", KeyCondition((S,), (), "=", (N,))),
        ("sk < :n AND pk = :s", KeyCondition((S,), (), "<", (N,))),
        ("(pk = :s) AND (sk <= :n)", KeyCondition((S,), (), "<=", (N,))),
        ("(pk = :s AND sk > :n)", KeyCondition((S,), (), ">", (N,))),
        ("pk = :s AND :n <= sk", KeyCondition((S,), (), ">=", (N,))),
        ("pk = :s AND :n > sk", KeyCondition((S,), (), "<", (N,))),
        ("pk = :s AND sk BETWEEN :n AND :m", KeyCondition((S,), (), "BETWEEN", (N, M))),
    ],
)
def test_a_key_condition_asks_one_hash_and_a_range(text, expected) -> None:
    assert resolved(text) == expected


def test_begins_with_asks_a_text() -> None:
    assert resolved("pk = :s AND begins_with(sk, :t)", TEXTS) == KeyCondition(
        (S,), (), "begins_with", (VALUES[":t"],)
    )


def test_an_index_may_have_several_hash_and_range_attributes() -> None:
    assert resolved("a = :s AND b = :t", WIDE) == KeyCondition((S, VALUES[":t"]))
    assert resolved("b = :t AND x = :n AND a = :s AND y >= :m", WIDE) == KeyCondition(
        (S, VALUES[":t"]), (N,), ">=", (M,)
    )
    assert resolved("a = :s AND b = :t AND x = :n AND y = :m AND z = :n", WIDE) == KeyCondition(
        (S, VALUES[":t"]), (N, M), "=", (N,)
    )


def test_an_empty_text_is_refused() -> None:
    assert refused("") == "Invalid KeyConditionExpression: The expression can not be empty;"


@pytest.mark.parametrize(
    "text, operator",
    [
        ("pk = :s OR sk = :n", "OR"),
        ("pk = :s AND (sk = :n OR sk > :n)", "OR"),
        ("NOT pk = :s", "NOT"),
        ("pk <> :s", "<>"),
        ("pk IN (:s)", "IN"),
        ("attribute_exists(pk)", "attribute_exists"),
        ("attribute_not_exists(pk)", "attribute_not_exists"),
        ("attribute_type(pk, :t)", "attribute_type"),
        ("contains(a.d, b)", "contains"),
        ("a > b AND size(b) > c OR a > c", "OR"),
    ],
)
def test_operators_that_no_key_has_are_refused_by_name(text, operator) -> None:
    assert refused(text) == f"Invalid operator used in KeyConditionExpression: {operator}"


@pytest.mark.parametrize(
    "text", ["size(b) > a AND a.b > b AND b > c", "a > size(b.d)", "a BETWEEN size(b) AND size(a)"]
)
def test_operations_do_not_nest(text) -> None:
    assert refused(text).endswith("KeyConditionExpressions cannot contain nested operations")


@pytest.mark.parametrize(
    "text", ["pk = :s AND pk = :t", "(a > :n AND b > :n) AND (b > :n AND c > :n)",
             "pk = :s AND sk > :n AND sk < :m"],
)  # fmt: skip
def test_a_key_has_one_condition(text) -> None:
    assert refused(text).endswith("KeyConditionExpressions must only contain one condition per key")


@pytest.mark.parametrize("text", ["b.d > a AND c.d > e.f", "a.d > c", "b[0] > a", "pk.x = :s"])
def test_keys_are_whole_attributes(text) -> None:
    assert refused(text).endswith(
        "KeyConditionExpressions cannot have conditions on nested attributes"
    )


@pytest.mark.parametrize(
    "text, reason",
    [
        ("b > a.b", "Multiple attribute names used in one condition"),
        ("b BETWEEN c[1] AND d", "Multiple attribute names used in one condition"),
        ("begins_with(a, b)", "Multiple attribute names used in one condition"),
        (":n > :m AND a < :n", "No key attribute specified"),
        (
            ":n BETWEEN size(b) AND size(a) AND b > :n",
            "BETWEEN operator must have the key attribute as its first operand",
        ),
        (
            "begins_with(:s, b) AND a > :n",
            "begins_with operator must have the key attribute as its first operand",
        ),
    ],
)
def test_a_clause_compares_one_attribute_with_values(text, reason) -> None:
    assert refused(text) == f"Invalid condition in KeyConditionExpression: {reason}"


@pytest.mark.parametrize(
    "text, expected",
    [
        ("pk = :x", "An expression attribute value used in expression is not defined"),
        ("pk = :s AND", 'Syntax error; token: "<EOF>", near: "AND"'),
        ("((pk = :s))", "The expression has redundant parentheses;"),
        ("foo(pk)", "Invalid function name; function: foo"),
        ("status = :s", "Attribute name is a reserved keyword; reserved keyword: status"),
        ("sk < :bool", "Incorrect operand type for operator or function; operator or function: <"),
        (":l > sk", "Incorrect operand type for operator or function; operator or function: >"),
        ("begins_with(sk, :n)", "Incorrect operand type for operator or function"),
        ("sk BETWEEN :s AND :n", "The BETWEEN operator requires same data type"),
        ("sk BETWEEN :m AND :n", "The BETWEEN operator requires upper bound"),
        # The first problem in the order written.
        ("pk = :x AND begins_with(sk, :n)", "An expression attribute value"),
        ("begins_with(sk, :n) AND pk = :x", "Incorrect operand type"),
        ("pk = :s AND begins_with(sk, :n) AND sk > :s", "Incorrect operand type"),
    ],
)
def test_it_must_be_a_condition_first(text, expected) -> None:
    assert refused(text).startswith(f"Invalid KeyConditionExpression: {expected}")


@pytest.mark.parametrize(
    "text, key_schema, expected",
    [
        ("sk = :n", TABLE, "Query condition missed key schema element: pk"),
        ("pk = :s AND x = :n", TABLE, "Query condition missed key schema element: sk"),
        ("x = :n", TABLE, "Query condition missed key schema element: pk"),
        ("pk > :s", TABLE, "Query key condition not supported"),
        ("begins_with(pk, :s) AND sk = :n", TABLE, "Query key condition not supported"),
        (
            "pk = :s AND sk = :n AND x = :n",
            TABLE,
            (
                "The number of query conditions (3) exceeds the number of key attributes "
                "defined in the schema (2)"
            ),
        ),
        (
            "pk = :s AND sk = :n",
            HASH_ONLY,
            (
                "The number of query conditions (2) exceeds the number of key attributes "
                "defined in the schema (1)"
            ),
        ),
        (
            "a > :s AND x = :n",
            WIDE,
            "HASH key attributes a, b must have equality conditions specified in the query",
        ),
        (
            "a = :s AND b = :s AND z = :n",
            WIDE,
            (
                "RANGE key attributes x, y must have equality conditions specified in the "
                "query because a condition is present on key attribute z"
            ),
        ),
        (
            "a = :s AND b = :s AND x > :n AND y = :n",
            WIDE,
            (
                "RANGE key attributes x must have equality conditions specified in the "
                "query because a condition is present on key attribute y"
            ),
        ),
        ("a = :s AND b = :s AND w = :n", WIDE, "Query condition missed key schema element: x"),
    ],
)
def test_the_clauses_must_fit_the_key(text, key_schema, expected) -> None:
    assert unresolved(text, key_schema) == expected


@pytest.mark.parametrize("text", ["pk = :n", "pk = :s AND sk = :s", "pk = :s AND sk > :b"])
def test_values_must_have_the_types_of_the_key(text) -> None:
    assert unresolved(text) == (
        "One or more parameter values were invalid: "
        "Condition parameter type does not match schema type"
    )


def test_values_must_be_values_that_a_key_can_have() -> None:
    def asking(values: dict[str, Any]) -> str:
        clauses = compile_key_condition(
            "pk = :p AND begins_with(sk, :s)", Substitutions({}, values)
        )
        return refusal(clauses.resolve, TEXTS)

    empty = (
        "One or more parameter values are not valid. "
        "The AttributeValue for a key attribute cannot contain an empty string value. Key: "
    )
    assert asking({":p": {"S": ""}, ":s": {"S": "x"}}) == empty + "pk"
    assert asking({":p": {"S": "x"}, ":s": {"S": ""}}) == empty + "sk"
    assert "exceeded the maximum size limit of2048 bytes" in asking(
        {":p": {"S": "x" * 2049}, ":s": {"S": "x"}}
    )


@pytest.mark.parametrize("operator", ["<>", "CONTAINS", "NOT_CONTAINS", "IN", "NULL", "NOT_NULL"])
def test_operators_that_only_the_older_form_can_name_are_not_indexable(operator) -> None:
    not_indexable = "Attempted conditional constraint is not an indexable operation"
    on_hash = KeyConditionClauses({"pk": Clause(operator, (S,))})
    on_range = KeyConditionClauses({"pk": Clause("=", (S,)), "sk": Clause(operator, (N,))})

    assert refusal(on_hash.resolve, TABLE) == not_indexable
    assert refusal(on_range.resolve, TABLE) == not_indexable


def test_a_repeated_text_takes_names_and_values_of_each_request() -> None:
    text = "#p = :p AND sk < :n"
    for name, value in (("pk", "1"), ("qk", "2"), ("pk", "3")):
        given_ones = Substitutions({"#p": name}, {":p": {"S": value}, ":n": N})
        clauses = compile_key_condition(text, given_ones).clauses

        assert clauses == {name: Clause("=", ({"S": value},)), "sk": Clause("<", (N,))}
        given_ones.check_all_used(Layer.NEW)
    assert "operand type: BOOL" in refusal(
        compile_key_condition, text, Substitutions({"#p": "pk"}, {":p": S, ":n": {"BOOL": True}})
    )


def test_two_placeholders_for_one_key_are_two_conditions() -> None:
    two = Substitutions({"#a": "pk", "#b": "pk"}, {":s": S})

    assert "one condition per key" in refusal(compile_key_condition, "#a = :s AND #b = :s", two)


@given(any_text | token_text | condition_texts, st.sampled_from([HASH_ONLY, TABLE, TEXTS, WIDE]))
def test_whatever_the_text_the_answer_is_a_key_condition_or_a_validation_exception(
    text, key_schema
) -> None:
    resolved_one, message = outcome(lambda: resolved(text, key_schema))

    assert resolved_one is not None or message
