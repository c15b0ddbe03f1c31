"""The words of resources, in OpenAPI: what is said is there, what is not said is not."""

from __future__ import annotations

from stator_operator.schema import (
    ListOf,
    Rule,
    Structure,
    Text,
    TextByName,
    Truth,
    Whole,
    quantity,
    stays_or_stays_away,
    unchangeable,
)


def test_a_field_says_no_more_than_it_was_told() -> None:
    assert Text("A name.", 9).openapi() == {
        "type": "string",
        "description": "A name.",
        "maxLength": 9,
    }
    assert Truth("So?").openapi() == {"type": "boolean", "description": "So?"}


def test_zero_and_false_are_values() -> None:
    assert Whole("How many.", 0, 0, 0).openapi()["default"] == 0
    assert Whole("How many.", 0).openapi()["minimum"] == 0
    assert Truth("So?", default=False).openapi()["default"] is False


def test_a_list_with_keys_is_merged_by_them() -> None:
    items = Structure("One.", {"name": Text("Its name.", 9)}, required=("name",))

    schema = ListOf("Many.", items, 3, keys=("name",)).openapi()

    assert schema["x-kubernetes-list-type"] == "map"
    assert schema["x-kubernetes-list-map-keys"] == ["name"]
    assert ListOf("Many.", items, 3).openapi()["x-kubernetes-list-type"] == "atomic"
    assert ListOf("Many.", Text("One.", 9), 3, is_set=True).openapi()["x-kubernetes-list-type"] == (
        "set"
    )


def test_rules_name_the_field_that_they_are_about() -> None:
    rule = stays_or_stays_away("pool", "pool")

    assert rule.openapi() == {
        "rule": "has(self.pool) == has(oldSelf.pool)",
        "message": "pool can only be set at creation",
        "fieldPath": ".pool",
    }
    assert "fieldPath" not in unchangeable("a name").openapi()


def test_quantities_are_looked_at_before_they_are_compared() -> None:
    rules = quantity("How much.", Rule("true", "never")).openapi()["x-kubernetes-validations"]

    assert [each["rule"] for each in rules] == ["isQuantity(self)", "true"]


def test_a_map_is_bounded() -> None:
    schema = TextByName("Labels.", 4, 63).openapi()

    assert schema["maxProperties"] == 4
    assert schema["additionalProperties"] == {"type": "string", "maxLength": 63}
