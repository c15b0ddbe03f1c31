"""Bodies of table requests for the tests of the core: small ones, and what makes them bigger.

Used by the tests of the table operations. Nothing here knows what DynamoDB answers.
"""

from __future__ import annotations

from itertools import count
from typing import Any

from stator_core.requests import create_table, update_table
from stator_core.table import Table
from stator_core.table_status import table_active

NOW = 1_700_000_000.25  # 2023-11-14T22:13:20.250 UTC
HOUR = 3_600.0
DAY = 86_400.0
REGION, ACCOUNT = "eu-west-2", "123456789012"
TABLE_ID = "00000000-0000-0000-0000-000000000001"
UNITS = {"ReadCapacityUnits": 5, "WriteCapacityUnits": 5}


def attributes(**types: str) -> list[dict[str, str]]:
    """AttributeDefinitions: `attributes(pk="S")`."""
    return [{"AttributeName": name, "AttributeType": kind} for name, kind in types.items()]


def keys(*names: str, types: tuple[str, ...] = ("HASH", "RANGE")) -> list[dict[str, str]]:
    """A KeySchema: HASH, then RANGE, unless `types` says otherwise."""
    return [
        {"AttributeName": name, "KeyType": kind} for name, kind in zip(names, types, strict=False)
    ]


def index(name: str, *names: str, **members: Any) -> dict[str, Any]:
    """An index over these key attributes, projecting everything."""
    return {
        "IndexName": name,
        "KeySchema": keys(*names),
        "Projection": {"ProjectionType": "ALL"},
        **members,
    }


def create_body(**members: Any) -> dict[str, Any]:
    """CreateTable of an on-demand table with a hash key; a member of None is left out."""
    body: dict[str, Any] = {
        "TableName": "Music",
        "AttributeDefinitions": attributes(pk="S"),
        "KeySchema": keys("pk"),
        "BillingMode": "PAY_PER_REQUEST",
        **members,
    }
    return {name: member for name, member in body.items() if member is not None}


def ranged_body(**members: Any) -> dict[str, Any]:
    """The same with a range key and the attributes `a` and `b` for indexes."""
    return create_body(
        **{
            "AttributeDefinitions": attributes(pk="S", sk="S", a="S", b="N"),
            "KeySchema": keys("pk", "sk"),
            **members,
        }
    )


def provisioned_body(**members: Any) -> dict[str, Any]:
    return create_body(**{"BillingMode": "PROVISIONED", "ProvisionedThroughput": UNITS, **members})


def created(body: dict[str, Any]) -> Table:
    """The table in CREATING that the body makes."""
    request = create_table.parse(body)
    return request.table(count(1), TABLE_ID, NOW, REGION, ACCOUNT)


def active(body: dict[str, Any]) -> Table:
    return table_active(created(body))


def updated(table: Table, *, now: float = NOW + HOUR, **members: Any) -> Table:
    """The table right after UpdateTable; a new index gets the identifier 100."""
    request = update_table.parse({"TableName": table.name, **members})
    return request.apply(table, now, count(100))


def update_answer(table: Table, *, now: float = NOW + HOUR, **members: Any) -> dict[str, Any]:
    """The TableDescription that UpdateTable answers."""
    request = update_table.parse({"TableName": table.name, **members})
    shown = request.answer(table, request.apply(table, now, count(100)))["TableDescription"]
    assert isinstance(shown, dict)
    return shown


def with_two_indexes(**members: Any) -> Table:
    """An ACTIVE on-demand table with the global indexes `by-a` and `by-b`."""
    return active(
        ranged_body(GlobalSecondaryIndexes=[index("by-a", "a"), index("by-b", "b")], **members)
    )


def new_index(name: str, *names: str, **members: Any) -> dict[str, Any]:
    """The members of an UpdateTable that creates an index over string attributes."""
    return {
        "AttributeDefinitions": attributes(**dict.fromkeys(names, "S")),
        "GlobalSecondaryIndexUpdates": [{"Create": index(name, *names, **members)}],
    }
