"""A table as somebody wants it to be: the body of CreateTable, and its time to live beside it.

In: such a body, as the operator makes it of a `Table` object; or a table that there is. Out: a
`DesiredTable` for `table_steps.py`; or the body that says of a table all that a body can.
Invariants: what CreateTable refuses is refused, in its words; a table and what `body_of` says of it
agree, so no step follows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from stator_core.errors import ValidationException
from stator_core.requests import create_table
from stator_core.requests.create_table import CreateTable
from stator_core.requests.time_to_live import parse_update_time_to_live
from stator_core.table import Index, KeySchema, Table, Throughput

Members = dict[str, Any]

TIME_TO_LIVE = "TimeToLiveSpecification"
# What is compared with the table that there is, and changed. Settings that are not among them stay
# as whoever last set them wanted.
MEMBERS = frozenset(
    {
        "TableName",
        "AttributeDefinitions",
        "KeySchema",
        "LocalSecondaryIndexes",
        "GlobalSecondaryIndexes",
        "BillingMode",
        "ProvisionedThroughput",
        "StreamSpecification",
        "DeletionProtectionEnabled",
        "Tags",
        TIME_TO_LIVE,
    }
)


@dataclass(frozen=True, slots=True)
class DesiredTable:
    """What is wanted. `body` is that of CreateTable; `expires_by` None: nothing expires."""

    body: Members
    create: CreateTable
    expires_by: str | None

    @property
    def name(self) -> str:
        return self.create.table_name


def parse(members: Members) -> DesiredTable:
    """Raises SerializationException or ValidationException, CreateTable's or UpdateTimeToLive's."""
    unknown = sorted(set(members) - MEMBERS)
    if unknown:
        raise ValidationException(f"A table cannot be wanted with {', '.join(unknown)}")
    body = {name: member for name, member in members.items() if name != TIME_TO_LIVE}
    create = create_table.parse(body)
    expires_by = None
    if TIME_TO_LIVE in members:
        asked = {"TableName": create.table_name, TIME_TO_LIVE: members[TIME_TO_LIVE]}
        setting = parse_update_time_to_live(asked)
        expires_by = setting.attribute_name if setting.enabled else None
    return DesiredTable(body, create, expires_by)


def body_of(table: Table) -> Members:
    """What `parse` takes for a table like this one, indexes that are going left out."""
    indexes = [index for index in table.global_indexes if index.status != "DELETING"]
    body: Members = {
        "TableName": table.name,
        "AttributeDefinitions": _definitions(table, indexes),
        "KeySchema": key_elements(table.key_schema),
        "BillingMode": table.billing_mode,
    }
    if table.local_indexes:
        body["LocalSecondaryIndexes"] = [_index(each) for each in table.local_indexes]
    if indexes:
        body["GlobalSecondaryIndexes"] = [
            _index(each) | _units(table, each.throughput) for each in indexes
        ]
    body |= _units(table, table.throughput)
    if table.stream_view is not None:
        body["StreamSpecification"] = {"StreamEnabled": True, "StreamViewType": table.stream_view}
    if table.deletion_protection:
        body["DeletionProtectionEnabled"] = True
    if table.tags:
        body["Tags"] = [{"Key": key, "Value": value} for key, value in table.tags]
    if table.expires_by is not None:
        body[TIME_TO_LIVE] = {"AttributeName": table.expires_by, "Enabled": True}
    return body


def key_elements(schema: KeySchema) -> list[Members]:
    """A KeySchema as requests have it."""
    return [{"AttributeName": each.name, "KeyType": "HASH"} for each in schema.hash] + [
        {"AttributeName": each.name, "KeyType": "RANGE"} for each in schema.range
    ]


def _definitions(table: Table, indexes: list[Index]) -> list[Members]:
    """The attributes of the keys that stay: CreateTable takes no others."""
    used = {*table.key_names}
    for index in (*table.local_indexes, *indexes):
        used.update(index.key_schema.names)
    return [
        {"AttributeName": each.name, "AttributeType": each.type}
        for each in table.attribute_definitions
        if each.name in used
    ]


def _index(index: Index) -> Members:
    projection: Members = {"ProjectionType": index.projection.type}
    if index.projection.non_key_attributes:
        projection["NonKeyAttributes"] = list(index.projection.non_key_attributes)
    return {
        "IndexName": index.name,
        "KeySchema": key_elements(index.key_schema),
        "Projection": projection,
    }


def _units(table: Table, throughput: Throughput) -> Members:
    if table.billing_mode != "PROVISIONED":
        return {}
    units = {
        "ReadCapacityUnits": throughput.read_capacity_units,
        "WriteCapacityUnits": throughput.write_capacity_units,
    }
    return {"ProvisionedThroughput": units}
