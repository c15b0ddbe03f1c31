"""The descriptor: stored and read back without loss, and closed to versions it does not know."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import orjson
import pytest

from stator_core.table import Table, TimeToLive, from_json, to_json
from table_bodies import (
    NOW,
    UNITS,
    active,
    attributes,
    create_body,
    created,
    index,
    new_index,
    provisioned_body,
    ranged_body,
    updated,
)

FULL = ranged_body(
    LocalSecondaryIndexes=[index("local", "pk", "a")],
    GlobalSecondaryIndexes=[
        index(
            "by-b",
            "b",
            "a",
            Projection={"ProjectionType": "INCLUDE", "NonKeyAttributes": ["x"]},
            OnDemandThroughput={"MaxReadRequestUnits": 1},
            WarmThroughput={"ReadUnitsPerSecond": 13_000},
        )
    ],
    StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
    SSESpecification={"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": "k"},
    TableClass="STANDARD_INFREQUENT_ACCESS",
    DeletionProtectionEnabled=True,
    OnDemandThroughput={"MaxWriteRequestUnits": 2},
    WarmThroughput={"WriteUnitsPerSecond": 5_000},
    Tags=[{"Key": "team", "Value": "x"}],
    ResourcePolicy="{}",
)


def stored_and_read(table: Table) -> Table:
    stored: dict[str, Any] = orjson.loads(orjson.dumps(to_json(table)))
    return from_json(stored)


@pytest.mark.parametrize(
    "table",
    [
        active(create_body()),
        created(FULL),
        active(FULL).changed(time_to_live=TimeToLive("expires", "ENABLED", NOW)),
        updated(
            active(provisioned_body()), ProvisionedThroughput={**UNITS, "ReadCapacityUnits": 9}
        ),
        updated(active(create_body()), **new_index("by-a", "a")),
    ],
)
def test_a_descriptor_is_read_back_as_it_was_stored(table: Table) -> None:
    read = stored_and_read(table)

    assert read == table
    assert read.indexes == table.indexes
    assert (read.hash_key, read.range_key) == (table.hash_key, table.range_key)


def test_a_full_descriptor_leaves_no_field_at_its_default() -> None:
    """The round trip above proves something only of what is set."""
    table = active(FULL).changed(
        time_to_live=TimeToLive("expires", "ENABLED", NOW),
        table_class_updated=NOW,
        change_under_way="STREAM",
    )
    plain = active(create_body(AttributeDefinitions=attributes(pk="S")))
    same = {
        one.name
        for one in fields(Table)
        if one.compare and getattr(table, one.name) == getattr(plain, one.name)
    }

    assert same == {
        "name",
        "identifier",
        "table_id",
        "arn",
        "created",
        "status",
        "billing_mode",
        "last_update_to_pay_per_request",
        "throughput",
    }
    assert stored_and_read(table) == table


def test_a_descriptor_of_another_version_is_refused() -> None:
    stored = {**to_json(active(create_body())), "descriptor_version": 2}

    with pytest.raises(ValueError, match="version 2"):
        from_json(stored)


def test_a_field_added_later_may_be_missing_in_what_was_stored() -> None:
    stored = to_json(active(create_body()))
    del stored["change_under_way"]

    assert from_json(stored).change_under_way is None


def test_indexes_are_found_by_name() -> None:
    table = active(FULL)

    assert [one.name for one in table.indexes] == ["local", "by-b"]
    assert table.index("local") == table.local_indexes[0]
    assert table.index("ghost") is None
    assert (table.local_indexes[0].is_global, table.global_indexes[0].is_global) == (False, True)
