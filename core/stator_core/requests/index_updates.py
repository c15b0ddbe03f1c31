"""GlobalSecondaryIndexUpdates: to create, change or delete one index of a table that lives.

In: the entries of an UpdateTable request, then the table. Out: typed changes, then the table with
its indexes changed. `update_table.py` parses with `parse_index_updates`, asks
`check_index_updates` where the order of its refusals wants it, and ends with `updated_indexes`.
AWS: API reference, UpdateTable; Developer Guide, "Managing Global Secondary Indexes".
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from stator_core.errors import (
    LimitExceededException,
    ResourceNotFoundException,
    ValidationException,
)
from stator_core.limits import GLOBAL_INDEXES_MAX, ONLINE_INDEX_CHANGES_MAX
from stator_core.requests.constraints import Violations
from stator_core.requests.index_definition import (
    IndexDefinition,
    check_defined,
    check_global_key,
    check_projected_count,
    definition_of,
    definitions_of,
    elements_of,
)
from stator_core.requests.shapes import STRING, List, Structure
from stator_core.requests.table_members import (
    GLOBAL_INDEX_MEMBERS,
    INVALID,
    THROUGHPUT_MEMBERS,
    collect_global_index,
    collect_index_name,
    collect_throughput,
)
from stator_core.requests.throughput import (
    Units,
    WarmUnits,
    caps_in_force,
    changed_throughput,
    check_changes,
    check_initial_warm,
    check_on_demand_mode,
    check_on_demand_range,
    check_warm_increase,
    merged_caps,
    parse_on_demand,
    parse_units,
    parse_warm,
)
from stator_core.table import Index, KeyAttribute, KeySchema, OnDemandThroughput, Table, Throughput
from stator_core.table_description import effective_warm_throughput
from stator_core.table_status import INDEX_TRANSITIONS, check_index_free, with_index

INDEX_UPDATES = List(
    Structure(
        "GlobalSecondaryIndexUpdate",
        {
            "Update": Structure(
                "UpdateGlobalSecondaryIndexAction", {"IndexName": STRING, **THROUGHPUT_MEMBERS}
            ),
            "Create": Structure("CreateGlobalSecondaryIndexAction", GLOBAL_INDEX_MEMBERS),
            "Delete": Structure("DeleteGlobalSecondaryIndexAction", {"IndexName": STRING}),
        },
    )
)
ACTIONS = ("Update", "Create", "Delete")


@dataclass(frozen=True, slots=True)
class CreateIndex:
    definition: IndexDefinition

    @property
    def name(self) -> str:
        return self.definition.name


@dataclass(frozen=True, slots=True)
class UpdateIndex:
    name: str
    throughput: Units | None
    on_demand_throughput: OnDemandThroughput | None
    warm_throughput: WarmUnits | None


@dataclass(frozen=True, slots=True)
class DeleteIndex:
    name: str


IndexUpdate = CreateIndex | UpdateIndex | DeleteIndex


def collect_index_updates(violations: Violations, entries: list[Any] | None) -> None:
    """The constraints of every action, entry by entry."""
    for number, entry in enumerate(entries or (), 1):
        path = f"globalSecondaryIndexUpdates.{number}.member"
        members = entry or {}
        if (update := members.get("Update")) is not None:
            collect_index_name(violations, f"{path}.update", update)
            throughput_path = f"{path}.update.provisionedThroughput"
            collect_throughput(violations, throughput_path, update.get("ProvisionedThroughput"))
        if (create := members.get("Create")) is not None:
            collect_global_index(violations, f"{path}.create", create)
        if (delete := members.get("Delete")) is not None:
            collect_index_name(violations, f"{path}.delete", delete)


def parse_index_updates(
    entries: list[Any], definitions: list[Any] | None
) -> tuple[IndexUpdate, ...]:
    """The changes, checked as far as the request alone tells.

    `definitions`: the request's AttributeDefinitions, which a new index's keys must be in.
    """
    seen: set[str] = set()
    updates: list[IndexUpdate] = []
    for entry in entries:
        actions = [action for action in ACTIONS if (entry or {}).get(action) is not None]
        if not actions:
            raise ValidationException(
                f"{INVALID}One of GlobalSecondaryIndexUpdate.Update, "
                "GlobalSecondaryIndexUpdate.Create, GlobalSecondaryIndexUpdate.Delete must not be "
                "null"
            )
        if len(actions) > 1:
            raise ValidationException(
                f"{INVALID}Only one global secondary index action is allowed per "
                "GlobalSecondaryIndexUpdate object"
            )
        name = entry[actions[0]]["IndexName"]
        if name in seen:
            raise ValidationException(
                f"{INVALID}Only one global secondary index update per index is allowed "
                f"simultaneously. Index: {name}"
            )
        seen.add(name)
        updates.append(_parse(actions[0], entry[actions[0]], definitions))
    return tuple(updates)


def creates_or_deletes(updates: Sequence[IndexUpdate]) -> int:
    """How many of the changes make or remove an index."""
    return sum(not isinstance(update, UpdateIndex) for update in updates)


def check_index_updates(table: Table, updates: Sequence[IndexUpdate]) -> None:
    """Each change against the indexes that there are, and their states; one change at a time."""
    for update in updates:
        index = table.index(update.name)
        if isinstance(update, CreateIndex):
            _check_name_free(table, index)
        elif index is None:
            raise ResourceNotFoundException(
                f"Requested resource not found: Index {update.name} for table {table.name}"
            )
        elif not index.is_global:
            verb = "delete" if isinstance(update, DeleteIndex) else "update"
            raise ValidationException(
                f"Cannot {verb} an index that is not a GlobalSecondaryIndex: {update.name}"
            )
        else:
            check_index_free(table, index, delete=isinstance(update, DeleteIndex))
    _check_one_online(table, updates)


def updated_indexes(
    table: Table,
    updates: Sequence[IndexUpdate],
    identifiers: Iterator[int],
    now: float,
    *,
    mode_before: str,
) -> Table:
    """The table with its indexes changed; its billing mode is already the new one.

    Raises ValidationException where a throughput does not fit the mode or would not change.
    """
    for update in updates:
        if isinstance(update, CreateIndex):
            table = _with_new_index(table, update.definition, next(identifiers))
        elif isinstance(update, DeleteIndex):
            index = _index(table, update.name)
            status = INDEX_TRANSITIONS[index.status, "deletion begun"]
            table = with_index(table, replace(index, status=status, backfilling=None))
        else:
            table = with_index(table, _changed_index(table, update, now, mode_before))
    return table


def _parse(action: str, members: dict[str, Any], definitions: list[Any] | None) -> IndexUpdate:
    name = members["IndexName"]
    if action == "Delete":
        return DeleteIndex(name)
    if action == "Create":
        if definitions is None:
            raise ValidationException(
                f"{INVALID}AttributeDefinitions is not specified for index: {name}"
            )
        types = definitions_of(definitions)
        elements = elements_of(members["KeySchema"])
        check_defined(elements, types)
        check_global_key(elements)
        return CreateIndex(definition_of(members, "GLOBAL", types))
    warm = parse_warm(members.get("WarmThroughput"))
    if "WarmThroughput" in members and warm is None:
        raise ValidationException(
            f"{INVALID}WarmThroughput must have at least one of ReadUnitsPerSecond or "
            f"WriteUnitsPerSecond specified for index: {name}"
        )
    return UpdateIndex(
        name,
        parse_units(members.get("ProvisionedThroughput"), name),
        parse_on_demand(members.get("OnDemandThroughput")),
        warm,
    )


def _check_name_free(table: Table, index: Index | None) -> None:
    if index is None:
        return
    if index.status == "DELETING":
        check_index_free(table, index, delete=False)
    raise ValidationException("Attempting to create an index which already exists")


def _check_one_online(table: Table, updates: Sequence[IndexUpdate]) -> None:
    """One index is created or deleted at a time, over all calls; and there are twenty at most."""
    changes = creates_or_deletes(updates)
    if changes == 0:
        return
    # To delete an index that is still being created ends the one change with the other.
    deleted = {update.name for update in updates if isinstance(update, DeleteIndex)}
    under_way = sum(
        index.status in ("CREATING", "DELETING") and index.name not in deleted
        for index in table.global_indexes
    )
    if changes + under_way > ONLINE_INDEX_CHANGES_MAX:
        raise LimitExceededException(
            f"Subscriber limit exceeded: Only {ONLINE_INDEX_CHANGES_MAX} online index can be "
            "created or deleted simultaneously per table"
        )
    created = any(isinstance(update, CreateIndex) for update in updates)
    if created and len(table.global_indexes) >= GLOBAL_INDEXES_MAX:
        raise LimitExceededException(
            "Subscriber limit exceeded: Number of global secondary indexes exceeds per-table limit "
            f"of {GLOBAL_INDEXES_MAX}"
        )


def _with_new_index(table: Table, definition: IndexDefinition, identifier: int) -> Table:
    """The table with the index in CREATING and its attributes among the definitions."""
    name = definition.name
    if table.billing_mode == "PROVISIONED" and definition.throughput is None:
        raise ValidationException(
            f"{INVALID}Both ReadCapacityUnits and WriteCapacityUnits must be specified for index: "
            f"{name}"
        )
    if table.billing_mode == "PAY_PER_REQUEST" and definition.throughput is not None:
        raise ValidationException(
            f"{INVALID}Neither ReadCapacityUnits nor WriteCapacityUnits can be specified for "
            f"index: {name} when BillingMode is PAY_PER_REQUEST"
        )
    _check_caps(table.billing_mode, name, definition.on_demand_throughput, removable=False)
    units = definition.throughput or Units(0, 0)
    begins_with = effective_warm_throughput(
        table.billing_mode, Throughput(units.read, units.write), None
    )
    warm = definition.warm_throughput
    check_initial_warm(warm, begins_with, table.billing_mode, f"index {name}")
    check_projected_count([definition.projection, *(index.projection for index in table.indexes)])
    known = {attribute.name: attribute for attribute in table.attribute_definitions}
    for attribute in definition.key_schema.attributes:
        known.setdefault(attribute.name, attribute)
    definition = replace(definition, key_schema=_retyped(definition.key_schema, known))
    index = definition.index(
        identifier, None if warm is None else warm.over(begins_with), backfilling=False
    )
    return table.changed(
        global_indexes=(*table.global_indexes, index),
        attribute_definitions=tuple(known[name] for name in sorted(known)),
    )


def _retyped(schema: KeySchema, known: dict[str, KeyAttribute]) -> KeySchema:
    """The schema with the types that the table stores: a redeclared attribute keeps its own."""
    return KeySchema(
        tuple(known[attribute.name] for attribute in schema.hash),
        tuple(known[attribute.name] for attribute in schema.range),
    )


def _changed_index(table: Table, update: UpdateIndex, now: float, mode_before: str) -> Index:
    index = _index(table, update.name)
    switched = mode_before != table.billing_mode
    _check_update_fits(table, update)
    caps = index.on_demand_throughput
    if update.on_demand_throughput is not None:
        _check_caps(table.billing_mode, update.name, update.on_demand_throughput, removable=True)
        caps = caps_in_force(merged_caps(caps, update.on_demand_throughput))
    throughput, warm = index.throughput, index.warm_throughput
    ready_for = effective_warm_throughput(mode_before, throughput, warm)
    if update.throughput is not None:
        if switched:  # The first units of an index that had none: no increase.
            throughput = replace(
                throughput,
                read_capacity_units=update.throughput.read,
                write_capacity_units=update.throughput.write,
            )
        else:
            check_changes(throughput, update.throughput, f"index {update.name}")
            throughput = changed_throughput(throughput, update.throughput, now)
        warm = (
            max(ready_for[0], update.throughput.read),
            max(ready_for[1], update.throughput.write),
        )
    if update.warm_throughput is not None:
        check_warm_increase(update.warm_throughput, ready_for, f"index {update.name}")
        warm = update.warm_throughput.over(warm or ready_for)
    # Warm units alone leave the index ACTIVE, as DynamoDB leaves it.
    resting = update.throughput is None and update.on_demand_throughput is None
    return replace(
        index,
        status=index.status if resting or index.status != "ACTIVE" else "UPDATING",
        throughput=throughput,
        on_demand_throughput=caps,
        warm_throughput=warm,
    )


def _check_update_fits(table: Table, update: UpdateIndex) -> None:
    """What may change about an index depends on how the table is billed."""
    others = update.on_demand_throughput, update.warm_throughput
    if table.billing_mode == "PAY_PER_REQUEST":
        if update.throughput is not None or others == (None, None):
            raise ValidationException(
                f"{INVALID}The only Updates for index: {update.name} when TableThroughputMode is "
                "PAY_PER_REQUEST can be to OnDemandThroughput, WarmThroughput"
            )
    elif update.throughput is None and others == (None, None):
        raise ValidationException(
            f"{INVALID}Both ReadCapacityUnits and WriteCapacityUnits must be specified for index: "
            f"{update.name}"
        )


def _check_caps(
    billing_mode: str, name: str, caps: OnDemandThroughput | None, *, removable: bool
) -> None:
    check_on_demand_mode(
        caps, billing_mode, f" for index : {name}", "the table BillingMode is PROVISIONED"
    )
    check_on_demand_range(caps, f"index : {name}", removable=removable)


def _index(table: Table, name: str) -> Index:
    index = table.index(name)
    assert index is not None
    assert index.is_global
    return index
