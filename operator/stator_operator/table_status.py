"""What a Table's status says: DynamoDB's own words, partitions, and conditions that say what to do.

In: what `table_plan.py` was given, what came of it, and the status as it is. Out: the status. Pure.
Invariants: the same world gives the same status; figures that move with every write are written
anew only when they have moved by a tenth, so a busy table does not keep the API server busy.
"""

from __future__ import annotations

from typing import Any

from stator_operator import naming
from stator_operator.conditions import Condition, merged
from stator_operator.figures import shown_figures
from stator_operator.pool_actions import Waiting
from stator_operator.table_object import SupervisorEntry
from stator_operator.table_plan import ObservedTable

Object = dict[str, Any]

# What ends by itself; what else is waited for, a person must change.
PASSING = frozenset({"SupervisorAway", "PoolStarts", "ItemsGo", "Deleting"})


def table_status(
    observed: ObservedTable, waiting: Waiting | None, before: Object, now: str
) -> Object:
    """The status. `before` is the present one, `now` a time in RFC 3339."""
    table, entry = observed.table, observed.entry
    own = entry if entry is not None and entry.object_uid == table.uid else None
    conditions = (
        _accepted(waiting),
        _progressing(own, waiting),
        _replicated(own, waiting),
        _ready(own, waiting),
    )
    status: Object = {"observedGeneration": table.generation, "pool": table.pool}
    if own is not None:
        status |= _described(own) | _figures(own, before)
    elif waiting is not None and waiting.reason == "SupervisorAway":
        status = {**before, **status}  # What was seen last is all that is known.
    if table.storage is not None:
        selector = naming.selector(table.pool, naming.STORAGE)
        status["selector"] = ",".join(f"{key}={value}" for key, value in sorted(selector.items()))
        status["podsPerZone"] = table.storage["podsPerZone"]
    status["conditions"] = merged(conditions, before.get("conditions", []), table.generation, now)
    return status


def _described(entry: SupervisorEntry) -> Object:
    """What DynamoDB says of the table."""
    shown = entry.description
    if shown is None:
        return {}
    counts = entry.partitions
    described: Object = {
        "tableStatus": shown["TableStatus"],
        "tableId": shown["TableId"],
        "tableArn": shown["TableArn"],
        "partitions": {
            "total": counts["total"],
            "leaderless": counts["leaderless"],
            "underReplicated": counts["lacking"],
        },
    }
    if "LatestStreamArn" in shown:
        described["latestStreamArn"] = shown["LatestStreamArn"]
    indexes = [_index(each) for each in shown.get("GlobalSecondaryIndexes", ())]
    if indexes:
        described["globalSecondaryIndexes"] = indexes
    return described


def _index(shown: Object) -> Object:
    status: Object = {"indexName": shown["IndexName"], "indexStatus": shown["IndexStatus"]}
    if "Backfilling" in shown:
        status["backfilling"] = shown["Backfilling"]
    return status


def _figures(entry: SupervisorEntry, before: Object) -> Object:
    if entry.description is None:
        return {}
    found = {
        "itemCount": entry.description["ItemCount"],
        "tableSizeBytes": entry.description["TableSizeBytes"],
    }
    return dict(shown_figures(found, before))


def _accepted(waiting: Waiting | None) -> Condition:
    """Whether what the object wants is what its table is being made to be."""
    if waiting is None or waiting.reason in ("ItemsGo", "Deleting"):
        return Condition("Accepted", True, "Accepted")
    if waiting.reason in PASSING:
        return Condition("Accepted", None, waiting.reason, waiting.message)
    return Condition("Accepted", False, waiting.reason, waiting.message)


def _progressing(own: SupervisorEntry | None, waiting: Waiting | None) -> Condition:
    """Whether something is on its way to what is wanted; and what DynamoDB refuses on it."""
    if own is not None and own.refused is not None:
        error, message = own.refused
        return Condition("Progressing", False, "StepRefused", f"{error}: {message}")
    if waiting is not None:
        passing = waiting.reason in PASSING
        return Condition("Progressing", passing, waiting.reason, waiting.message)
    if own is None:
        return Condition("Progressing", True, "Changing", "the supervisor is told of it")
    if own.is_settled:
        return Condition("Progressing", False, "AsWanted")
    return Condition("Progressing", True, "Changing", own.waiting or "")


def _replicated(own: SupervisorEntry | None, waiting: Waiting | None) -> Condition:
    """Whether every partition has all its replicas."""
    if own is None or own.description is None:
        return _unknown("FullyReplicated", waiting)
    lacking = own.partitions["lacking"]
    if lacking:
        text = f"{lacking} of {own.partitions['total']} partitions lack a replica"
        return Condition("FullyReplicated", False, "ReplicasLacking", text)
    return Condition("FullyReplicated", True, "AllReplicas")


def _ready(own: SupervisorEntry | None, waiting: Waiting | None) -> Condition:
    """Whether clients can read and write every item."""
    if own is None or own.description is None:
        unknown = _unknown("Ready", waiting)
        is_so = None if unknown.reason == "SupervisorAway" else False
        return Condition("Ready", is_so, unknown.reason, unknown.message)
    status, leaderless = own.description["TableStatus"], own.partitions["leaderless"]
    if status not in ("ACTIVE", "UPDATING"):
        return Condition("Ready", False, "NotActive", f"the table is {status}")
    if leaderless:
        text = f"{leaderless} of {own.partitions['total']} partitions have no leader"
        return Condition("Ready", False, "LeadersLacking", text)
    return Condition("Ready", True, "Active")


def _unknown(type_: str, waiting: Waiting | None) -> Condition:
    if waiting is None:
        return Condition(type_, None, "NotMade", "there is no table yet")
    return Condition(type_, None, waiting.reason, waiting.message)
