"""ExpressionAttributeNames and ExpressionAttributeValues: what is legal, and who used them.

Wordings as captured in 2026; the layers differ as DynamoDB's two validation layers do.
"""

from __future__ import annotations

from typing import Any

import pytest

from expression_texts import refusal
from stator_core.errors import SerializationException, ValidationException
from stator_core.expressions.substitutions import Layer, Substitutions
from stator_core.limits import SUBSTITUTIONS_TOTAL_BYTES_MAX

ENVELOPE = "1 validation error detected: "
DUPLICATES = 'Input collection ["a", "a"] contains duplicates.'
P = "One or more parameter values were invalid: "


def of_names(names: Any, layer: Layer = Layer.NEW) -> Substitutions:
    return Substitutions.parse({"ExpressionAttributeNames": names}, layer)


def of_values(values: Any, layer: Layer = Layer.NEW) -> Substitutions:
    return Substitutions.parse({"ExpressionAttributeValues": values}, layer)


def test_values_become_canonical_in_place() -> None:
    body = {"ExpressionAttributeValues": {":n": {"N": "1e1"}, ":s": {"NS": ["2", "1.0"]}}}

    read = Substitutions.parse(body, Layer.NEW)

    assert read.values == {":n": {"N": "10"}, ":s": {"NS": ["1", "2"]}}
    assert read.names == {}


def test_a_request_without_placeholders_has_none() -> None:
    read = Substitutions.parse({}, Layer.NEW)

    assert (read.names, read.values) == ({}, {})
    read.check_all_used(Layer.NEW)


def test_the_maps_must_not_be_empty() -> None:
    assert refusal(of_names, {}) == "ExpressionAttributeNames must not be empty"
    assert refusal(of_values, {}) == "ExpressionAttributeValues must not be empty"
    assert refusal(of_values, {}, Layer.NEW_ENVELOPED) == (
        ENVELOPE + "ExpressionAttributeValues must not be empty"
    )


@pytest.mark.parametrize("key", ["a", "#", "#a.b", "#a b", "#é", ":a", ""])
def test_a_name_placeholder_is_a_hash_sign_and_letters_digits_or_underscores(key) -> None:
    assert refusal(of_names, {key: "x"}) == (
        f'ExpressionAttributeNames contains invalid key: Syntax error; key: "{key}"'
    )


@pytest.mark.parametrize("key", ["a", ":", ":a.b", ":é", "#a", ""])
def test_a_value_placeholder_is_a_colon_and_letters_digits_or_underscores(key) -> None:
    assert refusal(of_values, {key: {"S": "x"}}) == (
        f'ExpressionAttributeValues contains invalid key: Syntax error; key: "{key}"'
    )


def test_a_key_without_its_sign_is_refused_bare_even_where_others_are_enveloped() -> None:
    lead = "ExpressionAttributeNames contains invalid key: Syntax error; key: "

    assert refusal(of_names, {"a": "x"}, Layer.NEW_ENVELOPED) == lead + '"a"'
    assert refusal(of_names, {"#é": "x"}, Layer.NEW_ENVELOPED) == ENVELOPE + lead + '"#é"'


def test_a_placeholder_has_at_most_255_bytes() -> None:
    of_names({"#" + "a" * 254: "x"})

    assert "key that is too long; size of key: 256" in refusal(of_names, {"#" + "a" * 255: "x"})
    assert "key that is too long;" in refusal(of_values, {":" + "a" * 255: {"S": "x"}})


def test_an_empty_name_is_refused_by_its_placeholder() -> None:
    text = "ExpressionAttributeNames contains invalid value: Empty attribute name for key #n"

    assert refusal(of_names, {"#n": ""}) == text
    assert refusal(of_names, {"#n": ""}, Layer.NEW_ENVELOPED) == ENVELOPE + text


def test_a_name_has_at_most_65535_bytes() -> None:
    of_names({"#n": "a" * 65_535})

    for name in ("a" * 65_536, "é" * 32_768):
        assert refusal(of_names, {"#n": name}) == (
            "ExpressionAttributeNames contains invalid value: Attribute name is too large, "
            "must be less than 65536 bytes for key #n"
        )


def wrapped(text: str) -> str:
    return f"ExpressionAttributeValues contains invalid value: {text} for key :v"


EMPTY = "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes"
EMPTY_SET = P + "An string set  may not be empty"
NOT_A_NUMBER = "The parameter cannot be converted to a numeric value: x"


@pytest.mark.parametrize(
    "value, layer, expected",
    [
        ({}, Layer.NEW, wrapped(EMPTY)),
        ({}, Layer.NEW_ENVELOPED, wrapped(EMPTY)),
        ({}, Layer.OLD, wrapped(EMPTY)),
        ({"SS": []}, Layer.NEW, wrapped(EMPTY_SET)),
        ({"SS": []}, Layer.NEW_ENVELOPED, ENVELOPE + wrapped(EMPTY_SET)),
        ({"N": "x"}, Layer.NEW, NOT_A_NUMBER),
        ({"N": "x"}, Layer.NEW_ENVELOPED, ENVELOPE + NOT_A_NUMBER),
        ({"N": "x"}, Layer.OLD, wrapped(NOT_A_NUMBER)),
        ({"SS": ["a", "a"]}, Layer.NEW, P + DUPLICATES),
        ({"SS": ["a", "a"]}, Layer.NEW_ENVELOPED, ENVELOPE + P + DUPLICATES),
    ],
)
def test_a_refused_value_is_worded_by_the_layer(value, layer, expected) -> None:
    assert refusal(of_values, {":v": value}, layer) == expected


def test_names_are_checked_before_values() -> None:
    body = {"ExpressionAttributeNames": {}, "ExpressionAttributeValues": {}}

    assert refusal(Substitutions.parse, body, Layer.NEW).startswith("ExpressionAttributeNames")


@pytest.mark.parametrize(
    "body",
    [
        {"ExpressionAttributeNames": "x"},
        {"ExpressionAttributeNames": {"#a": 1}},
        {"ExpressionAttributeValues": [1]},
        {"ExpressionAttributeValues": {":v": {"S": 1}}},
    ],
)
def test_a_wrong_json_type_is_a_serialization_exception(body) -> None:
    with pytest.raises(SerializationException):
        Substitutions.parse(body, Layer.NEW)


def test_unused_placeholders_are_refused_names_before_values() -> None:
    read = Substitutions({"#b": "b", "#a": "a"}, {":v": {"S": "x"}})
    unused = "Value provided in ExpressionAttributeNames unused in expressions: keys: {#a, #b}"

    assert refusal(read.check_all_used, Layer.NEW) == unused
    assert refusal(read.check_all_used, Layer.NEW_ENVELOPED) == ENVELOPE + unused

    read.note_use(frozenset(("#a",)), frozenset())
    read.note_use(frozenset(("#a", "#b")), frozenset())
    assert refusal(read.check_all_used, Layer.NEW) == (
        "Value provided in ExpressionAttributeValues unused in expressions: keys: {:v}"
    )

    read.note_use(frozenset(), frozenset((":v",)))
    read.check_all_used(Layer.NEW)


def test_values_over_two_megabytes_together_are_refused_at_the_first_beyond() -> None:
    """The third is no value at all, which nobody sees any more."""
    half: dict[str, Any] = {"S": "x" * (SUBSTITUTIONS_TOTAL_BYTES_MAX // 2)}
    values = {":a": half, ":b": {"S": half["S"] + "x"}, ":c": {"N": "x"}}

    with pytest.raises(ValidationException) as refused:
        Substitutions.parse({"ExpressionAttributeValues": values}, Layer.NEW)
    assert refused.value.message == "ExpressionAttributeValues exceeds max size"
    assert Substitutions.parse({"ExpressionAttributeValues": {":a": half, ":b": half}}, Layer.NEW)
