"""What to do next for a Table: from its object, its namesakes and its pool to actions. Pure.

In: `ObservedTable`. Out: actions, to be carried out in their order, or the reason why nothing is
done. Called again and again; whoever carries the actions out may stop between any two of them.
Invariants: items are deleted for an object that is being deleted, whose policy says so, and whose
table it is; no table changes hands while the object that it belongs to is there; of two objects
with one table name in a namespace the first stays.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from stator_operator import naming
from stator_operator.custom_resource import API_VERSION
from stator_operator.pool_actions import Apply, Waiting
from stator_operator.table_object import FINALIZER, SupervisorEntry, TableObject

Object = dict[str, Any]


@dataclass(frozen=True, slots=True)
class ObservedTable:
    """What there is. `namesakes`: other objects of the namespace with the same table name.

    `pool_uid`: of the pool, None: there is none; `pool_owner`: of the object whose own pool it is,
    empty for a pool that tables share. `entry`: what the pool's supervisor says; None: nobody
    answers. `lodgers`: other tables in a pool of its own, of a table that is to go.
    """

    table: TableObject
    namesakes: tuple[TableObject, ...] = ()
    pool_uid: str | None = None
    pool_owner: str = ""
    entry: SupervisorEntry | None = None
    lodgers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SetFinalizers:
    """Have the object have these, and no others."""

    finalizers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PutTable:
    """Tell the supervisor what is wanted. `replaces`: the object before, which is gone."""

    replaces: str | None = None


@dataclass(frozen=True, slots=True)
class DeleteTable:
    """Tell the supervisor that table and items are to go."""


@dataclass(frozen=True, slots=True)
class DeletePool:
    """Delete the pool of the table's own: its pods end."""

    uid: str


@dataclass(frozen=True, slots=True)
class DeleteVolumes:
    """Delete the claims of the table's own pool: Kubernetes keeps each until its pod has ended."""


Action = Apply | SetFinalizers | PutTable | DeleteTable | DeletePool | DeleteVolumes


@dataclass(frozen=True, slots=True)
class TablePlan:
    actions: tuple[Action, ...] = ()
    waiting: Waiting | None = None


def plan(observed: ObservedTable) -> TablePlan:
    """What to do now."""
    if observed.table.is_ending:
        return _ending(observed)
    first = _first(observed)
    if first is not None:
        return TablePlan(_without_finalizer(observed.table), _name_in_use(observed.table, first))
    table = observed.table
    actions: list[Action] = []
    has_pool = observed.pool_uid is not None
    if table.storage is not None:
        if has_pool and observed.pool_owner != table.uid:
            return TablePlan(waiting=_pool_taken(table))
        actions.append(Apply(own_pool(table)))
    elif observed.pool_owner:
        return TablePlan(waiting=_pool_of_another(table))
    if not has_pool:
        return TablePlan(tuple(actions), _no_pool(table))
    if observed.entry is None:
        return TablePlan(tuple(actions), supervisor_away(table.pool))
    # Before the table is made: so no object with this policy goes without its items.
    wanted = _finalizers(table)
    if wanted != table.finalizers:
        actions.append(SetFinalizers(wanted))
    entry = observed.entry
    if entry.object_uid == table.uid and entry.generation >= table.generation:
        return TablePlan(tuple(actions))
    replaces = entry.object_uid if entry.object_uid != table.uid else None
    return TablePlan((*actions, PutTable(replaces)))


def own_pool(table: TableObject) -> Object:
    """The pool of a table with storage of its own."""
    return {
        "apiVersion": API_VERSION,
        "kind": "StoragePool",
        "metadata": {
            "name": table.pool,
            "namespace": table.namespace,
            "labels": {
                naming.NAME_LABEL: "stator",
                naming.POOL_LABEL: table.pool,
                naming.COMPONENT_LABEL: "pool",
                naming.MANAGED_BY_LABEL: "stator-operator",
            },
            "ownerReferences": [table.owner()],
        },
        "spec": table.storage,
    }


def supervisor_away(pool: str) -> Waiting:
    """Nobody steers the pool at this moment."""
    return Waiting("SupervisorAway", f"the supervisor of pool {pool} does not answer")


def _ending(observed: ObservedTable) -> TablePlan:
    """What is left to do before the object may go."""
    table, entry = observed.table, observed.entry
    if not table.has_finalizer:
        return TablePlan()
    go = TablePlan(_without_finalizer(table))
    if not table.deletes_items:
        return go
    if observed.pool_uid is None:
        return go  # Nobody could delete now; whoever took the pool away left its volumes.
    if table.storage is not None and observed.pool_owner != table.uid:
        return go
    if entry is None:
        return TablePlan(waiting=supervisor_away(table.pool))
    if table.is_told_of(entry):
        items_go = Waiting("ItemsGo", "the table's items are being deleted")
        return TablePlan((DeleteTable(),), items_go)
    if table.storage is None:
        return go  # The table is gone, or it never was this object's.
    if observed.lodgers:
        return TablePlan(waiting=_pool_in_use(observed))
    # In one go, while it is seen that nothing else lies there.
    pool_goes = Waiting("ItemsGo", f"pool {table.pool} is being deleted")
    return TablePlan((DeleteVolumes(), DeletePool(observed.pool_uid)), pool_goes)


def _first(observed: ObservedTable) -> TableObject | None:
    """The object that has the name before this one; None: this one has it."""
    table, entry = observed.table, observed.entry
    owner = None if entry is None else entry.object_uid
    if owner == table.uid:
        return None
    for namesake in observed.namesakes:
        if namesake.uid == owner:
            return namesake
    older = [each for each in observed.namesakes if _age(each) < _age(table)]
    return min(older, key=_age, default=None)


def _age(table: TableObject) -> tuple[str, str]:
    return table.created, table.uid


def _finalizers(table: TableObject) -> tuple[str, ...]:
    others = tuple(each for each in table.finalizers if each != FINALIZER)
    return (*others, FINALIZER) if table.deletes_items else others


def _without_finalizer(table: TableObject) -> tuple[SetFinalizers, ...]:
    if not table.has_finalizer:
        return ()
    return (SetFinalizers(tuple(each for each in table.finalizers if each != FINALIZER)),)


def _name_in_use(table: TableObject, first: TableObject) -> Waiting:
    return Waiting(
        "NameInUse",
        f"Table {first.name} has the tableName {table.table_name} already: a namespace has one"
        " table of a name; give this one another tableName, or delete one of them",
    )


def _pool_taken(table: TableObject) -> Waiting:
    return Waiting(
        "NameTaken",
        f"StoragePool {table.pool} belongs to somebody else and is left alone: give this Table"
        " another name, or name the pool in spec.pool instead of storage",
    )


def _pool_of_another(table: TableObject) -> Waiting:
    return Waiting(
        "PoolIsOwn",
        f"StoragePool {table.pool} is another Table's own: make the Table anew with a pool that"
        " tables share, or with storage of its own",
    )


def _pool_in_use(observed: ObservedTable) -> Waiting:
    names = ", ".join(observed.lodgers)
    return Waiting(
        "PoolInUse",
        f"pool {observed.table.pool} holds other tables: {names}: delete them first, or set"
        " deletionPolicy to Retain",
    )


def _no_pool(table: TableObject) -> Waiting:
    if table.storage is not None:
        return Waiting("PoolStarts", f"pool {table.pool} is being made")
    return Waiting(
        "PoolUnknown",
        f"namespace {table.namespace} has no StoragePool {table.pool}: make it, or make the Table"
        " anew with the pool that is meant",
    )
