"""Refusals of values: each wording of both validation layers, and which fault is named first."""

from __future__ import annotations

import pytest
from hypothesis import given

from sample_values import values
from stator_core.errors import SerializationException
from stator_core.value_rules import (
    Family,
    ValueRefused,
    check_names,
    check_types,
    check_value,
    normalise,
)

INVALID = "One or more parameter values were invalid: "
EMPTY = "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes"
TWO = (
    "Supplied AttributeValue has more than one datatypes set, "
    "must contain exactly one of the supported datatypes"
)
NULL_FALSE = INVALID + "Null attribute value types must have the value of true"
NOT_NUMERIC = "The parameter cannot be converted to a numeric value"


def refusal_of(value) -> ValueRefused:
    check_types(value)
    with pytest.raises(ValueRefused) as refusal:
        check_value(value, 0)
    return refusal.value


@pytest.mark.parametrize(
    "value, family, new, old",
    [
        ({}, Family.EMPTY_VALUE, EMPTY, EMPTY),
        (None, Family.EMPTY_VALUE, EMPTY, EMPTY),
        ({"X": "a"}, Family.EMPTY_VALUE, EMPTY, EMPTY),
        ({"S": None}, Family.EMPTY_VALUE, EMPTY, EMPTY),
        ({"L": [None]}, Family.EMPTY_VALUE, EMPTY, EMPTY),
        ({"S": "a", "N": "1"}, Family.TWO_MEMBERS, TWO, TWO),
        ({"NULL": False}, Family.NULL_FALSE, NULL_FALSE, NULL_FALSE),
        ({"NULL": "no"}, Family.NULL_FALSE, NULL_FALSE, NULL_FALSE),
        ({"N": ""}, Family.NUMBER, NOT_NUMERIC + ": ", NOT_NUMERIC),
        ({"N": "x"}, Family.NUMBER, NOT_NUMERIC + ": x", NOT_NUMERIC + ": x"),
        ({"NS": ["1", ""]}, Family.NUMBER, NOT_NUMERIC + ": ", NOT_NUMERIC),
        ({"SS": []}, Family.EMPTY_SET, INVALID + "An string set  may not be empty", None),
        ({"NS": []}, Family.EMPTY_SET, INVALID + "An number set  may not be empty", None),
        ({"BS": []}, Family.EMPTY_SET, INVALID + "Binary sets should not be empty", None),
        (
            {"SS": ["b", "a", "b", "C"]},
            Family.SET,
            INVALID + 'Input collection ["a", "b", "b", "C"] contains duplicates.',
            INVALID + "Input collection [b, a, b, C] contains duplicates.",
        ),
        (
            {"BS": ["Yg==", "Yg=="]},
            Family.SET,
            INVALID + 'Input collection ["Yg==","Yg=="]of type BS contains duplicates.',
            INVALID + "Input collection [Yg==, Yg==]of type BS contains duplicates.",
        ),
        (
            {"BS": ["/w==", "AA==", "/w=="]},
            Family.SET,
            INVALID + 'Input collection ["AA==","/w==","/w=="]of type BS contains duplicates.',
            INVALID + "Input collection [/w==, AA==, /w==]of type BS contains duplicates.",
        ),
        (
            {"NS": ["1", "1.0"]},
            Family.SET,
            INVALID + "Input collection contains duplicates.",
            "Input collection contains duplicates",
        ),
        (
            {"SS": ["a", None]},
            Family.SET,
            INVALID + "An string set may not have a null string as a member",
            None,
        ),
        (
            {"BS": [None]},
            Family.SET,
            INVALID + "Binary sets may not contain null or empty values",
            None,
        ),
    ],
)
def test_each_fault_has_its_words_in_both_layers(value, family, new, old) -> None:
    refused = refusal_of(value)

    assert refused.family is family
    assert refused.message == refused.message_new == new
    assert refused.message_old == (old or new)


@pytest.mark.parametrize(
    "value, family",
    [
        ({"N": "x", "SS": []}, Family.EMPTY_SET),
        ({"NULL": False, "N": "x"}, Family.NUMBER),
        ({"NULL": False, "S": "a"}, Family.NULL_FALSE),
        ({"NULL": True, "S": "a"}, Family.TWO_MEMBERS),
        ({"L": [{"NULL": False}, {"N": "x"}]}, Family.NULL_FALSE),
        ({"M": {"a": {"L": [{}]}, "b": {"N": "x"}}}, Family.EMPTY_VALUE),
    ],
)
def test_faults_are_named_in_dynamodbs_order(value, family) -> None:
    assert refusal_of(value).family is family


def test_faults_of_values_come_before_too_deep_nesting() -> None:
    value = {"N": "x"}
    for _ in range(40):
        value = {"L": [value]}

    assert refusal_of(value).family is Family.NUMBER


@pytest.mark.parametrize(
    "value, old_layer",
    [
        ({"S": "a", "N": "1"}, True),
        ({"NULL": False}, False),
        ({"NULL": "false"}, True),
        ({"NULL": False, "S": "a"}, True),
        ({"SS": []}, False),
        ({"N": "x"}, False),
    ],
)
def test_a_refusal_says_when_the_old_layer_reads_the_request(value, old_layer) -> None:
    assert refusal_of(value).old_layer is old_layer


def test_a_refusal_says_how_it_is_wrapped() -> None:
    empty_set, number, empty = refusal_of({"SS": []}), refusal_of({"N": "x"}), refusal_of({})

    assert empty_set.names_the_placeholder
    assert empty.names_the_placeholder
    assert not number.names_the_placeholder
    assert empty_set.enveloped_on_writes
    assert number.enveloped_on_writes
    assert not empty.enveloped_on_writes


MODEL = "com.amazonaws.dynamodb.v20120810."
STRUCTURE = "Start of structure or map found where not expected"


@pytest.mark.parametrize(
    "value, message",
    [
        ("a", "Unexpected value type in payload"),
        (5, "Unexpected value type in payload"),
        ([], f"Unrecognized collection type class {MODEL}AttributeValue"),
        ({"S": 5}, "NUMBER_VALUE cannot be converted to String"),
        ({"S": 5.5}, "DECIMAL_VALUE cannot be converted to String"),
        ({"N": 1}, "NUMBER_VALUE cannot be converted to String"),
        ({"N": True}, "TRUE_VALUE cannot be converted to String"),
        ({"N": False}, "FALSE_VALUE cannot be converted to String"),
        ({"S": {}}, STRUCTURE),
        ({"S": []}, "Unrecognized collection type class java.lang.String"),
        ({"B": 5}, "only base-64-encoded strings are convertible to bytes"),
        ({"B": True}, "only base-64-encoded strings are convertible to bytes"),
        ({"B": []}, "Unrecognized collection type class java.nio.ByteBuffer"),
        ({"B": {}}, STRUCTURE),
        ({"B": "23456"}, "Base64 encoded length is expected a multiple of 4 bytes but found: 5"),
        ({"B": "NAP8="}, "Base64 encoded length is expected a multiple of 4 bytes but found: 5"),
        ({"B": "=+/="}, "Invalid last non-pad Base64 character dectected"),
        ({"B": "+/+="}, "Invalid last non-pad Base64 character dectected"),
        ({"B": "YR=="}, "Invalid last non-pad Base64 character dectected"),
        ({"B": "===="}, "Invalid last non-pad Base64 character dectected"),
        ({"B": "YQ-_"}, "Invalid Base64 character: '-'"),
        ({"B": "Y=Q="}, "Invalid Base64 character: '='"),
        ({"BS": ["YR=="]}, "Invalid last non-pad Base64 character dectected"),
        ({"BOOL": "maybe"}, "Unexpected token received from parser"),
        ({"BOOL": 1}, "NUMBER_VALUE cannot be converted to Boolean"),
        ({"NULL": 1.5}, "DECIMAL_VALUE cannot be converted to Boolean"),
        ({"BOOL": []}, None),
        ({"BOOL": {}}, STRUCTURE),
        ({"SS": "a"}, "Unexpected field type"),
        ({"SS": {}}, STRUCTURE),
        ({"SS": [1]}, "NUMBER_VALUE cannot be converted to String"),
        ({"NS": [1]}, "NUMBER_VALUE cannot be converted to String"),
        ({"L": 5}, "Unexpected field type"),
        ({"L": {}}, STRUCTURE),
        ({"L": ["a"]}, "Unexpected value type in payload"),
        ({"L": [[]]}, f"Unrecognized collection type class {MODEL}AttributeValue"),
        ({"M": "a"}, "Unexpected field type"),
        (
            {"M": []},
            f"Unrecognized collection type java.util.Map<java.lang.String, {MODEL}AttributeValue>",
        ),
        ({"M": {"a": "b"}}, "Unexpected value type in payload"),
        ({"L": [{"M": {"a": {"N": 1}}}]}, "NUMBER_VALUE cannot be converted to String"),
    ],
)
def test_a_wrong_json_type_has_the_parsers_words(value, message) -> None:
    with pytest.raises(SerializationException) as refusal:
        check_types(value)

    assert refusal.value.message == message


def test_names_are_looked_for_in_maps_at_any_depth() -> None:
    check_names({"L": [{"M": {"a": {"S": "x"}}}]})
    with pytest.raises(ValueRefused) as refusal:
        check_names({"L": [{"M": {"a": {"M": {"": {"S": "x"}}}}}]})

    assert refusal.value.family is Family.EMPTY_NAME


@given(values)
def test_what_is_legal_passes_every_rule_and_stays_as_it_is(value) -> None:
    check_types(value)
    check_names(value)
    check_value(value, 0)
    before = repr(value)
    normalise(value)

    assert repr(value) == before
