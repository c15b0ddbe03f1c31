"""The life of a table and of its indexes: which state follows which, and what each state allows.

In: a table descriptor and what happened, or what somebody wants to do with the table. Out: the next
descriptor, or the exact refusal. `requests/update_table.py`, `delete_table.py`, `tags.py` and
`time_to_live.py` ask before they change anything; the shell calls the steps (`table_active`,
`index_backfilling`, `index_active`, `index_removed`) as its work gets done. Nothing here waits.

Invariants: a table is UPDATING exactly while `change_under_way` is set, an index is being allocated
or an index is being deleted; `backfilling` is set exactly on an index that UpdateTable creates.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from stator_core.errors import (
    DynamoDBError,
    ResourceInUseException,
    ResourceNotFoundException,
    ValidationException,
)
from stator_core.table import Index, Table

Event = Literal["settled", "change begun", "deletion begun"]
Change = Literal["THROUGHPUT", "ON_DEMAND_THROUGHPUT", "STREAM", "TABLE_CLASS", "INDEX"]

TABLE_TRANSITIONS: dict[tuple[str, Event], str] = {
    ("CREATING", "settled"): "ACTIVE",
    ("UPDATING", "settled"): "ACTIVE",
    ("ACTIVE", "settled"): "ACTIVE",
    ("ACTIVE", "change begun"): "UPDATING",
    ("UPDATING", "change begun"): "UPDATING",
    ("ACTIVE", "deletion begun"): "DELETING",
}
INDEX_TRANSITIONS: dict[tuple[str, Event], str] = {
    ("CREATING", "settled"): "ACTIVE",
    ("UPDATING", "settled"): "ACTIVE",
    ("ACTIVE", "settled"): "ACTIVE",
    ("ACTIVE", "change begun"): "UPDATING",
    ("ACTIVE", "deletion begun"): "DELETING",
    ("CREATING", "deletion begun"): "DELETING",  # only while it backfills; see check_index_free
}

DELETED = "DELETED"
# Behind the name of such a table, which may be another's by now, wherever people are told of it.
DELETED_MARK = " (deleted)"
IN_USE = "Attempt to change a resource which is still in use"
_STREAM_TAIL = " Table: {table} Stream: {stream} Operation: {operation}"
_CLASS_TAIL = " Table: {table} TableClassUpdateInProgress: {table_class}"
_IOPS_UNDER_WAY = "Table IOPS are currently being updated. Table: {table}"
_IN_IOPS = " while table IOPS are being updated. Table: {table}"
_NO_STREAM_IN_IOPS = "Can't enable or disable stream" + _IN_IOPS
_NO_INDEX_IN_IOPS = "Can't create or delete indexes" + _IN_IOPS
_NO_ON_DEMAND = "OnDemandThroughput cannot be updated while "

# (what is under way, what is asked): the refusal, as DynamoDB answers (captured 2026-10; texts that
# are made after a captured one are marked UNCONFIRMED). A pair that is missing is allowed.
BLOCKED: dict[tuple[str, Change], str] = {
    ("THROUGHPUT", "THROUGHPUT"): _IOPS_UNDER_WAY,
    ("THROUGHPUT", "STREAM"): _NO_STREAM_IN_IOPS,
    ("THROUGHPUT", "INDEX"): _NO_INDEX_IN_IOPS,
    ("BILLING_MODE", "THROUGHPUT"): _IOPS_UNDER_WAY,
    ("BILLING_MODE", "STREAM"): _NO_STREAM_IN_IOPS,
    ("BILLING_MODE", "INDEX"): _NO_INDEX_IN_IOPS,
    ("BILLING_MODE", "ON_DEMAND_THROUGHPUT"): _NO_ON_DEMAND + "BillingMode update is in progress",
    ("STREAM", "THROUGHPUT"): (
        "Can't change table IOPS when stream status is being updated." + _STREAM_TAIL
    ),
    ("STREAM", "STREAM"): "A stream status change is currently in progress." + _STREAM_TAIL,
    ("STREAM", "INDEX"): (
        "Can't create or delete an index when stream status is being updated." + _STREAM_TAIL
    ),
    ("STREAM", "TABLE_CLASS"): (  # UNCONFIRMED
        "Can't update table class when stream status is being updated." + _STREAM_TAIL
    ),
    ("STREAM", "ON_DEMAND_THROUGHPUT"): (  # UNCONFIRMED
        _NO_ON_DEMAND + "stream status update is in progress"
    ),
    ("TABLE_CLASS", "TABLE_CLASS"): (
        "Can't update table class when a table class update is in progress." + _CLASS_TAIL
    ),
    ("TABLE_CLASS", "STREAM"): (  # UNCONFIRMED
        "Can't change stream status when a table class update is in progress." + _CLASS_TAIL
    ),
    ("TABLE_CLASS", "INDEX"): (
        "Can't create or delete an index when a table class update is in progress." + _CLASS_TAIL
    ),
    ("TABLE_CLASS", "ON_DEMAND_THROUGHPUT"): _NO_ON_DEMAND + "TableClass update is in progress",
    ("INDEX_CREATION", "THROUGHPUT"): (
        "Can't change table IOPS when an index is being created. Table: {table} Indexes: {indexes}"
    ),
    ("INDEX_CREATION", "STREAM"): (
        "Can't change stream status when an index is being created. "
        "Table: {table} Indexes: {indexes}"
    ),
    ("INDEX_CREATION", "ON_DEMAND_THROUGHPUT"): (
        _NO_ON_DEMAND + "index creation is in progress for indexes: {indexes}"
    ),
    ("INDEX_DELETION", "THROUGHPUT"): (
        "Can't change table IOPS when an index is being deleted. Table: {table} Indexes: {indexes}"
    ),
    ("INDEX_DELETION", "ON_DEMAND_THROUGHPUT"): (
        _NO_ON_DEMAND + "index deletion is in progress for indexes: {indexes}"
    ),
}


# The steps of the shell.


def table_active(table: Table) -> Table:
    """A table that CREATING or UPDATING has made ready, with the indexes that came along.

    An index that UpdateTable creates keeps its state (it has `backfilling`), and while it is being
    allocated, or one is being deleted, the table stays UPDATING.
    """
    assert table.status != "DELETING"
    indexes = tuple(
        index if index.backfilling is not None or index.status == "DELETING" else _settled(index)
        for index in table.global_indexes
    )
    local = tuple(_settled(index) for index in table.local_indexes)
    return _rested(
        table.changed(change_under_way=None, global_indexes=indexes, local_indexes=local)
    )


def index_backfilling(table: Table, name: str) -> Table:
    """The new index `name` has its place and begins to read the table (Backfilling true)."""
    index = _global_index(table, name)
    assert index.status == "CREATING"
    assert index.backfilling is not None
    return _rested(with_index(table, replace(index, backfilling=True)))


def index_active(table: Table, name: str) -> Table:
    """The new index `name` is complete; Backfilling is shown no more."""
    index = _global_index(table, name)
    assert index.status == "CREATING"
    assert index.backfilling is not None
    return _rested(with_index(table, replace(_settled(index), backfilling=None)))


def index_removed(table: Table, name: str) -> Table:
    """The deleted index `name` is gone, and with it the attribute definitions only it used."""
    assert _global_index(table, name).status == "DELETING"
    rest = tuple(index for index in table.global_indexes if index.name != name)
    used = set(table.key_names)
    for index in table.local_indexes + rest:
        used.update(index.key_schema.names)
    definitions = tuple(one for one in table.attribute_definitions if one.name in used)
    return _rested(table.changed(global_indexes=rest, attribute_definitions=definitions))


def table_deleting(table: Table) -> Table:
    """The table that DeleteTable takes away. `check_deletable` has been asked."""
    return table.changed(status=TABLE_TRANSITIONS[table.status, "deletion begun"])


def table_deleted(table: Table) -> Table:
    """What is left of a deleted table in a cluster while its stream can be read: no items, no name.

    Only partitions and their feeds know it; `DELETED` is no status that a client sees.
    """
    assert table.status == "DELETING"
    return table.changed(
        status=DELETED, global_indexes=(), stream=None, time_to_live=None, change_under_way=None
    )


def awaits_table_active(table: Table) -> bool:
    """True while `table_active` has something to finish."""
    return (
        table.status == "CREATING"
        or table.change_under_way is not None
        or any(
            index.status == "UPDATING" or (index.status == "CREATING" and index.backfilling is None)
            for index in table.global_indexes
        )
    )


def with_index(table: Table, changed: Index) -> Table:
    """The table with the global index of that name replaced."""
    indexes = tuple(
        changed if index.name == changed.name else index for index in table.global_indexes
    )
    return table.changed(global_indexes=indexes)


# What a state allows.


def not_found(table_name: str) -> ResourceNotFoundException:
    """The control plane's answer for a table that does not exist."""
    return ResourceNotFoundException(f"Requested resource not found: Table: {table_name} not found")


def check_absent(existing: Table | None) -> None:
    """CreateTable: refuse a name that is taken, in whatever state its table is."""
    if existing is None:
        return
    if existing.status == "CREATING":
        raise _in_use(f"Table is being created: {existing.name}")
    raise ResourceInUseException(f"Table already exists: {existing.name}")


def check_serves_data(table: Table) -> None:
    """Item operations: a table in CREATING or DELETING does not exist for them."""
    if table.status in ("CREATING", "DELETING"):
        raise ResourceNotFoundException("Requested resource not found")


def check_changeable(table: Table) -> None:
    """UpdateTable and the tag operations: nothing changes in CREATING or DELETING."""
    if table.status == "CREATING":
        raise _in_use(f"Table is being created: {table.name}")
    if table.status == "DELETING":
        raise _in_use(f"Table is being deleted: {table.name}")


def check_change_allowed(table: Table, change: Change) -> None:
    """UpdateTable: refuse what cannot start beside that which is under way."""
    created = [index.name for index in table.global_indexes if _is_being_allocated(index)]
    deleted = [index.name for index in table.global_indexes if index.status == "DELETING"]
    under_way: list[tuple[str, list[str]]] = []
    if table.change_under_way is not None:
        under_way.append((table.change_under_way, []))
    if created:
        under_way.append(("INDEX_CREATION", created))
    if deleted:
        under_way.append(("INDEX_DELETION", deleted))
    for what, indexes in under_way:
        refusal = BLOCKED.get((what, change))
        if refusal is not None:
            raise _in_use(
                refusal.format(
                    table=table.name,
                    stream=table.latest_stream_label,
                    operation="DISABLE" if table.stream is None else "ENABLE",
                    table_class=table.table_class,
                    indexes=f"[{', '.join(indexes)}]",
                )
            )


def check_index_free(table: Table, index: Index, *, delete: bool) -> None:
    """UpdateTable: refuse to update or delete an index that is itself between two states."""
    tail = f"Table: {table.name} Index: {index.name}"
    if index.status == "DELETING":
        raise _in_use(f"Index is being deleted. {tail}")
    if index.status == "UPDATING":
        raise _in_use(f"Index is being updated. {tail}")
    if _is_being_allocated(index):
        if delete:
            raise _in_use(
                "Index creation is in resource allocation phase. Retry deletion during "
                f"backfilling phase or when the index is active. {tail}"
            )
        raise _in_use(f"Index is being created but is not backfilling yet. {tail}")


def check_deletable(table: Table) -> None:
    """DeleteTable: the state, the protection, then the indexes (their order is UNCONFIRMED)."""
    check_changeable(table)
    if table.deletion_protection:
        raise ValidationException(
            "Resource cannot be deleted as it is currently protected against deletion. "
            "Disable deletion protection first."
        )
    if any(index.status != "ACTIVE" for index in table.global_indexes):
        raise _in_use("Cannot delete table while indexes are being created, updated, or deleted.")
    if table.change_under_way == "STREAM":
        raise _in_use("Cannot delete table while stream is being enabled/disabled.")
    if table.status == "UPDATING":
        raise _in_use(f"Table: {table.name} is in the process of being updated.")


def _in_use(detail: str) -> DynamoDBError:
    return ResourceInUseException(f"{IN_USE}: {detail}")


def _is_being_allocated(index: Index) -> bool:
    return index.status == "CREATING" and index.backfilling is False


def _settled(index: Index) -> Index:
    return replace(index, status=INDEX_TRANSITIONS[index.status, "settled"])


def _rested(table: Table) -> Table:
    """The table's own state, after a step: UPDATING only while something holds it there."""
    held = table.change_under_way is not None or any(
        _is_being_allocated(index) or index.status == "DELETING" for index in table.global_indexes
    )
    event: Event = "change begun" if held and table.status != "CREATING" else "settled"
    return table.changed(status=TABLE_TRANSITIONS[table.status, event])


def _global_index(table: Table, name: str) -> Index:
    index = table.index(name)
    assert index is not None
    assert index.is_global
    return index
