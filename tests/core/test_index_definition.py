"""Keys, projections and indexes as requests define them, rule by rule."""

from __future__ import annotations

from typing import Any

import pytest

from stator_core.errors import ValidationException
from stator_core.requests.index_definition import (
    check_counts,
    check_defined,
    check_global_key,
    check_local_key,
    check_projected_count,
    check_simple_key,
    check_used,
    definition_of,
    definitions_of,
    elements_of,
    projection_of,
    typed_schema,
)
from stator_core.requests.throughput import Units, WarmUnits
from stator_core.table import IndexProjection, KeyAttribute, KeySchema, OnDemandThroughput
from table_bodies import UNITS, attributes, index, keys

P = "One or more parameter values were invalid: "
HASH_A, RANGE_B = ("a", "HASH"), ("b", "RANGE")


def refusal(check: Any, *arguments: Any) -> str | None:
    with pytest.raises(ValidationException) as caught:
        check(*arguments)
    return caught.value.message


def test_definitions_name_each_attribute_once() -> None:
    assert definitions_of(attributes(a="S", b="N")) == {"a": "S", "b": "N"}
    twice = [*attributes(a="S"), *attributes(a="S")]
    assert refusal(definitions_of, twice) == "Attribute Name is duplicated: a"


def test_every_key_attribute_is_defined() -> None:
    """26.96"""
    check_defined([HASH_A, RANGE_B], {"a": "S", "b": "S", "c": "S"})
    assert refusal(check_defined, [HASH_A, RANGE_B], {"a": "S"}) == (
        "Invalid KeySchema: Some index key attribute have no definition"
    )
    assert refusal(check_defined, [HASH_A, RANGE_B], {"a": "S", "c": "S"}) == (
        P + "Some index key attributes are not defined in AttributeDefinitions. Keys: [a, b], "
        "AttributeDefinitions: [a, c]"
    )


def test_every_definition_is_used() -> None:
    """26.96"""
    check_used({"a": "S", "b": "S"}, [HASH_A], [[HASH_A, RANGE_B]])
    assert refusal(check_used, {"a": "S", "b": "S"}, [HASH_A], [[HASH_A]]) == (
        P + "Some AttributeDefinitions are not used. AttributeDefinitions: [a, b], keys used: [a]"
    )
    assert str(refusal(check_used, {"a": "S", "b": "S"}, [HASH_A], [])).startswith(
        P + "Number of attributes in KeySchema does not exactly match"
    )


def test_keys_have_their_shapes() -> None:
    check_simple_key([HASH_A])
    check_simple_key([HASH_A, RANGE_B])
    check_global_key([HASH_A, ("c", "HASH"), RANGE_B])
    check_local_key("local", [HASH_A, RANGE_B], [HASH_A])

    assert refusal(check_simple_key, [RANGE_B]) == (
        "Invalid KeySchema: The first KeySchemaElement is not a HASH key type"
    )
    assert refusal(check_global_key, [HASH_A, ("a", "RANGE")]) == (
        "The KeySchema contains multiple key attributes with the same name"
    )
    assert refusal(check_local_key, "local", [HASH_A], [HASH_A]) == (
        P + "Index KeySchema does not have a range key for index: local"
    )


def test_a_schema_carries_the_types_of_its_attributes() -> None:
    elements = elements_of(keys("a", "b"))

    assert typed_schema(elements, {"a": "S", "b": "N"}) == KeySchema(
        (KeyAttribute("a", "S"),), (KeyAttribute("b", "N"),)
    )


def test_a_projection_sorts_its_attributes_and_names_each_once() -> None:
    included = {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["z", "y"]}

    assert projection_of(included) == IndexProjection("INCLUDE", ("y", "z"))
    assert projection_of({"ProjectionType": "ALL"}) == IndexProjection("ALL")
    twice = {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["x", "x"]}
    assert refusal(projection_of, twice) == P + "Duplicate element in NonKeyAttributes: x"


def test_a_definition_becomes_an_index_in_creating() -> None:
    members = index(
        "by-a",
        "a",
        ProvisionedThroughput=UNITS,
        OnDemandThroughput={"MaxReadRequestUnits": 1},
        WarmThroughput={"WriteUnitsPerSecond": 2},
    )
    definition = definition_of(members, "GLOBAL", {"a": "S"})
    made = definition.index(7, warm=(1, 2), backfilling=False)

    assert definition.throughput == Units(5, 5)
    assert definition.warm_throughput == WarmUnits(None, 2)
    assert (made.name, made.kind, made.identifier) == ("by-a", "GLOBAL", 7)
    assert (made.status, made.backfilling, made.warm_throughput) == ("CREATING", False, (1, 2))
    assert made.throughput.read_capacity_units == 5
    assert made.on_demand_throughput == OnDemandThroughput(1)


def test_projected_attributes_are_counted_over_both_kinds() -> None:
    projection = IndexProjection("INCLUDE", tuple(f"n{number}" for number in range(20)))
    check_projected_count([projection] * 5)

    assert refusal(check_projected_count, [projection] * 6) == (
        P + "Number of projected NonKeyAttributes exceeds per-table limit of 100"
    )


def test_names_are_counted_over_both_kinds() -> None:
    local = definition_of(index("twice", "a", "b"), "LOCAL", {"a": "S", "b": "S"})
    other = definition_of(index("twice", "b"), "GLOBAL", {"b": "S"})

    check_counts([local], [])
    assert refusal(check_counts, [local], [other]) == P + "Duplicate index name: twice"
