"""Conditions asked about items.

Sources: AWS Developer Guide, "Comparison operator and function reference", "Condition expressions";
the traps (missing attributes, types, sets) as they were seen on DynamoDB itself.
"""

from __future__ import annotations

import pytest
from hypothesis import given

from expression_texts import (
    any_text,
    condition,
    condition_texts,
    items,
    matches,
    outcome,
    refusal,
    substitutions,
    token_text,
)
from stator_core.expressions.evaluate import compile_condition
from stator_core.expressions.substitutions import Layer, Substitutions

ITEM = {
    "s": {"S": "text"},
    "n": {"N": "5"},
    "b": {"B": "YWI="},
    "t": {"BOOL": True},
    "nothing": {"NULL": True},
    "ss": {"SS": ["a", "b"]},
    "l": {"L": [{"S": "zero"}, {"M": {"x": {"N": "1"}}}]},
    "m": {"M": {"x": {"S": "inner"}, "tags": {"SS": ["p", "q"]}}},
}


@pytest.mark.parametrize(
    "text, value, expected",
    [
        ("s = :v", {"S": "text"}, True),
        ("s = :v", {"S": "other"}, False),
        (":v = s", {"S": "text"}, True),
        ("n = :v", {"N": "5.0"}, True),
        ("n = :v", {"S": "5"}, False),
        ("t = :v", {"BOOL": True}, True),
        ("t = :v", {"N": "1"}, False),
        ("ss = :v", {"SS": ["b", "a"]}, True),
        ("m = :v", {"M": {"tags": {"SS": ["q", "p"]}, "x": {"S": "inner"}}}, True),
        ("m.x = :v", {"S": "inner"}, True),
        ("l[0] = :v", {"S": "zero"}, True),
        ("l[1].x = :v", {"N": "1.0"}, True),
        ("l[2] = :v", {"S": "zero"}, False),
        ("gone = :v", {"S": "text"}, False),
        ("s <> :v", {"S": "other"}, True),
        ("s <> :v", {"N": "1"}, True),
        ("gone <> :v", {"S": "text"}, True),
        ("m.x.y <> :v", {"S": "text"}, True),
    ],
)
def test_equality_is_deep_and_of_one_type(text, value, expected) -> None:
    assert matches(text, ITEM, v=value) is expected


def test_two_missing_attributes_are_unequal() -> None:
    assert not matches("x = y", ITEM)
    assert matches("x <> y", ITEM)


@pytest.mark.parametrize(
    "text, value, expected",
    [
        ("n < :v", {"N": "10"}, True),
        ("n < :v", {"N": "5"}, False),
        ("n <= :v", {"N": "5"}, True),
        ("n > :v", {"N": "-100"}, True),
        ("n >= :v", {"N": "5"}, True),
        (":v > n", {"N": "10"}, True),
        ("s < :v", {"S": "texts"}, True),
        ("s > :v", {"S": "Zebra"}, True),
        ("b > :v", {"B": "YQ=="}, True),
        ("s < :v", {"N": "1"}, False),
        ("t < :v", {"N": "1"}, False),
        ("gone < :v", {"N": "1"}, False),
        ("gone >= :v", {"N": "1"}, False),
    ],
)
def test_order_is_of_strings_numbers_and_binaries_of_one_type(text, value, expected) -> None:
    assert matches(text, ITEM, v=value) is expected


def test_strings_order_by_their_utf_8_bytes() -> None:
    """UTF-16 units would put U+FF61 after U+10000."""
    assert matches("s < :v", {"s": {"S": "\uff61"}}, v={"S": "\U00010000"})


@pytest.mark.parametrize(
    "low, high, expected",
    [("1", "9", True), ("5", "5", True), ("6", "9", False), ("1", "4.9", False)],
)
def test_between_includes_both_bounds(low, high, expected) -> None:
    assert matches("n BETWEEN :low AND :high", ITEM, low={"N": low}, high={"N": high}) is expected
    assert matches("x BETWEEN :low AND :high", ITEM, low={"N": low}, high={"N": high}) is False


def test_between_takes_paths_and_an_item_out_of_order_is_only_false() -> None:
    item = {"low": {"N": "9"}, "n": {"N": "5"}, "high": {"N": "1"}, "s": {"S": "x"}}

    assert not matches("n BETWEEN low AND high", item)
    assert matches("n BETWEEN high AND low", item)
    assert not matches("n BETWEEN s AND low", item)


def test_in_compares_by_equality() -> None:
    assert matches("n IN (:a, :b)", ITEM, a={"S": "5"}, b={"N": "5.0"})
    assert not matches("n IN (:a)", ITEM, a={"S": "5"})
    assert not matches("gone IN (:a)", ITEM, a={"S": "5"})
    assert not matches("gone IN (absent)", ITEM)


@pytest.mark.parametrize(
    "text, expected",
    [
        ("attribute_exists(s)", True),
        ("attribute_exists(nothing)", True),
        ("attribute_exists(l[1])", True),
        ("attribute_exists(l[5])", False),
        ("attribute_not_exists(l[5])", True),
        ("attribute_not_exists(m.x)", False),
        ("attribute_not_exists(m.y)", True),
        ("size(s) = size(m.x)", False),
        ("size(ss) = size(l)", True),
        ("size(n) <> size(s)", True),
        ("size(n) < size(s)", False),
        ("contains(ss, s)", False),
    ],
)
def test_functions_of_paths(text, expected) -> None:
    assert matches(text, ITEM) is expected


def test_functions_with_constants() -> None:
    assert matches("begins_with(s, :v)", ITEM, v={"S": "te"})
    assert matches("contains(ss, :v)", ITEM, v={"S": "a"})
    assert matches("contains(:v, s)", ITEM, v={"S": "some text here"})
    assert matches("attribute_type(nothing, :v)", ITEM, v={"S": "NULL"})
    assert matches("attribute_type(:v, :v)", ITEM, v={"S": "S"})
    assert matches("begins_with(:v, s)", ITEM, v={"S": "textual"})
    assert matches("size(s) = :v", ITEM, v={"N": "4"})


def test_connectives() -> None:
    yes, no = "attribute_exists(s)", "attribute_exists(x)"

    assert matches(f"{yes} AND NOT {no}", ITEM)
    assert not matches(f"{yes} AND {yes} AND {no}", ITEM)
    assert matches(f"{no} OR {no} OR {yes}", ITEM)
    assert matches(f"{yes} OR {yes} AND {no}", ITEM)
    assert not matches(f"({yes} OR {yes}) AND {no}", ITEM)
    assert matches(f"NOT ({yes} AND {no})", ITEM)


def test_an_absent_item_has_no_attributes() -> None:
    assert matches("attribute_not_exists(pk)", None)
    assert not matches("attribute_exists(pk)", None)
    assert not matches("pk = :v", None, v={"S": "x"})


def test_a_condition_knows_the_attributes_it_names_and_those_it_reaches_into() -> None:
    read = compile_condition(
        "#a.x = :s AND size(b) > :n OR c IN (d, e[0])", "FilterExpression", substitutions()
    )

    assert read.top_level_names == {"alpha", "b", "c", "d", "e"}
    assert read.nested_names == {"alpha", "e"}


def test_a_repeated_text_is_checked_against_the_values_of_each_request() -> None:
    text = "a < :v AND #n = :w"
    compile_condition(text, "X", Substitutions({"#n": "n"}, {":v": {"N": "1"}, ":w": {"S": "x"}}))

    assert "operand type: BOOL" in refusal(
        compile_condition,
        text,
        "X",
        Substitutions({"#n": "n"}, {":v": {"BOOL": True}, ":w": {"S": "x"}}),
    )
    assert "attribute value: :w" in refusal(
        compile_condition, text, "X", Substitutions({"#n": "n"}, {":v": {"N": "1"}})
    )
    assert "attribute name: #n" in refusal(
        compile_condition, text, "X", Substitutions({}, {":v": {"N": "1"}, ":w": {"S": "x"}})
    )


def test_a_repeated_text_takes_the_names_of_each_request() -> None:
    for name in ("n", "s", "n"):
        read = compile_condition("attribute_exists(#x)", "X", Substitutions({"#x": name}, {}))
        assert read.matches({"n": {"N": "1"}}) is (name == "n")
        assert read.top_level_names == {name}


def test_one_text_may_be_two_parameters_of_different_name() -> None:
    for parameter in ("ConditionExpression", "FilterExpression"):
        assert refusal(compile_condition, "a = :x", parameter, substitutions()).startswith(
            f"Invalid {parameter}: "
        )


def test_use_of_placeholders_is_noted() -> None:
    given = Substitutions({"#n": "n"}, {":v": {"N": "1"}})
    compile_condition("#n = :v", "X", given)

    given.check_all_used(Layer.NEW)


def test_300_negations_are_evaluated() -> None:
    even = "NOT (" * 298 + "attribute_exists(s)" + ")" * 298

    assert matches(even, ITEM)


@given(any_text | token_text)
def test_whatever_the_text_the_answer_is_a_condition_or_a_validation_exception(text) -> None:
    made, message = outcome(compile_condition, text, "X", substitutions())

    assert made is not None or message.startswith("Invalid X: ")


@given(condition_texts, items)
def test_a_compiled_condition_answers_for_any_item_and_its_negation_the_opposite(
    text, item
) -> None:
    made, _ = outcome(condition, text)
    if made is None:
        return
    answer = made.matches(item)
    opposite, message = outcome(condition, f"NOT ({text})")

    assert made.matches(item) is answer
    if opposite is None:
        assert "redundant parentheses" in message
    else:
        assert opposite.matches(item) is (not answer)
