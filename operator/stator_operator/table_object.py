"""A Table as its planner takes it: its object read once, and what its pool's supervisor says of it.

In: objects as the API server gives them, which their schema has checked, and the supervisor's
answer to GET /v1/tables/NAME. Out: `TableObject`, `SupervisorEntry`. Read by `table_plan.py`,
`table_status.py` and `ask_plan.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from stator_operator.custom_resource import API_VERSION, GROUP
from stator_operator.table_request import desired_body

Object = dict[str, Any]

# Only where deletion has something to do: with the policy Delete the items go first.
FINALIZER: Final = f"{GROUP}/table"


@dataclass(frozen=True, slots=True)
class TableObject:
    """A Table. `storage`: the spec of a pool of its own, whose name is the object's.

    `table_id`: DynamoDB's TableId of the table that was seen to be this object's.
    """

    name: str
    namespace: str
    uid: str
    generation: int
    created: str  # RFC 3339
    table_name: str
    pool: str
    storage: Object | None
    deletes_items: bool
    is_ending: bool
    finalizers: tuple[str, ...]
    body: Object  # what a supervisor is asked for
    table_id: str | None = None

    def is_told_of(self, entry: SupervisorEntry) -> bool:
        """Whether it is this object's table that a supervisor speaks of.

        One whose record was lost knows the table, and of no object.
        """
        if entry.object_uid is not None or entry.description is None:
            return entry.object_uid == self.uid
        return self.table_id is not None and entry.description["TableId"] == self.table_id

    @property
    def has_finalizer(self) -> bool:
        return FINALIZER in self.finalizers

    def owner(self) -> Object:
        """The reference by which a pool of its own is its child."""
        return {
            "apiVersion": API_VERSION,
            "kind": "Table",
            "name": self.name,
            "uid": self.uid,
            "controller": True,
            "blockOwnerDeletion": True,
        }


@dataclass(frozen=True, slots=True)
class SupervisorEntry:
    """What a supervisor says of a table name. `description`: DynamoDB's, None: no such table.

    `object_uid` and `generation`: whose wish it knows, and which; None, 0: nobody's. `refused`:
    DynamoDB's error and text.
    """

    description: Object | None
    object_uid: str | None
    generation: int
    is_deleting: bool
    is_settled: bool
    waiting: str | None
    refused: tuple[str, str] | None
    partitions: Object


def table_object(found: Object) -> TableObject:
    """The Table of an object."""
    metadata, spec = found["metadata"], found["spec"]
    return TableObject(
        name=metadata["name"],
        namespace=metadata["namespace"],
        uid=metadata["uid"],
        generation=metadata["generation"],
        created=metadata.get("creationTimestamp", ""),
        table_name=spec["tableName"],
        pool=spec.get("pool") or metadata["name"],
        storage=spec.get("storage"),
        deletes_items=spec.get("deletionPolicy") == "Delete",
        is_ending="deletionTimestamp" in metadata,
        finalizers=tuple(metadata.get("finalizers", ())),
        body=desired_body(spec),
        table_id=found.get("status", {}).get("tableId"),
    )


def supervisor_entry(members: Object) -> SupervisorEntry:
    """What the supervisor's members say."""
    known, refused = members["object"] or {}, members["refused"]
    return SupervisorEntry(
        description=members["description"],
        object_uid=known.get("uid"),
        generation=known.get("generation", 0),
        is_deleting=known.get("deleting", False),
        is_settled=members["settled"],
        waiting=members["waiting"],
        refused=None if refused is None else (refused["error"], refused["message"]),
        partitions=members["partitions"],
    )


def wish(table: TableObject) -> Object:
    """What a supervisor is told of an object."""
    return {"uid": table.uid, "generation": table.generation, "table": table.body}


def owning_table(pool: Object) -> str | None:
    """The uid of the Table whose own a pool is; None: tables share it."""
    for owner in pool["metadata"].get("ownerReferences", ()):
        if owner["kind"] == "Table" and owner.get("controller"):
            uid: str = owner["uid"]
            return uid
    return None
