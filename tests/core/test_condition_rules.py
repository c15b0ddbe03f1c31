"""What a condition must keep to, in DynamoDB's order and words (AWS error texts, captured 2026)."""

from __future__ import annotations

import pytest

from expression_texts import NAMES, VALUES, refusal, substitutions
from stator_core.expressions.condition_rules import check_leaf, operator_of, value_checks
from stator_core.expressions.evaluate import compile_condition
from stator_core.expressions.syntax import Between, Call, Comparison, In, Path, Value

X = "FilterExpression"
A = Path(("a",))


def refused(text: str) -> str:
    message = refusal(compile_condition, text, X, substitutions())
    assert message.startswith("Invalid FilterExpression: ")
    return message.removeprefix("Invalid FilterExpression: ")


def accepted(text: str) -> None:
    compile_condition(text, X, substitutions())


def test_undefined_placeholders_are_refused_by_name() -> None:
    assert refused("a.#x = :s") == (
        "An expression attribute name used in the document path is not defined; attribute name: #x"
    )
    assert refused("a = :x") == (
        "An expression attribute value used in expression is not defined; attribute value: :x"
    )


@pytest.mark.parametrize(
    "text, name, count",
    [
        ("attribute_exists(a, b)", "attribute_exists", 2),
        ("begins_with(a)", "begins_with", 1),
        ("contains(a, b, c)", "contains", 3),
        ("attribute_type(a)", "attribute_type", 1),
        ("size(a, b) > :n", "size", 2),
    ],
)
def test_a_function_takes_its_number_of_operands(text, name, count) -> None:
    assert refused(text) == (
        "Incorrect number of operands for operator or function; "
        f"operator or function: {name}, number of operands: {count}"
    )


def wrong_type(operator: str, kind: str) -> str:
    return (
        "Incorrect operand type for operator or function; "
        f"operator or function: {operator}, operand type: {kind}"
    )


@pytest.mark.parametrize(
    "text, operator, kind",
    [
        ("a < :bool", "<", "BOOL"),
        (":l >= a", ">=", "L"),
        ("a BETWEEN :n AND :map", "BETWEEN", "M"),
        (":ss BETWEEN a AND b", "BETWEEN", "SS"),
        ("begins_with(a, :n)", "begins_with", "N"),
        ("begins_with(:null, a)", "begins_with", "NULL"),
        ("begins_with(a, size(b))", "begins_with", "N"),
        ("size(:n) = :n", "size", "N"),
        ("size(size(a)) = :n", "size", "N"),
        ("attribute_type(a, :n)", "attribute_type", "N"),
        ("attribute_type(a, size(b))", "attribute_type", "N"),
        ("attribute_type(a, b)", "attribute_type", "{NS,SS,L,BS,N,M,B,BOOL,NULL,S}"),
    ],
)
def test_a_constant_must_be_of_a_type_that_the_operator_takes(text, operator, kind) -> None:
    assert refused(text) == wrong_type(operator, kind)


@pytest.mark.parametrize(
    "text",
    ["a = :bool", "a <> :map", "a IN (:null, :l)", "contains(a, :bool)", "contains(:l, a)",
     "size(:ss) = :n", "begins_with(:s, a)",
     "attribute_type(:n, :t)", "a < :b", "size(a) < :n", ":s < :n", ":s = :s"],
)  # fmt: skip
def test_operators_that_take_any_type_take_any_constant(text) -> None:
    accepted(text)


@pytest.mark.parametrize("name", ["attribute_exists", "attribute_not_exists"])
@pytest.mark.parametrize("operand", [":s", "size(a)"])
def test_existence_is_asked_of_a_path(name, operand) -> None:
    assert refused(f"{name}({operand})") == (
        f"Operator or function requires a document path; operator or function: {name}"
    )


@pytest.mark.parametrize(
    "text, operator, shown",
    [
        ("a = a", "=", "[a]"),
        ("#a.b[1] <> #same.b[1]", "<>", "[alpha, b, [1]]"),
        ("contains(a, a)", "contains", "[a]"),
        ("begins_with(a, a)", "begins_with", "[a]"),
        ("a BETWEEN :n AND a", "BETWEEN", "[a]"),
        ("a IN (:n, a)", "IN", "[a]"),
    ],
)
def test_the_first_operand_must_be_distinct(text, operator, shown) -> None:
    assert refused(text) == (
        "The first operand must be distinct from the remaining operands for this operator or "
        f"function; operator: {operator}, first operand: {shown}"
    )


def test_a_type_code_must_be_one_of_dynamodbs() -> None:
    accepted("attribute_type(a, :t)")
    assert refused("attribute_type(a, :s)") == (
        "Invalid attribute type name found; type: text, valid types: {B,NULL,SS,BOOL,L,BS,N,NS,S,M}"
    )


def test_constant_bounds_must_be_of_one_type_and_in_order() -> None:
    accepted("a BETWEEN :n AND :n")
    accepted("a BETWEEN :n AND b")
    assert refused("a BETWEEN :s AND :n") == (
        "The BETWEEN operator requires same data type for lower and upper bounds; "
        "lower bound operand: AttributeValue: {S:text}, upper bound operand: AttributeValue: {N:5}"
    )
    assert refused("a BETWEEN :m AND :n") == (
        "The BETWEEN operator requires upper bound to be greater than or equal to lower bound; "
        "lower bound operand: AttributeValue: {N:7}, upper bound operand: AttributeValue: {N:5}"
    )


def test_in_takes_a_hundred_operands() -> None:
    accepted(f"a IN ({', '.join([':n'] * 100)})")
    assert refused(f"a IN ({', '.join([':n'] * 101)})") == (
        "The IN operator is provided with too many operands; number of operands: 101"
    )


@pytest.mark.parametrize(
    "text, expected",
    [
        # Within one condition: undefined, number of operands, distinct operands, types.
        ("begins_with(#x, :n, a)", "An expression attribute name"),
        ("begins_with(a, a, :n)", "Incorrect number of operands"),
        ("contains(a, a) AND a < :bool", "The first operand must be distinct"),
        ("attribute_type(a, :n) AND a < :bool", wrong_type("attribute_type", "N")),
        # Of several conditions the first one written.
        ("a < :bool AND b = :x", "Incorrect operand type"),
        ("b = :x AND a < :bool", "An expression attribute value"),
        ("NOT (a BETWEEN :m AND :n OR b = :x)", "The BETWEEN operator requires upper bound"),
    ],
)  # fmt: skip
def test_the_first_broken_rule_of_the_first_condition_is_the_one_raised(text, expected) -> None:
    assert refused(text).startswith(expected)


def test_a_condition_answers_for_its_own_operator() -> None:
    leaves = [
        Comparison("<", A, A), Between(A, A, A), In(A, (A,)), Call("contains", (A, A)),
    ]  # fmt: skip

    assert [operator_of(leaf) for leaf in leaves] == ["<", "BETWEEN", "IN", "contains"]


def test_the_rules_about_values_are_asked_again_for_every_request() -> None:
    (check,) = value_checks(Comparison("<", A, Value(":v")))

    assert check({":v": {"N": "1"}}) is None
    assert check({":v": {"L": []}}) == wrong_type("<", "L")
    check_leaf(Comparison("<", A, Value(":n")), X, NAMES, VALUES)
