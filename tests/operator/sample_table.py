"""Tables as the operator meets them: objects, and what supervisors say, for tests."""

from __future__ import annotations

import copy
from typing import Any

from stator_operator.custom_resource import API_VERSION
from stator_operator.table_object import (
    FINALIZER,
    SupervisorEntry,
    TableObject,
    supervisor_entry,
    table_object,
)
from stator_operator.table_plan import ObservedTable
from table_specs import plain

Object = dict[str, Any]
COUNTS = {"total": 2, "leaderless": 0, "lacking": 0}
DESCRIPTION: Object = {
    "TableName": "Music",
    "TableStatus": "ACTIVE",
    "TableId": "id-1",
    "TableArn": "arn:aws:dynamodb:us-east-1:111122223333:table/Music",
    "ItemCount": 100,
    "TableSizeBytes": 5_000,
}


def table_body(name: str = "music", uid: str = "u-1", **spec: Any) -> Object:
    """The object of a table; a member of None is left out."""
    wanted = {**plain(), "billingMode": "PAY_PER_REQUEST", "deletionPolicy": "Retain", **spec}
    return {
        "apiVersion": API_VERSION,
        "kind": "Table",
        "metadata": {
            "name": name,
            "namespace": "shop",
            "uid": uid,
            "generation": 3,
            "creationTimestamp": "2026-11-20T10:00:00Z",
            "resourceVersion": "7",
        },
        "spec": {key: value for key, value in wanted.items() if value is not None},
    }


def with_metadata(body: Object, **metadata: Any) -> Object:
    made = copy.deepcopy(body)
    made["metadata"].update(metadata)
    return made


def ending(body: Object, *finalizers: str) -> Object:
    """The object after somebody has deleted it."""
    return with_metadata(
        body, deletionTimestamp="2026-11-20T11:00:00Z", finalizers=[*finalizers, FINALIZER]
    )


def entry_members(**members: Any) -> Object:
    """What a supervisor says of a table that is as its object wants it."""
    return {
        "name": "Music",
        "description": DESCRIPTION,
        "table": None,
        "object": {"uid": "u-1", "generation": 3, "deleting": False},
        "settled": True,
        "waiting": None,
        "refused": None,
        "partitions": COUNTS,
        **members,
    }


def an_entry(**members: Any) -> SupervisorEntry:
    return supervisor_entry(entry_members(**members))


NOBODYS = an_entry(description=None, object=None, settled=False)


def a_table(body: Object | None = None) -> TableObject:
    return table_object(body or table_body())


def observed(body: Object | None = None, **changes: Any) -> ObservedTable:
    """A table of a shared pool that is as it is wanted."""
    given = {"pool_uid": "u-pool", "entry": an_entry(), **changes}
    return ObservedTable(a_table(body), **given)
