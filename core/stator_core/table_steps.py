"""From a table as it is to one that is wanted: the next request to make, one at a time.

In: a `DesiredTable` and the table that there is, or None. Out: a `Step`, which is a request of
DynamoDB's own; `Waiting`, while DynamoDB would refuse it because of what is under way; None, where
nothing is left to do. Whoever carries the steps out may stop after any of them: the next is found
from the table alone. Invariants: the core's own checks take each step; from any table to any other
of the same key the steps come to an end; an index whose definition changes is deleted and made
anew, since DynamoDB changes none.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from stator_core.desired_table import DesiredTable
from stator_core.requests.index_definition import IndexDefinition
from stator_core.requests.throughput import Units
from stator_core.table import Index, IndexProjection, Table, Throughput

Members = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Step:
    """A request: its operation by DynamoDB's name, and its body."""

    operation: str
    body: Members


@dataclass(frozen=True, slots=True)
class Waiting:
    """Nothing can be done now; `text` says what is under way."""

    text: str


def contradiction(desired: DesiredTable, present: Table) -> str | None:
    """What is wanted otherwise than it is and cannot be changed, in words; None: nothing is."""
    wanted = desired.create
    if wanted.key_schema != present.key_schema:
        return "the key of a table cannot be changed: it is " + _spoken(present)
    if {_shape(each) for each in wanted.local_indexes} != {
        _shape(each) for each in present.local_indexes
    }:
        names = ", ".join(each.name for each in present.local_indexes) or "none"
        return f"local secondary indexes cannot be changed: there is {names}"
    return None


def next_step(desired: DesiredTable, present: Table | None) -> Step | Waiting | None:
    """What to do next. `contradiction` has found nothing."""
    if present is None:
        return Step("CreateTable", desired.body)
    if present.status in ("CREATING", "DELETING"):
        return Waiting(f"the table is {present.status}")
    for at_once in (_protection, _tags, _time_to_live):
        step = at_once(desired, present)
        if step is not None:
            return step
    steps: tuple[Callable[[DesiredTable, Table], Step | None], ...] = (
        _stream,
        _deleted_index,
        _billing_mode,
        _throughput,
        _index_throughput,
        _created_index,
    )
    for taking_time in steps:
        step = taking_time(desired, present)
        if step is not None:
            return _under_way(present) or step
    return _under_way(present)


# Each of these: the request that brings the table one step nearer in this respect.


def _protection(desired: DesiredTable, present: Table) -> Step | None:
    wanted = desired.create.deletion_protection
    if wanted == present.deletion_protection:
        return None
    return _update(present, {"DeletionProtectionEnabled": wanted})


def _tags(desired: DesiredTable, present: Table) -> Step | None:
    wanted, there = dict(desired.create.tags), dict(present.tags)
    gone = sorted(set(there) - set(wanted))
    if gone:  # First, so that there are never too many.
        return Step("UntagResource", {"ResourceArn": present.arn, "TagKeys": gone})
    changed = [
        {"Key": key, "Value": value} for key, value in wanted.items() if there.get(key) != value
    ]
    if changed:
        return Step("TagResource", {"ResourceArn": present.arn, "Tags": changed})
    return None


def _time_to_live(desired: DesiredTable, present: Table) -> Step | None:
    if desired.expires_by == present.expires_by:
        return None
    enabled = present.expires_by is None
    name = desired.expires_by if enabled else present.expires_by
    specification = {"AttributeName": name, "Enabled": enabled}
    body = {"TableName": present.name, "TimeToLiveSpecification": specification}
    return Step("UpdateTimeToLive", body)


def _stream(desired: DesiredTable, present: Table) -> Step | None:
    wanted = desired.create.stream
    view = None if wanted is None else wanted.view_type
    if view == present.stream_view:
        return None
    if present.stream_view is not None:
        return _update(present, {"StreamSpecification": {"StreamEnabled": False}})
    specification = {"StreamEnabled": True, "StreamViewType": view}
    return _update(present, {"StreamSpecification": specification})


def _deleted_index(desired: DesiredTable, present: Table) -> Step | None:
    wanted = {each.name: each for each in desired.create.global_indexes}
    for index in present.global_indexes:
        definition = wanted.get(index.name)
        if definition is None or _shape(definition) != _shape(index):
            updates = [{"Delete": {"IndexName": index.name}}]
            return _update(present, {"GlobalSecondaryIndexUpdates": updates})
    return None


def _billing_mode(desired: DesiredTable, present: Table) -> Step | None:
    wanted = desired.create
    if wanted.billing_mode == present.billing_mode:
        return None
    changes: Members = {"BillingMode": wanted.billing_mode}
    if wanted.throughput is not None:
        changes["ProvisionedThroughput"] = _units(wanted.throughput)
        updates = [
            {"Update": {"IndexName": each.name, "ProvisionedThroughput": _units(each.throughput)}}
            for each in wanted.global_indexes
            if each.throughput is not None and present.index(each.name) is not None
        ]
        if updates:
            changes["GlobalSecondaryIndexUpdates"] = updates
    return _update(present, changes)


def _throughput(desired: DesiredTable, present: Table) -> Step | None:
    wanted = desired.create.throughput
    if wanted is None or wanted == _units_of(present.throughput):
        return None
    return _update(present, {"ProvisionedThroughput": _units(wanted)})


def _index_throughput(desired: DesiredTable, present: Table) -> Step | None:
    for definition in desired.create.global_indexes:
        index, wanted = present.index(definition.name), definition.throughput
        if index is None or wanted is None or wanted == _units_of(index.throughput):
            continue
        changed = {"IndexName": index.name, "ProvisionedThroughput": _units(wanted)}
        return _update(present, {"GlobalSecondaryIndexUpdates": [{"Update": changed}]})
    return None


def _created_index(desired: DesiredTable, present: Table) -> Step | None:
    for definition in desired.create.global_indexes:
        if present.index(definition.name) is not None:
            continue
        members = next(
            each
            for each in desired.body["GlobalSecondaryIndexes"]
            if each["IndexName"] == definition.name
        )
        attributes = [
            {"AttributeName": each.name, "AttributeType": each.type}
            for each in definition.key_schema.attributes
        ]
        updates = [{"Create": members}]
        return _update(
            present,
            {"AttributeDefinitions": attributes, "GlobalSecondaryIndexUpdates": updates},
        )
    return None


def _under_way(present: Table) -> Waiting | None:
    """What keeps DynamoDB from taking another change, by name."""
    for index in present.global_indexes:
        if index.status != "ACTIVE":
            return Waiting(f"index {index.name} is {index.status}")
    return None if present.status == "ACTIVE" else Waiting(f"the table is {present.status}")


def _update(present: Table, changes: Members) -> Step:
    return Step("UpdateTable", {"TableName": present.name, **changes})


def _units(units: Units) -> Members:
    return {"ReadCapacityUnits": units.read, "WriteCapacityUnits": units.write}


def _units_of(throughput: Throughput) -> Units:
    return Units(throughput.read_capacity_units, throughput.write_capacity_units)


def _shape(index: Index | IndexDefinition) -> tuple[object, ...]:
    """What of an index cannot be changed."""
    return index.name, index.key_schema, _projected(index.projection)


def _projected(projection: IndexProjection) -> tuple[str, frozenset[str]]:
    return projection.type, frozenset(projection.non_key_attributes)


def _spoken(table: Table) -> str:
    return " and ".join(
        f"{each.name} ({each.type}, {kind})"
        for kind, attributes in (("HASH", table.key_schema.hash), ("RANGE", table.key_schema.range))
        for each in attributes
    )
