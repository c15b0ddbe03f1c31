"""A table that is wanted: read by CreateTable's own rules, and said of a table that there is."""

from __future__ import annotations

from dataclasses import replace

import pytest

from stator_core import desired_table
from stator_core.desired_table import body_of, parse
from stator_core.errors import ValidationException
from stator_core.requests import create_table
from stator_core.table import TimeToLive
from stator_core.table_steps import contradiction, next_step
from table_bodies import (
    NOW,
    UNITS,
    active,
    attributes,
    create_body,
    index,
    provisioned_body,
    ranged_body,
    updated,
    with_two_indexes,
)

TTL = {"AttributeName": "ends", "Enabled": True}


def rich_body() -> dict[str, object]:
    return ranged_body(
        BillingMode="PROVISIONED",
        ProvisionedThroughput=UNITS,
        LocalSecondaryIndexes=[index("local", "pk", "b")],
        GlobalSecondaryIndexes=[index("global", "a", ProvisionedThroughput=UNITS)],
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
        DeletionProtectionEnabled=True,
        Tags=[{"Key": "team", "Value": "records"}],
    )


def test_what_is_said_of_a_table_is_what_made_it() -> None:
    for body in (create_body(), provisioned_body(), rich_body()):
        table = active(body)
        said = body_of(table)
        again = replace(active(said), table_id=table.table_id)
        assert again == table
        assert next_step(parse(said), table) is None
        assert contradiction(parse(said), table) is None


def test_time_to_live_is_said_only_while_it_is_in_force() -> None:
    table = active(create_body())
    enabled = table.changed(time_to_live=TimeToLive("ends", "ENABLED", NOW))
    disabled = table.changed(time_to_live=TimeToLive("ends", "DISABLED", NOW))

    assert body_of(enabled)[desired_table.TIME_TO_LIVE] == TTL
    assert desired_table.TIME_TO_LIVE not in body_of(disabled)
    assert parse(create_body(TimeToLiveSpecification=TTL)).expires_by == "ends"
    assert parse(create_body(TimeToLiveSpecification=TTL | {"Enabled": False})).expires_by is None


def test_an_index_that_goes_is_not_said_nor_are_the_attributes_that_only_it_has() -> None:
    table = updated(
        with_two_indexes(), GlobalSecondaryIndexUpdates=[{"Delete": {"IndexName": "by-a"}}]
    )

    said = body_of(table)
    assert [each["IndexName"] for each in said["GlobalSecondaryIndexes"]] == ["by-b"]
    assert said["AttributeDefinitions"] == attributes(b="N", pk="S", sk="S")
    create_table.parse({name: said[name] for name in said})


@pytest.mark.parametrize(
    "members, words",
    [
        ({"KeySchema": []}, "'keySchema'"),
        ({"TableClass": "STANDARD"}, "cannot be wanted with TableClass"),
        ({"Colour": "red", "Age": 1}, "cannot be wanted with Age, Colour"),
        ({"TimeToLiveSpecification": {"Enabled": True}}, "attributeName"),
        ({"ProvisionedThroughput": UNITS}, "BillingMode is PAY_PER_REQUEST"),
    ],
)
def test_what_dynamodb_would_refuse_is_refused_in_its_words(
    members: dict[str, object], words: str
) -> None:
    with pytest.raises(ValidationException, match=words):
        parse(create_body(**members))
