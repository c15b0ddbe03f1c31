"""What becomes of a client's change of a table: which object says it from now on. Pure.

In: an ask, as a supervisor tells of it (GET /v1/asks), the objects with that table name, and whose
the table is. Out: what to write, or the error that the client gets. Called by `ask_taking.py`, and
again for the same ask where the operator was killed in between: an object that was made for an ask
carries its id, and a change that is in the object already is no change.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from stator_core.table_status import IN_USE
from stator_operator import naming
from stator_operator.custom_resource import API_VERSION, GROUP
from stator_operator.spec_merging import spec_patch
from stator_operator.table_object import TableObject, table_object
from stator_operator.table_request import spec_of_body

Object = dict[str, Any]

ASK_ANNOTATION: Final = f"{GROUP}/ask"


@dataclass(frozen=True, slots=True)
class Ask:
    """A client's request. `before` None: there is no table; `after` None: it is to go."""

    ask_id: str
    operation: str
    table_name: str
    before: Object | None
    after: Object | None


@dataclass(frozen=True, slots=True)
class MakeObject:
    """Make one of these, the first whose name is free."""

    bodies: tuple[Object, ...]


@dataclass(frozen=True, slots=True)
class PatchObject:
    """Have the object say it. An empty patch: it says it already."""

    found: Object
    patch: Object


@dataclass(frozen=True, slots=True)
class DeleteObject:
    """Have the object go, and with it the items."""

    found: Object


@dataclass(frozen=True, slots=True)
class DeleteBare:
    """Have a table go that no object speaks for. `object_uid`: of the last that did."""

    object_uid: str


@dataclass(frozen=True, slots=True)
class RefuseAsk:
    """Answer the client with DynamoDB's error."""

    error: str
    message: str


Decision = MakeObject | PatchObject | DeleteObject | DeleteBare | RefuseAsk


def ask_of(members: Object) -> Ask:
    """An ask as the supervisor says it."""
    return Ask(
        members["id"],
        members["operation"],
        members["name"],
        members["before"],
        members["after"],
    )


def decide(
    ask: Ask, found: list[Object], owner_uid: str | None, namespace: str, pool: str
) -> Decision:
    """What to do. `found`: objects of this table name; `owner_uid`: of whose the table is."""
    if ask.before is None:
        return _creation(ask, found, namespace, pool)
    owner = _owner(found, owner_uid)
    if owner is None:
        if ask.after is None:
            return DeleteBare(owner_uid or "")
        # A table without an object gets one when somebody changes it.
        return _new_object(ask, namespace, pool)
    if ask.after is None:
        return DeleteObject(owner)
    if table_object(owner).is_ending:
        message = f"{IN_USE}: Table is being deleted: {ask.table_name}"
        return RefuseAsk("ResourceInUseException", message)
    patch = spec_patch(owner["spec"], spec_of_body(ask.before), spec_of_body(ask.after))
    return PatchObject(owner, patch)


def table_body(name: str, namespace: str, spec: Object, ask_id: str = "") -> Object:
    """The object of a table that a client made, or that had none."""
    metadata: Object = {
        "name": name,
        "namespace": namespace,
        "labels": {naming.NAME_LABEL: "stator", naming.MANAGED_BY_LABEL: "stator-operator"},
    }
    if ask_id:
        metadata["annotations"] = {ASK_ANNOTATION: ask_id}
    return {"apiVersion": API_VERSION, "kind": "Table", "metadata": metadata, "spec": spec}


def _creation(ask: Ask, found: list[Object], namespace: str, pool: str) -> Decision:
    for each in found:
        if each["metadata"].get("annotations", {}).get(ASK_ANNOTATION) == ask.ask_id:
            return PatchObject(each, {})
    if found:
        message = f"Table already exists: {ask.table_name}"
        return RefuseAsk("ResourceInUseException", message)
    return _new_object(ask, namespace, pool)


def _new_object(ask: Ask, namespace: str, pool: str) -> MakeObject:
    assert ask.after is not None
    spec = {**spec_of_body(ask.after), "pool": pool}
    names = dict.fromkeys(naming.table_object_names(ask.table_name))
    return MakeObject(tuple(table_body(name, namespace, spec, ask.ask_id) for name in names))


def _owner(found: list[Object], uid: str | None) -> Object | None:
    """The object that the table belongs to; where that is gone, the oldest that wants it."""
    for each in found:
        if each["metadata"]["uid"] == uid:
            return each
    return min(found, key=lambda each: _age(table_object(each)), default=None)


def _age(table: TableObject) -> tuple[str, str]:
    return table.created, table.uid
