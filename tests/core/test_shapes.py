"""JSON types of members: the SerializationExceptions, and what is read in a member's place."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stator_core.errors import SerializationException
from stator_core.requests.shapes import (
    ATTRIBUTE_MAP,
    BOOLEAN,
    CONDITIONS,
    DOUBLE,
    EXPECTED,
    INTEGER,
    LONG,
    PARAMETERIZED_TYPE,
    STRING,
    STRING_LIST,
    STRING_MAP,
    List,
    Map,
    Shape,
    Structure,
    check,
)

SHAPE = Structure(
    "Everything",
    {
        "String": STRING,
        "Integer": INTEGER,
        "Long": LONG,
        "Double": DOUBLE,
        "Boolean": BOOLEAN,
        "Names": STRING_LIST,
        "Substitutions": STRING_MAP,
        "Item": ATTRIBUTE_MAP,
        "Keys": List(ATTRIBUTE_MAP),
        "Lists": Map(List(Structure("WriteRequest", {"Item": ATTRIBUTE_MAP}))),
        "Expected": EXPECTED,
        "Conditions": CONDITIONS,
        "Projection": Structure("Projection", {"ProjectionType": STRING}),
    },
)
UNEXPECTED_STRUCTURE = "Start of structure or map found where not expected"
MODEL = "com.amazonaws.dynamodb.v20120810."


def refusal_of(body: dict[str, Any]) -> str | None:
    with pytest.raises(SerializationException) as caught:
        check(body, SHAPE)
    return caught.value.message


@pytest.mark.parametrize(
    "member, value, message",
    [
        ("String", True, "TRUE_VALUE cannot be converted to String"),
        ("String", False, "FALSE_VALUE cannot be converted to String"),
        ("String", 23, "NUMBER_VALUE cannot be converted to String"),
        ("String", 34.56, "DECIMAL_VALUE cannot be converted to String"),
        ("String", [], "Unrecognized collection type class java.lang.String"),
        ("String", {}, UNEXPECTED_STRUCTURE),
        ("Integer", "23", "STRING_VALUE cannot be converted to Integer"),
        ("Integer", True, "TRUE_VALUE cannot be converted to Integer"),
        ("Integer", [], "Unrecognized collection type class java.lang.Integer"),
        ("Integer", {}, UNEXPECTED_STRUCTURE),
        ("Long", "23", "STRING_VALUE cannot be converted to Long"),
        ("Long", [], "Unrecognized collection type class java.lang.Long"),
        ("Double", "2.5", "STRING_VALUE cannot be converted to Double"),
        ("Boolean", "23", "Unexpected token received from parser"),
        ("Boolean", 23, "NUMBER_VALUE cannot be converted to Boolean"),
        ("Boolean", 34.56, "DECIMAL_VALUE cannot be converted to Boolean"),
        ("Boolean", [], None),
        ("Boolean", {}, UNEXPECTED_STRUCTURE),
        ("Names", "a", "Unexpected field type"),
        ("Names", {}, UNEXPECTED_STRUCTURE),
        ("Names", [1], "NUMBER_VALUE cannot be converted to String"),
        ("Substitutions", 1, "Unexpected field type"),
        (
            "Substitutions",
            [],
            "Unrecognized collection type java.util.Map<java.lang.String, java.lang.String>",
        ),
        (
            "Item",
            [],
            f"Unrecognized collection type java.util.Map<java.lang.String, {MODEL}AttributeValue>",
        ),
        ("Item", {"a": "x"}, "Unexpected value type in payload"),
        ("Item", {"a": []}, f"Unrecognized collection type class {MODEL}AttributeValue"),
        ("Item", {"a": {"N": 1}}, "NUMBER_VALUE cannot be converted to String"),
        ("Keys", ["a"], PARAMETERIZED_TYPE),
        ("Lists", {"T": "a"}, PARAMETERIZED_TYPE),
        ("Lists", {"T": ["a"]}, "Unexpected value type in payload"),
        (
            "Lists",
            [],
            (
                "Unrecognized collection type java.util.Map<java.lang.String, "
                f"java.util.List<{MODEL}WriteRequest>>"
            ),
        ),
        ("Expected", {"a": "x"}, "Unexpected value type in payload"),
        (
            "Expected",
            {"a": []},
            f"Unrecognized collection type class {MODEL}ExpectedAttributeValue",
        ),
        ("Expected", {"a": {"Value": "x"}}, "Unexpected field type"),
        ("Expected", {"a": {"Exists": "perhaps"}}, "Unexpected token received from parser"),
        ("Projection", "ALL", "Unexpected field type"),
        ("Projection", [], f"Unrecognized collection type class {MODEL}Projection"),
    ],
)
def test_a_wrong_json_type_is_named_in_dynamodbs_words(
    member: str, value: Any, message: str | None
) -> None:
    assert refusal_of({member: value}) == message


def test_the_first_wrong_member_of_the_document_is_reported() -> None:
    assert refusal_of({"Names": 1, "String": 1}) == "Unexpected field type"
    assert refusal_of({"String": 1, "Names": 1}) == "NUMBER_VALUE cannot be converted to String"


def test_a_null_member_is_absent_and_unknown_members_are_ignored() -> None:
    body = {"String": None, "Expected": {"a": {"Value": None, "Unheard": []}}, "Unheard": 1}

    check(body, SHAPE)

    assert body == {"Expected": {"a": {"Unheard": []}}, "Unheard": 1}


def test_booleans_are_read_from_the_strings_that_dynamodb_takes() -> None:
    for word in ("true", "T", "YES", "y", "1"):
        body: dict[str, Any] = {"Boolean": word}
        check(body, SHAPE)
        assert body == {"Boolean": True}
    for word in ("false", "F", "NO", "n", "0"):
        body = {"Boolean": word}
        check(body, SHAPE)
        assert body == {"Boolean": False}


@pytest.mark.parametrize(
    "value, read, cut",
    [
        (5, 5, False),
        (5.0, 5, False),
        (5.9, 5, True),
        (-0.5, 0, True),
        (4294967296, 2147483647, True),
        (-4294967296, -2147483648, True),
        (float("inf"), 2147483647, True),
    ],
)
def test_an_integer_saturates_at_32_bits_and_drops_its_fraction(
    value: float, read: int, cut: bool
) -> None:
    body: dict[str, Any] = {"Integer": value}

    oddities = check(body, SHAPE)

    assert body == {"Integer": read}
    assert type(body["Integer"]) is int
    assert oddities.cut_integer is cut


@pytest.mark.parametrize(
    "body",
    [
        {"Item": {"a": {"BOOL": "true"}}},
        {"Item": {"a": {"L": [{"M": {"b": {"NULL": "yes"}}}]}}},
        {"Item": {"a": {"S": "x", "N": "1"}}},
        {"Expected": {"a": {"Exists": "false"}}},
        {"Conditions": {"a": {"AttributeValueList": [{"S": "x", "BOOL": True}]}}},
    ],
)
def test_string_booleans_and_second_members_hand_the_request_to_the_old_layer(
    body: dict[str, Any],
) -> None:
    assert check(body, SHAPE).old_layer


@pytest.mark.parametrize(
    "body",
    [
        {"Boolean": "yes"},
        {"Item": {"a": {"S": "x", "N": None}, "b": {"BOOL": True}}},
        {"Item": {"a": {"S": "x", "Unheard": "y"}}},
        {"Item": {"a": {"M": {"BOOL": {"S": "true"}}}}},
    ],
)
def test_other_oddities_leave_the_request_to_the_new_layer(body: dict[str, Any]) -> None:
    assert not check(body, SHAPE).old_layer


@pytest.mark.parametrize("depth, deep", [(62, False), (63, True)])
def test_a_value_of_great_depth_is_noted(depth: int, deep: bool) -> None:
    value: dict[str, Any] = {"S": "leaf"}
    for level in range(depth):
        value = {"L": [value]} if level % 2 else {"M": {"m": value}}

    oddities = check({"Item": {"a": value}}, SHAPE)

    assert (oddities.deep_value, oddities.old_layer) == (deep, False)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["S", "N", "BOOL", "L", "M", "Value", "Exists", "a"]), inner, max_size=3
        )
    ),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(sorted(SHAPE.members)), JSON, max_size=4))
def test_any_json_is_read_or_refused_and_what_is_read_is_read_again_unchanged(
    body: dict[str, Any],
) -> None:
    try:
        check(body, SHAPE)
    except SerializationException:
        return
    before = repr(body)

    check(body, SHAPE)

    assert repr(body) == before


def test_every_shape_names_its_java_type_where_a_map_of_it_is_refused() -> None:
    shapes: list[tuple[Shape, str]] = [
        (STRING, "java.lang.String"),
        (ATTRIBUTE_MAP, f"java.util.Map<java.lang.String, {MODEL}AttributeValue>"),
        (STRING_LIST, "java.util.List<java.lang.String>"),
    ]
    for shape, java_type in shapes:
        with pytest.raises(SerializationException) as caught:
            Map(shape).read([], check({}, SHAPE), False)
        assert caught.value.message == (
            f"Unrecognized collection type java.util.Map<java.lang.String, {java_type}>"
        )
