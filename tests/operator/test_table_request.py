"""A Table's spec and what is asked for it: there and back, and what one refuses, both do."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import table_specs
from stator_core import desired_table
from stator_core.errors import ValidationException
from stator_operator.table_request import NotAnObject, desired_body, spec_of_body
from table_specs import REFUSED, Refused

NOT_OF_THE_TABLE = ("pool", "deletionPolicy")


@pytest.mark.parametrize("spec", [table_specs.plain(), table_specs.rich()], ids=["plain", "rich"])
def test_a_spec_makes_a_request_that_is_taken(spec: dict[str, Any]) -> None:
    spec.setdefault("billingMode", "PAY_PER_REQUEST")  # As the API server's default has it.

    request = desired_table.parse(desired_body(spec)).create

    assert request.table_name == spec["tableName"]
    assert request.billing_mode == spec["billingMode"]
    assert request.key_schema.hash[0].name == "Artist"


def test_the_rich_one_loses_nothing() -> None:
    desired = desired_table.parse(desired_body(table_specs.rich()))
    request = desired.create

    assert desired.expires_by == "Ends"
    assert [index.name for index in request.local_indexes] == ["ByYear"]
    assert [index.projection.non_key_attributes for index in request.global_indexes] == [
        ("Genre", "Price")
    ]
    assert request.stream is not None
    assert request.stream.view_type == "NEW_IMAGE"
    assert request.tags == (("team", "records"),)
    assert request.deletion_protection


@pytest.mark.parametrize(
    "refused", [each for each in REFUSED if each.by_create_table], ids=lambda each: each.name
)
def test_what_the_schema_refuses_create_table_refuses(refused: Refused) -> None:
    """So nobody meets a limit here that DynamoDB does not have."""
    spec = refused.spec()
    spec.setdefault("billingMode", "PAY_PER_REQUEST")

    with pytest.raises(ValidationException):
        desired_table.parse(desired_body(spec))


@given(
    st.sets(st.sampled_from(sorted(table_specs.rich()))),
    st.booleans(),
)
def test_there_and_back_is_the_same(left_out: set[str], provisioned: bool) -> None:
    spec = table_specs.rich() if provisioned else table_specs.with_indexes()
    kept = {"tableName", "billingMode"}
    spec = {name: each for name, each in spec.items() if name in kept or name not in left_out}
    before = copy.deepcopy(spec)

    back = spec_of_body(desired_body(spec))

    assert back == {name: each for name, each in before.items() if name not in NOT_OF_THE_TABLE}
    assert spec == before


@pytest.mark.parametrize(
    "members",
    [
        {"WarmThroughput": {"ReadUnitsPerSecond": 20_000}},
        {"GlobalSecondaryIndexes": [{"IndexName": "i", "OnDemandThroughput": {}}]},
    ],
)
def test_what_no_object_can_say_is_not_left_out_silently(members: dict[str, Any]) -> None:
    with pytest.raises(NotAnObject, match="Throughput"):
        spec_of_body({"TableName": "Music", **members})
